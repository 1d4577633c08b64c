/* What the files of sweeps share: dimensions while they are gathered. */
#ifndef SCENARIOS_SWEEP_PRIV_H
#define SCENARIOS_SWEEP_PRIV_H

#include "scenarios/sweep.h"

/* A key and its values. Axes of one group are walked together. */
struct scn_axis {
    const char *key;
    const char **texts; /* [n] each on one line */
    size_t n;
    size_t group;
    bool is_given; /* on the command line */
    bool is_dropped;
    struct fl_place place;
};

struct scn_axes {
    struct fl_config *config; /* of the file: texts and problems */
    struct scn_axis *all;
    size_t n, capacity;
    size_t n_groups;
    struct fl_config **kept; /* of the command line's values */
    size_t n_kept, kept_capacity;
};

/* All add to axes; what is wrong becomes a problem of axes->config. */

/* The file's section. */
void scn_axes_take_file(struct scn_axes *axes);
/* What the command line adds, in place of what the file says of the same keys.
 * Fails FL_E_CONFIG malformed, FL_E_NOMEM. */
enum fl_status scn_axes_take_vary(struct scn_axes *axes,
                                  const char *assignment,
                                  struct fl_error *err) FL_NODISCARD;
enum fl_status scn_axes_take_zip(struct scn_axes *axes,
                                 const char *assignments,
                                 struct fl_error *err) FL_NODISCARD;
/* The last dimension. given: of the command line; NULL: the file's. */
enum fl_status scn_axes_take_seeds(struct scn_axes *axes,
                                   const char *given,
                                   struct fl_error *err) FL_NODISCARD;
void scn_axes_fini(struct scn_axes *axes);

#endif
