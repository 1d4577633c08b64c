#include "bench/nets.h"

#include "base/parse.h"
#include "bench/bench.h"

#include <inttypes.h>
#include <string.h>

#define LINE  256
#define WORDS 5

struct request {
    const char *net;
    int64_t batch;
    double momentum, weight_decay, round_s;
};

/* Cuts the line into words; returns how many, WORDS + 1 for too many. */
static int cut(char *line, char *ret_words[WORDS])
{
    int n = 0;
    for (char *at = line + strspn(line, " \n"); *at;
         at += strspn(at, " \n"), n++) {
        if (n == WORDS)
            return WORDS + 1;
        ret_words[n] = at;
        at += strcspn(at, " \n");
        if (*at)
            *at++ = '\0';
    }
    return n;
}

static enum fl_status
read_request(char *line, struct request *ret, struct fl_error *err)
{
    char *word[WORDS] = {NULL};
    int n = cut(line, word);
    *ret = (struct request){.net = word[0]};
    if (n == 2 && !strcmp(word[0], "peak"))
        return fl_parse_double(word[1], 0, 60, &ret->round_s, err);
    if (n != WORDS)
        return fl_fail(err, FL_E_ARG, "a request of %d words, allowed 2 or %d",
                       n, WORDS);
    FL_TRY(fl_parse_int(word[1], 1, 4096, &ret->batch, err));
    FL_TRY(fl_parse_double(word[2], 0, 1, &ret->momentum, err));
    FL_TRY(fl_parse_double(word[3], 0, 1, &ret->weight_decay, err));
    return fl_parse_double(word[4], 0, 60, &ret->round_s, err);
}

/* Whether the task that stands is the one asked for. */
static bool is_same(const struct bench_task *task,
                    const struct bench_net *net,
                    const struct request *request)
{
    return task->net == net && task->batch == request->batch &&
           task->sgd.momentum == request->momentum &&
           task->sgd.weight_decay == request->weight_decay;
}

static enum fl_status answer(struct bench_task *task,
                             const struct request *request,
                             FILE *out,
                             struct fl_error *err)
{
    if (!strcmp(request->net, "peak")) {
        fprintf(out, "ok %.6g\n",
                bench_peak_flop_per_s(NULL, request->round_s));
        return FL_OK;
    }
    const struct bench_net *net = bench_net_find(request->net);
    if (!net)
        return fl_fail(err, FL_E_ARG, "no net named '%s'", request->net);
    if (!bench_net_is_here(net)) {
        fprintf(out, "missing\n");
        return FL_OK;
    }
    if (!is_same(task, net, request)) {
        bench_task_fini(task);
        FL_TRY(bench_task_init(task, net, request->batch, request->momentum,
                               request->weight_decay, err));
    }
    double step_s;
    FL_TRY(bench_task_measure(task, request->round_s, &step_s, err));
    fprintf(out, "ok %.6g %" PRId64 " %.17g\n", (double)request->batch / step_s,
            task->n_params, task->flop);
    return FL_OK;
}

enum fl_status bench_serve(FILE *in, FILE *out, struct fl_error *err)
{
    struct bench_task task = {.net = NULL};
    char line[LINE];
    fprintf(out, "ready OpenBLAS %s, kernels %s\n", nn_blas_kernel(),
            nn_kernel_name());
    while (fflush(out) == 0 && fgets(line, sizeof line, in)) {
        struct request request;
        struct fl_error wrong;
        enum fl_status status = read_request(line, &request, &wrong);
        if (status == FL_OK)
            status = answer(&task, &request, out, &wrong);
        if (status != FL_OK) {
            fprintf(out, "error %s\n", wrong.text);
            bench_task_fini(&task);
            task = (struct bench_task){.net = NULL};
        }
    }
    bench_task_fini(&task);
    if (ferror(out))
        return fl_fail(err, FL_E_IO, "serve: nobody reads the answers");
    return FL_OK;
}
