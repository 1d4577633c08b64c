/* What people see of a sweep while it runs, and before. */
#include "cli/sweep/sweep_runs.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/units.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

double cli_sweep_run_wall_s(const struct cli_sweep *sweep,
                            const struct cli_sweep_run *run)
{
    return coord_forecast_wall_s(&run->estimate, sweep->opts->processes) +
           coord_forecast_end_wall_s(&run->estimate);
}

void cli_sweep_totals(const struct cli_sweep *sweep,
                      double *ret_energy_j,
                      double *ret_gco2e,
                      double *ret_wall_s,
                      bool *ret_is_upper_bound)
{
    double longest_wall_s = 0, sum_wall_s = 0;
    *ret_energy_j = *ret_gco2e = 0;
    *ret_is_upper_bound = false;
    for (size_t i = 0; i < sweep->n_runs; i++) {
        const struct cli_sweep_run *run = &sweep->runs[i];
        if (run->state == CLI_RUN_DONE)
            continue;
        double wall_s = cli_sweep_run_wall_s(sweep, run);
        sum_wall_s += wall_s;
        longest_wall_s = wall_s > longest_wall_s ? wall_s : longest_wall_s;
        *ret_energy_j += run->estimate.energy_j;
        *ret_gco2e += run->estimate.emitted_gco2e;
        *ret_is_upper_bound |= run->estimate.is_upper_bound;
    }
    double even_wall_s = sum_wall_s / sweep->jobs;
    *ret_wall_s = even_wall_s > longest_wall_s ? even_wall_s : longest_wall_s;
}

/* The list */

static const char *state_text(const struct cli_sweep_run *run)
{
    if (run->state == CLI_RUN_DONE)
        return "done";
    return run->has_begun ? "begun" : "";
}

static void put_estimate(double wall_s,
                         double energy_j,
                         double gco2e,
                         bool is_upper_bound,
                         FILE *out)
{
    char clock[32];
    const char *mark = is_upper_bound ? "<=" : "  ";
    fl_clock_text(wall_s, clock, sizeof clock);
    (void)fprintf(out, "%s%9s  %s%10.4g  %s%10.4g", mark, clock, mark,
                  energy_j / FL_J_PER_KWH, mark, gco2e);
}

void cli_sweep_list(const struct cli_sweep *sweep, FILE *out)
{
    double energy_j, gco2e, wall_s;
    bool is_upper_bound;
    char text[256];
    size_t n_done = cli_sweep_count(sweep, CLI_RUN_DONE);
    (void)fprintf(out, "point  directory     state  %11s  %12s  %12s  %s\n",
                  "time here", "kWh", "gCO2e", "values");
    for (size_t p = 0; p < sweep->points->n_points; p++) {
        const struct cli_sweep_run *run = &sweep->runs[sweep->run_of[p]];
        cli_sweep_point_text(sweep, p, text, sizeof text);
        (void)fprintf(out, "%5zu  %.12s  %-5s  ", p + 1, run->sha256,
                      state_text(run));
        if (run->point == p)
            put_estimate(cli_sweep_run_wall_s(sweep, run),
                         run->estimate.energy_j, run->estimate.emitted_gco2e,
                         run->estimate.is_upper_bound, out);
        else
            (void)fprintf(out, "the same run as point %-18zu", run->point + 1);
        (void)fprintf(out, "  %s\n", text);
    }
    cli_sweep_totals(sweep, &energy_j, &gco2e, &wall_s, &is_upper_bound);
    (void)fprintf(out, "%-26s  ", "left to do");
    put_estimate(wall_s, energy_j, gco2e, is_upper_bound, out);
    (void)fprintf(out,
                  "\n\n%zu points, %zu runs, %zu of them finished, %d at once, "
                  "into %s\n",
                  sweep->points->n_points, sweep->n_runs, n_done, sweep->jobs,
                  sweep->out);
    (void)fprintf(out,
                  "kWh and gCO2e: all arms of the simulated world, costed from "
                  "the first rounds, one epoch\nand each client alone; time "
                  "here: this machine's.%s\n",
                  is_upper_bound ? " <=: arms that reach their target stop "
                                   "earlier."
                                 : "");
}

/* Progress */

/* Measured over estimated time of what has ended here; 1 before. */
static double correction(const struct cli_sweep *sweep)
{
    double took_wall_s = 0, estimated_wall_s = 0;
    for (size_t i = 0; i < sweep->n_runs; i++) {
        const struct cli_sweep_run *run = &sweep->runs[i];
        if (run->state != CLI_RUN_DONE || run->took_wall_s <= 0)
            continue;
        took_wall_s += run->took_wall_s;
        estimated_wall_s += cli_sweep_run_wall_s(sweep, run);
    }
    return estimated_wall_s > 0 ? took_wall_s / estimated_wall_s : 1;
}

static double left_wall_s(const struct cli_sweep *sweep)
{
    double now = fl_clock_wall_s(), factor = correction(sweep);
    double sum_wall_s = 0, longest_wall_s = 0;
    for (size_t i = 0; i < sweep->n_runs; i++) {
        const struct cli_sweep_run *run = &sweep->runs[i];
        if (run->state != CLI_RUN_LEFT && run->state != CLI_RUN_BUSY)
            continue;
        double wall_s = factor * cli_sweep_run_wall_s(sweep, run);
        if (run->state == CLI_RUN_BUSY)
            wall_s -= now - run->start_wall_s;
        wall_s = wall_s > 0 ? wall_s : 0;
        sum_wall_s += wall_s;
        longest_wall_s = wall_s > longest_wall_s ? wall_s : longest_wall_s;
    }
    double even_wall_s = sum_wall_s / sweep->jobs;
    return even_wall_s > longest_wall_s ? even_wall_s : longest_wall_s;
}

static void counts_text(const struct cli_sweep *sweep, char *ret, size_t size)
{
    char clock[32];
    fl_clock_text(left_wall_s(sweep), clock, sizeof clock);
    (void)snprintf(ret, size,
                   "%zu runs: %zu done, %zu running, %zu failed, %zu left; "
                   "about %s to go",
                   sweep->n_runs, cli_sweep_count(sweep, CLI_RUN_DONE),
                   cli_sweep_count(sweep, CLI_RUN_BUSY),
                   cli_sweep_count(sweep, CLI_RUN_FAILED),
                   cli_sweep_count(sweep, CLI_RUN_LEFT), clock);
}

void cli_sweep_progress(const struct cli_sweep *sweep, FILE *out)
{
    char text[256];
    if (!isatty(fileno(out)))
        return; /* there a line for each run that ends is enough */
    counts_text(sweep, text, sizeof text);
    (void)fprintf(out, "\r\033[K%s", text);
    (void)fflush(out);
}

void cli_sweep_tell(const struct cli_sweep *sweep,
                    const struct cli_sweep_run *run,
                    const char *why)
{
    char text[256], counts[256], clock[32];
    cli_sweep_point_text(sweep, run->point, text, sizeof text);
    if (run->state == CLI_RUN_FAILED) {
        fl_log(FL_LOG_ERROR, "point %zu (%s) failed: %.500s (all it said: %s)",
               run->point + 1, text, why, run->log);
    } else if (!sweep->opts->is_quiet) {
        fl_clock_text(run->took_wall_s, clock, sizeof clock);
        counts_text(sweep, counts, sizeof counts);
        fl_log(FL_LOG_INFO, "point %zu (%s) is done, in %s; %s", run->point + 1,
               text, clock, counts);
    }
}
