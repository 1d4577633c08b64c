/* The tables and views of run.sqlite, version RES_SCHEMA_VERSION. An opened
 * file must hold each of them letter by letter, so a change here needs a new
 * version number. docs/results.md describes them for users. */
#include "results/store/store_priv.h"

const char *const res_group_names[] = {
    [RES_GROUP_CLIENT] = "client",     [RES_GROUP_NETWORK] = "network",
    [RES_GROUP_SERVER] = "server",     [RES_GROUP_OVERHEAD] = "overhead",
    [RES_GROUP_EMBODIED] = "embodied", [RES_GROUP_LAST_] = NULL,
};

/* Names of numbers: role, phase, evidence. */
#define NAMES(table)                                                           \
    {                                                                          \
#table, "CREATE TABLE " #table "(\n"                                   \
                "  " #table " INTEGER PRIMARY KEY,\n"                          \
                "  name TEXT NOT NULL UNIQUE\n"                                \
                ") STRICT"                                                     \
    }

const struct res_schema_object res_schema[] = {
    {"meta", "CREATE TABLE meta(\n"
             "  key TEXT NOT NULL PRIMARY KEY,\n"
             "  value TEXT NOT NULL\n"
             ") STRICT"},
    NAMES(role),
    NAMES(phase),
    NAMES(stage),
    NAMES(evidence),
    NAMES(zone),
    {"component", "CREATE TABLE component(\n"
                  "  component INTEGER PRIMARY KEY,\n"
                  "  name TEXT NOT NULL UNIQUE,\n"
                  "  term_group TEXT NOT NULL CHECK (term_group IN\n"
                  "    ('client', 'network', 'server', 'overhead',\n"
                  "     'embodied')),\n"
                  "  doc TEXT NOT NULL,\n"
                  "  source TEXT NOT NULL\n"
                  ") STRICT"},
    {"arm", "CREATE TABLE arm(\n"
            "  arm INTEGER PRIMARY KEY,\n"
            "  name TEXT NOT NULL UNIQUE,\n"
            "  participants INTEGER NOT NULL CHECK (participants >= 0),\n"
            "  population INTEGER NOT NULL\n"
            "    CHECK (population >= participants),\n"
            "  target_accuracy REAL NOT NULL\n"
            "    CHECK (target_accuracy BETWEEN 0 AND 1)\n"
            ") STRICT"},
    {"round",
     "CREATE TABLE round(\n"
     "  arm INTEGER NOT NULL REFERENCES arm,\n"
     "  round INTEGER NOT NULL,\n"
     "  sim_time_s REAL NOT NULL CHECK (sim_time_s BETWEEN 0 AND 1e300),\n"
     "  accuracy REAL CHECK (accuracy BETWEEN 0 AND 1),\n"
     "  loss REAL,\n"
     "  train_loss REAL,\n"
     "  updates INTEGER NOT NULL CHECK (updates >= 0),\n"
     "  refused INTEGER NOT NULL CHECK (refused >= 0),\n"
     "  PRIMARY KEY (arm, round)\n"
     ") STRICT, WITHOUT ROWID"},
    {"ledger",
     "CREATE TABLE ledger(\n"
     "  arm INTEGER NOT NULL REFERENCES arm,\n"
     "  seq INTEGER NOT NULL CHECK (seq >= 0),\n"
     "  round INTEGER NOT NULL,\n"
     "  role INTEGER NOT NULL,\n"
     "  entity INTEGER NOT NULL,\n"
     "  zone INTEGER NOT NULL REFERENCES zone,\n"
     "  component INTEGER NOT NULL REFERENCES component,\n"
     "  phase INTEGER NOT NULL,\n"
     "  stage INTEGER NOT NULL,\n"
     "  t0_s REAL NOT NULL CHECK (t0_s > -1e300),\n"
     "  t1_s REAL NOT NULL CHECK (t1_s >= t0_s AND t1_s < 1e300),\n"
     "  energy_j REAL NOT NULL CHECK (energy_j BETWEEN 0 AND 1e300),\n"
     "  idle_j REAL NOT NULL CHECK (idle_j BETWEEN 0 AND energy_j),\n"
     "  bytes REAL NOT NULL CHECK (bytes BETWEEN 0 AND 1e300),\n"
     "  wasted INTEGER NOT NULL CHECK (wasted IN (0, 1)),\n"
     "  evidence INTEGER NOT NULL,\n"
     "  basis INTEGER NOT NULL,\n"
     "  emitted_gco2e REAL NOT NULL\n"
     "    CHECK (emitted_gco2e BETWEEN 0 AND 1e300),\n"
     "  PRIMARY KEY (arm, seq)\n"
     ") STRICT, WITHOUT ROWID"},
    {"fact", "CREATE TABLE fact(\n"
             "  name TEXT NOT NULL PRIMARY KEY,\n"
             "  unit TEXT NOT NULL,\n"
             "  value REAL NOT NULL,\n"
             "  is_off INTEGER NOT NULL CHECK (is_off IN (0, 1)),\n"
             "  evidence INTEGER NOT NULL REFERENCES evidence,\n"
             "  year INTEGER NOT NULL,\n"
             "  source TEXT NOT NULL,\n"
             "  spread TEXT NOT NULL,\n"
             "  low REAL NOT NULL,\n"
             "  high REAL NOT NULL,\n"
             "  sd REAL NOT NULL,\n"
             "  gsd REAL NOT NULL\n"
             ") STRICT"},
    /* What the ledger rows of a basis are in proportion to: the product of
     * (value - zero_value) of these facts to the power of sign. */
    {"basis", "CREATE TABLE basis(\n"
              "  basis INTEGER NOT NULL,\n"
              "  part INTEGER NOT NULL,\n"
              "  fact TEXT NOT NULL REFERENCES fact,\n"
              "  zero_value REAL NOT NULL,\n"
              "  sign INTEGER NOT NULL CHECK (sign IN (-1, 1)),\n"
              "  PRIMARY KEY (basis, part)\n"
              ") STRICT, WITHOUT ROWID"},
    {"outcome",
     "CREATE TABLE outcome(\n"
     "  arm INTEGER PRIMARY KEY REFERENCES arm,\n"
     "  accuracy REAL CHECK (accuracy BETWEEN 0 AND 1),\n"
     "  loss REAL,\n"
     "  rounds INTEGER NOT NULL CHECK (rounds >= 0),\n"
     "  sim_time_s REAL NOT NULL CHECK (sim_time_s BETWEEN 0 AND 1e300),\n"
     "  reached INTEGER NOT NULL CHECK (reached IN (0, 1)),\n"
     "  model_sha256 TEXT NOT NULL\n"
     ") STRICT"},
    {"checkpoint", "CREATE TABLE checkpoint(\n"
                   "  arm INTEGER PRIMARY KEY REFERENCES arm,\n"
                   "  crc32 INTEGER NOT NULL,\n"
                   "  bytes BLOB NOT NULL\n"
                   ") STRICT"},
    /* Sums of the ledger's rows, written once when the run is finished, so
     * that no table has to read millions of them again. */
    {"ledger_sum", "CREATE TABLE ledger_sum(\n"
                   "  arm INTEGER NOT NULL REFERENCES arm,\n"
                   "  role INTEGER NOT NULL,\n"
                   "  zone INTEGER NOT NULL,\n"
                   "  component INTEGER NOT NULL,\n"
                   "  phase INTEGER NOT NULL,\n"
                   "  stage INTEGER NOT NULL,\n"
                   "  evidence INTEGER NOT NULL,\n"
                   "  basis INTEGER NOT NULL,\n"
                   "  wasted INTEGER NOT NULL,\n"
                   "  entries INTEGER NOT NULL,\n"
                   "  energy_j REAL NOT NULL,\n"
                   "  idle_j REAL NOT NULL,\n"
                   "  bytes REAL NOT NULL,\n"
                   "  emitted_gco2e REAL NOT NULL,\n"
                   "  idle_gco2e REAL NOT NULL\n"
                   ") STRICT"},
    /* Everything below is for reading: names instead of numbers. */
    {"ledger_named",
     "CREATE VIEW ledger_named AS\n"
     "SELECT a.name AS arm, l.seq, l.round, r.name AS role, l.entity,\n"
     "  z.name AS zone, c.name AS component, c.term_group, p.name AS phase,\n"
     "  s.name AS stage, l.t0_s, l.t1_s, l.energy_j, l.idle_j, l.bytes,\n"
     "  l.wasted, e.name AS evidence, l.basis, l.emitted_gco2e\n"
     "FROM ledger l CROSS JOIN arm a ON a.arm = l.arm\n"
     "  CROSS JOIN role r ON r.role = l.role\n"
     "  CROSS JOIN zone z ON z.zone = l.zone\n"
     "  CROSS JOIN component c ON c.component = l.component\n"
     "  CROSS JOIN phase p ON p.phase = l.phase\n"
     "  CROSS JOIN stage s ON s.stage = l.stage\n"
     "  CROSS JOIN evidence e ON e.evidence = l.evidence"},
    {"ledger_group", "CREATE VIEW ledger_group AS\n"
                     "SELECT * FROM ledger_sum UNION ALL\n" RES_SUM_LEDGER
                     "WHERE NOT EXISTS (SELECT 1 FROM ledger_sum)\n"
                     "GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9"},
    {"arm_total",
     "CREATE VIEW arm_total AS\n"
     "SELECT a.name AS arm, total(l.entries) AS entries,\n"
     "  total(l.energy_j) AS energy_j, total(l.idle_j) AS idle_j,\n"
     "  total(l.emitted_gco2e) AS emitted_gco2e,\n"
     "  total(CASE e.name WHEN 'assumed' THEN l.emitted_gco2e END)\n"
     "    AS assumed_gco2e,\n"
     "  total(CASE l.wasted WHEN 1 THEN l.energy_j END) AS wasted_energy_j,\n"
     "  total(CASE l.wasted WHEN 1 THEN l.emitted_gco2e END)\n"
     "    AS wasted_gco2e,\n"
     "  total(l.idle_gco2e) AS idle_gco2e,\n"
     "  total(CASE c.term_group WHEN 'embodied' THEN l.emitted_gco2e END)\n"
     "    AS embodied_gco2e,\n"
     "  total(l.bytes) AS bytes\n"
     "FROM arm a LEFT JOIN ledger_group l ON l.arm = a.arm\n"
     "  LEFT JOIN component c ON c.component = l.component\n"
     "  LEFT JOIN evidence e ON e.evidence = l.evidence\n"
     "GROUP BY a.arm"},
    {"arm_component",
     "CREATE VIEW arm_component AS\n"
     "SELECT a.name AS arm, c.name AS component, c.term_group,\n"
     "  sum(l.entries) AS entries, sum(l.energy_j) AS energy_j,\n"
     "  sum(l.emitted_gco2e) AS emitted_gco2e\n"
     "FROM ledger_group l JOIN arm a ON a.arm = l.arm\n"
     "  JOIN component c ON c.component = l.component\n"
     "GROUP BY l.arm, l.component"},
    {"arm_phase",
     "CREATE VIEW arm_phase AS\n"
     "SELECT a.name AS arm, p.name AS phase, sum(l.entries) AS entries,\n"
     "  sum(l.energy_j) AS energy_j, sum(l.emitted_gco2e) AS emitted_gco2e,\n"
     "  sum(l.bytes) AS bytes\n"
     "FROM ledger_group l JOIN arm a ON a.arm = l.arm\n"
     "  JOIN phase p ON p.phase = l.phase GROUP BY l.arm, l.phase"},
    {"arm_stage",
     "CREATE VIEW arm_stage AS\n"
     "SELECT a.name AS arm, g.name AS stage, sum(l.entries) AS entries,\n"
     "  sum(l.energy_j) AS energy_j, sum(l.emitted_gco2e) AS emitted_gco2e\n"
     "FROM ledger_group l JOIN arm a ON a.arm = l.arm\n"
     "  JOIN stage g ON g.stage = l.stage GROUP BY l.arm, l.stage"},
    {"arm_zone",
     "CREATE VIEW arm_zone AS\n"
     "SELECT a.name AS arm, z.name AS zone, sum(l.entries) AS entries,\n"
     "  sum(l.energy_j) AS energy_j, sum(l.emitted_gco2e) AS emitted_gco2e\n"
     "FROM ledger_group l JOIN arm a ON a.arm = l.arm\n"
     "  JOIN zone z ON z.zone = l.zone GROUP BY l.arm, l.zone"},
    {"round_cumulative",
     "CREATE VIEW round_cumulative AS\n"
     "WITH moment AS (\n"
     "  SELECT arm, round, sum(energy_j) AS energy_j,\n"
     "    sum(emitted_gco2e) AS emitted_gco2e\n"
     "  FROM ledger GROUP BY arm, round\n"
     "  UNION ALL SELECT arm, round, 0.0, 0.0 FROM round),\n"
     "sofar AS (\n"
     "  SELECT arm, round,\n"
     "    sum(sum(energy_j)) OVER past AS energy_j,\n"
     "    sum(sum(emitted_gco2e)) OVER past AS emitted_gco2e\n"
     "  FROM moment GROUP BY arm, round\n"
     "  WINDOW past AS (PARTITION BY arm ORDER BY round))\n"
     "SELECT a.name AS arm, r.round, r.sim_time_s, r.accuracy, r.loss,\n"
     "  r.train_loss, r.updates, r.refused,\n"
     "  s.energy_j AS cumulative_energy_j,\n"
     "  s.emitted_gco2e AS cumulative_gco2e\n"
     "FROM round r JOIN sofar s ON s.arm = r.arm AND s.round = r.round\n"
     "  JOIN arm a ON a.arm = r.arm ORDER BY r.arm, r.round"},
    {NULL, NULL},
};
