#include "cli/live/serve_site.h"

#include "base/alloc.h"
#include "base/parse.h"
#include "base/sha256.h"
#include "results/exporter.h"
#include "results/page/assets.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define PLAIN "text/plain; charset=utf-8"
#define JSON  "application/json"

extern const unsigned char cli_live_html[];
extern const size_t cli_live_html_size;
extern const unsigned char cli_live_js[];
extern const size_t cli_live_js_size;
extern const unsigned char cli_live_css[];
extern const size_t cli_live_css_size;
extern const unsigned char cli_live_icon[];
extern const size_t cli_live_icon_size;

struct cli_site {
    struct res_live **views;
    size_t n_views;
    bool is_wanting;
    char *state; /* JSON of all views; NULL: to be made anew */
};

static const struct {
    const char *path, *type;
    const unsigned char *bytes;
    const size_t *size;
} files[] = {
    {"/", "text/html; charset=utf-8", cli_live_html, &cli_live_html_size},
    {"/live.js", "text/javascript", cli_live_js, &cli_live_js_size},
    {"/live.css", "text/css", cli_live_css, &cli_live_css_size},
    {"/icon.svg", "image/svg+xml", cli_live_icon, &cli_live_icon_size},
    {"/page.css", "text/css", res_page_css, &res_page_css_size},
    {"/charts.js", "text/javascript", res_charts_js, &res_charts_js_size},
    {"/chart-library.js", "text/javascript", res_chart_library_js,
     &res_chart_library_js_size},
    {"/licences.txt", PLAIN, res_page_licences, &res_page_licences_size},
};

enum fl_status cli_site_create(const char *const *dirs,
                               size_t n_dirs,
                               struct cli_site **ret,
                               struct fl_error *err)
{
    struct cli_site *site = fl_calloc(1, sizeof *site);
    if (site)
        site->views = fl_calloc(n_dirs, sizeof(struct res_live *));
    enum fl_status status =
        site && site->views ? FL_OK
                            : fl_fail(err, FL_E_NOMEM, "out of memory: views");
    for (size_t i = 0; i < n_dirs && status == FL_OK; i++) {
        status = res_live_create(dirs[i], &site->views[i], err);
        site->n_views += status == FL_OK;
    }
    if (status == FL_OK)
        *ret = site;
    else
        cli_site_destroy(site);
    return status;
}

void cli_site_destroy(struct cli_site *site)
{
    if (!site)
        return;
    for (size_t i = 0; i < site->n_views; i++)
        res_live_destroy(site->views[i]);
    fl_free(site->views);
    fl_free(site->state);
    fl_free(site);
}

enum fl_status
cli_site_look(struct cli_site *site, bool *ret_is_behind, struct fl_error *err)
{
    bool is_any_behind = false;
    site->is_wanting = false;
    for (size_t i = 0; i < site->n_views; i++) {
        bool has_changed, is_behind;
        FL_TRY(res_live_look(site->views[i], &has_changed, &is_behind, err));
        is_any_behind = is_any_behind || is_behind;
        if (!has_changed)
            continue;
        fl_free(site->state);
        site->state = NULL;
    }
    *ret_is_behind = is_any_behind;
    return FL_OK;
}

size_t cli_site_n_views(const struct cli_site *site)
{
    return site->n_views;
}

const struct res_live *cli_site_view(const struct cli_site *site, size_t i)
{
    return i < site->n_views ? site->views[i] : NULL;
}

bool cli_site_is_wanting(const struct cli_site *site)
{
    return site->is_wanting;
}

/* Answers */

static void tag(struct cli_answer *answer)
{
    char hex[65];
    fl_sha256_of(answer->bytes, answer->n, hex);
    (void)snprintf(answer->etag, sizeof answer->etag, "\"%.32s\"", hex);
}

static void say(struct cli_answer *answer, int code, const char *text)
{
    *answer = (struct cli_answer){
        .code = code, .type = PLAIN, .bytes = text, .n = strlen(text)};
}

/* text is taken; NULL where there was no memory for it. */
static void give(struct cli_answer *answer, const char *type, char *text)
{
    if (!text) {
        say(answer, 500, "out of memory\n");
        return;
    }
    *answer = (struct cli_answer){.code = 200,
                                  .type = type,
                                  .bytes = text,
                                  .n = strlen(text),
                                  .owned = text};
    tag(answer);
}

static enum fl_status
put_views(const struct cli_site *site, FILE *out, struct fl_error *err)
{
    (void)fputs("{\"views\":[", out);
    for (size_t i = 0; i < site->n_views; i++) {
        char *view = NULL;
        FL_TRY(res_live_json(site->views[i], &view, err));
        (void)fprintf(out, "%s%s", i > 0 ? "," : "", view);
        fl_free(view);
    }
    (void)fputs("]}\n", out);
    return FL_OK;
}

static char *make_state(const struct cli_site *site)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    if (!out)
        return NULL;
    enum fl_status status = put_views(site, out, NULL);
    if (fclose(out) == 0 && status == FL_OK)
        return text;
    fl_free(text);
    return NULL;
}

static void get_state(struct cli_site *site, struct cli_answer *ret)
{
    if (!site->state)
        site->state = make_state(site);
    if (!site->state) {
        say(ret, 500, "out of memory\n");
        return;
    }
    *ret = (struct cli_answer){.code = 200,
                               .type = JSON,
                               .bytes = site->state,
                               .n = strlen(site->state)};
    tag(ret);
}

/* Which run a query is about. */
static bool find_run(const struct cli_site *site,
                     const char *view,
                     const char *run,
                     struct res_live **ret_view,
                     size_t *ret_run)
{
    int64_t v = 0, r = 0;
    if (site->n_views == 0)
        return false;
    if (view &&
        fl_parse_int(view, 0, (int64_t)site->n_views - 1, &v, NULL) != FL_OK)
        return false;
    struct res_live *live = site->views[v];
    int64_t n_runs = (int64_t)res_live_n_runs(live);
    if (n_runs == 0 ||
        (run && fl_parse_int(run, 0, n_runs - 1, &r, NULL) != FL_OK))
        return false;
    *ret_view = live;
    *ret_run = (size_t)r;
    return true;
}

/* The chart that a path names, or NULL. */
static const char *chart_of(const char *path)
{
    static const char before[] = "/charts/", behind[] = ".json";
    if (strncmp(path, before, sizeof before - 1) != 0)
        return NULL;
    path += sizeof before - 1;
    for (size_t i = 0; res_live_charts[i]; i++) {
        size_t n = strlen(res_live_charts[i]);
        if (strncmp(path, res_live_charts[i], n) == 0 &&
            strcmp(path + n, behind) == 0)
            return res_live_charts[i];
    }
    return NULL;
}

static void get_chart(struct cli_site *site,
                      const char *chart,
                      const char *view,
                      const char *run,
                      struct cli_answer *ret)
{
    struct res_live *live;
    size_t number;
    char *text = NULL;
    if (!find_run(site, view, run, &live, &number)) {
        say(ret, 404, "no such run: see /state.json\n");
        return;
    }
    if (!res_live_run(live, number)->has_detail) {
        res_live_want(live, number);
        site->is_wanting = true;
    }
    if (res_live_chart_json(live, number, chart, &text, NULL) != FL_OK)
        text = NULL;
    give(ret, JSON, text);
}

static void get_metrics(const struct cli_site *site,
                        const char *view,
                        const char *run,
                        struct cli_answer *ret)
{
    struct res_live *live;
    size_t number, n = 0;
    struct fl_error why = {FL_OK, ""};
    const struct res_exporter_opts opts = {.perspective = RES_OF_SERVER};
    if (!find_run(site, view, run, &live, &number)) {
        say(ret, 404, "no such run: see /state.json\n");
        return;
    }
    const struct res_live_run *shown = res_live_run(live, number);
    if (shown->n_arms == 0 || shown->problem[0]) {
        say(ret, 503, "the run cannot be read now\n");
        return;
    }
    char *text = NULL;
    FILE *out = open_memstream(&text, &n);
    if (!out) {
        say(ret, 500, "out of memory\n");
        return;
    }
    enum fl_status status =
        res_export_as(shown->dir, "prometheus", &opts, NULL, out, &why);
    if (fclose(out) != 0)
        status = FL_E_NOMEM;
    if (status == FL_OK) {
        give(ret, "text/plain; version=0.0.4; charset=utf-8", text);
        return;
    }
    fl_free(text);
    say(ret, 503, "the run cannot be read now\n");
}

void cli_site_get(struct cli_site *site,
                  const char *path,
                  const char *view,
                  const char *run,
                  struct cli_answer *ret)
{
    const char *chart = chart_of(path);
    if (chart) {
        get_chart(site, chart, view, run, ret);
        return;
    }
    if (strcmp(path, "/state.json") == 0) {
        get_state(site, ret);
        return;
    }
    if (strcmp(path, "/metrics") == 0) {
        get_metrics(site, view, run, ret);
        return;
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (strcmp(files[i].path, path) != 0)
            continue;
        *ret = (struct cli_answer){.code = 200,
                                   .type = files[i].type,
                                   .bytes = files[i].bytes,
                                   .n = *files[i].size};
        tag(ret);
        return;
    }
    say(ret, 404, "there is no such page; / is where to begin\n");
}

/* Headers */

static bool is_port(const char *text)
{
    int64_t port;
    return *text == '\0' ||
           (*text == ':' && text[1] >= '0' && text[1] <= '9' && /* no sign */
            fl_parse_int(text + 1, 0, 65535, &port, NULL) == FL_OK);
}

static bool
is_name(const char *host, size_t n, const char *const *names, size_t n_names)
{
    for (size_t i = 0; i < n_names; i++)
        if (strlen(names[i]) == n && strncasecmp(host, names[i], n) == 0)
            return true;
    return false;
}

bool cli_host_is_ours(const char *host,
                      const char *const *names,
                      size_t n_names)
{
    static const char *const always[] = {"localhost"};
    char name[64];
    unsigned char address[16];
    bool is_v6 = host[0] == '[';
    size_t n = is_v6 ? strcspn(host, "]") : strcspn(host, ":");
    if (is_v6 && host[n] != ']')
        return false;
    if (!is_port(host + n + is_v6))
        return false;
    if (is_name(host, n, always, 1) || is_name(host, n, names, n_names))
        return true;
    size_t skip = is_v6 ? 1 : 0;
    if (n - skip >= sizeof name)
        return false;
    memcpy(name, host + skip, n - skip);
    name[n - skip] = '\0';
    return inet_pton(is_v6 ? AF_INET6 : AF_INET, name, address) == 1;
}

bool cli_etag_matches(const char *list, const char *etag)
{
    size_t n = strlen(etag);
    while (*list) {
        list += strspn(list, " \t,");
        if (strncmp(list, "W/", 2) == 0)
            list += 2;
        size_t length = strcspn(list, " \t,");
        if ((length == 1 && *list == '*') ||
            (length == n && n > 0 && strncmp(list, etag, n) == 0))
            return true;
        list += length;
    }
    return false;
}
