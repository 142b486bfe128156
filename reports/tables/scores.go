package tables

import (
	"fmt"
	"slices"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/table"
)

// DefenseByAttack is one table for each panel and knowledge: the headline
// metric of every attack, controls last, and the overhead.
var DefenseByAttack = reports.TableKind{
	Name: "defense-by-attack", Doc: "score of every attack on every defense",
	Draw: reports.PerPanel(func(s *reports.Set, p reports.Panel) []table.Table {
		var out []table.Table
		for _, k := range []results.Knowledge{results.Adaptive, results.Unaware} {
			if len(s.WithKnowledge(p, k)) > 0 {
				out = append(out, scoreTable(s, p, k))
			}
		}
		return out
	}),
}

func scoreTable(s *reports.Set, p reports.Panel, k results.Knowledge) table.Table {
	metric, _ := s.Headline(p)
	t := table.Table{
		Title:   fmt.Sprintf("%s of each attack (%s), and overhead: %s", reports.FirstUpper(reports.MetricLabel(metric)), k, s.About(p)),
		Columns: table.Columns("defense"),
	}
	var attacks []string
	for _, a := range s.WithKnowledge(p, k) {
		t.Columns = append(t.Columns, table.Column{Head: s.Label(a.Attack), Num: true})
		attacks = append(attacks, a.Attack)
	}
	t.Columns = append(t.Columns, table.Columns("#floor", "#bytes", "#delay p95")...)
	n := footnotes{}

	for _, d := range s.Defenses[p] {
		c := s.Costs(reports.Subject{Panel: p, Defense: d})
		row := []table.Value{defense(s, d)}
		for _, a := range s.WithKnowledge(p, k) {
			row = append(row, markedScore(s, reports.Pair{Panel: p, Defense: d, Attacker: a}, metric, &n))
		}
		// All attacks on the same traces have one floor, as they have one cost.
		row = append(row, c.Mean(results.Floor).Value(table.Score))
		t.Rows = append(t.Rows, append(row, c.Bytes(), c.Delay()))
	}
	t.Notes = slices.Concat(n.lines(), []string{s.CountNote(p)}, s.PanelNotes(p, attacks...))
	return t
}

// markedScore is the mean score of an attacker with its marks.
func markedScore(s *reports.Set, k reports.Pair, metric string, n *footnotes) table.Value {
	return marked(s, k, s.Mean(k, metric).Value(table.Score), n)
}

// marked is a score of an attacker with marks where it says less than it seems to:
// a low score may be printed without evidence, an advantage may not.
func marked(s *reports.Set, k reports.Pair, v table.Value, n *footnotes) table.Value {
	if !v.OK {
		return v
	}
	if e, ok := s.Evidence(k); ok && !e.OK() {
		v.Text += " " + n.mark(reports.Doubt(e))
	}
	if s.TrainedWorse(k) {
		v.Text += " " + n.mark(trainedWorse)
	}
	return v
}

const trainedWorse = "trained worse: scores less trained on the defense than without, so its training failed it; the better of both counts"

// WorstAttack names the best attack of each defense with its figures.
var WorstAttack = reports.TableKind{
	Name: "worst-attack", Doc: "best attack of each defense and task",
	Draw: reports.PerPanel(worstTable),
}

func worstTable(s *reports.Set, p reports.Panel) []table.Table {
	metric, _ := s.Headline(p)
	t := table.Table{Title: "Best attack on each defense: " + s.About(p), Columns: table.Columns(
		"defense", "best attack", "knows", "#"+reports.MetricLabel(metric), "#floor", "±advantage", "#mean of groups", "#groups")}

	n := footnotes{}
	none := table.Missing()
	for _, d := range s.Defenses[p] {
		at := reports.Subject{Panel: p, Defense: d}
		m, ok := s.Summaries[at]
		switch {
		case !ok: // controls alone
			continue
		case m.Attack == "":
			failed := table.Failed("failed")
			t.Rows = append(t.Rows, []table.Value{defense(s, d), failed, none, none, none, failed, none, none})
			continue
		}
		t.Rows = append(t.Rows, []table.Value{
			defense(s, d), label(s, m.Attack), table.Word(string(m.Knowledge)),
			marked(s, pairOfBest(s, at), table.Number(m.Score, table.Score), &n), table.Number(m.Floor, table.Score), advantage(s, at, &n),
			table.Number(m.GroupMean, table.Score), table.Count(m.Groups),
		})
	}
	t.Notes = append(append(n.lines(), s.CountNote(p), reports.AboutTraining), s.PanelNotes(p)...)
	return unlessEmpty(t)
}

// pairOfBest is the attacker of the headline; of a defense without evidence it is
// the one that came farthest.
func pairOfBest(s *reports.Set, at reports.Subject) reports.Pair {
	k, _ := s.Best(at)
	return k
}

// Pairs has a row for each attacker on each defense of each panel. It is for
// the page, where it can be sorted and filtered, and in no list of kinds.
var Pairs = reports.TableKind{
	Name: "pairs", Doc: "every defense and attack",
	Draw: func(s *reports.Set) []table.Table {
		t := table.Table{Title: "Every defense and attack", Columns: table.Columns(
			"defense", "attack", "knows", "task", "data", "seen from", "metric", "#score", "#floor", "#advantage", "evidence", "#bytes", "#delay p95", "#cells")}
		for _, p := range s.Panels {
			for _, d := range s.Defenses[p] {
				c := s.Costs(reports.Subject{Panel: p, Defense: d})
				for _, a := range s.Attackers[p] {
					k := reports.Pair{Panel: p, Defense: d, Attacker: a}
					if len(s.ByPair[k]) > 0 {
						t.Rows = append(t.Rows, pairRow(s, k, c))
					}
				}
			}
		}
		t.Notes = append([]string{reports.AboutStates}, s.Stamps(s.Panels...)...)
		return []table.Table{t}
	},
}

func pairRow(s *reports.Set, k reports.Pair, c reports.Costs) []table.Value {
	metric, _ := s.Headline(k.Panel)

	// The page filters rows by words, so what makes a row special is one.
	knows := string(k.Knowledge)
	if k.Knowledge == results.Transfer {
		knows += " from " + s.Label(k.TrainDefense)
	}
	attack := s.Label(k.Attack)
	if s.Control[k.Attack] {
		attack += " (control)"
	}
	data := s.DataName(k.Dataset)
	if k.Split.Within() {
		data += " (within)"
	}

	state := table.Missing()
	if s.Control[k.Attack] {
		state = table.Word("control") // nobody takes its score for a defense's work
	}
	if e, ok := s.Evidence(k); ok {
		state = table.Word(reports.State(e))
		if s.TrainedWorse(k) {
			state.Text += ", trained worse"
		}
	}
	return []table.Value{
		defense(s, k.Defense), table.Word(attack), table.Word(knows), table.Word(reports.TaskName(k.Task)), table.Word(data), table.Word(string(k.Vantage)),
		table.Word(reports.MetricLabel(metric)),
		s.Mean(k, metric).Value(table.Score), s.Mean(k, results.Floor).Value(table.Score), s.Gain(k).Value(table.Score), state,
		c.Bytes(), c.Delay(), table.Count(len(s.ByPair[k])),
	}
}

// Transfer is one matrix for each panel and attack: rows are the defense in
// test, columns the one in training.
var Transfer = reports.TableKind{
	Name: "transfer", Doc: "score of attackers trained under another defense",
	Draw: reports.PerPanel(func(s *reports.Set, p reports.Panel) []table.Table {
		var out []table.Table
		trained := map[string][]reports.Attacker{}
		for _, a := range s.WithKnowledge(p, results.Transfer) {
			trained[a.Attack] = append(trained[a.Attack], a)
		}
		for _, attack := range s.Attacks(p) {
			if len(trained[attack]) > 0 {
				out = append(out, transferTable(s, p, attack, trained[attack]))
			}
		}
		return out
	}),
}

func transferTable(s *reports.Set, p reports.Panel, attack string, trained []reports.Attacker) table.Table {
	metric, _ := s.Headline(p)
	t := table.Table{
		Title:   fmt.Sprintf("%s of %s trained under another defense: %s", reports.FirstUpper(reports.MetricLabel(metric)), s.Label(attack), s.About(p)),
		Columns: table.Columns("tested on"),
	}
	for _, a := range trained {
		t.Columns = append(t.Columns, table.Column{Head: s.Label(a.TrainDefense), Num: true})
	}
	t.Columns = append(t.Columns, table.Column{Head: string(results.Adaptive), Num: true})

	// The last column is what the matrix is held against: trained on what it is
	// tested on.
	trained = append(trained, reports.Attacker{Attack: attack, Knowledge: results.Adaptive})
	n := footnotes{}
	for _, d := range s.Defenses[p] {
		row := []table.Value{defense(s, d)}
		for _, a := range trained {
			row = append(row, markedScore(s, reports.Pair{Panel: p, Defense: d, Attacker: a}, metric, &n))
		}
		t.Rows = append(t.Rows, row)
	}
	t.Notes = slices.Concat(n.lines(), []string{s.CountNote(p)}, s.Stamps(p))
	return t
}
