#include "fuzz/fuzz_run.h"

#include "base/alloc.h"
#include "base/log.h"

#include <stdio.h>
#include <string.h>

static struct coord_run run; /* what all inputs share: scenario and task */
static const struct coord_opts opts = {.version = "1", .stop_fd = -1};

static void begin(void)
{
    fl_log_level_set(FL_LOG_ERROR);
    run.opts = &opts;
    fuzz_must(scn_scenario_parse("fuzz", fuzz_scenario, strlen(fuzz_scenario),
                                 NULL, &run.scenario, NULL) == FL_OK);
    fuzz_must(scn_scenario_open_grid(run.scenario, NULL) == FL_OK);
    fuzz_must(scn_task_init(&run.task, run.scenario, NULL, fuzz_folder(), NULL,
                            NULL) == FL_OK);
    run.clients = run.task.partition.clients;
    run.n_params = (size_t)nn_model_n_params(run.task.model);
    run.cost = nn_model_cost(run.task.model);
    run.fleet_row = fl_calloc((size_t)run.clients, sizeof *run.fleet_row);
    fuzz_must(run.fleet_row != NULL);
    scn_fleet_assign(run.scenario, run.clients, run.fleet_row);
    fuzz_must(comms_context_create(&run.context, NULL) == FL_OK);
    fuzz_must(coord_shelf_create(run.n_params, &run.shelf, NULL) == FL_OK);
    fuzz_must(res_store_create(fuzz_folder(), RES_CREATE, &run.store, NULL) ==
              FL_OK);
    run.scenario_text = (char *)(uintptr_t)fuzz_scenario;
    fuzz_must(coord_store_start(&run, NULL) == FL_OK);
    for (int arm = 0; arm < SCN_ARM_LAST_; arm++) {
        const struct res_arm row = {arm, scn_arm_name((enum scn_arm)arm),
                                    run.clients, run.clients, 1};
        fuzz_must(res_store_add_arm(run.store, &row, NULL) == FL_OK);
    }
    fuzz_must(coord_store_facts(&run, NULL) == FL_OK);
    fuzz_must(res_store_commit(run.store, NULL) == FL_OK);
    res_store_destroy(run.store);
    run.store = NULL;
}

/* What was committed at the beginning; the rest is dropped after each input. */
struct coord_run *fuzz_run_open(void)
{
    static unsigned number;
    if (!run.scenario)
        begin();
    struct coord_dispatch_opts dispatch_opts = {
        .welcome = {.run_id = "r", .scenario = "s", .heartbeat_wall_s = 1e5},
        .n_params = (int64_t)run.n_params,
        .version = "1",
        .silence_wall_s = 1e6,
        .patience_wall_s = 1e6,
    };
    memset(run.arms, 0, sizeof run.arms);
    memset(run.totals, 0, sizeof run.totals);
    fuzz_must(res_store_create(fuzz_folder(), RES_RESUME, &run.store, NULL) ==
              FL_OK);
    fuzz_must(coord_store_facts(&run, NULL) == FL_OK);
    fuzz_must(coord_profile_book_create(&run.book, NULL) == FL_OK);
    /* An address is free again only some time after its hub. */
    char address[64];
    (void)snprintf(address, sizeof address, "inproc://hub-%u", number++);
    fuzz_must(comms_hub_create(run.context, address, NULL, &run.hub, NULL) ==
              FL_OK);
    dispatch_opts.hub = run.hub;
    dispatch_opts.book = run.book;
    fuzz_must(coord_dispatch_create(&dispatch_opts, &run.dispatch, NULL) ==
              FL_OK);
    for (int arm = 0; arm < SCN_ARM_LAST_; arm++)
        fuzz_must(coord_arm_types[arm]->create(&run, &run.arms[arm], NULL) ==
                  FL_OK);
    return &run;
}

void fuzz_run_close(struct coord_run *opened)
{
    for (int arm = 0; arm < SCN_ARM_LAST_; arm++)
        coord_arm_types[arm]->destroy(opened->arms[arm]);
    coord_dispatch_destroy(opened->dispatch);
    comms_endpoint_destroy(opened->hub, 0);
    coord_profile_book_destroy(opened->book);
    res_store_destroy(opened->store);
}

bool fuzz_run_is_over(const struct coord_run *opened)
{
    for (int arm = 0; arm < SCN_ARM_LAST_; arm++)
        if (!coord_arm_types[arm]->is_done(opened->arms[arm]))
            return false;
    return true;
}
