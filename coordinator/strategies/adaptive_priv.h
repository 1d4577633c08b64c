/* What the three adaptive server optimisers of Reddi et al. 2021 share. */
#ifndef COORDINATOR_STRATEGIES_ADAPTIVE_PRIV_H
#define COORDINATOR_STRATEGIES_ADAPTIVE_PRIV_H

#include "base/config.h"

/* Options of fedadagrad, fedadam and fedyogi (algorithm 2 there). */
struct coord_adaptive {
    double server_lr; /* eta */
    double beta1, beta2;
    double tau; /* degree of adaptivity, keeps the root from zero */
};

#define COORD_ADAPTIVE_PARAM(member, least, most, is_max_open, value, text)    \
    {                                                                          \
        .key = #member, .kind = FL_PARAM_DOUBLE,                               \
        .offset = offsetof(struct coord_adaptive, member), .min = (least),     \
        .min_open = (most) > 1, .max = (most), .max_open = (is_max_open),      \
        .def = (value), .doc = (text)                                          \
    }

#define COORD_ADAPTIVE_LR                                                      \
    COORD_ADAPTIVE_PARAM(server_lr, 0, 100, false, "0.1", "server step, eta")
#define COORD_ADAPTIVE_BETA1(value)                                            \
    COORD_ADAPTIVE_PARAM(beta1, 0, 1, true, value, "memory of the mean update")
#define COORD_ADAPTIVE_BETA2                                                   \
    COORD_ADAPTIVE_PARAM(beta2, 0, 1, true, "0.99",                            \
                         "memory of the squared update")
#define COORD_ADAPTIVE_TAU                                                     \
    COORD_ADAPTIVE_PARAM(tau, 0, 10, false, "0.001", "degree of adaptivity")

#endif
