/* Where a set's files are, and their bytes. */
#include "nn/dataset_priv.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/sha256.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

const struct fl_param nn_file_params[] = {
    NN_VERIFY_PARAM(offsetof(struct nn_file_opts, verify)),
    {0},
};

void nn_raw_fini(struct nn_raw *raw)
{
    struct nn_raw_split *splits[] = {&raw->train, &raw->test};
    for (size_t s = 0; s < 2; s++) {
        if (splits[s]->spooled_bytes > 0)
            fl_file_unmap(splits[s]->pixels, splits[s]->spooled_bytes);
        else
            fl_free(splits[s]->pixels);
        fl_free(splits[s]->labels);
        fl_free(splits[s]->groups);
    }
    *raw = (struct nn_raw){0};
}

/* Less is not worth a file. */
#define SPOOL_BYTES ((size_t)64 << 20)

enum fl_status nn_raw_take_pixels(const struct nn_dataset_job *job,
                                  struct nn_raw_split *split,
                                  size_t n_bytes,
                                  struct fl_error *err)
{
    if (job->spool_dir && n_bytes >= SPOOL_BYTES) {
        FL_TRY(fl_file_spool(job->spool_dir, n_bytes, &split->pixels, err));
        split->spooled_bytes = n_bytes;
        return FL_OK;
    }
    split->pixels = fl_calloc(n_bytes, 1);
    return split->pixels ? FL_OK
                         : fl_fail(err, FL_E_NOMEM,
                                   "data set '%s': out of memory for %zu bytes",
                                   job->type->name, n_bytes);
}

void nn_raw_rest_pixels(const struct nn_raw_split *split,
                        size_t from,
                        size_t to)
{
    if (split->spooled_bytes > 0 && to > from)
        fl_file_release(split->pixels + from, to - from);
}

const char *nn_dataset_path(const struct nn_dataset_job *job, size_t i)
{
    return job->file[i].path[0] ? job->file[i].path : NULL;
}

uint64_t nn_dataset_seed(const struct nn_dataset_job *job)
{
    return job->seed;
}

static bool is_file(const char *path, struct nn_found *ret)
{
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode))
        return false;
    ret->size_bytes = (int64_t)info.st_size;
    ret->mtime_s = (int64_t)info.st_mtim.tv_sec;
    ret->mtime_ns = (int64_t)info.st_mtim.tv_nsec;
    return true;
}

/* root/folder/name, then .gz, in each folder; path stays "" if there is none.
 */
static enum fl_status find_one(const struct nn_dataset_type *type,
                               const char *root,
                               const char *name,
                               struct nn_found *ret,
                               struct fl_error *err)
{
    static const char *const endings[] = {"", ".gz"};
    for (size_t f = 0; type->folders[f]; f++)
        for (size_t e = 0; e < 2; e++) {
            int length = snprintf(ret->path, sizeof ret->path, "%s/%s/%s%s",
                                  root, type->folders[f], name, endings[e]);
            if (length < 0 || (size_t)length >= sizeof ret->path)
                return fl_fail(err, FL_E_ARG, "%s: path too long", root);
            if (is_file(ret->path, ret))
                return FL_OK;
        }
    ret->path[0] = '\0';
    return FL_OK;
}

bool nn_dataset_is_generator(const struct nn_dataset_type *type)
{
    return !type->sources && !type->file;
}

/* The file that the options name: absolute, or below the root. */
static enum fl_status find_named(const struct nn_dataset_type *type,
                                 const char *root,
                                 const char *name,
                                 struct nn_found *ret,
                                 struct fl_error *err)
{
    int length =
        name[0] == '/'
            ? snprintf(ret->path, sizeof ret->path, "%s", name)
            : snprintf(ret->path, sizeof ret->path, "%s/%s", root, name);
    if (length < 0 || (size_t)length >= sizeof ret->path)
        return fl_fail(err, FL_E_ARG, "%.200s..: path too long", name);
    if (is_file(ret->path, ret))
        return FL_OK;
    return fl_fail(err, FL_E_IO, "data set '%s': no file %s; to get it: %s",
                   type->name, ret->path, type->how_to_get);
}

static enum fl_status fail_missing(const struct nn_dataset_type *type,
                                   const char *root,
                                   const char *name,
                                   struct fl_error *err)
{
    char looked[512];
    size_t used = 0;
    looked[0] = '\0';
    for (size_t f = 0; type->folders[f] && used < sizeof looked; f++) {
        int length = snprintf(looked + used, sizeof looked - used, "%s%s/%s",
                              f ? ", " : "", root, type->folders[f]);
        used += length > 0 ? (size_t)length : 0;
    }
    return fl_fail(err, FL_E_IO,
                   "data set '%s': no file %s or %s.gz, looked in %s; to get "
                   "it: %s",
                   type->name, name, name, looked, type->how_to_get);
}

enum fl_status nn_dataset_job_init(struct nn_dataset_job *job,
                                   const struct nn_dataset_type *type,
                                   const void *opts,
                                   const struct nn_dataset_place *place,
                                   struct fl_error *err)
{
    *job = (struct nn_dataset_job){.type = type, .spool_dir = place->cache_dir};
    if (nn_dataset_is_generator(type)) {
        job->seed = place->seed;
        return FL_OK;
    }
    if (type->file) {
        job->n_files = 1;
        return find_named(type, place->root, type->file(opts), &job->file[0],
                          err);
    }
    for (size_t i = 0; type->sources[i].name; i++) {
        if (i >= NN_MAX_SOURCES)
            return fl_fail(err, FL_E_ARG, "data set '%s': over %d files",
                           type->name, NN_MAX_SOURCES);
        const struct nn_source *source = &type->sources[i];
        FL_TRY(find_one(type, place->root, source->name, &job->file[i], err));
        if (!job->file[i].path[0] && !source->is_optional)
            return fail_missing(type, place->root, source->name, err);
        job->n_files = i + 1;
    }
    return FL_OK;
}

enum fl_status nn_dataset_read(const struct nn_dataset_job *job,
                               size_t i,
                               size_t max_bytes,
                               uint8_t **ret,
                               size_t *ret_bytes,
                               struct fl_error *err)
{
    return fl_file_read(job->file[i].path, max_bytes, ret, ret_bytes, err);
}

enum fl_status nn_dataset_verify(const struct nn_dataset_job *job,
                                 size_t i,
                                 const uint8_t *bytes,
                                 size_t n_bytes,
                                 char ret_sha256[65],
                                 struct fl_error *err)
{
    const char *expected = job->type->sources[i].sha256;
    char found[65];
    if (!expected && !ret_sha256)
        return FL_OK;
    fl_sha256_of(bytes, n_bytes, found);
    if (!expected || strcmp(found, expected) == 0) {
        if (ret_sha256)
            memcpy(ret_sha256, found, sizeof found);
        return FL_OK;
    }
    return fl_fail(err, FL_E_FORMAT,
                   "%s: not the published content of %s: SHA-256 %s, expected "
                   "%s (`verify: false` takes it as it is)",
                   job->file[i].path, job->type->name, found, expected);
}

enum fl_status nn_dataset_decode(const struct nn_dataset_type *type,
                                 const void *opts,
                                 const struct nn_dataset_place *place,
                                 struct nn_raw *ret,
                                 struct fl_error *err)
{
    struct nn_dataset_job *job = fl_calloc(1, sizeof *job);
    if (!job)
        return fl_fail(err, FL_E_NOMEM, "data set '%s': out of memory",
                       type->name);
    struct nn_raw raw = {0};
    enum fl_status status = nn_dataset_job_init(job, type, opts, place, err);
    if (status == FL_OK)
        status = nn_dataset_job_decode(job, opts, &raw, err);
    fl_free(job);
    if (status == FL_OK)
        *ret = raw;
    else
        nn_raw_fini(&raw);
    return status;
}

/* What every set has to keep, whoever wrote its decode(). */
static enum fl_status check_split(const struct nn_dataset_type *type,
                                  const char *which,
                                  const struct nn_raw_split *split,
                                  int64_t classes,
                                  struct fl_error *err)
{
    if (split->n < 1 || !split->pixels || !split->labels)
        return fl_fail(err, FL_E_FORMAT, "data set '%s': no %s samples",
                       type->name, which);
    for (int64_t i = 0; i < split->n; i++)
        if (split->labels[i] >= classes)
            return fl_fail(err, FL_E_FORMAT,
                           "data set '%s': %s label %lld is %d, allowed 0 .. "
                           "%lld",
                           type->name, which, (long long)i, split->labels[i],
                           (long long)classes - 1);
    for (int64_t i = 0; split->groups && i < split->n; i++)
        if (split->groups[i] < 0 || split->groups[i] >= split->n_groups)
            return fl_fail(err, FL_E_FORMAT,
                           "data set '%s': %s group %lld is %d, allowed 0 .. "
                           "%lld",
                           type->name, which, (long long)i, split->groups[i],
                           (long long)split->n_groups - 1);
    return FL_OK;
}

enum fl_status nn_dataset_job_decode(const struct nn_dataset_job *job,
                                     const void *opts,
                                     struct nn_raw *ret,
                                     struct fl_error *err)
{
    const struct nn_dataset_type *type = job->type;
    FL_TRY(type->decode(opts, job, ret, err));
    int64_t channels = ret->shape.rank == 3 ? ret->shape.dim[2] : 1;
    if (ret->shape.rank < 1 || nn_shape_size(&ret->shape) < 1 ||
        channels > NN_MAX_CHANNELS)
        return fl_fail(err, FL_E_FORMAT,
                       "data set '%s': samples without a shape, or over %d "
                       "channels",
                       type->name, NN_MAX_CHANNELS);
    if (ret->classes < 2 || ret->classes > 256)
        return fl_fail(err, FL_E_FORMAT,
                       "data set '%s': %lld classes, allowed 2 .. 256",
                       type->name, (long long)ret->classes);
    FL_TRY(check_split(type, "train", &ret->train, ret->classes, err));
    return check_split(type, "test", &ret->test, ret->classes, err);
}
