package reports

import (
	"math"
	"slices"
	"testing"

	"veilbench/bench/results"
)

// What figures draw is what the files beside the tables give: squares of the
// heat map, bars with their intervals, the diagonal of confusion matrices.
func TestFiguresFollowFromFiles(t *testing.T) {
	s := NewSet(smallFixture(), Options{})
	st := storedOf(t, s)
	sums := s.summaries()
	checked := 0
	for _, p := range s.panels {
		metric := results.Headline(p.Task)
		for _, d := range s.defenses[p] {
			for _, attack := range s.attacksOf(p) {
				best, lo, hi := math.Inf(-1), 0.0, 0.0
				for _, k := range []results.Knowledge{results.Adaptive, results.Unaware} {
					o := Origin{Op: Mean, Metric: metric, Panel: p, Defense: d, Attacker: Attacker{Attack: attack, Knowledge: k}}
					if v := st.number(o); v > best {
						best = v
						lo, hi = st.interval(o)
					}
				}
				c, b := s.bestOf(p, d, attack, metric), s.barOf(p, d, attack, metric)
				if !c.ok {
					if c.text != "failed" || b.ok {
						t.Errorf("%v, %s, %s: square %+v and bar %+v of what failed", p, d, attack, c, b)
					}
					continue
				}
				checked++
				if err := printed(c.text, best); err != nil || !near(c.v, best) || !near(b.v, best) {
					t.Errorf("%v, %s, %s: square %+v and bar %+v, the files give %v (%v)", p, d, attack, c, b, best, err)
				}
				if !b.whisks || !near(b.lo, lo) || !near(b.hi, hi) {
					t.Errorf("%v, %s, %s: whiskers %v %v, the files give %v %v", p, d, attack, b.lo, b.hi, lo, hi)
				}
			}
			rs, _ := good(s.bestResults(p, d, sums))
			classes, counts := confusionOf(rs)
			h := confusionHeat(classes, counts)
			for i, class := range h.rows {
				j := slices.Index(h.cols, class)
				if j < 0 {
					continue
				}
				checked++
				o := Origin{Op: ClassRecall, Metric: class, Panel: p, Defense: d, Attacker: bestAttacker(sums[subject{p, d}])}
				if want := st.number(o); !near(h.cells[i][j].v, want) {
					t.Errorf("%v, %s: %s is named right %v, the files give %v", p, d, class, h.cells[i][j].v, want)
				}
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d numbers were compared", checked)
	}
}
