/* --sink NAME[=PATH]: exports that are refreshed while a run goes on and at its
 * end, by the launcher, which reads the run's store like anybody else. A sink
 * that fails says so once and never harms the run. */
#ifndef CLI_SINKS_H
#define CLI_SINKS_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

#define CLI_MAX_SINKS 16

/* For --help. */
#define CLI_SINK_HELP                                                          \
    "Also write the run, while it goes on and at its end, for another "        \
    "program: tensorboard[=DIR], mlflow[=DIR], prometheus=FILE, "              \
    "codecarbon=FILE, or another format of fedcarbon export; may be repeated"

/* The words behind --sink, borrowed. */
struct cli_sink_words {
    const char *all[CLI_MAX_SINKS];
    size_t n;
};

/* Fails FL_E_CONFIG unknown format, one that needs a path, too many. */
enum fl_status cli_sink_words_add(struct cli_sink_words *words,
                                  const char *word,
                                  struct fl_error *err) FL_NODISCARD;

/* The word for one of several runs, into ret[size]: a format that is one text
 * gets a file of its own, "a.prom" becomes "a-<run>.prom". Fails as above. */
enum fl_status cli_sink_word_of_run(const char *word,
                                    const char *run_dir,
                                    char *ret,
                                    size_t size,
                                    struct fl_error *err) FL_NODISCARD;

struct cli_sinks; /* opaque */

/* run_dir is borrowed. Nothing is written yet. Fails as above, FL_E_ARG path
 * too long, FL_E_NOMEM. Free: cli_sinks_destroy. */
enum fl_status cli_sinks_create(const struct cli_sink_words *words,
                                const char *run_dir,
                                struct cli_sinks **ret,
                                struct fl_error *err) FL_NODISCARD;
void cli_sinks_destroy(struct cli_sinks *sinks);

/* Milliseconds until the next refresh, for poll(); -1: never. NULL is fine in
 * all that follows. */
int cli_sinks_timeout_ms(const struct cli_sinks *sinks);
/* Refreshes if it is time. */
void cli_sinks_tick(struct cli_sinks *sinks);
/* Refreshes now: no more comes. is_whole: the run is finished. */
void cli_sinks_finish(struct cli_sinks *sinks, bool is_whole);

#endif
