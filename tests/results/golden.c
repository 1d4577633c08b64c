#include "golden.h"

#include "base/alloc.h"
#include "base/file.h"
#include "support/assert_near.h"
#include "synthetic.h"

#include <stdio.h>
#include <string.h>

bool golden_init(struct golden *golden, int argc, char **argv)
{
    if (argc < 2) {
        (void)fprintf(stderr, "usage: %s GOLDEN_FOLDER [--update]\n", argv[0]);
        return false;
    }
    golden->folder = argv[1];
    golden->is_update = argc > 2 && strcmp(argv[2], "--update") == 0;
    return true;
}

void golden_check(const struct golden *golden,
                  const char *name,
                  const char *found)
{
    struct fl_error err = {0};
    char *path = syn_path(golden->folder, name);
    if (golden->is_update)
        assert_ok(fl_file_write(path, found, strlen(found), &err), &err);
    char *wanted = syn_read(path, NULL);
    assert_string_equal(found, wanted);
    fl_free(wanted);
    fl_free(path);
}

int golden_run_set_up(void **state)
{
    struct golden_run *f = *state;
    f->folder = syn_folder();
    f->run = syn_run(f->folder, "run-a", true);
    return 0;
}

int golden_run_tear_down(void **state)
{
    struct golden_run *f = *state;
    fl_free(f->run);
    syn_remove(f->folder);
    return 0;
}
