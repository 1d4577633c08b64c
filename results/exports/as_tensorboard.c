/* tensorboard: TensorBoard's event files, an arm per file:
 *
 *     DIR/<run>/<arm>/events.out.tfevents.<start>.fedcarbon
 *
 * so that TensorBoard shows every arm as a run of its own. Series are those of
 * results/trees/curve.h, a step is a round (local: a client's number), and
 * wall_time the recorded start plus simulated seconds: the axis "relative" is
 * simulated time. Values are single precision, as TensorBoard's scalars are;
 * run.sqlite has all digits. The scenario and the hash of it are texts.
 *
 * The file follows from the store alone and only grows. A record is written
 * once its round is whole. */
#include "results/exporter_priv.h"

#include "base/alloc.h"
#include "results/trees/curve.h"
#include "results/trees/event.pb-c.h"
#include "results/trees/tfrecord.h"

#include <string.h>

struct writer {
    struct res_text out;              /* the file */
    struct res_curve_value *values;   /* of the round so far */
    Res__Event__Value *packed, **all; /* the same, as messages */
    size_t n, capacity, packed_capacity, all_capacity;
    double start_wall_s;
};

/* protobuf-c's strings are not const; it writes none of them. */
static char *borrowed(const char *string)
{
    return (char *)(uintptr_t)string;
}

static enum fl_status put_event(struct writer *w,
                                const Res__Event__Event *event,
                                struct fl_error *err)
{
    size_t n = res__event__event__get_packed_size(event);
    uint8_t *bytes = fl_calloc(n, 1);
    if (!bytes)
        return fl_fail(err, FL_E_NOMEM, "out of memory: events");
    res_tfrecord(&w->out, bytes, res__event__event__pack(event, bytes));
    fl_free(bytes);
    return FL_OK;
}

static enum fl_status put_version(struct writer *w, struct fl_error *err)
{
    Res__Event__Event event = RES__EVENT__EVENT__INIT;
    event.wall_time = w->start_wall_s;
    event.what_case = RES__EVENT__EVENT__WHAT_FILE_VERSION;
    event.file_version = borrowed("brain.Event:2");
    return put_event(w, &event, err);
}

/* A text of the text plugin: a tensor of one string, Markdown. */
static enum fl_status put_markdown(struct writer *w,
                                   const char *tag,
                                   const struct res_text *text,
                                   struct fl_error *err)
{
    Res__Event__PluginData plugin = RES__EVENT__PLUGIN_DATA__INIT;
    Res__Event__Metadata metadata = RES__EVENT__METADATA__INIT;
    Res__Event__Dim dim = RES__EVENT__DIM__INIT, *dims[] = {&dim};
    Res__Event__Shape shape = RES__EVENT__SHAPE__INIT;
    Res__Event__Tensor tensor = RES__EVENT__TENSOR__INIT;
    Res__Event__Value value = RES__EVENT__VALUE__INIT, *values[] = {&value};
    Res__Event__Summary summary = RES__EVENT__SUMMARY__INIT;
    Res__Event__Event event = RES__EVENT__EVENT__INIT;
    ProtobufCBinaryData string = {
        .len = text->n, .data = (uint8_t *)borrowed(res_text_get(text))};
    FL_TRY(res_text_check(text, err));
    plugin.plugin_name = borrowed("text");
    metadata.plugin_data = &plugin;
    dim.size = 1;
    shape.n_dim = 1;
    shape.dim = dims;
    tensor.dtype = RES__EVENT__TYPE__DT_STRING;
    tensor.tensor_shape = &shape;
    tensor.n_string_val = 1;
    tensor.string_val = &string;
    value.tag = borrowed(tag);
    value.metadata = &metadata;
    value.value_case = RES__EVENT__VALUE__VALUE_TENSOR;
    value.tensor = &tensor;
    summary.n_value = 1;
    summary.value = values;
    event.wall_time = w->start_wall_s;
    event.what_case = RES__EVENT__EVENT__WHAT_SUMMARY;
    event.summary = &summary;
    return put_event(w, &event, err);
}

/* Lines as Markdown's code. */
static void put_code(struct res_text *out, const char *plain)
{
    struct res_text clean = {0};
    res_text_put_utf8(&clean, plain);
    for (const char *line = res_text_get(&clean); *line;) {
        size_t n = strcspn(line, "\n");
        res_text_put(out, "    ");
        res_text_put_bytes(out, line, n);
        res_text_put(out, "\n");
        line += n + (line[n] == '\n');
    }
    out->has_failed = out->has_failed || clean.has_failed;
    res_text_fini(&clean);
}

/* What the run is, known from its beginning on. */
static enum fl_status
put_texts(const struct res_exporting *x, struct writer *w, struct fl_error *err)
{
    const struct res_run *run = x->run;
    const struct {
        const char *name, *value;
    } facts[] = {
        {"scenario", run->name},
        {"scenario sha256", run->scenario_sha256},
        {"data set", run->dataset},
        {"model", run->model},
        {"partition", run->partition},
        {"seed", run->seed},
        {"grid", run->grid},
        {"preset", run->preset},
        {"boundary", run->boundary},
        {"attribution", run->attribution},
    };
    struct res_text text = {0};
    char *yaml = NULL;
    FL_TRY(res_meta_text(x, "scenario", &yaml, err));
    res_text_put(&text, "| | |\n|---|---|\n");
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        struct res_text cell = {0};
        res_md_text(&cell, facts[i].value);
        res_text_add(&text, "| %s | ", facts[i].name);
        res_text_put_utf8(&text, res_text_get(&cell));
        res_text_put(&text, " |\n");
        text.has_failed = text.has_failed || cell.has_failed;
        res_text_fini(&cell);
    }
    enum fl_status status = put_markdown(w, "run/text_summary", &text, err);
    res_text_clear(&text);
    put_code(&text, yaml);
    if (status == FL_OK)
        status = put_markdown(w, "scenario/text_summary", &text, err);
    res_text_fini(&text);
    fl_free(yaml);
    return status;
}

static enum fl_status put_round(struct writer *w, struct fl_error *err)
{
    Res__Event__Summary summary = RES__EVENT__SUMMARY__INIT;
    Res__Event__Event event = RES__EVENT__EVENT__INIT;
    FL_TRY(fl_grow(&w->packed, &w->packed_capacity, w->n, sizeof w->packed[0],
                   err));
    FL_TRY(fl_grow(&w->all, &w->all_capacity, w->n, sizeof w->all[0], err));
    for (size_t i = 0; i < w->n; i++) {
        w->all[i] = &w->packed[i];
        res__event__value__init(w->all[i]);
        w->packed[i].tag = borrowed(w->values[i].series);
        w->packed[i].value_case = RES__EVENT__VALUE__VALUE_SIMPLE_VALUE;
        w->packed[i].simple_value = (float)w->values[i].value;
    }
    summary.n_value = w->n;
    summary.value = w->all;
    event.wall_time = w->start_wall_s + w->values[0].sim_time_s;
    event.step = w->values[0].round;
    event.what_case = RES__EVENT__EVENT__WHAT_SUMMARY;
    event.summary = &summary;
    w->n = 0;
    return put_event(w, &event, err);
}

static enum fl_status take_value(void *arg,
                                 const struct res_curve_value *value,
                                 bool is_last,
                                 struct fl_error *err)
{
    struct writer *w = arg;
    FL_TRY(
        fl_grow(&w->values, &w->capacity, w->n + 1, sizeof w->values[0], err));
    w->values[w->n++] = *value;
    return is_last ? put_round(w, err) : FL_OK;
}

static enum fl_status put_arm(const struct res_exporting *x,
                              const struct res_row *row,
                              int64_t start,
                              struct writer *w,
                              struct res_tree *tree,
                              struct fl_error *err)
{
    struct res_text path = {0};
    res_tree_name(&path, x->run->label);
    res_text_put(&path, "/");
    res_tree_name(&path, row->arm);
    res_text_add(&path, "/events.out.tfevents.%010lld.fedcarbon",
                 (long long)start);
    enum fl_status status = res_text_check(&path, err);
    if (status == FL_OK)
        status = put_version(w, err);
    if (status == FL_OK)
        status = put_texts(x, w, err);
    if (status == FL_OK)
        status = res_curve(x, row, take_value, w, err);
    if (status == FL_OK)
        status = res_tree_add(tree, RES_TREE_GROW, res_text_get(&path), &w->out,
                              err);
    res_text_fini(&path);
    return status;
}

static enum fl_status write_tree(const struct res_exporting *x,
                                 struct res_tree *tree,
                                 struct fl_error *err)
{
    int64_t start = 0;
    struct writer w = {.n = 0};
    FL_TRY(res_started(x, &start, err));
    w.start_wall_s = (double)start;
    enum fl_status status = FL_OK;
    for (size_t i = 0; i < x->run->n_rows && status == FL_OK; i++)
        status = put_arm(x, &x->run->rows[i], start, &w, tree, err);
    res_text_fini(&w.out);
    fl_free(w.values);
    fl_free(w.packed);
    fl_free(w.all);
    return status;
}

const struct res_exporter res_export_as_tensorboard = {
    .name = "tensorboard",
    .doc = "TensorBoard's event files, a folder per run and arm; --out is the "
           "log folder",
    .source = "github.com/tensorflow/tensorboard: compat/proto/event.proto, "
              "summary.proto, tensor.proto; tensorflow: "
              "core/lib/io/record_writer.h",
    .write_tree = write_tree,
    .usual_path = RES_BESIDE_RUN,
};
