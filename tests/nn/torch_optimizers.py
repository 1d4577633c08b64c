#!/usr/bin/env python3
"""Twenty steps of PyTorch's optimisers, schedules and clipping in float64 on a
small net, for tests/nn/test_optimizer.c to compare with.

    torch_optimizers.py > tests/nn/data/torch_optimizers.txt

Exit code 77 (skipped) where PyTorch is missing. The net is dense 5, ReLU,
dense 3 on 6 numbers, batch 4; parameters (ours: weights [in, out]), inputs and
labels come from a hash that both sides compute. A line `case` says what is
trained, `lr` the learning rates, `loss` the losses before each step, `params`
the parameters after the last.
"""
import math
import sys

try:
    import numpy as np
    import torch
except ImportError as missing:
    print(f"skipped: {missing}", file=sys.stderr)
    sys.exit(77)

STEPS, BATCH, IN, HIDDEN, OUT = 20, 4, 6, 5, 3

# Options in the names of struct nn_optimizer_opts, then of a schedule.
SGD = {"kind": "sgd", "lr": 0.1}
ADAM = {"kind": "adam", "lr": 0.02, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
ADAMW = {**ADAM, "kind": "adamw", "weight_decay": 0.1}
MOMENTUM = {**SGD, "momentum": 0.9, "weight_decay": 0.01}
CASES = [
    ("sgd", SGD, {}),
    ("sgd_momentum", MOMENTUM, {}),
    ("sgd_nesterov", {**MOMENTUM, "nesterov": 1}, {}),
    ("sgd_dampening", {**MOMENTUM, "dampening": 0.4}, {}),
    ("sgd_clip_norm", {**MOMENTUM, "clip_norm": 0.3}, {}),
    ("sgd_clip_value", {**SGD, "clip_value": 0.05}, {}),
    ("sgd_clip_both", {**SGD, "clip_value": 0.05, "clip_norm": 0.2}, {}),
    ("sgd_prox", {**MOMENTUM, "prox_mu": 0.5}, {}),
    ("sgd_prox_clip_norm", {**MOMENTUM, "prox_mu": 0.5, "clip_norm": 0.2}, {}),
    ("adam", ADAM, {}),
    ("adam_weight_decay", {**ADAM, "weight_decay": 0.1}, {}),
    ("adam_other_betas", {**ADAM, "beta1": 0.5, "beta2": 0.9, "eps": 1e-3}, {}),
    ("adam_clip_norm", {**ADAM, "clip_norm": 0.1}, {}),
    ("adam_prox", {**ADAM, "prox_mu": 0.5}, {}),
    ("adamw", ADAMW, {}),
    ("adamw_prox_clip_norm", {**ADAMW, "prox_mu": 0.5, "clip_norm": 0.2}, {}),
    ("step", SGD, {"schedule": "step", "every": 6, "gamma": 0.5}),
    ("exponential", SGD, {"schedule": "exponential", "gamma": 0.9}),
    ("cosine", ADAM, {"schedule": "cosine", "min_lr": 0.001}),
    ("linear", SGD, {"schedule": "linear", "end_ratio": 0.1}),
    ("constant_warmup", SGD, {"schedule": "constant", "warmup": 5, "warmup_start": 0.2}),
    ("cosine_warmup", ADAMW, {"schedule": "cosine", "min_lr": 0, "warmup": 4,
                              "warmup_start": 1 / 3}),
    ("step_warmup", SGD, {"schedule": "step", "every": 4, "gamma": 0.1, "warmup": 6,
                          "warmup_start": 0.5}),
]


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


def numbers(tag, n):
    """Uniform in +-1, rounded to float32, as float64."""
    u = 2 * (hashed(tag, n).astype(np.float64) / 4294967296.0) - 1
    return torch.tensor(u.astype(np.float32).astype(np.float64))


def fresh_params():
    shapes = [(IN, HIDDEN), (HIDDEN,), (HIDDEN, OUT), (OUT,)]
    flat = numbers(1, sum(math.prod(s) for s in shapes))
    params, at = [], 0
    for shape in shapes:
        n = math.prod(shape)
        params.append(flat[at:at + n].reshape(shape).clone().requires_grad_())
        at += n
    return params


def make_optimizer(params, o):
    if o["kind"] == "sgd":
        return torch.optim.SGD(params, lr=o["lr"], momentum=o.get("momentum", 0),
                               dampening=o.get("dampening", 0),
                               weight_decay=o.get("weight_decay", 0),
                               nesterov=bool(o.get("nesterov", 0)))
    kind = torch.optim.Adam if o["kind"] == "adam" else torch.optim.AdamW
    return kind(params, lr=o["lr"], betas=(o["beta1"], o["beta2"]), eps=o["eps"],
                weight_decay=o.get("weight_decay", 0))


def make_scheduler(optimizer, s):
    lrs = torch.optim.lr_scheduler
    warmup = s.get("warmup", 0)
    left = STEPS - warmup
    main = {
        "constant": lambda: lrs.ConstantLR(optimizer, factor=1, total_iters=0),
        "step": lambda: lrs.StepLR(optimizer, s["every"], s["gamma"]),
        "exponential": lambda: lrs.ExponentialLR(optimizer, s["gamma"]),
        "cosine": lambda: lrs.CosineAnnealingLR(optimizer, left, s["min_lr"]),
        "linear": lambda: lrs.LinearLR(optimizer, start_factor=1, end_factor=s["end_ratio"],
                                       total_iters=left),
    }[s.get("schedule", "constant")]
    if not warmup:
        return main()
    first = lrs.LinearLR(optimizer, start_factor=s["warmup_start"], total_iters=warmup)
    return lrs.SequentialLR(optimizer, [first, main()], milestones=[warmup])


def line(word, values):
    print(word, *(f"{float(v):.12g}" for v in values))


def print_case(name, options, schedule):
    params = fresh_params()
    anchor = [p.detach().clone() for p in params]
    optimizer = make_optimizer(params, options)
    scheduler = make_scheduler(optimizer, schedule)
    mu = options.get("prox_mu", 0)
    rates, losses = [], []
    for step in range(STEPS):
        x = numbers(10 + 2 * step, BATCH * IN).reshape(BATCH, IN)
        labels = torch.tensor((hashed(11 + 2 * step, BATCH) % OUT).astype(np.int64))
        optimizer.zero_grad()
        hidden = torch.relu(x @ params[0] + params[1])
        loss = torch.nn.functional.cross_entropy(hidden @ params[2] + params[3], labels)
        losses.append(loss.item())
        if mu:
            loss = loss + mu / 2 * sum(((p - a) ** 2).sum() for p, a in zip(params, anchor))
        loss.backward()
        if options.get("clip_value"):
            torch.nn.utils.clip_grad_value_(params, options["clip_value"])
        if options.get("clip_norm"):
            torch.nn.utils.clip_grad_norm_(params, options["clip_norm"])
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    told = {k: v for k, v in {**options, **schedule}.items() if v != 0}
    print("case", name, *(f"{k}={v!r}".replace("'", "") for k, v in told.items()))
    line("lr", rates)
    line("loss", losses)
    line("params", torch.cat([p.detach().reshape(-1) for p in params]))


def main():
    torch.set_num_threads(1)
    print(f"# torch_optimizers.py, torch {torch.__version__}, float64")
    for case in CASES:
        print_case(*case)


if __name__ == "__main__":
    main()
