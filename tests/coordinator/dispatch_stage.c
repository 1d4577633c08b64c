#include "dispatch_stage.h"

#include "base/log.h"

#include <string.h>

static enum fl_status on_part(struct coord_job *job,
                              const struct comms_message *message,
                              struct fl_error *err)
{
    struct stage *stage = job->owner;
    (void)err;
    for (size_t i = 0; i < message->u.partial.n_clients; i++)
        stage->n_results[message->u.partial.clients[i].client]++;
    for (size_t i = 0; i < message->u.partial.n_scores; i++)
        stage->n_results[message->u.partial.scores[i].step /
                         COMMS_SCORE_BLOCK]++;
    return FL_OK;
}

static enum fl_status on_sum(struct coord_job *job,
                             const struct comms_tensor *sum,
                             int64_t weight,
                             const int64_t *members,
                             size_t n,
                             struct fl_error *err)
{
    struct stage *stage = job->owner;
    int64_t expected = 0;
    if (stage->refuses_next_sum) {
        stage->refuses_next_sum = false;
        return fl_fail(err, FL_E_FORMAT, "a sum that cannot be");
    }
    for (size_t i = 0; i < n; i++)
        expected += members[i];
    assert_int_equal(weight, expected);
    assert_int_equal(*(const int64_t *)sum->pieces[0].data, expected);
    stage->sum += expected;
    stage->n_members += (int64_t)n;
    return FL_OK;
}

static enum fl_status on_done(struct coord_job *job, struct fl_error *err)
{
    struct stage *stage = job->owner;
    (void)err;
    assert_false(stage->is_done);
    stage->is_done = true;
    return FL_OK;
}

static const struct coord_job_ops ops = {
    .on_part = on_part, .on_sum = on_sum, .on_done = on_done};

void stage_open(struct stage *stage, int n)
{
    struct fl_error err = {0};
    *stage = (struct stage){0};
    fl_log_level_set(FL_LOG_ERROR);
    assert_ok(comms_context_create(&stage->context, &err), &err);
    assert_ok(comms_hub_create(stage->context, "inproc://hub", NULL,
                               &stage->hub, &err),
              &err);
    const struct coord_dispatch_opts opts = {
        .hub = stage->hub,
        .welcome = {.run_id = "run",
                    .scenario = "name: x",
                    .cache_dir = "",
                    .data_root = "",
                    .heartbeat_wall_s = 1000},
        .n_params = N_PARAMS,
        .version = "1",
        .silence_wall_s = 1000,
        .patience_wall_s = 1000,
    };
    assert_ok(coord_dispatch_create(&opts, &stage->dispatch, &err), &err);
    assert_ok(coord_shelf_create(N_PARAMS, &stage->shelf, &err), &err);
    assert_ok(coord_vector_take(stage->shelf, &stage->model, &err), &err);
    for (int who = 0; who < n; who++)
        stage_join(stage, who, (uint32_t)who, 0, "1", "k");
}

void stage_close(struct stage *stage)
{
    coord_job_fini(&stage->job);
    coord_dispatch_destroy(stage->dispatch);
    for (int i = 0; i < MAX_SPOKES; i++)
        comms_endpoint_destroy(stage->spokes[i], 0);
    comms_endpoint_destroy(stage->hub, 0);
    comms_context_destroy(stage->context);
    coord_vector_drop(stage->model);
    coord_shelf_destroy(stage->shelf);
}

enum fl_status stage_turns(struct stage *stage, struct fl_error *err)
{
    for (int quiet = 0; quiet < 2;) {
        struct comms_counts before = comms_endpoint_counts(stage->hub);
        FL_TRY(coord_dispatch_turn(stage->dispatch, 0.002, -1, err));
        struct comms_counts after = comms_endpoint_counts(stage->hub);
        bool is_quiet = memcmp(&before, &after, sizeof before) == 0;
        quiet = is_quiet ? quiet + 1 : 0;
    }
    return FL_OK;
}

void stage_say(struct stage *stage, int who, const struct comms_message *what)
{
    struct fl_error err = {0};
    assert_ok(comms_send(stage->spokes[who], 1, what, NULL, &err), &err);
}

void stage_join(struct stage *stage,
                int who,
                uint32_t slot,
                uint32_t incarnation,
                const char *version,
                const char *kernel)
{
    struct fl_error err = {0};
    assert_ok(comms_spoke_create(stage->context, "inproc://hub", NULL,
                                 &stage->spokes[who], &err),
              &err);
    stage->model_version[who] = -1;
    struct comms_message hello = {.kind = COMMS_HELLO,
                                  .u.hello = {.slot = slot,
                                              .incarnation = incarnation,
                                              .pid = 1,
                                              .host = "h",
                                              .version = version,
                                              .blas_kernel = kernel}};
    stage_say(stage, who, &hello);
    assert_ok(stage_turns(stage, &err), &err);
}

bool stage_hear(struct stage *stage, int who, struct comms_received *ret)
{
    bool got = false;
    comms_peer closed = 0;
    struct fl_error err = {0};
    assert_ok(
        comms_receive(stage->spokes[who], 0.01, -1, ret, &got, &closed, &err),
        &err);
    assert_int_equal(closed, 0);
    return got;
}

static void answer(struct stage *stage, int who, const struct comms_task *task)
{
    struct comms_client_result results[MAX_ITEMS] = {{0}};
    struct comms_score scores[MAX_ITEMS] = {{0}};
    int64_t sum[N_PARAMS] = {stage->held[who]};
    struct comms_message message = {.kind = COMMS_PARTIAL,
                                    .u.partial = {.task_id = task->id,
                                                  .kind = task->kind,
                                                  .arm = task->arm,
                                                  .round = task->round,
                                                  .clients = results,
                                                  .scores = scores,
                                                  .failure = ""}};
    struct comms_partial *partial = &message.u.partial;
    if (task->kind == COMMS_COLLECT) {
        partial->weight = stage->held[who];
        message.tensors[0] = (struct comms_tensor){
            .type = COMMS_I64, .data = sum, .n = N_PARAMS};
        message.n_tensors = 1;
        stage->held[who] = stage->n_held[who] = 0;
    }
    for (size_t i = 0; i < task->n_clients; i++) {
        results[i].client = task->clients[i];
        stage->held[who] += task->kind == COMMS_TRAIN ? task->clients[i] : 0;
        stage->n_held[who]++;
    }
    partial->n_clients = task->n_clients;
    partial->busy_wall_s = stage->client_wall_s[who] * (double)task->n_clients;
    if (task->kind == COMMS_TRAIN && stage->first_task[who] == 0)
        stage->first_task[who] = task->n_clients;
    if (task->kind == COMMS_EVALUATE)
        for (int64_t at = 0; at < task->count; at += COMMS_SCORE_BLOCK)
            scores[partial->n_scores++] = (struct comms_score){
                .step = task->first + at + stage->next_shift,
                .n = COMMS_SCORE_BLOCK};
    if (task->kind == COMMS_EVALUATE)
        stage->next_shift = 0;
    stage_say(stage, who, &message);
    if (stage->says_all_twice)
        stage_say(stage, who, &message);
}

enum comms_kind stage_play(struct stage *stage, int who)
{
    struct comms_received received;
    if (!stage_hear(stage, who, &received))
        return COMMS_KIND_LAST_;
    enum comms_kind kind = received.message.kind;
    if (kind == COMMS_MODEL) {
        stage->model_version[who] = received.message.u.model.version;
        stage->n_models++;
    }
    if (kind == COMMS_TASK) {
        const struct comms_task *task = &received.message.u.task;
        if (task->kind == COMMS_TRAIN || task->kind == COMMS_EVALUATE)
            assert_int_equal(stage->model_version[who], task->model_version);
        answer(stage, who, task);
    }
    comms_received_fini(&received);
    return kind;
}

void stage_hand_in(struct stage *stage,
                   struct coord_job *job,
                   enum comms_task_kind kind,
                   bool is_patient,
                   int n)
{
    struct coord_item items[MAX_ITEMS];
    struct fl_error err = {0};
    for (int i = 0; i < n; i++)
        items[i] = (struct coord_item){
            .id = kind == COMMS_EVALUATE ? COMMS_SCORE_BLOCK * i : i,
            .cost_flop = 1e9};
    *job = (struct coord_job){.kind = kind,
                              .round = 3,
                              .model = stage->model,
                              .model_version = 3,
                              .slice = COMMS_SCORE_BLOCK,
                              .limit = COMMS_SCORE_BLOCK * n,
                              .is_patient = is_patient,
                              .ops = &ops,
                              .owner = stage};
    stage->is_done = false;
    assert_ok(coord_job_set_items(job, items, (size_t)n, &err), &err);
    assert_ok(coord_dispatch_submit(stage->dispatch, job, &err), &err);
}

void stage_submit(struct stage *stage, enum comms_task_kind kind, int n)
{
    struct fl_error err = {0};
    coord_job_fini(&stage->job); /* of a round before */
    stage_hand_in(stage, &stage->job, kind, false, n);
    assert_ok(stage_turns(stage, &err), &err);
}

void stage_work_to_end(struct stage *stage, int from, int to)
{
    struct fl_error err = {0};
    for (int idle = 0; !stage->is_done;) {
        bool has_played = false;
        for (int who = from; who < to; who++)
            has_played |= stage_play(stage, who) != COMMS_KIND_LAST_;
        assert_ok(stage_turns(stage, &err), &err);
        idle = has_played ? 0 : idle + 1;
        assert_true(idle < 100); /* nobody has work, yet it is not done */
    }
}

int64_t stage_refused(const struct stage *stage, enum coord_refusal kind)
{
    return coord_dispatch_refusals(stage->dispatch)->n[kind];
}
