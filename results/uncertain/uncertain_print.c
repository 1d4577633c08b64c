/* The tables of `fedcarbon uncertainty`: intervals per arm, then the facts that
 * the variance comes from. */
#include "results/uncertain/influences.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

struct arm_record {
    char *arm;
    double nominal_gco2e, mean_gco2e, p5_gco2e, p50_gco2e, p95_gco2e;
    double x_p5, x_p50, x_p95, below_share;
};

#define OF(type, member) false, offsetof(struct type, member)
#define ONE              "does not add up"

static const struct res_column arm_columns[] = {
    {"arm", "-", "arm of the run", "names the row", RES_COLUMN_TEXT,
     OF(arm_record, arm)},
    {"emitted_gco2e", "gCO2e", "at the facts' values", ONE, RES_COLUMN_REAL,
     OF(arm_record, nominal_gco2e)},
    {"mean_gco2e", "gCO2e", "mean of the draws", ONE, RES_COLUMN_REAL,
     OF(arm_record, mean_gco2e)},
    {"p5_gco2e", "gCO2e", "5 % of the draws are below", ONE, RES_COLUMN_REAL,
     OF(arm_record, p5_gco2e)},
    {"p50_gco2e", "gCO2e", "half of the draws are below", ONE, RES_COLUMN_REAL,
     OF(arm_record, p50_gco2e)},
    {"p95_gco2e", "gCO2e", "95 % of the draws are below", ONE, RES_COLUMN_REAL,
     OF(arm_record, p95_gco2e)},
    {"x_centralized_p5", "ratio", "of the ratio to the centralized arm", ONE,
     RES_COLUMN_REAL, OF(arm_record, x_p5)},
    {"x_centralized_p50", "ratio", "likewise", ONE, RES_COLUMN_REAL,
     OF(arm_record, x_p50)},
    {"x_centralized_p95", "ratio", "likewise", ONE, RES_COLUMN_REAL,
     OF(arm_record, x_p95)},
    {"below_centralized_share", "ratio",
     "of the draws, in which the arm emits less", ONE, RES_COLUMN_REAL,
     OF(arm_record, below_share)},
    {0},
};
static const struct res_shown_record shown_arms[] = {
    {"arm", "arm", 0},
    {"emitted_gco2e", "gCO2e", 4},
    {"p5_gco2e", "5 %", 4},
    {"p50_gco2e", "50 %", 4},
    {"p95_gco2e", "95 %", 4},
    {"x_centralized_p5", "x centralized 5 %", 3},
    {"x_centralized_p50", "50 %", 3},
    {"x_centralized_p95", "95 %", 3},
    {"below_centralized_share", "less than centralized", 3},
    {0},
};

static const struct res_column fact_columns[] = {
    {"fact", "-", "name of the fact; * : of every row of a list, 0+2: of these",
     "names the row", RES_COLUMN_TEXT, OF(res_influence, name)},
    {"unit", "-", "of the values", ONE, RES_COLUMN_TEXT,
     OF(res_influence, unit)},
    {"facts", "facts", "facts of one value and source, which err together", ONE,
     RES_COLUMN_INT, OF(res_influence, n_facts)},
    {"value", "unit", "of the fact", ONE, RES_COLUMN_REAL,
     OF(res_influence, value)},
    {"p5", "unit", "5 % of its distribution lies below", ONE, RES_COLUMN_REAL,
     OF(res_influence, p5)},
    {"p95", "unit", "95 % of its distribution lies below", ONE, RES_COLUMN_REAL,
     OF(res_influence, p95)},
    {"first", "ratio", "first-order Sobol index: its part alone", ONE,
     RES_COLUMN_REAL, OF(res_influence, first)},
    {"total", "ratio", "total Sobol index: with all its interactions", ONE,
     RES_COLUMN_REAL, OF(res_influence, total)},
    {0},
};
static const struct res_shown_record shown_facts[] = {
    {"fact", "fact", 0},    {"value", "value", 3},
    {"p5", "5 %", 3},       {"p95", "95 %", 3},
    {"unit", "unit", 0},    {"first", "alone", 2},
    {"total", "in all", 2}, {0},
};

struct sheet {
    struct res_run run;
    struct res_uncertain u;
    struct arm_record *arms;
};

static void sheet_fini(struct sheet *sheet)
{
    fl_free(sheet->arms);
    res_uncertain_fini(&sheet->u);
    res_run_fini(&sheet->run);
}

/* Some clients alone are no match for everybody's data at one place. */
static void name_record(struct arm_record *record, const struct res_row *row)
{
    const double nan_value = (double)NAN;
    record->arm = row->arm;
    if (!row->is_per_client)
        return;
    record->x_p5 = record->x_p50 = record->x_p95 = nan_value;
    record->below_share = nan_value;
}

static enum fl_status read_sheet(struct res_store *store,
                                 int64_t draws,
                                 struct sheet *sheet,
                                 struct fl_error *err)
{
    FL_TRY(res_exec(store, "BEGIN", "read the run", err));
    FL_TRY(res_gather(store, &sheet->run, err));
    FL_TRY(res_uncertain(store, draws, true, &sheet->u, err));
    sheet->arms = fl_calloc(sheet->u.n_arms + 1, sizeof sheet->arms[0]);
    if (!sheet->arms)
        return fl_fail(err, FL_E_NOMEM, "out of memory: uncertainty");
    for (size_t i = 0; i < sheet->u.n_arms; i++) {
        const struct res_uncertain_arm *arm = &sheet->u.arms[i];
        struct arm_record *record = &sheet->arms[i];
        *record = (struct arm_record){
            .nominal_gco2e = arm->gco2e.nominal,
            .mean_gco2e = arm->gco2e.mean,
            .p5_gco2e = arm->gco2e.p5,
            .p50_gco2e = arm->gco2e.p50,
            .p95_gco2e = arm->gco2e.p95,
            .x_p5 = arm->x_centralized.p5,
            .x_p50 = arm->x_centralized.p50,
            .x_p95 = arm->x_centralized.p95,
            .below_share = arm->below_centralized_share,
        };
        for (size_t r = 0; r < sheet->run.n_rows; r++)
            if (sheet->run.rows[r].number == arm->arm)
                name_record(record, &sheet->run.rows[r]);
    }
    return FL_OK;
}

static struct res_records arms_of(const struct sheet *sheet)
{
    return (struct res_records){.columns = arm_columns,
                                .rows = sheet->arms,
                                .stride = sizeof sheet->arms[0],
                                .n = sheet->u.n_arms,
                                .shown = shown_arms};
}

struct res_records res_influence_records(const struct res_uncertain *u)
{
    return (struct res_records){.columns = fact_columns,
                                .rows = u->influences,
                                .stride = sizeof u->influences[0],
                                .n = u->n_influences,
                                .shown = shown_facts};
}

static struct res_records facts_of(const struct sheet *sheet)
{
    return res_influence_records(&sheet->u);
}

static enum fl_status
put_json(const struct sheet *sheet, struct res_text *out, struct fl_error *err)
{
    const struct res_records arms = arms_of(sheet), facts = facts_of(sheet);
    json_t *root = json_object(), *part = NULL;
    enum fl_status status =
        res_json_set(root, "draws", json_integer(sheet->u.draws), err);
    if (status == FL_OK)
        status = res_json_set(root, "boundary",
                              json_string(sheet->run.boundary), err);
    if (status == FL_OK)
        status = res_records_json(&arms, &part, err);
    if (status == FL_OK)
        status = res_json_set(root, "arms", part, err);
    if (status == FL_OK)
        status = res_records_json(&facts, &part, err);
    if (status == FL_OK)
        status = res_json_set(
            root, sheet->u.is_of_ratio ? "facts_of_ratio" : "facts", part, err);
    if (status == FL_OK)
        status = res_json_write(root, out, err);
    json_decref(root);
    return status;
}

/* Intervals are of sums of ledger rows; other tables show the mean client. */
static void put_local(const struct res_run *run, struct res_text *out)
{
    for (size_t i = 0; i < run->n_rows; i++) {
        const struct res_row *row = &run->rows[i];
        if (row->is_per_client)
            res_text_add(out,
                         "\n%s: the sum over the %lld of %lld clients that "
                         "trained, not their mean\n",
                         row->arm, (long long)row->counted,
                         (long long)row->population);
    }
}

static enum fl_status
put_text(const struct sheet *sheet, struct res_text *out, struct fl_error *err)
{
    const struct res_records arms = arms_of(sheet), facts = facts_of(sheet);
    res_put_title(&sheet->run, out);
    res_text_add(out, "\ngCO2e, boundary %s; %lld draws of facts\n\n",
                 sheet->run.boundary, (long long)sheet->u.draws);
    FL_TRY(res_records_text(&arms, out, err));
    put_local(&sheet->run, out);
    res_text_add(out, "\n%s\n\n",
                 sheet->u.n_influences == 0 ? "no fact is unsure"
                 : sheet->u.is_of_ratio
                     ? "what decides between federated and centralized: shares "
                       "of the variance of their ratio"
                     : "what the total hangs on: shares of its variance");
    if (sheet->u.n_influences > 0) {
        FL_TRY(res_records_text(&facts, out, err));
        res_text_put(out, "\nin all: with interactions, which count for each "
                          "of their facts\n");
    }
    return res_text_check(out, err);
}

enum fl_status res_uncertainty(const char *dir,
                               int64_t draws,
                               enum res_format format,
                               FILE *out,
                               struct fl_error *err)
{
    struct res_store *store;
    struct sheet sheet = {.arms = NULL};
    struct res_text text = {0};
    FL_TRY(res_store_create(dir, RES_READ, &store, err));
    enum fl_status status = read_sheet(store, draws, &sheet, err);
    if (status == FL_OK && format == RES_CSV) {
        const struct res_records arms = arms_of(&sheet),
                                 facts = facts_of(&sheet);
        res_records_csv(&arms, &text);
        res_text_put(&text, "\n");
        res_records_csv(&facts, &text);
        status = res_text_check(&text, err);
    } else if (status == FL_OK) {
        status = (format == RES_JSON ? put_json : put_text)(&sheet, &text, err);
    }
    if (status == FL_OK &&
        (fwrite(res_text_get(&text), 1, text.n, out) != text.n ||
         fflush(out) != 0))
        status = fl_fail_errno(err, FL_E_IO, "cannot write the table");
    res_text_fini(&text);
    sheet_fini(&sheet);
    res_store_destroy(store);
    return status;
}
