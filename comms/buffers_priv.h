/* Buffers in which received tensors are put together, kept for the next
 * message: a page fault per 4 KiB and message would cost more than the copy.
 * Private to comms/.
 *
 * A pool is shared: its endpoint and every buffer that is out hold it, so that
 * a received message may outlive its endpoint and be freed on any thread.
 */
#ifndef COMMS_BUFFERS_PRIV_H
#define COMMS_BUFFERS_PRIV_H

#include "base/arena.h"
#include "base/status.h"

#include <stddef.h>

struct comms_pool; /* opaque */

struct comms_buffer {
    struct fl_arena arena; /* arena.memory: page-aligned */
    struct comms_pool *pool;
    struct comms_buffer *next;
};

enum fl_status comms_pool_create(struct comms_pool **ret,
                                 struct fl_error *err) FL_NODISCARD;
/* The endpoint lets go; buffers that are out keep the pool alive. */
void comms_pool_destroy(struct comms_pool *pool);

enum fl_status comms_pool_take(struct comms_pool *pool,
                               size_t n_bytes,
                               struct comms_buffer **ret,
                               struct fl_error *err) FL_NODISCARD;
void comms_buffer_give(struct comms_buffer *buffer); /* NULL is fine */

#endif
