/* Addresses: what is bound, what is refused and how it is told. */
#include "comms/comms_fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void test_the_bound_port_is_told(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, "tcp", NULL);
    const char *address = comms_endpoint_address(pair.hub);
    assert_int_equal(strncmp(address, "tcp://127.0.0.1:", 16), 0);
    assert_true(strcmp(address, "tcp://127.0.0.1:0") != 0);
    pair_close(&pair);
}

static void check_refusal(enum fl_status status,
                          enum fl_status expected,
                          const struct fl_error *err,
                          const char *address,
                          const char *needle)
{
    if (status != expected)
        fail_msg("%s: %s", address, fl_status_name(status));
    if (expected == FL_OK)
        return;
    if (!strstr(err->text, address) || !strstr(err->text, needle))
        fail_msg("%s: expected '%s' in: %s", address, needle, err->text);
}

static void test_an_address_in_use_is_refused(void **state)
{
    (void)state;
    for (size_t t = 0; transport_names[t]; t++) {
        struct pair pair;
        pair_open(&pair, transport_names[t], NULL);
        struct comms_endpoint *second = NULL;
        struct fl_error err;
        const char *address = comms_endpoint_address(pair.hub);
        enum fl_status status =
            comms_hub_create(pair.context, address, NULL, &second, &err);
        check_refusal(status, FL_E_IO, &err, address, "ddress already in use");
        assert_null(second);
        pair_greet(&pair); /* the first one was not harmed */
        pair_close(&pair);
    }
}

static void test_bad_addresses_are_refused(void **state)
{
    (void)state;
    char long_path[160] = "ipc:///tmp/";
    memset(long_path + 11, 'a', 103); /* 108 bytes behind ipc:// */
    char endless[700] = "inproc://";
    memset(endless + 9, 'b', sizeof endless - 10);
    const struct {
        const char *address, *needle;
        enum fl_status as_hub, as_spoke;
    } rows[] = {
        {"", "no such transport", FL_E_CONFIG, FL_E_CONFIG},
        {"udp://127.0.0.1:1", "no such transport", FL_E_CONFIG, FL_E_CONFIG},
        {"localhost:1234", "no such transport", FL_E_CONFIG, FL_E_CONFIG},
        {"ipc://", "nothing behind", FL_E_CONFIG, FL_E_CONFIG},
        {"tcp://127.0.0.1", "no port", FL_E_CONFIG, FL_E_CONFIG},
        {"tcp://127.0.0.1:", "port ''", FL_E_CONFIG, FL_E_CONFIG},
        {"tcp://127.0.0.1:12x", "port '12x'", FL_E_CONFIG, FL_E_CONFIG},
        {"tcp://127.0.0.1:65536", "0 to 65535", FL_E_CONFIG, FL_E_CONFIG},
        {"tcp://203.0.113.1:1234", "cannot listen", FL_E_IO, FL_OK},
        {"tcp://no-such-host.invalid:1", "", FL_E_IO, FL_E_IO},
        {"tcp://127.0.0.1:0", "", FL_OK, FL_E_CONFIG},
        {"tcp://127.0.0.1:*", "", FL_OK, FL_E_CONFIG},
        {"ipc:///no-such-dir/hub", "cannot listen", FL_E_IO, FL_OK},
        {long_path, "108 bytes, allowed 107", FL_E_IO, FL_E_IO},
        {endless, "allowed 511", FL_E_IO, FL_E_IO},
    };
    struct fl_error err;
    struct comms_context *context;
    assert_ok(comms_context_create(&context, &err), &err);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct comms_endpoint *endpoint = NULL;
        char shown[41];
        (void)snprintf(shown, sizeof shown, "%s", rows[i].address);
        enum fl_status status =
            comms_hub_create(context, rows[i].address, NULL, &endpoint, &err);
        check_refusal(status, rows[i].as_hub, &err, shown, rows[i].needle);
        comms_endpoint_destroy(endpoint, 0.0);
        endpoint = NULL;
        status =
            comms_spoke_create(context, rows[i].address, NULL, &endpoint, &err);
        check_refusal(status, rows[i].as_spoke, &err, shown, "");
        comms_endpoint_destroy(endpoint, 0.0);
    }
    comms_context_destroy(context);
}

static void test_an_unknown_host_is_told_at_once(void **state)
{
    (void)state;
    struct fl_error err;
    struct comms_context *context;
    struct comms_endpoint *spoke = NULL;
    assert_ok(comms_context_create(&context, &err), &err);
    enum fl_status status = comms_spoke_create(
        context, "tcp://no-such-host.invalid:1", NULL, &spoke, &err);
    check_refusal(status, FL_E_IO, &err, "tcp://no-such-host.invalid:1",
                  "unknown host 'no-such-host.invalid'");
    comms_context_destroy(context);
}

static void test_a_file_in_the_way_is_not_deleted(void **state)
{
    (void)state;
    char address[128], dir[64], path[100];
    fresh_address("ipc", address, dir);
    (void)snprintf(path, sizeof path, "%s/hub", dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    struct fl_error err;
    struct comms_context *context;
    struct comms_endpoint *hub = NULL;
    assert_ok(comms_context_create(&context, &err), &err);
    enum fl_status status =
        comms_hub_create(context, address, NULL, &hub, &err);
    check_refusal(status, FL_E_IO, &err, address, "is no socket");
    struct stat found;
    assert_int_equal(stat(path, &found), 0);
    comms_context_destroy(context);
    (void)unlink(path);
    remove_dir(dir);
}

static void test_a_hub_leaves_no_socket_behind(void **state)
{
    (void)state;
    char address[128], dir[64];
    fresh_address("ipc", address, dir);
    struct fl_error err;
    struct comms_context *context;
    assert_ok(comms_context_create(&context, &err), &err);
    for (int i = 0; i < 5; i++) { /* and the path is free again at once */
        struct comms_endpoint *hub, *spoke;
        assert_ok(comms_hub_create(context, address, NULL, &hub, &err), &err);
        assert_ok(comms_spoke_create(context, address, NULL, &spoke, &err),
                  &err);
        struct comms_message message = beat(3);
        must_send(spoke, 1, &message);
        struct comms_received received = must_receive(hub);
        comms_received_fini(&received);
        comms_endpoint_destroy(spoke, 0.0);
        comms_endpoint_destroy(hub, 0.0);
    }
    comms_context_destroy(context);
    assert_int_equal(rmdir(dir), 0); /* it is empty */
}

static void test_a_socket_that_nobody_serves_is_replaced(void **state)
{
    (void)state;
    char address[128], dir[64];
    fresh_address("ipc", address, dir);
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    (void)snprintf(name.sun_path, sizeof name.sun_path, "%s/hub", dir);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&name, sizeof name), 0);
    (void)close(fd); /* as after kill -9: the file stays */
    struct fl_error err;
    struct comms_context *context;
    struct comms_endpoint *hub;
    assert_ok(comms_context_create(&context, &err), &err);
    assert_ok(comms_hub_create(context, address, NULL, &hub, &err), &err);
    comms_endpoint_destroy(hub, 0.0);
    comms_context_destroy(context);
    assert_int_equal(rmdir(dir), 0);
}

static void test_an_unwritable_directory_is_told(void **state)
{
    (void)state;
    if (geteuid() == 0) {
        print_message("skipped: root may write everywhere\n");
        skip();
    }
    char address[128], dir[64];
    fresh_address("ipc", address, dir);
    assert_int_equal(chmod(dir, 0500), 0);
    struct fl_error err;
    struct comms_context *context;
    struct comms_endpoint *hub = NULL;
    assert_ok(comms_context_create(&context, &err), &err);
    enum fl_status status =
        comms_hub_create(context, address, NULL, &hub, &err);
    check_refusal(status, FL_E_IO, &err, address, "Permission denied");
    comms_context_destroy(context);
    remove_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_bound_port_is_told),
        cmocka_unit_test(test_an_address_in_use_is_refused),
        cmocka_unit_test(test_bad_addresses_are_refused),
        cmocka_unit_test(test_an_unknown_host_is_told_at_once),
        cmocka_unit_test(test_a_file_in_the_way_is_not_deleted),
        cmocka_unit_test(test_a_hub_leaves_no_socket_behind),
        cmocka_unit_test(test_a_socket_that_nobody_serves_is_replaced),
        cmocka_unit_test(test_an_unwritable_directory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
