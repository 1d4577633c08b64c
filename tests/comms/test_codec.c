/* Frames and plain messages, without sockets. */
#include "base/alloc.h"
#include "comms/comms_fixture.h"

#include <math.h>
#include <string.h>

#define ROUNDS 300

/* Encodes and decodes; the caller frees *d. Tensor data is passed over. */
static enum fl_status there_and_back(const struct comms_message *message,
                                     const struct comms_limits *limits,
                                     enum comms_cut cut,
                                     struct comms_decoder *d,
                                     struct fl_error *err)
{
    uint8_t header[COMMS_HEADER_BYTES];
    uint8_t *meta = NULL;
    size_t n_bytes = 0;
    *d = (struct comms_decoder){.limits = limits};
    FL_TRY(comms_message_check(message, limits, FL_E_ARG, err));
    comms_header_write(message->kind, header);
    FL_TRY(comms_meta_encode(message, limits, cut, &meta, &n_bytes, err));
    enum fl_status status = comms_decode_header(d, header, sizeof header, err);
    if (status == FL_OK)
        status = comms_decode_meta(d, meta, n_bytes, err);
    fl_free(meta);
    return status;
}

static void test_every_kind_comes_back_as_it_was(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < ROUNDS; round++)
        for (int kind = 0; kind < COMMS_KIND_LAST_; kind++) {
            struct fl_rng rng =
                fl_rng_stream(1, FL_RNG_TEST, (uint64_t)kind, round);
            struct room room;
            struct comms_message message =
                random_message(&rng, (enum comms_kind)kind, &room);
            struct comms_decoder d;
            struct fl_error err;
            assert_ok(there_and_back(&message, &comms_limits_default,
                                     COMMS_CUT_FRAMES, &d, &err),
                      &err);
            for (size_t i = 0; i < message.n_tensors; i++)
                d.message.tensors[i].data = message.tensors[i].data;
            assert_same_message(&d.message, &message);
            comms_decoder_fini(&d);
        }
}

static void test_a_zeroed_message_of_every_kind_is_valid(void **state)
{
    (void)state;
    for (int kind = 0; kind < COMMS_KIND_LAST_; kind++) {
        struct comms_message message = {.kind = (enum comms_kind)kind};
        struct comms_decoder d;
        struct fl_error err;
        assert_ok(there_and_back(&message, &comms_limits_default,
                                 COMMS_CUT_FRAMES, &d, &err),
                  &err);
        assert_same_message(&d.message, &message);
        comms_decoder_fini(&d);
    }
}

static void test_kinds_have_names(void **state)
{
    (void)state;
    assert_string_equal(comms_kind_name(COMMS_HELLO), "HELLO");
    assert_string_equal(comms_kind_name(COMMS_BYE), "BYE");
    assert_string_equal(comms_kind_name(COMMS_KIND_LAST_), "unknown");
    assert_string_equal(comms_kind_name((enum comms_kind) - 1), "unknown");
}

static void test_the_header_is_eight_known_bytes(void **state)
{
    (void)state;
    uint8_t header[COMMS_HEADER_BYTES];
    comms_header_write(COMMS_PARTIAL, header);
    const uint8_t expected[] = {'F', 'C', 'W', '1', 3, 0, 4, 0};
    assert_memory_equal(header, expected, sizeof expected);
}

static void test_a_wrong_header_is_refused(void **state)
{
    (void)state;
    for (size_t byte = 0; byte < COMMS_HEADER_BYTES; byte++) {
        uint8_t header[COMMS_HEADER_BYTES + 1];
        comms_header_write(COMMS_BYE, header);
        header[byte] = (uint8_t)(header[byte] ^ 0x80);
        struct comms_decoder d = {.limits = &comms_limits_default};
        struct fl_error err = {0};
        assert_int_equal(
            comms_decode_header(&d, header, COMMS_HEADER_BYTES, &err),
            FL_E_FORMAT);
        assert_true(err.text[0] != '\0');
    }
    uint8_t header[COMMS_HEADER_BYTES + 1] = {0};
    comms_header_write(COMMS_BYE, header);
    for (size_t n = 0; n <= COMMS_HEADER_BYTES + 1; n++) {
        struct comms_decoder d = {.limits = &comms_limits_default};
        enum fl_status status = comms_decode_header(&d, header, n, NULL);
        assert_int_equal(status, n == COMMS_HEADER_BYTES ? FL_OK : FL_E_FORMAT);
    }
}

static enum fl_status decode_bytes(enum comms_kind kind,
                                   const void *meta,
                                   size_t n_bytes,
                                   struct fl_error *err)
{
    struct comms_decoder d = {.limits = &comms_limits_default};
    uint8_t header[COMMS_HEADER_BYTES];
    comms_header_write(kind, header);
    FL_TRY(comms_decode_header(&d, header, sizeof header, err));
    enum fl_status status = comms_decode_meta(&d, meta, n_bytes, err);
    comms_decoder_fini(&d);
    return status;
}

/* Field numbers and wire types as in comms/wire.proto. */
static void test_metadata_that_lie_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *why; /* is in the error's text */
        enum comms_kind kind;
        const char *bytes;
        size_t n;
    } rows[] = {
#define ROW(why, kind, bytes) {why, kind, bytes, sizeof bytes - 1}
        ROW("of another kind", COMMS_HELLO, ""),
        ROW("are no protobuf", COMMS_HELLO, "\xff\xff\xff\xff\xff"),
        ROW("are no protobuf", COMMS_HELLO, "\x12\x05\x08\x01"),
        ROW("of another kind", COMMS_HELLO, "\x1a\x00"),
        ROW("fields that version 3 lacks", COMMS_BYE, "\x42\x00\x78\x01"),
        ROW("fields that version 3 lacks", COMMS_BYE, "\x42\x02\x78\x01"),
        ROW("host has a NUL byte", COMMS_HELLO,
            "\x12\x05\x22\x03"
            "a\0b"),
        ROW("control character 27", COMMS_HELLO,
            "\x12\x05\x22\x03"
            "a\x1b"
            "b"),
        ROW("task kind 9", COMMS_TASK, "\x2a\x02\x10\x09"),
        ROW("task kind 9", COMMS_PARTIAL, "\x32\x02\x10\x09"),
        ROW("round = -1", COMMS_TASK, "\x2a\x02\x20\x01"),
        ROW("client = -1", COMMS_TASK, "\x2a\x03\x32\x01\x01"),
        ROW("client results differ", COMMS_PARTIAL,
            "\x32\x07\x2a\x05\x0a\x01\x02\x12\x00"),
        ROW("scores differ", COMMS_PARTIAL, "\x32\x05\x32\x03\x0a\x01\x02"),
        ROW("profile differ", COMMS_PARTIAL, "\x32\x05\x5a\x03\x1a\x01\x02"),
        ROW("an empty profile", COMMS_PARTIAL, "\x32\x02\x5a\x00"),
        ROW("time_s = -2", COMMS_PARTIAL,
            "\x32\x0f\x5a\x0d\x12\x08\x00\x00\x00\x00\x00\x00\x00\xc0\x1a\x01"
            "\x02"),
        ROW("layers has the control character 27", COMMS_PARTIAL,
            "\x32\x12\x5a\x10\x0a\x01\x1b\x12\x08\x00\x00\x00\x00\x00\x00\x00"
            "\x40\x1a\x01\x02"),
        ROW("done_ratio = nan", COMMS_HEARTBEAT,
            "\x3a\x09\x11\x00\x00\x00\x00\x00\x00\xf8\x7f"),
        ROW("done_ratio = 2", COMMS_HEARTBEAT,
            "\x3a\x09\x11\x00\x00\x00\x00\x00\x00\x00\x40"),
        ROW("1 tensors, allowed 0", COMMS_BYE, "\x0a\x00\x42\x00"),
        ROW("5 tensors, allowed 4", COMMS_MODEL,
            "\x0a\x00\x0a\x00\x0a\x00\x0a\x00\x0a\x00\x22\x00"),
        ROW("has type 7", COMMS_MODEL, "\x0a\x02\x08\x07\x22\x00"),
        ROW("in 0 frames, allowed 1", COMMS_MODEL, "\x0a\x02\x10\x01\x22\x00"),
        ROW("in 2 frames, allowed 1", COMMS_MODEL,
            "\x0a\x04\x10\x01\x18\x02\x22\x00"),
        ROW("in 1 frames, allowed 0", COMMS_MODEL, "\x0a\x02\x18\x01\x22\x00"),
        ROW("9223372036854775808 members", COMMS_MODEL,
            "\x0a\x0b\x10\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01\x22\x00"),
        ROW("4611686018427387904 members", COMMS_MODEL,
            "\x0a\x0c\x10\x80\x80\x80\x80\x80\x80\x80\x80\x40\x18\x01\x22\x00"),
#undef ROW
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fl_error err = {0};
        enum fl_status status =
            decode_bytes(rows[i].kind, rows[i].bytes, rows[i].n, &err);
        if (status != FL_E_FORMAT || !strstr(err.text, rows[i].why))
            fail_msg("%s: %s", rows[i].why, err.text);
    }
}

/* 2 bytes that would become an object each: refused before they do. */
static void test_metadata_may_not_blow_up_in_memory(void **state)
{
    (void)state;
    size_t n = 1 << 20;
    uint8_t *bytes = fl_calloc(n, 1);
    assert_non_null(bytes);
    for (size_t i = 0; i + 1 < n; i += 2)
        bytes[i] = 0x0a; /* an empty tensor */
    assert_int_equal(decode_bytes(COMMS_MODEL, bytes, n, NULL), FL_E_FORMAT);
    for (size_t i = 0; i + 1 < n; i += 2) {
        bytes[i] = 0x32; /* an empty heartbeat, again and again */
        bytes[i + 1] = 0x00;
    }
    assert_int_equal(decode_bytes(COMMS_PARTIAL, bytes, n, NULL), FL_E_FORMAT);
    fl_free(bytes);
}

static void test_what_a_receiver_would_refuse_cannot_be_sent(void **state)
{
    (void)state;
    static char name[COMMS_MAX_NAME + 2], path[COMMS_MAX_TEXT + 2];
    memset(name, 'n', sizeof name - 1);
    memset(path, 'p', sizeof path - 1);
    static char layers[COMMS_MAX_LAYERS + 2];
    memset(layers, 'l', sizeof layers - 1);
    static const int64_t clients[] = {-1};
    static const double times[] = {0.5};
    static const struct comms_score scores[] = {{.n = 1, .correct = 2}};
    static const struct comms_client_result results[] = {{.samples = -1}};
    const struct comms_message rows[] = {
        {.kind = COMMS_KIND_LAST_},
        {.kind = (enum comms_kind) - 1},
        {.kind = COMMS_HELLO, .u.hello.host = name},
        {.kind = COMMS_HELLO, .u.hello.version = "a\nb"},
        {.kind = COMMS_HELLO, .u.hello.blas_kernel = "\x7f"},
        {.kind = COMMS_WELCOME, .u.welcome.cache_dir = path},
        {.kind = COMMS_WELCOME, .u.welcome.heartbeat_wall_s = (double)NAN},
        {.kind = COMMS_WELCOME, .u.welcome.heartbeat_wall_s = -1},
        {.kind = COMMS_MODEL, .u.model.version = -2},
        {.kind = COMMS_TASK, .u.task.kind = COMMS_TASK_LAST_},
        {.kind = COMMS_TASK, .u.task.round = -1},
        {.kind = COMMS_TASK, .u.task = {.first = 2, .count = INT64_MAX - 1}},
        {.kind = COMMS_TASK, .u.task.scale_log2 = 2000},
        {.kind = COMMS_TASK, .u.task.prox_mu = (double)INFINITY},
        {.kind = COMMS_TASK, .u.task = {.clients = clients, .n_clients = 1}},
        {.kind = COMMS_TASK, .u.task = {.clients = NULL, .n_clients = 1}},
        {.kind = COMMS_PARTIAL, .u.partial.weight = -1},
        {.kind = COMMS_PARTIAL, .u.partial.busy_wall_s = -1},
        {.kind = COMMS_PARTIAL, .u.partial = {.scores = scores, .n_scores = 1}},
        {.kind = COMMS_PARTIAL,
         .u.partial = {.clients = results, .n_clients = 1}},
        {.kind = COMMS_PARTIAL,
         .u.partial.profile = {.time_s = times, .calls = clients, .n = 1}},
        {.kind = COMMS_PARTIAL, .u.partial.profile = {.time_s = times, .n = 1}},
        {.kind = COMMS_PARTIAL, .u.partial.profile.wall_s = -1},
        {.kind = COMMS_PARTIAL, .u.partial.profile.layers = layers},
        {.kind = COMMS_HEARTBEAT, .u.heartbeat.done_ratio = 1.5},
        {.kind = COMMS_BYE, .n_tensors = 1},
        {.kind = COMMS_MODEL, .n_tensors = COMMS_MAX_TENSORS + 1},
        {.kind = COMMS_MODEL, .n_tensors = 1, .tensors = {{.n = -1}}},
        {.kind = COMMS_MODEL, .n_tensors = 1, .tensors = {{.n = INT64_MAX}}},
        {.kind = COMMS_MODEL,
         .n_tensors = 1,
         .tensors = {{.type = COMMS_TYPE_LAST_}}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fl_error err = {0};
        int64_t bytes = 0;
        enum fl_status status = comms_message_bytes(&rows[i], &bytes, &err);
        if (status != FL_E_ARG)
            fail_msg("row %zu: %s", i, fl_status_name(status));
        assert_true(err.text[0] != '\0');
    }
}

static void test_limits_hold_on_both_sides(void **state)
{
    (void)state;
    static char scenario[1000];
    memset(scenario, 's', sizeof scenario - 1);
    const struct comms_limits wide = {1000, 2000}, narrow = {100, 200};
    const struct comms_message welcome = {.kind = COMMS_WELCOME,
                                          .u.welcome.scenario = scenario};
    const struct comms_message model = tensor_message(COMMS_F32, NULL, 26);
    const struct comms_message *const both[] = {&welcome, &model};
    for (size_t i = 0; i < 2; i++) {
        struct comms_decoder d;
        struct fl_error err = {0};
        assert_ok(there_and_back(both[i], &wide, COMMS_CUT_FRAMES, &d, &err),
                  &err);
        comms_decoder_fini(&d);
        assert_int_equal(
            there_and_back(both[i], &narrow, COMMS_CUT_FRAMES, &d, &err),
            FL_E_ARG);

        uint8_t *meta = NULL;
        size_t n = 0;
        assert_ok(comms_meta_encode(both[i], &wide, COMMS_CUT_FRAMES, &meta, &n,
                                    &err),
                  &err);
        d = (struct comms_decoder){.limits = &narrow,
                                   .message.kind = both[i]->kind};
        assert_int_equal(comms_decode_meta(&d, meta, n, &err), FL_E_FORMAT);
        comms_decoder_fini(&d);
        fl_free(meta);
    }
}

static void test_tensors_are_cut_into_frames_of_one_mebibyte(void **state)
{
    (void)state;
    const size_t mib = COMMS_FRAME_BYTES;
    assert_int_equal(comms_tensor_frames(0, COMMS_CUT_FRAMES), 0);
    assert_int_equal(comms_tensor_frames(1, COMMS_CUT_FRAMES), 1);
    assert_int_equal(comms_tensor_frames(mib, COMMS_CUT_FRAMES), 1);
    assert_int_equal(comms_tensor_frames(mib + 1, COMMS_CUT_FRAMES), 2);
    assert_int_equal(comms_tensor_frames(45 * mib, COMMS_CUT_FRAMES), 45);
    assert_int_equal(comms_tensor_frames(0, COMMS_CUT_WHOLE), 0);
    assert_int_equal(comms_tensor_frames(45 * mib, COMMS_CUT_WHOLE), 1);
}

static void test_frames_come_in_order_and_size(void **state)
{
    (void)state;
    struct comms_message message = tensor_message(COMMS_I64, NULL, 0);
    message.n_tensors = 3;
    message.tensors[1] =
        (struct comms_tensor){.type = COMMS_F32, .data = NULL, .n = 3};
    message.tensors[2] = (struct comms_tensor){
        .type = COMMS_I64, .data = NULL, .n = (1 << 18) + 1}; /* 2 MiB + 8 */
    const size_t mib = COMMS_FRAME_BYTES;
    const struct {
        size_t n_bytes, tensor;
    } frames[] = {{12, 1}, {mib, 2}, {mib, 2}, {8, 2}};
    for (size_t wrong = 0; wrong <= 4; wrong++) {
        struct comms_decoder d;
        size_t which = 0;
        struct fl_error err;
        assert_ok(there_and_back(&message, &comms_limits_default,
                                 COMMS_CUT_FRAMES, &d, &err),
                  &err);
        assert_int_equal(d.n_frames, 4);
        for (size_t i = 0; i < wrong; i++) {
            assert_int_equal(comms_decode_end(&d, NULL), FL_E_FORMAT);
            assert_ok(comms_decode_next(&d, frames[i].n_bytes, &which, &err),
                      &err);
            assert_int_equal(which, frames[i].tensor);
        }
        if (wrong == 4)
            assert_ok(comms_decode_end(&d, &err), &err);
        assert_int_equal(comms_decode_next(&d, 7, &which, NULL), FL_E_FORMAT);
        comms_decoder_fini(&d);
    }
}

static void test_a_long_failure_is_cut_and_made_printable(void **state)
{
    (void)state;
    static char text[2 * COMMS_MAX_TEXT];
    memset(text, 'x', sizeof text - 1);
    memcpy(text, "a\x1b[31m\n\tb\x7f\xc3\xa4", 12);
    struct comms_message bye = {.kind = COMMS_BYE, .u.bye.reason = text};
    struct comms_decoder d;
    struct fl_error err;
    assert_ok(
        there_and_back(&bye, &comms_limits_default, COMMS_CUT_FRAMES, &d, &err),
        &err);
    assert_int_equal(strlen(d.message.u.bye.reason), COMMS_MAX_TEXT);
    assert_memory_equal(d.message.u.bye.reason, "a?[31m\n\tb?\xc3\xa4", 12);
    comms_decoder_fini(&d);
}

static void test_a_loss_may_be_not_a_number(void **state)
{
    (void)state;
    const struct comms_client_result result = {
        .client = 3, .loss_mean = (double)NAN, .is_refused = true};
    const struct comms_score score = {.n = 1, .loss_sum = -(double)INFINITY};
    const struct comms_message partial = {.kind = COMMS_PARTIAL,
                                          .u.partial = {
                                              .clients = &result,
                                              .n_clients = 1,
                                              .scores = &score,
                                              .n_scores = 1,
                                              .loss_mean = (double)NAN,
                                          }};
    struct comms_decoder d;
    struct fl_error err;
    assert_ok(there_and_back(&partial, &comms_limits_default, COMMS_CUT_FRAMES,
                             &d, &err),
              &err);
    assert_true(isnan(d.message.u.partial.loss_mean));
    assert_true(isnan(d.message.u.partial.clients[0].loss_mean));
    assert_true(isinf(d.message.u.partial.scores[0].loss_sum));
    comms_decoder_fini(&d);
}

static void test_random_bytes_never_do_harm(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < 20000; round++) {
        struct fl_rng rng = fl_rng_stream(2, FL_RNG_TEST, 0, round);
        uint8_t bytes[64];
        size_t n = (size_t)fl_rng_below(&rng, sizeof bytes + 1);
        for (size_t i = 0; i < n; i++)
            bytes[i] = (uint8_t)fl_rng_u32(&rng);
        enum fl_status status =
            decode_bytes((enum comms_kind)fl_rng_below(&rng, COMMS_KIND_LAST_),
                         bytes, n, NULL);
        assert_true(status == FL_OK || status == FL_E_FORMAT);
    }
}

static void test_every_failed_allocation_is_told(void **state)
{
    (void)state;
    for (int kind = 0; kind < COMMS_KIND_LAST_; kind++) {
        struct fl_rng rng = fl_rng_stream(3, FL_RNG_TEST, (uint64_t)kind, 0);
        struct room room;
        struct comms_message message =
            random_message(&rng, (enum comms_kind)kind, &room);
        long nth = 1;
        for (;; nth++) {
            struct comms_decoder d;
            (void)fl_alloc_fail_at(nth);
            enum fl_status status = there_and_back(
                &message, &comms_limits_default, COMMS_CUT_FRAMES, &d, NULL);
            (void)fl_alloc_fail_at(0);
            comms_decoder_fini(&d);
            if (status == FL_OK)
                break;
            assert_int_equal(status, FL_E_NOMEM);
        }
        assert_true(nth > 3); /* metadata, protobuf's objects, the block */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_comes_back_as_it_was),
        cmocka_unit_test(test_a_zeroed_message_of_every_kind_is_valid),
        cmocka_unit_test(test_kinds_have_names),
        cmocka_unit_test(test_the_header_is_eight_known_bytes),
        cmocka_unit_test(test_a_wrong_header_is_refused),
        cmocka_unit_test(test_metadata_that_lie_are_refused),
        cmocka_unit_test(test_metadata_may_not_blow_up_in_memory),
        cmocka_unit_test(test_what_a_receiver_would_refuse_cannot_be_sent),
        cmocka_unit_test(test_limits_hold_on_both_sides),
        cmocka_unit_test(test_tensors_are_cut_into_frames_of_one_mebibyte),
        cmocka_unit_test(test_frames_come_in_order_and_size),
        cmocka_unit_test(test_a_long_failure_is_cut_and_made_printable),
        cmocka_unit_test(test_a_loss_may_be_not_a_number),
        cmocka_unit_test(test_random_bytes_never_do_harm),
        cmocka_unit_test(test_every_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
