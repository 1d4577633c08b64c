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

/* By shape: three filled ones, and their like with a hole. */
static const int markers[RES_PALETTE_SIZE] = {7, 5, 9, 6, 4, 8, 13, 11};
static const char *const dashes[RES_PALETTE_SIZE] = {
    "solid",  "(9,3)", "(3,2)",         "(9,3,2,3)",
    "(16,4)", "(5,3)", "(9,2,1,2,1,2)", "(4,4)",
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
        if (*at == '\'')
            res_text_put(out, "''");
        else
            res_text_add(out, "%c", *at);
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
    res_text_add(
        out,
        "  if (picture eq 'pdf') { set terminal pdfcairo size "
        "%.1fcm,%.2fcm noenhanced font 'DejaVu Sans,%g' fontscale 0.75 "
        "linewidth 1.5 }\n",
        w / 10, h / 10, FONT_PT);
    res_text_add(out,
                 "  if (picture eq 'png') { set terminal pngcairo size "
                 "%.0f,%.0f noenhanced font 'DejaVu Sans,%g' fontscale %.4g "
                 "linewidth %.4g pointscale %.4g }\n",
                 w * PNG_PER_MM, h * PNG_PER_MM, FONT_PT,
                 PNG_PER_MM / PX_PER_MM, PNG_PER_MM / PX_PER_MM,
                 PNG_PER_MM / PX_PER_MM * 1.3);
    /* Lines of text are higher there. */
    res_text_put(out, "  set xlabel offset 0,(picture eq 'svg' ? 0.7 : 0)\n");
    if (s->layout.legend_columns > 0)
        res_text_put(out, "  set key spacing (picture eq 'svg' ? 0.8 : 1)\n");
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

/* What a series spans on the axis of y, or of x. */
static void
add_extent(const struct res_series *series, bool is_x, double ret_ends[2])
{
    for (size_t i = 0; i < series->n; i++) {
        const struct res_dot *dot = &series->dots[i];
        const double values[] = {is_x ? dot->x : dot->y,
                                 is_x ? (double)NAN : dot->low,
                                 is_x ? (double)NAN : dot->high};
        for (size_t v = 0; v < sizeof values / sizeof values[0]; v++) {
            if (!(values[v] > 0) || isinf(values[v]))
                continue;
            ret_ends[0] = fmin(ret_ends[0], values[v]);
            ret_ends[1] = fmax(ret_ends[1], values[v]);
        }
    }
}

/* With some room at the ends. Few decades are marked at 1, 2 and 5, more at
 * the powers of ten. */
static void
put_log(const struct script *s, const char *which, const struct res_axis *axis)
{
    bool is_x = axis == &s->chart->x;
    double ends[2] = {(double)INFINITY, 0};
    for (size_t i = 0; i < s->chart->n; i++)
        if (s->chart->series[i].is_second_y == (axis == &s->chart->second_y))
            add_extent(&s->chart->series[i], is_x, ends);
    if (!(ends[1] > 0))
        return;
    ends[0] /= 1.4;
    ends[1] *= 1.4;
    res_text_add(s->out, "set logscale %s\nset %srange [%.4g:%.4g]\n", which,
                 which, ends[0], ends[1]);
    double decades = log10(ends[1] / ends[0]);
    bool has_all = decades < 1.7;
    int every = decades > 12 ? 3 : decades > 6 ? 2 : 1;
    bool is_first = true;
    res_text_add(s->out, "set %stics (", which);
    for (int power = (int)floor(log10(ends[0])); pow(10, power) <= ends[1];
         power++) {
        for (int digit = 1; digit < 10; digit++) {
            double at = digit * pow(10, power);
            bool is_marked = digit == 1 ? power % every == 0
                                        : has_all && (digit == 2 || digit == 5);
            if (at < ends[0] || at > ends[1])
                continue;
            res_text_add(s->out, "%s'", is_first ? "" : ", ");
            if (is_marked)
                res_text_add(s->out, "%g' %g", at, at);
            else
                res_text_add(s->out, "' %g 1", at);
            is_first = false;
        }
    }
    res_text_put(s->out, ")\n");
}

static void put_numbers(const struct script *s,
                        const char *which,
                        const struct res_axis *axis)
{
    put_label(s, which, axis);
    if (axis->is_log)
        put_log(s, which, axis);
    else if (axis->is_from_zero)
        res_text_add(s->out, "set %srange [0:*]\n", which);
}

/* Row of a category's heading: rows count down the page. */
static double heading_row(const struct script *s, size_t category)
{
    return (double)(category * s->layout.pitch);
}

/* Rows from the middle of a category to a series' bar; -0.5 is the top of the
 * page. */
static double row_offset(const struct script *s,
                         const struct res_series *series)
{
    bool is_pile =
        series->kind == RES_SERIES_STACK || series->kind == RES_SERIES_SPAN;
    double n = (double)s->chart->n_stacks;
    return is_pile && s->chart->n_stacks > 0 ? series->stack + 0.5 - n / 2
                                             : -0.5;
}

/* A dot's row from its x, for gnuplot. */
static void
put_row(const struct script *s, const struct res_series *series, char ret[64])
{
    (void)snprintf(ret, 64, "(($3+0.5)*%zu%+g)", s->layout.pitch,
                   row_offset(s, series));
}

/* Names at the rows: of categories, or of their piles; one pile needs none. */
static void put_row_names(const struct script *s)
{
    const struct res_axis *x = &s->chart->x;
    if (s->chart->n_stacks == 1) {
        res_text_put(s->out, "unset ytics\n");
        return;
    }
    size_t n = 0;
    res_text_put(s->out, "set ytics scale 0 (");
    for (size_t c = 0; c < x->n_categories; c++) {
        for (size_t i = 0; i < s->chart->n_stacks; i++) {
            res_text_put(s->out, n++ > 0 ? ", " : "");
            res_put_quoted(s->out, s->chart->stacks[i], 16);
            res_text_add(s->out, " %g", heading_row(s, c) + 1 + (double)i);
        }
        if (s->chart->n_stacks == 0) {
            res_text_put(s->out, n++ > 0 ? ", " : "");
            res_put_quoted(s->out, x->categories[c], 24);
            res_text_add(s->out, " %g", heading_row(s, c));
        }
    }
    res_text_put(s->out, ")\n");
}

/* A category with piles has its name above them, from the page's edge on: it
 * may be long. */
static void put_headings(const struct script *s)
{
    const struct res_axis *x = &s->chart->x;
    put_row_names(s);
    res_text_put(s->out, "set style textbox opaque noborder margins 0.3,0.1\n");
    for (size_t c = 0; s->chart->n_stacks > 0 && c < x->n_categories; c++) {
        res_text_put(s->out, "set label ");
        res_put_quoted(s->out, x->categories[c], s->layout.legend_chars);
        res_text_add(s->out, " at screen 0.015, first %g left front boxed\n",
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

/* At the foot of the page, where no data are. */
static void put_margins(const struct script *s)
{
    const struct res_layout *l = &s->layout;
    res_text_add(s->out,
                 "set tmargin at screen %.4g\nset bmargin at screen %.4g\n",
                 1 - l->top_mm / l->height_mm, l->bottom_mm / l->height_mm);
    if (l->legend_columns == 0)
        res_text_put(s->out, "unset key\n");
    else
        res_text_add(s->out,
                     "set key at screen 0.5,%.4g bottom center horizontal Left "
                     "reverse noenhanced maxcols %d samplen 2.5\n",
                     1 / l->height_mm, l->legend_columns);
}

static unsigned hex_digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* Of "#0072b2": as it is, or mixed with white. */
static void put_colour(struct res_text *out, int colour, bool is_faint)
{
    res_text_put(out, "lc rgb '#");
    for (const char *at = res_palette[colour] + 1; *at; at += 2) {
        unsigned part = 16 * hex_digit(at[0]) + hex_digit(at[1]);
        if (is_faint)
            part += (unsigned)((255 - part) * FAINT_LIGHT);
        res_text_add(out, "%02x", part);
    }
    res_text_put(out, "'");
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
    res_text_put(s->out, " with boxxyerror fs solid 1 noborder ");
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
                 : series->is_second_y ? 1.0
                                       : 1.5,
                 series->is_faint ? "solid" : dashes[series->shape]);
    put_colour(s->out, series->colour, series->is_faint);
    put_title(s, series);
    if (!is_steps || !series->is_emphasis)
        return;
    begin(s, index); /* its corners */
    res_text_put(s->out, "3:4 with points pt 6 ps 0.8 lw 0.8 ");
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

/* Above a bar, or behind its end. */
static void
put_bar_label(const struct script *s, size_t index, const struct res_dot *dot)
{
    const struct res_series *series = &s->chart->series[index];
    double top = res_bar_base(s->chart, index, dot) + dot->y;
    if (s->chart->is_sideways)
        res_text_add(s->out, " at %.6g,%.6g left offset character 0.5,0\n", top,
                     (dot->x + 0.5) * (double)s->layout.pitch +
                         row_offset(s, series));
    else
        res_text_add(s->out, " at %.6g,%.6g center offset character 0,0.5\n",
                     dot->x, top);
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
            if (series->kind == RES_SERIES_STACK)
                put_bar_label(s, i, dot);
            else
                res_text_add(s->out,
                             " at %.6g,%.6g left offset character 0.7,0 "
                             "tc rgb '%s'\n",
                             dot->x, dot->y, res_palette[series->colour]);
        }
    }
}

/* Room for the labels of the longest bar. */
static void put_bar_room(const struct script *s)
{
    double most = 0;
    for (size_t i = 0; i < s->chart->n; i++) {
        const struct res_series *series = &s->chart->series[i];
        for (size_t d = 0; series->kind == RES_SERIES_STACK && d < series->n;
             d++)
            most = fmax(most, res_bar_base(s->chart, i, &series->dots[d]) +
                                  series->dots[d].y);
    }
    if (most > 0)
        res_text_add(s->out, "set %srange [0:%.6g]\n",
                     s->chart->is_sideways ? "x" : "y",
                     most * (s->chart->is_sideways ? 1.2 : 1.12));
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
    res_text_put(out, " offset 0,-0.5\nset tics scale 0.6\n");
    put_axes(&s);
    put_margins(&s);
    put_dot_labels(&s);
    put_bar_room(&s);
    put_terminals(&s, opts);
    for (int layer = 0; layer < 3; layer++)
        for (size_t i = 0; i < chart->n; i++)
            if (layer_of(&chart->series[i]) == layer)
                put_series(&s, i);
    res_text_put(out, "\n}\nset output\n");
}
