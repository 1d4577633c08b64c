#include "synthetic.h"

#include "base/alloc.h"
#include "base/file.h"
#include "support/assert_near.h"

#include <dirent.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int32_t syn_term(const char *name)
{
    for (int32_t i = 0; carbon_terms[i]; i++)
        if (strcmp(carbon_terms[i]->name, name) == 0)
            return i;
    fail_msg("no carbon term %s", name);
    return -1;
}

char *syn_path(const char *folder, const char *name)
{
    char path[4096];
    struct fl_error err;
    assert_ok(fl_path_join(folder, name, path, sizeof path, &err), &err);
    return fl_strdup(path);
}

char *syn_folder(void)
{
    char name[] = "results-test-XXXXXX";
    assert_non_null(mkdtemp(name));
    return fl_strdup(name);
}

void syn_remove(char *folder)
{
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        char *path = syn_path(folder, entry->d_name);
        if (unlink(path) != 0)
            syn_remove(path); /* a folder; frees the name */
        else
            fl_free(path);
    }
    closedir(dir);
    assert_int_equal(rmdir(folder), 0);
    fl_free(folder);
}

struct carbon_entry syn_entry(int64_t round, int64_t client, double energy_j)
{
    return (struct carbon_entry){
        .arm = SYN_FEDERATED,
        .round = round,
        .role = CARBON_CLIENT,
        .entity = client,
        .zone = 0,
        .component = syn_term("client_compute"),
        .phase = CARBON_TRAIN,
        .t0_s = 100.0 * (double)round,
        .t1_s = 100.0 * (double)round + 100,
        .energy_j = energy_j,
        .evidence = CARBON_DATASHEET,
        .emitted_gco2e = energy_j / 3.6e6 * 50, /* FR: 50 gCO2e/kWh */
    };
}

static void set(struct res_store *store, const char *key, const char *value)
{
    struct fl_error err;
    assert_ok(res_store_set(store, key, value, &err), &err);
}

/* Facts that entries rest on stay where they are. */
static const struct carbon_fact core = {.value = 2.05e-6,
                                        .evidence = CARBON_ASSUMED,
                                        .year = 2023,
                                        .source = "a paper"};
static const struct carbon_fact access_up[2] = {
    {.value = 0.5e-4,
     .evidence = CARBON_DERIVED,
     .year = 2023,
     .source = "a paper"},
    {.value = 1.5e-4,
     .evidence = CARBON_DERIVED,
     .year = 2023,
     .source = "a paper",
     .spread = {.kind = CARBON_SPREAD_UNIFORM,
                .value = 1.5e-4,
                .low = 1e-4,
                .high = 2e-4}},
};
static const struct carbon_fact off = {.is_off = true};

static void fill_facts(struct res_store *store)
{
    struct fl_error err;
    assert_ok(res_store_add_fact(store, "preset.core_network_j_per_byte",
                                 "J/byte", &core, &err),
              &err);
    for (int i = 0; i < 2; i++) {
        char name[48];
        (void)snprintf(name, sizeof name, "fleet.%d.link.access_up_j_per_byte",
                       i);
        assert_ok(
            res_store_add_fact(store, name, "J/byte", &access_up[i], &err),
            &err);
    }
    assert_ok(
        res_store_add_fact(store, "fleet.0.link.router_w", "W", &off, &err),
        &err);
}

void syn_begin(struct res_store *store)
{
    struct fl_error err;
    const struct res_arm arms[] = {
        {SYN_FEDERATED, "federated", 4, 4, 0.85},
        {SYN_CENTRALIZED, "centralized", 4, 4, 0.85},
        {SYN_LOCAL, "local", 2, 4, 0.5},
    };
    for (size_t i = 0; i < 3; i++)
        assert_ok(res_store_add_arm(store, &arms[i], &err), &err);
    assert_ok(res_store_add_zone(store, 0, "FR", &err), &err);
    assert_ok(res_store_add_zone(store, 1, "US-CAL-CISO", &err), &err);
    set(store, "scenario_name", "fmnist_dirichlet");
    set(store, "scenario", "name: fmnist_dirichlet\n");
    set(store, "scenario_sha256", "00ff");
    set(store, "dataset", "fashion_mnist");
    set(store, "model", "cnn2");
    set(store, "clients", "4");
    set(store, "partition", "dirichlet 0.5");
    set(store, "grid", "annual means");
    set(store, "preset", "full");
    set(store, "leaves_out", "embodied carbon & storage, 100% of it");
    set(store, "seed", "1");
    set(store, "command", "fedcarbon run a_b.yaml --seed 1 --set a.b='x|y'");
    set(store, "processes", "2");
    set(store, "libraries", "{\"sqlite\": \"3\"}");
    set(store, "wall_s", "12.5");
    set(store, "messages",
        "{\"MODEL sent\": {\"messages\": 4, \"bytes\": 8000000}}");
    set(store, "favourite_colour", "blue");
    fill_facts(store);
}

static struct carbon_entry of(struct carbon_entry entry,
                              const char *component,
                              enum carbon_phase phase,
                              double energy_j,
                              double bytes)
{
    entry.component = syn_term(component);
    entry.phase = phase;
    entry.energy_j = energy_j;
    entry.bytes = bytes;
    entry.emitted_gco2e = energy_j / 3.6e6 * (entry.zone == 0 ? 50.0 : 250.0);
    if (!strcmp(component, "core_network")) {
        entry.uses[0] = (struct carbon_use){.fact = &core, .sign = 1};
        entry.n_uses = 1;
    }
    return entry;
}

static void add(struct res_store *store, struct carbon_entry entry)
{
    struct fl_error err;
    assert_ok(res_store_add_entries(store, &entry, 1, &err), &err);
}

static void fill_federated(struct res_store *store)
{
    struct fl_error err;
    for (int64_t round = 1; round <= 2; round++) {
        for (int64_t client = 0; client < 2; client++) {
            struct carbon_entry e = syn_entry(round, client, 1000);
            add(store, of(e, "core_network", CARBON_BROADCAST, 2000, 2e6));
            add(store, e);
            e.evidence = CARBON_ASSUMED;
            e.is_wasted = round == 2 && client == 1;
            add(store, of(e, "core_network", CARBON_UPLOAD, 2000, 2e6));
        }
        struct carbon_entry server = syn_entry(round, 0, 0);
        server.role = CARBON_SERVER;
        server.zone = 1;
        add(store, of(server, "server_compute", CARBON_AGGREGATE, 4000, 0));
        add(store,
            of(server, "datacentre_overhead", CARBON_AGGREGATE, 2000, 0));
        struct res_round done = {.arm = SYN_FEDERATED,
                                 .round = round,
                                 .sim_time_s = 100.0 * (double)round,
                                 .accuracy = round == 2 ? 0.86 : (double)NAN,
                                 .loss = round == 2 ? 0.5 : (double)NAN,
                                 .train_loss = 1.0 / (double)round,
                                 .updates = 2};
        assert_ok(res_store_add_round(store, &done, &err), &err);
    }
}

static void fill_others(struct res_store *store)
{
    struct fl_error err;
    struct carbon_entry node = syn_entry(1, 0, 0);
    node.arm = SYN_CENTRALIZED;
    node.role = CARBON_DATACENTRE;
    node.zone = 1;
    node.t0_s = 0;
    node.t1_s = 5400;
    add(store, of(node, "central_compute", CARBON_TRAIN, 360000, 0));
    add(store, of(node, "datacentre_overhead", CARBON_TRAIN, 180000, 0));
    struct res_round epoch = {.arm = SYN_CENTRALIZED,
                              .round = 1,
                              .sim_time_s = 5400,
                              .accuracy = 0.8,
                              .loss = 0.7,
                              .train_loss = 0.6,
                              .updates = 1};
    assert_ok(res_store_add_round(store, &epoch, &err), &err);
    for (int64_t client = 1; client <= 3; client += 2) {
        double share = client == 1 ? 1 : 2;
        struct carbon_entry alone = syn_entry(client, client, 36000 * share);
        alone.arm = SYN_LOCAL;
        alone.t0_s = 0;
        alone.t1_s = 3600 * share;
        add(store, alone);
        struct res_round last = {.arm = SYN_LOCAL,
                                 .round = client,
                                 .sim_time_s = 3600 * share,
                                 .accuracy = 0.3 * share,
                                 .loss = 2,
                                 .train_loss = 0.1,
                                 .updates = 1};
        assert_ok(res_store_add_round(store, &last, &err), &err);
    }
}

void syn_fill(struct res_store *store)
{
    struct fl_error err;
    fill_federated(store);
    fill_others(store);
    const struct res_outcome outcomes[] = {
        {SYN_FEDERATED, 0.86, 0.5, 2, 200, true, "aa01"},
        {SYN_CENTRALIZED, 0.8, 0.7, 1, 5400, false, "bb02"},
        {SYN_LOCAL, 0.45, 2, 7, 5400, false, "cc03"},
    };
    for (size_t i = 0; i < 3; i++)
        assert_ok(res_store_set_outcome(store, &outcomes[i], &err), &err);
}

char *syn_run(const char *folder, const char *name, bool is_finished)
{
    struct fl_error err;
    struct res_store *store;
    char *dir = syn_path(folder, name);
    assert_ok(res_store_create(dir, RES_CREATE, &store, &err), &err);
    syn_begin(store);
    if (is_finished) {
        syn_fill(store);
        assert_ok(res_store_finish(store, &err), &err);
    } else {
        fill_federated(store);
        assert_ok(res_store_commit(store, &err), &err);
    }
    res_store_destroy(store);
    return dir;
}

static sqlite3 *open_raw(const char *dir)
{
    char *path = syn_path(dir, "run.sqlite");
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    fl_free(path);
    return db;
}

double syn_sql(const char *dir, const char *sql)
{
    sqlite3 *db = open_raw(dir);
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    double value = sqlite3_column_double(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return value;
}

char *syn_sql_text(const char *dir, const char *sql)
{
    sqlite3 *db = open_raw(dir);
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    char *value = fl_strdup((const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return value;
}

static void run_raw(sqlite3 *db, const char *sql)
{
    char *why = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
}

void syn_tamper(const char *dir, const char *sql)
{
    sqlite3 *db = open_raw(dir);
    run_raw(db, "DELETE FROM meta WHERE key = 'seal'");
    run_raw(db, sql);
    sqlite3_close(db);
}

void syn_damage(const char *dir, const char *sql)
{
    sqlite3 *db = open_raw(dir);
    run_raw(db, sql);
    sqlite3_close(db);
}

char *syn_read(const char *path, size_t *ret_bytes)
{
    struct fl_error err;
    uint8_t *bytes;
    size_t n_bytes;
    assert_ok(fl_file_read(path, (size_t)1 << 26, &bytes, &n_bytes, &err),
              &err);
    if (ret_bytes)
        *ret_bytes = n_bytes;
    return (char *)bytes;
}
