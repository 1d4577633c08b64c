#include "cli/live/terminal.h"

#include "base/alloc.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define ESC "\033"
/* The second screen, and no cursor; and back. Cursor keys say what they do
 * without a mode of their own. */
#define ENTER ESC "[?1049h" ESC "[?25l" ESC "[2J"
#define LEAVE ESC "[0m" ESC "[?25h" ESC "[?1049l"

struct cli_terminal {
    bool has_keys;
    struct termios former;
    char *shown; /* what is on the screen, in lines */
    size_t columns, lines;
    char keys[64];
    size_t n_keys, next_key;
};

static void put(const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t wrote = write(STDOUT_FILENO, bytes, n);
        if (wrote < 0 && errno == EINTR)
            continue; /* resized meanwhile */
        if (wrote <= 0)
            return; /* nobody is there any more */
        bytes += wrote;
        n -= (size_t)wrote;
    }
}

static void size_of(int fd, size_t *ret_columns, size_t *ret_lines)
{
    struct winsize window;
    *ret_columns = 80;
    *ret_lines = 24;
    if (ioctl(fd, TIOCGWINSZ, &window) != 0)
        return;
    if (window.ws_col > 0)
        *ret_columns = window.ws_col;
    if (window.ws_row > 0)
        *ret_lines = window.ws_row;
}

size_t cli_terminal_width(int fd, size_t otherwise)
{
    size_t columns, lines;
    if (!isatty(fd))
        return otherwise;
    size_of(fd, &columns, &lines);
    return columns;
}

/* Only so that poll() ends; the size is asked for then. */
static void on_resize(int which)
{
    (void)which;
}

enum fl_status cli_terminal_create(struct cli_terminal **ret,
                                   struct fl_error *err)
{
    struct cli_terminal *terminal = fl_calloc(1, sizeof *terminal);
    if (!terminal)
        return fl_fail(err, FL_E_NOMEM, "out of memory: terminal");
    struct termios mode;
    if (isatty(STDIN_FILENO) &&
        tcgetattr(STDIN_FILENO, &terminal->former) == 0 &&
        tcgetpgrp(STDIN_FILENO) == getpgrp()) {
        mode = terminal->former;
        mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        mode.c_cc[VMIN] = 0;
        mode.c_cc[VTIME] = 0;
        mode.c_cc[VSUSP] = _POSIX_VDISABLE; /* it would leave the screen so */
        terminal->has_keys = tcsetattr(STDIN_FILENO, TCSANOW, &mode) == 0;
    }
    struct sigaction action = {.sa_handler = on_resize};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGWINCH, &action, NULL); /* else within a second */
    put(ENTER, sizeof ENTER - 1);
    *ret = terminal;
    return FL_OK;
}

void cli_terminal_destroy(struct cli_terminal *terminal)
{
    if (!terminal)
        return;
    put(LEAVE, sizeof LEAVE - 1);
    if (terminal->has_keys)
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal->former);
    const struct sigaction standard = {.sa_handler = SIG_DFL};
    (void)sigaction(SIGWINCH, &standard, NULL);
    fl_free(terminal->shown);
    fl_free(terminal);
}

void cli_terminal_size(const struct cli_terminal *terminal,
                       size_t *ret_columns,
                       size_t *ret_lines)
{
    (void)terminal;
    size_of(STDOUT_FILENO, ret_columns, ret_lines);
}

bool cli_terminal_is_resized(const struct cli_terminal *terminal)
{
    size_t columns, lines;
    size_of(STDOUT_FILENO, &columns, &lines);
    return columns != terminal->columns || lines != terminal->lines;
}

/* The next line of a text, without its end. */
static const char *next_line(const char **text, size_t *ret_n)
{
    const char *line = *text;
    *ret_n = strcspn(line, "\n");
    *text += *ret_n + (line[*ret_n] == '\n');
    return line;
}

/* Only lines that are others than before. The rest of a line is cleared in
 * front of it: behind a full one the cursor stands on its last character. */
static void
put_lines(FILE *out, const char *former, const char *text, size_t n_lines)
{
    for (size_t i = 0; i < n_lines && (*text || *former); i++) {
        size_t n, n_former;
        const char *line = next_line(&text, &n);
        const char *before = next_line(&former, &n_former);
        if (n == n_former && memcmp(line, before, n) == 0)
            continue;
        (void)fprintf(out, ESC "[%zu;1H" ESC "[2K%.*s" ESC "[0m", i + 1, (int)n,
                      line);
    }
}

void cli_terminal_show(struct cli_terminal *terminal,
                       const char *text,
                       const char *hint)
{
    char *sequence = NULL;
    size_t n = 0, columns, lines;
    size_of(STDOUT_FILENO, &columns, &lines);
    FILE *out = open_memstream(&sequence, &n);
    char *copy = fl_strdup(text);
    if (!out || !copy) { /* the next picture may come through */
        if (out)
            (void)fclose(out);
        fl_free(sequence);
        fl_free(copy);
        return;
    }
    bool is_new = columns != terminal->columns || lines != terminal->lines ||
                  !terminal->shown;
    if (is_new)
        (void)fputs(ESC "[2J", out);
    put_lines(out, is_new ? "" : terminal->shown, text,
              lines > 1 ? lines - 1 : lines);
    if (is_new && lines > 1)
        (void)fprintf(out, ESC "[%zu;1H" ESC "[2m%.*s" ESC "[0m", lines,
                      (int)columns - 1, hint);
    if (fclose(out) == 0)
        put(sequence, n);
    fl_free(sequence);
    fl_free(terminal->shown);
    terminal->shown = copy;
    terminal->columns = columns;
    terminal->lines = lines;
}

int cli_terminal_fd(const struct cli_terminal *terminal)
{
    return terminal->has_keys ? STDIN_FILENO : -1;
}

/* ESC [ A, ESC O A, ESC [ 5 ~ */
static enum cli_key take_sequence(struct cli_terminal *terminal)
{
    char last = terminal->keys[terminal->next_key++]; /* [ or O */
    char digit = '\0';
    while (terminal->next_key < terminal->n_keys) {
        last = terminal->keys[terminal->next_key++];
        if (last >= '0' && last <= '9')
            digit = last;
        else if (last != ';')
            break;
    }
    if (last == '~')
        return digit == '5'   ? CLI_KEY_PAGE_UP
               : digit == '6' ? CLI_KEY_PAGE_DOWN
                              : CLI_KEY_OTHER;
    return last == 'A'   ? CLI_KEY_UP
           : last == 'B' ? CLI_KEY_DOWN
                         : CLI_KEY_OTHER;
}

enum cli_key cli_terminal_key(struct cli_terminal *terminal)
{
    if (!terminal->has_keys)
        return CLI_KEY_NONE;
    if (terminal->next_key == terminal->n_keys) {
        ssize_t got = read(STDIN_FILENO, terminal->keys, sizeof terminal->keys);
        terminal->n_keys = got > 0 ? (size_t)got : 0;
        terminal->next_key = 0;
    }
    if (terminal->next_key == terminal->n_keys)
        return CLI_KEY_NONE;
    char key = terminal->keys[terminal->next_key++];
    if (key == '\033' && terminal->next_key < terminal->n_keys)
        return take_sequence(terminal);
    switch (key) {
    case 'q':
    case 'Q':
        return CLI_KEY_QUIT;
    case 'k':
        return CLI_KEY_UP;
    case 'j':
        return CLI_KEY_DOWN;
    case ' ':
        return CLI_KEY_PAGE_DOWN;
    default:
        return CLI_KEY_OTHER;
    }
}
