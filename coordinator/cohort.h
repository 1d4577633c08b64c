/* The clients that a round selects, who of them counts, and what came of their
 * training.
 *
 *     FL_TRY(coord_cohort_init(&cohort, run, err));
 *     FL_TRY(coord_cohort_select(run, &selection, round, &cohort, err));
 *     ... cohort.counted of them train ...
 *     coord_cohort_fini(&cohort);
 */
#ifndef COORDINATOR_COHORT_H
#define COORDINATOR_COHORT_H

#include "coordinator/run_priv.h"
#include "coordinator/selection.h"

struct coord_cohort {
    int64_t n;        /* selected */
    int64_t *clients; /* [n], ascending */
    struct coord_turn *turns;
    struct coord_turn **order; /* room to sort them in */
    int64_t counted;           /* of them train: their turns' fate says so */
    double length_s;           /* of the round, until the server goes on */
    int64_t largest_weight, total_weight; /* samples of those that count */
    bool *is_refused;                     /* as they come in */
    double *losses; /* mean over the client's steps; NaN: none yet */
};

/* As many as the scenario selects, over-selection and all. Fails FL_E_NOMEM.
 * Free: coord_cohort_fini, which copes with a zeroed one. */
enum fl_status coord_cohort_init(struct coord_cohort *cohort,
                                 const struct coord_run *run,
                                 struct fl_error *err) FL_NODISCARD;
void coord_cohort_fini(struct coord_cohort *cohort);

/* Who takes part in the round: a pure function of scenario and round. What
 * came of them stays as it is. Fails as the policy does. */
enum fl_status coord_cohort_select(const struct coord_run *run,
                                   const struct coord_selection *selection,
                                   int64_t round,
                                   struct coord_cohort *cohort,
                                   struct fl_error *err) FL_NODISCARD;

/* The round that they play, to be accounted; borrows from the cohort. */
struct coord_round coord_cohort_round(const struct coord_cohort *cohort,
                                      int64_t round,
                                      double t0_s,
                                      bool is_evaluated);

/* Where the client stands in clients, or would. */
int64_t coord_cohort_position(const struct coord_cohort *cohort,
                              int64_t client);

#endif
