/* Softmax cross-entropy, the loss of every model. */
#ifndef NN_LOSS_PRIV_H
#define NN_LOSS_PRIV_H

#include "nn/real.h"

#include <stdint.h>

struct nn_loss {
    double sum;      /* of -log softmax(logits)[label], in sample order */
    int64_t correct; /* ties go to the lowest class */
};

/* Adds to acc; ret_dlogits [n, classes] is the gradient of the *mean* over
 * these n samples, or NULL. Any NaN or infinity in logits that matters makes
 * acc->sum NaN or infinite. */
void nn_loss_softmax(const nn_real *logits,
                     const int32_t *labels,
                     int64_t n,
                     int64_t classes,
                     nn_real *ret_dlogits,
                     struct nn_loss *acc);

#endif
