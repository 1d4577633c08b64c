"""Many processes, or many clients in few: the same bits, nobody left out."""

import os
import re
import unittest

from support import SCENARIO, Case, changed


class Scale(Case):
    def test_all_processes_take_part_when_they_begin_together(self):
        """One client each: more are not handed out while somebody has none."""
        scenario = changed(SCENARIO, "clients_per_round: 3",
                           "clients_per_round: 6")
        only = ("--set", "train.arms=[federated]", "--set", "train.rounds=1",
                "--set", "train.local.epochs=400")  # longer than a chunk
        alone = self.run_ok("alone", "--processes", 1, *only,
                            scenario=scenario)
        run = self.run_ok("run", "--processes", 6, "--together", *only,
                          scenario=scenario)
        self.assertEqual(self.hashes(run), self.hashes(alone))
        messages = self.summary(run)["messages"]
        self.assertEqual(messages["HELLO received"]["messages"], 6)
        # a model to each, a client and its sum from each, and the score
        self.assertGreaterEqual(messages["MODEL sent"]["messages"], 6)
        self.assertGreaterEqual(messages["TASK sent"]["messages"], 2 * 6 + 1)

    def test_a_run_takes_the_cores_that_it_is_given(self):
        one = min(os.sched_getaffinity(0))

        def be_small():
            os.sched_setaffinity(0, {one})

        done = self.call("list", "topology", preexec_fn=be_small)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("allowed    1 core with 1 hardware thread", done.stdout)
        rows = re.findall(r"^ +(\d+) +\S+ +\S+  (\S+)$", done.stdout, re.M)
        self.assertEqual(rows, [("0", str(one))])
        path = self.write("scenario.yaml", SCENARIO)
        done = self.call("run", path, "--out", self.dir / "run",
                         preexec_fn=be_small)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.sql(self.dir / "run", "SELECT value FROM meta "
                                  "WHERE key IN ('processes', 'cores')"),
                         [("1",), ("1",)])

    def test_a_run_that_begins_together_can_be_stopped(self):
        path = self.write("scenario.yaml", SCENARIO)
        run = self.dir / "run"
        watched = self.start("run", path, "--out", run, "--processes", 2,
                             "--together", "--set", "train.rounds=100000")
        watched.wait_for_round(1)
        watched.process.terminate()
        status, said = watched.finish()
        self.assertEqual(status, 130, said)


if __name__ == "__main__":
    unittest.main()
