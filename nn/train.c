#include "nn/train.h"

#include "nn/kernels/table_priv.h"
#include "nn/loss_priv.h"
#include "nn/plan_priv.h"
#include "nn/cpu_profile_priv.h"
#include "nn/optimizer_priv.h"

#include "base/alloc.h"
#include "base/arena.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

struct nn_workspace {
    const struct nn_model *model;
    struct fl_arena arena; /* everything that a step touches */
    struct nn_plan plan;
    const struct nn_kernels *kernels;
    int64_t max_batch;
    int64_t classes;
    int64_t n_params;
    nn_real *grad; /* [n_params], of what does not update itself */
    void *scratch;
    struct nn_profile *profile; /* borrowed; NULL: nothing is timed */
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
    nn_real *grad;   /* the flat vector */
    nn_real *params; /* with update */
    const struct nn_update *update;
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
    if (step->is_in_place)
        step->y = step[-1].y;
    else
        step->y = take(taker, (step->is_kept ? max : chunk) * step->out_size,
                       sizeof(nn_real));
    step->state = take(taker, max, step->info->state_bytes);
    step->prepared = take(taker, 1, step->info->prepared_bytes);
}

static void take_all(struct taker *taker, struct nn_workspace *ws)
{
    struct nn_plan *plan = &ws->plan;
    for (size_t i = 0; i < plan->n_segments; i++) {
        const struct nn_segment *segment = &plan->segments[i];
        for (size_t s = segment->first; s < segment->end; s++)
            take_step(taker, &plan->steps[s], segment->chunk, ws->max_batch);
    }
    for (size_t i = 0; i < plan->n_slots; i++)
        plan->slots[i].data =
            take(taker, plan->slots[i].numbers, sizeof(nn_real));
    ws->grad = take(taker, ws->n_params, sizeof(nn_real));
    ws->scratch = take(taker, 1, plan->scratch_bytes);
}

static enum fl_status workspace_create(const struct nn_model *model,
                                       int64_t max_batch,
                                       bool is_plain,
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
    ws->model = model;
    ws->kernels = nn_kernels_best();
    ws->max_batch = max_batch;
    ws->classes = nn_model_classes(model);
    ws->n_params = nn_model_n_params(model);
    enum fl_status status =
        nn_plan_init(&ws->plan, model, max_batch, is_plain, err);
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

enum fl_status nn_workspace_create(const struct nn_model *model,
                                   int64_t max_batch,
                                   struct nn_workspace **ret,
                                   struct fl_error *err)
{
    return workspace_create(model, max_batch, false, ret, err);
}

enum fl_status nn_workspace_create_plain(const struct nn_model *model,
                                         int64_t max_batch,
                                         struct nn_workspace **ret,
                                         struct fl_error *err)
{
    return workspace_create(model, max_batch, true, ret, err);
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

enum fl_status nn_workspace_profile(struct nn_workspace *ws,
                                    struct nn_profile *profile,
                                    struct fl_error *err)
{
    FL_TRY(nn_profile_name_steps(profile, ws->model, &ws->plan, err));
    ws->profile = profile;
    return FL_OK;
}

/* Books the time since the last lap under step s; n_steps is the loss. */
static inline void
lap(const struct nn_workspace *ws, enum nn_phase phase, size_t s)
{
    nn_profile_lap(ws->profile, phase, s + 1);
}

static enum nn_phase forward_phase(const struct pass *pass)
{
    return pass->is_training ? NN_PHASE_FORWARD : NN_PHASE_EVALUATE;
}

/* Where sample `first` of what a step reads is. */
static const nn_real *output_at(const struct nn_workspace *ws,
                                int64_t step,
                                const struct pass *pass,
                                int64_t first)
{
    if (step == NN_NOTHING)
        return NULL;
    if (step == NN_INPUT)
        return pass->x + first * ws->plan.steps[0].in_size;
    const struct nn_step *from = &ws->plan.steps[step];
    return from->y + (from->is_kept ? first * from->out_size : 0);
}

static nn_real *y_at(const struct nn_step *step, int64_t first)
{
    return step->y + (step->is_kept ? first * step->out_size : 0);
}

/* Where sample `first` of a gradient of `size` numbers is, or NULL. */
static nn_real *
grad_at(const struct nn_workspace *ws, int slot, int64_t size, int64_t first)
{
    if (slot == NN_NO_SLOT)
        return NULL;
    const struct nn_slot *at = &ws->plan.slots[slot];
    return at->data + (at->is_batch ? first * size : 0);
}

static struct nn_call call_of(const struct nn_workspace *ws,
                              const struct nn_step *step,
                              const struct pass *pass,
                              int64_t first,
                              int64_t n)
{
    size_t state = step->info->state_bytes;
    return (struct nn_call){
        .kernels = ws->kernels,
        .opts = step->opts,
        .input = &step->input,
        .output = &step->output,
        .n = n,
        .first = first,
        .is_training = pass->is_training,
        .seed = pass->seed,
        .layer = step->layer_index,
        .state = state ? step->state + (size_t)first * state : NULL,
        .prepared = step->prepared,
        .with = output_at(ws, step->with, pass, first),
        .ret_dwith = grad_at(ws, step->dwith.slot, step->in_size, first),
        .scratch = ws->scratch,
    };
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
                step->type->forward(&call, params + step->param_offset,
                                    output_at(ws, step->source, pass, b),
                                    y_at(step, b));
                lap(ws, forward_phase(pass), s);
            }
        }
    }
    return plan->steps[plan->n_steps - 1].y;
}

/* Whether a step's backward pass updates its parameters as well. */
static bool updates_itself(const struct nn_step *step, const struct sink *sink)
{
    return sink->update && step->type->backward_update;
}

/* A second reader's gradient of an output joins the others'. */
static void join(const struct nn_workspace *ws,
                 const struct nn_grad_place *place,
                 int64_t size,
                 int64_t first,
                 int64_t n)
{
    if (place->into == NN_NO_SLOT)
        return;
    ws->kernels->add_rows(1, n * size, grad_at(ws, place->slot, size, first),
                          grad_at(ws, place->into, size, first));
}

/* Samples [b, b+n) of one step. */
static void backward_step(struct nn_workspace *ws,
                          const struct nn_step *step,
                          const nn_real *params,
                          const struct pass *pass,
                          int64_t b,
                          int64_t n,
                          const struct sink *sink)
{
    const struct nn_layer_type *type = step->type;
    int64_t offset = step->param_offset;
    struct nn_call call = call_of(ws, step, pass, b, n);
    const nn_real *x =
        type->needs_x ? output_at(ws, step->source, pass, b) : NULL;
    const nn_real *dy = grad_at(ws, step->dy_slot, step->out_size, b);
    nn_real *dx = grad_at(ws, step->dx.slot, step->in_size, b);
    if (updates_itself(step, sink)) {
        assert(n == pass->n);
        struct nn_update update = nn_update_at(sink->update, offset);
        type->backward_update(&call, sink->params + offset, x, dy, dx, &update);
    } else {
        type->backward(&call, params + offset, x,
                       type->needs_y ? y_at(step, b) : NULL, dy, dx,
                       sink->grad + offset);
    }
    join(ws, &step->dx, step->in_size, b, n);
    join(ws, &step->dwith, step->in_size, b, n);
}

static void update_segment(struct nn_workspace *ws,
                           const struct nn_segment *segment,
                           const struct sink *sink)
{
    for (size_t s = segment->first; s < segment->end; s++) {
        const struct nn_step *step = &ws->plan.steps[s];
        if (!step->n_trained || updates_itself(step, sink))
            continue;
        nn_update_apply(sink->update, step->param_offset, step->n_trained,
                        sink->grad + step->param_offset, sink->params);
        lap(ws, NN_PHASE_UPDATE, s);
    }
}

static void prepare_segment(struct nn_workspace *ws,
                            const struct nn_segment *segment,
                            const nn_real *params,
                            const struct pass *pass,
                            const struct sink *sink)
{
    for (size_t s = segment->first; s < segment->end; s++) {
        const struct nn_step *step = &ws->plan.steps[s];
        if (step->n_params && !updates_itself(step, sink))
            memset(sink->grad + step->param_offset, 0,
                   (size_t)step->n_params * sizeof *sink->grad);
        if (!step->type->prepare || !step->wants_prepare)
            continue;
        struct nn_call call = call_of(ws, step, pass, 0, pass->n);
        step->type->prepare(&call, params + step->param_offset);
        lap(ws, NN_PHASE_BACKWARD, s);
    }
}

/* Where the gradient of the logits goes. */
static nn_real *logits_grad(const struct nn_workspace *ws)
{
    const struct nn_step *last = &ws->plan.steps[ws->plan.n_steps - 1];
    return ws->plan.slots[last->dy_slot].data;
}

static void run_backward(struct nn_workspace *ws,
                         const nn_real *params,
                         const struct pass *pass,
                         const struct sink *sink)
{
    struct nn_plan *plan = &ws->plan;
    for (size_t i = plan->n_segments; i-- > 0;) {
        const struct nn_segment *segment = &plan->segments[i];
        prepare_segment(ws, segment, params, pass, sink);
        for (int64_t b = 0; b < pass->n; b += segment->chunk) {
            int64_t rest = pass->n - b;
            int64_t n = rest < segment->chunk ? rest : segment->chunk;
            for (size_t s = segment->end; s-- > segment->first;)
                if (!plan->steps[s].is_idle_back) {
                    backward_step(ws, &plan->steps[s], params, pass, b, n,
                                  sink);
                    lap(ws, NN_PHASE_BACKWARD, s);
                }
        }
        if (sink->update)
            update_segment(ws, segment, sink);
    }
}

/* What layers keep of a training step beside their parameters. */
static void
finish_step(struct nn_workspace *ws, const struct pass *pass, nn_real *params)
{
    for (size_t s = 0; s < ws->plan.n_steps; s++) {
        const struct nn_step *step = &ws->plan.steps[s];
        if (!step->type->finish)
            continue;
        struct nn_call call = call_of(ws, step, pass, 0, pass->n);
        step->type->finish(&call, params + step->param_offset);
        lap(ws, NN_PHASE_UPDATE, s);
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

/* Forward and loss; leaves the gradient of the logits in its slot. */
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
    nn_loss_softmax(logits, labels, pass->n, ws->classes, logits_grad(ws),
                    &loss);
    lap(ws, NN_PHASE_FORWARD, ws->plan.n_steps);
    FL_TRY(check_loss(loss.sum, pass->n, err));
    *ret_loss = loss.sum / (double)pass->n;
    return FL_OK;
}

static enum fl_status check_memory(const struct nn_optimizer_opts *opts,
                                   const nn_real *state,
                                   const nn_real *anchor,
                                   struct fl_error *err)
{
    if ((nn_optimizer_n_state(opts) > 0 && !state) ||
        (opts->prox_mu > 0 && !anchor))
        return fl_fail(err, FL_E_ARG,
                       "this optimiser needs memory for its state, prox_mu an "
                       "anchor");
    return FL_OK;
}

/* The proximal term of what is trained joins the gradient, to be clipped with
 * it; the update then leaves it out. */
static void take_proximal_term(struct nn_workspace *ws,
                               const nn_real *params,
                               struct nn_update *update)
{
    for (size_t s = 0; s < ws->plan.n_steps; s++) {
        const struct nn_step *step = &ws->plan.steps[s];
        nn_update_add_proximal(update, step->param_offset, step->n_trained,
                               params, ws->grad);
    }
    update->sgd.anchor = update->adam.anchor = NULL;
}

/* The whole gradient first, then one pass of updates. */
static enum fl_status clipped_step(struct nn_workspace *ws,
                                   const struct nn_optimizer_opts *opts,
                                   nn_real *params,
                                   const struct pass *pass,
                                   struct nn_update *update,
                                   struct fl_error *err)
{
    struct sink sink = {.grad = ws->grad, .params = params};
    run_backward(ws, params, pass, &sink);
    take_proximal_term(ws, params, update);
    FL_TRY(nn_update_clip(update, opts, ws->n_params, ws->grad, err));
    lap(ws, NN_PHASE_UPDATE, ws->plan.n_steps);
    for (size_t s = 0; s < ws->plan.n_steps; s++) {
        const struct nn_step *step = &ws->plan.steps[s];
        if (!step->n_trained)
            continue;
        nn_update_apply(update, step->param_offset, step->n_trained,
                        ws->grad + step->param_offset, params);
        lap(ws, NN_PHASE_UPDATE, s);
    }
    return FL_OK;
}

enum fl_status nn_train_step(struct nn_workspace *ws,
                             const struct nn_optimizer_opts *opts,
                             nn_real *params,
                             nn_real *state,
                             const nn_real *anchor,
                             const nn_real *x,
                             const int32_t *labels,
                             int64_t n,
                             struct fl_rng *rng,
                             double *ret_loss,
                             struct fl_error *err)
{
    FL_TRY(check_memory(opts, state, anchor, err));
    struct pass pass = {.x = x, .n = n, .is_training = true};
    FL_TRY(start_pass(ws, params, labels, rng, &pass, ret_loss, err));
    struct nn_update update =
        nn_update_of(ws->kernels, opts, state, ws->n_params, anchor);
    if (nn_optimizer_clips(opts)) {
        FL_TRY(clipped_step(ws, opts, params, &pass, &update, err));
    } else {
        struct sink sink = {
            .grad = ws->grad, .params = params, .update = &update};
        run_backward(ws, params, &pass, &sink);
    }
    finish_step(ws, &pass, params);
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
    lap(ws, NN_PHASE_EVALUATE, ws->plan.n_steps);
    FL_TRY(check_loss(loss.sum, n, err));
    acc->n += n;
    acc->correct += loss.correct;
    acc->loss_sum += loss.sum;
    return FL_OK;
}
