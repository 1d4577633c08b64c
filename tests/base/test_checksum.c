#include "base/checksum.h"
#include "base/rng.h"
#include "support/assert_near.h"

#include <string.h>

static void
sum_of(const uint8_t *bytes, size_t n, uint8_t ret[FL_CHECKSUM_BYTES])
{
    struct fl_checksum sum;
    fl_checksum_init(&sum);
    fl_checksum_add(&sum, bytes, n);
    fl_checksum_end(&sum, ret);
}

static void fill(uint8_t *bytes, size_t n)
{
    struct fl_rng rng = fl_rng_stream(1, FL_RNG_DROPOUT, 2, 3);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)fl_rng_below(&rng, 256);
}

/* RFC 3720, B.4: 32 bytes of zeros give 8a9136aa, of ones 62a8ab43. With one
 * lane's words alone in the other lanes' blocks, each lane is that CRC. */
static void test_each_lane_is_a_crc32c(void **state)
{
    (void)state;
    static const struct {
        uint8_t byte;
        uint32_t crc;
    } rows[] = {{0x00, 0x8a9136aa}, {0xff, 0x62a8ab43}};
    for (size_t i = 0; i < 2; i++) {
        struct fl_checksum sum;
        uint8_t bytes[4 * FL_CHECKSUM_BLOCK];
        memset(bytes, rows[i].byte, sizeof bytes);
        fl_checksum_init(&sum);
        fl_checksum_add(&sum, bytes, sizeof bytes);
        for (size_t lane = 0; lane < FL_CHECKSUM_LANES; lane++)
            assert_int_equal(~sum.lanes[lane], rows[i].crc);
    }
}

static void test_the_cpus_instruction_gives_the_same(void **state)
{
    (void)state;
    uint8_t bytes[1000];
    fill(bytes, sizeof bytes);
    for (size_t n = 0; n < sizeof bytes; n += 1 + n / 9) {
        struct fl_checksum sum;
        uint8_t fast[FL_CHECKSUM_BYTES], portable[FL_CHECKSUM_BYTES];
        sum_of(bytes, n, fast);
        fl_checksum_init(&sum);
        fl_checksum_add_portable(&sum, bytes, n);
        fl_checksum_end(&sum, portable);
        assert_memory_equal(fast, portable, sizeof fast);
    }
}

static void test_pieces_do_not_matter(void **state)
{
    (void)state;
    uint8_t bytes[257], whole[FL_CHECKSUM_BYTES], pieces[FL_CHECKSUM_BYTES];
    fill(bytes, sizeof bytes);
    sum_of(bytes, sizeof bytes, whole);
    for (size_t cut = 0; cut <= sizeof bytes; cut++) {
        struct fl_checksum sum;
        size_t next = cut + (sizeof bytes - cut) / 2;
        fl_checksum_init(&sum);
        fl_checksum_add(&sum, bytes, cut);
        fl_checksum_add(&sum, bytes + cut, next - cut);
        fl_checksum_add(&sum, bytes + next, sizeof bytes - next);
        fl_checksum_end(&sum, pieces);
        assert_memory_equal(whole, pieces, sizeof whole);
    }
}

static void test_every_changed_bit_is_found(void **state)
{
    (void)state;
    uint8_t bytes[203], before[FL_CHECKSUM_BYTES], after[FL_CHECKSUM_BYTES];
    fill(bytes, sizeof bytes);
    sum_of(bytes, sizeof bytes, before);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        sum_of(bytes, sizeof bytes, after);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_memory_not_equal(before, after, sizeof before);
    }
}

static void test_zeros_more_or_less_are_found(void **state)
{
    (void)state;
    static const uint8_t zeros[200];
    uint8_t sums[sizeof zeros][FL_CHECKSUM_BYTES];
    for (size_t n = 0; n < sizeof zeros; n++) {
        sum_of(zeros, n, sums[n]);
        for (size_t i = 0; i < n; i++)
            assert_memory_not_equal(sums[i], sums[n], FL_CHECKSUM_BYTES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_lane_is_a_crc32c),
        cmocka_unit_test(test_the_cpus_instruction_gives_the_same),
        cmocka_unit_test(test_pieces_do_not_matter),
        cmocka_unit_test(test_every_changed_bit_is_found),
        cmocka_unit_test(test_zeros_more_or_less_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
