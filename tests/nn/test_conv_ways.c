/* Convolutions by Winograd and by patches against plain loops in double, for
 * every kernel table: values, the numeric error that nn/conv_way_priv.h states,
 * and that the tables with fused multiply-add give the same bits. */
#include "nn/conv_way_priv.h"
#include "nn/kernels/table_priv.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "support/assert_near.h"

#include <math.h>
#include <string.h>

#define IMAGES    3
#define IS_DOUBLE (sizeof(nn_real) == sizeof(double))

struct numbers {
    struct nn_conv v;
    int64_t n_x, n_y, n_w;
    nn_real *x, *y, *w, *bias, *dy, *dx, *dw, *scratch;
    double *expected; /* of the largest of them */
};

static nn_real *drawn(int64_t n, uint64_t stream, double scale)
{
    nn_real *ret = fl_calloc((size_t)n, sizeof *ret);
    assert_non_null(ret);
    struct fl_rng rng = fl_rng_stream(5, FL_RNG_TEST, stream, 0);
    for (int64_t i = 0; i < n; i++)
        ret[i] = (nn_real)(scale * fl_rng_normal(&rng));
    return ret;
}

static void set_up(struct numbers *m, struct nn_conv v)
{
    v.out_h = (v.h + 2 * v.padding - v.kernel) / v.stride + 1;
    v.out_w = (v.w + 2 * v.padding - v.kernel) / v.stride + 1;
    *m = (struct numbers){.v = v,
                          .n_x = IMAGES * v.h * v.w * v.c,
                          .n_y = IMAGES * v.out_h * v.out_w * v.out_c,
                          .n_w = v.kernel * v.kernel * v.c * v.out_c};
    m->x = drawn(m->n_x, 1, 1);
    m->dy = drawn(m->n_y, 2, 1);
    m->w = drawn(m->n_w, 3, 1 / sqrt((double)(v.kernel * v.kernel * v.c)));
    m->bias = drawn(v.out_c, 4, 1);
    m->y = drawn(m->n_y, 5, 1);
    m->dx = drawn(m->n_x, 6, 1);
    m->dw = drawn(m->n_w, 7, 0);
    const struct nn_conv_way *way = nn_conv_way_of(&m->v);
    assert_non_null(way);
    m->scratch = fl_calloc(1, way->scratch_bytes(&m->v));
    int64_t most = m->n_x > m->n_y ? m->n_x : m->n_y;
    m->expected =
        fl_calloc((size_t)(most > m->n_w ? most : m->n_w), sizeof *m->expected);
    assert_true(m->scratch && m->expected);
}

static void tear_down(struct numbers *m)
{
    nn_real *all[] = {m->x,  m->y,  m->w,  m->bias,
                      m->dy, m->dx, m->dw, m->scratch};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        fl_free(all[i]);
    fl_free(m->expected);
}

enum part { FORWARD, DX, DW };

/* One output pixel's share of expected. */
static void add_pixel(struct numbers *m, enum part part, int64_t pixel)
{
    const struct nn_conv *v = &m->v;
    int64_t image = pixel / (v->out_h * v->out_w);
    int64_t oy = pixel / v->out_w % v->out_h, ox = pixel % v->out_w;
    for (int64_t tap = 0; tap < v->kernel * v->kernel; tap++) {
        int64_t iy = oy * v->stride - v->padding + tap / v->kernel;
        int64_t ix = ox * v->stride - v->padding + tap % v->kernel;
        if (iy < 0 || iy >= v->h || ix < 0 || ix >= v->w)
            continue;
        for (int64_t c = 0; c < v->c; c++)
            for (int64_t o = 0; o < v->out_c; o++) {
                int64_t x = ((image * v->h + iy) * v->w + ix) * v->c + c;
                int64_t w = (tap * v->c + c) * v->out_c + o;
                int64_t y = pixel * v->out_c + o;
                if (part == FORWARD)
                    m->expected[y] += (double)m->x[x] * (double)m->w[w];
                else if (part == DX)
                    m->expected[x] += (double)m->dy[y] * (double)m->w[w];
                else
                    m->expected[w] += (double)m->x[x] * (double)m->dy[y];
            }
    }
}

static void expect(struct numbers *m, enum part part)
{
    int64_t n = part == FORWARD ? m->n_y : part == DX ? m->n_x : m->n_w;
    memset(m->expected, 0, (size_t)n * sizeof *m->expected);
    for (int64_t pixel = 0; pixel < m->n_y / m->v.out_c; pixel++)
        add_pixel(m, part, pixel);
    for (int64_t i = 0; part == FORWARD && i < n; i++)
        m->expected[i] += (double)m->bias[i % m->v.out_c];
}

/* Root mean square of what is off, in parts of that of the expected. */
static double
relative_error(const nn_real *found, const double *expected, int64_t n)
{
    double off = 0, all = 0;
    for (int64_t i = 0; i < n; i++) {
        off +=
            ((double)found[i] - expected[i]) * ((double)found[i] - expected[i]);
        all += expected[i] * expected[i];
    }
    return sqrt(off / all);
}

static void compute(struct numbers *m, const struct nn_kernels *kernels)
{
    const struct nn_conv_way *way = nn_conv_way_of(&m->v);
    memset(m->dw, 0, (size_t)m->n_w * sizeof *m->dw);
    way->forward(kernels, &m->v, IMAGES, m->w, m->bias, m->x, m->y, m->scratch);
    way->dx(kernels, &m->v, IMAGES, m->w, m->dy, m->dx, m->scratch);
    way->dw(kernels, &m->v, IMAGES, m->x, m->dy, m->dw, m->scratch);
}

static void check(struct nn_conv v, const struct nn_conv_way *way)
{
    struct numbers m;
    set_up(&m, v);
    assert_ptr_equal(nn_conv_way_of(&m.v), way);
    const struct nn_kernels *kernels;
    for (int i = 0; (kernels = nn_kernels_at(i)); i++) {
        compute(&m, kernels);
        /* Winograd: the stated error, with room for rounding twice per term;
         * a direct sum of up to 5000 terms stays below 2e-6 */
        double most = IS_DOUBLE                  ? 1e-14
                      : way == &nn_conv_winograd ? 5e-6
                                                 : 2e-6;
        expect(&m, FORWARD);
        assert_true(relative_error(m.y, m.expected, m.n_y) < most);
        expect(&m, DX);
        assert_true(relative_error(m.dx, m.expected, m.n_x) < most);
        expect(&m, DW);
        assert_true(relative_error(m.dw, m.expected, m.n_w) < most);
    }
    tear_down(&m);
}

static void test_winograd_agrees_with_plain_loops(void **state)
{
    (void)state;
    static const struct nn_conv sizes[] = {
        {.h = 9, .w = 8, .c = 16, .out_c = 16, .padding = 1},
        {.h = 16, .w = 14, .c = 40, .out_c = 33, .padding = 0},
        {.h = 6, .w = 6, .c = 65, .out_c = 130, .padding = 2},
        {.h = 32, .w = 32, .c = 16, .out_c = 17, .padding = 1},
        {.h = 4, .w = 4, .c = 512, .out_c = 96, .padding = 1},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct nn_conv v = sizes[i];
        v.kernel = 3;
        v.stride = 1;
        check(v, &nn_conv_winograd);
    }
}

static void test_patches_agree_with_plain_loops(void **state)
{
    (void)state;
    static const struct nn_conv sizes[] = {
        {.h = 8, .w = 7, .c = 33, .out_c = 50, .kernel = 1, .stride = 1},
        {.h = 20, .w = 20, .c = 300, .out_c = 16, .kernel = 1, .stride = 1},
        {.h = 7, .w = 8, .c = 16, .out_c = 31, .kernel = 1, .stride = 2},
        {.h = 8,
         .w = 8,
         .c = 64,
         .out_c = 70,
         .kernel = 3,
         .stride = 2,
         .padding = 1},
        {.h = 3,
         .w = 5,
         .c = 17,
         .out_c = 300,
         .kernel = 5,
         .stride = 2,
         .padding = 4},
        {.h = 5, .w = 5, .c = 16, .out_c = 8, .kernel = 2, .stride = 4},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        check(sizes[i], &nn_conv_patches);
}

static void test_tables_with_fused_multiply_add_agree(void **state)
{
    (void)state;
    const struct nn_kernels *a = nn_kernels_at(0), *b = nn_kernels_at(1);
    if (!b || !nn_kernels_at(2))
        skip(); /* one of them is portable */
    static const struct nn_conv sizes[] = {
        {.h = 9,
         .w = 8,
         .c = 40,
         .out_c = 70,
         .kernel = 3,
         .stride = 1,
         .padding = 1},
        {.h = 9,
         .w = 8,
         .c = 40,
         .out_c = 70,
         .kernel = 3,
         .stride = 2,
         .padding = 1},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct numbers m, other;
        set_up(&m, sizes[i]);
        set_up(&other, sizes[i]);
        compute(&m, a);
        compute(&other, b);
        assert_memory_equal(m.y, other.y, (size_t)m.n_y * sizeof *m.y);
        assert_memory_equal(m.dx, other.dx, (size_t)m.n_x * sizeof *m.dx);
        assert_memory_equal(m.dw, other.dw, (size_t)m.n_w * sizeof *m.dw);
        tear_down(&m);
        tear_down(&other);
    }
}

static void test_few_channels_are_walked_image_by_image(void **state)
{
    (void)state;
    struct nn_conv stem = {.h = 32,
                           .w = 32,
                           .c = 3,
                           .out_h = 32,
                           .out_w = 32,
                           .out_c = 64,
                           .kernel = 3,
                           .stride = 1,
                           .padding = 1};
    assert_null(nn_conv_way_of(&stem));
    struct nn_conv lenet = {.h = 14,
                            .w = 14,
                            .c = 6,
                            .out_h = 10,
                            .out_w = 10,
                            .out_c = 16,
                            .kernel = 5,
                            .stride = 1};
    assert_null(nn_conv_way_of(&lenet));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_winograd_agrees_with_plain_loops),
        cmocka_unit_test(test_patches_agree_with_plain_loops),
        cmocka_unit_test(test_tables_with_fused_multiply_add_agree),
        cmocka_unit_test(test_few_channels_are_walked_image_by_image),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
