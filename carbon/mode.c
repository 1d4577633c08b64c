#include "carbon/mode.h"

#include "carbon/profile.h"
#include "carbon/profile_priv.h"

#include <string.h>

#define MAX_NAMES 32

enum fl_status carbon_device_in_mode(const struct carbon_device *device,
                                     const char *mode,
                                     struct carbon_device *ret,
                                     struct fl_error *err)
{
    const char *names[MAX_NAMES];
    size_t n = 0;
    if (!device->modes)
        return fl_fail(err, FL_E_CONFIG,
                       "mode '%.64s': %s has no modes, allowed none", mode,
                       device->name);
    for (const struct carbon_mode *m = device->modes; m->name; m++) {
        if (strcmp(m->name, mode) == 0) {
            *ret = *device;
            ret->train_w = m->train_w;
            ret->train_flop_per_s = m->train_flop_per_s;
            if (m->idle_w.source)
                ret->idle_w = m->idle_w;
            return FL_OK;
        }
        if (n < MAX_NAMES)
            names[n++] = m->name;
    }
    return carbon_unknown_name("mode", mode, names, n, err);
}

double carbon_switching_power_w(double static_w,
                                double capacitance_farad,
                                double frequency_hz,
                                double voltage_volt)
{
    return static_w +
           capacitance_farad * frequency_hz * voltage_volt * voltage_volt;
}
