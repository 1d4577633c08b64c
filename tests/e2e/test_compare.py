"""compare and leaderboard as a user calls them: every option, every bad input.
What cannot be had is said on stderr, the rest is shown, and the exit code says
which it was: 1 for runs, 2 for words and targets, 64 for unknown options."""

import contextlib
import csv
import io
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import tempfile
import unittest

from support import SCENARIO, Case, changed

FORMATS = ("text", "csv", "md", "latex", "json")
UNITS = ("run", "round", "client", "accuracy_point", "request")


class Compare(Case):
    @classmethod
    def setUpClass(cls):
        """Runs that all tests read: two seeds, other clients, a target."""
        cls.made = pathlib.Path(tempfile.mkdtemp(prefix="fedcarbon-e2e-"))
        cls.addClassCleanup(shutil.rmtree, cls.made)
        maker = cls("make")
        maker.setUp()
        try:
            eight = changed(SCENARIO, "clients: 6", "clients: 8")
            for name, text, *words in (
                    ("a", SCENARIO), ("b", SCENARIO, "--seed", "8"),
                    ("eight", eight),
                    ("goal", SCENARIO, "--set", "train.stop.accuracy=0.3",
                     "--set", "train.centralized.stop.accuracy=0.3")):
                run = maker.run_ok(name, *words, scenario=text)
                shutil.copytree(run, cls.made / name)
        finally:
            maker.doCleanups()

    def make(self):
        """Not a test: what setUpClass runs programs with."""

    def run_dir(self, name):
        return self.made / name

    def table(self, *words, command="compare", code=0, said=()):
        """(rows, stderr) by the CSV, whose numbers are whole."""
        done = self.call(command, *words, "--format", "csv")
        self.assertEqual(done.returncode, code, done.stderr)
        for word in said:
            self.assertIn(word, done.stderr)
        return list(csv.DictReader(io.StringIO(done.stdout))), done.stderr

    # -- options ---------------------------------------------------------

    def test_every_format_shows_every_row(self):
        run = self.run_dir("a")
        for name in FORMATS:
            with self.subTest(format=name):
                done = self.call("compare", run, "-f", name)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(done.stderr, "")
                for arm in ("centralized", "federated", "local"):
                    self.assertIn(arm, done.stdout)
        self.assertEqual(len(json.loads(
            self.call("compare", run, "-f", "json").stdout)), 3)
        parquet = self.call("compare", run, "-f", "parquet")
        self.assert_refused(parquet, "parquet", "csv")
        self.assertEqual(self.call("compare", run, "-f", "xml").stdout, "")

    def test_keys_stand_in_front_and_tell_runs_apart(self):
        rows, _ = self.table(self.run_dir("a"), self.run_dir("eight"), "--by",
                             "data.clients,model")
        self.assertEqual([r["data.clients"] for r in rows],
                         ["6"] * 3 + ["8"] * 3)
        self.assertEqual(list(rows[0])[:3], ["run", "data.clients", "model"])
        text = self.call("compare", self.run_dir("a"), self.run_dir("eight"),
                         "-b", "data.clients").stdout
        self.assertIn("data.clients", text.split("federated")[0])

    def test_columns_are_those_asked_for(self):
        rows, _ = self.table(self.run_dir("a"), "--columns",
                             "arm,bytes_up,bytes_down,bytes,interval")
        self.assertEqual(list(rows[0]), [
            "arm", "bytes_up", "bytes_down", "bytes", "emitted_p5_gco2e",
            "emitted_p95_gco2e"])
        two = (self.run_dir("a"), self.run_dir("eight"))
        for columns, want in (
                ("arm,bytes", ["data.clients", "arm", "bytes"]),
                ("arm,data.clients", ["arm", "data.clients"])):
            rows, _ = self.table(*two, "--by", "data.clients", "--columns",
                                 columns)
            self.assertEqual(list(rows[0]), want)
        text = self.call("compare", self.run_dir("a"), "--columns",
                         "arm,up,down,sci").stdout
        head = next(l for l in text.splitlines() if l.startswith("arm"))
        self.assertEqual(head.split(), ["arm", "up", "down", "SCI"])

    def test_bytes_each_way_are_those_of_the_ledgers_phases(self):
        rows, _ = self.table(self.run_dir("a"))
        found = {r["arm"]: r for r in rows}
        for arm, down, up in self.sql(
                self.run_dir("a"),
                "SELECT arm, total(bytes) FILTER (WHERE phase IN"
                " ('broadcast', 'provision')), total(bytes) FILTER (WHERE"
                " phase IN ('upload', 'init')) FROM ledger_named GROUP BY 1"):
            n = int(found[arm]["counted"]) if arm == "local" else 1
            # Exact: whole numbers of bytes, one division.
            self.assertEqual(float(found[arm]["bytes_down"]), down / n)
            self.assertEqual(float(found[arm]["bytes_up"]), up / n)
            self.assertEqual(float(found[arm]["bytes"]), down / n + up / n)
        self.assertGreater(float(found["federated"]["bytes_up"]), 0)
        self.assertEqual(float(found["centralized"]["bytes_down"]), 0)

    def test_sci_is_that_of_the_export_in_every_unit(self):
        run = self.run_dir("a")
        for unit in UNITS:
            with self.subTest(unit=unit):
                rows, _ = self.table(run, "--sci-unit", unit)
                export = csv.DictReader(io.StringIO(self.call(
                    "export", run, "--format", "sci", "--unit", unit).stdout))
                want = {r["arm"]: r["SCI_gco2e_per_unit"] for r in export}
                self.assertEqual({r["arm"]: r["sci"] for r in rows}, want)
                self.assertEqual({r["sci_unit"] for r in rows}, {unit})
                self.assertEqual(any(want.values()), unit != "request")
                text = self.call("compare", run, "--sci-unit", unit).stdout
                self.assertIn("gCO2e/" + unit.replace("accuracy_", ""), text)
        self.assertNotIn("SCI", self.call("compare", run).stdout)

    def test_a_target_cuts_every_arm_at_one_accuracy(self):
        rows, _ = self.table(self.run_dir("a"), "--target", "0.3")
        for row in rows:
            if row["arm"] == "local":
                continue
            whole, = [r for r in self.table(self.run_dir("a"))[0]
                      if r["arm"] == row["arm"]]
            self.assertEqual(row["target_accuracy"], "0.29999999999999999")
            self.assertLessEqual(float(row["emitted_gco2e"]),
                                 float(whole["emitted_gco2e"]))
            parts = [float(row[f"{name}_gco2e"])
                     for name in ("dynamic", "idle", "embodied")]
            self.assert_near(sum(parts), float(row["emitted_gco2e"]), "parts")
            self.assertLessEqual(float(row["bytes_up"])
                                 + float(row["bytes_down"]),
                                 float(row["bytes"]) * (1 + 1e-12))

    def test_baseline_sort_arm_and_seeds(self):
        a, b, eight = map(self.run_dir, ("a", "b", "eight"))
        rows, _ = self.table(a, "--baseline", "federated")
        self.assertEqual({r["arm"]: r["x_baseline"] for r in rows}
                         ["federated"], "1")
        rows, _ = self.table(a, "--baseline", eight)
        self.assertEqual(len(rows), 3)  # it need not be in the table
        self.assertTrue(all(r["x_baseline"] for r in rows))
        rows, _ = self.table(a, eight, "--sort=-emitted_gco2e", "--arm",
                             "federated")
        self.assertEqual({r["arm"] for r in rows}, {"federated"})
        values = [float(r["emitted_gco2e"]) for r in rows]
        self.assertEqual(values, sorted(values, reverse=True))
        self.assertEqual(len(self.table(a, b)[0]), 3)
        rows, _ = self.table(a, b, "--per-seed")
        self.assertEqual([r["seed"] for r in rows], ["7"] * 3 + ["8"] * 3)
        mean, = [r for r in self.table(a, b, "--arm", "federated")[0]]
        one = [float(r["bytes"]) for r in rows if r["arm"] == "federated"]
        self.assertEqual(float(mean["bytes"]), sum(one) / 2)
        self.assertEqual((mean["seeds"], mean["seed"]), ("2", "7, 8"))

    def test_leaderboard_ranks_by_carbon_or_what_is_asked(self):
        a, eight = self.run_dir("a"), self.run_dir("eight")
        for words, column in (((), "emitted_gco2e"),
                              (("--sort", "energy_kwh"), "energy_kwh")):
            rows, _ = self.table(eight, a, *words, command="leaderboard")
            self.assertEqual([r["rank"] for r in rows], ["1", "2"])
            values = [float(r[column]) for r in rows]
            self.assertEqual(values, sorted(values))
        rows, _ = self.table(a, "--arm", "centralized", "--columns",
                             "rank,run,arm", command="leaderboard")
        self.assertEqual([(r["rank"], r["arm"]) for r in rows],
                         [("1", "centralized")])
        # Its columns are keys by default; --by gives others.
        rows, _ = self.table(a, eight, "--by", "data.clients",
                             command="leaderboard")
        self.assertEqual(sorted(r["data.clients"] for r in rows), ["6", "8"])

    def test_help_names_every_option(self):
        for command in ("compare", "leaderboard"):
            text = self.call(command, "--help").stdout
            for option in ("--by", "--columns", "--baseline", "--target",
                           "--sort", "--per-seed", "--arm", "--sci-unit",
                           "--format"):
                self.assertIn(option, text)

    # -- bad input -------------------------------------------------------

    def test_words_that_mean_nothing_are_refused(self):
        run = self.run_dir("a")
        for words, code, *said in (
                ((), 64, "which run"),
                ((run, "--no-such"), 64, "no-such"),
                ((run, "--target", "1.5"), 64, "(0, 1]"),
                ((run, "--target", "0"), 64, "(0, 1]"),
                ((run, "--format", "xml"), 64, "text, csv, md, latex, json"),
                ((run, "--by", ","), 64, "--by"),
                ((run, "--sci-unit", "rounds"), 2, "round?",
                 "accuracy_point")):
            for command in ("compare", "leaderboard"):
                with self.subTest(words=words, command=command):
                    done = self.call(command, *words)
                    self.assert_refused(done, *said)
                    self.assertEqual(done.returncode, code)
                    self.assertEqual(done.stdout, "")

    def test_a_missing_run_is_said_and_the_rest_is_shown(self):
        missing = self.dir / "missing"
        empty = self.dir / "empty"
        empty.mkdir()
        rows, said = self.table(missing, self.run_dir("a"), empty, code=1,
                                said=(str(missing), str(empty)))
        self.assertEqual(len(rows), 3)
        self.assertEqual(len(said.splitlines()), 2)
        done = self.call("compare", missing)
        self.assert_refused(done, str(missing))
        self.assertEqual(done.stdout, "")

    def test_half_a_file_is_said_and_the_rest_is_shown(self):
        torn = self.dir / "torn"
        shutil.copytree(self.run_dir("b"), torn)
        content = (torn / "run.sqlite").read_bytes()
        for n, what in ((0, "empty"), (50, "no header"),
                        (len(content) // 2, "half")):
            with self.subTest(what=what):
                (torn / "run.sqlite").write_bytes(content[:n])
                rows, said = self.table(torn, self.run_dir("a"), code=1,
                                        said=("torn",))
                self.assertEqual(len(rows), 3)
                self.assertEqual(len(said.splitlines()), 1)
        (torn / "run.sqlite").write_bytes(b"not a data base " * 1000)
        rows, _ = self.table(torn, self.run_dir("a"), code=1, said=("torn",))
        self.assertEqual(len(rows), 3)

    def test_a_run_that_was_killed_shows_what_it_has(self):
        text, _ = self.long_scenario(4)
        path = self.write("long.yaml", text)
        run = self.dir / "killed"
        watched = self.start("run", path, "--out", run, "--processes", "2")
        watched.wait_for_commit(run)
        coordinator, clients = self.pids(run)
        watched.kill_group()  # the launcher; its children are groups
        for pid in (coordinator, *clients):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        rows, said = self.table(run, self.run_dir("a"), "--per-seed")
        self.assertEqual(said, "")
        own = {r["arm"]: r for r in rows if r["run"] == "killed"}
        self.assertEqual({r["run_finished"] for r in own.values()}, {"false"})
        self.assertEqual(own["federated"]["arm_finished"], "false")
        self.assertGreater(int(float(own["federated"]["rounds"])), 0)
        # Nothing is claimed of what has no end.
        self.assertEqual(own["federated"]["x_centralized"], "")
        self.assertEqual(own["federated"]["model_sha256"], "")
        text = self.call("compare", run).stdout
        self.assertIn("unfinished", text)
        # Not ranked beside those that ended.
        rows, _ = self.table(run, self.run_dir("a"), command="leaderboard")
        self.assertEqual([r["rank"] for r in rows], ["1", ""])

    def test_another_schema_version_is_said_and_the_rest_is_shown(self):
        for version in (1, 99):
            other = self.dir / f"version{version}"
            shutil.copytree(self.run_dir("b"), other)
            db = sqlite3.connect(other / "run.sqlite")
            db.execute(f"PRAGMA user_version = {version}")
            db.commit()
            db.close()
            rows, said = self.table(other, self.run_dir("a"), code=1,
                                    said=(other.name, "version",
                                          str(version)))
            self.assertEqual(len(rows), 3)
            self.assertEqual(len(said.splitlines()), 1)

    def test_an_absent_baseline_leaves_ratios_out(self):
        rows, _ = self.table(self.run_dir("a"), "--baseline", "nowhere",
                             code=2, said=("--baseline", "nowhere"))
        self.assertEqual([r["x_baseline"] for r in rows], [""] * 3)
        self.assertTrue(all(r["emitted_gco2e"] for r in rows))
        alone = self.run_ok("alone", scenario=changed(
            SCENARIO, "[federated, centralized, local]", "[federated]"))
        rows, _ = self.table(alone, self.run_dir("a"), "--baseline",
                             "centralized", code=2,
                             said=("alone", "centralized", "no ratio"))
        self.assertEqual([bool(r["x_baseline"]) for r in rows],
                         [False, True, True, True])
        # Not asked for: empty, and no complaint.
        rows, said = self.table(alone)
        self.assertEqual((rows[0]["x_baseline"], said), ("", ""))

    def test_targets_that_differ_are_said(self):
        rows, _ = self.table(self.run_dir("goal"), self.run_dir("a"), code=2,
                             said=("target accuracies differ", "--target"))
        self.assertEqual(len(rows), 6)
        self.table(self.run_dir("goal"), self.run_dir("a"), "--target", "0.3")

    def test_columns_keys_and_arms_that_do_not_exist_are_said(self):
        run = self.run_dir("a")
        rows, _ = self.table(run, "--columns", "arm,acuracy,emitted_gco2e",
                             code=2, said=("acuracy", "accuracy"))
        self.assertEqual(list(rows[0]), ["arm", "emitted_gco2e"])
        rows, _ = self.table(run, "--by", "data.client", code=2,
                             said=("data.client", "data.clients"))
        self.assertEqual(len(rows), 3)
        rows, _ = self.table(run, "--sort", "colour", code=2,
                             said=("--sort", "colour"))
        self.assertEqual(len(rows), 3)
        rows, _ = self.table(run, "--arm", "peers", code=2,
                             said=("--arm", "peers"))
        self.assertEqual(rows, [])


if __name__ == "__main__":
    unittest.main()
