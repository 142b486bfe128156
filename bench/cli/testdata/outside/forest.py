# forest.py: scores a random forest on exported tensors, and writes what it says.
import csv, sys
import numpy as np
from sklearn.ensemble import RandomForestClassifier

folder, out = sys.argv[1], sys.argv[2]
items = list(csv.DictReader(open(folder + "/items.csv")))
arrays = {f: np.load(folder + "/" + f) for f in {i["file"] for i in items}}
x = lambda i: arrays[i["file"]]["X"][int(i["row"]), :60]
y = lambda i: arrays[i["file"]]["y"][int(i["row"])]

lines = []
for defense in sorted({i["defense"] for i in items}):
    here, recalls = [i for i in items if i["defense"] == defense], []
    for fold in sorted({i["folds"] for i in here if i["role"] == "test"}):
        train = [i for i in here if i["role"] == "train" and fold in i["folds"].split()]
        test = [i for i in here if i["role"] == "test" and i["folds"] == fold]
        model = RandomForestClassifier(100, random_state=1).fit([x(i) for i in train], [y(i) for i in train])
        p = model.predict_proba([x(i) for i in test])
        lines += [(i["item"], c, q) for i, row in zip(test, p) for c, q in zip(model.classes_, row)]
        truth, guess = np.array([y(i) for i in test]), model.classes_[p.argmax(1)]
        recalls.append(np.mean([np.mean(guess[truth == c] == c) for c in set(truth)]))
    print("%s macro recall %.12f" % (defense, np.mean(recalls)))
csv.writer(open(out, "w", newline="")).writerows([("item", "class", "score")] + lines)
