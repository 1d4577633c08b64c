/* What pricing costs: intervals on a grid, and activities in a ledger.
 *
 *     bench_carbon_price [--smoke]
 *
 * A million random intervals of up to a day in one year are priced on a zone
 * with an annual mean, typical days, and an hourly trace; then a million
 * activities of clients and a server under preset full. Prints CSV: what, n,
 * cpu_s (median of five rounds), ns_each, and the sum in grams, which shows
 * that nothing was left out.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/rng.h"
#include "bench/bench.h"
#include "carbon/carbon.h"

#include <stdio.h>
#include <string.h>

enum { HOURS = 8760, ROUNDS = 5, N = 1000000, N_SMOKE = 1000 };

struct work {
    struct carbon_grid *grid;
    const struct carbon_preset *preset;
    struct carbon_activity kinds[4];
    size_t n;
    double *t0_s, *t1_s; /* [n] */
};

typedef enum fl_status price_fn(const struct work *work,
                                int32_t zone,
                                double *ret_gco2e,
                                struct fl_error *err);

static enum fl_status intervals(const struct work *work,
                                int32_t zone,
                                double *ret_gco2e,
                                struct fl_error *err)
{
    double sum = 0;
    for (size_t i = 0; i < work->n; i++) {
        double gco2e;
        enum carbon_evidence evidence;
        FL_TRY(carbon_grid_emissions(work->grid, zone, work->t0_s[i],
                                     work->t1_s[i], 1000, &gco2e, &evidence,
                                     err));
        sum += gco2e;
    }
    *ret_gco2e = sum;
    return FL_OK;
}

static struct carbon_activity
activity_at(const struct work *work, size_t i, int32_t zone)
{
    struct carbon_activity a = work->kinds[i % 4];
    a.zone = zone;
    a.t0_s = work->t0_s[i];
    a.t1_s = work->t1_s[i];
    a.entity = (int64_t)i;
    return a;
}

static enum fl_status activities(const struct work *work,
                                 int32_t zone,
                                 double *ret_gco2e,
                                 struct fl_error *err)
{
    struct carbon_entry entries[CARBON_MAX_TERMS];
    double sum = 0;
    for (size_t i = 0; i < work->n; i++) {
        struct carbon_activity a = activity_at(work, i, zone);
        size_t n = 0;
        FL_TRY(carbon_account(work->preset, work->grid, &a, entries, &n, err));
        for (size_t k = 0; k < n; k++)
            sum += entries[k].emitted_gco2e;
    }
    *ret_gco2e = sum;
    return FL_OK;
}

static const struct {
    const char *name;
    price_fn *price;
    int32_t zone;
} cases[] = {
    {"annual", intervals, 0},
    {"typical", intervals, 1},
    {"hourly", intervals, 2},
    {"account full, hourly", activities, 2},
};

static enum fl_status measure(const struct work *work, struct fl_error *err)
{
    printf("what,n,cpu_s,ns_each,gco2e\n");
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        double cpu_s[ROUNDS], gco2e = 0;
        for (int r = 0; r < ROUNDS; r++) {
            double start_s = fl_clock_cpu_s();
            FL_TRY(cases[c].price(work, cases[c].zone, &gco2e, err));
            cpu_s[r] = fl_clock_cpu_s() - start_s;
        }
        double middle_s = bench_median(cpu_s, ROUNDS);
        printf("\"%s\",%zu,%.4f,%.1f,%.9g\n", cases[c].name, work->n, middle_s,
               1e9 * middle_s / (double)work->n, gco2e);
    }
    return FL_OK;
}

/* A year of hours of made-up intensities. */
static enum fl_status add_hours(struct carbon_grid *grid, struct fl_error *err)
{
    enum { LINE = 48 };
    struct fl_rng rng = fl_rng_stream(1, FL_RNG_TEST, 0, 0);
    char *text = fl_calloc(HOURS + 1, LINE);
    if (text == NULL)
        return fl_fail(err, FL_E_NOMEM, "out of memory");
    size_t used = (size_t)snprintf(text, LINE, "datetime_utc,MADE-UP\n");
    for (int64_t i = 0; i < HOURS; i++) {
        char time[32];
        fl_format_utc(1640995200 + i * 3600, time);
        used += (size_t)snprintf(text + used, LINE, "%s,%.3f\n", time,
                                 700 * fl_rng_uniform(&rng));
    }
    int32_t zone;
    enum fl_status status = carbon_grid_add_trace_text(
        grid, "MADE-UP", "made up", text, used, &zone, err);
    fl_free(text);
    return status;
}

static enum fl_status prepare(struct work *work, struct fl_error *err)
{
    const struct carbon_zone *de;
    const struct carbon_typical *days;
    const struct carbon_device *phone, *server;
    const struct carbon_link *link;
    static const struct carbon_fact pue = {.value = 1.2, .source = "made up"};
    int32_t zone;
    FL_TRY(carbon_zone_find("DE", &de, err));
    FL_TRY(carbon_typical_find("DE", &days, err));
    FL_TRY(carbon_device_find("pixel_xl", &phone, err));
    FL_TRY(carbon_device_find("cloud_cpu", &server, err));
    FL_TRY(carbon_link_find("lte", &link, err));
    FL_TRY(carbon_preset_find("full", &work->preset, err));
    FL_TRY(carbon_grid_create(1640995200, &work->grid, err));
    FL_TRY(carbon_grid_add_annual(work->grid, "DE", &de->annual_gco2e_per_kwh,
                                  &zone, err));
    FL_TRY(carbon_grid_add_typical(work->grid, "DE-days", days,
                                   &de->annual_gco2e_per_kwh, &zone, err));
    FL_TRY(add_hours(work->grid, err));
    work->kinds[0] = (struct carbon_activity){.role = CARBON_CLIENT,
                                              .phase = CARBON_BROADCAST,
                                              .bytes = 1e6,
                                              .device = phone,
                                              .link = link};
    work->kinds[1] = (struct carbon_activity){
        .role = CARBON_CLIENT, .phase = CARBON_TRAIN, .device = phone};
    work->kinds[2] = (struct carbon_activity){.role = CARBON_CLIENT,
                                              .phase = CARBON_UPLOAD,
                                              .bytes = 1e6,
                                              .is_upload = true,
                                              .device = phone,
                                              .link = link};
    work->kinds[3] = (struct carbon_activity){.role = CARBON_SERVER,
                                              .phase = CARBON_AGGREGATE,
                                              .device = server,
                                              .pue = &pue};
    work->t0_s = fl_calloc(work->n, sizeof(double));
    work->t1_s = fl_calloc(work->n, sizeof(double));
    if (!work->t0_s || !work->t1_s)
        return fl_fail(err, FL_E_NOMEM, "out of memory");
    struct fl_rng rng = fl_rng_stream(2, FL_RNG_TEST, 0, 0);
    for (size_t i = 0; i < work->n; i++) {
        work->t0_s[i] = fl_rng_uniform(&rng) * (HOURS - 25) * 3600.0;
        work->t1_s[i] = work->t0_s[i] + fl_rng_uniform(&rng) * 86400;
    }
    return FL_OK;
}

int main(int argc, char **argv)
{
    bool is_smoke = argc == 2 && strcmp(argv[1], "--smoke") == 0;
    struct work work = {.n = is_smoke ? N_SMOKE : N};
    struct fl_error err = {0};
    if (argc > 1 && !is_smoke) {
        (void)fprintf(stderr, "Usage: bench_carbon_price [--smoke]\n");
        return 2;
    }
    bench_print_machine();
    enum fl_status status = prepare(&work, &err);
    if (status == FL_OK)
        status = measure(&work, &err);
    if (status != FL_OK)
        (void)fprintf(stderr, "bench_carbon_price: %s\n", err.text);
    carbon_grid_destroy(work.grid);
    fl_free(work.t0_s);
    fl_free(work.t1_s);
    return status != FL_OK;
}
