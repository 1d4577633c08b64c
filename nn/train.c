#include "nn/train.h"

#include "nn/kernels_priv.h"
#include "nn/loss_priv.h"
#include "nn/plan_priv.h"
#include "nn/sgd_priv.h"

#include "base/alloc.h"
#include "base/arena.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

struct nn_workspace {
    struct fl_arena arena; /* everything that a step touches */
    struct nn_plan plan;
    const struct nn_kernels *kernels;
    int64_t max_batch;
    int64_t classes;
    int64_t n_params;
    nn_real *between[2]; /* gradients at the borders of segments */
    nn_real *inner[2];   /* gradients inside a segment */
    void *scratch;
};

/* The data of one step as its calls need it. */
struct pass {
    const nn_real *x;
    int64_t n;
    bool is_training;
    uint64_t seed;
};

/* Where gradients go: added to grad, or, with an update, into params. */
struct sink {
    nn_real *grad;   /* the flat vector, or NULL */
    nn_real *params; /* with update */
    const struct nn_sgd_update *update;
};

/* Takes from the arena, or only counts when there is none yet. */
struct taker {
    struct fl_arena *arena;
    size_t bytes;
};

static void *take(struct taker *taker, int64_t n, size_t size)
{
    taker->bytes += fl_arena_bytes((size_t)n, size);
    return taker->arena ? fl_arena_take(taker->arena, (size_t)n, size) : NULL;
}

static void
take_step(struct taker *taker, struct nn_step *step, int64_t chunk, int64_t max)
{
    const struct nn_layer_info *info = &step->layer->info;
    if (step->is_in_place)
        step->y = step[-1].y;
    else
        step->y = take(taker, (step->is_kept ? max : chunk) * step->out_size,
                       sizeof(nn_real));
    step->state = take(taker, max, info->state_bytes);
    step->prepared = take(taker, 1, info->prepared_bytes);
    step->grad = NULL;
    if (step->layer->n_params && !step->layer->type->backward_update)
        step->grad = take(taker, step->layer->n_params, sizeof(nn_real));
}

static void take_all(struct taker *taker, struct nn_workspace *ws)
{
    struct nn_plan *plan = &ws->plan;
    for (size_t i = 0; i < plan->n_segments; i++) {
        const struct nn_segment *segment = &plan->segments[i];
        for (size_t s = segment->first; s < segment->end; s++)
            take_step(taker, &plan->steps[s], segment->chunk, ws->max_batch);
    }
    for (int i = 0; i < 2; i++) {
        ws->between[i] =
            take(taker, plan->boundary_size * ws->max_batch, sizeof(nn_real));
        ws->inner[i] = take(taker, plan->inner_numbers, sizeof(nn_real));
    }
    ws->scratch = take(taker, 1, plan->scratch_bytes);
}

enum fl_status nn_workspace_create(const struct nn_model *model,
                                   int64_t max_batch,
                                   struct nn_workspace **ret,
                                   struct fl_error *err)
{
    if (max_batch < 1 || max_batch > 1 << 20)
        return fl_fail(err, FL_E_ARG,
                       "workspace: batch, found %" PRId64
                       ", allowed [1, 1048576]",
                       max_batch);
    struct nn_workspace *ws = fl_calloc(1, sizeof *ws);
    if (!ws)
        return fl_fail(err, FL_E_NOMEM, "out of memory: workspace");
    ws->kernels = nn_kernels_best();
    ws->max_batch = max_batch;
    ws->classes = nn_model_classes(model);
    ws->n_params = nn_model_n_params(model);
    enum fl_status status = nn_plan_init(&ws->plan, model, max_batch, err);
    if (status != FL_OK)
        goto out;
    struct taker count = {.arena = NULL};
    take_all(&count, ws);
    status = fl_arena_init(&ws->arena, count.bytes, err);
    if (status != FL_OK)
        goto out;
    struct taker taker = {.arena = &ws->arena};
    take_all(&taker, ws);
    assert(ws->scratch);
    (void)nn_blas_kernel(); /* one BLAS thread from here on */
    *ret = ws;
    return FL_OK;
out:
    nn_workspace_destroy(ws);
    return status;
}

void nn_workspace_destroy(struct nn_workspace *ws)
{
    if (!ws)
        return;
    nn_plan_fini(&ws->plan);
    fl_arena_fini(&ws->arena);
    fl_free(ws);
}

void nn_workspace_use_kernels(struct nn_workspace *ws,
                              const struct nn_kernels *kernels)
{
    ws->kernels = kernels;
}

size_t nn_workspace_bytes(const struct nn_workspace *ws)
{
    return sizeof *ws + ws->arena.size_bytes +
           ws->plan.n_steps * sizeof *ws->plan.steps +
           ws->plan.n_segments * sizeof *ws->plan.segments;
}

static struct nn_call call_of(const struct nn_workspace *ws,
                              const struct nn_step *step,
                              const struct pass *pass,
                              int64_t first,
                              int64_t n)
{
    size_t state = step->layer->info.state_bytes;
    return (struct nn_call){
        .kernels = ws->kernels,
        .opts = step->layer->opts,
        .input = &step->input,
        .output = &step->output,
        .n = n,
        .first = first,
        .is_training = pass->is_training,
        .seed = pass->seed,
        .layer = step->layer_index,
        .state = state ? step->state + (size_t)first * state : NULL,
        .prepared = step->prepared,
        .scratch = ws->scratch,
    };
}

/* Where sample `first` of a step's output is. */
static nn_real *output_at(const struct nn_step *step, int64_t first)
{
    return step->y + (step->is_kept ? first * step->out_size : 0);
}

static const nn_real *input_at(const struct nn_workspace *ws,
                               const struct nn_step *step,
                               const struct pass *pass,
                               int64_t first)
{
    if (step == ws->plan.steps)
        return pass->x + first * step->in_size;
    return output_at(step - 1, first);
}

/* Returns the logits. */
static const nn_real *
run_forward(struct nn_workspace *ws, const nn_real *params, struct pass *pass)
{
    struct nn_plan *plan = &ws->plan;
    for (size_t i = 0; i < plan->n_segments; i++) {
        const struct nn_segment *segment = &plan->segments[i];
        for (int64_t b = 0; b < pass->n; b += segment->chunk) {
            int64_t rest = pass->n - b;
            int64_t n = rest < segment->chunk ? rest : segment->chunk;
            for (size_t s = segment->first; s < segment->end; s++) {
                const struct nn_step *step = &plan->steps[s];
                struct nn_call call = call_of(ws, step, pass, b, n);
                step->layer->type->forward(
                    &call, params + step->layer->param_offset,
                    input_at(ws, step, pass, b), output_at(step, b));
            }
        }
    }
    return plan->steps[plan->n_steps - 1].y;
}

/* One chunk of a segment, last step first; dy and ret_dx start at sample b. */
static void backward_chunk(struct nn_workspace *ws,
                           const struct nn_segment *segment,
                           const nn_real *params,
                           const struct pass *pass,
                           int64_t b,
                           nn_real *dy,
                           nn_real *ret_dx,
                           nn_real *grad)
{
    int64_t rest = pass->n - b;
    int64_t n = rest < segment->chunk ? rest : segment->chunk;
    for (size_t s = segment->end; s-- > segment->first;) {
        const struct nn_step *step = &ws->plan.steps[s];
        const struct nn_layer *layer = step->layer;
        const struct nn_layer_type *type = layer->type;
        nn_real *dx = NULL;
        if (step->wants_dx)
            dx = step->is_in_place     ? dy
                 : s == segment->first ? ret_dx
                 : dy == ws->inner[0]  ? ws->inner[1]
                                       : ws->inner[0];
        struct nn_call call = call_of(ws, step, pass, b, n);
        type->backward(&call, params + layer->param_offset,
                       type->needs_x ? input_at(ws, step, pass, b) : NULL,
                       type->needs_y ? output_at(step, b) : NULL, dy, dx,
                       grad ? grad + layer->param_offset : step->grad);
        if (!dx)
            return; /* nothing below learns */
        dy = dx;
    }
}

/* A segment whose only learning step updates itself in one pass. */
static bool updates_itself(const struct nn_plan *plan,
                           const struct nn_segment *segment)
{
    return plan->steps[segment->first].layer->type->backward_update != NULL;
}

static struct nn_sgd_update update_at(const struct nn_sgd_update *update,
                                      int64_t offset)
{
    return (struct nn_sgd_update){
        .kernels = update->kernels,
        .opts = update->opts,
        .velocity = update->velocity ? update->velocity + offset : NULL,
        .anchor = update->anchor ? update->anchor + offset : NULL,
    };
}

/* Elementwise steps behind the first one, then both passes of the first. */
static void backward_and_update(struct nn_workspace *ws,
                                const struct nn_segment *segment,
                                const struct pass *pass,
                                nn_real *dy,
                                nn_real *ret_dx,
                                const struct sink *sink)
{
    assert(segment->chunk >= pass->n);
    for (size_t s = segment->end; --s > segment->first;) {
        const struct nn_step *step = &ws->plan.steps[s];
        const struct nn_layer_type *type = step->layer->type;
        struct nn_call call = call_of(ws, step, pass, 0, pass->n);
        type->backward(&call, NULL, NULL, type->needs_y ? step->y : NULL, dy,
                       dy, NULL);
    }
    const struct nn_step *step = &ws->plan.steps[segment->first];
    int64_t offset = step->layer->param_offset;
    struct nn_call call = call_of(ws, step, pass, 0, pass->n);
    struct nn_sgd_update update = update_at(sink->update, offset);
    step->layer->type->backward_update(&call, sink->params + offset,
                                       input_at(ws, step, pass, 0), dy,
                                       step->wants_dx ? ret_dx : NULL, &update);
}

static void update_segment(struct nn_workspace *ws,
                           const struct nn_segment *segment,
                           const struct sink *sink)
{
    for (size_t s = segment->first; s < segment->end; s++) {
        const struct nn_layer *layer = ws->plan.steps[s].layer;
        if (layer->n_params)
            nn_sgd_apply(sink->update, layer->param_offset, layer->n_params,
                         ws->plan.steps[s].grad, sink->params);
    }
}

static void prepare_segment(struct nn_workspace *ws,
                            const struct nn_segment *segment,
                            const nn_real *params,
                            const struct pass *pass,
                            bool has_grads)
{
    for (size_t s = segment->first; s < segment->end; s++) {
        struct nn_step *step = &ws->plan.steps[s];
        const struct nn_layer *layer = step->layer;
        if (has_grads && step->grad)
            memset(step->grad, 0, (size_t)layer->n_params * sizeof *step->grad);
        if (!layer->type->prepare || !step->wants_dx)
            continue;
        struct nn_call call = call_of(ws, step, pass, 0, pass->n);
        layer->type->prepare(&call, params + layer->param_offset);
    }
}

/* The gradient of the logits is in between[0]. */
static void run_backward(struct nn_workspace *ws,
                         const nn_real *params,
                         const struct pass *pass,
                         const struct sink *sink)
{
    struct nn_plan *plan = &ws->plan;
    nn_real *dy = ws->between[0], *dx = ws->between[1];
    for (size_t i = plan->n_segments; i-- > 0;) {
        const struct nn_segment *segment = &plan->segments[i];
        const struct nn_step *first = &plan->steps[segment->first];
        prepare_segment(ws, segment, params, pass, sink->update != NULL);
        if (sink->update && updates_itself(plan, segment)) {
            backward_and_update(ws, segment, pass, dy, dx, sink);
        } else {
            int64_t out = plan->steps[segment->end - 1].out_size;
            for (int64_t b = 0; b < pass->n; b += segment->chunk)
                backward_chunk(ws, segment, params, pass, b, dy + b * out,
                               dx + b * first->in_size, sink->grad);
            if (sink->update)
                update_segment(ws, segment, sink);
        }
        if (!first->wants_dx)
            return;
        nn_real *swap = dy;
        dy = dx;
        dx = swap;
    }
}

static enum fl_status check_batch(const struct nn_workspace *ws,
                                  const int32_t *labels,
                                  int64_t n,
                                  struct fl_error *err)
{
    if (n < 1 || n > ws->max_batch)
        return fl_fail(err, FL_E_ARG,
                       "batch of %" PRId64 " samples, allowed [1, %" PRId64 "]",
                       n, ws->max_batch);
    for (int64_t i = 0; i < n; i++)
        if (labels[i] < 0 || labels[i] >= ws->classes)
            return fl_fail(err, FL_E_ARG,
                           "label of sample %" PRId64 " of a batch, found "
                           "%" PRId32 ", allowed [0, %" PRId64 ")",
                           i, labels[i], ws->classes);
    return FL_OK;
}

static enum fl_status check_loss(double sum, int64_t n, struct fl_error *err)
{
    if (!isfinite(sum))
        return fl_fail(err, FL_E_NUMERIC,
                       "loss of a batch of %" PRId64 " samples is %g", n,
                       sum / (double)n);
    return FL_OK;
}

/* Forward and loss; leaves the gradient of the logits in between[0]. */
static enum fl_status start_pass(struct nn_workspace *ws,
                                 const nn_real *params,
                                 const int32_t *labels,
                                 struct fl_rng *rng,
                                 struct pass *pass,
                                 double *ret_loss,
                                 struct fl_error *err)
{
    FL_TRY(check_batch(ws, labels, pass->n, err));
    if (ws->plan.is_random) {
        if (!rng)
            return fl_fail(err, FL_E_ARG,
                           "training a model with dropout needs an rng");
        pass->seed = fl_rng_u64(rng);
    }
    const nn_real *logits = run_forward(ws, params, pass);
    struct nn_loss loss = {.sum = 0};
    nn_loss_softmax(logits, labels, pass->n, ws->classes, ws->between[0],
                    &loss);
    FL_TRY(check_loss(loss.sum, pass->n, err));
    *ret_loss = loss.sum / (double)pass->n;
    return FL_OK;
}

enum fl_status nn_train_step(struct nn_workspace *ws,
                             const struct nn_sgd_opts *sgd,
                             nn_real *params,
                             nn_real *velocity,
                             const nn_real *anchor,
                             const nn_real *x,
                             const int32_t *labels,
                             int64_t n,
                             struct fl_rng *rng,
                             double *ret_loss,
                             struct fl_error *err)
{
    if ((sgd->momentum > 0 && !velocity) || (sgd->prox_mu > 0 && !anchor))
        return fl_fail(err, FL_E_ARG,
                       "momentum needs velocity, prox_mu needs an anchor");
    struct pass pass = {.x = x, .n = n, .is_training = true};
    FL_TRY(start_pass(ws, params, labels, rng, &pass, ret_loss, err));
    struct nn_sgd_update update = {
        .kernels = ws->kernels,
        .opts = sgd,
        .velocity = sgd->momentum > 0 ? velocity : NULL,
        .anchor = sgd->prox_mu > 0 ? anchor : NULL,
    };
    struct sink sink = {.params = params, .update = &update};
    run_backward(ws, params, &pass, &sink);
    return FL_OK;
}

enum fl_status nn_gradient(struct nn_workspace *ws,
                           const nn_real *params,
                           const nn_real *x,
                           const int32_t *labels,
                           int64_t n,
                           struct fl_rng *rng,
                           nn_real *ret_grad,
                           double *ret_loss,
                           struct fl_error *err)
{
    struct pass pass = {.x = x, .n = n, .is_training = true};
    FL_TRY(start_pass(ws, params, labels, rng, &pass, ret_loss, err));
    memset(ret_grad, 0, (size_t)ws->n_params * sizeof *ret_grad);
    struct sink sink = {.grad = ret_grad};
    run_backward(ws, params, &pass, &sink);
    return FL_OK;
}

enum fl_status nn_evaluate(struct nn_workspace *ws,
                           const nn_real *params,
                           const nn_real *x,
                           const int32_t *labels,
                           int64_t n,
                           struct nn_score *acc,
                           struct fl_error *err)
{
    FL_TRY(check_batch(ws, labels, n, err));
    struct pass pass = {.x = x, .n = n};
    const nn_real *logits = run_forward(ws, params, &pass);
    struct nn_loss loss = {.sum = 0};
    nn_loss_softmax(logits, labels, n, ws->classes, NULL, &loss);
    FL_TRY(check_loss(loss.sum, n, err));
    acc->n += n;
    acc->correct += loss.correct;
    acc->loss_sum += loss.sum;
    return FL_OK;
}
