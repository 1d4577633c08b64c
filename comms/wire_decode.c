/* Frames -> plain messages. Nothing that comes in is believed: every length,
 * count, enum and text is checked before it is used, and what protobuf-c may
 * allocate is bounded by the size of the frame.
 */
#include "base/alloc.h"
#include "comms/codec_priv.h"
#include "comms/wire.pb-c.h"
#include "comms/wire_priv.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

/* One byte of a packed column becomes 8 at most (a column of bools: 4). */
#define BUDGET_PER_BYTE 16
#define BUDGET_FIXED    4096

struct budget {
    size_t left_bytes;
    bool is_out_of_memory;
};

static void *budget_alloc(void *arg, size_t n_bytes)
{
    struct budget *budget = arg;
    if (n_bytes > budget->left_bytes)
        return NULL;
    void *memory = fl_calloc(1, n_bytes);
    if (memory)
        budget->left_bytes -= n_bytes;
    else
        budget->is_out_of_memory = true;
    return memory;
}

static void budget_free(void *arg, void *memory)
{
    (void)arg;
    fl_free(memory);
}

/* The block that holds a message's tables and texts: tables from the front,
 * which keeps them aligned, texts from behind them. */
struct block {
    unsigned char *memory;
    size_t used_bytes;
};

static void *take(struct block *block, size_t n, size_t size)
{
    void *piece = block->memory + block->used_bytes;
    block->used_bytes += n * size;
    return piece;
}

static enum fl_status take_text(struct block *block,
                                const char *field,
                                ProtobufCBinaryData from,
                                const char **ret,
                                struct fl_error *err)
{
    if (from.len > 0 && memchr(from.data, 0, from.len))
        return fl_fail(err, FL_E_FORMAT, "%s has a NUL byte", field);
    char *text = take(block, from.len + 1, 1);
    if (from.len > 0)
        memcpy(text, from.data, from.len);
    text[from.len] = '\0';
    *ret = text;
    return FL_OK;
}

/* Text that people will read on a terminal: control characters become '?'. */
static enum fl_status take_prose(struct block *block,
                                 const char *field,
                                 ProtobufCBinaryData from,
                                 const char **ret,
                                 struct fl_error *err)
{
    if (from.len > COMMS_MAX_TEXT)
        return fl_fail(err, FL_E_FORMAT, "%s is %zu bytes, allowed %d", field,
                       from.len, COMMS_MAX_TEXT);
    for (size_t i = 0; i < from.len; i++) {
        uint8_t c = from.data[i];
        if (c != 0 && c != '\n' && c != '\t' && (c < 0x20 || c == 0x7f))
            from.data[i] = '?';
    }
    return take_text(block, field, from, ret, err);
}

static enum fl_status take_hello(struct block *block,
                                 const Comms__Wire__Hello *from,
                                 struct comms_hello *to,
                                 struct fl_error *err)
{
    to->slot = from->slot;
    to->incarnation = from->incarnation;
    to->pid = from->pid;
    FL_TRY(take_text(block, "host", from->host, &to->host, err));
    FL_TRY(take_text(block, "version", from->version, &to->version, err));
    return take_text(block, "blas_kernel", from->blas_kernel, &to->blas_kernel,
                     err);
}

static enum fl_status take_welcome(struct block *block,
                                   const Comms__Wire__Welcome *from,
                                   struct comms_welcome *to,
                                   struct fl_error *err)
{
    to->heartbeat_wall_s = from->heartbeat_wall_s;
    to->is_profiled = from->is_profiled != 0;
    FL_TRY(take_text(block, "run_id", from->run_id, &to->run_id, err));
    FL_TRY(take_text(block, "scenario", from->scenario, &to->scenario, err));
    FL_TRY(take_text(block, "cache_dir", from->cache_dir, &to->cache_dir, err));
    return take_text(block, "data_root", from->data_root, &to->data_root, err);
}

static enum fl_status take_task(struct block *block,
                                const Comms__Wire__Task *from,
                                struct comms_task *to,
                                struct fl_error *err)
{
    if (from->kind >= COMMS_TASK_LAST_)
        return fl_fail(err, FL_E_FORMAT, "task kind %" PRIu32, from->kind);
    to->id = from->id;
    to->kind = (enum comms_task_kind)from->kind;
    to->arm = from->arm;
    to->round = from->round;
    to->model_version = from->model_version;
    to->first = from->first;
    to->count = from->count;
    to->scale_log2 = from->scale_log2;
    to->prox_mu = from->prox_mu;
    to->n_clients = from->n_clients;
    int64_t *clients = take(block, from->n_clients, sizeof *clients);
    if (from->n_clients > 0)
        memcpy(clients, from->clients, from->n_clients * sizeof *clients);
    to->clients = clients;
    return FL_OK;
}

static size_t result_rows(const Comms__Wire__ClientResults *from)
{
    return from ? from->n_client : 0;
}

static size_t score_rows(const Comms__Wire__Scores *from)
{
    return from ? from->n_step : 0;
}

static size_t profile_cells(const Comms__Wire__Profile *from)
{
    return from ? from->n_time_s : 0;
}

static enum fl_status take_results(struct block *block,
                                   const Comms__Wire__ClientResults *from,
                                   struct comms_partial *to,
                                   struct fl_error *err)
{
    size_t n = result_rows(from);
    struct comms_client_result *rows = take(block, n, sizeof *rows);
    to->clients = rows;
    to->n_clients = n;
    if (!from)
        return FL_OK;
    if (from->n_samples != n || from->n_steps != n || from->n_loss_mean != n ||
        from->n_is_refused != n)
        return fl_fail(err, FL_E_FORMAT,
                       "columns of client results differ in length");
    for (size_t i = 0; i < n; i++)
        rows[i] = (struct comms_client_result){
            .client = from->client[i],
            .samples = from->samples[i],
            .steps = from->steps[i],
            .loss_mean = from->loss_mean[i],
            .is_refused = from->is_refused[i] != 0,
        };
    return FL_OK;
}

static enum fl_status take_scores(struct block *block,
                                  const Comms__Wire__Scores *from,
                                  struct comms_partial *to,
                                  struct fl_error *err)
{
    size_t n = score_rows(from);
    struct comms_score *rows = take(block, n, sizeof *rows);
    to->scores = rows;
    to->n_scores = n;
    if (!from)
        return FL_OK;
    if (from->n_n != n || from->n_correct != n || from->n_loss_sum != n)
        return fl_fail(err, FL_E_FORMAT, "columns of scores differ in length");
    for (size_t i = 0; i < n; i++)
        rows[i] = (struct comms_score){
            .step = from->step[i],
            .n = from->n[i],
            .correct = from->correct[i],
            .loss_sum = from->loss_sum[i],
        };
    return FL_OK;
}

/* Its names are text behind the tables, like all texts: see take_partial. */
static enum fl_status take_profile(struct block *block,
                                   const Comms__Wire__Profile *from,
                                   struct comms_profile *to,
                                   struct fl_error *err)
{
    size_t n = profile_cells(from);
    double *time_s = take(block, n, sizeof *time_s);
    int64_t *calls = take(block, n, sizeof *calls);
    *to = (struct comms_profile){
        .layers = "", .time_s = time_s, .calls = calls, .n = n};
    if (!from)
        return FL_OK;
    if (from->n_calls != n)
        return fl_fail(err, FL_E_FORMAT,
                       "columns of a profile differ in length");
    if (n == 0) /* none would have been sent */
        return fl_fail(err, FL_E_FORMAT, "an empty profile");
    memcpy(time_s, from->time_s, n * sizeof *time_s);
    memcpy(calls, from->calls, n * sizeof *calls);
    to->wall_s = from->wall_s;
    to->peak_bytes = from->peak_bytes;
    return take_text(block, "layers", from->layers, &to->layers, err);
}

static enum fl_status take_partial(struct block *block,
                                   const Comms__Wire__Partial *from,
                                   struct comms_partial *to,
                                   struct fl_error *err)
{
    if (from->kind >= COMMS_TASK_LAST_)
        return fl_fail(err, FL_E_FORMAT, "task kind %" PRIu32, from->kind);
    to->task_id = from->task_id;
    to->kind = (enum comms_task_kind)from->kind;
    to->arm = from->arm;
    to->round = from->round;
    to->weight = from->weight;
    to->loss_mean = from->loss_mean;
    to->busy_wall_s = from->busy_wall_s;
    FL_TRY(take_results(block, from->clients, to, err));
    FL_TRY(take_scores(block, from->scores, to, err));
    FL_TRY(take_profile(block, from->profile, &to->profile, err));
    return take_prose(block, "failure", from->failure, &to->failure, err);
}

static enum fl_status take_body(struct block *block,
                                const Comms__Wire__Meta *meta,
                                struct comms_message *to,
                                struct fl_error *err)
{
    switch (to->kind) {
    case COMMS_HELLO:
        return take_hello(block, meta->hello, &to->u.hello, err);
    case COMMS_WELCOME:
        return take_welcome(block, meta->welcome, &to->u.welcome, err);
    case COMMS_MODEL:
        to->u.model.arm = meta->model->arm;
        to->u.model.version = meta->model->version;
        return FL_OK;
    case COMMS_TASK:
        return take_task(block, meta->task, &to->u.task, err);
    case COMMS_PARTIAL:
        return take_partial(block, meta->partial, &to->u.partial, err);
    case COMMS_HEARTBEAT:
        to->u.heartbeat.task_id = meta->heartbeat->task_id;
        to->u.heartbeat.done_ratio = meta->heartbeat->done_ratio;
        return FL_OK;
    case COMMS_BYE:
        return take_prose(block, "reason", meta->bye->reason, &to->u.bye.reason,
                          err);
    case COMMS_KIND_LAST_:
        break;
    }
    return fl_fail(err, FL_E_FORMAT, "message kind %d", (int)to->kind);
}

/* Descriptors of tensors; sizes are checked later, by comms_message_check. */
static enum fl_status take_tensors(const Comms__Wire__Meta *meta,
                                   struct comms_message *to,
                                   struct fl_error *err)
{
    if (meta->n_tensors > COMMS_MAX_TENSORS)
        return fl_fail(err, FL_E_FORMAT, "%zu tensors, allowed %d",
                       meta->n_tensors, COMMS_MAX_TENSORS);
    for (size_t i = 0; i < meta->n_tensors; i++) {
        const Comms__Wire__Tensor *from = meta->tensors[i];
        if (from->type >= COMMS_TYPE_LAST_ || from->n > INT64_MAX ||
            from->base.n_unknown_fields > 0)
            return fl_fail(err, FL_E_FORMAT,
                           "tensor %zu has type %" PRIu32 " and %" PRIu64
                           " members",
                           i, from->type, from->n);
        to->tensors[i] = (struct comms_tensor){
            .type = (enum comms_type)from->type, .n = (int64_t)from->n};
    }
    to->n_tensors = meta->n_tensors;
    return FL_OK;
}

/* Each tensor comes in one frame, or cut as this version cuts it. */
static enum fl_status expect_frames(struct comms_decoder *decoder,
                                    const Comms__Wire__Meta *meta,
                                    struct fl_error *err)
{
    for (size_t i = 0; i < meta->n_tensors; i++) {
        const struct comms_tensor *tensor = &decoder->message.tensors[i];
        size_t n_bytes = (size_t)tensor->n * comms_type_bytes(tensor->type);
        size_t n_frames = meta->tensors[i]->frames;
        if (n_frames != comms_tensor_frames(n_bytes, COMMS_CUT_FRAMES) &&
            n_frames != comms_tensor_frames(n_bytes, COMMS_CUT_WHOLE))
            return fl_fail(err, FL_E_FORMAT,
                           "tensor %zu of %zu bytes in %zu frames, allowed %zu",
                           i, n_bytes, n_frames,
                           comms_tensor_frames(n_bytes, COMMS_CUT_FRAMES));
        decoder->expected[i] = (struct comms_expected){
            .n_bytes = n_bytes,
            .n_frames = n_frames,
        };
        decoder->n_frames += n_frames;
    }
    return FL_OK;
}

/* The body of a oneof is a message, whichever it is: they share their head. */
static bool has_unknown_fields(const Comms__Wire__Meta *meta)
{
    const ProtobufCMessage *body = &meta->hello->base;
    if (meta->base.n_unknown_fields > 0 || body->n_unknown_fields > 0)
        return true;
    if (meta->body_case != COMMS__WIRE__META__BODY_PARTIAL)
        return false;
    const Comms__Wire__Partial *partial = meta->partial;
    return (partial->clients && partial->clients->base.n_unknown_fields > 0) ||
           (partial->scores && partial->scores->base.n_unknown_fields > 0) ||
           (partial->profile && partial->profile->base.n_unknown_fields > 0);
}

static enum fl_status take_meta(struct comms_decoder *decoder,
                                const Comms__Wire__Meta *meta,
                                size_t n_bytes,
                                struct fl_error *err)
{
    struct comms_message *message = &decoder->message;
    if (meta->body_case != comms_wire_case(message->kind) || !meta->hello)
        return fl_fail(err, FL_E_FORMAT, "%s: its metadata are of another kind",
                       comms_kind_name(message->kind));
    if (has_unknown_fields(meta))
        return fl_fail(err, FL_E_FORMAT, "%s: fields that version %d lacks",
                       comms_kind_name(message->kind), COMMS_PROTOCOL_VERSION);
    size_t room = n_bytes + 64; /* texts and their NULs */
    if (message->kind == COMMS_TASK)
        room += meta->task->n_clients * sizeof(int64_t);
    if (message->kind == COMMS_PARTIAL)
        room += result_rows(meta->partial->clients) *
                    sizeof(struct comms_client_result) +
                score_rows(meta->partial->scores) * sizeof(struct comms_score) +
                profile_cells(meta->partial->profile) *
                    (sizeof(double) + sizeof(int64_t));
    struct block block = {.memory = fl_calloc(room, 1)};
    if (!block.memory)
        return fl_fail(err, FL_E_NOMEM, "out of memory: %zu bytes", room);
    fl_free(decoder->block);
    decoder->block = block.memory;
    FL_TRY(take_tensors(meta, message, err));
    FL_TRY(take_body(&block, meta, message, err));
    FL_TRY(comms_message_check(message, decoder->limits, FL_E_FORMAT, err));
    return expect_frames(decoder, meta, err);
}

enum fl_status comms_decode_header(struct comms_decoder *decoder,
                                   const uint8_t *bytes,
                                   size_t n_bytes,
                                   struct fl_error *err)
{
    if (n_bytes != COMMS_HEADER_BYTES)
        return fl_fail(err, FL_E_FORMAT, "header of %zu bytes, allowed %d",
                       n_bytes, COMMS_HEADER_BYTES);
    if (memcmp(bytes, COMMS_WIRE_MAGIC, 4) != 0)
        return fl_fail(err, FL_E_FORMAT,
                       "header starts with %02x %02x %02x %02x, not with "
                       "\"" COMMS_WIRE_MAGIC "\"",
                       bytes[0], bytes[1], bytes[2], bytes[3]);
    unsigned version = bytes[4] | (unsigned)bytes[5] << 8;
    if (version != COMMS_PROTOCOL_VERSION)
        return fl_fail(err, FL_E_FORMAT, "protocol version %u, allowed %d",
                       version, COMMS_PROTOCOL_VERSION);
    unsigned kind = bytes[6] | (unsigned)bytes[7] << 8;
    if (kind >= COMMS_KIND_LAST_)
        return fl_fail(err, FL_E_FORMAT, "message kind %u, allowed [0, %d]",
                       kind, COMMS_KIND_LAST_ - 1);
    decoder->message.kind = (enum comms_kind)kind;
    return FL_OK;
}

enum fl_status comms_decode_meta(struct comms_decoder *decoder,
                                 const uint8_t *bytes,
                                 size_t n_bytes,
                                 struct fl_error *err)
{
    const char *kind = comms_kind_name(decoder->message.kind);
    if (n_bytes > decoder->limits->max_meta_bytes ||
        n_bytes > COMMS_MAX_META_BYTES)
        return fl_fail(err, FL_E_FORMAT,
                       "%s: metadata of %zu bytes, allowed %zu", kind, n_bytes,
                       decoder->limits->max_meta_bytes);
    struct budget budget = {n_bytes * BUDGET_PER_BYTE + BUDGET_FIXED, false};
    ProtobufCAllocator allocator = {budget_alloc, budget_free, &budget};
    Comms__Wire__Meta *meta =
        comms__wire__meta__unpack(&allocator, n_bytes, bytes);
    if (!meta) {
        if (budget.is_out_of_memory)
            return fl_fail(err, FL_E_NOMEM, "out of memory: %s of %zu bytes",
                           kind, n_bytes);
        return fl_fail(err, FL_E_FORMAT, "%s: its metadata are no protobuf",
                       kind);
    }
    enum fl_status status = take_meta(decoder, meta, n_bytes, err);
    comms__wire__meta__free_unpacked(meta, &allocator);
    return status;
}

/* Steps over tensors that take no frame. */
static size_t tensor_at(const struct comms_decoder *decoder)
{
    size_t i = decoder->tensor;
    while (i < decoder->message.n_tensors && decoder->expected[i].n_frames == 0)
        i++;
    return i;
}

enum fl_status comms_decode_next(struct comms_decoder *decoder,
                                 size_t n_bytes,
                                 size_t *ret_tensor,
                                 struct fl_error *err)
{
    size_t i = tensor_at(decoder);
    if (i == decoder->message.n_tensors)
        return fl_fail(err, FL_E_FORMAT, "%s: more frames than it says",
                       comms_kind_name(decoder->message.kind));
    const struct comms_expected *expected = &decoder->expected[i];
    size_t offset = decoder->frame * COMMS_FRAME_BYTES;
    size_t left = expected->n_bytes - offset;
    bool is_last = decoder->frame + 1 == expected->n_frames;
    size_t wanted = is_last ? left : COMMS_FRAME_BYTES;
    if (n_bytes != wanted)
        return fl_fail(err, FL_E_FORMAT,
                       "%s: frame %zu of tensor %zu has %zu bytes, allowed %zu",
                       comms_kind_name(decoder->message.kind), decoder->frame,
                       i, n_bytes, wanted);
    *ret_tensor = i;
    decoder->tensor = is_last ? i + 1 : i;
    decoder->frame = is_last ? 0 : decoder->frame + 1;
    return FL_OK;
}

enum fl_status comms_decode_end(const struct comms_decoder *decoder,
                                struct fl_error *err)
{
    size_t i = tensor_at(decoder);
    if (i == decoder->message.n_tensors)
        return FL_OK;
    return fl_fail(err, FL_E_FORMAT,
                   "%s: it ends before frame %zu of tensor %zu, which has %zu",
                   comms_kind_name(decoder->message.kind), decoder->frame, i,
                   decoder->expected[i].n_frames);
}

void comms_decoder_fini(struct comms_decoder *decoder)
{
    fl_free(decoder->block);
    *decoder = (struct comms_decoder){0};
}
