/* For any CPU, and for double precision (tests). */
#define KERNELS      nn_kernels_portable
#define KERNELS_NAME "portable"
#define VECTOR_BYTES 16
#define MAX_ROWS     6
#define MAX_SUMS     12

#include "nn/kernels/body_priv.h"
