#include "cli/words.h"

#include "base/alloc.h"
#include "base/parse.h"
#include "cli/exit_code.h"
#include "cli/launch/launch.h"

#include <stdio.h>
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

error_t cli_parse_runs(int key,
                       char *word,
                       const char *question,
                       struct cli_runs *acc,
                       struct argp_state *state)
{
    if (key == ARGP_KEY_END && acc->n == 0)
        argp_error(state, "%s", question);
    if (key == ARGP_KEY_END)
        return 0;
    if (key != ARGP_KEY_ARG)
        return ARGP_ERR_UNKNOWN;
    if (fl_grow(&acc->dirs, &acc->capacity, acc->n + 1, sizeof acc->dirs[0],
                NULL) == FL_OK)
        acc->dirs[acc->n++] = word;
    else
        argp_failure(state, CLI_EXIT_FAILED, 0, "out of memory");
    return 0;
}

void cli_runs_fini(struct cli_runs *runs)
{
    fl_free(runs->dirs);
    *runs = (struct cli_runs){.n = 0};
}

void cli_parse_set(struct cli_sets *acc,
                   const char *option,
                   const char *word,
                   struct argp_state *state)
{
    if (!cli_sets_add(acc, word))
        argp_error(state, "more than %d %s", CLI_MAX_SETS, option);
}

error_t cli_parse_one(int key,
                      char *word,
                      const char *what,
                      const char **acc,
                      struct argp_state *state)
{
    switch (key) {
    case ARGP_KEY_ARG:
        if (*acc)
            argp_error(state, "one %s, found '%s' too", what, word);
        *acc = word;
        return 0;
    case ARGP_KEY_END:
        if (!*acc)
            argp_error(state, "which %s?", what);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

error_t cli_parse_subject(int key,
                          char *word,
                          const char *what,
                          struct cli_subject *acc,
                          struct argp_state *state)
{
    if (key != CLI_KEY_SET)
        return cli_parse_one(key, word, what, &acc->file, state);
    cli_parse_set(&acc->sets, "--set", word, state);
    return 0;
}

void cli_parse_int(const char *option,
                   const char *word,
                   int64_t least,
                   int64_t most,
                   int64_t *ret,
                   struct argp_state *state)
{
    struct fl_error why;
    if (fl_parse_int(word, least, most, ret, &why) != FL_OK)
        argp_error(state, "%s: %s", option, why.text);
}

void cli_parse_double(const char *option,
                      const char *word,
                      double least,
                      double most,
                      double *ret,
                      struct argp_state *state)
{
    struct fl_error why;
    if (fl_parse_double(word, least, most, ret, &why) != FL_OK)
        argp_error(state, "%s: %s", option, why.text);
}

void cli_parse_sink(struct cli_sink_words *acc,
                    const char *word,
                    struct argp_state *state)
{
    struct fl_error why;
    if (cli_sink_words_add(acc, word, &why) != FL_OK)
        argp_error(state, "%s", why.text);
}

void cli_parse_launcher(const char *word,
                        const struct cli_launcher **ret,
                        struct argp_state *state)
{
    struct fl_error why;
    if (cli_launcher_find(word, ret, &why) != FL_OK)
        argp_error(state, "%s", why.text);
}

void cli_parse_format(const char *word,
                      unsigned except,
                      enum res_format *ret,
                      struct argp_state *state)
{
    char allowed[64] = "";
    for (int i = 0; i < RES_FORMAT_LAST_; i++) {
        size_t n = strlen(allowed);
        if (except & 1u << i)
            continue;
        if (strcmp(res_format_names[i], word) == 0) {
            *ret = (enum res_format)i;
            return;
        }
        (void)snprintf(allowed + n, sizeof allowed - n, "%s%s",
                       n > 0 ? ", " : "", res_format_names[i]);
    }
    argp_error(state, "--format: found '%s', allowed %s", word, allowed);
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
