"""kill -9 of the coordinator, or Ctrl-C, and then --resume: the same bits as a
run that nobody touched."""

import os
import signal
import unittest

from support import LONG, Case


class KilledCoordinator(Case):
    def test_a_killed_coordinator_is_resumed_and_changes_nothing(self):
        whole = self.hashes(self.run_ok("whole", scenario=LONG))
        path = self.write("long.yaml", LONG)
        run = self.dir / "killed"
        watched = self.start("run", path, "--out", run, "--processes", "2")
        watched.wait_for_round(9)
        coordinator, _ = self.pids(run)
        os.kill(coordinator, signal.SIGKILL)
        status, said = watched.finish()
        self.assertNotEqual(status, 0, said)
        self.assertIn("--resume", said, "the message says how to go on")
        self.assert_nothing_left_running(run)
        self.assertEqual(self.sql(run, "PRAGMA integrity_check"), [("ok",)])

        done = self.call("run", path, "--out", run, "--processes", "3",
                         "--resume")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.hashes(run), whole)

    def test_a_run_that_was_interrupted_ends_cleanly_and_is_resumed(self):
        whole = self.hashes(self.run_ok("whole", scenario=LONG))
        path = self.write("long.yaml", LONG)
        run = self.dir / "stopped"
        watched = self.start("run", path, "--out", run, "--processes", "2")
        watched.wait_for_round(9)
        watched.process.send_signal(signal.SIGINT)
        status, said = watched.finish()
        self.assertNotEqual(status, 0, said)
        self.assertIn("--resume", said)
        self.assert_nothing_left_running(run)
        done = self.call("run", path, "--out", run, "--resume")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.hashes(run), whole)


if __name__ == "__main__":
    unittest.main()
