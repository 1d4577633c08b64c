/* Words of the command line that several commands understand. They end the
 * program with what was found and what is allowed, as argp does. */
#ifndef CLI_WORDS_H
#define CLI_WORDS_H

#include <argp.h>
#include <stddef.h>

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

/* --target: an accuracy in (0, 1]. */
void cli_parse_target(const char *word,
                      double *ret_ratio,
                      struct argp_state *state);

#endif
