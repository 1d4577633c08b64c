/* Stands in the place of fedcarbon-client or fedcarbon-coordinator and becomes
 * the real one, with some words of its command changed:
 *
 *     CHAOS_BIN       folder of the real programs
 *     CHAOS_CONNECT   where client processes connect instead
 *     CHAOS_CLIENT, CHAOS_COORDINATOR   words that are added, by spaces
 *     CHAOS_BEFORE    words in front of the coordinator's command: a tracer
 *
 * It is the same process throughout, so that its parent knows it.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_WORDS 128

static size_t add_words(char *text, char **argv, size_t n)
{
    while (text && *text && n < MAX_WORDS) {
        size_t length = strcspn(text, " ");
        bool is_last = text[length] == '\0';
        text[length] = '\0';
        if (length > 0)
            argv[n++] = text;
        text += is_last ? length : length + 1;
    }
    return n;
}

int main(int argc, char **argv)
{
    static char program[4096];
    static char *words[MAX_WORDS + 1];
    const char *name = strrchr(argv[0], '/');
    name = name ? name + 1 : argv[0];
    const char *bin = getenv("CHAOS_BIN");
    char *connect = getenv("CHAOS_CONNECT");
    bool is_client = strcmp(name, "fedcarbon-client") == 0;
    if (!bin || argc + 1 > MAX_WORDS)
        return 125;
    (void)snprintf(program, sizeof program, "%s/%s", bin, name);
    size_t n = add_words(is_client ? NULL : getenv("CHAOS_BEFORE"), words, 0);
    words[n++] = program;
    for (int i = 1; i < argc && n < MAX_WORDS; i++) {
        words[n++] = argv[i];
        if (connect && is_client && strcmp(argv[i], "--connect") == 0) {
            words[n++] = connect;
            i++;
        }
    }
    n = add_words(getenv(is_client ? "CHAOS_CLIENT" : "CHAOS_COORDINATOR"),
                  words, n);
    words[n] = NULL;
    (void)execvp(words[0], words);
    (void)fprintf(stderr, "%s: cannot be started\n", words[0]);
    return 126;
}
