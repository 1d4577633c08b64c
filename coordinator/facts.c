/* Every fact that a run rests on, with its source, into the store. */
#include "coordinator/run_priv.h"

#include <stdio.h>

struct named {
    const char *name, *unit;
    const struct carbon_fact *fact;
    const char *term, *other_term; /* who uses it; NULL: simulated time */
};

/* A preset without the terms that use a fact does not rest on it. */
static bool is_used(const struct carbon_preset *preset,
                    const struct named *named)
{
    return !named->term || carbon_preset_has(preset, named->term) ||
           (named->other_term && carbon_preset_has(preset, named->other_term));
}

static enum fl_status add(struct coord_run *run,
                          const char *owner,
                          const struct named *facts,
                          size_t n,
                          struct fl_error *err)
{
    for (size_t i = 0; i < n; i++) {
        char name[128];
        if (!facts[i].fact->source && !facts[i].fact->is_off)
            continue; /* missing: no term has used it */
        if (!is_used(&run->scenario->preset, &facts[i]))
            continue;
        (void)snprintf(name, sizeof name, "%s.%s", owner, facts[i].name);
        FL_TRY(res_store_add_fact(run->store, name, facts[i].unit,
                                  facts[i].fact, err));
    }
    return FL_OK;
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static enum fl_status add_device(struct coord_run *run,
                                 const char *owner,
                                 const struct carbon_device *device,
                                 const char *busy_term,
                                 const char *idle_term,
                                 const char *other_idle_term,
                                 struct fl_error *err)
{
    const struct named facts[] = {
        {"train_w", "W", &device->train_w, busy_term, NULL},
        {"idle_w", "W", &device->idle_w, idle_term, other_idle_term},
        {"train_flop_per_s", "FLOP/s", &device->train_flop_per_s, NULL, NULL},
    };
    return add(run, owner, facts, COUNT(facts), err);
}

static enum fl_status add_link(struct coord_run *run,
                               const char *owner,
                               const struct carbon_link *link,
                               struct fl_error *err)
{
    /* The preset's router comes before the link's. */
    static const struct carbon_fact none = {0};
    const struct carbon_fact *given = &run->scenario->preset.router_w;
    bool has_own = !given->source && !given->is_off;
    const struct named facts[] = {
        {"down_bps", "bit/s", &link->down_bps, NULL, NULL},
        {"up_bps", "bit/s", &link->up_bps, NULL, NULL},
        {"rx_w", "W", &link->rx_w, "client_radio", NULL},
        {"tx_w", "W", &link->tx_w, "client_radio", NULL},
        {"router_w", "W", has_own ? &link->router_w : &none, "access_router",
         NULL},
        {"access_down_j_per_byte", "J/byte", &link->access_down_j_per_byte,
         "access_per_byte", NULL},
        {"access_up_j_per_byte", "J/byte", &link->access_up_j_per_byte,
         "access_per_byte", NULL},
    };
    return add(run, owner, facts, COUNT(facts), err);
}

static enum fl_status add_fleet(struct coord_run *run, struct fl_error *err)
{
    for (size_t i = 0; i < run->scenario->n_fleet; i++) {
        const struct scn_fleet_row *row = &run->scenario->fleet[i];
        char owner[64];
        (void)snprintf(owner, sizeof owner, "fleet.%zu.device", i);
        FL_TRY(add_device(run, owner, &row->device, "client_compute",
                          "client_wait", "client_transfer", err));
        (void)snprintf(owner, sizeof owner, "fleet.%zu.link", i);
        FL_TRY(add_link(run, owner, &row->link, err));
    }
    return FL_OK;
}

static enum fl_status add_site(struct coord_run *run,
                               const char *name,
                               const struct scn_site *site,
                               const char *busy_term,
                               const char *idle_term,
                               struct fl_error *err)
{
    char owner[64];
    const struct named pue = {"pue", "ratio", &site->pue, busy_term, idle_term};
    (void)snprintf(owner, sizeof owner, "%s.device", name);
    FL_TRY(
        add_device(run, owner, &site->device, busy_term, idle_term, NULL, err));
    return add(run, name, &pue, 1, err);
}

static enum fl_status add_zones(struct coord_run *run, struct fl_error *err)
{
    const struct carbon_grid *grid = run->scenario->grid;
    for (size_t i = 0; i < carbon_grid_n_zones(grid); i++) {
        const char *zone = carbon_grid_zone_name(grid, (int32_t)i);
        struct carbon_fact intensity;
        char name[128];
        FL_TRY(res_store_add_zone(run->store, (int32_t)i, zone, err));
        FL_TRY(carbon_grid_fact(grid, (int32_t)i, &intensity, err));
        (void)snprintf(name, sizeof name, "carbon.grid.zones.%.80s", zone);
        FL_TRY(
            res_store_add_fact(run->store, name, "gCO2e/kWh", &intensity, err));
    }
    return FL_OK;
}

enum fl_status coord_store_facts(struct coord_run *run, struct fl_error *err)
{
    const struct scn_scenario *scenario = run->scenario;
    const struct named preset[] = {
        {"core_network_j_per_byte", "J/byte",
         &scenario->preset.core_network_j_per_byte, "core_network", NULL},
        {"router_w", "W", &scenario->preset.router_w, "access_router", NULL},
    };
    FL_TRY(add_zones(run, err));
    FL_TRY(add_fleet(run, err));
    if (scenario->has_arm[SCN_FEDERATED])
        FL_TRY(add_site(run, "server", &scenario->server, "server_compute",
                        "server_wait", err));
    if (scenario->has_arm[SCN_CENTRALIZED])
        FL_TRY(add_site(run, "centralized", &scenario->datacentre,
                        "central_compute", "", err));
    if (scenario->uploads_data && scenario->upload_link.name)
        FL_TRY(add_link(run, "centralized.upload_link", &scenario->upload_link,
                        err));
    return add(run, "carbon", preset, COUNT(preset), err);
}
