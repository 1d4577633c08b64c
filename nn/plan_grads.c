/* Which memory holds which gradient, and when: the steps from last to first,
 * as a backward pass takes them. */
#include "nn/plan_priv.h"

#include "base/alloc.h"

#include <assert.h>

/* A slot of a chunk is free again once its step is done; one of the batch only
 * when its whole segment is, for other chunks still need it. */
enum slot_state { SLOT_FREE, SLOT_USED, SLOT_DONE };

struct allocator {
    struct nn_plan *plan;
    int64_t max_batch;
    enum slot_state *state; /* [n_slots] */
    int *slot_of;           /* [n_steps] slot of a step's dy, or NN_NO_SLOT */
    bool *learns;           /* [n_steps] it or something before it does */
};

static bool learns(const struct allocator *a, int64_t step)
{
    return step >= 0 && a->learns[step];
}

static int take_slot(struct allocator *a,
                     const struct nn_segment *segment,
                     bool is_batch,
                     int64_t size)
{
    struct nn_plan *plan = a->plan;
    size_t i = 0;
    while (i < plan->n_slots &&
           (a->state[i] != SLOT_FREE || plan->slots[i].is_batch != is_batch))
        i++;
    if (i == plan->n_slots)
        plan->slots[plan->n_slots++].is_batch = is_batch;
    a->state[i] = SLOT_USED;
    int64_t numbers = size * (is_batch ? a->max_batch : segment->chunk);
    if (plan->slots[i].numbers < numbers)
        plan->slots[i].numbers = numbers;
    return (int)i;
}

static void drop_slot(struct allocator *a, int slot)
{
    a->state[slot] = a->plan->slots[slot].is_batch ? SLOT_DONE : SLOT_FREE;
}

/* Whether output s comes from another segment than its reader's. */
static bool crosses(const struct nn_segment *reader, int64_t s)
{
    return s < (int64_t)reader->first;
}

/* A place for the gradient of input `source` of a step. */
static struct nn_grad_place
place_for(struct allocator *a, const struct nn_segment *segment, int64_t source)
{
    int64_t size = a->plan->steps[source].out_size;
    int into = a->slot_of[source];
    if (into != NN_NO_SLOT)
        return (struct nn_grad_place){take_slot(a, segment, false, size), into};
    int slot = take_slot(a, segment, crosses(segment, source), size);
    a->slot_of[source] = slot;
    return (struct nn_grad_place){slot, NN_NO_SLOT};
}

/* dx may be written over dy when nobody else has a say in it. */
static bool may_overwrite(const struct allocator *a,
                          const struct nn_segment *segment,
                          const struct nn_step *step)
{
    return step->type->can_in_place &&
           nn_plan_readers(a->plan, (size_t)step->source) == 1 &&
           (a->plan->slots[step->dy_slot].is_batch ||
            !crosses(segment, step->source));
}

static void
place_step(struct allocator *a, const struct nn_segment *segment, size_t s)
{
    struct nn_step *step = &a->plan->steps[s];
    const struct nn_grad_place nowhere = {NN_NO_SLOT, NN_NO_SLOT};
    step->dx = step->dwith = nowhere;
    step->dy_slot = a->slot_of[s];
    step->is_idle_back = !a->learns[s];
    if (step->is_idle_back)
        return;
    assert(step->dy_slot != NN_NO_SLOT);
    bool is_overwritten = false;
    if (learns(a, step->with))
        step->dwith = place_for(a, segment, step->with);
    if (learns(a, step->source)) {
        is_overwritten = may_overwrite(a, segment, step);
        if (is_overwritten) {
            a->slot_of[step->source] = step->dy_slot;
            step->dx = (struct nn_grad_place){step->dy_slot, NN_NO_SLOT};
        } else {
            step->dx = place_for(a, segment, step->source);
        }
    }
    step->wants_prepare =
        step->dx.slot != NN_NO_SLOT || step->dwith.slot != NN_NO_SLOT;
    if (step->dx.into != NN_NO_SLOT)
        drop_slot(a, step->dx.slot);
    if (step->dwith.into != NN_NO_SLOT)
        drop_slot(a, step->dwith.slot);
    if (!is_overwritten)
        drop_slot(a, step->dy_slot);
}

static void place_all(struct allocator *a)
{
    struct nn_plan *plan = a->plan;
    for (size_t s = 0; s < plan->n_steps; s++) {
        const struct nn_step *step = &plan->steps[s];
        a->slot_of[s] = NN_NO_SLOT;
        a->learns[s] = step->n_trained > 0 || learns(a, step->source) ||
                       learns(a, step->with);
    }
    size_t last = plan->n_steps - 1;
    a->slot_of[last] = take_slot(a, &plan->segments[plan->n_segments - 1], true,
                                 plan->steps[last].out_size);
    for (size_t i = plan->n_segments; i-- > 0;) {
        const struct nn_segment *segment = &plan->segments[i];
        for (size_t s = segment->end; s-- > segment->first;)
            place_step(a, segment, s);
        for (size_t slot = 0; slot < plan->n_slots; slot++)
            if (a->state[slot] == SLOT_DONE)
                a->state[slot] = SLOT_FREE;
    }
}

enum fl_status
nn_plan_grads(struct nn_plan *plan, int64_t max_batch, struct fl_error *err)
{
    /* each step takes two at most, and the logits one */
    size_t most = 2 * plan->n_steps + 1;
    plan->slots = fl_calloc(most, sizeof *plan->slots);
    struct allocator a = {
        .plan = plan,
        .max_batch = max_batch,
        .state = fl_calloc(most, sizeof *a.state),
        .slot_of = fl_calloc(plan->n_steps, sizeof *a.slot_of),
        .learns = fl_calloc(plan->n_steps, sizeof *a.learns),
    };
    bool is_good = plan->slots && a.state && a.slot_of && a.learns;
    if (is_good)
        place_all(&a);
    fl_free(a.state);
    fl_free(a.slot_of);
    fl_free(a.learns);
    return is_good ? FL_OK
                   : fl_fail(err, FL_E_NOMEM, "out of memory: plan of a model");
}
