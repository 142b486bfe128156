"""What a user would run instead, one core, on data like that of our benchmarks.

usage: peer.py write FILE PACKETS        a capture of smart-home sizes, 200 flows
       peer.py dpkt|forest|knn|lstm|decompose [FILE]

Prints lines of "what, tab, program and version, tab, units of work per second, tab,
accuracy or nothing". Where the module is missing it says which on stderr; exit code 3.
"""
import os
import struct
import sys
import time

for v in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[v] = "1"


def say(what, who, rate, note=""):
    print(f"{what}\t{who}\t{rate:.6g}\t{note}")


def timed(f):
    at = time.perf_counter()
    out = f()
    return out, time.perf_counter() - at


def write(path, n):
    sizes = [0, 0, 31, 53, 126, 237, 339, 1448]
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        sent = {}  # sequence numbers go on, else tshark looks for each packet's original
        for i in range(n):
            f, size, up = i * 7 % 200, sizes[i * 5 % 8], i % 2 == 0
            home, away = bytes([192, 168, 1, 10 + f % 40]), bytes([52, 30, f // 40, f])
            here, there = bytes([2, 0, 0, 0, 0, f % 40]), bytes([2, 0, 0, 0, 1, 1])
            ports = (40000 + f, 443) if up else (443, 40000 + f)
            seq = sent.get((f, up), 1)
            sent[f, up] = (seq + size) % 2**32
            ip = struct.pack(">BBHHHBBH", 0x45, 0, 40 + size, 0, 0, 64, 6, 0) + (home + away if up else away + home)
            tcp = struct.pack(">HHIIBBHHH", *ports, seq, sent.get((f, not up), 1), 0x50, 0x10, 65535, 0, 0)
            frame = (there + here if up else here + there) + b"\x08\x00" + ip + tcp + bytes(size)
            out.write(struct.pack("<IIII", 1600000000 + i // 1000, i % 1000 * 1000, len(frame), len(frame)) + frame)


def read_dpkt(path):
    import dpkt

    def read():
        n = total = 0
        with open(path, "rb") as f:
            for _, b in dpkt.pcap.Reader(f):
                ip = dpkt.ethernet.Ethernet(b).data
                total += len(b) + ip.data.sport + ip.data.dport + ip.p
                n += 1
        return n

    n, s = timed(read)
    say("read", "dpkt " + dpkt.__version__, n / s)


def forest():
    import numpy as np
    import sklearn
    from sklearn.ensemble import RandomForestClassifier

    # As forestRows of attacks/builtin: 11 classes, of 50 columns 20 tell.
    rng = np.random.default_rng(7)
    y = rng.integers(0, 11, 11000)
    center = np.zeros((11, 50))
    center[:, :20] = rng.normal(size=(11, 20)) * 0.6
    x = (center[y] + rng.normal(size=(11000, 50))).astype(np.float32)
    model = RandomForestClassifier(20, n_jobs=1, random_state=1)
    _, s = timed(lambda: model.fit(x[:10000], y[:10000]))
    who = "scikit-learn " + sklearn.__version__
    say("forest-train", who, 10000 / s)
    said, s = timed(lambda: model.predict(x[10000:]))
    say("forest-predict", who, 1000 / s, f"{(said == y[10000:]).mean():.3f}")


def knn():
    import numpy as np
    import sklearn
    from sklearn.neighbors import KNeighborsClassifier

    # As clusteredInput of attacks/knn: 50 clusters of signed sizes.
    rng = np.random.default_rng(1)
    center = rng.integers(54, 1515, (50, 14)) * rng.choice([-1, 1], (50, 14))
    y = rng.integers(0, 50, 101000)
    x = (center[y] + (rng.normal(size=(101000, 14)) * 20).astype(int)).astype(float)
    model = KNeighborsClassifier(5, algorithm="kd_tree", n_jobs=1).fit(x[:100000], y[:100000])
    _, s = timed(lambda: model.predict(x[100000:]))
    for what in ("knn", "knn-plain"):  # ours with vectors and without
        say(what, "scikit-learn " + sklearn.__version__, 1000 / s)


def lstm():
    import torch
    from torch import nn

    # The tagger of peerConfig in attacks/lstm: 64 windows of 100 packets a batch.
    torch.set_num_threads(1)
    torch.manual_seed(5)
    vocab, dim, batch = (64, 8, 2, 1501, 256), (16, 4, 2, 32, 16), 64
    x = torch.stack([torch.randint(v, (512, 100)) for v in vocab], -1)
    y = (x[..., 0] + x[..., 1] + 3 * x[..., 2] + x[..., 3] // 137) % 11

    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.ModuleList([nn.Embedding(v, d) for v, d in zip(vocab, dim)])
            self.lstm = nn.LSTM(sum(dim), 128, batch_first=True, bidirectional=True)
            self.out = nn.Linear(256, 11)

        def forward(self, x):
            return self.out(self.lstm(torch.cat([e(x[..., i]) for i, e in enumerate(self.embed)], -1))[0])

    net, loss = Tagger(), nn.CrossEntropyLoss()
    adam = torch.optim.Adam(net.parameters(), 1e-3)

    def step(i):
        at = i % 8 * batch
        adam.zero_grad()
        loss(net(x[at : at + batch]).reshape(-1, 11), y[at : at + batch].reshape(-1)).backward()
        adam.step()

    def guess(_):
        with torch.no_grad():
            net(x[:batch])

    who = "PyTorch " + torch.__version__
    for what, do in (("blstm-step", step), ("blstm-guess", guess)):
        do(0)
        times = sorted(timed(lambda: do(i))[1] for i in range(5))
        say(what, who, batch * 100 / times[2])


def decompose():
    # As peerTargets of attacks/decompose: all multisets of at most 16 actions.
    sizes, state, found = [123, 156, 237, 293, 339, 556, 1067], 12345, 0

    def draw():
        nonlocal state
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        return state >> 33

    def count(i, rest, most):
        if i == 6:
            return rest % sizes[6] == 0 and rest // sizes[6] <= most
        return sum(count(i + 1, rest - k * sizes[i], most - k) for k in range(min(most, rest // sizes[i]) + 1))

    targets = [sum(sizes[draw() % 7] for _ in range(1 + draw() % 16)) for _ in range(5)]
    found, s = timed(lambda: sum(count(0, t, 16) for t in targets))
    say("decompose", "Python " + sys.version.split()[0], found / s)


def main():
    do = sys.argv[1]
    try:
        if do == "write":
            write(sys.argv[2], int(sys.argv[3]))
        elif do == "dpkt":
            read_dpkt(sys.argv[2])
        else:
            {"forest": forest, "knn": knn, "lstm": lstm, "decompose": decompose}[do]()
    except ImportError as e:
        print(f"{do}: {e}", file=sys.stderr)
        sys.exit(3)


main()
