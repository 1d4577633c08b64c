/* Servings as the file gives them: how many requests, when, who answers. */
#include "scenarios/account_take_priv.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/parse.h"

#include <stdio.h>
#include <string.h>

#define MAX_TRACE_BYTES ((size_t)16 << 20)
#define MAX_INTERVALS   100000
#define MAX_REQUESTS    1e18

/* Which machine computes. */
static struct scn_machine *computer(struct scn_serving *serving)
{
    return serving->placement == SCN_END ? &serving->client : &serving->server;
}

/* Traces */

/* The number behind the last comma of a line that ends at `end`. */
static enum fl_status read_row(const char *line,
                               const char *end,
                               size_t number,
                               double *ret,
                               struct fl_error *err)
{
    char word[64];
    const char *from = end;
    if (end > line && end[-1] == '\r')
        end--;
    for (from = end; from > line && from[-1] != ','; from--) {
    }
    if ((size_t)(end - from) >= sizeof word)
        return fl_fail(err, FL_E_FORMAT, "line %zu: too long a word", number);
    memcpy(word, from, (size_t)(end - from));
    word[end - from] = '\0';
    struct fl_error why;
    if (fl_parse_double(word, 0, MAX_REQUESTS, ret, &why) != FL_OK)
        return fl_fail(err, FL_E_FORMAT, "line %zu: %.200s", number, why.text);
    return FL_OK;
}

static enum fl_status
read_rows(const char *text, struct scn_serving *serving, struct fl_error *err)
{
    size_t capacity = 0, number = 0;
    for (const char *line = text; *line;) {
        const char *end = strchr(line, '\n');
        const char *stop = end ? end : line + strlen(line);
        if (++number > 1) { /* the first is the header */
            if (serving->n_intervals == MAX_INTERVALS)
                return fl_fail(err, FL_E_FORMAT,
                               "more than %d rows, allowed so many",
                               MAX_INTERVALS);
            FL_TRY(fl_grow(&serving->requests, &capacity,
                           serving->n_intervals + 1,
                           sizeof serving->requests[0], err));
            FL_TRY(read_row(line, stop, number,
                            &serving->requests[serving->n_intervals], err));
            serving->n_intervals++;
        }
        line = end ? end + 1 : stop;
    }
    return serving->n_intervals > 0
               ? FL_OK
               : fl_fail(err, FL_E_FORMAT, "no row below the header");
}

static void take_trace(struct scn_load *load,
                       const struct fl_node *row,
                       struct scn_raw_serving *raw,
                       struct scn_serving *serving)
{
    const struct fl_node *node = fl_node_find(row, "trace");
    const char *path = NULL, *sha256 = NULL;
    serving->interval_s = raw->interval_s;
    scn_take_file(load, node, "trace_sha256", raw->trace_sha256, &path,
                  &sha256);
    raw->trace = path;
    raw->trace_sha256 = sha256;
    if (!path || !load->folder)
        return;
    uint8_t *text = NULL;
    size_t n = 0, before = fl_config_n_problems(load->config);
    struct fl_error err;
    /* A byte of 0 behind the text is part of what fl_file_read promises. */
    enum fl_status status =
        fl_file_read(path, MAX_TRACE_BYTES, &text, &n, &err);
    if (status == FL_OK)
        status = read_rows((const char *)text, serving, &err);
    fl_free(text);
    scn_absorb(load->config, before, node, status, &err);
}

/* Requests and time */

static void take_one_interval(struct scn_load *load,
                              const struct fl_node *row,
                              const struct scn_raw_serving *raw,
                              struct scn_serving *serving)
{
    struct carbon_fact duration;
    size_t before = fl_config_n_problems(load->config);
    bool has_rate = fl_node_find(row, "rate_per_s") != NULL;
    bool has_requests = fl_node_find(row, "requests") != NULL;
    if (has_rate == has_requests)
        fl_config_problem(load->config, &row->place,
                          "found %s, allowed one of rate_per_s, requests and "
                          "trace",
                          has_rate ? "rate_per_s and requests"
                                   : "no number of requests");
    bool has_time =
        scn_take_duration(load, row, &raw->hours, &raw->seconds, &duration);
    if (!has_time && fl_config_n_problems(load->config) == before)
        fl_config_problem(load->config, &row->place,
                          "hours or seconds is missing: how long is it "
                          "served?");
    if (fl_config_n_problems(load->config) > before)
        return;
    if (!(duration.value > 0)) {
        fl_config_problem(load->config, &row->place,
                          "served for %g s, allowed more than 0",
                          duration.value);
        return;
    }
    serving->requests = fl_calloc(1, sizeof serving->requests[0]);
    if (!serving->requests) {
        fl_config_no_memory(load->config);
        return;
    }
    serving->n_intervals = 1;
    serving->interval_s = duration.value;
    serving->requests[0] =
        has_rate ? raw->rate_hz * duration.value : raw->requests;
}

static void take_requests(struct scn_load *load,
                          const struct fl_node *row,
                          struct scn_raw_serving *raw,
                          struct scn_serving *serving)
{
    static const char *const others[] = {"rate_per_s", "requests", "hours",
                                         "seconds", NULL};
    serving->t0_s = scn_take_row_start(load, row, raw->start);
    if (!raw->trace) {
        take_one_interval(load, row, raw, serving);
        return;
    }
    for (size_t i = 0; others[i]; i++) {
        const struct fl_node *other = fl_node_find(row, others[i]);
        if (other)
            fl_config_problem(load->config, &other->key_place,
                              "%s: found a trace too, which says it",
                              others[i]);
    }
    take_trace(load, row, raw, serving);
}

/* The rest */

static void take_filter(struct scn_load *load,
                        const struct fl_node *row,
                        const struct scn_raw_serving *raw,
                        struct scn_serving *serving)
{
    const struct fl_node *kept = fl_node_find(row, "kept_share");
    bool has_filter = raw->filter != SCN_FILTER_NONE;
    serving->kept_ratio = kept ? raw->kept_share : 1;
    if (has_filter && !kept)
        fl_config_problem(load->config, &row->place,
                          "kept_share is missing: filter: frame_diff needs to "
                          "know how many frames differ");
    if (!has_filter && kept)
        fl_config_problem(load->config, &kept->key_place,
                          "kept_share: allowed with filter: frame_diff only");
}

static void need(struct scn_load *load,
                 const struct fl_node *row,
                 bool is_there,
                 const char *what)
{
    if (!is_there)
        fl_config_problem(load->config, &row->place, "%s", what);
}

/* What the placement asks for, and what it leaves without a use. */
static void check_placement(struct scn_load *load,
                            const struct fl_node *row,
                            const struct scn_raw_serving *raw,
                            const struct scn_serving *s)
{
    bool is_end = s->placement == SCN_END;
    bool moves = s->request_bytes > 0 || s->answer_bytes > 0;
    bool has_server = fl_node_find(row, "server") != NULL;
    bool is_known = raw->energy_kwh.is_set;
    need(load, row, is_end != has_server,
         is_end ? "server: allowed with placement edge and cloud only"
                : "server is missing: placement edge and cloud need its zone "
                  "and pue");
    need(load, row, is_end || !moves || s->link.name != NULL,
         "link is missing: how do request_bytes and answer_bytes travel?");
    need(load, row, !is_end || !moves,
         "request_bytes, answer_bytes: allowed with placement edge and cloud "
         "only");
    need(load, row, s->client.zone_name || (!is_end && !moves),
         "zone is missing: where are the devices that ask?");
    need(load, row, is_known || s->compute_s.source,
         "compute_s is missing: how long is a request computed on?");
    need(load, row, !is_end || raw->replicas <= 0,
         "replicas: allowed with placement edge and cloud only");
    need(load, row, !is_known || raw->replicas <= 0,
         "replicas: found energy_kwh too, which has their idle power in it");
}

/* A machine answers one request at a time. */
static void check_busy(struct scn_load *load,
                       const struct fl_node *row,
                       const struct scn_serving *s)
{
    for (size_t i = 0; i < s->n_intervals && s->replicas > 0; i++) {
        double busy =
            s->requests[i] * s->kept_ratio * s->compute_s.value / s->interval_s;
        if (busy <= s->replicas)
            continue;
        fl_config_problem(load->config, &row->place,
                          "replicas = %g, allowed at least %g: %g requests in "
                          "%g s take %g s each",
                          s->replicas, busy, s->requests[i] * s->kept_ratio,
                          s->interval_s, s->compute_s.value);
        return;
    }
}

static void take_serving(struct scn_load *load,
                         const struct fl_node *row,
                         struct scn_raw_serving *raw,
                         struct scn_serving *s)
{
    fl_config_decode(load->config, row, scn_serving_params, NULL, raw);
    if (row->kind != FL_NODE_MAP)
        return;
    s->name = raw->name;
    s->arm = scn_take_arm(load, row, raw->arm);
    s->placement = (enum scn_placement)raw->placement;
    s->request_bytes = raw->request_bytes;
    s->answer_bytes = raw->answer_bytes;
    s->replicas = raw->replicas;
    s->server.zone = -1;
    const struct fl_node *server = fl_node_find(row, "server");
    scn_take_machine(load, row, &raw->client, &s->client);
    if (server && server->kind == FL_NODE_MAP)
        scn_take_machine(load, server, &raw->server, &s->server);
    (void)scn_take_link(load, fl_node_find(row, "link"), raw->link,
                        &raw->link_facts, &s->link);
    if (raw->compute_s.is_set)
        (void)scn_take_fact(load, &raw->compute_s, &s->compute_s);
    take_filter(load, row, raw, s);
    check_placement(load, row, raw, s);
    take_requests(load, row, raw, s);
    check_busy(load, row, s);
    double lasts_s = scn_serving_s(s);
    if (raw->energy_kwh.is_set && lasts_s > 0)
        scn_take_energy(load, &raw->energy_kwh, lasts_s, computer(s));
}

void scn_take_servings(struct scn_load *load)
{
    struct scn_account *account = &load->scenario->account;
    const struct fl_node *serve = load->raw.serve;
    for (const struct fl_node *row = serve ? serve->child : NULL; row;
         row = row->next) {
        size_t i = account->n_servings++;
        take_serving(load, row, &load->account->servings[i],
                     &account->servings[i]);
    }
}

void scn_complete_serving(struct scn_load *load,
                          const struct fl_node *row,
                          const struct scn_raw_serving *raw,
                          struct scn_serving *serving)
{
    char origin[120];
    scn_complete_machine(load, row, &raw->client, &serving->client);
    const struct fl_node *server = fl_node_find(row, "server");
    if (server)
        scn_complete_machine(load, server, &raw->server, &serving->server);
    if (raw->trace)
        scn_complete_file(load, fl_node_find(row, "trace"), "trace_sha256",
                          raw->trace, raw->trace_sha256);
    if (!serving->link.name)
        return;
    (void)snprintf(origin, sizeof origin, "link %.100s", serving->link.name);
    scn_complete_facts(load, row, scn_link_slots, &raw->link_facts,
                       &serving->link, origin);
}
