/* What the recurrent layers share: time, stacking, products, memory. A cell
 * (nn/layers/lstm.c, gru.c) adds its gates' formulas, one kernel each way.
 *
 * x [T, C] goes through `layers` cells of H units, each reading what the one
 * below it said at the same time; out comes the top one's h, of the last time
 * [H] or of all [T, H]. All hidden states start at 0. With G gates, per layer:
 *
 *   weight_ih [in, G H], weight_hh [H, G H], bias_ih [G H], bias_hh [G H]
 *
 * (PyTorch keeps both weights transposed), each initially uniform in
 * +-1/sqrt(H). At every time a cell gets x_t weight_ih + bias_ih and, apart,
 * h_(t-1) weight_hh + bias_hh.
 *
 * The input's part of all times is one product, as are both weights' gradients
 * and the input's; only h_(t-1) weight_hh and its way back go time by time,
 * with a batch's samples as rows. Weights and gradients of gates are laid out
 * in panels of NN_PANEL columns, so that what a product reads is contiguous.
 */
#ifndef NN_RECURRENT_PRIV_H
#define NN_RECURRENT_PRIV_H

#include "nn/layer.h"

#define NN_RECURRENT_MAX_LAYERS 4

enum nn_recurrent_return { NN_RETURN_LAST, NN_RETURN_SEQUENCE };

struct nn_recurrent_opts {
    int64_t units;
    int64_t layers;
    int result; /* enum nn_recurrent_return */
    bool bias;
};
extern const struct fl_param nn_recurrent_params[];

/* One sample's step in time. Rows of G H numbers are gate by gate. */
struct nn_cell_step {
    int64_t units;
    nn_real *gates;        /* in: the input's part; out: the gates' values */
    const nn_real *hidden; /* h_(t-1)'s part */
    const nn_real *before; /* LSTM: c_(t-1); GRU: h_(t-1) */
    nn_real *kept;         /* out: LSTM: c; GRU: h_(t-1)'s part of gate n */
    nn_real *h;            /* out */
};

/* The way back: gates, before and kept as the step left them. */
struct nn_cell_back {
    int64_t units;
    const nn_real *gates;
    const nn_real *before;
    const nn_real *kept;
    nn_real *dh;      /* in; GRU: out: what goes to h_(t-1) past the gates */
    nn_real *dc;      /* LSTM: in: of c; out: of c_(t-1) */
    nn_real *dgates;  /* out: of the input's part, before the functions */
    nn_real *dhidden; /* GRU: out: of h_(t-1)'s part; LSTM: the same numbers,
                         nothing is written */
};

/* A kernel table's cells (nn/kernels/gates_priv.h). */
struct nn_cell_kernels {
    void (*lstm)(const struct nn_cell_step *s);
    void (*lstm_back)(const struct nn_cell_back *s);
    void (*gru)(const struct nn_cell_step *s);
    void (*gru_back)(const struct nn_cell_back *s);
};

struct nn_cell {
    int64_t gates;
    bool carries_kept; /* before is kept of the time before, else its h */
    bool is_split;     /* dhidden differs from dgates; dh is written */
    void (*step)(const struct nn_kernels *kernels,
                 const struct nn_cell_step *s);
    void (*back)(const struct nn_kernels *kernels,
                 const struct nn_cell_back *s);
};

/* A layer's infer, forward and backward (needs x, wants the batch). */
enum fl_status nn_recurrent_infer(const struct nn_cell *cell,
                                  const struct nn_recurrent_opts *opts,
                                  const struct nn_shape *input,
                                  struct nn_layer_info *ret,
                                  struct fl_error *err) FL_NODISCARD;
void nn_recurrent_forward(const struct nn_cell *cell,
                          const struct nn_call *call,
                          const nn_real *params,
                          const nn_real *x,
                          nn_real *ret_y);
void nn_recurrent_backward(const struct nn_cell *cell,
                           const struct nn_call *call,
                           const nn_real *params,
                           const nn_real *x,
                           const nn_real *dy,
                           nn_real *ret_dx,
                           nn_real *acc_dparams);

/* --- for nn/recurrent*.c alone ------------------------------------------- */

#define NN_PANEL 32 /* two vectors of the widest instruction set */
/* Rows of A and C that every panel of a product comes back to: 256 KiB of them
 * at a time, which is half of a small L2 cache. */
#define NN_PANEL_REUSED ((int64_t)1 << 16)

/* Panels that so many columns need. */
int64_t nn_panels(int64_t columns);

/* B [k, n] as panels [nn_panels(n)][k][NN_PANEL]; columns beyond n are not
 * written (and never read). Transposed: from is [n, k]. */
void nn_panels_pack(int64_t k, int64_t n, const nn_real *from, nn_real *to);
void nn_panels_pack_transposed(int64_t k,
                               int64_t n,
                               const nn_real *from,
                               nn_real *to);
/* Row `row` of panels with k rows each. */
void nn_panels_put_row(
    int64_t k, int64_t n, int64_t row, const nn_real *from, nn_real *to);

struct nn_product;
/* p with B in panels of k rows each; p->b is the first row read. */
void nn_panels_product(const struct nn_kernels *kernels,
                       const struct nn_product *p,
                       int64_t k);

/* Sizes of a call; numbers, not bytes. */
struct nn_recurrent_sizes {
    int64_t n, time, in, units, layers;
    int64_t wide;        /* gates * units */
    int64_t sample;      /* of the state of one sample, all layers */
    int64_t layer;       /* the same, one layer */
    int64_t kept, h;     /* where they start in it, behind the gates */
    int64_t wide_stride; /* rows of scratch, apart from powers of two */
    int64_t unit_stride;
};

struct nn_recurrent_sizes nn_recurrent_sizes(const struct nn_cell *cell,
                                             const struct nn_call *call);

/* What enters layer `index` of the stack: samples `stride` apart. */
struct nn_recurrent_input {
    const nn_real *x;
    int64_t width, stride;
};
struct nn_recurrent_input
nn_recurrent_input_of(const struct nn_recurrent_sizes *sizes,
                      const struct nn_call *call,
                      const nn_real *x,
                      int64_t index);

/* Where layer `index` has its parameters; biases -1 when there are none. */
struct nn_recurrent_offsets {
    int64_t weight_ih, weight_hh, bias_ih, bias_hh, end;
};
struct nn_recurrent_offsets
nn_recurrent_offsets_of(const struct nn_recurrent_sizes *sizes,
                        const struct nn_recurrent_opts *opts,
                        int64_t index);

#endif
