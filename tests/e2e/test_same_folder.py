"""One run at a time goes into a folder, and a launcher that is killed leaves
nothing of its own behind that stays."""

import pathlib
import unittest

from support import SCENARIO, Case, changed


class SameFolder(Case):
    def setUp(self):
        super().setUp()
        scenario, self.whole = self.long_scenario(wall_s=2)
        self.path = self.write("long.yaml", scenario)
        self.run_dir = self.dir / "run"

    def begin(self):
        watched = self.start("run", self.path, "--out", self.run_dir,
                             "--processes", "1")
        watched.wait_for_round(1)
        return watched

    def test_a_second_run_into_a_folder_is_refused_and_changes_nothing(self):
        watched = self.begin()
        before = (self.run_dir / "scenario.yaml").read_bytes()
        pids = (self.run_dir / "pids.json").read_bytes()
        other = self.write("other.yaml", changed(SCENARIO, "seed: 7",
                                                 "seed: 8"))
        for words in ((other,), (self.path,), (self.path, "--resume")):
            done = self.call("run", *words, "--out", self.run_dir)
            self.assert_refused(
                done, f"process {watched.process.pid} runs into this folder",
                "another --out")
        self.assertEqual((self.run_dir / "scenario.yaml").read_bytes(), before)
        self.assertEqual((self.run_dir / "pids.json").read_bytes(), pids)
        status, said = watched.finish()
        self.assertEqual(status, 0, said)
        self.assertEqual(self.hashes(self.run_dir), self.whole)
        self.assertFalse((self.run_dir / "launch.lock").exists())

    def test_the_next_start_removes_what_a_killed_launcher_left(self):
        watched = self.begin()
        coordinator, _ = self.pids(self.run_dir)
        words = pathlib.Path(f"/proc/{coordinator}/cmdline").read_bytes()
        words = words.decode().split("\0")
        address = words[words.index("--listen") + 1]
        left = pathlib.Path(address.removeprefix("ipc://")).parent
        self.assertTrue(left.name.startswith("fedcarbon-"), left)
        self.run_ok("meanwhile")  # does not touch what is in use
        self.assertTrue(left.is_dir())
        watched.process.kill()
        watched.finish()  # the terminal closes with the last of them
        self.assertTrue(left.is_dir())
        self.run_ok("next")
        self.assertFalse(left.exists())

    def test_another_scenario_does_not_resume_a_run(self):
        watched = self.begin()
        watched.process.kill()
        watched.finish()
        other = self.write("other.yaml", changed(SCENARIO, "seed: 7",
                                                 "seed: 8"))
        self.assert_refused(
            self.call("run", other, "--out", self.run_dir, "--resume"),
            "holds a run of another scenario", "nothing is resumed")


if __name__ == "__main__":
    unittest.main()
