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
