#include "cli/live/watch_frame.h"

#include "base/alloc.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#define LABEL_COLUMNS 25 /* in front of a curve */
#define MOST_SPARK    120
#define MOST_ARMS     12
#define MOST_KEYS     6 /* of a sweep, each in a column */

static enum cli_style style_of(enum res_live_state state)
{
    switch (state) {
    case RES_LIVE_RUNNING:
        return CLI_BLUE;
    case RES_LIVE_FINISHED:
        return CLI_GREEN;
    case RES_LIVE_STOPPED:
        return CLI_YELLOW;
    case RES_LIVE_STALE:
    case RES_LIVE_FAILED:
        return CLI_RED;
    default:
        return CLI_DIM;
    }
}

static void
put_styled(struct cli_screen *screen, const char *text, enum cli_style style)
{
    cli_screen_style(screen, style);
    cli_screen_put(screen, text);
    cli_screen_style(screen, CLI_PLAIN);
}

__attribute__((format(printf, 2, 3))) static void
fill(struct cli_cell *cell, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(cell->text, sizeof cell->text, fmt, ap);
    va_end(ap);
}

static void put_step(char *ret, size_t size, const struct res_live_arm *arm)
{
    if (arm->steps > 0)
        (void)snprintf(ret, size, "%lld/%lld", (long long)arm->step,
                       (long long)arm->steps);
    else
        (void)snprintf(ret, size, "%lld", (long long)arm->step);
}

static const char *step_name(const struct res_live_arm *arm)
{
    return arm->is_per_client                      ? "clients"
           : strcmp(arm->name, "centralized") == 0 ? "epochs"
                                                   : "rounds";
}

/* A run */

enum { ARM, DONE, ACCURACY, TIME, ENERGY, CARBON, RATIO, EQUAL, N_CELLS };
static const struct cli_grid_column arm_columns[] = {
    [ARM] = {"arm", 0, true},
    [DONE] = {"done", 0, true},
    [ACCURACY] = {"accuracy", 0, false},
    [TIME] = {"sim. time", 5, false},
    [ENERGY] = {"energy", 4, false},
    [CARBON] = {"carbon", 1, false},
    [RATIO] = {"x centr. so far", 3, false},
    [EQUAL] = {"at equal accuracy", 2, false}};

static void fill_arm(struct cli_cell *row, const struct res_live_arm *arm)
{
    fill(&row[ARM], "%s%s", arm->name,
         arm->is_per_client ? " (per client)" : "");
    char step[44];
    put_step(step, sizeof step, arm);
    fill(&row[DONE], "%s %s", step, step_name(arm));
    row[DONE].style = arm->is_finished ? CLI_GREEN : CLI_PLAIN;
    cli_put_figure(row[ACCURACY].text, sizeof row[ACCURACY].text, arm->accuracy,
                   4);
    cli_put_time(row[TIME].text, sizeof row[TIME].text, arm->sim_time_s);
    cli_put_energy(row[ENERGY].text, sizeof row[ENERGY].text, arm->energy_j);
    cli_put_carbon(row[CARBON].text, sizeof row[CARBON].text, arm->gco2e);
    cli_put_figure(row[RATIO].text, sizeof row[RATIO].text, arm->so_far_ratio,
                   3);
    if (!isnan(arm->equal_ratio)) {
        char ratio[32], accuracy[32];
        cli_put_figure(ratio, sizeof ratio, arm->equal_ratio, 3);
        cli_put_figure(accuracy, sizeof accuracy, arm->equal_accuracy, 3);
        fill(&row[EQUAL], "%s at %s", ratio, accuracy);
    }
}

static void put_arms(struct cli_screen *screen, const struct res_live_run *run)
{
    struct cli_cell cells[MOST_ARMS * N_CELLS] = {{{0}, CLI_PLAIN}};
    size_t n = run->n_arms < MOST_ARMS ? run->n_arms : MOST_ARMS;
    for (size_t i = 0; i < n; i++)
        fill_arm(&cells[i * N_CELLS], &run->arms[i]);
    cli_screen_grid(screen, arm_columns, N_CELLS, cells, n);
    if (run->n_arms > n) {
        cli_screen_say(screen, "and %zu arms more", run->n_arms - n);
        cli_screen_end_line(screen);
    }
}

/* "accuracy  federated     0.12 [curve] 0.93" */
static void put_curve(struct cli_screen *screen,
                      const char *what,
                      const struct res_live_arm *arm,
                      const char *unit,
                      const double *values,
                      size_t n)
{
    double least = (double)INFINITY, most = -least, last = (double)NAN;
    char low[32], high[32], now[32], tail[112];
    for (size_t i = 0; i < n; i++) {
        least = fmin(least, values[i]);
        most = fmax(most, values[i]);
        last = isnan(values[i]) ? last : values[i];
    }
    if (isnan(last))
        return;
    cli_put_figure(low, sizeof low, least, 3);
    cli_put_figure(high, sizeof high, most, 3);
    cli_put_figure(now, sizeof now, last, 3);
    (void)snprintf(tail, sizeof tail, " %s to %s%s%s, last %s", low, high,
                   *unit ? " " : "", unit, now);
    put_styled(screen, what, CLI_DIM);
    cli_screen_tab(screen, 11);
    cli_screen_put(screen, arm->name);
    cli_screen_tab(screen, LABEL_COLUMNS);
    size_t taken = LABEL_COLUMNS + strlen(tail);
    size_t room = screen->width > taken ? screen->width - taken : 0;
    size_t wanted = MOST_SPARK;
    if (room >= 8)
        cli_screen_spark(screen, values, n, room < wanted ? room : wanted);
    cli_screen_put(screen, room >= 8 ? tail : tail + 1);
    cli_screen_end_line(screen);
}

/* The accuracies that were measured. */
static enum fl_status put_accuracy(struct cli_screen *screen,
                                   const struct res_live_arm *arm,
                                   struct fl_error *err)
{
    size_t n = 0;
    double *values = fl_calloc(arm->n_curve, sizeof *values);
    if (!values)
        return fl_fail(err, FL_E_NOMEM, "out of memory: screen");
    for (size_t i = 0; i < arm->n_curve; i++)
        if (!isnan(arm->curve[i].accuracy))
            values[n++] = arm->curve[i].accuracy;
    if (n > 0)
        put_curve(screen, "accuracy", arm, "", values, n);
    fl_free(values);
    return FL_OK;
}

static enum fl_status put_curves(struct cli_screen *screen,
                                 const struct res_live_run *run,
                                 struct fl_error *err)
{
    for (size_t i = 0; i < run->n_arms; i++)
        if (run->arms[i].n_curve > 0)
            FL_TRY(put_accuracy(screen, &run->arms[i], err));
    for (size_t i = 0; i < run->n_arms; i++)
        if (run->arms[i].n_slices > 0)
            put_curve(screen, "power", &run->arms[i], "W", run->arms[i].power_w,
                      run->arms[i].n_slices);
    for (size_t i = 0; i < run->n_arms; i++)
        if (run->arms[i].n_slices > 0)
            put_curve(screen, "intensity", &run->arms[i], "gCO2e/kWh",
                      run->arms[i].gco2e_per_kwh, run->arms[i].n_slices);
    return FL_OK;
}

static const struct {
    const char *letter;
    enum cli_style style;
} looks[] = {[RES_LIVE_DOWNLOAD] = {"d", CLI_YELLOW},
             [RES_LIVE_TRAIN] = {"T", CLI_BLUE},
             [RES_LIVE_UPLOAD] = {"u", CLI_GREEN},
             [RES_LIVE_WAIT] = {".", CLI_DIM}};

/* As much of a bar as clients were at each thing; letters tell them apart. */
static void put_bar(struct cli_screen *screen,
                    const struct res_live_round *round,
                    size_t columns)
{
    double sum = 0, sofar = 0;
    for (int i = 0; i < RES_LIVE_DOING_LAST_; i++)
        sum += round->clients_mean[i];
    if (!(sum > 0))
        return;
    size_t column = 0;
    for (int i = 0; i < RES_LIVE_DOING_LAST_; i++) {
        sofar += round->clients_mean[i];
        size_t end = (size_t)(sofar / sum * (double)columns + 0.5);
        cli_screen_style(screen, looks[i].style);
        for (; column < end && column < columns; column++)
            cli_screen_put(screen, looks[i].letter);
        cli_screen_style(screen, CLI_PLAIN);
    }
}

static void put_round(struct cli_screen *screen,
                      const struct res_live_round *round)
{
    char length[48], figure[32];
    if (!round->is_known)
        return;
    cli_put_time(length, sizeof length, round->t1_s - round->t0_s);
    cli_screen_say(screen, "Round %lld: %lld clients, %s on the clock.",
                   (long long)round->round, (long long)round->clients, length);
    if (screen->width >= 60) {
        cli_screen_put(screen, " ");
        size_t left = screen->width - screen->column;
        put_bar(screen, round, left < 40 ? left : 40);
    }
    cli_screen_end_line(screen);
    cli_screen_put(screen, "On average ");
    for (int i = 0; i < RES_LIVE_DOING_LAST_; i++) {
        cli_put_figure(figure, sizeof figure, round->clients_mean[i], 3);
        cli_screen_say(screen, "%s%s %s (%s)", i > 0 ? ", " : "", figure,
                       res_live_doing_names[i], looks[i].letter);
    }
    cli_screen_put(screen, ".");
    cli_screen_end_line(screen);
}

static void put_state(struct cli_screen *screen, const struct res_live_run *run)
{
    put_styled(screen, run->name[0] ? run->name : run->label, CLI_BOLD);
    cli_screen_put(screen, "  ");
    put_styled(screen, res_live_state_names[run->state], style_of(run->state));
    if (run->state == RES_LIVE_RUNNING && run->n_arms == 0)
        cli_screen_put(screen, ", starting");
    if (run->is_reading)
        cli_screen_say(screen, ", reading its ledger: %lld rows so far",
                       (long long)run->entries);
    cli_screen_say(screen, "  %s", run->dir);
    cli_screen_end_line(screen);
    if (run->about[0]) {
        put_styled(screen, run->about, CLI_DIM);
        cli_screen_end_line(screen);
    }
    if (run->problem[0]) {
        put_styled(screen, run->problem, CLI_RED);
        cli_screen_end_line(screen);
    }
    if (run->state == RES_LIVE_STALE || run->state == RES_LIVE_STOPPED) {
        cli_screen_say(screen, "%s; fedcarbon run --resume goes on",
                       run->state == RES_LIVE_STALE
                           ? "No process of this machine writes it any more"
                           : "It was stopped before its end");
        cli_screen_end_line(screen);
    }
}

static enum fl_status put_run(struct cli_screen *screen,
                              const struct res_live_run *run,
                              struct fl_error *err)
{
    put_state(screen, run);
    if (run->n_arms == 0)
        return FL_OK;
    cli_screen_end_line(screen);
    put_arms(screen, run);
    cli_screen_end_line(screen);
    FL_TRY(put_curves(screen, run, err));
    put_round(screen, &run->round);
    return FL_OK;
}

/* A sweep */

enum {
    P_POINT = 0,
    P_KEYS = 1,
    P_STATE = P_KEYS + MOST_KEYS,
    P_DONE,
    P_ACCURACY,
    P_CARBON,
    P_CENTRAL,
    P_RATIO,
    P_CELLS
};

static const struct res_live_arm *find_arm(const struct res_live_run *run,
                                           const char *name)
{
    for (size_t i = 0; i < run->n_arms; i++)
        if (strcmp(run->arms[i].name, name) == 0)
            return &run->arms[i];
    return NULL;
}

static void
fill_point(struct cli_cell *row, const struct res_live *live, size_t number)
{
    const struct res_live_point *point = res_live_point(live, number);
    const struct res_live_run *run = res_live_run(live, point->run);
    const struct res_live_arm *central = find_arm(run, "centralized");
    const struct res_live_arm *arm = find_arm(run, "federated");
    fill(&row[P_POINT], "%zu", number + 1);
    for (size_t k = 0; k < res_live_n_keys(live) && k < MOST_KEYS; k++)
        fill(&row[P_KEYS + k], "%s", point->values[k]);
    fill(&row[P_STATE], "%s", res_live_state_names[run->state]);
    row[P_STATE].style = style_of(run->state);
    if (central)
        cli_put_carbon(row[P_CENTRAL].text, sizeof row[P_CENTRAL].text,
                       central->gco2e);
    if (!arm && run->n_arms > 0)
        arm = &run->arms[0];
    if (!arm)
        return;
    put_step(row[P_DONE].text, sizeof row[P_DONE].text, arm);
    cli_put_figure(row[P_ACCURACY].text, sizeof row[P_ACCURACY].text,
                   arm->accuracy, 4);
    cli_put_carbon(row[P_CARBON].text, sizeof row[P_CARBON].text, arm->gco2e);
    cli_put_figure(row[P_RATIO].text, sizeof row[P_RATIO].text,
                   arm->so_far_ratio, 3);
}

static const char *last_word(const char *key)
{
    const char *dot = strrchr(key, '.');
    return dot ? dot + 1 : key;
}

static void put_counts(struct cli_screen *screen, const struct res_live *live)
{
    enum res_live_state state = res_live_state(live);
    put_styled(screen, res_live_dir(live), CLI_BOLD);
    cli_screen_put(screen, "  ");
    put_styled(screen, res_live_state_names[state], style_of(state));
    cli_screen_say(screen, "  %zu points, %zu runs:", res_live_n_points(live),
                   res_live_n_runs(live));
    const char *sign = " ";
    for (int i = 0; i < RES_LIVE_STATE_LAST_; i++) {
        size_t n = res_live_count(live, (enum res_live_state)i);
        if (n == 0)
            continue;
        cli_screen_say(screen, "%s%zu %s", sign, n, res_live_state_names[i]);
        sign = ", ";
    }
    cli_screen_end_line(screen);
}

/* What went wrong, each once. */
static void put_problems(struct cli_screen *screen, const struct res_live *live)
{
    for (size_t i = 0; i < res_live_n_runs(live); i++) {
        const struct res_live_run *run = res_live_run(live, i);
        if (!run->problem[0])
            continue;
        cli_screen_style(screen, CLI_RED);
        cli_screen_say(screen, "%s: %s", run->label, run->problem);
        cli_screen_style(screen, CLI_PLAIN);
        cli_screen_end_line(screen);
    }
}

static enum fl_status put_sweep(struct cli_screen *screen,
                                const struct res_live *live,
                                size_t first,
                                size_t most,
                                struct fl_error *err)
{
    struct cli_grid_column columns[P_CELLS] = {
        [P_POINT] = {"point", 0, false},
        [P_STATE] = {"state", 0, true},
        [P_DONE] = {"rounds", 2, false},
        [P_ACCURACY] = {"accuracy", 1, false},
        [P_CARBON] = {"federated", 1, false},
        [P_CENTRAL] = {"centralized", 3, false},
        [P_RATIO] = {"ratio", 1, false}};
    for (size_t k = 0; k < MOST_KEYS; k++) {
        const char *key = res_live_key(live, k);
        columns[P_KEYS + k] = (struct cli_grid_column){
            key ? last_word(key) : "", key ? 4 : 9, true};
    }
    size_t n_points = res_live_n_points(live);
    size_t n = first < n_points ? n_points - first : 0;
    n = n < most ? n : most;
    struct cli_cell *cells = fl_calloc(n * P_CELLS, sizeof *cells);
    if (!cells)
        return fl_fail(err, FL_E_NOMEM, "out of memory: screen");
    for (size_t i = 0; i < n; i++)
        fill_point(&cells[i * P_CELLS], live, first + i);
    put_counts(screen, live);
    cli_screen_end_line(screen);
    cli_screen_grid(screen, columns, P_CELLS, cells, n);
    if (first > 0 || n < n_points) {
        cli_screen_say(screen,
                       "points %zu to %zu of %zu; up and down show others",
                       first + 1, first + n, n_points);
        cli_screen_end_line(screen);
    }
    fl_free(cells);
    put_problems(screen, live);
    return FL_OK;
}

enum fl_status cli_watch_frame(struct cli_screen *screen,
                               const struct res_live *live,
                               size_t first,
                               size_t most,
                               struct fl_error *err)
{
    return res_live_is_sweep(live)
               ? put_sweep(screen, live, first, most, err)
               : put_run(screen, res_live_run(live, 0), err);
}

void cli_watch_line(struct cli_screen *screen, const struct res_live *live)
{
    char step[48], figure[32];
    if (res_live_is_sweep(live)) {
        put_counts(screen, live);
        return;
    }
    const struct res_live_run *run = res_live_run(live, 0);
    cli_screen_put(screen, res_live_state_names[run->state]);
    for (size_t i = 0; i < run->n_arms; i++) {
        const struct res_live_arm *arm = &run->arms[i];
        put_step(step, sizeof step, arm);
        cli_screen_say(screen, "%s %s %s %s", i ? " |" : ":", arm->name,
                       step_name(arm), step);
        cli_put_figure(figure, sizeof figure, arm->accuracy, 4);
        if (!isnan(arm->accuracy))
            cli_screen_say(screen, ", accuracy %s", figure);
        cli_put_carbon(figure, sizeof figure, arm->gco2e);
        if (!isnan(arm->gco2e))
            cli_screen_say(screen, ", %s", figure);
    }
    cli_screen_end_line(screen);
}
