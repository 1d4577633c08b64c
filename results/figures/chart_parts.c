#include "results/figures/chart_parts.h"

#include "base/alloc.h"
#include "base/parse.h"
#include "base/units.h"

#include <math.h>
#include <string.h>

int res_arm_colour(const char *arm)
{
    if (strcmp(arm, RES_ARM_FEDERATED) == 0)
        return RES_COLOUR_FEDERATED;
    if (strcmp(arm, RES_ARM_CENTRALIZED) == 0)
        return RES_COLOUR_CENTRALIZED;
    return strcmp(arm, RES_ARM_LOCAL) == 0 ? RES_COLOUR_LOCAL : RES_COLOUR_4TH;
}

void res_gallery_arm_look(const struct res_gallery *gallery,
                          const char *arm,
                          int *ret_colour,
                          int *ret_shape)
{
    static const int others[] = {RES_COLOUR_4TH, RES_COLOUR_5TH, RES_COLOUR_6TH,
                                 RES_COLOUR_REFERENCE, RES_COLOUR_FRONT};
    size_t n = 0;
    *ret_colour = *ret_shape = res_arm_colour(arm);
    if (*ret_colour != RES_COLOUR_4TH)
        return;
    for (size_t a = 0; strcmp(gallery->arms[a], arm) != 0; a++)
        n += res_arm_colour(gallery->arms[a]) == RES_COLOUR_4TH ? 1 : 0;
    *ret_colour = others[n % (sizeof others / sizeof others[0])];
    *ret_shape = (int)((n + RES_COLOUR_4TH) % RES_PALETTE_SIZE);
}

/* Units by size, smallest first. */
static struct res_unit
choose_unit(const struct res_unit *units, size_t n, double most)
{
    size_t i = n - 1;
    while (i > 0 && !(most >= units[i].scale))
        i--;
    return units[i];
}

struct res_unit res_unit_carbon(double most_gco2e)
{
    static const struct res_unit units[] = {
        {"mgCO2e", 1 / FL_G_PER_KG},
        {"gCO2e", 1},
        {"kgCO2e", FL_G_PER_KG},
        {"tCO2e", FL_G_PER_KG * FL_G_PER_KG},
    };
    return choose_unit(units, sizeof units / sizeof units[0], most_gco2e);
}

struct res_unit res_unit_energy(double most_j)
{
    static const struct res_unit units[] = {
        {"mWh", FL_J_PER_WH / 1000},
        {"Wh", FL_J_PER_WH},
        {"kWh", FL_J_PER_KWH},
        {"MWh", FL_J_PER_KWH * 1000},
    };
    return choose_unit(units, sizeof units / sizeof units[0], most_j);
}

struct res_unit res_unit_time(double most_s)
{
    static const struct res_unit units[] = {
        {"ms", 1e-3}, {"s", 1},        {"min", 60},
        {"h", 3600},  {"days", 86400}, {"years", FL_S_PER_YEAR},
    };
    /* From two of a unit on: 90 s, not 1.5 min. */
    return choose_unit(units, sizeof units / sizeof units[0], most_s / 2);
}

void res_extent_add(struct res_extent *extent, double value)
{
    if (!(value > 0) || isinf(value))
        return;
    if (!(extent->low > 0) || value < extent->low)
        extent->low = value;
    if (value > extent->high)
        extent->high = value;
}

bool res_extent_is_wide(const struct res_extent *extent, double end_ratio)
{
    return extent->low > 0 && extent->high > end_ratio * extent->low;
}

double res_arm_gco2e(const struct res_row *row)
{
    return row->all_clients_gco2e;
}

void res_put_arm_name(const struct res_gallery *gallery,
                      const struct res_row *row,
                      bool is_mean,
                      struct res_text *out)
{
    res_text_put(out, row->arm);
    if (row->is_per_client && is_mean)
        res_text_put(out, " (mean)");
    else if (row->is_per_client && gallery->n_runs == 1)
        res_text_add(out, " (all %lld)", (long long)row->population);
    else if (row->is_per_client)
        res_text_put(out, " (all clients)");
}

void res_settings_fini(struct res_settings *settings)
{
    for (size_t i = 0; i < settings->n; i++) {
        fl_free(settings->all[i].label);
        fl_free(settings->all[i].runs);
    }
    fl_free(settings->all);
    *settings = (struct res_settings){.all = NULL};
}

/* The same seed twice is no second measurement: it is a setting of its own. */
static bool takes(const struct res_gallery *gallery,
                  const struct res_setting *setting,
                  const struct res_run *run)
{
    const struct res_run *first = &gallery->runs[setting->runs[0]];
    if (!run->seedless_sha256[0] ||
        strcmp(first->seedless_sha256, run->seedless_sha256) != 0)
        return false;
    for (size_t i = 0; i < setting->n; i++)
        if (strcmp(gallery->runs[setting->runs[i]].seed, run->seed) == 0)
            return false;
    return true;
}

static enum fl_status add_setting(const struct res_gallery *gallery,
                                  struct res_settings *settings,
                                  size_t run,
                                  struct fl_error *err)
{
    FL_TRY(fl_grow(&settings->all, &settings->capacity, settings->n + 1,
                   sizeof settings->all[0], err));
    struct res_setting *setting = &settings->all[settings->n++];
    *setting = (struct res_setting){.label = NULL};
    struct res_text label = {0};
    res_gallery_put_label(gallery, run, false, &label);
    enum fl_status status = res_text_check(&label, err);
    if (status == FL_OK)
        status = res_chart_set_text(&setting->label, res_text_get(&label), err);
    res_text_fini(&label);
    return status;
}

/* By the keys' values in their order; numbers by size. qsort has no context:
 * an insertion sort, of few settings. */
static int compare_runs(const struct res_gallery *gallery, size_t a, size_t b)
{
    const struct res_run *x = &gallery->runs[a], *y = &gallery->runs[b];
    for (size_t k = 0; k < gallery->n_keys; k++) {
        double p = 0, q = 0;
        bool is_number =
            fl_parse_double(x->keys[k], -1e300, 1e300, &p, NULL) == FL_OK &&
            fl_parse_double(y->keys[k], -1e300, 1e300, &q, NULL) == FL_OK;
        int order =
            is_number ? (p > q) - (p < q) : strcmp(x->keys[k], y->keys[k]);
        if (order != 0)
            return order;
    }
    return 0;
}

static void sort_settings(const struct res_gallery *gallery,
                          struct res_settings *settings)
{
    for (size_t i = 1; i < settings->n; i++) {
        struct res_setting moved = settings->all[i];
        size_t at = i;
        for (; at > 0 && compare_runs(gallery, settings->all[at - 1].runs[0],
                                      moved.runs[0]) > 0;
             at--)
            settings->all[at] = settings->all[at - 1];
        settings->all[at] = moved;
    }
}

enum fl_status res_settings_find(const struct res_gallery *gallery,
                                 struct res_settings *ret,
                                 struct fl_error *err)
{
    struct res_settings settings = {.all = NULL};
    enum fl_status status = FL_OK;
    for (size_t r = 0; r < gallery->n_runs && status == FL_OK; r++) {
        size_t s = 0;
        while (s < settings.n &&
               !takes(gallery, &settings.all[s], &gallery->runs[r]))
            s++;
        if (s == settings.n)
            status = add_setting(gallery, &settings, r, err);
        struct res_setting *setting = &settings.all[s];
        if (status == FL_OK)
            status = fl_grow(&setting->runs, &setting->capacity, setting->n + 1,
                             sizeof setting->runs[0], err);
        if (status == FL_OK)
            setting->runs[setting->n++] = r;
    }
    if (status != FL_OK) {
        res_settings_fini(&settings);
        return status;
    }
    sort_settings(gallery, &settings);
    *ret = settings;
    return FL_OK;
}

struct res_mean res_setting_mean(const struct res_gallery *gallery,
                                 const struct res_setting *setting,
                                 const char *arm,
                                 res_figure_fn figure,
                                 const void *arg)
{
    struct res_mean ret = {(double)NAN, (double)NAN, 0};
    double sum = 0, squares = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < setting->n; i++) {
            const struct res_row *row =
                res_find_arm(&gallery->runs[setting->runs[i]], arm);
            double value = row ? figure(row, arg) : (double)NAN;
            if (!isfinite(value))
                continue;
            sum += pass == 0 ? value : 0;
            ret.n += pass == 0 ? 1 : 0;
            squares += pass == 0 ? 0 : (value - ret.mean) * (value - ret.mean);
        }
        double n = (double)ret.n;
        if (pass == 0 && ret.n > 0)
            ret.mean = sum / n;
        else if (ret.n > 1)
            ret.se = sqrt(squares / (n - 1) / n);
    }
    return ret;
}

void res_put_runs(const struct res_gallery *gallery, struct res_text *out)
{
    size_t n_running = 0;
    for (size_t r = 0; r < gallery->n_runs; r++)
        n_running += gallery->runs[r].is_finished ? 0 : 1;
    if (gallery->n_runs > 1)
        res_text_add(out, " %zu runs.", gallery->n_runs);
    if (n_running > 0 && gallery->n_runs == 1)
        res_text_put(out, " The run is not finished: so far.");
    else if (n_running > 0)
        res_text_add(out, " %zu of them not finished: so far.", n_running);
}

/* Whether a text is the same for all runs. */
static bool is_common(const struct res_gallery *gallery, size_t offset)
{
    const char *first = NULL;
    for (size_t r = 0; r < gallery->n_runs; r++) {
        const char *text =
            *(char *const *)(const void *)((const char *)&gallery->runs[r] +
                                           offset);
        if (first && strcmp(first, text) != 0)
            return false;
        first = text;
    }
    return true;
}

void res_put_counts(const struct res_gallery *gallery, struct res_text *out)
{
    static const struct {
        const char *name;
        size_t offset;
    } texts[] = {
        {"boundary", offsetof(struct res_run, boundary)},
        {"preset", offsetof(struct res_run, preset)},
        {"grid", offsetof(struct res_run, grid)},
    };
    const struct res_run *run = &gallery->runs[0];
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *text =
            *(char *const *)(const void *)((const char *)run + texts[i].offset);
        res_text_put(out, i > 0 ? "; " : " Carbon: ");
        if (is_common(gallery, texts[i].offset))
            res_text_add(out, "%s %s", texts[i].name, text[0] ? text : "-");
        else
            res_text_add(out, "%s differs between runs", texts[i].name);
    }
    res_text_put(out, ".");
}

void res_put_local(const struct res_gallery *gallery, struct res_text *out)
{
    for (size_t r = 0; r < gallery->n_runs; r++)
        for (size_t i = 0; i < gallery->runs[r].n_rows; i++)
            if (gallery->runs[r].rows[i].is_per_client) {
                res_text_put(out,
                             " Local: the mean client, times all clients.");
                return;
            }
}

enum fl_status res_chart_say(struct res_chart *chart,
                             const char *title,
                             const struct res_text *caption,
                             struct fl_error *err)
{
    FL_TRY(res_text_check(caption, err));
    FL_TRY(res_chart_set_text(&chart->title, title, err));
    return res_chart_set_text(&chart->caption, res_text_get(caption), err);
}
