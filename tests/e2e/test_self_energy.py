"""What a simulation itself takes: metered from start to end, told, and without
any effect on results."""

import json
import re
import signal
import unittest

import support

# A machine of which nothing is known can be measured with a given TDP.
TDP = ("--tdp-w", "20", "--meter", "tdp")


class SelfEnergy(support.Case):

    def manifest(self, run):
        with open(run / "manifest.json", encoding="utf-8") as file:
            return json.load(file)

    def test_a_meter_changes_no_result(self):
        plain = self.run_ok("plain", "--processes", "2", "--meter", "none")
        metered = self.run_ok("metered", "--processes", "2", *TDP)
        self.assertEqual(self.hashes(plain), self.hashes(metered))
        manifest = self.manifest(plain)
        self.assertIsNone(manifest["simulation_energy_j"])
        self.assertEqual(
            manifest["simulation_energy"]["last_session"]["why_not"],
            "--meter none")

    def test_processes_bear_the_share_of_their_time(self):
        run = self.run_ok("run", "--processes", "2", "--here", "DE", *TDP)
        manifest = self.manifest(run)
        total_j = manifest["simulation_energy_j"]
        energy = manifest["simulation_energy"]
        session = energy["last_session"]
        self.assertEqual((energy["meter"], energy["evidence"]),
                         ("tdp", "assumed"))
        self.assertEqual([p["process"] for p in session["processes"]],
                         ["launcher", "coordinator", "client 0", "client 1"])
        self.assertEqual(
            sum(p["energy_j"] for p in session["processes"]), total_j)
        self.assertGreater(total_j, 0)
        # Others used the machine, too, or nobody did.
        self.assertLessEqual(total_j, session["machine_j"])
        self.assertGreater(session["processes"][1]["cpu_s"], 0)
        # Joules per CPU second are everybody's: 53 bits less some rounding.
        rates = [p["energy_j"] / p["cpu_s"] for p in session["processes"]]
        for rate in rates:
            self.assert_near(rate, rates[0], "J per CPU s", 1e-9)
        here = energy["here"]
        self.assertEqual(here["zone"], "DE")
        self.assert_near(here["emitted_gco2e"],
                         total_j / 3.6e6 * here["gco2e_per_kwh"], "grams")
        # It covers the whole run, from before its first process was started.
        self.assertGreaterEqual(energy["measured_wall_s"], manifest["wall_s"])

    def test_one_line_tells_it(self):
        path = self.write("scenario.yaml", support.SCENARIO)
        done = self.call("run", path, "--out", self.dir / "a", "--here",
                         "Germany", *TDP)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout,
                         r"\nthis simulation itself took [0-9.e+-]+ k?J "
                         r"\(tdp, assumed\), [0-9.e-]+ gCO2e in DE[^\n]*\n\Z")
        done = self.call("run", path, "--out", self.dir / "b", "--meter",
                         "none")
        self.assertRegex(done.stdout,
                         r"\nthis simulation's own energy is not known: "
                         r"--meter none \(fedcarbon list meters\)\n\Z")

    def test_sessions_add_up_after_a_resume(self):
        scenario, hashes = self.long_scenario(4)
        path = self.write("scenario.yaml", scenario)
        run = self.dir / "run"
        watched = self.start("run", path, "--out", run, "--processes", "2",
                             *TDP)
        watched.wait_for_commit(run)
        watched.process.send_signal(signal.SIGTERM)
        self.assertEqual(watched.finish()[0], 130)
        first_j, = self.sql(run, "SELECT value FROM meta WHERE key = "
                                 "'simulation_energy_j'")[0]
        self.assertGreater(float(first_j), 0)
        done = self.call("run", path, "--out", run, "--resume", *TDP)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.hashes(run), hashes)
        manifest = self.manifest(run)
        energy = manifest["simulation_energy"]
        second_j = sum(p["energy_j"]
                       for p in energy["last_session"]["processes"])
        self.assertEqual(energy["measured_sessions"], 2)
        self.assert_near(manifest["simulation_energy_j"],
                         float(first_j) + second_j, "sum of sessions", 1e-15)
        self.assertGreaterEqual(energy["measured_wall_s"], manifest["wall_s"])

    def test_two_on_one_machine_know_of_each_other(self):
        scenario, _ = self.long_scenario(4)
        path = self.write("long.yaml", scenario)
        first, second = self.dir / "first", self.dir / "second"
        watched = self.start("run", path, "--out", first, "--processes", "2",
                             *TDP)
        watched.wait_for_round(1)
        short = self.write("scenario.yaml", support.SCENARIO)
        done = self.call("run", short, "--out", second, *TDP)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(self.manifest(second)["simulation_energy"]["is_shared"])
        self.assertIn("another fedcarbon shared the machine", done.stdout)

    def test_a_job_of_slurm_bears_what_slurm_says(self):
        count = self.write("count", "1000\n")
        # 500 J more each time that it is asked: before and after the run.
        sstat = self.write("bin/sstat", "#!/bin/sh\n"
                           f"n=$(($(cat '{count}') + 500))\n"
                           f"echo $n > '{count}'\n"
                           "echo \"77.0|$n\"\n")
        sstat.chmod(0o755)
        self.env["PATH"] = f"{sstat.parent}:{self.env['PATH']}"
        self.env["SLURM_JOB_ID"] = "77"
        run = self.run_ok("run", "--processes", "2", "--meter", "slurm")
        self.assertEqual(self.manifest(run)["simulation_energy_j"], 500)

    def test_what_cannot_be_is_refused_before_anything_starts(self):
        path = self.write("scenario.yaml", support.SCENARIO)
        for args, word in ((("--here", "Atlantis"), "--here: unknown zone 'At"),
                           (("--meter", "rpal"), "did you mean 'rapl'?"),
                           (("--meter", "nvml"), "--meter nvml: "),
                           (("--tdp-w", "-5"), "--tdp-w: ")):
            done = self.call("run", path, "--out", self.dir / "run", *args)
            self.assert_refused(done, word)
            self.assertFalse((self.dir / "run").exists())

    def test_every_meter_is_listed_with_its_reason(self):
        done = self.call("list", "meters")
        self.assertEqual(done.returncode, 0, done.stderr)
        names = re.findall(r"^(\w+) +(?:measured|assumed) ", done.stdout, re.M)
        self.assertEqual(names, ["rapl", "hwmon", "slurm", "nvml", "tdp"])
        states = re.findall(r"^ +(available|not here): .{5}", done.stdout,
                            re.M)
        self.assertEqual(len(states), len(names))


if __name__ == "__main__":
    unittest.main()
