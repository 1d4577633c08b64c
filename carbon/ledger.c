#include "carbon/ledger.h"

#include "base/alloc.h"
#include "carbon/term.h"

#include <assert.h>
#include <math.h>
#include <string.h>

struct carbon_ledger {
    const struct carbon_preset *preset;
    const struct carbon_grid *grid;
    struct carbon_entry *entries;
    size_t n, capacity;
};

enum fl_status carbon_ledger_create(const struct carbon_preset *preset,
                                    const struct carbon_grid *grid,
                                    struct carbon_ledger **ret,
                                    struct fl_error *err)
{
    if (preset == NULL || grid == NULL)
        return fl_fail(err, FL_E_ARG, "ledger: needs a preset and a grid");
    struct carbon_ledger *ledger = fl_calloc(1, sizeof(*ledger));
    if (ledger == NULL)
        return fl_fail(err, FL_E_NOMEM, "ledger: out of memory");
    ledger->preset = preset;
    ledger->grid = grid;
    *ret = ledger;
    return FL_OK;
}

void carbon_ledger_destroy(struct carbon_ledger *ledger)
{
    if (ledger == NULL)
        return;
    fl_free(ledger->entries);
    fl_free(ledger);
}

enum fl_status carbon_ledger_add(struct carbon_ledger *ledger,
                                 const struct carbon_activity *activity,
                                 struct fl_error *err)
{
    assert(ledger && activity);
    FL_TRY(fl_grow(&ledger->entries, &ledger->capacity,
                   ledger->n + CARBON_MAX_TERMS, sizeof(*ledger->entries),
                   err));
    size_t n;
    FL_TRY(carbon_account(ledger->preset, ledger->grid, activity,
                          ledger->entries + ledger->n, &n, err));
    ledger->n += n;
    return FL_OK;
}

const struct carbon_entry *
carbon_ledger_entries(const struct carbon_ledger *ledger, size_t *ret_n)
{
    *ret_n = ledger->n;
    return ledger->entries;
}

/* A sum that does not depend on rounding along the way (Neumaier 1974), so
 * that totals and the sums of their parts agree to the last few bits. */
struct total {
    double sum, lost;
};

static void total_add(struct total *total, double x)
{
    double sum = total->sum + x;
    if (fabs(total->sum) >= fabs(x))
        total->lost += (total->sum - sum) + x;
    else
        total->lost += (x - sum) + total->sum;
    total->sum = sum;
}

struct carbon_sum
carbon_ledger_sum(const struct carbon_ledger *ledger,
                  bool (*keep)(const struct carbon_entry *entry, void *arg),
                  void *arg)
{
    struct total energy_j = {0}, emitted = {0}, assumed = {0}, bytes = {0};
    struct total idle_j = {0}, idle = {0}, embodied = {0};
    for (size_t i = 0; i < ledger->n; i++) {
        const struct carbon_entry *entry = &ledger->entries[i];
        if (keep != NULL && !keep(entry, arg))
            continue;
        total_add(&energy_j, entry->energy_j);
        total_add(&emitted, entry->emitted_gco2e);
        total_add(&idle_j, entry->idle_j);
        if (carbon_terms[entry->component]->is_embodied)
            total_add(&embodied, entry->emitted_gco2e);
        else if (entry->energy_j > 0)
            total_add(&idle,
                      entry->emitted_gco2e * (entry->idle_j / entry->energy_j));
        if (entry->evidence == CARBON_ASSUMED)
            total_add(&assumed, entry->emitted_gco2e);
        total_add(&bytes, entry->bytes);
    }
    return (struct carbon_sum){
        .energy_j = energy_j.sum + energy_j.lost,
        .idle_j = idle_j.sum + idle_j.lost,
        .emitted_gco2e = emitted.sum + emitted.lost,
        .idle_gco2e = idle.sum + idle.lost,
        .embodied_gco2e = embodied.sum + embodied.lost,
        .assumed_gco2e = assumed.sum + assumed.lost,
        .bytes = bytes.sum + bytes.lost,
    };
}
