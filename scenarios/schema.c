#include "scenarios/schema_priv.h"
#include "scenarios/sweep.h"

#include <stddef.h>

static const char *const normalize_names[] = {
    [NN_NORMALIZE_STANDARD] = "standard",
    [NN_NORMALIZE_UNIT] = "unit",
    [NN_NORMALIZE_LAST_] = NULL,
};
_Static_assert(sizeof normalize_names / sizeof normalize_names[0] ==
                   NN_NORMALIZE_LAST_ + 1,
               "every way to normalize needs a name");

static const char *const grid_kind_names[] = {
    [SCN_GRID_ANNUAL] = "annual",
    [SCN_GRID_HOURLY] = "hourly",
    [SCN_GRID_CONSTANT] = "constant",
    [SCN_GRID_TYPICAL] = "typical",
    NULL,
};

static const char *const extent_names[] = {
    [CARBON_LIFE_CYCLE] = "life_cycle",
    [CARBON_DIRECT] = "direct",
    [CARBON_FOSSIL_ONLY] = "fossil_only",
    [CARBON_EXTENT_LAST_] = NULL,
};

static const char *const signal_names[] = {
    [CARBON_SIGNAL_AVERAGE] = "average",
    [CARBON_SIGNAL_MARGINAL] = "marginal",
    [CARBON_SIGNAL_LAST_] = NULL,
};

static const char *const mode_names[] = {
    [SCN_MODE_TRAIN] = "train",
    [SCN_MODE_MOCK] = "mock",
    NULL,
};

static const char *const attribution_names[] = {
    [CARBON_AVERAGE] = "average",
    [CARBON_MARGINAL] = "marginal",
    [CARBON_ATTRIBUTION_LAST_] = NULL,
};

#define SLOT_OF(raw, profile, member, is_optional)                             \
    {#member, offsetof(struct raw, member), offsetof(struct profile, member),  \
     is_optional},
#define SLOT(member, least, most, unit, doc)                                   \
    SLOT_OF(scn_device_facts, carbon_device, member, false)
#define OPTIONAL_SLOT(member, least, most, unit, doc)                          \
    SLOT_OF(scn_device_facts, carbon_device, member, true)
const struct scn_fact_slot scn_device_slots[] = {
    SCN_DEVICE_CORE(SLOT)          /**/
    SCN_DEVICE_MORE(OPTIONAL_SLOT) /**/
    {0},
};
#undef SLOT
#define SLOT(member, least, most, unit, doc)                                   \
    SLOT_OF(scn_preset_facts, carbon_preset, member, true)
const struct scn_fact_slot scn_preset_slots[] = {
    SCN_PRESET_FACTS(SLOT) /**/
    {0},
};
#undef SLOT
#define SLOT(member, least, most, unit, doc)                                   \
    SLOT_OF(scn_link_facts, carbon_link, member, false)
const struct scn_fact_slot scn_link_slots[] = {
    SCN_LINK_FACTS(SLOT) /**/
    {0},
};
#undef SLOT

#define FACT_ROW(type, field, member, least, most, unit_, doc_)                \
    {.key = #member,                                                           \
     .kind = FL_PARAM_FACT,                                                    \
     .offset = offsetof(type, field.member),                                   \
     .min = (least),                                                           \
     .max = (most),                                                            \
     .unit = (unit_),                                                          \
     .doc = (doc_)},

#define RAW        struct scn_raw
#define AT(member) .offset = offsetof(struct scn_raw, member)

/* Data */

static const struct fl_param augment_params[] = {
    {.key = "crop",
     .kind = FL_PARAM_INT,
     .offset = offsetof(struct nn_augment, crop),
     .max = 256,
     .def = "0",
     .unit = "pixels",
     .doc = "Padding with black on each side before an image is cut back to "
            "its size at a random place; 0: none."},
    {.key = "flip",
     .kind = FL_PARAM_BOOL,
     .offset = offsetof(struct nn_augment, flip),
     .def = "false",
     .doc = "Mirror an image, left to right, with probability 1/2."},
    {0},
};

static const struct fl_param data_params[] = {
    {.key = "dataset",
     .kind = FL_PARAM_NODE,
     .offset = offsetof(RAW, data.dataset) - offsetof(RAW, data),
     .required = true,
     .doc = "A name (`fedcarbon list datasets`), or {kind: name, ...} with the "
            "data set's own options."},
    {.key = "clients",
     .kind = FL_PARAM_INT,
     .offset = offsetof(RAW, data.clients) - offsetof(RAW, data),
     .max = 1e7,
     .def = "0",
     .doc = "How many clients share the training data; 0: as many as the "
            "partition has by nature (writers, speakers)."},
    {.key = "partition",
     .kind = FL_PARAM_NODE,
     .offset = offsetof(RAW, data.partition) - offsetof(RAW, data),
     .def = "iid",
     .doc = "Who holds what: a name (`fedcarbon list partitions`), or {kind: "
            "name, ...} with its options."},
    {.key = "normalize",
     .kind = FL_PARAM_ENUM,
     .offset = offsetof(RAW, data.normalize) - offsetof(RAW, data),
     .choices = normalize_names,
     .def = "standard",
     .doc = "Pixels minus mean over deviation of the training set, or plain "
            "0..1; no effect on text."},
    {.key = "augment",
     .kind = FL_PARAM_SECTION,
     .offset = offsetof(RAW, data.augment) - offsetof(RAW, data),
     .section = augment_params,
     .doc = "Training images are changed at random, anew each time; not for "
            "text."},
    {.key = "root",
     .kind = FL_PARAM_STRING,
     .offset = offsetof(RAW, data.root) - offsetof(RAW, data),
     .is_whereabouts = true,
     .doc = "Folder of downloaded data sets; else $FEDCARBON_DATA, else "
            "./data."},
    {0},
};

/* Fleet and sites */

#define DEVICE_DOC                                                             \
    "A name (`fedcarbon list devices`); keys below replace single facts of "   \
    "it. With train_w, idle_w, train_flop_per_s and step_overhead_s given it " \
    "may be a name of your own. Or {name, parts}: made of parts, as "          \
    "items.N.device of accounts."
#define MODE_DOC                                                               \
    "One of the device's modes (`fedcarbon list devices`), whose power and "   \
    "speed replace the device's; not given: the device's own."
#define ZONE_DOC                                                               \
    "Where it draws its power: a grid zone (`fedcarbon list zones`)."

#define ROW_FACT(member, least, most, unit, doc)                               \
    FACT_ROW(struct scn_raw_row, device_facts, member, least, most, unit, doc)
#define ROW_LINK_FACT(member, least, most, unit, doc)                          \
    FACT_ROW(struct scn_raw_row, link_facts, member, least, most, unit, doc)
const struct fl_param scn_row_params[] = {
    {.key = "device",
     .kind = FL_PARAM_NODE,
     .offset = offsetof(struct scn_raw_row, device),
     .required = true,
     .doc = DEVICE_DOC},
    {.key = "mode",
     .kind = FL_PARAM_STRING,
     .offset = offsetof(struct scn_raw_row, mode),
     .doc = MODE_DOC},
    {.key = "share",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(struct scn_raw_row, share),
     .max = 1,
     .min_open = true,
     .def = "1",
     .doc = "Part of the clients that are so; all rows together 1."},
    {.key = "zone",
     .kind = FL_PARAM_STRING,
     .offset = offsetof(struct scn_raw_row, zone),
     .required = true,
     .doc = ZONE_DOC},
    {.key = "link",
     .kind = FL_PARAM_STRING,
     .offset = offsetof(struct scn_raw_row, link),
     .required = true,
     .doc = "A name (`fedcarbon list links`); keys below replace single facts "
            "of it."},
    SCN_DEVICE_FACTS(ROW_FACT)    /**/
    SCN_LINK_FACTS(ROW_LINK_FACT) /**/
    {0},
};

#define UPLOAD_FACT(member, least, most, unit, doc)                            \
    FACT_ROW(struct scn_raw_upload, link_facts, member, least, most, unit, doc)
const struct fl_param scn_upload_params[] = {
    {.key = "link",
     .kind = FL_PARAM_STRING,
     .offset = offsetof(struct scn_raw_upload, link),
     .required = true,
     .doc = "A name (`fedcarbon list links`)."},
    SCN_LINK_FACTS(UPLOAD_FACT) /**/
    {0},
};

#define SITE(member) offsetof(struct scn_raw_site, member)
#define SITE_FACT(member, least, most, unit, doc)                              \
    FACT_ROW(struct scn_raw_site, device_facts, member, least, most, unit, doc)
#define SITE_ROWS                                                              \
    {.key = "device",                                                          \
     .kind = FL_PARAM_NODE,                                                    \
     .offset = SITE(device),                                                   \
     .required = true,                                                         \
     .doc = DEVICE_DOC},                                                       \
        {.key = "mode",                                                        \
         .kind = FL_PARAM_STRING,                                              \
         .offset = SITE(mode),                                                 \
         .doc = MODE_DOC},                                                     \
        {.key = "machines",                                                    \
         .kind = FL_PARAM_FACT,                                                \
         .offset = SITE(machines),                                             \
         .max = 1e6,                                                           \
         .doc = "How many of the device this run keeps: 0.1 of a shared one, " \
                "2 of a pair. Power and embodied carbon times that; its "      \
                "speed is one device's. Not given: the one."},                 \
        {.key = "zone",                                                        \
         .kind = FL_PARAM_STRING,                                              \
         .offset = SITE(zone),                                                 \
         .required = true,                                                     \
         .doc = ZONE_DOC},                                                     \
        {.key = "pue",                                                         \
         .kind = FL_PARAM_FACT,                                                \
         .offset = SITE(pue),                                                  \
         .min = 1,                                                             \
         .max = 10,                                                            \
         .required = true,                                                     \
         .doc = "Power usage effectiveness of the data centre; off: none of "  \
                "its overhead is counted."},                                   \
        SCN_DEVICE_FACTS(SITE_FACT)

static const struct fl_param server_params[] = {
    SITE_ROWS /**/
    {0},
};

static const struct fl_param centralized_params[] = {
    SITE_ROWS /**/
    {.key = "upload_data",
     .kind = FL_PARAM_BOOL,
     .offset = SITE(upload_data),
     .def = "false",
     .doc = "Do the clients first send their training data here? false: the "
            "data are there already."},
    {.key = "upload_link",
     .kind = FL_PARAM_NODE,
     .offset = SITE(upload_link),
     .section = scn_upload_params,
     .doc = "The link for that: a name or a section. Not given: each client's "
            "own link of the fleet."},
    {0},
};

/* Carbon */

const struct fl_param scn_zone_param = {
    .key = "ZONE",
    .kind = FL_PARAM_FACT,
    .max = 5000,
    .unit = "gCO2e/kWh",
    .doc = "Carbon intensity.",
};

#define GRID(member)                                                           \
    (offsetof(RAW, carbon.grid.member) - offsetof(RAW, carbon.grid))
static const struct fl_param grid_params[] = {
    {.key = "kind",
     .kind = FL_PARAM_ENUM,
     .offset = GRID(kind),
     .choices = grid_kind_names,
     .required = true,
     .doc = "Annual means of the zones, hourly traces from a file, one "
            "intensity for all, or typical days by month from annual means."},
    {.key = "trace",
     .kind = FL_PARAM_STRING,
     .offset = GRID(trace),
     .is_whereabouts = true,
     .doc = "hourly: CSV file (gz too), relative to the scenario's folder (in "
            "--set to the current one)."},
    {.key = "trace_sha256",
     .kind = FL_PARAM_STRING,
     .offset = GRID(trace_sha256),
     .doc = "hourly: SHA-256 that the file has to have; filled in when "
            "resolved."},
    {.key = "extent",
     .kind = FL_PARAM_ENUM,
     .offset = GRID(extent),
     .choices = extent_names,
     .doc = "hourly: which emissions the file counts, and which column of it "
            "is read; not given: life_cycle."},
    {.key = "signal",
     .kind = FL_PARAM_ENUM,
     .offset = GRID(signal),
     .choices = signal_names,
     .doc = "hourly: of the plants that ran, or of those that answer a change; "
            "not given: average."},
    {.key = "intensity",
     .kind = FL_PARAM_FACT,
     .offset = GRID(intensity),
     .max = 5000,
     .unit = "gCO2e/kWh",
     .doc = "constant: carbon intensity of every zone."},
    {.key = "zones",
     .kind = FL_PARAM_NODE,
     .offset = GRID(zones),
     .doc = "Carbon intensity of single zones by name, in gCO2e/kWh, before "
            "anything else: {FR: 56}."},
    {0},
};

#define CARBON(member) (offsetof(RAW, carbon.member) - offsetof(RAW, carbon))
static const struct fl_param uncertainty_params[] = {
    {.key = "measured",
     .kind = FL_PARAM_DOUBLE,
     .offset = CARBON(default_gsd) + CARBON_MEASURED * sizeof(double),
     .min = 1,
     .max = 1e3,
     .def = "1.05",
     .doc =
         "Geometric standard deviation of measured facts without a spread of "
         "their own; 1: exact."},
    {.key = "datasheet",
     .kind = FL_PARAM_DOUBLE,
     .offset = CARBON(default_gsd) + CARBON_DATASHEET * sizeof(double),
     .min = 1,
     .max = 1e3,
     .def = "1.1",
     .doc =
         "Geometric standard deviation of datasheet facts without a spread of "
         "their own; 1: exact."},
    {.key = "derived",
     .kind = FL_PARAM_DOUBLE,
     .offset = CARBON(default_gsd) + CARBON_DERIVED * sizeof(double),
     .min = 1,
     .max = 1e3,
     .def = "1.25",
     .doc = "Geometric standard deviation of derived facts without a spread of "
            "their own; 1: exact."},
    {.key = "assumed",
     .kind = FL_PARAM_DOUBLE,
     .offset = CARBON(default_gsd) + CARBON_ASSUMED * sizeof(double),
     .min = 1,
     .max = 1e3,
     .def = "2",
     .doc = "Geometric standard deviation of assumed facts without a spread of "
            "their own; 1: exact."},
    {0},
};

static const char *const boundary_names[] = {
    [SCN_DYNAMIC] = "dynamic",
    [SCN_OPERATIONAL] = "operational",
    [SCN_LIFECYCLE] = "lifecycle",
    [SCN_BOUNDARY_LAST_] = NULL,
};
_Static_assert(sizeof boundary_names / sizeof boundary_names[0] ==
                   SCN_BOUNDARY_LAST_ + 1,
               "every boundary needs a name");

const char *scn_boundary_name(enum scn_boundary boundary)
{
    return (unsigned)boundary < SCN_BOUNDARY_LAST_ ? boundary_names[boundary]
                                                   : "unknown";
}

#define CARBON_FACT(member, least, most, unit_, doc_)                          \
    {.key = #member,                                                           \
     .kind = FL_PARAM_FACT,                                                    \
     .offset = CARBON(facts.member),                                           \
     .min = (least),                                                           \
     .max = (most),                                                            \
     .unit = (unit_),                                                          \
     .doc = (doc_)},
const struct fl_param scn_carbon_params[] = {
    {.key = "preset",
     .kind = FL_PARAM_STRING,
     .offset = CARBON(preset),
     .required = true,
     .doc = "What is counted (`fedcarbon list presets`)."},
    {.key = "grid",
     .kind = FL_PARAM_SECTION,
     .offset = CARBON(grid),
     .section = grid_params,
     .required = true,
     .doc = "Carbon intensity of electricity."},
    {.key = "start",
     .kind = FL_PARAM_STRING,
     .offset = CARBON(start),
     .doc = "Instant at which training starts, e.g. 2022-06-01T00:00Z; grids "
            "of kind hourly and typical need it."},
    {.key = "boundary",
     .kind = FL_PARAM_ENUM,
     .offset = CARBON(boundary),
     .choices = boundary_names,
     .def = "lifecycle",
     .doc = "Which sum is the headline: energy without idle power, all energy, "
            "or energy and the making of devices. All are reported."},
    {.key = "uncertainty",
     .kind = FL_PARAM_SECTION,
     .offset = 0,
     .section = uncertainty_params,
     .doc = "How unsure facts are, by their evidence: the defaults are our "
            "assumption."},
    {.key = "attribution",
     .kind = FL_PARAM_ENUM,
     .offset = CARBON(attribution),
     .choices = attribution_names,
     .doc =
         "average: whoever uses a device pays its idle power, too; marginal: "
         "only what is drawn because of the work. Not given: the preset's."},
    {.key = "software_bytes",
     .kind = FL_PARAM_DOUBLE,
     .offset = CARBON(software_bytes),
     .max = 1e12,
     .def = "0",
     .unit = "bytes",
     .doc = "Software that each client of the arms federated and local "
            "downloads once, before anything else; 0: it is there already."},
    SCN_PRESET_FACTS(CARBON_FACT) /**/
    {0},
};

/* The whole */

const struct fl_param scn_params[] = {
    {.key = "name",
     .kind = FL_PARAM_STRING,
     AT(name),
     .required = true,
     .doc = "Letters, digits, '-', '_', '.'; names the run's folder."},
    {.key = "seed",
     .kind = FL_PARAM_INT,
     AT(seed),
     .max = 9007199254740992.0,
     .def = "1",
     .doc = "Every random choice follows from it."},
    {.key = "mode",
     .kind = FL_PARAM_ENUM,
     AT(mode),
     .choices = mode_names,
     .doc = "mock: clock, selection, network and ledger as they would be, but "
            "nothing is trained; accuracy is what `mock` states. Not given: "
            "train."},
    {.key = "mock",
     .kind = FL_PARAM_SECTION,
     AT(mock),
     .section = scn_mock_params,
     .doc = "What stands for training in mode mock."},
    {.key = "data",
     .kind = FL_PARAM_SECTION,
     AT(data),
     .section = data_params,
     .required = true,
     .doc = "What is learnt from, and who holds it."},
    {.key = "model",
     .kind = FL_PARAM_NODE,
     AT(model),
     .required = true,
     .doc = "A name (`fedcarbon list models`), or a list of layers."},
    {.key = "train",
     .kind = FL_PARAM_SECTION,
     AT(train),
     .section = scn_train_params,
     .doc = "How it is learnt."},
    {.key = "fleet",
     .kind = FL_PARAM_ROWS,
     AT(fleet),
     .section = scn_row_params,
     .doc = "Who the clients are, for the arms federated and local."},
    {.key = "server",
     .kind = FL_PARAM_SECTION,
     AT(server),
     .section = server_params,
     .doc = "Where models are aggregated, for the arm federated."},
    {.key = "centralized",
     .kind = FL_PARAM_SECTION,
     AT(centralized),
     .section = centralized_params,
     .doc = "Where the arm centralized trains."},
    {.key = "serve",
     .kind = FL_PARAM_ROWS,
     AT(serve),
     .section = scn_serving_params,
     .doc = "Who answers requests with the trained model, at what cost."},
    {.key = "carbon",
     .kind = FL_PARAM_SECTION,
     AT(carbon),
     .section = scn_carbon_params,
     .required = true,
     .doc = "How it is costed."},
    {0},
};

void scn_describe(FILE *out)
{
    fl_config_describe(scn_params, "", out);
    (void)fputs("\n### Sweeps\n\n", out);
    fl_config_describe(scn_sweep_params, SCN_SWEEP_KEY ".", out);
    (void)fputs("\n### Accounts\n\n", out);
    fl_config_describe(scn_account_params, "", out);
}
