/* Crop and mirror with a pencil, and the random streams behind them. */
#include "nn/augment.h"

#include "base/alloc.h"
#include "nn/dataset_priv.h"
#include "test_dataset_support.h"

#include <stdio.h>
#include <string.h>

static char scratch[64];

static int set_up(void **state)
{
    (void)state;
    scratch_create(scratch);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_destroy(scratch);
    return 0;
}

/* 3x3 of one channel, with -1 for black:
 *     1 2 3
 *     4 5 6
 *     7 8 9 */
static void
expect(int64_t down, int64_t right, bool is_mirrored, const float expected[9])
{
    const struct nn_shape shape = {3, {3, 3, 1}};
    const float blank = -1;
    float x[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    nn_augment_image(&shape, down, right, is_mirrored, &blank, x);
    assert_memory_equal(x, expected, sizeof x);
}

static void test_crops_and_mirrors_are_those_of_a_pencil(void **state)
{
    (void)state;
    const float same[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    const float mirrored[9] = {3, 2, 1, 6, 5, 4, 9, 8, 7};
    const float lower[9] = {4, 5, 6, 7, 8, 9, -1, -1, -1};
    const float upper[9] = {-1, -1, -1, 1, 2, 3, 4, 5, 6};
    const float righter[9] = {2, 3, -1, 5, 6, -1, 8, 9, -1};
    const float lefter[9] = {-1, 1, 2, -1, 4, 5, -1, 7, 8};
    const float corner[9] = {-1, -1, -1, -1, -1, 1, -1, -1, 4};
    const float corner_mirrored[9] = {-1, -1, -1, 1, -1, -1, 4, -1, -1};
    const float other[9] = {8, 9, -1, -1, -1, -1, -1, -1, -1};
    const float nothing[9] = {-1, -1, -1, -1, -1, -1, -1, -1, -1};
    expect(0, 0, false, same);
    expect(0, 0, true, mirrored);
    expect(1, 0, false, lower);
    expect(-1, 0, false, upper);
    expect(0, 1, false, righter);
    expect(0, -1, false, lefter);
    expect(-1, -2, false, corner);
    expect(-1, -2, true, corner_mirrored); /* first cropped, then mirrored */
    expect(2, 1, false, other);
    expect(3, 0, false, nothing);
    expect(0, -3, false, nothing);
    expect(0, 7, true, nothing);
}

static void test_channels_of_a_pixel_stay_together(void **state)
{
    (void)state;
    const struct nn_shape shape = {3, {2, 2, 3}};
    const float blank[3] = {-1, -2, -3};
    float x[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    const float shifted[12] = {4, 5, 6, -1, -2, -3, 10, 11, 12, -1, -2, -3};
    const float mirrored[12] = {-1, -2, -3, 4, 5, 6, -1, -2, -3, 10, 11, 12};
    nn_augment_image(&shape, 0, 1, false, blank, x);
    assert_memory_equal(x, shifted, sizeof x);
    nn_augment_image(&shape, 0, 0, true, blank, x);
    assert_memory_equal(x, mirrored, sizeof x);
}

/* 2,000 images of 4x4, whose pixels are all different and none is black. */
enum { SIDE = 4, SIZE = SIDE * SIDE, N = 2000 };

static struct nn_dataset *open_small(void)
{
    write_small_mnist(scratch, 20, 10, SIDE, 1);
    uint8_t items[20 * SIZE];
    uint32_t dim[3] = {20, SIDE, SIDE};
    char dir[100];
    for (int i = 0; i < 20 * SIZE; i++)
        items[i] = (uint8_t)(1 + i % SIZE);
    (void)snprintf(dir, sizeof dir, "%s/mnist", scratch);
    write_idx(dir, "train-images-idx3-ubyte", 0x08, 3, dim, items,
              sizeof items);
    struct nn_dataset_place place = {scratch, scratch, 1};
    struct fl_config *config = config_of("{verify: false}");
    struct nn_dataset *dataset;
    struct fl_error err;
    assert_ok(nn_dataset_create(config, "mnist", fl_config_root(config), &place,
                                &dataset, &err),
              &err);
    fl_config_destroy(config);
    return dataset;
}

static void gather_same(const struct nn_dataset *dataset,
                        enum nn_normalize normalize,
                        float *ret_x)
{
    int64_t index = 0;
    int32_t label;
    for (int i = 0; i < N; i++)
        nn_dataset_gather(dataset, nn_dataset_train(dataset), normalize, &index,
                          1, ret_x + i * SIZE, &label);
}

/* Which of the 9 x 9 x 2 ways x came out of the original by; -1: none. */
static int way_of(const struct nn_shape *shape,
                  const float *original,
                  float blank,
                  const float *x)
{
    for (int way = 0; way < 162; way++) {
        float made[SIZE];
        memcpy(made, original, sizeof made);
        nn_augment_image(shape, way / 18 - 4, way / 2 % 9 - 4, way % 2 == 1,
                         &blank, made);
        if (memcmp(made, x, sizeof made) == 0)
            return way;
    }
    return -1;
}

static void test_every_place_and_side_is_as_likely_as_any(void **state)
{
    (void)state;
    struct nn_dataset *dataset = open_small();
    const struct nn_shape *shape = nn_dataset_shape(dataset);
    const struct nn_augment augment = {.crop = 4, .flip = true};
    float *x = fl_calloc(N, SIZE * sizeof *x), original[SIZE];
    int seen[162] = {0};
    assert_non_null(x);
    for (int how = 0; how < NN_NORMALIZE_LAST_; how++) {
        enum nn_normalize normalize = (enum nn_normalize)how;
        struct fl_rng rng = fl_rng_stream(1, FL_RNG_AUGMENT, 7, (uint64_t)how);
        float blank = nn_dataset_value(dataset, normalize, 0, 0);
        gather_same(dataset, normalize, x);
        memcpy(original, x, sizeof original);
        for (int i = 0; i < SIZE; i++) /* black is the least */
            assert_true(original[i] > blank);
        nn_augment_batch(&augment, dataset, normalize, &rng, N, x);
        for (int i = 0; i < N; i++) {
            int way = way_of(shape, original, blank, x + i * SIZE);
            assert_in_range(way, 0, 161);
            seen[way]++;
        }
    }
    /* Shifts by 4 leave all black, 32 places of 81, counted as way 0. The
     * others: 24.7 are expected, within 6 standard deviations of 5. */
    for (int way = 1; way < 162; way++) {
        int down = way / 18 - 4, right = way / 2 % 9 - 4;
        bool is_black = down == 4 || down == -4 || right == 4 || right == -4;
        assert_in_range(seen[way], is_black ? 0 : 1, is_black ? 0 : 55);
    }
    /* 4000 * 32 / 81 = 1580, standard deviation 31 */
    assert_in_range(seen[0], 1580 - 155, 1580 + 155);
    fl_free(x);
    nn_dataset_destroy(dataset);
}

static void test_the_same_stream_gives_the_same_however_batched(void **state)
{
    (void)state;
    struct nn_dataset *dataset = open_small();
    const struct nn_augment augment = {.crop = 2, .flip = true};
    float *whole = fl_calloc(N, SIZE * sizeof *whole);
    float *pieces = fl_calloc(N, SIZE * sizeof *pieces);
    assert_non_null(whole);
    assert_non_null(pieces);
    gather_same(dataset, NN_NORMALIZE_STANDARD, whole);
    memcpy(pieces, whole, N * SIZE * sizeof *whole);
    struct fl_rng rng = fl_rng_stream(1, FL_RNG_AUGMENT, 3, 5);
    nn_augment_batch(&augment, dataset, NN_NORMALIZE_STANDARD, &rng, N, whole);
    rng = fl_rng_stream(1, FL_RNG_AUGMENT, 3, 5);
    for (int at = 0; at < N; at += 40)
        nn_augment_batch(&augment, dataset, NN_NORMALIZE_STANDARD, &rng, 40,
                         pieces + at * SIZE);
    assert_memory_equal(whole, pieces, N * SIZE * sizeof *whole);
    gather_same(dataset, NN_NORMALIZE_STANDARD, pieces);
    rng = fl_rng_stream(1, FL_RNG_AUGMENT, 3, 6); /* another round */
    nn_augment_batch(&augment, dataset, NN_NORMALIZE_STANDARD, &rng, N, pieces);
    assert_true(memcmp(whole, pieces, N * SIZE * sizeof *whole) != 0);
    fl_free(whole);
    fl_free(pieces);
    nn_dataset_destroy(dataset);
}

static void test_without_augmentation_nothing_is_drawn_or_changed(void **state)
{
    (void)state;
    struct nn_dataset *dataset = open_small();
    const struct nn_augment off = {0};
    float *x = fl_calloc(N, SIZE * sizeof *x);
    float *y = fl_calloc(N, SIZE * sizeof *y);
    assert_non_null(x);
    assert_non_null(y);
    gather_same(dataset, NN_NORMALIZE_UNIT, x);
    memcpy(y, x, N * SIZE * sizeof *x);
    struct fl_rng rng = fl_rng_stream(1, FL_RNG_AUGMENT, 3, 5), same = rng;
    nn_augment_batch(&off, dataset, NN_NORMALIZE_UNIT, &rng, N, x);
    assert_memory_equal(x, y, N * SIZE * sizeof *x);
    assert_int_equal(fl_rng_u32(&rng), fl_rng_u32(&same));
    fl_free(x);
    fl_free(y);
    nn_dataset_destroy(dataset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crops_and_mirrors_are_those_of_a_pencil),
        cmocka_unit_test(test_channels_of_a_pixel_stay_together),
        cmocka_unit_test_setup_teardown(
            test_every_place_and_side_is_as_likely_as_any, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_the_same_stream_gives_the_same_however_batched, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(
            test_without_augmentation_nothing_is_drawn_or_changed, set_up,
            tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
