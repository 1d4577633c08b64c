/* Inside of the meters, for carbon/meters/ and the tests: what they parse (pure
 * functions of bytes), the files they read, and the table of processors. */
#ifndef CARBON_METER_PRIV_H
#define CARBON_METER_PRIV_H

#include "carbon/meter.h"

#define CARBON_METER_PATH_BYTES 512

/* "<root>/sys/..." and its like, printed; FL_E_ARG when it is too long. */
enum fl_status carbon_meter_path(char ret[CARBON_METER_PATH_BYTES],
                                 struct fl_error *err,
                                 const char *fmt,
                                 ...) FL_NODISCARD
    __attribute__((format(printf, 3, 4)));

/* One whole number, with or without a line feed behind it, in a file of its
 * own. Fails FL_E_IO; FL_E_FORMAT anything else, with path and what was
 * found. */
enum fl_status carbon_read_number(const char *path,
                                  int64_t min,
                                  int64_t max,
                                  int64_t *ret,
                                  struct fl_error *err) FL_NODISCARD;
/* The same of a text; `where` is for the error. */
enum fl_status carbon_parse_number(const char *text,
                                   const char *where,
                                   int64_t min,
                                   int64_t max,
                                   int64_t *ret,
                                   struct fl_error *err) FL_NODISCARD;

/* The first line of a file, without what cannot be printed, into ret[size]. */
enum fl_status carbon_read_word(const char *path,
                                char *ret,
                                size_t size,
                                struct fl_error *err) FL_NODISCARD;

/* Numbers of the entries `prefix`N of a folder, ascending, into
 * ret[max]; `N:M` too where has_parts. FL_E_IO; FL_E_FORMAT more than max. */
struct carbon_entry_number {
    int32_t major;
    int32_t minor; /* -1: none */
};
enum fl_status carbon_list_entries(const char *path,
                                   const char *prefix,
                                   bool has_parts,
                                   size_t max,
                                   struct carbon_entry_number *ret,
                                   size_t *ret_n,
                                   struct fl_error *err) FL_NODISCARD;

/* Power that is sampled: the area under straight lines between samples. */
struct carbon_power_sum {
    double at_wall_s;
    double power_w;
    double sum_j;
};
void carbon_power_add(struct carbon_power_sum *acc,
                      double now_wall_s,
                      double power_w);

/* The head of /proc/stat. Fails FL_E_FORMAT. */
struct carbon_proc_stat {
    double busy_cpu_s;
    int64_t n_threads; /* lines cpuN: the processors that Linux sees */
};
enum fl_status carbon_parse_proc_stat(const char *text,
                                      double ticks_hz,
                                      struct carbon_proc_stat *ret,
                                      struct fl_error *err) FL_NODISCARD;
enum fl_status carbon_read_proc_stat(const char *root,
                                     struct carbon_proc_stat *ret,
                                     struct fl_error *err) FL_NODISCARD;

/* The processor's (or board's) name in /proc/cpuinfo. Fails FL_E_FORMAT. */
enum fl_status carbon_parse_cpuinfo(const char *text,
                                    char ret[128],
                                    struct fl_error *err) FL_NODISCARD;
/* MemTotal of /proc/meminfo. Fails FL_E_FORMAT. */
enum fl_status carbon_parse_meminfo(const char *text,
                                    double *ret_memory_bytes,
                                    struct fl_error *err) FL_NODISCARD;

/* Joules of a job or step in what sstat, sacct (-n -P --format=JobID,
 * ConsumedEnergyRaw) or scontrol (ConsumedEnergy=) print: the row of the job
 * itself if there is one; else the sum of its numbered steps; else of its
 * others (batch, extern). Of a step ("12.0"): its row.
 * Fails FL_E_IO the energy is 0, empty or unknown: Slurm does not measure it,
 * or not yet; FL_E_FORMAT the text is something else, or of another job. */
enum fl_status carbon_parse_slurm(const char *text,
                                  const char *job,
                                  double *ret_j,
                                  struct fl_error *err) FL_NODISCARD;

/* A processor of the table behind the meter tdp (carbon/meter_cpus.c). */
struct carbon_cpu {
    const char *name; /* as /proc/cpuinfo has it, without decoration */
    double tdp_w;     /* of one package */
    int n_threads;    /* of one package */
};
extern const struct carbon_cpu carbon_cpus[]; /* ends with name NULL */
extern const char *const carbon_cpus_source;

/* "Intel(R) Core(TM) i7-8700 CPU @ 3.20GHz" as "intel core i7-8700": lower
 * case, marks, clock rates and words such as CPU left out; cut at size. */
void carbon_cpu_normalise(const char *name, char *ret, size_t size);
/* The row whose normalised name is exactly this one's, or NULL. */
const struct carbon_cpu *carbon_cpu_find(const char *name);

#endif
