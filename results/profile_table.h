/* Where a run's time went: profile.csv, every number, and profile.txt, the
 * table that `fedcarbon run --profile` ends in. Neither is part of a run's
 * results: they are about this program on this machine. */
#ifndef RESULTS_PROFILE_TABLE_H
#define RESULTS_PROFILE_TABLE_H

#include "nn/cpu_profile.h"

#include <stdio.h>

struct res_process {
    char name[32]; /* "coordinator", "client 3" */
    struct nn_profile_view view;
};

/* Writes both files into a run directory. Fails FL_E_NOMEM, FL_E_IO. */
enum fl_status res_profile_export(const char *dir,
                                  const struct res_process *processes,
                                  size_t n,
                                  struct fl_error *err) FL_NODISCARD;

/* Copies a run's profile.txt to out. Fails FL_E_IO, FL_E_NOMEM. */
enum fl_status res_profile_print(const char *dir,
                                 FILE *out,
                                 struct fl_error *err) FL_NODISCARD;

#endif
