/* boavizta: impacts as BoaviztAPI answers them, an object per arm:
 *
 *     {"federated": {"impacts": {"gwp": {
 *         "embedded": {"value", "min", "max", "warnings"},
 *         "use": {"value", "min", "max"}, "unit": "kgCO2eq", ...}}}}
 *
 * min and max are the 5-95 % interval of the emissions. It is known for their
 * sum: where one of the two parts is nothing, the other has it; else both are
 * null and a warning holds it. */
#include "results/exporter_priv.h"

#include "base/units.h"

#include <math.h>

static enum fl_status add_part(json_t *gwp,
                               const char *key,
                               double gco2e,
                               double p5_gco2e,
                               double p95_gco2e,
                               json_t **ret,
                               struct fl_error *err)
{
    json_t *part = json_object();
    FL_TRY(res_json_set(gwp, key, part, err));
    FL_TRY(
        res_json_set(part, "value", res_json_real(gco2e / FL_G_PER_KG), err));
    FL_TRY(
        res_json_set(part, "min", res_json_real(p5_gco2e / FL_G_PER_KG), err));
    FL_TRY(
        res_json_set(part, "max", res_json_real(p95_gco2e / FL_G_PER_KG), err));
    *ret = part;
    return FL_OK;
}

static enum fl_status add_warnings(const struct res_row *row,
                                   double use_gco2e,
                                   json_t *embedded,
                                   struct fl_error *err)
{
    struct res_text text = {0};
    json_t *warnings = json_array();
    FL_TRY(res_json_set(embedded, "warnings", warnings, err));
    if (row->embodied_gco2e <= 0)
        res_text_put(&text, "not modelled in this run, or off");
    else if (use_gco2e > 0 && !isnan(row->gco2e_p5)) {
        res_text_put(&text, "5-95 % interval of embedded and use together: ");
        res_text_figure(&text, row->gco2e_p5 / FL_G_PER_KG, 4);
        res_text_put(&text, " to ");
        res_text_figure(&text, row->gco2e_p95 / FL_G_PER_KG, 4);
        res_text_put(&text, " kgCO2eq");
    }
    enum fl_status status = res_text_check(&text, err);
    if (status == FL_OK && text.n > 0 &&
        json_array_append_new(warnings, json_string(res_text_get(&text))) != 0)
        status = fl_fail(err, FL_E_NOMEM, "JSON: out of memory");
    res_text_fini(&text);
    return status;
}

static enum fl_status
add_arm(const struct res_row *row, json_t *root, struct fl_error *err)
{
    const double none = (double)NAN;
    double use_gco2e = row->dynamic_gco2e + row->idle_gco2e;
    double embodied_gco2e = row->embodied_gco2e;
    bool is_whole = row->gco2e == use_gco2e + embodied_gco2e;
    bool is_use = is_whole && embodied_gco2e <= 0;
    bool is_embodied = is_whole && use_gco2e <= 0;
    json_t *arm = json_object(), *part = NULL;
    FL_TRY(res_json_set(root, row->arm, arm, err));
    json_t *impacts = json_object();
    FL_TRY(res_json_set(arm, "impacts", impacts, err));
    json_t *gwp = json_object();
    FL_TRY(res_json_set(impacts, "gwp", gwp, err));
    FL_TRY(add_part(gwp, "embedded", embodied_gco2e,
                    is_embodied ? row->gco2e_p5 : none,
                    is_embodied ? row->gco2e_p95 : none, &part, err));
    FL_TRY(add_warnings(row, use_gco2e, part, err));
    FL_TRY(add_part(gwp, "use", use_gco2e, is_use ? row->gco2e_p5 : none,
                    is_use ? row->gco2e_p95 : none, &part, err));
    FL_TRY(res_json_set(gwp, "unit", json_string("kgCO2eq"), err));
    return res_json_set(gwp, "description",
                        json_string(row->is_per_client
                                        ? "Total climate change, mean per "
                                          "client"
                                        : "Total climate change"),
                        err);
}

static enum fl_status
write(const struct res_exporting *x, struct res_text *out, struct fl_error *err)
{
    json_t *root = json_object();
    if (!root)
        return fl_fail(err, FL_E_NOMEM, "JSON: out of memory");
    enum fl_status status = FL_OK;
    for (size_t i = 0; i < x->run->n_rows && status == FL_OK; i++)
        status = add_arm(&x->run->rows[i], root, err);
    if (status == FL_OK)
        status = res_json_write(root, out, err);
    json_decref(root);
    return status;
}

const struct res_exporter res_export_as_boavizta = {
    .name = "boavizta",
    .doc = "impacts as BoaviztAPI's JSON has them, embedded and use, an object "
           "per arm",
    .source = "github.com/Boavizta/boaviztapi at 15878f04",
    .write = write,
};
