#include "cli/account_run.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "cli/version.h"
#include "coordinator/rows.h"
#include "results/store.h"
#include "results/uncertain.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct book {
    const struct scn_scenario *scenario;
    struct res_store *store;
    double *end_s; /* by arm */
};

static enum fl_status store_zones(struct book *book, struct fl_error *err)
{
    const struct carbon_grid *grid = book->scenario->grid;
    for (size_t i = 0; i < carbon_grid_n_zones(grid); i++) {
        const char *zone = carbon_grid_zone_name(grid, (int32_t)i);
        struct carbon_fact intensity;
        char name[128];
        FL_TRY(res_store_add_zone(book->store, (int32_t)i, zone, err));
        FL_TRY(carbon_grid_fact(grid, (int32_t)i, &intensity, err));
        (void)snprintf(name, sizeof name, "carbon.grid.zones.%.80s", zone);
        FL_TRY(res_store_add_fact(book->store, name, "gCO2e/kWh", &intensity,
                                  err));
    }
    return FL_OK;
}

/* Named texts */

/* "annual", "hourly trace.csv": its kind, and a trace by its file's name. */
static void grid_text(const struct scn_scenario *scenario, char ret[128])
{
    const struct fl_node *root = fl_config_root(scenario->config);
    const struct fl_node *grid =
        fl_node_find(fl_node_find(root, "carbon"), "grid");
    const struct fl_node *kind = fl_node_find(grid, "kind");
    const struct fl_node *trace = fl_node_find(grid, "trace");
    const char *file = trace ? strrchr(trace->text, '/') : NULL;
    (void)snprintf(ret, 128, "%.40s%s%.80s", kind ? kind->text : "",
                   file ? " " : "", file ? file + 1 : "");
}

static enum fl_status scenario_text(const struct scn_scenario *scenario,
                                    char **ret,
                                    struct fl_error *err)
{
    size_t n = 0;
    FILE *out = open_memstream(ret, &n);
    if (!out)
        return fl_fail(err, FL_E_NOMEM, "out of memory: scenario");
    scn_scenario_emit(scenario, out);
    return fclose(out) == 0
               ? FL_OK
               : fl_fail(err, FL_E_NOMEM, "out of memory: scenario");
}

static enum fl_status store_texts(struct book *book,
                                  const char *scenario,
                                  const char *command,
                                  struct fl_error *err)
{
    const struct scn_scenario *s = book->scenario;
    char grid[128], seed[32], now[21];
    fl_clock_utc(now);
    grid_text(s, grid);
    (void)snprintf(seed, sizeof seed, "%lld", (long long)s->seed);
    const struct {
        const char *key, *value;
    } texts[] = {
        {"scenario", scenario},
        {"scenario_name", s->name},
        {"scenario_sha256", s->sha256},
        {"grid", grid},
        {"preset", s->preset.name},
        {"attribution", carbon_attribution_name(s->preset.attribution)},
        {"leaves_out", s->preset.leaves_out},
        {"boundary", scn_boundary_name(s->boundary)},
        {"seed", seed},
        {"command", command},
        {"version", cli_version},
        {"commit", cli_commit},
        {"compiler", cli_compiler},
        {"build_type", cli_build_type},
        {"libraries", cli_libraries},
        {"started_utc", now},
        {"ended_utc", now},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        FL_TRY(res_store_set(book->store, texts[i].key, texts[i].value, err));
    return res_store_set_gsd(book->store, s->default_gsd, err);
}

/* Arms */

static enum fl_status store_arms(struct book *book, struct fl_error *err)
{
    const struct scn_account *account = &book->scenario->account;
    for (size_t i = 0; i < account->n_arms; i++)
        FL_TRY(res_store_add_arm(
            book->store,
            &(struct res_arm){.arm = (int32_t)i, .name = account->arms[i]},
            err));
    return FL_OK;
}

/* Nothing was trained: no accuracy, no rounds. */
static enum fl_status store_outcomes(struct book *book, struct fl_error *err)
{
    for (size_t i = 0; i < book->scenario->account.n_arms; i++)
        FL_TRY(res_store_set_outcome(
            book->store,
            &(struct res_outcome){.arm = (int32_t)i,
                                  .accuracy = (double)NAN,
                                  .loss = (double)NAN,
                                  .sim_time_s = book->end_s[i]},
            err));
    return FL_OK;
}

static enum fl_status
fill(struct book *book, const char *command, struct fl_error *err)
{
    char *text = NULL;
    enum fl_status status = scenario_text(book->scenario, &text, err);
    if (status == FL_OK)
        status = store_texts(book, text, command, err);
    fl_free(text);
    if (status != FL_OK)
        return status;
    FL_TRY(store_arms(book, err));
    FL_TRY(store_zones(book, err));
    FL_TRY(
        coord_rows_store(book->scenario, book->store, NULL, book->end_s, err));
    FL_TRY(store_outcomes(book, err));
    return res_store_finish(book->store, err);
}

enum fl_status cli_account_run(const struct scn_scenario *scenario,
                               const char *dir,
                               const char *file,
                               const struct cli_sets *sets,
                               struct fl_error *err)
{
    struct book book = {.scenario = scenario};
    char *command = cli_command_text("account", file, sets);
    book.end_s = fl_calloc(scenario->account.n_arms, sizeof book.end_s[0]);
    if (!command || !book.end_s) {
        fl_free(command);
        fl_free(book.end_s);
        return fl_fail(err, FL_E_NOMEM, "out of memory: %s", file);
    }
    enum fl_status status = res_store_create(dir, RES_CREATE, &book.store, err);
    if (status == FL_OK)
        status = fill(&book, command, err);
    res_store_destroy(book.store);
    fl_free(command);
    fl_free(book.end_s);
    return status;
}
