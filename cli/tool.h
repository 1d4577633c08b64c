/* Running another program and reading what it prints. */
#ifndef CLI_TOOL_H
#define CLI_TOOL_H

#include "base/status.h"

#include <stddef.h>

#define CLI_TOOL_LIMIT_WALL_S 10.0

struct cli_tool_opts {
    double limit_wall_s; /* > 0 */
};

/* Runs argv[0], found on the PATH, without a shell, and waits for its end, for
 * CLI_TOOL_LIMIT_WALL_S at most. What it writes to stdout is in ret_text[size],
 * NUL behind it; stderr is dropped. A carbon_meter_run_fn: arg is a const
 * struct cli_tool_opts *, or NULL.
 * Fails FL_E_IO it cannot be started, or ends with anything but 0;
 * FL_E_TIMEOUT it is killed; FL_E_FORMAT it writes too much. */
enum fl_status cli_tool_run(void *arg,
                            const char *const *argv,
                            char *ret_text,
                            size_t size,
                            struct fl_error *err) FL_NODISCARD;

#endif
