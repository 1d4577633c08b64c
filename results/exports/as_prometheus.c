/* prometheus: text format 0.0.4, for node_exporter's textfile collector and
 * for whatever serves it. Samples carry no time: they are what the run has come
 * to by now, of an arm as a whole (also of the local one: sums over clients).
 * Units are Prometheus' base units, seconds, joules and bytes; and gCO2e. What
 * is not known yet is left out. */
#include "results/exporter_priv.h"

#include <math.h>

struct writer {
    const struct res_exporting *x;
    struct res_text *out;
};

static void put_label(struct res_text *out, const char *name, const char *value)
{
    struct res_text clean = {0};
    res_text_put_utf8(&clean, value);
    res_text_add(out, "%s=\"", name);
    for (const char *p = res_text_get(&clean); *p; p++) {
        if (*p == '\\' || *p == '"')
            res_text_put(out, "\\");
        if (*p == '\n')
            res_text_put(out, "\\n");
        else
            res_text_add(out, "%c", *p);
    }
    res_text_put(out, "\"");
    out->has_failed = out->has_failed || clean.has_failed;
    res_text_fini(&clean);
}

static void put_head(struct res_text *out,
                     const char *name,
                     const char *type,
                     const char *help)
{
    res_text_add(out, "# HELP fedcarbon_%s %s\n# TYPE fedcarbon_%s %s\n", name,
                 help, name, type);
}

/* A sample of an arm; labels: up to two more of them, NULL ends. */
static void put_sample(const struct writer *w,
                       const char *name,
                       const char *arm,
                       const char *const labels[4],
                       double value)
{
    if (!isfinite(value))
        return;
    res_text_add(w->out, "fedcarbon_%s{", name);
    put_label(w->out, "run", w->x->run->label);
    if (arm) {
        res_text_put(w->out, ",");
        put_label(w->out, "arm", arm);
    }
    for (size_t i = 0; i < 4 && labels && labels[i]; i += 2) {
        res_text_put(w->out, ",");
        put_label(w->out, labels[i], labels[i + 1]);
    }
    res_text_put(w->out, "} ");
    res_text_real(w->out, value);
    res_text_put(w->out, "\n");
}

static void put_run(const struct writer *w)
{
    const struct res_run *run = w->x->run;
    const char *const labels[][2] = {
        {"run", run->label},
        {"scenario", run->name},
        {"dataset", run->dataset},
        {"model", run->model},
        {"partition", run->partition},
        {"grid", run->grid},
        {"preset", run->preset},
        {"boundary", run->boundary},
        {"seed", run->seed},
        {"scenario_sha256", run->scenario_sha256},
    };
    put_head(w->out, "run_info", "gauge", "What the run is; always 1.");
    res_text_put(w->out, "fedcarbon_run_info{");
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        res_text_put(w->out, i > 0 ? "," : "");
        put_label(w->out, labels[i][0], labels[i][1]);
    }
    res_text_put(w->out, "} 1\n");
    put_head(w->out, "run_finished", "gauge",
             "1 once the run is finished; 0 while it goes on or where it was "
             "broken off.");
    put_sample(w, "run_finished", NULL, NULL, run->is_finished);
}

/* Figures that the rows of the comparison table hold. */
static double accuracy_of(const struct res_row *row)
{
    return row->accuracy;
}

static double loss_of(const struct res_row *row)
{
    return row->loss;
}

static double rounds_of(const struct res_row *row)
{
    return (double)(row->is_per_client ? row->counted : row->rounds);
}

static double time_of(const struct res_row *row)
{
    return row->sim_time_s;
}

static double bytes_of(const struct res_row *row)
{
    return row->total_bytes;
}

static double finished_of(const struct res_row *row)
{
    return row->is_finished;
}

static void put_arms(const struct writer *w)
{
    static const struct {
        const char *name, *type, *help;
        double (*of)(const struct res_row *row);
    } figures[] = {
        {"arm_finished", "gauge", "1 once the arm is finished.", finished_of},
        {"test_accuracy_ratio", "gauge",
         "Test accuracy, the last one measured; local: mean over clients.",
         accuracy_of},
        {"test_loss", "gauge", "Test loss in nats, likewise.", loss_of},
        {"rounds_total", "counter",
         "Rounds (federated), epochs (centralized) or clients (local) so far.",
         rounds_of},
        {"simulated_seconds", "gauge",
         "Simulated time so far; local: mean over clients.", time_of},
        {"moved_bytes_total", "counter",
         "Bytes between clients and servers, both ways.", bytes_of},
    };
    for (size_t f = 0; f < sizeof figures / sizeof figures[0]; f++) {
        put_head(w->out, figures[f].name, figures[f].type, figures[f].help);
        for (size_t i = 0; i < w->x->run->n_rows; i++) {
            const struct res_row *row = &w->x->run->rows[i];
            put_sample(w, figures[f].name, row->arm, NULL, figures[f].of(row));
        }
    }
}

/* Sums of ledger rows by component, in the order of their numbers. */
static enum fl_status put_components(const struct writer *w,
                                     const char *sql,
                                     const char *name,
                                     struct fl_error *err)
{
    sqlite3_stmt *stmt;
    FL_TRY(res_prepare(w->x->store, sql, &stmt, err));
    bool has_row = false;
    enum fl_status status;
    while ((status = res_step(w->x->store, stmt, &has_row, err)) == FL_OK &&
           has_row) {
        const char *const labels[] = {"component", res_column_text(stmt, 1),
                                      "group", res_column_text(stmt, 2)};
        put_sample(w, name, res_column_text(stmt, 0), labels,
                   sqlite3_column_double(stmt, 3));
    }
    sqlite3_finalize(stmt);
    return status;
}

static enum fl_status
write(const struct res_exporting *x, struct res_text *out, struct fl_error *err)
{
    const struct writer w = {.x = x, .out = out};
    put_run(&w);
    put_arms(&w);
    put_head(out, "energy_joules_total", "counter",
             "Energy of the arm's ledger rows, by component.");
    FL_TRY(put_components(
        &w, "SELECT arm, component, term_group, energy_j FROM arm_component",
        "energy_joules_total", err));
    put_head(out, "carbon_gco2e_total", "counter",
             "Emissions of the arm's ledger rows in gCO2e, by component, "
             "whatever the run's boundary.");
    FL_TRY(put_components(
        &w,
        "SELECT arm, component, term_group, emitted_gco2e FROM arm_component",
        "carbon_gco2e_total", err));
    return res_text_check(out, err);
}

const struct res_exporter res_export_as_prometheus = {
    .name = "prometheus",
    .doc = "Prometheus' text format, for node_exporter's textfile collector",
    .source = "prometheus.io/docs/instrumenting/exposition_formats, text "
              "format 0.0.4",
    .write = write,
};
