"""Mode mock: the ledger is what training would have left, and nothing that was
assumed passes for a result."""

import csv
import json
import signal
import unittest

from support import SCENARIO, Case, changed

MOCK = ("--set", "mode=mock")
POPULATION = """\
name: population
seed: 3
mode: mock
mock: {samples_per_client: 30, shape: [28, 28, 1], classes: 10, test_samples: 500}
"""


def of_sizes(clients):
    """The scenario, of so many clients that no data set is opened for."""
    text = SCENARIO[SCENARIO.index("data:"):]
    start, end = text.index("  dataset:"), text.index("model:")
    data = f"  {{dataset: people, clients: {clients}}}\n"
    return POPULATION + text[:start] + data + text[end:]


class Mock(Case):
    def test_the_ledger_is_that_of_the_trained_run(self):
        wide = ("--set", "train.over_selection_ratio=2", "--set",
                "train.drop_out_ratio=0.2", "--set", "train.rounds=6", "--set",
                "train.evaluate_every=2")
        trained = self.run_ok("trained", "--processes", 1, *wide)
        curve = trained / "rounds.csv"
        mocked = self.run_ok(
            "mocked", *MOCK, *wide, "--set",
            f"mock.accuracy={{kind: table, file: {curve}}}", "--set",
            f"mock.centralized_accuracy={{kind: table, file: {curve}}}")
        ours, theirs = self.arms(mocked), self.arms(trained)
        for name in ("federated", "centralized", "local"):
            for key in ("ledger_sha256", "ledger_rows", "sim_time_s",
                        "energy_j", "emitted_gco2e", "rounds"):
                self.assertEqual(ours[name][key], theirs[name][key], name)
            self.assertIsNone(ours[name]["model_sha256"])
        for name in ("federated", "centralized"):
            self.assertEqual(ours[name]["accuracy"], theirs[name]["accuracy"])
        self.assertIsNone(ours["local"]["accuracy"])  # nobody stated one
        self.assertEqual(self.sql(mocked, "SELECT * FROM ledger"),
                         self.sql(trained, "SELECT * FROM ledger"))

    def test_a_target_ends_an_arm_where_the_curve_reaches_it(self):
        trained = self.run_ok("trained", "--processes", 1)
        with open(trained / "rounds.csv", encoding="utf-8") as file:
            scores = [float(row["accuracy"]) for row in csv.DictReader(file)
                      if row["arm"] == "federated"]
        target = scores[1]
        self.assertGreater(target, scores[0])
        sets = ("--set", f"train.stop.accuracy={target}", "--set",
                "train.arms=[federated]")
        stopped = self.run_ok("stopped", "--processes", 1, *sets)
        mocked = self.run_ok(
            "mocked", *MOCK, *sets, "--set", "mock.accuracy={kind: table, "
            f"file: {stopped / 'rounds.csv'}}}")
        ours, theirs = self.arms(mocked), self.arms(stopped)
        self.assertEqual(ours["federated"]["rounds"], 2)
        self.assertTrue(ours["federated"]["reached"])
        self.assertEqual(ours["federated"]["ledger_sha256"],
                         theirs["federated"]["ledger_sha256"])

    def test_everything_says_that_nothing_was_trained(self):
        path = self.write("scenario.yaml", of_sizes(5000))
        curve = ("mock.accuracy={kind: saturating, start: 0.1, limit: 0.9, "
                 "rate: 0.4, source: a guess}")
        done = self.call("run", path, "--set", curve, "--out", self.dir / "run")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("nothing is trained", done.stderr)
        self.assertIn("population (mock): people", done.stdout)
        self.assertIn("nothing was trained: accuracies are assumed, federated: "
                      "from 0.1 towards 0.9, rate 0.4 per round, a guess",
                      done.stdout)
        run = self.dir / "run"
        for file in ("manifest.json", "summary.json"):
            found = json.loads((run / file).read_text())
            self.assertEqual(found["mode"], "mock")
            self.assertIn("a guess", found["assumed_accuracy"])
        self.assertFalse((run / "model.safetensors").exists())
        for kind in ("csv", "json", "md", "latex"):
            done = self.call("compare", run, "--format", kind)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("(mock)", done.stdout)

    def test_a_mock_run_that_was_stopped_goes_on_to_the_same_ledger(self):
        scenario = changed(of_sizes(200), "rounds: 4", "rounds: 3000")
        path = self.write("scenario.yaml", scenario)
        whole = self.run_ok("whole", scenario=scenario)
        watched = self.start("run", path, "--out", self.dir / "cut")
        watched.wait_for_round(1)
        watched.process.send_signal(signal.SIGTERM)
        status, said = watched.finish()
        self.assertEqual(status, 130, said)
        done = self.call("run", path, "--out", self.dir / "cut", "--resume",
                         "--quiet")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.hashes(self.dir / "cut"), self.hashes(whole))


if __name__ == "__main__":
    unittest.main()
