/* Clients as a job array that may grow and shrink while the run goes on. Slurm
 * starts again what it lost (--requeue); the ticket is in the script, which
 * Slurm brings to each node itself. */
#include "cli/launch/launch_slurm_priv.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SCRIPT "clients.sbatch"

void cli_slurm_quote(const char *text, FILE *out)
{
    (void)fputc('\'', out);
    for (; *text; text++) {
        if (*text == '\'')
            (void)fputs("'\\''", out);
        else
            (void)fputc(*text, out);
    }
    (void)fputc('\'', out);
}

static void
put_script(const struct cli_launch *launch, const char *program, FILE *out)
{
    const struct cli_launch_opts *opts = launch->opts;
    const struct slurm *slurm = launch->own;
    (void)fprintf(out,
                  "#!/bin/sh\n"
                  "#SBATCH --job-name=%s\n"
                  "#SBATCH --ntasks=1\n"
                  "#SBATCH --requeue\n"
                  "#SBATCH --chdir=/\n"
                  "#SBATCH --open-mode=append\n",
                  slurm->array);
    if (slurm->is_shared)
        (void)fprintf(out, "#SBATCH --output=\"%s/client-%%a.log\"\n",
                      slurm->run_dir);
    else /* no folder that every node is sure to have */
        (void)fprintf(out, "#SBATCH --output=/dev/null\n");
    for (size_t i = 0; i < opts->n_slurm_args; i++)
        (void)fprintf(out, "#SBATCH %s\n", opts->slurm_args[i]);
    (void)fprintf(out,
                  "# More processes join with: sbatch --array=FIRST-LAST "
                  "%s/" SCRIPT "\n# (numbers that no other has); scancel takes "
                  "some away. Keep it secret: it\n# holds the keys of the "
                  "run.\nexec ",
                  slurm->run_dir);
    cli_slurm_quote(program, out);
    (void)fprintf(out, " --ticket - --slot \"$SLURM_ARRAY_TASK_ID\" "
                       "--incarnation \"${SLURM_RESTART_COUNT:-0}\"");
    if (opts->kernels) {
        (void)fprintf(out, " --kernels ");
        cli_slurm_quote(opts->kernels, out);
    }
    (void)fprintf(out, " <<'TICKET'\n%sTICKET\n", launch->ready);
}

static enum fl_status write_script(const struct cli_launch *launch,
                                   const char *path,
                                   struct fl_error *err)
{
    char program[4200];
    char *text = NULL;
    size_t n = 0;
    FL_TRY(cli_launch_program(launch, "fedcarbon-client", program,
                              sizeof program, err));
    FILE *out = open_memstream(&text, &n);
    if (!out)
        return fl_fail(err, FL_E_NOMEM, "out of memory: %s", path);
    put_script(launch, program, out);
    bool is_complete = fclose(out) == 0;
    enum fl_status status =
        is_complete ? fl_file_write_private(path, text, n, err)
                    : fl_fail(err, FL_E_NOMEM, "out of memory: %s", path);
    fl_free(text);
    return status;
}

enum fl_status cli_slurm_submit_clients(struct cli_launch *launch,
                                        struct fl_error *err)
{
    struct slurm *slurm = launch->own;
    char path[4200], array[64], said[128];
    (void)snprintf(slurm->array, sizeof slurm->array, "fedcarbon-clients-%s",
                   slurm->job);
    FL_TRY(fl_path_join(slurm->run_dir, SCRIPT, path, sizeof path, err));
    FL_TRY(write_script(launch, path, err));
    (void)snprintf(array, sizeof array, "--array=0-%lld",
                   (long long)slurm->processes - 1);
    const char *argv[] = {"sbatch", "--parsable", array, path, NULL};
    FL_TRY(cli_slurm_call(launch, argv, -1, said, sizeof said, err));
    said[strcspn(said, ";\n")] = '\0';
    if (!launch->opts->is_quiet)
        fl_log(FL_LOG_INFO,
               "%lld client processes are submitted as job %s; more join with "
               "sbatch --array=%lld-... %s",
               (long long)slurm->processes, said, (long long)slurm->processes,
               path);
    return FL_OK;
}

void cli_slurm_cancel_clients(struct cli_launch *launch)
{
    struct slurm *slurm = launch->own;
    char path[4200], name[160], said[16];
    if (!slurm->array[0])
        return;
    if (fl_path_join(slurm->run_dir, SCRIPT, path, sizeof path, NULL) == FL_OK)
        (void)unlink(path);
    (void)snprintf(name, sizeof name, "--name=%s", slurm->array);
    const char *argv[] = {"scancel", "--quiet", name, NULL};
    struct fl_error why = {FL_OK, ""};
    if (cli_slurm_call(launch, argv, -1, said, sizeof said, &why) != FL_OK)
        fl_log(FL_LOG_WARN, "jobs named %s may be left: %s", slurm->array,
               why.text);
}
