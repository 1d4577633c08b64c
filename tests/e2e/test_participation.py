"""Over-selection, drop-outs and time-outs: who does not count is costed up to
the moment it was cut, and wasted; the bits do not depend on the processes."""

import csv
import io
import unittest

from support import SCENARIO, Case

WIDE = ("--set", "train.over_selection_ratio=2")


class Participation(Case):
    def test_those_who_are_too_late_are_wasted_up_to_the_rounds_end(self):
        run = self.run_ok("run", *WIDE)
        rows = self.sql(run, """
            SELECT round, entity, max(wasted), max(t1_s) FROM ledger_named
            WHERE arm = 'federated' AND role = 'client' AND phase <> 'provision'
            GROUP BY round, entity""")
        ends = dict(self.sql(run, """
            SELECT round, max(t1_s) FROM ledger_named WHERE arm = 'federated'
            AND phase = 'wait' AND role = 'server' AND stage = 'training'
            GROUP BY round"""))
        for number in range(4):
            of_round = [row for row in rows if row[0] == number]
            self.assertEqual(len(of_round), 6)
            self.assertEqual(sum(row[2] for row in of_round), 3)
            for row in of_round:
                self.assertLessEqual(row[3], ends[number])
        self.assertEqual(self.sql(run, """
            SELECT DISTINCT updates FROM round JOIN arm USING (arm)
            WHERE name = 'federated'"""), [(3,)])

    def test_participants_are_those_who_trained(self):
        """Two rounds with one client each: of all clients one or two trained,
        and a client's share is the whole by so many."""
        run = self.run_ok("run", "--set", "train.rounds=2", "--set",
                          "train.clients_per_round=1", "--set",
                          "train.arms=[federated]")
        ((trained, gco2e),) = self.sql(run, """
            SELECT count(DISTINCT CASE WHEN phase = 'train' THEN entity END),
            sum(emitted_gco2e) FROM ledger_named""")
        arm = self.arms(run)["federated"]
        self.assertLessEqual(trained, 2)
        self.assertGreater(arm["population"], 2)
        self.assertEqual(arm["participants"], trained)
        done = self.call("export", run, "--format", "sci", "--unit", "client")
        self.assertEqual(done.returncode, 0, done.stderr)
        row = next(csv.DictReader(io.StringIO(done.stdout)))
        self.assertEqual(row["R"], str(trained))
        self.assert_near(float(row["SCI_gco2e_per_unit"]), gco2e / trained,
                         "per client")

    def test_a_preset_without_transfers_does_not_know_what_was_moved(self):
        run = self.run_ok("run", "--set", "train.arms=[federated]", "--set",
                          "carbon.preset=fedzero2024")
        self.assertIsNone(self.arms(run)["federated"]["bytes"])
        done = self.call("compare", run, "--format", "csv")
        row = next(csv.DictReader(io.StringIO(done.stdout)))
        for column in ("bytes", "bytes_up", "bytes_down"):
            self.assertEqual(row[column], "", column)
        self.assertGreater(float(row["energy_kwh"]), 0)
        log = self.write("log.csv", "client,compute_s,up_s,down_s,zone\n"
                         "a,360,3600,0,DE\n")
        for preset, hours in (("fedzero2024", "-"), ("wu2022", "1.00000")):
            done = self.call("from-logs", log, "--preset", preset, "--out",
                             self.dir / preset)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(done.stdout.splitlines()[1].split()[:3],
                             ["DE", "0.100000", hours])

    def test_a_time_out_is_the_length_of_a_round_and_cuts_the_bytes(self):
        """Training takes longer than 3 ms beyond the download at 50 Mbit/s
        allow, so nobody uploads and the model stays as it is."""
        run = self.run_ok("run", "--set", "train.timeout_s=0.003", "--set",
                          "train.arms=[federated]")
        ((n_params,),) = self.sql(
            run, "SELECT value FROM meta WHERE key = 'n_params'")
        model_bytes = 4 * int(n_params)
        download_s = 8 * model_bytes / 50e6
        self.assertEqual(self.sql(run, "SELECT sum(updates) FROM round"),
                         [(0,)])
        self.assertEqual(self.sql(run, """
            SELECT count(*) FROM ledger_named WHERE phase = 'upload'"""),
                         [(0,)])
        for t0_s, t1_s in self.sql(run, """
                SELECT min(t0_s), max(t1_s) FROM ledger_named
                WHERE role = 'client' AND phase <> 'provision' GROUP BY round"""):
            self.assertAlmostEqual(t1_s - t0_s, 0.003, delta=1e-9)
        self.assertEqual(self.sql(run, """
            SELECT count(*) FROM ledger_named WHERE role = 'client'
            AND phase <> 'provision' AND NOT wasted"""), [(0,)])
        # cut within the download: half of the bytes
        run = self.run_ok("half", "--set", f"train.timeout_s={download_s / 2}",
                          "--set", "train.arms=[federated]")
        for (moved,) in self.sql(run, """
                SELECT sum(bytes) FROM ledger_named WHERE role = 'client'
                AND phase = 'broadcast' GROUP BY round, entity"""):
            self.assertAlmostEqual(moved, model_bytes / 2, delta=1e-6)

    def test_the_bits_are_the_same_in_any_process_and_after_a_resume(self):
        sets = (*WIDE, "--set", "train.drop_out_ratio=0.3", "--set",
                "train.timeout_s=30", "--set", "train.rounds=8")
        one = self.run_ok("one", "--processes", 1, *sets)
        three = self.run_ok("three", "--processes", 3, *sets)
        self.assertEqual(self.hashes(one), self.hashes(three))
        dropped = self.sql(one, """
            SELECT count(DISTINCT round * 100 + entity) FROM ledger_named
            WHERE arm = 'federated' AND wasted""")
        self.assertGreater(dropped[0][0], 8 * 3 - 8)

    def test_impossible_rules_are_refused(self):
        for key, value in (("over_selection_ratio", 0.5),
                           ("drop_out_ratio", 1), ("timeout_s", -1)):
            path = self.write("scenario.yaml", SCENARIO)
            done = self.call("validate", path, "--set", f"train.{key}={value}")
            self.assert_refused(done, f"train.{key}")


if __name__ == "__main__":
    unittest.main()
