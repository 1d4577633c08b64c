/* fedcarbon-client: a process that hosts virtual clients of a run. */
#include "base/alloc.h"
#include "base/log.h"
#include "base/topology.h"
#include "cli/exit_code.h"
#include "cli/launch/process.h"
#include "cli/program.h"
#include "cli/version.h"
#include "cli/words.h"
#include "client/client.h"
#include "comms/ticket.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_INCARNATION 4000000
#define MIN_SILENCE_S   0.1
#define MAX_SILENCE_S   1e6

struct request {
    struct client_opts opts;
    const char *ticket; /* file, or "-"; NULL: none */
    bool is_insecure;
    int64_t parent;
    int64_t core;     /* -1: not bound */
    const char *rank; /* $SLURM_PROCID; NULL: not set */
};

enum {
    KEY_CONNECT = 256,
    KEY_TICKET,
    KEY_INSECURE,
    KEY_SLOT,
    KEY_INCARNATION,
    KEY_BIND,
    KEY_PARENT,
    KEY_DATA_ROOT,
    KEY_CACHE,
    KEY_KERNELS,
    KEY_SILENCE
};

static const struct argp_option options[] = {
    {"ticket", KEY_TICKET, "FILE", 0,
     "Join with the ticket that the coordinator wrote to this file, or that "
     "comes on the standard input (-)",
     0},
    {"connect", KEY_CONNECT, "ADDRESS", 0,
     "Join without a ticket: the address of a coordinator that does not "
     "encrypt, on this host",
     0},
    {"insecure", KEY_INSECURE, NULL, 0,
     "--connect to another host, without encryption", 0},
    {"slot", KEY_SLOT, "N", 0,
     "This process's number in the run, which no other has (default: one that "
     "the coordinator gives it); rank: the one of srun",
     0},
    {"incarnation", KEY_INCARNATION, "N", 0,
     "How many processes had this number before", 0},
    {"bind", KEY_BIND, "CORE", 0, "Stay on this core", 0},
    {"data-root", KEY_DATA_ROOT, "DIR", 0,
     "Folder of data sets (default: the coordinator's)", 0},
    {"cache-dir", KEY_CACHE, "DIR", 0,
     "Folder for decoded data sets (default: the coordinator's)", 0},
    {"kernels", KEY_KERNELS, "NAME", 0,
     "Compute with these kernels: avx512, avx2 or portable (default: the best "
     "of this CPU); the same in all processes of a run",
     0},
    {"silence-s", KEY_SILENCE, "S", 0,
     "Wait twice as long for the coordinator's first word (default 30)", 0},
    {"parent", KEY_PARENT, "PID", 0, "End when this process ends", 0},
    {0},
};

static int64_t parse_number(const char *name,
                            const char *word,
                            int64_t most,
                            struct argp_state *state)
{
    int64_t value = 0;
    cli_parse_int(name, word, 0, most, &value, state);
    return value;
}

static error_t parse_word(int key, char *word, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case KEY_CONNECT:
        request->opts.address = word;
        return 0;
    case KEY_TICKET:
        request->ticket = word;
        return 0;
    case KEY_INSECURE:
        request->is_insecure = true;
        return 0;
    case KEY_SLOT:
        request->opts.slot = (uint32_t)parse_number(
            "--slot",
            strcmp(word, "rank") == 0 && request->rank ? request->rank : word,
            INT32_MAX, state);
        return 0;
    case KEY_INCARNATION:
        request->opts.incarnation = (uint32_t)parse_number(
            "--incarnation", word, MAX_INCARNATION, state);
        return 0;
    case KEY_BIND:
        request->core = parse_number("--bind", word, 65535, state);
        return 0;
    case KEY_DATA_ROOT:
        request->opts.data_root = word;
        return 0;
    case KEY_CACHE:
        request->opts.cache_dir = word;
        return 0;
    case KEY_KERNELS:
        request->opts.kernels = word;
        return 0;
    case KEY_SILENCE:
        cli_parse_double("--silence-s", word, MIN_SILENCE_S, MAX_SILENCE_S,
                         &request->opts.silence_wall_s, state);
        return 0;
    case KEY_PARENT:
        request->parent = parse_number("--parent", word, INT32_MAX, state);
        return 0;
    case ARGP_KEY_END:
        if (!request->opts.address == !request->ticket)
            argp_error(state, "one of --ticket and --connect is needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Binding is for speed alone: where it is refused the process goes on. */
static void bind_to_core(int64_t core)
{
    struct fl_topology *topology = NULL;
    struct fl_error err = {0};
    if (fl_topology_create(&topology, &err) != FL_OK ||
        fl_topology_bind(topology, (int)core, &err) != FL_OK)
        fl_log(FL_LOG_WARN, "%s", err.text);
    fl_topology_destroy(topology);
}

/* Where to connect, and with which keys. */
static enum fl_status choose_run(struct request *request,
                                 struct comms_ticket *ret_ticket,
                                 struct fl_error *err)
{
    bool is_private = false;
    if (request->ticket) {
        FL_TRY(comms_ticket_read(request->ticket, ret_ticket, err));
        request->opts.address = ret_ticket->address;
        request->opts.run_id = ret_ticket->run_id;
        if (ret_ticket->is_encrypted)
            request->opts.keys = &ret_ticket->keys;
    }
    const char *address = request->opts.address;
    FL_TRY(comms_address_is_private(address, &is_private, err));
    if (is_private || request->opts.keys)
        return FL_OK;
    if (!request->ticket && !request->is_insecure)
        return fl_fail(err, FL_E_CONFIG,
                       "--connect %s: another host, allowed with the "
                       "coordinator's --ticket (or with --insecure)",
                       address);
    fl_log(FL_LOG_WARN, "%s: nothing is encrypted on the way to it", address);
    return FL_OK;
}

int main(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse_word,
        .doc = "Train clients for a coordinator. Usually started by "
               "`fedcarbon run`.",
    };
    char host[256] = "unknown";
    struct request request = {.core = -1,
                              .rank = getenv("SLURM_PROCID"),
                              .opts = {.slot = COMMS_ANY_SLOT}};
    struct comms_ticket ticket = {.is_encrypted = false};
    struct fl_error err = {0};
    enum fl_status status = FL_OK;
    cli_program_begin();
    cli_process_settle(argv);
    fl_alloc_keep_memory();
    (void)argp_parse(&argp, argc, argv, 0, NULL, &request);
    (void)gethostname(host, sizeof host - 1);
    request.opts.host = host;
    request.opts.pid = (int64_t)getpid();
    request.opts.version = cli_version;
    if (request.parent > 0)
        status = cli_process_follow((pid_t)request.parent, &err);
    if (request.core >= 0)
        bind_to_core(request.core);
    if (status == FL_OK)
        status = choose_run(&request, &ticket, &err);
    if (status == FL_OK)
        status = client_run(&request.opts, &err);
    comms_ticket_forget(&ticket);
    if (status != FL_OK)
        fl_log(FL_LOG_ERROR, "client process on %s: %s", host, err.text);
    return cli_program_end(cli_exit_code(status));
}
