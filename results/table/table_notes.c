/* The sentences around a table, as plain text that each format escapes. */
#include "results/report_priv.h"

#include <math.h>

void res_put_title(const struct res_run *run, struct res_text *out)
{
    res_text_put(out, run->name[0] ? run->name : run->label);
    const char *sign = ": ";
    const char *const parts[] = {run->dataset, run->model};
    for (int i = 0; i < 2; i++) {
        if (!parts[i][0])
            continue;
        res_text_add(out, "%s%s", sign, parts[i]);
        sign = ", ";
    }
    if (run->n_clients >= 0) {
        res_text_add(out, "%s%lld clients", sign, (long long)run->n_clients);
        sign = ", ";
    }
    if (run->partition[0])
        res_text_add(out, "%s%s", sign, run->partition);
}

static void put_target(double target, struct res_text *out)
{
    if (target > 0)
        res_text_add(out, "%.4g", target);
    else
        res_text_put(out, "none");
}

/* One target, or each arm's own where they differ. */
void res_put_targets(const struct res_run *run, struct res_text *out)
{
    bool is_one = true;
    for (size_t i = 1; i < run->n_rows; i++)
        is_one =
            is_one &&
            !(run->rows[i].target_accuracy < run->rows[0].target_accuracy ||
              run->rows[i].target_accuracy > run->rows[0].target_accuracy);
    res_text_put(out, "target accuracy: ");
    if (is_one)
        put_target(run->n_rows > 0 ? run->rows[0].target_accuracy : 0, out);
    for (size_t i = 0; i < run->n_rows && !is_one; i++) {
        res_text_add(out, "%s%s ", i > 0 ? ", " : "", run->rows[i].arm);
        put_target(run->rows[i].target_accuracy, out);
    }
}

void res_put_setting(const struct res_run *run, struct res_text *out)
{
    res_put_targets(run, out);
    res_text_add(out, "; grid: %s; preset: %s",
                 run->grid[0] ? run->grid : "not recorded",
                 run->preset[0] ? run->preset : "not recorded");
}

const char *const res_note_heads[] = {
    [RES_NOTE_MOCK] = "nothing was trained",
    [RES_NOTE_UNFINISHED] = "unfinished",
    [RES_NOTE_SEEDS] = "seeds",
    [RES_NOTE_MISSED] = "missed targets",
    [RES_NOTE_CUT] = "cut",
    [RES_NOTE_UNEQUAL] = "unequal accuracy",
    [RES_NOTE_LOCAL] = "local",
    [RES_NOTE_OFF] = "switched off",
    [RES_NOTE_MODELLED] = "modelled",
    [RES_NOTE_NETWORK] = "network constants",
    [RES_NOTE_BOUNDARY] = "boundary",
    [RES_NOTE_UNCERTAIN] = "uncertainty",
    [RES_NOTE_INFLUENCES] = "what moves the answer most",
    [RES_NOTE_LEAVES_OUT] = "not modelled here",
    [RES_NOTE_COMMAND] = "repeat with",
};
_Static_assert(sizeof res_note_heads / sizeof res_note_heads[0] ==
                   RES_NOTE_LAST_,
               "every note needs a head");

static void put_local_note(const struct res_table *table,
                           const struct res_row *row,
                           struct res_text *out)
{
    if (!row->is_per_client || row->counted == 0)
        return;
    res_text_add(out,
                 "every figure is the mean per client, over %lld of %lld "
                 "clients. All %lld alone, at that mean: ",
                 (long long)(row->counted / row->n_seeds),
                 (long long)row->population, (long long)row->population);
    res_text_figure(out, row->all_clients_j / table->energy_unit_j, 4);
    res_text_add(out, " %s, ", table->energy_unit);
    res_text_figure(out, row->all_clients_gco2e / table->carbon_unit_gco2e, 4);
    res_text_add(out, " %s", table->carbon_unit);
    if (row->reached == 0)
        res_text_put(out, "; none of them reached its target: no ratio");
    if (isnan(row->all_clients_x_centralized))
        return;
    res_text_put(out, ", ");
    res_text_figure(out, row->all_clients_x_centralized, 3);
    res_text_put(out, " x centralized");
    if (row->reached >= 0 && row->reached < row->counted)
        res_text_add(out,
                     ", which does not compare equals: %lld of %lld "
                     "reached the target",
                     (long long)row->reached, (long long)row->counted);
}

static void put_seeds_note(const struct res_run *run, struct res_text *out)
{
    if (run->n_rows > 0 && run->rows[0].n_seeds > 1)
        res_text_add(out,
                     "means over seeds %s, +- their standard error; 5-95 %%: "
                     "the mean of the seeds' intervals, as all rest on the "
                     "same facts",
                     run->seed);
}

/* A mean is over the seeds that reached the target, where some did. */
static void put_missed_note(const struct res_run *run, struct res_text *out)
{
    for (size_t i = 0; i < run->n_rows; i++) {
        const struct res_row *row = &run->rows[i];
        if (!row->is_per_client && row->reached > 0 &&
            row->reached < row->n_seeds)
            res_text_add(out,
                         "%s%s over the %lld of %lld seeds that reached the "
                         "target",
                         out->n > 0 ? ", " : "figures of ", row->arm,
                         (long long)row->reached, (long long)row->n_seeds);
    }
    if (out->n > 0)
        res_text_put(out, "; ratios over those where both did");
}

static void put_cut_note(const struct res_run *run, struct res_text *out)
{
    const struct res_row *cut = NULL;
    for (size_t i = 0; i < run->n_rows; i++) {
        if (!run->rows[i].is_cut)
            continue;
        res_text_add(out, "%s%s", cut ? ", " : "", run->rows[i].arm);
        cut = &run->rows[i];
    }
    if (cut)
        res_text_add(out,
                     ": up to and with the first round of test accuracy %.4g; "
                     "no intervals, which are drawn of whole arms",
                     cut->target_accuracy);
}

/* Rows that x centralized sets side by side. */
static bool is_measured(const struct res_row *row)
{
    return !row->is_per_client && row->is_finished;
}

/* Arms that were not asked for an accuracy end at any. */
static void put_aimless(const struct res_run *run, struct res_text *out)
{
    const struct res_row *first = NULL;
    for (size_t i = 0; i < run->n_rows; i++) {
        const struct res_row *row = &run->rows[i];
        if (!is_measured(row) || row->target_accuracy > 0 ||
            isnan(row->accuracy))
            continue;
        if (!first) {
            first = row;
            continue;
        }
        if (out->n == 0)
            res_text_add(out, "no target was set: %s ended at %.4f", first->arm,
                         first->accuracy);
        res_text_add(out, ", %s at %.4f", row->arm, row->accuracy);
    }
    if (out->n > 0)
        res_text_put(out, "; the ratio is not at equal accuracy (--target X "
                          "cuts all arms at one)");
}

/* A ratio at different accuracies is no verdict: say whose it is, or that the
 * arms were not asked for the same accuracy. */
static void put_unequal_note(const struct res_run *run, struct res_text *out)
{
    const char *sign = "the target was not reached by ";
    const struct res_row *first = NULL;
    bool has_other = false;
    for (size_t i = 0; i < run->n_rows; i++) {
        const struct res_row *row = &run->rows[i];
        if (!is_measured(row))
            continue;
        if (first && (row->target_accuracy < first->target_accuracy ||
                      row->target_accuracy > first->target_accuracy))
            has_other = true;
        first = first ? first : row;
        if (row->reached != 0)
            continue;
        res_text_add(out, "%s%s", sign, row->arm);
        sign = ", ";
    }
    if (has_other)
        res_text_add(out, "%sthe arms' targets differ", out->n ? "; " : "");
    if (out->n == 0)
        put_aimless(run, out);
    else
        res_text_put(out, "; without a ratio, as they are not equally good "
                          "(--target X compares at another accuracy)");
}

/* "federated emits less than centralized in 3 % of the draws, ratio 2 to 90" */
static void put_uncertain_note(const struct res_run *run, struct res_text *out)
{
    for (size_t i = 0; i < run->n_rows; i++) {
        const struct res_row *row = &run->rows[i];
        if (isnan(row->below_centralized_share) || !row->is_finished)
            continue;
        double share = row->below_centralized_share;
        const double least = 1.0 / RES_TABLE_DRAWS;
        res_text_add(out, "%s%s emits less than centralized with probability ",
                     out->n > 0 ? "; " : "", row->arm);
        res_text_put(out, share < least ? "< " : share > 1 - least ? "> " : "");
        res_text_figure(out,
                        share < least       ? least
                        : share > 1 - least ? 1 - least
                                            : share,
                        share > 0.99 ? 4 : 2); /* 0.9990, not 1.0 */
        res_text_put(out, "; 5-95 % of the ratio: ");
        res_text_figure(out, row->x_p5, 3);
        res_text_put(out, " to ");
        res_text_figure(out, row->x_p95, 3);
    }
}

static void put_mock_note(const struct res_run *run, struct res_text *out)
{
    if (run->assumed[0])
        res_text_add(out, "accuracies are assumed, %s", run->assumed);
}

void res_put_note(const struct res_table *table,
                  const struct res_run *run,
                  enum res_note note,
                  struct res_text *out)
{
    switch (note) {
    case RES_NOTE_MOCK:
        put_mock_note(run, out);
        break;
    case RES_NOTE_UNFINISHED:
        if (!run->is_finished)
            res_text_put(out, "figures are what the ledger holds so far");
        break;
    case RES_NOTE_SEEDS:
        put_seeds_note(run, out);
        break;
    case RES_NOTE_MISSED:
        put_missed_note(run, out);
        break;
    case RES_NOTE_CUT:
        put_cut_note(run, out);
        break;
    case RES_NOTE_UNEQUAL:
        put_unequal_note(run, out);
        break;
    case RES_NOTE_LOCAL:
        for (size_t i = 0; i < run->n_rows; i++)
            put_local_note(table, &run->rows[i], out);
        break;
    case RES_NOTE_OFF:
        res_text_put(out, run->off);
        break;
    case RES_NOTE_MODELLED:
        res_text_put(out, run->modelled);
        break;
    case RES_NOTE_NETWORK:
        res_text_put(out, run->network);
        break;
    case RES_NOTE_BOUNDARY:
        res_text_add(out, "%s", run->boundary);
        if (run->attribution[0])
            res_text_add(out, ", %s attribution", run->attribution);
        break;
    case RES_NOTE_UNCERTAIN:
        put_uncertain_note(run, out);
        break;
    case RES_NOTE_INFLUENCES:
        res_text_put(out, run->influences);
        break;
    case RES_NOTE_LEAVES_OUT:
        res_text_put(out, run->leaves_out);
        break;
    case RES_NOTE_COMMAND:
        res_text_put(out, run->command);
        break;
    case RES_NOTE_LAST_:
    default:
        break;
    }
}
