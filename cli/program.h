/* How every program begins and ends: what its caller may have left undone, and
 * whether what it printed has arrived.
 *
 *   int main(int argc, char **argv)
 *   {
 *       cli_program_begin();
 *       ...
 *       return cli_program_end(code);
 *   }
 */
#ifndef CLI_PROGRAM_H
#define CLI_PROGRAM_H

#include "base/status.h"

/* Before anything is opened. Standard streams that came closed are taken, so
 * that no file of ours gets their numbers and an error message or a table its
 * bytes: from such an input nothing is read, to such an output every write
 * fails. And a file that grows over its limit is an error, not a death. */
void cli_program_begin(void);

/* Writes what is left of standard output and closes it. Returns the exit code;
 * CLI_EXIT_FAILED instead of CLI_EXIT_OK, said on stderr, where something that
 * was printed did not arrive. */
int cli_program_end(int exit_code);

/* The exit code of a command; what went wrong is said on stderr, and as a
 * warning where it was only stopped. */
int cli_conclude(enum fl_status status, const struct fl_error *err);

#endif
