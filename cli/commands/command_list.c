/* fedcarbon list WHAT: everything that a scenario can name. */
#include "cli/commands.h"

#include "base/log.h"
#include "base/parse.h"
#include "carbon/carbon.h"
#include "cli/exit_code.h"
#include "cli/list_meters.h"
#include "cli/list_topology.h"
#include "cli/program.h"
#include "coordinator/selection.h"
#include "coordinator/strategy.h"
#include "nn/dataset_type.h"
#include "nn/layer.h"
#include "nn/model_type.h"
#include "nn/partition_type.h"
#include "nn/registry.h"

#include <stdio.h>
#include <string.h>

/* A name, its sentence, and below them the options it takes. */
static void
print_plugin(const char *name, const char *doc, const struct fl_param *params)
{
    (void)printf("%-20s %s\n", name, doc);
    for (size_t i = 0; params && params[i].key; i++) {
        const struct fl_param *param = &params[i];
        (void)printf("%20s %s", "", param->key);
        if (param->required)
            (void)printf(" (required)");
        else if (param->def)
            (void)printf(" (default %s)", param->def);
        (void)printf(": %s\n", param->doc ? param->doc : "");
    }
}

static void list_models(void)
{
    for (size_t i = 0; nn_models[i]; i++)
        print_plugin(nn_models[i]->name, nn_models[i]->doc, NULL);
}

static void list_layers(void)
{
    for (size_t i = 0; nn_layers[i]; i++)
        print_plugin(nn_layers[i]->name, nn_layers[i]->doc,
                     nn_layers[i]->params);
}

static void list_datasets(void)
{
    for (size_t i = 0; nn_datasets[i]; i++)
        print_plugin(nn_datasets[i]->name, nn_datasets[i]->doc,
                     nn_datasets[i]->params);
}

static void list_partitions(void)
{
    for (size_t i = 0; nn_partitions[i]; i++)
        print_plugin(nn_partitions[i]->name, nn_partitions[i]->doc,
                     nn_partitions[i]->params);
}

static void list_strategies(void)
{
    for (size_t i = 0; coord_strategies[i]; i++)
        print_plugin(coord_strategies[i]->name, coord_strategies[i]->doc,
                     coord_strategies[i]->params);
}

static void list_selections(void)
{
    for (size_t i = 0; coord_selections[i]; i++)
        print_plugin(coord_selections[i]->name, coord_selections[i]->doc,
                     coord_selections[i]->params);
}

/* "12.5 W (assumed)"; the source is in the file and in every run's facts. */
static void print_fact(const char *label,
                       const char *unit,
                       double per_unit,
                       const struct carbon_fact *fact)
{
    if (fact->is_off)
        (void)printf("  %s off", label);
    else if (fact->source)
        (void)printf("  %s %.4g %s (%s)", label, fact->value / per_unit, unit,
                     carbon_evidence_name(fact->evidence));
    else
        (void)printf("  %s not known", label);
}

static void print_modes(const struct carbon_device *device)
{
    for (const struct carbon_mode *m = device->modes; m && m->name; m++) {
        (void)printf("%20s  mode %s, %s:", "", m->name, m->doc);
        print_fact("training", "W", 1, &m->train_w);
        if (m->idle_w.source)
            print_fact("idle", "W", 1, &m->idle_w);
        print_fact("speed", "GFLOP/s", 1e9, &m->train_flop_per_s);
        (void)printf("\n");
    }
}

static void list_devices(void)
{
    for (size_t i = 0; carbon_devices[i].name; i++) {
        const struct carbon_device *device = &carbon_devices[i];
        (void)printf("%-20s %s\n%20s", device->name, device->doc, "");
        print_fact("training", "W", 1, &device->train_w);
        print_fact("idle", "W", 1, &device->idle_w);
        print_fact("speed", "GFLOP/s", 1e9, &device->train_flop_per_s);
        print_fact("a step", "ms", 1e-3, &device->step_overhead_s);
        (void)printf("\n%20s", "");
        print_fact("making", "kgCO2e", 1, &device->embodied_kgco2e);
        print_fact("life", "years", 1, &device->lifetime_years);
        print_fact("of it used", "%", 0.01, &device->use_share);
        (void)printf("\n");
        print_modes(device);
    }
}

static void list_links(void)
{
    for (size_t i = 0; carbon_links[i].name; i++) {
        const struct carbon_link *link = &carbon_links[i];
        (void)printf("%-20s %s\n%20s", link->name, link->doc, "");
        print_fact("down", "Mbit/s", 1e6, &link->down_bps);
        print_fact("up", "Mbit/s", 1e6, &link->up_bps);
        (void)printf("\n%20s", "");
        print_fact("receiving", "W", 1, &link->rx_w);
        print_fact("sending", "W", 1, &link->tx_w);
        print_fact("router", "W", 1, &link->router_w);
        (void)printf("\n%20s", "");
        print_fact("access down", "J/MB", 1e-6, &link->access_down_j_per_byte);
        print_fact("access up", "J/MB", 1e-6, &link->access_up_j_per_byte);
        (void)printf("\n");
    }
}

static void list_zones(void)
{
    for (size_t i = 0; carbon_zones[i].name; i++) {
        const struct carbon_zone *zone = &carbon_zones[i];
        const struct carbon_typical *typical = NULL;
        bool has_days =
            carbon_typical_find(zone->name, &typical, NULL) == FL_OK;
        char method[64];
        (void)snprintf(method, sizeof method, "%s, %s%s",
                       carbon_extent_name(zone->method.extent),
                       carbon_signal_name(zone->method.signal),
                       has_days ? ", typical days" : "");
        (void)printf("%-27s %7.1f gCO2e/kWh in %d  %-33s  %s\n", zone->name,
                     zone->annual_gco2e_per_kwh.value,
                     zone->annual_gco2e_per_kwh.year, method, zone->doc);
    }
}

static void list_presets(void)
{
    for (size_t i = 0; carbon_presets[i]; i++) {
        const struct carbon_preset *preset = carbon_presets[i];
        (void)printf("%-20s %s\n%20s source: %s\n%20s leaves out: %s\n"
                     "%20s attribution: %s\n",
                     preset->name, preset->doc, "", preset->source, "",
                     preset->leaves_out, "",
                     carbon_attribution_name(preset->attribution));
    }
}

static void list_terms(void)
{
    for (size_t i = 0; carbon_terms[i]; i++)
        (void)printf("%-20s %-9s %s\n", carbon_terms[i]->name,
                     carbon_terms[i]->group, carbon_terms[i]->doc);
}

static const struct {
    const char *name, *doc;
    void (*print)(void);
} lists[] = {
    {"models", "networks by name", list_models},
    {"layers", "what a network of your own is made of", list_layers},
    {"datasets", "what can be learnt from, with options", list_datasets},
    {"partitions", "how samples go to clients", list_partitions},
    {"strategies", "how updates become the next model", list_strategies},
    {"selections", "who takes part in a round", list_selections},
    {"devices", "power, speed and making of machines", list_devices},
    {"links", "speed, power and energy per byte of connections", list_links},
    {"zones", "carbon intensity of grids and cloud regions", list_zones},
    {"presets", "what is counted, after which publication", list_presets},
    {"terms", "what a preset counts with, and by which formula", list_terms},
};
/* What this machine has; not only what there is. */
static const char meters[] = "meters", topology[] = "topology";
#define N_HERE  2
#define N_LISTS (sizeof lists / sizeof lists[0])

static int print_topology(void)
{
    struct fl_error err = {0};
    enum fl_status status = cli_list_topology(&err);
    return cli_conclude(status, &err);
}

static void print_usage(FILE *out)
{
    (void)fprintf(out, "Usage: fedcarbon list WHAT\n"
                       "Say what a scenario can name. WHAT is one of\n\n");
    for (size_t i = 0; i < N_LISTS; i++)
        (void)fprintf(out, "  %-12s%s\n", lists[i].name, lists[i].doc);
    (void)fprintf(out, "  %-12s%s\n  %-12s%s\n", meters,
                  "what can measure this machine's power, or why it cannot",
                  topology, "cores and memory here, and how a run uses them");
}

int cli_command_list(int argc,
                     char **argv,
                     const struct cli_surroundings *surroundings)
{
    const char *names[N_LISTS + N_HERE];
    const char *word = argc > 1 ? argv[1] : "";
    bool wants_help = strcmp(word, "--help") == 0;
    names[N_LISTS] = meters;
    names[N_LISTS + 1] = topology;
    if (argc == 2 && strcmp(word, topology) == 0)
        return print_topology();
    if (argc == 2 && strcmp(word, meters) == 0) {
        cli_list_meters(surroundings);
        return CLI_EXIT_OK;
    }
    for (size_t i = 0; i < N_LISTS; i++) {
        names[i] = lists[i].name;
        if (argc == 2 && strcmp(word, names[i]) == 0) {
            lists[i].print();
            return CLI_EXIT_OK;
        }
    }
    const char *near =
        argc == 2 ? fl_nearest_name(word, names, N_LISTS + N_HERE) : NULL;
    if (argc > 1 && !wants_help)
        fl_log(FL_LOG_ERROR, "list: unknown '%s'%s%s%s", word,
               near ? ", did you mean '" : "", near ? near : "",
               near ? "'?" : "");
    FILE *out = wants_help ? stdout : stderr;
    print_usage(out);
    return wants_help ? CLI_EXIT_OK : CLI_EXIT_INPUT;
}
