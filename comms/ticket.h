/* Tickets: what a client process needs in order to join a run, as a small text
 * that only its user may read.
 *
 *     fedcarbon-ticket 1
 *     address tcp://node1:40123
 *     run 5d0c...                    (as the WELCOME says it)
 *     encrypted yes
 *     server_public_key ...          (Z85; these three only if encrypted)
 *     client_public_key ...
 *     client_secret_key ...
 *     end
 *
 * The coordinator writes it once it listens; a client process reads it from a
 * file or, on nodes without a shared file system, from its standard input.
 * Lines come in this order, one space between key and value; anything else is
 * refused. docs/security.md tells what a ticket is worth.
 *
 * Threads: safe, no shared state.
 */
#ifndef COMMS_TICKET_H
#define COMMS_TICKET_H

#include "base/status.h"
#include "comms/endpoint.h"
#include "comms/keys.h"

#include <stdbool.h>
#include <stddef.h>

#define COMMS_MAX_RUN_ID   128
#define COMMS_TICKET_BYTES 1024 /* and its NUL: no ticket is longer */

struct comms_ticket {
    char address[COMMS_MAX_ADDRESS];
    char run_id[COMMS_MAX_RUN_ID + 1];
    bool is_encrypted;
    struct comms_keys keys; /* of a client process; zeros if not encrypted */
};

/* The text into ret, NUL-terminated.
 * Fails FL_E_ARG a field that comms_ticket_parse would refuse. */
enum fl_status comms_ticket_format(const struct comms_ticket *ticket,
                                   char ret[COMMS_TICKET_BYTES],
                                   size_t *ret_bytes,
                                   struct fl_error *err) FL_NODISCARD;

/* In    where  of the text, for errors, which never show a key
 *       text   n_bytes, need not end with NUL
 * Fails FL_E_FORMAT with the line: not a ticket of this version. */
enum fl_status comms_ticket_parse(const char *where,
                                  const char *text,
                                  size_t n_bytes,
                                  struct comms_ticket *ret,
                                  struct fl_error *err) FL_NODISCARD;

/* A file with mode 0600, as a whole or not at all. Fails FL_E_ARG, FL_E_IO. */
enum fl_status comms_ticket_write(const struct comms_ticket *ticket,
                                  const char *path,
                                  struct fl_error *err) FL_NODISCARD;

/* path "-" is the standard input, read until the ticket's last line.
 * Fails FL_E_IO cannot read; FL_E_CONFIG a file that is not this user's, or
 * that others may read or write; FL_E_FORMAT as comms_ticket_parse. */
enum fl_status comms_ticket_read(const char *path,
                                 struct comms_ticket *ret,
                                 struct fl_error *err) FL_NODISCARD;

/* Wipes it from memory. */
void comms_ticket_forget(struct comms_ticket *ticket);

#endif
