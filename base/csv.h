/* Cells of a CSV file (RFC 4180), cut in place: a cell that begins with a quote
 * ends with one, may hold anything between, and a quote in it is written twice.
 * A quote inside of a plain cell is like any other byte.
 *
 *     char *cell, *end;
 *     size_t n;
 *     end = fl_csv_cell(line, ",", &cell, &n);
 *     bool is_last = *end == '\0';
 *     cell[n] = '\0';   behind the look at *end: it may be that very byte
 *
 * What follows a cell, and what a wrong byte there means, the caller knows.
 */
#ifndef BASE_CSV_H
#define BASE_CSV_H

#include <stddef.h>

/* The cell that begins at text.
 *
 * In    text   ends in NUL; of a cell in quotes the bytes move
 *       stops  bytes that end a plain cell, as the text's end does
 * Out   ret    the cell without its quotes, borrowed from text
 *       ret_n  its bytes; there is room for a NUL behind them
 * Gives the byte behind the cell, for a plain one a stop or the text's NUL;
 *       NULL where a quote is not closed: ret and ret_n are not written then
 * Cost  O(n); no allocation.   Threads: safe.
 * Source RFC 4180, section 2
 * Test  tests/base/test_csv.c
 */
char *fl_csv_cell(char *text, const char *stops, char **ret, size_t *ret_n);

/* The cells of a line, between commas.
 *
 * In    line   without its end; NULs come behind its cells
 *       room   of ret
 * Out   ret    the first cells, as many as there is room for, borrowed
 * Gives how many there are, however many there is room for; 0: a quote is not
 *       closed, or something follows one that is
 * Cost  O(n); no allocation.   Threads: safe.
 * Source RFC 4180, section 2
 * Test  tests/base/test_csv.c
 */
size_t fl_csv_split(char *line, char **ret, size_t room);

#endif
