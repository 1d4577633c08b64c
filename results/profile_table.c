#include "results/profile_table.h"

#include "base/alloc.h"
#include "base/file.h"
#include "results/res_text.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#define MAX_TEXT ((size_t)1 << 26)
/* More processes than that are in profile.csv alone. */
#define MAX_SHOWN 16

/* The columns of the table of processes; each phase of a round is in one. */
static const struct column {
    const char *title;
    unsigned phases; /* bits */
} columns[] = {
#define BIT(phase) (1u << NN_PHASE_##phase)
    {"forward", BIT(FORWARD)},
    {"backward", BIT(BACKWARD)},
    {"update", BIT(UPDATE)},
    {"evaluate", BIT(EVALUATE)},
    {"data", BIT(DATA)},
    {"sum", BIT(COPY) | BIT(SUM)},
    {"server", BIT(SERVER) | BIT(DISPATCH) | BIT(LEDGER)},
    {"messages", BIT(RECEIVE) | BIT(SEND) | BIT(TRANSPORT)},
    {"other", BIT(OTHER)},
};
#define N_COLUMNS (sizeof columns / sizeof columns[0])
/* The ones that a simulation is there for. */
#define WORK   (BIT(FORWARD) | BIT(BACKWARD) | BIT(UPDATE) | BIT(EVALUATE))
#define ROUNDS ((1u << NN_PHASE_START) - 1)

static double
row_time_s(const struct nn_profile_view *view, size_t row, unsigned phases)
{
    double sum_s = 0;
    for (size_t p = 0; p < NN_PHASE_LAST_; p++)
        if (phases & 1u << p)
            sum_s += view->time_s[row * NN_PHASE_LAST_ + p];
    return sum_s;
}

static double time_s(const struct nn_profile_view *view, unsigned phases)
{
    double sum_s = 0;
    for (size_t row = 0; row < view->n_rows; row++)
        sum_s += row_time_s(view, row, phases);
    return sum_s;
}

static double
total_s(const struct res_process *processes, size_t n, unsigned phases)
{
    double sum_s = 0;
    for (size_t i = 0; i < n; i++)
        sum_s += time_s(&processes[i].view, phases);
    return sum_s;
}

static double percent(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : 0;
}

/* The name of layer `i` in names, with its length. */
static const char *layer_name(const char *names, size_t i, int *ret_length)
{
    const char *at = names;
    for (; i > 0; i--) {
        const char *end = strchr(at, '\n');
        assert(end);
        at = end + 1;
    }
    *ret_length = (int)strcspn(at, "\n");
    return at;
}

static void
put_csv(struct res_text *out, const struct res_process *processes, size_t n)
{
    res_text_put(out, "process,phase,layer,calls,cpu_s,wall_s,peak_bytes\n");
    for (size_t i = 0; i < n; i++) {
        const struct nn_profile_view *view = &processes[i].view;
        res_text_add(out, "%s,all,,,,%.9f,%lld\n", processes[i].name,
                     view->wall_s, (long long)view->peak_bytes);
        for (size_t cell = 0; cell < view->n_rows * NN_PHASE_LAST_; cell++) {
            size_t row = cell / NN_PHASE_LAST_, phase = cell % NN_PHASE_LAST_;
            int length = 0;
            const char *layer =
                row ? layer_name(view->layers, row - 1, &length) : "";
            bool is_cpu = phase < NN_PHASE_WAIT;
            if (view->calls[cell] == 0 && !(view->time_s[cell] > 0))
                continue;
            res_text_add(out, "%s,%s,%.*s,%lld,", processes[i].name,
                         nn_phase_name((enum nn_phase)phase), length, layer,
                         (long long)view->calls[cell]);
            res_text_add(out, is_cpu ? "%.9f,,\n" : ",%.9f,\n",
                         view->time_s[cell]);
        }
    }
}

static void
put_head(struct res_text *out, const struct res_process *processes, size_t n)
{
    double rounds_s = total_s(processes, n, ROUNDS);
    double work_s = total_s(processes, n, WORK);
    double training_s = work_s - total_s(processes, n, BIT(EVALUATE));
    res_text_add(out,
                 "profile: %.1f %% of the rounds' CPU time is in forward, "
                 "backward and update (training %.1f %%, evaluation %.1f %%)\n",
                 percent(work_s, rounds_s), percent(training_s, rounds_s),
                 percent(work_s - training_s, rounds_s));
    res_text_add(out,
                 "CPU time of all processes: rounds %.3f s, start %.3f s, end "
                 "%.3f s\n\n",
                 rounds_s, total_s(processes, n, BIT(START)),
                 total_s(processes, n, BIT(END)));
}

static void put_process(struct res_text *out, const struct res_process *process)
{
    const struct nn_profile_view *view = &process->view;
    double rounds_s = time_s(view, ROUNDS);
    res_text_pad(out, process->name, 13, true);
    res_text_add(out, "%9.3f%9.3f", view->wall_s, rounds_s);
    for (size_t c = 0; c < N_COLUMNS; c++)
        res_text_add(out, "%10.2f",
                     percent(time_s(view, columns[c].phases), rounds_s));
    res_text_add(out, "%9.3f%9.3f%9.3f%8.0f\n", time_s(view, BIT(START)),
                 time_s(view, BIT(WAIT)), time_s(view, BIT(OFF_CORE)),
                 (double)view->peak_bytes / 1e6);
}

static void put_processes(struct res_text *out,
                          const struct res_process *processes,
                          size_t n)
{
    res_text_add(out, "%-13s%9s%9s", "process", "wall", "rounds");
    for (size_t c = 0; c < N_COLUMNS; c++)
        res_text_add(out, "%10s", columns[c].title);
    res_text_add(out, "%9s%9s%9s%8s\n", "start", "wait", "off core", "memory");
    res_text_add(out, "%-13s%9s%9s", "", "s", "CPU s");
    for (size_t c = 0; c < N_COLUMNS; c++)
        res_text_add(out, "%10s", "%");
    res_text_add(out, "%9s%9s%9s%8s\n", "CPU s", "s", "s", "MB");
    for (size_t i = 0; i < n && i < MAX_SHOWN; i++)
        put_process(out, &processes[i]);
    if (n > MAX_SHOWN)
        res_text_add(out, "and %zu more in profile.csv\n", n - MAX_SHOWN);
    double rounds_s = total_s(processes, n, ROUNDS);
    res_text_add(out, "%-13s%9s%9.3f", "all", "", rounds_s);
    for (size_t c = 0; c < N_COLUMNS; c++)
        res_text_add(
            out, "%10.2f",
            percent(total_s(processes, n, columns[c].phases), rounds_s));
    res_text_put(out, "\n");
}

/* One layer over all processes that have it; they all run the same plan. */
static void put_layer(struct res_text *out,
                      const struct res_process *processes,
                      size_t n,
                      const char *layers,
                      size_t row)
{
    static const enum nn_phase shown[] = {NN_PHASE_FORWARD, NN_PHASE_BACKWARD,
                                          NN_PHASE_UPDATE, NN_PHASE_EVALUATE};
    double rounds_s = total_s(processes, n, ROUNDS), layer_s = 0;
    int length = 0;
    const char *name = layer_name(layers, row - 1, &length);
    res_text_add(out, "%-36.*s", length, name);
    for (size_t p = 0; p < sizeof shown / sizeof shown[0]; p++) {
        double sum_s = 0;
        for (size_t i = 0; i < n; i++)
            if (row < processes[i].view.n_rows)
                sum_s += row_time_s(&processes[i].view, row, 1u << shown[p]);
        res_text_add(out, "%11.4f", sum_s);
        layer_s += sum_s;
    }
    res_text_add(out, "%9.2f\n", percent(layer_s, rounds_s));
}

static void
put_layers(struct res_text *out, const struct res_process *processes, size_t n)
{
    const struct nn_profile_view *view = NULL;
    for (size_t i = 0; i < n && !view; i++)
        if (processes[i].view.n_rows > 1)
            view = &processes[i].view;
    if (!view)
        return;
    res_text_add(out, "\n%-36s%11s%11s%11s%11s%9s\n", "layer", "forward",
                 "backward", "update", "evaluate", "share");
    res_text_add(out, "%-36s%11s%11s%11s%11s%9s\n", "", "CPU s", "CPU s",
                 "CPU s", "CPU s", "%");
    for (size_t row = 1; row < view->n_rows; row++)
        put_layer(out, processes, n, view->layers, row);
}

static enum fl_status write_text(const char *dir,
                                 const char *name,
                                 const struct res_text *text,
                                 struct fl_error *err)
{
    char path[4096];
    FL_TRY(res_text_check(text, err));
    FL_TRY(fl_path_join(dir, name, path, sizeof path, err));
    return fl_file_write(path, res_text_get(text), text->n, err);
}

enum fl_status res_profile_export(const char *dir,
                                  const struct res_process *processes,
                                  size_t n,
                                  struct fl_error *err)
{
    struct res_text text = {0};
    put_csv(&text, processes, n);
    enum fl_status status = write_text(dir, "profile.csv", &text, err);
    if (status == FL_OK) {
        res_text_clear(&text);
        put_head(&text, processes, n);
        put_processes(&text, processes, n);
        put_layers(&text, processes, n);
        status = write_text(dir, "profile.txt", &text, err);
    }
    res_text_fini(&text);
    return status;
}

enum fl_status
res_profile_print(const char *dir, FILE *out, struct fl_error *err)
{
    char path[4096];
    uint8_t *text = NULL;
    size_t n = 0;
    FL_TRY(fl_path_join(dir, "profile.txt", path, sizeof path, err));
    FL_TRY(fl_file_read(path, MAX_TEXT, &text, &n, err));
    enum fl_status status =
        fputc('\n', out) != EOF && fwrite(text, 1, n, out) == n
            ? FL_OK
            : fl_fail_errno(err, FL_E_IO, "cannot print the profile");
    fl_free(text);
    return status;
}
