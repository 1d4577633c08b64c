#include "results/trees/tfrecord.h"

#include "base/checksum.h"

uint32_t res_crc32c_masked(const void *bytes, size_t n)
{
    uint32_t crc = fl_crc32c(bytes, n);
    return ((crc >> 15) | (crc << 17)) + 0xa282ead8;
}

static void put_little(struct res_text *out, uint64_t value, size_t n)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    res_text_put_bytes(out, bytes, n);
}

void res_tfrecord(struct res_text *out, const void *bytes, size_t n)
{
    uint8_t length[8];
    for (size_t i = 0; i < sizeof length; i++)
        length[i] = (uint8_t)((uint64_t)n >> (8 * i));
    res_text_put_bytes(out, length, sizeof length);
    put_little(out, res_crc32c_masked(length, sizeof length), 4);
    res_text_put_bytes(out, bytes, n);
    put_little(out, res_crc32c_masked(bytes, n), 4);
}
