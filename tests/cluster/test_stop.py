"""Ctrl-C, killed launchers, resuming and jobs that are there already: as on
one machine."""

import contextlib
import os
import shlex
import shutil
import signal
import sqlite3
import unittest

from runs import SCENARIO, ClusterCase, changed, main
from support import child_pids


class Stop(ClusterCase):
    def setUp(self):
        super().setUp()
        self.long()
        self.sizes = ("--nodes", 4, "--processes", 4)

    def start_and_wait(self, run):
        watched = self.start(*self.slurm(self.path, run, *self.sizes))
        self.wait_for_saved(self.seen(run), 1, watched)
        return watched

    def assert_goes_on(self, run):
        self.assertLess(self.rounds_saved(self.seen(run)), 6)
        self.run_slurm(run, "--resume", *self.sizes)
        self.assertEqual(self.hashes(self.seen(run)), self.whole)
        self.assert_no_jobs()

    def test_ctrl_c_saves_everything_and_resume_goes_on(self):
        run = self.dir / "run"
        watched = self.start_and_wait(run)
        watched.process.send_signal(signal.SIGINT)
        status, said = watched.finish()
        self.assertEqual(status, 130, said)
        self.assertIn("go on with --resume", said)
        self.assert_no_jobs()
        self.assert_goes_on(run)

    def test_ctrl_c_brings_home_what_no_other_host_sees(self):
        run = self.own / "run"
        watched = self.start(*self.slurm(self.path, run, *self.sizes))
        # Its rounds are on the node: the coordinator says when one is done.
        watched.wait_for_line("federated round [1-5]/6")
        watched.process.send_signal(signal.SIGINT)
        status, said = watched.finish()
        self.assertEqual(status, 130, said)
        # What is closed can only be read where it may be written.
        shutil.copytree(self.seen(run), self.dir / "copy")
        with contextlib.closing(
                sqlite3.connect(self.dir / "copy/run.sqlite")) as db:
            rounds = db.execute("SELECT count(*) FROM round").fetchone()[0]
        self.assertGreater(rounds, 0)
        self.assert_goes_on(run)

    def test_before_the_jobs_time_is_over_everything_is_saved(self):
        run = self.own / "run"
        done = self.call(*self.slurm(self.path, run, *self.sizes,
                                     "--slurm-arg=--time=2",
                                     "--set", "train.rounds=100000"))
        self.assertEqual(done.returncode, 130, done.stderr)
        self.assertIn("go on with --resume", done.stderr)
        self.assertTrue((self.seen(run) / "run.sqlite").exists())
        self.assert_no_jobs()

    def test_a_job_that_is_cancelled_saves_everything(self):
        run = self.dir / "run"
        watched = self.start_and_wait(run)
        self.cluster.call("scancel", "--name=fedcarbon")
        status, said = watched.finish()
        self.assertEqual(status, 130, said)
        self.assert_no_jobs()
        self.assert_goes_on(run)

    def test_a_killed_launcher_leaves_no_job_and_a_run_to_resume(self):
        for who in ("outside", "salloc", "inside"):
            run = self.dir / who
            watched = self.start_and_wait(run)
            salloc = child_pids(watched.process.pid)[0]
            os.kill({"outside": watched.process.pid, "salloc": salloc,
                     "inside": child_pids(salloc)[0]}[who], signal.SIGKILL)
            status, said = watched.finish()
            self.assertEqual(status, -9 if who == "outside" else 1, said)
            self.assert_no_jobs()
            self.assert_goes_on(run)

    def test_the_coordinators_node_is_killed_and_resume_goes_on(self):
        run = self.dir / "run"
        watched = self.start_and_wait(run)
        self.cluster.kill_node(1)
        status, said = watched.finish()
        self.assertEqual(status, 1, said)
        self.assertIn("go on with --resume", said)
        self.assert_no_jobs()
        self.sizes = ("--nodes", 3, "--processes", 3)
        self.assert_goes_on(run)

    def test_a_stop_in_the_queue_leaves_nothing(self):
        full = self.start_and_wait(self.dir / "first")
        del full
        blocked = self.start(*self.slurm(self.path, self.dir / "second",
                                         "--nodes", 4))  # whole nodes
        blocked.wait_for_line("[Pp]ending|waiting for resources")
        blocked.process.send_signal(signal.SIGINT)
        status, said = blocked.finish()
        self.assertEqual(status, 130, said)
        self.assertIn("nothing was run", said)
        self.assertFalse((self.dir / "second").exists())

    def test_a_job_that_is_there_is_used(self):
        run = self.dir / "run"
        command = " ".join(map(shlex.quote, map(str, (
            os.environ["FEDCARBON_BIN"] + "/fedcarbon",
            *self.slurm(self.path, run)))))
        env = ["env", f"XDG_CACHE_HOME={self.env['XDG_CACHE_HOME']}"]
        done = self.cluster.call(
            *env, "sbatch", "--wait", "--nodes=4", "--ntasks-per-node=2",
            "--no-kill", "--no-requeue", f"--output={self.dir}/out",
            "--wrap", command, check=False)
        said = (self.dir / "out").read_text()
        self.assertEqual(done.returncode, 0, said + self.cluster.logs())
        self.assertEqual(self.hashes(run), self.whole)

    def test_what_is_wrong_is_said_before_a_job_is_asked_for(self):
        for words, why in (
                (("--nodes", 4), "for --launcher slurm"),
                (("--launcher", "slurm", "--meter", "rapl"), "this host alone"),
                (("--launcher", "pbs"), "allowed local, slurm"),
                (("--processes", 0), "--ticket")):
            done = self.call("run", self.path, *words)
            self.assert_refused(done, why)
        path = self.write("bad.yaml", changed(SCENARIO, "rounds: 4",
                                              "rounds: -4"))
        done = self.call("run", path, "--launcher", "slurm")
        self.assert_refused(done, "train.rounds = -4")
        self.assertNotIn("salloc", done.stderr)


if __name__ == "__main__":
    main()
