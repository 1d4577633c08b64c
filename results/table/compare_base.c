/* Ratios to a baseline, where both sides are as accurate. */
#include "results/table/compare_priv.h"

#include <math.h>
#include <string.h>

struct res_row *res_find_arm(const struct res_run *run, const char *arm)
{
    for (size_t i = 0; i < run->n_rows; i++)
        if (strcmp(run->rows[i].arm, arm) == 0)
            return &run->rows[i];
    return NULL;
}

static bool has_arrived(const struct res_row *row)
{
    return row->is_finished &&
           (!(row->target_accuracy > 0) || row->reached > 0);
}

static bool is_equal(double a, double b)
{
    return !(a < b) && !(a > b);
}

/* The local arm has a target of its own, as clients alone get less far; its
 * note says what that means. */
bool res_is_comparable(const struct res_row *x, const struct res_row *y)
{
    return has_arrived(x) && has_arrived(y) &&
           (x->is_per_client || y->is_per_client ||
            is_equal(x->target_accuracy, y->target_accuracy));
}

static void forget_ratios(struct res_row *row)
{
    row->x_centralized = row->all_clients_x_centralized = (double)NAN;
    row->x_p5 = row->x_p95 = (double)NAN;
    row->below_centralized_share = (double)NAN;
}

/* To the centralized arm of its own run: these figures may have been cut. */
static void set_centralized(struct res_run *run)
{
    const struct res_row *base = res_find_arm(run, RES_ARM_CENTRALIZED);
    for (size_t i = 0; i < run->n_rows; i++) {
        struct res_row *row = &run->rows[i];
        if (!base || !(base->gco2e > 0) || !res_is_comparable(row, base)) {
            forget_ratios(row);
            continue;
        }
        row->x_centralized = row->gco2e / base->gco2e;
        row->all_clients_x_centralized = row->all_clients_gco2e / base->gco2e;
        if (row->is_cut || base->is_cut) {
            row->x_p5 = row->x_p95 = (double)NAN;
            row->below_centralized_share = (double)NAN;
        }
    }
}

/* The baseline's arm of this name: of one run, or its mean over seeds.
 * ret->is_finished says whether there is one. */
static void find_in_run(const struct res_run *runs,
                        size_t n_runs,
                        const struct res_base *base,
                        const char *arm,
                        struct res_row *ret)
{
    const struct res_run *run = NULL;
    for (size_t r = 0; r < n_runs && !run; r++)
        if (strcmp(runs[r].dir, base->dir) == 0)
            run = &runs[r];
    *ret = (struct res_row){.is_finished = false};
    double sum_gco2e = 0, n = 0;
    for (size_t r = 0; run && r < n_runs; r++) {
        bool is_same =
            &runs[r] == run ||
            (base->is_over_seeds && run->seedless_sha256[0] &&
             strcmp(runs[r].seedless_sha256, run->seedless_sha256) == 0);
        const struct res_row *row =
            is_same ? res_find_arm(&runs[r], arm) : NULL;
        if (!row || !has_arrived(row))
            continue;
        *ret = *row; /* with its target, the same for all */
        sum_gco2e += row->gco2e;
        n++;
    }
    ret->gco2e = sum_gco2e / n;
}

/* The baseline of an arm is the same arm of the run that was asked for. */
static enum fl_status check_arm_of(const struct res_run *runs,
                                   size_t n_runs,
                                   const struct res_base *base,
                                   const struct res_row *row,
                                   const char *dir,
                                   struct res_problems *problems)
{
    for (size_t r = 0; r < n_runs; r++)
        if (strcmp(runs[r].dir, base->dir) == 0 &&
            !res_find_arm(&runs[r], row->arm))
            return res_problem(problems, FL_E_CONFIG,
                               "--baseline: %s has no arm '%s', the only one "
                               "that '%s' of %s is compared with: no ratio",
                               base->dir, row->arm, row->arm, dir);
    return FL_OK;
}

static enum fl_status set_ratios(struct res_run *runs,
                                 size_t n_runs,
                                 size_t r,
                                 const struct res_base *base,
                                 struct res_problems *problems)
{
    struct res_run *run = &runs[r];
    const struct res_row *arm =
        base->name && !base->dir ? res_find_arm(run, base->name) : NULL;
    if (base->is_asked_for && base->name && !base->dir && !arm)
        FL_TRY(res_problem(problems, FL_E_CONFIG,
                           "--baseline: %s has no arm '%s': no ratio", run->dir,
                           base->name));
    for (size_t i = 0; i < run->n_rows; i++) {
        struct res_row *row = &run->rows[i], other = {.is_finished = false};
        if (base->dir) {
            find_in_run(runs, n_runs, base, row->arm, &other);
            FL_TRY(check_arm_of(runs, n_runs, base, row, run->dir, problems));
        } else if (arm) {
            other = *arm;
        }
        row->baseline = base->name ? base->name : "";
        bool has_ratio = other.gco2e > 0 && res_is_comparable(row, &other);
        row->x_baseline = has_ratio ? row->gco2e / other.gco2e : (double)NAN;
    }
    return FL_OK;
}

enum fl_status res_set_ratios(struct res_run *runs,
                              size_t n_runs,
                              const struct res_base *base,
                              struct res_problems *problems)
{
    for (size_t r = 0; r < n_runs; r++)
        set_centralized(&runs[r]);
    for (size_t r = 0; r < n_runs; r++)
        FL_TRY(set_ratios(runs, n_runs, r, base, problems));
    return FL_OK;
}

/* Arms whose figures stand under each other and their targets: accuracies on
 * different data sets are not set beside each other in the first place. NULL:
 * none of this run's data set, up to this run. */
static const struct res_row *first_with_target(const struct res_run *runs,
                                               size_t r)
{
    for (size_t s = 0; s <= r; s++)
        for (size_t i = 0; i < runs[s].n_rows; i++)
            if (strcmp(runs[s].dataset, runs[r].dataset) == 0 &&
                !runs[s].rows[i].is_per_client)
                return &runs[s].rows[i];
    return NULL;
}

enum fl_status res_check_targets(const struct res_run *runs,
                                 size_t n_runs,
                                 struct res_problems *problems)
{
    double least = (double)INFINITY, most = 0;
    size_t n_other = 0;
    for (size_t r = 0; r < n_runs; r++) {
        const struct res_row *first = first_with_target(runs, r);
        bool is_other = false;
        for (size_t i = 0; first && i < runs[r].n_rows; i++) {
            const struct res_row *row = &runs[r].rows[i];
            double target = row->target_accuracy, own = first->target_accuracy;
            if (row->is_per_client || is_equal(target, own))
                continue;
            is_other = true;
            least = fmin(least, fmin(target, own));
            most = fmax(most, fmax(target, own));
        }
        n_other += is_other ? 1 : 0;
    }
    /* One scenario's own choice: the note below its table says so. */
    if (n_other == 0 || n_runs == 1)
        return FL_OK;
    if (least > 0)
        return res_problem(problems, FL_E_CONFIG,
                           "target accuracies differ: found %.4g to %.4g (%zu "
                           "of %zu runs differ from the first of their data "
                           "set): arms are not equally good; --target %.4g "
                           "cuts all of them there",
                           least, most, n_other, n_runs, least);
    return res_problem(problems, FL_E_CONFIG,
                       "target accuracies differ: found none and up to %.4g: "
                       "arms are not equally good; --target cuts all of them "
                       "at one accuracy",
                       most);
}
