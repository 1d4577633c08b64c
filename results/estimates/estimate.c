#include "results/estimates/estimate_priv.h"

#include "base/alloc.h"
#include "base/parse.h"
#include "base/units.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define OF(member) false, offsetof(struct res_estimate, member)
#define NOT_ADDED  "does not add up"

const struct res_column res_estimate_columns[] = {
    {"run", "-", "the run's folder", "names the row", RES_COLUMN_TEXT, OF(run)},
    {"arm", "-", "federated, centralized, local ...", "names the row",
     RES_COLUMN_TEXT, OF(arm)},
    {"method", "-", "fedcarbon: the ledger; else an estimator's name",
     "names the row", RES_COLUMN_TEXT, OF(method)},
    {"tool", "-", "what it stands for", NOT_ADDED, RES_COLUMN_TEXT, OF(tool)},
    {"machines", "-", "where the tool is taken to run", NOT_ADDED,
     RES_COLUMN_TEXT, OF(machines)},
    {"energy_kwh", "kWh", "as the tool would report it, its PUE included",
     "sum over arms", RES_COLUMN_KWH, OF(energy_j)},
    {"emitted_gco2e", "gCO2e", "likewise", "sum over arms", RES_COLUMN_REAL,
     OF(gco2e)},
    {"gco2e_per_kwh", "gCO2e/kWh", "the one over the other", NOT_ADDED,
     RES_COLUMN_REAL, OF(gco2e_per_kwh)},
    {"intensities", "-",
     "what it used, zone by zone; (*): not the tool's own figure", NOT_ADDED,
     RES_COLUMN_TEXT, OF(intensities)},
    {"intensity_substituted", "true/false",
     "any of them is not the tool's own figure", NOT_ADDED, RES_COLUMN_BOOL,
     OF(is_substituted)},
    {"pue", "ratio", "that it used; machines' mean, weighted by energy",
     NOT_ADDED, RES_COLUMN_REAL, OF(pue)},
    {"x_ours", "ratio", "emitted_gco2e over that of the ledger", NOT_ADDED,
     RES_COLUMN_REAL, OF(x_ours)},
    {"seen_ratio", "ratio", "part of the ledger's energy that it looks at",
     NOT_ADDED, RES_COLUMN_REAL, OF(seen_ratio)},
    {"cost_low", "currency", "GPU-hours at the low price", "sum over arms",
     RES_COLUMN_REAL, OF(cost_low)},
    {"cost_high", "currency", "GPU-hours at the high price", "sum over arms",
     RES_COLUMN_REAL, OF(cost_high)},
    {"electricity_cost", "currency", "energy_kwh at the price per kWh",
     "sum over arms", RES_COLUMN_REAL, OF(electricity_cost_value)},
    {"cannot", "-", "why the tool would have nothing to say; else empty",
     NOT_ADDED, RES_COLUMN_TEXT, OF(cannot)},
    {"sees", "-", "what it counts", NOT_ADDED, RES_COLUMN_TEXT, OF(sees)},
    {"ignores", "-", "what it does not", NOT_ADDED, RES_COLUMN_TEXT,
     OF(ignores)},
    {"formula", "-", "with its constants", NOT_ADDED, RES_COLUMN_TEXT,
     OF(formula)},
    {"source", "-", "of formula and constants", NOT_ADDED, RES_COLUMN_TEXT,
     OF(source)},
    {0},
};

struct res_assumed res_assumed_nothing(void)
{
    const double untold = (double)NAN;
    return (struct res_assumed){
        .tdp_w = untold,
        .load_ratio = untold,
        .memory_bytes = untold,
        .pue = untold,
        .price_low = untold,
        .price_high = untold,
        .electricity_price_value = untold,
    };
}

static const struct {
    const char *key;
    size_t offset;
    bool is_count;
    double min, max, unit; /* value times unit is kept */
} assumable[] = {
    {"tdp_w", offsetof(struct res_assumed, tdp_w), false, 0, 1e6, 1},
    {"load", offsetof(struct res_assumed, load_ratio), false, 0, 1, 1},
    {"memory_gb", offsetof(struct res_assumed, memory_bytes), false, 0, 1e6,
     FL_BYTES_PER_GB},
    {"pue", offsetof(struct res_assumed, pue), false, 1, 10, 1},
    {"vcpus", offsetof(struct res_assumed, vcpus), true, 1, 1e6, 1},
    {"gpus", offsetof(struct res_assumed, gpus), true, 1, 1e6, 1},
    {"gpu_hour_low", offsetof(struct res_assumed, price_low), false, 0, 1e9, 1},
    {"gpu_hour_high", offsetof(struct res_assumed, price_high), false, 0, 1e9,
     1},
    {"kwh_price", offsetof(struct res_assumed, electricity_price_value), false,
     0, 1e9, 1},
};
#define N_ASSUMABLE (sizeof assumable / sizeof assumable[0])

static enum fl_status take_assumption(struct res_assumed *assumed,
                                      size_t i,
                                      const char *text,
                                      struct fl_error *err)
{
    char *place = (char *)assumed + assumable[i].offset;
    struct fl_error why = {0};
    enum fl_status status;
    if (assumable[i].is_count) {
        status = fl_parse_int(text, (int64_t)assumable[i].min,
                              (int64_t)assumable[i].max,
                              (int64_t *)(void *)place, &why);
    } else {
        double value = 0;
        status = fl_parse_double(text, assumable[i].min, assumable[i].max,
                                 &value, &why);
        if (status == FL_OK)
            *(double *)(void *)place = value * assumable[i].unit;
    }
    return status == FL_OK ? FL_OK
                           : fl_fail(err, status, "--assume %s: %s",
                                     assumable[i].key, why.text);
}

enum fl_status
res_assume(struct res_assumed *assumed, const char *word, struct fl_error *err)
{
    assert(assumed && word);
    const char *names[N_ASSUMABLE];
    char key[64] = "";
    size_t length = strcspn(word, "=");
    if (length < sizeof key)
        memcpy(key, word, length);
    for (size_t i = 0; i < N_ASSUMABLE; i++) {
        names[i] = assumable[i].key;
        if (strcmp(assumable[i].key, key) == 0 && word[length] == '=')
            return take_assumption(assumed, i, word + length + 1, err);
    }
    const char *near = fl_nearest_name(key, names, N_ASSUMABLE);
    return fl_fail(err, FL_E_CONFIG,
                   "--assume: found '%s'%s%s%s, allowed tdp_w=, load=, "
                   "memory_gb=, pue=, vcpus=, gpus=, gpu_hour_low=, "
                   "gpu_hour_high=, kwh_price= and a number",
                   word, near ? " (" : "", near ? near : "", near ? "=?)" : "");
}

/* What is summed over the machines of an arm. */
struct sum {
    double it_j; /* of machines that the tool sees */
    double pue_j;
    const char *cannot;
    size_t n_can;
};

static void add_machines(const struct carbon_estimator *tool,
                         const struct carbon_observed *o,
                         struct sum *sum,
                         struct res_text *intensities,
                         struct res_estimate *acc)
{
    struct carbon_estimate e = carbon_estimator_apply(tool, o);
    if (e.cannot) {
        sum->cannot = e.cannot;
        return;
    }
    sum->n_can++;
    sum->it_j += o->energy_j;
    sum->pue_j += o->energy_j * e.pue;
    acc->energy_j += e.energy_j;
    acc->gco2e += e.emitted_gco2e;
    acc->is_substituted = acc->is_substituted || e.is_substituted;
    char figure[160];
    struct res_text text = {0};
    res_text_figure(&text, e.gco2e_per_kwh, 6);
    (void)snprintf(figure, sizeof figure, "%s %s%s", o->zone,
                   res_text_get(&text), e.is_substituted ? " (*)" : "");
    res_text_fini(&text);
    if (strstr(res_text_get(intensities), figure))
        return; /* another role in the same zone */
    res_text_add(intensities, "%s%s", intensities->n > 0 ? ", " : "", figure);
}

static double gpus_busy_s(const struct res_observed *observed)
{
    double sum_s = 0;
    for (size_t i = 0; i < observed->n; i++)
        sum_s += carbon_gpus_busy_s(&observed->groups[i].observed);
    return observed->n > 0 ? sum_s : (double)NAN;
}

/* The arm's emissions within the boundary, of all its ledger rows. */
static double ours_gco2e(const struct res_row *arm)
{
    return arm->is_per_client ? arm->gco2e * (double)arm->counted : arm->gco2e;
}

static void set_costs(const struct res_observed *observed,
                      const struct res_assumed *assumed,
                      struct res_estimate *ret)
{
    double gpu_hours = gpus_busy_s(observed) / FL_S_PER_HOUR;
    ret->cost_low = gpu_hours * assumed->price_low;
    ret->cost_high = gpu_hours * assumed->price_high;
    ret->electricity_cost_value =
        ret->energy_j / FL_J_PER_KWH * assumed->electricity_price_value;
}

static enum fl_status set_row(const struct carbon_estimator *tool,
                              const struct res_row *arm,
                              const struct res_observed *observed,
                              const struct res_estimate_opts *opts,
                              struct res_estimate *ret,
                              struct fl_error *err)
{
    struct sum sum = {0};
    struct res_text intensities = {0};
    *ret = (struct res_estimate){
        .arm = arm->arm,
        .method = tool->name,
        .tool = tool->tool,
        .machines = opts->is_server_only ? "server's machine alone"
                                         : "every machine that computes",
        .cannot = "",
        .sees = tool->sees,
        .ignores = tool->ignores,
        .formula = tool->formula,
        .source = tool->source,
    };
    for (size_t i = 0; i < observed->n; i++)
        add_machines(tool, &observed->groups[i].observed, &sum, &intensities,
                     ret);
    ret->gco2e_per_kwh = ret->gco2e / (ret->energy_j / FL_J_PER_KWH);
    ret->pue = sum.pue_j / sum.it_j;
    ret->x_ours = ret->gco2e / ours_gco2e(arm);
    ret->seen_ratio = sum.it_j / arm->total_energy_j;
    if (sum.n_can == 0) {
        ret->cannot = sum.cannot ? sum.cannot : "no machine of its kind works";
        ret->energy_j = ret->gco2e = ret->x_ours = (double)NAN;
        ret->seen_ratio = 0;
    }
    set_costs(observed, &opts->assumed, ret);
    enum fl_status status = res_text_check(&intensities, err);
    ret->intensities = intensities.bytes; /* it owns them now */
    if (status == FL_OK && !ret->intensities &&
        !(ret->intensities = fl_strdup("")))
        status = fl_fail(err, FL_E_NOMEM, "out of memory");
    return status;
}

/* The ledger itself, to compare with. */
static enum fl_status set_own(const struct res_run *run,
                              const struct res_row *arm,
                              const struct res_observed *observed,
                              const struct res_estimate_opts *opts,
                              struct res_estimate *ret,
                              struct fl_error *err)
{
    *ret = (struct res_estimate){
        .arm = arm->arm,
        .method = "fedcarbon",
        .tool = "the ledger",
        .machines = "all of the ledger",
        .energy_j = arm->total_energy_j,
        .gco2e = ours_gco2e(arm),
        .gco2e_per_kwh = ours_gco2e(arm) / (arm->total_energy_j / FL_J_PER_KWH),
        .pue = (double)NAN,
        .x_ours = 1,
        .seen_ratio = 1,
        .cannot = "",
        .sees = run->modelled,
        .ignores = run->leaves_out,
        .formula = run->boundary,
        .source = run->preset,
        .intensities = fl_strdup(run->grid),
    };
    set_costs(observed, &opts->assumed, ret);
    return ret->intensities ? FL_OK : fl_fail(err, FL_E_NOMEM, "out of memory");
}

static enum fl_status next_row(struct res_estimates *rows, struct fl_error *err)
{
    FL_TRY(fl_grow(&rows->rows, &rows->capacity, rows->n + 1,
                   sizeof rows->rows[0], err));
    rows->rows[rows->n++] = (struct res_estimate){0};
    return FL_OK;
}

static enum fl_status add_arm(struct res_store *store,
                              const struct res_run *run,
                              const struct res_row *arm,
                              const struct res_estimate_opts *opts,
                              struct res_estimates *rows,
                              struct fl_error *err)
{
    struct res_observed observed = {0};
    FL_TRY(res_observe(store, arm->number, opts, &observed, err));
    enum fl_status status = next_row(rows, err);
    if (status == FL_OK)
        status =
            set_own(run, arm, &observed, opts, &rows->rows[rows->n - 1], err);
    for (size_t i = 0; carbon_estimators[i] && status == FL_OK; i++) {
        const struct carbon_estimator *tool = carbon_estimators[i];
        if (opts->method && strcmp(opts->method, tool->name) != 0)
            continue;
        status = next_row(rows, err);
        if (status == FL_OK)
            status = set_row(tool, arm, &observed, opts,
                             &rows->rows[rows->n - 1], err);
    }
    res_observed_fini(&observed);
    return status;
}

/* What is assumed of this arm alone, on top of what is of all. */
static enum fl_status assume_of_arm(const struct res_row *arm,
                                    struct res_estimate_opts *opts,
                                    struct fl_error *err)
{
    size_t length = strlen(arm->arm);
    for (size_t i = 0; i < opts->n_of_arms; i++) {
        const char *word = opts->of_arms[i];
        if (strncmp(word, arm->arm, length) == 0 && word[length] == ':')
            FL_TRY(res_assume(&opts->assumed, word + length + 1, err));
    }
    return FL_OK;
}

static enum fl_status check_of_arms(const struct res_run *run,
                                    const struct res_estimate_opts *opts,
                                    struct fl_error *err)
{
    for (size_t i = 0; i < opts->n_of_arms; i++) {
        const char *word = opts->of_arms[i];
        bool is_known = false;
        for (size_t r = 0; r < run->n_rows && !is_known; r++) {
            size_t length = strlen(run->rows[r].arm);
            is_known = strncmp(word, run->rows[r].arm, length) == 0 &&
                       word[length] == ':';
        }
        if (!is_known)
            return fl_fail(err, FL_E_CONFIG,
                           "--assume: found '%s', allowed an arm of %s, ':', "
                           "a key, '=' and a number",
                           word, run->label);
    }
    return FL_OK;
}

static enum fl_status add_run(const char *dir,
                              const struct res_estimate_opts *opts,
                              struct res_run *ret,
                              struct res_estimates *rows,
                              struct fl_error *err)
{
    struct res_store *store;
    struct res_estimate_opts all = *opts;
    FL_TRY(res_store_create(dir, RES_READ, &store, err));
    enum fl_status status = res_exec(store, "BEGIN", "read the run", err);
    if (status == FL_OK)
        status = res_gather(store, ret, err);
    if (status == FL_OK)
        status = res_find_prices(store, &all.assumed, err);
    if (status == FL_OK)
        status = check_of_arms(ret, opts, err);
    size_t first = rows->n;
    for (size_t i = 0; status == FL_OK && i < ret->n_rows; i++) {
        struct res_estimate_opts own = all;
        status = assume_of_arm(&ret->rows[i], &own, err);
        if (status == FL_OK)
            status = add_arm(store, ret, &ret->rows[i], &own, rows, err);
    }
    for (size_t i = first; i < rows->n; i++)
        rows->rows[i].run = ret->label;
    res_store_destroy(store);
    return status;
}

enum fl_status res_estimators(const char *const *dirs,
                              size_t n_dirs,
                              const struct res_estimate_opts *opts,
                              enum res_format format,
                              FILE *out,
                              struct fl_error *err)
{
    assert(dirs && opts && out);
    if (format == RES_LATEX)
        return fl_fail(err, FL_E_ARG,
                       "format: found latex, allowed text, csv, md, json");
    const struct carbon_estimator *tool = NULL;
    if (opts->method)
        FL_TRY(carbon_estimator_find(opts->method, &tool, err));
    struct res_estimates rows = {0};
    struct res_text text = {0};
    size_t n_done = 0;
    enum fl_status status = FL_OK;
    struct res_run *runs = fl_calloc(n_dirs, sizeof runs[0]);
    if (!runs)
        status = fl_fail(err, FL_E_NOMEM, "out of memory");
    for (; status == FL_OK && n_done < n_dirs; n_done++)
        status = add_run(dirs[n_done], opts, &runs[n_done], &rows, err);
    if (status == FL_OK)
        status = res_put_estimates(&rows, n_dirs > 1, opts, format, &text, err);
    if (status == FL_OK &&
        fwrite(res_text_get(&text), 1, text.n, out) != text.n)
        status = fl_fail(err, FL_E_IO, "cannot write the table");
    for (size_t i = 0; i < rows.n; i++)
        fl_free(rows.rows[i].intensities);
    fl_free(rows.rows);
    for (size_t i = 0; i < n_done; i++)
        res_run_fini(&runs[i]);
    fl_free(runs);
    res_text_fini(&text);
    return status;
}
