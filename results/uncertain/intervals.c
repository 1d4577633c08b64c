#include "results/uncertain/intervals.h"

#include "base/alloc.h"
#include "base/parse.h"
#include "results/report_priv.h"

#include <math.h>
#include <string.h>

/* The facts that most of the variance comes from, for a sentence. */
static void put_influences(const struct res_uncertain *u, struct res_text *out)
{
    enum { SHOWN = 3 };
    for (size_t i = 0; i < u->n_influences && i < SHOWN; i++) {
        const struct res_influence *from = &u->influences[i];
        res_text_add(out, "%s%s (", i > 0 ? ", " : "", from->name);
        res_text_figure(out, from->p5, 3);
        res_text_put(out, " to ");
        res_text_figure(out, from->p95, 3);
        res_text_add(out, " %s) %.0f %%", from->unit, 100 * from->total);
    }
}

static enum fl_status fill(const struct res_uncertain *u,
                           struct res_intervals *ret,
                           struct fl_error *err)
{
    struct res_text text = {0};
    put_influences(u, &text);
    enum fl_status status = res_text_check(&text, err);
    ret->rows = fl_calloc(u->n_arms + 1, sizeof ret->rows[0]);
    ret->decided_by = fl_strdup(res_text_get(&text));
    res_text_fini(&text);
    FL_TRY(status);
    if (!ret->rows || !ret->decided_by)
        return fl_fail(err, FL_E_NOMEM, "out of memory: intervals");
    for (size_t i = 0; i < u->n_arms; i++) {
        const struct res_uncertain_arm *arm = &u->arms[i];
        ret->rows[ret->n++] = (struct res_interval){
            .arm = arm->arm,
            .p5_gco2e = arm->gco2e.p5,
            .p95_gco2e = arm->gco2e.p95,
            .x_p5 = arm->x_centralized.p5,
            .x_p95 = arm->x_centralized.p95,
            .below_centralized_share = arm->below_centralized_share,
        };
    }
    return FL_OK;
}

static enum fl_status
draw(struct res_store *store, struct res_intervals *ret, struct fl_error *err)
{
    struct res_uncertain u;
    struct res_intervals all = {.rows = NULL};
    FL_TRY(res_uncertain(store, RES_TABLE_DRAWS, true, &u, err));
    enum fl_status status = fill(&u, &all, err);
    res_uncertain_fini(&u);
    if (status == FL_OK)
        *ret = all;
    else
        res_intervals_fini(&all);
    return status;
}

/* One line per arm, "0 1.5 2.5 - - -" with - for NaN, then a line of text. */
static void put_row(const struct res_interval *row, struct res_text *out)
{
    const double numbers[] = {row->p5_gco2e, row->p95_gco2e, row->x_p5,
                              row->x_p95, row->below_centralized_share};
    res_text_add(out, "%d", (int)row->arm);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        res_text_put(out, " ");
        res_text_put(out, isnan(numbers[i]) ? "-" : "");
        res_text_real(out, numbers[i]);
    }
    res_text_put(out, "\n");
}

/* The next word of a line that ends in blank or line end; cut off in place. */
static char *next_word(char **at, char end)
{
    char *word = *at, *stop = strchr(word, end);
    if (!stop)
        return NULL;
    *stop = '\0';
    *at = stop + 1;
    return word;
}

static bool read_row(char *line, struct res_interval *ret)
{
    double numbers[5];
    int64_t arm;
    char *word = next_word(&line, ' ');
    if (!word || fl_parse_int(word, 0, INT32_MAX, &arm, NULL) != FL_OK)
        return false;
    for (size_t i = 0; i < 5; i++) {
        word = i < 4 ? next_word(&line, ' ') : line;
        numbers[i] = (double)NAN;
        if (!word ||
            (strcmp(word, "-") != 0 &&
             fl_parse_double(word, 0, 1e300, &numbers[i], NULL) != FL_OK))
            return false;
    }
    *ret = (struct res_interval){
        .arm = (int32_t)arm,
        .p5_gco2e = numbers[0],
        .p95_gco2e = numbers[1],
        .x_p5 = numbers[2],
        .x_p95 = numbers[3],
        .below_centralized_share = numbers[4],
    };
    return true;
}

/* text is cut up. */
static enum fl_status
parse(char *text, struct res_intervals *ret, struct fl_error *err)
{
    struct res_intervals all = {.rows = NULL};
    enum fl_status status = FL_OK;
    size_t capacity = 0;
    for (char *line; status == FL_OK && (line = next_word(&text, '\n'));) {
        status =
            fl_grow(&all.rows, &capacity, all.n + 1, sizeof all.rows[0], err);
        if (status == FL_OK && !read_row(line, &all.rows[all.n++]))
            status = fl_fail(err, FL_E_FORMAT, "damaged: text 'intervals'");
    }
    if (status == FL_OK) {
        all.decided_by = fl_strdup(text);
        if (!all.decided_by)
            status = fl_fail(err, FL_E_NOMEM, "out of memory: intervals");
    }
    if (status == FL_OK)
        *ret = all;
    else
        res_intervals_fini(&all);
    return status;
}

enum fl_status res_intervals_read(struct res_store *store,
                                  struct res_intervals *ret,
                                  struct fl_error *err)
{
    char *text = NULL;
    FL_TRY(res_store_get(store, "intervals", &text, err));
    if (!text)
        return draw(store, ret, err);
    struct fl_error why = {0};
    enum fl_status status = parse(text, ret, &why);
    fl_free(text);
    if (status != FL_OK)
        return fl_fail(err, status, "%s: %s", store->path, why.text);
    return FL_OK;
}

enum fl_status res_intervals_keep(struct res_store *store, struct fl_error *err)
{
    struct res_intervals all;
    FL_TRY(draw(store, &all, err));
    struct res_text text = {0};
    for (size_t i = 0; i < all.n; i++)
        put_row(&all.rows[i], &text);
    res_text_put(&text, all.decided_by);
    enum fl_status status = res_text_check(&text, err);
    if (status == FL_OK)
        status = res_store_set(store, "intervals", res_text_get(&text), err);
    res_text_fini(&text);
    res_intervals_fini(&all);
    return status;
}

void res_intervals_fini(struct res_intervals *all)
{
    fl_free(all->rows);
    fl_free(all->decided_by);
    *all = (struct res_intervals){.rows = NULL};
}
