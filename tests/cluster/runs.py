"""What the tests of runs on a virtual cluster share."""

import contextlib
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

from cluster import Cluster, why_not  # noqa: E402
from support import (SCENARIO, TIMEOUT_WALL_S, Case, Watched,  # noqa: E402
                     changed)

DELAY = os.environ.get("FEDCARBON_DELAY")


def hundred(rounds):
    """100 clients, of whom 20 train in each round, and all alone."""
    text = changed(SCENARIO, "writers: 60, samples_per_writer: 20",
                   "writers: 100, samples_per_writer: 30")
    text = changed(text, "clients: 6\n", "clients: 100\n")
    text = changed(text, "clients_per_round: 3", "clients_per_round: 20")
    text = changed(text, "model: logreg", "model: lenet5")
    text = changed(text, "alone: {epochs: 2}", "alone: {epochs: 1}")
    return changed(text, "rounds: 4", f"rounds: {rounds}")


class ClusterCase(Case):
    """A test with a cluster of four hosts of its own; programs run on the host
    where people log in. self.dir is seen by every host, self.own is not."""

    def setUp(self):
        super().setUp()
        self.cluster = Cluster(nodes=4, delay=DELAY)
        self.cluster.__enter__()
        self.addCleanup(self.cluster.__exit__)
        self.env["SLURM_CONF"] = self.cluster.env["SLURM_CONF"]
        self.own = self.cluster.own

    def command(self, *args):
        return self.cluster.at_ctl("env", f"--chdir={self.dir}",
                                   *super().command(*args))

    def seen(self, path):
        """A path of the login host, as this process sees it."""
        return pathlib.Path(f"/proc/{self.cluster.ctl.pid}/root{path}")

    def slurm(self, path, out, *args):
        return ("run", path, "--out", out, "--launcher", "slurm", *args)

    def assert_no_jobs(self):
        end_wall_s = time.monotonic() + TIMEOUT_WALL_S
        while self.cluster.call("squeue", "-h").stdout:
            self.assertLess(time.monotonic(), end_wall_s,
                            self.cluster.call("squeue").stdout)
            time.sleep(0.05)

    def run_slurm(self, out, *args, code=0):
        done = self.call(*self.slurm(self.path, out, *args))
        self.assertEqual(done.returncode, code,
                         done.stderr + self.cluster.logs())
        return done

    # -- a run that lasts ----------------------------------------------------

    def long(self, rounds=6, wall_s=4.0):
        """A scenario whose rounds take about that long in one process, so that
        each is saved, and what it ends in on one host. Made once per class."""
        if not hasattr(type(self), "_hundred"):
            few, most = 20, 300  # epochs; a busy machine's times are wild
            took_wall_s = [
                self.summary(self.run_here(f"calibration{n}", changed(
                    hundred(n), "local: {epochs: 1,",
                    f"local: {{epochs: {few},")))["wall_s"] for n in (1, 6)]
            round_wall_s = max((took_wall_s[1] - took_wall_s[0]) / 5, 0.001)
            epochs = min(max(few, round(few * wall_s / round_wall_s)), most)
            text = changed(hundred(rounds), "local: {epochs: 1,",
                           f"local: {{epochs: {epochs},")
            type(self)._hundred = text, self.hashes(
                self.run_here("single", text))
        text, self.whole = self._hundred
        self.path = self.write("hundred.yaml", text)

    def run_here(self, out, text):
        """In one process of this machine."""
        path = self.write(f"{out}.yaml", text)
        done = self.call("run", path, "--out", self.dir / out, "--quiet",
                         "--processes", "1")
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.dir / out

    def rounds_saved(self, run):
        """Rounds of the federated arm in the last checkpoint."""
        with contextlib.suppress(sqlite3.Error):
            found = self.sql(run, "SELECT max(round) + 1 FROM round JOIN arm USING "
                                  "(arm) WHERE name = 'federated'")
            return found[0][0] or 0
        return 0

    def wait_for_saved(self, run, n, watched):
        """Until so many rounds are saved and the run still goes on."""
        end_wall_s = time.monotonic() + TIMEOUT_WALL_S
        while self.rounds_saved(run) < n:
            if watched.process.poll() is not None:
                self.fail("ended early:\n" + watched.finish()[1]
                          + self.cluster.logs())
            self.assertLess(time.monotonic(), end_wall_s, self.cluster.logs())
            time.sleep(0.02)

    def assert_same_end(self, watched, run):
        status, said = watched.finish()
        self.assertEqual(status, 0, said + self.cluster.logs())
        self.assertEqual(self.hashes(run), self.whole)
        return said


def main():
    why = why_not()
    if why:
        print(f"skipped: {why}")
        sys.exit(77)
    unittest.main()
