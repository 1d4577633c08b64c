/* The files that meters read, and power that is sampled. */
#include "carbon/meter_priv.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/parse.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_NUMBER_BYTES 64
#define MAX_PROC_BYTES   ((size_t)16 << 20)
#define MAX_ENTRY        9999

enum fl_status carbon_meter_path(char ret[CARBON_METER_PATH_BYTES],
                                 struct fl_error *err,
                                 const char *fmt,
                                 ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(ret, CARBON_METER_PATH_BYTES, fmt, args);
    va_end(args);
    if (n < 0 || n >= CARBON_METER_PATH_BYTES)
        return fl_fail(err, FL_E_ARG, "%.100s...: path too long", ret);
    return FL_OK;
}

enum fl_status carbon_read_number(const char *path,
                                  int64_t min,
                                  int64_t max,
                                  int64_t *ret,
                                  struct fl_error *err)
{
    char text[MAX_NUMBER_BYTES];
    FL_TRY(fl_file_read_text(path, text, sizeof text, err));
    return carbon_parse_number(text, path, min, max, ret, err);
}

enum fl_status
carbon_read_word(const char *path, char *ret, size_t size, struct fl_error *err)
{
    char text[MAX_NUMBER_BYTES];
    FL_TRY(fl_file_read_text(path, text, sizeof text, err));
    size_t n = 0;
    for (const char *at = text; *at && *at != '\n' && n + 1 < size; at++)
        if (*at >= ' ' && *at <= '~')
            ret[n++] = *at;
    ret[n] = '\0';
    return FL_OK;
}

/* "intel-rapl:0:1" behind its prefix: "0:1". False: something else. */
static bool
parse_entry(const char *text, bool has_parts, struct carbon_entry_number *ret)
{
    char head[MAX_NUMBER_BYTES];
    int64_t major, minor = -1;
    size_t n = strcspn(text, ":");
    if (n >= sizeof head || (text[n] != '\0' && !has_parts))
        return false;
    memcpy(head, text, n);
    head[n] = '\0';
    if (fl_parse_int(head, 0, MAX_ENTRY, &major, NULL) != FL_OK)
        return false;
    if (text[n] != '\0' &&
        fl_parse_int(text + n + 1, 0, MAX_ENTRY, &minor, NULL) != FL_OK)
        return false;
    ret->major = (int32_t)major;
    ret->minor = (int32_t)minor;
    return true;
}

static int compare_entries(const void *a, const void *b)
{
    const struct carbon_entry_number *x = a, *y = b;
    if (x->major != y->major)
        return x->major < y->major ? -1 : 1;
    return x->minor < y->minor ? -1 : x->minor > y->minor;
}

enum fl_status carbon_list_entries(const char *path,
                                   const char *prefix,
                                   bool has_parts,
                                   size_t max,
                                   struct carbon_entry_number *ret,
                                   size_t *ret_n,
                                   struct fl_error *err)
{
    DIR *dir = opendir(path);
    if (!dir)
        return fl_fail_errno(err, FL_E_IO, "%s: cannot open", path);
    size_t n = 0, length = strlen(prefix);
    struct carbon_entry_number entry;
    bool is_full = false;
    for (struct dirent *found; !is_full && (found = readdir(dir)) != NULL;) {
        if (strncmp(found->d_name, prefix, length) != 0 ||
            !parse_entry(found->d_name + length, has_parts, &entry))
            continue;
        is_full = n == max;
        if (!is_full)
            ret[n++] = entry;
    }
    (void)closedir(dir);
    if (is_full)
        return fl_fail(err, FL_E_FORMAT, "%s: more than %zu entries %sN", path,
                       max, prefix);
    qsort(ret, n, sizeof *ret, compare_entries);
    *ret_n = n;
    return FL_OK;
}

void carbon_power_add(struct carbon_power_sum *acc,
                      double now_wall_s,
                      double power_w)
{
    double mean_w = (acc->power_w + power_w) / 2;
    acc->sum_j += mean_w * (now_wall_s - acc->at_wall_s);
    acc->at_wall_s = now_wall_s;
    acc->power_w = power_w;
}

enum fl_status carbon_read_proc_stat(const char *root,
                                     struct carbon_proc_stat *ret,
                                     struct fl_error *err)
{
    char path[CARBON_METER_PATH_BYTES];
    uint8_t *text = NULL;
    size_t n;
    FL_TRY(carbon_meter_path(path, err, "%s/proc/stat", root));
    FL_TRY(fl_file_read(path, MAX_PROC_BYTES, &text, &n, err));
    enum fl_status status = carbon_parse_proc_stat(
        (const char *)text, (double)sysconf(_SC_CLK_TCK), ret, err);
    fl_free(text);
    return status;
}

enum fl_status
carbon_machine_busy(const char *root, double *ret_cpu_s, struct fl_error *err)
{
    struct carbon_proc_stat stat;
    FL_TRY(carbon_read_proc_stat(root, &stat, err));
    *ret_cpu_s = stat.busy_cpu_s;
    return FL_OK;
}
