/* Nodes -> plain structs by option tables, with the texts of everything that
 * can be wrong about a value. */
#include "base/alloc.h"
#include "base/config_priv.h"
#include "base/parse.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <string.h>

#define NAMES_BYTES 400
#define MAX_NAMES   256

bool config_is_null_text(const char *text)
{
    return text[0] == '\0' || strcmp(text, "~") == 0 ||
           strcmp(text, "null") == 0 || strcmp(text, "Null") == 0 ||
           strcmp(text, "NULL") == 0;
}

/* Texts */

static bool has_bounds(const struct fl_param *p)
{
    return p->min < p->max || p->min > p->max || p->min > 0 || p->min < 0;
}

static void bound_text(double bound, char ret[40])
{
    if (isinf(bound))
        (void)snprintf(ret, 40, "%s", bound > 0 ? "inf" : "-inf");
    else
        config_double_text(bound, ret);
}

void config_range_text(const struct fl_param *p, char ret[96])
{
    ret[0] = '\0';
    if (!has_bounds(p))
        return;
    char min[40], max[40];
    bound_text(p->min, min);
    bound_text(p->max, max);
    (void)snprintf(ret, 96, "%c%s, %s%c",
                   p->min_open || isinf(p->min) ? '(' : '[', min, max,
                   p->max_open || isinf(p->max) ? ')' : ']');
}

void config_double_text(double value, char ret[40])
{
    if (fabs(value) < 1e15 && value <= floor(value)) { /* whole: no exponent */
        (void)snprintf(ret, 40, "%.0f", value);
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        double back = 0;
        (void)snprintf(ret, 40, "%.*g", digits, value);
        if (fl_parse_double(ret, -DBL_MAX, DBL_MAX, &back, NULL) == FL_OK &&
            memcmp(&back, &value, sizeof back) == 0)
            return;
    }
}

void config_found_text(const struct fl_node *node, char ret[72])
{
    if (node->kind != FL_NODE_SCALAR) {
        (void)snprintf(ret, 72, "a %s of %zu",
                       node->kind == FL_NODE_MAP ? "section" : "list",
                       node->n_children);
        return;
    }
    if (node->is_null) {
        (void)snprintf(ret, 72, "nothing");
        return;
    }
    int wrote = snprintf(ret, 72, "%.60s%s", node->text,
                         strlen(node->text) > 60 ? "..." : "");
    for (int i = 0; i < wrote; i++)
        if (iscntrl((unsigned char)ret[i]))
            ret[i] = '?';
    if (wrote == 0)
        (void)snprintf(ret, 72, "''");
}

static void names_text(const char *const *names, size_t n, char *ret)
{
    size_t used = 0;
    ret[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        size_t need = strlen(names[i]) + 2;
        if (used + need + 5 > NAMES_BYTES) {
            (void)snprintf(ret + used, NAMES_BYTES - used, ", ...");
            return;
        }
        (void)snprintf(ret + used, NAMES_BYTES - used, "%s%s", i ? ", " : "",
                       names[i]);
        used += i ? need : need - 2;
    }
}

/* "; did you mean 'x'?" or "". */
static void
meant_text(const char *text, const char *const *names, size_t n, char ret[80])
{
    const char *near = fl_nearest_name(text, names, n);
    if (near)
        (void)snprintf(ret, 80, "; did you mean '%.50s'?", near);
    else
        ret[0] = '\0';
}

void fl_config_unknown_name(struct fl_config *config,
                            const struct fl_node *node,
                            const char *what,
                            const char *const *names,
                            size_t n)
{
    char path[160], found[72], allowed[NAMES_BYTES], meant[80];
    fl_node_path(node, path, sizeof path);
    config_found_text(node, found);
    names_text(names, n, allowed);
    meant_text(node->kind == FL_NODE_SCALAR ? node->text : "", names, n, meant);
    fl_config_problem(config, &node->place, "%s = %s, allowed %s%s%s%s", path,
                      found, what, *what ? " " : "", allowed, meant);
}

static size_t count_choices(const struct fl_param *p)
{
    size_t n = 0;
    while (p->choices[n])
        n++;
    return n;
}

static void
wrong(struct fl_config *config, const struct fl_node *node, const char *allowed)
{
    char path[160], found[72];
    fl_node_path(node, path, sizeof path);
    config_found_text(node, found);
    fl_config_problem(config, &node->place, "%s = %s, allowed %s", path, found,
                      allowed);
}

/* Numbers */

static bool is_within(const struct fl_param *p, double value)
{
    if (!has_bounds(p))
        return true;
    if (p->min_open ? value <= p->min : value < p->min)
        return false;
    return p->max_open ? value < p->max : value <= p->max;
}

static bool read_int(const struct fl_param *p, const char *text, int64_t *ret)
{
    int64_t value = 0;
    if (fl_parse_int(text, INT64_MIN, INT64_MAX, &value, NULL) != FL_OK ||
        !is_within(p, (double)value))
        return false;
    *ret = value;
    return true;
}

static bool read_double(const struct fl_param *p, const char *text, double *ret)
{
    double value = 0;
    if (fl_parse_double(text, -DBL_MAX, DBL_MAX, &value, NULL) != FL_OK ||
        !is_within(p, value))
        return false;
    *ret = value;
    return true;
}

static void wrong_number(struct fl_config *config,
                         const struct fl_node *node,
                         const struct fl_param *p)
{
    char range[96], allowed[224];
    config_range_text(p, range);
    (void)snprintf(allowed, sizeof allowed, "%s%s%s%s%s%s",
                   p->kind == FL_PARAM_INT ? "a whole number" : "a number",
                   *range ? " in " : "", range, p->unit ? " " : "",
                   p->unit ? p->unit : "",
                   p->kind == FL_PARAM_FACT ? ", or off" : "");
    wrong(config, node, allowed);
}

/* Facts: 12.5 | off | {value: 12.5, evidence: measured, source: ..., year:} */

static const struct fl_param fact_params[] = {
    {.key = "value",
     .kind = FL_PARAM_NODE,
     .offset = offsetof(struct fl_fact, node),
     .required = true,
     .doc = "the number, or off"},
    {.key = "evidence",
     .kind = FL_PARAM_STRING,
     .offset = offsetof(struct fl_fact, evidence),
     .doc = "measured, datasheet, derived or assumed"},
    {.key = "source",
     .kind = FL_PARAM_STRING,
     .offset = offsetof(struct fl_fact, source),
     .doc = "where the number comes from"},
    {.key = "year",
     .kind = FL_PARAM_INT,
     .offset = offsetof(struct fl_fact, year),
     .min = 1900,
     .max = 2200,
     .doc = "the year that the number speaks of"},
    {.key = "spread",
     .kind = FL_PARAM_STRING,
     .offset = offsetof(struct fl_fact, spread),
     .doc = "how unsure it is: uniform, triangular, normal or lognormal"},
    {.key = "low",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(struct fl_fact, low),
     .doc = "uniform, triangular: the least that it may be"},
    {.key = "high",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(struct fl_fact, high),
     .doc = "uniform, triangular: the most that it may be"},
    {.key = "sd",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(struct fl_fact, sd),
     .doc = "normal: standard deviation"},
    {.key = "gsd",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(struct fl_fact, gsd),
     .doc =
         "lognormal: two times out of three it lies within value x or / gsd"},
    {0},
};

static void decode_fact(struct fl_config *config,
                        const struct fl_node *node,
                        const struct fl_param *p,
                        struct fl_fact *ret)
{
    struct fl_fact fact = {.node = node};
    const struct fl_node *value = node;
    if (node->kind == FL_NODE_MAP) {
        fl_config_decode(config, node, fact_params, NULL, &fact);
        value = fact.node;
        fact.node = node;
        if (!value)
            return; /* "value is missing" has been said */
    }
    if (value->kind == FL_NODE_SCALAR && strcmp(value->text, "off") == 0) {
        fact.is_off = true;
    } else if (value->kind != FL_NODE_SCALAR ||
               !read_double(p, value->text, &fact.value)) {
        wrong_number(config, value, p);
        return;
    }
    fact.is_set = true;
    *ret = fact;
}

/* One value */

static int choice_index(const struct fl_param *p, const char *text)
{
    for (int i = 0; p->choices[i]; i++)
        if (strcmp(p->choices[i], text) == 0)
            return i;
    return -1;
}

static void decode_enums(struct fl_config *config,
                         const struct fl_node *node,
                         const struct fl_param *p,
                         uint32_t *ret)
{
    uint32_t bits = 0;
    bool is_list = node->kind == FL_NODE_LIST;
    for (const struct fl_node *n = is_list ? node->child : node; n;
         n = is_list ? n->next : NULL) {
        int i = n->kind == FL_NODE_SCALAR ? choice_index(p, n->text) : -1;
        if (i < 0)
            fl_config_unknown_name(config, n, "", p->choices, count_choices(p));
        else
            bits |= (uint32_t)1 << i;
    }
    if (is_list && !node->child)
        fl_config_unknown_name(config, node, "at least one of", p->choices,
                               count_choices(p));
    *ret = bits;
}

static void decode_section(struct fl_config *config,
                           const struct fl_node *node,
                           const struct fl_param *p,
                           void *opts)
{
    if (node && node->kind != FL_NODE_MAP) {
        const char *names[MAX_NAMES];
        size_t n = 0;
        for (; p->section[n].key && n < MAX_NAMES; n++)
            names[n] = p->section[n].key;
        fl_config_unknown_name(config, node, "a section with", names, n);
        node = NULL;
    }
    fl_config_decode(config, node, p->section, NULL, opts);
}

static void decode_scalar(struct fl_config *config,
                          const struct fl_node *node,
                          const struct fl_param *p,
                          void *at)
{
    bool is_value = node->kind == FL_NODE_SCALAR && !node->is_null;
    switch (p->kind) {
    case FL_PARAM_BOOL:
        if (!is_value || fl_parse_bool(node->text, at, NULL) != FL_OK)
            wrong(config, node, "true or false");
        break;
    case FL_PARAM_INT:
        if (!is_value || !read_int(p, node->text, at))
            wrong_number(config, node, p);
        break;
    case FL_PARAM_DOUBLE:
        if (!is_value || !read_double(p, node->text, at))
            wrong_number(config, node, p);
        break;
    case FL_PARAM_STRING:
        if (is_value)
            *(const char **)at = node->text;
        else
            wrong(config, node, "text");
        break;
    case FL_PARAM_ENUM:
        if (is_value && choice_index(p, node->text) >= 0)
            *(int *)at = choice_index(p, node->text);
        else
            fl_config_unknown_name(config, node, "", p->choices,
                                   count_choices(p));
        break;
    default:
        break;
    }
}

static void decode_value(struct fl_config *config,
                         const struct fl_node *node,
                         const struct fl_param *p,
                         void *at)
{
    switch (p->kind) {
    case FL_PARAM_FACT:
        decode_fact(config, node, p, at);
        break;
    case FL_PARAM_SECTION:
        decode_section(config, node, p, at);
        break;
    case FL_PARAM_ROWS:
        if (node->kind != FL_NODE_LIST)
            wrong(config, node, "a list of sections");
        else
            *(const struct fl_node **)at = node;
        break;
    case FL_PARAM_NODE:
        if (node->is_null)
            wrong(config, node, "a value");
        else
            *(const struct fl_node **)at = node;
        break;
    case FL_PARAM_ENUMS:
        decode_enums(config, node, p, at);
        break;
    default:
        decode_scalar(config, node, p, at);
        break;
    }
}

bool fl_config_decode_value(struct fl_config *config,
                            const struct fl_node *node,
                            const struct fl_param *param,
                            void *at)
{
    size_t before = config->n_said;
    decode_value(config, node, param, at);
    return config->n_said == before;
}

/* What the key holds when nobody gives it. */
static void
set_default(struct fl_config *config, const struct fl_param *p, void *at)
{
    switch (p->kind) {
    case FL_PARAM_BOOL:
        *(bool *)at = false;
        break;
    case FL_PARAM_INT:
        *(int64_t *)at = 0;
        break;
    case FL_PARAM_DOUBLE:
        *(double *)at = 0;
        break;
    case FL_PARAM_FACT:
        *(struct fl_fact *)at = (struct fl_fact){0};
        return;
    case FL_PARAM_STRING:
        *(const char **)at = NULL;
        break;
    case FL_PARAM_ENUM:
        *(int *)at = 0;
        break;
    case FL_PARAM_ENUMS:
        *(uint32_t *)at = 0;
        break;
    case FL_PARAM_SECTION:
        fl_config_decode(config, NULL, p->section, NULL, at);
        return;
    case FL_PARAM_NODE:
    case FL_PARAM_ROWS:
        *(const struct fl_node **)at = NULL;
        return;
    }
    if (p->def) {
        struct fl_node node = {.kind = FL_NODE_SCALAR,
                               .key = p->key,
                               .text = p->def,
                               .place = {.origin = "built-in default"}};
        decode_value(config, &node, p, at);
    }
}

static bool is_excepted(const char *const *except, const char *key)
{
    for (; except && *except; except++)
        if (strcmp(*except, key) == 0)
            return true;
    return false;
}

static void refuse_unknown(struct fl_config *config,
                           const struct fl_node *node,
                           const struct fl_param *params,
                           const char *const *except)
{
    const char *names[MAX_NAMES];
    size_t n = 0;
    for (const struct fl_param *p = params; p->key && n < MAX_NAMES; p++)
        names[n++] = p->key;
    for (; except && *except && n < MAX_NAMES; except++)
        names[n++] = *except;
    for (const struct fl_node *c = node->child; c; c = c->next) {
        bool is_known = false;
        for (size_t i = 0; i < n && !is_known; i++)
            is_known = strcmp(names[i], c->key) == 0;
        if (is_known)
            continue;
        char path[160], allowed[NAMES_BYTES], meant[80];
        fl_node_path(c, path, sizeof path);
        names_text(names, n, allowed);
        meant_text(c->key, names, n, meant);
        fl_config_problem(config, &c->key_place,
                          "%s: unknown key, allowed %s%s", path, allowed,
                          meant);
    }
}

void fl_config_decode(struct fl_config *config,
                      const struct fl_node *node,
                      const struct fl_param *params,
                      const char *const *except,
                      void *opts)
{
    if (node && node->kind != FL_NODE_MAP) {
        wrong(config, node, "a section of keys and values");
        node = NULL;
    } else if (node) {
        refuse_unknown(config, node, params, except);
    }
    for (const struct fl_param *p = params; p->key; p++) {
        if (is_excepted(except, p->key))
            continue;
        void *at = (char *)opts + p->offset;
        const struct fl_node *value = fl_node_find(node, p->key);
        set_default(config, p, at);
        if (value) {
            decode_value(config, value, p, at);
        } else if (node && p->required) {
            char path[160];
            fl_node_path(node, path, sizeof path);
            fl_config_problem(config, &node->place, "%s%s%s is missing: %s",
                              path, *path ? "." : "", p->key, p->doc);
        }
    }
}
