/* The reader of carbon-intensity CSV files, on any bytes: it takes them or
 * refuses them with a text, and what it takes can be integrated. The zones
 * looked for are those of the seeds, FR by any of its names, in each of the
 * columns that a file can have. */
#include "carbon/grid.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void must(int is_true)
{
    if (!is_true)
        abort(); /* how a fuzz target reports */
}

static void
ask(const struct carbon_grid *grid, int32_t zone, double t0_s, double t1_s)
{
    double gco2e = -1;
    enum carbon_evidence evidence;
    struct fl_error err = {0};
    enum fl_status status = carbon_grid_emissions(grid, zone, t0_s, t1_s, 3.6e6,
                                                  &gco2e, &evidence, &err);
    if (status == FL_OK)
        must(isfinite(gco2e) && gco2e >= 0 && gco2e <= 5000.001);
    else
        must(status == FL_E_RANGE && gco2e == -1 && err.text[0] != '\0');
}

static void try_zone(const char *name,
                     enum carbon_extent extent,
                     enum carbon_signal signal,
                     const uint8_t *bytes,
                     size_t n_bytes)
{
    const struct carbon_method method = {.extent = extent, .signal = signal};
    struct carbon_grid *grid = NULL;
    struct fl_error err = {0};
    must(carbon_grid_create(1640995200, &grid, &err) == FL_OK);
    must(carbon_grid_set_method(grid, &method, &err) == FL_OK);
    int32_t zone = -1;
    enum fl_status status = carbon_grid_add_trace_text(
        grid, name, "fuzz", (const char *)bytes, n_bytes, &zone, &err);
    if (status == FL_OK) {
        must(zone == 0);
        ask(grid, zone, 0, 0);
        ask(grid, zone, 0, 3600);
        ask(grid, zone, 1799.5, 7201.25);
        ask(grid, zone, -1e9, -1e9 + 1);
        ask(grid, zone, 10, 1e7);
    } else {
        must(status == FL_E_FORMAT || status == FL_E_CONFIG);
        must(zone == -1 && err.text[0] != '\0');
        must(carbon_grid_n_zones(grid) == 0);
    }
    carbon_grid_destroy(grid);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    try_zone("AA", CARBON_LIFE_CYCLE, CARBON_SIGNAL_AVERAGE, bytes, n_bytes);
    try_zone("FR", CARBON_LIFE_CYCLE, CARBON_SIGNAL_AVERAGE, bytes, n_bytes);
    try_zone("FR", CARBON_DIRECT, CARBON_SIGNAL_AVERAGE, bytes, n_bytes);
    try_zone("FR", CARBON_FOSSIL_ONLY, CARBON_SIGNAL_AVERAGE, bytes, n_bytes);
    try_zone("FR", CARBON_LIFE_CYCLE, CARBON_SIGNAL_MARGINAL, bytes, n_bytes);
    return 0;
}
