/* Scenarios: one YAML file = one experiment, checked and resolved.
 *
 * scn_scenario_create loads a file, applies --set assignments, checks every
 * key against one option table, resolves names (data set, model, strategy,
 * devices, links, zones, preset) and checks what only the whole can show (more
 * clients per round than clients, shares that do not add up to 1). All
 * problems are reported at once with file:line:column.
 *
 * A scenario owns everything it points to. scn_scenario_emit writes the
 * resolved scenario, every effective value and where it came from; loading
 * that text again gives the same scenario (client processes do just that).
 */
#ifndef SCENARIOS_SCENARIO_H
#define SCENARIOS_SCENARIO_H

#include "base/config.h"
#include "carbon/carbon.h"
#include "nn/augment.h"
#include "nn/dataset.h"
#include "nn/partition.h"
#include "nn/schedule.h"
#include "nn/train.h"
#include "scenarios/account.h"
#include "scenarios/mock.h"

#include <stdint.h>

enum scn_arm { SCN_FEDERATED, SCN_CENTRALIZED, SCN_LOCAL, SCN_ARM_LAST_ };
/* "federated" ...; never NULL. */
const char *scn_arm_name(enum scn_arm arm);
_Static_assert((int)SCN_ARM_LAST_ == SCN_MOCK_CURVES, "a curve for each arm");

/* Which sum of the ledger is the headline; all are reported. */
enum scn_boundary {
    SCN_DYNAMIC,     /* energy without idle power */
    SCN_OPERATIONAL, /* all energy */
    SCN_LIFECYCLE,   /* and the making of devices */
    SCN_BOUNDARY_LAST_
};
/* "dynamic" ...; never NULL. */
const char *scn_boundary_name(enum scn_boundary boundary);

/* Hyper-parameters of training on one machine. */
struct scn_training {
    int64_t epochs;
    int64_t batch;
    struct nn_optimizer_opts optimizer; /* its lr: what the schedule varies */
    struct nn_schedule schedule;        /* over rounds, or the arm's epochs */
    double stop_accuracy; /* of the arm that trains so; 0: never */
};

/* One row of the fleet: a share of the clients, alike. The profile is a copy
 * with the row's own overrides applied. */
struct scn_fleet_row {
    double share_ratio;
    struct carbon_device device;
    struct carbon_link link;
    int32_t zone; /* of scenario->grid */
    const char *zone_name;
};

/* A machine in a data centre. */
struct scn_site {
    struct carbon_device device;
    int32_t zone; /* of scenario->grid; -1: the scenario has no such site */
    const char *zone_name;
    struct carbon_fact pue;
    struct carbon_fact machines; /* of device; source NULL: one */
};

struct scn_scenario {
    const char *name;
    int64_t seed;

    const char *dataset;
    const struct fl_node *dataset_options; /* NULL: none */
    const struct fl_node *partition;
    int64_t clients; /* 0: as many as the partition has by nature */
    enum nn_normalize normalize;
    struct nn_augment augment; /* of training samples, in every arm */
    const struct fl_node *model;

    bool has_arm[SCN_ARM_LAST_];
    const char *initial_model;        /* path; NULL: drawn by the seed */
    const char *initial_model_sha256; /* that it has to have */
    const struct fl_node *strategy;   /* decoded by coordinator/strategies */
    const struct fl_node *selection;  /* decoded by coordinator/selection */
    int64_t clients_per_round;
    double over_selection_ratio; /* selected per wanted, >= 1 */
    double drop_out_ratio;       /* of the selected, in each round */
    double timeout_s;            /* of a round; 0: none */
    int64_t rounds;
    int64_t evaluate_every;          /* rounds */
    double stop_accuracy;            /* of the federated arm; 0: never */
    struct scn_training local;       /* a federated client's local training */
    struct scn_training centralized; /* the centralized arm */
    struct scn_training alone;       /* a client of the local arm */
    int64_t alone_clients;        /* how many the local arm samples; 0: all */
    int64_t alone_evaluate_every; /* epochs between its scores */

    struct scn_fleet_row *fleet;
    size_t n_fleet;
    struct scn_site server;
    struct scn_site datacentre; /* of the centralized arm */
    bool uploads_data; /* centralized: clients send their data first, */
    struct carbon_link upload_link; /* over this, or over their own link of
                                       the fleet where its name is NULL */

    struct scn_mock mock; /* nothing is trained where it is on */

    /* With items it trains nothing: no data, model or arms (account.h). */
    struct scn_account account;

    enum scn_boundary boundary;
    /* Of facts without a spread, by evidence. */
    double default_gsd[CARBON_EVIDENCE_LAST_];
    struct carbon_preset preset; /* a copy with the scenario's overrides; its
                                    router is in the links */
    double software_bytes;       /* that each client downloads once; 0: none */
    struct carbon_grid *grid;    /* NULL: scn_scenario_open_grid first */
    int64_t start_epoch_s;       /* the instant of simulated time 0 */

    const char *data_root; /* data.root as given, or NULL */
    struct fl_config *config;
    char sha256[65]; /* of the resolved values: the run's identity */
};

/* sets: n_sets "a.b.c=value" assignments, applied in order.
 * Fails FL_E_CONFIG with all problems (config is printed by
 * fl_config_print_problems through `problems` if not NULL), FL_E_IO.
 * Free: scn_scenario_destroy. */
enum fl_status scn_scenario_create(const char *path,
                                   const char *const *sets,
                                   size_t n_sets,
                                   FILE *problems,
                                   struct scn_scenario **ret,
                                   struct fl_error *err) FL_NODISCARD;
/* The same from text, e.g. a resolved scenario that came as a message. No file
 * is opened: with hourly traces grid is NULL, which a client never misses. */
enum fl_status scn_scenario_parse(const char *origin,
                                  const char *text,
                                  size_t n_bytes,
                                  FILE *problems,
                                  struct scn_scenario **ret,
                                  struct fl_error *err) FL_NODISCARD;
void scn_scenario_destroy(struct scn_scenario *scenario);

/* Makes scenario->grid if it is not there yet: reads the trace.
 * Fails FL_E_CONFIG, FL_E_IO, FL_E_FORMAT, FL_E_RANGE (the trace does not
 * cover carbon.start), FL_E_NOMEM. */
enum fl_status scn_scenario_open_grid(struct scn_scenario *scenario,
                                      struct fl_error *err) FL_NODISCARD;

/* All problems as one error, e.g. after a caller's own decoding of strategy
 * and selection with scenario->config added some. problems as above. */
enum fl_status scn_scenario_check(struct scn_scenario *scenario,
                                  FILE *problems,
                                  struct fl_error *err) FL_NODISCARD;

/* The resolved scenario as YAML, with origins as comments. */
void scn_scenario_emit(const struct scn_scenario *scenario, FILE *out);

/* An activity that a run of the scenario can have, and whose it is: row of the
 * section "fleet", or the section "server" or "centralized" with row -1. */
struct scn_sample {
    struct carbon_activity activity; /* of one second and one byte */
    const char *section;
    int64_t row;
};
/* Calls back with one activity of every kind that a run can have, in order;
 * stops at the first that does not return FL_OK. Their devices, links and
 * facts are the scenario's own. */
enum fl_status
scn_scenario_sample(const struct scn_scenario *scenario,
                    enum fl_status (*fn)(const struct scn_sample *sample,
                                         void *arg,
                                         struct fl_error *err),
                    void *arg,
                    struct fl_error *err) FL_NODISCARD;

/* The whole option table, for --help and docs/scenario.md. */
void scn_describe(FILE *out);

/* What the scenario trains on: data set, model, partition. */
struct scn_task {
    struct nn_dataset *dataset; /* NULL: a mock run's sizes stand for it */
    struct nn_model *model;
    struct nn_partition partition; /* of no clients without a data set */
    int64_t clients;
    int64_t samples; /* of all clients */
    int64_t test_samples;
    int64_t sample_bytes;       /* nn_dataset_sample_bytes */
    const char *dataset_sha256; /* "none" without a data set */
    int64_t samples_per_client; /* without a data set */
};

/* How many training samples a client has. */
int64_t scn_task_client_samples(const struct scn_task *task, int64_t client);

/* data.root, or else env_root (what $FEDCARBON_DATA says; NULL: not set), or
 * else "data". */
const char *scn_data_root(const struct scn_scenario *scenario,
                          const char *env_root);

/* Opens the data set and builds model and partition; cache_dir as in struct
 * nn_dataset_place. All problems of model, partition and clients_per_round
 * together, with their places.
 * Fails as nn_dataset_create, nn_model_create, nn_partition_init.
 * Free: scn_task_fini. */
enum fl_status scn_task_init(struct scn_task *task,
                             struct scn_scenario *scenario,
                             const char *env_root,
                             const char *cache_dir,
                             FILE *problems,
                             struct fl_error *err) FL_NODISCARD;
void scn_task_fini(struct scn_task *task); /* copes with a zeroed task */

/* The number of fleet row that each client belongs to, [clients], by shares
 * (largest remainder) in an order drawn from the seed. */
void scn_fleet_assign(const struct scn_scenario *scenario,
                      int64_t clients,
                      int32_t *ret_row);

#endif
