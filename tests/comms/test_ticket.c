/* Tickets: as text, as files, and what is refused of either. */
#include "comms/ticket.h"
#include "support/assert_near.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct comms_ticket sample(bool is_encrypted)
{
    struct comms_run_keys keys;
    struct fl_error err = {0};
    struct comms_ticket ticket = {.address = "tcp://node1:40123",
                                  .run_id = "5d0c",
                                  .is_encrypted = is_encrypted};
    assert_ok(comms_run_keys_make(&keys, &err), &err);
    if (is_encrypted)
        ticket.keys = keys.spoke;
    return ticket;
}

static void assert_same(const struct comms_ticket *a,
                        const struct comms_ticket *b)
{
    assert_string_equal(a->address, b->address);
    assert_string_equal(a->run_id, b->run_id);
    assert_int_equal(a->is_encrypted, b->is_encrypted);
    assert_memory_equal(&a->keys, &b->keys, sizeof a->keys);
}

static void test_what_is_written_is_read(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct comms_ticket ticket = sample(i == 1), again = {.run_id = ""};
        char text[COMMS_TICKET_BYTES];
        size_t n = 0;
        struct fl_error err = {0};
        assert_ok(comms_ticket_format(&ticket, text, &n, &err), &err);
        assert_int_equal(strlen(text), n);
        assert_ok(comms_ticket_parse("here", text, n, &again, &err), &err);
        assert_same(&ticket, &again);
        assert_int_equal(strstr(text, "secret") != NULL, i == 1);
    }
}

static void test_any_other_text_is_refused_without_showing_the_keys(void **_)
{
    (void)_;
    struct comms_ticket ticket = sample(true), again;
    char text[COMMS_TICKET_BYTES];
    size_t n = 0;
    struct fl_error err = {0};
    assert_ok(comms_ticket_format(&ticket, text, &n, &err), &err);
    for (size_t cut = 0; cut < n; cut++) { /* every beginning */
        assert_int_equal(comms_ticket_parse("t", text, cut, &again, &err),
                         FL_E_FORMAT);
        assert_null(strstr(err.text, ticket.keys.secret_key));
    }
    for (size_t at = 0; at < n; at++) { /* every byte damaged */
        char bad[COMMS_TICKET_BYTES];
        memcpy(bad, text, n);
        bad[at] = (char)(bad[at] ^ 0x80);
        assert_int_equal(comms_ticket_parse("t", bad, n, &again, &err),
                         FL_E_FORMAT);
        bad[at] = '\n';
        if (text[at] != '\n')
            assert_int_equal(comms_ticket_parse("t", bad, n, &again, &err),
                             FL_E_FORMAT);
        assert_null(strstr(err.text, ticket.keys.secret_key));
    }
    assert_int_equal(comms_ticket_parse("t", text, n + 1, &again, &err),
                     FL_E_FORMAT); /* the NUL is no part of it */
}

static void test_fields_that_would_not_be_read_are_not_written(void **state)
{
    (void)state;
    struct comms_ticket ticket = sample(true);
    char text[COMMS_TICKET_BYTES] = "as before";
    size_t n = 0;
    struct fl_error err = {0};
    (void)snprintf(ticket.address, sizeof ticket.address, "tcp://a b:1");
    assert_int_equal(comms_ticket_format(&ticket, text, &n, &err), FL_E_ARG);
    ticket = sample(true);
    ticket.run_id[0] = '\0';
    assert_int_equal(comms_ticket_format(&ticket, text, &n, &err), FL_E_ARG);
    ticket = sample(true);
    ticket.keys.secret_key[5] = '\0';
    assert_int_equal(comms_ticket_format(&ticket, text, &n, &err), FL_E_ARG);
    assert_string_equal(text, "as before");
}

static void test_a_file_is_this_users_alone_or_refused(void **state)
{
    (void)state;
    char dir[] = "/tmp/fedcarbon-ticket-XXXXXX", path[64], link[64];
    struct comms_ticket ticket = sample(true), again;
    struct stat info;
    struct fl_error err = {0};
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/t", dir);
    (void)snprintf(link, sizeof link, "%s/pipe", dir);
    mode_t mask = umask(0); /* not the umask protects it */
    assert_ok(comms_ticket_write(&ticket, path, &err), &err);
    (void)umask(mask);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_ok(comms_ticket_read(path, &again, &err), &err);
    assert_same(&ticket, &again);
    static const mode_t modes[] = {0640, 0604, 0620, 0602, 0644, 0610};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        assert_int_equal(chmod(path, modes[i]), 0);
        assert_int_equal(comms_ticket_read(path, &again, &err), FL_E_CONFIG);
        assert_non_null(strstr(err.text, "allowed 0600"));
    }
    assert_int_equal(mkfifo(link, 0600), 0); /* and it does not wait for it */
    assert_int_equal(comms_ticket_read(link, &again, &err), FL_E_CONFIG);
    assert_int_equal(comms_ticket_read(dir, &again, &err), FL_E_CONFIG);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(comms_ticket_read(path, &again, &err), FL_E_IO);
    assert_int_equal(unlink(link), 0);
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(
            test_any_other_text_is_refused_without_showing_the_keys),
        cmocka_unit_test(test_fields_that_would_not_be_read_are_not_written),
        cmocka_unit_test(test_a_file_is_this_users_alone_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
