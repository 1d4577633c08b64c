"""Some of the schedules of tests/chaos: each kind of fault once or twice, at
messages of every phase, in system calls of the store, and on small disks.
tools/nightly runs all of them.

FEDCARBON_CHAOS_SEEDS (A-B) chooses others.
"""

import os
import pathlib
import sys
import tempfile
import unittest

from support import BIN, skip_everything

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "chaos"))
import run_schedules  # noqa: E402
from stage import CHAOS  # noqa: E402

# In their order: doubled, killed coordinator, stopped client, a failing disk
# call, a kill in a disk call, a full disk, a read-only one, a changed tensor,
# a lost message, one that is overtaken, a connection that breaks.
SEEDS = [1, 3, 6, 7, 11, 12, 14, 16, 22, 23, 25, 31, 34]


class Chaos(unittest.TestCase):
    def test_schedules_of_faults_end_in_the_same_bits(self):
        wanted = os.environ.get("FEDCARBON_CHAOS_SEEDS")
        seeds = run_schedules.numbers(wanted) if wanted else SEEDS
        with tempfile.TemporaryDirectory(prefix="fedcarbon-chaos-") as cache:
            os.environ["XDG_CACHE_HOME"] = cache
            self.assertEqual(run_schedules.run(seeds, 2, False), 0)


if __name__ == "__main__":
    if not (CHAOS / "chaos_proxy").exists():
        skip_everything(f"no {CHAOS / 'chaos_proxy'} beside {BIN}")
    unittest.main()
