/* The nets that the benchmarks train, and one net being trained.
 *
 *     struct bench_task task;
 *     status = bench_task_init(&task, bench_net_find("lenet5"), 10, 0, 0,
 *                              err);
 *     if (status == FL_OK)
 *         status = bench_task_measure(&task, 0.2, &step_s, err);
 *     bench_task_fini(&task);
 *
 * torch_nets.py builds the same nets in PyTorch under the same names.
 */
#ifndef BENCH_NETS_H
#define BENCH_NETS_H

#include "nn/train.h"

#include <stdio.h>

/* A model on an input. */
struct bench_net {
    const char *name;
    const char *model;
    struct nn_shape input;
    int64_t classes;
};

extern const struct bench_net bench_nets[]; /* ends with name == NULL */

/* NULL when there is none of this name. */
const struct bench_net *bench_net_find(const char *name);

/* Whether this build has the net's model. */
bool bench_net_is_here(const struct bench_net *net);

struct bench_task {
    const struct bench_net *net;
    struct nn_model *model;
    struct nn_workspace *ws;
    struct nn_optimizer_opts sgd;
    nn_real *fresh, *params, *velocity, *x;
    int32_t *labels;
    struct fl_rng rng;
    int64_t batch;
    int64_t n_params;
    double flop; /* of one sample's step */
};

/* Random samples and labels; lr is set here. Fails as nn_model_create_named and
 * nn_workspace_create do. Free: bench_task_fini, also after a failure. */
enum fl_status bench_task_init(struct bench_task *task,
                               const struct bench_net *net,
                               int64_t batch,
                               double momentum,
                               double weight_decay,
                               struct fl_error *err) FL_NODISCARD;
void bench_task_fini(struct bench_task *task);

/* Fresh parameters, no velocity, one step that is not counted. */
enum fl_status bench_task_restart(struct bench_task *task,
                                  struct fl_error *err) FL_NODISCARD;
enum fl_status bench_task_step(struct bench_task *task,
                               struct fl_error *err) FL_NODISCARD;

/* CPU seconds of one step: from a restart, at least one step and as many as
 * round_s seconds hold. */
enum fl_status bench_task_measure(struct bench_task *task,
                                  double round_s,
                                  double *ret_step_s,
                                  struct fl_error *err) FL_NODISCARD;

/* Prints comment lines, one per step of the plan: microseconds forward,
 * backward and of the optimiser (backward has it where a layer does both in
 * one), share of the peak; medians of rounds (odd) of about cpu_s seconds.
 * Fails as a training step does; FL_E_NOMEM. */
enum fl_status bench_layers_print(struct bench_task *task,
                                  size_t rounds,
                                  double cpu_s,
                                  double peak_flop_per_s,
                                  struct fl_error *err) FL_NODISCARD;

/* Answers lines until the input ends. A request is
 *
 *     NET BATCH MOMENTUM WEIGHT_DECAY SECONDS     or     peak SECONDS
 *
 * and its answer one line: "ok SAMPLES_PER_S N_PARAMS FLOP_PER_SAMPLE", "ok
 * FLOP_PER_S", "missing" for a net whose model this build lacks, or "error
 * TEXT". The first line says what answers: "ready OpenBLAS ... kernels ...".
 * Fails FL_E_IO when the answer finds no reader. */
enum fl_status
bench_serve(FILE *in, FILE *out, struct fl_error *err) FL_NODISCARD;

#endif
