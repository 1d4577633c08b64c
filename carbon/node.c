/* A device's facts from those of its parts. */
#include "carbon/node.h"

#include "carbon/fact_priv.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>

static const char *const part_names[] = {
    [CARBON_PART_CPU] = "cpu",       [CARBON_PART_GPU] = "gpu",
    [CARBON_PART_MEMORY] = "memory", [CARBON_PART_DISK] = "disk",
    [CARBON_PART_OTHER] = "other",
};
_Static_assert(sizeof part_names / sizeof part_names[0] == CARBON_PART_LAST_,
               "every kind of part needs a name");

const char *carbon_part_name(enum carbon_part_kind kind)
{
    return (unsigned)kind < CARBON_PART_LAST_ ? part_names[kind] : "unknown";
}

/* A sum of facts, with its text. */
struct composed {
    struct carbon_fact fact;
    char *text; /* borrowed, with room for size */
    size_t size, used;
    int32_t n; /* summands */
};

static struct composed begin(char *text, size_t size)
{
    text[0] = '\0';
    return (struct composed){
        .fact = {.evidence = CARBON_DERIVED}, .text = text, .size = size};
}

static void say(struct composed *sum, int64_t n, double each, const char *what)
{
    int wrote = snprintf(
        sum->text + sum->used, sum->size - sum->used, "%s%lld x %.6g %s",
        sum->n > 0 ? " + " : "parts: ", (long long)n, each, what);
    if (wrote > 0)
        sum->used += (size_t)wrote;
    if (sum->used >= sum->size) /* cut */
        sum->used = sum->size - 1;
}

/* Adds n times a fact; none of it needs none. */
static enum fl_status add(struct composed *sum,
                          int64_t n,
                          const struct carbon_fact *fact,
                          const char *part,
                          const char *member,
                          struct fl_error *err)
{
    double each;
    if (n == 0)
        return FL_OK;
    FL_TRY(carbon_fact_use(fact, part, member, &each, err));
    sum->fact.value += (double)n * each;
    if (!fact->is_off)
        sum->fact.evidence =
            carbon_evidence_weaker(sum->fact.evidence, fact->evidence);
    if (fact->year > sum->fact.year)
        sum->fact.year = fact->year;
    char what[64];
    (void)snprintf(what, sizeof what, "%s %s", part,
                   fact->is_off ? "(off)" : member);
    say(sum, n, each, what);
    sum->n++;
    return FL_OK;
}

static struct carbon_fact end(const struct composed *sum)
{
    struct carbon_fact fact = sum->fact;
    fact.source = sum->text;
    return fact;
}

static enum fl_status check(const struct carbon_part *part,
                            struct fl_error *err)
{
    if (part->n >= 1 && part->busy >= 0 && part->busy <= part->n)
        return FL_OK;
    return fl_fail(err, FL_E_CONFIG,
                   "part %s: %lld of %lld busy, allowed at least one part, "
                   "and at most all of them busy",
                   carbon_part_name(part->kind), (long long)part->busy,
                   (long long)part->n);
}

static enum fl_status add_part(const struct carbon_part *part,
                               struct composed *train,
                               struct composed *idle,
                               struct composed *embodied,
                               struct fl_error *err)
{
    const char *name = carbon_part_name(part->kind);
    const struct carbon_fact *making = &part->embodied_kgco2e;
    FL_TRY(check(part, err));
    FL_TRY(add(train, part->busy, &part->busy_w, name, "busy_w", err));
    FL_TRY(
        add(train, part->n - part->busy, &part->idle_w, name, "idle_w", err));
    FL_TRY(add(idle, part->n, &part->idle_w, name, "idle_w", err));
    if (making->source && !making->is_off)
        FL_TRY(add(embodied, part->n, making, name, "embodied_kgco2e", err));
    return FL_OK;
}

enum fl_status carbon_node_compose(const struct carbon_part *parts,
                                   size_t n,
                                   char *text,
                                   size_t size,
                                   struct carbon_device *acc_device,
                                   struct fl_error *err)
{
    assert(parts && text && size >= 3 && acc_device);
    size_t third = size / 3;
    struct composed train = begin(text, third);
    struct composed idle = begin(text + third, third);
    struct composed embodied = begin(text + 2 * third, third);
    if (n == 0)
        return fl_fail(err, FL_E_CONFIG, "parts: none, allowed at least one");
    for (size_t i = 0; i < n; i++)
        FL_TRY(add_part(&parts[i], &train, &idle, &embodied, err));
    acc_device->train_w = end(&train);
    acc_device->idle_w = end(&idle);
    if (embodied.n > 0)
        acc_device->embodied_kgco2e = end(&embodied);
    return FL_OK;
}
