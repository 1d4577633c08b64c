#include "results/figures/gallery.h"

#include "base/alloc.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static enum fl_status read_figures(struct res_store *store,
                                   struct res_run *run,
                                   struct res_course **courses,
                                   struct fl_error *err)
{
    char *scenario = NULL;
    FL_TRY(res_gather(store, run, err));
    *courses = fl_calloc(run->n_rows, sizeof **courses);
    if (!*courses)
        return fl_fail(err, FL_E_NOMEM, "out of memory: charts");
    FL_TRY(res_store_get(store, "scenario", &scenario, err));
    if (scenario) {
        fl_free(run->scenario);
        run->scenario = scenario;
        res_set_seedless(run);
    }
    return res_courses_read(store, run, *courses, err);
}

static void run_fini(struct res_run *run, struct res_course *courses)
{
    for (size_t i = 0; courses && i < run->n_rows; i++)
        res_course_fini(&courses[i]);
    fl_free(courses);
    res_run_fini(run);
}

static enum fl_status
read_run(struct res_gallery *gallery, const char *dir, struct fl_error *err)
{
    struct res_store *store;
    struct res_run run = {.dir = NULL};
    struct res_course *courses = NULL;
    FL_TRY(res_store_create(dir, RES_READ, &store, err));
    /* One transaction: all figures are of the same moment. */
    enum fl_status status = res_exec(store, "BEGIN", "read the run", err);
    if (status == FL_OK)
        status = read_figures(store, &run, &courses, err);
    res_store_destroy(store);
    if (status != FL_OK) {
        run_fini(&run, courses);
        return status;
    }
    gallery->runs[gallery->n_runs] = run;
    gallery->courses[gallery->n_runs] = courses;
    gallery->n_runs++;
    return FL_OK;
}

static bool has_arm(const struct res_gallery *gallery, const char *arm)
{
    for (size_t a = 0; a < gallery->n_arms; a++)
        if (strcmp(gallery->arms[a], arm) == 0)
            return true;
    return false;
}

/* In the order of rows, but what is of clients alone last. */
static enum fl_status find_arms(struct res_gallery *gallery,
                                struct fl_error *err)
{
    size_t n = 0;
    for (size_t r = 0; r < gallery->n_runs; r++)
        n += gallery->runs[r].n_rows;
    gallery->arms = fl_calloc(n, sizeof gallery->arms[0]);
    if (!gallery->arms)
        return fl_fail(err, FL_E_NOMEM, "out of memory: charts");
    for (int is_per_client = 0; is_per_client < 2; is_per_client++) {
        for (size_t r = 0; r < gallery->n_runs; r++) {
            for (size_t i = 0; i < gallery->runs[r].n_rows; i++) {
                const struct res_row *row = &gallery->runs[r].rows[i];
                if (row->is_per_client == (is_per_client == 1) &&
                    !has_arm(gallery, row->arm))
                    gallery->arms[gallery->n_arms++] = row->arm;
            }
        }
    }
    return FL_OK;
}

static enum fl_status read_all(struct res_gallery *gallery,
                               const char *const *dirs,
                               size_t n_dirs,
                               struct res_problems *problems,
                               struct fl_error *err)
{
    gallery->runs = fl_calloc(n_dirs, sizeof gallery->runs[0]);
    gallery->courses = fl_calloc(n_dirs, sizeof gallery->courses[0]);
    if (!gallery->runs || !gallery->courses)
        return fl_fail(err, FL_E_NOMEM, "out of memory: charts");
    for (size_t i = 0; i < n_dirs; i++) {
        struct fl_error why = {0};
        enum fl_status status = read_run(gallery, dirs[i], &why);
        if (status != FL_OK)
            status = res_problem(problems, status, "%s", why.text);
        if (status != FL_OK)
            return fl_fail(err, status, "%s", why.text);
    }
    if (gallery->n_runs == 0)
        return fl_fail(err, problems->first, "none of these runs can be shown");
    FL_TRY(find_arms(gallery, err));
    const struct res_base base = {.name = RES_ARM_CENTRALIZED};
    FL_TRY(res_set_ratios(gallery->runs, gallery->n_runs, &base, problems));
    return res_gallery_find_keys(gallery, err);
}

enum fl_status res_gallery_read(const char *const *dirs,
                                size_t n_dirs,
                                struct res_problems *problems,
                                struct res_gallery *ret,
                                struct fl_error *err)
{
    assert((dirs || n_dirs == 0) && problems && ret);
    if (n_dirs == 0)
        return fl_fail(err, FL_E_ARG,
                       "charts: found no runs, allowed at least one");
    struct res_gallery gallery = {.runs = NULL};
    enum fl_status status = read_all(&gallery, dirs, n_dirs, problems, err);
    if (status == FL_OK)
        *ret = gallery;
    else
        res_gallery_fini(&gallery);
    return status;
}

void res_gallery_fini(struct res_gallery *gallery)
{
    for (size_t r = 0; r < gallery->n_runs; r++)
        run_fini(&gallery->runs[r], gallery->courses[r]);
    fl_free(gallery->runs);
    fl_free(gallery->courses);
    fl_free(gallery->arms);
    for (size_t k = 0; k < gallery->n_keys; k++)
        fl_free(gallery->keys[k]);
    *gallery = (struct res_gallery){.runs = NULL};
}

const struct res_chart_type *res_chart_type_find(const char *name)
{
    for (size_t i = 0; res_chart_types[i]; i++)
        if (strcmp(res_chart_types[i]->name, name) == 0)
            return res_chart_types[i];
    return NULL;
}

enum fl_status res_chart_make(const struct res_chart_type *type,
                              const struct res_gallery *gallery,
                              struct res_chart *ret,
                              struct fl_error *err)
{
    struct res_chart chart = {.name = type->name};
    enum fl_status status = type->make(gallery, &chart, err);
    if (status == FL_OK)
        *ret = chart;
    else
        res_chart_fini(&chart);
    return status;
}
