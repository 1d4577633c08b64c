#include "comms/comms_fixture.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const transport_names[] = {"ipc", "tcp", "inproc", NULL};

void fresh_address(const char *transport, char address[128], char dir[64])
{
    dir[0] = '\0';
    if (strcmp(transport, "tcp") == 0) {
        (void)snprintf(address, 128, "tcp://127.0.0.1:0");
    } else if (strcmp(transport, "inproc") == 0) {
        (void)snprintf(address, 128, "inproc://hub");
    } else {
        (void)snprintf(dir, 64, "/tmp/fedcarbon-comms-XXXXXX");
        assert_non_null(mkdtemp(dir));
        (void)snprintf(address, 128, "ipc://%s/hub", dir);
    }
}

void remove_dir(const char *dir)
{
    if (dir[0] != '\0')
        assert_int_equal(rmdir(dir), 0); /* nothing was left in it */
}

void pair_open(struct pair *pair,
               const char *transport,
               const struct comms_limits *limits)
{
    struct fl_error err;
    char address[128];
    *pair = (struct pair){0};
    fresh_address(transport, address, pair->dir);
    assert_ok(comms_context_create(&pair->context, &err), &err);
    assert_ok(
        comms_hub_create(pair->context, address, limits, &pair->hub, &err),
        &err);
    assert_ok(comms_spoke_create(pair->context,
                                 comms_endpoint_address(pair->hub), limits,
                                 &pair->spoke, &err),
              &err);
}

void pair_greet(struct pair *pair)
{
    struct comms_message hello = {.kind = COMMS_HELLO};
    must_send(pair->spoke, 1, &hello);
    struct comms_received received = must_receive(pair->hub);
    assert_int_equal(received.message.kind, COMMS_HELLO);
    pair->peer = received.peer;
    comms_received_fini(&received);
}

void pair_close(struct pair *pair)
{
    comms_endpoint_destroy(pair->spoke, 0.0);
    comms_endpoint_destroy(pair->hub, 0.0);
    comms_context_destroy(pair->context);
    remove_dir(pair->dir);
}

struct comms_received must_receive(struct comms_endpoint *endpoint)
{
    struct fl_error err = {0};
    struct comms_received received;
    comms_peer closed = 0;
    bool got = false;
    assert_ok(comms_receive(endpoint, PATIENCE_WALL_S, -1, &received, &got,
                            &closed, &err),
              &err);
    if (closed != 0)
        fail_msg("closed: %s", err.text);
    assert_true(got);
    return received;
}

comms_peer must_close(struct comms_endpoint *endpoint, struct fl_error *why)
{
    struct fl_error err = {0};
    struct comms_received received;
    comms_peer closed = 0;
    bool got = false;
    assert_ok(comms_receive(endpoint, PATIENCE_WALL_S, -1, &received, &got,
                            &closed, &err),
              &err);
    assert_false(got);
    assert_int_not_equal(closed, 0);
    assert_int_equal(err.code, FL_E_FORMAT);
    if (why)
        *why = err;
    return closed;
}

void must_send(struct comms_endpoint *endpoint,
               comms_peer peer,
               const struct comms_message *message)
{
    struct fl_error err;
    assert_ok(comms_send(endpoint, peer, message, NULL, &err), &err);
}

static int64_t any_count(struct fl_rng *rng)
{
    uint64_t bits = fl_rng_u64(rng) >> 1;
    return (int64_t)(bits >> fl_rng_below(rng, 63));
}

static double any_double(struct fl_rng *rng)
{
    for (;;) {
        uint64_t bits = fl_rng_u64(rng);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (bits << 1 != 0) /* -0.0 is sent as 0.0 */
            return value;
    }
}

static const char *any_text(struct fl_rng *rng, char *room, size_t size)
{
    size_t n = (size_t)fl_rng_below(rng, size);
    for (size_t i = 0; i < n; i++)
        room[i] = (char)(0x20 + fl_rng_below(rng, 0x7f - 0x20));
    room[n] = '\0';
    return room;
}

static struct comms_task any_task(struct fl_rng *rng, struct room *room)
{
    size_t n = (size_t)fl_rng_below(rng, ROOM_ROWS + 1);
    for (size_t i = 0; i < n; i++)
        room->clients[i] = any_count(rng);
    return (struct comms_task){
        .id = fl_rng_u64(rng),
        .kind = (enum comms_task_kind)fl_rng_below(rng, COMMS_TASK_LAST_),
        .arm = fl_rng_u32(rng),
        .round = any_count(rng),
        .model_version = any_count(rng) - 1,
        .clients = room->clients,
        .n_clients = n,
        .first = any_count(rng) / 2,
        .count = any_count(rng) / 2,
        .scale_log2 = (int32_t)fl_rng_below(rng, 2048) - 1074,
        .prox_mu = fl_rng_uniform(rng),
    };
}

static struct comms_profile any_profile(struct fl_rng *rng, struct room *room)
{
    size_t n = (size_t)fl_rng_below(rng, ROOM_ROWS + 1);
    if (n == 0)
        return (struct comms_profile){.n = 0};
    for (size_t i = 0; i < n; i++) {
        room->times[i] = fl_rng_uniform(rng);
        room->calls[i] = any_count(rng);
    }
    return (struct comms_profile){
        .layers = any_text(rng, room->texts[1], sizeof room->texts[1]),
        .time_s = room->times,
        .calls = room->calls,
        .n = n,
        .wall_s = fl_rng_uniform(rng),
        .peak_bytes = any_count(rng),
    };
}

static struct comms_partial any_partial(struct fl_rng *rng, struct room *room)
{
    size_t n_clients = (size_t)fl_rng_below(rng, ROOM_ROWS + 1);
    size_t n_scores = (size_t)fl_rng_below(rng, ROOM_ROWS + 1);
    for (size_t i = 0; i < n_clients; i++)
        room->results[i] = (struct comms_client_result){
            .client = any_count(rng),
            .samples = any_count(rng),
            .steps = any_count(rng),
            .loss_mean = any_double(rng),
            .is_refused = fl_rng_below(rng, 2) == 1,
        };
    for (size_t i = 0; i < n_scores; i++) {
        int64_t seen = any_count(rng);
        room->scores[i] = (struct comms_score){
            .step = any_count(rng),
            .n = seen,
            .correct = seen / (1 + (int64_t)fl_rng_below(rng, 5)),
            .loss_sum = any_double(rng),
        };
    }
    return (struct comms_partial){
        .task_id = fl_rng_u64(rng),
        .kind = (enum comms_task_kind)fl_rng_below(rng, COMMS_TASK_LAST_),
        .arm = fl_rng_u32(rng),
        .round = any_count(rng),
        .clients = room->results,
        .n_clients = n_clients,
        .scores = room->scores,
        .n_scores = n_scores,
        .weight = any_count(rng),
        .loss_mean = any_double(rng),
        .busy_wall_s = fl_rng_uniform(rng) * 100.0,
        .profile = any_profile(rng, room),
        .failure = any_text(rng, room->texts[0], sizeof room->texts[0]),
    };
}

static void add_tensors(struct fl_rng *rng,
                        struct comms_message *message,
                        struct room *room)
{
    message->n_tensors = (size_t)fl_rng_below(rng, COMMS_MAX_TENSORS + 1);
    for (size_t i = 0; i < message->n_tensors; i++) {
        for (size_t k = 0; k < ROOM_ROWS; k++)
            room->members[i][k] = (int64_t)fl_rng_u64(rng);
        message->tensors[i] = (struct comms_tensor){
            .type = (enum comms_type)fl_rng_below(rng, COMMS_TYPE_LAST_),
            .data = room->members[i],
            .n = (int64_t)fl_rng_below(rng, ROOM_ROWS + 1),
        };
    }
}

struct comms_message
random_message(struct fl_rng *rng, enum comms_kind kind, struct room *room)
{
    struct comms_message message = {.kind = kind};
    size_t size = sizeof room->texts[0];
    switch (kind) {
    case COMMS_HELLO:
        message.u.hello = (struct comms_hello){
            .slot = fl_rng_u32(rng),
            .incarnation = fl_rng_u32(rng),
            .pid = (int64_t)fl_rng_u64(rng),
            .host = any_text(rng, room->texts[0], size),
            .version = any_text(rng, room->texts[1], size),
            .blas_kernel = any_text(rng, room->texts[2], size),
        };
        break;
    case COMMS_WELCOME:
        message.u.welcome = (struct comms_welcome){
            .run_id = any_text(rng, room->texts[0], size),
            .scenario = any_text(rng, room->texts[1], size),
            .cache_dir = any_text(rng, room->texts[2], size),
            .data_root = any_text(rng, room->texts[3], size),
            .heartbeat_wall_s = fl_rng_uniform(rng),
            .is_profiled = fl_rng_below(rng, 2) == 1,
        };
        break;
    case COMMS_MODEL:
        message.u.model.arm = fl_rng_u32(rng);
        message.u.model.version = any_count(rng) - 1;
        break;
    case COMMS_TASK:
        message.u.task = any_task(rng, room);
        break;
    case COMMS_PARTIAL:
        message.u.partial = any_partial(rng, room);
        break;
    case COMMS_HEARTBEAT:
        message.u.heartbeat.task_id = fl_rng_u64(rng);
        message.u.heartbeat.done_ratio = fl_rng_uniform(rng);
        break;
    case COMMS_BYE:
        message.u.bye.reason = any_text(rng, room->texts[0], size);
        break;
    case COMMS_KIND_LAST_:
        fail_msg("no such kind");
    }
    if (comms_kind_has_tensors(kind))
        add_tensors(rng, &message, room);
    return message;
}

static void assert_same_double(double a, double b)
{
    assert_memory_equal(&a, &b, sizeof a);
}

static void assert_same_text(const char *a, const char *b)
{
    assert_string_equal(a ? a : "", b ? b : "");
}

static void assert_same_task(const struct comms_task *a,
                             const struct comms_task *b)
{
    assert_true(a->id == b->id && a->kind == b->kind && a->arm == b->arm);
    assert_true(a->round == b->round && a->model_version == b->model_version);
    assert_true(a->first == b->first && a->count == b->count);
    assert_int_equal(a->scale_log2, b->scale_log2);
    assert_same_double(a->prox_mu, b->prox_mu);
    assert_int_equal(a->n_clients, b->n_clients);
    for (size_t i = 0; i < a->n_clients; i++)
        assert_true(a->clients[i] == b->clients[i]);
}

static void assert_same_profile(const struct comms_profile *a,
                                const struct comms_profile *b)
{
    assert_int_equal(a->n, b->n);
    assert_same_double(a->wall_s, b->wall_s);
    assert_true(a->peak_bytes == b->peak_bytes);
    assert_same_text(a->layers, b->layers);
    for (size_t i = 0; i < a->n; i++) {
        assert_same_double(a->time_s[i], b->time_s[i]);
        assert_true(a->calls[i] == b->calls[i]);
    }
}

static void assert_same_partial(const struct comms_partial *a,
                                const struct comms_partial *b)
{
    assert_true(a->task_id == b->task_id && a->kind == b->kind);
    assert_true(a->arm == b->arm && a->round == b->round);
    assert_true(a->weight == b->weight);
    assert_same_double(a->loss_mean, b->loss_mean);
    assert_same_double(a->busy_wall_s, b->busy_wall_s);
    assert_same_text(a->failure, b->failure);
    assert_same_profile(&a->profile, &b->profile);
    assert_int_equal(a->n_clients, b->n_clients);
    for (size_t i = 0; i < a->n_clients; i++) {
        const struct comms_client_result *x = &a->clients[i];
        const struct comms_client_result *y = &b->clients[i];
        assert_true(x->client == y->client && x->samples == y->samples);
        assert_true(x->steps == y->steps && x->is_refused == y->is_refused);
        assert_same_double(x->loss_mean, y->loss_mean);
    }
    assert_int_equal(a->n_scores, b->n_scores);
    for (size_t i = 0; i < a->n_scores; i++) {
        const struct comms_score *x = &a->scores[i];
        const struct comms_score *y = &b->scores[i];
        assert_true(x->step == y->step && x->n == y->n);
        assert_true(x->correct == y->correct);
        assert_same_double(x->loss_sum, y->loss_sum);
    }
}

static void assert_same_body(const struct comms_message *a,
                             const struct comms_message *b)
{
    switch (a->kind) {
    case COMMS_HELLO:
        assert_int_equal(a->u.hello.slot, b->u.hello.slot);
        assert_int_equal(a->u.hello.incarnation, b->u.hello.incarnation);
        assert_true(a->u.hello.pid == b->u.hello.pid);
        assert_same_text(a->u.hello.host, b->u.hello.host);
        assert_same_text(a->u.hello.version, b->u.hello.version);
        assert_same_text(a->u.hello.blas_kernel, b->u.hello.blas_kernel);
        break;
    case COMMS_WELCOME:
        assert_same_text(a->u.welcome.run_id, b->u.welcome.run_id);
        assert_same_text(a->u.welcome.scenario, b->u.welcome.scenario);
        assert_same_text(a->u.welcome.cache_dir, b->u.welcome.cache_dir);
        assert_same_text(a->u.welcome.data_root, b->u.welcome.data_root);
        assert_same_double(a->u.welcome.heartbeat_wall_s,
                           b->u.welcome.heartbeat_wall_s);
        assert_int_equal(a->u.welcome.is_profiled, b->u.welcome.is_profiled);
        break;
    case COMMS_MODEL:
        assert_int_equal(a->u.model.arm, b->u.model.arm);
        assert_true(a->u.model.version == b->u.model.version);
        break;
    case COMMS_TASK:
        assert_same_task(&a->u.task, &b->u.task);
        break;
    case COMMS_PARTIAL:
        assert_same_partial(&a->u.partial, &b->u.partial);
        break;
    case COMMS_HEARTBEAT:
        assert_true(a->u.heartbeat.task_id == b->u.heartbeat.task_id);
        assert_same_double(a->u.heartbeat.done_ratio,
                           b->u.heartbeat.done_ratio);
        break;
    case COMMS_BYE:
        assert_same_text(a->u.bye.reason, b->u.bye.reason);
        break;
    case COMMS_KIND_LAST_:
        fail_msg("no such kind");
    }
}

static void assert_same_members(const struct comms_tensor *a,
                                const struct comms_tensor *b)
{
    size_t n_bytes = (size_t)a->n * comms_type_bytes(a->type);
    unsigned char *mine = fl_calloc(2, n_bytes), *other = mine + n_bytes;
    assert_non_null(mine);
    comms_tensor_copy(a, mine);
    comms_tensor_copy(b, other);
    assert_memory_equal(mine, other, n_bytes);
    fl_free(mine);
}

void assert_same_message(const struct comms_message *a,
                         const struct comms_message *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_same_body(a, b);
    assert_int_equal(a->n_tensors, b->n_tensors);
    for (size_t i = 0; i < a->n_tensors; i++) {
        const struct comms_tensor *x = &a->tensors[i];
        const struct comms_tensor *y = &b->tensors[i];
        assert_int_equal(x->type, y->type);
        assert_true(x->n == y->n);
        assert_same_members(x, y);
    }
}

struct comms_message beat(uint64_t number)
{
    return (struct comms_message){.kind = COMMS_HEARTBEAT,
                                  .u.heartbeat = {.task_id = number}};
}

struct comms_message
tensor_message(enum comms_type type, const void *data, int64_t n)
{
    return (struct comms_message){
        .kind = COMMS_MODEL,
        .tensors = {{.type = type, .data = data, .n = n}},
        .n_tensors = 1,
    };
}
