/* What the fuzz targets of message handlers share: input bytes turned into
 * numbers and into messages that could be sent, a small scenario, and a folder
 * in memory. Nothing here fails; where no bytes are left, all is zero. */
#ifndef FUZZ_FUZZ_INPUT_H
#define FUZZ_FUZZ_INPUT_H

#include "comms/message.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

struct fuzz_input {
    const uint8_t *at;
    size_t left;
};

uint8_t fuzz_byte(struct fuzz_input *input);
/* Small ones, neighbours of small ones, and extremes. */
int64_t fuzz_number(struct fuzz_input *input);
double fuzz_real(struct fuzz_input *input);

#define FUZZ_ROWS 8
struct fuzz_room {
    int64_t clients[FUZZ_ROWS];
    struct comms_client_result results[FUZZ_ROWS];
    struct comms_score scores[FUZZ_ROWS];
    double times[FUZZ_ROWS];
    int64_t calls[FUZZ_ROWS];
};

/* A message of any kind with any fields. Tensors have about n_params members.
 * Its tables are in `room`. */
struct comms_message fuzz_message(struct fuzz_input *input,
                                  int64_t n_params,
                                  struct fuzz_room *room);

/* Changes one field. */
void fuzz_bend(struct fuzz_input *input,
               int64_t n_params,
               struct comms_message *message,
               struct fuzz_room *room);

/* Zeros; [FUZZ_MEMBERS] of 8 bytes. */
#define FUZZ_MEMBERS 16384
extern const int64_t fuzz_zeros[FUZZ_MEMBERS];

/* All arms, six clients, glyphs, logreg. */
extern const char fuzz_scenario[];

/* A folder that is removed, with what is in it, at the end of the process. */
const char *fuzz_folder(void);

void fuzz_must(bool is_true);

#endif
