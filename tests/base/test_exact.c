/* Exact sums: any order, any grouping, no overflow, no NaN. */
#include "support/assert_near.h"

#include "base/exact.h"
#include "base/rng.h"

#include <math.h>
#include <string.h>

enum { N = 1003 };

static void test_scale_never_overflows_at_its_limit(void **state)
{
    (void)state;
    static const int64_t weights[][2] = {
        {1, 1},         {1, 1000000},       {600, 6000},
        {60000, 60000}, {1 << 20, 1 << 30}, {3, (int64_t)1 << 40}};
    for (size_t i = 0; i < sizeof weights / sizeof weights[0]; i++) {
        int32_t scale = fl_exact_scale(weights[i][0], weights[i][1]);
        float before[1] = {0}, after[1] = {(float)FL_EXACT_LIMIT};
        int64_t sum[1] = {0};
        assert_true(fl_exact_add(sum, before, after, 1, weights[i][0], scale));
        /* The one term is exact ... */
        assert_near((double)sum[0],
                    ldexp(FL_EXACT_LIMIT * (double)weights[i][0], scale), 0, 0);
        /* ... and all of them stay below 2^62. */
        assert_true(ldexp(FL_EXACT_LIMIT * (double)weights[i][1], scale) <=
                    ldexp(1, 62));
    }
}

static void random_update(struct fl_rng *rng, const float *before, float *after)
{
    for (int i = 0; i < N; i++)
        after[i] = before[i] + 0.05f * (float)fl_rng_normal(rng);
}

static void test_sums_do_not_depend_on_order_or_grouping(void **state)
{
    (void)state;
    enum { K = 12 };
    static float before[N], after[K][N];
    static int64_t forward[N], grouped[N], part[N];
    int64_t weights[K], total = 0;
    struct fl_rng rng = fl_rng_stream(1, FL_RNG_TEST, 0, 0);
    for (int i = 0; i < N; i++)
        before[i] = (float)fl_rng_normal(&rng);
    for (int k = 0; k < K; k++) {
        random_update(&rng, before, after[k]);
        weights[k] = 1 + (int64_t)fl_rng_below(&rng, 600);
        total += weights[k];
    }
    int32_t scale = fl_exact_scale(600, total);
    memset(forward, 0, sizeof forward);
    memset(grouped, 0, sizeof grouped);
    for (int k = 0; k < K; k++)
        assert_true(
            fl_exact_add(forward, before, after[k], N, weights[k], scale));
    for (int group = 0; group < 5; group++) {
        memset(part, 0, sizeof part);
        for (int k = K - 1; k >= 0; k--)
            if (k % 5 == group)
                assert_true(
                    fl_exact_add(part, before, after[k], N, weights[k], scale));
        assert_true(fl_exact_merge(grouped, part, N));
    }
    assert_memory_equal(forward, grouped, sizeof forward);

    /* And it is the weighted mean: the rounding of one term is at most half a
     * unit, so the mean is off by K/2 units and one float rounding. */
    static float mean[N];
    fl_exact_mean(forward, N, total, scale, mean);
    for (int i = 0; i < N; i++) {
        double expected = 0;
        for (int k = 0; k < K; k++)
            expected +=
                (double)weights[k] * ((double)after[k][i] - (double)before[i]);
        assert_near((double)mean[i], expected / (double)total, 0x1p-23,
                    K * ldexp(0.5, -scale) / (double)total);
    }
}

static void
test_updates_that_are_not_finite_or_too_far_are_refused(void **state)
{
    (void)state;
    static const float bad[] = {NAN, INFINITY, -INFINITY, 64.1f, -1e30f};
    float before[N] = {0}, after[N] = {0};
    int64_t sum[N] = {0}, zero[N] = {0};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        for (int at = 0; at < N; at += 501) {
            memset(after, 0, sizeof after);
            after[0] = 1;
            after[at] = bad[i];
            assert_false(fl_exact_add(sum, before, after, N, 10, 20));
            assert_memory_equal(sum, zero, sizeof sum);
        }
    }
}

enum { LONG = 5 * 1024 + 77 };

/* An update of several blocks with one bad number in it, or none (at < 0). */
static void long_update(
    struct fl_rng *rng, const float *before, float *after, int at, float bad)
{
    for (int i = 0; i < LONG; i++)
        after[i] = before[i] + 0.05f * (float)fl_rng_normal(rng);
    if (at >= 0)
        after[at] = bad;
}

/* Where an update is bad, if it is: in its first number, in its last, in the
 * middle, at the beginning of a block. */
struct flaw {
    int at; /* -1: nowhere */
    float bad;
};

static const struct flaw flaws[] = {{0, (float)NAN},
                                    {LONG - 1, (float)-INFINITY},
                                    {LONG - 100, 3e38f},
                                    {1024, 80.0f}};
#define N_FLAWS (sizeof flaws / sizeof flaws[0])

static void test_a_refused_update_of_any_length_leaves_no_trace(void **state)
{
    (void)state;
    static float before[LONG], after[LONG];
    static int64_t sum[LONG], expected[LONG];
    struct fl_rng rng = fl_rng_stream(1, FL_RNG_TEST, 1, 0);
    for (size_t r = 0; r < N_FLAWS; r++) {
        for (int i = 0; i < LONG; i++) {
            before[i] = (float)fl_rng_normal(&rng);
            sum[i] = expected[i] = (int64_t)fl_rng_u64(&rng) >> 2;
        }
        long_update(&rng, before, after, flaws[r].at, flaws[r].bad);
        assert_false(fl_exact_add(sum, before, after, LONG, 300, 30));
        assert_memory_equal(sum, expected, sizeof sum);
    }
}

#define MOST 5

/* Adds n updates with these flaws together and resets them: the sum is that of
 * those without one, added one by one, once what was refused is taken back. */
static void check_together(uint64_t seed, const struct flaw *rows, size_t n)
{
    static float before[LONG], after[MOST][LONG], kept[MOST][LONG];
    static int64_t sum[LONG], expected[LONG];
    struct fl_exact_update updates[MOST];
    struct fl_rng rng = fl_rng_stream(1, FL_RNG_TEST, seed, 0);
    for (int i = 0; i < LONG; i++) {
        before[i] = (float)fl_rng_normal(&rng);
        sum[i] = expected[i] = (int64_t)fl_rng_u64(&rng) >> 2;
    }
    for (size_t u = 0; u < n; u++) {
        long_update(&rng, before, after[u], rows[u].at, rows[u].bad);
        memcpy(kept[u], after[u], sizeof kept[u]);
        updates[u] = (struct fl_exact_update){.after = after[u],
                                              .weight = 3 + 100 * (int64_t)u};
        assert_true(fl_exact_add(expected, before, after[u], LONG,
                                 updates[u].weight, 30) == (rows[u].at < 0));
    }
    fl_exact_add_and_reset(sum, before, LONG, 30, updates, n);
    for (size_t u = 0; u < n; u++) {
        size_t n_done = updates[u].n_done;
        assert_true(rows[u].at < 0 ? n_done == LONG
                                   : n_done <= (size_t)rows[u].at);
        assert_memory_equal(after[u], before, n_done * sizeof(float));
        assert_memory_equal(after[u] + n_done, kept[u] + n_done,
                            (LONG - n_done) * sizeof(float));
        if (n_done < LONG)
            fl_exact_take_back(sum, before, kept[u], n_done, updates[u].weight,
                               30);
    }
    assert_memory_equal(sum, expected, sizeof sum);
}

static void test_adding_and_resetting_adds_the_same(void **state)
{
    (void)state;
    static const struct flaw none[MOST] = {
        {-1, 0}, {-1, 0}, {-1, 0}, {-1, 0}, {-1, 0}};
    for (size_t n = 0; n <= MOST; n++)
        check_together(n, none, n);
}

static void test_an_update_that_is_refused_stops_no_other(void **state)
{
    (void)state;
    for (size_t r = 0; r < N_FLAWS; r++) {
        check_together(10 + r, &flaws[r], 1);
        for (size_t at = 0; at < 3; at++) { /* first, in the middle, last */
            struct flaw rows[3] = {{-1, 0}, {-1, 0}, {-1, 0}};
            rows[at] = flaws[r];
            check_together(20 + 3 * r + at, rows, 3);
        }
    }
    check_together(40, flaws, N_FLAWS); /* all */
}

/* Number by number as exact.h says it, for every kind of number. */
static void test_a_term_is_the_difference_rounded_to_even(void **state)
{
    (void)state;
    enum { SCALE = 20, WEIGHT = 7 };
    static float before[LONG], after[LONG];
    static int64_t sum[LONG];
    struct fl_rng rng = fl_rng_stream(1, FL_RNG_TEST, 2, 0);
    for (int i = 0; i < LONG; i++) {
        before[i] = (float)fl_rng_normal(&rng);
        after[i] = (float)fl_rng_normal(&rng);
    }
    for (int i = 0; i < 20; i++) { /* ties: some units and a half */
        before[i] = 0;
        after[i] = ldexpf((float)i - 9.5f, -SCALE);
    }
    assert_true(fl_exact_add(sum, before, after, LONG, WEIGHT, SCALE));
    for (int i = 0; i < LONG; i++) {
        double moved = (double)after[i] - (double)before[i];
        assert_true(sum[i] == (int64_t)nearbyint(ldexp(moved * WEIGHT, SCALE)));
    }
}

static void test_a_sum_that_overflows_is_noticed(void **state)
{
    (void)state;
    static int64_t many[1000], ones[1000];
    for (int at = 0; at < 1000; at += 333) {
        for (int i = 0; i < 1000; i++) {
            many[i] = i % 2 ? INT64_MAX - 1 : INT64_MIN + 1;
            ones[i] = i % 2 ? 1 : -1;
        }
        assert_true(fl_exact_merge(many, ones, 1000)); /* just not */
        ones[at] *= 2;
        many[at] = many[at] < 0 ? INT64_MIN + 1 : INT64_MAX - 1;
        for (int i = 0; i < 1000; i++)
            many[i] = i == at ? many[i] : 0;
        assert_false(fl_exact_merge(many, ones, 1000));
    }
    int64_t sum[2] = {0, INT64_MAX - 1}, part[2] = {1, 2};
    assert_false(fl_exact_merge(sum, part, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scale_never_overflows_at_its_limit),
        cmocka_unit_test(test_sums_do_not_depend_on_order_or_grouping),
        cmocka_unit_test(
            test_updates_that_are_not_finite_or_too_far_are_refused),
        cmocka_unit_test(test_a_refused_update_of_any_length_leaves_no_trace),
        cmocka_unit_test(test_adding_and_resetting_adds_the_same),
        cmocka_unit_test(test_an_update_that_is_refused_stops_no_other),
        cmocka_unit_test(test_a_term_is_the_difference_rounded_to_even),
        cmocka_unit_test(test_a_sum_that_overflows_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
