/* fedcarbon: the one program that people type. */
#include "base/log.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/launch/process.h"
#include "cli/program.h"
#include "cli/version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct cli_command commands[] = {
    {"run", "run a scenario and print its comparison table", cli_command_run},
    {"estimate", "say what a run will take, before it is run",
     cli_command_estimate},
    {"sweep", "run every point of a scenario in which keys vary",
     cli_command_sweep},
    {"watch", "show how a run or a sweep goes on", cli_command_watch},
    {"serve", "the same in the browser", cli_command_serve},
    {"account", "cost a list of items, without training", cli_command_account},
    {"compare", "print the comparison table of runs", cli_command_compare},
    {"leaderboard", "rank strategies by carbon to the target accuracy",
     cli_command_leaderboard},
    {"report", "write a page with table, charts and sources of runs",
     cli_command_report},
    {"figures", "draw charts of runs with gnuplot", cli_command_figures},
    {"uncertainty", "how sure the totals are, and what they hang on",
     cli_command_uncertainty},
    {"estimators", "what published carbon tools would have reported",
     cli_command_estimators},
    {"export", "write a run for other programs and reports",
     cli_command_export},
    {"from-logs", "cost production logs of clients", cli_command_from_logs},
    {"list", "what a scenario can name: models, devices, zones ...",
     cli_command_list},
    {"validate", "check a scenario without running it", cli_command_validate},
};
#define N_COMMANDS (sizeof commands / sizeof commands[0])

/* These compute as client processes do, and so in their environment. */
static bool computes_here(const char *command)
{
    return strcmp(command, "estimate") == 0 || strcmp(command, "sweep") == 0 ||
           strcmp(command, "list") == 0;
}

static void print_help(FILE *out)
{
    (void)fprintf(out, "Usage: fedcarbon COMMAND ...\n\n"
                       "Federated learning compared with centralized training "
                       "in joules and gCO2e.\n\n");
    for (size_t i = 0; i < N_COMMANDS; i++)
        (void)fprintf(out, "  %-11s %s\n", commands[i].name, commands[i].doc);
    (void)fprintf(out, "\nfedcarbon COMMAND --help tells more.\n");
}

/* Decoded data sets go where caches belong; the result is in text[size]. */
static const char *find_cache_dir(char *text, size_t size)
{
    const char *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    if (cache && cache[0] == '/')
        (void)snprintf(text, size, "%s/fedcarbon", cache);
    else if (home && home[0])
        (void)snprintf(text, size, "%s/.cache/fedcarbon", home);
    else
        (void)snprintf(text, size, ".fedcarbon-cache");
    return text;
}

/* What counts first, as in every program. */
static bool is_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *locale = getenv(names[i]);
        if (locale && *locale)
            return strstr(locale, "UTF-8") || strstr(locale, "utf8") ||
                   strstr(locale, "utf-8") || strstr(locale, "UTF8");
    }
    return false;
}

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);
    return value && *value;
}

static bool is_dumb(void)
{
    const char *terminal = getenv("TERM");
    return !terminal || !*terminal || strcmp(terminal, "dumb") == 0;
}

static int run(int argc, char **argv)
{
    char cache_dir[4096], name[64];
    const struct cli_surroundings surroundings = {
        .has_no_colour = is_set("NO_COLOR"),
        .is_dumb = is_dumb(),
        .is_utf8 = is_utf8(),
        .data_root = getenv("FEDCARBON_DATA"),
        .slurm = {.job = getenv("SLURM_JOB_ID"),
                  .nodelist = getenv("SLURM_JOB_NODELIST"),
                  .n_nodes = getenv("SLURM_JOB_NUM_NODES"),
                  .n_tasks = getenv("SLURM_NTASKS"),
                  .cpus_per_node = getenv("SLURM_JOB_CPUS_PER_NODE")},
        .cache_dir = find_cache_dir(cache_dir, sizeof cache_dir)};
    const char *word = argc > 1 ? argv[1] : "";
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        print_help(stdout);
        return CLI_EXIT_OK;
    }
    if (strcmp(word, "--version") == 0) {
        (void)printf("fedcarbon %s (%s)\n", cli_version, cli_commit);
        return CLI_EXIT_OK;
    }
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(commands[i].name, word) != 0)
            continue;
        if (computes_here(word))
            cli_process_settle(argv);
        (void)snprintf(name, sizeof name, "fedcarbon %s", word);
        argv[1] = name; /* so that help and errors speak of the command */
        return commands[i].run(argc - 1, argv + 1, &surroundings);
    }
    if (argc > 1)
        fl_log(FL_LOG_ERROR, "unknown command '%s'", word);
    print_help(stderr);
    return CLI_EXIT_INPUT;
}

int main(int argc, char **argv)
{
    cli_program_begin();
    return cli_program_end(run(argc, argv));
}
