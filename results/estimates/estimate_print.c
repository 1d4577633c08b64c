/* The table of `fedcarbon estimators`. */
#include "results/estimates/estimate_priv.h"
#include "results/records.h"

#include <math.h>
#include <string.h>

static const struct res_shown_record shown[] = {
    {"arm", "arm", 0},
    {"method", "method", 0},
    {"energy_kwh", "kWh", 6},
    {"emitted_gco2e", "gCO2e", 6},
    {"gco2e_per_kwh", "g/kWh", 6},
    {"pue", "PUE", 4},
    {"x_ours", "x ours", 3},
    {"seen_ratio", "of our energy", 3},
    {"cost_low", "cost low", 6},
    {"cost_high", "cost high", 6},
    {"electricity_cost", "electricity", 6},
    {"intensities", "intensities, g/kWh", 0},
    {NULL, NULL, 0},
};

/* Without columns that nobody asked for: prices. */
static void choose_shown(const struct res_estimates *rows,
                         struct res_shown_record *ret,
                         const char **ret_note)
{
    bool has_cost = false, has_bill = false, has_other = false;
    for (size_t i = 0; i < rows->n; i++) {
        const struct res_estimate *row = &rows->rows[i];
        has_cost = has_cost || !isnan(row->cost_low) || !isnan(row->cost_high);
        has_bill = has_bill || !isnan(row->electricity_cost_value);
        has_other = has_other || row->is_substituted;
    }
    size_t n = 0;
    for (size_t i = 0; shown[i].column; i++) {
        bool is_cost = strncmp(shown[i].column, "cost_", 5) == 0;
        bool is_bill = strcmp(shown[i].column, "electricity_cost") == 0;
        if ((is_cost && !has_cost) || (is_bill && !has_bill))
            continue;
        ret[n++] = shown[i];
    }
    ret[n] = (struct res_shown_record){0};
    *ret_note = has_other ? "(*) not the tool's own figure: see "
                            "docs/estimators.md\n"
                          : "";
}

static bool is_same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* Rows that differ in nothing but the run and the method share a line. */
static bool has_same_gap(const struct res_estimate *a,
                         const struct res_estimate *b)
{
    return is_same(a->arm, b->arm) && is_same(a->cannot, b->cannot);
}

typedef void (*put_fn)(struct res_text *out, const char *plain);

/* Whether the line that began with row `first` has row j's method already. */
static bool is_told(const struct res_estimates *rows, size_t first, size_t j)
{
    for (size_t i = first; i < j; i++)
        if (has_same_gap(&rows->rows[i], &rows->rows[j]) &&
            is_same(rows->rows[i].method, rows->rows[j].method))
            return true;
    return false;
}

/* "no figure of a, b (local): why", at the first of them. */
static void put_gap(const struct res_estimates *rows,
                    size_t i,
                    put_fn put,
                    const char *lead,
                    struct res_text *out)
{
    const struct res_estimate *row = &rows->rows[i];
    for (size_t j = 0; j < i; j++)
        if (has_same_gap(&rows->rows[j], row))
            return;
    res_text_add(out, "%sno figure of ", lead);
    for (size_t j = i; j < rows->n; j++) {
        if (!has_same_gap(&rows->rows[j], row) || is_told(rows, i, j))
            continue;
        put(out, j > i ? ", " : "");
        put(out, rows->rows[j].method);
    }
    put(out, " (");
    put(out, row->arm);
    put(out, "): ");
    put(out, row->cannot);
    res_text_put(out, "\n");
}

/* What each method sees and ignores, once. */
static void
put_legend(const struct res_estimates *rows, bool is_md, struct res_text *out)
{
    put_fn put = is_md ? res_md_text : res_text_put;
    const char *lead = is_md ? "- " : "  ";
    for (size_t i = 0; i < rows->n; i++) {
        const struct res_estimate *row = &rows->rows[i];
        if (row->cannot[0]) {
            put_gap(rows, i, put, lead, out);
            continue;
        }
        bool is_again = false;
        for (size_t j = 0; j < i && !is_again; j++)
            is_again = is_same(rows->rows[j].method, row->method) &&
                       is_same(rows->rows[j].sees, row->sees) &&
                       is_same(rows->rows[j].ignores, row->ignores) &&
                       !rows->rows[j].cannot[0];
        if (is_again)
            continue;
        res_text_put(out, lead);
        put(out, row->method);
        res_text_put(out, ": sees ");
        put(out, row->sees);
        res_text_put(out, "; ignores ");
        put(out, row->ignores);
        res_text_put(out, "\n");
    }
}

/* Other tables show the mean client. */
static void put_local(const struct res_estimates *rows,
                      const char *end,
                      struct res_text *out)
{
    for (size_t i = 0; i < rows->n; i++)
        if (is_same(rows->rows[i].arm, RES_ARM_LOCAL)) {
            res_text_add(out,
                         "%s: the sum over the clients that trained, not "
                         "their mean%s",
                         RES_ARM_LOCAL, end);
            return;
        }
}

enum fl_status res_put_estimates(const struct res_estimates *rows,
                                 bool has_many,
                                 const struct res_estimate_opts *opts,
                                 enum res_format format,
                                 struct res_text *out,
                                 struct fl_error *err)
{
    struct res_shown_record chosen[sizeof shown / sizeof shown[0] + 1] = {
        {"run", "run", 0}};
    const char *note = "";
    choose_shown(rows, chosen + 1, &note);
    const struct res_records records = {
        .columns = res_estimate_columns,
        .rows = rows->rows,
        .stride = sizeof rows->rows[0],
        .n = rows->n,
        .shown = has_many ? chosen : chosen + 1,
    };
    if (format == RES_CSV) {
        res_records_csv(&records, out);
        return res_text_check(out, err);
    }
    if (format == RES_JSON) {
        json_t *array = NULL;
        FL_TRY(res_records_json(&records, &array, err));
        enum fl_status status = res_json_write(array, out, err);
        json_decref(array);
        return status;
    }
    bool is_md = format == RES_MD;
    FL_TRY((is_md ? res_records_md : res_records_text)(&records, out, err));
    res_text_add(out, "\ntaken to run on %s%s\n",
                 opts->is_server_only ? "the server's machine alone"
                                      : "every machine that computes",
                 is_md ? "\n" : "");
    put_local(rows, is_md ? "\n\n" : "\n", out);
    res_text_put(out, note);
    res_text_put(out, is_md && note[0] ? "\n" : "");
    put_legend(rows, is_md, out);
    return res_text_check(out, err);
}
