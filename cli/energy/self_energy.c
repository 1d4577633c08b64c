#include "cli/energy/self_energy_priv.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "cli/tool.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* One name for all users: $XDG_RUNTIME_DIR is one user's, a machine is not. */
#define LOCK_PATH "/tmp/fedcarbon-meter.lock"

/* eco2AI's 3 W per 8 GB; used by the meter tdp alone, which says so. */
#define MEMORY_PER_GB_W 0.375

struct carbon_meter_opts cli_meter_opts(const char *slurm_job)
{
    return (struct carbon_meter_opts){.root = "",
                                      .slurm_job = slurm_job,
                                      .run = cli_tool_run,
                                      .memory_per_gb_w = MEMORY_PER_GB_W};
}

/* Everybody who measures holds the file's shared lock; who can make it an
 * exclusive one is alone at that moment. The file is another user's, or is made
 * here: never through a link, and never emptied. */
static int open_lock(void)
{
    int fd = open(LOCK_PATH, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        fd = open(LOCK_PATH,
                  O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) /* somebody made it in between */
        fd = open(LOCK_PATH, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return fd;
}

static void look_for_others(struct cli_energy *energy)
{
    if (energy->lock_fd < 0)
        return;
    if (flock(energy->lock_fd, LOCK_EX | LOCK_NB) != 0)
        energy->is_shared = true;
    (void)flock(energy->lock_fd, LOCK_SH | LOCK_NB);
}

static void plan_next(struct cli_energy *energy, double now_wall_s)
{
    energy->next_wall_s =
        now_wall_s + carbon_meter_period_wall_s(energy->meter);
}

static enum fl_status
open_meter(struct cli_energy *energy, double now_wall_s, struct fl_error *err)
{
    const struct cli_energy_opts *opts = &energy->opts;
    if (!opts->meter) {
        enum fl_status status = carbon_meter_choose(
            &opts->meter_opts, now_wall_s, &energy->meter, energy->refusals,
            &energy->n_refusals, &energy->why);
        return status == FL_E_STATE ? FL_OK : status;
    }
    if (strcmp(opts->meter, CLI_METER_NONE) == 0) {
        (void)fl_fail(&energy->why, FL_E_STATE, "--meter none");
        return FL_OK;
    }
    struct fl_error why = {FL_OK, ""};
    enum fl_status status = carbon_meter_create(
        opts->meter, &opts->meter_opts, now_wall_s, &energy->meter, &why);
    if (status == FL_OK &&
        carbon_meter_type(energy->meter)->scope == CARBON_METER_GPUS)
        status = fl_fail(&why, FL_E_CONFIG,
                         "simulations compute on processors alone");
    return status == FL_OK ? FL_OK
                           : fl_fail(err, FL_E_CONFIG, "--meter %.40s: %.900s",
                                     opts->meter, why.text);
}

static enum fl_status begin(struct cli_energy *energy, struct fl_error *err)
{
    double now_wall_s = fl_clock_wall_s();
    struct fl_error why = {0};
    if (energy->opts.here &&
        carbon_zone_find(energy->opts.here, &energy->zone, &why) != FL_OK)
        return fl_fail(err, FL_E_CONFIG, "--here: %.900s", why.text);
    FL_TRY(open_meter(energy, now_wall_s, err));
    if (!energy->meter)
        return FL_OK;
    energy->start_wall_s = now_wall_s;
    energy->start_own_cpu_s = fl_clock_cpu_s();
    plan_next(energy, now_wall_s);
    energy->lock_fd = open_lock();
    look_for_others(energy);
    enum fl_status status = carbon_machine_busy(
        energy->opts.meter_opts.root, &energy->start_busy_cpu_s, &energy->why);
    if (status != FL_OK) { /* nothing could be attributed */
        carbon_meter_destroy(energy->meter);
        energy->meter = NULL;
    }
    return FL_OK;
}

enum fl_status cli_energy_create(const struct cli_energy_opts *opts,
                                 int n_clients,
                                 struct cli_energy **ret,
                                 struct fl_error *err)
{
    struct cli_energy *energy = fl_calloc(1, sizeof *energy);
    if (!energy)
        return fl_fail(err, FL_E_NOMEM, "out of memory: metering");
    energy->opts = *opts;
    energy->lock_fd = -1;
    energy->n_processes = CLI_ENERGY_CLIENTS + n_clients;
    energy->cpu_s =
        fl_calloc((size_t)energy->n_processes, sizeof *energy->cpu_s);
    energy->energy_j =
        fl_calloc((size_t)energy->n_processes, sizeof *energy->energy_j);
    enum fl_status status =
        energy->cpu_s && energy->energy_j
            ? begin(energy, err)
            : fl_fail(err, FL_E_NOMEM, "out of memory: metering");
    if (status != FL_OK) {
        cli_energy_destroy(energy);
        return status;
    }
    *ret = energy;
    return FL_OK;
}

void cli_energy_destroy(struct cli_energy *energy)
{
    if (!energy)
        return;
    carbon_meter_destroy(energy->meter);
    if (energy->lock_fd >= 0)
        (void)close(energy->lock_fd);
    fl_free(energy->cpu_s);
    fl_free(energy->energy_j);
    fl_free(energy);
}

int cli_energy_timeout_ms(const struct cli_energy *energy)
{
    if (!energy || !energy->meter)
        return -1;
    double left_wall_s = energy->next_wall_s - fl_clock_wall_s();
    return left_wall_s > 0 ? (int)(left_wall_s * 1000) + 1 : 0;
}

void cli_energy_tick(struct cli_energy *energy)
{
    if (!energy || !energy->meter)
        return;
    double now_wall_s = fl_clock_wall_s();
    if (now_wall_s < energy->next_wall_s)
        return;
    struct carbon_meter_reading reading;
    /* A reading that fails changes nothing: the last one decides. */
    (void)!carbon_meter_read(energy->meter, now_wall_s, &reading, NULL);
    look_for_others(energy);
    plan_next(energy, now_wall_s);
}

void cli_energy_spent(struct cli_energy *energy, int process, double cpu_s)
{
    if (energy && process >= 0 && process < energy->n_processes)
        energy->cpu_s[process] += cpu_s;
}

static enum fl_status measure(struct cli_energy *energy, struct fl_error *err)
{
    struct carbon_meter_reading reading;
    double busy_cpu_s, now_wall_s = fl_clock_wall_s();
    FL_TRY(carbon_meter_read(energy->meter, now_wall_s, &reading, err));
    FL_TRY(carbon_machine_busy(energy->opts.meter_opts.root, &busy_cpu_s, err));
    look_for_others(energy);
    energy->cpu_s[CLI_ENERGY_LAUNCHER] =
        fl_clock_cpu_s() - energy->start_own_cpu_s;
    energy->machine_j = reading.total_j;
    energy->end_wall_s = now_wall_s;
    busy_cpu_s -= energy->start_busy_cpu_s;
    /* A job's nodes are the run's alone, as far as Slurm tells. */
    if (carbon_meter_type(energy->meter)->scope == CARBON_METER_JOB)
        busy_cpu_s = 0;
    return carbon_meter_attribute(
        reading.total_j, energy->cpu_s, (size_t)energy->n_processes,
        busy_cpu_s > 0 ? busy_cpu_s : 0, energy->energy_j, err);
}

enum fl_status cli_energy_finish(struct cli_energy *energy,
                                 const char *run_dir,
                                 struct fl_error *err)
{
    if (!energy)
        return FL_OK;
    if (energy->meter)
        (void)!measure(energy, &energy->why);
    return cli_energy_store(energy, run_dir, err);
}
