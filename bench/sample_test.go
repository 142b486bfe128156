package bench

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"veilbench/bench/cost"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/defenses"
)

// A sample of undefended traffic holds the recording's own packets and truth;
// one behind cover tells cover apart; a tunnel hides names.
func TestSampleHoldsTruth(t *testing.T) {
	g := smallGrid(t)
	g.Defenses = []defenses.Defense{defenses.None{}, defense(t, "vpn"), defense(t, "constant-rate:per=home,interval_s=0.5")}
	g.Attacks = g.Attacks[:1]
	g.Link = cost.Link{}
	dir := t.TempDir()
	if _, err := run(t, context.Background(), g, dir, Options{}); err != nil {
		t.Fatal(err)
	}
	samples, err := results.ReadSamples(dir)
	if err != nil || len(samples) != 3 {
		t.Fatalf("%d samples, %v", len(samples), err)
	}
	recs := g.Datasets[0].Recordings
	plain := samples[slices.IndexFunc(samples, func(x results.Sample) bool { return x.Defense == results.NoDefense })]
	for _, q := range plain.Sequences {
		rec := recs[slices.IndexFunc(recs, func(r datasets.Recording) bool { return r.ID == q.Recording })]
		k := slices.IndexFunc(rec.Labels.Events, func(e datasets.Event) bool {
			return results.Seconds(e.Start) == q.AtS && rec.Labels.Class(e) == q.Class
		})
		if k < 0 {
			t.Fatalf("no %s at %v s of %s", q.Class, q.AtS, q.Recording)
		}
		want, got := 0, strings.Count(q.Whose, string(results.WhoseEvent))
		for i, c := range rec.Labels.Cause {
			p := rec.Trace.Packets[i]
			if int(c) == k && !rec.Trace.Flows[p.Flow].LAN && p.Time <= rec.Labels.Events[k].Start+sampleLongest {
				want++
			}
		}
		if q.Cut == 0 && got != want || strings.Contains(q.Whose, string(results.WhoseCover)) || len(q.Whose) != len(q.Sizes) || len(q.Whose) != len(q.TimesUS) {
			t.Errorf("%s of %s: %d of %d packets, %q", q.Class, q.Recording, got, want, q.Whose)
		}
	}
	named := 0
	for _, x := range samples {
		cover := 0
		for _, q := range x.Sequences {
			cover += strings.Count(q.Whose, string(results.WhoseCover))
		}
		if has := cover > 0; has != strings.HasPrefix(x.Defense, "constant-rate") && !strings.HasPrefix(x.Defense, "vpn") {
			t.Errorf("%s: %d packets of cover", x.Defense, cover)
		}
		for _, n := range x.Names {
			if strings.HasPrefix(x.Defense, "vpn") && len(n.Hosts) > 0 {
				t.Errorf("%s shows %v", x.Defense, n.Hosts)
			}
			if x.Defense == results.NoDefense {
				named += len(n.Hosts)
			}
		}
	}
	if named == 0 {
		t.Error("no names without a defense")
	}
}

// All bytes of the flows of a device are in its bins.
func TestRateSampleAddsUp(t *testing.T) {
	rec := datasets.Recording{ID: "a", Trace: datasets.Trace{End: 30 * time.Minute, Flows: make([]datasets.Flow, 3)}}
	l := &rec.Labels
	l.Devices = []string{"cam", "plug"}
	add := func(at time.Duration, size, flow, owner int32, dir datasets.Dir) {
		rec.Trace.Packets = append(rec.Trace.Packets, datasets.Packet{Time: at, Size: size, Flow: flow, Dir: dir})
		l.Owners = append(l.Owners, owner)
	}
	add(0, 100, 0, 0, datasets.Up)
	add(4*time.Second, 60, 1, 1, datasets.Up) // another device on a flow of its own
	add(5*time.Second, 70, 2, 0, datasets.Down)
	add(6*time.Second, 80, 2, 1, datasets.Down) // another device on the same flow
	add(25*time.Minute, 90, 0, 0, datasets.Up)  // after the stretch
	l.Events = []datasets.Event{{Start: 3 * time.Second, End: 4 * time.Second, Activity: "motion"}}
	o := &observed{rec: &rec, trace: rec.Trace, labels: *l}
	got := ratesOf(o)
	if len(got) != 1 {
		t.Fatalf("%d samples, want one", len(got))
	}
	s := got[0]
	if len(s.Up) != 600 || s.BinS != 2 || s.FromS != 0 {
		t.Fatalf("%d bins of %v s from %v s, want 600 of 2 s: 20 minutes", len(s.Up), s.BinS, s.FromS)
	}
	up, down := make([]int64, 600), make([]int64, 600)
	up[0], down[2], down[3] = 100, 70, 80
	if !slices.Equal(s.Up, up) || !slices.Equal(s.Down, down) || !s.Shared {
		t.Errorf("up %v, down %v, shared %v", s.Up[:4], s.Down[:4], s.Shared)
	}
	if d := cmp.Diff([]results.EventSample{{StartS: 3, EndS: 4, Class: "cam/motion"}}, s.Events); d != "" {
		t.Error(d)
	}
}

// States and what happens between them are apart.
func TestRatesOfStatesAndPoints(t *testing.T) {
	rec := datasets.Recording{Trace: datasets.Trace{End: 4 * time.Hour}}
	rec.Labels.Devices = []string{"cam"}
	event := func(from, to time.Duration, activity string) {
		rec.Labels.Events = append(rec.Labels.Events, datasets.Event{Start: from, End: to, Activity: activity})
	}
	event(10*time.Minute, 20*time.Minute, "stream")
	event(15*time.Minute, 15*time.Minute, "motion") // inside a state: not seen
	event(60*time.Minute, 60*time.Minute, "motion")
	event(70*time.Minute, 70*time.Minute, "motion")
	event(2*time.Hour, 2*time.Hour+time.Second, "stream") // short, but a state at other times
	event(3*time.Hour, 3*time.Hour, "motion")
	o := &observed{rec: &rec, trace: rec.Trace, labels: rec.Labels}
	got := ratesOf(o)
	if len(got) != 2 {
		t.Fatalf("%d samples, want one of states and one of the rest", len(got))
	}
	var at []string
	for _, e := range got[1].Events {
		at = append(at, e.Class)
	}
	if got[1].FromS < 21*60 || got[1].FromS > 58*60 || !slices.Equal(at, []string{"cam/motion", "cam/motion"}) {
		t.Errorf("from %v s: %v, want the two motions of the longest lull", got[1].FromS, at)
	}
}

// A sample that is lost is made again, the same, from a run that has all its
// cells.
func TestLostSampleIsMadeAgain(t *testing.T) {
	g := smallGrid(t)
	g.Defenses = g.Defenses[1:2]
	g.Attacks = g.Attacks[:1]
	dir := t.TempDir()
	if _, err := run(t, context.Background(), g, dir, Options{}); err != nil {
		t.Fatal(err)
	}
	want := storedBytes(t, dir)
	if err := os.RemoveAll(filepath.Join(dir, "samples")); err != nil {
		t.Fatal(err)
	}
	if _, err := run(t, context.Background(), g, dir, Options{}); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, storedBytes(t, dir)); d != "" {
		t.Error(d)
	}
}
