#include "live_fixture.h"

#include "support/assert_near.h"

#include <stdio.h>
#include <string.h>

struct res_live *live_open(const char *dir)
{
    struct res_live *live;
    struct fl_error err;
    assert_ok(res_live_create(dir, &live, &err), &err);
    return live;
}

bool live_look(struct res_live *live)
{
    struct fl_error err;
    bool has_changed, is_behind = true, any = false;
    while (is_behind) {
        assert_ok(res_live_look(live, &has_changed, &is_behind, &err), &err);
        any = any || has_changed;
    }
    return any;
}

const struct res_live_arm *live_arm(const struct res_live *live,
                                    const char *name)
{
    const struct res_live_run *run = res_live_run(live, 0);
    for (size_t i = 0; i < run->n_arms; i++)
        if (strcmp(run->arms[i].name, name) == 0)
            return &run->arms[i];
    fail_msg("no arm %s", name);
    return NULL;
}

struct res_store *live_create(const char *dir)
{
    struct res_store *store;
    struct fl_error err;
    assert_ok(res_store_create(dir, RES_CREATE, &store, &err), &err);
    syn_begin(store);
    assert_ok(res_store_set(store, "scenario",
                            "name: a\ntrain:\n  rounds: 30\n"
                            "  centralized:\n    epochs: 4\n",
                            &err),
              &err);
    assert_ok(res_store_commit(store, &err), &err);
    return store;
}

double live_sum(const char *dir, const char *column, int arm)
{
    char sql[128];
    (void)snprintf(sql, sizeof sql,
                   "SELECT total(%s) FROM ledger WHERE arm = %d", column, arm);
    return syn_sql(dir, sql);
}
