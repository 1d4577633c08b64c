/* fedcarbon-coordinator: one run, for client processes anywhere. */
#include "base/alloc.h"
#include "base/log.h"
#include "base/parse.h"
#include "cli/exit_code.h"
#include "cli/process.h"
#include "cli/version.h"
#include "coordinator/coordinator.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define MAX_NOTES 8
#define MAX_OS    256

struct request {
    struct coord_opts opts;
    int64_t ready_fd;
    int64_t parent;
    const char *command;
    bool is_auto; /* progress as the terminal allows */
};

enum {
    KEY_RUN = 256,
    KEY_LISTEN,
    KEY_DATA_ROOT,
    KEY_CACHE,
    KEY_SHARE,
    KEY_RESUME,
    KEY_READY,
    KEY_PARENT,
    KEY_PROGRESS,
    KEY_PROFILE,
    KEY_COMMAND
};

static const struct argp_option options[] = {
    {"run", KEY_RUN, "DIR", 0, "Run directory with its scenario.yaml", 0},
    {"listen", KEY_LISTEN, "ADDRESS", 0,
     "ipc://PATH or tcp://INTERFACE:PORT for client processes", 0},
    {"data-root", KEY_DATA_ROOT, "DIR", 0, "Folder of data sets", 0},
    {"cache-dir", KEY_CACHE, "DIR", 0, "Folder for decoded data sets", 0},
    {"share-dir", KEY_SHARE, "DIR", 0,
     "Folder where runs find each other's centralized arms", 0},
    {"resume", KEY_RESUME, NULL, 0, "Go on with a run that was stopped", 0},
    {"progress", KEY_PROGRESS, "HOW", 0,
     "auto (default), none, lines or terminal", 0},
    {"profile", KEY_PROFILE, NULL, 0,
     "Measure where the time goes, into profile.csv and profile.txt", 0},
    {"ready-fd", KEY_READY, "N", 0,
     "Write the address to this descriptor when clients may connect", 0},
    {"parent", KEY_PARENT, "PID", 0, "Stop when this process ends", 0},
    {"command", KEY_COMMAND, "TEXT", 0,
     "The command that repeats the run, for the manifest", 0},
    {0},
};

static error_t parse_progress(struct request *request,
                              const char *word,
                              struct argp_state *state)
{
    request->is_auto = strcmp(word, "auto") == 0;
    if (strcmp(word, "none") == 0)
        request->opts.progress = COORD_PROGRESS_NONE;
    else if (strcmp(word, "lines") == 0)
        request->opts.progress = COORD_PROGRESS_LINES;
    else if (strcmp(word, "terminal") == 0)
        request->opts.progress = COORD_PROGRESS_TERMINAL;
    else if (!request->is_auto)
        argp_error(state,
                   "--progress: found '%s', allowed auto, none, lines, "
                   "terminal",
                   word);
    return 0;
}

static error_t parse_word(int key, char *word, struct argp_state *state)
{
    struct request *request = state->input;
    struct fl_error err = {0};
    switch (key) {
    case KEY_RUN:
        request->opts.run_dir = word;
        return 0;
    case KEY_LISTEN:
        request->opts.address = word;
        return 0;
    case KEY_DATA_ROOT:
        request->opts.data_root = word;
        return 0;
    case KEY_CACHE:
        request->opts.cache_dir = word;
        return 0;
    case KEY_SHARE:
        request->opts.share_dir = word;
        return 0;
    case KEY_RESUME:
        request->opts.is_resume = true;
        return 0;
    case KEY_PROFILE:
        request->opts.is_profiled = true;
        return 0;
    case KEY_PROGRESS:
        return parse_progress(request, word, state);
    case KEY_COMMAND:
        request->command = word;
        return 0;
    case KEY_READY:
        if (fl_parse_int(word, 0, 65535, &request->ready_fd, &err))
            argp_error(state, "--ready-fd: %s", err.text);
        return 0;
    case KEY_PARENT:
        if (fl_parse_int(word, 1, INT32_MAX, &request->parent, &err))
            argp_error(state, "--parent: %s", err.text);
        return 0;
    case ARGP_KEY_END:
        if (!request->opts.run_dir || !request->opts.address ||
            !request->opts.cache_dir)
            argp_error(state, "--run, --listen and --cache-dir are needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void tell_ready(const char *address, void *arg)
{
    struct request *request = arg;
    char line[300];
    struct fl_error err = {0};
    /* From here on there is something to save; until here a signal kills. */
    if (cli_signals_open(false, &request->opts.stop_fd, &err) != FL_OK)
        fl_log(FL_LOG_WARN, "%s", err.text);
    if (request->ready_fd < 0)
        return;
    int n = snprintf(line, sizeof line, "%s\n", address);
    ssize_t wrote = write((int)request->ready_fd, line, (size_t)n);
    (void)wrote; /* a launcher that is gone ends us by --parent */
    (void)close((int)request->ready_fd);
}

/* What only the program knows about itself. */
static size_t collect_notes(const struct request *request,
                            char host_os[MAX_OS],
                            struct coord_note notes[MAX_NOTES])
{
    struct utsname os;
    size_t n = 0;
    notes[n++] = (struct coord_note){"commit", cli_commit};
    notes[n++] = (struct coord_note){"compiler", cli_compiler};
    notes[n++] = (struct coord_note){"build_type", cli_build_type};
    notes[n++] = (struct coord_note){"libraries", cli_libraries};
    if (request->command)
        notes[n++] = (struct coord_note){"command", request->command};
    if (uname(&os) == 0) {
        (void)snprintf(host_os, MAX_OS, "%s %s", os.sysname, os.release);
        notes[n++] = (struct coord_note){"host_os", host_os};
    }
    return n;
}

int main(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse_word,
        .doc = "Coordinate one run. Usually started by `fedcarbon run`.",
    };
    struct request request = {.ready_fd = -1,
                              .is_auto = true,
                              .opts = {.stop_fd = -1, .version = cli_version}};
    struct fl_error err = {0};
    fl_alloc_keep_memory();
    (void)argp_parse(&argp, argc, argv, 0, NULL, &request);
    if (request.is_auto)
        request.opts.progress = isatty(STDERR_FILENO) ? COORD_PROGRESS_TERMINAL
                                                      : COORD_PROGRESS_LINES;
    struct coord_note notes[MAX_NOTES];
    char host_os[MAX_OS];
    request.opts.n_notes = collect_notes(&request, host_os, notes);
    request.opts.notes = notes;
    request.opts.on_ready = tell_ready;
    request.opts.arg = &request;
    enum fl_status status = FL_OK;
    if (request.parent > 0)
        status = cli_process_follow((pid_t)request.parent, &err);
    cli_raise_file_limit();
    if (status == FL_OK)
        status = coord_run(&request.opts, &err);
    if (status != FL_OK && status != FL_E_STOPPED)
        fl_log(FL_LOG_ERROR, "%s", err.text);
    return cli_exit_code(status);
}
