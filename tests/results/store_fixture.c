#include "store_fixture.h"

#include "base/alloc.h"
#include "support/assert_near.h"

#include <string.h>

int store_set_up(void **state)
{
    static struct store_fixture fixture;
    fixture = (struct store_fixture){.folder = syn_folder()};
    fixture.dir = syn_path(fixture.folder, "run");
    assert_ok(
        res_store_create(fixture.dir, RES_CREATE, &fixture.store, &fixture.err),
        &fixture.err);
    syn_begin(fixture.store);
    assert_ok(res_store_commit(fixture.store, &fixture.err), &fixture.err);
    *state = &fixture;
    return 0;
}

int store_tear_down(void **state)
{
    struct store_fixture *f = *state;
    res_store_destroy(f->store);
    fl_free(f->dir);
    syn_remove(f->folder);
    return 0;
}

void store_reopen(struct store_fixture *f, enum res_mode mode)
{
    res_store_destroy(f->store);
    f->store = NULL;
    assert_ok(res_store_create(f->dir, mode, &f->store, &f->err), &f->err);
}

void store_refuse(struct store_fixture *f,
                  enum res_mode mode,
                  enum fl_status code,
                  const char *text)
{
    struct res_store *store = NULL;
    enum fl_status status = res_store_create(f->dir, mode, &store, &f->err);
    if (status != code || !strstr(f->err.text, text) ||
        !strstr(f->err.text, f->dir))
        fail_msg("found %s: %s", fl_status_name(status), f->err.text);
    assert_null(store);
}
