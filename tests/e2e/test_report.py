"""fedcarbon report: what is on the page is what compare prints, and what
cannot be had is said."""

import html.parser
import json
import re
import unittest

from support import SCENARIO, Case, changed

TARGET = changed(SCENARIO, "  rounds: 4\n",
                 "  rounds: 4\n  stop: {accuracy: 0.05}\n")


class Page(html.parser.HTMLParser):
    """Tables by id as rows of cells, texts of elements by id, the data."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tables, self.texts, self.attributes = {}, {}, []
        self.open = []
        self.table = self.cell = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.attributes.append((tag, attrs))
        if tag in ("meta", "link"):
            return
        self.open.append((tag, attrs.get("id")))
        if tag == "table":
            self.table = self.tables.setdefault(attrs["id"], [])
        elif tag == "tr":
            self.table.append([])
        elif tag in ("td", "th"):
            self.table[-1].append("")
            self.cell = True

    def handle_endtag(self, tag):
        opened, _ = self.open.pop()
        if opened != tag:
            raise AssertionError(f"</{tag}> closes <{opened}>")
        if tag in ("td", "th"):
            self.cell = None

    def handle_data(self, data):
        if self.cell:
            self.table[-1][-1] += data
        for _, name in self.open:
            if name:
                self.texts[name] = self.texts.get(name, "") + data


def plain(text):
    """As compare has it: the page sets some signs."""
    for sign, typed in (("\u2082", "2"), ("\u00a0", " "), ("\u00b1", "+-"),
                        ("\u2013", "-"), ("\u00d7", "x")):
        text = text.replace(sign, typed)
    return " ".join(text.split())


def markdown_table(text):
    rows = [line.strip().strip("|") for line in text.splitlines()
            if line.startswith("|")]
    cells = [[re.sub(r"\\(.)", r"\1", cell).strip()
              for cell in re.split(r"(?<!\\)\|", row)] for row in rows]
    return [cells[0], *cells[2:]]


class Report(Case):
    def page(self, *args, status=0):
        done = self.call("report", *args)
        self.assertEqual(done.returncode, status, done.stderr)
        text = (self.dir / "report.html").read_text(encoding="utf-8")
        self.assertIn("report.html: ", done.stdout)
        return Page(text), done

    def assert_same_table(self, page, *args):
        done = self.call("compare", *args, "--format", "md")
        self.assertEqual(done.returncode, 0, done.stderr)
        wanted = markdown_table(done.stdout)
        found = [[plain(cell) for cell in row]
                 for row in page.tables["comparison-table"]]
        heads = [re.sub(r" \(([^()]*)\)$", r" \1", head) for head in wanted[0]]
        self.assertEqual(found, [heads, *wanted[1:]])

    def test_the_table_is_that_of_compare(self):
        run = self.run_ok("run", scenario=TARGET)
        page, _ = self.page(run)
        self.assert_same_table(page, run)
        answer = plain(page.texts["answer"])
        ratio = page.tables["comparison-table"][2][-2]
        self.assertIn(f"To reach 0.05 test accuracy, federated learning "
                      f"emitted {plain(ratio)} x (5-95 %: ", answer)

    def test_seeds_and_keys_are_those_of_compare(self):
        self.write("s.yaml", TARGET)
        done = self.call("sweep", "s.yaml", "--out", "sweep", "--quiet",
                         "--vary", "data.clients=6,8", "--seeds", "2")
        self.assertEqual(done.returncode, 0, done.stderr)
        runs = sorted(path.parent for path in self.dir.glob(
            "sweep/*/manifest.json"))
        by_clients = sorted(runs, key=lambda run: self.sql(
            run, "SELECT value + 0 FROM meta WHERE key = 'clients'"))
        page, _ = self.page("sweep")  # in the order of what varies
        self.assert_same_table(page, *by_clients, "--by", "data.clients")
        self.assertIn("of 2 settings", plain(page.texts["answer"]))
        self.assertIn("mean of 2 seeds", plain(page.texts["answer"]))
        charts = json.loads(page.texts["charts"])
        self.assertGreaterEqual(len(charts), 5)
        ids = {attrs.get("id") for _, attrs in page.attributes}
        for chart in charts:
            self.assertIn(f"figure-{chart['name']}", ids)

    def test_what_cannot_be_had_is_said_twice_and_the_rest_shown(self):
        run = self.run_ok("run")
        page, done = self.page(run, "nothing-here", "--title", "A <b> title",
                               status=1)
        self.assertIn("nothing-here", done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1)
        text = (self.dir / "report.html").read_text(encoding="utf-8")
        self.assertIn("<li>nothing-here: there is no run", text)
        self.assertIn("<h1>A &lt;b&gt; title</h1>", text)
        self.assert_same_table(page, run)

    def test_words_that_are_wrong_are_refused(self):
        self.assert_refused(self.call("report"), "which runs or sweeps?")
        self.assert_refused(self.call("report", "x", "--target", "2"),
                            "--target", "(0, 1]")
        self.assert_refused(self.call("report", "x"), "x: there is no run",
                            "no report")
        run = self.run_ok("run")
        self.assert_refused(self.call("report", run, "-o", "no/such/folder"),
                            "no/such/folder")


if __name__ == "__main__":
    unittest.main()
