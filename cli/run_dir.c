#include "cli/run_dir.h"

#include "base/alloc.h"
#include "base/file.h"
#include "results/store.h"

#include <stdio.h>
#include <string.h>

#define MAX_RUNS 100000

static enum fl_status name_number(const struct scn_scenario *scenario,
                                  int k,
                                  char *ret,
                                  size_t size,
                                  struct fl_error *err)
{
    char suffix[16] = "";
    if (k > 1)
        (void)snprintf(suffix, sizeof suffix, "-%d", k);
    int wrote = snprintf(ret, size, "runs/%s-%.8s%s", scenario->name,
                         scenario->sha256, suffix);
    if (wrote < 0 || (size_t)wrote >= size)
        return fl_fail(err, FL_E_ARG, "runs/%.80s...: path too long",
                       scenario->name);
    return FL_OK;
}

enum fl_status cli_run_dir_check_same(const struct scn_scenario *scenario,
                                      const char *dir,
                                      bool *ret_is_finished,
                                      struct fl_error *err)
{
    struct res_store *store = NULL;
    char *stored = NULL, *finished = NULL;
    FL_TRY(res_store_create(dir, RES_READ, &store, err));
    enum fl_status status =
        res_store_get(store, "scenario_sha256", &stored, err);
    if (status == FL_OK)
        status = res_store_get(store, "finished", &finished, err);
    res_store_destroy(store);
    *ret_is_finished = finished != NULL;
    fl_free(finished);
    if (status != FL_OK) {
        fl_free(stored);
        return status;
    }
    bool is_same = stored && strcmp(stored, scenario->sha256) == 0;
    enum fl_status verdict =
        is_same ? FL_OK
                : fl_fail(err, FL_E_CONFIG,
                          "%s: holds a run of another scenario (hash %.16s), "
                          "this one has %.16s; nothing is resumed",
                          dir, stored ? stored : "unknown", scenario->sha256);
    fl_free(stored);
    return verdict;
}

enum fl_status
cli_run_dir_is_finished(const char *dir, bool *ret, struct fl_error *err)
{
    struct res_store *store = NULL;
    char *finished = NULL;
    FL_TRY(res_store_create(dir, RES_READ, &store, err));
    enum fl_status status = res_store_get(store, "finished", &finished, err);
    res_store_destroy(store);
    if (status == FL_OK)
        *ret = finished != NULL;
    fl_free(finished);
    return status;
}

enum fl_status cli_run_dir_choose(const struct scn_scenario *scenario,
                                  const char *out,
                                  bool is_resume,
                                  char *ret,
                                  size_t size,
                                  struct fl_error *err)
{
    if (out) {
        if (strlen(out) >= size)
            return fl_fail(err, FL_E_ARG, "--out %.80s...: path too long", out);
        (void)snprintf(ret, size, "%s", out);
        bool has_begun = false;
        if (is_resume)
            FL_TRY(res_store_has_begun(out, &has_begun, err));
        if (is_resume && !has_begun)
            return fl_fail(err, FL_E_STATE, "%s: holds no run to resume", out);
        return FL_OK;
    }
    int free_number = 1;
    for (; free_number < MAX_RUNS; free_number++) {
        FL_TRY(name_number(scenario, free_number, ret, size, err));
        bool has_begun = false;
        FL_TRY(res_store_has_begun(ret, &has_begun, err));
        if (!has_begun)
            break;
    }
    if (!is_resume)
        return FL_OK;
    if (free_number == 1)
        return fl_fail(err, FL_E_STATE, "%s: no run of this scenario to resume",
                       ret);
    return name_number(scenario, free_number - 1, ret, size, err);
}

/* The coordinator locks the store; before it does, its scenario is written. */
enum fl_status
cli_run_dir_claim(const char *dir, struct fl_lock *ret, struct fl_error *err)
{
    char path[4200];
    FL_TRY(fl_dir_create(dir, err));
    FL_TRY(fl_path_join(dir, "launch.lock", path, sizeof path, err));
    return fl_lock_take(path, dir,
                        "runs into this folder; wait for it, or choose another "
                        "--out",
                        ret, err);
}

enum fl_status cli_run_dir_prepare(const struct scn_scenario *scenario,
                                   const char *dir,
                                   struct fl_error *err)
{
    char path[4200];
    char *text = NULL;
    size_t n = 0;
    bool has_begun = false;
    FL_TRY(res_store_has_begun(dir, &has_begun, err));
    if (has_begun)
        return fl_fail(err, FL_E_STATE,
                       "%s: holds a run already; go on with --resume or "
                       "choose another --out",
                       dir);
    FL_TRY(fl_dir_create(dir, err));
    FL_TRY(fl_path_join(dir, "scenario.yaml", path, sizeof path, err));
    FILE *memory = open_memstream(&text, &n);
    if (!memory)
        return fl_fail(err, FL_E_NOMEM, "out of memory: %s", path);
    scn_scenario_emit(scenario, memory);
    bool is_whole = fclose(memory) == 0;
    enum fl_status status =
        is_whole ? fl_file_write(path, text, n, err)
                 : fl_fail(err, FL_E_NOMEM, "out of memory: %s", path);
    fl_free(text);
    return status;
}
