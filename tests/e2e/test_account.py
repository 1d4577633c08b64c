"""fedcarbon account: the shipped accounts print what their papers do, an
account is a run like any other, and a trained model answers requests."""

import csv
import io
import pathlib
import re
import unittest

import support

ACCOUNTS = pathlib.Path(__file__).resolve().parents[2] / "scenarios/accounts"

SERVE = """\
serve:
  - {name: phone, arm: federated, placement: end, rate_per_s: 2, hours: 1, compute_s: 0.1,
     zone: DE, device: phone, train_w: 3, idle_w: off, memory_w: off, embodied_kgco2e: off}
  - {name: cloud, arm: centralized, placement: cloud, rate_per_s: 2, hours: 1, compute_s: 0.01, replicas: 1,
     server: {device: box, zone: FR, pue: 1.1, train_w: 250, idle_w: 50, memory_w: off, embodied_kgco2e: off}}
"""


class Account(support.Case):

    def account(self, name, *args):
        """Its rows by the first column, as lists of cells; and all it said."""
        self.runs = getattr(self, "runs", 0) + 1
        done = self.call("account", ACCOUNTS / f"{name}.yaml", "--out",
                         self.dir / f"run{self.runs}", *args)
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = {}
        for line in done.stdout.splitlines():
            cells = re.split(r"  +", line.strip())
            rows.setdefault(cells[0], cells)
        return rows, done.stdout

    def assert_rounds(self, cell, expected):
        """The cell, rounded to as many places as `expected` has."""
        places = len(expected.partition(".")[2])
        self.assertEqual(f"{float(cell):.{places}f}", expected)

    # -- papers ---------------------------------------------------------------

    def test_bloom_training(self):
        """Luccioni et al. 2022: 433,196 kWh, 24.69 t; 256,646 kWh, 14.63 t;
        7.58 + 3.64 t; 50.53 t."""
        rows, said = self.account("bloom")
        gpus, servers, idle = (rows[name] for name in
                               ("GPUs", "servers", "idle cluster"))
        self.assertEqual(gpus[3], "433196")
        self.assertEqual(f"{float(gpus[5]) / 1e3:.2f}", "24.69")
        self.assertEqual(f"{float(gpus[7]) / 1e3:.2f}", "3.64")
        self.assertEqual(f"{float(servers[7]) / 1e3:.2f}", "7.58")
        self.assertEqual(idle[3:5], ["256646", "256646"])
        self.assertEqual(f"{float(idle[6]) / 1e3:.2f}", "14.63")
        sums = re.search(r"^bloom: dynamic (\S+) kgCO2e, operational (\S+) "
                         r"kgCO2e, lifecycle (\S+) kgCO2e \(boundary\)$",
                         said, re.M)
        self.assertEqual([f"{float(kg) / 1e3:.2f}" for kg in sums.groups()],
                         ["24.69", "39.32", "50.53"])

    def test_bloom_training_with_pue(self):
        """With the PUE of 1.2 on the dynamic part: 29.63 t."""
        rows, _ = self.account("bloom", "--set", "items.0.pue=1.2")
        self.assertEqual(f"{float(rows['GPUs'][5]) / 1e3:.2f}", "29.63")

    def test_bloom_serving(self):
        """914 kWh / 230,768 requests = 3.961 Wh; about 19 kg a day."""
        _, said = self.account("bloom-serving")
        cells = re.split(r"  +", re.search(r"^API .*230768.*$", said,
                                           re.M).group().strip())
        self.assert_rounds(cells[4], "3.961")
        self.assertAlmostEqual(float(cells[6]), 19, delta=0.06 * 19)

    def test_node_composition(self):
        rows, _ = self.account("caspart")
        for name, kwh in (("CPU job, mixed node", "8.4"),
                          ("CPU job, node without GPUs", "6.0"),
                          ("CPU job, TDP x time", "4.0"),
                          ("GPU job, mixed node", "1.9")):
            self.assert_rounds(rows[name][3], kwh)

    def test_wu_stages(self):
        rows, said = self.account("wu2022-phases")
        self.assert_rounds(rows["an hour of a GPU system"][7], "0.1142")
        for stage, kwh in (("data", 31), ("training", 29), ("serving", 40)):
            self.assertRegex(said, rf"(?m)^RM1 +{stage} +{kwh}\.0000 ")

    def test_henderson_two_places(self):
        """Henderson et al. 2020: 4.2e6 translations a day, 12,768 kg in Estonia
        and 378 kg in Quebec."""
        rows, _ = self.account("henderson2020")
        self.assertEqual(f"{float(rows['Estonia'][8]):.0f}", "12768")
        self.assertEqual(f"{float(rows['Quebec'][8]):.0f}", "378")

    def test_carbontracker_s_prediction(self):
        """A public log: 5 epochs are 14.00005 kWh, 2.786986 km by car."""
        self.account("carbontracker")
        done = self.call("compare", self.dir / f"run{self.runs}", "--format",
                         "csv")
        (row,) = csv.DictReader(io.StringIO(done.stdout))
        self.assertEqual(f"{float(row['energy_kwh']):.5f}", "14.00005")
        self.assertEqual(f"{float(row['emitted_gco2e']) / 107.5:.6f}",
                         "2.786986")
        said = self.call("export", self.dir / f"run{self.runs}", "--format",
                         "statement", "--equivalents").stdout
        self.assertIn("2.79 km by a new car of 2020 in the EU", said)

    def test_wu_steps_and_what_demand_gives_back(self):
        """Wu et al. 2022: 6.7 x 10.1 x 2.4 x 5 = 812.04, "over 800 times"; and
        1.7456 = 0.715 / 0.8^4."""
        rows, _ = self.account("wu2022-steps")
        kgs = {name: float(rows[name][8]) for name in
               ("before", "cached", "on GPUs", "half precision",
                "fused kernels", "savings alone", "with its demand")}
        steps = list(kgs.values())
        for before, after, factor in zip(steps, steps[1:], (6.7, 10.1, 2.4, 5)):
            self.assertAlmostEqual(before / after / factor, 1, delta=1e-5)
        # six figures are printed
        self.assertEqual(f"{kgs['before'] / kgs['fused kernels']:.2f}",
                         "812.04")
        self.assertEqual(
            f"{kgs['with its demand'] / kgs['savings alone']:.4f}", "1.7456")

    def test_wu_range_of_embodied_rates(self):
        """3 to 5 years, 30 to 60 %: 0.0761 to 0.2537 kg an hour."""
        for years, share, kg in ((5, 0.6, "0.0761"), (3, 0.3, "0.2537")):
            rows, _ = self.account(
                "wu2022-phases", "--set", f"items.5.lifetime_years={years}",
                "--set", f"items.5.use_share={share}")
            self.assert_rounds(rows["an hour of a GPU system"][7], kg)

    def test_dodge_6b(self):
        rows, _ = self.account("dodge2022-6b")
        clean, dirty = (rows[f"6B in the {region} region"]
                        for region in ("cleanest", "dirtiest"))
        self.assertEqual([clean[3], dirty[3]], ["103593", "103593"])
        self.assertEqual(f"{float(clean[-1]) / 1e3:.1f}", "20.7")
        self.assertEqual(f"{float(dirty[-1]) / 1e3:.1f}", "78.2")

    def test_eco2ai(self):
        rows, _ = self.account("eco2ai")
        self.assert_rounds(rows["Malevich"][-1], "0.33")
        self.assert_rounds(rows["Kandinsky"][-1], "5.89")

    def test_act_chip(self):
        """2608.702 g; the table has six digits, the ledger all."""
        rows, _ = self.account("act-chip")
        self.assert_rounds(rows["chip"][-1], "2.6087")
        gco2e = self.sql(self.dir / "run1",
                         "SELECT sum(emitted_gco2e) FROM ledger")[0][0]
        self.assertEqual(f"{gco2e:.3f}", "2608.702")

    def test_camera(self):
        _, said = self.account("camera")
        self.assertIn("on the camera draws 0.300000 J per request, in the "
                      "cloud 4.19000 J; the same at no size of requests, and "
                      "at no rate", said)

    def test_camera_with_a_slow_device(self):
        """5 J on the camera: the cloud wins below (5 - 2.75) / 3.6e-5 bytes;
        a server kept ready at 20 W wants 1.1 x 20 / (5 - 1.44 - dynamic)
        requests per second, where dynamic is 1.1 x 0.01 x (250 - 20)."""
        sets = ["--set", "serve.0.train_w=50"]
        _, said = self.account("camera", *sets)
        self.assertIn("the same at 62500.0 bytes per request, and at no rate",
                      said)
        _, said = self.account("camera", *sets, "--set", "serve.1.replicas=1",
                               "--set", "serve.1.server.idle_w=20")
        rate = 1.1 * 20 / (5 - 1.44 - 1.1 * 0.01 * 230)
        found = re.search(r"and at (\S+) requests per second", said).group(1)
        self.assert_near(float(found), rate, "rate", rtol=1e-5)  # 6 digits

    def test_a_server_that_nobody_keeps_ready_has_no_rate(self):
        """Without replicas 250 W x 10 ms x 1.1 = 2.75 J are a request's, the
        20 W of it that are idle power, too: no rate changes that."""
        _, said = self.account("camera", "--set", "serve.0.train_w=50", "--set",
                               "serve.1.server.idle_w=20")
        self.assertIn("the same at 62500.0 bytes per request, and at no rate",
                      said)
        self.assertRegex(said, r"(?m)^in the cloud .* 86400\.0 .* -$")

    # -- a run like any other -------------------------------------------------

    def test_every_shipped_account_is_valid_and_its_sums_are_its_rows(self):
        paths = sorted(ACCOUNTS.glob("*.yaml"))
        self.assertGreaterEqual(len(paths), 8)
        for path in paths:
            done = self.call("validate", path)
            self.assertEqual(done.returncode, 0, done.stderr)
            out = self.dir / path.stem
            done = self.call("account", path, "--out", out)
            self.assertEqual(done.returncode, 0, done.stderr)
            for arm in self.summary(out)["arms"]:
                energy_j, gco2e = self.sql(
                    out, "SELECT sum(energy_j), sum(emitted_gco2e) FROM "
                    "ledger_named WHERE arm = ?", arm["name"])[0]
                self.assert_near(arm["energy_j"], energy_j, path.stem)
                self.assert_near(arm["emitted_gco2e"], gco2e, path.stem)
            # and from its resolved form it is the same
            done = self.call("account", out / "scenario.yaml", "--out",
                             self.dir / f"{path.stem}-again")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(self.hashes(out),
                             self.hashes(self.dir / f"{path.stem}-again"))

    def test_accounts_and_training_runs_compare(self):
        trained = self.run_ok("trained")
        self.account("eco2ai")
        done = self.call("compare", trained, self.dir / "run1", "--format",
                         "csv")
        self.assertEqual(done.returncode, 0, done.stderr)
        for arm in ("federated", "centralized", "Malevich", "Kandinsky"):
            self.assertIn(f",{arm},", done.stdout)

    def test_a_run_directory_is_not_overwritten(self):
        path = ACCOUNTS / "eco2ai.yaml"
        self.assertEqual(
            self.call("account", path, "--out", self.dir / "a").returncode, 0)
        done = self.call("account", path, "--out", self.dir / "a")
        self.assert_refused(done, "holds a run already")

    def test_what_is_for_another_command_is_refused(self):
        self.assert_refused(
            self.call("run", ACCOUNTS / "bloom.yaml", "--out",
                      self.dir / "a"), "fedcarbon account costs it")
        path = self.write("s.yaml", support.SCENARIO)
        self.assert_refused(
            self.call("account", path, "--out", self.dir / "b"),
            "has no items")
        self.assert_refused(
            self.call("validate", "--data", ACCOUNTS / "bloom.yaml"),
            "trains nothing")

    def test_mistakes_are_told_with_their_place(self):
        text = (ACCOUNTS / "eco2ai.yaml").read_text()
        path = self.write("bad.yaml", text.replace("role: datacentre",
                                                   "role: datacenter"))
        done = self.call("account", path, "--out", self.dir / "a")
        self.assert_refused(done, "bad.yaml:10:11: items.0.role = datacenter, "
                            "allowed client, server, datacentre",
                            "did you mean 'datacentre'?")
        self.assertFalse((self.dir / "a").exists())

    # -- serving what was trained ---------------------------------------------

    def test_a_trained_model_answers_requests(self):
        run = self.run_ok("served", scenario=support.SCENARIO + SERVE)
        plain = self.run_ok("plain")
        for arm in ("federated", "centralized", "local"):
            serving_j = self.sql(
                run, "SELECT total(energy_j) FROM ledger_named WHERE arm = ? "
                "AND stage = 'serving'", arm)[0][0]
            expected_j = {  # 7,200 requests
                "federated": 7200 * 0.3,
                "centralized": 1.1 * (72 * 250 + (3600 - 72) * 50),
                "local": 0}[arm]
            self.assert_near(serving_j, expected_j, arm)
            self.assert_near(
                self.arms(run)[arm]["energy_j"],
                self.arms(plain)[arm]["energy_j"] + expected_j, arm)
            self.assertEqual(self.hashes(run)[arm][0],
                             self.hashes(plain)[arm][0])
        # it begins when the arm is through
        for arm in ("federated", "centralized"):
            begin_s = self.sql(
                run, "SELECT min(t0_s) FROM ledger_named WHERE arm = ? AND "
                "stage = 'serving'", arm)[0][0]
            self.assertEqual(begin_s, self.arms(run)[arm]["sim_time_s"])

    def test_servings_are_printed_after_the_table(self):
        path = self.write("s.yaml", support.SCENARIO + SERVE)
        done = self.call("run", path, "--out", self.dir / "a", "--quiet")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^phone +federated +end +7200\.00 ")
        self.assertIn("phone draws 0.300000 J per request", done.stdout)


if __name__ == "__main__":
    unittest.main()
