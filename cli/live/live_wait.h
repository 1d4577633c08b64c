/* Waiting for something to happen in the folders of a live view: the system
 * says when a file changes, nothing is looked at over and over. Where it
 * cannot say so (a network's file system), and for the death of a writer,
 * which changes no file, whoever waits gives a time as well.
 *
 *     FL_TRY(cli_live_wait_create(&wait, err));
 *     for (;;) {
 *         cli_live_wait_follow(wait, live);
 *         ... poll(cli_live_wait_fd(wait), 1000)
 *         cli_live_wait_take(wait);
 *         ... res_live_look(live, ...)
 *     }
 */
#ifndef CLI_LIVE_LIVE_WAIT_H
#define CLI_LIVE_LIVE_WAIT_H

#include "base/status.h"
#include "results/live.h"

struct cli_live_wait; /* opaque */

/* Fails FL_E_NOMEM, FL_E_IO. Free: cli_live_wait_destroy. */
enum fl_status cli_live_wait_create(struct cli_live_wait **ret,
                                    struct fl_error *err) FL_NODISCARD;
void cli_live_wait_destroy(struct cli_live_wait *wait);

/* From now on also what happens in the folders that the view shows; folders
 * that are not there yet are followed once they are. Only a wish: what the
 * system cannot follow is seen when the time is over. */
void cli_live_wait_follow(struct cli_live_wait *wait,
                          const struct res_live *live);
/* Readable when something happened. */
int cli_live_wait_fd(const struct cli_live_wait *wait);
/* Takes all that happened. */
void cli_live_wait_take(struct cli_live_wait *wait);

#endif
