#include "carbon/profile.h"

#include "base/alloc.h"
#include "base/parse.h"
#include "carbon/preset.h"
#include "carbon/profile_priv.h"

#include <stdint.h>
#include <string.h>

static const char *name_at(const void *table, size_t row_size, size_t i)
{
    /* name is the first member of every row */
    const char *name;
    memcpy(&name, (const char *)table + i * row_size, sizeof(name));
    return name;
}

enum fl_status carbon_unknown_name(const char *kind,
                                   const char *name,
                                   const char *const *names,
                                   size_t n,
                                   struct fl_error *err)
{
    const char *near = fl_nearest_name(name, names, n);
    char list[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        size_t room = sizeof(list) - used;
        size_t need = strlen(names[i]) + 2;
        if (need >= room - 4) { /* leave room for "..." */
            memcpy(list + used, "...", 4);
            break;
        }
        memcpy(list + used, i ? ", " : "", i ? 2 : 0);
        used += i ? 2 : 0;
        memcpy(list + used, names[i], need - 1);
        used += need - 2;
    }
    if (near)
        return fl_fail(err, FL_E_CONFIG,
                       "unknown %s '%.64s', nearest '%s', allowed: %s", kind,
                       name, near, list);
    return fl_fail(err, FL_E_CONFIG, "unknown %s '%.64s', allowed: %s", kind,
                   name, list);
}

/* The row's index. */
static enum fl_status find(const char *kind,
                           const void *table,
                           size_t row_size,
                           const char *name,
                           size_t *ret_index,
                           struct fl_error *err)
{
    size_t n = 0;
    for (; name_at(table, row_size, n) != NULL; n++) {
        if (strcmp(name_at(table, row_size, n), name) == 0) {
            *ret_index = n;
            return FL_OK;
        }
    }
    const char **names = fl_calloc(n, sizeof(*names));
    if (names == NULL)
        return fl_fail(err, FL_E_NOMEM, "%s '%.64s': out of memory", kind,
                       name);
    for (size_t i = 0; i < n; i++)
        names[i] = name_at(table, row_size, i);
    enum fl_status status = carbon_unknown_name(kind, name, names, n, err);
    fl_free(names);
    return status;
}

_Static_assert(offsetof(struct carbon_device, name) == 0 &&
                   offsetof(struct carbon_link, name) == 0,
               "name_at() reads the first member");

enum fl_status carbon_device_find(const char *name,
                                  const struct carbon_device **ret,
                                  struct fl_error *err)
{
    size_t i = 0;
    FL_TRY(find("device", carbon_devices, sizeof(carbon_devices[0]), name, &i,
                err));
    *ret = &carbon_devices[i];
    return FL_OK;
}

enum fl_status carbon_link_find(const char *name,
                                const struct carbon_link **ret,
                                struct fl_error *err)
{
    size_t i = 0;
    FL_TRY(find("link", carbon_links, sizeof(carbon_links[0]), name, &i, err));
    *ret = &carbon_links[i];
    return FL_OK;
}

enum fl_status carbon_preset_find(const char *name,
                                  const struct carbon_preset **ret,
                                  struct fl_error *err)
{
    const char *names[64];
    size_t n = 0;
    for (size_t i = 0; carbon_presets[i] != NULL; i++) {
        if (strcmp(carbon_presets[i]->name, name) == 0) {
            *ret = carbon_presets[i];
            return FL_OK;
        }
        if (n < sizeof(names) / sizeof(names[0]))
            names[n++] = carbon_presets[i]->name;
    }
    return carbon_unknown_name("preset", name, names, n, err);
}

bool carbon_preset_has(const struct carbon_preset *preset, const char *term)
{
    for (size_t i = 0; preset->terms[i] != NULL; i++) {
        if (strcmp(preset->terms[i], term) == 0)
            return true;
    }
    return false;
}
