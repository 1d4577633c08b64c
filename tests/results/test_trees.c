/* Exports that are trees of files, and what they are made of: the framing of
 * TensorBoard's records byte by byte, files that only grow, names that lead
 * nowhere else. */
#include "synthetic.h"

#include "base/alloc.h"
#include "base/checksum.h"
#include "base/file.h"
#include "base/parse.h"
#include "results/exporter.h"
#include "results/trees/tfrecord.h"
#include "results/trees/tree.h"
#include "support/assert_near.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct res_exporter_opts plain = {.unit = "run"};

static int set_up(void **state)
{
    *state = syn_folder();
    return 0;
}

static int tear_down(void **state)
{
    syn_remove(*state);
    return 0;
}

/* RFC 3720, B.4, and the check value of the CRC catalogue. */
static void test_crc32c_of_known_bytes(void **state)
{
    uint8_t bytes[32];
    (void)state;
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(fl_crc32c(bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(fl_crc32c(bytes, 32), 0x62a8ab43);
    for (int i = 0; i < 32; i++)
        bytes[i] = (uint8_t)i;
    assert_int_equal(fl_crc32c(bytes, 32), 0x46dd794e);
    for (int i = 0; i < 32; i++)
        bytes[i] = (uint8_t)(31 - i);
    assert_int_equal(fl_crc32c(bytes, 32), 0x113fdb5c);
    assert_int_equal(fl_crc32c("123456789", 9), 0xe3069283);
    assert_int_equal(fl_crc32c("", 0), 0);
    /* ((crc >> 15) | (crc << 17)) + 0xa282ead8 of the zeros' crc */
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(res_crc32c_masked(bytes, 32),
                     (uint32_t)((0x8a9136aaU >> 15) | (0x8a9136aaU << 17)) +
                         0xa282ead8U);
}

/* Every event file begins with a record of 24 bytes; TensorFlow's own files
 * begin 18 00 00 00 00 00 00 00 a3 7f 4b 22. */
static void test_record_is_framed_as_tensorflow_does(void **state)
{
    static const uint8_t head[] = {0x18, 0, 0,    0,    0,    0,
                                   0,    0, 0xa3, 0x7f, 0x4b, 0x22};
    struct res_text out = {0};
    char bytes[24] = "twenty-four bytes of it.";
    (void)state;
    res_tfrecord(&out, bytes, sizeof bytes);
    assert_int_equal(out.n, 8 + 4 + 24 + 4);
    assert_memory_equal(out.bytes, head, sizeof head);
    assert_memory_equal(out.bytes + 12, bytes, sizeof bytes);
    uint32_t crc = res_crc32c_masked(bytes, sizeof bytes);
    for (int i = 0; i < 4; i++)
        assert_int_equal((uint8_t)out.bytes[36 + i], (crc >> (8 * i)) & 255);
    res_text_fini(&out);
}

/* Walking through event files */

static uint64_t little(const uint8_t *bytes, size_t n)
{
    uint64_t value = 0;
    for (size_t i = n; i-- > 0;)
        value = value << 8 | bytes[i];
    return value;
}

/* The record at *at, checked; *at moves behind it. */
static const uint8_t *
next_record(const uint8_t *file, size_t n, size_t *at, size_t *ret_n)
{
    assert_true(*at + 16 <= n);
    const uint8_t *record = file + *at;
    uint64_t length = little(record, 8);
    assert_int_equal(little(record + 8, 4), res_crc32c_masked(record, 8));
    assert_true(*at + 16 + length <= n);
    assert_int_equal(little(record + 12 + length, 4),
                     res_crc32c_masked(record + 12, (size_t)length));
    *at += 16 + (size_t)length;
    *ret_n = (size_t)length;
    return record + 12;
}

/* The only file in a folder; free both. */
static char *only_file(const char *folder)
{
    DIR *dir = opendir(folder);
    char *found = NULL;
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        assert_null(found);
        found = syn_path(folder, entry->d_name);
    }
    closedir(dir);
    assert_non_null(found);
    return found;
}

/* The event file of an arm below folder/tb/run-a. */
static char *event_file(const char *folder, const char *arm)
{
    char *tb = syn_path(folder, "tb");
    char *run = syn_path(tb, "run-a");
    char *of_arm = syn_path(run, arm);
    char *file = only_file(of_arm);
    fl_free(of_arm);
    fl_free(run);
    fl_free(tb);
    return file;
}

static void export_tree(const char *run, const char *format, const char *folder)
{
    struct fl_error err = {0};
    char *tb = syn_path(folder, "tb");
    assert_ok(res_export_as(run, format, &plain, tb, NULL, &err), &err);
    fl_free(tb);
}

static void set_start(const char *run)
{
    syn_tamper(run, "INSERT OR REPLACE INTO meta VALUES"
                    " ('started_utc', '2026-01-02T03:04:05Z')");
}

static void test_first_event_is_the_version_at_the_runs_start(void **state)
{
    /* wall_time 1767323045 = 2026-01-02T03:04:05Z as a double, field 1 of
     * wire type 1; then field 3 of wire type 2 with 13 bytes. */
    static const uint8_t want[24] = {
        0x09, 0,   0,   0x40, 0x69, 0xcd, 0x55, 0xda, 0x41, 0x1a, 0x0d, 'b',
        'r',  'a', 'i', 'n',  '.',  'E',  'v',  'e',  'n',  't',  ':',  '2'};
    size_t n = 0, at = 0, n_record = 0;
    char *run = syn_run(*state, "run-a", true);
    set_start(run);
    export_tree(run, "tensorboard", *state);
    char *path = event_file(*state, "federated");
    assert_non_null(strstr(path, "/events.out.tfevents.1767323045.fedcarbon"));
    uint8_t *file = (uint8_t *)syn_read(path, &n);
    const uint8_t *record = next_record(file, n, &at, &n_record);
    assert_int_equal(n_record, sizeof want);
    assert_memory_equal(record, want, sizeof want);
    double wall_s;
    memcpy(&wall_s, record + 1, sizeof wall_s);
    assert_near(wall_s, 1767323045, 0, 0); /* a whole number: exact */
    int n_records = 1;
    while (at < n) {
        (void)next_record(file, n, &at, &n_record);
        n_records++;
    }
    /* the version, two texts, two rounds */
    assert_int_equal(n_records, 5);
    fl_free(file);
    fl_free(path);
    fl_free(run);
}

/* The run as it was after its first round. */
static char *half_run(const char *folder)
{
    char *run = syn_run(folder, "run-a", false);
    set_start(run);
    syn_tamper(run, "DELETE FROM ledger WHERE round > (SELECT min(round) FROM"
                    " round r WHERE r.arm = ledger.arm)");
    syn_tamper(run, "DELETE FROM round WHERE round > (SELECT min(round) FROM"
                    " round r WHERE r.arm = round.arm)");
    return run;
}

static void test_event_file_only_grows(void **state)
{
    char *early = syn_path(*state, "early"), *late = syn_path(*state, "late");
    struct fl_error err = {0};
    size_t n_half = 0, n_grown = 0, n_whole = 0;
    assert_ok(fl_dir_create(early, &err), &err);
    assert_ok(fl_dir_create(late, &err), &err);
    char *half = half_run(early), *whole = syn_run(late, "run-a", true);
    set_start(whole);
    export_tree(half, "tensorboard", early);
    char *path = event_file(early, "federated");
    char *first = syn_read(path, &n_half);
    export_tree(whole, "tensorboard", early); /* the same run, later */
    char *grown = syn_read(path, &n_grown);
    export_tree(whole, "tensorboard", late);
    char *other = event_file(late, "federated");
    char *once = syn_read(other, &n_whole);
    assert_true(n_half < n_grown);
    assert_memory_equal(first, grown, n_half);
    assert_int_equal(n_grown, n_whole);
    assert_memory_equal(grown, once, n_whole);
    /* a tail torn anywhere is completed, also within a record */
    for (size_t torn = n_half + 1; torn < n_whole; torn += 7) {
        assert_ok(fl_file_write(path, once, torn, &err), &err);
        export_tree(whole, "tensorboard", early);
        fl_free(grown);
        grown = syn_read(path, &n_grown);
        assert_int_equal(n_grown, n_whole);
        assert_memory_equal(grown, once, n_whole);
    }
    /* what is no beginning of ours is replaced */
    assert_ok(fl_file_write(path, "another run's", 13, &err), &err);
    export_tree(whole, "tensorboard", early);
    fl_free(grown);
    grown = syn_read(path, &n_grown);
    assert_int_equal(n_grown, n_whole);
    assert_memory_equal(grown, once, n_whole);
    char *const all[] = {early, late,  half,  whole, path,
                         first, grown, other, once};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        fl_free(all[i]);
}

static size_t count_files(const char *folder)
{
    size_t n = 0;
    DIR *dir = opendir(folder);
    if (!dir)
        return 1; /* a file */
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        char *path = syn_path(folder, entry->d_name);
        n += count_files(path);
        fl_free(path);
    }
    closedir(dir);
    return n;
}

static void test_mlflow_again_replaces(void **state)
{
    char *run = syn_run(*state, "run-a", true), *tb = syn_path(*state, "tb");
    export_tree(run, "mlflow", *state);
    size_t n = count_files(tb);
    assert_true(n > 30); /* three arms' metrics, parameters and tags */
    export_tree(run, "mlflow", *state);
    assert_int_equal(count_files(tb), n);
    fl_free(tb);
    fl_free(run);
}

static void test_names_stay_in_their_folder(void **state)
{
    static const char *const hostile[] = {
        "",   ".",  "..",      "../../x",     "a/b",  "/etc/passwd", "a\nb",
        " a", "a ", ".hidden", "caf\xc3\xa9", "\xff", "a\\b",        "a:b"};
    static const char *const good[] = {"run-a", "energy_kWh", "a.b.c", "a b"};
    char seen[16][200] = {""};
    (void)state;
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        struct res_text out = {0};
        res_tree_name(&out, hostile[i]);
        const char *name = res_text_get(&out);
        assert_true(name[0] && name[0] != '.');
        assert_null(strchr(name, '/'));
        assert_null(strchr(name, '\n'));
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(name, seen[k]);
        (void)snprintf(seen[i], sizeof seen[i], "%s", name);
        res_text_fini(&out);
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct res_text out = {0};
        res_tree_name(&out, good[i]);
        assert_string_equal(res_text_get(&out), good[i]);
        res_text_fini(&out);
    }
    char *longest = fl_calloc(5001, 1);
    memset(longest, 'x', 5000);
    struct res_text out = {0};
    res_tree_name(&out, longest);
    assert_true(out.n < 255); /* NAME_MAX */
    res_text_fini(&out);
    fl_free(longest);
}

static void test_hostile_run_writes_below_its_folder(void **state)
{
    char *run = syn_run(*state, "run-a", true), *tb = syn_path(*state, "tb");
    syn_tamper(run, "UPDATE arm SET name = '../../../evil' WHERE arm = 0");
    syn_tamper(run, "UPDATE meta SET value = '..' WHERE key ="
                    " 'scenario_name'");
    syn_tamper(run, "UPDATE meta SET value = 'name: ''../x''' || char(10) ||"
                    " '\"../../k\": 1' || char(10) WHERE key = 'scenario'");
    size_t before = count_files(*state);
    export_tree(run, "tensorboard", *state);
    export_tree(run, "mlflow", *state);
    assert_int_equal(count_files(*state) - before, count_files(tb));
    fl_free(tb);
    fl_free(run);
}

/* Prometheus' escapes: backslash, quote, line feed; and valid UTF-8. */
static void test_prometheus_labels_are_escaped(void **state)
{
    struct fl_error err = {0};
    char *run = syn_run(*state, "run-a", true), *path = syn_path(*state, "p");
    syn_tamper(run, "UPDATE meta SET value = 'a\"b\\c' || char(10) || 'd' ||"
                    " CAST(x'ff' AS TEXT) WHERE key = 'scenario_name'");
    assert_ok(res_export_as(run, "prometheus", &plain, path, NULL, &err), &err);
    char *text = syn_read(path, NULL);
    assert_non_null(strstr(text, "scenario=\"a\\\"b\\\\c\\nd\xef\xbf\xbd\","));
    fl_free(text);
    fl_free(path);
    fl_free(run);
}

static void test_a_tree_needs_a_folder(void **state)
{
    struct fl_error err = {0};
    char path[64];
    char *run = syn_run(*state, "run-a", true);
    assert_int_equal(
        res_export_as(run, "tensorboard", &plain, NULL, stdout, &err),
        FL_E_CONFIG);
    assert_non_null(strstr(err.text, "--out DIR"));
    /* a file stands where the folder should */
    char *file = syn_path(*state, "file");
    assert_ok(fl_file_write(file, "x", 1, &err), &err);
    assert_int_equal(
        res_export_as(run, "tensorboard", &plain, file, NULL, &err), FL_E_IO);
    assert_non_null(strstr(err.text, "file"));
    assert_int_equal(
        res_sink_path("prometheus", NULL, run, path, sizeof path, &err),
        FL_E_CONFIG);
    assert_non_null(strstr(err.text, "prometheus=FILE"));
    static const char *const parents[][2] = {
        {"runs/a", "runs"}, {"runs/a//", "runs"}, {"a", "."},
        {"/a", "/"},        {".", "./.."},        {"x/..", "x/../.."},
    };
    for (size_t i = 0; i < sizeof parents / sizeof parents[0]; i++) {
        assert_ok(res_sink_path("tensorboard", NULL, parents[i][0], path,
                                sizeof path, &err),
                  &err);
        assert_string_equal(path, parents[i][1]);
    }
    fl_free(file);
    fl_free(run);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_crc32c_of_known_bytes),
        TEST(test_record_is_framed_as_tensorflow_does),
        TEST(test_first_event_is_the_version_at_the_runs_start),
        TEST(test_event_file_only_grows),
        TEST(test_mlflow_again_replaces),
        TEST(test_names_stay_in_their_folder),
        TEST(test_hostile_run_writes_below_its_folder),
        TEST(test_prometheus_labels_are_escaped),
        TEST(test_a_tree_needs_a_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
