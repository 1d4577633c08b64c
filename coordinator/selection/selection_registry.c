#include "coordinator/selection.h"

#define COORD_SELECTION(n)                                                     \
    extern const struct coord_selection_type coord_selection_##n;
#include "coordinator/selection/selection.def"
#undef COORD_SELECTION

#define COORD_SELECTION(n) &coord_selection_##n,
const struct coord_selection_type *const coord_selections[] = {
#include "coordinator/selection/selection.def"
    NULL,
};
#undef COORD_SELECTION
