/* Random streams: named, independent, the same everywhere; their laws. */
#include "support/assert_near.h"

#include "base/rng.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

static void test_a_name_is_a_stream(void **state)
{
    (void)state;
    struct fl_rng a = fl_rng_stream(1, FL_RNG_TEST, 2, 3);
    struct fl_rng b = fl_rng_stream(1, FL_RNG_TEST, 2, 3);
    for (int i = 0; i < 100; i++)
        assert_int_equal(fl_rng_u32(&a), fl_rng_u32(&b));
}

/* Published results rest on these bits: they may never change. */
static void test_the_first_words_are_known(void **state)
{
    (void)state;
    static const uint32_t expected[] = {0xa0dca13du, 0x12386c93u, 0x86fe7392u,
                                        0x9250acfau, 0xb8c98d56u, 0x5c0a5207u};
    struct fl_rng rng = fl_rng_stream(1, FL_RNG_SHUFFLE, 42, 7);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_int_equal(fl_rng_u32(&rng), expected[i]);
}

static void test_neighbouring_names_share_nothing(void **state)
{
    (void)state;
    enum { STREAMS = 2000 };
    static uint32_t first[STREAMS];
    size_t n = 0;
    for (uint64_t seed = 0; seed < 5; seed++)
        for (uint64_t a = 0; a < 20; a++)
            for (uint64_t b = 0; b < 20; b++) {
                struct fl_rng rng = fl_rng_stream(
                    seed, a % 2 ? FL_RNG_TEST : FL_RNG_INIT, a / 2, b);
                first[n++] = fl_rng_u32(&rng);
            }
    /* Birthday: 2000 of 2^32 collide with probability 0.0005. */
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++)
            assert_int_not_equal(first[i], first[j]);
}

static void test_uniform_has_mean_and_range(void **state)
{
    (void)state;
    enum { N = 100000 };
    struct fl_rng rng = fl_rng_stream(7, FL_RNG_TEST, 0, 0);
    double sum = 0;
    for (int i = 0; i < N; i++) {
        double u = fl_rng_uniform(&rng);
        assert_true(u >= 0 && u < 1);
        sum += u;
    }
    /* Standard error 0.00091; 5 of them. */
    assert_near(sum / N, 0.5, 0, 0.0046);
}

static void test_below_is_even(void **state)
{
    (void)state;
    enum { N = 70000 };
    int hits[7] = {0};
    struct fl_rng rng = fl_rng_stream(8, FL_RNG_TEST, 0, 0);
    for (int i = 0; i < N; i++)
        hits[fl_rng_below(&rng, 7)]++;
    for (int i = 0; i < 7; i++) /* standard deviation 93; 5 of them */
        assert_near(hits[i], N / 7.0, 0, 463);
    assert_int_equal(fl_rng_below(&rng, 1), 0);
}

static void test_normal_has_its_moments(void **state)
{
    (void)state;
    enum { N = 200000 };
    struct fl_rng rng = fl_rng_stream(9, FL_RNG_TEST, 0, 0);
    double sum = 0, squares = 0, fourth = 0;
    for (int i = 0; i < N; i++) {
        double x = fl_rng_normal(&rng);
        sum += x;
        squares += x * x;
        fourth += x * x * x * x;
    }
    /* Standard errors 1, sqrt 2, sqrt 96 over sqrt N; 5 of them. */
    assert_near(sum / N, 0, 0, 0.0112);
    assert_near(squares / N, 1, 0, 0.0159);
    assert_near(fourth / N, 3, 0, 0.110);
}

static void check_gamma(double shape)
{
    enum { N = 100000 };
    struct fl_rng rng = fl_rng_stream(10, FL_RNG_TEST, 0, 0);
    double sum = 0, squares = 0;
    for (int i = 0; i < N; i++) {
        double x = exp(fl_rng_log_gamma(&rng, shape));
        sum += x;
        squares += x * x;
    }
    double mean = sum / N;
    print_message("  shape %g: mean %g, expected %g\n", shape, mean, shape);
    assert_near(mean, shape, 0, 5 * sqrt(shape / N));
    /* Variance shape; its own error by the kurtosis 3 + 6 / shape. */
    assert_near(squares / N - mean * mean, shape, 0,
                5 * shape * sqrt((2 + 6 / shape) / N) + 1e-3);
}

static void test_gamma_has_its_moments(void **state)
{
    (void)state;
    static const double shapes[] = {0.1, 0.5, 1, 2.5, 30};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        check_gamma(shapes[i]);
}

static void test_tiny_gamma_shapes_do_not_underflow(void **state)
{
    (void)state;
    struct fl_rng rng = fl_rng_stream(11, FL_RNG_TEST, 0, 0);
    for (int i = 0; i < 1000; i++)
        assert_true(isfinite(fl_rng_log_gamma(&rng, 1e-6)));
}

static void test_permutations_are_permutations(void **state)
{
    (void)state;
    int64_t order[1000];
    bool seen[1000];
    for (int64_t n = 0; n <= 1000; n += 111) {
        struct fl_rng rng = fl_rng_stream(12, FL_RNG_TEST, (uint64_t)n, 0);
        memset(seen, 0, sizeof seen);
        fl_rng_permutation(&rng, n, order);
        for (int64_t i = 0; i < n; i++) {
            assert_in_range(order[i], 0, n - 1);
            assert_false(seen[order[i]]);
            seen[order[i]] = true;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_name_is_a_stream),
        cmocka_unit_test(test_the_first_words_are_known),
        cmocka_unit_test(test_neighbouring_names_share_nothing),
        cmocka_unit_test(test_uniform_has_mean_and_range),
        cmocka_unit_test(test_below_is_even),
        cmocka_unit_test(test_normal_has_its_moments),
        cmocka_unit_test(test_gamma_has_its_moments),
        cmocka_unit_test(test_tiny_gamma_shapes_do_not_underflow),
        cmocka_unit_test(test_permutations_are_permutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
