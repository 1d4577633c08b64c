"""The page of fedcarbon serve in headless Chromium: at two widths, light and
dark, while a run goes on and when the connection is lost."""

import os
import pathlib
import signal
import unittest

import browser
import support
from test_serve import CHARTS, Server

SCENARIO = support.SCENARIO
if browser.missing():
    support.skip_everything(browser.missing())

DRAWN = ("document.querySelectorAll('#charts canvas:not([hidden])').length"
         f" === {len(CHARTS)}")
STEP = ("document.querySelector('#arms .federated')?.closest('tr')"
        ".children[1].firstChild.textContent ?? ''")


class LivePage(support.Case):
    def setUp(self):
        super().setUp()
        self.browser = browser.Browser(self)
        # Pictures are kept where they are asked for, to be looked at.
        shots = os.environ.get("FEDCARBON_SCREENSHOTS")
        self.shots = pathlib.Path(shots) if shots else None

    def check(self, server, name, place="/", shows=DRAWN):
        for width, scheme in ((360, "light"), (1280, "light"), (1280, "dark")):
            self.browser.open(f"http://127.0.0.1:{server.port}{place}", width,
                              scheme=scheme)
            self.browser.wait(shows)
            what = f"{name}, {width}, {scheme}"
            self.assertEqual(
                self.browser.evaluate("document.documentElement.scrollWidth"),
                width, f"{what}: wider than the window")
            self.assertEqual(self.browser.do("axe"), [], what)
            self.assertEqual(self.browser.do("problems"), [], what)
            if self.shots:
                self.browser.do("shot", path=str(
                    self.shots / f"live-{name}-{width}-{scheme}.png"))

    def test_a_finished_run(self):
        run = self.run_ok("a")
        server = Server(self, run)
        self.check(server, "run")
        self.assertIn("Finished", self.browser.evaluate(
            "document.getElementById('state').textContent"))
        rows = self.browser.evaluate(
            "[...document.querySelectorAll('#arms tbody tr')]"
            ".map((row) => row.innerText)")
        for row, (name, arm) in zip(rows, [
                (name, self.arms(run)[name])
                for name in ("centralized", "federated", "local")]):
            self.assertIn(name, row)
            self.assertIn(f"{arm['accuracy']:.3f}"[:5].rstrip("0"), row)

    def test_the_points_of_a_sweep(self):
        path = self.write("scenario.yaml", SCENARIO)
        out = self.dir / "sweep"
        done = self.call("sweep", path, "--vary", "train.local.lr=0.05,0.1",
                         "--vary", "data.partition=iid,{kind: dirichlet, alpha: 0.5}",
                         "--out", out, "--quiet")
        self.assertEqual(done.returncode, 0, done.stderr)
        server = Server(self, out)
        rows = "document.querySelectorAll('#points tbody tr').length === 4"
        self.check(server, "sweep", shows=rows)
        # By keyboard: a point is a link, and its run is shown.
        self.browser.evaluate(
            "document.querySelector('#points tbody a').focus()")
        self.browser.do("press", key="Enter")
        self.browser.wait(DRAWN)
        self.assertEqual(self.browser.do("axe"), [])
        self.assertEqual(self.browser.do("problems"), [])
        self.check(server, "point", place="/#view=0&run=3")

    def test_a_run_that_goes_on_and_stops(self):
        path = self.write("busy.yaml", support.changed(SCENARIO, "rounds: 4",
                                                       "rounds: 1000000"))
        run = self.dir / "busy"
        program = self.start("run", path, "--out", run, "--processes", "1")
        program.wait_for_commit(run)
        server = Server(self, run)
        self.check(server, "running")
        self.assertEqual(self.browser.evaluate("document.getElementById("
                                               "'state').textContent"),
                         "Running.")
        first = self.browser.evaluate(STEP)
        self.browser.evaluate(f"window.first = {first!r}")
        self.browser.wait(f"{STEP} !== window.first")
        program.process.send_signal(signal.SIGINT)
        program.finish()
        self.browser.wait("document.getElementById('state').textContent"
                          ".startsWith('Stopped')")
        self.assertEqual(self.browser.do("problems"), [])
        self.check(server, "stopped")

    def test_a_connection_that_is_lost_and_comes_back(self):
        run = self.run_ok("a")
        server = Server(self, run)
        self.browser.open(f"http://127.0.0.1:{server.port}/")
        self.browser.wait(DRAWN)
        self.browser.do("offline", on=True)
        server.stop()
        self.browser.wait("!document.getElementById('lost').hidden")
        self.assertIn("lost", self.browser.evaluate(
            "document.getElementById('lost').textContent"))
        again = Server(self, run, "--port", str(server.port))
        self.assertEqual(again.port, server.port)
        self.browser.wait("document.getElementById('lost').hidden")
        self.browser.do("offline", on=False)
        self.assertEqual(self.browser.do("problems"), [])


if __name__ == "__main__":
    unittest.main()
