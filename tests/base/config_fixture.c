#include "config_fixture.h"

#include "base/alloc.h"

#include <stdio.h>
#include <string.h>

static const char *const colours[] = {"red", "green", "blue", NULL};

const struct fl_param inner_params[] = {
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

const struct fl_param outer_params[] = {
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

struct fl_config *parse(const char *text)
{
    struct fl_config *config = NULL;
    struct fl_error err = {0};
    assert_ok(fl_config_parse("t.yaml", text, strlen(text), &config, &err),
              &err);
    return config;
}

char *problems_of(const struct fl_config *config)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    assert_non_null(out);
    fl_config_print_problems(config, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

void assert_problems(const char *yaml, const char *expected)
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
    fl_free(text);
    fl_config_destroy(config);
}
