#include "carbon/uncertainty.h"

#include "base/alloc.h"
#include "base/rng.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MIN_DRAWS  100
#define MAX_DRAWS  1000000
#define MAX_INPUTS 4096

struct carbon_uncertainty {
    struct carbon_uncertain_model model; /* owned arrays, borrowed names */
    int64_t n;                           /* draws, a prime */
    double *a, *b;   /* [n_inputs, n] x / nominal, two sets of draws */
    double *total;   /* [n_totals, n] of the draws a */
    double *total_b; /* likewise of b */
    double *sorted;  /* [n] scratch */
    double *scratch; /* [3, n] */
};

/* --- checks ------------------------------------------------------------ */

static enum fl_status check_input(const struct carbon_input *input,
                                  struct fl_error *err)
{
    struct fl_error why;
    enum fl_status status = carbon_spread_check(&input->spread, &why);
    if (status != FL_OK)
        return fl_fail(err, status, "%s: %s", input->name, why.text);
    if (!isfinite(input->nominal) || !(input->zero_value >= 0) ||
        !(input->nominal > input->zero_value))
        return fl_fail(err, FL_E_CONFIG,
                       "%s: nominal value, found %g, allowed a finite number "
                       "> %g, which is >= 0",
                       input->name, input->nominal, input->zero_value);
    return FL_OK;
}

/* Whether 1 / x of a spread has a mean. */
static bool stays_above_zero(const struct carbon_spread *s)
{
    switch (s->kind) {
    case CARBON_SPREAD_UNIFORM:
    case CARBON_SPREAD_TRIANGULAR:
        return s->low > 0;
    case CARBON_SPREAD_NORMAL:
        return s->value > 5 * s->sd;
    default:
        return s->value > 0;
    }
}

static enum fl_status check_piece(const struct carbon_uncertain_model *model,
                                  size_t i,
                                  struct fl_error *err)
{
    const struct carbon_piece *piece = &model->pieces[i];
    if (piece->total < 0 || piece->total >= model->n_totals ||
        piece->n_powers < 0 || piece->n_powers > CARBON_MAX_POWERS ||
        !isfinite(piece->nominal))
        return fl_fail(err, FL_E_ARG,
                       "piece %zu: total %" PRId32 ", %" PRId32 " powers, %g",
                       i, piece->total, piece->n_powers, piece->nominal);
    for (int32_t k = 0; k < piece->n_powers; k++) {
        const struct carbon_power *power = &piece->power[k];
        if (power->input < 0 || (size_t)power->input >= model->n_inputs ||
            (power->sign != 1 && power->sign != -1))
            return fl_fail(err, FL_E_ARG,
                           "piece %zu: input %" PRId32 " to the power "
                           "%" PRId32,
                           i, power->input, power->sign);
        const struct carbon_input *input = &model->inputs[power->input];
        if (power->sign < 0 &&
            (!stays_above_zero(&input->spread) || input->zero_value > 0))
            return fl_fail(err, FL_E_CONFIG,
                           "%s: %s spread that comes near 0, allowed one above "
                           "0 (normal: mean > 5 sd), for costs grow without "
                           "bound there",
                           input->name, carbon_spread_name(input->spread.kind));
    }
    return FL_OK;
}

static enum fl_status check(const struct carbon_uncertain_model *model,
                            int64_t draws,
                            struct fl_error *err)
{
    if (draws < MIN_DRAWS || draws > MAX_DRAWS)
        return fl_fail(err, FL_E_ARG,
                       "draws, found %" PRId64 ", allowed [%d, %d]", draws,
                       MIN_DRAWS, MAX_DRAWS);
    if (model->n_inputs > MAX_INPUTS || model->n_totals < 1)
        return fl_fail(err, FL_E_ARG,
                       "uncertainty: %zu inputs, %" PRId32 " totals",
                       model->n_inputs, model->n_totals);
    for (size_t i = 0; i < model->n_inputs; i++)
        FL_TRY(check_input(&model->inputs[i], err));
    for (size_t i = 0; i < model->n_pieces; i++)
        FL_TRY(check_piece(model, i, err));
    return FL_OK;
}

/* --- the lattice ------------------------------------------------------- */

static int64_t next_prime(int64_t n)
{
    for (;; n++) {
        bool is_prime = true;
        for (int64_t k = 2; is_prime && k * k <= n; k++)
            is_prime = n % k != 0;
        if (is_prime)
            return n;
    }
}

/* Whether h1 z1 + h2 z2 = 0 modulo n for small h: then the two inputs would
 * move together. */
static bool are_related(int64_t z1, int64_t z2, int64_t n)
{
    for (int64_t h1 = 1; h1 <= 6; h1++)
        for (int64_t h2 = -6; h2 <= 6; h2++)
            if (((h1 * z1 + h2 * z2) % n + n) % n == 0)
                return true;
    return false;
}

/* Steps of the lattice, one per input and set of draws, at random, no two of
 * them related. Few enough inputs for the draws: taken as they come after some
 * attempts. */
static void choose_steps(uint64_t seed, int64_t n, size_t n_steps, int64_t *ret)
{
    struct fl_rng rng = fl_rng_stream(seed, FL_RNG_DRAWS, 0, 0);
    for (size_t i = 0; i < n_steps; i++) {
        for (int attempt = 0; attempt < 50; attempt++) {
            ret[i] = 1 + (int64_t)fl_rng_below(&rng, (uint64_t)(n - 1));
            bool is_good = true;
            for (size_t j = 0; is_good && j < i; j++)
                is_good = !are_related(ret[i], ret[j], n);
            if (is_good)
                break;
        }
    }
}

/* A value as a share of the nominal one, both from the zero value on. */
static double share_of(const struct carbon_input *input, double value)
{
    double above = value - input->zero_value;
    return above > 0 ? above / (input->nominal - input->zero_value) : 0;
}

/* One input's draws, as shares of its nominal value. */
static void draw_input(const struct carbon_input *input,
                       int64_t step,
                       double shift,
                       int64_t n,
                       double *ret)
{
    if (input->spread.kind == CARBON_SPREAD_NONE) {
        for (int64_t k = 0; k < n; k++)
            ret[k] = share_of(input, input->spread.value);
        return;
    }
    int64_t at = 0;
    for (int64_t k = 0; k < n; k++) {
        double x = (double)at / (double)n + shift;
        x -= floor(x);
        double u = 1 - fabs(2 * x - 1);
        /* the ends of the distribution stand for half a draw each */
        double least = 0.25 / (double)n;
        u = u < least ? least : u > 1 - least ? 1 - least : u;
        ret[k] = share_of(input, carbon_spread_value(&input->spread, u));
        at = (at + step) % n;
    }
}

static enum fl_status
draw_all(struct carbon_uncertainty *u, uint64_t seed, struct fl_error *err)
{
    size_t d = u->model.n_inputs;
    int64_t *step = fl_calloc(2 * d + 1, sizeof *step);
    if (!step)
        return fl_fail(err, FL_E_NOMEM, "out of memory: uncertainty");
    choose_steps(seed, u->n, 2 * d, step);
    struct fl_rng rng = fl_rng_stream(seed, FL_RNG_DRAWS, 1, 0);
    for (size_t i = 0; i < 2 * d; i++) {
        double *column =
            i < d ? u->a + (int64_t)i * u->n : u->b + (int64_t)(i - d) * u->n;
        draw_input(&u->model.inputs[i % d], step[i], fl_rng_uniform(&rng), u->n,
                   column);
    }
    fl_free(step);
    return FL_OK;
}

/* --- totals ------------------------------------------------------------ */

/* ret [n] = the piece at each draw of x. */
static void price(const struct carbon_uncertainty *u,
                  const struct carbon_piece *piece,
                  const double *x,
                  double *ret)
{
    for (int64_t k = 0; k < u->n; k++)
        ret[k] = piece->nominal;
    for (int32_t p = 0; p < piece->n_powers; p++) {
        const double *column = x + piece->power[p].input * u->n;
        if (piece->power[p].sign > 0)
            for (int64_t k = 0; k < u->n; k++)
                ret[k] *= column[k];
        else
            for (int64_t k = 0; k < u->n; k++)
                ret[k] /= column[k];
    }
}

static void
sum_up(const struct carbon_uncertainty *u, const double *x, double *acc_total)
{
    for (size_t i = 0; i < u->model.n_pieces; i++) {
        const struct carbon_piece *piece = &u->model.pieces[i];
        price(u, piece, x, u->scratch);
        double *total = acc_total + piece->total * u->n;
        for (int64_t k = 0; k < u->n; k++)
            total[k] += u->scratch[k];
    }
}

static bool copy_model(struct carbon_uncertainty *u,
                       const struct carbon_uncertain_model *model)
{
    /* one more, so that there is always something to own */
    struct carbon_input *inputs =
        fl_calloc(model->n_inputs + 1, sizeof *inputs);
    struct carbon_piece *pieces =
        fl_calloc(model->n_pieces + 1, sizeof *pieces);
    u->model = *model;
    u->model.inputs = inputs;
    u->model.pieces = pieces;
    if (!inputs || !pieces)
        return false;
    if (model->n_inputs)
        memcpy(inputs, model->inputs, model->n_inputs * sizeof *inputs);
    if (model->n_pieces)
        memcpy(pieces, model->pieces, model->n_pieces * sizeof *pieces);
    return true;
}

enum fl_status
carbon_uncertainty_create(const struct carbon_uncertain_model *model,
                          int64_t draws,
                          uint64_t seed,
                          struct carbon_uncertainty **ret,
                          struct fl_error *err)
{
    FL_TRY(check(model, draws, err));
    struct carbon_uncertainty *u = fl_calloc(1, sizeof *u);
    if (!u)
        return fl_fail(err, FL_E_NOMEM, "out of memory: uncertainty");
    u->n = next_prime(draws);
    size_t n = (size_t)u->n, totals = (size_t)model->n_totals;
    bool is_good = copy_model(u, model);
    u->a = fl_calloc(n * model->n_inputs + 1, sizeof(double));
    u->b = fl_calloc(n * model->n_inputs + 1, sizeof(double));
    u->total = fl_calloc(n * totals, sizeof(double));
    u->total_b = fl_calloc(n * totals, sizeof(double));
    u->sorted = fl_calloc(n, sizeof(double));
    u->scratch = fl_calloc(3 * n, sizeof(double));
    is_good = is_good && u->a && u->b && u->total && u->total_b && u->sorted &&
              u->scratch;
    enum fl_status status =
        is_good ? draw_all(u, seed, err)
                : fl_fail(err, FL_E_NOMEM, "out of memory: uncertainty");
    if (status != FL_OK) {
        carbon_uncertainty_destroy(u);
        return status;
    }
    sum_up(u, u->a, u->total);
    sum_up(u, u->b, u->total_b);
    *ret = u;
    return FL_OK;
}

void carbon_uncertainty_destroy(struct carbon_uncertainty *u)
{
    if (!u)
        return;
    fl_free((void *)u->model.inputs);
    fl_free((void *)u->model.pieces);
    fl_free(u->a);
    fl_free(u->b);
    fl_free(u->total);
    fl_free(u->total_b);
    fl_free(u->sorted);
    fl_free(u->scratch);
    fl_free(u);
}

/* --- answers ----------------------------------------------------------- */

static int by_value(const void *left, const void *right)
{
    double x = *(const double *)left, y = *(const double *)right;
    return (x > y) - (x < y);
}

/* The share-th quantile of sorted numbers, between neighbours on a line. */
static double quantile(const double *sorted, int64_t n, double share)
{
    double at = share * (double)(n - 1);
    int64_t low = (int64_t)at;
    int64_t high = low + 1 < n ? low + 1 : low;
    return sorted[low] + (at - (double)low) * (sorted[high] - sorted[low]);
}

/* Of the numbers in u->sorted, which it sorts. */
static struct carbon_interval summarise(const struct carbon_uncertainty *u,
                                        double nominal)
{
    double sum = 0, squares = 0;
    for (int64_t k = 0; k < u->n; k++)
        sum += u->sorted[k];
    double mean = sum / (double)u->n;
    for (int64_t k = 0; k < u->n; k++)
        squares += (u->sorted[k] - mean) * (u->sorted[k] - mean);
    qsort(u->sorted, (size_t)u->n, sizeof(double), by_value);
    return (struct carbon_interval){
        .nominal = nominal,
        .mean = mean,
        .sd = sqrt(squares / (double)(u->n - 1)),
        .p5 = quantile(u->sorted, u->n, 0.05),
        .p50 = quantile(u->sorted, u->n, 0.5),
        .p95 = quantile(u->sorted, u->n, 0.95),
    };
}

static double nominal_of(const struct carbon_uncertainty *u, int32_t total)
{
    double sum = 0;
    for (size_t i = 0; i < u->model.n_pieces; i++)
        if (u->model.pieces[i].total == total)
            sum += u->model.pieces[i].nominal;
    return sum;
}

static const double *draws_of(const struct carbon_uncertainty *u, int32_t total)
{
    assert(total >= 0 && total < u->model.n_totals);
    return u->total + total * u->n;
}

struct carbon_interval carbon_uncertainty_total(struct carbon_uncertainty *u,
                                                int32_t total)
{
    memcpy(u->sorted, draws_of(u, total), (size_t)u->n * sizeof(double));
    return summarise(u, nominal_of(u, total));
}

struct carbon_interval
carbon_uncertainty_ratio(struct carbon_uncertainty *u, int32_t a, int32_t b)
{
    const double *x = draws_of(u, a), *y = draws_of(u, b);
    for (int64_t k = 0; k < u->n; k++)
        u->sorted[k] = x[k] / y[k];
    return summarise(u, nominal_of(u, a) / nominal_of(u, b));
}

double carbon_uncertainty_below_share(const struct carbon_uncertainty *u,
                                      int32_t a,
                                      int32_t b)
{
    const double *x = draws_of(u, a), *y = draws_of(u, b);
    int64_t below = 0;
    for (int64_t k = 0; k < u->n; k++)
        below += x[k] < y[k];
    return (double)below / (double)u->n;
}

/* --- influence --------------------------------------------------------- */

/* What is asked about: a total, or the ratio of two. */
struct question {
    int32_t a, b; /* b < 0: a alone */
    double mean, variance;
};

static double ask(const struct question *q, double a, double b)
{
    return q->b < 0 ? a : a / b;
}

static void set_moments(const struct carbon_uncertainty *u, struct question *q)
{
    double sum = 0, squares = 0, n = 2 * (double)u->n;
    for (int pass = 0; pass < 2; pass++) {
        for (int s = 0; s < 2; s++) {
            const double *from = s ? u->total_b : u->total;
            const double *a = from + q->a * u->n;
            const double *b = q->b < 0 ? a : from + q->b * u->n;
            for (int64_t k = 0; k < u->n; k++) {
                double f = ask(q, a[k], b[k]);
                if (pass == 0)
                    sum += f;
                else
                    squares += (f - q->mean) * (f - q->mean);
            }
        }
        q->mean = sum / n;
    }
    q->variance = squares / n;
}

/* Adds to acc [n] what changes in a total when input i comes from the other
 * set of draws. */
static void add_change(const struct carbon_uncertainty *u,
                       int32_t total,
                       int32_t input,
                       double *acc)
{
    const double *from = u->a + input * u->n, *to = u->b + input * u->n;
    for (size_t i = 0; i < u->model.n_pieces; i++) {
        const struct carbon_piece *piece = &u->model.pieces[i];
        int32_t power = 0;
        for (int32_t p = 0; p < piece->n_powers; p++)
            if (piece->power[p].input == input)
                power += piece->power[p].sign;
        if (piece->total != total || power == 0)
            continue;
        price(u, piece, u->a, u->scratch);
        for (int64_t k = 0; k < u->n; k++) {
            double factor = power > 0 ? to[k] / from[k] : from[k] / to[k];
            double grown = factor;
            for (int32_t p = 1; p < abs(power); p++)
                grown *= factor;
            acc[k] += u->scratch[k] * (grown - 1);
        }
    }
}

static bool matters(const struct carbon_uncertainty *u,
                    const struct question *q,
                    int32_t input)
{
    if (u->model.inputs[input].spread.kind == CARBON_SPREAD_NONE)
        return false;
    for (size_t i = 0; i < u->model.n_pieces; i++) {
        const struct carbon_piece *piece = &u->model.pieces[i];
        for (int32_t p = 0; p < piece->n_powers; p++)
            if (piece->power[p].input == input &&
                (piece->total == q->a || piece->total == q->b))
                return true;
    }
    return false;
}

static struct carbon_influence influence_of(const struct carbon_uncertainty *u,
                                            const struct question *q,
                                            int32_t input)
{
    struct carbon_influence ret = {.input = input};
    if (!(q->variance > 0) || !matters(u, q, input))
        return ret;
    size_t bytes = (size_t)u->n * sizeof(double);
    double *mixed_a = u->scratch + u->n, *mixed_b = u->scratch + 2 * u->n;
    memcpy(mixed_a, u->total + q->a * u->n, bytes);
    add_change(u, q->a, input, mixed_a);
    const double *a = u->total + q->a * u->n,
                 *other_a = u->total_b + q->a * u->n;
    const double *b = a, *other_b = other_a;
    if (q->b >= 0) {
        b = u->total + q->b * u->n;
        other_b = u->total_b + q->b * u->n;
        memcpy(mixed_b, b, bytes);
        add_change(u, q->b, input, mixed_b);
    }
    double first = 0, total = 0;
    for (int64_t k = 0; k < u->n; k++) {
        double f = ask(q, a[k], b[k]);
        double mixed = ask(q, mixed_a[k], mixed_b[k]);
        first += (ask(q, other_a[k], other_b[k]) - q->mean) * (mixed - f);
        total += (f - mixed) * (f - mixed);
    }
    double scale = (double)u->n * q->variance;
    ret.first = first > 0 ? first / scale : 0;
    ret.total = 0.5 * total / scale;
    return ret;
}

static int by_influence(const void *left, const void *right)
{
    const struct carbon_influence *x = left, *y = right;
    if (x->total < y->total || x->total > y->total)
        return x->total < y->total ? 1 : -1;
    return x->input - y->input;
}

void carbon_uncertainty_influence(struct carbon_uncertainty *u,
                                  int32_t a,
                                  int32_t b,
                                  struct carbon_influence *ret)
{
    assert(a >= 0 && a < u->model.n_totals && b < u->model.n_totals);
    struct question q = {.a = a, .b = b};
    set_moments(u, &q);
    for (size_t i = 0; i < u->model.n_inputs; i++)
        ret[i] = influence_of(u, &q, (int32_t)i);
    qsort(ret, u->model.n_inputs, sizeof *ret, by_influence);
}
