/* Scenario files of any bytes: never a crash, and what is accepted is the same
 * scenario again after it was written and read back. An input that begins with
 * "--set " is an assignment to a small right scenario. */
#include "base/alloc.h"
#include "scenarios/scenario.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libfyaml 0.7.12 keeps a buffer for itself after some syntax errors. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml.so\n";
}

static const char right[] =
    "name: t\n"
    "data: {dataset: glyphs, clients: 8, partition: iid}\n"
    "model: logreg\n"
    "train: {arms: [federated], clients_per_round: 4}\n"
    "fleet: [{device: pixel_xl, zone: FR, link: lte}]\n"
    "server: {device: cloud_cpu, zone: DE, pue: 1.2}\n"
    "carbon: {preset: full, grid: {kind: annual}}\n";

/* Heap text of what the scenario resolved to. */
static char *emit(const struct scn_scenario *scenario, size_t *ret_n)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, ret_n);
    if (!out)
        return NULL;
    scn_scenario_emit(scenario, out);
    return fclose(out) == 0 ? text : NULL;
}

static void try_scenario(const char *text, size_t n_bytes)
{
    struct scn_scenario *first = NULL, *second = NULL;
    struct fl_error err;
    if (scn_scenario_parse("input", text, n_bytes, NULL, &first, &err) != FL_OK)
        return;
    size_t n = 0;
    char *written = emit(first, &n);
    assert(written);
    enum fl_status status =
        scn_scenario_parse("again", written, n, stderr, &second, &err);
    /* The resolved text may outgrow the limits of a file; nothing else. */
    if (status == FL_OK && strcmp(first->sha256, second->sha256) != 0)
        __builtin_trap();
    if (status != FL_OK && n < 100000)
        __builtin_trap();
    fl_free(written);
    scn_scenario_destroy(second);
    scn_scenario_destroy(first);
}

static void try_set(const char *assignment)
{
    struct fl_config *config = NULL;
    struct fl_error err;
    if (fl_config_parse("right", right, sizeof right - 1, &config, &err) !=
        FL_OK)
        __builtin_trap();
    if (fl_config_set(config, assignment, &err) == FL_OK) {
        char *text = NULL;
        size_t n = 0;
        FILE *out = open_memstream(&text, &n);
        assert(out);
        fl_config_emit_node(fl_config_root(config), 0, out);
        (void)fclose(out);
        try_scenario(text, n);
        fl_free(text);
    }
    fl_config_destroy(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char set[] = "--set ";
    char *text = fl_calloc(size + 1, 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    if (strncmp(text, set, sizeof set - 1) == 0)
        try_set(text + sizeof set - 1);
    else
        try_scenario(text, size);
    fl_free(text);
    return 0;
}
