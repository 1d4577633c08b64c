/* Words of the command line that several commands understand. They end the
 * program with what was found and what is allowed, as argp does. */
#ifndef CLI_WORDS_H
#define CLI_WORDS_H

#include "cli/load.h"
#include "cli/sinks.h"
#include "results/report.h"

#include <argp.h>
#include <stddef.h>
#include <stdint.h>

#define CLI_MAX_WORDS 256 /* keys, columns */

struct cli_words {
    char *all[CLI_MAX_WORDS];
    size_t n;
};

/* Adds those of "a,b,c", the value of an option of that name. */
void cli_words_add(struct cli_words *words,
                   const char *option,
                   const char *list,
                   struct argp_state *state);
void cli_words_fini(struct cli_words *words);

/* The RUN... of a command line. */
struct cli_runs {
    const char **dirs; /* borrowed texts */
    size_t n, capacity;
};

/* A parser of them, for the keys that a command's own leaves over: `question`
 * is for who names none. */
error_t cli_parse_runs(int key,
                       char *word,
                       const char *question,
                       struct cli_runs *acc,
                       struct argp_state *state);
void cli_runs_fini(struct cli_runs *runs);

/* A parser of a command line's one word, for the keys that a command's own
 * leaves over: `what` it is to be, "scenario". acc is NULL until then. */
error_t cli_parse_one(int key,
                      char *word,
                      const char *what,
                      const char **acc,
                      struct argp_state *state);

/* One SCENARIO, or FILE, and what is --set in it. */
struct cli_subject {
    const char *file; /* NULL: not yet */
    struct cli_sets sets;
};

#define CLI_KEY_SET 256 /* of --set; a command's own keys are behind it */

/* As cli_parse_one(), and --set. */
error_t cli_parse_subject(int key,
                          char *word,
                          const char *what,
                          struct cli_subject *acc,
                          struct argp_state *state);

/* Another value of an option that may be repeated. */
void cli_parse_set(struct cli_sets *acc,
                   const char *option,
                   const char *word,
                   struct argp_state *state);

/* The number behind an option, in [least, most]. */
void cli_parse_int(const char *option,
                   const char *word,
                   int64_t least,
                   int64_t most,
                   int64_t *ret,
                   struct argp_state *state);
void cli_parse_double(const char *option,
                      const char *word,
                      double least,
                      double most,
                      double *ret,
                      struct argp_state *state);

/* --sink, one more. */
void cli_parse_sink(struct cli_sink_words *acc,
                    const char *word,
                    struct argp_state *state);

/* --launcher NAME */
struct cli_launcher;
void cli_parse_launcher(const char *word,
                        const struct cli_launcher **ret,
                        struct argp_state *state);

/* --format of a table; `except`: 1u << RES_LATEX, ... that this one has not. */
void cli_parse_format(const char *word,
                      unsigned except,
                      enum res_format *ret,
                      struct argp_state *state);

/* --target: an accuracy in (0, 1]. */
void cli_parse_target(const char *word,
                      double *ret_ratio,
                      struct argp_state *state);

#endif
