#include "fuzz/fuzz_input.h"

#include <sys/types.h>

#include <fts.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

const int64_t fuzz_zeros[FUZZ_MEMBERS];

const char fuzz_scenario[] =
    "name: fuzz\n"
    "seed: 7\n"
    "data:\n"
    "  dataset: {kind: glyphs, writers: 6, samples_per_writer: 4, "
    "test_writers: 40}\n"
    "  clients: 6\n"
    "  partition: iid\n"
    "model: logreg\n"
    "train:\n"
    "  arms: [federated, centralized, local]\n"
    "  strategy: fedavg\n"
    "  clients_per_round: 3\n"
    "  rounds: 3\n"
    "  local: {epochs: 1, batch: 2, lr: 0.1}\n"
    "  centralized: {epochs: 2}\n"
    "  alone: {epochs: 2}\n"
    "fleet:\n"
    "  - {device: board, zone: DE, link: home_wifi, train_w: 8, idle_w: 2,\n"
    "     train_flop_per_s: 1e8, step_overhead_s: 0.002, memory_w: 0.5,\n"
    "     embodied_kgco2e: 60, lifetime_years: 4, use_share: 0.5,\n"
    "     down_bps: 50e6, up_bps: 10e6, rx_w: 1, tx_w: 1.5, router_w: 7.5,\n"
    "     access_down_j_per_byte: 4e-8, access_up_j_per_byte: 8e-8}\n"
    "server: {device: host, zone: FR, pue: 1.5, train_w: 200, idle_w: 100,\n"
    "  train_flop_per_s: 1e11, step_overhead_s: off, memory_w: 30,\n"
    "  embodied_kgco2e: 1300, lifetime_years: 5, use_share: 0.8,\n"
    "  machines: 0.25}\n"
    "centralized: {device: node, zone: FR, pue: 1.25, train_w: 400,\n"
    "  idle_w: 150, train_flop_per_s: 1e12, step_overhead_s: 1e-4,\n"
    "  memory_w: 20, embodied_kgco2e: 450, lifetime_years: 6,\n"
    "  use_share: 0.75, upload_data: true}\n"
    "carbon:\n"
    "  preset: full\n"
    "  grid: {kind: annual, zones: {DE: 400, FR: 50}}\n"
    "  core_network_j_per_byte: 2e-6\n"
    "  storage_w_per_byte: 1e-9\n"
    "  storage_copies: 3\n"
    "  software_bytes: 50000\n";

void fuzz_must(bool is_true)
{
    if (!is_true)
        __builtin_trap();
}

uint8_t fuzz_byte(struct fuzz_input *input)
{
    if (input->left == 0)
        return 0;
    input->left--;
    return *input->at++;
}

int64_t fuzz_number(struct fuzz_input *input)
{
    static const int64_t odd[] = {
        -1,        INT64_MAX,  INT64_MIN, INT64_MAX - 1, UINT32_MAX,
        INT32_MAX, 1000000007, 4096,      100,           200};
    uint8_t first = fuzz_byte(input);
    if (first >= 246)
        return odd[first - 246];
    if (first < 64)
        return first % 8;
    return first < 128 ? first - 64 : (int64_t)fuzz_byte(input) << first % 48;
}

double fuzz_real(struct fuzz_input *input)
{
    static const double odd[] = {
        0, 1, -1, 1e300, 0.5, (double)NAN, (double)INFINITY, 1e-300};
    return odd[fuzz_byte(input) % 8];
}

static size_t rows(struct fuzz_input *input)
{
    return fuzz_byte(input) % (FUZZ_ROWS + 1);
}

static void make_tables(struct fuzz_input *input, struct fuzz_room *room)
{
    for (size_t i = 0; i < FUZZ_ROWS; i++) {
        room->clients[i] = fuzz_number(input);
        room->results[i] =
            (struct comms_client_result){.client = room->clients[i],
                                         .samples = fuzz_number(input),
                                         .steps = fuzz_number(input),
                                         .loss_mean = fuzz_real(input),
                                         .is_refused = fuzz_byte(input) & 1};
        room->scores[i] = (struct comms_score){.step = fuzz_number(input),
                                               .n = fuzz_number(input),
                                               .correct = fuzz_number(input),
                                               .loss_sum = fuzz_real(input)};
        room->times[i] = fuzz_real(input);
        room->calls[i] = fuzz_number(input);
    }
}

static struct comms_tensor make_tensor(struct fuzz_input *input,
                                       int64_t n_params)
{
    uint8_t choice = fuzz_byte(input);
    int64_t n = choice & 64 ? fuzz_byte(input) : n_params + choice % 3 - 1;
    return (struct comms_tensor){.type = choice & 128 ? COMMS_I64 : COMMS_F32,
                                 .data = fuzz_zeros,
                                 .n = n > 0 && n <= FUZZ_MEMBERS ? n : 1};
}

static struct comms_task make_task(struct fuzz_input *input,
                                   const struct fuzz_room *room)
{
    return (struct comms_task){
        .id = (uint64_t)fuzz_number(input),
        .kind = (enum comms_task_kind)(fuzz_byte(input) % COMMS_TASK_LAST_),
        .arm = (uint32_t)fuzz_number(input),
        .round = fuzz_number(input),
        .model_version = fuzz_number(input),
        .clients = room->clients,
        .n_clients = rows(input),
        .first = fuzz_number(input),
        .count = fuzz_number(input),
        .scale_log2 = (int32_t)fuzz_number(input),
        .prox_mu = fuzz_real(input)};
}

static struct comms_partial make_partial(struct fuzz_input *input,
                                         const struct fuzz_room *room)
{
    static const char *const layers[] = {"", "a", "a\nb", "\n\n"};
    return (struct comms_partial){
        .task_id = (uint64_t)fuzz_number(input),
        .kind = (enum comms_task_kind)(fuzz_byte(input) % COMMS_TASK_LAST_),
        .arm = (uint32_t)fuzz_number(input),
        .round = fuzz_number(input),
        .clients = room->results,
        .n_clients = rows(input),
        .scores = room->scores,
        .n_scores = rows(input),
        .weight = fuzz_number(input),
        .loss_mean = fuzz_real(input),
        .busy_wall_s = fuzz_real(input),
        .profile = {.layers = layers[fuzz_byte(input) % 4],
                    .time_s = room->times,
                    .calls = room->calls,
                    .n = rows(input),
                    .wall_s = fuzz_real(input)},
        .failure = fuzz_byte(input) == 255 ? "no disk" : ""};
}

struct comms_message
fuzz_message(struct fuzz_input *input, int64_t n_params, struct fuzz_room *room)
{
    struct comms_message message = {
        .kind = (enum comms_kind)(fuzz_byte(input) % COMMS_KIND_LAST_)};
    if (message.kind == COMMS_TASK || message.kind == COMMS_PARTIAL)
        make_tables(input, room);
    switch (message.kind) {
    case COMMS_HELLO:
        message.u.hello = (struct comms_hello){
            .slot = (uint32_t)fuzz_number(input),
            .incarnation = (uint32_t)fuzz_number(input),
            .host = "h",
            .version = fuzz_byte(input) == 255 ? "2" : "1",
            .blas_kernel = fuzz_byte(input) == 255 ? "other" : "k"};
        break;
    case COMMS_WELCOME:
        message.u.welcome = (struct comms_welcome){
            .run_id = "r",
            .scenario = fuzz_byte(input) & 1 ? fuzz_scenario : "name: x\n",
            .heartbeat_wall_s = fuzz_real(input)};
        break;
    case COMMS_MODEL:
        message.u.model = (struct comms_model){(uint32_t)fuzz_number(input),
                                               fuzz_number(input)};
        break;
    case COMMS_TASK:
        message.u.task = make_task(input, room);
        break;
    case COMMS_PARTIAL:
        message.u.partial = make_partial(input, room);
        break;
    case COMMS_HEARTBEAT:
        message.u.heartbeat.task_id = (uint64_t)fuzz_number(input);
        message.u.heartbeat.done_ratio = fuzz_real(input);
        break;
    default:
        message.u.bye.reason = fuzz_byte(input) & 1 ? "" : "some reason";
        break;
    }
    if (message.kind == COMMS_MODEL || message.kind == COMMS_TASK ||
        message.kind == COMMS_PARTIAL)
        message.n_tensors = fuzz_byte(input) % (COMMS_MAX_TENSORS + 1);
    for (size_t i = 0; i < message.n_tensors; i++)
        message.tensors[i] = make_tensor(input, n_params);
    return message;
}

static void bend_task(struct fuzz_input *input,
                      struct comms_task *task,
                      struct fuzz_room *room)
{
    int64_t value = fuzz_number(input);
    switch (fuzz_byte(input) % 9) {
    case 0:
        task->kind = (enum comms_task_kind)((uint64_t)value % COMMS_TASK_LAST_);
        return;
    case 1:
        task->arm = (uint32_t)value;
        return;
    case 2:
        task->round = value;
        return;
    case 3:
        task->model_version = value;
        return;
    case 4:
        task->n_clients = (uint64_t)value % (FUZZ_ROWS + 1);
        task->clients = room->clients;
        return;
    case 5:
        room->clients[fuzz_byte(input) % FUZZ_ROWS] = value;
        task->clients = room->clients;
        return;
    case 6:
        task->first = value;
        return;
    case 7:
        task->count = value;
        return;
    default:
        task->scale_log2 = (int32_t)value;
        return;
    }
}

static void bend_partial(struct fuzz_input *input,
                         struct comms_partial *partial,
                         struct fuzz_room *room)
{
    int64_t value = fuzz_number(input);
    size_t row = fuzz_byte(input) % FUZZ_ROWS;
    switch (fuzz_byte(input) % 12) {
    case 0:
        partial->task_id += (uint64_t)value;
        return;
    case 1:
        partial->kind =
            (enum comms_task_kind)((uint64_t)value % COMMS_TASK_LAST_);
        return;
    case 2:
        partial->round = value;
        return;
    case 3:
        partial->n_clients = (uint64_t)value % (FUZZ_ROWS + 1);
        return;
    case 4:
        partial->n_scores = (uint64_t)value % (FUZZ_ROWS + 1);
        return;
    case 5:
        partial->weight = value;
        return;
    case 6:
        room->results[row].client = value;
        return;
    case 7:
        room->results[row].samples = value;
        return;
    case 8:
        room->results[row].is_refused = !room->results[row].is_refused;
        return;
    case 9:
        room->scores[row].step = value;
        return;
    case 10:
        room->scores[row].n = value;
        return;
    default:
        partial->loss_mean = fuzz_real(input);
        room->results[row].loss_mean = fuzz_real(input);
        room->scores[row].loss_sum = fuzz_real(input);
        return;
    }
}

void fuzz_bend(struct fuzz_input *input,
               int64_t n_params,
               struct comms_message *message,
               struct fuzz_room *room)
{
    uint8_t what = fuzz_byte(input);
    if (what % 4 == 3 && comms_kind_name(message->kind)) {
        message->n_tensors = what / 4 % (COMMS_MAX_TENSORS + 1);
        for (size_t i = 0; i < message->n_tensors; i++)
            message->tensors[i] = make_tensor(input, n_params);
    } else if (message->kind == COMMS_TASK) {
        bend_task(input, &message->u.task, room);
    } else if (message->kind == COMMS_PARTIAL) {
        bend_partial(input, &message->u.partial, room);
    }
}

static char folder[64];

static void remove_folder(void)
{
    char *paths[] = {folder, NULL};
    FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (!walk)
        return;
    for (FTSENT *at; (at = fts_read(walk));)
        if (at->fts_info != FTS_D) /* a folder when it is left */
            (void)remove(at->fts_accpath);
    (void)fts_close(walk);
}

const char *fuzz_folder(void)
{
    if (folder[0])
        return folder;
    /* In memory where there is such a place: stores are synced. */
    (void)snprintf(folder, sizeof folder, "/dev/shm/fuzz-XXXXXX");
    if (!mkdtemp(folder)) {
        (void)snprintf(folder, sizeof folder, "/tmp/fuzz-XXXXXX");
        fuzz_must(mkdtemp(folder) != NULL);
    }
    fuzz_must(atexit(remove_folder) == 0);
    return folder;
}
