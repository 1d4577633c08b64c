#!/usr/bin/env python3
"""Soak: one run of small rounds for hours. Resident memory and descriptors of
each of its processes are sampled, and have to be flat.

    tests/chaos/soak.py [--minutes 120] [--settle-minutes 5] [--csv FILE]

Flat: after the first minutes no sample of a process is more than 2 % above the
highest one of the minute before, and no process has more descriptors than it
had until then. The samples are written to FILE as they are taken;
docs/faults.md has the figures of the last time. Asked to end (SIGINT, SIGTERM),
it ends the run, too.
"""

import argparse
import contextlib
import csv
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))
from support import (FEDCARBON, SCENARIO, changed, end_on_signals,  # noqa: E402
                     start)

INTERVAL_WALL_S = 5
GROWTH_RATIO = 1.02
ROUNDS = 1_000_000  # the most that a scenario may have
# A round's own work, so that they last for hours and their rows fit on a disk,
# and so that the store's cache (4 MB) is full within the first minutes.
EPOCHS = 20
DISK_BYTES = 2 << 30
STOP_WALL_S = 60


def scenario(epochs):
    text = changed(SCENARIO, "arms: [federated, centralized, local]",
                   "arms: [federated]")
    text = changed(text, "rounds: 4", f"rounds: {ROUNDS}")
    return changed(text, "local: {epochs: 1,", f"local: {{epochs: {epochs},")


def children(pid):
    """name -> pid of the launcher and what it has started."""
    found = {"launcher": pid}
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            stat = (entry / "stat").read_text()
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if int(stat.rpartition(")")[2].split()[1]) != pid:
                continue
            if b"--slot" in words:
                slot = words[words.index(b"--slot") + 1].decode()
                found[f"client {slot}"] = int(entry.name)
            else:
                found["coordinator"] = int(entry.name)
    return found


def resident_bytes(pid):
    """Exact, other than VmRSS, which lags by pages of each thread."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        for line in file:
            if line.startswith("Rss:"):
                return int(line.split()[1]) * 1024
    raise OSError(f"/proc/{pid}/smaps_rollup: no Rss")


def sample(processes):
    """name -> (resident bytes, descriptors)"""
    return {name: (resident_bytes(pid), len(os.listdir(f"/proc/{pid}/fd")))
            for name, pid in processes.items()}


def verdict(samples, settle_wall_s):
    """What is not flat, as lines; and a line of figures per process."""
    problems, figures = [], []
    for name in samples[0][1]:
        before = [s[name] for at, s in samples
                  if settle_wall_s - 60 <= at <= settle_wall_s]
        early = [s[name] for at, s in samples if at <= settle_wall_s]
        after = [s[name] for at, s in samples if at > settle_wall_s]
        base, most = max(b for b, _ in before), max(b for b, _ in after)
        fds, most_fds = max(n for _, n in early), max(n for _, n in after)
        figures.append(
            f"{name}: {base / 1e6:.2f} MB, at most {most / 1e6:.2f} MB "
            f"({100 * (most / base - 1):+.2f} %); {fds} descriptors, at most "
            f"{most_fds}")
        if most > GROWTH_RATIO * base or most_fds > fds:
            problems.append(f"not flat: {figures[-1]}")
    return problems, figures


def committed_rounds(run):
    with contextlib.closing(sqlite3.connect(
            f"file:{run / 'run.sqlite'}?mode=ro", uri=True)) as db:
        return db.execute("SELECT coalesce(max(round), -1) + 1 FROM round"
                          ).fetchone()[0]


class Table:
    """The samples as CSV, each there at once; path: None for none."""

    def __init__(self, path):
        self.path = path
        if path:
            with open(path, "w", encoding="ascii"):
                pass
            self.put([["wall_s", "process", "resident_bytes", "descriptors"]])

    def put(self, rows):
        if self.path:
            with open(self.path, "a", newline="", encoding="ascii") as file:
                csv.writer(file).writerows(rows)

    def add(self, at, now):
        self.put([f"{at:.1f}", name, resident, fds]
                 for name, (resident, fds) in now.items())


def watch(process, minutes, table):
    """(wall seconds since the start, sample) until the time is over."""
    begin = time.monotonic()
    first, samples = None, []
    while time.monotonic() - begin < minutes * 60:
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = process.wait(timeout=INTERVAL_WALL_S)
            raise SystemExit(f"soak: FAILED: the run ended with {status}")
        now = children(process.pid)
        first = first or now
        if now != first:
            raise SystemExit(f"soak: FAILED: processes were {first}, now {now}")
        samples.append((time.monotonic() - begin, sample(now)))
        table.add(*samples[-1])
        if shutil.disk_usage(".").free < DISK_BYTES:
            print("soak: stops early: the disk is nearly full")
            break
    return samples


def stop(process):
    """The run's exit code; it saves what it has, and none of it is left."""
    try:
        process.send_signal(signal.SIGTERM)
        return process.wait(timeout=STOP_WALL_S)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--settle-minutes", type=float, default=5)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=EPOCHS,
                        help="work of a client in a round, for a slow machine "
                        f"less (default: {EPOCHS})")
    parser.add_argument("--csv", help="where the samples go")
    args = parser.parse_args()
    if not args.settle_minutes < args.minutes:
        parser.error("--minutes has to be more than --settle-minutes")
    end_on_signals()
    table = Table(args.csv)
    with tempfile.TemporaryDirectory(prefix="fedcarbon-soak-") as folder:
        folder = pathlib.Path(folder)
        (folder / "soak.yaml").write_text(scenario(args.epochs))
        env = dict(os.environ, XDG_CACHE_HOME=str(folder / "cache"))
        with start([FEDCARBON.absolute(), "run", "soak.yaml", "--out", "run",
                    "--quiet", "--meter", "none", "--processes",
                    args.processes], cwd=folder, env=env) as process:
            try:
                samples = watch(process, args.minutes, table)
            finally:
                status = stop(process)
        rounds = committed_rounds(folder / "run")
    problems, figures = verdict(samples, args.settle_minutes * 60)
    if status != 130:
        problems.append(f"stopped with exit code {status}, expected 130")
    print(f"{samples[-1][0] / 60:.0f} minutes, {rounds} rounds")
    print("\n".join(figures))
    if problems:
        raise SystemExit("soak: FAILED\n" + "\n".join(problems))
    print("soak: passed")


if __name__ == "__main__":
    main()
