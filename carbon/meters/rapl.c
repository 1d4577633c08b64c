/* RAPL: the energy counters of Intel's and AMD's processors, through Linux's
 * powercap: /sys/class/powercap/intel-rapl:N/{name,energy_uj,
 * max_energy_range_uj} and, of its parts, intel-rapl:N:M.
 *
 *     rail              zone                          counted
 *     package-N         intel-rapl:N                  yes
 *     package-N/dram    intel-rapl:N:M                yes: not in the package
 *     package-N/core    (and uncore) intel-rapl:N:M   no: in the package
 *     psys              intel-rapl:N                  no: contains packages
 *
 * A counter that is seen twice counts once: zones of the same name (the first
 * counts), and dies of one package ("package-0-die-1") whose counters stand
 * within 1 J of each other at the start. AMD's first Zen generations show the
 * socket's one counter under each die; two counters of their own stand that
 * near with a probability of 1 in 100,000. intel-rapl-mmio zones are another
 * way to the same counters and are not read.
 *
 * A counter is 32 bits of some 15 to 61 uJ: after max_energy_range_uj it starts
 * again, which is taken into account once per reading. Two wraps between two
 * readings cannot be told from none, so that readings may be apart for as long
 * as no counter can wrap at 1000 W, more than a socket can draw: 65 s for
 * 65,536 J, 262 s for 262,143 J.
 *
 * How accurate is this? Within a few per cent of a meter in the supply line for
 * packages since Haswell; memory is measured on servers and modelled or absent
 * elsewhere. The board, disks, fans and the power supply's loss are not in it:
 * a third to a half of what the wall sees.
 *
 * Source Linux, Documentation/power/powercap/powercap.rst; Intel SDM vol. 3B,
 * 15.10 */
#include "carbon/meter_priv.h"

#include "base/alloc.h"

#include <stdio.h>
#include <string.h>

#define DIR_FORMAT     "%s/sys/class/powercap"
#define MAX_ZONES      CARBON_METER_MAX_RAILS
#define HOW_TO_ALLOW   "sudo chmod a+r /sys/class/powercap/*/energy_uj"
#define MAX_W          1000.0
#define PERIOD_WALL_S  30.0
#define SAME_UJ        1000000
#define UJ_PER_J       1e6
#define MAX_COUNTER_UJ ((int64_t)1 << 50) /* 31 years at 1000 W */

struct zone {
    char path[CARBON_METER_PATH_BYTES]; /* of energy_uj */
    char name[64];
    int64_t range_uj;
    int64_t last_uj;
    int64_t sum_uj;
    bool is_top;
    bool is_counted;
};

struct rapl {
    size_t n;
    struct zone zones[MAX_ZONES];
};

static enum fl_status
read_counter(const struct zone *zone, int64_t *ret_uj, struct fl_error *err)
{
    return carbon_read_number(zone->path, 0, zone->range_uj, ret_uj, err);
}

static enum fl_status open_zone(const char *root,
                                const struct carbon_entry_number *entry,
                                struct zone *zone,
                                struct fl_error *err)
{
    char dir[CARBON_METER_PATH_BYTES], path[CARBON_METER_PATH_BYTES];
    struct fl_error why = {FL_OK, ""};
    zone->is_top = entry->minor < 0;
    if (zone->is_top)
        FL_TRY(carbon_meter_path(dir, err, DIR_FORMAT "/intel-rapl:%d", root,
                                 (int)entry->major));
    else
        FL_TRY(carbon_meter_path(dir, err, DIR_FORMAT "/intel-rapl:%d:%d", root,
                                 (int)entry->major, (int)entry->minor));
    FL_TRY(carbon_meter_path(path, err, "%s/name", dir));
    FL_TRY(carbon_read_word(path, zone->name, sizeof zone->name, err));
    FL_TRY(carbon_meter_path(path, err, "%s/max_energy_range_uj", dir));
    FL_TRY(carbon_read_number(path, 1, MAX_COUNTER_UJ, &zone->range_uj, err));
    FL_TRY(carbon_meter_path(zone->path, err, "%s/energy_uj", dir));
    enum fl_status status = read_counter(zone, &zone->last_uj, &why);
    if (status == FL_E_IO)
        return fl_fail(err, status, "%s; to allow it until the next boot: %s",
                       why.text, HOW_TO_ALLOW);
    return status == FL_OK ? FL_OK : fl_fail(err, status, "%s", why.text);
}

/* "package-0-die-1": the length of "package-0", or 0. */
static size_t die_prefix(const char *name)
{
    const char *die = strstr(name, "-die-");
    return die ? (size_t)(die - name) : 0;
}

static bool is_same_counter(const struct zone *a, const struct zone *b)
{
    if (strcmp(a->name, b->name) == 0)
        return true;
    size_t n = die_prefix(a->name);
    int64_t apart_uj = a->last_uj - b->last_uj;
    return n > 0 && n == die_prefix(b->name) &&
           memcmp(a->name, b->name, n) == 0 && a->last_uj > 0 &&
           b->last_uj > 0 && apart_uj < SAME_UJ && apart_uj > -SAME_UJ;
}

/* Zones come as package, its parts, the next package. */
static void choose_counted(struct rapl *rapl)
{
    bool is_package_counted = false;
    for (size_t i = 0; i < rapl->n; i++) {
        struct zone *zone = &rapl->zones[i];
        if (!zone->is_top) {
            zone->is_counted =
                is_package_counted && strcmp(zone->name, "dram") == 0;
            continue;
        }
        zone->is_counted = strncmp(zone->name, "package", 7) == 0;
        for (size_t k = 0; k < i && zone->is_counted; k++)
            if (rapl->zones[k].is_top && is_same_counter(zone, &rapl->zones[k]))
                zone->is_counted = false;
        is_package_counted = zone->is_counted;
    }
}

static enum fl_status describe(const struct rapl *rapl,
                               struct carbon_meter_setup *setup)
{
    int n_packages = 0, n_dram = 0;
    double least_wall_s = 0;
    for (size_t i = 0; i < rapl->n; i++) {
        const struct zone *zone = &rapl->zones[i];
        double wrap_wall_s = (double)zone->range_uj / UJ_PER_J / MAX_W;
        if (i == 0 || wrap_wall_s < least_wall_s)
            least_wall_s = wrap_wall_s;
        n_packages += zone->is_counted && zone->is_top;
        n_dram += zone->is_counted && !zone->is_top;
    }
    setup->longest_gap_wall_s = least_wall_s;
    setup->period_wall_s =
        least_wall_s < 2 * PERIOD_WALL_S ? least_wall_s / 2 : PERIOD_WALL_S;
    (void)snprintf(setup->detail, sizeof setup->detail,
                   "%d package%s%s; the board and the power supply not counted",
                   n_packages, n_packages == 1 ? "" : "s",
                   n_dram ? " with memory" : ", memory not counted");
    return n_packages > 0 ? FL_OK : FL_E_IO;
}

static enum fl_status
find_zones(const char *root, struct rapl *rapl, struct fl_error *err)
{
    char path[CARBON_METER_PATH_BYTES];
    struct carbon_entry_number entries[MAX_ZONES];
    struct fl_error why = {FL_OK, ""};
    FL_TRY(carbon_meter_path(path, err, DIR_FORMAT, root));
    enum fl_status status = carbon_list_entries(
        path, "intel-rapl:", true, MAX_ZONES, entries, &rapl->n, &why);
    if (status != FL_OK)
        return fl_fail(err, status,
                       "%s (a virtual machine, a container, or a processor "
                       "without RAPL)",
                       why.text);
    if (rapl->n == 0)
        return fl_fail(err, FL_E_IO,
                       "%s: no intel-rapl zones (modprobe intel_rapl_msr)",
                       path);
    for (size_t i = 0; i < rapl->n; i++)
        FL_TRY(open_zone(root, &entries[i], &rapl->zones[i], err));
    choose_counted(rapl);
    return FL_OK;
}

static enum fl_status open_rapl(const struct carbon_meter_opts *opts,
                                double now_wall_s,
                                struct carbon_meter_setup *ret,
                                struct fl_error *err)
{
    (void)now_wall_s;
    struct rapl *rapl = fl_calloc(1, sizeof *rapl);
    if (!rapl)
        return fl_fail(err, FL_E_NOMEM, "out of memory: rapl");
    enum fl_status status = find_zones(opts->root, rapl, err);
    if (status == FL_OK && describe(rapl, ret) != FL_OK)
        status =
            fl_fail(err, FL_E_IO, DIR_FORMAT ": found no zone named package-N",
                    opts->root);
    if (status != FL_OK) {
        fl_free(rapl);
        return status;
    }
    ret->state = rapl;
    return FL_OK;
}

/* Behind its maximum a counter starts at 0 again. */
static int64_t used_since(const struct zone *zone, int64_t now_uj)
{
    int64_t used_uj = now_uj - zone->last_uj;
    return used_uj < 0 ? used_uj + zone->range_uj : used_uj;
}

static enum fl_status read_rapl(void *state,
                                double now_wall_s,
                                struct carbon_meter_reading *ret,
                                struct fl_error *err)
{
    struct rapl *rapl = state;
    int64_t now_uj[MAX_ZONES];
    const char *package = "";
    (void)now_wall_s;
    for (size_t i = 0; i < rapl->n; i++)
        FL_TRY(read_counter(&rapl->zones[i], &now_uj[i], err));
    ret->n_rails = rapl->n;
    for (size_t i = 0; i < rapl->n; i++) {
        struct zone *zone = &rapl->zones[i];
        struct carbon_meter_rail *rail = &ret->rails[i];
        if (zone->is_top)
            package = zone->name;
        zone->sum_uj += used_since(zone, now_uj[i]);
        zone->last_uj = now_uj[i];
        rail->energy_j = (double)zone->sum_uj / UJ_PER_J;
        rail->is_counted = zone->is_counted;
        (void)snprintf(rail->name, sizeof rail->name, "%.38s%s%.38s",
                       zone->is_top ? "" : package, zone->is_top ? "" : "/",
                       zone->name);
    }
    return FL_OK;
}

static void close_rapl(void *state)
{
    fl_free(state);
}

const struct carbon_meter_type carbon_meter_rapl = {
    .name = "rapl",
    .doc = "energy counters of Intel's and AMD's processors and their memory",
    .source = "Linux, Documentation/power/powercap/powercap.rst",
    .evidence = CARBON_MEASURED,
    .scope = CARBON_METER_MACHINE,
    .open = open_rapl,
    .read = read_rapl,
    .close = close_rapl,
};
