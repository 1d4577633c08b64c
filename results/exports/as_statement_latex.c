/* statement_latex: the carbon impact statement in LaTeX. Needs fontenc with T1
 * and textcomp, as the comparison table does. */
#include "results/exporter_priv.h"

static enum fl_status
write(const struct res_exporting *x, struct res_text *out, struct fl_error *err)
{
    static const struct res_typeface face = {
        .put = res_latex_text,
        .begin = "% needs \\usepackage[T1]{fontenc}, \\usepackage{textcomp}\n",
        .end = "",
        .heading = {"\\subsection*{", "}\n"},
        .list = {"\n\\begin{description}\n", "\\end{description}\n"},
        .item = {"\\item[{", "}] ", ".\n"},
    };
    return res_put_statement(x, &face, out, err);
}

const struct res_exporter res_export_as_statement_latex = {
    .name = "statement_latex",
    .doc = "carbon impact statement for a paper, LaTeX",
    .source = "after Henderson et al. 2020, JMLR 21(248)",
    .write = write,
};
