#include "results/trees/curve.h"

#include "base/alloc.h"
#include "base/parse.h"
#include "base/units.h"

#include <math.h>
#include <string.h>

/* As rounds.csv has them, so that the sums are the same to the last bit. */
static const char rounds_sql[] =
    "SELECT round, sim_time_s, accuracy, loss, train_loss, updates, refused,"
    " cumulative_energy_j, cumulative_gco2e FROM round_cumulative"
    " WHERE arm = ?1 ORDER BY round";

static const char components_sql[] =
    "SELECT l.round, l.component, c.name, sum(l.energy_j),"
    " sum(l.emitted_gco2e) FROM ledger l JOIN component c USING (component)"
    " JOIN arm a USING (arm) WHERE a.name = ?1"
    " GROUP BY l.round, l.component ORDER BY l.round, l.component";

struct sum {
    int64_t component;
    char *energy_series, *carbon_series;
    double energy_j, gco2e;
};

struct curve {
    struct res_store *store;
    sqlite3_stmt *rounds, *components;
    bool has_component; /* a row of components is waiting */
    struct sum *sums;   /* by component, in the order of their numbers */
    size_t n, capacity;
    res_curve_fn take;
    void *arg;
    struct res_curve_value waiting; /* one behind, to know the round's last */
    bool is_waiting;
};

static enum fl_status
hand_over(struct curve *curve, bool is_last, struct fl_error *err)
{
    if (!curve->is_waiting)
        return FL_OK;
    curve->is_waiting = false;
    return curve->take(curve->arg, &curve->waiting, is_last, err);
}

static enum fl_status
put(struct curve *curve, const char *series, double value, struct fl_error *err)
{
    if (isnan(value))
        return FL_OK;
    FL_TRY(hand_over(curve, false, err));
    curve->waiting = (struct res_curve_value){
        .series = series,
        .round = sqlite3_column_int64(curve->rounds, 0),
        .sim_time_s = sqlite3_column_double(curve->rounds, 1),
        .value = value};
    curve->is_waiting = true;
    return FL_OK;
}

static enum fl_status name_series(const char *kind,
                                  const char *component,
                                  char **ret,
                                  struct fl_error *err)
{
    struct res_text text = {0};
    res_text_put(&text, kind);
    res_text_put_utf8(&text, component);
    *ret = fl_strdup(res_text_get(&text));
    enum fl_status status = res_text_check(&text, err);
    res_text_fini(&text);
    return *ret ? status : fl_fail(err, FL_E_NOMEM, "out of memory: series");
}

/* The sum of a component; new ones stand in the order of their numbers. */
static enum fl_status find_sum(struct curve *curve,
                               int64_t component,
                               const char *name,
                               struct sum **ret,
                               struct fl_error *err)
{
    size_t at = 0;
    while (at < curve->n && curve->sums[at].component < component)
        at++;
    *ret = &curve->sums[at];
    if (at < curve->n && curve->sums[at].component == component)
        return FL_OK;
    FL_TRY(fl_grow(&curve->sums, &curve->capacity, curve->n + 1,
                   sizeof curve->sums[0], err));
    *ret = &curve->sums[at];
    memmove(*ret + 1, *ret, (curve->n - at) * sizeof **ret);
    curve->n++;
    **ret = (struct sum){.component = component};
    FL_TRY(name_series("energy/kWh/", name, &(*ret)->energy_series, err));
    return name_series("carbon/gCO2e/", name, &(*ret)->carbon_series, err);
}

/* Adds up the components' rows up to and with a round. */
static enum fl_status
add_until(struct curve *curve, int64_t round, struct fl_error *err)
{
    sqlite3_stmt *stmt = curve->components;
    while (curve->has_component && sqlite3_column_int64(stmt, 0) <= round) {
        struct sum *sum = NULL;
        FL_TRY(find_sum(curve, sqlite3_column_int64(stmt, 1),
                        res_column_text(stmt, 2), &sum, err));
        sum->energy_j += sqlite3_column_double(stmt, 3);
        sum->gco2e += sqlite3_column_double(stmt, 4);
        FL_TRY(res_step(curve->store, stmt, &curve->has_component, err));
    }
    return FL_OK;
}

static enum fl_status put_round(struct curve *curve, struct fl_error *err)
{
    static const struct {
        const char *series;
        int column;
    } plain[] = {{"accuracy/test", 2},   {"loss/test", 3},
                 {"loss/train", 4},      {"updates/accepted", 5},
                 {"updates/refused", 6}, {"energy/kWh/all", 7},
                 {"carbon/gCO2e/all", 8}};
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        double value = res_column_real(curve->rounds, plain[i].column);
        if (plain[i].column == 7)
            value /= FL_J_PER_KWH;
        FL_TRY(put(curve, plain[i].series, value, err));
    }
    FL_TRY(add_until(curve, sqlite3_column_int64(curve->rounds, 0), err));
    for (size_t i = 0; i < curve->n; i++) {
        const struct sum *sum = &curve->sums[i];
        if (sum->energy_j > 0)
            FL_TRY(put(curve, sum->energy_series, sum->energy_j / FL_J_PER_KWH,
                       err));
        FL_TRY(put(curve, sum->carbon_series, sum->gco2e, err));
    }
    return hand_over(curve, true, err);
}

static enum fl_status
walk(struct curve *curve, const char *arm, struct fl_error *err)
{
    bool has_row = false;
    struct res_store *store = curve->store;
    FL_TRY(res_ask(store, rounds_sql, &curve->rounds, err, "t", arm));
    FL_TRY(res_ask(store, components_sql, &curve->components, err, "t", arm));
    FL_TRY(res_step(store, curve->components, &curve->has_component, err));
    for (;;) {
        FL_TRY(res_step(store, curve->rounds, &has_row, err));
        if (!has_row)
            return FL_OK;
        FL_TRY(put_round(curve, err));
    }
}

enum fl_status res_curve(const struct res_exporting *x,
                         const struct res_row *row,
                         res_curve_fn take,
                         void *arg,
                         struct fl_error *err)
{
    struct curve curve = {.store = x->store, .take = take, .arg = arg};
    enum fl_status status = walk(&curve, row->arm, err);
    sqlite3_finalize(curve.rounds);
    sqlite3_finalize(curve.components);
    for (size_t i = 0; i < curve.n; i++) {
        fl_free(curve.sums[i].energy_series);
        fl_free(curve.sums[i].carbon_series);
    }
    fl_free(curve.sums);
    return status;
}

enum fl_status res_started(const struct res_exporting *x,
                           int64_t *ret_epoch_s,
                           struct fl_error *err)
{
    char *text = NULL;
    FL_TRY(res_meta_text(x, "started_utc", &text, err));
    if (fl_parse_utc(text, ret_epoch_s, NULL) != FL_OK)
        *ret_epoch_s = 0;
    fl_free(text);
    return FL_OK;
}
