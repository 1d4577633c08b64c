/* Meters: what a real machine draws, as far as it can tell.
 *
 * The simulator's results come from facts and formulas; a meter is about the
 * machine that computes them, or about a real device. Each kind of meter is
 * one file in carbon/meters/ and one row of meters.def, best first.
 *
 *     struct carbon_meter_opts opts = {.root = ""};
 *     struct carbon_meter *meter;
 *     FL_TRY(carbon_meter_create("rapl", &opts, fl_clock_wall_s(), &meter,
 *                                err));
 *     ... at least every carbon_meter_longest_gap_wall_s(meter) seconds:
 *     FL_TRY(carbon_meter_read(meter, fl_clock_wall_s(), &reading, err));
 *     ... reading.total_j is the energy since the meter was created
 *     carbon_meter_destroy(meter);
 *
 * A meter never says zero for "I do not know": what cannot be read is an
 * error that names the file, and changes nothing, so that the next reading
 * may still succeed. Instants are the caller's (base/clock.h): monotonic
 * seconds. docs/meters.md says what each meter covers, and how well.
 *
 * Threads: a meter belongs to one thread.
 */
#ifndef CARBON_METER_H
#define CARBON_METER_H

#include "base/status.h"
#include "carbon/fact.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CARBON_METER_MAX_RAILS 64

/* What a meter's total speaks of. */
enum carbon_meter_scope {
    CARBON_METER_MACHINE, /* the machine's processors at least */
    CARBON_METER_JOB,     /* the nodes of a job of a batch system */
    CARBON_METER_GPUS,    /* graphics processors alone */
    CARBON_METER_SCOPE_LAST_
};

/* Runs a program to its end and gives what it wrote to stdout, NUL behind it,
 * in ret_text[size]. Fails when it cannot be started, or fails. */
typedef enum fl_status (*carbon_meter_run_fn)(void *arg,
                                              const char *const *argv,
                                              char *ret_text,
                                              size_t size,
                                              struct fl_error *err);

/* What meters may need to know; a zero member is "not given". */
struct carbon_meter_opts {
    const char *root;        /* before /sys and /proc; "" on a real machine */
    const char *library;     /* nvml: NULL is libnvidia-ml.so.1 */
    const char *slurm_job;   /* slurm: "1234" or, of one step, "1234.0" */
    carbon_meter_run_fn run; /* slurm: runs sstat or sacct */
    void *run_arg;
    double tdp_w; /* tdp: of all processors that /proc/stat lists */
    /* tdp: memory, watts per 1e9 bytes; 0 leaves memory out. */
    double memory_per_gb_w;
};

struct carbon_meter_rail {
    char name[80];   /* "package-0", "dram", "VDD_IN" */
    double energy_j; /* since the meter was created */
    bool is_counted; /* in the total; a part of another rail is not */
};

struct carbon_meter_reading {
    double at_wall_s; /* the caller's instant */
    double total_j;   /* sum of the counted rails, in their order */
    size_t n_rails;
    struct carbon_meter_rail rails[CARBON_METER_MAX_RAILS];
};

/* What a type tells of a meter that it opened. */
struct carbon_meter_setup {
    void *state;               /* the type's own */
    double period_wall_s;      /* how often to read for good figures */
    double longest_gap_wall_s; /* more between readings is an error; 0: none */
    char detail[256];          /* what is read, or which model with what */
};

struct carbon_meter_type {
    const char *name;
    const char *doc;    /* one sentence */
    const char *source; /* of the interface, or of the model's figures */
    enum carbon_evidence evidence;
    enum carbon_meter_scope scope;
    /* Looks for the instrument and reads it once: the zero of all readings.
     * Fails FL_E_IO not there or not readable, with the path; FL_E_FORMAT not
     * what it should be; FL_E_CONFIG an option is missing. */
    enum fl_status (*open)(const struct carbon_meter_opts *opts,
                           double now_wall_s,
                           struct carbon_meter_setup *ret,
                           struct fl_error *err);
    /* Fills n_rails and rails; on failure the state is as before. */
    enum fl_status (*read)(void *state,
                           double now_wall_s,
                           struct carbon_meter_reading *ret,
                           struct fl_error *err);
    void (*close)(void *state);
};

/* The kinds of meters, best first; ends with NULL. */
extern const struct carbon_meter_type *const carbon_meters[];
#define CARBON_MAX_METERS 16

struct carbon_meter; /* opaque */

/* Opens a meter by its type's name.
 * Fails FL_E_CONFIG unknown name, or as the type's open. Free:
 * carbon_meter_destroy. */
enum fl_status carbon_meter_create(const char *name,
                                   const struct carbon_meter_opts *opts,
                                   double now_wall_s,
                                   struct carbon_meter **ret,
                                   struct fl_error *err) FL_NODISCARD;
void carbon_meter_destroy(struct carbon_meter *meter);

/* Energy since the meter was created, by rail.
 * Fails FL_E_ARG time runs backwards; FL_E_RANGE more time since the last
 * reading than what the instrument can bridge; FL_E_IO, FL_E_FORMAT as it
 * says; FL_E_NUMERIC an energy that is negative or not finite. */
enum fl_status carbon_meter_read(struct carbon_meter *meter,
                                 double now_wall_s,
                                 struct carbon_meter_reading *ret,
                                 struct fl_error *err) FL_NODISCARD;

const struct carbon_meter_type *
carbon_meter_type(const struct carbon_meter *meter);
const char *carbon_meter_detail(const struct carbon_meter *meter);
double carbon_meter_period_wall_s(const struct carbon_meter *meter);
/* Most seconds between two readings; 0: no limit. */
double carbon_meter_longest_gap_wall_s(const struct carbon_meter *meter);

/* Why a better meter was not taken. */
struct carbon_meter_refusal {
    const struct carbon_meter_type *type;
    char why[512];
};

/* The first of the table that opens, graphics processors left out: their
 * energy is no machine's. acc_refusals[CARBON_MAX_METERS] gets those that did
 * not, *acc_n their number, whatever is returned.
 * Fails FL_E_STATE there is none; FL_E_NOMEM. Free: carbon_meter_destroy. */
enum fl_status carbon_meter_choose(const struct carbon_meter_opts *opts,
                                   double now_wall_s,
                                   struct carbon_meter **ret,
                                   struct carbon_meter_refusal *acc_refusals,
                                   size_t *acc_n,
                                   struct fl_error *err) FL_NODISCARD;

/* Splits a machine's energy over processes by their share of the CPU time in
 * which it was busy:
 *
 *     ret_j[i] = total_j cpu_s[i] / busy_cpu_s                           [J]
 *
 * What others used stays unattributed. Idle power is in total_j and so is
 * borne by those who work, in proportion (average, not marginal); a machine
 * that nobody used is borne by nobody. CPU clocks disagree by some ticks: if
 * the processes have more than busy_cpu_s together, that sum takes its place.
 *
 * Each share is rounded to a whole number of units in the last place of
 * total_j, so that they add up to the bit in any order. When the processes
 * are all that was busy, what rounding leaves over goes to the first of those
 * with the most CPU time, and the shares' sum is total_j.
 *
 * Fails FL_E_ARG an argument that is negative or not finite. */
enum fl_status carbon_meter_attribute(double total_j,
                                      const double *cpu_s,
                                      size_t n,
                                      double busy_cpu_s,
                                      double *ret_j,
                                      struct fl_error *err) FL_NODISCARD;

/* CPU seconds in which all processors together were busy since the machine
 * started: user, nice, system, irq and softirq of <root>/proc/stat.
 * Fails FL_E_IO, FL_E_FORMAT. */
enum fl_status carbon_machine_busy(const char *root,
                                   double *ret_cpu_s,
                                   struct fl_error *err) FL_NODISCARD;

/* Energy of memory that is powered, used or not: per_gb_w for each 1e9 bytes.
 * 8 GB at 0.375 W/GB for 1 h are 10,800 J = 0.003 kWh. */
double
carbon_meter_memory_j(double memory_bytes, double per_gb_w, double duration_s);

#endif
