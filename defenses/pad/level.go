package pad

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"veilbench/datasets"
	"veilbench/datasets/cite"
	"veilbench/datasets/params"
	"veilbench/defenses"
	"veilbench/defenses/shaping"
)

// Level pads every payload so that the IP packet reaches the next of some
// sizes; packets above the largest stay as they are.
//
// From Dyer et al. 2012: mtu (countermeasure 1), exponential (5: next of 128,
// 256, 512, 1024, 1500), linear (6: next multiple of 128, else 1500), mice
// (7: 128 or 1500). levels are 100, 200, 300, 400 and so on (level-100 of
// Engelberg and Wool). fixed is one size, for packets up to SizeBytes. l100,
// l500, l700 and l900 are the levels of Pinheiro et al. 2021, where longer
// packets get a random size up to 1000 or 1400 and then the MTU; their
// controller picks the level by load, here it is fixed.
type Level struct {
	To        string `help:"mtu, fixed, linear, exponential, mice, levels, l100, l500, l700 or l900"`
	SizeBytes int    `help:"IP packet size for to=fixed"`
	Acks      string `help:"keep or pad: packets without payload"`
}

var _ defenses.Defense = Level{}

// Info names the publications that the sizes come from.
func (Level) Info() defenses.Info {
	return defenses.Info{
		Name: "pad-level", Doc: "every packet up to the next of some sizes",
		Place: defenses.AtDevice, Needs: []defenses.Party{defenses.Cloud}, Cite: "Dyer et al. 2012, countermeasures 1 and 5 to 7; Pinheiro et al. 2021", Works: cite.Of("dyer2012peekaboo", "pinheiro2021padding"),
	}
}

// Validate refuses words that are none of the choices and a size above the MTU.
func (d Level) Validate() error {
	return cmp.Or(
		params.OneOf("to", d.To, "mtu", "fixed", "linear", "exponential", "mice", "levels", "l100", "l500", "l700", "l900"),
		params.Within("size_bytes", d.SizeBytes, 1, shaping.MTU),
		params.OneOf("acks", d.Acks, "keep", "pad"),
	)
}

// Apply makes packets larger: each up to the next size of the set or, for the
// levels of Pinheiro et al., partly at random. Times and flows stay.
func (d Level) Apply(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	// l500 is the level of 500 bytes; no other word is a number behind an l.
	if level, err := strconv.Atoi(strings.TrimPrefix(d.To, "l")); err == nil {
		return resized(in, d.Acks, func(p *datasets.Packet, _ int32) int32 {
			n := p.Size - datasets.EthernetHeader
			return pinheiro(rng, int32(level), n) - n
		}), nil
	}

	// The padded size depends on the size alone, so a table of all 1501 sizes
	// takes the place of a computation per packet.
	out := defenses.Defended{Trace: in}
	out.Trace.Packets = slices.Clone(in.Packets)
	c, to := shaping.NewPadder(in, d.Acks), d.table()
	for i := range out.Trace.Packets {
		p := &out.Trace.Packets[i]
		if n := p.Size - datasets.EthernetHeader; n <= shaping.MTU && c.Can(p) {
			grow(p, to[n]-n, c.Limit(p))
		}
	}
	return out, nil
}

// table holds the padded size of every IP packet size. A size is never below
// the packet's own and never above the MTU.
func (d Level) table() []int32 {
	to := make([]int32, shaping.MTU+1)
	for n := range to {
		size := shaping.MTU
		switch d.To {
		case "fixed":
			size = max(n, d.SizeBytes)
		case "linear":
			size = (n + 127) / 128 * 128
		case "exponential":
			// The doubling passes the MTU after 1024; the cut below makes it 1500.
			for size = 128; size < n; size *= 2 {
			}
		case "mice":
			if n <= 128 {
				size = 128
			}
		case "levels":
			size = (n + 99) / 100 * 100
		}

		to[n] = int32(min(size, shaping.MTU))
	}
	return to
}

// pinheiro is the padded size of an IP packet of n bytes: the level, or above it
// (for l100 the next hundred up to 300) a size drawn between its own and 1000 or
// 1400, which hides it less the longer it is.
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
	return shaping.MTU
}
