/* fedcarbon validate SCENARIO: everything that can be checked without training.
 */
#include "cli/commands.h"

#include "cli/program.h"
#include "cli/words.h"

#include <argp.h>
#include <stdio.h>

struct request {
    struct cli_subject subject;
    bool wants_resolved, wants_data;
};

enum { KEY_RESOLVED = CLI_KEY_SET + 1, KEY_DATA };

static const struct argp_option options[] = {
    {"set", CLI_KEY_SET, "KEY=VALUE", 0, "Override a key of the scenario", 0},
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
    case KEY_RESOLVED:
        request->wants_resolved = true;
        return 0;
    case KEY_DATA:
        request->wants_data = true;
        return 0;
    default:
        return cli_parse_subject(key, word, "scenario", &request->subject,
                                 state);
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
        (void)printf("%s: valid; hash %.16s\n", request->subject.file,
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
    enum fl_status status = cli_load_scenario(
        request.subject.file, &request.subject.sets, &scenario, &err);
    if (status == FL_OK)
        status = validate(&request, scenario, surroundings, &err);
    scn_scenario_destroy(scenario);
    return cli_conclude(status, &err);
}
