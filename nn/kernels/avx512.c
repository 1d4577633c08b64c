/* Compiled with -mavx512f -mfma; runs only where the CPU has it. */
#define KERNELS      nn_kernels_avx512
#define KERNELS_NAME "avx512"
#define VECTOR_BYTES 64
#define MAX_ROWS     14 /* 14 * 2 sums, 2 of B: 30 of 32 registers */
#define MAX_SUMS     24

#include "nn/kernels/body_priv.h"
