#!/usr/bin/env python3
"""An attack for veilbench in plain Python: what the built-in guess-exact answers, the
majority class among training sequences of signed sizes that are exactly the same.

    veilbench plugin example attack > a.py
    veilbench plugin check python3 a.py
    veilbench run quick --attack "exec:python3 a.py"

It reads one JSON object a line and answers each with one (reports/docs/protocol.md
or "veilbench plugin protocol"). To make an attack of your own, change NAME to PARAMS,
train() and guess().
"""
import json
import sys

NAME = "guess-exact"
DOC = "majority among identical packet sequences"
TASKS = ["event", "clip"]
CONTROL = True  # it only sets a floor: leave this out of a real attack
PARAMS = {"gap_s": "1", "pair_s": "5"}


def check(p):
    """Say what is wrong with parameters, "" for nothing."""
    for key in sorted(PARAMS):
        try:
            ok = 0.001 <= float(p[key]) <= 3600
        except ValueError:
            ok = False
        if not ok:
            return "%s=%s: want 0.001 to 3600" % (key, p[key])
    return ""


def nanoseconds(seconds):
    return int(round(float(seconds) * 1e9))


def signed(trace, packets):
    """The sizes of packets, those from the Internet negative: the key of a sequence."""
    return ",".join(str(trace["size"][i] if trace["dir"][i] == "u" else -trace["size"][i]) for i in packets)


def stream_of(flow):
    """What an observer can tell apart without looking at sizes: a device by its
    hardware address, else a service by its name, else by its address."""
    return flow["mac"] or flow["host"] or flow["remote"].rpartition(":")[0]


def streams(trace):
    """Lists of packets, one a stream, in order of their first packet."""
    keys = [stream_of(f) for f in trace["flows"]]
    out = {}
    for i, f in enumerate(trace["flow"]):
        out.setdefault(keys[f], []).append(i)
    return list(out.values())


def bursts(trace, packets, gap):
    """A stream cut where it is silent for longer than the gap."""
    time, out = trace["time_ns"], []
    for k, i in enumerate(packets):
        if k == 0 or time[i] - time[packets[k - 1]] > gap:
            out.append([])
        out[-1].append(i)
    return out


def event_of(example, burst, within):
    """The event that a burst belongs to: the one with the nearest start among those
    whose window its first packet lies in, if the device owns a packet of it."""
    start, best, distance = example["trace"]["time_ns"][burst[0]], None, 0
    for e in example["events"]:
        if e["start_ns"] > start + within:
            break
        d = abs(start - e["start_ns"])
        if max(e["start_ns"], e["end_ns"]) < start - within or best is not None and d >= distance:
            continue
        owners = example.get("owners")
        device = example["devices"].index(e["class"].split("/")[0])
        if owners is None or any(owners[i] == device for i in burst):
            best, distance = e, d
    return best


def train(q, p):
    """What the examples teach, as something that JSON can hold: the classes of each
    sequence with their counts."""
    seen = {}

    def add(key, name):
        seen.setdefault(key, {}).setdefault(name, 0)
        seen[key][name] += 1

    gap, pair = nanoseconds(p["gap_s"]), nanoseconds(p["pair_s"])
    for e in q["examples"]:
        t = e["trace"]
        if q["task"] == "clip":
            add(signed(t, range(len(t["size"]))), e["class"])
            continue
        for packets in streams(t):
            for b in bursts(t, packets, gap):
                event = event_of(e, b, pair)
                add(signed(t, b), event["class"] if event else "other")
    return {"task": q["task"], "seen": seen}


def ranked(counts):
    """Classes by count, equal ones in order of the alphabet."""
    if not counts:
        return [["unknown", 1]]
    total = sum(counts.values())
    return [[name, n / total] for name, n in sorted(counts.items(), key=lambda c: (-c[1], c[0]))]


def merged(events, within):
    """Events in order of time, those of one class that begin within a time of the first
    of them joined: one event often leaves several bursts."""
    out, newest = [], {}
    for e in sorted(events, key=lambda e: (e["start_ns"], e["end_ns"])):
        name = e["ranked"][0][0]
        if name in ("other", "unknown"):
            out.append(e)
        elif name in newest and e["start_ns"] - newest[name]["start_ns"] <= within:
            m = newest[name]
            m["end_ns"] = max(m["end_ns"], e["end_ns"])
            if e["score"] > m["score"]:
                m["score"], m["ranked"] = e["score"], e["ranked"]
        else:
            newest[name] = e
            out.append(e)
    return out


def guess(t, model, p):
    """What is said of one trace."""
    seen = model["seen"]
    if model["task"] == "clip":
        return {"clip": ranked(seen.get(signed(t, range(len(t["size"])))))}
    events = []
    for packets in streams(t):
        for b in bursts(t, packets, nanoseconds(p["gap_s"])):
            r = ranked(seen.get(signed(t, b)))
            events.append({"start_ns": t["time_ns"][b[0]], "end_ns": t["time_ns"][b[-1]], "ranked": r, "score": r[0][1]})
    return {"events": merged(events, nanoseconds(p["pair_s"])), "threshold": 0}


def main():
    p, models = dict(PARAMS), {}
    for line in sys.stdin.buffer:
        q = json.loads(line)
        if "veilbench" in q:
            p.update(q["params"] or {})
            unknown = sorted(set(p) - set(PARAMS))
            a = {"name": NAME, "doc": DOC, "tasks": TASKS, "params": p, "control": CONTROL}
            if q["role"] != "attack":
                a = {"error": "this is an attack, no " + q["role"]}
            elif unknown:
                a = {"error": "unknown parameter %s (has %s)" % (unknown[0], ", ".join(sorted(PARAMS)))}
            elif check(p):
                a = {"error": check(p)}
        elif "train" in q:
            a = {"train": q["train"], "state": json.dumps(train(q, p), sort_keys=True)}
        else:
            # A state comes once and is then named by the number of its training.
            if "state" in q:
                models[q["state_of"]] = json.loads(q["state"])
            models.pop(q.get("forget"), None)
            a = {"guess": q["guess"]}
            a.update(guess(q["trace"], models[q["state_of"]], p))
        sys.stdout.write(json.dumps(a, separators=(",", ":"), allow_nan=False) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
