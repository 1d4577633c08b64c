#include "base/checksum_priv.h"
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

static const struct fl_checksum_way *portable(void)
{
    size_t i = 0;
    while (fl_checksum_ways[i + 1])
        i++;
    return fl_checksum_ways[i];
}

/* Calls fn with each way that this CPU has. */
static void on_each_way(void (*fn)(const struct fl_checksum_way *way))
{
    for (size_t i = 0; fl_checksum_ways[i]; i++)
        if (fl_checksum_ways[i]->is_here())
            fn(fl_checksum_ways[i]);
        else
            print_message("not on this CPU: %s\n", fl_checksum_ways[i]->name);
}

static void assert_same(const struct fl_checksum *a,
                        const struct fl_checksum *b)
{
    assert_memory_equal(a->lanes, b->lanes, sizeof a->lanes);
    assert_int_equal(a->n_bytes, b->n_bytes);
    assert_int_equal(a->n_rest, b->n_rest);
    assert_memory_equal(a->rest, b->rest, a->n_rest);
}

#define LONGEST 5000

/* From where a length makes them begin, to where the array ends: ASan would
 * see a way that reads further. */
static void assert_all_lengths(const struct fl_checksum_way *way,
                               const uint8_t bytes[LONGEST])
{
    for (size_t n = 0; n <= LONGEST; n++) {
        struct fl_checksum fast, slow;
        fl_checksum_init(&fast);
        fl_checksum_init(&slow);
        fl_checksum_add_by(&fast, bytes + LONGEST - n, n, way);
        fl_checksum_add_by(&slow, bytes + LONGEST - n, n, portable());
        assert_same(&fast, &slow);
    }
}

static void all_lengths(const struct fl_checksum_way *way)
{
    uint8_t bytes[LONGEST];
    fill(bytes, LONGEST);
    assert_all_lengths(way, bytes);
    memset(bytes, 0x00, LONGEST);
    assert_all_lengths(way, bytes);
    memset(bytes, 0xff, LONGEST);
    assert_all_lengths(way, bytes);
}

static void test_each_way_gives_the_same(void **state)
{
    (void)state;
    assert_string_equal(portable()->name, "portable");
    assert_true(portable()->is_here());
    on_each_way(all_lengths);
}

/* A few bytes, or as many as there are for a way's loop to turn often. */
static size_t some(struct fl_rng *rng)
{
    static const uint64_t below[] = {40, 700, 3000, 40000};
    return (size_t)fl_rng_below(rng, below[fl_rng_below(rng, 4)]);
}

/* One sum all the time, so that each piece goes on from another state. */
static void pieces_in_a_row(const struct fl_checksum_way *way)
{
    enum {
        ROOM = 1 << 16,
        PIECES = 500,
    };
    uint8_t bytes[ROOM];
    struct fl_rng rng = fl_rng_stream(1, FL_RNG_DROPOUT, 4, 5);
    struct fl_checksum fast, slow;
    fill(bytes, ROOM);
    fl_checksum_init(&fast);
    fl_checksum_init(&slow);
    for (size_t i = 0; i < PIECES; i++) {
        size_t n = some(&rng);
        const uint8_t *piece = bytes + fl_rng_below(&rng, ROOM - n);
        fl_checksum_add_by(&fast, piece, n, way);
        fl_checksum_add_by(&slow, piece, n, portable());
        assert_same(&fast, &slow);
    }
    uint8_t fast_sum[FL_CHECKSUM_BYTES], slow_sum[FL_CHECKSUM_BYTES];
    fl_checksum_end(&fast, fast_sum);
    fl_checksum_end(&slow, slow_sum);
    assert_memory_equal(fast_sum, slow_sum, FL_CHECKSUM_BYTES);
}

static void test_each_way_goes_on_from_any_state(void **state)
{
    (void)state;
    on_each_way(pieces_in_a_row);
}

/* Whatever the CPU: this is what others' sums are compared with. */
static void test_a_sum_is_that_of_the_portable_way(void **state)
{
    (void)state;
    uint8_t bytes[LONGEST];
    fill(bytes, LONGEST);
    for (size_t n = 0; n <= LONGEST; n += 1 + n / 9) {
        struct fl_checksum sum;
        uint8_t fast[FL_CHECKSUM_BYTES], slow[FL_CHECKSUM_BYTES];
        sum_of(bytes, n, fast);
        fl_checksum_init(&sum);
        fl_checksum_add_by(&sum, bytes, n, portable());
        fl_checksum_end(&sum, slow);
        assert_memory_equal(fast, slow, sizeof fast);
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
        cmocka_unit_test(test_each_way_gives_the_same),
        cmocka_unit_test(test_each_way_goes_on_from_any_state),
        cmocka_unit_test(test_a_sum_is_that_of_the_portable_way),
        cmocka_unit_test(test_pieces_do_not_matter),
        cmocka_unit_test(test_every_changed_bit_is_found),
        cmocka_unit_test(test_zeros_more_or_less_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
