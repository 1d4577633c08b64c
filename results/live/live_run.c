/* One run: what can be told from outside, and its store where that changed. */
#include "results/live/live_priv.h"

#include "base/alloc.h"
#include "base/file.h"

#include <stdio.h>
#include <string.h>

#define MAX_LOG ((size_t)64 << 20)

/* Opening a store, in rows: it is part of what a look may take. */
#define OPENING_ROWS 2000

static void arm_fini(struct live_arm *arm)
{
    fl_free(arm->name);
    fl_free(arm->steps);
    fl_free(arm->power_w);
    fl_free(arm->gco2e_per_kwh);
    fl_free(arm->turns);
    fl_free(arm->curve);
}

void live_run_clear(struct live_run *run)
{
    for (size_t i = 0; i < run->n_arms; i++)
        arm_fini(&run->arms[i]);
    fl_free(run->arms);
    fl_free(run->shown);
    fl_free(run->is_embodied);
    run->arms = NULL;
    run->shown = NULL;
    run->is_embodied = NULL;
    run->n_arms = run->arms_capacity = run->n_components = 0;
    run->is_known = run->is_finished = run->is_behind = false;
    run->has_ended_sums = false;
    run->print = (struct live_print){.is_there = false};
}

void live_run_fini(struct live_run *run)
{
    char *const texts[] = {run->dir,   run->path, run->lock_path, run->log,
                           run->label, run->name, run->about};
    live_run_clear(run);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        fl_free(texts[i]);
    *run = (struct live_run){.dir = NULL};
}

/* The folder's own name. */
static char *label_of(const char *dir)
{
    size_t end = strlen(dir);
    while (end > 1 && dir[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && dir[start - 1] != '/')
        start--;
    char *label = fl_strdup(start < end ? dir + start : dir);
    if (label && start < end)
        label[end - start] = '\0';
    return label;
}

enum fl_status
live_run_init(const char *dir, struct live_run *ret, struct fl_error *err)
{
    char path[RES_PATH_BYTES], lock_path[RES_PATH_BYTES];
    FL_TRY(fl_path_join(dir, "run.sqlite", path, sizeof path, err));
    FL_TRY(fl_path_join(dir, "run.lock", lock_path, sizeof lock_path, err));
    struct live_run run = {.dir = fl_strdup(dir),
                           .path = fl_strdup(path),
                           .lock_path = fl_strdup(lock_path),
                           .label = label_of(dir),
                           .name = fl_strdup(""),
                           .about = fl_strdup(""),
                           .boundary_name = ""};
    if (!run.dir || !run.path || !run.lock_path || !run.label || !run.name ||
        !run.about) {
        live_run_fini(&run);
        return fl_fail(err, FL_E_NOMEM, "%s: out of memory", dir);
    }
    *ret = run;
    return FL_OK;
}

/* Logs */

/* Cuts text into its lines; the first with the mark that is nobody's echo, or
 * what stands before argp's hint at --help, or the last line. */
static const char *telling_line(char *text, bool *ret_is_error)
{
    static const char mark[] = "error: ", echo[] = "the coordinator says",
                      hint[] = "Try `";
    const char *last = "";
    *ret_is_error = false;
    while (*text) {
        size_t n = strcspn(text, "\n");
        bool is_end = text[n] == '\0';
        text[n] = '\0';
        const char *found = strstr(text, mark);
        if (found && !strstr(text, echo)) {
            *ret_is_error = true;
            return found + sizeof mark - 1;
        }
        if (strncmp(text, hint, sizeof hint - 1) == 0) {
            *ret_is_error = true;
            return last;
        }
        if (n > 0)
            last = text;
        text += n + !is_end;
    }
    return last;
}

static bool find_reason(const char *log, char *ret, size_t size)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    bool is_error = false;
    ret[0] = '\0';
    if (fl_file_read(log, MAX_LOG, &bytes, &n, NULL) != FL_OK)
        return false;
    (void)snprintf(ret, size, "%s", telling_line((char *)bytes, &is_error));
    fl_free(bytes);
    return is_error;
}

void res_live_reason(const char *log, char *ret, size_t size)
{
    (void)find_reason(log, ret, size);
}

/* Looking */

static enum fl_status read_store(struct live_run *run,
                                 struct live_budget *budget,
                                 struct fl_error *err)
{
    struct res_store *store = NULL;
    FL_TRY(res_store_create(run->dir, RES_READ, &store, err));
    enum fl_status status = live_read(store, run, budget, err);
    res_store_destroy(store);
    return status;
}

/* A store whose writer is at work but has no log is being made or being
 * finished, under locks that we would be in the way of. One that is written on
 * another host is for that host alone: SQLite's log is shared memory. */
static bool is_open_to_readers(const struct live_print *print,
                               enum live_lock lock)
{
    return lock != LIVE_LOCK_ELSEWHERE &&
           (lock != LIVE_LOCK_HELD || print->log_size > 0);
}

static enum fl_status read_if_new(struct live_run *run,
                                  const struct live_print *print,
                                  enum live_lock lock,
                                  struct live_budget *budget,
                                  bool *acc_has_changed,
                                  struct fl_error *err)
{
    struct fl_error why = {FL_OK, ""};
    bool is_same = live_print_is_same(&run->print, print);
    bool is_other = run->print.is_there && run->print.inode != print->inode;
    bool wants_rows =
        run->is_behind || (run->is_wanted && !run->view.has_detail);
    if ((is_same && !wants_rows) || !is_open_to_readers(print, lock))
        return FL_OK;
    if (budget->rows <= 0) {
        run->is_behind = true; /* another time */
        return FL_OK;
    }
    if (is_other)
        live_run_clear(run); /* another run took its place */
    budget->rows -= budget->rows > OPENING_ROWS ? OPENING_ROWS : 0;
    bool was_known = run->is_known;
    enum fl_status status = read_store(run, budget, &why);
    *acc_has_changed = *acc_has_changed || status == FL_OK || was_known;
    run->problem[0] = '\0';
    if (status == FL_OK) {
        run->print = *print;
        return FL_OK;
    }
    if (status == FL_E_STATE && was_known)
        return FL_OK; /* busy: what was read stays, the rest the next time */
    live_run_clear(run);
    if (status == FL_E_NOMEM)
        return fl_fail(err, status, "%s", why.text);
    if (status != FL_E_STATE) /* nothing is there yet */
        (void)snprintf(run->problem, sizeof run->problem, "%.500s", why.text);
    return FL_OK;
}

static enum res_live_state state_of(struct live_run *run,
                                    const struct live_print *print,
                                    enum live_lock lock)
{
    if (run->problem[0] && lock != LIVE_LOCK_HELD &&
        lock != LIVE_LOCK_ELSEWHERE)
        return RES_LIVE_FAILED;
    if (run->is_finished)
        return RES_LIVE_FINISHED;
    if (lock == LIVE_LOCK_HELD || lock == LIVE_LOCK_ELSEWHERE)
        return RES_LIVE_RUNNING;
    char why[sizeof run->problem];
    if (run->log && find_reason(run->log, why, sizeof why)) {
        memcpy(run->problem, why, sizeof why);
        return RES_LIVE_FAILED;
    }
    if (!print->is_there || !run->is_known)
        return RES_LIVE_LEFT;
    return lock == LIVE_LOCK_DEAD ? RES_LIVE_STALE : RES_LIVE_STOPPED;
}

static void say_elsewhere(struct live_run *run, enum live_lock lock)
{
    static const char text[] =
        "another host writes this run: its figures can be seen there, and "
        "here once it has ended";
    bool is_said = strcmp(run->problem, text) == 0;
    if (lock == LIVE_LOCK_ELSEWHERE)
        memcpy(run->problem, text, sizeof text);
    else if (is_said)
        run->problem[0] = '\0';
}

enum fl_status live_run_look(struct live_run *run,
                             struct live_budget *budget,
                             bool *acc_has_changed,
                             struct fl_error *err)
{
    struct live_print print;
    char problem[sizeof run->problem];
    int64_t writer = 0;
    bool has_changed = false;
    /* In this order: whoever let go of the lock has written its last word. */
    enum live_lock lock = live_lock_of(run->lock_path, &writer);
    live_print_take(run->path, &print);
    memcpy(problem, run->problem, sizeof problem);
    if (print.is_there)
        FL_TRY(read_if_new(run, &print, lock, budget, &has_changed, err));
    else if (run->is_known)
        live_run_clear(run); /* somebody took it away */
    if (lock == LIVE_LOCK_HELD && !print.is_there)
        run->problem[0] = '\0';
    say_elsewhere(run, lock);
    enum res_live_state state = state_of(run, &print, lock);
    has_changed = has_changed || state != run->state || writer != run->writer ||
                  strcmp(problem, run->problem) != 0;
    run->state = state;
    run->writer = writer;
    if (!has_changed && run->view.dir)
        return FL_OK;
    *acc_has_changed = true;
    return live_show(run, err);
}
