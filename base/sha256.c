#include "base/sha256.h"

#include <sodium/crypto_hash_sha256.h>
#include <sodium/utils.h>

_Static_assert(sizeof(struct fl_sha256) >= sizeof(crypto_hash_sha256_state),
               "the state must fit");

static crypto_hash_sha256_state *state(struct fl_sha256 *sha)
{
    return (crypto_hash_sha256_state *)(void *)sha->state;
}

void fl_sha256_init(struct fl_sha256 *sha)
{
    (void)crypto_hash_sha256_init(state(sha));
}

void fl_sha256_add(struct fl_sha256 *sha, const void *bytes, size_t n_bytes)
{
    (void)crypto_hash_sha256_update(state(sha), bytes, n_bytes);
}

void fl_sha256_hex(struct fl_sha256 *sha, char ret_hex[65])
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    (void)crypto_hash_sha256_final(state(sha), digest);
    (void)sodium_bin2hex(ret_hex, 65, digest, sizeof digest);
}

void fl_sha256_of(const void *bytes, size_t n_bytes, char ret_hex[65])
{
    struct fl_sha256 sha;
    fl_sha256_init(&sha);
    fl_sha256_add(&sha, bytes, n_bytes);
    fl_sha256_hex(&sha, ret_hex);
}
