/* The messages between a coordinator and its client processes, as plain
 * structs. On the wire each is a header frame (magic, version, kind, number,
 * checksum), a protobuf frame (comms/wire.proto, never seen outside comms/)
 * and, for MODEL, TASK and PARTIAL, tensor frames that travel without being
 * copied.
 *
 *   client                       coordinator
 *   HELLO    ------------------>             who I am, what I compute with
 *            <------------------  WELCOME    the run's resolved scenario
 *            <------------------  MODEL      parameters of one version
 *            <------------------  TASK       work on that version
 *   HEARTBEAT <---------------->             alive, this far
 *   PARTIAL  ------------------>             a task's result, with tensors
 *   BYE      <----------------->             done, or why not
 */
#ifndef COMMS_MESSAGE_H
#define COMMS_MESSAGE_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COMMS_PROTOCOL_VERSION 3

/* Texts may be NULL in what is sent (= ""), never in what is received. Names
 * (host, version, blas_kernel, run_id) are printable and this long at most;
 * paths, and failure and reason, which are cut to it, COMMS_MAX_TEXT. */
#define COMMS_MAX_NAME 255
#define COMMS_MAX_TEXT 4095

enum comms_kind {
    COMMS_HELLO,
    COMMS_WELCOME,
    COMMS_MODEL,
    COMMS_TASK,
    COMMS_PARTIAL,
    COMMS_HEARTBEAT,
    COMMS_BYE,
    COMMS_KIND_LAST_
};
/* "HELLO" ...; "unknown" for anything else. */
const char *comms_kind_name(enum comms_kind kind);

enum comms_task_kind {
    COMMS_TRAIN,    /* train these clients from this model, add to the sum */
    COMMS_COLLECT,  /* send the sum of (arm, round) and start anew */
    COMMS_EVALUATE, /* score this model on samples [first, first + count) */
    COMMS_CENTRAL,  /* train on all data: one slice of one epoch */
    COMMS_LOCAL,    /* train this client alone, scoring as it goes */
    COMMS_TASK_LAST_
};

enum comms_type { COMMS_F32, COMMS_I64, COMMS_TYPE_LAST_ };

/* Numbers that travel in frames of their own. Who sends them has them in one
 * array, `data`. Who receives them is left with them as the frames came, in
 * `pieces`, each aligned to its type: that saves a copy of all. */
struct comms_piece {
    const void *data;
    int64_t n; /* members, at least 1 */
};
struct comms_tensor {
    enum comms_type type;
    const void *data; /* may be NULL where n = 0; NULL when received */
    int64_t n;        /* members */
    const struct comms_piece *pieces; /* received: [n_pieces], in order */
    size_t n_pieces;
};
/* All members of a tensor, sent or received, into one array of n. */
void comms_tensor_copy(const struct comms_tensor *tensor, void *ret);
#define COMMS_MAX_TENSORS 4

/* A HELLO's slot that leaves the number to the coordinator. */
#define COMMS_ANY_SLOT UINT32_MAX
/* The reason of a BYE to who spoke without a HELLO, or whose message was not
 * whole: a process that has lost its connection, and with it its place, may say
 * HELLO again, on a new one. */
#define COMMS_BYE_UNKNOWN "not known here"

/* A process that has to say HELLO more often ends instead. */
#define COMMS_REJOINS 1000u

struct comms_hello {
    uint32_t slot; /* the launcher's number for the process, from 0 */
    /* Higher for whoever takes its place: COMMS_REJOINS times what the launcher
     * counts (0, then 1 for its first replacement, ...), and how often this
     * process has said HELLO before. */
    uint32_t incarnation;
    int64_t pid;
    const char *host;
    const char *version;     /* of the program */
    const char *blas_kernel; /* must be the same in all processes of a run */
};

struct comms_welcome {
    const char *run_id;
    const char *scenario; /* resolved, YAML */
    const char *cache_dir;
    const char *data_root;
    double heartbeat_wall_s;
    bool is_profiled; /* each PARTIAL is to say where the time went */
};

struct comms_model {
    uint32_t arm;
    int64_t version; /* rounds applied so far */
};

struct comms_task {
    uint64_t id;
    enum comms_task_kind kind;
    uint32_t arm;
    int64_t round;
    int64_t model_version;  /* TRAIN, EVALUATE */
    const int64_t *clients; /* TRAIN, LOCAL */
    size_t n_clients;
    int64_t first, count; /* EVALUATE: samples; CENTRAL: steps of the epoch */
    int32_t scale_log2;   /* TRAIN: fixed point is value * 2^scale_log2 */
    double prox_mu;       /* TRAIN */
};

struct comms_client_result {
    int64_t client;
    int64_t samples;
    int64_t steps;
    double loss_mean; /* over its training batches */
    bool is_refused;  /* NaN or out of the fixed-point range: not in the sum */
};

/* EVALUATE is answered with one score per block of so many samples. */
#define COMMS_SCORE_BLOCK 100

struct comms_score { /* LOCAL: after each epoch; EVALUATE, CENTRAL: one */
    int64_t step;
    int64_t n, correct;
    double loss_sum;
};

/* Where a process's time went so far: a table by layer (row 0: none) and
 * phase, row by row. The phases are nn/cpu_profile.h's; comms/ only carries
 * them.
 */
struct comms_profile {
    const char *layers; /* names, '\n' between; COMMS_MAX_LAYERS bytes */
    const double *time_s;
    const int64_t *calls;
    size_t n; /* of time_s and of calls; 0: nothing was measured */
    double wall_s;
    int64_t peak_bytes; /* of memory */
};
#define COMMS_MAX_LAYERS 65535

struct comms_partial {
    uint64_t task_id;
    enum comms_task_kind kind;
    uint32_t arm;
    int64_t round;
    const struct comms_client_result *clients;
    size_t n_clients;
    const struct comms_score *scores;
    size_t n_scores;
    int64_t weight;     /* COLLECT: samples in the sum */
    double loss_mean;   /* CENTRAL */
    double busy_wall_s; /* wall time spent on the task, for load balance */
    struct comms_profile profile;
    const char *failure; /* "" or why the task failed */
};

struct comms_heartbeat {
    uint64_t task_id; /* 0 = idle */
    double done_ratio;
};

struct comms_bye {
    const char *reason; /* "" = all is well */
};

struct comms_message {
    enum comms_kind kind;
    union {
        struct comms_hello hello;
        struct comms_welcome welcome;
        struct comms_model model;
        struct comms_task task;
        struct comms_partial partial;
        struct comms_heartbeat heartbeat;
        struct comms_bye bye;
    } u;
    struct comms_tensor tensors[COMMS_MAX_TENSORS]; /* MODEL, TASK, PARTIAL */
    size_t n_tensors;
};

/* The bytes of a message in all its frames, as comms_endpoint_counts counts
 * them over tcp and ipc; tensor data is not looked at and may be NULL.
 *
 * In    message  borrowed
 * Out   ret      written only on FL_OK
 * Fails FL_E_ARG    a message that comms_send would refuse
 *       FL_E_NOMEM
 * Threads: safe, no shared state.
 */
enum fl_status comms_message_bytes(const struct comms_message *message,
                                   int64_t *ret_bytes,
                                   struct fl_error *err) FL_NODISCARD;

#endif
