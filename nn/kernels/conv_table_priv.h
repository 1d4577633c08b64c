/* What convolutions with pooling behind them (nn/conv_pool.c) need of a kernel
 * table: sums over lists, the lists, pooling, Winograd's tiles. */
#ifndef NN_KERNELS_CONV_TABLE_PRIV_H
#define NN_KERNELS_CONV_TABLE_PRIV_H

#include "nn/real.h"

#include <stdint.h>

/* Numbers per run in a struct nn_gather: a multiple of this. */
#define NN_RUN 16

/* For each list l of entries start[l] .. end[l]-1, for r < rows, j < run:
 *
 *   acc[acc_at[l] + r acc_row + j] += sum_e value[e] from[at[e] + r from_row +
 * j]
 *
 * entries ascending, sums starting from acc. */
struct nn_gather {
    int64_t lists;
    const int32_t *start, *end, *acc_at;
    const nn_real *value;
    const int32_t *at;
    const nn_real *from;
    int64_t from_row;
    int64_t rows, run;
    nn_real *acc;
    int64_t acc_row;
};

/* Channels in one call for lists by pixel. */
#define NN_CHANNELS 64

/* Winners of 2x2 windows behind ReLU are told by number 0 .. 3, or this. */
#define NN_WON_NONE 4

/* Gradients of one image's pooled outputs [out_h, out_w, stride], of which
 * `channels` count, and who won; what they are lists for: */
struct nn_winners {
    int64_t out_h, out_w, channels, stride;
    const nn_real *dy;
    const uint8_t *won;
    int64_t list;       /* by channel: entries apart that lists begin */
    int64_t row, pixel; /* numbers in a row and a pixel of the input */
    int64_t weights;    /* by pixel: numbers apart of channels' weights */
};

/* A row of n tiles of 6x6 inputs, a window's width apart, so that they overlap,
 * and the 36 planes of `plane` tiles each that products are made of. */
struct nn_tiles {
    int64_t kernel; /* 3: 4x4 outputs per tile; 5: 2x2 */
    int64_t n, plane;
    int64_t c, row;       /* channels, numbers in a row of the input */
    int64_t out_c, out_w; /* channels, pixels in a row of pooled output */
};

struct nn_conv_kernels {
    void (*gather)(const struct nn_gather *g);

    /* 2x2 windows of two rows of x, `row` apart; rectified; NN_WON_NONE where
     * the result is not above 0. */
    void (*pool_relu)(int64_t windows,
                      int64_t row,
                      int64_t channels,
                      const nn_real *x,
                      nn_real *y,
                      uint8_t *won);
    /* acc[l] += the sum of list l's values */
    void (*add_lists)(int64_t lists,
                      const int32_t *start,
                      const int32_t *end,
                      const nn_real *value,
                      nn_real *acc);
    /* Lists of what won and is not 0. By channel: where its window begins in
     * the input, channel o's entries from o * list to end[o]. By pixel: where
     * its channel's weights begin, entries of window i that its pixel id won
     * from start[4 i + id] on, and the last one's end. Room: one entry more
     * per list, and NN_RUN more at the end; by pixel at most NN_CHANNELS
     * channels. */
    void (*list_by_channel)(const struct nn_winners *w,
                            nn_real *value,
                            int32_t *at,
                            int32_t *end);
    void (*list_by_pixel)(const struct nn_winners *w,
                          nn_real *value,
                          int32_t *at,
                          int32_t *start);

    /* Winograd: w [k, k, size] -> u [36, size]; x -> v [36, plane, c];
     * m [36, plane, out_c] -> `rows` rows of pooled y. */
    void (*tiles_weights)(int64_t kernel,
                          int64_t size,
                          const nn_real *w,
                          nn_real *u);
    void (*tiles_input)(const struct nn_tiles *t, const nn_real *x, nn_real *v);
    void (*tiles_pool_relu)(const struct nn_tiles *t,
                            const nn_real *m,
                            const nn_real *bias,
                            int64_t rows,
                            nn_real *y,
                            uint8_t *won);
};

#endif
