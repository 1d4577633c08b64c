"""Strangers, replayed connections and peers that lie: each is refused, counted
and logged once, and the run ends with the hashes of one that nobody touched.

$FEDCARBON_HOSTILE_PEER is tests/e2e/hostile_peer.c, which knows the protocol.
"""

import contextlib
import os
import pathlib
import re
import shutil
import socket
import stat
import subprocess
import threading
import unittest

from support import BIN, SCENARIO, TIMEOUT_WALL_S, Case, changed, start

HOSTILE_PEER = pathlib.Path(os.environ.get("FEDCARBON_HOSTILE_PEER",
                                           BIN / "hostile_peer"))
FEDERATED = changed(SCENARIO, "arms: [federated, centralized, local]",
                    "arms: [federated]")
SAMPLES = 200  # of each client: 60 writers, 20 samples, 6 clients


class Recorder:
    """A TCP proxy to a host and port that keeps what the first client says,
    one piece for each time that it was answered."""

    def __init__(self, target):
        self.said = [b""]
        self._is_answered = False
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        client, _ = self._listener.accept()
        self._listener.close()
        with client, socket.create_connection(self._target) as server:
            back = threading.Thread(target=self._pump_back,
                                    args=(server, client), daemon=True)
            back.start()
            with contextlib.suppress(OSError):
                while data := client.recv(65536):
                    if self._is_answered:
                        self.said.append(b"")
                        self._is_answered = False
                    self.said[-1] += data
                    server.sendall(data)
                server.shutdown(socket.SHUT_WR)
            back.join(TIMEOUT_WALL_S)

    def _pump_back(self, server, client):
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                self._is_answered = True
                client.sendall(data)

    def finish(self):
        self._thread.join(TIMEOUT_WALL_S)
        return self.said


class Security(Case):
    def setUp(self):
        super().setUp()
        if not HOSTILE_PEER.exists():
            self.skipTest(f"no {HOSTILE_PEER}")
        self.ticket = self.dir / "ticket"
        self.said = self.dir / "coordinator.txt"
        self.run_dir = self.dir / "run"

    # -- a run by hand -------------------------------------------------------

    def begin(self, scenario=SCENARIO, *args):
        """The run that nobody touches, and a coordinator of the same."""
        whole = self.run_ok("whole", "--processes", "2", scenario=scenario)
        self.whole = self.hashes(whole)
        meta = dict(self.sql(whole, "SELECT key, value FROM meta WHERE key IN "
                                    "('version', 'blas_kernel')"))
        self.hostile_env = dict(self.env, HOSTILE_VERSION=meta["version"],
                                HOSTILE_KERNEL=meta["blas_kernel"])
        self.run_dir.mkdir()
        shutil.copy(whole / "scenario.yaml", self.run_dir)
        ready, inner = os.pipe()
        with open(self.said, "wb") as said:
            self.coordinator = start(
                [BIN / "fedcarbon-coordinator", "--run", self.run_dir,
                 "--cache-dir", self.dir / "cache", "--progress", "none",
                 "--listen", "tcp://127.0.0.1:0", "--ticket", self.ticket,
                 "--ready-fd", str(inner), *(args or ["--encrypt"])],
                cwd=self.dir, env=self.env, stdin=subprocess.DEVNULL,
                stderr=said, pass_fds=[inner])
        self.addCleanup(self.coordinator.wait)
        self.addCleanup(self.coordinator.kill)
        os.close(inner)
        with open(ready) as file:
            address = file.readline().strip()
        host, _, port = address.removeprefix("tcp://").partition(":")
        self.target = host, int(port)

    def log(self):
        return self.said.read_text()

    def start_client(self, *args, **options):
        client = start([BIN / "fedcarbon-client", *args], cwd=self.dir,
                       env=self.env, **options)
        self.addCleanup(client.wait)
        self.addCleanup(client.kill)
        return client

    def end(self):
        """Two honest processes do the work; the bits are the same. On a busy
        machine one may come when the other has done it all."""
        few = ["--silence-s", "5"]
        with open(self.ticket, "rb") as ticket:
            clients = [
                self.start_client("--ticket", self.ticket, *few,
                                  stdin=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True),
                self.start_client("--ticket", "-", *few, stdin=ticket,
                                  stderr=subprocess.PIPE, text=True)]
        self.assertEqual(self.coordinator.wait(timeout=TIMEOUT_WALL_S), 0,
                         self.log())
        late = 0
        for client in clients:
            said = client.communicate(timeout=TIMEOUT_WALL_S)[1]
            if client.returncode != 0:
                self.assertIn("no word from the coordinator for 10 s", said)
                late += 1
        self.assertLess(late, len(clients))
        self.assertEqual(self.hashes(self.run_dir), self.whole)

    def hostile(self, *args):
        """Runs a hostile peer until it was refused; what it was told."""
        done = self.run_to_end([HOSTILE_PEER, self.ticket, *args],
                               env=self.hostile_env)
        self.assertEqual(done.returncode, 0, f"{args}: {done.stderr}"
                         f"{self.log()}")
        return done.stdout

    # -- assertions ----------------------------------------------------------

    def assert_logged_once(self, **counts):
        """Each kind has one line when it came, and its number at the end."""
        lines = re.findall(r"refused: (.*)", self.log())
        end = re.search(r"refused in this run: (.*)", self.log())
        self.assertIsNotNone(end, self.log())
        for what, (line, number) in counts.items():
            self.assertEqual(len([row for row in lines if line in row]), 1,
                             f"{what}: {self.log()}")
            found = re.search(rf"{number[1]} \((\d+)\)", end[1])
            self.assertIsNotNone(found, f"{what}: {end[1]}")
            self.assertGreaterEqual(int(found[1]), number[0], what)

    def assert_no_secret_is_anywhere(self):
        """But in the ticket, which is this user's alone."""
        self.assertEqual(stat.S_IMODE(self.ticket.stat().st_mode), 0o600)
        lines = dict(line.split(" ", 1) for line in
                     self.ticket.read_text().splitlines() if " " in line)
        secret = lines["client_secret_key"].encode()
        proc = pathlib.Path("/proc") / str(self.coordinator.pid)
        self.assertNotIn(secret, (proc / "cmdline").read_bytes())
        self.assertNotIn(secret, (proc / "environ").read_bytes())
        self.assertNotIn(secret, self.log().encode())
        for path in self.run_dir.rglob("*"):
            if path.is_file():
                self.assertNotIn(secret, path.read_bytes(), path)

    # -- tests ---------------------------------------------------------------

    def record(self, mode):
        """What a peer with the ticket says on the wire."""
        recorder = Recorder(self.target)
        text = self.ticket.read_text()
        copy = self.dir / "by-proxy"
        copy.touch(mode=0o600)
        copy.write_text(text.replace(f":{self.target[1]}\n",
                                     f":{recorder.port}\n"))
        real, self.ticket = self.ticket, copy
        self.hostile(mode)
        self.ticket = real
        return recorder.finish()

    def replay(self, said, until=None):
        """Says it again, piece by piece, until we are cut off or have said
        all and heard `until`; what is answered."""
        heard = b""
        with socket.create_connection(self.target, TIMEOUT_WALL_S) as again:
            with contextlib.suppress(ConnectionError):
                for piece in said:
                    again.sendall(piece)
                    data = again.recv(65536)
                    heard += data
                    if not data:
                        return heard
                while until and until not in heard:
                    data = again.recv(65536)
                    heard += data
                    if not data:
                        break
        return heard

    def test_strangers_and_replays_are_refused_and_change_nothing(self):
        self.begin()
        said = self.record("greet")
        self.assertGreater(len(b"".join(said)), 500)
        for clear in (b"FCW", b"hostile", b"OpenBLAS"):
            self.assertNotIn(clear, b"".join(said), "it is not encrypted")
        for _ in range(3):
            heard = self.replay(said)
            self.assertIn(b"WELCOME", heard, "only the key exchange answers")
            self.assertNotIn(b"READY", heard)
        for _ in range(3):
            for mode in ("plain", "other_key", "other_run"):
                self.hostile(mode, 0)
            with socket.create_connection(self.target) as junk:
                junk.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + bytes(64))
                with contextlib.suppress(ConnectionError):
                    while junk.recv(65536):
                        continue
        # One that never finishes, and stays until the end.
        half = socket.create_connection(self.target)
        self.addCleanup(half.close)
        half.sendall(said[0][:20])
        self.assert_no_secret_is_anywhere()
        self.end()
        self.assert_logged_once(
            plain=("does not encrypt", (3, "connections that do not encrypt or broke off")),
            key=("that is not this run's, from 127.0.0.1",
                 (3, "connections with another key")),
            shake=("another run's ticket, or a replay",
                   (6, "connections with a wrong handshake")))

    def test_peers_with_a_ticket_that_lie_are_sent_away(self):
        self.begin(FEDERATED)
        lies = ["foreign_task", "wrong_round", "wrong_arm", "wrong_kind",
                "foreign_client", "too_few_clients", "wrong_samples",
                "odd_tensor", "odd_sum", "as_coordinator"]
        for mode in lies:
            self.hostile(mode, SAMPLES)
        self.assertIn("floods", self.hostile("flood"))
        self.hostile("greet_twice")  # and lies, once more
        # What encryption lets through is as malformed as without it. One frame
        # is no message; one of 100 MB is not even read.
        self.hostile("oversized", 100_000_000)
        self.end()
        self.assert_logged_once(
            lie=("it answered what it was not asked",
                 (11, "results that cannot be")),
            flood=("floods", (1, "floods of messages")),
            again=("a second HELLO", (1, "messages that came twice")))

    def test_a_number_that_is_taken_cannot_be_claimed(self):
        self.begin(FEDERATED)
        holder = start(
            [HOSTILE_PEER, self.ticket, "hold", "0"], cwd=self.dir,
            env=self.hostile_env, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        self.addCleanup(holder.wait)
        self.addCleanup(holder.kill)
        self.assertEqual(holder.stdout.readline(), "joined\n")
        for _ in range(3):
            self.assertIn("client process 0 already",
                          self.hostile("claim", 0))
        holder.communicate()
        self.end()
        self.assert_logged_once(
            slot=("client process 0 already",
                  (3, "processes with the number of another")))

    def test_what_is_plain_says_so_and_refuses_malformed_messages_too(self):
        self.begin(FEDERATED, "--insecure")
        self.assertIn("encrypted no", self.ticket.read_text())
        self.hostile("wrong_round", SAMPLES)
        self.hostile("oversized", 100_000_000)
        said = self.record("greet")
        self.assertIn(b"hostile", b"".join(said), "nothing is encrypted")
        # It cannot tell a replayed HELLO from a new process's, which is lost
        # when its connection ends; its work is done by others.
        self.assertIn(b"scenario", self.replay(said, b"scenario"))
        self.end()


class Refusals(Case):
    """What the programs say when they are started in a way that would not be
    safe."""

    def program(self, name, *args, **options):
        return self.run_to_end([BIN / name, *args], **options)

    def test_beyond_this_host_a_coordinator_needs_a_ticket_to_write(self):
        (self.dir / "run").mkdir()
        done = self.program("fedcarbon-coordinator", "--run", "run",
                            "--listen", "tcp://*:0", "--cache-dir", "cache")
        self.assert_refused(done, "--ticket FILE", "--insecure")
        done = self.program("fedcarbon-coordinator", "--run", "run",
                            "--listen", "tcp://*:0", "--cache-dir", "cache",
                            "--encrypt", "--insecure")
        self.assert_refused(done, "which?")

    def test_beyond_this_host_a_client_needs_a_ticket(self):
        done = self.program("fedcarbon-client", "--connect",
                            "tcp://192.0.2.1:9")
        self.assert_refused(done, "another host", "--ticket", "--insecure")
        done = self.program("fedcarbon-client")
        self.assert_refused(done, "one of --ticket and --connect")

    def test_tickets_that_others_may_read_or_that_are_none(self):
        ticket = self.write("ticket", "fedcarbon-ticket 1\naddress x\n")
        done = self.program("fedcarbon-client", "--ticket", ticket)
        self.assert_refused(done, "allowed 0600")
        ticket.chmod(0o600)
        done = self.program("fedcarbon-client", "--ticket", ticket)
        self.assert_refused(done, "ticket:3", "run")
        done = self.program("fedcarbon-client", "--ticket", "-",
                            stdin=subprocess.DEVNULL)
        self.assert_refused(done, "standard input:1", "fedcarbon-ticket")


if __name__ == "__main__":
    unittest.main()
