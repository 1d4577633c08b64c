/* A ticket from anywhere: refused, or it says the same when written again. */
#include "comms/ticket.h"
#include "fuzz/fuzz_input.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct comms_ticket ticket;
    char text[COMMS_TICKET_BYTES];
    size_t n = 0;
    if (comms_ticket_parse("fuzz", (const char *)bytes, n_bytes, &ticket,
                           NULL) != FL_OK)
        return 0;
    fuzz_must(comms_ticket_format(&ticket, text, &n, NULL) == FL_OK);
    fuzz_must(n == n_bytes && memcmp(text, bytes, n) == 0);
    return 0;
}
