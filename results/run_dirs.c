#include "results/run_dirs.h"

#include "base/alloc.h"
#include "base/file.h"
#include "results/points.h"

#include <string.h>
#include <sys/stat.h>

void res_run_dirs_fini(struct res_run_dirs *dirs)
{
    for (size_t i = 0; i < dirs->n; i++)
        fl_free(dirs->names[i]);
    fl_free(dirs->names);
    *dirs = (struct res_run_dirs){.names = NULL};
}

static enum fl_status
add_dir(struct res_run_dirs *dirs, const char *dir, struct fl_error *err)
{
    FL_TRY(fl_grow(&dirs->names, &dirs->capacity, dirs->n + 1,
                   sizeof dirs->names[0], err));
    char *copy = fl_strdup(dir);
    if (!copy)
        return fl_fail(err, FL_E_NOMEM, "out of memory: folders of runs");
    dirs->names[dirs->n++] = copy;
    return FL_OK;
}

/* Points that resolve to one scenario share a folder. */
static bool is_new(const struct res_points *points, size_t row)
{
    const char *name = points->cells[row * points->n_columns + 1];
    for (size_t i = 1; i < row; i++)
        if (strcmp(points->cells[i * points->n_columns + 1], name) == 0)
            return false;
    return true;
}

static enum fl_status
add_points(struct res_run_dirs *dirs, const char *dir, struct fl_error *err)
{
    char path[RES_PATH_BYTES];
    struct res_points points;
    enum fl_status status = FL_OK;
    FL_TRY(fl_path_join(dir, "points.csv", path, sizeof path, err));
    FL_TRY(res_points_read(path, &points, err));
    for (size_t row = 1; row < points.n_rows && status == FL_OK; row++) {
        if (!is_new(&points, row))
            continue;
        status = fl_path_join(dir, points.cells[row * points.n_columns + 1],
                              path, sizeof path, err);
        if (status == FL_OK)
            status = add_dir(dirs, path, err);
    }
    res_points_fini(&points);
    return status;
}

static bool is_there(const char *dir, const char *name)
{
    char path[RES_PATH_BYTES];
    struct stat info;
    return fl_path_join(dir, name, path, sizeof path, NULL) == FL_OK &&
           stat(path, &info) == 0;
}

static enum fl_status expand(struct res_run_dirs *runs,
                             const char *dir,
                             struct res_problems *problems,
                             struct fl_error *err)
{
    struct fl_error why = {0};
    if (!is_there(dir, "points.csv") || is_there(dir, "run.sqlite"))
        return add_dir(runs, dir, err);
    enum fl_status status = add_points(runs, dir, &why);
    return status == FL_OK ? FL_OK
                           : res_problem(problems, status, "%s", why.text);
}

enum fl_status res_run_dirs_init(struct res_run_dirs *ret,
                                 const char *const *dirs,
                                 size_t n_dirs,
                                 struct res_problems *problems,
                                 struct fl_error *err)
{
    struct res_run_dirs runs = {.names = NULL};
    enum fl_status status = FL_OK;
    for (size_t i = 0; i < n_dirs && status == FL_OK; i++)
        status = expand(&runs, dirs[i], problems, err);
    if (status == FL_OK)
        *ret = runs;
    else
        res_run_dirs_fini(&runs);
    return status;
}
