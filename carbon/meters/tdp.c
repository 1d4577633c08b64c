/* TDP: the stated fall-back where nothing measures, in containers and virtual
 * machines. A model, not an instrument:
 *
 *     E = tdp_w / n_threads * busy + memory_gb * per_gb_w * (t1 - t0)    [J]
 *
 *     tdp_w      thermal design power of a package, from the table of
 *                carbon/meter_cpus.c by the exact name, or as given      [W]
 *     n_threads  hardware threads of that package; where tdp_w is given, all
 *                those that /proc/stat lists
 *     busy       CPU time in which they worked, from /proc/stat          [s]
 *     memory_gb  MemTotal of /proc/meminfo, 1e9 bytes                    [-]
 *     per_gb_w   as given; 0: memory is left out                         [W]
 *
 *     processor            threads  tdp   busy           memory       E
 *     i7-8700, 12 threads  12       65 W  12 x 3600 s    none         234 kJ
 *     given 20 W           2        20 W  1 x 60 s       8 GB, 0.375  780 J
 *
 * A given tdp_w is of everything that Linux lists: of a virtual machine, its
 * share of the host. Nothing is guessed: a processor that the table does not
 * have needs tdp_w. Any time may pass between two readings.
 *
 * How accurate is this? Within a factor of two. TDP is no maximum (turbo draws
 * more for a while) and no mean (light code draws less); an idle package's 10
 * to 20 % of TDP are left out; one busy thread of two on a core draws more than
 * half of the core. The board and the power supply are left out.
 *
 * Source Budennyy et al. 2023, eco2AI (utilisation x TDP; 3/8 W per GB) */
#include "carbon/meter_priv.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/units.h"

#include <math.h>
#include <stdio.h>

#define PERIOD_WALL_S  30.0
#define MAX_PROC_BYTES ((size_t)16 << 20)
#define MAX_TDP_W      100000.0

struct tdp {
    char root[CARBON_METER_PATH_BYTES];
    double thread_w;
    double memory_bytes, memory_per_gb_w;
    double start_wall_s, start_cpu_s, last_cpu_s;
};

static enum fl_status read_proc(const char *root,
                                const char *name,
                                uint8_t **ret,
                                struct fl_error *err)
{
    char path[CARBON_METER_PATH_BYTES];
    size_t n;
    FL_TRY(carbon_meter_path(path, err, "%s/proc/%s", root, name));
    return fl_file_read(path, MAX_PROC_BYTES, ret, &n, err);
}

static enum fl_status
read_cpu_name(const char *root, char ret[128], struct fl_error *err)
{
    uint8_t *text = NULL;
    FL_TRY(read_proc(root, "cpuinfo", &text, err));
    enum fl_status status = carbon_parse_cpuinfo((const char *)text, ret, err);
    fl_free(text);
    return status;
}

static enum fl_status
read_memory(const char *root, double *ret_memory_bytes, struct fl_error *err)
{
    uint8_t *text = NULL;
    FL_TRY(read_proc(root, "meminfo", &text, err));
    enum fl_status status =
        carbon_parse_meminfo((const char *)text, ret_memory_bytes, err);
    fl_free(text);
    return status;
}

/* Watts of one busy thread; `model` says in words where they are from. */
static enum fl_status thread_power(const struct carbon_meter_opts *opts,
                                   int64_t n_threads,
                                   double *ret_w,
                                   char model[200],
                                   struct fl_error *err)
{
    char name[128];
    if (!isfinite(opts->tdp_w) || opts->tdp_w < 0 || opts->tdp_w > MAX_TDP_W)
        return fl_fail(err, FL_E_CONFIG, "tdp_w = %g, allowed (0, %g]",
                       opts->tdp_w, MAX_TDP_W);
    if (opts->tdp_w > 0) {
        *ret_w = opts->tdp_w / (double)n_threads;
        (void)snprintf(model, 200, "given %g W over %lld threads", opts->tdp_w,
                       (long long)n_threads);
        return FL_OK;
    }
    FL_TRY(read_cpu_name(opts->root, name, err));
    const struct carbon_cpu *cpu = carbon_cpu_find(name);
    if (!cpu)
        return fl_fail(err, FL_E_CONFIG,
                       "the TDP of '%s' is not in the table: give it with "
                       "--tdp-w W (of a virtual machine: its share of the "
                       "host)",
                       name);
    *ret_w = cpu->tdp_w / cpu->n_threads;
    (void)snprintf(model, 200, "%s, %g W over %d threads", cpu->name,
                   cpu->tdp_w, cpu->n_threads);
    return FL_OK;
}

static enum fl_status set_up(struct tdp *tdp,
                             const struct carbon_meter_opts *opts,
                             struct carbon_meter_setup *ret,
                             struct fl_error *err)
{
    struct carbon_proc_stat stat;
    char model[200];
    FL_TRY(carbon_meter_path(tdp->root, err, "%s", opts->root));
    FL_TRY(carbon_read_proc_stat(opts->root, &stat, err));
    FL_TRY(thread_power(opts, stat.n_threads, &tdp->thread_w, model, err));
    tdp->start_cpu_s = tdp->last_cpu_s = stat.busy_cpu_s;
    tdp->memory_per_gb_w = opts->memory_per_gb_w;
    if (!isfinite(tdp->memory_per_gb_w) || tdp->memory_per_gb_w < 0)
        return fl_fail(err, FL_E_CONFIG,
                       "memory: %g W per GB, allowed >= 0 (0: left out)",
                       tdp->memory_per_gb_w);
    if (tdp->memory_per_gb_w > 0)
        FL_TRY(read_memory(opts->root, &tdp->memory_bytes, err));
    int n = snprintf(ret->detail, sizeof ret->detail, "%s, busy time", model);
    if (tdp->memory_per_gb_w > 0)
        (void)snprintf(ret->detail + n, sizeof ret->detail - (size_t)n,
                       "; memory %.3g GB at %g W/GB",
                       tdp->memory_bytes / FL_BYTES_PER_GB,
                       tdp->memory_per_gb_w);
    return FL_OK;
}

static enum fl_status open_tdp(const struct carbon_meter_opts *opts,
                               double now_wall_s,
                               struct carbon_meter_setup *ret,
                               struct fl_error *err)
{
    struct tdp *tdp = fl_calloc(1, sizeof *tdp);
    if (!tdp)
        return fl_fail(err, FL_E_NOMEM, "out of memory: tdp");
    tdp->start_wall_s = now_wall_s;
    enum fl_status status = set_up(tdp, opts, ret, err);
    if (status != FL_OK) {
        fl_free(tdp);
        return status;
    }
    ret->state = tdp;
    ret->period_wall_s = PERIOD_WALL_S;
    return FL_OK;
}

static enum fl_status read_tdp(void *state,
                               double now_wall_s,
                               struct carbon_meter_reading *ret,
                               struct fl_error *err)
{
    struct tdp *tdp = state;
    double busy_cpu_s;
    FL_TRY(carbon_machine_busy(tdp->root, &busy_cpu_s, err));
    if (busy_cpu_s < tdp->last_cpu_s)
        return fl_fail(err, FL_E_FORMAT,
                       "%s/proc/stat: busy time fell from %.17g s to %.17g s",
                       tdp->root, tdp->last_cpu_s, busy_cpu_s);
    tdp->last_cpu_s = busy_cpu_s;
    ret->n_rails = 1;
    ret->rails[0] = (struct carbon_meter_rail){
        .name = "processors",
        .energy_j = tdp->thread_w * (busy_cpu_s - tdp->start_cpu_s),
        .is_counted = true};
    if (tdp->memory_per_gb_w > 0)
        ret->rails[ret->n_rails++] = (struct carbon_meter_rail){
            .name = "memory",
            .energy_j =
                carbon_meter_memory_j(tdp->memory_bytes, tdp->memory_per_gb_w,
                                      now_wall_s - tdp->start_wall_s),
            .is_counted = true};
    return FL_OK;
}

static void close_tdp(void *state)
{
    fl_free(state);
}

const struct carbon_meter_type carbon_meter_tdp = {
    .name = "tdp",
    .doc = "no instrument: busy time x TDP / threads, and memory by its size",
    .source = "Budennyy et al. 2023, Doklady Mathematics, eco2AI",
    .evidence = CARBON_ASSUMED,
    .scope = CARBON_METER_MACHINE,
    .open = open_tdp,
    .read = read_tdp,
    .close = close_tdp,
};
