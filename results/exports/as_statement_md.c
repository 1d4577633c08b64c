/* statement: the carbon impact statement in Markdown. */
#include "results/exporter_priv.h"

static enum fl_status
write(const struct res_exporting *x, struct res_text *out, struct fl_error *err)
{
    static const struct res_typeface face = {
        .put = res_md_text,
        .begin = "",
        .end = "",
        .heading = {"## ", "\n\n"},
        .list = {"\n\n", ""},
        .item = {"- **", "**: ", "\n"},
    };
    return res_put_statement(x, &face, out, err);
}

const struct res_exporter res_export_as_statement_md = {
    .name = "statement",
    .doc = "carbon impact statement for a paper or a model card, Markdown",
    .source = "after Henderson et al. 2020, JMLR 21(248)",
    .write = write,
};
