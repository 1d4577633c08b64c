/* Names of facts for a sentence, rows of a list gathered:
 *
 *     server.pue, fleet.*.device.memory_w, fleet.0+2.link.router_w
 *
 * `*` stands for every row that has such a fact, `0-3+7` for the rows 0 to 3
 * and 7. Private to results/ and its tests.
 */
#ifndef RESULTS_FACT_NAMES_H
#define RESULTS_FACT_NAMES_H

#include "results/res_text.h"
#include "results/store.h"

struct res_fact_name {
    const char *name; /* "fleet.2.link.rx_w" */
    bool is_in;       /* is among those that are named */
};

/* Of all facts of a run, in any order, those that are in; each kind once, by
 * name, with `sign` between them. At most n_most kinds (0: any number), then
 * "and 3 more". Fails FL_E_NOMEM. */
enum fl_status res_put_fact_names(const struct res_fact_name *facts,
                                  size_t n,
                                  const char *sign,
                                  size_t n_most,
                                  struct res_text *out,
                                  struct fl_error *err) FL_NODISCARD;

/* Those of the run that are switched off, with ", " between. Fails FL_E_NOMEM,
 * FL_E_FORMAT, FL_E_IO. */
enum fl_status res_put_facts_off(struct res_store *store,
                                 struct res_text *out,
                                 struct fl_error *err) FL_NODISCARD;

#endif
