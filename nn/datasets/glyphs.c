/* glyphs: handwriting-like digits that need no download. Each writer has a way
 * to write each digit (one of three skeletons, with habits of his own), a
 * slant, a width, a size, a pen and an amount of noise; each drawing differs a
 * little. 28x28, ink on 0, like MNIST. Groups are the writers; the test split
 * is by other writers than the training split.
 *
 * Everything follows from the seed, drawing by drawing: drawing d of writer w
 * is the same whatever the other options are. */
#include "nn/dataset_type.h"

#include "base/alloc.h"
#include "nn/readers/glyph_priv.h"

struct options {
    int64_t writers;
    int64_t samples_per_writer;
    int64_t test_writers;
};

enum { SAMPLE_BYTES = NN_GLYPH_SIDE * NN_GLYPH_SIDE };

/* More would not fit the memory of the machines this is for (4 GB). */
#define MAX_DRAWINGS 5000000

/* Ids of test writers start here, so that they do not depend on how many
 * training writers there are. */
#define FIRST_TEST_WRITER ((uint64_t)1 << 32)

/* Streams of a writer's shuffled digits start here; drawings use 1, 2, .. */
#define FIRST_DECK ((uint64_t)1 << 32)

static const struct fl_param params[] = {
    {.key = "writers",
     .kind = FL_PARAM_INT,
     .offset = offsetof(struct options, writers),
     .min = 1,
     .max = 1000000,
     .def = "100",
     .doc = "writers of the training split"},
    {.key = "samples_per_writer",
     .kind = FL_PARAM_INT,
     .offset = offsetof(struct options, samples_per_writer),
     .min = 1,
     .max = 100000,
     .def = "100",
     .doc = "drawings by each writer, all ten digits in turn"},
    {.key = "test_writers",
     .kind = FL_PARAM_INT,
     .offset = offsetof(struct options, test_writers),
     .min = 1,
     .max = 1000000,
     .def = "20",
     .doc = "other writers, of the test split"},
    {0},
};

static void draw_writer(uint64_t seed,
                        uint64_t id,
                        int64_t samples,
                        uint8_t *pixels,
                        uint8_t *labels)
{
    struct nn_glyph_writer writer;
    int64_t deck[NN_GLYPH_CLASSES];
    nn_glyph_writer_init(&writer, seed, id);
    for (int64_t s = 0; s < samples; s++) {
        if (s % NN_GLYPH_CLASSES == 0) {
            uint64_t turn = (uint64_t)(s / NN_GLYPH_CLASSES);
            struct fl_rng shuffle =
                fl_rng_stream(seed, FL_RNG_GLYPHS, id, FIRST_DECK + turn);
            fl_rng_permutation(&shuffle, NN_GLYPH_CLASSES, deck);
        }
        labels[s] = (uint8_t)deck[s % NN_GLYPH_CLASSES];
        struct fl_rng rng =
            fl_rng_stream(seed, FL_RNG_GLYPHS, id, (uint64_t)s + 1);
        nn_glyph_draw(&writer, labels[s], &rng, pixels + s * SAMPLE_BYTES);
    }
}

static enum fl_status draw_split(uint64_t seed,
                                 uint64_t first_id,
                                 int64_t writers,
                                 int64_t samples,
                                 const struct nn_dataset_job *job,
                                 struct nn_raw_split *ret,
                                 struct fl_error *err)
{
    int64_t n = writers * samples;
    size_t rested = 0;
    FL_TRY(nn_raw_take_pixels(job, ret, (size_t)n * SAMPLE_BYTES, err));
    ret->labels = fl_calloc((size_t)n, 1);
    ret->groups = fl_calloc((size_t)n, sizeof *ret->groups);
    if (!ret->labels || !ret->groups)
        return fl_fail(err, FL_E_NOMEM,
                       "data set 'glyphs': out of memory for %lld drawings",
                       (long long)n);
    ret->n = n;
    ret->n_groups = writers;
    for (int64_t w = 0; w < writers; w++) {
        int64_t at = w * samples;
        draw_writer(seed, first_id + (uint64_t)w, samples,
                    ret->pixels + at * SAMPLE_BYTES, ret->labels + at);
        for (int64_t s = 0; s < samples; s++)
            ret->groups[at + s] = (int32_t)w;
        size_t drawn = (size_t)(at + samples) * SAMPLE_BYTES;
        if (drawn - rested < NN_PIXELS_PIECE)
            continue;
        nn_raw_rest_pixels(ret, rested, drawn);
        rested = drawn;
    }
    return FL_OK;
}

static enum fl_status decode(const void *opts,
                             const struct nn_dataset_job *job,
                             struct nn_raw *ret,
                             struct fl_error *err)
{
    const struct options *o = opts;
    int64_t drawings = (o->writers + o->test_writers) * o->samples_per_writer;
    if (drawings > MAX_DRAWINGS)
        return fl_fail(err, FL_E_CONFIG,
                       "data set 'glyphs': (writers + test_writers) * "
                       "samples_per_writer = %lld drawings, allowed %d",
                       (long long)drawings, MAX_DRAWINGS);
    uint64_t seed = nn_dataset_seed(job);
    ret->shape = (struct nn_shape){3, {NN_GLYPH_SIDE, NN_GLYPH_SIDE, 1}};
    ret->classes = NN_GLYPH_CLASSES;
    FL_TRY(draw_split(seed, 0, o->writers, o->samples_per_writer, job,
                      &ret->train, err));
    return draw_split(seed, FIRST_TEST_WRITER, o->test_writers,
                      o->samples_per_writer, job, &ret->test, err);
}

const struct nn_dataset_type nn_dataset_glyphs = {
    .name = "glyphs",
    .doc = "handwriting-like digits of any number of writers, drawn from the "
           "seed, 28x28; needs no files",
    .how_to_get = "nothing to get: it is generated",
    .params = params,
    .opts_size = sizeof(struct options),
    .version = 1,
    .decode = decode,
};
