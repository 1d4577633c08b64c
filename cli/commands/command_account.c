/* fedcarbon account FILE: a scenario that trains nothing, costed and printed,
 * kept as a run like any other. */
#include "cli/commands.h"

#include "cli/account_run.h"
#include "cli/program.h"
#include "cli/run_dir.h"
#include "cli/words.h"
#include "results/account_book.h"
#include "results/report.h"

#include <argp.h>
#include <stdio.h>

struct request {
    struct cli_subject subject;
    const char *out;
};

enum { KEY_OUT = CLI_KEY_SET + 1 };

static const struct argp_option options[] = {
    {"set", CLI_KEY_SET, "KEY=VALUE", 0,
     "Override a key of the file, e.g. items.0.zone=SE; may be repeated", 0},
    {"out", KEY_OUT, "DIR", 0, "Run directory (default: runs/NAME-HASH)", 0},
    {0},
};

static error_t parse_word(int key, char *word, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case KEY_OUT:
        request->out = word;
        return 0;
    default:
        return cli_parse_subject(key, word, "file", &request->subject, state);
    }
}

static enum fl_status account(const struct request *request,
                              const struct scn_scenario *scenario,
                              struct fl_error *err)
{
    char dir[4096];
    if (!scenario->account.is_whole)
        return fl_fail(err, FL_E_CONFIG,
                       "%s: has no items; a scenario that trains is for "
                       "fedcarbon run",
                       request->subject.file);
    FL_TRY(cli_run_dir_choose(scenario, request->out, false, dir, sizeof dir,
                              err));
    FL_TRY(cli_run_dir_prepare(scenario, dir, err));
    FL_TRY(cli_account_run(scenario, dir, request->subject.file,
                           &request->subject.sets, err));
    FL_TRY(res_export(dir, err));
    FL_TRY(res_book_print(dir, stdout, err));
    const char *dirs[] = {dir};
    (void)fputc('\n', stdout);
    return res_compare(dirs, 1, RES_TEXT, stdout, err);
}

int cli_command_account(int argc,
                        char **argv,
                        const struct cli_surroundings *surroundings)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse_word,
        .args_doc = "FILE",
        .doc = "Cost a list of items, without training, and print what each "
               "item and stage takes.",
    };
    struct request request = {0};
    struct scn_scenario *scenario = NULL;
    struct fl_error err = {0};
    (void)surroundings;
    (void)argp_parse(&argp, argc, argv, 0, NULL, &request);
    enum fl_status status = cli_load_scenario(
        request.subject.file, &request.subject.sets, &scenario, &err);
    if (status == FL_OK)
        status = account(&request, scenario, &err);
    scn_scenario_destroy(scenario);
    return cli_conclude(status, &err);
}
