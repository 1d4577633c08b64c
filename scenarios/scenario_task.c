/* What a scenario trains on: data set, model, partition. */
#include "scenarios/scenario_priv.h"

const char *scn_data_root(const struct scn_scenario *scenario,
                          const char *env_root)
{
    if (scenario->data_root)
        return scenario->data_root;
    return env_root && *env_root ? env_root : "data";
}

static void check_counts(struct scn_scenario *s, int64_t clients)
{
    const struct fl_node *root = fl_config_root(s->config);
    const struct fl_node *train = fl_node_find(root, "train");
    const struct fl_node *node = fl_node_find(train, "clients_per_round");
    if (s->has_arm[SCN_FEDERATED] && s->clients_per_round > clients)
        fl_config_problem(
            s->config, node ? &node->place : &root->place,
            "train.clients_per_round = %lld, allowed at most %lld: "
            "the clients of the partition",
            (long long)s->clients_per_round, (long long)clients);
    node = fl_node_find(fl_node_find(train, "alone"), "clients");
    if (s->has_arm[SCN_LOCAL] && s->alone_clients > clients)
        fl_config_problem(s->config, node ? &node->place : &root->place,
                          "train.alone.clients = %lld, allowed at most %lld: "
                          "the clients of the partition",
                          (long long)s->alone_clients, (long long)clients);
}

/* A model reads token numbers or it reads values, and the set has to have
 * them. */
static void check_tokens(struct scn_scenario *s, const struct scn_task *task)
{
    bool has_tokens = nn_dataset_is_tokens(task->dataset);
    if (nn_model_takes_tokens(task->model) == has_tokens)
        return;
    fl_config_problem(s->config, &s->model->place,
                      has_tokens ? "model: it reads images, but '%s' is a set "
                                   "of text, allowed there: a first layer "
                                   "that takes tokens (embedding)"
                                 : "model: it takes the tokens of a text, but "
                                   "'%s' is a set of images",
                      s->dataset);
}

int64_t scn_task_client_samples(const struct scn_task *task, int64_t client)
{
    int64_t n = task->samples_per_client;
    if (task->dataset)
        (void)nn_partition_client(&task->partition, client, &n);
    return n;
}

static void check_crop(struct scn_scenario *s, const struct scn_task *task)
{
    const struct nn_shape *shape = nn_dataset_shape(task->dataset);
    int64_t side =
        shape->dim[0] < shape->dim[1] ? shape->dim[0] : shape->dim[1];
    if (nn_dataset_is_tokens(task->dataset) || s->augment.crop < side)
        return;
    const struct fl_node *data =
        fl_node_find(fl_config_root(s->config), "data");
    const struct fl_node *node = fl_node_find(data, "augment");
    fl_config_problem(s->config, node ? &node->place : &data->place,
                      "data.augment.crop = %lld, allowed less than %lld, the "
                      "side of an image",
                      (long long)s->augment.crop, (long long)side);
}

static enum fl_status build_model(struct scn_task *task,
                                  struct scn_scenario *s,
                                  const struct nn_shape *shape,
                                  int64_t classes,
                                  struct fl_error *err)
{
    size_t before = fl_config_n_problems(s->config);
    enum fl_status status =
        nn_model_create(s->config, s->model, shape, classes, &task->model, err);
    if (status != FL_OK && status != FL_E_CONFIG)
        return status;
    scn_absorb(s->config, before, s->model, status, err);
    if (status == FL_OK && task->dataset)
        check_tokens(s, task);
    return FL_OK;
}

/* Model and partition, both even when one of them is wrong. A failure that is
 * nobody's mistake (memory) comes back as it is. */
static enum fl_status
build(struct scn_task *task, struct scn_scenario *s, struct fl_error *err)
{
    FL_TRY(build_model(task, s, nn_dataset_shape(task->dataset),
                       nn_dataset_classes(task->dataset), err));
    check_crop(s, task);
    size_t before = fl_config_n_problems(s->config);
    enum fl_status status =
        nn_partition_init(&task->partition, s->config, s->partition,
                          task->dataset, s->clients, (uint64_t)s->seed, err);
    if (status != FL_OK && status != FL_E_CONFIG)
        return status;
    scn_absorb(s->config, before, s->partition, status, err);
    if (status != FL_OK)
        return FL_OK; /* a problem by now */
    task->clients = task->partition.clients;
    task->samples = task->partition.start[task->clients];
    task->test_samples = nn_dataset_test(task->dataset)->n;
    task->sample_bytes = nn_dataset_sample_bytes(task->dataset);
    task->dataset_sha256 = nn_dataset_sha256(task->dataset);
    check_counts(s, task->clients);
    return FL_OK;
}

static enum fl_status
build_sizes(struct scn_task *task, struct scn_scenario *s, struct fl_error *err)
{
    const struct scn_mock *mock = &s->mock;
    FL_TRY(build_model(task, s, &mock->shape, mock->classes, err));
    task->clients = s->clients;
    task->samples_per_client = mock->samples_per_client;
    task->samples = s->clients * mock->samples_per_client;
    task->test_samples = mock->test_samples;
    task->sample_bytes = mock->sample_bytes;
    task->dataset_sha256 = "none";
    return FL_OK;
}

static enum fl_status open_and_build(struct scn_task *task,
                                     struct scn_scenario *s,
                                     const char *env_root,
                                     const char *cache_dir,
                                     struct fl_error *err)
{
    const struct nn_dataset_place place = {.root = scn_data_root(s, env_root),
                                           .cache_dir = cache_dir,
                                           .seed = (uint64_t)s->seed};
    for (int arm = 0; arm < SCN_ARM_LAST_; arm++)
        if (s->has_arm[arm])
            FL_TRY(scn_curve_open(&s->mock.accuracy[arm],
                                  scn_arm_name((enum scn_arm)arm), err));
    if (s->mock.samples_per_client > 0)
        return build_sizes(task, s, err);
    FL_TRY(nn_dataset_create(s->config, s->dataset, s->dataset_options, &place,
                             &task->dataset, err));
    return build(task, s, err);
}

enum fl_status scn_task_init(struct scn_task *task,
                             struct scn_scenario *scenario,
                             const char *env_root,
                             const char *cache_dir,
                             FILE *problems,
                             struct fl_error *err)
{
    struct fl_error error = {0};
    struct scn_task made = {0};
    if (scenario->account.is_whole)
        return fl_fail(err, FL_E_CONFIG,
                       "%s: an account trains nothing; fedcarbon account "
                       "costs it",
                       scenario->name);
    enum fl_status status =
        open_and_build(&made, scenario, env_root, cache_dir, &error);
    if (status != FL_OK) {
        scn_task_fini(&made);
        return fl_fail(err, status, "%s", error.text);
    }
    status = scn_scenario_check(scenario, problems, err);
    if (status != FL_OK) {
        scn_task_fini(&made);
        return status;
    }
    *task = made;
    return FL_OK;
}

void scn_task_fini(struct scn_task *task)
{
    nn_partition_fini(&task->partition);
    nn_model_destroy(task->model);
    nn_dataset_destroy(task->dataset);
    *task = (struct scn_task){0};
}
