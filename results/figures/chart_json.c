/* A chart for the pages. */
#include "results/figures/chart.h"
#include "results/report_priv.h"

#include <math.h>

static const char *const kind_names[] = {
    [RES_SERIES_LINE] = "line",     [RES_SERIES_STEPS] = "steps",
    [RES_SERIES_POINTS] = "points", [RES_SERIES_STACK] = "stack",
    [RES_SERIES_SPAN] = "span",
};
_Static_assert(sizeof kind_names / sizeof kind_names[0] ==
                   RES_SERIES_KIND_LAST_,
               "every kind of series needs a name");

/* value is stolen. */
static enum fl_status append(json_t *array, json_t *value, struct fl_error *err)
{
    if (!value || json_array_append_new(array, value) != 0)
        return fl_fail(err, FL_E_NOMEM, "out of memory: chart");
    return FL_OK;
}

static json_t *text_json(const char *text)
{
    return text ? json_string(text) : json_null();
}

static enum fl_status texts_json(char *const *texts,
                                 size_t n,
                                 json_t *object,
                                 const char *key,
                                 struct fl_error *err)
{
    json_t *array = texts ? json_array() : json_null();
    FL_TRY(res_json_set(object, key, array, err)); /* owns it now */
    for (size_t i = 0; i < n; i++)
        FL_TRY(append(array, text_json(texts[i]), err));
    return FL_OK;
}

static enum fl_status axis_json(const struct res_axis *axis,
                                json_t *object,
                                const char *key,
                                struct fl_error *err)
{
    if (!axis->label)
        return res_json_set(object, key, json_null(), err);
    json_t *json = json_object();
    FL_TRY(res_json_set(object, key, json, err));
    FL_TRY(res_json_set(json, "label", text_json(axis->label), err));
    FL_TRY(res_json_set(json, "unit", text_json(axis->unit ? axis->unit : ""),
                        err));
    FL_TRY(res_json_set(json, "log", json_boolean(axis->is_log), err));
    FL_TRY(
        res_json_set(json, "from_zero", json_boolean(axis->is_from_zero), err));
    return texts_json(axis->categories, axis->n_categories, json, "categories",
                      err);
}

static enum fl_status
dot_json(const struct res_dot *dot, json_t *dots, struct fl_error *err)
{
    const double values[] = {dot->x, dot->y, dot->low, dot->high};
    json_t *array = json_array();
    FL_TRY(append(dots, array, err));
    size_t n = dot->label ? 4 : isnan(dot->low) && isnan(dot->high) ? 2 : 4;
    for (size_t i = 0; i < n; i++)
        FL_TRY(append(array, res_json_real(values[i]), err));
    return dot->label ? append(array, text_json(dot->label), err) : FL_OK;
}

static enum fl_status
series_json(const struct res_series *series, json_t *all, struct fl_error *err)
{
    json_t *json = json_object();
    FL_TRY(append(all, json, err));
    FL_TRY(res_json_set(json, "name", text_json(series->name), err));
    FL_TRY(
        res_json_set(json, "kind", json_string(kind_names[series->kind]), err));
    FL_TRY(res_json_set(json, "colour", json_integer(series->colour), err));
    FL_TRY(res_json_set(json, "shape", json_integer(series->shape), err));
    FL_TRY(res_json_set(json, "stack", json_integer(series->stack), err));
    FL_TRY(
        res_json_set(json, "second_y", json_boolean(series->is_second_y), err));
    FL_TRY(
        res_json_set(json, "emphasis", json_boolean(series->is_emphasis), err));
    FL_TRY(res_json_set(json, "faint", json_boolean(series->is_faint), err));
    FL_TRY(res_json_set(json, "labels", json_boolean(series->has_labels), err));
    json_t *dots = json_array();
    FL_TRY(res_json_set(json, "dots", dots, err));
    for (size_t i = 0; i < series->n; i++)
        FL_TRY(dot_json(&series->dots[i], dots, err));
    return FL_OK;
}

static enum fl_status
fill(const struct res_chart *chart, json_t *json, struct fl_error *err)
{
    FL_TRY(res_json_set(json, "name", text_json(chart->name), err));
    FL_TRY(res_json_set(json, "title", text_json(chart->title), err));
    FL_TRY(res_json_set(json, "caption", text_json(chart->caption), err));
    FL_TRY(
        res_json_set(json, "sideways", json_boolean(chart->is_sideways), err));
    FL_TRY(texts_json(chart->stacks, chart->n_stacks, json, "stacks", err));
    FL_TRY(axis_json(&chart->x, json, "x", err));
    FL_TRY(axis_json(&chart->y, json, "y", err));
    FL_TRY(axis_json(&chart->second_y, json, "second_y", err));
    json_t *all = json_array();
    FL_TRY(res_json_set(json, "series", all, err));
    for (size_t i = 0; i < chart->n; i++)
        FL_TRY(series_json(&chart->series[i], all, err));
    return FL_OK;
}

enum fl_status res_chart_json(const struct res_chart *chart,
                              json_t **ret,
                              struct fl_error *err)
{
    json_t *json = json_object();
    if (!json)
        return fl_fail(err, FL_E_NOMEM, "out of memory: chart");
    enum fl_status status = fill(chart, json, err);
    if (status == FL_OK)
        *ret = json;
    else
        json_decref(json);
    return status;
}
