#include "cli/live/watch_screen.h"

#include "base/units.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#define MOST_COLUMNS 24
#define GAP          2

void cli_screen_style(struct cli_screen *screen, enum cli_style style)
{
    if (screen->has_colour)
        (void)fprintf(screen->out, "\033[%dm", (int)style);
}

/* Bytes of the character at `text`; what is no UTF-8 counts by bytes. */
static size_t character(const char *text)
{
    unsigned char first = (unsigned char)text[0];
    size_t n = first < 0x80             ? 1
               : (first & 0xe0) == 0xc0 ? 2
               : (first & 0xf0) == 0xe0 ? 3
               : (first & 0xf8) == 0xf0 ? 4
                                        : 1;
    for (size_t i = 1; i < n; i++)
        if (((unsigned char)text[i] & 0xc0) != 0x80)
            return 1;
    return n;
}

static size_t width_of(const char *text)
{
    size_t n = 0;
    for (; *text; text += character(text))
        n++;
    return n;
}

/* What is cut off at the right edge shows that it is. */
void cli_screen_put(struct cli_screen *screen, const char *text)
{
    for (size_t n; *text && screen->column < screen->width; text += n) {
        n = character(text);
        if (text[n] && screen->column + 1 == screen->width) {
            (void)fputs(screen->is_utf8 ? "\xe2\x80\xa6" : ">", screen->out);
            screen->column++;
            return;
        }
        unsigned char first = (unsigned char)text[0];
        bool is_plain = n == 1 && first >= 0x20 && first < 0x7f;
        bool is_wide = n > 1 && screen->is_utf8 &&
                       !(first == 0xc2 && (unsigned char)text[1] < 0xa0);
        if (is_plain || is_wide)
            (void)fwrite(text, 1, n, screen->out);
        else
            (void)fputc(first < 0x20 || first == 0x7f ? ' ' : '?', screen->out);
        screen->column++;
    }
}

void cli_screen_say(struct cli_screen *screen, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    cli_screen_put(screen, text);
}

void cli_screen_tab(struct cli_screen *screen, size_t column)
{
    while (screen->column < column && screen->column < screen->width)
        cli_screen_put(screen, " ");
}

void cli_screen_end_line(struct cli_screen *screen)
{
    (void)fputc('\n', screen->out);
    screen->column = 0;
}

/* The mean of a column's share of the values; NaN: there are none. */
static double mean_of(const double *values, size_t from, size_t to)
{
    double sum = 0;
    size_t n = 0;
    for (size_t i = from; i < to; i++) {
        if (isnan(values[i]))
            continue;
        sum += values[i];
        n++;
    }
    return n > 0 ? sum / (double)n : (double)NAN;
}

void cli_screen_spark(struct cli_screen *screen,
                      const double *values,
                      size_t n,
                      size_t columns)
{
    static const char *const blocks[] = {"▁", "▂", "▃", "▄",
                                         "▅", "▆", "▇", "█"};
    static const char *const letters[] = {"_", ".", ",", "-",
                                          "~", "+", "=", "#"};
    double least = (double)INFINITY, most = -(double)INFINITY;
    size_t used = n < columns ? n : columns;
    for (size_t c = 0; c < used; c++) {
        double value = mean_of(values, c * n / used, (c + 1) * n / used);
        least = fmin(least, value);
        most = fmax(most, value);
    }
    for (size_t c = 0; c < used; c++) {
        double value = mean_of(values, c * n / used, (c + 1) * n / used);
        double place = most > least ? (value - least) / (most - least) : 0;
        int level = isnan(value) ? -1 : (int)(place * 7.999);
        cli_screen_put(screen, level < 0         ? " "
                               : screen->is_utf8 ? blocks[level]
                                                 : letters[level]);
    }
}

/* Tables */

struct grid {
    const struct cli_grid_column *columns;
    size_t n_columns, n_rows;
    const struct cli_cell *cells;
    size_t widths[MOST_COLUMNS];
    bool is_dropped[MOST_COLUMNS];
};

static size_t total_width(const struct grid *grid)
{
    size_t sum = 0;
    for (size_t c = 0; c < grid->n_columns; c++)
        if (!grid->is_dropped[c])
            sum += grid->widths[c] + (sum > 0 ? GAP : 0);
    return sum;
}

/* The column that is missed least; false: none may go. */
static bool drop_one(struct grid *grid)
{
    size_t worst = grid->n_columns;
    for (size_t c = 0; c < grid->n_columns; c++)
        if (!grid->is_dropped[c] && grid->columns[c].rank > 0 &&
            (worst == grid->n_columns ||
             grid->columns[c].rank >= grid->columns[worst].rank))
            worst = c;
    if (worst == grid->n_columns)
        return false;
    grid->is_dropped[worst] = true;
    return true;
}

static void put_cell(struct cli_screen *screen,
                     const struct grid *grid,
                     size_t column,
                     const char *text,
                     enum cli_style style)
{
    size_t start = screen->column, width = grid->widths[column];
    size_t length = width_of(text);
    if (!grid->columns[column].is_left)
        cli_screen_tab(screen, start + width - length);
    if (style != CLI_PLAIN)
        cli_screen_style(screen, style);
    cli_screen_put(screen, text);
    if (style != CLI_PLAIN)
        cli_screen_style(screen, CLI_PLAIN);
    if (grid->columns[column].is_left)
        cli_screen_tab(screen, start + width);
}

void cli_screen_grid(struct cli_screen *screen,
                     const struct cli_grid_column *columns,
                     size_t n_columns,
                     const struct cli_cell *cells,
                     size_t n_rows)
{
    struct grid grid = {.columns = columns,
                        .n_columns = n_columns,
                        .n_rows = n_rows,
                        .cells = cells};
    if (n_columns > MOST_COLUMNS)
        grid.n_columns = MOST_COLUMNS;
    for (size_t c = 0; c < grid.n_columns; c++) {
        grid.widths[c] = width_of(columns[c].head);
        bool is_empty = true;
        for (size_t r = 0; r < n_rows; r++) {
            size_t n = width_of(cells[r * n_columns + c].text);
            grid.widths[c] = n > grid.widths[c] ? n : grid.widths[c];
            is_empty = is_empty && n == 0;
        }
        grid.is_dropped[c] = is_empty && columns[c].rank > 0;
    }
    while (total_width(&grid) > screen->width && drop_one(&grid))
        continue;
    for (size_t r = 0; r <= n_rows; r++) { /* 0: the heads */
        for (size_t c = 0; c < grid.n_columns; c++) {
            if (grid.is_dropped[c])
                continue;
            if (screen->column > 0)
                cli_screen_put(screen, "  ");
            if (r == 0)
                put_cell(screen, &grid, c, columns[c].head, CLI_DIM);
            else
                put_cell(screen, &grid, c, cells[(r - 1) * n_columns + c].text,
                         cells[(r - 1) * n_columns + c].style);
        }
        cli_screen_end_line(screen);
    }
}

/* Figures */

void cli_put_figure(char *ret, size_t size, double value, int digits)
{
    if (isnan(value)) {
        (void)snprintf(ret, size, "-");
        return;
    }
    double whole = fabs(value);
    int before = whole >= 1  ? (int)floor(log10(whole)) + 1
                 : whole > 0 ? (int)floor(log10(whole)) + 1
                             : 1;
    int behind = digits > before ? digits - before : 0;
    (void)snprintf(ret, size, "%.*f", behind < 12 ? behind : 12, value);
}

struct unit {
    double one;
    const char *name;
};

/* The largest unit of which there is one; the list falls. */
static void put_in_unit(
    char *ret, size_t size, double value, const struct unit *units, size_t n)
{
    char figure[32];
    size_t i = 0;
    while (i + 1 < n && fabs(value) < units[i].one)
        i++;
    cli_put_figure(figure, sizeof figure, value / units[i].one, 4);
    if (isnan(value))
        (void)snprintf(ret, size, "-");
    else
        (void)snprintf(ret, size, "%s %s", figure, units[i].name);
}

void cli_put_energy(char *ret, size_t size, double energy_j)
{
    static const struct unit units[] = {{1e3 * FL_J_PER_KWH, "MWh"},
                                        {FL_J_PER_KWH, "kWh"},
                                        {FL_J_PER_WH, "Wh"},
                                        {1e-3 * FL_J_PER_WH, "mWh"}};
    put_in_unit(ret, size, energy_j, units, 4);
}

void cli_put_carbon(char *ret, size_t size, double gco2e)
{
    static const struct unit units[] = {
        {1e6, "tCO2e"}, {1e3, "kgCO2e"}, {1, "gCO2e"}, {1e-3, "mgCO2e"}};
    put_in_unit(ret, size, gco2e, units, 4);
}

void cli_put_time(char *ret, size_t size, double sim_time_s)
{
    static const struct unit units[] = {{2 * FL_S_PER_HOUR * 24, "d"},
                                        {2 * FL_S_PER_HOUR, "h"},
                                        {120, "min"},
                                        {0, "s"}};
    static const double ones[] = {FL_S_PER_HOUR * 24, FL_S_PER_HOUR, 60, 1};
    size_t i = 0;
    while (i + 1 < 4 && sim_time_s < units[i].one)
        i++;
    char figure[32];
    cli_put_figure(figure, sizeof figure, sim_time_s / ones[i], 4);
    if (isnan(sim_time_s))
        (void)snprintf(ret, size, "-");
    else
        (void)snprintf(ret, size, "%s %s", figure, units[i].name);
}
