package page

import (
	"cmp"
	"fmt"
	"slices"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/table"
)

const rankingID = "ranking"

// ranked is a defense with what its best attack learns, between lo and hi.
type ranked struct {
	at        reports.Subject
	score     table.Value
	lo, hi    float64
	from, to  int // the ranks that it may have
	attack    string
	state     string
	noVerdict bool // no evidence, or all failed
}

// ranking orders the defenses of a panel by what is learned behind them. Where
// intervals overlap, either may be the better one, so a rank is a range: from
// how many are surely better to how many are surely worse.
func ranking(s *reports.Set, p reports.Panel) []ranked {
	var out []ranked
	for _, d := range s.Defenses[p] {
		x := ranked{at: reports.Subject{Panel: p, Defense: d}}
		m := s.Summaries[x.at]
		x.lo, x.hi, x.score = m.Advantage, m.Advantage, table.Number(m.Advantage, table.Score)
		if m.HasInterval {
			x.lo, x.hi = m.Lo, m.Hi
			x.score = x.score.Within(m.Lo, m.Hi, reports.BoundsOf(m))
		}

		// What has no figure has no rank either: nobody knows what it hides.
		switch {
		case m.Attack == "" || m.Failed == m.Cells:
			x.noVerdict, x.score, x.state = true, table.Failed("failed"), "failed"
		case m.NoEvidence != "":
			x.noVerdict, x.score, x.state = true, table.Word(reports.NoEvidence), string(m.NoEvidence)
		default:
			x.attack, x.state = s.Label(m.Attack), stateOf(m.Reached, m.Attack)
		}
		out = append(out, x)
	}
	slices.SortStableFunc(out, func(a, b ranked) int {
		if a.noVerdict != b.noVerdict {
			if a.noVerdict {
				return 1
			}
			return -1
		}
		return cmp.Compare(a.score.Num, b.score.Num)
	})

	for i := range out {
		x := &out[i]
		x.from = 1
		for _, o := range out {
			if o.noVerdict {
				continue
			}
			x.to++
			if o.hi < x.lo {
				x.from++
			}
			if o.lo > x.hi {
				x.to--
			}
		}
	}
	return out
}

// stateOf is what the score of an attack rests on; of several cells the first
// that counts speaks, for a score counts when one of them does.
func stateOf(rs []results.Reached, attack string) string {
	var state string
	for _, r := range rs {
		if r.Attack == attack && (state == "" || r.Evidence.OK()) {
			state = reports.State(r.Evidence)
		}
	}
	return state
}

// rank is a range of ranks as text, its first for sorting.
func (x ranked) rank() table.Value {
	if x.noVerdict {
		return table.Missing()
	}
	v := table.Number(float64(x.from), func(float64) string { return fmt.Sprint(x.from) })
	if x.to > x.from {
		v.Text = fmt.Sprintf("%d to %d", x.from, x.to)
	}
	return v
}

// rankings is a table for each panel.
func rankings(s *reports.Set, p reports.Panel) []table.Table {
	t := table.Table{
		Title:   "Defenses by what the best attack still learns: " + s.About(p),
		Columns: table.Columns("defense", "#rank", "#advantage", "attack", "what it rests on", "#bytes"),
		Notes:   []string{"Rank: 1 leaks least. Where intervals overlap either defense may be the better one, so that ranks are ranges."},
	}
	for _, x := range ranking(s, p) {
		t.Rows = append(t.Rows, []table.Value{
			table.Word(s.DefenseLabel(x.at.Defense)), x.rank(), x.score, table.Word(x.attack), table.Word(x.state), s.Costs(x.at).Bytes(),
		})
	}
	return []table.Table{t}
}

// answers says of each panel in a sentence what comes out.
func answers(s *reports.Set, p reports.Panel) []string {
	all := ranking(s, p)
	if len(all) > 0 && all[0].noVerdict {
		return []string{reports.FirstUpper(s.About(p)) + ": nothing is known, for no score has a verdict; the notes below the headline say why and what to try."}
	}
	if len(all) < 2 {
		return nil
	}
	text, unknown, ties := "", 0, 0
	for _, x := range all {
		switch {
		case x.noVerdict:
			unknown++
		case x.from == 1:
			ties++
		}
		if x.at.Defense == results.NoDefense && !x.noVerdict {
			text = fmt.Sprintf("without a defense the best attack has an advantage of %s over guessing; ", x.score.Text)
		}
	}

	// The first has the lowest figure, but others may be as good: they are counted.
	best := all[0]
	text += fmt.Sprintf("least is learned behind %s, %s (%s), for %s bytes", s.DefenseLabel(best.at.Defense), best.score.Text, best.attack, s.Costs(best.at).Bytes().Text)
	if ties > 1 {
		text += fmt.Sprintf("; %d in all may be the best one", ties)
	}
	if unknown > 0 {
		text += fmt.Sprintf("; of %d nothing is known", unknown)
	}
	return []string{fmt.Sprintf("%s (%s, seen %s): %s.", reports.FirstUpper(reports.TaskName(p.Task)), s.DataName(p.Dataset), reports.WhereName(p.Vantage), text)}
}
