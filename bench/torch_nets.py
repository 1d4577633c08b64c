"""The nets of nets.c in PyTorch: the same layers, the same parameters.

NETS[name] is (what makes the module, shape of one sample as PyTorch has it,
classes, whether samples are token numbers).
"""

import torch
from torch import nn


def logreg():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))


def mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 200), nn.ReLU(),
                         nn.Linear(200, 200), nn.ReLU(), nn.Linear(200, 10))


def lenet(channels, padding):
    return nn.Sequential(
        nn.Conv2d(channels, 6, 5, padding=padding), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(),
        nn.Linear(84, 10))


def cnn2(channels, side):
    return nn.Sequential(
        nn.Conv2d(channels, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64 * (side // 4) ** 2, 512), nn.ReLU(),
        nn.Linear(512, 10))


def simple_cnn():
    return nn.Sequential(
        nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(),
        nn.MaxPool2d(2), nn.Dropout(0.25), nn.Flatten(),
        nn.Linear(12544, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10))


NETS = {
    "logreg": (logreg, (1, 28, 28), 10, False),
    "mlp": (mlp, (1, 28, 28), 10, False),
    "lenet5": (lambda: lenet(1, 2), (1, 28, 28), 10, False),
    "flower_cnn": (lambda: lenet(3, 0), (3, 32, 32), 10, False),
    "cnn2_28": (lambda: cnn2(1, 28), (1, 28, 28), 10, False),
    "cnn2_32": (lambda: cnn2(3, 32), (3, 32, 32), 10, False),
    "simple_cnn": (simple_cnn, (3, 32, 32), 10, False),
}


def inputs(name, batch):
    """Random samples and labels for a net."""
    _, shape, classes, has_tokens = NETS[name]
    if has_tokens:
        x = torch.randint(0, classes, (batch, *shape))
    else:
        x = torch.randn(batch, *shape)
    return x, torch.randint(0, classes, (batch,))
