#include "nn/plan_priv.h"

#include "base/alloc.h"

#include <string.h>

/* What a chunk's passing outputs may occupy: a quarter to an eighth of the L2
 * cache of today's cores, the rest is for windows and weights. A constant, so
 * that results do not depend on the machine. */
#define CHUNK_BYTES ((int64_t)256 * 1024)

/* What one step may read and write of a chunk that is kept in any case: the
 * next step should find it in L2. */
#define STEP_BYTES ((int64_t)1024 * 1024)

/* --- steps ------------------------------------------------------------- */

static int readers_of_layer(const struct nn_model *model, int64_t at)
{
    int n = 0;
    for (size_t i = 0; i < model->n_layers; i++)
        n += (model->layers[i].source == at) + (model->layers[i].with == at);
    return n;
}

int nn_plan_readers(const struct nn_plan *plan, size_t s)
{
    int n = 0;
    for (size_t i = s + 1; i < plan->n_steps; i++)
        n += (plan->steps[i].source == (int64_t)s) +
             (plan->steps[i].with == (int64_t)s);
    return n;
}

/* While the steps are being made: which step's y is a layer's output. */
struct maker {
    struct nn_plan *plan;
    const struct nn_model *model;
    int64_t *step_of; /* [n_layers] */
};

static int64_t step_of(const struct maker *maker, int64_t layer)
{
    return layer < 0 ? layer : maker->step_of[layer];
}

/* Layer `index` reads what layer `reader` reads (itself, but for swaps). */
static void add_step(struct maker *maker, size_t index, int64_t source)
{
    const struct nn_layer *layer = &maker->model->layers[index];
    struct nn_plan *plan = maker->plan;
    plan->is_random |= layer->type->is_random;
    maker->step_of[index] = (int64_t)plan->n_steps;
    plan->steps[plan->n_steps++] = (struct nn_step){
        .type = layer->type,
        .opts = layer->opts,
        .info = &layer->info,
        .layer_index = index,
        .n_layers = 1,
        .param_offset = layer->param_offset,
        .n_params = layer->n_params,
        .n_trained = layer->n_trained,
        .input = layer->input,
        .output = layer->info.output,
        .in_size = nn_shape_size(&layer->input),
        .out_size = nn_shape_size(&layer->info.output),
        .source = source,
        .with = layer->with == NN_NOTHING ? NN_NOTHING
                                          : step_of(maker, layer->with),
    };
}

/* Whether layer i may change places with the next, which picks the largest. */
static bool may_swap(const struct nn_model *model, size_t i)
{
    if (i + 1 >= model->n_layers)
        return false;
    const struct nn_layer *next = &model->layers[i + 1];
    return model->layers[i].type->is_monotone && next->type->picks_largest &&
           next->source == (int64_t)i &&
           readers_of_layer(model, (int64_t)i) == 1;
}

/* Layers to steps: without views, monotone layers behind max-poolings. */
static void make_steps(struct maker *maker)
{
    const struct nn_model *model = maker->model;
    struct nn_plan *plan = maker->plan;
    for (size_t i = 0; i < model->n_layers; i++) {
        int64_t source = step_of(maker, model->layers[i].source);
        if (model->layers[i].type->is_view) {
            maker->step_of[i] = source;
            continue;
        }
        if (!may_swap(model, i)) {
            add_step(maker, i, source);
            continue;
        }
        add_step(maker, i + 1, source);
        add_step(maker, i, (int64_t)plan->n_steps - 1);
        struct nn_step *last = &plan->steps[plan->n_steps - 1];
        last->input = last->output = last[-1].output;
        last->in_size = last->out_size = last[-1].out_size;
        maker->step_of[i + 1] = maker->step_of[i];
        i++;
    }
}

/* --- fusing ------------------------------------------------------------ */

/* How many steps from s on are of a fused type's kinds, each read by the next
 * alone; 0 when not all of them. */
static size_t
kinds_match(const struct nn_plan *plan, size_t s, const struct nn_fused_type *f)
{
    size_t n = 0;
    for (; n < NN_FUSED_MAX && f->kinds[n]; n++) {
        if (s + n >= plan->n_steps)
            return 0;
        const struct nn_step *step = &plan->steps[s + n];
        if (step->n_layers != 1 || strcmp(step->type->name, f->kinds[n]) != 0)
            return 0;
        if (n && (step->source != (int64_t)(s + n - 1) ||
                  step->with == (int64_t)(s + n - 1) ||
                  nn_plan_readers(plan, s + n - 1) != 1))
            return 0;
    }
    return n;
}

/* Everything behind step s moves n places forward. */
static void close_gap(struct nn_plan *plan, size_t s, size_t n)
{
    for (size_t i = s; i + n < plan->n_steps; i++) {
        struct nn_step *step = &plan->steps[i];
        *step = step[n];
        if (step->source >= (int64_t)s)
            step->source -= (int64_t)n;
        if (step->with >= (int64_t)s)
            step->with -= (int64_t)n;
    }
    plan->n_steps -= n;
}

static bool fuse_at(struct nn_plan *plan,
                    const struct nn_model *model,
                    size_t s,
                    const struct nn_fused_type *fused)
{
    size_t n = kinds_match(plan, s, fused);
    if (n < 2)
        return false;
    struct nn_step *step = &plan->steps[s];
    struct nn_fusion *fusion = &plan->fusions[plan->n_fusions];
    *fusion = (struct nn_fusion){.info = {.n_tensors = 0}};
    int64_t n_params = 0, n_trained = 0, with = NN_NOTHING;
    for (size_t i = 0; i < n; i++) {
        const struct nn_step *part = &step[i];
        fusion->opts.part[i] = &model->layers[part->layer_index];
        if (part->n_params &&
            part->param_offset != step->param_offset + n_params)
            return false;
        n_params += part->n_params;
        n_trained += part->n_trained;
        if (part->with != NN_NOTHING)
            with = part->with;
    }
    if (n_trained != n_params || with >= (int64_t)s ||
        fused->type.infer(&fusion->opts, &step->input, &fusion->info, NULL) !=
            FL_OK)
        return false;
    plan->n_fusions++;
    step->type = &fused->type;
    step->opts = &fusion->opts;
    step->info = &fusion->info;
    step->n_layers = n;
    step->n_params = step->n_trained = n_params;
    step->output = fusion->info.output;
    step->out_size = nn_shape_size(&step->output);
    step->with = with;
    close_gap(plan, s + 1, n - 1);
    return true;
}

static void fuse(struct nn_plan *plan, const struct nn_model *model)
{
    for (size_t s = 0; s < plan->n_steps; s++)
        for (size_t f = 0; nn_fused[f]; f++)
            if (fuse_at(plan, model, s, nn_fused[f]))
                break;
}

/* --- segments ---------------------------------------------------------- */

static void work_in_place(struct nn_plan *plan)
{
    for (size_t s = 1; s < plan->n_steps; s++) {
        struct nn_step *step = &plan->steps[s];
        step->is_in_place =
            step->type->can_in_place && step->source == (int64_t)s - 1 &&
            !step[-1].type->needs_y && nn_plan_readers(plan, s - 1) == 1;
    }
}

/* Weights that outweigh a sample's numbers so far that they should be read once
 * for the batch. */
static bool is_heavy(const struct nn_step *step)
{
    return step->n_params > 4 * (step->in_size + step->out_size);
}

/* Samples at a time that suit one step alone. */
static int64_t chunk_of(const struct nn_step *step, int64_t max_batch)
{
    int64_t bytes = (step->in_size + step->out_size) * (int64_t)sizeof(nn_real);
    int64_t chunk = bytes < STEP_BYTES ? STEP_BYTES / bytes : 1;
    return is_heavy(step) || chunk > max_batch ? max_batch : chunk;
}

/* Whether a step goes on with the segment before it: not where it wants the
 * batch, nor where it would suit twice as many samples at a time. */
static bool continues(const struct nn_plan *plan,
                      const struct nn_segment *segment,
                      size_t s,
                      int64_t max_batch)
{
    const struct nn_step *step = &plan->steps[s];
    const struct nn_step *first = &plan->steps[segment->first];
    if (step->type->wants_batch)
        return false;
    if (step->is_in_place)
        return true;
    if (first->type->wants_batch)
        return false;
    return segment->chunk == max_batch ||
           (!is_heavy(step) && chunk_of(step, max_batch) < 2 * segment->chunk);
}

static void cut_segments(struct nn_plan *plan, int64_t max_batch)
{
    for (size_t s = 0; s < plan->n_steps; s++) {
        struct nn_segment *segment = plan->segments + plan->n_segments - 1;
        int64_t chunk = chunk_of(&plan->steps[s], max_batch);
        if (s == 0 || !continues(plan, segment, s, max_batch)) {
            segment = plan->segments + plan->n_segments++;
            segment->first = s;
            segment->chunk =
                plan->steps[s].type->wants_batch ? max_batch : chunk;
        }
        segment->end = s + 1;
        if (!plan->steps[segment->first].type->wants_batch &&
            !is_heavy(&plan->steps[segment->first]) && chunk < segment->chunk)
            segment->chunk = chunk;
    }
}

static bool is_read_outside(const struct nn_plan *plan,
                            const struct nn_segment *segment,
                            size_t s)
{
    if (s + 1 == plan->n_steps)
        return true;
    for (size_t i = segment->end; i < plan->n_steps; i++)
        if (plan->steps[i].source == (int64_t)s ||
            plan->steps[i].with == (int64_t)s)
            return true;
    return false;
}

/* Which outputs must outlive their chunk: those that another segment or some
 * backward pass reads, and what shares memory with them. */
static void keep(struct nn_plan *plan, const struct nn_segment *segment)
{
    for (size_t s = segment->end; s-- > segment->first;) {
        struct nn_step *step = &plan->steps[s];
        step->is_kept |=
            step->type->needs_y || is_read_outside(plan, segment, s);
        if (step->with >= 0) /* lives through several steps, with others */
            plan->steps[step->with].is_kept = true;
        if (step->source >= 0 &&
            (step->type->needs_x || (step->is_in_place && step->is_kept)))
            plan->steps[step->source].is_kept = true;
    }
    for (size_t s = segment->first; s < segment->end; s++)
        if (plan->steps[s].is_in_place)
            plan->steps[s].is_kept = plan->steps[s - 1].is_kept;
}

static void lay_out(struct nn_plan *plan, struct nn_segment *segment)
{
    int64_t passing = 0;
    for (size_t s = segment->first; s < segment->end; s++) {
        const struct nn_step *step = &plan->steps[s];
        if (!step->is_kept && !step->is_in_place)
            passing += step->out_size;
    }
    if (passing && !is_heavy(&plan->steps[segment->first])) {
        int64_t bytes = passing * (int64_t)sizeof(nn_real);
        int64_t chunk = bytes < CHUNK_BYTES ? CHUNK_BYTES / bytes : 1;
        if (chunk < segment->chunk)
            segment->chunk = chunk;
    }
    for (size_t s = segment->first; s < segment->end; s++) {
        const struct nn_layer_info *info = plan->steps[s].info;
        size_t bytes = info->scratch_bytes +
                       (size_t)segment->chunk * info->scratch_sample_bytes;
        if (bytes > plan->scratch_bytes)
            plan->scratch_bytes = bytes;
    }
}

/* --- the plan ---------------------------------------------------------- */

enum fl_status nn_plan_init(struct nn_plan *plan,
                            const struct nn_model *model,
                            int64_t max_batch,
                            bool is_plain,
                            struct fl_error *err)
{
    size_t n = model->n_layers;
    *plan = (struct nn_plan){.steps = fl_calloc(n, sizeof *plan->steps),
                             .segments = fl_calloc(n, sizeof *plan->segments),
                             .fusions = fl_calloc(n, sizeof *plan->fusions)};
    struct maker maker = {.plan = plan,
                          .model = model,
                          .step_of = fl_calloc(n, sizeof *maker.step_of)};
    bool is_good =
        plan->steps && plan->segments && plan->fusions && maker.step_of;
    if (is_good)
        make_steps(&maker);
    fl_free(maker.step_of);
    if (!is_good) {
        nn_plan_fini(plan);
        return fl_fail(err, FL_E_NOMEM, "out of memory: plan of a model");
    }
    if (!is_plain)
        fuse(plan, model);
    work_in_place(plan);
    cut_segments(plan, max_batch);
    for (size_t i = plan->n_segments; i-- > 0;)
        keep(plan, &plan->segments[i]);
    for (size_t i = 0; i < plan->n_segments; i++)
        lay_out(plan, &plan->segments[i]);
    enum fl_status status = nn_plan_grads(plan, max_batch, err);
    if (status != FL_OK)
        nn_plan_fini(plan);
    return status;
}

void nn_plan_fini(struct nn_plan *plan)
{
    fl_free(plan->steps);
    fl_free(plan->segments);
    fl_free(plan->fusions);
    fl_free(plan->slots);
    *plan = (struct nn_plan){.steps = NULL};
}
