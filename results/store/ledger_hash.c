/* SHA-256 of an arm's ledger: a canonical encoding of each row in the order of
 * seq, without SQLite's file layout or the numbers of names. docs/results.md,
 * "The ledger's hash", gives the encoding byte by byte. */
#include "results/report.h"
#include "results/store/store_priv.h"

#include "base/sha256.h"

#include <assert.h>
#include <string.h>

static const char hash_prefix[] = "fedcarbon ledger 2\n";

static const char rows_sql[] =
    "SELECT l.seq, l.round, r.name, l.entity, z.name, c.name, p.name, g.name,"
    " l.t0_s, l.t1_s, l.energy_j, l.idle_j, l.bytes, l.wasted, e.name,"
    " l.emitted_gco2e"
    " FROM ledger l"
    " CROSS JOIN role r ON r.role = l.role"
    " CROSS JOIN zone z ON z.zone = l.zone"
    " CROSS JOIN component c ON c.component = l.component"
    " CROSS JOIN phase p ON p.phase = l.phase"
    " CROSS JOIN stage g ON g.stage = l.stage"
    " CROSS JOIN evidence e ON e.evidence = l.evidence"
    " WHERE l.arm = ? ORDER BY l.seq";

/* What each column of rows_sql is hashed as, seq left out:
 * i 8 bytes two's complement, r 8 bytes IEEE 754, t length and bytes. */
static const char row_kinds[] = "itittt" /* round .. phase */
                                "trrrrr" /* stage, t0_s .. bytes */
                                "itr";   /* wasted, evidence, gCO2e */

static void add_u64(struct fl_sha256 *sha, uint64_t value)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    fl_sha256_add(sha, bytes, sizeof bytes);
}

static void add_real(struct fl_sha256 *sha, double value)
{
    uint64_t bits;
    double positive = value == 0 ? 0.0 : value; /* -0.0 is 0.0 */
    memcpy(&bits, &positive, sizeof bits);
    add_u64(sha, bits);
}

static void add_text(struct fl_sha256 *sha, const char *text)
{
    size_t length = strlen(text);
    add_u64(sha, length);
    fl_sha256_add(sha, text, length);
}

static void add_row(struct fl_sha256 *sha, sqlite3_stmt *stmt)
{
    for (int i = 0; row_kinds[i]; i++) {
        int column = i + 1;
        if (row_kinds[i] == 'i')
            add_u64(sha, (uint64_t)sqlite3_column_int64(stmt, column));
        else if (row_kinds[i] == 'r')
            add_real(sha, sqlite3_column_double(stmt, column));
        else
            add_text(sha, res_column_text(stmt, column));
    }
}

/* How many rows there are, whatever their names. */
static enum fl_status count_rows(struct res_store *store,
                                 int32_t arm,
                                 int64_t *ret,
                                 struct fl_error *err)
{
    sqlite3_stmt *stmt;
    FL_TRY(res_ask(store, "SELECT count(*) FROM ledger WHERE arm = ?", &stmt,
                   err, "i", (int64_t)arm));
    bool has_row = false;
    enum fl_status status = res_step(store, stmt, &has_row, err);
    if (status == FL_OK)
        *ret = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return status;
}

enum fl_status res_hash_ledger(struct res_store *store,
                               int32_t arm,
                               char ret_hex[65],
                               struct fl_error *err)
{
    int64_t n_rows;
    FL_TRY(count_rows(store, arm, &n_rows, err));
    sqlite3_stmt *stmt;
    FL_TRY(res_ask(store, rows_sql, &stmt, err, "i", (int64_t)arm));
    struct fl_sha256 sha;
    fl_sha256_init(&sha);
    fl_sha256_add(&sha, hash_prefix, sizeof hash_prefix - 1);
    enum fl_status status = FL_OK;
    bool has_row = true;
    int64_t n = 0;
    while (status == FL_OK) {
        status = res_step(store, stmt, &has_row, err);
        if (status != FL_OK || !has_row)
            break;
        if (sqlite3_column_int64(stmt, 0) != n)
            break;
        add_row(&sha, stmt);
        n++;
    }
    if (status == FL_OK && n != n_rows)
        status = fl_fail(err, FL_E_FORMAT,
                         "%s: damaged: row %lld of the ledger of arm %d is "
                         "missing or names what is not there",
                         store->path, (long long)n, (int)arm);
    sqlite3_finalize(stmt);
    if (status == FL_OK)
        fl_sha256_hex(&sha, ret_hex);
    return status;
}

static enum fl_status find_arm(struct res_store *store,
                               const char *name,
                               int32_t *ret,
                               struct fl_error *err)
{
    sqlite3_stmt *stmt;
    FL_TRY(res_ask(store, "SELECT arm FROM arm WHERE name = ?", &stmt, err, "t",
                   name));
    bool has_row = false;
    enum fl_status status = res_step(store, stmt, &has_row, err);
    if (status == FL_OK && !has_row)
        status = fl_fail(err, FL_E_CONFIG, "%s: no arm '%s' in this run",
                         store->dir, name);
    if (status == FL_OK)
        *ret = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    return status;
}

enum fl_status res_ledger_sha256(const char *dir,
                                 const char *arm,
                                 char ret_hex[65],
                                 struct fl_error *err)
{
    assert(dir && arm && ret_hex);
    struct res_store *store;
    FL_TRY(res_store_create(dir, RES_READ, &store, err));
    int32_t number = 0;
    enum fl_status status = res_exec(store, "BEGIN", "read", err);
    if (status == FL_OK)
        status = find_arm(store, arm, &number, err);
    if (status == FL_OK)
        status = res_hash_ledger(store, number, ret_hex, err);
    res_store_destroy(store);
    return status;
}
