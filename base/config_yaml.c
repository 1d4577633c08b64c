/* YAML text -> nodes, through libfyaml's events.
 *
 * The text is checked before the parser sees it (UTF-8, no control
 * characters), and what a scenario has no use for is refused with its place:
 * anchors and aliases (whose expansion can be exponential), tags, keys that
 * are no plain words, several documents in one file.
 */
#include "base/config_priv.h"
#include "base/utf8.h"

#include <libfyaml.h>
#include <string.h>

struct level {
    struct fl_node *node;
    char *key; /* waiting for its value; NULL = a key comes next */
    struct fl_place key_place;
};

struct reader {
    struct fl_config *config;
    const char *origin;
    bool is_file;
    struct fl_node *root;
    struct level levels[CONFIG_MAX_DEPTH];
    size_t depth;
    size_t documents;
};

static enum fl_status check_text(const char *origin,
                                 const char *text,
                                 size_t n_bytes,
                                 struct fl_error *err)
{
    const unsigned char *s = (const unsigned char *)text;
    int line = 1, column = 1;
    for (size_t i = 0; i < n_bytes;) {
        size_t length = fl_utf8_length(s + i, n_bytes - i);
        bool is_control =
            (s[i] < 0x20 && s[i] != '\n' && s[i] != '\r' && s[i] != '\t') ||
            s[i] == 0x7f;
        if (length == 0 || is_control)
            return fl_fail(err, FL_E_CONFIG,
                           "%s:%d:%d: found byte 0x%02x, allowed UTF-8 text",
                           origin, line, column, s[i]);
        column = s[i] == '\n' ? 1 : column + 1;
        line += s[i] == '\n';
        i += length;
    }
    return FL_OK;
}

/* marker: characters before the mark that belong to the thing (a quote, the
 * '*' of an alias). */
static struct fl_place
place_of(const struct reader *r, const struct fy_mark *mark, int marker)
{
    struct fl_place place = {.origin = r->origin};
    if (r->is_file && mark) {
        place.line = mark->line + 1;
        place.column = mark->column + 1 - marker;
    }
    return place;
}

static int marker_length(const struct fy_event *event)
{
    if (event->type == FYET_ALIAS)
        return 1;
    if (event->type != FYET_SCALAR || !event->scalar.value)
        return 0;
    enum fy_scalar_style style = fy_token_scalar_style(event->scalar.value);
    return style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;
}

static enum fl_status
refuse(const struct fl_place *place, const char *what, struct fl_error *err)
{
    if (place->line > 0)
        return fl_fail(err, FL_E_CONFIG, "%s:%d:%d: %s", place->origin,
                       place->line, place->column, what);
    return fl_fail(err, FL_E_CONFIG, "%s: %s", place->origin, what);
}

/* The text of a scalar in the config's memory; *ret_text NULL when it holds a
 * NUL character, which no value here may. */
static enum fl_status copy_scalar(struct reader *r,
                                  struct fy_event *event,
                                  char **ret_text,
                                  struct fl_error *err)
{
    size_t length = 0;
    const char *text = fy_token_get_text(event->scalar.value, &length);
    char *copy = config_copy_bytes(r->config, text ? text : "", length);
    if (!copy)
        return fl_fail(err, FL_E_NOMEM, "%s: out of memory", r->origin);
    *ret_text = strlen(copy) == length ? copy : NULL;
    return FL_OK;
}

static enum fl_status take_key(struct reader *r,
                               struct fy_event *event,
                               const struct fl_place *place,
                               struct fl_error *err)
{
    struct level *level = &r->levels[r->depth - 1];
    if (event->type != FYET_SCALAR)
        return refuse(place, "found a list or section as a key, allowed a name",
                      err);
    char *key = NULL;
    FL_TRY(copy_scalar(r, event, &key, err));
    if (!key || key[0] == '\0' || strlen(key) > 200)
        return refuse(place, "found an empty or endless key, allowed a name",
                      err);
    for (const struct fl_node *n = level->node->child; n; n = n->next)
        if (strcmp(n->key, key) == 0)
            return fl_fail(err, FL_E_CONFIG,
                           "%s:%d:%d: %s: duplicate key, first given in line "
                           "%d",
                           place->origin, place->line, place->column, key,
                           n->key_place.line);
    if (level->node->n_children >= CONFIG_MAX_KEYS)
        return refuse(place, "too many keys in one section, allowed 1000", err);
    level->key = key;
    level->key_place = *place;
    return FL_OK;
}

/* Where a value without a mark (an empty one) stands: behind its key. */
static struct fl_place empty_place(const struct level *level)
{
    struct fl_place place = level->key_place;
    if (place.line > 0)
        place.column += (int)strlen(level->key) + 1;
    return place;
}

static enum fl_status take_value(struct reader *r,
                                 struct fy_event *event,
                                 struct fl_place place,
                                 struct fl_error *err)
{
    struct level *level = r->depth ? &r->levels[r->depth - 1] : NULL;
    bool has_mark = fy_event_start_mark(event) != NULL;
    if (level && level->key && !has_mark)
        place = empty_place(level);
    else if (level && !has_mark)
        place = level->node->place;
    if (r->config->n_nodes >= CONFIG_MAX_NODES)
        return refuse(&place, "too many values, allowed 20000", err);
    enum fl_node_kind kind = event->type == FYET_SCALAR ? FL_NODE_SCALAR
                             : event->type == FYET_MAPPING_START ? FL_NODE_MAP
                                                                 : FL_NODE_LIST;
    if (kind != FL_NODE_SCALAR && r->depth >= CONFIG_MAX_DEPTH)
        return refuse(&place, "too deeply nested, allowed 64 levels", err);
    struct fl_node *node = config_add_node(
        r->config, level ? level->node : NULL, kind, level ? level->key : NULL);
    if (!node)
        return fl_fail(err, FL_E_NOMEM, "%s: out of memory", r->origin);
    node->place = place;
    if (level && level->key) {
        node->key_place = level->key_place;
        level->key = NULL;
    }
    if (!level)
        r->root = node;
    if (kind == FL_NODE_SCALAR) {
        char *text = NULL;
        FL_TRY(copy_scalar(r, event, &text, err));
        if (!text)
            return refuse(&place, "found a NUL character, allowed text", err);
        node->text = text;
        node->is_null =
            config_is_null_text(text) &&
            fy_token_scalar_style(event->scalar.value) == FYSS_PLAIN;
    } else {
        r->levels[r->depth++] = (struct level){.node = node};
    }
    return FL_OK;
}

static enum fl_status
take_event(struct reader *r, struct fy_event *event, struct fl_error *err)
{
    struct fl_place place =
        place_of(r, fy_event_start_mark(event), marker_length(event));
    switch (event->type) {
    case FYET_DOCUMENT_START:
        if (r->documents++ > 0)
            return refuse(&place, "found a second document, allowed one", err);
        return FL_OK;
    case FYET_ALIAS:
        return refuse(
            &place, "found an alias (*name), allowed values written out", err);
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        r->depth--;
        return FL_OK;
    case FYET_SCALAR:
    case FYET_MAPPING_START:
    case FYET_SEQUENCE_START:
        break;
    default:
        return FL_OK;
    }
    struct fy_token *extra = fy_event_get_anchor_token(event);
    if (extra) {
        place = place_of(r, fy_token_start_mark(extra), 1);
        return refuse(
            &place, "found an anchor (&name), allowed values written out", err);
    }
    extra = fy_event_get_tag_token(event);
    if (extra) {
        place = place_of(r, fy_token_start_mark(extra), 0);
        return refuse(&place, "found a tag (!name), allowed plain values", err);
    }
    const struct level *level = r->depth ? &r->levels[r->depth - 1] : NULL;
    if (level && level->node->kind == FL_NODE_MAP && !level->key)
        return take_key(r, event, &place, err);
    return take_value(r, event, place, err);
}

static enum fl_status
syntax_error(struct reader *r, struct fy_diag *diag, struct fl_error *err)
{
    void *at = NULL;
    const struct fy_diag_error *e = fy_diag_errors_iterate(diag, &at);
    struct fl_place place = {.origin = r->origin};
    if (!e || !e->msg)
        return refuse(&place, "not YAML", err);
    if (r->is_file) {
        place.line = e->line;
        place.column = e->column;
    }
    char what[300];
    (void)snprintf(what, sizeof what, "not YAML: %.250s", e->msg);
    return refuse(&place, what, err);
}

static enum fl_status read_events(struct reader *r,
                                  struct fy_parser *parser,
                                  struct fy_diag *diag,
                                  struct fl_error *err)
{
    enum fl_status status = FL_OK;
    while (status == FL_OK) {
        struct fy_event *event = fy_parser_parse(parser);
        if (!event)
            break;
        status = take_event(r, event, err);
        fy_parser_event_free(parser, event);
    }
    if (status == FL_OK && fy_parser_get_stream_error(parser))
        status = syntax_error(r, diag, err);
    return status;
}

/* A missing value of --set is nothing; a missing file content is an error. */
static enum fl_status check_root(struct reader *r, struct fl_error *err)
{
    if (!r->root && !r->is_file) {
        r->root = config_add_node(r->config, NULL, FL_NODE_SCALAR, NULL);
        if (!r->root)
            return fl_fail(err, FL_E_NOMEM, "%s: out of memory", r->origin);
        r->root->is_null = true;
        r->root->place.origin = r->origin;
    }
    if (!r->root || (r->is_file && r->root->is_null))
        return fl_fail(err, FL_E_CONFIG,
                       "%s:1:1: found an empty file, allowed keys and values",
                       r->origin);
    if (r->is_file && r->root->kind != FL_NODE_MAP)
        return refuse(&r->root->place,
                      "found a list or a single value, allowed keys and "
                      "values",
                      err);
    return FL_OK;
}

enum fl_status config_read_yaml(struct fl_config *config,
                                const char *origin,
                                const char *text,
                                size_t n_bytes,
                                bool is_file,
                                struct fl_node **ret,
                                struct fl_error *err)
{
    if (n_bytes > CONFIG_MAX_BYTES)
        return fl_fail(err, FL_E_CONFIG,
                       "%s: found %zu bytes, allowed at most %zu", origin,
                       n_bytes, CONFIG_MAX_BYTES);
    if (n_bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3; /* a byte order mark */
        n_bytes -= 3;
    }
    FL_TRY(check_text(origin, text, n_bytes, err));
    struct reader r = {.config = config,
                       .origin = fl_config_copy(config, origin),
                       .is_file = is_file};
    if (!r.origin)
        return fl_fail(err, FL_E_NOMEM, "%s: out of memory", origin);
    struct fy_diag_cfg diag_cfg;
    fy_diag_cfg_default(&diag_cfg);
    diag_cfg.fp = NULL; /* collect, print nothing */
    struct fy_diag *diag = fy_diag_create(&diag_cfg);
    struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET, .diag = diag};
    struct fy_parser *parser = diag ? fy_parser_create(&cfg) : NULL;
    enum fl_status status;
    if (!parser || fy_parser_set_string(parser, text, n_bytes) != 0) {
        status = fl_fail(err, FL_E_NOMEM, "%s: out of memory", origin);
    } else {
        fy_diag_set_collect_errors(diag, true);
        status = read_events(&r, parser, diag, err);
    }
    if (status == FL_OK)
        status = check_root(&r, err);
    fy_parser_destroy(parser);
    fy_diag_destroy(diag);
    if (status == FL_OK)
        *ret = r.root;
    return status;
}
