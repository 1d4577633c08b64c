/* What a comparison table over many finished runs costs, and a report.
 *
 *     bench_compare_runs [--smoke]
 *
 * Writes a run (three rows of a fleet, 5 rounds of 100 clients, three arms)
 * into a folder of the working directory, copies it 1,000 times, and makes its
 * table; removes all of it. Prints CSV: what, runs, cpu_s (median of 5).
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "bench/bench.h"
#include "results/page.h"
#include "results/report.h"
#include "results/store.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    ROWS = 3,
    CLIENTS = 100,
    ROUNDS = 5,
    ARMS = 3,
    RUNS = 1000,
    REPORT_RUNS = 50,
    TIMES = 5
};
#define DIR        "bench-compare"
#define PATH_BYTES 64

#define FACT(v)                                                                \
    {                                                                          \
        .value = (v), .evidence = CARBON_ASSUMED, .year = 2020,                \
        .source = "made up"                                                    \
    }

static const struct carbon_fact power[ROWS] = {FACT(3), FACT(5), FACT(10)};
static const char *const arm_names[ARMS] = {"federated", "centralized",
                                            "local"};

static enum fl_status begin(struct res_store *store, struct fl_error *err)
{
    for (int32_t i = 0; i < ARMS; i++) {
        const struct res_arm arm = {i, arm_names[i], CLIENTS, CLIENTS, 0.5};
        FL_TRY(res_store_add_arm(store, &arm, err));
    }
    FL_TRY(res_store_add_zone(store, 0, "FR", err));
    for (int i = 0; i < ROWS; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "fleet.%d.device.train_w", i);
        FL_TRY(res_store_add_fact(store, name, "W", &power[i], err));
    }
    FL_TRY(res_store_set(store, "scenario_name", "made up", err));
    FL_TRY(res_store_set(store, "seed", "1", err));
    return FL_OK;
}

/* As long as that of scenarios/quickstart.yaml. */
static enum fl_status set_scenario(struct res_store *store,
                                   struct fl_error *err)
{
    enum { LINES = 400, LINE = 64 };
    char *text = fl_calloc(LINES + 1, LINE);
    if (!text)
        return fl_fail(err, FL_E_NOMEM, "out of memory");
    size_t n = (size_t)snprintf(text, LINE, "seed: 1\ndata:\n  clients: 10\n");
    for (int i = 0; i < LINES; i++)
        n += (size_t)snprintf(text + n, LINE,
                              "key_%d: \"a value with words\"  # a.yaml:%d:3\n",
                              i, i);
    enum fl_status status = res_store_set(store, "scenario", text, err);
    fl_free(text);
    return status;
}

static struct carbon_entry entry_of(int32_t arm, int64_t round, int64_t client)
{
    struct carbon_entry entry = {.arm = arm,
                                 .round = arm == 2 ? client : round,
                                 .entity = client,
                                 .t0_s = (double)round,
                                 .t1_s = (double)round + 1,
                                 .energy_j = 1 + (double)(client % 17),
                                 .emitted_gco2e = 1 + (double)(client % 13),
                                 .n_uses = 1};
    entry.uses[0] = (struct carbon_use){&power[client % ROWS], 0, 1};
    return entry;
}

static enum fl_status fill(struct res_store *store, struct fl_error *err)
{
    for (int32_t arm = 0; arm < ARMS; arm++) {
        for (int64_t round = 0; round < ROUNDS; round++)
            for (int64_t client = 0; client < CLIENTS; client++)
                for (int32_t kind = 0; kind < 8; kind++) {
                    struct carbon_entry entry = entry_of(arm, round, client);
                    entry.component = kind;
                    FL_TRY(res_store_add_entries(store, &entry, 1, err));
                }
        for (int64_t round = 0; round < ROUNDS; round++) {
            const struct res_round row = {
                .arm = arm, .round = round, .accuracy = 0.2 * (double)round};
            FL_TRY(res_store_add_round(store, &row, err));
        }
        const struct res_outcome outcome = {.arm = arm,
                                            .accuracy = 0.76,
                                            .rounds = ROUNDS,
                                            .has_reached = true};
        FL_TRY(res_store_set_outcome(store, &outcome, err));
    }
    return FL_OK;
}

static enum fl_status write_run(struct fl_error *err)
{
    struct res_store *store;
    FL_TRY(res_store_create(DIR "/0", RES_CREATE, &store, err));
    enum fl_status status = begin(store, err);
    if (status == FL_OK)
        status = set_scenario(store, err);
    if (status == FL_OK)
        status = fill(store, err);
    if (status == FL_OK)
        status = res_store_finish(store, err);
    res_store_destroy(store);
    return status;
}

static enum fl_status
copy_run(char (*dirs)[PATH_BYTES], size_t n, struct fl_error *err)
{
    uint8_t *bytes;
    size_t n_bytes;
    FL_TRY(fl_file_read(DIR "/0/run.sqlite", (size_t)1 << 28, &bytes, &n_bytes,
                        err));
    enum fl_status status = FL_OK;
    for (size_t i = 1; i < n && status == FL_OK; i++) {
        char path[PATH_BYTES + 16];
        status = fl_dir_create(dirs[i], err);
        (void)snprintf(path, sizeof path, "%s/run.sqlite", dirs[i]);
        if (status == FL_OK)
            status = fl_file_write(path, (const char *)bytes, n_bytes, err);
    }
    fl_free(bytes);
    return status;
}

static enum fl_status measure(const char *const *dirs,
                              size_t n,
                              const char *what,
                              const struct res_compare_opts *opts,
                              enum res_format format,
                              struct fl_error *err)
{
    double cpu_s[TIMES];
    for (int i = 0; i < TIMES; i++) {
        FILE *out = fopen("/dev/null", "w");
        if (!out)
            return fl_fail_errno(err, FL_E_IO, "/dev/null");
        double start_s = fl_clock_cpu_s();
        enum fl_status status =
            res_compare_with(dirs, n, opts, format, out, err);
        cpu_s[i] = fl_clock_cpu_s() - start_s;
        (void)fclose(out);
        FL_TRY(status);
    }
    printf("\"%s\",%zu,%.3f\n", what, n, bench_median(cpu_s, TIMES));
    return FL_OK;
}

static enum fl_status
measure_page(const char *const *dirs, size_t n, struct fl_error *err)
{
    static const char path[] = DIR "/report.html";
    const struct res_page_opts opts = {.version = "bench"};
    double cpu_s[TIMES];
    size_t n_bytes = 0;
    for (int i = 0; i < TIMES; i++) {
        double start_s = fl_clock_cpu_s();
        FL_TRY(res_page_write(dirs, n, &opts, path, &n_bytes, err));
        cpu_s[i] = fl_clock_cpu_s() - start_s;
    }
    (void)unlink(path);
    printf("\"report, %.1f MB\",%zu,%.3f\n", (double)n_bytes / 1e6, n,
           bench_median(cpu_s, TIMES));
    return FL_OK;
}

static enum fl_status
measure_all(const char *const *dirs, size_t n, struct fl_error *err)
{
    static const char *const keys[] = {"data.clients"};
    const struct res_compare_opts usual = {.by = NULL};
    const struct res_compare_opts by = {.by = keys, .n_by = 1};
    const struct res_compare_opts cut = {.target_accuracy = 0.4};
    printf("what,runs,cpu_s\n");
    FL_TRY(measure(dirs, n, "csv", &usual, RES_CSV, err));
    FL_TRY(measure(dirs, n, "text", &usual, RES_TEXT, err));
    FL_TRY(measure(dirs, n, "text by a key", &by, RES_TEXT, err));
    FL_TRY(measure(dirs, n, "csv cut at a target", &cut, RES_CSV, err));
    return measure_page(dirs, n < REPORT_RUNS ? n : REPORT_RUNS, err);
}

static void remove_runs(char (*dirs)[PATH_BYTES], size_t n)
{
    static const char *const names[] = {"run.sqlite", "run.sqlite-wal",
                                        "run.sqlite-shm", "run.lock"};
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
            char path[PATH_BYTES + 16];
            (void)snprintf(path, sizeof path, "%s/%s", dirs[i], names[k]);
            (void)unlink(path);
        }
        (void)rmdir(dirs[i]);
    }
    (void)rmdir(DIR);
}

int main(int argc, char **argv)
{
    bool is_smoke = argc == 2 && strcmp(argv[1], "--smoke") == 0;
    if (argc > 1 && !is_smoke) {
        (void)fprintf(stderr, "Usage: bench_compare_runs [--smoke]\n");
        return 2;
    }
    size_t n = is_smoke ? 10 : RUNS;
    struct fl_error err = {0};
    char(*paths)[PATH_BYTES] = fl_calloc(n, sizeof *paths);
    const char **dirs = fl_calloc(n, sizeof *dirs);
    if (!paths || !dirs)
        return 1;
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(paths[i], sizeof paths[i], DIR "/%zu", i);
        dirs[i] = paths[i];
    }
    bench_print_machine();
    enum fl_status status = write_run(&err);
    if (status == FL_OK)
        status = copy_run(paths, n, &err);
    if (status == FL_OK)
        status = measure_all(dirs, n, &err);
    if (status != FL_OK)
        (void)fprintf(stderr, "bench_compare_runs: %s\n", err.text);
    remove_runs(paths, n);
    fl_free(paths);
    fl_free(dirs);
    return status != FL_OK;
}
