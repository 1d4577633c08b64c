"""Coordinator and client processes that were started by hand, without anybody
who replaces them: a client process joins again where it can, and ends by itself
where it cannot. Nobody waits for ever."""

import os
import re
import signal
import subprocess
import unittest

from support import BIN, Case, Watched

SILENCE_S = float(os.environ.get("FEDCARBON_CHAOS_SILENCE_S", "2"))
# Until a client process has given up: a silence, and twice that for a welcome.
# The rest is for slow machines.
GIVES_UP_WALL_S = 3 * SILENCE_S + 60


class ByHand(Case):
    def setUp(self):
        super().setUp()
        scenario, self.whole = self.long_scenario(wall_s=2.5)
        self.run_dir = self.dir / "hurt"
        self.run_dir.mkdir()
        whole = self.run_ok("resolved", "--set", "train.rounds=1",
                            scenario=scenario)
        resolved = (whole / "scenario.yaml").read_text()
        rounds = re.search(r"^  rounds: \d+$", scenario, re.MULTILINE).group()
        resolved, n = re.subn(r"^  rounds: 1 .*$", rounds, resolved,
                              flags=re.MULTILINE)
        self.assertEqual(n, 1)
        (self.run_dir / "scenario.yaml").write_text(resolved)
        self.address = f"ipc://{self.dir}/hub"

    def launch(self, name, *words):
        watched = Watched([str(BIN / name), *map(str, words)], self.dir,
                          self.env)
        self.addCleanup(watched.kill_group)
        return watched

    def coordinator(self, *words):
        return self.launch(
            "fedcarbon-coordinator", "--run", self.run_dir, "--listen",
            self.address, "--cache-dir", self.dir / "cache", "--progress",
            "terminal", "--silence-s", SILENCE_S, "--save-every-s", "0.1",
            *words)

    def client(self):
        return self.launch("fedcarbon-client", "--connect", self.address,
                           "--silence-s", SILENCE_S)

    def assert_ends_well(self, *programs):
        for program in programs:
            status, said = program.finish()
            self.assertEqual(status, 0, said)
        self.assertEqual(self.hashes(self.run_dir), self.whole)

    def test_clients_join_a_coordinator_that_was_killed_and_resumed(self):
        clients = [self.client(), self.client()]
        coordinator = self.coordinator()
        coordinator.wait_for_commit(self.run_dir)
        coordinator.process.kill()
        coordinator.finish()
        self.assert_ends_well(self.coordinator("--resume"), *clients)

    def test_clients_whose_coordinator_is_gone_end_by_themselves(self):
        clients = [self.client(), self.client()]
        coordinator = self.coordinator()
        coordinator.wait_for_round(2)
        coordinator.process.kill()
        coordinator.finish()
        for client in clients:
            self.assertGreater(client.process.wait(GIVES_UP_WALL_S), 0)
            _, said = client.finish()
            self.assertIn("no word from the coordinator", said)

    def test_a_client_that_was_silent_for_long_joins_again(self):
        clients = [self.client(), self.client()]
        coordinator = self.coordinator()
        coordinator.wait_for_round(2)
        os.kill(clients[0].process.pid, signal.SIGSTOP)
        coordinator.wait_for_line("is lost: it is silent")
        os.kill(clients[0].process.pid, signal.SIGCONT)
        self.assert_ends_well(coordinator, *clients)

    def test_a_coordinator_that_was_stopped_goes_on(self):
        clients = [self.client(), self.client()]
        coordinator = self.coordinator()
        coordinator.wait_for_round(2)
        os.kill(coordinator.process.pid, signal.SIGSTOP)
        # Both begin anew meanwhile, and neither ends.
        with self.assertRaises(subprocess.TimeoutExpired):
            clients[0].process.wait(SILENCE_S + 1)
        os.kill(coordinator.process.pid, signal.SIGCONT)
        self.assert_ends_well(coordinator, *clients)


if __name__ == "__main__":
    unittest.main()
