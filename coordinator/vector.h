/* Model parameters that several messages may be sending at once: one float
 * vector, counted references, never changed while it is shared. A released
 * vector goes back to its shelf, so that a round costs no page faults.
 *
 * Threads: references may be dropped on any thread (ZeroMQ does); all else
 * belongs to the coordinator's thread.
 */
#ifndef COORDINATOR_VECTOR_H
#define COORDINATOR_VECTOR_H

#include "base/status.h"
#include "comms/endpoint.h"

#include <stddef.h>

struct coord_shelf; /* opaque: makes vectors of one length */

struct coord_vector {
    float *data;
    size_t n;
};

/* For vectors of n floats. Fails FL_E_NOMEM. */
enum fl_status coord_shelf_create(size_t n,
                                  struct coord_shelf **ret,
                                  struct fl_error *err) FL_NODISCARD;
/* All vectors must have been dropped (after the endpoint was destroyed). */
void coord_shelf_destroy(struct coord_shelf *shelf);

/* A vector with one reference and unspecified contents. Fails FL_E_NOMEM. */
enum fl_status coord_vector_take(struct coord_shelf *shelf,
                                 struct coord_vector **ret,
                                 struct fl_error *err) FL_NODISCARD;
struct coord_vector *coord_vector_share(struct coord_vector *vector);
void coord_vector_drop(struct coord_vector *vector); /* NULL is fine */

/* A lease for comms_send that holds a reference until the bytes are gone. */
struct comms_lease coord_vector_lease(struct coord_vector *vector);

#endif
