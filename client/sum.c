#include "client/sum.h"

#include "base/alloc.h"
#include "base/arena.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

struct buffer {
    struct fl_arena memory; /* of data: for its huge pages */
    int64_t *data;
    atomic_bool is_lent;
    struct buffer *next;
};

struct client_sums {
    size_t n;
    struct buffer *all;
};

enum fl_status
client_sums_create(size_t n, struct client_sums **ret, struct fl_error *err)
{
    struct client_sums *sums = fl_calloc(1, sizeof *sums);
    if (!sums)
        return fl_fail(err, FL_E_NOMEM, "out of memory: sums");
    sums->n = n;
    *ret = sums;
    return FL_OK;
}

void client_sums_destroy(struct client_sums *sums)
{
    if (!sums)
        return;
    for (struct buffer *buffer = sums->all, *next; buffer; buffer = next) {
        assert(!atomic_load(&buffer->is_lent));
        next = buffer->next;
        fl_arena_fini(&buffer->memory);
        fl_free(buffer);
    }
    fl_free(sums);
}

static enum fl_status
add_buffer(struct client_sums *sums, struct buffer **ret, struct fl_error *err)
{
    struct buffer *buffer = fl_calloc(1, sizeof *buffer);
    if (!buffer)
        return fl_fail(err, FL_E_NOMEM, "out of memory: a sum of %zu", sums->n);
    enum fl_status status = fl_arena_init(
        &buffer->memory, fl_arena_bytes(sums->n, sizeof *buffer->data), err);
    if (status != FL_OK) {
        fl_free(buffer);
        return status;
    }
    buffer->data =
        fl_arena_take(&buffer->memory, sums->n, sizeof *buffer->data);
    buffer->next = sums->all;
    sums->all = buffer;
    *ret = buffer;
    return FL_OK;
}

enum fl_status
client_sums_take(struct client_sums *sums, int64_t **ret, struct fl_error *err)
{
    struct buffer *buffer = sums->all;
    while (buffer &&
           atomic_load_explicit(&buffer->is_lent, memory_order_acquire))
        buffer = buffer->next;
    if (!buffer)
        FL_TRY(add_buffer(sums, &buffer, err));
    memset(buffer->data, 0, sums->n * sizeof *buffer->data);
    *ret = buffer->data;
    return FL_OK;
}

static void release(void *data, void *arg)
{
    (void)data;
    struct buffer *buffer = arg;
    atomic_store_explicit(&buffer->is_lent, false, memory_order_release);
}

struct comms_lease client_sums_lend(struct client_sums *sums, int64_t *data)
{
    struct buffer *buffer = sums->all;
    while (buffer->data != data) {
        buffer = buffer->next;
        assert(buffer); /* only what was taken can be lent */
    }
    atomic_store(&buffer->is_lent, true);
    return (struct comms_lease){.release = release, .arg = buffer};
}
