/* What varies among the runs, from their resolved scenarios. */
#include "results/figures/gallery.h"

#include "base/alloc.h"
#include "base/config.h"
#include "base/parse.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

#define PATH_BYTES  256
#define VALUE_CHARS 24 /* of a value in a label */

struct key {
    char *path;
    int line; /* in the scenario where it was met */
};

struct keys {
    struct key *all;
    size_t n, capacity;
};

/* What says nothing about the run: which of several like it, its name, where
 * files lie. */
static bool is_idle(const char *path)
{
    static const char *const names[] = {"seed", "name", "data.root"};
    static const char behind[] = "_sha256";
    size_t n = strlen(path);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(path, names[i]) == 0)
            return true;
    return n >= sizeof behind - 1 &&
           strcmp(path + n - (sizeof behind - 1), behind) == 0;
}

static bool is_same(const struct fl_node *a, const struct fl_node *b)
{
    if (a->kind != b->kind || a->n_children != b->n_children)
        return false;
    if (a->kind == FL_NODE_SCALAR)
        return strcmp(a->text, b->text) == 0;
    const struct fl_node *y = b->child;
    for (const struct fl_node *x = a->child; x; x = x->next) {
        if (a->kind == FL_NODE_MAP && !(y = fl_node_find(b, x->key)))
            return false;
        if (!is_same(x, y))
            return false;
        y = y->next;
    }
    return true;
}

/* A map of keys, and not one value: a fact, a data set with its options. */
static bool is_section(const struct fl_node *node)
{
    return node && node->kind == FL_NODE_MAP && !fl_node_find(node, "value") &&
           !fl_node_find(node, "kind");
}

static enum fl_status
add_key(struct keys *keys, const struct fl_node *node, struct fl_error *err)
{
    char path[PATH_BYTES];
    fl_node_path(node, path, sizeof path);
    for (size_t i = 0; i < keys->n; i++)
        if (strcmp(keys->all[i].path, path) == 0)
            return FL_OK;
    if (is_idle(path))
        return FL_OK;
    FL_TRY(fl_grow(&keys->all, &keys->capacity, keys->n + 1,
                   sizeof keys->all[0], err));
    char *copy = fl_strdup(path);
    if (!copy)
        return fl_fail(err, FL_E_NOMEM, "out of memory: keys");
    keys->all[keys->n++] = (struct key){copy, node->place.line};
    return FL_OK;
}

/* Adds the keys below a and b whose values differ. */
static enum fl_status add_differences(const struct fl_node *a,
                                      const struct fl_node *b,
                                      struct keys *keys,
                                      struct fl_error *err)
{
    for (const struct fl_node *x = a->child; x; x = x->next) {
        const struct fl_node *y = fl_node_find(b, x->key);
        if (y && is_same(x, y))
            continue;
        if (is_section(x) && is_section(y))
            FL_TRY(add_differences(x, y, keys, err));
        else
            FL_TRY(add_key(keys, x, err));
    }
    for (const struct fl_node *y = b->child; y; y = y->next)
        if (!fl_node_find(a, y->key))
            FL_TRY(add_key(keys, y, err));
    return FL_OK;
}

static enum fl_status
parse(const struct res_run *run, struct fl_config **ret, struct fl_error *err)
{
    struct fl_error why = {0};
    enum fl_status status = fl_config_parse("resolved scenario", run->scenario,
                                            strlen(run->scenario), ret, &why);
    if (status != FL_OK)
        return fl_fail(err, status == FL_E_NOMEM ? status : FL_E_FORMAT,
                       "%s: %s", run->dir, why.text);
    return FL_OK;
}

/* Runs that differ from the first in a seed alone need no parsing. */
static bool has_other_values(const struct res_run *first,
                             const struct res_run *run)
{
    return run->scenario[0] &&
           (!run->seedless_sha256[0] ||
            strcmp(run->seedless_sha256, first->seedless_sha256) != 0);
}

static enum fl_status find_differences(const struct res_gallery *gallery,
                                       struct keys *keys,
                                       struct fl_error *err)
{
    const struct res_run *first = &gallery->runs[0];
    struct fl_config *a = NULL;
    if (!first->scenario[0])
        return FL_OK;
    FL_TRY(parse(first, &a, err));
    enum fl_status status = FL_OK;
    for (size_t r = 1; r < gallery->n_runs && status == FL_OK; r++) {
        struct fl_config *b = NULL;
        if (!has_other_values(first, &gallery->runs[r]))
            continue;
        status = parse(&gallery->runs[r], &b, err);
        if (status == FL_OK)
            status = add_differences(fl_config_root(a), fl_config_root(b), keys,
                                     err);
        fl_config_destroy(b);
    }
    fl_config_destroy(a);
    return status;
}

static int by_line(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return strcmp(x->path, y->path);
}

static void drop_values(struct res_gallery *gallery)
{
    for (size_t r = 0; r < gallery->n_runs; r++) {
        struct res_run *run = &gallery->runs[r];
        for (size_t k = 0; k < run->n_keys; k++)
            fl_free(run->keys[k]);
        fl_free(run->keys);
        run->keys = NULL;
        run->n_keys = 0;
    }
}

static enum fl_status read_values(struct res_gallery *gallery,
                                  const char *const *paths,
                                  size_t n,
                                  struct fl_error *err)
{
    drop_values(gallery);
    for (size_t r = 0; r < gallery->n_runs; r++)
        FL_TRY(res_read_keys(&gallery->runs[r], paths, n, err));
    return FL_OK;
}

/* Whether key b changes exactly where key a does: a target that goes with the
 * data set says nothing more. */
static bool goes_with(const struct res_gallery *gallery, size_t a, size_t b)
{
    for (size_t r = 0; r < gallery->n_runs; r++) {
        for (size_t s = r + 1; s < gallery->n_runs; s++) {
            char *const *x = gallery->runs[r].keys;
            char *const *y = gallery->runs[s].keys;
            if ((strcmp(x[a], y[a]) == 0) != (strcmp(x[b], y[b]) == 0))
                return false;
        }
    }
    return true;
}

/* The first keys that are not like another before them. Comparing goes over
 * pairs of runs, so it looks at few keys. */
static enum fl_status choose_keys(struct res_gallery *gallery,
                                  const struct keys *keys,
                                  struct fl_error *err)
{
    enum { LOOKED_AT = 12 };
    const char *paths[LOOKED_AT];
    size_t n = keys->n < LOOKED_AT ? keys->n : LOOKED_AT;
    size_t chosen[RES_GALLERY_KEYS], n_chosen = 0;
    for (size_t k = 0; k < n; k++)
        paths[k] = keys->all[k].path;
    FL_TRY(read_values(gallery, paths, n, err));
    gallery->n_varied = keys->n - n;
    for (size_t k = 0; k < n; k++) {
        bool is_new = true;
        for (size_t c = 0; c < n_chosen && is_new; c++)
            is_new = !goes_with(gallery, chosen[c], k);
        gallery->n_varied += is_new ? 1 : 0;
        if (is_new && n_chosen < RES_GALLERY_KEYS)
            chosen[n_chosen++] = k;
    }
    for (size_t c = 0; c < n_chosen; c++) {
        gallery->keys[c] = fl_strdup(paths[chosen[c]]);
        if (!gallery->keys[c])
            return fl_fail(err, FL_E_NOMEM, "out of memory: keys");
        gallery->n_keys++;
    }
    return read_values(gallery, (const char *const *)gallery->keys, n_chosen,
                       err);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum fl_status find_seeds(struct res_gallery *gallery,
                                 struct fl_error *err)
{
    const char **shas = fl_calloc(gallery->n_runs, sizeof *shas);
    if (!shas)
        return fl_fail(err, FL_E_NOMEM, "out of memory: seeds");
    for (size_t r = 0; r < gallery->n_runs; r++)
        shas[r] = gallery->runs[r].seedless_sha256;
    qsort(shas, gallery->n_runs, sizeof *shas, by_text);
    for (size_t r = 1; r < gallery->n_runs; r++)
        if (shas[r][0] && strcmp(shas[r - 1], shas[r]) == 0)
            gallery->has_seeds = true;
    fl_free(shas);
    return FL_OK;
}

static void compare_carbon(struct res_gallery *gallery, const struct keys *keys)
{
    gallery->has_common_carbon = true;
    for (size_t k = 0; k < keys->n; k++)
        if (strcmp(keys->all[k].path, "carbon") == 0 ||
            strncmp(keys->all[k].path, "carbon.", 7) == 0)
            gallery->has_common_carbon = false;
    for (size_t r = 0; r < gallery->n_runs && gallery->n_runs > 1; r++)
        if (!gallery->runs[r].scenario[0])
            gallery->has_common_carbon = false;
}

enum fl_status res_gallery_find_keys(struct res_gallery *gallery,
                                     struct fl_error *err)
{
    struct keys keys = {.all = NULL};
    FL_TRY(find_seeds(gallery, err));
    enum fl_status status = find_differences(gallery, &keys, err);
    compare_carbon(gallery, &keys);
    if (status == FL_OK && keys.n > 0) {
        qsort(keys.all, keys.n, sizeof keys.all[0], by_line);
        status = choose_keys(gallery, &keys, err);
    }
    for (size_t i = 0; i < keys.n; i++)
        fl_free(keys.all[i].path);
    fl_free(keys.all);
    return status;
}

/* Whether the first word of a long value is no other value's. */
static bool
has_own_word(const struct res_gallery *gallery, size_t key, const char *value)
{
    size_t n = strcspn(value, " ");
    for (size_t r = 0; r < gallery->n_runs; r++) {
        const char *other = gallery->runs[r].keys[key];
        if (strcmp(other, value) != 0 && strncmp(other, value, n) == 0 &&
            (other[n] == ' ' || other[n] == '\0'))
            return false;
    }
    return true;
}

void res_gallery_put_value(const struct res_gallery *gallery,
                           size_t key,
                           const struct res_run *run,
                           struct res_text *out)
{
    const char *path = gallery->keys[key], *value = run->keys[key];
    const char *last = strrchr(path, '.');
    double number = 0;
    size_t n = 0, most = VALUE_CHARS;
    if (fl_parse_double(value, -1e300, 1e300, &number, NULL) == FL_OK)
        res_text_add(out, "%s ", last ? last + 1 : path);
    if (fl_utf8_characters(value) > most && has_own_word(gallery, key, value)) {
        res_text_add(out, "%.*s", (int)strcspn(value, " "), value);
        return;
    }
    for (size_t characters = 0; value[n]; n++)
        if (((unsigned char)value[n] & 0xc0) != 0x80 && characters++ == most)
            break;
    res_text_add(out, "%.*s%s", (int)n, value, value[n] ? "..." : "");
}

/* Whether others have the same values: of another seed, or for good. */
static void find_twins(const struct res_gallery *gallery,
                       size_t run,
                       bool *ret_same_seed,
                       bool *ret_other_seed)
{
    const struct res_run *me = &gallery->runs[run];
    *ret_same_seed = *ret_other_seed = false;
    for (size_t r = 0; r < gallery->n_runs; r++) {
        const struct res_run *other = &gallery->runs[r];
        bool is_twin = r != run;
        for (size_t k = 0; k < gallery->n_keys && is_twin; k++)
            is_twin = strcmp(me->keys[k], other->keys[k]) == 0;
        if (is_twin && strcmp(me->seed, other->seed) == 0)
            *ret_same_seed = true;
        else if (is_twin)
            *ret_other_seed = true;
    }
}

/* Folders of one name are told apart by the way to them. */
static bool is_called_alike(const struct res_gallery *gallery, size_t run)
{
    for (size_t r = 0; r < gallery->n_runs; r++)
        if (r != run &&
            strcmp(gallery->runs[r].label, gallery->runs[run].label) == 0)
            return true;
    return false;
}

void res_gallery_put_label(const struct res_gallery *gallery,
                           size_t run,
                           bool with_seed,
                           struct res_text *out)
{
    if (gallery->n_runs == 1)
        return;
    const struct res_run *me = &gallery->runs[run];
    bool has_same_seed = false, has_other_seed = false;
    find_twins(gallery, run, &has_same_seed, &has_other_seed);
    if (has_same_seed) {
        res_text_put(out, is_called_alike(gallery, run) ? me->dir : me->label);
        return;
    }
    size_t n = 0;
    for (size_t k = 0; k < gallery->n_keys; k++) {
        if (!me->keys[k][0])
            continue; /* its scenario does not have the key */
        res_text_put(out, n++ > 0 ? ", " : "");
        res_gallery_put_value(gallery, k, me, out);
    }
    if (with_seed && (has_other_seed || n == 0))
        res_text_add(out, "%sseed %s", n > 0 ? ", " : "", me->seed);
}
