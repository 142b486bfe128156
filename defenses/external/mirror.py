#!/usr/bin/env python3
"""A defense for veilbench in plain Python: what the built-in pad-level does.

    veilbench plugin example defense > d.py
    veilbench plugin check python3 d.py
    veilbench run quick --defense none --defense "exec:python3 d.py,to=mtu"

It reads one JSON object a line and answers each with one (reports/docs/protocol.md
or "veilbench plugin protocol"). To make a defense of your own, change NAME to PLACE
and apply().
"""
import json
import sys

NAME = "pad-level"
DOC = "every packet up to the next of some sizes"
PLACE = "device"        # or "gateway"
NEEDS = ["cloud"]       # who else must take part: "cloud", "tunnel end"
PARAMS = {"to": "mtu", "size_bytes": "1000", "acks": "keep", "account": "none"}

ETHERNET, MTU, FRAME, RADIO = 14, 1500, 1514, 127


def check(p):
    """Say what is wrong with parameters, "" for nothing."""
    if p["to"] not in ("mtu", "fixed", "linear", "exponential", "mice", "levels"):
        return "to=%s: want mtu, fixed, linear, exponential, mice or levels" % p["to"]
    if not p["size_bytes"].isdigit() or not 1 <= int(p["size_bytes"]) <= MTU:
        return "size_bytes=%s: want 1 to %d" % (p["size_bytes"], MTU)
    if p["acks"] not in ("keep", "pad"):
        return "acks=%s: want keep or pad" % p["acks"]
    if p["account"] not in ("none", "full"):
        return "account=%s: want none or full" % p["account"]
    return ""


def padded(n, p):
    """The size that an IP packet of n bytes is padded to."""
    size = MTU
    if p["to"] == "fixed":
        size = max(n, int(p["size_bytes"]))
    elif p["to"] == "linear":
        size = (n + 127) // 128 * 128
    elif p["to"] == "exponential":
        size = 128
        while size < n:
            size *= 2
    elif p["to"] == "mice" and n <= 128:
        size = 128
    elif p["to"] == "levels":
        size = (n + 99) // 100 * 100
    return min(size, MTU)


def frames(limit, p):
    """For each frame size up to the limit, the size that leaves instead."""
    out = list(range(FRAME + 1))
    for size in range(ETHERNET, min(limit, FRAME) + 1):
        # A frame too short for an IP header is no packet that anybody could append
        # to, but on a radio without IP.
        if size >= ETHERNET + 20 or limit < FRAME:
            out[size] = min(ETHERNET + padded(size - ETHERNET, p), limit)
    return out


def apply(trace, p, seed, state):
    """The trace that leaves instead, and its account. None for the account says that
    packet i carries packet i whole. Nothing may depend on what comes later, and all
    chance must come from the seed: random.Random(int(seed))."""
    alone = list(range(FRAME + 1))  # frames that are not IP and stay in the home
    usual, radio = frames(FRAME, p), frames(RADIO, p)
    to = [radio if f["peer"] else usual if f["proto"] or not f["lan"] else alone for f in trace["flows"]]

    size, payload = trace["size"], trace["payload"]
    least = 0 if p["acks"] == "pad" else 1
    new = [to[f][s] if b >= least and s <= FRAME else s for s, b, f in zip(size, payload, trace["flow"])]
    out = {
        "time_ns": trace["time_ns"], "size": new, "payload": [b + n - s for b, n, s in zip(payload, new, size)],
        "flow": trace["flow"], "dir": trace["dir"],
    }
    if p["account"] == "none":
        return out, None
    n = len(size)
    return out, {"first": list(range(n + 1)), "orig": list(range(n)), "bytes": payload}


def text(a):
    """JSON of a. A list of whole numbers is written by str, a quarter faster."""
    if isinstance(a, dict):
        return "{" + ",".join('"%s":%s' % (k, text(v)) for k, v in a.items()) + "}"
    if isinstance(a, list) and a and isinstance(a[0], int):
        return str(a)
    return json.dumps(a, allow_nan=False)


def main():
    p, out = dict(PARAMS), sys.stdout.buffer
    for line in open(0, "rb", 1 << 20):  # lines are long
        q = json.loads(line)
        if "veilbench" in q:
            p.update(q["params"] or {})
            unknown = sorted(set(p) - set(PARAMS))
            a = {"name": NAME, "doc": DOC, "place": PLACE, "needs": NEEDS, "params": p}
            if q["role"] != "defense":
                a = {"error": "this is a defense, no " + q["role"]}
            elif unknown:
                a = {"error": "unknown parameter %s (has %s)" % (unknown[0], ", ".join(sorted(PARAMS)))}
            elif check(p):
                a = {"error": check(p)}
        else:
            trace, carried = apply(q["trace"], p, q["seed"], q.get("state"))
            a = {"apply": q["apply"], "trace": trace}
            if carried is not None:
                a["carried"] = carried
        out.write(text(a).encode() + b"\n")
        out.flush()


if __name__ == "__main__":
    main()
