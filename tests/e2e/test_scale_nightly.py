"""A thousand processes with a client each; a hundred thousand clients in two."""

import os
import re
import subprocess
import threading
import unittest

from support import TIMEOUT_WALL_S, Case, child_pids, start

FLEET = """\
fleet:
  - {device: pixel_xl, zone: FR, link: lte}
server: {device: cloud_cpu, zone: DE, pue: 1.2}
carbon:
  preset: full
  grid: {kind: annual}
"""
THOUSAND = """\
name: thousand-processes
data:
  dataset: {kind: glyphs, writers: 1000, samples_per_writer: 10}
  clients: 1000
  partition: natural
model: lenet5
train:
  clients_per_round: 1000
  rounds: 1
  local: {epochs: 4, batch: 10, lr: 0.05}
""" + FLEET
MANY_CLIENTS = """\
name: hundred-thousand-clients
data:
  dataset: {kind: glyphs, writers: 100000, samples_per_writer: 10}
  clients: 100000
  partition: natural
model: lenet5
train:
  clients_per_round: 500
  rounds: 10
  local: {epochs: 1, batch: 10, lr: 0.05}
""" + FLEET
MOST_COORDINATOR_KB, MOST_CLIENT_KB = 500_000, 200_000


class Peaks(threading.Thread):
    """The largest VmHWM of each kind of child, until it is told to end."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.kb, self.over = pid, {}, threading.Event()

    def run(self):
        while not self.over.wait(0.05):  # how often to look, not for what
            for child in child_pids(self.pid):
                try:
                    with open(f"/proc/{child}/status", encoding="ascii") as file:
                        said = file.read()
                    name = re.search(r"Name:\s+(\S+)", said)[1]
                    peak = int(re.search(r"VmHWM:\s+(\d+)", said)[1])
                except (OSError, TypeError):
                    continue
                self.kb[name] = max(peak, self.kb.get(name, 0))


class ScaleNightly(Case):
    def run_watched(self, name, scenario, *args):
        """The run and its processes' peaks, in KiB by program."""
        path = self.write(f"{name}.yaml", scenario)
        process = start(
            self.command("run", path, "--out", self.dir / name, "--quiet",
                         *args), cwd=self.dir, env=self.env, text=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        peaks = Peaks(process.pid)
        peaks.start()
        try:
            said = process.communicate(timeout=4 * TIMEOUT_WALL_S)[1]
        except BaseException:
            os.killpg(process.pid, 9)
            process.communicate()
            raise
        finally:
            peaks.over.set()
            peaks.join()
        self.assertEqual(process.returncode, 0, said)
        return self.dir / name, peaks.kb

    def test_a_thousand_processes_train_a_client_each(self):
        two, _ = self.run_watched("two", THOUSAND, "--processes", 2)
        run, kb = self.run_watched("thousand", THOUSAND, "--processes", 1000,
                                   "--together")
        self.assertEqual(self.hashes(run), self.hashes(two))
        messages = self.summary(run)["messages"]
        self.assertEqual(messages["HELLO received"]["messages"], 1000)
        ((lost,),) = self.sql(run, "SELECT value FROM meta "
                              "WHERE key = 'clients_lost'")
        self.assertEqual(lost, "0")
        print(f"thousand processes: {kb}")

    def test_a_hundred_thousand_clients_fit_into_small_processes(self):
        run, kb = self.run_watched("many", MANY_CLIENTS, "--processes", 2)
        self.assertEqual(self.arms(run)["federated"]["rounds"], 10)
        self.assertLess(kb["fedcarbon-coord"], MOST_COORDINATOR_KB)
        self.assertLess(kb["fedcarbon-clien"], MOST_CLIENT_KB)
        print(f"hundred thousand clients: {kb}")


if __name__ == "__main__":
    unittest.main()
