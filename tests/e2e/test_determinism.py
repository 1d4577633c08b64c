"""The determinism promise: same scenario and seed, same bits, whatever the
number of processes."""

import unittest

from support import Case


class Processes(Case):
    def test_1_2_4_and_7_processes_give_the_same_bits(self):
        expected = None
        for n in (1, 2, 4, 7):
            hashes = self.hashes(self.run_ok(f"run-{n}", "--processes", n))
            self.assertEqual(set(hashes),
                             {"federated", "centralized", "local"})
            expected = expected or hashes
            self.assertEqual(hashes, expected, f"{n} processes")

    def test_another_seed_gives_other_bits(self):
        one = self.hashes(self.run_ok("one", "--seed", 1))
        two = self.hashes(self.run_ok("two", "--seed", 2))
        for arm, (model, _) in one.items():
            self.assertNotEqual(model, two[arm][0], arm)

    def test_augmented_samples_are_the_same_in_any_process(self):
        plain = self.hashes(self.run_ok("plain"))
        augment = ("--set", "data.augment={crop: 2, flip: true}")
        one = self.hashes(self.run_ok("one", "--processes", 1, *augment))
        three = self.hashes(self.run_ok("three", "--processes", 3, *augment))
        self.assertEqual(one, three)
        for arm, (model, _) in plain.items():
            self.assertNotEqual(model, one[arm][0], arm)


if __name__ == "__main__":
    unittest.main()
