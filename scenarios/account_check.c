/* Items and servings costed while they are loaded: what is missing is a problem
 * of its row. */
#include "scenarios/scenario_priv.h"

/* Every event costed: what is missing is a problem of its row. */
static enum fl_status
try_event(const struct scn_event *event, void *arg, struct fl_error *err)
{
    struct scn_load *load = arg;
    struct carbon_entry entries[CARBON_MAX_TERMS];
    size_t n = 0;
    return scn_event_account(&load->scenario->preset, load->scenario->grid,
                             &load->scenario->account, event, entries, &n, err);
}

static bool rests_on(const struct carbon_entry *entry,
                     const struct carbon_fact *fact)
{
    for (int32_t i = 0; i < entry->n_uses; i++)
        if (entry->uses[i].fact == fact)
            return true;
    return false;
}

/* A machine that draws power in a role and phase where no term counts that
 * would cost nothing: true where the terms of preset full, which has them all,
 * do not look at its power. What cannot be costed so is not judged. */
static bool is_passed_over(const struct scn_load *load,
                           const struct scn_event *event)
{
    const struct carbon_activity *a = &event->activity;
    const struct carbon_preset *full = NULL;
    struct carbon_entry entries[CARBON_MAX_TERMS];
    size_t n = 0;
    const struct carbon_device *d = a->device;
    if (!d || a->bytes > 0 || a->stored_bytes > 0 ||
        !(d->train_w.value + d->idle_w.value > 0) || !(a->t1_s > a->t0_s) ||
        carbon_preset_find("full", &full, NULL) != FL_OK ||
        carbon_account(full, load->scenario->grid, a, entries, &n, NULL) !=
            FL_OK)
        return false;
    for (size_t i = 0; i < n; i++)
        if (rests_on(&entries[i], &d->train_w) ||
            rests_on(&entries[i], &d->idle_w))
            return false;
    return true;
}

static void check_item(struct scn_load *load,
                       const struct fl_node *row,
                       const struct scn_event *event)
{
    const struct carbon_activity *a = &event->activity;
    struct fl_error err;
    enum fl_status status = try_event(event, load, &err);
    if (status != FL_OK)
        scn_refuse_activity(load, row, status, &err);
    else if (is_passed_over(load, event))
        fl_config_problem(load->config, &row->place,
                          "role %s in phase %s: no term counts the power of "
                          "its device, allowed phases that one counts",
                          carbon_role_name(a->role),
                          carbon_phase_name(a->phase));
}

static const struct fl_node *nth(const struct fl_node *list, size_t n)
{
    const struct fl_node *row = list->child;
    for (; n > 0; n--)
        row = row->next;
    return row;
}

void scn_check_account(struct scn_load *load)
{
    const struct scn_account *account = &load->scenario->account;
    struct fl_error err;
    for (size_t i = 0; i < account->n_items; i++) {
        const struct scn_event event = {.activity = account->items[i].activity,
                                        .scale = account->items[i].count,
                                        .row = i};
        check_item(load, nth(load->raw.items, i), &event);
    }
    for (size_t i = 0; i < account->n_servings; i++) {
        enum fl_status status =
            scn_serving_each(account, i, 0, try_event, load, &err);
        if (status != FL_OK)
            scn_refuse_activity(load, nth(load->raw.serve, i), status, &err);
    }
}
