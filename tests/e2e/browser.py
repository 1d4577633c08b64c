"""A page in headless Chromium, for tests. Needs node, Chromium, and a folder
with playwright-core and axe-core, named by $FEDCARBON_NODE_MODULES:

    npm install --prefix /tmp/node playwright-core axe-core
    FEDCARBON_NODE_MODULES=/tmp/node/node_modules

Which Chromium: $CHROMIUM, or one that is on the PATH.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess

import support

HERE = pathlib.Path(__file__).resolve().parent
CHROMIUM = next(filter(None, map(shutil.which, (
    os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser",
    "google-chrome"))), None)


def missing():
    """What is not here; None: everything is."""
    modules = os.environ.get("FEDCARBON_NODE_MODULES")
    if not modules:
        return "no $FEDCARBON_NODE_MODULES"
    for name in ("playwright-core", "axe-core"):
        if not (pathlib.Path(modules) / name).is_dir():
            return f"no {name} in {modules}"
    if not shutil.which("node"):
        return "no node"
    return None if CHROMIUM else "no chromium"


class Browser:
    def __init__(self, case):
        self.process = support.start(
            ["node", HERE / "browser.mjs",
             os.environ["FEDCARBON_NODE_MODULES"], CHROMIUM],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        case.addCleanup(self.end)

    def do(self, name, **rest):
        self.process.stdin.write(json.dumps({"name": name, **rest}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"the browser ended at {name} {rest}")
        answer = json.loads(line)
        if "error" in answer:
            raise AssertionError(f"{name} {rest}: {answer['error']}")
        return answer["value"]

    def open(self, url, width=1280, height=900, scheme="light"):
        self.do("open", url=url, width=width, height=height, scheme=scheme)

    def evaluate(self, code):
        return self.do("evaluate", code=code)

    def wait(self, code):
        self.do("wait", code=code, timeout_ms=support.TIMEOUT_WALL_S * 1000)

    def end(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.process.stdout.close()
