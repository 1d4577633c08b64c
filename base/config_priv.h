/* What the files base/config*.c share: the config's memory, building nodes, the
 * YAML reader, texts for messages. Only for them.
 *
 * Memory comes from a chain of blocks that the config owns; nothing is freed
 * before the config. A failed allocation sets out_of_memory, so that void
 * functions can go on and fl_config_check reports it.
 */
#ifndef BASE_CONFIG_PRIV_H
#define BASE_CONFIG_PRIV_H

#include "base/config.h"

#define CONFIG_MAX_BYTES ((size_t)1 << 20)
#define CONFIG_MAX_DEPTH 64
#define CONFIG_MAX_NODES 20000
#define CONFIG_MAX_KEYS  1000 /* of one map */

struct config_block; /* defined in config.c */

struct config_problem {
    struct fl_place place;
    const char *text;
};

struct fl_config {
    struct config_block *blocks;
    struct fl_node *root;
    struct config_problem *problems;
    size_t n_problems, problem_capacity;
    size_t n_said; /* problems with those that were known already */
    size_t n_nodes;
    bool out_of_memory;
};

/* n zeroed bytes that live as long as the config, or NULL. */
void *config_take(struct fl_config *config, size_t n);
char *config_copy_bytes(struct fl_config *config, const char *s, size_t n);

/* Appends a child (key NULL in a list); NULL when out of memory. */
struct fl_node *config_add_node(struct fl_config *config,
                                struct fl_node *parent,
                                enum fl_node_kind kind,
                                const char *key);

/* Is this plain text the absence of a value? */
bool config_is_null_text(const char *text);

/* YAML text -> a tree below a new root (no parent). allow_scalar: a value of
 * --set may be anything, a file must be a map. has_place: false sets line and
 * column to 0. Fails FL_E_CONFIG, FL_E_NOMEM; nothing of the config's tree
 * has changed. */
enum fl_status config_read_yaml(struct fl_config *config,
                                const char *origin,
                                const char *text,
                                size_t n_bytes,
                                bool is_file,
                                struct fl_node **ret,
                                struct fl_error *err) FL_NODISCARD;

/* "(0, 10]" or "" when the table sets no bounds. */
void config_range_text(const struct fl_param *param, char ret[96]);
/* The shortest decimal text that reads back as the same double. */
void config_double_text(double value, char ret[40]);
/* One line of what a node holds, safe to print, for messages. */
void config_found_text(const struct fl_node *node, char ret[72]);

#endif
