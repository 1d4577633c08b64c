/* Sweeps: from what varies to points, and what is refused. */
#include "scenario_fixture.h"

#include "base/alloc.h"
#include "scenarios/sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum fl_status load(const char *text,
                           const struct scn_sweep_opts *opts,
                           struct scn_sweep **ret,
                           char **ret_problems)
{
    char path[] = "test_sweep_XXXXXX.yaml";
    size_t n = 0;
    int fd = mkstemps(path, 5);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
    FILE *out = open_memstream(ret_problems, &n);
    assert_non_null(out);
    struct fl_error err = {0};
    enum fl_status status = scn_sweep_create(path, opts, out, ret, &err);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(unlink(path), 0);
    return status;
}

/* One line per point: its values with blanks between. */
static void assert_points(const char *text,
                          const struct scn_sweep_opts *opts,
                          const char *expected)
{
    static const struct scn_sweep_opts none = {0};
    struct scn_sweep *sweep = NULL;
    char *problems = NULL, *found = NULL;
    size_t n = 0;
    if (load(text, opts ? opts : &none, &sweep, &problems) != FL_OK)
        fail_msg("%s", problems);
    assert_string_equal(problems, "");
    FILE *out = open_memstream(&found, &n);
    assert_non_null(out);
    for (size_t k = 0; k < sweep->n_keys; k++)
        (void)fprintf(out, "%s%s", k ? " " : "", sweep->keys[k]);
    for (size_t p = 0; p < sweep->n_points; p++)
        for (size_t k = 0; k < sweep->n_keys; k++) {
            size_t at = p * sweep->n_keys + k;
            char set[512];
            (void)fprintf(out, "%s%s", k ? " " : "\n", sweep->values[at]);
            (void)snprintf(set, sizeof set, "%s=%s", sweep->keys[k],
                           sweep->values[at]);
            assert_string_equal(sweep->sets[at], set);
        }
    assert_int_equal(fclose(out), 0);
    assert_string_equal(found, expected);
    fl_free(found);
    fl_free(problems);
    scn_sweep_destroy(sweep);
}

static void assert_refused(const char *text,
                           const struct scn_sweep_opts *opts,
                           const char *expected)
{
    static const struct scn_sweep_opts none = {0};
    struct scn_sweep *sweep = NULL;
    char *problems = NULL;
    assert_int_equal(load(text, opts ? opts : &none, &sweep, &problems),
                     FL_E_CONFIG);
    assert_null(sweep);
    if (!strstr(problems, expected))
        fail_msg("%s: found '%s', expected '%s'", text, problems, expected);
    fl_free(problems);
}

static void test_the_last_dimension_changes_fastest(void **state)
{
    (void)state;
    assert_points("name: t\n"
                  "seed: 5\n"
                  "sweep:\n"
                  "  seeds: 2\n"
                  "  zip:\n"
                  "    - {data.dataset: [mnist, glyphs], model: [a, b]}\n"
                  "  vary:\n"
                  "    data.clients: [10, 100]\n",
                  NULL,
                  "data.clients data.dataset model seed\n"
                  "10 mnist a 5\n"
                  "10 mnist a 6\n"
                  "10 glyphs b 5\n"
                  "10 glyphs b 6\n"
                  "100 mnist a 5\n"
                  "100 mnist a 6\n"
                  "100 glyphs b 5\n"
                  "100 glyphs b 6");
}

static void test_ranges_end_where_they_say(void **state)
{
    (void)state;
    assert_points("sweep: {vary: {a: {from: 0.1, to: 0.3, step: 0.1}}}\n", NULL,
                  "a\n0.1\n0.2\n0.3");
    assert_points("sweep: {vary: {a: {from: 3, to: 1, step: -1}}}\n", NULL,
                  "a\n3\n2\n1");
    assert_points("sweep: {vary: {a: {from: 0.01, to: 1, factor: 10}}}\n", NULL,
                  "a\n0.01\n0.1\n1");
    assert_points("sweep: {vary: {a: {from: 64, to: 15, factor: 0.5}}}\n", NULL,
                  "a\n64\n32\n16");
    assert_points("sweep: {vary: {a: {from: 10, to: 24, step: 5}}}\n", NULL,
                  "a\n10\n15\n20");
    assert_points("sweep: {vary: {a: {from: 2, to: 2, step: 5}}}\n", NULL,
                  "a\n2");
}

static void test_values_may_be_sections_lists_and_nothing(void **state)
{
    (void)state;
    assert_points("sweep:\n"
                  "  vary:\n"
                  "    p: [iid, {kind: dirichlet, alpha: 0.1}, ~, [1, x]]\n"
                  "    s: ['a b', \"null\"]\n",
                  NULL,
                  "p s\n"
                  "iid \"a b\"\n"
                  "iid \"null\"\n"
                  "{kind: dirichlet, alpha: 0.1} \"a b\"\n"
                  "{kind: dirichlet, alpha: 0.1} \"null\"\n"
                  "~ \"a b\"\n"
                  "~ \"null\"\n"
                  "[1, x] \"a b\"\n"
                  "[1, x] \"null\"");
}

static void test_the_command_line_adds_and_replaces(void **state)
{
    (void)state;
    static const char text[] = "seed: 9007199254740990\n"
                               "sweep:\n"
                               "  vary: {a: [1, 2], b: [3]}\n"
                               "  zip: {c: [4, 5], d: [6, 7]}\n";
    static const char *const vary[] = {"b={from: 1, to: 2, step: 1}", "e=8"};
    static const char *const zips[] = {"c={k: [1, 2]},\"x y\" f=0,1"};
    const struct scn_sweep_opts opts = {
        .vary = vary, .n_vary = 2, .zips = zips, .n_zips = 1, .seeds = "2"};
    assert_points(text, &opts,
                  "a b e c f seed\n"
                  "1 1 8 {k: [1, 2]} 0 9007199254740990\n"
                  "1 1 8 {k: [1, 2]} 0 9007199254740991\n"
                  "1 1 8 \"x y\" 1 9007199254740990\n"
                  "1 1 8 \"x y\" 1 9007199254740991\n"
                  "1 2 8 {k: [1, 2]} 0 9007199254740990\n"
                  "1 2 8 {k: [1, 2]} 0 9007199254740991\n"
                  "1 2 8 \"x y\" 1 9007199254740990\n"
                  "1 2 8 \"x y\" 1 9007199254740991\n"
                  "2 1 8 {k: [1, 2]} 0 9007199254740990\n"
                  "2 1 8 {k: [1, 2]} 0 9007199254740991\n"
                  "2 1 8 \"x y\" 1 9007199254740990\n"
                  "2 1 8 \"x y\" 1 9007199254740991\n"
                  "2 2 8 {k: [1, 2]} 0 9007199254740990\n"
                  "2 2 8 {k: [1, 2]} 0 9007199254740991\n"
                  "2 2 8 \"x y\" 1 9007199254740990\n"
                  "2 2 8 \"x y\" 1 9007199254740991");
    const struct scn_sweep_opts listed = {.seeds = "7,3"};
    assert_points("sweep: {seeds: [1, 2, 3]}\n", &listed, "seed\n7\n3");
    assert_points("sweep: {vary: {seed: [1, 2], a: [0]}}\n", &listed,
                  "a seed\n0 7\n0 3");
    static const char *const seed[] = {"seed=5,6"};
    const struct scn_sweep_opts varied = {.vary = seed, .n_vary = 1};
    assert_points("sweep: {seeds: 3}\n", &varied, "seed\n5\n6");
    const struct scn_sweep_opts twice = {
        .vary = seed, .n_vary = 1, .seeds = "2"};
    assert_refused("sweep: {seeds: 3}\n", &twice, "seed: it varies already");
}

static void test_sets_may_change_the_section(void **state)
{
    (void)state;
    static const char *const sets[] = {"sweep.seeds=3", "seed=4"};
    const struct scn_sweep_opts opts = {.sets = sets, .n_sets = 2};
    static const char *const fixed[] = {"a=4"};
    const struct scn_sweep_opts both = {.sets = fixed, .n_sets = 1};
    assert_refused("sweep: {seeds: 2}\n", &opts, "--set: seed: it varies");
    assert_points("sweep: {vary: {b: [1, 2]}}\n", &both, "b\n1\n2");
    assert_refused("sweep: {vary: {a: [1, 2]}}\n", &both,
                   "--set: a: it varies, allowed --vary a=...");
}

static void test_what_is_wrong_is_said_with_its_key(void **state)
{
    (void)state;
    static const struct {
        const char *text, *problem;
    } cases[] = {
        {"name: t\n", "nothing varies"},
        {"sweep: {vari: {a: [1]}}\n", "did you mean 'vary'?"},
        {"sweep: {vary: {a: 1}}\n", ":1:19: a: allowed a list of values"},
        {"sweep: {vary: {a: []}}\n", "a: allowed a list of values"},
        {"sweep: {vary: [1]}\n", "sweep.vary: allowed a section"},
        {"sweep: {zip: [1]}\n", "sweep.zip: allowed sections"},
        {"sweep: {zip: {a: [1, 2], b: [1]}}\n",
         "b: found 1 values, allowed as many as a beside it has, 2"},
        {"sweep: {vary: {a: [1]}, zip: {a: [1]}}\n", "a: it varies already"},
        {"sweep: {vary: {a: [1], a.b: [1]}}\n", "a.b: it varies already, by a"},
        {"sweep: {vary: {seed: [1]}, seeds: 3}\n", "seed: it varies already"},
        {"sweep: {vary: {sweep.seeds: [1]}}\n", "found 'sweep.seeds'"},
        {"sweep: {vary: {a: {from: 1, to: 2}}}\n", "a: found no range"},
        {"sweep: {vary: {a: {from: 1, to: 2, step: -1}}}\n",
         "a: found no range"},
        {"sweep: {vary: {a: {from: 1, to: 2, step: 1, factor: 2}}}\n",
         "a: found no range"},
        {"sweep: {vary: {a: {from: 0, to: 2, factor: 2}}}\n",
         "a: found no range"},
        {"sweep: {vary: {a: {from: 1, to: 2, factor: 1}}}\n",
         "a: found no range"},
        {"sweep: {vary: {a: {from: 0, to: 1, step: 1e-9}}}\n",
         "a: found no range"},
        {"sweep: {vary: {a: {from: 0, step: 1}}}\n", "to is missing"},
        {"sweep: {seeds: 0}\n", "sweep.seeds = 0, allowed how many"},
        {"sweep: {seeds: many}\n", "sweep.seeds = many, allowed how many"},
        {"sweep: {seeds: 100, vary: {a: {from: 1, to: 100, step: 1}}}\n",
         "more than 4096 points"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_refused(cases[i].text, NULL, cases[i].problem);
}

static void test_the_command_line_is_refused_where_it_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *vary, *zip, *seeds, *problem;
    } cases[] = {
        {"a", NULL, NULL, "--vary a: allowed key=value"},
        {"=1", NULL, NULL, "--vary =1: allowed key=value"},
        {"a=", NULL, NULL, "--vary a: a: allowed a list"},
        {"a=[1", NULL, NULL, "--vary a"},
        {"a={from: 1}", NULL, NULL, "to is missing"},
        {NULL, "", NULL, "--zip: allowed"},
        {NULL, "a=1,2 b=1", NULL, "b: found 1 values"},
        {NULL, "a=1,2 b", NULL, "--zip b: allowed key=value"},
        {"a=1", "a=1,2 b=1,2", NULL, "a: it varies already"},
        {NULL, NULL, "x", "--seeds: sweep.seeds = x"},
        {NULL, NULL, "0", "--seeds: sweep.seeds = 0"},
        {NULL, NULL, "]", "--seeds"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct scn_sweep_opts opts = {.vary = &cases[i].vary,
                                            .n_vary = cases[i].vary != NULL,
                                            .zips = &cases[i].zip,
                                            .n_zips = cases[i].zip != NULL,
                                            .seeds = cases[i].seeds};
        assert_refused("name: t\n", &opts, cases[i].problem);
    }
}

/* The section is no part of what a point is. */
static void test_a_point_is_the_scenario_with_its_values(void **state)
{
    (void)state;
    static const char section[] =
        "sweep: {vary: {train.rounds: [5, 6]}, seeds: 2}\n";
    static const char *const sets[] = {"train.rounds=6", "seed=4"};
    char text[4096];
    assert_true(snprintf(text, sizeof text, "%s%s", scn_good, section) <
                (int)sizeof text);
    struct scn_scenario *plain = scn_load_good(scn_good, sets, 2);
    struct scn_scenario *point = scn_load_good(text, sets, 2);
    assert_string_equal(point->sha256, plain->sha256);
    char *a = scn_emit_text(point);
    assert_null(strstr(a, "sweep"));
    fl_free(a);
    scn_scenario_destroy(plain);
    scn_scenario_destroy(point);
}

static void test_every_failed_allocation_is_reported(void **state)
{
    (void)state;
    static const char path[] = "test_sweep_memory.yaml";
    static const char *const vary[] = {"b=1,2"};
    static const char *const zips[] = {"c=1,2 d=3,4"};
    const struct scn_sweep_opts opts = {
        .vary = vary, .n_vary = 1, .zips = zips, .n_zips = 1, .seeds = "2"};
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_true(fputs("sweep: {vary: {a: [1, {x: 2}], e: {from: 1, to: 2, "
                      "step: 1}}}\n",
                      out) >= 0);
    assert_int_equal(fclose(out), 0);
    struct scn_sweep *sweep = NULL;
    struct fl_error err = {0};
    (void)fl_alloc_fail_at(0);
    assert_ok(scn_sweep_create(path, &opts, NULL, &sweep, &err), &err);
    long n = fl_alloc_fail_at(0);
    scn_sweep_destroy(sweep);
    assert_true(n > 5);
    for (long i = 1; i <= n; i++) {
        (void)fl_alloc_fail_at(i);
        enum fl_status status =
            scn_sweep_create(path, &opts, NULL, &sweep, &err);
        (void)fl_alloc_fail_at(0);
        if (status != FL_E_NOMEM)
            fail_msg("allocation %ld of %ld: found %s: %s", i, n,
                     fl_status_name(status), err.text);
    }
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_last_dimension_changes_fastest),
        cmocka_unit_test(test_ranges_end_where_they_say),
        cmocka_unit_test(test_values_may_be_sections_lists_and_nothing),
        cmocka_unit_test(test_the_command_line_adds_and_replaces),
        cmocka_unit_test(test_sets_may_change_the_section),
        cmocka_unit_test(test_what_is_wrong_is_said_with_its_key),
        cmocka_unit_test(test_the_command_line_is_refused_where_it_is_wrong),
        cmocka_unit_test(test_a_point_is_the_scenario_with_its_values),
        cmocka_unit_test(test_every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
