/* The laws of nn/fused.h, for every row of fused.def on each of its models:
 * the fused step against the plain steps of its parts. Built twice: with float,
 * and with double, where nothing but the order of sums can differ. */
#include "nn/fused.h"
#include "nn/kernels/table_priv.h"
#include "nn/plan_priv.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/rng.h"
#include "support/assert_near.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define BATCH     3
#define SEED      78
#define IS_DOUBLE (sizeof(nn_real) == sizeof(double))

/* Sums of at most some 2000 products of numbers below 1, in another order or
 * by way of transforms whose factors are below 8. */
#define TOLERANCE (IS_DOUBLE ? 1e-11 : 1e-4)

static const unsigned char guard_byte = 0xA5;
#define GUARD_BYTES 64

/* Memory of one step, and what it computes. */
struct side {
    const struct nn_layer_type *type;
    const struct nn_layer_info *info;
    const void *opts;
    struct nn_shape input, output;
    int64_t n_params;
    unsigned char *state, *prepared, *scratch;
    nn_real *y;
};

struct fixture {
    const struct nn_kernels *kernels;
    struct fl_config *config;
    struct nn_model *model;
    struct nn_plan plan;
    const struct nn_step *step;
    struct fl_arena arena;
    int64_t in, out, n_params; /* of one sample */
    nn_real *x, *with, *dy, *params;
    struct side fused, part[NN_FUSED_MAX];
    size_t n_parts;
};

static void *guarded(struct fixture *f, size_t bytes)
{
    unsigned char *piece = fl_arena_take(&f->arena, bytes + GUARD_BYTES, 1);
    assert_non_null(piece);
    memset(piece, 0xFF, bytes); /* NaN */
    memset(piece + bytes, guard_byte, GUARD_BYTES);
    return piece;
}

static void assert_guarded(const void *piece, size_t bytes)
{
    const unsigned char *guard = (const unsigned char *)piece + bytes;
    for (size_t i = 0; i < GUARD_BYTES; i++)
        assert_int_equal(guard[i], guard_byte);
}

static nn_real *numbers(struct fixture *f, int64_t n)
{
    return guarded(f, (size_t)n * sizeof(nn_real));
}

/* Numbers in +-[0.1, 1). */
static nn_real *drawn(struct fixture *f, int64_t n, uint64_t stream)
{
    nn_real *ret = numbers(f, n);
    struct fl_rng rng = fl_rng_stream(SEED, FL_RNG_TEST, stream, 0);
    for (int64_t i = 0; i < n; i++) {
        double u = 1.8 * fl_rng_uniform(&rng) - 0.9;
        ret[i] = (nn_real)(u < 0 ? u - 0.1 : u + 0.1);
    }
    return ret;
}

static size_t scratch_bytes(const struct side *side)
{
    return side->info->scratch_bytes + BATCH * side->info->scratch_sample_bytes;
}

static void set_up_side(struct fixture *f, struct side *side)
{
    const struct nn_layer_info *info = side->info;
    side->y = numbers(f, BATCH * nn_shape_size(&side->output));
    side->state = guarded(f, BATCH * info->state_bytes);
    side->prepared = guarded(f, info->prepared_bytes);
    side->scratch = guarded(f, scratch_bytes(side));
}

static void assert_side_guarded(const struct side *side)
{
    assert_guarded(side->y, (size_t)(BATCH * nn_shape_size(&side->output)) *
                                sizeof(nn_real));
    assert_guarded(side->state, BATCH * side->info->state_bytes);
    assert_guarded(side->prepared, side->info->prepared_bytes);
    assert_guarded(side->scratch, scratch_bytes(side));
}

/* The one step of this type in the model's plan. */
static void find_step(struct fixture *f, const struct nn_fused_type *fused)
{
    for (size_t s = 0; s < f->plan.n_steps; s++) {
        if (f->plan.steps[s].type != &fused->type)
            continue;
        assert_null(f->step);
        f->step = &f->plan.steps[s];
    }
    assert_non_null(f->step);
}

static void set_up_parts(struct fixture *f)
{
    const struct nn_fused_opts *opts = f->step->opts;
    struct nn_shape shape = f->step->input;
    for (size_t i = 0; i < f->step->n_layers; i++) {
        const struct nn_layer *layer = opts->part[i];
        struct side *part = &f->part[i];
        *part = (struct side){.type = layer->type,
                              .info = &layer->info,
                              .opts = layer->opts,
                              .input = shape,
                              .output = layer->info.output,
                              .n_params = layer->n_params};
        if (layer->type->is_monotone) /* moved behind a pooling */
            part->output = shape;
        shape = part->output;
        set_up_side(f, part);
    }
    f->n_parts = f->step->n_layers;
    assert_int_equal(nn_shape_size(&shape), nn_shape_size(&f->step->output));
}

static void set_up(struct fixture *f,
                   const struct nn_kernels *kernels,
                   const struct nn_fused_type *fused,
                   const struct nn_layer_example *example)
{
    struct fl_error err;
    char text[2048];
    *f = (struct fixture){.kernels = kernels};
    int length = snprintf(text, sizeof text, "model: %s", example->yaml);
    assert_in_range(length, 1, sizeof text - 1);
    assert_ok(
        fl_config_parse("example", text, (size_t)length, &f->config, &err),
        &err);
    const struct fl_node *spec =
        fl_node_find(fl_config_root(f->config), "model");
    assert_ok(
        nn_model_create(f->config, spec, &example->input, 10, &f->model, &err),
        &err);
    assert_ok(nn_plan_init(&f->plan, f->model, BATCH, false, &err), &err);
    find_step(f, fused);
    assert_ok(fl_arena_init(&f->arena, (size_t)64 << 20, &err), &err);
    f->in = f->step->in_size;
    f->out = f->step->out_size;
    f->n_params = f->step->n_params;
    f->x = drawn(f, BATCH * f->in, 1);
    f->dy = drawn(f, BATCH * f->out, 2);
    f->params = drawn(f, f->n_params, 3);
    f->with = drawn(f, BATCH * f->out, 4);
    f->fused = (struct side){.type = &fused->type,
                             .info = f->step->info,
                             .opts = f->step->opts,
                             .input = f->step->input,
                             .output = f->step->output};
    set_up_side(f, &f->fused);
    set_up_parts(f);
}

static void tear_down(struct fixture *f)
{
    assert_side_guarded(&f->fused);
    for (size_t i = 0; i < f->n_parts; i++)
        assert_side_guarded(&f->part[i]);
    fl_arena_fini(&f->arena);
    nn_plan_fini(&f->plan);
    nn_model_destroy(f->model);
    fl_config_destroy(f->config);
}

static struct nn_call
call_for(const struct fixture *f, struct side *side, int64_t first, int64_t n)
{
    return (struct nn_call){
        .kernels = f->kernels,
        .opts = side->opts,
        .input = &side->input,
        .output = &side->output,
        .n = n,
        .first = first,
        .is_training = true,
        .seed = SEED,
        .layer = 4,
        .state = side->state + (size_t)first * side->info->state_bytes,
        .prepared = side->prepared,
        .scratch = side->scratch,
        .with = side->type->has_with ? f->with + first * f->out : NULL,
    };
}

/* What a step computes; gradients of parameters add to 0.5. */
struct results {
    nn_real *y, *dx, *dwith, *dparams;
};

static struct results results_create(struct fixture *f)
{
    struct results r = {
        .y = numbers(f, BATCH * f->out),
        .dx = numbers(f, BATCH * f->in),
        .dwith = numbers(f, BATCH * f->out),
        .dparams = numbers(f, f->n_params),
    };
    for (int64_t i = 0; i < f->n_params; i++)
        r.dparams[i] = (nn_real)0.5;
    return r;
}

static void run_fused(struct fixture *f,
                      int64_t first,
                      int64_t n,
                      struct results *r,
                      bool wants_dx)
{
    struct side *side = &f->fused;
    const struct nn_layer_type *type = side->type;
    const nn_real *x = f->x + first * f->in;
    nn_real *y = r->y + first * f->out;
    struct nn_call call = call_for(f, side, first, n);
    type->forward(&call, f->params, x, y);
    memset(side->scratch, 0xFF, scratch_bytes(side));
    if (type->prepare && wants_dx)
        type->prepare(&call, f->params);
    call.ret_dwith = type->has_with ? r->dwith + first * f->out : NULL;
    type->backward(&call, f->params, type->needs_x ? x : NULL,
                   type->needs_y ? y : NULL, f->dy + first * f->out,
                   wants_dx ? r->dx + first * f->in : NULL, r->dparams);
    memset(side->scratch, 0xFF, scratch_bytes(side));
}

/* The parts one after the other, on the whole batch. */
static void run_plain(struct fixture *f, struct results *r)
{
    nn_real *params = f->params, *dparams = r->dparams;
    const nn_real *x = f->x;
    for (size_t i = 0; i < f->n_parts; i++) {
        struct side *part = &f->part[i];
        struct nn_call call = call_for(f, part, 0, BATCH);
        part->type->forward(&call, params, x, part->y);
        if (part->type->prepare)
            part->type->prepare(&call, params);
        params += part->n_params;
        x = part->y;
    }
    memcpy(r->y, x, (size_t)(BATCH * f->out) * sizeof *x);
    dparams += params - f->params;
    const nn_real *dy = f->dy;
    for (size_t i = f->n_parts; i-- > 0;) {
        struct side *part = &f->part[i];
        params -= part->n_params;
        dparams -= part->n_params;
        struct nn_call call = call_for(f, part, 0, BATCH);
        call.ret_dwith = part->type->has_with ? r->dwith : NULL;
        nn_real *dx =
            i ? numbers(f, BATCH * nn_shape_size(&part->input)) : r->dx;
        const nn_real *in = i ? f->part[i - 1].y : f->x;
        part->type->backward(&call, params, part->type->needs_x ? in : NULL,
                             part->type->needs_y ? part->y : NULL, dy, dx,
                             dparams);
        dy = dx;
    }
}

static void
assert_all_near(const nn_real *a, const nn_real *b, int64_t n, double tolerance)
{
    for (int64_t i = 0; i < n; i++)
        assert_near((double)a[i], (double)b[i], tolerance, tolerance);
}

static void assert_same(const nn_real *a, const nn_real *b, int64_t n)
{
    assert_memory_equal(a, b, (size_t)n * sizeof *a);
}

typedef void law_fn(struct fixture *f);

static void for_every_model(law_fn *law)
{
    const struct nn_kernels *kernels;
    for (int k = 0; (kernels = nn_kernels_at(k)); k++)
        for (size_t i = 0; nn_fused[i]; i++)
            for (size_t m = 0; nn_fused[i]->models[m].yaml; m++) {
                struct fixture f;
                set_up(&f, kernels, nn_fused[i], &nn_fused[i]->models[m]);
                law(&f);
                tear_down(&f);
            }
}

static void equals_the_plain_steps(struct fixture *f)
{
    struct results fused = results_create(f), plain = results_create(f);
    run_fused(f, 0, BATCH, &fused, true);
    run_plain(f, &plain);
    assert_all_near(fused.y, plain.y, BATCH * f->out, TOLERANCE);
    assert_all_near(fused.dx, plain.dx, BATCH * f->in, TOLERANCE);
    /* sums over the batch's pixels besides */
    assert_all_near(fused.dparams, plain.dparams, f->n_params, 10 * TOLERANCE);
    if (f->fused.type->has_with)
        assert_all_near(fused.dwith, plain.dwith, BATCH * f->out, TOLERANCE);
}

static void needs_no_dx(struct fixture *f)
{
    struct results with = results_create(f), without = results_create(f);
    run_fused(f, 0, BATCH, &with, true);
    run_fused(f, 0, BATCH, &without, false);
    assert_same(without.dparams, with.dparams, f->n_params);
}

static void a_batch_may_be_cut(struct fixture *f)
{
    struct results whole = results_create(f), cut = results_create(f);
    run_fused(f, 0, BATCH, &whole, true);
    for (int64_t b = BATCH; b-- > 0;)
        run_fused(f, b, 1, &cut, true);
    assert_same(cut.y, whole.y, BATCH * f->out);
    assert_same(cut.dx, whole.dx, BATCH * f->in);
    assert_all_near(cut.dparams, whole.dparams, f->n_params, 10 * TOLERANCE);
}

static void only_reads(struct fixture *f)
{
    struct results r = results_create(f);
    nn_real *x = drawn(f, BATCH * f->in, 1), *dy = drawn(f, BATCH * f->out, 2);
    nn_real *params = drawn(f, f->n_params, 3);
    run_fused(f, 0, BATCH, &r, true);
    assert_same(f->x, x, BATCH * f->in);
    assert_same(f->dy, dy, BATCH * f->out);
    assert_same(f->params, params, f->n_params);
}

/* Whether a NaN in each pixel of x shows wherever it does in the plain steps.
 */
static void a_nan_travels_to_the_output(struct fixture *f)
{
    struct results r = results_create(f), plain = results_create(f);
    for (int64_t i = 0; i < f->in; i += f->in / 7 + 1) {
        nn_real before = f->x[i];
        f->x[i] = (nn_real)NAN;
        run_fused(f, 0, BATCH, &r, true);
        run_plain(f, &plain);
        for (int64_t o = 0; o < f->out; o++)
            assert_true(!isnan(plain.y[o]) || isnan(r.y[o]));
        f->x[i] = before;
    }
}

#define LAW_TEST(name)                                                         \
    static void test_##name(void **state)                                      \
    {                                                                          \
        (void)state;                                                           \
        for_every_model(name);                                                 \
    }
LAW_TEST(equals_the_plain_steps)
LAW_TEST(needs_no_dx)
LAW_TEST(a_batch_may_be_cut)
LAW_TEST(only_reads)
LAW_TEST(a_nan_travels_to_the_output)

/* Tables with fused multiply-add agree to the bit: all but the last. */
static void test_tables_with_fused_multiply_add_agree(void **state)
{
    (void)state;
    for (int k = 1; nn_kernels_at(k) && nn_kernels_at(k + 1); k++)
        for (size_t i = 0; nn_fused[i]; i++)
            for (size_t m = 0; nn_fused[i]->models[m].yaml; m++) {
                struct fixture f;
                set_up(&f, nn_kernels_at(0), nn_fused[i],
                       &nn_fused[i]->models[m]);
                struct results a = results_create(&f), b = results_create(&f);
                run_fused(&f, 0, BATCH, &a, true);
                f.kernels = nn_kernels_at(k);
                run_fused(&f, 0, BATCH, &b, true);
                assert_same(b.y, a.y, BATCH * f.out);
                assert_same(b.dx, a.dx, BATCH * f.in);
                assert_same(b.dparams, a.dparams, f.n_params);
                tear_down(&f);
            }
}

static void test_every_row_has_a_name_a_doc_and_models(void **state)
{
    (void)state;
    for (size_t i = 0; nn_fused[i]; i++) {
        assert_non_null(nn_fused[i]->type.name);
        assert_true(strlen(nn_fused[i]->type.doc) > 10);
        assert_non_null(nn_fused[i]->models[0].yaml);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(nn_fused[j]->type.name,
                                    nn_fused[i]->type.name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_has_a_name_a_doc_and_models),
        cmocka_unit_test(test_equals_the_plain_steps),
        cmocka_unit_test(test_needs_no_dx),
        cmocka_unit_test(test_a_batch_may_be_cut),
        cmocka_unit_test(test_only_reads),
        cmocka_unit_test(test_a_nan_travels_to_the_output),
        cmocka_unit_test(test_tables_with_fused_multiply_add_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
