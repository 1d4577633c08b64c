/* Machines of items and servings: by name, with facts of their own, or made of
 * parts. */
#include "scenarios/account_take_priv.h"

#include "base/alloc.h"
#include "base/units.h"
#include "carbon/act.h"
#include "carbon/node.h"

#include <stdio.h>
#include <string.h>

#define MAX_PARTS    64
#define SOURCE_BYTES 400 /* of one composed fact */

static bool has_any(const struct scn_fact_slot *slots, const void *raw)
{
    for (const struct scn_fact_slot *s = slots; s->key; s++) {
        const struct fl_fact *given =
            (const void *)((const char *)raw + s->raw_offset);
        if (given->is_set)
            return true;
    }
    return false;
}

/* Embodied carbon of a chip, as a fact of a part. */
static void take_act(struct scn_load *load,
                     const struct fl_node *node,
                     struct carbon_fact *ret)
{
    struct scn_raw_act raw = {0};
    struct carbon_act_made made;
    struct fl_error err;
    size_t before = fl_config_n_problems(load->config);
    if (node->kind != FL_NODE_MAP) {
        fl_config_problem(load->config, &node->place,
                          "act: found no section, allowed {area_mm2, node_nm, "
                          "fab_gco2e_per_kwh, yield}");
        return;
    }
    fl_config_decode(load->config, node, scn_act_params, NULL, &raw);
    if (fl_config_n_problems(load->config) > before)
        return;
    const struct carbon_act_chip chip = {.area_mm2 = raw.area_mm2,
                                         .node_nm = raw.node_nm,
                                         .fab_gco2e_per_kwh =
                                             raw.fab_gco2e_per_kwh,
                                         .yield_ratio = raw.yield,
                                         .ics = raw.ics};
    enum fl_status status = carbon_act_chip(&chip, &made, &err);
    scn_absorb(load->config, before, node, status, &err);
    if (status != FL_OK)
        return;
    char text[300];
    (void)snprintf(text, sizeof text,
                   "ACT, Gupta et al. 2022: %.6g mm2 at %.6g nm (row %.6g nm), "
                   "factory %.6g gCO2e/kWh, yield %.6g, %lld ICs",
                   raw.area_mm2, raw.node_nm, made.node->node_nm,
                   raw.fab_gco2e_per_kwh, raw.yield, (long long)raw.ics);
    *ret = (struct carbon_fact){.value = made.gco2e / FL_G_PER_KG,
                                .evidence = CARBON_ASSUMED,
                                .year = 2022,
                                .source = fl_config_copy(load->config, text)};
}

static void take_part(struct scn_load *load,
                      const struct fl_node *node,
                      struct carbon_part *ret)
{
    struct scn_raw_part raw = {0};
    fl_config_decode(load->config, node, scn_part_params, NULL, &raw);
    if (node->kind != FL_NODE_MAP)
        return;
    ret->kind = (enum carbon_part_kind)raw.kind;
    ret->n = raw.n;
    ret->busy = fl_node_find(node, "busy") ? raw.busy : raw.n;
    if (raw.busy_w.is_set)
        (void)scn_take_fact(load, &raw.busy_w, &ret->busy_w);
    if (raw.idle_w.is_set)
        (void)scn_take_fact(load, &raw.idle_w, &ret->idle_w);
    if (raw.embodied_kgco2e.is_set)
        (void)scn_take_fact(load, &raw.embodied_kgco2e, &ret->embodied_kgco2e);
    if (raw.act && raw.embodied_kgco2e.is_set)
        fl_config_problem(load->config, &raw.act->place,
                          "act: found embodied_kgco2e too, allowed one of "
                          "them");
    else if (raw.act)
        take_act(load, raw.act, &ret->embodied_kgco2e);
}

/* The composed facts' sources become texts of the config. */
static void keep_sources(struct scn_load *load, struct carbon_device *device)
{
    struct carbon_fact *const facts[] = {&device->train_w, &device->idle_w,
                                         &device->embodied_kgco2e};
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
        if (facts[i]->source)
            facts[i]->source = fl_config_copy(load->config, facts[i]->source);
}

void scn_take_parts(struct scn_load *load,
                    const struct fl_node *node,
                    struct carbon_device *ret)
{
    struct scn_raw_parts raw = {0};
    struct carbon_part parts[MAX_PARTS] = {0};
    char text[3 * SOURCE_BYTES];
    struct fl_error err;
    size_t before = fl_config_n_problems(load->config), n = 0;
    fl_config_decode(load->config, node, scn_parts_params, NULL, &raw);
    if (!raw.parts || !raw.name)
        return;
    *ret = (struct carbon_device){
        .name = raw.name,
        .doc = "made of parts",
        .memory_w = {.is_off = true, .source = "memory is one of the parts"}};
    if (raw.parts->n_children > MAX_PARTS) {
        fl_config_problem(load->config, &raw.parts->place,
                          "parts: %zu rows, allowed at most %d",
                          raw.parts->n_children, MAX_PARTS);
        return;
    }
    for (const struct fl_node *row = raw.parts->child; row; row = row->next)
        take_part(load, row, &parts[n++]);
    if (fl_config_n_problems(load->config) > before)
        return;
    enum fl_status status =
        carbon_node_compose(parts, n, text, sizeof text, ret, &err);
    if (status == FL_OK)
        keep_sources(load, ret);
    scn_absorb(load->config, before, raw.parts, status, &err);
}

static void take_named(struct scn_load *load,
                       const struct fl_node *node,
                       const struct scn_raw_machine *raw,
                       struct carbon_device *ret)
{
    const struct carbon_device *found = NULL;
    if (carbon_device_find(node->text, &found, NULL) == FL_OK) {
        *ret = *found;
        return;
    }
    *ret = (struct carbon_device){.name = node->text, .doc = "of the scenario"};
    if (!has_any(scn_device_slots, &raw->device_facts))
        scn_unknown_in_table(load, node, "a device:", carbon_devices,
                             sizeof carbon_devices[0]);
}

void scn_take_machine(struct scn_load *load,
                      const struct fl_node *map,
                      const struct scn_raw_machine *raw,
                      struct scn_machine *ret)
{
    ret->zone = -1;
    if (raw->zone)
        ret->zone =
            scn_take_zone(load, fl_node_find(map, "zone"), &ret->zone_name);
    if (raw->pue.is_set)
        (void)scn_take_fact(load, &raw->pue, &ret->pue);
    const struct fl_node *node = raw->device;
    if (node && node->kind == FL_NODE_SCALAR)
        take_named(load, node, raw, &ret->device);
    else if (node && node->kind == FL_NODE_MAP)
        scn_take_parts(load, node, &ret->device);
    else if (node)
        fl_config_problem(load->config, &node->place,
                          "device: found a list, allowed a name or {name, "
                          "parts}");
    (void)scn_take_device_facts(load, map, ret->device.name ? raw->mode : NULL,
                                &raw->device_facts, &ret->device);
}

void scn_scale_fact(struct carbon_fact *fact, double k)
{
    fact->value *= k;
    fact->spread.value *= k;
    fact->spread.low *= k;
    fact->spread.high *= k;
    fact->spread.sd *= k;
}

void scn_take_energy(struct scn_load *load,
                     const struct fl_fact *raw,
                     double duration_s,
                     struct scn_machine *machine)
{
    struct carbon_fact energy = {0};
    struct carbon_device *device = &machine->device;
    if (!scn_take_fact(load, raw, &energy))
        return;
    if (energy.is_off) {
        fl_config_problem(load->config, &raw->node->place,
                          "energy_kwh = off, allowed a number");
        return;
    }
    scn_scale_fact(&energy, FL_J_PER_KWH / duration_s);
    if (!device->name) { /* nothing else is known of what drew it */
        const struct carbon_fact off = {.is_off = true,
                                        .source = "only the energy is known"};
        struct carbon_fact *const facts[] = {
            &device->idle_w, &device->embodied_kgco2e, &device->lifetime_years,
            &device->use_share, &device->memory_w};
        for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
            if (!facts[i]->source)
                *facts[i] = off;
        device->name = "energy";
        device->doc = "only its energy is known";
        machine->is_energy = true;
    }
    device->train_w = energy;
}

void scn_complete_machine(struct scn_load *load,
                          const struct fl_node *map,
                          const struct scn_raw_machine *raw,
                          struct scn_machine *machine)
{
    char origin[120];
    if (machine->is_energy || !machine->device.name)
        return;
    (void)snprintf(origin, sizeof origin, "device %.100s",
                   machine->device.name);
    scn_complete_facts(load, map, scn_device_slots, &raw->device_facts,
                       &machine->device, origin);
}
