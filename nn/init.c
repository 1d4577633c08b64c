#include "nn/init_priv.h"

#include <math.h>

enum weight_init {
    BY_DEFAULT,
    KAIMING_UNIFORM,
    KAIMING_NORMAL,
    XAVIER_UNIFORM,
    XAVIER_NORMAL,
    NORMAL,
    ZEROS,
    WEIGHT_INIT_LAST_
};

const char *const nn_init_weight_names[] = {
    [BY_DEFAULT] = "default",
    [KAIMING_UNIFORM] = "kaiming_uniform",
    [KAIMING_NORMAL] = "kaiming_normal",
    [XAVIER_UNIFORM] = "xavier_uniform",
    [XAVIER_NORMAL] = "xavier_normal",
    [NORMAL] = "normal",
    [ZEROS] = "zeros",
    [WEIGHT_INIT_LAST_] = NULL,
};
_Static_assert(sizeof nn_init_weight_names / sizeof nn_init_weight_names[0] ==
                   WEIGHT_INIT_LAST_ + 1,
               "every way to draw a weight needs a name");

const char *const nn_init_fan_names[] = {"in", "out", NULL};
const char *const nn_init_bias_names[] = {"default", "zeros", NULL};

enum fl_status nn_init_check(const struct nn_init_opts *opts,
                             struct fl_error *err)
{
    const char *name = nn_init_weight_names[opts->weight];
    if ((opts->weight == NORMAL) != (opts->std > 0))
        return fl_fail(err, FL_E_CONFIG,
                       "init_std, found %g with init: %s, allowed a number > 0 "
                       "with init: normal, and with it alone",
                       opts->std, name);
    if (opts->fan != 0 && opts->weight != KAIMING_UNIFORM &&
        opts->weight != KAIMING_NORMAL)
        return fl_fail(err, FL_E_CONFIG,
                       "init_fan, found out with init: %s, allowed with "
                       "kaiming_uniform, kaiming_normal",
                       name);
    return FL_OK;
}

void nn_init_tensors(const struct nn_init_opts *opts,
                     int64_t fan_in,
                     int64_t fan_out,
                     struct nn_tensor *weight,
                     struct nn_tensor *bias)
{
    double fan = (double)(opts->fan == 0 ? fan_in : fan_out);
    double both = (double)fan_in + (double)fan_out;
    const struct {
        enum nn_init init;
        double value;
    } rules[] = {
        [BY_DEFAULT] = {NN_INIT_FAN_IN, 0},
        [KAIMING_UNIFORM] = {NN_INIT_UNIFORM, sqrt(6 / fan)},
        [KAIMING_NORMAL] = {NN_INIT_NORMAL, sqrt(2 / fan)},
        [XAVIER_UNIFORM] = {NN_INIT_UNIFORM, sqrt(6 / both)},
        [XAVIER_NORMAL] = {NN_INIT_NORMAL, sqrt(2 / both)},
        [NORMAL] = {NN_INIT_NORMAL, opts->std},
        [ZEROS] = {NN_INIT_CONSTANT, 0},
    };
    weight->fan_in = fan_in;
    weight->init = rules[opts->weight].init;
    weight->init_value = rules[opts->weight].value;
    if (!bias)
        return;
    bias->fan_in = fan_in;
    bias->init = opts->bias == 0 ? NN_INIT_FAN_IN : NN_INIT_CONSTANT;
    bias->init_value = 0;
}
