#!/usr/bin/env python3
"""PyTorch's training steps, as bench_train_step's counterpart.

    train_step_torch.py NET BATCH [MOMENTUM [WEIGHT_DECAY [SECONDS]]]
    train_step_torch.py --serve

The first prints samples per CPU second of every way to run the net here. The
second answers lines as `bench_train_step --serve` does (nets.h), with two
words more: the memory format (`plain` or `last`, for channels_last) and the
implementation of SGD (`loop`, `foreach` or `fused`):

    NET BATCH MOMENTUM WEIGHT_DECAY SECONDS FORMAT SGD   ->  ok SAMPLES_PER_S N_PARAMS
    ways NET                                             ->  ok FORMAT/SGD ...

One thread; CPU time; each request starts from fresh parameters and one step
that is not counted. Exits with 77 when there is no PyTorch.
"""

import gc
import inspect
import sys
import time

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    print("train_step_torch.py: this Python has no PyTorch", file=sys.stderr)
    sys.exit(77)

from torch_nets import NETS, inputs


class Task:
    """One net being trained in one way."""

    def __init__(self, name, batch, momentum, weight_decay, memory, sgd):
        torch.manual_seed(1)
        self.net = NETS[name][0]().train()
        self.x, self.labels = inputs(name, batch)
        self.batch = batch
        if memory == "last":
            self.net = self.net.to(memory_format=torch.channels_last)
            self.x = self.x.contiguous(memory_format=torch.channels_last)
        self.fresh = [p.detach().clone() for p in self.net.parameters()]
        self.sgd_options = {"lr": 1e-3, "momentum": momentum,
                            "weight_decay": weight_decay}
        if sgd != "loop":
            self.sgd_options[sgd] = True
        elif "foreach" in inspect.signature(torch.optim.SGD).parameters:
            self.sgd_options["foreach"] = False

    def n_params(self):
        return sum(p.numel() for p in self.net.parameters())

    def step(self):
        self.sgd.zero_grad(set_to_none=True)
        loss = F.cross_entropy(self.net(self.x), self.labels)
        loss.backward()
        self.sgd.step()

    def measure(self, round_s):
        """Samples per CPU second."""
        with torch.no_grad():
            for parameter, fresh in zip(self.net.parameters(), self.fresh):
                parameter.copy_(fresh)
        self.sgd = torch.optim.SGD(self.net.parameters(), **self.sgd_options)
        self.step()
        gc.collect()
        gc.disable()
        steps, start_s, spent_s = 0, time.process_time(), 0.0
        while steps == 0 or spent_s < round_s:
            self.step()
            steps += 1
            spent_s = time.process_time() - start_s
        gc.enable()
        return steps * self.batch / spent_s


def ways(name):
    formats = ["plain", "last"] if len(NETS[name][1]) == 3 else ["plain"]
    known = inspect.signature(torch.optim.SGD).parameters
    sgds = ["loop"] + [s for s in ("foreach", "fused") if s in known]
    return [f"{memory}/{sgd}" for memory in formats for sgd in sgds]


def blas():
    text = torch.__config__.show()
    return "MKL" if "BLAS_INFO=mkl" in text else "the system's BLAS"


def answer(words, kept):
    asks_ways = words[0] == "ways"
    name = words[asks_ways]
    if name not in NETS:
        return "missing"
    if asks_ways:
        return "ok " + " ".join(ways(name))
    _, batch, momentum, weight_decay, round_s, memory, sgd = words
    key = (name, batch, momentum, weight_decay, memory, sgd)
    if kept.get("key") != key:
        kept.clear()
        gc.collect()
        kept["task"] = Task(name, int(batch), float(momentum),
                            float(weight_decay), memory, sgd)
        kept["key"] = key
    speed = kept["task"].measure(float(round_s))
    return f"ok {speed:.6g} {kept['task'].n_params()}"


def serve():
    print(f"ready PyTorch {torch.__version__}, {blas()}", flush=True)
    kept = {}
    for line in sys.stdin:
        try:
            said = answer(line.split(), kept)
        except Exception as error:  # whatever PyTorch cannot do here
            said = "error " + " ".join(str(error).split())
            kept.clear()
        print(said, flush=True)


def main():
    torch.set_num_threads(1)
    words = sys.argv[1:]
    if words == ["--serve"]:
        serve()
        return
    if len(words) < 2:
        sys.exit(__doc__)
    words += ["0", "0", "0.2"][len(words) - 2:]
    print(f"# PyTorch {torch.__version__}, {blas()}")
    print("net,batch,way,samples_per_s")
    for way in ways(words[0]):
        said = answer(words + way.split("/"), {})
        print(f"{words[0]},{words[1]},{way},{said.split()[1]}")


if __name__ == "__main__":
    main()
