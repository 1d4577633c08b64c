#include "results/trees/tfrecord.h"

/* By half bytes: entry i is the CRC of i, polynomial 0x1edc6f41 reflected. */
uint32_t res_crc32c(const void *bytes, size_t n)
{
    static const uint32_t half[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
        0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    const uint8_t *at = bytes;
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < n; i++) {
        crc ^= at[i];
        crc = (crc >> 4) ^ half[crc & 15];
        crc = (crc >> 4) ^ half[crc & 15];
    }
    return ~crc;
}

uint32_t res_crc32c_masked(const void *bytes, size_t n)
{
    uint32_t crc = res_crc32c(bytes, n);
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
