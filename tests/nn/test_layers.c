/* The laws of nn/layer.h, for every row of layers.def on each of its examples.
 * Built twice: with float, and with double, where finite differences count. */
#include "nn/kernels/table_priv.h"
#include "nn/layer.h"
#include "nn/model_priv.h"
#include "nn/registry.h"
#include "nn/optimizer_priv.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/rng.h"
#include "support/assert_near.h"

#include <math.h>
#include <string.h>

#define BATCH     3
#define SEED      77
#define IS_DOUBLE (sizeof(nn_real) == sizeof(double))

/* Sums of at most 800 products of numbers below 1 in another order. */
#define REORDER_TOLERANCE (IS_DOUBLE ? 1e-12 : 2e-5)

static const unsigned char guard_byte = 0xA5;
#define GUARD_BYTES 64

struct fixture {
    const struct nn_kernels *kernels;
    struct fl_config *config;
    struct nn_layer layer;
    struct fl_arena arena;
    int64_t in, out; /* of one sample */
    nn_real *x, *y, *dy, *dx, *params, *dparams;
    nn_real *with, *dwith; /* NULL unless the type has_with */
    unsigned char *state, *prepared, *scratch;
    size_t scratch_bytes;
};

static void *guarded(struct fixture *f, size_t bytes)
{
    unsigned char *piece = fl_arena_take(&f->arena, bytes + GUARD_BYTES, 1);
    assert_non_null(piece);
    memset(piece + bytes, guard_byte, GUARD_BYTES);
    return piece;
}

static void assert_guarded(const void *piece, size_t bytes)
{
    const unsigned char *guard = (const unsigned char *)piece + bytes;
    for (size_t i = 0; i < GUARD_BYTES; i++)
        assert_int_equal(guard[i], guard_byte);
}

/* Numbers in +-[0.1, 1): away from ReLU's corner. */
static void fill(nn_real *ret, int64_t n, uint64_t stream)
{
    struct fl_rng rng = fl_rng_stream(SEED, FL_RNG_TEST, stream, 0);
    for (int64_t i = 0; i < n; i++) {
        double u = 1.8 * fl_rng_uniform(&rng) - 0.9;
        ret[i] = (nn_real)(u < 0 ? u - 0.1 : u + 0.1);
    }
}

/* Tokens of a table with so many rows. */
static void fill_tokens(nn_real *ret, int64_t n, int64_t rows)
{
    struct fl_rng rng = fl_rng_stream(SEED, FL_RNG_TEST, 6, 0);
    for (int64_t i = 0; i < n; i++)
        ret[i] = (nn_real)fl_rng_below(&rng, (uint64_t)rows);
}

static void set_up(struct fixture *f,
                   const struct nn_kernels *kernels,
                   const struct nn_layer_type *type,
                   const struct nn_layer_example *example)
{
    struct fl_error err;
    *f = (struct fixture){.kernels = kernels};
    assert_ok(fl_config_parse("example", example->yaml, strlen(example->yaml),
                              &f->config, &err),
              &err);
    assert_ok(nn_layer_init(&f->layer, f->config, fl_config_root(f->config),
                            &example->input, 10, &err),
              &err);
    assert_ok(fl_config_check(f->config, &err), &err);
    assert_ptr_equal(f->layer.type, type);
    assert_ok(fl_arena_init(&f->arena, (size_t)8 << 20, &err), &err);
    const struct nn_layer_info *info = &f->layer.info;
    f->in = nn_shape_size(&example->input);
    f->out = nn_shape_size(&info->output);
    size_t real = sizeof(nn_real);
    f->x = guarded(f, (size_t)(BATCH * f->in) * real);
    f->dx = guarded(f, (size_t)(BATCH * f->in) * real);
    f->y = guarded(f, (size_t)(BATCH * f->out) * real);
    f->dy = guarded(f, (size_t)(BATCH * f->out) * real);
    f->params = guarded(f, (size_t)f->layer.n_params * real);
    f->dparams = guarded(f, (size_t)f->layer.n_params * real);
    f->state = guarded(f, BATCH * info->state_bytes);
    f->prepared = guarded(f, info->prepared_bytes);
    f->scratch_bytes = info->scratch_bytes + BATCH * info->scratch_sample_bytes;
    f->scratch = guarded(f, f->scratch_bytes);
    if (type->takes_tokens)
        fill_tokens(f->x, BATCH * f->in, info->tensor[0].dim[0]);
    else
        fill(f->x, BATCH * f->in, 1);
    fill(f->dy, BATCH * f->out, 2);
    fill(f->params, f->layer.n_params, 3);
    for (int64_t i = f->layer.n_trained; i < f->layer.n_params; i++)
        if (f->params[i] < 0) /* a running variance is none of these */
            f->params[i] = -f->params[i];
    if (!type->has_with)
        return;
    f->with = guarded(f, (size_t)(BATCH * f->in) * real);
    f->dwith = guarded(f, (size_t)(BATCH * f->in) * real);
    fill(f->with, BATCH * f->in, 5);
}

static void tear_down(struct fixture *f)
{
    size_t real = sizeof(nn_real);
    assert_guarded(f->x, (size_t)(BATCH * f->in) * real);
    assert_guarded(f->dx, (size_t)(BATCH * f->in) * real);
    assert_guarded(f->y, (size_t)(BATCH * f->out) * real);
    assert_guarded(f->params, (size_t)f->layer.n_params * real);
    assert_guarded(f->dparams, (size_t)f->layer.n_params * real);
    assert_guarded(f->state, BATCH * f->layer.info.state_bytes);
    assert_guarded(f->prepared, f->layer.info.prepared_bytes);
    assert_guarded(f->scratch, f->scratch_bytes);
    if (f->with) {
        assert_guarded(f->with, (size_t)(BATCH * f->in) * real);
        assert_guarded(f->dwith, (size_t)(BATCH * f->in) * real);
    }
    nn_layer_fini(&f->layer);
    fl_arena_fini(&f->arena);
    fl_config_destroy(f->config);
}

static struct nn_call call_for(struct fixture *f, int64_t first, int64_t n)
{
    return (struct nn_call){
        .kernels = f->kernels,
        .opts = f->layer.opts,
        .input = &f->layer.input,
        .output = &f->layer.info.output,
        .n = n,
        .first = first,
        .is_training = true,
        .seed = SEED,
        .layer = 4,
        .state = f->state + (size_t)first * f->layer.info.state_bytes,
        .prepared = f->prepared,
        .scratch = f->scratch,
        .with = f->with ? f->with + first * f->in : NULL,
        .ret_dwith = f->with ? f->dwith + first * f->in : NULL,
    };
}

static void forward(struct fixture *f, int64_t first, int64_t n)
{
    struct nn_call call = call_for(f, first, n);
    f->layer.type->forward(&call, f->params, f->x + first * f->in,
                           f->y + first * f->out);
}

static void backward(struct fixture *f, int64_t first, int64_t n, nn_real *dx)
{
    const struct nn_layer_type *type = f->layer.type;
    struct nn_call call = call_for(f, first, n);
    if (type->prepare)
        type->prepare(&call, f->params);
    if (!dx)
        call.ret_dwith = NULL;
    type->backward(
        &call, f->params, type->needs_x ? f->x + first * f->in : NULL,
        type->needs_y ? f->y + first * f->out : NULL, f->dy + first * f->out,
        dx ? dx + first * f->in : NULL, f->dparams);
}

static nn_real *copy_of(struct fixture *f, const nn_real *from, int64_t n)
{
    nn_real *copy = fl_arena_take(&f->arena, (size_t)n, sizeof *copy);
    assert_non_null(copy);
    memcpy(copy, from, (size_t)n * sizeof *copy);
    return copy;
}

static void set_nan(nn_real *v, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        v[i] = (nn_real)NAN;
}

static void set_value(nn_real *v, int64_t n, double value)
{
    for (int64_t i = 0; i < n; i++)
        v[i] = (nn_real)value;
}

static void assert_same(const nn_real *a, const nn_real *b, int64_t n)
{
    assert_memory_equal(a, b, (size_t)n * sizeof *a);
}

static void
assert_all_near(const nn_real *a, const nn_real *b, int64_t n, double tolerance)
{
    for (int64_t i = 0; i < n; i++)
        assert_near((double)a[i], (double)b[i], tolerance, tolerance);
}

typedef void law_fn(struct fixture *f);

static void for_every_example_of(const struct nn_kernels *kernels, law_fn *law)
{
    for (size_t i = 0; nn_layers[i]; i++) {
        const struct nn_layer_type *type = nn_layers[i];
        assert_non_null(type->examples[0].yaml);
        if (type->is_view)
            continue;
        for (size_t e = 0; type->examples[e].yaml; e++) {
            struct fixture f;
            set_up(&f, kernels, type, &type->examples[e]);
            law(&f);
            tear_down(&f);
        }
    }
}

static void for_every_example(law_fn *law)
{
    const struct nn_kernels *kernels;
    for (int i = 0; (kernels = nn_kernels_at(i)); i++)
        for_every_example_of(kernels, law);
}

static void forward_fills_the_inferred_shape(struct fixture *f)
{
    set_nan(f->y, BATCH * f->out);
    forward(f, 0, BATCH);
    for (int64_t i = 0; i < BATCH * f->out; i++)
        assert_true(isfinite(f->y[i]));
}

static void forward_only_reads(struct fixture *f)
{
    nn_real *x = copy_of(f, f->x, BATCH * f->in);
    nn_real *params = copy_of(f, f->params, f->layer.n_params);
    forward(f, 0, BATCH);
    assert_same(f->x, x, BATCH * f->in);
    assert_same(f->params, params, f->layer.n_params);
}

static void backward_only_reads(struct fixture *f)
{
    forward(f, 0, BATCH);
    nn_real *x = copy_of(f, f->x, BATCH * f->in);
    nn_real *y = copy_of(f, f->y, BATCH * f->out);
    nn_real *dy = copy_of(f, f->dy, BATCH * f->out);
    nn_real *params = copy_of(f, f->params, f->layer.n_params);
    backward(f, 0, BATCH, f->dx);
    assert_same(f->x, x, BATCH * f->in);
    assert_same(f->y, y, BATCH * f->out);
    assert_same(f->dy, dy, BATCH * f->out);
    assert_same(f->params, params, f->layer.n_params);
}

static void samples_do_not_see_each_other(struct fixture *f)
{
    if (f->layer.type->sees_batch)
        return;
    forward(f, 0, BATCH);
    nn_real *whole = copy_of(f, f->y, BATCH * f->out);
    for (int64_t b = BATCH; b-- > 0;)
        forward(f, b, 1);
    assert_all_near(f->y, whole, BATCH * f->out, REORDER_TOLERANCE);
}

static void a_batch_may_be_cut(struct fixture *f)
{
    if (f->layer.type->sees_batch)
        return;
    forward(f, 0, BATCH);
    set_nan(f->dx, BATCH * f->in);
    set_value(f->dparams, f->layer.n_params, 0);
    backward(f, 0, BATCH, f->dx);
    nn_real *dx = copy_of(f, f->dx, BATCH * f->in);
    nn_real *dparams = copy_of(f, f->dparams, f->layer.n_params);
    set_value(f->dparams, f->layer.n_params, 0);
    backward(f, 0, 1, f->dx);
    backward(f, 1, BATCH - 1, f->dx);
    assert_all_near(f->dx, dx, BATCH * f->in, REORDER_TOLERANCE);
    /* sums of up to BATCH * pixels products of numbers below 1 */
    assert_all_near(f->dparams, dparams, f->layer.n_params,
                    10 * REORDER_TOLERANCE);
}

static void parameter_gradients_add_up(struct fixture *f)
{
    forward(f, 0, BATCH);
    set_value(f->dparams, f->layer.n_params, 0);
    backward(f, 0, BATCH, f->dx);
    nn_real *dparams = copy_of(f, f->dparams, f->layer.n_params);
    set_value(f->dparams, f->layer.n_params, 0.5);
    backward(f, 0, BATCH, NULL); /* and nobody wants dx */
    for (int64_t i = 0; i < f->layer.n_params; i++)
        assert_near((double)f->dparams[i], 0.5 + (double)dparams[i],
                    REORDER_TOLERANCE, 10 * REORDER_TOLERANCE);
}

static void the_same_call_gives_the_same_bits(struct fixture *f)
{
    forward(f, 0, BATCH);
    set_value(f->dparams, f->layer.n_params, 0);
    backward(f, 0, BATCH, f->dx);
    nn_real *y = copy_of(f, f->y, BATCH * f->out);
    nn_real *dx = copy_of(f, f->dx, BATCH * f->in);
    nn_real *dparams = copy_of(f, f->dparams, f->layer.n_params);
    memset(f->scratch, 0xFF, f->scratch_bytes);
    set_nan(f->y, BATCH * f->out);
    set_value(f->dparams, f->layer.n_params, 0);
    forward(f, 0, BATCH);
    memset(f->scratch, 0xFF, f->scratch_bytes);
    backward(f, 0, BATCH, f->dx);
    assert_same(f->y, y, BATCH * f->out);
    assert_same(f->dx, dx, BATCH * f->in);
    assert_same(f->dparams, dparams, f->layer.n_params);
}

static void work_in_place_changes_nothing(struct fixture *f)
{
    const struct nn_layer_type *type = f->layer.type;
    if (!type->can_in_place)
        return;
    assert_false(type->needs_x);
    assert_int_equal(f->in, f->out);
    forward(f, 0, BATCH);
    backward(f, 0, BATCH, f->dx);
    struct nn_call call = call_for(f, 0, BATCH);
    type->forward(&call, f->params, f->x, f->x);
    assert_same(f->x, f->y, BATCH * f->out);
    nn_real *dwith = f->with ? copy_of(f, f->dwith, BATCH * f->in) : NULL;
    type->backward(&call, f->params, NULL, type->needs_y ? f->x : NULL, f->dy,
                   f->dy, f->dparams);
    assert_same(f->dy, f->dx, BATCH * f->in);
    if (dwith)
        assert_same(f->dwith, dwith, BATCH * f->in);
}

/* Wherever a large number in x shows, so must a NaN. */
static void a_nan_travels_to_the_output(struct fixture *f)
{
    struct nn_call call = call_for(f, 0, 1);
    call.is_training = false; /* dropout may drop it */
    f->layer.type->forward(&call, f->params, f->x, f->y);
    nn_real *y = copy_of(f, f->y, f->out);
    bool is_ever_seen = false;
    for (int64_t i = 0; i < f->in; i++) {
        nn_real before = f->x[i];
        f->x[i] = 1000;
        f->layer.type->forward(&call, f->params, f->x, f->y);
        bool matters = memcmp(f->y, y, (size_t)f->out * sizeof *y) != 0;
        f->x[i] = (nn_real)NAN;
        f->layer.type->forward(&call, f->params, f->x, f->y);
        bool is_seen = false;
        for (int64_t o = 0; o < f->out; o++)
            is_seen |= isnan(f->y[o]) != 0;
        assert_true(is_seen || !matters);
        is_ever_seen |= is_seen;
        f->x[i] = before;
    }
    assert_true(is_ever_seen);
}

/* One update by backward and nn_update_apply, one fused, from the same start.
 */
static void compare_updates(struct fixture *f,
                            const struct nn_optimizer_opts *opts,
                            bool wants_dx)
{
    int64_t n = f->layer.n_params, n_state = n * nn_optimizer_n_state(opts);
    nn_real *p1 = copy_of(f, f->params, n), *p2 = copy_of(f, f->params, n);
    nn_real *anchor = copy_of(f, f->params, n);
    fill(anchor, n, 9);
    nn_real *s1 = guarded(f, (size_t)n_state * sizeof *s1);
    nn_real *s2 = guarded(f, (size_t)n_state * sizeof *s2);
    for (int64_t i = 0; i < n_state; i++) /* squares are never negative */
        s1[i] = s2[i] = (nn_real)fabs((double)anchor[i % n]);
    set_value(f->dparams, n, 0);
    backward(f, 0, BATCH, f->dx);
    nn_real *dx = copy_of(f, f->dx, BATCH * f->in);
    struct nn_update update = nn_update_of(f->kernels, opts, s1, n, anchor);
    nn_update_apply(&update, 0, n, f->dparams, p1);
    set_nan(f->dx, BATCH * f->in);
    update = nn_update_of(f->kernels, opts, s2, n, anchor);
    struct nn_call call = call_for(f, 0, BATCH);
    f->layer.type->backward_update(&call, p2, f->x, f->dy,
                                   wants_dx ? f->dx : NULL, &update);
    assert_same(p2, p1, n);
    assert_same(s2, s1, n_state);
    if (wants_dx)
        assert_same(f->dx, dx, BATCH * f->in);
}

static void the_fused_update_equals_the_two_steps(struct fixture *f)
{
    static const struct nn_optimizer_opts all[] = {
        {.lr = 0.1},
        {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01},
        {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01, .prox_mu = 0.3},
        {.lr = 0.1, .weight_decay = 0.01, .prox_mu = 0.3},
        {.kind = NN_ADAM,
         .lr = 0.1,
         .weight_decay = 0.01,
         .beta1 = 0.9,
         .beta2 = 0.99,
         .eps = 1e-8,
         .step = 3},
    };
    if (!f->layer.type->backward_update)
        return;
    forward(f, 0, BATCH);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        compare_updates(f, &all[i], true);
    compare_updates(f, &all[0], false);
}

/* Buffers hold what finish puts there: finite numbers, nothing else moves. */
static void finish_writes_buffers_alone(struct fixture *f)
{
    const struct nn_layer_type *type = f->layer.type;
    int64_t n = f->layer.n_trained, n_buffers = f->layer.n_params - n;
    assert_true(type->finish ? n_buffers > 0 : n_buffers == 0);
    if (!type->finish)
        return;
    forward(f, 0, BATCH);
    nn_real *params = copy_of(f, f->params, f->layer.n_params);
    struct nn_call call = call_for(f, 0, BATCH);
    type->finish(&call, f->params);
    assert_same(f->params, params, n);
    assert_true(memcmp(f->params + n, params + n,
                       (size_t)n_buffers * sizeof *params) != 0);
    for (int64_t i = n; i < f->layer.n_params; i++)
        assert_true(isfinite(f->params[i]));
}

/* sum(dy * y), in double */
static double objective(struct fixture *f)
{
    forward(f, 0, BATCH);
    double sum = 0;
    for (int64_t i = 0; i < BATCH * f->out; i++)
        sum += (double)f->dy[i] * (double)f->y[i];
    return sum;
}

static void assert_slope(struct fixture *f, nn_real *at, double expected)
{
    const double h = 1e-5;
    nn_real before = *at;
    *at = (nn_real)((double)before + h);
    double up = objective(f);
    *at = (nn_real)((double)before - h);
    double down = objective(f);
    *at = before;
    /* central differences of sums of 1e3 terms near 1: rounding
     * 1e3 * 1e-16 / h = 1e-8; third derivatives, of the layers that are not
     * piecewise linear, below 1e3 give 1e3 h^2 / 6 = 2e-8 */
    assert_near(expected, (up - down) / (2 * h), 1e-7, 1e-7);
}

static void gradients_agree_with_finite_differences(struct fixture *f)
{
    if (!IS_DOUBLE)
        return;
    forward(f, 0, BATCH);
    set_value(f->dparams, f->layer.n_params, 0);
    backward(f, 0, BATCH, f->dx);
    bool has_slope = !f->layer.type->takes_tokens;
    for (int64_t i = 0; i < BATCH * f->in; i++)
        if (has_slope)
            assert_slope(f, &f->x[i], (double)f->dx[i]);
        else
            assert_true(f->dx[i] == 0);
    for (int64_t i = 0; f->with && i < BATCH * f->in; i++)
        assert_slope(f, &f->with[i], (double)f->dwith[i]);
    for (int64_t i = 0; i < f->layer.n_params; i++)
        assert_slope(f, &f->params[i], (double)f->dparams[i]);
}

#define LAW_TEST(name)                                                         \
    static void test_##name(void **state)                                      \
    {                                                                          \
        (void)state;                                                           \
        for_every_example(name);                                               \
    }
LAW_TEST(forward_fills_the_inferred_shape)
LAW_TEST(forward_only_reads)
LAW_TEST(backward_only_reads)
LAW_TEST(samples_do_not_see_each_other)
LAW_TEST(a_batch_may_be_cut)
LAW_TEST(parameter_gradients_add_up)
LAW_TEST(the_same_call_gives_the_same_bits)
LAW_TEST(work_in_place_changes_nothing)
LAW_TEST(a_nan_travels_to_the_output)
LAW_TEST(the_fused_update_equals_the_two_steps)
LAW_TEST(finish_writes_buffers_alone)
LAW_TEST(gradients_agree_with_finite_differences)

static void test_every_layer_has_a_name_of_its_own_and_a_doc(void **state)
{
    (void)state;
    for (size_t i = 0; nn_layers[i]; i++) {
        assert_ptr_equal(nn_layer_find(nn_layers[i]->name), nn_layers[i]);
        assert_true(strlen(nn_layers[i]->doc) > 10);
    }
    assert_null(nn_layer_find("no such layer"));
}

static void test_a_view_keeps_the_number_of_elements(void **state)
{
    (void)state;
    for (size_t i = 0; nn_layers[i]; i++) {
        const struct nn_layer_type *type = nn_layers[i];
        for (size_t e = 0; type->is_view && type->examples[e].yaml; e++) {
            struct fixture f;
            set_up(&f, nn_kernels_best(), type, &type->examples[e]);
            assert_int_equal(f.in, f.out);
            assert_int_equal(f.layer.n_params, 0);
            tear_down(&f);
        }
    }
}

static void test_dropout_drops_its_share_and_keeps_the_mean(void **state)
{
    (void)state;
    struct nn_layer_example example = {"{kind: dropout, p: 0.25}",
                                       {1, {40000}}};
    struct fixture f;
    set_up(&f, nn_kernels_best(), nn_layer_find("dropout"), &example);
    set_value(f.x, BATCH * f.in, 1);
    forward(&f, 0, BATCH);
    double sum = 0, zeros = 0, n = (double)(BATCH * f.in);
    for (int64_t i = 0; i < BATCH * f.in; i++) {
        sum += (double)f.y[i];
        zeros += f.y[i] == 0;
    }
    /* standard errors at n = 120,000: 0.00125 (share), 0.0017 (mean); five
     * of them */
    assert_near(zeros / n, 0.25, 0, 0.00625);
    assert_near(sum / n, 1, 0, 0.0085);
    assert_true(memcmp(f.y, f.y + f.out, (size_t)f.out * sizeof *f.y) != 0);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_layer_has_a_name_of_its_own_and_a_doc),
        cmocka_unit_test(test_forward_fills_the_inferred_shape),
        cmocka_unit_test(test_forward_only_reads),
        cmocka_unit_test(test_backward_only_reads),
        cmocka_unit_test(test_samples_do_not_see_each_other),
        cmocka_unit_test(test_a_batch_may_be_cut),
        cmocka_unit_test(test_parameter_gradients_add_up),
        cmocka_unit_test(test_the_same_call_gives_the_same_bits),
        cmocka_unit_test(test_work_in_place_changes_nothing),
        cmocka_unit_test(test_a_nan_travels_to_the_output),
        cmocka_unit_test(test_the_fused_update_equals_the_two_steps),
        cmocka_unit_test(test_finish_writes_buffers_alone),
        cmocka_unit_test(test_gradients_agree_with_finite_differences),
        cmocka_unit_test(test_a_view_keeps_the_number_of_elements),
        cmocka_unit_test(test_dropout_drops_its_share_and_keeps_the_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
