#include "coordinator/evaluation.h"

#include "base/alloc.h"

#include <math.h>

/* A slice is what can be handed out at least: some blocks. */
#define SLICE (2 * COMMS_SCORE_BLOCK)

enum fl_status coord_evaluation_init(struct coord_evaluation *evaluation,
                                     const struct coord_run *run,
                                     uint32_t arm,
                                     struct fl_error *err)
{
    int64_t n = run->task.test_samples;
    *evaluation = (struct coord_evaluation){
        .job = {.kind = COMMS_EVALUATE, .arm = arm, .slice = SLICE, .limit = n},
        .n_scores = (size_t)((n + COMMS_SCORE_BLOCK - 1) / COMMS_SCORE_BLOCK),
    };
    evaluation->scores =
        fl_calloc(evaluation->n_scores, sizeof *evaluation->scores);
    if (!evaluation->scores)
        return fl_fail(err, FL_E_NOMEM, "out of memory: evaluation");
    return FL_OK;
}

void coord_evaluation_fini(struct coord_evaluation *evaluation)
{
    coord_job_fini(&evaluation->job);
    fl_free(evaluation->scores);
    evaluation->scores = NULL;
}

static enum fl_status on_part(struct coord_job *job,
                              const struct comms_message *message,
                              struct fl_error *err)
{
    struct coord_evaluation *evaluation = job->owner;
    const struct comms_partial *partial = &message->u.partial;
    for (size_t i = 0; i < partial->n_scores; i++) {
        const struct comms_score *score = &partial->scores[i];
        int64_t block = score->step / COMMS_SCORE_BLOCK;
        if (score->step < 0 || score->step % COMMS_SCORE_BLOCK != 0 ||
            (size_t)block >= evaluation->n_scores || score->n < 1 ||
            score->n > COMMS_SCORE_BLOCK || score->correct < 0 ||
            score->correct > score->n || isnan(score->loss_sum))
            return fl_fail(err, FL_E_FORMAT,
                           "evaluation: an impossible score of sample %lld",
                           (long long)score->step);
        evaluation->scores[block] = *score;
    }
    return FL_OK;
}

static enum fl_status on_done(struct coord_job *job, struct fl_error *err)
{
    struct coord_evaluation *evaluation = job->owner;
    int64_t n = 0, correct = 0;
    double loss_sum = 0;
    for (size_t i = 0; i < evaluation->n_scores; i++) {
        n += evaluation->scores[i].n;
        correct += evaluation->scores[i].correct;
        loss_sum += evaluation->scores[i].loss_sum;
    }
    if (n != job->limit)
        return fl_fail(err, FL_E_FORMAT,
                       "evaluation: %lld scored samples, expected %lld",
                       (long long)n, (long long)job->limit);
    return evaluation->on_scored(evaluation->owner, (double)correct / (double)n,
                                 loss_sum / (double)n, err);
}

static const struct coord_job_ops ops = {.on_part = on_part,
                                         .on_done = on_done};

enum fl_status coord_evaluation_start(struct coord_evaluation *evaluation,
                                      struct coord_run *run,
                                      struct coord_vector *model,
                                      int64_t version,
                                      struct fl_error *err)
{
    struct coord_job *job = &evaluation->job;
    size_t n = (size_t)((job->limit + SLICE - 1) / SLICE);
    struct coord_item *items = fl_calloc(n, sizeof *items);
    if (!items)
        return fl_fail(err, FL_E_NOMEM, "out of memory: evaluation");
    for (size_t i = 0; i < n; i++)
        items[i] =
            (struct coord_item){.id = (int64_t)i * SLICE,
                                .cost_flop = coord_evaluate_flop(run, SLICE)};
    for (size_t i = 0; i < evaluation->n_scores; i++)
        evaluation->scores[i] = (struct comms_score){0};
    job->model = model;
    job->model_version = version;
    job->round = version;
    job->ops = &ops;
    job->owner = evaluation;
    enum fl_status status = coord_job_set_items(job, items, n, err);
    fl_free(items);
    if (status == FL_OK)
        status = coord_dispatch_submit(run->dispatch, job, err);
    return status;
}
