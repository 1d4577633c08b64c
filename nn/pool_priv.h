/* What the two pooling layers share: options, window, checks. */
#ifndef NN_POOL_PRIV_H
#define NN_POOL_PRIV_H

#include "nn/layer.h"

struct nn_pool_opts {
    int64_t kernel;
    int64_t stride; /* 0: the kernel */
};
extern const struct fl_param nn_pool_params[];

/* The windows of one image, all of them inside it. */
struct nn_pool {
    int64_t kernel, stride;
    int64_t in_h, in_w, out_h, out_w, channels;
};

/* Fails FL_E_CONFIG: no image, or smaller than the window. */
enum fl_status nn_pool_init(struct nn_pool *pool,
                            const struct nn_pool_opts *opts,
                            const struct nn_shape *input,
                            struct fl_error *err) FL_NODISCARD;
/* The same for a call whose shapes infer has accepted. */
struct nn_pool nn_pool_of(const struct nn_call *call);

#endif
