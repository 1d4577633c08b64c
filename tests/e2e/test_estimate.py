"""What a run will take, said before it and judged after it."""

import json
import re
import unittest

from support import SCENARIO, Case, changed


class Estimate(Case):
    def manifest(self, run):
        return json.loads((run / "manifest.json").read_text())

    def rows(self, path, *args):
        """{arm: [kWh, gCO2e, rows, FLOP]} as printed, and everything."""
        done = self.call("estimate", path, *args)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = {}
        for line in done.stdout.splitlines():
            words = re.sub("<=", " ", line).split()
            if words and words[0] in ("federated", "centralized", "local",
                                      "all"):
                found[words[0]] = [float(word) for word in words[1:5]]
        return found, done.stdout

    def test_a_few_rounds_are_foretold_exactly(self):
        """Four rounds are all costed: nothing is extrapolated, so the ledger
        is the forecast, up to the order of sums (1e-9)."""
        wide = ("--set", "train.over_selection_ratio=2", "--set",
                "train.drop_out_ratio=0.3")
        for more in ((), ("--set", "mode=mock")):
            with self.subTest(more=more):
                run = self.run_ok(f"run{len(more)}", *wide, *more)
                foretold, held = (self.manifest(run)[key] for key in
                                  ("forecast", "forecast_held"))
                for key in ("energy_j", "emitted_gco2e", "ledger_rows"):
                    self.assert_near(held[key], 1, key)
                arms = self.arms(run).values()
                self.assert_near(foretold["energy_j"],
                                 sum(arm["energy_j"] for arm in arms), "J")
                self.assertEqual(foretold["ledger_rows"],
                                 sum(arm["ledger_rows"] for arm in arms))
                self.assertFalse(foretold["is_upper_bound"])
                self.assertGreater(held["wall_s"], 0)
                self.assertGreater(held["coordinator_bytes"], 0)

    def test_evaluations_are_counted_however_seldom(self):
        """All clients are alike, so only the number of evaluations can make
        33 rounds differ from 33/8 of the first eight (sums: 1e-9)."""
        for every in (3, 20, 33):
            run = self.run_ok(f"every{every}", "--set", "mode=mock", "--set",
                              "train.rounds=33", "--set", "train.arms="
                              "[federated]", "--set",
                              f"train.evaluate_every={every}")
            held = self.manifest(run)["forecast_held"]
            for key in ("energy_j", "emitted_gco2e", "ledger_rows"):
                self.assert_near(held[key], 1, f"{key}, {every}")

    def test_the_command_says_what_the_run_then_is(self):
        path = self.write("scenario.yaml", SCENARIO)
        rows, said = self.rows(path, "--processes", 2)
        run = self.run_ok("run", "--processes", 2)
        for name, arm in self.arms(run).items():
            # four digits are printed
            self.assert_near(rows[name][0], arm["energy_j"] / 3.6e6, name,
                             rtol=1e-3)
            self.assert_near(rows[name][1], arm["emitted_gco2e"], name,
                             rtol=1e-3)
            self.assertEqual(rows[name][2], arm["ledger_rows"])
        self.assertIn("with 2 client processes", said)
        self.assertIn("memory: about", said)

    def test_a_target_makes_it_a_bound(self):
        path = self.write("scenario.yaml", SCENARIO)
        _, said = self.rows(path, "--set", "train.stop.accuracy=0.3")
        self.assertIn("at most about", said)
        self.assertIn("<=", said)
        run = self.run_ok("run", "--set", "train.stop.accuracy=0.3")
        self.assertTrue(self.manifest(run)["forecast"]["is_upper_bound"])
        self.assertLessEqual(self.manifest(run)["forecast_held"]["energy_j"],
                             1 + 1e-9)

    def test_a_run_tells_in_one_line_how_well_it_held(self):
        path = self.write("scenario.yaml", SCENARIO)
        done = self.call("run", path, "--out", self.dir / "run")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [line for line in done.stderr.splitlines()
                 if line.startswith("forecast: ")]
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertRegex(lines[0], r"^forecast: \S+ here, \d+ MB in the "
                         r"coordinator, \S+ Wh, \S+ gCO2e; it came to \S+ %, "
                         r"\S+ %, 100 %, 100 % of that$")

    def test_memory_grows_with_clients_by_what_is_said(self):
        """A client that takes no part: 12 bytes foretold, 200 allowed."""
        peaks = {}
        for clients in (1000, 1000000):
            scenario = changed(SCENARIO, "name: tiny", "name: tiny\nmode: mock\n"
                               "mock: {samples_per_client: 9, shape: [8, 8, 1], "
                               "classes: 4, test_samples: 10}")
            scenario = changed(scenario, "clients: 6", f"clients: {clients}")
            scenario = re.sub(r"dataset: \{.*\}", "dataset: people", scenario)
            run = self.run_ok(f"of-{clients}", "--set",
                              "train.arms=[federated]", "--set",
                              "carbon.software_bytes=0", scenario=scenario)
            said, held = (self.manifest(run)[key] for key in
                          ("forecast", "forecast_held"))
            peaks[clients] = (said["coordinator_bytes"],
                              said["coordinator_bytes"]
                              * held["coordinator_bytes"])
        few, many = peaks[1000], peaks[1000000]
        self.assert_near(many[0] - few[0], 12 * 999000, "foretold")
        # under a sanitizer there is shadow memory, an eighth on top
        self.assertLess(many[1] - few[1], 200 * 999000)


if __name__ == "__main__":
    unittest.main()
