/* What a server of views answers, and which host names and tags it knows. */
#include "base/alloc.h"
#include "cli/live/serve_site.h"
#include "support/assert_near.h"

#include <string.h>

static bool is_ours(const char *host)
{
    static const char *const names[] = {"lab.example", "two"};
    return cli_host_is_ours(host, names, 2);
}

static void test_addresses_and_localhost_are_ours_with_any_port(void **state)
{
    static const char *const hosts[] = {
        "localhost",      "LOCALHOST:1", "localhost:65535", "127.0.0.1",
        "127.0.0.1:80",   "10.1.2.3",    "[::1]",           "[::1]:8642",
        "[fe80::1]:8642", "lab.example", "Lab.Example:80",  "two:1"};
    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
        if (!is_ours(hosts[i]))
            fail_msg("%s is refused", hosts[i]);
}

/* Whoever can give a name our address could read us under it. */
static void test_names_of_others_are_not_ours(void **state)
{
    static const char *const hosts[] = {"",
                                        ":80",
                                        "evil.example",
                                        "localhost.evil.example",
                                        "evil.localhost.example:80",
                                        "127.0.0.1.nip.io",
                                        "127.0.0.1x",
                                        "127.0.0",
                                        "localhost:",
                                        "localhost:x",
                                        "localhost:65536",
                                        "localhost:80:80",
                                        "[::1",
                                        "[::1]x",
                                        "[127.0.0.1]",
                                        "[]",
                                        "::1",
                                        "lab.example.evil",
                                        "ab.example",
                                        "tw",
                                        "127.0.0.1 "};
    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
        if (is_ours(hosts[i]))
            fail_msg("%s is let in", hosts[i]);
}

static void test_tags_are_found_in_lists(void **state)
{
    (void)state;
    assert_true(cli_etag_matches("\"a\"", "\"a\""));
    assert_true(cli_etag_matches("\"b\" , W/\"a\"", "\"a\""));
    assert_true(cli_etag_matches("*", "\"a\""));
    assert_false(cli_etag_matches("", "\"a\""));
    assert_false(cli_etag_matches("a", "\"a\""));
    assert_false(cli_etag_matches("\"aa\"", "\"a\""));
    assert_false(cli_etag_matches("\"a\"", ""));
    assert_false(cli_etag_matches("W/", "\"a\""));
}

static void test_pages_have_tags_that_follow_their_bytes(void **state)
{
    (void)state;
    struct cli_site *site;
    struct fl_error err;
    struct cli_answer one, other;
    assert_ok(cli_site_create(NULL, 0, &site, &err), &err);
    cli_site_get(site, "/", NULL, NULL, &one);
    cli_site_get(site, "/live.js", NULL, NULL, &other);
    assert_int_equal(one.code, 200);
    assert_int_equal(strlen(one.etag), 34);
    assert_string_not_equal(one.etag, other.etag);
    cli_site_get(site, "/", NULL, NULL, &other);
    assert_string_equal(one.etag, other.etag);
    cli_site_get(site, "/state.json", NULL, NULL, &one);
    assert_string_equal(one.bytes, "{\"views\":[]}\n");
    cli_site_get(site, "/charts/power.json", NULL, NULL, &one);
    assert_int_equal(one.code, 404); /* there is no run */
    cli_site_get(site, "/metrics", "0", "0", &one);
    assert_int_equal(one.code, 404);
    cli_site_get(site, "/no", NULL, NULL, &one);
    assert_int_equal(one.code, 404);
    cli_site_destroy(site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_and_localhost_are_ours_with_any_port),
        cmocka_unit_test(test_names_of_others_are_not_ours),
        cmocka_unit_test(test_tags_are_found_in_lists),
        cmocka_unit_test(test_pages_have_tags_that_follow_their_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
