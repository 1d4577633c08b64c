#include "nn/augment.h"

#include "nn/dataset_priv.h"

#include <assert.h>
#include <string.h>

static void
fill(const float *blank, int64_t pixels, int64_t channels, float *ret)
{
    for (int64_t i = 0; i < pixels; i++)
        for (int64_t c = 0; c < channels; c++)
            *ret++ = blank[c];
}

/* A row of w pixels shifted to the left by `right`; from may be to. */
static void shift_row(const float *from,
                      int64_t w,
                      int64_t channels,
                      int64_t right,
                      const float *blank,
                      float *to)
{
    int64_t skipped = right > 0 ? right : 0, before = right < 0 ? -right : 0;
    int64_t kept = w - skipped - before;
    if (kept <= 0) {
        fill(blank, w, channels, to);
        return;
    }
    memmove(to + before * channels, from + skipped * channels,
            (size_t)(kept * channels) * sizeof *to);
    fill(blank, before, channels, to);
    fill(blank, skipped, channels, to + (before + kept) * channels);
}

static void mirror_row(int64_t w, int64_t channels, float *row)
{
    for (int64_t a = 0, b = w - 1; a < b; a++, b--)
        for (int64_t c = 0; c < channels; c++) {
            float kept = row[a * channels + c];
            row[a * channels + c] = row[b * channels + c];
            row[b * channels + c] = kept;
        }
}

void nn_augment_image(const struct nn_shape *shape,
                      int64_t down,
                      int64_t right,
                      bool is_mirrored,
                      const float *blank,
                      float *x)
{
    assert(shape->rank == 3);
    int64_t h = shape->dim[0], w = shape->dim[1], channels = shape->dim[2];
    for (int64_t k = 0; k < h; k++) {
        /* rows that are still to be read are not written before */
        int64_t i = down >= 0 ? k : h - 1 - k;
        float *row = x + i * w * channels;
        if (i + down < 0 || i + down >= h)
            fill(blank, w, channels, row);
        else
            shift_row(x + (i + down) * w * channels, w, channels, right, blank,
                      row);
        if (is_mirrored)
            mirror_row(w, channels, row);
    }
}

void nn_augment_batch(const struct nn_augment *augment,
                      const struct nn_dataset *dataset,
                      enum nn_normalize normalize,
                      struct fl_rng *rng,
                      int64_t n,
                      float *x)
{
    const struct nn_shape *shape = nn_dataset_shape(dataset);
    int64_t size = nn_shape_size(shape);
    float blank[NN_MAX_CHANNELS];
    if (augment->crop == 0 && !augment->flip)
        return;
    assert(!nn_dataset_is_tokens(dataset));
    for (int64_t c = 0; c < shape->dim[2]; c++)
        blank[c] = nn_dataset_value(dataset, normalize, c, 0);
    uint64_t places = 2 * (uint64_t)augment->crop + 1;
    for (int64_t s = 0; s < n; s++) {
        int64_t down = 0, right = 0;
        if (augment->crop > 0) {
            down = (int64_t)fl_rng_below(rng, places) - augment->crop;
            right = (int64_t)fl_rng_below(rng, places) - augment->crop;
        }
        bool is_mirrored = augment->flip && (fl_rng_u32(rng) & 1) != 0;
        if (down != 0 || right != 0 || is_mirrored)
            nn_augment_image(shape, down, right, is_mirrored, blank,
                             x + s * size);
    }
}
