#include "cli/sinks.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "results/exporter.h"

#include <stdio.h>
#include <string.h>

/* A refresh reads the whole ledger: it may take this share of the time. */
#define REFRESH_WALL_S 2.0
#define REST_PER_WORK  20
#define PATH_BYTES     4096
#define NAME_BYTES     64

struct sink {
    char format[NAME_BYTES];
    char path[PATH_BYTES];
    bool has_failed; /* said so */
};

struct cli_sinks {
    const char *run_dir;
    double next_wall_s;
    size_t n;
    struct sink all[CLI_MAX_SINKS];
};

/* NAME[=PATH]; *ret_path is NULL where there is none. */
static enum fl_status split(const char *word,
                            char ret_format[NAME_BYTES],
                            const char **ret_path,
                            struct fl_error *err)
{
    size_t n = strcspn(word, "=");
    if (n >= NAME_BYTES)
        return fl_fail(err, FL_E_CONFIG, "--sink: found '%.80s', too long",
                       word);
    memcpy(ret_format, word, n);
    ret_format[n] = '\0';
    *ret_path = word[n] ? word + n + 1 : NULL;
    return FL_OK;
}

static enum fl_status fill(const char *word,
                           const char *run_dir,
                           struct sink *ret,
                           struct fl_error *err)
{
    const char *path = NULL;
    struct fl_error why = {FL_OK, ""};
    FL_TRY(split(word, ret->format, &path, err));
    enum fl_status status = res_sink_path(ret->format, path, run_dir, ret->path,
                                          sizeof ret->path, &why);
    return status == FL_OK ? FL_OK
                           : fl_fail(err, status, "--sink: %s", why.text);
}

enum fl_status cli_sink_words_add(struct cli_sink_words *words,
                                  const char *word,
                                  struct fl_error *err)
{
    struct sink sink = {.has_failed = false};
    if (words->n == CLI_MAX_SINKS)
        return fl_fail(err, FL_E_CONFIG, "more than %d --sink", CLI_MAX_SINKS);
    FL_TRY(fill(word, ".", &sink, err));
    words->all[words->n++] = word;
    return FL_OK;
}

enum fl_status cli_sink_word_of_run(const char *word,
                                    const char *run_dir,
                                    char *ret,
                                    size_t size,
                                    struct fl_error *err)
{
    char format[NAME_BYTES];
    const char *path = NULL;
    bool is_tree = false;
    FL_TRY(split(word, format, &path, err));
    FL_TRY(res_exporter_is_tree(format, &is_tree, err));
    int n;
    if (is_tree || !path) {
        n = snprintf(ret, size, "%s", word);
    } else {
        const char *run = strrchr(run_dir, '/');
        const char *file = strrchr(path, '/');
        const char *dot = strrchr(file ? file : path, '.');
        int head = dot ? (int)(dot - path) : (int)strlen(path);
        n = snprintf(ret, size, "%s=%.*s-%s%s", format, head, path,
                     run ? run + 1 : run_dir, dot ? dot : "");
    }
    if (n < 0 || (size_t)n >= size)
        return fl_fail(err, FL_E_ARG, "--sink %.80s...: path too long", word);
    return FL_OK;
}

enum fl_status cli_sinks_create(const struct cli_sink_words *words,
                                const char *run_dir,
                                struct cli_sinks **ret,
                                struct fl_error *err)
{
    struct cli_sinks *sinks = fl_calloc(1, sizeof *sinks);
    if (!sinks)
        return fl_fail(err, FL_E_NOMEM, "out of memory: sinks");
    sinks->run_dir = run_dir;
    enum fl_status status = FL_OK;
    for (; sinks->n < words->n && status == FL_OK; sinks->n++)
        status =
            fill(words->all[sinks->n], run_dir, &sinks->all[sinks->n], err);
    if (status != FL_OK) {
        fl_free(sinks);
        return status;
    }
    sinks->next_wall_s = fl_clock_wall_s() + REFRESH_WALL_S;
    *ret = sinks;
    return FL_OK;
}

void cli_sinks_destroy(struct cli_sinks *sinks)
{
    fl_free(sinks);
}

int cli_sinks_timeout_ms(const struct cli_sinks *sinks)
{
    if (!sinks || sinks->n == 0)
        return -1;
    double left_wall_s = sinks->next_wall_s - fl_clock_wall_s();
    return left_wall_s > 0 ? (int)(left_wall_s * 1000) + 1 : 0;
}

static void refresh(struct cli_sinks *sinks, bool is_whole)
{
    const struct res_exporter_opts opts = {.unit = "run"};
    for (size_t i = 0; i < sinks->n; i++) {
        struct sink *sink = &sinks->all[i];
        struct fl_error err = {FL_OK, ""};
        enum fl_status status = res_export_as(sinks->run_dir, sink->format,
                                              &opts, sink->path, NULL, &err);
        /* Before its first commit there is no run to read. */
        if (status == FL_OK || (status == FL_E_STATE && !is_whole) ||
            sink->has_failed)
            continue;
        sink->has_failed = true;
        fl_log(FL_LOG_WARN, "sink %s: %s; the run %s", sink->format, err.text,
               is_whole ? "is whole without it" : "goes on without it");
    }
}

void cli_sinks_tick(struct cli_sinks *sinks)
{
    double start_wall_s = fl_clock_wall_s();
    if (!sinks || start_wall_s < sinks->next_wall_s)
        return;
    refresh(sinks, false);
    double end_wall_s = fl_clock_wall_s();
    double rest_wall_s = REST_PER_WORK * (end_wall_s - start_wall_s);
    sinks->next_wall_s =
        end_wall_s +
        (rest_wall_s > REFRESH_WALL_S ? rest_wall_s : REFRESH_WALL_S);
}

void cli_sinks_finish(struct cli_sinks *sinks, bool is_whole)
{
    if (sinks)
        refresh(sinks, is_whole);
}
