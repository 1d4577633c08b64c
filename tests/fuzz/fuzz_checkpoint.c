/* Checkpoints of the three arms, damaged in ways that a checksum would not
 * show: the input is edits of the state of an arm that has just begun (as in
 * fuzz_store: offset, new value), or bytes in its place, or a shorter one.
 *
 * What is read is refused, or goes on: a turn of its own work, its standing,
 * its model, and a checkpoint again.
 */
#include "fuzz/fuzz_run.h"

#include "base/alloc.h"

#include <string.h>

/* The sound state of an arm, with the input's edits. */
static void damage(struct coord_blob *blob, struct fuzz_input *input)
{
    uint8_t how = fuzz_byte(input);
    if (how % 8 == 7)
        blob->n -= fuzz_byte(input) < blob->n ? fuzz_byte(input) % blob->n : 0;
    for (int i = 0; i < how / 8; i++) {
        /* Its numbers are at the beginning and at the end. */
        size_t at = (size_t)fuzz_byte(input) * 8;
        at = how % 2 ? at : blob->n - 8 - at % blob->n;
        int64_t value = fuzz_number(input);
        if (at + sizeof value <= blob->n)
            memcpy(blob->bytes + at, &value, sizeof value);
    }
}

static void go_on(const struct coord_arm_type *type, void *arm)
{
    struct coord_standing standing;
    type->standing(arm, &standing);
    (void)type->model(arm);
    if (!type->is_done(arm))
        (void)!type->start(arm, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct fuzz_input input = {bytes, n_bytes};
    struct coord_run *run = fuzz_run_open();
    int which = fuzz_byte(&input) % SCN_ARM_LAST_;
    const struct coord_arm_type *type = coord_arm_types[which];
    struct coord_blob written, read;
    coord_blob_init_writer(&written);
    type->state(run->arms[which], &written);
    fuzz_must(coord_blob_done(&written, "sound", NULL) == FL_OK);
    damage(&written, &input);
    coord_blob_init_reader(&read, written.bytes, written.n);
    type->state(run->arms[which], &read);
    if (coord_blob_done(&read, "damaged", NULL) == FL_OK)
        go_on(type, run->arms[which]);
    coord_blob_fini(&read);
    coord_blob_fini(&written);
    fuzz_run_close(run);
    return 0;
}
