/* The run store: one SQLite file (run.sqlite) in a run's directory holds the
 * scenario, the rounds, the ledger, the facts and the checkpoints.
 *
 * Writes gather in a transaction; res_store_commit makes them durable at once,
 * so that a process killed at any instant leaves a consistent run behind: the
 * ledger, the rounds and the checkpoint always belong to the same moment.
 * After a write that failed (disk full) nothing more can be written or
 * committed: destroy the store and resume, or give up; the last commit stays.
 *
 *     struct res_store *store;
 *     FL_TRY(res_store_create("runs/a", RES_CREATE, &store, err));
 *     ... res_store_add_arm, _add_zone, then per round:
 *     ... res_store_add_entries, _add_round, _put_checkpoint, _commit
 *     status = res_store_finish(store, err);
 *     res_store_destroy(store);
 *
 * Threads: a store belongs to one thread. One writer per run (locked).
 */
#ifndef RESULTS_STORE_H
#define RESULTS_STORE_H

#include "base/status.h"
#include "carbon/carbon.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct res_store; /* opaque */

enum res_mode {
    RES_CREATE, /* the directory must not hold a run yet */
    RES_RESUME, /* it must, and be unfinished; for writing */
    RES_READ    /* read only; a running run may be read too */
};

/* dir: the run's directory, made if missing (RES_CREATE).
 * Fails FL_E_IO unwritable, full; FL_E_STATE run exists / is finished / there
 * is none / another process is writing it / it was begun with other carbon
 * terms; FL_E_FORMAT not a run store, another version's, damaged.
 * Free: res_store_destroy, which drops what was not committed. */
enum fl_status res_store_create(const char *dir,
                                enum res_mode mode,
                                struct res_store **ret,
                                struct fl_error *err) FL_NODISCARD;

/* Whether the directory holds a run of which something was committed. What a
 * coordinator leaves that died while it began, RES_CREATE takes over.
 * Fails FL_E_FORMAT not a run store, damaged; FL_E_IO. */
enum fl_status res_store_has_begun(const char *dir,
                                   bool *ret,
                                   struct fl_error *err) FL_NODISCARD;

void res_store_destroy(struct res_store *store);
const char *res_store_dir(const struct res_store *store);

/* Named texts: "scenario", "scenario_sha256", "commit", "cpu", "version" ...
 * docs/results.md lists the keys that reports read (results/store/meta_keys.c);
 * others are kept and end up in manifest.json. */
enum fl_status res_store_set(struct res_store *store,
                             const char *key,
                             const char *value,
                             struct fl_error *err) FL_NODISCARD;
/* *ret is NULL when there is no such key. Free: fl_free. */
enum fl_status res_store_get(struct res_store *store,
                             const char *key,
                             char **ret,
                             struct fl_error *err) FL_NODISCARD;

/* Arms with a meaning of their own in reports: others are compared with the
 * centralized one; in the local one clients train alone, `round` is the client,
 * and what is printed is the mean per client. */
#define RES_ARM_FEDERATED   "federated"
#define RES_ARM_CENTRALIZED "centralized"
#define RES_ARM_LOCAL       "local"

/* Adding an arm, a zone or a fact again is fine (after a resume); giving an arm
 * or a zone another name is FL_E_STATE. */
struct res_arm {
    int32_t arm;            /* number used in ledger entries */
    const char *name;       /* "federated", "centralized", "local" */
    int64_t participants;   /* that trained (local: were sampled) */
    int64_t population;     /* clients there are */
    double target_accuracy; /* 0 = none */
};
enum fl_status res_store_add_arm(struct res_store *store,
                                 const struct res_arm *arm,
                                 struct fl_error *err) FL_NODISCARD;

/* What is known after a round (federated), epoch (centralized) or once per
 * client (local: round = client). */
struct res_round {
    int32_t arm;
    int64_t round;
    double sim_time_s; /* simulated end of the round */
    double accuracy;   /* NaN: not evaluated after this round */
    double loss;       /* test loss; NaN likewise */
    double train_loss;
    int64_t updates; /* accepted */
    int64_t refused; /* NaN or out of range */
};
enum fl_status res_store_add_round(struct res_store *store,
                                   const struct res_round *round,
                                   struct fl_error *err) FL_NODISCARD;

/* Entries of an arm in their order; each gets the next number of its arm. All
 * of them or none. Their arms, zones and facts must have been added before.
 * Fails FL_E_ARG unknown arm, zone, component, fact ...; FL_E_NUMERIC a number
 * that is not finite, or negative, or t1 < t0; FL_E_IO. */
enum fl_status res_store_add_entries(struct res_store *store,
                                     const struct carbon_entry *entries,
                                     size_t n,
                                     struct fl_error *err) FL_NODISCARD;

/* Facts used by the run, each with its source. Entries name the facts they use
 * by address: `fact` must stay where it is while entries are added. */
enum fl_status
res_store_add_fact(struct res_store *store,
                   const char *name, /* "fleet.0.device.train_w" */
                   const char *unit,
                   const struct carbon_fact *fact,
                   struct fl_error *err) FL_NODISCARD;

/* Names of the grid's zones, so that entries can be read without the grid. */
enum fl_status res_store_add_zone(struct res_store *store,
                                  int32_t zone,
                                  const char *name,
                                  struct fl_error *err) FL_NODISCARD;

/* The final word on an arm. For the local arm only rounds (a client's epochs)
 * and model_sha256 are used: the means come from its rounds, one per client. */
struct res_outcome {
    int32_t arm;
    double accuracy;
    double loss;
    int64_t rounds;
    double sim_time_s;
    bool has_reached; /* the target */
    char model_sha256[65];
};
enum fl_status res_store_set_outcome(struct res_store *store,
                                     const struct res_outcome *outcome,
                                     struct fl_error *err) FL_NODISCARD;

/* State of an arm to go on from; replaces the arm's former one. Guarded by a
 * CRC. Loading fails FL_E_FORMAT when it is damaged; *ret is NULL when there
 * is none. Free: fl_free. */
enum fl_status res_store_put_checkpoint(struct res_store *store,
                                        int32_t arm,
                                        const void *bytes,
                                        size_t n_bytes,
                                        struct fl_error *err) FL_NODISCARD;
enum fl_status res_store_get_checkpoint(struct res_store *store,
                                        int32_t arm,
                                        uint8_t **ret,
                                        size_t *ret_bytes,
                                        struct fl_error *err) FL_NODISCARD;

/* Makes everything since the last commit durable against the death of this
 * process, all or nothing (a power cut may cost the last commits, never the
 * consistency of what is left).
 * Fails FL_E_IO: disk full and the like; what was committed before stays. */
enum fl_status res_store_commit(struct res_store *store,
                                struct fl_error *err) FL_NODISCARD;

/* Marks the run finished, drops the checkpoints, commits and folds the journal
 * into the one file, which then stands alone. No writes after it. */
enum fl_status res_store_finish(struct res_store *store,
                                struct fl_error *err) FL_NODISCARD;

/* Sums straight from the ledger's rows, for progress lines. */
enum fl_status res_store_arm_total(struct res_store *store,
                                   int32_t arm,
                                   double *ret_energy_j,
                                   double *ret_gco2e,
                                   struct fl_error *err) FL_NODISCARD;

/* Distinct clients with rows of this phase. Reads the whole ledger of the arm.
 */
enum fl_status res_store_count_clients(struct res_store *store,
                                       int32_t arm,
                                       enum carbon_phase phase,
                                       int64_t *ret,
                                       struct fl_error *err) FL_NODISCARD;

#endif
