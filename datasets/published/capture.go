package published

import (
	"cmp"
	"context"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/capture"
)

// odd is what a reader of captures found odd, of captures called by a name.
type odd struct {
	doubts   []datasets.Doubt
	warnings []string
}

// oddOf is what the reader of one capture found.
func oddOf(name string, rep *capture.Report) odd {
	o := odd{doubts: rep.DoubtsAt(name)}
	for _, w := range rep.Warnings {
		o.warnings = append(o.warnings, name+": "+w)
	}
	return o
}

// tell adds it to what is known of a data set.
func (o odd) tell(ds *datasets.Dataset) {
	ds.Doubts, ds.Warnings = append(ds.Doubts, o.doubts...), append(ds.Warnings, o.warnings...)
}

// openCapture reads a capture. What the reader found odd is of that called by the
// words in front, if any, and the file's name.
func openCapture(ctx context.Context, name string, o capture.Options, called ...string) (datasets.Trace, odd, error) {
	t, rep, err := capture.Open(ctx, name, o)
	if err != nil {
		return t, odd{}, err
	}
	return t, oddOf(strings.Join(append(called, filepath.Base(name)), "/"), rep), nil
}

// captureStem is the name of a capture without folder and ending.
func captureStem(name string) string {
	stem := strings.TrimSuffix(filepath.Base(name), ".gz")
	return strings.TrimSuffix(strings.TrimSuffix(stem, ".pcap"), ".pcapng")
}

// openDevice reads a capture that was filtered to one device. Where its
// hardware address is not given it is the home side's most frequent one.
func openDevice(ctx context.Context, name string, mac datasets.MAC) (datasets.Trace, datasets.MAC, odd, error) {
	if mac == (datasets.MAC{}) {
		t, _, err := openCapture(ctx, name, capture.Options{})
		if err != nil {
			return t, mac, odd{}, err
		}
		mac = commonMAC(t)
	}
	t, found, err := openCapture(ctx, name, capture.Options{MACs: []datasets.MAC{mac}})
	return t, mac, found, err
}

// commonMAC is the hardware address of the home side that most packets have.
func commonMAC(t datasets.Trace) datasets.MAC {
	count := map[datasets.MAC]int{}
	var best datasets.MAC
	for _, p := range t.Packets {
		m := t.Flows[p.Flow].MAC
		count[m]++
		if c := cmp.Compare(count[m], count[best]); c > 0 || c == 0 && slices.Compare(m[:], best[:]) < 0 {
			best = m
		}
	}
	return best
}

// ownersByMAC gives the packets of flows with hardware address mac to device,
// the others to nobody.
func ownersByMAC(t datasets.Trace, mac datasets.MAC, device int32) []int32 {
	owners := make([]int32, len(t.Packets))
	for i, p := range t.Packets {
		if owners[i] = -1; t.Flows[p.Flow].MAC == mac {
			owners[i] = device
		}
	}
	return owners
}

// mergeTraces puts traces of known start together into one, in order of time
// and at the same time in order of the traces. from holds the trace of each
// packet.
func mergeTraces(ts []datasets.Trace) (out datasets.Trace, from []int32) {
	type at struct {
		p    datasets.Packet
		from int32
	}
	var all []at
	for k, t := range ts {
		if k == 0 || t.Start.Before(out.Start) {
			out.Start = t.Start
		}
		base := int32(len(out.Flows))
		out.Flows = append(out.Flows, t.Flows...)
		for _, p := range t.Packets {
			p.Flow += base
			all = append(all, at{p, int32(k)})
		}
	}

	// The base moves only now: a later trace may have begun earlier.
	for i := range all {
		all[i].p.Time += ts[all[i].from].Start.Sub(out.Start)
	}
	slices.SortStableFunc(all, func(a, b at) int { return cmp.Compare(a.p.Time, b.p.Time) })
	for _, t := range ts {
		out.End = max(out.End, t.Start.Sub(out.Start)+t.End)
	}
	for _, a := range all {
		out.Packets = append(out.Packets, a.p)
		from = append(from, a.from)
	}

	// Flows come in order of appearance, which holds for each trace alone.
	out, _ = datasets.LAN.View(nil, out)
	return out, from
}

// window is the packets of t in the time of a clip that begins at from, which may
// lie before t, and lasts for length; keep chooses among them and may change
// them. The slices are new.
func window(t datasets.Trace, from, length time.Duration, keep func(p *datasets.Packet) bool) datasets.Trace {
	out := datasets.Trace{Start: t.Start.Add(from), Flows: t.Flows, End: length}
	for _, p := range t.Packets {
		if p.Time >= from && p.Time < from+length && keep(&p) {
			p.Time -= from
			out.Packets = append(out.Packets, p)
		}
	}
	out, _ = datasets.LAN.View(nil, out) // flows in order of appearance
	return out
}

// sortEvents orders events by start.
func sortEvents(events []datasets.Event) {
	slices.SortStableFunc(events, func(a, b datasets.Event) int { return cmp.Compare(a.Start, b.Start) })
}

// multiples lists the multiples of d below end.
func multiples(d, end time.Duration) []time.Duration {
	var at []time.Duration
	for t := d; t < end; t += d {
		at = append(at, t)
	}
	return at
}
