#include "nn/dataset.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/sha256.h"
#include "nn/dataset_priv.h"
#include "nn/registry.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Larger sets are not read ahead. */
#define READ_AHEAD_BYTES ((size_t)1 << 30)
#define MAP_AHEAD_BYTES  ((size_t)96 << 20)
/* About what is mapped at a time of a larger one. */
#define RESTED_BYTES ((size_t)8 << 20)

struct nn_dataset {
    const struct nn_dataset_type *type;
    struct nn_cache cache;
    /* [NN_NORMALIZE_LAST_][channels][256]: what a byte becomes */
    float *table;
};

const struct nn_dataset_type *nn_dataset_find(const char *name)
{
    for (size_t i = 0; nn_datasets[i]; i++)
        if (strcmp(nn_datasets[i]->name, name) == 0)
            return nn_datasets[i];
    return NULL;
}

static enum fl_status fail_unknown(const char *name, struct fl_error *err)
{
    const char *names[64];
    char known[512];
    size_t n = 0, used = 0;
    for (; nn_datasets[n] && n < sizeof names / sizeof names[0]; n++) {
        names[n] = nn_datasets[n]->name;
        int length = snprintf(known + used, sizeof known - used, "%s%s",
                              n ? ", " : "", names[n]);
        used += length > 0 ? (size_t)length : 0;
        if (used >= sizeof known)
            used = sizeof known - 1;
    }
    const char *near = fl_nearest_name(name, names, n);
    return fl_fail(err, FL_E_CONFIG,
                   "unknown data set '%.64s'%s%s%s, allowed: %s", name,
                   near ? ", did you mean '" : "", near ? near : "",
                   near ? "'" : "", known);
}

/* The options of a set given as {kind: glyphs, writers: 10} carry its name. */
static const char *const kind_key[] = {"kind", NULL};

static enum fl_status decode_options(struct fl_config *config,
                                     const struct nn_dataset_type *type,
                                     const struct fl_node *options,
                                     void *opts,
                                     struct fl_error *err)
{
    if (options && options->kind == FL_NODE_SCALAR)
        options = NULL; /* just the name */
    size_t before = fl_config_n_problems(config);
    fl_config_decode(config, options, type->params, kind_key, opts);
    if (fl_config_n_problems(config) == before)
        return FL_OK;
    return fl_config_check(config, err);
}

/* Runs decode_options with an empty config where the caller has none. */
static enum fl_status options_of(struct fl_config *config,
                                 const struct nn_dataset_type *type,
                                 const struct fl_node *options,
                                 void *opts,
                                 struct fl_error *err)
{
    if (config)
        return decode_options(config, type, options, opts, err);
    if (options)
        return fl_fail(err, FL_E_ARG,
                       "options of a data set need their config");
    struct fl_config *empty;
    FL_TRY(fl_config_parse("built-in defaults", "{}", 2, &empty, err));
    enum fl_status status = decode_options(empty, type, NULL, opts, err);
    fl_config_destroy(empty);
    return status;
}

enum fl_status nn_dataset_check(struct fl_config *config,
                                const char *name,
                                const struct fl_node *options,
                                struct fl_error *err)
{
    const struct nn_dataset_type *type = nn_dataset_find(name);
    if (!type)
        return fail_unknown(name, err);
    void *opts = fl_calloc(1, type->opts_size);
    if (!opts)
        return fl_fail(err, FL_E_NOMEM, "data set '%s': out of memory", name);
    enum fl_status status = options_of(config, type, options, opts, err);
    fl_free(opts);
    return status;
}

static void add_text(struct fl_sha256 *sha, const char *text)
{
    fl_sha256_add(sha, text, strlen(text) + 1);
}

/* Bytes of an option that is a plain value; 0 for the other kinds, which a
 * data set may not have (tests/nn/test_datasets.c). */
static size_t option_bytes(enum fl_param_kind kind)
{
    switch (kind) {
    case FL_PARAM_BOOL:
        return sizeof(bool);
    case FL_PARAM_INT:
        return sizeof(int64_t);
    case FL_PARAM_DOUBLE:
        return sizeof(double);
    case FL_PARAM_ENUM:
        return sizeof(int);
    case FL_PARAM_STRING: /* hashed as text */
    default:
        return 0;
    }
}

static void add_option(struct fl_sha256 *sha,
                       const struct fl_param *param,
                       const void *opts)
{
    const void *value = (const char *)opts + param->offset;
    size_t n_bytes = option_bytes(param->kind);
    add_text(sha, param->key);
    if (param->kind == FL_PARAM_STRING) {
        const char *text = *(const char *const *)value;
        add_text(sha, text ? text : "");
        return;
    }
    assert(n_bytes > 0);
    fl_sha256_add(sha, value, n_bytes);
}

/* Names the decoded content without reading any file: set, version, options,
 * seed of a generator, and size and time of each file. */
static void
make_key(const struct nn_dataset_job *job, const void *opts, char ret[65])
{
    const struct nn_dataset_type *type = job->type;
    struct fl_sha256 sha;
    fl_sha256_init(&sha);
    add_text(&sha, type->name);
    fl_sha256_add(&sha, &type->version, sizeof type->version);
    for (size_t i = 0; type->params[i].key; i++)
        add_option(&sha, &type->params[i], opts);
    fl_sha256_add(&sha, &job->seed, sizeof job->seed);
    for (size_t i = 0; i < job->n_files; i++) {
        const struct nn_found *file = &job->file[i];
        int64_t numbers[] = {file->size_bytes, file->mtime_s, file->mtime_ns};
        add_text(&sha, file->path);
        fl_sha256_add(&sha, numbers, sizeof numbers);
    }
    fl_sha256_hex(&sha, ret);
}

static enum fl_status decode_to(const char *path,
                                const char *key,
                                const struct nn_dataset_job *job,
                                const void *opts,
                                struct fl_error *err)
{
    struct nn_raw raw = {0};
    enum fl_status status = nn_dataset_job_decode(job, opts, &raw, err);
    if (status == FL_OK)
        status = nn_cache_write(path, key, &raw, err);
    nn_raw_fini(&raw);
    return status;
}

/* Decodes under the lock of the file `path`.lock, unless another process did
 * so while this one waited for it. The system frees the lock of one that dies;
 * what it left half-written has another name and is written over. */
static enum fl_status decode_locked(const char *path,
                                    const char *key,
                                    const struct nn_dataset_job *job,
                                    const void *opts,
                                    struct nn_cache *ret,
                                    struct fl_error *err)
{
    char lock[NN_PATH_BYTES + 8];
    (void)snprintf(lock, sizeof lock, "%s.lock", path);
    int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return fl_fail_errno(err, FL_E_IO,
                             "%s: cannot write in the folder of decoded data",
                             lock);
    enum fl_status status = FL_OK;
    if (flock(fd, LOCK_EX) != 0)
        status = fl_fail_errno(err, FL_E_IO, "%s: cannot lock", lock);
    if (status == FL_OK && nn_cache_open(path, key, ret, NULL) != FL_OK) {
        status = decode_to(path, key, job, opts, err);
        if (status == FL_OK)
            status = nn_cache_open(path, key, ret, err);
    }
    (void)close(fd); /* and unlocks */
    return status;
}

static enum fl_status open_cache(const struct nn_dataset_job *job,
                                 const void *opts,
                                 const char *cache_dir,
                                 struct nn_cache *ret,
                                 struct fl_error *err)
{
    char key[65], path[NN_PATH_BYTES];
    make_key(job, opts, key);
    int length = snprintf(path, sizeof path, "%s/%s-%.16s.fcd", cache_dir,
                          job->type->name, key);
    if (length < 0 || (size_t)length >= sizeof path)
        return fl_fail(err, FL_E_ARG, "%.200s..: path too long", cache_dir);
    enum fl_status status = nn_cache_open(path, key, ret, NULL);
    if (status == FL_OK || status == FL_E_NOMEM)
        return status;
    FL_TRY(fl_dir_create(cache_dir, err));
    return decode_locked(path, key, job, opts, ret, err);
}

/* Tokens are numbers as they stand. */
static void fill_with_tokens(float *table, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        table[i] = (float)(i % 256);
}

static enum fl_status fill_table(struct nn_dataset *dataset,
                                 struct fl_error *err)
{
    const struct nn_cache *cache = &dataset->cache;
    size_t n = (size_t)cache->channels * 256;
    dataset->table = fl_calloc(n * NN_NORMALIZE_LAST_, sizeof(float));
    if (!dataset->table)
        return fl_fail(err, FL_E_NOMEM, "data set '%s': out of memory",
                       dataset->type->name);
    if (dataset->type->is_tokens) {
        fill_with_tokens(dataset->table, (int64_t)n * NN_NORMALIZE_LAST_);
        return FL_OK;
    }
    float *standard = dataset->table + n * NN_NORMALIZE_STANDARD;
    float *unit = dataset->table + n * NN_NORMALIZE_UNIT;
    for (int64_t c = 0; c < cache->channels; c++)
        for (int v = 0; v < 256; v++) {
            double value = (double)v / 255.0;
            *standard++ = (float)((value - cache->mean[c]) / cache->std[c]);
            *unit++ = (float)value;
        }
    return FL_OK;
}

static enum fl_status create(struct fl_config *config,
                             const struct fl_node *options,
                             const struct nn_dataset_place *place,
                             struct nn_dataset *dataset,
                             struct fl_error *err)
{
    const struct nn_dataset_type *type = dataset->type;
    void *opts = fl_calloc(1, type->opts_size);
    struct nn_dataset_job *job = fl_calloc(1, sizeof *job);
    enum fl_status status = FL_OK;
    if (!opts || !job)
        status = fl_fail(err, FL_E_NOMEM, "data set '%s': out of memory",
                         type->name);
    if (status == FL_OK)
        status = options_of(config, type, options, opts, err);
    if (status == FL_OK)
        status = nn_dataset_job_init(job, type, opts, place, err);
    if (status == FL_OK)
        status = open_cache(job, opts, place->cache_dir, &dataset->cache, err);
    if (status == FL_OK)
        status = fill_table(dataset, err);
    fl_free(job);
    fl_free(opts);
    return status;
}

enum fl_status nn_dataset_create(struct fl_config *config,
                                 const char *name,
                                 const struct fl_node *options,
                                 const struct nn_dataset_place *place,
                                 struct nn_dataset **ret,
                                 struct fl_error *err)
{
    if (!name || !place || !place->cache_dir)
        return fl_fail(err, FL_E_ARG,
                       "a data set needs a name and a folder of decoded data");
    const struct nn_dataset_type *type = nn_dataset_find(name);
    if (!type)
        return fail_unknown(name, err);
    if (!nn_dataset_is_generator(type) && !place->root)
        return fl_fail(err, FL_E_ARG, "data set '%s' needs a data folder",
                       name);
    struct nn_dataset *dataset = fl_calloc(1, sizeof *dataset);
    if (!dataset)
        return fl_fail(err, FL_E_NOMEM, "data set '%s': out of memory", name);
    dataset->type = type;
    enum fl_status status = create(config, options, place, dataset, err);
    if (status == FL_OK)
        *ret = dataset;
    else
        nn_dataset_destroy(dataset);
    return status;
}

void nn_dataset_destroy(struct nn_dataset *dataset)
{
    if (!dataset)
        return;
    nn_cache_close(&dataset->cache);
    fl_free(dataset->table);
    fl_free(dataset);
}

const struct nn_shape *nn_dataset_shape(const struct nn_dataset *dataset)
{
    return &dataset->cache.shape;
}

int64_t nn_dataset_classes(const struct nn_dataset *dataset)
{
    return dataset->cache.classes;
}

const struct nn_split *nn_dataset_train(const struct nn_dataset *dataset)
{
    return &dataset->cache.train;
}

const struct nn_split *nn_dataset_test(const struct nn_dataset *dataset)
{
    return &dataset->cache.test;
}

const char *nn_dataset_sha256(const struct nn_dataset *dataset)
{
    return dataset->cache.sha256;
}

bool nn_dataset_is_tokens(const struct nn_dataset *dataset)
{
    return dataset->type->is_tokens;
}

int64_t nn_dataset_sample_bytes(const struct nn_dataset *dataset)
{
    return dataset->cache.sample_bytes;
}

void nn_dataset_read_ahead(const struct nn_dataset *dataset)
{
    const struct nn_cache *cache = &dataset->cache;
    if (cache->n_bytes <= MAP_AHEAD_BYTES)
        fl_file_read_ahead(cache->bytes, cache->n_bytes);
    else if (cache->n_bytes <= READ_AHEAD_BYTES)
        fl_file_will_need(cache->bytes, cache->n_bytes);
}

void nn_dataset_rest(const struct nn_dataset *dataset)
{
    const struct nn_cache *cache = &dataset->cache;
    if (cache->n_bytes > MAP_AHEAD_BYTES)
        fl_file_release(cache->bytes, cache->n_bytes);
}

int64_t nn_dataset_resident_bytes(const struct nn_dataset *dataset)
{
    size_t n_bytes = dataset->cache.n_bytes;
    return (int64_t)(n_bytes <= MAP_AHEAD_BYTES ? n_bytes : RESTED_BYTES);
}

static const float *table_of(const struct nn_dataset *dataset,
                             enum nn_normalize normalize)
{
    assert((unsigned)normalize < NN_NORMALIZE_LAST_);
    return dataset->table +
           (size_t)normalize * (size_t)dataset->cache.channels * 256;
}

float nn_dataset_value(const struct nn_dataset *dataset,
                       enum nn_normalize normalize,
                       int64_t channel,
                       uint8_t pixel)
{
    assert(channel >= 0 && channel < dataset->cache.channels);
    return table_of(dataset, normalize)[256 * channel + pixel];
}

/* Samples are taken in random order from a file of many megabytes: the next
 * one is asked for while this one is computed (three times as fast). */
static void prefetch(const uint8_t *pixels, int64_t size)
{
    for (int64_t at = 0; at < size; at += 64)
        __builtin_prefetch(pixels + at);
}

static void
look_up(const float *table, const uint8_t *pixels, int64_t size, float *ret_x)
{
    int64_t i = 0;
    for (; i + 8 <= size; i += 8)
        for (int64_t k = i; k < i + 8; k++)
            ret_x[k] = table[pixels[k]];
    for (; i < size; i++)
        ret_x[i] = table[pixels[i]];
}

static void look_up_channels(const float *table,
                             int64_t channels,
                             const uint8_t *pixels,
                             int64_t size,
                             float *ret_x)
{
    for (int64_t i = 0; i < size; i += channels)
        for (int64_t c = 0; c < channels; c++)
            ret_x[i + c] = table[256 * c + pixels[i + c]];
}

void nn_dataset_gather(const struct nn_dataset *dataset,
                       const struct nn_split *split,
                       enum nn_normalize normalize,
                       const int64_t *index,
                       int64_t n,
                       float *ret_x,
                       int32_t *ret_labels)
{
    int64_t channels = dataset->cache.channels;
    int64_t size = nn_shape_size(&dataset->cache.shape);
    const float *table = table_of(dataset, normalize);
    for (int64_t i = 0; i < n; i++) {
        assert(index[i] >= 0 && index[i] < split->n);
        const uint8_t *pixels = split->pixels + index[i] * size;
        if (i + 1 < n)
            prefetch(split->pixels + index[i + 1] * size, size);
        if (channels == 1)
            look_up(table, pixels, size, ret_x + i * size);
        else if (channels == 3)
            look_up_channels(table, 3, pixels, size, ret_x + i * size);
        else
            look_up_channels(table, channels, pixels, size, ret_x + i * size);
        ret_labels[i] = split->labels[index[i]];
    }
}
