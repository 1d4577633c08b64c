/* How the energy of a simulation is told: two named texts of its run, and one
 * line. */
#include "cli/energy/self_energy_priv.h"

#include "base/alloc.h"
#include "base/parse.h"
#include "base/units.h"
#include "results/amend.h"
#include "results/store.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#define KEY_SUM    "simulation_energy_j"
#define KEY_DETAIL "simulation_energy"
#define MAX_J      1e18

static bool is_measured_now(const struct cli_energy *energy)
{
    return energy->meter && energy->why.text[0] == '\0';
}

static double session_j(const struct cli_energy *energy)
{
    double sum_j = 0;
    for (int i = 0; i < energy->n_processes; i++)
        sum_j += energy->energy_j[i];
    return sum_j;
}

/* "rapl" and "tdp" as "rapl+tdp"; a name is there once. */
static void join(char *list, size_t size, const char *name)
{
    size_t used = strlen(list);
    if (!strstr(list, name))
        (void)snprintf(list + used, size - used, "%s%s", used ? "+" : "", name);
}

/* What former sessions stored. What is not as we write it counts as nothing. */
static void
add_former(struct cli_energy *energy, const char *sum, const char *detail)
{
    json_t *root = detail ? json_loads(detail, 0, NULL) : NULL;
    double sum_j = 0;
    if (sum && fl_parse_double(sum, 0, MAX_J, &sum_j, NULL) == FL_OK) {
        energy->is_measured = true;
        energy->sum_j = sum_j;
    }
    const char *meters = json_string_value(json_object_get(root, "meter"));
    const char *evidence = json_string_value(json_object_get(root, "evidence"));
    energy->n_measured =
        json_integer_value(json_object_get(root, "measured_sessions"));
    energy->n_unmeasured =
        json_integer_value(json_object_get(root, "unmeasured_sessions"));
    energy->sum_wall_s =
        json_number_value(json_object_get(root, "measured_wall_s"));
    energy->was_ever_shared = json_is_true(json_object_get(root, "is_shared"));
    (void)snprintf(energy->meters, sizeof energy->meters, "%s",
                   meters ? meters : "");
    (void)snprintf(energy->evidences, sizeof energy->evidences, "%s",
                   evidence ? evidence : "");
    json_decref(root);
}

static void add_session(struct cli_energy *energy)
{
    if (!is_measured_now(energy)) {
        energy->n_unmeasured++;
        return;
    }
    const struct carbon_meter_type *type = carbon_meter_type(energy->meter);
    const char *assumed = carbon_evidence_name(CARBON_ASSUMED);
    energy->is_measured = true;
    energy->n_measured++;
    energy->sum_j += session_j(energy);
    energy->sum_wall_s += energy->end_wall_s - energy->start_wall_s;
    energy->was_ever_shared |= energy->is_shared;
    join(energy->meters, sizeof energy->meters, type->name);
    if (strcmp(energy->evidences, assumed) != 0)
        (void)snprintf(energy->evidences, sizeof energy->evidences, "%s",
                       carbon_evidence_name(type->evidence));
}

static double gco2e(const struct cli_energy *energy)
{
    return energy->sum_j / FL_J_PER_KWH *
           energy->zone->annual_gco2e_per_kwh.value;
}

static json_t *processes_json(const struct cli_energy *energy)
{
    json_t *list = json_array();
    for (int i = 0; i < energy->n_processes; i++) {
        char name[32];
        if (i >= CLI_ENERGY_CLIENTS)
            (void)snprintf(name, sizeof name, "client %d",
                           i - CLI_ENERGY_CLIENTS);
        else
            (void)snprintf(name, sizeof name, "%s",
                           i == CLI_ENERGY_LAUNCHER ? "launcher"
                                                    : "coordinator");
        (void)json_array_append_new(
            list, json_pack("{s:s, s:f, s:f}", "process", name, "cpu_s",
                            energy->cpu_s[i], "energy_j", energy->energy_j[i]));
    }
    return list;
}

/* Why no meter, or none of the better ones, was taken. */
static json_t *refusals_json(const struct cli_energy *energy)
{
    json_t *why = json_object();
    for (size_t i = 0; i < energy->n_refusals; i++)
        (void)json_object_set_new(why, energy->refusals[i].type->name,
                                  json_string(energy->refusals[i].why));
    return why;
}

static json_t *session_json(const struct cli_energy *energy)
{
    if (!is_measured_now(energy))
        return json_pack("{s:s, s:o}", "why_not", energy->why.text, "refused",
                         refusals_json(energy));
    return json_pack("{s:s, s:s, s:f, s:o, s:o}", "meter",
                     carbon_meter_type(energy->meter)->name, "detail",
                     carbon_meter_detail(energy->meter), "machine_j",
                     energy->machine_j, "processes", processes_json(energy),
                     "refused", refusals_json(energy));
}

static char *detail_text(const struct cli_energy *energy)
{
    json_t *root = json_pack(
        "{s:s, s:s, s:I, s:I, s:f, s:b, s:o}", "meter", energy->meters,
        "evidence", energy->evidences, "measured_sessions",
        (json_int_t)energy->n_measured, "unmeasured_sessions",
        (json_int_t)energy->n_unmeasured, "measured_wall_s", energy->sum_wall_s,
        "is_shared", energy->was_ever_shared ? 1 : 0, "last_session",
        session_json(energy));
    if (root && energy->zone && energy->is_measured) {
        const struct carbon_fact *fact = &energy->zone->annual_gco2e_per_kwh;
        (void)json_object_set_new(root, "here",
                                  json_pack("{s:s, s:f, s:i, s:f}", "zone",
                                            energy->zone->name, "gco2e_per_kwh",
                                            fact->value, "year", fact->year,
                                            "emitted_gco2e", gco2e(energy)));
    }
    char *text = root ? json_dumps(root, JSON_REAL_PRECISION(17)) : NULL;
    json_decref(root);
    return text;
}

static enum fl_status
read_former(struct cli_energy *energy, const char *dir, struct fl_error *err)
{
    struct res_store *store;
    char *sum = NULL, *detail = NULL;
    FL_TRY(res_store_create(dir, RES_READ, &store, err));
    enum fl_status status = res_store_get(store, KEY_SUM, &sum, err);
    if (status == FL_OK)
        status = res_store_get(store, KEY_DETAIL, &detail, err);
    res_store_destroy(store);
    if (status == FL_OK)
        add_former(energy, sum, detail);
    fl_free(sum);
    fl_free(detail);
    return status;
}

enum fl_status cli_energy_store(struct cli_energy *energy,
                                const char *run_dir,
                                struct fl_error *err)
{
    bool has_begun = false;
    char sum[40];
    FL_TRY(res_store_has_begun(run_dir, &has_begun, err));
    if (has_begun)
        FL_TRY(read_former(energy, run_dir, err));
    add_session(energy);
    if (!has_begun)
        return FL_OK;
    char *detail = detail_text(energy);
    if (!detail)
        return fl_fail(err, FL_E_NOMEM, "out of memory: metering");
    (void)snprintf(sum, sizeof sum, "%.17g", energy->sum_j);
    const struct res_amendment amendments[] = {
        {KEY_SUM, energy->is_measured ? sum : NULL}, {KEY_DETAIL, detail}};
    enum fl_status status = res_amend(run_dir, amendments, 2, err);
    fl_free(detail);
    return status;
}

/* "1.9 kJ" */
static void joules_text(double energy_j, char *ret, size_t size)
{
    static const char *const units[] = {"J", "kJ", "MJ", "GJ"};
    size_t i = 0;
    while (energy_j >= 999.5 && i < 3) {
        energy_j /= 1e3;
        i++;
    }
    (void)snprintf(ret, size, "%.3g %s", energy_j, units[i]);
}

void cli_energy_print(const struct cli_energy *energy, FILE *out)
{
    char amount[32];
    if (!energy)
        return;
    if (!energy->is_measured) {
        /* Of many, the last one refused is what an option can help. */
        bool is_none = energy->n_refusals > 0 && energy->why.code == FL_E_STATE;
        const char *why = is_none ? energy->refusals[energy->n_refusals - 1].why
                                  : energy->why.text;
        (void)fprintf(out,
                      "this simulation's own energy is not known: %s "
                      "(fedcarbon list meters)\n",
                      why);
        return;
    }
    joules_text(energy->sum_j, amount, sizeof amount);
    (void)fprintf(out, "this simulation itself took %s (%s, %s)", amount,
                  energy->meters, energy->evidences);
    if (energy->zone)
        (void)fprintf(out, ", %.3g gCO2e in %s", gco2e(energy),
                      energy->zone->name);
    if (energy->was_ever_shared)
        (void)fprintf(out, "; another fedcarbon shared the machine");
    if (energy->n_unmeasured > 0)
        (void)fprintf(out, "; %lld of %lld sessions not measured",
                      (long long)energy->n_unmeasured,
                      (long long)(energy->n_unmeasured + energy->n_measured));
    (void)fprintf(out, "\n");
}
