package reports

import (
	"fmt"

	"veilbench/bench/results"
)

// Compare says for each panel and defense that both runs have what changed
// from old to new: the best attack's advantage, paired by test group, and the
// bytes. Differences on other data are not compared but named in the notes.
func Compare(before, after *Set) Table {
	t := Table{Name: "compare", Title: "What changed from the first run to the second", Columns: []Column{
		{Head: "data"},
		{Head: "task"},
		{Head: "defense"},
		{Head: "before", Num: true},
		{Head: "after", Num: true},
		{Head: "difference", Num: true, Interval: true},
		{Head: "Cliff's delta", Num: true},
		{Head: "p (ranks)", Num: true},
		{Head: "p (Holm)", Num: true},
		{Head: "verdict"},
		{Head: "bytes before", Num: true},
		{Head: "bytes after", Num: true},
	}}
	was, is := before.summaries(), after.summaries()
	var ts []pairedTest
	alone := 0
	for _, p := range after.panels {
		for _, d := range after.defenses[p] {
			a, okA := was[subject{p, d}]
			b, okB := is[subject{p, d}]
			if !okA || !okB || a.Attack == "" || b.Attack == "" {
				alone++
				continue
			}
			c := compareSides(after.sideOf(p, d, is), before.sideOf(p, d, was))
			v, _ := c.difference(b.Advantage - a.Advantage)
			if p.Split.Within() {
				v = number(b.Advantage-a.Advantage, signed) // groups are no samples there
			}
			data := p.Dataset
			if x, y := before.digest(p), after.digest(p); x != y {
				data += " (other data)"
			}
			ts = append(ts, c)
			t.Rows = append(t.Rows, []Value{
				word(data), word(taskName(p.Task)), after.defenseLabel(d), number(a.Advantage, score).of(gain(p, d, a)), number(b.Advantage, score).of(gain(p, d, b)), v,
				number(c.cliff, signed), c.rankP(), missing(), missing(), before.overhead(p, d), after.overhead(p, d),
			})
		}
	}
	for i, q := range holm(ts) {
		row := t.Rows[i]
		row[8] = number(q, pValue)
		switch {
		case row[5].Num == 0:
			row[9] = word("same")
		case q <= 1-results.Level && row[5].Num > 0:
			row[9] = word("WORSE: leaks more")
		case q <= 1-results.Level:
			row[9] = word("better: leaks less")
		default:
			row[9] = word(undecided(ts[i].diff, len(ts)))
		}
	}
	t.Notes = append(t.Notes, "Advantage of the best attack, paired by the test groups that both runs have; no interval below 5 groups. "+testName(ts), aboutTraining)
	if alone > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("%d of the second run's defenses and tasks have no counterpart that did not fail in the first.", alone))
	}
	return t
}

// gain is where the advantage of a summary comes from.
func gain(p Panel, d string, m results.Summary) Origin {
	op := Gain
	if m.ByGroup != nil {
		op = Headline
	}
	return Origin{Op: op, Metric: "advantage", Panel: p, Defense: d, Attacker: bestAttacker(m)}
}

// digest is that of a panel's data.
func (s *Set) digest(p Panel) string {
	for _, d := range s.defenses[p] {
		for _, r := range s.byDefense[subject{p, d}] {
			return r.Data
		}
	}
	return ""
}
