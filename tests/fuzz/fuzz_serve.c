/* What of a request is ours to read: the host name, tags, the path with its
 * query; and the points of a sweep. Any bytes are answered or refused, and an
 * answer always has its text. The first byte says which. */
#include "base/alloc.h"
#include "cli/live/serve_site.h"
#include "results/points.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void must(int is_true)
{
    if (!is_true)
        abort(); /* how a fuzz target reports */
}

/* The text up to the next line's end; *text moves behind it. */
static char *take_line(char **text)
{
    char *line = *text;
    size_t n = strcspn(line, "\n");
    *text += n + (line[n] == '\n');
    line[n] = '\0';
    return line;
}

static void try_headers(char *text)
{
    static const char *const names[] = {"lab.example"};
    const char *host = take_line(&text);
    const char *etag = take_line(&text);
    if (cli_host_is_ours(host, names, 1))
        must(host[strspn(host, "0123456789abcdefABCDEF.:[]")] == '\0' ||
             strchr("lL", host[0]));
    if (cli_etag_matches(text, etag))
        must(strchr(text, '*') || strstr(text, etag));
}

static void try_site(char *text)
{
    struct cli_site *site = NULL;
    struct cli_answer answer;
    /* Of no folder: nothing of the machine it runs on is read. */
    if (cli_site_create(NULL, 0, &site, NULL) != FL_OK)
        return;
    const char *path = take_line(&text);
    const char *view = take_line(&text);
    cli_site_get(site, path, view, text, &answer);
    must(answer.bytes && answer.type && answer.code >= 200);
    must(answer.code != 200 || answer.etag[0] == '"');
    fl_free(answer.owned);
    cli_site_destroy(site);
}

static void try_points(const char *text)
{
    struct res_points points;
    struct fl_error err = {0};
    enum fl_status status = res_points_parse("points", text, &points, &err);
    must(status == FL_OK || (status == FL_E_FORMAT && err.text[0] != '\0'));
    if (status != FL_OK)
        return;
    must(points.n_rows >= 1 && points.n_columns >= 2);
    must(points.n_cells == points.n_rows * points.n_columns);
    for (size_t row = 1; row < points.n_rows; row++)
        must(!strpbrk(points.cells[row * points.n_columns + 1], "/."));
    res_points_fini(&points);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    if (n_bytes < 1)
        return 0;
    char *text = fl_calloc(n_bytes, 1); /* the rest, and a NUL */
    if (!text)
        return 0;
    memcpy(text, bytes + 1, n_bytes - 1);
    if (bytes[0] == 'h')
        try_headers(text);
    else if (bytes[0] == 's')
        try_site(text);
    else
        try_points(text);
    fl_free(text);
    return 0;
}
