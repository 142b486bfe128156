package doubt_test

import (
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/doubt"
)

// TestStays: a diary needs two days of it, and something that changes.
func TestStays(t *testing.T) {
	day := 24 * time.Hour
	night := []datasets.Stay{{End: 8 * time.Hour, Home: 1, Asleep: true}, {Start: 8 * time.Hour, End: 3 * day, Home: 1}}
	for _, tc := range []struct {
		name    string
		stays   [][]datasets.Stay // of recordings of a group each
		doubted bool
		spoilt  bool
	}{
		{"three days each", [][]datasets.Stay{night, night}, false, false},
		{"one of two is short", [][]datasets.Stay{night, {{End: day, Home: 1}}}, true, false},
		{"missing", [][]datasets.Stay{nil, nil}, true, true},
		{"most of a day each", [][]datasets.Stay{{{End: day - 1, Home: 1}}, {{End: day - 1}}}, true, true},
		{"days as groups", [][]datasets.Stay{{{End: day, Home: 1}}, {{End: day}}, {{End: day}}}, true, false},
		{"never differs", [][]datasets.Stay{{{End: day, Home: -1}}, {{End: day, Home: -1}}}, true, true},
		{"always at home", [][]datasets.Stay{{{End: 3 * day, Home: 1}}, {{End: 3 * day, Home: 2}}}, true, true},
	} {
		ds := datasets.Dataset{Name: "d", Recorded: datasets.LAN, Tasks: []datasets.Task{datasets.TaskRoutine}, Split: "leave-one-group-out"}
		for i, s := range tc.stays {
			id := string(rune('a' + i))
			ds.Recordings = append(ds.Recordings, datasets.Recording{ID: id, Group: id, Trace: datasets.Trace{End: 3 * day}, Labels: datasets.Labels{Stays: s}})
		}
		doubted, spoilt := false, false
		for _, d := range doubt.Of(&ds, datasets.LAN, 1) {
			if d.Code == datasets.DoubtStays {
				doubted, spoilt = true, len(d.Spoils) > 0
			}
		}
		if doubted != tc.doubted || spoilt != tc.spoilt {
			t.Errorf("%s: doubted %v, spoilt %v", tc.name, doubted, spoilt)
		}
	}
}
