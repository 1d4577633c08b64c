/* Random streams: Philox4x32-10 (Random123), counter-based.
 *
 * A stream is a key, nothing to carry around: (seed, purpose, a, b) names it,
 * e.g. (scenario seed, FL_RNG_SHUFFLE, client, round). Two streams with
 * different names are independent; the same name gives the same numbers on
 * every machine, in any order of use.
 *
 *     struct fl_rng rng = fl_rng_stream(seed, FL_RNG_DROPOUT, client, round);
 *     double u = fl_rng_uniform(&rng);
 *
 * Threads: a struct fl_rng belongs to one thread; there is no shared state.
 * Source Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

/* What a stream is for; the number is part of the stream's name, so rows are
 * only ever appended. */
enum fl_rng_purpose {
    FL_RNG_TEST = 0,
    FL_RNG_INIT,      /* initial model parameters */
    FL_RNG_PARTITION, /* samples to clients */
    FL_RNG_FLEET,     /* devices, links, zones to clients */
    FL_RNG_SELECT,    /* cohort of a round */
    FL_RNG_SHUFFLE,   /* order of samples in an epoch */
    FL_RNG_DROPOUT,   /* dropout masks */
    FL_RNG_GLYPHS,    /* generated data: writers and drawings */
    FL_RNG_LOCAL,     /* which clients the local arm samples */
    FL_RNG_AUGMENT,   /* random crops and flips */
    FL_RNG_DRAWS,     /* points of uncertain facts */
    FL_RNG_FATE,      /* who drops out of a round, and when */
    FL_RNG_LAST_
};

struct fl_rng {
    uint32_t key[2];
    uint32_t counter[4];
    uint32_t block[4]; /* the current four words */
    uint32_t used;     /* words of block already given out; 4 = none left */
};

/* The stream named (seed, purpose, a, b); a and b are any 64-bit numbers,
 * by custom a = client id and b = round. Pure. */
struct fl_rng fl_rng_stream(uint64_t seed,
                            enum fl_rng_purpose purpose,
                            uint64_t a,
                            uint64_t b);

/* The next 32 bits of the stream. */
uint32_t fl_rng_u32(struct fl_rng *rng);
/* The next 64. */
uint64_t fl_rng_u64(struct fl_rng *rng);

/* Uniform in [0, 1), 53 bits. */
double fl_rng_uniform(struct fl_rng *rng);

/* Uniform in [0, n), without bias; n >= 1. */
uint64_t fl_rng_below(struct fl_rng *rng, uint64_t n);

/* Standard normal (Box-Muller, one value per call). */
double fl_rng_normal(struct fl_rng *rng);

/* Gamma(shape, 1), shape > 0 (Marsaglia and Tsang 2000). For small shapes use
 * the logarithm, which does not underflow. */
double fl_rng_log_gamma(struct fl_rng *rng, double shape);

/* A random permutation of 0 .. n-1 into ret_order (Fisher-Yates). */
void fl_rng_permutation(struct fl_rng *rng, int64_t n, int64_t *ret_order);

#endif
