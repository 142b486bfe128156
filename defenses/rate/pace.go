package rate

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"time"

	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/defenses/shaping"
)

// maxPaced bounds what pace makes in one Apply, 28 bytes each.
const maxPaced = 50_000_000

// part is one stream while it is paced: what waits, and what it has sent since it
// last handed something over.
type part struct {
	qs   [2]queue // up and down
	flow int32
	size int32 // of every packet, at the IP layer
	// hard is the time after which nothing may wait any more; limit is when
	// observing stops as long as nothing waits.
	hard, limit time.Duration
	drained     time.Duration // when the last original left
	sent        int           // packets so far,
	latest      time.Duration // and when the last one was
	flood       bool          // made more than room packets
	room        int

	// b and out are what it has sent; with a nil b packets are only counted. hand
	// gives them away when out is full.
	b       *defenses.Builder
	out     []datasets.Packet
	hand    func()
	stopped bool
}

// send sends a packet of the stream's size with what waits in that direction, or
// a dummy if nothing does.
func (p *part) send(dir datasets.Dir, now time.Duration) { p.sendSized(dir, now, p.size) }

// sendSized is send with a size at the IP layer of its own. What does not fit
// waits for the next packet.
func (p *part) sendSized(dir datasets.Dir, now time.Duration, size int32) {
	if p.qs[dir].fill(p.b, now, size-shaping.UDP4Headers) > 0 {
		p.drained = now
	}
	p.sent++
	p.latest = now
	if p.b == nil {
		return
	}

	p.b.Next()
	p.out = append(p.out, datasets.Packet{
		Time: now, Size: size + datasets.EthernetHeader,
		Payload: size - shaping.UDP4Headers, Flow: p.flow, Dir: dir,
	})
	if len(p.out) == cap(p.out) {
		p.hand()
	}
}

// waits tells whether something is left of what was there at now, either way.
func (p *part) waits(now time.Duration) bool { return p.qs[0].waits(now) || p.qs[1].waits(now) }

// last is the time of the newest original that has begun to leave.
func (p *part) last() time.Duration { return max(p.qs[0].last, p.qs[1].last) }

// after is start, or just after the last packet if that is later: a session never
// begins before the one before it is over.
func (p *part) after(start time.Duration) time.Duration {
	if p.sent > 0 {
		start = max(start, p.latest+1)
	}
	return start
}

// over tells whether the stream's work at now is beyond what is observed, or more
// than there is room for.
func (p *part) over(now time.Duration) bool {
	p.flood = p.sent > p.room
	return p.flood || p.stopped || now > p.hard || now > p.limit && p.qs[0].empty() && p.qs[1].empty()
}

// next is when the next original is there, also the one that waits already.
func (p *part) next() (at time.Duration, ok bool) {
	for i := range p.qs {
		if q := &p.qs[i]; !q.empty() {
			if t := q.first(); !ok || t < at {
				at, ok = t, true
			}
		}
	}
	return at, ok
}

// pacer sends the originals of a stream, and stops when p.over says so or nothing
// is left to do.
type pacer func(rng *rand.Rand, p *part)

// pace shapes every stream of in by run, in packets of size bytes over a flow
// of its own. One stream per device, or a single one when shared. Packets of
// flows that stay in the home pass. The result ends at in's End or when the
// last original has left; dummies go on until then on every stream.
func pace(rng *rand.Rand, in datasets.Trace, shared bool, size int32, run pacer) (defenses.Defended, error) {
	s := shaping.FindStreams(in, shared)
	flows := tunnels(in, s, shared)
	seeds := make([][2]uint64, len(s.First))
	for k := range seeds {
		seeds[k] = [2]uint64{rng.Uint64(), rng.Uint64()}
	}

	pc := pacing{in: in, flows: flows, seeds: seeds, size: size, run: run}
	pc.qs, pc.pass = queues(in, s)

	// A stream that is late moves the end for all, and then the others must send
	// dummies until there too. So all are run again with the end that was found,
	// from the same seeds; what they send before it does not change. Nothing is kept
	// before the end is known, and then there is room for exactly what leaves.
	for limit := in.End; ; {
		end, err := pc.measure(limit)
		if err != nil {
			return defenses.Defended{}, err
		}
		if end == limit {
			return pc.send(end), nil
		}
		limit = end
	}
}

// pacing is one Apply of pace.
type pacing struct {
	in    datasets.Trace
	flows []datasets.Flow
	seeds [][2]uint64 // by stream
	size  int32
	run   pacer
	qs    []queue // as they are at the beginning
	pass  []int32 // packets of no stream

	packets, entries int // that the streams send, as measured
}

// part is stream k before anything happens.
func (pc *pacing) part(k int, limit time.Duration) *part {
	return &part{
		qs: [2]queue{pc.qs[2*k], pc.qs[2*k+1]}, flow: int32(len(pc.in.Flows) + k), size: pc.size,
		hard: pc.in.End + defenses.MaxBacklog, limit: limit, room: maxPaced,
	}
}

// start runs p, which is stream k.
func (pc *pacing) start(k int, p *part) {
	pc.run(rand.New(rand.NewPCG(pc.seeds[k][0], pc.seeds[k][1])), p)
}

// measure runs every stream until limit, and until everything has left, and counts
// what they send. It returns limit, or when the last original leaves if that is
// later.
func (pc *pacing) measure(limit time.Duration) (end time.Duration, err error) {
	pc.packets, pc.entries = 0, 0
	end = limit
	for k := range pc.seeds {
		// Without a builder nothing is kept. All streams together have room for
		// maxPaced packets, so that a flood is found before it is sent.
		p := pc.part(k, limit)
		p.room -= pc.packets
		pc.start(k, p)
		if p.flood {
			return 0, fmt.Errorf("makes more than %d packets: use a lower rate or a shorter trace", maxPaced)
		}
		for dir, q := range p.qs {
			if !q.empty() {
				return 0, fmt.Errorf("%w: packet %d (%v) has not left %v after the end",
					defenses.ErrSaturated, q.wait[q.at], datasets.Dir(dir), defenses.MaxBacklog)
			}
			pc.entries += q.entries
		}
		end = max(end, p.drained)
		pc.packets += p.sent
	}
	return end, nil
}

// handful is how many packets a stream hands over at once.
const handful = 512

// lane is a stream while streams are merged.
type lane struct {
	*part
	k    int
	at   int // of out, what comes next
	next func() (struct{}, bool)
}

// time is when its next packet leaves.
func (l *lane) time() time.Duration { return l.out[l.at].Time }

// before is the order of lanes: by time, then by number.
func (l *lane) before(o *lane) bool {
	return l.time() < o.time() || l.time() == o.time() && l.k < o.k
}

// send runs every stream once more, side by side, and merges what they hand over
// with the packets that pass in order of time; of equal times those that pass are
// first, then streams in their order.
func (pc *pacing) send(end time.Duration) defenses.Defended {
	n := pc.packets + len(pc.pass)
	out := make([]datasets.Packet, 0, n)
	b := defenses.NewBuilder(0)
	b.Reserve(n, pc.entries+len(pc.pass))
	pass := pc.pass
	passing := func(until time.Duration) {
		for ; len(pass) > 0 && pc.in.Packets[pass[0]].Time <= until; pass = pass[1:] {
			p := pc.in.Packets[pass[0]]
			b.Carry(pass[0], p.Payload)
			b.Next()
			out = append(out, p)
		}
	}

	// A stream works on only when all that it handed over has left, so that a few
	// packets of each are all that waits. The lanes are a heap.
	var lanes []*lane
	for k := range pc.seeds {
		l := &lane{part: pc.part(k, end), k: k}
		l.b, l.out = defenses.NewBuilder(handful), make([]datasets.Packet, 0, handful)
		next, stop := iter.Pull(pc.handing(l))
		defer stop()
		l.next = next
		if _, ok := next(); ok {
			lanes = append(lanes, l)
		}
	}
	for i := len(lanes)/2 - 1; i >= 0; i-- {
		sink(lanes, i)
	}

	for len(lanes) > 0 {
		l := lanes[0]
		if len(pass) > 0 {
			passing(l.time())
		}
		orig, bytes := l.b.Carried().Entries(l.at)
		for j := range orig {
			b.Carry(orig[j], bytes[j])
		}
		b.Next()
		out = append(out, l.out[l.at])

		if l.at++; l.at == len(l.out) {
			if _, ok := l.next(); !ok {
				lanes[0] = lanes[len(lanes)-1]
				lanes = lanes[:len(lanes)-1]
			}
		}
		sink(lanes, 0)
	}
	passing(shaping.Never)

	d := defenses.Defended{Trace: pc.in, Carried: b.Carried()}
	d.Trace.Flows, d.Trace.End, d.Trace.Packets = pc.flows, end, out
	return d
}

// handing runs the stream of l, and stands still while what it handed over is
// taken.
func (pc *pacing) handing(l *lane) iter.Seq[struct{}] {
	return func(yield func(struct{}) bool) {
		l.hand = func() {
			// Nobody takes any more: the stream finds that observing is over.
			l.stopped = l.stopped || !yield(struct{}{})
			l.out, l.at = l.out[:0], 0
			l.b.Reset()
		}
		pc.start(l.k, l.part)
		if len(l.out) > 0 && !l.stopped {
			yield(struct{}{})
		}
	}
}

// sink moves lane i down to where it belongs in the heap.
func sink(lanes []*lane, i int) {
	for {
		least := i
		for c := 2*i + 1; c <= min(2*i+2, len(lanes)-1); c++ {
			if lanes[c].before(lanes[least]) {
				least = c
			}
		}
		if least == i || least >= len(lanes) {
			return
		}
		lanes[i], lanes[least] = lanes[least], lanes[i]
		i = least
	}
}
