/* Thermal design power and hardware threads of common processors, and how a
 * name in /proc/cpuinfo is compared: for the meter tdp. A name that is not here
 * is no reason to guess; the user gives the TDP then. */
#include "carbon/meter_priv.h"

#include <string.h>

const char *const carbon_cpus_source =
    "TDP: CodeCarbon, data/hardware/cpu_power.csv (MIT), commit b05965e4, "
    "compared with Green Algorithms' TDP_cpu.csv (CC BY 4.0) where it has the "
    "model; threads: product pages of Intel and AMD";

/* clang-format off */
const struct carbon_cpu carbon_cpus[] = {
    {"AMD EPYC 7251", 120, 16},
    {"AMD EPYC 7302", 155, 32},
    {"AMD EPYC 7302P", 155, 32},
    {"AMD EPYC 7402", 180, 48},
    {"AMD EPYC 7452", 155, 64},
    {"AMD EPYC 7502", 180, 64},
    {"AMD EPYC 7502P", 180, 64},
    {"AMD EPYC 7542", 225, 64},
    {"AMD EPYC 7543", 225, 64},
    {"AMD EPYC 7642", 225, 96},
    {"AMD EPYC 7702", 200, 128},
    {"AMD EPYC 7713", 225, 128},
    {"AMD EPYC 7742", 225, 128},
    {"AMD EPYC 7763", 280, 128},
    {"AMD EPYC 9354", 280, 64},
    {"AMD EPYC 9554", 360, 128},
    {"AMD EPYC 9654", 360, 192},
    {"AMD Ryzen 5 3600", 65, 12},
    {"AMD Ryzen 5 5600G", 65, 12},
    {"AMD Ryzen 5 5600X", 65, 12},
    {"AMD Ryzen 7 3700X", 65, 16},
    {"AMD Ryzen 7 4800H", 45, 16},
    {"AMD Ryzen 7 5700U", 15, 16},
    {"AMD Ryzen 7 5800H", 45, 16},
    {"AMD Ryzen 7 5800X", 105, 16},
    {"AMD Ryzen 7 7700X", 105, 16},
    {"AMD Ryzen 9 3900X", 105, 24},
    {"AMD Ryzen 9 3950X", 105, 32},
    {"AMD Ryzen 9 5900X", 105, 24},
    {"AMD Ryzen 9 5950X", 105, 32},
    {"AMD Ryzen 9 7950X", 170, 32},
    {"AMD Ryzen Threadripper 3970X", 280, 64},
    {"AMD Ryzen Threadripper 3990X", 280, 128},
    {"Intel Core i3-8100", 65, 4},
    {"Intel Core i5-10400", 65, 12},
    {"Intel Core i5-1135G7", 28, 8},
    {"Intel Core i5-6500", 65, 4},
    {"Intel Core i5-8250U", 15, 8},
    {"Intel Core i5-8400", 65, 6},
    {"Intel Core i7-10700", 65, 16},
    {"Intel Core i7-10700K", 125, 16},
    {"Intel Core i7-10750H", 45, 12},
    {"Intel Core i7-1165G7", 28, 8},
    {"Intel Core i7-4770", 84, 8},
    {"Intel Core i7-4790", 84, 8},
    {"Intel Core i7-6700", 65, 8},
    {"Intel Core i7-6700K", 91, 8},
    {"Intel Core i7-7700", 65, 8},
    {"Intel Core i7-7700HQ", 45, 8},
    {"Intel Core i7-7700K", 91, 8},
    {"Intel Core i7-8550U", 15, 8},
    {"Intel Core i7-8650U", 15, 8},
    {"Intel Core i7-8700", 65, 12},
    {"Intel Core i7-8700K", 95, 12},
    {"Intel Core i7-8750H", 45, 12},
    {"Intel Core i7-9700K", 95, 8},
    {"Intel Core i7-9750H", 45, 12},
    {"Intel Core i9-10900K", 125, 20},
    {"Intel Core i9-13900K", 125, 32},
    {"Intel Core i9-9900K", 95, 16},
    {"Intel Xeon E-2288G", 95, 16},
    {"Intel Xeon E5-2620 v4", 85, 16},
    {"Intel Xeon E5-2630 v4", 85, 20},
    {"Intel Xeon E5-2640 v4", 90, 20},
    {"Intel Xeon E5-2650 v4", 105, 24},
    {"Intel Xeon E5-2680 v3", 120, 24},
    {"Intel Xeon E5-2680 v4", 120, 28},
    {"Intel Xeon E5-2690 v4", 135, 28},
    {"Intel Xeon E5-2695 v4", 120, 36},
    {"Intel Xeon E5-2698 v4", 135, 40},
    {"Intel Xeon E5-2699 v4", 145, 44},
    {"Intel Xeon Gold 5218", 125, 32},
    {"Intel Xeon Gold 6130", 125, 32},
    {"Intel Xeon Gold 6142", 150, 32},
    {"Intel Xeon Gold 6148", 150, 40},
    {"Intel Xeon Gold 6230", 125, 40},
    {"Intel Xeon Gold 6248", 150, 40},
    {"Intel Xeon Gold 6248R", 205, 48},
    {"Intel Xeon Gold 6252", 150, 48},
    {"Intel Xeon Gold 6330", 205, 56},
    {"Intel Xeon Gold 6338", 205, 64},
    {"Intel Xeon Platinum 8160", 150, 48},
    {"Intel Xeon Platinum 8168", 205, 48},
    {"Intel Xeon Platinum 8260", 165, 48},
    {"Intel Xeon Platinum 8268", 205, 48},
    {"Intel Xeon Platinum 8280", 205, 56},
    {"Intel Xeon Platinum 8358", 250, 64},
    {"Intel Xeon Platinum 8360Y", 250, 72},
    {"Intel Xeon Platinum 8380", 270, 80},
    {"Intel Xeon Platinum 8480+", 350, 112},
    {"Intel Xeon Silver 4110", 85, 16},
    {"Intel Xeon Silver 4210", 85, 20},
    {"Intel Xeon Silver 4214", 85, 24},
    {"Intel Xeon Silver 4310", 120, 24},
    {"Intel Xeon Silver 4314", 135, 32},
    {"Raspberry Pi 4 Model B", 6.4, 4}, /* the whole board at full load */
    {NULL, 0, 0},
};
/* clang-format on */

/* Words that say nothing about the model. */
static const char *const idle_words[] = {"cpu", "processor", "gen", "six-core",
                                         "eight-core"};
/* Behind these only decoration stands: clock, graphics, revision. */
static const char *const last_words[] = {"@", "with", "w/", "rev"};

static bool
is_among(const char *word, size_t n, const char *const *words, size_t n_words)
{
    for (size_t i = 0; i < n_words; i++)
        if (strlen(words[i]) == n && memcmp(words[i], word, n) == 0)
            return true;
    return false;
}

/* Digits, then `tail`: "64-core", "11th". */
static bool is_counted_word(const char *word, size_t n, const char *tail)
{
    size_t digits = strspn(word, "0123456789");
    return digits > 0 && n == digits + strlen(tail) &&
           memcmp(word + digits, tail, strlen(tail)) == 0;
}

static bool is_idle(const char *word, size_t n)
{
    return is_among(word, n, idle_words,
                    sizeof idle_words / sizeof idle_words[0]) ||
           is_counted_word(word, n, "-core") || is_counted_word(word, n, "th");
}

/* Lower case, without "(r)", "(tm)", "(c)"; cut at size. */
static void fold(const char *name, char *ret, size_t size)
{
    static const char *const marks[] = {"(r)", "(tm)", "(c)"};
    size_t n = 0;
    for (; *name && n + 1 < size; name++) {
        char c = *name;
        ret[n++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
            size_t length = strlen(marks[i]);
            if (n >= length && memcmp(ret + n - length, marks[i], length) == 0)
                n -= length;
        }
    }
    ret[n] = '\0';
}

void carbon_cpu_normalise(const char *name, char *ret, size_t size)
{
    char folded[128];
    size_t used = 0;
    fold(name, folded, sizeof folded);
    ret[0] = '\0';
    for (const char *at = folded; *at;) {
        at += strspn(at, " \t");
        size_t n = strcspn(at, " \t");
        if (n == 0 || is_among(at, n, last_words,
                               sizeof last_words / sizeof last_words[0]))
            break;
        if (!is_idle(at, n)) {
            size_t blank = used > 0;
            if (used + blank + n >= size)
                break;
            memcpy(ret + used, " ", blank);
            memcpy(ret + used + blank, at, n);
            used += blank + n;
            ret[used] = '\0';
        }
        at += n;
    }
}

const struct carbon_cpu *carbon_cpu_find(const char *name)
{
    char asked[128], row[128];
    carbon_cpu_normalise(name, asked, sizeof asked);
    for (const struct carbon_cpu *cpu = carbon_cpus; cpu->name; cpu++) {
        carbon_cpu_normalise(cpu->name, row, sizeof row);
        if (strcmp(asked, row) == 0)
            return cpu;
    }
    return NULL;
}
