/* Mock runs: the curves that stand for training. */
#include "coordinator/run_priv.h"

#include <math.h>
#include <stdio.h>

bool coord_is_mock(const struct coord_run *run)
{
    return run->scenario->mock.is_on;
}

enum fl_status coord_mock_accuracy(const struct coord_run *run,
                                   enum scn_arm arm,
                                   int64_t at,
                                   double *ret,
                                   struct fl_error *err)
{
    const struct scn_curve *curve = &run->scenario->mock.accuracy[arm];
    if (curve->kind != SCN_CURVE_NONE)
        return scn_curve_at(curve, at, ret, err);
    *ret = (double)NAN;
    return FL_OK;
}

enum fl_status coord_mock_store(struct coord_run *run, struct fl_error *err)
{
    static const char *const steps[] = {
        [SCN_FEDERATED] = "round",
        [SCN_CENTRALIZED] = "epoch",
        [SCN_LOCAL] = "epoch",
    };
    char text[1024] = "";
    size_t used = 0;
    for (int arm = 0; arm < SCN_ARM_LAST_; arm++) {
        char curve[256];
        if (!run->scenario->has_arm[arm])
            continue;
        scn_curve_text(&run->scenario->mock.accuracy[arm], steps[arm], curve,
                       sizeof curve);
        int n =
            snprintf(text + used, sizeof text - used, "%s%s: %s",
                     used ? "; " : "", scn_arm_name((enum scn_arm)arm), curve);
        used += n > 0 ? (size_t)n : 0;
        if (used >= sizeof text)
            used = sizeof text - 1;
    }
    FL_TRY(res_store_set(run->store, "mode", "mock", err));
    return res_store_set(run->store, "assumed_accuracy", text, err);
}
