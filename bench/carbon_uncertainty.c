/* What intervals cost: 10,000 draws over the ledger of 1,000 rounds of 1,000
 * clients, from a finished run's file.
 *
 *     bench_carbon_uncertainty [--smoke]
 *
 * Writes such a run (three rows of a fleet, four entries per client and round)
 * into a folder of the working directory, which it removes. Prints CSV: what,
 * ledger rows, cpu_s.
 */
#include "base/clock.h"
#include "base/file.h"
#include "bench/bench.h"
#include "results/uncertain.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ROWS = 3, KINDS = 4, CLIENTS = 1000, ROUNDS = 1000 };
#define DIR "bench-uncertainty"

#define FACT(v)                                                                \
    {                                                                          \
        .value = (v), .evidence = CARBON_ASSUMED, .year = 2020,                \
        .source = "made up"                                                    \
    }

static const struct carbon_fact power[ROWS] = {FACT(3), FACT(5), FACT(10)};
static const struct carbon_fact speed[ROWS] = {FACT(7), FACT(8), FACT(9)};
static const struct carbon_fact network = FACT(2e-6);
static const struct carbon_fact grid[2] = {FACT(56), FACT(380)};

static enum fl_status add_facts(struct res_store *store, struct fl_error *err)
{
    static const char *const zones[2] = {"FR", "DE"};
    char name[64];
    FL_TRY(res_store_add_fact(store, "carbon.core_network_j_per_byte", "J/byte",
                              &network, err));
    for (int32_t i = 0; i < 2; i++) {
        FL_TRY(res_store_add_zone(store, i, zones[i], err));
        (void)snprintf(name, sizeof name, "carbon.grid.zones.%s", zones[i]);
        FL_TRY(res_store_add_fact(store, name, "gCO2e/kWh", &grid[i], err));
    }
    for (int i = 0; i < ROWS; i++) {
        (void)snprintf(name, sizeof name, "fleet.%d.device.train_w", i);
        FL_TRY(res_store_add_fact(store, name, "W", &power[i], err));
        (void)snprintf(name, sizeof name, "fleet.%d.device.train_flop_per_s",
                       i);
        FL_TRY(res_store_add_fact(store, name, "FLOP/s", &speed[i], err));
    }
    return FL_OK;
}

static struct carbon_entry entry_of(int64_t round, int64_t client, int kind)
{
    int64_t row = client % ROWS;
    struct carbon_entry entry = {.arm = kind == KINDS - 1,
                                 .round = round,
                                 .entity = client,
                                 .zone = (int32_t)(client % 2),
                                 .component = kind,
                                 .t0_s = (double)round,
                                 .t1_s = (double)round + 1,
                                 .energy_j = 1 + (double)(client % 17),
                                 .emitted_gco2e = 1 + (double)(client % 13),
                                 .n_uses = 2};
    entry.uses[0] = (struct carbon_use){&power[row], 0, 1};
    entry.uses[1] = (struct carbon_use){&speed[row], 0, -1};
    if (kind == 1) {
        entry.uses[0].fact = &network;
        entry.n_uses = 1;
    }
    return entry;
}

static enum fl_status fill(struct res_store *store,
                           int64_t rounds,
                           int64_t clients,
                           struct fl_error *err)
{
    const struct res_arm arms[] = {{0, "federated", clients, clients, 0},
                                   {1, "centralized", clients, clients, 0}};
    for (int i = 0; i < 2; i++)
        FL_TRY(res_store_add_arm(store, &arms[i], err));
    FL_TRY(add_facts(store, err));
    for (int64_t round = 0; round < rounds; round++) {
        for (int64_t client = 0; client < clients; client++) {
            struct carbon_entry entries[KINDS];
            for (int kind = 0; kind < KINDS; kind++)
                entries[kind] = entry_of(round, client, kind);
            FL_TRY(res_store_add_entries(store, entries, KINDS, err));
        }
        FL_TRY(res_store_commit(store, err));
    }
    return FL_OK;
}

static void say(const char *what, int64_t rows, double start_s)
{
    printf("\"%s\",%lld,%.3f\n", what, (long long)rows,
           fl_clock_cpu_s() - start_s);
}

static enum fl_status
measure(struct res_store *store, bool is_smoke, struct fl_error *err)
{
    int64_t rounds = is_smoke ? 10 : ROUNDS, clients = is_smoke ? 10 : CLIENTS;
    int64_t rows = rounds * clients * KINDS;
    printf("what,ledger_rows,cpu_s\n");
    double start_s = fl_clock_cpu_s();
    FL_TRY(fill(store, rounds, clients, err));
    say("write the ledger", rows, start_s);
    start_s = fl_clock_cpu_s();
    FL_TRY(res_store_finish(store, err));
    say("finish the run", rows, start_s);
    start_s = fl_clock_cpu_s();
    struct res_uncertain u;
    FL_TRY(res_uncertain(store, 10000, true, &u, err));
    say("10,000 draws, intervals and Sobol indices", rows, start_s);
    res_uncertain_fini(&u);
    return FL_OK;
}

static void remove_run(void)
{
    static const char *const names[] = {"run.sqlite", "run.sqlite-wal",
                                        "run.sqlite-shm", "run.lock"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, DIR "/%s", names[i]);
        (void)unlink(path);
    }
    (void)rmdir(DIR);
}

int main(int argc, char **argv)
{
    bool is_smoke = argc == 2 && strcmp(argv[1], "--smoke") == 0;
    struct res_store *store = NULL;
    struct fl_error err = {0};
    if (argc > 1 && !is_smoke) {
        (void)fprintf(stderr, "Usage: bench_carbon_uncertainty [--smoke]\n");
        return 2;
    }
    bench_print_machine();
    enum fl_status status = res_store_create(DIR, RES_CREATE, &store, &err);
    if (status == FL_OK)
        status = measure(store, is_smoke, &err);
    if (status != FL_OK)
        (void)fprintf(stderr, "bench_carbon_uncertainty: %s\n", err.text);
    res_store_destroy(store);
    remove_run();
    return status != FL_OK;
}
