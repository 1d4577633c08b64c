"""Sweeps: every point in a directory of its own, nothing is done twice, one
table in the end."""

import csv
import json
import shutil
import signal
import time
import unittest

from support import FEDCARBON, SCENARIO, TIMEOUT_WALL_S, Case, changed

SECTION = """\
sweep:
  vary:
    data.clients: [6, 8]
  zip:
    - {train.clients_per_round: [3, 2], train.local.lr: [0.1, 0.2]}
"""
FOUR = ("--vary", "data.clients=6,8", "--seeds", "2")
TABLES = ("table.txt", "table.csv", "table.md", "table.tex")


class Sweep(Case):
    def sweep(self, out, *args, scenario=SCENARIO, name="s.yaml"):
        self.write(name, scenario)
        return self.call("sweep", name, "--out", out, *args)

    def run_dirs(self, out):
        return sorted(path for path in (self.dir / out).iterdir()
                      if (path / "scenario.yaml").exists())

    def points(self, out):
        with open(self.dir / out / "points.csv", encoding="utf-8",
                  newline="") as file:
            return list(csv.DictReader(file))

    def finished(self, out):
        """Directories of runs that are finished and left by their launcher,
        which has the last word, and when each file was written."""
        return {path.name: {file.name: (file.stat().st_ino,
                                        file.stat().st_mtime_ns)
                            for file in path.iterdir()}
                for path in self.run_dirs(out)
                if (path / "manifest.json").exists()
                and not (path / "pids.json").exists()
                and not (path / "launch.lock").exists()}

    def tables(self, out):
        return {name: (self.dir / out / name).read_bytes() for name in TABLES}

    def wait_until(self, happened, what):
        end_wall_s = time.monotonic() + TIMEOUT_WALL_S
        while not happened():
            self.assertLess(time.monotonic(), end_wall_s, what)
            time.sleep(0.02)

    def slow(self):
        """The scenario with so many rounds that a point takes some seconds
        here."""
        if not hasattr(type(self), "_rounds"):
            run = self.run_ok("calibration", scenario=changed(
                SCENARIO, "rounds: 4", "rounds: 300"))
            took_wall_s = max(self.summary(run)["wall_s"], 0.01)
            type(self)._rounds = max(300, int(300 * 2.0 / took_wall_s))
        return changed(SCENARIO, "rounds: 4", f"rounds: {type(self)._rounds}")

    def start_and_wait_for_half(self, out):
        """Two points are finished, the third has committed something."""
        watched = self.start("sweep", "slow.yaml", "--out", out, "--jobs", "1",
                             *FOUR)
        self.wait_until(lambda: (self.dir / out).is_dir() and
                        len(self.finished(out)) == 2 and
                        any((path / "pids.json").exists()
                            for path in self.run_dirs(out)),
                        "two runs finished and a third begun")
        return watched

    def assert_goes_on(self, out, before):
        """What was finished stays as it is; the tables are those of a sweep
        that nobody touched."""
        done = self.call("sweep", "slow.yaml", "--out", out, *FOUR)
        self.assertEqual(done.returncode, 0, done.stderr)
        after = self.finished(out)
        self.assertEqual(len(after), 4)
        for name, files in before.items():
            self.assertEqual(after[name], files, name)
        if not hasattr(type(self), "_whole"):
            whole = self.call("sweep", "slow.yaml", "--out", "whole", *FOUR)
            self.assertEqual(whole.returncode, 0, whole.stderr)
            type(self)._whole = whole.stdout, self.tables("whole")
        self.assertEqual((done.stdout, self.tables(out)), self._whole)

    # -- points --------------------------------------------------------------

    def test_a_section_is_swept_and_nothing_is_done_twice(self):
        done = self.sweep("out", scenario=SCENARIO + SECTION)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr.count("is done"), 4, done.stderr)
        points = self.points("out")
        self.assertEqual([(p["data.clients"], p["train.clients_per_round"],
                           p["train.local.lr"]) for p in points],
                         [("6", "3", "0.1"), ("6", "2", "0.2"),
                          ("8", "3", "0.1"), ("8", "2", "0.2")])
        self.assertEqual(sorted(p["directory"] for p in points),
                         [path.name for path in self.run_dirs("out")])
        before, tables = self.finished("out"), self.tables("out")
        self.assertEqual(tables["table.txt"].decode(), done.stdout)
        again = self.sweep("out", scenario=SCENARIO + SECTION)
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertNotIn("is done", again.stderr)
        self.assertEqual(self.finished("out"), before)
        self.assertEqual(self.tables("out"), tables)
        self.assertEqual(again.stdout, done.stdout)

    def test_a_point_is_the_run_with_its_values(self):
        done = self.sweep("out", "--vary", "data.clients=8", scenario=SCENARIO)
        self.assertEqual(done.returncode, 0, done.stderr)
        run = self.run_ok("alone", "--set", "data.clients=8")
        point = self.run_dirs("out")[0]
        self.assertEqual(self.hashes(point), self.hashes(run))
        resolved = (run / "scenario.yaml").read_text().splitlines()
        self.assertEqual(point.name, resolved[1].removeprefix("# ")[:12])

    def test_points_that_are_alike_are_one_run(self):
        # Written otherwise, and twice: of four points two are alike, twice.
        done = self.sweep("out", "--vary", "train.local.lr=0.1,0.10",
                          "--vary", "data.clients=6,8")
        self.assertEqual(done.returncode, 0, done.stderr)
        points = self.points("out")
        self.assertEqual(len(points), 4)
        names = [p["directory"] for p in points]
        self.assertEqual(names[:2], names[2:])
        self.assertEqual(sorted(names[:2]),
                         [path.name for path in self.run_dirs("out")])
        self.assertEqual(done.stderr.count("is done"), 2, done.stderr)

    # -- the centralized arm --------------------------------------------------

    def shared(self, out):
        return sorted((self.dir / out / ".shared").iterdir())

    def who_shared(self, out):
        """Directories of the points that trained no centralized arm."""
        return [p["directory"] for p in self.points(out) if self.sql(
            self.dir / out / p["directory"],
            "SELECT 1 FROM meta WHERE key = 'centralized_shared'")]

    def test_the_same_centralized_arm_is_trained_once(self):
        # Who has which samples and where the node stands change nothing in it.
        vary = [["data.clients=6", "data.clients=8"],
                ["centralized.zone=FR", "centralized.zone=DE"]]
        done = self.sweep("out", "--vary", "data.clients=6,8",
                          "--vary", "centralized.zone=FR,DE", "--jobs", "1")
        self.assertEqual(done.returncode, 0, done.stderr)
        names = [p["directory"] for p in self.points("out")]
        self.assertEqual(len(self.shared("out")), 1)
        self.assertEqual(self.who_shared("out"), names[1:])
        # The sweep's folder stands for its runs, in the order of the points.
        again = self.call("compare", "out", "--format", "csv", "--by",
                          "data.clients,centralized.zone")
        self.assertEqual(again.stderr, "")
        self.assertEqual(again.stdout, (self.dir / "out/table.csv").read_text())
        values = [(a, b) for a in vary[0] for b in vary[1]]
        for i, (name, (a, b)) in enumerate(zip(names, values)):
            run = self.run_ok(f"alone{i}", "--set", a, "--set", b)
            self.assertEqual(self.hashes(self.dir / "out" / name),
                             self.hashes(run))
            query = ("SELECT round, sim_time_s, accuracy, loss, train_loss "
                     "FROM round JOIN arm USING (arm) "
                     "WHERE name = 'centralized' ORDER BY round")
            self.assertEqual(self.sql(self.dir / "out" / name, query),
                             self.sql(run, query))

    def test_another_centralized_arm_is_trained_for_itself(self):
        done = self.sweep("out", "--vary", "train.centralized.lr=0.1,0.2",
                          "--seeds", "2", "--jobs", "1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(self.shared("out")), 4)
        self.assertEqual(self.who_shared("out"), [])

    def test_a_damaged_shared_arm_is_trained_anew(self):
        done = self.sweep("out", "--vary", "train.rounds=2", "--jobs", "1")
        self.assertEqual(done.returncode, 0, done.stderr)
        path, = self.shared("out")
        whole = path.read_text()
        path.write_text(whole.replace("0.7", "0.8", 1))
        self.assertNotEqual(path.read_text(), whole)
        done = self.sweep("out", "--vary", "train.rounds=2,3", "--jobs", "1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.who_shared("out"), [])
        self.assertEqual(path.read_text(), whole)

    # -- interruptions -------------------------------------------------------

    def test_a_killed_sweep_goes_on_where_it_was(self):
        self.write("slow.yaml", self.slow())
        watched = self.start_and_wait_for_half("killed")
        before = self.finished("killed")
        watched.process.kill()
        watched.process.wait()
        # At once: its run is still saving what it has.
        self.assert_goes_on("killed", before)

    def test_a_sweep_that_is_stopped_leaves_nobody_behind(self):
        self.write("slow.yaml", self.slow())
        watched = self.start_and_wait_for_half("stopped")
        watched.process.send_signal(signal.SIGINT)
        status, said = watched.finish()
        self.assertEqual(status, 130, said)
        self.assertIn("2 of 4 runs are finished", said)
        self.assertIn("the same command goes on", said)
        self.assert_nothing_left_running(self.dir / "stopped")
        self.assert_goes_on("stopped", self.finished("stopped"))

    def test_one_sweep_at_a_time_works_in_a_folder(self):
        self.write("slow.yaml", self.slow())
        self.start_and_wait_for_half("both")
        second = self.start("sweep", "slow.yaml", "--out", "both", *FOUR)
        second.wait_for_line("waiting for another sweep")
        second.process.send_signal(signal.SIGTERM)
        status, said = second.finish()
        self.assertEqual(status, 130, said)

    # -- failures ------------------------------------------------------------

    def test_a_failed_point_is_reported_and_stops_no_other(self):
        # A trace of two hours; a round takes minutes of simulated time.
        self.write("trace.csv", "datetime_utc,DE,FR\n"
                   "2022-06-01T00:00Z,400,50\n2022-06-01T01:00Z,300,60\n")
        scenario = changed(SCENARIO, "grid: {kind: annual, zones: "
                           "{DE: 400, FR: 50}}",
                           "grid: {kind: hourly, trace: trace.csv}\n"
                           "  start: 2022-06-01T00:00Z")
        scenario = changed(scenario, "train_flop_per_s: 1e8",
                           "train_flop_per_s: 3e4")
        for _ in range(2):  # a failed one is tried again, others are not
            done = self.sweep("out", "--vary", "train.rounds=40,2,4", "--jobs",
                              "1", scenario=scenario)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn("point 1 (train.rounds=40) failed: ", done.stderr)
            self.assertRegex(done.stderr, "failed: .*2022-06-01T02:00")
            self.assertIn("1 of 3 runs failed", done.stderr)
            self.assertEqual(len(self.finished("out")), 2)
            self.assertEqual(self.tables("out")["table.txt"].decode(),
                             done.stdout)
        self.assertNotIn("is done", done.stderr)

    def test_a_point_with_a_bad_option_says_which(self):
        # The program that runs the points is of another version.
        programs = self.dir / "programs"
        programs.mkdir()
        shutil.copy(FEDCARBON, programs / "newer")
        child = self.write("programs/fedcarbon",
                           "#!/bin/sh\n"
                           f'exec "{FEDCARBON.resolve()}" "$1" --new "$@"\n')
        child.chmod(0o755)
        self.write("scenario.yaml", SCENARIO)
        done = self.call("sweep", "scenario.yaml", "--out", "out", "--vary",
                         "seed=1,2", executable=programs / "newer")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stderr, r"point 1 \(seed=1\) failed: "
                         "[^(]*unrecognized option '--new'")
        self.assertNotIn("--help", done.stderr)

    def test_a_scenario_may_be_named_like_an_option(self):
        self.write("-tiny.yaml", SCENARIO)
        done = self.call("sweep", "--out", "out", "--vary", "seed=1", "--",
                         "-tiny.yaml")
        self.assertEqual(done.returncode, 0, done.stderr)
        run, = self.run_dirs("out")
        again = json.loads((run / "manifest.json").read_text())["command"]
        self.assertTrue(again.startswith("fedcarbon run ./-tiny.yaml"), again)

    def test_problems_of_all_points_are_said_before_anything_runs(self):
        done = self.sweep("out", "--vary", "train.rounds=4,0,1",
                          "--vary", "data.clients=2,6")
        self.assert_refused(
            done, "point 1 (train.rounds=4 data.clients=2): ",
            "train.clients_per_round = 3, allowed at most data.clients = 2",
            "point 3 (train.rounds=0 data.clients=2): --set: train.rounds = 0",
            "4 of 6 points cannot be run; nothing was")
        self.assertEqual(done.returncode, 2)
        self.assertFalse((self.dir / "out").exists())

    # -- estimates -----------------------------------------------------------

    def test_a_dry_run_says_what_the_runs_will_say(self):
        listed = self.sweep("out", "--dry-run", *FOUR)
        self.assertEqual(listed.returncode, 0, listed.stderr)
        self.assertFalse((self.dir / "out").exists())
        done = self.sweep("out", *FOUR)
        self.assertEqual(done.returncode, 0, done.stderr)
        for line, point in zip(listed.stdout.splitlines()[1:5],
                               self.points("out")):
            number, name, _, kwh, gco2e, *_ = line.split()
            self.assertEqual((number, name),
                             (point["point"], point["directory"]))
            energy_j, emitted_g = self.sql(
                self.dir / "out" / name, "SELECT sum(energy_j), "
                "sum(emitted_gco2e) FROM ledger")[0]
            # Every client is alike, so the first rounds are as all; four
            # digits are printed.
            self.assert_near(float(kwh), energy_j / 3.6e6, "kWh", rtol=1e-3)
            self.assert_near(float(gco2e), emitted_g, "gCO2e", rtol=1e-3)
        again = self.sweep("out", "--dry-run", *FOUR)
        self.assertEqual(again.stdout.count(" done "), 4, again.stdout)

    def test_a_budget_is_not_passed_without_a_yes(self):
        over = ("--budget-kwh", "1e-6")
        listed = self.sweep("out", "--dry-run", *over, *FOUR)
        self.assertEqual(listed.returncode, 0, listed.stderr)
        self.assertIn("more than the budget of 1e-06 kWh", listed.stdout)
        refused = self.sweep("out", *over, *FOUR)
        self.assert_refused(refused, "more than the budget", "--yes")
        self.assertFalse((self.dir / "out").exists())
        late = self.sweep("out", "--budget-hours", "1e-9", *FOUR)
        self.assert_refused(late, "more than the budget of 1e-09 hours")
        done = self.sweep("out", "--yes", *over, *FOUR)
        self.assertEqual(done.returncode, 0, done.stderr)
        # Nothing is left to do: nothing is past a budget.
        again = self.sweep("out", *over, *FOUR)
        self.assertEqual(again.returncode, 0, again.stderr)


if __name__ == "__main__":
    unittest.main()
