package figures

import (
	"fmt"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/figure"
)

const (
	mostLanes   = 12  // of a figure
	firstOfLane = 32  // packets of a lane that is in order, not in time
	shortEvent  = 5e6 // microseconds of an event of which each packet can be seen
)

// Packets are those of single events, clips or commands: of one of them behind
// every defense over time, and undefended in order, in the manner of the
// IoTEvent paper, figure 4: one activity of each device, and all of the device
// that has most.
var Packets = reports.FigureKind{
	Name: "packets", Doc: "packets of single events, in order and behind each defense",
	Draw: perPanel(figure.Nowhere, packets),
}

func packets(s *reports.Set, p reports.Panel) []figure.Figure {
	var out []figure.Figure
	ds := s.Sampled(p)
	if len(ds) == 0 {
		return nil
	}
	first := firstOfClass(s, s.Sample(reports.Subject{Panel: p, Defense: ds[0]}).Sequences)
	if len(first) == 0 {
		return nil
	}
	if len(ds) > 1 {
		out = append(out, packetsBehind(s, p, ds, typical(first)))
	}
	overview, most := overDevices(first)
	out = append(out, packetsInOrder(s, p, ds[0], overview))
	if len(most) > 0 && len(overview) < len(first) {
		out = append(out, packetsInOrder(s, p, ds[0], most))
	}
	return out
}

// picked says whether the user asked for a class, or for its device.
func picked(s *reports.Set, class string) bool {
	want := s.Options.Activity
	return want == "" || class == want || strings.HasPrefix(class, want+"/")
}

func deviceOf(class string) string {
	d, _, _ := strings.Cut(class, "/")
	return d
}

// firstOfClass keeps the first sequence of each class that the user asked for.
func firstOfClass(s *reports.Set, all []results.Sequence) []results.Sequence {
	var out []results.Sequence
	for _, q := range all { // by class
		if picked(s, q.Class) && (len(out) == 0 || out[len(out)-1].Class != q.Class) {
			out = append(out, q)
		}
	}
	return out
}

// overDevices picks activities evenly from all devices, and those of the device
// that has most, each at most mostLanes.
func overDevices(all []results.Sequence) (even, most []results.Sequence) {
	byDevice := map[string][]results.Sequence{}
	var devices []string
	for _, q := range all {
		d := deviceOf(q.Class)
		if byDevice[d] == nil {
			devices = append(devices, d)
		}
		byDevice[d] = append(byDevice[d], q)
		if len(byDevice[d]) > len(most) {
			most = byDevice[d]
		}
	}

	// One of each device, then a second of each: no device with many activities
	// crowds out the others.
	for round := 0; len(even) < min(len(all), mostLanes); round++ {
		for _, d := range devices {
			if round < len(byDevice[d]) && len(even) < mostLanes {
				even = append(even, byDevice[d][round])
			}
		}
	}
	slices.SortStableFunc(even, func(a, b results.Sequence) int { return strings.Compare(a.Class, b.Class) })
	return even, most[:min(len(most), mostLanes)]
}

func packetsInOrder(s *reports.Set, p reports.Panel, d string, qs []results.Sequence) figure.Figure {
	g := figure.Sequences{InOrder: firstOfLane}
	for _, q := range qs {
		g.Lanes = append(g.Lanes, lane(q.Class, q))
	}
	title := fmt.Sprintf("Packets of activities under %s: %s", s.DefenseLabel(d), s.About(p))
	what := fmt.Sprintf("Packets of one event of each activity in order, sent above the line and received below it, with their lengths in bytes (whole frame), on one scale; at most the first %d.", firstOfLane)
	f := g.Figure(title, s.Caption(p, what, []string{d}, nil))
	f.About = []string{"under " + s.DefenseLabel(d)}
	return f
}

// packetsBehind shows one event behind each defense.
func packetsBehind(s *reports.Set, p reports.Panel, ds []string, want results.Sequence) figure.Figure {
	left := max(0, len(ds)-mostLanes)
	ds = ds[:len(ds)-left]
	var g figure.Sequences
	for _, d := range ds {
		for _, q := range s.Sample(reports.Subject{Panel: p, Defense: d}).Sequences {
			if q.Class == want.Class && q.Recording == want.Recording && q.AtS == want.AtS {
				g.Lanes = append(g.Lanes, lane(s.DefenseLabel(d), q))
			}
		}
	}
	title := "Packets of " + want.Class + " before and after defenses: " + s.About(p)
	what := fmt.Sprintf("Packets on the flows that carry the device's traffic around %s in %s, by time and length in bytes (whole frame) on one scale, sent above the line and received below it, until half a second after its last original byte or %d packets. Whose packet it is, is drawn from the truth; no attack sees it.", want.Class, want.Recording, results.SamplePackets)
	if left > 0 {
		what += fmt.Sprintf(" %d more defenses are not drawn.", left)
	}
	f := g.Figure(title, s.Caption(p, what, ds, nil))
	f.About = []string{want.Class}
	return f
}

// typical is the short sequence with most packets that can still be told apart.
func typical(qs []results.Sequence) results.Sequence {
	best, most := qs[0], 0
	for _, q := range qs {
		if n := len(q.Sizes); n > most && n <= 2*firstOfLane && q.TimesUS[n-1] <= shortEvent {
			best, most = q, n
		}
	}
	return best
}

// lane is a sequence as it is drawn. Where nobody knows whose packets are, they
// are taken for the event's.
func lane(title string, q results.Sequence) figure.Lane {
	l := figure.Lane{Title: title, Cut: q.Cut}
	for i, size := range q.Sizes {
		p := figure.Packet{Seconds: float64(q.TimesUS[i]) / 1e6, Size: size}
		if i < len(q.Whose) {
			switch q.Whose[i] {
			case results.WhoseCover:
				p.Kind = figure.Cover
			case results.WhoseOther:
				p.Kind = figure.Other
			}
		}
		l.Packets = append(l.Packets, p)
	}
	return l
}
