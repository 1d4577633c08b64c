/* The report as a whole: reading, the frame of the page, its policy. */
#include "results/page/page_priv.h"

#include "base/alloc.h"
#include "base/file.h"
#include "results/page/assets.h"

#include <assert.h>
#include <string.h>

/* What the answer hangs on is drawn anew for each run, up to so many. */
#define MAX_INFLUENCES 24

/* A line of the page's own, unless it is there. */
static void add_problem(struct res_page *page, const char *line, size_t n)
{
    const char *all = res_text_get(&page->problems);
    for (const char *at = all; *at;) {
        size_t length = strcspn(at, "\n");
        if (length == n && memcmp(at, line, n) == 0)
            return;
        at += length + (at[length] == '\n');
    }
    res_text_put_bytes(&page->problems, line, n);
    res_text_put(&page->problems, "\n");
}

void res_page_add_problems(struct res_page *page, const char *lines)
{
    for (const char *at = lines; *at;) {
        size_t length = strcspn(at, "\n");
        add_problem(page, at, length);
        at += length + (at[length] == '\n');
    }
}

/* What was said until now. */
static void take_said(struct res_page *page)
{
    if (page->said && fflush(page->said) == 0 && page->lines)
        res_page_add_problems(page, page->lines);
}

struct part {
    const char *id, *link, *head;
    enum fl_status (*put)(struct res_page *page, struct fl_error *err);
};
static const struct part parts[] = {
    {"question", "Question", "The question", res_page_put_question},
    {"answer", "Answer", "The answer", res_page_put_answer},
    {"comparison", "Comparison", "The comparison", res_page_put_table},
    {"figures", "Figures", "Figures", res_page_put_figures},
    {"assumed", "Assumptions", "What was assumed, and how much it matters",
     res_page_put_assumed},
    {"scenario", "Scenario", "The scenario", res_page_put_scenarios},
    {"machine", "Machine", "Hardware and versions", res_page_put_machines},
    {"repeat", "Repeat", "How to repeat it", res_page_put_repeat},
};
enum { N_PARTS = sizeof parts / sizeof parts[0] };

/* The bundled files, in the order in which they run. */
struct asset {
    const unsigned char *bytes;
    const size_t *size;
};
static const struct asset styles[] = {{res_page_css, &res_page_css_size}};
static const struct asset scripts[] = {
    {res_chart_library_js, &res_chart_library_js_size},
    {res_charts_js, &res_charts_js_size},
    {res_page_js, &res_page_js_size},
};

static void put_hashes(struct res_text *out, const struct asset *all, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        res_text_put(out, " '");
        res_html_hash(out, all[i].bytes, *all[i].size);
        res_text_put(out, "'");
    }
}

static void put_title(const struct res_page *page, struct res_text *out)
{
    const char *name = page->runs[0].run.name;
    bool is_one = name[0] != '\0';
    if (page->opts->title) {
        res_html_text(out, page->opts->title);
        return;
    }
    for (size_t i = 1; i < page->n_runs; i++)
        is_one = is_one && strcmp(page->runs[i].run.name, name) == 0;
    if (is_one)
        res_html_text(out, name);
    else if (page->n_runs == 1)
        res_html_text(out, page->runs[0].run.label);
    else
        res_text_add(out, "Comparison of %zu runs", page->n_runs);
}

/* Nothing is fetched, sent or framed: what is not named here is forbidden. */
static void put_policy(struct res_text *out)
{
    res_text_put(out, "<meta http-equiv=\"Content-Security-Policy\" "
                      "content=\"default-src 'none'; script-src");
    put_hashes(out, scripts, sizeof scripts / sizeof scripts[0]);
    res_text_put(out, "; style-src");
    put_hashes(out, styles, sizeof styles / sizeof styles[0]);
    res_text_put(out, "; img-src data:; base-uri 'none'; "
                      "form-action 'none'\">\n");
}

static void put_head(struct res_page *page)
{
    struct res_text *out = &page->out;
    res_text_put(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
                      "<meta charset=\"utf-8\">\n");
    put_policy(out);
    res_text_put(out, "<meta name=\"viewport\" content=\"width=device-width, "
                      "initial-scale=1\">\n"
                      "<meta name=\"color-scheme\" content=\"light dark\">\n"
                      "<meta name=\"referrer\" content=\"no-referrer\">\n"
                      "<link rel=\"icon\" href=\"data:,\">\n<title>");
    put_title(page, out);
    res_text_put(out, " - fedcarbon report</title>\n<style>");
    res_text_put_bytes(out, res_page_css, res_page_css_size);
    res_text_put(out, "</style>\n</head>\n");
}

static void put_problems(struct res_page *page)
{
    const char *all = res_text_get(&page->problems);
    struct res_text line = {0};
    if (!all[0])
        return;
    res_text_put(
        &page->out,
        "<aside class=\"problems\" aria-labelledby=\"problems\">\n"
        "<h2 id=\"problems\">What could not be had, or compared</h2>\n<ul>\n");
    for (const char *at = all; *at;) {
        size_t length = strcspn(at, "\n");
        res_text_clear(&line);
        res_text_put_bytes(&line, at, length);
        res_text_put(&page->out, "<li>");
        res_html_prose(&page->out, res_text_get(&line));
        res_text_put(&page->out, "</li>\n");
        at += length + (at[length] == '\n');
    }
    res_text_put(&page->out,
                 "</ul>\n<p>The rest is shown below.</p></aside>\n");
    page->out.has_failed = page->out.has_failed || line.has_failed;
    res_text_fini(&line);
}

static void put_top(struct res_page *page)
{
    struct res_text *out = &page->out;
    res_text_put(out, "<body>\n<a class=\"skip\" href=\"#answer\">Skip to the "
                      "answer</a>\n<header>\n"
                      "<p class=\"kicker\">fedcarbon report</p>\n<h1>");
    put_title(page, out);
    res_text_put(out,
                 "</h1>\n</header>\n<nav aria-label=\"Contents\">\n<ol>\n");
    for (size_t i = 0; i < N_PARTS; i++)
        res_text_add(out, "<li><a href=\"#%s\">%s</a></li>\n", parts[i].id,
                     parts[i].link);
    res_text_put(out, "</ol>\n</nav>\n<main>\n");
}

static void put_bottom(struct res_page *page)
{
    struct res_text *out = &page->out;
    res_text_put(out, "</main>\n<footer>\n<p>Made by fedcarbon ");
    res_html_text(out, page->opts->version ? page->opts->version : "");
    res_text_put(out, " from the runs' own records: energy and emissions are "
                      "modelled, not metered. This file holds everything it "
                      "shows and fetches nothing.</p>\n"
                      "<details><summary>Licences of what is part of this "
                      "page</summary>\n<pre tabindex=\"0\">");
    res_html_text(out, (const char *)res_page_licences);
    res_text_put(out, "</pre></details>\n</footer>\n");
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        res_text_put(out, "<script>");
        res_text_put_bytes(out, scripts[i].bytes, *scripts[i].size);
        res_text_put(out, "</script>\n");
    }
    res_text_put(out, "</body>\n</html>\n");
}

/* A res_table_fn. */
static enum fl_status
put_page(const struct res_table *table, void *arg, struct fl_error *err)
{
    struct res_page *page = arg;
    struct res_text body = {0};
    page->table = table;
    enum fl_status status = FL_OK;
    for (size_t i = 0; i < N_PARTS && status == FL_OK; i++) {
        res_text_add(&page->out,
                     "<section id=\"%s\" aria-labelledby=\"%s-head\">\n"
                     "<h2 id=\"%s-head\">%s</h2>\n",
                     parts[i].id, parts[i].id, parts[i].id, parts[i].head);
        status = parts[i].put(page, err);
        res_text_put(&page->out, "</section>\n");
    }
    body = page->out;
    page->out = (struct res_text){.bytes = NULL};
    page->table = NULL;
    /* In front of it, what was met on the way. */
    take_said(page);
    if (status == FL_OK) {
        put_head(page);
        put_top(page);
        put_problems(page);
        res_text_put_bytes(&page->out, res_text_get(&body), body.n);
        put_bottom(page);
        status = res_text_check(&body, err);
    }
    res_text_fini(&body);
    return status != FL_OK ? status : res_text_check(&page->out, err);
}

/* Runs that cannot be read are problems. */
static enum fl_status read_runs(struct res_page *page,
                                struct res_problems *problems,
                                struct fl_error *err)
{
    size_t n = page->asked.n;
    page->dirs = fl_calloc(n + 1, sizeof page->dirs[0]);
    page->runs = fl_calloc(n + 1, sizeof page->runs[0]);
    if (!page->dirs || !page->runs)
        return fl_fail(err, FL_E_NOMEM, "out of memory: report");
    for (size_t i = 0; i < n; i++) {
        struct fl_error why = {0};
        enum fl_status status = res_page_read_run(page, page->asked.names[i],
                                                  n <= MAX_INFLUENCES, &why);
        if (status != FL_OK)
            FL_TRY(res_problem(problems, status, "%s", why.text));
    }
    return res_page_close_facts(page, err);
}

/* With the page's text in page->out; status of what could be had is FL_OK,
 * whatever problems were met. */
static enum fl_status make_page(struct res_page *page,
                                const char *const *dirs,
                                size_t n_dirs,
                                struct res_problems *problems,
                                struct fl_error *err)
{
    struct res_compare_opts opts = page->opts->compare;
    FL_TRY(res_run_dirs_init(&page->asked, dirs, n_dirs, problems, err));
    FL_TRY(read_runs(page, problems, err));
    if (page->n_runs == 0)
        return FL_OK; /* nothing to show */
    FL_TRY(res_page_read_gallery(page, problems, err));
    res_page_choose_keys(page, &opts);
    opts.problems = page->said;
    struct fl_error why = {0};
    enum fl_status status = res_compare_into(page->dirs, page->n_runs, &opts,
                                             RES_TEXT, put_page, page, &why);
    /* Its first problem, with the page made; or its end. */
    if (status != FL_OK && (page->out.n == 0 || status == FL_E_NOMEM))
        return fl_fail(err, status, "%s", why.text);
    if (status != FL_OK && problems->first == FL_OK)
        (void)fl_fail(problems->err, problems->first = status, "%s", why.text);
    return FL_OK;
}

static enum fl_status write_page(struct res_page *page,
                                 const char *const *dirs,
                                 size_t n_dirs,
                                 const char *path,
                                 size_t *ret_bytes,
                                 struct fl_error *err)
{
    FILE *out = page->opts->compare.problems;
    struct fl_error first = {0}, why = {0};
    struct res_problems problems = {.out = out ? page->said : NULL,
                                    .err = &first};
    enum fl_status status = make_page(page, dirs, n_dirs, &problems, &why);
    take_said(page);
    if (out)
        (void)fputs(res_text_get(&page->problems), out);
    if (status != FL_OK)
        return fl_fail(err, status, "%s", why.code ? why.text : first.text);
    if (page->out.n > 0)
        FL_TRY(fl_file_write(path, res_text_get(&page->out), page->out.n, err));
    *ret_bytes = page->out.n;
    return problems.first != FL_OK
               ? fl_fail(err, problems.first, "%s", first.text)
               : FL_OK;
}

enum fl_status res_page_write(const char *const *dirs,
                              size_t n_dirs,
                              const struct res_page_opts *opts,
                              const char *path,
                              size_t *ret_bytes,
                              struct fl_error *err)
{
    assert(dirs && opts && path);
    struct res_page page = {.opts = opts};
    size_t n_bytes = 0, n_said = 0;
    if (n_dirs == 0)
        return fl_fail(err, FL_E_ARG, "report: found no runs, allowed one");
    page.said = open_memstream(&page.lines, &n_said);
    if (!page.said)
        return fl_fail(err, FL_E_NOMEM, "out of memory: report");
    enum fl_status status =
        write_page(&page, dirs, n_dirs, path, &n_bytes, err);
    (void)fclose(page.said);
    fl_free(page.lines);
    res_page_fini(&page);
    if (ret_bytes)
        *ret_bytes = n_bytes;
    return status;
}
