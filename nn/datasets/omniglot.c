/* Omniglot, its two small background sets: 242 characters of 8 alphabets, each
 * drawn once by 20 people, 4,840 drawings (Lake, Salakhutdinov, Tenenbaum
 * 2015), averaged from 105x105 to 35x35. Classes are the characters, in the
 * order of the alphabets; groups are the drawers. Drawer 7 of one alphabet and
 * drawer 7 of another need not be the same person, so each counts: 160 groups
 * with all alphabets, 20 with one.
 *
 * A drawer draws each character once, so there are two ways to split:
 *   drawers   the last five drawers of each alphabet are the test split: people
 *             whom no model has seen;
 *   drawings  of each character the drawings of five drawers are the test
 *             split, other five for the next character: every drawer has about
 *             a quarter of his characters there.
 * Either way a class has 15 drawings to train on and 5 to test. */
#include "nn/readers/idx.h"

#include "base/alloc.h"

#include <string.h>

enum { IMAGES, IDS };

static const struct nn_source sources[] = {
    [IMAGES] = {"omniglot-small-images35-idx3-ubyte",
                "f7d72df12f192eceaae24a3d457c60873ebcdb35f0c5ed129df94a7bd83a1e"
                "4c",
                false},
    [IDS] = {"omniglot-small-alphabet-char-drawer-idx2-short",
             "1ae0988fb1089874f7448995e6325845f1c62694130befc6ffe54c43affa49a5",
             false},
    {0},
};

static const char *const folders[] = {"omniglot", NULL};

enum { ALPHABETS = 8, CHARACTERS = 242, DRAWERS = 20, TEST_DRAWERS = 5 };
enum { TEST_BY_DRAWERS, TEST_BY_DRAWINGS };

/* Row a + 1 is alphabet a. */
static const char *const alphabet_names[] = {
    "all",    "balinese", "early_aramaic", "greek",   "japanese_katakana",
    "korean", "latin",    "sanskrit",      "tagalog", NULL,
};
_Static_assert(sizeof alphabet_names / sizeof alphabet_names[0] ==
                   ALPHABETS + 2,
               "every alphabet needs a name");

static const char *const test_names[] = {
    [TEST_BY_DRAWERS] = "drawers",
    [TEST_BY_DRAWINGS] = "drawings",
    NULL,
};

struct options {
    bool verify;
    int alphabet;
    int test;
};

static const struct fl_param params[] = {
    NN_VERIFY_PARAM(offsetof(struct options, verify)),
    {.key = "alphabet",
     .kind = FL_PARAM_ENUM,
     .offset = offsetof(struct options, alphabet),
     .choices = alphabet_names,
     .def = "all",
     .doc = "the characters of one alphabet, or of all eight"},
    {.key = "test",
     .kind = FL_PARAM_ENUM,
     .offset = offsetof(struct options, test),
     .choices = test_names,
     .def = "drawers",
     .doc = "test split: the last 5 of an alphabet's 20 drawers, or 5 "
            "drawings of each character, by all drawers in turn"},
    {0},
};

/* The whole file, before it is split. */
struct all {
    struct nn_raw_split split; /* pixels */
    uint8_t *id_bytes;
    struct nn_idx ids; /* [n, 3] alphabet, character, drawer: 1 .. 20 */
    /* Number among the characters that are taken, or -1; and the alphabet. */
    int32_t class_of[CHARACTERS];
    int32_t alphabet_of[CHARACTERS];
    int32_t first_of[ALPHABETS]; /* lowest class of an alphabet */
};

static int32_t alphabet_at(const struct all *all, int64_t i)
{
    return nn_idx_i16(&all->ids, 3 * i);
}

static int32_t character_at(const struct all *all, int64_t i)
{
    return nn_idx_i16(&all->ids, 3 * i + 1);
}

static int32_t drawer_at(const struct all *all, int64_t i)
{
    return nn_idx_i16(&all->ids, 3 * i + 2) - 1;
}

static enum fl_status read_ids(const struct nn_dataset_job *job,
                               bool verify,
                               struct all *all,
                               struct fl_error *err)
{
    const char *where = nn_dataset_path(job, IDS);
    size_t n_bytes;
    FL_TRY(nn_dataset_read(job, IDS, (size_t)1 << 24, &all->id_bytes, &n_bytes,
                           err));
    FL_TRY(nn_idx_view(where, all->id_bytes, n_bytes, NN_IDX_I16, 2, &all->ids,
                       err));
    if (all->ids.dim[0] != all->split.n || all->ids.dim[1] != 3)
        return fl_fail(err, FL_E_FORMAT,
                       "%s: %lldx%lld numbers, expected %lldx3: alphabet, "
                       "character and drawer of each image",
                       where, (long long)all->ids.dim[0],
                       (long long)all->ids.dim[1], (long long)all->split.n);
    for (int64_t i = 0; i < all->split.n; i++) {
        int32_t alphabet = alphabet_at(all, i), drawer = drawer_at(all, i);
        int32_t character = character_at(all, i);
        if (alphabet < 0 || alphabet >= ALPHABETS || character < 0 ||
            character >= CHARACTERS || drawer < 0 || drawer >= DRAWERS)
            return fl_fail(err, FL_E_FORMAT,
                           "%s: row %lld is %d, %d, %d, allowed an alphabet "
                           "below %d, a character below %d, a drawer 1 .. %d",
                           where, (long long)i, alphabet, character, drawer + 1,
                           ALPHABETS, CHARACTERS, DRAWERS);
        all->alphabet_of[character] = alphabet;
        all->class_of[character] = 0;
    }
    return verify
               ? nn_dataset_verify(job, IDS, all->id_bytes, n_bytes, NULL, err)
               : FL_OK;
}

/* Numbers the characters that occur and are asked for: alphabet by alphabet. */
static int64_t number_classes(int wanted, struct all *all)
{
    int32_t n = 0;
    for (int32_t a = 0; a < ALPHABETS; a++) {
        all->first_of[a] = n;
        for (int c = 0; c < CHARACTERS; c++)
            if (all->class_of[c] >= 0 && all->alphabet_of[c] == a)
                all->class_of[c] = wanted < 0 || wanted == a ? n++ : -1;
    }
    return n;
}

static bool is_test(int how, int32_t character, int32_t drawer)
{
    if (how == TEST_BY_DRAWERS)
        return drawer >= DRAWERS - TEST_DRAWERS;
    return (character + drawer) % (DRAWERS / TEST_DRAWERS) == 0;
}

/* Copies the samples of one side of the split; groups as they are counted for
 * all alphabets, 20 each. */
static enum fl_status pick(const struct all *all,
                           int how,
                           bool wants_test,
                           int64_t sample_bytes,
                           struct nn_raw_split *ret,
                           struct fl_error *err)
{
    size_t room = (size_t)all->split.n;
    ret->pixels = fl_calloc(room, (size_t)sample_bytes);
    ret->labels = fl_calloc(room, 1);
    ret->groups = fl_calloc(room, sizeof *ret->groups);
    if (!ret->pixels || !ret->labels || !ret->groups)
        return fl_fail(err, FL_E_NOMEM, "data set 'omniglot': out of memory");
    for (int64_t i = 0; i < all->split.n; i++) {
        int32_t character = character_at(all, i), drawer = drawer_at(all, i);
        int32_t alphabet = all->alphabet_of[character];
        int32_t class = all->class_of[character];
        if (class < 0 ||
            is_test(how, class - all->first_of[alphabet], drawer) != wants_test)
            continue;
        memcpy(ret->pixels + ret->n * sample_bytes,
               all->split.pixels + i * sample_bytes, (size_t)sample_bytes);
        ret->labels[ret->n] = (uint8_t) class;
        ret->groups[ret->n++] = alphabet * DRAWERS + drawer;
    }
    return FL_OK;
}

/* Numbers the groups that occur 0, 1, 2 .. in their order. */
static void number_groups(struct nn_raw_split *split)
{
    int32_t number[ALPHABETS * DRAWERS] = {0}, n = 0;
    for (int64_t i = 0; i < split->n; i++)
        number[split->groups[i]] = 1;
    for (int g = 0; g < ALPHABETS * DRAWERS; g++)
        number[g] = number[g] ? n++ : -1;
    for (int64_t i = 0; i < split->n; i++)
        split->groups[i] = number[split->groups[i]];
    split->n_groups = n;
}

static enum fl_status decode(const void *opts,
                             const struct nn_dataset_job *job,
                             struct nn_raw *ret,
                             struct fl_error *err)
{
    const struct options *o = opts;
    struct nn_raw_split *splits[] = {&ret->train, &ret->test};
    struct all all = {0};
    for (int c = 0; c < CHARACTERS; c++)
        all.class_of[c] = -1;
    enum fl_status status =
        nn_idx_images(job, IMAGES, o->verify, ret, &all.split, err);
    if (status == FL_OK)
        status = read_ids(job, o->verify, &all, err);
    if (status == FL_OK)
        ret->classes = number_classes(o->alphabet - 1, &all);
    for (int s = 0; s < 2 && status == FL_OK; s++) {
        status = pick(&all, o->test, s == 1, nn_shape_size(&ret->shape),
                      splits[s], err);
        if (status == FL_OK)
            number_groups(splits[s]);
    }
    fl_free(all.split.pixels);
    fl_free(all.id_bytes);
    return status;
}

const struct nn_dataset_type nn_dataset_omniglot = {
    .name = "omniglot",
    .doc = "handwritten characters of 8 alphabets by 160 drawers, 4,840 of "
           "35x35 (MIT)",
    .how_to_get =
        "put omniglot-small-images35-idx3-ubyte and omniglot-small-alphabet-"
        "char-drawer-idx2-short there, made from images_background_small1 and "
        "2 of github.com/brendenlake/omniglot, see docs/datasets.md",
    .folders = folders,
    .sources = sources,
    .params = params,
    .opts_size = sizeof(struct options),
    .version = 1,
    .decode = decode,
};
