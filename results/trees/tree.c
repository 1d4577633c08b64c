#include "results/trees/tree.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/sha256.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4096
#define MAX_BYTES  ((size_t)4 << 30) /* of a file that is there already */
#define MAX_NAME   100

enum fl_status
res_tree_init(struct res_tree *tree, const char *folder, struct fl_error *err)
{
    char here[PATH_BYTES], path[PATH_BYTES];
    *tree = (struct res_tree){0};
    if (folder[0] != '/') {
        if (!getcwd(here, sizeof here))
            return fl_fail_errno(err, FL_E_IO, "%s: no current folder", folder);
        FL_TRY(fl_path_join(here, folder, path, sizeof path, err));
        folder = path;
    }
    tree->folder = fl_strdup(folder);
    return tree->folder ? FL_OK
                        : fl_fail(err, FL_E_NOMEM, "out of memory: %s", folder);
}

void res_tree_fini(struct res_tree *tree)
{
    for (size_t i = 0; i < tree->n; i++) {
        fl_free(tree->files[i].path);
        fl_free(tree->files[i].bytes);
    }
    fl_free(tree->files);
    fl_free(tree->folder);
    *tree = (struct res_tree){0};
}

enum fl_status res_tree_add(struct res_tree *tree,
                            enum res_tree_way way,
                            const char *path,
                            struct res_text *text,
                            struct fl_error *err)
{
    FL_TRY(res_text_check(text, err));
    FL_TRY(fl_grow(&tree->files, &tree->capacity, tree->n + 1,
                   sizeof tree->files[0], err));
    char *copy = fl_strdup(path);
    if (!copy)
        return fl_fail(err, FL_E_NOMEM, "out of memory: %s", path);
    tree->files[tree->n++] = (struct res_tree_file){
        .way = way, .path = copy, .bytes = text->bytes, .n_bytes = text->n};
    *text = (struct res_text){0};
    return FL_OK;
}

/* The folder that a file is in. */
static enum fl_status make_folder(const char *path, struct fl_error *err)
{
    char folder[PATH_BYTES];
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    if (n == 0)
        return FL_OK;
    memcpy(folder, path, n); /* path came from a buffer of this size */
    folder[n] = '\0';
    return fl_dir_create(folder, err);
}

/* A tail that was torn is a beginning of ours as well: it is completed. */
static enum fl_status write_file(const struct res_tree_file *file,
                                 const char *path,
                                 struct fl_error *err)
{
    uint8_t *there = NULL;
    size_t n_there = 0;
    struct stat info;
    if (stat(path, &info) != 0)
        return fl_file_write_unsynced(path, file->bytes ? file->bytes : "",
                                      file->n_bytes, err);
    if (file->way == RES_TREE_KEEP)
        return FL_OK;
    /* What cannot be read is written anew. */
    bool is_read =
        fl_file_read(path, MAX_BYTES, &there, &n_there, NULL) == FL_OK;
    bool is_beginning =
        is_read && n_there <= file->n_bytes &&
        (n_there == 0 || memcmp(there, file->bytes, n_there) == 0);
    fl_free(there);
    if (is_beginning && n_there == file->n_bytes)
        return FL_OK;
    if (is_beginning && file->way == RES_TREE_GROW)
        return fl_file_append(path, file->bytes + n_there,
                              file->n_bytes - n_there, err);
    return fl_file_write_unsynced(path, file->bytes ? file->bytes : "",
                                  file->n_bytes, err);
}

enum fl_status res_tree_write(const struct res_tree *tree, struct fl_error *err)
{
    char path[PATH_BYTES];
    for (size_t i = 0; i < tree->n; i++) {
        FL_TRY(fl_path_join(tree->folder, tree->files[i].path, path,
                            sizeof path, err));
        FL_TRY(make_folder(path, err));
        FL_TRY(write_file(&tree->files[i], path, err));
    }
    return FL_OK;
}

void res_tree_name(struct res_text *out, const char *plain)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-. ";
    size_t n = strlen(plain), same = strspn(plain, good);
    bool is_good = same == n && n > 0 && n <= MAX_NAME && plain[0] != '.' &&
                   plain[0] != ' ' && plain[n - 1] != ' ';
    if (is_good) {
        res_text_put(out, plain);
        return;
    }
    char hex[65];
    fl_sha256_of(plain, n, hex);
    for (size_t i = 0; i < n && i < MAX_NAME; i++) {
        bool is_edge =
            (plain[i] == '.' || plain[i] == ' ') && (i == 0 || i + 1 == n);
        res_text_add(out, "%c",
                     !is_edge && strchr(good, plain[i]) ? plain[i] : '_');
    }
    res_text_add(out, "_%.8s", hex);
}
