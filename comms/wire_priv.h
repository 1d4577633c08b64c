/* What wire_encode.c and wire_decode.c share about comms/wire.proto. Private
 * to these two: protobuf-c's types go no further.
 */
#ifndef COMMS_WIRE_PRIV_H
#define COMMS_WIRE_PRIV_H

#include "comms/message.h"
#include "comms/wire.pb-c.h"

#define COMMS_WIRE_MAGIC "FCW1" /* the first bytes of every message */

/* Which body a kind has. */
static inline Comms__Wire__Meta__BodyCase comms_wire_case(enum comms_kind kind)
{
    static const Comms__Wire__Meta__BodyCase cases[] = {
        [COMMS_HELLO] = COMMS__WIRE__META__BODY_HELLO,
        [COMMS_WELCOME] = COMMS__WIRE__META__BODY_WELCOME,
        [COMMS_MODEL] = COMMS__WIRE__META__BODY_MODEL,
        [COMMS_TASK] = COMMS__WIRE__META__BODY_TASK,
        [COMMS_PARTIAL] = COMMS__WIRE__META__BODY_PARTIAL,
        [COMMS_HEARTBEAT] = COMMS__WIRE__META__BODY_HEARTBEAT,
        [COMMS_BYE] = COMMS__WIRE__META__BODY_BYE,
    };
    _Static_assert(sizeof cases / sizeof cases[0] == COMMS_KIND_LAST_,
                   "every kind has a body");
    return (unsigned)kind < COMMS_KIND_LAST_ ? cases[kind]
                                             : COMMS__WIRE__META__BODY__NOT_SET;
}

#endif
