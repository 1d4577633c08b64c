/* Sums of updates that can be lent to the wire without being copied: while one
 * buffer is being sent, the next round is added into another.
 *
 * Threads: a lent buffer is given back on any thread; all else belongs to one.
 */
#ifndef CLIENT_SUM_H
#define CLIENT_SUM_H

#include "base/status.h"
#include "comms/endpoint.h"

#include <stddef.h>
#include <stdint.h>

struct client_sums; /* opaque: the buffers */

/* For sums of n parameters. Fails FL_E_NOMEM. Free: client_sums_destroy. */
enum fl_status client_sums_create(size_t n,
                                  struct client_sums **ret,
                                  struct fl_error *err) FL_NODISCARD;
/* After the endpoint was destroyed: nothing may be lent any more. */
void client_sums_destroy(struct client_sums *sums);

/* A zeroed buffer [n] that is not lent, in ret. Fails FL_E_NOMEM. */
enum fl_status client_sums_take(struct client_sums *sums,
                                int64_t **ret,
                                struct fl_error *err) FL_NODISCARD;

/* A lease for comms_send of a buffer that was taken. */
struct comms_lease client_sums_lend(struct client_sums *sums, int64_t *buffer);

#endif
