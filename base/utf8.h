/* Whether bytes are UTF-8. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>

/* Bytes of the character at s[n], n > 0; 0 when it is none (RFC 3629). */
size_t fl_utf8_length(const unsigned char *s, size_t n);

#endif
