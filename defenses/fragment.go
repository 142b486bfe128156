package defenses

import (
	"math/rand/v2"

	"veilbench/datasets"
	"veilbench/datasets/cite"
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

var _ Defense = Fragment{}

// Info describes the defense.
func (Fragment) Info() Info {
	return Info{
		Name: "fragment", Doc: "every payload cut into pieces with headers of their own",
		Place: AtDevice, Needs: []Party{Cloud}, Cite: "IoT-Traffic-Camouflage, fragmentation", Works: cite.Of("iot-traffic-camouflage"),
	}
}

// Validate refuses parameters out of range.
func (d Fragment) Validate() error {
	return first(
		oneOf("by", d.By, "parts", "bytes", "thirds"),
		within("parts", d.Parts, 1, 64),
		within("max_bytes", d.MaxBytes, 8, mtu),
	)
}

// Apply cuts.
func (d Fragment) Apply(rng *rand.Rand, in datasets.Trace) (Defended, error) {
	can := newPadder(in, "keep")
	drafts := make([]draft, 0, len(in.Packets)*2)
	for i, p := range in.Packets {
		if !can.can(&p) {
			drafts = append(drafts, whole(i, p, p.Payload))
			continue
		}
		header := p.Size - p.Payload
		for rest := p.Payload; rest > 0; {
			n := min(rest, d.piece(rng, p.Payload, rest))
			// Never above the frame limit, whatever the original was.
			n = max(1, min(n, MaxFrame-header))
			q := p
			q.Payload, q.Size = n, header+n
			drafts = append(drafts, draft{q, int32(i), n})
			rest -= n
		}
	}
	return assemble(in, in.Flows, drafts), nil
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
		least := (whole + 2) / 3
		if whole-2*least < 0 {
			return least
		}
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
