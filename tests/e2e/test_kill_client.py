"""kill -9 of client processes in the middle of a round: the launcher replaces
them, the run ends normally, and the results are the same bits."""

import os
import random
import signal
import unittest

from support import LONG, Case


class KilledClient(Case):
    def test_a_killed_client_is_replaced_and_changes_nothing(self):
        whole = self.hashes(self.run_ok("whole", scenario=LONG))
        path = self.write("long.yaml", LONG)
        run = self.dir / "killed"
        watched = self.start("run", path, "--out", run, "--processes", "3")
        watched.wait_for_round(5)
        _, before = self.pids(run)
        self.assertEqual(len(before), 3)
        victim = random.choice(before)
        os.kill(victim, signal.SIGKILL)
        watched.wait_for_round(20)
        _, after = self.pids(run)
        self.assertNotIn(victim, after)
        self.assertEqual(len(after), 3, "the launcher replaced it")
        status, said = watched.finish()
        self.assertEqual(status, 0, said)
        self.assertEqual(self.hashes(run), whole)
        self.assert_nothing_left_running(run)

    def test_clients_killed_again_and_again_change_nothing(self):
        whole = self.hashes(self.run_ok("whole", scenario=LONG))
        path = self.write("long.yaml", LONG)
        run = self.dir / "killed"
        watched = self.start("run", path, "--out", run, "--processes", "2")
        for n in (3, 12, 25):
            watched.wait_for_round(n)
            os.kill(random.choice(self.pids(run)[1]), signal.SIGKILL)
        status, said = watched.finish()
        self.assertEqual(status, 0, said)
        self.assertEqual(self.hashes(run), whole)


if __name__ == "__main__":
    unittest.main()
