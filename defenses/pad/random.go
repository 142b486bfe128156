package pad

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/cite"
	"veilbench/datasets/params"
	"veilbench/defenses"
	"veilbench/defenses/shaping"
)

// Random appends a random number of bytes to every payload, never above
// the MTU. It is the first suggestion of IoTEvent (section 5.2.1), which says
// no number.
//
// The sets are: uniform, U{1..MaxBytes} (Camouflage's padding, there 256, but
// with the frame limit it lacks); dyer, {8, 16, ..., 248} (countermeasures 2
// and 3 of Dyer et al., "Peek-a-Boo, I Still See You", 2012, as coded; the
// paper writes {0, 8, ..., 248}); mtu, {0, 8, ...} up to the MTU, the MTU
// itself where there is no room (their countermeasure 4); mtu-uniform, a size
// between the packet's and the MTU, and gaussian, N(400, 100) (both Engelberg
// and Wool). MaxBytes acts on uniform only. Dyer et al. drop pure ACKs before
// everything; here Acks says what happens to them.
type Random struct {
	MaxBytes  int     `help:"most bytes added to a packet"`
	Per       string  `help:"packet, flow or burst: what has a draw of its own"`
	Set       string  `help:"uniform, dyer, mtu, mtu-uniform or gaussian: what is drawn from"`
	BurstGapS float64 `help:"silence in a flow that begins a new burst"`
	Acks      string  `help:"keep or pad: packets without payload"`
}

var _ defenses.Defense = Random{}

// Info names the publication that the sets and the three scopes come from.
func (Random) Info() defenses.Info {
	return defenses.Info{
		Name: "pad-random", Doc: "a random number of bytes on every packet, flow or burst",
		Place: defenses.AtDevice, Needs: []defenses.Party{defenses.Cloud}, Cite: "Dyer et al. 2012, countermeasures 2 to 4; IoTEvent, section 5.2.1", Works: cite.Of("dyer2012peekaboo", "iotevent2022"),
	}
}

// Validate refuses words that are none of the choices, and more bytes than a
// packet may have or a gap above an hour.
func (d Random) Validate() error {
	return cmp.Or(
		params.Within("max_bytes", d.MaxBytes, 1, shaping.MTU),
		params.OneOf("per", d.Per, "packet", "flow", "burst"),
		params.OneOf("set", d.Set, "uniform", "dyer", "mtu", "mtu-uniform", "gaussian"),
		params.Within("burst_gap_s", d.BurstGapS, 0, 3600.0),
		params.OneOf("acks", d.Acks, "keep", "pad"),
	)
}

// Apply makes packets larger, each by a draw of its own or by that of its flow or
// burst. Times, flows and numbers of packets stay.
func (d Random) Apply(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	if d.Per == "packet" && d.Set == "uniform" {
		return d.uniform(rng, in), nil
	}
	if d.Per == "packet" {
		return resized(in, d.Acks, func(p *datasets.Packet, limit int32) int32 { return d.draw(rng, limit-p.Size) }), nil
	}

	// extra is the draw of each flow. Drawn at its first packet, so the past
	// does not depend on the future.
	extra := make([]int32, len(in.Flows))
	drawn := make([]bool, len(in.Flows))
	last := make([]time.Duration, len(in.Flows))

	gap := params.Seconds(d.BurstGapS)
	return resized(in, d.Acks, func(p *datasets.Packet, limit int32) int32 {
		f := p.Flow
		if !drawn[f] || d.Per == "burst" && p.Time-last[f] > gap {
			extra[f], drawn[f] = d.draw(rng, limit-p.Size), true
		}
		last[f] = p.Time
		return extra[f]
	}), nil
}

// uniform is the common case, fast: one draw of 64 bits serves two packets, each
// of which takes the upper 32 bits.
func (d Random) uniform(rng *rand.Rand, in datasets.Trace) defenses.Defended {
	out := defenses.Defended{Trace: in}
	out.Trace.Packets = slices.Clone(in.Packets)
	c := shaping.NewPadder(in, d.Acks)

	var word uint64
	have := false // half of word is left
	most := uint64(d.MaxBytes)
	for i := range out.Trace.Packets {
		p := &out.Trace.Packets[i]
		if !c.Can(p) {
			continue
		}
		if have = !have; have {
			word = rng.Uint64()
		}

		// Multiplying 32 random bits by most and keeping what is above bit 32
		// draws from 0 to most-1. As most is 1500 at the largest, the product
		// fits 43 bits, and no value is likelier than another by more than one
		// part in two million.
		grow(p, 1+int32(word>>32*most>>32), c.Limit(p))
		word <<= 32
	}
	return out
}

// draw is the padding in bytes of a frame that has so much room up to the limit.
func (d Random) draw(rng *rand.Rand, room int32) int32 {
	switch d.Set {
	case "dyer":
		return 8 * (1 + rng.Int32N(31))
	case "mtu":
		// With less than one step left the set {0, 8, ...} would be 0 alone;
		// as published such a packet is filled.
		if room < 8 {
			return max(0, room)
		}
		return 8 * rng.Int32N((room+7)/8)
	case "mtu-uniform":
		return rng.Int32N(max(0, room) + 1)
	case "gaussian":
		return max(0, int32(400+100*rng.NormFloat64()+0.5))
	}
	return 1 + rng.Int32N(int32(d.MaxBytes))
}
