#include "base/lock.h"
#include "support/assert_near.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct place {
    char dir[32], path[48];
};

static struct place place_make(void)
{
    struct place place = {.dir = "/tmp/fl-lock-XXXXXX"};
    assert_non_null(mkdtemp(place.dir));
    (void)snprintf(place.path, sizeof place.path, "%s/lock", place.dir);
    return place;
}

static void place_remove(const struct place *place)
{
    (void)unlink(place->path);
    assert_int_equal(rmdir(place->dir), 0);
}

static void take(const struct place *place, struct fl_lock *ret)
{
    struct fl_error err = {0};
    assert_ok(fl_lock_take(place->path, "here", "works", ret, &err), &err);
}

static void test_one_at_a_time_and_the_other_is_named(void **state)
{
    (void)state;
    struct place place = place_make();
    struct fl_lock lock, other = FL_LOCK_NONE;
    struct fl_error err = {0};
    char expected[64];
    take(&place, &lock);
    assert_int_equal(fl_lock_take(place.path, "here", "works", &other, &err),
                     FL_E_STATE);
    (void)snprintf(expected, sizeof expected, "here: process %ld works",
                   (long)getpid());
    assert_string_equal(err.text, expected);
    fl_lock_drop(&lock);
    assert_int_not_equal(access(place.path, F_OK), 0);
    fl_lock_drop(&lock); /* none any more */
    take(&place, &other);
    fl_lock_drop(&other);
    place_remove(&place);
}

static void test_a_killed_process_holds_nothing(void **state)
{
    (void)state;
    struct place place = place_make();
    int ends[2];
    char byte = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct fl_lock lock;
        if (fl_lock_take(place.path, "here", "works", &lock, NULL) == FL_OK)
            byte = 'x';
        if (write(ends[1], &byte, 1) == 1)
            (void)pause();
        _exit(0);
    }
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_int_equal(byte, 'x');
    struct fl_lock lock = FL_LOCK_NONE;
    assert_int_equal(fl_lock_take(place.path, "here", "works", &lock, NULL),
                     FL_E_STATE);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(access(place.path, F_OK), 0); /* its file is left */
    take(&place, &lock);
    assert_true(lock.was_left);
    fl_lock_leave(&lock); /* and stays for the next */
    take(&place, &lock);
    assert_true(lock.was_left);
    fl_lock_drop(&lock);
    take(&place, &lock);
    assert_false(lock.was_left);
    fl_lock_drop(&lock);
    (void)close(ends[0]);
    (void)close(ends[1]);
    place_remove(&place);
}

static void test_where_nothing_can_be_written_it_says_so(void **state)
{
    (void)state;
    struct fl_lock lock = FL_LOCK_NONE;
    struct fl_error err = {0};
    assert_int_equal(
        fl_lock_take("/nowhere/lock", "here", "works", &lock, &err), FL_E_IO);
    assert_non_null(strstr(err.text, "/nowhere/lock: cannot create"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_at_a_time_and_the_other_is_named),
        cmocka_unit_test(test_a_killed_process_holds_nothing),
        cmocka_unit_test(test_where_nothing_can_be_written_it_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
