/* fedcarbon export RUN --format NAME: a run for other programs and reports. */
#include "cli/commands.h"

#include "cli/program.h"
#include "cli/words.h"
#include "results/exporter.h"

#include <argp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct request {
    const char *dir, *format, *path;
    struct res_exporter_opts opts;
};

static const struct argp_option options[] = {
    {"format", 'f', "NAME", 0, "see below", 0},
    {"out", 'o', "FILE|DIR", 0,
     "where to; default: standard output, of formats that are one text", 0},
    {"perspective", 'p', "WHOSE", 0, "ghg: server (default) or clients", 0},
    {"unit", 'u', "R", 0,
     "sci: run (default), round, client, accuracy_point or request", 0},
    {"equivalents", 'e', NULL, 0,
     "statements: kilometres by car and the like, with sources", 0},
    {0},
};

static void parse_perspective(struct request *request,
                              const char *word,
                              struct argp_state *state)
{
    for (int i = 0; i < RES_PERSPECTIVE_LAST_; i++) {
        if (strcmp(res_perspective_names[i], word) == 0) {
            request->opts.perspective = (enum res_perspective)i;
            return;
        }
    }
    argp_error(state, "--perspective: found '%s', allowed server, clients",
               word);
}

static error_t parse_word(int key, char *word, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case 'f':
        request->format = word;
        return 0;
    case 'o':
        request->path = word;
        return 0;
    case 'p':
        parse_perspective(request, word, state);
        return 0;
    case 'u':
        request->opts.unit = word;
        return 0;
    case 'e':
        request->opts.has_equivalents = true;
        return 0;
    default:
        if (key == ARGP_KEY_END && !request->format)
            argp_error(state, "which run directory, and which --format?");
        return cli_parse_one(key, word, "run directory", &request->dir, state);
    }
}

/* The formats, behind the options; argp frees the text. */
static char *list_formats(int key, const char *text, void *input)
{
    (void)input;
    if (key != ARGP_KEY_HELP_POST_DOC)
        return (char *)(uintptr_t)text;
    char *list = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&list, &n);
    if (!out)
        return NULL;
    (void)fputs("Formats:\n", out);
    for (size_t i = 0; res_exporter_name(i); i++)
        (void)fprintf(out, "  %s: %s\n", res_exporter_name(i),
                      res_exporter_doc(i));
    (void)fclose(out);
    return list;
}

int cli_command_export(int argc,
                       char **argv,
                       const struct cli_surroundings *surroundings)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse_word,
        .args_doc = "RUN",
        .doc = "Write a run in the format of other programs and reports."
               "\v",
        .help_filter = list_formats,
    };
    struct request request = {.opts.unit = "run"};
    struct fl_error err = {0};
    (void)surroundings;
    (void)argp_parse(&argp, argc, argv, 0, NULL, &request);
    enum fl_status status = res_export_as(
        request.dir, request.format, &request.opts, request.path, stdout, &err);
    return cli_conclude(status, &err);
}
