/* Mock runs: clock, selection, network and ledger without training.
 *
 * `mode: mock` is for planning at scales that nobody can train. How good the
 * models would be is no result of such a run: it follows a curve that the user
 * states, or is left out. Without `mock.samples_per_client` sizes come from the
 * data set and its partition, as when it is trained; with it nothing is opened.
 *
 * A curve counts what the arm counts, from 0: rounds (federated) or epochs.
 *
 *     struct scn_curve *c = &scenario->mock.accuracy[SCN_FEDERATED];
 *     if (c->kind != SCN_CURVE_NONE)
 *         FL_TRY(scn_curve_at(c, round, &accuracy, err));
 */
#ifndef SCENARIOS_MOCK_H
#define SCENARIOS_MOCK_H

#include "base/status.h"
#include "nn/shape.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum scn_curve_kind {
    SCN_CURVE_NONE, /* no accuracy is stated */
    SCN_CURVE_SATURATING,
    SCN_CURVE_TABLE,
    SCN_CURVE_LAST_
};

struct scn_curve_point {
    int64_t at; /* round or epoch, from 0 */
    double accuracy;
};

struct scn_curve {
    enum scn_curve_kind kind;
    /* limit - (limit - start) * exp(-alpha * n) after n rounds or epochs */
    double start_ratio, limit_ratio, alpha;
    const char *file; /* of a table, absolute */
    const char *file_sha256;
    const char *source;             /* in the user's words, or NULL */
    struct scn_curve_point *points; /* [n] ascending; owned */
    size_t n, capacity;
};

#define SCN_MOCK_CURVES 3 /* as many as there are arms */

struct scn_mock {
    bool is_on;
    struct scn_curve accuracy[SCN_MOCK_CURVES]; /* by enum scn_arm */
    int64_t samples_per_client; /* of every client; 0: as the data set says */
    struct nn_shape shape;      /* the rest: with samples_per_client alone */
    int64_t classes, test_samples, sample_bytes;
};

/* Reads a table's file; does nothing for other kinds, or a second time. Rows
 * whose column `arm` says another arm are passed over.
 * Fails FL_E_IO; FL_E_CONFIG not the file that the scenario was resolved with;
 * FL_E_FORMAT not such a table; FL_E_NOMEM. */
enum fl_status scn_curve_open(struct scn_curve *curve,
                              const char *arm,
                              struct fl_error *err) FL_NODISCARD;
void scn_curve_fini(struct scn_curve *curve); /* copes with a zeroed one */

/* Accuracy after the round or epoch `at`; between two points of a table on the
 * straight line. kind is not SCN_CURVE_NONE.
 * Fails FL_E_RANGE before or behind a table: nothing is extrapolated. */
enum fl_status scn_curve_at(const struct scn_curve *curve,
                            int64_t at,
                            double *ret_accuracy,
                            struct fl_error *err) FL_NODISCARD;

/* "0.1 to 0.9, rate 0.05 per round", "curve.csv (835e8b3fb98a)". */
void scn_curve_text(const struct scn_curve *curve,
                    const char *step,
                    char *ret,
                    size_t size);

#endif
