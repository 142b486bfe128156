package gridfile

import (
	"math"
	"strings"
	"testing"

	"veilbench/bench/results"
)

const matrixHead = "datasets: [home:small]\ndefenses: [none, vpn]\nattacks: [guess-majority, window-forest]\n"

// A matrix is its squares: recall on the diagonal, and off it what is named so.
func TestMatrixIsItsSquares(t *testing.T) {
	c, err := Parse("f", matrixHead+`matrices:
  - task: device
    defense: none
    attack: window-forest
    source: A, figure 1
    calibrated: shares
    columns: [lamp, plug]
    rows:
      lamp: [0.9, 0.1]
      plug: [0.25, 0.75]
`)
	if err != nil {
		t.Fatal(err)
	}
	qs, err := c.Published(own())
	if err != nil || len(qs) != 4 {
		t.Fatalf("%d figures, %v", len(qs), err)
	}
	for i, want := range []results.Published{{Class: "lamp", Value: 0.9}, {Class: "lamp", As: "plug", Value: 0.1}, {Class: "plug", As: "lamp", Value: 0.25}, {Class: "plug", Value: 0.75}} {
		if q := qs[i]; q.Class != want.Class || q.As != want.As || q.Value != want.Value || q.Metric != results.Recall || q.Calibrated != "shares" || q.Source != "A, figure 1" {
			t.Errorf("square %d: %+v, want %+v", i, q, want)
		}
	}
}

// An order takes from its higher side what it does not say of the lower one.
func TestOrderOfFigures(t *testing.T) {
	c, err := Parse("f", matrixHead+"published:\n  - {task: device, defense: none, attack: window-forest, metric: accuracy, over: {defense: vpn}, source: A}\n")
	if err != nil {
		t.Fatal(err)
	}
	qs, err := c.Published(own())
	if err != nil || len(qs) != 1 || qs[0].Over == nil || qs[0].Over.Attack != qs[0].Attack || !strings.HasPrefix(qs[0].Over.Defense, "vpn:") || qs[0].Value != 0 {
		t.Errorf("%+v, %v", qs, err)
	}
}

func TestMatrixMistakesPointAtTheirPlace(t *testing.T) {
	for _, c := range []struct{ entry, want string }{
		{"matrices: {task: device, defense: none, attack: window-forest, source: A, columns: [a, b], rows: {a: [1]}}", "f:4:99: row a has 1 shares for 2 columns"},
		{"matrices: {task: device, defense: none, attack: window-forest, columns: [a], rows: {a: [1]}}", "f:4:12: a published matrix needs source"},
		{"matrices: {task: device, defense: none, attack: window-forest, source: A}", "f:4:12: a published matrix needs columns and rows"},
		{"matrices: {task: device, defense: none, attack: window-forest, source: A, columns: [a], rows: {a: [x]}}", "f:4:100: value x: want a number"},
		{"matrices: {task: device, kind: 1}", `f:4:26: unknown key "kind" of a published matrix`},
		{"published: {task: device, defense: none, attack: window-forest, metric: accuracy, value: 1, over: {defense: vpn}, source: A}", "f:4:90: an order has no value"},
		{"published: {task: device, defense: none, attack: window-forest, metric: accuracy, over: {kind: vpn}, source: A}", `f:4:90: unknown key "kind" of the lower side`},
		{"published: {task: device, defense: none, attack: window-forest, metric: accuracy, as: b, value: 1, source: A}", "f:4:87: as b: want metric recall and a class"},
		{"like: homemole", `f:4:7: unknown preset "homemole"`},
	} {
		cfg, err := Parse("f", matrixHead+c.entry+"\n")
		if err == nil {
			_, err = cfg.Published(own())
		}
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s\n got %v\nwant %s", c.entry, err, c.want)
		}
	}
}

// A file that is like a preset has all that it does not say itself from there.
func TestLikeAPreset(t *testing.T) {
	base, err := Open("homemole-noise")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Parse("f", "like: homemole-noise\ndefenses: [none]\n")
	if err != nil {
		t.Fatal(err)
	}
	if len(c.attacks) != len(base.attacks) || len(c.matrices) != 4 || len(c.defenses) != 1 || c.split.Text != base.split.Text || c.file.Name != "f" {
		t.Errorf("%d attacks, %d matrices, %d defenses, split %q, file %q", len(c.attacks), len(c.matrices), len(c.defenses), c.split.Text, c.file.Name)
	}
	if c.attacks[0].At != nil || c.defenses[0].At == nil {
		t.Error("words from the preset have a place in the file, or its own have none")
	}
}

// The matrices of HomeMole are whole: rows of eleven shares that add up to 1 as
// far as three digits do, and diagonals with the means that are quoted of them.
func TestHomeMoleMatrices(t *testing.T) {
	c, err := Open("homemole-noise")
	if err != nil {
		t.Fatal(err)
	}
	qs, err := c.Published(own())
	if err != nil {
		t.Fatal(err)
	}
	sums, diagonal, quoted := map[string]float64{}, map[string]float64{}, map[string]float64{}
	for _, q := range qs {
		figure, mean, _ := strings.Cut(q.Source, ": ")
		switch {
		case mean == "mean of the diagonal" && q.Over == nil:
			quoted[figure] = q.Value
		case q.Class != "" && q.Metric == results.Recall && q.Over == nil:
			sums[figure+" "+q.Class] += q.Value
			if q.As == "" {
				diagonal[figure] += q.Value / 11
			}
		}
	}
	if len(sums) != 44 || len(quoted) != 4 {
		t.Fatalf("%d rows and %d means, want 44 and 4", len(sums), len(quoted))
	}
	for row, sum := range sums {
		if math.Abs(sum-1) > 0.0055 {
			t.Errorf("%s adds up to %v", row, sum)
		}
	}
	for figure, mean := range quoted {
		if math.Abs(mean-diagonal[figure]) > 0.0006 {
			t.Errorf("%s: mean of the diagonal %v, quoted %v", figure, diagonal[figure], mean)
		}
	}
}
