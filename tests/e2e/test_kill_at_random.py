"""Processes of a run are killed at random moments, the run is resumed
with another number of processes until it ends, and the bits are those of a run
that nobody touched.

FEDCARBON_CHAOS_S (45) bounds the time, FEDCARBON_CHAOS_SEED repeats the choice
of victims and rounds; at which instant within a round they die is up to the
machine.
"""

import contextlib
import os
import random
import shutil
import signal
import time
import unittest

from support import Case, child_pids

BUDGET_WALL_S = float(os.environ.get("FEDCARBON_CHAOS_S", "45"))
SEED = int(os.environ.get("FEDCARBON_CHAOS_SEED", "0")) or os.getpid()
MAX_SITTINGS = 6  # the last one is left in peace


def is_coordinator(pid):
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return b"fedcarbon-coordinator" in file.read()
    return False


class KilledAtRandom(Case):
    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        scenario, self.whole = self.long_scenario(wall_s=3)
        self.path = self.write("long.yaml", scenario)
        self.run_dir = self.dir / "hurt"
        self.story = [f"FEDCARBON_CHAOS_SEED={SEED}"]

    def hurt(self, launcher):
        """Kills one process; True: the run cannot go on by itself."""
        children = child_pids(launcher)
        coordinators = [pid for pid in children if is_coordinator(pid)]
        clients = [pid for pid in children if pid not in coordinators]
        whom, victims, which = self.random.choice([
            ("client", clients, signal.SIGKILL),
            ("client", clients, signal.SIGKILL),
            ("coordinator", coordinators, signal.SIGKILL),
            ("launcher", [launcher], signal.SIGKILL),
            ("launcher", [launcher], signal.SIGINT)])
        self.story.append(f"{signal.Signals(which).name} to a {whom}")
        if victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.random.choice(victims), which)
        return whom != "client"

    def sit(self, is_resume, may_hurt):
        """One sitting; its exit status."""
        processes = self.random.choice([1, 2, 3, 5])
        self.story.append(f"{processes} processes")
        watched = self.start("run", self.path, "--out", self.run_dir,
                             "--processes", processes,
                             *(["--resume"] if is_resume else []))
        is_hurt = False
        try:
            while may_hurt and not is_hurt:
                # Its start, or some rounds on: that is when it is hit.
                watched.wait_for_line("client processes, into|federated round")
                watched.wait_for_round(watched.round
                                       + self.random.choice([0, 1, 30, 200]))
                is_hurt = self.hurt(watched.process.pid)
        except AssertionError as why:
            if "the program ended" not in str(why):
                raise
        status, said = watched.finish()
        self.assertNotIn("Sanitizer", said, self.story)
        self.assertNotIn("Assertion", said, self.story)
        # The terminal closes with the last process of the run.
        self.assert_nothing_left_running(self.run_dir)
        return status, said

    def test_killed_at_random_and_resumed_gives_the_same_bits(self):
        end = time.monotonic() + BUDGET_WALL_S
        n_runs = 0
        while n_runs == 0 or time.monotonic() < end:
            self.story = self.story[:1]
            shutil.rmtree(self.run_dir, ignore_errors=True)
            for sitting in range(MAX_SITTINGS):
                is_resume = "holds no run" not in self.story[-1] and sitting > 0
                status, said = self.sit(is_resume, sitting < MAX_SITTINGS - 1)
                self.story.append(said.strip().rpartition("\n")[2])
                if status == 0:
                    break
            self.assertEqual(status, 0, self.story)
            self.assertEqual(self.hashes(self.run_dir), self.whole, self.story)
            n_runs += 1
        print(f"{n_runs} runs, seed {SEED}")


if __name__ == "__main__":
    unittest.main()
