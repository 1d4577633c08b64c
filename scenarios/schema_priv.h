/* The option table of scenarios and the raw structs that it fills. Every key
 * that a scenario file may hold is a row of schema.c and nowhere else.
 *
 * The facts of devices and links are listed once, below: a line gives a key of
 * the file, its bounds and unit, and names the member of the profile that it
 * overrides.
 */
#ifndef SCENARIOS_SCHEMA_PRIV_H
#define SCENARIOS_SCHEMA_PRIV_H

#include "base/config.h"
#include "carbon/profile.h"
#include "scenarios/scenario.h"

/* X(member, least, most, unit, doc): what makes a device, */
#define SCN_DEVICE_CORE(X)                                                     \
    X(train_w, 0, 1e6, "W", "Power of the whole device while it trains.")      \
    X(idle_w, 0, 1e6, "W", "Power of the whole device awake and waiting.")     \
    X(train_flop_per_s, 1, 1e18, "flop/s",                                     \
      "Speed in training small networks, sustained, not peak.")
/* and what simulated time and some terms ask for, too. */
#define SCN_DEVICE_MORE(X)                                                     \
    X(step_overhead_s, 0, 10, "s",                                             \
      "On top, for each training step or scored batch: starting kernels on a " \
      "GPU.")                                                                  \
    X(memory_w, 0, 1e6, "W",                                                   \
      "Power of its memory, where train_w and idle_w lack it.")                \
    X(embodied_kgco2e, 0, 1e9, "kgCO2e",                                       \
      "Emitted in making, carrying and disposing of it.")                      \
    X(lifetime_years, 0.01, 100, "years", "Until it is replaced.")             \
    X(use_share, 0.0001, 1, NULL, "Of its life in which it is used.")
#define SCN_DEVICE_FACTS(X) SCN_DEVICE_CORE(X) SCN_DEVICE_MORE(X)

#define SCN_LINK_FACTS(X)                                                      \
    X(down_bps, 1, 1e13, "bit/s", "Speed towards the client.")                 \
    X(up_bps, 1, 1e13, "bit/s", "Speed from the client.")                      \
    X(rx_w, 0, 1e4, "W", "Client's radio while receiving, on top of idle.")    \
    X(tx_w, 0, 1e4, "W", "Client's radio while sending, on top of idle.")      \
    X(router_w, 0, 1e4, "W", "Access point while a transfer lasts.")           \
    X(access_down_j_per_byte, 0, 1, "J/byte",                                  \
      "Access network (base station, DSLAM) per byte received.")               \
    X(access_up_j_per_byte, 0, 1, "J/byte",                                    \
      "Access network (base station, DSLAM) per byte sent.")

/* Constants of the preset that a scenario may replace. */
#define SCN_PRESET_FACTS(X)                                                    \
    X(core_network_j_per_byte, 0, 1, "J/byte",                                 \
      "Edge and core network per byte, in place of the preset's.")             \
    X(whole_network_j_per_byte, 0, 1, "J/byte",                                \
      "Everything between client and data centre per byte, likewise.")         \
    X(network_idle_share, 0, 1, NULL,                                          \
      "Of the network's energy per byte: drawn without traffic, too. "         \
      "Likewise. "                                                             \
      "Marginal attribution leaves it out.")                                   \
    X(peer_j_per_byte, 0, 1, "J/byte",                                         \
      "Between neighbours, per byte, both ends; likewise.")                    \
    X(storage_w_per_byte, 0, 1, "W/byte", "Disks, one copy; likewise.")        \
    X(storage_copies, 0, 100, NULL, "Copies of each byte; likewise.")          \
    X(router_w, 0, 1e4, "W",                                                   \
      "Access point of every link that is given none of its own, in place of " \
      "the preset's and the profiles'.")

#define SCN_FACT_FIELD(member, least, most, unit, doc) struct fl_fact member;
struct scn_device_facts {
    SCN_DEVICE_FACTS(SCN_FACT_FIELD)
};
struct scn_link_facts {
    SCN_LINK_FACTS(SCN_FACT_FIELD)
};
struct scn_preset_facts {
    SCN_PRESET_FACTS(SCN_FACT_FIELD)
};
#undef SCN_FACT_FIELD

/* Where a key's fact goes. */
struct scn_fact_slot {
    const char *key; /* NULL ends a table */
    size_t raw_offset;
    size_t profile_offset;
    bool is_optional; /* a profile of the user's own may lack it */
};
extern const struct scn_fact_slot scn_device_slots[];
extern const struct scn_fact_slot scn_link_slots[];
extern const struct scn_fact_slot scn_preset_slots[];

struct scn_raw_schedule {
    int kind;
    int64_t every;
    double gamma;
    double min_lr;
    double end_ratio;
    int64_t warmup;
    double warmup_start;
};

struct scn_raw_training {
    int64_t epochs;
    int64_t batch;
    int optimizer;
    struct nn_optimizer_opts opts; /* lr and so on, as far as given */
    struct scn_raw_schedule schedule;
    struct {
        double accuracy;
    } stop;
    int64_t clients;        /* of the local arm */
    int64_t evaluate_every; /* likewise */
};

struct scn_raw_train {
    uint32_t arms;
    const char *initial_model;
    const char *initial_model_sha256;
    const struct fl_node *strategy;
    const struct fl_node *selection;
    int64_t clients_per_round;
    double over_selection_ratio;
    double drop_out_ratio;
    double timeout_s;
    int64_t rounds;
    int64_t evaluate_every;
    struct {
        double accuracy;
    } stop;
    struct scn_raw_training local;
    struct scn_raw_training centralized;
    struct scn_raw_training alone;
};

struct scn_raw_row {
    const struct fl_node *device; /* a name, or {name, parts} */
    const char *mode;
    double share;
    const char *zone;
    const char *link;
    struct scn_device_facts device_facts;
    struct scn_link_facts link_facts;
};

struct scn_raw_upload {
    const char *link;
    struct scn_link_facts link_facts;
};

struct scn_raw_site {
    const struct fl_node *device; /* a name, or {name, parts} */
    const char *mode;
    struct fl_fact machines;
    const char *zone;
    struct fl_fact pue;
    struct scn_device_facts device_facts;
    bool upload_data;
    const struct fl_node *upload_link;
};

struct scn_raw_curve {
    int kind; /* enum scn_curve_kind - 1 */
    double start, limit, rate;
    const char *file;
    const char *file_sha256;
    const char *source;
};

struct scn_raw_mock {
    struct scn_raw_curve accuracy[SCN_ARM_LAST_];
    int64_t samples_per_client;
    const struct fl_node *shape;
    int64_t classes, test_samples, sample_bytes;
};

enum scn_mode { SCN_MODE_TRAIN, SCN_MODE_MOCK };

enum scn_grid_kind {
    SCN_GRID_ANNUAL,
    SCN_GRID_HOURLY,
    SCN_GRID_CONSTANT,
    SCN_GRID_TYPICAL
};

struct scn_raw {
    const char *name;
    int64_t seed;
    int mode; /* enum scn_mode */
    struct scn_raw_mock mock;
    struct {
        const struct fl_node *dataset;
        int64_t clients;
        const struct fl_node *partition;
        int normalize;
        struct nn_augment augment;
        const char *root;
    } data;
    const struct fl_node *model;
    struct scn_raw_train train;
    const struct fl_node *fleet;
    struct scn_raw_site server;
    struct scn_raw_site centralized;
    const struct fl_node *items;
    const struct fl_node *serve;
    struct {
        const char *preset;
        struct {
            int kind;
            const char *trace;
            const char *trace_sha256;
            int extent; /* enum carbon_extent */
            int signal; /* enum carbon_signal */
            struct fl_fact intensity;
            const struct fl_node *zones;
        } grid;
        const char *start;
        int boundary;
        double default_gsd[CARBON_EVIDENCE_LAST_];
        struct scn_preset_facts facts;
        int attribution; /* where it is given */
        double software_bytes;
    } carbon;
};

extern const struct fl_param scn_params[];         /* struct scn_raw */
extern const struct fl_param scn_account_params[]; /* struct scn_raw */
extern const struct fl_param scn_carbon_params[];  /* its carbon */
extern const struct fl_param scn_item_params[];    /* account_schema_priv.h */
extern const struct fl_param scn_serving_params[]; /* likewise */
extern const struct fl_param scn_parts_params[];   /* likewise */
extern const struct fl_param scn_train_params[];   /* struct scn_raw_train */
extern const struct fl_param scn_mock_params[];    /* struct scn_raw_mock */
extern const struct fl_param scn_row_params[];     /* struct scn_raw_row */
extern const struct fl_param scn_upload_params[];  /* struct scn_raw_upload */
extern const struct fl_param scn_zone_param;       /* struct fl_fact */

#endif
