/* The loader's state, shared by the files of scenarios/. Loading is a row of
 * passes over one struct scn_load: decode, take over what the sections say,
 * check the whole, complete what was left open. Passes add problems to the
 * config and go on; only the last one looks whether there are any.
 */
#ifndef SCENARIOS_SCENARIO_PRIV_H
#define SCENARIOS_SCENARIO_PRIV_H

#include "scenarios/schema_priv.h"

#include <stdbool.h>

/* A zone of the scenario's grid, in the order of its number. */
struct scn_zone {
    const char *name;
    const struct fl_node *node;           /* where it was first named */
    struct carbon_fact intensity;         /* source NULL: from the trace */
    const struct carbon_typical *typical; /* NULL: none */
};

/* What the scenario keeps beyond its public part. */
struct scn_private {
    struct scn_scenario public; /* first: one is cast to the other */
    struct scn_zone *zones;
    size_t n_zones, zone_capacity;
    const char *trace; /* path, or NULL */
    struct carbon_method method;
    const char *trace_sha256;
    const struct fl_node *carbon_node; /* of carbon.start, for errors */
    const struct fl_param *params;     /* the table of the whole file */
};

struct scn_load {
    struct fl_config *config;
    const struct fl_node *root;
    struct scn_private *private;
    struct scn_scenario *scenario; /* the public part of private */
    struct scn_raw raw;
    struct scn_raw_row *rows; /* one per row of the fleet */
    size_t row_capacity;
    struct scn_raw_upload upload;
    struct scn_account_raw *account; /* account_take.c; NULL: none */
    struct carbon_fact router_w; /* the preset's, for links without their own;
                                    missing: there is none */
    const char *folder;          /* of the file; NULL: open no files */
};

/* fleet.c: devices, links, sites. */
void scn_take_fleet(struct scn_load *load);
void scn_take_sites(struct scn_load *load);
/* Writes the facts that came from profiles into the tree. */
void scn_complete_fleet(struct scn_load *load);

/* fact_take.c: a fact as given, as carbon/ wants it; false: a problem. */
bool scn_take_fact(struct scn_load *load,
                   const struct fl_fact *raw,
                   struct carbon_fact *ret);
/* Writes a fact that was not given below map. */
void scn_complete_fact(struct scn_load *load,
                       const struct fl_node *map,
                       const char *key,
                       const struct fl_fact *raw,
                       const struct carbon_fact *fact,
                       const char *origin);
/* Puts the given facts of raw into a profile; whether all were given. */
bool scn_take_facts(struct scn_load *load,
                    const struct scn_fact_slot *slots,
                    const void *raw,
                    void *profile);
/* Writes the facts of a profile that were not given below map. */
void scn_complete_facts(struct scn_load *load,
                        const struct fl_node *map,
                        const struct scn_fact_slot *slots,
                        const void *raw,
                        void *profile,
                        const char *origin);
/* The link of that name, which is at node, with the facts of raw; false: the
 * name is NULL, or a problem. Of routers the link's own comes first, then
 * carbon's, the preset's, the profile's. */
bool scn_take_link(struct scn_load *load,
                   const struct fl_node *node,
                   const char *name,
                   const struct scn_link_facts *raw,
                   struct carbon_link *ret);
/* An unknown name of a table whose rows begin with their name. */
void scn_unknown_in_table(struct scn_load *load,
                          const struct fl_node *node,
                          const char *what,
                          const void *table,
                          size_t row_size);

/* scenario_training.c: arms, optimisers, schedules, the initial model. */
void scn_take_train(struct scn_load *load);
void scn_complete_train(struct scn_load *load);

/* scenario_file.c: a file that the scenario names. */

/* Its absolute path, from the text at node, and its SHA-256, which must be
 * `given` unless that is NULL (the value of key `sha256_key` beside node).
 * Without a folder the scenario is resolved already: no file is opened, the
 * values are taken as they are. NULL paths after a problem. */
void scn_take_file(struct scn_load *load,
                   const struct fl_node *node,
                   const char *sha256_key,
                   const char *given,
                   const char **ret_path,
                   const char **ret_sha256);
/* Enters both into the tree beside node. */
void scn_complete_file(struct scn_load *load,
                       const struct fl_node *node,
                       const char *sha256_key,
                       const char *path,
                       const char *sha256);

/* scenario_preset.c: the preset, its constants, attribution. */
void scn_take_preset(struct scn_load *load, const struct fl_node *carbon);
void scn_complete_preset(struct scn_load *load, const struct fl_node *carbon);

/* mock_take.c: what stands for training. After scn_take_train. */
void scn_take_mock(struct scn_load *load);
void scn_complete_mock(struct scn_load *load);

/* scenario_grid.c: zones and traces. The name is the zone's own, whichever of
 * its names the node holds. */
int32_t scn_take_zone(struct scn_load *load,
                      const struct fl_node *node,
                      const char **ret_name);
void scn_take_carbon(struct scn_load *load);
/* Makes the grid, with every failure as a problem. */
void scn_take_grid(struct scn_load *load);
void scn_complete_carbon(struct scn_load *load);

/* Puts a mode (NULL: none) and the facts that map gives into a device; whether
 * all facts were given. A problem is a machine that idles at more than it
 * trains at. */
bool scn_take_device_facts(struct scn_load *load,
                           const struct fl_node *map,
                           const char *mode,
                           const struct scn_device_facts *raw,
                           struct carbon_device *device);

/* account_machine.c: the device that {name, parts} describe; without a name
 * after a problem. */
void scn_take_parts(struct scn_load *load,
                    const struct fl_node *node,
                    struct carbon_device *ret);

/* account_take.c: items and servings. */
void scn_take_account(struct scn_load *load);
void scn_complete_account(struct scn_load *load);
/* Every event costed once. Needs the grid. */
void scn_check_account(struct scn_load *load);
void scn_account_raw_destroy(struct scn_account_raw *raw);
void scn_account_fini(struct scn_account *account);

/* scenario_check.c: what only the whole can show. */
void scn_check_name(struct scn_load *load);
void scn_check_whole(struct scn_load *load);
/* Every activity that can happen, costed once: a missing fact is found here
 * and not in round 50. Needs the grid. */
void scn_check_facts(struct scn_load *load);

/* The costing of an activity failed: what is missing becomes a problem at node,
 * a time outside the grid one of carbon.start. */
void scn_refuse_activity(struct scn_load *load,
                         const struct fl_node *node,
                         enum fl_status status,
                         const struct fl_error *err);

/* Adds err's text as a problem at node unless there are more problems than
 * before already, which say it better. */
void scn_absorb(struct fl_config *config,
                size_t n_before,
                const struct fl_node *node,
                enum fl_status status,
                const struct fl_error *err);

#endif
