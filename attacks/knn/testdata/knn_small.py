#!/usr/bin/env python3
"""Makes knn_small.txt (clips in the format of the IoTEvents files) and
knn_small.csv: for every clip and k the answer of scikit-learn's
KNeighborsClassifier, brute force, trained on all other clips with as many
packets ("unknown" when there is none). A tie of votes goes to the class that
is first in the alphabet, which is what that classifier does; the script makes
sure that no tie of distances can change a neighborhood."""
import csv, random
import numpy as np
from sklearn.neighbors import KNeighborsClassifier

random.seed(5)
base = {"off": [310, -54, 190, -420, 60], "on": [311, -54, 204, -419, 60], "dim": [300, -60, 260, -380, 66],
        "sync": [120, -54, 900, -1514, 54]}
clips = []
for i in range(48):
    label = random.choice(sorted(base))
    n = random.choice([3, 4, 4, 5, 5])
    clips.append((label, [(1 if x > 0 else -1) * (abs(x) + random.randint(0, 60)) for x in base[label][:n]]))
clips.append(("on", [311, -54, 204, -419, 60, -77, 91]))  # the only one with seven packets
clips += [clips[3], clips[10]]  # equal vectors, equal label

with open("knn_small.txt", "w", newline="") as f:
    t = 1577000000.0
    for label, v in clips:
        t += 60
        for j, x in enumerate(v):
            f.write("\t%.6f\t10\t%d\t%d\t\r\n" % (t + 0.01 * j, x > 0, abs(x)))
        f.write(label + "\r\n")

with open("knn_small.csv", "w", newline="") as f:
    w = csv.writer(f, lineterminator="\n")
    w.writerow(["clip", "truth", "k1", "k3", "k5", "k7", "k9"])
    for i, (truth, q) in enumerate(clips):
        tr = [(l, v) for j, (l, v) in enumerate(clips) if j != i and len(v) == len(q)]
        row = [i, truth]
        for k in (1, 3, 5, 7, 9):
            if not tr:
                row.append("unknown")
                continue
            kk = min(k, len(tr))
            d = sorted(sum((a - b) ** 2 for a, b in zip(v, q)) for _, v in tr)
            cut = [l for l, v in tr if sum((a - b) ** 2 for a, b in zip(v, q)) == d[kk - 1]]
            assert kk == len(tr) or d[kk - 1] != d[kk] or len(set(cut)) == 1
            m = KNeighborsClassifier(kk, algorithm="brute").fit(np.array([v for _, v in tr]), [l for l, _ in tr])
            row.append(m.predict([q])[0])
        w.writerow(row)
