/* Plain messages -> header and metadata frames. */
#include "base/alloc.h"
#include "comms/codec_priv.h"
#include "comms/wire.pb-c.h"
#include "comms/wire_priv.h"

#include <string.h>

/* The protobuf objects of one message; they borrow its texts and tables, save
 * for the columns, which rows have to be turned into. */
struct wire {
    Comms__Wire__Meta meta;
    Comms__Wire__Tensor tensors[COMMS_MAX_TENSORS];
    Comms__Wire__Tensor *tensor_list[COMMS_MAX_TENSORS];
    union {
        Comms__Wire__Hello hello;
        Comms__Wire__Welcome welcome;
        Comms__Wire__Model model;
        Comms__Wire__Task task;
        Comms__Wire__Partial partial;
        Comms__Wire__Heartbeat heartbeat;
        Comms__Wire__Bye bye;
    } body;
    Comms__Wire__ClientResults results;
    Comms__Wire__Scores scores;
    Comms__Wire__Profile profile;
    void *result_columns, *score_columns; /* owned */
};

void comms_header_write(enum comms_kind kind, uint8_t ret[COMMS_HEADER_BYTES])
{
    memcpy(ret, COMMS_WIRE_MAGIC, 4);
    ret[4] = COMMS_PROTOCOL_VERSION & 0xff;
    ret[5] = COMMS_PROTOCOL_VERSION >> 8;
    ret[6] = (uint8_t)((unsigned)kind & 0xff);
    ret[7] = (uint8_t)((unsigned)kind >> 8);
}

static ProtobufCBinaryData text_of(const char *text)
{
    if (!text)
        return (ProtobufCBinaryData){0};
    return (ProtobufCBinaryData){strlen(text), (uint8_t *)text};
}

/* For a reason or a failure: whatever is longer is cut. */
static ProtobufCBinaryData cut_text_of(const char *text)
{
    if (!text)
        return (ProtobufCBinaryData){0};
    return (ProtobufCBinaryData){strnlen(text, COMMS_MAX_TEXT),
                                 (uint8_t *)text};
}

static void fill_hello(struct wire *wire, const struct comms_hello *hello)
{
    Comms__Wire__Hello *body = &wire->body.hello;
    comms__wire__hello__init(body);
    body->slot = hello->slot;
    body->incarnation = hello->incarnation;
    body->pid = hello->pid;
    body->host = text_of(hello->host);
    body->version = text_of(hello->version);
    body->blas_kernel = text_of(hello->blas_kernel);
    wire->meta.hello = body;
}

static void fill_welcome(struct wire *wire, const struct comms_welcome *welcome)
{
    Comms__Wire__Welcome *body = &wire->body.welcome;
    comms__wire__welcome__init(body);
    body->run_id = text_of(welcome->run_id);
    body->scenario = text_of(welcome->scenario);
    body->cache_dir = text_of(welcome->cache_dir);
    body->data_root = text_of(welcome->data_root);
    body->heartbeat_wall_s = welcome->heartbeat_wall_s;
    body->is_profiled = welcome->is_profiled;
    wire->meta.welcome = body;
}

static void fill_model(struct wire *wire, const struct comms_model *model)
{
    Comms__Wire__Model *body = &wire->body.model;
    comms__wire__model__init(body);
    body->arm = model->arm;
    body->version = model->version;
    wire->meta.model = body;
}

static void fill_task(struct wire *wire, const struct comms_task *task)
{
    Comms__Wire__Task *body = &wire->body.task;
    comms__wire__task__init(body);
    body->id = task->id;
    body->kind = (uint32_t)task->kind;
    body->arm = task->arm;
    body->round = task->round;
    body->model_version = task->model_version;
    body->n_clients = task->n_clients;
    body->clients = (int64_t *)task->clients; /* only read */
    body->first = task->first;
    body->count = task->count;
    body->scale_log2 = task->scale_log2;
    body->prox_mu = task->prox_mu;
    wire->meta.task = body;
}

static enum fl_status fill_results(struct wire *wire,
                                   const struct comms_client_result *rows,
                                   size_t n,
                                   struct fl_error *err)
{
    Comms__Wire__ClientResults *to = &wire->results;
    comms__wire__client_results__init(to);
    size_t row_bytes =
        3 * sizeof *to->client + sizeof *to->loss_mean + sizeof *to->is_refused;
    wire->result_columns = fl_calloc(n, row_bytes);
    if (!wire->result_columns)
        return fl_fail(err, FL_E_NOMEM, "out of memory: %zu client results", n);
    to->client = wire->result_columns;
    to->samples = to->client + n;
    to->steps = to->samples + n;
    to->loss_mean = (double *)(to->steps + n);
    to->is_refused = (protobuf_c_boolean *)(to->loss_mean + n);
    to->n_client = to->n_samples = to->n_steps = n;
    to->n_loss_mean = to->n_is_refused = n;
    for (size_t i = 0; i < n; i++) {
        to->client[i] = rows[i].client;
        to->samples[i] = rows[i].samples;
        to->steps[i] = rows[i].steps;
        to->loss_mean[i] = rows[i].loss_mean;
        to->is_refused[i] = rows[i].is_refused;
    }
    return FL_OK;
}

static enum fl_status fill_scores(struct wire *wire,
                                  const struct comms_score *rows,
                                  size_t n,
                                  struct fl_error *err)
{
    Comms__Wire__Scores *to = &wire->scores;
    comms__wire__scores__init(to);
    wire->score_columns =
        fl_calloc(n, 3 * sizeof *to->step + sizeof *to->loss_sum);
    if (!wire->score_columns)
        return fl_fail(err, FL_E_NOMEM, "out of memory: %zu scores", n);
    to->step = wire->score_columns;
    to->n = to->step + n;
    to->correct = to->n + n;
    to->loss_sum = (double *)(to->correct + n);
    to->n_step = to->n_n = to->n_correct = to->n_loss_sum = n;
    for (size_t i = 0; i < n; i++) {
        to->step[i] = rows[i].step;
        to->n[i] = rows[i].n;
        to->correct[i] = rows[i].correct;
        to->loss_sum[i] = rows[i].loss_sum;
    }
    return FL_OK;
}

static void fill_profile(struct wire *wire, const struct comms_profile *from)
{
    Comms__Wire__Profile *to = &wire->profile;
    comms__wire__profile__init(to);
    to->layers = text_of(from->layers);
    to->n_time_s = to->n_calls = from->n;
    to->time_s = (double *)from->time_s; /* only read */
    to->calls = (int64_t *)from->calls;  /* likewise */
    to->wall_s = from->wall_s;
    to->peak_bytes = from->peak_bytes;
}

static enum fl_status fill_partial(struct wire *wire,
                                   const struct comms_partial *partial,
                                   struct fl_error *err)
{
    Comms__Wire__Partial *body = &wire->body.partial;
    comms__wire__partial__init(body);
    body->task_id = partial->task_id;
    body->kind = (uint32_t)partial->kind;
    body->arm = partial->arm;
    body->round = partial->round;
    body->weight = partial->weight;
    body->loss_mean = partial->loss_mean;
    body->busy_wall_s = partial->busy_wall_s;
    body->failure = cut_text_of(partial->failure);
    if (partial->n_clients > 0) {
        FL_TRY(fill_results(wire, partial->clients, partial->n_clients, err));
        body->clients = &wire->results;
    }
    if (partial->n_scores > 0) {
        FL_TRY(fill_scores(wire, partial->scores, partial->n_scores, err));
        body->scores = &wire->scores;
    }
    if (partial->profile.n > 0) {
        fill_profile(wire, &partial->profile);
        body->profile = &wire->profile;
    }
    wire->meta.partial = body;
    return FL_OK;
}

static enum fl_status fill_body(struct wire *wire,
                                const struct comms_message *message,
                                struct fl_error *err)
{
    wire->meta.body_case = comms_wire_case(message->kind);
    switch (message->kind) {
    case COMMS_HELLO:
        fill_hello(wire, &message->u.hello);
        return FL_OK;
    case COMMS_WELCOME:
        fill_welcome(wire, &message->u.welcome);
        return FL_OK;
    case COMMS_MODEL:
        fill_model(wire, &message->u.model);
        return FL_OK;
    case COMMS_TASK:
        fill_task(wire, &message->u.task);
        return FL_OK;
    case COMMS_PARTIAL:
        return fill_partial(wire, &message->u.partial, err);
    case COMMS_HEARTBEAT:
        comms__wire__heartbeat__init(&wire->body.heartbeat);
        wire->body.heartbeat.task_id = message->u.heartbeat.task_id;
        wire->body.heartbeat.done_ratio = message->u.heartbeat.done_ratio;
        wire->meta.heartbeat = &wire->body.heartbeat;
        return FL_OK;
    case COMMS_BYE:
        comms__wire__bye__init(&wire->body.bye);
        wire->body.bye.reason = cut_text_of(message->u.bye.reason);
        wire->meta.bye = &wire->body.bye;
        return FL_OK;
    case COMMS_KIND_LAST_:
        break;
    }
    return fl_fail(err, FL_E_ARG, "message kind %d", (int)message->kind);
}

static void fill_tensors(struct wire *wire,
                         const struct comms_message *message,
                         enum comms_cut cut)
{
    for (size_t i = 0; i < message->n_tensors; i++) {
        const struct comms_tensor *from = &message->tensors[i];
        Comms__Wire__Tensor *to = &wire->tensors[i];
        size_t n_bytes = (size_t)from->n * comms_type_bytes(from->type);
        comms__wire__tensor__init(to);
        to->type = (uint32_t)from->type;
        to->n = (uint64_t)from->n;
        to->frames = (uint32_t)comms_tensor_frames(n_bytes, cut);
        wire->tensor_list[i] = to;
    }
    wire->meta.n_tensors = message->n_tensors;
    wire->meta.tensors = wire->tensor_list;
}

enum fl_status comms_meta_encode(const struct comms_message *message,
                                 const struct comms_limits *limits,
                                 enum comms_cut cut,
                                 uint8_t **ret_meta,
                                 size_t *ret_bytes,
                                 struct fl_error *err)
{
    struct wire wire = {.meta = COMMS__WIRE__META__INIT};
    uint8_t *meta = NULL;
    size_t n_bytes = 0;
    fill_tensors(&wire, message, cut);
    enum fl_status status = fill_body(&wire, message, err);
    if (status != FL_OK)
        goto out;
    n_bytes = comms__wire__meta__get_packed_size(&wire.meta);
    if (n_bytes > limits->max_meta_bytes || n_bytes > COMMS_MAX_META_BYTES) {
        status = fl_fail(
            err, FL_E_ARG, "%s: metadata of %zu bytes, allowed %zu",
            comms_kind_name(message->kind), n_bytes, limits->max_meta_bytes);
        goto out;
    }
    if (ret_meta) {
        meta = fl_calloc(n_bytes, 1);
        if (!meta) {
            status =
                fl_fail(err, FL_E_NOMEM, "out of memory: %zu bytes", n_bytes);
            goto out;
        }
        (void)comms__wire__meta__pack(&wire.meta, meta);
        *ret_meta = meta;
    }
    *ret_bytes = n_bytes;
out:
    fl_free(wire.result_columns);
    fl_free(wire.score_columns);
    return status;
}
