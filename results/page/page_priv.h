/* Inside of the report: what is read for it, and its parts in their order.
 * Private to results/ and its tests.
 *
 * Every text of a run is hostile: it reaches the page through res_html_text,
 * res_html_prose or res_html_json alone.
 */
#ifndef RESULTS_PAGE_PAGE_PRIV_H
#define RESULTS_PAGE_PAGE_PRIV_H

#include "results/figures/gallery.h"
#include "results/page.h"
#include "results/records.h"
#include "results/run_dirs.h"
#include "results/table/compare_priv.h"
#include "results/table/table_say.h"
#include "results/uncertain.h"

#include <jansson.h>

/* Plain text as HTML, within an element or a double-quoted attribute; what is
 * no UTF-8, and what does not print, becomes U+FFFD. */
void res_html_text(struct res_text *out, const char *plain);
/* The same, set as print is: CO2 with its subscript, +- and x as signs. */
void res_html_prose(struct res_text *out, const char *plain);
/* JSON as the content of a script element; seven digits that count. */
enum fl_status res_html_json(struct res_text *out,
                             const json_t *json,
                             struct fl_error *err) FL_NODISCARD;
/* "sha256-<base64>": how a policy names an inline script or style. */
void res_html_hash(struct res_text *out, const void *bytes, size_t n);
/* A number for a person: "1,234". */
void res_html_count(struct res_text *out, size_t n);
/* A table in a region that scrolls by itself, with what sorting needs. */
void res_html_region_begin(struct res_text *out,
                           const char *id,
                           const char *caption);
void res_html_region_end(struct res_text *out);
void res_html_head(struct res_text *out,
                   const char *head,
                   const char *unit,
                   bool is_left);
enum fl_status res_html_records(struct res_text *out,
                                const struct res_records *records,
                                const char *id,
                                const char *caption,
                                struct fl_error *err) FL_NODISCARD;

/* A fact of the runs that have it with this value. */
struct res_page_fact {
    char *name, *unit, *evidence, *source, *spread;
    double value; /* NaN: switched off */
    int64_t evidence_number, year;
    size_t n_runs; /* that have it so */
    char *runs;    /* "all", "3 of 12" */
};

/* One run's folder, besides its figures. */
struct res_page_run {
    struct res_run run;
    char **meta; /* [of res_meta_keys] NULL: not recorded */
    struct res_uncertain uncertain;
    bool has_influences; /* too dear for many runs */
};

struct res_page {
    const struct res_page_opts *opts;
    struct res_run_dirs asked;
    const char **dirs; /* [n_runs] of those that can be read */
    struct res_page_run *runs;
    size_t n_runs;
    struct res_page_fact *facts; /* assumed ones first */
    size_t n_facts, facts_capacity;
    FILE *said;               /* takes problems, to be shown and said later */
    char *lines;              /* what it took */
    struct res_text problems; /* a line each, none twice */
    struct res_gallery *gallery; /* of the same runs, in the same order */
    const struct res_table *table;
    struct res_text out;
};

#define RES_PAGE_FULL_RUNS 100 /* more are not shown one by one */

/* page_read.c: a run's own things into page->runs[page->n_runs] and facts. */
enum fl_status res_page_read_run(struct res_page *page,
                                 const char *dir,
                                 bool with_influences,
                                 struct fl_error *err) FL_NODISCARD;
/* Facts are complete: sorts them, says which runs have them. */
enum fl_status res_page_close_facts(struct res_page *page,
                                    struct fl_error *err) FL_NODISCARD;
/* page_order.c: page->gallery, and runs in the order of what varies. */
enum fl_status res_page_read_gallery(struct res_page *page,
                                     struct res_problems *problems,
                                     struct fl_error *err) FL_NODISCARD;
/* opts->by, where none were given: borrowed from the gallery. */
void res_page_choose_keys(const struct res_page *page,
                          struct res_compare_opts *opts);
/* The run's own named text, "" where there is none. */
const char *res_page_meta(const struct res_page_run *run, const char *key);
/* Lines that end in \n; those that are there already are not added. */
void res_page_add_problems(struct res_page *page, const char *lines);
void res_page_fini(struct res_page *page);

/* The parts, in their order; each appends to page->out. */
enum fl_status res_page_put_question(struct res_page *page,
                                     struct fl_error *err) FL_NODISCARD;
enum fl_status res_page_put_answer(struct res_page *page,
                                   struct fl_error *err) FL_NODISCARD;
enum fl_status res_page_put_table(struct res_page *page,
                                  struct fl_error *err) FL_NODISCARD;
enum fl_status res_page_put_figures(struct res_page *page,
                                    struct fl_error *err) FL_NODISCARD;
enum fl_status res_page_put_assumed(struct res_page *page,
                                    struct fl_error *err) FL_NODISCARD;
enum fl_status res_page_put_scenarios(struct res_page *page,
                                      struct fl_error *err) FL_NODISCARD;
enum fl_status res_page_put_machines(struct res_page *page,
                                     struct fl_error *err) FL_NODISCARD;
enum fl_status res_page_put_repeat(struct res_page *page,
                                   struct fl_error *err) FL_NODISCARD;

/* The head of what is folded, of one run. */
void res_page_put_summary(const struct res_page_run *run, struct res_text *out);
/* Sayings of some notes, as a list; nothing where there are none. */
enum fl_status res_page_put_notes(struct res_page *page,
                                  const enum res_note *notes,
                                  size_t n_notes,
                                  struct fl_error *err) FL_NODISCARD;

#endif
