/* How long each accuracy took, in simulated time. The local arm is where its
 * mean client is: clients alone train side by side. */
#include "results/figures/chart_parts.h"

static double of_moment(const struct res_moment *moment)
{
    return moment->sim_time_s;
}

static double of_row(const struct res_row *row)
{
    return row->sim_time_s;
}

static enum fl_status make(const struct res_gallery *gallery,
                           struct res_chart *ret,
                           struct fl_error *err)
{
    static const struct res_course_x sim_time = {.of_moment = of_moment,
                                                 .of_row = of_row,
                                                 .unit = res_unit_time,
                                                 .label = "simulated time",
                                                 .is_mean = true};
    FL_TRY(res_chart_courses(ret, gallery, &sim_time, err));
    struct res_text caption = {0};
    res_text_put(&caption, "Test accuracy against simulated time, round by "
                           "round.");
    bool has_local = false;
    for (size_t r = 0; r < gallery->n_runs; r++)
        for (size_t i = 0; i < gallery->runs[r].n_rows; i++)
            has_local = has_local || gallery->runs[r].rows[i].is_per_client;
    if (has_local)
        res_text_put(&caption, " Local: the mean client.");
    res_put_runs(gallery, &caption);
    enum fl_status status =
        res_chart_say(ret, "Accuracy against time", &caption, err);
    res_text_fini(&caption);
    return status;
}

const struct res_chart_type res_chart_accuracy_time = {
    .name = "accuracy_time",
    .doc = "test accuracy against simulated time, round by round",
    .make = make,
};
