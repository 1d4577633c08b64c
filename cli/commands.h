/* The commands of `fedcarbon`: each parses its own words, works, and returns
 * the program's exit code after saying on stderr what went wrong. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/launch/launch.h"

#include <stdbool.h>

/* What main found in the environment; NULL: not set. */
struct cli_surroundings {
    bool has_no_colour; /* $NO_COLOR */
    bool is_dumb;       /* $TERM: no terminal that pictures can be drawn on */
    bool is_utf8;       /* $LC_ALL, $LC_CTYPE or $LANG */
    const char *data_root; /* $FEDCARBON_DATA */
    const char *cache_dir; /* decoded data sets; never NULL */
    struct cli_slurm slurm;
};

struct cli_command {
    const char *name;
    const char *doc;
    int (*run)(int argc,
               char **argv,
               const struct cli_surroundings *surroundings);
};

/* From a scenario to its comparison table. */
int cli_command_run(int argc, char **argv, const struct cli_surroundings *);
/* What a run will take, before it is run. */
int cli_command_estimate(int argc,
                         char **argv,
                         const struct cli_surroundings *);
/* From what varies in a scenario to the table of all points. */
int cli_command_sweep(int argc, char **argv, const struct cli_surroundings *);
/* What a list of items costs, without training. */
int cli_command_account(int argc, char **argv, const struct cli_surroundings *);
/* The comparison table of run directories. */
int cli_command_compare(int argc, char **argv, const struct cli_surroundings *);
/* The same, ranked by carbon to the target accuracy. */
int cli_command_leaderboard(int argc,
                            char **argv,
                            const struct cli_surroundings *);
/* One page in a file, for people. */
int cli_command_report(int argc, char **argv, const struct cli_surroundings *);
/* Charts of run directories, drawn by gnuplot. */
int cli_command_figures(int argc, char **argv, const struct cli_surroundings *);
/* What published tools would have reported for runs. */
int cli_command_estimators(int argc,
                           char **argv,
                           const struct cli_surroundings *);
/* Production logs, costed. */
int cli_command_from_logs(int argc,
                          char **argv,
                          const struct cli_surroundings *);
/* How sure the totals of a run are. */
int cli_command_uncertainty(int argc,
                            char **argv,
                            const struct cli_surroundings *);
/* A run in the formats of other programs and reports. */
int cli_command_export(int argc, char **argv, const struct cli_surroundings *);
/* How a run or a sweep goes on, in the terminal and in the browser. */
int cli_command_watch(int argc, char **argv, const struct cli_surroundings *);
int cli_command_serve(int argc, char **argv, const struct cli_surroundings *);
/* What a scenario can name. */
int cli_command_list(int argc, char **argv, const struct cli_surroundings *);
/* A scenario checked without running it. */
int cli_command_validate(int argc,
                         char **argv,
                         const struct cli_surroundings *);

#endif
