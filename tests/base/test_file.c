/* Files: read whole (gz too), written whole or not at all, mapped. */
#include "support/assert_near.h"

#include "base/alloc.h"
#include "base/file.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

static char dir[] = "/tmp/fl-test-file-XXXXXX";

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static const char *path(const char *name, char buffer[300])
{
    struct fl_error err = {0};
    assert_ok(fl_path_join(dir, name, buffer, 300, &err), &err);
    return buffer;
}

static int remove_dir(void **state)
{
    (void)state;
    static const char *const names[] = {"a",      "a.gz", "cut.gz",
                                        "empty",  "big",  "link",
                                        "target", "pipe", "nowhere"};
    char buffer[300];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        (void)unlink(path(names[i], buffer));
    (void)rmdir(path("x/y", buffer));
    (void)rmdir(path("x", buffer));
    return rmdir(dir);
}

static void test_what_is_written_is_read(void **state)
{
    (void)state;
    char name[300];
    uint8_t *bytes = NULL;
    size_t n = 0;
    struct fl_error err = {0};
    assert_ok(fl_file_write(path("a", name), "hello\0x", 7, &err), &err);
    assert_ok(fl_file_read(name, 100, &bytes, &n, &err), &err);
    assert_int_equal(n, 7);
    assert_memory_equal(bytes, "hello\0x", 8); /* a NUL stands behind */
    fl_free(bytes);
    assert_int_equal(fl_file_read(name, 6, &bytes, &n, &err), FL_E_FORMAT);
    const uint8_t *mapped = NULL;
    assert_ok(fl_file_map(name, &mapped, &n, &err), &err);
    fl_file_read_ahead(mapped, n);
    assert_memory_equal(mapped, "hello\0x", 7);
    fl_file_unmap(mapped, n);
}

static void test_gzip_is_read_and_its_damage_noticed(void **state)
{
    (void)state;
    char name[300], cut[300];
    uint8_t *bytes = NULL;
    size_t n = 0;
    struct fl_error err = {0};
    static uint8_t data[3 << 20]; /* some chunks */
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 2654435761u >> 13);
    gzFile gz = gzopen(path("a.gz", name), "wb1");
    assert_non_null(gz);
    assert_int_equal(gzwrite(gz, data, sizeof data), sizeof data);
    assert_int_equal(gzclose(gz), Z_OK);
    assert_ok(fl_file_read(name, sizeof data, &bytes, &n, &err), &err);
    assert_int_equal(n, sizeof data);
    assert_memory_equal(bytes, data, sizeof data);
    fl_free(bytes);

    int fd = open(name, O_RDONLY);
    struct stat info;
    assert_int_equal(fstat(fd, &info), 0);
    uint8_t *packed = fl_calloc((size_t)info.st_size, 1);
    assert_int_equal(read(fd, packed, (size_t)info.st_size), info.st_size);
    (void)close(fd);
    static const double parts[] = {0.0001, 0.3, 0.9, 0.9999};
    for (size_t i = 0; i < 4; i++) { /* truncated */
        size_t kept = (size_t)(parts[i] * (double)info.st_size) + 3;
        assert_ok(fl_file_write(path("cut.gz", cut), packed, kept, &err), &err);
        bytes = NULL;
        assert_int_equal(fl_file_read(cut, sizeof data, &bytes, &n, &err),
                         FL_E_FORMAT);
        assert_non_null(strstr(err.text, "cut.gz"));
    }
    packed[info.st_size / 2] ^= 0x40; /* damaged */
    assert_ok(fl_file_write(cut, packed, (size_t)info.st_size, &err), &err);
    assert_int_equal(fl_file_read(cut, sizeof data, &bytes, &n, &err),
                     FL_E_FORMAT);
    fl_free(packed);
}

static void test_missing_and_impossible_files(void **state)
{
    (void)state;
    char name[300];
    uint8_t *bytes = NULL;
    const uint8_t *mapped = NULL;
    size_t n = 0;
    struct fl_error err = {0};
    assert_int_equal(fl_file_read(path("none", name), 10, &bytes, &n, &err),
                     FL_E_IO);
    assert_non_null(strstr(err.text, "none"));
    assert_int_equal(fl_file_read(dir, 10, &bytes, &n, &err), FL_E_IO);
    assert_int_equal(fl_file_write("/none/such", "x", 1, &err), FL_E_IO);
    assert_ok(fl_file_write(path("empty", name), "", 0, &err), &err);
    assert_int_equal(fl_file_map(name, &mapped, &n, &err), FL_E_FORMAT);
    char longest[400];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(fl_path_join(dir, longest, name, 300, &err), FL_E_ARG);
}

static void test_folders_are_made_with_their_parents(void **state)
{
    (void)state;
    char name[300];
    struct fl_error err = {0};
    assert_ok(fl_dir_create(path("x/y", name), &err), &err);
    assert_ok(fl_dir_create(name, &err), &err); /* is there already */
    assert_ok(fl_file_write(path("a", name), "1", 1, &err), &err);
    assert_int_equal(fl_dir_create(name, &err), FL_E_IO); /* a file */
    assert_int_equal(fl_dir_create("", &err), FL_E_ARG);
}

/* A limit on file sizes stands for a full disk. */
static void test_a_full_disk_leaves_the_old_file(void **state)
{
    (void)state;
    char name[300], temporary[330];
    struct fl_error err = {0};
    assert_ok(fl_file_write(path("big", name), "old", 3, &err), &err);
    pid_t child = fork();
    if (child == 0) {
        static char block[1 << 16];
        struct rlimit limit = {1000, 1000};
        (void)signal(SIGXFSZ, SIG_IGN);
        (void)setrlimit(RLIMIT_FSIZE, &limit);
        _exit(fl_file_write(name, block, sizeof block, &err) == FL_E_IO ? 0
                                                                        : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    uint8_t *bytes = NULL;
    size_t n = 0;
    assert_ok(fl_file_read(name, 100, &bytes, &n, &err), &err);
    assert_string_equal((char *)bytes, "old");
    fl_free(bytes);
    (void)snprintf(temporary, sizeof temporary, "%s.tmp-%ld", name,
                   (long)child);
    assert_int_not_equal(access(temporary, F_OK), 0); /* nothing is left */
}

static mode_t kind_of(const char *name)
{
    struct stat info;
    assert_int_equal(lstat(name, &info), 0);
    return info.st_mode & S_IFMT;
}

/* As /dev/null: whoever may would have put a plain file there, for all. */
static void test_a_pipe_is_written_into_and_stays(void **state)
{
    (void)state;
    char name[300], text[8] = "";
    struct fl_error err = {0};
    assert_int_equal(mkfifo(path("pipe", name), 0600), 0);
    assert_int_equal(fl_file_write(name, "x", 1, &err), FL_E_IO);
    int reader = open(name, O_RDONLY | O_NONBLOCK); /* now there is one */
    assert_true(reader >= 0);
    assert_ok(fl_file_write(name, "page", 4, &err), &err);
    assert_int_equal(read(reader, text, sizeof text - 1), 4);
    assert_string_equal(text, "page");
    assert_int_equal(fl_file_write_private(name, "key", 3, &err), FL_E_IO);
    assert_non_null(strstr(err.text, "no plain file"));
    assert_int_equal(kind_of(name), S_IFIFO);
    (void)close(reader);
}

static void assert_holds(const char *name, const char *text)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    struct fl_error err = {0};
    assert_ok(fl_file_read(name, 100, &bytes, &n, &err), &err);
    assert_string_equal((char *)bytes, text);
    fl_free(bytes);
}

static void test_a_link_stays_and_leads_to_what_was_written(void **state)
{
    (void)state;
    char link[300], target[300], nowhere[300];
    struct fl_error err = {0};
    assert_ok(fl_file_write(path("target", target), "old", 3, &err), &err);
    assert_int_equal(symlink("target", path("link", link)), 0);
    assert_ok(fl_file_write(link, "new", 3, &err), &err);
    assert_int_equal(kind_of(link), S_IFLNK);
    assert_holds(target, "new");
    assert_ok(fl_file_write_private(link, "key", 3, &err), &err);
    assert_int_equal(kind_of(link), S_IFREG); /* the secret went nowhere */
    assert_holds(target, "new");
    assert_int_equal(symlink("no/such", path("nowhere", nowhere)), 0);
    assert_ok(fl_file_write(nowhere, "1", 1, &err), &err);
    assert_int_equal(kind_of(nowhere), S_IFREG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_gzip_is_read_and_its_damage_noticed),
        cmocka_unit_test(test_missing_and_impossible_files),
        cmocka_unit_test(test_folders_are_made_with_their_parents),
        cmocka_unit_test(test_a_full_disk_leaves_the_old_file),
        cmocka_unit_test(test_a_pipe_is_written_into_and_stays),
        cmocka_unit_test(test_a_link_stays_and_leads_to_what_was_written),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
