/* The progress line: where each arm stands, what it has cost, how long still.
 */
#include "coordinator/run_priv.h"

#include "base/clock.h"
#include "base/units.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Below so many columns the line is told in few words. */
#define NARROW 160

struct line {
    char text[512];
    size_t n;
};

__attribute__((format(printf, 2, 3))) static void
say(struct line *line, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int wrote =
        vsnprintf(line->text + line->n, sizeof line->text - line->n, fmt, ap);
    va_end(ap);
    if (wrote > 0)
        line->n += (size_t)wrote;
    if (line->n >= sizeof line->text)
        line->n = sizeof line->text - 1;
}

static const char *const step_names[] = {
    [SCN_FEDERATED] = "round",
    [SCN_CENTRALIZED] = "epoch",
    [SCN_LOCAL] = "client",
};

static void say_arm(struct line *line,
                    enum scn_arm arm,
                    const struct coord_standing *standing,
                    bool is_narrow)
{
    const char *bar = !line->n ? "" : is_narrow ? "  " : " | ";
    if (is_narrow)
        say(line, "%s%.3s", bar, scn_arm_name(arm));
    else
        say(line, "%s%s %s", bar, scn_arm_name(arm), step_names[arm]);
    say(line, " %lld/%lld", (long long)standing->step,
        (long long)standing->steps);
    if (!isnan(standing->accuracy))
        say(line, is_narrow ? " %.3f" : " acc %.3f", standing->accuracy);
}

/* Simulated time in the unit that reads best. */
static void say_time(struct line *line, double sim_time_s)
{
    if (sim_time_s < 120)
        say(line, "%.1f s", sim_time_s);
    else if (sim_time_s < 7200)
        say(line, "%.1f min", sim_time_s / 60);
    else
        say(line, "%.1f h", sim_time_s / FL_S_PER_HOUR);
}

/* Of the whole run so far, overhead included; before anything is done, what
 * the processes have been measured at. 0: not known yet. */
static double flop_per_wall_s(const struct coord_run *run,
                              double done_flop,
                              double now_wall_s)
{
    double gained = done_flop - run->loop_done_flop;
    if (gained > 0)
        return gained / (now_wall_s - run->loop_wall_s);
    return run->dispatch ? coord_dispatch_flop_per_wall_s(run->dispatch) : 0;
}

double coord_progress_done_flop(const struct coord_run *run)
{
    double sum = 0;
    for (int arm = 0; arm < SCN_ARM_LAST_; arm++) {
        struct coord_standing standing = {0};
        if (run->arms[arm])
            coord_arm_types[arm]->standing(run->arms[arm], &standing);
        sum += standing.done_flop;
    }
    return sum;
}

static size_t terminal_width(void)
{
    struct winsize window;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col < 2)
        return SIZE_MAX;
    return window.ws_col;
}

void coord_progress_show(const struct coord_run *run, bool is_last)
{
    if (run->opts->progress == COORD_PROGRESS_NONE)
        return;
    bool is_terminal = run->opts->progress == COORD_PROGRESS_TERMINAL;
    size_t width = is_terminal ? terminal_width() : SIZE_MAX;
    struct line line = {.n = 0};
    double done_flop = 0, left_flop = 0, energy_j = 0, emitted_gco2e = 0,
           sim_time_s = 0;
    for (int arm = 0; arm < SCN_ARM_LAST_; arm++) {
        if (!run->arms[arm])
            continue;
        struct coord_standing standing;
        coord_arm_types[arm]->standing(run->arms[arm], &standing);
        say_arm(&line, (enum scn_arm)arm, &standing, width < NARROW);
        done_flop += standing.done_flop;
        left_flop += standing.left_flop;
        energy_j += run->totals[arm].energy_j;
        emitted_gco2e += run->totals[arm].emitted_gco2e;
        sim_time_s = fmax(sim_time_s, standing.sim_time_s);
    }
    bool is_narrow = width < NARROW;
    say(&line, is_narrow ? "  " : " | simulated ");
    say_time(&line, sim_time_s);
    say(&line, is_narrow ? "  %.3g Wh  %.3g g  " : ", %.4g Wh, %.4g gCO2e | ",
        energy_j / FL_J_PER_WH, emitted_gco2e);
    char clock[32];
    double now = fl_clock_wall_s();
    double speed = flop_per_wall_s(run, done_flop, now);
    double shown = is_last ? now - run->start_wall_s : left_flop / speed;
    fl_clock_text(shown, clock, sizeof clock);
    say(&line, "%s %s", is_last ? "took" : "ETA", clock);
    if (is_terminal && !is_last && line.n >= width)
        line.text[width - 1] = '\0'; /* what wraps cannot be rewritten */
    char out[600];
    int n = snprintf(out, sizeof out, "%s%s%s", is_terminal ? "\r\033[K" : "",
                     line.text, is_terminal && !is_last ? "" : "\n");
    ssize_t wrote = write(STDERR_FILENO, out, (size_t)n);
    (void)wrote; /* nobody is left to tell */
}

void coord_progress_say(const struct coord_run *run, const char *sentence)
{
    char out[600];
    if (run->opts->progress == COORD_PROGRESS_NONE)
        return;
    int n = snprintf(out, sizeof out, "%s\n", sentence);
    ssize_t wrote = write(STDERR_FILENO, out, (size_t)n);
    (void)wrote; /* nobody is left to tell */
}
