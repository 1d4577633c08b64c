"""Shell scripts: they parse, and tools/setup.sh installs what is missing and
says so where it cannot. Programs that would change the system are replaced by
ones that write down how they were called."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPTS = ["quickstart", "check", ".ci/run", "tools/setup.sh", "tools/format",
           "tools/nightly"]
TOOLS = ["sh", "sed", "tr", "date", "tail", "cat", "env", "head", "grep"]
PACKAGES = """\
# [run]: a comment, no package
alpha-dev [run]
libbeta++1.0 [run]
gamma [check]
delta [dev]
"""


class Scripts(unittest.TestCase):
    def test_every_script_parses(self):
        for script in SCRIPTS:
            with self.subTest(script=script):
                subprocess.run(["sh", "-n", script], cwd=ROOT, check=True)

    def test_every_script_but_the_sourced_one_can_be_started(self):
        for script in SCRIPTS:
            with self.subTest(script=script):
                self.assertEqual(os.access(ROOT / script, os.X_OK),
                                 script != "tools/setup.sh")

    @unittest.skipUnless(shutil.which("shellcheck"), "no shellcheck")
    def test_shellcheck_finds_nothing(self):
        found = subprocess.run(["shellcheck", "-x", *SCRIPTS], cwd=ROOT,
                               capture_output=True, text=True)
        self.assertEqual(found.returncode, 0, found.stdout)

    def test_every_package_has_one_known_mark(self):
        names = []
        for line in (ROOT / "tools/packages.txt").read_text().splitlines():
            if not line.startswith("#"):
                self.assertRegex(
                    line, r"^[a-z0-9][a-z0-9.+-]* \[(run|check|dev|cluster)\]$")
                names.append(line.split()[0])
        self.assertEqual(len(names), len(set(names)))

    def test_a_wrong_option_is_refused(self):
        for script in ("check", "tools/format", "tools/nightly"):
            with self.subTest(script=script):
                said = subprocess.run([ROOT / script, "--nonsense"],
                                      capture_output=True, text=True)
                self.assertEqual(said.returncode, 2)
                self.assertIn("usage:", said.stderr)


class Setup(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.bin = self.root / "bin"
        for name in ("bin", "build", "tools"):
            (self.root / name).mkdir()
        shutil.copy(ROOT / "tools/setup.sh", self.root / "tools")
        (self.root / "tools/packages.txt").write_text(PACKAGES)
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))
        self.fake("dpkg-query", 'case "$*" in *alpha-dev*) '
                  'echo "install ok installed" ;; *) exit 1 ;; esac')
        self.fake("id", "echo 0")

    def fake(self, name, body):
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def run_sh(self, text):
        return subprocess.run(
            ["sh", "-c", f". tools/setup.sh\n{text}", "quickstart"],
            cwd=self.root, env={"PATH": str(self.bin)},
            capture_output=True, text=True)

    def calls(self):
        log = self.root / "calls"
        return log.read_text() if log.exists() else ""

    def test_only_missing_packages_of_the_marks_are_named(self):
        self.assertEqual(self.run_sh("packages_missing run").stdout,
                         "libbeta++1.0\n")
        self.assertEqual(self.run_sh("packages_missing run check").stdout,
                         "libbeta++1.0\ngamma\n")

    def test_nothing_missing_installs_nothing(self):
        self.fake("dpkg-query", 'echo "install ok installed"')
        self.fake("apt-get", 'echo "$0 $*" >>calls')
        said = self.run_sh("install_packages run")
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertEqual(self.calls(), "")

    def test_root_installs_without_sudo_and_updates_only_when_needed(self):
        self.fake("apt-get", 'echo "apt-get $*" >>calls')
        said = self.run_sh("install_packages run")
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertIn("libbeta++1.0\n", self.calls())
        self.assertNotIn("alpha-dev", self.calls())
        self.assertNotIn("update", self.calls())

    def test_lists_are_updated_when_the_first_attempt_fails(self):
        self.fake("apt-get", 'echo "apt-get $*" >>calls\n'
                  'case "$*" in update*) : >updated ;; esac\n[ -e updated ]')
        said = self.run_sh("install_packages run")
        self.assertEqual(said.returncode, 0, said.stderr)
        verbs = re.findall(r"apt-get (\w+)", self.calls())
        self.assertEqual(verbs, ["install", "update", "install"])

    def test_others_install_with_sudo(self):
        self.fake("id", "echo 1000")
        self.fake("sudo", 'echo "sudo $*" >>calls')
        self.fake("apt-get", "exit 1")
        said = self.run_sh("install_packages run")
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertRegex(self.calls(), r"^sudo env .*apt-get install .*beta")

    def test_who_cannot_install_is_told_what_is_missing(self):
        said = self.run_sh("install_packages run check")
        self.assertEqual(said.returncode, 1)
        self.assertIn("no apt-get here; please install: libbeta++1.0 gamma",
                      said.stderr)
        self.fake("apt-get", "exit 1")
        self.fake("id", "echo 1000")
        said = self.run_sh("install_packages run")
        self.assertEqual(said.returncode, 1)
        self.assertIn("neither root nor sudo", said.stderr)
        self.fake("id", "echo 0")
        said = self.run_sh("install_packages run")
        self.assertEqual(said.returncode, 1)
        self.assertIn("libbeta++1.0", said.stderr)

    def test_other_systems_are_told_the_names_and_go_on(self):
        (self.bin / "dpkg-query").unlink()
        said = self.run_sh("install_packages run")
        self.assertEqual(said.returncode, 0)
        self.assertIn("alpha-dev libbeta++1.0", said.stdout)

    def test_a_stage_tells_its_time_and_keeps_the_status(self):
        said = self.run_sh('stage one sh -c "exit 3"\necho "status $?"')
        self.assertRegex(said.stdout, r"== one\n== one: \d+ s\nstatus 3\n")

    def test_the_environment_fixes_the_arithmetic(self):
        said = self.run_sh(
            "OPENBLAS_CORETYPE=Haswell OPENBLAS_NUM_THREADS=8\n"
            "export OPENBLAS_CORETYPE OPENBLAS_NUM_THREADS\n"
            "clean_environment\nenv")
        self.assertNotIn("OPENBLAS_CORETYPE", said.stdout)
        self.assertIn("OPENBLAS_NUM_THREADS=1\n", said.stdout)
        self.assertNotIn("FEDCARBON_DATA", said.stdout)
        (self.root / "data").mkdir()
        said = self.run_sh("clean_environment\nenv")
        self.assertIn(f"FEDCARBON_DATA={self.root}/data\n", said.stdout)


if __name__ == "__main__":
    unittest.main()
