/* A coordinator's run for fuzz targets: its arms, its dispatcher that listens
 * at inproc://hub in run->context, and a store that forgets. */
#ifndef FUZZ_FUZZ_RUN_H
#define FUZZ_FUZZ_RUN_H

#include "coordinator/run_priv.h"
#include "fuzz/fuzz_input.h"

/* As it is before the first message; arms are made and not started. What all
 * runs share (scenario, data) is made once. One at a time. */
struct coord_run *fuzz_run_open(void);
void fuzz_run_close(struct coord_run *opened);

bool fuzz_run_is_over(const struct coord_run *opened);

#endif
