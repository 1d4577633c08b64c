#include "support/assert_near.h"

#include <math.h>

void fl_assert_near(double a,
                    double b,
                    double rtol,
                    double atol,
                    const char *what,
                    const char *file,
                    int line)
{
    double gap = fabs(a - b);
    if (gap <= atol + rtol * fabs(b))
        return;
    print_error("%s:%d: %s = %.17g, expected %.17g (gap %.3g, rtol %.3g, "
                "atol %.3g)\n",
                file, line, what, a, b, gap, rtol, atol);
    _fail(file, line);
}
