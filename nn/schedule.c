#include "nn/schedule.h"

#include <math.h>
#include <stddef.h>

static const double pi = 3.14159265358979323846;

const char *const nn_schedule_names[NN_SCHEDULE_LAST_ + 1] = {
    [NN_SCHEDULE_CONSTANT] = "constant",       [NN_SCHEDULE_STEP] = "step",
    [NN_SCHEDULE_EXPONENTIAL] = "exponential", [NN_SCHEDULE_COSINE] = "cosine",
    [NN_SCHEDULE_LINEAR] = "linear",           [NN_SCHEDULE_LAST_] = NULL,
};

double nn_schedule_lr(const struct nn_schedule *schedule,
                      double lr,
                      int64_t at,
                      int64_t total)
{
    const struct nn_schedule *s = schedule;
    if (at < s->warmup) {
        double done = (double)at / (double)s->warmup;
        return lr * (s->warmup_start + (1 - s->warmup_start) * done);
    }
    int64_t t = at - s->warmup;
    double done = t > 0 ? (double)t / (double)(total - s->warmup) : 0;
    switch (s->kind) {
    case NN_SCHEDULE_STEP:
        return lr * pow(s->gamma, (double)(t / s->every));
    case NN_SCHEDULE_EXPONENTIAL:
        return lr * pow(s->gamma, (double)t);
    case NN_SCHEDULE_COSINE:
        return s->min_lr + (lr - s->min_lr) * (1 + cos(pi * done)) / 2;
    case NN_SCHEDULE_LINEAR:
        return lr * (1 + (s->end_ratio - 1) * done);
    case NN_SCHEDULE_CONSTANT:
    case NN_SCHEDULE_LAST_:
        break;
    }
    return lr;
}
