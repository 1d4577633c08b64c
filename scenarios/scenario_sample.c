/* One of every kind of activity that a run can have. */
#include "scenarios/scenario.h"

struct walk {
    const struct scn_scenario *scenario;
    enum fl_status (*fn)(const struct scn_sample *sample,
                         void *arg,
                         struct fl_error *err);
    void *arg;
};

static enum fl_status
call(const struct walk *w, struct scn_sample sample, struct fl_error *err)
{
    sample.activity.t1_s = 1;
    return w->fn(&sample, w->arg, err);
}

/* A site's phases, [n]. */
static enum fl_status site(const struct walk *w,
                           const char *section,
                           enum carbon_role role,
                           const struct scn_site *site,
                           const enum carbon_phase *phases,
                           size_t n,
                           struct fl_error *err)
{
    for (size_t i = 0; i < n; i++) {
        struct scn_sample sample = {
            .section = section,
            .row = -1,
            .activity = {.role = role,
                         .phase = phases[i],
                         .stored_bytes = phases[i] == CARBON_STORE,
                         .zone = site->zone,
                         .device = &site->device,
                         .pue = &site->pue,
                         .machines = &site->machines}};
        FL_TRY(call(w, sample, err));
    }
    return FL_OK;
}

static enum fl_status transfer(const struct walk *w,
                               struct scn_sample sample,
                               enum carbon_phase phase,
                               const struct carbon_link *link,
                               struct fl_error *err)
{
    sample.activity.phase = phase;
    sample.activity.bytes = 1;
    sample.activity.link = link;
    sample.activity.is_upload = phase == CARBON_UPLOAD || phase == CARBON_INIT;
    return call(w, sample, err);
}

static enum fl_status
fleet_row(const struct walk *w, size_t i, struct fl_error *err)
{
    const struct scn_scenario *s = w->scenario;
    const struct scn_fleet_row *row = &s->fleet[i];
    bool is_federated = s->has_arm[SCN_FEDERATED];
    bool trains = is_federated || s->has_arm[SCN_LOCAL];
    struct scn_sample sample = {.section = "fleet",
                                .row = (int64_t)i,
                                .activity = {.role = CARBON_CLIENT,
                                             .phase = CARBON_TRAIN,
                                             .zone = row->zone,
                                             .device = &row->device}};
    if (trains)
        FL_TRY(call(w, sample, err));
    if (trains && s->software_bytes > 0)
        FL_TRY(transfer(w, sample, CARBON_PROVISION, &row->link, err));
    if (is_federated) {
        FL_TRY(transfer(w, sample, CARBON_BROADCAST, &row->link, err));
        FL_TRY(transfer(w, sample, CARBON_UPLOAD, &row->link, err));
        sample.activity.phase = CARBON_WAIT;
        FL_TRY(call(w, sample, err));
    }
    if (s->has_arm[SCN_CENTRALIZED] && s->uploads_data)
        FL_TRY(transfer(w, sample, CARBON_INIT,
                        s->upload_link.name ? &s->upload_link : &row->link,
                        err));
    return FL_OK;
}

enum fl_status
scn_scenario_sample(const struct scn_scenario *scenario,
                    enum fl_status (*fn)(const struct scn_sample *sample,
                                         void *arg,
                                         struct fl_error *err),
                    void *arg,
                    struct fl_error *err)
{
    static const enum carbon_phase server_phases[] = {
        CARBON_WAIT, CARBON_AGGREGATE, CARBON_EVALUATE};
    static const enum carbon_phase centre_phases[] = {
        CARBON_TRAIN, CARBON_EVALUATE, CARBON_STORE};
    const struct walk w = {.scenario = scenario, .fn = fn, .arg = arg};
    for (size_t i = 0; i < scenario->n_fleet; i++)
        FL_TRY(fleet_row(&w, i, err));
    if (scenario->has_arm[SCN_FEDERATED])
        FL_TRY(site(&w, "server", CARBON_SERVER, &scenario->server,
                    server_phases, 3, err));
    if (scenario->has_arm[SCN_CENTRALIZED])
        FL_TRY(site(&w, "centralized", CARBON_DATACENTRE, &scenario->datacentre,
                    centre_phases, scenario->uploads_data ? 3 : 2, err));
    return FL_OK;
}
