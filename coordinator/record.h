/* The centralized arm of one run, written down for others that train the very
 * same: what its epochs were scored, and the hash of its model. A run that
 * finds it costs its own epochs, at its own site, and trains nothing.
 *
 * The key covers all that the training's bits depend on: data, which samples of
 * it the clients have between them, model, seed, the arm's options, the model
 * that it starts from, kernels, version. Who has which sample is not in it:
 * this arm has them all, in the data set's order. */
#ifndef COORDINATOR_RECORD_H
#define COORDINATOR_RECORD_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

struct coord_run;

struct coord_epoch {
    double accuracy, loss, train_loss;
};

struct coord_record {
    char key[65];
    char model_sha256[65];
    struct coord_epoch *epochs; /* [n]; n = 0: there is none */
    size_t n, capacity;
};

/* The key of a run's centralized arm. Fails FL_E_NOMEM. */
enum fl_status coord_record_key(const struct coord_run *run,
                                char ret_hex[65],
                                struct fl_error *err) FL_NODISCARD;

/* What dir has under the key; n = 0 where it has nothing, or nothing whole.
 * Fails FL_E_NOMEM. Free: coord_record_fini. */
enum fl_status coord_record_load(const char *dir,
                                 const char *key,
                                 struct coord_record *ret,
                                 struct fl_error *err) FL_NODISCARD;
/* Fails FL_E_NOMEM. */
enum fl_status coord_record_add(struct coord_record *record,
                                struct coord_epoch epoch,
                                struct fl_error *err) FL_NODISCARD;
/* Under its key. Fails FL_E_IO, FL_E_NOMEM. */
enum fl_status coord_record_save(const char *dir,
                                 const struct coord_record *record,
                                 struct fl_error *err) FL_NODISCARD;
void coord_record_fini(struct coord_record *record);

#endif
