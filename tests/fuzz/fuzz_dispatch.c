/* Everything that client processes can say to a coordinator. A whole run (its
 * arms, its dispatcher, its store) hears up to three processes over inproc. The
 * input says who does what: greets, answers a task as an honest one would,
 * answers with some fields bent, says anything, is gone, takes its number.
 *
 * Whatever comes: no crash, and what is not refused leads to a run that ends
 * or fails with an error.
 */
#include "fuzz/fuzz_run.h"

#include <string.h>

#define N_PEERS   3
#define N_TASKS   4
#define MAX_STEPS 200

struct peer {
    struct comms_endpoint *spoke;
    uint32_t incarnation;
    /* Tasks that it has heard of and not answered. */
    struct task {
        struct comms_task task;
        int64_t clients[FUZZ_ROWS];
    } tasks[N_TASKS];
    size_t n_tasks;
    int64_t weight; /* of what it says it has trained */
};

/* The run of the input at hand. */
static struct coord_run *run;

static void leave(struct peer *peer)
{
    comms_endpoint_destroy(peer->spoke, 0);
    *peer = (struct peer){.incarnation = peer->incarnation};
}

static void say(struct peer *peer, const struct comms_message *message)
{
    /* What may not be said at all is fuzz_frame's. */
    (void)!comms_send(peer->spoke, 1, message, NULL, NULL);
}

static void greet(struct peer *peer, uint32_t slot)
{
    struct comms_message hello = {.kind = COMMS_HELLO,
                                  .u.hello = {.slot = slot,
                                              .incarnation = peer->incarnation,
                                              .host = "h",
                                              .version = "1",
                                              .blas_kernel = "k"}};
    leave(peer);
    peer->incarnation++;
    fuzz_must(comms_spoke_create(run->context, comms_endpoint_address(run->hub),
                                 NULL, &peer->spoke, NULL) == FL_OK);
    say(peer, &hello);
}

static void note_task(struct peer *peer, const struct comms_task *task)
{
    if (peer->n_tasks == N_TASKS || task->n_clients > FUZZ_ROWS)
        return;
    struct task *note = &peer->tasks[peer->n_tasks++];
    note->task = *task;
    if (task->n_clients > 0)
        memcpy(note->clients, task->clients,
               task->n_clients * sizeof *task->clients);
}

static void hear(struct peer *peer)
{
    bool got = true;
    while (got) {
        struct comms_received received;
        comms_peer closed = 0;
        fuzz_must(comms_receive(peer->spoke, 0, -1, &received, &got, &closed,
                                NULL) == FL_OK);
        fuzz_must(closed == 0); /* a coordinator never says nonsense */
        if (got && received.message.kind == COMMS_TASK)
            note_task(peer, &received.message.u.task);
        if (got)
            comms_received_fini(&received);
    }
}

static void fill_rows(struct peer *peer,
                      const struct task *note,
                      struct comms_partial *partial,
                      struct fuzz_room *room)
{
    const struct comms_task *task = &note->task;
    for (size_t i = 0; i < task->n_clients; i++) {
        int64_t samples = coord_client_samples(run, note->clients[i]);
        room->results[i] = (struct comms_client_result){
            .client = note->clients[i], .samples = samples, .loss_mean = 1};
        peer->weight += task->kind == COMMS_TRAIN ? samples : 0;
    }
    partial->n_clients = task->n_clients;
    int64_t tested = nn_dataset_test(run->task.dataset)->n;
    if (task->kind == COMMS_LOCAL) {
        room->scores[0] = (struct comms_score){2, tested, 1, 1.0};
        partial->n_scores = 1;
    }
    for (int64_t at = 0; task->kind == COMMS_EVALUATE && at < task->count &&
                         partial->n_scores < FUZZ_ROWS;
         at += COMMS_SCORE_BLOCK) {
        int64_t left = task->count - at;
        room->scores[partial->n_scores++] = (struct comms_score){
            .step = task->first + at,
            .n = left < COMMS_SCORE_BLOCK ? left : COMMS_SCORE_BLOCK};
    }
}

/* As an honest process would answer its first task. */
static struct comms_message make_answer(struct peer *peer,
                                        struct fuzz_room *room)
{
    const struct task *note = &peer->tasks[0];
    const struct comms_task *task = &note->task;
    struct comms_message message = {.kind = COMMS_PARTIAL,
                                    .u.partial = {.task_id = task->id,
                                                  .kind = task->kind,
                                                  .arm = task->arm,
                                                  .round = task->round,
                                                  .clients = room->results,
                                                  .scores = room->scores,
                                                  .loss_mean = 1,
                                                  .failure = ""}};
    fill_rows(peer, note, &message.u.partial, room);
    if (task->kind == COMMS_COLLECT) {
        message.u.partial.weight = peer->weight;
        peer->weight = 0;
    }
    if (task->kind == COMMS_COLLECT || task->kind == COMMS_CENTRAL) {
        message.n_tensors = 1;
        message.tensors[0] = (struct comms_tensor){
            .type = task->kind == COMMS_COLLECT ? COMMS_I64 : COMMS_F32,
            .data = fuzz_zeros,
            .n = (int64_t)run->n_params};
    }
    return message;
}

static void answer(struct peer *peer, struct fuzz_input *input, int bends)
{
    struct fuzz_room room = {0};
    if (peer->n_tasks == 0)
        return;
    struct comms_message message = make_answer(peer, &room);
    for (int i = 0; i < bends; i++)
        fuzz_bend(input, (int64_t)run->n_params, &message, &room);
    say(peer, &message);
    peer->n_tasks--;
    memmove(&peer->tasks[0], &peer->tasks[1],
            peer->n_tasks * sizeof peer->tasks[0]);
}

static void act(struct peer *peers, struct fuzz_input *input)
{
    uint8_t what = fuzz_byte(input);
    struct peer *peer = &peers[what % N_PEERS];
    struct fuzz_room room = {0};
    if (!peer->spoke || what >= 250) {
        greet(peer, (uint32_t)(what % 2 ? what % N_PEERS : what % 5));
        return;
    }
    hear(peer);
    if (what < 150) {
        answer(peer, input, 0);
    } else if (what < 200) {
        answer(peer, input, 1 + what % 3);
    } else if (what < 245) {
        struct comms_message message =
            fuzz_message(input, (int64_t)run->n_params, &room);
        say(peer, &message);
    } else {
        leave(peer);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct fuzz_input input = {bytes, n_bytes};
    struct peer peers[N_PEERS] = {{0}};
    run = fuzz_run_open();
    enum fl_status status = FL_OK;
    for (int arm = 0; arm < SCN_ARM_LAST_; arm++)
        fuzz_must(coord_arm_types[arm]->start(run->arms[arm], NULL) == FL_OK);
    for (int i = 0; i < MAX_STEPS && input.left > 0 && !fuzz_run_is_over(run);
         i++) {
        act(peers, &input);
        for (int k = 0; k < 2 && status == FL_OK && !fuzz_run_is_over(run); k++)
            status = coord_dispatch_turn(run->dispatch, 0, -1, NULL);
        if (status != FL_OK)
            break;
    }
    for (int i = 0; i < N_PEERS; i++)
        leave(&peers[i]);
    fuzz_run_close(run);
    return 0;
}
