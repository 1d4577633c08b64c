#!/usr/bin/env python3
"""pfl-research's CIFAR-10 benchmark (IID, no privacy) on pfl itself.

    pfl_peer.py --data FOLDER --rounds N [--cohort K] [--memory plain|last]

One rank of it: pfl_cifar10 starts two and sets PFL_WORKER_ADDRESSES and
PFL_WORKER_RANK, pfl's own way. FOLDER holds CIFAR-10 in the binary layout.
The settings are those of benchmarks/image_classification/configs/baseline.yaml
in the pfl-research repository, but for two that cost only time: the central
evaluation takes batches of 500 instead of 10,000 pictures, and the clients do
not evaluate their models before and after training every tenth round.

Prints "begin WALL_S CPU_S" and then "round NUMBER WALL_S CPU_S" after each
central iteration, WALL_S of the monotonic clock. Exits with 77 when there is
no PyTorch or no pfl.
"""

import argparse
import pathlib
import sys
import time
import types

try:
    import numpy as np
    import torch
    from torch import nn
    from torch.nn import functional as F
    from pfl.aggregate.simulate import SimulatedBackend
    from pfl.aggregate.weighting import WeightByUser
    from pfl.algorithm.base import NNAlgorithmParams
    from pfl.algorithm.federated_averaging import FederatedAveraging
    from pfl.callback.base import TrainingProcessCallback
    from pfl.callback.central_evaluation import CentralEvaluationCallback
    from pfl.data import FederatedDataset
    from pfl.data.dataset import Dataset
    from pfl.data.sampling import get_user_sampler
    from pfl.hyperparam import NNEvalHyperParams, NNTrainHyperParams
    from pfl.metrics import Weighted
    from pfl.model.pytorch import PyTorchModel
    from torch_nets import NETS
except ImportError as error:
    print(f"pfl_peer.py: {error}", file=sys.stderr)
    sys.exit(77)

RECORD = 1 + 3 * 32 * 32


class Stamps(TrainingProcessCallback):
    """Says when each round ended."""

    @staticmethod
    def say(*what):
        print(*what, f"{time.monotonic():.6f} {time.process_time():.6f}",
              flush=True)

    def on_train_begin(self, *, model):
        self.say("begin")
        return super().on_train_begin(model=model)

    def after_central_iteration(self, aggregate_metrics, model, *,
                                central_iteration):
        self.say("round", central_iteration)
        return super().after_central_iteration(
            aggregate_metrics, model, central_iteration=central_iteration)


def read(paths):
    """Pictures as float32 [n, 32, 32, 3], labels as int64 [n]."""
    records = np.concatenate(
        [np.fromfile(path, np.uint8).reshape(-1, RECORD) for path in paths])
    planes = records[:, 1:].reshape(-1, 3, 32, 32)
    pictures = np.ascontiguousarray(planes.transpose(0, 2, 3, 1), np.float32)
    return pictures, records[:, 0].astype(np.int64)


def read_sets(folder):
    pictures, labels = read(
        [folder / f"data_batch_{i}.bin" for i in range(1, 6)])
    mean = pictures.mean(axis=(0, 1, 2), dtype="float64").astype(np.float32)
    std = pictures.std(axis=(0, 1, 2), dtype="float64").astype(np.float32)
    pictures -= mean
    pictures /= std
    tests, test_labels = read([folder / "test_batch.bin"])
    tests -= mean
    tests /= std
    return pictures, labels, tests, test_labels


def split_iid(pictures, labels, per_user):
    order = np.random.permutation(len(pictures))
    pictures = torch.as_tensor(pictures[order])
    labels = torch.as_tensor(labels[order])
    users = [(pictures[i:i + per_user], labels[i:i + per_user])
             for i in range(0, len(order), per_user)]
    sampler = get_user_sampler("random", range(len(users)))
    return FederatedDataset.from_slices(dict(enumerate(users)), sampler)


class ChannelsFirst(nn.Module):
    def forward(self, x):
        return x.permute(0, 3, 1, 2)


def loss(self, x, labels, eval=False):
    self.train(not eval)
    return F.cross_entropy(self(x), labels)


@torch.no_grad()
def metrics(self, x, labels, eval=True):
    self.train(not eval)
    logits = self(x)
    correct = (logits.argmax(-1) == labels).float().sum().item()
    total = F.cross_entropy(logits, labels, reduction="sum").item()
    return {"loss": Weighted(total, len(x)),
            "accuracy": Weighted(correct, len(x))}


def make_model(memory):
    net = nn.Sequential(ChannelsFirst(), NETS["simple_cnn"][0]())
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.xavier_uniform_(module.weight)
    if memory == "last":
        net = net.to(memory_format=torch.channels_last)
    net.loss = types.MethodType(loss, net)
    net.metrics = types.MethodType(metrics, net)
    return PyTorchModel(
        model=net, local_optimizer_create=torch.optim.SGD,
        central_optimizer=torch.optim.SGD(net.parameters(), 1.0))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--cohort", type=int, default=50)
    parser.add_argument("--memory", choices=("plain", "last"), default="last")
    options = parser.parse_args()
    torch.set_num_threads(1)
    np.random.seed(0)
    torch.manual_seed(0)
    pictures, labels, tests, test_labels = read_sets(options.data)
    users = split_iid(pictures, labels, 50)
    model = make_model(options.memory)
    backend = SimulatedBackend(training_data=users, val_data=users,
                               postprocessors=[WeightByUser()])
    evaluate = NNEvalHyperParams(local_batch_size=500)
    test_set = Dataset(raw_data=[torch.as_tensor(tests),
                                 torch.as_tensor(test_labels)])
    callbacks = [
        CentralEvaluationCallback(test_set, model_eval_params=evaluate,
                                  frequency=10),
        Stamps(),
    ]
    FederatedAveraging().run(
        algorithm_params=NNAlgorithmParams(
            central_num_iterations=options.rounds,
            evaluation_frequency=options.rounds + 1,
            train_cohort_size=options.cohort, val_cohort_size=0),
        backend=backend, model=model,
        model_train_params=NNTrainHyperParams(
            local_learning_rate=0.1, local_num_epochs=1, local_batch_size=10),
        model_eval_params=evaluate, callbacks=callbacks)
    Stamps.say("end")


if __name__ == "__main__":
    main()
