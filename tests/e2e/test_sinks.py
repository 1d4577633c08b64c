"""Sinks: what other programs read grows while a run goes on, follows from the
store alone, and whatever happens to a sink, the run stays the same."""

import signal
import time
import unittest

from support import SCENARIO, TIMEOUT_WALL_S, Case


class Sinks(Case):
    def event_file(self, folder, run, arm="federated"):
        found = list((folder / run.name / arm).glob("*tfevents*"))
        self.assertLessEqual(len(found), 1, found)
        return found[0].read_bytes() if found else b""

    def tree(self, folder):
        return {str(path.relative_to(folder)): path.read_bytes()
                for path in folder.rglob("*") if path.is_file()}

    def wait_for_growth(self, folder, run, n):
        """The file's content once it is longer than n bytes."""
        end_wall_s = time.monotonic() + TIMEOUT_WALL_S
        while len(content := self.event_file(folder, run)) <= n:
            self.assertLess(time.monotonic(), end_wall_s, "no refresh")
            time.sleep(0.02)
        return content

    def test_sinks_grow_over_a_stop_and_change_no_bit(self):
        text, whole = self.long_scenario(4)
        path = self.write("long.yaml", text)
        run, tb = self.dir / "run", self.dir / "tb"
        words = ("run", path, "--out", run, "--processes", "2",
                 "--sink", f"tensorboard={tb}",
                 "--sink", f"mlflow={self.dir / 'ml'}",
                 "--sink", f"prometheus={self.dir / 'run.prom'}",
                 "--sink", f"codecarbon={self.dir / 'emissions.csv'}")
        watched = self.start(*words)
        watched.wait_for_line(r"federated round \d+/")
        seen = [self.wait_for_growth(tb, run, 0)]
        watched.process.send_signal(signal.SIGINT)
        code, said = watched.finish()
        if not (run / "manifest.json").exists():
            self.assertNotEqual(code, 0, said)
        # Stopped in order: all that the store has is in the sinks.
        seen.append(self.event_file(tb, run))
        self.call("export", run, "--format", "tensorboard", "--out",
                  self.dir / "stopped")
        self.assertEqual(self.event_file(self.dir / "stopped", run), seen[-1])
        done = self.call(*words, "--resume", "--quiet")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("sink", done.stderr)
        seen.append(self.event_file(tb, run))
        for early, late in zip(seen, seen[1:]):
            self.assertEqual(late[:len(early)], early)
        self.assertLess(len(seen[0]), len(seen[-1]))
        self.assertEqual(self.hashes(run), whole)
        # One export of the whole is the same, byte for byte.
        for sink, name in (("tensorboard", "tb"), ("mlflow", "ml")):
            self.call("export", run, "--format", sink, "--out",
                      self.dir / "again" / name)
        self.assertEqual(self.tree(self.dir / "again" / "tb"), self.tree(tb))
        first, again = (self.tree(folder) for folder in
                        (self.dir / "ml", self.dir / "again" / "ml"))
        self.assertEqual(first.keys(), again.keys())
        for name in first:  # meta.yaml names its own folder
            self.assertEqual(first[name].replace(b"/ml/", b"/again/ml/"),
                             again[name], name)
        for sink, name in (("prometheus", "run.prom"),
                           ("codecarbon", "emissions.csv")):
            self.assertEqual(self.call("export", run, "--format", sink).stdout,
                             (self.dir / name).read_text())

    def test_a_sink_that_fails_is_told_once_and_the_run_is_whole(self):
        plain = self.run_ok("plain")
        self.write("file", "no folder")
        path = self.dir / "scenario.yaml"
        run = self.dir / "run"
        done = self.call("run", path, "--out", run, "--quiet",
                         "--sink", f"tensorboard={self.dir / 'file'}",
                         "--sink", f"prometheus={self.dir / 'no/such/a.prom'}",
                         "--sink", f"mlflow={self.dir / 'ml'}")
        self.assertEqual(done.returncode, 0, done.stderr)
        for name in ("tensorboard", "prometheus"):
            told = [line for line in done.stderr.splitlines()
                    if f"sink {name}" in line]
            self.assertEqual(len(told), 1, done.stderr)
            self.assertIn("the run is whole without it", told[0])
        self.assertNotIn("sink mlflow", done.stderr)
        self.assertTrue(list((self.dir / "ml").rglob("meta.yaml")))
        self.assertEqual(self.hashes(run), self.hashes(plain))

    def test_without_a_path_they_go_beside_the_run_and_to_mlruns(self):
        run = self.run_ok("runs/a", "--sink", "tensorboard", "--sink",
                          "mlflow")
        self.assertTrue(self.event_file(self.dir / "runs", run))
        self.assertTrue(list((self.dir / "mlruns").rglob("meta.yaml")))
        # A sink asked for later: the run is there, only the sink is written.
        path = self.dir / "scenario.yaml"
        done = self.call("run", path, "--out", run, "--resume", "--quiet",
                         "--sink", "codecarbon=late.csv")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(
            self.call("export", run, "--format", "codecarbon").stdout,
            (self.dir / "late.csv").read_text())

    def test_words_that_are_none_are_refused_before_anything_is_run(self):
        path = self.write("scenario.yaml", SCENARIO)
        for word, *said in (
                ("tensorbord", "tensorboard?", "allowed", "mlflow"),
                ("prometheus", "prometheus=FILE"),
                ("tensorboard=", "empty")):
            for command in ("run", "sweep"):
                with self.subTest(word=word, command=command):
                    done = self.call(command, path, "--sink", word)
                    self.assert_refused(done, *said)
                    self.assertFalse((self.dir / "runs").exists())

    def test_every_point_of_a_sweep_is_a_run_of_its_own(self):
        self.write("s.yaml", SCENARIO)
        words = ("sweep", "s.yaml", "--out", "out", "--vary",
                 "data.clients=6,8", "--quiet")
        done = self.call(*words, "--sink", "prometheus=stats/now.prom",
                         "--sink", "tensorboard=tb")
        self.assertEqual(done.returncode, 0, done.stderr)
        runs = [path.parent for path in self.dir.glob("out/*/scenario.yaml")]
        self.assertEqual(len(runs), 2)
        for run in runs:
            self.assertTrue(self.event_file(self.dir / "tb", run))
        # No folder was there for the text files: told, and nothing else.
        self.assertFalse((self.dir / "stats").exists())
        logs = "".join(p.read_text() for p in self.dir.glob("out/*.log"))
        (self.dir / "stats").mkdir()
        done = self.call(*words, "--sink", "prometheus=stats/now.prom",
                         "--sink", "mlflow=ml")
        self.assertEqual(done.returncode, 0, done.stderr + logs)
        self.assertEqual(sorted(p.name for p in self.dir.glob("stats/*")),
                         sorted(f"now-{run.name}.prom" for run in runs))
        experiments = [p for p in (self.dir / "ml").iterdir() if p.is_dir()]
        self.assertEqual(len(experiments), 1)  # the scenario; its runs in it
        self.assertEqual(
            len([p for p in experiments[0].iterdir() if p.is_dir()]), 6)


if __name__ == "__main__":
    unittest.main()
