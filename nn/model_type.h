/* The model plug-in: a named list of layers, as a user would write it.
 * One file in nn/models/ and one row in models.def add a model. */
#ifndef NN_MODEL_TYPE_H
#define NN_MODEL_TYPE_H

#include "nn/shape.h"

struct nn_model_type {
    const char *name;
    const char *doc;  /* one sentence, with its source */
    const char *yaml; /* a document {layers: [...]}; `classes` is a number */
    /* What it was made for, and what tests and benchmarks give it. */
    struct nn_shape example;
    int64_t example_classes;
};

#endif
