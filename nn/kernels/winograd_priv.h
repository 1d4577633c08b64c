/* Winograd's transforms of one instruction set, for nn/kernels/ alone; what
 * they are for is in nn/conv_way_priv.h.
 *
 * Each is  out = L in L^T  of a small square per channel: columns, then rows,
 * by the functions of nn/kernels/winograd_1d_priv.h.
 */
#ifndef NN_KERNELS_WINOGRAD_PRIV_H
#define NN_KERNELS_WINOGRAD_PRIV_H

#include "nn/kernels/image_priv.h"
#include "nn/kernels/winograd_1d_priv.h"

/* Where tile `at` of a batch's images begins: its image, its first pixel. */
INLINE const nn_real *find_tile(const struct nn_winograd_tiles *t,
                                int64_t at,
                                const nn_real *images,
                                int64_t *ret_y,
                                int64_t *ret_x)
{
    int64_t each = t->down * t->across;
    *ret_y = at % each / t->across * 4 - t->border;
    *ret_x = at % t->across * 4 - t->border;
    return images + at / each * t->h * t->w * t->channels;
}

/* Whether a square is inside the image. */
INLINE bool
fits(const struct nn_winograd_tiles *t, int64_t y, int64_t x, int64_t side)
{
    return y >= 0 && x >= 0 && y + side <= t->h && x + side <= t->w;
}

INLINE bool is_pixel(const struct nn_winograd_tiles *t, int64_t y, int64_t x)
{
    return y >= 0 && x >= 0 && y < t->h && x < t->w;
}

/* One vector of channels of one tile: 6x6 pixels for the image transform, 4x4
 * for that of gradients, to 36 planes. */
INLINE void spread_tile(const struct nn_winograd_tiles *t,
                        const nn_real *image,
                        int64_t y0,
                        int64_t x0,
                        nn_real *to,
                        const int side,
                        const bool is_inside,
                        const int lanes)
{
    vec half[6][6];
    UNROLL
    for (int j = 0; j < side; j++) {
        vec column[6] = {{0}}, r[6];
        UNROLL
        for (int i = 0; i < side; i++) {
            if (!is_inside && !is_pixel(t, y0 + i, x0 + j))
                continue;
            int64_t at = ((y0 + i) * t->w + x0 + j) * t->channels;
            column[i] = load_lanes(image + at, lanes);
        }
        if (side == 6)
            image_1d(column, r);
        else
            gradient_1d(column, r);
        UNROLL
        for (int i = 0; i < 6; i++)
            half[i][j] = r[i];
    }
    UNROLL
    for (int i = 0; i < 6; i++) {
        vec r[6];
        if (side == 6)
            image_1d(half[i], r);
        else
            gradient_1d(half[i], r);
        UNROLL
        for (int j = 0; j < 6; j++)
            store_lanes(to + (i * 6 + j) * t->plane, r[j], lanes);
    }
}

INLINE void spread_tiles(const struct nn_winograd_tiles *t,
                         const nn_real *images,
                         nn_real *to,
                         const int side)
{
    for (int64_t k = 0; k < t->n; k++, to += t->row) {
        int64_t y0, x0, c = 0;
        const nn_real *image = find_tile(t, t->first + k, images, &y0, &x0);
        bool is_inside = fits(t, y0, x0, side);
        for (; c + LANES <= t->channels; c += LANES)
            if (is_inside)
                spread_tile(t, image + c, y0, x0, to + c, side, true, LANES);
            else
                spread_tile(t, image + c, y0, x0, to + c, side, false, LANES);
        if (c < t->channels)
            spread_tile(t, image + c, y0, x0, to + c, side, false,
                        (int)(t->channels - c));
    }
}

static void winograd_image(const struct nn_winograd_tiles *t,
                           const nn_real *images,
                           nn_real *to)
{
    spread_tiles(t, images, to, 6);
}

static void winograd_gradient(const struct nn_winograd_tiles *t,
                              const nn_real *images,
                              nn_real *to)
{
    spread_tiles(t, images, to, 4);
}

/* 36 planes to 4x4 pixels, those outside the image left out. */
INLINE void gather_tile(const struct nn_winograd_tiles *t,
                        const nn_real *from,
                        vec bias,
                        nn_real *image,
                        int64_t y0,
                        int64_t x0,
                        const int lanes)
{
    vec half[4][6];
    UNROLL
    for (int j = 0; j < 6; j++) {
        vec column[6], r[4];
        UNROLL
        for (int i = 0; i < 6; i++)
            column[i] = load_lanes(from + (i * 6 + j) * t->plane, lanes);
        output_1d(column, r);
        UNROLL
        for (int i = 0; i < 4; i++)
            half[i][j] = r[i];
    }
    bool is_inside = fits(t, y0, x0, 4);
    UNROLL
    for (int i = 0; i < 4; i++) {
        vec r[4];
        output_1d(half[i], r);
        UNROLL
        for (int j = 0; j < 4; j++) {
            if (!is_inside && !is_pixel(t, y0 + i, x0 + j))
                continue;
            int64_t at = ((y0 + i) * t->w + x0 + j) * t->channels;
            store_lanes(image + at, r[j] + bias, lanes);
        }
    }
}

static void winograd_output(const struct nn_winograd_tiles *t,
                            const nn_real *from,
                            int64_t channels,
                            const nn_real *bias,
                            nn_real *images)
{
    for (int64_t k = 0; k < t->n; k++, from += t->row) {
        int64_t y0, x0;
        const nn_real *found = find_tile(t, t->first + k, images, &y0, &x0);
        nn_real *image = images + (found - images);
        for (int64_t c = 0; c < channels; c += LANES) {
            int lanes = channels - c < LANES ? (int)(channels - c) : LANES;
            vec b = {0};
            if (bias)
                b = load_lanes(bias + c, lanes);
            if (lanes == LANES)
                gather_tile(t, from + c, b, image + c, y0, x0, LANES);
            else
                gather_tile(t, from + c, b, image + c, y0, x0, lanes);
        }
    }
}

INLINE void weight_square(const struct nn_winograd_block *b,
                          const nn_real *from,
                          nn_real *to,
                          const int lanes)
{
    vec half[6][3];
    UNROLL
    for (int j = 0; j < 3; j++) {
        vec column[3], r[6];
        UNROLL
        for (int i = 0; i < 3; i++)
            column[i] = load_lanes(from + (i * 3 + j) * b->tap, lanes);
        weight_1d(column, r);
        UNROLL
        for (int i = 0; i < 6; i++)
            half[i][j] = r[i];
    }
    UNROLL
    for (int i = 0; i < 6; i++) {
        vec r[6];
        weight_1d(half[i], r);
        UNROLL
        for (int j = 0; j < 6; j++)
            store_lanes(to + (i * 6 + j) * b->plane, r[j], lanes);
    }
}

/* Columns go to strips: the place of column j is j / strip * strip_size +
 * j % strip. Strips are whole vectors. */
static void winograd_weight(const struct nn_winograd_block *b,
                            const nn_real *from,
                            nn_real *to)
{
    for (int64_t k = 0; k < b->rows; k++)
        for (int64_t j = 0; j < b->columns; j += LANES) {
            const nn_real *at = from + k * b->row + j;
            nn_real *place =
                to + j / b->strip * b->strip_size + k * b->strip + j % b->strip;
            int lanes = b->columns - j < LANES ? (int)(b->columns - j) : LANES;
            if (lanes == LANES)
                weight_square(b, at, place, LANES);
            else
                weight_square(b, at, place, lanes);
        }
}

INLINE void weight_gradient_square(const struct nn_winograd_block *b,
                                   const nn_real *from,
                                   nn_real *acc,
                                   const int lanes)
{
    vec half[3][6];
    UNROLL
    for (int j = 0; j < 6; j++) {
        vec column[6], r[3];
        UNROLL
        for (int i = 0; i < 6; i++)
            column[i] = load_lanes(from + (i * 6 + j) * b->plane, lanes);
        weight_gradient_1d(column, r);
        UNROLL
        for (int i = 0; i < 3; i++)
            half[i][j] = r[i];
    }
    UNROLL
    for (int i = 0; i < 3; i++) {
        vec r[3];
        weight_gradient_1d(half[i], r);
        UNROLL
        for (int j = 0; j < 3; j++) {
            nn_real *to = acc + (i * 3 + j) * b->tap;
            store_lanes(to, load_lanes(to, lanes) + r[j], lanes);
        }
    }
}

/* Rows of `from` are `strip` apart, in one strip. */
static void winograd_weight_gradient(const struct nn_winograd_block *b,
                                     const nn_real *from,
                                     nn_real *acc)
{
    for (int64_t k = 0; k < b->rows; k++)
        for (int64_t j = 0; j < b->columns; j += LANES) {
            const nn_real *at = from + k * b->strip + j;
            nn_real *to = acc + k * b->row + j;
            int lanes = b->columns - j < LANES ? (int)(b->columns - j) : LANES;
            if (lanes == LANES)
                weight_gradient_square(b, at, to, LANES);
            else
                weight_gradient_square(b, at, to, lanes);
        }
}

#endif
