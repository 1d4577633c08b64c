/* Scoring a model on the test set, spread over the processes. The sum is taken
 * in sample order, so it is the same whoever scored what. */
#ifndef COORDINATOR_EVALUATION_H
#define COORDINATOR_EVALUATION_H

#include "coordinator/dispatch.h"
#include "coordinator/run_priv.h"

struct coord_evaluation {
    struct coord_job job;
    struct comms_score *scores; /* one per block of samples, in order */
    size_t n_scores;
    /* Called when the whole test set is scored. */
    enum fl_status (*on_scored)(void *owner,
                                double accuracy,
                                double loss,
                                struct fl_error *err);
    void *owner;
};

/* For the test set of a run and one of its arms. Fails FL_E_NOMEM.
 * Free: coord_evaluation_fini, which copes with a zeroed one. */
enum fl_status coord_evaluation_init(struct coord_evaluation *evaluation,
                                     const struct coord_run *run,
                                     uint32_t arm,
                                     struct fl_error *err) FL_NODISCARD;
void coord_evaluation_fini(struct coord_evaluation *evaluation);

/* model is borrowed until on_scored; version as the arm counts them. */
enum fl_status coord_evaluation_start(struct coord_evaluation *evaluation,
                                      struct coord_run *run,
                                      struct coord_vector *model,
                                      int64_t version,
                                      struct fl_error *err) FL_NODISCARD;

#endif
