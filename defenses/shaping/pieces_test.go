package shaping

import (
	"cmp"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/defenses"
)

// plainAssemble is what Assembly does at once: a stable sort of all pieces.
func plainAssemble(in datasets.Trace, pieces []piece) defenses.Defended {
	slices.SortStableFunc(pieces, func(a, b piece) int { return cmp.Compare(a.Time, b.Time) })
	out := defenses.Defended{Trace: in}
	out.Trace.Packets = []datasets.Packet{}
	b := defenses.NewBuilder(len(pieces))
	for _, p := range pieces {
		out.Trace.Packets = append(out.Trace.Packets, p.Packet)
		if p.orig != noOriginal {
			b.Carry(p.orig, p.bytes)
		}
		b.Next()
		out.Trace.End = max(out.Trace.End, p.Time)
	}
	out.Carried = b.Carried()
	return out
}

func TestAssemblyIsAStableSort(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for round := range 300 {
		in := datasets.Trace{End: time.Duration(rng.IntN(500))}
		spread := 1 + rng.IntN([]int{1, 5, 100, 5000}[round%4])
		var pieces []piece
		a := NewAssembly(in, 0)
		for i := range rng.IntN(3000) {
			// Sizes tell pieces of one time apart.
			p := piece{datasets.Packet{Time: time.Duration(i/3 + rng.IntN(spread)), Size: int32(i)}, int32(rng.IntN(5)) - 1, int32(i)}
			pieces = append(pieces, p)
			if p.orig == noOriginal {
				pieces[i].bytes = 0
				a.Dummy(p.Packet)
			} else {
				a.Piece(p.Packet, p.orig, p.bytes)
			}
		}
		got, want := a.Defended(nil), plainAssemble(in, pieces)
		if !reflect.DeepEqual(want, got) {
			t.Fatalf("round %d: got\n%v\n%v, want\n%v\n%v", round, got.Trace, *got.Carried, want.Trace, *want.Carried)
		}
	}
}
