/* The runs that charts are made of, each read once, in one transaction, so
 * that all charts are of the same moment; running runs may be read too.
 *
 * Ledgers stay where they are: their rows are added up as they pass, by round
 * and by bins of simulated time, and are never in memory.
 * Private to results/ and its tests.
 *
 *     struct res_gallery gallery;
 *     struct res_problems problems = {.out = stderr, .err = &first};
 *     FL_TRY(res_gallery_read(dirs, n_dirs, &problems, &gallery, err));
 *     for (size_t i = 0; res_chart_types[i]; i++)
 *         ... res_chart_make(res_chart_types[i], &gallery, &chart, err)
 *     res_gallery_fini(&gallery);
 *
 * Carbon counts what the run's boundary does, as tables do. The local arm
 * stands for all clients: what the clients that were tried took, times how
 * many there are for each of them (`scale`).
 */
#ifndef RESULTS_FIGURES_GALLERY_H
#define RESULTS_FIGURES_GALLERY_H

#include "results/figures/chart.h"
#include "results/report_priv.h"
#include "results/table/compare_priv.h"

/* Equal parts of an arm's simulated time, at most. */
#define RES_GALLERY_BINS 240
/* Keys of the scenario that tell runs apart, at most. */
#define RES_GALLERY_KEYS 4

/* An arm after one of its rounds. */
struct res_moment {
    int64_t round;
    double sim_time_s;
    double accuracy, loss;  /* on test data; NaN: not evaluated */
    double energy_j, gco2e; /* up to here */
};

/* What was drawn, and emitted, in a part of the time. */
struct res_bin {
    double energy_j;
    double drawn_gco2e; /* by energy_j, at the grid's intensity */
    double gco2e;       /* that the boundary counts, embodied and all */
};

struct res_zone_bins {
    int64_t number;
    char *zone;
    struct res_bin bins[RES_GALLERY_BINS];
};

/* How an arm went, besides its row. */
struct res_course {
    struct res_moment *moments; /* [n_moments]; none where rounds are clients */
    size_t n_moments;
    double scale; /* 1; of the local arm: clients there are per client tried */
    /* Bin i is [t0_s + i * bin_s, t0_s + (i + 1) * bin_s); none without
     * entries. Not scaled. */
    double t0_s, bin_s;
    size_t n_bins;
    struct res_zone_bins *zones; /* [n_zones] by number */
    size_t n_zones, zones_capacity;
    /* Items and servings beside the training, docs/account.md: in every
     * moment, and in no bin. */
    double beside_j, beside_gco2e;
};

struct res_gallery {
    struct res_run *runs;        /* [n_runs], rows as res_gather has them,
                                    ratios where arms are equally good */
    struct res_course **courses; /* [n_runs][runs[r].n_rows] */
    size_t n_runs;
    const char **arms; /* [n_arms] names among the runs: centralized, federated
                          and others, local; of the runs' rows */
    size_t n_arms;
    char *keys[RES_GALLERY_KEYS]; /* what varies among the runs, not the seed;
                                     values in runs[r].keys */
    size_t n_keys;
    size_t n_varied; /* keys that vary, with those beyond the room above */
    bool has_seeds;  /* some runs differ in seed alone */
    bool has_common_carbon; /* the section carbon is known to be the same for
                               all: grid, start */
};

/* A run that cannot be had is a problem: said, and the rest is shown.
 * Fails with the first problem's status where none can be had, or where
 * problems->out is NULL; FL_E_NOMEM. Free: res_gallery_fini. */
enum fl_status res_gallery_read(const char *const *dirs,
                                size_t n_dirs,
                                struct res_problems *problems,
                                struct res_gallery *ret,
                                struct fl_error *err) FL_NODISCARD;
/* Copes with a zeroed gallery. */
void res_gallery_fini(struct res_gallery *gallery);

/* "mnist, iid, clients 100": what tells the run from the others; the folder's
 * name where keys do not. with_seed: also from those that differ in seed
 * alone. Appended; nothing for a single run. */
void res_gallery_put_label(const struct res_gallery *gallery,
                           size_t run,
                           bool with_seed,
                           struct res_text *out);
/* A value of gallery->keys, cut to a few characters; a number with its key's
 * name. Appended. */
void res_gallery_put_value(const struct res_gallery *gallery,
                           size_t key,
                           const struct res_run *run,
                           struct res_text *out);
/* Sums over zones. */
struct res_bin res_course_bin(const struct res_course *course, size_t bin);

/* gallery_ledger.c: the courses of a run's rows, in its transaction. */
enum fl_status res_courses_read(struct res_store *store,
                                const struct res_run *run,
                                struct res_course *courses, /* zeroed */
                                struct fl_error *err) FL_NODISCARD;
void res_course_fini(struct res_course *course);
/* gallery_keys.c: sets keys, n_keys, n_varied, has_seeds and runs' values. */
enum fl_status res_gallery_find_keys(struct res_gallery *gallery,
                                     struct fl_error *err) FL_NODISCARD;

/* results/charts/<name>.c. */
struct res_chart_type {
    const char *name; /* "accuracy_carbon" */
    const char *doc;  /* for --list */
    /* ret is zeroed; what it holds on failure is freed by res_chart_make.
     * Fails FL_E_STATE why there is nothing to show; FL_E_NOMEM. */
    enum fl_status (*make)(const struct res_gallery *gallery,
                           struct res_chart *ret,
                           struct fl_error *err);
};
/* results/charts/charts.def, in order; ends with NULL. */
extern const struct res_chart_type *const res_chart_types[];
/* NULL: there is none of this name. */
const struct res_chart_type *res_chart_type_find(const char *name);
/* Callers leave a chart out that fails FL_E_STATE, and say err's text.
 * Free: res_chart_fini. */
enum fl_status res_chart_make(const struct res_chart_type *type,
                              const struct res_gallery *gallery,
                              struct res_chart *ret,
                              struct fl_error *err) FL_NODISCARD;

#endif
