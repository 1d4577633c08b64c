/* The carbon impact statement, as Henderson et al. (2020) ask papers for one:
 * energy, emissions, hardware, region, PUE, and what else a reader needs to
 * judge them: boundary, network constants, what is assumed and left out. */
#include "results/exporter_priv.h"

#include "base/alloc.h"
#include "base/units.h"

#include <math.h>

static const char zones_sql[] =
    "SELECT group_concat(t, ', ') FROM (SELECT z.name"
    "  || coalesce(printf(' (%.4g gCO2e/kWh)',"
    "    sum(l.emitted_gco2e) * 3.6e6 / nullif(sum(l.energy_j), 0)), '') AS t"
    "  FROM ledger l JOIN zone z ON z.zone = l.zone"
    "  JOIN component c ON c.component = l.component"
    "  WHERE l.arm = ?1 AND c.term_group <> 'embodied'"
    "  GROUP BY z.zone ORDER BY z.name)";

static const char hardware_sql[] =
    "SELECT group_concat(t, '; ') FROM (SELECT"
    "  printf('%s %.4g W while it computes (%s%s)',"
    "    replace(f.name, '.train_w', ''), f.value, e.name,"
    "    CASE WHEN f.year > 0 THEN ', ' || f.year ELSE '' END) AS t"
    "  FROM fact f JOIN evidence e ON e.evidence = f.evidence"
    "  WHERE f.name LIKE '%.train_w' AND NOT f.is_off AND ?1 = ?1"
    "  ORDER BY f.name)";

static const char pue_sql[] =
    "SELECT group_concat(t, '; ') FROM (SELECT"
    "  printf('%s %.4g (%s)', replace(f.name, '.pue', ''), f.value, e.name)"
    "  AS t FROM fact f JOIN evidence e ON e.evidence = f.evidence"
    "  WHERE f.name LIKE '%.pue' AND NOT f.is_off AND ?1 = ?1"
    "  ORDER BY f.name)";

static void put_item(const struct res_typeface *face,
                     const char *head,
                     const char *text,
                     struct res_text *out)
{
    if (text[0] == '\0')
        return;
    res_text_put(out, face->item[0]);
    face->put(out, head);
    res_text_put(out, face->item[1]);
    face->put(out, text);
    res_text_put(out, face->item[2]);
}

static void put_equivalents(double gco2e, struct res_text *plain)
{
    res_text_put(plain, "; this is as much as ");
    for (size_t i = 0; res_equivalents[i].what; i++) {
        const struct res_equivalent *e = &res_equivalents[i];
        res_text_put(plain, i > 0 ? ", or " : "");
        res_text_figure(plain, gco2e / e->gco2e, 3);
        res_text_add(plain, " %s (%s)", e->what, e->source);
    }
}

/* "0.0325 kWh, 0.0124 kgCO2e (5-95 %: 0.01 to 0.02); in DE (381 gCO2e/kWh)" */
static enum fl_status put_arm_text(const struct res_exporting *x,
                                   const struct res_row *row,
                                   struct res_text *plain,
                                   struct fl_error *err)
{
    char *zones = NULL;
    FL_TRY(res_arm_text(x, zones_sql, row->number, &zones, err));
    res_text_clear(plain);
    res_text_figure(plain, row->energy_j / FL_J_PER_KWH, 4);
    res_text_put(plain, " kWh of electricity, ");
    res_text_figure(plain, row->gco2e / FL_G_PER_KG, 4);
    res_text_put(plain, " kgCO2e");
    if (!isnan(row->gco2e_p5)) {
        res_text_put(plain, " (5-95 %: ");
        res_text_figure(plain, row->gco2e_p5 / FL_G_PER_KG, 3);
        res_text_put(plain, " to ");
        res_text_figure(plain, row->gco2e_p95 / FL_G_PER_KG, 3);
        res_text_put(plain, ")");
    }
    if (row->embodied_gco2e > 0) {
        res_text_put(plain, ", of which embodied ");
        res_text_figure(plain, row->embodied_gco2e / FL_G_PER_KG, 4);
    }
    if (!isnan(row->assumed_ratio)) {
        res_text_put(plain, "; ");
        res_text_figure(plain, 100 * row->assumed_ratio, 3);
        res_text_put(plain, " % rests on assumptions");
    }
    if (zones[0])
        res_text_add(plain, "; in %s", zones);
    if (!row->is_finished)
        res_text_put(plain, "; unfinished");
    if (x->opts->has_equivalents)
        put_equivalents(row->gco2e, plain);
    fl_free(zones);
    return res_text_check(plain, err);
}

static enum fl_status put_arms(const struct res_exporting *x,
                               const struct res_typeface *face,
                               struct res_text *out,
                               struct fl_error *err)
{
    struct res_text plain = {0}, head = {0};
    enum fl_status status = FL_OK;
    for (size_t i = 0; i < x->run->n_rows && status == FL_OK; i++) {
        const struct res_row *row = &x->run->rows[i];
        res_text_clear(&head);
        res_put_arm(row, &head);
        status = put_arm_text(x, row, &plain, err);
        if (status == FL_OK)
            put_item(face, res_text_get(&head), res_text_get(&plain), out);
    }
    res_text_fini(&plain);
    res_text_fini(&head);
    return status;
}

/* What SQL or a named text says about the whole run. */
static enum fl_status put_answer(const struct res_exporting *x,
                                 const struct res_typeface *face,
                                 const char *head,
                                 const char *sql,
                                 const char *key,
                                 struct res_text *out,
                                 struct fl_error *err)
{
    char *text = NULL;
    FL_TRY(sql ? res_arm_text(x, sql, 0, &text, err)
               : res_meta_text(x, key, &text, err));
    put_item(face, head, text, out);
    fl_free(text);
    return FL_OK;
}

static enum fl_status put_rest(const struct res_exporting *x,
                               const struct res_typeface *face,
                               struct res_text *out,
                               struct fl_error *err)
{
    const struct res_run *run = x->run;
    struct res_text plain = {0};
    FL_TRY(put_answer(x, face, "hardware", hardware_sql, NULL, out, err));
    FL_TRY(put_answer(x, face, "power usage effectiveness", pue_sql, NULL, out,
                      err));
    put_item(face, "network", run->network, out);
    res_text_add(&plain, "%s%s%s%s; location-based intensities: %s; preset %s",
                 run->boundary, run->attribution[0] ? ", " : "",
                 run->attribution, run->attribution[0] ? " attribution" : "",
                 run->grid, run->preset);
    put_item(face, "boundary", res_text_get(&plain), out);
    put_item(face, "modelled", run->modelled, out);
    put_item(face, "not modelled", run->leaves_out, out);
    put_item(face, "switched off", run->off, out);
    put_item(face, "what moves the answer most", run->influences, out);
    enum fl_status status = res_text_check(&plain, err);
    res_text_fini(&plain);
    FL_TRY(status);
    FL_TRY(put_answer(x, face, "seed", NULL, "seed", out, err));
    FL_TRY(put_answer(x, face, "fedcarbon", NULL, "version", out, err));
    FL_TRY(put_answer(x, face, "commit", NULL, "commit", out, err));
    put_item(face, "scenario, SHA-256", run->scenario_sha256, out);
    put_item(face, "repeat with", run->command, out);
    return FL_OK;
}

enum fl_status res_put_statement(const struct res_exporting *x,
                                 const struct res_typeface *face,
                                 struct res_text *out,
                                 struct fl_error *err)
{
    struct res_text plain = {0};
    res_text_put(out, face->begin);
    res_text_put(out, face->heading[0]);
    face->put(out, "Carbon impact statement: ");
    face->put(out, x->run->label);
    res_text_put(out, face->heading[1]);
    res_put_title(x->run, &plain);
    res_text_put(&plain, ". Energy and emissions are modelled, not metered: a "
                         "ledger of what devices, networks and data centres "
                         "draw, priced at the intensity of their grids.");
    face->put(out, res_text_get(&plain));
    enum fl_status status = res_text_check(&plain, err);
    res_text_fini(&plain);
    FL_TRY(status);
    res_text_put(out, face->list[0]);
    FL_TRY(put_arms(x, face, out, err));
    FL_TRY(put_rest(x, face, out, err));
    res_text_put(out, face->list[1]);
    res_text_put(out, face->end);
    return FL_OK;
}
