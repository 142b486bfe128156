package datasets

import (
	"slices"
	"testing"
	"time"
)

func TestCut(t *testing.T) {
	s := time.Second
	r := Recording{
		ID: "day", Group: "home",
		Trace: Trace{
			Start:   time.Unix(1000, 0),
			Packets: []Packet{{Time: 0, Flow: 1}, {Time: 5 * s, Flow: 0}, {Time: 10 * s, Flow: 1}, {Time: 20 * s, Flow: 1}},
			Flows:   []Flow{{Proto: 6}, {Proto: 17}},
			End:     20 * s,
		},
		Labels: Labels{
			Devices: []string{"a"},
			Owners:  []int32{0, -1, 0, 0},
			Events: []Event{
				{Start: 0, End: 0, Activity: "first"},
				{Start: 4 * s, End: 12 * s, Activity: "long"},
				{Start: 10 * s, End: 10 * s, Activity: "at the cut"},
				{Start: 20 * s, End: 20 * s, Activity: "last"},
			},
			Cause:    []int32{0, 1, 2, 3},
			Commands: []Command{{Time: 15 * s}},
			Stays:    []Stay{{Start: 2 * s, End: 10 * s}, {Start: 10 * s, End: 20 * s, Home: 2}},
		},
	}
	ps := r.Cut([]time.Duration{10 * s})
	if len(ps) != 2 {
		t.Fatalf("%d pieces", len(ps))
	}
	a, b := ps[0], ps[1]
	for _, p := range ps {
		if err := p.Trace.Check(); err != nil {
			t.Error(err)
		}
	}
	if len(a.Trace.Packets) != 2 || a.Trace.End != 10*s || a.Trace.Flows[0].Proto != 17 || !a.Trace.Start.Equal(time.Unix(1000, 0)) {
		t.Errorf("first piece %+v", a.Trace)
	}
	if len(b.Trace.Packets) != 2 || b.Trace.Packets[0].Time != 0 || len(b.Trace.Flows) != 1 || !b.Trace.Start.Equal(time.Unix(1010, 0)) {
		t.Errorf("second piece %+v", b.Trace)
	}
	wantA := []Event{{Activity: "first"}, {Start: 4 * s, End: 10 * s, Activity: "long"}}
	wantB := []Event{{End: 2 * s, Activity: "long"}, {Activity: "at the cut"}, {Start: 10 * s, End: 10 * s, Activity: "last"}}
	if !slices.Equal(a.Labels.Events, wantA) || !slices.Equal(b.Labels.Events, wantB) {
		t.Errorf("events %v and %v", a.Labels.Events, b.Labels.Events)
	}
	if !slices.Equal(a.Labels.Cause, []int32{0, 1}) || !slices.Equal(b.Labels.Cause, []int32{1, 2}) || !slices.Equal(a.Labels.Owners, []int32{0, -1}) {
		t.Errorf("cause %v and %v", a.Labels.Cause, b.Labels.Cause)
	}
	if len(a.Labels.Commands) != 0 || b.Labels.Commands[0].Time != 5*s {
		t.Errorf("commands %v and %v", a.Labels.Commands, b.Labels.Commands)
	}
	if !slices.Equal(a.Labels.Stays, []Stay{{Start: 2 * s, End: 10 * s}}) || !slices.Equal(b.Labels.Stays, []Stay{{End: 10 * s, Home: 2}}) {
		t.Errorf("stays %v and %v", a.Labels.Stays, b.Labels.Stays)
	}
	c := r.Cut([]time.Duration{5 * s})[1].Labels.Stays
	if !slices.Equal(c, []Stay{{End: 5 * s}, {Start: 5 * s, End: 15 * s, Home: 2}}) {
		t.Errorf("stays across a cut: %v", c)
	}

	// Cuts outside make empty pieces, and nothing is lost.
	n := 0
	for _, p := range r.Cut([]time.Duration{0, 5 * s, 5 * s, 40 * s}) {
		n += len(p.Trace.Packets)
	}
	if n != 4 {
		t.Errorf("%d packets in pieces, want 4", n)
	}
}
