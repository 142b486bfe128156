package rates

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"veilbench/attacks/match"
	"veilbench/datasets"
	"veilbench/datasets/home"
)

// TestNightOfThePaper: the night of figure 2A (to bed at 0:30, up at 6:30 and at
// 9:15) is read off the traffic outside the home within five minutes, nothing
// learned, in the home with the published times and in others.
func TestNightOfThePaper(t *testing.T) {
	worst := time.Duration(0)
	for seed := range uint64(4) {
		ds, err := home.Generate(context.Background(), "home:castle_night:homes=5", seed)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range ds.Recordings {
			seen, _ := datasets.WAN.View(rand.New(rand.NewPCG(seed, 1)), r.Trace)
			got := Night(seen, "sense_sleep", []string{"hello"}).Found
			var want []match.Span
			for _, e := range r.Labels.Events {
				if r.Labels.Devices[e.Device] == "sense_sleep" {
					want = append(want, match.Span{From: e.Start, Class: r.Labels.Class(e)})
				}
			}
			if i == 0 {
				for k, at := range []time.Duration{110 * time.Minute, 470 * time.Minute, 635 * time.Minute} { // since 22:40
					if want[k].From != at {
						t.Errorf("%s happens at %v, want %v", want[k].Class, want[k].From, at)
					}
				}
			}

			if len(got) != 3 || len(want) != 3 {
				t.Errorf("seed %d, %s: found %v, want %v", seed, r.ID, got, want)
				continue
			}
			for k, w := range want {
				off := (got[k].From - w.From).Abs()
				if worst = max(worst, off); off > 5*time.Minute || got[k].Class != w.Class {
					t.Errorf("seed %d, %s: %s at %v, want %s at %v", seed, r.ID, got[k].Class, got[k].From, w.Class, w.From)
				}
			}
		}
	}
	t.Logf("worst of 60 times: %v off", worst)
}

// TestNamesOfNights: times worked out by hand, from a Monday at 18:00 on. An
// early spike of the evening is not going to bed, one of the afternoon is no part
// of a night, a night without an evening spike is not named, and the time zone is
// that of the trace.
func TestNamesOfNights(t *testing.T) {
	start := time.Date(2025, 3, 3, 18, 0, 0, 0, time.FixedZone("", -5*3600))
	at := func(hours float64) match.Span { return match.Span{From: time.Duration(hours * float64(time.Hour))} }
	list := []match.Span{
		at(1), at(3), at(5), at(9), at(13), // 19:00, 21:00, 23:00, 3:00, 7:00
		at(20),         // Tuesday 14:00
		at(32),         // Wednesday 2:00
		at(33), at(39), // 3:00, 9:00
		at(60), // Thursday 6:00 after an evening without any
	}
	var got []string
	for _, x := range nameNights(list, start, "bed") {
		got = append(got, fmt.Sprintf("%.0f %s", x.From.Hours(), x.Class))
	}
	want := []string{"5 bed/in_bed", "9 bed/night_rise", "13 bed/out_of_bed", "32 bed/in_bed", "33 bed/night_rise", "39 bed/out_of_bed"}
	if !slices.Equal(got, want) {
		t.Errorf("named %v, want %v", got, want)
	}
	if s := spikes(RateSeries{Bin: time.Minute, Up: []float64{1, 1, 11, 1, 1, 12, 10, 1, 1, 1, 1, 1, 1, 20}, Down: make([]float64, 14)}); len(s) != 2 ||
		s[0].From != 2*time.Minute || s[0].To != 6*time.Minute || s[1].From != 13*time.Minute {
		t.Errorf("spikes %v", s)
	}
}
