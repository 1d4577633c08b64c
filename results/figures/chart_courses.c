/* Accuracy along the courses of arms. Of a few runs each line is drawn for
 * itself; of many, lines are faint and their ends are what is compared. */
#include "results/figures/chart_parts.h"

#include "base/alloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FEW_RUNS   4
#define MOST_TASKS 3    /* told apart by markers */
#define MOST_DOTS  3000 /* in all lines together */
#define LEAST_DOTS 12   /* of a line, where it has as many */

struct courses {
    struct res_chart *chart;
    const struct res_gallery *gallery;
    const struct res_course_x *x;
    struct res_unit unit;
    const char **tasks; /* [n_tasks] data sets: accuracies compare within one */
    size_t n_tasks;
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

static size_t task_of(const struct courses *c, size_t run)
{
    size_t t = 0;
    while (strcmp(c->tasks[t], c->gallery->runs[run].dataset) != 0)
        t++;
    return t;
}

static enum fl_status find_tasks(struct courses *c, struct fl_error *err)
{
    c->tasks = fl_calloc(c->gallery->n_runs, sizeof c->tasks[0]);
    if (!c->tasks)
        return fl_fail(err, FL_E_NOMEM, "out of memory: chart");
    for (size_t r = 0; r < c->gallery->n_runs; r++) {
        const char *task = c->gallery->runs[r].dataset;
        size_t t = 0;
        while (t < c->n_tasks && strcmp(c->tasks[t], task) != 0)
            t++;
        if (t == c->n_tasks)
            c->tasks[c->n_tasks++] = task;
    }
    return FL_OK;
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
    c->chart->x.is_log = res_extent_is_wide(&ends);
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
    res_put_arm_name(c->gallery, point->row, out);
    if (point->round >= 0)
        res_text_add(out, ", round %lld", (long long)point->round);
}

enum dot_label { NO_LABEL, ORIGIN, RUN };

static enum fl_status add_dot(const struct courses *c,
                              struct res_series *series,
                              const struct res_point *point,
                              enum dot_label kind,
                              struct fl_error *err)
{
    double x = point->x / c->unit.scale;
    if (c->chart->x.is_log && !(x > 0))
        return FL_OK;
    struct res_text label = {0};
    if (kind == ORIGIN)
        put_origin(c, point, &label);
    else if (kind == RUN)
        res_gallery_put_label(c->gallery, point->run, true, &label);
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

/* Every so many points of a line, and its last. */
static bool is_shown(const struct courses *c, size_t first, size_t i)
{
    size_t end = i;
    while (!is_end(c, end))
        end++;
    size_t n = end - first + 1;
    size_t step = (n + c->dots_per_line - 1) / c->dots_per_line;
    return i == end || (i - first) % step == 0;
}

static bool
is_of(const struct courses *c, size_t i, const char *arm, size_t task)
{
    return strcmp(c->points[i].row->arm, arm) == 0 &&
           (task == c->n_tasks || task_of(c, c->points[i].run) == task);
}

static enum fl_status add_lines(struct courses *c,
                                struct res_series *series,
                                const char *arm,
                                size_t task,
                                struct fl_error *err)
{
    bool has_labels = c->gallery->n_runs == 1;
    size_t first = 0;
    for (size_t i = 0; i < c->n_points; i++) {
        bool is_line = c->points[i].round >= 0 && is_of(c, i, arm, task);
        if (is_line && is_shown(c, first, i))
            FL_TRY(add_dot(c, series, &c->points[i],
                           has_labels ? ORIGIN : NO_LABEL, err));
        if (!is_end(c, i))
            continue;
        first = i + 1;
        const struct res_dot gap = {.x = (double)NAN,
                                    .y = (double)NAN,
                                    .low = (double)NAN,
                                    .high = (double)NAN};
        if (is_line)
            FL_TRY(res_series_add(series, &gap, err));
    }
    if (series->n > 0)
        series->n--; /* nothing comes behind the last gap */
    return FL_OK;
}

static enum fl_status add_ends(struct courses *c,
                               struct res_series *series,
                               const char *arm,
                               size_t task,
                               enum dot_label label,
                               struct fl_error *err)
{
    for (size_t i = 0; i < c->n_points; i++)
        if (is_end(c, i) && is_of(c, i, arm, task))
            FL_TRY(add_dot(c, series, &c->points[i], label, err));
    return FL_OK;
}

/* What there is of an arm and data set. */
static void count(const struct courses *c,
                  const char *arm,
                  size_t task,
                  bool *ret_has_lines,
                  const struct res_row **ret_row)
{
    *ret_has_lines = false;
    *ret_row = NULL;
    for (size_t i = 0; i < c->n_points; i++) {
        if (!is_of(c, i, arm, task))
            continue;
        *ret_row = c->points[i].row;
        if (c->points[i].round >= 0)
            *ret_has_lines = true;
    }
}

static enum fl_status add_series(struct courses *c,
                                 const char *name,
                                 const char *arm,
                                 size_t task,
                                 struct fl_error *err)
{
    const struct res_row *row = NULL;
    struct res_series *series = NULL;
    bool has_lines = false, is_few = c->gallery->n_runs <= FEW_RUNS;
    count(c, arm, task, &has_lines, &row);
    if (!row)
        return FL_OK;
    int colour = res_arm_colour(arm);
    int shape = c->n_tasks > 1 && task < c->n_tasks
                    ? (colour + (int)task * 3) % RES_PALETTE_SIZE
                    : colour;
    if (has_lines) {
        FL_TRY(res_chart_add_series(c->chart, is_few ? name : "",
                                    RES_SERIES_LINE, colour, &series, err));
        series->shape = shape;
        series->is_faint = !is_few;
        FL_TRY(add_lines(c, series, arm, task, err));
        if (is_few && c->gallery->n_runs == 1)
            return FL_OK; /* its line says it all */
    }
    bool is_named = !is_few || !has_lines;
    FL_TRY(res_chart_add_series(c->chart, is_named ? name : "",
                                RES_SERIES_POINTS, colour, &series, err));
    series->shape = shape;
    series->has_labels = is_few && c->gallery->n_runs > 1;
    return add_ends(c, series, arm, task, series->has_labels ? RUN : ORIGIN,
                    err);
}

static enum fl_status add_arms(struct courses *c, struct fl_error *err)
{
    const char *arms[RES_CHART_ARMS];
    size_t n_arms = res_gallery_arms(c->gallery, arms);
    bool is_split = c->n_tasks > 1 && c->n_tasks <= MOST_TASKS;
    struct res_text name = {0};
    enum fl_status status = FL_OK;
    for (size_t a = 0; a < n_arms && status == FL_OK; a++) {
        for (size_t t = 0; t < (is_split ? c->n_tasks : 1); t++) {
            const struct res_row *row = NULL;
            bool has_lines = false;
            size_t task = is_split ? t : c->n_tasks;
            count(c, arms[a], task, &has_lines, &row);
            if (!row)
                continue;
            res_text_clear(&name);
            res_put_arm_name(c->gallery, row, &name);
            if (is_split)
                res_text_add(&name, ", %s", c->tasks[t]);
            status = res_text_check(&name, err);
            if (status == FL_OK)
                status = add_series(c, res_text_get(&name), arms[a], task, err);
            if (status != FL_OK)
                break;
        }
    }
    res_text_fini(&name);
    return status;
}

/* The best of one data set, out of all that was measured. */
static enum fl_status
add_front(struct courses *c, size_t task, struct fl_error *err)
{
    struct res_point *points = fl_calloc(c->n_points, sizeof *points);
    if (!points)
        return fl_fail(err, FL_E_NOMEM, "out of memory: chart");
    size_t n = 0;
    for (size_t i = 0; i < c->n_points; i++)
        if (task_of(c, c->points[i].run) == task)
            points[n++] = c->points[i];
    n = res_pareto_front(points, n);
    struct res_series *series = NULL;
    enum fl_status status =
        res_chart_add_series(c->chart, task == 0 ? "Pareto front" : "",
                             RES_SERIES_STEPS, RES_COLOUR_FRONT, &series, err);
    for (size_t i = 0; i < n && status == FL_OK; i++)
        status = add_dot(c, series, &points[i], ORIGIN, err);
    if (status == FL_OK)
        series->is_emphasis = true;
    fl_free(points);
    return status;
}

static enum fl_status draw(struct courses *c, struct fl_error *err)
{
    FL_TRY(find_tasks(c, err));
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
    FL_TRY(add_arms(c, err));
    for (size_t t = 0; c->x->has_front && t < c->n_tasks; t++)
        FL_TRY(add_front(c, t, err));
    return FL_OK;
}

enum fl_status res_chart_courses(struct res_chart *chart,
                                 const struct res_gallery *gallery,
                                 const struct res_course_x *x,
                                 struct fl_error *err)
{
    struct courses c = {.chart = chart, .gallery = gallery, .x = x};
    enum fl_status status = draw(&c, err);
    fl_free(c.tasks);
    fl_free(c.points);
    return status;
}
