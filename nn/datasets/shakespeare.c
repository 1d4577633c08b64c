/* Shakespeare by role: the next character of what a role of the plays says, as
 * in McMahan et al. 2017 and LEAF (Caldas et al. 2018), from the text known as
 * tinyshakespeare (A. Karpathy, 1.1 million characters, public domain).
 *
 * A sample is a window of `length` characters as token numbers, its label is
 * the character that follows. Tokens number the distinct bytes of the text (65)
 * in byte order. Groups are the roles, in the order of their names. All that a
 * role says, in the order of the plays and joined by newlines, is cut in time:
 * windows of the test split lie, with their labels, wholly in the last fifth of
 * it, those of the training split in the part before. Roles that say less than
 * `min_characters`, or too little for a window on either side, are left out.
 *
 * LEAF starts a window at every character. Neighbours then share all but one
 * character, and a pass over the set costs `length` passes over the text; the
 * default starts one every tenth (test: fortieth), which `stride: 1,
 * test_stride: 1` undoes. */
#include "nn/dataset_type.h"

#include "base/alloc.h"
#include "base/parse.h"

#include <string.h>

enum { TEXT, SPEECHES };

static const struct nn_source sources[] = {
    [TEXT] =
        {"tinyshakespeare.txt",
         "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
         false},
    [SPEECHES] =
        {"speeches.tsv",
         "564eea42db1dd253c78c39d4534b3acd09a65484058a86c09900bdb0da6d0b0d",
         false},
    {0},
};

static const char *const folders[] = {"shakespeare", NULL};

struct options {
    bool verify;
    int64_t length;
    int64_t stride;
    int64_t test_stride;
    int64_t min_characters;
};

static const struct fl_param params[] = {
    NN_VERIFY_PARAM(offsetof(struct options, verify)),
    {.key = "length",
     .kind = FL_PARAM_INT,
     .offset = offsetof(struct options, length),
     .min = 1,
     .max = 10000,
     .def = "80",
     .doc = "characters of a window"},
    {.key = "stride",
     .kind = FL_PARAM_INT,
     .offset = offsetof(struct options, stride),
     .min = 1,
     .max = 10000,
     .def = "10",
     .doc = "characters from one training window to the next"},
    {.key = "test_stride",
     .kind = FL_PARAM_INT,
     .offset = offsetof(struct options, test_stride),
     .min = 1,
     .max = 10000,
     .def = "40",
     .doc = "characters from one test window to the next"},
    {.key = "min_characters",
     .kind = FL_PARAM_INT,
     .offset = offsetof(struct options, min_characters),
     .max = 1e9,
     .def = "500",
     .doc = "roles that say less are left out"},
    {0},
};

#define MAX_TEXT_BYTES ((size_t)1 << 28)
#define MAX_SET_BYTES  ((int64_t)1 << 32)

/* One row of speeches.tsv. */
struct speech {
    const char *role; /* of the table's bytes */
    int64_t at;       /* of the text */
    int64_t n;
};

struct play {
    uint8_t *text;
    size_t n_text;
    uint8_t *table; /* cut into strings */
    size_t n_table;
    struct speech *speech;
    size_t n_speeches, capacity;
    uint8_t token[256]; /* of a byte */
    uint8_t *said;      /* by one role, as tokens */
};

static enum fl_status fail_line(const struct nn_dataset_job *job,
                                int64_t line,
                                const char *what,
                                struct fl_error *err)
{
    return fl_fail(err, FL_E_FORMAT,
                   "%s:%lld: %s, expected role, offset and length of a speech "
                   "with tabs between, sorted by role and offset",
                   nn_dataset_path(job, SPEECHES), (long long)line, what);
}

/* Cuts one line in place. */
static enum fl_status read_speech(const struct nn_dataset_job *job,
                                  const struct play *play,
                                  int64_t line,
                                  char *text,
                                  struct speech *ret,
                                  struct fl_error *err)
{
    char *at = strchr(text, '\t');
    char *n = at ? strchr(at + 1, '\t') : NULL;
    if (!n || at == text)
        return fail_line(job, line, "not three fields", err);
    *at++ = *n++ = '\0';
    struct speech speech = {.role = text};
    int64_t n_text = (int64_t)play->n_text;
    if (fl_parse_int(at, 0, n_text - 1, &speech.at, NULL) != FL_OK ||
        fl_parse_int(n, 1, n_text - speech.at, &speech.n, NULL) != FL_OK)
        return fail_line(job, line, "a number outside the text", err);
    if (play->n_speeches > 0) {
        const struct speech *last = &play->speech[play->n_speeches - 1];
        int order = strcmp(last->role, speech.role);
        if (order > 0 || (order == 0 && last->at + last->n > speech.at))
            return fail_line(job, line, "out of order", err);
    }
    *ret = speech;
    return FL_OK;
}

static enum fl_status read_speeches(const struct nn_dataset_job *job,
                                    struct play *play,
                                    struct fl_error *err)
{
    char *text = (char *)play->table, *end = text + play->n_table;
    for (int64_t line = 1; text < end; line++) {
        char *stop = memchr(text, '\n', (size_t)(end - text));
        stop = stop ? stop : end; /* where a NUL is already */
        *stop = '\0';
        if (*text && *text != '#') {
            FL_TRY(fl_grow(&play->speech, &play->capacity, play->n_speeches + 1,
                           sizeof *play->speech, err));
            FL_TRY(read_speech(job, play, line, text,
                               &play->speech[play->n_speeches], err));
            play->n_speeches++;
        }
        text = stop + 1;
    }
    return FL_OK;
}

/* Numbers the bytes that occur, and the newline that joins speeches. */
static int64_t number_tokens(struct play *play)
{
    bool occurs[256] = {['\n'] = true};
    for (size_t i = 0; i < play->n_text; i++)
        occurs[play->text[i]] = true;
    int64_t n = 0;
    for (int byte = 0; byte < 256; byte++)
        if (occurs[byte])
            play->token[byte] = (uint8_t)n++;
    return n;
}

static enum fl_status read_play(const struct nn_dataset_job *job,
                                bool verify,
                                struct play *play,
                                struct fl_error *err)
{
    FL_TRY(nn_dataset_read(job, TEXT, MAX_TEXT_BYTES, &play->text,
                           &play->n_text, err));
    FL_TRY(nn_dataset_read(job, SPEECHES, MAX_TEXT_BYTES, &play->table,
                           &play->n_table, err));
    if (verify) {
        FL_TRY(
            nn_dataset_verify(job, TEXT, play->text, play->n_text, NULL, err));
        FL_TRY(nn_dataset_verify(job, SPEECHES, play->table, play->n_table,
                                 NULL, err));
    }
    FL_TRY(read_speeches(job, play, err));
    play->said = fl_calloc(play->n_text + play->n_speeches + 1, 1);
    return play->said ? FL_OK
                      : fl_fail(err, FL_E_NOMEM,
                                "data set 'shakespeare': out "
                                "of memory");
}

/* All that the role of speech *first says, as tokens; *first moves on to the
 * next role. characters: without the newlines that join. */
static int64_t
gather_role(struct play *play, size_t *first, int64_t *ret_characters)
{
    const char *role = play->speech[*first].role;
    int64_t n = 0, characters = 0;
    size_t i = *first;
    for (; i < play->n_speeches && strcmp(play->speech[i].role, role) == 0;
         i++) {
        const struct speech *speech = &play->speech[i];
        if (n > 0)
            play->said[n++] = play->token['\n'];
        for (int64_t k = 0; k < speech->n; k++)
            play->said[n++] = play->token[play->text[speech->at + k]];
        characters += speech->n;
    }
    *first = i;
    *ret_characters = characters;
    return n;
}

/* Windows of length + 1 characters in n. */
static int64_t count_windows(int64_t n, int64_t length, int64_t stride)
{
    return n <= length ? 0 : (n - length - 1) / stride + 1;
}

static void put_windows(const uint8_t *said,
                        int64_t windows,
                        int64_t length,
                        int64_t stride,
                        struct nn_raw_split *split)
{
    for (int64_t w = 0; w < windows; w++, said += stride, split->n++) {
        memcpy(split->pixels + split->n * length, said, (size_t)length);
        split->labels[split->n] = said[length];
        split->groups[split->n] = (int32_t)split->n_groups;
    }
    split->n_groups++;
}

/* Role by role, either just counted or written too. */
static void take_roles(const struct options *o,
                       struct play *play,
                       bool is_counting,
                       struct nn_raw *raw)
{
    for (size_t at = 0; at < play->n_speeches;) {
        int64_t characters;
        int64_t n = gather_role(play, &at, &characters);
        int64_t cut = n * 4 / 5;
        int64_t train = count_windows(cut, o->length, o->stride);
        int64_t test = count_windows(n - cut, o->length, o->test_stride);
        if (characters < o->min_characters || train == 0 || test == 0)
            continue;
        if (is_counting) {
            raw->train.n += train;
            raw->test.n += test;
            continue;
        }
        put_windows(play->said, train, o->length, o->stride, &raw->train);
        put_windows(play->said + cut, test, o->length, o->test_stride,
                    &raw->test);
    }
}

/* Room for the samples that were counted, and the count back to 0. */
static enum fl_status
make_room(int64_t length, struct nn_raw_split *split, struct fl_error *err)
{
    size_t n = (size_t)split->n;
    split->n = 0;
    split->pixels = fl_calloc(n, (size_t)length);
    split->labels = fl_calloc(n, 1);
    split->groups = fl_calloc(n, sizeof *split->groups);
    if (split->pixels && split->labels && split->groups)
        return FL_OK;
    return fl_fail(err, FL_E_NOMEM,
                   "data set 'shakespeare': out of memory for %zu windows", n);
}

static enum fl_status cut_windows(const struct options *o,
                                  struct play *play,
                                  struct nn_raw *raw,
                                  struct fl_error *err)
{
    take_roles(o, play, true, raw);
    int64_t n = raw->train.n + raw->test.n;
    if (n == 0)
        return fl_fail(err, FL_E_CONFIG,
                       "data set 'shakespeare': no role says enough for "
                       "min_characters = %lld and length = %lld",
                       (long long)o->min_characters, (long long)o->length);
    if (n > MAX_SET_BYTES / o->length)
        return fl_fail(err, FL_E_CONFIG,
                       "data set 'shakespeare': %lld windows of %lld, allowed "
                       "4 GiB of them: a larger stride makes fewer",
                       (long long)n, (long long)o->length);
    FL_TRY(make_room(o->length, &raw->train, err));
    FL_TRY(make_room(o->length, &raw->test, err));
    take_roles(o, play, false, raw);
    return FL_OK;
}

static enum fl_status decode(const void *opts,
                             const struct nn_dataset_job *job,
                             struct nn_raw *ret,
                             struct fl_error *err)
{
    const struct options *o = opts;
    struct play play = {0};
    enum fl_status status = read_play(job, o->verify, &play, err);
    if (status == FL_OK) {
        ret->shape = (struct nn_shape){1, {o->length}};
        ret->classes = number_tokens(&play);
        ret->bytes_per_sample =
            o->stride <= o->length ? o->stride : o->length + 1;
        status = cut_windows(o, &play, ret, err);
    }
    fl_free(play.text);
    fl_free(play.table);
    fl_free(play.speech);
    fl_free(play.said);
    return status;
}

const struct nn_dataset_type nn_dataset_shakespeare = {
    .name = "shakespeare",
    .doc = "next character of what the roles of Shakespeare's plays say, 65 "
           "symbols (public domain)",
    .how_to_get =
        "put tinyshakespeare.txt (data/tinyshakespeare/input.txt of "
        "github.com/karpathy/char-rnn) and speeches.tsv there, made from it, "
        "see docs/datasets.md",
    .folders = folders,
    .sources = sources,
    .params = params,
    .opts_size = sizeof(struct options),
    .is_tokens = true,
    .version = 1,
    .decode = decode,
};
