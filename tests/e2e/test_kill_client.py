"""kill -9 of client processes in the middle of a round: the launcher replaces
them, the run ends normally, and the results are the same bits."""

import os
import random
import signal
import unittest

from support import Case


class KilledClient(Case):
    def setUp(self):
        super().setUp()
        scenario, self.whole = self.long_scenario(wall_s=5)
        self.path = self.write("long.yaml", scenario)
        self.run_dir = self.dir / "killed"

    def kill_one(self, watched):
        """Kills any client process and waits for its replacement."""
        _, before = self.pids(self.run_dir)
        victim = random.choice(before)
        os.kill(victim, signal.SIGKILL)
        watched.wait_for_line(r"client process \d+ ended .* is replaced")
        return victim, before

    def assert_same_end(self, watched):
        status, said = watched.finish()
        self.assertEqual(status, 0, said)
        self.assertEqual(self.hashes(self.run_dir), self.whole)
        self.assert_nothing_left_running(self.run_dir)

    def test_a_killed_client_is_replaced_and_changes_nothing(self):
        watched = self.start("run", self.path, "--out", self.run_dir,
                             "--processes", "3")
        watched.wait_for_round(5)
        victim, before = self.kill_one(watched)
        at = watched.round
        watched.wait_for_round(at + 5)
        _, after = self.pids(self.run_dir)
        self.assertEqual(len(after), 3)
        self.assertNotIn(victim, after)
        self.assertEqual(len(set(before) & set(after)), 2,
                         "the other two were left alone")
        self.assert_same_end(watched)

    def test_clients_killed_again_and_again_change_nothing(self):
        watched = self.start("run", self.path, "--out", self.run_dir,
                             "--processes", "2")
        watched.wait_for_round(5)
        for _ in range(3):
            self.kill_one(watched)
            watched.wait_for_round(watched.round + 5)
        self.assert_same_end(watched)

    def test_the_only_client_is_replaced_too(self):
        watched = self.start("run", self.path, "--out", self.run_dir,
                             "--processes", "1")
        watched.wait_for_round(5)
        self.kill_one(watched)
        self.assert_same_end(watched)


if __name__ == "__main__":
    unittest.main()
