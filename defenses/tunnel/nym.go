package tunnel

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/cite"
	"veilbench/datasets/params"
	"veilbench/defenses"
	"veilbench/defenses/shaping"
)

// Nym sends all that leaves the home through the Nym mix network, as nym-client and
// NymVPN's anonymous mode do with Poisson cover on (their configuration, read in 2026):
// messages of one size at random times, one every MessageMs on average, which carry
// what waits or else are cover that comes back to the sender; beside them loops of
// cover, one every LoopMs. Each of three mixes holds a message for an exponential time
// of MixMs on average.
//
// What comes down was sent by an exit that does not wait, and came through the mixes;
// the account keeps its order. IP packets that wait together share a message of 2048
// bytes, none is cut that fits one.
//
// Assumed: a message takes 2413 bytes (348 of Sphinx header and 17 more, recalled) of one
// TCP connection over IPv4 to the entry gateway, in segments of 1448 bytes with time
// stamps; each way carries so much that no segment is an ACK alone; a loop takes 60 ms
// besides the mixes. Client and exit keep no reliability layer, which IP does not need.
//
// Its messages of one size are its tunnel, so there is none without padding to compare
// it with: it shows as a tunnel does.
type Nym struct {
	MessageMs float64 `help:"between messages on average, real if any wait, else cover"`
	LoopMs    float64 `help:"between loops of cover beside them on average"`
	MixMs     float64 `help:"that each of three mixes holds a message on average"`
}

var _ defenses.Defense = Nym{}

const (
	nymPayload = 2048
	nymHeader  = 365
	nymMSS     = 1448
	nymMixes   = 3
	nymLoop    = 60 * time.Millisecond
	// nymTCP are the bytes of Ethernet, IPv4 and TCP with time stamps.
	nymTCP = datasets.EthernetHeader + shaping.TCP4Headers + 12
)

// NewNym has the rates of the newest configuration.
func NewNym() Nym { return Nym{MessageMs: 20, LoopMs: 200, MixMs: 15} }

// Info names the project and the design that it follows.
func (d Nym) Info() defenses.Info {
	return defenses.Info{
		Name: "nym", Doc: "a mix network: Poisson cover both ways, delays at three mixes",
		Place: defenses.AtGateway, Needs: []defenses.Party{defenses.TunnelEnd},
		Cite: "Diaz, Halpin and Kiayias 2021 (Nym); nym-client configuration", Works: cite.Of("diaz2021nym", "nymvpn"),
	}
}

// Validate refuses means that are none or above a minute; without loops and delays a
// network is still one.
func (d Nym) Validate() error {
	return cmp.Or(
		params.Within("message_ms", d.MessageMs, 0.1, 60_000),
		params.ZeroOrWithin("loop_ms", d.LoopMs, 0.1, 60_000),
		params.ZeroOrWithin("mix_ms", d.MixMs, 0.1, 60_000),
	)
}

// Apply sends everything that leaves the home over one connection to the network.
func (d Nym) Apply(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	s := shaping.FindStreams(in, true)
	n := nym{d: d, in: in, flow: int32(len(in.Flows))}
	times, loops, mixes, down := defenses.Stream(rng), defenses.Stream(rng), defenses.Stream(rng), defenses.Stream(rng)
	leave := [2][]int32{}
	for i, p := range in.Packets {
		if s.Of[p.Flow] == shaping.NoStream {
			n.sent = append(n.sent, sphinx{at: p.Time, whole: true, from: len(n.parts), to: len(n.parts) + 1})
			n.parts = append(n.parts, part{int32(i), p.Payload})
		} else {
			leave[p.Dir] = append(leave[p.Dir], int32(i))
		}
	}
	if err := n.up(times, mixes, leave[datasets.Up]); err != nil {
		return defenses.Defended{}, err
	}
	n.loops(loops)
	n.down(down, leave[datasets.Down])
	return n.defended(), nil
}

// sphinx is a message, or with whole a packet that stays in the home. parts from to to
// are what it carries.
type sphinx struct {
	at       time.Duration
	dir      datasets.Dir
	whole    bool
	from, to int
}

// part is that many payload bytes of an original.
type part struct{ orig, payload int32 }

// nym collects the messages of one run.
type nym struct {
	d     Nym
	in    datasets.Trace
	flow  int32
	sent  []sphinx
	parts []part
}

// exp is an exponential time with that mean in ms.
func exp(rng *rand.Rand, ms float64) time.Duration {
	return params.Seconds(rng.ExpFloat64() * ms / 1e3)
}

// through is how long a message is with the mixes.
func (n *nym) through(rng *rand.Rand) time.Duration {
	var sum time.Duration
	for range nymMixes {
		sum += exp(rng, n.d.MixMs)
	}
	return sum
}

// message sends a message that carries parts from first on.
func (n *nym) message(at time.Duration, dir datasets.Dir, first int) {
	n.sent = append(n.sent, sphinx{at: at, dir: dir, from: first, to: len(n.parts)})
}

// cover sends a message that comes back.
func (n *nym) cover(at time.Duration, mixes *rand.Rand) {
	n.message(at, datasets.Up, len(n.parts))
	if back := at + nymLoop + n.through(mixes); back <= n.in.End {
		n.message(back, datasets.Down, len(n.parts))
	}
}

// up sends the main stream: until observing ends, and on while something waits.
func (n *nym) up(times, mixes *rand.Rand, wait []int32) error {
	var rest int32 // of the first that waits, if it was too large for one message
	for at := exp(times, n.d.MessageMs); at <= n.in.End || len(wait) > 0; at += exp(times, n.d.MessageMs) {
		first, room := len(n.parts), int32(nymPayload)
		for len(wait) > 0 && n.in.Packets[wait[0]].Time <= at && room > 0 {
			p := n.in.Packets[wait[0]]
			size, payload := max(p.Size-datasets.EthernetHeader, 1), p.Payload
			if rest > 0 {
				// Payload goes before headers, so what is left of it follows from what is
				// left of the packet.
				size, payload = rest, max(0, payload-(size-rest))
			}
			if size > room && room < nymPayload {
				break // it waits for a message of its own
			}
			took := min(size, room)
			n.parts = append(n.parts, part{wait[0], min(payload, took)})
			room -= took
			if rest = size - took; rest == 0 {
				wait = wait[1:]
			}
		}

		switch {
		case len(n.parts) > first:
			n.message(at, datasets.Up, first)
		case at <= n.in.End:
			n.cover(at, mixes)
		}
		if at > n.in.End+defenses.MaxBacklog {
			return fmt.Errorf("nym: %w: %d packets wait %v after the end", defenses.ErrSaturated, len(wait), defenses.MaxBacklog)
		}
		if len(n.sent) > maxPadding {
			return fmt.Errorf("nym: more than %d messages: take a shorter recording", maxPadding)
		}
	}
	return nil
}

// loops sends the cover beside the main stream.
func (n *nym) loops(rng *rand.Rand) {
	if n.d.LoopMs == 0 {
		return
	}
	mixes := defenses.Stream(rng)
	for at := exp(rng, n.d.LoopMs); at <= n.in.End; at += exp(rng, n.d.LoopMs) {
		n.cover(at, mixes)
	}
}

// down brings what comes from outside, in its order.
func (n *nym) down(rng *rand.Rand, wait []int32) {
	var last time.Duration
	for i := 0; i < len(wait); {
		p := n.in.Packets[wait[i]]
		last = max(last, p.Time+n.through(rng))
		first, room := len(n.parts), int32(nymPayload)

		// What comes at one instant is sent together. One too large for a message is
		// cut, its payload first.
		size, payload := max(p.Size-datasets.EthernetHeader, 1), p.Payload
		for size > nymPayload {
			took := min(payload, nymPayload)
			n.parts = append(n.parts, part{wait[i], took})
			n.message(last, datasets.Down, first)
			size, payload, first = size-nymPayload, payload-took, len(n.parts)
		}
		for {
			n.parts = append(n.parts, part{wait[i], payload})
			room -= size
			if i++; i == len(wait) {
				break
			}
			q := n.in.Packets[wait[i]]
			if size, payload = max(q.Size-datasets.EthernetHeader, 1), q.Payload; q.Time != p.Time || size > room {
				break
			}
		}
		n.message(last, datasets.Down, first)
	}
}

// defended puts messages in order of time and cuts them into segments.
func (n *nym) defended() defenses.Defended {
	slices.SortStableFunc(n.sent, func(a, b sphinx) int { return cmp.Compare(a.at, b.at) })
	out := defenses.Defended{Trace: n.in}
	out.Trace.Packets = make([]datasets.Packet, 0, 2*len(n.sent))
	b := defenses.NewBuilder(2 * len(n.sent))
	for _, m := range n.sent {
		parts := n.parts[m.from:m.to]
		if m.whole {
			out.Trace.Packets = append(out.Trace.Packets, n.in.Packets[parts[0].orig])
			b.Carry(parts[0].orig, parts[0].payload)
			b.Next()
			continue
		}

		// The payload of parts fills the first segment, then the second; a segment of a
		// message that carries something is no dummy, if it has only headers of it.
		k, left := 0, int32(0)
		if len(parts) > 0 {
			left = parts[0].payload
		}
		for _, size := range [2]int32{nymMSS, nymPayload + nymHeader - nymMSS} {
			room := size
			for k < len(parts) && (room > 0 || left == 0) {
				took := min(left, room)
				b.Carry(parts[k].orig, took)
				left -= took
				room -= took
				if left > 0 {
					break
				}
				if k+1 < len(parts) {
					left = parts[k+1].payload
				}
				k++
			}
			if k == len(parts) && k > 0 && room == size {
				b.Carry(parts[k-1].orig, 0)
			}
			b.Next()
			out.Trace.Packets = append(out.Trace.Packets, datasets.Packet{
				Time: m.at, Size: nymTCP + size, Payload: size, Flow: n.flow, Dir: m.dir,
			})
		}
	}

	out.Trace.Flows = shaping.AppendFlows(n.in, datasets.Flow{
		Proto: shaping.TCP, Local: netip.AddrPortFrom(shaping.GatewayEnd(), 9001), Remote: netip.AddrPortFrom(shaping.FarEnd(), 9001),
	})
	if k := len(out.Trace.Packets); k > 0 {
		out.Trace.End = max(n.in.End, out.Trace.Packets[k-1].Time)
	}
	out.Carried = b.Carried()
	return out
}
