#include "carbon/preset.h"

#include <stddef.h>

#define CARBON_PRESET(n) extern const struct carbon_preset carbon_preset_##n;
#include "carbon/presets/presets.def"
#undef CARBON_PRESET

#define CARBON_PRESET(n) &carbon_preset_##n,
const struct carbon_preset *const carbon_presets[] = {
#include "carbon/presets/presets.def"
    NULL,
};
#undef CARBON_PRESET
