"""`fedcarbon run --profile` and `--kernels`: where the time went, and with what
it was computed; neither is part of what comes out."""

import collections
import csv
import json
import unittest

import support

LAYERS = support.changed(
    support.SCENARIO, "model: logreg",
    "model:\n"
    "  - {kind: conv2d, channels: 4, kernel: 3}\n"
    "  - relu\n"
    "  - {kind: maxpool2d, kernel: 2}\n"
    "  - flatten\n"
    "  - {kind: dense, units: classes}\n")

# What a row's time is, in the words of nn/cpu_profile.h.
NOT_CPU = {"wait", "off_core"}
OUTSIDE_ROUNDS = {"start", "end"}


class Profile(support.Case):

    def rows(self, run):
        with open(run / "profile.csv", encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def test_a_profile_changes_no_result(self):
        plain = self.run_ok("plain", "--processes", "2")
        timed = self.run_ok("timed", "--processes", "2", "--profile")
        self.assertEqual(self.hashes(plain), self.hashes(timed))
        self.assertFalse((plain / "profile.csv").exists())
        self.assertFalse((plain / "profile.txt").exists())

    def test_every_process_accounts_for_all_its_time(self):
        run = self.run_ok("timed", "--processes", "2", "--profile",
                          scenario=LAYERS)
        processes = collections.defaultdict(list)
        for row in self.rows(run):
            processes[row["process"]].append(row)
        self.assertEqual(set(processes),
                         {"coordinator", "client 0", "client 1"})
        for name, rows in processes.items():
            wall_s = sum(float(r["wall_s"]) for r in rows
                         if r["phase"] == "all")
            # Threads of the transport run beside; what a process did before
            # it began to measure was before that wall time, too.
            beside = {"transport", "start"}
            sum_s = sum(float(r["cpu_s"] or r["wall_s"]) for r in rows
                        if r["phase"] not in beside | {"all"})
            self.assertGreater(wall_s, 0, name)
            # Two clocks that the kernel keeps apart, and a wait of which more
            # is CPU time than it took counts as none: 2 %, 2 ms.
            self.assertLess(sum_s, 1.02 * wall_s + 0.002, name)
            starting_s = sum(float(r["cpu_s"]) for r in rows
                             if r["phase"] == "start")
            self.assertGreater(sum_s + starting_s, 0.98 * wall_s - 0.002, name)
            peaks = [int(r["peak_bytes"]) for r in rows if r["phase"] == "all"]
            self.assertEqual(len(peaks), 1)
            self.assertGreater(peaks[0], 1 << 20)

    def test_work_stands_under_its_layers(self):
        run = self.run_ok("timed", "--processes", "1", "--profile",
                          scenario=LAYERS)
        calls = collections.Counter()
        kinds = set()
        for row in self.rows(run):
            calls[row["phase"], row["layer"]] += int(row["calls"] or 0)
            if row["layer"]:
                kinds.update(row["layer"].split(" ")[1].split("+"))
        # flatten is a view: nothing is computed.
        self.assertEqual(kinds,
                         {"conv2d", "relu", "maxpool2d", "dense",
                          "cross_entropy"})
        # One loss per step: those of the federated arm are in the run store,
        # and the others' follow from their samples.
        steps = calls["forward", "loss cross_entropy"]
        samples = 60 * 20  # 6 clients of 200 each, batches of 20
        federated = 4 * 3 * (samples // 6 // 20)
        centralized = 2 * (samples // 20)
        alone = 2 * 6 * (samples // 6 // 20)
        self.assertEqual(steps, federated + centralized + alone)

    def test_the_table_is_printed_and_adds_up(self):
        path = self.write("scenario.yaml", LAYERS)
        run = self.dir / "run"
        done = self.call("run", path, "--out", run, "--quiet", "--profile",
                         "--processes", "2")
        self.assertEqual(done.returncode, 0, done.stderr)
        text = (run / "profile.txt").read_text(encoding="utf-8")
        self.assertIn(text, done.stdout)
        work_s = rounds_s = 0
        for row in self.rows(run):
            if row["phase"] in OUTSIDE_ROUNDS | NOT_CPU | {"all"}:
                continue
            rounds_s += float(row["cpu_s"])
            if row["phase"] in {"forward", "backward", "update", "evaluate"}:
                work_s += float(row["cpu_s"])
        self.assertRegex(text, rf"^profile: {100 * work_s / rounds_s:.1f} % ")

    def test_kernels_are_chosen_by_name_and_recorded(self):
        runs = [self.run_ok(f"run-{n}", "--processes", n, "--kernels",
                            "portable", scenario=LAYERS) for n in ("1", "2")]
        for run in runs:
            with open(run / "manifest.json", encoding="utf-8") as file:
                used = json.load(file)["blas_kernel"]
            self.assertTrue(used.startswith("portable,"), used)
        self.assertEqual(*map(self.hashes, runs))

    def test_unknown_kernels_are_refused_before_anything_starts(self):
        path = self.write("scenario.yaml", LAYERS)
        done = self.call("run", path, "--out", self.dir / "run", "--kernels",
                         "sse9")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("found 'sse9', allowed on this CPU:", done.stderr)
        self.assertIn("portable", done.stderr)
        self.assertFalse((self.dir / "run").exists())


if __name__ == "__main__":
    unittest.main()
