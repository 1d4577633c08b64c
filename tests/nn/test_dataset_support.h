/* For tests of data sets: a scratch folder, small IDX files, configs from text.
 */
#ifndef TEST_DATASET_SUPPORT_H
#define TEST_DATASET_SUPPORT_H

#include "base/config.h"
#include "nn/dataset.h"
#include "support/assert_near.h"

#include <stddef.h>
#include <stdint.h>

/* A new folder below the working directory, and its removal with all in it.
 * The path is the caller's char[64]. */
void scratch_create(char ret[64]);
void scratch_destroy(const char *path);

/* Writes bytes to dir/name, making dir/'s own folder first. */
void write_bytes(const char *dir,
                 const char *name,
                 const void *bytes,
                 size_t n_bytes);

/* IDX bytes: header by type, rank and dim, then n_items from items (which may
 * disagree with dim: that is for hostile files). Returns how many bytes. */
size_t make_idx(uint8_t *ret,
                int type,
                int rank,
                const uint32_t *dim,
                const uint8_t *items,
                size_t n_items);

/* An MNIST look-alike of side x side images in root/mnist, with labels that go
 * round 0 .. 9 and pixels that follow from `salt`. */
void write_small_mnist(const char *root,
                       uint32_t n_train,
                       uint32_t n_test,
                       uint32_t side,
                       unsigned salt);

/* The one file root/mnist/<name> again, of a given header and items. */
void write_idx(const char *dir,
               const char *name,
               int type,
               int rank,
               const uint32_t *dim,
               const uint8_t *items,
               size_t n_items);

/* A config whose root is `text`, a YAML map. */
struct fl_config *config_of(const char *text);

/* The first file in dir whose name ends in `ending`, as dir/name. */
void find_ending(const char *dir, const char *ending, char ret[600]);
/* How many files in dir end in `ending`. */
int count_ending(const char *dir, const char *ending);

#endif
