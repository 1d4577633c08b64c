/* Stated accuracies: their formula and their tables. */
#include "scenarios/mock.h"

#include "base/alloc.h"
#include "base/csv.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/sha256.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_TABLE_BYTES ((size_t)64 << 20)
#define MAX_FIELDS      32

/* A table as it is read. */
struct reader {
    struct scn_curve *curve;
    const char *arm;
    int64_t line;
    int arm_at, step_at, accuracy_at; /* columns; -1: none */
};

static enum fl_status fail_at(const struct reader *r,
                              struct fl_error *err,
                              const char *what,
                              const char *found)
{
    return fl_fail(err, FL_E_FORMAT, "%s:%lld: %s, found '%.60s'",
                   r->curve->file, (long long)r->line, what, found);
}

static enum fl_status
take_header(struct reader *r, char **fields, int n, struct fl_error *err)
{
    r->arm_at = r->step_at = r->accuracy_at = -1;
    for (int i = 0; i < n; i++) {
        if (strcmp(fields[i], "arm") == 0)
            r->arm_at = i;
        if (strcmp(fields[i], "round") == 0)
            r->step_at = i;
        if (strcmp(fields[i], "accuracy") == 0)
            r->accuracy_at = i;
    }
    if (r->step_at < 0 || r->accuracy_at < 0)
        return fail_at(r, err,
                       "columns, allowed round and accuracy, and arm, as in a "
                       "run's rounds.csv",
                       fields[0]);
    return FL_OK;
}

static enum fl_status
take_row(struct reader *r, char **fields, int n, struct fl_error *err)
{
    struct scn_curve *curve = r->curve;
    struct scn_curve_point point;
    struct fl_error why;
    if (n <= r->step_at || n <= r->accuracy_at || n <= r->arm_at)
        return fail_at(r, err, "too few fields", fields[0]);
    if ((r->arm_at >= 0 && strcmp(fields[r->arm_at], r->arm) != 0) ||
        fields[r->accuracy_at][0] == '\0')
        return FL_OK; /* another arm's; a round that was not scored */
    if (fl_parse_int(fields[r->step_at], 0, INT64_MAX / 2, &point.at, &why) !=
        FL_OK)
        return fail_at(r, err, why.text, fields[r->step_at]);
    if (fl_parse_double(fields[r->accuracy_at], 0, 1, &point.accuracy, &why) !=
        FL_OK)
        return fail_at(r, err, why.text, fields[r->accuracy_at]);
    if (curve->n > 0 && curve->points[curve->n - 1].at >= point.at)
        return fail_at(r, err, "rounds, allowed ascending", fields[r->step_at]);
    FL_TRY(fl_grow(&curve->points, &curve->capacity, curve->n + 1,
                   sizeof curve->points[0], err));
    curve->points[curve->n++] = point;
    return FL_OK;
}

/* text ends in NUL. */
static enum fl_status
read_table(struct reader *r, char *text, struct fl_error *err)
{
    bool has_header = false;
    for (char *line = text, *end; *line; line = end) {
        char *fields[MAX_FIELDS];
        size_t length = strcspn(line, "\n");
        end = line + length + (line[length] == '\n');
        line[length] = '\0';
        if (length > 0 && line[length - 1] == '\r')
            line[length - 1] = '\0';
        r->line++;
        if (!*line)
            continue;
        size_t n_fields = fl_csv_split(line, fields, MAX_FIELDS);
        if (n_fields == 0)
            return fail_at(
                r, err,
                "a quoted field, allowed \"...\" followed by a comma "
                "or the line's end",
                line);
        int n = n_fields < MAX_FIELDS ? (int)n_fields : MAX_FIELDS;
        FL_TRY(has_header ? take_row(r, fields, n, err)
                          : take_header(r, fields, n, err));
        has_header = true;
    }
    if (r->curve->n == 0)
        return fl_fail(err, FL_E_FORMAT,
                       "%s: no row with an accuracy of the arm %s",
                       r->curve->file, r->arm);
    return FL_OK;
}

enum fl_status
scn_curve_open(struct scn_curve *curve, const char *arm, struct fl_error *err)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    char hex[65];
    if (curve->kind != SCN_CURVE_TABLE || curve->n > 0)
        return FL_OK;
    FL_TRY(fl_file_read(curve->file, MAX_TABLE_BYTES, &bytes, &n, err));
    fl_sha256_of(bytes, n, hex);
    struct reader reader = {.curve = curve, .arm = arm};
    enum fl_status status = FL_OK;
    if (curve->file_sha256 && strcmp(curve->file_sha256, hex) != 0)
        status = fl_fail(err, FL_E_CONFIG,
                         "%s has SHA-256 %.12s, allowed %.12s, which it had "
                         "when the scenario was resolved",
                         curve->file, hex, curve->file_sha256);
    else if (memchr(bytes, 0, n))
        status = fl_fail(err, FL_E_FORMAT, "%s: not a text", curve->file);
    else
        status = read_table(&reader, (char *)bytes, err);
    fl_free(bytes);
    return status;
}

void scn_curve_fini(struct scn_curve *curve)
{
    fl_free(curve->points);
    curve->points = NULL;
    curve->n = curve->capacity = 0;
}

static enum fl_status look_up(const struct scn_curve *curve,
                              int64_t at,
                              double *ret,
                              struct fl_error *err)
{
    const struct scn_curve_point *p = curve->points;
    size_t low = 0, high = curve->n;
    while (low < high) { /* the first that is not before */
        size_t middle = low + (high - low) / 2;
        if (p[middle].at < at)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == curve->n || (low == 0 && p[0].at > at))
        return fl_fail(err, FL_E_RANGE,
                       "%s: no accuracy for %lld, allowed %lld to %lld: "
                       "nothing is extrapolated",
                       curve->file, (long long)at, (long long)p[0].at,
                       (long long)p[curve->n - 1].at);
    if (p[low].at == at) {
        *ret = p[low].accuracy;
        return FL_OK;
    }
    const struct scn_curve_point *a = &p[low - 1], *b = &p[low];
    double part = (double)(at - a->at) / (double)(b->at - a->at);
    *ret = a->accuracy + part * (b->accuracy - a->accuracy);
    return FL_OK;
}

enum fl_status scn_curve_at(const struct scn_curve *curve,
                            int64_t at,
                            double *ret_accuracy,
                            struct fl_error *err)
{
    assert(curve->kind != SCN_CURVE_NONE);
    if (curve->kind == SCN_CURVE_TABLE)
        return look_up(curve, at, ret_accuracy, err);
    *ret_accuracy =
        curve->limit_ratio - (curve->limit_ratio - curve->start_ratio) *
                                 exp(-curve->alpha * (double)(at + 1));
    return FL_OK;
}

void scn_curve_text(const struct scn_curve *curve,
                    const char *step,
                    char *ret,
                    size_t size)
{
    const char *slash = curve->file ? strrchr(curve->file, '/') : NULL;
    int n = 0;
    switch (curve->kind) {
    case SCN_CURVE_SATURATING:
        n = snprintf(ret, size, "from %.4g towards %.4g, rate %.4g per %s",
                     curve->start_ratio, curve->limit_ratio, curve->alpha,
                     step);
        break;
    case SCN_CURVE_TABLE:
        n = snprintf(ret, size, "table %.60s (%.12s)",
                     slash ? slash + 1 : curve->file,
                     curve->file_sha256 ? curve->file_sha256 : "");
        break;
    case SCN_CURVE_NONE:
    case SCN_CURVE_LAST_:
        n = snprintf(ret, size, "not stated");
        break;
    }
    if (curve->source && n > 0 && (size_t)n < size)
        (void)snprintf(ret + n, size - (size_t)n, ", %.100s", curve->source);
}
