#include "results/report_priv.h"

#include "base/alloc.h"
#include "base/units.h"

#include <assert.h>

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

static enum fl_status
read_run(const char *dir, struct res_run *ret, struct fl_error *err)
{
    struct res_store *store;
    FL_TRY(res_store_create(dir, RES_READ, &store, err));
    /* One transaction: all figures are of the same moment. */
    enum fl_status status = res_exec(store, "BEGIN", "read the run", err);
    if (status == FL_OK)
        status = res_gather(store, ret, err);
    res_store_destroy(store);
    return status;
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

static enum fl_status
print(const struct res_text *text, FILE *out, struct fl_error *err)
{
    if (fwrite(res_text_get(text), 1, text->n, out) != text->n ||
        fflush(out) != 0)
        return fl_fail_errno(err, FL_E_IO, "cannot write the table");
    return FL_OK;
}

enum fl_status res_compare(const char *const *dirs,
                           size_t n_dirs,
                           enum res_format format,
                           FILE *out,
                           struct fl_error *err)
{
    assert(dirs && out);
    if (n_dirs == 0 || (unsigned)format >= RES_FORMAT_LAST_)
        return fl_fail(err, FL_E_ARG,
                       "comparison: found %zu runs, format %d, allowed at "
                       "least one run, a format of res_format_names",
                       n_dirs, (int)format);
    struct res_table table = {0};
    struct res_text text = {0};
    enum fl_status status = FL_OK;
    table.runs = fl_calloc(n_dirs, sizeof table.runs[0]);
    if (!table.runs)
        status = fl_fail(err, FL_E_NOMEM, "comparison: out of memory");
    while (status == FL_OK && table.n_runs < n_dirs) {
        status = read_run(dirs[table.n_runs], &table.runs[table.n_runs], err);
        table.n_runs += status == FL_OK;
    }
    if (status == FL_OK) {
        choose_units(&table, format);
        status = writers[format](&table, &text, err);
    }
    if (status == FL_OK)
        status = res_text_check(&text, err);
    if (status == FL_OK)
        status = print(&text, out, err);
    for (size_t i = 0; i < table.n_runs; i++)
        res_run_fini(&table.runs[i]);
    fl_free(table.runs);
    res_text_fini(&text);
    return status;
}
