#include "cli/words.h"

#include "base/alloc.h"
#include "base/parse.h"

#include <string.h>

void cli_words_add(struct cli_words *words,
                   const char *option,
                   const char *list,
                   struct argp_state *state)
{
    for (const char *at = list; *at;) {
        size_t n = strcspn(at, ",");
        if (n == 0 || words->n == CLI_MAX_WORDS) {
            argp_error(state, "%s: found '%s', allowed up to %d names", option,
                       list, CLI_MAX_WORDS);
            return;
        }
        char *word = fl_calloc(n + 1, 1);
        if (!word) {
            argp_error(state, "%s: out of memory", option);
            return;
        }
        memcpy(word, at, n);
        words->all[words->n++] = word;
        at += n + (at[n] == ',');
    }
}

void cli_words_fini(struct cli_words *words)
{
    for (size_t i = 0; i < words->n; i++)
        fl_free(words->all[i]);
    words->n = 0;
}

void cli_parse_target(const char *word,
                      double *ret_ratio,
                      struct argp_state *state)
{
    struct fl_error why;
    if (fl_parse_double(word, 0, 1, ret_ratio, &why) != FL_OK ||
        !(*ret_ratio > 0))
        argp_error(state, "--target: found '%s', allowed (0, 1]", word);
}
