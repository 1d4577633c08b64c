/* Modes of a device: the same machine at other clocks and voltages.
 *
 *     const struct carbon_device *nano;
 *     struct carbon_device frugal;
 *     FL_TRY(carbon_device_find("jetson_nano", &nano, err));
 *     FL_TRY(carbon_device_in_mode(nano, "5w", &frugal, err));
 */
#ifndef CARBON_MODE_H
#define CARBON_MODE_H

#include "base/status.h"
#include "carbon/fact.h"

struct carbon_device; /* carbon/profile.h */

struct carbon_mode {
    const char *name; /* "5w", "600mhz"; NULL ends a device's table */
    const char *doc;
    struct carbon_fact train_w;          /* in place of the device's */
    struct carbon_fact train_flop_per_s; /* likewise */
    struct carbon_fact idle_w; /* likewise; no source: the device's own */
};

/* A copy of the device with the power and speed of one of its modes.
 * Fails FL_E_CONFIG unknown, with the nearest name; the device has none. */
enum fl_status carbon_device_in_mode(const struct carbon_device *device,
                                     const char *mode,
                                     struct carbon_device *ret,
                                     struct fl_error *err) FL_NODISCARD;

/* What a processor draws at a clock and a voltage:
 *
 *   P = static_w + capacitance_farad frequency_hz voltage_volt^2 [W]
 *
 *   static_w  capacitance  frequency  voltage    P
 *   0.5 W     1 nF         1 GHz      1 V        1.5 W
 *   0.5 W     1 nF         2 GHz      1.2 V      3.38 W
 *
 * static_w is what it draws without a clock (leakage, at this voltage),
 * capacitance_farad what switches in each cycle. To make modes of one measured
 * point: leave static_w and capacitance_farad, change the other two.
 * Pure. Accuracy: leakage, which grows with voltage and temperature, counts as
 * constant. Source AutoFL, MICRO 2021, arXiv 2107.08147 (power by clock);
 * Chandrakasan et al. 1992, Low-power CMOS digital design (C V^2 f). */
double carbon_switching_power_w(double static_w,
                                double capacitance_farad,
                                double frequency_hz,
                                double voltage_volt);

#endif
