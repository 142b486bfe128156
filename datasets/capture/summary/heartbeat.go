package summary

import (
	"cmp"
	"slices"
	"time"

	"veilbench/datasets"
)

// Heartbeat is a message that a device and a service exchange at a steady
// period.
type Heartbeat struct {
	Device  string `json:"device"`
	Service string `json:"service"`
	// Dir is "up" or "down", Payload its bytes above TCP or UDP.
	Dir     string `json:"dir"`
	Payload int    `json:"payload_bytes"`
	// PeriodS is the median gap in seconds; Steady the share of gaps within a
	// tenth of it; Count how many messages there are.
	PeriodS float64 `json:"period_s"`
	Steady  float64 `json:"steady"`
	Count   int     `json:"count"`
}

// A heartbeat recurs at least minBeats times; two packets closer than one
// beatGap are one beat, and steadyShare of the gaps must lie within a tenth of
// the median gap.
const (
	minBeats    = 6
	beatGap     = 500 * time.Millisecond
	steadyShare = 0.7
)

// message is what recurs: one payload size between a device and a service.
type message struct {
	party
	dir     datasets.Dir
	payload int32
}

// party is a device and a service that it talks to.
type party struct{ device, service string }

// groupFlows lists the parties of flows, and says which one each flow is of.
func groupFlows(flows []datasets.Flow) (parties []party, of []int32) {
	index := map[party]int32{}
	for _, f := range flows {
		p := party{deviceKey(f), serviceName(f)}
		n, ok := index[p]
		if !ok {
			n = int32(len(parties))
			index[p] = n
			parties = append(parties, p)
		}
		of = append(of, n)
	}
	return parties, of
}

// heartbeats finds messages with a steady period, most frequent first. Of
// several sizes of one device, service and period only the most frequent one is
// kept.
func heartbeats(t datasets.Trace) []Heartbeat {
	// Packets are sorted into messages by numbers: by that of their flow's device
	// and service, which other flows have, too, direction and payload.
	parties, of := groupFlows(t.Flows)
	index := map[uint64]int32{}
	var times [][]time.Duration
	var keys []uint64
	// A home has few messages at a time: a small cache in front of the map. No key is
	// 0, as none is without payload.
	type slot struct {
		key uint64
		n   int32
	}
	var cache [1 << 10]slot
	for i := range t.Packets {
		p := &t.Packets[i]
		if p.Payload == 0 {
			continue
		}

		// 31 bits for the payload, which is no negative int32, one for the direction.
		k := uint64(of[p.Flow])<<32 | uint64(p.Payload)<<1 | uint64(p.Dir)
		s := &cache[k*0x9e3779b97f4a7c15>>54] // 64 - 54 = 10 bits of a product
		if s.key != k {
			n, ok := index[k]
			if !ok {
				n = int32(len(times))
				index[k] = n
				times, keys = append(times, nil), append(keys, k)
			}
			*s = slot{k, n}
		}
		if ts := &times[s.n]; len(*ts) == 0 || p.Time-(*ts)[len(*ts)-1] >= beatGap {
			*ts = append(*ts, p.Time)
		}
	}

	found := []Heartbeat{} // never null in JSON
	for n, ts := range times {
		k := keys[n]
		m := message{parties[k>>32], datasets.Dir(k & 1), int32(k & (1<<32 - 1) >> 1)}
		if h, ok := steadyBeat(m, ts); ok {
			found = append(found, h)
		}
	}
	slices.SortFunc(found, func(a, b Heartbeat) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Device, b.Device), cmp.Compare(a.Service, b.Service),
			cmp.Compare(a.Payload, b.Payload), cmp.Compare(b.Dir, a.Dir))
	})

	// A heartbeat and its answer have one period and different sizes. Periods
	// are the same if they are to the second.
	type rhythm struct {
		device, service string
		period          int
	}
	seen := map[rhythm]bool{}
	return slices.DeleteFunc(found, func(h Heartbeat) bool {
		r := rhythm{h.Device, h.Service, int(h.PeriodS + 0.5)}
		known := seen[r]
		seen[r] = true
		return known
	})
}

// steadyBeat decides whether the times of a message, in order, are those of a
// heartbeat.
func steadyBeat(m message, ts []time.Duration) (Heartbeat, bool) {
	if len(ts) < minBeats {
		return Heartbeat{}, false
	}
	gaps := make([]time.Duration, len(ts)-1)
	for i := range gaps {
		gaps[i] = ts[i+1] - ts[i]
	}

	// The median, not the mean: a night without network is one gap of many.
	slices.Sort(gaps)
	median := gaps[len(gaps)/2]
	near := 0
	for _, g := range gaps {
		if d := (g - median).Abs(); d <= median/10 {
			near++
		}
	}

	h := Heartbeat{
		Device: m.device, Service: m.service, Dir: m.dir.String(), Payload: int(m.payload),
		PeriodS: median.Seconds(), Steady: float64(near) / float64(len(gaps)), Count: len(ts),
	}
	return h, h.Steady >= steadyShare && median >= 2*beatGap
}
