/* Files that a scenario names: where they are, and that they are the same
 * wherever the scenario is run again. */
#include "scenarios/scenario_priv.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/sha256.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An absolute path of a file that exists. */
static const char *absolute_path(struct scn_load *load,
                                 const struct fl_node *node,
                                 const char *where)
{
    char joined[4096];
    const char *path = node->text;
    bool is_set = strcmp(node->place.origin, "--set") == 0;
    if (path[0] != '/' && !is_set) {
        struct fl_error err;
        if (fl_path_join(load->folder, path, joined, sizeof joined, &err) !=
            FL_OK) {
            fl_config_problem(load->config, &node->place, "%s: %s", where,
                              err.text);
            return NULL;
        }
        path = joined;
    }
    char *real = realpath(path, NULL);
    if (!real) {
        fl_config_problem(load->config, &node->place,
                          "%s = %.300s, allowed a file that can be read", where,
                          path);
        return NULL;
    }
    const char *copy = fl_config_copy(load->config, real);
    fl_free(real);
    return copy;
}

/* The file's SHA-256 against the one given, if any. */
static const char *check_file(struct scn_load *load,
                              const struct fl_node *node,
                              const char *where,
                              const char *path,
                              const char *sha256_key,
                              const char *given)
{
    const uint8_t *bytes = NULL;
    size_t n_bytes = 0;
    struct fl_error err;
    if (fl_file_map(path, &bytes, &n_bytes, &err) != FL_OK) {
        fl_config_problem(load->config, &node->place, "%s: %s", where,
                          err.text);
        return NULL;
    }
    char hex[65];
    fl_sha256_of(bytes, n_bytes, hex);
    fl_file_unmap(bytes, n_bytes);
    if (given && strcmp(given, hex) != 0)
        fl_config_problem(
            load->config, &fl_node_find(node->parent, sha256_key)->place,
            "%s_sha256 = %.64s, but %s has %s", where, given, path, hex);
    return fl_config_copy(load->config, hex);
}

void scn_take_file(struct scn_load *load,
                   const struct fl_node *node,
                   const char *sha256_key,
                   const char *given,
                   const char **ret_path,
                   const char **ret_sha256)
{
    char where[160];
    if (!load->folder) {
        *ret_path = node->text;
        *ret_sha256 = given;
        return;
    }
    fl_node_path(node, where, sizeof where);
    *ret_path = absolute_path(load, node, where);
    if (*ret_path)
        *ret_sha256 =
            check_file(load, node, where, *ret_path, sha256_key, given);
}

void scn_complete_file(struct scn_load *load,
                       const struct fl_node *node,
                       const char *sha256_key,
                       const char *path,
                       const char *sha256)
{
    struct fl_config *config = load->config;
    const struct fl_node *map = node->parent;
    char where[160], origin[200];
    fl_node_path(node, where, sizeof where);
    (void)snprintf(origin, sizeof origin, "%s, absolute", where);
    bool is_other = strcmp(path, node->text) != 0;
    if (!fl_node_find(map, sha256_key) && sha256)
        (void)fl_config_put_text(config, map, sha256_key, sha256, "the file");
    if (is_other)
        (void)fl_config_put_text(config, map, node->key, path, origin);
}
