/* Zones and their carbon intensity, the preset with the scenario's overrides.
 */
#include "base/alloc.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/sha256.h"
#include "scenarios/scenario_priv.h"

#include <stdlib.h>
#include <string.h>

/* Zones */

/* The zone's own name for whichever of its names; other texts are names of the
 * user's own. */
static const char *own_name(const char *text)
{
    const struct carbon_zone *zone = NULL;
    return carbon_zone_find(text, &zone, NULL) == FL_OK ? zone->name : text;
}

/* The scenario's own figure for a zone, by whichever of its names. */
static const struct fl_node *own_figure(const struct fl_node *zones,
                                        const char *name)
{
    const struct fl_node *n =
        zones && zones->kind == FL_NODE_MAP ? zones->child : NULL;
    while (n && strcmp(own_name(n->key), name) != 0)
        n = n->next;
    return n;
}

static void unknown_zone(struct scn_load *load, const struct fl_node *node)
{
    size_t n = 0, n_zones = 0;
    while (carbon_zones[n_zones].name)
        n_zones++;
    while (carbon_zone_aliases[n].alias)
        n++;
    const char **names = fl_calloc(n_zones + n, sizeof *names);
    for (size_t i = 0; names && i < n_zones; i++)
        names[i] = carbon_zones[i].name;
    for (size_t i = 0; names && i < n; i++)
        names[n_zones + i] = carbon_zone_aliases[i].alias;
    if (names)
        fl_config_unknown_name(load->config, node,
                               "a zone, or one of carbon.grid.zones:", names,
                               n_zones + n);
    else
        fl_config_no_memory(load->config);
    fl_free(names);
}

static void take_typical(struct scn_load *load,
                         const struct fl_node *node,
                         struct scn_zone *zone)
{
    if (carbon_typical_find(zone->name, &zone->typical, NULL) != FL_OK)
        scn_unknown_in_table(load, node,
                             "a zone with typical days:", carbon_typicals,
                             sizeof carbon_typicals[0]);
}

/* The intensity of a zone where it is not the trace's: the scenario's own
 * figure, the constant, or the built-in annual mean. */
static void zone_intensity(struct scn_load *load,
                           const struct fl_node *node,
                           const char *name,
                           struct carbon_fact *ret)
{
    const struct scn_raw *raw = &load->raw;
    const struct fl_node *own = own_figure(raw->carbon.grid.zones, name);
    struct fl_fact fact = {0};
    if (own) {
        if (fl_config_decode_value(load->config, own, &scn_zone_param, &fact))
            (void)scn_take_fact(load, &fact, ret);
        return;
    }
    if (raw->carbon.grid.kind == SCN_GRID_HOURLY)
        return;
    if (raw->carbon.grid.kind == SCN_GRID_CONSTANT) {
        if (raw->carbon.grid.intensity.is_set)
            (void)scn_take_fact(load, &raw->carbon.grid.intensity, ret);
        return;
    }
    const struct carbon_zone *zone = NULL;
    if (carbon_zone_find(name, &zone, NULL) == FL_OK)
        *ret = zone->annual_gco2e_per_kwh;
    else if (raw->carbon.grid.kind == SCN_GRID_ANNUAL)
        unknown_zone(load, node); /* typical days have said so */
}

int32_t scn_take_zone(struct scn_load *load,
                      const struct fl_node *node,
                      const char **ret_name)
{
    struct scn_private *p = load->private;
    const char *name = own_name(node->text);
    *ret_name = name;
    for (size_t i = 0; i < p->n_zones; i++)
        if (strcmp(p->zones[i].name, name) == 0)
            return (int32_t)i;
    if (fl_grow(&p->zones, &p->zone_capacity, p->n_zones + 1, sizeof *p->zones,
                NULL) != FL_OK) {
        fl_config_no_memory(load->config);
        return -1;
    }
    struct scn_zone *zone = &p->zones[p->n_zones];
    *zone = (struct scn_zone){.name = name, .node = node};
    if (load->raw.carbon.grid.kind == SCN_GRID_TYPICAL)
        take_typical(load, node, zone);
    zone_intensity(load, node, name, &zone->intensity);
    return (int32_t)p->n_zones++;
}

/* Every zone of carbon.grid.zones is checked, also those that nobody is in. */
static void check_own_zones(struct scn_load *load)
{
    const struct fl_node *zones = load->raw.carbon.grid.zones;
    if (!zones)
        return;
    if (zones->kind != FL_NODE_MAP) {
        fl_config_problem(load->config, &zones->place,
                          "carbon.grid.zones: found no section, allowed {ZONE: "
                          "gCO2e/kWh, ...}");
        return;
    }
    struct fl_fact fact;
    for (const struct fl_node *n = zones->child; n; n = n->next) {
        if (!fl_config_decode_value(load->config, n, &scn_zone_param, &fact))
            continue;
        if (fact.is_off)
            fl_config_problem(
                load->config, &n->place,
                "carbon.grid.zones.%.80s = off, allowed a number: "
                "without carbon intensity there is no result",
                n->key);
        const struct fl_node *first = own_figure(zones, own_name(n->key));
        if (first != n)
            fl_config_problem(load->config, &n->key_place,
                              "carbon.grid.zones.%.80s: the same zone as "
                              "%.80s, allowed once",
                              n->key, first->key);
    }
}

/* Traces */

static void take_trace(struct scn_load *load, const struct fl_node *grid)
{
    struct scn_private *p = load->private;
    const char *trace = load->raw.carbon.grid.trace;
    if (!trace) {
        fl_config_problem(load->config, &grid->place,
                          "carbon.grid.trace is missing: hourly grids need a "
                          "CSV file");
        return;
    }
    scn_take_file(load, fl_node_find(grid, "trace"), "trace_sha256",
                  load->raw.carbon.grid.trace_sha256, &p->trace,
                  &p->trace_sha256);
}

/* Start */

static void take_start(struct scn_load *load, const struct fl_node *carbon)
{
    const char *start = load->raw.carbon.start;
    bool is_hourly = load->raw.carbon.grid.kind == SCN_GRID_HOURLY;
    bool is_typical = load->raw.carbon.grid.kind == SCN_GRID_TYPICAL;
    struct fl_error err;
    if (!start && (is_hourly || is_typical)) {
        fl_config_problem(load->config, &carbon->place,
                          "carbon.start is missing: %s grids need the "
                          "instant at which training starts",
                          is_hourly ? "hourly" : "typical");
    } else if (start) {
        const struct fl_node *node = fl_node_find(carbon, "start");
        load->private->carbon_node = node;
        if (fl_parse_utc(start, &load->scenario->start_epoch_s, &err) != FL_OK)
            fl_config_problem(load->config, &node->place, "carbon.start: %s",
                              err.text);
    }
}

/* Keys that only one kind of grid reads would be ignored: say so. */
static void refuse_unused(struct scn_load *load,
                          const struct fl_node *grid,
                          const char *key,
                          enum scn_grid_kind kind,
                          const char *kind_name)
{
    const struct fl_node *node = fl_node_find(grid, key);
    if (node && load->raw.carbon.grid.kind != (int)kind)
        fl_config_problem(load->config, &node->key_place,
                          "carbon.grid.%s: allowed with kind: %s only", key,
                          kind_name);
}

void scn_take_carbon(struct scn_load *load)
{
    const struct fl_node *carbon = fl_node_find(load->root, "carbon");
    const struct fl_node *grid = fl_node_find(carbon, "grid");
    if (!carbon)
        return;
    scn_take_preset(load, carbon);
    load->scenario->boundary = (enum scn_boundary)load->raw.carbon.boundary;
    memcpy(load->scenario->default_gsd, load->raw.carbon.default_gsd,
           sizeof load->raw.carbon.default_gsd);
    check_own_zones(load);
    if (!grid || !fl_node_find(grid, "kind"))
        return;
    take_start(load, carbon);
    refuse_unused(load, grid, "trace", SCN_GRID_HOURLY, "hourly");
    refuse_unused(load, grid, "trace_sha256", SCN_GRID_HOURLY, "hourly");
    refuse_unused(load, grid, "extent", SCN_GRID_HOURLY, "hourly");
    refuse_unused(load, grid, "signal", SCN_GRID_HOURLY, "hourly");
    refuse_unused(load, grid, "intensity", SCN_GRID_CONSTANT, "constant");
    load->private->method = (struct carbon_method){
        .extent = (enum carbon_extent)load->raw.carbon.grid.extent,
        .signal = (enum carbon_signal)load->raw.carbon.grid.signal};
    if (load->raw.carbon.grid.kind == SCN_GRID_HOURLY)
        take_trace(load, grid);
    const struct fl_fact *intensity = &load->raw.carbon.grid.intensity;
    if (load->raw.carbon.grid.kind == SCN_GRID_CONSTANT && !intensity->is_set &&
        !fl_node_find(grid, "intensity"))
        fl_config_problem(load->config, &grid->place,
                          "carbon.grid.intensity is missing: the constant "
                          "carbon intensity in gCO2e/kWh");
    if (intensity->is_off)
        fl_config_problem(load->config, &intensity->node->place,
                          "carbon.grid.intensity = off, allowed a number: "
                          "without carbon intensity there is no result");
}

/* The grid */

static enum fl_status add_zone(const struct scn_private *p,
                               size_t i,
                               struct carbon_grid *grid,
                               struct fl_error *err)
{
    const struct scn_zone *zone = &p->zones[i];
    int32_t number = -1;
    if (zone->typical)
        return carbon_grid_add_typical(grid, zone->name, zone->typical,
                                       &zone->intensity, &number, err);
    if (zone->intensity.source)
        return carbon_grid_add_annual(grid, zone->name, &zone->intensity,
                                      &number, err);
    return carbon_grid_add_trace(grid, zone->name, p->trace, &number, err);
}

/* The grid's numbers are ours: zones were added in the order of p->zones. */
static bool has_same_numbers(const struct scn_private *p,
                             const struct carbon_grid *grid)
{
    bool is_same = carbon_grid_n_zones(grid) == p->n_zones;
    for (size_t i = 0; i < p->n_zones && is_same; i++)
        is_same = strcmp(carbon_grid_zone_name(grid, (int32_t)i),
                         p->zones[i].name) == 0;
    return is_same;
}

enum fl_status scn_scenario_open_grid(struct scn_scenario *scenario,
                                      struct fl_error *err)
{
    if (scenario->grid)
        return FL_OK;
    const struct scn_private *p = (const void *)scenario;
    struct carbon_grid *grid = NULL;
    FL_TRY(carbon_grid_create(scenario->start_epoch_s, &grid, err));
    enum fl_status status = carbon_grid_set_method(grid, &p->method, err);
    for (size_t i = 0; i < p->n_zones && status == FL_OK; i++)
        status = add_zone(p, i, grid, err);
    if (status != FL_OK) {
        carbon_grid_destroy(grid);
        return status;
    }
    if (!has_same_numbers(p, grid)) {
        carbon_grid_destroy(grid);
        return fl_fail(err, FL_E_STATE, "zones of the grid: found others");
    }
    scenario->grid = grid;
    return FL_OK;
}

void scn_take_grid(struct scn_load *load)
{
    struct scn_private *p = load->private;
    struct carbon_grid *grid = NULL;
    struct fl_error err;
    const struct fl_node *carbon = fl_node_find(load->root, "carbon");
    const struct fl_node *node = fl_node_find(carbon, "grid");
    enum fl_status status =
        carbon_grid_create(load->scenario->start_epoch_s, &grid, &err);
    if (status == FL_OK)
        status = carbon_grid_set_method(grid, &p->method, &err);
    scn_absorb(load->config, fl_config_n_problems(load->config), node, status,
               &err);
    bool is_good = status == FL_OK;
    for (size_t i = 0; i < p->n_zones && status == FL_OK; i++) {
        status = add_zone(p, i, grid, &err);
        if (status == FL_OK)
            continue;
        is_good = false;
        /* A name that the trace lacks is the zone's fault, the rest its own. */
        bool is_name = status == FL_E_CONFIG;
        const struct fl_node *trace = fl_node_find(node, "trace");
        scn_absorb(load->config, fl_config_n_problems(load->config),
                   is_name || !trace ? p->zones[i].node : trace, status, &err);
        if (is_name)
            status = FL_OK; /* look at the others too */
    }
    if (is_good && !has_same_numbers(p, grid)) {
        fl_config_problem(load->config, &node->place,
                          "zones of the grid: found others");
        is_good = false;
    }
    if (is_good)
        load->scenario->grid = grid;
    else
        carbon_grid_destroy(grid);
}

void scn_complete_carbon(struct scn_load *load)
{
    struct scn_private *p = load->private;
    struct fl_config *config = load->config;
    const struct fl_node *carbon = fl_node_find(load->root, "carbon");
    const struct fl_node *grid = fl_node_find(carbon, "grid");
    scn_complete_preset(load, carbon);
    if (p->trace)
        scn_complete_file(load, fl_node_find(grid, "trace"), "trace_sha256",
                          p->trace, p->trace_sha256);
    if (load->raw.carbon.grid.kind != SCN_GRID_ANNUAL &&
        load->raw.carbon.grid.kind != SCN_GRID_TYPICAL)
        return;
    const struct fl_node *zones = load->raw.carbon.grid.zones;
    if (!zones)
        zones = fl_config_put_map(config, grid, "zones", "annual means");
    static const struct fl_fact not_given = {0};
    for (size_t i = 0; zones && i < p->n_zones; i++)
        if (!own_figure(zones, p->zones[i].name))
            scn_complete_fact(load, zones, p->zones[i].name, &not_given,
                              &p->zones[i].intensity, "annual means");
}
