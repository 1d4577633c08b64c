/* Where a process's time goes: CPU seconds per phase of its work and, while it
 * trains or scores, per step of the model's plan. Fused steps stand under the
 * names of the layers that they do ("0 conv2d+maxpool2d+relu").
 *
 * A profile is a clock that always runs. A lap books the time since the last
 * one under a phase and a layer; whoever may block says so before and after:
 *
 *     FL_TRY(nn_profile_create(&profile, err));
 *     FL_TRY(nn_workspace_profile(ws, profile, err));
 *     for (...) {
 *         ... gather ...
 *         nn_profile_lap(profile, NN_PHASE_DATA, NN_NO_LAYER);
 *         FL_TRY(nn_train_step(ws, ...)); (* makes its own laps *)
 *     }
 *     nn_profile_before_wait(profile, NN_PHASE_OTHER);
 *     ... comms_receive ...
 *     nn_profile_after_wait(profile, NN_PHASE_RECEIVE);
 *
 * How CPU time is told from wall time. Reading a thread's CPU time is a system
 * call (over 200 ns), too dear for a layer of a small network; the monotonic
 * clock is not (about 20 ns). So CPU time is read around waits alone: there it
 * is exact, and the rest of the wall time is the wait. In between, laps count
 * wall time, and the CPU time of all laps together is shared out among them in
 * proportion; what is missing was time without a core.
 *
 * A NULL profile is fine everywhere: nothing is measured then.
 * Threads: a profile belongs to the thread that made it; CPU time of the
 * process's other threads (the transport's) is a phase of its own.
 */
#ifndef NN_CPU_PROFILE_H
#define NN_CPU_PROFILE_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

enum nn_phase {
    NN_PHASE_FORWARD,   /* of training, with the loss */
    NN_PHASE_BACKWARD,  /* with the update where a layer does both in one */
    NN_PHASE_UPDATE,    /* the optimiser's step */
    NN_PHASE_EVALUATE,  /* forward passes on test samples */
    NN_PHASE_DATA,      /* order, gathering, normalising, augmenting */
    NN_PHASE_COPY,      /* the model that a client starts from */
    NN_PHASE_SUM,       /* adding updates exactly */
    NN_PHASE_SERVER,    /* merging sums, the strategy's step */
    NN_PHASE_DISPATCH,  /* selecting clients, handing out work, results */
    NN_PHASE_LEDGER,    /* accounting, rounds, checkpoints, the run store */
    NN_PHASE_RECEIVE,   /* taking in messages */
    NN_PHASE_SEND,      /* giving out messages */
    NN_PHASE_TRANSPORT, /* threads of the transport */
    NN_PHASE_OTHER,
    NN_PHASE_START,    /* until the first work: scenario, data, memory */
    NN_PHASE_END,      /* after the last work: writing results */
    NN_PHASE_WAIT,     /* not CPU: waiting for messages or the disk */
    NN_PHASE_OFF_CORE, /* not CPU: without a core, or reading pages of files */
    NN_PHASE_LAST_
};
/* "forward" ...; "unknown" for anything else. */
const char *nn_phase_name(enum nn_phase phase);
/* One sentence. */
const char *nn_phase_doc(enum nn_phase phase);

/* No layer in particular. */
#define NN_NO_LAYER ((size_t)0)

struct nn_profile; /* opaque */

/* Begins to measure; what the process did so far counts as START.
 * Fails FL_E_NOMEM. Free: nn_profile_destroy. */
enum fl_status nn_profile_create(struct nn_profile **ret,
                                 struct fl_error *err) FL_NODISCARD;
void nn_profile_destroy(struct nn_profile *profile);

/* Books the time since the last lap. layer: NN_NO_LAYER, or 1 + its place in
 * the names of nn_profile_name_layers. For code that does not block. */
void nn_profile_book(struct nn_profile *profile,
                     enum nn_phase phase,
                     size_t layer);
static inline void
nn_profile_lap(struct nn_profile *profile, enum nn_phase phase, size_t layer)
{
    if (profile)
        nn_profile_book(profile, phase, layer);
}

/* Around what may block. Before: a lap. After: the CPU time between the two is
 * the phase's, the rest of it is WAIT. */
void nn_profile_before_wait(struct nn_profile *profile, enum nn_phase phase);
void nn_profile_after_wait(struct nn_profile *profile, enum nn_phase phase);

/* Layers to book under from now on; once. names: '\n' between, copied.
 * Fails FL_E_NOMEM. */
enum fl_status nn_profile_name_layers(struct nn_profile *profile,
                                      const char *names,
                                      struct fl_error *err) FL_NODISCARD;

/* What a profile has come to: tables [n_rows][NN_PHASE_LAST_], row 0 for no
 * layer in particular, row 1 + i for layer i. */
struct nn_profile_view {
    const char *layers; /* names, '\n' between; "" none */
    const double *time_s;
    const int64_t *calls;
    size_t n_rows;
    double wall_s;      /* since it began */
    int64_t peak_bytes; /* most memory that the process has had */
};
/* After a nn_profile_before_wait or _after_wait, and as of then; valid until
 * the next call. */
struct nn_profile_view nn_profile_read(struct nn_profile *profile);

/* How many rows a profile with these layers has. */
size_t nn_profile_n_rows(const char *layers);

/* Times the steps of a workspace; their names become the profile's.
 * Fails FL_E_NOMEM. */
struct nn_workspace;
enum fl_status nn_workspace_profile(struct nn_workspace *ws,
                                    struct nn_profile *profile,
                                    struct fl_error *err) FL_NODISCARD;

#endif
