package home

import (
	"slices"
	"testing"
	"time"

	"veilbench/datasets"
)

// happened is what the truth says of a recording, without what hangs on packets.
func happened(r *datasets.Recording) (events []datasets.Event, classes []string) {
	for _, e := range r.Labels.Events {
		classes = append(classes, r.Labels.Class(e))
		e.Device = 0 // phones and computers move the numbers
		events = append(events, e)
	}
	return events, classes
}

// TestThreeFullDaysAreAlike: the month's homes hold all people and events of
// those with every packet: over three days both have the same stays and the same
// events at the same times, and no event without a packet. What is read of them is in
// attacks/routine, TestThreeFullDaysRead.
func TestThreeFullDaysAreAlike(t *testing.T) {
	full := mustGenerate(t, "routine-devices", 1).Recordings
	thin := mustGenerate(t, "routine:homes=2,hours=72", 1).Recordings
	for i := range full {
		f, s := &full[i], &thin[i]
		if !slices.Equal(f.Labels.Stays, s.Labels.Stays) || len(f.Labels.Stays) < 10 {
			t.Errorf("%s: %d stays, %d in the thin recording", f.ID, len(f.Labels.Stays), len(s.Labels.Stays))
		}
		fe, fc := happened(f)
		se, sc := happened(s)
		if !slices.Equal(fe, se) || !slices.Equal(fc, sc) {
			t.Errorf("%s: %d events, %d in the thin recording", f.ID, len(fe), len(se))
		}

		// An event without a packet left could not be found.
		left := make([]int, len(se))
		for _, c := range s.Labels.Cause {
			if c >= 0 {
				left[c]++
			}
		}
		if n := slices.Index(left, 0); n >= 0 && se[n].Start < s.Trace.End-time.Minute {
			t.Errorf("%s: %s at %v has no packet left", f.ID, sc[n], se[n].Start)
		}
		if days := s.Trace.End.Hours() / 24; float64(len(s.Trace.Packets)) > 75_000*days || len(s.Trace.Packets)*3 > len(f.Trace.Packets) {
			t.Errorf("%s: %d packets in %.0f days, %d in full", s.ID, len(s.Trace.Packets), days, len(f.Trace.Packets))
		}
		t.Logf("%s: %d events, %d stays; %d packets of %d", f.ID, len(fe), len(f.Labels.Stays), len(s.Trace.Packets), len(f.Trace.Packets))
	}
}

// TestPhonesChangeNobodysDay: with phones and computers the same happens.
func TestPhonesChangeNobodysDay(t *testing.T) {
	with := mustGenerate(t, "routine-full:homes=1,hours=4", 3).Recordings[0]
	without := mustGenerate(t, "routine-devices:homes=1,hours=4", 3).Recordings[0]
	a, ac := happened(&with)
	b, bc := happened(&without)
	if !slices.Equal(a, b) || !slices.Equal(ac, bc) || !slices.Equal(with.Labels.Stays, without.Labels.Stays) {
		t.Errorf("%d events and %v with phones, %d and %v without", len(a), with.Labels.Stays, len(b), without.Labels.Stays)
	}
}
