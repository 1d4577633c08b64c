#include "nn/recurrent_priv.h"

#include "nn/kernels/table_priv.h"

#include <math.h>
#include <string.h>

/* A cache line's worth of numbers or more: rows of scratch start on lines, and
 * not a power of two apart, which would crowd them into a few cache sets. */
#define LINE 16

static const char *const results[] = {"last", "sequence", NULL};

const struct fl_param nn_recurrent_params[] = {
    {.key = "units",
     .kind = FL_PARAM_INT,
     .offset = offsetof(struct nn_recurrent_opts, units),
     .min = 1,
     .max = 1 << 16,
     .required = true,
     .doc = "Numbers in the hidden state."},
    {.key = "layers",
     .kind = FL_PARAM_INT,
     .offset = offsetof(struct nn_recurrent_opts, layers),
     .min = 1,
     .max = NN_RECURRENT_MAX_LAYERS,
     .def = "1",
     .doc = "Cells on top of each other; PyTorch's num_layers."},
    {.key = "return",
     .kind = FL_PARAM_ENUM,
     .offset = offsetof(struct nn_recurrent_opts, result),
     .choices = results,
     .def = "last",
     .doc = "The hidden state at the last time, or at all times."},
    {.key = "bias",
     .kind = FL_PARAM_BOOL,
     .offset = offsetof(struct nn_recurrent_opts, bias),
     .def = "true",
     .doc = "Whether to add trained numbers to each gate."},
    {.key = NULL},
};

static int64_t padded(int64_t n)
{
    return (n + LINE - 1) / LINE * LINE + LINE;
}

/* All but n. */
static struct nn_recurrent_sizes sizes_of(const struct nn_cell *cell,
                                          const struct nn_recurrent_opts *opts,
                                          const struct nn_shape *input)
{
    struct nn_recurrent_sizes s = {
        .time = input->dim[0],
        .in = input->dim[1],
        .units = opts->units,
        .layers = opts->layers,
        .wide = cell->gates * opts->units,
    };
    s.kept = s.time * s.wide;
    s.h = s.kept + s.time * s.units;
    s.layer = s.h + s.time * s.units;
    s.sample = s.layer * s.layers;
    s.wide_stride = padded(s.wide);
    s.unit_stride = padded(s.units);
    return s;
}

struct nn_recurrent_sizes nn_recurrent_sizes(const struct nn_cell *cell,
                                             const struct nn_call *call)
{
    struct nn_recurrent_sizes s = sizes_of(cell, call->opts, call->input);
    s.n = call->n;
    return s;
}

struct nn_recurrent_input
nn_recurrent_input_of(const struct nn_recurrent_sizes *sizes,
                      const struct nn_call *call,
                      const nn_real *x,
                      int64_t index)
{
    if (index == 0)
        return (struct nn_recurrent_input){x, sizes->in,
                                           sizes->time * sizes->in};
    const nn_real *state = call->state;
    return (struct nn_recurrent_input){state + (index - 1) * sizes->layer +
                                           sizes->h,
                                       sizes->units, sizes->sample};
}

struct nn_recurrent_offsets
nn_recurrent_offsets_of(const struct nn_recurrent_sizes *sizes,
                        const struct nn_recurrent_opts *opts,
                        int64_t index)
{
    int64_t at = 0, in = sizes->in;
    struct nn_recurrent_offsets o = {0, 0, -1, -1, 0};
    for (int64_t i = 0; i <= index; i++) {
        o.weight_ih = at;
        o.weight_hh = o.weight_ih + in * sizes->wide;
        at = o.weight_hh + sizes->units * sizes->wide;
        if (opts->bias) {
            o.bias_ih = at;
            o.bias_hh = o.bias_ih + sizes->wide;
            at = o.bias_hh + sizes->wide;
        }
        o.end = at;
        in = sizes->units;
    }
    return o;
}

static void list_tensors(const struct nn_recurrent_sizes *s,
                         const struct nn_recurrent_opts *o,
                         struct nn_layer_info *ret)
{
    static const char *const names[NN_RECURRENT_MAX_LAYERS][4] = {
        {"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"},
        {"weight_ih_l1", "weight_hh_l1", "bias_ih_l1", "bias_hh_l1"},
        {"weight_ih_l2", "weight_hh_l2", "bias_ih_l2", "bias_hh_l2"},
        {"weight_ih_l3", "weight_hh_l3", "bias_ih_l3", "bias_hh_l3"},
    };
    for (int64_t i = 0; i < s->layers; i++)
        for (int t = 0; t < (o->bias ? 4 : 2); t++) {
            int64_t rows = i == 0 && t == 0 ? s->in : s->units;
            struct nn_tensor *tensor = &ret->tensor[ret->n_tensors++];
            *tensor = (struct nn_tensor){
                .name = names[i][t],
                .rank = t < 2 ? 2 : 1,
                .dim = {t < 2 ? rows : s->wide, t < 2 ? s->wide : 0},
                .fan_in = s->units,
                .init = NN_INIT_UNIFORM,
                .init_value = 1 / sqrt((double)s->units),
            };
        }
}
_Static_assert(NN_LAYER_MAX_TENSORS >= 4 * NN_RECURRENT_MAX_LAYERS,
               "all tensors fit");

enum fl_status nn_recurrent_infer(const struct nn_cell *cell,
                                  const struct nn_recurrent_opts *opts,
                                  const struct nn_shape *input,
                                  struct nn_layer_info *ret,
                                  struct fl_error *err)
{
    if (input->rank != 2) {
        char text[64];
        nn_shape_text(input, text);
        return fl_fail(err, FL_E_CONFIG,
                       "input, found %s, allowed times x numbers (put embedding"
                       " or sequence before)",
                       text);
    }
    struct nn_recurrent_sizes s = sizes_of(cell, opts, input);
    struct nn_recurrent_offsets last =
        nn_recurrent_offsets_of(&s, opts, s.layers - 1);
    FL_TRY(nn_check_elements("parameters", last.end, err));
    FL_TRY(nn_check_elements("numbers kept of a sample", s.sample, err));
    bool is_last = opts->result == NN_RETURN_LAST;
    *ret = (struct nn_layer_info){
        .output = is_last ? (struct nn_shape){1, {s.units}}
                          : (struct nn_shape){2, {s.time, s.units}},
        .state_bytes = (size_t)s.sample * sizeof(nn_real),
    };
    list_tensors(&s, opts, ret);
    int64_t all_in = s.in + (s.layers - 1) * s.units;
    ret->macs = s.time * s.wide * (all_in + s.layers * s.units);
    /* both weights in panels, either way round, and zeros */
    int64_t in = s.in > s.units ? s.in : s.units;
    int64_t there = nn_panels(s.wide) * NN_PANEL * (in + s.units);
    int64_t back = (nn_panels(in) + nn_panels(s.units)) * NN_PANEL * s.wide;
    int64_t panels = there > back ? there : back;
    ret->scratch_bytes = (size_t)(panels + s.unit_stride) * sizeof(nn_real);
    /* backward's rows and panels, which are more than forward's rows */
    int64_t sides = cell->is_split ? 2 : 1;
    int64_t sample =
        sides * (s.wide_stride + nn_panels(s.wide) * NN_PANEL * s.time) +
        2 * s.unit_stride + (s.layers > 1 ? s.time * s.units : 0);
    ret->scratch_sample_bytes = (size_t)sample * sizeof(nn_real);
    return FL_OK;
}

/* Scratch of a forward call. */
struct there {
    nn_real *zeros, *weight_ih, *weight_hh;
    nn_real *hidden; /* [n] rows of wide: h_(t-1)'s part */
    nn_real *h;      /* [n] rows of units: h_(t-1) */
};

static struct there there_of(const struct nn_recurrent_sizes *s,
                             const struct nn_call *call)
{
    int64_t in = s->in > s->units ? s->in : s->units;
    int64_t rows = nn_panels(s->wide) * NN_PANEL;
    struct there w = {.zeros = call->scratch};
    w.weight_ih = w.zeros + s->unit_stride;
    w.weight_hh = w.weight_ih + rows * in;
    w.hidden = w.weight_hh + rows * s->units;
    w.h = w.hidden + s->n * s->wide_stride;
    memset(w.zeros, 0, (size_t)s->unit_stride * sizeof *w.zeros);
    return w;
}

/* The input's part of all gates at all times, into the state; a few samples
 * after the other. */
static void input_part(const struct nn_recurrent_sizes *s,
                       const struct nn_call *call,
                       const struct nn_recurrent_input *in,
                       const nn_real *weight_ih,
                       const nn_real *bias,
                       nn_real *state)
{
    struct nn_product p = {
        .m = s->time,
        .n = s->wide,
        .k_outer = 1,
        .k_inner = in->width,
        .a_group = in->stride,
        .a_row = in->width,
        .a_inner = 1,
        .b = weight_ih,
        .c_group = s->sample,
        .c_row = s->wide,
        .bias = bias,
        .start = bias ? NN_START_BIAS : NN_START_ZERO,
    };
    int64_t chunk = NN_PANEL_REUSED / (s->time * (in->width + s->wide));
    chunk = chunk < 1 ? 1 : chunk;
    for (int64_t b = 0; b < s->n; b += chunk) {
        p.groups = s->n - b < chunk ? s->n - b : chunk;
        p.a = in->x + b * in->stride;
        p.c = state + b * s->sample;
        nn_panels_product(call->kernels, &p, in->width);
    }
}

/* The part of h_(t-1), which is 0 at the first time. */
static void hidden_part(const struct nn_recurrent_sizes *s,
                        const struct nn_call *call,
                        const struct there *w,
                        const nn_real *bias,
                        int64_t t)
{
    size_t row_bytes = (size_t)s->wide * sizeof *w->hidden;
    if (t == 0) {
        for (int64_t b = 0; b < s->n; b++) {
            nn_real *row = w->hidden + b * s->wide_stride;
            if (bias)
                memcpy(row, bias, row_bytes);
            else
                memset(row, 0, row_bytes);
        }
        return;
    }
    struct nn_product p = {
        .groups = 1,
        .m = s->n,
        .n = s->wide,
        .k_outer = 1,
        .k_inner = s->units,
        .a = w->h,
        .a_row = s->unit_stride,
        .a_inner = 1,
        .b = w->weight_hh,
        .c = w->hidden,
        .c_row = s->wide_stride,
        .bias = bias,
        .start = bias ? NN_START_BIAS : NN_START_ZERO,
    };
    nn_panels_product(call->kernels, &p, s->units);
}

/* All samples' cells at time t. */
static void step_cells(const struct nn_cell *cell,
                       const struct nn_recurrent_sizes *s,
                       const struct nn_call *call,
                       const struct there *w,
                       nn_real *state,
                       int64_t t)
{
    for (int64_t b = 0; b < s->n; b++) {
        nn_real *kept = state + b * s->sample + s->kept + t * s->units;
        nn_real *h = state + b * s->sample + s->h + t * s->units;
        const nn_real *before = cell->carries_kept ? kept : h;
        struct nn_cell_step step = {
            .units = s->units,
            .gates = state + b * s->sample + t * s->wide,
            .hidden = w->hidden + b * s->wide_stride,
            .before = t ? before - s->units : w->zeros,
            .kept = kept,
            .h = h,
        };
        cell->step(call->kernels, &step);
        memcpy(w->h + b * s->unit_stride, h, (size_t)s->units * sizeof *h);
    }
}

void nn_recurrent_forward(const struct nn_cell *cell,
                          const struct nn_call *call,
                          const nn_real *params,
                          const nn_real *x,
                          nn_real *ret_y)
{
    const struct nn_recurrent_opts *opts = call->opts;
    struct nn_recurrent_sizes s = nn_recurrent_sizes(cell, call);
    struct there w = there_of(&s, call);
    nn_real *state = call->state;
    for (int64_t i = 0; i < s.layers; i++, state += s.layer) {
        struct nn_recurrent_offsets o = nn_recurrent_offsets_of(&s, opts, i);
        struct nn_recurrent_input in = nn_recurrent_input_of(&s, call, x, i);
        nn_panels_pack(in.width, s.wide, params + o.weight_ih, w.weight_ih);
        nn_panels_pack(s.units, s.wide, params + o.weight_hh, w.weight_hh);
        input_part(&s, call, &in, w.weight_ih,
                   opts->bias ? params + o.bias_ih : NULL, state);
        for (int64_t t = 0; t < s.time; t++) {
            hidden_part(&s, call, &w, opts->bias ? params + o.bias_hh : NULL,
                        t);
            step_cells(cell, &s, call, &w, state, t);
        }
    }
    bool is_last = opts->result == NN_RETURN_LAST;
    int64_t from = is_last ? s.time - 1 : 0, out = (s.time - from) * s.units;
    const nn_real *h = state - s.layer + s.h + from * s.units;
    for (int64_t b = 0; b < s.n; b++)
        memcpy(ret_y + b * out, h + b * s.sample, (size_t)out * sizeof *h);
}
