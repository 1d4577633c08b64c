/* What exports share. For results/ and its tests. */
#ifndef RESULTS_EXPORTER_PRIV_H
#define RESULTS_EXPORTER_PRIV_H

#include "results/exporter.h"
#include "results/report_priv.h"
#include "results/trees/tree.h"

struct res_exporting {
    struct res_store *store; /* within one transaction */
    const struct res_run *run;
    const struct res_exporter_opts *opts;
};

struct res_exporter {
    const char *name; /* "codecarbon" */
    const char *doc;
    const char *source; /* of the format */
    /* One of the two: one text, or files under a folder. */
    enum fl_status (*write)(const struct res_exporting *x,
                            struct res_text *out,
                            struct fl_error *err);
    enum fl_status (*write_tree)(const struct res_exporting *x,
                                 struct res_tree *tree,
                                 struct fl_error *err);
    const char *usual_path; /* of a sink that names none: a folder,
                               RES_BESIDE_RUN, or NULL: it must name one */
};
/* The folder that holds the run's directory. */
#define RES_BESIDE_RUN ".."

/* results/exports/exports.def, in order; ends with NULL. */
extern const struct res_exporter *const res_exporters[];

/* One text or number by SQL with an arm's number as ?1; "" and NaN where there
 * is none. Free: fl_free. */
enum fl_status res_arm_text(const struct res_exporting *x,
                            const char *sql,
                            int32_t arm,
                            char **ret,
                            struct fl_error *err) FL_NODISCARD;
enum fl_status res_arm_number(const struct res_exporting *x,
                              const char *sql,
                              int32_t arm,
                              double *ret_value,
                              struct fl_error *err) FL_NODISCARD;
/* The name of the arm's only zone, "" where there are several. */
extern const char res_only_zone_sql[];
/* A named text of the run, "" where there is none. Free: fl_free. */
enum fl_status res_meta_text(const struct res_exporting *x,
                             const char *key,
                             char **ret,
                             struct fl_error *err) FL_NODISCARD;
/* "federated", "local (mean of 3 of 10)"; appended. */
void res_put_arm(const struct res_row *row, struct res_text *out);

/* Everyday measures of emissions, each with who says so. */
struct res_equivalent {
    const char *what; /* "km by car, EU mean"; NULL ends the table */
    double gco2e;     /* of one */
    const char *source;
};
extern const struct res_equivalent res_equivalents[];

/* The carbon impact statement, once for all typefaces. */
struct res_typeface {
    void (*put)(struct res_text *out, const char *plain); /* escapes */
    const char *begin, *end;
    const char *heading[2]; /* around a heading */
    const char *list[2];    /* around a list */
    const char *item[3];    /* around its head, and behind the text */
};
enum fl_status res_put_statement(const struct res_exporting *x,
                                 const struct res_typeface *face,
                                 struct res_text *out,
                                 struct fl_error *err) FL_NODISCARD;

#endif
