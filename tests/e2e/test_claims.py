"""tools/claims: criteria are computed from runs, say no where figures say no,
and the claims that need no data set come out as published."""

import csv
import pathlib
import sys
import unittest

import support

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import claimtables  # noqa: E402


def account(**arms):
    """What an account would have said: bytes and gCO2e of each arm."""
    return [{"arm": name.replace("_", "-"), "bytes": size, "gco2e": size,
             "energy_j": size, "phases": {"upload": size}, "command": "",
             "commit": ""} for name, size in arms.items()]


def repeat(case, number, *args, **options):
    """Makes a claim anew; runs of earlier ones serve."""
    done = case.run_to_end(
        [sys.executable, ROOT / "tools/claims", "--only", number,
         "--runs", case.dir / "runs", "--out", case.dir / "out", *args],
        env=case.env | {"FEDCARBON_BIN": str(support.BIN.resolve())},
        **options)
    case.assertEqual(done.returncode, 0, done.stderr)


class Claims(support.Case):
    def claim(self, number, *args):
        """The first line and the table of a claim that was just repeated."""
        repeat(self, number, *args)
        told = (self.dir / f"out/{number:02}.md").read_text()
        with open(self.dir / f"out/{number:02}.csv", encoding="utf-8") as file:
            return told.splitlines()[0], list(csv.DictReader(file))

    def test_int8_where_communication_is_60_percent(self):
        verdict, rows = self.claim(11)
        self.assertEqual(verdict, "# Claim 11: holds")
        by = {row["arm"]: row for row in rows}
        # Sums of four products: rounding alone is left.
        self.assert_near(float(by["float32"]["gco2e"])
                         / float(by["int8"]["gco2e"]), 1 / 0.55, "ratio")

    def test_sizes_of_sparse_updates(self):
        verdict, rows = self.claim(22)
        self.assertEqual(verdict, "# Claim 22: holds")
        for row in rows:
            self.assert_near(float(row["x smaller in carbon"]),
                             float(row["x smaller"]), row["case"])

    def test_signs_on_drawn_digits(self):
        """Claim 5 in small: unlike data cost rounds, more local epochs make
        transfers a smaller part."""
        verdict, rows = self.claim(5, "--reduced")
        self.assertEqual(verdict, "# Claim 5: holds")
        self.assertEqual(len(rows), 4)

    def test_carbon_over_clients_and_rounds_on_drawn_digits(self):
        """Claim 7 in small: transfers are in proportion, compute is not where
        local epochs are drawn at random."""
        _, rows = self.claim(7, "--reduced")
        x = [float(row["clients x rounds"]) for row in rows]
        for part in ("download", "upload"):
            grams = [float(row[f"{part} gCO2e"]) for row in rows]
            self.assertGreater(claimtables.fit(x, grams)[1], 0.99, part)

    def test_a_finished_run_is_not_repeated(self):
        self.claim(11)
        store = next((self.dir / "runs").glob("*/run.sqlite"))
        before = store.stat().st_mtime_ns
        self.claim(11)
        self.assertEqual(store.stat().st_mtime_ns, before)


class Criteria(unittest.TestCase):
    """Figures that must not pass do not."""

    def test_int8_of_another_ratio_does_not_hold(self):
        self.assertFalse(claimtables.judge_int8(
            account(float32=100, int8=60)).holds)

    def test_sizes_off_the_rule_do_not_hold(self):
        sizes = {name.replace("-", "_"): claimtables.zerofl_rule_mb(name)
                 for name in claimtables.ZEROFL_MB}
        self.assertTrue(claimtables.judge_zerofl(
            account(dense=43.7, **sizes)).holds)
        sizes["s95_m0.1"] *= 1.01
        self.assertFalse(claimtables.judge_zerofl(
            account(dense=43.7, **sizes)).holds)

    def test_fit_of_a_line_and_of_no_line(self):
        slope, r2 = claimtables.fit([1, 2, 3, 4], [3, 5, 7, 9])
        self.assertAlmostEqual(slope, 2)
        self.assertAlmostEqual(r2, 1)
        # Covariance 0 by symmetry.
        self.assertAlmostEqual(claimtables.fit([1, 2, 3], [1, 0, 1])[1], 0)

    def test_local_epochs_that_pay_off_do_not_hold(self):
        def rows(*grams):
            return [{"model": "m", "epochs": e, "gco2e": g, "rounds": 1,
                     "reached": True, "transfers": 0.5, "command": "",
                     "commit": ""}
                    for e, g in zip((1, 3, 5, 10, 15, 20), grams)]
        self.assertTrue(claimtables.judge_epochs(
            rows(2, 1, 3, 4, 5, 6)).holds)
        self.assertFalse(claimtables.judge_epochs(
            rows(3, 2, 1, 4, 5, 6)).holds)
        self.assertFalse(claimtables.judge_epochs(
            rows(2, 3, 4, 5, 6, 2.5)).holds)

    def test_a_setting_that_misses_the_target_has_no_ratio(self):
        row = {"arm": "federated", "model": "m", "data": "iid", "epochs": "1",
               "fleet": "f", "target": 0.8, "reached": False, "wh": 100.0,
               "transfers": 0.5, "command": "", "commit": ""}
        central = row | {"arm": "centralized", "reached": True, "wh": 1.0}
        found, table = claimtables.beside_centralized([row, central], "model")
        self.assertEqual(found, [])
        self.assertIsNone(table[0]["x centralized"])


if __name__ == "__main__":
    unittest.main()
