/* A profile's layers are the steps of a plan. */
#ifndef NN_CPU_PROFILE_PRIV_H
#define NN_CPU_PROFILE_PRIV_H

#include "nn/plan_priv.h"
#include "nn/cpu_profile.h"

/* nn_profile_name_layers with the steps of a plan and the loss behind them.
 * Fails FL_E_NOMEM. */
enum fl_status nn_profile_name_steps(struct nn_profile *profile,
                                     const struct nn_model *model,
                                     const struct nn_plan *plan,
                                     struct fl_error *err) FL_NODISCARD;

#endif
