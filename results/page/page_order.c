/* What tells the runs of a report apart, and the order that follows from it:
 * a sweep's folders are named by hashes. */
#include "results/page/page_priv.h"

#include "base/alloc.h"
#include "base/parse.h"

#include <stdlib.h>
#include <string.h>

/* Where a run goes; keys are the gallery's, those asked for first. */
struct place {
    const struct res_gallery *gallery;
    const size_t *order; /* [n_keys] of keys */
    size_t run;
};

/* Numbers by size, words by letters. */
static int compare_values(const char *a, const char *b)
{
    double x, y;
    bool is_number = fl_parse_double(a, -1e300, 1e300, &x, NULL) == FL_OK &&
                     fl_parse_double(b, -1e300, 1e300, &y, NULL) == FL_OK;
    if (is_number)
        return (x > y) - (x < y);
    return strcmp(a, b);
}

static int by_keys(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    for (size_t k = 0; k < x->gallery->n_keys; k++) {
        size_t key = x->order[k];
        int order = compare_values(x->gallery->runs[x->run].keys[key],
                                   y->gallery->runs[y->run].keys[key]);
        if (order)
            return order;
    }
    return (x->run > y->run) - (x->run < y->run);
}

/* Keys of --by in their order, then the others. */
static void order_keys(const struct res_page *page,
                       size_t order[RES_GALLERY_KEYS])
{
    const struct res_gallery *gallery = page->gallery;
    const struct res_compare_opts *opts = &page->opts->compare;
    bool is_taken[RES_GALLERY_KEYS] = {false};
    size_t n = 0;
    for (size_t i = 0; i < opts->n_by; i++)
        for (size_t k = 0; k < gallery->n_keys; k++)
            if (!is_taken[k] && strcmp(gallery->keys[k], opts->by[i]) == 0) {
                is_taken[k] = true;
                order[n++] = k;
            }
    for (size_t k = 0; k < gallery->n_keys; k++)
        if (!is_taken[k])
            order[n++] = k;
}

/* The runs of the page and of the gallery, both read in the order of dirs. */
static enum fl_status
permute(struct res_page *page, const struct place *places, struct fl_error *err)
{
    struct res_gallery *gallery = page->gallery;
    size_t n = page->n_runs;
    const char **dirs = fl_calloc(n, sizeof dirs[0]);
    struct res_page_run *runs = fl_calloc(n, sizeof runs[0]);
    struct res_run *shown = fl_calloc(n, sizeof shown[0]);
    struct res_course **courses = fl_calloc(n, sizeof courses[0]);
    enum fl_status status = FL_OK;
    if (!dirs || !runs || !shown || !courses)
        status = fl_fail(err, FL_E_NOMEM, "out of memory: order of runs");
    for (size_t i = 0; i < n && status == FL_OK; i++) {
        size_t from = places[i].run;
        dirs[i] = page->dirs[from];
        runs[i] = page->runs[from];
        shown[i] = gallery->runs[from];
        courses[i] = gallery->courses[from];
    }
    if (status == FL_OK) {
        memcpy(page->dirs, dirs, n * sizeof dirs[0]);
        memcpy(page->runs, runs, n * sizeof runs[0]);
        memcpy(gallery->runs, shown, n * sizeof shown[0]);
        memcpy(gallery->courses, courses, n * sizeof courses[0]);
    }
    fl_free(dirs);
    fl_free(runs);
    fl_free(shown);
    fl_free(courses);
    return status;
}

static enum fl_status sort_runs(struct res_page *page, struct fl_error *err)
{
    size_t order[RES_GALLERY_KEYS] = {0};
    struct place *places = fl_calloc(page->n_runs, sizeof places[0]);
    if (!places)
        return fl_fail(err, FL_E_NOMEM, "out of memory: order of runs");
    order_keys(page, order);
    for (size_t i = 0; i < page->n_runs; i++)
        places[i] = (struct place){page->gallery, order, i};
    qsort(places, page->n_runs, sizeof places[0], by_keys);
    enum fl_status status = permute(page, places, err);
    fl_free(places);
    return status;
}

enum fl_status res_page_read_gallery(struct res_page *page,
                                     struct res_problems *problems,
                                     struct fl_error *err)
{
    struct fl_error first = {0}, why = {0};
    struct res_problems own = {.out = problems->out, .err = &first};
    page->gallery = fl_calloc(1, sizeof *page->gallery);
    if (!page->gallery)
        return fl_fail(err, FL_E_NOMEM, "out of memory: report");
    enum fl_status status =
        res_gallery_read(page->dirs, page->n_runs, &own, page->gallery, &why);
    if (status != FL_OK) /* without figures; the line may be there already */
        return res_problem(problems, status, "%s", why.text);
    if (page->gallery->n_runs != page->n_runs || page->n_runs < 2)
        return FL_OK;
    return sort_runs(page, err);
}

/* A sweep's keys are its columns, where they are few. */
void res_page_choose_keys(const struct res_page *page,
                          struct res_compare_opts *opts)
{
    const struct res_gallery *gallery = page->gallery;
    if (opts->n_by > 0 || page->n_runs < 2 || gallery->n_runs != page->n_runs ||
        gallery->n_varied > RES_GALLERY_KEYS)
        return;
    opts->by = (const char *const *)gallery->keys;
    opts->n_by = gallery->n_keys;
}
