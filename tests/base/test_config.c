/* Option tables over YAML: places, bounds, all problems at once, --set, what
 * is written decodes to the same. */
#include "support/assert_near.h"

#include "base/alloc.h"
#include "base/config.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const colours[] = {"red", "green", "blue", NULL};

struct inner {
    double lr;
    bool is_on;
};

struct outer {
    const char *name;
    int64_t rounds;
    double alpha;
    int colour;
    uint32_t colours;
    struct fl_fact power_w;
    struct inner inner;
    const struct fl_node *free;
    const struct fl_node *rows;
    const char *root;
};

static const struct fl_param inner_params[] = {
    {.key = "lr",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(struct inner, lr),
     .max = 10,
     .min_open = true,
     .def = "0.05",
     .doc = "Learning rate."},
    {.key = "on",
     .kind = FL_PARAM_BOOL,
     .offset = offsetof(struct inner, is_on),
     .def = "true",
     .doc = "A switch."},
    {0},
};

static const struct fl_param outer_params[] = {
    {.key = "name",
     .kind = FL_PARAM_STRING,
     .offset = offsetof(struct outer, name),
     .required = true,
     .doc = "Its name."},
    {.key = "rounds",
     .kind = FL_PARAM_INT,
     .offset = offsetof(struct outer, rounds),
     .min = 1,
     .max = 1e6,
     .def = "100",
     .doc = "How many."},
    {.key = "alpha",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(struct outer, alpha),
     .doc = "Any number."},
    {.key = "colour",
     .kind = FL_PARAM_ENUM,
     .offset = offsetof(struct outer, colour),
     .choices = colours,
     .def = "green",
     .doc = "One."},
    {.key = "colours",
     .kind = FL_PARAM_ENUMS,
     .offset = offsetof(struct outer, colours),
     .choices = colours,
     .def = "blue",
     .doc = "Some."},
    {.key = "power_w",
     .kind = FL_PARAM_FACT,
     .offset = offsetof(struct outer, power_w),
     .max = 1000,
     .unit = "W",
     .doc = "A fact."},
    {.key = "inner",
     .kind = FL_PARAM_SECTION,
     .offset = offsetof(struct outer, inner),
     .section = inner_params,
     .doc = "A section."},
    {.key = "free",
     .kind = FL_PARAM_NODE,
     .offset = offsetof(struct outer, free),
     .def = "nothing-special",
     .doc = "Anything."},
    {.key = "rows",
     .kind = FL_PARAM_ROWS,
     .offset = offsetof(struct outer, rows),
     .section = inner_params,
     .doc = "Sections."},
    {.key = "root",
     .kind = FL_PARAM_STRING,
     .offset = offsetof(struct outer, root),
     .is_whereabouts = true,
     .doc = "Where."},
    {0},
};

static struct fl_config *parse(const char *text)
{
    struct fl_config *config = NULL;
    struct fl_error err = {0};
    assert_ok(fl_config_parse("t.yaml", text, strlen(text), &config, &err),
              &err);
    return config;
}

/* All problems as they are printed; the caller frees. */
static char *problems_of(const struct fl_config *config)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    assert_non_null(out);
    fl_config_print_problems(config, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void assert_problems(const char *yaml, const char *expected)
{
    struct fl_config *config = parse(yaml);
    struct outer outer;
    fl_config_decode(config, fl_config_root(config), outer_params, NULL,
                     &outer);
    char *text = problems_of(config);
    assert_string_equal(text, expected);
    struct fl_error err = {0};
    assert_int_equal(fl_config_check(config, &err),
                     *expected ? FL_E_CONFIG : FL_OK);
    free(text);
    fl_config_destroy(config);
}

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
    free(text);
    fl_config_destroy(config);
}

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
    free(once);
    free(values);
    free(values_again);
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
    free(text);
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
    free(text_a);
    free(text_b);
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
    free(text);
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
