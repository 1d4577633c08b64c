"""The published sweep, whole: 12 points with their centralized and local arms
in every format; its LaTeX compiles, also as a table longer than a page; pandas
reads the CSV where it is there."""

import csv
import json
import pathlib
import unittest

from support import Case, have, needs_data

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEAD = r"""\documentclass[a4paper]{article}
\usepackage[T1]{fontenc}
\usepackage{textcomp}
\usepackage{booktabs}
\usepackage{graphicx}
\usepackage{longtable}
\usepackage{pdflscape}
\usepackage{rotating}
\begin{document}
"""


@needs_data("mnist")
@needs_data("fashion-mnist")
class SweepClients(Case):
    def test_it_ends_in_one_table_that_goes_into_a_paper(self):
        done = self.call("sweep", ROOT / "scenarios/sweep-clients.yaml",
                         "--out", self.dir / "out", "--quiet", "--format",
                         "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = json.loads(done.stdout)
        self.assertEqual(len(rows), 36)
        self.assertEqual({row["arm"] for row in rows},
                         {"federated", "centralized", "local"})
        points = {(row["data.clients"], row["dataset"], row["data.partition"])
                  for row in rows}
        self.assertEqual(len(points), 12)
        for row in rows:
            if row["arm"] != "local":
                self.assertEqual(row["reached"], 1, row)
        out = self.dir / "out"
        with open(out / "table.csv", encoding="utf-8") as file:
            self.assertEqual(len(list(csv.DictReader(file))), 36)
        self.assertIn("| 1000 |", (out / "table.md").read_text())
        tex = (out / "table.tex").read_text()
        for word in ("lifecycle", "annual", "core network"):
            self.assertIn(word, tex)  # boundary, grid, network constants
        with self.subTest("pandas"):
            self.read_with_pandas(out / "table.csv")
        with self.subTest("LaTeX"):
            self.compile(tex)

    def read_with_pandas(self, path):
        done = self.run_to_end(
            ["/usr/bin/python3", "-B",
             ROOT / "tests/results/read_with_pandas.py",
             ROOT / "docs/results.md", path])
        if done.returncode == 77:
            self.skipTest(done.stdout)
        self.assertEqual(done.returncode, 0, done.stderr)

    def compile(self, tex):
        if not have("pdflatex"):
            self.skipTest("there is no pdflatex")
        runs = sorted(path.parent for path in
                      (self.dir / "out").glob("*/run.sqlite"))
        # Every point twice is longer than a page.
        long = self.call("compare", *runs, *runs, "--per-seed", "--format",
                         "latex", "--sci-unit", "round")
        self.assertIn(r"\begin{longtable}", long.stdout)
        self.write("paper.tex", HEAD + tex + "\\begin{landscape}\n"
                   + long.stdout + "\\end{landscape}\n\\end{document}\n")
        for _ in range(2):  # longtable learns its widths
            done = self.run_to_end(
                ["pdflatex", "-halt-on-error", "-interaction=nonstopmode",
                 "paper.tex"], encoding="latin-1")
            self.assertEqual(done.returncode, 0, done.stdout[-3000:])
        log = (self.dir / "paper.log").read_text(encoding="latin-1")
        for kind in ("undefined", "LaTeX Error"):
            self.assertNotIn(kind, log)


if __name__ == "__main__":
    unittest.main()
