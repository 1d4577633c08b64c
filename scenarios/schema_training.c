/* The rows of `train`. */
#include "scenarios/schema_priv.h"

#include <stddef.h>

/* The words of train.arms, in the order of enum scn_arm. */
static const char *const arm_names[] = {
    [SCN_FEDERATED] = "federated",
    [SCN_CENTRALIZED] = "centralized",
    [SCN_LOCAL] = "local",
    [SCN_ARM_LAST_] = NULL,
};
_Static_assert(sizeof arm_names / sizeof arm_names[0] == SCN_ARM_LAST_ + 1,
               "every arm needs a name");

const char *scn_arm_name(enum scn_arm arm)
{
    return (unsigned)arm < SCN_ARM_LAST_ ? arm_names[arm] : "unknown";
}

/* Schedules */

#define SCHEDULE(member) offsetof(struct scn_raw_schedule, member)

/* What a kind does not use must not be given: no defaults here. */
static const struct fl_param schedule_params[] = {
    {.key = "kind",
     .kind = FL_PARAM_ENUM,
     .offset = SCHEDULE(kind),
     .choices = nn_schedule_names,
     .def = "constant",
     .doc = "How lr changes, as PyTorch's StepLR, ExponentialLR, "
            "CosineAnnealingLR and LinearLR."},
    {.key = "every",
     .kind = FL_PARAM_INT,
     .offset = SCHEDULE(every),
     .min = 1,
     .max = 1e6,
     .doc = "step: how long lr stays, then times gamma. Must be given."},
    {.key = "gamma",
     .kind = FL_PARAM_DOUBLE,
     .offset = SCHEDULE(gamma),
     .max = 10,
     .min_open = true,
     .doc = "step, exponential: factor of lr. Must be given."},
    {.key = "min_lr",
     .kind = FL_PARAM_DOUBLE,
     .offset = SCHEDULE(min_lr),
     .max = 10,
     .doc = "cosine: where lr would arrive one step after the last. Not given: "
            "0."},
    {.key = "end_ratio",
     .kind = FL_PARAM_DOUBLE,
     .offset = SCHEDULE(end_ratio),
     .max = 100,
     .doc = "linear: the same, as a part of lr. Not given: 0."},
    {.key = "warmup",
     .kind = FL_PARAM_INT,
     .offset = SCHEDULE(warmup),
     .max = 1e6,
     .def = "0",
     .doc = "Before all that, lr rises to its value for so long, in a "
            "straight line."},
    {.key = "warmup_start",
     .kind = FL_PARAM_DOUBLE,
     .offset = SCHEDULE(warmup_start),
     .max = 1,
     .min_open = true,
     .doc = "With warmup: the first part of lr. Not given: 1/3."},
    {0},
};

/* Training on one machine */

#define TRAINING(member) offsetof(struct scn_raw_training, member)

/* Defaults depend on the optimiser and on train.local: scenario_training.c has
 * them. DOC(own sentence, key) words a row for its section. */
#define OPTIMIZER_ROWS(DOC)                                                    \
    {.key = "optimizer",                                                       \
     .kind = FL_PARAM_ENUM,                                                    \
     .offset = TRAINING(optimizer),                                            \
     .choices = nn_optimizer_names,                                            \
     .doc = DOC("As PyTorch's SGD, Adam or AdamW. Not given: sgd.",            \
                "optimizer")},                                                 \
        {.key = "lr",                                                          \
         .kind = FL_PARAM_DOUBLE,                                              \
         .offset = TRAINING(opts.lr),                                          \
         .max = 10,                                                            \
         .min_open = true,                                                     \
         .doc = DOC("Learning rate. Not given: 0.05 of sgd, 0.001 of adam "    \
                    "and adamw.",                                              \
                    "lr")},                                                    \
        {.key = "momentum",                                                    \
         .kind = FL_PARAM_DOUBLE,                                              \
         .offset = TRAINING(opts.momentum),                                    \
         .max = 1,                                                             \
         .max_open = true,                                                     \
         .doc = DOC("sgd: momentum. Not given: 0.", "momentum")},              \
        {.key = "dampening",                                                   \
         .kind = FL_PARAM_DOUBLE,                                              \
         .offset = TRAINING(opts.dampening),                                   \
         .max = 1,                                                             \
         .doc = DOC("sgd: of momentum. Not given: 0.", "dampening")},          \
        {.key = "nesterov",                                                    \
         .kind = FL_PARAM_BOOL,                                                \
         .offset = TRAINING(opts.is_nesterov),                                 \
         .doc =                                                                \
             DOC("sgd: Nesterov's momentum. Not given: false.", "nesterov")},  \
        {.key = "beta1",                                                       \
         .kind = FL_PARAM_DOUBLE,                                              \
         .offset = TRAINING(opts.beta1),                                       \
         .max = 1,                                                             \
         .max_open = true,                                                     \
         .doc = DOC("adam, adamw: share of the mean that stays. Not given: "   \
                    "0.9.",                                                    \
                    "beta1")},                                                 \
        {.key = "beta2",                                                       \
         .kind = FL_PARAM_DOUBLE,                                              \
         .offset = TRAINING(opts.beta2),                                       \
         .max = 1,                                                             \
         .max_open = true,                                                     \
         .doc = DOC("adam, adamw: share of the mean square that stays. Not "   \
                    "given: 0.999.",                                           \
                    "beta2")},                                                 \
        {.key = "eps",                                                         \
         .kind = FL_PARAM_DOUBLE,                                              \
         .offset = TRAINING(opts.eps),                                         \
         .max = 1,                                                             \
         .min_open = true,                                                     \
         .doc = DOC("adam, adamw: added to the root of the mean square. Not "  \
                    "given: 1e-8.",                                            \
                    "eps")},                                                   \
        {.key = "weight_decay",                                                \
         .kind = FL_PARAM_DOUBLE,                                              \
         .offset = TRAINING(opts.weight_decay),                                \
         .max = 1,                                                             \
         .doc = DOC("sgd, adam: times the parameter, added to the gradient; "  \
                    "adamw: times lr, taken off the parameter. Not given: 0 "  \
                    "of sgd and adam, 0.01 of adamw.",                         \
                    "weight_decay")},                                          \
        {.key = "clip_norm",                                                   \
         .kind = FL_PARAM_DOUBLE,                                              \
         .offset = TRAINING(opts.clip_norm),                                   \
         .max = 1e6,                                                           \
         .doc = DOC("Largest norm of a step's whole gradient; 0: any. Not "    \
                    "given: 0.",                                               \
                    "clip_norm")},                                             \
    {                                                                          \
        .key = "clip_value", .kind = FL_PARAM_DOUBLE,                          \
        .offset = TRAINING(opts.clip_value), .max = 1e6,                       \
        .doc = DOC("Largest size of a number in it, before the norm is "       \
                   "taken; 0: any. Not given: 0.",                             \
                   "clip_value")                                               \
    }

#define LOCAL_DOC(doc, key) doc
#define ARM_DOC(doc, key)                                                      \
    "Not given: train.local." key ", or " key "'s default where the "          \
    "optimizer is another one."

static const struct fl_param local_params[] = {
    {.key = "epochs",
     .kind = FL_PARAM_INT,
     .offset = TRAINING(epochs),
     .min = 1,
     .max = 10000,
     .def = "1",
     .doc = "Passes over the client's data in a round."},
    {.key = "batch",
     .kind = FL_PARAM_INT,
     .offset = TRAINING(batch),
     .min = 1,
     .max = 65536,
     .def = "32",
     .doc = "Samples in a step."},
    OPTIMIZER_ROWS(LOCAL_DOC),
    {.key = "schedule",
     .kind = FL_PARAM_SECTION,
     .offset = TRAINING(schedule),
     .section = schedule_params,
     .doc = "How lr changes from round to round, out of train.rounds."},
    {0},
};

static const struct fl_param arm_stop_params[] = {
    {.key = "accuracy",
     .kind = FL_PARAM_DOUBLE,
     .max = 1,
     .doc = "Target of this arm alone; 0: train all epochs. Not given: "
            "train.stop.accuracy."},
    {0},
};

#define ARM_ROWS                                                               \
    {.key = "epochs",                                                          \
     .kind = FL_PARAM_INT,                                                     \
     .offset = TRAINING(epochs),                                               \
     .min = 1,                                                                 \
     .max = 10000,                                                             \
     .def = "10",                                                              \
     .doc = "Passes over the data at most."},                                  \
        {.key = "batch",                                                       \
         .kind = FL_PARAM_INT,                                                 \
         .offset = TRAINING(batch),                                            \
         .min = 1,                                                             \
         .max = 65536,                                                         \
         .doc = "Not given: train.local.batch."},                              \
        OPTIMIZER_ROWS(ARM_DOC),                                               \
        {.key = "schedule",                                                    \
         .kind = FL_PARAM_SECTION,                                             \
         .offset = TRAINING(schedule),                                         \
         .section = schedule_params,                                           \
         .doc = "How lr changes from epoch to epoch, out of epochs. Not "      \
                "taken from train.local, which counts rounds."},               \
    {                                                                          \
        .key = "stop", .kind = FL_PARAM_SECTION, .offset = TRAINING(stop),     \
        .section = arm_stop_params, .doc = "When to stop before that."         \
    }

static const struct fl_param centralized_training_params[] = {
    ARM_ROWS,
    {0},
};

static const struct fl_param alone_params[] = {
    ARM_ROWS,
    {.key = "clients",
     .kind = FL_PARAM_INT,
     .offset = TRAINING(clients),
     .max = 1e7,
     .def = "0",
     .doc = "Train only so many clients, drawn by the seed; 0: all of them."},
    {.key = "evaluate_every",
     .kind = FL_PARAM_INT,
     .offset = TRAINING(evaluate_every),
     .min = 1,
     .max = 10000,
     .def = "5",
     .doc = "Score a client's model on the test set after so many epochs, and "
            "after the last."},
    {0},
};

/* The whole section */

static const struct fl_param stop_params[] = {
    {.key = "accuracy",
     .kind = FL_PARAM_DOUBLE,
     .max = 1,
     .def = "0",
     .doc = "Test accuracy (0..1) at which an arm is done, so that arms are "
            "compared at equal accuracy; 0: never."},
    {0},
};

#define TRAIN(member) offsetof(struct scn_raw_train, member)
const struct fl_param scn_train_params[] = {
    {.key = "arms",
     .kind = FL_PARAM_ENUMS,
     .offset = TRAIN(arms),
     .choices = arm_names,
     .def = "federated",
     .doc = "Which ways of training to run: together, all data in one place, "
            "each client alone."},
    {.key = "initial_model",
     .kind = FL_PARAM_STRING,
     .offset = TRAIN(initial_model),
     .is_whereabouts = true,
     .doc = "A .safetensors file (a run's model.safetensors, or PyTorch's) "
            "that every arm starts from, relative to the scenario's folder (in "
            "--set to the current one). Not given: drawn by the seed."},
    {.key = "initial_model_sha256",
     .kind = FL_PARAM_STRING,
     .offset = TRAIN(initial_model_sha256),
     .doc = "SHA-256 that the file has to have; filled in when resolved."},
    {.key = "strategy",
     .kind = FL_PARAM_NODE,
     .offset = TRAIN(strategy),
     .def = "fedavg",
     .doc = "How updates become the next model: a name (`fedcarbon list "
            "strategies`), or {kind: name, ...} with its options."},
    {.key = "selection",
     .kind = FL_PARAM_NODE,
     .offset = TRAIN(selection),
     .def = "uniform",
     .doc = "Who takes part in a round: a name, or {kind: name, ...} with its "
            "options."},
    {.key = "clients_per_round",
     .kind = FL_PARAM_INT,
     .offset = TRAIN(clients_per_round),
     .min = 1,
     .max = 1e7,
     .def = "10",
     .doc = "How many clients take part in a round."},
    {.key = "over_selection_ratio",
     .kind = FL_PARAM_DOUBLE,
     .offset = TRAIN(over_selection_ratio),
     .min = 1,
     .max = 1e3,
     .def = "1",
     .doc = "Clients that are selected for each one that is wanted; a round "
            "ends with the first clients_per_round that are through, and what "
            "the others have done by then is wasted."},
    {.key = "drop_out_ratio",
     .kind = FL_PARAM_DOUBLE,
     .offset = TRAIN(drop_out_ratio),
     .min = 0,
     .max = 1,
     .max_open = true,
     .def = "0",
     .doc = "Probability that a selected client drops out of a round, at some "
            "moment of its work, which is wasted."},
    {.key = "timeout_s",
     .kind = FL_PARAM_DOUBLE,
     .offset = TRAIN(timeout_s),
     .min = 0,
     .max = 1e9,
     .def = "0",
     .unit = "s",
     .doc = "A round ends after that long at the latest, without those who "
            "are not through; 0: it waits for all that are wanted."},
    {.key = "rounds",
     .kind = FL_PARAM_INT,
     .offset = TRAIN(rounds),
     .min = 1,
     .max = 1e6,
     .def = "100",
     .doc = "Rounds of the federated arm at most."},
    {.key = "evaluate_every",
     .kind = FL_PARAM_INT,
     .offset = TRAIN(evaluate_every),
     .min = 1,
     .max = 1e6,
     .def = "1",
     .doc = "Rounds between tests of the global model; the last is always "
            "tested."},
    {.key = "stop",
     .kind = FL_PARAM_SECTION,
     .offset = TRAIN(stop),
     .section = stop_params,
     .doc = "When to stop before that, for every arm."},
    {.key = "local",
     .kind = FL_PARAM_SECTION,
     .offset = TRAIN(local),
     .section = local_params,
     .doc = "What a client does in a round of the federated arm."},
    {.key = "centralized",
     .kind = FL_PARAM_SECTION,
     .offset = TRAIN(centralized),
     .section = centralized_training_params,
     .doc = "Training of the centralized arm."},
    {.key = "alone",
     .kind = FL_PARAM_SECTION,
     .offset = TRAIN(alone),
     .section = alone_params,
     .doc = "Training of the local arm: each client on its own data only."},
    {0},
};
