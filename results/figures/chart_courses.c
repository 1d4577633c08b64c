/* Accuracy along the courses of arms. Of a few runs each line is drawn for
 * itself; of many, lines are faint and their ends are what is compared. */
#include "results/figures/chart_parts.h"

#include "base/alloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_DOTS  3000 /* in all lines together */
#define LEAST_DOTS 12   /* of a line, where it has as many */

struct courses {
    struct res_chart *chart;
    const struct res_gallery *gallery;
    const struct res_course_x *x;
    struct res_unit unit;
    struct res_groups groups;
    struct res_point *points; /* all that were measured */
    size_t n_points, points_capacity;
    size_t n_lines, dots_per_line;
};

static int by_x(const void *a, const void *b)
{
    const struct res_point *p = a, *q = b;
    if (p->x < q->x || p->x > q->x)
        return p->x < q->x ? -1 : 1;
    if (p->y < q->y || p->y > q->y)
        return p->y > q->y ? -1 : 1;
    if (p->run != q->run)
        return p->run < q->run ? -1 : 1;
    return p->round < q->round ? -1 : p->round > q->round;
}

size_t res_pareto_front(struct res_point *points, size_t n)
{
    size_t n_front = 0;
    if (n > 0)
        qsort(points, n, sizeof *points, by_x);
    for (size_t i = 0; i < n; i++)
        if (n_front == 0 || points[i].y > points[n_front - 1].y)
            points[n_front++] = points[i];
    return n_front;
}

static enum fl_status
add_point(struct courses *c, struct res_point point, struct fl_error *err)
{
    if (!isfinite(point.x) || !isfinite(point.y))
        return FL_OK;
    FL_TRY(fl_grow(&c->points, &c->points_capacity, c->n_points + 1,
                   sizeof c->points[0], err));
    c->points[c->n_points++] = point;
    return FL_OK;
}

/* In SI units and percent; by run, arm and round. */
static enum fl_status find_points(struct courses *c, struct fl_error *err)
{
    for (size_t r = 0; r < c->gallery->n_runs; r++) {
        const struct res_run *run = &c->gallery->runs[r];
        for (size_t i = 0; i < run->n_rows; i++) {
            const struct res_row *row = &run->rows[i];
            const struct res_course *course = &c->gallery->courses[r][i];
            struct res_point point = {.run = r, .row = row, .round = -1};
            point.x = c->x->of_row(row);
            point.y = row->accuracy * 100;
            if (course->n_moments == 0)
                FL_TRY(add_point(c, point, err));
            size_t n_before = c->n_points;
            for (size_t m = 0; m < course->n_moments; m++) {
                const struct res_moment *moment = &course->moments[m];
                point.round = moment->round;
                point.x = c->x->of_moment(moment);
                point.y = moment->accuracy * 100;
                FL_TRY(add_point(c, point, err));
            }
            c->n_lines += c->n_points > n_before ? 1 : 0;
        }
    }
    return FL_OK;
}

/* The last point of a line, or one that stands alone. */
static bool is_end(const struct courses *c, size_t i)
{
    return i + 1 == c->n_points || c->points[i + 1].run != c->points[i].run ||
           c->points[i + 1].row != c->points[i].row;
}

static void set_axes(struct courses *c)
{
    struct res_extent ends = {0}, all = {0};
    for (size_t i = 0; i < c->n_points; i++) {
        res_extent_add(&all, c->points[i].x);
        if (is_end(c, i))
            res_extent_add(&ends, c->points[i].x);
    }
    c->chart->x.is_log = res_extent_is_wide(&ends, RES_WIDE);
    c->chart->x.is_from_zero = !c->chart->x.is_log;
    c->unit = c->x->unit(all.high);
}

/* Whose point it is, for who points at it. */
static void put_origin(const struct courses *c,
                       const struct res_point *point,
                       struct res_text *out)
{
    res_gallery_put_label(c->gallery, point->run, true, out);
    res_text_put(out, c->gallery->n_runs > 1 ? ": " : "");
    res_put_arm_name(c->gallery, point->row, c->x->is_mean, out);
    if (point->round >= 0)
        res_text_add(out, ", round %lld", (long long)point->round);
}

static enum fl_status add_dot(const struct courses *c,
                              struct res_series *series,
                              const struct res_point *point,
                              bool has_label,
                              struct fl_error *err)
{
    double x = point->x / c->unit.scale;
    if (c->chart->x.is_log && !(x > 0))
        return FL_OK;
    struct res_text label = {0};
    if (has_label)
        put_origin(c, point, &label);
    struct res_dot dot = {.x = x,
                          .y = point->y,
                          .low = (double)NAN,
                          .high = (double)NAN,
                          .label = label.n > 0 ? label.bytes : NULL};
    enum fl_status status = res_text_check(&label, err);
    if (status == FL_OK)
        status = res_series_add(series, &dot, err);
    res_text_fini(&label);
    return status;
}

/* How many points the line has that begins at first. */
static size_t length_of(const struct courses *c, size_t first)
{
    size_t end = first;
    while (!is_end(c, end))
        end++;
    return end - first + 1;
}

static bool
is_of(const struct courses *c, size_t i, const char *arm, size_t group)
{
    return strcmp(c->points[i].row->arm, arm) == 0 &&
           res_group_of(&c->groups, c->points[i].run) == group;
}

/* Of a long line, every so many points and the last. */
static enum fl_status add_line(struct courses *c,
                               struct res_series *series,
                               size_t first,
                               size_t n,
                               struct fl_error *err)
{
    const struct res_dot gap = {.x = (double)NAN,
                                .y = (double)NAN,
                                .low = (double)NAN,
                                .high = (double)NAN};
    size_t step = (n + c->dots_per_line - 1) / c->dots_per_line;
    if (series->n > 0)
        FL_TRY(res_series_add(series, &gap, err));
    for (size_t i = 0; i < n; i++)
        if (i % step == 0 || i + 1 == n)
            FL_TRY(add_dot(c, series, &c->points[first + i], c->groups.is_few,
                           err));
    return FL_OK;
}

static enum fl_status add_lines(struct courses *c,
                                struct res_series *series,
                                const char *arm,
                                size_t group,
                                struct fl_error *err)
{
    for (size_t first = 0; first < c->n_points;) {
        size_t n = length_of(c, first);
        if (c->points[first].round >= 0 && is_of(c, first, arm, group))
            FL_TRY(add_line(c, series, first, n, err));
        first += n;
    }
    return FL_OK;
}

/* Where few lines are compared, only what has no line. */
static enum fl_status add_ends(struct courses *c,
                               struct res_series *series,
                               const char *arm,
                               size_t group,
                               struct fl_error *err)
{
    for (size_t i = 0; i < c->n_points; i++)
        if (is_end(c, i) && is_of(c, i, arm, group) &&
            (c->points[i].round < 0 || !c->groups.is_few))
            FL_TRY(add_dot(c, series, &c->points[i], true, err));
    return FL_OK;
}

/* What there is of an arm in a group. */
static void count(const struct courses *c,
                  const char *arm,
                  size_t group,
                  bool *ret_has_lines,
                  bool *ret_has_ends)
{
    *ret_has_lines = *ret_has_ends = false;
    for (size_t i = 0; i < c->n_points; i++) {
        if (!is_of(c, i, arm, group))
            continue;
        if (c->points[i].round >= 0)
            *ret_has_lines = true;
        if (c->points[i].round < 0 || !c->groups.is_few)
            *ret_has_ends = true;
    }
}

static enum fl_status add_group(struct courses *c,
                                const char *arm,
                                size_t group,
                                struct fl_error *err)
{
    struct res_series *series = NULL;
    bool has_lines, has_ends;
    count(c, arm, group, &has_lines, &has_ends);
    if (has_lines) {
        FL_TRY(res_group_add_series(&c->groups, c->chart, arm, group,
                                    RES_SERIES_LINE, &series, err));
        FL_TRY(add_lines(c, series, arm, group, err));
    }
    if (has_ends) {
        FL_TRY(res_group_add_series(&c->groups, c->chart, arm, group,
                                    RES_SERIES_POINTS, &series, err));
        FL_TRY(add_ends(c, series, arm, group, err));
    }
    return FL_OK;
}

/* The best of the data set of a run, out of all that was measured. */
static enum fl_status
add_front(struct courses *c, size_t run, struct fl_error *err)
{
    const struct res_run *runs = c->gallery->runs;
    struct res_point *points = fl_calloc(c->n_points, sizeof *points);
    if (!points)
        return fl_fail(err, FL_E_NOMEM, "out of memory: chart");
    size_t n = 0;
    for (size_t i = 0; i < c->n_points; i++)
        if (strcmp(runs[c->points[i].run].dataset, runs[run].dataset) == 0)
            points[n++] = c->points[i];
    n = res_pareto_front(points, n);
    struct res_series *series = NULL;
    enum fl_status status =
        res_chart_add_series(c->chart, run == 0 ? "Pareto front" : "",
                             RES_SERIES_STEPS, RES_COLOUR_FRONT, &series, err);
    for (size_t i = 0; i < n && status == FL_OK; i++)
        status = add_dot(c, series, &points[i], true, err);
    if (status == FL_OK)
        series->is_emphasis = true;
    fl_free(points);
    return status;
}

/* Accuracies compare within a data set. */
static enum fl_status add_fronts(struct courses *c, struct fl_error *err)
{
    const struct res_run *runs = c->gallery->runs;
    for (size_t r = 0; r < c->gallery->n_runs; r++) {
        bool is_first = true;
        for (size_t k = 0; k < r && is_first; k++)
            is_first = strcmp(runs[k].dataset, runs[r].dataset) != 0;
        if (is_first)
            FL_TRY(add_front(c, r, err));
    }
    return FL_OK;
}

static enum fl_status draw(struct courses *c, struct fl_error *err)
{
    res_groups_find(c->gallery, &c->groups);
    c->groups.is_mean = c->x->is_mean;
    FL_TRY(find_points(c, err));
    if (c->n_points == 0)
        return fl_fail(err, FL_E_STATE,
                       "no accuracy was measured in these runs yet");
    set_axes(c);
    c->dots_per_line = MOST_DOTS / (c->n_lines > 0 ? c->n_lines : 1);
    if (c->dots_per_line < LEAST_DOTS)
        c->dots_per_line = LEAST_DOTS;
    FL_TRY(res_axis_set(&c->chart->x, c->x->label, c->unit.name, err));
    FL_TRY(res_axis_set(&c->chart->y, "test accuracy", "%", err));
    for (size_t a = 0; a < c->gallery->n_arms; a++)
        for (size_t g = 0; g < c->groups.n; g++)
            FL_TRY(add_group(c, c->gallery->arms[a], g, err));
    return c->x->has_front ? add_fronts(c, err) : FL_OK;
}

enum fl_status res_chart_courses(struct res_chart *chart,
                                 const struct res_gallery *gallery,
                                 const struct res_course_x *x,
                                 struct fl_error *err)
{
    struct courses c = {.chart = chart, .gallery = gallery, .x = x};
    enum fl_status status = draw(&c, err);
    fl_free(c.points);
    return status;
}
