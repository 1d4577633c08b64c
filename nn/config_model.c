/* From YAML nodes to checked layers and models. */
#include "nn/model_priv.h"
#include "nn/model_type.h"
#include "nn/registry.h"

#include "base/alloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MAX_NAMES 64

const struct nn_layer_type *nn_layer_find(const char *name)
{
    for (size_t i = 0; nn_layers[i]; i++)
        if (!strcmp(nn_layers[i]->name, name))
            return nn_layers[i];
    return NULL;
}

static const struct nn_layer_type *find_type(struct fl_config *config,
                                             const struct fl_node *node)
{
    const struct fl_node *kind =
        node->kind == FL_NODE_MAP ? fl_node_find(node, "kind") : node;
    if (!kind || kind->kind != FL_NODE_SCALAR) {
        fl_config_problem(config, &node->place,
                          "layer without a kind, allowed a layer's name or "
                          "{kind: name, options}");
        return NULL;
    }
    const struct nn_layer_type *type = nn_layer_find(kind->text);
    if (type)
        return type;
    const char *names[MAX_NAMES];
    size_t n = 0;
    for (; nn_layers[n] && n < MAX_NAMES; n++)
        names[n] = nn_layers[n]->name;
    fl_config_unknown_name(config, kind, "layer", names, n);
    return NULL;
}

/* Decodes options; the word `classes` stands for the number. What says where a
 * layer stands in its model (nn/config_taps.c) is no option of it. */
static enum fl_status decode_opts(struct fl_config *config,
                                  const struct fl_node *node,
                                  const struct nn_layer_type *type,
                                  int64_t classes,
                                  void *opts,
                                  struct fl_error *err)
{
    static const struct fl_param no_params[] = {{.key = NULL}};
    static const char *const one[] = {"kind", "name", "from", NULL};
    static const char *const two[] = {"kind", "name", "from", "with", NULL};
    const char *const *except = type->has_with ? two : one;
    const struct fl_param *params = type->params ? type->params : no_params;
    if (node->kind != FL_NODE_MAP) {
        struct fl_node empty = *node;
        empty.kind = FL_NODE_MAP;
        empty.text = NULL;
        fl_config_decode(config, &empty, params, except, opts);
        return FL_OK;
    }
    char number[24];
    (void)snprintf(number, sizeof number, "%" PRId64, classes);
    struct fl_node *copies = fl_calloc(node->n_children, sizeof *copies);
    if (!copies)
        return fl_fail(err, FL_E_NOMEM, "out of memory: options of a layer");
    struct fl_node map = *node;
    size_t n = 0;
    for (const struct fl_node *c = node->child; c; c = c->next) {
        copies[n] = *c;
        if (c->kind == FL_NODE_SCALAR && !strcmp(c->text, "classes"))
            copies[n].text = number;
        if (n)
            copies[n - 1].next = &copies[n];
        n++;
    }
    map.child = n ? copies : NULL;
    fl_config_decode(config, &map, params, except, opts);
    fl_free(copies);
    return FL_OK;
}

static int64_t tensor_size(const struct nn_tensor *tensor)
{
    int64_t size = 1;
    for (int i = 0; i < tensor->rank; i++)
        size *= tensor->dim[i];
    return size;
}

enum fl_status nn_layer_init(struct nn_layer *layer,
                             struct fl_config *config,
                             const struct fl_node *node,
                             const struct nn_shape *input,
                             int64_t classes,
                             struct fl_error *err)
{
    *layer = (struct nn_layer){.type = NULL};
    const struct nn_layer_type *type = find_type(config, node);
    if (!type)
        return FL_OK;
    void *opts = NULL;
    if (type->opts_size) {
        opts = fl_calloc(1, type->opts_size);
        if (!opts)
            return fl_fail(err, FL_E_NOMEM, "out of memory: layer %s",
                           type->name);
    }
    size_t before = fl_config_n_problems(config);
    enum fl_status status = decode_opts(config, node, type, classes, opts, err);
    struct nn_layer_info info = {.n_tensors = 0};
    if (status == FL_OK && fl_config_n_problems(config) == before && input) {
        struct fl_error why;
        if (type->infer(opts, input, &info, &why) == FL_OK) {
            *layer = (struct nn_layer){
                .type = type, .opts = opts, .input = *input, .info = info};
            for (int i = 0; i < info.n_tensors; i++) {
                int64_t size = tensor_size(&info.tensor[i]);
                layer->n_params += size;
                layer->n_trained += info.tensor[i].is_buffer ? 0 : size;
            }
            return FL_OK;
        }
        fl_config_problem(config, &node->place, "%s: %s", type->name, why.text);
    }
    fl_free(opts);
    return status;
}

void nn_layer_fini(struct nn_layer *layer)
{
    fl_free(layer->opts);
    *layer = (struct nn_layer){.type = NULL};
}

static enum fl_status views_create(struct nn_model *model, struct fl_error *err)
{
    for (size_t i = 0; i < model->n_layers; i++)
        model->n_views += (size_t)model->layers[i].info.n_tensors;
    model->views = fl_calloc(model->n_views, sizeof *model->views);
    if (!model->views)
        return fl_fail(err, FL_E_NOMEM, "out of memory: parameter views");
    struct nn_param_view *view = model->views;
    for (size_t i = 0; i < model->n_layers; i++) {
        const struct nn_layer *layer = &model->layers[i];
        int64_t offset = layer->param_offset;
        for (int t = 0; t < layer->info.n_tensors; t++, view++) {
            const struct nn_tensor *tensor = &layer->info.tensor[t];
            (void)snprintf(view->name, sizeof view->name, "%s.%s", layer->name,
                           tensor->name);
            view->layer = (int64_t)i;
            view->is_torch_order = tensor->is_torch_order;
            view->rank = tensor->rank;
            memcpy(view->dim, tensor->dim, sizeof view->dim);
            view->offset = offset;
            view->size = tensor_size(tensor);
            offset += view->size;
        }
    }
    return FL_OK;
}

/* Checks what only the whole list can tell. */
static void check_whole(struct fl_config *config,
                        const struct fl_node *spec,
                        const struct fl_node *last,
                        const struct nn_shape *output,
                        const struct nn_model *model)
{
    if (output->rank != 1 || output->dim[0] != model->classes) {
        char text[64];
        nn_shape_text(output, text);
        fl_config_problem(config, &last->place,
                          "output of the last layer, found %s, allowed %" PRId64
                          " (one number per class)",
                          text, model->classes);
    }
    if (model->n_params == 0)
        fl_config_problem(config, &spec->place,
                          "model without parameters, allowed a list with a "
                          "layer that can learn");
    else if (model->n_params > NN_MAX_ELEMENTS)
        fl_config_problem(config, &spec->place,
                          "parameters, found %" PRId64 ", allowed [1, %" PRId64
                          "]",
                          model->n_params, NN_MAX_ELEMENTS);
}

static enum fl_status layers_create(struct nn_model *model,
                                    struct fl_config *config,
                                    const struct fl_node *list,
                                    struct fl_error *err)
{
    if (!list->n_children) {
        fl_config_problem(config, &list->place,
                          "model without layers, allowed at least one");
        return FL_OK;
    }
    model->layers = fl_calloc(list->n_children, sizeof *model->layers);
    if (!model->layers)
        return fl_fail(err, FL_E_NOMEM, "out of memory: layers");
    bool is_good = true;
    const struct fl_node *last = NULL;
    for (const struct fl_node *c = list->child; c; c = c->next) {
        struct nn_layer *layer = &model->layers[model->n_layers];
        struct nn_taps taps;
        nn_taps_read(&taps, config, model, c);
        const struct nn_shape *shape = is_good ? taps.input : NULL;
        FL_TRY(nn_layer_init(layer, config, c, shape, model->classes, err));
        nn_taps_keep(&taps, config, model, c, layer);
        model->n_layers++;
        layer->param_offset = model->n_params;
        model->n_params += layer->n_params;
        is_good &= shape && layer->type;
        last = c;
    }
    if (!is_good)
        return FL_OK;
    nn_taps_check_read(config, model, list);
    check_whole(config, list, last,
                &model->layers[model->n_layers - 1].info.output, model);
    return FL_OK;
}

static enum fl_status from_list(struct fl_config *config,
                                const struct fl_node *list,
                                const struct nn_shape *input,
                                int64_t classes,
                                struct nn_model **ret,
                                struct fl_error *err)
{
    struct nn_model *model = fl_calloc(1, sizeof *model);
    if (!model)
        return fl_fail(err, FL_E_NOMEM, "out of memory: model");
    model->input = *input;
    model->classes = classes;
    size_t before = fl_config_n_problems(config);
    enum fl_status status = layers_create(model, config, list, err);
    if (status == FL_OK && fl_config_n_problems(config) != before) {
        status = fl_config_check(config, err);
        if (status == FL_OK)
            status = FL_E_CONFIG;
    }
    if (status == FL_OK)
        status = views_create(model, err);
    if (status != FL_OK) {
        nn_model_destroy(model);
        return status;
    }
    *ret = model;
    return FL_OK;
}

static const struct nn_model_type *find_model(const char *name)
{
    for (size_t i = 0; nn_models[i]; i++)
        if (!strcmp(nn_models[i]->name, name))
            return nn_models[i];
    return NULL;
}

static enum fl_status from_type(const struct nn_model_type *type,
                                const struct nn_shape *input,
                                int64_t classes,
                                struct nn_model **ret,
                                struct fl_error *err)
{
    char origin[64];
    (void)snprintf(origin, sizeof origin, "built-in %s", type->name);
    struct fl_config *config = NULL;
    FL_TRY(
        fl_config_parse(origin, type->yaml, strlen(type->yaml), &config, err));
    const struct fl_node *list = fl_node_find(fl_config_root(config), "layers");
    enum fl_status status =
        list ? from_list(config, list, input, classes, ret, err)
             : fl_fail(err, FL_E_STATE, "%s: no list named layers", origin);
    fl_config_destroy(config);
    return status;
}

static enum fl_status
check_sizes(const struct nn_shape *input, int64_t classes, struct fl_error *err)
{
    int64_t size = 1;
    bool is_good = classes >= 1 && classes <= 1 << 24 && input->rank >= 1 &&
                   input->rank <= NN_MAX_RANK;
    for (int i = 0; is_good && i < input->rank; i++) {
        is_good = input->dim[i] >= 1 && input->dim[i] <= NN_MAX_ELEMENTS / size;
        size *= is_good ? input->dim[i] : 1;
    }
    if (!is_good)
        return fl_fail(err, FL_E_ARG,
                       "model: impossible input shape or number of classes "
                       "(%" PRId64 ")",
                       classes);
    return FL_OK;
}

enum fl_status nn_model_create_named(const char *name,
                                     const struct nn_shape *input,
                                     int64_t classes,
                                     struct nn_model **ret,
                                     struct fl_error *err)
{
    FL_TRY(check_sizes(input, classes, err));
    const struct nn_model_type *type = find_model(name);
    if (!type)
        return fl_fail(err, FL_E_CONFIG, "model, found '%s', which is unknown",
                       name);
    return from_type(type, input, classes, ret, err);
}

enum fl_status nn_model_create(struct fl_config *config,
                               const struct fl_node *spec,
                               const struct nn_shape *input,
                               int64_t classes,
                               struct nn_model **ret,
                               struct fl_error *err)
{
    FL_TRY(check_sizes(input, classes, err));
    if (spec->kind == FL_NODE_LIST)
        return from_list(config, spec, input, classes, ret, err);
    if (spec->kind == FL_NODE_MAP) {
        fl_config_problem(config, &spec->place,
                          "model, found a map, allowed a model's name or a "
                          "list of layers");
        return fl_config_check(config, err);
    }
    const struct nn_model_type *type = find_model(spec->text);
    if (type) {
        struct fl_error why;
        enum fl_status status = from_type(type, input, classes, ret, &why);
        if (status == FL_OK)
            return FL_OK;
        if (status != FL_E_CONFIG)
            return fl_fail(err, status, "%s", why.text);
        char text[64];
        nn_shape_text(input, text);
        fl_config_problem(config, &spec->place,
                          "model %s does not fit samples of %s: %s", spec->text,
                          text, why.text);
        return fl_config_check(config, err);
    }
    const char *names[MAX_NAMES];
    size_t n = 0;
    for (; nn_models[n] && n < MAX_NAMES; n++)
        names[n] = nn_models[n]->name;
    fl_config_unknown_name(config, spec, "model", names, n);
    return fl_config_check(config, err);
}
