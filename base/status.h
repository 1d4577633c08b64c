/* Status codes and error text.
 *
 * A function that can fail returns enum fl_status, last parameter struct
 * fl_error * (may be NULL). fl_fail() fills it and returns the code, so that a
 * failure is one line:
 *
 *     if (lr <= 0)
 *         return fl_fail(err, FL_E_CONFIG, "%s: lr = %g, allowed (0, 10]",
 *                        where, lr);
 *
 * Outputs (ret_...) are written only on FL_OK.
 */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#define FL_NODISCARD __attribute__((warn_unused_result))

enum fl_status {
    FL_OK = 0,
    FL_E_NOMEM,   /* out of memory */
    FL_E_ARG,     /* a caller's impossible argument */
    FL_E_CONFIG,  /* a user's file, option or fact is wrong or missing */
    FL_E_IO,      /* the system refused: file, disk, socket, process */
    FL_E_FORMAT,  /* bytes that are not what they claim to be */
    FL_E_RANGE,   /* a question outside the data */
    FL_E_NUMERIC, /* NaN, infinity or overflow */
    FL_E_STATE,   /* not now: wrong order, wrong run, already done */
    FL_E_TIMEOUT, /* a peer stayed silent */
    FL_E_STOPPED, /* asked to stop (Ctrl-C); everything was saved */
    FL_E_LAST_
};

struct fl_error {
    enum fl_status code;
    char text[1024]; /* "where: what, found X, allowed Y" */
};

/* Short name of a code, e.g. "FL_E_CONFIG"; never NULL. */
const char *fl_status_name(enum fl_status status);

/* Fills err (if not NULL) and returns code; text that is too long is cut. */
enum fl_status
fl_fail(struct fl_error *err, enum fl_status code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with ": <system's reason>" behind the text; reads errno itself,
 * so no other layer has to. */
enum fl_status
fl_fail_errno(struct fl_error *err, enum fl_status code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The only macro that hides a return. With resources: goto out. */
#define FL_TRY(expr)                                                           \
    do {                                                                       \
        enum fl_status fl_try_ = (expr);                                       \
        if (fl_try_ != FL_OK)                                                  \
            return fl_try_;                                                    \
    } while (0)

#endif
