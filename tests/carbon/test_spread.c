#include "carbon/spread.h"

#include "support/assert_near.h"

#include <math.h>
#include <string.h>

static void test_quantiles_are_the_closed_forms(void **state)
{
    (void)state;
    struct carbon_spread uniform = carbon_spread_uniform(2, 4);
    assert_near(carbon_spread_value(&uniform, 0.25), 2.5, 1e-15, 0);
    /* low 1, mode 2, high 4: F(2) = 1/3; F^-1(1/12) = 1 + sqrt(3/12) */
    struct carbon_spread triangle = carbon_spread_triangular(1, 2, 4);
    assert_near(carbon_spread_value(&triangle, 1.0 / 3), 2, 1e-14, 0);
    assert_near(carbon_spread_value(&triangle, 1.0 / 12), 1.5, 1e-14, 0);
    /* 1 - F(3) = 1 / (3 x 2) */
    assert_near(carbon_spread_value(&triangle, 5.0 / 6), 3, 1e-14, 0);
    /* mean 100, sd 1: nothing is cut; the normal's well-known 97.5 % point,
     * 1.959963984540054 (NIST/SEMATECH e-Handbook, table 1.3.6.7.1: 1.960) */
    struct carbon_spread normal = carbon_spread_normal(100, 1);
    assert_near(carbon_spread_value(&normal, 0.975), 101.959963984540054, 1e-14,
                0);
    assert_near(carbon_spread_value(&normal, 0.5), 100, 1e-14, 0);
    struct carbon_spread lognormal = carbon_spread_lognormal(5, 2);
    assert_near(carbon_spread_value(&lognormal, 0.5), 5, 1e-14, 0);
    /* one standard deviation of the logarithm: erfc gives its share */
    double one_sd = 1 - 0.5 * erfc(1 / sqrt(2));
    assert_near(carbon_spread_value(&lognormal, one_sd), 10, 1e-13, 0);
    struct carbon_spread none = carbon_spread_none(7);
    assert_near(carbon_spread_value(&none, 0), 7, 0, 0);
}

static void test_quantiles_rise_and_never_leave_the_bounds(void **state)
{
    (void)state;
    const struct carbon_spread spreads[] = {
        carbon_spread_uniform(0, 1),       carbon_spread_uniform(3, 3),
        carbon_spread_triangular(0, 0, 1), carbon_spread_triangular(0, 1, 1),
        carbon_spread_triangular(2, 2, 2), carbon_spread_normal(1, 0),
        carbon_spread_normal(1, 3),        carbon_spread_normal(50, 2),
        carbon_spread_lognormal(1e-6, 10), carbon_spread_lognormal(1, 1),
    };
    const double edge[] = {1e-300, 1e-16, 1e-9};
    for (size_t i = 0; i < sizeof spreads / sizeof spreads[0]; i++) {
        double before = 0;
        for (int e = 0; e < 3; e++) {
            double value = carbon_spread_value(&spreads[i], edge[e]);
            assert_true(value >= before && isfinite(value));
            before = value;
        }
        for (double u = 1e-6; u < 1; u += 1e-3) {
            double value = carbon_spread_value(&spreads[i], u);
            assert_true(value >= before && isfinite(value));
            before = value;
        }
        double last = carbon_spread_value(&spreads[i], 1 - 1e-16);
        assert_true(last >= before && isfinite(last));
    }
}

/* The mean of a quantile function over (0, 1) is the distribution's: by the
 * midpoint rule on n cells. */
static void test_moments_agree_with_integrated_quantiles(void **state)
{
    (void)state;
    const struct carbon_spread spreads[] = {
        carbon_spread_uniform(2, 4), carbon_spread_triangular(1, 2, 4),
        carbon_spread_normal(10, 1), carbon_spread_normal(1, 1),
        carbon_spread_normal(1, 4),  carbon_spread_lognormal(3, 1.5),
        carbon_spread_none(4),
    };
    const int n = 200000;
    for (size_t i = 0; i < sizeof spreads / sizeof spreads[0]; i++) {
        double mean, sd, sum = 0, squares = 0;
        carbon_spread_moments(&spreads[i], &mean, &sd);
        for (int k = 0; k < n; k++) {
            double x = carbon_spread_value(&spreads[i], (k + 0.5) / n);
            sum += x;
            squares += (x - mean) * (x - mean);
        }
        /* the tails of the unbounded kinds beyond 1 / (2 n) are cut short:
         * their share of the second moment is below 2e-4 */
        assert_near(sum / n, mean, 2e-5, 1e-12);
        assert_near(sqrt(squares / n), sd, 5e-4, 1e-12);
    }
}

static void
refused(struct carbon_spread spread, enum fl_status code, const char *what)
{
    struct fl_error err = {.text = ""};
    assert_int_equal(carbon_spread_check(&spread, &err), code);
    if (!strstr(err.text, what))
        fail_msg("'%s', expected '%s'", err.text, what);
}

static void test_impossible_spreads_are_refused(void **state)
{
    (void)state;
    refused(carbon_spread_uniform(4, 2), FL_E_CONFIG,
            "uniform: found low 4, high 2, allowed 0 <= low <= high");
    refused(carbon_spread_uniform(-1, 2), FL_E_CONFIG, "0 <= low");
    refused(carbon_spread_triangular(1, 5, 4), FL_E_CONFIG,
            "triangular: found low 1, mode 5, high 4");
    refused(carbon_spread_normal(0, 1), FL_E_CONFIG, "mean > 0");
    refused(carbon_spread_normal(1, -1), FL_E_CONFIG, "sd >= 0");
    refused(carbon_spread_lognormal(0, 2), FL_E_CONFIG, "median > 0");
    refused(carbon_spread_lognormal(1, 0.5), FL_E_CONFIG, "gsd >= 1");
    refused(carbon_spread_none(-1), FL_E_CONFIG, "a number >= 0");
    refused(carbon_spread_uniform(0, (double)INFINITY), FL_E_NUMERIC, "finite");
    refused(carbon_spread_none((double)NAN), FL_E_NUMERIC, "finite");
    struct carbon_spread strange = {.kind = CARBON_SPREAD_LAST_};
    refused(strange, FL_E_ARG, "kind");
    const struct carbon_spread good[] = {
        carbon_spread_none(0), carbon_spread_uniform(0, 0),
        carbon_spread_triangular(0, 1, 2), carbon_spread_normal(1, 0),
        carbon_spread_lognormal(1, 1)};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(carbon_spread_check(&good[i], NULL), FL_OK);
}

static void test_kinds_have_names(void **state)
{
    (void)state;
    assert_string_equal(carbon_spread_name(CARBON_SPREAD_NONE), "none");
    assert_string_equal(carbon_spread_name(CARBON_SPREAD_LOGNORMAL),
                        "lognormal");
    assert_string_equal(carbon_spread_name(CARBON_SPREAD_LAST_), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quantiles_are_the_closed_forms),
        cmocka_unit_test(test_quantiles_rise_and_never_leave_the_bounds),
        cmocka_unit_test(test_moments_agree_with_integrated_quantiles),
        cmocka_unit_test(test_impossible_spreads_are_refused),
        cmocka_unit_test(test_kinds_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
