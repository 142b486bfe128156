package pad

import (
	"cmp"
	"math/rand/v2"

	"veilbench/datasets"
	"veilbench/datasets/cite"
	"veilbench/datasets/params"
	"veilbench/defenses"
	"veilbench/defenses/shaping"
)

// Fragment cuts every payload into pieces that leave at once, each with the
// headers of the original.
//
// parts cuts into Parts equal pieces (the first ones a byte longer), bytes into
// pieces of at most MaxBytes and the rest, thirds into two of which each has
// at least a third (WadElla, IoT-Traffic-Camouflage).
type Fragment struct {
	By       string `help:"parts, bytes or thirds: how to cut"`
	Parts    int    `help:"pieces for by=parts"`
	MaxBytes int    `help:"largest payload of a piece for by=bytes"`
}

var _ defenses.Defense = Fragment{}

// Info names the implementation that the ways to cut come from.
func (Fragment) Info() defenses.Info {
	return defenses.Info{
		Name: "fragment", Doc: "every payload cut into pieces with headers of their own",
		Place: defenses.AtDevice, Needs: []defenses.Party{defenses.Cloud}, Cite: "IoT-Traffic-Camouflage, fragmentation", Works: cite.Of("iot-traffic-camouflage"),
	}
}

// Validate refuses an unknown way to cut, no or more than 64 pieces, and pieces
// below 8 bytes, of which a frame would be 180.
func (d Fragment) Validate() error {
	return cmp.Or(
		params.OneOf("by", d.By, "parts", "bytes", "thirds"),
		params.Within("parts", d.Parts, 1, 64),
		params.Within("max_bytes", d.MaxBytes, 8, shaping.MTU),
	)
}

// Apply turns each packet with payload into several at the same time, in order.
// Pure ACKs and what stays in the home leave whole.
func (d Fragment) Apply(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	can := shaping.NewPadder(in, "keep")
	a := shaping.NewAssembly(in, len(in.Packets)*2)
	for i, p := range in.Packets {
		if !can.Can(&p) {
			a.Whole(i, p)
			continue
		}

		header := p.Size - p.Payload
		for rest := p.Payload; rest > 0; {
			n := min(rest, d.piece(rng, p.Payload, rest))
			// Never above the frame limit, whatever the original was. At
			// least a byte, or headers above the limit would never end.
			n = max(1, min(n, can.Limit(&p)-header))
			q := p
			q.Payload, q.Size = n, header+n
			a.Piece(q, int32(i), n)
			rest -= n
		}
	}
	return a.Defended(in.Flows), nil
}

// piece is the payload of the next piece when rest bytes of whole are left.
func (d Fragment) piece(rng *rand.Rand, whole, rest int32) int32 {
	switch d.By {
	case "bytes":
		return int32(d.MaxBytes)
	case "thirds":
		if rest < whole || whole < 3 {
			return rest
		}
		// Two thirds rounded up are at most the whole from 3 bytes on, so there
		// is always something to draw from.
		least := (whole + 2) / 3
		return least + rng.Int32N(whole-2*least+1)
	}

	k := int32(d.Parts)
	small := whole / k
	// As long as more is left than small pieces for the rest would be, this
	// piece is one of the longer ones.
	if long := whole % k; long > 0 && rest > (k-long)*small {
		return small + 1
	}
	return max(1, small)
}
