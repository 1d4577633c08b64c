#include "test_dataset_support.h"

#include "base/alloc.h"
#include "base/file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void scratch_create(char ret[64])
{
    (void)snprintf(ret, 64, "dataset-test-XXXXXX");
    assert_non_null(mkdtemp(ret));
}

void scratch_destroy(const char *path)
{
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        char inner[1024];
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        int length = snprintf(inner, sizeof inner, "%s/%s", path, e->d_name);
        assert_true(length > 0 && (size_t)length < sizeof inner);
        struct stat info;
        assert_int_equal(lstat(inner, &info), 0);
        if (S_ISDIR(info.st_mode))
            scratch_destroy(inner);
        else
            (void)remove(inner);
    }
    if (dir)
        (void)closedir(dir);
    (void)remove(path);
}

void write_bytes(const char *dir,
                 const char *name,
                 const void *bytes,
                 size_t n_bytes)
{
    struct fl_error err;
    char path[600];
    assert_ok(fl_dir_create(dir, &err), &err);
    assert_ok(fl_path_join(dir, name, path, sizeof path, &err), &err);
    assert_ok(fl_file_write(path, bytes, n_bytes, &err), &err);
}

size_t make_idx(uint8_t *ret,
                int type,
                int rank,
                const uint32_t *dim,
                const uint8_t *items,
                size_t n_items)
{
    size_t at = 4;
    memset(ret, 0, 4);
    ret[2] = (uint8_t)type;
    ret[3] = (uint8_t)rank;
    for (int i = 0; i < rank; i++)
        for (int shift = 24; shift >= 0; shift -= 8)
            ret[at++] = (uint8_t)(dim[i] >> shift);
    if (n_items)
        memcpy(ret + at, items, n_items);
    return at + n_items;
}

void write_idx(const char *dir,
               const char *name,
               int type,
               int rank,
               const uint32_t *dim,
               const uint8_t *items,
               size_t n_items)
{
    uint8_t *bytes = fl_calloc(n_items + 64, 1);
    assert_non_null(bytes);
    write_bytes(dir, name, bytes,
                make_idx(bytes, type, rank, dim, items, n_items));
    fl_free(bytes);
}

static void write_split(const char *dir,
                        const char *images,
                        const char *labels,
                        uint32_t n,
                        uint32_t side,
                        unsigned salt)
{
    uint32_t dim[3] = {n, side, side};
    size_t size = (size_t)n * side * side;
    uint8_t *items = fl_calloc(size, 1);
    assert_non_null(items);
    for (size_t i = 0; i < size; i++)
        items[i] = (uint8_t)(i * 7 + salt * 13 + i / 256);
    write_idx(dir, images, 0x08, 3, dim, items, size);
    for (size_t i = 0; i < n; i++)
        items[i] = (uint8_t)(i % 10);
    write_idx(dir, labels, 0x08, 1, dim, items, n);
    fl_free(items);
}

void write_small_mnist(const char *root,
                       uint32_t n_train,
                       uint32_t n_test,
                       uint32_t side,
                       unsigned salt)
{
    char dir[600];
    (void)snprintf(dir, sizeof dir, "%s/mnist", root);
    write_split(dir, "train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                n_train, side, salt);
    write_split(dir, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", n_test,
                side, salt + 1);
}

struct fl_config *config_of(const char *text)
{
    struct fl_config *config;
    struct fl_error err;
    assert_ok(fl_config_parse("test", text, strlen(text), &config, &err), &err);
    return config;
}

static int ends_in(const char *name, const char *ending)
{
    size_t n = strlen(name), m = strlen(ending);
    return n >= m && strcmp(name + n - m, ending) == 0;
}

static int
walk(const char *dir, const char *ending, char *ret, size_t ret_bytes)
{
    int n = 0;
    DIR *open_dir = opendir(dir);
    if (!open_dir)
        return 0;
    for (struct dirent *e; (e = readdir(open_dir)) != NULL;)
        if (ends_in(e->d_name, ending) && n++ == 0 && ret)
            (void)snprintf(ret, ret_bytes, "%s/%s", dir, e->d_name);
    (void)closedir(open_dir);
    return n;
}

void find_ending(const char *dir, const char *ending, char ret[600])
{
    if (walk(dir, ending, ret, 600) == 0)
        fail_msg("no file in %s ends in %s", dir, ending);
}

int count_ending(const char *dir, const char *ending)
{
    return walk(dir, ending, NULL, 0);
}
