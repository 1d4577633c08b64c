/* Items as the file gives them, and what items and servings share. */
#include "scenarios/account_take_priv.h"

#include "base/alloc.h"
#include "base/parse.h"
#include "base/units.h"

#include <stdio.h>
#include <string.h>

/* Arms */

static int32_t take_training_arm(struct scn_load *load,
                                 const struct fl_node *node,
                                 const char *name)
{
    for (int32_t arm = 0; arm < SCN_ARM_LAST_; arm++)
        if (arm != SCN_LOCAL && load->scenario->has_arm[arm] &&
            strcmp(name, scn_arm_name((enum scn_arm)arm)) == 0)
            return arm;
    fl_config_problem(load->config, &node->place,
                      "arm = %.80s, allowed federated or centralized, and in "
                      "train.arms",
                      name);
    return -1;
}

int32_t
scn_take_arm(struct scn_load *load, const struct fl_node *row, const char *name)
{
    struct scn_account *account = &load->scenario->account;
    const struct fl_node *node = fl_node_find(row, "arm");
    if (!name)
        return -1; /* has been said */
    if (!account->is_whole)
        return take_training_arm(load, node, name);
    if (strcmp(name, scn_arm_name(SCN_LOCAL)) == 0 || !name[0]) {
        fl_config_problem(load->config, &node->place,
                          "arm = '%s', allowed any name but `local`, which is "
                          "of clients that train alone",
                          name);
        return -1;
    }
    for (size_t i = 0; i < account->n_arms; i++)
        if (strcmp(account->arms[i], name) == 0)
            return (int32_t)i;
    account->arms[account->n_arms] = name; /* as many as rows at most */
    return (int32_t)account->n_arms++;
}

/* Times */

bool scn_take_duration(struct scn_load *load,
                       const struct fl_node *row,
                       const struct fl_fact *hours,
                       const struct fl_fact *seconds,
                       struct carbon_fact *ret_s)
{
    const struct fl_fact *given = hours->is_set ? hours : seconds;
    if (!given->is_set)
        return false;
    if (hours->is_set && seconds->is_set) {
        fl_config_problem(load->config, &row->place,
                          "found hours and seconds, allowed one of them");
        return false;
    }
    if (given->is_off) {
        fl_config_problem(load->config, &given->node->place,
                          "a duration = off, allowed a number");
        return false;
    }
    struct carbon_fact fact;
    if (!scn_take_fact(load, given, &fact))
        return false;
    if (hours->is_set)
        scn_scale_fact(&fact, FL_S_PER_HOUR);
    *ret_s = fact;
    return true;
}

double scn_take_row_start(struct scn_load *load,
                          const struct fl_node *row,
                          const char *start)
{
    int64_t epoch_s = 0;
    struct fl_error err;
    if (!start)
        return 0;
    const struct fl_node *node = fl_node_find(row, "start");
    if (!load->raw.carbon.start)
        fl_config_problem(load->config, &node->place,
                          "start: found no carbon.start, which says when time "
                          "begins");
    else if (fl_parse_utc(start, &epoch_s, &err) != FL_OK)
        fl_config_problem(load->config, &node->place, "start: %s", err.text);
    else
        return (double)(epoch_s - load->scenario->start_epoch_s);
    return 0;
}

/* Items */

/* How long an item takes once: as given, or by its link's speed. */
static void take_item_time(struct scn_load *load,
                           const struct fl_node *row,
                           const struct scn_raw_item *raw,
                           struct scn_item *item)
{
    struct carbon_activity *a = &item->activity;
    const struct carbon_fact *speed_bps =
        a->is_upload ? &item->link.up_bps : &item->link.down_bps;
    double once_s = 0;
    item->has_energy = raw->energy_kwh.is_set;
    if (scn_take_duration(load, row, &raw->hours, &raw->seconds,
                          &item->duration_s)) {
        once_s = item->duration_s.value;
        a->duration_evidence = item->duration_s.evidence;
    } else if (raw->hours.is_set || raw->seconds.is_set) {
        return; /* has been said */
    } else if (raw->energy_kwh.is_set) {
        once_s = FL_S_PER_HOUR; /* when is all that this decides */
    } else if (item->link.name && raw->bytes > 0 && speed_bps->value > 0) {
        once_s = raw->bytes * FL_BITS_PER_BYTE / speed_bps->value;
        a->duration_evidence = speed_bps->evidence;
        a->speed_fact = speed_bps;
    } else {
        fl_config_problem(load->config, &row->place,
                          "hours or seconds is missing: how long does it "
                          "take? Only transfers over a link with a speed and "
                          "a given energy_kwh can do without");
        return;
    }
    a->t0_s = scn_take_row_start(load, row, raw->start);
    a->t1_s = a->t0_s + (double)raw->repeat * once_s;
    if (raw->energy_kwh.is_set && once_s > 0)
        scn_take_energy(load, &raw->energy_kwh, once_s, &item->machine);
    else if (raw->energy_kwh.is_set)
        fl_config_problem(load->config, &row->place,
                          "energy_kwh in no time, allowed a duration > 0");
}

static void take_item(struct scn_load *load,
                      const struct fl_node *row,
                      struct scn_raw_item *raw,
                      struct scn_item *item)
{
    fl_config_decode(load->config, row, scn_item_params, NULL, raw);
    if (row->kind != FL_NODE_MAP)
        return;
    item->name = raw->name;
    item->arm = scn_take_arm(load, row, raw->arm);
    item->count = raw->count;
    scn_take_machine(load, row, &raw->machine, &item->machine);
    (void)scn_take_link(load, fl_node_find(row, "link"), raw->link,
                        &raw->link_facts, &item->link);
    struct carbon_activity *a = &item->activity;
    a->role = (enum carbon_role)raw->role;
    a->phase = (enum carbon_phase)raw->phase;
    a->stage = (enum carbon_stage)raw->stage;
    a->is_upload = a->phase == CARBON_UPLOAD || a->phase == CARBON_INIT;
    a->bytes = raw->bytes * (double)raw->repeat;
    a->stored_bytes = raw->stored_bytes;
    a->arm = item->arm;
    a->zone = item->machine.zone;
    take_item_time(load, row, raw, item);
    /* In the item, which stays where it is. */
    if (item->machine.device.name)
        a->device = &item->machine.device;
    if (item->link.name)
        a->link = &item->link;
    if (item->machine.pue.source || item->machine.pue.is_off)
        a->pue = &item->machine.pue;
}

static bool make_room(struct scn_load *load, size_t n_items, size_t n_servings)
{
    struct scn_account *account = &load->scenario->account;
    /* One more: nothing is asked for no bytes. */
    load->account = fl_calloc(1, sizeof *load->account);
    account->arms = fl_calloc(n_items + n_servings + 1, sizeof(char *));
    account->items = fl_calloc(n_items + 1, sizeof *account->items);
    account->servings = fl_calloc(n_servings + 1, sizeof *account->servings);
    if (load->account) {
        load->account->items =
            fl_calloc(n_items + 1, sizeof *load->account->items);
        load->account->servings =
            fl_calloc(n_servings + 1, sizeof *load->account->servings);
    }
    bool is_good = load->account && account->arms && account->items &&
                   account->servings && load->account->items &&
                   load->account->servings;
    if (!is_good)
        fl_config_no_memory(load->config);
    return is_good;
}

void scn_take_account(struct scn_load *load)
{
    struct scn_account *account = &load->scenario->account;
    const struct fl_node *items = load->raw.items;
    const struct fl_node *serve = load->raw.serve;
    size_t n_items = items ? items->n_children : 0;
    size_t n_servings = serve ? serve->n_children : 0;
    if (account->is_whole && items && n_items + n_servings == 0)
        fl_config_problem(load->config, &items->place,
                          "items: found none, allowed at least one, or one of "
                          "serve");
    if (n_items + n_servings == 0 || !make_room(load, n_items, n_servings))
        return;
    for (const struct fl_node *row = items ? items->child : NULL; row;
         row = row->next) {
        size_t i = account->n_items++;
        take_item(load, row, &load->account->items[i], &account->items[i]);
        account->items[i].activity.round = (int64_t)i;
    }
    scn_take_servings(load);
}

void scn_complete_account(struct scn_load *load)
{
    struct scn_account *account = &load->scenario->account;
    const struct fl_node *row = load->raw.items ? load->raw.items->child : NULL;
    char origin[120];
    for (size_t i = 0; i < account->n_items; i++, row = row->next) {
        struct scn_item *item = &account->items[i];
        scn_complete_machine(load, row, &load->account->items[i].machine,
                             &item->machine);
        if (!item->link.name)
            continue;
        (void)snprintf(origin, sizeof origin, "link %.100s", item->link.name);
        scn_complete_facts(load, row, scn_link_slots,
                           &load->account->items[i].link_facts, &item->link,
                           origin);
    }
    row = load->raw.serve ? load->raw.serve->child : NULL;
    for (size_t i = 0; i < account->n_servings; i++, row = row->next)
        scn_complete_serving(load, row, &load->account->servings[i],
                             &account->servings[i]);
}

void scn_account_raw_destroy(struct scn_account_raw *raw)
{
    if (!raw)
        return;
    fl_free(raw->items);
    fl_free(raw->servings);
    fl_free(raw);
}

void scn_account_fini(struct scn_account *account)
{
    for (size_t i = 0; i < account->n_servings; i++)
        fl_free(account->servings[i].requests);
    fl_free(account->arms);
    fl_free(account->items);
    fl_free(account->servings);
    *account = (struct scn_account){0};
}
