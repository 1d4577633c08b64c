#include "torch_cases.h"

#include "nn/fused.h"
#include "nn/model_type.h"
#include "nn/registry.h"

#include "base/alloc.h"
#include "support/assert_near.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define YAML_BYTES 4096
#define CLASSES    10

/* Lists whose neighbours meet in ways that no example above has. */
static const struct nn_layer_example more[] = {
    /* ReLU and pooling change places; both want the largest */
    {"[{kind: conv2d, channels: 5, kernel: 3, padding: 1}, relu,"
     " {kind: maxpool2d, kernel: 3, stride: 2}, relu]",
     {3, {8, 7, 2}}},
    {"[{kind: conv2d, channels: 4, kernel: 3}, {kind: maxpool2d, kernel: 2},"
     " relu, {kind: conv2d, channels: 6, kernel: 2}, relu,"
     " {kind: avgpool2d, kernel: 2, stride: 1}]",
     {3, {9, 8, 3}}},
    /* dense layers of odd widths, one without bias */
    {"[flatten, {kind: dense, units: 21}, relu,"
     " {kind: dense, units: 37, bias: false}]",
     {3, {3, 4, 2}}},
    /* more than a chunk of what passes */
    {"[{kind: conv2d, channels: 32, kernel: 3, padding: 1}, relu,"
     " {kind: maxpool2d, kernel: 2}, {kind: conv2d, channels: 16, kernel: 3}]",
     {3, {40, 40, 1}}},
    /* a block with a shortcut of its own, and one whose shortcut is its input
     */
    {"[{kind: conv2d, channels: 4, kernel: 3, padding: 1, name: stem},"
     " {kind: conv2d, channels: 6, kernel: 3, padding: 1, stride: 2},"
     " {kind: relu, name: body},"
     " {kind: conv2d, channels: 6, kernel: 1, stride: 2, from: stem},"
     " {kind: add, with: body}, {kind: relu, name: block},"
     " {kind: conv2d, channels: 6, kernel: 3, padding: 1}, relu,"
     " {kind: conv2d, channels: 6, kernel: 3, padding: 1},"
     " {kind: add, with: block}, relu]",
     {3, {6, 8, 3}}},
    /* a ReLU that somebody else reads stays where it is */
    {"[{kind: conv2d, channels: 3, kernel: 3, padding: 1},"
     " {kind: relu, name: r}, {kind: maxpool2d, kernel: 2, name: small},"
     " {kind: avgpool2d, kernel: 2, from: r}, {kind: add, with: small}]",
     {3, {6, 4, 2}}},
    /* a norm over channels of a flattened image: whose order matters */
    {"[{kind: conv2d, channels: 3, kernel: 2}, {kind: batchnorm}, relu, "
     "flatten,"
     " {kind: batchnorm}, {kind: dense, units: 7}, {kind: batchnorm}]",
     {3, {4, 3, 2}}},
    {NULL, {0, {0}}},
};

uint32_t torch_hash(uint32_t tag, uint64_t k)
{
    uint32_t h = (uint32_t)k * 2654435761u + tag * 40503u;
    h ^= h >> 16;
    h *= 0x85EBCA6Bu;
    h ^= h >> 13;
    h *= 0xC2B2AE35u;
    return h ^ h >> 16;
}

double torch_number(uint32_t tag, uint64_t k)
{
    return 2 * ((double)torch_hash(tag, k) / 4294967296.0) - 1;
}

/* --- from a table's row to a list of layers ---------------------------- */

/* Text that a model is made of, and on what. */
struct spec {
    char name[64];
    char yaml[YAML_BYTES];
    struct nn_shape input;
    int64_t classes;
    const char *model; /* a named one, yaml then is not used */
};

static void write_yaml(struct spec *spec, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void write_yaml(struct spec *spec, const char *format, ...)
{
    size_t at = strlen(spec->yaml);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(spec->yaml + at, YAML_BYTES - at, format, args);
    va_end(args);
    assert_true(n >= 0 && (size_t)n < YAML_BYTES - at);
}

/* A layer that learns before the example, whose gradient shows the example's
 * dx; `more` names it or says what it reads. */
static void
write_front(struct spec *spec, const struct nn_shape *input, const char *taps)
{
    int64_t last = input->dim[input->rank - 1];
    spec->input = *input;
    if (input->rank == 1)
        write_yaml(spec, "- {kind: dense, units: %" PRId64 "%s}\n", last, taps);
    else
        write_yaml(spec,
                   "- {kind: conv2d, channels: %" PRId64 ", kernel: 1%s}\n",
                   last, taps);
    if (input->rank == 2) { /* as an image of width 1 */
        spec->input = (struct nn_shape){3, {input->dim[0], 1, last}};
        write_yaml(spec, "- sequence\n");
    }
}

/* The example between layers that learn. */
static void layer_spec(struct spec *spec,
                       const struct nn_layer_type *type,
                       const struct nn_layer_example *example)
{
    write_yaml(spec, "model:\n");
    spec->classes = CLASSES;
    spec->input = example->input;
    if (type->has_with) {
        write_front(spec, &example->input, ", name: other");
        write_front(spec, &example->input, ", from: input");
    } else if (!type->takes_tokens) {
        write_front(spec, &example->input, "");
    }
    write_yaml(spec,
               "- %s\n- flatten\n- {kind: dense, units: classes, name: head}\n",
               example->yaml);
}

/* A list [..., ...] with a dense layer behind it. */
static void list_spec(struct spec *spec, const struct nn_layer_example *example)
{
    const char *end = strrchr(example->yaml, ']');
    assert_non_null(end);
    spec->classes = CLASSES;
    spec->input = example->input;
    write_yaml(spec,
               "model: %.*s, flatten, {kind: dense, units: classes, "
               "name: head}]\n",
               (int)(end - example->yaml), example->yaml);
}

static void name_spec(struct spec *spec, const char *name, int number)
{
    int n = number < 0 ? snprintf(spec->name, sizeof spec->name, "%s", name)
                       : snprintf(spec->name, sizeof spec->name, "%s/%d", name,
                                  number);
    assert_true(n > 0 && (size_t)n < sizeof spec->name);
}

static bool spec_init(struct spec *spec, int index)
{
    *spec = (struct spec){.model = NULL};
    for (size_t i = 0; nn_layers[i]; i++)
        for (int e = 0; nn_layers[i]->examples[e].yaml; e++)
            if (index-- == 0) {
                name_spec(spec, nn_layers[i]->name, e);
                layer_spec(spec, nn_layers[i], &nn_layers[i]->examples[e]);
                return true;
            }
    for (size_t i = 0; nn_fused[i]; i++)
        for (int e = 0; nn_fused[i]->models[e].yaml; e++)
            if (index-- == 0) {
                name_spec(spec, nn_fused[i]->type.name, e);
                list_spec(spec, &nn_fused[i]->models[e]);
                return true;
            }
    for (int e = 0; more[e].yaml; e++)
        if (index-- == 0) {
            name_spec(spec, "list", e);
            list_spec(spec, &more[e]);
            return true;
        }
    for (size_t i = 0; nn_models[i]; i++)
        if (index-- == 0) {
            name_spec(spec, nn_models[i]->name, -1);
            spec->model = nn_models[i]->name;
            spec->input = nn_models[i]->example;
            spec->classes = nn_models[i]->example_classes;
            return true;
        }
    return false;
}

/* --- the case ---------------------------------------------------------- */

static void make_model(struct torch_case *c, const struct spec *spec)
{
    struct fl_error err = {.text = ""};
    if (spec->model) {
        assert_ok(nn_model_create_named(spec->model, &spec->input,
                                        spec->classes, &c->model, &err),
                  &err);
        return;
    }
    struct fl_config *config = NULL;
    assert_ok(fl_config_parse(spec->name, spec->yaml, strlen(spec->yaml),
                              &config, &err),
              &err);
    assert_ok(nn_model_create(config,
                              fl_node_find(fl_config_root(config), "model"),
                              &spec->input, spec->classes, &c->model, &err),
              &err);
    fl_config_destroy(config);
}

/* The masks of dropout are ours alone: it is compared with p = 0. */
static void silence(const struct nn_layer *layer)
{
    const struct fl_param *param = layer->type->params;
    while (param && param->key && strcmp(param->key, "p") != 0)
        param++;
    if (!param || !param->key || param->kind != FL_PARAM_DOUBLE)
        fail_msg("%s: random, but not by a probability p", layer->type->name);
    *(double *)((char *)layer->opts + param->offset) = 0;
}

/* How many tokens a first layer knows. */
static int64_t tokens_of(const struct nn_layer *layer)
{
    const struct fl_param *param = layer->type->params;
    while (param && param->key && strcmp(param->key, "tokens") != 0)
        param++;
    if (!param || !param->key || param->kind != FL_PARAM_INT)
        fail_msg("%s: takes tokens, but does not say how many",
                 layer->type->name);
    return *(const int64_t *)((const char *)layer->opts + param->offset);
}

/* Enough samples to be a batch, few enough for a test. */
static int64_t batch_for(int64_t macs)
{
    return macs > 50000000 ? 2 : macs > 20000000 ? 4 : macs > 500000 ? 10 : 5;
}

/* What a fresh number of a view is: centre +- bound. */
static void spread_of(const struct nn_model *model,
                      size_t view,
                      double *ret_centre,
                      double *ret_bound)
{
    const struct nn_layer *layer = &model->layers[model->views[view].layer];
    size_t at = view;
    while (at > 0 && model->views[at - 1].layer == model->views[view].layer)
        at--;
    const struct nn_tensor *tensor = &layer->info.tensor[view - at];
    *ret_centre = 0;
    *ret_bound = tensor->init_value;
    if (tensor->init == NN_INIT_FAN_IN)
        *ret_bound = 1 / sqrt((double)tensor->fan_in);
    if (tensor->init == NN_INIT_CONSTANT) { /* anything but 0 and 1 */
        *ret_centre = tensor->init_value;
        *ret_bound = 0.5;
    }
}

void torch_case_params(const struct torch_case *c, nn_real *ret)
{
    const struct nn_model *model = c->model;
    for (size_t v = 0; v < model->n_views; v++) {
        const struct nn_param_view *view = &model->views[v];
        double centre, bound;
        spread_of(model, v, &centre, &bound);
        for (int64_t i = view->offset; i < view->offset + view->size; i++)
            ret[i] =
                (nn_real)(float)(centre + torch_number(1, (uint64_t)i) * bound);
    }
}

void torch_case_batch(const struct torch_case *c,
                      uint32_t tag,
                      nn_real *ret_x,
                      int32_t *ret_labels)
{
    for (int64_t i = 0; i < c->n * c->n_in; i++) {
        uint64_t k = (uint64_t)i;
        ret_x[i] = c->n_tokens
                       ? (nn_real)(torch_hash(tag, k) % (uint64_t)c->n_tokens)
                       : (nn_real)(float)torch_number(tag, k);
    }
    for (int64_t i = 0; i < c->n; i++)
        ret_labels[i] = (int32_t)(torch_hash(tag + 1, (uint64_t)i) %
                                  (uint64_t)c->model->classes);
}

/* --- the case as JSON --------------------------------------------------- */

static void print_dims(FILE *out, const char *key, const int64_t *dim, int rank)
{
    fprintf(out, ", \"%s\": [", key);
    for (int i = 0; i < rank; i++)
        fprintf(out, "%s%" PRId64, i ? ", " : "", dim[i]);
    fprintf(out, "]");
}

static void print_opts(FILE *out, const struct nn_layer *layer)
{
    fprintf(out, ", \"opts\": {");
    const struct fl_param *first = layer->type->params;
    for (const struct fl_param *p = first; p && p->key; p++) {
        const char *value = (const char *)layer->opts + p->offset;
        fprintf(out, "%s\"%s\": ", p == first ? "" : ", ", p->key);
        if (p->kind == FL_PARAM_BOOL)
            fprintf(out, "%s", *(const bool *)value ? "true" : "false");
        else if (p->kind == FL_PARAM_INT)
            fprintf(out, "%" PRId64, *(const int64_t *)(const void *)value);
        else if (p->kind == FL_PARAM_DOUBLE)
            fprintf(out, "%.17g", *(const double *)(const void *)value);
        else if (p->kind == FL_PARAM_ENUM)
            fprintf(out, "\"%s\"",
                    p->choices[*(const int *)(const void *)value]);
        else
            fail_msg("%s: option %s of a kind that nothing prints",
                     layer->type->name, p->key);
    }
    fprintf(out, "}");
}

static void print_layer(FILE *out, const struct nn_layer *layer)
{
    fprintf(out,
            "{\"kind\": \"%s\", \"name\": \"%s\", \"from\": %" PRId64
            ", \"with\": %" PRId64,
            layer->type->name, layer->name, layer->source, layer->with);
    print_dims(out, "input", layer->input.dim, layer->input.rank);
    print_dims(out, "output", layer->info.output.dim, layer->info.output.rank);
    print_opts(out, layer);
    fprintf(out, "}");
}

static void print_view(FILE *out, const struct nn_model *model, size_t v)
{
    const struct nn_param_view *view = &model->views[v];
    double centre, bound;
    spread_of(model, v, &centre, &bound);
    fprintf(out,
            "{\"name\": \"%s\", \"layer\": %" PRId64
            ", \"is_torch_order\": %s, \"centre\": %.17g, \"bound\": %.17g",
            view->name, view->layer, view->is_torch_order ? "true" : "false",
            centre, bound);
    print_dims(out, "dim", view->dim, view->rank);
    fprintf(out, "}");
}

static void print_case(FILE *out, const struct torch_case *c)
{
    const struct nn_model *m = c->model;
    fprintf(out,
            "{\"name\": \"%s\", \"classes\": %" PRId64 ", \"batch\": %" PRId64
            ", \"tokens\": %" PRId64 ", \"sees_batch\": %s",
            c->name, m->classes, c->n, c->n_tokens,
            c->sees_batch ? "true" : "false");
    print_dims(out, "input", m->input.dim, m->input.rank);
    fprintf(out, ", \"layers\": [");
    for (size_t i = 0; i < m->n_layers; i++) {
        fprintf(out, "%s", i ? ", " : "");
        print_layer(out, &m->layers[i]);
    }
    fprintf(out, "], \"views\": [");
    for (size_t i = 0; i < m->n_views; i++) {
        fprintf(out, "%s", i ? ", " : "");
        print_view(out, m, i);
    }
    fprintf(out, "]}");
}

/* FNV-1a */
static void identify(struct torch_case *c)
{
    uint64_t h = 0xCBF29CE484222325u;
    for (const char *at = c->json; *at; at++)
        h = (h ^ (uint8_t)*at) * 0x100000001B3u;
    (void)snprintf(c->id, sizeof c->id, "%016" PRIx64, h);
}

bool torch_case_init(struct torch_case *ret, int index)
{
    struct spec *spec = fl_calloc(1, sizeof *spec);
    assert_non_null(spec);
    bool is_there = spec_init(spec, index);
    if (is_there) {
        *ret = (struct torch_case){.model = NULL};
        memcpy(ret->name, spec->name, sizeof ret->name);
        make_model(ret, spec);
        for (size_t i = 0; i < ret->model->n_layers; i++) {
            const struct nn_layer *layer = &ret->model->layers[i];
            if (layer->type->is_random)
                silence(layer);
            if (layer->type->takes_tokens)
                ret->n_tokens = tokens_of(layer);
            ret->sees_batch |= layer->type->sees_batch;
        }
        int64_t macs = nn_model_cost(ret->model).macs;
        ret->n = batch_for(macs);
        ret->macs = ret->n * macs;
        ret->n_in = nn_shape_size(&ret->model->input);
        size_t n_bytes = 0;
        FILE *out = open_memstream(&ret->json, &n_bytes);
        assert_non_null(out);
        print_case(out, ret);
        assert_int_equal(fclose(out), 0);
        identify(ret);
    }
    fl_free(spec);
    return is_there;
}

void torch_case_fini(struct torch_case *c)
{
    nn_model_destroy(c->model);
    fl_free(c->json);
    *c = (struct torch_case){.model = NULL};
}
