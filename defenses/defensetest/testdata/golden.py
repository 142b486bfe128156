#!/usr/bin/env python3
"""Works out the golden vectors of the defenses, apart from the Go code.

    python3 golden.py GOROOT DEFENSES

DEFENSES is the folder of package defenses; the vectors of a family go into its
testdata/golden. A defense that is not in here may have a vector all the same:
defensetest.Golden takes every file.

Every defense is written here again, as plainly as it can be: packet by packet,
tick by tick, one list of bytes per packet. The generator is PCG-DXSM as Go
documents it; the tables of its exponential and normal draws are read from
GOROOT/src/math/rand/v2.

Each file holds the ID, the input and the output. Columns: time in ns,
direction, size, payload, flow; in the output also what is carried, as
original:bytes. Flow 0 is TCP of device 1, flow 1 UDP of device 2, flow 2 UDP
of device 1 inside the home.
"""
import math
import os
import re
import struct
import sys

M64 = (1 << 64) - 1
M128 = (1 << 128) - 1
MS = 10**6
S = 10**9
UP, DOWN = 0, 1
MTU, FRAME = 1500, 1514


def f32(x):
    return struct.unpack("f", struct.pack("f", x))[0]


def table(goroot, file, name, kind):
    text = open(os.path.join(goroot, "src/math/rand/v2", file)).read()
    body = re.search(r"var %s = \[\d+\]\w+\{(.*?)\n\}" % name, text, re.S).group(1)
    return [kind(v) for v in re.findall(r"[0-9][0-9a-fA-FxXeE.+-]*", body)]


class Rand:
    tables = None

    def __init__(self, a, b):
        self.state = a << 64 | b

    def u64(self):
        mul = 2549297995355413924 << 64 | 4865540595714422341
        inc = 6364136223846793005 << 64 | 1442695040888963407
        self.state = (self.state * mul + inc) & M128
        hi, lo = self.state >> 64, self.state & M64
        hi ^= hi >> 32
        hi = hi * 0xDA942042E4DD58B5 & M64
        hi ^= hi >> 48
        return hi * (lo | 1) & M64

    def n(self, n):
        if n & (n - 1) == 0:
            return self.u64() & (n - 1)
        return self.u64() * n >> 64

    def f(self):
        return (self.u64() & ((1 << 53) - 1)) / (1 << 53)

    def exp(self):
        ke, we, fe = Rand.tables["exp"]
        while True:
            u = self.u64()
            j, i = u & 0xFFFFFFFF, u >> 32 & 0xFF
            x = j * we[i]
            if j < ke[i]:
                return x
            if i == 0:
                return 7.69711747013104972 - math.log(self.f())
            if fe[i] + f32(self.f()) * (fe[i - 1] - fe[i]) < math.exp(-x):
                return x

    def norm(self):
        kn, wn, fn = Rand.tables["norm"]
        rn = 3.442619855899
        while True:
            u = self.u64()
            j, i = u & 0xFFFFFFFF, u >> 32 & 0x7F
            if j >= 1 << 31:
                j -= 1 << 32
            x = j * wn[i]
            if abs(j) < kn[i]:
                return x
            if i == 0:
                while True:
                    x = -math.log(self.f()) / rn
                    y = -math.log(self.f())
                    if y + y >= x * x:
                        break
                return rn + x if j > 0 else -rn - x
            if fn[i] + f32(self.f()) * (fn[i - 1] - fn[i]) < math.exp(-0.5 * x * x):
                return x

    def stream(self):
        a = self.u64()
        return Rand(a, self.u64())


def ns(s):
    return int(s * 1e9 + 0.5)


# time, direction, size, payload, flow
INPUT = [
    (100 * MS, UP, 566, 512, 0),
    (130 * MS, DOWN, 1514, 1460, 0),
    (130 * MS, UP, 54, 0, 0),
    (400 * MS, UP, 142, 100, 1),
    (410 * MS, DOWN, 1514, 1472, 1),
    (500 * MS, UP, 214, 172, 2),
    (900 * MS, DOWN, 355, 301, 0),
    (905 * MS, UP, 54, 0, 0),
]
END = 2 * S
DEVICE = {0: 1, 1: 2, 2: None}
PROTO = {0: 6, 1: 17, 2: 17}


def whole():
    return [p + ([(i, p[3])],) for i, p in enumerate(INPUT)]


def in_flow(f):
    """Changes every packet with payload."""
    out = []
    for i, (t, d, size, pay, fl) in enumerate(INPUT):
        add = 0
        if pay > 0:
            add = max(0, min(f(size, i, fl, t), FRAME - size))
        out.append((t, d, size + add, pay + add, fl, [(i, pay)]))
    return out


def pad_random(r, most):
    words = []

    def f(size, i, fl, t):
        if not words:
            w = r.u64()
            words.extend([w >> 32, w & 0xFFFFFFFF])
        return 1 + (words.pop(0) * most >> 32)

    return in_flow(f)


def pad_flow(r, most):
    drawn = {}

    def f(size, i, fl, t):
        if fl not in drawn:
            drawn[fl] = 1 + r.n(most)
        return drawn[fl]

    return in_flow(f)


def pad_level(sizes):
    return in_flow(lambda size, i, fl, t: next((s for s in sizes if s >= size - 14), size - 14) - (size - 14))


def pinheiro(r, level):
    def f(size, i, fl, t):
        n = size - 14
        if n < level:
            return level - n
        if n < 999:
            return 1 + r.n(1000 - n)
        if n <= 1399:
            return 1 + r.n(1400 - n)
        return MTU - n

    return in_flow(f)


def fragment(k):
    out = []
    for i, (t, d, size, pay, fl) in enumerate(INPUT):
        head = size - pay
        parts = [pay // k + (1 if j < pay % k else 0) for j in range(k)] if pay else [0]
        out += [(t, d, head + n, n, fl, [(i, n)]) for n in parts]
    return out


def jitter(r, lo, hi):
    out, last = [], {}
    for i, (t, d, size, pay, fl) in enumerate(INPUT):
        if fl != 2:
            t = max(t + ns(lo) + r.n(ns(hi) - ns(lo) + 1), last.get(fl, 0))
            last[fl] = t
        out.append((t, d, size, pay, fl, [(i, pay)]))
    return sorted(out, key=lambda p: p[0])


TUNNEL = {  # headers outside, inner -> bytes above them
    "wireguard": (28, lambda n: 32 + min(-(-n // 16) * 16, 1420), 1420),
    "openvpn-udp": (28, lambda n: 24 + n, 1448),
    "openvpn-tcp": (52, lambda n: 26 + n, 1422),
    "openvpn-udp-cbc": (28, lambda n: 40 + (n + 4) // 16 * 16 + 16, 1419),
    "esp-gcm": (20, lambda n: 32 + -(-(n + 2) // 4) * 4, 1446),
    "esp-gcm-natt": (28, lambda n: 32 + -(-(n + 2) // 4) * 4, 1438),
    "esp-cbc": (20, lambda n: 36 + -(-(n + 2) // 16) * 16, 1438),
}


def vpn(kind, delay):
    outer, body, mtu = TUNNEL[kind]
    out, now = [], 0
    for i, (t, d, size, pay, fl) in enumerate(INPUT):
        if fl == 2:
            out.append((t, d, size, pay, fl, [(i, pay)]))
            continue
        now = max(now, t + ns(delay))
        n = size - 14
        pieces = [(n, pay)]
        if n > mtu and PROTO[fl] == 6:
            pieces = [(mtu, mtu - 40), (n - mtu + 40, pay - (mtu - 40))]
        elif n > mtu:  # IP fragments; the first has the 8 bytes of UDP
            k = (mtu - 20) // 8 * 8
            pieces = [(20 + k, k - 8), (20 + n - 20 - k, pay - (k - 8))]
        for inner, carried in pieces:
            b = body(inner)
            out.append((now, d, 14 + outer + b, b, 3, [(i, carried)]))
    return sorted(out, key=lambda p: p[0])


def hide_names():
    return whole()


class Queue:
    """Bytes of originals in the order in which they leave: payload as the
    original's number, headers as -1 - number."""

    def __init__(self, items):
        self.items = [[t, i, pay, hdr] for t, i, pay, hdr in items]
        self.last = -10**18 if False else 0
        self.begun = False

    def ready(self, now):
        return bool(self.items) and self.items[0][0] <= now

    def fill(self, now, room):
        carried = []
        while room > 0 and self.ready(now):
            it = self.items[0]
            if not self.begun:
                self.last, self.begun = it[0], True
            n = min(it[2], room)
            h = min(it[3], room - n)
            carried.append((it[1], n))
            it[2] -= n
            it[3] -= h
            room -= n + h
            if it[2] + it[3]:
                break
            self.begun = False
            self.items.pop(0)
        return carried

    def waits(self, now):
        return self.begun or self.ready(now)


def queues(flows):
    return [
        Queue([(t, i, pay, size - 14 - pay) for i, (t, d, size, pay, fl) in enumerate(INPUT) if fl in flows and d == w])
        for w in (UP, DOWN)
    ]


def passing():
    return [(t, d, size, pay, fl, [(i, pay)]) for i, (t, d, size, pay, fl) in enumerate(INPUT) if fl == 2]


STREAMS = [[0], [1]]  # flows of the devices


def packet(t, d, ip, flow, carried):
    return (t, d, ip + 14, ip - 28, flow, carried)


def constant(r, ip, interval, shared):
    streams = [[0, 1]] if shared else STREAMS
    phases = [r.n(ns(interval)) for _ in range(2 * len(streams))]
    end = END
    while True:
        out, drained = passing(), 0
        for k, flows in enumerate(streams):
            for d, q in enumerate(queues(flows)):
                t = phases[2 * k + d]
                while t <= end or q.items:
                    c = q.fill(t, ip - 28)
                    if c:
                        drained = max(drained, t)
                    out.append(packet(t, d, ip, 3 + k, c))
                    t += ns(interval)
        if drained <= end:
            return sorted([p for p in out if p[0] <= end], key=lambda p: p[0])
        end = drained


def sessions(ip, up, down, least, quiet, multiple):
    """BuFLO and Tamaraw without random numbers."""
    out = passing()
    step = (ns(up), ns(down))
    for k, flows in enumerate(STREAMS):
        qs = queues(flows)
        free = 0
        while qs[0].items or qs[1].items:
            start = max(free, min(q.items[0][0] for q in qs if q.items))
            at, count = [start, start], [0, 0]
            over = False
            while True:
                d = 0 if at[0] <= at[1] else 1
                now = at[d]
                if now > END and not qs[0].items and not qs[1].items:
                    over = True
                    break
                still = (
                    now - start < ns(least)
                    or any(q.waits(now) for q in qs)
                    or now - max(q.last for q in qs) < ns(quiet)
                )
                full = [c > 0 and c % multiple == 0 for c in count]
                if not still and all(full):
                    break
                at[d] += step[d]
                if not still and full[d]:
                    continue
                out.append(packet(now, d, ip, 3 + k, qs[d].fill(now, ip - 28)))
                count[d] += 1
                free = now + 1
            if over:
                break
    return sorted(out, key=lambda p: p[0])


def uniform_burst(slots, ip, interval):
    out = passing()
    for k, flows in enumerate(STREAMS):
        qs, free = queues(flows), 0
        while qs[0].items or qs[1].items:
            start = max(free, min(q.items[0][0] for q in qs if q.items))
            for s in range(slots):
                t = start + s * ns(interval)
                if t > END and not qs[0].items and not qs[1].items:
                    break
                out.append(packet(t, s % 2, ip, 3 + k, qs[s % 2].fill(t, ip - 28)))
            free = start + slots * ns(interval)
    return sorted(out, key=lambda p: p[0])


def regulator(r, R, D, T, N, U, C, quiet, ip):
    out = passing()
    seeds = [(r.u64(), r.u64()) for _ in STREAMS]
    for k, flows in enumerate(STREAMS):
        g = Rand(*seeds[k])
        up, down = queues(flows)
        last_out = -1
        while up.items or down.items:
            start = max(min(q.items[0][0] for q in (up, down) if q.items), last_out + 1)
            budget, earned, now, over = g.n(N), 0.0, start, False
            while True:
                if now > END and not up.items and not down.items:
                    over = True
                    break
                rate = max(1.0, R * D ** ((now - start) / 1e9))
                if sum(1 for it in down.items if it[0] <= now) > int(T * rate):
                    start = now
                    rate = max(1.0, R)
                if down.waits(now) or budget > 0:
                    if not down.waits(now):
                        budget -= 1
                    out.append(packet(now, DOWN, ip, 3 + k, down.fill(now, ip - 28)))
                    earned += 1 / U
                    while earned >= 1:
                        out.append(packet(now, UP, ip, 3 + k, up.fill(now, ip - 28)))
                        earned -= 1
                    last_out = now
                slot = now + ns(1 / rate)
                t = now
                while up.items:
                    t = max(t, up.items[0][0] + ns(C))
                    if t >= slot:
                        break
                    out.append(packet(t, UP, ip, 3 + k, up.fill(t, ip - 28)))
                    last_out = t
                now = slot
                if budget == 0 and not down.waits(now) and not up.waits(now) and now - max(up.last, down.last) >= ns(quiet):
                    break
            if over:
                break
    return sorted(out, key=lambda p: p[0])


def dress(dummies, like_last=True):
    """Cover on the stream's last flow, like its last packet with payload."""
    out = whole()
    cover = []
    for t, k, d in sorted(dummies, key=lambda x: x[0]):
        if t > END:
            continue
        seen = [p for p in INPUT if p[0] <= t and p[4] in STREAMS[k]]
        if not seen:
            continue
        flow = seen[-1][4]
        like = [p for p in seen if p[1] == d and p[3] > 0]
        header = 28 if PROTO[flow] == 17 else 40
        size, pay = (like[-1][2], like[-1][3]) if like else (114, 100 - header)
        cover.append((t, d, size, pay, flow, []))
    return sorted(out + cover, key=lambda p: (p[0], 0 if p[5] else 1))


def front(r, up, down, wmin, wmax, quiet):
    gens = [r.stream() for _ in STREAMS]
    dummies = []
    for k, flows in enumerate(STREAMS):
        last, on = 0, [False, False]
        for t, d, size, pay, fl in INPUT:
            if fl not in flows:
                continue
            if t - last > ns(quiet):
                on = [False, False]
            last = t
            for side, most in ((UP, up), (DOWN, down)):
                if on[side] or side == DOWN and d == UP:
                    continue
                on[side] = True
                w = wmin + gens[k].f() * (wmax - wmin)
                for _ in range(1 + gens[k].n(most)):
                    dummies.append((t + ns(w * math.sqrt(2 * gens[k].exp())), k, side))
    return dress(dummies)


def adaptive(r, burst, gap):
    """The home variant: one pair of distributions (n, mean, sd) for all."""
    gens = [[r.stream(), r.stream()] for _ in STREAMS]
    dummies = []

    def draw(g, d):
        return ns(abs(d[1] + d[2] * g.norm())) + 1

    for k, flows in enumerate(STREAMS):
        mine = [p[0] for p in INPUT if p[4] in flows]
        for d in (UP, DOWN):
            g = gens[k][d]
            for i, t in enumerate(mine):
                until = mine[i + 1] if i + 1 < len(mine) else END + 1
                if g.f() >= 1 / burst[0]:
                    continue
                at = t + draw(g, burst)
                while at < until:
                    dummies.append((at, k, d))
                    if g.f() < 1 / gap[0]:
                        break
                    at += draw(g, gap)
    return dress(dummies)


def stp(r, q, rate, period, ip):
    seeds = [(r.u64(), r.u64()) for _ in STREAMS]
    step, T = ns(1 / rate), ns(period)
    out = passing()
    for k, flows in enumerate(STREAMS):
        g, qs = Rand(*seeds[k]), queues(flows)
        starts, base = [], 0
        while base <= END + 10 * S:
            hit, off = g.f() < q, g.n(T)
            if hit:
                starts.append(base + off)
            base += T
        now = 0
        while True:
            heads = [x.items[0][0] for x in qs if x.items]
            start = max(now, min(heads + starts[:1]))
            if start > END and not heads:
                break
            end, now = start + T, start
            while now < end:
                if now > END and not qs[0].items and not qs[1].items:
                    break
                for d in (UP, DOWN):
                    out.append(packet(now, d, ip, 3 + k, qs[d].fill(now, ip - 28)))
                while starts and starts[0] <= now:
                    end = max(end, starts.pop(0) + T)
                if now + step >= end and any(x.waits(now) for x in qs):
                    end += T
                now += step
            if now > END and not qs[0].items and not qs[1].items:
                break
    return sorted(out, key=lambda p: p[0])


def dp(r, eps, delta, sens, interval, window):
    g = Rand(r.u64(), r.u64())
    noise = [g.stream(), g.stream()]
    n = math.ceil(window / interval - 1e-9)
    log = math.log(1 / delta)
    sigma = sens * math.sqrt(n / 2) / (math.sqrt(eps + log) - math.sqrt(log))
    at = [noise[0].n(ns(interval)), noise[1].n(ns(interval))]
    # A rerun with a later end gives the same packets and more; the last
    # original leaves after END here, so run until all has left first.
    qs, ticks, drained = queues([0, 1]), [], END
    while True:
        d = 0 if at[0] <= at[1] else 1
        now = at[d]
        at[d] += ns(interval)
        if now > END + 20 * S:
            break
        length = sum(it[2] + it[3] for it in qs[d].items if it[0] <= now)
        n_bytes = int(max(0, min(length + sigma * noise[d].norm(), 12.5e6 * interval)))
        while n_bytes > 0:
            ip = min(n_bytes, MTU - 28) + 28
            c = qs[d].fill(now, ip - 28)
            if c:
                drained = max(drained, now)
            ticks.append(packet(now, d, ip, 3, c))
            n_bytes -= MTU - 28
    return sorted(passing() + [p for p in ticks if p[0] <= drained], key=lambda p: p[0])


def couple(u, source, target, n):
    lo = sum(1 for s in source if s < n)
    hi = sum(1 for s in source if s <= n)
    rank = lo + u * (hi - lo)
    return target[min(len(target) - 1, int(rank / len(source) * len(target)))]


def morph(r, method):
    """Fitted to the input itself, device 2 (flow 1) the target."""
    target = [sorted(p[2] - 14 for p in INPUT if p[1] == d and p[3] > 0 and p[4] == 1) for d in (UP, DOWN)]
    out = []
    for i, (t, d, size, pay, fl) in enumerate(INPUT):
        if pay == 0 or fl == 2:
            out.append((t, d, size, pay, fl, [(i, pay)]))
            continue
        head = size - pay
        if method == "dts":
            s = target[d][r.n(len(target[d]))]
        else:
            source = sorted(p[2] - 14 for p in INPUT if p[1] == d and p[3] > 0 and p[4] == fl)
            s = couple(r.f(), source, target[d], size - 14)
        while True:
            room = min(max(1, s + 14 - head), FRAME - head)
            n = min(pay, room)
            out.append((t, d, head + room, room, fl, [(i, n)]))
            pay -= n
            if pay == 0:
                break
            s = target[d][r.n(len(target[d]))]
    return out


def poisson(g, per_hour):
    return int(g.exp() / per_hour * 3600e9) + 1


def merge(cover):
    return sorted(whole() + sorted(cover, key=lambda p: p[0]), key=lambda p: (p[0], 0 if p[5] else 1))


def decoys(r, per_hour):
    """Fitted to the input, whose event at 0.1 s caused packets 0 and 1."""
    when, what = r.stream(), r.stream()
    cover, t = [], poisson(when, per_hour)
    while t <= END:
        what.n(1)
        # Packets go on flow 0 once it has been seen, on a new one before.
        flow = 0 if INPUT[0][0] < t else 3
        for p in INPUT[:2]:
            at = t + p[0] - 100 * MS
            if at <= END:
                cover.append((at, p[1], p[2], p[3], flow, []))
        t += poisson(when, per_hour)
    return merge(cover)


def noise(r, per_hour):
    cover = []
    for d in (UP, DOWN):
        g = r.stream()
        t = poisson(g, per_hour)
        while t <= END:
            pay = g.n(1461)
            cover.append((t, d, 54 + pay, pay, 3, []))
            t += poisson(g, per_hour)
    return merge(cover)


def vectors():
    def new():
        return Rand(7, 9)

    yield "/none", "none", whole()
    yield "pad/pad-random", "pad-random:max_bytes=255", pad_random(new(), 255)
    yield "pad/pad-random-flow", "pad-random:max_bytes=100,per=flow", pad_flow(new(), 100)
    yield "pad/pad-level-mtu", "pad-level:to=mtu", pad_level([1500])
    yield "pad/pad-level-fixed", "pad-level:to=fixed,size_bytes=600", pad_level([600])
    yield "pad/pad-level-linear", "pad-level:to=linear", pad_level([128 * k for k in range(1, 12)] + [1500])
    yield "pad/pad-level-exponential", "pad-level:to=exponential", pad_level([128, 256, 512, 1024, 1500])
    yield "pad/pad-level-mice", "pad-level:to=mice", pad_level([128, 1500])
    yield "pad/pad-level-l500", "pad-level:to=l500", pinheiro(new(), 500)
    yield "pad/fragment", "fragment:parts=3", fragment(3)
    yield "timing/jitter", "jitter:min_s=0.01,max_s=0.1", jitter(new(), 0.01, 0.1)
    for kind in TUNNEL:
        yield "tunnel/vpn-" + kind, "vpn:kind=%s,delay=constant,delay_s=0.004,control=false" % kind, vpn(kind, 0.004)
    yield "names/hide-names", "hide-names", hide_names()
    yield "rate/constant-rate", "constant-rate:size_bytes=700,interval_s=0.25", constant(new(), 700, 0.25, False)
    yield "rate/constant-rate-home", "constant-rate:size_bytes=1400,interval_s=0.2,per=home", constant(new(), 1400, 0.2, True)
    buflo = "buflo:size_bytes=1000,interval_s=0.1,min_s=0.5,quiet_s=0.2"
    yield "rate/constant-rate-buflo", buflo, sessions(1000, 0.1, 0.1, 0.5, 0.2, 1)
    tamaraw = "tamaraw:interval_s=0.06,interval_down_s=0.05,multiple=4,quiet_s=0.15"
    yield "rate/constant-rate-tamaraw", tamaraw, sessions(750, 0.06, 0.05, 0, 0.15, 4)
    yield "rate/uniform-burst", "uniform-burst:slots=6,size_bytes=800,interval_s=0.03", uniform_burst(6, 800, 0.03)
    reg = "regulator:r=20,d=0.5,t=0.2,n=6,u=2,c=0.1,quiet_s=0.3,size_bytes=900"
    yield "rate/regulator", reg, regulator(new(), 20, 0.5, 0.2, 6, 2, 0.1, 0.3, 900)
    yield "cover/front", "front:max_up=5,max_down=4,w_min_s=0.1,w_max_s=1", front(new(), 5, 4, 0.1, 1, 10)
    yield "cover/adaptive-padding", "adaptive-padding:variant=home", adaptive(new(), (2, 0.05, 0.05), (4, 0.2, 0.1))
    yield "rate/cover-stp", "cover-stp:q=0.3,packets_per_s=5,period_s=0.5", stp(new(), 0.3, 5, 0.5, 1000)
    dps = "dp-shape:epsilon=20,sensitivity_bytes=400,sensitivity_up_bytes=400,interval_s=0.3,interval_up_s=0.3,window_s=1"
    yield "rate/dp-shape", dps, dp(new(), 20, 1e-6, 400, 0.3, 1)
    yield "morph/morph", "morph:target=two", morph(new(), "morph")
    yield "morph/morph-dts", "morph:method=dts,target=two", morph(new(), "dts")
    yield "cover/cover-decoy", "cover-decoy:per_hour=7200", decoys(new(), 7200)
    yield "cover/cover-noise", "cover-noise:kind=poisson,per_hour=3600", noise(new(), 3600)


def line(p):
    text = "%d %s %d %d %d" % (p[0], ("up", "down")[p[1]], p[2], p[3], p[4])
    if len(p) > 5:
        text += " " + (",".join("%d:%d" % c for c in p[5]) or "-")
    return text


def main():
    goroot, out = sys.argv[1:]
    kinds = {"k": lambda v: int(v, 0), "w": lambda v: f32(float(v)), "f": lambda v: f32(float(v))}
    Rand.tables = {
        "exp": [table(goroot, "exp.go", c + "e", kinds[c]) for c in "kwf"],
        "norm": [table(goroot, "normal.go", c + "n", kinds[c]) for c in "kwf"],
    }
    for name, defense, result in vectors():
        family, file = name.split("/")
        with open(os.path.join(out, family, "testdata", "golden", file + ".txt"), "w") as f:
            f.write("defense %s\n\nin\n" % defense)
            f.writelines(line(p) + "\n" for p in INPUT)
            f.write("\nout\n")
            f.writelines(line(p) + "\n" for p in result)


main()
