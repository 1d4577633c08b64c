#include "nn/plan_priv.h"

#include "base/alloc.h"

#include <string.h>

/* What a chunk's passing outputs may occupy: a quarter to an eighth of the L2
 * cache of today's cores, the rest is for windows and weights. A constant, so
 * that results do not depend on the machine. */
#define CHUNK_BYTES ((int64_t)256 * 1024)

static const struct nn_layer_type *type_of(const struct nn_step *step)
{
    return step->layer->type;
}

static void add_step(struct nn_plan *plan,
                     const struct nn_layer *layer,
                     size_t index,
                     const struct nn_shape *input,
                     const struct nn_shape *output)
{
    plan->steps[plan->n_steps++] = (struct nn_step){
        .layer = layer,
        .layer_index = index,
        .input = *input,
        .output = *output,
        .in_size = nn_shape_size(input),
        .out_size = nn_shape_size(output),
    };
}

/* Layers to steps: without views, monotone layers behind max-poolings. */
static void order_steps(struct nn_plan *plan, const struct nn_model *model)
{
    for (size_t i = 0; i < model->n_layers; i++) {
        const struct nn_layer *layer = &model->layers[i];
        const struct nn_layer *next = layer + 1;
        if (layer->type->is_view)
            continue;
        plan->is_random |= layer->type->is_random;
        if (layer->type->is_monotone && i + 1 < model->n_layers &&
            next->type->picks_largest) {
            const struct nn_shape *output = &next->info.output;
            add_step(plan, next, i + 1, &next->input, output);
            add_step(plan, layer, i, output, output);
            i++;
            continue;
        }
        add_step(plan, layer, i, &layer->input, &layer->info.output);
    }
    bool learns = false;
    for (size_t s = 0; s < plan->n_steps; s++) {
        struct nn_step *step = &plan->steps[s];
        step->wants_dx = learns;
        learns |= step->layer->n_params > 0;
        step->is_in_place =
            s > 0 && type_of(step)->can_in_place && !type_of(step - 1)->needs_y;
    }
}

static void cut_segments(struct nn_plan *plan)
{
    for (size_t s = 0; s < plan->n_steps; s++) {
        const struct nn_step *step = &plan->steps[s];
        struct nn_segment *segment = plan->segments + plan->n_segments - 1;
        bool is_new = s == 0 || type_of(step)->wants_batch ||
                      (type_of(&plan->steps[segment->first])->wants_batch &&
                       !step->is_in_place);
        if (is_new) {
            segment = plan->segments + plan->n_segments++;
            segment->first = s;
        }
        segment->end = s + 1;
    }
}

/* Whether the output that `first` writes and [first, end) work on in place
 * must outlive its chunk. */
static bool must_keep(const struct nn_plan *plan,
                      const struct nn_segment *segment,
                      size_t first,
                      size_t end)
{
    bool is_kept = end == segment->end || type_of(&plan->steps[end])->needs_x;
    for (size_t s = first; s < end; s++)
        is_kept |= type_of(&plan->steps[s])->needs_y;
    return is_kept;
}

static void
lay_out(struct nn_plan *plan, struct nn_segment *segment, int64_t max_batch)
{
    int64_t passing = 0, largest = 0;
    for (size_t s = segment->first; s < segment->end;) {
        size_t end = s + 1;
        while (end < segment->end && plan->steps[end].is_in_place)
            end++;
        bool is_kept = must_keep(plan, segment, s, end);
        if (!is_kept)
            passing += plan->steps[s].out_size;
        if (end < segment->end && plan->steps[s].out_size > largest)
            largest = plan->steps[s].out_size;
        for (; s < end; s++)
            plan->steps[s].is_kept = is_kept;
    }
    segment->chunk = max_batch;
    if (passing) {
        int64_t bytes = passing * (int64_t)sizeof(nn_real);
        int64_t chunk = bytes < CHUNK_BYTES ? CHUNK_BYTES / bytes : 1;
        segment->chunk = chunk < max_batch ? chunk : max_batch;
    }
    if (largest * segment->chunk > plan->inner_numbers)
        plan->inner_numbers = largest * segment->chunk;
    for (size_t s = segment->first; s < segment->end; s++) {
        const struct nn_layer_info *info = &plan->steps[s].layer->info;
        size_t bytes = info->scratch_bytes +
                       (size_t)segment->chunk * info->scratch_sample_bytes;
        if (bytes > plan->scratch_bytes)
            plan->scratch_bytes = bytes;
    }
    int64_t in = plan->steps[segment->first].in_size;
    int64_t out = plan->steps[segment->end - 1].out_size;
    int64_t most = in > out ? in : out;
    if (most > plan->boundary_size)
        plan->boundary_size = most;
}

enum fl_status nn_plan_init(struct nn_plan *plan,
                            const struct nn_model *model,
                            int64_t max_batch,
                            struct fl_error *err)
{
    *plan = (struct nn_plan){.steps = NULL};
    plan->steps = fl_calloc(model->n_layers, sizeof *plan->steps);
    plan->segments = fl_calloc(model->n_layers, sizeof *plan->segments);
    if (!plan->steps || !plan->segments) {
        nn_plan_fini(plan);
        return fl_fail(err, FL_E_NOMEM, "out of memory: plan of a model");
    }
    order_steps(plan, model);
    cut_segments(plan);
    for (size_t i = 0; i < plan->n_segments; i++)
        lay_out(plan, &plan->segments[i], max_batch);
    return FL_OK;
}

void nn_plan_fini(struct nn_plan *plan)
{
    fl_free(plan->steps);
    fl_free(plan->segments);
    *plan = (struct nn_plan){.steps = NULL};
}
