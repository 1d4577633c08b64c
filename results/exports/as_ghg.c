/* ghg: emissions by the GHG Protocol's scopes, for one of two inventories.
 *
 *     --perspective server   who runs the data centre. Scope 2: electricity
 *                            of servers and nodes, PUE included. Scope 3:
 *                            clients' devices, the network, making of devices
 *     --perspective clients  who owns the clients' devices. Scope 2: their
 *                            electricity. Scope 3: the rest
 *
 * Scope 1 is 0: the ledger knows no fuel of one's own. Location-based.
 * Life-cycle intensities also count fuel supply and the building of power
 * plants, which the Protocol has in scope 3, category 3; a ledger row cannot be
 * parted into them, so all of it stands where the electricity does.
 *
 * All of the arm's ledger rows, whatever boundary the run's headline has; of
 * the local arm those of all clients that trained. */
#include "results/exporter_priv.h"

#include "base/alloc.h"
#include "base/units.h"
#include "results/records.h"

#include <stddef.h>
#include <string.h>

struct scope_row {
    const char *run, *arm, *perspective, *what, *rule;
    int64_t scope;
    double energy_j, emitted_kgco2e;
};

#define OF(member) false, offsetof(struct scope_row, member)

static const struct res_column columns[] = {
    {"run", "-", "the run's folder", "", RES_COLUMN_TEXT, OF(run)},
    {"arm", "-", "", "", RES_COLUMN_TEXT, OF(arm)},
    {"perspective", "-", "", "", RES_COLUMN_TEXT, OF(perspective)},
    {"scope", "-", "", "", RES_COLUMN_INT, OF(scope)},
    {"what", "-", "", "", RES_COLUMN_TEXT, OF(what)},
    {"energy_kwh", "kWh", "", "", RES_COLUMN_KWH, OF(energy_j)},
    {"emitted_kgco2e", "kgCO2e", "", "", RES_COLUMN_REAL, OF(emitted_kgco2e)},
    {"rule", "-", "", "", RES_COLUMN_TEXT, OF(rule)},
    {0},
};

enum part { FUEL, SITE, DEVICES, NETWORK, MAKING, PART_LAST_ };

static const struct {
    const char *what;
    int64_t scope[RES_PERSPECTIVE_LAST_];
    const char *rule[RES_PERSPECTIVE_LAST_];
} parts[PART_LAST_] = {
    [FUEL] = {"fuel of one's own",
              {1, 1},
              {"none in the ledger", "none in the ledger"}},
    [SITE] = {"electricity of data centres, PUE included",
              {2, 3},
              {"bought for own machines, location-based",
               "bought by others for a service used"}},
    [DEVICES] = {"electricity of clients' devices",
                 {3, 2},
                 {"bought by others for devices that take part",
                  "bought for own devices, location-based"}},
    [NETWORK] = {"electricity of networks",
                 {3, 3},
                 {"bought by carriers and hosts of access points",
                  "bought by carriers and hosts of access points"}},
    [MAKING] = {"making of devices, by share of their life",
                {3, 3},
                {"capital goods, own and others'",
                 "capital goods, own and others'"}},
};

static enum part part_of(const char *group)
{
    static const enum part of[] = {
        [RES_GROUP_CLIENT] = DEVICES,  [RES_GROUP_NETWORK] = NETWORK,
        [RES_GROUP_SERVER] = SITE,     [RES_GROUP_OVERHEAD] = SITE,
        [RES_GROUP_EMBODIED] = MAKING,
    };
    for (int i = 0; i < RES_GROUP_LAST_; i++)
        if (strcmp(group, res_group_names[i]) == 0)
            return of[i];
    return MAKING;
}

static enum fl_status sum_parts(const struct res_exporting *x,
                                const char *arm,
                                struct scope_row acc[PART_LAST_],
                                struct fl_error *err)
{
    sqlite3_stmt *stmt;
    FL_TRY(res_ask(x->store,
                   "SELECT term_group, sum(energy_j), sum(emitted_gco2e)"
                   " FROM arm_component WHERE arm = ? GROUP BY 1",
                   &stmt, err, "t", arm));
    enum fl_status status = FL_OK;
    bool has_row = true;
    while (status == FL_OK) {
        status = res_step(x->store, stmt, &has_row, err);
        if (status != FL_OK || !has_row)
            break;
        struct scope_row *row = &acc[part_of(res_column_text(stmt, 0))];
        row->energy_j += sqlite3_column_double(stmt, 1);
        row->emitted_kgco2e += sqlite3_column_double(stmt, 2) / FL_G_PER_KG;
    }
    sqlite3_finalize(stmt);
    return status;
}

/* The parts of an arm, by scope. */
static enum fl_status fill_arm(const struct res_exporting *x,
                               const char *arm,
                               struct scope_row *ret,
                               struct fl_error *err)
{
    enum res_perspective of = x->opts->perspective;
    struct scope_row sums[PART_LAST_] = {{0}};
    FL_TRY(sum_parts(x, arm, sums, err));
    for (int64_t scope = 1; scope <= 3; scope++)
        for (int p = 0; p < PART_LAST_; p++) {
            if (parts[p].scope[of] != scope)
                continue;
            *ret = sums[p];
            ret->run = x->run->label;
            ret->arm = arm;
            ret->perspective = res_perspective_names[of];
            ret->scope = scope;
            ret->what = parts[p].what;
            ret++->rule = parts[p].rule[of];
        }
    return FL_OK;
}

static enum fl_status
write(const struct res_exporting *x, struct res_text *out, struct fl_error *err)
{
    size_t n = x->run->n_rows;
    struct scope_row *rows = fl_calloc(n * PART_LAST_, sizeof rows[0]);
    if (!rows)
        return fl_fail(err, FL_E_NOMEM, "out of memory");
    enum fl_status status = FL_OK;
    for (size_t i = 0; i < n && status == FL_OK; i++)
        status = fill_arm(x, x->run->rows[i].arm, &rows[i * PART_LAST_], err);
    const struct res_records records = {.columns = columns,
                                        .rows = rows,
                                        .stride = sizeof rows[0],
                                        .n = n * PART_LAST_};
    if (status == FL_OK)
        res_records_csv(&records, out);
    fl_free(rows);
    return status;
}

const struct res_exporter res_export_as_ghg = {
    .name = "ghg",
    .doc = "emissions by scope 1, 2, 3 of the GHG Protocol, CSV, from the "
           "server's or the clients' --perspective",
    .source = "GHG Protocol, Corporate Standard (2004), Scope 2 Guidance "
              "(2015, location-based), Scope 3 Standard (2011)",
    .write = write,
};
