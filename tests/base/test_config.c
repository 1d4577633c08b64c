/* YAML to checked options: places, bounds, all problems at once. */
#include "config_fixture.h"

#include "base/alloc.h"

#include <stdio.h>
#include <string.h>

static void assert_refused(const char *yaml, size_t n, const char *expected)
{
    struct fl_config *config = NULL;
    struct fl_error err = {0};
    assert_int_equal(fl_config_parse("t.yaml", yaml, n, &config, &err),
                     FL_E_CONFIG);
    assert_null(config);
    if (!strstr(err.text, expected))
        fail_msg("found '%s', expected '%s'", err.text, expected);
}

/* Reading */

static void test_every_node_knows_its_line_and_column(void **state)
{
    (void)state;
    struct fl_config *config =
        parse("a: 1\nb:\n  c: {d: x, e: [1, off]}\n\nf: \"q\"\ng:\n");
    const struct fl_node *root = fl_config_root(config);
    const struct fl_node *c = fl_node_find(fl_node_find(root, "b"), "c");
    const struct fl_node *e = fl_node_find(c, "e");
    assert_int_equal(c->key_place.line, 3);
    assert_int_equal(c->key_place.column, 3);
    assert_int_equal(c->place.column, 6);
    assert_int_equal(e->child->next->place.line, 3);
    assert_int_equal(e->child->next->place.column, 20);
    assert_string_equal(e->child->next->text, "off");
    assert_int_equal(e->n_children, 2);
    const struct fl_node *g = fl_node_find(root, "g");
    assert_true(g->is_null);
    assert_int_equal(g->place.line, 6); /* behind its key */
    assert_int_equal(g->place.column, 3);
    assert_false(fl_node_find(root, "f")->is_null);
    char path[64];
    fl_node_path(e->child->next, path, sizeof path);
    assert_string_equal(path, "b.c.e.1");
    fl_node_path(e, path, 4); /* cut, not overrun */
    assert_string_equal(path, "b.c");
    assert_null(fl_node_find(g, "x"));
    assert_null(fl_node_find(NULL, "x"));
    fl_config_destroy(config);
}

static void test_words_of_other_dialects_are_plain_text(void **state)
{
    (void)state;
    struct fl_config *config =
        parse("a: NO\nb: off\nc: ~\nd: null\ne: \"~\"\n");
    const struct fl_node *root = fl_config_root(config);
    assert_string_equal(fl_node_find(root, "a")->text, "NO"); /* Norway */
    assert_string_equal(fl_node_find(root, "b")->text, "off");
    assert_true(fl_node_find(root, "c")->is_null);
    assert_true(fl_node_find(root, "d")->is_null);
    assert_false(fl_node_find(root, "e")->is_null);
    fl_config_destroy(config);
}

#define REFUSED(yaml, expected) assert_refused(yaml, sizeof(yaml) - 1, expected)

static void test_what_is_no_scenario_is_refused_with_its_place(void **state)
{
    (void)state;
    REFUSED("", "t.yaml:1:1: found an empty file");
    REFUSED("# only a remark\n", "t.yaml:1:1: found an empty file");
    REFUSED("~\n", "t.yaml:1:1: found an empty file");
    REFUSED("- a\n- b\n", "t.yaml:1:1: found a list or a single value");
    REFUSED("just text\n", "t.yaml:1:1: found a list or a single value");
    REFUSED("a: 1\nb: 2\na: 3\n",
            "t.yaml:3:1: a: duplicate key, first given in line 1");
    REFUSED("a: {b: 1, c: 2, b: 3}\n", "t.yaml:1:17: b: duplicate key");
    REFUSED("a: &x 1\nb: 2\n", "t.yaml:1:4: found an anchor");
    REFUSED("a: 1\nb: *x\n", "t.yaml:2:4: found an alias");
    REFUSED("a: !!str 1\n", "t.yaml:1:4: found a tag");
    REFUSED("a: 1\n---\nb: 2\n", "found a second document");
    REFUSED("[a, b]: 1\n", "t.yaml:1:1: found a list or section as a key");
    REFUSED("\"\": 1\n", "t.yaml:1:1: found an empty or endless key");
    REFUSED("a: b: c\n", "t.yaml:1:5: not YAML: ");
    REFUSED("a: [1, 2\n", "t.yaml:2:1: not YAML: ");
    REFUSED("a:\n\t- b\n", "t.yaml:2:1: not YAML: ");
    REFUSED("a: \"x\\0y\"\n", "t.yaml:1:4: found a NUL character");
    REFUSED("a: 1\nb: \x01\n", "t.yaml:2:4: found byte 0x01");
    REFUSED("a: \xff\xfe\n", "t.yaml:1:4: found byte 0xff");
    REFUSED("a: \xc0\xaf\n", "t.yaml:1:4: found byte 0xc0");     /* overlong */
    REFUSED("a: \xed\xa0\x80\n", "t.yaml:1:4: found byte 0xed"); /* surrogate */
    REFUSED("a: \xe2\x82", "t.yaml:1:4: found byte 0xe2");       /* cut short */
    REFUSED("a: x\0y\n", "t.yaml:1:5: found byte 0x00");
}

static void test_other_scripts_and_a_byte_order_mark_are_text(void **state)
{
    (void)state;
    struct fl_config *config =
        parse("\xef\xbb\xbf"
              "a: gr\xc3\xbc\xc3\x9f\xe2\x82\xac\xf0\x9f\x8c\x8d\n");
    assert_string_equal(fl_node_find(fl_config_root(config), "a")->text,
                        "gr\xc3\xbc\xc3\x9f\xe2\x82\xac\xf0\x9f\x8c\x8d");
    fl_config_destroy(config);
}

static char *repeated(const char *head, const char *piece, size_t n)
{
    size_t length = strlen(piece);
    char *text = fl_calloc(strlen(head) + n * length + 1, 1);
    assert_non_null(text);
    memcpy(text, head, strlen(head));
    for (size_t i = 0; i < n; i++)
        memcpy(text + strlen(head) + i * length, piece, length);
    return text;
}

static void test_size_depth_and_number_are_bounded(void **state)
{
    (void)state;
    char *deep = repeated("a: ", "[", 100);
    assert_refused(deep, strlen(deep), "too deeply nested, allowed 64 levels");
    fl_free(deep);
    char *maps = repeated("a: ", "{a: ", 100);
    assert_refused(maps, strlen(maps), "too deeply nested, allowed 64 levels");
    fl_free(maps);
    char *huge = repeated("a: 1\n", "#", (size_t)1 << 20);
    assert_refused(huge, strlen(huge), "allowed at most 1048576");
    fl_free(huge);
    char *many = repeated("a:\n", "- 1\n", 30000);
    assert_refused(many, strlen(many), "too many values, allowed 20000");
    fl_free(many);
    char keys[1100 * 8] = "";
    size_t used = 0;
    for (int i = 0; i < 1100; i++)
        used +=
            (size_t)snprintf(keys + used, sizeof keys - used, "k%d: 1\n", i);
    assert_refused(keys, used, "t.yaml:1001:1: too many keys");
}

static void test_a_missing_file_is_an_io_error(void **state)
{
    (void)state;
    struct fl_config *config = NULL;
    struct fl_error err = {0};
    assert_int_equal(fl_config_load("no/such/file.yaml", &config, &err),
                     FL_E_IO);
    assert_non_null(strstr(err.text, "no/such/file.yaml"));
    assert_int_equal(fl_config_load(".", &config, &err), FL_E_IO);
}

/* Decoding */

static void test_values_and_defaults_land_in_the_struct(void **state)
{
    (void)state;
    struct fl_config *config =
        parse("name: x\nalpha: -2.5e-3\ncolours: [red, blue]\n"
              "power_w: {value: 12, evidence: measured, source: meter, "
              "year: 2020}\ninner: {on: false}\nfree: {k: v}\n");
    struct outer o;
    fl_config_decode(config, fl_config_root(config), outer_params, NULL, &o);
    assert_int_equal(fl_config_n_problems(config), 0);
    assert_string_equal(o.name, "x");
    assert_int_equal(o.rounds, 100);
    assert_near(o.alpha, -2.5e-3, 0, 0); /* the same decimal */
    assert_int_equal(o.colour, 1);
    assert_int_equal(o.colours, 5);
    assert_true(o.power_w.is_set);
    assert_false(o.power_w.is_off);
    assert_near(o.power_w.value, 12, 0, 0); /* the same decimal */
    assert_string_equal(o.power_w.evidence, "measured");
    assert_string_equal(o.power_w.source, "meter");
    assert_int_equal(o.power_w.year, 2020);
    assert_near(o.inner.lr, 0.05, 0, 0); /* the same decimal */
    assert_false(o.inner.is_on);
    assert_int_equal(o.free->kind, FL_NODE_MAP);
    assert_null(o.rows);
    fl_config_decode(config, NULL, inner_params, NULL, &o.inner);
    assert_true(o.inner.is_on);
    assert_int_equal(fl_config_n_problems(config), 0);
    fl_config_destroy(config);
}

static void test_a_fact_is_a_number_or_off_and_never_a_default(void **state)
{
    (void)state;
    struct outer o;
    struct fl_config *config = parse("name: x\npower_w: off\n");
    fl_config_decode(config, fl_config_root(config), outer_params, NULL, &o);
    assert_true(o.power_w.is_set && o.power_w.is_off);
    fl_config_destroy(config);
    config = parse("name: x\npower_w: {value: off, source: wired}\n");
    fl_config_decode(config, fl_config_root(config), outer_params, NULL, &o);
    assert_true(o.power_w.is_set && o.power_w.is_off);
    fl_config_destroy(config);
    config = parse("name: x\n");
    fl_config_decode(config, fl_config_root(config), outer_params, NULL, &o);
    assert_false(o.power_w.is_set);
    fl_config_destroy(config);
    assert_problems("name: x\npower_w: -1\n",
                    "t.yaml:2:10: power_w = -1, allowed a number in [0, 1000] "
                    "W, or off\n");
    assert_problems("name: x\npower_w: {value: 5 W}\n",
                    "t.yaml:2:18: power_w.value = 5 W, allowed a number in "
                    "[0, 1000] W, or off\n");
    assert_problems("name: x\npower_w: {source: a}\n",
                    "t.yaml:2:10: power_w.value is missing: the number, or "
                    "off\n");
    assert_problems("name: x\npower_w: ~\n",
                    "t.yaml:2:10: power_w = nothing, allowed a number in [0, "
                    "1000] W, or off\n");
}

static void test_all_problems_come_at_once_sorted_by_place(void **state)
{
    (void)state;
    assert_problems(
        "rounds: 1e3\nalpha: 0.1x\ncolour: gren\ncolours: [red, yelow]\n"
        "inner: {lr: 0, on: yes}\nname: [x]\nronds: 3\nfree:\n",
        "t.yaml:1:9: rounds = 1e3, allowed a whole number in [1, 1000000]\n"
        "t.yaml:2:8: alpha = 0.1x, allowed a number\n"
        "t.yaml:3:9: colour = gren, allowed red, green, blue; did you mean "
        "'green'?\n"
        "t.yaml:4:16: colours.1 = yelow, allowed red, green, blue\n"
        "t.yaml:5:13: inner.lr = 0, allowed a number in (0, 10]\n"
        "t.yaml:5:20: inner.on = yes, allowed true or false\n"
        "t.yaml:6:7: name = a list of 1, allowed text\n"
        "t.yaml:7:1: ronds: unknown key, allowed name, rounds, alpha, colour, "
        "colours, power_w, inner, free, rows, root; did you mean 'rounds'?\n"
        "t.yaml:8:6: free = nothing, allowed a value\n");
}

static void test_wrong_shapes_are_told_apart(void **state)
{
    (void)state;
    assert_problems("name: x\ninner: 3\n",
                    "t.yaml:2:8: inner = 3, allowed a section with lr, on\n");
    assert_problems("name: x\nrows: {lr: 1}\n",
                    "t.yaml:2:7: rows = a section of 1, allowed a list of "
                    "sections\n");
    assert_problems("name: x\nrounds: {a: 1}\n",
                    "t.yaml:2:9: rounds = a section of 1, allowed a whole "
                    "number in [1, 1000000]\n");
    assert_problems("name: x\ncolours: []\n",
                    "t.yaml:2:10: colours = a list of 0, allowed at least one "
                    "of red, green, blue\n");
    assert_problems("rounds: 5\n", "t.yaml:1:1: name is missing: Its name.\n");
}

static void test_messages_show_no_control_characters_and_no_novels(void **state)
{
    (void)state;
    assert_problems("name: x\nrounds: \"1\\e[31m\\n2\"\n",
                    "t.yaml:2:9: rounds = 1?[31m?2, allowed a whole number in "
                    "[1, 1000000]\n");
    assert_problems("name: x\nrounds: 123456789012345678901234567890123456789"
                    "0123456789012345678901234567890\n",
                    "t.yaml:2:9: rounds = 12345678901234567890123456789012345"
                    "6789012345678901234567890..., allowed a whole number in "
                    "[1, 1000000]\n");
}

static void test_keys_of_other_owners_are_passed_over(void **state)
{
    (void)state;
    struct fl_config *config = parse("kind: x\nlr: 1\n");
    static const char *const except[] = {"kind", NULL};
    struct inner inner;
    fl_config_decode(config, fl_config_root(config), inner_params, except,
                     &inner);
    assert_int_equal(fl_config_n_problems(config), 0);
    assert_near(inner.lr, 1, 0, 0); /* the same decimal */
    fl_config_destroy(config);
}

static void test_the_same_problem_is_kept_once(void **state)
{
    (void)state;
    struct fl_config *config = parse("a: 1\n");
    const struct fl_place place = {"t.yaml", 3, 1};
    fl_config_problem(config, &place, "late");
    fl_config_problem(config, &place, "late");
    fl_config_problem(config, &(struct fl_place){"t.yaml", 1, 2}, "early");
    fl_config_problem(config, &(struct fl_place){"--set", 0, 0}, "no line");
    assert_int_equal(fl_config_n_problems(config), 3);
    char *text = problems_of(config);
    assert_string_equal(
        text, "--set: no line\nt.yaml:1:2: early\nt.yaml:3:1: late\n");
    struct fl_error err = {0};
    assert_int_equal(fl_config_check(config, &err), FL_E_CONFIG);
    assert_string_equal(err.text,
                        "--set: no line\nt.yaml:1:2: early\nt.yaml:3:1: late");
    fl_free(text);
    fl_config_destroy(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_node_knows_its_line_and_column),
        cmocka_unit_test(test_words_of_other_dialects_are_plain_text),
        cmocka_unit_test(test_what_is_no_scenario_is_refused_with_its_place),
        cmocka_unit_test(test_other_scripts_and_a_byte_order_mark_are_text),
        cmocka_unit_test(test_size_depth_and_number_are_bounded),
        cmocka_unit_test(test_a_missing_file_is_an_io_error),
        cmocka_unit_test(test_values_and_defaults_land_in_the_struct),
        cmocka_unit_test(test_a_fact_is_a_number_or_off_and_never_a_default),
        cmocka_unit_test(test_all_problems_come_at_once_sorted_by_place),
        cmocka_unit_test(test_wrong_shapes_are_told_apart),
        cmocka_unit_test(
            test_messages_show_no_control_characters_and_no_novels),
        cmocka_unit_test(test_keys_of_other_owners_are_passed_over),
        cmocka_unit_test(test_the_same_problem_is_kept_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
