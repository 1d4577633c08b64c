#include "bench/nets.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/parse.h"
#include "bench/bench.h"
#include "nn/cpu_profile.h"

#include <inttypes.h>
#include <string.h>

/* A step's first layer: its number, or what its parameters are named after.
 * Returns the number of layers for a step that is none (the loss). */
static size_t first_layer(const struct nn_model *model, const char *name)
{
    size_t n_views = 0, n_layers = nn_model_n_layers(model);
    const struct nn_param_view *views = nn_model_params(model, &n_views);
    size_t length = strlen(name);
    for (size_t i = 0; i < n_views; i++)
        if (!strncmp(views[i].name, name, length) &&
            views[i].name[length] == '.' &&
            !strchr(views[i].name + length + 1, '.'))
            return (size_t)views[i].layer;
    int64_t number;
    if (fl_parse_int(name, 0, (int64_t)n_layers - 1, &number, NULL) == FL_OK)
        return (size_t)number;
    return n_layers;
}

/* FLOP of a sample's step in the layers that "4 conv2d+relu" names. */
static double step_flop(const struct nn_model *model, const char *name)
{
    char first_name[64];
    size_t length = strcspn(name, " ");
    (void)snprintf(first_name, sizeof first_name, "%.*s", (int)length, name);
    size_t first = first_layer(model, first_name), end = first + 1;
    for (const char *at = name + length; *at; at++)
        end += *at == '+';
    double flop = 0;
    bool is_behind_learner = false;
    for (size_t i = 0; i < end && i < nn_model_n_layers(model); i++) {
        struct nn_cost cost = nn_model_layer_cost(model, i, NULL, NULL);
        if (i >= first)
            flop += (is_behind_learner ? 6.0 : 4.0) * (double)cost.macs;
        is_behind_learner |= cost.params > 0;
    }
    return flop;
}

enum { N_PASSES = 3 };
static const enum nn_phase passes[N_PASSES] = {
    NN_PHASE_FORWARD, NN_PHASE_BACKWARD, NN_PHASE_UPDATE};

/* Seconds of each pass of each row in each round. */
struct layer_times {
    size_t n_rows, n_rounds;
    double *pass_s; /* [n_rows][N_PASSES][n_rounds] */
    char *names;    /* '\n' between */
};

static void print_row(const struct bench_task *task,
                      const char *name,
                      const double *pass_s,
                      double peak_flop_per_s)
{
    double sum_s = pass_s[0] + pass_s[1] + pass_s[2];
    double flop = step_flop(task->model, name) * (double)task->batch;
    double flop_per_s = sum_s > 0 ? flop / sum_s : 0;
    printf("# %s,%" PRId64 ",%s,%.2f,%.2f,%.2f,%.1f,%.3f\n", task->net->name,
           task->batch, name, pass_s[0] * 1e6, pass_s[1] * 1e6, pass_s[2] * 1e6,
           flop_per_s * 1e-9, flop_per_s / peak_flop_per_s);
}

static void print_rows(const struct bench_task *task,
                       const struct layer_times *times,
                       double peak_flop_per_s)
{
    printf("# net,batch,step,forward_us,backward_us,update_us,gflop_per_s,"
           "share_of_peak\n");
    const char *at = times->names;
    for (size_t row = 0; row < times->n_rows; row++) {
        char name[128];
        double pass_s[N_PASSES];
        int length = (int)strcspn(at, "\n");
        (void)snprintf(name, sizeof name, "%.*s", length, at);
        for (size_t p = 0; p < N_PASSES; p++)
            pass_s[p] = bench_median(times->pass_s +
                                         (row * N_PASSES + p) * times->n_rounds,
                                     times->n_rounds);
        print_row(task, name, pass_s, peak_flop_per_s);
        at += at[length] ? length + 1 : length;
    }
}

static enum fl_status keep_round(struct layer_times *times,
                                 size_t round,
                                 const struct nn_profile_view *view,
                                 double steps,
                                 struct fl_error *err)
{
    if (!times->names) {
        times->n_rows = view->n_rows - 1; /* row 0 is no layer */
        times->names = fl_strdup(view->layers);
        times->pass_s = fl_calloc(times->n_rows * N_PASSES * times->n_rounds,
                                  sizeof *times->pass_s);
    }
    if (!times->names || !times->pass_s)
        return fl_fail(err, FL_E_NOMEM, "out of memory: times of layers");
    double sum_s = 0;
    for (size_t row = 0; row < times->n_rows; row++) {
        for (size_t p = 0; p < N_PASSES; p++) {
            double pass_s =
                view->time_s[(row + 1) * NN_PHASE_LAST_ + passes[p]];
            times->pass_s[(row * N_PASSES + p) * times->n_rounds + round] =
                pass_s / steps;
            sum_s += pass_s;
        }
    }
    if (!(sum_s > 0))
        return fl_fail(err, FL_E_STATE, "the layers took no time");
    return FL_OK;
}

static enum fl_status run_round(struct bench_task *task,
                                double cpu_s,
                                struct nn_profile *profile,
                                struct layer_times *times,
                                size_t round,
                                struct fl_error *err)
{
    FL_TRY(bench_task_restart(task, err));
    FL_TRY(nn_workspace_profile(task->ws, profile, err));
    nn_profile_lap(profile, NN_PHASE_START, NN_NO_LAYER);
    double start_s = fl_clock_cpu_s(), steps = 0;
    do {
        FL_TRY(bench_task_step(task, err));
        steps++;
    } while (fl_clock_cpu_s() - start_s < cpu_s);
    nn_profile_before_wait(profile, NN_PHASE_OTHER);
    struct nn_profile_view view = nn_profile_read(profile);
    return keep_round(times, round, &view, steps, err);
}

enum fl_status bench_layers_print(struct bench_task *task,
                                  size_t rounds,
                                  double cpu_s,
                                  double peak_flop_per_s,
                                  struct fl_error *err)
{
    struct layer_times times = {.n_rounds = rounds};
    enum fl_status status = FL_OK;
    for (size_t r = 0; status == FL_OK && r < rounds; r++) {
        struct nn_profile *profile = NULL;
        status = nn_profile_create(&profile, err);
        if (status == FL_OK)
            status = run_round(task, cpu_s, profile, &times, r, err);
        if (nn_workspace_profile(task->ws, NULL, NULL) != FL_OK)
            status = fl_fail(err, FL_E_STATE, "the profile cannot be left");
        nn_profile_destroy(profile);
    }
    if (status == FL_OK)
        print_rows(task, &times, peak_flop_per_s);
    fl_free(times.pass_s);
    fl_free(times.names);
    return status;
}
