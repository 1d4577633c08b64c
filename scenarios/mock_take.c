/* The keys `mode` and `mock`: their table, and what they mean together. */
#include "scenarios/scenario_priv.h"

#include "base/parse.h"

#include <string.h>

/* SCN_CURVE_NONE has no word: such a curve is not given. */
static const char *const curve_names[] = {
    [SCN_CURVE_SATURATING - 1] = "saturating",
    [SCN_CURVE_TABLE - 1] = "table",
    NULL,
};
_Static_assert(sizeof curve_names / sizeof curve_names[0] == SCN_CURVE_LAST_,
               "every curve but none needs a name");

#define CURVE(member) offsetof(struct scn_raw_curve, member)
static const struct fl_param curve_params[] = {
    {.key = "kind",
     .kind = FL_PARAM_ENUM,
     .offset = CURVE(kind),
     .choices = curve_names,
     .required = true,
     .doc = "saturating: limit - (limit - start) exp(-rate n) after n rounds "
            "or epochs; table: the columns round and accuracy of a CSV file."},
    {.key = "start",
     .kind = FL_PARAM_DOUBLE,
     .offset = CURVE(start),
     .max = 1,
     .doc = "saturating: accuracy before any training. Must be given."},
    {.key = "limit",
     .kind = FL_PARAM_DOUBLE,
     .offset = CURVE(limit),
     .max = 1,
     .doc = "saturating: accuracy in the end. Must be given."},
    {.key = "rate",
     .kind = FL_PARAM_DOUBLE,
     .offset = CURVE(rate),
     .max = 100,
     .min_open = true,
     .doc = "saturating: how fast it gets there. Must be given."},
    {.key = "file",
     .kind = FL_PARAM_STRING,
     .offset = CURVE(file),
     .is_whereabouts = true,
     .doc = "table: a CSV file, e.g. a run's rounds.csv; rounds and epochs "
            "count from 0; relative to the scenario's folder (in --set to the "
            "current one)."},
    {.key = "file_sha256",
     .kind = FL_PARAM_STRING,
     .offset = CURVE(file_sha256),
     .doc = "table: SHA-256 that the file has to have; filled in when "
            "resolved."},
    {.key = "source",
     .kind = FL_PARAM_STRING,
     .offset = CURVE(source),
     .doc = "Where the curve is from, in your words; printed with the "
            "results."},
    {0},
};

#define MOCK(member) offsetof(struct scn_raw_mock, member)
const struct fl_param scn_mock_params[] = {
    {.key = "accuracy",
     .kind = FL_PARAM_SECTION,
     .offset = MOCK(accuracy) + SCN_FEDERATED * sizeof(struct scn_raw_curve),
     .section = curve_params,
     .doc = "Accuracy of the arm federated after each round: an assumption. "
            "Not given: none."},
    {.key = "centralized_accuracy",
     .kind = FL_PARAM_SECTION,
     .offset = MOCK(accuracy) + SCN_CENTRALIZED * sizeof(struct scn_raw_curve),
     .section = curve_params,
     .doc = "The same of the arm centralized, after each epoch."},
    {.key = "alone_accuracy",
     .kind = FL_PARAM_SECTION,
     .offset = MOCK(accuracy) + SCN_LOCAL * sizeof(struct scn_raw_curve),
     .section = curve_params,
     .doc = "The same of every client of the arm local, after each epoch."},
    {.key = "samples_per_client",
     .kind = FL_PARAM_INT,
     .offset = MOCK(samples_per_client),
     .min = 1,
     .max = 1e9,
     .doc = "Every client has so many; no data set is opened, and "
            "`data.dataset` may be any name. Not given: as the data set and "
            "the partition say."},
    {.key = "shape",
     .kind = FL_PARAM_NODE,
     .offset = MOCK(shape),
     .doc = "With samples_per_client: a sample's sizes, channels last, e.g. "
            "[28, 28, 1]. Must be given there."},
    {.key = "classes",
     .kind = FL_PARAM_INT,
     .offset = MOCK(classes),
     .min = 1,
     .max = 1e6,
     .doc = "With samples_per_client: classes that the model tells apart. Must "
            "be given there."},
    {.key = "test_samples",
     .kind = FL_PARAM_INT,
     .offset = MOCK(test_samples),
     .min = 1,
     .max = 1e9,
     .doc = "With samples_per_client: samples that a model is scored on. Must "
            "be given there."},
    {.key = "sample_bytes",
     .kind = FL_PARAM_INT,
     .offset = MOCK(sample_bytes),
     .min = 1,
     .max = 1e9,
     .unit = "bytes",
     .doc = "With samples_per_client: what a sample takes where it is sent or "
            "stored. Not given: one for each of its numbers, and one."},
    {0},
};

/* A key that does not belong there. */
static void refuse_key(struct scn_load *load,
                       const struct fl_node *map,
                       const char *key,
                       const char *allowed)
{
    const struct fl_node *node = fl_node_find(map, key);
    char path[160];
    if (!node)
        return;
    fl_node_path(node, path, sizeof path);
    fl_config_problem(load->config, &node->key_place, "%s: allowed %s", path,
                      allowed);
}

static void need_key(struct scn_load *load,
                     const struct fl_node *map,
                     const char *key,
                     const char *why)
{
    char path[160];
    if (fl_node_find(map, key))
        return;
    fl_node_path(map, path, sizeof path);
    fl_config_problem(load->config, &map->place, "%s.%s is missing: %s", path,
                      key, why);
}

static void take_curve(struct scn_load *load,
                       const struct fl_node *node,
                       const struct scn_raw_curve *raw,
                       struct scn_curve *ret)
{
    static const char *const own[] = {"start", "limit", "rate"};
    if (!node || node->kind != FL_NODE_MAP || !fl_node_find(node, "kind"))
        return;
    ret->kind = (enum scn_curve_kind)(raw->kind + 1);
    ret->start_ratio = raw->start;
    ret->limit_ratio = raw->limit;
    ret->alpha = raw->rate;
    ret->source = raw->source;
    bool is_table = ret->kind == SCN_CURVE_TABLE;
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (is_table)
            refuse_key(load, node, own[i], "with kind saturating only");
        else
            need_key(load, node, own[i], "kind saturating needs it");
    if (!is_table) {
        refuse_key(load, node, "file", "with kind table only");
        refuse_key(load, node, "file_sha256", "with kind table only");
        return;
    }
    need_key(load, node, "file", "kind table needs it");
    const struct fl_node *file = fl_node_find(node, "file");
    if (file && raw->file)
        scn_take_file(load, file, "file_sha256", raw->file_sha256, &ret->file,
                      &ret->file_sha256);
}

static void take_shape(struct scn_load *load,
                       const struct fl_node *node,
                       struct nn_shape *ret)
{
    struct fl_error err;
    struct nn_shape shape = {0};
    bool is_good = node->kind == FL_NODE_LIST && node->n_children >= 1 &&
                   node->n_children <= NN_MAX_RANK;
    for (const struct fl_node *n = is_good ? node->child : NULL; n; n = n->next)
        is_good = is_good && n->kind == FL_NODE_SCALAR &&
                  fl_parse_int(n->text, 1, 1 << 20, &shape.dim[shape.rank++],
                               &err) == FL_OK;
    if (is_good)
        *ret = shape;
    else
        fl_config_problem(load->config, &node->place,
                          "mock.shape: allowed 1 to %d whole numbers in "
                          "[1, %d], e.g. [28, 28, 1]",
                          NN_MAX_RANK, 1 << 20);
}

/* All that a data set would have said. */
static void take_sizes(struct scn_load *load, const struct fl_node *node)
{
    static const char *const own[] = {"shape", "classes", "test_samples"};
    const struct scn_raw_mock *raw = &load->raw.mock;
    struct scn_mock *mock = &load->scenario->mock;
    const char *alone = "with mock.samples_per_client only";
    mock->samples_per_client = raw->samples_per_client;
    bool has_sizes = fl_node_find(node, "samples_per_client") != NULL;
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (has_sizes)
            need_key(load, node, own[i], "mock.samples_per_client needs it");
        else
            refuse_key(load, node, own[i], alone);
    if (!has_sizes) {
        refuse_key(load, node, "sample_bytes", alone);
        return;
    }
    mock->classes = raw->classes;
    mock->test_samples = raw->test_samples;
    if (raw->shape)
        take_shape(load, raw->shape, &mock->shape);
    mock->sample_bytes = raw->sample_bytes > 0
                             ? raw->sample_bytes
                             : nn_shape_size(&mock->shape) + 1;
    const struct scn_scenario *s = load->scenario;
    const struct fl_node *data = fl_node_find(load->root, "data");
    const struct fl_node *partition = fl_node_find(data, "partition");
    if (partition && (partition->kind != FL_NODE_SCALAR ||
                      strcmp(partition->text, "iid") != 0))
        fl_config_problem(load->config, &partition->place,
                          "data.partition: allowed iid with "
                          "mock.samples_per_client: all clients have as many");
    if (s->clients == 0)
        fl_config_problem(load->config, data ? &data->place : &node->place,
                          "data.clients is missing: mock.samples_per_client "
                          "needs to know how many clients");
}

/* A target without a curve is never reached, which would look like a result. */
static void check_target(struct scn_load *load, enum scn_arm arm, double target)
{
    static const char *const keys[] = {
        [SCN_FEDERATED] = "accuracy",
        [SCN_CENTRALIZED] = "centralized_accuracy",
        [SCN_LOCAL] = "alone_accuracy",
    };
    const struct scn_scenario *s = load->scenario;
    const struct fl_node *mode = fl_node_find(load->root, "mode");
    if (s->has_arm[arm] && target > 0 &&
        s->mock.accuracy[arm].kind == SCN_CURVE_NONE)
        fl_config_problem(load->config, &mode->place,
                          "mode = mock: the arm %s has the target accuracy "
                          "%.4g and no mock.%s, allowed one, or a target of 0",
                          scn_arm_name(arm), target, keys[arm]);
}

void scn_take_mock(struct scn_load *load)
{
    struct scn_scenario *s = load->scenario;
    const struct fl_node *node = fl_node_find(load->root, "mock");
    s->mock.is_on = load->raw.mode == SCN_MODE_MOCK;
    if (!s->mock.is_on) {
        refuse_key(load, load->root, "mock", "with mode: mock only");
        return;
    }
    if (node && node->kind == FL_NODE_MAP) {
        const struct scn_raw_curve *raw = load->raw.mock.accuracy;
        struct scn_curve *curves = s->mock.accuracy;
        take_curve(load, fl_node_find(node, "accuracy"), &raw[SCN_FEDERATED],
                   &curves[SCN_FEDERATED]);
        take_curve(load, fl_node_find(node, "centralized_accuracy"),
                   &raw[SCN_CENTRALIZED], &curves[SCN_CENTRALIZED]);
        take_curve(load, fl_node_find(node, "alone_accuracy"), &raw[SCN_LOCAL],
                   &curves[SCN_LOCAL]);
        take_sizes(load, node);
    }
    check_target(load, SCN_FEDERATED, s->stop_accuracy);
    check_target(load, SCN_CENTRALIZED, s->centralized.stop_accuracy);
    check_target(load, SCN_LOCAL, s->alone.stop_accuracy);
}

void scn_complete_mock(struct scn_load *load)
{
    static const char *const keys[] = {"accuracy", "centralized_accuracy",
                                       "alone_accuracy"};
    const struct fl_node *node = fl_node_find(load->root, "mock");
    for (size_t i = 0; i < SCN_ARM_LAST_; i++) {
        const struct scn_curve *curve = &load->scenario->mock.accuracy[i];
        if (curve->kind == SCN_CURVE_TABLE)
            scn_complete_file(load,
                              fl_node_find(fl_node_find(node, keys[i]), "file"),
                              "file_sha256", curve->file, curve->file_sha256);
    }
}
