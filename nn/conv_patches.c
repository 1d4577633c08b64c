#include "nn/conv_way_priv.h"

#include "nn/kernels/image_priv.h"
#include "nn/kernels/table_priv.h"

#include <string.h>

#define STRIP   32  /* columns of a product: two vectors of the widest table */
#define K_BLOCK 256 /* rows of a packed strip: 32 KiB, they stay in L1 */

/* Rows of P at a time: its numbers stay in L2. */
#define MOST_ROWS     256
#define PATCH_NUMBERS (384 * 1024)

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t patch_of(const struct nn_conv *v)
{
    return v->kernel * v->kernel * v->c;
}

/* x is P already. */
static bool is_plain(const struct nn_conv *v)
{
    return v->kernel == 1 && v->stride == 1 && v->padding == 0;
}

/* Rows of P are not a multiple of 4 KiB apart: its columns would share lines of
 * the L1 cache. */
static int64_t row_of(const struct nn_conv *v)
{
    return is_plain(v) ? v->c : (patch_of(v) + 15) / 16 * 16 + 16;
}

static int64_t rows_at_once(const struct nn_conv *v)
{
    int64_t rows = PATCH_NUMBERS / row_of(v);
    return rows < 1 ? 1 : smaller(rows, MOST_ROWS);
}

static bool is_less(const struct nn_conv *v)
{
    return v->c >= 16 && (v->kernel == 1 || v->stride > 1);
}

static int64_t strip_size(void)
{
    return STRIP * (K_BLOCK > MOST_ROWS ? K_BLOCK : MOST_ROWS);
}

static size_t scratch_bytes(const struct nn_conv *v)
{
    int64_t numbers = strip_size();
    if (!is_plain(v))
        numbers += rows_at_once(v) * row_of(v);
    return (size_t)numbers * sizeof(nn_real);
}

/* Where an output pixel's window begins; rows are counted through all images.
 */
struct window {
    int64_t image, y, x;
};

static struct window window_at(const struct nn_conv *v, int64_t row)
{
    int64_t pixels = v->out_h * v->out_w;
    return (struct window){
        .image = row / pixels * v->h * v->w * v->c,
        .y = row % pixels / v->out_w * v->stride - v->padding,
        .x = row % v->out_w * v->stride - v->padding,
    };
}

/* Taps [first, end) of a window's row that begins at x and are inside. */
static void
inside(const struct nn_conv *v, int64_t x, int64_t *ret_first, int64_t *ret_end)
{
    *ret_first = x < 0 ? smaller(-x, v->kernel) : 0;
    *ret_end = smaller(v->kernel, v->w > x ? v->w - x : 0);
    if (*ret_end < *ret_first)
        *ret_end = *ret_first;
}

/* The windows of rows [first, first + n). */
static void fill_patches(const struct nn_conv *v,
                         int64_t first,
                         int64_t n,
                         const nn_real *x,
                         nn_real *ret)
{
    int64_t run = v->kernel * v->c, left, right;
    for (int64_t i = 0; i < n; i++, ret += row_of(v)) {
        struct window at = window_at(v, first + i);
        inside(v, at.x, &left, &right);
        for (int64_t ky = 0; ky < v->kernel; ky++) {
            nn_real *to = ret + ky * run;
            int64_t y = at.y + ky;
            if (y < 0 || y >= v->h) {
                memset(to, 0, (size_t)run * sizeof *to);
                continue;
            }
            memset(to, 0, (size_t)(left * v->c) * sizeof *to);
            memcpy(to + left * v->c,
                   x + at.image + (y * v->w + at.x + left) * v->c,
                   (size_t)((right - left) * v->c) * sizeof *to);
            memset(to + right * v->c, 0,
                   (size_t)(run - right * v->c) * sizeof *to);
        }
    }
}

/* Adds the windows of rows [first, first + n) to the images they came from. */
static void add_patches(const struct nn_conv *v,
                        int64_t first,
                        int64_t n,
                        const nn_real *patches,
                        nn_real *acc)
{
    int64_t run = v->kernel * v->c, left, right;
    for (int64_t i = 0; i < n; i++, patches += row_of(v)) {
        struct window at = window_at(v, first + i);
        inside(v, at.x, &left, &right);
        for (int64_t ky = 0; ky < v->kernel; ky++) {
            int64_t y = at.y + ky;
            if (y < 0 || y >= v->h)
                continue;
            const nn_real *from = patches + ky * run + left * v->c;
            nn_real *to = acc + at.image + (y * v->w + at.x + left) * v->c;
            for (int64_t k = 0; k < (right - left) * v->c; k++)
                to[k] += from[k];
        }
    }
}

static void pack(int64_t rows,
                 int64_t columns,
                 const nn_real *from,
                 int64_t row,
                 nn_real *ret)
{
    for (int64_t i = 0; i < rows; i++)
        memcpy(ret + i * STRIP, from + i * row, (size_t)columns * sizeof *ret);
}

static void forward(const struct nn_kernels *kernels,
                    const struct nn_conv *v,
                    int64_t n,
                    const nn_real *weights,
                    const nn_real *bias,
                    const nn_real *x,
                    nn_real *ret_y,
                    nn_real *scratch)
{
    nn_real *strip = scratch, *patches = scratch + strip_size();
    int64_t all = n * v->out_h * v->out_w, at_once = rows_at_once(v);
    struct nn_product p = {.groups = 1,
                           .k_outer = 1,
                           .a_row = row_of(v),
                           .a_inner = 1,
                           .b = strip,
                           .b_inner = STRIP,
                           .c_row = v->out_c};
    for (int64_t t = 0; t < all; t += at_once) {
        p.m = smaller(at_once, all - t);
        if (!is_plain(v))
            fill_patches(v, t, p.m, x, patches);
        const nn_real *rows = is_plain(v) ? x + t * v->c : patches;
        for (int64_t j = 0; j < v->out_c; j += STRIP) {
            p.n = smaller(STRIP, v->out_c - j);
            p.c = ret_y + t * v->out_c + j;
            p.bias = bias ? bias + j : NULL;
            p.start = bias ? NN_START_BIAS : NN_START_ZERO;
            for (int64_t k = 0; k < patch_of(v); k += K_BLOCK) {
                p.k_inner = smaller(K_BLOCK, patch_of(v) - k);
                pack(p.k_inner, p.n, weights + k * v->out_c + j, v->out_c,
                     strip);
                p.a = rows + k;
                kernels->product(&p);
                p.start = NN_START_SELF;
            }
        }
    }
}

static void dx(const struct nn_kernels *kernels,
               const struct nn_conv *v,
               int64_t n,
               const nn_real *weights,
               const nn_real *dy,
               nn_real *ret_dx,
               nn_real *scratch)
{
    nn_real *strip = scratch, *patches = scratch + strip_size();
    int64_t all = n * v->out_h * v->out_w, at_once = rows_at_once(v);
    struct nn_product p = {.groups = 1,
                           .k_outer = 1,
                           .a_row = v->out_c,
                           .a_inner = 1,
                           .b = strip,
                           .b_inner = STRIP,
                           .c_row = row_of(v)};
    if (!is_plain(v))
        memset(ret_dx, 0, (size_t)(n * v->h * v->w * v->c) * sizeof *ret_dx);
    for (int64_t t = 0; t < all; t += at_once) {
        p.m = smaller(at_once, all - t);
        nn_real *rows = is_plain(v) ? ret_dx + t * v->c : patches;
        for (int64_t j = 0; j < patch_of(v); j += STRIP) {
            p.n = smaller(STRIP, patch_of(v) - j);
            p.c = rows + j;
            p.start = NN_START_ZERO;
            for (int64_t k = 0; k < v->out_c; k += K_BLOCK) {
                p.k_inner = smaller(K_BLOCK, v->out_c - k);
                kernels->image->transpose(p.n, p.k_inner,
                                          weights + j * v->out_c + k, v->out_c,
                                          strip, STRIP);
                p.a = dy + t * v->out_c + k;
                kernels->product(&p);
                p.start = NN_START_SELF;
            }
        }
        if (!is_plain(v))
            add_patches(v, t, p.m, patches, ret_dx);
    }
}

static void dw(const struct nn_kernels *kernels,
               const struct nn_conv *v,
               int64_t n,
               const nn_real *x,
               const nn_real *dy,
               nn_real *acc_dw,
               nn_real *scratch)
{
    nn_real *strip = scratch, *patches = scratch + strip_size();
    int64_t all = n * v->out_h * v->out_w, at_once = rows_at_once(v);
    struct nn_product p = {.groups = 1,
                           .m = patch_of(v),
                           .k_outer = 1,
                           .a_row = 1,
                           .a_inner = row_of(v),
                           .b = strip,
                           .b_inner = STRIP,
                           .c_row = v->out_c,
                           .start = NN_START_SELF};
    for (int64_t t = 0; t < all; t += at_once) {
        p.k_inner = smaller(at_once, all - t);
        if (!is_plain(v))
            fill_patches(v, t, p.k_inner, x, patches);
        p.a = is_plain(v) ? x + t * v->c : patches;
        for (int64_t j = 0; j < v->out_c; j += STRIP) {
            p.n = smaller(STRIP, v->out_c - j);
            pack(p.k_inner, p.n, dy + t * v->out_c + j, v->out_c, strip);
            p.c = acc_dw + j;
            kernels->product(&p);
        }
    }
}

const struct nn_conv_way nn_conv_patches = {
    .is_less = is_less,
    .scratch_bytes = scratch_bytes,
    .forward = forward,
    .dx = dx,
    .dw = dw,
};
