/* What sharing the work among more clients does to the federated arm's carbon,
 * as a multiple of the centralized arm's: one line per setting of everything
 * else, means over seeds with their standard errors. */
#include "results/figures/chart_parts.h"

#include "base/alloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CLIENTS_KEY "data.clients"
/* Beyond these, lines cannot be told apart. */
#define MOST_LINES RES_COLOUR_FRONT

struct point {  /* a setting */
    char *line; /* its values but for the clients */
    double clients;
    struct res_mean x;
};

struct ratios {
    const struct res_gallery *gallery;
    struct point *points;
    size_t n, capacity;
    size_t n_without; /* runs without a ratio */
    struct res_extent clients, x;
};

static double ratio_of(const struct res_row *row, const void *arg)
{
    (void)arg;
    return row->x_centralized;
}

/* Like a run's label without the clients; data set and partition where nothing
 * else varies. */
static void put_line(const struct res_gallery *gallery,
                     const struct res_run *run,
                     struct res_text *out)
{
    for (size_t k = 0; k < gallery->n_keys; k++)
        if (strcmp(gallery->keys[k], CLIENTS_KEY) != 0 && run->keys[k][0]) {
            res_text_put(out, out->n > 0 ? ", " : "");
            res_gallery_put_value(gallery, k, run, out);
        }
    if (out->n == 0)
        res_text_add(out, "%s, %s", run->dataset, run->partition);
}

static enum fl_status add_point(struct ratios *ratios,
                                const struct res_setting *setting,
                                struct fl_error *err)
{
    const struct res_run *run = &ratios->gallery->runs[setting->runs[0]];
    struct point point = {.clients = (double)run->n_clients};
    point.x = res_setting_mean(ratios->gallery, setting, RES_ARM_FEDERATED,
                               ratio_of, NULL);
    ratios->n_without += setting->n - point.x.n;
    if (point.x.n == 0 || run->n_clients <= 0)
        return FL_OK;
    struct res_text line = {0};
    put_line(ratios->gallery, run, &line);
    enum fl_status status = res_text_check(&line, err);
    if (status == FL_OK)
        status = fl_grow(&ratios->points, &ratios->capacity, ratios->n + 1,
                         sizeof ratios->points[0], err);
    if (status == FL_OK)
        status = res_chart_set_text(&point.line, res_text_get(&line), err);
    res_text_fini(&line);
    if (status != FL_OK)
        return status;
    ratios->points[ratios->n++] = point;
    res_extent_add(&ratios->clients, point.clients);
    res_extent_add(&ratios->x, point.x.mean);
    return FL_OK;
}

static int by_clients(const void *a, const void *b)
{
    const struct point *p = a, *q = b;
    return p->clients < q->clients ? -1 : p->clients > q->clients;
}

static enum fl_status find_points(struct ratios *ratios, struct fl_error *err)
{
    struct res_settings settings = {.all = NULL};
    FL_TRY(res_settings_find(ratios->gallery, &settings, err));
    enum fl_status status = FL_OK;
    for (size_t s = 0; s < settings.n && status == FL_OK; s++)
        status = add_point(ratios, &settings.all[s], err);
    res_settings_fini(&settings);
    return status;
}

/* Points of the same line as points[first], which is its first one. */
static enum fl_status add_line(const struct ratios *ratios,
                               size_t first,
                               size_t number,
                               struct res_chart *chart,
                               struct fl_error *err)
{
    struct res_series *series = NULL;
    const char *line = ratios->points[first].line;
    struct point *points = fl_calloc(ratios->n, sizeof *points);
    if (!points)
        return fl_fail(err, FL_E_NOMEM, "out of memory: chart");
    size_t n = 0;
    for (size_t i = first; i < ratios->n; i++)
        if (strcmp(ratios->points[i].line, line) == 0)
            points[n++] = ratios->points[i];
    qsort(points, n, sizeof *points, by_clients);
    enum fl_status status = res_chart_add_series(
        chart, line, RES_SERIES_LINE, (int)(number % MOST_LINES), &series, err);
    if (status == FL_OK)
        series->shape = (int)(number % RES_PALETTE_SIZE);
    for (size_t i = 0; i < n && status == FL_OK; i++) {
        const struct res_mean *x = &points[i].x;
        const struct res_dot dot = {.x = points[i].clients,
                                    .y = x->mean,
                                    .low = x->mean - x->se,
                                    .high = x->mean + x->se};
        status = res_series_add(series, &dot, err);
    }
    fl_free(points);
    return status;
}

static enum fl_status add_lines(const struct ratios *ratios,
                                struct res_chart *chart,
                                struct fl_error *err)
{
    size_t number = 0;
    for (size_t i = 0; i < ratios->n; i++) {
        bool is_first = true;
        for (size_t k = 0; k < i && is_first; k++)
            is_first =
                strcmp(ratios->points[k].line, ratios->points[i].line) != 0;
        if (is_first)
            FL_TRY(add_line(ratios, i, number++, chart, err));
    }
    return FL_OK;
}

static enum fl_status add_one(const struct ratios *ratios,
                              struct res_chart *chart,
                              struct fl_error *err)
{
    struct res_series *series = NULL;
    FL_TRY(res_chart_add_series(chart, "centralized", RES_SERIES_LINE,
                                RES_COLOUR_REFERENCE, &series, err));
    series->is_emphasis = true;
    const double ends[] = {ratios->clients.low, ratios->clients.high};
    for (size_t i = 0; i < 2; i++) {
        const struct res_dot dot = {
            .x = ends[i], .y = 1, .low = (double)NAN, .high = (double)NAN};
        FL_TRY(res_series_add(series, &dot, err));
    }
    return FL_OK;
}

static enum fl_status
say(const struct ratios *ratios, struct res_chart *chart, struct fl_error *err)
{
    struct res_text caption = {0};
    res_text_put(&caption,
                 "Carbon of the federated arm divided by the centralized arm's "
                 "of the same run, against the number of clients.");
    if (ratios->gallery->has_seeds)
        res_text_put(&caption,
                     " Means over seeds; bars: their standard error.");
    if (ratios->n_without > 0)
        res_text_add(&caption,
                     " Left out: %zu of %zu runs, where an arm is missing, not "
                     "finished, or missed its target.",
                     ratios->n_without, ratios->gallery->n_runs);
    res_put_runs(ratios->gallery, &caption);
    res_put_counts(ratios->gallery, &caption);
    enum fl_status status =
        res_chart_say(chart, "Carbon against centralized", &caption, err);
    res_text_fini(&caption);
    return status;
}

static enum fl_status
draw(struct ratios *ratios, struct res_chart *chart, struct fl_error *err)
{
    FL_TRY(find_points(ratios, err));
    if (ratios->n == 0)
        return fl_fail(err, FL_E_STATE,
                       "no run has both a federated and a centralized arm that "
                       "are finished and reached their target");
    if (!(ratios->clients.high > ratios->clients.low))
        return fl_fail(err, FL_E_STATE,
                       "no two client counts among these runs");
    chart->x.is_log = res_extent_is_wide(&ratios->clients, RES_WIDE);
    res_extent_add(&ratios->x, 1);
    chart->y.is_log = res_extent_is_wide(&ratios->x, RES_WIDE);
    chart->y.is_from_zero = !chart->y.is_log;
    FL_TRY(res_axis_set(&chart->x, "clients", "", err));
    FL_TRY(res_axis_set(&chart->y, "carbon / centralized", "", err));
    FL_TRY(add_one(ratios, chart, err));
    FL_TRY(add_lines(ratios, chart, err));
    return say(ratios, chart, err);
}

static enum fl_status make(const struct res_gallery *gallery,
                           struct res_chart *ret,
                           struct fl_error *err)
{
    struct ratios ratios = {.gallery = gallery};
    enum fl_status status = draw(&ratios, ret, err);
    for (size_t i = 0; i < ratios.n; i++)
        fl_free(ratios.points[i].line);
    fl_free(ratios.points);
    return status;
}

const struct res_chart_type res_chart_ratio_clients = {
    .name = "ratio_clients",
    .doc = "federated over centralized carbon against the number of clients",
    .make = make,
};
