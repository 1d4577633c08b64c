/* What the writers of tables say above and below them, each text once however
 * many runs it is of. Private to results/ and its tests. */
#ifndef RESULTS_TABLE_TABLE_SAY_H
#define RESULTS_TABLE_TABLE_SAY_H

#include "results/report_priv.h"

/* How sentences call a run: by its keys, else by its folder. Appended. */
void res_put_who(const struct res_table *table,
                 const struct res_run *run,
                 struct res_text *out);

/* What is said about the runs, each text once. who: "" all of them. */
struct res_said {
    char *who;
    char *text;
};
struct res_sayings {
    struct res_said *all;
    size_t n, capacity;
    bool is_cut; /* there were too many: what is said is where they are */
};
#define RES_MAX_TEXTS 6 /* more are not said one by one */
/* A note of all runs; more than max_texts different ones: none, or one that
 * says so. Free: res_sayings_fini. */
enum fl_status res_say_note(const struct res_table *table,
                            enum res_note note,
                            size_t max_texts,
                            struct res_sayings *ret,
                            struct fl_error *err) FL_NODISCARD;
/* Titles and settings, in pairs: what all runs share, or each run's. */
enum fl_status res_say_titles(const struct res_table *table,
                              struct res_sayings *ret,
                              struct fl_error *err) FL_NODISCARD;
void res_sayings_fini(struct res_sayings *sayings);

#endif
