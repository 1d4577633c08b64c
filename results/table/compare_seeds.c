/* Runs that differ in seed alone become one: means, with standard errors. */
#include "results/table/compare_priv.h"

#include "base/alloc.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* What is a mean over seeds, and where its standard error goes. */
static const struct {
    size_t at, se;
    bool has_se;
    bool is_ratio; /* of the seeds that have one */
} means[] = {
#define SE_OF(member, se, is_ratio)                                            \
    {                                                                          \
        offsetof(struct res_row, member), offsetof(struct res_row, se), true,  \
            is_ratio                                                           \
    }
#define SE(member, se) SE_OF(member, se, false)
#define ONLY_OF(member, is_ratio)                                              \
    {                                                                          \
        offsetof(struct res_row, member), 0, false, is_ratio                   \
    }
#define ONLY(member)  ONLY_OF(member, false)
#define RATIO(member) ONLY_OF(member, true)
    SE(accuracy, accuracy_se),
    ONLY(loss),
    SE(rounds_mean, rounds_se),
    SE(sim_time_s, sim_time_se_s),
    SE(bytes, bytes_se),
    ONLY(up_bytes),
    ONLY(down_bytes),
    ONLY(sci_gco2e),
    SE(energy_j, energy_se_j),
    ONLY(group_j[RES_GROUP_CLIENT]),
    ONLY(group_j[RES_GROUP_NETWORK]),
    ONLY(group_j[RES_GROUP_SERVER]),
    ONLY(group_j[RES_GROUP_OVERHEAD]),
    ONLY(group_j[RES_GROUP_EMBODIED]),
    ONLY(group_gco2e[RES_GROUP_CLIENT]),
    ONLY(group_gco2e[RES_GROUP_NETWORK]),
    ONLY(group_gco2e[RES_GROUP_SERVER]),
    ONLY(group_gco2e[RES_GROUP_OVERHEAD]),
    SE(gco2e, gco2e_se),
    ONLY(dynamic_gco2e),
    ONLY(idle_gco2e),
    ONLY(embodied_gco2e),
    ONLY(idle_j),
    /* Facts are the same for all seeds, so the ends of their intervals go up
     * and down together: the mean's quantile is the quantiles' mean. */
    ONLY(gco2e_p5),
    ONLY(gco2e_p95),
    ONLY(assumed_ratio),
    ONLY(wasted_ratio),
    RATIO(x_centralized),
    SE_OF(x_baseline, x_se, true),
    RATIO(x_p5),
    RATIO(x_p95),
    RATIO(below_centralized_share),
    ONLY(all_clients_j),
    ONLY(all_clients_gco2e),
    RATIO(all_clients_x_centralized),
#undef SE
#undef SE_OF
#undef ONLY
#undef ONLY_OF
#undef RATIO
};

static double *at(struct res_row *row, size_t offset)
{
    return (double *)(void *)((char *)row + offset);
}

static bool has_missed(const struct res_row *row)
{
    return !row->is_per_client && row->target_accuracy > 0 && row->reached == 0;
}

/* Over the rows in their order; NaN where it is not known of all, or for a
 * ratio of none. */
static void take_mean(struct res_row **rows,
                      size_t n,
                      size_t offset,
                      bool is_ratio,
                      double *ret,
                      double *ret_se)
{
    double sum = 0, squares = 0, known = 0;
    for (size_t i = 0; i < n; i++) {
        double value = *at(rows[i], offset);
        if (isnan(value))
            continue;
        sum += value;
        known++;
    }
    double mean = sum / known; /* NaN: none */
    if (!is_ratio && known < (double)n)
        mean = (double)NAN;
    for (size_t i = 0; i < n; i++) {
        double off = *at(rows[i], offset) - mean;
        squares += isnan(off) ? 0 : off * off;
    }
    /* What is left of rounding where all agree is no spread. */
    if (sqrt(squares) <= 1e-12 * fabs(mean))
        squares = 0;
    *ret = mean;
    *ret_se = known > 1 && !isnan(mean) ? sqrt(squares / (known - 1) / known)
                                        : (double)NAN;
}

/* rows[0] takes the means. Figures are of the seeds that reached the target,
 * where some did: others have no end to compare. */
static void merge_rows(struct res_row **rows, size_t n)
{
    struct res_row *row = rows[0];
    struct res_row **behind = &rows[0];
    size_t n_behind = n, n_missed = 0;
    int64_t reached = 0, counted = 0;
    for (size_t i = 0; i < n; i++) {
        n_missed += has_missed(rows[i]) ? 1 : 0;
        reached += rows[i]->reached;
        counted += rows[i]->counted;
    }
    if (n_missed > 0 && n_missed < n) { /* those that did to the front */
        n_behind = 0;
        for (size_t i = 0; i < n; i++) {
            if (has_missed(rows[i]))
                continue;
            struct res_row *other = rows[n_behind];
            rows[n_behind++] = rows[i];
            rows[i] = other;
        }
    }
    struct res_row merged = *row;
    for (size_t i = 0; i < sizeof means / sizeof means[0]; i++) {
        double mean, se;
        take_mean(behind, n_behind, means[i].at, means[i].is_ratio, &mean, &se);
        *at(&merged, means[i].at) = mean;
        if (means[i].has_se)
            *at(&merged, means[i].se) = se;
    }
    for (size_t i = 0; i < n_behind; i++) {
        for (int g = 0; g < RES_GROUP_LAST_; g++)
            merged.has_group[g] =
                merged.has_group[g] || behind[i]->has_group[g];
        merged.is_cut = merged.is_cut || behind[i]->is_cut;
    }
    merged.n_seeds = (int64_t)n;
    merged.reached = merged.reached < 0 ? -1 : reached;
    merged.counted = counted;
    merged.model_sha256[0] = '\0';
    *row = merged;
}

/* The same arms, all of them ended. */
static bool can_merge(const struct res_run *a, const struct res_run *b)
{
    if (!a->seedless_sha256[0] || !a->seed[0] || !b->seed[0] ||
        strcmp(a->seedless_sha256, b->seedless_sha256) != 0 ||
        !a->is_finished || !b->is_finished || a->n_rows != b->n_rows)
        return false;
    for (size_t i = 0; i < a->n_rows; i++)
        if (strcmp(a->rows[i].arm, b->rows[i].arm) != 0)
            return false;
    return true;
}

struct group {
    struct res_run **runs;
    size_t n, capacity;
};

static enum fl_status join_texts(struct group *group, struct fl_error *err)
{
    struct res_run *first = group->runs[0];
    struct res_text seeds = {0}, label = {0};
    for (size_t i = 0; i < group->n; i++)
        res_text_add(&seeds, "%s%s", i > 0 ? ", " : "", group->runs[i]->seed);
    res_text_add(&label, "%s (%zu seeds)", first->label, group->n);
    enum fl_status status = res_text_check(&seeds, err);
    if (status == FL_OK)
        status = res_text_check(&label, err);
    char *a = fl_strdup(res_text_get(&seeds));
    char *b = fl_strdup(res_text_get(&label));
    if (status == FL_OK && (!a || !b))
        status = fl_fail(err, FL_E_NOMEM, "out of memory: seeds");
    if (status == FL_OK) {
        fl_free(first->seed);
        fl_free(first->label);
        first->seed = a;
        first->label = b;
        first->scenario_sha256[0] = '\0';
        a = b = NULL;
    }
    fl_free(a);
    fl_free(b);
    res_text_fini(&seeds);
    res_text_fini(&label);
    return status;
}

static enum fl_status merge_group(struct group *group, struct fl_error *err)
{
    if (group->n < 2)
        return FL_OK;
    struct res_row **rows = fl_calloc(group->n, sizeof *rows);
    if (!rows)
        return fl_fail(err, FL_E_NOMEM, "out of memory: seeds");
    for (size_t a = 0; a < group->runs[0]->n_rows; a++) {
        for (size_t i = 0; i < group->n; i++)
            rows[i] = &group->runs[i]->rows[a];
        merge_rows(rows, group->n);
    }
    fl_free(rows);
    return join_texts(group, err);
}

static bool has_seed(const struct group *group, const char *seed)
{
    for (size_t i = 0; i < group->n; i++)
        if (strcmp(group->runs[i]->seed, seed) == 0)
            return true;
    return false;
}

/* Runs of a group stand together, in the order of the table. */
struct place {
    const char *sha;
    size_t run;
};

static int by_sha(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    int order = strcmp(x->sha, y->sha);
    return order ? order : (x->run > y->run) - (x->run < y->run);
}

/* A group from places[i] on; others of the same sha that do not fit (the same
 * seed again, unfinished) stay for later. is_taken by run. */
static enum fl_status take_group(struct res_run *runs,
                                 const struct place *places,
                                 size_t n,
                                 size_t i,
                                 bool *is_taken,
                                 struct group *group,
                                 struct fl_error *err)
{
    group->n = 0;
    const struct res_run *first = &runs[places[i].run];
    for (size_t k = i; k < n && strcmp(places[k].sha, places[i].sha) == 0;
         k++) {
        struct res_run *run = &runs[places[k].run];
        if (is_taken[places[k].run] ||
            (k > i && (!can_merge(first, run) || has_seed(group, run->seed))))
            continue;
        FL_TRY(fl_grow(&group->runs, &group->capacity, group->n + 1,
                       sizeof group->runs[0], err));
        group->runs[group->n++] = run;
        is_taken[places[k].run] = group->n > 1;
    }
    return merge_group(group, err);
}

enum fl_status
res_merge_seeds(struct res_run *runs, size_t *n_runs, struct fl_error *err)
{
    size_t n = *n_runs, n_kept = 0;
    struct place *places = fl_calloc(n, sizeof *places);
    bool *is_taken = fl_calloc(n, sizeof *is_taken);
    struct group group = {.runs = NULL};
    enum fl_status status = FL_OK;
    if (!places || !is_taken)
        status = fl_fail(err, FL_E_NOMEM, "out of memory: seeds");
    for (size_t i = 0; i < n && status == FL_OK; i++)
        places[i] = (struct place){runs[i].seedless_sha256, i};
    if (status == FL_OK)
        qsort(places, n, sizeof *places, by_sha);
    for (size_t i = 0; i < n && status == FL_OK; i++)
        if (!is_taken[places[i].run])
            status = take_group(runs, places, n, i, is_taken, &group, err);
    for (size_t i = 0; i < n && status == FL_OK; i++) {
        if (is_taken[i])
            res_run_fini(&runs[i]);
        else
            runs[n_kept++] = runs[i];
    }
    if (status == FL_OK)
        *n_runs = n_kept;
    fl_free(places);
    fl_free(is_taken);
    fl_free(group.runs);
    return status;
}
