/* Hostile and damaged files: each is refused with its place, what was found
 * and what is expected. */
#include "base/alloc.h"
#include "nn/readers/idx.h"
#include "nn/dataset_priv.h"
#include "test_dataset_support.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

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

/* Opens root/mnist without looking at SHA-256 sums. */
static enum fl_status open_mnist(const char *options, struct fl_error *err)
{
    char cache[600];
    (void)snprintf(cache, sizeof cache, "%s/cache", scratch);
    struct nn_dataset_place place = {scratch, cache, 1};
    struct fl_config *config = config_of(options);
    struct nn_dataset *dataset = NULL;
    enum fl_status status = nn_dataset_create(
        config, "mnist", fl_config_root(config), &place, &dataset, err);
    nn_dataset_destroy(dataset);
    fl_config_destroy(config);
    /* a refused set leaves nothing behind that could be taken for one */
    if (status != FL_OK) {
        assert_int_equal(count_ending(cache, ".fcd"), 0);
        assert_int_equal(count_ending(cache, ".tmp"), 0);
    }
    return status;
}

static char mnist_dir[100];

static void good_files(void)
{
    write_small_mnist(scratch, 20, 10, 4, 1);
    (void)snprintf(mnist_dir, sizeof mnist_dir, "%s/mnist", scratch);
}

static void expect(enum fl_status expected, const char *part)
{
    struct fl_error err = {0};
    assert_int_equal(open_mnist("{verify: false}", &err), expected);
    if (!strstr(err.text, part))
        fail_msg("'%s' does not say '%s'", err.text, part);
}

static void test_small_set_of_good_form_opens(void **state)
{
    (void)state;
    struct fl_error err;
    good_files();
    assert_ok(open_mnist("{verify: false}", &err), &err);
}

static void test_wrong_magic_is_refused(void **state)
{
    (void)state;
    uint32_t dim[3] = {20, 4, 4};
    uint8_t items[320] = {0};
    good_files();
    write_idx(mnist_dir, "train-images-idx3-ubyte", 0x0d, 3, dim, items, 320);
    expect(FL_E_FORMAT, "train-images-idx3-ubyte: magic number 0x00000d03, "
                        "expected 0x00000803");
    write_idx(mnist_dir, "train-images-idx3-ubyte", 0x08, 2, dim, items, 320);
    expect(FL_E_FORMAT, "magic number 0x00000802, expected 0x00000803");
}

static void
test_truncated_and_oversized_files_say_found_and_expected(void **state)
{
    (void)state;
    uint32_t dim[3] = {20, 4, 4};
    uint8_t items[400] = {0};
    good_files();
    write_idx(mnist_dir, "train-images-idx3-ubyte", 0x08, 3, dim, items, 319);
    expect(FL_E_FORMAT, "truncated: found 335 bytes, expected 336");
    write_idx(mnist_dir, "train-images-idx3-ubyte", 0x08, 3, dim, items, 321);
    expect(FL_E_FORMAT, "oversized: found 337 bytes, expected 336");
    good_files();
    write_idx(mnist_dir, "t10k-labels-idx1-ubyte", 0x08, 1, dim, items, 19);
    expect(FL_E_FORMAT, "t10k-labels-idx1-ubyte: truncated");
}

static void test_headers_that_end_early_are_refused(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0, 0, 8, 3, 0, 0, 0, 20, 0, 0, 0, 4, 0, 0};
    good_files();
    for (size_t n = 0; n <= sizeof bytes; n++) {
        write_bytes(mnist_dir, "train-images-idx3-ubyte", bytes, n);
        expect(FL_E_FORMAT, "train-images-idx3-ubyte");
    }
}

static void
test_absurd_axes_are_refused_before_memory_is_asked_for(void **state)
{
    (void)state;
    uint32_t huge[3] = {0xffffffff, 0xffffffff, 0xffffffff};
    uint32_t none[3] = {20, 0, 4};
    uint8_t items[16] = {0};
    good_files();
    write_idx(mnist_dir, "train-images-idx3-ubyte", 0x08, 3, huge, items, 16);
    expect(FL_E_FORMAT, "axes ask for more than");
    write_idx(mnist_dir, "train-images-idx3-ubyte", 0x08, 3, none, items, 0);
    expect(FL_E_FORMAT, "axis 1 has 0 entries");
}

static void test_counts_of_images_and_labels_must_agree(void **state)
{
    (void)state;
    uint32_t dim[1] = {19};
    uint8_t items[32] = {0};
    good_files();
    write_idx(mnist_dir, "train-labels-idx1-ubyte", 0x08, 1, dim, items, 19);
    expect(FL_E_FORMAT,
           "train-labels-idx1-ubyte: 19 entries, expected 20, one per image");
}

static void test_label_out_of_range_is_named(void **state)
{
    (void)state;
    uint32_t dim[1] = {20};
    uint8_t items[20] = {0};
    items[7] = 10;
    good_files();
    write_idx(mnist_dir, "train-labels-idx1-ubyte", 0x08, 1, dim, items, 20);
    expect(FL_E_FORMAT, "entry 7 is 10, allowed 0 .. 9");
}

static void test_splits_of_different_shape_are_refused(void **state)
{
    (void)state;
    uint32_t dim[3] = {10, 5, 4};
    uint8_t items[200] = {0};
    good_files();
    write_idx(mnist_dir, "t10k-images-idx3-ubyte", 0x08, 3, dim, items, 200);
    expect(FL_E_FORMAT, "images of 5x4, expected 4x4");
}

static void test_writers_are_checked_like_labels(void **state)
{
    (void)state;
    uint32_t dim[1] = {20};
    uint8_t items[40] = {0};
    good_files();
    items[6] = 0xff; /* entry 3: -256 */
    write_idx(mnist_dir, "train-writers-idx1-short", 0x0b, 1, dim, items, 40);
    expect(FL_E_FORMAT, "entry 3 is -256, allowed 0 .. 32767");
    dim[0] = 18;
    items[6] = 0;
    write_idx(mnist_dir, "train-writers-idx1-short", 0x0b, 1, dim, items, 36);
    expect(FL_E_FORMAT, "18 entries, expected 20");
}

static void
test_int16_ids_are_big_endian_and_numbered_in_their_order(void **state)
{
    (void)state;
    uint32_t dim[1] = {20};
    uint8_t items[40] = {0};
    for (int i = 0; i < 20; i++) { /* 0x0201, 0x0102, 0x0201, .. */
        items[2 * i] = i % 2 ? 1 : 2;
        items[2 * i + 1] = i % 2 ? 2 : 1;
    }
    good_files();
    write_idx(mnist_dir, "train-writers-idx1-short", 0x0b, 1, dim, items, 40);
    struct nn_dataset_place place = {scratch, scratch, 1};
    struct nn_file_opts opts = {.verify = false};
    struct nn_raw raw;
    struct fl_error err;
    assert_ok(
        nn_dataset_decode(nn_dataset_find("mnist"), &opts, &place, &raw, &err),
        &err);
    assert_int_equal(raw.train.n_groups, 2);
    for (int i = 0; i < 20; i++)
        assert_int_equal(raw.train.groups[i], i % 2 ? 0 : 1);
    assert_null(raw.test.groups);
    nn_raw_fini(&raw);
}

static void write_gz(const char *name, const uint8_t *bytes, unsigned n)
{
    char path[600];
    (void)snprintf(path, sizeof path, "%s/%s", mnist_dir, name);
    gzFile gz = gzopen(path, "wb");
    assert_non_null(gz);
    assert_int_equal(gzwrite(gz, bytes, n), n);
    assert_int_equal(gzclose(gz), Z_OK);
}

static void test_gz_files_open_and_damaged_ones_are_refused(void **state)
{
    (void)state;
    struct fl_error err;
    uint32_t dim[1] = {20};
    uint8_t items[20], bytes[64];
    char path[600];
    for (uint8_t i = 0; i < 20; i++)
        items[i] = i % 10;
    good_files();
    (void)snprintf(path, sizeof path, "%s/train-labels-idx1-ubyte", mnist_dir);
    assert_int_equal(remove(path), 0);
    size_t n = make_idx(bytes, 0x08, 1, dim, items, 20);
    write_gz("train-labels-idx1-ubyte.gz", bytes, (unsigned)n);
    assert_ok(open_mnist("{verify: false}", &err), &err);

    uint8_t gz[256];
    (void)snprintf(path, sizeof path, "%s/train-labels-idx1-ubyte.gz",
                   mnist_dir);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t n_gz = fread(gz, 1, sizeof gz, file);
    (void)fclose(file);
    scratch_destroy(scratch); /* and what the good set left in the cache */
    assert_int_equal(set_up(NULL), 0);
    good_files();
    (void)snprintf(path, sizeof path, "%s/train-labels-idx1-ubyte", mnist_dir);
    assert_int_equal(remove(path), 0);
    for (size_t cut = 0; cut < n_gz; cut++) {
        write_bytes(mnist_dir, "train-labels-idx1-ubyte.gz", gz, cut);
        expect(FL_E_FORMAT, "train-labels-idx1-ubyte.gz");
    }
    gz[n_gz - 6] ^= 1; /* its CRC */
    write_bytes(mnist_dir, "train-labels-idx1-ubyte.gz", gz, n_gz);
    expect(FL_E_FORMAT, "train-labels-idx1-ubyte.gz");
    static const uint8_t garbage[] = {
        0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 5, 6, 7, 0xff, 0xff, 0xff, 0xff, 0xff};
    write_bytes(mnist_dir, "train-labels-idx1-ubyte.gz", garbage,
                sizeof garbage);
    expect(FL_E_FORMAT, "train-labels-idx1-ubyte.gz");
}

static void test_other_content_is_refused_unless_told_to_take_it(void **state)
{
    (void)state;
    struct fl_error err = {0};
    good_files();
    assert_int_equal(open_mnist("{}", &err), FL_E_FORMAT);
    assert_non_null(strstr(err.text, "not the published content of mnist"));
    assert_non_null(strstr(
        err.text,
        "expected "
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"));
    assert_non_null(strstr(err.text, "verify: false"));
    assert_ok(open_mnist("{verify: false}", &err), &err);
    /* what was let through once must not pass as verified afterwards */
    char path[600];
    (void)snprintf(path, sizeof path, "%s/cache", scratch);
    assert_int_equal(count_ending(path, ".fcd"), 1);
    struct nn_dataset_place place = {scratch, path, 1};
    struct nn_dataset *dataset = NULL;
    assert_int_equal(
        nn_dataset_create(NULL, "mnist", NULL, &place, &dataset, &err),
        FL_E_FORMAT);
    assert_null(dataset);
}

enum { RECORD = 3073 };

static void test_cifar_records_become_channels_last(void **state)
{
    (void)state;
    struct fl_error err;
    uint8_t *bytes = fl_calloc(2, RECORD);
    uint8_t pixels[2 * 3072], labels[2];
    struct nn_raw_split split = {.n = 2, .pixels = pixels, .labels = labels};
    assert_non_null(bytes);
    for (int i = 0; i < 2 * RECORD; i++)
        bytes[i] = (uint8_t)(i * 31 + i / 1024);
    bytes[0] = 9;
    bytes[RECORD] = 3;
    assert_ok(nn_cifar10_unpack("x", bytes, 2 * RECORD, 0, 2, &split, &err),
              &err);
    assert_int_equal(labels[0], 9);
    assert_int_equal(labels[1], 3);
    for (int p = 0; p < 1024; p++)
        for (int c = 0; c < 3; c++)
            assert_int_equal(pixels[3072 + 3 * p + c],
                             bytes[RECORD + 1 + 1024 * c + p]);
    fl_free(bytes);
}

static void test_cifar_files_of_wrong_size_or_label_are_refused(void **state)
{
    (void)state;
    struct fl_error err;
    uint8_t *bytes = fl_calloc(3, RECORD);
    uint8_t pixels[2 * 3072], labels[2];
    struct nn_raw_split split = {.n = 2, .pixels = pixels, .labels = labels};
    assert_non_null(bytes);
    assert_int_equal(
        nn_cifar10_unpack("a.bin", bytes, 2 * RECORD - 1, 0, 2, &split, &err),
        FL_E_FORMAT);
    assert_non_null(
        strstr(err.text, "a.bin: truncated: found 6145 bytes, expected 6146"));
    assert_int_equal(
        nn_cifar10_unpack("a.bin", bytes, 3 * RECORD, 0, 2, &split, &err),
        FL_E_FORMAT);
    assert_non_null(strstr(err.text, "oversized"));
    assert_int_equal(nn_cifar10_unpack("a.bin", bytes, 0, 0, 2, &split, &err),
                     FL_E_FORMAT);
    bytes[RECORD] = 10;
    assert_int_equal(
        nn_cifar10_unpack("a.bin", bytes, 2 * RECORD, 0, 2, &split, &err),
        FL_E_FORMAT);
    assert_non_null(strstr(err.text, "label of record 1 is 10"));
    fl_free(bytes);
}

#define IN_SCRATCH(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(test_small_set_of_good_form_opens),
        IN_SCRATCH(test_wrong_magic_is_refused),
        IN_SCRATCH(test_truncated_and_oversized_files_say_found_and_expected),
        IN_SCRATCH(test_headers_that_end_early_are_refused),
        IN_SCRATCH(test_absurd_axes_are_refused_before_memory_is_asked_for),
        IN_SCRATCH(test_counts_of_images_and_labels_must_agree),
        IN_SCRATCH(test_label_out_of_range_is_named),
        IN_SCRATCH(test_splits_of_different_shape_are_refused),
        IN_SCRATCH(test_writers_are_checked_like_labels),
        IN_SCRATCH(test_int16_ids_are_big_endian_and_numbered_in_their_order),
        IN_SCRATCH(test_gz_files_open_and_damaged_ones_are_refused),
        IN_SCRATCH(test_other_content_is_refused_unless_told_to_take_it),
        cmocka_unit_test(test_cifar_records_become_channels_last),
        cmocka_unit_test(test_cifar_files_of_wrong_size_or_label_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
