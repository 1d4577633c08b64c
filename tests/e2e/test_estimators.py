"""What published tools would have said about shipped accounts, exports of a
run, and production logs, all through the program that people type."""

import csv
import io
import json
import pathlib
import re
import unittest

import support

ROOT = pathlib.Path(__file__).resolve().parents[2]
ACCOUNTS = ROOT / "scenarios/accounts"
DOCS = ROOT / "docs"
LB_G = 453.59237


class Estimators(support.Case):

    def said(self, *args):
        done = self.call(*args)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def estimates(self, account, *args):
        """The rows of an account's run, by (arm, method)."""
        run = self.dir / "run"
        self.said("account", ACCOUNTS / f"{account}.yaml", "--out", run)
        rows = json.loads(self.said("estimators", run, "--format", "json",
                                    *args))
        return {(row["arm"], row["method"]): row for row in rows}

    def test_strubells_table(self):
        """kWh, lb and cloud prices to the printed rounding, 79.2 h for BERT;
        the ledger and the formula agree."""
        rows = self.estimates(
            "strubell2019", "--method", "strubell2019",
            "--assume", "gpus=8", "--assume", "gpu_hour_low=0.43",
            "--assume", "gpu_hour_high=1.46", "--assume", "ELMo:gpus=3",
            "--assume", "BERT base:gpus=64",
            "--assume", "BERT base:gpu_hour_low=0.74",
            "--assume", "BERT base:gpu_hour_high=2.48")
        printed = {"Transformer base": (27, 26, 41, 140),
                   "Transformer big": (201, 192, 289, 981),
                   "ELMo": (275, 262, 433, 1472),
                   "BERT base": (1507, 1438, 3751, 12571),
                   "NAS": (656347, 626155, 942973, 3201722)}
        for arm, figures in printed.items():
            for method in "strubell2019", "fedcarbon":
                row = rows[arm, method]
                self.assertEqual((round(row["energy_kwh"]),
                                  round(row["emitted_gco2e"] / LB_G),
                                  round(row["cost_low"]),
                                  round(row["cost_high"])), figures)
        # 626,155 lb are 284.02 t
        self.assertEqual(
            f"{rows['NAS', 'strubell2019']['emitted_gco2e'] / 1e6:.2f}",
            "284.02")

    def test_one_kilowatt_hour_in_germany(self):
        """100 W for 10 h: 332 to 684 g, and 81 to 190 g where a load of 0.5 on
        a TDP of 100 W stands in for the meter."""
        rows = self.estimates("hundred-watts", "--assume", "tdp_w=100",
                              "--assume", "load=0.5")
        grams = {"codecarbon": 380.95, "codecarbon_machine": 80.951875,
                 "codecarbon_process": 190.475, "carbontracker": 601.9017426,
                 "eco2ai": 332.495, "green_algorithms": 528.3096, "mlco2": 610,
                 "cloud_carbon_footprint": 383.63, "boavizta": 422,
                 "experiment_impact_tracker": 1.58 * 380.95,
                 "strubell2019": 1.58 * 0.954 * LB_G, "fedcarbon": 380.95}
        self.assertEqual({method for _, method in rows}, set(grams))
        for (_, method), row in rows.items():
            # CodeCarbon reads 1.0000008 kWh of a meter's 3.6 MJ
            self.assertAlmostEqual(row["emitted_gco2e"] / grams[method], 1,
                                   delta=1e-6)

    def test_eco2ais_table(self):
        rows = self.estimates("eco2ai", "--method", "eco2ai")
        kg = {arm: row["emitted_gco2e"] / 1e3 for (arm, _), row in rows.items()}
        self.assertEqual({arm: f"{value:.2f}" for arm, value in kg.items()},
                         {"Malevich": "0.33", "Kandinsky": "5.89"})

    def test_a_training_run_is_exported(self):
        run = self.dir / "run"
        (self.dir / "tiny.yaml").write_text(support.SCENARIO)
        self.said("run", self.dir / "tiny.yaml", "--out", run)
        table = {row["arm"]: row for row in
                 csv.DictReader(io.StringIO(self.said("compare", run,
                                                      "--format", "csv")))}
        rows = list(csv.DictReader(io.StringIO(self.said(
            "export", run, "--format", "codecarbon"))))
        self.assertEqual([len(row) for row in rows], [38, 38, 38])
        for row in rows:
            arm = table[row["experiment_id"].split(" ")[0]]
            self.assertEqual(float(row["energy_consumed"]),
                             float(arm["energy_kwh"]))
            self.assertAlmostEqual(float(row["emissions"]) * 1e3 /
                                   float(arm["emitted_gco2e"]), 1, delta=1e-14)
        out = self.dir / "statement.md"
        self.assertEqual(self.said("export", run, "--format", "statement",
                                   "--equivalents", "--out", out), "")
        self.assertIn("carbontracker, co2eq.csv", out.read_text())
        done = self.call("export", run, "--format", "codecarbn")
        self.assertEqual(done.returncode, 2)
        self.assertIn("codecarbon?", done.stderr)
        # every machine is in a zone that each tool but one has a figure for
        rows = json.loads(self.said("estimators", run, "--format", "json"))
        self.assertEqual(len(rows), 3 * 12)
        self.assertTrue(all(row["cannot"] or row["energy_kwh"] >= 0
                            for row in rows))

    def test_documentation_names_every_method_column_and_format(self):
        run = self.dir / "run"
        self.said("account", ACCOUNTS / "hundred-watts.yaml", "--out", run)
        rows = json.loads(self.said("estimators", run, "--format", "json"))
        page = (DOCS / "estimators.md").read_text()
        for name in {row["method"] for row in rows} | set(rows[0]):
            self.assertIn(f"`{name}`", page)
        page = (DOCS / "exports.md").read_text()
        formats = self.said("export", "--help").partition("Formats:")[2]
        names = re.findall(r"^  (\w+): ", formats, re.M)
        self.assertGreater(len(names), 6)
        for name in names:
            self.assertIn(f"| `{name}` |", page)

    def test_production_logs(self):
        """240 s x 3 W + 60 s x 7.5 W = 1,170 J."""
        logs, run = self.dir / "logs.csv", self.dir / "run"
        logs.write_text("client,compute_s,up_s,down_s,zone\na,240,30,30,DE\n")
        said = self.said("from-logs", logs, "--out", run)
        self.assertIn("1 rows, preset wu2022, device phone", said)
        row, = csv.DictReader(io.StringIO(self.said("compare", run,
                                                    "--format", "csv")))
        self.assertAlmostEqual(float(row["energy_kwh"]), 0.000325,
                               delta=1e-18)
        logs.write_text("client,compute_s,up_s,down_s,zone\na,240,30,30,\n")
        done = self.call("from-logs", logs, "--out", self.dir / "other")
        self.assertEqual(done.returncode, 2)
        self.assertIn("logs.csv:2: zone: found nothing", done.stderr)
        self.said("from-logs", logs, "--out", self.dir / "third",
                  "--zone-default", "FR")


if __name__ == "__main__":
    unittest.main()
