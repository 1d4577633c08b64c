/* The simulated clock: order of events, refusals. */
#include "support/assert_near.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "coordinator/simclock.h"

#include <math.h>

static void test_events_come_in_order_of_time(void **state)
{
    (void)state;
    struct coord_simclock clock;
    struct fl_error err = {0};
    struct fl_rng rng = fl_rng_stream(1, FL_RNG_TEST, 0, 0);
    coord_simclock_init(&clock, 5);
    for (int i = 0; i < 1000; i++)
        assert_ok(coord_simclock_at(&clock, 5 + 100 * fl_rng_uniform(&rng), 0,
                                    i, &err),
                  &err);
    struct coord_event event;
    double last_s = 5;
    int n = 0;
    for (; coord_simclock_next(&clock, &event); n++) {
        assert_true(event.t_s >= last_s);
        assert_true(clock.now_s == event.t_s);
        last_s = event.t_s;
    }
    assert_int_equal(n, 1000);
    coord_simclock_fini(&clock);
}

static void test_events_of_one_instant_keep_their_order(void **state)
{
    (void)state;
    struct coord_simclock clock;
    struct fl_error err = {0};
    coord_simclock_init(&clock, 0);
    for (int i = 0; i < 100; i++)
        assert_ok(coord_simclock_at(&clock, i % 3, 0, i, &err), &err);
    struct coord_event event, before = {.t_s = -1};
    while (coord_simclock_next(&clock, &event)) {
        if (event.t_s == before.t_s)
            assert_true(event.client > before.client);
        before = event;
    }
    coord_simclock_fini(&clock);
}

static void test_the_past_and_the_infinite_are_refused(void **state)
{
    (void)state;
    struct coord_simclock clock;
    struct fl_error err = {0};
    coord_simclock_init(&clock, 10);
    assert_int_equal(coord_simclock_at(&clock, 9, 0, 0, &err), FL_E_ARG);
    assert_int_equal(coord_simclock_at(&clock, (double)INFINITY, 0, 0, &err),
                     FL_E_NUMERIC);
    assert_int_equal(coord_simclock_at(&clock, (double)NAN, 0, 0, &err),
                     FL_E_NUMERIC);
    struct coord_event event;
    assert_false(coord_simclock_next(&clock, &event));
    coord_simclock_fini(&clock);
}

static void test_out_of_memory_leaves_the_clock_usable(void **state)
{
    (void)state;
    struct coord_simclock clock;
    struct fl_error err = {0};
    coord_simclock_init(&clock, 0);
    (void)fl_alloc_fail_at(1);
    assert_int_equal(coord_simclock_at(&clock, 1, 0, 0, &err), FL_E_NOMEM);
    (void)fl_alloc_fail_at(0);
    assert_ok(coord_simclock_at(&clock, 1, 0, 7, &err), &err);
    struct coord_event event;
    assert_true(coord_simclock_next(&clock, &event));
    assert_int_equal(event.client, 7);
    coord_simclock_fini(&clock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_come_in_order_of_time),
        cmocka_unit_test(test_events_of_one_instant_keep_their_order),
        cmocka_unit_test(test_the_past_and_the_infinite_are_refused),
        cmocka_unit_test(test_out_of_memory_leaves_the_clock_usable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
