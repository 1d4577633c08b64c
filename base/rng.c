#include "base/rng.h"

#include <assert.h>
#include <math.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wundef"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#include <Random123/philox.h>
#pragma GCC diagnostic pop

/* The key is (seed) and the upper counter words are the stream's name; the
 * lowest word counts blocks, so a stream holds 2^34 words. */
static struct fl_rng named(uint64_t seed, const uint32_t name[3])
{
    return (struct fl_rng){
        .key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
        .counter = {0, name[0], name[1], name[2]},
        .used = 4,
    };
}

static void refill(struct fl_rng *rng)
{
    philox4x32_ctr_t counter = {
        {rng->counter[0], rng->counter[1], rng->counter[2], rng->counter[3]}};
    philox4x32_key_t key = {{rng->key[0], rng->key[1]}};
    philox4x32_ctr_t out = philox4x32(counter, key);
    for (int i = 0; i < 4; i++)
        rng->block[i] = out.v[i];
    rng->counter[0]++;
    rng->used = 0;
}

/* (purpose, a, b) is 160 bits and the name has 96: it is mixed down by Philox
 * itself, keyed by the seed, in two chained blocks. */
struct fl_rng fl_rng_stream(uint64_t seed,
                            enum fl_rng_purpose purpose,
                            uint64_t a,
                            uint64_t b)
{
    assert((unsigned)purpose < FL_RNG_LAST_);
    philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    philox4x32_ctr_t name = {
        {(uint32_t)a, (uint32_t)(a >> 32), (uint32_t)purpose, 0x66656463u}};
    name = philox4x32(name, key);
    name.v[0] ^= (uint32_t)b;
    name.v[1] ^= (uint32_t)(b >> 32);
    name = philox4x32(name, key);
    uint32_t words[3] = {name.v[0], name.v[1], name.v[2]};
    uint64_t stream_seed = seed ^ name.v[3];
    return named(stream_seed, words);
}

uint32_t fl_rng_u32(struct fl_rng *rng)
{
    if (rng->used == 4)
        refill(rng);
    return rng->block[rng->used++];
}

uint64_t fl_rng_u64(struct fl_rng *rng)
{
    uint64_t low = fl_rng_u32(rng);
    return low | (uint64_t)fl_rng_u32(rng) << 32;
}

double fl_rng_uniform(struct fl_rng *rng)
{
    return (double)(fl_rng_u64(rng) >> 11) * 0x1p-53;
}

uint64_t fl_rng_below(struct fl_rng *rng, uint64_t n)
{
    assert(n >= 1);
    uint64_t limit = UINT64_MAX - UINT64_MAX % n; /* a multiple of n */
    uint64_t word;
    do {
        word = fl_rng_u64(rng);
    } while (word >= limit);
    return word % n;
}

double fl_rng_normal(struct fl_rng *rng)
{
    double u = 1.0 - fl_rng_uniform(rng); /* (0, 1] */
    double v = fl_rng_uniform(rng);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

/* Marsaglia and Tsang for shape >= 1. */
static double gamma_at_least_one(struct fl_rng *rng, double shape)
{
    double d = shape - 1.0 / 3.0;
    double c = 1.0 / sqrt(9.0 * d);
    for (;;) {
        double x = fl_rng_normal(rng);
        double v = 1.0 + c * x;
        if (v <= 0)
            continue;
        v = v * v * v;
        double u = 1.0 - fl_rng_uniform(rng);
        if (log(u) < 0.5 * x * x + d - d * v + d * log(v))
            return d * v;
    }
}

double fl_rng_log_gamma(struct fl_rng *rng, double shape)
{
    assert(shape > 0);
    if (shape >= 1)
        return log(gamma_at_least_one(rng, shape));
    /* Gamma(a) = Gamma(a + 1) * U^(1/a), in logarithms. */
    double log_u = log(1.0 - fl_rng_uniform(rng));
    return log(gamma_at_least_one(rng, shape + 1.0)) + log_u / shape;
}

void fl_rng_permutation(struct fl_rng *rng, int64_t n, int64_t *ret_order)
{
    for (int64_t i = 0; i < n; i++)
        ret_order[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = (int64_t)fl_rng_below(rng, (uint64_t)i + 1);
        int64_t kept = ret_order[i];
        ret_order[i] = ret_order[j];
        ret_order[j] = kept;
    }
}
