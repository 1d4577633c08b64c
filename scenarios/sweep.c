#include "scenarios/sweep.h"

#include "base/alloc.h"
#include "scenarios/sweep_priv.h"

#include <stdio.h>
#include <string.h>

/* Dimensions: axes in order, those of a group together. */
struct grid {
    size_t *lengths; /* [n_groups], 0: no axis is left in it */
    size_t n_groups;
    size_t n_points;
};

static void check_sets(struct scn_axes *axes, const struct scn_sweep_opts *opts)
{
    static const struct fl_place place = {.origin = "--set"};
    for (size_t i = 0; i < opts->n_sets; i++) {
        size_t n = strcspn(opts->sets[i], "=");
        for (size_t k = 0; k < axes->n; k++)
            if (!axes->all[k].is_dropped && strlen(axes->all[k].key) == n &&
                strncmp(axes->all[k].key, opts->sets[i], n) == 0)
                fl_config_problem(axes->config, &place,
                                  "%s: it varies, allowed --vary %s=...",
                                  axes->all[k].key, axes->all[k].key);
    }
}

static enum fl_status
measure(struct scn_axes *axes, struct grid *grid, struct fl_error *err)
{
    const struct fl_node *root = fl_config_root(axes->config);
    grid->n_groups = axes->n_groups;
    grid->lengths = fl_calloc(axes->n_groups + 1, sizeof *grid->lengths);
    if (!grid->lengths)
        return fl_fail(err, FL_E_NOMEM, "out of memory: sweep");
    size_t n_axes = 0;
    for (size_t i = 0; i < axes->n; i++) {
        if (axes->all[i].is_dropped)
            continue;
        n_axes++;
        grid->lengths[axes->all[i].group] = axes->all[i].n;
    }
    if (n_axes == 0)
        fl_config_problem(axes->config, &root->place,
                          "nothing varies, allowed a section sweep, --vary, "
                          "--zip, --seeds");
    grid->n_points = 1;
    for (size_t g = 0; g < grid->n_groups; g++) {
        if (grid->lengths[g] == 0)
            continue;
        grid->n_points *= grid->lengths[g];
        if (grid->n_points > SCN_SWEEP_MAX_POINTS) {
            fl_config_problem(axes->config, &root->place,
                              "sweep: more than %d points",
                              SCN_SWEEP_MAX_POINTS);
            break;
        }
    }
    return FL_OK;
}

/* The number of the value that a group has at a point. */
static size_t value_at(const struct grid *grid, size_t point, size_t group)
{
    for (size_t g = grid->n_groups; g-- > group + 1;)
        if (grid->lengths[g] > 0)
            point /= grid->lengths[g];
    return point % grid->lengths[group];
}

static const char *assignment(struct scn_sweep *sweep,
                              const char *key,
                              const char *value,
                              struct fl_error *err)
{
    size_t size = strlen(key) + strlen(value) + 2;
    char *text = fl_calloc(size, 1);
    const char *copy = NULL;
    if (text) {
        (void)snprintf(text, size, "%s=%s", key, value);
        copy = fl_config_copy(sweep->config, text);
    }
    fl_free(text);
    if (!copy)
        (void)fl_fail(err, FL_E_NOMEM, "out of memory: sweep");
    return copy;
}

/* Keys come in the order of their dimension, however they were given. */
static enum fl_status lay_out(struct scn_sweep *sweep,
                              const struct scn_axes *axes,
                              const struct grid *grid,
                              struct fl_error *err)
{
    const struct scn_axis **order = fl_calloc(axes->n + 1, sizeof *order);
    sweep->keys = fl_calloc(axes->n + 1, sizeof *sweep->keys);
    sweep->sets = fl_calloc(grid->n_points * (axes->n + 1), sizeof(char *));
    sweep->values = fl_calloc(grid->n_points * (axes->n + 1), sizeof(char *));
    enum fl_status status =
        order && sweep->keys && sweep->sets && sweep->values
            ? FL_OK
            : fl_fail(err, FL_E_NOMEM, "out of memory: sweep");
    for (size_t g = 0; g < grid->n_groups && status == FL_OK; g++)
        for (size_t i = 0; i < axes->n; i++)
            if (!axes->all[i].is_dropped && axes->all[i].group == g) {
                sweep->keys[sweep->n_keys] = axes->all[i].key;
                order[sweep->n_keys++] = &axes->all[i];
            }
    sweep->n_points = grid->n_points;
    for (size_t p = 0; p < sweep->n_points && status == FL_OK; p++)
        for (size_t k = 0; k < sweep->n_keys; k++) {
            size_t at = p * sweep->n_keys + k;
            const struct scn_axis *axis = order[k];
            sweep->values[at] = axis->texts[value_at(grid, p, axis->group)];
            sweep->sets[at] =
                assignment(sweep, axis->key, sweep->values[at], err);
            if (!sweep->sets[at])
                status = FL_E_NOMEM;
        }
    fl_free(order);
    return status;
}

static enum fl_status gather(struct scn_axes *axes,
                             const struct scn_sweep_opts *opts,
                             struct fl_error *err)
{
    for (size_t i = 0; i < opts->n_sets; i++)
        FL_TRY(fl_config_set(axes->config, opts->sets[i], err));
    scn_axes_take_file(axes);
    for (size_t i = 0; i < opts->n_vary; i++)
        FL_TRY(scn_axes_take_vary(axes, opts->vary[i], err));
    for (size_t i = 0; i < opts->n_zips; i++)
        FL_TRY(scn_axes_take_zip(axes, opts->zips[i], err));
    FL_TRY(scn_axes_take_seeds(axes, opts->seeds, err));
    check_sets(axes, opts);
    return FL_OK;
}

static enum fl_status build(struct scn_sweep *sweep,
                            const struct scn_sweep_opts *opts,
                            FILE *problems,
                            struct fl_error *err)
{
    struct scn_axes axes = {.config = sweep->config};
    struct grid grid = {0};
    const struct fl_node *name =
        fl_node_find(fl_config_root(sweep->config), "name");
    sweep->name = name && name->kind == FL_NODE_SCALAR ? name->text : "sweep";
    enum fl_status status = gather(&axes, opts, err);
    if (status != FL_OK && problems && err)
        (void)fprintf(problems, "%s\n", err->text);
    if (status == FL_OK)
        status = measure(&axes, &grid, err);
    if (status == FL_OK) {
        if (problems)
            fl_config_print_problems(sweep->config, problems);
        status = fl_config_check(sweep->config, err);
    }
    if (status == FL_OK)
        status = lay_out(sweep, &axes, &grid, err);
    fl_free(grid.lengths);
    scn_axes_fini(&axes);
    return status;
}

enum fl_status scn_sweep_create(const char *path,
                                const struct scn_sweep_opts *opts,
                                FILE *problems,
                                struct scn_sweep **ret,
                                struct fl_error *err)
{
    struct fl_error why = {FL_OK, ""};
    struct scn_sweep *sweep = fl_calloc(1, sizeof *sweep);
    if (!sweep)
        return fl_fail(err, FL_E_NOMEM, "out of memory: sweep");
    enum fl_status status = fl_config_load(path, &sweep->config, &why);
    if (status != FL_OK && problems)
        (void)fprintf(problems, "%s\n", why.text);
    if (status == FL_OK)
        status = build(sweep, opts, problems, &why);
    if (status != FL_OK) {
        scn_sweep_destroy(sweep);
        return fl_fail(err, status, "%s", why.text);
    }
    *ret = sweep;
    return FL_OK;
}

void scn_sweep_destroy(struct scn_sweep *sweep)
{
    if (!sweep)
        return;
    fl_free(sweep->keys);
    fl_free(sweep->sets);
    fl_free(sweep->values);
    fl_config_destroy(sweep->config);
    fl_free(sweep);
}
