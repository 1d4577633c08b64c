"""Bad input: each a clear error with its place and a non-zero exit, never a
crash, and no process left behind."""

import gzip
import os
import re
import resource
import socket
import sqlite3
import struct
import subprocess
import unittest

from support import SCENARIO, Case, changed


class Scenarios(Case):
    """Mistakes in a scenario: file:line:column, what was found, what goes."""

    def assert_problem(self, old, new, *words, key, scenario=SCENARIO):
        """Replaces a piece of the scenario; the error names the place of
        `key`."""
        text = changed(scenario, old, new)
        path = self.write("bad.yaml", text)
        line = next(i for i, row in enumerate(text.split("\n"), 1)
                    if key in row)
        column = text.split("\n")[line - 1].index(key) + 1
        for args in (("validate", path), ("run", path, "--out", "never")):
            with self.subTest(command=args[0]):
                done = self.call(*args)
                self.assert_refused(done, f"bad.yaml:{line}:{column}", *words)
        self.assertFalse((self.dir / "never").exists(),
                         "a refused scenario leaves no run")

    def test_unknown_key_names_the_nearest(self):
        self.assert_problem("rounds: 4", "ruonds: 4", "ruonds", "rounds",
                            key="ruonds")

    def test_misspelt_enum_names_the_nearest(self):
        self.assert_problem("strategy: fedavg", "strategy: fedagv", "fedagv",
                            "fedavg", key="fedagv")

    def test_number_with_trailing_junk(self):
        self.assert_problem("lr: 0.1}", "lr: 0.1x}", "0.1x", key="0.1x")

    def test_exponent_is_no_whole_number(self):
        self.assert_problem("rounds: 4", "rounds: 1e3", "1e3", key="1e3")

    def test_negative_power(self):
        self.assert_problem("train_w: 8\n", "train_w: -3\n", "-3",
                            "train_w", key="-3")

    def test_alpha_0(self):
        self.assert_problem("partition: iid",
                            "partition: {kind: dirichlet, alpha: 0.0}",
                            "alpha", key="0.0}")

    def test_more_clients_per_round_than_clients(self):
        self.assert_problem("clients_per_round: 3", "clients_per_round: 77",
                            "77", "6", key="77")

    def test_unknown_zone_names_the_nearest(self):
        self.assert_problem("zone: DE", "zone: DEE", "DEE", "DE", key="DEE")

    def test_unknown_link_names_the_nearest(self):
        # A link of one's own needs all its facts; this one lacks one.
        self.assert_problem("link: home_wifi", "link: home_wify", "home_wify",
                            "home_wifi", key="home_wify", scenario=changed(
                                SCENARIO, "    router_w: 7.5\n", ""))

    def test_a_missing_fact_is_not_guessed(self):
        path = self.write("bad.yaml", changed(SCENARIO, "pue: 1.5, ", ""))
        self.assert_refused(self.call("validate", path), "bad.yaml:", "pue")

    def test_all_mistakes_are_told_at_once(self):
        text = changed(SCENARIO, "rounds: 4", "rounds: 1e3")
        text = changed(text, "zone: DE", "zone: XX-NOWHERE")
        path = self.write("bad.yaml", text)
        self.assert_refused(self.call("validate", path), "1e3", "XX-NOWHERE")

    def test_set_is_checked_like_the_file(self):
        path = self.write("good.yaml", SCENARIO)
        for assignment, word in (("train.rounds=0", "rounds"),
                                 ("train.nonsense=1", "nonsense"),
                                 ("train.rounds", "train.rounds"),
                                 ("=", "--set")):
            with self.subTest(assignment=assignment):
                self.assert_refused(
                    self.call("validate", path, "--set", assignment), word)

    def test_empty_file(self):
        path = self.write("empty.yaml", "")
        self.assert_refused(self.call("run", path), "empty.yaml")
        self.assert_refused(self.call("validate", path), "empty.yaml")

    def test_bytes_that_are_no_text(self):
        path = self.write("noise.yaml", bytes(range(256)) * 64)
        self.assert_refused(self.call("validate", path), "noise.yaml")

    def test_missing_file_and_a_folder(self):
        self.assert_refused(self.call("run", "nowhere.yaml"), "nowhere.yaml")
        (self.dir / "folder.yaml").mkdir()
        self.assert_refused(self.call("run", "folder.yaml"), "folder.yaml")

    def test_very_deep_and_very_long_files(self):
        deep = self.write("deep.yaml", "a: " + "[" * 100000)
        self.assert_refused(self.call("validate", deep), "deep.yaml")
        long = self.write("long.yaml", "a: 1\n" * 1000000)
        self.assert_refused(self.call("validate", long), "long.yaml")


class CommandLine(Case):
    def test_wrong_commands_and_options(self):
        path = self.write("good.yaml", SCENARIO)
        for args in ((), ("frobnicate",), ("run",), ("run", path, "--nonsense"),
                     ("run", path, "--processes", "0"),
                     ("run", path, "--processes", "2x"),
                     ("run", path, "--seed", "1.5"), ("list", "nonsense"),
                     ("compare",), ("compare", "nowhere"),
                     ("compare", self.dir, "--format", "docx")):
            with self.subTest(args=args):
                self.assert_refused(self.call(*args))

    def test_every_list_that_help_names_is_there(self):
        done = self.call("list", "--help")
        self.assertEqual(done.returncode, 0, done.stderr)
        words = re.findall(r"^  ([a-z]+)  +\S", done.stdout, re.M)
        self.assertIn("zones", words)
        for word in words:
            with self.subTest(word=word):
                listed = self.call("list", word)
                self.assertEqual(listed.returncode, 0, listed.stderr)
                self.assertTrue(listed.stdout.strip())

    def test_zones_stand_in_columns(self):
        for line in self.call("list", "zones").stdout.splitlines():
            self.assertRegex(line, r"^.{35} gCO2e/kWh in \d{4}  .{33}  \S")

    def test_a_seed_is_read_to_its_end(self):
        path = self.write("good.yaml", SCENARIO)
        done = self.call("run", path, "--out", "never", "--seed",
                         "0" * 60 + "42")  # its first 58 digits are 0
        self.assert_refused(done, "--seed", "62 characters, allowed 58")
        self.assertFalse((self.dir / "never").exists())


class Output(Case):
    """Where nothing can be printed, the exit code says so."""

    def printing(self):
        run = self.run_ok("run")
        path = self.write("good.yaml", SCENARIO)
        return (("export", run, "--format", "ghg"), ("compare", run),
                ("watch", run, "--once"), ("validate", path),
                ("estimate", path), ("list", "devices"), ("--version",))

    def started_as(self, redirections, *args):
        return self.run_to_end(
            ["sh", "-c", f'exec "$@" {redirections}', "sh",
             *self.command(*args)], stdin=subprocess.DEVNULL)

    def test_output_that_does_not_arrive_is_a_failure(self):
        for args in self.printing():
            for where in (">/dev/full", ">&-"):
                with self.subTest(args=args, where=where):
                    self.assert_refused(self.started_as(where, *args),
                                        "cannot write")

    def test_a_run_takes_no_closed_stream_for_a_file(self):
        path = self.write("good.yaml", SCENARIO)
        self.run_ok("whole")
        done = self.started_as("<&- >&- 2>&-", "run", path, "--out", "run")
        self.assertEqual(done.returncode, 1, "its table was not printed")
        self.assertEqual(self.hashes(self.dir / "run"),
                         self.hashes(self.dir / "whole"))
        done = self.started_as("2>&-", "compare", self.dir / "run")
        self.assertEqual(done.returncode, 0)

    def test_a_page_over_the_limit_of_files_is_refused(self):
        run = self.run_ok("run")
        done = self.call(
            "report", run, "--out", "page.html",
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE,
                                                  (1000, 1000)))
        self.assert_refused(done, "page.html", "File too large")
        self.assertFalse((self.dir / "page.html").exists())


class Traces(Case):
    """Hourly grid intensity from a file."""

    HOURS = 48

    def rows(self, intensity="300"):
        return ["datetime_utc,DE,FR"] + [
            f"2022-06-{1 + h // 24:02}T{h % 24:02}:00Z,{intensity},50"
            for h in range(self.HOURS)]

    def run_with(self, rows):
        self.write("trace.csv", "\n".join(rows) + "\n")
        path = self.write("hourly.yaml", changed(
            SCENARIO, "grid: {kind: annual, zones: {DE: 400, FR: 50}}",
            f"grid: {{kind: hourly, trace: {self.dir}/trace.csv}}\n"
            "  start: 2022-06-01T00:00Z"))
        return self.call("run", path, "--out", self.dir / "run", "--quiet")

    def test_a_whole_trace_is_accepted(self):
        done = self.run_with(self.rows())
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_gap_is_refused_at_its_line(self):
        rows = self.rows()
        del rows[20]
        self.assert_refused(self.run_with(rows), "trace.csv:21")

    def test_disorder_is_refused_at_its_line(self):
        rows = self.rows()
        rows[9], rows[10] = rows[10], rows[9]
        self.assert_refused(self.run_with(rows), "trace.csv:1")

    def test_a_cell_that_is_no_number_is_refused_at_its_line(self):
        for cell in ("", "-1", "nan", "12x"):
            with self.subTest(cell=cell):
                rows = self.rows()
                rows[5] = rows[5].replace("300", cell)
                self.assert_refused(self.run_with(rows), "trace.csv:6")

    def test_a_question_outside_the_trace_is_refused(self):
        rows = self.rows()
        del rows[1:25]
        self.assert_refused(self.run_with(rows), "trace")


def idx(shape, n_bytes=None, magic=None):
    """An IDX file of zeros; n_bytes items of data instead of what the header
    says."""
    header = struct.pack(f">I{len(shape)}I", magic or 0x800 | len(shape),
                         *shape)
    size = 1
    for axis in shape:
        size *= axis
    return header + bytes(size if n_bytes is None else n_bytes)


class IdxFiles(Case):
    """Files of a data set that are not what they claim to be."""

    NAMES = {"train-images-idx3-ubyte": (40, 28, 28),
             "train-labels-idx1-ubyte": (40,),
             "t10k-images-idx3-ubyte": (20, 28, 28),
             "t10k-labels-idx1-ubyte": (20,)}

    runs = 0

    def run_with(self, name, content, verify="false"):
        for other, shape in self.NAMES.items():
            self.write(f"data/fashion-mnist/{other}", idx(shape))
            (self.dir / f"data/fashion-mnist/{other}.gz").unlink(
                missing_ok=True)
        if name.endswith(".gz"):
            (self.dir / "data/fashion-mnist" / name[:-3]).unlink()
        if content is None:
            (self.dir / "data/fashion-mnist" / name).unlink()
        else:
            self.write(f"data/fashion-mnist/{name}", content)
        path = self.write("idx.yaml", changed(
            SCENARIO, "dataset: {kind: glyphs, writers: 60, "
            "samples_per_writer: 20, test_writers: 10}",
            f"dataset: {{kind: fashion_mnist, verify: {verify}}}\n"
            f"  root: {self.dir}/data"))
        self.runs += 1
        return self.call("run", path, "--out", self.dir / f"run-{self.runs}",
                         "--quiet")

    def test_each_damage_is_refused_with_the_name_of_the_file(self):
        name = "train-images-idx3-ubyte"
        shape = self.NAMES[name]
        for what, content in (
                ("empty", b""),
                ("header alone", idx(shape, 0)),
                ("half a header", idx(shape)[:9]),
                ("one byte short", idx(shape)[:-1]),
                ("one byte too many", idx(shape) + b"x"),
                ("another magic", idx(shape, magic=0x00000D03)),
                ("4 GiB by its header", idx((2**31, 28, 28), 100)),
                ("overflowing axes", idx((2**32 - 1,) * 3, 100)),
                ("no samples", idx((0, 28, 28)))):
            with self.subTest(what=what):
                self.assert_refused(self.run_with(name, content), name)

    def test_another_content_than_the_published_is_refused(self):
        name = "train-images-idx3-ubyte"
        self.assert_refused(self.run_with(name, idx(self.NAMES[name]), "true"),
                            name, "SHA-256", "verify: false")

    def test_compressed_files_are_checked_too(self):
        name = "train-images-idx3-ubyte.gz"
        whole = gzip.compress(idx((40, 28, 28)))
        for what, content in (("cut off", whole[:-20]),
                              ("not gzip", b"\x1f\x8b" + bytes(50)),
                              ("short inside",
                               gzip.compress(idx((40, 28, 28))[:-1]))):
            with self.subTest(what=what):
                self.assert_refused(self.run_with(name, content),
                                    "train-images-idx3-ubyte")

    def test_labels_that_do_not_fit_the_images(self):
        name = "train-labels-idx1-ubyte"
        self.assert_refused(self.run_with(name, idx((39,))), name)

    def test_a_missing_set_says_how_to_get_it(self):
        self.assert_refused(
            self.run_with("t10k-labels-idx1-ubyte", None),
            "t10k-labels-idx1-ubyte", "github.com/zalandoresearch")


class Places(Case):
    """Where results go, and where processes meet."""

    def test_unwritable_output_directory(self):
        path = self.write("good.yaml", SCENARIO)
        # A file where a directory should be refuses root as well.
        self.write("file", "not a directory")
        self.assert_refused(self.call("run", path, "--out", "file/run"),
                            "file/run")
        self.assert_refused(self.call("run", path, "--out", "file"), "file")
        self.assert_refused(
            self.call("run", path, "--out", "/proc/fedcarbon-run"),
            "/proc/fedcarbon-run")

    def test_a_directory_that_holds_a_run_is_not_overwritten(self):
        run = self.run_ok("run")
        before = self.hashes(run)
        path = self.write("good.yaml", SCENARIO)
        self.assert_refused(self.call("run", path, "--out", run), "run")
        self.assertEqual(self.hashes(run), before)

    def test_resume_of_nothing_and_of_a_finished_run(self):
        path = self.write("good.yaml", SCENARIO)
        self.assert_refused(
            self.call("run", path, "--out", "nowhere", "--resume"), "nowhere")

    def test_port_in_use(self):
        path = self.write("good.yaml", SCENARIO)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
            done = self.call("run", path, "--out", self.dir / "run",
                             "--listen", address)
        self.assert_refused(done, address)
        self.assert_nothing_left_running(self.dir / "run")

    def test_full_disk(self):
        disk = self.dir / "disk"
        disk.mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=150k", "tmpfs", disk],
            capture_output=True)
        if mounted.returncode != 0:
            self.skipTest("cannot mount a small disk here (needs root)")
        self.addCleanup(subprocess.run, ["umount", disk], check=True)
        path = self.write("long.yaml", changed(SCENARIO, "rounds: 4",
                                               "rounds: 100000"))
        done = self.call("run", path, "--out", disk / "run", "--quiet",
                         "--cache-dir", self.dir / "cache")
        self.assert_refused(done, str(disk / "run"), "full")
        self.assert_nothing_left_running(disk / "run")

    def test_a_limit_on_the_size_of_files(self):
        path = self.write("good.yaml", SCENARIO)
        done = self.call(
            "run", path, "--out", self.dir / "run", "--quiet",
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE,
                                                  (20000, 20000)))
        self.assert_refused(done)
        self.assert_nothing_left_running(self.dir / "run")


class DamagedRuns(Case):
    """A run's own files, changed by somebody else."""

    def interrupted(self):
        """A run that was killed after a checkpoint."""
        path = self.write("long.yaml", changed(SCENARIO, "rounds: 4",
                                               "rounds: 100000"))
        run = self.dir / "run"
        watched = self.start("run", path, "--out", run, "--processes", "2")
        watched.wait_for_commit(run)
        watched.process.kill()
        watched.finish()  # the terminal closes with the last process
        return path, run

    def test_a_corrupt_checkpoint_is_refused(self):
        path, run = self.interrupted()
        db = sqlite3.connect(run / "run.sqlite")
        with db:
            changed_rows = db.execute(
                "UPDATE checkpoint SET bytes = zeroblob(length(bytes))"
            ).rowcount
        db.close()
        self.assertGreater(changed_rows, 0, "there was a checkpoint")
        self.assert_refused(self.call("run", path, "--out", run, "--resume"),
                            "checkpoint")

    def test_a_truncated_store_is_refused(self):
        path, run = self.interrupted()
        for name in ("run.sqlite-wal", "run.sqlite-shm"):
            (run / name).unlink(missing_ok=True)
        store = run / "run.sqlite"
        os.truncate(store, store.stat().st_size // 2)
        self.assert_refused(self.call("run", path, "--out", run, "--resume"),
                            "run.sqlite")
        self.assert_refused(self.call("compare", run), "run.sqlite")

    def test_another_scenario_does_not_resume_it(self):
        _, run = self.interrupted()
        other = self.write("other.yaml", changed(SCENARIO, "lr: 0.1",
                                                 "lr: 0.2"))
        self.assert_refused(self.call("run", other, "--out", run, "--resume"),
                            "scenario")


if __name__ == "__main__":
    unittest.main()
