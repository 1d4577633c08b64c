/* Profiles: devices and links by name, from the reviewed tables under
 * carbon/facts/ (zones: carbon/zone.h). A scenario adds or overrides facts.
 */
#ifndef CARBON_PROFILE_H
#define CARBON_PROFILE_H

#include "base/status.h"
#include "carbon/fact.h"
#include "carbon/mode.h"
#include "carbon/zone.h"

#include <stddef.h>

/* A machine that computes: a phone, a board, a server, a GPU node. */
struct carbon_device {
    const char *name;
    const char *doc;
    struct carbon_fact train_w;          /* whole device while training */
    struct carbon_fact idle_w;           /* whole device awake, doing nothing */
    struct carbon_fact train_flop_per_s; /* sustained on small CNNs, not peak */
    /* Of each training step or scored batch, however small: kernel launches,
     * synchronising. */
    struct carbon_fact step_overhead_s;
    /* Memory, where train_w and idle_w were measured without it. */
    struct carbon_fact memory_w;
    struct carbon_fact embodied_kgco2e; /* making, carrying, disposing of it */
    struct carbon_fact lifetime_years;  /* until it is replaced */
    struct carbon_fact use_share;       /* of its life in which it is used */
    /* Other clocks, other powers; NULL: none are known. */
    const struct carbon_mode *modes;
};

/* The last mile between a client and the core network. */
struct carbon_link {
    const char *name;
    const char *doc;
    struct carbon_fact down_bps;
    struct carbon_fact up_bps;
    struct carbon_fact rx_w; /* client's radio, on top of its idle power */
    struct carbon_fact tx_w;
    struct carbon_fact router_w; /* access point while the transfer lasts */
    struct carbon_fact
        access_down_j_per_byte; /* base station, DSLAM: per byte */
    struct carbon_fact access_up_j_per_byte;
};

/* Tables end with a row whose name is NULL. */
extern const struct carbon_device carbon_devices[];
extern const struct carbon_link carbon_links[];

/* By name. Fails FL_E_CONFIG unknown, with the nearest names. */
enum fl_status carbon_device_find(const char *name,
                                  const struct carbon_device **ret,
                                  struct fl_error *err) FL_NODISCARD;
enum fl_status carbon_link_find(const char *name,
                                const struct carbon_link **ret,
                                struct fl_error *err) FL_NODISCARD;

#endif
