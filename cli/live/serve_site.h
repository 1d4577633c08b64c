/* What `fedcarbon serve` has under which name: pages, the state of its views,
 * charts, metrics. Nothing here knows HTTP, and no name ever becomes a path: a
 * request picks from fixed tables.
 *
 *     /                     the page, and its /live.js /page.css ...
 *     /state.json           all views (docs/live.md)
 *     /charts/<name>.json   ?view=0&run=0
 *     /metrics              ?view=0&run=0, Prometheus' text format
 */
#ifndef CLI_LIVE_SERVE_SITE_H
#define CLI_LIVE_SERVE_SITE_H

#include "base/status.h"
#include "results/live.h"

#include <stdbool.h>
#include <stddef.h>

struct cli_site; /* opaque */

struct cli_answer {
    int code; /* of HTTP: 200, 400, 404, 500 */
    const char *type;
    const void *bytes;
    size_t n;
    char *owned;   /* bytes, to be freed with fl_free; NULL: they stay */
    char etag[40]; /* with its quotes; "" none */
};

/* Views of the directories. Fails as res_live_create.
 * Free: cli_site_destroy. */
enum fl_status cli_site_create(const char *const *dirs,
                               size_t n_dirs,
                               struct cli_site **ret,
                               struct fl_error *err) FL_NODISCARD;
void cli_site_destroy(struct cli_site *site);

/* Looks at all views again. Fails FL_E_NOMEM. */
enum fl_status cli_site_look(struct cli_site *site,
                             bool *ret_is_behind,
                             struct fl_error *err) FL_NODISCARD;
size_t cli_site_n_views(const struct cli_site *site);
const struct res_live *cli_site_view(const struct cli_site *site, size_t i);
/* A request asked for what has to be read first: look soon. */
bool cli_site_is_wanting(const struct cli_site *site);

/* view and run: the words of the query; NULL: not given. Never fails: what
 * goes wrong is an answer, too. */
void cli_site_get(struct cli_site *site,
                  const char *path,
                  const char *view,
                  const char *run,
                  struct cli_answer *ret);

/* Whether a page may be asked for under this name (the header Host): one that
 * nobody else can point at us. That is an address, localhost, or one of
 * `names`; any port. Else a page from elsewhere could read ours by giving its
 * own name our address. */
bool cli_host_is_ours(const char *host,
                      const char *const *names,
                      size_t n_names);
/* Whether a list of tags, as If-None-Match has it, names this one. */
bool cli_etag_matches(const char *list, const char *etag);

#endif
