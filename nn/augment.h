/* Augmentation: training images are cropped and mirrored at random, in a fresh
 * way each time they are used.
 *
 * What torchvision's RandomCrop(size, padding=crop) and RandomHorizontalFlip()
 * do, in that order: the image gets `crop` pixels of raw value 0 on each side
 * and is cut back to its size at a place drawn uniformly; then it is mirrored
 * with probability 1/2. As there, padding comes before normalising: it is black
 * (0), not the mean.
 *
 *     struct fl_rng rng = fl_rng_stream(seed, FL_RNG_AUGMENT, client, round);
 *     nn_dataset_gather(dataset, train, normalize, index, n, x, labels);
 *     nn_augment_batch(&augment, dataset, normalize, &rng, n, x);
 */
#ifndef NN_AUGMENT_H
#define NN_AUGMENT_H

#include "base/rng.h"
#include "nn/dataset.h"

struct nn_augment {
    int64_t crop; /* pixels of padding on each side; 0: no crop */
    bool flip;
};

/* x [n, shape of the data set] as gathered with `normalize`, changed in place.
 * Draws for each sample in turn: row and column of the crop (if crop > 0), then
 * the flip (if flip). The data set holds images, not tokens. */
void nn_augment_batch(const struct nn_augment *augment,
                      const struct nn_dataset *dataset,
                      enum nn_normalize normalize,
                      struct fl_rng *rng,
                      int64_t n,
                      float *x);

/* One image x [h, w, c] in place: what was at (i + down, j + right) comes to
 * (i, j), blank [c] where that lies outside; then it is mirrored if asked. */
void nn_augment_image(const struct nn_shape *shape,
                      int64_t down,
                      int64_t right,
                      bool is_mirrored,
                      const float *blank,
                      float *x);

#endif
