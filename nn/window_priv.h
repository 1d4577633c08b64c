/* What layers share whose windows slide over an image and its border of zeros:
 * options and sizes. */
#ifndef NN_WINDOW_PRIV_H
#define NN_WINDOW_PRIV_H

#include "nn/layer.h"

/* Rows of a layer's table whose opts are a `type` with members of these names.
 */
#define NN_WINDOW_ROWS(type)                                                   \
    {.key = "kernel",                                                          \
     .kind = FL_PARAM_INT,                                                     \
     .offset = offsetof(type, kernel),                                         \
     .min = 1,                                                                 \
     .max = 255,                                                               \
     .required = true,                                                         \
     .doc = "Height and width of the window."},                                \
        {.key = "stride",                                                      \
         .kind = FL_PARAM_INT,                                                 \
         .offset = offsetof(type, stride),                                     \
         .min = 1,                                                             \
         .max = 255,                                                           \
         .def = "1",                                                           \
         .doc = "Step from window to window."},                                \
        {.key = "padding",                                                     \
         .kind = FL_PARAM_INT,                                                 \
         .offset = offsetof(type, padding),                                    \
         .min = 0,                                                             \
         .max = 255,                                                           \
         .def = "0",                                                           \
         .doc = "Zeros added on each side; (kernel - 1) / 2 keeps the size."}, \
    {                                                                          \
        .key = "bias", .kind = FL_PARAM_BOOL, .offset = offsetof(type, bias),  \
        .def = "true",                                                         \
        .doc = "Whether to add a trained number to each channel."              \
    }

/* How many windows fit along a side that is long enough for one. */
static inline int64_t
nn_windows(int64_t size, int64_t kernel, int64_t stride, int64_t padding)
{
    return (size + 2 * padding - kernel) / stride + 1;
}

#endif
