/* What each accuracy cost: one line per arm and run, a point per round in
 * which it was measured. The front is taken over all points of a data set,
 * because training may stop after any round. */
#include "results/figures/chart_parts.h"

static double of_moment(const struct res_moment *moment)
{
    return moment->gco2e;
}

static enum fl_status make(const struct res_gallery *gallery,
                           struct res_chart *ret,
                           struct fl_error *err)
{
    static const struct res_course_x carbon = {.of_moment = of_moment,
                                               .of_row = res_arm_gco2e,
                                               .unit = res_unit_carbon,
                                               .label = "carbon",
                                               .has_front = true};
    FL_TRY(res_chart_courses(ret, gallery, &carbon, err));
    struct res_text caption = {0};
    res_text_put(&caption,
                 "Test accuracy against the carbon emitted until then, round "
                 "by round. No point has less carbon and no less accuracy than "
                 "one of the Pareto front.");
    res_put_local(gallery, &caption);
    res_put_runs(gallery, &caption);
    res_put_counts(gallery, &caption);
    enum fl_status status =
        res_chart_say(ret, "Accuracy against carbon", &caption, err);
    res_text_fini(&caption);
    return status;
}

const struct res_chart_type res_chart_accuracy_carbon = {
    .name = "accuracy_carbon",
    .doc = "test accuracy against gCO2e, round by round, with the Pareto front",
    .make = make,
};
