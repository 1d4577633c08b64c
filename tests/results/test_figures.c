/* Charts of runs whose sums are known, and what is written for gnuplot. */
#include "synthetic.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/units.h"
#include "results/figures.h"
#include "results/figures/chart_parts.h"
#include "results/figures/figure_priv.h"
#include "support/assert_near.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Numbers go through a few additions in another order: a few ulps. */
#define RTOL 1e-12

struct fixture {
    char *folder;
    char *dirs[4];
    size_t n;
};

static int set_up(void **state)
{
    struct fixture *f = fl_calloc(1, sizeof *f);
    f->folder = syn_folder();
    f->dirs[f->n++] = syn_run(f->folder, "run-a", true);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < f->n; i++)
        fl_free(f->dirs[i]);
    syn_remove(f->folder);
    fl_free(f);
    return 0;
}

/* One more run, with texts that tell it from the first. */
static void add_run(struct fixture *f,
                    const char *name,
                    const char *scenario,
                    const char *seed,
                    int clients)
{
    char sql[1024];
    char *dir = syn_run(f->folder, name, true);
    (void)snprintf(sql, sizeof sql,
                   "UPDATE meta SET value = '%s' WHERE key = 'scenario';"
                   "UPDATE meta SET value = '%s' WHERE key = 'seed';"
                   "UPDATE meta SET value = '%d' WHERE key = 'clients';"
                   "UPDATE outcome SET reached = 1",
                   scenario, seed, clients);
    syn_tamper(dir, sql);
    f->dirs[f->n++] = dir;
}

static void read_gallery(const struct fixture *f, struct res_gallery *ret)
{
    struct fl_error err = {0};
    struct res_problems problems = {.out = NULL};
    assert_ok(res_gallery_read((const char *const *)f->dirs, f->n, &problems,
                               ret, &err),
              &err);
}

static void
make(const struct fixture *f, const char *name, struct res_chart *ret)
{
    struct fl_error err = {0};
    struct res_gallery gallery;
    read_gallery(f, &gallery);
    assert_ok(res_chart_make(res_chart_type_find(name), &gallery, ret, &err),
              &err);
    res_gallery_fini(&gallery);
}

static const struct res_series *find_series(const struct res_chart *chart,
                                            const char *name)
{
    for (size_t i = 0; i < chart->n; i++)
        if (strcmp(chart->series[i].name, name) == 0)
            return &chart->series[i];
    fail_msg("%s has no series '%s'", chart->name, name);
    return NULL;
}

/* How many grams, joules or seconds one of the axis' unit is. */
static double scale_of(const char *unit)
{
    static const struct res_unit units[] = {
        {"mgCO2e", 1e-3}, {"gCO2e", 1},   {"kgCO2e", 1e3}, {"mWh", 3.6},
        {"Wh", 3.6e3},    {"kWh", 3.6e6}, {"ms", 1e-3},    {"s", 1},
        {"min", 60},      {"h", 3600},
    };
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(units[i].name, unit) == 0)
            return units[i].scale;
    fail_msg("unknown unit %s", unit);
    return 0;
}

static void test_accuracy_stands_over_the_carbon_until_its_round(void **state)
{
    struct fixture *f = *state;
    struct res_chart chart;
    make(f, "accuracy_carbon", &chart);
    double scale = scale_of(chart.x.unit);
    /* Round 1 was not evaluated. */
    const struct res_series *federated = find_series(&chart, "federated");
    assert_int_equal(federated->n, 1);
    double gco2e =
        syn_sql(f->dirs[0], "SELECT cumulative_gco2e FROM round_cumulative "
                            "WHERE arm = 'federated' AND round = 2");
    assert_near(federated->dots[0].x * scale, gco2e, RTOL, 0);
    /* By hand: two rounds of 10 kJ at 50 and 6 kJ at 250 gCO2e/kWh. */
    assert_near(gco2e, 2 * (10e3 * 50 + 6e3 * 250) / FL_J_PER_KWH, RTOL, 0);
    assert_near(federated->dots[0].y, 86, RTOL, 0);
    /* Two of four clients were tried: the four are twice as much. */
    const struct res_series *local = find_series(&chart, "local (all 4)");
    assert_int_equal(local->n, 1);
    assert_near(local->dots[0].x * scale, 2 * 108e3 * 50 / FL_J_PER_KWH, RTOL,
                0);
    assert_near(local->dots[0].y, 45, RTOL, 0);
    /* The federated arm is better than the others, and cheaper. */
    const struct res_series *front = find_series(&chart, "Pareto front");
    assert_int_equal(front->n, 1);
    assert_true(front->is_emphasis);
    assert_string_equal(front->dots[0].label, "federated, round 2");
    res_chart_fini(&chart);
}

static void test_accuracy_stands_over_simulated_time(void **state)
{
    struct fixture *f = *state;
    struct res_chart chart;
    make(f, "accuracy_time", &chart);
    double scale = scale_of(chart.x.unit);
    assert_near(find_series(&chart, "federated")->dots[0].x * scale, 200, RTOL,
                0);
    assert_near(find_series(&chart, "centralized")->dots[0].x * scale, 5400,
                RTOL, 0);
    /* The mean client: 3600 s and 7200 s. */
    assert_near(find_series(&chart, "local (mean)")->dots[0].x * scale, 5400,
                RTOL, 0);
    res_chart_fini(&chart);
}

static void test_bars_are_the_components_of_the_ledger(void **state)
{
    struct fixture *f = *state;
    struct res_chart chart;
    make(f, "energy_components", &chart);
    double scale = scale_of(chart.y.unit);
    static const char *const arms[] = {"centralized", "federated", "local"};
    static const char *const groups[] = {"client", "network", "server",
                                         "overhead"};
    assert_int_equal(chart.x.n_categories, 3);
    for (size_t g = 0; g < 4; g++) {
        const struct res_series *series = find_series(&chart, groups[g]);
        assert_int_equal(series->kind, RES_SERIES_STACK);
        assert_int_equal(series->n, 3);
        for (size_t a = 0; a < 3; a++) {
            char sql[512];
            (void)snprintf(sql, sizeof sql,
                           "SELECT total(energy_j) FROM ledger_named WHERE "
                           "arm = '%s' AND term_group = '%s'",
                           arms[a], groups[g]);
            double all = a == 2 ? 2 : 1; /* of two clients, for four */
            assert_near(series->dots[a].x, (double)a, 0, 0);
            assert_near(series->dots[a].y * scale,
                        all * syn_sql(f->dirs[0], sql), RTOL, 0);
        }
    }
    /* Server and overhead of 100 and 50 Wh. */
    assert_string_equal(find_series(&chart, "overhead")->dots[0].label, "150");
    res_chart_fini(&chart);
}

static void test_carbon_over_time_ends_in_the_total(void **state)
{
    struct fixture *f = *state;
    struct res_chart chart;
    make(f, "carbon_time", &chart);
    double scale = scale_of(chart.y.unit), time = scale_of(chart.x.unit);
    static const char *const names[] = {"centralized", "federated",
                                        "local (all 4)"};
    static const char *const arms[] = {"centralized", "federated", "local"};
    for (size_t a = 0; a < 3; a++) {
        char sql[256];
        (void)snprintf(sql, sizeof sql,
                       "SELECT emitted_gco2e FROM arm_total WHERE arm = '%s'",
                       arms[a]);
        const struct res_series *series = find_series(&chart, names[a]);
        const struct res_dot *last = &series->dots[series->n - 1];
        /* 240 bins are added up: 240 roundings. */
        assert_near(last->y * scale,
                    (a == 2 ? 2 : 1) * syn_sql(f->dirs[0], sql), 240 * 1e-15,
                    0);
        assert_near(last->x * time, 7200, RTOL, 0); /* of the longest arm */
        for (size_t i = 1; i < series->n; i++)
            assert_true(series->dots[i].y >= series->dots[i - 1].y);
    }
    /* Centralized draws evenly for 5400 s: a third of the way, a third. */
    const struct res_series *even = find_series(&chart, "centralized");
    assert_near(even->dots[80].x * time, 1800, RTOL, 0);
    assert_near(even->dots[80].y / even->dots[240].y, 1.0 / 3, 240 * 1e-15, 0);
    res_chart_fini(&chart);
}

static void test_intensity_is_what_a_kwh_emitted(void **state)
{
    struct fixture *f = *state;
    struct res_chart chart;
    make(f, "carbon_time", &chart);
    assert_string_equal(chart.second_y.unit, "gCO2e/kWh");
    static const char *const zones[] = {"grid FR", "grid US-CAL-CISO"};
    static const double intensity[] = {50, 250};
    for (size_t z = 0; z < 2; z++) {
        const struct res_series *series = find_series(&chart, zones[z]);
        assert_true(series->is_second_y);
        /* A value that does not change: its begin and its end. */
        assert_int_equal(series->n, 2);
        assert_near(series->dots[0].y, intensity[z], RTOL, 0);
        assert_near(series->dots[1].y, intensity[z], RTOL, 0);
    }
    res_chart_fini(&chart);
}

static void test_bins_hold_what_rows_hold_in_their_time(void **state)
{
    struct fixture *f = *state;
    struct res_gallery gallery;
    read_gallery(f, &gallery);
    /* By arm: centralized, federated, local. Rows of 100 s from 100 s and from
     * 200 s on: 16 kJ each. */
    const struct res_course *federated = &gallery.courses[0][1];
    assert_near(federated->t0_s, 100, 0, 0);
    assert_int_equal(federated->n_bins, RES_GALLERY_BINS);
    double first_j = 0, all_j = 0;
    for (size_t b = 0; b < federated->n_bins; b++) {
        all_j += res_course_bin(federated, b).energy_j;
        if (b < federated->n_bins / 2)
            first_j += res_course_bin(federated, b).energy_j;
    }
    assert_near(first_j, 16e3, 240 * 1e-15, 0);
    assert_near(all_j, 32e3, 240 * 1e-15, 0);
    assert_int_equal(federated->n_zones, 2);
    /* Of the local arm, the first hour has both clients at 10 W. */
    const struct res_course *local = &gallery.courses[0][2];
    assert_near(local->scale, 2, 0, 0);
    assert_near(res_course_bin(local, 0).energy_j / local->bin_s, 20, 1e-9, 0);
    assert_near(res_course_bin(local, 200).energy_j / local->bin_s, 10, 1e-9,
                0);
    res_gallery_fini(&gallery);
}

static void test_spans_are_the_tables_intervals(void **state)
{
    struct fixture *f = *state;
    struct res_gallery gallery;
    struct res_chart chart;
    read_gallery(f, &gallery);
    make(f, "intervals", &chart);
    double scale = scale_of(chart.y.unit);
    for (size_t i = 0; i < gallery.runs[0].n_rows; i++) {
        const struct res_row *row = &gallery.runs[0].rows[i];
        double all = row->is_per_client ? 4 : 1;
        const struct res_dot *dot = &find_series(&chart, row->arm)->dots[0];
        assert_near(dot->x, (double)i, 0, 0);
        assert_near(dot->y * scale, row->all_clients_gco2e, RTOL, 0);
        assert_near(dot->low * scale, row->gco2e_p5 * all, RTOL, 0);
        assert_near(dot->high * scale, row->gco2e_p95 * all, RTOL, 0);
        assert_true(dot->low <= dot->y && dot->y <= dot->high);
    }
    res_chart_fini(&chart);
    res_gallery_fini(&gallery);
}

/* The three runs' ratios are one number; 1.5 times it by a tampered ledger sum
 * gives a mean and an error that are known. */
static void test_ratios_are_means_over_seeds_by_clients(void **state)
{
    struct fixture *f = *state;
    syn_tamper(f->dirs[0],
               "UPDATE meta SET value = 'data:\n  clients: 4\n  dataset: a\n' "
               "WHERE key = 'scenario'; UPDATE outcome SET reached = 1");
    add_run(f, "run-b", "data:\n  clients: 40\n  dataset: a\n", "1", 40);
    add_run(f, "run-c", "data:\n  clients: 40\n  dataset: a\n", "2", 40);
    syn_tamper(f->dirs[2], "UPDATE ledger_sum SET emitted_gco2e = 1.5 * "
                           "emitted_gco2e WHERE arm = 0");
    double x = syn_sql(f->dirs[0],
                       "SELECT f.emitted_gco2e / c.emitted_gco2e FROM arm_total"
                       " f, arm_total c WHERE f.arm = 'federated' AND c.arm ="
                       " 'centralized'");
    struct res_chart chart;
    make(f, "ratio_clients", &chart);
    const struct res_series *series =
        find_series(&chart, "fashion_mnist, dirichlet 0.5");
    assert_int_equal(series->n, 2);
    assert_near(series->dots[0].x, 4, 0, 0);
    assert_near(series->dots[0].y, x, RTOL, 0);
    assert_true(isnan(series->dots[0].low)); /* one seed */
    assert_near(series->dots[1].x, 40, 0, 0);
    assert_near(series->dots[1].y, 1.25 * x, RTOL, 0);
    /* x and 1.5 x: deviation sqrt(2) / 4 x, over sqrt(2). */
    assert_near(series->dots[1].high - series->dots[1].y, 0.25 * x, 1e-10, 0);
    assert_near(series->dots[1].y - series->dots[1].low, 0.25 * x, 1e-10, 0);
    res_chart_fini(&chart);
}

static void test_arms_that_missed_their_target_have_no_ratio(void **state)
{
    struct fixture *f = *state;
    struct fl_error err = {0};
    struct res_gallery gallery;
    struct res_chart chart;
    read_gallery(f, &gallery);
    const struct res_chart_type *type = res_chart_type_find("ratio_clients");
    assert_int_equal(res_chart_make(type, &gallery, &chart, &err), FL_E_STATE);
    assert_non_null(strstr(err.text, "reached their target"));
    res_gallery_fini(&gallery);
    syn_tamper(f->dirs[0], "UPDATE outcome SET reached = 1");
    read_gallery(f, &gallery);
    assert_int_equal(res_chart_make(type, &gallery, &chart, &err), FL_E_STATE);
    assert_string_equal(err.text, "no two client counts among these runs");
    res_gallery_fini(&gallery);
}

static void test_runs_are_called_by_what_varies(void **state)
{
    struct fixture *f = *state;
    struct res_gallery gallery;
    struct res_text label = {0};
    syn_tamper(f->dirs[0],
               "UPDATE meta SET value = 'seed: 1\ndata:\n  clients: 4\n"
               "  partition: iid\ntrain:\n  goal: 0.5\n' WHERE key = "
               "'scenario'");
    add_run(f, "run-b",
            "seed: 2\ndata:\n  clients: 40\n  partition: iid\ntrain:\n"
            "  goal: 0.7\n",
            "2", 40);
    read_gallery(f, &gallery);
    assert_true(gallery.has_common_carbon);
    res_gallery_fini(&gallery);
    add_run(f, "run-c",
            "seed: 2\ndata:\n  clients: 40\n  partition: {kind: dirichlet, "
            "alpha: 0.1}\ntrain:\n  goal: 0.7\ncarbon:\n  start: a\n",
            "2", 40);
    read_gallery(f, &gallery);
    /* goal goes with the clients, carbon with the partition: they name nothing
     * more, but the grid is another. */
    assert_false(gallery.has_common_carbon);
    assert_int_equal(gallery.n_keys, 2);
    assert_string_equal(gallery.keys[0], "data.clients");
    assert_string_equal(gallery.keys[1], "data.partition");
    res_gallery_put_label(&gallery, 2, true, &label);
    assert_string_equal(res_text_get(&label),
                        "clients 40, dirichlet alpha=0.1");
    res_text_fini(&label);
    res_gallery_fini(&gallery);
}

static void test_the_front_is_what_nothing_beats(void **state)
{
    (void)state;
    struct res_point points[] = {
        {.x = 5, .y = 50},        /* beaten by (2, 60) */
        {.x = 1, .y = 10},        /* the cheapest */
        {.x = 2, .y = 60},        /* */
        {.x = 2, .y = 55},        /* as dear, and worse */
        {.x = 3, .y = 60},        /* dearer, and no better */
        {.x = 9, .y = 90},        /* the best */
        {.x = 9, .y = 90},        /* again */
        {.x = 20, .y = 89.99999}, /* dearer than the best */
    };
    size_t n = res_pareto_front(points, sizeof points / sizeof points[0]);
    assert_int_equal(n, 3);
    static const double wanted[][2] = {{1, 10}, {2, 60}, {9, 90}};
    for (size_t i = 0; i < n; i++) {
        assert_near(points[i].x, wanted[i][0], 0, 0);
        assert_near(points[i].y, wanted[i][1], 0, 0);
    }
    assert_int_equal(res_pareto_front(points, 0), 0);
}

static void test_json_has_the_shape_that_pages_read(void **state)
{
    (void)state;
    struct fl_error err = {0};
    struct res_chart chart = {.name = "n"};
    struct res_series *series = NULL;
    assert_ok(res_chart_set_text(&chart.title, "T", &err), &err);
    assert_ok(res_chart_set_text(&chart.caption, "C", &err), &err);
    assert_ok(res_axis_set(&chart.x, "", "", &err), &err);
    assert_ok(res_axis_add_category(&chart.x, "a", &err), &err);
    assert_ok(res_axis_set(&chart.y, "carbon", "gCO2e", &err), &err);
    assert_ok(res_chart_add_stack(&chart, "p", &err), &err);
    assert_ok(
        res_chart_add_series(&chart, "s", RES_SERIES_SPAN, 2, &series, &err),
        &err);
    const double none = (double)NAN;
    const struct res_dot dots[] = {{0, 1, none, none, NULL},
                                   {0, 2, 1.5, 3, NULL},
                                   {0, 3, none, none, "x"},
                                   {none, none, none, none, NULL}};
    for (size_t i = 0; i < 4; i++)
        assert_ok(res_series_add(series, &dots[i], &err), &err);
    json_t *json = NULL;
    assert_ok(res_chart_json(&chart, &json, &err), &err);
    char text[2048] = {0};
    assert_in_range(
        json_dumpb(json, text, sizeof text - 1, JSON_COMPACT | JSON_SORT_KEYS),
        1, sizeof text - 1);
    assert_string_equal(
        text,
        "{\"caption\":\"C\",\"name\":\"n\",\"second_y\":null,\"series\":["
        "{\"colour\":2,\"dots\":[[0.0,1.0],[0.0,2.0,1.5,3.0],"
        "[0.0,3.0,null,null,\"x\"],[null,null]],\"emphasis\":false,"
        "\"faint\":false,\"kind\":\"span\",\"labels\":false,\"name\":\"s\","
        "\"second_y\":false,\"shape\":2,\"stack\":0}],\"sideways\":false,"
        "\"stacks\":[\"p\"],\"title\":\"T\",\"x\":{\"categories\":[\"a\"],"
        "\"from_zero\":false,\"label\":\"\",\"log\":false,\"unit\":\"\"},"
        "\"y\":{\"categories\":null,\"from_zero\":false,\"label\":\"carbon\","
        "\"log\":false,\"unit\":\"gCO2e\"}}");
    json_decref(json);
    res_chart_fini(&chart);
}

static void test_hostile_texts_become_plain_lines(void **state)
{
    (void)state;
    struct fl_error err = {0};
    char *text = NULL;
    assert_ok(res_chart_set_text(&text,
                                 "a\nb\tc\x1b[2J\x7f \xff\xc3( \xc2\x85"
                                 "\xc3\xa9",
                                 &err),
              &err);
    /* A broken character is a blank, a whole one stays. */
    assert_string_equal(text, "a b c [2J    (   \xc3\xa9");
    fl_free(text);
    struct res_text quoted = {0};
    res_put_quoted(&quoted, "it's `id` \"$(x)\" @m {/b} \\", 100);
    assert_string_equal(res_text_get(&quoted),
                        "'it''s `id` \"$(x)\" @m {/b} \\'");
    res_text_clear(&quoted);
    res_put_quoted(&quoted, "\xc3\xa9\xc3\xa9\xc3\xa9", 2);
    assert_string_equal(res_text_get(&quoted), "'\xc3\xa9\xc3\xa9...'");
    res_text_fini(&quoted);
}

static char *read_figure(const char *folder, const char *name)
{
    char *path = syn_path(folder, name), *text = syn_read(path, NULL);
    fl_free(path);
    return text;
}

static const struct res_figures_opts all_pictures = {
    .has_picture = {true, true, true}};

static void test_the_same_runs_give_the_same_bytes(void **state)
{
    struct fixture *f = *state;
    struct fl_error err = {0};
    static const char *const names[] = {"a", "b"};
    char *folders[2];
    for (int i = 0; i < 2; i++) {
        folders[i] = syn_path(f->folder, names[i]);
        assert_ok(res_figures_write((const char *const *)f->dirs, f->n,
                                    &all_pictures, folders[i], NULL, NULL,
                                    &err),
                  &err);
    }
    static const char *const files[] = {
        "accuracy_carbon.csv", "accuracy_carbon.gp",    "carbon_time.csv",
        "carbon_time.gp",      "energy_components.csv", "intervals.gp",
        "intervals.csv",       "energy_components.gp",
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char *a = read_figure(folders[0], files[i]);
        char *b = read_figure(folders[1], files[i]);
        assert_string_equal(a, b);
        fl_free(a);
        fl_free(b);
    }
    char *csv = read_figure(folders[0], "energy_components.csv");
    assert_non_null(strstr(csv, "# y, low, high: energy [Wh]\n"));
    assert_non_null(strstr(csv, "series,name,x,y,low,high,label\n"));
    /* Overhead of the centralized arm: 50 Wh upon 100 Wh. */
    assert_non_null(strstr(csv, "\n3,overhead,0,50,100,150,150\n"));
    fl_free(csv);
    fl_free(folders[0]);
    fl_free(folders[1]);
}

static void test_what_cannot_be_shown_is_said_and_the_rest_made(void **state)
{
    struct fixture *f = *state;
    struct fl_error err = {0};
    const char *const dirs[] = {"no-such-run", f->dirs[0]};
    char *folder = syn_path(f->folder, "figures");
    char *said_at = syn_path(f->folder, "said");
    struct res_figures_opts opts = all_pictures;
    opts.problems = fopen(said_at, "w");
    assert_int_equal(
        res_figures_write(dirs, 2, &opts, folder, NULL, NULL, &err),
        FL_E_STATE);
    assert_int_equal(err.code, FL_OK); /* said where problems go */
    (void)fclose(opts.problems);
    char *said = syn_read(said_at, NULL);
    assert_non_null(strstr(said, "no-such-run: there is no run"));
    assert_non_null(strstr(said, "ratio_clients: left out: no run has both"));
    char *script = read_figure(folder, "intervals.gp");
    assert_non_null(strstr(script, "pictures = 'svg pdf png'\n"));
    fl_free(script);
    fl_free(said);
    fl_free(said_at);
    fl_free(folder);
}

static void test_a_sweep_without_readable_points_has_no_figures(void **state)
{
    struct fixture *f = *state;
    struct fl_error err = {0};
    char *sweep = syn_path(f->folder, "sweep");
    char *points = syn_path(sweep, "points.csv");
    char *folder = syn_path(f->folder, "figures");
    const char *const dirs[] = {sweep};
    assert_ok(fl_dir_create(sweep, &err), &err);
    assert_ok(fl_file_write(points, "point,direc", 11, &err), &err);
    assert_int_equal(
        res_figures_write(dirs, 1, &all_pictures, folder, NULL, NULL, &err),
        FL_E_FORMAT);
    fl_free(folder);
    fl_free(points);
    fl_free(sweep);
}

static void test_unknown_figures_are_refused_with_the_nearest(void **state)
{
    struct fixture *f = *state;
    struct fl_error err = {0};
    const char *const only[] = {"acuracy_carbon"};
    struct res_figures_opts opts = all_pictures;
    struct stat info;
    opts.only = only;
    opts.n_only = 1;
    char *folder = syn_path(f->folder, "figures");
    assert_int_equal(res_figures_write((const char *const *)f->dirs, 1, &opts,
                                       folder, NULL, NULL, &err),
                     FL_E_CONFIG);
    assert_non_null(strstr(err.text, "'acuracy_carbon' (accuracy_carbon?)"));
    assert_int_not_equal(stat(folder, &info), 0); /* nothing was made */
    fl_free(folder);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_accuracy_stands_over_the_carbon_until_its_round),
        TEST(test_accuracy_stands_over_simulated_time),
        TEST(test_bars_are_the_components_of_the_ledger),
        TEST(test_carbon_over_time_ends_in_the_total),
        TEST(test_intensity_is_what_a_kwh_emitted),
        TEST(test_bins_hold_what_rows_hold_in_their_time),
        TEST(test_spans_are_the_tables_intervals),
        TEST(test_ratios_are_means_over_seeds_by_clients),
        TEST(test_arms_that_missed_their_target_have_no_ratio),
        TEST(test_runs_are_called_by_what_varies),
        cmocka_unit_test(test_the_front_is_what_nothing_beats),
        cmocka_unit_test(test_json_has_the_shape_that_pages_read),
        cmocka_unit_test(test_hostile_texts_become_plain_lines),
        TEST(test_the_same_runs_give_the_same_bytes),
        TEST(test_what_cannot_be_shown_is_said_and_the_rest_made),
        TEST(test_a_sweep_without_readable_points_has_no_figures),
        TEST(test_unknown_figures_are_refused_with_the_nearest),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
