/* fedcarbon serve DIR...: how runs and sweeps go on, in the browser. */
#include "cli/commands.h"

#include "base/clock.h"
#include "base/log.h"
#include "cli/exit_code.h"
#include "cli/live/live_wait.h"
#include "cli/launch/process.h"
#include "cli/live/serve_http.h"
#include "cli/words.h"

#include <argp.h>
#include <poll.h>
#include <stdio.h>

#define LOOK_WALL_MS 1000
#define GAP_WALL_MS  200 /* a commit changes files many times */
#define MOST_HOSTS   16
#define USUAL_PORT   8642

struct request {
    struct cli_runs runs;
    const char *hosts[MOST_HOSTS];
    struct cli_http_opts http;
};

enum { KEY_ADDRESS = 256, KEY_PORT, KEY_HOST };

static const struct argp_option options[] = {
    {"address", KEY_ADDRESS, "ADDRESS", 0,
     "Address to listen at (default: 127.0.0.1, which only this machine "
     "reaches)",
     0},
    {"port", KEY_PORT, "PORT", 0,
     "Port to listen at; 0: any that is free (default: 8642)", 0},
    {"host", KEY_HOST, "NAME", 0,
     "Also answer under this host name, besides addresses and localhost; may "
     "be repeated",
     0},
    {0},
};

static error_t parse_word(int key, char *word, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case KEY_ADDRESS:
        request->http.address = word;
        return 0;
    case KEY_PORT:
        cli_parse_int("--port", word, 0, 65535, &request->http.port, state);
        return 0;
    case KEY_HOST:
        if (request->http.n_hosts == MOST_HOSTS)
            argp_error(state, "more than %d --host", MOST_HOSTS);
        request->hosts[request->http.n_hosts++] = word;
        return 0;
    default:
        return cli_parse_runs(key, word,
                              "the directories of which runs or sweeps?",
                              &request->runs, state);
    }
}

struct serving {
    struct cli_site *site;
    struct cli_http *http;
    struct cli_live_wait *wait;
    int signal_fd;
    double look_wall_s; /* the last one */
    bool is_due;        /* something has happened since */
};

static enum fl_status look(struct serving *serving, struct fl_error *err)
{
    bool is_behind;
    FL_TRY(cli_site_look(serving->site, &is_behind, err));
    for (size_t i = 0; i < cli_site_n_views(serving->site); i++)
        cli_live_wait_follow(serving->wait, cli_site_view(serving->site, i));
    serving->look_wall_s = fl_clock_wall_s();
    serving->is_due = is_behind;
    return FL_OK;
}

static int least(int a_ms, int b_ms)
{
    return b_ms < 0 || (a_ms >= 0 && a_ms < b_ms) ? a_ms : b_ms;
}

/* Milliseconds until the next look; 0: now. */
static int next_look_ms(const struct serving *serving)
{
    double since_wall_ms = 1000 * (fl_clock_wall_s() - serving->look_wall_s);
    int gap_ms = serving->is_due || cli_site_is_wanting(serving->site)
                     ? GAP_WALL_MS
                     : LOOK_WALL_MS;
    return since_wall_ms >= gap_ms ? 0 : gap_ms - (int)since_wall_ms;
}

/* Until a signal asks to end. */
static enum fl_status serve(struct serving *serving, struct fl_error *err)
{
    for (;;) {
        int look_ms = next_look_ms(serving);
        if (look_ms == 0) {
            FL_TRY(look(serving, err));
            continue;
        }
        struct pollfd polled[] = {
            {.fd = serving->signal_fd, .events = POLLIN},
            {.fd = cli_http_fd(serving->http), .events = POLLIN},
            {.fd = serving->is_due ? -1 : cli_live_wait_fd(serving->wait),
             .events = POLLIN}};
        (void)poll(polled, 3,
                   least(look_ms, cli_http_timeout_ms(serving->http)));
        if (cli_signals_take(serving->signal_fd) != 0)
            return FL_OK;
        cli_http_work(serving->http);
        if (polled[2].revents) {
            cli_live_wait_take(serving->wait);
            serving->is_due = true;
        }
    }
}

static void tell(const struct cli_http *http)
{
    if (!cli_http_is_loopback(http))
        fl_log(FL_LOG_WARN,
               "everybody who can reach this machine can look at these runs: "
               "there is no password and no encryption");
    (void)printf("serving at %s (Ctrl-C ends it; the runs go on)\n",
                 cli_http_url(http));
    (void)fflush(stdout);
}

static enum fl_status run(struct request *request, struct fl_error *err)
{
    struct serving serving = {.signal_fd = -1, .look_wall_s = -1e9};
    request->http.hosts = request->hosts;
    FL_TRY(cli_site_create(request->runs.dirs, request->runs.n, &serving.site,
                           err));
    enum fl_status status = cli_live_wait_create(&serving.wait, err);
    if (status == FL_OK)
        status = cli_signals_open(false, &serving.signal_fd, err);
    if (status == FL_OK)
        status =
            cli_http_create(serving.site, &request->http, &serving.http, err);
    if (status == FL_OK)
        status = look(&serving, err);
    if (status == FL_OK) {
        tell(serving.http);
        status = serve(&serving, err);
    }
    cli_http_destroy(serving.http);
    if (serving.signal_fd >= 0)
        cli_signals_close(serving.signal_fd);
    cli_live_wait_destroy(serving.wait);
    cli_site_destroy(serving.site);
    return status;
}

int cli_command_serve(int argc,
                      char **argv,
                      const struct cli_surroundings *surroundings)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse_word,
        .args_doc = "DIR...",
        .doc =
            "Show in the browser how the runs and sweeps in DIR... go on: "
            "accuracy, clients at work, power and grid intensity, carbon "
            "against the centralized arm. They may run, have ended or have "
            "been stopped; looking never holds them up."
            "\v/ is the page, /state.json and /charts/NAME.json what it is "
            "made of, /metrics the figures for Prometheus (?view=V&run=R of "
            "several; docs/live.md). Only reading is possible. Ctrl-C ends it, "
            "with exit code 0.",
    };
    struct request request = {
        .http = {.address = "127.0.0.1", .port = USUAL_PORT}};
    struct fl_error err = {0};
    (void)surroundings;
    (void)argp_parse(&argp, argc, argv, 0, NULL, &request);
    enum fl_status status = run(&request, &err);
    cli_runs_fini(&request.runs);
    if (status != FL_OK)
        fl_log(FL_LOG_ERROR, "%s", err.text);
    return status == FL_E_STATE ? CLI_EXIT_INPUT : cli_exit_code(status);
}
