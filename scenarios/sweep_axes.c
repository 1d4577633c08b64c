/* What varies in a sweep: from the file's section and the command line to
 * lists of values. */
#include "scenarios/sweep_priv.h"

#include "base/alloc.h"
#include "base/parse.h"

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define MAX_SEED 9007199254740992

struct raw_range {
    double from, to, step, factor;
};

static const struct fl_param range_params[] = {
    {.key = "from",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(struct raw_range, from),
     .min = -DBL_MAX,
     .max = DBL_MAX,
     .required = true,
     .doc = "First value."},
    {.key = "to",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(struct raw_range, to),
     .min = -DBL_MAX,
     .max = DBL_MAX,
     .required = true,
     .doc = "Last value, if a step meets it."},
    {.key = "step",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(struct raw_range, step),
     .min = -DBL_MAX,
     .max = DBL_MAX,
     .doc = "Added from value to value."},
    {.key = "factor",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(struct raw_range, factor),
     .min = 0,
     .max = DBL_MAX,
     .doc = "Multiplied from value to value."},
    {0},
};

struct raw_sweep {
    const struct fl_node *vary, *zip, *seeds;
};

const struct fl_param scn_sweep_params[] = {
    {.key = "vary",
     .kind = FL_PARAM_NODE,
     .offset = offsetof(struct raw_sweep, vary),
     .doc = "A section of keys such as data.clients, each with a list of "
            "values, or with a range {from, to, step} or {from, to, factor}. "
            "Every value meets every other key's values."},
    {.key = "zip",
     .kind = FL_PARAM_NODE,
     .offset = offsetof(struct raw_sweep, zip),
     .doc = "A list of such sections; the lists of one section are equally "
            "long and are walked together."},
    {.key = "seeds",
     .kind = FL_PARAM_NODE,
     .offset = offsetof(struct raw_sweep, seeds),
     .doc = "How many seeds, counted from the scenario's own, or a list of "
            "them."},
    {0},
};

/* Values */

static void
add_text(struct scn_axes *axes, struct scn_axis *axis, const char *text)
{
    size_t capacity = axis->n;
    const char *copy = fl_config_copy(axes->config, text);
    if (!copy || fl_grow(&axis->texts, &capacity, axis->n + 1,
                         sizeof *axis->texts, NULL) != FL_OK)
        fl_config_no_memory(axes->config);
    else
        axis->texts[axis->n++] = copy;
}

static void add_node(struct scn_axes *axes,
                     struct scn_axis *axis,
                     const struct fl_node *node)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    if (!out) {
        fl_config_no_memory(axes->config);
        return;
    }
    fl_config_emit_flow(node, out);
    if (fclose(out) == 0)
        add_text(axes, axis, text);
    else
        fl_config_no_memory(axes->config);
    fl_free(text);
}

static bool is_given(double number)
{
    return number < 0 || number > 0;
}

/* How many steps lead from `from` to `to`; below 0: never. */
static double steps_of(const struct raw_range *range)
{
    if (is_given(range->step) == is_given(range->factor))
        return -1;
    if (is_given(range->step))
        return (range->to - range->from) / range->step;
    double ratio = range->to / range->from, step = log(range->factor);
    if (!(ratio > 0) || !is_given(step))
        return -1;
    return log(ratio) / step;
}

static void
add_range(struct scn_axes *axes, struct scn_axis *axis, struct raw_range *range)
{
    /* A last step that misses `to` by rounding alone still counts. */
    double steps = floor(steps_of(range) + 1e-9);
    if (!(steps >= 0) || steps >= SCN_SWEEP_MAX_POINTS) {
        fl_config_problem(axes->config, &axis->place,
                          "%s: found no range of up to %d values, allowed "
                          "{from, to, step} or {from, to, factor} that lead "
                          "from one to the other",
                          axis->key, SCN_SWEEP_MAX_POINTS);
        return;
    }
    for (int64_t i = 0; i <= (int64_t)steps; i++) {
        char text[40];
        double value = is_given(range->step)
                           ? range->from + (double)i * range->step
                           : range->from * pow(range->factor, (double)i);
        /* 0.3, not the 0.30000000000000004 of three tenths added up */
        bool is_whole = floor(value) >= value && fabs(value) < 1e15;
        (void)snprintf(text, sizeof text, is_whole ? "%.0f" : "%.12g", value);
        add_text(axes, axis, text);
    }
}

static void add_values(struct scn_axes *axes,
                       struct scn_axis *axis,
                       const struct fl_node *node)
{
    /* On the command line values are always listed: [{from: 1, ...}]. */
    const struct fl_node *only =
        node->kind == FL_NODE_LIST && node->n_children == 1 && axis->is_given
            ? node->child
            : node;
    if (only->kind == FL_NODE_MAP &&
        (only == node || fl_node_find(only, "from"))) {
        struct raw_range range;
        size_t before = fl_config_n_problems(axes->config);
        fl_config_decode(axes->config, only, range_params, NULL, &range);
        if (fl_config_n_problems(axes->config) == before)
            add_range(axes, axis, &range);
    } else if (node->kind == FL_NODE_LIST && node->n_children > 0) {
        for (const struct fl_node *n = node->child; n; n = n->next)
            add_node(axes, axis, n);
    } else {
        fl_config_problem(axes->config, &axis->place,
                          "%s: allowed a list of values, or a range {from, "
                          "to, step} or {from, to, factor}",
                          axis->key);
    }
}

/* Axes */

/* Does one key hold the other? */
static bool is_within(const char *key, const char *outer)
{
    size_t n = strlen(outer);
    return strncmp(key, outer, n) == 0 && (key[n] == '\0' || key[n] == '.');
}

static void check_key(struct scn_axes *axes, const struct scn_axis *axis)
{
    if (axis->key[0] == '\0' || strpbrk(axis->key, "= \t\n") ||
        is_within(axis->key, SCN_SWEEP_KEY))
        fl_config_problem(axes->config, &axis->place,
                          "found '%s', allowed a key of the scenario, e.g. "
                          "data.clients",
                          axis->key);
    for (size_t i = 0; i + 1 < axes->n; i++) {
        const struct scn_axis *other = &axes->all[i];
        if (!other->is_dropped && (is_within(axis->key, other->key) ||
                                   is_within(other->key, axis->key)))
            fl_config_problem(axes->config, &axis->place,
                              "%s: it varies already, by %s", axis->key,
                              other->key);
    }
}

/* What the command line varies the file no longer does. Ends with the group
 * whose place the new axis may take, or n_groups. */
static size_t drop(struct scn_axes *axes, const char *key)
{
    size_t place = axes->n_groups;
    for (size_t i = 0; i < axes->n; i++) {
        struct scn_axis *axis = &axes->all[i];
        if (axis->is_dropped || axis->is_given || strcmp(axis->key, key) != 0)
            continue;
        place = axis->group;
        for (size_t k = 0; k < axes->n; k++)
            if (axes->all[k].group == axis->group)
                axes->all[k].is_dropped = true;
    }
    return place;
}

static struct scn_axis *open_axis(struct scn_axes *axes,
                                  const char *key,
                                  const struct fl_place *place,
                                  size_t group,
                                  bool is_on_command_line)
{
    const char *copy = fl_config_copy(axes->config, key);
    if (!copy || fl_grow(&axes->all, &axes->capacity, axes->n + 1,
                         sizeof *axes->all, NULL) != FL_OK) {
        fl_config_no_memory(axes->config);
        return NULL;
    }
    struct scn_axis *axis = &axes->all[axes->n++];
    *axis = (struct scn_axis){.key = copy,
                              .group = group,
                              .is_given = is_on_command_line,
                              .place = *place};
    check_key(axes, axis);
    return axis;
}

static void add_axis(struct scn_axes *axes,
                     const char *key,
                     const struct fl_node *node,
                     size_t group,
                     bool is_on_command_line)
{
    struct scn_axis *axis =
        open_axis(axes, key, &node->place, group, is_on_command_line);
    if (!axis)
        return;
    add_values(axes, axis, node);
    for (size_t i = 0; i + 1 < axes->n; i++) {
        const struct scn_axis *other = &axes->all[i];
        if (!other->is_dropped && other->group == group && other->n > 0 &&
            axis->n > 0 && other->n != axis->n)
            fl_config_problem(axes->config, &axis->place,
                              "%s: found %zu values, allowed as many as %s "
                              "beside it has, %zu",
                              axis->key, axis->n, other->key, other->n);
    }
}

/* The file */

static void take_group(struct scn_axes *axes, const struct fl_node *map)
{
    size_t group = axes->n_groups++;
    if (map->kind != FL_NODE_MAP || map->n_children == 0)
        fl_config_problem(axes->config, &map->place,
                          "sweep.zip: allowed sections of keys with lists");
    for (const struct fl_node *n = map->kind == FL_NODE_MAP ? map->child : NULL;
         n; n = n->next)
        add_axis(axes, n->key, n, group, false);
}

void scn_axes_take_file(struct scn_axes *axes)
{
    struct raw_sweep raw = {0};
    const struct fl_node *sweep =
        fl_node_find(fl_config_root(axes->config), SCN_SWEEP_KEY);
    if (!sweep)
        return;
    fl_config_decode(axes->config, sweep, scn_sweep_params, NULL, &raw);
    if (raw.vary && raw.vary->kind != FL_NODE_MAP)
        fl_config_problem(axes->config, &raw.vary->place,
                          "sweep.vary: allowed a section of keys with lists");
    for (const struct fl_node *n =
             raw.vary && raw.vary->kind == FL_NODE_MAP ? raw.vary->child : NULL;
         n; n = n->next)
        add_axis(axes, n->key, n, axes->n_groups++, false);
    if (raw.zip && raw.zip->kind == FL_NODE_LIST) {
        for (const struct fl_node *n = raw.zip->child; n; n = n->next)
            take_group(axes, n);
    } else if (raw.zip) {
        take_group(axes, raw.zip);
    }
}

/* The command line */

/* The value of "v: ..." in a copy, of which the place is the option alone. The
 * config it is in is kept: problems point into it. */
static enum fl_status keep_parsed(struct scn_axes *axes,
                                  const char *origin,
                                  const char *yaml,
                                  struct fl_node *ret,
                                  struct fl_error *err)
{
    FL_TRY(fl_grow(&axes->kept, &axes->kept_capacity, axes->n_kept + 1,
                   sizeof *axes->kept, err));
    struct fl_config *config = NULL;
    FL_TRY(fl_config_parse(origin, yaml, strlen(yaml), &config, err));
    axes->kept[axes->n_kept++] = config;
    const struct fl_node *value = fl_node_find(fl_config_root(config), "v");
    *ret = *value;
    ret->place.line = ret->place.column = 0;
    return FL_OK;
}

/* Reads "key=values" of length n and adds it, in `group` or, where that is
 * NULL, in the place of what the file said of the key. */
static enum fl_status take_assignment(struct scn_axes *axes,
                                      const char *option,
                                      const char *text,
                                      size_t n,
                                      const size_t *group,
                                      struct fl_error *err)
{
    char origin[200];
    const char *equals = memchr(text, '=', n);
    if (!equals || equals == text)
        return fl_fail(err, FL_E_CONFIG,
                       "%s %.*s: allowed key=value,value,..., e.g. "
                       "data.clients=10,100",
                       option, (int)n, text);
    (void)snprintf(origin, sizeof origin, "%s %.*s", option,
                   (int)(equals - text), text);
    int key_length = (int)(equals - text);
    int rest_length = (int)(n - (size_t)key_length - 1);
    size_t size = n + 16;
    enum fl_status status = FL_OK;
    struct fl_node list;
    char *key = fl_calloc(size, 1);
    char *yaml = fl_calloc(size, 1);
    if (!key || !yaml) {
        status = fl_fail(err, FL_E_NOMEM, "out of memory: %s", option);
        goto out;
    }
    (void)snprintf(key, size, "%.*s", key_length, text);
    (void)snprintf(yaml, size, "v: [%.*s]", rest_length, equals + 1);
    status = keep_parsed(axes, origin, yaml, &list, err);
    if (status != FL_OK)
        goto out;
    size_t dropped = drop(axes, key);
    if (!group && dropped == axes->n_groups)
        axes->n_groups++;
    add_axis(axes, key, &list, group ? *group : dropped, true);
out:
    fl_free(yaml);
    fl_free(key);
    return status;
}

enum fl_status scn_axes_take_vary(struct scn_axes *axes,
                                  const char *assignment,
                                  struct fl_error *err)
{
    return take_assignment(axes, "--vary", assignment, strlen(assignment), NULL,
                           err);
}

/* Up to the next space outside of brackets and quotes. */
static size_t word_length(const char *text)
{
    int depth = 0;
    char quote = '\0';
    size_t n = 0;
    for (; text[n]; n++) {
        char c = text[n];
        if (quote)
            quote = c == quote ? '\0' : quote;
        else if (c == '"' || c == '\'')
            quote = c;
        else if (strchr("[{", c))
            depth++;
        else if (strchr("]}", c))
            depth--;
        else if (c == ' ' && depth <= 0)
            break;
    }
    return n;
}

enum fl_status scn_axes_take_zip(struct scn_axes *axes,
                                 const char *assignments,
                                 struct fl_error *err)
{
    size_t group = axes->n_groups++;
    const char *at = assignments + strspn(assignments, " ");
    if (!*at)
        return fl_fail(err, FL_E_CONFIG,
                       "--zip: allowed \"key=a,b key=c,d\", found nothing");
    while (*at) {
        size_t n = word_length(at);
        FL_TRY(take_assignment(axes, "--zip", at, n, &group, err));
        at += n;
        at += strspn(at, " ");
    }
    return FL_OK;
}

/* Seeds */

static int64_t first_seed(const struct scn_axes *axes)
{
    int64_t seed = 1;
    const struct fl_node *node =
        fl_node_find(fl_config_root(axes->config), "seed");
    if (node && node->kind == FL_NODE_SCALAR &&
        fl_parse_int(node->text, 0, MAX_SEED, &seed, NULL) != FL_OK)
        seed = 1; /* each point says what is wrong with it */
    return seed;
}

static void count_seeds(struct scn_axes *axes, const struct fl_node *node)
{
    char text[32];
    int64_t n = 0, first = first_seed(axes);
    if (fl_parse_int(node->text, 1, SCN_SWEEP_MAX_POINTS, &n, NULL) != FL_OK) {
        fl_config_problem(axes->config, &node->place,
                          "sweep.seeds = %.40s, allowed how many, in [1, %d], "
                          "or a list",
                          node->text, SCN_SWEEP_MAX_POINTS);
        return;
    }
    struct scn_axis *axis =
        open_axis(axes, "seed", &node->place, axes->n_groups++, false);
    for (int64_t i = 0; i < n && axis; i++) {
        (void)snprintf(text, sizeof text, "%lld", (long long)(first + i));
        add_text(axes, axis, text);
    }
}

static bool is_given_key(const struct scn_axes *axes, const char *key)
{
    for (size_t i = 0; i < axes->n; i++)
        if (axes->all[i].is_given && strcmp(axes->all[i].key, key) == 0)
            return true;
    return false;
}

enum fl_status scn_axes_take_seeds(struct scn_axes *axes,
                                   const char *given,
                                   struct fl_error *err)
{
    const struct fl_node *sweep =
        fl_node_find(fl_config_root(axes->config), SCN_SWEEP_KEY);
    const struct fl_node *node = fl_node_find(sweep, "seeds");
    struct fl_node own;
    if (given) {
        size_t size = strlen(given) + 16;
        char *text = fl_calloc(size, 1);
        if (!text)
            return fl_fail(err, FL_E_NOMEM, "out of memory: --seeds");
        (void)snprintf(text, size, strchr(given, ',') ? "v: [%s]" : "v: %s",
                       given);
        enum fl_status status = keep_parsed(axes, "--seeds", text, &own, err);
        fl_free(text);
        if (status != FL_OK)
            return status;
        node = &own;
        (void)drop(axes, "seed");
    } else if (is_given_key(axes, "seed")) {
        return FL_OK; /* --vary seed=... takes the place of the file's seeds */
    }
    if (node && node->kind == FL_NODE_SCALAR)
        count_seeds(axes, node);
    else if (node)
        add_axis(axes, "seed", node, axes->n_groups++, false);
    return FL_OK;
}

void scn_axes_fini(struct scn_axes *axes)
{
    for (size_t i = 0; i < axes->n; i++)
        fl_free(axes->all[i].texts);
    fl_free(axes->all);
    for (size_t i = 0; i < axes->n_kept; i++)
        fl_config_destroy(axes->kept[i]);
    fl_free(axes->kept);
}
