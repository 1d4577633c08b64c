#!/usr/bin/env python3
"""Forwards, gradients and loss curves of whatever layers and models are
registered, computed by PyTorch in float64, for tests/nn/test_torch.c to compare
with; and how far PyTorch's own float32 is from them, which is the measure.

    torch_reference.py --write FILE PROGRAM    tests/nn/data/torch.txt; cases that it
                                               has already stay as they are
    torch_reference.py --run PROGRAM ...       compare here and now
    torch_reference.py --show PROGRAM NAME...  some cases

PROGRAM is test_nn_torch, which lists the cases. Exit code 77 (skipped) where
PyTorch is missing.
"""
import math
import os
import subprocess
import sys
import tempfile

from torch_nets import Net, batch_of, fill, from_torch, hashed, list_cases, uniform

import numpy as np
import torch
from torch.nn.functional import cross_entropy

STEPS = 20
# Twice the rounding of a number to float32. Numbers that are off by that much
# show how far roundings reach; float32 alone may be right by luck, and sums of
# it may run in more digits.
SHAKE = 2.0 ** -23


def curves_for(grad):
    """lr, momentum, weight_decay. A step on the first batch would lower its loss
    by about 0.1: a curve that jumps about multiplies every rounding."""
    steep = sum(np.dot(g, g) for g in grad if g is not None)
    lr = float(f"{min(0.05, 0.1 / steep):.2g}")
    return [(lr, 0.0, 0.0), (float(f"{lr / 5:.2g}"), 0.9, 0.01)]


class Run:
    """Everything about a case, in one precision."""

    def __init__(self, case, dtype, curves=None, shake=0.0):
        self.case, self.dtype, self.shake = case, dtype, shake
        self.net = Net(case)
        views = case["views"]
        fill(self.net, dtype, shake)
        trained = {id(p) for p in self.net.parameters()}
        self.is_buffer = [id(self.net.numbers(v)) not in trained for v in views]
        x, labels = batch_of(case, 2, dtype, shake)
        with torch.no_grad():
            self.logits = self.net.eval()(x).to(torch.float64).numpy()
        training = self.net.train()(x)
        self.training = training.detach().to(torch.float64).numpy()
        loss = cross_entropy(training, labels)
        loss.backward()
        self.loss = loss.item()
        self.grad = [None if buffer else from_torch(v, self.net.numbers(v).grad)
                     for v, buffer in zip(views, self.is_buffer)]
        self.how = curves or curves_for(self.grad)
        self.curves = [self.curve(*how) for how in self.how]

    def values(self):
        return [from_torch(v, self.net.numbers(v)) for v in self.case["views"]]

    def curve(self, lr, momentum, decay):
        fill(self.net, self.dtype, self.shake)
        start = self.values()
        self.net.train()
        sgd = torch.optim.SGD(self.net.parameters(), lr=lr, momentum=momentum,
                              weight_decay=decay)
        losses = []
        for step in range(STEPS):
            x, labels = batch_of(self.case, 10 + 2 * step, self.dtype, self.shake)
            sgd.zero_grad()
            loss = cross_entropy(self.net(x), labels)
            loss.backward()
            sgd.step()
            losses.append(loss.item())
        x, labels = batch_of(self.case, 2, self.dtype, self.shake)
        with torch.no_grad():
            after = cross_entropy(self.net.eval()(x), labels, reduction="sum").item()
        end = self.values()
        moved = np.concatenate([b - a for a, b, buffer in zip(start, end, self.is_buffer)
                                if not buffer])
        return np.array(losses), after, moved, end


def line(word, errors, values):
    """Errors are bounds, which two digits tell; values need them all."""
    if not all(math.isfinite(v) for v in (*errors, *values)):
        sys.exit(f"torch_reference.py: {word}: not finite")
    print(word, *(f"{float(e):.2g}" for e in errors), *(f"{float(v):.12g}" for v in values))


def largest(a, others):
    return max((np.max(np.abs(a - b)) for b in others), default=0.0)


def distance(a, others):
    return max(np.linalg.norm(a - b) for b in others)


def print_logits(word, exact, others):
    n, classes = exact.shape
    samples = max(1, min(n, 40 // classes))
    line(word, [largest(exact, others)], exact[:samples].reshape(-1))


def print_tensors(case, exact, others):
    n_tensors = sum(not b for b in exact.is_buffer)
    wanted = max(3, min(16, 120 // n_tensors))
    for v, view in enumerate(case["views"]):
        if exact.is_buffer[v]:
            continue
        g, rest = exact.grad[v], [o.grad[v] for o in others]
        if distance(g, rest) > 1e-3 * np.linalg.norm(np.concatenate([x for x in exact.grad
                                                                     if x is not None])):
            sys.exit(f"torch_reference.py: {case['name']}, {view['name']}: PyTorch's float32 "
                     "is wrong, which is no measure")
        n = min(wanted, len(g))
        at = hashed(1000 + v, n).astype(np.int64) % len(g)
        line(f"tensor {view['name']}", [distance(g, rest), largest(g, rest)],
             [np.linalg.norm(g), np.dot(g, uniform(500 + v, len(g))), *g[at]])


def print_curve(case, how, exact, others):
    losses, after, moved, end = exact
    print("curve", *how)
    line("losses", [], losses)
    drift = np.max([np.abs(losses - o[0]) for o in others], axis=0)
    line("drift", np.maximum.accumulate(drift), [])
    line("after", [max(abs(after - o[1]) for o in others)], [after])
    line("moved", [distance(moved, [o[2] for o in others])],
         [np.linalg.norm(moved), np.dot(moved, uniform(3, len(moved)))])


def print_buffers(case, run, exact, others):
    for v, view in enumerate(case["views"]):
        if run.is_buffer[v]:
            line(f"buffer {view['name']}", [largest(exact[3][v], [o[3][v] for o in others])],
                 exact[3][v][:8])


def print_case(case):
    exact = Run(case, torch.float64)
    others = [Run(case, torch.float32, exact.how)]
    with torch.backends.mkldnn.flags(enabled=False):
        others.append(Run(case, torch.float32, exact.how, SHAKE))
    print("case", case["name"])
    print("id", case["id"])
    print_logits("logits", exact.logits, [o.logits for o in others])
    if case["sees_batch"]:
        print_logits("training", exact.training, [o.training for o in others])
    line("loss", [max(largest(exact.training, [o.training]) for o in others)], [exact.loss])
    print_tensors(case, exact, others)
    for i, how in enumerate(exact.how):
        rest = [o.curves[i] for o in others]
        print_curve(case, how, exact.curves[i], rest)
        print_buffers(case, exact, exact.curves[i], rest)
    print("end")


def print_all(cases, known=()):
    torch.set_num_threads(1)
    print(f"# torch_reference.py, torch {torch.__version__}: float64, and before it how far")
    print("# float32 is from that")
    for case in cases:
        text = f"case {case['name']}\nid {case['id']}\n"
        kept = [block for block in known if block.startswith(text)]
        if kept:
            print(kept[0] + "end")
        else:
            print_case(case)


def read_known(path):
    """The cases of a file that are still the same."""
    if not os.path.exists(path):
        return ()
    with open(path, encoding="ascii") as file:
        text = file.read()
    return ["case " + block.removesuffix("end\n") for block in text.split("case ")[1:]]


def write_all(path, cases, known=()):
    with open(path, "w", encoding="ascii") as file:
        sys.stdout, before = file, sys.stdout
        try:
            print_all(cases, known)
        finally:
            sys.stdout = before


def compare(programs):
    with tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False) as file:
        pass
    try:
        write_all(file.name, list_cases(programs[0]))
        return max(subprocess.run([p, file.name, "all"], check=False).returncode
                   for p in programs)
    finally:
        os.unlink(file.name)


def main():
    how = sys.argv[1] if len(sys.argv) > 1 else ""
    if how == "--run" and len(sys.argv) > 2:
        return compare(sys.argv[2:])
    if how == "--write" and len(sys.argv) == 4:
        write_all(sys.argv[2], list_cases(sys.argv[3]), read_known(sys.argv[2]))
        return 0
    if how == "--show" and len(sys.argv) > 3:
        print_all([c for c in list_cases(sys.argv[2]) if c["name"] in sys.argv[3:]])
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
