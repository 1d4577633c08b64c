#include "coordinator/profile_book.h"

#include "base/alloc.h"
#include "results/profile_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    uint32_t slot, incarnation;
    char *layers;
    double *time_s;
    int64_t *calls;
    size_t n_rows;
    double wall_s;
    int64_t peak_bytes;
};

struct coord_profile_book {
    struct entry *entries;
    size_t n, capacity;
};

enum fl_status coord_profile_book_create(struct coord_profile_book **ret,
                                         struct fl_error *err)
{
    struct coord_profile_book *book = fl_calloc(1, sizeof *book);
    if (!book)
        return fl_fail(err, FL_E_NOMEM, "out of memory: profile");
    *ret = book;
    return FL_OK;
}

static void entry_fini(struct entry *entry)
{
    fl_free(entry->layers);
    fl_free(entry->time_s);
    fl_free(entry->calls);
}

void coord_profile_book_destroy(struct coord_profile_book *book)
{
    if (!book)
        return;
    for (size_t i = 0; i < book->n; i++)
        entry_fini(&book->entries[i]);
    fl_free(book->entries);
    fl_free(book);
}

static enum fl_status entry_init(struct entry *entry,
                                 const struct comms_profile *profile,
                                 struct fl_error *err)
{
    entry->layers = fl_strdup(profile->layers ? profile->layers : "");
    entry->time_s = fl_calloc(profile->n, sizeof *entry->time_s);
    entry->calls = fl_calloc(profile->n, sizeof *entry->calls);
    if (entry->layers && entry->time_s && entry->calls)
        return FL_OK;
    entry_fini(entry);
    return fl_fail(err, FL_E_NOMEM, "out of memory: profile");
}

/* The entry of a process, made for this profile's size where it is not there
 * or has another one. */
static enum fl_status find(struct coord_profile_book *book,
                           uint32_t slot,
                           uint32_t incarnation,
                           const struct comms_profile *profile,
                           struct entry **ret,
                           struct fl_error *err)
{
    struct entry fresh = {.slot = slot, .incarnation = incarnation};
    size_t at = 0;
    while (at < book->n && (book->entries[at].slot != slot ||
                            book->entries[at].incarnation != incarnation))
        at++;
    struct entry *entry = &book->entries[at];
    const char *layers = profile->layers ? profile->layers : "";
    if (at < book->n && strcmp(entry->layers, layers) == 0) {
        *ret = entry;
        return FL_OK;
    }
    FL_TRY(fl_grow(&book->entries, &book->capacity, at + 1,
                   sizeof *book->entries, err));
    FL_TRY(entry_init(&fresh, profile, err));
    if (at < book->n)
        entry_fini(&book->entries[at]);
    else
        book->n++;
    book->entries[at] = fresh;
    *ret = &book->entries[at];
    return FL_OK;
}

enum fl_status coord_profile_book_note(struct coord_profile_book *book,
                                       uint32_t slot,
                                       uint32_t incarnation,
                                       const struct comms_profile *profile,
                                       struct fl_error *err)
{
    if (!book || profile->n == 0)
        return FL_OK;
    size_t n_rows = nn_profile_n_rows(profile->layers);
    if (profile->n != n_rows * NN_PHASE_LAST_)
        return fl_fail(err, FL_E_FORMAT,
                       "a profile of %zu numbers, expected %zu for its layers",
                       profile->n, n_rows * NN_PHASE_LAST_);
    struct entry *entry = NULL;
    FL_TRY(find(book, slot, incarnation, profile, &entry, err));
    memcpy(entry->time_s, profile->time_s, profile->n * sizeof(double));
    memcpy(entry->calls, profile->calls, profile->n * sizeof(int64_t));
    entry->n_rows = n_rows;
    entry->wall_s = profile->wall_s;
    entry->peak_bytes = profile->peak_bytes;
    return FL_OK;
}

static int by_slot(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    if (a->slot != b->slot)
        return a->slot < b->slot ? -1 : 1;
    return (a->incarnation > b->incarnation) -
           (a->incarnation < b->incarnation);
}

static struct res_process process_of(const struct entry *entry)
{
    struct res_process process = {.view = {.layers = entry->layers,
                                           .time_s = entry->time_s,
                                           .calls = entry->calls,
                                           .n_rows = entry->n_rows,
                                           .wall_s = entry->wall_s,
                                           .peak_bytes = entry->peak_bytes}};
    char suffix[16] = "";
    if (entry->incarnation > 0) /* a replacement */
        (void)snprintf(suffix, sizeof suffix, ".%u-%u",
                       entry->incarnation / COMMS_REJOINS,
                       entry->incarnation % COMMS_REJOINS);
    (void)snprintf(process.name, sizeof process.name, "client %u%s",
                   entry->slot, suffix);
    return process;
}

enum fl_status coord_profile_book_export(struct coord_profile_book *book,
                                         struct nn_profile *own,
                                         const char *run_dir,
                                         struct fl_error *err)
{
    struct res_process *all = fl_calloc(book->n + 1, sizeof *all);
    if (!all)
        return fl_fail(err, FL_E_NOMEM, "out of memory: profile");
    if (book->n > 0)
        qsort(book->entries, book->n, sizeof *book->entries, by_slot);
    (void)snprintf(all[0].name, sizeof all[0].name, "coordinator");
    all[0].view = nn_profile_read(own);
    for (size_t i = 0; i < book->n; i++)
        all[1 + i] = process_of(&book->entries[i]);
    enum fl_status status = res_profile_export(run_dir, all, book->n + 1, err);
    fl_free(all);
    return status;
}
