/* What meters read, on any bytes: a number of /sys, Slurm's tables, /proc/stat,
 * /proc/cpuinfo, /proc/meminfo, and names of processors. Each is taken or
 * refused with a text; what is taken is in bounds. */
#include "carbon/meter_priv.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void must(int is_true)
{
    if (!is_true)
        abort(); /* how a fuzz target reports */
}

static void try_number(const char *text)
{
    int64_t value = -77;
    struct fl_error err = {0};
    enum fl_status status =
        carbon_parse_number(text, "f", 0, 1000, &value, &err);
    if (status == FL_OK)
        must(value >= 0 && value <= 1000);
    else
        must(status == FL_E_FORMAT && value == -77 && err.text[0]);
}

static void try_slurm(const char *text, const char *job)
{
    double energy_j = -1;
    struct fl_error err = {0};
    enum fl_status status = carbon_parse_slurm(text, job, &energy_j, &err);
    if (status == FL_OK)
        must(energy_j > 0 && isfinite(energy_j));
    else
        must((status == FL_E_FORMAT || status == FL_E_IO) && energy_j == -1 &&
             err.text[0]);
}

static void try_proc(const char *text)
{
    struct carbon_proc_stat stat = {.busy_cpu_s = -1};
    struct fl_error err = {0};
    char name[128] = "untouched";
    double memory_bytes = -1;
    enum fl_status status = carbon_parse_proc_stat(text, 100, &stat, &err);
    if (status == FL_OK)
        must(stat.busy_cpu_s >= 0 && isfinite(stat.busy_cpu_s) &&
             stat.n_threads >= 1);
    else
        must(status == FL_E_FORMAT && stat.busy_cpu_s == -1 && err.text[0]);
    status = carbon_parse_cpuinfo(text, name, &err);
    if (status == FL_OK)
        must(strlen(name) > 0 && strlen(name) < 128);
    else
        must(status == FL_E_FORMAT && strcmp(name, "untouched") == 0);
    status = carbon_parse_meminfo(text, &memory_bytes, &err);
    must(status == FL_OK ? memory_bytes >= 1024 : memory_bytes == -1);
}

/* What is normal stays as it is. */
static void try_name(const char *text)
{
    char once[128], twice[128], cut[7];
    carbon_cpu_normalise(text, once, sizeof once);
    carbon_cpu_normalise(once, twice, sizeof twice);
    must(strlen(twice) <= strlen(once));
    carbon_cpu_normalise(text, cut, sizeof cut);
    must(strlen(cut) < sizeof cut);
    const struct carbon_cpu *cpu = carbon_cpu_find(text);
    must(!cpu || cpu->tdp_w > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    /* check: allow RAWALLOC: exactly as big as the text, so that a sanitizer
     * sees a read of one byte too many */
    char *text = malloc(n_bytes + 1);
    if (!text)
        return 0;
    memcpy(text, bytes, n_bytes);
    text[n_bytes] = '\0';
    try_number(text);
    try_slurm(text, "12");
    try_slurm(text, "12.0");
    try_proc(text);
    try_name(text);
    /* check: allow RAWALLOC: see above */
    free(text);
    return 0;
}
