#include "results/uncertain/influences.h"
#include "results/store/store_priv.h"

#include "base/alloc.h"
#include "base/parse.h"
#include "results/fact_names.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const struct res_default_gsd res_default_gsd = {
    .gsd =
        {
            [CARBON_MEASURED] = 1.05,
            [CARBON_DATASHEET] = 1.1,
            [CARBON_DERIVED] = 1.25,
            [CARBON_ASSUMED] = 2,
        },
};

static void gsd_key(int evidence, char *ret, size_t n_bytes)
{
    (void)snprintf(ret, n_bytes, "gsd_%s",
                   carbon_evidence_name((enum carbon_evidence)evidence));
}

enum fl_status res_store_set_gsd(struct res_store *store,
                                 const double gsd[CARBON_EVIDENCE_LAST_],
                                 struct fl_error *err)
{
    for (int i = 0; i < CARBON_EVIDENCE_LAST_; i++) {
        char key[48], value[32];
        gsd_key(i, key, sizeof key);
        (void)snprintf(value, sizeof value, "%.17g", gsd[i]);
        FL_TRY(res_store_set(store, key, value, err));
    }
    return FL_OK;
}

const char *const res_boundary_names[] = {
    [RES_LIFECYCLE] = "lifecycle",
    [RES_OPERATIONAL] = "operational",
    [RES_DYNAMIC] = "dynamic",
    [RES_BOUNDARY_LAST_] = NULL,
};

enum fl_status res_store_boundary(struct res_store *store,
                                  enum res_boundary *ret,
                                  struct fl_error *err)
{
    char *name = NULL;
    FL_TRY(res_store_get(store, "boundary", &name, err));
    enum res_boundary boundary = RES_LIFECYCLE;
    while (name && boundary < RES_BOUNDARY_LAST_ &&
           strcmp(name, res_boundary_names[boundary]) != 0)
        boundary++;
    enum fl_status status = FL_OK;
    if (boundary == RES_BOUNDARY_LAST_)
        status = fl_fail(err, FL_E_FORMAT, "%s: unknown boundary '%s'",
                         store->path, name);
    fl_free(name);
    if (status == FL_OK)
        *ret = boundary;
    return status;
}

/* --- the model ---------------------------------------------------------- */

/* A fact of the store and the input that it is. */
struct fact {
    char *name;
    int32_t input;
};

struct build {
    struct res_store *store;
    struct res_default_gsd gsd;
    struct fact *facts; /* by name */
    size_t n_facts, facts_capacity;
    struct carbon_input *inputs; /* names are owned */
    char **sources;              /* of the inputs, with their units in front */
    int64_t *counts;             /* facts of each input */
    double *shifts;              /* what was taken off their values */
    size_t n_inputs, inputs_capacity, sources_capacity, counts_capacity,
        shifts_capacity;
    struct carbon_piece *pieces;
    size_t n_pieces, pieces_capacity;
    int32_t *arms; /* by total */
    size_t n_arms, arms_capacity;
    int32_t first, centralized; /* totals; -1: there is none */
};

static void build_fini(struct build *b)
{
    for (size_t i = 0; i < b->n_facts; i++)
        fl_free(b->facts[i].name);
    for (size_t i = 0; i < b->n_inputs; i++) {
        fl_free((char *)(uintptr_t)b->inputs[i].name);
        fl_free(b->sources[i]);
    }
    fl_free(b->facts);
    fl_free(b->inputs);
    fl_free(b->sources);
    fl_free(b->counts);
    fl_free(b->shifts);
    fl_free(b->pieces);
    fl_free(b->arms);
}

static enum fl_status no_memory(struct fl_error *err)
{
    return fl_fail(err, FL_E_NOMEM, "out of memory: uncertainty");
}

static enum fl_status read_gsd(struct build *b, struct fl_error *err)
{
    b->gsd = res_default_gsd;
    for (int i = 0; i < CARBON_EVIDENCE_LAST_; i++) {
        char key[48];
        char *text = NULL;
        gsd_key(i, key, sizeof key);
        FL_TRY(res_store_get(b->store, key, &text, err));
        if (!text)
            continue;
        enum fl_status status =
            fl_parse_double(text, 1, 1e6, &b->gsd.gsd[i], err);
        fl_free(text);
        FL_TRY(status);
    }
    return FL_OK;
}

/* A fact's row: name, value, evidence, spread, low, high, sd, gsd, source with
 * its unit in front, zero value. */
static struct carbon_input input_of(const struct build *b, sqlite3_stmt *stmt)
{
    struct carbon_input input = {.nominal = sqlite3_column_double(stmt, 1),
                                 .zero_value = sqlite3_column_double(stmt, 9)};
    const char *kind = res_column_text(stmt, 3);
    struct carbon_spread *spread = &input.spread;
    while (spread->kind < CARBON_SPREAD_LAST_ &&
           strcmp(kind, carbon_spread_name(spread->kind)) != 0)
        spread->kind++;
    spread->value = input.nominal;
    spread->low = sqlite3_column_double(stmt, 4);
    spread->high = sqlite3_column_double(stmt, 5);
    spread->sd = sqlite3_column_double(stmt, 6);
    spread->gsd = sqlite3_column_double(stmt, 7);
    if (spread->kind != CARBON_SPREAD_NONE)
        return input;
    double gsd = b->gsd.gsd[sqlite3_column_int(stmt, 2)];
    const char *name = res_column_text(stmt, 0);
    const char *last = strrchr(name, '_');
    if (gsd > 1 && last && strcmp(last, "_share") == 0 && input.nominal <= 1) {
        /* no more than all of it */
        double high = gsd * input.nominal;
        *spread =
            carbon_spread_uniform(input.nominal / gsd, high < 1 ? high : 1);
        return input;
    }
    /* By evidence, of what lies above the zero value. */
    input.nominal -= input.zero_value;
    input.zero_value = 0;
    *spread = gsd > 1 ? carbon_spread_lognormal(input.nominal, gsd)
                      : carbon_spread_none(input.nominal);
    return input;
}

static bool is_near(double a, double b)
{
    return !(a < b) && !(a > b);
}

static bool is_same_spread(const struct carbon_spread *a,
                           const struct carbon_spread *b)
{
    return a->kind == b->kind && is_near(a->value, b->value) &&
           is_near(a->low, b->low) && is_near(a->high, b->high) &&
           is_near(a->sd, b->sd) && is_near(a->gsd, b->gsd);
}

static enum fl_status add_input(struct build *b,
                                const struct carbon_input *input,
                                const char *name,
                                const char *source,
                                double shift,
                                struct fl_error *err)
{
    size_t n = b->n_inputs + 1;
    FL_TRY(
        fl_grow(&b->inputs, &b->inputs_capacity, n, sizeof b->inputs[0], err));
    FL_TRY(fl_grow(&b->sources, &b->sources_capacity, n, sizeof b->sources[0],
                   err));
    FL_TRY(
        fl_grow(&b->counts, &b->counts_capacity, n, sizeof b->counts[0], err));
    FL_TRY(
        fl_grow(&b->shifts, &b->shifts_capacity, n, sizeof b->shifts[0], err));
    char *own_name = fl_strdup(name), *own_source = fl_strdup(source);
    if (!own_name || !own_source) {
        fl_free(own_name);
        fl_free(own_source);
        return no_memory(err);
    }
    b->inputs[b->n_inputs] = *input;
    b->inputs[b->n_inputs].name = own_name;
    b->sources[b->n_inputs] = own_source;
    b->shifts[b->n_inputs] = shift;
    b->counts[b->n_inputs++] = 0;
    return FL_OK;
}

static enum fl_status
take_fact(struct build *b, sqlite3_stmt *stmt, struct fl_error *err)
{
    const char *name = res_column_text(stmt, 0);
    const char *source = res_column_text(stmt, 8);
    struct carbon_input input = input_of(b, stmt);
    if (input.spread.kind >= CARBON_SPREAD_LAST_)
        return fl_fail(err, FL_E_FORMAT, "%s: damaged: fact %s, spread '%s'",
                       b->store->path, name, res_column_text(stmt, 3));
    double shift = sqlite3_column_double(stmt, 1) - input.nominal;
    size_t at = 0;
    while (at < b->n_inputs &&
           !(strcmp(b->sources[at], source) == 0 &&
             is_near(b->shifts[at], shift) &&
             is_near(b->inputs[at].nominal, input.nominal) &&
             is_near(b->inputs[at].zero_value, input.zero_value) &&
             is_same_spread(&b->inputs[at].spread, &input.spread)))
        at++;
    if (at == b->n_inputs)
        FL_TRY(add_input(b, &input, name, source, shift, err));
    FL_TRY(fl_grow(&b->facts, &b->facts_capacity, b->n_facts + 1,
                   sizeof b->facts[0], err));
    char *copy = fl_strdup(name);
    if (!copy)
        return no_memory(err);
    b->counts[at]++;
    b->facts[b->n_facts++] = (struct fact){.name = copy, .input = (int32_t)at};
    return FL_OK;
}

static const struct fact *find_fact(const struct build *b, const char *name)
{
    size_t low = 0, high = b->n_facts;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = strcmp(b->facts[mid].name, name);
        if (order == 0)
            return &b->facts[mid];
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

static enum fl_status add_power(const struct build *b,
                                const char *name,
                                int32_t sign,
                                struct carbon_piece *piece,
                                struct fl_error *err)
{
    const struct fact *fact = find_fact(b, name);
    if (!fact || piece->n_powers == CARBON_MAX_POWERS)
        return fl_fail(err, FL_E_FORMAT,
                       "%s: damaged: ledger rows rest on fact %s",
                       b->store->path, name);
    piece->power[piece->n_powers++] =
        (struct carbon_power){.input = fact->input, .sign = sign};
    return FL_OK;
}

/* The powers of a basis, which is number `basis` of the store. */
static enum fl_status add_powers(struct build *b,
                                 sqlite3_stmt *parts,
                                 int64_t basis,
                                 struct carbon_piece *piece,
                                 struct fl_error *err)
{
    sqlite3_reset(parts);
    int rc = res_bind(parts, "i", basis);
    if (rc != SQLITE_OK)
        return res_sqlite_fail(b->store, rc, "read", err);
    bool has_row = false;
    enum fl_status status;
    while ((status = res_step(b->store, parts, &has_row, err)) == FL_OK &&
           has_row)
        FL_TRY(add_power(b, res_column_text(parts, 0),
                         sqlite3_column_int(parts, 1), piece, err));
    return status;
}

static enum fl_status total_of(struct build *b,
                               int32_t arm,
                               const char *name,
                               int32_t *ret,
                               struct fl_error *err)
{
    for (size_t i = 0; i < b->n_arms; i++) {
        if (b->arms[i] == arm) {
            *ret = (int32_t)i;
            return FL_OK;
        }
    }
    FL_TRY(fl_grow(&b->arms, &b->arms_capacity, b->n_arms + 1,
                   sizeof b->arms[0], err));
    if (strcmp(name, RES_ARM_CENTRALIZED) == 0)
        b->centralized = (int32_t)b->n_arms;
    else if (b->first < 0 || strcmp(name, RES_ARM_FEDERATED) == 0)
        b->first = (int32_t)b->n_arms;
    b->arms[b->n_arms] = arm;
    *ret = (int32_t)b->n_arms++;
    return FL_OK;
}

/* arm, its name, basis, zone, whether embodied, grams without and with idle */
static enum fl_status take_piece(struct build *b,
                                 sqlite3_stmt *stmt,
                                 sqlite3_stmt *parts,
                                 enum res_boundary boundary,
                                 struct fl_error *err)
{
    struct carbon_piece piece = {0};
    bool is_embodied = sqlite3_column_int(stmt, 4) != 0;
    double all = sqlite3_column_double(stmt, 5);
    double idle = sqlite3_column_double(stmt, 6);
    FL_TRY(total_of(b, sqlite3_column_int(stmt, 0), res_column_text(stmt, 1),
                    &piece.total, err));
    piece.nominal = boundary == RES_DYNAMIC ? all - idle : all;
    if (is_embodied && boundary != RES_LIFECYCLE)
        piece.nominal = 0;
    if (!(piece.nominal > 0))
        return FL_OK;
    FL_TRY(add_powers(b, parts, sqlite3_column_int64(stmt, 2), &piece, err));
    if (!is_embodied) {
        char zone[160];
        (void)snprintf(zone, sizeof zone, "carbon.grid.zones.%.120s",
                       res_column_text(stmt, 3));
        if (find_fact(b, zone))
            FL_TRY(add_power(b, zone, 1, &piece, err));
    }
    FL_TRY(fl_grow(&b->pieces, &b->pieces_capacity, b->n_pieces + 1,
                   sizeof b->pieces[0], err));
    b->pieces[b->n_pieces++] = piece;
    return FL_OK;
}

static const char facts_sql[] =
    "SELECT f.name, value, evidence, spread, low, high, sd, gsd,"
    " unit || ' ' || source,"
    " coalesce((SELECT max(zero_value) FROM basis b WHERE b.fact = f.name), 0)"
    " FROM fact f WHERE NOT is_off ORDER BY f.name";

static const char parts_sql[] =
    "SELECT fact, sign FROM basis WHERE basis = ?1 ORDER BY part";

static const char pieces_sql[] =
    "SELECT s.arm, a.name, s.basis, z.name, s.embodied, s.g, s.idle FROM"
    " (SELECT l.arm, l.basis, l.zone, c.term_group = 'embodied' AS embodied,"
    "  sum(l.emitted_gco2e) AS g, sum(l.idle_gco2e) AS idle"
    "  FROM ledger_group l JOIN component c ON c.component = l.component"
    "  GROUP BY 1, 2, 3, 4) s"
    " JOIN arm a ON a.arm = s.arm JOIN zone z ON z.zone = s.zone"
    " ORDER BY s.arm, s.basis, s.zone, s.embodied";

static enum fl_status read_facts(struct build *b, struct fl_error *err)
{
    sqlite3_stmt *stmt;
    FL_TRY(res_prepare(b->store, facts_sql, &stmt, err));
    bool has_row = false;
    enum fl_status status;
    while ((status = res_step(b->store, stmt, &has_row, err)) == FL_OK &&
           has_row) {
        /* What is zero moves nothing. */
        if (sqlite3_column_double(stmt, 1) > sqlite3_column_double(stmt, 9))
            status = take_fact(b, stmt, err);
        if (status != FL_OK)
            break;
    }
    sqlite3_finalize(stmt);
    return status;
}

static enum fl_status read_pieces(struct build *b, struct fl_error *err)
{
    enum res_boundary boundary;
    FL_TRY(res_store_boundary(b->store, &boundary, err));
    sqlite3_stmt *stmt, *parts;
    FL_TRY(res_prepare(b->store, parts_sql, &parts, err));
    enum fl_status status = res_prepare(b->store, pieces_sql, &stmt, err);
    if (status != FL_OK) {
        sqlite3_finalize(parts);
        return status;
    }
    bool has_row = false;
    while ((status = res_step(b->store, stmt, &has_row, err)) == FL_OK &&
           has_row) {
        status = take_piece(b, stmt, parts, boundary, err);
        if (status != FL_OK)
            break;
    }
    sqlite3_finalize(stmt);
    sqlite3_finalize(parts);
    return status;
}

/* --- answers ------------------------------------------------------------ */

static enum fl_status put_arms(const struct build *b,
                               struct carbon_uncertainty *u,
                               struct res_uncertain *ret,
                               struct fl_error *err)
{
    ret->arms = fl_calloc(b->n_arms, sizeof ret->arms[0]);
    if (!ret->arms)
        return no_memory(err);
    ret->n_arms = b->n_arms;
    const double nan_value = (double)NAN;
    for (size_t i = 0; i < b->n_arms; i++) {
        struct res_uncertain_arm *arm = &ret->arms[i];
        int32_t total = (int32_t)i;
        bool has_other = b->centralized >= 0 && total != b->centralized;
        *arm = (struct res_uncertain_arm){
            .arm = b->arms[i],
            .gco2e = carbon_uncertainty_total(u, total),
            .x_centralized = {nan_value, nan_value, nan_value, nan_value,
                              nan_value, nan_value},
            .below_centralized_share = nan_value,
        };
        if (!has_other)
            continue;
        arm->x_centralized = carbon_uncertainty_ratio(u, total, b->centralized);
        arm->below_centralized_share =
            carbon_uncertainty_below_share(u, total, b->centralized);
    }
    return FL_OK;
}

/* "fleet.0.device.train_w", or all facts that are this input. */
static enum fl_status
name_of(const struct build *b, int32_t input, char **ret, struct fl_error *err)
{
    struct res_text text = {0};
    enum fl_status status = FL_OK;
    if (b->counts[input] < 2) {
        res_text_put(&text, b->inputs[input].name);
    } else {
        struct res_fact_name *facts = fl_calloc(b->n_facts, sizeof facts[0]);
        if (!facts)
            return no_memory(err);
        for (size_t i = 0; i < b->n_facts; i++)
            facts[i] = (struct res_fact_name){
                .name = b->facts[i].name, .is_in = b->facts[i].input == input};
        status = res_put_fact_names(facts, b->n_facts, " and ", 2, &text, err);
        fl_free(facts);
    }
    char *name = fl_strdup(res_text_get(&text));
    bool has_name = name && !text.has_failed;
    res_text_fini(&text);
    if (status == FL_OK && !has_name)
        status = no_memory(err);
    if (status == FL_OK)
        *ret = name;
    else
        fl_free(name);
    return status;
}

char *res_handy_unit(const char *source, double *ret_scale)
{
    static const struct {
        const char *unit, *handy;
        double shown;
    } units[] = {{"J/byte", "uJ/byte", 1e6},
                 {"FLOP/s", "GFLOP/s", 1e-9},
                 {"bit/s", "Mbit/s", 1e-6}};
    size_t n = strcspn(source, " ");
    *ret_scale = 1;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strlen(units[i].unit) == n &&
            strncmp(units[i].unit, source, n) == 0) {
            *ret_scale = units[i].shown;
            return fl_strdup(units[i].handy);
        }
    }
    char *unit = fl_strdup(source);
    if (unit)
        unit[n] = '\0';
    return unit;
}

static enum fl_status put_influences(const struct build *b,
                                     struct carbon_uncertainty *u,
                                     struct res_uncertain *ret,
                                     struct fl_error *err)
{
    struct carbon_influence *all = fl_calloc(b->n_inputs, sizeof all[0]);
    ret->influences = fl_calloc(b->n_inputs, sizeof ret->influences[0]);
    if (!all || !ret->influences) {
        fl_free(all);
        return no_memory(err);
    }
    ret->is_of_ratio = b->first >= 0 && b->centralized >= 0;
    carbon_uncertainty_influence(u, b->first >= 0 ? b->first : b->centralized,
                                 ret->is_of_ratio ? b->centralized : -1, all);
    enum fl_status status = FL_OK;
    for (size_t i = 0; i < b->n_inputs && status == FL_OK; i++) {
        const struct carbon_input *input = &b->inputs[all[i].input];
        if (!(all[i].total > 0))
            continue;
        struct res_influence *to = &ret->influences[ret->n_influences++];
        double shown, shift = b->shifts[all[i].input];
        char *unit = res_handy_unit(b->sources[all[i].input], &shown);
        *to = (struct res_influence){
            .n_facts = b->counts[all[i].input],
            .value = shown * (shift + input->nominal),
            .p5 = shown * (shift + carbon_spread_value(&input->spread, 0.05)),
            .p95 = shown * (shift + carbon_spread_value(&input->spread, 0.95)),
            .unit = unit,
            .first = all[i].first,
            .total = all[i].total < 1 ? all[i].total : 1, /* an estimate */
        };
        status =
            unit ? name_of(b, all[i].input, &to->name, err) : no_memory(err);
    }
    fl_free(all);
    return status;
}

static enum fl_status answer(const struct build *b,
                             int64_t draws,
                             bool with_influences,
                             struct res_uncertain *ret,
                             struct fl_error *err)
{
    const struct carbon_uncertain_model model = {
        .inputs = b->inputs,
        .n_inputs = b->n_inputs,
        .pieces = b->pieces,
        .n_pieces = b->n_pieces,
        .n_totals = (int32_t)b->n_arms,
    };
    struct carbon_uncertainty *u;
    FL_TRY(carbon_uncertainty_create(&model, draws, 1, &u, err));
    ret->draws = draws;
    enum fl_status status = put_arms(b, u, ret, err);
    if (status == FL_OK && with_influences)
        status = put_influences(b, u, ret, err);
    carbon_uncertainty_destroy(u);
    return status;
}

enum fl_status res_uncertain(struct res_store *store,
                             int64_t draws,
                             bool with_influences,
                             struct res_uncertain *ret,
                             struct fl_error *err)
{
    struct build b = {.store = store, .first = -1, .centralized = -1};
    struct res_uncertain found = {0};
    enum fl_status status = read_gsd(&b, err);
    if (status == FL_OK)
        status = read_facts(&b, err);
    if (status == FL_OK)
        status = read_pieces(&b, err);
    if (status == FL_OK && b.n_pieces > 0)
        status = answer(&b, draws, with_influences, &found, err);
    build_fini(&b);
    if (status == FL_OK)
        *ret = found;
    else
        res_uncertain_fini(&found);
    return status;
}

void res_uncertain_fini(struct res_uncertain *u)
{
    for (size_t i = 0; i < u->n_influences; i++) {
        fl_free(u->influences[i].name);
        fl_free(u->influences[i].unit);
    }
    fl_free(u->influences);
    fl_free(u->arms);
    *u = (struct res_uncertain){0};
}
