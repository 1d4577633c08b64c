#include "coordinator/vector.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdatomic.h>

struct held {
    struct coord_vector vector; /* first: a vector is its holder */
    atomic_int references;
    struct coord_shelf *shelf;
    struct held *next; /* every vector of the shelf, in use or not */
};

struct coord_shelf {
    size_t n;
    struct held *all;
};

enum fl_status
coord_shelf_create(size_t n, struct coord_shelf **ret, struct fl_error *err)
{
    struct coord_shelf *shelf = fl_calloc(1, sizeof *shelf);
    if (!shelf)
        return fl_fail(err, FL_E_NOMEM, "out of memory: vectors");
    shelf->n = n;
    *ret = shelf;
    return FL_OK;
}

void coord_shelf_destroy(struct coord_shelf *shelf)
{
    if (!shelf)
        return;
    for (struct held *held = shelf->all, *next; held; held = next) {
        assert(atomic_load(&held->references) == 0);
        next = held->next;
        fl_free(held->vector.data);
        fl_free(held);
    }
    fl_free(shelf);
}

static struct held *find_free(struct coord_shelf *shelf)
{
    for (struct held *held = shelf->all; held; held = held->next)
        if (atomic_load_explicit(&held->references, memory_order_acquire) == 0)
            return held;
    return NULL;
}

enum fl_status coord_vector_take(struct coord_shelf *shelf,
                                 struct coord_vector **ret,
                                 struct fl_error *err)
{
    struct held *held = find_free(shelf);
    if (!held) {
        held = fl_calloc(1, sizeof *held);
        float *data = fl_calloc(shelf->n, sizeof *data);
        if (!held || !data) {
            fl_free(held);
            fl_free(data);
            return fl_fail(err, FL_E_NOMEM,
                           "out of memory: a model of %zu parameters",
                           shelf->n);
        }
        held->vector = (struct coord_vector){.data = data, .n = shelf->n};
        held->shelf = shelf;
        held->next = shelf->all;
        shelf->all = held;
    }
    atomic_store(&held->references, 1);
    *ret = &held->vector;
    return FL_OK;
}

struct coord_vector *coord_vector_share(struct coord_vector *vector)
{
    struct held *held = (struct held *)vector;
    atomic_fetch_add(&held->references, 1);
    return vector;
}

void coord_vector_drop(struct coord_vector *vector)
{
    if (!vector)
        return;
    struct held *held = (struct held *)vector;
    int before =
        atomic_fetch_sub_explicit(&held->references, 1, memory_order_release);
    assert(before > 0);
    (void)before;
}

static void release(void *data, void *arg)
{
    (void)data;
    coord_vector_drop(arg);
}

struct comms_lease coord_vector_lease(struct coord_vector *vector)
{
    return (struct comms_lease){.release = release,
                                .arg = coord_vector_share(vector)};
}
