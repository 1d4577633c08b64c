/* What people see of a row: the cells of the text, Markdown and LaTeX tables,
 * and the sentences around them, as plain text that each format escapes. */
#include "results/report_priv.h"

#include "base/units.h"

#include <math.h>

#define CELL(name)                                                             \
    static void put_##name(const struct res_table *table,                      \
                           const struct res_run *run,                          \
                           const struct res_row *row, struct res_text *out)
#define UNUSED_TABLE_RUN                                                       \
    do {                                                                       \
        (void)table;                                                           \
        (void)run;                                                             \
    } while (0)

CELL(run)
{
    (void)table;
    (void)row;
    res_text_put(out, run->label);
}

CELL(arm)
{
    (void)table;
    res_text_put(out, row->arm);
    if (row->is_per_client)
        res_text_add(out, " (mean of %lld of %lld)", (long long)row->counted,
                     (long long)row->population);
    if (!run->is_finished)
        res_text_put(out,
                     row->is_finished ? " [run unfinished]" : " [unfinished]");
}

CELL(reached)
{
    UNUSED_TABLE_RUN;
    if (row->is_per_client && row->reached >= 0 && row->counted > 0)
        res_text_add(out, "%lld of %lld", (long long)row->reached,
                     (long long)row->counted);
    else if (row->target_accuracy <= 0)
        res_text_put(out, "-");
    else if (row->reached < 0 || row->counted == 0)
        res_text_put(out, "not yet");
    else
        res_text_put(out, row->reached ? "yes" : "no");
}

CELL(accuracy)
{
    UNUSED_TABLE_RUN;
    if (isnan(row->accuracy))
        res_text_put(out, "-");
    else
        res_text_add(out, "%.4f", row->accuracy);
}

CELL(rounds)
{
    UNUSED_TABLE_RUN;
    if (row->rounds > 0)
        res_text_add(out, "%lld", (long long)row->rounds);
    else
        res_text_put(out, "-");
}

CELL(sim_time)
{
    UNUSED_TABLE_RUN;
    static const struct {
        double limit_s, unit_s;
        const char *unit;
    } units[] = {
        {120, 1, "s"},
        {2 * FL_S_PER_HOUR, FL_S_PER_HOUR / 60, "min"},
        {48 * FL_S_PER_HOUR, FL_S_PER_HOUR, "h"},
        {(double)INFINITY, 24 * FL_S_PER_HOUR, "d"},
    };
    if (isnan(row->sim_time_s)) {
        res_text_put(out, "-");
        return;
    }
    size_t i = 0;
    while (row->sim_time_s >= units[i].limit_s && i < 3)
        i++;
    res_text_figure(out, row->sim_time_s / units[i].unit_s, 3);
    res_text_add(out, " %s", units[i].unit);
}

CELL(bytes)
{
    UNUSED_TABLE_RUN;
    res_text_figure(out, row->bytes / FL_BYTES_PER_MB, 4);
}

CELL(energy)
{
    (void)run;
    res_text_figure(out, row->energy_j / table->energy_unit_j, 4);
}

static void put_group(const struct res_table *table,
                      const struct res_row *row,
                      enum res_group group,
                      struct res_text *out)
{
    if (row->has_group[group])
        res_text_figure(out, row->group_j[group] / table->energy_unit_j, 4);
    else
        res_text_put(out, "-");
}

CELL(client)
{
    (void)run;
    put_group(table, row, RES_GROUP_CLIENT, out);
}

CELL(network)
{
    (void)run;
    put_group(table, row, RES_GROUP_NETWORK, out);
}

CELL(server)
{
    (void)run;
    put_group(table, row, RES_GROUP_SERVER, out);
}

CELL(overhead)
{
    (void)run;
    put_group(table, row, RES_GROUP_OVERHEAD, out);
}

CELL(gco2e)
{
    (void)run;
    res_text_figure(out, row->gco2e / table->carbon_unit_gco2e, 4);
}

CELL(interval)
{
    (void)run;
    if (!(row->gco2e_p5 < row->gco2e_p95)) { /* nothing is known to vary */
        res_text_put(out, "-");
        return;
    }
    res_text_figure(out, row->gco2e_p5 / table->carbon_unit_gco2e, 3);
    res_text_put(out, " to ");
    res_text_figure(out, row->gco2e_p95 / table->carbon_unit_gco2e, 3);
}

CELL(idle)
{
    (void)run;
    res_text_figure(out, row->idle_gco2e / table->carbon_unit_gco2e, 3);
}

CELL(embodied)
{
    (void)run;
    if (row->embodied_gco2e > 0)
        res_text_figure(out, row->embodied_gco2e / table->carbon_unit_gco2e, 3);
    else
        res_text_put(out, "-");
}

CELL(x_centralized)
{
    UNUSED_TABLE_RUN;
    res_text_figure(out, row->x_centralized, 3);
    if (row->is_per_client && !isnan(row->x_centralized))
        res_text_put(out, "/client");
}

CELL(assumed)
{
    UNUSED_TABLE_RUN;
    double percent = 100 * row->assumed_ratio;
    if (isnan(percent))
        res_text_put(out, "-");
    else if (percent > 0 && percent < 0.5)
        res_text_put(out, "<1 %");
    else if (percent < 100 && percent >= 99.5)
        res_text_put(out, ">99 %");
    else
        res_text_add(out, "%.0f %%", percent);
}

const struct res_shown res_shown_columns[] = {
    {"run", "", RES_NO_QUANTITY, true, true, put_run},
    {"arm", "", RES_NO_QUANTITY, true, false, put_arm},
    {"reached", "", RES_NO_QUANTITY, true, false, put_reached},
    {"accuracy", "", RES_NO_QUANTITY, false, false, put_accuracy},
    {"rounds", "", RES_NO_QUANTITY, false, false, put_rounds},
    {"sim time", "", RES_NO_QUANTITY, false, false, put_sim_time},
    {"moved", "MB", RES_NO_QUANTITY, false, false, put_bytes},
    {"energy", NULL, RES_ENERGY, false, false, put_energy},
    {"client", NULL, RES_ENERGY, false, false, put_client},
    {"network", NULL, RES_ENERGY, false, false, put_network},
    {"server", NULL, RES_ENERGY, false, false, put_server},
    {"overhead", NULL, RES_ENERGY, false, false, put_overhead},
    {"carbon", NULL, RES_CARBON, false, false, put_gco2e},
    {"5-95 %", NULL, RES_CARBON, false, false, put_interval},
    {"idle", NULL, RES_CARBON, false, false, put_idle},
    {"embodied", NULL, RES_CARBON, false, false, put_embodied},
    {"x centralized", "carbon", RES_NO_QUANTITY, false, false,
     put_x_centralized},
    {"assumed", "of carbon", RES_NO_QUANTITY, false, false, put_assumed},
    {0},
};

const char *res_shown_unit(const struct res_table *table,
                           const struct res_shown *column)
{
    if (column->unit)
        return column->unit;
    return column->quantity == RES_CARBON ? table->carbon_unit
                                          : table->energy_unit;
}

bool res_is_shown(const struct res_table *table, const struct res_shown *column)
{
    return !column->is_for_many || table->n_runs > 1;
}

void res_put_title(const struct res_run *run, struct res_text *out)
{
    res_text_put(out, run->name[0] ? run->name : run->label);
    const char *sign = ": ";
    const char *const parts[] = {run->dataset, run->model};
    for (int i = 0; i < 2; i++) {
        if (!parts[i][0])
            continue;
        res_text_add(out, "%s%s", sign, parts[i]);
        sign = ", ";
    }
    if (run->n_clients >= 0) {
        res_text_add(out, "%s%lld clients", sign, (long long)run->n_clients);
        sign = ", ";
    }
    if (run->partition[0])
        res_text_add(out, "%s%s", sign, run->partition);
}

static void put_target(double target, struct res_text *out)
{
    if (target > 0)
        res_text_add(out, "%.4g", target);
    else
        res_text_put(out, "none");
}

/* One target, or each arm's own where they differ. */
static void put_targets(const struct res_run *run, struct res_text *out)
{
    bool is_one = true;
    for (size_t i = 1; i < run->n_rows; i++)
        is_one =
            is_one &&
            !(run->rows[i].target_accuracy < run->rows[0].target_accuracy ||
              run->rows[i].target_accuracy > run->rows[0].target_accuracy);
    res_text_put(out, "target accuracy: ");
    if (is_one)
        put_target(run->n_rows > 0 ? run->rows[0].target_accuracy : 0, out);
    for (size_t i = 0; i < run->n_rows && !is_one; i++) {
        res_text_add(out, "%s%s ", i > 0 ? ", " : "", run->rows[i].arm);
        put_target(run->rows[i].target_accuracy, out);
    }
}

void res_put_setting(const struct res_run *run, struct res_text *out)
{
    put_targets(run, out);
    res_text_add(out, "; grid: %s; preset: %s",
                 run->grid[0] ? run->grid : "not recorded",
                 run->preset[0] ? run->preset : "not recorded");
}

const char *const res_note_heads[] = {
    [RES_NOTE_UNFINISHED] = "unfinished",
    [RES_NOTE_UNEQUAL] = "unequal accuracy",
    [RES_NOTE_LOCAL] = "local",
    [RES_NOTE_OFF] = "switched off",
    [RES_NOTE_MODELLED] = "modelled",
    [RES_NOTE_NETWORK] = "network constants",
    [RES_NOTE_BOUNDARY] = "boundary",
    [RES_NOTE_UNCERTAIN] = "uncertainty",
    [RES_NOTE_INFLUENCES] = "what moves the answer most",
    [RES_NOTE_LEAVES_OUT] = "not modelled here",
    [RES_NOTE_COMMAND] = "repeat with",
};
_Static_assert(sizeof res_note_heads / sizeof res_note_heads[0] ==
                   RES_NOTE_LAST_,
               "every note needs a head");

static void put_local_note(const struct res_table *table,
                           const struct res_row *row,
                           struct res_text *out)
{
    if (!row->is_per_client || row->counted == 0)
        return;
    res_text_add(out,
                 "every figure is the mean per client, over %lld of %lld "
                 "clients. All %lld alone, at that mean: ",
                 (long long)row->counted, (long long)row->population,
                 (long long)row->population);
    res_text_figure(out, row->all_clients_j / table->energy_unit_j, 4);
    res_text_add(out, " %s, ", table->energy_unit);
    res_text_figure(out, row->all_clients_gco2e / table->carbon_unit_gco2e, 4);
    res_text_add(out, " %s", table->carbon_unit);
    if (isnan(row->all_clients_x_centralized))
        return;
    res_text_put(out, ", ");
    res_text_figure(out, row->all_clients_x_centralized, 3);
    res_text_put(out, " x centralized");
    if (row->reached >= 0 && row->reached < row->counted)
        res_text_add(out,
                     ", which does not compare equals: %lld of %lld "
                     "reached the target",
                     (long long)row->reached, (long long)row->counted);
}

/* Rows that x centralized sets side by side. */
static bool is_measured(const struct res_row *row)
{
    return !row->is_per_client && row->is_finished;
}

/* A ratio at different accuracies is no verdict: say whose it is, or that the
 * arms were not asked for the same accuracy. */
static void put_unequal_note(const struct res_run *run, struct res_text *out)
{
    const char *sign = "the target was not reached by ";
    const struct res_row *first = NULL;
    bool has_other = false;
    for (size_t i = 0; i < run->n_rows; i++) {
        const struct res_row *row = &run->rows[i];
        if (!is_measured(row))
            continue;
        if (first && (row->target_accuracy < first->target_accuracy ||
                      row->target_accuracy > first->target_accuracy))
            has_other = true;
        first = first ? first : row;
        if (row->reached != 0)
            continue;
        res_text_add(out, "%s%s", sign, row->arm);
        sign = ", ";
    }
    if (has_other)
        res_text_add(out, "%sthe arms' targets differ", out->n ? "; " : "");
    if (out->n > 0)
        res_text_put(out, "; x centralized does not compare equals");
}

/* "federated emits less than centralized in 3 % of the draws, ratio 2 to 90" */
static void put_uncertain_note(const struct res_run *run, struct res_text *out)
{
    for (size_t i = 0; i < run->n_rows; i++) {
        const struct res_row *row = &run->rows[i];
        if (isnan(row->below_centralized_share) || !row->is_finished)
            continue;
        double share = row->below_centralized_share;
        const double least = 1.0 / RES_TABLE_DRAWS;
        res_text_add(out, "%s%s emits less than centralized with probability ",
                     out->n > 0 ? "; " : "", row->arm);
        res_text_put(out, share < least ? "< " : share > 1 - least ? "> " : "");
        res_text_figure(out,
                        share < least       ? least
                        : share > 1 - least ? 1 - least
                                            : share,
                        share > 1 - least ? 4 : 2);
        res_text_put(out, "; 5-95 % of the ratio: ");
        res_text_figure(out, row->x_p5, 3);
        res_text_put(out, " to ");
        res_text_figure(out, row->x_p95, 3);
    }
}

void res_put_note(const struct res_table *table,
                  const struct res_run *run,
                  enum res_note note,
                  struct res_text *out)
{
    switch (note) {
    case RES_NOTE_UNFINISHED:
        if (!run->is_finished)
            res_text_put(out, "figures are what the ledger holds so far");
        break;
    case RES_NOTE_UNEQUAL:
        put_unequal_note(run, out);
        break;
    case RES_NOTE_LOCAL:
        for (size_t i = 0; i < run->n_rows; i++)
            put_local_note(table, &run->rows[i], out);
        break;
    case RES_NOTE_OFF:
        res_text_put(out, run->off);
        break;
    case RES_NOTE_MODELLED:
        res_text_put(out, run->modelled);
        break;
    case RES_NOTE_NETWORK:
        res_text_put(out, run->network);
        break;
    case RES_NOTE_BOUNDARY:
        res_text_add(out, "%s", run->boundary);
        if (run->attribution[0])
            res_text_add(out, ", %s attribution", run->attribution);
        break;
    case RES_NOTE_UNCERTAIN:
        put_uncertain_note(run, out);
        break;
    case RES_NOTE_INFLUENCES:
        res_text_put(out, run->influences);
        break;
    case RES_NOTE_LEAVES_OUT:
        res_text_put(out, run->leaves_out);
        break;
    case RES_NOTE_COMMAND:
        res_text_put(out, run->command);
        break;
    case RES_NOTE_LAST_:
    default:
        break;
    }
}
