/* assert_near: doubles compared as doubles (cmocka 1.1.5 casts to float). */
#ifndef SUPPORT_ASSERT_NEAR_H
#define SUPPORT_ASSERT_NEAR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* Fails unless |a - b| <= atol + rtol * |b|; NaN never passes.
 * Every use says why its tolerance is what it is. */
#define assert_near(a, b, rtol, atol)                                          \
    fl_assert_near((a), (b), (rtol), (atol), #a, __FILE__, __LINE__)

void fl_assert_near(double a,
                    double b,
                    double rtol,
                    double atol,
                    const char *what,
                    const char *file,
                    int line);

/* Fails with the error's text unless the status is FL_OK. */
#define assert_ok(expr, err)                                                   \
    do {                                                                       \
        if ((expr) != 0)                                                       \
            fail_msg("%s: %s", #expr, (err)->text);                            \
    } while (0)

#endif
