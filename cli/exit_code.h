/* What a program's exit code says. */
#ifndef CLI_EXIT_CODE_H
#define CLI_EXIT_CODE_H

#include "base/status.h"

enum cli_exit {
    CLI_EXIT_OK = 0,
    CLI_EXIT_FAILED = 1,   /* something went wrong while running */
    CLI_EXIT_INPUT = 2,    /* the command line, the scenario or its data */
    CLI_EXIT_STOPPED = 130 /* Ctrl-C: saved, can be resumed */
};

static inline int cli_exit_code(enum fl_status status)
{
    switch (status) {
    case FL_OK:
        return CLI_EXIT_OK;
    case FL_E_STOPPED:
        return CLI_EXIT_STOPPED;
    case FL_E_CONFIG:
        return CLI_EXIT_INPUT;
    default:
        return CLI_EXIT_FAILED;
    }
}

#endif
