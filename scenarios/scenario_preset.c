/* The preset with the scenario's own constants and attribution. */
#include "scenarios/scenario_priv.h"

static void find_preset(struct scn_load *load, const struct fl_node *carbon)
{
    const char *name = load->raw.carbon.preset;
    const struct carbon_preset *found = NULL;
    if (!name)
        return; /* has been said */
    if (carbon_preset_find(name, &found, NULL) == FL_OK) {
        load->scenario->preset = *found;
        return;
    }
    const char *names[64];
    size_t n = 0;
    for (; n < 64 && carbon_presets[n]; n++)
        names[n] = carbon_presets[n]->name;
    fl_config_unknown_name(load->config, fl_node_find(carbon, "preset"), "",
                           names, n);
}

void scn_take_preset(struct scn_load *load, const struct fl_node *carbon)
{
    struct scn_scenario *s = load->scenario;
    find_preset(load, carbon);
    (void)scn_take_facts(load, scn_preset_slots, &load->raw.carbon.facts,
                         &s->preset);
    load->router_w = s->preset.router_w; /* links take it: scn_take_link */
    s->preset.router_w = (struct carbon_fact){.source = NULL};
    if (fl_node_find(carbon, "attribution"))
        s->preset.attribution =
            (enum carbon_attribution)load->raw.carbon.attribution;
    s->software_bytes = load->raw.carbon.software_bytes;
}

void scn_complete_preset(struct scn_load *load, const struct fl_node *carbon)
{
    const struct carbon_preset *preset = &load->scenario->preset;
    char origin[120];
    (void)snprintf(origin, sizeof origin, "preset %.100s", preset->name);
    struct carbon_preset copy = *preset;
    scn_complete_facts(load, carbon, scn_preset_slots, &load->raw.carbon.facts,
                       &copy, origin);
    if (!fl_node_find(carbon, "attribution"))
        (void)fl_config_put_text(load->config, carbon, "attribution",
                                 carbon_attribution_name(preset->attribution),
                                 origin);
}
