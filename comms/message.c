/* What a message may say: the rules that senders and receivers share. */
#include "comms/seal_priv.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static const struct {
    const char *name;
    bool has_tensors;
} kinds[] = {
    [COMMS_HELLO] = {"HELLO", false},
    [COMMS_WELCOME] = {"WELCOME", false},
    [COMMS_MODEL] = {"MODEL", true},
    [COMMS_TASK] = {"TASK", true},
    [COMMS_PARTIAL] = {"PARTIAL", true},
    [COMMS_HEARTBEAT] = {"HEARTBEAT", false},
    [COMMS_BYE] = {"BYE", false},
};
_Static_assert(sizeof kinds / sizeof kinds[0] == COMMS_KIND_LAST_,
               "every kind needs a row");

static const size_t type_bytes[] = {
    [COMMS_F32] = sizeof(float),
    [COMMS_I64] = sizeof(int64_t),
};
_Static_assert(sizeof type_bytes / sizeof type_bytes[0] == COMMS_TYPE_LAST_,
               "every type needs a size");

const struct comms_limits comms_limits_run = {
    .max_tensor_bytes = (size_t)1 << 32,
    .max_meta_bytes = (size_t)1 << 26,
};

const struct comms_limits comms_limits_default = {
    .max_tensor_bytes = (size_t)1 << 30,
    .max_meta_bytes = (size_t)64 << 20,
};

const char *comms_kind_name(enum comms_kind kind)
{
    return (unsigned)kind < COMMS_KIND_LAST_ ? kinds[kind].name : "unknown";
}

bool comms_kind_has_tensors(enum comms_kind kind)
{
    return (unsigned)kind < COMMS_KIND_LAST_ && kinds[kind].has_tensors;
}

size_t comms_type_bytes(enum comms_type type)
{
    return (unsigned)type < COMMS_TYPE_LAST_ ? type_bytes[type] : 0;
}

size_t comms_tensor_frames(size_t n_bytes, enum comms_cut cut)
{
    if (n_bytes == 0)
        return 0;
    if (cut == COMMS_CUT_WHOLE)
        return 1;
    return (n_bytes - 1) / COMMS_FRAME_BYTES + 1;
}

/* Which message, and what a failure is called. */
struct rules {
    const char *kind;
    enum fl_status code;
    struct fl_error *err;
};

static enum fl_status check_int(const struct rules *rules,
                                const char *field,
                                int64_t value,
                                int64_t min,
                                int64_t max)
{
    if (value >= min && value <= max)
        return FL_OK;
    return fl_fail(rules->err, rules->code,
                   "%s: %s = %" PRId64 ", allowed [%" PRId64 ", %" PRId64 "]",
                   rules->kind, field, value, min, max);
}

static enum fl_status check_double(const struct rules *rules,
                                   const char *field,
                                   double value,
                                   double min,
                                   double max)
{
    if (value >= min && value <= max && isfinite(value))
        return FL_OK;
    return fl_fail(rules->err, rules->code, "%s: %s = %g, allowed [%g, %g]",
                   rules->kind, field, value, min, max);
}

static enum fl_status
check_name(const struct rules *rules, const char *field, const char *text)
{
    if (!text)
        return FL_OK;
    size_t n = strnlen(text, COMMS_MAX_NAME + 1);
    if (n > COMMS_MAX_NAME)
        return fl_fail(rules->err, rules->code,
                       "%s: %s is longer than %d bytes", rules->kind, field,
                       COMMS_MAX_NAME);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == 0x7f)
            return fl_fail(rules->err, rules->code,
                           "%s: %s has the control character %u", rules->kind,
                           field, c);
    }
    return FL_OK;
}

static enum fl_status
check_path(const struct rules *rules, const char *field, const char *text)
{
    if (text && strnlen(text, COMMS_MAX_TEXT + 1) > COMMS_MAX_TEXT)
        return fl_fail(rules->err, rules->code,
                       "%s: %s is longer than %d bytes", rules->kind, field,
                       COMMS_MAX_TEXT);
    return FL_OK;
}

static enum fl_status check_table(const struct rules *rules,
                                  const char *field,
                                  const void *rows,
                                  size_t n)
{
    if (n > COMMS_MAX_META_BYTES || (n > 0 && !rows))
        return fl_fail(rules->err, rules->code, "%s: %zu %s at %s", rules->kind,
                       n, field, rows ? "an address" : "NULL");
    return FL_OK;
}

static enum fl_status check_hello(const struct rules *rules,
                                  const struct comms_hello *hello)
{
    FL_TRY(check_name(rules, "host", hello->host));
    FL_TRY(check_name(rules, "version", hello->version));
    return check_name(rules, "blas_kernel", hello->blas_kernel);
}

static enum fl_status check_welcome(const struct rules *rules,
                                    const struct comms_welcome *welcome)
{
    FL_TRY(check_name(rules, "run_id", welcome->run_id));
    FL_TRY(check_path(rules, "cache_dir", welcome->cache_dir));
    FL_TRY(check_path(rules, "data_root", welcome->data_root));
    return check_double(rules, "heartbeat_wall_s", welcome->heartbeat_wall_s,
                        0.0, 1e6);
}

/* Model versions: -1 says "none". */
static enum fl_status check_task(const struct rules *rules,
                                 const struct comms_task *task)
{
    FL_TRY(check_int(rules, "kind", task->kind, 0, COMMS_TASK_LAST_ - 1));
    FL_TRY(check_int(rules, "round", task->round, 0, INT64_MAX));
    FL_TRY(
        check_int(rules, "model_version", task->model_version, -1, INT64_MAX));
    FL_TRY(check_int(rules, "first", task->first, 0, INT64_MAX));
    FL_TRY(check_int(rules, "count", task->count, 0, INT64_MAX - task->first));
    /* the exponents of a double */
    FL_TRY(check_int(rules, "scale_log2", task->scale_log2, -1074, 1023));
    FL_TRY(check_double(rules, "prox_mu", task->prox_mu, 0.0, 1e300));
    FL_TRY(check_table(rules, "clients", task->clients, task->n_clients));
    for (size_t i = 0; i < task->n_clients; i++)
        FL_TRY(check_int(rules, "client", task->clients[i], 0, INT64_MAX));
    return FL_OK;
}

static enum fl_status check_profile(const struct rules *rules,
                                    const struct comms_profile *profile)
{
    if (profile->layers &&
        strnlen(profile->layers, COMMS_MAX_LAYERS + 1) > COMMS_MAX_LAYERS)
        return fl_fail(rules->err, rules->code,
                       "%s: layers is longer than %d bytes", rules->kind,
                       COMMS_MAX_LAYERS);
    for (const char *at = profile->layers; at && *at; at++)
        if (*at != '\n' && ((unsigned char)*at < 0x20 || *at == 0x7f))
            return fl_fail(rules->err, rules->code,
                           "%s: layers has the control character %u",
                           rules->kind, (unsigned char)*at);
    FL_TRY(check_double(rules, "wall_s", profile->wall_s, 0.0, 1e12));
    FL_TRY(check_int(rules, "peak_bytes", profile->peak_bytes, 0, INT64_MAX));
    FL_TRY(check_table(rules, "times", profile->time_s, profile->n));
    FL_TRY(check_table(rules, "calls", profile->calls, profile->n));
    for (size_t i = 0; i < profile->n; i++) {
        FL_TRY(check_double(rules, "time_s", profile->time_s[i], 0.0, 1e12));
        FL_TRY(check_int(rules, "calls", profile->calls[i], 0, INT64_MAX));
    }
    return FL_OK;
}

/* A loss may be anything: NaN is how a diverged model reports. */
static enum fl_status check_partial(const struct rules *rules,
                                    const struct comms_partial *partial)
{
    FL_TRY(check_int(rules, "kind", partial->kind, 0, COMMS_TASK_LAST_ - 1));
    FL_TRY(check_int(rules, "round", partial->round, 0, INT64_MAX));
    FL_TRY(check_int(rules, "weight", partial->weight, 0, INT64_MAX));
    FL_TRY(check_double(rules, "busy_wall_s", partial->busy_wall_s, 0.0, 1e12));
    FL_TRY(check_profile(rules, &partial->profile));
    FL_TRY(check_table(rules, "clients", partial->clients, partial->n_clients));
    for (size_t i = 0; i < partial->n_clients; i++) {
        const struct comms_client_result *row = &partial->clients[i];
        FL_TRY(check_int(rules, "client", row->client, 0, INT64_MAX));
        FL_TRY(check_int(rules, "samples", row->samples, 0, INT64_MAX));
        FL_TRY(check_int(rules, "steps", row->steps, 0, INT64_MAX));
    }
    FL_TRY(check_table(rules, "scores", partial->scores, partial->n_scores));
    for (size_t i = 0; i < partial->n_scores; i++) {
        const struct comms_score *row = &partial->scores[i];
        FL_TRY(check_int(rules, "step", row->step, 0, INT64_MAX));
        FL_TRY(check_int(rules, "n", row->n, 0, INT64_MAX));
        FL_TRY(check_int(rules, "correct", row->correct, 0, row->n));
    }
    return FL_OK;
}

static enum fl_status check_tensors(const struct rules *rules,
                                    const struct comms_message *message,
                                    const struct comms_limits *limits)
{
    size_t allowed =
        comms_kind_has_tensors(message->kind) ? COMMS_MAX_TENSORS : 0;
    if (message->n_tensors > allowed)
        return fl_fail(rules->err, rules->code, "%s: %zu tensors, allowed %zu",
                       rules->kind, message->n_tensors, allowed);
    for (size_t i = 0; i < message->n_tensors; i++) {
        const struct comms_tensor *tensor = &message->tensors[i];
        size_t size = comms_type_bytes(tensor->type);
        if (size == 0)
            return fl_fail(rules->err, rules->code,
                           "%s: tensor %zu has the unknown type %d",
                           rules->kind, i, (int)tensor->type);
        if (tensor->n < 0 ||
            (uint64_t)tensor->n > limits->max_tensor_bytes / size)
            return fl_fail(rules->err, rules->code,
                           "%s: tensor %zu has %" PRId64
                           " members of %zu bytes, allowed %zu bytes",
                           rules->kind, i, tensor->n, size,
                           limits->max_tensor_bytes);
    }
    return FL_OK;
}

enum fl_status comms_message_check(const struct comms_message *message,
                                   const struct comms_limits *limits,
                                   enum fl_status code,
                                   struct fl_error *err)
{
    const struct rules rules = {comms_kind_name(message->kind), code, err};
    FL_TRY(check_tensors(&rules, message, limits));
    switch (message->kind) {
    case COMMS_HELLO:
        return check_hello(&rules, &message->u.hello);
    case COMMS_WELCOME:
        return check_welcome(&rules, &message->u.welcome);
    case COMMS_MODEL:
        return check_int(&rules, "version", message->u.model.version, -1,
                         INT64_MAX);
    case COMMS_TASK:
        return check_task(&rules, &message->u.task);
    case COMMS_PARTIAL:
        return check_partial(&rules, &message->u.partial);
    case COMMS_HEARTBEAT:
        return check_double(&rules, "done_ratio",
                            message->u.heartbeat.done_ratio, 0.0, 1.0);
    case COMMS_BYE: /* its text is cut, whatever it is */
        return FL_OK;
    case COMMS_KIND_LAST_:
        break;
    }
    return fl_fail(err, code, "message kind %d, allowed [0, %d]",
                   (int)message->kind, COMMS_KIND_LAST_ - 1);
}

void comms_tensor_copy(const struct comms_tensor *tensor, void *ret)
{
    size_t size = comms_type_bytes(tensor->type);
    unsigned char *to = ret;
    if (tensor->data && tensor->n > 0)
        memcpy(to, tensor->data, (size_t)tensor->n * size);
    for (size_t i = 0; i < tensor->n_pieces; i++) {
        size_t n_bytes = (size_t)tensor->pieces[i].n * size;
        memcpy(to, tensor->pieces[i].data, n_bytes);
        to += n_bytes;
    }
}

enum fl_status comms_message_bytes(const struct comms_message *message,
                                   int64_t *ret_bytes,
                                   struct fl_error *err)
{
    const struct comms_limits any = {.max_tensor_bytes = (size_t)1 << 48,
                                     .max_meta_bytes = COMMS_MAX_META_BYTES};
    size_t meta_bytes = 0;
    FL_TRY(comms_message_check(message, &any, FL_E_ARG, err));
    FL_TRY(comms_meta_encode(message, &any, COMMS_CUT_FRAMES, NULL, &meta_bytes,
                             err));
    int64_t bytes = COMMS_SEALED_BYTES + (int64_t)meta_bytes;
    for (size_t i = 0; i < message->n_tensors; i++)
        bytes += message->tensors[i].n *
                 (int64_t)comms_type_bytes(message->tensors[i].type);
    *ret_bytes = bytes;
    return FL_OK;
}
