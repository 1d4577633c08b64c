/* What the processes of a run have said about where their time went: the
 * latest word of each, those that were lost included. */
#ifndef COORDINATOR_PROFILE_BOOK_H
#define COORDINATOR_PROFILE_BOOK_H

#include "comms/message.h"
#include "nn/cpu_profile.h"

struct coord_profile_book; /* opaque */

/* Fails FL_E_NOMEM. Free: coord_profile_book_destroy. */
enum fl_status coord_profile_book_create(struct coord_profile_book **ret,
                                         struct fl_error *err) FL_NODISCARD;
void coord_profile_book_destroy(struct coord_profile_book *book);

/* Keeps a process's profile in place of its former one. A NULL book keeps
 * nothing. Fails FL_E_FORMAT a table that no profile of ours has; FL_E_NOMEM.
 */
enum fl_status coord_profile_book_note(struct coord_profile_book *book,
                                       uint32_t slot,
                                       uint32_t incarnation,
                                       const struct comms_profile *profile,
                                       struct fl_error *err) FL_NODISCARD;

/* Writes the run's profile: the coordinator's own, then the others' by slot.
 * Fails FL_E_NOMEM, FL_E_IO. */
enum fl_status coord_profile_book_export(struct coord_profile_book *book,
                                         struct nn_profile *own,
                                         const char *run_dir,
                                         struct fl_error *err) FL_NODISCARD;

#endif
