"""How a run trains: optimisers with memory, schedules and clipping keep the
determinism promise; an initial model is where every arm starts from."""

import json
import signal
import struct
import unittest

from support import SCENARIO, Case, changed

ADAM = changed(
    SCENARIO, "local: {epochs: 1, batch: 20, lr: 0.1}",
    "local: {epochs: 2, batch: 20, optimizer: adam, lr: 0.01, clip_norm: 1,\n"
    "          schedule: {kind: cosine, warmup: 2}}")
ADAM = changed(ADAM, "centralized: {epochs: 2}",
               "centralized: {epochs: 40, schedule: {kind: step, every: 9, "
               "gamma: 0.5}}")
ADAM = changed(ADAM, "alone: {epochs: 2}",
               "alone: {epochs: 3, optimizer: sgd, momentum: 0.9, "
               "nesterov: true, lr: 0.1}")


def tensors_of(path):
    """Header and bytes of a safetensors file."""
    data = path.read_bytes()
    (n,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8:8 + n]), data[8 + n:]


def write_safetensors(path, tensors):
    """tensors: name -> (dtype, shape, bytes)"""
    header, blob = {}, b""
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape,
                        "data_offsets": [len(blob), len(blob) + len(data)]}
        blob += data
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + blob)
    return path


class Optimisers(Case):
    def test_adam_gives_the_same_bits_with_1_and_3_processes(self):
        one = self.hashes(self.run_ok("one", "--processes", 1, scenario=ADAM))
        three = self.hashes(self.run_ok("three", "--processes", 3,
                                        scenario=ADAM))
        self.assertEqual(three, one)
        plain = self.hashes(self.run_ok("plain"))
        for arm, (model, _) in one.items():
            self.assertNotEqual(model, plain[arm][0], arm)

    def test_a_stopped_run_goes_on_with_its_optimisers(self):
        scenario, whole = self.long_scenario(
            wall_s=5, scenario=changed(ADAM, "epochs: 40", "epochs: 400"))
        path = self.write("long.yaml", scenario)
        run = self.dir / "stopped"
        watched = self.start("run", path, "--out", run, "--processes", "2")
        watched.wait_for_round(20)
        watched.process.send_signal(signal.SIGINT)
        status, said = watched.finish()
        self.assertEqual(status, 130, said)
        epochs = self.sql(run, "SELECT count(*) FROM round r JOIN arm a USING "
                          "(arm) WHERE a.name = 'centralized'")[0][0]
        self.assertLess(epochs, 400, "the centralized arm is under way")
        done = self.call("run", path, "--out", run, "--resume", "--processes",
                         "1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.hashes(run), whole)


class InitialModel(Case):
    def setUp(self):
        super().setUp()
        first = self.run_ok("first")
        self.model = first / "model.safetensors"
        self.scenario = changed(
            SCENARIO, "strategy: fedavg",
            f"strategy: fedavg\n  initial_model: {self.model}")

    def test_every_arm_starts_from_the_file(self):
        one = self.run_ok("one", "--processes", 1, scenario=self.scenario)
        three = self.run_ok("three", "--processes", 3, scenario=self.scenario)
        self.assertEqual(self.hashes(one), self.hashes(three))
        for arm, (model, _) in self.hashes(one).items():
            self.assertNotEqual(model, self.hashes(self.dir / "first")[arm][0],
                                arm)
        resolved = (one / "scenario.yaml").read_text()
        self.assertIn("initial_model_sha256: ", resolved)

    def test_training_that_moves_nothing_gives_the_file_back(self):
        still = changed(self.scenario, "lr: 0.1}", "lr: 1e-30}")
        run = self.run_ok("still", scenario=still)
        self.assertEqual(tensors_of(run / "model.safetensors"),
                         tensors_of(self.model))

    def test_a_double_precision_state_dict_is_taken(self):
        header, data = tensors_of(self.model)
        tensors = {}
        for name, tensor in header.items():
            if name == "__metadata__":
                continue
            begin, end = tensor["data_offsets"]
            numbers = struct.unpack(f"<{(end - begin) // 4}f",
                                    data[begin:end])
            tensors[name] = ("F64", tensor["shape"],
                             struct.pack(f"<{len(numbers)}d", *numbers))
        tensors["1.num_batches_tracked"] = ("I64", [], struct.pack("<q", 7))
        path = write_safetensors(self.dir / "wide.safetensors", tensors)
        scenario = changed(self.scenario, str(self.model), path.name)
        one = self.run_ok("one", scenario=scenario)
        two = self.run_ok("two", scenario=self.scenario)
        for arm, (model, _) in self.hashes(one).items():
            self.assertEqual(model, self.hashes(two)[arm][0], arm)

    def test_another_model_or_a_changed_file_is_refused(self):
        path = self.write("other.yaml", changed(self.scenario, "model: logreg",
                                                "model: mlp"))
        self.assert_refused(self.call("run", path), "3.weight", "5.bias")
        path = self.write("same.yaml", self.scenario)
        self.assertEqual(self.call("run", path, "--out", "run").returncode, 0)
        resolved = self.dir / "run" / "scenario.yaml"
        self.model.write_bytes(self.model.read_bytes() + b"\0")
        self.assert_refused(self.call("run", resolved, "--out", "again"),
                            "train.initial_model_sha256")


if __name__ == "__main__":
    unittest.main()
