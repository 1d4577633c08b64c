/* Mode mock: what stands for training, and what is refused. */
#include "scenario_fixture.h"

#include "base/alloc.h"
#include "base/file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIZES                                                                  \
    "mock={samples_per_client: 30, shape: [28, 28, 1], classes: 10, "          \
    "test_samples: 100}"

/* The good scenario has targets, which would need curves. */
#define NO_TARGETS                                                             \
    "train.stop={accuracy: 0}", "train.centralized.stop={accuracy: 0}",        \
        "train.alone.stop={accuracy: 0}"

static void test_nothing_is_mocked_unless_it_is_said(void **state)
{
    (void)state;
    struct scn_scenario *s = scn_load_good(scn_good, NULL, 0);
    static const char *const sets[] = {"mode=train"};
    struct scn_scenario *said = scn_load_good(scn_good, sets, 1);
    assert_false(s->mock.is_on);
    assert_false(said->mock.is_on);
    scn_scenario_destroy(said);
    scn_scenario_destroy(s);
    assert_set_problem("mock={samples_per_client: 3}",
                       "mock: allowed with mode: mock only");
}

static void test_a_curve_saturates_by_its_formula(void **state)
{
    (void)state;
    const struct scn_curve curve = {.kind = SCN_CURVE_SATURATING,
                                    .start_ratio = 0.1,
                                    .limit_ratio = 0.9,
                                    .alpha = 0.5};
    double accuracy = 0;
    assert_int_equal(scn_curve_at(&curve, 0, &accuracy, NULL), FL_OK);
    assert_near(accuracy, 0.9 - 0.8 * exp(-0.5), 1e-15, 0);
    assert_int_equal(scn_curve_at(&curve, 1000, &accuracy, NULL), FL_OK);
    assert_near(accuracy, 0.9, 0, 0); /* exp(-500) is below its last bit */
}

static enum fl_status
open_table(const char *text, struct scn_curve *curve, struct fl_error *err)
{
    static char path[] = "/tmp/fedcarbon-curve-XXXXXX";
    (void)snprintf(path, sizeof path, "/tmp/fedcarbon-curve-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
    *curve = (struct scn_curve){.kind = SCN_CURVE_TABLE, .file = path};
    enum fl_status status = scn_curve_open(curve, "federated", err);
    (void)unlink(path);
    return status;
}

static void test_a_table_is_taken_as_it_is_and_not_extrapolated(void **state)
{
    (void)state;
    struct scn_curve curve;
    struct fl_error err = {0};
    double accuracy = 0;
    assert_int_equal(open_table("arm,round,loss,accuracy\r\n"
                                "centralized,0,1,0.9\n"
                                "\"federated\",1,\"2,5\",\"0.25\"\n\n"
                                "federated,2,2,\n" /* not scored */
                                "federated,5,2,0.75\n",
                                &curve, &err),
                     FL_OK);
    assert_int_equal(curve.n, 2);
    assert_int_equal(scn_curve_at(&curve, 1, &accuracy, &err), FL_OK);
    assert_near(accuracy, 0.25, 0, 0);
    assert_int_equal(scn_curve_at(&curve, 5, &accuracy, &err), FL_OK);
    assert_near(accuracy, 0.75, 0, 0);
    assert_int_equal(scn_curve_at(&curve, 3, &accuracy, &err), FL_OK);
    assert_near(accuracy, 0.5, 1e-15, 0); /* half of four, exact in binary */
    assert_int_equal(scn_curve_at(&curve, 0, &accuracy, &err), FL_E_RANGE);
    assert_int_equal(scn_curve_at(&curve, 6, &accuracy, &err), FL_E_RANGE);
    assert_non_null(strstr(err.text, "no accuracy for 6, allowed 1 to 5"));
    scn_curve_fini(&curve);
}

static void test_a_table_that_is_none_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"round,acc\n0,0.5\n", ":1: columns, allowed round and accuracy"},
        {"round,accuracy\n0,0.5\nx,0.6\n", ":3: "},
        {"round,accuracy\n0,1.5\n", ":2: "},
        {"round,accuracy\n0,nan\n", ":2: "},
        {"round,accuracy\n0\n", ":2: too few fields"},
        {"round,accuracy\n0,\"0.5\n", ":2: a quoted field, allowed"},
        {"round,accuracy\n0,\"0.5\"1\n", ":2: a quoted field, allowed"},
        {"round,accuracy\n3,0.5\n3,0.6\n", ":3: rounds, allowed ascending"},
        {"arm,round,accuracy\nlocal,3,0.5\n",
         "no row with an accuracy of the arm federated"},
        {"", "no row with"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scn_curve curve;
        struct fl_error err = {0};
        enum fl_status status = open_table(cases[i].text, &curve, &err);
        assert_true(status == FL_E_FORMAT || cases[i].text[0] == '\0');
        assert_int_not_equal(status, FL_OK);
        if (cases[i].text[0])
            assert_non_null(strstr(err.text, cases[i].expected));
        scn_curve_fini(&curve);
    }
}

static void test_given_sizes_stand_for_a_data_set(void **state)
{
    (void)state;
    static const char *const sets[] = {
        "mode=mock", SIZES, "data={dataset: keyboards, clients: 1000}",
        NO_TARGETS};
    struct scn_scenario *s = scn_load_good(scn_good, sets, 6);
    struct scn_scenario *again = scn_load_again(s);
    struct scn_task task;
    struct fl_error err = {0};
    assert_string_equal(again->sha256, s->sha256);
    assert_int_equal(
        scn_task_init(&task, again, "/nowhere", "/nowhere", NULL, &err), FL_OK);
    assert_null(task.dataset);
    assert_int_equal(task.clients, 1000);
    assert_int_equal(task.samples, 30000);
    assert_int_equal(task.test_samples, 100);
    assert_int_equal(task.sample_bytes, 28 * 28 + 1);
    assert_int_equal(scn_task_client_samples(&task, 999), 30);
    scn_task_fini(&task);
    scn_scenario_destroy(again);
    scn_scenario_destroy(s);
}

static void expect(const char *const *sets, size_t n, const char *expected)
{
    struct scn_scenario *s = NULL;
    char *problems = NULL;
    assert_int_equal(scn_load_text(scn_good, sets, n, &s, &problems),
                     FL_E_CONFIG);
    if (!strstr(problems, expected))
        fail_msg("expected '%s', found:\n%s", expected, problems);
    fl_free(problems);
}

static void test_what_does_not_go_together_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *set, *expected;
    } cases[] = {
        {"mock={shape: [3]}",
         "mock.shape: allowed with mock.samples_per_client only"},
        {"mock={samples_per_client: 3}",
         "mock.classes is missing: mock.samples_per_client needs it"},
        {"mock={samples_per_client: 3, classes: 2, test_samples: 1, shape: "
         "[0]}",
         "mock.shape: allowed 1 to 3 whole numbers"},
        {"mock.accuracy={kind: saturating, start: 0, rate: 1}",
         "mock.accuracy.limit is missing: kind saturating needs it"},
        {"mock.accuracy={kind: table, rate: 1}",
         "mock.accuracy.rate: allowed with kind saturating only"},
        {"mock.accuracy={kind: table, file: /nowhere.csv}",
         "mock.accuracy.file = /nowhere.csv, allowed a file that can be read"},
        {"mock.accuracy={kind: linear}", "allowed saturating, table"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *const sets[] = {"mode=mock", NO_TARGETS, cases[i].set};
        expect(sets, 5, cases[i].expected);
    }
    static const char *const target[] = {"mode=mock",
                                         "train.stop={accuracy: 0.9}"};
    expect(target, 2,
           "mode = mock: the arm federated has the target accuracy 0.9 and no "
           "mock.accuracy, allowed one, or a target of 0");
    static const char *const skewed[] = {
        "mode=mock", NO_TARGETS, SIZES,
        "data={dataset: x, clients: 5, partition: dirichlet}"};
    expect(skewed, 6, "data.partition: allowed iid");
    static const char *const countless[] = {"mode=mock", NO_TARGETS, SIZES,
                                            "data={dataset: x}"};
    expect(countless, 6, "data.clients is missing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_mocked_unless_it_is_said),
        cmocka_unit_test(test_a_curve_saturates_by_its_formula),
        cmocka_unit_test(test_a_table_is_taken_as_it_is_and_not_extrapolated),
        cmocka_unit_test(test_a_table_that_is_none_is_refused_with_its_line),
        cmocka_unit_test(test_given_sizes_stand_for_a_data_set),
        cmocka_unit_test(test_what_does_not_go_together_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
