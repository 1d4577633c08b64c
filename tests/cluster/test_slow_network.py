"""A run through links of 20 Mbit/s, 80 ms and 0.5 % loss, and through ones
that are out for a while."""

import time
import unittest

from runs import DELAY, ClusterCase, main


@unittest.skipUnless(DELAY, "no libnetfilter-queue: nothing can be delayed")
class SlowNetwork(ClusterCase):
    def setUp(self):
        super().setUp()
        self.long()

    def test_slow_and_lossy_links_change_no_bit(self):
        for i in range(1, 5):
            self.cluster.slow_down(i, "20mbit", 80, 5, 0.005)
        run = self.dir / "run"
        self.run_slurm(run, "--nodes", 4, "--processes", 4)
        self.assertEqual(self.hashes(run), self.whole)
        self.assert_no_jobs()

    def test_a_cable_that_is_out_for_3_s_changes_no_bit(self):
        run = self.dir / "run"
        watched = self.start(*self.slurm(self.path, run, "--nodes", 4,
                                         "--processes", 4))
        self.wait_for_saved(run, 1, watched)
        self.cluster.unplug(4)
        time.sleep(3)  # that is what is tested
        self.cluster.unplug(4, is_plugged=True)
        self.assert_same_end(watched, run)
        self.assert_no_jobs()


if __name__ == "__main__":
    main()
