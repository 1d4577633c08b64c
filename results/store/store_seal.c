#include "results/store/store_seal.h"

#include "base/alloc.h"
#include "base/checksum.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The same rows in the same order, whatever way the file keeps them. */
static const char *const queries[] = {
    "SELECT * FROM meta WHERE key <> '" RES_SEAL_KEY
    "' AND key NOT LIKE 'simulation\\_energy%' ESCAPE '\\' ORDER BY 1",
    "SELECT * FROM role ORDER BY 1",
    "SELECT * FROM phase ORDER BY 1",
    "SELECT * FROM stage ORDER BY 1",
    "SELECT * FROM evidence ORDER BY 1",
    "SELECT * FROM zone ORDER BY 1",
    "SELECT * FROM component ORDER BY 1",
    "SELECT * FROM arm ORDER BY 1",
    "SELECT * FROM round ORDER BY 1, 2",
    "SELECT * FROM fact ORDER BY 1",
    "SELECT * FROM basis ORDER BY 1, 2",
    "SELECT * FROM outcome ORDER BY 1",
    "SELECT * FROM ledger_sum ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9",
};

/* Kind and length in front: no two rows have the same bytes. */
static void
add_piece(struct fl_checksum *sum, int kind, const void *bytes, size_t n)
{
    const uint64_t head[] = {(uint64_t)kind, n};
    fl_checksum_add(sum, head, sizeof head);
    if (n > 0)
        fl_checksum_add(sum, bytes, n);
}

/* false: SQLite had no memory for a text. */
static bool add_column(struct fl_checksum *sum, sqlite3_stmt *stmt, int column)
{
    int kind = sqlite3_column_type(stmt, column);
    int64_t whole = sqlite3_column_int64(stmt, column);
    double real = sqlite3_column_double(stmt, column);
    const unsigned char *text;
    switch (kind) {
    case SQLITE_INTEGER:
        add_piece(sum, kind, &whole, sizeof whole);
        return true;
    case SQLITE_FLOAT:
        add_piece(sum, kind, &real, sizeof real);
        return true;
    case SQLITE_NULL:
        add_piece(sum, kind, NULL, 0);
        return true;
    default:
        text = sqlite3_column_text(stmt, column);
        if (text)
            add_piece(sum, kind, text,
                      (size_t)sqlite3_column_bytes(stmt, column));
        return text != NULL;
    }
}

static enum fl_status add_query(struct res_store *store,
                                const char *sql,
                                struct fl_checksum *sum,
                                struct fl_error *err)
{
    sqlite3_stmt *stmt;
    FL_TRY(res_prepare(store, sql, &stmt, err));
    bool has_row = false;
    enum fl_status status;
    while ((status = res_step(store, stmt, &has_row, err)) == FL_OK &&
           has_row) {
        int n = sqlite3_column_count(stmt);
        bool is_whole = true;
        for (int i = 0; i < n && is_whole; i++)
            is_whole = add_column(sum, stmt, i);
        if (!is_whole) {
            status = fl_fail(err, FL_E_NOMEM, "%s: out of memory", store->path);
            break;
        }
    }
    sqlite3_finalize(stmt);
    return status;
}

#define HALF_DIGITS (2 * (size_t)FL_CHECKSUM_BYTES)

static void put_digits(const uint8_t bytes[FL_CHECKSUM_BYTES],
                       char ret[HALF_DIGITS + 1])
{
    for (size_t i = 0; i < FL_CHECKSUM_BYTES; i++)
        (void)snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
}

static enum fl_status sum_tables(struct res_store *store,
                                 char ret[HALF_DIGITS + 1],
                                 struct fl_error *err)
{
    struct fl_checksum sum;
    uint8_t bytes[FL_CHECKSUM_BYTES];
    fl_checksum_init(&sum);
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++)
        FL_TRY(add_query(store, queries[i], &sum, err));
    fl_checksum_end(&sum, bytes);
    put_digits(bytes, ret);
    return FL_OK;
}

/* Added up: arms are known in the order in which they came. */
static void sum_ledger(const struct res_store *store, char ret[HALF_DIGITS + 1])
{
    uint64_t all[2] = {0};
    uint8_t bytes[FL_CHECKSUM_BYTES];
    _Static_assert(sizeof all == sizeof bytes, "two words of digits");
    for (size_t i = 0; i < store->n_arms; i++) {
        const struct res_known_arm *arm = &store->arms[i];
        const uint64_t row[] = {(uint64_t)arm->arm, arm->guard.rows[0],
                                arm->guard.rows[1]};
        uint64_t words[2];
        struct fl_checksum sum;
        fl_checksum_init(&sum);
        fl_checksum_add(&sum, row, sizeof row);
        fl_checksum_end(&sum, bytes);
        memcpy(words, bytes, sizeof words);
        all[0] += words[0];
        all[1] += words[1];
    }
    memcpy(bytes, all, sizeof bytes);
    put_digits(bytes, ret);
}

enum fl_status res_seal_make(struct res_store *store,
                             char ret[RES_SEAL_SIZE],
                             struct fl_error *err)
{
    _Static_assert(RES_SEAL_SIZE == 2 * HALF_DIGITS + 1, "two halves");
    FL_TRY(sum_tables(store, ret, err));
    sum_ledger(store, ret + HALF_DIGITS);
    return FL_OK;
}

/* One half of the seal against what was found. */
static enum fl_status compare_half(const struct res_store *store,
                                   const char *seal,
                                   bool is_ledger,
                                   const char *found,
                                   struct fl_error *err)
{
    bool is_whole = strlen(seal) == RES_SEAL_SIZE - 1;
    const char *half = is_whole && is_ledger ? seal + HALF_DIGITS : seal;
    if (is_whole && strncmp(found, half, HALF_DIGITS) == 0)
        return FL_OK;
    return fl_fail(err, FL_E_FORMAT,
                   "%s: damaged or changed since the run was finished: "
                   "checksum of its %s found %s, allowed %.*s; manifest.json "
                   "has the command that repeats it",
                   store->path, is_ledger ? "ledger" : "tables", found,
                   (int)HALF_DIGITS, half);
}

enum fl_status res_seal_check(struct res_store *store, struct fl_error *err)
{
    char found[HALF_DIGITS + 1];
    char *seal = NULL;
    FL_TRY(res_store_get(store, RES_SEAL_KEY, &seal, err));
    if (!seal)
        return FL_OK;
    enum fl_status status = sum_tables(store, found, err);
    if (status == FL_OK)
        status = compare_half(store, seal, false, found, err);
    fl_free(seal);
    return status;
}

enum fl_status res_seal_check_ledger(struct res_store *store,
                                     struct fl_error *err)
{
    char found[HALF_DIGITS + 1];
    char *seal = NULL;
    if (!store->is_finished || store->mode != RES_READ ||
        store->is_ledger_checked)
        return FL_OK;
    FL_TRY(res_store_get(store, RES_SEAL_KEY, &seal, err));
    if (!seal)
        return FL_OK;
    enum fl_status status = FL_OK;
    for (size_t i = 0; i < store->n_arms && status == FL_OK; i++)
        status = res_guard_learn(store, &store->arms[i], err);
    if (status == FL_OK) {
        sum_ledger(store, found);
        status = compare_half(store, seal, true, found, err);
    }
    store->is_ledger_checked = status == FL_OK;
    fl_free(seal);
    return status;
}
