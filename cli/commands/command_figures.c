/* fedcarbon figures RUN...: charts for a paper, drawn by gnuplot. */
#include "cli/commands.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/exit_code.h"
#include "cli/tool.h"
#include "cli/words.h"
#include "results/figures.h"

#include <argp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A figure takes a second; a machine may be busy. */
#define GNUPLOT_LIMIT_WALL_S 120.0

struct request {
    struct cli_runs runs;
    struct cli_words only;
    struct res_figures_opts opts;
    const char *folder;
    bool is_list;
};

enum { KEY_ONLY = 256, KEY_LIST, KEY_WIDTH };

static const struct argp_option options[] = {
    {"out", 'o', "DIR", 0,
     "folder of the figures; default: figures/ in the one run, or ./figures",
     0},
    {"format", 'f', "FORMAT,...", 0,
     "pictures to make: svg, pdf, png; default: all three", 0},
    {"only", KEY_ONLY, "NAME,...", 0, "these figures alone; see --list", 0},
    {"width", KEY_WIDTH, "WIDTH", 0,
     "single: 8.5 cm, a column of a paper (default); double: 17.5 cm", 0},
    {"list", KEY_LIST, NULL, 0, "list the figures, and make none", 0},
    {0},
};

static void parse_formats(struct request *request,
                          const char *list,
                          struct argp_state *state)
{
    struct cli_words words = {.n = 0};
    cli_words_add(&words, "--format", list, state);
    memset(request->opts.has_picture, 0, sizeof request->opts.has_picture);
    for (size_t i = 0; i < words.n; i++) {
        int f = 0;
        while (res_picture_names[f] &&
               strcmp(res_picture_names[f], words.all[i]) != 0)
            f++;
        if (!res_picture_names[f])
            argp_error(state, "--format: found '%s', allowed svg, pdf, png",
                       words.all[i]);
        else
            request->opts.has_picture[f] = true;
    }
    cli_words_fini(&words);
}

static void
parse_width(struct request *request, const char *word, struct argp_state *state)
{
    request->opts.is_double = strcmp(word, "double") == 0;
    if (!request->opts.is_double && strcmp(word, "single") != 0)
        argp_error(state, "--width: found '%s', allowed single, double", word);
}

static error_t parse_word(int key, char *word, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case 'o':
        request->folder = word;
        return 0;
    case 'f':
        parse_formats(request, word, state);
        return 0;
    case KEY_ONLY:
        cli_words_add(&request->only, "--only", word, state);
        return 0;
    case KEY_WIDTH:
        parse_width(request, word, state);
        return 0;
    case KEY_LIST:
        request->is_list = true;
        return 0;
    default:
        if (key == ARGP_KEY_END && request->is_list)
            return 0;
        return cli_parse_runs(key, word, "which run directories?",
                              &request->runs, state);
    }
}

static void list_figures(void)
{
    for (size_t i = 0; res_figure_name(i); i++)
        (void)printf("%-18s %s\n", res_figure_name(i), res_figure_doc(i));
}

/* What was written, to be drawn when all of it is. */
struct drawing {
    const struct request *request;
    const char *folder;
    char **names;
    size_t n, capacity;
};

static enum fl_status keep_name(void *arg, const char *name, struct fl_error *e)
{
    struct drawing *drawing = arg;
    FL_TRY(fl_grow(&drawing->names, &drawing->capacity, drawing->n + 1,
                   sizeof drawing->names[0], e));
    drawing->names[drawing->n] = fl_strdup(name);
    if (!drawing->names[drawing->n])
        return fl_fail(e, FL_E_NOMEM, "out of memory: figures");
    drawing->n++;
    return FL_OK;
}

static void print_figure(const struct drawing *drawing, const char *name)
{
    (void)printf("%s/%s:", drawing->folder, name);
    for (int f = 0; f < RES_PICTURE_LAST_; f++)
        if (drawing->request->opts.has_picture[f])
            (void)printf(" %s", res_picture_names[f]);
    (void)printf("\n");
}

/* How a whole picture of each kind ends. gnuplot draws on where a disk is full,
 * and says nothing. */
static const char *const picture_ends[RES_PICTURE_LAST_] = {
    [RES_PICTURE_SVG] = "</svg>",
    [RES_PICTURE_PDF] = "%%EOF",
    [RES_PICTURE_PNG] = "IEND"};

static bool ends_with(const uint8_t *bytes, size_t n_bytes, const char *end)
{
    enum { BEHIND = 8 }; /* a line's end, a checksum */
    size_t n = strlen(end);
    for (size_t behind = 0; behind <= BEHIND && n + behind <= n_bytes; behind++)
        if (memcmp(bytes + n_bytes - n - behind, end, n) == 0)
            return true;
    return false;
}

static enum fl_status check_pictures(const struct drawing *drawing,
                                     const char *name,
                                     struct fl_error *err)
{
    for (int f = 0; f < RES_PICTURE_LAST_; f++) {
        char file[256];
        const uint8_t *bytes = NULL;
        size_t n = 0;
        if (!drawing->request->opts.has_picture[f])
            continue;
        (void)snprintf(file, sizeof file, "%s.%s", name, res_picture_names[f]);
        bool is_whole = fl_file_map(file, &bytes, &n, NULL) == FL_OK &&
                        ends_with(bytes, n, picture_ends[f]);
        fl_file_unmap(bytes, n);
        if (!is_whole)
            return fl_fail(err, FL_E_IO,
                           "%s/%s: gnuplot did not write all of it; is the "
                           "disk full?",
                           drawing->folder, file);
    }
    return FL_OK;
}

/* The scripts name files of their own folder, so that is where gnuplot runs;
 * without the user's own settings. */
static enum fl_status draw(const struct drawing *drawing, struct fl_error *err)
{
    const char *const asking[] = {"gnuplot", "--version", NULL};
    struct cli_tool_opts opts = {.limit_wall_s = GNUPLOT_LIMIT_WALL_S};
    char text[4096], script[256];
    struct fl_error why = {0};
    if (cli_tool_run(&opts, asking, text, sizeof text, &why) != FL_OK)
        return fl_fail(err, FL_E_IO,
                       "%s; figures are drawn by gnuplot: apt-get install "
                       "gnuplot-nox. Data and scripts are in %s",
                       why.text, drawing->folder);
    if (chdir(drawing->folder) != 0)
        return fl_fail_errno(err, FL_E_IO, "%s", drawing->folder);
    for (size_t i = 0; i < drawing->n; i++) {
        (void)snprintf(script, sizeof script, "%s.gp", drawing->names[i]);
        const char *const argv[] = {"gnuplot", "-d", script, NULL};
        if (cli_tool_run(&opts, argv, text, sizeof text, &why) != FL_OK)
            return fl_fail(err, FL_E_IO, "%s; to see why: cd %s && gnuplot %s",
                           why.text, drawing->folder, script);
        FL_TRY(check_pictures(drawing, drawing->names[i], err));
        print_figure(drawing, drawing->names[i]);
    }
    return FL_OK;
}

static enum fl_status make(struct request *request, struct fl_error *err)
{
    char inside[4096];
    struct drawing drawing = {.request = request, .folder = request->folder};
    if (!drawing.folder && request->runs.n == 1) {
        FL_TRY(fl_path_join(request->runs.dirs[0], "figures", inside,
                            sizeof inside, err));
        drawing.folder = inside;
    } else if (!drawing.folder) {
        drawing.folder = "figures";
    }
    request->opts.only =
        request->only.n > 0 ? (const char *const *)request->only.all : NULL;
    request->opts.n_only = request->only.n;
    request->opts.problems = stderr;
    enum fl_status status =
        res_figures_write(request->runs.dirs, request->runs.n, &request->opts,
                          drawing.folder, keep_name, &drawing, err);
    if (drawing.n > 0) { /* whatever else could not be had */
        struct fl_error why = {0};
        enum fl_status drawn = draw(&drawing, &why);
        if (drawn != FL_OK)
            status = fl_fail(err, drawn, "%s", why.text);
    }
    for (size_t i = 0; i < drawing.n; i++)
        fl_free(drawing.names[i]);
    fl_free(drawing.names);
    return status;
}

int cli_command_figures(int argc,
                        char **argv,
                        const struct cli_surroundings *surroundings)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse_word,
        .args_doc = "RUN|SWEEP...",
        .doc = "Draw charts of run directories, or of a sweep by its folder, "
               "with gnuplot: svg, pdf and png, the width of a paper's column. "
               "Beside each picture lie its "
               "data (csv) and its script (gp). A chart that has nothing to "
               "show for these runs is left out; what cannot be shown is said "
               "on stderr, the rest is shown."};
    struct request request = {.opts = {.has_picture = {true, true, true}}};
    struct fl_error err = {0};
    (void)surroundings;
    (void)argp_parse(&argp, argc, argv, 0, NULL, &request);
    enum fl_status status = FL_OK;
    if (request.is_list)
        list_figures();
    else
        status = make(&request, &err);
    if (err.code != FL_OK) /* else it was said when it was met */
        fl_log(FL_LOG_ERROR, "%s", err.text);
    cli_words_fini(&request.only);
    cli_runs_fini(&request.runs);
    return cli_exit_code(status);
}
