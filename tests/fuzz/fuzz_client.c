/* Everything that a coordinator can say to a client process. The process is a
 * whole one, on a thread; the hub welcomes it with a real scenario and then
 * says what the input says: right models and tasks, some with fields bent, or
 * anything. In the end it says BYE; the process has ended then, or before.
 */
#include "client/client.h"
#include "comms/endpoint.h"
#include "fuzz/fuzz_input.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define N_PARAMS  7850
#define MAX_STEPS 40

struct talk {
    struct comms_context *context; /* of the hub */
    struct comms_endpoint *hub;
    struct client_opts opts;
    pthread_t thread;
    comms_peer peer; /* 0: nobody is there (any more) */
    uint64_t task_id;
};

static void *take_part(void *arg)
{
    const struct client_opts *opts = arg;
    (void)!client_run(opts, NULL);
    return NULL;
}

static void say(struct talk *talk, const struct comms_message *message)
{
    if (talk->peer)
        (void)!comms_send(talk->hub, talk->peer, message, NULL, NULL);
}

static void welcome(struct talk *talk, comms_peer peer)
{
    const struct comms_message message = {
        .kind = COMMS_WELCOME,
        .u.welcome = {.run_id = "r",
                      .scenario = fuzz_scenario,
                      .cache_dir = fuzz_folder(),
                      .data_root = "",
                      .heartbeat_wall_s = 1000}};
    talk->peer = peer;
    say(talk, &message);
}

/* What has come so far, or until the client says good-bye. */
static void hear(struct talk *talk, double wait_wall_s)
{
    bool got = true;
    while (got) {
        struct comms_received received;
        comms_peer closed = 0;
        fuzz_must(comms_receive(talk->hub, wait_wall_s, -1, &received, &got,
                                &closed, NULL) == FL_OK);
        fuzz_must(closed == 0); /* a client never says nonsense */
        if (!got)
            return;
        enum comms_kind kind = received.message.kind;
        if (kind == COMMS_HELLO)
            welcome(talk, received.peer);
        if (kind == COMMS_BYE && received.peer == talk->peer)
            talk->peer = 0;
        comms_received_fini(&received);
        if (kind == COMMS_BYE || kind == COMMS_HELLO)
            return;
    }
}

static struct comms_message right_model(uint32_t arm)
{
    return (struct comms_message){
        .kind = COMMS_MODEL,
        .u.model = {.arm = arm, .version = 1},
        .n_tensors = 1,
        .tensors = {{.type = COMMS_F32, .data = fuzz_zeros, .n = N_PARAMS}}};
}

/* A task that can be done, once its model was sent. */
static struct comms_message
right_task(struct talk *talk, enum comms_task_kind kind, struct fuzz_room *room)
{
    static const uint32_t arms[COMMS_TASK_LAST_] = {
        [COMMS_CENTRAL] = 1, [COMMS_LOCAL] = 2};
    for (size_t i = 0; i < FUZZ_ROWS; i++)
        room->clients[i] = (int64_t)i;
    struct comms_message message = {.kind = COMMS_TASK,
                                    .u.task = {.id = ++talk->task_id,
                                               .kind = kind,
                                               .arm = arms[kind],
                                               .model_version = 1,
                                               .clients = room->clients,
                                               .scale_log2 = 20}};
    struct comms_task *task = &message.u.task;
    task->n_clients = kind == COMMS_TRAIN ? 3 : kind == COMMS_LOCAL;
    task->count = kind == COMMS_EVALUATE ? 200 : kind == COMMS_CENTRAL;
    if (kind == COMMS_CENTRAL) {
        message.n_tensors = 1;
        message.tensors[0] = (struct comms_tensor){
            .type = COMMS_F32, .data = fuzz_zeros, .n = N_PARAMS};
    }
    return message;
}

static void act(struct talk *talk, struct fuzz_input *input)
{
    uint8_t what = fuzz_byte(input);
    struct fuzz_room room = {0};
    struct comms_message message;
    if (what < 40)
        message = right_model(what % 3);
    else if (what < 220)
        message = right_task(
            talk, (enum comms_task_kind)(what % COMMS_TASK_LAST_), &room);
    else
        message = fuzz_message(input, N_PARAMS, &room);
    if (what >= 100 && what < 220)
        for (int i = 0; i <= what % 3; i++)
            fuzz_bend(input, N_PARAMS, &message, &room);
    say(talk, &message);
}

static void open_talk(struct talk *talk)
{
    static unsigned number;
    static char address[64]; /* an abstract name leaves no file behind */
    (void)snprintf(address, sizeof address, "ipc://@fuzz-client-%ld-%u",
                   (long)getpid(), number++ % 1000);
    fuzz_must(comms_context_create(&talk->context, NULL) == FL_OK);
    fuzz_must(comms_hub_create(talk->context, address, NULL, &talk->hub,
                               NULL) == FL_OK);
    talk->opts =
        (struct client_opts){.address = address, .host = "h", .version = "1"};
    fuzz_must(pthread_create(&talk->thread, NULL, take_part, &talk->opts) == 0);
    hear(talk, 60.0);
    fuzz_must(talk->peer != 0);
}

/* It ends with a BYE of ours, or has ended with one of its own. */
static void close_talk(struct talk *talk)
{
    const struct comms_message bye = {.kind = COMMS_BYE};
    say(talk, &bye);
    fuzz_must(pthread_join(talk->thread, NULL) == 0);
    comms_endpoint_destroy(talk->hub, 0);
    comms_context_destroy(talk->context);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct fuzz_input input = {bytes, n_bytes};
    struct talk talk = {.peer = 0};
    open_talk(&talk);
    for (int i = 0; i < MAX_STEPS && input.left > 0 && talk.peer; i++) {
        act(&talk, &input);
        hear(&talk, 0);
    }
    close_talk(&talk);
    return 0;
}
