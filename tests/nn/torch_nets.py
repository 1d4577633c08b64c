"""PyTorch networks from the lists that `test_nn_torch --list` prints, and the
numbers that both sides compute from a hash.

Layouts: our images are [n, h, w, c], convolution weights [kh, kw, ic, oc],
dense and recurrent weights [in, out], unless a view says is_torch_order.
"""
import json
import math
import subprocess
import sys

try:
    import numpy as np
    import torch
    from torch import nn
except ImportError as missing:
    print(f"skipped: {missing}", file=sys.stderr)
    sys.exit(77)


class Lambda(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *x):
        return self.function(*x)


class Recurrent(nn.Module):
    """nn.LSTM or nn.GRU; its parameters bear its names, not a part's."""

    def __new__(cls, kind, layer):
        class Wrapped(kind):
            def forward(self, x):
                y, _ = super().forward(x)
                return y if layer["opts"]["return"] == "sequence" else y[:, -1]
        o = layer["opts"]
        return Wrapped(layer["input"][1], o["units"], num_layers=o["layers"],
                       bias=o["bias"], batch_first=True)


def batchnorm(layer):
    o = layer["opts"]
    kind = nn.BatchNorm2d if len(layer["input"]) == 3 else nn.BatchNorm1d
    return kind(layer["input"][-1], eps=o["eps"], momentum=o["momentum"])


def conv(layer, channels, groups):
    o = layer["opts"]
    return nn.Conv2d(layer["input"][2], channels, o["kernel"], stride=o["stride"],
                     padding=o["padding"], bias=o["bias"], groups=groups)


def gelu(layer):
    """PyTorch 1.13 reads float32 gradients of GELU as if they were contiguous."""
    def function(x):
        y = nn.functional.gelu(x, approximate=layer["opts"]["approximate"])
        if y.requires_grad:
            y.register_hook(lambda dy: dy.contiguous())
        return y
    return Lambda(function)


def sequence(layer):
    axes = (0, 2, 3, 1) if layer["opts"]["time"] == "rows" else (0, 3, 2, 1)
    return Lambda(lambda x: x.permute(*axes).flatten(2))


def flatten_channels_last(_layer):
    return Lambda(lambda x: (x.permute(0, 2, 3, 1) if x.dim() == 4 else x).flatten(1))


# What each kind of layer is in PyTorch. A kind that is missing here fails the
# live test by its name.
KINDS = {
    "add": lambda l: Lambda(torch.add),
    "avgpool2d": lambda l: nn.AvgPool2d(l["opts"]["kernel"], l["opts"]["stride"]
                                        or l["opts"]["kernel"]),
    "batchnorm": batchnorm,
    "conv2d": lambda l: conv(l, l["opts"]["channels"], 1),
    "dense": lambda l: nn.Linear(l["input"][0], l["opts"]["units"], bias=l["opts"]["bias"]),
    "depthwise2d": lambda l: conv(l, l["input"][2], l["input"][2]),
    "dropout": lambda l: nn.Dropout(l["opts"]["p"]),
    "embedding": lambda l: nn.Embedding(l["opts"]["tokens"], l["opts"]["units"]),
    "flatten": flatten_channels_last,
    "gelu": gelu,
    "globalavgpool": lambda l: Lambda(lambda x: x.mean((2, 3))),
    "groupnorm": lambda l: nn.GroupNorm(l["opts"]["groups"], l["input"][-1],
                                        eps=l["opts"]["eps"], affine=l["opts"]["affine"]),
    "gru": lambda l: Recurrent(nn.GRU, l),
    "lstm": lambda l: Recurrent(nn.LSTM, l),
    "maxpool2d": lambda l: nn.MaxPool2d(l["opts"]["kernel"], l["opts"]["stride"]
                                        or l["opts"]["kernel"]),
    "relu": lambda l: nn.ReLU(),
    "sequence": sequence,
}
KINDS_OF_PYTORCH = {**KINDS, "flatten": lambda l: nn.Flatten()}


class Net(nn.Module):
    """A list of layers. Modules are called as the layers are, so that the state
    dict has the names of our parameters."""

    def __init__(self, case, kinds=None):
        super().__init__()
        self.case = case
        calls = []
        for i, layer in enumerate(case["layers"]):
            if layer["kind"] not in KINDS:
                sys.exit(f"torch_nets.py: layer '{layer['kind']}' has no counterpart "
                         "in KINDS, so it cannot be compared with PyTorch")
            module = (kinds or KINDS)[layer["kind"]](layer)
            calls.append((module, layer["from"], layer["with"]))
            if not module.state_dict():
                self.add_module(f"without_state_{i}", module)
                continue
            *folders, name = layer["name"].split(".")
            at = self
            for folder in folders:
                if folder not in at._modules:
                    at.add_module(folder, nn.Module())
                at = at._modules[folder]
            at.add_module(name, module)
        self.calls = calls

    def forward(self, x):
        y = {-1: x}
        for i, (module, source, other) in enumerate(self.calls):
            y[i] = module(y[source]) if other == -2 else module(y[source], y[other])
        return y[len(self.calls) - 1]

    def numbers(self, view):
        """The tensor of a view."""
        return self.state_dict(keep_vars=True)[view["name"]]


def to_torch(view, flat):
    """A view's numbers in PyTorch's layout."""
    a = flat.reshape(view["dim"])
    if not view["is_torch_order"] and a.ndim == 4:
        a = a.transpose(3, 2, 0, 1)
    if not view["is_torch_order"] and a.ndim == 2:
        a = a.transpose(1, 0)
    return np.ascontiguousarray(a)


def from_torch(view, tensor):
    a = tensor.detach().to(torch.float64, copy=True).numpy()
    if not view["is_torch_order"] and a.ndim == 4:
        a = a.transpose(2, 3, 1, 0)
    if not view["is_torch_order"] and a.ndim == 2:
        a = a.transpose(1, 0)
    return a.reshape(-1)


def hashed(tag, n, first=0):
    """murmur3's finaliser of k and tag, as 32-bit numbers."""
    h = (np.arange(first, first + n, dtype=np.uint64) & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    h *= np.uint32(2654435761)
    h += np.uint32((tag * 40503) & 0xFFFFFFFF)
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    return h


def uniform(tag, n, first=0):
    """In +-1, as float64."""
    return 2 * (hashed(tag, n, first).astype(np.float64) / 4294967296.0) - 1


def shaken(numbers, tag, by):
    """Each number off by up to `by` of itself."""
    return numbers * (1 + by * uniform(tag, numbers.size).reshape(numbers.shape))


def fill(net, dtype, shake=0.0):
    """The hashed parameters, in PyTorch's layout."""
    net.to(dtype)
    at = 0
    with torch.no_grad():
        for view in net.case["views"]:
            n = math.prod(view["dim"])
            flat = (view["centre"] + uniform(1, n, at) * view["bound"]).astype(np.float32)
            flat = shaken(flat, 4, shake)
            net.numbers(view).copy_(torch.tensor(to_torch(view, flat)))
            at += n


def batch_of(case, tag, dtype, shake=0.0):
    n, shape = case["batch"], case["input"]
    size = n * math.prod(shape)
    labels = torch.tensor((hashed(tag + 1, n) % np.uint32(case["classes"])).astype(np.int64))
    if case["tokens"]:
        tokens = (hashed(tag, size) % np.uint32(case["tokens"])).astype(np.int64)
        return torch.tensor(tokens.reshape(n, *shape)), labels
    x = shaken(uniform(tag, size).astype(np.float32), 5, shake)
    x = torch.tensor(x.reshape(n, *shape)).to(dtype)
    return (x.permute(0, 3, 1, 2).contiguous() if len(shape) == 3 else x), labels


def list_cases(program):
    done = subprocess.run([program, "--list"], check=True, capture_output=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]
