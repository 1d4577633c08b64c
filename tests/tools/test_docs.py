"""Links in the documentation lead somewhere: files and headings."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKIPPED = {"build", "runs", "data", ".git"}
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def pages():
    return [p for p in sorted(ROOT.rglob("*.md"))
            if p.relative_to(ROOT).parts[0] not in SKIPPED]


def without_code(text):
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    return re.sub(r"`[^`\n]*`", "", text)


def anchors(page):
    """The names that hosting sites give to the headings of a page."""
    names = set()
    for heading in re.findall(r"^#+\s+(.+)$", page.read_text(), flags=re.M):
        name = re.sub(r"[^\w\- ]", "", heading.strip().lower())
        names.add(name.replace(" ", "-"))
    return names


class Links(unittest.TestCase):
    def test_every_relative_link_leads_to_a_file_or_heading(self):
        broken = []
        for page in pages():
            for link in LINK.findall(without_code(page.read_text())):
                if re.match(r"[a-z]+:", link):
                    continue
                path, _, anchor = link.partition("#")
                target = (page.parent / path).resolve() if path else page
                if not target.exists():
                    broken.append(f"{page.relative_to(ROOT)}: {link}")
                elif anchor and anchor not in anchors(target):
                    broken.append(f"{page.relative_to(ROOT)}: {link}, no such"
                                  " heading")
        self.assertEqual(broken, [])

    def test_every_page_in_docs_is_linked_from_its_index(self):
        index = (ROOT / "docs/README.md").read_text()
        missing = [p.name for p in sorted((ROOT / "docs").glob("*.md"))
                   if p.name != "README.md" and f"({p.name})" not in index]
        self.assertEqual(missing, [])


if __name__ == "__main__":
    unittest.main()
