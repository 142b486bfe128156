#!/usr/bin/env python3
"""Trains the same networks on the same batches as TestTrainingEqualsPyTorch and prints the loss of every step.

    python3 reference.py > reference.json        (recorded with PyTorch 1.13.0, CPU, float32)

Initial parameters and data come from an integer hash, so both programs make the same ones. Our networks have one bias
per gate; PyTorch's second one (bias_hh) stays zero. Dropout is off.
"""
import json
import torch
from torch import nn

VOCAB, DIM, STEPS, BATCH, BATCHES, HIDDEN, CLASSES = [7, 3, 20], [4, 2, 6], 12, 16, 2, 32, 5


def mix(i, salt):
    x = (i * 2654435761 + salt * 40503 + 12345) & 0xffffffff
    x ^= x >> 15
    x = (x * 2246822519) & 0xffffffff
    return x ^ (x >> 13)


def tensor(rows, cols, salt):
    """Values in [-0.4, 0.4), row-major, the way our tensors are laid out."""
    v = [((mix(i, salt) >> 8) / (1 << 24) * 2 - 1) * 0.4 for i in range(rows * cols)]
    return torch.tensor(v, dtype=torch.float64).reshape(rows, cols).float()


def data():
    n = BATCHES * BATCH * STEPS
    x = [[mix(i * 3 + f, 777) % v for f, v in enumerate(VOCAB)] for i in range(n)]
    y = [(r[0] + r[2] + (x[i - 1][1] if i % STEPS else 0)) % CLASSES for i, r in enumerate(x)]
    y = [-100 if i % 9 == 8 else c for i, c in enumerate(y)]
    shape = (BATCHES, BATCH, STEPS)
    return torch.tensor(x).reshape(*shape, len(VOCAB)), torch.tensor(y).reshape(shape)


class Tagger(nn.Module):
    def __init__(self, layers, both):
        super().__init__()
        self.embed = nn.ModuleList([nn.Embedding(v, d) for v, d in zip(VOCAB, DIM)])
        self.lstm = nn.LSTM(sum(DIM), HIDDEN, layers, batch_first=True, bidirectional=both)
        self.out = nn.Linear(HIDDEN * (2 if both else 1), CLASSES)

    def forward(self, x):
        e = torch.cat([m(x[..., f]) for f, m in enumerate(self.embed)], -1)
        return self.out(self.lstm(e)[0])

    def fill(self, layers, both):
        salt, width = 0, sum(DIM)
        with torch.no_grad():
            for m, v, d in zip(self.embed, VOCAB, DIM):
                m.weight.copy_(tensor(v, d, salt)); salt += 1
            for l in range(layers):
                for end in ["", "_reverse"][:2 if both else 1]:
                    get = lambda name: getattr(self.lstm, f"{name}_l{l}{end}")
                    get("weight_ih").copy_(tensor(width, 4 * HIDDEN, salt).T); salt += 1
                    get("weight_hh").copy_(tensor(HIDDEN, 4 * HIDDEN, salt).T); salt += 1
                    get("bias_ih").copy_(tensor(1, 4 * HIDDEN, salt)[0]); salt += 1
                    get("bias_hh").zero_(); get("bias_hh").requires_grad_(False)
                width = HIDDEN * (2 if both else 1)
            self.out.weight.copy_(tensor(width, CLASSES, salt).T); salt += 1
            self.out.bias.copy_(tensor(1, CLASSES, salt)[0])


def run(layers, both, clip, weights):
    torch.manual_seed(0)
    m = Tagger(layers, both)
    m.fill(layers, both)
    params = [p for p in m.parameters() if p.requires_grad]
    opt = torch.optim.Adam(params, 3e-2)
    loss = nn.CrossEntropyLoss(weight=torch.tensor(weights) if weights else None)
    xs, ys = data()
    out = []
    for i in range(20):  # two batches in turn, so that the loss falls
        x, y = xs[i % BATCHES], ys[i % BATCHES]
        opt.zero_grad()
        l = loss(m(x).reshape(-1, CLASSES), y.reshape(-1))
        l.backward()
        if clip:
            nn.utils.clip_grad_norm_(params, clip)
        opt.step()
        out.append(round(float(l), 7))
    return {"layers": layers, "both": both, "clip": clip, "weights": weights, "losses": out}


print(json.dumps([
    run(1, False, 0, []), run(1, True, 0, []), run(2, False, 0.05, []), run(2, True, 0.05, [1.0, 2.0, 0.5, 1.0, 3.0]),
], indent=1))
