#!/usr/bin/env python3
"""Forwards, gradients and loss curves of small nets and of the named models,
computed by PyTorch in float64, for tests/nn/test_torch.c to compare with.

    torch_reference.py > tests/nn/data/torch.txt      the committed file
    torch_reference.py --run PROGRAM                  compare here and now

Exit code 77 (skipped) where PyTorch is missing. Parameters, inputs and labels
come from a hash that both sides compute, so the file holds results alone.

Layouts: our images are [n, h, w, c], convolution weights [kh, kw, ic, oc],
dense weights [in, out]; flatten is channels last.
"""
import json
import math
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import torch
except ImportError as missing:
    print(f"skipped: {missing}", file=sys.stderr)
    sys.exit(77)

CONV, DENSE, RELU, FLAT = "conv2d", "dense", {"kind": "relu"}, {"kind": "flatten"}


def conv(channels, kernel, **more):
    return {"kind": CONV, "channels": channels, "kernel": kernel, **more}


def dense(units, **more):
    return {"kind": DENSE, "units": units, **more}


def pool(kind, kernel, **more):
    return {"kind": kind, "kernel": kernel, **more}


MODELS = {
    "logreg": [FLAT, dense("classes")],
    "mlp": [FLAT, dense(200), RELU, dense(200), RELU, dense("classes")],
    "lenet5": [conv(6, 5, padding=2), RELU, pool("maxpool2d", 2), conv(16, 5),
               RELU, pool("maxpool2d", 2), FLAT, dense(120), RELU, dense(84),
               RELU, dense("classes")],
    "cnn2": [conv(32, 5, padding=2), RELU, pool("maxpool2d", 2),
             conv(64, 5, padding=2), RELU, pool("maxpool2d", 2), FLAT,
             dense(512), RELU, dense("classes")],
}
# simple_cnn's masks are ours alone, so it is compared with its dropouts at 0.
SIMPLE_CNN = [conv(32, 3), RELU, conv(64, 3), RELU, pool("maxpool2d", 2),
              {"kind": "dropout", "p": 0}, FLAT, dense(128), RELU,
              {"kind": "dropout", "p": 0}, dense("classes")]


def layer_case(*layers):
    """The layers between a convolution, whose gradient shows their dx, and a
    dense layer."""
    return [conv(3, 1), *layers, FLAT, dense("classes")]


# name, model, input [h, w, c], classes, batch
CASES = [
    ("relu", layer_case(RELU), [4, 3, 2], 3, 4),
    ("flatten", layer_case(), [4, 3, 2], 3, 4),
    ("dropout_0", layer_case({"kind": "dropout", "p": 0}), [3, 3, 2], 3, 2),
    ("dense", [conv(3, 1), FLAT, dense(21), RELU, dense(37, bias=False),
               dense("classes")], [3, 4, 2], 5, 7),
    ("maxpool2d", layer_case(pool("maxpool2d", 2)), [5, 6, 2], 3, 3),
    ("maxpool2d_overlapping",
     layer_case(pool("maxpool2d", 3, stride=2)), [8, 7, 2], 3, 3),
    ("maxpool2d_relu", layer_case(RELU, pool("maxpool2d", 2)), [6, 6, 2], 3, 3),
    ("avgpool2d", layer_case(pool("avgpool2d", 2)), [5, 6, 2], 3, 3),
    ("avgpool2d_overlapping",
     layer_case(pool("avgpool2d", 3, stride=2)), [8, 7, 2], 3, 3),
    ("conv2d", layer_case(conv(4, 3)), [6, 5, 2], 3, 3),
    ("conv2d_padding", layer_case(conv(4, 5, padding=2)), [6, 5, 2], 3, 3),
    ("conv2d_stride", layer_case(conv(4, 3, stride=2)), [8, 7, 2], 3, 3),
    ("conv2d_stride_padding",
     layer_case(conv(4, 4, stride=3, padding=2)), [8, 9, 2], 3, 3),
    ("conv2d_wide", [conv(16, 3, padding=1), RELU,
                     conv(18, 3, padding=1, bias=False), FLAT,
                     dense("classes")], [5, 4, 1], 3, 2),
    ("conv2d_wide_border", layer_case(conv(2, 2, padding=3)), [3, 4, 1], 3, 2),
] + [(name, name, [28, 28, 1], 10, 10) for name in MODELS] + [
    ("cnn2_colour", "cnn2", [32, 32, 3], 10, 4),
    ("simple_cnn_without_dropout", SIMPLE_CNN, [32, 32, 3], 10, 10),
]
# lr, momentum, weight_decay
CURVES = [(0.05, 0.0, 0.0), (0.02, 0.9, 0.01)]
STEPS = 10


def hashed(tag, n):
    """murmur3's finaliser of k and tag, as 32-bit numbers."""
    h = np.arange(n, dtype=np.uint32) * np.uint32(2654435761)
    h += np.uint32((tag * 40503) & 0xFFFFFFFF)
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    return h


def numbers(tag, n, bound):
    """Uniform in +-bound, rounded to float32, as float64."""
    u = hashed(tag, n).astype(np.float64) / 4294967296.0
    return ((2 * u - 1) * bound).astype(np.float32).astype(np.float64)


class Net:
    """Our list of layers on PyTorch's functions."""

    def __init__(self, layers, shape, classes):
        self.steps, self.params = [], []
        h, w, c = shape
        size = None
        for layer in layers:
            kind = layer["kind"]
            if kind == CONV:
                k, out = layer["kernel"], layer["channels"]
                s, p = layer.get("stride", 1), layer.get("padding", 0)
                fan_in = k * k * c
                weight = self.add(fan_in, (k, k, c, out), lambda t: t.permute(3, 2, 0, 1))
                bias = self.add(fan_in, (out,)) if layer.get("bias", True) else None
                self.steps.append(lambda x, a=weight, b=bias, s=s, p=p: torch.nn.functional.conv2d(
                    x, a(), b() if b else None, stride=s, padding=p))
                h, w, c = (h + 2 * p - k) // s + 1, (w + 2 * p - k) // s + 1, out
            elif kind == DENSE:
                out = classes if layer["units"] == "classes" else layer["units"]
                weight = self.add(size, (size, out))
                bias = self.add(size, (out,)) if layer.get("bias", True) else None
                self.steps.append(lambda x, a=weight, b=bias: x @ a() + (b() if b else 0))
                size = out
            elif kind == "relu":
                self.steps.append(torch.relu)
            elif kind == "flatten":
                self.steps.append(lambda x: x.permute(0, 2, 3, 1).reshape(x.shape[0], -1))
                size = h * w * c
            elif kind in ("maxpool2d", "avgpool2d"):
                k = layer["kernel"]
                s = layer.get("stride", k)
                function = (torch.nn.functional.max_pool2d if kind == "maxpool2d"
                            else torch.nn.functional.avg_pool2d)
                self.steps.append(lambda x, f=function, k=k, s=s: f(x, k, stride=s))
                h, w = (h - k) // s + 1, (w - k) // s + 1
            elif kind == "dropout" and layer["p"] == 0:
                pass
            else:
                raise ValueError(layer)
        self.reset()

    def add(self, fan_in, shape, view=lambda t: t):
        """A parameter in our layout; returns a function that gives PyTorch's."""
        at = len(self.params)
        self.params.append((fan_in, shape))
        return lambda: view(self.tensors[at])

    def reset(self):
        total = sum(math.prod(shape) for _, shape in self.params)
        flat = hashed(1, total).astype(np.float64) / 4294967296.0
        self.tensors, at = [], 0
        for fan_in, shape in self.params:
            n = math.prod(shape)
            value = ((2 * flat[at:at + n] - 1) / math.sqrt(fan_in)).astype(np.float32)
            tensor = torch.tensor(value.astype(np.float64).reshape(shape), requires_grad=True)
            self.tensors.append(tensor)
            at += n

    def __call__(self, x):
        for step in self.steps:
            x = step(x)
        return x


def batch_of(shape, classes, n, tag):
    size = math.prod(shape)
    x = numbers(tag, n * size, 1.0).reshape(n, *shape)
    labels = (hashed(tag + 1, n) % np.uint32(classes)).astype(np.int64)
    return torch.tensor(x).permute(0, 3, 1, 2).contiguous(), torch.tensor(labels)


def line(word, values):
    print(word, *(f"{float(v):.9g}" for v in values))


def print_case(name, model, shape, classes, n):
    layers = MODELS[model] if isinstance(model, str) else model
    net = Net(layers, shape, classes)
    print("case", name)
    print("model", model if isinstance(model, str) else json.dumps(model))
    print("input", *shape)
    print("classes", classes)
    print("batch", n)
    x, labels = batch_of(shape, classes, n, 2)
    logits = net(x)
    loss = torch.nn.functional.cross_entropy(logits, labels)
    loss.backward()
    grad = np.concatenate([t.grad.numpy().reshape(-1) for t in net.tensors])
    stride = max(1, len(grad) // 250) | 1
    line("logits", logits.detach().numpy().reshape(-1)[:100])
    line("loss", [loss.item()])
    line("norm", [np.linalg.norm(grad)])
    print("stride", stride)
    line("grad", grad[::stride])
    for lr, momentum, decay in CURVES:
        net.reset()
        sgd = torch.optim.SGD(net.tensors, lr=lr, momentum=momentum, weight_decay=decay)
        curve = []
        for step in range(STEPS):
            x, labels = batch_of(shape, classes, n, 10 + 2 * step)
            sgd.zero_grad()
            loss = torch.nn.functional.cross_entropy(net(x), labels)
            loss.backward()
            sgd.step()
            curve.append(loss.item())
        line("sgd", [lr, momentum, decay])
        line("curve", curve)
    print("end")


def print_all():
    torch.set_num_threads(1)
    print(f"# torch_reference.py, torch {torch.__version__}, float64")
    for case in CASES:
        print_case(*case)


def main():
    if len(sys.argv) == 1:
        print_all()
        return 0
    if len(sys.argv) != 3 or sys.argv[1] != "--run":
        print(__doc__, file=sys.stderr)
        return 2
    with tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False) as file:
        sys.stdout, before = file, sys.stdout
        print_all()
        sys.stdout = before
    try:
        return subprocess.run([sys.argv[2], file.name], check=False).returncode
    finally:
        os.unlink(file.name)


if __name__ == "__main__":
    sys.exit(main())
