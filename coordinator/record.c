#include "coordinator/record.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/sha256.h"
#include "coordinator/run_priv.h"
#include "nn/train.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

static const char title[] = "fedcarbon centralized arm 1";

#define MAX_RECORD ((size_t)256 << 20)
#define HEX_DIGITS 64

/* A node as text, or that it is not there. */
static void
put_key(FILE *out, const struct fl_node *map, const char *key, const char *name)
{
    const struct fl_node *node = fl_node_find(map, key);
    (void)fprintf(out, "%s: ", name);
    if (node)
        fl_config_emit_flow(node, out);
    (void)fputc('\n', out);
}

enum fl_status coord_record_key(const struct coord_run *run,
                                char ret_hex[65],
                                struct fl_error *err)
{
    const struct scn_scenario *s = run->scenario;
    const struct fl_node *root = fl_config_root(s->config);
    const struct fl_node *data = fl_node_find(root, "data");
    const struct fl_node *train = fl_node_find(root, "train");
    const struct nn_partition *partition = &run->task.partition;
    size_t n_samples = (size_t)partition->start[partition->clients], n = 0;
    char which[65], *text = NULL;
    int64_t *index;
    FL_TRY(nn_partition_everyone(partition, &index, err));
    fl_sha256_of(index, n_samples * sizeof *index, which);
    fl_free(index);
    FILE *out = open_memstream(&text, &n);
    if (!out)
        return fl_fail(err, FL_E_NOMEM, "out of memory: centralized arm");
    (void)fprintf(out, "%s\nversion: %s\nkernels: %s %s\n", title,
                  run->opts->version, nn_kernel_name(), nn_blas_kernel());
    /* The commit and the compiler: other code may give other bits. */
    for (size_t i = 0; i < run->opts->n_notes; i++)
        if (strcmp(run->opts->notes[i].key, "commit") == 0 ||
            strcmp(run->opts->notes[i].key, "compiler") == 0 ||
            strcmp(run->opts->notes[i].key, "build_type") == 0)
            (void)fprintf(out, "%s: %s\n", run->opts->notes[i].key,
                          run->opts->notes[i].value);
    (void)fprintf(out, "data: %s\nsamples: %s\nseed: %lld\nstart: %s\n",
                  nn_dataset_sha256(run->task.dataset), which,
                  (long long)s->seed,
                  s->initial_model_sha256 ? s->initial_model_sha256 : "");
    put_key(out, data, "normalize", "normalize");
    put_key(out, data, "augment", "augment");
    put_key(out, root, "model", "model");
    /* A resolved scenario has every option of the arm in this section. */
    put_key(out, train, "centralized", "centralized");
    bool is_whole = fclose(out) == 0;
    if (is_whole)
        fl_sha256_of(text, n, ret_hex);
    fl_free(text);
    return is_whole
               ? FL_OK
               : fl_fail(err, FL_E_NOMEM, "out of memory: centralized arm");
}

static enum fl_status path_of(const char *dir,
                              const char *key,
                              char *ret,
                              size_t size,
                              struct fl_error *err)
{
    char name[96];
    (void)snprintf(name, sizeof name, "centralized-%.16s.txt", key);
    return fl_path_join(dir, name, ret, size, err);
}

enum fl_status coord_record_add(struct coord_record *record,
                                struct coord_epoch epoch,
                                struct fl_error *err)
{
    FL_TRY(fl_grow(&record->epochs, &record->capacity, record->n + 1,
                   sizeof *record->epochs, err));
    record->epochs[record->n++] = epoch;
    return FL_OK;
}

/* The next line, cut off; NULL: no whole one is left. */
static char *next_line(char **at)
{
    char *line = *at, *end = strchr(line, '\n');
    if (!end)
        return NULL;
    *end = '\0';
    *at = end + 1;
    return line;
}

static bool read_epoch(char *line, struct coord_epoch *ret)
{
    char *second = strchr(line, ' ');
    char *third = second ? strchr(second + 1, ' ') : NULL;
    if (!third)
        return false;
    *second++ = '\0';
    *third++ = '\0';
    return fl_parse_double(line, 0, 1, &ret->accuracy, NULL) == FL_OK &&
           fl_parse_double(second, -DBL_MAX, DBL_MAX, &ret->loss, NULL) ==
               FL_OK &&
           fl_parse_double(third, -DBL_MAX, DBL_MAX, &ret->train_loss, NULL) ==
               FL_OK;
}

/* Whole: it ends in the hash of what is before. */
static bool is_whole(const char *text, size_t n)
{
    char hex[65];
    if (n < HEX_DIGITS + 1 || text[n - 1] != '\n')
        return false;
    size_t n_before = n - HEX_DIGITS - 1;
    fl_sha256_of(text, n_before, hex);
    return memcmp(text + n_before, hex, HEX_DIGITS) == 0;
}

/* *ret_is_good stays false for a text that is not of this key. */
static enum fl_status read_all(char *text,
                               size_t n,
                               const char *key,
                               struct coord_record *record,
                               bool *ret_is_good,
                               struct fl_error *err)
{
    if (!is_whole(text, n))
        return FL_OK;
    text[n - HEX_DIGITS - 1] = '\0';
    char *at = text;
    const char *found = next_line(&at);
    if (!found || strcmp(found, title) != 0)
        return FL_OK;
    found = next_line(&at);
    const char *model = found ? next_line(&at) : NULL;
    if (!model || strcmp(found, key) != 0 || strlen(model) != HEX_DIGITS)
        return FL_OK;
    memcpy(record->key, found, sizeof record->key);
    memcpy(record->model_sha256, model, sizeof record->model_sha256);
    for (char *line; (line = next_line(&at));) {
        struct coord_epoch epoch;
        if (!read_epoch(line, &epoch))
            return FL_OK;
        FL_TRY(coord_record_add(record, epoch, err));
    }
    *ret_is_good = true;
    return FL_OK;
}

enum fl_status coord_record_load(const char *dir,
                                 const char *key,
                                 struct coord_record *ret,
                                 struct fl_error *err)
{
    char path[4200];
    uint8_t *bytes = NULL;
    size_t n = 0;
    struct coord_record record = {.n = 0};
    bool is_good = false;
    *ret = record;
    if (path_of(dir, key, path, sizeof path, NULL) != FL_OK ||
        fl_file_read(path, MAX_RECORD, &bytes, &n, NULL) != FL_OK)
        return FL_OK;
    enum fl_status status =
        read_all((char *)bytes, n, key, &record, &is_good, err);
    fl_free(bytes);
    if (status != FL_OK || !is_good)
        coord_record_fini(&record);
    if (status == FL_OK)
        *ret = record;
    return status;
}

enum fl_status coord_record_save(const char *dir,
                                 const struct coord_record *record,
                                 struct fl_error *err)
{
    char path[4200], hex[65], *text = NULL;
    size_t n = 0;
    FL_TRY(path_of(dir, record->key, path, sizeof path, err));
    FILE *out = open_memstream(&text, &n);
    if (!out)
        return fl_fail(err, FL_E_NOMEM, "out of memory: %s", path);
    (void)fprintf(out, "%s\n%s\n%s\n", title, record->key,
                  record->model_sha256);
    for (size_t i = 0; i < record->n; i++)
        (void)fprintf(out, "%.17g %.17g %.17g\n", record->epochs[i].accuracy,
                      record->epochs[i].loss, record->epochs[i].train_loss);
    bool is_good = fflush(out) == 0;
    if (is_good) {
        fl_sha256_of(text, n, hex);
        (void)fprintf(out, "%s\n", hex);
    }
    is_good = fclose(out) == 0 && is_good;
    enum fl_status status =
        is_good ? fl_file_write(path, text, n, err)
                : fl_fail(err, FL_E_NOMEM, "out of memory: %s", path);
    fl_free(text);
    return status;
}

void coord_record_fini(struct coord_record *record)
{
    fl_free(record->epochs);
    *record = (struct coord_record){.n = 0};
}
