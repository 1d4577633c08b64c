"""What sinks write, opened by the programs that it is for: TensorBoard's own
reader, MLflow's file store, Prometheus' parser. Every value is compared with
rounds.csv, summary.json and the ledger.

The interpreter that has them is $FEDCARBON_PEERS_PYTHON (packages tensorboard,
mlflow-skinny, prometheus_client); default: python3. A reader that is missing is
skipped by name:

    python3 -m venv /tmp/peers
    /tmp/peers/bin/pip install tensorboard mlflow-skinny prometheus_client pandas
    FEDCARBON_PEERS_PYTHON=/tmp/peers/bin/python tools/nightly
"""

import csv
import json
import os
import pathlib
import sqlite3
import subprocess
import unittest

from support import Case, skip_everything

MODULES = ("tensorboard", "mlflow", "prometheus_client")
PYTHON = os.environ.get("FEDCARBON_PEERS_PYTHON", "python3")

TENSORBOARD = """
import json, sys
from tensorboard.backend.event_processing import event_accumulator
out = {}
for name in sys.argv[1:]:
    a = event_accumulator.EventAccumulator(name, size_guidance={
        event_accumulator.SCALARS: 0, event_accumulator.TENSORS: 0})
    a.Reload()
    out[name] = {
        "scalars": {t: [[e.step, e.wall_time, e.value] for e in a.Scalars(t)]
                    for t in a.Tags()["scalars"]},
        "texts": {t: [x.decode() for e in a.Tensors(t)
                      for x in e.tensor_proto.string_val]
                  for t in a.Tags()["tensors"]},
        "plugins": {t: a.SummaryMetadata(t).plugin_data.plugin_name
                    for t in a.Tags()["tensors"]}}
json.dump(out, sys.stdout)
"""

MLFLOW = """
import json, sys
from mlflow.store.tracking.file_store import FileStore
from mlflow.entities import ViewType
store = FileStore(sys.argv[1])
out = []
for e in store.search_experiments(ViewType.ALL):
    for r in store.search_runs([e.experiment_id], "", ViewType.ALL):
        out.append({
            "experiment": e.name, "id": r.info.run_id, "name": r.info.run_name,
            "status": r.info.status, "start": r.info.start_time,
            "end": r.info.end_time, "artifacts": r.info.artifact_uri,
            "params": r.data.params, "tags": r.data.tags,
            "metrics": {k: [[m.step, m.timestamp, m.value]
                            for m in store.get_metric_history(r.info.run_id, k)]
                        for k in r.data.metrics}})
json.dump(out, sys.stdout)
"""

PROMETHEUS = """
import json, sys
from prometheus_client.parser import text_string_to_metric_families as parse
json.dump([[s.name, s.labels, s.value] for f in parse(open(sys.argv[1]).read())
           for s in f.samples], sys.stdout)
"""


def has(module):
    try:
        return subprocess.run([PYTHON, "-c", f"import {module}"],
                              capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def read(script, *words):
    done = subprocess.run(
        [PYTHON, "-c", script, *map(str, words)], capture_output=True,
        text=True, check=False,
        env={**os.environ, "MLFLOW_ALLOW_FILE_STORE": "true"})
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout)


class Readers(Case):
    def setUp(self):
        super().setUp()
        self.run_dir = self.run_ok(
            "run", "--sink", f"tensorboard={self.dir}/tb", "--sink",
            f"mlflow={self.dir}/ml", "--sink",
            f"prometheus={self.dir}/run.prom")
        with open(self.run_dir / "rounds.csv", encoding="utf-8") as file:
            self.rounds = list(csv.DictReader(file))
        self.found = self.arms(self.run_dir)
        self.db = sqlite3.connect(
            f"file:{self.run_dir}/run.sqlite?mode=ro", uri=True)
        self.addCleanup(self.db.close)
        self.start = self.db.execute(
            "SELECT strftime('%s', value) FROM meta WHERE key = 'started_utc'"
        ).fetchone()[0]
        self.start = int(self.start)

    SERIES = {"accuracy/test": "accuracy", "loss/test": "loss",
              "loss/train": "train_loss", "updates/accepted": "updates",
              "updates/refused": "refused",
              "energy/kWh/all": "cumulative_energy_kwh",
              "carbon/gCO2e/all": "cumulative_gco2e"}

    def expected(self, arm):
        """{series: [(round, simulated seconds, value)]} of an arm."""
        want = {}
        for row in self.rounds:
            if row["arm"] != arm:
                continue
            at = int(row["round"]), float(row["sim_time_s"])
            for series, column in self.SERIES.items():
                if row[column]:
                    want.setdefault(series, []).append(
                        (*at, float(row[column])))
            for kind, column, unit in (("energy/kWh", "energy_j", 3.6e6),
                                       ("carbon/gCO2e", "emitted_gco2e", 1)):
                for component, energy, total in self.db.execute(
                        "SELECT component, sum(energy_j), sum(%s)"
                        " FROM ledger_named WHERE arm = ? AND round <= ?"
                        " GROUP BY component" % column, (arm, at[0])):
                    if energy > 0 or kind == "carbon/gCO2e":
                        want.setdefault(f"{kind}/{component}", []).append(
                            (*at, total / unit))
        return want

    def compare(self, found, want, unit_s, digits, what):
        self.assertEqual(sorted(found), sorted(want), what)
        for series, points in want.items():
            self.assertEqual(len(found[series]), len(points), series)
            for (step, at, value), (number, sim_s, right) in zip(
                    found[series], points):
                self.assertEqual(step, number, series)
                # A double holds seconds of this century to 0.24 us; MLflow
                # rounds to milliseconds.
                self.assertAlmostEqual(at * unit_s - self.start, sim_s,
                                       delta=max(5e-7, 0.51 * unit_s
                                                 if unit_s < 1 else 0))
                self.assertAlmostEqual(value, right, msg=series,
                                       delta=abs(right) * digits)

    @unittest.skipUnless(has("tensorboard"), "there is no tensorboard")
    def test_tensorboard_reads_every_value(self):
        arms = {p.name: p for p in (pathlib.Path(self.dir) / "tb" /
                                    self.run_dir.name).iterdir()}
        self.assertEqual(sorted(arms), ["centralized", "federated", "local"])
        found = read(TENSORBOARD, *arms.values())
        for arm, folder in arms.items():
            got = found[str(folder)]
            # Values are floats there: 24 bits.
            self.compare(got["scalars"], self.expected(arm), 1, 2 ** -24, arm)
            self.assertEqual(set(got["plugins"].values()), {"text"})
            text, = got["texts"]["scenario/text_summary"]
            lines = [line[4:] for line in text.splitlines()]
            self.assertEqual(
                "\n".join(lines) + "\n",
                self.db.execute("SELECT value FROM meta WHERE key = 'scenario'"
                                ).fetchone()[0])

    @unittest.skipUnless(has("mlflow"), "there is no mlflow")
    def test_mlflow_reads_every_value(self):
        def runs():
            return {r["tags"]["fedcarbon.arm"]: r
                    for r in read(MLFLOW, f"{self.dir}/ml")}
        found = runs()
        table = {row["arm"]: row for row in json.loads(self.call(
            "compare", self.run_dir, "--format", "json").stdout)}
        self.assertEqual(sorted(found), ["centralized", "federated", "local"])
        for arm, run in found.items():
            row = table[arm]
            self.assertEqual(run["experiment"], "tiny")
            self.assertEqual(run["status"], "FINISHED")
            self.assertEqual(run["start"], self.start * 1000)
            results = {k: v for k, v in run["metrics"].items()
                       if k.startswith("result/")}
            curves = {k: v for k, v in run["metrics"].items()
                      if not k.startswith("result/")}
            # 17 digits: the same double; sums in another order than here.
            self.compare(curves, self.expected(arm), 1e-3, 1e-12, arm)
            self.assertEqual(results["result/accuracy"][0][2],
                             row["accuracy"])
            self.assertEqual(results["result/emitted_gCO2e"][0][2],
                             row["emitted_gco2e"])
            self.assertEqual(run["params"]["train.rounds"], "4")
            self.assertEqual(run["params"]["fleet.0.zone"], "DE")
            copy = pathlib.Path(run["artifacts"]) / "summary.json"
            self.assertEqual(copy.read_bytes(),
                             (self.run_dir / "summary.json").read_bytes())
        self.call("export", self.run_dir, "--format", "mlflow", "--out",
                       f"{self.dir}/ml")
        self.assertEqual(runs(), found)  # replaced, not doubled

    @unittest.skipUnless(has("prometheus_client"),
                         "there is no prometheus_client")
    def test_prometheus_reads_every_sample(self):
        found = read(PROMETHEUS, f"{self.dir}/run.prom")
        sums = {}
        for name, labels, value in found:
            if name == "fedcarbon_energy_joules_total":
                sums[labels["arm"], labels["component"]] = value
        want = {(a, c): e for a, c, e in self.db.execute(
            "SELECT arm, component, energy_j FROM arm_component")}
        self.assertEqual(sums, want)
        accuracy = {labels["arm"]: value for name, labels, value in found
                    if name == "fedcarbon_test_accuracy_ratio"}
        self.assertEqual(accuracy, {arm: figures["accuracy"] for arm, figures
                                    in self.found.items()})


if __name__ == "__main__":
    if not any(map(has, MODULES)):
        skip_everything("$FEDCARBON_PEERS_PYTHON has none of "
                        + ", ".join(MODULES))
    unittest.main(verbosity=2)
