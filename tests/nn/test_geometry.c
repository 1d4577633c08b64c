/* Convolutions and poolings on random shapes against plain loops, with every
 * kernel table: windows larger than the image, steps larger than windows,
 * padding on which no number of the image shows, channels around the widths of
 * vectors. Built with float and with double. */
#include "nn/kernels/table_priv.h"
#include "nn/layer.h"
#include "nn/model_priv.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "support/assert_near.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define IS_DOUBLE (sizeof(nn_real) == sizeof(double))
#define MAX_MACS  400000
#define N_CASES   250 /* of each kind */
#define N_SAMPLES 2

/* Of the sum of the terms' sizes: half a rounding (6e-8 in float) for each of
 * some root of 2,000 terms, and Winograd's transforms, whose factors are below
 * 8. */
#define TOLERANCE (IS_DOUBLE ? 4e-14 : 2e-5)

enum kind { CONV, DEPTHWISE, MAXPOOL, AVGPOOL, KIND_LAST_ };

struct shape {
    enum kind kind;
    int64_t h, w, c, oc, kernel, stride, padding, oh, ow;
};

/* A result and the sum of the sizes of its terms. */
struct sums {
    double *value, *size;
    int64_t n;
};

struct task {
    struct shape s;
    char yaml[160];
    struct fl_config *config;
    struct nn_layer layer;
    int64_t in, out, n_params;
    nn_real *x, *dy, *params;
    struct sums y, dx, dparams; /* expected */
};

/* What a kernel table makes of a task. */
struct result {
    const char *table;
    nn_real *y, *dx, *dparams;
};

/* --- random shapes ------------------------------------------------------ */

static int64_t between(struct fl_rng *rng, int64_t low, int64_t high)
{
    return low + (int64_t)fl_rng_below(rng, (uint64_t)(high - low + 1));
}

static int64_t some_channels(struct fl_rng *rng)
{
    static const int64_t edges[] = {1,  2,  3,  4,  5,  7,  8,  9, 12,
                                    15, 16, 17, 24, 31, 32, 33, 40};
    uint64_t n = sizeof edges / sizeof edges[0];
    return fl_rng_below(rng, 3) ? edges[fl_rng_below(rng, n)]
                                : between(rng, 1, 40);
}

static bool draw(struct shape *s, enum kind kind, struct fl_rng *rng)
{
    *s = (struct shape){.kind = kind,
                        .h = between(rng, 1, 13),
                        .w = between(rng, 1, 13),
                        .c = some_channels(rng),
                        .kernel = between(rng, 1, 7),
                        .stride = between(rng, 1, 4)};
    if (fl_rng_below(rng, 2)) /* what nets are made of */
        s->stride = 1;
    if (kind == CONV || kind == DEPTHWISE)
        s->padding = fl_rng_below(rng, 2) ? (s->kernel - 1) / 2
                                          : between(rng, 0, s->kernel + 1);
    s->oc = kind == CONV ? some_channels(rng) : s->c;
    int64_t least = s->h < s->w ? s->h : s->w;
    if (s->kernel > least + 2 * s->padding)
        return false;
    s->oh = (s->h + 2 * s->padding - s->kernel) / s->stride + 1;
    s->ow = (s->w + 2 * s->padding - s->kernel) / s->stride + 1;
    return s->oh * s->ow * s->oc * s->kernel * s->kernel *
               (kind == CONV ? s->c : 1) <=
           MAX_MACS;
}

static void write_yaml(struct task *t, bool has_bias)
{
    static const char *const names[] = {"conv2d", "depthwise2d", "maxpool2d",
                                        "avgpool2d"};
    const struct shape *s = &t->s;
    char channels[32] = "", padding[64] = "";
    if (s->kind == CONV)
        (void)snprintf(channels, sizeof channels, ", channels: %" PRId64,
                       s->oc);
    if (s->kind == CONV || s->kind == DEPTHWISE)
        (void)snprintf(padding, sizeof padding,
                       ", padding: %" PRId64 ", bias: %s", s->padding,
                       has_bias ? "true" : "false");
    int n = snprintf(t->yaml, sizeof t->yaml,
                     "{kind: %s, kernel: %" PRId64 ", stride: %" PRId64 "%s%s}",
                     names[s->kind], s->kernel, s->stride, channels, padding);
    assert_true(n > 0 && (size_t)n < sizeof t->yaml);
}

/* --- plain loops --------------------------------------------------------- */

static void add(struct sums *sums, int64_t at, double term)
{
    assert_true(at >= 0 && at < sums->n);
    sums->value[at] += term;
    sums->size[at] += fabs(term);
}

/* One pixel of x under one place of the window over one pixel of y. */
static void
meet(struct task *t, int64_t x_pixel, int64_t y_pixel, int64_t place)
{
    const struct shape *s = &t->s;
    const nn_real *x = t->x + x_pixel * s->c, *dy = t->dy + y_pixel * s->oc;
    double share = 1 / (double)(s->kernel * s->kernel);
    for (int64_t o = 0; o < s->oc; o++) {
        int64_t first = s->kind == CONV ? 0 : o;
        int64_t end = s->kind == CONV ? s->c : o + 1;
        for (int64_t i = first; i < end; i++) {
            int64_t w = s->kind == CONV ? (place * s->c + i) * s->oc + o
                                        : place * s->c + o;
            double weight = s->kind == AVGPOOL ? share : (double)t->params[w];
            add(&t->y, y_pixel * s->oc + o, (double)x[i] * weight);
            add(&t->dx, x_pixel * s->c + i, (double)dy[o] * weight);
            if (s->kind != AVGPOOL)
                add(&t->dparams, w, (double)x[i] * (double)dy[o]);
        }
    }
}

/* The largest of a window, the first of several. */
static void choose(struct task *t, int64_t b, int64_t oy, int64_t ox)
{
    const struct shape *s = &t->s;
    int64_t y_pixel = (b * s->oh + oy) * s->ow + ox;
    for (int64_t c = 0; c < s->c; c++) {
        int64_t best = -1;
        for (int64_t ky = 0; ky < s->kernel; ky++)
            for (int64_t kx = 0; kx < s->kernel; kx++) {
                int64_t at = ((b * s->h + oy * s->stride + ky) * s->w +
                              ox * s->stride + kx) *
                                 s->c +
                             c;
                if (best < 0 || t->x[at] > t->x[best])
                    best = at;
            }
        add(&t->y, y_pixel * s->c + c, (double)t->x[best]);
        add(&t->dx, best, (double)t->dy[y_pixel * s->c + c]);
    }
}

static void slide(struct task *t, int64_t b, int64_t oy, int64_t ox)
{
    const struct shape *s = &t->s;
    int64_t y_pixel = (b * s->oh + oy) * s->ow + ox;
    for (int64_t ky = 0; ky < s->kernel; ky++)
        for (int64_t kx = 0; kx < s->kernel; kx++) {
            int64_t iy = oy * s->stride - s->padding + ky;
            int64_t ix = ox * s->stride - s->padding + kx;
            if (iy >= 0 && iy < s->h && ix >= 0 && ix < s->w)
                meet(t, (b * s->h + iy) * s->w + ix, y_pixel,
                     ky * s->kernel + kx);
        }
    int64_t n_weights = t->layer.n_params ? t->layer.n_params - s->oc : 0;
    for (int64_t o = 0; t->layer.info.n_tensors == 2 && o < s->oc; o++) {
        add(&t->y, y_pixel * s->oc + o, (double)t->params[n_weights + o]);
        add(&t->dparams, n_weights + o, (double)t->dy[y_pixel * s->oc + o]);
    }
}

static void expect(struct task *t)
{
    for (int64_t b = 0; b < N_SAMPLES; b++)
        for (int64_t oy = 0; oy < t->s.oh; oy++)
            for (int64_t ox = 0; ox < t->s.ow; ox++)
                if (t->s.kind == MAXPOOL)
                    choose(t, b, oy, ox);
                else
                    slide(t, b, oy, ox);
}

/* --- a task -------------------------------------------------------------- */

static void *memory(int64_t n, size_t size)
{
    void *piece = fl_calloc((size_t)(n ? n : 1), size);
    assert_non_null(piece);
    return piece;
}

static nn_real *filled(int64_t n, struct fl_rng *rng)
{
    nn_real *v = memory(n, sizeof *v);
    for (int64_t i = 0; i < n; i++)
        v[i] = (nn_real)(2 * fl_rng_uniform(rng) - 1);
    return v;
}

static struct sums sums_of(int64_t n)
{
    return (struct sums){memory(n, sizeof(double)), memory(n, sizeof(double)),
                         n};
}

static void task_init(struct task *t, struct fl_rng *rng)
{
    struct fl_error err = {.text = ""};
    const struct nn_shape input = {3, {t->s.h, t->s.w, t->s.c}};
    write_yaml(t, fl_rng_below(rng, 4) > 0);
    assert_ok(
        fl_config_parse("random", t->yaml, strlen(t->yaml), &t->config, &err),
        &err);
    assert_ok(nn_layer_init(&t->layer, t->config, fl_config_root(t->config),
                            &input, 10, &err),
              &err);
    assert_ok(fl_config_check(t->config, &err), &err);
    t->in = N_SAMPLES * nn_shape_size(&input);
    t->out = N_SAMPLES * nn_shape_size(&t->layer.info.output);
    assert_int_equal(t->out, N_SAMPLES * t->s.oh * t->s.ow * t->s.oc);
    t->n_params = t->layer.n_params;
    t->x = filled(t->in, rng);
    t->dy = filled(t->out, rng);
    t->params = filled(t->n_params, rng);
    t->y = sums_of(t->out);
    t->dx = sums_of(t->in);
    t->dparams = sums_of(t->n_params);
    expect(t);
}

static void task_fini(struct task *t)
{
    struct sums *sums[] = {&t->y, &t->dx, &t->dparams};
    for (int i = 0; i < 3; i++) {
        fl_free(sums[i]->value);
        fl_free(sums[i]->size);
    }
    fl_free(t->x);
    fl_free(t->dy);
    fl_free(t->params);
    nn_layer_fini(&t->layer);
    fl_config_destroy(t->config);
}

static void compute(const struct task *t,
                    const struct nn_kernels *kernels,
                    struct result *r)
{
    const struct nn_layer_type *type = t->layer.type;
    const struct nn_layer_info *info = &t->layer.info;
    size_t scratch =
        info->scratch_bytes + N_SAMPLES * info->scratch_sample_bytes;
    *r = (struct result){.table = kernels->name,
                         .y = memory(t->out, sizeof(nn_real)),
                         .dx = memory(t->in, sizeof(nn_real)),
                         .dparams = memory(t->n_params, sizeof(nn_real))};
    memset(r->y, 0xFF, (size_t)t->out * sizeof *r->y); /* NaN */
    memset(r->dx, 0xFF, (size_t)t->in * sizeof *r->dx);
    unsigned char *state =
        memory(N_SAMPLES * (int64_t)info->state_bytes + 64, 1);
    unsigned char *work =
        memory((int64_t)(scratch + info->prepared_bytes) + 192, 1);
    unsigned char *prepared = work + (64 - (uintptr_t)work % 64);
    unsigned char *rest = prepared + (info->prepared_bytes + 63) / 64 * 64;
    struct nn_call call = {.kernels = kernels,
                           .opts = t->layer.opts,
                           .input = &t->layer.input,
                           .output = &info->output,
                           .n = N_SAMPLES,
                           .is_training = true,
                           .state = state,
                           .prepared = prepared,
                           .scratch = rest};
    type->forward(&call, t->params, t->x, r->y);
    if (type->prepare)
        type->prepare(&call, t->params);
    type->backward(&call, t->params, type->needs_x ? t->x : NULL,
                   type->needs_y ? r->y : NULL, t->dy, r->dx, r->dparams);
    fl_free(state);
    fl_free(work);
}

static void result_fini(struct result *r)
{
    fl_free(r->y);
    fl_free(r->dx);
    fl_free(r->dparams);
}

static void compare(const struct task *t,
                    const struct result *r,
                    const char *what,
                    const nn_real *found,
                    const struct sums *expected)
{
    for (int64_t i = 0; i < expected->n; i++) {
        double apart = fabs((double)found[i] - expected->value[i]);
        if (!(apart <= TOLERANCE * expected->size[i]))
            fail_msg("%s on %" PRId64 "x%" PRId64 "x%" PRId64
                     " with %s: %s[%" PRId64 "], found %.9g, expected %.9g",
                     t->yaml, t->s.h, t->s.w, t->s.c, r->table, what, i,
                     (double)found[i], expected->value[i]);
    }
}

static void assert_same_bits(const struct task *t,
                             const struct result *a,
                             const struct result *b)
{
    size_t size = sizeof(nn_real);
    if (memcmp(a->y, b->y, (size_t)t->out * size) != 0 ||
        memcmp(a->dx, b->dx, (size_t)t->in * size) != 0 ||
        memcmp(a->dparams, b->dparams, (size_t)t->n_params * size) != 0)
        fail_msg("%s on %" PRId64 "x%" PRId64 "x%" PRId64
                 ": %s and %s give other bits",
                 t->yaml, t->s.h, t->s.w, t->s.c, a->table, b->table);
}

/* Tables with fused multiply-add agree to the bit (nn/kernels/table_priv.h). */
static bool has_fma(const struct nn_kernels *kernels)
{
    return strcmp(kernels->name, "portable") != 0;
}

static void check_task(const struct task *t)
{
    struct result first = {.table = NULL};
    const struct nn_kernels *kernels;
    for (int i = 0; (kernels = nn_kernels_at(i)); i++) {
        struct result r;
        compute(t, kernels, &r);
        compare(t, &r, "y", r.y, &t->y);
        compare(t, &r, "dx", r.dx, &t->dx);
        compare(t, &r, "dparams", r.dparams, &t->dparams);
        if (has_fma(kernels) && first.table)
            assert_same_bits(t, &first, &r);
        if (i == 0)
            first = r;
        else
            result_fini(&r);
    }
    result_fini(&first);
}

static void check_kind(enum kind kind)
{
    struct fl_rng rng = fl_rng_stream(20, FL_RNG_TEST, (uint64_t)kind, 0);
    for (int done = 0; done < N_CASES;) {
        struct task t = {.config = NULL};
        if (!draw(&t.s, kind, &rng))
            continue;
        task_init(&t, &rng);
        check_task(&t);
        task_fini(&t);
        done++;
    }
}

static void test_convolutions_of_any_shape_agree_with_plain_loops(void **state)
{
    (void)state;
    check_kind(CONV);
}

static void
test_depthwise_ones_of_any_shape_agree_with_plain_loops(void **state)
{
    (void)state;
    check_kind(DEPTHWISE);
}

static void test_max_poolings_of_any_shape_agree_with_plain_loops(void **state)
{
    (void)state;
    check_kind(MAXPOOL);
}

static void test_mean_poolings_of_any_shape_agree_with_plain_loops(void **state)
{
    (void)state;
    check_kind(AVGPOOL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convolutions_of_any_shape_agree_with_plain_loops),
        cmocka_unit_test(
            test_depthwise_ones_of_any_shape_agree_with_plain_loops),
        cmocka_unit_test(test_max_poolings_of_any_shape_agree_with_plain_loops),
        cmocka_unit_test(
            test_mean_poolings_of_any_shape_agree_with_plain_loops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
