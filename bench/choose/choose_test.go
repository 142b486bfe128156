package choose

import (
	"slices"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/bench/results"
	"veilbench/bench/score"
	"veilbench/datasets"
)

// scored is a score of the event task.
func scored(f1 float64, items ...results.Item) score.Scores {
	return score.Scores{Metrics: []results.Metric{{Name: results.F1DeviceMean, Value: f1}}, Items: items}
}

func TestSettled(t *testing.T) {
	for _, c := range []struct {
		adaptive, unaware float64
		want              bool
	}{
		{0.00, 0.84, false}, // broken by its training
		{0.00, 0.01, true},  // the defense leaves neither anything
		{0.80, 0.79, false}, // ahead where it learned, but no more than any is
		{0.99, 0.20, true},
		{0.98, 0.97, true}, // a defense that changes nothing
		{0.94, 0.97, false},
		{0.60, 0.65, false},
	} {
		if got := Settled(datasets.TaskEvent, 0, scored(c.adaptive), scored(c.unaware)); got != c.want {
			t.Errorf("adaptive %v, unaware %v: settled %v, want %v", c.adaptive, c.unaware, got, c.want)
		}
	}
	if !Settled(datasets.TaskEvent, 0.2, scored(0.21), scored(0.23)) {
		t.Error("two that guess are not settled")
	}
	if !Settled(datasets.TaskEvent, 0, score.Scores{}, score.Scores{}) {
		t.Error("nothing to find is not settled")
	}
}

// events are items of n events of which right are found, from the first on.
func events(n, right int) []results.Item {
	out := make([]results.Item, n)
	for i := range out {
		out[i] = results.Item{TimeS: float64(i), Truth: "lamp/on", Answer: results.Missed}
		if i < right {
			out[i].Answer = "lamp/on"
		}
	}
	return out
}

func TestWorseIsMoreThanNoise(t *testing.T) {
	for _, c := range []struct {
		adaptive, unaware, events int
		want                      bool
	}{
		{0, 8, 10, true},
		{6, 7, 10, false}, // one event is luck
		{60, 70, 100, true},
		{69, 70, 100, false},
		{690, 700, 1000, false}, // beyond luck, but of no weight
		{8, 0, 10, false},
	} {
		f := func(right int) score.Scores {
			return scored(float64(right)/float64(c.events), events(c.events, right)...)
		}
		if got := Worse(datasets.TaskEvent, f(c.adaptive), f(c.unaware)); got != c.want {
			t.Errorf("%d and %d of %d: worse %v, want %v", c.adaptive, c.unaware, c.events, got, c.want)
		}
	}

	// False alarms that only one form raises are differences, too.
	alarms := events(10, 5)
	for i := range 9 {
		alarms = append(alarms, results.Item{TimeS: 100 + float64(i), Truth: datasets.Other, Answer: "lamp/on"})
	}
	if Worse(datasets.TaskEvent, scored(0.5, events(10, 5)...), scored(0.75, alarms...)) {
		t.Error("9 false alarms of 10 events are no noise")
	}
}

func TestNoiseByGroups(t *testing.T) {
	groups := func(v ...float64) score.Scores {
		s := score.Scores{Metrics: []results.Metric{{Name: results.MacroRecall}}}
		for i, x := range v {
			s.Groups = append(s.Groups, results.GroupScore{Group: string(rune('a' + i)), Value: x})
			s.Metrics[0].Value += x / float64(len(v))
		}
		return s
	}
	if !Worse(datasets.TaskDevice, groups(0.5, 0.6), groups(0.6, 0.7)) {
		t.Error("the same loss in both groups is noise")
	}
	if Worse(datasets.TaskDevice, groups(0.5, 0.6), groups(0.9, 0.4)) {
		t.Error("a gain in one group and a loss in the other is none")
	}
	if !Worse(datasets.TaskDevice, groups(0.5), groups(0.6)) {
		t.Error("one group: a tenth is noise")
	}
}

func TestHalves(t *testing.T) {
	for _, c := range []struct {
		groups, classes []string
		want            []bool
	}{
		{[]string{"a", "a"}, []string{"", ""}, []bool{false, false}},
		{[]string{"a", "b", "a", "c", "b"}, make([]string, 5), []bool{false, true, false, false, true}},
		// Recordings whose classes take turns are dealt class by class.
		{[]string{"1", "2", "3", "4"}, []string{"on", "off", "on", "off"}, []bool{false, false, true, true}},
	} {
		if got := halves(c.groups, c.classes); !slices.Equal(got, c.want) {
			t.Errorf("groups %q: %v, want %v", c.groups, got, c.want)
		}
	}
}

// What is tested is neither learned from nor asked about, and parts that test the
// same half learn from the same recordings.
func TestDivide(t *testing.T) {
	groups := []string{"a", "b", "c", "d", "e"}
	for _, c := range []struct {
		test       []int
		rest, held []int
	}{
		{[]int{0}, []int{1, 3}, []int{2, 4}},
		{[]int{2}, []int{1, 3}, []int{0, 4}},
		{[]int{1}, []int{0, 2, 4}, []int{3}},
		{[]int{3}, []int{0, 2, 4}, []int{1}},
		{[]int{0, 1, 2}, []int{3}, []int{4}},
		{[]int{0, 2, 4}, []int{1}, []int{3}}, // all of a half
		{[]int{0, 1, 2, 3}, []int{4}, nil},
	} {
		p := datasets.Part{Test: c.test}
		for i := range groups {
			if !slices.Contains(c.test, i) {
				p.Train = append(p.Train, i)
			}
		}
		rest, held := Divide(p, groups, make([]string, len(groups)))
		if !slices.Equal(rest, c.rest) || !slices.Equal(held, c.held) {
			t.Errorf("testing %v: learns from %v, asks about %v, want %v and %v", c.test, rest, held, c.rest, c.held)
		}
	}
}

// home has an event, and two packets with it, every minute.
func home(events int) Example {
	r := &datasets.Recording{ID: "r", Labels: datasets.Labels{Devices: []string{"lamp"}}}
	r.Trace.Flows = []datasets.Flow{{}}
	for i := range events {
		at := time.Duration(i+1) * time.Minute
		r.Labels.Events = append(r.Labels.Events, datasets.Event{Start: at, End: at, Activity: "on"})
		r.Labels.Commands = append(r.Labels.Commands, datasets.Command{Time: at})
		for k := range 2 {
			r.Trace.Packets = append(r.Trace.Packets, datasets.Packet{Time: at + time.Duration(k)*time.Millisecond, Size: 60})
			r.Labels.Owners = append(r.Labels.Owners, 0)
			r.Labels.Cause = append(r.Labels.Cause, int32(i))
		}
	}
	r.Trace.End = time.Duration(events+1) * time.Minute
	return Example{attacks.Labeled{Trace: r.Trace, Labels: r.Labels}, r}
}

func TestFew(t *testing.T) {
	all := []Example{home(0), home(8), home(30), home(30)}
	got := Few(datasets.TaskEvent, all)
	if len(got) != 2 || len(got[0].Labels.Events) != 8 || len(got[1].Labels.Events) != 12 {
		t.Fatalf("%d traces, want one of 8 and one of 12 events", len(got))
	}
	if n := len(got[1].Trace.Packets); n != 24 || len(got[1].Labels.Owners) != n || len(got[1].Labels.Cause) != n {
		t.Errorf("%d packets, want those of 12 events and their truth", n)
	}
	if all[2].Trace.End != 31*time.Minute || len(all[2].Trace.Packets) != 60 {
		t.Error("the training trace was cut itself")
	}
	if got := Few(datasets.TaskCommand, all); len(got) != 2 || len(got[1].Labels.Commands) != 12 {
		t.Error("want the first 20 commands")
	}
	if got := Few(datasets.TaskDevice, []Example{home(fewPackets)}); len(got) != 1 || len(got[0].Trace.Packets) != fewPackets {
		t.Error("want the first packets")
	}
	if got := Few(datasets.TaskEvent, nil); len(got) != 0 {
		t.Errorf("%d traces of none", len(got))
	}
}
