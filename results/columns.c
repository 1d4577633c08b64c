/* The column dictionary: what the CSV and JSON tables and rounds.csv hold.
 * docs/results.md carries the same rows; a test compares the two. */
#include "results/report_priv.h"

#include <stddef.h>

#define OF_RUN(member) true, offsetof(struct res_run, member)
#define OF_ARM(member) false, offsetof(struct res_row, member)
#define NOT_ADDED      "does not add up"
#define ADDS_OVER_ARMS "sum over ledger rows; local: that, per client"

const struct res_column res_table_columns[] = {
    {"run", "-", "the run's folder, without what leads to it", "names the run",
     RES_COLUMN_TEXT, OF_RUN(label)},
    {"scenario", "-", "the scenario's name", NOT_ADDED, RES_COLUMN_TEXT,
     OF_RUN(name)},
    {"dataset", "-", "name of the data set", NOT_ADDED, RES_COLUMN_TEXT,
     OF_RUN(dataset)},
    {"model", "-", "name of the model", NOT_ADDED, RES_COLUMN_TEXT,
     OF_RUN(model)},
    {"clients", "clients", "virtual clients of the scenario", NOT_ADDED,
     RES_COLUMN_INT, OF_RUN(n_clients)},
    {"partition", "-", "how samples went to clients", NOT_ADDED,
     RES_COLUMN_TEXT, OF_RUN(partition)},
    {"grid", "-", "where carbon intensities come from", NOT_ADDED,
     RES_COLUMN_TEXT, OF_RUN(grid)},
    {"preset", "-", "name of the carbon preset", NOT_ADDED, RES_COLUMN_TEXT,
     OF_RUN(preset)},
    {"target_accuracy", "ratio",
     "test accuracy at which an arm stops; 0: none was set", NOT_ADDED,
     RES_COLUMN_REAL, OF_ARM(target_accuracy)},
    {"run_finished", "true/false", "false: the run goes on or was broken off",
     NOT_ADDED, RES_COLUMN_BOOL, OF_RUN(is_finished)},
    {"arm", "-", "federated, centralized or local", "names the row",
     RES_COLUMN_TEXT, OF_ARM(arm)},
    {"arm_finished", "true/false",
     "false: the figures are what the ledger holds so far", NOT_ADDED,
     RES_COLUMN_BOOL, OF_ARM(is_finished)},
    {"per", "-",
     "arm: figures are of the whole arm; client: they are the mean per client",
     NOT_ADDED, RES_COLUMN_TEXT, OF_ARM(per)},
    {"participants", "clients", "clients that trained (local: were sampled)",
     "sum", RES_COLUMN_INT, OF_ARM(participants)},
    {"population", "clients", "clients that the arm stands for", "sum",
     RES_COLUMN_INT, OF_ARM(population)},
    {"counted", "clients",
     "local: clients behind the mean (those done so far); else 1", "sum",
     RES_COLUMN_INT, OF_ARM(counted)},
    {"reached", "count",
     "how many of `counted` reached the target; empty: none was set, or not "
     "known yet",
     "sum", RES_COLUMN_INT, OF_ARM(reached)},
    {"accuracy", "ratio",
     "test accuracy, the last one measured; local: mean over clients",
     "mean over clients", RES_COLUMN_REAL, OF_ARM(accuracy)},
    {"loss", "nat", "test loss, likewise", "mean over clients", RES_COLUMN_REAL,
     OF_ARM(loss)},
    {"rounds", "rounds", "rounds (federated) or epochs (centralized, local)",
     NOT_ADDED, RES_COLUMN_INT, OF_ARM(rounds)},
    {"sim_time_s", "s", "simulated time to the end; local: mean over clients",
     "mean over clients; arms run side by side", RES_COLUMN_REAL,
     OF_ARM(sim_time_s)},
    {"bytes", "byte", "moved between clients and servers, both ways",
     ADDS_OVER_ARMS, RES_COLUMN_REAL, OF_ARM(bytes)},
    {"energy_kwh", "kWh", "all energy", ADDS_OVER_ARMS, RES_COLUMN_KWH,
     OF_ARM(energy_j)},
    {"client_kwh", "kWh", "energy of terms in group client", ADDS_OVER_ARMS,
     RES_COLUMN_KWH, OF_ARM(group_j[RES_GROUP_CLIENT])},
    {"network_kwh", "kWh", "energy of terms in group network", ADDS_OVER_ARMS,
     RES_COLUMN_KWH, OF_ARM(group_j[RES_GROUP_NETWORK])},
    {"server_kwh", "kWh", "energy of terms in group server", ADDS_OVER_ARMS,
     RES_COLUMN_KWH, OF_ARM(group_j[RES_GROUP_SERVER])},
    {"overhead_kwh", "kWh", "energy of terms in group overhead (PUE)",
     ADDS_OVER_ARMS, RES_COLUMN_KWH, OF_ARM(group_j[RES_GROUP_OVERHEAD])},
    {"idle_kwh", "kWh",
     "part of energy_kwh that is drawn whatever is done: waiting, standing by",
     ADDS_OVER_ARMS, RES_COLUMN_KWH, OF_ARM(idle_j)},
    {"boundary", "-",
     "what emitted_gco2e counts: lifecycle (dynamic + idle + embodied), "
     "operational (dynamic + idle) or dynamic",
     NOT_ADDED, RES_COLUMN_TEXT, OF_RUN(boundary)},
    {"attribution", "-",
     "average: idle power is charged; marginal: only what is drawn because of "
     "the run",
     NOT_ADDED, RES_COLUMN_TEXT, OF_RUN(attribution)},
    {"emitted_gco2e", "gCO2e", "emissions within the boundary", ADDS_OVER_ARMS,
     RES_COLUMN_REAL, OF_ARM(gco2e)},
    {"emitted_p5_gco2e", "gCO2e",
     "5 % of the draws of uncertain facts are below; local: over counted",
     NOT_ADDED, RES_COLUMN_REAL, OF_ARM(gco2e_p5)},
    {"emitted_p95_gco2e", "gCO2e", "95 % of the draws are below", NOT_ADDED,
     RES_COLUMN_REAL, OF_ARM(gco2e_p95)},
    {"dynamic_gco2e", "gCO2e", "emissions of energy that the work took",
     ADDS_OVER_ARMS, RES_COLUMN_REAL, OF_ARM(dynamic_gco2e)},
    {"idle_gco2e", "gCO2e", "emissions of idle_kwh", ADDS_OVER_ARMS,
     RES_COLUMN_REAL, OF_ARM(idle_gco2e)},
    {"embodied_gco2e", "gCO2e",
     "share of what making the devices emitted, by the time they were in use",
     ADDS_OVER_ARMS, RES_COLUMN_REAL, OF_ARM(embodied_gco2e)},
    {"assumed_ratio", "ratio",
     "part of the emissions whose ledger rows have evidence 'assumed'",
     "weighted by emissions", RES_COLUMN_REAL, OF_ARM(assumed_ratio)},
    {"wasted_ratio", "ratio",
     "part of the emissions that bought no progress (ledger: wasted)",
     "weighted by emissions", RES_COLUMN_REAL, OF_ARM(wasted_ratio)},
    {"x_centralized", "ratio",
     "emitted_gco2e over that of the centralized arm of the same run; local: "
     "of one client",
     NOT_ADDED, RES_COLUMN_REAL, OF_ARM(x_centralized)},
    {"x_centralized_p5", "ratio", "5 % of the draws are below", NOT_ADDED,
     RES_COLUMN_REAL, OF_ARM(x_p5)},
    {"x_centralized_p95", "ratio", "95 % of the draws are below", NOT_ADDED,
     RES_COLUMN_REAL, OF_ARM(x_p95)},
    {"below_centralized_share", "ratio",
     "share of the draws in which the arm emits less than the centralized one",
     NOT_ADDED, RES_COLUMN_REAL, OF_ARM(below_centralized_share)},
    {"decided_by", "-",
     "facts that the variance of the ratio (else of the first arm) comes from "
     "most, with their 5-95 % range and their total Sobol index",
     NOT_ADDED, RES_COLUMN_TEXT, OF_RUN(influences)},
    {"all_clients_kwh", "kWh",
     "energy_kwh of the arm; local: the mean times population", "sum",
     RES_COLUMN_KWH, OF_ARM(all_clients_j)},
    {"all_clients_gco2e", "gCO2e",
     "emitted_gco2e of the arm; local: the mean times population", "sum",
     RES_COLUMN_REAL, OF_ARM(all_clients_gco2e)},
    {"all_clients_x_centralized", "ratio",
     "all_clients_gco2e over emitted_gco2e of the centralized arm", NOT_ADDED,
     RES_COLUMN_REAL, OF_ARM(all_clients_x_centralized)},
    {"model_sha256", "-", "hash of the final model; empty while unfinished",
     NOT_ADDED, RES_COLUMN_TEXT, OF_ARM(model_sha256)},
    {"scenario_sha256", "-", "hash of the resolved scenario", NOT_ADDED,
     RES_COLUMN_TEXT, OF_RUN(scenario_sha256)},
    {"leaves_out", "-", "what is not modelled here", NOT_ADDED, RES_COLUMN_TEXT,
     OF_RUN(leaves_out)},
    {"command", "-", "what repeats the run", NOT_ADDED, RES_COLUMN_TEXT,
     OF_RUN(command)},
    {0},
};

#define BY_SQL(kind) kind, false, 0

const struct res_column res_rounds_columns[] = {
    {"arm", "-", "federated, centralized or local", "names the row",
     BY_SQL(RES_COLUMN_TEXT)},
    {"round", "-", "round (federated), epoch (centralized) or client (local)",
     "names the row", BY_SQL(RES_COLUMN_INT)},
    {"sim_time_s", "s", "simulated end of the round", "maximum",
     BY_SQL(RES_COLUMN_REAL)},
    {"accuracy", "ratio", "test accuracy; empty: not evaluated after it",
     "mean over clients (local)", BY_SQL(RES_COLUMN_REAL)},
    {"loss", "nat", "test loss; empty likewise", "mean over clients (local)",
     BY_SQL(RES_COLUMN_REAL)},
    {"train_loss", "nat", "mean loss over the round's training batches",
     NOT_ADDED, BY_SQL(RES_COLUMN_REAL)},
    {"updates", "updates", "clients' updates that were accepted", "sum",
     BY_SQL(RES_COLUMN_INT)},
    {"refused", "updates", "clients' updates refused: NaN or out of range",
     "sum", BY_SQL(RES_COLUMN_INT)},
    {"cumulative_energy_kwh", "kWh",
     "energy of the arm's ledger rows up to and with this round",
     "the last one is the sum", BY_SQL(RES_COLUMN_KWH)},
    {"cumulative_gco2e", "gCO2e", "emissions likewise",
     "the last one is the sum", BY_SQL(RES_COLUMN_REAL)},
    {0},
};

void res_csv_field(struct res_text *out, const char *field)
{
    bool needs_quotes = false;
    for (const char *p = field; *p && !needs_quotes; p++)
        needs_quotes = *p == '"' || *p == ',' || *p == '\n' || *p == '\r';
    if (!needs_quotes) {
        res_text_put(out, field);
        return;
    }
    res_text_put(out, "\"");
    for (const char *p = field; *p; p++)
        res_text_add(out, *p == '"' ? "\"%c" : "%c", *p);
    res_text_put(out, "\"");
}
