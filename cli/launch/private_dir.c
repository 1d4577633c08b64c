#include "cli/launch/private_dir.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLACE  "/tmp"
#define PREFIX "fedcarbon-"
#define RANDOM "XXXXXX"
#define TRIES  10

/* All that is ever in one; the lock goes last. */
static void remove_all(const char *path)
{
    static const char *const names[] = {"hub", "lock"};
    char file[64];
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(file, sizeof file, "%s/%s", path, names[i]);
        (void)unlink(file);
    }
    (void)rmdir(path); /* not, if anything else is in it */
}

static enum fl_status
take_lock(const char *path, struct fl_lock *ret, struct fl_error *err)
{
    char file[64];
    (void)snprintf(file, sizeof file, "%s/lock", path);
    return fl_lock_take(file, path, "uses it", ret, err);
}

/* A folder of this user's alone, with a lock in it that nobody holds. One
 * without a lock is being made, or is not ours. */
static bool is_left(const char *path)
{
    char file[64];
    struct stat info;
    if (lstat(path, &info) != 0 || !S_ISDIR(info.st_mode) ||
        info.st_uid != getuid() || (info.st_mode & 077) != 0)
        return false;
    (void)snprintf(file, sizeof file, "%s/lock", path);
    return lstat(file, &info) == 0 && S_ISREG(info.st_mode);
}

static void remove_left(void)
{
    DIR *place = opendir(PLACE);
    const struct dirent *entry;
    char path[CLI_PRIVATE_DIR_BYTES];
    while (place && (entry = readdir(place))) {
        struct fl_lock lock = FL_LOCK_NONE;
        if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0 ||
            strlen(entry->d_name) != strlen(PREFIX RANDOM))
            continue;
        (void)snprintf(path, sizeof path, PLACE "/%.16s", entry->d_name);
        if (!is_left(path) || take_lock(path, &lock, NULL) != FL_OK)
            continue;
        remove_all(path);
        fl_lock_drop(&lock);
    }
    if (place)
        (void)closedir(place);
}

enum fl_status cli_private_dir_init(struct cli_private_dir *ret,
                                    struct fl_error *err)
{
    struct cli_private_dir dir = CLI_PRIVATE_DIR_NONE;
    enum fl_status status = FL_E_IO;
    remove_left();
    /* Another process may take it for left in the moment before it is locked */
    for (int i = 0; status != FL_OK && i < TRIES; i++) {
        (void)snprintf(dir.path, sizeof dir.path, PLACE "/" PREFIX RANDOM);
        if (!mkdtemp(dir.path))
            return fl_fail_errno(err, FL_E_IO,
                                 PLACE ": cannot create a folder");
        status = take_lock(dir.path, &dir.lock, err);
        if (status != FL_OK)
            remove_all(dir.path);
    }
    if (status == FL_OK)
        *ret = dir;
    return status;
}

void cli_private_dir_fini(struct cli_private_dir *dir)
{
    if (dir->path[0])
        remove_all(dir->path);
    fl_lock_drop(&dir->lock);
    *dir = CLI_PRIVATE_DIR_NONE;
}
