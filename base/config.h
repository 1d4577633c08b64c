/* Checked options: YAML text -> a tree of nodes -> plain structs.
 *
 * Every key that a user may write lives in one option table (struct fl_param
 * []), from which the parser, the bounds, the defaults, --help and the
 * reference page come. All problems of a file are collected, each with its
 * place "file:line:column", what was found, what is allowed, and the nearest
 * valid name.
 *
 *     struct sgd { double lr; };
 *     static const struct fl_param sgd_params[] = {
 *         {.key = "lr", .kind = FL_PARAM_DOUBLE, .offset = offsetof(struct sgd,
 * lr), .min = 0, .min_open = true, .max = 10, .def = "0.05", .doc = "learning
 * rate"}, {0},
 *     };
 *     struct fl_config *config;
 *     struct sgd sgd;
 *     FL_TRY(fl_config_load("a.yaml", &config, err));
 *     fl_config_decode(config, fl_config_root(config), sgd_params, &sgd);
 *     if (fl_config_n_problems(config)) fl_config_print_problems(config,
 * stderr);
 *
 * A config owns its nodes and every string that decoding hands out: keep it as
 * long as the decoded structs. Threads: a config belongs to one thread.
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct fl_config; /* opaque: nodes, strings, problems */

struct fl_place {
    const char *origin; /* file name, "--set", or "built-in x" */
    int line, column;   /* 1-based; 0 when the origin has none (--set) */
};

enum fl_node_kind { FL_NODE_SCALAR, FL_NODE_MAP, FL_NODE_LIST };

struct fl_node {
    enum fl_node_kind kind;
    const char *key;       /* in a map; NULL in a list and at the root */
    const char *text;      /* of a scalar, never NULL there */
    bool is_null;          /* a plain scalar that is empty, ~ or null */
    struct fl_place place; /* of the value */
    struct fl_place key_place;
    struct fl_node *child; /* first, in file order */
    struct fl_node *next;
    struct fl_node *last;   /* child */
    struct fl_node *parent; /* NULL at the root */
    size_t n_children;
};

enum fl_param_kind {
    FL_PARAM_BOOL,    /* bool */
    FL_PARAM_INT,     /* int64_t */
    FL_PARAM_DOUBLE,  /* double */
    FL_PARAM_FACT,    /* struct fl_fact: a number, `off`, or
                         {value, evidence, source, year, and how unsure it is:
                         spread, low, high, sd, gsd}; never a default */
    FL_PARAM_STRING,  /* const char * */
    FL_PARAM_ENUM,    /* int: index into choices */
    FL_PARAM_SECTION, /* a nested struct at offset, table in `section` */
    FL_PARAM_NODE,    /* const struct fl_node *: decoded later by its owner */
    FL_PARAM_ENUMS,   /* uint32_t: bit i = choices[i]; a name or a list */
    FL_PARAM_ROWS     /* const struct fl_node *: a list of sections, each as
                         `section` says; its owner decodes them one by one */
};

struct fl_fact {
    double value;
    bool is_set;          /* given by the user: value or off */
    bool is_off;          /* "not modelled", said explicitly */
    const char *evidence; /* as given, or NULL; its owner checks the word */
    const char *source;   /* as given, or NULL */
    int64_t year;         /* as given, or 0 */
    const char *spread;   /* as given, or NULL; its owner checks the word */
    double low, high, sd, gsd;  /* of the spread, as given, or 0 */
    const struct fl_node *node; /* where it was given */
};

struct fl_param {
    const char *key; /* NULL ends a table */
    enum fl_param_kind kind;
    size_t offset;
    double min, max;         /* INT, DOUBLE, FACT; both 0 = unbounded */
    bool min_open, max_open; /* the bound itself is not allowed */
    bool required;           /* absent = a problem */
    bool is_whereabouts;     /* where things lie, not what they are: left out
                                of fl_config_emit_values */
    const char *def;         /* default as text; NULL = zero / NULL / unset */
    const char *const *choices; /* ENUM: names, NULL-terminated */
    const struct fl_param *section;
    const char *unit; /* "s", "W", "gCO2e/kWh"; NULL = none */
    const char *doc;  /* one sentence */
};

/* Fails FL_E_IO cannot read; FL_E_CONFIG not YAML, duplicate key, empty file,
 * a root that is no map, anchors' and aliases' bombs, over 1 MiB or 64 levels;
 * the error carries the place. Free: fl_config_destroy. */
enum fl_status fl_config_load(const char *path,
                              struct fl_config **ret,
                              struct fl_error *err) FL_NODISCARD;
enum fl_status fl_config_parse(const char *origin,
                               const char *text,
                               size_t n_bytes,
                               struct fl_config **ret,
                               struct fl_error *err) FL_NODISCARD;
void fl_config_destroy(struct fl_config *config);

const struct fl_node *fl_config_root(const struct fl_config *config);

/* "a.b.c=value" or "fleet.0.zone=DE"; value is YAML (scalar, list or map) and
 * replaces or adds. Fails FL_E_CONFIG malformed, or the path meets a scalar. */
enum fl_status fl_config_set(struct fl_config *config,
                             const char *assignment,
                             struct fl_error *err) FL_NODISCARD;

/* A child by key, or NULL (also for NULL and nodes that are no map). */
const struct fl_node *fl_node_find(const struct fl_node *map, const char *key);

/* "train.local.lr", "fleet.0.zone": how --set names a node. Cut to size. */
void fl_node_path(const struct fl_node *node, char *ret, size_t size);

/* For loaders that complete what the user left open: adds or replaces a child
 * of a map of this config. origin says where the value came from; the strings
 * are copied. NULL when out of memory (fl_config_check then says so). */
const struct fl_node *fl_config_put_text(struct fl_config *config,
                                         const struct fl_node *map,
                                         const char *key,
                                         const char *text,
                                         const char *origin);
const struct fl_node *fl_config_put_double(struct fl_config *config,
                                           const struct fl_node *map,
                                           const char *key,
                                           double value,
                                           const char *origin);
const struct fl_node *fl_config_put_map(struct fl_config *config,
                                        const struct fl_node *map,
                                        const char *key,
                                        const char *origin);

/* Fills opts from node by the table: defaults first, then the node's values.
 * Unknown keys, wrong types, bounds and missing required keys become problems.
 * node may be NULL (all defaults). Keys named in `except` (NULL-terminated,
 * may be NULL) are passed over: their owner decodes them. */
void fl_config_decode(struct fl_config *config,
                      const struct fl_node *node,
                      const struct fl_param *params,
                      const char *const *except,
                      void *opts);

/* One value by one row, e.g. each of a map whose keys are free; at = where it
 * goes. Like fl_config_decode; false when it became a problem. */
bool fl_config_decode_value(struct fl_config *config,
                            const struct fl_node *node,
                            const struct fl_param *param,
                            void *at);

/* A copy of text that lives as long as the config; NULL = out of memory. */
const char *fl_config_copy(struct fl_config *config, const char *text);

/* Adds a problem at a place; text is "what, found X, allowed Y". The same text
 * at the same place is kept once. */
void fl_config_problem(struct fl_config *config,
                       const struct fl_place *place,
                       const char *fmt,
                       ...) __attribute__((format(printf, 3, 4)));

/* "train.arms = fedrated, allowed a, b; did you mean 'b'?" at a node's place;
 * names are all that is allowed there (what = how to call one of them). */
void fl_config_unknown_name(struct fl_config *config,
                            const struct fl_node *node,
                            const char *what,
                            const char *const *names,
                            size_t n);

/* For decoders that run out of memory in a void function: fl_config_check then
 * fails FL_E_NOMEM. */
void fl_config_no_memory(struct fl_config *config);

size_t fl_config_n_problems(const struct fl_config *config);
/* All, sorted by place, one per line. */
void fl_config_print_problems(const struct fl_config *config, FILE *out);
/* FL_OK, or FL_E_CONFIG with all problems in err (cut to what fits). */
enum fl_status fl_config_check(const struct fl_config *config,
                               struct fl_error *err) FL_NODISCARD;

/* The effective values as YAML, each with "  # where it came from", by the
 * same table (depth-first, two spaces per level, starting at `indent`).
 * What it writes decodes to the same opts. */
void fl_config_emit(const struct fl_node *node,
                    const struct fl_param *params,
                    const char *const *except,
                    int indent,
                    FILE *out);
/* The same values without origins and without whereabouts, numbers in one
 * form, maps of FL_PARAM_NODE sorted by key: equal text = equal options,
 * however they were written. For hashing. */
void fl_config_emit_values(const struct fl_node *node,
                           const struct fl_param *params,
                           int indent,
                           FILE *out);
/* A node as it was written, as YAML (for FL_PARAM_NODE values). */
void fl_config_emit_node(const struct fl_node *node, int indent, FILE *out);
/* The same on one line, as the value of a --set. */
void fl_config_emit_flow(const struct fl_node *node, FILE *out);

/* A table's rows for --help and docs, as Markdown: key, unit, bounds, default,
 * doc; sections below their own key. prefix "train." or "". */
void fl_config_describe(const struct fl_param *params,
                        const char *prefix,
                        FILE *out);

#endif
