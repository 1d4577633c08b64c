/* Hashes, clocks, cores, status names. */
#include "support/assert_near.h"

#include "base/clock.h"
#include "base/sha256.h"
#include "base/status.h"
#include "base/topology.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* FIPS 180-2, appendix B. */
static void test_sha256_of_known_texts(void **state)
{
    (void)state;
    char hex[65];
    fl_sha256_of("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223"
                             "b00361a396177a9cb410ff61f20015ad");
    struct fl_sha256 sha;
    const char *text =
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    fl_sha256_init(&sha);
    for (size_t i = 0; i < strlen(text); i++) /* in pieces */
        fl_sha256_add(&sha, text + i, 1);
    fl_sha256_hex(&sha, hex);
    assert_string_equal(hex, "248d6a61d20638b8e5c026930c3e6039"
                             "a33ce45964ff2167f6ecedd419db06c1");
}

static void test_durations_for_people(void **state)
{
    (void)state;
    char text[32];
    static const struct {
        double duration_s;
        const char *text;
    } cases[] = {{0, "00:00"},
                 {59.6, "01:00"},
                 {3599, "59:59"},
                 {3661, "1:01:01"},
                 {(double)NAN, "--:--"},
                 {-1, "--:--"},
                 {(double)INFINITY, "--:--"},
                 {360000, "100:00:00"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fl_clock_text(cases[i].duration_s, text, sizeof text);
        assert_string_equal(text, cases[i].text);
    }
}

static void test_clocks_go_forward(void **state)
{
    (void)state;
    double wall = fl_clock_wall_s(), cpu = fl_clock_cpu_s();
    assert_true(fl_clock_wall_s() >= wall);
    assert_true(fl_clock_cpu_s() >= cpu);
    char utc[21];
    fl_clock_utc(utc);
    assert_int_equal(strlen(utc), 20);
    assert_int_equal(utc[19], 'Z');
}

static void test_there_is_a_core_to_bind_to(void **state)
{
    (void)state;
    struct fl_topology *topology = NULL;
    struct fl_error err = {0};
    assert_ok(fl_topology_create(&topology, &err), &err);
    int cores = fl_topology_cores(topology);
    assert_true(cores >= 1);
    assert_ok(fl_topology_bind(topology, cores, &err), &err); /* wraps */
    assert_true(strlen(fl_topology_cpu(topology)) > 0);
    fl_topology_destroy(topology);
    fl_topology_destroy(NULL);
}

static void test_who_is_bound_may_use_no_more_than_that(void **state)
{
    (void)state;
    struct fl_topology *all = NULL, *bound = NULL;
    struct fl_machine before, after;
    struct fl_core mine, only;
    struct fl_error err = {0};
    assert_ok(fl_topology_create(&all, &err), &err);
    int last = fl_topology_cores(all) - 1;
    fl_topology_core(all, last, &mine);
    assert_ok(fl_topology_machine(all, &before, &err), &err);
    assert_true(before.cores >= last + 1 && before.cpus >= before.cores);
    assert_true(before.memory_bytes > 0);
    assert_ok(fl_topology_bind(all, last, &err), &err);
    assert_ok(fl_topology_create(&bound, &err), &err);
    assert_int_equal(fl_topology_cores(bound), 1);
    fl_topology_core(bound, 0, &only);
    assert_string_equal(only.cpus, mine.cpus);
    assert_int_equal(only.node, mine.node);
    /* the machine is what it was */
    assert_ok(fl_topology_machine(bound, &after, &err), &err);
    assert_int_equal(after.cores, before.cores);
    assert_true(after.allowed_cpus <= before.allowed_cpus);
    fl_topology_destroy(bound);
    fl_topology_destroy(all);
}

static void test_every_status_has_a_name(void **state)
{
    (void)state;
    for (int i = 0; i < FL_E_LAST_; i++)
        assert_int_equal(strncmp(fl_status_name((enum fl_status)i), "FL_", 3),
                         0);
    assert_string_equal(fl_status_name((enum fl_status)99), "FL_E_unknown");
}

static void test_failures_carry_text_and_code(void **state)
{
    (void)state;
    struct fl_error err = {0};
    assert_int_equal(fl_fail(&err, FL_E_RANGE, "x = %d", 3), FL_E_RANGE);
    assert_int_equal(err.code, FL_E_RANGE);
    assert_string_equal(err.text, "x = 3");
    assert_int_equal(fl_fail(NULL, FL_E_IO, "nobody listens"), FL_E_IO);
    errno = ENOENT;
    assert_int_equal(fl_fail_errno(&err, FL_E_IO, "file"), FL_E_IO);
    assert_string_equal(err.text, "file: No such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256_of_known_texts),
        cmocka_unit_test(test_durations_for_people),
        cmocka_unit_test(test_clocks_go_forward),
        cmocka_unit_test(test_there_is_a_core_to_bind_to),
        cmocka_unit_test(test_who_is_bound_may_use_no_more_than_that),
        cmocka_unit_test(test_every_status_has_a_name),
        cmocka_unit_test(test_failures_carry_text_and_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
