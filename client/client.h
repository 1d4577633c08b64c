/* A client process: hosts any number of virtual clients, trains the ones it is
 * asked to, and adds their updates into exact fixed-point sums.
 *
 * It pulls nothing and decides nothing: it says HELLO, gets the scenario, and
 * answers tasks in the order they come. A virtual client's update is a pure
 * function of (model, client, round, scenario), so any process may do any
 * task, twice if need be.
 *
 *     struct client_opts opts = {.address = "ipc:///run/x/c", .slot = 0,
 *                                .version = "0.1.0", .host = "node1"};
 *     enum fl_status status = client_run(&opts, &err);
 *
 * Threads: one per process; ZeroMQ's I/O thread beside it.
 */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include "base/status.h"
#include "comms/keys.h"

#include <stdint.h>

struct client_opts {
    const char *address;           /* of the coordinator */
    const struct comms_keys *keys; /* NULL: not encrypted */
    const char *run_id;            /* to take part in; NULL: any */
    uint32_t slot; /* in the run; COMMS_ANY_SLOT: as the coordinator says */
    uint32_t incarnation; /* 0, then 1 for its first replacement, ... */
    int64_t pid;
    const char *host;
    const char *version;
    const char *data_root; /* overrides the coordinator's word; NULL: not */
    const char *cache_dir; /* likewise */
    const char *kernels;   /* nn/kernels.h; NULL: the best of this CPU */
    double silence_wall_s; /* until a WELCOME is half overdue; 0: 30 */
};

/* Works until the coordinator says BYE. Begins anew, on another connection,
 * when the coordinator has given us up or is silent for too long, or when what
 * comes from it is not whole.
 * Fails FL_E_TIMEOUT the coordinator does not welcome us in a minute;
 * FL_E_STATE it refused us, or was lost COMMS_REJOINS times; FL_E_CONFIG,
 * FL_E_IO, FL_E_FORMAT scenario or data; FL_E_NOMEM. */
enum fl_status client_run(const struct client_opts *opts,
                          struct fl_error *err) FL_NODISCARD;

#endif
