/* A lock that one process of this host holds by a file, and that the system
 * lets go when the process ends, however it ends.
 *
 *     FL_TRY(fl_lock_take("run/run.lock", "run", "is writing this run", &lock,
 *                         err));
 *     ...
 *     fl_lock_drop(&lock);
 *
 * The file is there while the lock is held, with the process's number and the
 * host's name, a line each, for people. Whoever was killed leaves it behind,
 * and it locks nothing.
 *
 * Threads: a lock belongs to one.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include "base/status.h"

#include <stdbool.h>

struct fl_lock {
    int fd; /* -1: not held */
    char *path;
    bool was_left; /* whoever held it before was killed */
};
/* What is not held: dropping it is fine. */
#define FL_LOCK_NONE                                                           \
    (struct fl_lock)                                                           \
    {                                                                          \
        -1, 0, false                                                           \
    }

/* Takes it or fails at once.
 *
 * In    path   of the lock file; created where it is not there
 *       where  begins the error's text
 *       does   what the other process does: "is writing this run"
 * Fails FL_E_STATE "<where>: process 123 <does>"; FL_E_IO; FL_E_NOMEM.
 * Free: fl_lock_drop. */
enum fl_status fl_lock_take(const char *path,
                            const char *where,
                            const char *does,
                            struct fl_lock *ret,
                            struct fl_error *err) FL_NODISCARD;
void fl_lock_drop(struct fl_lock *lock);

/* Lets go of it and leaves the file, as one that is killed does: for who has
 * taken the lock of a killed process and did not do that one's work. */
void fl_lock_leave(struct fl_lock *lock);

#endif
