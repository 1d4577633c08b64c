#include "nn/cpu_profile_priv.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *doc;
} phases[] = {
    [NN_PHASE_FORWARD] = {"forward", "Forward passes of training and the "
                                     "loss."},
    [NN_PHASE_BACKWARD] = {"backward", "Backward passes, with the update where "
                                       "a layer does both in one."},
    [NN_PHASE_UPDATE] = {"update", "The optimiser's step."},
    [NN_PHASE_EVALUATE] = {"evaluate", "Forward passes on test samples."},
    [NN_PHASE_DATA] = {"data", "Order, gathering, normalising and augmenting "
                               "of samples."},
    [NN_PHASE_COPY] = {"copy", "Copying the model that a client starts from."},
    [NN_PHASE_SUM] = {"sum", "Adding updates exactly."},
    [NN_PHASE_SERVER] = {"server", "Merging sums, the strategy's step."},
    [NN_PHASE_DISPATCH] = {"dispatch", "Selecting clients, handing out work, "
                                       "taking results."},
    [NN_PHASE_LEDGER] = {"ledger", "Accounting, checkpoints, the run store."},
    [NN_PHASE_RECEIVE] = {"receive", "Taking in messages."},
    [NN_PHASE_SEND] = {"send", "Giving out messages."},
    [NN_PHASE_TRANSPORT] = {"transport", "Threads of the transport."},
    [NN_PHASE_OTHER] = {"other", "Everything else between the first and the "
                                 "last work."},
    [NN_PHASE_START] = {"start", "Until the first work: scenario, data, "
                                 "memory."},
    [NN_PHASE_END] = {"end", "After the last work: writing results."},
    [NN_PHASE_WAIT] = {"wait", "Waiting for messages or the disk (wall time)."},
    [NN_PHASE_OFF_CORE] = {"off_core", "Without a core, or reading pages of "
                                       "files (wall time)."},
};
_Static_assert(sizeof phases / sizeof phases[0] == NN_PHASE_LAST_,
               "every phase needs a name");

/* What laps and waits add up to. */
struct cell {
    double lap_wall_s;
    double cpu_s; /* measured, in waits */
    int64_t calls;
};

struct nn_profile {
    double start_wall_s, start_process_cpu_s, start_cpu_s;
    double lap_s;  /* when the last lap ended, wall */
    double sync_s; /* CPU time of the thread when it was last read */
    /* Of all laps together. */
    double laps_wall_s, laps_cpu_s;
    double wait_s;
    int64_t waits;
    size_t n_rows;
    struct cell *cells; /* [n_rows][NN_PHASE_LAST_] */
    char *layers;
    double *time_s; /* what nn_profile_read hands out */
    int64_t *calls;
};

const char *nn_phase_name(enum nn_phase phase)
{
    return (unsigned)phase < NN_PHASE_LAST_ ? phases[phase].name : "unknown";
}

const char *nn_phase_doc(enum nn_phase phase)
{
    return (unsigned)phase < NN_PHASE_LAST_ ? phases[phase].doc : "";
}

size_t nn_profile_n_rows(const char *layers)
{
    size_t n = 1;
    for (const char *at = layers; at && *at; n++) {
        const char *end = strchr(at, '\n');
        at = end ? end + 1 : "";
    }
    return n;
}

enum fl_status nn_profile_name_layers(struct nn_profile *profile,
                                      const char *names,
                                      struct fl_error *err)
{
    if (!profile)
        return FL_OK;
    size_t n_rows = nn_profile_n_rows(names), n = n_rows * NN_PHASE_LAST_;
    struct cell *cells = fl_calloc(n, sizeof *cells);
    double *time_s = fl_calloc(n, sizeof *time_s);
    int64_t *calls = fl_calloc(n, sizeof *calls);
    char *layers = fl_strdup(names);
    if (!cells || !time_s || !calls || !layers) {
        fl_free(cells);
        fl_free(time_s);
        fl_free(calls);
        fl_free(layers);
        return fl_fail(err, FL_E_NOMEM, "out of memory: profile");
    }
    if (profile->cells) /* row 0 goes on */
        memcpy(cells, profile->cells, NN_PHASE_LAST_ * sizeof *cells);
    fl_free(profile->cells);
    fl_free(profile->time_s);
    fl_free(profile->calls);
    fl_free(profile->layers);
    profile->cells = cells;
    profile->time_s = time_s;
    profile->calls = calls;
    profile->layers = layers;
    profile->n_rows = n_rows;
    return FL_OK;
}

/* "0 conv2d+maxpool2d+relu": the first layer of a step, and what it does. */
static void
print_step(FILE *out, const struct nn_model *model, const struct nn_step *step)
{
    (void)fprintf(out, "%s ", model->layers[step->layer_index].name);
    if (step->n_layers == 1) {
        (void)fprintf(out, "%s\n", step->type->name);
        return;
    }
    const struct nn_fused_opts *fused = step->opts;
    for (size_t i = 0; i < step->n_layers; i++)
        (void)fprintf(out, "%s%s", i ? "+" : "", fused->part[i]->type->name);
    (void)fputc('\n', out);
}

enum fl_status nn_profile_name_steps(struct nn_profile *profile,
                                     const struct nn_model *model,
                                     const struct nn_plan *plan,
                                     struct fl_error *err)
{
    char *names = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&names, &n);
    if (!out)
        return fl_fail(err, FL_E_NOMEM, "out of memory: names of layers");
    for (size_t s = 0; s < plan->n_steps; s++)
        print_step(out, model, &plan->steps[s]);
    (void)fputs("loss cross_entropy", out);
    enum fl_status status =
        fclose(out) == 0
            ? nn_profile_name_layers(profile, names, err)
            : fl_fail(err, FL_E_NOMEM, "out of memory: names of layers");
    fl_free(names);
    return status;
}

enum fl_status nn_profile_create(struct nn_profile **ret, struct fl_error *err)
{
    struct nn_profile *profile = fl_calloc(1, sizeof *profile);
    if (!profile)
        return fl_fail(err, FL_E_NOMEM, "out of memory: profile");
    enum fl_status status = nn_profile_name_layers(profile, "", err);
    if (status != FL_OK) {
        fl_free(profile);
        return status;
    }
    profile->start_wall_s = profile->lap_s = fl_clock_wall_s();
    profile->start_process_cpu_s = fl_clock_cpu_s();
    profile->start_cpu_s = profile->sync_s = fl_clock_thread_cpu_s();
    struct cell *start = &profile->cells[NN_PHASE_START];
    start->cpu_s = profile->start_process_cpu_s;
    start->calls = 1;
    *ret = profile;
    return FL_OK;
}

void nn_profile_destroy(struct nn_profile *profile)
{
    if (!profile)
        return;
    fl_free(profile->cells);
    fl_free(profile->time_s);
    fl_free(profile->calls);
    fl_free(profile->layers);
    fl_free(profile);
}

void nn_profile_book(struct nn_profile *profile,
                     enum nn_phase phase,
                     size_t layer)
{
    double now = fl_clock_wall_s();
    double lap = now - profile->lap_s;
    assert(layer < profile->n_rows);
    struct cell *cell = &profile->cells[layer * NN_PHASE_LAST_ + phase];
    cell->lap_wall_s += lap;
    cell->calls++;
    profile->laps_wall_s += lap;
    profile->lap_s = now;
}

/* CPU time since it was last read is that of laps. */
static void sync_laps(struct nn_profile *profile)
{
    double now = fl_clock_thread_cpu_s();
    profile->laps_cpu_s += now - profile->sync_s;
    profile->sync_s = now;
}

void nn_profile_before_wait(struct nn_profile *profile, enum nn_phase phase)
{
    if (!profile)
        return;
    nn_profile_book(profile, phase, NN_NO_LAYER);
    sync_laps(profile);
}

void nn_profile_after_wait(struct nn_profile *profile, enum nn_phase phase)
{
    if (!profile)
        return;
    double cpu_now = fl_clock_thread_cpu_s(), now = fl_clock_wall_s();
    double cpu = cpu_now - profile->sync_s, wall = now - profile->lap_s;
    struct cell *cell = &profile->cells[phase];
    cell->cpu_s += cpu;
    cell->calls++;
    if (wall > cpu)
        profile->wait_s += wall - cpu;
    profile->waits++;
    profile->sync_s = cpu_now;
    profile->lap_s = now;
}

struct nn_profile_view nn_profile_read(struct nn_profile *profile)
{
    double transport_s = (fl_clock_cpu_s() - profile->start_process_cpu_s) -
                         (fl_clock_thread_cpu_s() - profile->start_cpu_s);
    double share = profile->laps_wall_s > 0
                       ? profile->laps_cpu_s / profile->laps_wall_s
                       : 0;
    double off_core_s = profile->laps_wall_s - profile->laps_cpu_s;
    for (size_t i = 0; i < profile->n_rows * NN_PHASE_LAST_; i++) {
        const struct cell *cell = &profile->cells[i];
        profile->time_s[i] = cell->cpu_s + cell->lap_wall_s * share;
        profile->calls[i] = cell->calls;
    }
    profile->time_s[NN_PHASE_TRANSPORT] = transport_s > 0 ? transport_s : 0;
    profile->time_s[NN_PHASE_WAIT] = profile->wait_s;
    profile->calls[NN_PHASE_WAIT] = profile->waits;
    profile->time_s[NN_PHASE_OFF_CORE] = off_core_s > 0 ? off_core_s : 0;
    return (struct nn_profile_view){
        .layers = profile->layers,
        .time_s = profile->time_s,
        .calls = profile->calls,
        .n_rows = profile->n_rows,
        .wall_s = profile->lap_s - profile->start_wall_s,
        .peak_bytes = fl_alloc_peak_bytes(),
    };
}
