#include "base/file.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define CHUNK_BYTES ((size_t)1 << 20)

/* Everything that gz delivers (it passes plain files through), NUL behind. */
static enum fl_status read_all(gzFile gz,
                               const char *path,
                               size_t max_bytes,
                               uint8_t **ret,
                               size_t *ret_bytes,
                               struct fl_error *err)
{
    uint8_t *bytes = NULL;
    size_t capacity = 0, used = 0;
    enum fl_status status = FL_OK;
    for (;;) {
        status = fl_grow(&bytes, &capacity, used + CHUNK_BYTES + 1, 1, err);
        if (status != FL_OK)
            goto fail;
        int got = gzread(gz, bytes + used, (unsigned)CHUNK_BYTES);
        if (got < 0) {
            int code = Z_OK;
            const char *why = gzerror(gz, &code);
            status = code == Z_ERRNO
                         ? fl_fail_errno(err, FL_E_IO, "%s: cannot read", path)
                         : fl_fail(err, FL_E_FORMAT, "%s: damaged gzip: %s",
                                   path, why);
            goto fail;
        }
        used += (size_t)got;
        if (used > max_bytes) {
            status =
                fl_fail(err, FL_E_FORMAT, "%s: too large, allowed %zu bytes",
                        path, max_bytes);
            goto fail;
        }
        if ((size_t)got < CHUNK_BYTES)
            break;
    }
    bytes[used] = '\0';
    *ret = bytes;
    *ret_bytes = used;
    return FL_OK;
fail:
    fl_free(bytes);
    return status;
}

enum fl_status fl_file_read(const char *path,
                            size_t max_bytes,
                            uint8_t **ret,
                            size_t *ret_bytes,
                            struct fl_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fl_fail_errno(err, FL_E_IO, "%s: cannot open", path);
    struct stat info;
    if (fstat(fd, &info) != 0 || S_ISDIR(info.st_mode)) {
        (void)close(fd);
        return fl_fail(err, FL_E_IO, "%s: not a readable file", path);
    }
    gzFile gz = gzdopen(fd, "rb");
    if (!gz) {
        (void)close(fd);
        return fl_fail(err, FL_E_NOMEM, "out of memory: %s", path);
    }
    (void)gzbuffer(gz, 1 << 17);
    enum fl_status status = read_all(gz, path, max_bytes, ret, ret_bytes, err);
    /* A gzip stream that ends early shows only here. */
    int closed = gzclose_r(gz);
    if (status == FL_OK && closed == Z_BUF_ERROR) {
        fl_free(*ret);
        *ret = NULL;
        status = fl_fail(err, FL_E_FORMAT, "%s: truncated gzip", path);
    }
    return status;
}

/* Until the end or `size` bytes, whichever comes first; -1 on failure. */
static ssize_t read_some(int fd, char *ret, size_t size)
{
    size_t used = 0;
    while (used < size) {
        ssize_t got = read(fd, ret + used, size - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        used += (size_t)got;
    }
    return (ssize_t)used;
}

/* Who else may read a secret has it; who may write it leads us astray. */
static enum fl_status
check_private(int fd, const char *path, struct fl_error *err)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return fl_fail_errno(err, FL_E_IO, "%s: cannot stat", path);
    if (!S_ISREG(info.st_mode))
        return fl_fail(err, FL_E_CONFIG, "%s: no plain file", path);
    if (info.st_uid != geteuid())
        return fl_fail(err, FL_E_CONFIG,
                       "%s: belongs to user %ld, allowed %ld, who runs this",
                       path, (long)info.st_uid, (long)geteuid());
    if (info.st_mode & 077)
        return fl_fail(err, FL_E_CONFIG,
                       "%s: mode %04o, allowed 0600: it is a secret", path,
                       (unsigned)info.st_mode & 07777);
    return FL_OK;
}

static enum fl_status read_text(const char *path,
                                bool is_private,
                                char *ret,
                                size_t size,
                                struct fl_error *err)
{
    /* A pipe must not make us wait for its other end. */
    int flags = O_RDONLY | O_CLOEXEC | (is_private ? O_NONBLOCK : 0);
    int fd = open(path, flags);
    if (fd < 0)
        return fl_fail_errno(err, FL_E_IO, "%s: cannot open", path);
    enum fl_status status = is_private ? check_private(fd, path, err) : FL_OK;
    ssize_t got = status == FL_OK ? read_some(fd, ret, size) : 0;
    if (got < 0)
        status = fl_fail_errno(err, FL_E_IO, "%s: cannot read", path);
    (void)close(fd);
    if (status != FL_OK)
        return status;
    if ((size_t)got == size)
        return fl_fail(err, FL_E_FORMAT, "%s: too long, allowed %zu bytes",
                       path, size - 1);
    if (memchr(ret, '\0', (size_t)got))
        return fl_fail(err, FL_E_FORMAT, "%s: not text, found a NUL", path);
    ret[got] = '\0';
    return FL_OK;
}

enum fl_status fl_file_read_text(const char *path,
                                 char *ret,
                                 size_t size,
                                 struct fl_error *err)
{
    return read_text(path, false, ret, size, err);
}

enum fl_status fl_file_read_private(const char *path,
                                    char *ret,
                                    size_t size,
                                    struct fl_error *err)
{
    return read_text(path, true, ret, size, err);
}

static enum fl_status write_all(int fd,
                                const char *path,
                                const unsigned char *bytes,
                                size_t n_bytes,
                                struct fl_error *err)
{
    while (n_bytes > 0) {
        ssize_t wrote = write(fd, bytes, n_bytes);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return fl_fail_errno(err, FL_E_IO, "%s: cannot write", path);
        bytes += wrote;
        n_bytes -= (size_t)wrote;
    }
    return FL_OK;
}

enum way { SYNCED, PRIVATE, UNSYNCED };

/* A device, a pipe, a socket: nothing that a file may take the place of. */
static enum fl_status write_into(const char *path,
                                 enum way way,
                                 const void *bytes,
                                 size_t n_bytes,
                                 struct fl_error *err)
{
    if (way == PRIVATE)
        return fl_fail(err, FL_E_IO,
                       "%s: no plain file, allowed one for a secret", path);
    /* A pipe that nobody reads is an error, not a long wait. */
    int fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return fl_fail_errno(err, FL_E_IO, "%s: cannot open", path);
    enum fl_status status = FL_OK;
    if (fcntl(fd, F_SETFL, O_WRONLY) != 0)
        status = fl_fail_errno(err, FL_E_IO, "%s: cannot open", path);
    if (status == FL_OK)
        status = write_all(fd, path, bytes, n_bytes, err);
    if (close(fd) != 0 && status == FL_OK)
        status = fl_fail_errno(err, FL_E_IO, "%s: cannot close", path);
    return status;
}

static enum fl_status replace(const char *path,
                              enum way way,
                              const void *bytes,
                              size_t n_bytes,
                              struct fl_error *err)
{
    char temporary[4096];
    int length = snprintf(temporary, sizeof temporary, "%s.tmp-%ld", path,
                          (long)getpid());
    if (length < 0 || (size_t)length >= sizeof temporary)
        return fl_fail(err, FL_E_ARG, "%s: path too long", path);
    int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
    if (way == PRIVATE) { /* never into a file that someone else has prepared */
        (void)unlink(temporary);
        flags |= O_EXCL;
    }
    int fd = open(temporary, flags, way == PRIVATE ? 0600 : 0666);
    if (fd < 0)
        return fl_fail_errno(err, FL_E_IO, "%s: cannot create", temporary);
    enum fl_status status = write_all(fd, path, bytes, n_bytes, err);
    if (status == FL_OK && way != UNSYNCED && fsync(fd) != 0 && errno != EINVAL)
        status = fl_fail_errno(err, FL_E_IO, "%s: cannot sync", path);
    if (close(fd) != 0 && status == FL_OK)
        status = fl_fail_errno(err, FL_E_IO, "%s: cannot close", path);
    if (status == FL_OK && rename(temporary, path) != 0)
        status = fl_fail_errno(err, FL_E_IO, "%s: cannot rename to it", path);
    if (status != FL_OK)
        (void)unlink(temporary);
    return status;
}

static enum fl_status write_as(const char *path,
                               enum way way,
                               const void *bytes,
                               size_t n_bytes,
                               struct fl_error *err)
{
    char target[PATH_MAX];
    struct stat info;
    bool is_there = stat(path, &info) == 0;
    if (is_there && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode))
        return write_into(path, way, bytes, n_bytes, err);
    /* A link stays one; not for a secret: somebody may have laid it. */
    bool is_link = is_there && way != PRIVATE && lstat(path, &info) == 0 &&
                   S_ISLNK(info.st_mode);
    if (is_link && !realpath(path, target))
        return fl_fail_errno(err, FL_E_IO, "%s: where it leads", path);
    return replace(is_link ? target : path, way, bytes, n_bytes, err);
}

enum fl_status fl_file_write(const char *path,
                             const void *bytes,
                             size_t n_bytes,
                             struct fl_error *err)
{
    return write_as(path, SYNCED, bytes, n_bytes, err);
}

enum fl_status fl_file_write_private(const char *path,
                                     const void *bytes,
                                     size_t n_bytes,
                                     struct fl_error *err)
{
    return write_as(path, PRIVATE, bytes, n_bytes, err);
}

enum fl_status fl_file_write_unsynced(const char *path,
                                      const void *bytes,
                                      size_t n_bytes,
                                      struct fl_error *err)
{
    return write_as(path, UNSYNCED, bytes, n_bytes, err);
}

enum fl_status fl_file_append(const char *path,
                              const void *bytes,
                              size_t n_bytes,
                              struct fl_error *err)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0)
        return fl_fail_errno(err, FL_E_IO, "%s: cannot open", path);
    enum fl_status status = write_all(fd, path, bytes, n_bytes, err);
    if (close(fd) != 0 && status == FL_OK)
        status = fl_fail_errno(err, FL_E_IO, "%s: cannot close", path);
    return status;
}

enum fl_status fl_file_map(const char *path,
                           const uint8_t **ret,
                           size_t *ret_bytes,
                           struct fl_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fl_fail_errno(err, FL_E_IO, "%s: cannot open", path);
    struct stat info;
    enum fl_status status = FL_OK;
    void *memory = MAP_FAILED;
    if (fstat(fd, &info) != 0)
        status = fl_fail_errno(err, FL_E_IO, "%s: cannot stat", path);
    else if (info.st_size <= 0)
        status = fl_fail(err, FL_E_FORMAT, "%s: empty file", path);
    else {
        memory = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (memory == MAP_FAILED)
            status = fl_fail_errno(err, FL_E_IO, "%s: cannot map", path);
    }
    (void)close(fd);
    if (status == FL_OK) {
        *ret = memory;
        *ret_bytes = (size_t)info.st_size;
    }
    return status;
}

void fl_file_read_ahead(const uint8_t *bytes, size_t n_bytes)
{
    void *memory = (void *)(uintptr_t)bytes;
#ifdef MADV_POPULATE_READ
    if (madvise(memory, n_bytes, MADV_POPULATE_READ) == 0)
        return;
#endif
    (void)madvise(memory, n_bytes, MADV_WILLNEED); /* an older system */
}

void fl_file_will_need(const uint8_t *bytes, size_t n_bytes)
{
    (void)madvise((void *)(uintptr_t)bytes, n_bytes, MADV_WILLNEED);
}

void fl_file_release(const uint8_t *bytes, size_t n_bytes)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = ((uintptr_t)bytes + page - 1) / page * page;
    uintptr_t to = ((uintptr_t)bytes + n_bytes) / page * page;
    if (from < to)
        (void)madvise((void *)from, to - from, MADV_DONTNEED);
}

enum fl_status fl_file_spool(const char *dir,
                             size_t n_bytes,
                             uint8_t **ret,
                             struct fl_error *err)
{
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/spool-XXXXXX", dir);
    if (length < 0 || (size_t)length >= sizeof path)
        return fl_fail(err, FL_E_ARG, "%.200s..: path too long", dir);
    int fd = mkstemp(path);
    if (fd < 0)
        return fl_fail_errno(err, FL_E_IO, "%s: cannot create a file", dir);
    (void)unlink(path);
    enum fl_status status = FL_OK;
    void *memory = MAP_FAILED;
    int failure = posix_fallocate(fd, 0, (off_t)n_bytes);
    if (failure != 0) {
        errno = failure;
        status = fl_fail_errno(err, FL_E_IO, "%s: no room for %zu bytes", dir,
                               n_bytes);
    } else {
        memory = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (memory == MAP_FAILED)
            status = fl_fail_errno(err, FL_E_IO, "%s: cannot map", dir);
    }
    (void)close(fd);
    if (status == FL_OK)
        *ret = memory;
    return status;
}

void fl_file_unmap(const uint8_t *bytes, size_t n_bytes)
{
    if (bytes)
        (void)munmap((void *)(uintptr_t)bytes, n_bytes);
}

enum fl_status fl_dir_create(const char *path, struct fl_error *err)
{
    char part[4096];
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof part)
        return fl_fail(err, FL_E_ARG, "'%.80s': impossible folder name", path);
    memcpy(part, path, length + 1);
    for (size_t i = 1; i <= length; i++) {
        if (part[i] != '/' && part[i] != '\0')
            continue;
        char kept = part[i];
        part[i] = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return fl_fail_errno(err, FL_E_IO, "%s: cannot create folder",
                                 part);
        part[i] = kept;
    }
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode))
        return fl_fail(err, FL_E_IO, "%s: is not a folder", path);
    return FL_OK;
}

enum fl_status fl_path_join(const char *dir,
                            const char *name,
                            char *ret,
                            size_t size,
                            struct fl_error *err)
{
    size_t length = strlen(dir);
    const char *slash = length > 0 && dir[length - 1] == '/' ? "" : "/";
    int wrote = snprintf(ret, size, "%s%s%s", dir, slash, name);
    if (wrote < 0 || (size_t)wrote >= size)
        return fl_fail(err, FL_E_ARG, "%s/%s: path too long", dir, name);
    return FL_OK;
}
