#include "cli/load.h"

#include "base/alloc.h"
#include "coordinator/selection.h"
#include "coordinator/strategy.h"

#include <stdio.h>
#include <string.h>

/* Their mistakes become problems of the scenario's config. */
static void check_choices(const struct scn_scenario *scenario)
{
    struct coord_strategy strategy = {0};
    struct coord_selection selection = {0};
    if (!scenario->has_arm[SCN_FEDERATED])
        return;
    if (coord_strategy_init(&strategy, scenario->config, scenario->strategy,
                            NULL) == FL_OK)
        coord_strategy_fini(&strategy);
    if (coord_selection_init(&selection, scenario->config, scenario->selection,
                             NULL) == FL_OK)
        coord_selection_fini(&selection);
}

bool cli_sets_add(struct cli_sets *sets, const char *assignment)
{
    if (sets->n == CLI_MAX_SETS)
        return false;
    sets->all[sets->n++] = assignment;
    return true;
}

/* A word as a shell reads it back. */
static void put_word(FILE *out, const char *word)
{
    if (word[0] && !strpbrk(word, " \t\n'\"\\{}[]$*?;&|<>()`~#!")) {
        (void)fputs(word, out);
        return;
    }
    (void)fputc('\'', out);
    for (; *word; word++)
        (void)fputs(*word == '\'' ? "'\\''" : (char[]){*word, '\0'}, out);
    (void)fputc('\'', out);
}

char *cli_command_text(const char *command,
                       const char *file,
                       const struct cli_sets *sets)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    if (!out)
        return NULL;
    (void)fprintf(out, "fedcarbon %s %s", command, file[0] == '-' ? "./" : "");
    put_word(out, file);
    for (size_t i = 0; i < sets->n; i++) {
        (void)fputs(" --set ", out);
        put_word(out, sets->all[i]);
    }
    if (fclose(out) != 0) {
        fl_free(text);
        return NULL;
    }
    return text;
}

enum fl_status cli_load_scenario(const char *path,
                                 const struct cli_sets *sets,
                                 struct scn_scenario **ret,
                                 struct fl_error *err)
{
    return cli_load_scenario_into(path, sets, stderr, ret, err);
}

enum fl_status cli_load_scenario_into(const char *path,
                                      const struct cli_sets *sets,
                                      FILE *problems,
                                      struct scn_scenario **ret,
                                      struct fl_error *err)
{
    struct scn_scenario *scenario = NULL;
    enum fl_status status =
        scn_scenario_create(path, sets->all, sets->n, problems, &scenario, err);
    if (status == FL_OK) {
        check_choices(scenario);
        status = scn_scenario_check(scenario, problems, err);
    }
    if (status != FL_OK) { /* each problem has been printed with its place */
        scn_scenario_destroy(scenario);
        return fl_fail(err, status, "%s: not a scenario that can be run", path);
    }
    status = scn_scenario_open_grid(scenario, err);
    if (status != FL_OK) {
        scn_scenario_destroy(scenario);
        return status;
    }
    *ret = scenario;
    return FL_OK;
}
