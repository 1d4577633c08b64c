/* Figures of runs: for each chart of results/charts/ its data and a gnuplot
 * script, written into a folder. Running gnuplot is the program's business.
 *
 * In the folder, NAME.csv has the data with units and caption in its head, and
 * NAME.gp makes NAME.svg, NAME.pdf, NAME.png from it, again and again:
 * `cd FOLDER && gnuplot NAME.gp`. Same runs, same bytes.
 *
 * Names that come from users stand in quotes in which gnuplot reads no code,
 * and markup is off.
 */
#ifndef RESULTS_FIGURES_H
#define RESULTS_FIGURES_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum res_picture {
    RES_PICTURE_SVG,
    RES_PICTURE_PDF,
    RES_PICTURE_PNG,
    RES_PICTURE_LAST_
};
extern const char *const res_picture_names[]; /* "svg"; NULL-terminated */

struct res_figures_opts {
    const char *const *only; /* [n_only] names of charts; NULL: all */
    size_t n_only;
    bool has_picture[RES_PICTURE_LAST_];
    bool is_double; /* 17.5 cm wide, for two columns; else 8.5 cm */
    FILE *problems; /* takes a line about each run that cannot be had, and each
                       chart that has nothing to show; the rest is made.
                       NULL: the first run that cannot be had ends it all */
};

/* The charts' names and what they show; NULL behind the last. */
const char *res_figure_name(size_t i);
const char *res_figure_doc(size_t i);

/* Writes data and scripts into folder, which is made if missing. For each
 * figure written, made (which may be NULL) is told its name, with arg.
 * Fails FL_E_CONFIG a name that no chart has, with the nearest; FL_E_STATE no
 * chart has anything to show; FL_E_IO, FL_E_NOMEM, FL_E_ARG; with the first
 * problem's status, after writing what can be had: err is as it was then, as
 * opts->problems was told. */
typedef enum fl_status (*res_figure_made_fn)(void *arg,
                                             const char *name,
                                             struct fl_error *err);
enum fl_status res_figures_write(const char *const *dirs,
                                 size_t n_dirs,
                                 const struct res_figures_opts *opts,
                                 const char *folder,
                                 res_figure_made_fn made,
                                 void *arg,
                                 struct fl_error *err) FL_NODISCARD;

#endif
