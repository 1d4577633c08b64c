/* Accounts and servings: what is right becomes activities, what is wrong comes
 * with its place. */
#include "scenario_fixture.h"

#include "base/alloc.h"
#include "base/units.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Products of a handful of decimals: a few 2^-53. */
static const double rtol = 1e-13;

static const char good[] =
    "name: a\n"                                                       /* 1 */
    "items:\n"                                                        /* 2 */
    "  - {name: train, arm: x, role: datacentre, hours: 2, zone: FR," /* 3 */
    " pue: 1.5, device: node, train_w: 100, idle_w: 40, memory_w: off,"
    " embodied_kgco2e: off, count: 3, repeat: 5}\n"
    "  - {name: send, arm: y, role: client, phase: upload, zone: DE," /* 4 */
    " bytes: 1e6, device: laptop, memory_w: off, link: home_wifi,"
    " stage: data}\n"
    "  - {name: paper, arm: x, stage: search, role: datacentre," /* 5 */
    " zone: FR, pue: off, energy_kwh: 12.5}\n"
    "serve:\n"                                                 /* 6 */
    "  - {name: phone, arm: x, placement: end, rate_per_s: 2," /* 7 */
    " seconds: 100, compute_s: 0.1, zone: FR, device: phone, train_w: 3,"
    " memory_w: off, idle_w: off, embodied_kgco2e: off}\n"
    "  - name: cloud\n"                                           /* 8 */
    "    arm: y\n"                                                /* 9 */
    "    placement: cloud\n"                                      /* 10 */
    "    requests: 1000\n"                                        /* 11 */
    "    seconds: 500\n"                                          /* 12 */
    "    request_bytes: 40000\n"                                  /* 13 */
    "    compute_s: 0.01\n"                                       /* 14 */
    "    filter: frame_diff\n"                                    /* 15 */
    "    kept_share: 0.25\n"                                      /* 16 */
    "    replicas: 2\n"                                           /* 17 */
    "    zone: FR\n"                                              /* 18 */
    "    device: laptop\n"                                        /* 19 */
    "    memory_w: off\n"                                         /* 20 */
    "    link: home_wifi\n"                                       /* 21 */
    "    server: {device: box, zone: DE, pue: 1.1, train_w: 250," /* 22 */
    " idle_w: 50, memory_w: off, embodied_kgco2e: off}\n"
    "carbon: {preset: full, boundary: operational, grid: {kind: annual}}\n";

struct tally {
    const struct scn_scenario *scenario;
    size_t n;
    double energy_j[5], idle_j[5], gco2e[5], bytes[5]; /* by row */
};

static enum fl_status
take(const struct scn_event *event, void *arg, struct fl_error *err)
{
    struct tally *tally = arg;
    const struct scn_scenario *s = tally->scenario;
    struct carbon_entry entries[CARBON_MAX_TERMS];
    size_t n = 0;
    FL_TRY(scn_event_account(&s->preset, s->grid, &s->account, event, entries,
                             &n, err));
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(entries[i].round, (int64_t)event->row);
        tally->energy_j[event->row] += entries[i].energy_j;
        tally->idle_j[event->row] += entries[i].idle_j;
        tally->gco2e[event->row] += entries[i].emitted_gco2e;
        tally->bytes[event->row] += entries[i].bytes;
    }
    tally->n++;
    return FL_OK;
}

static struct tally tally_of(const struct scn_scenario *s)
{
    struct tally tally = {.scenario = s};
    struct fl_error err = {0};
    assert_ok(scn_account_each(&s->account, take, &tally, &err), &err);
    return tally;
}

static void test_rows_become_activities(void **state)
{
    (void)state;
    struct scn_scenario *s = scn_load_good(good, NULL, 0);
    assert_true(s->account.is_whole);
    assert_int_equal(s->boundary, SCN_OPERATIONAL);
    assert_int_equal(s->account.n_arms, 2);
    assert_string_equal(s->account.arms[0], "x");
    assert_string_equal(s->account.arms[1], "y");
    assert_int_equal(s->account.n_items, 3);
    assert_int_equal(s->account.n_servings, 2);
    const struct carbon_activity *a = &s->account.items[1].activity;
    assert_int_equal(a->stage, CARBON_DATA);
    assert_int_equal(a->arm, 1);
    assert_true(a->is_upload);
    assert_ptr_equal(a->speed_fact, &s->account.items[1].link.up_bps);
    assert_near(a->t1_s, 8e6 / s->account.items[1].link.up_bps.value, rtol, 0);
    scn_scenario_destroy(s);
}

static void
test_count_is_side_by_side_and_repeat_one_after_the_other(void **state)
{
    (void)state;
    struct scn_scenario *s = scn_load_good(good, NULL, 0);
    struct tally t = tally_of(s);
    assert_near(s->account.items[0].activity.t1_s, 5 * 7200, rtol, 0);
    assert_near(t.energy_j[0], 1.5 * 100 * 3 * 5 * 7200, rtol, 0);
    assert_near(t.idle_j[0], 1.5 * 40 * 3 * 5 * 7200, rtol, 0);
    scn_scenario_destroy(s);
}

static void test_a_given_energy_needs_no_device(void **state)
{
    (void)state;
    struct scn_scenario *s = scn_load_good(good, NULL, 0);
    struct tally t = tally_of(s);
    assert_near(t.energy_j[2], 12.5 * FL_J_PER_KWH, rtol, 0);
    assert_near(t.gco2e[2], 12.5 * 56.039, rtol, 0);
    assert_true(s->account.items[2].machine.is_energy);
    scn_scenario_destroy(s);
}

static void test_servings_cost_what_their_requests_do(void **state)
{
    (void)state;
    struct scn_scenario *s = scn_load_good(good, NULL, 0);
    struct tally t = tally_of(s);
    /* 2/s x 100 s x 3 W x 0.1 s */
    assert_near(t.energy_j[3], 200 * 3 * 0.1, rtol, 0);
    /* 250 of 1000 are let through */
    assert_near(t.bytes[4], 250 * 40000.0, rtol, 0);
    const struct carbon_link *l = &s->account.servings[1].link;
    const struct carbon_device *d = &s->account.servings[1].client.device;
    double sends_s = 250 * 40000.0 * 8 / l->up_bps.value;
    double network_j =
        sends_s * (d->idle_w.value + l->tx_w.value + l->router_w.value) +
        250 * 40000.0 *
            (l->access_up_j_per_byte.value +
             s->preset.core_network_j_per_byte.value);
    double busy_s = 250 * 0.01;
    double server_j = 1.1 * (busy_s * 250 + (2 * 500 - busy_s) * 50);
    assert_near(t.energy_j[4], network_j + server_j, rtol, 0);
    assert_near(scn_serving_requests(&s->account.servings[1]), 1000, 0, 0);
    scn_scenario_destroy(s);
}

static void test_an_edge_server_stands_before_the_core_network(void **state)
{
    (void)state;
    static const char *const edge[] = {"serve.1.placement=edge"};
    struct scn_scenario *s = scn_load_good(good, NULL, 0);
    struct tally far = tally_of(s);
    double core_j = 250 * 40000.0 * s->preset.core_network_j_per_byte.value;
    scn_scenario_destroy(s);
    s = scn_load_good(good, edge, 1);
    struct tally near = tally_of(s);
    assert_near(near.energy_j[4], far.energy_j[4] - core_j, rtol, 0);
    scn_scenario_destroy(s);
}

/* Requests by interval sum up to the same as all of them at once. */
static void test_a_trace_of_requests(void **state)
{
    (void)state;
    FILE *out = fopen("test_requests.csv", "w");
    assert_non_null(out);
    assert_true(fputs("hour,requests\n0,100\n1,0\r\n2,900", out) >= 0);
    assert_int_equal(fclose(out), 0);
    static const char traced[] =
        "serve.1={name: c, arm: y, placement: cloud, trace: "
        "test_requests.csv, interval_s: 200, compute_s: 0.01, replicas: 2, "
        "server: {device: box, zone: DE, pue: 1.1, train_w: 250, idle_w: 50, "
        "memory_w: off, embodied_kgco2e: off}}";
    static const char *const sets[] = {traced};
    struct scn_scenario *s = scn_load_good(good, sets, 1);
    assert_int_equal(s->account.servings[1].n_intervals, 3);
    struct tally t = tally_of(s);
    assert_near(t.energy_j[4], 1.1 * (10 * 250 + (2 * 600 - 10) * 50), rtol, 0);
    char *text = scn_emit_text(s);
    assert_non_null(strstr(text, "trace_sha256: "));
    scn_scenario_destroy(s);
    fl_free(text);
    out = fopen("test_requests.csv", "w");
    assert_non_null(out);
    assert_true(fputs("requests\n5\n-1\n", out) >= 0);
    assert_int_equal(fclose(out), 0);
    char *problems = NULL;
    assert_int_equal(scn_load_text(good, sets, 1, &s, &problems), FL_E_CONFIG);
    assert_non_null(strstr(problems, "serve.1.trace: line 3: "));
    fl_free(problems);
    assert_int_equal(unlink("test_requests.csv"), 0);
}

static void test_what_is_emitted_is_the_same_account(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "items.0={name: train, arm: x, role: datacentre, hours: 2, zone: FR, "
        "pue: 1.5, lifetime_years: 4, use_share: 0.5, device: {name: n, "
        "parts: [{kind: gpu, n: 4, busy: 1, busy_w: 400, idle_w: 60, act: "
        "{area_mm2: 800, node_nm: 7, fab_gco2e_per_kwh: 524, yield: 0.875}}]}}",
    };
    for (int i = 0; i < 2; i++) {
        struct scn_scenario *s =
            scn_load_good(good, i ? parts : NULL, i ? 1 : 0);
        char *text = scn_emit_text(s);
        struct scn_scenario *again = NULL;
        struct fl_error err = {0};
        assert_ok(scn_scenario_parse("again", text, strlen(text), stderr,
                                     &again, &err),
                  &err);
        assert_string_equal(again->sha256, s->sha256);
        struct tally a = tally_of(s), b = tally_of(again);
        for (int row = 0; row < 5; row++) { /* the same bits */
            assert_near(b.energy_j[row], a.energy_j[row], 0, 0);
            assert_near(b.gco2e[row], a.gco2e[row], 0, 0);
        }
        fl_free(text);
        scn_scenario_destroy(again);
        scn_scenario_destroy(s);
    }
}

static enum fl_status count_fact(const char *name,
                                 const char *unit,
                                 const struct carbon_fact *fact,
                                 void *arg,
                                 struct fl_error *err)
{
    int *n = arg;
    (void)err;
    assert_non_null(unit);
    assert_true(fact->source || fact->is_off);
    assert_true(strncmp(name, "items.", 6) == 0 ||
                strncmp(name, "serve.", 6) == 0);
    *n += strcmp(name, "items.2.device.train_w") == 0 ||
          strcmp(name, "serve.1.server.pue") == 0 ||
          strcmp(name, "serve.1.link.up_bps") == 0;
    return FL_OK;
}

static void test_facts_have_names(void **state)
{
    (void)state;
    struct scn_scenario *s = scn_load_good(good, NULL, 0);
    struct fl_error err = {0};
    int n = 0;
    assert_ok(scn_account_facts(&s->account, count_fact, &n, &err), &err);
    assert_int_equal(n, 3);
    scn_scenario_destroy(s);
}

static bool rests_on(const struct carbon_entry *entry,
                     const struct carbon_fact *fact)
{
    for (int32_t i = 0; i < entry->n_uses; i++)
        if (entry->uses[i].fact == fact)
            return true;
    return false;
}

static enum fl_status
check_durations(const struct scn_event *event, void *arg, struct fl_error *err)
{
    const struct scn_scenario *s = arg;
    struct carbon_entry entries[CARBON_MAX_TERMS];
    size_t n = 0;
    FL_TRY(scn_event_account(&s->preset, s->grid, &s->account, event, entries,
                             &n, err));
    for (size_t i = 0; i < n; i++) {
        if (event->row < 3) /* hours, a link's speed, a given energy */
            assert_int_equal(
                rests_on(&entries[i], &s->account.items[event->row].duration_s),
                event->row == 0);
        else
            assert_int_equal(
                rests_on(&entries[i],
                         &s->account.servings[event->row - 3].compute_s),
                event->activity.phase == CARBON_SERVE);
        for (int32_t k = 0; k < entries[i].n_uses; k++)
            assert_non_null(entries[i].uses[k].fact->source);
    }
    return FL_OK;
}

/* So uncertainty knows what a wrong number of hours would do. */
static void test_entries_rest_on_durations_that_were_given(void **state)
{
    (void)state;
    static const char *const sets[] = {
        "items.0.hours={value: 2, spread: uniform, low: 1, high: 3}",
        "serve.1.placement=edge"};
    struct scn_scenario *s = scn_load_good(good, sets, 2);
    struct fl_error err = {0};
    assert_ok(scn_account_each(&s->account, check_durations, s, &err), &err);
    const struct carbon_spread *spread = &s->account.items[0].duration_s.spread;
    assert_near(spread->high, 3 * 3600, rtol, 0);
    scn_scenario_destroy(s);
}

/* Mistakes */

static void refuse(const char *set, const char *expected)
{
    struct scn_scenario *s = NULL;
    char *problems = NULL;
    if (scn_load_text(good, &set, 1, &s, &problems) != FL_E_CONFIG)
        fail_msg("%s: found nothing wrong", set);
    if (!strstr(problems, expected))
        fail_msg("%s: found '%s', expected '%s'", set, problems, expected);
    fl_free(problems);
}

static void test_mistakes_come_with_their_place(void **state)
{
    (void)state;
    refuse("items.0.hours=off", "--set: a duration = off");
    refuse("items.0.seconds=5", "F:3:5: found hours and seconds");
    refuse("items.1.bytes=0", "F:4:5: hours or seconds is missing");
    refuse("items.1.link=~", "--set: ");
    refuse("items.0.arm=local", "--set: arm = 'local'");
    refuse("items.0.role=nobody", "--set: items.0.role = nobody, allowed");
    refuse("items.0.device=[1]", "--set: device: found a list");
    refuse("items.0.start=2022-06-01T00:00Z", "--set: start: found no carbon");
    refuse("items.0.pue=0.5", "--set: items.0.pue = 0.5, allowed");
    refuse("items.2.energy_kwh=off", "--set: energy_kwh = off");
    refuse("items.2.hours=0", "energy_kwh in no time");
    refuse("items.0.phase=wait", "F:3:5: role datacentre in phase wait");
    refuse("items.0.mode=fast", "--set: ");
    refuse("serve.0={name: p, arm: x, placement: end, requests: 1e18, "
           "seconds: 1e-300, compute_s: 1e9, zone: FR, device: pixel_xl}",
           "allowed finite numbers");
    refuse("items.0.zone=XX", "--set: items.0.zone = XX");
    refuse("serve.0.request_bytes=5", "F:7:5: request_bytes, answer_bytes: ");
    refuse("serve.0.replicas=1", "F:7:5: replicas: allowed with");
    refuse("serve.0.requests=5", "F:7:5: found rate_per_s and requests");
    refuse("serve.1.filter=none", "kept_share: allowed with filter");
    refuse("serve.1.replicas=0.001",
           "replicas = 0.001, allowed at least 0.005");
    refuse("serve.1.seconds=0", "served for 0 s");
    refuse("serve.1.trace=x.csv", "serve.1.trace = ");
}

static void test_missing_facts_are_found_before_anything_is_costed(void **state)
{
    (void)state;
    refuse("items.0={name: t, arm: x, role: datacentre, hours: 1, zone: FR, "
           "pue: off, device: box, idle_w: 1, memory_w: off, "
           "embodied_kgco2e: off}",
           "items.0: box: fact train_w is missing");
    refuse("items.0={name: t, arm: x, role: datacentre, hours: 1, zone: FR, "
           "device: box, train_w: 1, idle_w: 1, memory_w: off, "
           "embodied_kgco2e: off}",
           "fact pue is missing");
    refuse("items.0={name: t, arm: x, role: datacentre, hours: 1, zone: FR, "
           "pue: off, device: bocks}",
           "items.0.device = bocks, allowed a device:");
    refuse("items.0={name: t, arm: x, role: datacentre, hours: 1, zone: FR, "
           "pue: off, device: {name: n, parts: []}}",
           "parts: none, allowed at least one");
    refuse("items.0={name: t, arm: x, role: datacentre, hours: 1, zone: FR, "
           "pue: off, device: {name: n, parts: [{kind: gpu, busy: 2, busy_w: "
           "1, idle_w: 1}]}}",
           "2 of 1 busy");
}

/* Training scenarios may serve, too. */
static void test_a_trained_model_answers_requests(void **state)
{
    (void)state;
    static const char *const serve[] = {
        "serve=[{name: phone, arm: federated, placement: end, rate_per_s: 2, "
        "seconds: 100, compute_s: 0.1, zone: FR, device: pixel_xl}]"};
    struct scn_scenario *s = scn_load_good(scn_good, serve, 1);
    assert_false(s->account.is_whole);
    assert_int_equal(s->account.n_servings, 1);
    assert_int_equal(s->account.servings[0].arm, SCN_FEDERATED);
    scn_scenario_destroy(s);
    assert_set_problem("serve=[{name: p, arm: local, placement: end, "
                       "rate_per_s: 2, seconds: 100, compute_s: 0.1, zone: "
                       "FR, device: pixel_xl}]",
                       "arm = local, allowed federated or centralized");
}

static void test_a_fleet_may_be_made_of_parts(void **state)
{
    (void)state;
    static const char board[] =
        "fleet.0.device={name: board, parts: [{kind: cpu, n: 4, busy: 3, "
        "busy_w: 5, idle_w: 1}, {kind: other, busy_w: 2, idle_w: 2}]}";
    static const char *const parts[] = {board, "fleet.0.train_flop_per_s=1e10",
                                        "fleet.0.step_overhead_s=off",
                                        "fleet.0.embodied_kgco2e=off"};
    struct scn_scenario *s = scn_load_good(scn_good, parts, 4);
    const struct carbon_device *d = &s->fleet[0].device;
    assert_string_equal(d->name, "board");
    assert_near(d->train_w.value, 3 * 5 + 1 + 2, 0, 0); /* whole numbers */
    assert_near(d->idle_w.value, 4 + 2, 0, 0);
    char *text = scn_emit_text(s);
    struct scn_scenario *again = NULL;
    struct fl_error err = {0};
    assert_ok(
        scn_scenario_parse("again", text, strlen(text), stderr, &again, &err),
        &err);
    assert_string_equal(again->sha256, s->sha256);
    fl_free(text);
    scn_scenario_destroy(again);
    scn_scenario_destroy(s);
    assert_set_problem("fleet.0.device={name: board, parts: [{kind: nut, "
                       "busy_w: 1, idle_w: 1}]}",
                       "kind = nut, allowed cpu, gpu");
    assert_set_problem("fleet.0.device=[a]",
                       "device: found a list, allowed a name");
}

static void test_an_account_trains_nothing(void **state)
{
    (void)state;
    struct scn_scenario *s = scn_load_good(good, NULL, 0);
    struct scn_task task = {0};
    struct fl_error err = {0};
    assert_int_equal(scn_task_init(&task, s, NULL, NULL, NULL, &err),
                     FL_E_CONFIG);
    assert_non_null(strstr(err.text, "trains nothing"));
    scn_scenario_destroy(s);
}

/* Each allocation that fails is an error and no leak; or nothing is missed
 * without it: the list of names that a device of one's own is not among. */
static void test_out_of_memory_is_an_error_or_makes_no_difference(void **state)
{
    (void)state;
    struct scn_scenario *whole = scn_load_good(good, NULL, 0);
    struct fl_error err = {0};
    bool has_failed = true;
    int errors = 0;
    for (long nth = 1; has_failed; nth++) {
        struct scn_scenario *s = NULL;
        (void)fl_alloc_fail_at(nth);
        enum fl_status status =
            scn_scenario_parse("t", good, sizeof good - 1, NULL, &s, &err);
        has_failed = fl_alloc_fail_at(0) >= nth;
        errors += status == FL_E_NOMEM;
        if (status == FL_OK)
            assert_int_equal(s->account.n_servings, 2);
        else
            assert_int_equal(status, FL_E_NOMEM);
        if (status == FL_OK)
            assert_near(tally_of(s).energy_j[4], tally_of(whole).energy_j[4], 0,
                        0); /* the same bits */
        scn_scenario_destroy(s);
    }
    assert_true(errors > 8); /* those of make_room alone are eight */
    scn_scenario_destroy(whole);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_become_activities),
        cmocka_unit_test(
            test_count_is_side_by_side_and_repeat_one_after_the_other),
        cmocka_unit_test(test_a_given_energy_needs_no_device),
        cmocka_unit_test(test_servings_cost_what_their_requests_do),
        cmocka_unit_test(test_an_edge_server_stands_before_the_core_network),
        cmocka_unit_test(test_a_trace_of_requests),
        cmocka_unit_test(test_what_is_emitted_is_the_same_account),
        cmocka_unit_test(test_facts_have_names),
        cmocka_unit_test(test_entries_rest_on_durations_that_were_given),
        cmocka_unit_test(test_mistakes_come_with_their_place),
        cmocka_unit_test(
            test_missing_facts_are_found_before_anything_is_costed),
        cmocka_unit_test(test_a_trained_model_answers_requests),
        cmocka_unit_test(test_a_fleet_may_be_made_of_parts),
        cmocka_unit_test(test_an_account_trains_nothing),
        cmocka_unit_test(test_out_of_memory_is_an_error_or_makes_no_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
