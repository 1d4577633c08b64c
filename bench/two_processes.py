#!/usr/bin/env python3
"""Client updates per second with two client processes, against one.

    bench/two_processes.py --build build/release [--rounds 120] [--repeats 5]
    bench/two_processes.py --build build/release --check

The same scenario (glyphs, lenet5, 20 clients a round) with one and with two
processes in turn: medians of client updates per wall second of the whole run,
and their ratio. The run's start and end (0.3 s) are in it, so it is as long as
runs are. Beside it what does not depend on what else the machine does: the CPU
time of all processes for one update; twice the ratio of the two is what an idle
machine could give at most. --check fails below 1.9. Needs two idle cores; says
how loaded the machine was.
"""

import argparse
import pathlib
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

from bench_run import ROOT, environment, git_commit, print_head, print_row
from bench_run import spread

LEAST_RATIO = 1.9
COHORT = 20
SCENARIO = """\
name: two-processes
seed: 1
data:
  dataset: {{kind: glyphs, writers: 400, samples_per_writer: 100, test_writers: 40}}
  clients: 200
  partition: iid
model: lenet5
train:
  arms: [federated]
  clients_per_round: {cohort}
  rounds: {rounds}
  evaluate_every: 1
  local: {{epochs: 2, batch: 20, lr: 0.05}}
fleet: [{{device: raspberry_pi_4b, zone: DE, link: home_wifi}}]
server:
  device: cloud_cpu
  zone: DE
  pue: {{value: 1.2, evidence: assumed, source: "for this benchmark", year: 2024}}
carbon: {{preset: full, grid: {{kind: annual}}}}
"""


def measure(program, scenario, processes, folder, number):
    """(wall s of the run, CPU s of all its processes)"""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(
        [program, "run", scenario, "--quiet", "--meter", "none",
         "--processes", str(processes),
         "--out", folder / f"run-{processes}-{number}"],
        env=environment(XDG_CACHE_HOME=str(folder)),
        stdout=subprocess.DEVNULL, check=True)
    wall_s = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall_s, (after.ru_utime + after.ru_stime - before.ru_utime
                    - before.ru_stime)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path,
                        default=ROOT / "build" / "release")
    parser.add_argument("--rounds", type=int, default=120)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--check", action="store_true",
                        help=f"fail below {LEAST_RATIO}")
    parser.add_argument("--smoke", action="store_true",
                        help="once, one round: only that it works")
    args = parser.parse_args()
    if args.smoke:
        args.rounds = args.repeats = 1
    if len(os.sched_getaffinity(0)) < 2:
        print("two_processes: skipped: one core")
        sys.exit(77)
    print(f"# commit {git_commit()}, load before "
          + ", ".join(f"{load:.1f}" for load in os.getloadavg()))
    updates = COHORT * args.rounds
    speed, cpu_s = {1: [], 2: []}, {1: [], 2: []}
    with tempfile.TemporaryDirectory(prefix="fedcarbon-bench-") as folder:
        folder = pathlib.Path(folder)
        scenario = folder / "two.yaml"
        scenario.write_text(SCENARIO.format(rounds=args.rounds, cohort=COHORT))
        program = (args.build / "bin" / "fedcarbon").absolute()
        measure(program, scenario, 2, folder, "warm")  # decodes the data set
        for number in range(args.repeats):
            for processes in (1, 2):
                wall_s, used_s = measure(program, scenario, processes, folder,
                                         number)
                speed[processes].append(updates / wall_s)
                cpu_s[processes].append(used_s / updates)
    ratio = statistics.median(speed[2]) / statistics.median(speed[1])
    bound = 2 * statistics.median(cpu_s[1]) / statistics.median(cpu_s[2])
    print_head(["processes", "updates per s", "CPU ms per update"])
    for processes in (1, 2):
        print_row([str(processes), spread(speed[processes], "{:.1f}"),
                   spread([1e3 * s for s in cpu_s[processes]], "{:.2f}")])
    print(f"two processes: {ratio:.2f} times the throughput of one; CPU time "
          f"would allow {bound:.2f}; load after "
          + ", ".join(f"{load:.1f}" for load in os.getloadavg()))
    if args.check and ratio < LEAST_RATIO:
        sys.exit(f"two_processes: {ratio:.2f}, allowed at least {LEAST_RATIO}")


if __name__ == "__main__":
    main()
