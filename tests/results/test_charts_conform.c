/* Every chart of charts.def, on runs that are finished, under way, hardly
 * begun, and several at once: it says why there is nothing to show, or it is
 * what drawers expect. */
#include "synthetic.h"

#include "base/alloc.h"
#include "results/figures/chart_parts.h"
#include "results/figures/figure_priv.h"
#include "support/assert_near.h"

#include <math.h>
#include <string.h>

enum { FINISHED, GOING, BEGUN, N_RUNS };

struct fixture {
    char *folder;
    char *dirs[N_RUNS];
};

static char *begun_run(const char *folder)
{
    struct fl_error err = {0};
    struct res_store *store;
    char *dir = syn_path(folder, "begun");
    assert_ok(res_store_create(dir, RES_CREATE, &store, &err), &err);
    syn_begin(store);
    assert_ok(res_store_commit(store, &err), &err);
    res_store_destroy(store);
    return dir;
}

static int set_up(void **state)
{
    struct fixture *f = fl_calloc(1, sizeof *f);
    f->folder = syn_folder();
    f->dirs[FINISHED] = syn_run(f->folder, "finished", true);
    f->dirs[GOING] = syn_run(f->folder, "going", false);
    f->dirs[BEGUN] = begun_run(f->folder);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < N_RUNS; i++)
        fl_free(f->dirs[i]);
    syn_remove(f->folder);
    fl_free(f);
    return 0;
}

static void check_axis(const struct res_chart *chart,
                       const struct res_axis *axis)
{
    if (!axis->categories)
        assert_true(axis->label && axis->label[0]);
    assert_non_null(axis->unit);
    assert_false(axis->is_log && axis->is_from_zero);
    for (size_t i = 0; i < axis->n_categories; i++)
        assert_true(axis->categories[i][0]);
    (void)chart;
}

static void check_dot(const struct res_chart *chart,
                      const struct res_series *series,
                      const struct res_dot *dot)
{
    bool is_gap = isnan(dot->x) && isnan(dot->y);
    if (is_gap) {
        assert_true(series->kind == RES_SERIES_LINE ||
                    series->kind == RES_SERIES_STEPS);
        return;
    }
    assert_true(isfinite(dot->x) && isfinite(dot->y));
    assert_true(!chart->x.is_log || dot->x > 0);
    assert_true(!chart->y.is_log || series->is_second_y || dot->y > 0);
    assert_int_equal(isnan(dot->low), isnan(dot->high));
    if (!isnan(dot->low))
        assert_true(dot->low <= dot->high);
    if (series->kind == RES_SERIES_SPAN)
        assert_true(isfinite(dot->low));
    if (chart->x.categories && !series->is_emphasis) {
        assert_near(dot->x, round(dot->x), 0, 0);
        assert_true(dot->x >= 0 && dot->x < (double)chart->x.n_categories);
    }
}

static void check_chart(const struct res_chart *chart)
{
    struct fl_error err = {0};
    size_t n_dots = 0;
    assert_true(chart->title[0] && strlen(chart->title) < 50);
    assert_true(chart->caption[0] && !strchr(chart->caption, '\n'));
    check_axis(chart, &chart->x);
    check_axis(chart, &chart->y);
    for (size_t s = 0; s < chart->n; s++) {
        const struct res_series *series = &chart->series[s];
        assert_in_range(series->colour, 0, RES_PALETTE_SIZE - 1);
        assert_in_range(series->shape, 0, RES_PALETTE_SIZE - 1);
        assert_true(series->stack == 0 ||
                    (size_t)series->stack < chart->n_stacks);
        assert_true(!series->is_second_y || chart->second_y.label);
        for (size_t i = 0; i < series->n; i++)
            check_dot(chart, series, &series->dots[i]);
        n_dots += series->n;
    }
    assert_true(n_dots > 0);
    json_t *json = NULL;
    assert_ok(res_chart_json(chart, &json, &err), &err);
    json_decref(json);
}

/* What is written for gnuplot: a block per series, quotes that close. */
static void check_figure(const struct res_chart *chart)
{
    const struct res_figures_opts opts = {.has_picture = {true}};
    struct fl_error err = {0};
    struct res_text text = {0};
    res_figure_data(chart, &text);
    assert_ok(res_text_check(&text, &err), &err);
    size_t n_blocks = 0;
    for (const char *at = res_text_get(&text); (at = strstr(at, "\n\n\n"));
         at += 3)
        n_blocks++;
    assert_int_equal(n_blocks, chart->n);
    res_text_clear(&text);
    res_figure_script(chart, &opts, &text);
    assert_ok(res_text_check(&text, &err), &err);
    for (const char *line = res_text_get(&text); *line;) {
        size_t n = strcspn(line, "\n"), n_quotes = 0;
        for (size_t i = 0; i < n; i++)
            n_quotes += line[i] == '\'';
        assert_int_equal(n_quotes % 2, 0);
        line += n + (line[n] == '\n');
    }
    res_text_fini(&text);
}

static void read_gallery(const struct fixture *f,
                         size_t first,
                         size_t n,
                         struct res_gallery *ret)
{
    struct fl_error err = {0};
    struct res_problems problems = {.out = NULL};
    assert_ok(res_gallery_read((const char *const *)f->dirs + first, n,
                               &problems, ret, &err),
              &err);
}

static void check_all(const struct fixture *f, size_t first, size_t n)
{
    struct res_gallery gallery;
    read_gallery(f, first, n, &gallery);
    for (size_t i = 0; res_chart_types[i]; i++) {
        struct fl_error err = {0};
        struct res_chart chart;
        enum fl_status status =
            res_chart_make(res_chart_types[i], &gallery, &chart, &err);
        if (status == FL_E_STATE) {
            assert_true(strlen(err.text) > 10);
            continue;
        }
        assert_ok(status, &err);
        check_chart(&chart);
        check_figure(&chart);
        res_chart_fini(&chart);
    }
    res_gallery_fini(&gallery);
}

static void test_charts_have_names_that_differ(void **state)
{
    (void)state;
    for (size_t i = 0; res_chart_types[i]; i++) {
        assert_true(res_chart_types[i]->doc[0]);
        assert_ptr_equal(res_chart_type_find(res_chart_types[i]->name),
                         res_chart_types[i]);
    }
    assert_null(res_chart_type_find("accuracy"));
}

static void test_each_chart_of_a_finished_run(void **state)
{
    check_all(*state, FINISHED, 1);
}

static void test_each_chart_of_a_run_under_way(void **state)
{
    check_all(*state, GOING, 1);
}

static void test_each_chart_of_a_run_that_hardly_began(void **state)
{
    check_all(*state, BEGUN, 1);
}

static void test_each_chart_of_all_of_them(void **state)
{
    check_all(*state, 0, N_RUNS);
}

/* Each allocation fails once: said, and nothing is left behind (sanitizers
 * look). */
static void test_each_chart_without_memory(void **state)
{
    struct fixture *f = *state;
    struct res_gallery gallery;
    read_gallery(f, 0, N_RUNS, &gallery);
    for (size_t i = 0; res_chart_types[i]; i++) {
        enum fl_status status = FL_E_NOMEM;
        for (long nth = 1; status == FL_E_NOMEM; nth++) {
            struct res_chart chart;
            (void)fl_alloc_fail_at(nth);
            status = res_chart_make(res_chart_types[i], &gallery, &chart, NULL);
            (void)fl_alloc_fail_at(0);
            if (status == FL_OK)
                res_chart_fini(&chart);
        }
        assert_true(status == FL_OK || status == FL_E_STATE);
    }
    res_gallery_fini(&gallery);
}

static void test_a_gallery_without_memory(void **state)
{
    struct fixture *f = *state;
    enum fl_status status = FL_E_NOMEM;
    for (long nth = 1; status == FL_E_NOMEM; nth++) {
        struct res_gallery gallery;
        struct res_problems problems = {.out = NULL};
        (void)fl_alloc_fail_at(nth);
        status = res_gallery_read((const char *const *)f->dirs, N_RUNS,
                                  &problems, &gallery, NULL);
        (void)fl_alloc_fail_at(0);
        if (status == FL_OK)
            res_gallery_fini(&gallery);
    }
    assert_int_equal(status, FL_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_charts_have_names_that_differ),
        cmocka_unit_test(test_each_chart_of_a_finished_run),
        cmocka_unit_test(test_each_chart_of_a_run_under_way),
        cmocka_unit_test(test_each_chart_of_a_run_that_hardly_began),
        cmocka_unit_test(test_each_chart_of_all_of_them),
        cmocka_unit_test(test_each_chart_without_memory),
        cmocka_unit_test(test_a_gallery_without_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
