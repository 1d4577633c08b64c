#include "coordinator/simclock.h"

#include "base/alloc.h"

#include <math.h>

void coord_simclock_init(struct coord_simclock *clock, double now_s)
{
    *clock = (struct coord_simclock){.now_s = now_s};
}

void coord_simclock_fini(struct coord_simclock *clock)
{
    fl_free(clock->heap);
    *clock = (struct coord_simclock){0};
}

static bool is_before(const struct coord_event *a, const struct coord_event *b)
{
    return a->t_s < b->t_s || (a->t_s <= b->t_s && a->order < b->order);
}

static void swap(struct coord_event *a, struct coord_event *b)
{
    struct coord_event kept = *a;
    *a = *b;
    *b = kept;
}

enum fl_status coord_simclock_at(struct coord_simclock *clock,
                                 double t_s,
                                 int32_t kind,
                                 int64_t client,
                                 struct fl_error *err)
{
    if (!isfinite(t_s))
        return fl_fail(err, FL_E_NUMERIC,
                       "simulated clock: an event of client %lld at %g s",
                       (long long)client, t_s);
    if (t_s < clock->now_s)
        return fl_fail(err, FL_E_ARG,
                       "simulated clock: an event at %g s, but it is %g s", t_s,
                       clock->now_s);
    FL_TRY(fl_grow(&clock->heap, &clock->capacity, clock->n + 1,
                   sizeof *clock->heap, err));
    size_t at = clock->n++;
    clock->heap[at] = (struct coord_event){
        .t_s = t_s, .order = clock->n_ever++, .kind = kind, .client = client};
    while (at > 0 && is_before(&clock->heap[at], &clock->heap[(at - 1) / 2])) {
        swap(&clock->heap[at], &clock->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    return FL_OK;
}

bool coord_simclock_next(struct coord_simclock *clock,
                         struct coord_event *ret_event)
{
    if (clock->n == 0)
        return false;
    *ret_event = clock->heap[0];
    clock->now_s = ret_event->t_s;
    clock->heap[0] = clock->heap[--clock->n];
    for (size_t at = 0;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < clock->n;
             child++)
            if (is_before(&clock->heap[child], &clock->heap[least]))
                least = child;
        if (least == at)
            return true;
        swap(&clock->heap[at], &clock->heap[least]);
        at = least;
    }
}
