package figures

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/reports"
	"veilbench/reports/figure"
	"veilbench/reports/internal/golden"
	"veilbench/reports/reporttest"
)

// The first figure of each kind as a whole, of the first fixture that has
// something for it, and of every panel title, caption and what its files hash
// to. Drawn twice, a file has the same bytes.
func TestGoldenKinds(t *testing.T) {
	for _, k := range All() {
		var list strings.Builder
		for _, fx := range reporttest.Fixtures() {
			again := k.Draw(fx.Set)
			for i, f := range k.Draw(fx.Set) {
				fmt.Fprintf(&list, "%s\n  %s\n", f.Title, f.Caption)
				for _, format := range []figure.Format{figure.SVG, figure.PGF, figure.PDF, figure.PNG} {
					if format == figure.PNG && i > 0 { // slow
						continue
					}
					var a, b bytes.Buffer
					if err := f.Write(&a, format, 0); err != nil {
						t.Fatal(err)
					}
					if err := again[i].Write(&b, format, 0); err != nil {
						t.Fatal(err)
					}
					if !bytes.Equal(a.Bytes(), b.Bytes()) {
						t.Errorf("%s.%s differs between two drawings", k.Name, format)
					}
					if format != figure.PNG {
						fmt.Fprintf(&list, "  %s %.8x\n", format, sha256.Sum256(a.Bytes()))
					}
					if format == figure.SVG && i == 0 {
						golden.Check(t, k.Name+".svg", a.Bytes())
					}
				}
			}
			if list.Len() > 0 {
				break
			}
		}
		if list.Len() == 0 {
			t.Errorf("no fixture of package reporttest has a figure %s", k.Name)
			continue
		}
		golden.Check(t, k.Name+".txt", []byte(list.String()))
	}
}

// TestStudyDrawsChoicesApart: a choice made in training is a line across, named
// below, and 0 is no place on the axis.
func TestStudyDrawsChoicesApart(t *testing.T) {
	var b bytes.Buffer
	if err := Study.Draw(reporttest.Chosen())[0].Write(&b, figure.SVG, 0); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "across: chosen inside training") {
		t.Error("the legend does not name the line across")
	}

	// The axis of the lines alone, whose first tick is 1, is that of the golden file.
	var ticks []string
	plain, err := os.ReadFile("testdata/study.svg")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range [][]byte{b.Bytes(), plain} {
		ticks = append(ticks, strings.Join(regexp.MustCompile(`>(0|1|3|5|9|15)</text>`).FindAllString(string(f), -1), ""))
	}
	if ticks[0] != ticks[1] {
		t.Errorf("labels %q, without a choice %q", ticks[0], ticks[1])
	}
}

func TestFiguresOfSamples(t *testing.T) {
	s := reports.NewSet(reporttest.Small(), reports.Options{Samples: reporttest.Samples()})
	titles := func(s *reports.Set, k reports.FigureKind) string {
		var out []string
		for _, f := range k.Draw(s) {
			out = append(out, f.Title)
			var b bytes.Buffer
			if err := f.Write(&b, figure.SVG, 0); err != nil {
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
		kind reports.FigureKind
		set  *reports.Set
		want string
	}{
		{Packets, s, "Packets of <b>bulb</b>/50%_on before and after defenses" + about + "\nPackets of activities under none" + about},
		{Rates, s, "Rates of each device under none" + about + "\nRates of plug before and after defenses" + about + "\nRates of all traffic around events of plug before and after defenses" + about},
		{Packets, reports.NewSet(reporttest.Small(), reports.Options{Samples: reporttest.Samples(), Activity: "plug/on"}), "Packets of plug/on before and after defenses" + about + "\nPackets of activities under none" + about},
		{Rates, reports.NewSet(reporttest.Small(), reports.Options{Samples: reporttest.Samples(), Activity: "bulb"}), ""},
		{Packets, reports.NewSet(reporttest.Small(), reports.Options{Samples: reporttest.Samples()[:1]}), "Packets of activities under none" + about},
		{Rates, reports.NewSet(reporttest.Small(), reports.Options{Samples: reporttest.Samples()[:2]}), "Rates of plug before and after defenses" + about},
		{Rates, reports.NewSet(reporttest.Small(), reports.Options{}), ""},
		{Packets, reports.NewSet(nil, reports.Options{Samples: reporttest.Samples()}), ""},
	} {
		if got := titles(c.set, c.kind); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.kind.Name, got, c.want)
		}
	}
}

// What was found comes from the items of results: of the two plug events of
// the stretch, the fixture's items put twelve at its first seconds.
func TestRatePanelCountsWhatWasFound(t *testing.T) {
	item := func(at float64, truth, answer string) results.Item {
		return results.Item{Recording: "home-00", Group: "home-00", TimeS: at, Truth: truth, Answer: answer}
	}
	c := results.Cell{Dataset: "home:made_up", Task: datasets.TaskEvent, Vantage: datasets.WAN, Defense: results.NoDefense, Attack: "rates:beta=1", Knowledge: results.Adaptive, TrainDefense: results.NoDefense, Split: "group-kfold:k=5", Seed: 7}
	r := results.Result{Cell: c, Headline: "f1", Items: []results.Item{
		item(2, "plug/on", "plug/on"),         // right
		item(600, "plug/off", results.Missed), // not found
		item(700, datasets.Other, "plug/on"),  // a false alarm
		item(800, "bulb/on", "plug/on"),       // another device's, taken for the plug's
		item(810, "plug/on", "bulb/on"),       // named as another device's: not in this panel
		item(5000, datasets.Other, "plug/on"), // outside of the stretch
	}}
	s := reports.NewSet([]results.Result{r}, reports.Options{Samples: reporttest.Samples()})
	x := reporttest.Samples()[0]
	p := ratePanel(s, reports.Subject{Panel: s.Panels[0], Defense: results.NoDefense}, x.Rates[0], "t")
	if p.Note != "2 events, 1 right, 2 wrong" || len(p.Found) != 3 || len(p.True) != 2 || p.True[0].Class != "on" {
		t.Errorf("note %q, found %v, true %v", p.Note, p.Found, p.True)
	}
	if p.Up[1] != 5 { // 10 bytes in 2 s
		t.Errorf("rate %v, want 5 bytes/s", p.Up[1])
	}
}

// Delays of results with unequal numbers of packets are weighted by them.
func TestDelayCurve(t *testing.T) {
	cost := func(n int64, delays ...float64) *results.Result {
		r := &results.Result{}
		r.Cost.InPackets, r.Cost.Delays = [2]int64{n, 0}, delays
		return r
	}
	got, ok := delayCurve([]*results.Result{cost(30, 0.01, 0.1), cost(10)})
	want := []figure.Point{{X: math.Inf(-1), Y: 0.25}, {X: math.Log10(0.01), Y: 0.625}, {X: math.Log10(0.1), Y: 1}}
	if !ok || !slices.Equal(got, want) {
		t.Errorf("curve %v, want %v", got, want)
	}
	if got, ok := delayCurve([]*results.Result{cost(5)}); got != nil || !ok {
		t.Errorf("nothing delayed: %v, %v", got, ok)
	}
	old := cost(5)
	old.Cost.DelayMax = 1
	if _, ok := delayCurve([]*results.Result{old}); ok {
		t.Error("delays without a histogram are taken for none")
	}
}

// TestLineOfReadings: several people who are read where one lives need the legend of
// their line as much as those who live there.
func TestLineOfReadings(t *testing.T) {
	for _, fx := range reporttest.Fixtures() {
		for _, p := range fx.Set.Panels {
			if p.Task != datasets.TaskRoutine {
				continue
			}
			for _, said := range []string{"hh", "hH"} {
				for _, d := range fx.Set.Defenses[p] {
					for _, r := range fx.Set.BestResults(reports.Subject{Panel: p, Defense: d}) {
						r.Strips[0].Truth, r.Strips[0].Said = "hh", said
					}
				}
				var svg bytes.Buffer
				if err := strips(fx.Set, p)[0].Write(&svg, figure.SVG, 0); err != nil {
					t.Fatal(err)
				}
				if got := strings.Contains(svg.String(), "several people"); got != (said == "hH") {
					t.Errorf("read %s: legend of several people: %v", said, got)
				}
			}
			return
		}
	}
	t.Error("no diary among the fixtures")
}

// The gallery shows every kind of figure, and what inspect and apply draw.
func TestGalleryHasEveryKind(t *testing.T) {
	page, err := os.ReadFile("../docs/gallery.md")
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"inspect", "apply"}
	for _, k := range All() {
		names = append(names, k.Name)
	}
	for _, n := range names {
		svg, err := os.ReadFile("../docs/gallery/" + n + ".svg")
		if err != nil {
			t.Errorf("%v: run make docs", err)
			continue
		}
		_, caption, _ := strings.Cut(string(svg), "<desc>")
		caption, _, _ = strings.Cut(caption, "</desc>")
		if !strings.Contains(string(page), "## "+n+"\n") || caption == "" || !strings.Contains(string(page), caption) {
			t.Errorf("the gallery has no %s with the caption of its picture: run make docs", n)
		}
	}
}
