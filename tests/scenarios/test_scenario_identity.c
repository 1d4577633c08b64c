/* What a scenario resolves to: the same text, hash, fleet and task again; the
 * shipped files. argv[1]: the repository's folder of scenarios. */
#include "scenario_fixture.h"

#include "base/alloc.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *shipped_dir;

/* Traces */

static const char trace[] = "datetime_utc,FR,DE,SE\n"
                            "2022-06-01T00:00Z,50,400,20\n"
                            "2022-06-01T01:00Z,60,300,21\n";

static void write_file(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(fputs(text, out) >= 0, 1);
    assert_int_equal(fclose(out), 0);
}

static void test_a_trace_is_pinned_and_a_client_needs_no_file(void **state)
{
    (void)state;
    write_file("test_trace.csv", trace);
    static const char *const sets[] = {
        "carbon.grid={kind: hourly, trace: test_trace.csv}",
        "carbon.start=2022-06-01T00:30Z"};
    struct scn_scenario *s = scn_load_good(scn_good, sets, 2);
    assert_non_null(s->grid);
    char *text = scn_emit_text(s);
    assert_non_null(strstr(text, "\n    trace: /"));
    assert_non_null(strstr(text, "\n    trace_sha256: "));
    /* on a host without the file */
    write_file("test_trace.csv", "something else\n");
    struct scn_scenario *client = NULL;
    struct fl_error err = {0};
    assert_ok(
        scn_scenario_parse("message", text, strlen(text), NULL, &client, &err),
        &err);
    assert_null(client->grid);
    assert_string_equal(client->sha256, s->sha256);
    assert_int_equal(client->start_epoch_s, s->start_epoch_s);
    assert_int_equal(scn_scenario_open_grid(client, &err), FL_E_FORMAT);
    scn_scenario_destroy(client);
    /* resumed with another file under the same name */
    char *problems = NULL;
    assert_int_equal(scn_load_text(text, NULL, 0, &client, &problems),
                     FL_E_CONFIG);
    assert_non_null(strstr(problems, "carbon.grid.trace_sha256 = "));
    fl_free(problems);
    write_file("test_trace.csv", trace);
    assert_ok(
        scn_scenario_parse("message", text, strlen(text), NULL, &client, &err),
        &err);
    assert_ok(scn_scenario_open_grid(client, &err), &err);
    assert_ok(scn_scenario_open_grid(client, &err), &err); /* once is enough */
    scn_scenario_destroy(client);
    fl_free(text);
    scn_scenario_destroy(s);
    assert_int_equal(unlink("test_trace.csv"), 0);
}

static void test_a_start_outside_the_trace_is_the_starts_problem(void **state)
{
    (void)state;
    write_file("test_trace.csv", trace);
    static const char *const late[] = {
        "carbon.grid={kind: hourly, trace: test_trace.csv}",
        "carbon.start=2023-06-01T00:30Z"};
    struct scn_scenario *s = NULL;
    char *problems = NULL;
    assert_int_equal(scn_load_text(scn_good, late, 2, &s, &problems),
                     FL_E_CONFIG);
    assert_non_null(strstr(problems, "--set: carbon.start: "));
    fl_free(problems);
    static const char *const elsewhere[] = {
        "carbon.grid={kind: hourly, trace: test_trace.csv}",
        "carbon.start=2022-06-01T00:30Z", "fleet.0.zone=PL"};
    assert_int_equal(scn_load_text(scn_good, elsewhere, 3, &s, &problems),
                     FL_E_CONFIG);
    assert_non_null(strstr(problems, "--set: fleet.0.zone: "));
    assert_null(strstr(problems, "DE'"));
    fl_free(problems);
    assert_int_equal(unlink("test_trace.csv"), 0);
}

/* Identity */

static void test_what_is_emitted_is_the_same_scenario(void **state)
{
    (void)state;
    static const char *const sets[] = {"fleet.0.train_w=12",
                                       "centralized.upload_data=true",
                                       "centralized.upload_link=lte"};
    struct scn_scenario *s = scn_load_good(scn_good, sets, 3);
    char *text = scn_emit_text(s);
    struct scn_scenario *again = NULL;
    struct fl_error err = {0};
    assert_ok(
        scn_scenario_parse("again", text, strlen(text), stderr, &again, &err),
        &err);
    assert_string_equal(again->sha256, s->sha256);
    assert_non_null(again->grid);
    assert_int_equal(again->fleet[0].device.train_w.evidence, CARBON_ASSUMED);
    assert_true(again->fleet[0].link.router_w.is_off);
    assert_string_equal(again->fleet[0].link.router_w.source,
                        s->fleet[0].link.router_w.source);
    assert_near(again->fleet[0].device.idle_w.value,
                s->fleet[0].device.idle_w.value, 0, 0); /* the same bits */
    assert_int_equal(again->fleet[0].device.idle_w.evidence,
                     s->fleet[0].device.idle_w.evidence);
    char *text_again = scn_emit_text(again);
    struct scn_scenario *third = NULL;
    assert_ok(scn_scenario_parse("third", text_again, strlen(text_again),
                                 stderr, &third, &err),
              &err);
    assert_string_equal(third->sha256, s->sha256);
    fl_free(text);
    fl_free(text_again);
    scn_scenario_destroy(s);
    scn_scenario_destroy(again);
    scn_scenario_destroy(third);
}

static void test_the_hash_is_of_values_not_of_their_writing(void **state)
{
    (void)state;
    struct scn_scenario *s = scn_load_good(scn_good, NULL, 0);
    static const char *const same[] = {
        "train.local.lr=1e-1", "train.rounds=100", "data.root=/elsewhere",
        "seed=3",
        ("data.dataset={samples_per_writer: 10, writers: 8, kind: "
         "glyphs}")};
    struct scn_scenario *t = scn_load_good(scn_good, same, 5);
    assert_string_equal(s->sha256, t->sha256);
    assert_string_equal(t->data_root, "/elsewhere");
    scn_scenario_destroy(t);
    static const char *const others[] = {
        "seed=4", "train.local.lr=0.11", "fleet.0.train_w=1.8901",
        "data.dataset.writers=9", "train.strategy=fedprox"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        t = scn_load_good(scn_good, &others[i], 1);
        assert_string_not_equal(s->sha256, t->sha256);
        scn_scenario_destroy(t);
    }
    scn_scenario_destroy(s);
}

/* Fleet */

static void test_shares_become_clients_by_largest_remainder(void **state)
{
    (void)state;
    static const char *const sets[] = {
        "fleet=[{device: pixel_xl, share: 0.5, zone: FR, link: lte}, {device: "
        "laptop, share: 0.3, zone: DE, link: lte}, {device: laptop, share: "
        "0.2, zone: SE, link: lte}]"};
    struct scn_scenario *s = scn_load_good(scn_good, sets, 1);
    static const struct {
        int64_t clients, rows[3];
    } cases[] = {{10, {5, 3, 2}}, {1, {1, 0, 0}},   {2, {1, 1, 0}},
                 {7, {4, 2, 1}},  {30, {15, 9, 6}}, {101, {51, 30, 20}}};
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        int32_t row[101];
        int64_t found[3] = {0};
        scn_fleet_assign(s, cases[c].clients, row);
        for (int64_t i = 0; i < cases[c].clients; i++)
            found[row[i]]++;
        for (int r = 0; r < 3; r++)
            assert_int_equal(found[r], cases[c].rows[r]);
    }
    int32_t first[100], second[100];
    scn_fleet_assign(s, 100, first);
    scn_fleet_assign(s, 100, second);
    assert_memory_equal(first, second, sizeof first);
    s->seed = 4;
    scn_fleet_assign(s, 100, second);
    assert_memory_not_equal(first, second, sizeof first);
    scn_scenario_destroy(s);
}

/* Task */

static enum fl_status
open_task(struct scn_scenario *s, char **ret_problems, struct fl_error *err)
{
    size_t n = 0;
    FILE *out = open_memstream(ret_problems, &n);
    assert_non_null(out);
    struct scn_task task = {0};
    enum fl_status status =
        scn_task_init(&task, s, NULL, "test_scenario_cache", out, err);
    assert_int_equal(fclose(out), 0);
    if (status == FL_OK) {
        assert_int_equal(task.partition.clients, 8);
        assert_int_equal(nn_model_classes(task.model), 10);
        assert_int_equal(nn_dataset_train(task.dataset)->n, 80);
        assert_int_equal(nn_model_n_params(task.model), 7850);
    }
    scn_task_fini(&task);
    return status;
}

static void test_a_task_is_data_model_and_partition(void **state)
{
    (void)state;
    struct scn_scenario *s = scn_load_good(scn_good, NULL, 0);
    char *problems = NULL;
    struct fl_error err = {0};
    assert_ok(open_task(s, &problems, &err), &err);
    fl_free(problems);
    assert_string_equal(scn_data_root(s, NULL), "data");
    assert_string_equal(scn_data_root(s, ""), "data");
    assert_string_equal(scn_data_root(s, "/env"), "/env");
    scn_scenario_destroy(s);
    static const char *const root[] = {"data.root=/own"};
    s = scn_load_good(scn_good, root, 1);
    assert_string_equal(scn_data_root(s, "/env"), "/own");
    scn_scenario_destroy(s);
}

static void test_problems_of_model_and_counts_come_together(void **state)
{
    (void)state;
    static const char *const sets[] = {
        "data.clients=0", "train.clients_per_round=20",
        "model=[{kind: conv2d, kernal: 3}, flatten]"};
    struct scn_scenario *s = scn_load_good(scn_good, sets, 3);
    char *problems = NULL;
    struct fl_error err = {0};
    assert_int_equal(open_task(s, &problems, &err), FL_E_CONFIG);
    assert_non_null(strstr(problems, "--set: train.clients_per_round = 20, "
                                     "allowed at most 8: the clients of the "
                                     "partition\n"));
    assert_non_null(strstr(problems, "did you mean 'kernel'?"));
    assert_non_null(strstr(err.text, "kernel"));
    fl_free(problems);
    scn_scenario_destroy(s);
}

static void test_a_missing_data_set_is_an_io_error(void **state)
{
    (void)state;
    static const char *const sets[] = {"data={dataset: mnist, clients: 8, "
                                       "root: /nonexistent}"};
    struct scn_scenario *s = scn_load_good(scn_good, sets, 1);
    char *problems = NULL;
    struct fl_error err = {0};
    assert_int_equal(open_task(s, &problems, &err), FL_E_IO);
    assert_non_null(strstr(err.text, "/nonexistent"));
    fl_free(problems);
    scn_scenario_destroy(s);
}

/* Shipped files */

static void test_shipped_scenarios_are_right(void **state)
{
    (void)state;
    static const char *const names[] = {"quickstart",        "fashion-mnist",
                                        "mnist-writers",     "flute-lr-mnist",
                                        "shakespeare-roles", "sweep-clients"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[1024];
        assert_true(snprintf(path, sizeof path, "%s/%s.yaml", shipped_dir,
                             names[i]) < (int)sizeof path);
        struct scn_scenario *s = NULL;
        struct fl_error err = {0};
        assert_ok(scn_scenario_create(path, NULL, 0, stderr, &s, &err), &err);
        assert_string_equal(s->name, names[i]);
        scn_scenario_destroy(s);
    }
}

/* Faults */

static enum fl_status whole_life(struct fl_error *err)
{
    struct scn_scenario *s = NULL;
    FL_TRY(scn_scenario_parse("t", scn_good, strlen(scn_good), NULL, &s, err));
    scn_scenario_destroy(s);
    return FL_OK;
}

static void test_every_failed_allocation_is_reported(void **state)
{
    (void)state;
    struct fl_error err = {0};
    (void)fl_alloc_fail_at(0);
    assert_ok(whole_life(&err), &err);
    long n = fl_alloc_fail_at(0);
    assert_true(n >= 5);
    for (long i = 1; i <= n; i++) {
        (void)fl_alloc_fail_at(i);
        enum fl_status status = whole_life(&err);
        (void)fl_alloc_fail_at(0);
        if (status != FL_E_NOMEM)
            fail_msg("allocation %ld of %ld: found %s: %s", i, n,
                     fl_status_name(status), err.text);
    }
}

int main(int argc, char **argv)
{
    shipped_dir = argc > 1 ? argv[1] : "scenarios";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_trace_is_pinned_and_a_client_needs_no_file),
        cmocka_unit_test(test_a_start_outside_the_trace_is_the_starts_problem),
        cmocka_unit_test(test_what_is_emitted_is_the_same_scenario),
        cmocka_unit_test(test_the_hash_is_of_values_not_of_their_writing),
        cmocka_unit_test(test_shares_become_clients_by_largest_remainder),
        cmocka_unit_test(test_a_task_is_data_model_and_partition),
        cmocka_unit_test(test_problems_of_model_and_counts_come_together),
        cmocka_unit_test(test_a_missing_data_set_is_an_io_error),
        cmocka_unit_test(test_shipped_scenarios_are_right),
        cmocka_unit_test(test_every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
