#include "comms/ticket.h"

#include "base/file.h"

#include <sodium/utils.h>
#include <stdio.h>
#include <string.h>

#define VERSION 1

/* A text that is read line by line. */
struct reader {
    const char *where;
    const char *at, *end;
    int line; /* of the line at `at` */
    struct fl_error *err;
};

static bool is_printable(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return n > 0;
}

/* Errors show keys of lines, never what stands behind them: it is secret. */
static enum fl_status wanted(const struct reader *reader, const char *what)
{
    return fl_fail(reader->err, FL_E_FORMAT,
                   "%s:%d: no ticket of a run: allowed here: %s", reader->where,
                   reader->line, what);
}

/* The rest of a line that starts with the key and one space: 1 to size - 1
 * printable bytes, without spaces. */
static enum fl_status
take(struct reader *reader, const char *key, char *ret, size_t size)
{
    size_t n_key = strlen(key);
    size_t left = (size_t)(reader->end - reader->at);
    const char *newline = memchr(reader->at, '\n', left);
    if (!newline || left < n_key + 1 || memcmp(reader->at, key, n_key) != 0 ||
        reader->at[n_key] != ' ')
        return wanted(reader, key);
    const char *value = reader->at + n_key + 1;
    size_t n = value < newline ? (size_t)(newline - value) : 0;
    if (n >= size || !is_printable(value, n))
        return fl_fail(reader->err, FL_E_FORMAT,
                       "%s:%d: %s of %zu bytes, allowed 1 to %zu printable "
                       "ones without spaces",
                       reader->where, reader->line, key, n, size - 1);
    memcpy(ret, value, n);
    ret[n] = '\0';
    reader->at = newline + 1;
    reader->line++;
    return FL_OK;
}

static enum fl_status take_keys(struct reader *reader, struct comms_keys *ret)
{
    FL_TRY(take(reader, "server_public_key", ret->peer_key, COMMS_KEY_TEXT));
    FL_TRY(take(reader, "client_public_key", ret->public_key, COMMS_KEY_TEXT));
    FL_TRY(take(reader, "client_secret_key", ret->secret_key, COMMS_KEY_TEXT));
    if (comms_keys_are_sound(ret))
        return FL_OK;
    return fl_fail(reader->err, FL_E_FORMAT,
                   "%s: damaged: its keys are none, or do not belong together",
                   reader->where);
}

static enum fl_status take_all(struct reader *reader, struct comms_ticket *ret)
{
    static const char end[] = "end\n";
    char word[16];
    FL_TRY(take(reader, "fedcarbon-ticket", word, sizeof word));
    if (strcmp(word, "1") != 0)
        return fl_fail(reader->err, FL_E_FORMAT,
                       "%s:1: ticket version %s, allowed %d", reader->where,
                       word, VERSION);
    FL_TRY(take(reader, "address", ret->address, sizeof ret->address));
    FL_TRY(take(reader, "run", ret->run_id, sizeof ret->run_id));
    FL_TRY(take(reader, "encrypted", word, sizeof word));
    ret->is_encrypted = strcmp(word, "yes") == 0;
    if (!ret->is_encrypted && strcmp(word, "no") != 0)
        return fl_fail(reader->err, FL_E_FORMAT,
                       "%s:%d: encrypted = %s, allowed yes, no", reader->where,
                       reader->line - 1, word);
    if (ret->is_encrypted)
        FL_TRY(take_keys(reader, &ret->keys));
    if ((size_t)(reader->end - reader->at) != sizeof end - 1 ||
        memcmp(reader->at, end, sizeof end - 1) != 0)
        return wanted(reader, "end, and nothing behind it");
    return FL_OK;
}

enum fl_status comms_ticket_parse(const char *where,
                                  const char *text,
                                  size_t n_bytes,
                                  struct comms_ticket *ret,
                                  struct fl_error *err)
{
    struct comms_ticket ticket = {.is_encrypted = false};
    struct reader reader = {where, text, text + n_bytes, 1, err};
    if (n_bytes >= COMMS_TICKET_BYTES)
        return fl_fail(err, FL_E_FORMAT,
                       "%s: more than %d bytes: no ticket of a run", where,
                       COMMS_TICKET_BYTES - 1);
    enum fl_status status = take_all(&reader, &ticket);
    if (status == FL_OK)
        *ret = ticket;
    comms_ticket_forget(&ticket);
    return status;
}

enum fl_status comms_ticket_format(const struct comms_ticket *ticket,
                                   char ret[COMMS_TICKET_BYTES],
                                   size_t *ret_bytes,
                                   struct fl_error *err)
{
    char text[COMMS_TICKET_BYTES];
    const struct comms_keys *keys = &ticket->keys;
    int n = snprintf(text, sizeof text,
                     "fedcarbon-ticket %d\naddress %s\nrun %s\nencrypted %s\n",
                     VERSION, ticket->address, ticket->run_id,
                     ticket->is_encrypted ? "yes" : "no");
    if (ticket->is_encrypted && n > 0 && (size_t)n < sizeof text)
        n += snprintf(text + n, sizeof text - (size_t)n,
                      "server_public_key %s\nclient_public_key %s\n"
                      "client_secret_key %s\n",
                      keys->peer_key, keys->public_key, keys->secret_key);
    if (n > 0 && (size_t)n < sizeof text)
        n += snprintf(text + n, sizeof text - (size_t)n, "end\n");
    struct comms_ticket again = {.is_encrypted = false};
    struct fl_error why = {0};
    enum fl_status status = FL_E_ARG;
    if (n > 0 && (size_t)n < sizeof text)
        status = comms_ticket_parse("ticket", text, (size_t)n, &again, &why);
    if (status == FL_OK) {
        memcpy(ret, text, (size_t)n + 1);
        *ret_bytes = (size_t)n;
    } else {
        status = fl_fail(err, FL_E_ARG, "%s",
                         why.text[0] ? why.text : "ticket: too long");
    }
    sodium_memzero(text, sizeof text);
    comms_ticket_forget(&again);
    return status;
}

enum fl_status comms_ticket_write(const struct comms_ticket *ticket,
                                  const char *path,
                                  struct fl_error *err)
{
    char text[COMMS_TICKET_BYTES];
    size_t n = 0;
    FL_TRY(comms_ticket_format(ticket, text, &n, err));
    enum fl_status status = fl_file_write_private(path, text, n, err);
    sodium_memzero(text, sizeof text);
    return status;
}

/* Until the ticket's last line: who writes into our pipe may keep it open. */
static enum fl_status read_input(char ret[COMMS_TICKET_BYTES],
                                 struct fl_error *err)
{
    size_t n = 0;
    while (n < COMMS_TICKET_BYTES - 1 &&
           fgets(ret + n, (int)(COMMS_TICKET_BYTES - n), stdin)) {
        bool is_last = strcmp(ret + n, "end\n") == 0;
        n += strlen(ret + n);
        if (is_last)
            break;
    }
    ret[n] = '\0';
    return ferror(stdin) ? fl_fail(err, FL_E_IO, "standard input: cannot read")
                         : FL_OK;
}

enum fl_status comms_ticket_read(const char *path,
                                 struct comms_ticket *ret,
                                 struct fl_error *err)
{
    char text[COMMS_TICKET_BYTES];
    bool is_input = strcmp(path, "-") == 0;
    enum fl_status status =
        is_input ? read_input(text, err)
                 : fl_file_read_private(path, text, sizeof text, err);
    if (status == FL_OK)
        status = comms_ticket_parse(is_input ? "standard input" : path, text,
                                    strlen(text), ret, err);
    sodium_memzero(text, sizeof text);
    return status;
}

void comms_ticket_forget(struct comms_ticket *ticket)
{
    sodium_memzero(ticket, sizeof *ticket);
}
