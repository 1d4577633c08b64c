/* Each run for itself: its scenario, where it ran, what repeats it. What is
 * the same for all is said once. */
#include "results/page/page_priv.h"

#include "base/alloc.h"
#include "base/parse.h"

#include <assert.h>
#include <string.h>

/* Named texts of the last parts; others belong to the scenario. */
static const char *const machine_keys[] = {
    "version",      "commit",
    "build_type",   "compiler",
    "libraries",    "cpu",
    "cores",        "blas_kernel",
    "processes",    "host_os",
    "started_utc",  "ended_utc",
    "wall_s",       "coordinator_cpu_s",
    "clients_lost", "simulation_energy_j",
};
static const char *const repeat_keys[] = {
    "command", "commit", "scenario_sha256", "dataset_sha256", "seed",
};
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static bool is_same(struct res_page *page, const char *key)
{
    const char *first = res_page_meta(&page->runs[0], key);
    for (size_t i = 1; i < page->n_runs; i++)
        if (strcmp(res_page_meta(&page->runs[i], key), first) != 0)
            return false;
    return true;
}

/* {"zmq": "4.3.4"} as "zmq 4.3.4". */
static void put_object(const char *json, struct res_text *plain)
{
    const char *key, *sign = "";
    json_t *value, *object = json_loads(json, 0, NULL);
    if (!json_is_object(object))
        res_text_put(plain, json);
    json_object_foreach(object, key, value)
    {
        char *text = json_is_string(value)
                         ? NULL
                         : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        res_text_add(plain, "%s%s %s", sign, key,
                     text ? text : json_string_value(value));
        fl_free(text);
        sign = ", ";
    }
    json_decref(object);
}

static void put_value(const struct res_meta_key *key,
                      const char *value,
                      struct res_text *out)
{
    struct res_text plain = {0};
    double number;
    if (!value[0])
        res_text_put(&plain, "not recorded");
    else if (key->kind == RES_META_JSON)
        put_object(value, &plain);
    else if (key->kind == RES_META_REAL &&
             fl_parse_double(value, -1e300, 1e300, &number, NULL) == FL_OK)
        res_text_figure(&plain, number, 4);
    else
        res_text_put(&plain, value);
    res_html_text(out, res_text_get(&plain));
    out->has_failed = out->has_failed || plain.has_failed;
    res_text_fini(&plain);
}

static void put_pair(const char *name, const char *value, struct res_text *out)
{
    const struct res_meta_key *key = res_meta_find(name);
    bool is_code = strcmp(name, "command") == 0 || strstr(name, "sha256");
    assert(key);
    res_text_put(out, "<div><dt>");
    res_html_text(out, name);
    res_text_put(out, " <span class=\"who\">");
    res_html_prose(out, key->doc);
    res_text_put(out, is_code ? "</span></dt><dd><code>" : "</span></dt><dd>");
    put_value(key, value, out);
    res_text_put(out, is_code ? "</code></dd></div>\n" : "</dd></div>\n");
}

/* Those that all runs share (or a single run has), or those of one that they
 * do not share. */
static void put_pairs(struct res_page *page,
                      const struct res_page_run *run,
                      const char *const *keys,
                      size_t n_keys,
                      bool is_shared)
{
    struct res_text *out = &page->out;
    bool has_any = false;
    for (size_t i = 0; i < n_keys; i++) {
        const char *value = res_page_meta(run, keys[i]);
        if (is_same(page, keys[i]) != is_shared || (!value[0] && !is_shared))
            continue;
        res_text_put(out, has_any ? "" : "<dl class=\"pairs\">\n");
        put_pair(keys[i], value, out);
        has_any = true;
    }
    res_text_put(out, has_any ? "</dl>\n" : "");
}

static void put_hashes(const struct res_page_run *run, struct res_text *out)
{
    bool has_any = false;
    for (size_t i = 0; i < run->run.n_rows; i++) {
        const struct res_row *row = &run->run.rows[i];
        if (!row->model_sha256[0])
            continue;
        res_text_put(out, has_any ? "" : "<dl class=\"pairs\">\n");
        res_text_put(out, "<div><dt>model_sha256 <span class=\"who\">");
        res_html_text(out, row->arm);
        res_text_put(out, "</span></dt><dd><code>");
        res_html_text(out, row->model_sha256);
        res_text_put(out, "</code></dd></div>\n");
        has_any = true;
    }
    res_text_put(out, has_any ? "</dl>\n" : "");
}

static void put_scenario(const struct res_page_run *run, struct res_text *out)
{
    const char *text = res_page_meta(run, "scenario");
    if (!text[0]) {
        res_text_put(out, "<p>Not recorded.</p>\n");
        return;
    }
    res_text_put(out, "<pre tabindex=\"0\">");
    res_html_text(out, text);
    res_text_put(out, "</pre>\n");
}

/* "sweep-1: mnist, cnn2, 10 clients, iid, seed 1" */
void res_page_put_summary(const struct res_page_run *run, struct res_text *out)
{
    struct res_text title = {0};
    res_put_title(&run->run, &title);
    if (run->run.seed[0])
        res_text_add(&title, ", seed %s", run->run.seed);
    if (!run->run.is_finished)
        res_text_put(&title, " [unfinished]");
    res_text_put(out, "<summary><code>");
    res_html_text(out, run->run.label);
    res_text_put(out, "</code> ");
    res_html_prose(out, res_text_get(&title));
    res_text_put(out, "</summary>\n");
    out->has_failed = out->has_failed || title.has_failed;
    res_text_fini(&title);
}

/* A folded piece per run, up to so many. */
static enum fl_status put_each(struct res_page *page,
                               void (*put)(struct res_page *page,
                                           const struct res_page_run *run),
                               struct fl_error *err)
{
    struct res_text *out = &page->out;
    size_t n =
        page->n_runs < RES_PAGE_FULL_RUNS ? page->n_runs : RES_PAGE_FULL_RUNS;
    for (size_t i = 0; i < n; i++) {
        res_text_put(out, "<details class=\"run\">");
        res_page_put_summary(&page->runs[i], out);
        put(page, &page->runs[i]);
        res_text_put(out, "</details>\n");
    }
    if (n < page->n_runs)
        res_text_add(out,
                     "<p>%zu more runs are in the table and the figures, but "
                     "not here: see scenario.yaml and manifest.json in their "
                     "folders.</p>\n",
                     page->n_runs - n);
    return res_text_check(out, err);
}

static void each_scenario(struct res_page *page, const struct res_page_run *run)
{
    put_scenario(run, &page->out);
}

enum fl_status res_page_put_scenarios(struct res_page *page,
                                      struct fl_error *err)
{
    res_text_put(&page->out,
                 "<p>Resolved: every value, and behind it where it came from. "
                 "<code>fedcarbon run scenario.yaml</code> takes it as it "
                 "is.</p>\n");
    if (page->n_runs > 1)
        return put_each(page, each_scenario, err);
    put_scenario(&page->runs[0], &page->out);
    return res_text_check(&page->out, err);
}

static void each_machine(struct res_page *page, const struct res_page_run *run)
{
    put_pairs(page, run, machine_keys, COUNT(machine_keys), false);
}

enum fl_status res_page_put_machines(struct res_page *page,
                                     struct fl_error *err)
{
    put_pairs(page, &page->runs[0], machine_keys, COUNT(machine_keys), true);
    if (page->n_runs == 1)
        return res_text_check(&page->out, err);
    res_text_put(&page->out, "<p>What differs between the runs:</p>\n");
    return put_each(page, each_machine, err);
}

static void each_repeat(struct res_page *page, const struct res_page_run *run)
{
    put_pairs(page, run, repeat_keys, COUNT(repeat_keys), false);
    put_hashes(run, &page->out);
}

enum fl_status res_page_put_repeat(struct res_page *page, struct fl_error *err)
{
    res_text_put(&page->out,
                 "<p>The same program version, scenario and data on the same "
                 "kind of CPU give the same models and ledgers, bit for bit; "
                 "the hashes tell. summary.json of a run has those of its "
                 "ledgers.</p>\n");
    put_pairs(page, &page->runs[0], repeat_keys, COUNT(repeat_keys), true);
    if (page->n_runs > 1)
        return put_each(page, each_repeat, err);
    put_hashes(&page->runs[0], &page->out);
    return res_text_check(&page->out, err);
}
