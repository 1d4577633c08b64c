/* Nodes: what a machine draws that is made of parts, of which a job may use
 * some. A job that occupies a node pays its parts' busy power where it uses
 * them and their idle power where it does not.
 *
 *   train_w = sum over parts of  busy busy_w + (n - busy) idle_w      [W]
 *   idle_w  = sum over parts of  n idle_w                             [W]
 *
 *     base 200 W, 2 CPUs (50/200 W), 4 GPUs (60/400 W)
 *     job on the CPUs        200 + 400 + 240  = 840 W
 *     the node without GPUs  200 + 400        = 600 W
 *     job on the GPUs        200 + 100 + 1600 = 1900 W
 *
 *     struct carbon_device node = {.name = "mixed"};
 *     FL_TRY(carbon_node_compose(parts, 3, text, sizeof text, &node, err));
 */
#ifndef CARBON_NODE_H
#define CARBON_NODE_H

#include "base/status.h"
#include "carbon/profile.h"

#include <stddef.h>
#include <stdint.h>

enum carbon_part_kind {
    CARBON_PART_CPU,
    CARBON_PART_GPU,
    CARBON_PART_MEMORY,
    CARBON_PART_DISK,
    CARBON_PART_OTHER, /* board, fans, power supply: the rest */
    CARBON_PART_LAST_
};
/* "cpu" ...; never NULL. */
const char *carbon_part_name(enum carbon_part_kind kind);

/* n alike parts of a node. */
struct carbon_part {
    enum carbon_part_kind kind;
    int64_t n;
    int64_t busy;                       /* of n: used by the job */
    struct carbon_fact busy_w;          /* each */
    struct carbon_fact idle_w;          /* each */
    struct carbon_fact embodied_kgco2e; /* each; missing or off: none */
};

/* Writes train_w, idle_w and, where a part has one, embodied_kgco2e of the
 * device; the rest of it stays. Each composed fact has the weakest evidence of
 * the facts that it is a sum of, but is derived at best, and a source that
 * says the sum; text[size] holds the sources and has to live as long as the
 * device; what does not fit is cut.
 * Pure. Fails FL_E_CONFIG a part's busy_w or idle_w is missing (where parts of
 * it are busy or idle), busy > n, n < 1, no parts; FL_E_NUMERIC. */
enum fl_status carbon_node_compose(const struct carbon_part *parts,
                                   size_t n,
                                   char *text,
                                   size_t size,
                                   struct carbon_device *acc_device,
                                   struct fl_error *err) FL_NODISCARD;

#endif
