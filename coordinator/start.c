#include "coordinator/run_priv.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/sha256.h"
#include "nn/safetensors.h"

#include <string.h>

/* The same file as when the scenario was resolved: a resumed run, and one that
 * is repeated, start from the same numbers. */
static enum fl_status check_same(const struct scn_scenario *scenario,
                                 const uint8_t *bytes,
                                 size_t n,
                                 struct fl_error *err)
{
    char hex[65];
    const char *expected = scenario->initial_model_sha256;
    fl_sha256_of(bytes, n, hex);
    if (expected && strcmp(hex, expected) != 0)
        return fl_fail(err, FL_E_CONFIG,
                       "train.initial_model: %.100s has SHA-256 %.12s, allowed "
                       "%.12s, which it had when the scenario was resolved",
                       scenario->initial_model, hex, expected);
    return FL_OK;
}

enum fl_status coord_open_start(struct coord_run *run, struct fl_error *err)
{
    const struct scn_scenario *scenario = run->scenario;
    const uint8_t *bytes = NULL;
    size_t n = 0;
    if (!scenario->initial_model || coord_is_mock(run))
        return FL_OK;
    run->start = fl_calloc(run->n_params, sizeof *run->start);
    if (!run->start)
        return fl_fail(err, FL_E_NOMEM, "out of memory: initial model");
    FL_TRY(fl_file_map(scenario->initial_model, &bytes, &n, err));
    enum fl_status status = check_same(scenario, bytes, n, err);
    if (status == FL_OK)
        status = nn_safetensors_parse(run->task.model, scenario->initial_model,
                                      bytes, n, run->start, err);
    fl_file_unmap(bytes, n);
    return status;
}

void coord_take_start(const struct coord_run *run, float *ret)
{
    if (run->start)
        memcpy(ret, run->start, run->n_params * sizeof *ret);
    else
        nn_model_init_params(run->task.model, (uint64_t)run->scenario->seed,
                             ret);
}
