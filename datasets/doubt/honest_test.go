package doubt_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/doubt"
	"veilbench/datasets/home"
)

// generate makes data that are held for recorded ones: what is doubted must not
// hang on a word of the generator.
func generate(t *testing.T, id string) datasets.Dataset {
	t.Helper()
	ds, err := home.Generate(t.Context(), id, 1)
	if err != nil {
		t.Fatal(err)
	}
	ds.Generated = false
	return ds
}

// TestHonestDataRaiseNoDoubt has every kind of generated home, long enough for
// its classes, from everywhere.
func TestHonestDataRaiseNoDoubt(t *testing.T) {
	short := map[string]string{ // of what takes long
		"event_signatures-ten": ":homes=2", "homemole-ind": ":hours=0.2", "homemole-noise": ":hours=0.2", "homemole-ind-session": ":hours=1", "homemole-noise-session": ":hours=1", "rates": ":hours=2", "full": ":hours=3", "evening": ":homes=1",
		"routine": ":homes=2,hours=48", "routine-full": ":homes=1,hours=3", "routine-devices": ":homes=1,hours=3",
	}
	if n := len(home.Presets()); n < 12 {
		t.Errorf("only %d kinds of homes", n)
	}
	for _, p := range home.Presets() {
		hours := p.Name == "routine-full" || p.Name == "routine-devices" // and no days, of which diaries are
		ds := generate(t, "home:"+p.Name+short[p.Name])
		for _, v := range []datasets.Vantage{datasets.LAN, datasets.WiFi, datasets.WAN} {
			for _, d := range doubt.Of(&ds, v, 1) {
				// A few hours of twenty devices hold few events of each, and a night three.
				rare := p.Name == "full" || p.Name == "evening" || p.Name == "castle_night" || strings.HasPrefix(p.Name, "routine")
				if (!rare || d.Code != datasets.DoubtRare) && (!hours || d.Code != datasets.DoubtStays) {
					t.Errorf("%s at %s: %s", p.Name, v, d)
				}
			}
		}

		// Who makes data says how many events there are.
		ds.Generated = true
		if d := doubt.Of(&ds, datasets.WAN, 1); len(d) > 0 && !hours {
			t.Errorf("%s as generated: %v", p.Name, d)
		}
	}
}

// TestOrderOfRecordingsDoesNotMatter has the recordings in reverse.
func TestOrderOfRecordingsDoesNotMatter(t *testing.T) {
	ds := generate(t, "home:event_signatures:homes=2,hours=4")
	move(&ds, 90*time.Minute, "")
	a := doubt.Of(&ds, datasets.WAN, 1)
	slices.Reverse(ds.Recordings)
	b := doubt.Of(&ds, datasets.WAN, 7)
	if len(a) == 0 || len(a) != len(b) {
		t.Fatalf("%v and %v", a, b)
	}
	for i := range a {
		if a[i].String() != b[i].String() {
			t.Errorf("%s and %s", a[i], b[i])
		}
	}
}

// BenchmarkOf is the cost of doubts beside that of a run.
func BenchmarkOf(b *testing.B) {
	ds, err := home.Generate(b.Context(), "home:event_signatures:homes=5,hours=3", 1)
	if err != nil {
		b.Fatal(err)
	}
	packets := 0
	for i := range ds.Recordings {
		packets += len(ds.Recordings[i].Trace.Packets)
	}
	for b.Loop() {
		doubt.Of(&ds, datasets.WAN, 1)
	}
	b.ReportMetric(float64(packets)*float64(b.N)/b.Elapsed().Seconds(), "packets/s")
}
