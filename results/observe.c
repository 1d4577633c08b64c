/* From the ledger to what trackers on the machines would see. */
#include "results/estimates/estimate_priv.h"
#include "results/store/store_seal.h"

#include "base/alloc.h"
#include "base/units.h"

#include <math.h>
#include <stdio.h>

/* An activity is several rows, one per term, of one interval: the interval
 * counts once, the energies add up. Network and overhead are other machines;
 * embodied rows draw nothing. A client's tracker sees what it computes, a
 * server's what it waits, too; kept data are other machines again. */
static const char machines_sql[] =
    "SELECT r.role, z.name, sum(s.busy_s), sum(s.energy_j), sum(s.gco2e)"
    " FROM (SELECT l.role, l.zone, l.t1_s - l.t0_s AS busy_s,"
    "   sum(l.energy_j) AS energy_j, sum(l.emitted_gco2e) AS gco2e"
    "  FROM ledger l JOIN component c ON c.component = l.component"
    "   JOIN phase p ON p.phase = l.phase JOIN role o ON o.role = l.role"
    "  WHERE l.arm = ?1 AND c.term_group IN ('client', 'server')"
    "   AND (p.name IN ('train', 'evaluate', 'serve')"
    "     OR (o.name <> 'client' AND p.name IN ('aggregate', 'wait')))"
    "   AND (o.name <> 'client' OR NOT ?2)"
    "  GROUP BY l.role, l.entity, l.zone, l.round, l.phase, l.t0_s, l.t1_s) s"
    " JOIN role r ON r.role = s.role JOIN zone z ON z.zone = s.zone"
    " GROUP BY s.role, s.zone ORDER BY s.role, s.zone";

static enum fl_status take_machines(sqlite3_stmt *stmt,
                                    const struct res_assumed *assumed,
                                    struct res_observed *ret,
                                    struct fl_error *err)
{
    FL_TRY(fl_grow(&ret->groups, &ret->capacity, ret->n + 1,
                   sizeof ret->groups[0], err));
    struct res_machines *group = &ret->groups[ret->n++];
    *group = (struct res_machines){.observed = carbon_observed_nothing()};
    struct carbon_observed *o = &group->observed;
    (void)snprintf(group->zone, sizeof group->zone, "%s",
                   res_column_text(stmt, 1));
    o->role = (enum carbon_role)sqlite3_column_int(stmt, 0);
    o->busy_s = sqlite3_column_double(stmt, 2);
    o->energy_j = sqlite3_column_double(stmt, 3);
    if (o->energy_j > 0)
        o->zone_gco2e_per_kwh =
            sqlite3_column_double(stmt, 4) / (o->energy_j / FL_J_PER_KWH);
    o->tdp_w = assumed->tdp_w;
    o->load_ratio = assumed->load_ratio;
    o->memory_bytes = assumed->memory_bytes;
    o->pue = assumed->pue;
    o->vcpus = assumed->vcpus;
    o->gpus = assumed->gpus;
    return FL_OK;
}

enum fl_status res_observe(struct res_store *store,
                           int32_t arm,
                           const struct res_estimate_opts *opts,
                           struct res_observed *ret,
                           struct fl_error *err)
{
    sqlite3_stmt *stmt;
    FL_TRY(res_seal_check_ledger(store, err));
    FL_TRY(res_ask(store, machines_sql, &stmt, err, "ii", (int64_t)arm,
                   (int64_t)opts->is_server_only));
    enum fl_status status = FL_OK;
    struct res_observed observed = {0};
    bool has_row = true;
    while (status == FL_OK) {
        status = res_step(store, stmt, &has_row, err);
        if (status != FL_OK || !has_row)
            break;
        status = take_machines(stmt, &opts->assumed, &observed, err);
    }
    sqlite3_finalize(stmt);
    for (size_t i = 0; i < observed.n; i++) /* they stay where they are now */
        observed.groups[i].observed.zone = observed.groups[i].zone;
    if (status == FL_OK)
        *ret = observed;
    else
        res_observed_fini(&observed);
    return status;
}

void res_observed_fini(struct res_observed *observed)
{
    fl_free(observed->groups);
    *observed = (struct res_observed){0};
}

enum fl_status res_find_prices(struct res_store *store,
                               struct res_assumed *assumed,
                               struct fl_error *err)
{
    const struct {
        const char *sql;
        double *place;
    } prices[] = {
        {"SELECT value FROM fact WHERE name = 'price.gpu_hour_low'",
         &assumed->price_low},
        {"SELECT value FROM fact WHERE name = 'price.gpu_hour_high'",
         &assumed->price_high},
        {"SELECT value FROM fact WHERE name = 'price.kwh'",
         &assumed->electricity_price_value},
    };
    for (size_t i = 0; i < sizeof prices / sizeof prices[0]; i++) {
        sqlite3_stmt *stmt;
        if (!isnan(*prices[i].place))
            continue;
        FL_TRY(res_prepare(store, prices[i].sql, &stmt, err));
        bool has_row = false;
        enum fl_status status = res_step(store, stmt, &has_row, err);
        if (status == FL_OK && has_row)
            *prices[i].place = sqlite3_column_double(stmt, 0);
        sqlite3_finalize(stmt);
        FL_TRY(status);
    }
    return FL_OK;
}
