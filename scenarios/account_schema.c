/* The option tables of accounts and servings. */
#include "scenarios/account_schema_priv.h"

#include "carbon/node.h"

#include <stddef.h>

/* Words, in the order of their enums. */

static const char *const stage_names[] = {"training", "data", "search",
                                          "serving", NULL};
_Static_assert(sizeof stage_names / sizeof stage_names[0] ==
                   CARBON_STAGE_LAST_ + 1,
               "every stage needs a name");
static const char *const role_names[] = {"client", "server", "datacentre",
                                         NULL};
_Static_assert(sizeof role_names / sizeof role_names[0] ==
                   CARBON_ROLE_LAST_ + 1,
               "every role needs a name");
static const char *const phase_names[] = {
    "init", "broadcast", "train", "evaluate", "upload", "aggregate",
    "wait", "provision", "store", "peer",     "serve",  NULL};
_Static_assert(sizeof phase_names / sizeof phase_names[0] ==
                   CARBON_PHASE_LAST_ + 1,
               "every phase needs a name");
static const char *const placement_names[] = {
    [SCN_END] = "end",
    [SCN_EDGE] = "edge",
    [SCN_CLOUD] = "cloud",
    [SCN_PLACEMENT_LAST_] = NULL,
};
static const char *const filter_names[] = {
    [SCN_FILTER_NONE] = "none",
    [SCN_FILTER_FRAME_DIFF] = "frame_diff",
    NULL,
};
static const char *const part_names[] = {"cpu",  "gpu",   "memory",
                                         "disk", "other", NULL};
_Static_assert(sizeof part_names / sizeof part_names[0] ==
                   CARBON_PART_LAST_ + 1,
               "every kind of part needs a name");

const char *scn_placement_name(enum scn_placement placement)
{
    return (unsigned)placement < SCN_PLACEMENT_LAST_
               ? placement_names[placement]
               : "unknown";
}

/* Rows that several tables have */

#define FACT(type, field, key_, least, most, unit_, doc_)                      \
    {                                                                          \
        .key = key_, .kind = FL_PARAM_FACT, .offset = offsetof(type, field),   \
        .min = (least), .max = (most), .unit = (unit_), .doc = (doc_)          \
    }

#define TEXT(type, field, key_, is_required, doc_)                             \
    {                                                                          \
        .key = key_, .kind = FL_PARAM_STRING, .offset = offsetof(type, field), \
        .required = (is_required), .doc = (doc_)                               \
    }

#define NUMBER(type, field, key_, least, most, unit_, doc_)                    \
    {                                                                          \
        .key = key_, .kind = FL_PARAM_DOUBLE, .offset = offsetof(type, field), \
        .min = (least), .max = (most), .unit = (unit_), .doc = (doc_)          \
    }

#define WORD(type, field, key_, choices_, def_, doc_)                          \
    {                                                                          \
        .key = key_, .kind = FL_PARAM_ENUM, .offset = offsetof(type, field),   \
        .choices = (choices_), .def = (def_), .doc = (doc_)                    \
    }

#define DEVICE(type, field, parts_)                                            \
    {                                                                          \
        .key = "device", .kind = FL_PARAM_NODE,                                \
        .offset = offsetof(type, field), .section = (parts_),                  \
        .doc =                                                                 \
            "A name (`fedcarbon list devices`) or one of your own with its "   \
            "facts below; or {name, parts} made of parts."                     \
    }

#define DURATION(type)                                                         \
    FACT(type, hours, "hours", 0, 1e9, "h", "How long; or in seconds."),       \
        FACT(type, seconds, "seconds", 0, 1e12, "s", "How long; or in hours.")

#define START(type)                                                            \
    TEXT(type, start, "start", false,                                          \
         "Instant at which it begins, e.g. 2022-06-01T00:00Z; else as "        \
         "carbon.start.")

#define MODE_DOC                                                               \
    "One of the device's modes (`fedcarbon list devices`); not given: its "    \
    "own "                                                                     \
    "figures."

/* Items */

#define ITEM struct scn_raw_item
#define ITEM_FACT(member, least, most, unit, doc)                              \
    FACT(ITEM, machine.device_facts.member, #member, least, most, unit, doc),
#define ITEM_LINK(member, least, most, unit, doc)                              \
    FACT(ITEM, link_facts.member, #member, least, most, unit, doc),

const struct fl_param scn_item_params[] = {
    TEXT(ITEM, name, "name", true, "What it is called in tables."),
    TEXT(ITEM,
         arm,
         "arm",
         true,
         "Which of the things compared it belongs to: any name but `local`."),
    WORD(ITEM,
         stage,
         "stage",
         stage_names,
         "training",
         "Which part of the model's life it belongs to."),
    {.key = "role",
     .kind = FL_PARAM_ENUM,
     .offset = offsetof(ITEM, role),
     .choices = role_names,
     .required = true,
     .doc = "Who did it; data centres have a pue, clients a link."},
    WORD(ITEM,
         phase,
         "phase",
         phase_names,
         "train",
         "What was done; with the role it decides which terms apply."),
    DEVICE(ITEM, machine.device, scn_parts_params),
    TEXT(ITEM, machine.mode, "mode", false, MODE_DOC),
    TEXT(ITEM,
         machine.zone,
         "zone",
         true,
         "Where it draws its power: a grid zone (`fedcarbon list zones`)."),
    FACT(ITEM,
         machine.pue,
         "pue",
         1,
         10,
         NULL,
         "Power usage effectiveness, for the roles server and datacentre."),
    TEXT(ITEM,
         link,
         "link",
         false,
         "For transfers: a name (`fedcarbon list links`); keys below replace "
         "single facts of it."),
    NUMBER(ITEM,
           bytes,
           "bytes",
           0,
           1e24,
           "bytes",
           "Transferred each time; without hours or seconds the link's speed "
           "says how long it takes."),
    NUMBER(ITEM,
           stored_bytes,
           "stored_bytes",
           0,
           1e24,
           "bytes",
           "Kept, for the phase store."),
    {.key = "count",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(ITEM, count),
     .max = 1e12,
     .min_open = true,
     .def = "1",
     .doc = "How many do it at the same time."},
    DURATION(ITEM),
    START(ITEM),
    {.key = "repeat",
     .kind = FL_PARAM_INT,
     .offset = offsetof(ITEM, repeat),
     .min = 1,
     .max = 1e12,
     .def = "1",
     .doc = "How many times it was done, one after the other."},
    FACT(ITEM,
         energy_kwh,
         "energy_kwh",
         0,
         1e15,
         "kWh",
         "What it drew each time, where that is what is known; no device is "
         "needed then."),
    SCN_DEVICE_FACTS(ITEM_FACT) /**/
    SCN_LINK_FACTS(ITEM_LINK)   /**/
    {0},
};

/* Servings */

#define MACHINE struct scn_raw_machine
#define MACHINE_FACT(member, least, most, unit, doc)                           \
    FACT(MACHINE, device_facts.member, #member, least, most, unit, doc),

static const struct fl_param server_params[] = {
    DEVICE(MACHINE, device, NULL),
    TEXT(MACHINE, mode, "mode", false, MODE_DOC),
    TEXT(MACHINE, zone, "zone", true, "Where it draws its power: a grid zone."),
    {.key = "pue",
     .kind = FL_PARAM_FACT,
     .offset = offsetof(MACHINE, pue),
     .min = 1,
     .max = 10,
     .required = true,
     .doc = "Power usage effectiveness; off: none of its overhead is counted."},
    SCN_DEVICE_FACTS(MACHINE_FACT) /**/
    {0},
};

#define SERVING struct scn_raw_serving
#define SERVING_FACT(member, least, most, unit, doc)                           \
    FACT(SERVING, client.device_facts.member, #member, least, most, unit, doc),
#define SERVING_LINK(member, least, most, unit, doc)                           \
    FACT(SERVING, link_facts.member, #member, least, most, unit, doc),

const struct fl_param scn_serving_params[] = {
    TEXT(SERVING, name, "name", true, "What it is called in tables."),
    TEXT(SERVING,
         arm,
         "arm",
         true,
         "Whose model answers: in training scenarios federated or "
         "centralized, in accounts any name but `local`."),
    {.key = "placement",
     .kind = FL_PARAM_ENUM,
     .offset = offsetof(SERVING, placement),
     .choices = placement_names,
     .required = true,
     .doc = "Where requests are answered: on the device that asks, behind its "
            "access network, or in a data centre across the core network."},
    NUMBER(SERVING,
           rate_hz,
           "rate_per_s",
           0,
           1e12,
           "1/s",
           "Requests per second, with hours or seconds; or requests; or "
           "trace."),
    NUMBER(SERVING,
           requests,
           "requests",
           0,
           1e18,
           NULL,
           "Requests in all, with hours or seconds."),
    {.key = "trace",
     .kind = FL_PARAM_STRING,
     .offset = offsetof(SERVING, trace),
     .is_whereabouts = true,
     .doc = "CSV file: a header, then a row per interval whose last column is "
            "the number of requests in it."},
    TEXT(SERVING,
         trace_sha256,
         "trace_sha256",
         false,
         "SHA-256 that the trace has to have; filled in when resolved."),
    {.key = "interval_s",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(SERVING, interval_s),
     .min = 0,
     .min_open = true,
     .max = 1e9,
     .def = "3600",
     .unit = "s",
     .doc = "How long a row of the trace lasts."},
    DURATION(SERVING),
    START(SERVING),
    NUMBER(SERVING,
           request_bytes,
           "request_bytes",
           0,
           1e15,
           "bytes",
           "Sent to the server with a request."),
    NUMBER(
        SERVING, answer_bytes, "answer_bytes", 0, 1e15, "bytes", "Sent back."),
    FACT(SERVING,
         compute_s,
         "compute_s",
         0,
         1e9,
         "s",
         "How long a machine computes on one request."),
    WORD(SERVING,
         filter,
         "filter",
         filter_names,
         "none",
         "What drops requests before they cost anything; its own cost is not "
         "counted."),
    {.key = "kept_share",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(SERVING, kept_share),
     .max = 1,
     .min_open = true,
     .doc = "frame_diff: part of the frames that differ and are analysed. Must "
            "be given."},
    NUMBER(SERVING,
           replicas,
           "replicas",
           0,
           1e9,
           NULL,
           "Servers kept ready, which draw idle power between requests; 0: "
           "somebody else pays for that."),
    FACT(SERVING,
         energy_kwh,
         "energy_kwh",
         0,
         1e15,
         "kWh",
         "What serving drew in all, where that is what is known; no device "
         "and no compute_s are needed then."),
    DEVICE(SERVING, client.device, NULL),
    TEXT(SERVING, client.mode, "mode", false, MODE_DOC),
    TEXT(SERVING,
         client.zone,
         "zone",
         false,
         "Where the devices that ask are: a grid zone."),
    TEXT(SERVING,
         link,
         "link",
         false,
         "Between device and server: a name (`fedcarbon list links`); keys "
         "below replace single facts of it."),
    {.key = "server",
     .kind = FL_PARAM_SECTION,
     .offset = offsetof(SERVING, server),
     .section = server_params,
     .doc = "The machine that answers, unless that is the device itself."},
    SCN_DEVICE_FACTS(SERVING_FACT) /**/
    SCN_LINK_FACTS(SERVING_LINK)   /**/
    {0},
};

/* Parts */

#define PART struct scn_raw_part
const struct fl_param scn_part_params[] = {
    {.key = "kind",
     .kind = FL_PARAM_ENUM,
     .offset = offsetof(PART, kind),
     .choices = part_names,
     .required = true,
     .doc = "What kind of part."},
    {.key = "n",
     .kind = FL_PARAM_INT,
     .offset = offsetof(PART, n),
     .min = 1,
     .max = 1e6,
     .def = "1",
     .doc = "How many alike."},
    {.key = "busy",
     .kind = FL_PARAM_INT,
     .offset = offsetof(PART, busy),
     .max = 1e6,
     .doc = "How many of them the job uses; not given: all."},
    FACT(PART, busy_w, "busy_w", 0, 1e6, "W", "Of each, used."),
    FACT(PART, idle_w, "idle_w", 0, 1e6, "W", "Of each, not used."),
    FACT(PART,
         embodied_kgco2e,
         "embodied_kgco2e",
         0,
         1e9,
         "kgCO2e",
         "Making each."),
    {.key = "act",
     .kind = FL_PARAM_NODE,
     .offset = offsetof(PART, act),
     .section = scn_act_params,
     .doc = "Making each as a chip by ACT's tables, in place of "
            "embodied_kgco2e."},
    {0},
};

#define PARTS struct scn_raw_parts
const struct fl_param scn_parts_params[] = {
    TEXT(PARTS, name, "name", true, "What the machine is called."),
    {.key = "parts",
     .kind = FL_PARAM_ROWS,
     .offset = offsetof(PARTS, parts),
     .section = scn_part_params,
     .required = true,
     .doc = "What it is made of."},
    {0},
};

#define ACT struct scn_raw_act
const struct fl_param scn_act_params[] = {
    {.key = "area_mm2",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(ACT, area_mm2),
     .max = 1e6,
     .required = true,
     .unit = "mm2",
     .doc = "Of the die."},
    {.key = "node_nm",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(ACT, node_nm),
     .min = 0.1,
     .max = 1000,
     .required = true,
     .unit = "nm",
     .doc = "Process; of ACT's rows 28 to 3 nm the nearest is taken, of two "
            "as near the older."},
    {.key = "fab_gco2e_per_kwh",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(ACT, fab_gco2e_per_kwh),
     .max = 5000,
     .required = true,
     .unit = "gCO2e/kWh",
     .doc = "Intensity of the factory's electricity."},
    {.key = "yield",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(ACT, yield),
     .min_open = true,
     .max = 1,
     .required = true,
     .doc = "Part of the dies that are good."},
    {.key = "ics",
     .kind = FL_PARAM_INT,
     .offset = offsetof(ACT, ics),
     .max = 1e6,
     .def = "1",
     .doc = "Packages."},
    {0},
};

/* The whole of an account file */

#define AT(member) .offset = offsetof(struct scn_raw, member)
const struct fl_param scn_account_params[] = {
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
     .doc = "Of what is drawn when the result's uncertainty is asked for."},
    {.key = "items",
     .kind = FL_PARAM_ROWS,
     AT(items),
     .section = scn_item_params,
     .required = true,
     .doc = "What was done; may be empty where there is `serve`."},
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
     .doc = "How it is costed, as in scenarios that train."},
    {0},
};
