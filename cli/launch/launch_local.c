/* The local launcher: client processes of this machine, each one a child. */
#include "cli/launch/launch_priv.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/log.h"
#include "cli/launch/private_dir.h"
#include "cli/launch/process.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct local {
    char ticket[4200]; /* client processes join with it; "": none is needed */
    struct cli_private_dir private_dir; /* of the socket; none when the user
                                           gave an address */
    char address[COMMS_MAX_ADDRESS];
};

static void number(char ret[32], long value)
{
    (void)snprintf(ret, 32, "%ld", value);
}

/* Beyond this host nobody joins without one. */
static enum fl_status choose_ticket(const struct cli_launch *launch,
                                    struct local *local,
                                    struct fl_error *err)
{
    const char *given = launch->opts->ticket;
    bool is_private = false;
    FL_TRY(comms_address_is_private(local->address, &is_private, err));
    if (!given)
        return is_private ? FL_OK
                          : cli_launch_path(launch, "ticket", local->ticket,
                                            sizeof local->ticket, err);
    if (strlen(given) >= sizeof local->ticket)
        return fl_fail(err, FL_E_CONFIG, "--ticket %.80s...: too long", given);
    (void)snprintf(local->ticket, sizeof local->ticket, "%s", given);
    return FL_OK;
}

static enum fl_status prepare(struct cli_launch *launch, struct fl_error *err)
{
    struct local *local = launch->own;
    const char *given = launch->opts->address;
    local->private_dir = CLI_PRIVATE_DIR_NONE;
    if (!given && launch->opts->ticket)
        given = "tcp://*:0";
    launch->n_children = launch->opts->processes;
    if (given) {
        if (strlen(given) >= sizeof local->address)
            return fl_fail(err, FL_E_CONFIG, "--listen %s: too long", given);
        (void)snprintf(local->address, sizeof local->address, "%s", given);
        return choose_ticket(launch, local, err);
    }
    FL_TRY(cli_private_dir_init(&local->private_dir, err));
    (void)snprintf(local->address, sizeof local->address, "ipc://%s/hub",
                   local->private_dir.path);
    return FL_OK;
}

static enum fl_status start_coordinator(struct cli_launch *launch,
                                        int *ret_ready_fd,
                                        struct fl_error *err)
{
    const struct local *local = launch->own;
    const struct cli_launch_opts *opts = launch->opts;
    char path[4200], ready[32], parent[32];
    int pipe_fd[2];
    FL_TRY(cli_launch_program(launch, "fedcarbon-coordinator", path,
                              sizeof path, err));
    FL_TRY(cli_pipe(pipe_fd, err));
    number(ready, pipe_fd[1]);
    number(parent, (long)getpid());
    const char *argv[40] = {path,
                            "--run",
                            opts->run_dir,
                            "--listen",
                            local->address,
                            "--ready-fd",
                            ready,
                            "--parent",
                            parent,
                            "--progress",
                            opts->is_quiet ? "none" : "auto"};
    size_t n = cli_launch_words(launch, argv, 11);
    if (local->ticket[0]) {
        argv[n++] = "--ticket";
        argv[n++] = local->ticket;
    }
    if (opts->processes == 0) { /* others come when they can */
        argv[n++] = "--patience-s";
        argv[n++] = "1e9";
    }
    enum fl_status status =
        cli_process_start(argv, pipe_fd[1], &launch->coordinator, err);
    (void)close(pipe_fd[1]);
    if (status == FL_OK)
        *ret_ready_fd = pipe_fd[0];
    else
        (void)close(pipe_fd[0]);
    return status;
}

static bool is_whole(const char *ready)
{
    return strchr(ready, '\n') != NULL;
}

/* <run>/pids.json, for whoever wants to look at the processes. */
static enum fl_status try_pids(const struct cli_launch *launch,
                               struct fl_error *err)
{
    char path[4200];
    char *text = NULL;
    size_t n = 0;
    FL_TRY(cli_launch_path(launch, "pids.json", path, sizeof path, err));
    FILE *out = open_memstream(&text, &n);
    if (!out)
        return fl_fail(err, FL_E_NOMEM, "out of memory: %s", path);
    (void)fprintf(out,
                  "{\"launcher\": %ld, \"coordinator\": %ld, \"clients\": [",
                  (long)getpid(), (long)launch->coordinator);
    for (int i = 0; i < launch->n_children; i++)
        (void)fprintf(out, "%s%ld", i ? ", " : "",
                      (long)launch->children[i].pid);
    (void)fprintf(out, "]}\n");
    bool is_complete = fclose(out) == 0;
    enum fl_status status =
        is_complete ? fl_file_write(path, text, n, err)
                    : fl_fail(err, FL_E_NOMEM, "out of memory: %s", path);
    fl_free(text);
    return status;
}

/* A run goes on without it. */
static void write_pids(const struct cli_launch *launch)
{
    struct fl_error why = {0};
    if (try_pids(launch, &why) != FL_OK)
        fl_log(FL_LOG_WARN, "%s", why.text);
}

static enum fl_status on_ready(struct cli_launch *launch, struct fl_error *err)
{
    struct local *local = launch->own;
    size_t n = strcspn(launch->ready, "\n");
    if (n >= sizeof local->address)
        return fl_fail(err, FL_E_FORMAT, "the coordinator's address");
    (void)snprintf(local->address, sizeof local->address, "%.*s", (int)n,
                   launch->ready);
    if (launch->opts->ticket && !launch->opts->is_quiet)
        fl_log(FL_LOG_INFO,
               "%s: client processes of any host join with fedcarbon-client "
               "--ticket %s",
               local->address, local->ticket);
    write_pids(launch);
    return FL_OK;
}

static enum fl_status
start_child(struct cli_launch *launch, int slot, struct fl_error *err)
{
    const struct local *local = launch->own;
    struct cli_child *child = &launch->children[slot];
    char path[4200], slot_text[32], incarnation[32], parent[32];
    FL_TRY(
        cli_launch_program(launch, "fedcarbon-client", path, sizeof path, err));
    number(slot_text, slot);
    number(incarnation, (long)child->incarnation);
    number(parent, (long)getpid());
    bool has_ticket = local->ticket[0] != '\0';
    const char *argv[16] = {path,
                            has_ticket ? "--ticket" : "--connect",
                            has_ticket ? local->ticket : local->address,
                            "--slot",
                            slot_text,
                            "--incarnation",
                            incarnation,
                            "--parent",
                            parent};
    size_t n = 9;
    if (launch->opts->has_bindings) {
        argv[n++] = "--bind";
        argv[n++] = slot_text;
    }
    if (launch->opts->kernels) {
        argv[n++] = "--kernels";
        argv[n++] = launch->opts->kernels;
    }
    FL_TRY(cli_process_start(argv, -1, &child->pid, err));
    bool is_last_of_start = slot == launch->n_children - 1;
    if (is_last_of_start || child->incarnation > 0)
        write_pids(launch);
    return FL_OK;
}

static void stop(struct cli_launch *launch, bool is_at_once)
{
    (void)kill(launch->coordinator, is_at_once ? SIGKILL : SIGTERM);
}

static enum fl_status
finish(struct cli_launch *launch, enum fl_status status, struct fl_error *err)
{
    struct local *local = launch->own;
    char path[4200];
    (void)err;
    if (cli_launch_path(launch, "pids.json", path, sizeof path, NULL) == FL_OK)
        (void)unlink(path);
    if (local->ticket[0])
        (void)unlink(local->ticket); /* of a run that is over */
    cli_private_dir_fini(&local->private_dir);
    return status;
}

const struct cli_launcher cli_launcher_local = {
    .name = "local",
    .doc = "processes of this machine",
    .child = "client process",
    .own_size = sizeof(struct local),
    .prepare = prepare,
    .start_coordinator = start_coordinator,
    .is_whole = is_whole,
    .on_ready = on_ready,
    .start_child = start_child,
    .stop = stop,
    .finish = finish,
};
