#include "base/config.h"

#include "base/alloc.h"
#include "base/config_priv.h"
#include "base/file.h"
#include "base/parse.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)16 << 10)
#define TEXT_BYTES  768 /* of one problem */

struct config_block {
    struct config_block *next;
    size_t used, size;
    _Alignas(16) unsigned char bytes[];
};

/* Memory */

void *config_take(struct fl_config *config, size_t n)
{
    size_t need = (n + 15) & ~(size_t)15;
    struct config_block *block = config->blocks;
    if (!block || block->size - block->used < need) {
        size_t size = need > BLOCK_BYTES ? need : BLOCK_BYTES;
        block = fl_calloc(1, sizeof *block + size);
        if (!block) {
            config->out_of_memory = true;
            return NULL;
        }
        block->size = size;
        block->next = config->blocks;
        config->blocks = block;
    }
    void *taken = block->bytes + block->used;
    block->used += need;
    return taken;
}

char *config_copy_bytes(struct fl_config *config, const char *s, size_t n)
{
    char *copy = config_take(config, n + 1);
    if (copy)
        memcpy(copy, s, n);
    return copy;
}

const char *fl_config_copy(struct fl_config *config, const char *text)
{
    return config_copy_bytes(config, text, strlen(text));
}

static struct fl_config *new_config(void)
{
    return fl_calloc(1, sizeof(struct fl_config));
}

void fl_config_destroy(struct fl_config *config)
{
    if (!config)
        return;
    struct config_block *block = config->blocks;
    while (block) {
        struct config_block *next = block->next;
        fl_free(block);
        block = next;
    }
    fl_free(config->problems);
    fl_free(config);
}

enum fl_status fl_config_parse(const char *origin,
                               const char *text,
                               size_t n_bytes,
                               struct fl_config **ret,
                               struct fl_error *err)
{
    struct fl_config *config = new_config();
    if (!config)
        return fl_fail(err, FL_E_NOMEM, "%s: out of memory", origin);
    enum fl_status status = config_read_yaml(config, origin, text, n_bytes,
                                             true, &config->root, err);
    if (status != FL_OK) {
        fl_config_destroy(config);
        return status;
    }
    *ret = config;
    return FL_OK;
}

enum fl_status
fl_config_load(const char *path, struct fl_config **ret, struct fl_error *err)
{
    uint8_t *bytes = NULL;
    size_t n_bytes = 0;
    enum fl_status status =
        fl_file_read(path, CONFIG_MAX_BYTES, &bytes, &n_bytes, err);
    if (status == FL_E_FORMAT && err)
        err->code = FL_E_CONFIG;
    if (status != FL_OK)
        return status == FL_E_FORMAT ? FL_E_CONFIG : status;
    status = fl_config_parse(path, (const char *)bytes, n_bytes, ret, err);
    fl_free(bytes);
    return status;
}

/* Nodes */

const struct fl_node *fl_config_root(const struct fl_config *config)
{
    return config->root;
}

static struct fl_node *find_child(struct fl_node *map, const char *key)
{
    for (struct fl_node *n = map->child; n; n = n->next)
        if (n->key && strcmp(n->key, key) == 0)
            return n;
    return NULL;
}

const struct fl_node *fl_node_find(const struct fl_node *map, const char *key)
{
    if (!map || map->kind != FL_NODE_MAP)
        return NULL;
    for (const struct fl_node *n = map->child; n; n = n->next)
        if (n->key && strcmp(n->key, key) == 0)
            return n;
    return NULL;
}

struct fl_node *config_add_node(struct fl_config *config,
                                struct fl_node *parent,
                                enum fl_node_kind kind,
                                const char *key)
{
    struct fl_node *node = config_take(config, sizeof *node);
    const char *key_copy = key ? fl_config_copy(config, key) : NULL;
    if (!node || (key && !key_copy))
        return NULL;
    node->kind = kind;
    node->key = key_copy;
    node->parent = parent;
    node->text = kind == FL_NODE_SCALAR ? "" : NULL;
    config->n_nodes++;
    if (parent) {
        if (parent->last)
            parent->last->next = node;
        else
            parent->child = node;
        parent->last = node;
        parent->n_children++;
    }
    return node;
}

/* Also when one is an owner's copy of the other. */
static bool is_same(const struct fl_node *a, const struct fl_node *b)
{
    return a == b ||
           (a->place.line > 0 && a->place.line == b->place.line &&
            a->place.column == b->place.column && a->child == b->child);
}

void fl_node_path(const struct fl_node *node, char *ret, size_t size)
{
    const struct fl_node *chain[CONFIG_MAX_DEPTH * 2];
    size_t depth = 0;
    for (; node && node->parent && depth < CONFIG_MAX_DEPTH * 2;
         node = node->parent)
        chain[depth++] = node;
    size_t used = 0;
    ret[0] = '\0';
    while (depth > 0 && used < size) {
        const struct fl_node *step = chain[--depth];
        const char *dot = depth > 0 ? "." : "";
        int wrote = 0;
        if (step->key) {
            wrote = snprintf(ret + used, size - used, "%s%s", step->key, dot);
        } else {
            size_t index = 0;
            for (const struct fl_node *n = step->parent->child;
                 n && !is_same(n, step); n = n->next)
                index++;
            wrote = snprintf(ret + used, size - used, "%zu%s", index, dot);
        }
        used += wrote > 0 ? (size_t)wrote : 0;
    }
}

static struct fl_node *put_node(struct fl_config *config,
                                const struct fl_node *map,
                                enum fl_node_kind kind,
                                const char *key,
                                const char *origin)
{
    struct fl_node *parent = (struct fl_node *)(uintptr_t)map;
    struct fl_node *node = find_child(parent, key);
    const char *where = fl_config_copy(config, origin);
    if (!where)
        return NULL;
    if (!node)
        node = config_add_node(config, parent, kind, key);
    if (!node)
        return NULL;
    node->kind = kind;
    node->text = kind == FL_NODE_SCALAR ? "" : NULL;
    node->is_null = false;
    node->child = node->last = NULL;
    node->n_children = 0;
    node->place = (struct fl_place){.origin = where};
    node->key_place = node->place;
    return node;
}

const struct fl_node *fl_config_put_text(struct fl_config *config,
                                         const struct fl_node *map,
                                         const char *key,
                                         const char *text,
                                         const char *origin)
{
    const char *copy = fl_config_copy(config, text);
    struct fl_node *node =
        copy ? put_node(config, map, FL_NODE_SCALAR, key, origin) : NULL;
    if (node)
        node->text = copy;
    return node;
}

const struct fl_node *fl_config_put_double(struct fl_config *config,
                                           const struct fl_node *map,
                                           const char *key,
                                           double value,
                                           const char *origin)
{
    char text[40];
    config_double_text(value, text);
    return fl_config_put_text(config, map, key, text, origin);
}

const struct fl_node *fl_config_put_map(struct fl_config *config,
                                        const struct fl_node *map,
                                        const char *key,
                                        const char *origin)
{
    return put_node(config, map, FL_NODE_MAP, key, origin);
}

/* --set */

/* The node that one segment names below parent; made (as an empty map) when a
 * map lacks it. */
static enum fl_status step_into(struct fl_config *config,
                                const char *assignment,
                                struct fl_node *parent,
                                const char *segment,
                                struct fl_node **ret,
                                struct fl_error *err)
{
    if (parent->kind == FL_NODE_LIST) {
        int64_t index = 0;
        if (fl_parse_int(segment, 0, INT64_MAX, &index, NULL) != FL_OK ||
            (size_t)index >= parent->n_children)
            return fl_fail(err, FL_E_CONFIG,
                           "--set %s: found '%s', allowed the number of a "
                           "row in [0, %zu)",
                           assignment, segment, parent->n_children);
        struct fl_node *item = parent->child;
        while (index-- > 0)
            item = item->next;
        *ret = item;
        return FL_OK;
    }
    if (parent->kind == FL_NODE_SCALAR && !parent->is_null) {
        char path[160], found[72];
        fl_node_path(parent, path, sizeof path);
        config_found_text(parent, found);
        return fl_fail(err, FL_E_CONFIG,
                       "--set %s: '%s' below %s, found %s there, allowed a "
                       "section",
                       assignment, segment, path, found);
    }
    parent->kind = FL_NODE_MAP; /* an empty value becomes a section */
    parent->is_null = false;
    parent->text = NULL;
    struct fl_node *node = find_child(parent, segment);
    if (!node) {
        node = config_add_node(config, parent, FL_NODE_MAP, segment);
        if (!node)
            return fl_fail(err, FL_E_NOMEM, "--set: out of memory");
        node->place = node->key_place = (struct fl_place){.origin = "--set"};
    }
    *ret = node;
    return FL_OK;
}

enum fl_status fl_config_set(struct fl_config *config,
                             const char *assignment,
                             struct fl_error *err)
{
    const char *equals = strchr(assignment, '=');
    if (!equals || equals == assignment)
        return fl_fail(err, FL_E_CONFIG,
                       "--set %s: allowed key=value, e.g. train.rounds=10",
                       assignment);
    struct fl_node *value = NULL;
    FL_TRY(config_read_yaml(config, "--set", equals + 1, strlen(equals + 1),
                            false, &value, err));
    struct fl_node *node = config->root;
    int depth = 0;
    for (const char *from = assignment; from <= equals; depth++) {
        size_t length = strcspn(from, ".=");
        if (length == 0 || depth >= CONFIG_MAX_DEPTH)
            return fl_fail(err, FL_E_CONFIG,
                           "--set %s: %s, allowed a.b.c=value", assignment,
                           length ? "found too many levels" : "empty key");
        char *segment = config_copy_bytes(config, from, length);
        if (!segment)
            return fl_fail(err, FL_E_NOMEM, "--set: out of memory");
        FL_TRY(step_into(config, assignment, node, segment, &node, err));
        from += length + 1;
    }
    node->kind = value->kind;
    node->text = value->text;
    node->is_null = value->is_null;
    node->child = value->child;
    node->last = value->last;
    node->n_children = value->n_children;
    node->place = node->key_place = value->place;
    for (struct fl_node *n = node->child; n; n = n->next)
        n->parent = node;
    return FL_OK;
}

/* Problems */

void fl_config_problem(struct fl_config *config,
                       const struct fl_place *place,
                       const char *fmt,
                       ...)
{
    char text[TEXT_BYTES];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    config->n_said++;
    for (size_t i = 0; i < config->n_problems; i++) {
        const struct config_problem *p = &config->problems[i];
        if (p->place.line == place->line && p->place.column == place->column &&
            strcmp(p->place.origin, place->origin) == 0 &&
            strcmp(p->text, text) == 0)
            return;
    }
    const char *copy = fl_config_copy(config, text);
    if (!copy || fl_grow(&config->problems, &config->problem_capacity,
                         config->n_problems + 1, sizeof *config->problems,
                         NULL) != FL_OK) {
        config->out_of_memory = true;
        return;
    }
    /* Kept sorted by place; what came first stays first at the same place. */
    size_t at = config->n_problems++;
    for (; at > 0; at--) {
        const struct config_problem *before = &config->problems[at - 1];
        int order = strcmp(before->place.origin, place->origin);
        if (order == 0)
            order = before->place.line - place->line;
        if (order == 0)
            order = before->place.column - place->column;
        if (order <= 0)
            break;
        config->problems[at] = *before;
    }
    config->problems[at] = (struct config_problem){*place, copy};
}

void fl_config_no_memory(struct fl_config *config)
{
    config->out_of_memory = true;
}

size_t fl_config_n_problems(const struct fl_config *config)
{
    return config->n_problems;
}

static void problem_line(const struct config_problem *p, char *ret, size_t size)
{
    if (p->place.line > 0)
        (void)snprintf(ret, size, "%s:%d:%d: %s", p->place.origin,
                       p->place.line, p->place.column, p->text);
    else
        (void)snprintf(ret, size, "%s: %s", p->place.origin, p->text);
}

void fl_config_print_problems(const struct fl_config *config, FILE *out)
{
    for (size_t i = 0; i < config->n_problems; i++) {
        const struct config_problem *p = &config->problems[i];
        if (p->place.line > 0)
            (void)fprintf(out, "%s:%d:%d: %s\n", p->place.origin, p->place.line,
                          p->place.column, p->text);
        else
            (void)fprintf(out, "%s: %s\n", p->place.origin, p->text);
    }
}

enum fl_status fl_config_check(const struct fl_config *config,
                               struct fl_error *err)
{
    if (config->out_of_memory)
        return fl_fail(err, FL_E_NOMEM, "out of memory: configuration");
    if (config->n_problems == 0)
        return FL_OK;
    if (!err)
        return FL_E_CONFIG;
    err->code = FL_E_CONFIG;
    size_t used = 0;
    for (size_t i = 0; i < config->n_problems; i++) {
        char line[sizeof err->text];
        problem_line(&config->problems[i], line, sizeof line);
        int wrote = snprintf(err->text + used, sizeof err->text - used, "%s%s",
                             i ? "\n" : "", line);
        used += wrote > 0 ? (size_t)wrote : 0;
        if (used >= sizeof err->text)
            break;
    }
    return FL_E_CONFIG;
}
