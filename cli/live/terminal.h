/* A terminal of one's own for a while: its second screen, keys as they are
 * pressed, a picture that is drawn again only where lines changed.
 *
 * A few of the sequences that every terminal since the VT100 knows (tmux and
 * screen among them) are all that this takes; a library would add a dependency
 * and its own ideas of signals and of what is on the screen.
 */
#ifndef CLI_LIVE_TERMINAL_H
#define CLI_LIVE_TERMINAL_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

enum cli_key {
    CLI_KEY_NONE,
    CLI_KEY_QUIT,
    CLI_KEY_UP,
    CLI_KEY_DOWN,
    CLI_KEY_PAGE_UP,
    CLI_KEY_PAGE_DOWN,
    CLI_KEY_OTHER
};

struct cli_terminal; /* opaque */

/* stdout has to be a terminal. Fails FL_E_NOMEM.
 * Free: cli_terminal_destroy, which gives the terminal back as it was. */
enum fl_status cli_terminal_create(struct cli_terminal **ret,
                                   struct fl_error *err) FL_NODISCARD;
void cli_terminal_destroy(struct cli_terminal *terminal);

void cli_terminal_size(const struct cli_terminal *terminal,
                       size_t *ret_columns,
                       size_t *ret_lines);
/* Whether its size is another than when the picture was drawn. A signal that
 * says so ends a poll(). */
bool cli_terminal_is_resized(const struct cli_terminal *terminal);

/* Lines of text; those that do not fit are left out. hint: the last line. */
void cli_terminal_show(struct cli_terminal *terminal,
                       const char *text,
                       const char *hint);

/* Readable when a key was pressed; -1: there is no keyboard. */
int cli_terminal_fd(const struct cli_terminal *terminal);
/* The next key, or none. */
enum cli_key cli_terminal_key(struct cli_terminal *terminal);

/* Columns of the terminal behind a descriptor; `otherwise` where there is
 * none. */
size_t cli_terminal_width(int fd, size_t otherwise);

#endif
