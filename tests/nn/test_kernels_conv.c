/* The parts of the kernel tables for convolutions with pooling and for dense
 * layers, against plain loops. */
#include "nn/kernels/conv_table_priv.h"
#include "nn/kernels/dense_table_priv.h"
#include "nn/kernels/table_priv.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "support/assert_near.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define MAX_NUMBERS 20000
#define GUARD       ((nn_real)12345)

struct numbers {
    nn_real a[MAX_NUMBERS], b[MAX_NUMBERS], c[MAX_NUMBERS], d[MAX_NUMBERS];
    double expected[MAX_NUMBERS];
    uint8_t won[MAX_NUMBERS];
    int32_t at[MAX_NUMBERS], start[2000], end[2000], acc_at[2000];
};

static struct numbers *create(void)
{
    struct numbers *m = fl_calloc(1, sizeof *m);
    assert_non_null(m);
    struct fl_rng rng = fl_rng_stream(2, FL_RNG_TEST, 0, 0);
    for (int i = 0; i < MAX_NUMBERS; i++) {
        m->a[i] = (nn_real)(fl_rng_uniform(&rng) - 0.5);
        m->b[i] = (nn_real)(fl_rng_uniform(&rng) - 0.5);
        m->won[i] = (uint8_t)fl_rng_below(&rng, NN_WON_NONE + 1);
    }
    return m;
}

static void fill(nn_real *ret, int64_t n, nn_real value)
{
    for (int64_t i = 0; i < n; i++)
        ret[i] = value;
}

static void assert_all_near(const nn_real *a, const double *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        /* up to 600 products below 0.25 in single precision */
        assert_near((double)a[i], b[i], 0, 3e-5);
}

typedef void check_fn(struct numbers *m, const struct nn_kernels *kernels);

static void for_every_table(check_fn *check)
{
    struct numbers *m = create();
    const struct nn_kernels *kernels;
    for (int i = 0; (kernels = nn_kernels_at(i)); i++)
        check(m, kernels);
    fl_free(m);
}

/* --- sums over lists --------------------------------------------------- */

enum { LISTS = 7, ENTRIES = 9, FROM_ROW = 230, ACC_ROW = 250 };

static struct nn_gather lists_of(struct numbers *m, int64_t rows, int64_t run)
{
    for (int32_t l = 0; l < LISTS; l++) {
        m->start[l] = l * ENTRIES;
        m->end[l] = l * ENTRIES + (l * 5) % (ENTRIES + 1); /* some are empty */
        m->acc_at[l] = l * 13;                             /* they overlap */
    }
    for (int32_t e = 0; e < LISTS * ENTRIES; e++)
        m->at[e] = (e * 37) % 200;
    return (struct nn_gather){.lists = LISTS,
                              .start = m->start,
                              .end = m->end,
                              .acc_at = m->acc_at,
                              .value = m->a,
                              .at = m->at,
                              .from = m->b,
                              .from_row = FROM_ROW,
                              .rows = rows,
                              .run = run,
                              .acc = m->c,
                              .acc_row = ACC_ROW};
}

static void check_gather(struct numbers *m, const struct nn_kernels *kernels)
{
    for (int64_t rows = 1; rows <= 7; rows++)
        for (int64_t run = NN_RUN; run <= 13 * NN_RUN; run += NN_RUN) {
            struct nn_gather g = lists_of(m, rows, run);
            int64_t n = rows * ACC_ROW + 200;
            fill(m->c, n, (nn_real)0.25);
            for (int64_t i = 0; i < n; i++)
                m->expected[i] = 0.25;
            for (int l = 0; l < LISTS; l++)
                for (int32_t e = g.start[l]; e < g.end[l]; e++)
                    for (int64_t r = 0; r < rows; r++)
                        for (int64_t j = 0; j < run; j++)
                            m->expected[g.acc_at[l] + r * ACC_ROW + j] +=
                                (double)g.value[e] *
                                (double)g.from[g.at[e] + r * FROM_ROW + j];
            kernels->conv->gather(&g);
            assert_all_near(m->c, m->expected, n);
        }
}

static void test_sums_over_lists_agree_with_plain_loops(void **state)
{
    (void)state;
    for_every_table(check_gather);
}

/* --- pooling ----------------------------------------------------------- */

/* PyTorch's rule: the first of the largest, a NaN is larger than all. */
static int winner_of(const nn_real v[4])
{
    int best = 0;
    for (int i = 1; i < 4; i++)
        if (v[i] > v[best] || (isnan(v[i]) && !isnan(v[best])))
            best = i;
    return best;
}

static void check_pool(struct numbers *m, const struct nn_kernels *kernels)
{
    const nn_real pool[] = {-1, -1, 0, 0.5, 0.5, 2, (nn_real)NAN};
    for (int64_t channels = 1; channels <= 35; channels++) {
        const int64_t windows = 5, row = 2 * windows * channels + 3;
        for (int64_t i = 0; i < 2 * row; i++)
            m->d[i] = pool[(uint64_t)(m->a[i] * 7 + 4) % 7];
        fill(m->c, windows * channels + 1, GUARD);
        m->won[windows * channels] = 77;
        kernels->conv->pool_relu(windows, row, channels, m->d, m->c, m->won);
        for (int64_t o = 0; o < windows; o++)
            for (int64_t c = 0; c < channels; c++) {
                const nn_real *x = m->d + 2 * o * channels + c;
                nn_real v[4] = {x[0], x[channels], x[row], x[row + channels]};
                int best = winner_of(v);
                nn_real y = m->c[o * channels + c];
                int won = m->won[o * channels + c];
                if (isnan(v[best]))
                    assert_true(isnan(y));
                else
                    assert_true(y == (v[best] > 0 ? v[best] : 0));
                assert_int_equal(won, v[best] > 0 ? best : NN_WON_NONE);
            }
        assert_true(m->c[windows * channels] == GUARD);
        assert_int_equal(m->won[windows * channels], 77);
    }
}

static void test_pooling_takes_the_first_of_the_largest(void **state)
{
    (void)state;
    for_every_table(check_pool);
}

static void check_add_lists(struct numbers *m, const struct nn_kernels *kernels)
{
    const int32_t lists = 50;
    for (int32_t l = 0; l < lists; l++) {
        m->start[l] = 60 * l;
        m->end[l] = 61 * l; /* none to 49 */
        m->c[l] = m->b[l];
        m->expected[l] = (double)m->b[l];
        for (int32_t e = m->start[l]; e < m->end[l]; e++)
            m->expected[l] += (double)m->a[e];
    }
    kernels->conv->add_lists(lists, m->start, m->end, m->a, m->c);
    assert_all_near(m->c, m->expected, lists);
}

static void test_sums_of_lists_agree_with_plain_loops(void **state)
{
    (void)state;
    for_every_table(check_add_lists);
}

static struct nn_winners winners_of(struct numbers *m, int64_t channels)
{
    struct nn_winners w = {.out_h = 3,
                           .out_w = 4,
                           .channels = channels,
                           .stride = channels + 2,
                           .dy = m->d,
                           .won = m->won,
                           .list = 16,
                           .row = 100,
                           .pixel = 7,
                           .weights = 48};
    for (int64_t i = 0; i < 12 * w.stride; i++)
        m->d[i] = i % 5 == 3 ? 0 : m->a[i];
    return w;
}

static void check_lists(struct numbers *m, const struct nn_kernels *kernels)
{
    for (int64_t channels = 1; channels <= NN_CHANNELS; channels++) {
        struct nn_winners w = winners_of(m, channels);
        kernels->conv->list_by_channel(&w, m->c, m->at, m->end);
        for (int64_t o = 0; o < channels; o++) {
            int64_t e = o * w.list;
            for (int64_t i = 0; i < 12; i++) {
                int64_t at = i * w.stride + o, id = w.won[at];
                if (id == NN_WON_NONE || w.dy[at] == 0)
                    continue;
                int64_t y = 2 * (i / 4) + id / 2, x = 2 * (i % 4) + id % 2;
                assert_true(m->c[e] == w.dy[at]);
                assert_int_equal(m->at[e], y * w.row + x * w.pixel);
                e++;
            }
            assert_int_equal(m->end[o], e);
        }
        kernels->conv->list_by_pixel(&w, m->c, m->at, m->start);
        int64_t e = 0;
        for (int64_t l = 0; l < 4 * 12; l++) {
            assert_int_equal(m->start[l], e);
            for (int64_t o = 0; o < channels; o++) {
                int64_t at = l / 4 * w.stride + o;
                if (w.won[at] != l % 4 || w.dy[at] == 0)
                    continue;
                assert_true(m->c[e] == w.dy[at]);
                assert_int_equal(m->at[e], o * w.weights);
                e++;
            }
        }
        assert_int_equal(m->start[4 * 12], e);
    }
}

static void test_lists_hold_what_won_in_order(void **state)
{
    (void)state;
    for_every_table(check_lists);
}

/* --- tiles ------------------------------------------------------------- */

/* One row of two tiles, one channel in and out, by the 36 products: what a
 * plain convolution and pooling give. */
static void check_tiles_of(struct numbers *m,
                           const struct nn_kernels *kernels,
                           int64_t kernel)
{
    int64_t side = 7 - kernel, row = side + 6;
    struct nn_tiles t = {.kernel = kernel,
                         .n = 2,
                         .plane = 2,
                         .c = 1,
                         .row = row,
                         .out_c = 1,
                         .out_w = side};
    nn_real u[36], v[72];
    kernels->conv->tiles_weights(kernel, 1, m->a, u);
    kernels->conv->tiles_input(&t, m->b, v);
    for (int i = 0; i < 72; i++)
        v[i] *= u[i / 2];
    nn_real bias = (nn_real)0.125;
    kernels->conv->tiles_pool_relu(&t, v, &bias, side / 2, m->c, m->won);
    for (int64_t y = 0; y < side / 2; y++)
        for (int64_t x = 0; x < side; x++) {
            double best = 0; /* rectified */
            for (int64_t at = 0; at < 4; at++) {
                double sum = 0.125;
                const nn_real *in =
                    m->b + (2 * y + at / 2) * row + 2 * x + at % 2;
                for (int64_t k = 0; k < kernel * kernel; k++)
                    sum += (double)m->a[k] *
                           (double)in[k / kernel * row + k % kernel];
                best = sum > best ? sum : best;
            }
            /* 36 products of numbers below 5 */
            assert_near((double)m->c[y * side + x], best, 0, 1e-5);
        }
}

static void check_tiles(struct numbers *m, const struct nn_kernels *kernels)
{
    check_tiles_of(m, kernels, 3);
    check_tiles_of(m, kernels, 5);
}

static void test_tiles_give_the_convolution(void **state)
{
    (void)state;
    for_every_table(check_tiles);
}

/* --- dense ------------------------------------------------------------- */

static void check_dense_forward(struct numbers *m,
                                const struct nn_kernels *kernels)
{
    static const int64_t outs[] = {1, 7, 16, 31, 32, 33, 70};
    for (int64_t n = 1; n <= 31; n += 3)
        for (size_t i = 0; i < sizeof outs / sizeof outs[0]; i++) {
            int64_t in = 37, out = outs[i];
            struct nn_dense_forward f = {.n = n,
                                         .in = in,
                                         .out = out,
                                         .x = m->a,
                                         .w = m->b,
                                         .bias = n % 2 ? m->a + 9000 : NULL,
                                         .x_block = m->d,
                                         .block = 16,
                                         .y = m->c};
            for (int64_t s = 0; s < n; s++)
                for (int64_t j = 0; j < out; j++) {
                    double sum = f.bias ? (double)f.bias[j] : 0;
                    for (int64_t k = 0; k < in; k++)
                        sum +=
                            (double)f.x[s * in + k] * (double)f.w[k * out + j];
                    m->expected[s * out + j] = sum;
                }
            fill(m->c, n * out + 1, GUARD);
            kernels->dense->forward(&f);
            assert_all_near(m->c, m->expected, n * out);
            assert_true(m->c[n * out] == GUARD);
        }
}

static void test_dense_forward_agrees_with_plain_loops(void **state)
{
    (void)state;
    for_every_table(check_dense_forward);
}

static struct nn_dense_block
block_of(struct numbers *m, int64_t n, int64_t out, int64_t rows)
{
    int64_t dy_row = (out + 15) / 16 * 16 + 16;
    fill(m->d, n * dy_row, 0);
    for (int64_t s = 0; s < n; s++)
        memcpy(m->d + s * dy_row, m->a + s * out, (size_t)out * sizeof *m->d);
    return (struct nn_dense_block){.n = n,
                                   .out = out,
                                   .rows = rows,
                                   .x = m->a + 9000,
                                   .dy = m->d,
                                   .dy_row = dy_row,
                                   .w = m->b};
}

static void check_dense_dx(struct numbers *m, const struct nn_kernels *kernels)
{
    for (int64_t n = 1; n <= 32; n++)
        for (int64_t out = 1; out <= 70; out += 23)
            for (int64_t rows = 1; rows <= NN_DENSE_ROWS; rows += 3) {
                struct nn_dense_block b = block_of(m, n, out, rows);
                int64_t ret_row = rows + 3;
                fill(m->c, n * ret_row, GUARD);
                kernels->dense->dx(&b, m->c, ret_row);
                for (int64_t s = 0; s < n; s++)
                    for (int64_t r = 0; r < ret_row; r++) {
                        double sum = r < rows ? 0 : (double)GUARD;
                        for (int64_t j = 0; j < out && r < rows; j++)
                            sum += (double)b.w[r * out + j] *
                                   (double)b.dy[s * b.dy_row + j];
                        /* 70 products below 0.25 */
                        assert_near((double)m->c[s * ret_row + r], sum, 0,
                                    3e-6);
                    }
            }
}

static void test_dense_dx_agrees_with_plain_loops(void **state)
{
    (void)state;
    for_every_table(check_dense_dx);
}

/* dW by the table's product and then its update, which every rule must equal
 * to the bit. */
static void expect_update(struct numbers *m,
                          const struct nn_kernels *kernels,
                          const struct nn_dense_block *b,
                          struct nn_sgd_step step,
                          nn_real *w,
                          nn_real *v)
{
    struct nn_product p = {.groups = 1,
                           .m = b->rows,
                           .n = b->out,
                           .k_outer = 1,
                           .k_inner = b->n,
                           .a = b->x,
                           .a_row = 1,
                           .a_inner = NN_DENSE_ROWS,
                           .b = b->dy,
                           .b_inner = b->dy_row,
                           .c = m->c + 6000,
                           .c_row = b->out,
                           .start = NN_START_ZERO};
    kernels->product(&p);
    step.velocity = step.velocity ? v : NULL;
    kernels->sgd(&step, b->rows * b->out, m->c + 6000, w);
}

static void check_dense_update(struct numbers *m,
                               const struct nn_kernels *kernels)
{
    nn_real *w1 = m->c, *v1 = m->c + 1500, *w2 = m->c + 3000, *v2 = m->c + 4500;
    for (int rule = 0; rule < 4; rule++)
        for (int64_t out = 1; out <= 70; out += 3)
            for (int64_t rows = 1; rows <= NN_DENSE_ROWS; rows++) {
                struct nn_dense_block b = block_of(m, 11, out, rows);
                struct nn_sgd_step step = {.lr = (nn_real)0.1,
                                           .momentum = (nn_real)0.9,
                                           .gain = 1,
                                           .velocity = rule & 1 ? v1 : NULL,
                                           .decay =
                                               rule & 2 ? (nn_real)0.01 : 0};
                size_t bytes = (size_t)(rows * out) * sizeof *w1;
                fill(m->c, 6000, GUARD);
                memcpy(w1, m->b, bytes);
                memcpy(w2, m->b, bytes);
                memcpy(v1, m->b + 5000, bytes);
                memcpy(v2, m->b + 5000, bytes);
                b.w = w1;
                kernels->dense->update(&b, &step);
                expect_update(m, kernels, &b, step, w2, v2);
                assert_memory_equal(w1, w2, 1500 * sizeof *w1);
                assert_memory_equal(v1, v2, 1500 * sizeof *v1);
            }
}

static void test_dense_updates_are_the_two_steps_to_the_bit(void **state)
{
    (void)state;
    for_every_table(check_dense_update);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums_over_lists_agree_with_plain_loops),
        cmocka_unit_test(test_pooling_takes_the_first_of_the_largest),
        cmocka_unit_test(test_sums_of_lists_agree_with_plain_loops),
        cmocka_unit_test(test_lists_hold_what_won_in_order),
        cmocka_unit_test(test_tiles_give_the_convolution),
        cmocka_unit_test(test_dense_forward_agrees_with_plain_loops),
        cmocka_unit_test(test_dense_dx_agrees_with_plain_loops),
        cmocka_unit_test(test_dense_updates_are_the_two_steps_to_the_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
