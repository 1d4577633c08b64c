/* The kernel tables against plain loops, at sizes around every tile's edge. */
#include "nn/kernels/table_priv.h"
#include "nn/gemm_priv.h"
#include "nn/train.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "support/assert_near.h"

#include <math.h>
#include <string.h>

#define MAX_NUMBERS 20000
#define GUARD       ((nn_real)12345)

struct numbers {
    nn_real a[MAX_NUMBERS], b[MAX_NUMBERS], c[MAX_NUMBERS], bias[256];
    double expected[MAX_NUMBERS];
};

static struct numbers *create(void)
{
    struct numbers *m = fl_calloc(1, sizeof *m);
    assert_non_null(m);
    struct fl_rng rng = fl_rng_stream(1, FL_RNG_TEST, 0, 0);
    for (int i = 0; i < MAX_NUMBERS; i++) {
        m->a[i] = (nn_real)(fl_rng_uniform(&rng) - 0.5);
        m->b[i] = (nn_real)(fl_rng_uniform(&rng) - 0.5);
    }
    for (int i = 0; i < 256; i++)
        m->bias[i] = (nn_real)(fl_rng_uniform(&rng) - 0.5);
    return m;
}

/* One product by plain loops, from the definition in nn/kernels/table_priv.h.
 */
static void expect_product(struct numbers *m, const struct nn_product *p)
{
    for (int64_t g = 0; g < p->groups; g++)
        for (int64_t i = 0; i < p->m; i++)
            for (int64_t j = 0; j < p->n; j++) {
                int64_t at = g * p->c_group + i * p->c_row + j;
                double sum = p->start == NN_START_BIAS   ? (double)p->bias[j]
                             : p->start == NN_START_SELF ? (double)p->c[at]
                                                         : 0;
                for (int64_t o = 0; o < p->k_outer; o++)
                    for (int64_t k = 0; k < p->k_inner; k++)
                        sum +=
                            (double)p->a[g * p->a_group + i * p->a_row +
                                         o * p->a_outer + k * p->a_inner] *
                            (double)p->b[o * p->b_outer + k * p->b_inner + j];
                m->expected[at] = sum;
            }
}

static void check_product(struct numbers *m,
                          const struct nn_kernels *kernels,
                          struct nn_product p)
{
    int64_t used = (p.groups - 1) * p.c_group + (p.m - 1) * p.c_row + p.n;
    assert_true(used < MAX_NUMBERS - 64);
    for (int64_t i = 0; i < used + 64; i++)
        m->c[i] = GUARD;
    for (int64_t g = 0; g < p.groups; g++)
        for (int64_t i = 0; i < p.m; i++)
            for (int64_t j = 0; j < p.n; j++)
                m->c[g * p.c_group + i * p.c_row + j] = (nn_real)0.25;
    p.a = m->a;
    p.b = m->b;
    p.c = m->c;
    p.bias = m->bias;
    for (int64_t i = 0; i < used + 64; i++)
        m->expected[i] = (double)m->c[i];
    expect_product(m, &p);
    kernels->product(&p);
    for (int64_t i = 0; i < used + 64; i++)
        /* up to 100 products below 0.25 in single precision */
        assert_near((double)m->c[i], m->expected[i], 0, 1e-5);
}

static void check_sizes(struct numbers *m, const struct nn_kernels *kernels)
{
    static const int64_t rows[] = {1, 2, 5, 6, 7, 13, 14, 15, 28, 29};
    static const int64_t columns[] = {1,  2,  3,  4,  5,  7,  8,  9,  15, 16,
                                      17, 23, 24, 25, 31, 32, 33, 40, 47, 49};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t j = 0; j < sizeof columns / sizeof columns[0]; j++)
            for (int start = NN_START_ZERO; start <= NN_START_SELF; start++) {
                int64_t m_rows = rows[i], n = columns[j];
                /* rows of C are 3 numbers apart: those must stay */
                check_product(
                    m, kernels,
                    (struct nn_product){.groups = 2,
                                        .m = m_rows,
                                        .n = n,
                                        .k_outer = 3,
                                        .k_inner = 5,
                                        .a_group = 7,
                                        .a_row = 11,
                                        .a_outer = 400,
                                        .a_inner = 2,
                                        .b_outer = 5 * n + 3,
                                        .b_inner = n,
                                        .c_group = m_rows * (n + 3),
                                        .c_row = n + 3,
                                        .start = (enum nn_start)start});
            }
}

static void test_products_agree_with_plain_loops(void **state)
{
    (void)state;
    struct numbers *m = create();
    const struct nn_kernels *kernels;
    for (int i = 0; (kernels = nn_kernels_at(i)); i++)
        check_sizes(m, kernels);
    fl_free(m);
}

/* Where C starts and how it is cut into products changes nothing. */
static void test_products_give_the_same_bits_however_they_are_cut(void **state)
{
    (void)state;
    struct numbers *m = create();
    nn_real *whole = fl_calloc(40 * 50, sizeof *whole);
    assert_non_null(whole);
    const struct nn_kernels *kernels;
    for (int i = 0; (kernels = nn_kernels_at(i)); i++) {
        struct nn_product p = {.groups = 1,
                               .m = 40,
                               .n = 50,
                               .k_outer = 1,
                               .k_inner = 60,
                               .a = m->a,
                               .a_row = 60,
                               .a_inner = 1,
                               .b = m->b,
                               .b_inner = 50,
                               .c = whole,
                               .c_row = 50,
                               .start = NN_START_ZERO};
        kernels->product(&p);
        for (int64_t row = 0; row < 40; row += 8)
            for (int64_t column = 0; column < 50; column += 10)
                for (int64_t k = 0; k < 60; k += 20) {
                    struct nn_product part = p;
                    part.m = 8;
                    part.n = 10;
                    part.k_inner = 20;
                    part.a += row * 60 + k;
                    part.b += k * 50 + column;
                    part.c = m->c + 1 + row * 50 + column;
                    part.start = k ? NN_START_SELF : NN_START_ZERO;
                    kernels->product(&part);
                }
        assert_memory_equal(m->c + 1, whole, 40 * 50 * sizeof *whole);
    }
    fl_free(whole);
    fl_free(m);
}

static void update(const struct nn_kernels *kernels,
                   const struct numbers *m,
                   struct nn_sgd_step step,
                   int64_t cut,
                   nn_real *w,
                   nn_real *v)
{
    const int64_t n = 1000;
    for (int64_t at = 0; at < n;) {
        int64_t part = n - at < cut ? n - at : cut;
        struct nn_sgd_step here = step;
        if (step.velocity)
            here.velocity = v + at;
        if (step.anchor)
            here.anchor = step.anchor + at;
        kernels->sgd(&here, part, m->b + at, w + at);
        at += part;
    }
}

static void test_updates_are_the_same_bits_in_every_table_and_cut(void **state)
{
    (void)state;
    struct numbers *m = create();
    nn_real *w = fl_calloc(4000, sizeof *w), *v = w + 1000;
    nn_real *w2 = w + 2000, *v2 = w + 3000;
    assert_non_null(w);
    for (int variant = 0; variant < 16; variant++) {
        struct nn_sgd_step step = {.lr = (nn_real)0.1,
                                   .momentum = (nn_real)0.9,
                                   .gain = (nn_real)0.7,
                                   .is_nesterov = variant & 8,
                                   .mu = (nn_real)0.3};
        step.velocity = variant & 1 ? v : NULL;
        step.anchor = variant & 2 ? m->a + 5000 : NULL;
        step.decay = variant & 4 ? (nn_real)0.01 : 0;
        memcpy(w, m->a, 1000 * sizeof *w);
        memcpy(v, m->a + 1000, 1000 * sizeof *w);
        update(nn_kernels_best(), m, step, 1000, w, v);
        const struct nn_kernels *kernels;
        for (int i = 0; (kernels = nn_kernels_at(i)); i++)
            for (int64_t cut = 1; cut < 40; cut += 6) {
                memcpy(w2, m->a, 1000 * sizeof *w);
                memcpy(v2, m->a + 1000, 1000 * sizeof *w);
                update(kernels, m, step, cut, w2, v2);
                assert_memory_equal(w2, w, 1000 * sizeof *w);
                assert_memory_equal(v2, v, 1000 * sizeof *w);
            }
    }
    fl_free(w);
    fl_free(m);
}

/* One step of Adam on 1,000 numbers, `cut` at a time. */
static void adam_step(const struct nn_kernels *kernels,
                      const struct numbers *m,
                      struct nn_adam_step step,
                      int64_t cut,
                      nn_real *w)
{
    memcpy(w, m->a, 1000 * sizeof *w);
    memcpy(w + 1000, m->a + 1000, 1000 * sizeof *w);
    for (int64_t i = 0; i < 1000; i++) /* squares */
        w[2000 + i] = m->a[2000 + i] * m->a[2000 + i];
    for (int64_t at = 0; at < 1000; at += cut) {
        struct nn_adam_step here = step;
        here.mean = w + 1000 + at;
        here.square = w + 2000 + at;
        here.anchor = step.anchor ? step.anchor + at : NULL;
        kernels->adam(&here, 1000 - at < cut ? 1000 - at : cut, m->b + at,
                      w + at);
    }
}

static void test_adam_is_the_same_bits_in_every_table_and_cut(void **state)
{
    (void)state;
    struct numbers *m = create();
    nn_real *w = fl_calloc(6000, sizeof *w), *w2 = w + 3000;
    assert_non_null(w);
    for (int variant = 0; variant < 2; variant++) {
        const struct nn_adam_step step = {
            .rate = (nn_real)0.01,
            .beta1 = (nn_real)0.9,
            .gain1 = (nn_real)0.1,
            .beta2 = (nn_real)0.999,
            .gain2 = (nn_real)0.001,
            .root = (nn_real)1.7,
            .eps = (nn_real)1e-8,
            .decay = (nn_real)0.01,
            .keep = (nn_real)0.99,
            .mu = (nn_real)0.3,
            .anchor = variant ? m->a + 5000 : NULL,
        };
        adam_step(nn_kernels_best(), m, step, 1000, w);
        const struct nn_kernels *kernels;
        for (int i = 0; (kernels = nn_kernels_at(i)); i++)
            for (int64_t cut = 1; cut < 40; cut += 6) {
                adam_step(kernels, m, step, cut, w2);
                assert_memory_equal(w2, w, 3000 * sizeof *w);
            }
    }
    fl_free(w);
    fl_free(m);
}

static void test_sums_of_squares_are_the_same_bits_in_every_table(void **state)
{
    (void)state;
    struct numbers *m = create();
    for (int64_t n = 0; n < 1000; n += n < 40 ? 1 : 97) {
        double plain = 0, sum = nn_kernels_best()->squares(n, m->a);
        for (int64_t i = 0; i < n; i++)
            plain += (double)m->a[i] * (double)m->a[i];
        assert_near(sum, plain, 1e-14, 0); /* 1,000 sums in another order */
        const struct nn_kernels *kernels;
        for (int i = 0; (kernels = nn_kernels_at(i)); i++) {
            memcpy(m->c, m->a, 1000 * sizeof *m->c);
            assert_near(kernels->squares(n, m->c), sum, 0, 0); /* same bits */
            kernels->scale((nn_real)0.3, n, m->c);
            for (int64_t j = 0; j < 1000; j++) /* one product each */
                assert_true(m->c[j] ==
                            (j < n ? m->a[j] * (nn_real)0.3 : m->a[j]));
        }
    }
    fl_free(m);
}

static void test_blas_products_agree_with_plain_loops(void **state)
{
    (void)state;
    struct numbers *m = create();
    for (int flags = 0; flags < 8; flags++) {
        bool ta = flags & 1, tb = flags & 2;
        int64_t rows = 17, n = 9, k = 23;
        struct nn_product p = {.groups = 1,
                               .m = rows,
                               .n = n,
                               .k_outer = 1,
                               .k_inner = k,
                               .a = m->a,
                               .a_row = ta ? 1 : k,
                               .a_inner = ta ? rows : 1,
                               .b = m->b,
                               .b_inner = n,
                               .c = m->c,
                               .c_row = n,
                               .start =
                                   flags & 4 ? NN_START_SELF : NN_START_ZERO};
        nn_real *b_t = m->b + 5000;
        for (int64_t i = 0; i < k; i++)
            for (int64_t j = 0; j < n; j++)
                b_t[j * k + i] = m->b[i * n + j];
        for (int64_t i = 0; i < rows * n; i++)
            m->c[i] = flags & 4 ? (nn_real)0.5 : (nn_real)NAN;
        expect_product(m, &p);
        nn_gemm(rows, n, k, (struct nn_matrix){m->a, ta ? rows : k, ta},
                (struct nn_matrix){tb ? b_t : m->b, tb ? k : n, tb},
                flags & 4 ? (nn_real)1 : 0, m->c, n);
        for (int64_t i = 0; i < rows * n; i++)
            /* 23 products below 0.25 in single precision */
            assert_near((double)m->c[i], m->expected[i], 0, 1e-6);
    }
    fl_free(m);
}

static void test_blas_is_for_large_products_alone(void **state)
{
    (void)state;
    const struct nn_kernels *kernels;
    for (int i = 0; (kernels = nn_kernels_at(i)); i++) {
        assert_false(nn_blas_is_better(kernels, 10, 10, 784));
        assert_false(nn_blas_is_better(kernels, 10, 512, 3136));
    }
    assert_true(nn_blas_is_better(&nn_kernels_portable, 256, 512, 3136));
}

static void test_masks_are_the_stream_s_words(void **state)
{
    (void)state;
    uint8_t keep[300];
    const uint32_t limit = 0x40000000;
    const struct nn_kernels *kernels;
    for (int i = 0; (kernels = nn_kernels_at(i)); i++)
        for (int64_t n = 1; n < 299; n += 11) {
            struct fl_rng rng =
                fl_rng_stream(3, FL_RNG_DROPOUT, 7, (uint64_t)n);
            memset(keep, 77, sizeof keep);
            kernels->draw_keep(&rng, limit, n, keep);
            for (int64_t j = 0; j < n; j++)
                assert_int_equal(keep[j], fl_rng_u32(&rng) >= limit);
            assert_int_equal(keep[n], 77);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products_agree_with_plain_loops),
        cmocka_unit_test(test_products_give_the_same_bits_however_they_are_cut),
        cmocka_unit_test(test_updates_are_the_same_bits_in_every_table_and_cut),
        cmocka_unit_test(test_adam_is_the_same_bits_in_every_table_and_cut),
        cmocka_unit_test(test_sums_of_squares_are_the_same_bits_in_every_table),
        cmocka_unit_test(test_blas_products_agree_with_plain_loops),
        cmocka_unit_test(test_blas_is_for_large_products_alone),
        cmocka_unit_test(test_masks_are_the_stream_s_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
