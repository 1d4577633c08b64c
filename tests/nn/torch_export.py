#!/usr/bin/env python3
"""What nn/safetensors.c writes loads into PyTorch, by name, strictly, and gives
the same logits.

    torch_export.py PROGRAM      PROGRAM is torch_export

Every case goes into a network of PyTorch's own layers, flatten included; the
models named in OWN also into one written down here, as people write them.
Exit code 77 (skipped) where PyTorch is missing.
"""
import json
import subprocess
import sys
import tempfile

from torch_nets import KINDS_OF_PYTORCH, Net, batch_of

import numpy as np
import torch
from torch import nn


def read_safetensors(path):
    """The format: 8 bytes N, N bytes of JSON, the tensors."""
    with open(path, "rb") as file:
        data = file.read()
    end = 8 + int.from_bytes(data[:8], "little")
    tensors = {}
    for name, about in json.loads(data[8:end]).items():
        if name != "__metadata__":
            assert about["dtype"] == "F32"
            begin, stop = about["data_offsets"]
            numbers = np.frombuffer(data[end + begin:end + stop], dtype="<f4")
            tensors[name] = torch.tensor(numbers.reshape(about["shape"]))
    return tensors


class Block(nn.Module):
    """torchvision's BasicBlock with GroupNorm."""

    def __init__(self, before, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(before, width, 3, stride, 1, bias=False)
        self.bn1 = nn.GroupNorm(2, width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.GroupNorm(2, width)
        self.relu = nn.ReLU()
        self.downsample = None
        if stride != 1 or before != width:
            self.downsample = nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False),
                                            nn.GroupNorm(2, width))

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(y + (self.downsample(x) if self.downsample else x))


class ResNet(nn.Module):
    """torchvision's, with a 3x3 stem and no pooling behind it."""

    def __init__(self, blocks, width):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.bn1 = nn.GroupNorm(2, width)
        before = width
        for stage, n in enumerate(blocks):
            now = width << stage
            layer = [Block(before if i == 0 else now, now, 2 if stage and i == 0 else 1)
                     for i in range(n)]
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layer))
            before = now
        self.stages = len(blocks)
        self.fc = nn.Linear(before, 10)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        for stage in range(self.stages):
            x = getattr(self, f"layer{stage + 1}")(x)
        return self.fc(x.mean((2, 3)))


def lenet5():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


OWN = {
    "lenet5": lenet5,
    "resnet8": lambda: ResNet([1, 1, 1], 16),
    "resnet18": lambda: ResNet([2, 2, 2, 2], 64),
    "resnet20": lambda: ResNet([3, 3, 3], 16),
}


def compare(case, net, tensors):
    net.load_state_dict(tensors, strict=True)
    x, _ = batch_of(case, 2, torch.float32)
    with torch.no_grad():
        logits = net.eval()(x)[:case["samples"]].to(torch.float64).numpy()
    expected = np.array(case["logits"]).reshape(logits.shape)
    # single precision, twice: sums of up to thousands of products
    apart = np.max(np.abs(logits - logits[:, :1] - expected))
    allowed = 2e-5 * max(1, np.max(np.abs(logits)))
    if not apart <= allowed:
        sys.exit(f"{case['name']}: logits of PyTorch are {apart:.3g} apart, allowed {allowed:.3g}")


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    torch.set_num_threads(1)
    missing = set(OWN)
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run([sys.argv[1], directory], check=True, capture_output=True,
                              text=True)
        for line in done.stdout.splitlines():
            case = json.loads(line)
            tensors = read_safetensors(case["path"])
            compare(case, Net(case, KINDS_OF_PYTORCH), tensors)
            if case["name"] in OWN:
                compare(case, OWN[case["name"]](), tensors)
                missing.remove(case["name"])
    if missing:
        sys.exit(f"no longer there: {', '.join(missing)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
