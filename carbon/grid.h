/* Carbon intensity over simulated time: annual constants, typical days, or
 * hourly traces.
 *
 * Traces and typical days are piecewise constant: value i holds over
 * [t_i, t_{i+1}). They are integrated exactly at these edges. A question
 * outside a trace is FL_E_RANGE; nothing is extrapolated.
 */
#ifndef CARBON_GRID_H
#define CARBON_GRID_H

#include "base/status.h"
#include "carbon/profile.h"

#include <stdint.h>

struct carbon_grid; /* opaque: the zones of a run, in the order they were added
                     */

/* start_epoch_s: the instant of simulated time 0. Free: carbon_grid_destroy. */
enum fl_status carbon_grid_create(int64_t start_epoch_s,
                                  struct carbon_grid **ret,
                                  struct fl_error *err) FL_NODISCARD;
void carbon_grid_destroy(struct carbon_grid *grid);

/* What the traces that are added from now on count; not called: life cycle,
 * average. It chooses the column of files that have several, and is part of the
 * source that carbon_grid_fact gives. Fails FL_E_ARG no such method. */
enum fl_status carbon_grid_set_method(struct carbon_grid *grid,
                                      const struct carbon_method *method,
                                      struct fl_error *err) FL_NODISCARD;

/* Adds a zone with a constant intensity (annual mean, or a user's own).
 * Adding a name again with the same figure gives the same index.
 * Fails FL_E_CONFIG a missing, off, negative or infinite intensity; FL_E_STATE
 * the zone was added before with other data. */
enum fl_status carbon_grid_add_annual(struct carbon_grid *grid,
                                      const char *zone,
                                      const struct carbon_fact *gco2e_per_kwh,
                                      int32_t *ret_zone,
                                      struct fl_error *err) FL_NODISCARD;

/* Adds a zone with typical days: the annual mean times a factor by month and
 * hour of the day (UTC), the same every year. typical is borrowed for the
 * grid's life. Times from year 1 to 9999. Fails like carbon_grid_add_annual. */
enum fl_status carbon_grid_add_typical(struct carbon_grid *grid,
                                       const char *zone,
                                       const struct carbon_typical *typical,
                                       const struct carbon_fact *gco2e_per_kwh,
                                       int32_t *ret_zone,
                                       struct fl_error *err) FL_NODISCARD;

/* Adds a zone with the hourly trace of a CSV file (gz too): a header
 * "datetime_utc,ZONE[,ZONE...]" with one column per zone, or Electricity Maps'
 * long layout (datetime_utc, zone_id, and by method one of ci_lca_g_per_kwh,
 * ci_direct_g_per_kwh, ci_marginal_g_per_kwh, or its own names of the first
 * two). Fields may be quoted. Rows are equally spaced, in order, without gaps.
 * A zone of carbon/zone.h is also found in the file by its other names.
 * Fails FL_E_IO; FL_E_FORMAT with file:line, what was found and allowed (gap,
 * order, not a number, negative); FL_E_CONFIG no such zone in the file, with
 * near names; FL_E_STATE the zone was added before from elsewhere. */
enum fl_status carbon_grid_add_trace(struct carbon_grid *grid,
                                     const char *zone,
                                     const char *path,
                                     int32_t *ret_zone,
                                     struct fl_error *err) FL_NODISCARD;

/* The same from bytes in memory; origin is the name for errors. */
enum fl_status carbon_grid_add_trace_text(struct carbon_grid *grid,
                                          const char *zone,
                                          const char *origin,
                                          const char *text,
                                          size_t n_bytes,
                                          int32_t *ret_zone,
                                          struct fl_error *err) FL_NODISCARD;

size_t carbon_grid_n_zones(const struct carbon_grid *grid);
const char *carbon_grid_zone_name(const struct carbon_grid *grid, int32_t zone);

/* A zone's intensity as a fact: what was added; of a trace its mean over all
 * its hours, with the file as source. Texts are borrowed. Fails FL_E_ARG. */
enum fl_status carbon_grid_fact(const struct carbon_grid *grid,
                                int32_t zone,
                                struct carbon_fact *ret_gco2e_per_kwh,
                                struct fl_error *err) FL_NODISCARD;

/* Mean intensity of a zone over [t0_s, t1_s), or at t0_s where they are equal.
 * Evidence: that of the annual fact; of typical days derived or, where the
 * annual fact is weaker, that; of a trace derived, assumed where the file marks
 * an hour of the interval as estimated.
 * Fails FL_E_RANGE outside the trace, FL_E_NUMERIC, FL_E_ARG no such zone or
 * t1 < t0. Cost O(1): prefix sums, whatever the length of the interval. */
enum fl_status carbon_grid_mean(const struct carbon_grid *grid,
                                int32_t zone,
                                double t0_s,
                                double t1_s,
                                double *ret_gco2e_per_kwh,
                                enum carbon_evidence *ret_evidence,
                                struct fl_error *err) FL_NODISCARD;

/* Grams emitted by drawing energy_j evenly over [t0_s, t1_s) in a zone:
 *   energy_j / FL_J_PER_KWH * mean intensity over the interval       [gCO2e]
 * t0_s = t1_s takes the intensity at t0_s.
 * Fails FL_E_RANGE outside the trace, FL_E_NUMERIC. */
enum fl_status carbon_grid_emissions(const struct carbon_grid *grid,
                                     int32_t zone,
                                     double t0_s,
                                     double t1_s,
                                     double energy_j,
                                     double *ret_gco2e,
                                     enum carbon_evidence *ret_evidence,
                                     struct fl_error *err) FL_NODISCARD;

#endif
