/* Winograd's transforms of a few numbers in one dimension, for
 * nn/kernels/winograd_priv.h alone: the matrices of F(4, 3) for the points 0,
 * -1, 1, 1/2, -2 and infinity, written out with what their rows share.
 */
#ifndef NN_KERNELS_WINOGRAD_1D_PRIV_H
#define NN_KERNELS_WINOGRAD_1D_PRIV_H

#include "nn/kernels/vec_priv.h"

INLINE vec times(double a, vec x)
{
    return every_lane((nn_real)a) * x;
}

/* a x + y */
INLINE vec plus(double a, vec x, vec y)
{
    return muladd(every_lane((nn_real)a), x, y);
}

/* B^T: six numbers of the image. */
INLINE void image_1d(const vec x[6], vec y[6])
{
    vec t = x[4] - x[2], s = x[3] - x[1];
    y[0] = plus(1.5, s, plus(-2, x[2], x[0] + x[4]));
    y[1] = plus(-2.5, x[2], plus(0.5, x[3], x[1] + x[4]));
    y[2] = plus(0.5, x[2], plus(2.5, x[3], x[4] - x[1]));
    y[3] = plus(2, s, t);
    y[4] = plus(-0.5, s, t);
    y[5] = plus(1.5, t, plus(-2, x[3], x[1] + x[5]));
}

/* A^T: the four outputs. */
INLINE void output_1d(const vec x[6], vec y[4])
{
    vec p = x[2] + x[1], q = x[2] - x[1];
    y[0] = x[0] + p + (x[3] + x[4]);
    y[1] = plus(0.5, x[3], plus(-2, x[4], q));
    y[2] = plus(0.25, x[3], plus(4, x[4], p));
    y[3] = plus(0.125, x[3], plus(-8, x[4], q + x[5]));
}

/* G: three weights. */
INLINE void weight_1d(const vec x[3], vec y[6])
{
    vec e = times(1.0 / 3, x[0] + x[2]);
    y[0] = x[0];
    y[1] = plus(1.0 / 3, x[1], -e);
    y[2] = plus(1.0 / 3, x[1], e);
    y[3] =
        plus(-16.0 / 15, x[0], plus(-8.0 / 15, x[1], times(-4.0 / 15, x[2])));
    y[4] = plus(1.0 / 15, x[0], plus(-2.0 / 15, x[1], times(4.0 / 15, x[2])));
    y[5] = x[2];
}

/* A: four gradients of outputs. */
INLINE void gradient_1d(const vec x[4], vec y[6])
{
    vec even = x[0] + x[2], odd = x[1] + x[3];
    y[0] = x[0];
    y[1] = even - odd;
    y[2] = even + odd;
    y[3] = plus(0.5, x[1], plus(0.25, x[2], plus(0.125, x[3], x[0])));
    y[4] = plus(-2, x[1], plus(4, x[2], plus(-8, x[3], x[0])));
    y[5] = x[3];
}

/* G^T: the gradients of three weights. */
INLINE void weight_gradient_1d(const vec x[6], vec y[3])
{
    vec d = times(1.0 / 3, x[2] - x[1]), s = times(1.0 / 3, x[2] + x[1]);
    y[0] = plus(-16.0 / 15, x[3], plus(1.0 / 15, x[4], x[0] + d));
    y[1] = plus(-8.0 / 15, x[3], plus(-2.0 / 15, x[4], s));
    y[2] = plus(-4.0 / 15, x[3], plus(4.0 / 15, x[4], x[5] + d));
}

#endif
