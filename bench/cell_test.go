package bench

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/defenses"
)

// Clips of which the view leaves less than half are counted aloud: their classes
// are told apart by what is missing. What is left of them is the same behind every
// defense, and so is the count.
func TestClipsThatTheViewCutsAreCounted(t *testing.T) {
	ds := datasets.Dataset{Name: "windows", Recorded: datasets.LAN, Tasks: []datasets.Task{datasets.TaskClip}, Split: "leave-one-group-out"}
	for g := range 2 {
		// Twenty packets, of which so many leave the home.
		for i, out := range []int{0, 1, 9, 10, 20} {
			r := datasets.Recording{ID: fmt.Sprint(g, "-", i), Group: fmt.Sprint("home", g)}
			r.Labels = datasets.Labels{Devices: []string{"lamp"}, Events: []datasets.Event{{Activity: string(rune('a' + i%2))}}}
			r.Trace = datasets.Trace{End: time.Minute, Flows: []datasets.Flow{{Proto: 17, LAN: true}, {Proto: 17}}}
			for k := range 20 {
				p := datasets.Packet{Time: time.Duration(k) * time.Second, Size: 100, Payload: 58}
				if k < out {
					p.Flow = 1
				}
				r.Trace.Packets = append(r.Trace.Packets, p)
			}
			ds.Recordings = append(ds.Recordings, r)
		}
	}
	for _, v := range []datasets.Vantage{datasets.WAN, datasets.LAN} {
		rs, err := Run(t.Context(), Grid{
			Datasets: []datasets.Dataset{ds}, Vantages: []datasets.Vantage{v}, Attacks: []attacks.Attack{attack(t, "guess-majority")},
			Defenses: []defenses.Defense{defenses.None{}, defense(t, "cover-noise")}, Knowledge: []results.Knowledge{results.Adaptive},
		}, Options{})
		if err != nil || len(rs) != 4 {
			t.Fatalf("%d results, %v", len(rs), err)
		}
		for _, r := range rs {
			said := slices.Contains(r.Warnings, "2 of 5 clips keep fewer than half of their packets at wan: an attack may know them by what is missing")
			if said != (v == datasets.WAN) || v == datasets.LAN && strings.Contains(strings.Join(r.Warnings, ""), "half") {
				t.Errorf("%s at %s, error %q: warnings %q", r.Cell.Defense, v, r.Err, r.Warnings)
			}
		}
	}
}
