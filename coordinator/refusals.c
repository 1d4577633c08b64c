#include "coordinator/refusals.h"

#include "base/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = {
    [COORD_REFUSED_PLAIN] = "connections that do not encrypt or broke off",
    [COORD_REFUSED_KEY] = "connections with another key",
    [COORD_REFUSED_SHAKE] = "connections with a wrong handshake",
    [COORD_REFUSED_MALFORMED] = "malformed messages",
    [COORD_REFUSED_STRANGER] = "messages without a HELLO before",
    [COORD_REFUSED_KIN] = "processes that compute otherwise",
    [COORD_REFUSED_SLOT] = "processes with the number of another",
    [COORD_REFUSED_CROWD] = "processes too many",
    [COORD_REFUSED_AGAIN] = "messages that came twice",
    [COORD_REFUSED_LIE] = "results that cannot be",
    [COORD_REFUSED_FLOOD] = "floods of messages",
};
_Static_assert(sizeof names / sizeof names[0] == COORD_REFUSED_LAST_,
               "every refusal has a name");
_Static_assert(COORD_REFUSED_PLAIN == (int)COMMS_REFUSED_PLAIN &&
                   COORD_REFUSED_KEY == (int)COMMS_REFUSED_KEY &&
                   COORD_REFUSED_SHAKE == (int)COMMS_REFUSED_SHAKE &&
                   COMMS_REFUSED_LAST_ == 3,
               "the hub's kinds come first");

void coord_refuse(struct coord_refusals *refusals,
                  enum coord_refusal kind,
                  const char *fmt,
                  ...)
{
    char text[256];
    if (refusals->n[kind]++ > 0)
        return;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    fl_log(FL_LOG_WARN, "refused: %s (more of the kind are only counted)",
           text);
}

void coord_refusals_of_hub(struct coord_refusals *refusals,
                           const struct comms_endpoint *hub)
{
    const struct comms_refusals now = comms_endpoint_refusals(hub);
    for (int i = 0; i < COMMS_REFUSED_LAST_; i++) {
        if (now.n[i] > 0 && refusals->n[i] == 0) {
            bool has_from = i == COMMS_REFUSED_KEY && now.key_address[0];
            coord_refuse(refusals, (enum coord_refusal)i, "%s%s%s",
                         comms_refusal_text((enum comms_refusal)i),
                         has_from ? ", from " : "",
                         has_from ? now.key_address : "");
        }
        refusals->n[i] = now.n[i];
    }
}

void coord_refusals_log(const struct coord_refusals *refusals)
{
    char text[800] = "";
    size_t used = 0;
    for (int i = 0; i < COORD_REFUSED_LAST_; i++) {
        if (refusals->n[i] == 0)
            continue;
        int n = snprintf(text + used, sizeof text - used, "%s%s (%" PRId64 ")",
                         used ? ", " : "", names[i], refusals->n[i]);
        if (n < 0 || (size_t)n >= sizeof text - used)
            break;
        used += (size_t)n;
    }
    if (used > 0)
        fl_log(FL_LOG_WARN, "refused in this run: %s", text);
}
