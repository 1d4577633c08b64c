/* What was refused in a run: each kind is logged the first time, counted every
 * time, and summed up at the end, so that whoever floods fills no log. */
#ifndef COORDINATOR_REFUSALS_H
#define COORDINATOR_REFUSALS_H

#include "comms/endpoint.h"

#include <stdint.h>

enum coord_refusal {
    /* Of connections, as comms_refusal counts them. */
    COORD_REFUSED_PLAIN,
    COORD_REFUSED_KEY,
    COORD_REFUSED_SHAKE,
    /* Of messages. */
    COORD_REFUSED_MALFORMED,
    COORD_REFUSED_STRANGER, /* it has not said HELLO, or was given up */
    COORD_REFUSED_KIN,      /* it would compute or speak otherwise */
    COORD_REFUSED_SLOT,     /* another process's number */
    COORD_REFUSED_CROWD,    /* more processes than a run takes */
    COORD_REFUSED_AGAIN,    /* a second HELLO, a result that was there */
    COORD_REFUSED_LIE,      /* a result that cannot be one */
    COORD_REFUSED_FLOOD,
    COORD_REFUSED_LAST_
};

struct coord_refusals {
    int64_t n[COORD_REFUSED_LAST_];
};

/* Counts one; logs what it was if it is the first of its kind. */
void coord_refuse(struct coord_refusals *refusals,
                  enum coord_refusal kind,
                  const char *fmt,
                  ...) __attribute__((format(printf, 3, 4)));

/* Takes over what an encrypted hub has counted so far. */
void coord_refusals_of_hub(struct coord_refusals *refusals,
                           const struct comms_endpoint *hub);

/* The sum of all, in one line; nothing where nothing was refused. */
void coord_refusals_log(const struct coord_refusals *refusals);

#endif
