/* The option tables of items, servings and parts, and the raw structs that
 * they fill. */
#ifndef SCENARIOS_ACCOUNT_SCHEMA_PRIV_H
#define SCENARIOS_ACCOUNT_SCHEMA_PRIV_H

#include "scenarios/schema_priv.h"

struct scn_raw_machine {
    const struct fl_node *device;
    const char *mode;
    const char *zone;
    struct fl_fact pue;
    struct scn_device_facts device_facts;
};

struct scn_raw_item {
    const char *name;
    const char *arm;
    int stage, role, phase;
    const char *link;
    double bytes, stored_bytes;
    double count;
    struct fl_fact hours, seconds;
    const char *start;
    int64_t repeat;
    struct fl_fact energy_kwh;
    struct scn_raw_machine machine;
    struct scn_link_facts link_facts;
};

enum scn_filter { SCN_FILTER_NONE, SCN_FILTER_FRAME_DIFF };

struct scn_raw_serving {
    const char *name;
    const char *arm;
    int placement;
    double rate_hz; /* requests per second */
    double requests;
    const char *trace;
    const char *trace_sha256;
    double interval_s;
    struct fl_fact hours, seconds;
    const char *start;
    double request_bytes, answer_bytes;
    struct fl_fact compute_s;
    int filter;
    double kept_share;
    double replicas;
    struct fl_fact energy_kwh;
    const char *link;
    struct scn_raw_machine client; /* its pue stays unset */
    struct scn_raw_machine server;
    struct scn_link_facts link_facts;
};

struct scn_raw_act {
    double area_mm2, node_nm, fab_gco2e_per_kwh, yield;
    int64_t ics;
};

struct scn_raw_part {
    int kind;
    int64_t n, busy;
    struct fl_fact busy_w, idle_w, embodied_kgco2e;
    const struct fl_node *act;
};

struct scn_raw_parts {
    const char *name;
    const struct fl_node *parts;
};

/* The decoded rows, until their facts are written into the tree. */
struct scn_account_raw {
    struct scn_raw_item *items;
    struct scn_raw_serving *servings;
};

extern const struct fl_param scn_part_params[]; /* struct scn_raw_part */
extern const struct fl_param scn_act_params[];  /* struct scn_raw_act */

#endif
