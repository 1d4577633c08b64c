/* A folder under /tmp for a run's socket, that only its user may enter. It
 * lives as long as the process that made it; what a killed one left behind is
 * removed by the next. */
#ifndef CLI_LAUNCH_PRIVATE_DIR_H
#define CLI_LAUNCH_PRIVATE_DIR_H

#include "base/lock.h"
#include "base/status.h"

#define CLI_PRIVATE_DIR_BYTES 32 /* short enough for a socket in it */

struct cli_private_dir {
    char path[CLI_PRIVATE_DIR_BYTES]; /* "": none */
    struct fl_lock lock;              /* held while it is in use */
};
#define CLI_PRIVATE_DIR_NONE                                                   \
    (struct cli_private_dir)                                                   \
    {                                                                          \
        "", FL_LOCK_NONE                                                       \
    }

/* Fails FL_E_IO. Free: cli_private_dir_fini, also of none. */
enum fl_status cli_private_dir_init(struct cli_private_dir *ret,
                                    struct fl_error *err) FL_NODISCARD;
/* Removes it, with the socket ("hub") in it. */
void cli_private_dir_fini(struct cli_private_dir *dir);

#endif
