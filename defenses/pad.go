package defenses

import (
	"math/rand/v2"
	"slices"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/cite"
)

// padder tells what in-flow padding can act on: there must be a payload to
// append to, and frames that are not IP and stay in the home are left alone.
type padder struct {
	flow  []bool
	least int32 // payload
}

func newPadder(in datasets.Trace, acks string) padder {
	c := padder{flow: make([]bool, len(in.Flows)), least: 1}
	if acks == "pad" {
		c.least = 0
	}
	for i, f := range in.Flows {
		c.flow[i] = f.Proto != 0 || !f.LAN
	}
	return c
}

func (c padder) can(p *datasets.Packet) bool {
	return p.Payload >= c.least && c.flow[p.Flow] && p.Size >= datasets.EthernetHeader+ip4Header
}

// grow adds n bytes of padding, up to the frame limit.
func grow(p *datasets.Packet, n int32) {
	n = max(0, min(n, MaxFrame-p.Size))
	p.Size += n
	p.Payload += n
}

// resized is in with every packet that can be padded changed by change.
func resized(in datasets.Trace, acks string, change func(p *datasets.Packet)) Defended {
	out := Defended{Trace: in}
	out.Trace.Packets = slices.Clone(in.Packets)
	c := newPadder(in, acks)
	for i := range out.Trace.Packets {
		if p := &out.Trace.Packets[i]; c.can(p) {
			change(p)
		}
	}
	return out
}

// PadRandom appends a random number of bytes to every payload, never above
// the MTU.
//
// The sets are: uniform, U{1..MaxBytes} (Camouflage's padding, there 256, but
// with the frame limit it lacks); dyer, {8, 16, ..., 248} (countermeasures 2
// and 3 of Dyer et al., "Peek-a-Boo, I Still See You", 2012, as coded; the
// paper writes {0, 8, ..., 248}); mtu, {0, 8, ...} up to the MTU, the MTU
// itself where there is no room (their countermeasure 4); mtu-uniform, a size
// between the packet's and the MTU, and gaussian, N(400, 100) (both Engelberg
// and Wool). MaxBytes acts on uniform only. Dyer et al. drop pure ACKs before everything; here Acks says
// what happens to them.
type PadRandom struct {
	MaxBytes  int     `help:"most bytes added to a packet"`
	Per       string  `help:"packet, flow or burst: what has a draw of its own"`
	Set       string  `help:"uniform, dyer, mtu, mtu-uniform or gaussian: what is drawn from"`
	BurstGapS float64 `help:"silence in a flow that begins a new burst"`
	Acks      string  `help:"keep or pad: packets without payload"`
}

var _ Defense = PadRandom{}

// Info describes the defense.
func (PadRandom) Info() Info {
	return Info{
		Name: "pad-random", Doc: "a random number of bytes on every packet, flow or burst",
		Place: AtDevice, Needs: []Party{Cloud}, Cite: "Dyer et al. 2012, countermeasures 2 to 4", Works: cite.Of("dyer2012peekaboo"),
	}
}

// Validate refuses parameters out of range.
func (d PadRandom) Validate() error {
	return first(
		within("max_bytes", d.MaxBytes, 1, mtu),
		oneOf("per", d.Per, "packet", "flow", "burst"),
		oneOf("set", d.Set, "uniform", "dyer", "mtu", "mtu-uniform", "gaussian"),
		within("burst_gap_s", d.BurstGapS, 0, 3600.0),
		oneOf("acks", d.Acks, "keep", "pad"),
	)
}

// Apply pads.
func (d PadRandom) Apply(rng *rand.Rand, in datasets.Trace) (Defended, error) {
	if d.Per == "packet" && d.Set == "uniform" {
		return d.uniform(rng, in), nil
	}
	if d.Per == "packet" {
		return resized(in, d.Acks, func(p *datasets.Packet) { grow(p, d.draw(rng, p.Size)) }), nil
	}
	// extra is the draw of each flow. Drawn at its first packet, so the past
	// does not depend on the future.
	extra := make([]int32, len(in.Flows))
	drawn := make([]bool, len(in.Flows))
	last := make([]time.Duration, len(in.Flows))
	gap := seconds(d.BurstGapS)
	return resized(in, d.Acks, func(p *datasets.Packet) {
		f := p.Flow
		if !drawn[f] || d.Per == "burst" && p.Time-last[f] > gap {
			extra[f], drawn[f] = d.draw(rng, p.Size), true
		}
		last[f] = p.Time
		grow(p, extra[f])
	}), nil
}

// uniform is the common case, fast: one draw of 64 bits serves two packets, by
// multiplication. No number of bytes is likelier than another by more than one
// part in two million.
func (d PadRandom) uniform(rng *rand.Rand, in datasets.Trace) Defended {
	out := Defended{Trace: in}
	out.Trace.Packets = slices.Clone(in.Packets)
	c := newPadder(in, d.Acks)
	var word uint64
	have := false
	most := uint64(d.MaxBytes)
	for i := range out.Trace.Packets {
		p := &out.Trace.Packets[i]
		if !c.can(p) {
			continue
		}
		if have = !have; have {
			word = rng.Uint64()
		}
		grow(p, 1+int32(word>>32*most>>32))
		word <<= 32
	}
	return out
}

// draw is the padding of a packet of the given size.
func (d PadRandom) draw(rng *rand.Rand, size int32) int32 {
	switch d.Set {
	case "dyer":
		return 8 * (1 + rng.Int32N(31))
	case "mtu":
		room := MaxFrame - size
		if room <= 0 {
			return 0
		}
		if room < 8 {
			return room
		}
		return 8 * rng.Int32N((room+7)/8)
	case "mtu-uniform":
		return rng.Int32N(max(0, MaxFrame-size) + 1)
	case "gaussian":
		return max(0, int32(400+100*rng.NormFloat64()+0.5))
	}
	return 1 + rng.Int32N(int32(d.MaxBytes))
}

// PadLevel pads every payload so that the IP packet reaches the next of some
// sizes; packets above the largest stay as they are.
//
// From Dyer et al. 2012: mtu (countermeasure 1), exponential (5: next of 128,
// 256, 512, 1024, 1500), linear (6: next multiple of 128, else 1500), mice
// (7: 128 or 1500). levels are 100, 200, 300, 400 and so on (level-100 of
// Engelberg and Wool). fixed is one size, for packets up to SizeBytes. l100,
// l500, l700 and l900 are the levels of Pinheiro et al. 2021, where longer
// packets get a random size up to 1000 or 1400 and then the MTU; their
// controller picks the level by load, here it is fixed.
type PadLevel struct {
	To        string `help:"mtu, fixed, linear, exponential, mice, levels, l100, l500, l700 or l900"`
	SizeBytes int    `help:"IP packet size for to=fixed"`
	Acks      string `help:"keep or pad: packets without payload"`
}

var _ Defense = PadLevel{}

// Info describes the defense.
func (PadLevel) Info() Info {
	return Info{
		Name: "pad-level", Doc: "every packet up to the next of some sizes",
		Place: AtDevice, Needs: []Party{Cloud}, Cite: "Dyer et al. 2012, countermeasures 1 and 5 to 7; Pinheiro et al. 2021", Works: cite.Of("dyer2012peekaboo", "pinheiro2021padding"),
	}
}

// Validate refuses parameters out of range.
func (d PadLevel) Validate() error {
	return first(
		oneOf("to", d.To, "mtu", "fixed", "linear", "exponential", "mice", "levels", "l100", "l500", "l700", "l900"),
		within("size_bytes", d.SizeBytes, 1, mtu),
		oneOf("acks", d.Acks, "keep", "pad"),
	)
}

// Apply pads.
func (d PadLevel) Apply(rng *rand.Rand, in datasets.Trace) (Defended, error) {
	if level := pinheiroLevel(d.To); level > 0 {
		return resized(in, d.Acks, func(p *datasets.Packet) {
			n := p.Size - datasets.EthernetHeader
			grow(p, pinheiro(rng, level, n)-n)
		}), nil
	}
	out := Defended{Trace: in}
	out.Trace.Packets = slices.Clone(in.Packets)
	c, to := newPadder(in, d.Acks), d.table()
	for i := range out.Trace.Packets {
		p := &out.Trace.Packets[i]
		if n := p.Size - datasets.EthernetHeader; n <= mtu && c.can(p) {
			p.Size += to[n] - n
			p.Payload += to[n] - n
		}
	}
	return out, nil
}

// table holds the padded size of every IP packet size.
func (d PadLevel) table() []int32 {
	to := make([]int32, mtu+1)
	for n := range to {
		size := mtu
		switch d.To {
		case "fixed":
			size = max(n, d.SizeBytes)
		case "linear":
			size = (n + 127) / 128 * 128
		case "exponential":
			for size = 128; size < n; size *= 2 {
			}
		case "mice":
			if n <= 128 {
				size = 128
			}
		case "levels":
			size = (n + 99) / 100 * 100
		}
		to[n] = int32(min(size, mtu))
	}
	return to
}

// pinheiroLevel is the lowest padded size, 0 for other values of to.
func pinheiroLevel(to string) int32 {
	switch to {
	case "l100":
		return 100
	case "l500":
		return 500
	case "l700":
		return 700
	case "l900":
		return 900
	}
	return 0
}

// pinheiro is the padded size of an IP packet of n bytes.
func pinheiro(rng *rand.Rand, level, n int32) int32 {
	switch {
	case n < level:
		return level
	case level == 100 && n < 300:
		return (n/100 + 1) * 100
	case n < 999:
		return n + 1 + rng.Int32N(1000-n)
	case n <= 1399:
		return n + 1 + rng.Int32N(1400-n)
	}
	return mtu
}
