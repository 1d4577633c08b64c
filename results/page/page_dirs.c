/* The folder of a sweep stands for the runs of its points. */
#include "results/live/live_priv.h"
#include "results/page/page_priv.h"

#include "base/alloc.h"
#include "base/file.h"

#include <string.h>
#include <sys/stat.h>

static enum fl_status
add_dir(struct res_page *page, const char *dir, struct fl_error *err)
{
    FL_TRY(fl_grow(&page->asked, &page->asked_capacity, page->n_asked + 1,
                   sizeof page->asked[0], err));
    char *copy = fl_strdup(dir);
    if (!copy)
        return fl_fail(err, FL_E_NOMEM, "out of memory: report");
    page->asked[page->n_asked++] = copy;
    return FL_OK;
}

/* Points that resolve to one scenario share a folder. */
static bool is_new(const struct live_points *points, size_t row)
{
    const char *name = points->cells[row * points->n_columns + 1];
    for (size_t i = 1; i < row; i++)
        if (strcmp(points->cells[i * points->n_columns + 1], name) == 0)
            return false;
    return true;
}

static enum fl_status
add_points(struct res_page *page, const char *dir, struct fl_error *err)
{
    char path[RES_PATH_BYTES];
    struct live_points points;
    enum fl_status status = FL_OK;
    FL_TRY(fl_path_join(dir, "points.csv", path, sizeof path, err));
    FL_TRY(live_points_read(path, &points, err));
    for (size_t row = 1; row < points.n_rows && status == FL_OK; row++) {
        if (!is_new(&points, row))
            continue;
        status = fl_path_join(dir, points.cells[row * points.n_columns + 1],
                              path, sizeof path, err);
        if (status == FL_OK)
            status = add_dir(page, path, err);
    }
    live_points_fini(&points);
    return status;
}

static bool is_there(const char *dir, const char *name)
{
    char path[RES_PATH_BYTES];
    struct stat info;
    return fl_path_join(dir, name, path, sizeof path, NULL) == FL_OK &&
           stat(path, &info) == 0;
}

enum fl_status res_page_expand(struct res_page *page,
                               const char *const *dirs,
                               size_t n_dirs,
                               struct res_problems *problems,
                               struct fl_error *err)
{
    for (size_t i = 0; i < n_dirs; i++) {
        struct fl_error why = {0};
        if (!is_there(dirs[i], "points.csv") || is_there(dirs[i], "run.sqlite"))
            FL_TRY(add_dir(page, dirs[i], err));
        else {
            enum fl_status status = add_points(page, dirs[i], &why);
            if (status != FL_OK)
                FL_TRY(res_problem(problems, status, "%s", why.text));
        }
    }
    return FL_OK;
}
