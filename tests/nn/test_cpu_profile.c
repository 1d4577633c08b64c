/* Where time goes, on work whose time is known or can be measured beside. */
#include "nn/cpu_profile.h"
#include "nn/model.h"
#include "nn/train.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "support/assert_near.h"

#include <poll.h>
#include <string.h>

static struct nn_profile *begin(void)
{
    struct nn_profile *profile = NULL;
    struct fl_error err;
    assert_ok(nn_profile_create(&profile, &err), &err);
    return profile;
}

/* Keeps the thread busy for that much CPU time. */
static void burn(double cpu_s)
{
    double end = fl_clock_thread_cpu_s() + cpu_s;
    while (fl_clock_thread_cpu_s() < end)
        ;
}

static double
time_of(const struct nn_profile_view *view, enum nn_phase phase, size_t row)
{
    return view->time_s[row * NN_PHASE_LAST_ + (size_t)phase];
}

static void test_phases_have_names_and_docs(void **state)
{
    (void)state;
    for (int p = 0; p < NN_PHASE_LAST_; p++) {
        assert_true(nn_phase_name((enum nn_phase)p)[0] != '\0');
        assert_true(nn_phase_doc((enum nn_phase)p)[0] != '\0');
        for (int q = 0; q < p; q++)
            assert_string_not_equal(nn_phase_name((enum nn_phase)p),
                                    nn_phase_name((enum nn_phase)q));
    }
    assert_string_equal(nn_phase_name(NN_PHASE_LAST_), "unknown");
}

static void test_rows_are_counted_by_names(void **state)
{
    (void)state;
    assert_int_equal(nn_profile_n_rows(NULL), 1);
    assert_int_equal(nn_profile_n_rows(""), 1);
    assert_int_equal(nn_profile_n_rows("a"), 2);
    assert_int_equal(nn_profile_n_rows("a\nb c\nd"), 4);
}

/* A wait costs no CPU time, however long it is; what is burnt is found in its
 * phase. */
static void test_waits_and_work_are_told_apart(void **state)
{
    (void)state;
    struct nn_profile *profile = begin();
    for (int i = 0; i < 5; i++) {
        burn(0.02);
        nn_profile_before_wait(profile, NN_PHASE_DATA);
        (void)poll(NULL, 0, 20);
        burn(0.004);
        nn_profile_after_wait(profile, NN_PHASE_RECEIVE);
    }
    struct nn_profile_view view = nn_profile_read(profile);
    /* At least what was burnt; a fifth more for the loop and the clocks'
     * grain, which under valgrind and sanitizers is coarse. */
    assert_near(time_of(&view, NN_PHASE_DATA, 0), 0.11, 0, 0.012);
    assert_near(time_of(&view, NN_PHASE_RECEIVE, 0), 0.022, 0, 0.004);
    assert_true(time_of(&view, NN_PHASE_WAIT, 0) >= 0.099);
    double sum_s = 0;
    for (size_t p = 0; p < NN_PHASE_LAST_; p++)
        if (p != NN_PHASE_START && p != NN_PHASE_TRANSPORT)
            sum_s += view.time_s[p];
    /* All of the wall time is somewhere; clocks are read one by one. */
    assert_near(sum_s, view.wall_s, 0.02, 0.002);
    assert_true(view.calls[NN_PHASE_DATA] == 5);
    assert_true(view.peak_bytes > 1 << 20);
    nn_profile_destroy(profile);
}

/* CPU time of laps is shared out in proportion to their wall time. */
static void test_laps_share_the_cpu_time(void **state)
{
    (void)state;
    struct nn_profile *profile = begin();
    struct fl_error err;
    assert_ok(nn_profile_name_layers(profile, "first\nsecond", &err), &err);
    double cpu_s = fl_clock_thread_cpu_s();
    for (int i = 0; i < 20; i++) {
        burn(0.001);
        nn_profile_lap(profile, NN_PHASE_FORWARD, 1);
        burn(0.003);
        nn_profile_lap(profile, NN_PHASE_FORWARD, 2);
    }
    cpu_s = fl_clock_thread_cpu_s() - cpu_s;
    nn_profile_before_wait(profile, NN_PHASE_OTHER);
    nn_profile_after_wait(profile, NN_PHASE_OTHER);
    struct nn_profile_view view = nn_profile_read(profile);
    assert_string_equal(view.layers, "first\nsecond");
    assert_int_equal(view.n_rows, 3);
    double first = time_of(&view, NN_PHASE_FORWARD, 1);
    double second = time_of(&view, NN_PHASE_FORWARD, 2);
    /* The sum is measured; how it is shared is disturbed by who else runs. */
    assert_near(first + second, cpu_s, 0.02, 0.002);
    assert_true(second > first);
    assert_true(view.calls[NN_PHASE_LAST_ + NN_PHASE_FORWARD] == 20);
    nn_profile_destroy(profile);
}

static void test_a_step_is_booked_under_its_layers(void **state)
{
    (void)state;
    struct fl_error err;
    struct nn_profile *profile = begin();
    struct nn_model *model = NULL;
    struct nn_workspace *ws = NULL;
    const struct nn_shape input = {3, {28, 28, 1}};
    const struct nn_optimizer_opts sgd = {.lr = 0.1};
    enum { N = 4, STEPS = 3 };
    static float x[N * 28 * 28];
    static const int32_t labels[N] = {0, 1, 2, 3};
    assert_ok(nn_model_create_named("lenet5", &input, 10, &model, &err), &err);
    assert_ok(nn_workspace_create(model, N, &ws, &err), &err);
    assert_ok(nn_workspace_profile(ws, profile, &err), &err);
    float *params = fl_calloc((size_t)nn_model_n_params(model), sizeof *params);
    assert_non_null(params);
    nn_model_init_params(model, 1, params);
    for (int i = 0; i < STEPS; i++) {
        double loss = 0;
        assert_ok(nn_train_step(ws, &sgd, params, NULL, NULL, x, labels, N,
                                NULL, &loss, &err),
                  &err);
    }
    struct nn_score score = {0};
    assert_ok(nn_evaluate(ws, params, x, labels, N, &score, &err), &err);
    nn_profile_before_wait(profile, NN_PHASE_OTHER);
    nn_profile_after_wait(profile, NN_PHASE_OTHER);
    struct nn_profile_view view = nn_profile_read(profile);
    size_t last = view.n_rows - 1; /* the loss */
    assert_non_null(strstr(view.layers, "conv2d"));
    assert_non_null(strstr(view.layers, "\nloss cross_entropy"));
    assert_true(view.calls[last * NN_PHASE_LAST_ + NN_PHASE_FORWARD] == STEPS);
    assert_true(view.calls[last * NN_PHASE_LAST_ + NN_PHASE_EVALUATE] == 1);
    for (size_t row = 1; row < last; row++) {
        assert_true(time_of(&view, NN_PHASE_FORWARD, row) > 0);
        assert_true(time_of(&view, NN_PHASE_BACKWARD, row) > 0);
        assert_true(time_of(&view, NN_PHASE_EVALUATE, row) > 0);
    }
    fl_free(params);
    nn_workspace_destroy(ws);
    nn_model_destroy(model);
    nn_profile_destroy(profile);
}

static void test_no_profile_is_fine_everywhere(void **state)
{
    (void)state;
    struct fl_error err;
    nn_profile_lap(NULL, NN_PHASE_DATA, NN_NO_LAYER);
    nn_profile_before_wait(NULL, NN_PHASE_DATA);
    nn_profile_after_wait(NULL, NN_PHASE_DATA);
    assert_ok(nn_profile_name_layers(NULL, "a", &err), &err);
    nn_profile_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_phases_have_names_and_docs),
        cmocka_unit_test(test_rows_are_counted_by_names),
        cmocka_unit_test(test_waits_and_work_are_told_apart),
        cmocka_unit_test(test_laps_share_the_cpu_time),
        cmocka_unit_test(test_a_step_is_booked_under_its_layers),
        cmocka_unit_test(test_no_profile_is_fine_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
