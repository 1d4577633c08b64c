#include "base/parse.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* [+-]digits, at least one; returns the first character after. */
static const char *skip_digits(const char *text)
{
    while (isdigit((unsigned char)*text))
        text++;
    return text;
}

static const char *skip_sign(const char *text)
{
    return *text == '-' || *text == '+' ? text + 1 : text;
}

enum fl_status fl_parse_int(const char *text,
                            int64_t min,
                            int64_t max,
                            int64_t *ret,
                            struct fl_error *err)
{
    const char *digits = skip_sign(text);
    const char *end = skip_digits(digits);
    if (end == digits || *end != '\0')
        return fl_fail(err, FL_E_CONFIG, "'%s' is not a whole number", text);
    bool is_negative = *text == '-';
    uint64_t limit = is_negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
    uint64_t sum = 0;
    bool is_huge = false;
    for (const char *p = digits; p < end; p++) {
        uint64_t digit = (uint64_t)(*p - '0');
        is_huge = is_huge || sum > (limit - digit) / 10;
        sum = sum * 10 + digit;
    }
    int64_t value = is_negative ? (int64_t)(0 - sum) : (int64_t)sum;
    if (is_huge || value < min || value > max)
        return fl_fail(err, FL_E_CONFIG, "%s is outside [%lld, %lld]", text,
                       (long long)min, (long long)max);
    *ret = value;
    return FL_OK;
}

/* [+-] digits [. digits] [eE [+-] digits], with a digit before the exponent. */
static bool is_decimal(const char *text)
{
    const char *p = skip_sign(text);
    const char *whole = p;
    p = skip_digits(p);
    size_t digits = (size_t)(p - whole);
    if (*p == '.') {
        const char *fraction = ++p;
        p = skip_digits(p);
        digits += (size_t)(p - fraction);
    }
    if (digits == 0)
        return false;
    if (*p == 'e' || *p == 'E') {
        const char *exponent = skip_sign(p + 1);
        p = skip_digits(exponent);
        if (p == exponent)
            return false;
    }
    return *p == '\0';
}

enum fl_status fl_parse_double(
    const char *text, double min, double max, double *ret, struct fl_error *err)
{
    if (!is_decimal(text))
        return fl_fail(err, FL_E_CONFIG, "'%s' is not a number", text);
    locale_t c_locale = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    if (c_locale == (locale_t)0)
        return fl_fail(err, FL_E_NOMEM, "out of memory: C locale");
    locale_t before = uselocale(c_locale);
    double value =
        strtod(text, NULL); /* check: allow BANNEDFUNC: the one place */
    (void)uselocale(before);
    freelocale(c_locale);
    if (!isfinite(value) || value < min || value > max)
        return fl_fail(err, FL_E_CONFIG, "%s is outside [%g, %g]", text, min,
                       max);
    *ret = value;
    return FL_OK;
}

enum fl_status fl_parse_bool(const char *text, bool *ret, struct fl_error *err)
{
    bool is_true = strcmp(text, "true") == 0;
    if (!is_true && strcmp(text, "false") != 0)
        return fl_fail(err, FL_E_CONFIG, "'%s' is not true or false", text);
    *ret = is_true;
    return FL_OK;
}

/* Exactly n digits as a number, or -1. */
static int fixed_digits(const char *text, int n)
{
    int value = 0;
    for (int i = 0; i < n; i++) {
        if (!isdigit((unsigned char)text[i]))
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

/* Days since 1970-01-01 of a Gregorian date (Hinnant, days_from_civil). */
static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year =
        (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && is_leap ? 29 : days[month - 1];
}

enum fl_status
fl_parse_utc(const char *text, int64_t *ret_epoch_s, struct fl_error *err)
{
    size_t length = strlen(text);
    bool has_shape = (length == 17 || length == 20) && text[4] == '-' &&
                     text[7] == '-' && text[10] == 'T' && text[13] == ':' &&
                     text[length - 1] == 'Z' &&
                     (length == 17 || text[16] == ':');
    int year = has_shape ? fixed_digits(text, 4) : -1;
    int month = has_shape ? fixed_digits(text + 5, 2) : -1;
    int day = has_shape ? fixed_digits(text + 8, 2) : -1;
    int hour = has_shape ? fixed_digits(text + 11, 2) : -1;
    int minute = has_shape ? fixed_digits(text + 14, 2) : -1;
    int second = has_shape && length == 20 ? fixed_digits(text + 17, 2) : 0;
    if (!has_shape || year < 1970 || month < 1 || month > 12 || day < 1 ||
        day > days_in_month(year, month) || hour < 0 || hour > 23 ||
        minute < 0 || minute > 59 || second < 0 || second > 59)
        return fl_fail(err, FL_E_CONFIG,
                       "'%s' is not an instant like 2022-06-01T00:00Z", text);
    *ret_epoch_s = days_from_civil(year, month, day) * 86400 + hour * 3600 +
                   minute * 60 + second;
    return FL_OK;
}

void fl_format_utc(int64_t epoch_s, char ret[32])
{
    time_t instant = (time_t)epoch_s;
    struct tm parts;
    if (!gmtime_r(&instant, &parts) ||
        strftime(ret, 32, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        (void)snprintf(ret, 32, "%lld s", (long long)epoch_s);
}

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Optimal string alignment distance, case-blind; texts of up to 63. */
static size_t distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    if (n > 63 || m > 63)
        return SIZE_MAX;
    size_t rows[3][64];
    size_t *two_up = rows[0], *up = rows[1], *row = rows[2];
    for (size_t j = 0; j <= m; j++)
        up[j] = j;
    for (size_t i = 1; i <= n; i++) {
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            int x = tolower((unsigned char)a[i - 1]);
            int y = tolower((unsigned char)b[j - 1]);
            row[j] = min3(up[j] + 1, row[j - 1] + 1, up[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
                y == tolower((unsigned char)a[i - 2]) &&
                two_up[j - 2] + 1 < row[j])
                row[j] = two_up[j - 2] + 1;
        }
        size_t *spare = two_up;
        two_up = up;
        up = row;
        row = spare;
    }
    return up[m];
}

const char *
fl_nearest_name(const char *text, const char *const *names, size_t n)
{
    const char *best = NULL;
    size_t best_distance = strlen(text) / 3 + 2; /* further is no typing slip */
    for (size_t i = 0; i < n; i++) {
        size_t gap = distance(text, names[i]);
        if (gap < best_distance) {
            best = names[i];
            best_distance = gap;
        }
    }
    return best;
}
