/* Opening data sets: the cache file, its damage, several processes, errors. */
#include "nn/dataset.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "test_dataset_support.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char scratch[64];
static char cache[100];

static int set_up(void **state)
{
    (void)state;
    scratch_create(scratch);
    (void)snprintf(cache, sizeof cache, "%s/new/cache", scratch);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_destroy(scratch);
    return 0;
}

static enum fl_status open_set(const char *name,
                               const char *options,
                               uint64_t seed,
                               struct nn_dataset **ret,
                               struct fl_error *err)
{
    struct nn_dataset_place place = {scratch, cache, seed};
    struct fl_config *config = config_of(options);
    enum fl_status status = nn_dataset_create(
        config, name, fl_config_root(config), &place, ret, err);
    fl_config_destroy(config);
    return status;
}

static const char few[] =
    "{writers: 3, samples_per_writer: 20, test_writers: 2}";

static struct nn_dataset *open_few(uint64_t seed)
{
    struct fl_error err;
    struct nn_dataset *dataset;
    assert_ok(open_set("glyphs", few, seed, &dataset, &err), &err);
    return dataset;
}

/* The hash that the few glyphs of seed 1 have, by opening them elsewhere. */
static void hash_of_few(char ret[65])
{
    struct nn_dataset *dataset = open_few(1);
    (void)snprintf(ret, 65, "%s", nn_dataset_sha256(dataset));
    nn_dataset_destroy(dataset);
}

static void test_second_opening_maps_what_the_first_decoded(void **state)
{
    (void)state;
    struct nn_dataset *a = open_few(1), *b = open_few(1);
    assert_int_equal(count_ending(cache, ".fcd"), 1);
    assert_string_equal(nn_dataset_sha256(a), nn_dataset_sha256(b));
    assert_int_equal(strlen(nn_dataset_sha256(a)), 64);
    assert_int_equal(nn_dataset_train(a)->n, 60);
    assert_int_equal(nn_dataset_test(a)->n, 40);
    assert_int_equal(nn_dataset_train(a)->n_groups, 3);
    assert_int_equal(nn_dataset_test(a)->n_groups, 2);
    assert_memory_equal(nn_dataset_train(a)->pixels,
                        nn_dataset_train(b)->pixels, 60 * 784);
    nn_dataset_destroy(a);
    nn_dataset_destroy(b);
    nn_dataset_destroy(NULL);
}

static void test_seed_and_options_have_files_of_their_own(void **state)
{
    (void)state;
    struct fl_error err;
    struct nn_dataset *a = open_few(1), *b = open_few(2), *c;
    assert_ok(open_set("glyphs",
                       "{writers: 4, samples_per_writer: 20, "
                       "test_writers: 2}",
                       1, &c, &err),
              &err);
    assert_int_equal(count_ending(cache, ".fcd"), 3);
    assert_string_not_equal(nn_dataset_sha256(a), nn_dataset_sha256(b));
    assert_string_not_equal(nn_dataset_sha256(a), nn_dataset_sha256(c));
    nn_dataset_destroy(a);
    nn_dataset_destroy(b);
    nn_dataset_destroy(c);
}

static void test_changed_source_file_is_decoded_again(void **state)
{
    (void)state;
    struct fl_error err;
    struct nn_dataset *a, *b;
    write_small_mnist(scratch, 20, 10, 4, 1);
    assert_ok(open_set("mnist", "{verify: false}", 1, &a, &err), &err);
    write_small_mnist(scratch, 20, 10, 4, 2); /* same sizes */
    assert_ok(open_set("mnist", "{verify: false}", 1, &b, &err), &err);
    assert_string_not_equal(nn_dataset_sha256(a), nn_dataset_sha256(b));
    nn_dataset_destroy(a);
    nn_dataset_destroy(b);
}

static void test_seed_is_no_part_of_a_set_that_comes_as_files(void **state)
{
    (void)state;
    struct fl_error err;
    struct nn_dataset *a, *b;
    write_small_mnist(scratch, 20, 10, 4, 1);
    assert_ok(open_set("mnist", "{verify: false}", 1, &a, &err), &err);
    assert_ok(open_set("mnist", "{verify: false}", 2, &b, &err), &err);
    assert_int_equal(count_ending(cache, ".fcd"), 1);
    nn_dataset_destroy(a);
    nn_dataset_destroy(b);
}

/* Flips one byte of the cache file, without any luck of the clock: the time
 * stamp that writing leaves is now, the library's own lies in 2001 .. 2010. */
static void flip_byte(const char *path, long at)
{
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    int c = fgetc(file);
    assert_true(c != EOF);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_equal(fputc(c ^ 0x55, file), c ^ 0x55);
    assert_int_equal(fclose(file), 0);
}

static long size_of(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return (long)info.st_size;
}

static void expect_repaired(const char *hash, const char *path, long size)
{
    struct nn_dataset *dataset = open_few(1);
    assert_string_equal(nn_dataset_sha256(dataset), hash);
    assert_int_equal(size_of(path), size);
    nn_dataset_destroy(dataset);
    dataset = open_few(1);
    assert_string_equal(nn_dataset_sha256(dataset), hash);
    nn_dataset_destroy(dataset);
}

static void test_any_flipped_byte_of_a_cache_file_is_noticed(void **state)
{
    (void)state;
    char hash[65], path[600];
    hash_of_few(hash);
    find_ending(cache, ".fcd", path);
    long size = size_of(path);
    struct nn_dataset *before = open_few(1);
    /* 37 does not divide anything in the layout: all arrays get hit */
    for (long at = 0; at < size; at += at < 1024 ? 37 : 3701) {
        flip_byte(path, at);
        struct nn_dataset *after = open_few(1);
        assert_string_equal(nn_dataset_sha256(after), hash);
        assert_memory_equal(nn_dataset_train(before)->labels,
                            nn_dataset_train(after)->labels, 60);
        nn_dataset_destroy(after);
    }
    flip_byte(path, size - 1);
    expect_repaired(hash, path, size);
    nn_dataset_destroy(before);
}

/* As a disk does, which leaves no stamp: else it trains another model. */
static void test_a_bit_that_flips_by_itself_is_noticed(void **state)
{
    (void)state;
    char hash[65], path[600];
    struct stat info;
    hash_of_few(hash);
    find_ending(cache, ".fcd", path);
    long size = size_of(path);
    struct nn_dataset *before = open_few(1);
    const struct nn_split *train = nn_dataset_train(before);
    size_t n = (size_t)(train->n * nn_shape_size(nn_dataset_shape(before)));
    uint8_t *pixels = fl_calloc(n, 1);
    assert_non_null(pixels);
    memcpy(pixels, train->pixels, n);
    nn_dataset_destroy(before);
    for (long at = 1024; at < size; at += 3701) {
        assert_int_equal(stat(path, &info), 0);
        const struct timespec times[2] = {info.st_atim, info.st_mtim};
        flip_byte(path, at);
        assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
        struct nn_dataset *after = open_few(1);
        assert_memory_equal(nn_dataset_train(after)->pixels, pixels, n);
        nn_dataset_destroy(after);
    }
    fl_free(pixels);
}

static void test_truncated_and_foreign_cache_files_are_made_again(void **state)
{
    (void)state;
    char hash[65], path[600];
    static const uint8_t garbage[4096] = {'F', 'C', 'D', 'A', 'T', 'A', '\r'};
    hash_of_few(hash);
    find_ending(cache, ".fcd", path);
    long size = size_of(path);
    for (long n = 0; n < size; n += n < 1200 ? 101 : 9999) {
        assert_int_equal(truncate(path, n), 0);
        expect_repaired(hash, path, size);
    }
    write_bytes(".", path, garbage, sizeof garbage);
    expect_repaired(hash, path, size);
    assert_int_equal(remove(path), 0);
    nn_dataset_destroy(open_few(2));
    char other[600];
    find_ending(cache, ".fcd", other);
    assert_int_equal(rename(other, path), 0); /* whole, but not this one */
    expect_repaired(hash, path, size);
}

static void test_touched_but_whole_cache_file_is_kept(void **state)
{
    (void)state;
    char hash[65], path[600];
    struct stat before, after;
    hash_of_few(hash);
    find_ending(cache, ".fcd", path);
    assert_int_equal(stat(path, &before), 0);
    struct timespec now[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
    assert_int_equal(utimensat(AT_FDCWD, path, now, 0), 0);
    hash_of_few(hash);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
}

static void test_what_a_killed_process_left_is_written_over(void **state)
{
    (void)state;
    char hash[65], path[600], left[700];
    hash_of_few(hash);
    find_ending(cache, ".fcd", path);
    long size = size_of(path);
    (void)snprintf(left, sizeof left, "%s.tmp", path);
    assert_int_equal(rename(path, left), 0);
    flip_byte(left, 100);
    expect_repaired(hash, path, size);
    assert_int_equal(count_ending(cache, ".tmp"), 0);
}

/* Children that open the same set; each writes the file's number to a pipe. */
static pid_t open_in_child(int pipe_end, const char *options)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0)
        return child;
    struct nn_dataset *dataset;
    struct stat info;
    char path[600];
    if (open_set("glyphs", options, 1, &dataset, NULL) != FL_OK)
        _exit(1);
    find_ending(cache, ".fcd", path);
    uint64_t number = stat(path, &info) == 0 ? (uint64_t)info.st_ino : 0;
    if (write(pipe_end, &number, sizeof number) != sizeof number)
        _exit(2);
    _exit(0);
}

static void test_processes_that_open_at_once_decode_once(void **state)
{
    (void)state;
    enum { CHILDREN = 6 };
    int ends[2];
    pid_t child[CHILDREN];
    assert_int_equal(pipe(ends), 0);
    for (int i = 0; i < CHILDREN; i++)
        child[i] = open_in_child(ends[1], "{writers: 30}");
    uint64_t first = 0, number;
    for (int i = 0; i < CHILDREN; i++) {
        int how;
        assert_int_equal(waitpid(child[i], &how, 0), child[i]);
        assert_int_equal(how, 0);
        assert_int_equal(read(ends[0], &number, sizeof number), sizeof number);
        if (i == 0)
            first = number;
        /* a second decoding would have put another file in its place */
        assert_true(number != 0 && number == first);
    }
    assert_int_equal(count_ending(cache, ".fcd"), 1);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void test_process_killed_while_decoding_breaks_nothing(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    for (long wait_ms = 2; wait_ms < 200; wait_ms = wait_ms * 3 / 2 + 1) {
        struct timespec wait = {.tv_nsec = wait_ms * 1000000};
        pid_t child = open_in_child(ends[1], "{writers: 40}");
        (void)nanosleep(&wait, NULL);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
    }
    struct fl_error err;
    struct nn_dataset *dataset;
    assert_ok(open_set("glyphs", "{writers: 40}", 1, &dataset, &err), &err);
    char hash[65];
    (void)snprintf(hash, sizeof hash, "%s", nn_dataset_sha256(dataset));
    nn_dataset_destroy(dataset);
    scratch_destroy(cache);
    assert_ok(open_set("glyphs", "{writers: 40}", 1, &dataset, &err), &err);
    assert_string_equal(hash, nn_dataset_sha256(dataset));
    nn_dataset_destroy(dataset);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void test_cache_folder_that_cannot_be_made_is_named(void **state)
{
    (void)state;
    struct fl_error err;
    struct nn_dataset *dataset = NULL;
    write_bytes(scratch, "new", "a file", 6); /* where a folder should be */
    assert_int_equal(open_set("glyphs", few, 1, &dataset, &err), FL_E_IO);
    assert_null(dataset);
    assert_non_null(strstr(err.text, scratch));
}

/* A limit on the size of files stands in for a full disk: write() fails. */
static void test_full_disk_is_an_error_and_leaves_nothing(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit limit = {.rlim_cur = 20000, .rlim_max = 20000};
        struct fl_error err;
        struct nn_dataset *dataset = NULL;
        (void)signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
            _exit(2);
        if (open_set("glyphs", few, 1, &dataset, &err) != FL_E_IO || dataset)
            _exit(3);
        if (!strstr(err.text, cache) || count_ending(cache, ".tmp") != 0 ||
            count_ending(cache, ".fcd") != 0)
            _exit(4);
        _exit(0);
    }
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_int_equal(how, 0);
}

static void
test_missing_set_says_where_it_looked_and_how_to_get_it(void **state)
{
    (void)state;
    struct fl_error err;
    struct nn_dataset *dataset = NULL;
    char looked[200];
    assert_int_equal(open_set("fashion_mnist", "{}", 1, &dataset, &err),
                     FL_E_IO);
    assert_null(dataset);
    (void)snprintf(looked, sizeof looked, "%s/fashion-mnist", scratch);
    assert_non_null(strstr(err.text, looked));
    assert_non_null(strstr(err.text, "train-images-idx3-ubyte"));
    assert_non_null(strstr(err.text, "to get it: put the four IDX files"));
}

static void test_unknown_name_gets_the_near_one_and_all(void **state)
{
    (void)state;
    struct fl_error err;
    struct nn_dataset *dataset = NULL;
    assert_int_equal(open_set("fashion-mnist", "{}", 1, &dataset, &err),
                     FL_E_CONFIG);
    assert_non_null(strstr(err.text, "did you mean 'fashion_mnist'"));
    assert_non_null(strstr(err.text, "glyphs"));
    assert_int_equal(nn_dataset_check(NULL, "mnits", NULL, &err), FL_E_CONFIG);
    assert_non_null(strstr(err.text, "'mnist'"));
    assert_ok(nn_dataset_check(NULL, "mnist", NULL, &err), &err);
}

static void test_wrong_options_are_refused_with_their_place(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "{writers: 0}",    "{writers: 1e3}",           "{writer: 5}",
        "{writers: many}", "{samples_per_writer: -1}", "{test_writers: 0}",
        "{verify: true}",
    };
    struct fl_error err;
    struct nn_dataset *dataset = NULL;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(open_set("glyphs", wrong[i], 1, &dataset, &err),
                         FL_E_CONFIG);
        assert_non_null(strstr(err.text, "test:1:"));
    }
    assert_int_equal(open_set("glyphs",
                              "{writers: 1000000, samples_per_writer: 100000}",
                              1, &dataset, &err),
                     FL_E_CONFIG);
    assert_null(dataset);
    assert_ok(open_set("glyphs", "{kind: glyphs, writers: 1, test_writers: 1}",
                       1, &dataset, &err),
              &err);
    nn_dataset_destroy(dataset);
}

static void test_gather_standardizes_by_the_training_split(void **state)
{
    (void)state;
    struct nn_dataset *dataset = open_few(3);
    const struct nn_split *train = nn_dataset_train(dataset);
    float *x = fl_calloc(60 * 784, sizeof *x);
    int32_t labels[60];
    int64_t index[60];
    assert_non_null(x);
    for (int i = 0; i < 60; i++)
        index[i] = 59 - i;
    nn_dataset_read_ahead(dataset);
    nn_dataset_gather(dataset, train, NN_NORMALIZE_STANDARD, index, 60, x,
                      labels);
    double sum = 0, square_sum = 0;
    for (int i = 0; i < 60 * 784; i++) {
        sum += (double)x[i];
        square_sum += (double)x[i] * (double)x[i];
    }
    /* float32 values of size about 1 carry 1e-7; averages stay below that */
    assert_near(sum / (60 * 784), 0, 0, 1e-6);
    assert_near(square_sum / (60 * 784), 1, 0, 1e-6);
    for (int i = 0; i < 60; i++)
        assert_int_equal(labels[i], train->labels[59 - i]);
    nn_dataset_gather(dataset, train, NN_NORMALIZE_UNIT, index, 1, x, labels);
    for (int i = 0; i < 784; i++) /* one rounding to float32 */
        assert_near((double)x[i], train->pixels[59 * 784 + i] / 255.0, 1e-7, 0);
    fl_free(x);
    nn_dataset_destroy(dataset);
}

static void test_opening_a_decoded_set_is_quick(void **state)
{
    (void)state;
    struct fl_error err;
    struct nn_dataset *dataset;
    assert_ok(open_set("glyphs", "{}", 1, &dataset, &err), &err);
    nn_dataset_destroy(dataset);
    double best_s = 1;
    for (int i = 0; i < 5; i++) {
        double start_s = fl_clock_wall_s();
        assert_ok(open_set("glyphs", "{}", 1, &dataset, &err), &err);
        double took_s = fl_clock_wall_s() - start_s;
        nn_dataset_destroy(dataset);
        best_s = took_s < best_s ? took_s : best_s;
    }
    print_message("opened in %.3f ms\n", best_s * 1e3);
    assert_true(best_s < 0.005);
}

/* Every allocation fails once, with and without a cache file. */
static void sweep(bool is_cold)
{
    struct nn_dataset_place place = {scratch, cache, 1};
    struct fl_error err;
    enum fl_status status = FL_E_NOMEM;
    for (long nth = 1; status != FL_OK && nth < 1000; nth++) {
        struct nn_dataset *dataset = NULL;
        struct fl_config *config = config_of(few);
        if (is_cold)
            scratch_destroy(cache);
        (void)fl_alloc_fail_at(nth);
        status = nn_dataset_create(config, "glyphs", fl_config_root(config),
                                   &place, &dataset, &err);
        (void)fl_alloc_fail_at(0);
        if (status != FL_OK) {
            assert_int_equal(status, FL_E_NOMEM);
            assert_null(dataset);
            assert_int_equal(count_ending(cache, ".tmp"), 0);
        } else {
            assert_true(nth > 1);
            assert_int_equal(nn_dataset_train(dataset)->n, 60);
        }
        nn_dataset_destroy(dataset);
        fl_config_destroy(config);
    }
    assert_int_equal(status, FL_OK);
}

static void test_each_failed_allocation_is_survived(void **state)
{
    (void)state;
    sweep(true);
    sweep(false);
}

static void
test_failed_allocations_while_reading_files_are_survived(void **state)
{
    (void)state;
    struct nn_dataset_place place = {scratch, cache, 1};
    struct fl_error err;
    enum fl_status status = FL_E_NOMEM;
    write_small_mnist(scratch, 20, 10, 4, 1);
    for (long nth = 1; status != FL_OK && nth < 1000; nth++) {
        struct nn_dataset *dataset = NULL;
        struct fl_config *config = config_of("{verify: false}");
        scratch_destroy(cache);
        (void)fl_alloc_fail_at(nth);
        status = nn_dataset_create(config, "mnist", fl_config_root(config),
                                   &place, &dataset, &err);
        (void)fl_alloc_fail_at(0);
        assert_true(status == FL_OK || status == FL_E_NOMEM);
        nn_dataset_destroy(dataset);
        fl_config_destroy(config);
    }
    assert_int_equal(status, FL_OK);
}

#define IN_SCRATCH(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(test_second_opening_maps_what_the_first_decoded),
        IN_SCRATCH(test_seed_and_options_have_files_of_their_own),
        IN_SCRATCH(test_changed_source_file_is_decoded_again),
        IN_SCRATCH(test_seed_is_no_part_of_a_set_that_comes_as_files),
        IN_SCRATCH(test_any_flipped_byte_of_a_cache_file_is_noticed),
        IN_SCRATCH(test_a_bit_that_flips_by_itself_is_noticed),
        IN_SCRATCH(test_truncated_and_foreign_cache_files_are_made_again),
        IN_SCRATCH(test_touched_but_whole_cache_file_is_kept),
        IN_SCRATCH(test_what_a_killed_process_left_is_written_over),
        IN_SCRATCH(test_processes_that_open_at_once_decode_once),
        IN_SCRATCH(test_process_killed_while_decoding_breaks_nothing),
        IN_SCRATCH(test_cache_folder_that_cannot_be_made_is_named),
        IN_SCRATCH(test_full_disk_is_an_error_and_leaves_nothing),
        IN_SCRATCH(test_missing_set_says_where_it_looked_and_how_to_get_it),
        IN_SCRATCH(test_unknown_name_gets_the_near_one_and_all),
        IN_SCRATCH(test_wrong_options_are_refused_with_their_place),
        IN_SCRATCH(test_gather_standardizes_by_the_training_split),
        IN_SCRATCH(test_opening_a_decoded_set_is_quick),
        IN_SCRATCH(test_each_failed_allocation_is_survived),
        IN_SCRATCH(test_failed_allocations_while_reading_files_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
