#include "scenarios/scenario.h"

#include "base/alloc.h"
#include "base/sha256.h"
#include "scenarios/scenario_priv.h"
#include "scenarios/sweep.h"

#include <string.h>

static bool has_key(const struct fl_node *map, const char *key)
{
    return fl_node_find(map, key) != NULL;
}

static void take_data(struct scn_load *load)
{
    struct scn_scenario *s = load->scenario;
    const struct scn_raw *raw = &load->raw;
    s->clients = raw->data.clients;
    s->normalize = (enum nn_normalize)raw->data.normalize;
    s->augment = raw->data.augment;
    s->model = raw->model;
    s->data_root = raw->data.root;
    s->partition = raw->data.partition;
    const struct fl_node *data = fl_node_find(load->root, "data");
    if (data && data->kind == FL_NODE_MAP && !has_key(data, "partition"))
        s->partition = fl_config_put_text(load->config, data, "partition",
                                          "iid", "default");
}

/* SHA-256 of the values alone, however and wherever they were written. */
static enum fl_status hash_values(struct scn_load *load, struct fl_error *err)
{
    char *text = NULL;
    size_t n_bytes = 0;
    FILE *out = open_memstream(&text, &n_bytes);
    if (!out)
        return fl_fail(err, FL_E_NOMEM, "out of memory: scenario");
    fl_config_emit_values(load->root, load->private->params, 0, out);
    bool is_good = ferror(out) == 0;
    is_good = fclose(out) == 0 && is_good;
    if (is_good)
        fl_sha256_of(text, n_bytes, load->scenario->sha256);
    fl_free(text);
    return is_good ? FL_OK
                   : fl_fail(err, FL_E_NOMEM, "out of memory: scenario");
}

/* Loading */

static void open_grid(struct scn_load *load)
{
    bool needs_file = load->raw.carbon.grid.kind == SCN_GRID_HOURLY;
    if (fl_config_n_problems(load->config) > 0 || (needs_file && !load->folder))
        return;
    scn_take_grid(load);
    if (load->scenario->grid)
        scn_check_facts(load);
}

/* A file with items is an account and trains nothing. */
static void take_all(struct scn_load *load)
{
    bool is_account = has_key(load->root, "items");
    load->private->params = is_account ? scn_account_params : scn_params;
    /* What varies in a sweep is no part of any of its points. */
    static const char *const elsewhere[] = {SCN_SWEEP_KEY, NULL};
    fl_config_decode(load->config, load->root, load->private->params,
                     is_account ? NULL : elsewhere, &load->raw);
    load->scenario->name = load->raw.name;
    load->scenario->seed = load->raw.seed;
    if (is_account) {
        load->scenario->account.is_whole = true;
        scn_check_name(load);
    } else {
        take_data(load);
        scn_take_train(load);
        scn_take_mock(load);
    }
    scn_take_carbon(load);
    if (!is_account) {
        scn_take_fleet(load);
        scn_take_sites(load);
        scn_check_whole(load);
    }
    scn_take_account(load);
    open_grid(load);
}

static enum fl_status complete_all(struct scn_load *load, struct fl_error *err)
{
    if (!load->scenario->account.is_whole) {
        scn_complete_train(load);
        scn_complete_mock(load);
        scn_complete_fleet(load);
    }
    scn_complete_account(load);
    scn_complete_carbon(load);
    FL_TRY(fl_config_check(load->config, err)); /* out of memory */
    return hash_values(load, err);
}

/* Takes the config over, also when it fails. */
static enum fl_status load_scenario(struct fl_config *config,
                                    const char *folder,
                                    FILE *problems,
                                    struct scn_scenario **ret,
                                    struct fl_error *err)
{
    struct scn_private *private = fl_calloc(1, sizeof *private);
    if (!private) {
        fl_config_destroy(config);
        return fl_fail(err, FL_E_NOMEM, "out of memory: scenario");
    }
    struct scn_load load = {.config = config,
                            .root = fl_config_root(config),
                            .private = private,
                            .scenario = &private->public,
                            .folder = folder};
    load.scenario->config = config;
    take_all(&load);
    enum fl_status status = scn_scenario_check(load.scenario, problems, err);
    if (status == FL_OK)
        status = complete_all(&load, err);
    fl_free(load.rows);
    scn_account_raw_destroy(load.account);
    if (status != FL_OK) {
        scn_scenario_destroy(load.scenario);
        return status;
    }
    *ret = load.scenario;
    return FL_OK;
}

/* The part of path before the last '/', or ".". */
static enum fl_status
folder_of(const char *path, char **ret, struct fl_error *err)
{
    const char *slash = strrchr(path, '/');
    char *folder = fl_strdup(slash ? path : ".");
    if (!folder)
        return fl_fail(err, FL_E_NOMEM, "out of memory: scenario");
    if (slash)
        folder[slash == path ? 1 : slash - path] = '\0';
    *ret = folder;
    return FL_OK;
}

enum fl_status scn_scenario_create(const char *path,
                                   const char *const *sets,
                                   size_t n_sets,
                                   FILE *problems,
                                   struct scn_scenario **ret,
                                   struct fl_error *err)
{
    struct fl_config *config = NULL;
    struct fl_error error = {0};
    char *folder = NULL;
    enum fl_status status = fl_config_load(path, &config, &error);
    for (size_t i = 0; i < n_sets && status == FL_OK; i++)
        status = fl_config_set(config, sets[i], &error);
    if (status == FL_OK)
        status = folder_of(path, &folder, &error);
    if (status != FL_OK) {
        if (problems)
            (void)fprintf(problems, "%s\n", error.text);
        fl_config_destroy(config);
        return fl_fail(err, status, "%s", error.text);
    }
    status = load_scenario(config, folder, problems, ret, err);
    fl_free(folder);
    return status;
}

enum fl_status scn_scenario_parse(const char *origin,
                                  const char *text,
                                  size_t n_bytes,
                                  FILE *problems,
                                  struct scn_scenario **ret,
                                  struct fl_error *err)
{
    struct fl_config *config = NULL;
    struct fl_error error = {0};
    enum fl_status status =
        fl_config_parse(origin, text, n_bytes, &config, &error);
    if (status != FL_OK) {
        if (problems)
            (void)fprintf(problems, "%s\n", error.text);
        return fl_fail(err, status, "%s", error.text);
    }
    return load_scenario(config, NULL, problems, ret, err);
}

void scn_scenario_destroy(struct scn_scenario *scenario)
{
    if (!scenario)
        return;
    struct scn_private *private = (void *)scenario;
    carbon_grid_destroy(scenario->grid);
    scn_account_fini(&scenario->account);
    for (size_t i = 0; i < SCN_ARM_LAST_; i++)
        scn_curve_fini(&scenario->mock.accuracy[i]);
    fl_free(scenario->fleet);
    fl_free(private->zones);
    fl_config_destroy(scenario->config);
    fl_free(private);
}

enum fl_status scn_scenario_check(struct scn_scenario *scenario,
                                  FILE *problems,
                                  struct fl_error *err)
{
    if (problems)
        fl_config_print_problems(scenario->config, problems);
    return fl_config_check(scenario->config, err);
}

void scn_scenario_emit(const struct scn_scenario *scenario, FILE *out)
{
    (void)fprintf(out,
                  "# Every effective value and where it came from. "
                  "sha256 of the values:\n# %s\n",
                  scenario->sha256);
    const struct scn_private *private = (const void *)scenario;
    fl_config_emit(fl_config_root(scenario->config), private->params, NULL, 0,
                   out);
}
