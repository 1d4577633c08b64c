/* The reader of production logs, on any bytes and however they are cut: it
 * takes them or refuses them with a text, and what it hands over is within
 * what is allowed. */
#include "results/logs/log_reader.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void must(int is_true)
{
    if (!is_true)
        abort(); /* how a fuzz target reports */
}

struct seen {
    int64_t n_rows, last_line;
    double sum_s;
};

static enum fl_status
take(const struct res_log_row *row, void *arg, struct fl_error *err)
{
    struct seen *seen = arg;
    (void)err;
    const double times_s[] = {row->compute_s, row->up_s, row->down_s};
    for (size_t i = 0; i < 3; i++) {
        must(isfinite(times_s[i]) && times_s[i] >= 0 &&
             times_s[i] <= RES_LOG_MAX_S);
        seen->sum_s += times_s[i];
    }
    must(row->line > seen->last_line);
    must(row->client[0] != '\0' && strlen(row->client) <= RES_LOG_LINE_BYTES);
    must(strlen(row->zone) <= RES_LOG_LINE_BYTES);
    seen->last_line = row->line;
    seen->n_rows++;
    return FL_OK;
}

/* All bytes, `step` at a time. */
static enum fl_status
read_all(const char *bytes, size_t n, size_t step, struct seen *seen)
{
    static struct res_log_reader reader; /* large; one thread */
    struct fl_error err = {0};
    enum fl_status status = FL_OK;
    *seen = (struct seen){0};
    res_log_reader_init(&reader, "fuzz", take, seen);
    for (size_t i = 0; i < n && status == FL_OK; i += step)
        status = res_log_reader_feed(&reader, bytes + i,
                                     n - i < step ? n - i : step, &err);
    if (status == FL_OK)
        status = res_log_reader_end(&reader, &err);
    must(status == FL_OK || (status == FL_E_FORMAT && err.text[0] != '\0'));
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct seen whole, cut;
    const char *text = (const char *)bytes;
    enum fl_status a = read_all(text, n_bytes, n_bytes + 1, &whole);
    enum fl_status b = read_all(text, n_bytes, 3, &cut);
    must(a == b && whole.n_rows == cut.n_rows && whole.sum_s == cut.sum_s);
    return 0;
}
