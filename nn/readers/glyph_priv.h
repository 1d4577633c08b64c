/* Handwriting-like digits, drawn by rule: skeletons (glyph_shapes.c),
 * a writer's habits and the pen (glyph_draw.c). The data set itself is
 * nn/datasets/glyphs.c.
 *
 * Same bits everywhere: only + - * / and sqrt, which IEEE 754 fixes to the last
 * bit, and integers; no function of libm that may differ between versions.
 */
#ifndef NN_READERS_GLYPH_PRIV_H
#define NN_READERS_GLYPH_PRIV_H

#include "base/rng.h"

#include <stdint.h>

enum {
    NN_GLYPH_SIDE = 28, /* pixels */
    NN_GLYPH_CLASSES = 10,
    NN_GLYPH_VARIANTS = 3, /* skeletons per digit */
    NN_GLYPH_KNOTS = 16    /* most in one skeleton */
};

enum nn_glyph_pen {
    NN_GLYPH_SMOOTH, /* the curve goes through */
    NN_GLYPH_CORNER, /* and turns sharply */
    NN_GLYPH_START   /* a stroke begins */
};

/* In units of 1/100 of the box, y down, middle at (50, 50). */
struct nn_glyph_knot {
    int8_t x, y;
    int8_t pen; /* enum nn_glyph_pen */
};

struct nn_glyph_shape {
    int n;
    const struct nn_glyph_knot *knot;
};

extern const struct nn_glyph_shape nn_glyph_shapes[NN_GLYPH_CLASSES]
                                                  [NN_GLYPH_VARIANTS];

/* What makes a hand: drawn once per writer. */
struct nn_glyph_writer {
    int variant[NN_GLYPH_CLASSES];
    double habit_x[NN_GLYPH_CLASSES][NN_GLYPH_KNOTS]; /* knots, box units */
    double habit_y[NN_GLYPH_CLASSES][NN_GLYPH_KNOTS];
    double slant_ratio; /* shear: x per y */
    double turn_ratio;  /* tangent of half the rotation */
    double width_ratio; /* of the height */
    double size_px;     /* of the box's height */
    double radius_px;   /* of the pen */
    double softness_px; /* width of the pen's edge */
    double ink;         /* 0 .. 255 */
    double shake;       /* spread of knots per drawing, box units */
    double off_x_px, off_y_px;
    int noise; /* largest change of a pixel */
};

/* Writers and drawings come from streams of their own, named (seed,
 * FL_RNG_GLYPHS, writer, 0 or drawing + 1). */
void nn_glyph_writer_init(struct nn_glyph_writer *writer,
                          uint64_t seed,
                          uint64_t id);
/* One drawing of `digit` into ret [28 * 28], ink on 0. */
void nn_glyph_draw(const struct nn_glyph_writer *writer,
                   int digit,
                   struct fl_rng *rng,
                   uint8_t *ret);

#endif
