/* A damaged run.sqlite: read, compared, hashed and resumed. The input is a
 * list of edits of four bytes each, offset (24 bits, modulo the file's size)
 * and new value, applied to a small sound run: so a seed is tiny and most
 * inputs get past the file's header. */
#include "base/alloc.h"
#include "base/file.h"
#include "results/report.h"
#include "results/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static char folder[64];
static char path[96];
static uint8_t *sound;
static size_t n_sound;

static const char *const litter[] = {"", "-wal", "-shm", "-journal"};

static void clean(void)
{
    for (size_t i = 0; i < sizeof litter / sizeof litter[0]; i++) {
        char name[128];
        (void)snprintf(name, sizeof name, "%s%s", path, litter[i]);
        (void)unlink(name);
    }
}

static void finish(void)
{
    clean();
    (void)rmdir(folder);
    fl_free(sound);
}

static enum fl_status fill(struct res_store *store)
{
    const struct res_arm arm = {0, "centralized", 2, 2, 0.5};
    const struct res_outcome outcome = {0, 0.75, 1, 3, 30, true, "ab"};
    FL_TRY(res_store_add_arm(store, &arm, NULL));
    FL_TRY(res_store_add_zone(store, 0, "FR", NULL));
    FL_TRY(res_store_set(store, "clients", "2", NULL));
    FL_TRY(res_store_set(store, "messages", "{\"a\": {\"bytes\": 1}}", NULL));
    for (int64_t i = 0; i < 30; i++) {
        struct carbon_entry entry = {.round = i, .t1_s = 1, .energy_j = 1};
        struct res_round round = {.round = i, .accuracy = 0.5};
        FL_TRY(res_store_add_entries(store, &entry, 1, NULL));
        FL_TRY(res_store_add_round(store, &round, NULL));
    }
    FL_TRY(res_store_set_outcome(store, &outcome, NULL));
    FL_TRY(res_store_put_checkpoint(store, 0, "state", 5, NULL));
    return res_store_commit(store, NULL);
}

/* The sound run's bytes: created once, its log folded by the last reader. */
static enum fl_status begin(void)
{
    struct res_store *store;
    /* In memory where there is such a place: each input is synced. */
    (void)snprintf(folder, sizeof folder, "/dev/shm/fuzz-store-XXXXXX");
    if (!mkdtemp(folder)) {
        (void)snprintf(folder, sizeof folder, "/tmp/fuzz-store-XXXXXX");
        if (!mkdtemp(folder))
            return FL_E_IO;
    }
    (void)snprintf(path, sizeof path, "%s/run.sqlite", folder);
    FL_TRY(res_store_create(folder, RES_CREATE, &store, NULL));
    enum fl_status status = fill(store);
    res_store_destroy(store);
    FL_TRY(status);
    FL_TRY(fl_file_read(path, 1u << 24, &sound, &n_sound, NULL));
    return atexit(finish) == 0 ? FL_OK : FL_E_STATE;
}

static void write_edited(const uint8_t *edits, size_t n_bytes)
{
    FILE *file = fopen(path, "wb");
    if (!file)
        abort();
    uint8_t *damaged = fl_calloc(n_sound, 1);
    if (!damaged)
        abort();
    memcpy(damaged, sound, n_sound);
    for (size_t i = 0; i + 4 <= n_bytes; i += 4) {
        size_t offset = (size_t)edits[i] << 16 | (size_t)edits[i + 1] << 8 |
                        (size_t)edits[i + 2];
        damaged[offset % n_sound] = edits[i + 3];
    }
    if (fwrite(damaged, 1, n_sound, file) != n_sound || fclose(file) != 0)
        abort();
    fl_free(damaged);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    if (!sound && begin() != FL_OK)
        abort();
    clean();
    write_edited(bytes, n_bytes);
    const char *dirs[] = {folder};
    FILE *out = fopen("/dev/null", "w");
    if (!out)
        abort();
    bool was_read = false;
    for (int i = 0; i < RES_FORMAT_LAST_; i++)
        was_read |=
            res_compare(dirs, 1, (enum res_format)i, out, NULL) == FL_OK;
    (void)fclose(out);
    if (n_bytes == 0 && !was_read)
        abort(); /* the sound run itself must do */
    char hex[65];
    (void)!res_ledger_sha256(folder, "centralized", hex, NULL);
    struct res_store *store;
    if (res_store_create(folder, RES_RESUME, &store, NULL) == FL_OK) {
        uint8_t *state;
        size_t n;
        if (res_store_get_checkpoint(store, 0, &state, &n, NULL) == FL_OK)
            fl_free(state);
        struct carbon_entry entry = {.t1_s = 1};
        (void)!res_store_add_entries(store, &entry, 1, NULL);
        (void)!res_store_commit(store, NULL);
        res_store_destroy(store);
    }
    return 0;
}
