#include "coordinator/selection.h"

#include "base/alloc.h"
#include "coordinator/choice.h"

#include <string.h>

static const char *name_of(const void *type)
{
    return ((const struct coord_selection_type *)type)->name;
}

enum fl_status coord_selection_init(struct coord_selection *selection,
                                    struct fl_config *config,
                                    const struct fl_node *node,
                                    struct fl_error *err)
{
    const struct coord_selection_type *type =
        coord_choice_find(config, node, "a selection policy:", "uniform",
                          (const void *const *)coord_selections, name_of);
    if (!type)
        return fl_fail(err, FL_E_CONFIG, "no such selection policy");
    void *opts = coord_choice_opts(config, node, type->params, type->opts_size);
    if (!opts)
        return fl_fail(err, FL_E_NOMEM, "out of memory: selection policy");
    *selection = (struct coord_selection){.type = type, .opts = opts};
    return FL_OK;
}

void coord_selection_fini(struct coord_selection *selection)
{
    fl_free(selection->opts);
    *selection = (struct coord_selection){0};
}
