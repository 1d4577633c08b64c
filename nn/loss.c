#include "nn/loss_priv.h"

#include <math.h>

static nn_real exp_real(nn_real x)
{
#ifdef NN_REAL_DOUBLE
    return exp(x);
#else
    return expf(x);
#endif
}

static int64_t first_largest(const nn_real *z, int64_t classes)
{
    int64_t best = 0;
    for (int64_t c = 1; c < classes; c++)
        if (z[c] > z[best])
            best = c;
    return best;
}

void nn_loss_softmax(const nn_real *logits,
                     const int32_t *labels,
                     int64_t n,
                     int64_t classes,
                     nn_real *ret_dlogits,
                     struct nn_loss *acc)
{
    nn_real share = 1 / (nn_real)n;
    for (int64_t b = 0; b < n; b++) {
        const nn_real *z = logits + b * classes;
        int64_t best = first_largest(z, classes);
        nn_real top = z[best];
        acc->correct += best == labels[b];
        double total = 0;
        for (int64_t c = 0; c < classes; c++) {
            nn_real e = exp_real(z[c] - top);
            total += (double)e;
            if (ret_dlogits)
                ret_dlogits[b * classes + c] = e;
        }
        acc->sum += log(total) - (double)(z[labels[b]] - top);
        if (!ret_dlogits)
            continue;
        nn_real *d = ret_dlogits + b * classes;
        nn_real scale = (nn_real)(1 / total) * share;
        for (int64_t c = 0; c < classes; c++)
            d[c] *= scale;
        d[labels[b]] -= share;
    }
}
