/* Every fact that a run rests on, with its source, into the store. */
#include "coordinator/run_priv.h"

#include <stdio.h>

struct named {
    const char *name, *unit;
    const struct carbon_fact *fact;
};

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
                                 struct fl_error *err)
{
    const struct named facts[] = {
        {"train_w", "W", &device->train_w},
        {"idle_w", "W", &device->idle_w},
        {"train_flop_per_s", "FLOP/s", &device->train_flop_per_s},
    };
    return add(run, owner, facts, COUNT(facts), err);
}

static enum fl_status add_link(struct coord_run *run,
                               const char *owner,
                               const struct carbon_link *link,
                               struct fl_error *err)
{
    const struct named facts[] = {
        {"down_bps", "bit/s", &link->down_bps},
        {"up_bps", "bit/s", &link->up_bps},
        {"rx_w", "W", &link->rx_w},
        {"tx_w", "W", &link->tx_w},
        {"router_w", "W", &link->router_w},
        {"access_down_j_per_byte", "J/byte", &link->access_down_j_per_byte},
        {"access_up_j_per_byte", "J/byte", &link->access_up_j_per_byte},
    };
    return add(run, owner, facts, COUNT(facts), err);
}

static enum fl_status add_fleet(struct coord_run *run, struct fl_error *err)
{
    for (size_t i = 0; i < run->scenario->n_fleet; i++) {
        const struct scn_fleet_row *row = &run->scenario->fleet[i];
        char owner[64];
        (void)snprintf(owner, sizeof owner, "fleet.%zu.device", i);
        FL_TRY(add_device(run, owner, &row->device, err));
        (void)snprintf(owner, sizeof owner, "fleet.%zu.link", i);
        FL_TRY(add_link(run, owner, &row->link, err));
    }
    return FL_OK;
}

static enum fl_status add_site(struct coord_run *run,
                               const char *name,
                               const struct scn_site *site,
                               struct fl_error *err)
{
    char owner[64];
    const struct named pue = {"pue", "ratio", &site->pue};
    (void)snprintf(owner, sizeof owner, "%s.device", name);
    FL_TRY(add_device(run, owner, &site->device, err));
    return add(run, name, &pue, 1, err);
}

static enum fl_status add_zones(struct coord_run *run, struct fl_error *err)
{
    const struct carbon_grid *grid = run->scenario->grid;
    for (size_t i = 0; i < carbon_grid_n_zones(grid); i++)
        FL_TRY(res_store_add_zone(run->store, (int32_t)i,
                                  carbon_grid_zone_name(grid, (int32_t)i),
                                  err));
    return FL_OK;
}

enum fl_status coord_store_facts(struct coord_run *run, struct fl_error *err)
{
    const struct scn_scenario *scenario = run->scenario;
    const struct named preset[] = {
        {"core_network_j_per_byte", "J/byte",
         &scenario->preset.core_network_j_per_byte},
        {"router_w", "W", &scenario->preset.router_w},
    };
    FL_TRY(add_zones(run, err));
    FL_TRY(add_fleet(run, err));
    if (scenario->has_arm[SCN_FEDERATED])
        FL_TRY(add_site(run, "server", &scenario->server, err));
    if (scenario->has_arm[SCN_CENTRALIZED])
        FL_TRY(add_site(run, "centralized", &scenario->datacentre, err));
    if (scenario->uploads_data && scenario->upload_link.name)
        FL_TRY(add_link(run, "centralized.upload_link", &scenario->upload_link,
                        err));
    return add(run, "carbon", preset, COUNT(preset), err);
}
