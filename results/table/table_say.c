/* What is said about several runs: the same text once, with whose it is. */
#include "results/table/table_say.h"

#include "base/alloc.h"

#include <stddef.h>
#include <string.h>

static bool is_constant(const struct res_table *table, const char *key)
{
    for (size_t i = 0; i < table->n_fields; i++)
        if (strcmp(table->fields[i].name, key) == 0)
            return table->fields[i].is_constant;
    return false;
}

void res_put_who(const struct res_table *table,
                 const struct res_run *run,
                 struct res_text *out)
{
    if (table->has_labels || table->n_keys == 0) {
        res_text_put(out, run->label);
        return;
    }
    const char *sign = "";
    for (size_t k = 0; k < table->n_keys; k++) {
        if (is_constant(table, table->keys[k]))
            continue;
        res_text_add(out, "%s%s %s", sign, table->keys[k], run->keys[k]);
        sign = ", ";
    }
}

void res_sayings_fini(struct res_sayings *sayings)
{
    for (size_t i = 0; i < sayings->n; i++) {
        fl_free(sayings->all[i].who);
        fl_free(sayings->all[i].text);
    }
    fl_free(sayings->all);
    *sayings = (struct res_sayings){.all = NULL};
}

static enum fl_status add(struct res_sayings *sayings,
                          const char *who,
                          const char *text,
                          struct fl_error *err)
{
    FL_TRY(fl_grow(&sayings->all, &sayings->capacity, sayings->n + 1,
                   sizeof sayings->all[0], err));
    struct res_said *said = &sayings->all[sayings->n++];
    said->who = fl_strdup(who);
    said->text = fl_strdup(text);
    if (!said->who || !said->text)
        return fl_fail(err, FL_E_NOMEM, "out of memory: notes");
    return FL_OK;
}

/* Texts of runs, each once, with the number of runs that it is of. */
struct texts {
    char **all;    /* [n_runs] of each run */
    size_t *first; /* [n_runs] the first run with the same text */
    size_t *count; /* [n_runs] at the first run: how many have it */
    size_t n_runs, n_distinct;
};

static void texts_fini(struct texts *texts)
{
    for (size_t r = 0; texts->all && r < texts->n_runs; r++)
        fl_free(texts->all[r]);
    fl_free(texts->all);
    fl_free(texts->first);
    fl_free(texts->count);
}

/* Distinct ones beyond `most` are not told apart any more. */
static void find_same(struct texts *texts, size_t most)
{
    for (size_t r = 0; r < texts->n_runs; r++) {
        size_t first = r;
        for (size_t i = 0; i < r && first == r; i++)
            if (texts->count[i] > 0 &&
                strcmp(texts->all[i], texts->all[r]) == 0)
                first = i;
        texts->first[r] = first;
        texts->count[first]++;
        bool is_new = first == r && texts->all[r][0] != '\0';
        texts->n_distinct += is_new;
        if (texts->n_distinct > most)
            return;
    }
}

typedef void (*put_fn)(const struct res_table *table,
                       const struct res_run *run,
                       const void *arg,
                       struct res_text *out);

static enum fl_status collect(const struct res_table *table,
                              put_fn put,
                              const void *arg,
                              size_t most,
                              struct texts *ret,
                              struct fl_error *err)
{
    struct texts texts = {.n_runs = table->n_runs};
    struct res_text text = {0};
    enum fl_status status = FL_OK;
    texts.all = fl_calloc(table->n_runs + 1, sizeof texts.all[0]);
    texts.first = fl_calloc(table->n_runs + 1, sizeof texts.first[0]);
    texts.count = fl_calloc(table->n_runs + 1, sizeof texts.count[0]);
    if (!texts.all || !texts.first || !texts.count)
        status = fl_fail(err, FL_E_NOMEM, "out of memory: notes");
    for (size_t r = 0; r < table->n_runs && status == FL_OK; r++) {
        res_text_clear(&text);
        put(table, &table->runs[r], arg, &text);
        status = res_text_check(&text, err);
        texts.all[r] = fl_strdup(res_text_get(&text));
        if (!texts.all[r])
            status = fl_fail(err, FL_E_NOMEM, "out of memory: notes");
    }
    res_text_fini(&text);
    if (status == FL_OK) {
        find_same(&texts, most);
        *ret = texts;
    } else {
        texts_fini(&texts);
    }
    return status;
}

/* The runs whose text is that of `first`: "" all of them. */
static void put_group(const struct res_table *table,
                      const struct texts *texts,
                      size_t first,
                      struct res_text *out)
{
    enum { SHOWN = 4 };
    size_t shown = 0, all = texts->count[first];
    for (size_t r = 0; r < texts->n_runs && all < texts->n_runs; r++) {
        if (texts->first[r] != first || shown == SHOWN)
            continue;
        res_text_put(out, shown++ > 0 ? "; " : "");
        res_put_who(table, &table->runs[r], out);
    }
    if (all < texts->n_runs && all > shown)
        res_text_add(out, " and %zu more", all - shown);
}

static enum fl_status say_all(const struct res_table *table,
                              const struct texts *texts,
                              struct res_sayings *sayings,
                              struct fl_error *err)
{
    struct res_text who = {0};
    enum fl_status status = FL_OK;
    for (size_t r = 0; r < texts->n_runs && status == FL_OK; r++) {
        if (texts->first[r] != r || texts->all[r][0] == '\0')
            continue;
        res_text_clear(&who);
        put_group(table, texts, r, &who);
        status = res_text_check(&who, err);
        if (status == FL_OK)
            status = add(sayings, res_text_get(&who), texts->all[r], err);
    }
    res_text_fini(&who);
    return status;
}

static void put_note(const struct res_table *table,
                     const struct res_run *run,
                     const void *arg,
                     struct res_text *out)
{
    res_put_note(table, run, *(const enum res_note *)arg, out);
}

enum fl_status res_say_note(const struct res_table *table,
                            enum res_note note,
                            size_t max_texts,
                            struct res_sayings *ret,
                            struct fl_error *err)
{
    static const char *const instead[RES_NOTE_LAST_] = {
        [RES_NOTE_UNEQUAL] = "several arms have no ratio: column `reached`",
        [RES_NOTE_SEEDS] = "means over seeds, +- their standard error",
        [RES_NOTE_MISSED] = "figures of an arm are over the seeds that reached "
                            "the target: column `reached`",
        [RES_NOTE_CUT] = "figures end with the first round of the target "
                         "accuracy; no intervals then",
        [RES_NOTE_LOCAL] = "every figure is the mean per client; all clients: "
                           "columns all_clients_... of --format csv",
        [RES_NOTE_UNCERTAIN] = "differs between the runs: columns x_..._p5, "
                               "below_centralized_share of --format csv",
        [RES_NOTE_INFLUENCES] = "differs between the runs: column decided_by "
                                "of --format csv",
        [RES_NOTE_COMMAND] = "each run's own: column command of --format csv",
    };
    struct res_sayings sayings = {.all = NULL};
    struct texts texts;
    *ret = sayings;
    if (note == RES_NOTE_LOCAL && table->arm &&
        strcmp(table->arm, RES_ARM_LOCAL) != 0)
        return FL_OK;
    FL_TRY(collect(table, put_note, &note, max_texts, &texts, err));
    enum fl_status status = FL_OK;
    sayings.is_cut = texts.n_distinct > max_texts;
    if (!sayings.is_cut)
        status = say_all(table, &texts, &sayings, err);
    else
        status = add(&sayings, "",
                     instead[note] ? instead[note]
                                   : "differs between the runs: see each",
                     err);
    texts_fini(&texts);
    if (status == FL_OK)
        *ret = sayings;
    else
        res_sayings_fini(&sayings);
    return status;
}

/* Titles. */

static void put_title(const struct res_table *table,
                      const struct res_run *run,
                      const void *arg,
                      struct res_text *out)
{
    (void)table;
    (void)arg;
    res_put_title(run, out);
    res_text_put(out, "\n");
    res_put_setting(run, out);
}

/* A part of a title or a setting; first of its line where head is NULL. */
struct part {
    const char *head; /* "grid: " */
    const char *what; /* in "different: grid, clients" */
    size_t offset;
    bool is_target, is_clients;
};

static void put_part(const struct res_table *table,
                     const struct res_run *run,
                     const void *arg,
                     struct res_text *out)
{
    const struct part *part = arg;
    (void)table;
    if (part->is_target) {
        res_put_targets(run, out);
    } else if (part->is_clients) {
        if (run->n_clients >= 0)
            res_text_add(out, "%lld clients", (long long)run->n_clients);
    } else {
        res_text_put(out,
                     *(const char *const *)(const void *)((const char *)run +
                                                          part->offset));
    }
}

static const struct part parts[] = {
    {"", "scenario", offsetof(struct res_run, name), false, false},
    {"", "data set", offsetof(struct res_run, dataset), false, false},
    {"", "model", offsetof(struct res_run, model), false, false},
    {"", "clients", 0, false, true},
    {"", "partition", offsetof(struct res_run, partition), false, false},
    {"", "target accuracy", 0, true, false},
    {"grid: ", "grid", offsetof(struct res_run, grid), false, false},
    {"preset: ", "preset", offsetof(struct res_run, preset), false, false},
};
enum { FIRST_OF_SETTING = 5, N_PARTS = sizeof parts / sizeof parts[0] };

/* What all runs share, and the names of what they do not. */
static enum fl_status say_parts(const struct res_table *table,
                                struct res_sayings *sayings,
                                struct fl_error *err)
{
    struct res_text lines[2] = {{0}, {0}}, differ = {0};
    enum fl_status status = FL_OK;
    bool is_mean = false;
    for (size_t i = 0; i < table->n_lines; i++)
        is_mean = is_mean || table->lines[i].row->n_seeds > 1;
    res_text_add(&lines[0], "%zu %s%s", table->n_runs,
                 is_mean ? "setting" : "run", table->n_runs == 1 ? "" : "s");
    for (size_t i = 0; i < N_PARTS && status == FL_OK; i++) {
        struct res_text *line = &lines[i >= FIRST_OF_SETTING];
        struct texts texts;
        status = collect(table, put_part, &parts[i], 1, &texts, err);
        if (status != FL_OK)
            break;
        if (table->n_runs == 0 || texts.count[0] != texts.n_runs)
            res_text_add(&differ, "%s%s", differ.n > 0 ? ", " : "",
                         parts[i].what);
        else if (texts.all[0][0] != '\0')
            res_text_add(line, "%s%s%s",
                         line->n == 0            ? ""
                         : i == 0                ? " of "
                         : i >= FIRST_OF_SETTING ? "; "
                         : i == 1                ? ": "
                                                 : ", ",
                         parts[i].head, texts.all[0]);
        texts_fini(&texts);
    }
    if (differ.n > 0)
        res_text_add(&lines[1], "%sdifferent: %s", lines[1].n > 0 ? "; " : "",
                     res_text_get(&differ));
    for (int i = 0; i < 2; i++) {
        if (status == FL_OK)
            status = res_text_check(&lines[i], err);
        if (status == FL_OK)
            status = add(sayings, "", res_text_get(&lines[i]), err);
        res_text_fini(&lines[i]);
    }
    res_text_fini(&differ);
    return status;
}

/* Each text is cut at its line end into title and setting. */
static enum fl_status say_each(const struct res_table *table,
                               const struct texts *texts,
                               struct res_sayings *sayings,
                               struct fl_error *err)
{
    struct res_sayings whole = {.all = NULL};
    enum fl_status status = say_all(table, texts, &whole, err);
    for (size_t i = 0; i < whole.n && status == FL_OK; i++) {
        char *end = strrchr(whole.all[i].text, '\n');
        *end = '\0';
        status = add(sayings, whole.all[i].who, whole.all[i].text, err);
        if (status == FL_OK)
            status = add(sayings, "", end + 1, err);
    }
    res_sayings_fini(&whole);
    return status;
}

enum fl_status res_say_titles(const struct res_table *table,
                              struct res_sayings *ret,
                              struct fl_error *err)
{
    struct res_sayings sayings = {.all = NULL};
    struct texts texts;
    FL_TRY(collect(table, put_title, NULL, RES_MAX_TEXTS, &texts, err));
    bool is_each = texts.n_distinct == 1 ||
                   (texts.n_distinct <= RES_MAX_TEXTS && table->n_keys == 0);
    enum fl_status status = is_each ? say_each(table, &texts, &sayings, err)
                                    : say_parts(table, &sayings, err);
    texts_fini(&texts);
    if (status == FL_OK)
        *ret = sayings;
    else
        res_sayings_fini(&sayings);
    return status;
}
