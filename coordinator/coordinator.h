/* The coordinator: one run, from a scenario in a run directory to a finished
 * run store.
 *
 * It owns the simulated clock, the arms (federated, centralized, local), the
 * ledger and the checkpoints; client processes do the training (client/).
 *
 *     struct coord_opts opts = {.run_dir = "runs/a", .address = "ipc://...",
 *                               .stop_fd = -1, ...};
 *     enum fl_status status = coord_run(&opts, &err);
 *
 * Threads: one; ZeroMQ's I/O thread beside it.
 */
#ifndef COORDINATOR_COORDINATOR_H
#define COORDINATOR_COORDINATOR_H

#include "base/status.h"
#include "comms/keys.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum coord_progress_mode {
    COORD_PROGRESS_NONE,
    COORD_PROGRESS_LINES,   /* plain lines: no terminal */
    COORD_PROGRESS_TERMINAL /* one line that is rewritten */
};

struct coord_note {
    const char *key, *value; /* docs/results.md lists the keys */
};

struct coord_opts {
    const char *run_dir; /* holds scenario.yaml, resolved */
    const char *address; /* to bind: ipc://path or tcp://127.0.0.1:port */
    const struct comms_keys *keys; /* of the hub; NULL: not encrypted */
    const char *data_root;         /* folder of data sets */
    const char *cache_dir;         /* for decoded data sets */
    const char *share_dir; /* where runs find each other's centralized arms
                              (record.h); NULL: nowhere */
    bool is_resume;
    enum coord_progress_mode progress;
    bool is_profiled;       /* writes profile.csv and profile.txt in the end */
    double patience_wall_s; /* without any client process; 0: a minute */
    double silence_wall_s;  /* of one, until it is given up; 0: 30 */
    double save_every_wall_s; /* at least; 0: 2 */
    int stop_fd;              /* readable: save everything and stop; -1: none */
    int64_t awaited_processes;  /* begin when so many have joined; 0: at once */
    int64_t expected_processes; /* for the forecast alone; 0: not known */
    const char *version;        /* client processes' must be the same */
    const struct coord_note *notes; /* for the manifest, e.g. "commit" */
    size_t n_notes;
    /* Called once when clients may connect, with the real address and the run
     * id that they will be welcomed with. What it fails with ends the run. */
    enum fl_status (*on_ready)(const char *address,
                               const char *run_id,
                               void *arg,
                               struct fl_error *err);
    void *arg;
};

/* Fails FL_E_STOPPED asked to stop, everything was saved; FL_E_CONFIG,
 * FL_E_IO, FL_E_FORMAT scenario, data, store; FL_E_STATE, FL_E_TIMEOUT the
 * processes; FL_E_NUMERIC training diverged; FL_E_RANGE simulated time left
 * the grid's trace. What was committed before stays and can be resumed. */
enum fl_status coord_run(const struct coord_opts *opts,
                         struct fl_error *err) FL_NODISCARD;

#endif
