package features

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/bursts"
	"veilbench/datasets"
)

const (
	// Gap closes a burst, in seconds, where the attack would choose it.
	Gap = 1
	// featureWindow is how much of the traffic after an event is shown when no
	// burst begins at it: under a constant rate none ever does.
	featureWindow = 5 * time.Second
	// sequencePackets is how much of a sequence a vector of fixed length holds.
	sequencePackets = 40
)

// SequenceSet is event-knn's vector, cut or filled with zeros to one length;
// the number of packets stands in front.
func SequenceSet() Set {
	return Set{"sequence", 1 + sequencePackets, func(dst []float32, t datasets.Trace, packets []int32) []float32 {
		dst = append(dst, float32(len(packets)))
		for k := range sequencePackets {
			x := float32(0)
			if k < len(packets) {
				x = float32(bursts.SignedSize(t.Packets[packets[k]]))
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

// OfBursts shows a clip as one item and a recording as one for each event.
func OfBursts(task datasets.Task, l attacks.Labeled, gap, pair time.Duration, sets []Set) attacks.Features {
	var f attacks.Features
	var items []item
	switch task {
	case datasets.TaskClip:
		f.Items, f.Class = 1, func(int) string { return l.Class }
		items = []item{{packets: bursts.AllPackets(l.Trace)}}
	case datasets.TaskEvent:
		items = eventItems(l, gap, pair)
		f.Items, f.Class = len(items), func(i int) string { return l.Labels.Class(l.Labels.Events[i]) }
	default:
		return f
	}

	// Attacks on events tell streams apart by their addresses and judge each by
	// what it did in training. The stream is one more number in every vector, so
	// that a bound on vectors is one on them.
	for _, set := range sets {
		s := attacks.FeatureSet{Name: set.Name, Names: set.names()}
		if task == datasets.TaskEvent {
			s.Names = append(s.Names, "stream")
		}
		s.Vector = func(i int) []float32 {
			it := items[i]
			v := set.Extract(make([]float32, 0, set.Width+1), l.Trace, it.packets[:min(len(it.packets), MaxPackets)])
			if task == datasets.TaskEvent {
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
func eventItems(l attacks.Labeled, gap, pair time.Duration) []item {
	out := make([]item, len(l.Labels.Events))
	most := make([]int64, len(out))
	var segs []bursts.Segment
	for _, s := range bursts.Streams(l.Trace) {
		segs = bursts.Segments(segs[:0], l.Trace, s.Packets, gap)
		for i, ev := range (bursts.Pairer{Within: pair, Nearest: true}).Pair(l, s, segs) {
			if ev < 0 {
				continue
			}
			packets := s.Packets[segs[i].Lo:segs[i].Hi]
			var bytes int64
			for _, p := range packets {
				bytes += int64(l.Trace.Packets[p].Size)
			}
			if bytes > most[ev] {
				most[ev], out[ev] = bytes, item{packets, StreamNumber(s.Key)}
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

// StreamNumber maps a stream to a number in [0, 1), the same in every trace,
// so that vectors tell streams apart as the attacks do.
func StreamNumber(k bursts.StreamKey) float32 {
	h := fnv.New32a()
	fmt.Fprint(h, k.Link, k.Host, k.Remote, k.Port)
	return float32(h.Sum32()>>8) / (1 << 24)
}

// names of the features of a set, in the order of its vector.
func (s Set) names() []string {
	// Numbers have as many digits as the largest of the set, so that names sort
	// in the order of their values.
	out := make([]string, 0, s.Width+1)
	number := func(prefix string, digits int, suffix string, from, n, step int) {
		for i := range n {
			out = append(out, prefix+padded(from+i*step, digits)+suffix)
		}
	}

	switch s.Name {
	case "sequence":
		out = append(out, "packets")
		number("size_", 2, "", 1, sequencePackets, 1)
	case "hist":
		number("up_", 4, "_bytes", 0, histBins, 50)
		number("down_", 4, "_bytes", 0, histBins, 50)
		out = append(out, "packets", "bytes", "duration")
	case "cumul":
		out = append(out, "packets_up", "packets_down", "bytes_up", "bytes_down")
		number("sum_", 3, "", 1, cumulPoints, 1)
	case "kfp":
		out = kfpNames()
	}
	return out
}

// padded is n with zeros before it. A task of clips asks for names once for each of
// them, so that fmt would be a third of its bounds.
func padded(n, digits int) string {
	s := strconv.Itoa(n)
	return "0000"[:max(0, digits-len(s))] + s
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
	numbered := func(prefix string, n int) {
		for i := range n {
			out = append(out, prefix+padded(i+1, 2))
		}
	}

	// From here on as the methods of kfp append, part by part.
	three := []string{"up", "down", "both"}
	five := []string{"mean", "deviation", "median", "least", "most"}
	each([]string{"place_up", "place_down"}, "mean", "deviation")
	each([]string{"chunk_up"}, five...)
	numbered("chunk_up_", kfpChunks)
	each([]string{"per_second"}, five...)
	numbered("second_", kfpRates)
	for _, d := range three {
		each([]string{"gap_" + d}, "most", "mean", "deviation", "q75")
	}
	for _, d := range three {
		each([]string{"time_" + d}, "q25", "q50", "q75", "most")
	}
	for _, d := range three {
		each([]string{"size_" + d}, "sum", "mean", "deviation", "least", "q25", "q50", "q75", "most")
	}
	numbered("size_", kfpSizes)
	for _, d := range three[:2] {
		for b := range 16 {
			out = append(out, d+"_"+padded(100*b, 4)+"_bytes")
		}
	}
	return append(out, "bytes", "duration")
}
