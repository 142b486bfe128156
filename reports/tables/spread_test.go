package tables

import (
	"math"
	"math/rand/v2"
	"testing"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/reporttest"
)

// By hand. Two groups of two seeds of two draws: variances of draws .0002,
// .0002, .0002 and .0018, mean .0006; of seed means (.51 .55; .71 .73) .0008 and
// .0002, mean .0005, less .0006 / 2; of group means (.53 .72) .01805, less
// (.0002 + .0003) / 2.
func TestNestedVariance(t *testing.T) {
	v := nested([][][]float64{{{.5, .52}, {.54, .56}}, {{.7, .72}, {.7, .76}}})
	for _, c := range []struct {
		what      string
		got, want float64
	}{{"draw", v.draw, .0006}, {"seed", v.seed, .0002}, {"group", v.group, .01805 - .00025}} {
		if math.Abs(c.got-c.want) > 1e-12 {
			t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
		}
	}
	if v.groups != 2 || v.seeds != 2 || v.draws != 2 {
		t.Errorf("%+v", v)
	}
	if v := nested([][][]float64{{{.5}}, {{.7}}}); v.draw != 0 || v.seed != 0 || math.Abs(v.group-.02) > 1e-12 {
		t.Errorf("one draw and seed: %+v", v)
	}
}

// On many simulated groups the components must come out as they were put in.
func TestNestedVarianceOfSimulatedScores(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	scores := make([][][]float64, 4000)
	for g := range scores {
		a := 0.5 + 0.10*r.NormFloat64()
		scores[g] = make([][]float64, 3)
		for s := range scores[g] {
			b := a + 0.05*r.NormFloat64()
			for range 4 {
				scores[g][s] = append(scores[g][s], b+0.02*r.NormFloat64())
			}
		}
	}
	v := nested(scores)
	for _, c := range []struct{ got, want float64 }{{math.Sqrt(v.group), 0.10}, {math.Sqrt(v.seed), 0.05}, {math.Sqrt(v.draw), 0.02}} {
		if math.Abs(c.got-c.want) > 0.04*c.want {
			t.Errorf("deviation %v, want %v", c.got, c.want)
		}
	}
}

func TestSpreadNeedsSeveralDrawsOrSeeds(t *testing.T) {
	rs := reporttest.Grid(5, []string{"none", "pad-random"}, []string{"guess-majority", "event-knn:k=1"})
	if ts := Spread.Tables(reports.NewSet(rs, reports.Options{})); len(ts) > 0 {
		t.Errorf("%d tables of one draw and seed", len(ts))
	}
	for _, r := range rs {
		again := r
		again.Cell.Draw, again.Cell.Seed = 1, 7
		if r.Err == "" {
			again.Groups = []results.GroupScore{r.Groups[0]}
			again.Groups[0].Value *= 0.9
		}
		rs = append(rs, again)
	}
	ts := Spread.Tables(reports.NewSet(rs, reports.Options{}))
	if len(ts) == 0 {
		t.Fatal("no table of two draws")
	}
	for _, row := range ts[0].Rows {
		if row[5].OK || !row[6].OK || row[6].Num == 0 || row[9].Num != 2 {
			t.Errorf("row %v", row)
		}
	}
}
