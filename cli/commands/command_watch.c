/* fedcarbon watch DIR: how a run or a sweep goes on, in the terminal. */
#include "cli/commands.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "cli/exit_code.h"
#include "cli/live/live_wait.h"
#include "cli/launch/process.h"
#include "cli/live/terminal.h"
#include "cli/live/watch_frame.h"
#include "cli/words.h"

#include <argp.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOOK_WALL_MS 1000
/* A picture is looked at for that long, and for this many times what it took to
 * draw: a run of many small rounds changes all the time, on the same cores. */
#define PACE_WALL_S   0.25
#define RESTS         9.0
#define BEGIN_WALL_S  10.0
#define PLAIN_COLUMNS 120
#define MANY_COLUMNS  4096
#define PLAIN_POINTS  100000
#define HEAD_LINES    5 /* around a sweep's table */

struct request {
    const char *dir;
    bool is_once, is_ascii;
};

enum { KEY_ONCE = 256, KEY_ASCII };

static const struct argp_option options[] = {
    {"once", KEY_ONCE, NULL, 0, "Print what there is now, and end", 0},
    {"ascii", KEY_ASCII, NULL, 0, "Draw with plain characters alone", 0},
    {0},
};

static error_t parse_word(int key, char *word, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case KEY_ONCE:
        request->is_once = true;
        return 0;
    case KEY_ASCII:
        request->is_ascii = true;
        return 0;
    default:
        return cli_parse_one(key, word, "run's or sweep's directory",
                             &request->dir, state);
    }
}

struct watch {
    const struct request *request;
    struct res_live *live;
    struct cli_live_wait *wait;
    struct cli_terminal *terminal; /* NULL: lines instead */
    struct cli_screen looks;       /* colours, characters */
    int signal_fd;
    size_t first; /* point at the top */
    double start_wall_s;
    double shown_wall_s, pace_wall_s; /* when last; how long it is looked at */
    bool has_left;                    /* asked to */
};

/* The picture at a width; *ret is NUL-terminated. Free: fl_free. */
static enum fl_status draw(const struct watch *watch,
                           size_t width,
                           size_t most_points,
                           char **ret,
                           struct fl_error *err)
{
    struct cli_screen screen = watch->looks;
    size_t n = 0;
    char *text = NULL;
    screen.width = width;
    screen.out = open_memstream(&text, &n);
    if (!screen.out)
        return fl_fail(err, FL_E_NOMEM, "out of memory: screen");
    enum fl_status status =
        cli_watch_frame(&screen, watch->live, watch->first, most_points, err);
    if (fclose(screen.out) != 0 && status == FL_OK)
        status = fl_fail(err, FL_E_NOMEM, "out of memory: screen");
    if (status == FL_OK)
        *ret = text;
    else
        fl_free(text);
    return status;
}

static enum fl_status print_once(struct watch *watch, struct fl_error *err)
{
    char *text = NULL;
    size_t width = cli_terminal_width(STDOUT_FILENO, PLAIN_COLUMNS);
    watch->first = 0;
    FL_TRY(draw(watch, width, PLAIN_POINTS, &text, err));
    (void)fputs(text, stdout);
    (void)fflush(stdout);
    fl_free(text);
    return FL_OK;
}

static enum fl_status show(struct watch *watch, struct fl_error *err)
{
    char *text = NULL;
    if (!watch->terminal) {
        struct cli_screen screen = watch->looks;
        screen.out = stdout;
        screen.width = MANY_COLUMNS;
        cli_watch_line(&screen, watch->live);
        (void)fflush(stdout);
        return FL_OK;
    }
    size_t columns, lines;
    cli_terminal_size(watch->terminal, &columns, &lines);
    size_t points = lines > HEAD_LINES + 1 ? lines - HEAD_LINES : 1;
    size_t n = res_live_n_points(watch->live);
    size_t last = n > points ? n - points : 0;
    watch->first = watch->first < last ? watch->first : last;
    FL_TRY(draw(watch, columns, points, &text, err));
    cli_terminal_show(watch->terminal, text, "q leaves; the run goes on");
    fl_free(text);
    return FL_OK;
}

static bool is_over(const struct watch *watch)
{
    enum res_live_state state = res_live_state(watch->live);
    if (state == RES_LIVE_LEFT) /* it is about to begin, or nobody is there */
        return fl_clock_wall_s() - watch->start_wall_s > BEGIN_WALL_S;
    return state != RES_LIVE_RUNNING;
}

/* true: something is to be drawn anew. */
static bool take_keys(struct watch *watch)
{
    bool has_moved = false;
    enum cli_key key;
    while (watch->terminal &&
           (key = cli_terminal_key(watch->terminal)) != CLI_KEY_NONE) {
        size_t page =
            key == CLI_KEY_PAGE_UP || key == CLI_KEY_PAGE_DOWN ? 10 : 1;
        if (key == CLI_KEY_QUIT)
            watch->has_left = true;
        else if (key == CLI_KEY_DOWN || key == CLI_KEY_PAGE_DOWN)
            watch->first += page;
        else if (key == CLI_KEY_UP || key == CLI_KEY_PAGE_UP)
            watch->first -= watch->first > page ? page : watch->first;
        has_moved = true;
    }
    return has_moved;
}

/* How long it still rests from what it showed last. */
static double rest_wall_s(const struct watch *watch)
{
    return watch->shown_wall_s + watch->pace_wall_s - fl_clock_wall_s();
}

/* Until something happens, but not sooner than its pace wants where that is a
 * change of the run; false: a signal asks to end. */
static bool await(struct watch *watch, bool is_behind, bool *ret_is_resized)
{
    double rest = rest_wall_s(watch);
    bool is_resting = rest > 0;
    int wait_ms = is_resting ? (int)(rest * 1e3) + 1 : LOOK_WALL_MS;
    struct pollfd polled[] = {
        {.fd = watch->signal_fd, .events = POLLIN},
        {.fd = is_resting ? -1 : cli_live_wait_fd(watch->wait),
         .events = POLLIN},
        {.fd = watch->terminal ? cli_terminal_fd(watch->terminal) : -1,
         .events = POLLIN}};
    int n = poll(polled, 3, is_behind ? 0 : wait_ms);
    *ret_is_resized =
        watch->terminal && (cli_terminal_is_resized(watch->terminal) || n < 0);
    if (n > 0 && polled[1].revents)
        cli_live_wait_take(watch->wait);
    if (n > 0 && polled[2].revents & (POLLHUP | POLLERR))
        return false; /* the terminal is gone */
    return cli_signals_take(watch->signal_fd) == 0;
}

/* FL_E_STOPPED: a signal came. */
static enum fl_status go_on(struct watch *watch, struct fl_error *err)
{
    bool has_to_show = true, is_stale = false;
    for (;;) {
        bool has_changed, is_behind, is_resized;
        double start_wall_s = fl_clock_wall_s();
        FL_TRY(res_live_look(watch->live, &has_changed, &is_behind, err));
        cli_live_wait_follow(watch->wait, watch->live);
        is_stale = is_stale || has_changed;
        if (has_to_show ||
            (is_stale && (!is_behind || rest_wall_s(watch) <= 0))) {
            FL_TRY(show(watch, err));
            is_stale = false;
            watch->shown_wall_s = fl_clock_wall_s();
            watch->pace_wall_s =
                fmax(PACE_WALL_S, RESTS * (watch->shown_wall_s - start_wall_s));
        }
        if (!is_behind && is_over(watch))
            return FL_OK;
        if (!await(watch, is_behind, &is_resized))
            return fl_fail(err, FL_E_STOPPED, "stopped watching");
        has_to_show = take_keys(watch) || is_resized;
        if (watch->has_left)
            return FL_OK;
    }
}

static enum fl_status look_once(struct watch *watch, struct fl_error *err)
{
    bool has_changed, is_behind = true;
    while (is_behind)
        FL_TRY(res_live_look(watch->live, &has_changed, &is_behind, err));
    return print_once(watch, err);
}

static int exit_of(const struct watch *watch)
{
    switch (res_live_state(watch->live)) {
    case RES_LIVE_FINISHED:
        return CLI_EXIT_OK;
    case RES_LIVE_RUNNING: /* left by q, or looked at once */
        return CLI_EXIT_OK;
    case RES_LIVE_STOPPED:
        return CLI_EXIT_STOPPED;
    default:
        return CLI_EXIT_FAILED;
    }
}

static enum fl_status run(struct watch *watch,
                          const struct cli_surroundings *surroundings,
                          struct fl_error *err)
{
    bool is_screen = isatty(STDOUT_FILENO) && !surroundings->is_dumb;
    watch->looks = (struct cli_screen){
        .has_colour = is_screen && !surroundings->has_no_colour,
        .is_utf8 = surroundings->is_utf8 && !watch->request->is_ascii};
    watch->start_wall_s = fl_clock_wall_s();
    FL_TRY(res_live_create(watch->request->dir, &watch->live, err));
    if (watch->request->is_once)
        return look_once(watch, err);
    FL_TRY(cli_signals_open(false, &watch->signal_fd, err));
    enum fl_status status = cli_live_wait_create(&watch->wait, err);
    if (status == FL_OK && is_screen)
        status = cli_terminal_create(&watch->terminal, err);
    if (status == FL_OK)
        status = go_on(watch, err);
    cli_terminal_destroy(watch->terminal);
    /* What was seen last stays behind, where lines of text stay. */
    if (status == FL_OK)
        status = print_once(watch, err);
    cli_signals_close(watch->signal_fd);
    return status;
}

int cli_command_watch(int argc,
                      char **argv,
                      const struct cli_surroundings *surroundings)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse_word,
        .args_doc = "DIR",
        .doc =
            "Show how the run or the sweep in DIR goes on: rounds, accuracy, "
            "energy and carbon against the centralized arm, clients at work, "
            "power and grid intensity. It may run, have ended or have been "
            "stopped; watching never holds it up."
            "\vOn a terminal the picture is drawn anew when something has "
            "changed; q or Ctrl-C leave, up and down move through a sweep's "
            "points. Elsewhere each change is a line. NO_COLOR is honoured.\n\n"
            "It ends when what it watches does, with exit code 0 finished, 1 "
            "failed or its writer died, 130 stopped before its end; with 0 "
            "when left by q, 130 by Ctrl-C.",
    };
    struct request request = {.dir = NULL};
    struct watch watch = {.request = &request, .signal_fd = -1};
    struct fl_error err = {0};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &request);
    enum fl_status status = run(&watch, surroundings, &err);
    int code = status == FL_OK ? exit_of(&watch) : cli_exit_code(status);
    if (watch.has_left && status == FL_OK)
        code = CLI_EXIT_OK;
    if (status == FL_E_STATE && !watch.live)
        code = CLI_EXIT_INPUT; /* no such run */
    if (status != FL_OK && status != FL_E_STOPPED)
        fl_log(FL_LOG_ERROR, "%s", err.text);
    cli_live_wait_destroy(watch.wait);
    res_live_destroy(watch.live);
    return code;
}
