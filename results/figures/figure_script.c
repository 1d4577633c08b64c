/* A chart as a gnuplot script that stands alone.
 *
 * Whatever a user can name stands between single quotes, where gnuplot runs no
 * backquotes, knows no escapes but '' and joins no lines, and markup is off
 * ("noenhanced"); texts hold no control characters (res_chart_set_text). */
#include "results/figures/figure_priv.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PT_PER_MM   (72 / 25.4)
#define PX_PER_MM   (96 / 25.4)
#define PNG_PER_MM  (300 / 25.4)
#define FONT_PT     7.0
#define BAR_HALF    0.4 /* of a row, or of the place of a category */
#define MOST_MARKS  8   /* on a line */
#define FAINT_LIGHT 0.6 /* how far to white */

/* By shape: filled ones first. */
static const int markers[RES_PALETTE_SIZE] = {7, 5, 9, 13, 11, 6, 4, 8};
static const char *const dashes[RES_PALETTE_SIZE] = {
    "solid",  "(9,3)", "(3,2)",         "(9,3,2,3)",
    "(16,4)", "(1,2)", "(9,2,1,2,1,2)", "(4,4)",
};

void res_put_quoted(struct res_text *out, const char *text, size_t max_chars)
{
    size_t n = 0;
    res_text_put(out, "'");
    for (const char *at = text; *at; at++) {
        bool begins = ((unsigned char)*at & 0xc0) != 0x80;
        if (begins && n++ == max_chars) {
            res_text_put(out, "...");
            break;
        }
        res_text_add(out, *at == '\'' ? "''" : "%c", *at);
    }
    res_text_put(out, "'");
}

/* Everything on the way to a script. */
struct script {
    const struct res_chart *chart;
    struct res_layout layout;
    struct res_text *out;
    bool is_first; /* of the plot command */
};

static void put_terminals(const struct script *s,
                          const struct res_figures_opts *opts)
{
    double w = s->layout.width_mm, h = s->layout.height_mm;
    struct res_text *out = s->out;
    res_text_put(out, "pictures = '");
    bool is_first = true;
    for (int i = 0; i < RES_PICTURE_LAST_; i++) {
        if (!opts->has_picture[i])
            continue;
        res_text_add(out, "%s%s", is_first ? "" : " ", res_picture_names[i]);
        is_first = false;
    }
    res_text_put(out, "'\ndo for [picture in pictures] {\n");
    res_text_add(out,
                 "  if (picture eq 'svg') { set terminal svg size %.0f,%.0f "
                 "fixed noenhanced font 'DejaVu Sans,%.4g' linewidth 1 "
                 "background '#ffffff' }\n",
                 w * PX_PER_MM, h * PX_PER_MM, FONT_PT * PX_PER_MM / PT_PER_MM);
    res_text_add(out,
                 "  if (picture eq 'pdf') { set terminal pdfcairo size "
                 "%.1fcm,%.2fcm noenhanced font 'DejaVu Sans,%g' linewidth 1 }"
                 "\n",
                 w / 10, h / 10, FONT_PT);
    res_text_add(out,
                 "  if (picture eq 'png') { set terminal pngcairo size "
                 "%.0f,%.0f noenhanced font 'DejaVu Sans,%g' fontscale %.4g "
                 "linewidth %.3g pointscale %.3g }\n",
                 w * PNG_PER_MM, h * PNG_PER_MM, FONT_PT,
                 PNG_PER_MM / PT_PER_MM, PNG_PER_MM / PT_PER_MM * 0.7,
                 PNG_PER_MM / PT_PER_MM * 0.7);
    res_text_add(out, "  set output '%s.'.picture\n", s->chart->name);
}

static void put_label(const struct script *s,
                      const char *which,
                      const struct res_axis *axis)
{
    char text[256];
    bool has_unit = axis->unit && axis->unit[0];
    (void)snprintf(text, sizeof text, "%s%s%s%s", axis->label,
                   has_unit ? " (" : "", has_unit ? axis->unit : "",
                   has_unit ? ")" : "");
    res_text_add(s->out, "set %slabel ", which);
    res_put_quoted(s->out, text, s->layout.label_chars);
    res_text_put(s->out, "\n");
}

static void put_numbers(const struct script *s,
                        const char *which,
                        const struct res_axis *axis)
{
    put_label(s, which, axis);
    if (axis->is_log)
        res_text_add(s->out, "set logscale %s\n", which);
    else if (axis->is_from_zero)
        res_text_add(s->out, "set %srange [0:*]\n", which);
}

/* Row of a category's heading: rows count down the page. */
static double heading_row(const struct script *s, size_t category)
{
    return (double)(category * s->layout.pitch);
}

/* A dot's place in rows from its x, for gnuplot: the middle of the category,
 * and from there to its pile. */
static void
put_row(const struct script *s, const struct res_series *series, char ret[64])
{
    double pitch = (double)s->layout.pitch;
    bool is_pile =
        series->kind == RES_SERIES_STACK || series->kind == RES_SERIES_SPAN;
    double offset = -0.5;
    if (is_pile && s->chart->n_stacks > 0)
        offset += 1 + series->stack - (double)s->chart->n_stacks / 2;
    else if (s->chart->n_stacks == 0)
        offset += 0.5 - pitch / 2;
    (void)snprintf(ret, 64, "(($3+0.5)*%g%+g)", pitch, offset);
}

static void put_headings(const struct script *s)
{
    const struct res_axis *x = &s->chart->x;
    bool is_first = true;
    res_text_put(s->out, "set ytics scale 0 (");
    for (size_t c = 0; c < x->n_categories; c++) {
        if (s->chart->n_stacks == 0) {
            res_text_put(s->out, c > 0 ? ", " : "");
            res_put_quoted(s->out, x->categories[c], 24);
            res_text_add(s->out, " %g", heading_row(s, c));
            continue;
        }
        for (size_t i = 0; i < s->chart->n_stacks; i++) {
            res_text_put(s->out, is_first ? "" : ", ");
            res_put_quoted(s->out, s->chart->stacks[i], 16);
            res_text_add(s->out, " %g", heading_row(s, c) + 1 + (double)i);
            is_first = false;
        }
    }
    res_text_put(s->out, ")\n");
    for (size_t c = 0; s->chart->n_stacks > 0 && c < x->n_categories; c++) {
        res_text_put(s->out, "set label ");
        res_put_quoted(s->out, x->categories[c], s->layout.label_chars);
        res_text_add(
            s->out, " at graph 0, first %g left offset character 0.5,0 front\n",
            heading_row(s, c));
    }
    double rows = (double)(x->n_categories * s->layout.pitch);
    res_text_add(s->out, "set yrange [%g:-0.5]\n", rows - 0.5);
}

static void put_columns(const struct script *s)
{
    const struct res_axis *x = &s->chart->x;
    res_text_put(s->out, "set xtics scale 0 (");
    for (size_t c = 0; c < x->n_categories; c++) {
        res_text_put(s->out, c > 0 ? ", " : "");
        res_put_quoted(s->out, x->categories[c], 24);
        res_text_add(s->out, " %zu", c);
    }
    res_text_add(s->out, ")\nset xrange [-0.6:%g]\n",
                 (double)x->n_categories - 0.4);
}

static void put_axes(const struct script *s)
{
    const struct res_chart *chart = s->chart;
    bool has_second = chart->second_y.label != NULL;
    res_text_add(s->out, "set border %d lw 0.7\nset tics out nomirror\n",
                 has_second ? 11 : 3);
    if (chart->is_sideways) {
        put_headings(s);
        put_numbers(s, "x", &chart->y);
        res_text_put(s->out, "set grid xtics back lt 1 lw 0.5 lc '#dddddd'\n");
        return;
    }
    if (chart->x.categories)
        put_columns(s);
    else
        put_numbers(s, "x", &chart->x);
    put_numbers(s, "y", &chart->y);
    if (has_second) {
        put_numbers(s, "y2", &chart->second_y);
        res_text_put(s->out, "set y2tics\n");
    }
    res_text_put(s->out, chart->x.categories
                             ? "set grid ytics back lt 1 lw 0.5 lc '#dddddd'\n"
                             : "set grid back lt 1 lw 0.5 lc '#dddddd'\n");
}

static void put_legend(const struct script *s)
{
    if (s->layout.legend_columns == 0)
        res_text_put(s->out, "unset key\n");
    else
        res_text_add(s->out,
                     "set key bmargin center horizontal Left reverse "
                     "noenhanced maxcols %d samplen 2.5 spacing 1\n",
                     s->layout.legend_columns);
}

/* Mixed with white. */
static void put_colour(struct res_text *out, int colour, bool is_faint)
{
    unsigned rgb[3] = {0, 0, 0};
    (void)sscanf(res_palette[colour], "#%2x%2x%2x", &rgb[0], &rgb[1], &rgb[2]);
    for (size_t i = 0; i < 3 && is_faint; i++)
        rgb[i] += (unsigned)((255 - rgb[i]) * FAINT_LIGHT);
    res_text_add(out, "lc rgb '#%02x%02x%02x'", rgb[0], rgb[1], rgb[2]);
}

/* One more thing to plot. */
static void begin(struct script *s, size_t series)
{
    res_text_add(s->out, "%s '%s.csv' index %zu using ",
                 s->is_first ? "  plot" : ", \\\n   ", s->chart->name,
                 series + 1);
    s->is_first = false;
}

static void put_title(const struct script *s, const struct res_series *series)
{
    if (!res_series_is_named(series)) {
        res_text_put(s->out, " notitle");
        return;
    }
    res_text_put(s->out, " title ");
    res_put_quoted(s->out, series->name, s->layout.legend_chars);
}

static bool has_bars(const struct res_series *series)
{
    for (size_t i = 0; i < series->n; i++)
        if (isfinite(series->dots[i].low) && isfinite(series->dots[i].high))
            return true;
    return false;
}

static void put_stack(struct script *s,
                      size_t index,
                      const struct res_series *series,
                      const char *row)
{
    begin(s, index);
    if (s->chart->is_sideways) {
        res_text_add(s->out, "5:%s:5:6:(%s-%g):(%s+%g)", row, row, BAR_HALF,
                     row, BAR_HALF);
    } else {
        double n = s->chart->n_stacks > 0 ? (double)s->chart->n_stacks : 1;
        double half = BAR_HALF / n;
        double offset = (series->stack + 0.5) * 2 * half - BAR_HALF;
        res_text_add(s->out, "($3%+g):5:($3%+g):($3%+g):5:6", offset,
                     offset - half, offset + half);
    }
    res_text_put(s->out, " with boxxyerror fs solid 1 border lc '#ffffff' ");
    put_colour(s->out, series->colour, false);
    put_title(s, series);
}

static void put_span(struct script *s,
                     size_t index,
                     const struct res_series *series,
                     const char *row)
{
    begin(s, index);
    if (s->chart->is_sideways)
        res_text_add(s->out, "4:%s:5:6 with xerrorbars", row);
    else
        res_text_put(s->out, "3:4:5:6 with yerrorbars");
    res_text_add(s->out, " lw 1.5 pt %d ps 0.6 ", markers[series->shape]);
    put_colour(s->out, series->colour, false);
    put_title(s, series);
}

static void
put_points(struct script *s, size_t index, const struct res_series *series)
{
    begin(s, index);
    res_text_add(s->out, "3:4 with points pt %d ps 0.6 ",
                 markers[series->shape]);
    put_colour(s->out, series->colour, false);
    put_title(s, series);
}

/* Which marks of a line are drawn: all of a few. */
static void put_marks(const struct script *s, const struct res_series *series)
{
    size_t every = (series->n + MOST_MARKS - 1) / MOST_MARKS;
    res_text_add(s->out, " with linespoints pt %d ps 0.5 pi %zu",
                 markers[series->shape], every > 0 ? every : 1);
}

static void put_line(struct script *s,
                     size_t index,
                     const struct res_series *series,
                     const char *row)
{
    bool is_steps = series->kind == RES_SERIES_STEPS;
    bool is_plain = series->is_faint || series->is_emphasis || is_steps;
    if (has_bars(series)) {
        begin(s, index);
        res_text_put(s->out, "3:4:5:6 with yerrorbars lw 1 pt -1 ");
        put_colour(s->out, series->colour, false);
        res_text_put(s->out, " notitle");
    }
    begin(s, index);
    if (s->chart->is_sideways)
        res_text_add(s->out, "4:%s", row);
    else
        res_text_add(s->out, "3:4%s", series->is_second_y ? " axes x1y2" : "");
    if (is_plain)
        res_text_add(s->out, " with %s", is_steps ? "steps" : "lines");
    else
        put_marks(s, series);
    res_text_add(s->out, " lw %g dt %s ",
                 series->is_faint      ? 0.6
                 : series->is_emphasis ? 1.2
                                       : 1.5,
                 series->is_faint ? "solid" : dashes[series->shape]);
    put_colour(s->out, series->colour, series->is_faint);
    put_title(s, series);
    if (!is_steps || !series->is_emphasis)
        return;
    begin(s, index); /* its corners */
    res_text_put(s->out, "3:4 with points pt 6 ps 0.9 lw 1 ");
    put_colour(s->out, series->colour, false);
    res_text_put(s->out, " notitle");
}

static void put_series(struct script *s, size_t index)
{
    const struct res_series *series = &s->chart->series[index];
    char row[64];
    if (series->n == 0)
        return;
    put_row(s, series, row);
    switch (series->kind) {
    case RES_SERIES_STACK:
        put_stack(s, index, series, row);
        break;
    case RES_SERIES_SPAN:
        put_span(s, index, series, row);
        break;
    case RES_SERIES_POINTS:
        put_points(s, index, series);
        break;
    case RES_SERIES_LINE:
    case RES_SERIES_STEPS:
    case RES_SERIES_KIND_LAST_:
        put_line(s, index, series, row);
        break;
    }
}

/* Beside the dots of series that say so. */
static void put_dot_labels(const struct script *s)
{
    for (size_t i = 0; i < s->chart->n; i++) {
        const struct res_series *series = &s->chart->series[i];
        for (size_t d = 0; series->has_labels && d < series->n; d++) {
            const struct res_dot *dot = &series->dots[d];
            if (!dot->label)
                continue;
            res_text_put(s->out, "set label ");
            res_put_quoted(s->out, dot->label, s->layout.label_chars / 2);
            res_text_add(s->out, " at %.17g,%.17g left offset character 0.7,0 ",
                         dot->x, dot->y);
            res_text_put(s->out, "font ',6' tc ");
            res_text_add(s->out, "rgb '%s'\n", res_palette[series->colour]);
        }
    }
}

/* What is faint is drawn first, what is emphasised last. */
static int layer_of(const struct res_series *series)
{
    return series->is_faint ? 0 : series->is_emphasis ? 2 : 1;
}

void res_figure_script(const struct res_chart *chart,
                       const struct res_figures_opts *opts,
                       struct res_text *out)
{
    struct script s = {.chart = chart, .out = out, .is_first = true};
    res_layout_set(chart, opts->is_double, &s.layout);
    res_text_add(out,
                 "# gnuplot %s.gp draws %s.csv, which says what it is.\n"
                 "reset\nset encoding utf8\n"
                 "set datafile separator comma\nset datafile commentschars '#'"
                 "\nset title ",
                 chart->name, chart->name);
    res_put_quoted(out, chart->title, s.layout.label_chars);
    res_text_put(out, "\n");
    put_axes(&s);
    put_legend(&s);
    put_dot_labels(&s);
    put_terminals(&s, opts);
    for (int layer = 0; layer < 3; layer++)
        for (size_t i = 0; i < chart->n; i++)
            if (layer_of(&chart->series[i]) == layer)
                put_series(&s, i);
    res_text_put(out, "\n}\nset output\n");
}
