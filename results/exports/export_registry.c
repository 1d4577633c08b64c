#include "results/exporter_priv.h"

#include <stddef.h>

#define RES_EXPORT(n) extern const struct res_exporter res_export_##n;
#include "results/exports/exports.def"
#undef RES_EXPORT

#define RES_EXPORT(n) &res_export_##n,
const struct res_exporter *const res_exporters[] = {
#include "results/exports/exports.def"
    NULL,
};
#undef RES_EXPORT
