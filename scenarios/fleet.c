/* Devices, links and sites: profiles by name, with the facts that the scenario
 * gives in their place. */
#include "base/alloc.h"
#include "base/rng.h"
#include "scenarios/scenario_priv.h"

#include <math.h>
#include <string.h>

/* What each step takes on top may be off, but not unknown. */
static void need_overhead(struct scn_load *load,
                          const struct fl_node *node,
                          const char *owner,
                          const struct carbon_fact *fact)
{
    if (fact->source || fact->is_off)
        return;
    char path[160];
    fl_node_path(node, path, sizeof path);
    fl_config_problem(load->config, &node->place,
                      "%s.step_overhead_s of %s is missing, allowed seconds, "
                      "or off: simulated time needs it",
                      path, owner);
}

/* The clock divides by these: they have to be numbers. */
static void need_speed(struct scn_load *load,
                       const struct fl_node *node,
                       const char *key,
                       const char *owner,
                       const struct carbon_fact *fact)
{
    if (fact->source && !fact->is_off)
        return;
    const struct fl_node *given = fl_node_find(node, key);
    char path[160];
    fl_node_path(node, path, sizeof path);
    fl_config_problem(load->config, given ? &given->place : &node->place,
                      "%s.%s of %s is %s, allowed a number: simulated time "
                      "needs it",
                      path, key, owner, fact->is_off ? "off" : "missing");
}

/* Profiles */

static const char *row_name(const void *table, size_t row_size, size_t i)
{
    const char *name; /* the first member of every row */
    memcpy(&name, (const char *)table + i * row_size, sizeof name);
    return name;
}

void scn_unknown_in_table(struct scn_load *load,
                          const struct fl_node *node,
                          const char *what,
                          const void *table,
                          size_t row_size)
{
    size_t n = 0;
    while (row_name(table, row_size, n))
        n++;
    const char **names = fl_calloc(n, sizeof *names);
    for (size_t i = 0; names && i < n; i++)
        names[i] = row_name(table, row_size, i);
    if (names)
        fl_config_unknown_name(load->config, node, what, names, n);
    else
        fl_config_no_memory(load->config);
    fl_free(names);
}

static void take_mode(struct scn_load *load,
                      const struct fl_node *node,
                      const char *mode,
                      struct carbon_device *device)
{
    struct carbon_device found;
    struct fl_error err;
    if (carbon_device_in_mode(device, mode, &found, &err) == FL_OK)
        *device = found;
    else
        fl_config_problem(load->config, &node->place, "%s", err.text);
}

/* Who gives one of the two has the other from somewhere else. */
static void check_idle(struct scn_load *load,
                       const struct fl_node *map,
                       const struct carbon_device *device)
{
    const struct carbon_fact *train = &device->train_w;
    const struct carbon_fact *idle = &device->idle_w;
    if (!train->source || train->is_off || idle->value <= train->value)
        return;
    const struct fl_node *at = fl_node_find(map, "idle_w");
    if (!at)
        at = fl_node_find(map, "train_w");
    char path[160];
    fl_node_path(map, path, sizeof path);
    fl_config_problem(load->config, at ? &at->place : &map->place,
                      "%s.idle_w of %s is %g W, allowed at most its train_w, "
                      "%g W",
                      path, device->name ? device->name : "the machine",
                      idle->value, train->value);
}

bool scn_take_device_facts(struct scn_load *load,
                           const struct fl_node *map,
                           const char *mode,
                           const struct scn_device_facts *raw,
                           struct carbon_device *device)
{
    if (mode)
        take_mode(load, fl_node_find(map, "mode"), mode, device);
    bool has_all = scn_take_facts(load, scn_device_slots, raw, device);
    check_idle(load, map, device);
    return has_all;
}

/* By name, or made of parts; whether it is known, in whole or in part. */
static bool find_device(struct scn_load *load,
                        const struct fl_node *node,
                        struct carbon_device *ret)
{
    const struct carbon_device *found = NULL;
    if (node->kind == FL_NODE_MAP) {
        scn_take_parts(load, node, ret);
        return true;
    }
    if (node->kind != FL_NODE_SCALAR) {
        fl_config_problem(load->config, &node->place,
                          "device: found a list, allowed a name or {name, "
                          "parts}");
        return true;
    }
    bool is_known = carbon_device_find(node->text, &found, NULL) == FL_OK;
    *ret = is_known ? *found
                    : (struct carbon_device){.name = node->text,
                                             .doc = "of the scenario"};
    return is_known;
}

static void take_device(struct scn_load *load,
                        const struct fl_node *map,
                        const char *mode,
                        const struct scn_device_facts *raw,
                        struct carbon_device *ret)
{
    const struct fl_node *node = fl_node_find(map, "device");
    if (!node || node->is_null)
        return; /* has been said */
    bool is_known = find_device(load, node, ret);
    if (!ret->name)
        return; /* likewise */
    bool has_all = scn_take_device_facts(load, map, mode, raw, ret);
    if (!is_known && !has_all)
        scn_unknown_in_table(load, node, "a device:", carbon_devices,
                             sizeof carbon_devices[0]);
    else
        need_speed(load, map, "train_flop_per_s", ret->name,
                   &ret->train_flop_per_s);
    if (is_known || has_all)
        need_overhead(load, map, ret->name, &ret->step_overhead_s);
}

/* Puts the preset's router into a link that was given none. */
static void take_router(const struct scn_load *load,
                        const struct scn_link_facts *raw,
                        struct carbon_link *link)
{
    const struct carbon_fact *router_w = &load->router_w;
    if (!raw->router_w.is_set && (router_w->source || router_w->is_off))
        link->router_w = *router_w;
}

bool scn_take_link(struct scn_load *load,
                   const struct fl_node *node,
                   const char *name,
                   const struct scn_link_facts *raw,
                   struct carbon_link *ret)
{
    const struct carbon_link *found = NULL;
    if (!name)
        return false;
    bool is_known = carbon_link_find(name, &found, NULL) == FL_OK;
    *ret = is_known
               ? *found
               : (struct carbon_link){.name = name, .doc = "of the scenario"};
    bool has_all = scn_take_facts(load, scn_link_slots, raw, ret);
    if (!is_known && !has_all) {
        scn_unknown_in_table(load, node, "a link:", carbon_links,
                             sizeof carbon_links[0]);
        return false;
    }
    take_router(load, raw, ret);
    return true;
}

/* One that simulated time passes on. */
static void take_timed_link(struct scn_load *load,
                            const struct fl_node *map,
                            const struct fl_node *node,
                            const char *name,
                            const struct scn_link_facts *raw,
                            struct carbon_link *ret)
{
    if (!scn_take_link(load, node, name, raw, ret))
        return;
    need_speed(load, map, "down_bps", name, &ret->down_bps);
    need_speed(load, map, "up_bps", name, &ret->up_bps);
}

/* The fleet */

static void take_row(struct scn_load *load,
                     const struct fl_node *node,
                     struct scn_raw_row *raw,
                     struct scn_fleet_row *row)
{
    fl_config_decode(load->config, node, scn_row_params, NULL, raw);
    if (node->kind != FL_NODE_MAP)
        return;
    row->share_ratio = raw->share;
    row->zone = -1;
    if (raw->zone)
        row->zone =
            scn_take_zone(load, fl_node_find(node, "zone"), &row->zone_name);
    take_device(load, node, raw->mode, &raw->device_facts, &row->device);
    take_timed_link(load, node, fl_node_find(node, "link"), raw->link,
                    &raw->link_facts, &row->link);
}

void scn_take_fleet(struct scn_load *load)
{
    const struct fl_node *fleet = load->raw.fleet;
    if (!fleet || fleet->n_children == 0)
        return;
    struct scn_scenario *s = load->scenario;
    size_t n = fleet->n_children;
    s->fleet = fl_calloc(n, sizeof *s->fleet);
    load->rows = fl_calloc(n, sizeof *load->rows);
    if (!s->fleet || !load->rows) {
        fl_config_no_memory(load->config);
        return;
    }
    double sum = 0;
    for (const struct fl_node *node = fleet->child; node; node = node->next) {
        take_row(load, node, &load->rows[s->n_fleet], &s->fleet[s->n_fleet]);
        sum += s->fleet[s->n_fleet].share_ratio;
        s->n_fleet++;
    }
    if (!(fabs(sum - 1) <= 1e-9)) /* rounding of decimal shares */
        fl_config_problem(load->config, &fleet->place,
                          "fleet: shares add up to %.10g, allowed 1", sum);
}

/* Sites */

static void take_site(struct scn_load *load,
                      const char *key,
                      const struct scn_raw_site *raw,
                      struct scn_site *ret)
{
    const struct fl_node *node = fl_node_find(load->root, key);
    ret->zone = -1;
    if (!node || node->kind != FL_NODE_MAP)
        return;
    if (raw->zone)
        ret->zone =
            scn_take_zone(load, fl_node_find(node, "zone"), &ret->zone_name);
    if (raw->pue.is_set)
        (void)scn_take_fact(load, &raw->pue, &ret->pue);
    if (raw->machines.is_set)
        (void)scn_take_fact(load, &raw->machines, &ret->machines);
    take_device(load, node, raw->mode, &raw->device_facts, &ret->device);
}

static void take_upload(struct scn_load *load)
{
    struct scn_scenario *s = load->scenario;
    const struct fl_node *node = load->raw.centralized.upload_link;
    s->uploads_data = load->raw.centralized.upload_data;
    if (!node)
        return;
    struct scn_raw_upload *raw = &load->upload;
    const struct fl_node *name = node;
    if (node->kind == FL_NODE_SCALAR) {
        raw->link = node->text;
    } else {
        fl_config_decode(load->config, node, scn_upload_params, NULL, raw);
        name = fl_node_find(node, "link");
    }
    take_timed_link(load, node, name, raw->link, &raw->link_facts,
                    &s->upload_link);
}

void scn_take_sites(struct scn_load *load)
{
    take_site(load, "server", &load->raw.server, &load->scenario->server);
    take_site(load, "centralized", &load->raw.centralized,
              &load->scenario->datacentre);
    take_upload(load);
}

/* Completing */

static void complete_link(struct scn_load *load,
                          const struct fl_node *map,
                          const struct scn_link_facts *raw,
                          struct carbon_link *link,
                          const char *origin)
{
    char preset[120];
    scn_complete_facts(load, map, scn_link_slots, raw, link, origin);
    if (!load->router_w.source && !load->router_w.is_off)
        return;
    (void)snprintf(preset, sizeof preset, "%s %.100s",
                   load->raw.carbon.facts.router_w.is_set ? "carbon.router_w,"
                                                          : "preset",
                   load->scenario->preset.name);
    scn_complete_fact(load, map, "router_w", &raw->router_w, &link->router_w,
                      preset);
}

static const char *
profile_origin(const char *kind, const char *name, char text[120])
{
    (void)snprintf(text, 120, "%s %.100s", kind, name);
    return text;
}

static void complete_site(struct scn_load *load,
                          const char *key,
                          const struct scn_raw_site *raw,
                          struct scn_site *site)
{
    const struct fl_node *node = fl_node_find(load->root, key);
    char origin[120];
    if (node)
        scn_complete_facts(load, node, scn_device_slots, &raw->device_facts,
                           &site->device,
                           profile_origin("device", site->device.name, origin));
}

static void complete_upload(struct scn_load *load)
{
    const struct fl_node *node = load->raw.centralized.upload_link;
    struct carbon_link *link = &load->scenario->upload_link;
    char origin[120];
    if (!node)
        return;
    profile_origin("link", link->name, origin);
    if (node->kind == FL_NODE_SCALAR) {
        const struct fl_node *site = fl_node_find(load->root, "centralized");
        node = fl_config_put_map(load->config, site, "upload_link", origin);
        if (!node || !fl_config_put_text(load->config, node, "link",
                                         load->upload.link, origin))
            return;
    }
    complete_link(load, node, &load->upload.link_facts, link, origin);
}

void scn_complete_fleet(struct scn_load *load)
{
    struct scn_scenario *s = load->scenario;
    const struct fl_node *node = s->n_fleet ? load->raw.fleet->child : NULL;
    char origin[120];
    for (size_t i = 0; i < s->n_fleet; i++, node = node->next) {
        struct scn_fleet_row *row = &s->fleet[i];
        scn_complete_facts(load, node, scn_device_slots,
                           &load->rows[i].device_facts, &row->device,
                           profile_origin("device", row->device.name, origin));
        complete_link(load, node, &load->rows[i].link_facts, &row->link,
                      profile_origin("link", row->link.name, origin));
    }
    complete_site(load, "server", &load->raw.server, &s->server);
    complete_site(load, "centralized", &load->raw.centralized, &s->datacentre);
    complete_upload(load);
}

/* Who is what */

/* Clients of each row by largest remainder (ties: the earlier row). */
static void
count_rows(const struct scn_scenario *s, int64_t clients, int32_t *ret_row)
{
    int64_t given = 0;
    for (size_t r = 0; r < s->n_fleet; r++) {
        /* 1e-9: a share of 0.1 times 30 is three clients, not 2.9999... */
        int64_t n =
            (int64_t)floor(s->fleet[r].share_ratio * (double)clients + 1e-9);
        for (int64_t i = 0; i < n && given < clients; i++)
            ret_row[given++] = (int32_t)r;
    }
    double last = 2; /* the remainders are below 1 */
    int32_t last_row = -1;
    while (given < clients) {
        double best = -1;
        int32_t row = 0;
        for (size_t r = 0; r < s->n_fleet; r++) {
            double exact = s->fleet[r].share_ratio * (double)clients + 1e-9;
            double rest = exact - floor(exact);
            bool is_next =
                rest < last || (rest <= last && (int32_t)r > last_row);
            if (is_next && rest > best) {
                best = rest;
                row = (int32_t)r;
            }
        }
        last = best;
        last_row = row;
        ret_row[given++] = row;
    }
}

void scn_fleet_assign(const struct scn_scenario *scenario,
                      int64_t clients,
                      int32_t *ret_row)
{
    count_rows(scenario, clients, ret_row);
    struct fl_rng rng =
        fl_rng_stream((uint64_t)scenario->seed, FL_RNG_FLEET, 0, 0);
    for (int64_t i = clients - 1; i > 0; i--) {
        int64_t j = (int64_t)fl_rng_below(&rng, (uint64_t)i + 1);
        int32_t kept = ret_row[i];
        ret_row[i] = ret_row[j];
        ret_row[j] = kept;
    }
}
