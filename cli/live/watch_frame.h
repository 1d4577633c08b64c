/* What `fedcarbon watch` shows of a live view, as lines of text. */
#ifndef CLI_LIVE_WATCH_FRAME_H
#define CLI_LIVE_WATCH_FRAME_H

#include "cli/live/watch_screen.h"
#include "results/live.h"

/* The whole picture. Of a sweep the points from `first` on, `most` at most.
 * Fails FL_E_NOMEM. */
enum fl_status cli_watch_frame(struct cli_screen *screen,
                               const struct res_live *live,
                               size_t first,
                               size_t most,
                               struct fl_error *err) FL_NODISCARD;

/* The same in one line, for logs. */
void cli_watch_line(struct cli_screen *screen, const struct res_live *live);

#endif
