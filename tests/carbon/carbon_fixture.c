#include "carbon_fixture.h"

const double fixture_gco2e_per_kwh[FIXTURE_ZONES] = {56.039, 369.473, 582.317,
                                                     1.0};

const struct carbon_device fixture_board = {
    .name = "board",
    .doc = "a board for tests",
    .train_w = FACT(10),
    .idle_w = FACT(2),
    .train_flop_per_s = FACT(1e9),
    .step_overhead_s = FACT(0.001),
    .memory_w = FACT(1.5),
    .embodied_kgco2e = FACT(60),
    .lifetime_years = FACT(4),
    .use_share = FACT(0.5),
};

const struct carbon_link fixture_link = {
    .name = "line",
    .doc = "a link for tests",
    .down_bps = FACT(50e6),
    .up_bps = FACT(10e6),
    .rx_w = FACT(1),
    .tx_w = FACT(1.3),
    .router_w = FACT(5),
    .access_down_j_per_byte = FACT(1e-4),
    .access_up_j_per_byte = FACT(2e-5),
};

const struct carbon_fact fixture_pue = FACT(1.67);

struct carbon_grid *fixture_grid(void)
{
    static const char *const names[FIXTURE_ZONES] = {"FR", "US", "CN", "ONE"};
    struct fl_error err = {0};
    struct carbon_grid *grid = NULL;
    assert_ok(carbon_grid_create(0, &grid, &err), &err);
    for (int i = 0; i < FIXTURE_ZONES; i++) {
        struct carbon_fact fact = fact_of(fixture_gco2e_per_kwh[i]);
        int32_t zone = -1;
        assert_ok(carbon_grid_add_annual(grid, names[i], &fact, &zone, &err),
                  &err);
        assert_int_equal(zone, i);
    }
    return grid;
}
