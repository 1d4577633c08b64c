/* A run by itself, or the runs that the points of a sweep are. */
#include "results/live/live_priv.h"

#include "base/alloc.h"
#include "base/file.h"

#include <stdio.h>
#include <string.h>

/* Ledger rows of one look: some tenths of a second. */
#define LOOK_ROWS 300000

/* Sweeps */

/* The run of a directory among the first n, or n. */
static size_t find_run(const struct res_live *live, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(live->runs[i].label, name) == 0)
            return i;
    return n;
}

static enum fl_status
add_run(struct res_live *live, const char *name, struct fl_error *err)
{
    struct live_run *run = &live->runs[live->n_runs];
    char path[RES_PATH_BYTES], log[32];
    FL_TRY(fl_path_join(live->dir, name, path, sizeof path, err));
    FL_TRY(live_run_init(path, run, err));
    live->n_runs++;
    (void)snprintf(log, sizeof log, "%.12s.log", name);
    FL_TRY(fl_path_join(live->dir, log, path, sizeof path, err));
    run->log = fl_strdup(path);
    return run->log ? FL_OK
                    : fl_fail(err, FL_E_NOMEM, "%s: out of memory", live->dir);
}

static void forget_points(struct res_live *live)
{
    for (size_t i = 0; i < live->n_runs; i++)
        live_run_fini(&live->runs[i]);
    fl_free(live->runs);
    fl_free(live->points);
    fl_free(live->values);
    res_points_fini(&live->table);
    live->runs = NULL;
    live->points = NULL;
    live->values = NULL;
    live->n_runs = live->n_points = 0;
}

static enum fl_status read_points(struct res_live *live, struct fl_error *err)
{
    struct res_points table;
    FL_TRY(res_points_read(live->points_path, &table, err));
    forget_points(live);
    live->table = table;
    size_t n_points = table.n_rows - 1, n_keys = table.n_columns - 2;
    live->runs = fl_calloc(n_points, sizeof *live->runs);
    live->points = fl_calloc(n_points, sizeof *live->points);
    live->values = fl_calloc(n_points * n_keys, sizeof *live->values);
    if (!live->runs || !live->points || !live->values)
        return fl_fail(err, FL_E_NOMEM, "%s: out of memory", live->dir);
    for (size_t p = 0; p < n_points; p++) {
        char **row = &table.cells[(p + 1) * table.n_columns];
        for (size_t k = 0; k < n_keys; k++)
            live->values[p * n_keys + k] = row[2 + k];
        size_t run = find_run(live, live->n_runs, row[1]);
        if (run == live->n_runs)
            FL_TRY(add_run(live, row[1], err));
        live->points[p] = (struct res_live_point){
            .values = &live->values[p * n_keys], .run = run};
        live->n_points++;
    }
    return FL_OK;
}

/* Points are added by a sweep that is started again. */
static enum fl_status look_at_points(struct res_live *live,
                                     bool *acc_has_changed,
                                     struct fl_error *err)
{
    struct live_print print;
    int64_t pid;
    bool was_at_work = live->is_at_work;
    live->is_at_work = live_lock_of(live->lock_path, &pid) == LIVE_LOCK_HELD;
    *acc_has_changed = *acc_has_changed || was_at_work != live->is_at_work;
    live_print_take(live->points_path, &print);
    if (live->points_print.is_there && /* else it is read for its error */
        (!print.is_there || live_print_is_same(&print, &live->points_print)))
        return FL_OK;
    *acc_has_changed = true;
    enum fl_status status = read_points(live, err);
    if (status == FL_OK)
        live->points_print = print;
    return status;
}

/* Both */

static enum fl_status begin_sweep(struct res_live *live, struct fl_error *err)
{
    char path[RES_PATH_BYTES];
    bool has_changed = false;
    live->is_sweep = true;
    FL_TRY(fl_path_join(live->dir, "sweep.lock", path, sizeof path, err));
    live->lock_path = fl_strdup(path);
    if (!live->lock_path)
        return fl_fail(err, FL_E_NOMEM, "%s: out of memory", live->dir);
    return look_at_points(live, &has_changed, err);
}

static enum fl_status begin_run(struct res_live *live, struct fl_error *err)
{
    struct stat info;
    char scenario[RES_PATH_BYTES];
    FL_TRY(fl_path_join(live->dir, "scenario.yaml", scenario, sizeof scenario,
                        err));
    live->runs = fl_calloc(1, sizeof *live->runs);
    if (!live->runs)
        return fl_fail(err, FL_E_NOMEM, "%s: out of memory", live->dir);
    FL_TRY(live_run_init(live->dir, &live->runs[0], err));
    live->n_runs = 1;
    live->runs[0].is_wanted = true;
    if (stat(live->runs[0].path, &info) == 0 || stat(scenario, &info) == 0)
        return FL_OK;
    return fl_fail(err, FL_E_STATE,
                   "%s: there is no run and no sweep: found neither "
                   "run.sqlite nor points.csv",
                   live->dir);
}

static enum fl_status
begin(struct res_live *live, const char *dir, struct fl_error *err)
{
    struct stat info;
    char path[RES_PATH_BYTES];
    FL_TRY(fl_path_join(dir, "points.csv", path, sizeof path, err));
    live->dir = fl_strdup(dir);
    live->points_path = fl_strdup(path);
    if (!live->dir || !live->points_path)
        return fl_fail(err, FL_E_NOMEM, "%s: out of memory", dir);
    return stat(path, &info) == 0 ? begin_sweep(live, err)
                                  : begin_run(live, err);
}

enum fl_status
res_live_create(const char *dir, struct res_live **ret, struct fl_error *err)
{
    struct res_live *live = fl_calloc(1, sizeof *live);
    if (!live)
        return fl_fail(err, FL_E_NOMEM, "%s: out of memory", dir);
    enum fl_status status = begin(live, dir, err);
    if (status == FL_OK)
        *ret = live;
    else
        res_live_destroy(live);
    return status;
}

void res_live_destroy(struct res_live *live)
{
    if (!live)
        return;
    forget_points(live);
    fl_free(live->lock_path);
    fl_free(live->points_path);
    fl_free(live->dir);
    fl_free(live);
}

enum fl_status res_live_look(struct res_live *live,
                             bool *ret_has_changed,
                             bool *ret_is_behind,
                             struct fl_error *err)
{
    struct live_budget budget = {.rows = LOOK_ROWS};
    struct fl_error why = {FL_OK, ""};
    bool has_changed = false, is_behind = false;
    /* A table that is half there is looked at again. */
    if (live->is_sweep &&
        look_at_points(live, &has_changed, &why) == FL_E_NOMEM)
        return fl_fail(err, FL_E_NOMEM, "%s", why.text);
    for (size_t i = 0; i < live->n_runs; i++) {
        FL_TRY(live_run_look(&live->runs[i], &budget, &has_changed, err));
        is_behind = is_behind || live->runs[i].is_behind;
    }
    *ret_has_changed = has_changed;
    if (ret_is_behind)
        *ret_is_behind = is_behind;
    return FL_OK;
}

void res_live_want(struct res_live *live, size_t run)
{
    if (run < live->n_runs)
        live->runs[run].is_wanted = true;
}

const char *res_live_dir(const struct res_live *live)
{
    return live->dir;
}

bool res_live_is_sweep(const struct res_live *live)
{
    return live->is_sweep;
}

size_t res_live_count(const struct res_live *live, enum res_live_state state)
{
    size_t n = 0;
    for (size_t i = 0; i < live->n_runs; i++)
        n += live->runs[i].state == state;
    return n;
}

enum res_live_state res_live_state(const struct res_live *live)
{
    static const enum res_live_state order[] = {RES_LIVE_FAILED, RES_LIVE_STALE,
                                                RES_LIVE_STOPPED};
    if (!live->is_sweep)
        return live->runs[0].state;
    if (live->is_at_work || res_live_count(live, RES_LIVE_RUNNING) > 0)
        return RES_LIVE_RUNNING;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (res_live_count(live, order[i]) > 0)
            return order[i];
    size_t n_finished = res_live_count(live, RES_LIVE_FINISHED);
    if (n_finished == live->n_runs)
        return RES_LIVE_FINISHED;
    return n_finished > 0 ? RES_LIVE_STOPPED : RES_LIVE_LEFT;
}

size_t res_live_n_runs(const struct res_live *live)
{
    return live->n_runs;
}

const struct res_live_run *res_live_run(const struct res_live *live, size_t i)
{
    return i < live->n_runs ? &live->runs[i].view : NULL;
}

size_t res_live_n_points(const struct res_live *live)
{
    return live->n_points;
}

const struct res_live_point *res_live_point(const struct res_live *live,
                                            size_t i)
{
    return i < live->n_points ? &live->points[i] : NULL;
}

size_t res_live_n_keys(const struct res_live *live)
{
    return live->table.n_columns > 2 ? live->table.n_columns - 2 : 0;
}

const char *res_live_key(const struct res_live *live, size_t i)
{
    return i < res_live_n_keys(live) ? live->table.cells[2 + i] : NULL;
}
