#include "coordinator/run_priv.h"
#include "support/assert_near.h"

static void test_quick_savings_come_as_often_as_asked(void **state)
{
    (void)state;
    assert_near(coord_save_interval_wall_s(0.001, 2), 2, 0, 0);
    assert_near(coord_save_interval_wall_s(0, 0.5), 0.5, 0, 0);
}

static void test_slow_savings_take_a_hundredth_of_the_time(void **state)
{
    (void)state;
    /* one multiplication */
    assert_near(coord_save_interval_wall_s(0.1, 2), 10, 1e-15, 0);
}

/* A disk on which a second of work takes more than a hundredth of it to save:
 * each saving is longer than the one before, but no rarer than that. */
static void test_savings_never_become_rarer_and_rarer(void **state)
{
    (void)state;
    double interval_wall_s = 2;
    for (int i = 0; i < 1000; i++) {
        interval_wall_s = coord_save_interval_wall_s(0.05 * interval_wall_s, 2);
        assert_true(interval_wall_s <= 30);
    }
    assert_near(coord_save_interval_wall_s(1e9, 2), 30, 0, 0);
    assert_near(coord_save_interval_wall_s(1e9, 60), 60, 0, 0); /* as asked */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quick_savings_come_as_often_as_asked),
        cmocka_unit_test(test_slow_savings_take_a_hundredth_of_the_time),
        cmocka_unit_test(test_savings_never_become_rarer_and_rarer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
