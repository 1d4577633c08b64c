/* fedcarbon validate SCENARIO: everything that can be checked without training.
 */
#include "cli/commands.h"

#include "base/log.h"
#include "cli/exit_code.h"
#include "cli/load.h"

#include <argp.h>
#include <stdio.h>

struct request {
    const char *scenario;
    struct cli_sets sets;
    bool wants_resolved, wants_data;
};

enum { KEY_SET = 256, KEY_RESOLVED, KEY_DATA };

static const struct argp_option options[] = {
    {"set", KEY_SET, "KEY=VALUE", 0, "Override a key of the scenario", 0},
    {"resolved", KEY_RESOLVED, NULL, 0,
     "Print every effective value and where it came from", 0},
    {"data", KEY_DATA, NULL, 0,
     "Open the data set too: check its files, the model and the partition", 0},
    {0},
};

static error_t parse_word(int key, char *word, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case KEY_SET:
        if (!cli_sets_add(&request->sets, word))
            argp_error(state, "more than %d --set", CLI_MAX_SETS);
        return 0;
    case KEY_RESOLVED:
        request->wants_resolved = true;
        return 0;
    case KEY_DATA:
        request->wants_data = true;
        return 0;
    case ARGP_KEY_ARG:
        if (request->scenario)
            argp_error(state, "one scenario, found '%s' too", word);
        request->scenario = word;
        return 0;
    case ARGP_KEY_END:
        if (!request->scenario)
            argp_error(state, "which scenario?");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static enum fl_status check_data(struct scn_scenario *scenario,
                                 const struct cli_surroundings *surroundings,
                                 struct fl_error *err)
{
    struct scn_task task = {0};
    FL_TRY(scn_task_init(&task, scenario, surroundings->data_root,
                         surroundings->cache_dir, stderr, err));
    struct nn_cost cost = nn_model_cost(task.model);
    (void)printf("%s: %lld training and %lld test samples, %lld clients; "
                 "model of %lld parameters, %lld MACs per sample\n",
                 scenario->name,
                 (long long)(task.dataset ? nn_dataset_train(task.dataset)->n
                                          : task.samples),
                 (long long)task.test_samples, (long long)task.clients,
                 (long long)cost.params, (long long)cost.macs);
    scn_task_fini(&task);
    return FL_OK;
}

static enum fl_status validate(const struct request *request,
                               struct scn_scenario *scenario,
                               const struct cli_surroundings *surroundings,
                               struct fl_error *err)
{
    if (request->wants_data)
        FL_TRY(check_data(scenario, surroundings, err));
    if (request->wants_resolved)
        scn_scenario_emit(scenario, stdout);
    else
        (void)printf("%s: valid; hash %.16s\n", request->scenario,
                     scenario->sha256);
    return FL_OK;
}

int cli_command_validate(int argc,
                         char **argv,
                         const struct cli_surroundings *surroundings)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse_word,
        .args_doc = "SCENARIO",
        .doc = "Check a scenario and report every problem with its place.",
    };
    struct request request = {0};
    struct scn_scenario *scenario = NULL;
    struct fl_error err = {0};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &request);
    enum fl_status status =
        cli_load_scenario(request.scenario, &request.sets, &scenario, &err);
    if (status == FL_OK)
        status = validate(&request, scenario, surroundings, &err);
    scn_scenario_destroy(scenario);
    if (status != FL_OK)
        fl_log(FL_LOG_ERROR, "%s", err.text);
    return cli_exit_code(status);
}
