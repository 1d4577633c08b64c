/* Facts that a scenario gives: into profiles when it is read, and those that it
 * left to profiles back into the resolved scenario. */
#include "scenarios/scenario_priv.h"

#include <stdio.h>
#include <string.h>

/* The fact's spread, where one is given, around its value. */
static bool take_spread(struct scn_load *load,
                        const struct fl_fact *raw,
                        struct carbon_spread *ret)
{
    struct carbon_spread spread = {.value = raw->value,
                                   .low = raw->low,
                                   .high = raw->high,
                                   .sd = raw->sd,
                                   .gsd = raw->gsd};
    if (!raw->spread)
        return true;
    const char *names[CARBON_SPREAD_LAST_];
    for (int i = 0; i < CARBON_SPREAD_LAST_; i++) {
        names[i] = carbon_spread_name((enum carbon_spread_kind)i);
        if (strcmp(raw->spread, names[i]) == 0)
            spread.kind = (enum carbon_spread_kind)i;
    }
    if (strcmp(raw->spread, names[spread.kind]) != 0) {
        fl_config_unknown_name(load->config, fl_node_find(raw->node, "spread"),
                               "", names, CARBON_SPREAD_LAST_);
        return false;
    }
    struct fl_error why = {0};
    bool has_bounds = spread.kind == CARBON_SPREAD_UNIFORM ||
                      spread.kind == CARBON_SPREAD_TRIANGULAR;
    if ((!has_bounds && (spread.low > 0 || spread.high > 0)) ||
        (spread.kind != CARBON_SPREAD_NORMAL && spread.sd > 0) ||
        (spread.kind != CARBON_SPREAD_LOGNORMAL && spread.gsd > 0)) {
        fl_config_problem(load->config, &raw->node->place,
                          "spread: %s has other numbers, allowed low and high "
                          "(uniform, triangular), sd (normal), gsd (lognormal)",
                          raw->spread);
        return false;
    }
    if (carbon_spread_check(&spread, &why) != FL_OK ||
        (has_bounds &&
         (spread.value < spread.low || spread.value > spread.high))) {
        if (!why.text[0])
            (void)fl_fail(&why, FL_E_CONFIG,
                          "value %g, allowed from low %g to high %g",
                          spread.value, spread.low, spread.high);
        fl_config_problem(load->config, &raw->node->place, "%s", why.text);
        return false;
    }
    *ret = spread;
    return true;
}

bool scn_take_fact(struct scn_load *load,
                   const struct fl_fact *raw,
                   struct carbon_fact *ret)
{
    struct carbon_fact fact = {.value = raw->value,
                               .evidence = CARBON_ASSUMED,
                               .year = (int)raw->year,
                               .is_off = raw->is_off,
                               .source = raw->source};
    if (raw->evidence) {
        const char *names[CARBON_EVIDENCE_LAST_];
        bool is_known = false;
        for (int i = 0; i < CARBON_EVIDENCE_LAST_; i++) {
            names[i] = carbon_evidence_name((enum carbon_evidence)i);
            if (strcmp(raw->evidence, names[i]) == 0) {
                fact.evidence = (enum carbon_evidence)i;
                is_known = true;
            }
        }
        if (!is_known) {
            fl_config_unknown_name(load->config,
                                   fl_node_find(raw->node, "evidence"), "",
                                   names, CARBON_EVIDENCE_LAST_);
            return false;
        }
    }
    if (!fact.source && fact.evidence != CARBON_ASSUMED) {
        fl_config_problem(load->config, &raw->node->place,
                          "evidence: %s needs a source, found none",
                          carbon_evidence_name(fact.evidence));
        return false;
    }
    if (!fact.source) {
        const struct fl_place *place = &raw->node->place;
        char text[300];
        if (place->line > 0)
            (void)snprintf(text, sizeof text, "given in %.250s:%d:%d",
                           place->origin, place->line, place->column);
        else
            (void)snprintf(text, sizeof text, "given by %.250s", place->origin);
        fact.source = fl_config_copy(load->config, text);
    }
    if (!fact.source || !take_spread(load, raw, &fact.spread))
        return false;
    *ret = fact;
    return true;
}

void scn_complete_fact(struct scn_load *load,
                       const struct fl_node *map,
                       const char *key,
                       const struct fl_fact *raw,
                       const struct carbon_fact *fact,
                       const char *origin)
{
    struct fl_config *config = load->config;
    if (raw->is_set || (!fact->source && !fact->is_off))
        return;
    const struct fl_node *node = fl_config_put_map(config, map, key, origin);
    if (!node)
        return;
    if (fact->is_off) {
        (void)fl_config_put_text(config, node, "value", "off", origin);
    } else {
        (void)fl_config_put_double(config, node, "value", fact->value, origin);
        (void)fl_config_put_text(config, node, "evidence",
                                 carbon_evidence_name(fact->evidence), origin);
    }
    const struct carbon_spread *spread = &fact->spread;
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"low", spread->low},
                   {"high", spread->high},
                   {"sd", spread->sd},
                   {"gsd", spread->gsd}};
    if (spread->kind != CARBON_SPREAD_NONE) {
        (void)fl_config_put_text(config, node, "spread",
                                 carbon_spread_name(spread->kind), origin);
        for (size_t i = 0; i < 4; i++)
            if (numbers[i].value > 0)
                (void)fl_config_put_double(config, node, numbers[i].key,
                                           numbers[i].value, origin);
    }
    if (fact->year)
        (void)fl_config_put_double(config, node, "year", fact->year, origin);
    if (fact->source)
        (void)fl_config_put_text(config, node, "source", fact->source, origin);
}

static const struct fl_fact *raw_fact(const void *raw,
                                      const struct scn_fact_slot *slot)
{
    return (const void *)((const char *)raw + slot->raw_offset);
}

static struct carbon_fact *profile_fact(void *profile,
                                        const struct scn_fact_slot *slot)
{
    return (void *)((char *)profile + slot->profile_offset);
}

bool scn_take_facts(struct scn_load *load,
                    const struct scn_fact_slot *slots,
                    const void *raw,
                    void *profile)
{
    bool has_all = true;
    for (const struct scn_fact_slot *s = slots; s->key; s++) {
        const struct fl_fact *given = raw_fact(raw, s);
        has_all = has_all && (given->is_set || s->is_optional);
        if (given->is_set)
            (void)scn_take_fact(load, given, profile_fact(profile, s));
    }
    return has_all;
}

void scn_complete_facts(struct scn_load *load,
                        const struct fl_node *map,
                        const struct scn_fact_slot *slots,
                        const void *raw,
                        void *profile,
                        const char *origin)
{
    for (const struct scn_fact_slot *s = slots; s->key; s++)
        scn_complete_fact(load, map, s->key, raw_fact(raw, s),
                          profile_fact(profile, s), origin);
}
