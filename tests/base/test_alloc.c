/* Heap and arena: growth, refusals, alignment. */
#include "support/assert_near.h"

#include "base/alloc.h"
#include "base/arena.h"

#include <string.h>

static void test_grown_arrays_keep_their_members(void **state)
{
    (void)state;
    int *array = NULL;
    size_t capacity = 0;
    struct fl_error err = {0};
    for (int i = 0; i < 10000; i++) {
        assert_ok(
            fl_grow(&array, &capacity, (size_t)i + 1, sizeof *array, &err),
            &err);
        assert_int_equal(array[i], 0); /* new room is zeroed */
        array[i] = i;
    }
    for (int i = 0; i < 10000; i++)
        assert_int_equal(array[i], i);
    fl_free(array);
}

static void test_a_refused_growth_changes_nothing(void **state)
{
    (void)state;
    int *array = NULL;
    size_t capacity = 0;
    struct fl_error err = {0};
    assert_ok(fl_grow(&array, &capacity, 4, sizeof *array, &err), &err);
    array[3] = 7;
    size_t before = capacity;
    (void)fl_alloc_fail_at(1);
    assert_int_equal(
        fl_grow(&array, &capacity, before + 1, sizeof *array, &err),
        FL_E_NOMEM);
    (void)fl_alloc_fail_at(0);
    assert_int_equal(capacity, before);
    assert_int_equal(array[3], 7);
    assert_int_equal(fl_grow(&array, &capacity, SIZE_MAX, sizeof *array, &err),
                     FL_E_NOMEM); /* the product overflows */
    fl_free(array);
}

static void test_products_that_overflow_give_no_memory(void **state)
{
    (void)state;
    assert_null(fl_calloc(SIZE_MAX / 2, 4));
    void *nothing = fl_calloc(0, 8);
    assert_non_null(nothing);
    fl_free(nothing);
    fl_free(NULL);
}

static void test_arena_pieces_are_aligned_and_apart(void **state)
{
    (void)state;
    struct fl_arena arena = {0};
    struct fl_error err = {0};
    size_t need = fl_arena_bytes(3, 1) + fl_arena_bytes(100, 8);
    assert_ok(fl_arena_init(&arena, need, &err), &err);
    unsigned char *a = fl_arena_take(&arena, 3, 1);
    size_t mark = arena.used_bytes;
    double *b = fl_arena_take(&arena, 100, 8);
    assert_non_null(a);
    assert_non_null(b);
    assert_int_equal((uintptr_t)a % 64, 0);
    assert_int_equal((uintptr_t)b % 64, 0);
    memset(a, 255, 3);
    for (int i = 0; i < 100; i++)
        assert_true(b[i] == 0);
    assert_null(fl_arena_take(&arena, 1, 1)); /* exhausted */
    assert_null(fl_arena_take(&arena, SIZE_MAX, 2));
    fl_arena_rewind(&arena, mark);
    assert_ptr_equal(fl_arena_take(&arena, 100, 8), b);
    fl_arena_fini(&arena);
    fl_arena_fini(&arena); /* copes with a zeroed arena */
}

/* A huge page begins at a multiple of its size and lies whole in its mapping:
 * only then can the system use one. */
static void test_a_large_arena_has_room_for_huge_pages(void **state)
{
    (void)state;
    const size_t huge = (size_t)2 << 20;
    static const size_t wanted[] = {(size_t)2 << 20, ((size_t)2 << 20) + 1,
                                    (size_t)5 << 20};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        struct fl_error err;
        struct fl_arena arena = {0};
        assert_ok(fl_arena_init(&arena, wanted[i], &err), &err);
        assert_true((uintptr_t)arena.memory % huge == 0);
        assert_true(arena.size_bytes >= wanted[i]);
        assert_true(arena.size_bytes % huge == 0);
        unsigned char *all = fl_arena_take(&arena, arena.size_bytes, 1);
        assert_non_null(all);
        for (size_t at = 0; at < arena.size_bytes; at += 4096)
            assert_int_equal(all[at], 0);
        all[arena.size_bytes - 1] = 1;
        fl_arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grown_arrays_keep_their_members),
        cmocka_unit_test(test_a_refused_growth_changes_nothing),
        cmocka_unit_test(test_products_that_overflow_give_no_memory),
        cmocka_unit_test(test_arena_pieces_are_aligned_and_apart),
        cmocka_unit_test(test_a_large_arena_has_room_for_huge_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
