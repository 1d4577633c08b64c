/* Production logs of clients: a CSV with the columns client, compute_s, up_s,
 * down_s and zone in any order, read piece by piece in constant memory.
 *
 *     struct res_log_reader reader;
 *     res_log_reader_init(&reader, "logs.csv", take, arg);
 *     FL_TRY(res_log_reader_feed(&reader, bytes, n, err)); (as often as needed)
 *     FL_TRY(res_log_reader_end(&reader, err));
 *
 * Fields may be quoted (RFC 4180), but for line breaks in them; lines end in LF
 * or CR LF; a byte-order mark and empty lines are passed over. Times are
 * seconds, not negative; an empty one is an error, not 0. The first bad line
 * ends it: file:line, what was found, what is allowed. */
#ifndef RESULTS_LOGS_LOG_READER_H
#define RESULTS_LOGS_LOG_READER_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RES_LOG_LINE_BYTES 4096
#define RES_LOG_MAX_S      1e9

struct res_log_row {
    int64_t line;       /* of the file, from 1 */
    const char *client; /* not empty */
    const char *zone;   /* may be empty */
    double compute_s, up_s, down_s;
};
typedef enum fl_status (*res_log_fn)(const struct res_log_row *row,
                                     void *arg,
                                     struct fl_error *err);

enum res_log_column {
    RES_LOG_CLIENT,
    RES_LOG_COMPUTE,
    RES_LOG_UP,
    RES_LOG_DOWN,
    RES_LOG_ZONE,
    RES_LOG_COLUMN_LAST_
};

/* Caller's storage; nothing to free. */
struct res_log_reader {
    const char *origin; /* borrowed: the file's name, for errors */
    res_log_fn take;
    void *arg;
    int64_t line;
    bool has_header;
    size_t place[RES_LOG_COLUMN_LAST_]; /* of each column among the fields */
    size_t n;
    char text[RES_LOG_LINE_BYTES + 1]; /* the line so far */
};

/* origin is borrowed: the file's name, for errors and res_log_reader_file. */
void res_log_reader_init(struct res_log_reader *reader,
                         const char *origin,
                         res_log_fn take,
                         void *arg);
/* Fails FL_E_FORMAT with file:line; as take does. */
enum fl_status res_log_reader_feed(struct res_log_reader *reader,
                                   const char *bytes,
                                   size_t n,
                                   struct fl_error *err) FL_NODISCARD;
/* The last line, and whether there was anything at all. */
enum fl_status res_log_reader_end(struct res_log_reader *reader,
                                  struct fl_error *err) FL_NODISCARD;

/* A whole file, gzip too. Fails FL_E_IO; FL_E_FORMAT damaged gzip. */
enum fl_status res_log_reader_file(struct res_log_reader *reader,
                                   struct fl_error *err) FL_NODISCARD;

#endif
