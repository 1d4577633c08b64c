/* What tests of the run store share. */
#ifndef TESTS_RESULTS_STORE_FIXTURE_H
#define TESTS_RESULTS_STORE_FIXTURE_H

#include "results/store/store_priv.h"
#include "synthetic.h"

/* A store that is being written, with the arms of the synthetic run. */
struct store_fixture {
    char *folder, *dir;
    struct res_store *store;
    struct fl_error err;
};

/* Of each test: *state is the fixture. */
int store_set_up(void **state);
int store_tear_down(void **state);

/* Closes the store, where one is open, and opens it again. */
void store_reopen(struct store_fixture *f, enum res_mode mode);
/* Opening must fail with this code and a text that names the run. */
void store_refuse(struct store_fixture *f,
                  enum res_mode mode,
                  enum fl_status code,
                  const char *text);

#endif
