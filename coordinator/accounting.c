/* From what the simulated world did to ledger entries.
 *
 * Durations follow from exact work counts and profiles:
 *
 *   transfer   bytes * 8 / link.down_bps (or up_bps)
 *   training   2 MACs * 3 passes * samples * epochs / device.train_flop_per_s
 *              + steps * device.step_overhead_s
 *   evaluating 2 MACs * samples / device.train_flop_per_s
 *              + batches * device.step_overhead_s
 *   aggregate  2 * parameters * updates / server.train_flop_per_s
 *
 * A backward pass counts as two forward passes (FedScale's factor 3). A model
 * travels as 4 bytes per parameter.
 */
#include "coordinator/run_priv.h"

#include "base/alloc.h"
#include "base/units.h"
#include "coordinator/simclock.h"

#include <math.h>
#include <stdio.h>

#define FLOP_PER_MAC    2.0
#define TRAIN_PASSES    3.0
#define BYTES_PER_PARAM 4.0

double coord_evaluate_flop(const struct coord_run *run, int64_t samples)
{
    return FLOP_PER_MAC * (double)run->cost.macs * (double)samples;
}

double coord_train_flop(const struct coord_run *run, int64_t samples)
{
    return TRAIN_PASSES * coord_evaluate_flop(run, samples);
}

int64_t coord_client_samples(const struct coord_run *run, int64_t client)
{
    return scn_task_client_samples(&run->task, client);
}

/* Writes what an activity costs, under every term of the preset. */
static enum fl_status record(struct coord_run *run,
                             const struct carbon_activity *activity,
                             struct fl_error *err)
{
    struct carbon_entry entries[CARBON_MAX_TERMS];
    size_t n = 0;
    FL_TRY(carbon_account(&run->scenario->preset, run->scenario->grid, activity,
                          entries, &n, err));
    for (size_t i = 0; i < n; i++) {
        run->totals[activity->arm].energy_j += entries[i].energy_j;
        run->totals[activity->arm].emitted_gco2e += entries[i].emitted_gco2e;
    }
    run->totals[activity->arm].entries += (int64_t)n;
    /* An estimate wants the sums alone. */
    return run->store ? res_store_add_entries(run->store, entries, n, err)
                      : FL_OK;
}

static const struct scn_fleet_row *row_of(const struct coord_run *run,
                                          int64_t client)
{
    return &run->scenario->fleet[run->fleet_row[client]];
}

static struct carbon_activity client_activity(const struct coord_run *run,
                                              enum scn_arm arm,
                                              int64_t round,
                                              int64_t client)
{
    const struct scn_fleet_row *row = row_of(run, client);
    return (struct carbon_activity){.arm = (int32_t)arm,
                                    .round = round,
                                    .role = CARBON_CLIENT,
                                    .entity = client,
                                    .zone = row->zone,
                                    .device = &row->device};
}

/* Durations of computing rest on these two. */
static enum carbon_evidence speed_evidence(const struct carbon_device *device)
{
    const struct carbon_fact *overhead = &device->step_overhead_s;
    enum carbon_evidence speed = device->train_flop_per_s.evidence;
    return overhead->is_off ? speed
                            : carbon_evidence_weaker(speed, overhead->evidence);
}

static struct carbon_activity site_activity(const struct scn_site *site,
                                            enum scn_arm arm,
                                            int64_t round,
                                            enum carbon_role role)
{
    return (struct carbon_activity){.arm = (int32_t)arm,
                                    .round = round,
                                    .role = role,
                                    .zone = site->zone,
                                    .duration_evidence =
                                        speed_evidence(&site->device),
                                    .device = &site->device,
                                    .pue = &site->pue,
                                    .machines = &site->machines};
}

static double transfer_s(double bytes, const struct carbon_fact *speed_bps)
{
    return bytes * FL_BITS_PER_BYTE / speed_bps->value;
}

/* Computing: operations, and batches, each with its overhead. */
struct work {
    double flop, steps;
    bool is_cut; /* it lasts as long as it is let, at whatever speed */
};

static double work_s(struct work work, const struct carbon_device *device)
{
    double t_s = work.flop / device->train_flop_per_s.value;
    if (!device->step_overhead_s.is_off && work.steps > 0)
        t_s += work.steps * device->step_overhead_s.value;
    return t_s;
}

static struct work train_work(const struct coord_run *run,
                              int64_t samples,
                              const struct scn_training *training,
                              int64_t epochs)
{
    double batches = ceil((double)samples / (double)training->batch);
    return (struct work){.flop =
                             coord_train_flop(run, samples) * (double)epochs,
                         .steps = batches * (double)epochs};
}

/* The test set is scored in blocks. */
static struct work evaluate_work(const struct coord_run *run)
{
    int64_t n = run->task.test_samples;
    return (struct work){.flop = coord_evaluate_flop(run, n),
                         .steps = ceil((double)n / COMMS_SCORE_BLOCK)};
}

/* In place of the speed of a transfer that is cut short. */
static const struct carbon_fact cut_short = {.is_off = true};

static enum fl_status record_transfer(struct coord_run *run,
                                      struct carbon_activity activity,
                                      const struct carbon_link *link,
                                      enum carbon_phase phase,
                                      double t0_s,
                                      double t1_s,
                                      double bytes,
                                      bool is_wasted,
                                      struct fl_error *err)
{
    activity.phase = phase;
    activity.t0_s = t0_s;
    activity.t1_s = t1_s;
    activity.bytes = bytes;
    activity.is_upload = phase == CARBON_UPLOAD || phase == CARBON_INIT;
    activity.is_wasted = is_wasted;
    activity.link = link;
    const struct carbon_fact *speed_bps =
        activity.is_upload ? &link->up_bps : &link->down_bps;
    /* What is cut short lasts as long as it is let, at whatever speed. */
    activity.speed_fact = activity.speed_fact == &cut_short ? NULL : speed_bps;
    activity.duration_evidence = speed_bps->evidence;
    return record(run, &activity, err);
}

/* From t0_s: first what goes by the device's speed, then the overhead of its
 * steps, so that each rests on one fact. *ret_t_s is when it is through. */
static enum fl_status record_compute(struct coord_run *run,
                                     struct carbon_activity activity,
                                     enum carbon_phase phase,
                                     double t0_s,
                                     struct work work,
                                     bool is_wasted,
                                     double *ret_t_s,
                                     struct fl_error *err)
{
    const struct carbon_device *device = activity.device;
    activity.phase = phase;
    activity.is_wasted = is_wasted;
    activity.t0_s = t0_s;
    activity.t1_s = t0_s + work.flop / device->train_flop_per_s.value;
    activity.speed_fact = work.is_cut ? NULL : &device->train_flop_per_s;
    activity.duration_evidence = device->train_flop_per_s.evidence;
    FL_TRY(record(run, &activity, err));
    if (!device->step_overhead_s.is_off && work.steps > 0) {
        activity.t0_s = activity.t1_s;
        activity.t1_s += work.steps * device->step_overhead_s.value;
        activity.speed_fact = NULL;
        activity.duration_fact = work.is_cut ? NULL : &device->step_overhead_s;
        activity.duration_evidence = device->step_overhead_s.evidence;
        FL_TRY(record(run, &activity, err));
    }
    *ret_t_s = activity.t1_s;
    return FL_OK;
}

int64_t coord_settle_round(const struct coord_run *run,
                           int64_t round,
                           const int64_t *clients,
                           int64_t n,
                           struct coord_turn *turns,
                           struct coord_turn **order,
                           double *ret_length_s)
{
    const struct scn_scenario *scenario = run->scenario;
    const struct scn_training *local = &scenario->local;
    const struct coord_rules rules = {.drop_out_ratio =
                                          scenario->drop_out_ratio,
                                      .timeout_s = scenario->timeout_s};
    double bytes = BYTES_PER_PARAM * (double)run->n_params;
    for (int64_t i = 0; i < n; i++) {
        const struct scn_fleet_row *row = row_of(run, clients[i]);
        struct work work = train_work(
            run, coord_client_samples(run, clients[i]), local, local->epochs);
        turns[i].length_s = transfer_s(bytes, &row->link.down_bps) +
                            work_s(work, &row->device) +
                            transfer_s(bytes, &row->link.up_bps);
    }
    return coord_settle(&rules, (uint64_t)scenario->seed, round, clients, n,
                        scenario->clients_per_round, turns, order,
                        ret_length_s);
}

enum { ROUND_STARTED, ROUND_DOWNLOADED, ROUND_TRAINED, ROUND_UPLOADED };

/* One client in a round. */
struct player {
    struct carbon_activity activity;
    const struct scn_fleet_row *row;
    bool is_wasted;
    double cut_s; /* it is cut then; INFINITY: it is not */
};

static struct player player_of(const struct coord_run *run,
                               const struct coord_round *round,
                               int64_t i)
{
    const struct coord_turn *turn = &round->turns[i];
    bool is_cut = turn->fate != COORD_COUNTS;
    return (struct player){
        .activity = client_activity(run, SCN_FEDERATED, round->round,
                                    round->clients[i]),
        .row = row_of(run, round->clients[i]),
        .is_wasted = is_cut || round->is_refused[i],
        .cut_s = is_cut ? round->t0_s + turn->end_s : (double)INFINITY,
    };
}

/* The model down, or the update up, from now_s on; as much as there is time. */
static enum fl_status move(struct coord_run *run,
                           const struct player *player,
                           enum carbon_phase phase,
                           double now_s,
                           double *ret_t_s,
                           struct fl_error *err)
{
    const struct carbon_link *link = &player->row->link;
    double bytes = BYTES_PER_PARAM * (double)run->n_params;
    double t_s = transfer_s(bytes, phase == CARBON_UPLOAD ? &link->up_bps
                                                          : &link->down_bps);
    double end_s = now_s + t_s;
    struct carbon_activity activity = player->activity;
    if (end_s > player->cut_s) {
        bytes *= (player->cut_s - now_s) / t_s;
        end_s = player->cut_s;
        activity.speed_fact = &cut_short;
    }
    FL_TRY(record_transfer(run, activity, link, phase, now_s, end_s, bytes,
                           player->is_wasted, err));
    *ret_t_s = end_s;
    return FL_OK;
}

static enum fl_status train(struct coord_run *run,
                            const struct player *player,
                            double now_s,
                            double *ret_t_s,
                            struct fl_error *err)
{
    const struct scn_training *local = &run->scenario->local;
    struct work work =
        train_work(run, coord_client_samples(run, player->activity.entity),
                   local, local->epochs);
    double t_s = work_s(work, &player->row->device);
    if (now_s + t_s > player->cut_s) {
        double share = (player->cut_s - now_s) / t_s;
        work = (struct work){.flop = share * work.flop,
                             .steps = share * work.steps,
                             .is_cut = true};
    }
    return record_compute(run, player->activity, CARBON_TRAIN, now_s, work,
                          player->is_wasted, ret_t_s, err);
}

/* What a client does next; the event says what it just did. *acc_done_s is
 * when it last did anything. */
static enum fl_status follow(struct coord_run *run,
                             struct coord_simclock *clock,
                             const struct coord_round *round,
                             const struct coord_event *event,
                             double *acc_done_s,
                             struct fl_error *err)
{
    struct player player = player_of(run, round, event->client);
    double now_s = event->t_s, next_s = now_s;
    *acc_done_s = now_s;
    if (event->kind == ROUND_UPLOADED || now_s >= player.cut_s)
        return FL_OK;
    if (event->kind == ROUND_DOWNLOADED)
        FL_TRY(train(run, &player, now_s, &next_s, err));
    else
        FL_TRY(move(run, &player,
                    event->kind == ROUND_STARTED ? CARBON_BROADCAST
                                                 : CARBON_UPLOAD,
                    now_s, &next_s, err));
    return coord_simclock_at(clock, next_s, event->kind + 1, event->client,
                             err);
}

/* Waiting times rest on the facts of everybody who is waited for. */
static enum carbon_evidence
cohort_evidence(const struct coord_run *run, const int64_t *clients, int64_t n)
{
    enum carbon_evidence weakest = CARBON_MEASURED;
    for (int64_t i = 0; i < n; i++) {
        const struct scn_fleet_row *row = row_of(run, clients[i]);
        weakest = carbon_evidence_weaker(weakest, speed_evidence(&row->device));
        weakest = carbon_evidence_weaker(weakest, row->link.down_bps.evidence);
        weakest = carbon_evidence_weaker(weakest, row->link.up_bps.evidence);
    }
    return weakest;
}

/* The waits of those who were done before the slowest that counts. */
static enum fl_status record_waits(struct coord_run *run,
                                   const struct coord_round *round,
                                   const double *done_s,
                                   double end_s,
                                   struct fl_error *err)
{
    enum carbon_evidence evidence =
        cohort_evidence(run, round->clients, round->n);
    for (int64_t i = 0; i < round->n; i++) {
        if (!(end_s > done_s[i]) || round->turns[i].fate != COORD_COUNTS)
            continue;
        struct carbon_activity wait = client_activity(
            run, SCN_FEDERATED, round->round, round->clients[i]);
        wait.duration_evidence = evidence;
        wait.phase = CARBON_WAIT;
        wait.t0_s = done_s[i];
        wait.t1_s = end_s;
        FL_TRY(record(run, &wait, err));
    }
    struct carbon_activity server = site_activity(
        &run->scenario->server, SCN_FEDERATED, round->round, CARBON_SERVER);
    server.duration_evidence = evidence;
    server.phase = CARBON_WAIT;
    server.t0_s = round->t0_s;
    server.t1_s = end_s;
    return record(run, &server, err);
}

/* Aggregation, then the evaluation where one is due. */
static enum fl_status record_server(struct coord_run *run,
                                    int64_t round,
                                    double t0_s,
                                    int64_t updates,
                                    bool is_evaluated,
                                    double *ret_t_s,
                                    struct fl_error *err)
{
    const struct scn_site *site = &run->scenario->server;
    struct carbon_activity server =
        site_activity(site, SCN_FEDERATED, round, CARBON_SERVER);
    struct work sum = {.flop = 2.0 * (double)run->n_params * (double)updates};
    double t_s = t0_s;
    FL_TRY(record_compute(run, server, CARBON_AGGREGATE, t_s, sum, false, &t_s,
                          err));
    if (is_evaluated)
        FL_TRY(record_compute(run, server, CARBON_EVALUATE, t_s,
                              evaluate_work(run), false, &t_s, err));
    *ret_t_s = t_s;
    return FL_OK;
}

/* ret_done_s [n]; *ret_end_s when the server has what it waits for. */
static enum fl_status play_round(struct coord_run *run,
                                 struct coord_simclock *clock,
                                 const struct coord_round *round,
                                 double *ret_done_s,
                                 double *ret_end_s,
                                 struct fl_error *err)
{
    struct coord_event event;
    double end_s = round->t0_s;
    /* All start at once; a client's events follow each other. */
    for (int64_t i = 0; i < round->n; i++) {
        event = (struct coord_event){
            .t_s = round->t0_s, .kind = ROUND_STARTED, .client = i};
        FL_TRY(follow(run, clock, round, &event, &ret_done_s[i], err));
    }
    while (coord_simclock_next(clock, &event)) {
        FL_TRY(
            follow(run, clock, round, &event, &ret_done_s[event.client], err));
        if (round->turns[event.client].fate == COORD_COUNTS)
            end_s = event.t_s; /* in order: the last one is the end */
    }
    /* The time-out, or the last that was lost. */
    double settled_s = round->t0_s + round->length_s;
    if (round->counted < run->scenario->clients_per_round && settled_s > end_s)
        end_s = settled_s;
    *ret_end_s = end_s;
    return FL_OK;
}

enum fl_status coord_account_round(struct coord_run *run,
                                   const struct coord_round *round,
                                   double *ret_t_s,
                                   struct fl_error *err)
{
    struct coord_simclock clock;
    coord_simclock_init(&clock, round->t0_s);
    double end_s = round->t0_s;
    double *done_s = fl_calloc((size_t)round->n, sizeof *done_s);
    enum fl_status status =
        done_s ? play_round(run, &clock, round, done_s, &end_s, err)
               : fl_fail(err, FL_E_NOMEM, "out of memory: round");
    if (status == FL_OK)
        status = record_waits(run, round, done_s, end_s, err);
    if (status == FL_OK)
        status = record_server(run, round->round, end_s, round->counted,
                               round->is_evaluated, ret_t_s, err);
    fl_free(done_s);
    coord_simclock_fini(&clock);
    return status;
}

/* A client downloads the software from time 0 on. */
static enum fl_status download_software(struct coord_run *run,
                                        enum scn_arm arm,
                                        int64_t round,
                                        int64_t client,
                                        double *ret_t_s,
                                        struct fl_error *err)
{
    const struct carbon_link *link = &row_of(run, client)->link;
    double bytes = run->scenario->software_bytes;
    double t1_s = transfer_s(bytes, &link->down_bps);
    if (bytes > 0)
        FL_TRY(record_transfer(run, client_activity(run, arm, round, client),
                               link, CARBON_PROVISION, 0, t1_s, bytes, false,
                               err));
    *ret_t_s = t1_s;
    return FL_OK;
}

enum fl_status coord_account_software(struct coord_run *run,
                                      double *ret_t_s,
                                      struct fl_error *err)
{
    double end_s = 0;
    enum carbon_evidence evidence = CARBON_MEASURED;
    int64_t n = run->scenario->software_bytes > 0 ? run->clients : 0;
    for (int64_t client = 0; client < n; client++) {
        double t1_s = 0;
        FL_TRY(download_software(run, SCN_FEDERATED, 0, client, &t1_s, err));
        evidence = carbon_evidence_weaker(
            evidence, row_of(run, client)->link.down_bps.evidence);
        if (t1_s > end_s)
            end_s = t1_s;
    }
    *ret_t_s = end_s;
    if (!(end_s > 0))
        return FL_OK;
    struct carbon_activity server =
        site_activity(&run->scenario->server, SCN_FEDERATED, 0, CARBON_SERVER);
    server.duration_evidence = evidence;
    server.phase = CARBON_WAIT;
    server.t1_s = end_s;
    return record(run, &server, err);
}

enum fl_status coord_account_data_upload(struct coord_run *run,
                                         double *ret_t_s,
                                         struct fl_error *err)
{
    double sample_bytes = (double)run->task.sample_bytes;
    double end_s = 0;
    for (int64_t client = 0; client < run->clients; client++) {
        double bytes = sample_bytes * (double)coord_client_samples(run, client);
        const struct carbon_link *own = &row_of(run, client)->link;
        const struct carbon_link *given = &run->scenario->upload_link;
        const struct carbon_link *link = given->name ? given : own;
        double t1_s = transfer_s(bytes, &link->up_bps);
        struct carbon_activity activity =
            client_activity(run, SCN_CENTRALIZED, 0, client);
        activity.stage = CARBON_DATA;
        FL_TRY(record_transfer(run, activity, link, CARBON_INIT, 0, t1_s, bytes,
                               false, err));
        if (t1_s > end_s)
            end_s = t1_s;
    }
    *ret_t_s = end_s;
    return FL_OK;
}

/* What the clients sent is kept while the node works on it. */
static enum fl_status record_store(struct coord_run *run,
                                   struct carbon_activity node,
                                   double t0_s,
                                   double t1_s,
                                   int64_t samples,
                                   struct fl_error *err)
{
    if (!run->scenario->uploads_data)
        return FL_OK;
    node.phase = CARBON_STORE;
    node.stage = CARBON_DATA;
    node.t0_s = t0_s;
    node.t1_s = t1_s;
    node.stored_bytes = (double)run->task.sample_bytes * (double)samples;
    return record(run, &node, err);
}

enum fl_status coord_account_epoch(struct coord_run *run,
                                   int64_t epoch,
                                   double t0_s,
                                   int64_t samples,
                                   double *ret_t_s,
                                   struct fl_error *err)
{
    const struct scn_site *site = &run->scenario->datacentre;
    struct carbon_activity node =
        site_activity(site, SCN_CENTRALIZED, epoch, CARBON_DATACENTRE);
    struct work work = train_work(run, samples, &run->scenario->centralized, 1);
    double end_s = t0_s;
    FL_TRY(record_compute(run, node, CARBON_TRAIN, t0_s, work, false, &end_s,
                          err));
    FL_TRY(record_compute(run, node, CARBON_EVALUATE, end_s, evaluate_work(run),
                          false, &end_s, err));
    FL_TRY(record_store(run, node, t0_s, end_s, samples, err));
    *ret_t_s = end_s;
    return FL_OK;
}

enum fl_status coord_account_alone(struct coord_run *run,
                                   int64_t client,
                                   int64_t epochs,
                                   double *ret_t_s,
                                   struct fl_error *err)
{
    double t0_s = 0;
    FL_TRY(download_software(run, SCN_LOCAL, client, client, &t0_s, err));
    double t1_s = t0_s;
    struct work work = train_work(run, coord_client_samples(run, client),
                                  &run->scenario->alone, epochs);
    FL_TRY(record_compute(run, client_activity(run, SCN_LOCAL, client, client),
                          CARBON_TRAIN, t0_s, work, false, &t1_s, err));
    *ret_t_s = t1_s;
    return FL_OK;
}
