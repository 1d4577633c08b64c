/* Two passes over a run's ledger in the order of its rows, which needs no
 * sorting: where the bins begin and end, and what goes into them and into the
 * rounds. */
#include "results/figures/gallery.h"
#include "results/store/store_seal.h"

#include "base/alloc.h"
#include "base/units.h"

#include <math.h>
#include <string.h>

static const char moments_sql[] =
    "SELECT round, sim_time_s, accuracy, loss FROM round WHERE arm = ?"
    " ORDER BY round";

/* ?2: rows of later rounds are items beside the training. */
static const char span_sql[] =
    "SELECT min(t0_s), max(t1_s) FROM ledger WHERE arm = ?1 AND round <= ?2";

enum {
    ROW_ROUND,
    ROW_ZONE,
    ROW_IS_EMBODIED,
    ROW_T0_S,
    ROW_T1_S,
    ROW_ENERGY_J,
    ROW_IDLE_J,
    ROW_GCO2E
};
static const char rows_sql[] =
    "SELECT l.round, l.zone, c.term_group = 'embodied', l.t0_s, l.t1_s,"
    " l.energy_j, l.idle_j, l.emitted_gco2e"
    " FROM ledger l CROSS JOIN component c ON c.component = l.component"
    " WHERE l.arm = ?1 ORDER BY l.seq";

static const char zone_sql[] = "SELECT name FROM zone WHERE zone = ?";

void res_course_fini(struct res_course *course)
{
    fl_free(course->moments);
    for (size_t i = 0; i < course->n_zones; i++)
        fl_free(course->zones[i].zone);
    fl_free(course->zones);
    *course = (struct res_course){.moments = NULL};
}

struct res_bin res_course_bin(const struct res_course *course, size_t bin)
{
    struct res_bin sum = {.energy_j = 0};
    for (size_t z = 0; z < course->n_zones; z++) {
        const struct res_bin *part = &course->zones[z].bins[bin];
        sum.energy_j += part->energy_j;
        sum.drawn_gco2e += part->drawn_gco2e;
        sum.gco2e += part->gco2e;
    }
    return sum;
}

/* What a row of rows_sql adds. */
struct share {
    int64_t round, zone;
    double t0_s, t1_s;
    struct res_bin bin;
};

/* The boundary as report_priv.h's rows have it. */
static struct share share_of(sqlite3_stmt *stmt, enum res_boundary boundary)
{
    double energy_j = sqlite3_column_double(stmt, ROW_ENERGY_J);
    double gco2e = sqlite3_column_double(stmt, ROW_GCO2E);
    bool is_embodied = sqlite3_column_int(stmt, ROW_IS_EMBODIED) != 0;
    struct share share = {
        .round = sqlite3_column_int64(stmt, ROW_ROUND),
        .zone = sqlite3_column_int64(stmt, ROW_ZONE),
        .t0_s = sqlite3_column_double(stmt, ROW_T0_S),
        .t1_s = sqlite3_column_double(stmt, ROW_T1_S),
        .bin = {.energy_j = energy_j,
                .drawn_gco2e = is_embodied ? 0 : gco2e,
                .gco2e = gco2e},
    };
    if (boundary != RES_LIFECYCLE && is_embodied)
        share.bin.gco2e = 0;
    if (boundary == RES_DYNAMIC && energy_j > 0)
        share.bin.gco2e -=
            gco2e * (sqlite3_column_double(stmt, ROW_IDLE_J) / energy_j);
    return share;
}

static void
add_bin(struct res_bin *bin, const struct res_bin *share, double part)
{
    bin->energy_j += share->energy_j * part;
    bin->drawn_gco2e += share->drawn_gco2e * part;
    bin->gco2e += share->gco2e * part;
}

/* Energy is drawn evenly over an entry; one of no duration falls into one
 * bin. */
static void add_to_bins(const struct res_course *course,
                        struct res_zone_bins *zone,
                        const struct share *share)
{
    double last = (double)course->n_bins - 1;
    double from = (share->t0_s - course->t0_s) / course->bin_s;
    double to = (share->t1_s - course->t0_s) / course->bin_s;
    double first_bin = fmin(fmax(floor(from), 0), last);
    double last_bin = fmin(fmax(floor(to), 0), last);
    if (!(last_bin > first_bin)) {
        add_bin(&zone->bins[(size_t)first_bin], &share->bin, 1);
        return;
    }
    for (double bin = first_bin; bin <= last_bin; bin++) {
        double begin = fmax(from, bin);
        double end = bin < last_bin ? fmin(to, bin + 1) : to;
        add_bin(&zone->bins[(size_t)bin], &share->bin,
                (end - begin) / (to - from));
    }
}

/* Zones are few, and stay sorted by number. */
static enum fl_status find_zone(struct res_course *course,
                                int64_t number,
                                struct res_zone_bins **ret,
                                struct fl_error *err)
{
    size_t at = 0;
    while (at < course->n_zones && course->zones[at].number < number)
        at++;
    if (at == course->n_zones || course->zones[at].number != number) {
        FL_TRY(fl_grow(&course->zones, &course->zones_capacity,
                       course->n_zones + 1, sizeof course->zones[0], err));
        memmove(&course->zones[at + 1], &course->zones[at],
                (course->n_zones - at) * sizeof course->zones[0]);
        course->zones[at] = (struct res_zone_bins){.number = number};
        course->n_zones++;
    }
    *ret = &course->zones[at];
    return FL_OK;
}

/* The first moment that includes the round; n_moments: beside them all. Rows
 * come by round, or nearly, so that the last one's is where to begin. */
static size_t
moment_of(const struct res_course *course, int64_t round, size_t at)
{
    while (at > 0 && course->moments[at - 1].round >= round)
        at--;
    while (at < course->n_moments && course->moments[at].round < round)
        at++;
    return at;
}

static enum fl_status add_row(struct res_course *course,
                              const struct share *share,
                              size_t *at,
                              struct fl_error *err)
{
    if (course->n_moments > 0) {
        *at = moment_of(course, share->round, *at);
        if (*at == course->n_moments) {
            course->beside_j += share->bin.energy_j;
            course->beside_gco2e += share->bin.gco2e;
            return FL_OK;
        }
        course->moments[*at].energy_j += share->bin.energy_j;
        course->moments[*at].gco2e += share->bin.gco2e;
    }
    struct res_zone_bins *zone = NULL;
    FL_TRY(find_zone(course, share->zone, &zone, err));
    add_to_bins(course, zone, share);
    return FL_OK;
}

/* Rounds' sums become sums up to them. */
static void add_up(struct res_course *course)
{
    double energy_j = course->beside_j, gco2e = course->beside_gco2e;
    for (size_t i = 0; i < course->n_moments; i++) {
        struct res_moment *moment = &course->moments[i];
        energy_j += moment->energy_j;
        gco2e += moment->gco2e;
        moment->energy_j = energy_j;
        moment->gco2e = gco2e;
    }
}

static enum fl_status read_moments(struct res_store *store,
                                   const struct res_row *row,
                                   struct res_course *course,
                                   struct fl_error *err)
{
    sqlite3_stmt *stmt;
    size_t capacity = 0;
    FL_TRY(res_ask(store, moments_sql, &stmt, err, "i", (int64_t)row->number));
    bool has_row = false;
    enum fl_status status;
    while ((status = res_step(store, stmt, &has_row, err)) == FL_OK &&
           has_row) {
        status = fl_grow(&course->moments, &capacity, course->n_moments + 1,
                         sizeof course->moments[0], err);
        if (status != FL_OK)
            break;
        course->moments[course->n_moments++] = (struct res_moment){
            .round = sqlite3_column_int64(stmt, 0),
            .sim_time_s = sqlite3_column_double(stmt, 1),
            .accuracy = res_column_real(stmt, 2),
            .loss = res_column_real(stmt, 3),
        };
    }
    sqlite3_finalize(stmt);
    return status;
}

/* Where the bins are. */
static enum fl_status read_span(struct res_store *store,
                                const struct res_row *row,
                                struct res_course *course,
                                struct fl_error *err)
{
    sqlite3_stmt *stmt;
    int64_t last = course->n_moments > 0
                       ? course->moments[course->n_moments - 1].round
                       : INT64_MAX;
    FL_TRY(
        res_ask(store, span_sql, &stmt, err, "ii", (int64_t)row->number, last));
    bool has_row = false;
    enum fl_status status = res_step(store, stmt, &has_row, err);
    if (status == FL_OK && has_row &&
        sqlite3_column_type(stmt, 0) != SQLITE_NULL) {
        course->t0_s = sqlite3_column_double(stmt, 0);
        double span_s = sqlite3_column_double(stmt, 1) - course->t0_s;
        course->n_bins = span_s > 0 ? RES_GALLERY_BINS : 1;
        course->bin_s = span_s > 0 ? span_s / RES_GALLERY_BINS : 1;
    }
    sqlite3_finalize(stmt);
    return status;
}

static enum fl_status read_rows(struct res_store *store,
                                const struct res_run *run,
                                const struct res_row *row,
                                struct res_course *course,
                                struct fl_error *err)
{
    sqlite3_stmt *stmt;
    FL_TRY(res_ask(store, rows_sql, &stmt, err, "i", (int64_t)row->number));
    bool has_row = false;
    size_t at = 0;
    enum fl_status status;
    while ((status = res_step(store, stmt, &has_row, err)) == FL_OK &&
           has_row) {
        struct share share = share_of(stmt, run->boundary_kind);
        status = add_row(course, &share, &at, err);
        if (status != FL_OK)
            break;
    }
    sqlite3_finalize(stmt);
    add_up(course);
    return status;
}

static enum fl_status read_zone_names(struct res_store *store,
                                      struct res_course *course,
                                      struct fl_error *err)
{
    for (size_t z = 0; z < course->n_zones; z++) {
        struct res_zone_bins *zone = &course->zones[z];
        sqlite3_stmt *stmt;
        bool has_row = false;
        FL_TRY(
            res_ask(store, zone_sql, &stmt, err, "i", (int64_t)zone->number));
        enum fl_status status = res_step(store, stmt, &has_row, err);
        if (status == FL_OK) {
            zone->zone = fl_strdup(has_row ? res_column_text(stmt, 0) : "");
            if (!zone->zone)
                status = fl_fail(err, FL_E_NOMEM, "out of memory: charts");
        }
        sqlite3_finalize(stmt);
        FL_TRY(status);
    }
    return FL_OK;
}

enum fl_status res_courses_read(struct res_store *store,
                                const struct res_run *run,
                                struct res_course *courses,
                                struct fl_error *err)
{
    FL_TRY(res_seal_check_ledger(store, err));
    for (size_t i = 0; i < run->n_rows; i++) {
        const struct res_row *row = &run->rows[i];
        struct res_course *course = &courses[i];
        course->scale = 1;
        if (row->is_per_client && row->counted > 0)
            course->scale = (double)row->population / (double)row->counted;
        if (!row->is_per_client) /* there, a round is a client */
            FL_TRY(read_moments(store, row, course, err));
        FL_TRY(read_span(store, row, course, err));
        FL_TRY(read_rows(store, run, row, course, err));
        FL_TRY(read_zone_names(store, course, err));
    }
    return FL_OK;
}
