/* Log lines for people on stderr. Library code returns errors and does not
 * log; programs do. The level is the one mutable file-scope variable. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum fl_log_level { FL_LOG_ERROR, FL_LOG_WARN, FL_LOG_INFO, FL_LOG_DEBUG };

void fl_log_level_set(enum fl_log_level level); /* default FL_LOG_INFO */

/* One whole line, one write: "fedcarbon: warning: text". */
void fl_log(enum fl_log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
