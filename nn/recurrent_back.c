#include "nn/recurrent_priv.h"

#include "nn/kernels/table_priv.h"

#include <string.h>

/* Products with a long k take it in blocks of about so many, whose panel (32
 * KiB) stays in an L1 cache while the rows go by. */
#define K_BLOCK 256

/* Scratch of a backward call. */
struct back {
    nn_real *zeros;
    nn_real *weight_ih, *weight_hh;    /* transposed, in panels */
    nn_real *dgates, *dhidden;         /* [n] rows of wide, one time */
    nn_real *dh, *dc;                  /* [n] rows of units */
    nn_real *dgates_all, *dhidden_all; /* panels of n * time rows */
    nn_real *dbelow; /* [n, time, units]: of the layer below */
};

static struct back back_of(const struct nn_cell *cell,
                           const struct nn_recurrent_sizes *s,
                           const struct nn_call *call)
{
    int64_t in = s->in > s->units ? s->in : s->units;
    int64_t all = nn_panels(s->wide) * NN_PANEL * s->n * s->time;
    struct back w = {.zeros = call->scratch};
    w.weight_ih = w.zeros + s->unit_stride;
    w.weight_hh = w.weight_ih + nn_panels(in) * NN_PANEL * s->wide;
    w.dgates_all = w.weight_hh + nn_panels(s->units) * NN_PANEL * s->wide;
    w.dhidden_all = cell->is_split ? w.dgates_all + all : w.dgates_all;
    w.dgates = w.dhidden_all + all;
    w.dhidden = cell->is_split ? w.dgates + s->n * s->wide_stride : w.dgates;
    w.dh = w.dhidden + s->n * s->wide_stride;
    w.dc = w.dh + s->n * s->unit_stride;
    w.dbelow = w.dc + s->n * s->unit_stride;
    memset(w.zeros, 0, (size_t)s->unit_stride * sizeof *w.zeros);
    return w;
}

/* One layer of the stack on its way back. */
struct pass {
    const struct nn_cell *cell;
    const struct nn_call *call;
    struct nn_recurrent_sizes s;
    struct back w;
    const nn_real *state; /* of the first sample, this layer */
    /* dL/dh of the times from `first` on; samples `stride` apart. */
    const nn_real *dy;
    int64_t first, stride;
};

static void add(int64_t n, const nn_real *x, nn_real *acc)
{
    for (int64_t i = 0; i < n; i++)
        acc[i] += x[i];
}

/* All samples' cells at time t: gradients before the gates' functions. */
static void back_cells(const struct pass *p, int64_t t)
{
    const struct nn_recurrent_sizes *s = &p->s;
    for (int64_t b = 0; b < s->n; b++) {
        const nn_real *state = p->state + b * s->sample;
        const nn_real *kept = state + s->kept + t * s->units;
        const nn_real *h = state + s->h + t * s->units;
        const nn_real *before = p->cell->carries_kept ? kept : h;
        nn_real *dh = p->w.dh + b * s->unit_stride;
        if (t >= p->first)
            add(s->units, p->dy + b * p->stride + (t - p->first) * s->units,
                dh);
        struct nn_cell_back back = {
            .units = s->units,
            .gates = state + t * s->wide,
            .before = t ? before - s->units : p->w.zeros,
            .kept = kept,
            .dh = dh,
            .dc = p->w.dc + b * s->unit_stride,
            .dgates = p->w.dgates + b * s->wide_stride,
            .dhidden = p->w.dhidden + b * s->wide_stride,
        };
        p->cell->back(p->call->kernels, &back);
    }
}

/* Keeps the gates' gradients of time t for the products over all times. */
static void keep_rows(const struct pass *p, int64_t t)
{
    const struct nn_recurrent_sizes *s = &p->s;
    int64_t rows = s->n * s->time;
    for (int64_t b = 0; b < s->n; b++) {
        int64_t row = b * s->time + t;
        nn_panels_put_row(rows, s->wide, row, p->w.dgates + b * s->wide_stride,
                          p->w.dgates_all);
        if (p->cell->is_split)
            nn_panels_put_row(rows, s->wide, row,
                              p->w.dhidden + b * s->wide_stride,
                              p->w.dhidden_all);
    }
}

static void
add_biases(const struct pass *p, nn_real *acc_bias_ih, nn_real *acc_bias_hh)
{
    const struct nn_recurrent_sizes *s = &p->s;
    for (int64_t b = 0; b < s->n; b++) {
        add(s->wide, p->w.dgates + b * s->wide_stride, acc_bias_ih);
        add(s->wide, p->w.dhidden + b * s->wide_stride, acc_bias_hh);
    }
}

/* dh of the time before: dhidden weight_hh^T. */
static void back_in_time(const struct pass *p)
{
    const struct nn_recurrent_sizes *s = &p->s;
    struct nn_product product = {
        .groups = 1,
        .m = s->n,
        .n = s->units,
        .k_outer = 1,
        .k_inner = s->wide,
        .a = p->w.dhidden,
        .a_row = s->wide_stride,
        .a_inner = 1,
        .b = p->w.weight_hh,
        .c = p->w.dh,
        .c_row = s->unit_stride,
        .start = p->cell->is_split ? NN_START_SELF : NN_START_ZERO,
    };
    nn_panels_product(p->call->kernels, &product, s->wide);
}

/* acc_dw += a^T d over the last `times` times of all samples, with d in panels
 * of all rows and a's rows `width` long, samples `stride` apart. */
static void weight_gradient(const struct pass *p,
                            const nn_real *a,
                            int64_t width,
                            int64_t stride,
                            int64_t times,
                            const nn_real *d,
                            nn_real *acc_dw)
{
    const struct nn_recurrent_sizes *s = &p->s;
    if (times == 0)
        return;
    int64_t block = times < K_BLOCK ? K_BLOCK / times : 1;
    for (int64_t b = 0; b < s->n; b += block) {
        struct nn_product product = {
            .groups = 1,
            .m = width,
            .n = s->wide,
            .k_outer = s->n - b < block ? s->n - b : block,
            .k_inner = times,
            .a = a + b * stride,
            .a_row = 1,
            .a_outer = stride,
            .a_inner = width,
            .b = d + ((b + 1) * s->time - times) * NN_PANEL,
            .b_outer = s->time * NN_PANEL,
            .c = acc_dw,
            .c_row = s->wide,
            .start = NN_START_SELF,
        };
        nn_panels_product(p->call->kernels, &product, s->n * s->time);
    }
}

/* The product p, a few rows after the other. */
static void product_by_rows(const struct pass *p,
                            const struct nn_product *product,
                            int64_t k)
{
    int64_t chunk = NN_PANEL_REUSED / (product->k_outer * product->k_inner);
    struct nn_product part = *product;
    for (int64_t row = 0; row < product->m; row += chunk) {
        part.m = product->m - row < chunk ? product->m - row : chunk;
        part.a = product->a + row * product->a_row;
        part.c = product->c + row * product->c_row;
        nn_panels_product(p->call->kernels, &part, k);
    }
}

/* dx [n, time, width] = dgates weight_ih^T. A panel of dgates holds NN_PANEL
 * steps of k; several make a block. */
static void input_gradient(const struct pass *p, int64_t width, nn_real *ret_dx)
{
    const struct nn_recurrent_sizes *s = &p->s;
    int64_t rows = s->n * s->time;
    struct nn_product product = {
        .groups = 1,
        .m = rows,
        .n = width,
        .a_row = NN_PANEL,
        .a_outer = rows * NN_PANEL,
        .a_inner = 1,
        .b_outer = NN_PANEL * NN_PANEL,
        .c = ret_dx,
        .c_row = width,
        .start = NN_START_ZERO,
    };
    for (int64_t k = 0; k < s->wide;) {
        int64_t rest = s->wide - k;
        product.k_outer = rest < K_BLOCK ? rest / NN_PANEL : K_BLOCK / NN_PANEL;
        product.k_inner = NN_PANEL;
        if (product.k_outer == 0) {
            product.k_outer = 1;
            product.k_inner = rest;
        }
        product.a = p->w.dgates_all + k * rows;
        product.b = p->w.weight_ih + k * NN_PANEL;
        product_by_rows(p, &product, s->wide);
        product.start = NN_START_SELF;
        k += product.k_outer * product.k_inner;
    }
}

/* From dL/dh of the layer's sequence to all that the products need. */
static void back_through_time(const struct pass *p,
                              const struct nn_recurrent_offsets *o,
                              nn_real *acc_dparams)
{
    const struct nn_recurrent_sizes *s = &p->s;
    const struct nn_recurrent_opts *opts = p->call->opts;
    size_t bytes = (size_t)(s->n * s->unit_stride) * sizeof *p->w.dh;
    memset(p->w.dh, 0, bytes);
    memset(p->w.dc, 0, bytes);
    for (int64_t t = s->time; t-- > 0;) {
        back_cells(p, t);
        keep_rows(p, t);
        if (opts->bias)
            add_biases(p, acc_dparams + o->bias_ih, acc_dparams + o->bias_hh);
        if (t > 0)
            back_in_time(p);
    }
}

void nn_recurrent_backward(const struct nn_cell *cell,
                           const struct nn_call *call,
                           const nn_real *params,
                           const nn_real *x,
                           const nn_real *dy,
                           nn_real *ret_dx,
                           nn_real *acc_dparams)
{
    const struct nn_recurrent_opts *opts = call->opts;
    struct pass p = {.cell = cell,
                     .call = call,
                     .s = nn_recurrent_sizes(cell, call),
                     .dy = dy};
    const struct nn_recurrent_sizes *s = &p.s;
    p.w = back_of(cell, s, call);
    p.first = opts->result == NN_RETURN_LAST ? s->time - 1 : 0;
    p.stride = (s->time - p.first) * s->units;
    for (int64_t i = s->layers; i-- > 0;) {
        struct nn_recurrent_offsets o = nn_recurrent_offsets_of(s, opts, i);
        struct nn_recurrent_input in = nn_recurrent_input_of(s, call, x, i);
        p.state = (const nn_real *)call->state + i * s->layer;
        nn_panels_pack_transposed(s->wide, s->units, params + o.weight_hh,
                                  p.w.weight_hh);
        back_through_time(&p, &o, acc_dparams);
        weight_gradient(&p, in.x, in.width, in.stride, s->time, p.w.dgates_all,
                        acc_dparams + o.weight_ih);
        weight_gradient(&p, p.state + s->h, s->units, s->sample, s->time - 1,
                        p.w.dhidden_all, acc_dparams + o.weight_hh);
        nn_real *dx = i ? p.w.dbelow : ret_dx;
        if (!dx)
            return;
        nn_panels_pack_transposed(s->wide, in.width, params + o.weight_ih,
                                  p.w.weight_ih);
        input_gradient(&p, in.width, dx);
        p.dy = dx;
        p.first = 0;
        p.stride = s->time * s->units;
    }
}
