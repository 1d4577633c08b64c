/* Inside of the reports: what is read from a run, as plain structs, and the
 * tables that say which column holds what. Everything here was summed by SQL
 * over the rows of run.sqlite when the report was asked for. */
#ifndef RESULTS_REPORT_PRIV_H
#define RESULTS_REPORT_PRIV_H

#include "results/report.h"
#include "results/res_text.h"
#include "results/store/store_priv.h"
#include "results/uncertain/intervals.h"

#include <jansson.h>

/* One arm. Figures are of the whole arm, except where the arm is local:
 * then they are means per client over `counted` clients. NaN = not known. */
struct res_row {
    char *arm;
    const char *per; /* "arm" or "client": what the figures are of */
    bool is_per_client;
    bool is_finished;
    int64_t participants, population;
    int64_t counted; /* clients in the means; 1 for other arms */
    double target_accuracy;
    int64_t reached; /* how many of `counted` reached the target; -1: none
                        was set or it is not known yet */
    double accuracy;
    double loss;
    int64_t rounds;
    double sim_time_s;
    double bytes, up_bytes, down_bytes;
    double energy_j;
    double group_j[RES_GROUP_LAST_];
    double group_gco2e[RES_GROUP_LAST_]; /* whatever the boundary */
    bool has_group[RES_GROUP_LAST_];     /* any entries at all */
    double gco2e;                        /* within the run's boundary */
    double dynamic_gco2e, idle_gco2e, embodied_gco2e;
    double idle_j;
    double gco2e_p5, gco2e_p95; /* NaN: no entries yet */
    double sci_gco2e;           /* per sci_unit; NaN: no such unit, not asked */
    const char *sci_unit;       /* "": not asked */
    double assumed_ratio;
    double wasted_ratio;
    double x_centralized;
    double x_p5, x_p95;             /* of x_centralized */
    double below_centralized_share; /* of the draws, with less carbon */
    double all_clients_j;
    double all_clients_gco2e;
    double all_clients_x_centralized;
    char *model_sha256; /* "" while unfinished */
    int32_t number;
    int64_t entries;
    int64_t rank;         /* -1: none */
    int64_t n_seeds;      /* runs behind the row: 1, or those of a mean */
    double rounds_mean;   /* `rounds`, as the mean over seeds */
    bool is_cut;          /* figures end before the arm did */
    const char *baseline; /* what x_baseline divides by; "": nothing */
    double x_baseline;
    /* Standard errors of the means over seeds; NaN: one seed. */
    double accuracy_se, rounds_se, sim_time_se_s, bytes_se, energy_se_j;
    double gco2e_se, x_se;
    double total_energy_j, total_gco2e, total_bytes; /* of the ledger's rows */
    bool has_transfers; /* bytes are NaN where it needs some and has none */
};

/* One run; texts are never NULL. */
struct res_run {
    char *dir;
    char *label; /* how the table calls it */
    char *name, *dataset, *model, *partition, *grid, *preset;
    char *leaves_out, *command, *scenario_sha256;
    char *modelled;    /* names of the components that have entries */
    char *network;     /* network constants among the facts */
    char *off;         /* facts that were switched off */
    char *assumed;     /* curves that stand for training; "": it was trained */
    char *boundary;    /* emissions that figures count */
    char *attribution; /* what of idle power is charged */
    char *influences;  /* facts that move the answer most */
    char *seed;        /* "" not recorded; of a mean: "1, 2, 3" */
    char *scenario;    /* resolved, YAML; "" not recorded */
    char seedless_sha256[65]; /* of its values but for the seed, without
                                 origins; "" unknown */
    char **keys;              /* [n_keys] values of the table's keys */
    size_t n_keys;
    int64_t n_clients; /* -1: not recorded */
    enum res_boundary boundary_kind;
    bool is_finished;
    struct res_row *rows;
    size_t n_rows, rows_capacity;
};

/* Reads everything above. Free: res_run_fini (copes with a zeroed run). */
enum fl_status res_gather(struct res_store *store,
                          struct res_run *ret,
                          struct fl_error *err) FL_NODISCARD;
void res_run_fini(struct res_run *run);
/* Whether a phase moves bytes from clients, to clients. */
bool res_is_up(const char *phase);
bool res_is_down(const char *phase);

/* Full-precision columns of the table, for CSV and JSON. */
enum res_column_kind {
    RES_COLUMN_TEXT, /* char *; "" = no value */
    RES_COLUMN_INT,  /* int64_t; < 0 = no value */
    RES_COLUMN_REAL, /* double; NaN = no value */
    RES_COLUMN_KWH,  /* double in J, written in kWh */
    RES_COLUMN_BOOL
};
struct res_column {
    const char *name; /* NULL ends the table */
    const char *unit;
    const char *meaning;
    const char *aggregates; /* how it adds up over clients, rounds, arms */
    enum res_column_kind kind;
    bool is_of_run; /* offset in struct res_run, else in struct res_row */
    size_t offset;
};
extern const struct res_column res_table_columns[];
/* rounds.csv: kind and offset are not used, columns of view round_cumulative
 * in order. */
extern const struct res_column res_rounds_columns[];

/* Writes one CSV field, quoted where RFC 4180 asks for it. */
void res_csv_field(struct res_text *out, const char *field);
/* Plain text as Markdown and as LaTeX; line breaks become blanks. */
void res_md_text(struct res_text *out, const char *plain);
void res_latex_text(struct res_text *out, const char *plain);
/* A column's value of the struct at base. */
void res_column_csv(const struct res_column *column,
                    const void *base,
                    struct res_text *out);
json_t *res_column_json(const struct res_column *column, const void *base);
/* Rounded for people. */
void res_column_cell(const struct res_column *column,
                     const void *base,
                     struct res_text *out);

/* Named texts of the run that mean something to the reports. */
enum res_meta_kind {
    RES_META_TEXT,
    RES_META_INT,
    RES_META_REAL,
    RES_META_JSON
};
struct res_meta_key {
    const char *key; /* NULL ends the table */
    enum res_meta_kind kind;
    bool in_manifest;
    const char *doc;
};
extern const struct res_meta_key res_meta_keys[];
/* The stored text as JSON of its kind; null when missing.
 * Fails FL_E_FORMAT when it is not of its kind. */
enum fl_status res_meta_json(struct res_store *store,
                             const struct res_meta_key *key,
                             json_t **ret,
                             struct fl_error *err) FL_NODISCARD;
const struct res_meta_key *res_meta_find(const char *key); /* or NULL */

/* Sets object[key] = value, which is stolen; a NULL value is out of memory. */
enum fl_status res_json_set(json_t *object,
                            const char *key,
                            json_t *value,
                            struct fl_error *err) FL_NODISCARD;
json_t *res_json_real(double value); /* null for NaN and infinities */
/* Indented, 17 significant digits, a newline at the end. */
enum fl_status res_json_write(const json_t *json,
                              struct res_text *out,
                              struct fl_error *err) FL_NODISCARD;

/* The parts of res_export. */
enum fl_status res_export_summary(struct res_store *store,
                                  struct fl_error *err) FL_NODISCARD;
enum fl_status res_export_manifest(struct res_store *store,
                                   struct fl_error *err) FL_NODISCARD;
enum fl_status res_export_rounds(struct res_store *store,
                                 struct fl_error *err) FL_NODISCARD;
/* text into a file of the run's directory, atomically. */
enum fl_status res_export_file(struct res_store *store,
                               const char *name,
                               const struct res_text *text,
                               struct fl_error *err) FL_NODISCARD;

/* What people see: text, Markdown, LaTeX. */
struct res_line { /* a row of the table */
    const struct res_run *run;
    const struct res_row *row;
};
struct res_field;
struct res_table {
    struct res_run *runs; /* those of one setting but for the seed are one */
    size_t n_runs;
    const char *const *keys; /* of the resolved scenario */
    size_t n_keys;
    struct res_field *fields; /* the columns */
    size_t n_fields, fields_capacity;
    struct res_line *lines;
    size_t n_lines;
    const char *baseline;    /* "centralized" ...: heads the ratio */
    const char *arm;         /* rows of this arm alone; NULL: of all */
    bool has_labels;         /* runs go by their folders' names, else keys */
    bool is_sorted;          /* runs' lines do not stand together */
    const char *energy_unit; /* "Wh" or "kWh" */
    double energy_unit_j;
    const char *carbon_unit; /* "gCO2e" or "kgCO2e" */
    double carbon_unit_gco2e;
    const char *sci_unit; /* "gCO2e/round" */
};
/* Quantities whose unit the table chooses. */
enum res_quantity { RES_NO_QUANTITY, RES_ENERGY, RES_CARBON, RES_SCI };
struct res_shown {
    const char *column; /* its name, as --columns has it; NULL ends the table */
    const char *head;   /* NULL: "x <baseline>" */
    const char *unit;   /* "" none; NULL: as `quantity` says */
    enum res_quantity quantity;
    bool is_left;
    void (*put)(const struct res_table *table,
                const struct res_run *run,
                const struct res_row *row,
                struct res_text *out);
};
extern const struct res_shown res_shown_columns[];
extern const struct res_shown res_shown_on_request[]; /* not among the usual */

/* A column of this table: a key, else one of the dictionary or of those that
 * people see, or both. */
struct res_field {
    const char *name;
    size_t key;                      /* where column and shown are NULL */
    const struct res_column *column; /* NULL: only people see it */
    const struct res_shown *shown;   /* NULL: people see its number */
    bool is_constant;                /* the same in all lines: said once */
};
void res_field_head(const struct res_table *table,
                    const struct res_field *field,
                    struct res_text *out);
const char *res_field_unit(const struct res_table *table,
                           const struct res_field *field);
bool res_field_is_left(const struct res_field *field);
void res_field_cell(const struct res_table *table,
                    const struct res_field *field,
                    const struct res_line *line,
                    struct res_text *out);
void res_field_csv(const struct res_field *field,
                   const struct res_line *line,
                   struct res_text *out);
json_t *res_field_json(const struct res_field *field,
                       const struct res_line *line);
/* "clients 10, idle 0 gCO2e": columns that are the same in all lines. */
void res_put_constants(const struct res_table *table, struct res_text *out);

/* Sentences around the table, plain text. Each appends; nothing when there is
 * nothing to say. */
void res_put_title(const struct res_run *run, struct res_text *out);
void res_put_targets(const struct res_run *run, struct res_text *out);
void res_put_setting(const struct res_run *run, struct res_text *out);
enum res_note {
    RES_NOTE_MOCK,
    RES_NOTE_UNFINISHED,
    RES_NOTE_SEEDS,
    RES_NOTE_MISSED,
    RES_NOTE_CUT,
    RES_NOTE_UNEQUAL,
    RES_NOTE_LOCAL,
    RES_NOTE_OFF,
    RES_NOTE_MODELLED,
    RES_NOTE_NETWORK,
    RES_NOTE_BOUNDARY,
    RES_NOTE_UNCERTAIN,
    RES_NOTE_INFLUENCES,
    RES_NOTE_LEAVES_OUT,
    RES_NOTE_COMMAND,
    RES_NOTE_LAST_
};
void res_put_note(const struct res_table *table,
                  const struct res_run *run,
                  enum res_note note,
                  struct res_text *out);
extern const char *const res_note_heads[]; /* "not modelled here" ... */

/* One writer per format. */
enum fl_status res_table_text(const struct res_table *table,
                              struct res_text *out,
                              struct fl_error *err) FL_NODISCARD;
enum fl_status res_table_csv(const struct res_table *table,
                             struct res_text *out,
                             struct fl_error *err) FL_NODISCARD;
enum fl_status res_table_md(const struct res_table *table,
                            struct res_text *out,
                            struct fl_error *err) FL_NODISCARD;
enum fl_status res_table_latex(const struct res_table *table,
                               struct res_text *out,
                               struct fl_error *err) FL_NODISCARD;
enum fl_status res_table_json(const struct res_table *table,
                              struct res_text *out,
                              struct fl_error *err) FL_NODISCARD;

#endif
