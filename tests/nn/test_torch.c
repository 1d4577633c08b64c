/* Our forwards, gradients and loss curves against PyTorch's in float64, from
 * the file that tests/nn/torch_reference.py writes, with every kernel table.
 * Built with float and with double.
 *
 *     test_nn_torch FILE          what is cheap (see QUICK_MACS)
 *     test_nn_torch FILE all      everything
 *     test_nn_torch --list        the cases as JSON, for torch_reference.py
 *
 * The measure: PyTorch's own float32 is some distance E from its float64, which
 * the file says for each tensor and each curve. Ours may be four times as far:
 * our sums run in one chain where PyTorch's run in several.
 */
#include "torch_cases.h"

#include "nn/kernels/table_priv.h"
#include "nn/train.h"

#include "base/alloc.h"
#include "base/parse.h"
#include "support/assert_near.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IS_DOUBLE  (sizeof(nn_real) == sizeof(double))
#define MAX_VALUES 200
#define STEPS      20

/* Multiply-accumulates of a batch up to which a case is run with every table;
 * up to the second one its curves are run at all. A test of everything is
 * labelled slow. */
#define QUICK_MACS  ((int64_t)4000000)
#define MEDIUM_MACS ((int64_t)40000000)

/* One line of the file: words and values. */
struct line {
    char *text;
    size_t capacity;
    const char *word, *name;
    double value[MAX_VALUES];
    size_t n;
};

/* What comes between "case" and "end", read again for each table. */
struct reference {
    const char *path;
    FILE *file;
    struct line line;
    bool has_line; /* not yet taken */
    long start;    /* of the case */
};

/* The comparison that came closest to what is allowed. */
struct closest {
    double share;
    char text[200];
};

struct net {
    struct torch_case c;
    struct closest *closest;
    const char *table;
    struct nn_workspace *ws;
    int64_t n_params;
    nn_real *params, *velocity, *grad, *x;
    int32_t *labels;
};

static const char *path;
static bool wants_all;

/* --- the file ---------------------------------------------------------- */

/* Cuts off the text up to the next space. */
static char *cut_word(char **at)
{
    char *word = *at, *end = word + strcspn(word, " \n");
    *at = *end ? end + 1 : end;
    *end = '\0';
    return word;
}

static void read_line(struct line *line)
{
    static const char *const named[] = {"case", "id", "tensor", "buffer"};
    char *at = line->text;
    line->n = 0;
    line->word = cut_word(&at);
    line->name = "";
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
        if (!strcmp(line->word, named[i]))
            line->name = cut_word(&at);
    while (*at) {
        struct fl_error err;
        assert_true(line->n < MAX_VALUES);
        assert_ok(fl_parse_double(cut_word(&at), -1e30, 1e30,
                                  &line->value[line->n++], &err),
                  &err);
    }
}

/* The next line's word, or "" behind the last. */
static const char *peek(struct reference *r)
{
    struct line *line = &r->line;
    while (!r->has_line) {
        if (getline(&line->text, &line->capacity, r->file) < 0)
            return "";
        if (line->text[0] == '#')
            continue;
        read_line(line);
        r->has_line = true;
    }
    return line->word;
}

static const struct line *take(struct reference *r, const char *word)
{
    if (strcmp(peek(r), word) != 0)
        fail_msg("%s: found '%s', expected '%s'", path, peek(r), word);
    r->has_line = false;
    return &r->line;
}

/* Goes to the lines of a case behind its name; false when it has none. */
static bool find_case(struct reference *r, const char *name)
{
    rewind(r->file);
    for (r->has_line = false; *peek(r); r->has_line = false)
        if (!strcmp(r->line.word, "case") && !strcmp(r->line.name, name)) {
            r->has_line = false;
            r->start = ftell(r->file);
            return true;
        }
    return false;
}

static void rewind_case(struct reference *r)
{
    r->has_line = false;
    assert_int_equal(fseek(r->file, r->start, SEEK_SET), 0);
}

/* --- the net ----------------------------------------------------------- */

static nn_real *numbers(int64_t n)
{
    nn_real *memory = fl_calloc((size_t)n, sizeof *memory);
    assert_non_null(memory);
    return memory;
}

static bool net_init(struct net *net, int index)
{
    struct fl_error err = {.text = ""};
    *net = (struct net){.ws = NULL};
    if (!torch_case_init(&net->c, index))
        return false;
    const struct nn_model *model = net->c.model;
    assert_ok(nn_workspace_create(model, net->c.n, &net->ws, &err), &err);
    net->n_params = nn_model_n_params(model);
    net->params = numbers(net->n_params);
    net->velocity = numbers(net->n_params);
    net->grad = numbers(net->n_params);
    net->x = numbers(net->c.n * net->c.n_in);
    net->labels = fl_calloc((size_t)net->c.n, sizeof *net->labels);
    assert_non_null(net->labels);
    return true;
}

static void net_fini(struct net *net)
{
    nn_workspace_destroy(net->ws);
    torch_case_fini(&net->c);
    fl_free(net->params);
    fl_free(net->velocity);
    fl_free(net->grad);
    fl_free(net->x);
    fl_free(net->labels);
}

static void reset(struct net *net)
{
    torch_case_params(&net->c, net->params);
    memset(net->velocity, 0, (size_t)net->n_params * sizeof *net->velocity);
}

/* --- comparing --------------------------------------------------------- */

/* What is compared, and which share of a number as large is allowed beside four
 * times PyTorch's own error, which may happen to be nothing. */
enum kind {
    LOSS,     /* some roundings, 6e-8 each */
    GRADIENT, /* a digit more: sums over samples and pixels of terms with signs
                 that are larger than what remains, some from Winograd's
                 transforms */
    CURVE,
    KIND_LAST_
};
/* Of the millions of ReLUs and poolings of a large net, some stand within a
 * rounding of the other choice and take it: the loss knows nothing of it, but a
 * gradient and what is learnt from it jump. In double they do not. */
static const double share_of[KIND_LAST_][2] = {
    [LOSS] = {1e-6, 1e-6}, [GRADIENT] = {6e-6, 1e-2}, [CURVE] = {1e-6, 5e-5}};

/* In double PyTorch's error is not known: 29 bits below that of float32, within
 * a factor of 32; and the file has 12 digits. */
struct target {
    double value, error; /* PyTorch's */
    enum kind kind;
    double scale;
};

static void
check(const struct net *net, const char *what, double ours, struct target ref)
{
    double share = share_of[ref.kind][net->c.macs > QUICK_MACS];
    double allowed = IS_DOUBLE ? 32 * ldexp(ref.error, -29) + 1e-11 * ref.scale
                               : 4 * ref.error + share * ref.scale;
    double found = fabs(ours - ref.value);
    if (found > net->closest->share * allowed) {
        net->closest->share = found / allowed;
        (void)snprintf(net->closest->text, sizeof net->closest->text,
                       "%s with %s: %s", net->c.name, net->table, what);
    }
    if (!(found <= allowed))
        fail_msg("%s with %s: %s, found %.12g, PyTorch %.12g, which is %.3g "
                 "apart, allowed %.3g (its float32: %.3g)",
                 net->c.name, net->table, what, ours, ref.value, found, allowed,
                 ref.error);
}

static double dot(const nn_real *v, int64_t n, uint32_t tag)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (double)v[i] * torch_number(tag, (uint64_t)i);
    return sum;
}

static double norm(const nn_real *v, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (double)v[i] * (double)v[i];
    return sqrt(sum);
}

/* Loss of sample b if its label were j: differences are those of logits. */
static double loss_as(struct net *net, int64_t b, int32_t j, bool is_training)
{
    struct fl_error err = {.text = ""};
    struct fl_rng rng = fl_rng_stream(0, FL_RNG_DROPOUT, 0, 0);
    if (!is_training) {
        struct nn_score score = {.n = 0};
        assert_ok(nn_evaluate(net->ws, net->params, net->x + b * net->c.n_in,
                              &j, 1, &score, &err),
                  &err);
        return score.loss_sum;
    }
    double loss;
    int32_t before = net->labels[b];
    net->labels[b] = j;
    assert_ok(nn_gradient(net->ws, net->params, net->x, net->labels, net->c.n,
                          &rng, net->grad, &loss, &err),
              &err);
    net->labels[b] = before;
    return loss * (double)net->c.n;
}

/* Logits through the public door: the loss of class j on one sample is
 * log-sum-exp minus logit j. */
static void
compare_logits(struct net *net, const struct line *line, bool is_training)
{
    int64_t classes = net->c.model->classes;
    const double *z = line->value + 1;
    assert_true(line->n >= 1 + (size_t)classes);
    for (int64_t b = 0; (size_t)((b + 1) * classes) < line->n; b++) {
        double first = loss_as(net, b, 0, is_training);
        double scale = 1; /* of the loss, whose digits the difference has */
        for (int64_t j = 0; j < classes; j++)
            scale = fmax(scale, fabs(z[b * classes + j]));
        if (is_training)
            scale *= (double)net->c.n;
        for (int32_t j = 0; j < classes; j++) {
            check(net, is_training ? "logit in training" : "logit",
                  first - loss_as(net, b, j, is_training),
                  (struct target){z[b * classes + j] - z[b * classes],
                                  2 * line->value[0], LOSS, scale});
        }
    }
}

static void compare_tensor(struct net *net, const struct line *line)
{
    const struct nn_model *model = net->c.model;
    uint32_t v = 0;
    while (v < model->n_views && strcmp(model->views[v].name, line->name) != 0)
        v++;
    assert_true(v < model->n_views);
    const struct nn_param_view *view = &model->views[v];
    const nn_real *grad = net->grad + view->offset;
    const double *of = line->value; /* distance, largest, norm, product, ... */
    char what[100];
    (void)snprintf(what, sizeof what, "gradient of %s, its norm", line->name);
    check(net, what, norm(grad, view->size),
          (struct target){of[2], of[0], GRADIENT, of[2]});
    (void)snprintf(what, sizeof what, "gradient of %s, a product", line->name);
    check(net, what, dot(grad, view->size, 500 + v),
          (struct target){of[3], of[0], GRADIENT, of[2]});
    (void)snprintf(what, sizeof what, "gradient of %s, a number", line->name);
    assert_true(line->n > 4);
    for (size_t i = 4; i < line->n; i++) {
        uint64_t at = torch_hash(1000 + v, i - 4) % (uint64_t)view->size;
        /* relative to the tensor: single elements are differences */
        check(net, what, (double)grad[at],
              (struct target){of[i], of[1], GRADIENT,
                              fabs(of[i]) + of[2] / sqrt((double)view->size)});
    }
}

static void compare_gradient(struct net *net, struct reference *r)
{
    struct fl_error err = {.text = ""};
    struct fl_rng rng = fl_rng_stream(0, FL_RNG_DROPOUT, 0, 0);
    double loss;
    reset(net);
    torch_case_batch(&net->c, 2, net->x, net->labels);
    compare_logits(net, take(r, "logits"), false);
    if (net->c.sees_batch)
        compare_logits(net, take(r, "training"), true);
    assert_ok(nn_gradient(net->ws, net->params, net->x, net->labels, net->c.n,
                          &rng, net->grad, &loss, &err),
              &err);
    const struct line *line = take(r, "loss");
    check(net, "loss", loss,
          (struct target){line->value[1], line->value[0], LOSS, loss});
    const struct nn_model *model = net->c.model;
    for (size_t i = 0; i < model->n_layers; i++) {
        const struct nn_layer *layer = &model->layers[i];
        for (int t = 0; t < layer->info.n_tensors; t++)
            if (!layer->info.tensor[t].is_buffer)
                compare_tensor(net, take(r, "tensor"));
    }
}

static void compare_buffers(struct net *net, struct reference *r)
{
    const struct nn_model *model = net->c.model;
    for (size_t v = 0; v < model->n_views; v++) {
        const struct nn_param_view *view = &model->views[v];
        const struct nn_layer *layer = &model->layers[view->layer];
        if (view->offset < layer->param_offset + layer->n_trained)
            continue;
        const struct line *line = take(r, "buffer");
        assert_string_equal(line->name, view->name);
        assert_true(line->n > 1);
        for (size_t i = 1; i < line->n; i++)
            check(net, view->name,
                  (double)net->params[view->offset + (int64_t)i - 1],
                  (struct target){line->value[i], line->value[0], CURVE,
                                  fabs(line->value[i])});
    }
}

/* How far the trained parameters moved from where they started. */
static void compare_moved(struct net *net, const struct line *line)
{
    const struct nn_model *model = net->c.model;
    int64_t n = 0;
    nn_real *moved = net->velocity;
    torch_case_params(&net->c, net->grad);
    for (size_t i = 0; i < model->n_layers; i++)
        for (int64_t k = 0; k < model->layers[i].n_trained; k++, n++) {
            int64_t at = model->layers[i].param_offset + k;
            moved[n] = net->params[at] - net->grad[at];
        }
    const double *of = line->value;
    check(net, "way of the parameters, its length", norm(moved, n),
          (struct target){of[1], of[0], GRADIENT, of[1]});
    check(net, "way of the parameters, a product", dot(moved, n, 3),
          (struct target){of[2], of[0], GRADIENT, of[1]});
}

static void compare_curve(struct net *net, struct reference *r)
{
    struct fl_error err = {.text = ""};
    struct fl_rng rng = fl_rng_stream(0, FL_RNG_DROPOUT, 0, 0);
    const struct line *line = take(r, "curve");
    assert_int_equal(line->n, 3);
    const struct nn_optimizer_opts sgd = {.lr = line->value[0],
                                          .momentum = line->value[1],
                                          .weight_decay = line->value[2]};
    double expected[STEPS];
    line = take(r, "losses");
    assert_int_equal(line->n, STEPS);
    memcpy(expected, line->value, sizeof expected);
    line = take(r, "drift");
    assert_int_equal(line->n, STEPS);
    reset(net);
    for (uint32_t step = 0; step < STEPS; step++) {
        double loss;
        torch_case_batch(&net->c, 10 + 2 * step, net->x, net->labels);
        assert_ok(nn_train_step(net->ws, &sgd, net->params, net->velocity, NULL,
                                net->x, net->labels, net->c.n, &rng, &loss,
                                &err),
                  &err);
        /* what a step loses is trained on by the next ones */
        check(net, "curve", loss,
              (struct target){expected[step], line->value[step], CURVE,
                              (1 + 0.2 * step) * loss});
    }
    struct nn_score score = {.n = 0};
    torch_case_batch(&net->c, 2, net->x, net->labels);
    assert_ok(nn_evaluate(net->ws, net->params, net->x, net->labels, net->c.n,
                          &score, &err),
              &err);
    line = take(r, "after");
    check(net, "loss after training", score.loss_sum,
          (struct target){line->value[1], line->value[0], CURVE,
                          5 * score.loss_sum});
    compare_moved(net, take(r, "moved"));
    compare_buffers(net, r);
}

/* Whether to compare a case: without vectors, large ones only under "all". */
static bool is_wanted(const struct torch_case *c)
{
    return wants_all || c->macs <= MEDIUM_MACS ||
           strcmp(nn_kernels_at(0)->name, "portable") != 0;
}

static void compare_case(struct net *net, struct reference *r)
{
    bool is_quick = net->c.macs <= QUICK_MACS, is_first = true;
    const struct nn_kernels *kernels;
    for (int i = 0; (kernels = nn_kernels_at(i)); i++) {
        if (!is_first && !is_quick && !wants_all)
            break;
        nn_workspace_use_kernels(net->ws, kernels);
        net->table = kernels->name;
        rewind_case(r);
        const struct line *id = take(r, "id");
        if (strcmp(id->name, net->c.id) != 0)
            fail_msg("%s: %s has changed since; write the file anew with "
                     "tests/nn/torch_reference.py",
                     path, net->c.name);
        compare_gradient(net, r);
        while ((wants_all || net->c.macs <= MEDIUM_MACS) &&
               !strcmp(peek(r), "curve"))
            compare_curve(net, r);
        is_first = false;
    }
}

static void test_every_case_agrees_with_pytorch(void **state)
{
    (void)state;
    struct reference r = {.path = path, .file = fopen(path, "r")};
    if (!r.file)
        fail_msg("%s: cannot be read", path);
    struct net net;
    struct closest closest = {.share = 0};
    for (int i = 0; net_init(&net, i); i++) {
        net.closest = &closest;
        if (!find_case(&r, net.c.name))
            fail_msg("%s: nothing about %s; write the file anew with "
                     "tests/nn/torch_reference.py",
                     path, net.c.name);
        if (is_wanted(&net.c))
            compare_case(&net, &r);
        net_fini(&net);
    }
    print_message("closest: %.2f of what is allowed, %s\n", closest.share,
                  closest.text);
    assert_true(closest.share > 0); /* something was compared */
    (void)fclose(r.file);
    fl_free(r.line.text);
}

static int list(void)
{
    struct torch_case c;
    for (int i = 0; torch_case_init(&c, i); i++) {
        printf("{\"id\": \"%s\", %s\n", c.id, c.json + 1);
        torch_case_fini(&c);
    }
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "--list"))
        return list();
    wants_all = argc == 3 && !strcmp(argv[2], "all");
    if (argc != 2 && !wants_all) {
        fprintf(stderr, "usage: test_nn_torch REFERENCE [all] | --list\n");
        return EXIT_FAILURE;
    }
    path = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_case_agrees_with_pytorch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
