#include "coordinator/choice.h"

#include "base/alloc.h"
#include "base/parse.h"

#include <stdio.h>

const char *coord_choice_name(struct fl_config *config,
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

void coord_choice_unknown(struct fl_config *config,
                          const struct fl_node *node,
                          const char *what,
                          const char *found,
                          const char *const *names,
                          size_t n)
{
    char all[512];
    size_t used = 0;
    for (size_t i = 0; i < n && used < sizeof all; i++)
        used += (size_t)snprintf(all + used, sizeof all - used, "%s%s",
                                 i ? ", " : "", names[i]);
    const struct fl_node *kind = fl_node_find(node, "kind");
    const char *near = fl_nearest_name(found, names, n);
    fl_config_problem(config, kind ? &kind->place : &node->place,
                      "unknown %s '%s'%s%s%s, allowed %s", what, found,
                      near ? ", did you mean '" : "", near ? near : "",
                      near ? "'?" : "", all);
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
