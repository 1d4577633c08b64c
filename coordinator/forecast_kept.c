#include "coordinator/run_priv.h"

#include "base/clock.h"
#include "base/alloc.h"
#include "base/units.h"

#include <math.h>
#include <stdio.h>

#define KEY_FORECAST "forecast"
#define KEY_HELD     "forecast_held"

/* The same figures, foretold and found. */
struct figures {
    double wall_s, coordinator_bytes, energy_j, emitted_gco2e, entries;
};

static int64_t processes_of(const struct coord_run *run)
{
    return run->opts->expected_processes;
}

static struct figures foretold(const struct coord_run *run)
{
    const struct coord_forecast *f = &run->forecast;
    bool has_wall = coord_is_mock(run) || processes_of(run) > 0;
    return (struct figures){
        .wall_s = has_wall ? coord_forecast_wall_s(f, processes_of(run))
                           : (double)NAN,
        .coordinator_bytes = f->coordinator_bytes,
        .energy_j = f->energy_j,
        .emitted_gco2e = f->emitted_gco2e,
        .entries = f->entries};
}

/* "1.5", or null where it is not known. */
static void put(FILE *out, const char *key, double value)
{
    if (isfinite(value))
        (void)fprintf(out, "\"%s\": %.17g", key, value);
    else
        (void)fprintf(out, "\"%s\": null", key);
}

static enum fl_status store_figures(struct coord_run *run,
                                    const char *key,
                                    const struct figures *f,
                                    const char *more,
                                    struct fl_error *err)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    if (!out)
        return fl_fail(err, FL_E_NOMEM, "out of memory: forecast");
    const struct {
        const char *key;
        double value;
    } rows[] = {{"wall_s", f->wall_s},
                {"coordinator_bytes", f->coordinator_bytes},
                {"energy_j", f->energy_j},
                {"emitted_gco2e", f->emitted_gco2e},
                {"ledger_rows", f->entries}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)fputs(i ? ", " : "{", out);
        put(out, rows[i].key, rows[i].value);
    }
    (void)fprintf(out, "%s}", more);
    bool is_whole = fclose(out) == 0;
    enum fl_status status =
        is_whole ? res_store_set(run->store, key, text, err)
                 : fl_fail(err, FL_E_NOMEM, "out of memory: forecast");
    fl_free(text);
    return status;
}

enum fl_status coord_forecast_keep(struct coord_run *run, struct fl_error *err)
{
    struct coord_speeds speeds = {.n = 0};
    char more[160];
    if (run->opts->share_dir)
        return FL_OK;
    FL_TRY(coord_forecast_of(run, &speeds, &run->forecast, err));
    run->has_forecast = true;
    run->foretold_wall_s = fl_clock_wall_s();
    struct figures figures = foretold(run);
    (void)snprintf(more, sizeof more,
                   ", \"client_bytes\": %.17g, \"is_upper_bound\": %s",
                   run->forecast.client_bytes,
                   run->forecast.is_upper_bound ? "true" : "false");
    return store_figures(run, KEY_FORECAST, &figures, more, err);
}

static struct figures found(const struct coord_run *run)
{
    struct figures f = {.wall_s = fl_clock_wall_s() - run->foretold_wall_s,
                        .coordinator_bytes = (double)fl_alloc_peak_bytes()};
    for (int arm = 0; arm < SCN_ARM_LAST_; arm++) {
        f.energy_j += run->totals[arm].energy_j;
        f.emitted_gco2e += run->totals[arm].emitted_gco2e;
        f.entries += (double)run->totals[arm].entries;
    }
    if (run->opts->is_resume) /* of this sitting alone */
        f.wall_s = f.entries = (double)NAN;
    return f;
}

/* "93 %", or "?" where nothing is known. */
static void percent(double part, char ret[16])
{
    if (isfinite(part))
        (void)snprintf(ret, 16, "%.4g %%", 100 * part);
    else
        (void)snprintf(ret, 16, "?");
}

/* "forecast: 00:05, 92 MB, 23.5 Wh, 2.17 gCO2e; it came to 104 %, ... of it" */
static void tell(const struct coord_run *run,
                 const struct figures *said,
                 const struct figures *held)
{
    char text[400], clock[32] = "unknown time", parts[4][16];
    const double all[] = {held->wall_s, held->coordinator_bytes, held->energy_j,
                          held->emitted_gco2e};
    for (size_t i = 0; i < 4; i++)
        percent(all[i], parts[i]);
    if (isfinite(said->wall_s))
        fl_clock_text(said->wall_s, clock, sizeof clock);
    (void)snprintf(text, sizeof text,
                   "forecast: %s%s here, %.0f MB in the coordinator, %.4g Wh, "
                   "%.4g gCO2e; it came to %s, %s, %s, %s of that",
                   run->forecast.is_upper_bound ? "at most about " : "", clock,
                   said->coordinator_bytes / 1e6, said->energy_j / FL_J_PER_WH,
                   said->emitted_gco2e, parts[0], parts[1], parts[2], parts[3]);
    coord_progress_say(run, text);
}

enum fl_status coord_forecast_close(struct coord_run *run, struct fl_error *err)
{
    if (!run->has_forecast)
        return FL_OK;
    const struct figures said = foretold(run), came = found(run);
    const struct figures held = {
        .wall_s = came.wall_s / said.wall_s,
        .coordinator_bytes = came.coordinator_bytes / said.coordinator_bytes,
        .energy_j = came.energy_j / said.energy_j,
        .emitted_gco2e = came.emitted_gco2e / said.emitted_gco2e,
        .entries = came.entries / said.entries,
    };
    tell(run, &said, &held);
    return store_figures(run, KEY_HELD, &held, "", err);
}
