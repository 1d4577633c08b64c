#include "comms/buffers_priv.h"

#include "base/alloc.h"

#include <pthread.h>
#include <stdbool.h>

/* Enough for a receiver that holds a few messages at a time. */
#define MAX_FREE  8
#define GRANULE   ((size_t)64 << 10)
#define MAX_WASTE ((size_t)4 << 20)

struct comms_pool {
    pthread_mutex_t lock;
    struct comms_buffer *free; /* up to MAX_FREE */
    size_t n_free;
    size_t n_out;
    bool is_left; /* by its endpoint: ends with the last buffer */
};

enum fl_status comms_pool_create(struct comms_pool **ret, struct fl_error *err)
{
    struct comms_pool *pool = fl_calloc(1, sizeof *pool);
    if (!pool)
        return fl_fail(err, FL_E_NOMEM, "out of memory: a buffer pool");
    if (pthread_mutex_init(&pool->lock, NULL) != 0) {
        fl_free(pool);
        return fl_fail(err, FL_E_NOMEM, "out of memory: a lock");
    }
    *ret = pool;
    return FL_OK;
}

static void buffer_destroy(struct comms_buffer *buffer)
{
    fl_arena_fini(&buffer->arena);
    fl_free(buffer);
}

static void pool_end(struct comms_pool *pool)
{
    for (struct comms_buffer *buffer = pool->free; buffer;) {
        struct comms_buffer *next = buffer->next;
        buffer_destroy(buffer);
        buffer = next;
    }
    (void)pthread_mutex_destroy(&pool->lock);
    fl_free(pool);
}

void comms_pool_destroy(struct comms_pool *pool)
{
    if (!pool)
        return;
    (void)pthread_mutex_lock(&pool->lock);
    pool->is_left = true;
    bool is_last = pool->n_out == 0;
    (void)pthread_mutex_unlock(&pool->lock);
    if (is_last)
        pool_end(pool);
}

/* The smallest free buffer that fits and is not far too large; locked. */
static struct comms_buffer *unlink_best(struct comms_pool *pool, size_t n_bytes)
{
    struct comms_buffer **best = NULL;
    for (struct comms_buffer **at = &pool->free; *at; at = &(*at)->next) {
        size_t size = (*at)->arena.size_bytes;
        if (size < n_bytes || size - n_bytes > n_bytes + MAX_WASTE)
            continue;
        if (!best || size < (*best)->arena.size_bytes)
            best = at;
    }
    if (!best)
        return NULL;
    struct comms_buffer *buffer = *best;
    *best = buffer->next;
    pool->n_free--;
    return buffer;
}

static enum fl_status buffer_create(struct comms_pool *pool,
                                    size_t n_bytes,
                                    struct comms_buffer **ret,
                                    struct fl_error *err)
{
    struct comms_buffer *buffer = fl_calloc(1, sizeof *buffer);
    if (!buffer)
        return fl_fail(err, FL_E_NOMEM, "out of memory: a buffer");
    size_t rounded = (n_bytes + GRANULE - 1) / GRANULE * GRANULE;
    enum fl_status status = fl_arena_init(&buffer->arena, rounded, err);
    if (status != FL_OK) {
        fl_free(buffer);
        return status;
    }
    buffer->pool = pool;
    *ret = buffer;
    return FL_OK;
}

enum fl_status comms_pool_take(struct comms_pool *pool,
                               size_t n_bytes,
                               struct comms_buffer **ret,
                               struct fl_error *err)
{
    (void)pthread_mutex_lock(&pool->lock);
    struct comms_buffer *buffer = unlink_best(pool, n_bytes);
    pool->n_out++;
    (void)pthread_mutex_unlock(&pool->lock);
    enum fl_status status = FL_OK;
    if (!buffer)
        status = buffer_create(pool, n_bytes, &buffer, err);
    if (status == FL_OK) {
        *ret = buffer;
        return FL_OK;
    }
    (void)pthread_mutex_lock(&pool->lock);
    pool->n_out--;
    (void)pthread_mutex_unlock(&pool->lock);
    return status;
}

void comms_buffer_give(struct comms_buffer *buffer)
{
    if (!buffer)
        return;
    struct comms_pool *pool = buffer->pool;
    (void)pthread_mutex_lock(&pool->lock);
    pool->n_out--;
    bool is_kept = !pool->is_left && pool->n_free < MAX_FREE;
    bool is_last = pool->is_left && pool->n_out == 0;
    if (is_kept) {
        buffer->next = pool->free;
        pool->free = buffer;
        pool->n_free++;
    }
    (void)pthread_mutex_unlock(&pool->lock);
    if (!is_kept)
        buffer_destroy(buffer);
    if (is_last)
        pool_end(pool);
}
