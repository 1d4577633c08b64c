#include "coordinator/strategy.h"

#define COORD_STRATEGY(n)                                                      \
    extern const struct coord_strategy_type coord_strategy_##n;
#include "coordinator/strategies/strategies.def"
#undef COORD_STRATEGY

#define COORD_STRATEGY(n) &coord_strategy_##n,
const struct coord_strategy_type *const coord_strategies[] = {
#include "coordinator/strategies/strategies.def"
    NULL,
};
#undef COORD_STRATEGY
