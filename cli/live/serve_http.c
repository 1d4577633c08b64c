#include "cli/live/serve_http.h"

#include "base/alloc.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST_CONNECTIONS 64
#define IDLE_WALL_S      15
#define CONNECTION_BYTES ((size_t)16 << 10) /* a request's headers fit in */
#define BACKLOG          64

struct cli_http {
    struct cli_site *site;
    const struct cli_http_opts *opts;
    struct MHD_Daemon *daemon;
    int fd;
    bool is_loopback;
    char url[80];
};

static const char *const headers[][2] = {
    {"Content-Security-Policy",
     "default-src 'self'; base-uri 'none'; form-action 'none'; "
     "frame-ancestors 'none'; object-src 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"X-Frame-Options", "DENY"},
    {"Cache-Control", "no-cache"},
};

/* Answers */

static enum MHD_Result reply(struct MHD_Connection *connection,
                             const struct cli_answer *answer)
{
    /* The library only reads what it is given to keep. */
    void *bytes = (void *)(uintptr_t)answer->bytes;
    struct MHD_Response *response = MHD_create_response_from_buffer(
        answer->n, bytes, MHD_RESPMEM_MUST_COPY);
    if (!response)
        return MHD_NO;
    bool is_whole = true;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        is_whole =
            is_whole && MHD_add_response_header(response, headers[i][0],
                                                headers[i][1]) == MHD_YES;
    if (answer->type)
        is_whole = is_whole && MHD_add_response_header(response, "Content-Type",
                                                       answer->type) == MHD_YES;
    if (answer->etag[0])
        is_whole = is_whole && MHD_add_response_header(response, "ETag",
                                                       answer->etag) == MHD_YES;
    if (answer->code == MHD_HTTP_METHOD_NOT_ALLOWED)
        is_whole = is_whole && MHD_add_response_header(response, "Allow",
                                                       "GET, HEAD") == MHD_YES;
    enum MHD_Result result = MHD_NO; /* ends the connection */
    if (is_whole)
        result =
            MHD_queue_response(connection, (unsigned)answer->code, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result
refuse(struct MHD_Connection *connection, int code, const char *text)
{
    const struct cli_answer answer = {.code = code,
                                      .type = "text/plain; charset=utf-8",
                                      .bytes = text,
                                      .n = strlen(text)};
    return reply(connection, &answer);
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static const char *query(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);
}

static enum MHD_Result answer_get(struct cli_http *http,
                                  struct MHD_Connection *connection,
                                  const char *path)
{
    struct cli_answer answer;
    cli_site_get(http->site, path, query(connection, "view"),
                 query(connection, "run"), &answer);
    const char *known = header(connection, "If-None-Match");
    if (known && answer.etag[0] && cli_etag_matches(known, answer.etag)) {
        answer.code = MHD_HTTP_NOT_MODIFIED;
        answer.n = 0;
    }
    enum MHD_Result result = reply(connection, &answer);
    fl_free(answer.owned);
    return result;
}

static enum MHD_Result on_request(void *arg,
                                  struct MHD_Connection *connection,
                                  const char *path,
                                  const char *method,
                                  const char *version,
                                  const char *body,
                                  size_t *body_bytes,
                                  void **state)
{
    struct cli_http *http = arg;
    (void)version;
    (void)body;
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
                      "only GET and HEAD are answered\n");
    /* An answer to the headers alone would end the connection: the first call
     * goes by. What comes as a body is dropped. */
    if (!*state || *body_bytes > 0) {
        *state = http;
        *body_bytes = 0;
        return MHD_YES;
    }
    const char *host = header(connection, "Host");
    if (!host ||
        !cli_host_is_ours(host, http->opts->hosts, http->opts->n_hosts))
        return refuse(connection, MHD_HTTP_FORBIDDEN,
                      "nothing is served under this host name; see "
                      "fedcarbon serve --help, --host\n");
    return answer_get(http, connection, path);
}

/* What a client does wrong is its own affair. */
static void on_log(void *arg, const char *fmt, va_list ap)
{
    (void)arg;
    (void)fmt;
    (void)ap;
}

/* Listening */

union place {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static enum fl_status find_place(const struct cli_http_opts *opts,
                                 union place *ret,
                                 bool *ret_is_loopback,
                                 struct fl_error *err)
{
    const char *address =
        strcmp(opts->address, "localhost") == 0 ? "127.0.0.1" : opts->address;
    memset(ret, 0, sizeof *ret);
    if (inet_pton(AF_INET, address, &ret->v4.sin_addr) == 1) {
        ret->v4.sin_family = AF_INET;
        ret->v4.sin_port = htons((uint16_t)opts->port);
        *ret_is_loopback = ntohl(ret->v4.sin_addr.s_addr) >> 24 == 127;
        return FL_OK;
    }
    if (inet_pton(AF_INET6, address, &ret->v6.sin6_addr) == 1) {
        ret->v6.sin6_family = AF_INET6;
        ret->v6.sin6_port = htons((uint16_t)opts->port);
        *ret_is_loopback = IN6_IS_ADDR_LOOPBACK(&ret->v6.sin6_addr);
        return FL_OK;
    }
    return fl_fail(err, FL_E_CONFIG,
                   "--address: found '%.60s', allowed an IPv4 or IPv6 address "
                   "of this machine, or localhost",
                   opts->address);
}

static enum fl_status open_socket(struct cli_http *http, struct fl_error *err)
{
    union place place;
    FL_TRY(find_place(http->opts, &place, &http->is_loopback, err));
    socklen_t size =
        place.any.sa_family == AF_INET ? sizeof place.v4 : sizeof place.v6;
    http->fd = socket(place.any.sa_family,
                      SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (http->fd < 0)
        return fl_fail_errno(err, FL_E_IO, "cannot open a socket");
    int yes = 1; /* a server that was ended just now holds no port */
    (void)setsockopt(http->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(http->fd, &place.any, size) != 0 || listen(http->fd, BACKLOG) != 0)
        return fl_fail_errno(err, FL_E_IO, "%s, port %lld: cannot listen",
                             http->opts->address, (long long)http->opts->port);
    if (getsockname(http->fd, &place.any, &size) != 0)
        return fl_fail_errno(err, FL_E_IO, "cannot ask for the port");
    char text[INET6_ADDRSTRLEN] = "";
    bool is_v4 = place.any.sa_family == AF_INET;
    const void *address = is_v4 ? (const void *)&place.v4.sin_addr
                                : (const void *)&place.v6.sin6_addr;
    (void)inet_ntop(place.any.sa_family, address, text, sizeof text);
    (void)snprintf(http->url, sizeof http->url,
                   is_v4 ? "http://%s:%u/" : "http://[%s]:%u/", text,
                   ntohs(is_v4 ? place.v4.sin_port : place.v6.sin6_port));
    return FL_OK;
}

static enum fl_status start_daemon(struct cli_http *http, struct fl_error *err)
{
    http->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, http,
        MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_LISTEN_SOCKET,
        http->fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)MOST_CONNECTIONS,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_WALL_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    if (!http->daemon)
        return fl_fail(err, FL_E_IO, "%s: cannot serve there", http->url);
    http->fd = -1; /* the daemon's now */
    return FL_OK;
}

enum fl_status cli_http_create(struct cli_site *site,
                               const struct cli_http_opts *opts,
                               struct cli_http **ret,
                               struct fl_error *err)
{
    struct cli_http *http = fl_calloc(1, sizeof *http);
    if (!http)
        return fl_fail(err, FL_E_NOMEM, "out of memory: server");
    http->site = site;
    http->opts = opts;
    http->fd = -1;
    enum fl_status status = open_socket(http, err);
    if (status == FL_OK)
        status = start_daemon(http, err);
    if (status == FL_OK)
        *ret = http;
    else
        cli_http_destroy(http);
    return status;
}

void cli_http_destroy(struct cli_http *http)
{
    if (!http)
        return;
    if (http->daemon)
        MHD_stop_daemon(http->daemon);
    if (http->fd >= 0)
        (void)close(http->fd);
    fl_free(http);
}

const char *cli_http_url(const struct cli_http *http)
{
    return http->url;
}

bool cli_http_is_loopback(const struct cli_http *http)
{
    return http->is_loopback;
}

int cli_http_fd(const struct cli_http *http)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    return info ? info->epoll_fd : -1;
}

int cli_http_timeout_ms(const struct cli_http *http)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms;
    if (MHD_get_timeout(http->daemon, &timeout_ms) != MHD_YES)
        return -1;
    return timeout_ms > 60000 ? 60000 : (int)timeout_ms;
}

void cli_http_work(struct cli_http *http)
{
    (void)MHD_run(http->daemon);
}
