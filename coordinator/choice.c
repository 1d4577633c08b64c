#include "coordinator/choice.h"

#include "base/alloc.h"

#include <string.h>

#define MAX_NAMES 64

/* The name in a node, or NULL after adding a problem. */
static const char *choice_name(struct fl_config *config,
                               const struct fl_node *node,
                               const char *fallback)
{
    if (!node)
        return fallback;
    if (node->kind == FL_NODE_SCALAR)
        return node->text;
    const struct fl_node *kind = fl_node_find(node, "kind");
    if (kind && kind->kind == FL_NODE_SCALAR)
        return kind->text;
    fl_config_problem(config, &node->place,
                      "found no kind, allowed a name or {kind: name, ...}");
    return NULL;
}

const void *coord_choice_find(struct fl_config *config,
                              const struct fl_node *node,
                              const char *what,
                              const char *fallback,
                              const void *const *table,
                              coord_name_fn name_of)
{
    const char *names[MAX_NAMES];
    const char *wanted = choice_name(config, node, fallback);
    size_t n = 0;
    if (!wanted)
        return NULL;
    for (; table[n] && n < MAX_NAMES; n++) {
        names[n] = name_of(table[n]);
        if (strcmp(names[n], wanted) == 0)
            return table[n];
    }
    const struct fl_node *kind = fl_node_find(node, "kind");
    fl_config_unknown_name(config, kind ? kind : node, what, names, n);
    return NULL;
}

void *coord_choice_opts(struct fl_config *config,
                        const struct fl_node *node,
                        const struct fl_param *params,
                        size_t opts_size)
{
    static const struct fl_param none[] = {{0}};
    static const char *const except[] = {"kind", NULL};
    void *opts = fl_calloc(1, opts_size);
    if (!opts)
        return NULL;
    bool has_options = node && node->kind == FL_NODE_MAP;
    fl_config_decode(config, has_options ? node : NULL, params ? params : none,
                     except, opts);
    return opts;
}
