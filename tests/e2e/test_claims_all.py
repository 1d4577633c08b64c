"""Every published claim, made anew: its verdict is the published one. Takes
half an hour; needs the data sets."""

import os
import pathlib
import unittest

import support
from test_claims import ROOT, repeat

PUBLISHED = ROOT / "results/published/claims"
DATA = {3: "cifar10/data_batch_1.bin", 4: "fsdd", 7: "mnist", 10: "mnist", 12: "mnist",
        1: "fashion-mnist", 2: "fashion-mnist", 5: "fashion-mnist"}


class Published(support.Case):
    def test_every_claim_comes_out_as_published(self):
        """One after the other: those that share a grid share its runs."""
        root = pathlib.Path(os.environ.get("FEDCARBON_DATA", "/nowhere"))
        for table in sorted(PUBLISHED.glob("[0-9]*.md")):
            number = int(table.stem)
            with self.subTest(claim=number):
                data = DATA.get(number)
                if data and not (root / data).exists():
                    self.skipTest(f"no $FEDCARBON_DATA/{data}")
                repeat(self, number, limit_wall_s=None)
                made = (self.dir / "out" / table.name).read_text()
                self.assertEqual(made.splitlines()[0],
                                 table.read_text().splitlines()[0])


if __name__ == "__main__":
    unittest.main()
