/* Slurm: ConsumedEnergy of the job (or of one step) that this runs in, as a
 * cluster measures it per node with its acct_gather_energy plug-in (rapl,
 * ipmi, xcc, pm_counters).
 *
 * sstat knows the steps of a running job, sacct (where there is accounting)
 * jobs that have ended too; both are asked, in this order. They are run by the
 * program (opts->run), which waits for them.
 *
 * "0" or nothing is what Slurm says when it does not measure, and before its
 * first sample: an error, not an energy. Slurm samples by itself, each 30 s by
 * default (JobAcctGatherFrequency=energy=...), so a short run sees few steps of
 * the counter. Any time may pass between two readings.
 *
 * How accurate is this? As the plug-in: rapl is processors and memory, ipmi and
 * its like are the node at the supply. It is the energy of the nodes: on a node
 * that jobs share, each is shown all of it. Steps that run side by side on one
 * node each bear the whole node too; ask for one step by its name then.
 *
 * Source Slurm documentation, sacct, sstat and acct_gather.conf */
#include "carbon/meter_priv.h"

#include "base/alloc.h"

#include <stdio.h>
#include <string.h>

#define PERIOD_WALL_S 60.0
#define MAX_TEXT      65536
#define MAX_JOB       40
#define RAIL          "ConsumedEnergy"

struct slurm {
    carbon_meter_run_fn run;
    void *run_arg;
    char job[MAX_JOB];
    double start_j;
    double last_j;
    char text[MAX_TEXT];
};

/* Both programs take the same options; sstat wants steps of all kinds. */
static enum fl_status
ask(struct slurm *slurm, bool is_sacct, double *ret_j, struct fl_error *err)
{
    const char *const sstat[] = {
        "sstat", "-a",       "-n", "-P", "--format=JobID,ConsumedEnergyRaw",
        "-j",    slurm->job, NULL};
    const char *const sacct[] = {
        "sacct", "-n",       "-P", "--format=JobID,ConsumedEnergyRaw",
        "-j",    slurm->job, NULL};
    FL_TRY(slurm->run(slurm->run_arg, is_sacct ? sacct : sstat, slurm->text,
                      sizeof slurm->text, err));
    return carbon_parse_slurm(slurm->text, slurm->job, ret_j, err);
}

static enum fl_status
read_energy(struct slurm *slurm, double *ret_j, struct fl_error *err)
{
    struct fl_error first = {FL_OK, ""};
    if (ask(slurm, false, ret_j, &first) == FL_OK)
        return FL_OK;
    struct fl_error second = {FL_OK, ""};
    enum fl_status status = ask(slurm, true, ret_j, &second);
    if (status == FL_OK)
        return FL_OK;
    return fl_fail(err, FL_E_IO, "%.400s; %.400s", first.text, second.text);
}

static enum fl_status check_job(const char *job, struct fl_error *err)
{
    if (!job || !job[0])
        return fl_fail(err, FL_E_CONFIG,
                       "not in a Slurm job ($SLURM_JOB_ID is not set)");
    if (strlen(job) >= MAX_JOB ||
        strspn(job, "0123456789._abcdefghijklmnopqrstuvwxyz+") != strlen(job))
        return fl_fail(err, FL_E_CONFIG,
                       "Slurm job '%.60s': allowed a number, or number.step",
                       job);
    return FL_OK;
}

static enum fl_status open_slurm(const struct carbon_meter_opts *opts,
                                 double now_wall_s,
                                 struct carbon_meter_setup *ret,
                                 struct fl_error *err)
{
    (void)now_wall_s;
    FL_TRY(check_job(opts->slurm_job, err));
    if (!opts->run)
        return fl_fail(err, FL_E_CONFIG, "Slurm: no way to run its programs");
    struct slurm *slurm = fl_calloc(1, sizeof *slurm);
    if (!slurm)
        return fl_fail(err, FL_E_NOMEM, "out of memory: slurm");
    slurm->run = opts->run;
    slurm->run_arg = opts->run_arg;
    (void)snprintf(slurm->job, sizeof slurm->job, "%s", opts->slurm_job);
    enum fl_status status = read_energy(slurm, &slurm->start_j, err);
    if (status != FL_OK) {
        fl_free(slurm);
        return status;
    }
    slurm->last_j = slurm->start_j;
    ret->state = slurm;
    ret->period_wall_s = PERIOD_WALL_S;
    (void)snprintf(ret->detail, sizeof ret->detail,
                   "nodes of job %s, by Slurm's own samples", slurm->job);
    return FL_OK;
}

static enum fl_status read_slurm(void *state,
                                 double now_wall_s,
                                 struct carbon_meter_reading *ret,
                                 struct fl_error *err)
{
    struct slurm *slurm = state;
    double now_j;
    (void)now_wall_s;
    FL_TRY(read_energy(slurm, &now_j, err));
    if (now_j < slurm->last_j)
        return fl_fail(err, FL_E_FORMAT,
                       "Slurm, job %s: energy fell from %.17g J to %.17g J",
                       slurm->job, slurm->last_j, now_j);
    slurm->last_j = now_j;
    ret->n_rails = 1;
    ret->rails[0] = (struct carbon_meter_rail){
        .name = RAIL, .energy_j = now_j - slurm->start_j, .is_counted = true};
    return FL_OK;
}

static void close_slurm(void *state)
{
    fl_free(state);
}

const struct carbon_meter_type carbon_meter_slurm = {
    .name = "slurm",
    .doc = "ConsumedEnergy of the Slurm job that this runs in",
    .source = "Slurm documentation, sstat, sacct, acct_gather.conf",
    .evidence = CARBON_MEASURED,
    .scope = CARBON_METER_JOB,
    .open = open_slurm,
    .read = read_slurm,
    .close = close_slurm,
};
