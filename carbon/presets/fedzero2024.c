/* fedzero2024: what FedZero (Wiesner et al., e-Energy 2024) counts: energy of
 * the clients' accelerators while they train, and nothing else:
 *
 *     E = batches J/batch = t_compute P
 *
 * Its code was read: 70 W and 183 images/s for a T4, 300 W and 639 for a V100,
 * 400 W and 1,237 for an A100 (where the code says 700 W and its comment 400).
 * Name device powers in the scenario to follow it. The system runs on excess
 * renewable energy: its operational carbon is zero by construction, ours
 * follows the grid. */
#include "carbon/preset.h"

#include <stddef.h>

static const char *const terms[] = {"client_compute", NULL};

const struct carbon_preset carbon_preset_fedzero2024 = {
    .name = "fedzero2024",
    .doc = "clients' compute alone",
    .source = "Wiesner et al. 2024, FedZero, e-Energy, arXiv 2305.15092, and "
              "its code (dos-group/fedzero)",
    .terms = terms,
    .leaves_out = "everything but clients' training: transfers, networks, "
                  "waiting, servers and data centres, evaluations, embodied "
                  "carbon",
};
