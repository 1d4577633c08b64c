/* What people see of a row: the cells of the text, Markdown and LaTeX tables,
 * as plain text that each format escapes. */
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
        res_text_add(out, " (mean of %lld of %lld)",
                     (long long)(row->counted / row->n_seeds),
                     (long long)row->population);
    if (!run->is_finished)
        res_text_put(out,
                     row->is_finished ? " [run unfinished]" : " [unfinished]");
}

/* " +- 0.01": a standard error over seeds; nothing where all agree. */
static void put_se(double se, int digits, struct res_text *out)
{
    if (!(se > 0))
        return;
    res_text_put(out, " +- ");
    res_text_figure(out, se, digits);
}

CELL(seeds)
{
    UNUSED_TABLE_RUN;
    res_text_add(out, "%lld", (long long)row->n_seeds);
}

CELL(reached)
{
    UNUSED_TABLE_RUN;
    bool has_count = row->is_per_client || row->n_seeds > 1;
    if (has_count && row->reached >= 0 && row->counted > 0)
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
    if (row->accuracy_se > 0)
        res_text_add(out, " +- %.4f", row->accuracy_se);
}

CELL(rounds)
{
    UNUSED_TABLE_RUN;
    if (row->rounds_mean > floor(row->rounds_mean)) /* over seeds */
        res_text_figure(out, row->rounds_mean, 3);
    else if (row->n_seeds > 1)
        res_text_add(out, "%.0f", row->rounds_mean);
    else if (row->rounds > 0)
        res_text_add(out, "%lld", (long long)row->rounds);
    else
        res_text_put(out, "-");
    put_se(row->rounds_se, 2, out);
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
    put_se(row->sim_time_se_s / units[i].unit_s, 2, out);
    res_text_add(out, " %s", units[i].unit);
}

CELL(bytes)
{
    UNUSED_TABLE_RUN;
    res_text_figure(out, row->bytes / FL_BYTES_PER_MB, 4);
}

CELL(bytes_up)
{
    UNUSED_TABLE_RUN;
    res_text_figure(out, row->up_bytes / FL_BYTES_PER_MB, 4);
}

CELL(bytes_down)
{
    UNUSED_TABLE_RUN;
    res_text_figure(out, row->down_bytes / FL_BYTES_PER_MB, 4);
}

CELL(sci)
{
    UNUSED_TABLE_RUN;
    res_text_figure(out, row->sci_gco2e, 4);
}

CELL(energy)
{
    (void)run;
    res_text_figure(out, row->energy_j / table->energy_unit_j, 4);
    put_se(row->energy_se_j / table->energy_unit_j, 2, out);
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
    put_se(row->gco2e_se / table->carbon_unit_gco2e, 2, out);
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

CELL(x_baseline)
{
    UNUSED_TABLE_RUN;
    res_text_figure(out, row->x_baseline, 3);
    put_se(row->x_se, 2, out);
    if (row->is_per_client && !isnan(row->x_baseline))
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
    {"run", "run", "", RES_NO_QUANTITY, true, put_run},
    {"arm", "arm", "", RES_NO_QUANTITY, true, put_arm},
    {"seeds", "seeds", "", RES_NO_QUANTITY, false, put_seeds},
    {"reached", "reached", "", RES_NO_QUANTITY, true, put_reached},
    {"accuracy", "accuracy", "", RES_NO_QUANTITY, false, put_accuracy},
    {"rounds", "rounds", "", RES_NO_QUANTITY, false, put_rounds},
    {"sim_time_s", "sim time", "", RES_NO_QUANTITY, false, put_sim_time},
    {"bytes", "moved", "MB", RES_NO_QUANTITY, false, put_bytes},
    {"energy_kwh", "energy", NULL, RES_ENERGY, false, put_energy},
    {"client_kwh", "client", NULL, RES_ENERGY, false, put_client},
    {"network_kwh", "network", NULL, RES_ENERGY, false, put_network},
    {"server_kwh", "server", NULL, RES_ENERGY, false, put_server},
    {"overhead_kwh", "overhead", NULL, RES_ENERGY, false, put_overhead},
    {"emitted_gco2e", "carbon", NULL, RES_CARBON, false, put_gco2e},
    {"interval", "5-95 %", NULL, RES_CARBON, false, put_interval},
    {"idle_gco2e", "idle", NULL, RES_CARBON, false, put_idle},
    {"embodied_gco2e", "embodied", NULL, RES_CARBON, false, put_embodied},
    {"x_baseline", NULL, "carbon", RES_NO_QUANTITY, false, put_x_baseline},
    {"assumed_ratio", "assumed", "of carbon", RES_NO_QUANTITY, false,
     put_assumed},
    {0},
};

const struct res_shown res_shown_on_request[] = {
    {"bytes_up", "up", "MB", RES_NO_QUANTITY, false, put_bytes_up},
    {"bytes_down", "down", "MB", RES_NO_QUANTITY, false, put_bytes_down},
    {"sci", "SCI", NULL, RES_SCI, false, put_sci},
    {0},
};
