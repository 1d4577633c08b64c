#include "results/fact_names.h"

#include "base/alloc.h"
#include "results/store/store_priv.h"

#include <stdlib.h>
#include <string.h>

/* "fleet." "12" ".link.rx_w" */
struct part {
    const char *name, *tail;
    size_t n_head;
    const char *row; /* its digits; NULL: a fact of no list */
    size_t n_row;
    bool is_in;
};

static struct part part_of(const struct res_fact_name *fact)
{
    const char *dot = strchr(fact->name, '.');
    size_t n = dot ? strspn(dot + 1, "0123456789") : 0;
    if (n == 0)
        return (struct part){.name = fact->name,
                             .tail = "",
                             .n_head = strlen(fact->name),
                             .is_in = fact->is_in};
    return (struct part){.name = fact->name,
                         .tail = dot + 1 + n,
                         .n_head = (size_t)(dot + 1 - fact->name),
                         .row = dot + 1,
                         .n_row = n,
                         .is_in = fact->is_in};
}

static int order_of_kinds(const struct part *x, const struct part *y)
{
    size_t n = x->n_head < y->n_head ? x->n_head : y->n_head;
    int order = strncmp(x->name, y->name, n);
    if (order == 0 && x->n_head != y->n_head)
        order = x->n_head < y->n_head ? -1 : 1;
    return order != 0 ? order : strcmp(x->tail, y->tail);
}

/* By kind, then by row as a number: digits have no zeros in front. */
static int order_of(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    int order = order_of_kinds(x, y);
    if (order != 0 || !x->row || !y->row)
        return order;
    if (x->n_row != y->n_row)
        return x->n_row < y->n_row ? -1 : 1;
    return strncmp(x->row, y->row, x->n_row);
}

static long row_of(const struct part *part)
{
    long row = 0;
    for (size_t i = 0; i < part->n_row && row < 100000000; i++)
        row = 10 * row + (part->row[i] - '0');
    return row;
}

/* "0-3+7" of the rows that are in. */
static void put_rows(const struct part *parts, size_t n, struct res_text *out)
{
    const char *sign = "";
    for (size_t i = 0; i < n; i++) {
        if (!parts[i].is_in)
            continue;
        size_t last = i;
        while (last + 1 < n && parts[last + 1].is_in &&
               row_of(&parts[last + 1]) == row_of(&parts[last]) + 1)
            last++;
        if (last < i + 2)
            last = i; /* 4+5, not 4-5 */
        res_text_add(out, "%s%ld", sign, row_of(&parts[i]));
        if (last > i)
            res_text_add(out, "-%ld", row_of(&parts[last]));
        sign = "+";
        i = last;
    }
}

/* Facts of one kind, some of them in. */
static void put_kind(const struct part *parts, size_t n, struct res_text *out)
{
    bool is_all = true;
    for (size_t i = 0; i < n; i++)
        is_all = is_all && parts[i].is_in;
    res_text_add(out, "%.*s", (int)parts->n_head, parts->name);
    if (parts->row && is_all)
        res_text_put(out, "*");
    else if (parts->row)
        put_rows(parts, n, out);
    res_text_put(out, parts->tail);
}

enum fl_status res_put_fact_names(const struct res_fact_name *facts,
                                  size_t n,
                                  const char *sign,
                                  size_t n_most,
                                  struct res_text *out,
                                  struct fl_error *err)
{
    struct part *parts = fl_calloc(n + 1, sizeof parts[0]);
    if (!parts)
        return fl_fail(err, FL_E_NOMEM, "out of memory: names of facts");
    for (size_t i = 0; i < n; i++)
        parts[i] = part_of(&facts[i]);
    qsort(parts, n, sizeof parts[0], order_of);
    size_t n_kinds = 0;
    for (size_t i = 0, end; i < n; i = end) {
        bool is_any = false;
        for (end = i; end < n && order_of_kinds(&parts[i], &parts[end]) == 0;
             end++)
            is_any = is_any || parts[end].is_in;
        if (!is_any || (n_kinds++ >= n_most && n_most > 0))
            continue;
        res_text_put(out, n_kinds > 1 ? sign : "");
        put_kind(parts + i, end - i, out);
    }
    if (n_most > 0 && n_kinds > n_most)
        res_text_add(out, " and %zu more", n_kinds - n_most);
    fl_free(parts);
    return res_text_check(out, err);
}

struct name_list {
    struct res_fact_name *names; /* owned */
    size_t n, capacity;
};

static enum fl_status
add_name(struct name_list *list, sqlite3_stmt *stmt, struct fl_error *err)
{
    FL_TRY(fl_grow(&list->names, &list->capacity, list->n + 1,
                   sizeof list->names[0], err));
    char *name = fl_strdup(res_column_text(stmt, 0));
    if (!name)
        return fl_fail(err, FL_E_NOMEM, "out of memory: names of facts");
    list->names[list->n++] = (struct res_fact_name){
        .name = name, .is_in = sqlite3_column_int(stmt, 1) != 0};
    return FL_OK;
}

enum fl_status res_put_facts_off(struct res_store *store,
                                 struct res_text *out,
                                 struct fl_error *err)
{
    sqlite3_stmt *stmt;
    FL_TRY(res_prepare(store, "SELECT name, is_off FROM fact", &stmt, err));
    struct name_list list = {0};
    bool has_row = false;
    enum fl_status status;
    while ((status = res_step(store, stmt, &has_row, err)) == FL_OK &&
           has_row) {
        status = add_name(&list, stmt, err);
        if (status != FL_OK)
            break;
    }
    sqlite3_finalize(stmt);
    if (status == FL_OK)
        status = res_put_fact_names(list.names, list.n, ", ", 0, out, err);
    for (size_t i = 0; i < list.n; i++)
        fl_free((char *)(uintptr_t)list.names[i].name);
    fl_free(list.names);
    return status;
}
