/* What only the whole scenario can show. */
#include "scenarios/scenario_priv.h"

#include "nn/dataset_type.h"
#include "nn/model_type.h"
#include "nn/registry.h"

#include <ctype.h>
#include <string.h>

#define MAX_NAMES 64

void scn_absorb(struct fl_config *config,
                size_t n_before,
                const struct fl_node *node,
                enum fl_status status,
                const struct fl_error *err)
{
    if (status == FL_E_NOMEM)
        fl_config_no_memory(config);
    if (status == FL_OK || status == FL_E_NOMEM ||
        fl_config_n_problems(config) > n_before)
        return;
    char path[160];
    fl_node_path(node, path, sizeof path);
    fl_config_problem(config, &node->place, "%s: %.600s", path, err->text);
}

void scn_check_name(struct scn_load *load)
{
    const char *name = load->raw.name;
    if (!name)
        return;
    bool is_good = isalnum((unsigned char)name[0]) && strlen(name) <= 64;
    for (const char *p = name; *p && is_good; p++)
        is_good = isalnum((unsigned char)*p) || strchr("-_.", *p);
    if (!is_good)
        fl_config_problem(load->config,
                          &fl_node_find(load->root, "name")->place,
                          "name = %.80s, allowed up to 64 letters, digits, "
                          "'-', '_', '.', the first a letter or digit",
                          name);
}

static void check_augment(struct scn_load *load)
{
    const char *name = load->scenario->dataset;
    const struct nn_augment *augment = &load->raw.data.augment;
    const struct fl_node *node =
        fl_node_find(fl_node_find(load->root, "data"), "augment");
    if (node && (augment->crop > 0 || augment->flip) &&
        nn_dataset_find(name)->is_tokens)
        fl_config_problem(load->config, &node->place,
                          "data.augment: found crop or flip, allowed for sets "
                          "of images alone: '%s' is text",
                          name);
}

static void check_dataset(struct scn_load *load)
{
    struct scn_scenario *s = load->scenario;
    const struct fl_node *node = load->raw.data.dataset;
    if (!node)
        return;
    const struct fl_node *name = node;
    if (node->kind != FL_NODE_SCALAR) {
        name = fl_node_find(node, "kind");
        s->dataset_options = node;
    }
    if (!name || name->kind != FL_NODE_SCALAR) {
        fl_config_problem(load->config, &node->place,
                          "data.dataset: found no kind, allowed a name or "
                          "{kind: name, ...}");
        return;
    }
    s->dataset = name->text;
    if (s->mock.samples_per_client > 0)
        return; /* it is a name and nothing more */
    if (!nn_dataset_find(s->dataset)) {
        const char *names[MAX_NAMES];
        size_t n = 0;
        for (; n < MAX_NAMES && nn_datasets[n]; n++)
            names[n] = nn_datasets[n]->name;
        fl_config_unknown_name(load->config, name, "", names, n);
        return;
    }
    check_augment(load);
    struct fl_error err;
    size_t before = fl_config_n_problems(load->config);
    scn_absorb(
        load->config, before, node,
        nn_dataset_check(load->config, s->dataset, s->dataset_options, &err),
        &err);
}

/* What can be known of model and partition without the data. A list of layers
 * needs the samples' shape: scn_task_init. */
static void check_model_and_partition(struct scn_load *load)
{
    struct scn_scenario *s = load->scenario;
    if (s->model && s->model->kind == FL_NODE_SCALAR) {
        const char *names[MAX_NAMES];
        bool is_known = false;
        size_t n = 0;
        for (; n < MAX_NAMES && nn_models[n]; n++) {
            names[n] = nn_models[n]->name;
            is_known = is_known || strcmp(names[n], s->model->text) == 0;
        }
        if (!is_known)
            fl_config_unknown_name(load->config, s->model, "", names, n);
    }
    struct fl_error err;
    size_t before = fl_config_n_problems(load->config);
    if (s->partition)
        scn_absorb(load->config, before, s->partition,
                   nn_partition_check(load->config, s->partition, &err), &err);
}

/* The place of the first of two keys that the user gave. */
static const struct fl_place *place_of_either(const struct fl_node *a,
                                              const struct fl_node *b,
                                              const struct fl_node *otherwise)
{
    return a ? &a->place : b ? &b->place : &otherwise->place;
}

static void check_clients(struct scn_load *load)
{
    const struct scn_scenario *s = load->scenario;
    const struct fl_node *train = fl_node_find(load->root, "train");
    const struct fl_node *data = fl_node_find(load->root, "data");
    if (s->clients == 0)
        return; /* known with the partition: scn_task_init */
    const struct fl_node *clients = fl_node_find(data, "clients");
    if (s->has_arm[SCN_FEDERATED] && s->clients_per_round > s->clients)
        fl_config_problem(
            load->config,
            place_of_either(fl_node_find(train, "clients_per_round"), clients,
                            load->root),
            "train.clients_per_round = %lld, allowed at most data.clients = "
            "%lld",
            (long long)s->clients_per_round, (long long)s->clients);
    if (s->has_arm[SCN_LOCAL] && s->alone_clients > s->clients)
        fl_config_problem(
            load->config,
            place_of_either(
                fl_node_find(fl_node_find(train, "alone"), "clients"), clients,
                load->root),
            "train.alone.clients = %lld, allowed at most data.clients = %lld",
            (long long)s->alone_clients, (long long)s->clients);
}

static void
need_section(struct scn_load *load, const char *key, const char *why)
{
    const struct fl_node *node = fl_node_find(load->root, key);
    bool is_empty = node && node->kind == FL_NODE_LIST && !node->child;
    if (!node || is_empty)
        fl_config_problem(load->config,
                          node ? &node->place : &load->root->place,
                          "%s is missing: %s", key, why);
}

void scn_check_whole(struct scn_load *load)
{
    const struct scn_scenario *s = load->scenario;
    scn_check_name(load);
    check_dataset(load);
    check_model_and_partition(load);
    check_clients(load);
    if (s->has_arm[SCN_FEDERATED])
        need_section(load, "server",
                     "the arm federated needs device, zone and pue of it");
    if (s->has_arm[SCN_CENTRALIZED])
        need_section(load, "centralized",
                     "the arm centralized needs device, zone and pue of it");
    if (s->has_arm[SCN_FEDERATED] || s->has_arm[SCN_LOCAL])
        need_section(load, "fleet",
                     "the arms federated and local need rows of device, zone "
                     "and link");
    else if (s->uploads_data)
        need_section(load, "fleet", "upload_data needs to know who uploads");
}

/* Facts */

void scn_refuse_activity(struct scn_load *load,
                         const struct fl_node *node,
                         enum fl_status status,
                         const struct fl_error *err)
{
    char path[160];
    if (status == FL_E_NOMEM) {
        fl_config_no_memory(load->config);
        return;
    }
    fl_node_path(node, path, sizeof path);
    const struct fl_node *start = load->private->carbon_node;
    if (status == FL_E_RANGE && start)
        fl_config_problem(load->config, &start->place, "carbon.start: %s",
                          err->text);
    else
        fl_config_problem(load->config, &node->place, "%s: %s", path,
                          err->text);
}

/* Whether the preset counts anything of it. */
static bool try_activity(struct scn_load *load,
                         const struct fl_node *node,
                         struct carbon_activity activity)
{
    struct carbon_entry entries[CARBON_MAX_TERMS];
    size_t n = 0;
    struct fl_error err;
    enum fl_status status =
        carbon_account(&load->scenario->preset, load->scenario->grid, &activity,
                       entries, &n, &err);
    if (status != FL_OK)
        scn_refuse_activity(load, node, status, &err);
    return status != FL_OK || n > 0;
}

struct trial {
    struct scn_load *load;
    bool counts_training; /* of the centralized arm */
};

static enum fl_status
try_sample(const struct scn_sample *sample, void *arg, struct fl_error *err)
{
    (void)err; /* problems are collected */
    struct trial *trial = arg;
    const struct fl_node *node =
        fl_node_find(trial->load->root, sample->section);
    if (sample->row >= 0) {
        node = node->child;
        for (int64_t i = 0; i < sample->row; i++)
            node = node->next;
    }
    bool is_counted = try_activity(trial->load, node, sample->activity);
    if (sample->activity.role == CARBON_DATACENTRE &&
        sample->activity.phase == CARBON_TRAIN)
        trial->counts_training = is_counted;
    return FL_OK;
}

void scn_check_facts(struct scn_load *load)
{
    const struct scn_scenario *s = load->scenario;
    struct trial trial = {.load = load, .counts_training = true};
    struct fl_error err;
    scn_check_account(load);
    if (scn_scenario_sample(s, try_sample, &trial, &err) != FL_OK)
        fl_config_no_memory(load->config); /* no sample fails otherwise */
    const struct fl_node *preset =
        fl_node_find(fl_node_find(load->root, "carbon"), "preset");
    if (!trial.counts_training && preset)
        fl_config_problem(load->config, &preset->place,
                          "carbon.preset = %s counts nothing of the arm "
                          "centralized (left out: %.300s), allowed another "
                          "preset, or train.arms without it",
                          s->preset.name, s->preset.leaves_out);
}
