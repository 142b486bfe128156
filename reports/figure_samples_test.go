package reports

import (
	"bytes"
	"strings"
	"testing"

	"veilbench/bench/results"
	"veilbench/datasets"
)

// sampleFixture is what a run of smallFixture could keep of events: a plug's
// click, six packets in half a second, plain, padded, and among cover; its
// rates in a quarter of an hour with two events; its names, which the tunnel
// hides.
func sampleFixture() []results.Sample {
	var out []results.Sample
	for i, d := range []string{results.NoDefense, "pad-random:max_bytes=255", "vpn:kind=wireguard", hostile} {
		x := results.Sample{SampleKey: results.SampleKey{
			Dataset: "home:made_up", Task: datasets.Events, Vantage: datasets.WAN, Split: "group-kfold:k=5", Defense: d, Seed: 7,
		}}
		for _, class := range []string{"<b>bulb</b>/50%_on", "plug/off", "plug/on"} {
			q := results.Sequence{Recording: "home-00", Class: class, AtS: 30, Whose: "eeeeee", TimesUS: []int64{0, 20000, 90000, 150000, 300000, 450000}}
			for k, n := range []int32{-170, 106, 1514, -54, 90, -138} {
				if n > 0 {
					n += int32(40 * i)
				}
				q.Sizes = append(q.Sizes, n+int32(k%2))
			}
			if i == 2 {
				q.Whose, q.Cut = "eocoec", 7
			}
			x.Sequences = append(x.Sequences, q)
		}
		r := results.RateSample{Device: "plug", Recording: "home-00", FromS: 0, BinS: 2, Shared: i > 1, Events: []results.EventSample{{StartS: 2, EndS: 4, Class: "plug/on"}, {StartS: 600, EndS: 600, Class: "plug/off"}}}
		for b := range int64(450) {
			r.Up = append(r.Up, b%7*int64(10+i))
			r.Down = append(r.Down, b%60/58*4000)
		}
		x.Rates = []results.RateSample{r}
		x.Names = []results.DeviceNames{{Device: "bulb", Recording: "home-00"}, {Device: "plug", Recording: "home-00", Hosts: []string{"a.example", "b.example"}}}
		if i == 2 {
			x.Names[1].Hosts = []string{}
		}
		out = append(out, x)
	}
	return out
}

func TestFiguresOfSamples(t *testing.T) {
	s := NewSet(smallFixture(), Options{Samples: sampleFixture()})
	titles := func(s *Set, name string) string {
		var out []string
		for _, f := range s.Figures(name) {
			out = append(out, f.Title)
			var b bytes.Buffer
			if err := f.Write(&b, SVG, 0); err != nil {
				t.Error(err)
			}
			if strings.Contains(b.String(), "NaN") || strings.Contains(b.String(), "Inf") {
				t.Errorf("%s has a number that is none", f.Title)
			}
		}
		return strings.Join(out, "\n")
	}
	about := ": home:made_up, events, seen outside the home"
	for _, c := range []struct {
		name string
		set  *Set
		want string
	}{
		{"packets", s, "Packets of <b>bulb</b>/50%_on before and after defenses" + about + "\nPackets of activities under none" + about},
		{"rates", s, "Rates of each device under none" + about + "\nRates of plug before and after defenses" + about},
		{"packets", NewSet(smallFixture(), Options{Samples: sampleFixture(), Activity: "plug/on"}), "Packets of plug/on before and after defenses" + about + "\nPackets of activities under none" + about},
		{"rates", NewSet(smallFixture(), Options{Samples: sampleFixture(), Activity: "bulb"}), ""},
		{"packets", NewSet(smallFixture(), Options{Samples: sampleFixture()[:1]}), "Packets of activities under none" + about},
		{"rates", NewSet(smallFixture(), Options{Samples: sampleFixture()[:2]}), "Rates of plug before and after defenses" + about},
		{"rates", NewSet(smallFixture(), Options{}), ""},
		{"packets", NewSet(nil, Options{Samples: sampleFixture()}), ""},
	} {
		if got := titles(c.set, c.name); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

// What was found comes from the items of results: of the two plug events of
// the stretch, the fixture's items put twelve at its first seconds.
func TestRatePanelCountsWhatWasFound(t *testing.T) {
	item := func(at float64, truth, answer string) results.Item {
		return results.Item{Recording: "home-00", Group: "home-00", TimeS: at, Truth: truth, Answer: answer}
	}
	c := results.Cell{Dataset: "home:made_up", Task: datasets.Events, Vantage: datasets.WAN, Defense: results.NoDefense, Attack: "rates:beta=1", Knowledge: results.Adaptive, TrainDefense: results.NoDefense, Split: "group-kfold:k=5", Seed: 7}
	r := results.Result{Cell: c, Headline: "f1", Items: []results.Item{
		item(2, "plug/on", "plug/on"),         // right
		item(600, "plug/off", results.Missed), // not found
		item(700, datasets.Other, "plug/on"),  // a false alarm
		item(800, "bulb/on", "plug/on"),       // another device's, taken for the plug's
		item(810, "plug/on", "bulb/on"),       // named as another device's: not in this panel
		item(5000, datasets.Other, "plug/on"), // outside of the stretch
	}}
	s := NewSet([]results.Result{r}, Options{Samples: sampleFixture()})
	x := sampleFixture()[0]
	p := s.ratePanel(s.panels[0], results.NoDefense, x.Rates[0], "t")
	if p.Note != "2 events, 1 right, 2 wrong" || len(p.Found) != 3 || len(p.True) != 2 || p.True[0].Class != "on" {
		t.Errorf("note %q, found %v, true %v", p.Note, p.Found, p.True)
	}
	if p.Up[1] != 5 { // 10 bytes in 2 s
		t.Errorf("rate %v, want 5 bytes/s", p.Up[1])
	}
}

func TestNamesTable(t *testing.T) {
	s := NewSet(smallFixture(), Options{Samples: sampleFixture()})
	ts := s.Tables("names")
	if len(ts) != 1 || len(ts[0].Rows) != 2 {
		t.Fatalf("%d tables", len(ts))
	}
	var row []string
	for _, v := range ts[0].Rows[0] {
		row = append(row, v.Text)
	}
	if got := strings.Join(row, "|"); got != "plug|a.example|seen|seen|seen|–" {
		t.Errorf("row %s", got)
	}
}
