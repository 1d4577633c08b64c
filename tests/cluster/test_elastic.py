"""fedcarbon run --launcher slurm --elastic: clients that come and go."""

import signal
import stat
import time
import unittest

from runs import ClusterCase, main


class Elastic(ClusterCase):
    def setUp(self):
        super().setUp()
        self.long()
        self.run_dir = self.dir / "run"
        self.script = self.run_dir / "clients.sbatch"

    def start_elastic(self, *args):
        watched = self.start(*self.slurm(self.path, self.run_dir, "--elastic",
                                         "--processes", 4, *args))
        job = watched.wait_for_line(r"submitted as job (\d+)").group(1)
        return watched, job

    def running(self, job):
        """Numbers of a job array's tasks that run, and on which nodes."""
        said = self.cluster.call("squeue", "-h", "-r", "-t", "R", "-j", job,
                                 "-o", "%K %N").stdout
        return dict(line.split() for line in said.splitlines())

    def not_beside_the_coordinator(self, job):
        """(task, node) of one whose node can be lost."""
        return next((task, node) for task, node in self.running(job).items()
                    if node != "node1")

    def test_one_task_is_killed_and_two_are_added(self):
        watched, job = self.start_elastic()
        self.wait_for_saved(self.run_dir, 1, watched)
        self.assertEqual(stat.S_IMODE(self.script.stat().st_mode), 0o600)
        self.assertEqual(sorted(self.running(job)), list("0123"))
        self.cluster.call("scancel", f"{job}_2")
        more = self.cluster.call("sbatch", "--parsable", "--array=4-5",
                                 self.script).stdout.strip()
        self.wait_for_saved(self.run_dir, 3, watched)
        self.assertEqual(sorted(self.running(job)), list("013"))
        self.assertEqual(sorted(self.running(more)), list("45"))
        said = self.assert_same_end(watched, self.run_dir)
        self.assertIn("client process 2 is lost", said)
        self.assert_no_jobs()
        self.assertFalse(self.script.exists())

    def test_a_killed_node_changes_no_bit(self):
        watched, job = self.start_elastic()
        self.wait_for_saved(self.run_dir, 1, watched)
        task, node = self.not_beside_the_coordinator(job)
        self.cluster.kill_node(int(node.removeprefix("node")))
        said = self.assert_same_end(watched, self.run_dir)
        self.assertIn(f"client process {task} is lost", said)
        self.assert_no_jobs()

    def test_what_a_killed_node_ran_is_started_on_another(self):
        watched, job = self.start_elastic("--set", "train.rounds=5000")
        self.wait_for_saved(self.run_dir, 1, watched)
        task, node = self.not_beside_the_coordinator(job)
        self.cluster.kill_node(int(node.removeprefix("node")))
        watched.wait_for_line(f"client process {task} is lost")
        end_wall_s = time.monotonic() + 120  # Slurm takes half a minute
        while self.running(job).get(task, node) == node:
            self.assertLess(time.monotonic(), end_wall_s, self.cluster.logs())
            time.sleep(0.1)
        watched.process.send_signal(signal.SIGINT)
        status, said = watched.finish()
        self.assertEqual(status, 130, said)
        self.assert_no_jobs()

    def test_all_may_go_and_others_come(self):
        watched, job = self.start_elastic()
        self.wait_for_saved(self.run_dir, 1, watched)
        self.cluster.call("scancel", job)
        for i in range(4):
            watched.wait_for_line(r"client process \d is lost")
        self.cluster.call("sbatch", "--array=7-8", self.script)
        self.assert_same_end(watched, self.run_dir)
        self.assert_no_jobs()


if __name__ == "__main__":
    main()
