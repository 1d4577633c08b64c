/* nftw is XSI */
#define _XOPEN_SOURCE 700

#include "meter_fixture.h"

#include "base/alloc.h"
#include "base/file.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define START_WALL_S 100.0

void fake_init(struct fake *fake)
{
    *fake = (struct fake){.root = "/tmp/fl-test-meter-XXXXXX"};
    assert_non_null(mkdtemp(fake->root));
    fake->opts.root = fake->root;
}

static int remove_one(const char *path,
                      const struct stat *info,
                      int kind,
                      struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

static void remove_tree(const char *path)
{
    assert_int_equal(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

void fake_fini(struct fake *fake)
{
    remove_tree(fake->root);
}

const char *
fake_path(const struct fake *fake, const char *path, char ret[FAKE_PATH])
{
    int n = snprintf(ret, FAKE_PATH, "%s/%s", fake->root, path);
    assert_true(n > 0 && n < FAKE_PATH);
    return ret;
}

static void make_folder_of(char *path)
{
    struct fl_error err = {0};
    char *slash = strrchr(path, '/');
    *slash = '\0';
    assert_ok(fl_dir_create(path, &err), &err);
    *slash = '/';
}

void fake_put(const struct fake *fake, const char *path, const char *text)
{
    char full[FAKE_PATH];
    fake_path(fake, path, full);
    make_folder_of(full);
    FILE *file = fopen(full, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

void fake_put_number(const struct fake *fake, const char *path, long long n)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%lld\n", n);
    fake_put(fake, path, text);
}

void fake_remove(const struct fake *fake, const char *path)
{
    char full[FAKE_PATH];
    remove_tree(fake_path(fake, path, full));
}

void fake_block(const struct fake *fake, const char *path)
{
    char full[FAKE_PATH];
    fake_path(fake, path, full);
    make_folder_of(full);
    assert_true(unlink(full) == 0 || errno == ENOENT);
    assert_int_equal(mkdir(full, 0755), 0);
}

struct carbon_meter *fake_open(const struct fake *fake, const char *name)
{
    struct carbon_meter *meter = NULL;
    struct fl_error err = {0};
    assert_ok(
        carbon_meter_create(name, &fake->opts, START_WALL_S, &meter, &err),
        &err);
    assert_non_null(meter);
    assert_string_equal(carbon_meter_type(meter)->name, name);
    return meter;
}

static void assert_words(const struct fl_error *err, const char *words)
{
    if (!strstr(err->text, words))
        fail_msg("'%s' does not say '%s'", err->text, words);
}

void fake_refuse(const struct fake *fake,
                 const char *name,
                 enum fl_status status,
                 const char *words)
{
    struct carbon_meter *meter = NULL;
    struct fl_error err = {0};
    assert_int_equal(
        carbon_meter_create(name, &fake->opts, START_WALL_S, &meter, &err),
        status);
    assert_null(meter);
    assert_words(&err, words);
}

double fake_read(struct carbon_meter *meter,
                 double at_wall_s,
                 struct carbon_meter_reading *ret)
{
    struct carbon_meter_reading reading = {.total_j = -1};
    struct fl_error err = {0};
    assert_ok(carbon_meter_read(meter, at_wall_s, &reading, &err), &err);
    assert_true(reading.at_wall_s == at_wall_s);
    double sum_j = 0;
    for (size_t i = 0; i < reading.n_rails; i++)
        sum_j += reading.rails[i].is_counted ? reading.rails[i].energy_j : 0;
    assert_true(reading.total_j == sum_j);
    if (ret)
        *ret = reading;
    return reading.total_j;
}

void fake_read_fails(struct carbon_meter *meter,
                     double at_wall_s,
                     enum fl_status status,
                     const char *words)
{
    struct carbon_meter_reading reading = {.total_j = -1};
    struct fl_error err = {0};
    assert_int_equal(carbon_meter_read(meter, at_wall_s, &reading, &err),
                     status);
    assert_true(reading.total_j == -1);
    assert_words(&err, words);
}

const struct carbon_meter_rail *
fake_rail(const struct carbon_meter_reading *reading, const char *name)
{
    for (size_t i = 0; i < reading->n_rails; i++)
        if (strcmp(reading->rails[i].name, name) == 0)
            return &reading->rails[i];
    fail_msg("no rail '%s'", name);
    return NULL;
}

void fake_sweep_memory(const struct fake *fake, const char *name)
{
    for (long nth = 1;; nth++) {
        struct carbon_meter *meter = NULL;
        struct fl_error err = {0};
        (void)fl_alloc_fail_at(nth);
        enum fl_status status =
            carbon_meter_create(name, &fake->opts, START_WALL_S, &meter, &err);
        long asked = fl_alloc_fail_at(0);
        if (asked < nth) { /* none was refused */
            assert_ok(status, &err);
            carbon_meter_destroy(meter);
            assert_true(nth > 1);
            return;
        }
        assert_int_equal(status, FL_E_NOMEM);
        assert_null(meter);
    }
}
