package figure

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"veilbench/reports/internal/golden"
)

// ratePanels are two panels of an hour in bins of ten seconds: an upload of
// 2 kB/s for five minutes and a burst of 30 kB/s down.
func ratePanels() []RatePanel {
	p := RatePanel{Title: "before: " + golden.Hostile, Bin: 10 * time.Second, Up: make([]float64, 360), Down: make([]float64, 360)}
	for i := 60; i < 90; i++ {
		p.Up[i] = 2000
	}
	p.Down[200] = 30000
	p.True = []RateMark{{10 * time.Minute, 15 * time.Minute, "stream"}, {2000 * time.Second, 2000 * time.Second, golden.Hostile}}
	p.Found = []RateMark{{10 * time.Minute, 14 * time.Minute, "stream"}}
	q := p
	q.Title, q.Note, q.Found = "after", "2 events, 0 found, 0 right", nil
	return []RatePanel{p, q}
}

func TestGoldenRates(t *testing.T) {
	rates := Rates{To: time.Hour, Panels: ratePanels()}
	f, again := rates.Figure("Rates", "Caption."), rates.Figure("Rates", "Caption.")
	for _, format := range []Format{SVG, PNG, PDF, PGF} {
		var a, b bytes.Buffer
		if err := f.Write(&a, format, 0); err != nil {
			t.Fatal(err)
		}
		if err := again.Write(&b, format, 0); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Errorf("%s differs between two drawings", format)
		}
		if format == SVG {
			golden.Check(t, "rate-panels.svg", a.Bytes())
		}
	}
}

// A column holds the highest bin that it overlaps, whether bins are narrower
// or wider than columns.
func TestRateColumns(t *testing.T) {
	rate := []float64{1, 5, 2, 0, 7}
	for _, c := range []struct {
		from, to time.Duration
		n        int
		want     []float64
	}{
		{0, 4 * time.Second, 2, []float64{5, 2}},
		{0, 5 * time.Second, 1, []float64{7}},
		{1 * time.Second, 2 * time.Second, 3, []float64{5, 5, 5}},
		{4 * time.Second, 6 * time.Second, 2, []float64{7, 0}},
	} {
		if got := columns(rate, time.Second, c.from, c.to, c.n); !slices.Equal(got, c.want) {
			t.Errorf("columns of %v to %v in %d: %v, want %v", c.from, c.to, c.n, got, c.want)
		}
	}
}

// Nothing at all and a moment without length can be drawn.
func TestRateFigureOfNothing(t *testing.T) {
	for _, panels := range [][]RatePanel{nil, {{Title: "empty", Bin: time.Second}}} {
		var b bytes.Buffer
		f := Rates{From: time.Second, To: time.Second, Panels: panels}.Figure("t", "c")
		if err := f.Write(&b, SVG, 0); err != nil {
			t.Error(err)
		}
		if strings.Contains(b.String(), "NaN") || strings.Contains(b.String(), "Inf") {
			t.Error("the picture has a number that is none")
		}
	}
}
