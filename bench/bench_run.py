"""What the comparing scripts share: a clean environment, one pinned core, and
whole programs with their wall time, CPU time and memory."""

import os
import pathlib
import signal
import statistics
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent

# What keeps glibc's allocator from returning and faulting in pages again.
TUNED = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "1000000000",
         "MALLOC_TOP_PAD_": "100000000"}
CHANGES_SPEED = ("OPENBLAS_", "GOTO", "OMP_", "MKL_", "MALLOC_", "ATEN_",
                 "DNNL_", "ONEDNN_", "KMP_")


def cpu_facts():
    """(name, flags) of this CPU."""
    name, flags = "unknown", set()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as facts:
            for line in facts:
                key, _, value = line.partition(":")
                if key.strip() == "model name":
                    name = value.strip()
                elif key.strip() == "flags":
                    flags = set(value.split())
                    break
    except OSError:
        pass
    return name, flags


def core_type():
    """The OpenBLAS kernel that `fedcarbon run` chooses for this CPU."""
    flags = cpu_facts()[1]
    if {"avx512f", "avx512bw", "avx512dq", "avx512vl"} <= flags:
        return "SkylakeX"
    if {"avx2", "fma"} <= flags:
        return "Haswell"
    return None


def environment(**more):
    """Ours without what changes speed, one thread, and `more` (None: not)."""
    kept = {k: v for k, v in os.environ.items()
            if not k.startswith(CHANGES_SPEED)}
    kept.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1",
                MKL_NUM_THREADS="1", PYTHONDONTWRITEBYTECODE="1")
    kept.update({k: v for k, v in more.items() if v is not None})
    return kept


def git_commit():
    said = subprocess.run(["git", "-C", str(ROOT), "describe", "--always",
                           "--dirty"], capture_output=True, text=True,
                          check=False)
    return said.stdout.strip() or "unknown"


def print_row(cells):
    print("| " + " | ".join(cells) + " |", flush=True)


def print_head(cells):
    print_row(cells)
    print_row(["---"] * len(cells))


def spread(values, form):
    """"median (smallest-largest)"."""
    middle = form.format(statistics.median(values))
    if len(values) == 1:
        return middle
    return f"{middle} ({form.format(min(values))}-{form.format(max(values))})"


class Failed(Exception):
    """A program that did not do what it was asked."""


class Program:
    """A running program and everything that it starts.

    After wait(): wall_s, cpu_s (with its children), and peaks, a map from
    (pid, name) to the largest resident memory in bytes, of which the second
    number is not backed by files."""

    def __init__(self, command, env, cwd=None):
        self.command = [str(word) for word in command]
        self.start_wall_s = time.monotonic()
        self.child = subprocess.Popen(
            self.command, env=env, cwd=cwd, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, start_new_session=True)
        self.peaks = {}
        self.is_over = threading.Event()
        self.errors = []
        self.threads = [
            threading.Thread(target=self.watch_memory),
            threading.Thread(target=lambda: self.errors.extend(
                self.child.stderr.readlines()))]
        for thread in self.threads:
            thread.start()

    def watch_memory(self):
        while not self.is_over.wait(0.05):
            for pid in self.family():
                self.look_at(pid)

    def family(self):
        """The processes of its session."""
        for entry in os.listdir("/proc"):
            try:
                if entry.isdigit() and os.getsid(int(entry)) == self.child.pid:
                    yield int(entry)
            except OSError:
                continue

    def look_at(self, pid):
        try:
            with open(f"/proc/{pid}/status", encoding="utf-8") as lines:
                facts = dict(line.split(":", 1) for line in lines)
            name = facts["Name"].strip()
            peak = int(facts["VmHWM"].split()[0]) * 1024
            anonymous = int(facts["RssAnon"].split()[0]) * 1024
        except (OSError, KeyError, ValueError):
            return  # it has just ended
        before = self.peaks.get((pid, name), (0, 0))
        self.peaks[(pid, name)] = (max(peak, before[0]),
                                   max(anonymous, before[1]))

    def wait(self):
        """What it printed. Fails when its exit status is not 0."""
        try:
            printed = self.child.stdout.read()
            _, status, usage = os.wait4(self.child.pid, 0)
        except BaseException:
            os.killpg(self.child.pid, signal.SIGTERM)
            raise
        finally:
            self.is_over.set()
        self.wall_s = time.monotonic() - self.start_wall_s
        self.cpu_s = usage.ru_utime + usage.ru_stime
        self.child.returncode = os.waitstatus_to_exitcode(status)
        for thread in self.threads:
            thread.join()
        if self.child.returncode:
            raise Failed(f"{' '.join(self.command)}: status "
                         f"{self.child.returncode}\n"
                         + "".join(self.errors[-8:]))
        return printed
