#!/usr/bin/env python3
"""Mock runs of ever more clients: wall time, CPU time, peak memory, rows.

    bench/mock_population.py --build build/release
    bench/mock_population.py --build build/release --check

What a client that takes no part costs is the difference between two rows in
bytes over their difference in clients: the rounds are the same. --check fails
where the row of a million misses its bounds: 60 s, 1 GB, 200 bytes per client.
One core: everything is pinned to one.
"""

import argparse
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import time

from bench_run import ROOT, environment

MAX_WALL_S, MAX_BYTES, MAX_CLIENT_BYTES = 60.0, 1e9, 200.0


def measure(binaries, scenario, clients, rounds, cohort, folder):
    """(wall s, CPU s, peak bytes of the largest process, ledger rows)"""
    out = pathlib.Path(folder) / f"run-{clients}"
    command = [binaries / "fedcarbon", "run", scenario, "--quiet", "--out", out,
               "--set", f"data.clients={clients}",
               "--set", f"train.rounds={rounds}",
               "--set", f"train.clients_per_round={cohort}"]
    # ru_maxrss of children is the largest of all so far: a process of its own
    probe = ("import os, resource, sys\n"
             "os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})\n"
             "pid = os.spawnvp(os.P_NOWAIT, sys.argv[1], sys.argv[1:])\n"
             "status = os.waitpid(pid, 0)[1]\n"
             "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
             "print(used.ru_maxrss * 1024, used.ru_utime + used.ru_stime)\n"
             "sys.exit(os.waitstatus_to_exitcode(status))\n")
    start = time.perf_counter()
    said = subprocess.run([sys.executable, "-c", probe, *map(str, command)],
                          env=environment(XDG_CACHE_HOME=str(folder)),
                          text=True, stdout=subprocess.PIPE, check=False)
    wall_s = time.perf_counter() - start
    if said.returncode:
        sys.exit(f"mock_population: {clients} clients: status "
                 f"{said.returncode}")
    peak, cpu_s = said.stdout.split()[-2:]
    with sqlite3.connect(f"file:{out / 'run.sqlite'}?mode=ro", uri=True) as db:
        rows = db.execute("SELECT count(*) FROM ledger").fetchone()[0]
    return wall_s, float(cpu_s), int(peak), rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path,
                        default=ROOT / "build" / "release")
    parser.add_argument("--scenario", type=pathlib.Path,
                        default=ROOT / "scenarios" / "million-clients.yaml")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--smoke", action="store_true",
                        help="few clients, two rounds: does it work at all")
    options = parser.parse_args()
    rounds, cohort = (2, 50) if options.smoke else (100, 1000)
    counts = (1000, 20000) if options.smoke else (10_000, 100_000, 1_000_000,
                                                  10_000_000)
    binaries = (options.build / "bin").resolve()
    print("| clients | per round | rounds | wall s | CPU s | peak MB | "
          "ledger rows |\n|---|---|---|---|---|---|---|")
    found = {}
    with tempfile.TemporaryDirectory(prefix="fedcarbon-bench-") as folder:
        for n in counts:
            row = measure(binaries, options.scenario.resolve(), n, rounds,
                          cohort, folder)
            found[n] = row
            print(f"| {n:,} | {cohort:,} | {rounds} | {row[0]:.1f} | "
                  f"{row[1]:.1f} | {row[2] / 1e6:.0f} | {row[3]:,} |",
                  flush=True)
    few, many = min(counts), max(counts)
    idle = (found[many][2] - found[few][2]) / (many - few)
    print(f"\nA client that takes no part: {idle:.1f} bytes.")
    if options.check:
        wall_s, _, peak, _ = found[1_000_000]
        bad = [text for is_bad, text in (
            (wall_s > MAX_WALL_S, f"{wall_s:.1f} s, allowed {MAX_WALL_S}"),
            (peak > MAX_BYTES, f"{peak} bytes, allowed {MAX_BYTES:.0f}"),
            (idle > MAX_CLIENT_BYTES, f"{idle:.0f} bytes per client, allowed "
             f"{MAX_CLIENT_BYTES:.0f}")) if is_bad]
        if bad:
            sys.exit("mock_population: " + "; ".join(bad))


if __name__ == "__main__":
    main()
