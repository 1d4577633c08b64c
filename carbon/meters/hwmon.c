/* Hwmon: power that sensors in the supply lines measure, from
 * /sys/class/hwmon/hwmonN: powerK_input in microwatts, or, of an INA3221
 * (Jetson boards, Raspberry Pi HATs), inK_input in mV times currK_input in mA.
 *
 * Which drivers: only those that stand in the supply of the machine (the table
 * below). A graphics card's own sensor, a battery (which says nothing on mains)
 * or a processor's estimate is no machine's power and is left alone.
 *
 * Rails go by powerK_label or inK_label. Some contain others: VDD_IN or
 * POM_5V_IN of a Jetson, "power total" of a power supply, everything of an ACPI
 * power meter. Where there is one, only the totals of the first driver of the
 * table that has any count, and the others are shown; where there is none, the
 * rails are next to each other and all count. Channels that are switched off
 * (inK_enable 0) or not connected (label NC) are left out.
 *
 * Power is sampled: the energy is the area under straight lines between
 * samples, exact for power that changes linearly, and to be sampled each second
 * for power that jumps. Samples more than 60 s apart are refused. A current of
 * up to 100 mA that flows back is the sensor's offset and counts as 0.
 *
 * How accurate is this? An INA3221 is within 1 to 2 % of its full scale; its
 * readings are coarse (8 mA x 5 V = 40 mW) at light load. ACPI meters average
 * over a second or more and are within some per cent.
 *
 * Source Linux, Documentation/hwmon/sysfs-interface.rst and ina3221.rst;
 * Jetson Linux Developer Guide, power monitors */
#include "carbon/meter_priv.h"

#include "base/alloc.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DIR_FORMAT     "%s/sys/class/hwmon"
#define MAX_CHIPS      64
#define MAX_CHANNELS   16
#define PERIOD_WALL_S  1.0
#define LONGEST_WALL_S 60.0
#define MAX_UW         ((int64_t)100000 * 1000000) /* 100 kW */
#define MAX_MV         1000000
#define MAX_MA         1000000
#define OFFSET_MA      (-100)
#define UW_PER_W       1e6

struct driver {
    const char *name;
    bool is_total; /* each of its rails is the whole machine */
};

static const struct driver drivers[] = {
    {"ina3221", false}, {"power_meter", true}, {"corsairpsu", false},
    {"ina219", false},  {"ina220", false},     {"ina226", false},
    {"ina230", false},  {"ina231", false},     {"ina238", false},
    {"ina260", false},
};
#define N_DRIVERS (sizeof drivers / sizeof drivers[0])

static const char *const total_labels[] = {"VDD_IN", "POM_5V_IN", "VIN",
                                           "power total", "SYS_VIN"};
#define N_TOTALS (sizeof total_labels / sizeof total_labels[0])

struct rail {
    char name[64];
    char power_path[CARBON_METER_PATH_BYTES];   /* or "" */
    char voltage_path[CARBON_METER_PATH_BYTES]; /* with the next */
    char current_path[CARBON_METER_PATH_BYTES];
    size_t driver;
    bool is_total;
    bool is_counted;
    struct carbon_power_sum sum;
};

struct hwmon {
    size_t n;
    struct rail rails[CARBON_METER_MAX_RAILS];
    char others[128]; /* drivers that were seen and are not used */
};

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

static bool is_total_label(const char *label)
{
    for (size_t i = 0; i < N_TOTALS; i++)
        if (strcmp(label, total_labels[i]) == 0)
            return true;
    return false;
}

static enum fl_status
read_power(const struct rail *rail, double *ret_w, struct fl_error *err)
{
    int64_t uw, mv, ma;
    if (rail->power_path[0]) {
        FL_TRY(carbon_read_number(rail->power_path, 0, MAX_UW, &uw, err));
        *ret_w = (double)uw / UW_PER_W;
        return FL_OK;
    }
    FL_TRY(carbon_read_number(rail->voltage_path, 0, MAX_MV, &mv, err));
    FL_TRY(carbon_read_number(rail->current_path, OFFSET_MA, MAX_MA, &ma, err));
    if (ma < 0)
        ma = 0;
    *ret_w = (double)(mv * ma) / UW_PER_W; /* mV mA = uW */
    return FL_OK;
}

/* The label's text, or `fallback` with the channel's number. */
static enum fl_status read_label(const char *dir,
                                 const char *kind,
                                 int channel,
                                 char *ret,
                                 size_t size,
                                 struct fl_error *err)
{
    char path[CARBON_METER_PATH_BYTES];
    FL_TRY(carbon_meter_path(path, err, "%s/%s%d_label", dir, kind, channel));
    if (is_there(path))
        return carbon_read_word(path, ret, size, err);
    (void)snprintf(ret, size, "%s%d", kind, channel);
    return FL_OK;
}

static enum fl_status
is_enabled(const char *dir, int channel, bool *ret, struct fl_error *err)
{
    char path[CARBON_METER_PATH_BYTES];
    int64_t enabled = 1;
    FL_TRY(carbon_meter_path(path, err, "%s/in%d_enable", dir, channel));
    if (is_there(path))
        FL_TRY(carbon_read_number(path, 0, 1, &enabled, err));
    *ret = enabled != 0;
    return FL_OK;
}

/* A rail whose paths are known, if it is connected to anything. */
static enum fl_status add_rail(struct hwmon *hwmon,
                               const char *dir,
                               const char *kind,
                               int channel,
                               struct rail *rail,
                               struct fl_error *err)
{
    FL_TRY(read_label(dir, kind, channel, rail->name, sizeof rail->name, err));
    if (strcmp(rail->name, "NC") == 0)
        return FL_OK;
    if (hwmon->n == CARBON_METER_MAX_RAILS)
        return fl_fail(err, FL_E_FORMAT, "%s: more than %d rails", dir,
                       CARBON_METER_MAX_RAILS);
    rail->is_total =
        drivers[rail->driver].is_total || is_total_label(rail->name);
    hwmon->rails[hwmon->n++] = *rail;
    return FL_OK;
}

static enum fl_status add_channel(struct hwmon *hwmon,
                                  const char *dir,
                                  size_t driver,
                                  int channel,
                                  struct fl_error *err)
{
    struct rail rail = {.driver = driver};
    bool is_on = true;
    FL_TRY(carbon_meter_path(rail.power_path, err, "%s/power%d_input", dir,
                             channel));
    if (!is_there(rail.power_path)) /* ACPI meters average */
        FL_TRY(carbon_meter_path(rail.power_path, err, "%s/power%d_average",
                                 dir, channel));
    if (is_there(rail.power_path))
        return add_rail(hwmon, dir, "power", channel, &rail, err);
    rail.power_path[0] = '\0';
    FL_TRY(carbon_meter_path(rail.voltage_path, err, "%s/in%d_input", dir,
                             channel));
    FL_TRY(carbon_meter_path(rail.current_path, err, "%s/curr%d_input", dir,
                             channel));
    /* From in4 on an INA3221 has shunt voltages; curr4 is a sum. */
    if (channel > 3 || !is_there(rail.voltage_path) ||
        !is_there(rail.current_path))
        return FL_OK;
    FL_TRY(is_enabled(dir, channel, &is_on, err));
    return is_on ? add_rail(hwmon, dir, "in", channel, &rail, err) : FL_OK;
}

static size_t find_driver(const char *name)
{
    size_t i = 0;
    while (i < N_DRIVERS && strcmp(drivers[i].name, name) != 0)
        i++;
    return i;
}

static enum fl_status
add_chip(struct hwmon *hwmon, const char *root, int chip, struct fl_error *err)
{
    char dir[CARBON_METER_PATH_BYTES], path[CARBON_METER_PATH_BYTES];
    char name[32];
    FL_TRY(carbon_meter_path(dir, err, DIR_FORMAT "/hwmon%d", root, chip));
    FL_TRY(carbon_meter_path(path, err, "%s/name", dir));
    FL_TRY(carbon_read_word(path, name, sizeof name, err));
    size_t driver = find_driver(name);
    if (driver == N_DRIVERS) {
        size_t used = strlen(hwmon->others);
        (void)snprintf(hwmon->others + used, sizeof hwmon->others - used,
                       "%s%s", used ? ", " : "", name);
        return FL_OK;
    }
    for (int channel = 1; channel <= MAX_CHANNELS; channel++)
        FL_TRY(add_channel(hwmon, dir, driver, channel, err));
    return FL_OK;
}

static void choose_counted(struct hwmon *hwmon)
{
    size_t best = N_DRIVERS;
    for (size_t i = 0; i < hwmon->n; i++)
        if (hwmon->rails[i].is_total && hwmon->rails[i].driver < best)
            best = hwmon->rails[i].driver;
    for (size_t i = 0; i < hwmon->n; i++) {
        struct rail *rail = &hwmon->rails[i];
        rail->is_counted =
            best == N_DRIVERS || (rail->is_total && rail->driver == best);
    }
}

static enum fl_status
find_rails(const char *root, struct hwmon *hwmon, struct fl_error *err)
{
    char path[CARBON_METER_PATH_BYTES];
    struct carbon_entry_number chips[MAX_CHIPS];
    size_t n = 0;
    FL_TRY(carbon_meter_path(path, err, DIR_FORMAT, root));
    FL_TRY(
        carbon_list_entries(path, "hwmon", false, MAX_CHIPS, chips, &n, err));
    for (size_t i = 0; i < n; i++)
        FL_TRY(add_chip(hwmon, root, (int)chips[i].major, err));
    if (hwmon->n == 0)
        return fl_fail(err, FL_E_IO,
                       "%s: no sensor in the supply line (found: %s)", path,
                       hwmon->others[0] ? hwmon->others : "nothing");
    choose_counted(hwmon);
    return FL_OK;
}

static void describe(const struct hwmon *hwmon, struct carbon_meter_setup *ret)
{
    size_t used = 0;
    ret->period_wall_s = PERIOD_WALL_S;
    ret->longest_gap_wall_s = LONGEST_WALL_S;
    for (size_t i = 0; i < hwmon->n; i++) {
        if (!hwmon->rails[i].is_counted || used >= sizeof ret->detail)
            continue;
        int n = snprintf(ret->detail + used, sizeof ret->detail - used,
                         "%s%s (%s)", used ? ", " : "", hwmon->rails[i].name,
                         drivers[hwmon->rails[i].driver].name);
        used += (size_t)n;
    }
}

static enum fl_status open_hwmon(const struct carbon_meter_opts *opts,
                                 double now_wall_s,
                                 struct carbon_meter_setup *ret,
                                 struct fl_error *err)
{
    struct hwmon *hwmon = fl_calloc(1, sizeof *hwmon);
    if (!hwmon)
        return fl_fail(err, FL_E_NOMEM, "out of memory: hwmon");
    enum fl_status status = find_rails(opts->root, hwmon, err);
    for (size_t i = 0; i < hwmon->n && status == FL_OK; i++) {
        hwmon->rails[i].sum.at_wall_s = now_wall_s;
        status =
            read_power(&hwmon->rails[i], &hwmon->rails[i].sum.power_w, err);
    }
    if (status != FL_OK) {
        fl_free(hwmon);
        return status;
    }
    describe(hwmon, ret);
    ret->state = hwmon;
    return FL_OK;
}

static enum fl_status read_hwmon(void *state,
                                 double now_wall_s,
                                 struct carbon_meter_reading *ret,
                                 struct fl_error *err)
{
    struct hwmon *hwmon = state;
    double power_w[CARBON_METER_MAX_RAILS];
    for (size_t i = 0; i < hwmon->n; i++)
        FL_TRY(read_power(&hwmon->rails[i], &power_w[i], err));
    ret->n_rails = hwmon->n;
    for (size_t i = 0; i < hwmon->n; i++) {
        struct rail *rail = &hwmon->rails[i];
        carbon_power_add(&rail->sum, now_wall_s, power_w[i]);
        ret->rails[i].energy_j = rail->sum.sum_j;
        ret->rails[i].is_counted = rail->is_counted;
        (void)snprintf(ret->rails[i].name, sizeof ret->rails[i].name, "%s",
                       rail->name);
    }
    return FL_OK;
}

static void close_hwmon(void *state)
{
    fl_free(state);
}

const struct carbon_meter_type carbon_meter_hwmon = {
    .name = "hwmon",
    .doc = "power sensors in the supply line: INA3221 of Jetson boards and "
           "Raspberry Pi HATs, other INA2xx, ACPI power meters",
    .source = "Linux, Documentation/hwmon/sysfs-interface.rst",
    .evidence = CARBON_MEASURED,
    .scope = CARBON_METER_MACHINE,
    .open = open_hwmon,
    .read = read_hwmon,
    .close = close_hwmon,
};
