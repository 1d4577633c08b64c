"""Coordinator and client processes started by hand, by ssh and by mpirun."""

import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import unittest

from runs import ClusterCase, main
from support import start

BIN = pathlib.Path(os.environ.get("FEDCARBON_BIN", ".")).resolve()
CLIENT = BIN / "fedcarbon-client"

SSHD = """\
Port 22
HostKey {dir}/host_key
AuthorizedKeysFile {dir}/key.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
"""
SSH = """\
Host *
  IdentityFile {dir}/key
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
  LogLevel ERROR
"""


class ByHand(ClusterCase):
    def setUp(self):
        super().setUp()
        self.long()
        self.run_dir = self.dir / "run"
        self.ticket = self.dir / "ticket"

    def start_coordinator(self, *args):
        """The login host coordinates and has no client process."""
        watched = self.start("run", self.path, "--out", self.run_dir,
                             "--processes", 0, "--ticket", self.ticket, *args)
        watched.wait_for_line("ticket")
        return watched

    def at_once(self, command, **options):
        process = start(
            command, env=self.env, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, **options)
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        process.kill()
        process.wait()
        process.stderr.close()

    def assert_ends_well(self, processes):
        for process in processes:
            _, said = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 0, said)

    def test_by_hand_with_the_ticket_in_a_file(self):
        watched = self.start_coordinator()
        clients = [self.at_once(self.cluster.at_node(
            i, CLIENT, "--ticket", self.ticket)) for i in (1, 2, 3, 4)]
        self.assert_same_end(watched, self.run_dir)
        self.assert_ends_well(clients)
        self.assertFalse(self.ticket.exists())

    def test_both_programs_by_hand_on_a_node(self):
        resolved = self.call("validate", "--resolved", self.path)
        self.assertEqual(resolved.returncode, 0, resolved.stderr)
        self.write("run/scenario.yaml", resolved.stdout)
        coordinator = self.at_once(self.cluster.at_node(
            1, BIN / "fedcarbon-coordinator", "--run", self.run_dir,
            "--listen", "tcp://eth0:5901", "--ticket", self.ticket,
            "--cache-dir", self.dir / "cache"))
        self.wait_for_ticket(coordinator)
        self.assertIn("tcp://10.77.0.1:5901\n", self.ticket.read_text())
        clients = [self.at_once(self.cluster.at_node(
            i, CLIENT, "--ticket", self.ticket)) for i in (2, 3, 3)]
        self.assert_ends_well([coordinator, *clients])
        self.assertEqual(self.hashes(self.run_dir), self.whole)

    def wait_for_ticket(self, coordinator):
        while not self.ticket.exists():
            if coordinator.poll() is not None:
                self.fail(coordinator.stderr.read())

    @unittest.skipUnless(shutil.which("sshd"), "no sshd")
    def test_by_ssh_with_the_ticket_on_standard_input(self):
        folder = self.write_ssh()
        watched = self.start_coordinator()
        ticket = self.ticket.read_text()
        clients = []
        for i in (2, 3, 4):
            client = self.at_once(
                self.cluster.at_ctl("ssh", "-F", folder / "ssh_config",
                                    f"node{i}", shlex.quote(str(CLIENT)),
                                    "--ticket", "-"), stdin=subprocess.PIPE)
            client.stdin.write(ticket)
            client.stdin.flush()
            clients.append(client)
        self.assert_same_end(watched, self.run_dir)
        self.assert_ends_well(clients)

    def write_ssh(self):
        folder = self.dir / "ssh"
        folder.mkdir(mode=0o700)
        for name in ("key", "host_key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "",
                            "-f", folder / name], check=True)
        (folder / "sshd_config").write_text(SSHD.format(dir=folder))
        (folder / "ssh_config").write_text(SSH.format(dir=folder))
        os.makedirs("/run/sshd", exist_ok=True)
        for i in (2, 3, 4):
            self.at_once(self.cluster.at_node(
                i, shutil.which("sshd"), "-D", "-e", "-f",
                folder / "sshd_config"))
        for i in (2, 3, 4):  # until it answers
            subprocess.run(self.cluster.at_ctl(
                "ssh", "-F", folder / "ssh_config", "-o",
                "ConnectionAttempts=30", f"node{i}", "true"), check=True)
        return folder

    @unittest.skipUnless(shutil.which("mpirun"), "no mpirun")
    def test_by_mpirun(self):
        agent = self.write("agent", "#!/bin/sh\n" + "".join(
            f"[ \"$1\" = node{i} ] && shift && exec nsenter "
            f"--net=/proc/{host.pid}/ns/net --uts=/proc/{host.pid}/ns/uts "
            f"--mount=/proc/{host.pid}/ns/mnt sh -c \"$*\"\n"
            for i, host in self.cluster.nodes.items()))
        agent.chmod(0o755)
        watched = self.start_coordinator()
        mpirun = self.at_once(self.cluster.at_ctl(
            "mpirun", "--allow-run-as-root", "--mca", "plm_rsh_agent", agent,
            "--mca", "oob_tcp_if_include", "10.77.0.0/24", "-np", 6,
            "--host", "node2:2,node3:2,node4:2", CLIENT,
            "--ticket", self.ticket))
        self.assert_same_end(watched, self.run_dir)
        self.assert_ends_well([mpirun])

    def test_a_client_is_killed_and_another_comes(self):
        watched = self.start_coordinator()
        first = self.at_once(self.cluster.at_node(
            1, CLIENT, "--ticket", self.ticket))
        self.wait_for_saved(self.run_dir, 1, watched)
        os.killpg(first.pid, signal.SIGKILL)
        watched.wait_for_line("is lost")
        second = self.at_once(self.cluster.at_node(
            2, CLIENT, "--ticket", self.ticket))
        self.assert_same_end(watched, self.run_dir)
        self.assert_ends_well([second])


if __name__ == "__main__":
    main()
