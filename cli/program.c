#include "cli/program.h"

#include "base/log.h"
#include "base/status.h"
#include "cli/exit_code.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

void cli_program_begin(void)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGXFSZ, &ignore, NULL);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) /* open takes it */
            (void)open("/dev/null", O_RDONLY);
}

int cli_program_end(int exit_code)
{
    struct fl_error err = {FL_OK, ""};
    bool had_failed = ferror(stdout) != 0;
    if (fclose(stdout) != 0)
        (void)fl_fail_errno(&err, FL_E_IO, "standard output: cannot write");
    else if (had_failed)
        (void)fl_fail(&err, FL_E_IO, "standard output: cannot write all");
    if (err.code == FL_OK || exit_code != CLI_EXIT_OK) /* it was said why */
        return exit_code;
    fl_log(FL_LOG_ERROR, "%s", err.text);
    return CLI_EXIT_FAILED;
}

int cli_conclude(enum fl_status status, const struct fl_error *err)
{
    if (status != FL_OK)
        fl_log(status == FL_E_STOPPED ? FL_LOG_WARN : FL_LOG_ERROR, "%s",
               err->text);
    return cli_exit_code(status);
}
