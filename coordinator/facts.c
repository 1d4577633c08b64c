/* Every fact that a run rests on, with its source, into the store.
 *
 * Which those are follows from the terms: a fact is needed when an activity
 * that the run can have is costed otherwise, or not at all, without it. Facts
 * that are off are needed, too, where a term asks for them. Simulated time
 * needs speeds and overheads whatever the preset counts. */
#include "coordinator/run_priv.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct named {
    const char *name, *unit;
    const struct carbon_fact *fact;
    bool is_of_time; /* simulated time needs it */
};

/* An activity's facts, copied so that one can be taken away. */
struct probe {
    struct carbon_preset preset;
    struct carbon_device device;
    struct carbon_link link;
    struct carbon_fact pue, machines;
};

/* Copies a part; whether the fact was in it, which is then missing. */
static bool copy_without(void *ret,
                         const void *part,
                         size_t n_bytes,
                         const struct carbon_fact *fact)
{
    static const struct carbon_fact missing = {.source = NULL};
    if (!part)
        return false;
    memcpy(ret, part, n_bytes);
    const char *begin = part, *at = (const void *)fact;
    if (at < begin || at >= begin + n_bytes)
        return false;
    memcpy((char *)ret + (at - begin), &missing, sizeof missing);
    return true;
}

static bool is_same(const struct carbon_entry *a, const struct carbon_entry *b)
{
    return a->component == b->component && a->evidence == b->evidence &&
           fabs(a->energy_j - b->energy_j) <= 0 &&
           fabs(a->idle_j - b->idle_j) <= 0 &&
           fabs(a->emitted_gco2e - b->emitted_gco2e) <= 0;
}

struct question {
    const struct scn_scenario *scenario;
    const struct carbon_fact *fact;
    bool is_needed;
};

/* Is the activity costed otherwise without the fact? */
static enum fl_status
ask(const struct scn_sample *sample, void *arg, struct fl_error *err)
{
    struct question *q = arg;
    const struct carbon_preset *preset = &q->scenario->preset;
    struct carbon_activity a = sample->activity;
    struct probe p;
    bool has_it = copy_without(&p.preset, preset, sizeof p.preset, q->fact);
    has_it |= copy_without(&p.device, a.device, sizeof p.device, q->fact);
    has_it |= copy_without(&p.link, a.link, sizeof p.link, q->fact);
    has_it |= copy_without(&p.pue, a.pue, sizeof p.pue, q->fact);
    has_it |= copy_without(&p.machines, a.machines, sizeof p.machines, q->fact);
    if (q->is_needed || !has_it)
        return FL_OK;
    struct carbon_entry with[CARBON_MAX_TERMS], without[CARBON_MAX_TERMS];
    size_t n = 0, n_without = 0;
    FL_TRY(carbon_account(preset, q->scenario->grid, &a, with, &n, err));
    a.device = a.device ? &p.device : NULL;
    a.link = a.link ? &p.link : NULL;
    a.pue = a.pue ? &p.pue : NULL;
    a.machines = a.machines ? &p.machines : NULL;
    q->is_needed = carbon_account(&p.preset, q->scenario->grid, &a, without,
                                  &n_without, NULL) != FL_OK ||
                   n != n_without;
    for (size_t i = 0; i < n && !q->is_needed; i++)
        q->is_needed = !is_same(&with[i], &without[i]);
    return FL_OK;
}

static enum fl_status add(struct coord_run *run,
                          const char *owner,
                          const struct named *facts,
                          size_t n,
                          struct fl_error *err)
{
    for (size_t i = 0; i < n; i++) {
        char name[128];
        struct question q = {.scenario = run->scenario,
                             .fact = facts[i].fact,
                             .is_needed = facts[i].is_of_time};
        if (!facts[i].fact->source && !facts[i].fact->is_off)
            continue; /* missing: no term has used it */
        if (!q.is_needed)
            FL_TRY(scn_scenario_sample(run->scenario, ask, &q, err));
        if (!q.is_needed)
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
                                 struct fl_error *err)
{
    const struct named facts[] = {
        {"train_w", "W", &device->train_w, false},
        {"idle_w", "W", &device->idle_w, false},
        {"train_flop_per_s", "FLOP/s", &device->train_flop_per_s, true},
        {"step_overhead_s", "s", &device->step_overhead_s, true},
        {"memory_w", "W", &device->memory_w, false},
        {"embodied_kgco2e", "kgCO2e", &device->embodied_kgco2e, false},
        {"lifetime_years", "years", &device->lifetime_years, false},
        {"use_share", "ratio", &device->use_share, false},
    };
    return add(run, owner, facts, COUNT(facts), err);
}

static enum fl_status add_link(struct coord_run *run,
                               const char *owner,
                               const struct carbon_link *link,
                               struct fl_error *err)
{
    const struct named facts[] = {
        {"down_bps", "bit/s", &link->down_bps, true},
        {"up_bps", "bit/s", &link->up_bps, true},
        {"rx_w", "W", &link->rx_w, false},
        {"tx_w", "W", &link->tx_w, false},
        {"router_w", "W", &link->router_w, false},
        {"access_down_j_per_byte", "J/byte", &link->access_down_j_per_byte,
         false},
        {"access_up_j_per_byte", "J/byte", &link->access_up_j_per_byte, false},
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
    const struct named own[] = {{"pue", "ratio", &site->pue, false},
                                {"machines", "1", &site->machines, false}};
    (void)snprintf(owner, sizeof owner, "%s.device", name);
    FL_TRY(add_device(run, owner, &site->device, err));
    return add(run, name, own, COUNT(own), err);
}

static enum fl_status add_preset(struct coord_run *run, struct fl_error *err)
{
    const struct carbon_preset *preset = &run->scenario->preset;
    const struct named facts[] = {
        {"core_network_j_per_byte", "J/byte", &preset->core_network_j_per_byte,
         false},
        {"whole_network_j_per_byte", "J/byte",
         &preset->whole_network_j_per_byte, false},
        {"network_idle_share", "ratio", &preset->network_idle_share, false},
        {"peer_j_per_byte", "J/byte", &preset->peer_j_per_byte, false},
        {"storage_w_per_byte", "W/byte", &preset->storage_w_per_byte, false},
        {"storage_copies", "1", &preset->storage_copies, false},
    };
    return add(run, "carbon", facts, COUNT(facts), err);
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
    FL_TRY(add_zones(run, err));
    FL_TRY(add_fleet(run, err));
    if (scenario->has_arm[SCN_FEDERATED])
        FL_TRY(add_site(run, "server", &scenario->server, err));
    if (scenario->has_arm[SCN_CENTRALIZED])
        FL_TRY(add_site(run, "centralized", &scenario->datacentre, err));
    if (scenario->uploads_data && scenario->upload_link.name)
        FL_TRY(add_link(run, "centralized.upload_link", &scenario->upload_link,
                        err));
    return add_preset(run, err);
}
