/* Texts that are compared letter by letter with files of a golden folder. A
 * program of such tests is run with the folder as argument; with --update
 * behind it the files are rewritten, for review by git diff. */
#ifndef TESTS_RESULTS_GOLDEN_H
#define TESTS_RESULTS_GOLDEN_H

#include <stdbool.h>

struct golden {
    const char *folder;
    bool is_update;
};

/* From a program's arguments; false: how it is used was said on stderr. */
bool golden_init(struct golden *golden, int argc, char **argv);
/* The file of that name holds what was found. */
void golden_check(const struct golden *golden,
                  const char *name,
                  const char *found);

/* Tests of one finished synthetic run, made anew for each. */
struct golden_run {
    struct golden golden;
    char *folder, *run;
};
int golden_run_set_up(void **state);
int golden_run_tear_down(void **state);

#endif
