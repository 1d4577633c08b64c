/* Whether a result is an answer to what its sender was asked: nothing that it
 * says is believed, and each number of it belongs to that task alone. */
#include "base/exact.h"
#include "coordinator/dispatch_priv.h"

/* One vector of the model's size and of this type in each tensor. */
static bool are_vectors(const struct coord_dispatch *dispatch,
                        const struct comms_message *message,
                        enum comms_type type)
{
    for (size_t i = 0; i < message->n_tensors; i++)
        if (message->tensors[i].type != type ||
            message->tensors[i].n != dispatch->opts.n_params)
            return false;
    return true;
}

/* The clients of the task, in its order. */
static bool are_its_clients(const struct coord_errand *errand,
                            const struct comms_partial *partial)
{
    if (partial->n_clients != errand->n)
        return false;
    for (size_t i = 0; i < errand->n; i++)
        if (partial->clients[i].client != errand->items[i].id)
            return false;
    return true;
}

/* The blocks of the task's samples, in their order. */
static bool are_its_blocks(const struct coord_errand *errand,
                           const struct comms_partial *partial)
{
    const struct coord_job *job = errand->job;
    int64_t at = errand->items[0].id;
    int64_t end = errand->items[errand->n - 1].id + job->slice;
    end = end < job->limit ? end : job->limit;
    for (size_t i = 0; i < partial->n_scores; i++) {
        const struct comms_score *score = &partial->scores[i];
        int64_t left = end - at;
        if (left <= 0 || score->step != at ||
            score->n != (left < COMMS_SCORE_BLOCK ? left : COMMS_SCORE_BLOCK))
            return false;
        at += score->n;
    }
    return at == end;
}

static bool fits_kind(const struct coord_dispatch *dispatch,
                      const struct coord_errand *errand,
                      const struct comms_message *message)
{
    const struct comms_partial *partial = &message->u.partial;
    if (errand->is_collect)
        return message->n_tensors == 1 &&
               are_vectors(dispatch, message, COMMS_I64);
    if (!are_vectors(dispatch, message, COMMS_F32))
        return false;
    switch (errand->job->kind) {
    case COMMS_TRAIN:
    case COMMS_LOCAL:
        return are_its_clients(errand, partial);
    case COMMS_EVALUATE:
        return are_its_blocks(errand, partial);
    default:
        return true;
    }
}

bool coord_sum_merge(int64_t *acc_sum, const struct comms_tensor *sum)
{
    for (size_t i = 0; i < sum->n_pieces; i++) {
        const struct comms_piece *piece = &sum->pieces[i];
        if (!fl_exact_merge(acc_sum, piece->data, (size_t)piece->n))
            return false;
        acc_sum += piece->n;
    }
    return true;
}

bool coord_dispatch_is_answer(const struct coord_dispatch *dispatch,
                              const struct coord_errand *errand,
                              const struct comms_message *message)
{
    const struct comms_partial *partial = &message->u.partial;
    const struct coord_job *job = errand->job;
    enum comms_task_kind kind = errand->is_collect ? COMMS_COLLECT : job->kind;
    if (partial->task_id != errand->id || partial->kind != kind ||
        partial->arm != job->arm || partial->round != job->round)
        return false;
    if (partial->failure && partial->failure[0])
        return true;
    return fits_kind(dispatch, errand, message);
}
