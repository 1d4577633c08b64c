/* Bases: what ledger entries are in proportion to, each set of facts kept
 * once. Entries name facts by address; the store, by name. */
#include "results/store/store_priv.h"

#include "base/alloc.h"

#include <assert.h>
#include <string.h>

enum { FIRST_SLOTS = 64 }; /* a power of two */

enum fl_status res_store_know_fact(struct res_store *store,
                                   const char *name,
                                   const struct carbon_fact *fact,
                                   struct fl_error *err)
{
    for (size_t i = 0; i < store->n_facts; i++) {
        if (strcmp(store->facts[i].name, name) == 0) {
            store->facts[i].fact = fact;
            return FL_OK;
        }
    }
    FL_TRY(fl_grow(&store->facts, &store->facts_capacity, store->n_facts + 1,
                   sizeof store->facts[0], err));
    char *copy = fl_strdup(name);
    if (!copy)
        return fl_fail(err, FL_E_NOMEM, "%s: out of memory", store->path);
    store->facts[store->n_facts++] =
        (struct res_known_fact){.fact = fact, .name = copy};
    return FL_OK;
}

/* Of addresses, so it is for this process alone: numbers of bases follow from
 * the order in which they come, never from it. */
static uint64_t hash_uses(const struct carbon_use *uses, int32_t n)
{
    uint64_t hash = (uint64_t)n;
    for (int32_t i = 0; i < n; i++) {
        hash ^= (uint64_t)(uintptr_t)uses[i].fact + (uint64_t)uses[i].sign;
        hash *= 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29;
    }
    return hash;
}

static bool is_same_use(const struct carbon_use *a, const struct carbon_use *b)
{
    return a->fact == b->fact && a->sign == b->sign &&
           !(a->zero_value < b->zero_value) && !(a->zero_value > b->zero_value);
}

static bool has_uses(const struct res_basis *basis,
                     const struct carbon_use *uses,
                     int32_t n)
{
    if (basis->n != n)
        return false;
    for (int32_t i = 0; i < n; i++)
        if (!is_same_use(&basis->use[i], &uses[i]))
            return false;
    return true;
}

/* The slot that holds these uses, or the empty one where they would go. */
static size_t
slot_of(const struct res_store *store, const struct carbon_use *uses, int32_t n)
{
    size_t mask = store->n_slots - 1;
    size_t at = (size_t)hash_uses(uses, n) & mask;
    while (store->slots[at] > 0 &&
           !has_uses(&store->bases[store->slots[at] - 1], uses, n))
        at = (at + 1) & mask;
    return at;
}

/* Twice as many slots when they are half full. */
static enum fl_status grow_slots(struct res_store *store, struct fl_error *err)
{
    if (store->n_slots > 2 * (store->n_bases + 1))
        return FL_OK;
    int64_t *old = store->slots;
    size_t n_old = store->n_slots;
    size_t n = n_old ? 2 * n_old : FIRST_SLOTS;
    int64_t *slots = fl_calloc(n, sizeof *slots);
    if (!slots)
        return fl_fail(err, FL_E_NOMEM, "%s: out of memory", store->path);
    store->slots = slots;
    store->n_slots = n;
    for (size_t i = 0; i < n_old; i++) {
        if (old[i] == 0)
            continue;
        const struct res_basis *basis = &store->bases[old[i] - 1];
        slots[slot_of(store, basis->use, basis->n)] = old[i];
    }
    fl_free(old);
    return FL_OK;
}

static enum fl_status find_fact(const struct res_store *store,
                                const struct carbon_fact *fact,
                                size_t *ret,
                                struct fl_error *err)
{
    for (size_t i = 0; i < store->n_facts; i++) {
        if (store->facts[i].fact == fact) {
            *ret = i;
            return FL_OK;
        }
    }
    return fl_fail(err, FL_E_ARG,
                   "%s: a ledger entry rests on a fact that was not added "
                   "(value %g, %s)",
                   store->path, fact->value,
                   fact->source ? fact->source : "without a source");
}

/* The uses with the numbers of their facts. */
static enum fl_status number_facts(const struct res_store *store,
                                   const struct carbon_use *uses,
                                   int32_t n,
                                   struct res_basis *ret,
                                   struct fl_error *err)
{
    struct res_basis basis = {.n = n};
    for (int32_t i = 0; i < n; i++) {
        basis.use[i] = uses[i];
        FL_TRY(find_fact(store, uses[i].fact, &basis.fact[i], err));
    }
    *ret = basis;
    return FL_OK;
}

/* Of before a resume: the same facts by name. */
static bool is_same_basis(const struct res_basis *a, const struct res_basis *b)
{
    if (a->n != b->n)
        return false;
    for (int32_t i = 0; i < a->n; i++)
        if (a->fact[i] != b->fact[i] || a->use[i].sign != b->use[i].sign ||
            a->use[i].zero_value < b->use[i].zero_value ||
            a->use[i].zero_value > b->use[i].zero_value)
            return false;
    return true;
}

static enum fl_status add_basis(struct res_store *store,
                                const struct res_basis *basis,
                                struct fl_error *err)
{
    FL_TRY(fl_grow(&store->bases, &store->bases_capacity, store->n_bases + 1,
                   sizeof store->bases[0], err));
    store->bases[store->n_bases++] = *basis;
    return FL_OK;
}

enum fl_status res_store_find_basis(struct res_store *store,
                                    const struct carbon_entry *entry,
                                    int64_t *ret,
                                    bool *ret_is_new,
                                    struct fl_error *err)
{
    if (store->n_bases == 0) /* number 0 rests on nothing */
        FL_TRY(add_basis(store, &(struct res_basis){.n = 0}, err));
    *ret_is_new = false;
    *ret = 0;
    if (entry->n_uses == 0)
        return FL_OK;
    FL_TRY(grow_slots(store, err));
    size_t slot = slot_of(store, entry->uses, entry->n_uses);
    if (store->slots[slot] > 0) {
        *ret = store->slots[slot] - 1;
        return FL_OK;
    }
    struct res_basis basis;
    FL_TRY(number_facts(store, entry->uses, entry->n_uses, &basis, err));
    size_t number = 1;
    while (number < store->n_learned &&
           !is_same_basis(&store->bases[number], &basis))
        number++;
    bool is_new = number >= store->n_learned;
    if (is_new) {
        number = store->n_bases;
        FL_TRY(add_basis(store, &basis, err));
    } else {
        store->bases[number] = basis; /* now with its addresses */
    }
    *ret_is_new = is_new;
    store->slots[slot] = (int64_t)number + 1;
    *ret = (int64_t)number;
    return FL_OK;
}

static enum fl_status learn_facts(struct res_store *store, struct fl_error *err)
{
    sqlite3_stmt *stmt;
    FL_TRY(
        res_prepare(store, "SELECT name FROM fact ORDER BY name", &stmt, err));
    bool has_row = false;
    enum fl_status status;
    while ((status = res_step(store, stmt, &has_row, err)) == FL_OK &&
           has_row) {
        status =
            res_store_know_fact(store, res_column_text(stmt, 0), NULL, err);
        if (status != FL_OK)
            break;
    }
    sqlite3_finalize(stmt);
    return status;
}

/* One row of the table basis, in order. */
static enum fl_status
learn_part(struct res_store *store, sqlite3_stmt *stmt, struct fl_error *err)
{
    int64_t number = sqlite3_column_int64(stmt, 0);
    int64_t part = sqlite3_column_int64(stmt, 1);
    const char *name = res_column_text(stmt, 2);
    size_t fact = 0;
    while (fact < store->n_facts && strcmp(store->facts[fact].name, name) != 0)
        fact++;
    if (part == 0 && number == (int64_t)store->n_bases)
        FL_TRY(add_basis(store, &(struct res_basis){.n = 0}, err));
    struct res_basis *basis = &store->bases[store->n_bases - 1];
    if (number != (int64_t)store->n_bases - 1 || number == 0 ||
        part != basis->n || part >= CARBON_MAX_USES || fact == store->n_facts)
        return fl_fail(err, FL_E_FORMAT,
                       "%s: damaged: basis %lld, part %lld, fact '%s'",
                       store->path, (long long)number, (long long)part, name);
    basis->fact[basis->n] = fact;
    basis->use[basis->n].zero_value = sqlite3_column_double(stmt, 3);
    basis->use[basis->n].sign = sqlite3_column_int(stmt, 4);
    basis->n++;
    return FL_OK;
}

enum fl_status res_store_learn_bases(struct res_store *store,
                                     struct fl_error *err)
{
    FL_TRY(learn_facts(store, err));
    FL_TRY(add_basis(store, &(struct res_basis){.n = 0}, err));
    sqlite3_stmt *stmt;
    FL_TRY(res_prepare(store,
                       "SELECT basis, part, fact, zero_value, sign FROM basis"
                       " ORDER BY basis, part",
                       &stmt, err));
    bool has_row = false;
    enum fl_status status;
    while ((status = res_step(store, stmt, &has_row, err)) == FL_OK &&
           has_row) {
        status = learn_part(store, stmt, err);
        if (status != FL_OK)
            break;
    }
    sqlite3_finalize(stmt);
    store->n_learned = store->n_bases;
    return status;
}

void res_store_forget_bases(struct res_store *store)
{
    for (size_t i = 0; i < store->n_facts; i++)
        fl_free(store->facts[i].name);
    fl_free(store->facts);
    fl_free(store->bases);
    fl_free(store->slots);
}
