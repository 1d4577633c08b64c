/* How a layer's fresh weights are drawn: the options of every layer with a
 * weight matrix, as torch.nn.init has them.
 *
 *   default          weight and bias uniform in +-1/sqrt(fan_in), what
 *                    PyTorch's own layers do (kaiming_uniform with a = sqrt 5)
 *   kaiming_uniform  uniform in +-sqrt(6 / fan)      fan: in or out, gain of
 *   kaiming_normal   deviation sqrt(2 / fan)         ReLU (He et al. 2015)
 *   xavier_uniform   uniform in +-sqrt(6 / (fan_in + fan_out))
 *   xavier_normal    deviation sqrt(2 / (fan_in + fan_out))
 *                                                    (Glorot and Bengio 2010)
 *   normal           deviation init_std
 *   zeros
 *
 * The bias keeps PyTorch's default, or is zero, whatever the weight.
 */
#ifndef NN_INIT_PRIV_H
#define NN_INIT_PRIV_H

#include "nn/layer.h"

struct nn_init_opts {
    int weight; /* the words above, in their order */
    int fan;    /* 0: in, 1: out */
    double std; /* 0: not given */
    int bias;   /* 0: default, 1: zeros */
};

extern const char *const nn_init_weight_names[];
extern const char *const nn_init_fan_names[];
extern const char *const nn_init_bias_names[];

/* Rows of a layer's table whose opts hold these at `at`. */
#define NN_INIT_ROWS(at)                                                       \
    {.key = "init",                                                            \
     .kind = FL_PARAM_ENUM,                                                    \
     .offset = (at) + offsetof(struct nn_init_opts, weight),                   \
     .choices = nn_init_weight_names,                                          \
     .def = "default",                                                         \
     .doc = "How the weight is drawn, as torch.nn.init has it; default: "      \
            "uniform in +-1/sqrt(fan_in), as PyTorch's layers."},              \
        {.key = "init_fan",                                                    \
         .kind = FL_PARAM_ENUM,                                                \
         .offset = (at) + offsetof(struct nn_init_opts, fan),                  \
         .choices = nn_init_fan_names,                                         \
         .def = "in",                                                          \
         .doc = "With init kaiming_...: which numbers count."},                \
        {.key = "init_std",                                                    \
         .kind = FL_PARAM_DOUBLE,                                              \
         .offset = (at) + offsetof(struct nn_init_opts, std),                  \
         .max = 100,                                                           \
         .doc = "With init normal: the deviation. Must be given."},            \
    {                                                                          \
        .key = "init_bias", .kind = FL_PARAM_ENUM,                             \
        .offset = (at) + offsetof(struct nn_init_opts, bias),                  \
        .choices = nn_init_bias_names, .def = "default",                       \
        .doc = "How the bias is drawn."                                        \
    }

/* Fails FL_E_CONFIG: options that do not go together, as infer says it. */
enum fl_status nn_init_check(const struct nn_init_opts *opts,
                             struct fl_error *err) FL_NODISCARD;

/* Enters the rule into both tensors; bias may be NULL. */
void nn_init_tensors(const struct nn_init_opts *opts,
                     int64_t fan_in,
                     int64_t fan_out,
                     struct nn_tensor *weight,
                     struct nn_tensor *bias);

#endif
