/* Whole files: read (gz too), mapped, written so that a reader sees the old
 * or the new file and never half of one. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/* Reads a whole file into ret (heap, one NUL behind the bytes). A file that
 * starts with the gzip magic is decompressed.
 * Fails FL_E_IO cannot open or read; FL_E_FORMAT larger than max_bytes,
 * truncated or corrupt gzip. Free: fl_free. */
enum fl_status fl_file_read(const char *path,
                            size_t max_bytes,
                            uint8_t **ret,
                            size_t *ret_bytes,
                            struct fl_error *err) FL_NODISCARD;

/* A small text file that the system makes as it is read (/sys, /proc) into
 * ret[size], with one NUL behind it. No allocation.
 * Fails FL_E_IO cannot open or read, a folder; FL_E_FORMAT size bytes or more,
 * or a NUL in them. */
enum fl_status fl_file_read_text(const char *path,
                                 char *ret,
                                 size_t size,
                                 struct fl_error *err) FL_NODISCARD;

/* The same for a secret in a plain file (fl_file_write_private).
 * Fails also FL_E_CONFIG: it is not this user's, or others may read or write
 * it. */
enum fl_status fl_file_read_private(const char *path,
                                    char *ret,
                                    size_t size,
                                    struct fl_error *err) FL_NODISCARD;

/* Writes path.tmp-<pid>, syncs, renames; beside its target where path is a
 * link, which stays one. Into a device or a pipe (/dev/stdout) it writes, and
 * takes nobody's place. Fails FL_E_IO; nothing is left. */
enum fl_status fl_file_write(const char *path,
                             const void *bytes,
                             size_t n_bytes,
                             struct fl_error *err) FL_NODISCARD;

/* The same for secrets: only this user may read or write it (mode 0600); a new
 * plain file, whatever link was there, and into no device. */
enum fl_status fl_file_write_private(const char *path,
                                     const void *bytes,
                                     size_t n_bytes,
                                     struct fl_error *err) FL_NODISCARD;

/* The same for what is easily made again: many files, and a power cut may leave
 * one empty. */
enum fl_status fl_file_write_unsynced(const char *path,
                                      const void *bytes,
                                      size_t n_bytes,
                                      struct fl_error *err) FL_NODISCARD;

/* Adds to a file that is there. Fails FL_E_IO; a part may have been added. */
enum fl_status fl_file_append(const char *path,
                              const void *bytes,
                              size_t n_bytes,
                              struct fl_error *err) FL_NODISCARD;

/* Read-only shared mapping of a whole file. Fails FL_E_IO, FL_E_FORMAT empty.
 * Free: fl_file_unmap. */
enum fl_status fl_file_map(const char *path,
                           const uint8_t **ret,
                           size_t *ret_bytes,
                           struct fl_error *err) FL_NODISCARD;
/* Brings what is mapped into memory now, as far as the system can: a wish. */
void fl_file_read_ahead(const uint8_t *bytes, size_t n_bytes);
/* The same, but into the memory of the system alone. */
void fl_file_will_need(const uint8_t *bytes, size_t n_bytes);
/* The whole pages within [bytes, bytes + n_bytes) of a mapping leave this
 * process; what was there comes back, as it was, when it is read again. */
void fl_file_release(const uint8_t *bytes, size_t n_bytes);
/* Zeroed memory that is a file without a name in the folder, for what may not
 * stay in this process (fl_file_release). Its room on the disk is reserved.
 * Fails FL_E_IO. Free: fl_file_unmap. */
enum fl_status fl_file_spool(const char *dir,
                             size_t n_bytes,
                             uint8_t **ret,
                             struct fl_error *err) FL_NODISCARD;
void fl_file_unmap(const uint8_t *bytes, size_t n_bytes);

/* mkdir -p. Fails FL_E_IO. */
enum fl_status fl_dir_create(const char *path,
                             struct fl_error *err) FL_NODISCARD;

/* "a/b" into ret[size]. Fails FL_E_ARG too long. */
enum fl_status fl_path_join(const char *dir,
                            const char *name,
                            char *ret,
                            size_t size,
                            struct fl_error *err) FL_NODISCARD;

#endif
