package score

import (
	"cmp"
	"fmt"
	"slices"

	"veilbench/bench/results"
	"veilbench/datasets"
)

// Packets of one length and direction that several devices send are told apart by
// what comes before and after them alone: HomeMole's example (section 4.4) are the
// 66 bytes with which two assistants answer their servers.
const (
	lengthsKept    = 6  // lengths with scores of their own, the most shared ones
	fewestOfLength = 30 // packets of a length that a device needs to count
)

// frame is a length and a direction.
type frame struct {
	size int32
	dir  datasets.Dir
}

// named counts the packets of each class, and those named right.
type named struct{ n, right []int64 }

// scoreLengths adds the recall of packets of the lengths that at least two devices
// share, for each device: those of which the second device sends most. Packets of
// a defense itself and of nobody are no device's.
func (s *Scores) scoreLengths(names []string, tests []Test, said []packetAnswers) {
	device := make([]bool, len(names))
	for c, name := range names {
		device[c] = name != datasets.Cover && name != datasets.Nobody
	}

	byFrame := map[frame]*named{}
	for k, t := range tests {
		if len(said[k].truth) != len(t.Trace.Packets) {
			continue // answers without their packets
		}
		var last frame // packets of one length come in trains
		var x *named
		for i, c := range said[k].truth {
			if !device[c] {
				continue
			}
			p := &t.Trace.Packets[i]
			if f := (frame{p.Size, p.Dir}); x == nil || f != last {
				last = f
				if x = byFrame[f]; x == nil {
					x = &named{make([]int64, len(names)), make([]int64, len(names))}
					byFrame[f] = x
				}
			}
			x.n[c]++
			if said[k].guess[i] == c {
				x.right[c]++
			}
		}
	}

	// How shared a length is, is what its second device sends of it. Ties are broken
	// to the end: the order must not be that of a map.
	shared := func(f frame) int64 {
		n := slices.Sorted(slices.Values(byFrame[f].n))
		return n[len(n)-2]
	}
	var kept []frame
	for f := range byFrame {
		if shared(f) >= fewestOfLength {
			kept = append(kept, f)
		}
	}
	slices.SortFunc(kept, func(a, b frame) int {
		return cmp.Or(cmp.Compare(shared(b), shared(a)), cmp.Compare(a.size, b.size), cmp.Compare(a.dir, b.dir))
	})

	for _, f := range kept[:min(lengthsKept, len(kept))] {
		x := byFrame[f]
		for c, n := range x.n {
			if n >= fewestOfLength {
				name := fmt.Sprintf("%s %d %s", names[c], f.size, f.dir)
				s.add(results.OfClass(results.PacketsLength, name), float64(n))
				s.add(results.OfClass(results.RecallLength, name), results.Ratio(x.right[c], n))
			}
		}
	}
}
