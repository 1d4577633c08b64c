/* `name`, `from` and `with` of a layer in a model's list. */
#include "nn/model_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MAX_NAMES 64

/* A letter, then letters, digits, '.', '_', '-': never mistaken for a number
 * in the list, and a key in other programs. */
static bool is_name(const char *text)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char more[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    return *text && strchr(letters, *text) &&
           strspn(text, more) == strlen(text) && strlen(text) < NN_LAYER_NAME;
}

static int64_t find_layer(const struct nn_model *model, const char *name)
{
    for (size_t i = 0; i < model->n_layers; i++)
        if (!strcmp(model->layers[i].name, name))
            return (int64_t)i;
    return NN_NOTHING;
}

static void read_name(struct nn_taps *ret,
                      struct fl_config *config,
                      const struct nn_model *model,
                      const struct fl_node *node)
{
    (void)snprintf(ret->name, sizeof ret->name, "%zu", model->n_layers);
    const struct fl_node *name = fl_node_find(node, "name");
    if (!name)
        return;
    if (name->kind != FL_NODE_SCALAR || !is_name(name->text))
        fl_config_problem(config, &name->place,
                          "name of a layer, found %s%s%s, allowed a letter, "
                          "then letters, digits, '.', '_', '-', at most %d in "
                          "all",
                          name->kind == FL_NODE_SCALAR ? "'" : "no text",
                          name->kind == FL_NODE_SCALAR ? name->text : "",
                          name->kind == FL_NODE_SCALAR ? "'" : "",
                          NN_LAYER_NAME - 1);
    else if (!strcmp(name->text, "input") ||
             find_layer(model, name->text) != NN_NOTHING)
        fl_config_problem(config, &name->place,
                          "name of a layer, found '%s', which another has",
                          name->text);
    else
        (void)snprintf(ret->name, sizeof ret->name, "%s", name->text);
}

/* The earlier layer that a tap names. */
static int64_t read_tap(struct fl_config *config,
                        const struct nn_model *model,
                        const struct fl_node *tap)
{
    if (tap->kind == FL_NODE_SCALAR) {
        if (!strcmp(tap->text, "input"))
            return NN_INPUT;
        int64_t at = find_layer(model, tap->text);
        if (at != NN_NOTHING)
            return at;
    }
    const char *names[MAX_NAMES] = {"input"};
    size_t n = 1;
    for (size_t i = 0; i < model->n_layers && n < MAX_NAMES; i++)
        if (is_name(model->layers[i].name))
            names[n++] = model->layers[i].name;
    fl_config_unknown_name(config, tap, "earlier layer's name", names, n);
    return NN_NOTHING;
}

static const struct nn_shape *output_of(const struct nn_model *model,
                                        int64_t at)
{
    if (at == NN_INPUT)
        return &model->input;
    if (at == NN_NOTHING || !model->layers[at].type)
        return NULL;
    return &model->layers[at].info.output;
}

void nn_taps_read(struct nn_taps *ret,
                  struct fl_config *config,
                  const struct nn_model *model,
                  const struct fl_node *node)
{
    *ret = (struct nn_taps){.with = NN_NOTHING};
    read_name(ret, config, model, node);
    const struct fl_node *from = fl_node_find(node, "from");
    ret->source =
        from ? read_tap(config, model, from) : (int64_t)model->n_layers - 1;
    const struct fl_node *with = fl_node_find(node, "with");
    if (with)
        ret->with = read_tap(config, model, with);
    ret->input = output_of(model, ret->source);
}

void nn_taps_keep(const struct nn_taps *taps,
                  struct fl_config *config,
                  const struct nn_model *model,
                  const struct fl_node *node,
                  struct nn_layer *layer)
{
    memcpy(layer->name, taps->name, sizeof layer->name);
    layer->source = taps->source;
    layer->with = NN_NOTHING;
    if (!layer->type)
        return;
    if (layer->type->takes_tokens && taps->source != NN_INPUT)
        fl_config_problem(config, &node->place,
                          "%s reads token numbers, allowed only on the "
                          "model's input",
                          layer->type->name);
    if (!layer->type->has_with)
        return;
    layer->with = taps->with;
    const struct nn_shape *with = output_of(model, taps->with);
    if (!fl_node_find(node, "with"))
        fl_config_problem(config, &node->place,
                          "%s without `with`, allowed the name of an earlier "
                          "layer",
                          layer->type->name);
    else if (with && (with->rank != layer->input.rank ||
                      memcmp(with->dim, layer->input.dim,
                             (size_t)with->rank * sizeof with->dim[0]) != 0)) {
        char one[64], two[64];
        nn_shape_text(&layer->input, one);
        nn_shape_text(with, two);
        fl_config_problem(config, &node->place,
                          "%s: shape of `with`, found %s, allowed %s, that of "
                          "its input",
                          layer->type->name, two, one);
    }
}

void nn_taps_check_read(struct fl_config *config,
                        const struct nn_model *model,
                        const struct fl_node *list)
{
    size_t i = 0;
    for (const struct fl_node *c = list->child; c && c->next; c = c->next) {
        bool is_read = false;
        for (size_t j = i + 1; j < model->n_layers; j++)
            is_read |= model->layers[j].source == (int64_t)i ||
                       model->layers[j].with == (int64_t)i;
        if (!is_read)
            fl_config_problem(config, &c->place,
                              "layer %s, whose output no other layer reads",
                              model->layers[i].name);
        i++;
    }
}
