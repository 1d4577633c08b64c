/* The published sets themselves: counts, shapes, label histograms, writers.
 * Needs the files: FEDCARBON_DATA names their folder; a set that is not there
 * is passed over by name, and without the variable the test is skipped. */
#include "nn/dataset_type.h"
#include "nn/partition.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "test_dataset_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *root;
static char cache[64];
static int n_opened;

struct facts {
    const char *name;
    const char *probe; /* a file by which it is there */
    struct nn_shape shape;
    int64_t classes;
    int64_t n_train, n_test;
    int64_t train_groups, test_groups;
    int64_t train_labels[10], test_labels[10]; /* up to 10 classes */
    double mean; /* of pixel / 255, training split, first channel */
};

/* Label counts of MNIST as in its published files; the rest as published. */
static const struct facts known[] = {
    {"mnist",
     "mnist/train-images-idx3-ubyte",
     {3, {28, 28, 1}},
     10,
     60000,
     10000,
     539,
     297,
     {5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949},
     {980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009},
     0.1307},
    {"fashion_mnist",
     "fashion-mnist/train-images-idx3-ubyte",
     {3, {28, 28, 1}},
     10,
     60000,
     10000,
     0,
     0,
     {6000, 6000, 6000, 6000, 6000, 6000, 6000, 6000, 6000, 6000},
     {1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000},
     0.2860},
    {"pneumonia_mnist",
     "pneumoniamnist/train-images-idx3-ubyte",
     {3, {28, 28, 1}},
     2,
     4708,
     624,
     0,
     0,
     {1214, 3494},
     {234, 390},
     0.5719},
    {"fsdd",
     "fsdd/fsdd-logmel32-idx3-ubyte",
     {3, {32, 32, 1}},
     10,
     2700,
     300,
     6,
     6,
     {270, 270, 270, 270, 270, 270, 270, 270, 270, 270},
     {30, 30, 30, 30, 30, 30, 30, 30, 30, 30},
     0},
    {"cifar10",
     "cifar10/data_batch_1.bin",
     {3, {32, 32, 3}},
     10,
     50000,
     10000,
     0,
     0,
     {5000, 5000, 5000, 5000, 5000, 5000, 5000, 5000, 5000, 5000},
     {1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000},
     0.4914},
    {.name = "omniglot",
     .probe = "omniglot/omniglot-small-images35-idx3-ubyte",
     .shape = {3, {35, 35, 1}},
     .classes = 242,
     .n_train = 15 * 242,
     .n_test = 5 * 242,
     .train_groups = 15 * 8,
     .test_groups = 5 * 8},
    {.name = "shakespeare",
     .probe = "shakespeare/tinyshakespeare.txt",
     .shape = {1, {80}},
     .classes = 65,
     .n_train = 79065,
     .n_test = 4752,
     .train_groups = 180,
     .test_groups = 180},
};

static void
count_labels(const struct nn_split *split, int64_t classes, const int64_t *want)
{
    int64_t found[256] = {0};
    for (int64_t i = 0; i < split->n; i++)
        found[split->labels[i]]++;
    for (int64_t c = 0; c < classes; c++)
        assert_int_equal(found[c], want[c]);
}

static double first_channel_mean(const struct nn_dataset *dataset)
{
    const struct nn_split *train = nn_dataset_train(dataset);
    const struct nn_shape *shape = nn_dataset_shape(dataset);
    int64_t step = shape->dim[2], n = train->n * nn_shape_size(shape);
    uint64_t sum = 0;
    for (int64_t i = 0; i < n; i += step)
        sum += train->pixels[i];
    return (double)sum / 255.0 / (double)(n / step);
}

static bool is_there(const struct facts *facts)
{
    struct stat info;
    char path[1200];
    (void)snprintf(path, sizeof path, "%s/%s", root, facts->probe);
    bool is_plain = stat(path, &info) == 0;
    (void)snprintf(path, sizeof path, "%s/%s.gz", root, facts->probe);
    return is_plain || stat(path, &info) == 0;
}

static struct nn_dataset *open_with(const char *name, const char *options)
{
    struct nn_dataset_place place = {root, cache, 1};
    struct nn_dataset *dataset;
    struct fl_error err;
    struct fl_config *config = config_of(options);
    double start_s = fl_clock_wall_s();
    assert_ok(nn_dataset_create(config, name, fl_config_root(config), &place,
                                &dataset, &err),
              &err);
    print_message("%s %s opened in %.1f ms\n", name, options,
                  (fl_clock_wall_s() - start_s) * 1e3);
    fl_config_destroy(config);
    return dataset;
}

static struct nn_dataset *open_set(const char *name)
{
    return open_with(name, "{}");
}

static void check_set(const struct facts *facts)
{
    struct nn_dataset *dataset = open_set(facts->name);
    const struct nn_split *train = nn_dataset_train(dataset);
    const struct nn_split *test = nn_dataset_test(dataset);
    const struct nn_shape *shape = nn_dataset_shape(dataset);
    assert_int_equal(shape->rank, facts->shape.rank);
    for (int i = 0; i < shape->rank; i++)
        assert_int_equal(shape->dim[i], facts->shape.dim[i]);
    assert_int_equal(nn_dataset_classes(dataset), facts->classes);
    assert_int_equal(train->n, facts->n_train);
    assert_int_equal(test->n, facts->n_test);
    assert_int_equal(train->n_groups, facts->train_groups);
    assert_int_equal(test->n_groups, facts->test_groups);
    if (facts->classes <= 10) {
        count_labels(train, facts->classes, facts->train_labels);
        count_labels(test, facts->classes, facts->test_labels);
    }
    if (facts->mean > 0) /* published with four digits; a lossy CIFAR: three */
        assert_near(first_channel_mean(dataset), facts->mean, 0, 6e-4);
    nn_dataset_destroy(dataset);
    n_opened++;
}

static void test_published_sets_have_their_published_facts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (is_there(&known[i]))
            check_set(&known[i]);
        else
            print_message("no %s in the data folder: passed over\n",
                          known[i].name);
    assert_true(n_opened > 0);
}

static void test_set_is_the_same_decoded_again_and_from_the_cache(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (!is_there(&known[i]))
            continue;
        const struct nn_dataset_type *type = nn_dataset_find(known[i].name);
        struct nn_dataset *dataset = open_set(known[i].name);
        struct nn_dataset_place place = {root, cache, 99};
        void *opts = fl_calloc(1, type->opts_size);
        struct fl_config *config = config_of("{}");
        struct nn_raw raw;
        struct fl_error err;
        assert_non_null(opts);
        fl_config_decode(config, fl_config_root(config), type->params, NULL,
                         opts);
        assert_ok(nn_dataset_decode(type, opts, &place, &raw, &err), &err);
        const struct nn_split *train = nn_dataset_train(dataset);
        size_t bytes = (size_t)(train->n * nn_shape_size(&raw.shape));
        assert_int_equal(raw.train.n, train->n);
        assert_true(memcmp(raw.train.pixels, train->pixels, bytes) == 0);
        assert_true(memcmp(raw.train.labels, train->labels, (size_t)train->n) ==
                    0);
        nn_raw_fini(&raw);
        fl_config_destroy(config);
        fl_free(opts);
        nn_dataset_destroy(dataset);
    }
}

static void test_writers_of_mnist_are_those_of_qmnist(void **state)
{
    (void)state;
    if (!is_there(&known[0]))
        return;
    struct nn_dataset *dataset = open_set("mnist");
    struct fl_config *config = config_of("{partition: natural}");
    const struct fl_node *node =
        fl_node_find(fl_config_root(config), "partition");
    struct nn_partition partition;
    struct fl_error err;
    int64_t least = INT64_MAX, most = 0, n;
    assert_ok(nn_partition_init(&partition, config, node, dataset, 0, 1, &err),
              &err);
    assert_int_equal(partition.clients, 539);
    for (int64_t c = 0; c < partition.clients; c++) {
        (void)nn_partition_client(&partition, c, &n);
        least = n < least ? n : least;
        most = n > most ? n : most;
    }
    assert_int_equal(least, 19);
    assert_int_equal(most, 131);
    nn_partition_fini(&partition);
    fl_config_destroy(config);
    nn_dataset_destroy(dataset);
}

static void check_omniglot(const char *options,
                           int64_t classes,
                           int64_t train_groups,
                           int64_t test_groups)
{
    struct nn_dataset *dataset = open_with("omniglot", options);
    const struct nn_split *splits[2] = {nn_dataset_train(dataset),
                                        nn_dataset_test(dataset)};
    const int64_t each[2] = {15, 5};
    assert_int_equal(nn_dataset_classes(dataset), classes);
    assert_int_equal(splits[0]->n_groups, train_groups);
    assert_int_equal(splits[1]->n_groups, test_groups);
    for (int s = 0; s < 2; s++) {
        int64_t seen[256] = {0};
        for (int64_t i = 0; i < splits[s]->n; i++)
            seen[splits[s]->labels[i]]++;
        for (int64_t c = 0; c < classes; c++)
            assert_int_equal(seen[c], each[s]);
    }
    nn_dataset_destroy(dataset);
}

static void test_characters_of_omniglot_have_15_and_5_drawings(void **state)
{
    (void)state;
    if (!is_there(&known[5]))
        return;
    check_omniglot("{}", 242, 120, 40);
    check_omniglot("{test: drawings}", 242, 160, 160);
    check_omniglot("{alphabet: latin}", 26, 15, 5);
    check_omniglot("{alphabet: latin, test: drawings}", 26, 20, 20);
    check_omniglot("{alphabet: tagalog}", 17, 15, 5);
}

/* The counts follow from the lengths of the 180 roles (by a few lines of
 * another language). */
static void test_shakespeare_starts_windows_where_it_is_told_to(void **state)
{
    (void)state;
    if (!is_there(&known[6]))
        return;
    struct nn_dataset *dataset =
        open_with("shakespeare", "{stride: 1, test_stride: 1}");
    const struct nn_split *train = nn_dataset_train(dataset);
    assert_true(nn_dataset_is_tokens(dataset));
    assert_int_equal(nn_dataset_sample_bytes(dataset), 1);
    assert_int_equal(train->n, 789780);
    assert_int_equal(nn_dataset_test(dataset)->n, 186736);
    /* the label of a window is the last token of the next one */
    int64_t followed = 0;
    for (int64_t i = 0; i + 1 < train->n; i++)
        if (train->groups[i] == train->groups[i + 1]) {
            assert_int_equal(train->labels[i],
                             train->pixels[(i + 1) * 80 + 79]);
            followed++;
        }
    assert_int_equal(followed, train->n - 180);
    nn_dataset_destroy(dataset);
}

int main(void)
{
    root = getenv("FEDCARBON_DATA");
    if (!root || !root[0]) {
        (void)printf("skipped: FEDCARBON_DATA does not name a folder with "
                     "data sets\n");
        return 77;
    }
    scratch_create(cache);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_sets_have_their_published_facts),
        cmocka_unit_test(test_set_is_the_same_decoded_again_and_from_the_cache),
        cmocka_unit_test(test_writers_of_mnist_are_those_of_qmnist),
        cmocka_unit_test(test_characters_of_omniglot_have_15_and_5_drawings),
        cmocka_unit_test(test_shakespeare_starts_windows_where_it_is_told_to),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    scratch_destroy(cache);
    return failed;
}
