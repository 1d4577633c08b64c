/* Production logs: the published figure by hand, what is refused and where,
 * and that adding times up first changes nothing. */
#include "synthetic.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/units.h"
#include "results/from_logs.h"
#include "results/logs/log_reader.h"
#include "support/assert_near.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static const double rtol = 1e-14; /* products and sums of a few numbers */

static struct res_logs_opts opts_of_wu(void)
{
    return (struct res_logs_opts){.preset = "wu2022", .device = "phone"};
}

/* text as folder/logs.csv, costed into folder/run. */
static enum fl_status run_logs(const char *folder,
                               const char *text,
                               const struct res_logs_opts *opts,
                               int64_t *ret_rows,
                               struct fl_error *err)
{
    char *path = syn_path(folder, "logs.csv");
    char *dir = syn_path(folder, "run");
    assert_ok(fl_file_write(path, text, strlen(text), err), err);
    enum fl_status status = res_from_logs(path, opts, dir, ret_rows, err);
    fl_free(path);
    fl_free(dir);
    return status;
}

static double sql(const char *folder, const char *text)
{
    char *dir = syn_path(folder, "run");
    double value = syn_sql(dir, text);
    fl_free(dir);
    return value;
}

#define HEADER "client,compute_s,up_s,down_s,zone\n"

/* 240 s x 3 W + 60 s x 7.5 W = 720 + 450 = 1,170 J = 0.000325 kWh; in Germany,
 * 380.95 g/kWh: 0.12380875 g. */
static void test_a_phone_of_wu_by_pencil(void **state)
{
    (void)state;
    struct fl_error err = {0};
    struct res_logs_opts opts = opts_of_wu();
    int64_t rows = 0;
    char *folder = syn_folder();
    assert_ok(
        run_logs(folder, HEADER "phone-1,240,20,40,DE\n", &opts, &rows, &err),
        &err);
    assert_int_equal(rows, 1);
    double energy_j = sql(folder, "SELECT energy_j FROM arm_total");
    (void)printf("240 x 3 + 60 x 7.5 = 1170 J, found %.17g\n", energy_j);
    assert_near(energy_j, 1170, rtol, 0);
    assert_near(energy_j / FL_J_PER_KWH, 0.000325, rtol, 0);
    assert_near(sql(folder, "SELECT emitted_gco2e FROM arm_total"), 0.12380875,
                rtol, 0);
    /* who said so is kept */
    assert_near(sql(folder, "SELECT count(*) FROM fact WHERE source <> ''"), 3,
                0, 0);
    assert_near(sql(folder, "SELECT count(*) FROM ledger"), 3, 0, 0);
    syn_remove(folder);
}

static const char mixed[] = "\xef\xbb\xbfzone,client,down_s,up_s,compute_s\r\n"
                            "DE,\"a \"\"b\"\", c\",1,2,3\r\n\r\n"
                            "Germany,d,0.1,0.2,0.3\r\n"
                            ",e,7,0,0\r\n"
                            "\"US\",f,0,0,1e3";

static void test_columns_in_any_order_quotes_and_other_names(void **state)
{
    (void)state;
    struct fl_error err = {0};
    struct res_logs_opts opts = opts_of_wu();
    int64_t rows = 0;
    char *folder = syn_folder();
    opts.zone_default = "FR";
    assert_ok(run_logs(folder, mixed, &opts, &rows, &err), &err);
    assert_int_equal(rows, 4);
    /* Germany is DE */
    assert_near(sql(folder, "SELECT count(*) FROM zone"), 3, 0, 0);
    assert_near(sql(folder, "SELECT energy_j FROM arm_zone WHERE zone = 'DE'"),
                3.3 * 3 + 3.3 * 7.5, rtol, 0);
    assert_near(sql(folder, "SELECT energy_j FROM arm_zone WHERE zone = 'FR'"),
                7 * 7.5, rtol, 0);
    char *dir = syn_path(folder, "run"), *path = syn_path(folder, "out");
    FILE *out = fopen(path, "w");
    assert_ok(res_logs_print(dir, out, &err), &err);
    assert_int_equal(fclose(out), 0);
    char *found = syn_read(path, NULL);
    assert_string_equal(
        found, "zone     compute h   transfer h            kWh        gCO2e\n"
               "DE     0.000916667  0.000916667  0.00000962500   0.00366664\n"
               "FR               0   0.00194444   0.0000145833  0.000817235\n"
               "US        0.277778            0    0.000833333     0.307894\n"
               "total     0.278694   0.00286111    0.000857542     0.312378\n");
    fl_free(found);
    fl_free(path);
    fl_free(dir);
    syn_remove(folder);
}

static void test_row_by_row_is_the_same(void **state)
{
    (void)state;
    struct fl_error err = {0};
    char *text = fl_calloc(1, 1 << 20);
    size_t n = (size_t)snprintf(text, 1 << 20, HEADER);
    for (int i = 0; i < 5000; i++)
        n += (size_t)snprintf(text + n, (1 << 20) - n, "c%d,%d.%d,%d,0.%d,%s\n",
                              i, i % 977, i % 7, i % 13, i % 101,
                              i % 3 ? "SE" : "PL");
    double totals[2][3];
    for (int by_row = 0; by_row < 2; by_row++) {
        struct res_logs_opts opts = opts_of_wu();
        int64_t rows = 0;
        char *folder = syn_folder();
        opts.is_by_row = by_row;
        opts.preset = "full";
        opts.link = "home_wifi";
        opts.device = "laptop";
        assert_ok(run_logs(folder, text, &opts, &rows, &err), &err);
        assert_int_equal(rows, 5000);
        totals[by_row][0] = sql(folder, "SELECT energy_j FROM arm_total");
        totals[by_row][1] = sql(folder, "SELECT emitted_gco2e FROM arm_total");
        totals[by_row][2] = sql(folder, "SELECT bytes FROM arm_total");
        assert_near(sql(folder, "SELECT count(DISTINCT entity) FROM ledger"),
                    by_row ? 4999 : 1, 0, 0); /* the first is all zeros */
        syn_remove(folder);
    }
    for (int i = 0; i < 3; i++) /* sums of 5,000 in another order */
        assert_near(totals[0][i], totals[1][i], 1e-12, 0);
    assert_true(totals[0][2] > 0);
    fl_free(text);
}

static void test_bad_rows_name_line_and_what_is_allowed(void **state)
{
    static const struct {
        const char *text, *says;
        enum fl_status status;
    } rows[] = {
        {"", "found nothing", FL_E_FORMAT},
        {"client,compute_s,up_s,down_s\n", "4 columns", FL_E_FORMAT},
        {"client,compute_s,up_s,down_s,place\n", "'place'", FL_E_FORMAT},
        {"client,up_s,up_s,down_s,zone\n", "twice 'up_s'", FL_E_FORMAT},
        {HEADER "a,1,2,3,DE\na,-1,2,3,DE\n", ":3: compute_s:", FL_E_FORMAT},
        {HEADER "a,1,nan,3,DE\n", ":2: up_s:", FL_E_FORMAT},
        {HEADER "a,1,2,,DE\n", ":2: down_s:", FL_E_FORMAT},
        {HEADER "a,1,2,1e10,DE\n", ":2: down_s:", FL_E_FORMAT},
        {HEADER "a,1 ,2,3,DE\n", ":2: compute_s:", FL_E_FORMAT},
        {HEADER ",1,2,3,DE\n", ":2: client:", FL_E_FORMAT},
        {HEADER "a,1,2,3,\n", ":2: zone:", FL_E_FORMAT},
        {HEADER "a,1,2,3\n", ":2: found 4 fields", FL_E_FORMAT},
        {HEADER "a,1,2,3,DE,x\n", ":2: found 6 fields", FL_E_FORMAT},
        {HEADER "\"a,1,2,3,DE\n", ":2: a quoted field", FL_E_FORMAT},
        {HEADER "\"a\"b,1,2,3,DE\n", ":2: a quoted field", FL_E_FORMAT},
        {HEADER "\n\na,1,2,3,Germony\n", ":4: ", FL_E_CONFIG},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fl_error err = {0};
        struct res_logs_opts opts = opts_of_wu();
        int64_t n = -1;
        char *folder = syn_folder();
        enum fl_status status = run_logs(folder, rows[i].text, &opts, &n, &err);
        if (!strstr(err.text, rows[i].says) || status != rows[i].status)
            fail_msg("%s: status %d, \"%s\"", rows[i].text, (int)status,
                     err.text);
        assert_int_equal(n, -1);
        syn_remove(folder);
    }
}

static void test_a_line_has_a_longest_length(void **state)
{
    (void)state;
    struct fl_error err = {0};
    struct res_logs_opts opts = opts_of_wu();
    int64_t n = 0;
    char *text = fl_calloc(1, 10000);
    (void)snprintf(text, 10000, HEADER "%0*d,1,2,3,DE\n",
                   RES_LOG_LINE_BYTES - 9, 7);
    char *folder = syn_folder();
    assert_ok(run_logs(folder, text, &opts, &n, &err), &err);
    syn_remove(folder);
    (void)snprintf(text, 10000, HEADER "%0*d,1,2,3,DE\n",
                   RES_LOG_LINE_BYTES - 8, 7);
    folder = syn_folder();
    assert_int_equal(run_logs(folder, text, &opts, &n, &err), FL_E_FORMAT);
    assert_non_null(strstr(err.text, ":2: found a line of more than"));
    syn_remove(folder);
    fl_free(text);
}

static void test_what_terms_need_is_not_made_up(void **state)
{
    (void)state;
    struct fl_error err = {0};
    int64_t n = 0;
    struct res_logs_opts opts = opts_of_wu();
    char *folder = syn_folder();
    opts.preset = "full"; /* needs a link */
    assert_true(run_logs(folder, HEADER "a,1,2,3,DE\n", &opts, &n, &err) !=
                FL_OK);
    syn_remove(folder);
    static const char *const names[] = {"preset", "device", "link", "zone"};
    for (int i = 0; i < 4; i++) {
        opts = opts_of_wu();
        if (i == 0)
            opts.preset = "wu2023";
        if (i == 1)
            opts.device = "phome";
        if (i == 2)
            opts.link = "home_wify";
        if (i == 3)
            opts.zone_default = "Germony";
        folder = syn_folder();
        assert_int_equal(
            run_logs(folder, HEADER "a,1,2,3,DE\n", &opts, &n, &err),
            FL_E_CONFIG);
        assert_non_null(strstr(err.text, names[i]));
        syn_remove(folder);
    }
}

static void test_gzip_and_what_is_no_file(void **state)
{
    (void)state;
    struct fl_error err = {0};
    struct res_logs_opts opts = opts_of_wu();
    int64_t n = 0;
    char *folder = syn_folder();
    char *path = syn_path(folder, "logs.csv.gz"),
         *dir = syn_path(folder, "run");
    gzFile gz = gzopen(path, "wb");
    assert_true(gzputs(gz, HEADER) > 0);
    for (int i = 0; i < 20000; i++)
        assert_true(gzprintf(gz, "client-%d,%d,0,0,DE\n", i, i % 17) > 0);
    assert_int_equal(gzclose(gz), Z_OK);
    assert_ok(res_from_logs(path, &opts, dir, &n, &err), &err);
    assert_int_equal(n, 20000);
    fl_free(dir);
    static uint8_t bytes[1 << 19]; /* as they stand in the file */
    FILE *file = fopen(path, "rb");
    size_t n_bytes = fread(bytes, 1, sizeof bytes, file);
    assert_int_equal(fclose(file), 0);
    assert_in_range(n_bytes, 1000, sizeof bytes - 1);
    assert_ok(fl_file_write(path, bytes, n_bytes / 2, &err), &err);
    dir = syn_path(folder, "run2");
    assert_int_equal(res_from_logs(path, &opts, dir, &n, &err), FL_E_FORMAT);
    if (!strstr(err.text, "gzip"))
        fail_msg("%s", err.text);
    fl_free(dir);
    dir = syn_path(folder, "run3");
    assert_int_equal(res_from_logs(folder, &opts, dir, &n, &err), FL_E_IO);
    fl_free(dir);
    dir = syn_path(folder, "run4");
    assert_int_equal(res_from_logs("no/such.csv", &opts, dir, &n, &err),
                     FL_E_IO);
    fl_free(dir);
    fl_free(path);
    syn_remove(folder);
}

/* Whichever allocation fails, it says so and nothing leaks (ASan looks). */
static void test_without_memory_it_fails(void **state)
{
    (void)state;
    struct fl_error err = {0};
    struct res_logs_opts opts = opts_of_wu();
    int64_t rows = 0;
    long n = 0;
    for (enum fl_status status = FL_E_NOMEM; status != FL_OK;) {
        char *folder = syn_folder();
        char *path = syn_path(folder, "logs.csv");
        char *dir = syn_path(folder, "run");
        static const char text[] = HEADER "a,1,2,3,DE\nb,1,2,3,FR\n";
        assert_ok(fl_file_write(path, text, sizeof text - 1, &err), &err);
        (void)fl_alloc_fail_at(++n);
        status = res_from_logs(path, &opts, dir, &rows, &err);
        (void)fl_alloc_fail_at(0);
        if (status != FL_OK)
            assert_int_equal(status, FL_E_NOMEM);
        fl_free(dir);
        fl_free(path);
        syn_remove(folder);
    }
    assert_true(n > 10 && rows == 2);
}

static enum fl_status
count(const struct res_log_row *row, void *arg, struct fl_error *err)
{
    (void)row;
    (void)err;
    ++*(int64_t *)arg;
    return FL_OK;
}

/* The limit notices what grows with the square; it is not a speed to reach. */
#define MILLION_LIMIT_WALL_S 30.0

static void test_a_million_rows_take_seconds_and_no_memory(void **state)
{
    (void)state;
    struct fl_error err = {0};
    struct res_logs_opts opts = opts_of_wu();
    int64_t n = 0;
    char *folder = syn_folder();
    char *path = syn_path(folder, "logs.csv"), *dir = syn_path(folder, "run");
    FILE *file = fopen(path, "w");
    (void)fputs(HEADER, file);
    for (int i = 0; i < 1000000; i++)
        (void)fprintf(file, "client-%d,%d.5,%d,12.25,%s\n", i % 7919, i % 601,
                      i % 31, i % 2 ? "DE" : "US-CAL-CISO");
    assert_int_equal(fclose(file), 0);
    int64_t peak_bytes = fl_alloc_peak_bytes();
    double start_s = fl_clock_cpu_s();
    assert_ok(res_from_logs(path, &opts, dir, &n, &err), &err);
    double took_s = fl_clock_cpu_s() - start_s;
    (void)printf("1,000,000 rows in %.2f s of CPU, %+lld KB of memory\n",
                 took_s,
                 (long long)(fl_alloc_peak_bytes() - peak_bytes) / 1000);
    assert_int_equal(n, 1000000);
    assert_true(took_s < MILLION_LIMIT_WALL_S);
    /* SQLite's cache and little else; the file has 33 MB */
    assert_true(fl_alloc_peak_bytes() - peak_bytes < 8000000);
    int64_t rows = 0;
    struct res_log_reader reader;
    res_log_reader_init(&reader, path, count, &rows);
    assert_ok(res_log_reader_file(&reader, &err), &err);
    assert_int_equal(rows, 1000000);
    fl_free(path);
    fl_free(dir);
    syn_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_phone_of_wu_by_pencil),
        cmocka_unit_test(test_columns_in_any_order_quotes_and_other_names),
        cmocka_unit_test(test_row_by_row_is_the_same),
        cmocka_unit_test(test_bad_rows_name_line_and_what_is_allowed),
        cmocka_unit_test(test_a_line_has_a_longest_length),
        cmocka_unit_test(test_what_terms_need_is_not_made_up),
        cmocka_unit_test(test_gzip_and_what_is_no_file),
        cmocka_unit_test(test_without_memory_it_fails),
        cmocka_unit_test(test_a_million_rows_take_seconds_and_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
