/* The LaTeX table and statement go through pdflatex, where there is one. */
#include "synthetic.h"

#include "base/alloc.h"
#include "results/exporter.h"
#include "results/report.h"
#include "support/assert_near.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIPPED 77 /* ctest's SKIP_RETURN_CODE */

static int run_latex(const char *folder, const char *file)
{
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (chdir(folder) != 0 || !freopen("log", "w", stdout))
            _exit(126);
        (void)execlp("pdflatex", "pdflatex", "-halt-on-error",
                     "-interaction=nonstopmode", file, (char *)NULL);
        _exit(127); /* there is none */
    }
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    return WIFEXITED(how) ? WEXITSTATUS(how) : 128;
}

int main(void)
{
    struct fl_error err;
    char *folder = syn_folder();
    char *a = syn_run(folder, "run_a", true);
    char *b = syn_run(folder, "b", false);
    char *c = syn_run(folder, "c", true);
    const char *dirs[] = {a, b};
    char *path = syn_path(folder, "paper.tex");
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    (void)fputs("\\documentclass[a4paper,landscape]{article}\n"
                "\\usepackage[T1]{fontenc}\n\\usepackage{textcomp}\n"
                "\\usepackage{booktabs}\\usepackage{graphicx}\n"
                "\\usepackage{longtable}\\usepackage{pdflscape}"
                "\\usepackage{rotating}\n\\begin{document}\n",
                out);
    assert_ok(res_compare(dirs, 1, RES_LATEX, out, &err), &err);
    assert_ok(res_compare(dirs, 2, RES_LATEX, out, &err), &err);
    /* longer than a page: a row per seed and arm */
    const char *longer[30];
    for (size_t i = 0; i < 30; i++)
        longer[i] = i % 2 ? a : c;
    const struct res_compare_opts per_seed = {.per_seed = true};
    (void)fputs("\\begin{landscape}\n", out);
    assert_ok(res_compare_with(longer, 30, &per_seed, RES_LATEX, out, &err),
              &err);
    (void)fputs("\\end{landscape}\n", out);
    static const char *const keys[] = {"name"};
    const char *const seeds[] = {a, b, c};
    syn_tamper(c, "UPDATE meta SET value = 'name: a_b & \"c\"  # x' || char(10)"
                  " || 'seed: 2' WHERE key = 'scenario'");
    const struct res_compare_opts many = {
        .by = keys, .n_by = 1, .sort = "name", .target_accuracy = 0.5};
    assert_ok(res_compare_with(seeds, 3, &many, RES_LATEX, out, &err), &err);
    const struct res_exporter_opts opts = {.has_equivalents = true};
    assert_ok(res_export_as(a, "statement_latex", &opts, NULL, out, &err),
              &err);
    (void)fputs("\\end{document}\n", out);
    assert_int_equal(fclose(out), 0);
    /* twice: longtable learns its columns' widths */
    int code = run_latex(folder, "paper.tex");
    if (code == 0)
        code = run_latex(folder, "paper.tex");
    if (code == 127)
        (void)printf("skipped: there is no pdflatex\n");
    else if (code != 0)
        (void)printf("pdflatex ended with %d, see %s/log\n", code, folder);
    if (code == 0 || code == 127)
        syn_remove(folder);
    else
        fl_free(folder);
    fl_free(path);
    fl_free(a);
    fl_free(b);
    fl_free(c);
    return code == 127 ? SKIPPED : code;
}
