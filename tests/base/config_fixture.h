/* What the tests of configs share: a table with every kind of option. */
#ifndef BASE_CONFIG_FIXTURE_H
#define BASE_CONFIG_FIXTURE_H

#include "support/assert_near.h"

#include "base/config.h"

struct inner {
    double lr;
    bool is_on;
};

struct outer {
    const char *name;
    int64_t rounds;
    double alpha;
    int colour;
    uint32_t colours;
    struct fl_fact power_w;
    struct inner inner;
    const struct fl_node *free;
    const struct fl_node *rows;
    const char *root;
};

extern const struct fl_param inner_params[];
extern const struct fl_param outer_params[];

/* Fails the test unless it parses. */
struct fl_config *parse(const char *text);
/* All problems as they are printed (heap, fl_free). */
char *problems_of(const struct fl_config *config);
/* Fails the test unless decoding gives these problems. */
void assert_problems(const char *yaml, const char *expected);

#endif
