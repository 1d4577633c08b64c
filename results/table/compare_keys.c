/* The resolved scenario of a run: values by key, and the whole but for the
 * seed. */
#include "results/table/compare_priv.h"

#include "base/alloc.h"
#include "base/config.h"
#include "base/parse.h"
#include "base/sha256.h"

#include <string.h>

/* A node for people: a scalar as it is, a list with commas, a map by its kind
 * or value and then key=value. */
static void put_node(const struct fl_node *node, struct res_text *out)
{
    if (node->kind == FL_NODE_SCALAR) {
        res_text_put(out, node->text);
        return;
    }
    const struct fl_node *first = fl_node_find(node, "value");
    if (first) { /* a fact: the rest says where it is from */
        put_node(first, out);
        return;
    }
    first = fl_node_find(node, "kind");
    const char *sign = "";
    if (first) {
        put_node(first, out);
        sign = " ";
    }
    for (const struct fl_node *c = node->child; c; c = c->next) {
        if (c == first)
            continue;
        res_text_put(out, sign);
        if (node->kind == FL_NODE_MAP)
            res_text_add(out, "%s=", c->key);
        put_node(c, out);
        sign = node->kind == FL_NODE_MAP ? " " : ",";
    }
}

/* "fleet.0.zone"; NULL: there is no such key. */
static const struct fl_node *find_path(const struct fl_node *node,
                                       const char *path)
{
    while (node && *path) {
        size_t n = strcspn(path, ".");
        const struct fl_node *child = node->child;
        int64_t index = -1;
        char word[24];
        if (node->kind == FL_NODE_LIST && n < sizeof word) {
            memcpy(word, path, n);
            word[n] = '\0';
            if (fl_parse_int(word, 0, INT32_MAX, &index, NULL) != FL_OK)
                return NULL;
        }
        for (; child; child = child->next) {
            if (node->kind == FL_NODE_LIST
                    ? index-- == 0
                    : strncmp(child->key, path, n) == 0 &&
                          child->key[n] == '\0')
                break;
        }
        node = child;
        path += n + (path[n] == '.');
    }
    return node;
}

static enum fl_status parse(const struct res_run *run,
                            const char *text,
                            struct fl_config **ret,
                            struct fl_error *err)
{
    struct fl_error why = {0};
    enum fl_status status =
        fl_config_parse("resolved scenario", text, strlen(text), ret, &why);
    if (status != FL_OK)
        return fl_fail(err, status == FL_E_NOMEM ? status : FL_E_FORMAT,
                       "%s: %s", run->dir, why.text);
    return FL_OK;
}

/* Whether a line of the resolved scenario begins the section of a key. */
static bool begins(const char *line, const char *const *keys, size_t n_keys)
{
    for (size_t i = 0; i < n_keys; i++) {
        size_t n = strcspn(keys[i], ".");
        if (strncmp(line, keys[i], n) == 0 && line[n] == ':')
            return true;
    }
    return false;
}

/* The sections that keys are in: parsing the whole would take most of the time
 * of a table. The resolved scenario is written in block style, so that what
 * begins in the first column begins a section. */
static void put_sections(const char *scenario,
                         const char *const *keys,
                         size_t n_keys,
                         struct res_text *out)
{
    bool is_in = false;
    for (const char *line = scenario; *line;) {
        size_t n = strcspn(line, "\n");
        n += line[n] == '\n';
        if (!strchr(" -#\n", line[0]))
            is_in = begins(line, keys, n_keys);
        if (is_in)
            res_text_add(out, "%.*s", (int)n, line);
        line += n;
    }
}

enum fl_status res_read_keys(struct res_run *run,
                             const char *const *keys,
                             size_t n_keys,
                             struct fl_error *err)
{
    if (n_keys == 0)
        return FL_OK;
    run->keys = fl_calloc(n_keys, sizeof run->keys[0]);
    if (!run->keys)
        return fl_fail(err, FL_E_NOMEM, "out of memory: keys");
    run->n_keys = n_keys;
    struct fl_config *config = NULL;
    struct res_text text = {0};
    put_sections(run->scenario, keys, n_keys, &text);
    enum fl_status status = res_text_check(&text, err);
    if (status == FL_OK && text.n > 0)
        status = parse(run, res_text_get(&text), &config, err);
    for (size_t i = 0; i < n_keys && status == FL_OK; i++) {
        const struct fl_node *node =
            config ? find_path(fl_config_root(config), keys[i]) : NULL;
        res_text_clear(&text);
        if (node)
            put_node(node, &text);
        run->keys[i] = fl_strdup(res_text_get(&text));
        status = res_text_check(&text, err);
        if (!run->keys[i])
            status = fl_fail(err, FL_E_NOMEM, "out of memory: keys");
    }
    res_text_fini(&text);
    fl_config_destroy(config);
    return status;
}

/* Every key below a node, for the nearest one. */
struct names {
    char **all;
    size_t n, capacity;
};

static enum fl_status list_names(const struct fl_node *node,
                                 struct names *names,
                                 struct fl_error *err)
{
    for (const struct fl_node *c = node->child; c; c = c->next) {
        char path[256];
        fl_node_path(c, path, sizeof path);
        FL_TRY(fl_grow(&names->all, &names->capacity, names->n + 1,
                       sizeof names->all[0], err));
        char *copy = fl_strdup(path);
        if (!copy)
            return fl_fail(err, FL_E_NOMEM, "out of memory: keys");
        names->all[names->n++] = copy;
        FL_TRY(list_names(c, names, err));
    }
    return FL_OK;
}

/* Names that end in the key's last part, else the nearest. */
static void
put_near(const struct names *names, const char *key, struct res_text *out)
{
    enum { SHOWN = 4 };
    const char *last = strrchr(key, '.');
    last = last ? last + 1 : key;
    size_t n_last = strlen(last), n = 0;
    for (size_t i = 0; i < names->n && n < SHOWN; i++) {
        size_t length = strlen(names->all[i]);
        if (length > n_last && names->all[i][length - n_last - 1] == '.' &&
            strcmp(names->all[i] + length - n_last, last) == 0)
            res_text_add(out, "%s'%s'", n++ ? ", " : "", names->all[i]);
    }
    if (n > 0)
        return;
    const char *near =
        fl_nearest_name(key, (const char *const *)names->all, names->n);
    if (near)
        res_text_add(out, "'%s'", near);
}

static enum fl_status say_unknown(const struct res_run *run,
                                  const char *key,
                                  struct res_problems *problems)
{
    struct names names = {.all = NULL};
    struct fl_config *config = NULL;
    struct res_text near = {0};
    enum fl_status status = FL_OK;
    if (run->scenario[0])
        status = parse(run, run->scenario, &config, problems->err);
    if (status == FL_OK && config)
        status = list_names(fl_config_root(config), &names, problems->err);
    if (status == FL_OK) {
        put_near(&names, key, &near);
        status = res_problem(problems, FL_E_CONFIG,
                             "--by: no run's scenario has the key '%s'%s%s%s",
                             key, near.n > 0 ? "; did you mean " : "",
                             res_text_get(&near), near.n > 0 ? "?" : "");
    }
    for (size_t i = 0; i < names.n; i++)
        fl_free(names.all[i]);
    fl_free(names.all);
    res_text_fini(&near);
    fl_config_destroy(config);
    return status;
}

enum fl_status res_check_keys(const struct res_run *runs,
                              size_t n_runs,
                              const char **keys,
                              size_t *n_keys,
                              struct res_problems *problems)
{
    size_t n_kept = 0;
    for (size_t k = 0; k < *n_keys; k++) {
        bool is_known = n_runs == 0;
        for (size_t r = 0; r < n_runs && !is_known; r++) {
            struct fl_config *config = NULL;
            if (runs[r].scenario[0])
                FL_TRY(
                    parse(&runs[r], runs[r].scenario, &config, problems->err));
            is_known = config && find_path(fl_config_root(config), keys[k]);
            fl_config_destroy(config);
        }
        if (is_known)
            keys[n_kept++] = keys[k];
        else
            FL_TRY(say_unknown(&runs[0], keys[k], problems));
    }
    *n_keys = n_kept;
    return FL_OK;
}

/* The resolved scenario is written by the program, a value a line with
 * "  # where it came from" behind it. */
void res_set_seedless(struct res_run *run)
{
    if (!run->scenario[0])
        return;
    struct fl_sha256 sha;
    fl_sha256_init(&sha);
    for (const char *line = run->scenario; *line;) {
        size_t n = strcspn(line, "\n"), end = n;
        const char *next = line + n + (line[n] == '\n');
        for (size_t i = 0; i + 4 <= n; i++)
            if (memcmp(line + i, "  # ", 4) == 0)
                end = i; /* the last one: a text may have others */
        if (line[0] != '#' && strncmp(line, "seed:", 5) != 0) {
            fl_sha256_add(&sha, line, end);
            fl_sha256_add(&sha, "\n", 1);
        }
        line = next;
    }
    fl_sha256_hex(&sha, run->seedless_sha256);
}
