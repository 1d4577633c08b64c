/* The comparison table: from folders to the text of a format. */
#include "results/table/compare_priv.h"

#include "base/alloc.h"
#include "base/units.h"
#include "results/run_dirs.h"
#include "results/sci.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

const char *const res_format_names[] = {
    [RES_TEXT] = "text",   [RES_CSV] = "csv",   [RES_MD] = "md",
    [RES_LATEX] = "latex", [RES_JSON] = "json", [RES_FORMAT_LAST_] = NULL,
};
_Static_assert(sizeof res_format_names / sizeof res_format_names[0] ==
                   RES_FORMAT_LAST_ + 1,
               "every format needs a name");

typedef enum fl_status (*writer_fn)(const struct res_table *table,
                                    struct res_text *out,
                                    struct fl_error *err);

static const writer_fn writers[] = {
    [RES_TEXT] = res_table_text, [RES_CSV] = res_table_csv,
    [RES_MD] = res_table_md,     [RES_LATEX] = res_table_latex,
    [RES_JSON] = res_table_json,
};
_Static_assert(sizeof writers / sizeof writers[0] == RES_FORMAT_LAST_,
               "every format needs a writer");

enum fl_status res_problem(struct res_problems *problems,
                           enum fl_status status,
                           const char *fmt,
                           ...)
{
    char text[sizeof problems->err->text];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (problems->first == FL_OK) {
        problems->first = status;
        (void)fl_fail(problems->err, status, "%s", text);
    }
    /* Nothing goes on without memory. */
    if (!problems->out || status == FL_E_NOMEM)
        return status;
    (void)fprintf(problems->out, "%s\n", text);
    return FL_OK;
}

/* Everything on its way to a table. */
struct comparison {
    const struct res_compare_opts *opts;
    struct res_problems problems;
    struct res_run *runs; /* [n_all] the baseline's own behind the shown */
    size_t n_all, n_shown;
    const char **keys;
    size_t n_keys;
    bool has_scenarios; /* are looked at */
    enum res_sci_unit sci_unit;
};

static enum fl_status read_figures(const struct comparison *c,
                                   struct res_store *store,
                                   struct res_run *run,
                                   struct fl_error *err)
{
    char *scenario = NULL;
    FL_TRY(res_gather(store, run, err));
    if (c->has_scenarios)
        FL_TRY(res_store_get(store, "scenario", &scenario, err));
    if (scenario) {
        fl_free(run->scenario);
        run->scenario = scenario;
        res_set_seedless(run);
    }
    if (c->opts->target_accuracy > 0)
        FL_TRY(res_cut(store, run, c->opts->target_accuracy, err));
    for (size_t i = 0; i < run->n_rows; i++) {
        struct res_sci sci;
        FL_TRY(res_sci_of(store, &run->rows[i], c->sci_unit, &sci, err));
        run->rows[i].sci_gco2e = sci.sci_gco2e;
        run->rows[i].sci_unit = res_sci_units[c->sci_unit];
    }
    return FL_OK;
}

static enum fl_status read_run(const struct comparison *c,
                               const char *dir,
                               struct res_run *ret,
                               struct fl_error *err)
{
    struct res_store *store;
    struct res_run run = {.dir = NULL};
    FL_TRY(res_store_create(dir, RES_READ, &store, err));
    /* One transaction: all figures are of the same moment. */
    enum fl_status status = res_exec(store, "BEGIN", "read the run", err);
    if (status == FL_OK)
        status = read_figures(c, store, &run, err);
    res_store_destroy(store);
    if (status == FL_OK)
        *ret = run;
    else
        res_run_fini(&run);
    return status;
}

static enum fl_status
read_runs(struct comparison *c, const char *const *dirs, size_t n_dirs)
{
    for (size_t i = 0; i < n_dirs; i++) {
        struct fl_error why = {0};
        enum fl_status status = read_run(c, dirs[i], &c->runs[c->n_all], &why);
        if (status == FL_OK)
            c->n_all++;
        else
            FL_TRY(res_problem(&c->problems, status, "%s", why.text));
    }
    c->n_shown = c->n_all;
    return FL_OK;
}

/* Folders of the same name are told apart by the way to them. */
static enum fl_status make_labels_unique(struct comparison *c,
                                         struct fl_error *err)
{
    bool *is_taken = fl_calloc(c->n_shown + 1, sizeof *is_taken);
    if (!is_taken)
        return fl_fail(err, FL_E_NOMEM, "out of memory: names of runs");
    for (size_t a = 0; a < c->n_shown; a++)
        for (size_t b = a + 1; b < c->n_shown; b++)
            if (strcmp(c->runs[a].label, c->runs[b].label) == 0)
                is_taken[a] = is_taken[b] = true;
    enum fl_status status = FL_OK;
    for (size_t r = 0; r < c->n_shown && status == FL_OK; r++) {
        char *label = is_taken[r] ? fl_strdup(c->runs[r].dir) : NULL;
        if (is_taken[r] && !label)
            status = fl_fail(err, FL_E_NOMEM, "out of memory: names of runs");
        if (!label)
            continue;
        fl_free(c->runs[r].label);
        c->runs[r].label = label;
    }
    fl_free(is_taken);
    return status;
}

static bool is_arm_of_any(const struct comparison *c, const char *name)
{
    for (size_t r = 0; r < c->n_shown; r++)
        if (res_find_arm(&c->runs[r], name))
            return true;
    return false;
}

static const struct res_run *run_of(const struct comparison *c,
                                    const char *name)
{
    for (size_t r = 0; r < c->n_all; r++)
        if (strcmp(c->runs[r].dir, name) == 0 ||
            strcmp(c->runs[r].label, name) == 0)
            return &c->runs[r];
    return NULL;
}

/* An arm of the runs, one of the runs, or another run's folder. */
static enum fl_status find_base(struct comparison *c, struct res_base *ret)
{
    const char *name = c->opts->baseline;
    *ret = (struct res_base){.name = name ? name : RES_ARM_CENTRALIZED,
                             .is_asked_for = name != NULL,
                             .is_over_seeds = !c->opts->per_seed};
    if (!name || is_arm_of_any(c, name))
        return FL_OK;
    const struct res_run *run = run_of(c, name);
    struct stat info;
    if (!run && stat(name, &info) == 0) {
        struct fl_error why = {0};
        enum fl_status status = read_run(c, name, &c->runs[c->n_all], &why);
        if (status != FL_OK) {
            ret->name = NULL;
            return res_problem(&c->problems, status, "--baseline: %s",
                               why.text);
        }
        run = &c->runs[c->n_all++];
    }
    if (!run) {
        ret->name = NULL;
        return res_problem(&c->problems, FL_E_CONFIG,
                           "--baseline: '%s' is neither an arm of these runs "
                           "nor a run's folder: no ratios",
                           name);
    }
    ret->dir = run->dir;
    return FL_OK;
}

static bool has_key(const struct comparison *c, const char *key)
{
    for (size_t i = 0; i < c->n_keys; i++)
        if (strcmp(c->keys[i], key) == 0)
            return true;
    return false;
}

/* Keys, ratios and means; then runs are as the table has them. */
static enum fl_status
set_beside(struct comparison *c, struct res_base *base, struct fl_error *err)
{
    FL_TRY(make_labels_unique(c, err));
    FL_TRY(
        res_check_keys(c->runs, c->n_shown, c->keys, &c->n_keys, &c->problems));
    for (size_t r = 0; r < c->n_shown; r++)
        FL_TRY(res_read_keys(&c->runs[r], c->keys, c->n_keys, err));
    FL_TRY(find_base(c, base));
    if (c->problems.out)
        FL_TRY(res_check_targets(c->runs, c->n_shown, &c->problems));
    FL_TRY(res_set_ratios(c->runs, c->n_all, base, &c->problems));
    while (c->n_all > c->n_shown) {
        base->dir = NULL; /* goes with its run */
        res_run_fini(&c->runs[--c->n_all]);
    }
    if (c->opts->per_seed || has_key(c, "seed"))
        return FL_OK;
    FL_TRY(res_merge_seeds(c->runs, &c->n_shown, err));
    c->n_all = c->n_shown;
    return FL_OK;
}

/* Wh and g, or kWh and kg in text where those would take many digits. */
static void choose_units(struct res_table *table, enum res_format format)
{
    double most_j = 0, most_gco2e = 0;
    for (size_t r = 0; r < table->n_runs; r++) {
        const struct res_run *run = &table->runs[r];
        for (size_t a = 0; a < run->n_rows; a++) {
            if (run->rows[a].energy_j > most_j)
                most_j = run->rows[a].energy_j;
            if (run->rows[a].gco2e > most_gco2e)
                most_gco2e = run->rows[a].gco2e;
        }
    }
    bool is_text = format == RES_TEXT;
    bool has_kwh = is_text && most_j >= 10 * FL_J_PER_KWH;
    bool has_kg = is_text && most_gco2e >= 10 * FL_G_PER_KG;
    table->energy_unit = has_kwh ? "kWh" : "Wh";
    table->energy_unit_j = has_kwh ? FL_J_PER_KWH : FL_J_PER_WH;
    table->carbon_unit = has_kg ? "kgCO2e" : "gCO2e";
    table->carbon_unit_gco2e = has_kg ? FL_G_PER_KG : 1;
}

static const char *const sci_units[] = {
    [RES_SCI_RUN] = "gCO2e/run",         [RES_SCI_ROUND] = "gCO2e/round",
    [RES_SCI_CLIENT] = "gCO2e/client",   [RES_SCI_POINT] = "gCO2e/point",
    [RES_SCI_REQUEST] = "gCO2e/request",
};
_Static_assert(sizeof sci_units / sizeof sci_units[0] == RES_SCI_LAST_,
               "every unit needs a name");

static enum fl_status
print(const struct res_text *text, FILE *out, struct fl_error *err)
{
    FL_TRY(res_text_check(text, err));
    if (fwrite(res_text_get(text), 1, text->n, out) != text->n ||
        fflush(out) != 0)
        return fl_fail_errno(err, FL_E_IO, "cannot write the table");
    return FL_OK;
}

/* Where a table goes that is text. */
struct printing {
    enum res_format format;
    FILE *out;
};

static enum fl_status
print_table(const struct res_table *table, void *arg, struct fl_error *err)
{
    const struct printing *printing = arg;
    struct res_text text = {0};
    enum fl_status status = writers[printing->format](table, &text, err);
    if (status == FL_OK)
        status = print(&text, printing->out, err);
    res_text_fini(&text);
    return status;
}

static enum fl_status write_table(struct comparison *c,
                                  const struct res_base *base,
                                  enum res_format format,
                                  res_table_fn write,
                                  void *arg,
                                  struct fl_error *err)
{
    struct res_table table = {
        .runs = c->runs,
        .n_runs = c->n_shown,
        .keys = (const char *const *)c->keys,
        .n_keys = c->n_keys,
        .arm = c->opts->arm,
        .baseline = base->name ? base->name : "baseline",
    };
    table.has_labels = res_has_ambiguous_keys(&table);
    choose_units(&table, format);
    table.sci_unit = sci_units[c->sci_unit];
    enum fl_status status =
        res_choose_lines(&table, c->opts, &c->problems, err);
    if (status == FL_OK)
        status = res_choose_fields(&table, c->opts, format, &c->problems, err);
    if (status == FL_OK)
        status = write(&table, arg, err);
    fl_free(table.fields);
    fl_free(table.lines);
    return status;
}

/* Not known: said, and that is all. */
static enum fl_status choose_sci_unit(struct comparison *c)
{
    struct fl_error why = {0};
    if (!c->opts->sci_unit || res_sci_find("--sci-unit", c->opts->sci_unit,
                                           &c->sci_unit, &why) == FL_OK)
        return FL_OK;
    (void)!res_problem(&c->problems, FL_E_CONFIG, "%s", why.text);
    return FL_E_CONFIG;
}

static enum fl_status compare(struct comparison *c,
                              const char *const *dirs,
                              size_t n_dirs,
                              enum res_format format,
                              res_table_fn write,
                              void *arg,
                              struct fl_error *err)
{
    const struct res_compare_opts *opts = c->opts;
    c->runs = fl_calloc(n_dirs + 1, sizeof c->runs[0]);
    c->keys = fl_calloc(opts->n_by + 1, sizeof c->keys[0]);
    if (!c->runs || !c->keys)
        return fl_fail(err, FL_E_NOMEM, "comparison: out of memory");
    for (size_t i = 0; i < opts->n_by; i++)
        if (!has_key(c, opts->by[i]))
            c->keys[c->n_keys++] = opts->by[i];
    c->has_scenarios = n_dirs > 1 || c->n_keys > 0 || opts->baseline;
    struct res_base base = {.name = NULL};
    FL_TRY(choose_sci_unit(c));
    FL_TRY(read_runs(c, dirs, n_dirs));
    if (c->n_shown == 0)
        return c->problems.first; /* nothing to show */
    FL_TRY(set_beside(c, &base, err));
    FL_TRY(write_table(c, &base, format, write, arg, err));
    return c->problems.first;
}

enum fl_status res_compare_into(const char *const *dirs,
                                size_t n_dirs,
                                const struct res_compare_opts *opts,
                                enum res_format format,
                                res_table_fn write,
                                void *arg,
                                struct fl_error *err)
{
    assert(dirs && opts && write);
    if (n_dirs == 0 || (unsigned)format >= RES_FORMAT_LAST_)
        return fl_fail(err, FL_E_ARG,
                       "comparison: found %zu runs, format %d, allowed at "
                       "least one run, a format of res_format_names",
                       n_dirs, (int)format);
    if (!(opts->target_accuracy >= 0 && opts->target_accuracy <= 1))
        return fl_fail(err, FL_E_ARG,
                       "comparison: target accuracy %g, allowed [0, 1]",
                       opts->target_accuracy);
    struct fl_error first = {0};
    struct comparison c = {
        .opts = opts,
        .problems = {.out = opts->problems, .err = &first},
    };
    struct fl_error why = {0};
    struct res_run_dirs runs = {.names = NULL};
    enum fl_status status =
        res_run_dirs_init(&runs, dirs, n_dirs, &c.problems, &why);
    if (status == FL_OK)
        status = compare(&c, (const char *const *)runs.names, runs.n, format,
                         write, arg, &why);
    res_run_dirs_fini(&runs);
    if (status != FL_OK)
        (void)fl_fail(err, status, "%s", why.code ? why.text : first.text);
    for (size_t i = 0; i < c.n_all; i++)
        res_run_fini(&c.runs[i]);
    fl_free(c.runs);
    fl_free(c.keys);
    return status;
}

enum fl_status res_compare_with(const char *const *dirs,
                                size_t n_dirs,
                                const struct res_compare_opts *opts,
                                enum res_format format,
                                FILE *out,
                                struct fl_error *err)
{
    struct printing printing = {.format = format, .out = out};
    assert(out);
    return res_compare_into(dirs, n_dirs, opts, format, print_table, &printing,
                            err);
}

enum fl_status res_compare(const char *const *dirs,
                           size_t n_dirs,
                           enum res_format format,
                           FILE *out,
                           struct fl_error *err)
{
    const struct res_compare_opts opts = {.by = NULL};
    return res_compare_with(dirs, n_dirs, &opts, format, out, err);
}
