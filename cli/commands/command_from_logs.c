/* fedcarbon from-logs FILE.csv: production logs, costed. */
#include "cli/commands.h"

#include "base/log.h"
#include "cli/exit_code.h"
#include "cli/version.h"
#include "cli/words.h"
#include "results/from_logs.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>

struct request {
    const char *path, *out;
    struct res_logs_opts opts;
    char command[16384];
};

static const struct argp_option options[] = {
    {"preset", 'p', "NAME", 0, "which terms (default: wu2022)", 0},
    {"device", 'd', "NAME", 0, "what clients are (default: phone, 3 W)", 0},
    {"link", 'l', "NAME", 0,
     "how they transfer; default: none, the preset's router alone", 0},
    {"zone-default", 'z', "ZONE", 0,
     "of rows without a zone; default, and 'none': such a row is an error", 0},
    {"by-row", 'r', NULL, 0,
     "keep every row in the ledger, not the sum of each zone", 0},
    {"out", 'o', "DIR", 0, "the run's folder (default: runs/<file's name>)", 0},
    {0},
};

static error_t parse_word(int key, char *word, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case 'p':
        request->opts.preset = word;
        return 0;
    case 'd':
        request->opts.device = word;
        return 0;
    case 'l':
        request->opts.link = strcmp(word, "none") == 0 ? NULL : word;
        return 0;
    case 'z':
        request->opts.zone_default = strcmp(word, "none") == 0 ? NULL : word;
        return 0;
    case 'r':
        request->opts.is_by_row = true;
        return 0;
    case 'o':
        request->out = word;
        return 0;
    default:
        return cli_parse_one(key, word, "file", &request->path, state);
    }
}

/* runs/logs for /a/logs.csv.gz. */
static void default_out(const char *path, char *ret, size_t size)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    int length = (int)strcspn(name, ".");
    (void)snprintf(ret, size, "runs/%.*s", length > 0 ? length : 4,
                   length > 0 ? name : "logs");
}

static void put_command(struct request *request, const char *dir)
{
    const struct res_logs_opts *opts = &request->opts;
    (void)snprintf(request->command, sizeof request->command,
                   "fedcarbon from-logs '%s' --preset %s --device %s%s%s%s%s%s "
                   "--out '%s'",
                   request->path, opts->preset, opts->device,
                   opts->link ? " --link " : "", opts->link ? opts->link : "",
                   opts->zone_default ? " --zone-default " : "",
                   opts->zone_default ? opts->zone_default : "",
                   opts->is_by_row ? " --by-row" : "", dir);
}

int cli_command_from_logs(int argc,
                          char **argv,
                          const struct cli_surroundings *surroundings)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse_word,
        .args_doc = "FILE.csv",
        .doc =
            "Cost production logs: a CSV, gzip too, with the columns client, "
            "compute_s, up_s, down_s, zone.",
    };
    struct request request = {.opts = {.preset = "wu2022",
                                       .device = "phone",
                                       .version = cli_version}};
    struct fl_error err = {0};
    char dir[4096];
    (void)surroundings;
    (void)argp_parse(&argp, argc, argv, 0, NULL, &request);
    if (request.out)
        (void)snprintf(dir, sizeof dir, "%s", request.out);
    else
        default_out(request.path, dir, sizeof dir);
    put_command(&request, dir);
    request.opts.command = request.command;
    int64_t rows = 0;
    enum fl_status status =
        res_from_logs(request.path, &request.opts, dir, &rows, &err);
    if (status == FL_OK)
        status = res_logs_print(dir, stdout, &err);
    if (status == FL_OK)
        (void)printf("\n%lld rows, preset %s, device %s; run in %s\n",
                     (long long)rows, request.opts.preset, request.opts.device,
                     dir);
    else
        fl_log(FL_LOG_ERROR, "%s", err.text);
    /* what has the wrong form is the user's file */
    return status == FL_E_FORMAT ? CLI_EXIT_INPUT : cli_exit_code(status);
}
