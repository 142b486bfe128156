package shaping

import "veilbench/datasets"

// NoStream is the stream of flows that never leave the home.
const NoStream = -1

// Streams numbers what a defense keeps apart: the devices, by hardware
// address, in order of the flow list.
type Streams struct {
	// Of holds the stream of each flow, or NoStream.
	Of []int32
	// First is the first flow of each stream; its length is their number.
	First []datasets.Flow
}

// FindStreams finds the streams of t. Flows without a hardware address are one
// stream together. With shared set all flows that leave are a single stream,
// which is there even when nobody sends: a home without traffic sends cover
// like any other.
func FindStreams(t datasets.Trace, shared bool) Streams {
	s := Streams{Of: make([]int32, len(t.Flows))}
	index := map[datasets.MAC]int32{}
	for i, f := range t.Flows {
		if !f.Exposed() {
			s.Of[i] = NoStream
			continue
		}

		// Numbers follow the flow list, never the order of a map, so that the
		// draws of a stream are the same in every run.
		var key datasets.MAC
		if !shared {
			key = f.MAC
		}
		k, ok := index[key]
		if !ok {
			k = int32(len(s.First))
			index[key] = k
			s.First = append(s.First, f)
		}
		s.Of[i] = k
	}
	if shared && len(s.First) == 0 {
		s.First = append(s.First, datasets.Flow{})
	}
	return s
}
