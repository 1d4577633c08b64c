"""A test that is killed, or asked to end, leaves no process of a run behind."""

import os
import pathlib
import select
import signal
import subprocess
import sys
import unittest

from support import SCENARIO, TIMEOUT_WALL_S, Case, changed

TEST = """\
import sys, unittest
from support import Case, child_pids

class Busy(Case):
    def test_first(self):
        watched = self.start("run", sys.argv[1], "--processes", "1")
        watched.wait_for_round(1)
        pid = watched.process.pid
        print(self.dir, pid, *child_pids(pid), flush=True)
        watched.finish()

    def test_second(self):
        print("goes on")

unittest.main(argv=sys.argv[:1])
"""


class KilledTest(Case):
    def hurt(self, number):
        """A test gets a signal while its run is on: its exit code, what it said
        afterwards, and its folder."""
        path = self.write("busy.yaml",
                          changed(SCENARIO, "rounds: 4", "rounds: 1000000"))
        with subprocess.Popen(
                [sys.executable, self.write("busy.py", TEST), path],
                env=self.env | {"PYTHONPATH": pathlib.Path(__file__).parent,
                                "TMPDIR": self.dir},
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                text=True) as test:
            folder, *pids = test.stdout.readline().split()
            self.assertEqual(len(pids), 3)  # launcher, coordinator, client
            ends = [os.pidfd_open(int(pid)) for pid in pids]
            test.send_signal(number)
            said, _ = test.communicate(timeout=TIMEOUT_WALL_S)
        for pid, end in zip(pids, ends):
            is_over = select.select([end], [], [], TIMEOUT_WALL_S)[0]
            if not is_over:
                signal.pidfd_send_signal(end, signal.SIGKILL)
            os.close(end)
            self.assertTrue(is_over, f"process {pid} goes on")
        return test.returncode, said, pathlib.Path(folder)

    def test_who_is_killed_leaves_nobody(self):
        code, said, _ = self.hurt(signal.SIGKILL)
        self.assertEqual((code, said), (-signal.SIGKILL, ""))

    def test_who_is_asked_to_end_cleans_up_and_begins_nothing_else(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            code, said, folder = self.hurt(number)
            self.assertEqual((code, said), (1, ""))
            self.assertFalse(folder.exists())


if __name__ == "__main__":
    unittest.main()
