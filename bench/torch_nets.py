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


def conv3(inputs, outputs, stride=1):
    return nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)


def norm(channels):
    return nn.GroupNorm(2, channels)


class Block(nn.Module):
    """Two 3x3 convolutions and a shortcut, projected where it must be."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.downsample = None
        if stride > 1:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False),
                norm(outputs))
        self.conv1, self.bn1 = conv3(inputs, outputs, stride), norm(outputs)
        self.conv2, self.bn2 = conv3(outputs, outputs), norm(outputs)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        kept = x if self.downsample is None else self.downsample(x)
        y = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(y)) + kept)


def resnet(widths, blocks):
    layers = [conv3(3, widths[0]), norm(widths[0]), nn.ReLU(inplace=True)]
    inputs = widths[0]
    for stage, outputs in enumerate(widths):
        for block in range(blocks):
            stride = 2 if stage and not block else 1
            layers.append(Block(inputs, outputs, stride))
            inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(inputs, 10))


def mobilenet_small():
    def closed(convolution, channels):
        return [convolution, norm(channels), nn.ReLU(inplace=True)]
    layers, inputs = closed(conv3(3, 16), 16), 16
    for stride, outputs in ((1, 32), (2, 64), (1, 64), (2, 128), (1, 128),
                            (2, 256), (1, 256)):
        layers += closed(nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs,
                                   bias=False), inputs)
        layers += closed(nn.Conv2d(inputs, outputs, 1, bias=False), outputs)
        inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(inputs, 10))


def kws_cnn():
    return nn.Sequential(
        nn.Conv2d(1, 64, 8), nn.ReLU(), nn.MaxPool2d(3), nn.Conv2d(64, 64, 4),
        nn.ReLU(), nn.Flatten(), nn.Linear(1600, 32), nn.Linear(32, 128),
        nn.ReLU(), nn.Linear(128, 10))


class LastOfLstm(nn.Module):
    """An LSTM's output at the last time into a linear layer."""

    def __init__(self, inputs, units, layers, classes):
        super().__init__()
        self.lstm = nn.LSTM(inputs, units, layers, batch_first=True)
        self.out = nn.Linear(units, classes)

    def forward(self, x):
        return self.out(self.lstm(x)[0][:, -1])


class Columns(nn.Module):
    """An image's columns as times."""

    def forward(self, x):
        return x.squeeze(1).transpose(1, 2)


NETS = {
    "logreg": (logreg, (1, 28, 28), 10, False),
    "mlp": (mlp, (1, 28, 28), 10, False),
    "lenet5": (lambda: lenet(1, 2), (1, 28, 28), 10, False),
    "flower_cnn": (lambda: lenet(3, 0), (3, 32, 32), 10, False),
    "cnn2_28": (lambda: cnn2(1, 28), (1, 28, 28), 10, False),
    "cnn2_32": (lambda: cnn2(3, 32), (3, 32, 32), 10, False),
    "simple_cnn": (simple_cnn, (3, 32, 32), 10, False),
    "resnet8": (lambda: resnet((16, 32, 64), 1), (3, 32, 32), 10, False),
    "resnet20": (lambda: resnet((16, 32, 64), 3), (3, 32, 32), 10, False),
    "resnet18": (lambda: resnet((64, 128, 256, 512), 2), (3, 32, 32), 10,
                 False),
    "mobilenet_small": (mobilenet_small, (3, 32, 32), 10, False),
    "kws_cnn": (kws_cnn, (1, 32, 32), 10, False),
    "lstm_kws": (lambda: nn.Sequential(Columns(), LastOfLstm(32, 118, 1, 10)),
                 (1, 32, 32), 10, False),
    "lstm_shakespeare": (lambda: nn.Sequential(nn.Embedding(80, 8),
                                               LastOfLstm(8, 256, 2, 80)),
                         (80,), 80, True),
}


def inputs(name, batch):
    """Random samples and labels for a net."""
    _, shape, classes, has_tokens = NETS[name]
    if has_tokens:
        x = torch.randint(0, classes, (batch, *shape))
    else:
        x = torch.randn(batch, *shape)
    return x, torch.randint(0, classes, (batch,))
