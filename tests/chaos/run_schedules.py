#!/usr/bin/env python3
"""Schedules of faults: a small run is hurt at a given moment in a given way,
resumed where it could not go on, and has to end in the bits of a run that
nobody touched.

    tests/chaos/run_schedules.py [--seeds 0-239] [--jobs 1] [--verbose]

A seed says all about a schedule but when exactly the machine does what. What
fails is told with the command that repeats it. Every schedule has a deadline.
tests/chaos/faults.py has the kinds of faults; docs/faults.md tells what a user
sees of them.
"""

import argparse
import collections
import concurrent.futures
import os
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))
from faults import Plan, draw  # noqa: E402
from stage import Failed, Skipped, Stage  # noqa: E402
from support import end_on_signals  # noqa: E402

MAX_SITTINGS = 5  # the last ones are left in peace


def play(seed, whole, quiet):
    """One schedule; (whether anything was hit, wall seconds)."""
    begin = time.monotonic()
    plans = draw(seed)
    with Stage(seed) as stage:
        for sitting in range(MAX_SITTINGS):
            plan = plans[sitting] if sitting < len(plans) else Plan()
            status, said = stage.sit(plan)
            stage.check_end(status, said)
            if status == 0:
                break
        if status != 0:
            raise Failed(f"exit code {status} without a fault:\n{said}")
        if stage.hashes() != whole:
            raise Failed(f"other bits: {stage.hashes()}, expected {whole}")
        is_hit = stage.n_hits > 0
        if not quiet:
            print(f"seed {seed}: {'; '.join(stage.story)}", flush=True)
    return is_hit, time.monotonic() - begin


def numbers(text):
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def attempt(seed, whole, quiet):
    """(seed, failure or None, its kind, wall seconds)"""
    kind = draw(seed)[0].kind
    try:
        is_hit, took = play(seed, whole, quiet)
        return seed, None, kind if is_hit else f"{kind} that hit nothing", took
    except Skipped as why:
        return seed, None, f"{kind} skipped ({why})", 0.0
    except Failed as why:
        return seed, str(why), kind, 0.0


def undisturbed():
    with Stage("whole") as stage:
        status, said = stage.sit(Plan())
        if status != 0:
            raise SystemExit(f"the scenario itself does not run:\n{said}")
        return stage.hashes()


def run(seeds, jobs, verbose):
    """The number of schedules that failed."""
    whole = undisturbed()
    failed, took, kinds = [], [], collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for seed, why, kind, wall_s in pool.map(
                lambda s: attempt(s, whole, not verbose), seeds):
            took.append((wall_s, seed))
            kinds[kind] += 1
            if why is not None:
                failed.append(seed)
                print(f"seed {seed} FAILED: {why}\n  repeat with: "
                      f"tests/chaos/run_schedules.py --seeds {seed} --verbose",
                      flush=True)
    took.sort(reverse=True)
    print(f"{len(took)} schedules ("
          + ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items()))
          + f"), {len(failed)} failed; the longest took {took[0][0]:.1f} s "
          f"(seed {took[0][1]}), the median {took[len(took) // 2][0]:.1f} s")
    return len(failed)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seeds", type=numbers, default=range(0, 240),
                        help="A-B or one number (default: 0-239)")
    parser.add_argument("--jobs", type=int, default=1,
                        help="schedules at the same time (default: 1)")
    parser.add_argument("--verbose", action="store_true",
                        help="say what happened in each")
    args = parser.parse_args()
    end_on_signals()
    with tempfile.TemporaryDirectory(prefix="fedcarbon-chaos-") as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        sys.exit(1 if run(args.seeds, args.jobs, args.verbose) else 0)


if __name__ == "__main__":
    main()
