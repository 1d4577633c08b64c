#include "scenario_fixture.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A scenario that is right. */
const char scn_good[] =
    "name: t\n"                                                       /* 1 */
    "seed: 3\n"                                                       /* 2 */
    "data:\n"                                                         /* 3 */
    "  dataset: {kind: glyphs, writers: 8, samples_per_writer: 10}\n" /* 4 */
    "  clients: 8\n"                                                  /* 5 */
    "  partition: natural\n"                                          /* 6 */
    "model: logreg\n"                                                 /* 7 */
    "train:\n"                                                        /* 8 */
    "  arms: [federated, centralized, local]\n"                       /* 9 */
    "  clients_per_round: 4\n"                                        /* 10 */
    "  stop: {accuracy: 0.8}\n"                                       /* 11 */
    "  local: {epochs: 2, batch: 5, lr: 0.1, momentum: 0.5}\n"        /* 12 */
    "  centralized: {epochs: 7, lr: 0.2, stop: {accuracy: 0.9}}\n"    /* 13 */
    "fleet:\n"                                                        /* 14 */
    "  - {device: pixel_xl, share: 0.75, zone: FR, link: lte}\n"      /* 15 */
    "  - {device: laptop, share: 0.25, zone: DE, link: home_wifi}\n"  /* 16 */
    "server: {device: cloud_cpu, zone: DE, pue: 1.2}\n"               /* 17 */
    "centralized: {device: v100_node, zone: SE, pue: off}\n"          /* 18 */
    "carbon: {preset: full, grid: {kind: annual}}\n";                 /* 19 */

enum fl_status scn_load_text(const char *text,
                             const char *const *sets,
                             size_t n_sets,
                             struct scn_scenario **ret,
                             char **ret_problems)
{
    char path[] = "test_scenario_XXXXXX.yaml";
    int fd = mkstemps(path, 5);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
    size_t n = 0;
    FILE *out = open_memstream(ret_problems, &n);
    assert_non_null(out);
    struct fl_error err = {0};
    enum fl_status status =
        scn_scenario_create(path, sets, n_sets, out, ret, &err);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(unlink(path), 0);
    /* the file's name is different each time */
    for (char *p = strstr(*ret_problems, path); p; p = strstr(p, path)) {
        memmove(p, "F", 1);
        memmove(p + 1, p + strlen(path), strlen(p + strlen(path)) + 1);
    }
    return status;
}

struct scn_scenario *
scn_load_good(const char *text, const char *const *sets, size_t n_sets)
{
    struct scn_scenario *scenario = NULL;
    char *problems = NULL;
    if (scn_load_text(text, sets, n_sets, &scenario, &problems) != FL_OK)
        fail_msg("%s", problems);
    assert_string_equal(problems, "");
    fl_free(problems);
    return scenario;
}

void assert_problems(const char *text,
                     const char *const *sets,
                     size_t n_sets,
                     const char *expected)
{
    struct scn_scenario *scenario = NULL;
    char *problems = NULL;
    assert_int_equal(scn_load_text(text, sets, n_sets, &scenario, &problems),
                     FL_E_CONFIG);
    assert_null(scenario);
    assert_string_equal(problems, expected);
    fl_free(problems);
}

/* One --set on the scn_good scenario gives this problem. */
void assert_set_problem(const char *set, const char *expected)
{
    struct scn_scenario *scenario = NULL;
    char *problems = NULL;
    assert_int_equal(scn_load_text(scn_good, &set, 1, &scenario, &problems),
                     FL_E_CONFIG);
    if (!strstr(problems, expected))
        fail_msg("%s: found '%s', expected '%s'", set, problems, expected);
    fl_free(problems);
}

char *scn_emit_text(const struct scn_scenario *s)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    assert_non_null(out);
    scn_scenario_emit(s, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

struct scn_scenario *scn_load_again(const struct scn_scenario *s)
{
    char *text = scn_emit_text(s);
    struct scn_scenario *again = NULL;
    struct fl_error err = {0};
    assert_ok(
        scn_scenario_parse("again", text, strlen(text), stderr, &again, &err),
        &err);
    fl_free(text);
    return again;
}
