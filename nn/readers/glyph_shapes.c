/* The skeletons: three ways to write each digit, as knots of smooth curves. */
#include "nn/readers/glyph_priv.h"

/* S starts a stroke, C is a corner, plain numbers are smooth. */
#define S(x, y)                                                                \
    {                                                                          \
        x, y, NN_GLYPH_START                                                   \
    }
#define C(x, y)                                                                \
    {                                                                          \
        x, y, NN_GLYPH_CORNER                                                  \
    }
#define P(x, y)                                                                \
    {                                                                          \
        x, y, NN_GLYPH_SMOOTH                                                  \
    }
typedef const struct nn_glyph_knot knots[];

static knots zero_oval = {S(52, 8),  P(30, 24), P(22, 50), P(30, 78), P(50, 92),
                          P(70, 78), P(78, 50), P(70, 22), P(52, 8)};
static knots zero_crossed = {S(62, 16), P(44, 10), P(29, 36), P(30, 72),
                             P(48, 92), P(66, 78), P(72, 44), P(62, 16),
                             P(48, 7),  P(38, 15)};
static knots zero_round = {S(40, 12), P(20, 34), P(20, 66),
                           P(42, 90), P(68, 86), P(82, 58),
                           P(76, 26), P(56, 10), P(36, 14)};

static knots one_stick = {S(51, 8), P(50, 50), P(49, 92)};
static knots one_flag = {S(32, 30), C(55, 8), P(54, 50), P(53, 92)};
static knots one_base = {S(34, 26), C(52, 8),  P(52, 50), P(52, 91),
                         S(30, 91), P(52, 92), P(74, 91)};

static knots two_swan = {S(24, 27), P(36, 10), P(57, 8),  P(71, 25), P(65, 47),
                         P(44, 70), C(22, 90), P(50, 87), P(78, 90)};
static knots two_loop = {S(26, 22), P(46, 8),  P(69, 16), P(70, 38), P(50, 66),
                         P(30, 86), P(21, 79), P(34, 72), P(56, 86), P(80, 84)};
static knots two_flat = {S(26, 16), P(50, 10), P(70, 20),
                         P(62, 48), C(24, 88), C(77, 88)};

static knots three_round = {S(24, 18), P(46, 8),  P(69, 20),
                            P(64, 40), C(42, 47), P(69, 57),
                            P(73, 78), P(48, 92), P(22, 82)};
static knots three_flat = {S(24, 10), C(74, 11), C(45, 42), P(69, 52),
                           P(75, 74), P(52, 92), P(24, 84)};
static knots three_loop = {S(26, 16), P(52, 8),  P(70, 22), P(56, 42),
                           P(38, 48), P(46, 52), P(68, 60), P(72, 80),
                           P(48, 93), P(20, 80)};

static knots four_open = {S(36, 10), P(31, 32), C(25, 54), P(52, 53),
                          P(80, 50), S(65, 24), P(62, 60), P(59, 92)};
static knots four_closed = {S(62, 92), P(62, 50), C(62, 8),
                            C(20, 64), P(50, 64), P(82, 62)};
static knots four_curved = {S(31, 9),  P(27, 34), P(38, 51), P(66, 46),
                            S(72, 10), P(66, 50), P(60, 92)};

static knots five_sharp = {S(73, 10), C(35, 11), C(30, 44), P(51, 38),
                           P(74, 55), P(70, 80), P(46, 92), P(22, 82)};
static knots five_hat = {S(34, 13), C(30, 48), P(52, 43), P(72, 61), P(62, 86),
                         P(41, 92), P(22, 84), S(34, 12), P(77, 8)};
static knots five_snake = {S(73, 12), P(46, 9),  P(33, 24), P(39, 42),
                           P(62, 54), P(70, 74), P(50, 92), P(25, 85)};

static knots six_curl = {S(66, 9),  P(44, 22), P(28, 50), P(29, 77), P(49, 92),
                         P(70, 80), P(68, 59), P(49, 52), P(31, 66)};
static knots six_stem = {S(56, 8),  P(38, 40), P(28, 70), P(42, 92),
                         P(64, 86), P(68, 66), P(50, 57), P(31, 70)};
static knots six_belly = {S(72, 17), P(52, 8),  P(31, 28), P(24, 63),
                          P(40, 90), P(66, 88), P(76, 66), P(58, 48),
                          P(36, 54), P(26, 70)};

static knots seven_plain = {S(24, 12), C(76, 12), P(56, 48), P(44, 92)};
static knots seven_bar = {S(24, 14), C(75, 11), P(58, 46),
                          P(43, 92), S(34, 54), P(70, 50)};
static knots seven_hook = {S(23, 28), C(26, 11), P(50, 14),
                           C(77, 10), P(58, 38), P(50, 92)};

static knots eight_snake = {S(68, 19), P(49, 8),  P(31, 22), P(46, 45),
                            P(68, 66), P(62, 88), P(41, 91), P(28, 75),
                            P(46, 50), P(68, 32), P(66, 16)};
static knots eight_rings = {S(50, 8),  P(31, 19), P(34, 39), P(50, 47),
                            P(66, 39), P(69, 19), P(50, 8),  S(50, 47),
                            P(27, 60), P(29, 85), P(50, 92), P(71, 85),
                            P(73, 60), P(50, 47)};
static knots eight_open = {S(72, 9),  P(46, 10), P(30, 25), P(46, 44),
                           P(69, 62), P(66, 86), P(44, 92), P(28, 78),
                           P(40, 56), P(62, 36), P(76, 16)};

static knots nine_stem = {S(68, 22), P(50, 8),  P(30, 22), P(34, 44),
                          P(54, 48), C(69, 20), P(67, 56), P(58, 92)};
static knots nine_stick = {S(68, 20), P(50, 9),  P(32, 22),
                           P(34, 44), P(54, 50), P(68, 36),
                           S(70, 10), P(69, 50), P(68, 92)};
static knots nine_curl = {S(70, 26), P(52, 8),  P(31, 22), P(36, 46),
                          P(58, 46), P(70, 24), P(72, 56), P(62, 86),
                          P(42, 92), P(26, 84)};

#define SHAPE(name)                                                            \
    {                                                                          \
        (int)(sizeof(name) / sizeof(name)[0]), name                            \
    }

const struct nn_glyph_shape
    nn_glyph_shapes[NN_GLYPH_CLASSES][NN_GLYPH_VARIANTS] = {
        {SHAPE(zero_oval), SHAPE(zero_crossed), SHAPE(zero_round)},
        {SHAPE(one_stick), SHAPE(one_flag), SHAPE(one_base)},
        {SHAPE(two_swan), SHAPE(two_loop), SHAPE(two_flat)},
        {SHAPE(three_round), SHAPE(three_flat), SHAPE(three_loop)},
        {SHAPE(four_open), SHAPE(four_closed), SHAPE(four_curved)},
        {SHAPE(five_sharp), SHAPE(five_hat), SHAPE(five_snake)},
        {SHAPE(six_curl), SHAPE(six_stem), SHAPE(six_belly)},
        {SHAPE(seven_plain), SHAPE(seven_bar), SHAPE(seven_hook)},
        {SHAPE(eight_snake), SHAPE(eight_rings), SHAPE(eight_open)},
        {SHAPE(nine_stem), SHAPE(nine_stick), SHAPE(nine_curl)},
};
