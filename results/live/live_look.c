/* What can be told from outside: has a store changed, is its writer alive. */
#include "results/live/live_priv.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/parse.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define MAX_LOCKS ((size_t)4 << 20)

void live_print_take(const char *path, struct live_print *ret)
{
    struct stat info;
    char log[RES_PATH_BYTES + 8];
    *ret = (struct live_print){.is_there = false};
    if (stat(path, &info) != 0 || info.st_size == 0)
        return;
    ret->is_there = true;
    ret->inode = info.st_ino;
    ret->size = info.st_size;
    ret->time = info.st_mtim;
    int n = snprintf(log, sizeof log, "%s-wal", path);
    if (n < 0 || (size_t)n >= sizeof log || stat(log, &info) != 0 ||
        info.st_size == 0)
        return; /* an empty log and none are the same */
    ret->log_size = info.st_size;
    ret->log_time = info.st_mtim;
}

static bool is_same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool live_print_is_same(const struct live_print *a, const struct live_print *b)
{
    return a->is_there == b->is_there && a->inode == b->inode &&
           a->size == b->size && a->log_size == b->log_size &&
           is_same_time(a->time, b->time) &&
           is_same_time(a->log_time, b->log_time);
}

/* Locks */

/* The next word of a line, or "" at its end. */
static const char *next_word(const char **line, char ret[64])
{
    *line += strspn(*line, " ");
    size_t n = strcspn(*line, " \n"), kept = n < 63 ? n : 63;
    memcpy(ret, *line, kept);
    ret[kept] = '\0';
    *line += n;
    return ret;
}

struct wanted {
    int64_t pid; /* in the file; 0: none */
    bool is_elsewhere;
    char place[64];
};

/* What its holder wrote into the file: its number and its host, a line each. */
static void read_holder(const char *path, struct wanted *ret)
{
    char text[352] = "", here[256] = "";
    if (fl_file_read_text(path, text, sizeof text, NULL) != FL_OK)
        return;
    char *host = text + strcspn(text, "\n");
    if (*host)
        *host++ = '\0';
    host[strcspn(host, "\n")] = '\0';
    if (fl_parse_int(text, 1, INT32_MAX, &ret->pid, NULL) != FL_OK)
        ret->pid = 0;
    ret->is_elsewhere = *host && gethostname(here, sizeof here - 1) == 0 &&
                        strcmp(host, here) != 0;
}

/* "1: FLOCK  ADVISORY  WRITE 2559 fe:00:10167458 0 EOF": by the file's place,
 * or, where a file system reports others than the list does, by who wrote
 * itself into the file. */
static bool
is_holder(const char *line, const struct wanted *wanted, int64_t *ret_pid)
{
    char word[64];
    int64_t pid = 0;
    (void)next_word(&line, word);
    if (strcmp(next_word(&line, word), "FLOCK") != 0)
        return false;
    (void)next_word(&line, word);
    (void)next_word(&line, word);
    if (fl_parse_int(next_word(&line, word), 1, INT32_MAX, &pid, NULL) != FL_OK)
        pid = 0; /* of another container */
    bool is_place = strcmp(next_word(&line, word), wanted->place) == 0;
    if (!is_place && (pid == 0 || pid != wanted->pid))
        return false;
    *ret_pid = pid;
    return true;
}

enum live_lock live_lock_of(const char *path, int64_t *ret_pid)
{
    struct stat info;
    struct wanted wanted = {.pid = 0};
    uint8_t *locks = NULL;
    size_t n = 0;
    *ret_pid = 0;
    if (stat(path, &info) != 0)
        return LIVE_LOCK_NONE;
    read_holder(path, &wanted);
    if (wanted.is_elsewhere)
        return LIVE_LOCK_ELSEWHERE;
    (void)snprintf(wanted.place, sizeof wanted.place, "%02x:%02x:%llu",
                   major(info.st_dev), minor(info.st_dev),
                   (unsigned long long)info.st_ino);
    if (fl_file_read("/proc/locks", MAX_LOCKS, &locks, &n, NULL) != FL_OK) {
        /* No such list here: then whoever wrote its number there. */
        char place[48];
        (void)snprintf(place, sizeof place, "/proc/%lld",
                       (long long)wanted.pid);
        bool is_alive = wanted.pid > 0 && stat(place, &info) == 0;
        *ret_pid = is_alive ? wanted.pid : 0;
        return is_alive ? LIVE_LOCK_HELD : LIVE_LOCK_DEAD;
    }
    enum live_lock found = LIVE_LOCK_DEAD;
    const char *line = (const char *)locks;
    while (*line && found == LIVE_LOCK_DEAD) {
        if (is_holder(line, &wanted, ret_pid))
            found = LIVE_LOCK_HELD;
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    fl_free(locks);
    /* Let go of meanwhile: its owner takes the file away, then the lock. */
    struct stat again;
    if (found == LIVE_LOCK_DEAD &&
        (stat(path, &again) != 0 || again.st_ino != info.st_ino))
        return LIVE_LOCK_NONE;
    return found;
}
