/* mlflow: a file store of MLflow, an MLflow run per arm:
 *
 *     DIR/<experiment>/meta.yaml            the scenario's name
 *     DIR/<experiment>/<run>/meta.yaml
 *         metrics/<series>                  "milliseconds value round" lines
 *         params/<key>                      the resolved scenario
 *         tags/<name>
 *         artifacts/summary.json            once the run is finished
 *
 * Series are those of results/trees/curve.h, and result/... as summary.json has
 * them (local: the mean per client). An experiment's id is a hash of its name,
 * a run's one of the scenario's hash and the arm: a second export replaces the
 * first. Times are the recorded start plus simulated seconds. A run that was
 * broken off looks like one that goes on: RUNNING. */
#include "results/exporter_priv.h"

#include "base/alloc.h"
#include "base/config.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/units.h"
#include "results/trees/curve.h"

#include <math.h>
#include <string.h>

#define MAX_SUMMARY ((size_t)64 << 20)
enum { RUNNING = 1, FINISHED = 3 }; /* RunStatus in mlflow's service.proto */

struct series {
    char *name;
    struct res_text lines;
};

struct writer {
    const struct res_exporting *x;
    const struct res_row *row;
    struct res_tree *tree;
    char experiment[24], run[33]; /* ids */
    int64_t start_ms, end_ms;
    struct series *series;
    size_t n, capacity;
    struct res_text path, text;
};

static int64_t to_ms(double s)
{
    return (int64_t)floor(s * 1000 + 0.5);
}

/* The ids, as decimal and as hexadecimal digits of hashes. */
static void set_ids(struct writer *w)
{
    const struct res_run *run = w->x->run;
    struct fl_sha256 sha;
    char hex[65];
    fl_sha256_of(run->name, strlen(run->name), hex);
    uint64_t number = 0;
    for (size_t i = 0; i < 15; i++) /* 60 bits: 18 or 19 digits, as theirs */
        number = number * 16 + (uint64_t)(strchr("0123456789abcdef", hex[i]) -
                                          "0123456789abcdef");
    (void)snprintf(w->experiment, sizeof w->experiment, "%llu",
                   (unsigned long long)number);
    const char *what =
        run->scenario_sha256[0] ? run->scenario_sha256 : run->label;
    fl_sha256_init(&sha);
    fl_sha256_add(&sha, what, strlen(what) + 1);
    fl_sha256_add(&sha, w->row->arm, strlen(w->row->arm));
    fl_sha256_hex(&sha, hex);
    (void)snprintf(w->run, sizeof w->run, "%.32s", hex);
}

/* w->text into a file of the run. */
static enum fl_status put_file(struct writer *w,
                               enum res_tree_way way,
                               const char *folder,
                               const char *name,
                               struct fl_error *err)
{
    res_text_clear(&w->path);
    res_text_add(&w->path, "%s/%s/%s", w->experiment, w->run, folder);
    for (const char *at = name; *at;) { /* a/b: a folder of that name */
        size_t n = strcspn(at, "/");
        char piece[256];
        (void)snprintf(piece, sizeof piece, "%.*s", (int)n, at);
        res_text_put(&w->path, "/");
        res_tree_name(&w->path, piece);
        at += n + (at[n] == '/');
    }
    FL_TRY(res_text_check(&w->path, err));
    return res_tree_add(w->tree, way, res_text_get(&w->path), &w->text, err);
}

static enum fl_status put_line(struct writer *w,
                               const char *folder,
                               const char *name,
                               const char *value,
                               struct fl_error *err)
{
    struct res_text clean = {0};
    res_text_put_utf8(&clean, value);
    for (size_t i = 0; i < clean.n; i++)
        if ((unsigned char)clean.bytes[i] < ' ')
            clean.bytes[i] = ' ';
    res_text_put(&w->text, res_text_get(&clean));
    enum fl_status status = res_text_check(&clean, err);
    res_text_fini(&clean);
    return status == FL_OK ? put_file(w, RES_TREE_PUT, folder, name, err)
                           : status;
}

/* A YAML scalar between single quotes. */
static void put_quoted(struct res_text *out, const char *plain)
{
    struct res_text clean = {0};
    res_text_put_utf8(&clean, plain);
    res_text_put(out, "'");
    for (const char *p = res_text_get(&clean); *p; p++)
        res_text_add(out, *p == '\'' ? "'%c" : "%c",
                     (unsigned char)*p < ' ' ? ' ' : *p);
    res_text_put(out, "'");
    out->has_failed = out->has_failed || clean.has_failed;
    res_text_fini(&clean);
}

static enum fl_status put_experiment(struct writer *w, struct fl_error *err)
{
    struct res_text *out = &w->text;
    res_text_put(out, "artifact_location: ");
    res_text_clear(&w->path);
    res_text_add(&w->path, "%s/%s", w->tree->folder, w->experiment);
    put_quoted(out, res_text_get(&w->path));
    out->has_failed = out->has_failed || w->path.has_failed;
    res_text_add(out,
                 "\ncreation_time: %lld\nexperiment_id: '%s'\n"
                 "last_update_time: %lld\nlifecycle_stage: active\nname: ",
                 (long long)w->start_ms, w->experiment, (long long)w->start_ms);
    put_quoted(out, w->x->run->name);
    res_text_put(out, "\n");
    res_text_clear(&w->path);
    res_text_add(&w->path, "%s/meta.yaml", w->experiment);
    FL_TRY(res_text_check(&w->path, err));
    return res_tree_add(w->tree, RES_TREE_KEEP, res_text_get(&w->path), out,
                        err);
}

/* "run-a federated" */
static void put_name(const struct writer *w, struct res_text *out)
{
    res_text_put(out, w->x->run->label);
    res_text_put(out, " ");
    res_text_put(out, w->row->arm);
}

static enum fl_status put_meta(struct writer *w, struct fl_error *err)
{
    struct res_text *out = &w->text, name = {0};
    bool is_done = w->row->is_finished && w->x->run->is_finished;
    res_text_clear(&w->path);
    res_text_add(&w->path, "%s/%s/%s/artifacts", w->tree->folder, w->experiment,
                 w->run);
    res_text_put(out, "artifact_uri: ");
    put_quoted(out, res_text_get(&w->path));
    out->has_failed = out->has_failed || w->path.has_failed;
    res_text_put(out, "\nend_time: ");
    if (is_done)
        res_text_add(out, "%lld", (long long)w->end_ms);
    else
        res_text_put(out, "null");
    res_text_add(out,
                 "\nentry_point_name: ''\nexperiment_id: '%s'\n"
                 "lifecycle_stage: active\nrun_id: %s\nrun_name: ",
                 w->experiment, w->run);
    put_name(w, &name);
    put_quoted(out, res_text_get(&name));
    out->has_failed = out->has_failed || name.has_failed;
    res_text_fini(&name);
    res_text_add(out,
                 "\nrun_uuid: %s\nsource_name: ''\nsource_type: 4\n"
                 "source_version: ''\nstart_time: %lld\nstatus: %d\n"
                 "tags: []\nuser_id: fedcarbon\n",
                 w->run, (long long)w->start_ms, is_done ? FINISHED : RUNNING);
    return put_file(w, RES_TREE_PUT, "meta.yaml", "", err);
}

static enum fl_status put_tags(struct writer *w, struct fl_error *err)
{
    const struct res_run *run = w->x->run;
    char *commit = NULL;
    struct res_text name = {0};
    FL_TRY(res_meta_text(w->x, "commit", &commit, err));
    put_name(w, &name);
    const struct {
        const char *key, *value;
    } tags[] = {
        {"mlflow.runName", res_text_get(&name)},
        {"mlflow.source.name", "fedcarbon"},
        {"mlflow.source.type", "LOCAL"},
        {"mlflow.source.git.commit", commit},
        {"mlflow.user", "fedcarbon"},
        {"fedcarbon.arm", w->row->arm},
        {"fedcarbon.run", run->label},
        {"fedcarbon.scenario_sha256", run->scenario_sha256},
        {"fedcarbon.boundary", run->boundary},
        {"fedcarbon.attribution", run->attribution},
        {"fedcarbon.figures_are_per", w->row->per},
    };
    enum fl_status status = res_text_check(&name, err);
    for (size_t i = 0; i < sizeof tags / sizeof tags[0] && status == FL_OK; i++)
        if (tags[i].value[0])
            status = put_line(w, "tags", tags[i].key, tags[i].value, err);
    fl_free(commit);
    res_text_fini(&name);
    return status;
}

/* Every value of the scenario; of a fact, its number. */
static enum fl_status
put_params(struct writer *w, const struct fl_node *node, struct fl_error *err)
{
    const struct fl_node *value = fl_node_find(node, "value");
    char key[512];
    if (value && value->kind == FL_NODE_SCALAR)
        node = value->parent;
    else
        value = node;
    if (value->kind == FL_NODE_SCALAR) {
        fl_node_path(node, key, sizeof key);
        return put_line(w, "params", key, value->text, err);
    }
    for (const struct fl_node *c = node->child; c; c = c->next)
        FL_TRY(put_params(w, c, err));
    return FL_OK;
}

static enum fl_status put_scenario(struct writer *w, struct fl_error *err)
{
    char *yaml = NULL;
    struct fl_config *config = NULL;
    FL_TRY(res_meta_text(w->x, "scenario", &yaml, err));
    enum fl_status status = FL_OK;
    if (yaml[0])
        status = fl_config_parse("resolved scenario", yaml, strlen(yaml),
                                 &config, err);
    if (config && status == FL_OK)
        status = put_params(w, fl_config_root(config), err);
    fl_config_destroy(config);
    fl_free(yaml);
    return status;
}

/* Metrics */

static enum fl_status find_series(struct writer *w,
                                  const char *name,
                                  struct series **ret,
                                  struct fl_error *err)
{
    for (size_t i = 0; i < w->n; i++) {
        *ret = &w->series[i];
        if (strcmp(w->series[i].name, name) == 0)
            return FL_OK;
    }
    FL_TRY(
        fl_grow(&w->series, &w->capacity, w->n + 1, sizeof w->series[0], err));
    char *copy = fl_strdup(name);
    if (!copy)
        return fl_fail(err, FL_E_NOMEM, "out of memory: series");
    *ret = &w->series[w->n++];
    **ret = (struct series){.name = copy};
    return FL_OK;
}

static enum fl_status take_value(void *arg,
                                 const struct res_curve_value *value,
                                 bool is_last,
                                 struct fl_error *err)
{
    struct writer *w = arg;
    struct series *series = NULL;
    int64_t at_ms = w->start_ms + to_ms(value->sim_time_s);
    (void)is_last;
    FL_TRY(find_series(w, value->series, &series, err));
    res_text_add(&series->lines, "%lld ", (long long)at_ms);
    res_text_real(&series->lines, value->value);
    res_text_add(&series->lines, " %lld\n", (long long)value->round);
    w->end_ms = at_ms > w->end_ms ? at_ms : w->end_ms;
    return FL_OK;
}

static enum fl_status put_results(struct writer *w, struct fl_error *err)
{
    const struct res_row *row = w->row;
    const struct {
        const char *name;
        double value;
    } results[] = {
        {"result/accuracy", row->accuracy},
        {"result/rounds", (double)row->rounds},
        {"result/sim_time_s", row->sim_time_s},
        {"result/bytes", row->bytes},
        {"result/energy_kWh", row->energy_j / FL_J_PER_KWH},
        {"result/emitted_gCO2e", row->gco2e},
        {"result/x_centralized", row->x_centralized},
    };
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
        if (!row->is_finished || isnan(results[i].value))
            continue;
        res_text_add(&w->text, "%lld ", (long long)w->end_ms);
        res_text_real(&w->text, results[i].value);
        res_text_add(&w->text, " %lld\n", (long long)row->rounds);
        FL_TRY(put_file(w, RES_TREE_PUT, "metrics", results[i].name, err));
    }
    return FL_OK;
}

static enum fl_status put_metrics(struct writer *w, struct fl_error *err)
{
    FL_TRY(res_curve(w->x, w->row, take_value, w, err));
    for (size_t i = 0; i < w->n; i++) {
        res_text_fini(&w->text);
        w->text = w->series[i].lines;
        w->series[i].lines = (struct res_text){0};
        FL_TRY(put_file(w, RES_TREE_GROW, "metrics", w->series[i].name, err));
    }
    return put_results(w, err);
}

/* What the run's end has left beside its store. */
static enum fl_status put_summary(struct writer *w, struct fl_error *err)
{
    char path[RES_PATH_BYTES];
    uint8_t *bytes = NULL;
    size_t n = 0;
    FL_TRY(
        fl_path_join(w->x->run->dir, "summary.json", path, sizeof path, err));
    if (!w->x->run->is_finished ||
        fl_file_read(path, MAX_SUMMARY, &bytes, &n, NULL) != FL_OK)
        return FL_OK;
    res_text_put_bytes(&w->text, bytes, n);
    fl_free(bytes);
    return put_file(w, RES_TREE_PUT, "artifacts", "summary.json", err);
}

static enum fl_status put_arm(struct writer *w, struct fl_error *err)
{
    int64_t start_s = 0;
    FL_TRY(res_started(w->x, &start_s, err));
    w->start_ms = w->end_ms = start_s * 1000;
    set_ids(w);
    FL_TRY(put_experiment(w, err));
    FL_TRY(put_metrics(w, err));
    FL_TRY(put_tags(w, err));
    FL_TRY(put_scenario(w, err));
    FL_TRY(put_summary(w, err));
    return put_meta(w, err); /* last: what it says is there */
}

static enum fl_status write_tree(const struct res_exporting *x,
                                 struct res_tree *tree,
                                 struct fl_error *err)
{
    enum fl_status status = FL_OK;
    for (size_t i = 0; i < x->run->n_rows && status == FL_OK; i++) {
        struct writer w = {.x = x, .row = &x->run->rows[i], .tree = tree};
        status = put_arm(&w, err);
        for (size_t s = 0; s < w.n; s++) {
            fl_free(w.series[s].name);
            res_text_fini(&w.series[s].lines);
        }
        fl_free(w.series);
        res_text_fini(&w.path);
        res_text_fini(&w.text);
    }
    return status;
}

const struct res_exporter res_export_as_mlflow = {
    .name = "mlflow",
    .doc = "MLflow's file store, a run per arm; --out is the store's folder",
    .source = "github.com/mlflow/mlflow at 3.17.2: "
              "mlflow/store/tracking/file_store.py",
    .write_tree = write_tree,
    .usual_path = "mlruns",
};
