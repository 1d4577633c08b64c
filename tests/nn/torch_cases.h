/* What is compared with PyTorch: every example of every layer, the models of
 * every fused step, every named model and a few lists more. Nothing is listed
 * twice: the tables of nn/registry.h are walked, and torch_reference.py builds
 * its networks from what torch_case_print says.
 *
 *     for (int i = 0; torch_case_init(&c, i); i++) {
 *         ...
 *         torch_case_fini(&c);
 *     }
 *
 * Numbers (parameters, inputs, labels) come from a hash that both sides
 * compute. Mistakes in the tables end the program with what is wrong.
 */
#ifndef TESTS_NN_TORCH_CASES_H
#define TESTS_NN_TORCH_CASES_H

#include "nn/model_priv.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct torch_case {
    char name[64]; /* "conv2d/3", "resnet8" */
    struct nn_model *model;
    int64_t n, n_in;  /* samples of a batch, numbers of a sample */
    int64_t n_tokens; /* inputs are tokens below it; 0: numbers in +-1 */
    bool sees_batch;
    int64_t macs; /* of a batch, forward */
    char *json;   /* one line */
    char id[17];  /* of that line: whether a reference is of this very case */
};

/* Case number `index`; false behind the last. Free: torch_case_fini. */
bool torch_case_init(struct torch_case *ret, int index);
void torch_case_fini(struct torch_case *c);

/* murmur3's finaliser of k and tag, as in torch_reference.py. */
uint32_t torch_hash(uint32_t tag, uint64_t k);
/* Uniform in +-1. */
double torch_number(uint32_t tag, uint64_t k);

/* ret [n_params] */
void torch_case_params(const struct torch_case *c, nn_real *ret);
/* ret_x [n, n_in], ret_labels [n] */
void torch_case_batch(const struct torch_case *c,
                      uint32_t tag,
                      nn_real *ret_x,
                      int32_t *ret_labels);

#endif
