/* Files that an export wants under a folder: gathered while the run is read,
 * written once it is closed, so that a slow disk holds up nobody.
 *
 *     struct res_tree tree = {0};
 *     status = res_tree_init(&tree, folder, err);
 *     status = res_tree_add(&tree, RES_TREE_GROW, "a/b", &bytes, err);
 *     status = res_tree_write(&tree, err);
 *     res_tree_fini(&tree);
 *
 * Paths are made by res_tree_name, piece by piece, so that no name that a run
 * holds leads out of the folder. Private to results/ and its tests.
 */
#ifndef RESULTS_TREES_TREE_H
#define RESULTS_TREES_TREE_H

#include "results/res_text.h"

#include <stddef.h>

enum res_tree_way {
    RES_TREE_PUT,  /* replaces, unless the file is the same already */
    RES_TREE_GROW, /* appends what is behind the file's end; a file that does
                      not begin as we do is replaced */
    RES_TREE_KEEP  /* written where there is none yet: others' too */
};

struct res_tree_file {
    enum res_tree_way way;
    char *path; /* under the folder */
    char *bytes;
    size_t n_bytes;
};

struct res_tree {
    char *folder; /* absolute */
    struct res_tree_file *files;
    size_t n, capacity;
};

/* Nothing is made or looked for there. Fails FL_E_IO no current folder,
 * FL_E_NOMEM. Free: res_tree_fini (copes with a zeroed tree). */
enum fl_status res_tree_init(struct res_tree *tree,
                             const char *folder,
                             struct fl_error *err) FL_NODISCARD;
void res_tree_fini(struct res_tree *tree);
/* Takes text's bytes and leaves it empty. Fails FL_E_NOMEM. */
enum fl_status res_tree_add(struct res_tree *tree,
                            enum res_tree_way way,
                            const char *path,
                            struct res_text *text,
                            struct fl_error *err) FL_NODISCARD;
/* In the order of adding; folders are made. Fails FL_E_IO, at the first. */
enum fl_status res_tree_write(const struct res_tree *tree,
                              struct fl_error *err) FL_NODISCARD;

/* One piece of a path: letters, digits, "_", "-", "." and blanks between them
 * stay; whatever else is there becomes "_" with a piece of its hash behind. */
void res_tree_name(struct res_text *out, const char *plain);

#endif
