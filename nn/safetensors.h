/* model.safetensors: a model's parameters for other programs, in PyTorch's
 * names and layout, so that torch.nn.Sequential of the same layers takes them
 * by load_state_dict.
 *
 * Ours are channels last: a convolution's weight [kh, kw, in, out] becomes
 * [out, in, kh, kw], a dense one [in, out] becomes [out, in], and where a dense
 * layer reads a flattened image its inputs go from (h, w, c) to (c, h, w).
 *
 * Format: 8 bytes little endian N, N bytes of JSON, the tensors one after the
 * other (https://github.com/huggingface/safetensors).
 */
#ifndef NN_SAFETENSORS_H
#define NN_SAFETENSORS_H

#include "nn/model.h"

/* In    params [n_params] of the model
 * Fails FL_E_IO, FL_E_NOMEM; no half-written file is left */
enum fl_status nn_safetensors_write(const struct nn_model *model,
                                    const nn_real *params,
                                    const char *path,
                                    struct fl_error *err) FL_NODISCARD;

/* The tensors alone, in file order: ret [n_params], must not alias params. */
void nn_safetensors_layout(const struct nn_model *model,
                           const nn_real *params,
                           nn_real *ret);

#endif
