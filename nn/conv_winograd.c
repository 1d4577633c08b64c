#include "nn/conv_way_priv.h"

#include "nn/kernels/image_priv.h"
#include "nn/kernels/table_priv.h"

/* Channels on either side of a block of weights: its 36 planes are 576 KiB and
 * stay in L2 with what they are multiplied by. */
#define BLOCK  64
#define STRIP  32 /* columns of a product that share a run through its rows */
#define PLANES 36

/* Tiles that are worked on at a time: many, so that the weights' transforms
 * count for little, but the tiles' own numbers should stay near. */
#define LEAST_TILES   32
#define MOST_TILES    64
#define TILES_NUMBERS (512 * 1024)

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Rows of a plane are no multiple of 4 KiB apart, nor are planes: or they would
 * all fall into the same few lines of the L1 cache. */
static int64_t padded(int64_t channels)
{
    return (channels + 15) / 16 * 16 + 16;
}

static int64_t plane_size(int64_t tiles, int64_t channels)
{
    return (tiles * padded(channels) + 1023) / 1024 * 1024 + 16;
}

static int64_t tiles_at_once(const struct nn_conv *v)
{
    int64_t each = PLANES * padded(larger(v->c, v->out_c));
    return larger(LEAST_TILES, smaller(MOST_TILES, TILES_NUMBERS / each));
}

static int64_t tiles_in(int64_t pixels)
{
    return (pixels + 3) / 4;
}

static bool is_less(const struct nn_conv *v)
{
    if (v->kernel != 3 || v->stride != 1 || v->padding > 2 || v->c < 16 ||
        v->out_c < 16)
        return false;
    /* the transforms cost about as much as 16 channels' products */
    double c = (double)v->c, out_c = (double)v->out_c;
    double tiles = (double)(tiles_in(v->out_h) * tiles_in(v->out_w));
    double back = (double)(tiles_in(v->h) * tiles_in(v->w));
    double products = PLANES * c * out_c;
    double transforms = PLANES * 8 * (c + out_c);
    double direct = 9 * c * out_c * (double)(v->out_h * v->out_w);
    double most = tiles > back ? tiles : back;
    return most * (products + transforms) < 0.8 * direct;
}

static int64_t block_size(void)
{
    return PLANES * (BLOCK * BLOCK + 16);
}

static size_t scratch_bytes(const struct nn_conv *v)
{
    int64_t tiles = tiles_at_once(v);
    int64_t numbers = PLANES * plane_size(tiles, v->c) +
                      PLANES * plane_size(tiles, v->out_c) + block_size() +
                      9 * BLOCK * BLOCK;
    return (size_t)numbers * sizeof(nn_real);
}

/* One convolution: of images [h, w, c] to [out_h, out_w, out_c]. */
struct job {
    const struct nn_kernels *kernels;
    const nn_real *weights; /* [9][rows][columns] */
    bool is_turned;         /* taps in falling order, rows are the outputs' */
    struct nn_winograd_tiles in, out;
    nn_real *spread, *sums, *block, *turned;
    const nn_real *bias;
};

/* The transformed weights of channels [c, c + rows) to [o, o + columns). */
static void fill_block(
    const struct job *job, int64_t c, int64_t rows, int64_t o, int64_t columns)
{
    const struct nn_image_kernels *image = job->kernels->image;
    int64_t in = job->in.channels, out = job->out.channels;
    struct nn_winograd_block block = {.rows = rows,
                                      .columns = columns,
                                      .tap = in * out,
                                      .row = out,
                                      .plane = BLOCK * BLOCK + 16,
                                      .strip = STRIP,
                                      .strip_size = STRIP * rows};
    if (!job->is_turned) {
        image->winograd_weight(&block, job->weights + c * out + o, job->block);
        return;
    }
    for (int64_t tap = 0; tap < 9; tap++)
        image->transpose(columns, rows,
                         job->weights + (8 - tap) * in * out + o * in + c, in,
                         job->turned + tap * BLOCK * BLOCK, BLOCK);
    block.tap = BLOCK * BLOCK;
    block.row = BLOCK;
    image->winograd_weight(&block, job->turned, job->block);
}

/* sums[., o ...] = or += spread[., c ...] block */
static void
multiply_block(const struct job *job, int64_t c, int64_t rows, int64_t columns)
{
    struct nn_product p = {
        .groups = 1,
        .m = job->in.n,
        .k_outer = 1,
        .k_inner = rows,
        .a_row = job->in.row,
        .a_inner = 1,
        .b_inner = STRIP,
        .c_row = job->out.row,
        .start = c ? NN_START_SELF : NN_START_ZERO,
    };
    for (int64_t plane = 0; plane < PLANES; plane++)
        for (int64_t j = 0; j < columns; j += STRIP) {
            p.n = smaller(STRIP, columns - j);
            p.a = job->spread + plane * job->in.plane + c;
            p.b = job->block + plane * (BLOCK * BLOCK + 16) + j * rows;
            p.c = job->sums + plane * job->out.plane + j;
            job->kernels->product(&p);
        }
}

static void
convolve(struct job *job, int64_t n, const nn_real *x, nn_real *ret_y)
{
    const struct nn_image_kernels *image = job->kernels->image;
    int64_t in = job->in.channels, out = job->out.channels;
    int64_t all = n * job->in.down * job->in.across, at_once = job->in.n;
    bool is_one_block = in <= BLOCK && out <= BLOCK;
    if (is_one_block)
        fill_block(job, 0, in, 0, out);
    for (int64_t t = 0; t < all; t += at_once) {
        job->in.first = job->out.first = t;
        job->in.n = job->out.n = smaller(at_once, all - t);
        image->winograd_image(&job->in, x, job->spread);
        for (int64_t o = 0; o < out; o += BLOCK) {
            int64_t columns = smaller(BLOCK, out - o);
            for (int64_t c = 0; c < in; c += BLOCK) {
                int64_t rows = smaller(BLOCK, in - c);
                if (!is_one_block)
                    fill_block(job, c, rows, o, columns);
                multiply_block(job, c, rows, columns);
            }
            image->winograd_output(&job->out, job->sums, columns,
                                   job->bias ? job->bias + o : NULL, ret_y + o);
        }
    }
}

/* Both sides' tiles; scratch handed out. */
static struct job job_of(const struct nn_kernels *kernels,
                         const struct nn_conv *v,
                         nn_real *scratch)
{
    int64_t tiles = tiles_at_once(v);
    struct job job = {
        .kernels = kernels,
        .in = {.h = v->h,
               .w = v->w,
               .channels = v->c,
               .border = v->padding,
               .down = tiles_in(v->out_h),
               .across = tiles_in(v->out_w),
               .n = tiles,
               .plane = plane_size(tiles, v->c),
               .row = padded(v->c)},
        .out = {.h = v->out_h,
                .w = v->out_w,
                .channels = v->out_c,
                .down = tiles_in(v->out_h),
                .across = tiles_in(v->out_w),
                .n = tiles,
                .plane = plane_size(tiles, v->out_c),
                .row = padded(v->out_c)},
    };
    job.spread = scratch;
    job.sums = job.spread + PLANES * job.in.plane;
    job.block = job.sums + PLANES * job.out.plane;
    job.turned = job.block + block_size();
    return job;
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
    struct job job = job_of(kernels, v, scratch);
    job.weights = weights;
    job.bias = bias;
    /* sums hold one block of columns at a time */
    job.out.row = padded(smaller(BLOCK, v->out_c));
    job.out.plane = plane_size(job.out.n, smaller(BLOCK, v->out_c));
    convolve(&job, n, x, ret_y);
}

static void dx(const struct nn_kernels *kernels,
               const struct nn_conv *v,
               int64_t n,
               const nn_real *weights,
               const nn_real *dy,
               nn_real *ret_dx,
               nn_real *scratch)
{
    struct nn_conv turned = {.h = v->out_h,
                             .w = v->out_w,
                             .c = v->out_c,
                             .out_h = v->h,
                             .out_w = v->w,
                             .out_c = v->c,
                             .padding = 2 - v->padding};
    struct job job = job_of(kernels, &turned, scratch);
    job.weights = weights;
    job.is_turned = true;
    job.out.row = padded(smaller(BLOCK, v->c));
    job.out.plane = plane_size(job.out.n, smaller(BLOCK, v->c));
    convolve(&job, n, dy, ret_dx);
}

/* One block of the weights' gradient from the tiles at hand. */
static void
add_block(const struct job *job, int64_t c, int64_t o, nn_real *acc_dw)
{
    int64_t in = job->in.channels, out = job->out.channels;
    int64_t rows = smaller(BLOCK, in - c), columns = smaller(BLOCK, out - o);
    struct nn_product p = {
        .groups = 1,
        .m = rows,
        .n = columns,
        .k_outer = 1,
        .k_inner = job->in.n,
        .a_row = 1,
        .a_inner = job->in.row,
        .b_inner = job->out.row,
        .c_row = BLOCK,
        .start = NN_START_ZERO,
    };
    for (int64_t plane = 0; plane < PLANES; plane++) {
        p.a = job->spread + plane * job->in.plane + c;
        p.b = job->sums + plane * job->out.plane + o;
        p.c = job->block + plane * (BLOCK * BLOCK + 16);
        job->kernels->product(&p);
    }
    struct nn_winograd_block block = {.rows = rows,
                                      .columns = columns,
                                      .tap = in * out,
                                      .row = out,
                                      .plane = BLOCK * BLOCK + 16,
                                      .strip = BLOCK};
    job->kernels->image->winograd_weight_gradient(&block, job->block,
                                                  acc_dw + c * out + o);
}

static void dw(const struct nn_kernels *kernels,
               const struct nn_conv *v,
               int64_t n,
               const nn_real *x,
               const nn_real *dy,
               nn_real *acc_dw,
               nn_real *scratch)
{
    struct job job = job_of(kernels, v, scratch);
    int64_t all = n * job.in.down * job.in.across, at_once = job.in.n;
    for (int64_t t = 0; t < all; t += at_once) {
        job.in.first = job.out.first = t;
        job.in.n = job.out.n = smaller(at_once, all - t);
        kernels->image->winograd_image(&job.in, x, job.spread);
        kernels->image->winograd_gradient(&job.out, dy, job.sums);
        for (int64_t c = 0; c < v->c; c += BLOCK)
            for (int64_t o = 0; o < v->out_c; o += BLOCK)
                add_block(&job, c, o, acc_dw);
    }
}

const struct nn_conv_way nn_conv_winograd = {
    .is_less = is_less,
    .scratch_bytes = scratch_bytes,
    .forward = forward,
    .dx = dx,
    .dw = dw,
};
