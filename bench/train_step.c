/* Training steps per second of each net, one thread, after a warm-up.
 *
 *     bench_train_step [OPTION...] [NET [BATCH]]
 *
 *     --momentum M, --weight-decay D   of SGD, both 0 unless given
 *     --layers     also every step of the plan, as comment lines
 *     --rounds N   odd, 5 unless given; figures are medians of so many
 *     --seconds S  CPU seconds of a round, 0.2 unless given
 *     --smoke      one step of everything
 *     --serve      answers requests on its input, see nets.h
 *
 * Prints CSV: net, input, batch, us_per_step, samples_per_s, gflop_per_s, peak
 * of this core in the same rounds and the share of it. 6 FLOP are counted per
 * multiply-accumulate of a forward pass: forward and both backwards; the first
 * layer's input gradient, which nobody computes, is counted out. Time is CPU
 * time; each round starts from fresh parameters. NET is a net or a model. */
#include "base/parse.h"
#include "bench/bench.h"
#include "bench/nets.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ROUNDS 99

struct options {
    const char *only;
    int64_t only_batch, rounds;
    double momentum, weight_decay, round_s;
    bool is_smoke, has_layers, is_server;
};

static enum fl_status
read_number(const char *text, double max, double *ret, struct fl_error *err)
{
    if (!text)
        return fl_fail(err, FL_E_ARG, "an option lacks its value");
    return fl_parse_double(text, 0, max, ret, err);
}

static enum fl_status
read_options(struct options *o, char **argv, struct fl_error *err)
{
    for (char **at = argv + 1; *at; at++) {
        double rounds = 0;
        if (!strcmp(*at, "--smoke"))
            o->is_smoke = true;
        else if (!strcmp(*at, "--layers"))
            o->has_layers = true;
        else if (!strcmp(*at, "--serve"))
            o->is_server = true;
        else if (!strcmp(*at, "--momentum"))
            FL_TRY(read_number(*++at, 1, &o->momentum, err));
        else if (!strcmp(*at, "--weight-decay"))
            FL_TRY(read_number(*++at, 1, &o->weight_decay, err));
        else if (!strcmp(*at, "--seconds"))
            FL_TRY(read_number(*++at, 60, &o->round_s, err));
        else if (!strcmp(*at, "--rounds")) {
            FL_TRY(read_number(*++at, MAX_ROUNDS, &rounds, err));
            o->rounds = (int64_t)rounds | 1;
        } else if (!o->only && **at != '-')
            o->only = *at;
        else if (!o->only_batch && **at != '-')
            FL_TRY(fl_parse_int(*at, 1, 4096, &o->only_batch, err));
        else
            return fl_fail(err, FL_E_ARG, "unknown option '%s'", *at);
    }
    if (o->is_smoke) {
        o->rounds = 1;
        o->round_s = 0;
    }
    return FL_OK;
}

static void print_net(const struct bench_net *net,
                      const struct bench_task *task,
                      double step_s,
                      double peak_flop_per_s)
{
    char shape[64];
    nn_shape_text(&net->input, shape);
    double samples_per_s = (double)task->batch / step_s;
    double flop_per_s = task->flop * samples_per_s;
    printf("%s,%s,%" PRId64 ",%.2f,%.0f,%.1f,%.1f,%.3f\n", net->name, shape,
           task->batch, step_s * 1e6, samples_per_s, flop_per_s * 1e-9,
           peak_flop_per_s * 1e-9, flop_per_s / peak_flop_per_s);
}

static enum fl_status run_net(const struct bench_net *net,
                              int64_t batch,
                              const struct options *o,
                              struct fl_error *err)
{
    struct bench_task task;
    double step_s[MAX_ROUNDS], peak[MAX_ROUNDS];
    enum fl_status status =
        bench_task_init(&task, net, batch, o->momentum, o->weight_decay, err);
    for (int64_t r = 0; status == FL_OK && r < o->rounds; r++) {
        peak[r] = bench_peak_flop_per_s(NULL, o->round_s / 10);
        status = bench_task_measure(&task, o->round_s, &step_s[r], err);
    }
    if (status == FL_OK) {
        double peak_flop_per_s = bench_median(peak, (size_t)o->rounds);
        print_net(net, &task, bench_median(step_s, (size_t)o->rounds),
                  peak_flop_per_s);
        if (o->has_layers)
            status = bench_layers_print(&task, (size_t)o->rounds, o->round_s,
                                        peak_flop_per_s, err);
    }
    (void)fflush(stdout);
    bench_task_fini(&task);
    return status;
}

static enum fl_status run_nets(const struct options *o, struct fl_error *err)
{
    static const int64_t batches[] = {10, 20, 32};
    bool is_known = !o->only;
    bench_print_machine();
    printf("# momentum: %g\n# weight_decay: %g\n", o->momentum,
           o->weight_decay);
    printf("net,input,batch,us_per_step,samples_per_s,gflop_per_s,"
           "peak_gflop_per_s,share_of_peak\n");
    for (const struct bench_net *net = bench_nets; net->name; net++) {
        if (o->only && strcmp(o->only, net->name) != 0 &&
            strcmp(o->only, net->model) != 0)
            continue;
        is_known = true;
        if (!bench_net_is_here(net)) {
            printf("# %s: not in this build\n", net->name);
            continue;
        }
        for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++) {
            if ((o->only_batch || o->is_smoke) && i > 0)
                break;
            int64_t batch = o->only_batch ? o->only_batch : batches[i];
            FL_TRY(run_net(net, batch, o, err));
        }
    }
    if (!is_known)
        return fl_fail(err, FL_E_ARG, "no net named '%s'", o->only);
    return FL_OK;
}

int main(int argc, char **argv)
{
    struct options options = {.rounds = 5, .round_s = 0.2};
    struct fl_error err;
    (void)argc;
    enum fl_status status = read_options(&options, argv, &err);
    if (status == FL_OK)
        status = options.is_server ? bench_serve(stdin, stdout, &err)
                                   : run_nets(&options, &err);
    if (status != FL_OK) {
        fprintf(stderr, "bench_train_step: %s\n", err.text);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
