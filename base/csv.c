#include "base/csv.h"

#include <string.h>

/* text is behind the first quote. */
static char *quoted(char *text, char **ret, size_t *ret_n)
{
    char *to = text, *start = text;
    for (; *text != '"' || text[1] == '"'; text++) {
        if (*text == '\0')
            return NULL;
        *to++ = *text;
        text += *text == '"';
    }
    *ret = start;
    *ret_n = (size_t)(to - start);
    return text + 1;
}

char *fl_csv_cell(char *text, const char *stops, char **ret, size_t *ret_n)
{
    if (*text == '"')
        return quoted(text + 1, ret, ret_n);
    *ret = text;
    *ret_n = strcspn(text, stops);
    return text + *ret_n;
}

size_t fl_csv_split(char *line, char **ret, size_t room)
{
    size_t n = 0;
    for (char *at = line; at; n++) {
        char *cell;
        size_t n_bytes;
        char *end = fl_csv_cell(at, ",", &cell, &n_bytes);
        if (!end || (*end != ',' && *end != '\0'))
            return 0;
        at = *end == ',' ? end + 1 : NULL;
        cell[n_bytes] = '\0';
        if (n < room)
            ret[n] = cell;
    }
    return n;
}
