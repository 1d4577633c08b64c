/* Lines of text for a terminal: each is cut at the screen's width, counted in
 * characters, and colours never change what is said. */
#ifndef CLI_LIVE_WATCH_SCREEN_H
#define CLI_LIVE_WATCH_SCREEN_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct cli_screen {
    FILE *out;
    size_t width; /* columns of a line */
    bool has_colour, is_utf8;
    size_t column; /* where the line has come to */
};

/* Attributes of a terminal, as its standard numbers them. */
enum cli_style {
    CLI_PLAIN = 0,
    CLI_BOLD = 1,
    CLI_DIM = 2,
    CLI_RED = 31,
    CLI_GREEN = 32,
    CLI_YELLOW = 33,
    CLI_BLUE = 34
};

/* From here on, where there are colours. */
void cli_screen_style(struct cli_screen *screen, enum cli_style style);
/* Appends, as far as the line goes. Control characters are blanks. */
void cli_screen_put(struct cli_screen *screen, const char *text);
void cli_screen_say(struct cli_screen *screen, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Blanks up to a column. */
void cli_screen_tab(struct cli_screen *screen, size_t column);
void cli_screen_end_line(struct cli_screen *screen);

/* How high values are, each a character, the least at the bottom: one of eight
 * blocks, or of eight letters where there is no UTF-8. NaN is a blank. More
 * values than columns are averaged. */
void cli_screen_spark(struct cli_screen *screen,
                      const double *values,
                      size_t n,
                      size_t columns);

/* A table whose columns are dropped, those of the largest rank first, until it
 * fits. */
struct cli_cell {
    char text[48];
    enum cli_style style;
};
struct cli_grid_column {
    const char *head;
    int rank;     /* 0: never dropped */
    bool is_left; /* text; else numbers */
};
void cli_screen_grid(struct cli_screen *screen,
                     const struct cli_grid_column *columns,
                     size_t n_columns,
                     const struct cli_cell *cells, /* [n_rows][n_columns] */
                     size_t n_rows);

/* Amounts for people, in a unit that reads well; "-" for NaN. */
void cli_put_energy(char *ret, size_t size, double energy_j);
void cli_put_carbon(char *ret, size_t size, double gco2e);
void cli_put_time(char *ret, size_t size, double sim_time_s);
/* So many significant digits, no exponent. */
void cli_put_figure(char *ret, size_t size, double value, int digits);

#endif
