"""kill -9 of the coordinator or of the launcher, or Ctrl-C, and then --resume:
the same bits as a run that nobody touched."""

import os
import signal
import unittest

from support import Case


class Resume(Case):
    def setUp(self):
        super().setUp()
        scenario, self.whole = self.long_scenario(wall_s=7)
        self.path = self.write("long.yaml", scenario)
        self.run_dir = self.dir / "stopped"
        self.watched = self.start("run", self.path, "--out", self.run_dir,
                                  "--processes", "2")

    def committed_rounds(self):
        rows = self.sql(self.run_dir, "SELECT coalesce(max(r.round), 0) FROM "
                        "round r JOIN arm a USING (arm) "
                        "WHERE a.name = 'federated'")
        return rows[0][0]

    def assert_resumed(self, *args):
        """What was saved is whole; the rest gives the same bits."""
        self.assert_nothing_left_running(self.run_dir)
        self.assertEqual(self.sql(self.run_dir, "PRAGMA integrity_check"),
                         [("ok",)])
        done = self.call("run", self.path, "--out", self.run_dir, "--resume",
                         *args)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.hashes(self.run_dir), self.whole)

    def test_a_killed_coordinator_is_resumed_and_changes_nothing(self):
        # Commits happen every few seconds: wait for some, then on.
        self.watched.wait_for_commit(self.run_dir)
        self.watched.wait_for_round(self.watched.round + 20)
        coordinator, _ = self.pids(self.run_dir)
        os.kill(coordinator, signal.SIGKILL)
        status, said = self.watched.finish()
        self.assertGreater(status, 0, said)
        self.assertIn("--resume", said, "the message says how to go on")
        self.assertGreater(self.committed_rounds(), 0)
        self.assert_resumed("--processes", "3")

    def test_a_coordinator_killed_at_once_is_resumed(self):
        self.watched.wait_for_round(1)
        os.kill(self.pids(self.run_dir)[0], signal.SIGKILL)
        status, said = self.watched.finish()
        self.assertGreater(status, 0, said)
        self.assert_resumed()

    def test_a_run_stopped_twice_is_resumed(self):
        for _ in range(2):
            self.watched.wait_for_round(10)
            self.watched.process.send_signal(signal.SIGINT)
            status, said = self.watched.finish()
            self.assertEqual(status, 130, said)
            self.assertIn("--resume", said)
            self.assert_nothing_left_running(self.run_dir)
            self.assertGreater(self.committed_rounds(), 0)
            self.watched = self.start("run", self.path, "--out", self.run_dir,
                                      "--resume", "--processes", "1")
        status, said = self.watched.finish()
        self.assertEqual(status, 0, said)
        self.assertEqual(self.hashes(self.run_dir), self.whole)

    def test_a_killed_launcher_takes_its_processes_along(self):
        self.watched.wait_for_round(20)
        coordinator, clients = self.pids(self.run_dir)
        self.watched.process.kill()
        self.watched.finish()  # the terminal closes with the last of them
        for pid in (coordinator, *clients):
            self.assertFalse(os.path.exists(f"/proc/{pid}/exe"), pid)
        self.assert_resumed()


if __name__ == "__main__":
    unittest.main()
