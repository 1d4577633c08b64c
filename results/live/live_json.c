/* What is going on, as JSON: docs/live.md describes it. */
#include "results/live/live_priv.h"

#include "base/alloc.h"

#include <string.h>

/* Text of a file's or a folder's name may be anything: what is no UTF-8 is
 * said with '?'. */
static json_t *text_json(const char *text)
{
    json_t *json = json_string(text);
    if (json)
        return json;
    char *plain = fl_strdup(text);
    if (!plain)
        return NULL;
    for (char *at = plain; *at; at++)
        if ((unsigned char)*at >= 0x80)
            *at = '?';
    json = json_string(plain);
    fl_free(plain);
    return json;
}

struct member {
    const char *key;
    json_t *value;
};

/* Takes all values, whatever comes. */
static enum fl_status set_all(json_t *object,
                              const struct member *members,
                              size_t n,
                              struct fl_error *err)
{
    enum fl_status status = FL_OK;
    for (size_t i = 0; i < n; i++) {
        if (status == FL_OK)
            status =
                res_json_set(object, members[i].key, members[i].value, err);
        else
            json_decref(members[i].value);
    }
    return status;
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static enum fl_status
append(json_t *array, json_t **ret_object, struct fl_error *err)
{
    json_t *object = json_object();
    if (!object || json_array_append_new(array, object) != 0)
        return fl_fail(err, FL_E_NOMEM, "JSON: out of memory");
    *ret_object = object;
    return FL_OK;
}

/* An empty list under a key; borrowed. */
static enum fl_status
add_list(json_t *object, const char *key, json_t **ret, struct fl_error *err)
{
    json_t *list = json_array();
    FL_TRY(res_json_set(object, key, list, err));
    *ret = list;
    return FL_OK;
}

static enum fl_status
add_arm(json_t *list, const struct res_live_arm *arm, struct fl_error *err)
{
    json_t *object = NULL;
    FL_TRY(append(list, &object, err));
    const struct member members[] = {
        {"name", text_json(arm->name)},
        {"per_client", json_boolean(arm->is_per_client)},
        {"finished", json_boolean(arm->is_finished)},
        {"step", json_integer(arm->step)},
        {"steps", arm->steps < 0 ? json_null() : json_integer(arm->steps)},
        {"target_accuracy", arm->target_accuracy > 0
                                ? json_real(arm->target_accuracy)
                                : json_null()},
        {"accuracy", res_json_real(arm->accuracy)},
        {"loss", res_json_real(arm->loss)},
        {"sim_time_s", res_json_real(arm->sim_time_s)},
        {"energy_j", res_json_real(arm->energy_j)},
        {"gco2e", res_json_real(arm->gco2e)},
        {"x_so_far", res_json_real(arm->so_far_ratio)},
        {"equal_accuracy", res_json_real(arm->equal_accuracy)},
        {"x_equal", res_json_real(arm->equal_ratio)}};
    return set_all(object, members, COUNT(members), err);
}

static json_t *round_json(const struct res_live_round *round)
{
    if (!round->is_known)
        return json_null();
    return json_pack(
        "{sI sI sf sf s{sf sf sf sf}}", "round", (json_int_t)round->round,
        "clients", (json_int_t)round->clients, "start_s", round->t0_s, "end_s",
        round->t1_s, "mean_clients", res_live_doing_names[RES_LIVE_DOWNLOAD],
        round->clients_mean[RES_LIVE_DOWNLOAD],
        res_live_doing_names[RES_LIVE_TRAIN],
        round->clients_mean[RES_LIVE_TRAIN],
        res_live_doing_names[RES_LIVE_UPLOAD],
        round->clients_mean[RES_LIVE_UPLOAD],
        res_live_doing_names[RES_LIVE_WAIT],
        round->clients_mean[RES_LIVE_WAIT]);
}

static enum fl_status
add_run(json_t *list, const struct res_live_run *run, struct fl_error *err)
{
    json_t *object = NULL, *arms = NULL;
    FL_TRY(append(list, &object, err));
    const struct member members[] = {
        {"label", text_json(run->label)},
        {"name", text_json(run->name)},
        {"about", text_json(run->about)},
        {"boundary", text_json(run->boundary)},
        {"state", json_string(res_live_state_names[run->state])},
        {"problem", run->problem[0] ? text_json(run->problem) : json_null()},
        {"entries", json_integer(run->entries)},
        {"reading", json_boolean(run->is_reading)},
        {"detail", json_boolean(run->has_detail)},
        {"round", round_json(&run->round)}};
    FL_TRY(set_all(object, members, COUNT(members), err));
    FL_TRY(add_list(object, "arms", &arms, err));
    for (size_t i = 0; i < run->n_arms; i++)
        FL_TRY(add_arm(arms, &run->arms[i], err));
    return FL_OK;
}

static enum fl_status add_point(json_t *list,
                                const struct res_live *live,
                                const struct res_live_point *point,
                                struct fl_error *err)
{
    json_t *object = NULL, *values = NULL;
    FL_TRY(append(list, &object, err));
    FL_TRY(
        res_json_set(object, "run", json_integer((json_int_t)point->run), err));
    FL_TRY(add_list(object, "values", &values, err));
    for (size_t k = 0; k < res_live_n_keys(live); k++)
        if (json_array_append_new(values, text_json(point->values[k])) != 0)
            return fl_fail(err, FL_E_NOMEM, "JSON: out of memory");
    return FL_OK;
}

static enum fl_status
add_counts(json_t *object, const struct res_live *live, struct fl_error *err)
{
    json_t *counts = json_object();
    FL_TRY(res_json_set(object, "counts", counts, err));
    for (int i = 0; i < RES_LIVE_STATE_LAST_; i++)
        FL_TRY(res_json_set(counts, res_live_state_names[i],
                            json_integer((json_int_t)res_live_count(
                                live, (enum res_live_state)i)),
                            err));
    return FL_OK;
}

static enum fl_status
fill(json_t *object, const struct res_live *live, struct fl_error *err)
{
    json_t *runs = NULL, *keys = NULL, *points = NULL;
    const struct member members[] = {
        {"folder", text_json(live->dir)},
        {"sweep", json_boolean(live->is_sweep)},
        {"state", json_string(res_live_state_names[res_live_state(live)])}};
    FL_TRY(set_all(object, members, COUNT(members), err));
    FL_TRY(add_counts(object, live, err));
    FL_TRY(add_list(object, "runs", &runs, err));
    for (size_t i = 0; i < live->n_runs; i++)
        FL_TRY(add_run(runs, &live->runs[i].view, err));
    FL_TRY(add_list(object, "keys", &keys, err));
    for (size_t k = 0; k < res_live_n_keys(live); k++)
        if (json_array_append_new(keys, text_json(res_live_key(live, k))) != 0)
            return fl_fail(err, FL_E_NOMEM, "JSON: out of memory");
    FL_TRY(add_list(object, "points", &points, err));
    for (size_t p = 0; p < live->n_points; p++)
        FL_TRY(add_point(points, live, &live->points[p], err));
    return FL_OK;
}

/* Numbers for people to look at: 9 digits tell apart what a screen can show. */
static enum fl_status
write_out(const json_t *json, char **ret, struct fl_error *err)
{
    const size_t flags =
        JSON_COMPACT | JSON_REAL_PRECISION(9) | JSON_ENCODE_ANY;
    size_t n = json_dumpb(json, NULL, 0, flags);
    char *text = n > 0 ? fl_calloc(n + 1, 1) : NULL;
    if (!text || json_dumpb(json, text, n, flags) != n) {
        fl_free(text);
        return fl_fail(err, FL_E_NOMEM, "JSON: out of memory");
    }
    *ret = text;
    return FL_OK;
}

enum fl_status
res_live_json(const struct res_live *live, char **ret, struct fl_error *err)
{
    json_t *object = json_object();
    enum fl_status status =
        object ? fill(object, live, err)
               : fl_fail(err, FL_E_NOMEM, "JSON: out of memory");
    if (status == FL_OK)
        status = write_out(object, ret, err);
    json_decref(object);
    return status;
}

enum fl_status res_live_chart_json(const struct res_live *live,
                                   size_t run,
                                   const char *name,
                                   char **ret,
                                   struct fl_error *err)
{
    struct res_chart chart = {.name = NULL};
    json_t *json = NULL;
    if (run >= live->n_runs)
        return fl_fail(err, FL_E_ARG, "no run %zu, allowed below %zu", run,
                       live->n_runs);
    FL_TRY(live_chart(&live->runs[run], name, &chart, err));
    enum fl_status status = res_chart_json(&chart, &json, err);
    res_chart_fini(&chart);
    if (status == FL_OK)
        status = write_out(json, ret, err);
    json_decref(json);
    return status;
}
