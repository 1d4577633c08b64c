/* A site over HTTP, by libmicrohttpd, in one thread: whoever runs it waits for
 * its descriptor and lets it work. Reads only; every answer carries headers
 * that keep a browser from loading anything from elsewhere. */
#ifndef CLI_LIVE_SERVE_HTTP_H
#define CLI_LIVE_SERVE_HTTP_H

#include "cli/live/serve_site.h"

#include <stdint.h>

struct cli_http_opts {
    const char *address;      /* an IPv4 or IPv6 address */
    int64_t port;             /* 0: any that is free */
    const char *const *hosts; /* names beside addresses and localhost */
    size_t n_hosts;
};

struct cli_http; /* opaque */

/* site: borrowed. Listens from then on. Fails FL_E_CONFIG no address; FL_E_IO
 * the port is taken ...; FL_E_NOMEM. Free: cli_http_destroy. */
enum fl_status cli_http_create(struct cli_site *site,
                               const struct cli_http_opts *opts,
                               struct cli_http **ret,
                               struct fl_error *err) FL_NODISCARD;
void cli_http_destroy(struct cli_http *http); /* ends all connections */

/* "http://127.0.0.1:8642/" */
const char *cli_http_url(const struct cli_http *http);
/* Only this machine can reach it. */
bool cli_http_is_loopback(const struct cli_http *http);

/* Readable when there is something to do. */
int cli_http_fd(const struct cli_http *http);
/* Milliseconds until there is something to do anyway; -1: never. */
int cli_http_timeout_ms(const struct cli_http *http);
void cli_http_work(struct cli_http *http);

#endif
