/* The dispatcher against client processes that the test plays by hand: each
 * message is sent, and each turn taken, when the test says so. */
#ifndef TESTS_COORDINATOR_DISPATCH_STAGE_H
#define TESTS_COORDINATOR_DISPATCH_STAGE_H

#include "support/assert_near.h"

#include "coordinator/dispatch.h"

enum { N_PARAMS = 5, MAX_SPOKES = 4, MAX_ITEMS = 100 };

struct stage {
    struct comms_context *context;
    struct comms_endpoint *hub;
    struct coord_dispatch *dispatch;
    struct coord_shelf *shelf;
    struct coord_vector *model;
    struct comms_endpoint *spokes[MAX_SPOKES];
    /* What the played processes hold. */
    int64_t held[MAX_SPOKES]; /* sum of the ids they have trained */
    int64_t n_held[MAX_SPOKES];
    int64_t model_version[MAX_SPOKES];
    int n_models;
    double client_wall_s[MAX_SPOKES]; /* that they take for a client */
    size_t first_task[MAX_SPOKES];    /* clients in it; 0: none came yet */
    /* What the job was told. */
    struct coord_job job;
    int n_results[MAX_ITEMS]; /* per item */
    int64_t sum;
    int64_t n_members;
    bool is_done;
    bool refuses_next_sum;
    /* How the played processes misbehave. */
    bool says_all_twice;
    int64_t next_shift; /* of the next scores, onto another's samples */
};

/* With n honest processes, each in the slot of its number. */
void stage_open(struct stage *stage, int n);
void stage_close(struct stage *stage);
/* Takes turns until nothing more arrives. */
enum fl_status stage_turns(struct stage *stage, struct fl_error *err);
void stage_say(struct stage *stage, int who, const struct comms_message *what);
/* Played process `who` begins and says hello. */
void stage_join(struct stage *stage,
                int who,
                uint32_t slot,
                uint32_t incarnation,
                const char *version,
                const char *kernel);
/* The next message for a played process; false: none is there. */
bool stage_hear(struct stage *stage, int who, struct comms_received *ret);
/* Plays one message; returns its kind, or COMMS_KIND_LAST_ for none. */
enum comms_kind stage_play(struct stage *stage, int who);
/* Submits a job of n items and takes turns. */
void stage_submit(struct stage *stage, enum comms_task_kind kind, int n);
/* Hands in `job` of n items, and takes no turn. Free: coord_job_fini. */
void stage_hand_in(struct stage *stage,
                   struct coord_job *job,
                   enum comms_task_kind kind,
                   bool is_patient,
                   int n);
/* Lets processes [from, to) work until the job is done. */
void stage_work_to_end(struct stage *stage, int from, int to);
/* How often something of that kind was refused. */
int64_t stage_refused(const struct stage *stage, enum coord_refusal kind);

#endif
