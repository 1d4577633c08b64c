"""One run with everything around it: a folder, programs of its own in which a
man in the middle stands between client processes and coordinator, and what
holds at the end of each sitting."""

import contextlib
import json
import os
import pathlib
import select
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time

from faults import EVERYWHERE
from support import BIN, SCENARIO, changed, start

CHAOS = pathlib.Path(os.environ.get("FEDCARBON_CHAOS_BIN",
                                    BIN / "../tests/chaos")).absolute()
# A sitting takes a second; one that waits for silent peers takes ten.
DEADLINE_WALL_S = float(os.environ.get("FEDCARBON_CHAOS_DEADLINE_S", "90"))
SILENCE_S = os.environ.get("FEDCARBON_CHAOS_SILENCE_S", "2")
CRASHES = ("Sanitizer", "runtime error:", "Assertion", "core dumped",
           "Segmentation", "killed by signal 6", "killed by signal 11",
           "killed by signal 7")
PLENTY_BYTES = 1 << 26


class Failed(Exception):
    """The product did what it must not do."""


class Skipped(Exception):
    """The machine cannot do it."""


def scenario():
    return changed(SCENARIO, "rounds: 4", "rounds: 8")


def pids_with(text):
    """Processes in whose command line it occurs."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and str(text).encode() in (
                    entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return [pid for pid in found if pid != os.getpid()]


def send_signal(pid, which):
    if pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, which)


class Middle:
    """Answers the proxy's questions by a plan's events."""

    def __init__(self, stage, hub):
        self.stage = stage
        self.process = start(
            [CHAOS / "chaos_proxy", hub], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, bufsize=1)
        self.address = self.process.stdout.readline().split()[1]
        self.events, self.counts = [], {}
        self.timers = []
        self.thread = threading.Thread(target=self.answer, daemon=True)
        self.thread.start()

    def expect(self, events):
        self.counts = {}
        self.events = list(events)

    def answer(self):
        for line in self.process.stdout:
            _, _, direction, what, pid = line.split()
            key = direction, what
            self.counts[key] = self.counts.get(key, 0) + 1
            verb = "pass"
            for event in self.events:
                if (event.direction, event.what, event.nth) == (
                        *key, self.counts[key]):
                    verb = self.do(event, int(pid))
            with contextlib.suppress(OSError):
                self.process.stdin.write(verb + "\n")

    def do(self, event, client):
        """Does it now, while all messages stand still; the proxy's verb."""
        self.stage.story.append(str(event))
        self.stage.n_hits += 1
        coordinator = self.stage.coordinator()
        act, amount = event.act, event.amount
        if act.startswith("flip"):
            frame = {"header": 0, "metadata": 1, "tensor": 2}[act.split()[1]]
            return f"flip {frame} {amount}"
        if act in ("delay", "deaf"):
            return f"{act} {amount}"
        if act.startswith("stop"):
            self.stop(client if act == "stop client" else coordinator, amount)
        elif act == "kill client":
            send_signal(client, signal.SIGKILL)
        elif act == "kill coordinator":
            send_signal(coordinator, signal.SIGKILL)
        elif act == "kill launcher":
            send_signal(self.stage.launcher, signal.SIGKILL)
        elif act == "interrupt launcher":
            send_signal(self.stage.launcher, signal.SIGINT)
        else:
            return act
        return "pass"

    def stop(self, pid, wall_ms):
        send_signal(pid, signal.SIGSTOP)
        timer = threading.Timer(wall_ms / 1e3, send_signal,
                                (pid, signal.SIGCONT))
        timer.daemon = True
        timer.start()
        self.timers.append((timer, pid))

    def close(self):
        for timer, pid in self.timers:
            timer.cancel()
            send_signal(pid, signal.SIGCONT)
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()


class Disk:
    """A file system of a given size for a folder, in a mount namespace that
    a process of ours holds open: nobody else sees it, no rights are needed."""

    def __init__(self, folder):
        folder.mkdir()
        self.folder = folder
        self.holder = start(
            ["unshare", "-rm", "sh", "-c",
             f"mount -t tmpfs fcdisk {folder} && echo ready && exec cat"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.holder.stdout.readline() != "ready\n":
            raise Skipped("no mount namespaces here (unshare -rm)")

    def seen(self, path):
        return pathlib.Path(f"/proc/{self.holder.pid}/root{path}")

    def enter(self):
        return ["nsenter", "--preserve-credentials", "-U", "-m",
                "-t", str(self.holder.pid)]

    def become(self, plan):
        size = plan.disk_bytes or PLENTY_BYTES
        how = "ro" if plan.is_read_only else "rw"
        subprocess.run(
            [*self.enter(), "mount", "-o", f"remount,{how},size={size}",
             str(self.folder)], check=True)

    def close(self):
        self.holder.stdin.close()
        self.holder.wait(timeout=30)
        self.holder.stdout.close()


class Stage:
    def __init__(self, name):
        self.name = name

    def __enter__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix=f"fcc{self.name}-"))
        self.bin = self.dir / "bin"
        self.bin.mkdir()
        self.run = self.dir / "run"
        self.story, self.launcher, self.was_begun = [], 0, False
        self.disk, self.n_hits = None, 0
        (self.dir / "tiny.yaml").write_text(scenario())
        shutil.copy(BIN / "fedcarbon", self.bin)
        for name in ("fedcarbon-client", "fedcarbon-coordinator"):
            shutil.copy(CHAOS / "chaos_shim", self.bin / name)
        self.middle = Middle(self, f"ipc://{self.dir}/hub")
        return self

    def __exit__(self, *_):
        self.middle.close()
        if self.disk:
            self.disk.close()
        for pid in pids_with(self.dir):
            send_signal(pid, signal.SIGKILL)
        shutil.rmtree(self.dir, ignore_errors=True)

    # -- a sitting -----------------------------------------------------------

    def coordinator(self):
        with contextlib.suppress(OSError, ValueError, IndexError):
            return int((self.seen() / "run.lock").read_text().split()[0])
        return 0

    def seen(self):
        """The run's folder as it is seen from here."""
        return self.disk.seen(self.run) if self.disk else self.run

    def environment(self, plan):
        env = {k: v for k, v in os.environ.items()
               if not k.startswith(("OPENBLAS_", "CHAOS_"))}
        env.update(CHAOS_BIN=str(BIN.absolute()),
                   CHAOS_CONNECT=self.middle.address,
                   CHAOS_CLIENT=f"--silence-s {SILENCE_S}",
                   CHAOS_COORDINATOR=f"--silence-s {SILENCE_S} "
                                     "--patience-s 8 --save-every-s 0.02")
        if plan.inject:
            call = plan.inject.partition(":")[0]
            files = "" if call in EVERYWHERE else " ".join(
                f"-P {self.run}/run.sqlite{end}"
                for end in ("", "-wal", "-shm", "-journal"))
            env["ASAN_OPTIONS"] = (env.get("ASAN_OPTIONS", "")
                                   + ":detect_leaks=0")  # it traces, too
            env["CHAOS_BEFORE"] = (
                f"strace -D -f -qq -o {self.dir}/trace {files} "
                f"-e trace={call} -e inject={plan.inject}")
        return env

    def command(self, plan):
        words = [self.bin / "fedcarbon", "run", self.dir / "tiny.yaml",
                 "--out", self.run, "--quiet", "--meter", "none",
                 "--listen", f"ipc://{self.dir}/hub",
                 "--processes", str(plan.processes)]
        if self.was_begun:
            words.append("--resume")
        return list(map(str, words))

    def sit(self, plan):
        """(exit status, what it said)"""
        self.story.append(str(plan))
        self.middle.expect(plan.events)
        if plan.kind == "disk" and not self.disk:
            self.disk = Disk(self.run)
        if self.disk:
            self.disk.become(plan)
        process = start(
            [*(self.disk.enter() if self.disk else []), *self.command(plan)],
            env=self.environment(plan), cwd=self.dir,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
        self.launcher = process.pid
        try:
            said, _ = process.communicate(timeout=DEADLINE_WALL_S)
        except subprocess.TimeoutExpired:
            alive = {pid: pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
                     for pid in pids_with(self.dir)}
            for pid in alive:
                send_signal(pid, signal.SIGKILL)
            said, _ = process.communicate()
            raise Failed(f"HANGS: {self.story}\nalive: {alive}\n{said}"
                         ) from None
        self.middle.expect([])
        self.n_hits += plan.kind == "disk" and process.returncode != 0
        with contextlib.suppress(OSError):
            trace = (self.dir / "trace").read_text()
            self.n_hits += "INJECTED" in trace or "SIGKILL" in trace
        return process.returncode, said

    # -- what holds after each -----------------------------------------------

    def check_end(self, status, said):
        self.await_end_of_all()
        last = said.strip().rpartition("\n")[2]
        self.story.append(f"exit {status}: {last}" if status else "done")
        for crash in CRASHES:
            if crash in said:
                raise Failed(f"a crash: {self.story}\n{said}")
        if status == 0:
            return
        if status > 0 and "fedcarbon" not in said:
            raise Failed(f"no word of why: {self.story}\n{said}")
        if status < 0 and "launcher" not in str(self.story):
            raise Failed(f"the launcher died of signal {-status}: "
                         f"{self.story}\n{said}")
        self.was_begun = self.holds_run()
        if (self.was_begun and status > 0 and "--resume" not in said
                and "Read-only file system" not in said):
            raise Failed(f"does not say how to go on: {self.story}\n{said}")

    def await_end_of_all(self):
        until = time.monotonic() + DEADLINE_WALL_S
        while left := pids_with(self.run) + pids_with(self.bin):
            if time.monotonic() > until:
                raise Failed(f"left behind: processes {left}: {self.story}")
            with contextlib.suppress(OSError):
                fd = os.pidfd_open(left[0])
                try:
                    select.select([fd], [], [], 1.0)
                finally:
                    os.close(fd)

    def holds_run(self):
        """Whether something was saved; it has to be whole."""
        store = self.seen() / "run.sqlite"
        if not store.exists():
            return False
        if self.disk:  # looked at on another one, which has room
            shutil.copytree(self.seen(), self.dir / "look", dirs_exist_ok=True)
            store = self.dir / "look/run.sqlite"
        with contextlib.closing(sqlite3.connect(store)) as db:
            tables = db.execute("SELECT count(*) FROM sqlite_schema "
                                "WHERE name = 'meta'").fetchone()[0]
            verdict = db.execute("PRAGMA integrity_check").fetchone()[0]
            if verdict != "ok":
                raise Failed(f"the store is damaged: {verdict}: {self.story}")
            return bool(tables) and bool(
                db.execute("SELECT count(*) FROM meta").fetchone()[0])

    def hashes(self):
        with open(self.seen() / "summary.json", encoding="utf-8") as file:
            return {arm["name"]: (arm["model_sha256"], arm["ledger_sha256"])
                    for arm in json.load(file)["arms"]}
