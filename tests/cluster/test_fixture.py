"""The virtual cluster itself: that its hosts are hosts, that it leaves nothing
behind, that two of them do not meet."""

import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

from cluster import Cluster, why_not
from support import Case, start

DELAY = os.environ.get("FEDCARBON_DELAY")

PING = """
import socket, sys, time
if sys.argv[1] == "serve":
    server = socket.create_server(("", 9999))
    print("ready", flush=True)
    peer, _ = server.accept()
    while True:
        got = peer.recv(65536)
        if not got:
            break
        if got.endswith(b"!"):
            peer.sendall(b"!")
else:
    peer = socket.create_connection(("node2", 9999))
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    times = []
    for _ in range(9):
        start = time.monotonic()
        peer.sendall(b"!")
        peer.recv(1)
        times.append(time.monotonic() - start)
    start = time.monotonic()
    peer.sendall(bytes(int(sys.argv[2])) + b"!")
    peer.recv(1)
    print(sorted(times)[4], time.monotonic() - start)
"""


def traces():
    """What a cluster could have left on this machine."""
    links = subprocess.run(["ip", "-o", "link"], capture_output=True,
                           text=True, check=True).stdout.splitlines()
    return ([line.split()[1] for line in links],
            [p for p in pathlib.Path("/tmp").glob("fedcarbon-cluster-*")],
            sorted(os.listdir("/run/netns"))
            if os.path.isdir("/run/netns") else [])


def has_process(text):
    """A living process with the text in its command line."""
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if text.encode() in (entry / "cmdline").read_bytes():
                return True
        except OSError:
            pass
    return False


class Fixture(Case):
    def ping(self, cluster, n_bytes):
        """(round trip, time for n_bytes) from node1 to node2, wall s."""
        program = cluster.shared / "ping.py"
        program.write_text(PING)
        server = start(
            cluster.at_node(2, sys.executable, program, "serve"),
            stdout=subprocess.PIPE, text=True)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        self.assertEqual(server.stdout.readline(), "ready\n")
        done = subprocess.run(
            cluster.at_node(1, sys.executable, program, "send", n_bytes),
            capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [float(word) for word in done.stdout.split()]

    def test_each_host_has_a_name_and_a_folder_of_its_own(self):
        with Cluster() as cluster:
            said = cluster.call(
                "srun", "-N4", "--ntasks-per-node=1", "sh", "-c",
                f"hostname; touch {cluster.own}/$(hostname); "
                f"ls {cluster.own}; touch {cluster.shared}/$(hostname)").stdout
            self.assertEqual(sorted(said.split()),
                             sorted(2 * [f"node{i}" for i in range(1, 5)]))
            self.assertEqual(sorted(os.listdir(cluster.shared)),
                             [f"node{i}" for i in range(1, 5)])

    def test_nothing_is_left_and_two_do_not_meet(self):
        before = traces()
        with Cluster(nodes=2) as one, Cluster(nodes=2) as two:
            for cluster in (one, two):
                self.assertEqual(
                    sorted(cluster.call("srun", "-N2", "hostname")
                           .stdout.split()), ["node1", "node2"])
            one.kill_node(2)
            self.assertEqual(two.call("srun", "-N2", "true").returncode, 0)
            folders = [str(one.dir), str(two.dir)]
        self.assertEqual(traces(), before)
        for folder in folders:
            self.assertFalse(has_process(folder), folder)

    def test_nothing_is_left_when_the_test_is_killed(self):
        before = traces()[::2]
        script = ("import sys; sys.path.insert(0, sys.argv[1])\n"
                  "from cluster import Cluster, start\n"
                  "with Cluster(nodes=2) as c:\n"
                  "    start(c.at_ctl('tail', '-f', c.dir / 'hosts'))\n"
                  "    print(c.dir, flush=True); sys.stdin.read()\n")
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
            killed = subprocess.Popen(
                [sys.executable, "-c", script, pathlib.Path(__file__).parent],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, text=True)
            folder = killed.stdout.readline().strip()
            self.assertTrue(has_process(folder))
            killed.send_signal(number)
            killed.wait(timeout=60)
            killed.stdin.close()
            killed.stdout.close()
            end_wall_s = time.monotonic() + 10
            while has_process(folder):
                self.assertLess(time.monotonic(), end_wall_s, number)
                time.sleep(0.02)
            self.assertEqual(traces()[::2], before)
            if number == signal.SIGKILL:  # of files nobody could take care
                subprocess.run(["rm", "-rf", folder], check=True)
            self.assertFalse(os.path.exists(folder))

    @unittest.skipUnless(DELAY, "no libnetfilter-queue: nothing can be delayed")
    def test_a_slow_link_is_as_slow_as_was_asked(self):
        with Cluster(nodes=2, delay=DELAY) as cluster:
            fast_s, _ = self.ping(cluster, 1)
            self.assertLess(fast_s, 0.02)
            cluster.slow_down(2, "20mbit", 80, 0, 0)
            round_trip_s, megabyte_s = self.ping(cluster, 1000000)
            # Timers are late by up to a few milliseconds on a busy machine.
            self.assertGreater(round_trip_s, 0.080)
            self.assertLess(round_trip_s, 0.140)
            # 0.4 s at 20 Mbit/s, but for a burst of 64 kB; TCP has to grow.
            self.assertGreater(megabyte_s, 0.37)
            self.assertLess(megabyte_s, 3)


if __name__ == "__main__":
    WHY = why_not()
    if WHY:
        print(f"skipped: {WHY}")
        sys.exit(77)
    unittest.main()
