/* What a scenario costs besides training in rounds: items that somebody did
 * (an account), and the trained model answering requests (servings).
 *
 * A scenario file with `items` is an account: it trains nothing and has no
 * data, model or clients; its arms are names of its own. Items and servings
 * become activities of the carbon library, which are costed as a training
 * run's are:
 *
 *     FL_TRY(scn_account_each(scenario, take, arg, err));
 *     static enum fl_status take(const struct scn_event *event, ...) {
 *         carbon_account(preset, grid, &event->activity, entries, &n, err);
 *         scn_event_scale(event, entries, n);
 */
#ifndef SCENARIOS_ACCOUNT_H
#define SCENARIOS_ACCOUNT_H

#include "carbon/carbon.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A machine as a section gives it. */
struct scn_machine {
    struct carbon_device device;
    struct carbon_fact pue;
    int32_t zone; /* of scenario->grid; -1: none */
    const char *zone_name;
    bool is_energy; /* no device: only the energy that it drew is known */
};

/* Something that was done. */
struct scn_item {
    const char *name;
    int32_t arm;
    struct scn_machine machine;
    struct carbon_link link;         /* name NULL: none */
    struct carbon_activity activity; /* points into this item */
    double count;                    /* machines side by side */
    struct carbon_fact duration_s;   /* of one time, where given */
    bool has_energy;                 /* given, not its device's power x time */
};

enum scn_placement {
    SCN_END,   /* on the device that asks */
    SCN_EDGE,  /* behind its access network */
    SCN_CLOUD, /* in a data centre, across the core network */
    SCN_PLACEMENT_LAST_
};
/* "end" ...; never NULL. */
const char *scn_placement_name(enum scn_placement placement);

/* The trained model answers requests. */
struct scn_serving {
    const char *name;
    int32_t arm;
    enum scn_placement placement;
    double t0_s;
    double interval_s;
    double *requests; /* [n_intervals] in each interval */
    size_t n_intervals;
    double request_bytes, answer_bytes;
    double kept_ratio; /* of the requests that a filter lets through */
    struct carbon_fact compute_s; /* per request let through */
    struct scn_machine client;
    struct scn_machine server;
    double replicas;         /* of the server, kept ready; 0: none */
    struct carbon_link link; /* name NULL: none */
};

/* Requests of all intervals. */
double scn_serving_requests(const struct scn_serving *serving);
double scn_serving_s(const struct scn_serving *serving);

struct scn_account {
    bool is_whole;     /* the file has items: nothing is trained */
    const char **arms; /* [n_arms]; of training scenarios none: enum scn_arm */
    size_t n_arms;
    struct scn_item *items;
    size_t n_items;
    struct scn_serving *servings;
    size_t n_servings;
};

/* An activity, so many times over at the same instants. */
struct scn_event {
    struct carbon_activity activity;
    double scale;
    size_t row; /* item; or n_items and on: serving */
};

typedef enum fl_status (*scn_event_fn)(const struct scn_event *event,
                                       void *arg,
                                       struct fl_error *err);

/* Multiplies what the activity's entries sum up by its scale. */
void scn_event_scale(const struct scn_event *event,
                     struct carbon_entry *entries,
                     size_t n);

/* Costs an event: entries of all its machines. Edge servers stand in front of
 * the core network, which their transfers do not pay.
 * Fails as carbon_account. */
enum fl_status scn_event_account(const struct carbon_preset *preset,
                                 const struct carbon_grid *grid,
                                 const struct scn_account *account,
                                 const struct scn_event *event,
                                 struct carbon_entry *ret_entries,
                                 size_t *ret_n,
                                 struct fl_error *err) FL_NODISCARD;

/* What a serving does, from t0_s + its own start on, interval by interval: up
 * to four events each, in the order requests, answers, compute, keep-alive.
 * Fails as fn does. */
enum fl_status scn_serving_each(const struct scn_account *account,
                                size_t serving,
                                double t0_s,
                                scn_event_fn fn,
                                void *arg,
                                struct fl_error *err) FL_NODISCARD;

/* Items, then servings. activity.round of a row is its number from 0. */
enum fl_status scn_account_each(const struct scn_account *account,
                                scn_event_fn fn,
                                void *arg,
                                struct fl_error *err) FL_NODISCARD;

/* Every fact that rows rest on, by the name that the run store gives it:
 * "items.0.device.train_w". What is missing is passed over. */
typedef enum fl_status (*scn_fact_fn)(const char *name,
                                      const char *unit,
                                      const struct carbon_fact *fact,
                                      void *arg,
                                      struct fl_error *err);
enum fl_status scn_account_facts(const struct scn_account *account,
                                 scn_fact_fn fn,
                                 void *arg,
                                 struct fl_error *err) FL_NODISCARD;

#endif
