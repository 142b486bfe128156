package builtin_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"veilbench/attacks"
	"veilbench/attacks/rates"
	"veilbench/attacks/signatures"
	"veilbench/datasets"
)

// sameClass maps each class to the first of those nobody can tell apart.
func sameClass(ds datasets.Dataset) func(string) string {
	to := map[string]string{}
	for _, g := range ds.Same {
		for _, c := range g {
			to[c] = slices.Min(g)
		}
	}
	return func(c string) string {
		if s, ok := to[c]; ok {
			return s
		}
		return c
	}
}

// classTallies matches events and detections of each merged class.
func classTallies(ds datasets.Dataset, r datasets.Recording, found []attacks.Burst, tol time.Duration, out map[string]deviceTally) {
	same := sameClass(ds)
	taken := make([]bool, len(r.Labels.Events))
	add := func(class string, d deviceTally) {
		o := out[class]
		out[class] = deviceTally{o.hits + d.hits, o.events + d.events, o.found + d.found}
	}
	for _, e := range r.Labels.Events {
		add(same(r.Labels.Class(e)), deviceTally{events: 1})
	}
	for _, b := range found {
		class := same(b.Ranked[0].Class)
		add(class, deviceTally{found: 1})
		for i, e := range r.Labels.Events {
			if !taken[i] && same(r.Labels.Class(e)) == class && b.Start >= e.Start-tol && b.Start <= max(e.End, e.Start)+tol {
				taken[i] = true
				add(class, deviceTally{hits: 1})
				break
			}
		}
	}
}

// Published: recall above 0.97. Data and attack share one model of the devices,
// so this is a regression test and no evidence.
func TestSignaturesOnControlledSessions(t *testing.T) {
	t.Parallel()
	ds := generated(t, "home:event_signatures-ten", 1)
	classes := classesOf(ds.Recordings)
	got := map[string]deviceTally{}
	for i, r := range ds.Recordings {
		m := trainedOn(t, signatures.New(), slices.Concat(ds.Recordings[:i], ds.Recordings[i+1:]), classes)
		classTallies(ds, r, detections(answerOf(t, m, r.Trace)), 5*time.Second, got)
	}
	for _, c := range classes {
		d, ok := got[c]
		if !ok {
			continue
		}
		t.Logf("%-28s %3d events: recall %.3f precision %.3f", c, d.events, d.recall(), d.precision())
		device, _, _ := strings.Cut(c, "/")
		if slices.Contains([]string{"tplink_plug", "amazon_plug", "hue_bridge"}, device) && d.recall() < 0.97 {
			t.Errorf("%s: recall %.3f, want 0.97", c, d.recall())
		}
	}
}

// False positives on lived-in homes, per million packets, with the upper limit
// of a 95 % interval for a Poisson count. It takes minutes: set
// VEILBENCH_SLOW=1 to run it.
func TestSignaturesFalsePositives(t *testing.T) {
	if os.Getenv("VEILBENCH_SLOW") == "" {
		t.Skip("VEILBENCH_SLOW is not set: this reads 10 million packets")
	}
	sessions := generated(t, "home:event_signatures-ten", 1)
	m := trainedOn(t, signatures.New(), sessions.Recordings, classesOf(sessions.Recordings))
	packets, hours, got := 0, 0.0, map[string]deviceTally{}
	for seed := uint64(1); packets < 10_000_000; seed++ {
		ds := generated(t, "home:full", seed)
		for _, r := range ds.Recordings {
			packets += len(r.Trace.Packets)
			hours += r.Trace.End.Hours()
			classTallies(ds, r, detections(answerOf(t, m, r.Trace)), 5*time.Second, got)
		}
	}
	all := deviceTally{}
	report := func(name string, d deviceTally) {
		n := float64(d.found - d.hits)
		upper := distuv.ChiSquared{K: 2 * (n + 1)}.Quantile(0.975) / 2
		per := float64(packets) / 1e6
		t.Logf("%-28s %5d events, recall %.3f, %5d detections, false per million packets %.3f, at most %.3f, per home-day %.2f",
			name, d.events, d.recall(), d.found, n/per, upper/per, n/hours*24)
	}
	same := sameClass(sessions)
	for _, c := range classesOf(sessions.Recordings) {
		if d := got[c]; same(c) == c {
			report(c, d)
			all = deviceTally{all.hits + d.hits, all.events + d.events, all.found + d.found}
		}
	}
	report("all", all)
	t.Logf("%d packets, %.0f home-hours, generated: attack and data share one model", packets, hours)
}

// BenchmarkSignaturesAndRates trains on two sessions and asks about a third.
func BenchmarkSignaturesAndRates(b *testing.B) {
	ds := generated(b, "home:event_signatures-ten:homes=3,hours=3", 1)
	classes := classesOf(ds.Recordings)
	for _, a := range []attacks.Attack{signatures.New(), rates.New()} {
		b.Run("attack="+a.Info().Name+"/step=train/hours=6", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				trainedOn(b, a, ds.Recordings[:2], classes)
			}
			packets := len(ds.Recordings[0].Trace.Packets) + len(ds.Recordings[1].Trace.Packets)
			b.ReportMetric(float64(packets)*float64(b.N)/b.Elapsed().Seconds(), "packets/s")
		})
		m := trainedOn(b, a, ds.Recordings[:2], classes)
		r := ds.Recordings[2]
		b.Run("attack="+a.Info().Name+"/step=guess/hours=3", func(b *testing.B) {
			b.ReportAllocs()
			var got attacks.Answer
			for b.Loop() {
				got = answerOf(b, m, r.Trace)
			}
			tallies := map[string]deviceTally{}
			classTallies(ds, r, detections(got), 5*time.Second, tallies)
			hits, all := 0, 0
			for _, d := range tallies {
				hits, all = hits+2*d.hits, all+d.events+d.found
			}
			s := b.Elapsed().Seconds() / float64(b.N)
			b.ReportMetric(float64(len(r.Trace.Packets))/s, "packets/s")
			b.ReportMetric(float64(len(got.Events))/s, "queries/s")
			b.ReportMetric(float64(hits)/float64(max(1, all)), "accuracy")
		})
	}
}
