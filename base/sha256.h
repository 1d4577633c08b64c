/* SHA-256 (libsodium), streamed. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct fl_sha256 {
    _Alignas(16) unsigned char state[128];
};

/* Starts a hash. */
void fl_sha256_init(struct fl_sha256 *sha);
/* Adds bytes, in any number of pieces. */
void fl_sha256_add(struct fl_sha256 *sha, const void *bytes, size_t n_bytes);
/* 64 lower-case hexadecimal digits and a NUL. */
void fl_sha256_hex(struct fl_sha256 *sha, char ret_hex[65]);

/* All at once. */
void fl_sha256_of(const void *bytes, size_t n_bytes, char ret_hex[65]);

#endif
