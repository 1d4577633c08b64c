/* Who counts in a round, by pencil; and laws over random ones. */
#include "coordinator/participation.h"

#include "base/rng.h"
#include "support/assert_near.h"

#include <math.h>
#include <string.h>

static const int64_t clients[] = {3, 5, 8, 9};
#define MOST 4

static int64_t settle(struct coord_rules rules,
                      const double *length_s,
                      int64_t n,
                      int64_t wanted,
                      struct coord_turn *turns,
                      double *ret_end_s)
{
    for (int64_t i = 0; i < n; i++)
        turns[i] = (struct coord_turn){.length_s = length_s[i]};
    struct coord_turn *order[MOST];
    assert_true(n <= MOST);
    return coord_settle(&rules, 1, 0, clients, n, wanted, turns, order,
                        ret_end_s);
}

static void test_all_count_where_nothing_is_asked_for(void **state)
{
    (void)state;
    static const double length_s[] = {4, 2, 7, 1};
    struct coord_turn turns[4];
    double end_s = -1;
    assert_int_equal(
        settle((struct coord_rules){0}, length_s, 4, 4, turns, &end_s), 4);
    assert_near(end_s, 7, 0, 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(turns[i].fate, COORD_COUNTS);
        assert_near(turns[i].end_s, length_s[i], 0, 0);
    }
}

static void test_a_round_ends_with_the_last_that_is_wanted(void **state)
{
    (void)state;
    static const double length_s[] = {4, 2, 7, 4};
    struct coord_turn turns[4];
    double end_s = -1;
    assert_int_equal(
        settle((struct coord_rules){0}, length_s, 4, 2, turns, &end_s), 2);
    assert_near(end_s, 4, 0, 0);
    assert_int_equal(turns[0].fate, COORD_COUNTS); /* before 9, at once */
    assert_int_equal(turns[1].fate, COORD_COUNTS);
    assert_int_equal(turns[2].fate, COORD_LATE);
    assert_int_equal(turns[3].fate, COORD_LATE);
    assert_near(turns[2].end_s, 4, 0, 0);
}

static void test_a_time_out_cuts_the_slow(void **state)
{
    (void)state;
    static const double length_s[] = {4, 2, 7, 1};
    struct coord_turn turns[4];
    double end_s = -1;
    struct coord_rules rules = {.timeout_s = 5};
    assert_int_equal(settle(rules, length_s, 4, 4, turns, &end_s), 3);
    assert_near(end_s, 5, 0, 0); /* the server waits for the fourth */
    assert_int_equal(turns[2].fate, COORD_LATE);
    assert_near(turns[2].end_s, 5, 0, 0);
    assert_int_equal(settle(rules, length_s, 4, 3, turns, &end_s), 3);
    assert_near(end_s, 4, 0, 0); /* it has enough */
    rules.timeout_s = 0.5;
    assert_int_equal(settle(rules, length_s, 4, 4, turns, &end_s), 0);
    assert_near(end_s, 0.5, 0, 0);
}

static void test_whoever_drops_out_is_not_waited_for(void **state)
{
    (void)state;
    enum { N = 4000 };
    static int64_t many[N];
    static struct coord_turn turns[N], *order[N];
    struct coord_rules rules = {.drop_out_ratio = 0.25};
    double end_s = 0, moment_s = 0;
    for (int64_t i = 0; i < N; i++) {
        many[i] = i;
        turns[i].length_s = 10;
    }
    int64_t counted =
        coord_settle(&rules, 7, 3, many, N, N, turns, order, &end_s);
    assert_near(end_s, 10, 0, 0);
    /* binomial: sd of the share is 0.0068 */
    assert_near((double)counted / N, 0.75, 0, 5 * 0.0068);
    for (int64_t i = 0; i < N; i++) {
        if (turns[i].fate != COORD_DROPPED)
            continue;
        assert_true(turns[i].end_s >= 0 && turns[i].end_s < 10);
        moment_s += turns[i].end_s;
    }
    /* evenly over the work: mean 5, sd of the mean 10 / sqrt(12 x 1000) */
    assert_near(moment_s / (double)(N - counted), 5, 0, 5 * 0.091);
    /* nobody left: as long as the last one lasted */
    rules.drop_out_ratio = 0.999999;
    counted = coord_settle(&rules, 7, 3, many, 3, 3, turns, order, &end_s);
    assert_int_equal(counted, 0);
    assert_true(end_s > 0 && end_s < 10);
}

/* Two are selected and wanted, of 1 s and of 10 s of work. Where the slow one
 * drops out, which alone it does at the same moment, the server waits for it
 * until then. */
static void test_a_server_does_not_know_who_will_drop_out(void **state)
{
    (void)state;
    static const int64_t slow[] = {8};
    struct coord_rules rules = {.drop_out_ratio = 0.5};
    int waited = 0;
    for (int64_t round = 0; round < 100; round++) {
        struct coord_turn alone[1], turns[2], *order[2];
        double drop_s = 0, end_s = 0;
        alone[0].length_s = turns[1].length_s = 10;
        turns[0].length_s = 1;
        rules.timeout_s = 0;
        (void)coord_settle(&rules, 1, round, slow, 1, 1, alone, order, &drop_s);
        (void)coord_settle(&rules, 1, round, clients + 1, 2, 2, turns, order,
                           &end_s);
        if (turns[0].fate != COORD_COUNTS || turns[1].fate != COORD_DROPPED ||
            drop_s <= 1)
            continue;
        waited++;
        assert_near(end_s, drop_s, 0, 0);
        assert_near(turns[1].end_s, drop_s, 0, 0);
        (void)coord_settle(&rules, 1, round, clients + 1, 2, 1, turns, order,
                           &end_s);
        assert_near(end_s, 1, 0, 0); /* one is enough */
        rules.timeout_s = 1 + (drop_s - 1) / 2;
        (void)coord_settle(&rules, 1, round, clients + 1, 2, 2, turns, order,
                           &end_s);
        assert_near(end_s, rules.timeout_s, 0, 0);
    }
    /* a quarter of the rounds are so, nine tenths of them late enough */
    assert_in_range(waited, 5, 60);
}

static void test_a_round_is_settled_alike_whoever_else_is_selected(void **state)
{
    (void)state;
    struct coord_rules rules = {.drop_out_ratio = 0.5};
    struct fl_rng rng = fl_rng_stream(5, FL_RNG_TEST, 0, 0);
    for (int k = 0; k < 200; k++) {
        struct coord_turn alone[1], both[2], *order[2];
        double length_s = 1 + fl_rng_uniform(&rng), end_s = 0;
        alone[0].length_s = both[0].length_s = length_s;
        both[1].length_s = 1 + fl_rng_uniform(&rng);
        (void)coord_settle(&rules, 9, k, clients, 1, 1, alone, order, &end_s);
        (void)coord_settle(&rules, 9, k, clients, 2, 2, both, order, &end_s);
        assert_int_equal(alone[0].fate == COORD_DROPPED,
                         both[0].fate == COORD_DROPPED);
        for (int i = 0; i < 2; i++) {
            assert_true(both[i].end_s <= end_s);
            assert_true(both[i].end_s <= both[i].length_s);
        }
    }
}

static void
test_more_are_selected_than_wanted_but_no_more_than_there_are(void **state)
{
    (void)state;
    assert_int_equal(coord_selected(10, 1, 100), 10);
    assert_int_equal(coord_selected(10, 1.25, 100), 13);
    assert_int_equal(coord_selected(10, 20, 100), 100);
    assert_int_equal(coord_selected(100, 1.1, 1000),
                     110); /* 110.00000000000001 */
    assert_int_equal(coord_selected(100, 1.101, 1000), 111);
    for (int64_t percent = 100; percent <= 300; percent++)
        assert_int_equal(coord_selected(100, (double)percent / 100, 1000),
                         percent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_count_where_nothing_is_asked_for),
        cmocka_unit_test(test_a_round_ends_with_the_last_that_is_wanted),
        cmocka_unit_test(test_a_time_out_cuts_the_slow),
        cmocka_unit_test(test_whoever_drops_out_is_not_waited_for),
        cmocka_unit_test(test_a_server_does_not_know_who_will_drop_out),
        cmocka_unit_test(
            test_a_round_is_settled_alike_whoever_else_is_selected),
        cmocka_unit_test(
            test_more_are_selected_than_wanted_but_no_more_than_there_are),
    };
    return cmocka_run_group_tests_name("coordinator.participation", tests, NULL,
                                       NULL);
}
