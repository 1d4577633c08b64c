/* What is told of a run besides its results: docs/results.md lists the keys. */
#include "coordinator/run_priv.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/topology.h"
#include "nn/train.h"
#include "results/uncertain.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static enum fl_status set_number(struct coord_run *run,
                                 const char *key,
                                 int64_t value,
                                 struct fl_error *err)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%lld", (long long)value);
    return res_store_set(run->store, key, text, err);
}

static enum fl_status set_real(struct coord_run *run,
                               const char *key,
                               double value,
                               struct fl_error *err)
{
    char text[40];
    (void)snprintf(text, sizeof text, "%.17g", value);
    return res_store_set(run->store, key, text, err);
}

/* "dirichlet 0.5", "natural", "layers": a node in a few words. */
static void node_text(const struct fl_node *node,
                      const char *fallback,
                      char *ret,
                      size_t size)
{
    (void)snprintf(ret, size, "%s", fallback);
    if (!node)
        return;
    if (node->kind == FL_NODE_SCALAR)
        (void)snprintf(ret, size, "%s", node->text);
    const struct fl_node *kind = fl_node_find(node, "kind");
    if (!kind || kind->kind != FL_NODE_SCALAR)
        return;
    size_t used = (size_t)snprintf(ret, size, "%s", kind->text);
    for (const struct fl_node *child = node->child; child && used < size;
         child = child->next)
        if (child != kind && child->kind == FL_NODE_SCALAR)
            used += (size_t)snprintf(ret + used, size - used, " %s %s",
                                     child->key, child->text);
}

/* "annual", "hourly trace.csv.gz (835e8b3fb98a) from 2022-06-01T00:00Z": the
 * trace by its file's name and the head of its hash, not by its whole path. */
static void grid_text(const struct fl_node *carbon, char *ret, size_t size)
{
    const struct fl_node *grid = fl_node_find(carbon, "grid");
    const struct fl_node *trace = fl_node_find(grid, "trace");
    const struct fl_node *hash = fl_node_find(grid, "trace_sha256");
    const struct fl_node *start = fl_node_find(carbon, "start");
    if (!trace || !hash || !start) {
        node_text(grid, "annual", ret, size);
        return;
    }
    const char *slash = strrchr(trace->text, '/');
    (void)snprintf(ret, size, "hourly %.60s (%.12s) from %.24s",
                   slash ? slash + 1 : trace->text, hash->text, start->text);
}

static enum fl_status store_machine(struct coord_run *run, struct fl_error *err)
{
    struct fl_topology *topology = NULL;
    FL_TRY(fl_topology_create(&topology, err));
    enum fl_status status =
        res_store_set(run->store, "cpu", fl_topology_cpu(topology), err);
    if (status == FL_OK)
        status = set_number(run, "cores", fl_topology_cores(topology), err);
    fl_topology_destroy(topology);
    return status;
}

enum fl_status coord_store_start(struct coord_run *run, struct fl_error *err)
{
    const struct scn_scenario *scenario = run->scenario;
    char started[21], model[128], partition[128], grid[128];
    fl_clock_utc(started);
    const struct fl_node *root = fl_config_root(scenario->config);
    node_text(scenario->model, "own layers", model, sizeof model);
    node_text(scenario->partition, "iid", partition, sizeof partition);
    if (!run->task.dataset)
        (void)snprintf(partition, sizeof partition, "%lld samples each",
                       (long long)run->task.samples_per_client);
    grid_text(fl_node_find(root, "carbon"), grid, sizeof grid);
    const struct coord_note own[] = {
        {"scenario", run->scenario_text},
        {"scenario_name", scenario->name},
        {"scenario_sha256", scenario->sha256},
        {"dataset", scenario->dataset},
        {"dataset_sha256", run->task.dataset_sha256},
        {"model", model},
        {"partition", partition},
        {"grid", grid},
        {"preset", scenario->preset.name},
        {"leaves_out", scenario->preset.leaves_out},
        {"attribution", carbon_attribution_name(scenario->preset.attribution)},
        {"boundary", scn_boundary_name(scenario->boundary)},
        {"version", run->opts->version},
        {"started_utc", started},
    };
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        FL_TRY(res_store_set(run->store, own[i].key, own[i].value, err));
    for (size_t i = 0; i < run->opts->n_notes; i++)
        FL_TRY(res_store_set(run->store, run->opts->notes[i].key,
                             run->opts->notes[i].value, err));
    FL_TRY(res_store_set_gsd(run->store, scenario->default_gsd, err));
    if (coord_is_mock(run))
        FL_TRY(coord_mock_store(run, err));
    FL_TRY(set_number(run, "clients", run->clients, err));
    FL_TRY(set_number(run, "n_params", (int64_t)run->n_params, err));
    FL_TRY(set_number(run, "seed", scenario->seed, err));
    return store_machine(run, err);
}

enum fl_status coord_store_wall(struct coord_run *run, struct fl_error *err)
{
    double so_far = fl_clock_wall_s() - run->start_wall_s;
    const char *kernel =
        run->dispatch ? coord_dispatch_blas_kernel(run->dispatch) : "";
    if (kernel[0])
        FL_TRY(res_store_set(run->store, "blas_kernel", kernel, err));
    return set_real(run, "wall_s", run->earlier_wall_s + so_far, err);
}

enum fl_status coord_load_wall(struct coord_run *run, struct fl_error *err)
{
    char *text = NULL;
    FL_TRY(res_store_get(run->store, "wall_s", &text, err));
    enum fl_status status =
        text ? fl_parse_double(text, 0, 1e12, &run->earlier_wall_s, err)
             : FL_OK; /* killed before its first commit */
    fl_free(text);
    return status;
}

/* {"MODEL sent": {"messages": n, "bytes": n}, ...}: what really moved. */
static enum fl_status store_messages(struct coord_run *run,
                                     struct fl_error *err)
{
    struct comms_counts counts = comms_endpoint_counts(run->hub);
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    if (!out)
        return fl_fail(err, FL_E_NOMEM, "out of memory: message counts");
    const char *separator = "{";
    for (int way = 0; way < 2; way++) {
        const struct comms_count *all = way ? counts.received : counts.sent;
        for (int kind = 0; kind < COMMS_KIND_LAST_; kind++) {
            if (all[kind].messages == 0)
                continue;
            (void)fprintf(
                out, "%s\"%s %s\": {\"messages\": %lld, \"bytes\": %lld}",
                separator, comms_kind_name((enum comms_kind)kind),
                way ? "received" : "sent", (long long)all[kind].messages,
                (long long)all[kind].bytes);
            separator = ", ";
        }
    }
    (void)fprintf(out, "%s}", separator[0] == '{' ? "{" : "");
    bool is_whole = fclose(out) == 0;
    enum fl_status status =
        is_whole ? res_store_set(run->store, "messages", text, err)
                 : fl_fail(err, FL_E_NOMEM, "out of memory: message counts");
    fl_free(text);
    return status;
}

enum fl_status coord_store_end(struct coord_run *run, struct fl_error *err)
{
    char ended[21];
    fl_clock_utc(ended);
    FL_TRY(coord_store_wall(run, err));
    FL_TRY(res_store_set(run->store, "ended_utc", ended, err));
    FL_TRY(set_real(run, "coordinator_cpu_s", fl_clock_cpu_s(), err));
    if (coord_is_mock(run))
        return set_number(run, "processes", 0, err);
    FL_TRY(set_number(run, "clients_lost", coord_dispatch_n_lost(run->dispatch),
                      err));
    FL_TRY(set_number(run, "processes",
                      (int64_t)coord_dispatch_n_peers(run->dispatch), err));
    return store_messages(run, err);
}
