/* Whether bytes are UTF-8, and how many characters. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>

/* Bytes of the character at s[n], n > 0; 0 when it is none (RFC 3629). */
size_t fl_utf8_length(const unsigned char *s, size_t n);

/* Characters of a text, not bytes: continuation bytes take no place. Of what is
 * no UTF-8 some number up to that of its bytes. */
size_t fl_utf8_characters(const char *text);

#endif
