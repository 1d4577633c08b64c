/* A steady step costs computing and nothing else: no memory is asked for, by
 * us or by any library, and no page is touched for the first time. */
#include "nn/kernels/table_priv.h"
#include "nn/model_type.h"
#include "nn/cpu_profile.h"
#include "nn/registry.h"
#include "nn/train.h"

#include "base/alloc.h"
#include "support/assert_near.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define WARM_STEPS 3
#define STEPS      20
/* The kernel may move a page at any moment (compaction, a huge page put
 * together) and then counts a fault that no step caused. One that a step
 * causes comes at every attempt. */
#define ATTEMPTS 5

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) &&         \
    defined(__GLIBC__)
#define COUNTS_MALLOC 1
/* glibc's own names for what the functions below stand before. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *memory, size_t n);
void *__libc_memalign(size_t alignment, size_t n);

static atomic_long mallocs;

void *malloc(size_t n) /* check: allow RAWALLOC: it counts the real one */
{
    atomic_fetch_add(&mallocs, 1);
    return __libc_malloc(n);
}

/* check: allow RAWALLOC: likewise */
void *calloc(size_t n, size_t size)
{
    atomic_fetch_add(&mallocs, 1);
    return __libc_calloc(n, size);
}

/* check: allow RAWALLOC: likewise */
void *realloc(void *memory, size_t n)
{
    atomic_fetch_add(&mallocs, 1);
    return __libc_realloc(memory, n);
}

/* check: allow RAWALLOC: likewise */
void *aligned_alloc(size_t alignment, size_t n)
{
    atomic_fetch_add(&mallocs, 1);
    return __libc_memalign(alignment, n);
}

static long n_mallocs(void)
{
    return atomic_load(&mallocs);
}
#else
#define COUNTS_MALLOC 0
static long n_mallocs(void)
{
    return fl_alloc_fail_at(0); /* our own alone */
}
#endif

static long n_faults(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_minflt + usage.ru_majflt;
}

struct task {
    struct nn_model *model;
    struct nn_workspace *ws;
    struct nn_optimizer_opts optimizer;
    int64_t n; /* of a batch */
    float *params, *state, *x;
    int32_t *labels;
    struct fl_rng rng;
};

static float *numbers(int64_t n)
{
    float *memory = fl_calloc((size_t)n, sizeof *memory);
    assert_non_null(memory);
    return memory;
}

static void set_up(struct task *t, const struct nn_model_type *type)
{
    struct fl_error err;
    *t = (struct task){.optimizer = {.lr = 1e-4, .momentum = 0.9}};
    assert_ok(nn_model_create_named(type->name, &type->example,
                                    type->example_classes, &t->model, &err),
              &err);
    /* Small, so that large models take no more than a second. */
    int64_t macs = nn_model_cost(t->model).macs;
    t->n = macs > 50000000 ? 1 : 4;
    assert_ok(nn_workspace_create(t->model, t->n, &t->ws, &err), &err);
    int64_t n_params = nn_model_n_params(t->model);
    int64_t n_in = t->n * nn_shape_size(nn_model_input(t->model));
    t->params = numbers(n_params);
    t->state = numbers(n_params * nn_optimizer_n_state(&t->optimizer));
    t->x = numbers(n_in);
    t->labels = fl_calloc((size_t)t->n, sizeof *t->labels);
    assert_non_null(t->labels);
    nn_model_init_params(t->model, 1, t->params);
    t->rng = fl_rng_stream(1, FL_RNG_TEST, 0, 0);
    uint64_t classes = (uint64_t)nn_model_classes(t->model);
    bool is_text = nn_model_takes_tokens(t->model);
    for (int64_t i = 0; i < n_in; i++)
        t->x[i] = is_text ? (float)fl_rng_below(&t->rng, classes)
                          : (float)fl_rng_normal(&t->rng);
    for (int64_t i = 0; i < t->n; i++)
        t->labels[i] = (int32_t)fl_rng_below(&t->rng, classes);
}

static void tear_down(struct task *t)
{
    nn_workspace_destroy(t->ws);
    nn_model_destroy(t->model);
    fl_free(t->params);
    fl_free(t->state);
    fl_free(t->x);
    fl_free(t->labels);
}

static void step(struct task *t)
{
    double loss = 0;
    struct fl_error err;
    assert_ok(nn_train_step(t->ws, &t->optimizer, t->params, t->state, NULL,
                            t->x, t->labels, t->n, &t->rng, &loss, &err),
              &err);
    t->optimizer.step++;
}

static void score(struct task *t)
{
    struct nn_score score = {0};
    struct fl_error err;
    assert_ok(
        nn_evaluate(t->ws, t->params, t->x, t->labels, t->n, &score, &err),
        &err);
}

/* Nothing is allocated, ever; nothing faults, in one attempt at least. */
static void
assert_is_steady(struct task *t, void (*work)(struct task *t), const char *what)
{
    for (int i = 0; i < WARM_STEPS; i++)
        work(t);
    long faults = 1;
    for (int attempt = 0; attempt < ATTEMPTS && faults > 0; attempt++) {
        faults = n_faults();
        (void)fl_alloc_fail_at(0);
        long allocations = n_mallocs();
        for (int i = 0; i < STEPS; i++)
            work(t);
        allocations = n_mallocs() - (COUNTS_MALLOC ? allocations : 0);
        faults = n_faults() - faults;
        if (allocations > 0)
            fail_msg("%s: %ld allocations in %d steps", what, allocations,
                     STEPS);
    }
    /* Zero and not few: everything that a step writes lies in the workspace's
     * one arena, in the caller's arrays or on a stack as deep as before, all
     * touched by the first step, and nothing is given back in between. */
    if (COUNTS_MALLOC && faults > 0) /* a sanitizer's own memory may fault */
        fail_msg("%s: %ld page faults in %d steps", what, faults, STEPS);
}

static void test_allocations_are_counted(void **state)
{
    (void)state;
    (void)fl_alloc_fail_at(0);
    long before = n_mallocs();
    fl_free(fl_calloc(10, 1));
    assert_int_equal(n_mallocs() - (COUNTS_MALLOC ? before : 0), 1);
}

static void test_a_steady_step_neither_allocates_nor_faults(void **state)
{
    (void)state;
    for (size_t m = 0; nn_models[m]; m++) {
        struct task t;
        set_up(&t, nn_models[m]);
        assert_is_steady(&t, step, nn_models[m]->name);
        assert_is_steady(&t, score, nn_models[m]->name);
        tear_down(&t);
    }
}

static void test_nor_does_it_with_any_kernels(void **state)
{
    (void)state;
    const struct nn_kernels *kernels;
    for (int i = 0; (kernels = nn_kernels_at(i)) != NULL; i++) {
        struct task t;
        extern const struct nn_model_type nn_model_lenet5;
        set_up(&t, &nn_model_lenet5);
        nn_workspace_use_kernels(t.ws, kernels);
        assert_is_steady(&t, step, kernels->name);
        tear_down(&t);
    }
}

static void test_nor_does_a_step_that_is_timed(void **state)
{
    (void)state;
    extern const struct nn_model_type nn_model_lenet5;
    struct task t;
    struct nn_profile *profile = NULL;
    struct fl_error err;
    set_up(&t, &nn_model_lenet5);
    assert_ok(nn_profile_create(&profile, &err), &err);
    assert_ok(nn_workspace_profile(t.ws, profile, &err), &err);
    assert_is_steady(&t, step, "with a profile");
    tear_down(&t);
    nn_profile_destroy(profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allocations_are_counted),
        cmocka_unit_test(test_a_steady_step_neither_allocates_nor_faults),
        cmocka_unit_test(test_nor_does_it_with_any_kernels),
        cmocka_unit_test(test_nor_does_a_step_that_is_timed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
