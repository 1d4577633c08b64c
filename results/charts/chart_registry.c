#include "results/figures/gallery.h"

#include <stddef.h>

#define RES_CHART(n) extern const struct res_chart_type res_chart_##n;
#include "results/charts/charts.def"
#undef RES_CHART

#define RES_CHART(n) &res_chart_##n,
const struct res_chart_type *const res_chart_types[] = {
#include "results/charts/charts.def"
    NULL,
};
#undef RES_CHART
