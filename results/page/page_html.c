/* Text, JSON and tables as HTML. */
#include "results/page/page_priv.h"

#include "base/sha256.h"

#include <ctype.h>
#include <string.h>

/* What HTML means something by, and what does not print. */
static bool put_special(struct res_text *out, char c)
{
    switch (c) {
    case '&':
        res_text_put(out, "&amp;");
        return true;
    case '<':
        res_text_put(out, "&lt;");
        return true;
    case '>':
        res_text_put(out, "&gt;");
        return true;
    case '"':
        res_text_put(out, "&quot;");
        return true;
    case '\'':
        res_text_put(out, "&#39;");
        return true;
    case '\n':
    case '\t':
        return false;
    default:
        if (!iscntrl((unsigned char)c))
            return false;
        res_text_put(out, "\xef\xbf\xbd");
        return true;
    }
}

static void put_html(struct res_text *out, const char *utf8)
{
    const char *from = utf8, *at = utf8;
    for (; *at; at++) {
        if (!strchr("&<>\"'", *at) && !iscntrl((unsigned char)*at))
            continue;
        res_text_put_bytes(out, from, (size_t)(at - from));
        from = put_special(out, *at) ? at + 1 : at;
    }
    res_text_put_bytes(out, from, (size_t)(at - from));
}

void res_html_text(struct res_text *out, const char *plain)
{
    struct res_text utf8 = {0};
    res_text_put_utf8(&utf8, plain);
    put_html(out, res_text_get(&utf8));
    out->has_failed = out->has_failed || utf8.has_failed;
    res_text_fini(&utf8);
}

/* What print has signs for; where it follows a digit if asked for. */
static const struct {
    const char *plain, *set;
    bool is_behind_digit;
} signs[] = {
    {"CO2e",
     "CO\xe2\x82\x82"
     "e",
     false},
    {" +- ", "\xc2\xa0\xc2\xb1\xc2\xa0", true},
    {" x ", "\xc2\xa0\xc3\x97 ", true},
    {"-95 %",
     "\xe2\x80\x93"
     "95\xc2\xa0%",
     true},
    {" %", "\xc2\xa0%", true},
};

static size_t find_sign(const char *start, const char *at)
{
    size_t i = 0, n = sizeof signs / sizeof signs[0];
    bool is_behind_digit = at > start && isdigit((unsigned char)at[-1]);
    while (i < n && ((signs[i].is_behind_digit && !is_behind_digit) ||
                     strncmp(at, signs[i].plain, strlen(signs[i].plain)) != 0))
        i++;
    return i;
}

void res_html_prose(struct res_text *out, const char *plain)
{
    struct res_text set = {0};
    for (const char *at = plain; *at;) {
        size_t i = find_sign(plain, at);
        bool is_sign = i < sizeof signs / sizeof signs[0];
        res_text_put_bytes(&set, is_sign ? signs[i].set : at,
                           is_sign ? strlen(signs[i].set) : 1);
        at += is_sign ? strlen(signs[i].plain) : 1;
    }
    res_html_text(out, res_text_get(&set));
    out->has_failed = out->has_failed || set.has_failed;
    res_text_fini(&set);
}

/* A json_dump_callback_t: nothing passes that could end the element. */
static int put_json(const char *bytes, size_t n, void *arg)
{
    struct res_text *out = arg;
    for (size_t i = 0; i < n; i++) {
        if (strchr("<>&", bytes[i]))
            res_text_add(out, "\\u%04x", (unsigned)bytes[i]);
        else
            res_text_put_bytes(out, &bytes[i], 1);
    }
    return out->has_failed ? -1 : 0;
}

enum fl_status
res_html_json(struct res_text *out, const json_t *json, struct fl_error *err)
{
    const size_t flags =
        JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(7);
    if (json_dump_callback(json, put_json, out, flags) != 0)
        return fl_fail(err, FL_E_NOMEM, "out of memory: JSON");
    return res_text_check(out, err);
}

static unsigned hex_digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

void res_html_hash(struct res_text *out, const void *bytes, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"
                                 "qrstuvwxyz0123456789+/";
    enum { HASH = 32 };
    char hex[65];
    unsigned hash[HASH + 1] = {0};
    fl_sha256_of(bytes, n, hex);
    for (size_t i = 0; i < HASH; i++)
        hash[i] = hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]);
    res_text_put(out, "sha256-");
    for (size_t i = 0; i < HASH; i += 3) {
        /* 32 = 10 x 3 + 2: the last group has one byte less. */
        unsigned last = i + 2 < HASH ? hash[i + 2] : 0;
        unsigned group = hash[i] << 16 | hash[i + 1] << 8 | last;
        res_text_add(out, "%c%c%c%c", digits[group >> 18],
                     digits[group >> 12 & 63], digits[group >> 6 & 63],
                     i + 2 < HASH ? digits[group & 63] : '=');
    }
}

void res_html_count(struct res_text *out, size_t n)
{
    if (n >= 1000) {
        res_html_count(out, n / 1000);
        res_text_add(out, ",%03zu", n % 1000);
    } else {
        res_text_add(out, "%zu", n);
    }
}

void res_html_region_begin(struct res_text *out,
                           const char *id,
                           const char *caption)
{
    res_text_add(out,
                 "<div class=\"scroll\" role=\"region\" tabindex=\"0\" "
                 "aria-labelledby=\"%s-caption\"><table id=\"%s\">\n"
                 "<caption id=\"%s-caption\">",
                 id, id, id);
    res_html_prose(out, caption);
    res_text_put(out, "</caption>\n");
}

void res_html_region_end(struct res_text *out)
{
    res_text_put(out, "</tbody></table></div>\n");
}

void res_html_head(struct res_text *out,
                   const char *head,
                   const char *unit,
                   bool is_left)
{
    res_text_add(out, "<th scope=\"col\"%s>", is_left ? "" : " class=\"n\"");
    if (strncmp(head, "x ", 2) == 0) {
        res_text_put(out, "\xc3\x97");
        head++;
    }
    res_html_prose(out, head);
    if (unit[0]) {
        res_text_put(out, " <span class=\"unit\">");
        res_html_prose(out, unit);
        res_text_put(out, "</span>");
    }
    res_text_put(out, "</th>");
}

static void put_record(struct res_text *out,
                       const struct res_records *records,
                       const void *row,
                       struct res_text *cell)
{
    const struct res_shown_record *shown = records->shown;
    res_text_put(out, "<tr>");
    for (size_t s = 0; shown[s].column; s++) {
        const struct res_column *column =
            res_records_column(records, shown[s].column);
        bool is_number = res_column_is_number(column);
        const char *tag = s == 0 ? "th scope=\"row\"" : "td";
        res_text_add(out, "<%s", tag);
        if (is_number) {
            res_text_clear(cell);
            res_column_csv(column, row, cell);
            res_text_put(out, " class=\"n\" data-v=\"");
            res_html_text(out, res_text_get(cell));
            res_text_put(out, "\"");
        }
        res_text_put(out, ">");
        res_record_cell(column, &shown[s], row, cell);
        res_html_prose(out, res_text_get(cell));
        res_text_put(out, s == 0 ? "</th>" : "</td>");
    }
    res_text_put(out, "</tr>\n");
}

enum fl_status res_html_records(struct res_text *out,
                                const struct res_records *records,
                                const char *id,
                                const char *caption,
                                struct fl_error *err)
{
    struct res_text cell = {0};
    res_html_region_begin(out, id, caption);
    res_text_put(out, "<thead><tr>");
    for (size_t s = 0; records->shown[s].column; s++)
        res_html_head(out, records->shown[s].head, "",
                      !res_column_is_number(res_records_column(
                          records, records->shown[s].column)));
    res_text_put(out, "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < records->n; i++)
        put_record(out, records,
                   (const char *)records->rows + i * records->stride, &cell);
    res_html_region_end(out);
    enum fl_status status = res_text_check(&cell, err);
    res_text_fini(&cell);
    return status != FL_OK ? status : res_text_check(out, err);
}
