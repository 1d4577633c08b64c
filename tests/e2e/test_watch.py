"""fedcarbon watch: what it says of runs and sweeps, on a terminal and elsewhere."""

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unittest

import support

SCENARIO = support.SCENARIO


class Screen:
    """A program on a terminal of its own, whose size can be changed. What it
    writes is gathered; pictures are told apart by what is in them."""

    def __init__(self, case, command, columns, lines, **env):
        self.master, self.inner = pty.openpty()
        self.resize(columns, lines)
        self.process = support.start(
            command, cwd=case.dir, env={**case.env, "TERM": "xterm", **env},
            stdin=self.inner, stdout=self.inner, stderr=self.inner,
            preexec_fn=self._own_terminal)
        self.text = ""
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        case.addCleanup(self.end)

    def _own_terminal(self):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def resize(self, columns, lines):
        fcntl.ioctl(self.inner, termios.TIOCSWINSZ,
                    struct.pack("HHHH", lines, columns, 0, 0))

    def mode(self):
        return termios.tcgetattr(self.inner)[3]

    def wait_for(self, pattern, since=0):
        """The text from `since` on, once the pattern is in it."""
        deadline = time.monotonic() + support.TIMEOUT_WALL_S
        while not re.search(pattern, self.text[since:]):
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self.master], [], [], max(left, 0))
            if not ready:
                raise AssertionError(f"no {pattern!r} in:\n{self.text}")
            self.take()
        return self.text[since:]

    def wait_for_width(self, columns, since):
        """The last whole picture since then, once it is no wider. One that was
        on its way when the size changed may come before it."""
        deadline = time.monotonic() + support.TIMEOUT_WALL_S
        while time.monotonic() < deadline:
            # Pictures of a run are a quarter of a second apart, or more.
            if select.select([self.master], [], [], 0.1)[0]:
                self.take()
                continue
            _, cleared, picture = self.text[since:].rpartition("\033[2J")
            if cleared and longest_line(picture) <= columns:
                return picture
        raise AssertionError(f"nothing of {columns} columns in:\n"
                             + self.text[since:])

    def take(self):
        self.text += self.decoder.decode(os.read(self.master, 65536))

    def press(self, keys):
        os.write(self.master, keys)

    def finish(self):
        while self.process.poll() is None:
            if select.select([self.master], [], [], 0.05)[0]:
                self.take()
        while select.select([self.master], [], [], 0)[0]:
            self.take()
        return self.process.returncode

    def end(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.master)
        os.close(self.inner)


def longest_line(picture):
    """Columns of the longest line of what was drawn."""
    plain = re.sub(r"\033\[[0-9;?]*[A-Za-z]", "\n", picture)
    return max(len(line) for line in re.split(r"[\r\n]+", plain))


class Watch(support.Case):
    def watch(self, *args, columns=100, lines=30, **env):
        return Screen(self, self.command("watch", *args), columns, lines, **env)

    def busy(self):
        """A run that goes on until it is told to stop; (folder, program)."""
        path = self.write("busy.yaml", support.changed(SCENARIO, "rounds: 4",
                                                       "rounds: 1000000"))
        run = self.dir / "busy"
        program = self.start("run", path, "--out", run, "--processes", "1")
        program.wait_for_commit(run)
        return run, program

    def test_once_prints_the_figures_of_the_table(self):
        run = self.run_ok("a")
        done = self.call("watch", run, "--once")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("\033", done.stdout)
        self.assertRegex(done.stdout, r"tiny +finished")
        for name, arm in self.arms(run).items():
            line = re.search(rf"^{name}.*$", done.stdout, re.M).group(0)
            self.assertIn(f"{arm['accuracy']:.4f}"[:6], line)
            grams = arm["emitted_gco2e"]
            if name == "local":  # the mean over the clients
                grams /= 6
            shown = re.search(r"([0-9.]+) (m|k)?gCO2e", line)
            scale = {"m": 1e-3, None: 1, "k": 1e3}[shown.group(2)]
            # Four digits are shown.
            self.assert_near(float(shown.group(1)) * scale, grams, name,
                             rtol=1e-3)

    def test_plain_characters_where_there_is_no_utf8(self):
        run = self.run_ok("a")
        self.env.pop("LC_ALL", None)
        self.env["LANG"] = "C.UTF-8"
        self.assertIn("\u2581", self.call("watch", run, "--once").stdout)
        for args, env in ((["--ascii"], {}), ([], {"LC_ALL": "C"})):
            self.env.update(env)
            done = self.call("watch", run, "--once", *args)
            self.assertTrue(done.stdout.isascii(), done.stdout)
            self.assertIn("accuracy", done.stdout)

    def test_a_run_is_followed_to_its_end_in_lines_of_text(self):
        run, program = self.busy()
        lines = support.start(
            self.command("watch", run), cwd=self.dir, env=self.env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        first = lines.stdout.readline()
        self.assertRegex(first, r"^running: centralized")
        rounds = [int(re.search(r"rounds (\d+)/", first).group(1))]
        while rounds[-1] == rounds[0]:
            rounds.append(int(re.search(r"rounds (\d+)/",
                                        lines.stdout.readline()).group(1)))
        self.assertGreater(rounds[-1], rounds[0])
        program.process.send_signal(signal.SIGINT)
        program.finish()
        rest, error = lines.communicate(timeout=support.TIMEOUT_WALL_S)
        self.assertEqual(lines.returncode, 130, error)
        self.assertRegex(rest, "stopped before its end")
        self.assertNotIn("\033", rest)

    def test_a_writer_that_dies_is_noticed(self):
        run, program = self.busy()
        screen = self.watch(run)
        screen.wait_for("running")
        coordinator, _ = self.pids(run)
        os.kill(coordinator, signal.SIGKILL)
        self.assertEqual(screen.finish(), 1)
        self.assertIn("writer died", screen.text)

    def test_the_picture_follows_the_terminal_and_gives_it_back(self):
        run, _ = self.busy()
        screen = self.watch(run, columns=100, lines=30)
        before = screen.mode()
        screen.wait_for("q leaves")
        self.assertFalse(screen.mode() & termios.ECHO)
        for columns, lines in ((42, 12), (200, 40), (1, 1), (80, 24)):
            since = len(screen.text)
            screen.resize(columns, lines)
            screen.process.send_signal(signal.SIGWINCH)
            picture = screen.wait_for_width(columns, since)
            if columns == 42:  # what is cut off shows it: 0.4 is no 0.49
                self.assertRegex(picture, "(\u2026|>)\033")
        since = len(screen.text)
        screen.resize(60, 24)
        self.assertIn("q leaves", screen.wait_for_width(60, since))
        screen.press(b"q")
        self.assertEqual(screen.finish(), 0)
        self.assertIn("\033[?1049h", screen.text)
        self.assertLess(screen.text.index("\033[?1049h"),
                        screen.text.rindex("\033[?1049l"))
        self.assertIn("\033[?25h", screen.text)  # the cursor is back
        self.assertTrue(screen.mode() & termios.ECHO or not before)
        # What was seen last stays behind.
        self.assertIn("centralized",
                      screen.text[screen.text.rindex("\033[?1049l"):])

    def test_only_what_changed_is_drawn_again(self):
        run = self.run_ok("a")
        points = self.dir / "sweep"
        points.mkdir()
        (points / "points.csv").write_text("point,directory,seed\n" + "".join(
            f"{i},{i:012x},{i}\n" for i in range(1, 60)))
        screen = self.watch(points, columns=80, lines=24)
        screen.wait_for("q leaves")
        since = len(screen.text)
        screen.press(b"jj")
        moved = screen.wait_for(r"points 3 to", since)
        self.assertNotIn("\033[2J", moved)
        self.assertNotIn("q leaves", moved)
        screen.press(b"\033[6~")
        screen.wait_for(r"points 13 to", since)
        screen.press(b"\003")  # Ctrl-C
        self.assertEqual(screen.finish(), 130)
        self.assertTrue(screen.mode() & termios.ECHO)
        self.assertEqual(self.call("watch", run).returncode, 0)

    def test_colours_are_left_out_when_asked(self):
        run = self.run_ok("a")
        with_colour, without = self.watch(run), self.watch(run, NO_COLOR="1")
        self.assertEqual((with_colour.finish(), without.finish()), (0, 0))
        colour = re.compile(r"\033\[3[0-9]m")
        self.assertTrue(colour.search(with_colour.text))
        self.assertFalse(colour.search(without.text))
        dumb = self.watch(run, TERM="dumb")
        self.assertEqual(dumb.finish(), 0)
        self.assertNotIn("\033", dumb.text)

    def test_what_is_no_run_is_refused(self):
        done = self.call("watch", self.dir)
        self.assert_refused(done, "run.sqlite", "points.csv")
        self.assertEqual(done.returncode, 2)
        self.write("broken/run.sqlite", "no database")
        done = self.call("watch", self.dir / "broken", "--once")
        self.assertEqual(done.returncode, 1)
        self.assertIn("not a run store", done.stdout)

    def test_a_sweep_is_shown_point_by_point(self):
        path = self.write("scenario.yaml", SCENARIO)
        out = self.dir / "sweep"
        done = self.call("sweep", path, "--vary", "train.local.lr=0.05,0.1",
                         "--vary", "model=logreg,no_such_model", "--out", out,
                         "--quiet")
        if done.returncode == 2:  # points that cannot be: none is run
            done = self.call("sweep", path, "--vary", "train.local.lr=0.05,0.1",
                             "--out", out, "--quiet")
        self.assertEqual(done.returncode, 0, done.stderr)
        shown = self.call("watch", out)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertRegex(shown.stdout, r"finished +2 points, 2 runs: 2 finished")
        self.assertRegex(shown.stdout, r"(?m)^ +1 +0\.05 +finished +4/4 ")
        self.assertRegex(shown.stdout, r"(?m)^ +2 +0\.1 +finished +4/4 ")

    def test_watching_changes_nothing_about_a_run(self):
        text, expected = self.long_scenario(3)
        path = self.write("long.yaml", text)
        run = self.dir / "watched"
        program = self.start("run", path, "--out", run, "--processes", "2")
        program.wait_for_line("client processes|round")
        watchers = [self.start("watch", run) for _ in range(3)]
        code, said = program.finish()
        self.assertEqual(code, 0, said)
        for watcher in watchers:
            code, said = watcher.finish()
            self.assertEqual(code, 0, said)
        self.assertEqual(self.hashes(run), expected)
        self.assertFalse((run / "run.sqlite-wal").exists())


if __name__ == "__main__":
    unittest.main()
