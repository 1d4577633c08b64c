/* The golden vectors: each figure worked by hand in docs/validation.md, put
 * through the ledger as activities, and compared. */
#include "carbon_fixture.h"

#include "base/units.h"

#include <string.h>

/* Sums of up to 15,000 entries; the ledger's sum is compensated, so what is
 * left is the rounding of each entry's product: a few 2^-53. */
static const double rtol = 1e-12;

static struct carbon_ledger *ledger_with(const struct carbon_preset *preset,
                                         const struct carbon_grid *grid)
{
    struct fl_error err = {0};
    struct carbon_ledger *ledger = NULL;
    assert_ok(carbon_ledger_create(preset, grid, &ledger, &err), &err);
    return ledger;
}

static void add(struct carbon_ledger *ledger, struct carbon_activity activity)
{
    struct fl_error err = {0};
    assert_ok(carbon_ledger_add(ledger, &activity, &err), &err);
}

static const struct carbon_preset *preset_named(const char *name)
{
    struct fl_error err = {0};
    const struct carbon_preset *preset = NULL;
    assert_ok(carbon_preset_find(name, &preset, &err), &err);
    return preset;
}

static bool is_component(const struct carbon_entry *entry, void *arg)
{
    return strcmp(carbon_terms[entry->component]->name, arg) == 0;
}

static double energy_of(const struct carbon_ledger *ledger, const char *name)
{
    char term[64];
    memcpy(term, name, strlen(name) + 1);
    return carbon_ledger_sum(ledger, is_component, term).energy_j;
}

struct qiu {
    int rounds, clients;
    double compute_s, model_bytes, down_bps, up_bps;
    int zone;
};

/* R rounds of K clients: download, train, upload, one after the other. */
static struct carbon_ledger *run_qiu(const struct carbon_preset *preset,
                                     const struct carbon_grid *grid,
                                     struct qiu q)
{
    struct carbon_ledger *ledger = ledger_with(preset, grid);
    double bits = q.model_bytes * FL_BITS_PER_BYTE;
    for (int round = 0; round < q.rounds; round++) {
        for (int k = 0; k < q.clients; k++) {
            struct carbon_activity a = {.round = round,
                                        .role = CARBON_CLIENT,
                                        .entity = k,
                                        .zone = q.zone,
                                        .device = &fixture_board,
                                        .link = &fixture_link};
            a.phase = CARBON_BROADCAST;
            a.t1_s = bits / q.down_bps;
            a.bytes = q.model_bytes;
            add(ledger, a);
            a.phase = CARBON_TRAIN;
            a.t1_s = q.compute_s;
            a.bytes = 0;
            add(ledger, a);
            a.phase = CARBON_UPLOAD;
            a.t1_s = bits / q.up_bps;
            a.bytes = q.model_bytes;
            a.is_upload = true;
            add(ledger, a);
        }
    }
    return ledger;
}

static const struct qiu golden = {.rounds = 500,
                                  .clients = 10,
                                  .compute_s = 40,
                                  .model_bytes = 43.7e6,
                                  .down_bps = 50e6,
                                  .up_bps = 10e6};

static void test_qiu2023_federated_is_golden_vector_1(void **state)
{
    (void)state;
    struct carbon_grid *grid = fixture_grid();
    print_message("qiu2023: R=500 K=10 t=40 s e=10 W S=349.6 Mbit D=50 U=10 "
                  "Mbit/s e_router=7.5 W e_idle=2 W\n");
    for (int zone = FIXTURE_FR; zone <= FIXTURE_CN; zone++) {
        struct qiu q = golden;
        q.zone = zone;
        struct carbon_ledger *ledger =
            run_qiu(preset_named("qiu2023"), grid, q);
        struct carbon_sum sum = carbon_ledger_sum(ledger, NULL, NULL);
        double comm_j = energy_of(ledger, "client_transfer") +
                        energy_of(ledger, "access_router");
        if (zone == FIXTURE_FR) {
            pencil("E_train", "500 x 10 x 40 x 10 J",
                   energy_of(ledger, "client_compute"), 2000000.0, rtol);
            pencil("E_comm", "5000 x 349.6 (1/50 + 1/10) (7.5 + 2) J", comm_j,
                   1992720.0, rtol);
            pencil("total", "3,992,720 J / 3.6e6", sum.energy_j / FL_J_PER_KWH,
                   3992720.0 / 3.6e6, rtol);
            pencil("bytes moved", "5000 x 2 x 43.7e6", sum.bytes, 4.37e11,
                   rtol);
        }
        static const double published_g[] = {62.152, 409.778, 645.841};
        pencil(carbon_grid_zone_name(grid, zone), "1.1090889 kWh x intensity",
               sum.emitted_gco2e,
               3992720.0 / 3.6e6 * fixture_gco2e_per_kwh[zone], rtol);
        /* the vectors are printed to three decimals */
        assert_near(sum.emitted_gco2e, published_g[zone], 0, 0.0005);
        carbon_ledger_destroy(ledger);
    }
    carbon_grid_destroy(grid);
}

static void test_qiu2023_centralized_is_golden_vector_2(void **state)
{
    (void)state;
    static const struct carbon_device gpu = {.name = "gpu",
                                             .train_w = FACT(250),
                                             .idle_w = FACT(35),
                                             .train_flop_per_s = FACT(1e12)};
    struct carbon_grid *grid = fixture_grid();
    print_message("qiu2023 centralized: 1 h, 250 W, PUE 1.67\n");
    for (int zone = FIXTURE_FR; zone <= FIXTURE_CN; zone++) {
        struct carbon_ledger *ledger =
            ledger_with(preset_named("qiu2023"), grid);
        add(ledger, (struct carbon_activity){.role = CARBON_DATACENTRE,
                                             .phase = CARBON_TRAIN,
                                             .zone = zone,
                                             .t1_s = 3600,
                                             .device = &gpu,
                                             .pue = &fixture_pue});
        struct carbon_sum sum = carbon_ledger_sum(ledger, NULL, NULL);
        if (zone == FIXTURE_FR) {
            pencil("IT energy", "250 x 3600 J",
                   energy_of(ledger, "central_compute"), 900000.0, rtol);
            pencil("overhead", "(1.67 - 1) x 900,000 J",
                   energy_of(ledger, "datacentre_overhead"), 603000.0, rtol);
            pencil("total", "1.67 x 0.25 kWh", sum.energy_j / FL_J_PER_KWH,
                   0.4175, rtol);
        }
        static const double published_g[] = {23.396, 154.255, 243.117};
        pencil(carbon_grid_zone_name(grid, zone), "0.4175 kWh x intensity",
               sum.emitted_gco2e, 0.4175 * fixture_gco2e_per_kwh[zone], rtol);
        assert_near(sum.emitted_gco2e, published_g[zone], 0, 0.0005);
        carbon_ledger_destroy(ledger);
    }
    carbon_grid_destroy(grid);
}

static void test_wu2022_is_golden_vector_3(void **state)
{
    (void)state;
    const struct carbon_device *phone = NULL;
    struct fl_error err = {0};
    assert_ok(carbon_device_find("phone", &phone, &err), &err);
    struct carbon_grid *grid = fixture_grid();
    struct carbon_ledger *ledger = ledger_with(preset_named("wu2022"), grid);
    add(ledger, (struct carbon_activity){
                    .phase = CARBON_TRAIN, .t1_s = 60, .device = phone});
    add(ledger, (struct carbon_activity){.phase = CARBON_UPLOAD,
                                         .t0_s = 60,
                                         .t1_s = 90,
                                         .bytes = 1e6,
                                         .is_upload = true,
                                         .device = phone,
                                         .link = &fixture_link});
    print_message("wu2022: 60 s compute at 3 W, 30 s transfer at 7.5 W\n");
    pencil("compute", "60 x 3", energy_of(ledger, "client_compute"), 180.0,
           rtol);
    pencil("transfer", "30 x 7.5", energy_of(ledger, "access_router"), 225.0,
           rtol);
    pencil("total", "180 + 225", carbon_ledger_sum(ledger, NULL, NULL).energy_j,
           405.0, rtol);
    carbon_ledger_destroy(ledger);
    carbon_grid_destroy(grid);
}

static void test_fedzero_middle_client_is_golden_vector_4(void **state)
{
    (void)state;
    static const struct carbon_device v100 = {.name = "v100",
                                              .train_w = FACT(300)};
    struct carbon_grid *grid = fixture_grid();
    struct carbon_ledger *ledger =
        ledger_with(preset_named("fedzero2024"), grid);
    /* batch 10, speed scaled down by 100: 1000 images' time per batch */
    double batch_s = 10.0 * 100.0 / 639.0;
    add(ledger, (struct carbon_activity){
                    .phase = CARBON_TRAIN, .t1_s = batch_s, .device = &v100});
    print_message("fedzero2024: 639 img/s, 300 W, batch 10, scale 100\n");
    pencil("batches per minute", "60 x 639 / 10 / 100", 60 / batch_s, 38.34,
           rtol);
    double energy_j = carbon_ledger_sum(ledger, NULL, NULL).energy_j;
    pencil("J per batch", "300 / 639 x 1000", energy_j, 300000.0 / 639.0, rtol);
    assert_near(energy_j, 469.484, 0, 0.0005); /* as printed */
    carbon_ledger_destroy(ledger);
    carbon_grid_destroy(grid);
}

static void test_tapp2026_is_golden_vector_5(void **state)
{
    (void)state;
    struct carbon_grid *grid = fixture_grid();
    struct carbon_ledger *ledger = ledger_with(preset_named("tapp2026"), grid);
    double bytes = 43.7 * 1048576.0;
    struct carbon_activity a = {.phase = CARBON_BROADCAST,
                                .zone = FIXTURE_ONE,
                                .t1_s = 1,
                                .bytes = bytes,
                                .device = &fixture_board,
                                .link = &fixture_link};
    add(ledger, a);
    a.phase = CARBON_UPLOAD;
    a.is_upload = true;
    add(ledger, a);
    struct carbon_sum sum = carbon_ledger_sum(ledger, NULL, NULL);
    print_message("tapp2026: 43.7 MiB both ways at 0.01 kWh/GiB\n");
    pencil("kWh", "2 x 43.7/1024 x 0.01", sum.energy_j / FL_J_PER_KWH,
           2 * 43.7 / 1024 * 0.01, rtol);
    pencil("g at 475 g/kWh", "8.535e-4 x 475", sum.emitted_gco2e * 475,
           2 * 43.7 / 1024 * 0.01 * 475, rtol);
    assert_near(sum.emitted_gco2e * 475, 0.40542, 0, 0.000005);
    carbon_ledger_destroy(ledger);
    carbon_grid_destroy(grid);
}

/* An hour of aggregator and selector: mostly waiting, at the same 45 W. */
static void test_greenfl_server_is_golden_vector_6(void **state)
{
    (void)state;
    static const struct carbon_fact pue = FACT(1.09), pair = FACT(2);
    const struct carbon_device *aggregator = NULL;
    struct fl_error err = {0};
    assert_ok(carbon_device_find("aggregator", &aggregator, &err), &err);
    struct carbon_grid *grid = fixture_grid();
    struct carbon_ledger *ledger =
        ledger_with(preset_named("greenfl2023"), grid);
    struct carbon_activity a = {.role = CARBON_SERVER,
                                .phase = CARBON_WAIT,
                                .t1_s = 3500,
                                .device = aggregator,
                                .pue = &pue,
                                .machines = &pair};
    add(ledger, a);
    a.phase = CARBON_AGGREGATE;
    a.t0_s = 3500;
    a.t1_s = 3600;
    add(ledger, a);
    print_message("greenfl2023: aggregator and selector, 45 W, PUE 1.09, 1 h; "
                  "int8 when communication is 60 %%\n");
    pencil("kWh", "45 x 2 x 1.09 / 1000",
           carbon_ledger_sum(ledger, NULL, NULL).energy_j / FL_J_PER_KWH,
           0.0981, rtol);
    carbon_ledger_destroy(ledger);
    carbon_grid_destroy(grid);
}

static void test_int8_saving_is_golden_vector_6(void **state)
{
    (void)state;
    struct carbon_grid *grid = fixture_grid();
    struct carbon_ledger *ledger;
    /* core_network and client_compute in the proportion 60 : 40 */
    static const char *const terms[] = {"client_compute", "core_network", NULL};
    static const struct carbon_preset split = {
        .name = "split", .terms = terms, .core_network_j_per_byte = FACT(6e-3)};
    double total_j[2];
    for (int i = 0; i < 2; i++) {
        ledger = ledger_with(&split, grid);
        add(ledger, (struct carbon_activity){.phase = CARBON_TRAIN,
                                             .t1_s = 0.4,
                                             .device = &fixture_board});
        add(ledger, (struct carbon_activity){.phase = CARBON_UPLOAD,
                                             .t1_s = 1,
                                             .bytes = i ? 250 : 1000,
                                             .is_upload = true,
                                             .device = &fixture_board,
                                             .link = &fixture_link});
        total_j[i] = carbon_ledger_sum(ledger, NULL, NULL).energy_j;
        carbon_ledger_destroy(ledger);
    }
    pencil("int8 saving", "1 / (0.4 + 0.6 / 4)", total_j[0] / total_j[1],
           1 / (0.4 + 0.6 / 4), rtol);
    carbon_grid_destroy(grid);
}

/* Upload of a megabyte at 50 kbit/J, of a model to a neighbour at 200. */
static void test_savazzi2022_pays_bits_per_joule(void **state)
{
    (void)state;
    struct carbon_grid *grid = fixture_grid();
    struct carbon_ledger *ledger =
        ledger_with(preset_named("savazzi2022"), grid);
    struct carbon_activity a = {.phase = CARBON_INIT,
                                .t1_s = 1,
                                .bytes = 1e6,
                                .is_upload = true,
                                .device = &fixture_board,
                                .link = &fixture_link};
    add(ledger, a);
    a.phase = CARBON_PEER;
    add(ledger, a);
    pencil("upload", "8e6 / 50e3", energy_of(ledger, "whole_network"), 160.0,
           rtol);
    pencil("to a neighbour", "8e6 / 200e3", energy_of(ledger, "peer_link"),
           40.0, rtol);
    carbon_ledger_destroy(ledger);
    carbon_grid_destroy(grid);
}

/* BLOOM's embodied share: 1,082,990 GPU-hours on servers of eight. */
static void test_embodied_carbon_of_bloom(void **state)
{
    (void)state;
    static const struct carbon_device node = {
        .name = "node",
        .train_w = {.is_off = true, .source = "not looked at"},
        .idle_w = {.is_off = true, .source = "not looked at"},
        .memory_w = {.is_off = true, .source = "not looked at"},
        .embodied_kgco2e = FACT(2500.0 / 8 + 150),
        .lifetime_years = FACT(6),
        .use_share = FACT(0.85)};
    struct carbon_grid *grid = fixture_grid();
    struct carbon_ledger *ledger = ledger_with(preset_named("full"), grid);
    add(ledger, (struct carbon_activity){.role = CARBON_DATACENTRE,
                                         .phase = CARBON_TRAIN,
                                         .t1_s = 1082990.0 * 3600,
                                         .device = &node,
                                         .pue = &fixture_pue});
    struct carbon_sum sum = carbon_ledger_sum(ledger, NULL, NULL);
    pencil("t", "1,082,990 (2500 / 8 + 150) / (6 x 8760 x 0.85) / 1000",
           sum.embodied_gco2e / 1e6,
           1082990 * (2500.0 / 8 + 150) / (6 * 8760 * 0.85) / 1000, rtol);
    assert_near(sum.embodied_gco2e / 1e6, 7.5753 + 3.6361, 0, 0.0001);
    assert_true(sum.energy_j == 0);
    carbon_ledger_destroy(ledger);
    carbon_grid_destroy(grid);
}

/* A terabyte for an hour on disks at 0.65 Wh/TBh, twice, PUE 1.67. */
static void test_storage_of_a_terabyte(void **state)
{
    (void)state;
    struct carbon_grid *grid = fixture_grid();
    struct carbon_ledger *ledger = ledger_with(preset_named("full"), grid);
    add(ledger, (struct carbon_activity){.role = CARBON_DATACENTRE,
                                         .phase = CARBON_STORE,
                                         .stage = CARBON_DATA,
                                         .t1_s = 3600,
                                         .stored_bytes = 1e12,
                                         .device = &fixture_board,
                                         .pue = &fixture_pue});
    pencil("storage", "0.65 W x 2 x 3,600 s", energy_of(ledger, "storage"),
           4680.0, rtol);
    pencil("overhead", "0.67 x 4,680 J",
           energy_of(ledger, "datacentre_overhead"), 3135.6, rtol);
    carbon_ledger_destroy(ledger);
    carbon_grid_destroy(grid);
}

/* A new term is in it, or is an alternative to one that is. */
static void test_full_names_every_term_but_the_alternative(void **state)
{
    (void)state;
    for (size_t i = 0; carbon_terms[i]; i++) {
        const char *name = carbon_terms[i]->name;
        bool is_alternative = strcmp(name, "whole_network") == 0;
        if (carbon_preset_has(preset_named("full"), name) == is_alternative)
            fail_msg("term %s: an alternative to one of full's, and in it, or "
                     "none and not in it",
                     name);
    }
}

/* The invariances of golden vector 7 that are about formulas; those about
 * sums are in test_ledger.c. */
static void test_energies_scale_as_golden_vector_7_says(void **state)
{
    (void)state;
    struct carbon_grid *grid = fixture_grid();
    const struct carbon_preset *qiu = preset_named("qiu2023");
    struct qiu base = golden;
    base.rounds = 7;
    struct qiu twice_k = base, twice_r = base, five_epochs = base, slow = base;
    twice_k.clients *= 2;
    twice_r.rounds *= 2;
    five_epochs.compute_s *= 5;
    slow.down_bps /= 3;
    slow.up_bps /= 3;
    struct carbon_ledger *l0 = run_qiu(qiu, grid, base);
    struct carbon_ledger *lk = run_qiu(qiu, grid, twice_k);
    struct carbon_ledger *lr = run_qiu(qiu, grid, twice_r);
    struct carbon_ledger *le = run_qiu(qiu, grid, five_epochs);
    double train_j = energy_of(l0, "client_compute");
    double router_j = energy_of(l0, "access_router");
    pencil("E_train, twice K", "2 E_train", energy_of(lk, "client_compute"),
           2 * train_j, rtol);
    pencil("E_train, twice R", "2 E_train", energy_of(lr, "client_compute"),
           2 * train_j, rtol);
    pencil("E_train, 5 epochs", "5 E_train", energy_of(le, "client_compute"),
           5 * train_j, rtol);
    pencil("E_comm, 5 epochs", "E_comm", energy_of(le, "access_router"),
           router_j, rtol);
    const struct carbon_preset *full = preset_named("full");
    struct carbon_ledger *lf = run_qiu(full, grid, base);
    struct carbon_ledger *ls = run_qiu(full, grid, slow);
    pencil("core network, third of the speed", "unchanged",
           energy_of(ls, "core_network"), energy_of(lf, "core_network"), rtol);
    pencil("core network", "140 x 43.7e6 x 8 x 255.7e-9",
           energy_of(lf, "core_network"), 140 * 43.7e6 * 8 * 255.7e-9, rtol);
    pencil("router, third of the speed", "3 E_router",
           energy_of(ls, "access_router"), 3 * energy_of(lf, "access_router"),
           rtol);
    struct carbon_ledger *all[] = {l0, lk, lr, le, lf, ls};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        carbon_ledger_destroy(all[i]);
    carbon_grid_destroy(grid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_qiu2023_federated_is_golden_vector_1),
        cmocka_unit_test(test_qiu2023_centralized_is_golden_vector_2),
        cmocka_unit_test(test_wu2022_is_golden_vector_3),
        cmocka_unit_test(test_fedzero_middle_client_is_golden_vector_4),
        cmocka_unit_test(test_tapp2026_is_golden_vector_5),
        cmocka_unit_test(test_greenfl_server_is_golden_vector_6),
        cmocka_unit_test(test_int8_saving_is_golden_vector_6),
        cmocka_unit_test(test_savazzi2022_pays_bits_per_joule),
        cmocka_unit_test(test_embodied_carbon_of_bloom),
        cmocka_unit_test(test_storage_of_a_terabyte),
        cmocka_unit_test(test_full_names_every_term_but_the_alternative),
        cmocka_unit_test(test_energies_scale_as_golden_vector_7_says),
    };
    return cmocka_run_group_tests_name("carbon.pencil", tests, NULL, NULL);
}
