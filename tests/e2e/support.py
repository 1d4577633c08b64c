"""What the end-to-end tests share: a scenario, a temporary folder, programs that
are run or watched, and their results.

Programs are found in $FEDCARBON_BIN. Nothing sleeps: tests wait for a line of
output, for the end of a program, or for a file's lock. Every program runs in a
process group of its own, which the end of the test kills; and where the test
itself is killed, the kernel kills what it had started.
"""

import contextlib
import ctypes
import json
import os
import pathlib
import pty
import queue
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import unittest

BIN = pathlib.Path(os.environ.get("FEDCARBON_BIN", "build/release/bin"))
FEDCARBON = BIN / "fedcarbon"
# Sanitizers slow everything; a hang is still found.
TIMEOUT_WALL_S = float(os.environ.get("FEDCARBON_TEST_TIMEOUT", "300"))

# Small enough for seconds under a sanitizer, and with every arm, term and
# kind of fact in it. Numbers are chosen so that formulas are easy to follow.
# The facts are its own, so that no table of facts can change what is expected.
SCENARIO = """\
name: tiny
seed: 7
data:
  dataset: {kind: glyphs, writers: 60, samples_per_writer: 20, test_writers: 10}
  clients: 6
  partition: iid
model: logreg
train:
  arms: [federated, centralized, local]
  strategy: fedavg
  clients_per_round: 3
  rounds: 4
  local: {epochs: 1, batch: 20, lr: 0.1}
  centralized: {epochs: 2}
  alone: {epochs: 2}
fleet:
  - device: board
    zone: DE
    link: home_wifi
    train_w: 8
    idle_w: 2
    train_flop_per_s: 1e8
    step_overhead_s: 0.002
    memory_w: 0.5
    embodied_kgco2e: 60
    lifetime_years: 4
    use_share: 0.5
    down_bps: 50e6
    up_bps: 10e6
    rx_w: 1
    tx_w: 1.5
    router_w: 7.5
    access_down_j_per_byte: 4e-8
    access_up_j_per_byte: 8e-8
server:
  {device: host, zone: FR, pue: 1.5, train_w: 200, idle_w: 100, train_flop_per_s: 1e11,
   step_overhead_s: off, memory_w: 30, embodied_kgco2e: 1300, lifetime_years: 5, use_share: 0.8,
   machines: 0.25}
centralized:
  {device: node, zone: FR, pue: 1.25, train_w: 400, idle_w: 150, train_flop_per_s: 1e12,
   step_overhead_s: 1e-4, memory_w: 20, embodied_kgco2e: 450, lifetime_years: 6, use_share: 0.75,
   upload_data: true}
carbon:
  preset: full
  grid: {kind: annual, zones: {DE: 400, FR: 50}}
  core_network_j_per_byte: 2e-6
  storage_w_per_byte: 1e-9
  storage_copies: 3
  software_bytes: 50000
"""


def changed(scenario, old, new):
    """The scenario with one piece of text replaced; it has to be there."""
    if scenario.count(old) != 1:
        raise AssertionError(f"{old!r} is {scenario.count(old)} times in the "
                             "scenario, expected once")
    return scenario.replace(old, new)


_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
_signals_taken = []


def end_with_parent():
    """In a child, before its program begins: the kernel kills it when the
    thread that made it ends, in whatever way."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def start(command, preexec_fn=None, **options):
    """A program in a group of its own that does not outlive this one."""
    def before():
        end_with_parent()
        if preexec_fn:
            preexec_fn()

    return subprocess.Popen(list(map(str, command)), start_new_session=True,
                            preexec_fn=before, **options)


def _end(number, _frame):
    _signals_taken.append(number)
    sys.exit(128 + number)


def end_on_signals():
    """Who is asked to end cleans up as one who fails, also where SIGINT was
    ignored by the one who started it."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)


class Watched:
    """A running program whose lines are awaited. It writes to a terminal, so
    that it shows its progress as often as to a person."""

    def __init__(self, command, cwd, env):
        terminal, inner = pty.openpty()
        self.process = start(
            command, cwd=cwd, env=env, stdin=subprocess.DEVNULL,
            stdout=inner, stderr=inner)
        os.close(inner)
        self.lines = []
        self.round = 0  # of the federated arm, last seen
        self._queue = queue.Queue()
        self._reader = threading.Thread(target=self._read, args=(terminal,),
                                        daemon=True)
        self._reader.start()

    def _read(self, terminal):
        """Lines end with CR or LF: progress overwrites itself."""
        rest = ""
        with contextlib.suppress(OSError):  # EIO: nobody writes any more
            while True:
                read = os.read(terminal, 65536).decode(errors="replace")
                *whole, rest = re.split(r"[\r\n]+", rest + read)
                for line in whole:
                    self._queue.put(line + "\n")
        self._queue.put(rest)
        self._queue.put(None)
        os.close(terminal)

    def wait_for_line(self, pattern):
        """The match of the next line in which the pattern occurs."""
        while True:
            try:
                line = self._queue.get(timeout=TIMEOUT_WALL_S)
            except queue.Empty:
                raise AssertionError(
                    f"no line {pattern!r} in {TIMEOUT_WALL_S} s:\n"
                    + "".join(self.lines)) from None
            if line is None:
                raise AssertionError(
                    f"the program ended without a line {pattern!r}:\n"
                    + "".join(self.lines))
            self.lines.append(line)
            progress = re.search(r"federated round (\d+)/", line)
            if progress:
                self.round = int(progress.group(1))
            match = re.search(pattern, line)
            if match:
                return match

    def wait_for_round(self, n):
        """Waits until the federated arm has finished n rounds."""
        while self.round < n:
            self.wait_for_line(r"federated round \d+/")

    def wait_for_commit(self, run):
        """Waits until a checkpoint is in the store; looks whenever there is
        progress."""
        while True:
            self.wait_for_line(r"federated round \d+/")
            with contextlib.closing(sqlite3.connect(
                    f"file:{run / 'run.sqlite'}?mode=ro", uri=True)) as db:
                if db.execute("SELECT count(*) FROM checkpoint").fetchone()[0]:
                    return

    def finish(self):
        """(exit status, everything it said)."""
        self._reader.join(timeout=TIMEOUT_WALL_S)
        if self._reader.is_alive():
            raise AssertionError(f"still running after {TIMEOUT_WALL_S} s:\n"
                                 + "".join(self.lines))
        while not self._queue.empty():
            line = self._queue.get()
            if line is not None:
                self.lines.append(line)
        return self.process.wait(), "".join(self.lines)

    def kill_group(self):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join(timeout=TIMEOUT_WALL_S)


class Case(unittest.TestCase):
    """A test with a folder of its own, in which programs run."""

    maxDiff = None

    def run(self, result=None):
        """To unittest the end of the program is one more error of a test."""
        result = super().run(result)
        if _signals_taken:
            result.stop()
        return result

    def setUp(self):
        end_on_signals()
        folder = tempfile.TemporaryDirectory(prefix="fedcarbon-e2e-")
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith("OPENBLAS_")}
        self.env["OPENBLAS_NUM_THREADS"] = "1"
        # Decoded data sets are shared by the tests of a file, not with the
        # user.
        self.env["XDG_CACHE_HOME"] = str(self.dir / "cache")

    # -- programs ------------------------------------------------------------

    def command(self, *args):
        return [str(FEDCARBON), *map(str, args)]

    def run_to_end(self, command, limit_wall_s=TIMEOUT_WALL_S, **options):
        """Runs any program; what it has started ends with it."""
        watched = start(command, **{
            "cwd": self.dir, "env": self.env, "text": True,
            "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options})
        try:
            out, err = watched.communicate(timeout=limit_wall_s)
        except BaseException as why:
            os.killpg(watched.pid, signal.SIGKILL)
            out, err = watched.communicate()
            if not isinstance(why, subprocess.TimeoutExpired):
                raise
            self.fail(f"{watched.args}: not done in {limit_wall_s} s\n"
                      f"{out}\n{err}")
        return subprocess.CompletedProcess(watched.args, watched.returncode,
                                           out, err)

    def call(self, *args, **options):
        """Runs `fedcarbon ARGS` to its end."""
        return self.run_to_end(self.command(*args), **options)

    def start(self, *args):
        """Starts `fedcarbon ARGS`; ended with the test at the latest."""
        watched = Watched(self.command(*args), self.dir, self.env)
        self.addCleanup(watched.kill_group)
        return watched

    def write(self, name, content):
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content)
        return path

    def run_ok(self, out, *args, scenario=SCENARIO):
        """A run that has to succeed; its directory."""
        path = self.write("scenario.yaml", scenario)
        done = self.call("run", path, "--out", self.dir / out, "--quiet", *args)
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.dir / out

    def long_scenario(self, wall_s, scenario=SCENARIO):
        """A scenario that takes about that long here, whatever the machine
        and the sanitizer: something can happen to it on the way. And what it
        ends in when nothing happens. Both are made once per class."""
        if not hasattr(type(self), "_long"):
            rounds = 300
            run = self.run_ok("calibration", "--processes", "2",
                              scenario=changed(scenario, "rounds: 4",
                                               f"rounds: {rounds}"))
            took_wall_s = max(self.summary(run)["wall_s"], 0.01)
            rounds = max(rounds, int(rounds * wall_s / took_wall_s))
            text = changed(scenario, "rounds: 4", f"rounds: {rounds}")
            whole = self.run_ok("whole", "--processes", "2", scenario=text)
            type(self)._long = text, self.hashes(whole)
        return type(self)._long

    # -- results -------------------------------------------------------------

    def summary(self, run):
        with open(run / "summary.json", encoding="utf-8") as file:
            return json.load(file)

    def arms(self, run):
        return {arm["name"]: arm for arm in self.summary(run)["arms"]}

    def hashes(self, run):
        return {name: (arm["model_sha256"], arm["ledger_sha256"])
                for name, arm in self.arms(run).items()}

    def sql(self, run, query, *values):
        with contextlib.closing(sqlite3.connect(
                f"file:{run / 'run.sqlite'}?mode=ro", uri=True)) as db:
            return db.execute(query, values).fetchall()

    def pids(self, run):
        """(coordinator, clients) of a run that is under way."""
        with open(run / "pids.json", encoding="utf-8") as file:
            pids = json.load(file)
        return pids["coordinator"], pids["clients"]

    # -- assertions ----------------------------------------------------------

    def assert_near(self, found, expected, what, rtol=1e-9):
        self.assertLessEqual(abs(found - expected), rtol * abs(expected),
                             f"{what}: {found!r}, expected {expected!r}")

    def assert_refused(self, done, *words):
        """A clear error, and nothing like a crash."""
        said = done.stderr
        self.assertNotEqual(done.returncode, 0, said)
        self.assertGreater(done.returncode, 0, f"killed by a signal\n{said}")
        self.assertLess(done.returncode, 126, said)
        for crash in ("Sanitizer", "runtime error:", "Assertion",
                      "core dumped", "Segmentation"):
            self.assertNotIn(crash, said)
        for word in words:
            self.assertIn(word, said)

    def assert_nothing_left_running(self, run):
        """No process of the run has outlived it."""
        for pid in self.processes_of(run):
            self.fail(f"process {pid} is still running")

    def processes_of(self, run):
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                if str(run).encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
        return found


def child_pids(pid):
    """Direct children of a process, from /proc."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            stat = (entry / "stat").read_text()
            if int(stat.rpartition(")")[2].split()[1]) == pid:
                found.append(int(entry.name))
    return found


def needs_data(name):
    """Skips a test that reads a real data set where there is none."""
    root = os.environ.get("FEDCARBON_DATA")
    return unittest.skipUnless(
        root and (pathlib.Path(root) / name).is_dir(),
        f"no $FEDCARBON_DATA/{name}")


def skip_everything(why):
    """Ends the program as ctest's `skipped`."""
    print(f"skipped: {why}")
    sys.exit(77)


def have(program):
    return shutil.which(program) is not None
