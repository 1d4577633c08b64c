"""fedcarbon sweep --launcher slurm: points as a job array, the same tables."""

import signal
import time

from runs import SCENARIO, TIMEOUT_WALL_S, ClusterCase, changed, main

FOUR = ("--vary", "data.clients=6,8", "--seeds", "2")
TABLES = ("table.txt", "table.csv", "table.md", "table.tex")


class Sweep(ClusterCase):
    def tables(self, out):
        return {name: (self.dir / out / name).read_bytes() for name in TABLES}

    def sweep(self, out, *args):
        return self.call("sweep", "s.yaml", "--out", out, *FOUR, *args)

    def test_the_tables_are_those_of_one_machine(self):
        self.write("s.yaml", SCENARIO)
        here = self.sweep("here", "--jobs", 2)
        self.assertEqual(here.returncode, 0, here.stderr)
        there = self.sweep("there", "--launcher", "slurm")
        self.assertEqual(there.returncode, 0,
                         there.stderr + self.cluster.logs())
        self.assertEqual(there.stderr.count("is done"), 4, there.stderr)
        self.assertRegex(there.stderr, r"4 runs are submitted as Slurm job \d")
        self.assertEqual(there.stdout, here.stdout)
        self.assertEqual(self.tables("there"), self.tables("here"))
        self.assertEqual(list((self.dir / "there").glob("*.end*")), [])
        again = self.sweep("there", "--launcher", "slurm")
        self.assertEqual((again.returncode, again.stdout),
                         (0, here.stdout), again.stderr)
        self.assertNotIn("submitted", again.stderr)
        self.assert_no_jobs()

    def test_it_needs_a_folder_that_all_nodes_see(self):
        self.write("s.yaml", SCENARIO)
        done = self.sweep(self.own / "out", "--launcher", "slurm")
        self.assert_refused(done, "the nodes do not see this folder", "--out")
        self.assert_no_jobs()

    def test_a_failed_point_is_reported_and_stops_no_other(self):
        # A trace of two hours; a round takes minutes of simulated time.
        self.write("trace.csv", "datetime_utc,DE,FR\n"
                   "2022-06-01T00:00Z,400,50\n2022-06-01T01:00Z,300,60\n")
        scenario = changed(SCENARIO, "grid: {kind: annual, zones: "
                           "{DE: 400, FR: 50}}",
                           "grid: {kind: hourly, trace: trace.csv}\n"
                           "  start: 2022-06-01T00:00Z")
        self.write("s.yaml", changed(scenario, "train_flop_per_s: 1e8",
                                     "train_flop_per_s: 3e4"))
        done = self.call("sweep", "s.yaml", "--out", "out", "--launcher",
                         "slurm", "--vary", "train.rounds=40,2,4")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stderr, r"point 1 .* failed: .*2022-06-01T02:00")
        self.assertEqual(done.stderr.count("is done"), 2, done.stderr)

    def test_a_stopped_sweep_goes_on_where_it_was(self):
        self.write("s.yaml", changed(SCENARIO, "rounds: 4", "rounds: 4000"))
        here = self.sweep("here", "--jobs", 2)
        self.assertEqual(here.returncode, 0, here.stderr)
        for number in (signal.SIGINT, signal.SIGKILL):
            out = f"there{int(number)}"
            watched = self.start("sweep", "s.yaml", "--out", out, *FOUR,
                                 "--launcher", "slurm")
            self.wait_for_a_commit(out)
            watched.process.send_signal(number)
            if number == signal.SIGINT:
                status, said = watched.finish()
                self.assertEqual(status, 130, said)
                self.assertIn("the same command goes on", said)
                self.assert_no_jobs()
            else:  # its tasks are still at work
                watched.process.wait()
                self.assert_refused(self.sweep(out, "--launcher", "slurm"),
                                    "of an earlier sweep is at work")
                self.cluster.call("scancel", "--name=fedcarbon-sweep")
                self.assert_no_jobs()
            done = self.sweep(out, "--launcher", "slurm")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(done.stdout, here.stdout)
            self.assertEqual(self.tables(out), self.tables("here"))

    def wait_for_a_commit(self, out):
        end_wall_s = time.monotonic() + TIMEOUT_WALL_S
        while not any(self.rounds_saved(path.parent) for path in
                      (self.dir / out).glob("*/run.sqlite")):
            self.assertLess(time.monotonic(), end_wall_s, self.cluster.logs())
            time.sleep(0.02)


if __name__ == "__main__":
    main()
