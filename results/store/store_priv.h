/* Inside of the run store, for the files of results/ and their tests.
 *
 * A store keeps its prepared statements. After a write that SQLite could not
 * do (disk full, I/O error, out of memory) the open transaction is rolled back
 * and the store takes no more writes: half of a moment is never committed.
 */
#ifndef RESULTS_STORE_STORE_PRIV_H
#define RESULTS_STORE_STORE_PRIV_H

#include "base/lock.h"
#include "results/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <sqlite3.h>

#define RES_APPLICATION_ID 0x464c4342 /* "FLCB" in the file's header */
#define RES_SCHEMA_VERSION 2
#define RES_PATH_BYTES     4096

/* Groups of terms: the split columns of the comparison table. */
enum res_group {
    RES_GROUP_CLIENT,
    RES_GROUP_NETWORK,
    RES_GROUP_SERVER,
    RES_GROUP_OVERHEAD,
    RES_GROUP_EMBODIED, /* grams, no energy */
    RES_GROUP_LAST_
};
extern const char *const res_group_names[]; /* NULL-terminated */

struct res_schema_object {
    const char *name;
    const char *sql; /* CREATE TABLE / CREATE VIEW, as SQLite keeps it */
};
/* The columns of table ledger_sum from the ledger's rows. */
#define RES_SUM_LEDGER                                                         \
    "SELECT arm, role, zone, component, phase, stage, evidence, basis,\n"      \
    "  wasted, count(*) AS entries, sum(energy_j) AS energy_j,\n"              \
    "  sum(idle_j) AS idle_j, sum(bytes) AS bytes,\n"                          \
    "  sum(emitted_gco2e) AS emitted_gco2e,\n"                                 \
    "  total(CASE WHEN energy_j > 0\n"                                         \
    "    THEN emitted_gco2e * (idle_j / energy_j) END) AS idle_gco2e\n"        \
    "FROM ledger\n"

extern const struct res_schema_object res_schema[]; /* ends with name NULL */

enum res_stmt {
    RES_STMT_SET,
    RES_STMT_GET,
    RES_STMT_ADD_ARM,
    RES_STMT_ADD_ROUND,
    RES_STMT_ADD_ENTRY,
    RES_STMT_ADD_FACT,
    RES_STMT_ADD_BASIS,
    RES_STMT_ADD_ZONE,
    RES_STMT_SET_OUTCOME,
    RES_STMT_PUT_CHECKPOINT,
    RES_STMT_GET_CHECKPOINT,
    RES_STMT_SUM_ENTRIES,
    RES_STMT_LAST_
};

/* Of the rows that belong to an arm (store_guard.c). */
struct res_guard {
    uint64_t rows[2]; /* ledger and rounds */
    uint64_t outcome[2];
};

struct res_known_arm {
    int32_t arm;
    struct res_guard guard;  /* of what is committed, and of what is not yet */
    struct res_guard sealed; /* that the checkpoint vouches for */
    bool has_checkpoint;
    uint32_t blob_crc;  /* of the checkpoint's own bytes */
    int64_t next_seq;   /* number of the arm's next ledger row */
    int64_t summed_seq; /* rows before it are in the sums below */
    double energy_j;
    double gco2e;
};

/* A fact as it was added: entries refer to it by its address. */
struct res_known_fact {
    const struct carbon_fact *fact; /* NULL: of before a resume */
    char *name;
};

/* What entries are in proportion to, in the order of their uses. */
struct res_basis {
    int32_t n;
    struct carbon_use use[CARBON_MAX_USES]; /* fact NULL: not met yet since a
                                               resume */
    size_t fact[CARBON_MAX_USES];           /* its number in the store */
};

struct res_store {
    char *dir;
    char *path; /* of run.sqlite */
    char *lock_path;
    sqlite3 *db;
    sqlite3_stmt *statements[RES_STMT_LAST_];
    struct fl_lock lock;
    enum res_mode mode;
    bool is_in_transaction;
    bool is_broken;         /* a write failed: no more writes */
    bool is_finished;       /* by res_store_finish, now or before */
    bool is_ledger_checked; /* against the seal */
    struct res_known_arm *arms;
    size_t n_arms, arms_capacity;
    struct res_known_fact *facts;
    size_t n_facts, facts_capacity;
    struct res_basis *bases; /* by number */
    size_t n_bases, bases_capacity;
    size_t n_learned; /* bases of before a resume */
    int64_t *slots;   /* hash table of bases: number + 1, 0 = empty */
    size_t n_slots;
    bool *has_zone; /* by zone number */
    size_t zones_capacity;
};

/* The status and text for a SQLite result code: "<path>: cannot <what>: ..." */
enum fl_status res_sqlite_fail(const struct res_store *store,
                               int rc,
                               const char *what,
                               struct fl_error *err);

/* store_open.c: the steps of res_store_create behind the lock. */
enum fl_status res_store_open(struct res_store *store,
                              struct fl_error *err) FL_NODISCARD;
enum fl_status res_store_lock(struct res_store *store,
                              struct fl_error *err) FL_NODISCARD;

/* A kept statement, reset and without bindings. */
enum fl_status res_store_statement(struct res_store *store,
                                   enum res_stmt which,
                                   sqlite3_stmt **ret,
                                   struct fl_error *err) FL_NODISCARD;

/* Binds by kinds: i int64_t, r double (NaN = NULL), t const char * (NULL =
 * NULL), b const void * and size_t. What is bound is borrowed until reset. */
int res_bind(sqlite3_stmt *stmt, const char *kinds, ...);

/* A statement of one's own. Free: sqlite3_finalize. */
enum fl_status res_prepare(struct res_store *store,
                           const char *sql,
                           sqlite3_stmt **ret,
                           struct fl_error *err) FL_NODISCARD;
/* One with what it asks about bound as by res_bind(). Free: the same. */
enum fl_status res_ask(struct res_store *store,
                       const char *sql,
                       sqlite3_stmt **ret,
                       struct fl_error *err,
                       const char *kinds,
                       ...) FL_NODISCARD;
/* Folds the write-ahead log into the one file. Somebody who is reading the run
 * keeps SQLite from removing the log: who reads for longer than the patience
 * leaves an empty one. */
enum fl_status res_fold_journal(struct res_store *store,
                                int patience_wall_ms,
                                struct fl_error *err) FL_NODISCARD;
/* One row more: *ret_row says whether there is one. */
enum fl_status res_step(struct res_store *store,
                        sqlite3_stmt *stmt,
                        bool *ret_row,
                        struct fl_error *err) FL_NODISCARD;
/* Text of a column, "" for NULL; borrowed until the next step. */
const char *res_column_text(sqlite3_stmt *stmt, int column);
/* A REAL column, NaN for NULL. */
double res_column_real(sqlite3_stmt *stmt, int column);

/* One statement without results. */
enum fl_status res_exec(struct res_store *store,
                        const char *sql,
                        const char *what,
                        struct fl_error *err) FL_NODISCARD;
/* One number; FL_E_FORMAT when there is no row. */
enum fl_status res_query_int(struct res_store *store,
                             const char *sql,
                             int64_t *ret,
                             struct fl_error *err) FL_NODISCARD;

/* Known arms and zones, so that entries are checked without a query. */
struct res_known_arm *res_store_find_arm(struct res_store *store, int32_t arm);
enum fl_status res_store_know_arm(struct res_store *store,
                                  int32_t arm,
                                  int64_t next_seq,
                                  struct fl_error *err) FL_NODISCARD;
enum fl_status res_store_know_zone(struct res_store *store,
                                   int64_t zone,
                                   struct fl_error *err) FL_NODISCARD;

/* store_basis.c: a fact that was added, by its name. */
enum fl_status res_store_know_fact(struct res_store *store,
                                   const char *name,
                                   const struct carbon_fact *fact,
                                   struct fl_error *err) FL_NODISCARD;
/* The number of an entry's basis; *ret_is_new: it is to be written.
 * Fails FL_E_ARG: a fact of the entry was not added. */
enum fl_status res_store_find_basis(struct res_store *store,
                                    const struct carbon_entry *entry,
                                    int64_t *ret,
                                    bool *ret_is_new,
                                    struct fl_error *err) FL_NODISCARD;
/* What a store that goes on holds already. */
enum fl_status res_store_learn_bases(struct res_store *store,
                                     struct fl_error *err) FL_NODISCARD;
void res_store_forget_bases(struct res_store *store);

/* store_guard.c: what is written is added, what is there is learned. */
void res_guard_add_entry(struct res_guard *guard,
                         const struct carbon_entry *entry,
                         int64_t basis,
                         int64_t seq);
void res_guard_add_round(struct res_guard *guard,
                         const struct res_round *round);
void res_guard_set_outcome(struct res_guard *guard,
                           const struct res_outcome *outcome);
enum fl_status res_guard_learn(struct res_store *store,
                               struct res_known_arm *arm,
                               struct fl_error *err) FL_NODISCARD;
/* CRC-32 of bytes, and of them with the guard behind them. */
uint32_t res_guard_blob_crc(const void *blob, size_t n_bytes);
uint32_t res_guard_crc(const struct res_guard *guard, uint32_t blob_crc);

/* ledger_hash.c: the same as res_ledger_sha256, on an open store. */
enum fl_status res_hash_ledger(struct res_store *store,
                               int32_t arm,
                               char ret_hex[65],
                               struct fl_error *err) FL_NODISCARD;

#endif
