/* fedcarbon-coordinator: one run, for client processes anywhere. */
#include "base/alloc.h"
#include "base/log.h"
#include "cli/exit_code.h"
#include "cli/launch/process.h"
#include "cli/program.h"
#include "cli/version.h"
#include "cli/words.h"
#include "comms/ticket.h"
#include "coordinator/coordinator.h"

#include <argp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define MAX_NOTES     8
#define MAX_OS        256
#define MAX_PROCESSES 1000000
#define MAX_WAIT_S    1e9

struct request {
    struct coord_opts opts;
    int64_t ready_fd;
    int64_t parent;
    const char *command;
    const char *ticket;    /* file to write, "-": stdout; NULL: none */
    const char *advertise; /* host in the ticket; NULL: where we listen */
    bool is_encrypted;     /* asked for, then: decided */
    bool is_insecure;
    bool is_following; /* the standard input */
    bool is_auto;      /* progress as the terminal allows */
    struct comms_run_keys keys;
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
    KEY_COMMAND,
    KEY_TICKET,
    KEY_ADVERTISE,
    KEY_ENCRYPT,
    KEY_INSECURE,
    KEY_FOLLOW,
    KEY_PATIENCE,
    KEY_AWAIT,
    KEY_EXPECT,
    KEY_SILENCE,
    KEY_SAVE
};

static const struct argp_option options[] = {
    {"run", KEY_RUN, "DIR", 0, "Run directory with its scenario.yaml", 0},
    {"listen", KEY_LISTEN, "ADDRESS", 0,
     "ipc://PATH or tcp://HOST:PORT for client processes; HOST may be an "
     "interface or * for all, PORT 0 for any free one. Beyond this host all is "
     "encrypted",
     0},
    {"ticket", KEY_TICKET, "FILE", 0,
     "Write what client processes need to join (address and keys) to this "
     "file, for this user alone, when they may connect; - is the standard "
     "output",
     0},
    {"advertise", KEY_ADVERTISE, "HOST", 0,
     "This host as others reach it, for the ticket (default: where it "
     "listens; for all interfaces, its host name)",
     0},
    {"encrypt", KEY_ENCRYPT, NULL, 0,
     "Encrypt also where nothing leaves this host (ipc, loopback)", 0},
    {"insecure", KEY_INSECURE, NULL, 0,
     "Never encrypt: whoever reaches the port can read the models and take "
     "part",
     0},
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
    {"follow-stdin", KEY_FOLLOW, NULL, 0,
     "Save everything and stop when the standard input ends: for what starts "
     "this from another host",
     0},
    {"await", KEY_AWAIT, "N", 0,
     "Begin when so many client processes have joined (default: with the "
     "first)",
     0},
    {"expect", KEY_EXPECT, "N", 0,
     "So many client processes will come; for the forecast alone", 0},
    {"patience-s", KEY_PATIENCE, "S", 0,
     "Give up after so many seconds without any client process (default 60)",
     0},
    {"silence-s", KEY_SILENCE, "S", 0,
     "Give up a client process that says nothing for so long; others do its "
     "work again (default 30)",
     0},
    {"save-every-s", KEY_SAVE, "S", 0,
     "Save what is done every so often, or more rarely where saving takes long "
     "(default 2)",
     0},
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

static error_t parse_security(int key, char *word, struct request *request)
{
    switch (key) {
    case KEY_TICKET:
        request->ticket = word;
        return 0;
    case KEY_ADVERTISE:
        request->advertise = word;
        return 0;
    case KEY_ENCRYPT:
        request->is_encrypted = true;
        return 0;
    case KEY_INSECURE:
        request->is_insecure = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_number(int key, char *word, struct argp_state *state)
{
    struct request *request = state->input;
    struct coord_opts *opts = &request->opts;
    switch (key) {
    case KEY_AWAIT:
        cli_parse_int("--await", word, 1, MAX_PROCESSES,
                      &opts->awaited_processes, state);
        return 0;
    case KEY_EXPECT:
        cli_parse_int("--expect", word, 1, MAX_PROCESSES,
                      &opts->expected_processes, state);
        return 0;
    case KEY_PATIENCE:
        cli_parse_double("--patience-s", word, 1, MAX_WAIT_S,
                         &opts->patience_wall_s, state);
        return 0;
    case KEY_SILENCE:
        cli_parse_double("--silence-s", word, 0.1, MAX_WAIT_S,
                         &opts->silence_wall_s, state);
        return 0;
    case KEY_SAVE:
        cli_parse_double("--save-every-s", word, 0.001, MAX_WAIT_S,
                         &opts->save_every_wall_s, state);
        return 0;
    case KEY_READY:
        cli_parse_int("--ready-fd", word, 0, 65535, &request->ready_fd, state);
        return 0;
    case KEY_PARENT:
        cli_parse_int("--parent", word, 1, INT32_MAX, &request->parent, state);
        return 0;
    default:
        return parse_security(key, word, request);
    }
}

static error_t parse_word(int key, char *word, struct argp_state *state)
{
    struct request *request = state->input;
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
    case KEY_FOLLOW:
        request->is_following = true;
        return 0;
    case ARGP_KEY_END:
        if (!request->opts.run_dir || !request->opts.address ||
            !request->opts.cache_dir)
            argp_error(state, "--run, --listen and --cache-dir are needed");
        if (request->is_encrypted && request->is_insecure)
            argp_error(state, "--encrypt and --insecure: which?");
        return 0;
    default:
        return parse_number(key, word, state);
    }
}

/* Whether to encrypt, and with what. */
static enum fl_status choose_keys(struct request *request, struct fl_error *err)
{
    const char *address = request->opts.address;
    bool is_private = false;
    FL_TRY(comms_address_is_private(address, &is_private, err));
    if (request->is_insecure && !is_private)
        fl_log(FL_LOG_WARN,
               "--insecure: whoever reaches %s can read the models and take "
               "part in the run",
               address);
    if (!is_private && !request->is_insecure)
        request->is_encrypted = true;
    if (!request->is_encrypted)
        return FL_OK;
    if (!request->ticket)
        return fl_fail(err, FL_E_CONFIG,
                       "--listen %s: encrypted, so client processes need keys: "
                       "give --ticket FILE to write them to (or --insecure)",
                       address);
    FL_TRY(comms_run_keys_make(&request->keys, err));
    request->opts.keys = &request->keys.hub;
    return FL_OK;
}

/* How others reach the address that we listen at. */
static enum fl_status advertised(const struct request *request,
                                 const char *address,
                                 char ret[COMMS_MAX_ADDRESS],
                                 struct fl_error *err)
{
    static const char tcp[] = "tcp://", all[] = "tcp://0.0.0.0:";
    char host[256];
    const char *name = request->advertise;
    if (!name && strncmp(address, all, sizeof all - 1) == 0) {
        if (gethostname(host, sizeof host) != 0)
            return fl_fail_errno(err, FL_E_IO, "this host's name");
        host[sizeof host - 1] = '\0';
        name = host;
    }
    if (strncmp(address, tcp, sizeof tcp - 1) != 0)
        name = NULL;
    int n = name ? snprintf(ret, COMMS_MAX_ADDRESS, "%s%s%s", tcp, name,
                            strrchr(address, ':'))
                 : snprintf(ret, COMMS_MAX_ADDRESS, "%s", address);
    if (n < 0 || n >= COMMS_MAX_ADDRESS)
        return fl_fail(err, FL_E_CONFIG, "--advertise: too long");
    return FL_OK;
}

static enum fl_status print_ticket(const struct comms_ticket *ticket,
                                   struct fl_error *err)
{
    char text[COMMS_TICKET_BYTES];
    size_t n = 0;
    FL_TRY(comms_ticket_format(ticket, text, &n, err));
    ssize_t wrote = write(STDOUT_FILENO, text, n);
    explicit_bzero(text, sizeof text);
    return wrote == (ssize_t)n
               ? FL_OK
               : fl_fail_errno(err, FL_E_IO, "cannot write the ticket");
}

static enum fl_status write_ticket(const struct request *request,
                                   const char *address,
                                   const char *run_id,
                                   struct fl_error *err)
{
    struct comms_ticket ticket = {.is_encrypted = request->is_encrypted};
    FL_TRY(advertised(request, address, ticket.address, err));
    (void)snprintf(ticket.run_id, sizeof ticket.run_id, "%s", run_id);
    if (ticket.is_encrypted)
        ticket.keys = request->keys.spoke;
    enum fl_status status =
        strcmp(request->ticket, "-") == 0
            ? print_ticket(&ticket, err)
            : comms_ticket_write(&ticket, request->ticket, err);
    comms_ticket_forget(&ticket);
    return status;
}

static enum fl_status tell_ready(const char *address,
                                 const char *run_id,
                                 void *arg,
                                 struct fl_error *err)
{
    struct request *request = arg;
    char line[300];
    struct fl_error why = {0};
    if (request->ticket)
        FL_TRY(write_ticket(request, address, run_id, err));
    /* From here on there is something to save; until here a signal kills. */
    if (cli_signals_open(false, &request->opts.stop_fd, &why) != FL_OK)
        fl_log(FL_LOG_WARN, "%s", why.text);
    if (request->is_following)
        FL_TRY(cli_process_follow_stdin(err));
    if (request->ready_fd < 0)
        return FL_OK;
    int n = snprintf(line, sizeof line, "%s\n", address);
    ssize_t wrote = write((int)request->ready_fd, line, (size_t)n);
    (void)wrote; /* a launcher that is gone ends us by --parent */
    (void)close((int)request->ready_fd);
    return FL_OK;
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
        .doc = "Coordinate one run. Usually started by `fedcarbon run`; by "
               "hand, with --ticket FILE for `fedcarbon-client --ticket FILE` "
               "on any host.",
    };
    struct request request = {.ready_fd = -1,
                              .is_auto = true,
                              .opts = {.stop_fd = -1, .version = cli_version}};
    struct fl_error err = {0};
    cli_program_begin();
    cli_process_settle(argv);
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
    cli_settle_limits();
    if (status == FL_OK)
        status = choose_keys(&request, &err);
    if (status == FL_OK)
        status = coord_run(&request.opts, &err);
    comms_run_keys_forget(&request.keys);
    if (status != FL_OK && status != FL_E_STOPPED)
        fl_log(FL_LOG_ERROR, "%s", err.text);
    return cli_program_end(cli_exit_code(status));
}
