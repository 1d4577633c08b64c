/* The part of docs/scenario.md that comes from the option table, between its
 * two markers:   scenario_reference --check | --update FILE
 * Exit 0: the same (or now the same), 1: different, 2: cannot. */
#include "base/alloc.h"
#include "base/file.h"
#include "scenarios/scenario.h"

#include <stdio.h>
#include <string.h>

static const char begin[] = "<!-- options: begin -->\n";
static const char end[] = "<!-- options: end -->\n";

/* The file with what the table says between the markers; NULL: no markers. */
static char *renewed(const char *text)
{
    const char *from = strstr(text, begin);
    const char *to = from ? strstr(from, end) : NULL;
    char *made = NULL;
    size_t n = 0;
    FILE *out = to ? open_memstream(&made, &n) : NULL;
    if (!out)
        return NULL;
    (void)fwrite(text, 1, (size_t)(from - text) + sizeof begin - 1, out);
    scn_describe(out);
    (void)fputs(to, out);
    return fclose(out) == 0 ? made : NULL;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        (void)fprintf(stderr, "usage: %s --check|--update FILE\n", argv[0]);
        return 2;
    }
    struct fl_error err = {0};
    uint8_t *text = NULL;
    size_t n = 0;
    if (fl_file_read(argv[2], (size_t)1 << 20, &text, &n, &err) != FL_OK) {
        (void)fprintf(stderr, "%s\n", err.text);
        return 2;
    }
    char *made = renewed((const char *)text);
    int code = 2;
    if (!made) {
        (void)fprintf(stderr, "%s: the markers are missing\n", argv[2]);
    } else if (strcmp(made, (const char *)text) == 0) {
        code = 0;
    } else if (strcmp(argv[1], "--update") == 0) {
        code = 0;
        if (fl_file_write(argv[2], made, strlen(made), &err) != FL_OK) {
            (void)fprintf(stderr, "%s\n", err.text);
            code = 2;
        }
    } else {
        (void)fprintf(stderr,
                      "%s differs from the option table; build the target "
                      "scenario_docs\n",
                      argv[2]);
        code = 1;
    }
    fl_free(made);
    fl_free(text);
    return code;
}
