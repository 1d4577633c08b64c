/* What a scenario says of accounting: modes of devices, shares of servers,
 * presets and their constants, attribution, software. */
#include "scenario_fixture.h"

#include <string.h>

static void test_a_mode_replaces_power_and_speed(void **state)
{
    (void)state;
    static const char *const sets[] = {
        "fleet.1.device=jetson_nano", "fleet.1.mode=5w", "server.mode=max-p",
        "server.device=jetson_tx2", "server.train_w=14"};
    struct scn_scenario *s = scn_load_good(scn_good, sets, 5);
    assert_near(s->fleet[1].device.train_w.value, 5, 0, 0); /* as the table */
    assert_near(s->fleet[1].device.train_flop_per_s.value, 3.3e10, 0, 0);
    assert_near(s->fleet[1].device.idle_w.value, 2, 0, 0);
    assert_near(s->server.device.train_w.value, 14, 0, 0); /* given: last */
    assert_near(s->server.device.train_flop_per_s.value, 1.1e11, 0, 0);
    struct scn_scenario *again = scn_load_again(s);
    assert_string_equal(again->sha256, s->sha256);
    assert_near(again->fleet[1].device.train_w.value, 5, 0, 0);
    scn_scenario_destroy(again);
    scn_scenario_destroy(s);
    assert_set_problem("fleet.1={device: jetson_nano, mode: 15w, share: 0.25, "
                       "zone: DE, link: lte}",
                       "unknown mode '15w'");
    assert_set_problem("server.mode=5w", "has no modes");
}

static void test_a_site_may_keep_a_part_or_several_machines(void **state)
{
    (void)state;
    static const char *const sets[] = {"server.machines=0.05"};
    struct scn_scenario *s = scn_load_good(scn_good, sets, 1);
    assert_near(s->server.machines.value, 0.05, 0, 0); /* same decimal */
    assert_null(s->datacentre.machines.source);        /* the one */
    scn_scenario_destroy(s);
}

/* The row's own comes first, then the scenario's, the preset's, the profile's.
 */
static void test_a_routers_power_is_the_nearest_one_given(void **state)
{
    (void)state;
    static const char *const sets[] = {
        "carbon.preset=qiu2023", "fleet.0.router_w=3", "carbon.router_w=9"};
    struct scn_scenario *s = scn_load_good(scn_good, sets, 0);
    assert_true(s->fleet[0].link.router_w.is_off); /* LTE */
    scn_scenario_destroy(s);
    s = scn_load_good(scn_good, sets, 1);
    assert_near(s->fleet[0].link.router_w.value, 7.5, 0, 0); /* as the table */
    assert_near(s->fleet[1].link.router_w.value, 7.5, 0, 0);
    scn_scenario_destroy(s);
    s = scn_load_good(scn_good, sets, 2);
    assert_near(s->fleet[0].link.router_w.value, 3, 0, 0);
    assert_near(s->fleet[1].link.router_w.value, 7.5, 0, 0);
    struct scn_scenario *again = scn_load_again(s);
    assert_string_equal(again->sha256, s->sha256);
    assert_near(again->fleet[0].link.router_w.value, 3, 0, 0);
    assert_near(again->fleet[1].link.router_w.value, 7.5, 0, 0);
    scn_scenario_destroy(again);
    scn_scenario_destroy(s);
    s = scn_load_good(scn_good, sets, 3);
    assert_near(s->fleet[0].link.router_w.value, 3, 0, 0);
    assert_near(s->fleet[1].link.router_w.value, 9, 0, 0);
    scn_scenario_destroy(s);
}

static void test_attribution_is_the_presets_unless_given(void **state)
{
    (void)state;
    static const char *const sets[] = {"carbon.attribution=marginal"};
    struct scn_scenario *s = scn_load_good(scn_good, sets, 0);
    struct scn_scenario *marginal = scn_load_good(scn_good, sets, 1);
    assert_int_equal(s->preset.attribution, CARBON_AVERAGE);
    assert_int_equal(marginal->preset.attribution, CARBON_MARGINAL);
    assert_string_not_equal(s->sha256, marginal->sha256);
    struct scn_scenario *again = scn_load_again(marginal);
    assert_int_equal(again->preset.attribution, CARBON_MARGINAL);
    assert_string_equal(again->sha256, marginal->sha256);
    scn_scenario_destroy(again);
    scn_scenario_destroy(marginal);
    scn_scenario_destroy(s);
    assert_set_problem("carbon.attribution=both", "allowed average, marginal");
}

static void test_every_constant_of_a_preset_can_be_replaced(void **state)
{
    (void)state;
    static const char *const sets[] = {
        "carbon.storage_copies=3", "carbon.peer_j_per_byte=1e-5",
        "carbon.network_idle_share=off", "carbon.software_bytes=2e6"};
    struct scn_scenario *s = scn_load_good(scn_good, sets, 4);
    assert_near(s->preset.storage_copies.value, 3, 0, 0); /* same decimals */
    assert_near(s->preset.peer_j_per_byte.value, 1e-5, 0, 0);
    assert_true(s->preset.network_idle_share.is_off);
    assert_near(s->software_bytes, 2e6, 0, 0);
    struct scn_scenario *again = scn_load_again(s);
    assert_string_equal(again->sha256, s->sha256);
    assert_near(again->preset.storage_w_per_byte.value, 6.5e-13, 0, 0);
    scn_scenario_destroy(again);
    scn_scenario_destroy(s);
}

/* A comparison with an arm that costs nothing would be none. */
static void test_a_preset_has_to_count_something_of_each_arm(void **state)
{
    (void)state;
    assert_set_problem("carbon.preset=wu2022",
                       "carbon.preset = wu2022 counts nothing of the arm "
                       "centralized");
    static const char *const sets[] = {"carbon.preset=wu2022",
                                       "train.arms=[federated, local]"};
    scn_scenario_destroy(scn_load_good(scn_good, sets, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_mode_replaces_power_and_speed),
        cmocka_unit_test(test_a_site_may_keep_a_part_or_several_machines),
        cmocka_unit_test(test_a_routers_power_is_the_nearest_one_given),
        cmocka_unit_test(test_attribution_is_the_presets_unless_given),
        cmocka_unit_test(test_every_constant_of_a_preset_can_be_replaced),
        cmocka_unit_test(test_a_preset_has_to_count_something_of_each_arm),
    };
    return cmocka_run_group_tests_name("scenarios.carbon", tests, NULL, NULL);
}
