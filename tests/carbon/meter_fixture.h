/* Fake machines for the tests of meters: a folder in /tmp with the files of
 * /sys and /proc that the kernel would make. */
#ifndef METER_FIXTURE_H
#define METER_FIXTURE_H

#include "carbon/meter.h"
#include "support/assert_near.h"

#define FAKE_PATH 512

struct fake {
    char root[64];
    struct carbon_meter_opts opts; /* with that root */
};

/* An empty machine. End: fake_fini. */
void fake_init(struct fake *fake);
void fake_fini(struct fake *fake);

/* Writes <root>/path, folders and all. */
void fake_put(const struct fake *fake, const char *path, const char *text);
/* The same with a number and a line feed. */
void fake_put_number(const struct fake *fake, const char *path, long long n);
/* Takes a file away. */
void fake_remove(const struct fake *fake, const char *path);
/* A folder in the place of a file: nobody, root included, can read it. */
void fake_block(const struct fake *fake, const char *path);
/* <root>/path, for comparing with errors. */
const char *
fake_path(const struct fake *fake, const char *path, char ret[FAKE_PATH]);

/* A meter that must open, at wall second 100. */
struct carbon_meter *fake_open(const struct fake *fake, const char *name);
/* A meter that must not; its error's text must hold `words`. */
void fake_refuse(const struct fake *fake,
                 const char *name,
                 enum fl_status status,
                 const char *words);
/* Total joules at an instant; the reading too, unless NULL. */
double fake_read(struct carbon_meter *meter,
                 double at_wall_s,
                 struct carbon_meter_reading *ret);
/* A reading that must fail, with `words` in its text. */
void fake_read_fails(struct carbon_meter *meter,
                     double at_wall_s,
                     enum fl_status status,
                     const char *words);
const struct carbon_meter_rail *
fake_rail(const struct carbon_meter_reading *reading, const char *name);

/* Every allocation of opening a meter fails in turn. */
void fake_sweep_memory(const struct fake *fake, const char *name);

#endif
