/* Charts: what draws them in the browser, and their data for everyone else. */
#include "results/page/page_priv.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

/* More dots are text instead of a table: a tenth of the bytes. */
#define MAX_TABLE_DOTS 300

static const char *name_of(const struct res_axis *axis, double at)
{
    size_t i = (size_t)at;
    return axis->categories && at >= 0 && i < axis->n_categories
               ? axis->categories[i]
               : NULL;
}

static void put_number(double value, struct res_text *out)
{
    struct res_text figure = {0};
    if (!isnan(value))
        res_text_figure(&figure, value, 4);
    res_html_text(out, res_text_get(&figure));
    out->has_failed = out->has_failed || figure.has_failed;
    res_text_fini(&figure);
}

static const char *pile_of(const struct res_chart *chart,
                           const struct res_series *series)
{
    bool has_name = series->kind == RES_SERIES_STACK && chart->stacks &&
                    series->stack >= 0 &&
                    (size_t)series->stack < chart->n_stacks;
    return has_name ? chart->stacks[series->stack] : "";
}

/* Which columns the data has besides the series, x and y. */
struct columns {
    bool has_piles, has_ends, has_labels, has_second_y;
};

static struct columns columns_of(const struct res_chart *chart)
{
    struct columns found = {.has_piles = chart->n_stacks > 1};
    for (size_t s = 0; s < chart->n; s++) {
        const struct res_series *series = &chart->series[s];
        found.has_second_y = found.has_second_y || series->is_second_y;
        for (size_t i = 0; i < series->n; i++) {
            found.has_ends = found.has_ends || !isnan(series->dots[i].low);
            found.has_labels = found.has_labels || series->dots[i].label;
        }
    }
    return found;
}

/* How a table and lines of CSV put their cells. */
struct style {
    const char *row, *text, *number, *end, *row_end;
};
static const struct style as_table = {"<tr>", "<td>", "<td class=\"n\">",
                                      "</td>", "</tr>\n"};
static const struct style as_lines = {"", "", "", ",", "\n"};

static void end_row(const struct style *style, struct res_text *out)
{
    if (style == &as_lines && out->n > 0)
        out->bytes[--out->n] = '\0'; /* the last comma */
    res_text_put(out, style->row_end);
}

static void
put_text_cell(const struct style *style, const char *text, struct res_text *out)
{
    struct res_text field = {0};
    if (style == &as_lines)
        res_csv_field(&field, text ? text : "");
    else
        res_text_put(&field, text ? text : "");
    res_text_put(out, style->text);
    res_html_text(out, res_text_get(&field));
    res_text_put(out, style->end);
    out->has_failed = out->has_failed || field.has_failed;
    res_text_fini(&field);
}

static void put_number_cell(const struct style *style,
                            const struct res_axis *axis,
                            double value,
                            struct res_text *out)
{
    const char *name = axis ? name_of(axis, value) : NULL;
    if (name) {
        put_text_cell(style, name, out);
        return;
    }
    res_text_put(out, style->number);
    put_number(value, out);
    res_text_put(out, style->end);
}

static void put_dot(const struct res_chart *chart,
                    const struct res_series *series,
                    const struct res_dot *dot,
                    const struct columns *columns,
                    const struct style *style,
                    struct res_text *out)
{
    res_text_put(out, style->row);
    put_text_cell(style, series->name, out);
    if (columns->has_piles)
        put_text_cell(style, pile_of(chart, series), out);
    if (columns->has_labels)
        put_text_cell(style, dot->label, out);
    put_number_cell(style, &chart->x, dot->x, out);
    put_number_cell(style, &chart->y,
                    series->is_second_y ? (double)NAN : dot->y, out);
    if (columns->has_second_y)
        put_number_cell(style, &chart->second_y,
                        series->is_second_y ? dot->y : (double)NAN, out);
    if (columns->has_ends) {
        put_number_cell(style, NULL, dot->low, out);
        put_number_cell(style, NULL, dot->high, out);
    }
    end_row(style, out);
}

static void put_dots(const struct res_chart *chart,
                     const struct columns *columns,
                     const struct style *style,
                     struct res_text *out)
{
    for (size_t s = 0; s < chart->n; s++)
        for (size_t i = 0; i < chart->series[s].n; i++)
            put_dot(chart, &chart->series[s], &chart->series[s].dots[i],
                    columns, style, out);
}

static void put_head(const struct style *style,
                     const char *head,
                     const char *unit,
                     bool is_left,
                     struct res_text *out)
{
    struct res_text text = {0};
    if (style == &as_table) {
        res_html_head(out, head, unit, is_left);
        return;
    }
    res_text_put(&text, head);
    if (unit[0])
        res_text_add(&text, " (%s)", unit);
    put_text_cell(style, res_text_get(&text), out);
    out->has_failed = out->has_failed || text.has_failed;
    res_text_fini(&text);
}

static void put_axis_head(const struct style *style,
                          const struct res_axis *axis,
                          const char *instead,
                          struct res_text *out)
{
    bool has_label = axis->label && axis->label[0];
    put_head(style, has_label ? axis->label : instead,
             axis->unit ? axis->unit : "", axis->categories != NULL, out);
}

static void put_heads(const struct res_chart *chart,
                      const struct columns *columns,
                      const struct style *style,
                      struct res_text *out)
{
    put_head(style, "series", "", true, out);
    if (columns->has_piles)
        put_head(style, "of", "", true, out);
    if (columns->has_labels)
        put_head(style, "label", "", true, out);
    put_axis_head(style, &chart->x, "what", out);
    put_axis_head(style, &chart->y, "value", out);
    if (columns->has_second_y)
        put_axis_head(style, &chart->second_y, "value", out);
    if (columns->has_ends) {
        put_head(style, "low", "", false, out);
        put_head(style, "high", "", false, out);
    }
    end_row(style, out);
}

static void put_data(const struct res_chart *chart, struct res_text *out)
{
    const struct columns columns = columns_of(chart);
    struct res_text id = {0};
    size_t n = 0;
    for (size_t s = 0; s < chart->n; s++)
        n += chart->series[s].n;
    res_text_put(out, "<details class=\"data\"><summary>The data: ");
    res_html_count(out, n);
    res_text_put(out, n == 1 ? " point</summary>\n" : " points</summary>\n");
    res_text_add(&id, "data-%s", chart->name);
    if (n <= MAX_TABLE_DOTS) {
        res_html_region_begin(out, res_text_get(&id), chart->title);
        res_text_put(out, "<thead><tr>");
        put_heads(chart, &columns, &as_table, out);
        res_text_put(out, "</thead>\n<tbody>\n");
        put_dots(chart, &columns, &as_table, out);
        res_html_region_end(out);
    } else {
        res_text_put(out, "<p>As CSV:</p>\n<pre tabindex=\"0\">");
        put_heads(chart, &columns, &as_lines, out);
        put_dots(chart, &columns, &as_lines, out);
        res_text_put(out, "</pre>\n");
    }
    res_text_put(out, "</details>\n");
    out->has_failed = out->has_failed || id.has_failed;
    res_text_fini(&id);
}

static enum fl_status put_chart(const struct res_chart *chart,
                                json_t *all,
                                struct res_text *out,
                                struct fl_error *err)
{
    json_t *json = NULL;
    FL_TRY(res_chart_json(chart, &json, err));
    if (json_array_append_new(all, json) != 0)
        return fl_fail(err, FL_E_NOMEM, "out of memory: charts");
    res_text_add(out,
                 "<figure id=\"figure-%s\" class=\"chart\">\n"
                 "<h3 id=\"title-%s\">",
                 chart->name, chart->name);
    res_html_prose(out, chart->title);
    res_text_add(out,
                 "</h3>\n<div class=\"canvas\"><canvas role=\"img\" "
                 "aria-labelledby=\"title-%s\" aria-describedby=\"caption-%s\" "
                 "data-chart=\"%zu\"></canvas></div>\n"
                 "<figcaption id=\"caption-%s\">",
                 chart->name, chart->name, json_array_size(all) - 1,
                 chart->name);
    res_html_prose(out, chart->caption);
    res_text_put(out, "</figcaption>\n");
    put_data(chart, out);
    res_text_put(out, "</figure>\n");
    return res_text_check(out, err);
}

/* A chart that has nothing to show says why. */
static enum fl_status put_charts(const struct res_gallery *gallery,
                                 json_t *all,
                                 struct res_text *out,
                                 struct fl_error *err)
{
    struct res_text without = {0};
    enum fl_status status = FL_OK;
    res_text_put(out, "<noscript><p>Without scripts there are no pictures; "
                      "their data is below each title.</p></noscript>\n"
                      "<div class=\"charts\">\n");
    for (size_t i = 0; res_chart_types[i] && status == FL_OK; i++) {
        struct res_chart chart = {.name = NULL};
        struct fl_error why = {0};
        status = res_chart_make(res_chart_types[i], gallery, &chart, &why);
        if (status == FL_OK) {
            status = put_chart(&chart, all, out, err);
            res_chart_fini(&chart);
        } else if (status == FL_E_STATE) {
            res_text_put(&without, "<li>");
            res_html_prose(&without, why.text);
            res_text_put(&without, "</li>\n");
            status = FL_OK;
        } else {
            (void)fl_fail(err, status, "%s", why.text);
        }
    }
    res_text_put(out, "</div>\n");
    if (without.n > 0)
        res_text_add(out,
                     "<details><summary>Figures that have nothing to "
                     "show here</summary>\n<ul>\n%s</ul></details>\n",
                     res_text_get(&without));
    if (status == FL_OK)
        status = res_text_check(&without, err);
    res_text_fini(&without);
    return status;
}

static enum fl_status put_gallery(struct res_page *page,
                                  const struct res_gallery *gallery,
                                  struct fl_error *err)
{
    json_t *all = json_array();
    if (!all)
        return fl_fail(err, FL_E_NOMEM, "out of memory: charts");
    enum fl_status status = put_charts(gallery, all, &page->out, err);
    if (status == FL_OK) {
        res_text_put(&page->out,
                     "<script type=\"application/json\" id=\"charts\">");
        status = res_html_json(&page->out, all, err);
        res_text_put(&page->out, "</script>\n");
    }
    json_decref(all);
    return status;
}

enum fl_status res_page_put_figures(struct res_page *page, struct fl_error *err)
{
    if (page->gallery->n_runs > 0)
        return put_gallery(page, page->gallery, err);
    res_text_put(&page->out, "<p>There are none: see what could not be had, "
                             "above.</p>\n");
    return res_text_check(&page->out, err);
}
