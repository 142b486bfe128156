// Package window tells which device sent each packet, from windows over all of a
// home's packets: by a random forest and by recurrent networks.
package window

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/lstm"
	"veilbench/datasets"
)

// The window attacks are those of HomeMole (Dong et al., "Your Smart Home
// Can't Keep a Secret", section 3): each packet is five features, destination
// port, protocol, direction, frame length and gap to the packet before, and
// gets a device of its own. This file turns packets into these features and
// cuts traces into windows; window_net.go and window_forest.go learn.
//
// All five are discrete here, unless input=numbers: then a length is its number
// of bytes and a gap its logarithm. Value 0 is the padding after the end of a
// trace.
// Which ports and lengths have a value of their own is learned from training
// traffic alone.

// The features of a packet, in order.
const (
	windowPort = iota
	windowProto
	windowDir
	windowLength
	windowGap
	windowFeatures
)

// Sizes of the vocabularies that are not learned.
const (
	// windowServices: padding, no IP, other IP, TCP, UDP, TLS, HTTP, DNS, ICMP.
	windowServices = 9
	windowDirs     = 3
	// windowGaps: padding, the first packet, no gap, then two per octave of
	// microseconds up to more than an hour.
	windowGaps = 68
	// windowLengthStep is the width of a class of lengths without a value of
	// their own, windowLengthSteps the number of these classes.
	windowLengthStep  = 32
	windowLengthSteps = 48
	// windowPortRanges: well known, registered and dynamic ports without a
	// value of their own, whose values are these.
	windowPortRanges = portDynamic
	portWellKnown    = 1
	portRegistered   = 2
	portDynamic      = 3
)

// windowPorts is how a packet's port is chosen.
type windowPorts string

// The published rule takes the destination port, which for an inbound packet
// is the one NAPT chose; another rule the remote side's port both ways. With none
// every packet has port 0: what ports tell is what an attack loses by that.
const (
	portDst    windowPorts = "dst"
	portRemote windowPorts = "remote"
	portNone   windowPorts = "none"
)

// portOf returns the port of a packet of flow f in direction d.
func (r windowPorts) portOf(f datasets.Flow, d datasets.Dir) uint16 {
	if r == portNone {
		return 0
	}
	if r == portDst && d == datasets.Down {
		return f.Local.Port()
	}
	return f.Remote.Port()
}

// windowVocab says which value stands for which port and length. Values of a
// feature are numbered without gaps from 1, 0 being the padding: first the
// classes of what has no value of its own, then what has.
type windowVocab struct {
	Rule windowPorts
	// Numbers says that a length stands for itself; Lengths is empty then.
	Numbers bool
	// Ports and Lengths are ascending: those with a value of their own.
	Ports   []uint16
	Lengths []int32
}

// Limits of a learned vocabulary, and how often a value must occur in
// training to be in it. One packet in portElsewhere of a port must also be
// outside the group that has most of them, where there are several groups: the
// NAPT port of a long conversation says everything in its own home and nothing
// elsewhere, even if a short one in another home happens to share it
// (deviation: the re-implementations take all ports).
const (
	maxWindowPorts   = 1024
	maxWindowLengths = 1600
	minWindowCount   = 8
	portElsewhere    = 10
	// usualLength is beyond what most links carry in a frame.
	usualLength = 2048
)

// learnWindowVocab reads the vocabulary off training traffic: at most so many
// ports, the most frequent ones. Labels play no part in it.
func learnWindowVocab(rule windowPorts, examples []attacks.Labeled, most int) windowVocab {
	at := map[string]map[uint16]int{} // by group and port
	lengths := map[int32]int{}

	// Lengths need no look at groups: they are the device's and say the same in
	// every home.
	for i := range examples {
		e := &examples[i]
		ports := at[e.Group]
		if ports == nil {
			ports = map[uint16]int{}
			at[e.Group] = ports
		}

		// Packets are many and flows and usual lengths few: they are counted in arrays
		// first.
		byFlow, usual := make([][2]int, len(e.Trace.Flows)), make([]int, usualLength)
		for _, p := range e.Trace.Packets {
			byFlow[p.Flow][p.Dir]++
			if uint32(p.Size) < usualLength {
				usual[p.Size]++
			} else {
				lengths[p.Size]++
			}
		}
		for f, n := range byFlow {
			for _, d := range []datasets.Dir{datasets.Up, datasets.Down} {
				if n[d] > 0 {
					ports[rule.portOf(e.Trace.Flows[f], d)] += n[d]
				}
			}
		}
		for size, n := range usual {
			if n > 0 {
				lengths[int32(size)] += n
			}
		}
	}

	return windowVocab{Rule: rule, Ports: frequent(sharedPorts(at), most), Lengths: frequent(lengths, maxWindowLengths)}
}

// sharedPorts counts the ports, without those that one of several groups has
// nearly to itself.
func sharedPorts(at map[string]map[uint16]int) map[uint16]int {
	all, most := map[uint16]int{}, map[uint16]int{}
	for _, ports := range at {
		for port, n := range ports {
			all[port] += n
			most[port] = max(most[port], n)
		}
	}
	for port, n := range all {
		if len(at) > 1 && (n-most[port])*portElsewhere < n {
			delete(all, port)
		}
	}
	return all
}

// frequent returns the most frequent keys, at most limit and each seen often
// enough, in ascending order.
func frequent[K cmp.Ordered](count map[K]int, limit int) []K {
	keys := make([]K, 0, len(count))
	for k, n := range count {
		if n >= minWindowCount {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b K) int { return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a, b)) })
	keys = keys[:min(limit, len(keys))]
	slices.Sort(keys)
	return keys
}

// sizes returns the number of values of each feature.
func (v windowVocab) sizes() []int {
	lengths := 1 + windowLengthSteps + len(v.Lengths)
	if v.Numbers {
		lengths = windowLengthSteps * windowLengthStep
	}
	return []int{1 + windowPortRanges + len(v.Ports), windowServices, windowDirs, lengths, windowGaps}
}

// portValue is the value of a port.
func (v windowVocab) portValue(p uint16) uint16 {
	if i, ok := slices.BinarySearch(v.Ports, p); ok {
		return uint16(1 + windowPortRanges + i)
	}
	switch {
	case p < 1024:
		return portWellKnown
	case p < 32768:
		return portRegistered
	}
	return portDynamic
}

// portValues are the values of a flow's port, by direction. A client's inbound
// port is the one NAPT chose, kept or drawn as the home's router does, so all
// are one value; a port that a device serves keeps its own.
func (v windowVocab) portValues(f datasets.Flow) [2]uint16 {
	up, down := v.portValue(v.Rule.portOf(f, datasets.Up)), v.portValue(v.Rule.portOf(f, datasets.Down))
	if _, client := slices.BinarySearch(v.Ports, f.Remote.Port()); v.Rule == portDst && (client || down == portRegistered) {
		down = portDynamic
	}
	return [2]uint16{up, down}
}

// lengthValue is the value of a frame length.
func (v windowVocab) lengthValue(n int32) uint16 {
	if v.Numbers {
		return uint16(min(n, windowLengthSteps*windowLengthStep-1))
	}
	if i, ok := slices.BinarySearch(v.Lengths, n); ok {
		return uint16(1 + windowLengthSteps + i)
	}
	return uint16(1 + min(n/windowLengthStep, windowLengthSteps-1))
}

// serviceValue is the value of a flow's protocol: the seven flags of the
// re-implementations, one of which is always the most special, and ICMP. TLS,
// HTTP and DNS are told by the remote port, since an observer of sizes sees no
// payload.
func serviceValue(f datasets.Flow) uint16 {
	const (
		noIP = 1 + iota
		otherIP
		tcp
		udp
		tls
		http
		dns
		icmp
	)

	// The remote port alone: the local one is the device's choice or NAPT's. The
	// same ports over TCP and UDP are QUIC, DNS over either and the like.
	port := f.Remote.Port()
	switch f.Proto {
	case 0:
		return noIP
	case 1, 58:
		return icmp
	case 6, 17:
		switch port {
		case 443, 853, 8443, 8883:
			return tls
		case 80, 8080:
			return http
		case 53, 5353:
			return dns
		}
		if f.Proto == 6 {
			return tcp
		}
		return udp
	}
	return otherIP
}

// gapValue is the value of a gap between two packets: two for each octave of
// microseconds, the upper one from the octave's geometric middle on.
func gapValue(gap time.Duration) uint16 {
	us := uint64(gap / time.Microsecond)
	if us == 0 {
		return 2
	}
	octave := bits.Len64(us) - 1
	half := 0
	if float64(us) >= math.Sqrt2*float64(uint64(1)<<octave) {
		half = 1
	}
	return uint16(min(3+2*octave+half, windowGaps-1))
}

// encode appends the features of all packets of t to x, windowFeatures values
// each.
func (v windowVocab) encode(x []uint16, t datasets.Trace) []uint16 {
	ports := make([][2]uint16, len(t.Flows))
	services := make([]uint16, len(t.Flows))
	for i, f := range t.Flows {
		ports[i], services[i] = v.portValues(f), serviceValue(f)
	}
	for i, p := range t.Packets {
		gap := uint16(1)
		if i > 0 {
			gap = gapValue(p.Time - t.Packets[i-1].Time)
		}
		x = append(x, ports[p.Flow][p.Dir], services[p.Flow], 1+uint16(p.Dir), v.lengthValue(p.Size), gap)
	}
	return x
}

// windows cuts t into windows of w packets that do not overlap; the last one
// is filled up with padding.
func (v windowVocab) windows(t datasets.Trace, w int) lstm.Data {
	n := (len(t.Packets) + w - 1) / w * w * windowFeatures
	x := v.encode(make([]uint16, 0, n), t) // zero beyond what it appends: the padding
	return lstm.Data{Steps: w, Features: windowFeatures, X: x[:n]}
}

// deviceClasses returns, for each packet of e, the index of its device in
// classes, or -1 if the device is unknown or none of them.
func deviceClasses(e *attacks.Labeled, classes []string) []int16 {
	of := make([]int16, len(e.Labels.Devices))
	for i, d := range e.Labels.Devices {
		of[i] = classIndex(classes, d)
	}
	nobody := classIndex(classes, datasets.Nobody)
	out := make([]int16, len(e.Trace.Packets))
	for i := range out {
		out[i] = -1
		if i >= len(e.Labels.Owners) {
			continue
		}
		if o := e.Labels.Owners[i]; o >= 0 {
			out[i] = of[o]
		} else {
			out[i] = nobody
		}
	}
	return out
}

// classIndex is the place of name in classes, -1 if it is not there.
func classIndex(classes []string, name string) int16 {
	return int16(slices.Index(classes, name))
}

// voteWindows replaces the answers of each window of w packets by the class
// with the largest sum of probabilities in it. p holds the probabilities,
// [packet][class].
func voteWindows(owners []attacks.Owner, p []float32, w, classes int) {
	for lo := 0; lo < len(owners); lo += w {
		hi := min(lo+w, len(owners))

		// In float64: the sum of hundreds of small float32 loses digits, and a
		// vote may be close.
		sum := make([]float64, classes)
		for i := lo; i < hi; i++ {
			for c, x := range p[i*classes:][:classes] {
				sum[c] += float64(x)
			}
		}

		best := 0
		for c := range sum {
			if sum[c] > sum[best] {
				best = c
			}
		}
		for i := lo; i < hi; i++ {
			owners[i] = attacks.Owner{Class: int32(best), P: float32(sum[best] / float64(hi-lo))}
		}
	}
}
