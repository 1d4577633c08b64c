"""Adding a layer, a strategy, a device and a carbon term to a copy of the tree:
one file and one row each (the device: one file), and nothing else. The copy
builds, the conformance tests run over the new rows, `fedcarbon list` shows them,
and a scenario trains with all four."""

import contextlib
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from checksource import git_files, walked_files  # noqa: E402

SCENARIO = """\
name: extended
seed: 1
data:
  dataset: {kind: glyphs, writers: 8, samples_per_writer: 10, test_writers: 2}
  clients: 4
  partition: iid
model:
  - toy_layer
  - flatten
  - {kind: dense, units: classes}
train:
  arms: [federated]
  strategy: toy_strategy
  clients_per_round: 4
  rounds: 2
  local: {epochs: 1, batch: 10, lr: 0.1}
fleet:
  # Two speeds, so that somebody waits: the term of the template is about that.
  - {device: toy_device, share: 0.5, zone: DE, link: home_wifi}
  - {device: jetson_nano, share: 0.5, zone: DE, link: home_wifi}
server: {device: cloud_cpu, zone: FR, pue: 1.2}
carbon: {preset: full, grid: {kind: annual}}
"""


def run(command, **options):
    done = subprocess.run([str(word) for word in command], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}\n{done.stdout}")
    return done.stdout


class Extend(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="fedcarbon-extend-")
        cls.addClassCleanup(folder.cleanup)
        cls.dir = pathlib.Path(folder.name)
        cls.tree = cls.dir / "tree"
        cls.build = cls.dir / "build"
        paths = git_files(ROOT, "-c", "-o", "--exclude-standard")
        for path in paths or walked_files(ROOT):
            (cls.tree / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, cls.tree / path)

        cls.add("nn/layers/TEMPLATE.c.txt", "NAME",
                "nn/layers/toy_layer.c", "toy_layer",
                "nn/layers/layers.def", "NN_LAYER(toy_layer)")
        cls.add("coordinator/strategies/fedavg.c", "fedavg",
                "coordinator/strategies/toy_strategy.c", "toy_strategy",
                "coordinator/strategies/strategies.def",
                "COORD_STRATEGY(toy_strategy)")
        cls.add("carbon/terms/TEMPLATE.c.txt", "NAME",
                "carbon/terms/toy_term.c", "toy_term",
                "carbon/terms/terms.def", "CARBON_TERM(toy_term)")
        cls.add("carbon/facts/devices/raspberry_pi_4b.inc", "raspberry_pi_4b",
                "carbon/facts/devices/toy_device.inc", "toy_device")

        cache = (["-DCMAKE_C_COMPILER_LAUNCHER=ccache"]
                 if shutil.which("ccache") else [])
        run(["cmake", "-S", cls.tree, "-B", cls.build, "-G", "Ninja",
             "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_C_FLAGS=-O1", *cache])
        tests = json.loads(run(["ctest", "--test-dir", cls.build, "-L",
                                "^conform$", "--show-only=json-v1"]))["tests"]
        cls.tests = [test["name"] for test in tests]
        cls.make("fedcarbon", "fedcarbon-coordinator", "fedcarbon-client",
                 *("test_" + name.replace(".", "_") for name in cls.tests))
        cls.program = cls.build / "bin" / "fedcarbon"

    @classmethod
    def make(cls, *targets):
        run(["cmake", "--build", cls.build, "--target", *targets])

    @classmethod
    def add(cls, template, placeholder, file, name, table=None, row=None):
        """One file, made from a template or a neighbour, and one row."""
        text = (cls.tree / template).read_text()
        assert placeholder in text and not (cls.tree / file).exists()
        (cls.tree / file).write_text(text.replace(placeholder, name))
        if table:
            with open(cls.tree / table, "a", encoding="utf-8") as rows:
                rows.write(row + "\n")

    def conform(self, pattern=""):
        return subprocess.run(
            ["ctest", "--test-dir", self.build, "-L", "^conform$", "-R",
             pattern], env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def test_the_conformance_tests_pass_with_the_new_rows(self):
        for folder in ("nn.", "carbon.", "coordinator."):
            self.assertTrue([name for name in self.tests
                             if name.startswith(folder)],
                            f"no conformance test {folder}*")
        done = self.conform()
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_the_conformance_tests_catch_a_wrong_addition(self):
        """So they did test what was added, without being told."""
        for file, right, wrong, test in (
                ("nn/layers/toy_layer.c", "ret_dx[i] = params[0] * dy[i]",
                 "ret_dx[i] = 2 * params[0] * dy[i]", "nn.layers_double"),
                ("coordinator/strategies/toy_strategy.c", "+= lr * update[i]",
                 "+= lr * update[i] + 1", "coordinator.strategies"),
                ("carbon/terms/toy_term.c", "return carbon_charge_idle(",
                 "if (c->activity->t1_s > c->activity->t0_s) {\n"
                 "ret->energy_j = 1;\nreturn FL_OK;\n}\n"
                 "return carbon_charge_idle(",
                 "carbon.conform"),
                ("carbon/facts/devices/toy_device.inc", ".value = 5.25",
                 ".value = -5.25", "carbon.facts")):
            with self.subTest(file=file):
                path = self.tree / file
                before = path.read_text()
                self.assertEqual(before.count(right), 1)
                path.write_text(before.replace(right, wrong))
                try:
                    self.make("test_" + test.replace(".", "_"))
                    done = self.conform(f"^{test}$")
                finally:
                    path.write_text(before)
                self.assertNotEqual(done.returncode, 0, done.stdout)
                self.assertIn("Failed", done.stdout)
                self.make("test_" + test.replace(".", "_"))

    def test_the_lists_show_the_new_names(self):
        for what, name in (("layers", "toy_layer"),
                           ("strategies", "toy_strategy"),
                           ("terms", "toy_term"), ("devices", "toy_device")):
            self.assertIn(name, run([self.program, "list", what]))

    def test_a_scenario_uses_all_four(self):
        scenario = self.dir / "extended.yaml"
        scenario.write_text(SCENARIO)
        out = self.dir / "run"
        run([self.program, "run", scenario, "--out", out, "--quiet",
             "--processes", "2"], cwd=self.dir,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"})
        with contextlib.closing(sqlite3.connect(out / "run.sqlite")) as db:
            terms = {row[0] for row in db.execute(
                "SELECT DISTINCT component FROM ledger_named")}
        self.assertIn("toy_term", terms)

    def test_a_file_without_a_row_stops_the_configuration(self):
        stray = self.tree / "nn/layers/stray.c"
        stray.write_text("")
        try:
            done = subprocess.run(["cmake", self.build], text=True,
                                  capture_output=True)
        finally:
            stray.unlink()
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("stray.c has no row", done.stderr)

    def test_a_row_without_a_file_stops_the_configuration(self):
        table = self.tree / "nn/layers/layers.def"
        before = table.read_text()
        table.write_text(before + "NN_LAYER(nowhere)\n")
        try:
            done = subprocess.run(["cmake", self.build], text=True,
                                  capture_output=True)
        finally:
            table.write_text(before)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("nowhere", done.stderr)


if __name__ == "__main__":
    unittest.main()
