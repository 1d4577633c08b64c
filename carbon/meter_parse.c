/* What the meters read: texts that the kernel or Slurm prints. Pure functions
 * of the bytes, which may be any. */
#include "carbon/meter_priv.h"

#include "base/parse.h"

#include <stdio.h>
#include <string.h>

#define MAX_TOKEN  64
#define MAX_TICKS  ((int64_t)1 << 52) /* centuries on thousands of CPUs */
#define MAX_CPUS   65536
#define MAX_KB     ((int64_t)1 << 42)
#define MAX_JOULES 1e18 /* above: Slurm's NO_VAL64 and its like */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_end(char c)
{
    return c == '\n' || c == '\0';
}

static const char *skip_blanks(const char *at)
{
    while (is_blank(*at))
        at++;
    return at;
}

/* The line after the one that `at` is in; NULL: there is none. */
static const char *next_line(const char *at)
{
    const char *end = strchr(at, '\n');
    return end ? end + 1 : NULL;
}

/* What stands until one of `stops` or the line's end, as a text of its own;
 * false when it is too long to be what is looked for. */
static bool take(const char **at, const char *stops, char ret[MAX_TOKEN])
{
    size_t n = 0;
    while (!is_end((*at)[n]) && !strchr(stops, (*at)[n]))
        n++;
    if (n >= MAX_TOKEN)
        return false;
    memcpy(ret, *at, n);
    ret[n] = '\0';
    *at += n;
    return true;
}

enum fl_status carbon_parse_number(const char *text,
                                   const char *where,
                                   int64_t min,
                                   int64_t max,
                                   int64_t *ret,
                                   struct fl_error *err)
{
    char token[MAX_TOKEN];
    struct fl_error why = {FL_OK, ""};
    const char *at = text;
    if (!take(&at, "", token) || (at[0] == '\n' && at[1] != '\0'))
        return fl_fail(err, FL_E_FORMAT,
                       "%s: found '%.20s...', allowed one whole number", where,
                       text);
    if (fl_parse_int(token, min, max, ret, &why) != FL_OK)
        return fl_fail(err, FL_E_FORMAT, "%s: %s", where, why.text);
    return FL_OK;
}

/* "cpu  2581912 219510 266486 1756805 7858 0 4247 4628 0 0": the sum of those
 * columns in which a processor works. Guests are in user and nice already;
 * steal is another machine's. */
static enum fl_status
parse_cpu_line(const char *at, double *ret_ticks, struct fl_error *err)
{
    enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, COLUMNS };
    int64_t ticks = 0;
    for (int i = 0; i < COLUMNS; i++) {
        char token[MAX_TOKEN];
        int64_t value;
        at = skip_blanks(at);
        /* Linux before 2.6 has only the first four. */
        if (i > IDLE && is_end(*at))
            break;
        if (!take(&at, " \t", token) ||
            fl_parse_int(token, 0, MAX_TICKS, &value, NULL) != FL_OK)
            return fl_fail(err, FL_E_FORMAT,
                           "/proc/stat: column %d of 'cpu': allowed a whole "
                           "number >= 0",
                           i + 1);
        if (i != IDLE && i != IOWAIT)
            ticks += value;
    }
    *ret_ticks = (double)ticks;
    return FL_OK;
}

enum fl_status carbon_parse_proc_stat(const char *text,
                                      double ticks_hz,
                                      struct carbon_proc_stat *ret,
                                      struct fl_error *err)
{
    double ticks = -1;
    int64_t n_threads = 0;
    for (const char *at = text; at; at = next_line(at)) {
        if (strncmp(at, "cpu", 3) != 0)
            continue;
        if (is_blank(at[3]) && ticks < 0)
            FL_TRY(parse_cpu_line(at + 4, &ticks, err));
        else if (at[3] >= '0' && at[3] <= '9')
            n_threads++;
    }
    if (ticks < 0 || n_threads < 1 || n_threads > MAX_CPUS)
        return fl_fail(err, FL_E_FORMAT,
                       "/proc/stat: found %s line 'cpu' and %lld processors",
                       ticks < 0 ? "no" : "one", (long long)n_threads);
    ret->busy_cpu_s = ticks / ticks_hz;
    ret->n_threads = n_threads;
    return FL_OK;
}

/* The value of "key<blanks>: value" in `line`, or NULL. */
static const char *value_of(const char *line, const char *key)
{
    size_t n = strlen(key);
    if (strncmp(line, key, n) != 0)
        return NULL;
    const char *at = skip_blanks(line + n);
    return *at == ':' ? skip_blanks(at + 1) : NULL;
}

/* A name of printable ASCII without blanks around it; false: nothing left. */
static bool copy_name(const char *value, char ret[128])
{
    size_t n = 0;
    for (; !is_end(*value) && n < 127; value++)
        if (*value >= ' ' && *value <= '~')
            ret[n++] = *value;
    while (n > 0 && ret[n - 1] == ' ')
        n--;
    ret[n] = '\0';
    return n > 0;
}

enum fl_status
carbon_parse_cpuinfo(const char *text, char ret[128], struct fl_error *err)
{
    /* x86 names the processor; boards with ARM have one line "Model". */
    static const char *const keys[] = {"model name", "Model"};
    char name[128];
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        for (const char *at = text; at; at = next_line(at)) {
            const char *value = value_of(at, keys[i]);
            if (value && copy_name(value, name)) {
                memcpy(ret, name, sizeof name);
                return FL_OK;
            }
        }
    return fl_fail(err, FL_E_FORMAT,
                   "/proc/cpuinfo: found no line 'model name' or 'Model'");
}

enum fl_status carbon_parse_meminfo(const char *text,
                                    double *ret_memory_bytes,
                                    struct fl_error *err)
{
    for (const char *at = text; at; at = next_line(at)) {
        const char *value = value_of(at, "MemTotal");
        char token[MAX_TOKEN];
        int64_t kb;
        if (!value)
            continue;
        if (!take(&value, " \t", token) ||
            fl_parse_int(token, 1, MAX_KB, &kb, NULL) != FL_OK)
            break;
        *ret_memory_bytes = (double)kb * 1024.0;
        return FL_OK;
    }
    return fl_fail(err, FL_E_FORMAT,
                   "/proc/meminfo: found no 'MemTotal: N kB'");
}

/* "4567" or, as people print it, "4.57K", "1.2M", "3G". False: not a known,
 * positive energy (0, empty, NO_VAL). */
static bool parse_energy(const char *token, double *ret_j)
{
    static const char letters[] = "KMGT";
    static const double factors[] = {1e3, 1e6, 1e9, 1e12};
    char digits[MAX_TOKEN];
    double value, factor = 1;
    size_t n = strlen(token);
    memcpy(digits, token, n + 1);
    const char *letter = n > 0 ? strchr(letters, token[n - 1]) : NULL;
    if (letter) {
        digits[n - 1] = '\0';
        factor = factors[letter - letters];
    }
    if (fl_parse_double(digits, 0, MAX_JOULES, &value, NULL) != FL_OK ||
        value * factor <= 0 || value * factor >= MAX_JOULES)
        return false;
    *ret_j = value * factor;
    return true;
}

/* The rows of one job: its own, those of numbered steps, and of others. */
enum row { ROW_JOB, ROW_STEP, ROW_OTHER, ROW_LAST_ };

struct slurm_rows {
    double sum_j[ROW_LAST_];
    int n_known[ROW_LAST_];
    int n_seen;
};

/* Which kind of row "1234", "1234.0" or "1234.batch" is of this job; a step
 * that was asked for counts as the job. ROW_LAST_: another job's. */
static enum row row_of(const char *id, const char *job)
{
    size_t n = strlen(job);
    if (strcmp(id, job) == 0)
        return ROW_JOB;
    if (strncmp(id, job, n) != 0 || id[n] != '.' || strchr(job, '.'))
        return ROW_LAST_;
    return id[n + 1] >= '0' && id[n + 1] <= '9' ? ROW_STEP : ROW_OTHER;
}

static void take_row(struct slurm_rows *rows, enum row row, const char *token)
{
    double energy_j;
    rows->n_seen++;
    if (!parse_energy(token, &energy_j))
        return;
    rows->sum_j[row] += energy_j;
    rows->n_known[row]++;
}

/* "1234.0|4567", sstat and sacct with -P. */
static void
take_table_line(struct slurm_rows *rows, const char *line, const char *job)
{
    char id[MAX_TOKEN], token[MAX_TOKEN];
    const char *at = line;
    if (!take(&at, "| \t", id) || *at != '|')
        return;
    at++;
    enum row row = row_of(id, job);
    if (row != ROW_LAST_ && take(&at, "| \t\r", token))
        take_row(rows, row, token);
}

/* "JobId=1234 ... ConsumedEnergy=4567", scontrol. */
static void
take_pair(struct slurm_rows *rows, const char *text, const char *job)
{
    char id[MAX_TOKEN], token[MAX_TOKEN];
    const char *name = strstr(text, "JobId=");
    const char *energy = strstr(text, "ConsumedEnergy=");
    if (!name)
        name = strstr(text, "StepId=");
    if (!name || !energy)
        return;
    name = strchr(name, '=') + 1;
    energy = strchr(energy, '=') + 1;
    if (take(&name, " \t\r", id) && strcmp(id, job) == 0 &&
        take(&energy, " \t\r", token))
        take_row(rows, ROW_JOB, token);
}

enum fl_status carbon_parse_slurm(const char *text,
                                  const char *job,
                                  double *ret_j,
                                  struct fl_error *err)
{
    struct slurm_rows rows = {.n_seen = 0};
    for (const char *at = text; at; at = next_line(at))
        take_table_line(&rows, at, job);
    if (rows.n_seen == 0)
        take_pair(&rows, text, job);
    if (rows.n_seen == 0)
        return fl_fail(err, FL_E_FORMAT,
                       "Slurm, job %.40s: found no energy in '%.60s'", job,
                       text);
    for (int row = 0; row < ROW_LAST_; row++)
        if (rows.n_known[row] > 0) {
            *ret_j = rows.sum_j[row];
            return FL_OK;
        }
    return fl_fail(err, FL_E_IO,
                   "Slurm, job %.40s: ConsumedEnergy is 0 or empty: this "
                   "cluster does not measure it, or has not yet",
                   job);
}
