/* Lines of several runs in one chart. */
#include "results/figures/chart_parts.h"

#include <string.h>

void res_groups_find(const struct res_gallery *gallery, struct res_groups *ret)
{
    struct res_groups groups = {.gallery = gallery};
    groups.is_few = gallery->n_runs <= RES_CHART_GROUPS;
    for (size_t r = 0; r < gallery->n_runs; r++) {
        bool is_new = true;
        for (size_t g = 0; g < groups.n && is_new && !groups.is_few; g++)
            is_new = strcmp(gallery->runs[groups.first[g]].dataset,
                            gallery->runs[r].dataset) != 0;
        if (!is_new)
            continue;
        if (groups.n == RES_CHART_GROUPS) { /* too many: all are one */
            groups.n = 1;
            break;
        }
        groups.first[groups.n++] = r;
    }
    *ret = groups;
}

size_t res_group_of(const struct res_groups *groups, size_t run)
{
    const struct res_run *runs = groups->gallery->runs;
    if (groups->is_few || groups->n == 1)
        return groups->is_few ? run : 0;
    size_t g = 0;
    while (strcmp(runs[groups->first[g]].dataset, runs[run].dataset) != 0)
        g++;
    return g;
}

/* "federated", "federated, mnist", "federated, clients 10". */
static void put_name(const struct res_groups *groups,
                     const struct res_row *row,
                     size_t group,
                     struct res_text *out)
{
    const struct res_gallery *gallery = groups->gallery;
    res_put_arm_name(gallery, row, groups->is_mean, out);
    if (groups->n == 1)
        return;
    res_text_put(out, ", ");
    if (groups->is_few)
        res_gallery_put_label(gallery, group, true, out);
    else
        res_text_put(out, gallery->runs[groups->first[group]].dataset);
}

static const struct res_row *
find_row(const struct res_groups *groups, const char *arm, size_t group)
{
    const struct res_row *row = NULL;
    for (size_t r = 0; r < groups->gallery->n_runs && !row; r++)
        if (res_group_of(groups, r) == group)
            row = res_find_arm(&groups->gallery->runs[r], arm);
    return row;
}

enum fl_status res_group_add_series(const struct res_groups *groups,
                                    struct res_chart *chart,
                                    const char *arm,
                                    size_t group,
                                    enum res_series_kind kind,
                                    struct res_series **ret,
                                    struct fl_error *err)
{
    const struct res_row *row = find_row(groups, arm, group);
    int colour = 0, shape = 0;
    res_gallery_arm_look(groups->gallery, arm, &colour, &shape);
    bool is_faint = !groups->is_few && kind == RES_SERIES_LINE;
    struct res_series *series = NULL;
    struct res_text name = {0};
    if (row && !is_faint)
        put_name(groups, row, group, &name);
    enum fl_status status = res_text_check(&name, err);
    if (status == FL_OK && row)
        status = res_chart_add_series(chart, res_text_get(&name), kind, colour,
                                      &series, err);
    res_text_fini(&name);
    if (status != FL_OK)
        return status;
    if (series) {
        /* The first three markers are filled, the next three are like them. */
        series->shape = (shape + 3 * (int)group) % RES_PALETTE_SIZE;
        series->is_faint = is_faint;
    }
    *ret = series;
    return FL_OK;
}
