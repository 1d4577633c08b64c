/* Nodes and tables -> text: the resolved YAML, the canonical values for
 * hashing, the reference of options. */
#include "base/config_priv.h"
#include "base/parse.h"

#include <ctype.h>
#include <float.h>
#include <string.h>

struct emitter {
    FILE *out;
    bool is_canonical; /* values alone, in one form and order */
    int bullets;       /* "- " that the next line has to start with */
};

/* Scalars */

static bool is_plain(const char *text)
{
    size_t n = strlen(text);
    bool is_word =
        isalnum((unsigned char)text[0]) || text[0] == '_' || text[0] == '/';
    bool is_number = strchr("+-.", text[0]) && isdigit((unsigned char)text[1]);
    if (n == 0 || n > 1000 || config_is_null_text(text) ||
        (!is_word && !is_number) || text[n - 1] == ':')
        return false;
    for (const char *p = text; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("_-+./:%@", *p))
            return false;
    return true;
}

static void put_scalar(FILE *out, const char *text)
{
    if (is_plain(text)) {
        (void)fputs(text, out);
        return;
    }
    (void)fputc('"', out);
    for (const char *p = text; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '"' || c == '\\')
            (void)fprintf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            (void)fprintf(out, "\\x%02x", c);
        else
            (void)fputc(c, out);
    }
    (void)fputc('"', out);
}

/* The same number in the same form, anything else as it is. */
static void put_value(const struct emitter *e, const struct fl_node *node)
{
    int64_t whole = 0;
    double number = 0;
    if (node->is_null) {
        (void)fputs("~", e->out);
    } else if (e->is_canonical && fl_parse_int(node->text, INT64_MIN, INT64_MAX,
                                               &whole, NULL) == FL_OK) {
        (void)fprintf(e->out, "%lld", (long long)whole);
    } else if (e->is_canonical && fl_parse_double(node->text, -DBL_MAX, DBL_MAX,
                                                  &number, NULL) == FL_OK) {
        char text[40];
        config_double_text(number, text);
        (void)fputs(text, e->out);
    } else {
        put_scalar(e->out, node->text);
    }
}

/* Lines */

static void start_line(struct emitter *e, int indent)
{
    int spaces = indent - 2 * e->bullets;
    (void)fprintf(e->out, "%*s", spaces > 0 ? spaces : 0, "");
    for (; e->bullets > 0; e->bullets--)
        (void)fputs("- ", e->out);
}

static void start_key(struct emitter *e, int indent, const char *key)
{
    start_line(e, indent);
    put_scalar(e->out, key);
    (void)fputc(':', e->out);
}

static void end_line(struct emitter *e, const struct fl_place *place)
{
    if (place && place->origin && !e->is_canonical) {
        (void)fputs("  # ", e->out);
        for (const char *p = place->origin; *p; p++)
            (void)fputc(iscntrl((unsigned char)*p) ? '?' : *p, e->out);
        if (place->line > 0)
            (void)fprintf(e->out, ":%d:%d", place->line, place->column);
    }
    (void)fputc('\n', e->out);
}

/* Nodes as they were written */

static void put_node(struct emitter *e, const struct fl_node *node, int indent);

/* The children of a map in the order of their keys: the next after `before`. */
static const struct fl_node *next_by_key(const struct fl_node *map,
                                         const char *before)
{
    const struct fl_node *best = NULL;
    for (const struct fl_node *n = map->child; n; n = n->next)
        if ((!before || strcmp(n->key, before) > 0) &&
            (!best || strcmp(n->key, best->key) < 0))
            best = n;
    return best;
}

static void put_keyed(struct emitter *e, const struct fl_node *node, int indent)
{
    start_key(e, indent, node->key);
    put_node(e, node, indent + 2);
}

/* Behind "key:" or bullets: the value, with everything below it. */
static void put_node(struct emitter *e, const struct fl_node *node, int indent)
{
    bool is_item = e->bullets > 0;
    if (node->kind == FL_NODE_SCALAR || node->n_children == 0) {
        if (is_item)
            start_line(e, indent);
        else
            (void)fputc(' ', e->out);
        if (node->kind == FL_NODE_SCALAR)
            put_value(e, node);
        else
            (void)fputs(node->kind == FL_NODE_MAP ? "{}" : "[]", e->out);
        end_line(e, &node->place);
        return;
    }
    if (!is_item)
        end_line(e, NULL);
    if (node->kind == FL_NODE_LIST) {
        for (const struct fl_node *n = node->child; n; n = n->next) {
            e->bullets++;
            put_node(e, n, indent + 2);
        }
    } else if (e->is_canonical) {
        for (const struct fl_node *n = next_by_key(node, NULL); n;
             n = next_by_key(node, n->key))
            put_keyed(e, n, indent);
    } else {
        for (const struct fl_node *n = node->child; n; n = n->next)
            put_keyed(e, n, indent);
    }
}

/* Nodes by table */

static bool needs_user(const struct fl_param *params)
{
    for (const struct fl_param *p = params; p->key; p++)
        if (p->required ||
            (p->kind == FL_PARAM_SECTION && needs_user(p->section)))
            return true;
    return false;
}

/* Does any key of an absent section have an effect? */
static bool has_defaults(const struct fl_param *params)
{
    for (const struct fl_param *p = params; p->key; p++)
        if (p->def || (p->kind == FL_PARAM_SECTION && !needs_user(p->section) &&
                       has_defaults(p->section)))
            return true;
    return false;
}

static void put_map(struct emitter *e,
                    const struct fl_node *map,
                    const struct fl_param *params,
                    const char *const *except,
                    int indent);

static void put_rows(struct emitter *e,
                     const struct fl_node *list,
                     const struct fl_param *p,
                     int indent)
{
    end_line(e, NULL);
    for (const struct fl_node *n = list->child; n; n = n->next) {
        e->bullets++;
        if (n->kind == FL_NODE_MAP && n->n_children > 0)
            put_map(e, n, p->section, NULL, indent + 2);
        else
            put_node(e, n, indent + 2);
        if (e->bullets > 0) { /* nothing of the row is to be shown */
            start_line(e, indent + 2);
            (void)fputs("{}\n", e->out);
        }
    }
}

static void put_param(struct emitter *e,
                      const struct fl_node *value,
                      const struct fl_param *p,
                      int indent)
{
    static const struct fl_place by_default = {.origin = "default"};
    if (e->is_canonical && p->is_whereabouts)
        return;
    if (p->kind == FL_PARAM_SECTION &&
        (!value || (value->kind == FL_NODE_MAP && value->n_children > 0))) {
        if (value || (!needs_user(p->section) && has_defaults(p->section))) {
            start_key(e, indent, p->key);
            end_line(e, NULL);
            put_map(e, value, p->section, NULL, indent + 2);
        }
    } else if (value && p->kind == FL_PARAM_ROWS &&
               value->kind == FL_NODE_LIST && value->n_children > 0) {
        start_key(e, indent, p->key);
        put_rows(e, value, p, indent + 2);
    } else if (value) {
        put_keyed(e, value, indent);
    } else if (p->def) {
        struct fl_node node = {.kind = FL_NODE_SCALAR, .text = p->def};
        node.place = by_default;
        start_key(e, indent, p->key);
        put_node(e, &node, indent + 2);
    }
}

static void put_map(struct emitter *e,
                    const struct fl_node *map,
                    const struct fl_param *params,
                    const char *const *except,
                    int indent)
{
    for (const struct fl_param *p = params; p->key; p++) {
        bool is_excepted = false;
        for (const char *const *x = except; x && *x; x++)
            is_excepted = is_excepted || strcmp(*x, p->key) == 0;
        if (!is_excepted)
            put_param(e, fl_node_find(map, p->key), p, indent);
    }
}

void fl_config_emit(const struct fl_node *node,
                    const struct fl_param *params,
                    const char *const *except,
                    int indent,
                    FILE *out)
{
    struct emitter e = {.out = out};
    put_map(&e, node, params, except, indent);
}

void fl_config_emit_values(const struct fl_node *node,
                           const struct fl_param *params,
                           int indent,
                           FILE *out)
{
    struct emitter e = {.out = out, .is_canonical = true};
    put_map(&e, node, params, NULL, indent);
}

void fl_config_emit_flow(const struct fl_node *node, FILE *out)
{
    if (node->kind == FL_NODE_SCALAR && node->is_null) {
        (void)fputc('~', out);
        return;
    }
    if (node->kind == FL_NODE_SCALAR) {
        put_scalar(out, node->text);
        return;
    }
    bool is_map = node->kind == FL_NODE_MAP;
    (void)fputc(is_map ? '{' : '[', out);
    for (const struct fl_node *n = node->child; n; n = n->next) {
        if (is_map) {
            put_scalar(out, n->key);
            (void)fputs(": ", out);
        }
        fl_config_emit_flow(n, out);
        if (n->next)
            (void)fputs(", ", out);
    }
    (void)fputc(is_map ? '}' : ']', out);
}

void fl_config_emit_node(const struct fl_node *node, int indent, FILE *out)
{
    struct emitter e = {.out = out};
    if (node->kind == FL_NODE_MAP && node->n_children > 0) {
        for (const struct fl_node *n = node->child; n; n = n->next)
            put_keyed(&e, n, indent);
    } else if (node->kind == FL_NODE_LIST && node->n_children > 0) {
        for (const struct fl_node *n = node->child; n; n = n->next) {
            e.bullets++;
            put_node(&e, n, indent + 2);
        }
    } else {
        start_line(&e, indent);
        put_node(&e, node, indent);
    }
}

/* The reference of options */

static void put_kind(const struct fl_param *p, FILE *out)
{
    static const char *const words[] = {
        [FL_PARAM_BOOL] = "`true` or `false`",
        [FL_PARAM_INT] = "whole number",
        [FL_PARAM_DOUBLE] = "number",
        [FL_PARAM_FACT] = "number or `off`",
        [FL_PARAM_STRING] = "text",
        [FL_PARAM_ENUM] = "one of",
        [FL_PARAM_SECTION] = "section",
        [FL_PARAM_NODE] = "value, list or section",
        [FL_PARAM_ENUMS] = "one or more of",
        [FL_PARAM_ROWS] = "list of sections",
    };
    (void)fputs(words[p->kind], out);
    for (size_t i = 0; p->choices && p->choices[i]; i++)
        (void)fprintf(out, "%s `%s`", i ? "," : "", p->choices[i]);
    char range[96];
    config_range_text(p, range);
    if (*range)
        (void)fprintf(out, " in %s", range);
    if (p->unit)
        (void)fprintf(out, " %s", p->unit);
    if (p->required)
        (void)fputs(", required", out);
    else if (p->def)
        (void)fprintf(out, ", default `%s`", p->def);
}

void fl_config_describe(const struct fl_param *params,
                        const char *prefix,
                        FILE *out)
{
    for (const struct fl_param *p = params; p->key; p++) {
        (void)fprintf(out, "- `%s%s`: ", prefix, p->key);
        put_kind(p, out);
        (void)fprintf(out, ". %s\n", p->doc ? p->doc : "");
        if (p->section) {
            char below[200];
            (void)snprintf(below, sizeof below, "%s%s.%s", prefix, p->key,
                           p->kind == FL_PARAM_ROWS ? "N." : "");
            fl_config_describe(p->section, below, out);
        }
    }
}
