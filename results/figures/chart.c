#include "results/figures/chart.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <string.h>

/* Okabe and Ito, "Color Universal Design" (2008), without their yellow, which
 * no thin line on white can have, and with grey in its place. */
const char *const res_palette[RES_PALETTE_SIZE] = {
    "#0072b2", /* blue */
    "#d55e00", /* vermillion */
    "#009e73", /* bluish green */
    "#cc79a7", /* reddish purple */
    "#e69f00", /* orange */
    "#56b4e9", /* sky blue */
    "#000000", /* black */
    "#7f7f7f", /* grey */
};

static void free_texts(char **texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fl_free(texts[i]);
    fl_free(texts);
}

static void axis_fini(struct res_axis *axis)
{
    fl_free(axis->label);
    fl_free(axis->unit);
    free_texts(axis->categories, axis->n_categories);
}

void res_chart_fini(struct res_chart *chart)
{
    fl_free(chart->title);
    fl_free(chart->caption);
    axis_fini(&chart->x);
    axis_fini(&chart->y);
    axis_fini(&chart->second_y);
    free_texts(chart->stacks, chart->n_stacks);
    for (size_t s = 0; s < chart->n; s++) {
        struct res_series *series = &chart->series[s];
        fl_free(series->name);
        for (size_t i = 0; i < series->n; i++)
            fl_free(series->dots[i].label);
        fl_free(series->dots);
    }
    fl_free(chart->series);
    *chart = (struct res_chart){0};
}

/* C1 controls are two bytes, c2 80 to c2 9f. */
static bool is_control(const char *at)
{
    unsigned char first = (unsigned char)at[0];
    return first < 0x20 || first == 0x7f ||
           (first == 0xc2 && (unsigned char)at[1] < 0xa0);
}

static void make_plain(char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i < n;) {
        size_t length = fl_utf8_length((const unsigned char *)text + i, n - i);
        bool is_bad = length == 0 || is_control(text + i);
        length = length > 0 ? length : 1;
        if (is_bad)
            memset(text + i, ' ', length);
        i += length;
    }
}

enum fl_status
res_chart_set_text(char **place, const char *text, struct fl_error *err)
{
    char *copy = fl_strdup(text);
    if (!copy)
        return fl_fail(err, FL_E_NOMEM, "out of memory: chart");
    make_plain(copy);
    fl_free(*place);
    *place = copy;
    return FL_OK;
}

enum fl_status res_axis_set(struct res_axis *axis,
                            const char *label,
                            const char *unit,
                            struct fl_error *err)
{
    FL_TRY(res_chart_set_text(&axis->label, label, err));
    return res_chart_set_text(&axis->unit, unit, err);
}

/* Lists of texts are short: they grow one by one. */
static enum fl_status
add_text(char ***texts, size_t *n, const char *text, struct fl_error *err)
{
    size_t capacity = *n;
    FL_TRY(fl_grow(texts, &capacity, *n + 1, sizeof **texts, err));
    (*texts)[*n] = NULL;
    FL_TRY(res_chart_set_text(&(*texts)[*n], text, err));
    (*n)++;
    return FL_OK;
}

enum fl_status res_axis_add_category(struct res_axis *axis,
                                     const char *name,
                                     struct fl_error *err)
{
    return add_text(&axis->categories, &axis->n_categories, name, err);
}

enum fl_status res_chart_add_stack(struct res_chart *chart,
                                   const char *name,
                                   struct fl_error *err)
{
    return add_text(&chart->stacks, &chart->n_stacks, name, err);
}

enum fl_status res_chart_add_series(struct res_chart *chart,
                                    const char *name,
                                    enum res_series_kind kind,
                                    int colour,
                                    struct res_series **ret,
                                    struct fl_error *err)
{
    char *copy = NULL;
    FL_TRY(res_chart_set_text(&copy, name, err));
    enum fl_status status = fl_grow(&chart->series, &chart->capacity,
                                    chart->n + 1, sizeof *chart->series, err);
    if (status != FL_OK) {
        fl_free(copy);
        return status;
    }
    struct res_series *series = &chart->series[chart->n++];
    *series = (struct res_series){
        .name = copy, .kind = kind, .colour = colour, .shape = colour};
    *ret = series;
    return FL_OK;
}

enum fl_status res_series_add(struct res_series *series,
                              const struct res_dot *dot,
                              struct fl_error *err)
{
    char *label = NULL;
    if (dot->label)
        FL_TRY(res_chart_set_text(&label, dot->label, err));
    enum fl_status status = fl_grow(&series->dots, &series->capacity,
                                    series->n + 1, sizeof *series->dots, err);
    if (status != FL_OK) {
        fl_free(label);
        return status;
    }
    struct res_dot *added = &series->dots[series->n++];
    *added = *dot;
    added->label = label;
    return FL_OK;
}
