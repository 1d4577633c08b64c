#!/usr/bin/env python3
"""A state dict of PyTorch as a safetensors file, for
tests/nn/test_safetensors_read.c.

    torch_written.py tests/nn/data/torch_written.safetensors

The net is trained for some steps, so that its running means are not those it
began with. The metadata hold what it makes of one image in evaluation: the
loss of each class. Written by hand: the format is 8 bytes N, N bytes of JSON,
the tensors.
"""
import json
import struct
import sys

import torch
from torch import nn

DTYPES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
          torch.float64: "F64", torch.int64: "I64"}


def write(path, tensors, metadata):
    header, data = {"__metadata__": metadata}, b""
    for name, tensor in tensors.items():
        numbers = bytes(tensor.contiguous().flatten().view(torch.uint8).numpy()
                        if tensor.dim() else tensor.reshape(1).view(torch.uint8).numpy())
        header[name] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [len(data), len(data) + len(numbers)]}
        data += numbers
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def main():
    torch.manual_seed(3)
    torch.set_num_threads(1)
    net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(),
                        nn.Linear(3 * 3 * 2, 4))
    sgd = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(5):
        sgd.zero_grad()
        loss = nn.functional.cross_entropy(net(torch.randn(8, 2, 5, 4) + 0.5),
                                           torch.randint(4, (8,)))
        loss.backward()
        sgd.step()
    # [h, w, c] = [5, 4, 2], number i is (i mod 11) / 4 - 1
    x = torch.tensor([(i % 11) / 4 - 1 for i in range(40)]).reshape(1, 5, 4, 2)
    logits = net.eval().double()(x.permute(0, 3, 1, 2).double())
    losses = -torch.log_softmax(logits, 1).flatten()
    write(sys.argv[1], {name: t.float() if t.is_floating_point() else t
                        for name, t in net.state_dict().items()},
          {"losses": " ".join(f"{v:.9g}" for v in losses.tolist()),
           "torch": torch.__version__})


if __name__ == "__main__":
    main()
