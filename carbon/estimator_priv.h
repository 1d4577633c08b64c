/* What estimators share. For carbon/ and its tests only. */
#ifndef CARBON_ESTIMATOR_PRIV_H
#define CARBON_ESTIMATOR_PRIV_H

#include "carbon/estimator.h"

#define CARBON_G_PER_LB 453.59237

/* CodeCarbon's rows of Our World in Data, which others read too. */
extern const struct carbon_intensity carbon_owid_intensities[];

/* The row of a zone, or of the zone it is part of: "US-CAL-CISO", "US-CAL",
 * "US"; NULL where there is none. */
const struct carbon_intensity *
carbon_intensity_find(const struct carbon_intensity *rows, const char *zone);

/* J of `power_w` on each machine over the busy time. */
double carbon_busy_j(const struct carbon_observed *o, double power_w);
/* J of memory at so many W per GB; 0 where its size is not known. */
double carbon_memory_j(const struct carbon_observed *o, double w_per_gb);
/* told, or own where the user told nothing */
double carbon_pue_or(const struct carbon_observed *o, double own);

/* What is told about energy, else TDP times this ratio, else NAN. */
double carbon_energy_or_tdp(const struct carbon_observed *o, double tdp_ratio);

/* What CodeCarbon believes memory of a size to draw, on x86. */
double carbon_codecarbon_memory_w(double memory_bytes);
/* The rest of CodeCarbon's ways: its memory model and PUE on top of it_j. */
void carbon_codecarbon_finish(const struct carbon_observed *o,
                              double it_j,
                              struct carbon_estimate *ret);

#endif
