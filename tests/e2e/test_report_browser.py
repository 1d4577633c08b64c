"""The report in headless Chromium: screenshots at two widths and on paper,
sorting by mouse and keyboard, links, no console error, no request, axe-core's
rules. Needs what browser.py says. Screenshots go to $FEDCARBON_SCREENSHOTS
where it is set."""

import contextlib
import json
import os
import pathlib
import sqlite3
import subprocess
import unittest

import browser
from support import SCENARIO, Case, changed, skip_everything

TIMEOUT_WALL_S = 500  # a minute alone on two cores
TARGET = changed(SCENARIO, "  rounds: 4\n",
                 "  rounds: 4\n  stop: {accuracy: 0.05}\n")
HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(2)</script>"


class ReportBrowser(Case):
    def look_at(self, name):
        folder = pathlib.Path(os.environ.get("FEDCARBON_SCREENSHOTS",
                                             self.dir)) / name
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["node", browser.HERE / "pages.mjs", self.dir / "report.html", folder],
            env={**self.env, "CHROMIUM": browser.CHROMIUM,
                 "TMPDIR": str(self.dir)}, text=True,
            capture_output=True, check=False, timeout=TIMEOUT_WALL_S)
        self.assertEqual(done.returncode, 0, done.stderr)
        did = json.loads(done.stdout)
        for picture in did["screenshots"]:
            self.assertGreater(pathlib.Path(picture).stat().st_size, 10000)
        return did

    def test_a_run_with_hostile_texts(self):
        run = self.run_ok("run", scenario=TARGET)
        with contextlib.closing(sqlite3.connect(run / "run.sqlite")) as db:
            db.execute("DELETE FROM meta WHERE key = 'seal'")
            db.execute("UPDATE meta SET value = ? WHERE key IN ('dataset',"
                       " 'model', 'partition', 'command', 'grid')",
                       (HOSTILE,))
            db.execute("UPDATE fact SET source = ?", (HOSTILE,))
            db.execute("UPDATE zone SET name = ? || zone", (HOSTILE,))
            db.commit()
        done = self.call("report", run, "--title", HOSTILE)
        self.assertEqual(done.returncode, 0, done.stderr)
        did = self.look_at("run")
        self.assertGreaterEqual(did["charts"], 10)  # light and dark
        self.assertGreaterEqual(did["sorted"], 15)

    def test_a_sweep_with_a_run_that_is_missing(self):
        self.write("s.yaml", TARGET)
        done = self.call("sweep", "s.yaml", "--out", "sweep", "--quiet",
                         "--vary", "data.clients=6,8", "--vary",
                         "data.partition=iid,{kind: dirichlet, alpha: 0.1}")
        self.assertEqual(done.returncode, 0, done.stderr)
        runs = sorted(path.parent for path in self.dir.glob(
            "sweep/*/manifest.json"))
        self.assertEqual(len(runs), 4)
        done = self.call("report", *runs, "not-there")
        self.assertEqual(done.returncode, 1, done.stderr)
        did = self.look_at("sweep")
        self.assertGreaterEqual(did["links"], 9)
        self.assertEqual(did["axe"], 4)


if __name__ == "__main__":
    if browser.missing():
        skip_everything(browser.missing())
    unittest.main()
