#include "coordinator/cohort.h"

#include "base/alloc.h"

#include <math.h>

enum fl_status coord_cohort_init(struct coord_cohort *cohort,
                                 const struct coord_run *run,
                                 struct fl_error *err)
{
    int64_t n =
        coord_selected(run->scenario->clients_per_round,
                       run->scenario->over_selection_ratio, run->clients);
    size_t size = (size_t)n;
    *cohort = (struct coord_cohort){.n = n};
    cohort->clients = fl_calloc(size, sizeof *cohort->clients);
    cohort->turns = fl_calloc(size, sizeof *cohort->turns);
    cohort->order = fl_calloc(size, sizeof(struct coord_turn *));
    cohort->is_refused = fl_calloc(size, sizeof *cohort->is_refused);
    cohort->losses = fl_calloc(size, sizeof *cohort->losses);
    if (!cohort->clients || !cohort->turns || !cohort->order ||
        !cohort->is_refused || !cohort->losses) {
        coord_cohort_fini(cohort);
        return fl_fail(err, FL_E_NOMEM, "out of memory: cohort");
    }
    for (int64_t i = 0; i < n; i++)
        cohort->losses[i] = (double)NAN;
    return FL_OK;
}

void coord_cohort_fini(struct coord_cohort *cohort)
{
    fl_free(cohort->clients);
    fl_free(cohort->turns);
    fl_free(cohort->order);
    fl_free(cohort->is_refused);
    fl_free(cohort->losses);
    *cohort = (struct coord_cohort){0};
}

enum fl_status coord_cohort_select(const struct coord_run *run,
                                   const struct coord_selection *selection,
                                   int64_t round,
                                   struct coord_cohort *cohort,
                                   struct fl_error *err)
{
    FL_TRY(selection->type->choose(
        selection->opts, (uint64_t)run->scenario->seed, round, run->clients,
        cohort->n, cohort->clients, err));
    cohort->counted =
        coord_settle_round(run, round, cohort->clients, cohort->n,
                           cohort->turns, cohort->order, &cohort->length_s);
    cohort->largest_weight = 1;
    cohort->total_weight = 0;
    for (int64_t i = 0; i < cohort->n; i++) {
        if (cohort->turns[i].fate != COORD_COUNTS)
            continue;
        int64_t weight = coord_client_samples(run, cohort->clients[i]);
        cohort->total_weight += weight;
        if (weight > cohort->largest_weight)
            cohort->largest_weight = weight;
    }
    return FL_OK;
}

struct coord_round coord_cohort_round(const struct coord_cohort *cohort,
                                      int64_t round,
                                      double t0_s,
                                      bool is_evaluated)
{
    return (struct coord_round){.round = round,
                                .t0_s = t0_s,
                                .clients = cohort->clients,
                                .is_refused = cohort->is_refused,
                                .turns = cohort->turns,
                                .n = cohort->n,
                                .counted = cohort->counted,
                                .length_s = cohort->length_s,
                                .is_evaluated = is_evaluated};
}

int64_t coord_cohort_position(const struct coord_cohort *cohort, int64_t client)
{
    int64_t low = 0, high = cohort->n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (cohort->clients[middle] < client)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
