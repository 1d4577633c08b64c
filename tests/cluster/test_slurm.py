"""fedcarbon run --launcher slurm on four hosts: the same bits as in one process
of one host, whatever is lost on the way."""

import signal
import unittest

from runs import ClusterCase, main


class Slurm(ClusterCase):
    def setUp(self):
        super().setUp()
        self.long()

    def test_100_clients_on_4_hosts_give_the_bits_of_one_process(self):
        run = self.dir / "run"
        said = self.run_slurm(run, "--nodes", 4, "--processes", 6).stderr
        self.assertIn("federated round 6/6", said)  # progress
        self.assertNotIn("srun:", said)
        self.assertEqual(self.hashes(run), self.whole)
        self.assert_no_jobs()

    def test_no_folder_is_shared(self):
        run = self.own / "run"
        said = self.run_slurm(run, "--nodes", 4, "--processes", 4).stderr
        self.assertIn("comes back in the end", said)
        self.assertEqual(self.hashes(self.seen(run)), self.whole)
        self.assert_no_jobs()

    def test_a_node_is_killed_in_round_3(self):
        run = self.dir / "run"
        watched = self.start(*self.slurm(self.path, run, "--nodes", 4,
                                         "--processes", 8))
        self.wait_for_saved(run, 2, watched)
        self.assertLess(self.rounds_saved(run), 6)
        self.cluster.kill_node(3)
        said = self.assert_same_end(watched, run)
        self.assertRegex(said, "client process . is lost")
        self.assert_no_jobs()

    def test_all_client_processes_are_killed_and_started_again(self):
        run = self.dir / "run"
        watched = self.start(*self.slurm(self.path, run, "--nodes", 4,
                                         "--processes", 4))
        self.wait_for_saved(run, 1, watched)
        steps = self.cluster.call("squeue", "-s", "-h", "-o", "%i %j").stdout
        step, = [line.split()[0] for line in steps.splitlines()
                 if "fedcarbon-client" in line]
        self.cluster.call("scancel", "--signal=KILL", step)
        said = self.assert_same_end(watched, run)
        self.assertRegex(said, "client step 0 ended .* is replaced")
        self.assert_no_jobs()


if __name__ == "__main__":
    main()
