/* The report: well-formed, nothing of a run's texts gets out of its element,
 * cells are the comparison's, and what cannot be had is said on the page. */
#include "synthetic.h"

#include "base/alloc.h"
#include "base/file.h"
#include "results/figures/chart.h"
#include "results/page.h"
#include "results/page/assets.h"
#include "support/assert_near.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { MAX_DIRS = 50, MAX_DEPTH = 64 };

struct fixture {
    char *folder, *run;
    char *page, *said; /* of the last write_page */
    size_t n_bytes;
    struct fl_error err;
};

static int set_up(void **state)
{
    struct fixture *f = *state;
    f->folder = syn_folder();
    f->run = syn_run(f->folder, "run-a", true);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    fl_free(f->run);
    fl_free(f->page);
    fl_free(f->said);
    f->page = f->said = NULL;
    syn_remove(f->folder);
    return 0;
}

static enum fl_status write_page(struct fixture *f,
                                 const char *const *dirs,
                                 size_t n_dirs,
                                 struct res_page_opts opts)
{
    char *path = syn_path(f->folder, "page.html");
    char *said_path = syn_path(f->folder, "said");
    FILE *said = fopen(said_path, "w");
    assert_non_null(said);
    opts.compare.problems = said;
    opts.version = "1.2.3 (abc)";
    (void)remove(path);
    enum fl_status status =
        res_page_write(dirs, n_dirs, &opts, path, &f->n_bytes, &f->err);
    assert_int_equal(fclose(said), 0);
    fl_free(f->page);
    fl_free(f->said);
    f->page = f->n_bytes > 0 ? syn_read(path, NULL) : NULL;
    f->said = syn_read(said_path, NULL);
    fl_free(path);
    fl_free(said_path);
    return status;
}

/* The page of the one run, which has to succeed. */
static const char *page_of(struct fixture *f)
{
    const char *const dirs[] = {f->run};
    assert_ok(write_page(f, dirs, 1, (struct res_page_opts){.title = NULL}),
              &f->err);
    assert_non_null(f->page);
    return f->page;
}

static void assert_has(const char *page, const char *what)
{
    if (!strstr(page, what))
        fail_msg("the page has no '%s'", what);
}

static size_t count(const char *page, const char *what)
{
    size_t n = 0;
    for (const char *at = page; (at = strstr(at, what)); at += strlen(what))
        n++;
    return n;
}

/* Well-formedness. */

static bool is_one_of(const char *name, size_t n, const char *const *all)
{
    for (; *all; all++)
        if (strlen(*all) == n && strncmp(*all, name, n) == 0)
            return true;
    return false;
}

/* The '>' of the tag that begins at `at`: none within quotes. */
static const char *end_of_tag(const char *at)
{
    bool is_quoted = false;
    for (; *at && (is_quoted || *at != '>'); at++) {
        is_quoted = is_quoted != (*at == '"');
        if (is_quoted && *at == '<')
            fail_msg("'<' in an attribute: %.60s", at);
    }
    assert_int_equal(*at, '>');
    return at;
}

/* Every element that is opened is closed, in order. */
static void assert_is_well_formed(const char *page)
{
    static const char *const empty[] = {"meta", "link", "!DOCTYPE", NULL};
    static const char *const raw[] = {"script", "style", NULL};
    const char *names[MAX_DEPTH];
    size_t lengths[MAX_DEPTH], depth = 0;
    for (const char *at = strchr(page, '<'); at; at = strchr(at, '<')) {
        bool is_end = *++at == '/';
        at += is_end;
        size_t n = strcspn(at, " >\n");
        const char *end = end_of_tag(at);
        if (is_end) {
            assert_true(depth > 0);
            depth--;
            if (lengths[depth] != n || strncmp(names[depth], at, n) != 0)
                fail_msg("</%.*s> closes <%.*s>", (int)n, at,
                         (int)lengths[depth], names[depth]);
        } else if (!is_one_of(at, n, empty)) {
            assert_true(depth < MAX_DEPTH);
            names[depth] = at;
            lengths[depth++] = n;
            if (is_one_of(at, n, raw)) {
                at = strstr(end, n == 6 ? "</script" : "</style");
                assert_non_null(at);
                continue;
            }
        }
        at = end;
    }
    assert_int_equal(depth, 0);
}

/* Whether the page has one element of the id that is written behind `at`. */
static void assert_is_one_id(const char *page, const char *at)
{
    char wanted[160];
    size_t n = strcspn(at, "\" ");
    (void)snprintf(wanted, sizeof wanted, " id=\"%.*s\"", (int)n, at);
    if (count(page, wanted) != 1)
        fail_msg("%zu elements have%s", count(page, wanted), wanted);
}

static void assert_ids_are_there(const char *page)
{
    static const char *const refs[] = {"href=\"#", "aria-labelledby=\"",
                                       "aria-describedby=\"", " id=\""};
    for (size_t i = 0; i < sizeof refs / sizeof refs[0]; i++)
        for (const char *at = page; (at = strstr(at, refs[i]));)
            assert_is_one_id(page, at += strlen(refs[i]));
}

/* Scripts end at the first "</script", and hold markup as text. */
static char *without_scripts(const char *page)
{
    char *copy = fl_strdup(page);
    assert_non_null(copy);
    for (char *at = copy; (at = strstr(at, "<script"));) {
        char *end = strstr(at, "</script");
        assert_non_null(end);
        memset(at, ' ', (size_t)(end - at));
        at = end;
    }
    return copy;
}

static void test_a_page_is_well_formed(void **state)
{
    struct fixture *f = *state;
    const char *page = page_of(f);
    assert_is_well_formed(page);
    char *plain = without_scripts(page);
    assert_ids_are_there(plain);
    fl_free(plain);
    assert_has(page, "<html lang=\"en\">");
    assert_has(page, "default-src 'none'");
    assert_int_equal(count(page, "<h1"), 1);
    assert_string_equal(f->said, "");
}

static void test_the_page_says_everything_in_its_order(void **state)
{
    static const char *const parts[] = {
        "id=\"question\"", "id=\"answer\"",  "id=\"comparison\"",
        "id=\"figures\"",  "id=\"assumed\"", "id=\"scenario\"",
        "id=\"machine\"",  "id=\"repeat\"",
    };
    struct fixture *f = *state;
    const char *at = page_of(f);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const char *next = strstr(at, parts[i]);
        if (!next)
            fail_msg("no %s behind the part before it", parts[i]);
        at = next;
    }
    assert_has(f->page, "fashion_mnist");
    assert_has(f->page, "dirichlet 0.5");
    assert_has(f->page, "name: fmnist_dirichlet\n");
    assert_has(f->page, "--set a.b=&#39;x|y&#39;");
    assert_has(f->page, "sqlite 3");
    assert_has(f->page, "uniform 100 to 200"); /* uJ/byte */
    assert_has(f->page, "Chart.js Contributors");
    assert_has(f->page, "1.2.3 (abc)");
}

static void test_the_same_runs_give_the_same_bytes(void **state)
{
    struct fixture *f = *state;
    char *first = fl_strdup(page_of(f));
    assert_string_equal(first, page_of(f));
    fl_free(first);
}

/* Figures. */

/* The next value of an attribute, and where it ends. */
static const char *next_value(const char *at, char *ret, size_t size)
{
    static const char head[] = "data-v=\"";
    at = strstr(at, head);
    assert_non_null(at);
    at += sizeof head - 1;
    size_t n = strcspn(at, "\"");
    assert_true(n < size);
    memcpy(ret, at, n);
    ret[n] = '\0';
    return at + n;
}

/* No field of these has a comma. */
static char *csv_of(struct fixture *f)
{
    static const char *const columns[] = {
        "arm",
        "reached",
        "accuracy",
        "rounds",
        "sim_time_s",
        "bytes",
        "energy_kwh",
        "client_kwh",
        "network_kwh",
        "server_kwh",
        "overhead_kwh",
        "emitted_gco2e",
        "emitted_p5_gco2e",
        "idle_gco2e",
        "embodied_gco2e",
        "x_baseline",
        "assumed_ratio",
    };
    const struct res_compare_opts opts = {
        .columns = columns, .n_columns = sizeof columns / sizeof columns[0]};
    char *path = syn_path(f->folder, "table.csv");
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    const char *const dirs[] = {f->run};
    assert_ok(res_compare_with(dirs, 1, &opts, RES_CSV, out, &f->err), &f->err);
    assert_int_equal(fclose(out), 0);
    char *text = syn_read(path, NULL);
    fl_free(path);
    return text;
}

static void test_cells_hold_what_the_comparison_holds(void **state)
{
    struct fixture *f = *state;
    const char *at = strstr(page_of(f), "id=\"comparison-table\"");
    assert_non_null(at);
    char *csv = csv_of(f), value[128];
    size_t n = 0;
    char *rest = strchr(csv, '\n') + 1;
    while (*rest) {
        size_t length = strcspn(rest, ",\n");
        bool is_end = rest[length] == '\0';
        rest[length] = '\0';
        at = next_value(at, value, sizeof value);
        assert_string_equal(value, rest);
        rest += length + !is_end;
        n++;
    }
    assert_int_equal(n, 3 * 17); /* rows of arms, columns */
    fl_free(csv);
}

/* Escaping. */

/* JSON in a script: no byte of it can mean more than itself. */
static void assert_is_plain_ascii(const char *data)
{
    assert_non_null(data);
    data = strchr(data, '>') + 1;
    for (; *data != '<'; data++)
        if ((unsigned char)*data >= 128 || strchr("<>&\n", *data))
            fail_msg("in the data: %.20s", data);
    assert_memory_equal(data, "</script>", 9);
}

static void test_texts_of_a_run_stay_text(void **state)
{
    struct fixture *f = *state;
    syn_tamper(
        f->run,
        "UPDATE meta SET value = '<img src=x onerror=alert(1)>'"
        " WHERE key IN ('scenario_name', 'dataset', 'model', 'partition',"
        "  'grid', 'command', 'seed', 'leaves_out', 'host_os', 'preset');"
        "UPDATE meta SET value = 'name: a  # "
        "</pre></script><script>alert(2)</script>'"
        " || char(0x2028) || '<!--' WHERE key = 'scenario';"
        "INSERT OR REPLACE INTO meta VALUES ('cpu', '\" onclick=\"alert(3)' || "
        "char(27));"
        "UPDATE meta SET value = '{\"<b>\": \"</dl><i>\"}'"
        " WHERE key = 'libraries';"
        "UPDATE fact SET source = '<a href=\"javascript:x\">'"
        " || char(0x2028), unit = '<u>';"
        "UPDATE zone SET name = '</script><s>' || char(0x2028) WHERE zone = 0;"
        "UPDATE arm SET name = '<svg onload=alert(4)>' WHERE arm = 0");
    const char *page = page_of(f);
    assert_is_well_formed(page);
    static const char *const none[] = {
        "<img",        "<script>alert", "<svg", "<a href=\"javascript",
        "<i>",         "<b>",           "<u>",  "<s>",
        "\" onclick=", "\x1b",          "<!--"};
    char *plain = without_scripts(page);
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        if (strstr(plain, none[i]))
            fail_msg("'%s' got out", none[i]);
    fl_free(plain);
    assert_is_plain_ascii(strstr(page, "id=\"charts\">"));
    assert_int_equal(count(page, "<script"), 4); /* three, and the data */
    assert_int_equal(count(page, "</script"), 4);
    assert_has(page, "&lt;img src=x onerror=alert(1)&gt;");
    assert_has(page, "&quot; onclick=&quot;alert(3)");
}

static void test_bytes_that_are_no_utf8_are_replaced(void **state)
{
    struct fixture *f = *state;
    syn_tamper(f->run, "UPDATE meta SET value = CAST(x'61ff62c328' AS TEXT)"
                       " WHERE key = 'dataset'");
    assert_has(page_of(f), "a\xef\xbf\xbd"
                           "b\xef\xbf\xbd(");
}

/* Nothing that is bundled can end its element or hides what it is. */
static void test_bundled_files_fit_into_a_page(void **state)
{
    (void)state;
    const struct {
        const unsigned char *bytes;
        size_t size;
    } all[] = {{res_page_css, res_page_css_size},
               {res_chart_library_js, res_chart_library_js_size},
               {res_charts_js, res_charts_js_size},
               {res_page_js, res_page_js_size}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        const char *text = (const char *)all[i].bytes;
        assert_int_equal(strlen(text), all[i].size); /* and a NUL */
        assert_null(strstr(text, "</s"));
        for (const char *at = text; *at; at++)
            assert_true((unsigned char)*at < 128);
    }
    for (int i = 0; i < RES_PALETTE_SIZE; i++)
        assert_has((const char *)res_charts_js, res_palette[i]);
}

/* Answers. */

static void test_an_answer_has_its_ratio_and_interval(void **state)
{
    struct fixture *f = *state;
    syn_tamper(f->run, "UPDATE outcome SET reached = 1;"
                       "INSERT OR REPLACE INTO meta VALUES ('intervals',"
                       " '0 0.5 2 0.25 4 0.125' || char(10) ||"
                       " '1 30 45 1 1 0' || char(10) || 'why')");
    page_of(f);
    /* By hand: 20 kJ at 50 and 12 kJ at 250 gCO2e/kWh, against 540 kJ. */
    assert_has(f->page, "To reach 0.85 test accuracy, federated learning "
                        "emitted <strong>0.0296\xc2\xa0\xc3\x97</strong>");
    assert_has(f->page, ":</span> 0.250 to 4.00) the carbon of centralized "
                        "training: 1.111 gCO\xe2\x82\x82"
                        "e (");
    assert_has(f->page, " against 37.50 gCO\xe2\x82\x82"
                        "e (");
}

/* One setting had a target and one arm alone, the other none. */
static void
test_an_answer_does_not_claim_targets_that_were_not_set(void **state)
{
    struct fixture *f = *state;
    char *other = syn_run(f->folder, "other", true);
    syn_tamper(f->run, "UPDATE arm SET target_accuracy = 0");
    syn_tamper(other, "UPDATE arm SET name = 'third' WHERE arm = 1;"
                      "UPDATE outcome SET reached = 1;"
                      "UPDATE meta SET value = 'name: other  # x' WHERE"
                      " key = 'scenario'");
    const char *const dirs[] = {f->run, other};
    (void)write_page(f, dirs, 2, (struct res_page_opts){.title = NULL});
    assert_has(f->page, "At accuracies that need not be equally good, "
                        "federated learning emitted ");
    assert_has(f->page, "; no ratio in 1 more; without a target "
                        "accuracy in 1 of them.");
    fl_free(other);
}

static void test_an_arm_that_missed_its_target_has_no_ratio(void **state)
{
    struct fixture *f = *state;
    page_of(f); /* the centralized arm stops at 0.8 */
    assert_has(f->page, "Federated learning emitted 1.111 gCO");
    assert_has(f->page, "but centralized training never reached 0.85 test "
                        "accuracy: it stopped at 0.8000");
    assert_null(strstr(f->page, "<strong>"));
    syn_tamper(f->run, "UPDATE outcome SET reached = 0");
    page_of(f);
    assert_has(f->page, "Federated learning never reached 0.85 test accuracy");
    assert_has(f->page, "and centralized training did not either");
}

static void test_a_run_without_a_baseline_says_so(void **state)
{
    struct fixture *f = *state;
    syn_tamper(f->run, "DELETE FROM ledger WHERE arm = 1;"
                       "DELETE FROM ledger_sum WHERE arm = 1;"
                       "DELETE FROM round WHERE arm = 1;"
                       "DELETE FROM outcome WHERE arm = 1;"
                       "DELETE FROM arm WHERE arm = 1");
    page_of(f);
    assert_has(f->page, "there is no baseline here to compare it with");
}

static void test_an_unfinished_run_has_no_answer_yet(void **state)
{
    struct fixture *f = *state;
    char *half = syn_run(f->folder, "half", false);
    const char *const dirs[] = {half};
    assert_ok(write_page(f, dirs, 1, (struct res_page_opts){.title = "<T>"}),
              &f->err);
    assert_has(f->page, "<h1>&lt;T&gt;</h1>");
    assert_has(f->page, "<title>&lt;T&gt; - fedcarbon report</title>");
    assert_is_well_formed(f->page);
    assert_has(f->page, "unfinished");
    fl_free(half);
}

/* Problems. */

static void test_what_cannot_be_had_is_said_and_the_rest_shown(void **state)
{
    struct fixture *f = *state;
    char *garbage = syn_run(f->folder, "garbage", true);
    char *other = syn_run(f->folder, "other", true);
    char *absent = syn_path(f->folder, "absent<b>");
    char *file = syn_path(garbage, "run.sqlite");
    assert_ok(fl_file_write(file, "half a file", 11, &f->err), &f->err);
    syn_tamper(other, "PRAGMA user_version = 1");
    const char *const dirs[] = {absent, garbage, f->run, other};
    static const char *const by[] = {"no.such.key"};
    const struct res_page_opts opts = {
        .compare = {.by = by, .n_by = 1, .baseline = "nobody"}};
    assert_int_not_equal(write_page(f, dirs, 4, opts), FL_OK);
    assert_non_null(f->page);
    assert_is_well_formed(f->page);
    static const char *const said[] = {"absent", "garbage", "other",
                                       "no.such.key", "nobody"};
    const char *box = strstr(f->page, "What could not be had");
    assert_non_null(box);
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        assert_has(f->said, said[i]);
        assert_has(box, said[i]);
    }
    assert_has(box, "absent&lt;b&gt;");
    assert_int_equal(count(f->said, "\n"), 5); /* each once */
    assert_has(f->page, "federated");
    fl_free(garbage);
    fl_free(other);
    fl_free(absent);
    fl_free(file);
}

static void test_nothing_is_written_where_nothing_can_be_had(void **state)
{
    struct fixture *f = *state;
    const char *const dirs[] = {"no-such-run"};
    enum fl_status status =
        write_page(f, dirs, 1, (struct res_page_opts){.title = NULL});
    assert_int_not_equal(status, FL_OK);
    assert_int_equal(f->n_bytes, 0);
    assert_has(f->said, "no-such-run");
    char *path = syn_path(f->folder, "page.html");
    assert_null(fopen(path, "r"));
    fl_free(path);
}

static void test_fifty_runs_stay_below_5_mb(void **state)
{
    struct fixture *f = *state;
    const char *dirs[MAX_DIRS];
    for (size_t i = 0; i < MAX_DIRS; i++)
        dirs[i] = f->run;
    assert_ok(
        write_page(f, dirs, MAX_DIRS, (struct res_page_opts){.title = NULL}),
        &f->err);
    assert_is_well_formed(f->page);
    assert_true(f->n_bytes < 5000000);
    assert_int_equal(count(f->page, "data-v=\"federated\""), MAX_DIRS);
}

static void test_every_allocation_may_fail(void **state)
{
    struct fixture *f = *state;
    const char *const dirs[] = {f->run};
    const struct res_page_opts opts = {.version = "1"};
    char *path = syn_path(f->folder, "page.html");
    enum fl_status status = FL_E_NOMEM;
    /* Closer at first: the later ones are much alike. */
    for (long nth = 1; status != FL_OK; nth += 1 + nth / 16) {
        (void)fl_alloc_fail_at(nth);
        status = res_page_write(dirs, 1, &opts, path, &f->n_bytes, &f->err);
        (void)fl_alloc_fail_at(0);
        if (status != FL_OK)
            assert_int_equal(status, FL_E_NOMEM);
    }
    fl_free(path);
}

int main(void)
{
    struct fixture f = {.folder = NULL};
#define TEST(name)                                                             \
    cmocka_unit_test_prestate_setup_teardown(name, set_up, tear_down, &f)
    const struct CMUnitTest tests[] = {
        TEST(test_a_page_is_well_formed),
        TEST(test_the_page_says_everything_in_its_order),
        TEST(test_the_same_runs_give_the_same_bytes),
        TEST(test_cells_hold_what_the_comparison_holds),
        TEST(test_texts_of_a_run_stay_text),
        TEST(test_bytes_that_are_no_utf8_are_replaced),
        TEST(test_bundled_files_fit_into_a_page),
        TEST(test_an_answer_has_its_ratio_and_interval),
        TEST(test_an_answer_does_not_claim_targets_that_were_not_set),
        TEST(test_an_arm_that_missed_its_target_has_no_ratio),
        TEST(test_a_run_without_a_baseline_says_so),
        TEST(test_an_unfinished_run_has_no_answer_yet),
        TEST(test_what_cannot_be_had_is_said_and_the_rest_shown),
        TEST(test_nothing_is_written_where_nothing_can_be_had),
        TEST(test_fifty_runs_stay_below_5_mb),
        TEST(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
