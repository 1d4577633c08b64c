#!/usr/bin/env python3
"""libcarbon as other programs meet it: installed into a folder of its own, found
by pkg-config, linked by a C compiler that knows nothing of this tree.

    test_installed.py CMAKE BUILD CC SOURCE

SOURCE is the example program; what it prints is compared with a pencil's.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

CMAKE, BUILD, CC, SOURCE = sys.argv[1:5]


def run(*words, **more):
    return subprocess.run([str(word) for word in words], check=True, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          **more).stdout


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.prefix = pathlib.Path(tempfile.mkdtemp(prefix="libcarbon-"))
        run(CMAKE, "--install", BUILD, "--component", "libcarbon",
            "--prefix", cls.prefix)
        (cls.pc,) = cls.prefix.rglob("libcarbon.pc")
        cls.library = cls.pc.parent.parent

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.prefix)

    def flags(self):
        words = run("pkg-config", "--define-prefix", "--cflags", "--libs",
                    "libcarbon", env={"PKG_CONFIG_PATH": str(self.pc.parent),
                                      "PATH": "/usr/bin:/bin"})
        return words.split()

    def test_the_example_builds_and_prints_the_pencil_s_figure(self):
        program = self.prefix / "device_day"
        run(CC, "-std=c11", "-Wall", "-Wextra", "-Werror", SOURCE, "-o",
            program, *self.flags())
        said = run(program, env={"LD_LIBRARY_PATH": str(self.library)})
        # 1.89 W x 600 s + 0.04 W x 85,800 s = 4,566 J
        self.assertTrue(said.startswith("4566.0 J, "), said)

    def test_every_header_stands_alone(self):
        headers = sorted(self.prefix.rglob("carbon/*.h"))
        self.assertGreater(len(headers), 8)
        for header in headers:
            self.assertFalse(header.name.endswith("_priv.h"), header)
            unit = self.prefix / "alone.c"
            unit.write_text(f'#include "carbon/{header.name}"\n')
            run(CC, "-std=c11", "-Wall", "-Wextra", "-Werror", "-c", unit,
                "-o", self.prefix / "alone.o", *self.flags()[:1])

    def test_the_library_shows_its_own_names_alone(self):
        (library,) = [path for path in self.library.glob("libcarbon.so.*.*")]
        names = re.findall(r" [TDBR] (\w+)", run("nm", "-D", library))
        self.assertIn("carbon_account", names)
        strange = [name for name in names
                   if not re.match(r"carbon_|fl_(status_name|fail)", name)]
        self.assertEqual(strange, [])

    def test_the_library_needs_nothing_of_the_simulator(self):
        (library,) = [path for path in self.library.glob("libcarbon.so.*.*")]
        needed = re.findall(r"NEEDED.*\[(.*)\]", run("readelf", "-d", library))
        for name in needed:
            self.assertRegex(name, r"^(libc|libm|libz)\.so")

    def test_the_manual_page_is_there(self):
        (page,) = self.prefix.rglob("libcarbon.3")
        self.assertIn("carbon_account", page.read_text())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
