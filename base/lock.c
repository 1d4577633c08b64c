#include "base/lock.h"

#include "base/alloc.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES 100 /* of locking a file that others keep replacing */

/* Who wrote the lock file, for the error text; "another process" at least. */
static void read_holder(int fd, char *ret, size_t size)
{
    char pid[32] = "";
    ssize_t got = pread(fd, pid, sizeof pid - 1, 0);
    size_t digits = got > 0 ? strspn(pid, "0123456789") : 0;
    if (digits > 0 && digits < 12)
        (void)snprintf(ret, size, "process %.*s", (int)digits, pid);
    else
        (void)snprintf(ret, size, "another process");
}

/* Is the locked file still the one that the path names? */
static bool is_current(int fd, const char *path, struct stat *ret_held)
{
    struct stat named;
    return fstat(fd, ret_held) == 0 && stat(path, &named) == 0 &&
           ret_held->st_ino == named.st_ino && ret_held->st_dev == named.st_dev;
}

/* For people, and for those who look from another host: a disk too full for
 * it does not matter here. */
static void write_holder(int fd)
{
    char text[352], host[256] = "";
    if (gethostname(host, sizeof host - 1) != 0)
        host[0] = '\0';
    int length = snprintf(text, sizeof text, "%ld\n%s\n", (long)getpid(), host);
    if (ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)length, 0) != length)
        (void)ftruncate(fd, 0);
}

enum fl_status fl_lock_take(const char *path,
                            const char *where,
                            const char *does,
                            struct fl_lock *ret,
                            struct fl_error *err)
{
    for (int i = 0; i < TRIES; i++) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (fd < 0)
            return fl_fail_errno(err, FL_E_IO, "%s: cannot create", path);
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            char holder[48];
            read_holder(fd, holder, sizeof holder);
            (void)close(fd);
            return fl_fail(err, FL_E_STATE, "%s: %s %s", where, holder, does);
        }
        struct stat held;
        if (is_current(fd, path, &held)) {
            char *copy = fl_strdup(path);
            if (!copy) {
                (void)close(fd);
                return fl_fail(err, FL_E_NOMEM, "out of memory: %s", path);
            }
            write_holder(fd);
            *ret = (struct fl_lock){fd, copy, held.st_size > 0};
            return FL_OK;
        }
        (void)close(fd); /* its former owner has just removed it: again */
    }
    return fl_fail(err, FL_E_STATE, "%s: others keep locking it", where);
}

void fl_lock_drop(struct fl_lock *lock)
{
    if (lock->fd < 0)
        return;
    (void)unlink(lock->path); /* ours while we hold it: see is_current */
    fl_lock_leave(lock);
}

void fl_lock_leave(struct fl_lock *lock)
{
    if (lock->fd < 0)
        return;
    (void)close(lock->fd);
    fl_free(lock->path);
    *lock = FL_LOCK_NONE;
}
