/* Which table of our own kernels computes: the best of this CPU, or one by
 * name (for tests, for valgrind, for processes on CPUs of several kinds).
 *
 *     FL_TRY(nn_kernels_find("avx2", &kernels, err));
 *     nn_workspace_use_kernels(ws, kernels);
 */
#ifndef NN_KERNELS_H
#define NN_KERNELS_H

#include "base/status.h"

struct nn_kernels; /* opaque: a table */
struct nn_workspace;

/* name: "avx512", "avx2", "portable"; NULL = the best of this CPU.
 * Fails FL_E_CONFIG: not one of those, or this CPU cannot run it. */
enum fl_status nn_kernels_find(const char *name,
                               const struct nn_kernels **ret,
                               struct fl_error *err) FL_NODISCARD;
const char *nn_kernels_name(const struct nn_kernels *kernels);

/* Before the first step on this workspace. */
void nn_workspace_use_kernels(struct nn_workspace *ws,
                              const struct nn_kernels *kernels);

#endif
