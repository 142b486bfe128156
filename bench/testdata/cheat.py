"""A defense or an attack that breaks one rule: that of its argument."""
import json
import os
import sys

MODE = sys.argv[1]
said = 0


def say(a):
    print(json.dumps(a), flush=True)


def defend(n, t):
    size, payload, time = t["size"], t["payload"], t["time_ns"]
    last = len(size) - 1
    c = {"first": list(range(len(size) + 1)), "orig": list(range(len(size))), "bytes": list(payload)}
    if MODE == "early" and last > 2:
        time[3] -= 1
    elif MODE == "lost" and last >= 0:
        c["bytes"][last] -= 1
    elif MODE == "invented" and last >= 0:
        size[last] += 2
        payload[last] += 2
        c["bytes"][last] += 1
    elif MODE == "oversize" and last >= 0:
        size[last] += 1500
        payload[last] += 1500
    elif MODE == "turned" and last >= 0:
        t["dir"] = ("d" if t["dir"][0] == "u" else "u") + t["dir"][1:]
    elif MODE == "reordered" and last > 2:
        # Two of one flow and direction that leave at once, the second one first.
        time[0] = time[1] = time[2]
        c["orig"][0], c["orig"][2] = 2, 0
        c["bytes"][0], c["bytes"][2] = payload[2], payload[0]
        for col in (size, payload):
            col[0], col[2] = col[2], col[0]
    elif MODE == "look-ahead":
        for i in range(len(size)):
            size[i] += len(size)
            payload[i] += len(size)
    elif MODE == "nondeterministic":
        for i in range(len(size)):
            more = os.urandom(1)[0]
            size[i] += more
            payload[i] += more
    return {"apply": n, "trace": t, "carried": c}


def answer(n, t):
    events = [["even", 0.5], ["odd", 0.5]]
    p = [["device/" + k, v] for k, v in events]
    if MODE == "nondeterministic" and os.urandom(1)[0] % 2:
        p.reverse()
    elif MODE == "foreign":
        p[0][0] = "device/dim"
    elif MODE == "nan":
        p[0][1] = float("nan")
    return {"guess": n, "clip": p}


for line in sys.stdin:
    if MODE == "silent":
        continue
    q = json.loads(line)
    if "veilbench" in q:
        say({"name": MODE, "doc": "breaks one rule", "place": "gateway", "needs": ["tunnel end"], "tasks": ["clip"], "params": {}})
        continue
    said += 1
    kind = [k for k in ("apply", "train", "guess") if k in q][0]
    if kind != "train" and MODE == "garbage":
        print("Hello, world!", flush=True)
    elif kind != "train" and MODE == "hanging" and said > 2:
        sys.stdin.read()  # to the end, which is not to come
    elif kind != "train" and MODE == "crashing" and sum(q["trace"]["size"]) % 3 == 0:
        sys.stdout.write('{"%s":%d,"trace":{"time_ns":[0,' % (kind, q[kind]))
        sys.stdout.flush()
        sys.exit("out of ideas")
    elif kind != "train" and MODE == "huge":
        while True:
            sys.stdout.write("[0," * 100000)
    elif kind == "train":
        say({"train": q["train"], "state": ""})
    elif kind == "guess":
        say(answer(q["guess"], q["trace"]))
    else:
        say(defend(q["apply"], q["trace"]))
