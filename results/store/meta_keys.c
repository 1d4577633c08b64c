/* The named texts that reports read, in the order of manifest.json. */
#include "results/report_priv.h"

#include "base/alloc.h"
#include "base/parse.h"

#include <float.h>
#include <string.h>

const struct res_meta_key res_meta_keys[] = {
    {"scenario_name", RES_META_TEXT, true, "the scenario's name"},
    {"scenario_sha256", RES_META_TEXT, true, "hash of the resolved scenario"},
    {"scenario", RES_META_TEXT, false, "the resolved scenario, YAML"},
    {"dataset", RES_META_TEXT, true, "name of the data set"},
    {"dataset_sha256", RES_META_TEXT, true, "hash of its samples"},
    {"model", RES_META_TEXT, true, "name of the model"},
    {"mode", RES_META_TEXT, true,
     "mock: nothing was trained; null: it was trained"},
    {"assumed_accuracy", RES_META_TEXT, true,
     "mock: the curves that stand for accuracies, by arm; an assumption"},
    {"n_params", RES_META_INT, true, "parameters of the model"},
    {"clients", RES_META_INT, true, "number of virtual clients"},
    {"partition", RES_META_TEXT, true,
     "how samples went to clients, e.g. \"dirichlet 0.5\""},
    {"grid", RES_META_TEXT, true,
     "where intensities come from, e.g. \"annual\" or \"hourly trace.csv\""},
    {"preset", RES_META_TEXT, true, "name of the carbon preset"},
    {"attribution", RES_META_TEXT, true,
     "average: idle power is charged; marginal: it is not"},
    {"boundary", RES_META_TEXT, true,
     "emissions that figures count: lifecycle, operational or dynamic; "
     "lifecycle where missing"},
    {"intervals", RES_META_TEXT, false,
     "5-95 % intervals of each arm, kept when the run was finished: [arm, p5, "
     "p95, ratio p5, ratio p95, share below centralized], and what decides"},
    {"seal", RES_META_TEXT, false,
     "checksums of the tables that the run was finished with, and of the "
     "ledger's rows; without what is measured of the simulation itself"},
    {"gsd_measured", RES_META_REAL, true,
     "geometric standard deviation of measured facts without a spread"},
    {"gsd_datasheet", RES_META_REAL, true, "the same of datasheet facts"},
    {"gsd_derived", RES_META_REAL, true, "the same of derived facts"},
    {"gsd_assumed", RES_META_REAL, true, "the same of assumed facts"},
    {"leaves_out", RES_META_TEXT, false, "what the preset does not model"},
    {"seed", RES_META_INT, true, "the scenario's seed"},
    {"command", RES_META_TEXT, true, "command line that repeats the run"},
    {"version", RES_META_TEXT, true, "of fedcarbon"},
    {"commit", RES_META_TEXT, true, "of fedcarbon's source"},
    {"compiler", RES_META_TEXT, true, "name and version"},
    {"build_type", RES_META_TEXT, true, "CMake's build type"},
    {"libraries", RES_META_JSON, true, "object: name of library to version"},
    {"cpu", RES_META_TEXT, true, "processor's model name"},
    {"cores", RES_META_INT, true, "physical cores allowed"},
    {"blas_kernel", RES_META_TEXT, true,
     "kernels of all processes: our table, and OpenBLAS"},
    {"processes", RES_META_INT, true, "client processes"},
    {"host_os", RES_META_TEXT, true, "operating system and its version"},
    {"started_utc", RES_META_TEXT, true, "when the run began"},
    {"ended_utc", RES_META_TEXT, true, "when it ended"},
    {"wall_s", RES_META_REAL, true,
     "seconds of wall time, those before a resume included"},
    {"coordinator_cpu_s", RES_META_REAL, true,
     "CPU seconds of the coordinator"},
    {"clients_lost", RES_META_INT, true,
     "client processes that died and were replaced"},
    {"simulation_energy_j", RES_META_REAL, true,
     "joules that the simulation itself took; absent when not measured"},
    {"simulation_energy", RES_META_JSON, true,
     "object: how they were measured, docs/meters.md"},
    {"forecast", RES_META_JSON, true,
     "object: what the run was going to take when it began: wall_s (this "
     "machine), coordinator_bytes, client_bytes, energy_j, emitted_gco2e, "
     "ledger_rows; is_upper_bound: an arm may reach its target earlier"},
    {"forecast_held", RES_META_JSON, true,
     "object: what it came to, as parts of the forecast: 1 is as foretold"},
    {"messages", RES_META_JSON, false,
     "object: kind and direction to {messages, bytes}, really moved, as the "
     "coordinator counted them"},
    {"finished", RES_META_INT, true, "1, written by the store when finished"},
    {NULL, RES_META_TEXT, false, NULL},
};

const struct res_meta_key *res_meta_find(const char *key)
{
    for (const struct res_meta_key *row = res_meta_keys; row->key; row++)
        if (strcmp(row->key, key) == 0)
            return row;
    return NULL;
}

static enum fl_status
parse_json(const char *text, json_t **ret, struct fl_error *err)
{
    json_error_t why;
    *ret = json_loads(text, JSON_REJECT_DUPLICATES, &why);
    if (*ret)
        return FL_OK;
    /* jansson says nothing at all about some of its failed requests. */
    bool is_memory = json_error_code(&why) == json_error_out_of_memory ||
                     why.text[0] == '\0';
    return fl_fail(err, is_memory ? FL_E_NOMEM : FL_E_FORMAT, "%s", why.text);
}

/* ret stays NULL when there is no memory for it. */
static enum fl_status json_of(const char *text,
                              enum res_meta_kind kind,
                              json_t **ret,
                              struct fl_error *err)
{
    int64_t whole;
    double real;
    switch (kind) {
    case RES_META_INT:
        FL_TRY(fl_parse_int(text, INT64_MIN, INT64_MAX, &whole, err));
        *ret = json_integer(whole);
        return FL_OK;
    case RES_META_REAL:
        FL_TRY(fl_parse_double(text, -DBL_MAX, DBL_MAX, &real, err));
        *ret = json_real(real);
        return FL_OK;
    case RES_META_JSON:
        return parse_json(text, ret, err);
    case RES_META_TEXT:
    default:
        *ret = json_string(text);
        return FL_OK;
    }
}

enum fl_status res_meta_json(struct res_store *store,
                             const struct res_meta_key *key,
                             json_t **ret,
                             struct fl_error *err)
{
    char *text = NULL;
    FL_TRY(res_store_get(store, key->key, &text, err));
    struct fl_error why = {FL_OK, ""};
    json_t *json = NULL;
    enum fl_status status = FL_OK;
    if (text)
        status = json_of(text, key->kind, &json, &why);
    else
        json = json_null();
    fl_free(text);
    if (status == FL_E_CONFIG || status == FL_E_FORMAT)
        return fl_fail(err, FL_E_FORMAT, "%s: named text %s: %s",
                       res_store_dir(store), key->key, why.text);
    if (status != FL_OK || !json)
        return fl_fail(err, FL_E_NOMEM,
                       "%s: named text %s: out of memory, or not UTF-8",
                       res_store_dir(store), key->key);
    *ret = json;
    return FL_OK;
}
