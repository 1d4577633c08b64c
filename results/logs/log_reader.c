#include "results/logs/log_reader.h"

#include "base/alloc.h"
#include "base/csv.h"
#include "base/parse.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static const char *const columns[] = {
    [RES_LOG_CLIENT] = "client", [RES_LOG_COMPUTE] = "compute_s",
    [RES_LOG_UP] = "up_s",       [RES_LOG_DOWN] = "down_s",
    [RES_LOG_ZONE] = "zone",
};
_Static_assert(sizeof columns / sizeof columns[0] == RES_LOG_COLUMN_LAST_,
               "every column needs a name");
#define ALLOWED "allowed client, compute_s, up_s, down_s, zone"

void res_log_reader_init(struct res_log_reader *reader,
                         const char *origin,
                         res_log_fn take,
                         void *arg)
{
    assert(reader && origin && take);
    *reader =
        (struct res_log_reader){.origin = origin, .take = take, .arg = arg};
}

static enum fl_status take_header(struct res_log_reader *reader,
                                  char *const *fields,
                                  size_t n,
                                  struct fl_error *err)
{
    bool has[RES_LOG_COLUMN_LAST_] = {false};
    for (size_t i = 0; i < n && i < RES_LOG_COLUMN_LAST_; i++) {
        size_t c = 0;
        while (c < RES_LOG_COLUMN_LAST_ && strcmp(columns[c], fields[i]) != 0)
            c++;
        if (c == RES_LOG_COLUMN_LAST_ || has[c])
            return fl_fail(
                err, FL_E_FORMAT,
                "%s:%lld: header: found %s '%.60s', " ALLOWED ", each once",
                reader->origin, (long long)reader->line,
                c < RES_LOG_COLUMN_LAST_ ? "twice" : "column", fields[i]);
        has[c] = true;
        reader->place[c] = i;
    }
    if (n != RES_LOG_COLUMN_LAST_)
        return fl_fail(err, FL_E_FORMAT,
                       "%s:%lld: header: found %zu columns, " ALLOWED,
                       reader->origin, (long long)reader->line, n);
    reader->has_header = true;
    return FL_OK;
}

static enum fl_status take_number(const struct res_log_reader *reader,
                                  char *const *fields,
                                  enum res_log_column column,
                                  double *ret_s,
                                  struct fl_error *err)
{
    const char *text = fields[reader->place[column]];
    if (fl_parse_double(text, 0, RES_LOG_MAX_S, ret_s, NULL) == FL_OK)
        return FL_OK;
    return fl_fail(err, FL_E_FORMAT,
                   "%s:%lld: %s: found '%.60s', allowed seconds, 0 to %g",
                   reader->origin, (long long)reader->line, columns[column],
                   text, RES_LOG_MAX_S);
}

static enum fl_status take_row(struct res_log_reader *reader,
                               char *const *fields,
                               size_t n,
                               struct fl_error *err)
{
    if (n != RES_LOG_COLUMN_LAST_)
        return fl_fail(err, FL_E_FORMAT,
                       "%s:%lld: found %zu fields, allowed %d as in the header",
                       reader->origin, (long long)reader->line, n,
                       (int)RES_LOG_COLUMN_LAST_);
    struct res_log_row row = {.line = reader->line,
                              .client = fields[reader->place[RES_LOG_CLIENT]],
                              .zone = fields[reader->place[RES_LOG_ZONE]]};
    if (row.client[0] == '\0')
        return fl_fail(err, FL_E_FORMAT,
                       "%s:%lld: client: found nothing, allowed a name",
                       reader->origin, (long long)reader->line);
    FL_TRY(take_number(reader, fields, RES_LOG_COMPUTE, &row.compute_s, err));
    FL_TRY(take_number(reader, fields, RES_LOG_UP, &row.up_s, err));
    FL_TRY(take_number(reader, fields, RES_LOG_DOWN, &row.down_s, err));
    return reader->take(&row, reader->arg, err);
}

/* The line in reader->text is whole. */
static enum fl_status take_line(struct res_log_reader *reader,
                                struct fl_error *err)
{
    static const char mark[] = "\xef\xbb\xbf";
    reader->line++;
    if (reader->n > 0 && reader->text[reader->n - 1] == '\r')
        reader->n--;
    if (memchr(reader->text, '\0', reader->n))
        return fl_fail(err, FL_E_FORMAT,
                       "%s:%lld: found a NUL byte, allowed text",
                       reader->origin, (long long)reader->line);
    reader->text[reader->n] = '\0';
    size_t n_mark = sizeof mark - 1;
    if (reader->line == 1 && reader->n >= n_mark &&
        memcmp(reader->text, mark, n_mark) == 0)
        memmove(reader->text, reader->text + n_mark, reader->n - n_mark + 1);
    reader->n = 0;
    if (reader->text[0] == '\0')
        return FL_OK;
    char *fields[RES_LOG_COLUMN_LAST_];
    size_t n = fl_csv_split(reader->text, fields, RES_LOG_COLUMN_LAST_);
    if (n == 0)
        return fl_fail(err, FL_E_FORMAT,
                       "%s:%lld: a quoted field that does not end, allowed "
                       "\"...\" followed by a comma or the line's end",
                       reader->origin, (long long)reader->line);
    return reader->has_header ? take_row(reader, fields, n, err)
                              : take_header(reader, fields, n, err);
}

enum fl_status res_log_reader_feed(struct res_log_reader *reader,
                                   const char *bytes,
                                   size_t n,
                                   struct fl_error *err)
{
    while (n > 0) {
        const char *end = memchr(bytes, '\n', n);
        size_t part = end ? (size_t)(end - bytes) : n;
        if (part > RES_LOG_LINE_BYTES - reader->n)
            return fl_fail(err, FL_E_FORMAT,
                           "%s:%lld: found a line of more than %d bytes, "
                           "allowed up to that",
                           reader->origin, (long long)reader->line + 1,
                           RES_LOG_LINE_BYTES);
        memcpy(reader->text + reader->n, bytes, part);
        reader->n += part;
        if (!end)
            return FL_OK;
        FL_TRY(take_line(reader, err));
        bytes += part + 1;
        n -= part + 1;
    }
    return FL_OK;
}

enum fl_status res_log_reader_end(struct res_log_reader *reader,
                                  struct fl_error *err)
{
    if (reader->n > 0)
        FL_TRY(take_line(reader, err));
    if (!reader->has_header)
        return fl_fail(err, FL_E_FORMAT,
                       "%s: found nothing, allowed a header (" ALLOWED
                       ") and rows",
                       reader->origin);
    return FL_OK;
}

#define CHUNK_BYTES 65536

static enum fl_status feed_file(struct res_log_reader *reader,
                                gzFile gz,
                                char *chunk,
                                struct fl_error *err)
{
    for (;;) {
        int got = gzread(gz, chunk, CHUNK_BYTES);
        if (got < 0) {
            int code = 0;
            const char *why = gzerror(gz, &code);
            return code == Z_ERRNO
                       ? fl_fail_errno(err, FL_E_IO, "%s: cannot read",
                                       reader->origin)
                       : fl_fail(err, FL_E_FORMAT, "%s: damaged gzip: %s",
                                 reader->origin, why);
        }
        FL_TRY(res_log_reader_feed(reader, chunk, (size_t)got, err));
        if (got < CHUNK_BYTES)
            return FL_OK;
    }
}

enum fl_status res_log_reader_file(struct res_log_reader *reader,
                                   struct fl_error *err)
{
    int fd = open(reader->origin, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fl_fail_errno(err, FL_E_IO, "%s: cannot open", reader->origin);
    struct stat info;
    if (fstat(fd, &info) != 0 || S_ISDIR(info.st_mode)) {
        (void)close(fd);
        return fl_fail(err, FL_E_IO, "%s: not a readable file", reader->origin);
    }
    char *chunk = fl_calloc(CHUNK_BYTES, 1);
    gzFile gz = chunk ? gzdopen(fd, "rb") : NULL;
    if (!gz) {
        (void)close(fd);
        fl_free(chunk);
        return fl_fail(err, FL_E_NOMEM, "out of memory: %s", reader->origin);
    }
    (void)gzbuffer(gz, 1 << 17);
    enum fl_status status = feed_file(reader, gz, chunk, err);
    fl_free(chunk);
    /* A gzip stream that ends early shows only here. */
    int closed = gzclose_r(gz);
    if (status == FL_OK && closed == Z_BUF_ERROR)
        status =
            fl_fail(err, FL_E_FORMAT, "%s: truncated gzip", reader->origin);
    return status == FL_OK ? res_log_reader_end(reader, err) : status;
}
