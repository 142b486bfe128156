package attacks

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/params"
)

// Vectors shows a clip or the burst of each event as the sequence that event-knn
// compares and, for defenses under which no two sequences are alike, as the sizes
// without their order.
func (a EventKNN) Vectors(task datasets.Task, l Labeled) Features {
	return burstFeatures(task, l, params.Seconds(cmp.Or(a.GapS, featureGap)), params.Seconds(a.PairS), []featureSet{sequenceSet(), featureSets()[0]})
}

// Vectors shows a clip or the burst of each event in every feature set that the
// forest chooses from.
func (a EventForest) Vectors(task datasets.Task, l Labeled) Features {
	return burstFeatures(task, l, params.Seconds(cmp.Or(a.GapS, featureGap)), params.Seconds(a.PairS), a.sets())
}

const (
	// featureGap closes a burst, in seconds, where the attack would choose it.
	featureGap = 1
	// featureWindow is how much of the traffic after an event is shown when no
	// burst begins at it: under a constant rate none ever does.
	featureWindow = 5 * time.Second
	// sequencePackets is how much of a sequence a vector of fixed length holds.
	sequencePackets = 40
)

// sequenceSet is event-knn's vector, cut or filled with zeros to one length;
// the number of packets stands in front.
func sequenceSet() featureSet {
	return featureSet{"sequence", 1 + sequencePackets, func(dst []float32, t datasets.Trace, packets []int32) []float32 {
		dst = append(dst, float32(len(packets)))
		for k := range sequencePackets {
			x := float32(0)
			if k < len(packets) {
				x = float32(signedSize(t.Packets[packets[k]]))
			}
			dst = append(dst, x)
		}
		return dst
	}}
}

// item is a clip's or an event's traffic: its packets and their stream.
type item struct {
	packets []int32
	stream  float32
}

// burstFeatures shows a clip as one item and a recording as one for each event.
func burstFeatures(task datasets.Task, l Labeled, gap, pair time.Duration, sets []featureSet) Features {
	var f Features
	var items []item
	switch task {
	case datasets.Clip:
		f.Items, f.Class = 1, func(int) string { return l.Class }
		items = []item{{packets: allPackets(l.Trace)}}
	case datasets.Events:
		items = eventItems(l, gap, pair)
		f.Items, f.Class = len(items), func(i int) string { return l.Labels.Class(l.Labels.Events[i]) }
	default:
		return f
	}

	// Attacks on events tell streams apart by their addresses and judge each by
	// what it did in training. The stream is one more number in every vector, so
	// that a bound on vectors is one on them.
	for _, set := range sets {
		s := FeatureSet{Name: set.name, Names: set.names()}
		if task == datasets.Events {
			s.Names = append(s.Names, "stream")
		}
		s.Vector = func(i int) []float32 {
			it := items[i]
			v := set.extract(make([]float32, 0, set.width+1), l.Trace, it.packets[:min(len(it.packets), maxFeaturePackets)])
			if task == datasets.Events {
				v = append(v, it.stream)
			}
			return v
		}
		f.Sets = append(f.Sets, s)
	}
	return f
}

// eventItems finds the traffic of each event: of the bursts that pair with it
// the one with most bytes, the first of several; without any, everything seen
// in the time after it.
func eventItems(l Labeled, gap, pair time.Duration) []item {
	out := make([]item, len(l.Labels.Events))
	most := make([]int64, len(out))
	var segs []segment
	for _, s := range Streams(l.Trace) {
		segs = segments(segs[:0], l.Trace, s.Packets, gap)
		for i, ev := range (pairer{pair, true}).pair(l, s, segs) {
			if ev < 0 {
				continue
			}
			packets := s.Packets[segs[i].Lo:segs[i].Hi]
			var bytes int64
			for _, p := range packets {
				bytes += int64(l.Trace.Packets[p].Size)
			}
			if bytes > most[ev] {
				most[ev], out[ev] = bytes, item{packets, streamNumber(s.Key)}
			}
		}
	}

	// An event without a burst is still an item: a bound must count what a
	// defense hides. It may have no packets at all, and its stream is 0.
	for i, e := range l.Labels.Events {
		if out[i].packets == nil {
			out[i].packets = packetsFrom(l.Trace, e.Start, e.Start+featureWindow)
		}
	}
	return out
}

// packetsFrom returns the indexes of the packets in [from, to).
func packetsFrom(t datasets.Trace, from, to time.Duration) []int32 {
	at := func(x time.Duration) int {
		i, _ := slices.BinarySearchFunc(t.Packets, x, func(p datasets.Packet, x time.Duration) int {
			if p.Time < x {
				return -1
			}
			return 1
		})
		return i
	}
	out := []int32{}
	for i := at(from); i < at(to); i++ {
		out = append(out, int32(i))
	}
	return out
}

// streamNumber maps a stream to a number in [0, 1), the same in every trace,
// so that vectors tell streams apart as the attacks do.
func streamNumber(k StreamKey) float32 {
	h := fnv.New32a()
	fmt.Fprint(h, k.Link, k.Host, k.Remote, k.Port)
	return float32(h.Sum32()>>8) / (1 << 24)
}

// contextPackets is how many neighbors on each side the second feature set of
// window-forest holds.
const contextPackets = 3

// Vectors shows each packet by the five features of HomeMole (Dong et al., 2019,
// section 3), as numbers, with its stream, which other attacks on devices go
// by, and again with the lengths and gaps of the packets around it.
func (a WindowForest) Vectors(task datasets.Task, l Labeled) Features {
	if task != datasets.Device || len(l.Labels.Owners) != len(l.Trace.Packets) {
		return Features{}
	}
	f := Features{Items: len(l.Trace.Packets), Class: func(i int) string {
		if o := l.Labels.Owners[i]; o >= 0 {
			return l.Labels.Devices[o]
		}
		return datasets.Nobody
	}}

	// Flows are few and packets many: a stream is hashed once for each flow.
	streams := make([]float32, len(l.Trace.Flows))
	for i, flow := range l.Trace.Flows {
		streams[i] = streamNumber(StreamOf(flow))
	}

	one := []string{"port", "protocol", "direction", "length", "gap", "stream"}
	around := slices.Clone(one)
	for d := -contextPackets; d <= contextPackets; d++ {
		if d != 0 {
			around = append(around, fmt.Sprintf("length_%+d", d), fmt.Sprintf("gap_%+d", d))
		}
	}

	packet := func(i int) []float32 {
		p := l.Trace.Packets[i]
		flow := l.Trace.Flows[p.Flow]
		return []float32{
			float32(windowPorts(a.Port).portOf(flow, p.Dir)), float32(serviceValue(flow)), float32(p.Dir), float32(p.Size), logGap(l.Trace, i),
			streams[p.Flow],
		}
	}

	f.Sets = []FeatureSet{
		{"packet", one, packet},
		{"window", around, func(i int) []float32 {
			v := packet(i)
			for d := -contextPackets; d <= contextPackets; d++ {
				k := i + d
				switch {
				case d == 0: // the packet itself, with all its features, is in front
				case k < 0 || k >= len(l.Trace.Packets):
					v = append(v, 0, 0)
				default:
					v = append(v, float32(signedSize(l.Trace.Packets[k])), logGap(l.Trace, k))
				}
			}
			return v
		}},
	}
	return f
}

// logGap is the log of the microseconds since the packet before; 0 for the
// first.
func logGap(t datasets.Trace, i int) float32 {
	if i == 0 {
		return 0
	}
	return float32(math.Log1p(float64((t.Packets[i].Time - t.Packets[i-1].Time).Microseconds())))
}

// names of the features of a set, in the order of its vector.
func (s featureSet) names() []string {
	// Numbers have as many digits as the largest of the set, so that names sort
	// in the order of their values.
	var out []string
	number := func(format string, from, n, step int) {
		for i := range n {
			out = append(out, fmt.Sprintf(format, from+i*step))
		}
	}

	switch s.name {
	case "sequence":
		out = append(out, "packets")
		number("size_%02d", 1, sequencePackets, 1)
	case "hist":
		number("up_%04d_bytes", 0, histBins, 50)
		number("down_%04d_bytes", 0, histBins, 50)
		out = append(out, "packets", "bytes", "duration")
	case "cumul":
		out = append(out, "packets_up", "packets_down", "bytes_up", "bytes_down")
		number("sum_%03d", 1, cumulPoints, 1)
	case "kfp":
		out = kfpNames()
	}
	return out
}

// kfpNames are those of kfpFeatures, in its order.
func kfpNames() []string {
	out := []string{"packets", "packets_up", "packets_down", "share_up", "share_down", "first30_up", "first30_down", "last30_up", "last30_down"}
	each := func(prefixes []string, parts ...string) {
		for _, p := range prefixes {
			for _, q := range parts {
				out = append(out, p+"_"+q)
			}
		}
	}
	numbered := func(format string, n int) {
		for i := range n {
			out = append(out, fmt.Sprintf(format, i+1))
		}
	}

	// From here on as the methods of kfp append, part by part.
	three := []string{"up", "down", "both"}
	five := []string{"mean", "deviation", "median", "least", "most"}
	each([]string{"place_up", "place_down"}, "mean", "deviation")
	each([]string{"chunk_up"}, five...)
	numbered("chunk_up_%02d", kfpChunks)
	each([]string{"per_second"}, five...)
	numbered("second_%02d", kfpRates)
	for _, d := range three {
		each([]string{"gap_" + d}, "most", "mean", "deviation", "q75")
	}
	for _, d := range three {
		each([]string{"time_" + d}, "q25", "q50", "q75", "most")
	}
	for _, d := range three {
		each([]string{"size_" + d}, "sum", "mean", "deviation", "least", "q25", "q50", "q75", "most")
	}
	numbered("size_%02d", kfpSizes)
	for _, d := range three[:2] {
		for b := range 16 {
			out = append(out, fmt.Sprintf("%s_%04d_bytes", d, 100*b))
		}
	}
	return append(out, "bytes", "duration")
}
