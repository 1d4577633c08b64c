/* --set, and options as text again: what is written decodes to the same. */
#include "config_fixture.h"

#include "base/alloc.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

/* --set */

static void test_set_replaces_and_adds(void **state)
{
    (void)state;
    struct fl_config *config =
        parse("name: x\nrows: [{lr: 1}, {lr: 2}]\nfree:\n");
    static const char *const sets[] = {
        "rounds=7",      "inner.lr=0.5",        "rows.1.lr=3",
        "colours=[red]", "free.deep.er={k: 1}", "name=a=b",
    };
    struct fl_error err = {0};
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
        assert_ok(fl_config_set(config, sets[i], &err), &err);
    struct outer o;
    fl_config_decode(config, fl_config_root(config), outer_params, NULL, &o);
    assert_int_equal(fl_config_n_problems(config), 0);
    assert_int_equal(o.rounds, 7);
    assert_near(o.inner.lr, 0.5, 0, 0); /* the same decimal */
    assert_int_equal(o.colours, 1);
    assert_string_equal(o.name, "a=b");
    assert_string_equal(fl_node_find(o.rows->child->next, "lr")->text, "3");
    const struct fl_node *er = fl_node_find(fl_node_find(o.free, "deep"), "er");
    char path[64];
    fl_node_path(fl_node_find(er, "k"), path, sizeof path);
    assert_string_equal(path, "free.deep.er.k");
    assert_string_equal(er->place.origin, "--set");
    assert_int_equal(er->place.line, 0);
    assert_ok(fl_config_set(config, "rounds=", &err), &err);
    assert_true(fl_node_find(fl_config_root(config), "rounds")->is_null);
    fl_config_destroy(config);
}

static void test_malformed_assignments_are_refused(void **state)
{
    (void)state;
    struct fl_config *config = parse("a: 1\nb: [x, {y: 1}]\n");
    static const struct {
        const char *set, *expected;
    } cases[] = {
        {"a", "--set a: allowed key=value"},
        {"=1", "--set =1: allowed key=value"},
        {"a..b=1", "empty key"},
        {"c.=1", "empty key"},
        {"a.b=1", "'b' below a, found 1 there, allowed a section"},
        {"b.2=1", "found '2', allowed the number of a row in [0, 2)"},
        {"b.y=1", "found 'y', allowed the number of a row in [0, 2)"},
        {"b.-1=1", "allowed the number of a row"},
        {"a={b: ", "--set: not YAML"},
        {"a=&x 1", "--set: found an anchor"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fl_error err = {0};
        assert_int_equal(fl_config_set(config, cases[i].set, &err),
                         FL_E_CONFIG);
        if (!strstr(err.text, cases[i].expected))
            fail_msg("%s: found '%s'", cases[i].set, err.text);
    }
    fl_config_destroy(config);
}

/* Writing */

static char *emitted(const struct fl_config *config, bool is_canonical)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    assert_non_null(out);
    if (is_canonical)
        fl_config_emit_values(fl_config_root(config), outer_params, 0, out);
    else
        fl_config_emit(fl_config_root(config), outer_params, NULL, 0, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static const char full[] =
    "root: /data\nname: \"a: 'b' # \\\"c\\\" \\u00e9 \\t\"\nalpha: 1.50\n"
    "rounds: +5\npower_w: {year: 2020, value: off, source: \"- x\"}\n"
    "rows: [{lr: 1}, {}, {on: false}]\n"
    "free: [a, [b, [c, d]], {z: 1, y: {x: []}}, ~, \"~\", \"\", -1, \"- 2\", "
    "{}]\n";

static void test_what_is_written_reads_back_the_same(void **state)
{
    (void)state;
    struct fl_config *config = parse(full);
    char *once = emitted(config, false);
    char *values = emitted(config, true);
    struct fl_config *again = parse(once);
    struct outer a, b;
    fl_config_decode(config, fl_config_root(config), outer_params, NULL, &a);
    fl_config_decode(again, fl_config_root(again), outer_params, NULL, &b);
    assert_int_equal(fl_config_n_problems(again), 0);
    assert_string_equal(a.name, b.name);
    assert_int_equal(b.rounds, 5);
    assert_int_equal(b.colour, 1);
    assert_string_equal(b.root, "/data");
    assert_true(b.power_w.is_off);
    char *values_again = emitted(again, true);
    assert_string_equal(values, values_again);
    fl_free(once);
    fl_free(values);
    fl_free(values_again);
    fl_config_destroy(config);
    fl_config_destroy(again);
}

static void test_origins_stand_behind_the_values(void **state)
{
    (void)state;
    struct fl_config *config = parse("name: x\ninner: {lr: 0.5}\n");
    struct fl_error err = {0};
    assert_ok(fl_config_set(config, "rounds=3", &err), &err);
    const struct fl_node *root = fl_config_root(config);
    assert_non_null(fl_config_put_double(config, root, "alpha", 0.1, "magic"));
    char *text = emitted(config, false);
    assert_string_equal(text, "name: x  # t.yaml:1:7\n"
                              "rounds: 3  # --set\n"
                              "alpha: 0.1  # magic\n"
                              "colour: green  # default\n"
                              "colours: blue  # default\n"
                              "inner:\n"
                              "  lr: 0.5  # t.yaml:2:13\n"
                              "  on: true  # default\n"
                              "free: nothing-special  # default\n");
    fl_free(text);
    fl_config_destroy(config);
}

static void test_equal_values_are_equal_text_however_written(void **state)
{
    (void)state;
    struct fl_config *a = parse("name: x\nalpha: 0.50\nrounds: 100\n"
                                "free: {p: 1e1, q: two}\nroot: /here\n");
    struct fl_config *b = parse("# a remark\nfree: {q: 'two', p: 10.0}\n"
                                "\"name\": \"x\"\nalpha: 5e-1\nroot: /there\n");
    char *text_a = emitted(a, true);
    char *text_b = emitted(b, true);
    assert_string_equal(text_a, text_b);
    assert_null(strstr(text_a, "here"));
    assert_null(strstr(text_a, "#"));
    fl_free(text_a);
    fl_free(text_b);
    fl_config_destroy(a);
    fl_config_destroy(b);
}

static void test_numbers_are_written_so_that_they_read_back(void **state)
{
    (void)state;
    static const double values[] = {0.0,     1e5,  1e15,         1e22,
                                    0.1,     1.89, 2.0456e-6,    5e-324,
                                    DBL_MAX, -1.5, 123456789.125};
    struct fl_config *config = parse("name: x\n");
    const struct fl_node *root = fl_config_root(config);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct outer o;
        assert_non_null(
            fl_config_put_double(config, root, "alpha", values[i], "test"));
        fl_config_decode(config, root, outer_params, NULL, &o);
        assert_near(o.alpha, values[i], 0, 0); /* the same bits are promised */
    }
    const struct fl_node *node =
        fl_config_put_double(config, root, "rounds", 1e5, "test");
    assert_string_equal(node->text, "100000"); /* still a whole number */
    fl_config_destroy(config);
}

static void test_the_reference_names_every_key_with_bounds(void **state)
{
    (void)state;
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    assert_non_null(out);
    fl_config_describe(outer_params, "x.", out);
    assert_int_equal(fclose(out), 0);
    static const char *const lines[] = {
        "- `x.name`: text, required. Its name.\n",
        "- `x.rounds`: whole number in [1, 1000000], default `100`. How "
        "many.\n",
        "- `x.colours`: one or more of `red`, `green`, `blue`, default "
        "`blue`. Some.\n",
        "- `x.power_w`: number or `off` in [0, 1000] W. A fact.\n",
        "- `x.inner.lr`: number in (0, 10], default `0.05`. Learning rate.\n",
        "- `x.rows.N.on`: `true` or `false`, default `true`. A switch.\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (!strstr(text, lines[i]))
            fail_msg("'%s' is not in:\n%s", lines[i], text);
    fl_free(text);
}

/* Faults */

static enum fl_status whole_life(struct fl_error *err)
{
    struct fl_config *config = NULL;
    enum fl_status status =
        fl_config_parse("t.yaml", full, sizeof full - 1, &config, err);
    if (status == FL_OK)
        status = fl_config_set(config, "inner.lr=[1, {a: 2}]", err);
    if (status == FL_OK) {
        struct outer o;
        const struct fl_node *root = fl_config_root(config);
        fl_config_decode(config, root, outer_params, NULL, &o);
        (void)fl_config_put_text(config, root, "new", "x", "test");
        (void)fl_config_put_map(config, root, "newer", "test");
        status = fl_config_check(config, err);
    }
    fl_config_destroy(config);
    return status;
}

static void test_every_failed_allocation_is_reported(void **state)
{
    (void)state;
    struct fl_error err = {0};
    (void)fl_alloc_fail_at(0);
    assert_int_equal(whole_life(&err), FL_E_CONFIG); /* inner.lr is a list */
    long n = fl_alloc_fail_at(0);
    assert_true(n >= 3);
    for (long i = 1; i <= n; i++) {
        (void)fl_alloc_fail_at(i);
        assert_int_equal(whole_life(&err), FL_E_NOMEM);
    }
    (void)fl_alloc_fail_at(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_replaces_and_adds),
        cmocka_unit_test(test_malformed_assignments_are_refused),
        cmocka_unit_test(test_what_is_written_reads_back_the_same),
        cmocka_unit_test(test_origins_stand_behind_the_values),
        cmocka_unit_test(test_equal_values_are_equal_text_however_written),
        cmocka_unit_test(test_numbers_are_written_so_that_they_read_back),
        cmocka_unit_test(test_the_reference_names_every_key_with_bounds),
        cmocka_unit_test(test_every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
