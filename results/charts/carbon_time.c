/* Carbon as it adds up over simulated time, and what the grid's electricity
 * emits meanwhile. What an entry of the ledger drew is spread evenly over its
 * duration, as the ledger itself has it. */
#include "results/figures/chart_parts.h"

#include "base/units.h"

#include <math.h>
#include <string.h>

#define MOST_DOTS  4000 /* in all lines together */
#define MOST_ZONES 3    /* with a line of their own */
/* Adding up is seen on a linear axis alone, so that it stays linear longer. */
#define WIDE 200.0

struct times {
    struct res_chart *chart;
    const struct res_gallery *gallery;
    struct res_groups groups;
    struct res_unit carbon, time;
    double end_s; /* of the longest */
    size_t step;  /* bins per dot */
};

/* A course's bins, of one row of a run. */
static const struct res_course *
course_of(const struct res_gallery *gallery, size_t run, const char *arm)
{
    const struct res_run *r = &gallery->runs[run];
    for (size_t i = 0; i < r->n_rows; i++)
        if (strcmp(r->rows[i].arm, arm) == 0 &&
            gallery->courses[run][i].n_bins > 0)
            return &gallery->courses[run][i];
    return NULL;
}

static double total_gco2e(const struct res_course *course)
{
    double sum = 0;
    for (size_t b = 0; b < course->n_bins; b++)
        sum += res_course_bin(course, b).gco2e;
    return sum * course->scale;
}

static double end_of(const struct res_course *course)
{
    return course->t0_s + course->bin_s * (double)course->n_bins;
}

static enum fl_status measure(struct times *t, struct fl_error *err)
{
    struct res_extent totals = {0};
    size_t n_lines = 0;
    for (size_t r = 0; r < t->gallery->n_runs; r++) {
        for (size_t i = 0; i < t->gallery->runs[r].n_rows; i++) {
            const struct res_course *course = &t->gallery->courses[r][i];
            if (course->n_bins == 0)
                continue;
            n_lines++;
            res_extent_add(&totals, total_gco2e(course));
            t->end_s = fmax(t->end_s, end_of(course));
        }
    }
    if (!(totals.high > 0) || !(t->end_s > 0))
        return fl_fail(err, FL_E_STATE,
                       "nothing was emitted over time in these runs yet");
    t->carbon = res_unit_carbon(totals.high);
    t->time = res_unit_time(t->end_s);
    t->chart->y.is_log = res_extent_is_wide(&totals, WIDE);
    t->chart->y.is_from_zero = !t->chart->y.is_log;
    t->chart->x.is_from_zero = true;
    t->step = (n_lines * RES_GALLERY_BINS + MOST_DOTS - 1) / MOST_DOTS;
    return FL_OK;
}

static enum fl_status add_dot(const struct times *t,
                              struct res_series *series,
                              double time_s,
                              double y,
                              struct fl_error *err)
{
    const struct res_dot dot = {.x = time_s / t->time.scale,
                                .y = y,
                                .low = (double)NAN,
                                .high = (double)NAN};
    return res_series_add(series, &dot, err);
}

/* Nothing on a logarithmic axis. */
static enum fl_status add_carbon(const struct times *t,
                                 struct res_series *series,
                                 double time_s,
                                 double gco2e,
                                 struct fl_error *err)
{
    if (t->chart->y.is_log && !(gco2e > 0))
        return FL_OK;
    return add_dot(t, series, time_s, gco2e / t->carbon.scale, err);
}

/* Up to each bin's end; what a finished arm emitted stays, where there are few
 * lines. */
static enum fl_status add_course(const struct times *t,
                                 const struct res_course *course,
                                 bool is_held,
                                 struct res_series *series,
                                 struct fl_error *err)
{
    double sum_gco2e = 0;
    if (series->n > 0)
        FL_TRY(add_dot(t, series, (double)NAN, (double)NAN, err));
    FL_TRY(add_carbon(t, series, course->t0_s, 0, err));
    for (size_t b = 0; b < course->n_bins; b++) {
        sum_gco2e += res_course_bin(course, b).gco2e * course->scale;
        if ((b + 1) % t->step == 0 || b + 1 == course->n_bins)
            FL_TRY(add_carbon(t, series,
                              course->t0_s + course->bin_s * (double)(b + 1),
                              sum_gco2e, err));
    }
    if (is_held && end_of(course) < t->end_s)
        FL_TRY(add_carbon(t, series, t->end_s, sum_gco2e, err));
    return FL_OK;
}

static enum fl_status add_end(const struct times *t,
                              size_t run,
                              double time_s,
                              double gco2e,
                              struct res_series *series,
                              struct fl_error *err)
{
    struct res_text label = {0};
    res_gallery_put_label(t->gallery, run, true, &label);
    const struct res_dot dot = {.x = time_s / t->time.scale,
                                .y = gco2e / t->carbon.scale,
                                .low = (double)NAN,
                                .high = (double)NAN,
                                .label = label.bytes};
    enum fl_status status = res_text_check(&label, err);
    if (status == FL_OK && dot.y > 0)
        status = res_series_add(series, &dot, err);
    res_text_fini(&label);
    return status;
}

static enum fl_status fill(const struct times *t,
                           const char *arm,
                           size_t group,
                           struct res_series *series,
                           struct fl_error *err)
{
    bool is_of_ends = series->kind == RES_SERIES_POINTS;
    for (size_t r = 0; r < t->gallery->n_runs; r++) {
        const struct res_course *course = course_of(t->gallery, r, arm);
        if (!course || res_group_of(&t->groups, r) != group)
            continue;
        bool is_held = t->groups.is_few &&
                       res_find_arm(&t->gallery->runs[r], arm)->is_finished;
        if (is_of_ends)
            FL_TRY(add_end(t, r, end_of(course), total_gco2e(course), series,
                           err));
        else
            FL_TRY(add_course(t, course, is_held, series, err));
    }
    return FL_OK;
}

static enum fl_status add_group(const struct times *t,
                                const char *arm,
                                size_t group,
                                struct fl_error *err)
{
    struct res_series *series = NULL;
    FL_TRY(res_group_add_series(&t->groups, t->chart, arm, group,
                                RES_SERIES_LINE, &series, err));
    if (!series)
        return FL_OK;
    FL_TRY(fill(t, arm, group, series, err));
    if (t->groups.is_few)
        return FL_OK;
    FL_TRY(res_group_add_series(&t->groups, t->chart, arm, group,
                                RES_SERIES_POINTS, &series, err));
    return fill(t, arm, group, series, err);
}

/* The bins that say most about a zone: those of the course that drew there the
 * longest. */
struct zone_at {
    const char *zone;
    const struct res_course *course;
    const struct res_bin *bins;
    double drawing_s;
};

static double drawing_s(const struct res_course *course,
                        const struct res_bin *bins)
{
    double sum_s = 0;
    for (size_t b = 0; b < course->n_bins; b++)
        sum_s += bins[b].energy_j > 0 ? course->bin_s : 0;
    return sum_s;
}

/* Zones by name; returns how many there are, at most `most` + 1. */
static size_t
find_zones(const struct res_gallery *gallery, struct zone_at *ret, size_t most)
{
    size_t n = 0;
    for (size_t r = 0; r < gallery->n_runs; r++) {
        for (size_t i = 0; i < gallery->runs[r].n_rows; i++) {
            const struct res_course *course = &gallery->courses[r][i];
            for (size_t z = 0; z < course->n_zones; z++) {
                const struct res_zone_bins *zone = &course->zones[z];
                const struct zone_at at = {zone->zone, course, zone->bins,
                                           drawing_s(course, zone->bins)};
                size_t k = 0;
                while (k < n && strcmp(ret[k].zone, zone->zone) != 0)
                    k++;
                if (!(at.drawing_s > 0))
                    continue; /* embodied carbon alone */
                if (k == n && n++ == most)
                    return n;
                if (!ret[k].zone || at.drawing_s > ret[k].drawing_s)
                    ret[k] = at;
            }
        }
    }
    return n;
}

/* The same but for rounding; NaN is like nothing but itself. */
static bool is_as(double a, double b)
{
    return isnan(a) || isnan(b) ? isnan(a) && isnan(b)
                                : fabs(a - b) <= 1e-9 * fabs(a);
}

/* Each value holds until the next. */
static enum fl_status add_intensity(const struct times *t,
                                    const struct zone_at *at,
                                    struct res_series *series,
                                    struct fl_error *err)
{
    const struct res_course *course = at->course;
    double last = (double)NAN, value = (double)NAN;
    for (size_t b = 0; b < course->n_bins; b += t->step) {
        struct res_bin sum = {.energy_j = 0};
        for (size_t i = b; i < b + t->step && i < course->n_bins; i++) {
            sum.energy_j += at->bins[i].energy_j;
            sum.drawn_gco2e += at->bins[i].drawn_gco2e;
        }
        value = sum.energy_j > 0
                    ? sum.drawn_gco2e / (sum.energy_j / FL_J_PER_KWH)
                    : (double)NAN;
        double time_s = course->t0_s + course->bin_s * (double)b;
        if (isnan(value) && !isnan(last)) { /* it held until here */
            FL_TRY(add_dot(t, series, time_s, last, err));
            FL_TRY(add_dot(t, series, (double)NAN, (double)NAN, err));
        } else if (!is_as(value, last)) {
            FL_TRY(add_dot(t, series, time_s, value, err));
        }
        last = value;
    }
    return isnan(last) ? FL_OK : add_dot(t, series, end_of(course), last, err);
}

static enum fl_status add_zones(const struct times *t, struct fl_error *err)
{
    struct zone_at zones[MOST_ZONES + 1] = {{.zone = NULL}};
    size_t n = find_zones(t->gallery, zones, MOST_ZONES);
    if (n == 0 || n > MOST_ZONES || !t->gallery->has_common_carbon)
        return FL_OK;
    FL_TRY(res_axis_set(&t->chart->second_y, "intensity", "gCO2e/kWh", err));
    t->chart->second_y.is_from_zero = true;
    for (size_t z = 0; z < n; z++) {
        struct res_series *series = NULL;
        struct res_text name = {0};
        res_text_add(&name, "grid %s", zones[z].zone);
        enum fl_status status = res_text_check(&name, err);
        if (status == FL_OK)
            status = res_chart_add_series(
                t->chart, res_text_get(&name), RES_SERIES_STEPS,
                RES_COLOUR_4TH + (int)z, &series, err);
        res_text_fini(&name);
        FL_TRY(status);
        series->is_second_y = true;
        FL_TRY(add_intensity(t, &zones[z], series, err));
    }
    return FL_OK;
}

static double beside_gco2e(const struct res_gallery *gallery)
{
    double most = 0;
    for (size_t r = 0; r < gallery->n_runs; r++)
        for (size_t i = 0; i < gallery->runs[r].n_rows; i++)
            most = fmax(most, gallery->courses[r][i].beside_gco2e);
    return most;
}

static enum fl_status say(const struct times *t, struct fl_error *err)
{
    struct res_text caption = {0};
    res_text_put(&caption, "Carbon emitted until then, in simulated time.");
    if (t->chart->second_y.label)
        res_text_put(&caption,
                     " Right: what a kWh drawn in a zone emitted, the mean "
                     "over each entry of the ledger.");
    res_put_local(t->gallery, &caption);
    double beside = beside_gco2e(t->gallery);
    if (beside > 0) {
        res_text_put(&caption, " Items beside the training (up to ");
        res_text_figure(&caption, beside, 3);
        res_text_put(&caption, " gCO2e) have no place on this axis.");
    }
    res_put_runs(t->gallery, &caption);
    res_put_counts(t->gallery, &caption);
    enum fl_status status =
        res_chart_say(t->chart, "Carbon over time", &caption, err);
    res_text_fini(&caption);
    return status;
}

static enum fl_status make(const struct res_gallery *gallery,
                           struct res_chart *ret,
                           struct fl_error *err)
{
    struct times t = {.chart = ret, .gallery = gallery};
    FL_TRY(measure(&t, err));
    FL_TRY(res_axis_set(&ret->x, "simulated time", t.time.name, err));
    FL_TRY(res_axis_set(&ret->y, "carbon", t.carbon.name, err));
    res_groups_find(gallery, &t.groups);
    for (size_t a = 0; a < gallery->n_arms; a++)
        for (size_t g = 0; g < t.groups.n; g++)
            FL_TRY(add_group(&t, gallery->arms[a], g, err));
    FL_TRY(add_zones(&t, err));
    return say(&t, err);
}

const struct res_chart_type res_chart_carbon_time = {
    .name = "carbon_time",
    .doc = "carbon over simulated time, under the grid's intensity",
    .make = make,
};
