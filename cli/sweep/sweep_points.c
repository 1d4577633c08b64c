/* From what varies to the runs that it takes. */
#include "cli/sweep/sweep_runs.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/topology.h"
#include "cli/run_dir.h"
#include "results/store.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HASH_DIGITS 12   /* of a directory's name */
#define MAX_ARRAY   1000 /* runs at once, under Slurm */

void cli_sweep_point_text(const struct cli_sweep *sweep,
                          size_t point,
                          char *ret,
                          size_t size)
{
    const struct scn_sweep *points = sweep->points;
    size_t used = 0;
    ret[0] = '\0';
    for (size_t k = 0; k < points->n_keys && used < size; k++) {
        int wrote = snprintf(ret + used, size - used, "%s%s", k ? " " : "",
                             points->sets[point * points->n_keys + k]);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
}

enum fl_status cli_sweep_point_sets(const struct cli_sweep *sweep,
                                    size_t point,
                                    struct cli_sets *ret,
                                    struct fl_error *err)
{
    const struct scn_sweep *points = sweep->points;
    *ret = sweep->opts->subject.sets;
    for (size_t k = 0; k < points->n_keys; k++)
        if (!cli_sets_add(ret, points->sets[point * points->n_keys + k]))
            return fl_fail(err, FL_E_CONFIG, "more than %d keys are set",
                           CLI_MAX_SETS);
    return FL_OK;
}

size_t cli_sweep_count(const struct cli_sweep *sweep, enum cli_run_state state)
{
    size_t n = 0;
    for (size_t i = 0; i < sweep->n_runs; i++)
        n += sweep->runs[i].state == state;
    return n;
}

/* Problems of a point, gathered line by line, each behind what the point is. */
static void print_problems(const struct cli_sweep *sweep,
                           size_t point,
                           const char *problems,
                           const struct fl_error *err)
{
    char text[256];
    cli_sweep_point_text(sweep, point, text, sizeof text);
    const char *from = problems && *problems ? problems : err->text;
    while (*from) {
        int n = (int)strcspn(from, "\n");
        (void)fprintf(stderr, "point %zu (%s): %.*s\n", point + 1, text, n,
                      from);
        from += n + (from[n] == '\n');
    }
}

/* What is in the run's directory already. Finished is what has its exports,
 * too: else the run is begun, and writes them. */
enum fl_status cli_sweep_look(struct cli_sweep_run *run, struct fl_error *err)
{
    struct scn_scenario wanted = {.name = NULL};
    bool is_finished = false;
    char path[4200];
    memcpy(wanted.sha256, run->sha256, sizeof wanted.sha256);
    FL_TRY(res_store_has_begun(run->dir, &run->has_begun, err));
    if (!run->has_begun)
        return FL_OK;
    FL_TRY(cli_run_dir_check_same(&wanted, run->dir, &is_finished, err));
    FL_TRY(fl_path_join(run->dir, "manifest.json", path, sizeof path, err));
    if (is_finished && access(path, F_OK) == 0)
        run->state = CLI_RUN_DONE;
    return FL_OK;
}

static enum fl_status name_files(const struct cli_sweep *sweep,
                                 struct cli_sweep_run *run,
                                 struct fl_error *err)
{
    char name[32], path[4200];
    (void)snprintf(name, sizeof name, "%.*s", HASH_DIGITS, run->sha256);
    FL_TRY(fl_path_join(sweep->out, name, path, sizeof path, err));
    run->dir = fl_strdup(path);
    (void)snprintf(name, sizeof name, "%.*s.log", HASH_DIGITS, run->sha256);
    FL_TRY(fl_path_join(sweep->out, name, path, sizeof path, err));
    run->log = fl_strdup(path);
    return run->dir && run->log
               ? FL_OK
               : fl_fail(err, FL_E_NOMEM, "out of memory: sweep");
}

struct resolving {
    struct cli_sweep *sweep;
    struct coord_speeds speeds;
    bool is_dry;
};

/* A new run for a point that is like none before. */
static enum fl_status add_run(struct resolving *r,
                              size_t point,
                              struct scn_scenario *scenario,
                              FILE *problems,
                              struct fl_error *err)
{
    struct cli_sweep *sweep = r->sweep;
    struct cli_sweep_run *run = &sweep->runs[sweep->n_runs];
    run->point = point;
    memcpy(run->sha256, scenario->sha256, sizeof run->sha256);
    sweep->run_of[point] = sweep->n_runs++;
    FL_TRY(name_files(sweep, run, err));
    FL_TRY(cli_sweep_look(run, err));
    if (run->state == CLI_RUN_DONE && !r->is_dry)
        return FL_OK;
    return coord_forecast(scenario, sweep->opts->data_root,
                          sweep->opts->cache_dir, &r->speeds, problems,
                          &run->estimate, err);
}

static enum fl_status resolve_into(struct resolving *r,
                                   size_t point,
                                   FILE *problems,
                                   struct fl_error *err)
{
    struct cli_sweep *sweep = r->sweep;
    struct cli_sets sets;
    struct scn_scenario *scenario = NULL;
    FL_TRY(cli_sweep_point_sets(sweep, point, &sets, err));
    FL_TRY(cli_load_scenario_into(sweep->opts->subject.file, &sets, problems,
                                  &scenario, err));
    enum fl_status status = FL_OK;
    size_t like = 0;
    if (scenario->account.is_whole)
        status = fl_fail(err, FL_E_CONFIG, "an account trains nothing");
    while (like < sweep->n_runs &&
           strcmp(sweep->runs[like].sha256, scenario->sha256) != 0)
        like++;
    if (status == FL_OK && like < sweep->n_runs)
        sweep->run_of[point] = like;
    else if (status == FL_OK)
        status = add_run(r, point, scenario, problems, err);
    scn_scenario_destroy(scenario);
    return status;
}

static enum fl_status
resolve(struct resolving *r, size_t point, struct fl_error *err)
{
    char *problems = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&problems, &n);
    if (!out)
        return fl_fail(err, FL_E_NOMEM, "out of memory: sweep");
    struct fl_error why = {FL_OK, ""};
    enum fl_status status = resolve_into(r, point, out, &why);
    bool is_whole = fclose(out) == 0;
    if (status != FL_OK)
        print_problems(r->sweep, point, is_whole ? problems : NULL, &why);
    fl_free(problems);
    return status == FL_OK ? FL_OK : fl_fail(err, status, "%s", why.text);
}

/* All of them, that all their problems are said. */
static enum fl_status resolve_all(struct resolving *r, struct fl_error *err)
{
    size_t n_points = r->sweep->points->n_points, n_failed = 0;
    enum fl_status status = FL_OK;
    for (size_t point = 0; point < n_points; point++) {
        struct fl_error why = {FL_OK, ""};
        enum fl_status one = resolve(r, point, &why);
        n_failed += one != FL_OK;
        if (status == FL_OK)
            status = one;
        if (one == FL_E_NOMEM)
            break;
    }
    if (status == FL_OK)
        return FL_OK;
    return fl_fail(err, status, "%zu of %zu points cannot be run; nothing was",
                   n_failed, n_points);
}

static enum fl_status choose_out(struct cli_sweep *sweep, struct fl_error *err)
{
    const char *given = sweep->opts->out;
    int wrote = given ? snprintf(sweep->out, sizeof sweep->out, "%s", given)
                      : snprintf(sweep->out, sizeof sweep->out, "runs/%s-sweep",
                                 sweep->points->name);
    if (wrote < 0 || (size_t)wrote >= sizeof sweep->out - 64)
        return fl_fail(err, FL_E_CONFIG, "--out: path too long");
    return FL_OK;
}

static enum fl_status choose_jobs(struct cli_sweep *sweep, struct fl_error *err)
{
    struct fl_topology *topology = NULL;
    FL_TRY(fl_topology_create(&topology, err));
    int64_t cores = fl_topology_cores(topology);
    fl_topology_destroy(topology);
    int64_t fits = cores / sweep->opts->processes;
    if (sweep->opts->is_slurm) /* it decides */
        fits = MAX_ARRAY;
    sweep->jobs = (int)(sweep->opts->jobs ? sweep->opts->jobs
                        : fits > 0        ? fits
                                          : 1);
    return FL_OK;
}

enum fl_status cli_sweep_create(const struct cli_sweep_opts *opts,
                                struct scn_sweep_opts *vary,
                                bool is_dry,
                                struct cli_sweep **ret,
                                struct fl_error *err)
{
    struct cli_sweep *sweep = fl_calloc(1, sizeof *sweep);
    if (!sweep)
        return fl_fail(err, FL_E_NOMEM, "out of memory: sweep");
    sweep->opts = opts;
    vary->sets = opts->subject.sets.all;
    vary->n_sets = opts->subject.sets.n;
    struct resolving r = {.sweep = sweep, .is_dry = is_dry};
    enum fl_status status =
        scn_sweep_create(opts->subject.file, vary, stderr, &sweep->points, err);
    if (status != FL_OK) { /* said already, with its place */
        fl_free(sweep);
        return fl_fail(err, status, "%s: not a sweep", opts->subject.file);
    }
    sweep->runs = fl_calloc(sweep->points->n_points, sizeof *sweep->runs);
    sweep->run_of = fl_calloc(sweep->points->n_points, sizeof *sweep->run_of);
    if (!sweep->runs || !sweep->run_of)
        status = fl_fail(err, FL_E_NOMEM, "out of memory: sweep");
    if (status == FL_OK)
        status = choose_out(sweep, err);
    if (status == FL_OK)
        status = choose_jobs(sweep, err);
    if (status == FL_OK)
        status = resolve_all(&r, err);
    if (status != FL_OK) {
        cli_sweep_destroy(sweep);
        return status;
    }
    *ret = sweep;
    return FL_OK;
}

void cli_sweep_destroy(struct cli_sweep *sweep)
{
    if (!sweep)
        return;
    for (size_t i = 0; i < sweep->n_runs; i++) {
        fl_free(sweep->runs[i].dir);
        fl_free(sweep->runs[i].log);
    }
    fl_free(sweep->runs);
    fl_free(sweep->run_of);
    scn_sweep_destroy(sweep->points);
    fl_free(sweep);
}
