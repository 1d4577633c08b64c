#include "results/from_logs.h"

#include "base/alloc.h"
#include "base/units.h"
#include "results/logs/log_reader.h"
#include "results/records.h"
#include "results/store.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

enum part { TRAIN, UPLOAD, DOWNLOAD, PART_LAST_ };

/* A sum whose rounding errors are carried along (Neumaier). */
struct total {
    double sum_s, lost_s;
};

static void add_to(struct total *total, double value_s)
{
    double sum_s = total->sum_s + value_s;
    double big = fmax(total->sum_s, value_s),
           small = fmin(total->sum_s, value_s);
    total->lost_s += (big - sum_s) + small;
    total->sum_s = sum_s;
}

struct known_zone {
    char *name; /* as the logs call it */
    int32_t index;
};

struct named_fact {
    const char *name, *unit;
    const struct carbon_fact *fact;
    bool is_added;
};
#define MAX_FACTS 32
#define N_SLOTS   4096 /* of the table of zones; most it takes: half */

struct logs {
    const char *path;
    const struct res_logs_opts *opts;
    struct res_store *store;
    const struct carbon_preset *preset;
    const struct carbon_device *device;
    const struct carbon_link *link;
    struct carbon_grid *grid;
    struct named_fact facts[MAX_FACTS];
    size_t n_facts;
    struct known_zone *slots; /* [N_SLOTS] open addressing */
    size_t n_slots;
    struct total (*totals)[PART_LAST_]; /* by zone of the grid */
    size_t totals_capacity;
    int64_t n_rows;
};

static void name_fact(struct logs *logs,
                      const char *name,
                      const char *unit,
                      const struct carbon_fact *fact)
{
    assert(logs->n_facts < MAX_FACTS);
    logs->facts[logs->n_facts++] =
        (struct named_fact){.name = name, .unit = unit, .fact = fact};
}

static void name_facts(struct logs *logs)
{
    const struct carbon_device *device = logs->device;
    const struct carbon_preset *preset = logs->preset;
    name_fact(logs, "device.train_w", "W", &device->train_w);
    name_fact(logs, "device.idle_w", "W", &device->idle_w);
    name_fact(logs, "device.memory_w", "W", &device->memory_w);
    name_fact(logs, "device.embodied_kgco2e", "kgCO2e",
              &device->embodied_kgco2e);
    name_fact(logs, "device.lifetime_years", "years", &device->lifetime_years);
    name_fact(logs, "device.use_share", "ratio", &device->use_share);
    name_fact(logs, "carbon.router_w", "W", &preset->router_w);
    name_fact(logs, "carbon.core_network_j_per_byte", "J/byte",
              &preset->core_network_j_per_byte);
    name_fact(logs, "carbon.whole_network_j_per_byte", "J/byte",
              &preset->whole_network_j_per_byte);
    name_fact(logs, "carbon.network_idle_share", "ratio",
              &preset->network_idle_share);
    const struct carbon_link *link = logs->link;
    if (!link)
        return;
    name_fact(logs, "link.down_bps", "bit/s", &link->down_bps);
    name_fact(logs, "link.up_bps", "bit/s", &link->up_bps);
    name_fact(logs, "link.rx_w", "W", &link->rx_w);
    name_fact(logs, "link.tx_w", "W", &link->tx_w);
    name_fact(logs, "link.router_w", "W", &link->router_w);
    name_fact(logs, "link.access_down_j_per_byte", "J/byte",
              &link->access_down_j_per_byte);
    name_fact(logs, "link.access_up_j_per_byte", "J/byte",
              &link->access_up_j_per_byte);
}

/* The facts behind an entry go into the store before it. */
static enum fl_status add_facts(struct logs *logs,
                                const struct carbon_entry *entry,
                                struct fl_error *err)
{
    for (int32_t u = 0; u < entry->n_uses; u++) {
        struct named_fact *fact = logs->facts;
        struct named_fact *end = fact + logs->n_facts;
        while (fact < end && fact->fact != entry->uses[u].fact)
            fact++;
        if (fact == end || fact->is_added)
            continue;
        FL_TRY(res_store_add_fact(logs->store, fact->name, fact->unit,
                                  fact->fact, err));
        fact->is_added = true;
    }
    return FL_OK;
}

static double rate_bps(const struct carbon_fact *fact)
{
    return fact->source && !fact->is_off ? fact->value : 0;
}

/* What a part of a row, or of many rows, is as an activity. */
static struct carbon_activity activity_of(const struct logs *logs,
                                          enum part part,
                                          int32_t zone,
                                          int64_t client,
                                          double duration_s)
{
    static const enum carbon_phase phases[] = {
        [TRAIN] = CARBON_TRAIN,
        [UPLOAD] = CARBON_UPLOAD,
        [DOWNLOAD] = CARBON_BROADCAST,
    };
    struct carbon_activity activity = {
        .role = CARBON_CLIENT,
        .entity = client,
        .phase = phases[part],
        .zone = zone,
        .t1_s = duration_s,
        .is_upload = part == UPLOAD,
        .duration_evidence = CARBON_MEASURED,
        .device = logs->device,
        .link = logs->link,
    };
    if (part != TRAIN && logs->link) {
        const struct carbon_fact *rate =
            part == UPLOAD ? &logs->link->up_bps : &logs->link->down_bps;
        activity.bytes = duration_s * rate_bps(rate) / FL_BITS_PER_BYTE;
        activity.duration_evidence =
            carbon_evidence_weaker(CARBON_MEASURED, rate->evidence);
    }
    return activity;
}

static enum fl_status cost(struct logs *logs,
                           const struct carbon_activity *activity,
                           struct fl_error *err)
{
    struct carbon_entry entries[CARBON_MAX_TERMS];
    size_t n = 0;
    FL_TRY(
        carbon_account(logs->preset, logs->grid, activity, entries, &n, err));
    for (size_t i = 0; i < n; i++)
        FL_TRY(add_facts(logs, &entries[i], err));
    return res_store_add_entries(logs->store, entries, n, err);
}

/* A zone of the tables under its own name, once. */
static enum fl_status add_zone(struct logs *logs,
                               const char *name,
                               int32_t *ret,
                               struct fl_error *err)
{
    const struct carbon_zone *zone = NULL;
    FL_TRY(carbon_zone_find(name, &zone, err));
    size_t before = carbon_grid_n_zones(logs->grid);
    FL_TRY(carbon_grid_add_annual(logs->grid, zone->name,
                                  &zone->annual_gco2e_per_kwh, ret, err));
    if (carbon_grid_n_zones(logs->grid) == before)
        return FL_OK; /* another name of a known one */
    FL_TRY(fl_grow(&logs->totals, &logs->totals_capacity, (size_t)*ret + 1,
                   sizeof logs->totals[0], err));
    char fact[128];
    (void)snprintf(fact, sizeof fact, "carbon.grid.zones.%.80s", zone->name);
    FL_TRY(res_store_add_zone(logs->store, *ret, zone->name, err));
    return res_store_add_fact(logs->store, fact, "gCO2e/kWh",
                              &zone->annual_gco2e_per_kwh, err);
}

/* The grid's zone of a name in the logs, remembered by that name. */
static enum fl_status find_zone(struct logs *logs,
                                const char *name,
                                int32_t *ret,
                                struct fl_error *err)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (const char *p = name; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 16777619u;
    size_t at = hash % N_SLOTS;
    for (; logs->slots[at].name; at = (at + 1) % N_SLOTS) {
        if (strcmp(logs->slots[at].name, name) != 0)
            continue;
        *ret = logs->slots[at].index;
        return FL_OK;
    }
    FL_TRY(add_zone(logs, name, ret, err));
    if (logs->n_slots >= N_SLOTS / 2)
        return FL_OK; /* so many spellings: looked up each time */
    char *copy = fl_strdup(name);
    if (!copy)
        return fl_fail(err, FL_E_NOMEM, "out of memory");
    logs->slots[at] = (struct known_zone){.name = copy, .index = *ret};
    logs->n_slots++;
    return FL_OK;
}

#define ROWS_PER_COMMIT 100000

static enum fl_status
take_row(const struct res_log_row *row, void *arg, struct fl_error *err)
{
    struct logs *logs = arg;
    const char *name = row->zone;
    if (name[0] == '\0')
        name = logs->opts->zone_default;
    if (!name)
        return fl_fail(err, FL_E_FORMAT,
                       "%s:%lld: zone: found nothing, allowed a grid zone "
                       "(or --zone-default)",
                       logs->path, (long long)row->line);
    int32_t zone = 0;
    struct fl_error why = {0};
    enum fl_status status = find_zone(logs, name, &zone, &why);
    if (status != FL_OK)
        return fl_fail(err, status, "%s:%lld: %s", logs->path,
                       (long long)row->line, why.text);
    const double times_s[] = {
        [TRAIN] = row->compute_s,
        [UPLOAD] = row->up_s,
        [DOWNLOAD] = row->down_s,
    };
    for (int p = 0; p < PART_LAST_; p++) {
        add_to(&logs->totals[zone][p], times_s[p]);
        if (!logs->opts->is_by_row || times_s[p] <= 0)
            continue;
        struct carbon_activity activity =
            activity_of(logs, (enum part)p, zone, logs->n_rows, times_s[p]);
        FL_TRY(cost(logs, &activity, err));
    }
    logs->n_rows++;
    if (logs->opts->is_by_row && logs->n_rows % ROWS_PER_COMMIT == 0)
        return res_store_commit(logs->store, err);
    return FL_OK;
}

static enum fl_status cost_totals(struct logs *logs, struct fl_error *err)
{
    size_t n = carbon_grid_n_zones(logs->grid);
    for (size_t zone = 0; zone < n; zone++)
        for (int p = 0; p < PART_LAST_; p++) {
            const struct total *total = &logs->totals[zone][p];
            double time_s = total->sum_s + total->lost_s;
            struct carbon_activity activity =
                activity_of(logs, (enum part)p, (int32_t)zone, 0, time_s);
            if (time_s > 0)
                FL_TRY(cost(logs, &activity, err));
        }
    return FL_OK;
}

static enum fl_status put_texts(struct logs *logs, struct fl_error *err)
{
    char rows[32];
    const char *slash = strrchr(logs->path, '/');
    (void)snprintf(rows, sizeof rows, "%lld", (long long)logs->n_rows);
    const char *const texts[][2] = {
        {"scenario_name", slash ? slash + 1 : logs->path},
        {"dataset", "logs"},
        {"model", ""},
        {"clients", rows},
        {"partition", ""},
        {"grid", "annual"},
        {"preset", logs->preset->name},
        {"leaves_out", logs->preset->leaves_out},
        {"attribution", carbon_attribution_name(logs->preset->attribution)},
        {"version", logs->opts->version},
        {"command", logs->opts->command},
        {"logs_device", logs->device->name},
        {"logs_link", logs->link ? logs->link->name : ""},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i][1])
            FL_TRY(res_store_set(logs->store, texts[i][0], texts[i][1], err));
    return FL_OK;
}

static enum fl_status write_run(struct logs *logs, struct fl_error *err)
{
    struct res_log_reader *reader = fl_calloc(1, sizeof *reader);
    if (!reader)
        return fl_fail(err, FL_E_NOMEM, "out of memory");
    const struct res_arm arm = {.name = RES_ARM_LOGS};
    enum fl_status status = res_store_add_arm(logs->store, &arm, err);
    res_log_reader_init(reader, logs->path, take_row, logs);
    if (status == FL_OK)
        status = res_log_reader_file(reader, err);
    fl_free(reader);
    FL_TRY(status);
    if (!logs->opts->is_by_row)
        FL_TRY(cost_totals(logs, err));
    FL_TRY(put_texts(logs, err));
    const struct res_outcome outcome = {.accuracy = (double)NAN,
                                        .loss = (double)NAN};
    FL_TRY(res_store_set_outcome(logs->store, &outcome, err));
    return res_store_finish(logs->store, err);
}

static enum fl_status
open_logs(struct logs *logs, const char *dir, struct fl_error *err)
{
    const struct res_logs_opts *opts = logs->opts;
    FL_TRY(carbon_preset_find(opts->preset, &logs->preset, err));
    FL_TRY(carbon_device_find(opts->device, &logs->device, err));
    if (opts->link)
        FL_TRY(carbon_link_find(opts->link, &logs->link, err));
    const struct carbon_zone *zone = NULL;
    if (opts->zone_default)
        FL_TRY(carbon_zone_find(opts->zone_default, &zone, err));
    name_facts(logs);
    FL_TRY(carbon_grid_create(0, &logs->grid, err));
    logs->slots = fl_calloc(N_SLOTS, sizeof logs->slots[0]);
    if (!logs->slots)
        return fl_fail(err, FL_E_NOMEM, "out of memory");
    return res_store_create(dir, RES_CREATE, &logs->store, err);
}

enum fl_status res_from_logs(const char *path,
                             const struct res_logs_opts *opts,
                             const char *dir,
                             int64_t *ret_rows,
                             struct fl_error *err)
{
    assert(path && opts && dir && ret_rows);
    struct logs logs = {.path = path, .opts = opts};
    enum fl_status status = open_logs(&logs, dir, err);
    if (status == FL_OK)
        status = write_run(&logs, err);
    if (status == FL_OK)
        *ret_rows = logs.n_rows;
    res_store_destroy(logs.store);
    for (size_t i = 0; logs.slots && i < N_SLOTS; i++)
        fl_free(logs.slots[i].name);
    fl_free(logs.slots);
    fl_free(logs.totals);
    carbon_grid_destroy(logs.grid);
    return status == FL_OK ? res_export(dir, err) : status;
}
