/* A writer's habits, and one drawing: knots -> curve -> segments -> pixels. */
#include "nn/readers/glyph_priv.h"

#include <assert.h>
#include <math.h>

enum { SIDE = NN_GLYPH_SIDE, STEPS = 6 /* segments between two knots */ };

/* Mean 0, spread 1, within +-3.5: the sum of four uniform 16-bit numbers, an
 * exact stand-in for the normal distribution (whose logarithm is not). */
static double bell(struct fl_rng *rng)
{
    uint32_t a = fl_rng_u32(rng), b = fl_rng_u32(rng);
    uint32_t sum = (a & 0xffff) + (a >> 16) + (b & 0xffff) + (b >> 16);
    return ((double)sum - 131070.0) * (1.7320508075688772 / 65536.0);
}

static double between(struct fl_rng *rng, double low, double high)
{
    return low + (high - low) * fl_rng_uniform(rng);
}

void nn_glyph_writer_init(struct nn_glyph_writer *writer,
                          uint64_t seed,
                          uint64_t id)
{
    struct fl_rng rng = fl_rng_stream(seed, FL_RNG_GLYPHS, id, 0);
    for (int digit = 0; digit < NN_GLYPH_CLASSES; digit++) {
        writer->variant[digit] = (int)fl_rng_below(&rng, NN_GLYPH_VARIANTS);
        for (int k = 0; k < NN_GLYPH_KNOTS; k++) {
            writer->habit_x[digit][k] = 3.0 * bell(&rng);
            writer->habit_y[digit][k] = 3.0 * bell(&rng);
        }
    }
    writer->slant_ratio = 0.10 + 0.20 * bell(&rng);
    writer->turn_ratio = 0.04 * bell(&rng);
    writer->width_ratio = between(&rng, 0.70, 1.20);
    writer->size_px = between(&rng, 19.0, 25.0);
    writer->radius_px = between(&rng, 0.55, 1.55);
    writer->softness_px = between(&rng, 0.8, 1.5);
    writer->ink = between(&rng, 170.0, 255.0);
    writer->shake = between(&rng, 1.0, 3.5);
    writer->off_x_px = 0.7 * bell(&rng);
    writer->off_y_px = 0.7 * bell(&rng);
    writer->noise = (int)fl_rng_below(&rng, 41);
}

/* From box units to pixels, of one drawing. */
struct pose {
    double xx, xy, yx, yy, x0, y0;
};

static struct pose draw_pose(const struct nn_glyph_writer *writer,
                             struct fl_rng *rng)
{
    double size = writer->size_px * (1.0 + 0.05 * bell(rng)) / 100.0;
    double width = size * writer->width_ratio * (1.0 + 0.05 * bell(rng));
    double slant = writer->slant_ratio + 0.06 * bell(rng);
    double t = writer->turn_ratio + 0.03 * bell(rng);
    double cosine = (1.0 - t * t) / (1.0 + t * t);
    double sine = 2.0 * t / (1.0 + t * t);
    struct pose pose;
    pose.xx = cosine * width;
    pose.xy = -cosine * slant * size - sine * size;
    pose.yx = sine * width;
    pose.yy = -sine * slant * size + cosine * size;
    pose.x0 = 0.5 * (SIDE - 1) + writer->off_x_px + 0.7 * bell(rng);
    pose.y0 = 0.5 * (SIDE - 1) + writer->off_y_px + 0.7 * bell(rng);
    return pose;
}

struct point {
    double x, y;
};

/* Squared distance of each pixel to the nearest segment so far. */
struct canvas {
    double reach_px; /* how far the pen reaches */
    double square[SIDE][SIDE];
};

static int clamp_pixel(double at)
{
    if (at < 0)
        return 0;
    return at > SIDE - 1 ? SIDE - 1 : (int)at;
}

static void add_segment(struct canvas *canvas, struct point a, struct point b)
{
    double reach = canvas->reach_px;
    double left = a.x < b.x ? a.x : b.x, right = a.x < b.x ? b.x : a.x;
    double top = a.y < b.y ? a.y : b.y, bottom = a.y < b.y ? b.y : a.y;
    int x0 = clamp_pixel(left - reach), x1 = clamp_pixel(right + reach + 1);
    int y0 = clamp_pixel(top - reach), y1 = clamp_pixel(bottom + reach + 1);
    double dx = b.x - a.x, dy = b.y - a.y;
    double length2 = dx * dx + dy * dy;
    double inverse = length2 > 0 ? 1.0 / length2 : 0.0;
    for (int y = y0; y <= y1; y++)
        for (int x = x0; x <= x1; x++) {
            double px = (double)x - a.x, py = (double)y - a.y;
            double along = (px * dx + py * dy) * inverse;
            along = along < 0 ? 0 : along > 1 ? 1 : along;
            double ex = px - along * dx, ey = py - along * dy;
            double square = ex * ex + ey * ey;
            if (square < canvas->square[y][x])
                canvas->square[y][x] = square;
        }
}

/* Catmull and Rom's curve from b to c, with neighbours a and d. */
static void add_curve(struct canvas *canvas,
                      struct point a,
                      struct point b,
                      struct point c,
                      struct point d)
{
    struct point last = b;
    for (int i = 1; i <= STEPS; i++) {
        double t = (double)i / STEPS, t2 = t * t, t3 = t2 * t;
        double wa = -0.5 * t3 + t2 - 0.5 * t;
        double wb = 1.5 * t3 - 2.5 * t2 + 1.0;
        double wc = -1.5 * t3 + 2.0 * t2 + 0.5 * t;
        double wd = 0.5 * t3 - 0.5 * t2;
        struct point at = {wa * a.x + wb * b.x + wc * c.x + wd * d.x,
                           wa * a.y + wb * b.y + wc * c.y + wd * d.y};
        add_segment(canvas, last, at);
        last = at;
    }
}

static void add_shape(struct canvas *canvas,
                      const struct nn_glyph_shape *shape,
                      const struct point *at)
{
    for (int i = 0; i + 1 < shape->n; i++) {
        const struct nn_glyph_knot *knot = shape->knot;
        if (knot[i + 1].pen == NN_GLYPH_START)
            continue;
        int before = knot[i].pen == NN_GLYPH_SMOOTH ? i - 1 : i;
        int after = i + 1;
        if (knot[i + 1].pen == NN_GLYPH_SMOOTH && i + 2 < shape->n &&
            knot[i + 2].pen != NN_GLYPH_START)
            after = i + 2;
        add_curve(canvas, at[before], at[i], at[i + 1], at[after]);
    }
}

/* Ink by distance: full inside the pen, fading over its soft edge. */
static double
coverage(const struct nn_glyph_writer *writer, double radius_px, double square)
{
    double depth = radius_px + 0.5 * writer->softness_px - sqrt(square);
    depth /= writer->softness_px;
    return depth < 0 ? 0 : depth > 1 ? 1 : depth;
}

static uint8_t with_noise(int value, int noise, uint32_t bits)
{
    int spread = (int)(bits & 0xff) + (int)(bits >> 8 & 0xff) - 255;
    value += spread * noise / 255;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

void nn_glyph_draw(const struct nn_glyph_writer *writer,
                   int digit,
                   struct fl_rng *rng,
                   uint8_t *ret)
{
    assert(digit >= 0 && digit < NN_GLYPH_CLASSES);
    const struct nn_glyph_shape *shape =
        &nn_glyph_shapes[digit][writer->variant[digit]];
    assert(shape->n <= NN_GLYPH_KNOTS);
    struct pose pose = draw_pose(writer, rng);
    struct point at[NN_GLYPH_KNOTS];
    for (int k = 0; k < shape->n; k++) {
        double x = shape->knot[k].x - 50 + writer->habit_x[digit][k] +
                   writer->shake * bell(rng);
        double y = shape->knot[k].y - 50 + writer->habit_y[digit][k] +
                   writer->shake * bell(rng);
        at[k] = (struct point){pose.x0 + pose.xx * x + pose.xy * y,
                               pose.y0 + pose.yx * x + pose.yy * y};
    }
    double radius = writer->radius_px * (1.0 + 0.1 * bell(rng));
    struct canvas canvas = {.reach_px = radius + writer->softness_px};
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            canvas.square[y][x] = 1e9;
    add_shape(&canvas, shape, at);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x += 2) {
            uint32_t bits = fl_rng_u32(rng);
            for (int s = 0; s < 2; s++, bits >>= 16) {
                double ink = writer->ink *
                             coverage(writer, radius, canvas.square[y][x + s]);
                ret[y * SIDE + x + s] =
                    with_noise((int)(ink + 0.5), writer->noise, bits);
            }
        }
}
