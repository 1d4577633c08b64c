/* The layer plug-in: one file in nn/layers/ and one row in layers.def add a
 * layer (start from nn/layers/TEMPLATE.c.txt).
 *
 * A layer type is a const struct of functions over plain memory. It owns
 * nothing: options are decoded once by its table of struct fl_param, the
 * parameters are a piece of the model's flat vector, and every byte that a
 * call needs (state, scratch) comes from the workspace that asked `infer` how
 * much. Tensors are channels last: an image [h, w, c], a batch [n, h, w, c].
 *
 *     struct nn_layer_info info;
 *     FL_TRY(nn_layer_relu.infer(opts, &input, &info, err));
 *     nn_layer_relu.forward(&call, NULL, x, y);
 *
 * Rules that the conformance test (tests/nn/test_layers.c) checks for every
 * row: forward writes neither parameters nor x; samples of a batch do not see
 * each other (but where the type says sees_batch); gradients agree with finite
 * differences; infer's shape is what forward writes; results do not depend on
 * how a batch is cut into calls.
 */
#ifndef NN_LAYER_H
#define NN_LAYER_H

#include "base/config.h"
#include "nn/real.h"
#include "nn/shape.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NN_LAYER_MAX_TENSORS 16

/* More parameters or outputs than this are refused. */
#define NN_MAX_ELEMENTS ((int64_t)1 << 31)

struct nn_update;  /* nn/optimizer_priv.h */
struct nn_kernels; /* nn/kernels/table_priv.h */

/* How fresh values of a tensor are drawn. */
enum nn_init {
    NN_INIT_FAN_IN,   /* uniform in +-1/sqrt(fan_in): PyTorch's default for
                         Linear and Conv2d */
    NN_INIT_CONSTANT, /* init_value */
    NN_INIT_UNIFORM,  /* in +-init_value */
    NN_INIT_NORMAL,   /* mean 0, standard deviation init_value */
    NN_INIT_LAST_
};

/* A parameter tensor of a layer, in the order of the flat vector. */
struct nn_tensor {
    const char *name; /* "weight" */
    int rank;
    int64_t dim[4];
    int64_t fan_in; /* for NN_INIT_FAN_IN, >= 1 */
    enum nn_init init;
    double init_value;
    /* Kept by the layer's own `finish` (a running mean), never touched by the
     * optimiser; averaged between clients like the rest. Buffers come last. */
    bool is_buffer;
    /* Its axes are in PyTorch's order; else those of rank 2 and 4 are turned on
     * the way to other programs (nn/safetensors.h). */
    bool is_torch_order;
};

/* What a layer makes of an input shape. */
struct nn_layer_info {
    struct nn_shape output;
    int n_tensors;
    struct nn_tensor tensor[NN_LAYER_MAX_TENSORS];
    int64_t macs;                /* multiply-accumulates of a forward pass */
    size_t state_bytes;          /* per sample, kept from forward to backward */
    size_t prepared_bytes;       /* per step: see prepare */
    size_t scratch_bytes;        /* per call, whatever its n */
    size_t scratch_sample_bytes; /* per call and sample */
};

/* What every function of a layer gets; all pointers borrowed. */
struct nn_call {
    const struct nn_kernels *kernels;
    const void *opts;
    const struct nn_shape *input;
    const struct nn_shape *output;
    int64_t n;           /* samples in this call, >= 1 */
    int64_t first;       /* number of its first sample within the batch */
    bool is_training;    /* dropout on */
    uint64_t seed;       /* of this step's random numbers */
    uint64_t layer;      /* number of the layer in its model */
    void *state;         /* [n] of state_bytes */
    void *prepared;      /* prepared_bytes, aligned to 64 */
    const nn_real *with; /* [n, input] of a type with has_with */
    nn_real *ret_dwith;  /* its gradient in backward, or NULL */
    void *scratch;       /* aligned to 64; nothing in it survives a call */
};

/* A test case: options as YAML flow text, e.g. "{kind: relu}". */
struct nn_layer_example {
    const char *yaml;
    struct nn_shape input;
};

struct nn_layer_type {
    const char *name;
    const char *doc;               /* one sentence */
    const struct fl_param *params; /* options; no strings, NULL = none */
    size_t opts_size;

    /* Facts from which nn/plan.c lays out memory and order. */
    bool is_view;      /* y is x with another shape: no functions needed */
    bool can_in_place; /* y may be x, dx may be dy; must not need x */
    bool needs_x;      /* backward reads x */
    bool needs_y;      /* backward reads y */
    bool wants_batch;  /* its weights outweigh its activations */
    bool sees_batch;   /* samples of a batch see each other (batch norm);
                          implies wants_batch */
    bool has_with;     /* reads a second, earlier output of the input's shape,
                          which its user names: {kind: add, with: name} */
    bool takes_tokens; /* x holds token numbers: only as the first layer, on
                          data sets of text, which no other layer may read */
    bool is_random;    /* draws random numbers in training */
    bool is_monotone;  /* elementwise and never decreasing, keeps 0 gradients:
                          may move behind a layer that picks_largest */
    bool picks_largest;

    /* Checks the options against the input and says what comes out.
     * Fails FL_E_CONFIG: "what, found X, allowed Y" (the caller adds where). */
    enum fl_status (*infer)(const void *opts,
                            const struct nn_shape *input,
                            struct nn_layer_info *ret,
                            struct fl_error *err) FL_NODISCARD;

    /* NULL, or: once per step, before the first backward call that wants dx,
     * from the step's parameters into call->prepared (a transposed weight). */
    void (*prepare)(const struct nn_call *call, const nn_real *params);

    /* x [n, input] -> ret_y [n, output], overwritten. */
    void (*forward)(const struct nn_call *call,
                    const nn_real *params,
                    const nn_real *x,
                    nn_real *ret_y);

    /* dy [n, output] -> ret_dx [n, input] overwritten, NULL when nobody wants
     * it; acc_dparams is added to (what belongs to buffers stays as it is). x
     * and y are NULL unless needed. */
    void (*backward)(const struct nn_call *call,
                     const nn_real *params,
                     const nn_real *x,
                     const nn_real *y,
                     const nn_real *dy,
                     nn_real *ret_dx,
                     nn_real *acc_dparams);

    /* NULL, or: backward and the optimiser's update of params in one pass over
     * the weights, for a whole batch; must equal backward followed by
     * nn_update_apply to the bit. */
    void (*backward_update)(const struct nn_call *call,
                            nn_real *params,
                            const nn_real *x,
                            const nn_real *dy,
                            nn_real *ret_dx,
                            const struct nn_update *update);

    /* NULL, or: once per training step, after the optimiser, from what the
     * step left in state into its buffers (tensors with is_buffer). Gradients
     * alone (nn_gradient) do not call it. */
    void (*finish)(const struct nn_call *call, nn_real *params);

    const struct nn_layer_example *examples; /* ends with yaml == NULL */
};

/* FL_OK when 1 <= elements <= NN_MAX_ELEMENTS; else FL_E_CONFIG, "what, found
 * X, allowed Y". For infer functions. */
enum fl_status nn_check_elements(const char *what,
                                 int64_t elements,
                                 struct fl_error *err) FL_NODISCARD;

/* FL_OK when the input is an image; else FL_E_CONFIG. For infer functions. */
enum fl_status nn_check_image(const struct nn_shape *input,
                              struct fl_error *err) FL_NODISCARD;

/* FL_OK when the input is an image and a square window fits into it with its
 * padding; else FL_E_CONFIG. For infer functions. */
enum fl_status nn_check_window(const struct nn_shape *input,
                               int64_t kernel,
                               int64_t padding,
                               struct fl_error *err) FL_NODISCARD;

#endif
