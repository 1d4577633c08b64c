/* The section `train`: arms, optimisers and their defaults, schedules, the
 * model that training starts from. */
#include "scenarios/scenario_priv.h"

#include <stdio.h>
#include <string.h>

/* Options of optimisers: who has them, and what they are when not given. Of
 * the doubles of struct nn_optimizer_opts; `nesterov` is apart. */
#define HAS(kind) (1u << (kind))
#define HAS_ADAM  (HAS(NN_ADAM) | HAS(NN_ADAMW))
#define HAS_ANY   (HAS(NN_SGD) | HAS_ADAM)
static const struct option {
    const char *key;
    size_t offset;
    unsigned who;
    double by_default[NN_OPTIMIZER_LAST_];
} options[] = {
    {"lr",
     offsetof(struct nn_optimizer_opts, lr),
     HAS_ANY,
     {[NN_SGD] = 0.05, [NN_ADAM] = 0.001, [NN_ADAMW] = 0.001}},
    {"momentum",
     offsetof(struct nn_optimizer_opts, momentum),
     HAS(NN_SGD),
     {0}},
    {"dampening",
     offsetof(struct nn_optimizer_opts, dampening),
     HAS(NN_SGD),
     {0}},
    {"beta1",
     offsetof(struct nn_optimizer_opts, beta1),
     HAS_ADAM,
     {[NN_ADAM] = 0.9, [NN_ADAMW] = 0.9}},
    {"beta2",
     offsetof(struct nn_optimizer_opts, beta2),
     HAS_ADAM,
     {[NN_ADAM] = 0.999, [NN_ADAMW] = 0.999}},
    {"eps",
     offsetof(struct nn_optimizer_opts, eps),
     HAS_ADAM,
     {[NN_ADAM] = 1e-8, [NN_ADAMW] = 1e-8}},
    {"weight_decay",
     offsetof(struct nn_optimizer_opts, weight_decay),
     HAS_ANY,
     {[NN_ADAMW] = 0.01}},
    {"clip_norm", offsetof(struct nn_optimizer_opts, clip_norm), HAS_ANY, {0}},
    {"clip_value",
     offsetof(struct nn_optimizer_opts, clip_value),
     HAS_ANY,
     {0}},
};
#define N_OPTIONS (sizeof options / sizeof options[0])

static bool has_key(const struct fl_node *map, const char *key)
{
    return fl_node_find(map, key) != NULL;
}

static double value_of(const struct nn_optimizer_opts *opts,
                       const struct option *option)
{
    double value = 0;
    memcpy(&value, (const char *)opts + option->offset, sizeof value);
    return value;
}

static void set_value(struct nn_optimizer_opts *opts,
                      const struct option *option,
                      double value)
{
    memcpy((char *)opts + option->offset, &value, sizeof value);
}

/* Optimisers */

static void refuse(struct scn_load *load,
                   const struct fl_node *node,
                   const char *key,
                   const char *what,
                   const char *why)
{
    char path[160];
    const struct fl_node *given = fl_node_find(node, key);
    if (!given)
        return;
    fl_node_path(given, path, sizeof path);
    fl_config_problem(load->config, &given->key_place, "%s: %s%s", path, what,
                      why);
}

static void check_nesterov(struct scn_load *load,
                           const struct fl_node *node,
                           const struct nn_optimizer_opts *opts)
{
    if (opts->is_nesterov && (!(opts->momentum > 0) || opts->dampening > 0))
        refuse(load, node, has_key(node, "nesterov") ? "nesterov" : "momentum",
               "nesterov allowed with momentum, and without dampening", "");
}

/* What the section gives, for the rest `from` with the same optimiser, else
 * the optimiser's defaults. */
static void take_optimizer(struct scn_load *load,
                           const struct fl_node *node,
                           const struct scn_raw_training *raw,
                           const struct nn_optimizer_opts *from,
                           struct nn_optimizer_opts *ret)
{
    enum nn_optimizer kind = from ? from->kind : NN_SGD;
    if (has_key(node, "optimizer"))
        kind = (enum nn_optimizer)raw->optimizer;
    bool is_alike = from && from->kind == kind;
    *ret = is_alike ? *from : (struct nn_optimizer_opts){.kind = kind};
    const char *name = nn_optimizer_names[kind];
    for (size_t i = 0; i < N_OPTIONS; i++) {
        const struct option *option = &options[i];
        bool is_given = has_key(node, option->key);
        if (!(option->who & HAS(kind)))
            refuse(load, node, option->key, "not an option of optimizer ",
                   name);
        else if (is_given)
            set_value(ret, option, value_of(&raw->opts, option));
        else if (!is_alike)
            set_value(ret, option, option->by_default[kind]);
    }
    if (kind != NN_SGD)
        refuse(load, node, "nesterov", "not an option of optimizer ", name);
    else if (has_key(node, "nesterov"))
        ret->is_nesterov = raw->opts.is_nesterov;
    check_nesterov(load, node, ret);
}

static void complete_optimizer(struct scn_load *load,
                               const struct fl_node *node,
                               const struct nn_optimizer_opts *opts,
                               const struct nn_optimizer_opts *from)
{
    struct fl_config *config = load->config;
    const char *origin =
        from && from->kind == opts->kind ? "train.local" : "default";
    if (!has_key(node, "optimizer"))
        (void)fl_config_put_text(config, node, "optimizer",
                                 nn_optimizer_names[opts->kind], origin);
    for (size_t i = 0; i < N_OPTIONS; i++)
        if ((options[i].who & HAS(opts->kind)) &&
            !has_key(node, options[i].key))
            (void)fl_config_put_double(config, node, options[i].key,
                                       value_of(opts, &options[i]), origin);
    if (opts->kind == NN_SGD && !has_key(node, "nesterov"))
        (void)fl_config_put_text(config, node, "nesterov",
                                 opts->is_nesterov ? "true" : "false", origin);
}

/* Schedules */

static void need(struct scn_load *load,
                 const struct fl_node *node,
                 const char *key,
                 const char *kind)
{
    char path[160];
    if (has_key(node, key))
        return;
    fl_node_path(node, path, sizeof path);
    fl_config_problem(load->config, &node->place,
                      "%s.%s is missing: a schedule of kind %s needs it", path,
                      key, kind);
}

static void take_schedule(struct scn_load *load,
                          const struct fl_node *node,
                          const struct scn_raw_schedule *raw,
                          struct nn_schedule *ret)
{
    static const struct {
        const char *key;
        unsigned who;
        bool is_needed;
    } keys[] = {
        {"every", HAS(NN_SCHEDULE_STEP), true},
        {"gamma", HAS(NN_SCHEDULE_STEP) | HAS(NN_SCHEDULE_EXPONENTIAL), true},
        {"min_lr", HAS(NN_SCHEDULE_COSINE), false},
        {"end_ratio", HAS(NN_SCHEDULE_LINEAR), false},
    };
    *ret = (struct nn_schedule){
        .kind = (enum nn_schedule_kind)raw->kind,
        .every = raw->every > 0 ? raw->every : 1,
        .gamma = raw->gamma,
        .min_lr = raw->min_lr,
        .end_ratio = raw->end_ratio,
        .warmup = raw->warmup,
        .warmup_start =
            has_key(node, "warmup_start") ? raw->warmup_start : 1.0 / 3,
    };
    if (!node)
        return;
    const char *name = nn_schedule_names[ret->kind];
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (!(keys[i].who & HAS(ret->kind)))
            refuse(load, node, keys[i].key, "not an option of kind ", name);
        else if (keys[i].is_needed)
            need(load, node, keys[i].key, name);
    }
    if (ret->warmup == 0)
        refuse(load, node, "warmup_start", "allowed with warmup only", "");
}

/* Arms */

static void take_training(struct scn_load *load,
                          const struct fl_node *node,
                          const struct scn_raw_training *raw,
                          const struct scn_training *local,
                          struct scn_training *ret)
{
    *ret =
        (struct scn_training){.epochs = raw->epochs,
                              .batch = raw->batch,
                              .stop_accuracy = load->raw.train.stop.accuracy};
    if (local && !has_key(node, "batch"))
        ret->batch = local->batch;
    if (has_key(fl_node_find(node, "stop"), "accuracy"))
        ret->stop_accuracy = raw->stop.accuracy;
    take_optimizer(load, node, raw, local ? &local->optimizer : NULL,
                   &ret->optimizer);
    take_schedule(load, fl_node_find(node, "schedule"), &raw->schedule,
                  &ret->schedule);
}

static void take_initial_model(struct scn_load *load,
                               const struct fl_node *train)
{
    struct scn_scenario *s = load->scenario;
    const struct fl_node *node = fl_node_find(train, "initial_model");
    if (node && load->raw.train.initial_model)
        scn_take_file(load, node, "initial_model_sha256",
                      load->raw.train.initial_model_sha256, &s->initial_model,
                      &s->initial_model_sha256);
    else if (!node)
        refuse(load, train, "initial_model_sha256",
               "allowed with initial_model only", "");
}

void scn_take_train(struct scn_load *load)
{
    struct scn_scenario *s = load->scenario;
    const struct scn_raw_train *raw = &load->raw.train;
    const struct fl_node *train = fl_node_find(load->root, "train");
    for (int arm = 0; arm < SCN_ARM_LAST_; arm++)
        s->has_arm[arm] = (raw->arms >> arm & 1) != 0;
    s->strategy = raw->strategy;
    s->selection = raw->selection;
    s->clients_per_round = raw->clients_per_round;
    s->over_selection_ratio = raw->over_selection_ratio;
    s->drop_out_ratio = raw->drop_out_ratio;
    s->timeout_s = raw->timeout_s;
    s->rounds = raw->rounds;
    s->evaluate_every = raw->evaluate_every;
    s->stop_accuracy = raw->stop.accuracy;
    take_training(load, fl_node_find(train, "local"), &raw->local, NULL,
                  &s->local);
    take_training(load, fl_node_find(train, "centralized"), &raw->centralized,
                  &s->local, &s->centralized);
    take_training(load, fl_node_find(train, "alone"), &raw->alone, &s->local,
                  &s->alone);
    s->alone_clients = raw->alone.clients;
    s->alone_evaluate_every = raw->alone.evaluate_every;
    take_initial_model(load, train);
}

/* Completing */

/* An arm's section; made when it was not given. */
static const struct fl_node *section(struct scn_load *load, const char *key)
{
    const struct fl_node *train = fl_node_find(load->root, "train");
    if (!train)
        train = fl_config_put_map(load->config, load->root, "train", "default");
    const struct fl_node *node = fl_node_find(train, key);
    if (train && !node)
        node = fl_config_put_map(load->config, train, key, "default");
    return node;
}

static void complete_arm(struct scn_load *load,
                         const char *key,
                         const struct scn_training *t)
{
    struct fl_config *config = load->config;
    const struct fl_node *node = section(load, key);
    if (!node)
        return;
    if (!has_key(node, "batch"))
        (void)fl_config_put_double(config, node, "batch", (double)t->batch,
                                   "train.local");
    complete_optimizer(load, node, &t->optimizer,
                       &load->scenario->local.optimizer);
    const struct fl_node *stop = fl_node_find(node, "stop");
    if (!stop)
        stop = fl_config_put_map(config, node, "stop", "train.stop");
    if (stop && !has_key(stop, "accuracy"))
        (void)fl_config_put_double(config, stop, "accuracy", t->stop_accuracy,
                                   "train.stop");
}

void scn_complete_train(struct scn_load *load)
{
    const struct scn_scenario *s = load->scenario;
    const struct fl_node *local = section(load, "local");
    if (local)
        complete_optimizer(load, local, &s->local.optimizer, NULL);
    if (s->has_arm[SCN_CENTRALIZED])
        complete_arm(load, "centralized", &s->centralized);
    if (s->has_arm[SCN_LOCAL])
        complete_arm(load, "alone", &s->alone);
    if (s->initial_model)
        scn_complete_file(
            load,
            fl_node_find(fl_node_find(load->root, "train"), "initial_model"),
            "initial_model_sha256", s->initial_model, s->initial_model_sha256);
}
