#include "coordinator/selection.h"

#include "base/alloc.h"
#include "coordinator/choice.h"

#include <string.h>

#define MAX_NAMES 64

enum fl_status coord_selection_init(struct coord_selection *selection,
                                    struct fl_config *config,
                                    const struct fl_node *node,
                                    struct fl_error *err)
{
    const char *names[MAX_NAMES];
    size_t n = 0;
    const struct coord_selection_type *type = NULL;
    const char *wanted = coord_choice_name(config, node, "uniform");
    for (; coord_selections[n] && n < MAX_NAMES; n++) {
        names[n] = coord_selections[n]->name;
        if (wanted && strcmp(names[n], wanted) == 0)
            type = coord_selections[n];
    }
    if (wanted && !type)
        coord_choice_unknown(config, node, "selection policy", wanted, names,
                             n);
    if (!type)
        return fl_fail(err, FL_E_CONFIG, "unknown selection policy '%s'",
                       wanted ? wanted : "");
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
