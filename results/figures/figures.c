/* From runs to a folder of data and scripts. */
#include "results/figures.h"
#include "results/figures/figure_priv.h"
#include "results/figures/gallery.h"

#include "base/file.h"
#include "results/run_dirs.h"

#include <assert.h>
#include <string.h>

const char *const res_picture_names[] = {
    [RES_PICTURE_SVG] = "svg",
    [RES_PICTURE_PDF] = "pdf",
    [RES_PICTURE_PNG] = "png",
    [RES_PICTURE_LAST_] = NULL,
};

const char *res_figure_name(size_t i)
{
    return res_chart_types[i] ? res_chart_types[i]->name : NULL;
}

const char *res_figure_doc(size_t i)
{
    return res_chart_types[i]->doc;
}

static enum fl_status unknown_chart(const char *name, struct fl_error *err)
{
    enum { MOST = 64 };
    const char *names[MOST];
    size_t n = 0;
    for (; res_chart_types[n] && n < MOST; n++)
        names[n] = res_chart_types[n]->name;
    return res_unknown_name("figures", name, names, n, err);
}

static bool is_wanted(const struct res_figures_opts *opts, const char *name)
{
    for (size_t i = 0; i < opts->n_only; i++)
        if (strcmp(opts->only[i], name) == 0)
            return true;
    return !opts->only;
}

static enum fl_status write_file(const char *folder,
                                 const char *name,
                                 const char *ending,
                                 const struct res_text *text,
                                 struct fl_error *err)
{
    char file[128], path[4096];
    FL_TRY(res_text_check(text, err));
    (void)snprintf(file, sizeof file, "%s.%s", name, ending);
    FL_TRY(fl_path_join(folder, file, path, sizeof path, err));
    return fl_file_write(path, res_text_get(text), text->n, err);
}

static enum fl_status write_chart(const struct res_chart *chart,
                                  const struct res_figures_opts *opts,
                                  const char *folder,
                                  struct fl_error *err)
{
    struct res_text text = {0};
    res_figure_data(chart, &text);
    enum fl_status status = write_file(folder, chart->name, "csv", &text, err);
    res_text_clear(&text);
    res_figure_script(chart, opts, &text);
    if (status == FL_OK)
        status = write_file(folder, chart->name, "gp", &text, err);
    res_text_fini(&text);
    return status;
}

/* FL_E_STATE: it has nothing to show. */
static enum fl_status make_figure(const struct res_chart_type *type,
                                  const struct res_gallery *gallery,
                                  const struct res_figures_opts *opts,
                                  const char *folder,
                                  struct fl_error *err)
{
    struct res_chart chart;
    FL_TRY(res_chart_make(type, gallery, &chart, err));
    enum fl_status status = write_chart(&chart, opts, folder, err);
    res_chart_fini(&chart);
    return status;
}

static enum fl_status make_all(const struct res_gallery *gallery,
                               const struct res_figures_opts *opts,
                               const char *folder,
                               res_figure_made_fn made,
                               void *arg,
                               struct fl_error *err)
{
    size_t n_made = 0;
    struct fl_error why = {0};
    FL_TRY(fl_dir_create(folder, err));
    for (size_t i = 0; res_chart_types[i]; i++) {
        const struct res_chart_type *type = res_chart_types[i];
        if (!is_wanted(opts, type->name))
            continue;
        enum fl_status status = make_figure(type, gallery, opts, folder, &why);
        if (status == FL_E_STATE) {
            if (opts->problems)
                (void)fprintf(opts->problems, "%s: left out: %s\n", type->name,
                              why.text);
            continue;
        }
        if (status != FL_OK)
            return fl_fail(err, status, "%s", why.text);
        n_made++;
        if (made)
            FL_TRY(made(arg, type->name, err));
    }
    if (n_made == 0)
        return fl_fail(err, FL_E_STATE, "no figure has anything to show%s%s",
                       opts->problems ? "" : ": ",
                       opts->problems ? "" : why.text);
    return FL_OK;
}

enum fl_status res_figures_write(const char *const *dirs,
                                 size_t n_dirs,
                                 const struct res_figures_opts *opts,
                                 const char *folder,
                                 res_figure_made_fn made,
                                 void *arg,
                                 struct fl_error *err)
{
    assert(dirs && opts && folder);
    bool has_any = false;
    for (int i = 0; i < RES_PICTURE_LAST_; i++)
        has_any = has_any || opts->has_picture[i];
    if (n_dirs == 0 || !has_any)
        return fl_fail(err, FL_E_ARG,
                       "figures: found %zu runs, allowed at least one, and one "
                       "kind of picture",
                       n_dirs);
    for (size_t i = 0; i < opts->n_only; i++)
        if (!res_chart_type_find(opts->only[i]))
            return unknown_chart(opts->only[i], err);
    struct fl_error first = {0};
    struct res_problems problems = {.out = opts->problems, .err = &first};
    struct res_gallery gallery = {.runs = NULL};
    struct res_run_dirs runs = {.names = NULL};
    FL_TRY(res_run_dirs_init(&runs, dirs, n_dirs, &problems, err));
    enum fl_status status =
        runs.n == 0 /* a sweep whose points cannot be read; said already */
            ? fl_fail(err, problems.first, "none of these runs can be shown")
            : res_gallery_read((const char *const *)runs.names, runs.n,
                               &problems, &gallery, err);
    if (status == FL_OK)
        status = make_all(&gallery, opts, folder, made, arg, err);
    res_run_dirs_fini(&runs);
    res_gallery_fini(&gallery);
    return status == FL_OK ? problems.first : status;
}
