/* Compiled with -mavx2 -mfma; runs only where the CPU has both. */
#define KERNELS      nn_kernels_avx2
#define KERNELS_NAME "avx2"
#define VECTOR_BYTES 32
#define MAX_ROWS     6 /* 6 * 2 sums, 2 of B, 1 of A: 15 of 16 registers */
#define MAX_SUMS     12

#include "nn/kernels/body_priv.h"
