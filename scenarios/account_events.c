/* From items and servings to activities. */
#include "scenarios/account.h"

#include "base/units.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>

double scn_serving_requests(const struct scn_serving *serving)
{
    double sum = 0;
    for (size_t i = 0; i < serving->n_intervals; i++)
        sum += serving->requests[i];
    return sum;
}

double scn_serving_s(const struct scn_serving *serving)
{
    return (double)serving->n_intervals * serving->interval_s;
}

void scn_event_scale(const struct scn_event *event,
                     struct carbon_entry *entries,
                     size_t n)
{
    for (size_t i = 0; i < n; i++) {
        entries[i].energy_j *= event->scale;
        entries[i].idle_j *= event->scale;
        entries[i].bytes *= event->scale;
        entries[i].emitted_gco2e *= event->scale;
    }
}

/* Entries that rest on facts of a copy rest on those of the preset. */
static void use_facts_of(const struct carbon_preset *preset,
                         const struct carbon_preset *copy,
                         struct carbon_entry *entries,
                         size_t n)
{
    uintptr_t from = (uintptr_t)copy, to = from + sizeof *copy;
    for (size_t i = 0; i < n; i++)
        for (int32_t k = 0; k < entries[i].n_uses; k++) {
            struct carbon_use *use = &entries[i].uses[k];
            uintptr_t at = (uintptr_t)use->fact;
            if (at >= from && at < to)
                use->fact = (const void *)((const char *)preset + (at - from));
        }
}

/* The duration that was given, where entries are in proportion to it: a
 * machine's hours, or seconds per request; of transfers, and where the energy
 * itself was given, there is none. */
static const struct carbon_fact *
duration_fact(const struct scn_account *account, const struct scn_event *event)
{
    if (event->row < account->n_items) {
        const struct scn_item *item = &account->items[event->row];
        bool is_free = item->has_energy || event->activity.bytes > 0;
        return is_free || !item->duration_s.source ? NULL : &item->duration_s;
    }
    const struct scn_serving *s =
        &account->servings[event->row - account->n_items];
    bool is_energy = s->client.is_energy || s->server.is_energy;
    bool is_compute = event->activity.phase == CARBON_SERVE;
    return is_compute && !is_energy && s->compute_s.source ? &s->compute_s
                                                           : NULL;
}

static void use_duration(const struct carbon_fact *duration,
                         struct carbon_entry *entries,
                         size_t n)
{
    for (size_t i = 0; duration && i < n; i++) {
        struct carbon_entry *entry = &entries[i];
        if (entry->n_uses < CARBON_MAX_USES)
            entry->uses[entry->n_uses++] =
                (struct carbon_use){.fact = duration, .sign = 1};
    }
}

enum fl_status scn_event_account(const struct carbon_preset *preset,
                                 const struct carbon_grid *grid,
                                 const struct scn_account *account,
                                 const struct scn_event *event,
                                 struct carbon_entry *ret_entries,
                                 size_t *ret_n,
                                 struct fl_error *err)
{
    struct carbon_preset access = *preset;
    bool is_edge =
        event->row >= account->n_items &&
        account->servings[event->row - account->n_items].placement == SCN_EDGE;
    if (is_edge) {
        static const struct carbon_fact none = {
            .is_off = true, .source = "edge servers stand in front of it"};
        access.core_network_j_per_byte = none;
        access.whole_network_j_per_byte = none;
    }
    FL_TRY(carbon_account(&access, grid, &event->activity, ret_entries, ret_n,
                          err));
    use_facts_of(preset, &access, ret_entries, *ret_n);
    use_duration(duration_fact(account, event), ret_entries, *ret_n);
    scn_event_scale(event, ret_entries, *ret_n);
    for (size_t i = 0; i < *ret_n; i++)
        if (!isfinite(ret_entries[i].energy_j) ||
            !isfinite(ret_entries[i].bytes) ||
            !isfinite(ret_entries[i].emitted_gco2e))
            return fl_fail(err, FL_E_NUMERIC,
                           "%s: %g J, %g bytes, %g g, allowed finite numbers",
                           carbon_terms[ret_entries[i].component]->name,
                           ret_entries[i].energy_j, ret_entries[i].bytes,
                           ret_entries[i].emitted_gco2e);
    return FL_OK;
}

/* Servings */

/* One interval of a serving. */
struct moment {
    const struct scn_serving *serving;
    struct scn_event event; /* row, arm, round, stage, t0_s and t1_s are set */
    double kept;            /* requests that are answered */
    double share;           /* of all the serving's requests */
    scn_event_fn fn;
    void *arg;
};

static double interval_s(const struct moment *m)
{
    return m->event.activity.t1_s - m->event.activity.t0_s;
}

/* A link in use all the interval long moves so many bytes; the transfers are
 * the part of it that they need. */
static enum fl_status
move(const struct moment *m, double bytes, bool is_upload, struct fl_error *err)
{
    const struct scn_serving *s = m->serving;
    const struct carbon_fact *speed_bps =
        is_upload ? &s->link.up_bps : &s->link.down_bps;
    if (!(bytes > 0) || !(m->kept > 0))
        return FL_OK;
    if (!(speed_bps->value > 0))
        return fl_fail(err, FL_E_CONFIG,
                       "%s: fact %s is off or missing, allowed a number: "
                       "transfers need it",
                       s->link.name, is_upload ? "up_bps" : "down_bps");
    struct scn_event event = m->event;
    struct carbon_activity *a = &event.activity;
    a->role = CARBON_CLIENT;
    a->phase = is_upload ? CARBON_UPLOAD : CARBON_BROADCAST;
    a->is_upload = is_upload;
    a->zone = s->client.zone;
    a->device = &s->client.device;
    a->link = &s->link;
    a->speed_fact = speed_bps;
    a->duration_evidence = speed_bps->evidence;
    a->bytes = speed_bps->value / FL_BITS_PER_BYTE * interval_s(m);
    event.scale = m->kept * bytes / a->bytes;
    return m->fn(&event, m->arg, err);
}

static void put_at(struct carbon_activity *activity,
                   const struct scn_machine *machine,
                   bool is_client)
{
    activity->role = is_client ? CARBON_CLIENT : CARBON_SERVER;
    activity->zone = machine->zone;
    activity->device = &machine->device;
    activity->pue = is_client ? NULL : &machine->pue;
}

static enum fl_status compute(const struct moment *m, struct fl_error *err)
{
    const struct scn_serving *s = m->serving;
    bool is_end = s->placement == SCN_END;
    const struct scn_machine *machine = is_end ? &s->client : &s->server;
    struct scn_event event = m->event;
    double busy_s = m->kept * s->compute_s.value;
    put_at(&event.activity, machine, is_end);
    event.activity.phase = CARBON_SERVE;
    event.activity.duration_evidence = s->compute_s.evidence;
    event.scale = busy_s / interval_s(m);
    if (machine->is_energy) { /* that of all requests, by their number */
        event.activity.duration_evidence = CARBON_MEASURED;
        event.scale = m->share * (double)s->n_intervals;
    }
    return m->fn(&event, m->arg, err);
}

/* Replicas that are ready and have nothing to do. */
static enum fl_status keep_alive(const struct moment *m, struct fl_error *err)
{
    const struct scn_serving *s = m->serving;
    if (!(s->replicas > 0))
        return FL_OK;
    struct scn_event event = m->event;
    put_at(&event.activity, &s->server, false);
    event.activity.phase = CARBON_WAIT;
    event.scale = s->replicas - m->kept * s->compute_s.value / interval_s(m);
    return m->fn(&event, m->arg, err);
}

enum fl_status scn_serving_each(const struct scn_account *account,
                                size_t serving,
                                double t0_s,
                                scn_event_fn fn,
                                void *arg,
                                struct fl_error *err)
{
    const struct scn_serving *s = &account->servings[serving];
    struct moment m = {.serving = s, .fn = fn, .arg = arg};
    double all = scn_serving_requests(s);
    m.event.row = account->n_items + serving;
    m.event.activity.arm = s->arm;
    m.event.activity.round = (int64_t)m.event.row;
    m.event.activity.stage = CARBON_SERVING;
    for (size_t i = 0; i < s->n_intervals; i++) {
        m.event.activity.t0_s = t0_s + s->t0_s + (double)i * s->interval_s;
        m.event.activity.t1_s =
            t0_s + s->t0_s + (double)(i + 1) * s->interval_s;
        m.kept = s->requests[i] * s->kept_ratio;
        m.share = all > 0 ? s->requests[i] / all : 0;
        FL_TRY(move(&m, s->request_bytes, true, err));
        FL_TRY(move(&m, s->answer_bytes, false, err));
        FL_TRY(compute(&m, err));
        FL_TRY(keep_alive(&m, err));
    }
    return FL_OK;
}

enum fl_status scn_account_each(const struct scn_account *account,
                                scn_event_fn fn,
                                void *arg,
                                struct fl_error *err)
{
    for (size_t i = 0; i < account->n_items; i++) {
        const struct scn_event event = {.activity = account->items[i].activity,
                                        .scale = account->items[i].count,
                                        .row = i};
        FL_TRY(fn(&event, arg, err));
    }
    for (size_t i = 0; i < account->n_servings; i++)
        FL_TRY(scn_serving_each(account, i, 0, fn, arg, err));
    return FL_OK;
}

/* Facts */

/* Whoever tells facts, and to whom. */
struct teller {
    scn_fact_fn fn;
    void *arg;
    const char *owner; /* "items.0" */
};

static enum fl_status tell(const struct teller *teller,
                           const char *what,
                           const char *unit,
                           const struct carbon_fact *fact,
                           struct fl_error *err)
{
    char name[160];
    if (!fact->source && !fact->is_off)
        return FL_OK;
    (void)snprintf(name, sizeof name, "%s.%s", teller->owner, what);
    return teller->fn(name, unit, fact, teller->arg, err);
}

struct named {
    const char *name, *unit;
    const struct carbon_fact *fact;
};

static enum fl_status tell_all(const struct teller *teller,
                               const struct named *facts,
                               size_t n,
                               struct fl_error *err)
{
    for (size_t i = 0; i < n; i++)
        FL_TRY(tell(teller, facts[i].name, facts[i].unit, facts[i].fact, err));
    return FL_OK;
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static enum fl_status tell_machine(const struct teller *teller,
                                   const struct scn_machine *machine,
                                   struct fl_error *err)
{
    const struct carbon_device *d = &machine->device;
    const struct named facts[] = {
        {"device.train_w", "W", &d->train_w},
        {"device.idle_w", "W", &d->idle_w},
        {"device.memory_w", "W", &d->memory_w},
        {"device.embodied_kgco2e", "kgCO2e", &d->embodied_kgco2e},
        {"device.lifetime_years", "years", &d->lifetime_years},
        {"device.use_share", "ratio", &d->use_share},
        {"pue", "ratio", &machine->pue},
    };
    size_t n = machine->is_energy ? 1 : COUNT(facts) - 1;
    FL_TRY(tell_all(teller, facts, n, err)); /* of energy, there is but that */
    return tell_all(teller, &facts[COUNT(facts) - 1], 1, err);
}

static enum fl_status tell_link(const struct teller *teller,
                                const struct carbon_link *l,
                                struct fl_error *err)
{
    const struct named facts[] = {
        {"link.down_bps", "bit/s", &l->down_bps},
        {"link.up_bps", "bit/s", &l->up_bps},
        {"link.rx_w", "W", &l->rx_w},
        {"link.tx_w", "W", &l->tx_w},
        {"link.router_w", "W", &l->router_w},
        {"link.access_down_j_per_byte", "J/byte", &l->access_down_j_per_byte},
        {"link.access_up_j_per_byte", "J/byte", &l->access_up_j_per_byte},
    };
    return l->name ? tell_all(teller, facts, COUNT(facts), err) : FL_OK;
}

enum fl_status scn_account_facts(const struct scn_account *account,
                                 scn_fact_fn fn,
                                 void *arg,
                                 struct fl_error *err)
{
    char owner[64];
    struct teller teller = {.fn = fn, .arg = arg, .owner = owner};
    for (size_t i = 0; i < account->n_items; i++) {
        const struct scn_item *item = &account->items[i];
        (void)snprintf(owner, sizeof owner, "items.%zu", i);
        FL_TRY(tell_machine(&teller, &item->machine, err));
        FL_TRY(tell_link(&teller, &item->link, err));
        FL_TRY(tell(&teller, "duration", "s", &item->duration_s, err));
    }
    for (size_t i = 0; i < account->n_servings; i++) {
        const struct scn_serving *s = &account->servings[i];
        (void)snprintf(owner, sizeof owner, "serve.%zu", i);
        FL_TRY(tell_machine(&teller, &s->client, err));
        FL_TRY(tell_link(&teller, &s->link, err));
        FL_TRY(tell(&teller, "compute_s", "s", &s->compute_s, err));
        (void)snprintf(owner, sizeof owner, "serve.%zu.server", i);
        FL_TRY(tell_machine(&teller, &s->server, err));
    }
    return FL_OK;
}
