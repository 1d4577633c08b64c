/* model.safetensors: a model's parameters for other programs and from them, in
 * PyTorch's names and layout, so that torch.nn.Sequential of the same layers
 * takes them by load_state_dict, and its state_dict trains on here.
 *
 * Ours are channels last: a convolution's weight [kh, kw, in, out] becomes
 * [out, in, kh, kw], a dense one [in, out] becomes [out, in], and where a dense
 * layer or a norm reads a flattened image its inputs go from (h, w, c) to
 * (c, h, w). (A groupnorm of several groups behind a flatten has no counterpart
 * there: its groups are others.)
 *
 *     FL_TRY(nn_safetensors_write(model, params, "model.safetensors", err));
 *     FL_TRY(nn_safetensors_read(model, "model.safetensors", params, err));
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

/* Parameters from a file that has exactly the model's tensors, by name: F32, or
 * F16, BF16 and F64 which are converted. PyTorch's num_batches_tracked are
 * passed over; any other tensor too many or too few is a mistake.
 * Out   ret_params [n_params], written only on FL_OK
 * Fails FL_E_IO; FL_E_FORMAT not such a file, tensors missing, unknown (all by
 *       name) or of another shape or type, overlapping or past the file's end;
 *       FL_E_NUMERIC a number that is NaN or infinite, or is too large for
 *       float; FL_E_NOMEM */
enum fl_status nn_safetensors_read(const struct nn_model *model,
                                   const char *path,
                                   nn_real *ret_params,
                                   struct fl_error *err) FL_NODISCARD;
/* The same from memory; where names it in errors. */
enum fl_status nn_safetensors_parse(const struct nn_model *model,
                                    const char *where,
                                    const uint8_t *bytes,
                                    size_t n_bytes,
                                    nn_real *ret_params,
                                    struct fl_error *err) FL_NODISCARD;

/* The tensors alone, in file order: ret [n_params], must not alias params. */
void nn_safetensors_layout(const struct nn_model *model,
                           const nn_real *params,
                           nn_real *ret);

#endif
