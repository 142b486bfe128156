package reports

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"veilbench/bench"
	"veilbench/bench/stats"
	"veilbench/datasets"
)

// worstAttack names the best attack of each defense with its figures.
func (s *Set) worstAttack() []Table {
	sums := s.summaries()
	var out []Table
	for _, p := range s.panels {
		metric, floor := s.headlineOf(p)
		t := Table{Title: "Best attack on each defense: " + p.about(), Columns: []Column{
			{Head: "defense"},
			{Head: "best attack"},
			{Head: "knows"},
			{Head: metricName(metric), Num: true},
			{Head: "floor", Num: true},
			{Head: "advantage", Num: true, Interval: true},
			{Head: "chosen on other groups", Num: true},
			{Head: "groups", Num: true},
		}}
		n := notes{}
		for _, d := range s.defenses[p] {
			m, ok := sums[subject{p, d}]
			if !ok {
				continue
			}
			if m.Attack == "" {
				t.Rows = append(t.Rows, []Value{s.defenseLabel(d), word("failed"), missing(), missing(), missing(), word("failed"), missing(), missing()})
				continue
			}
			t.Rows = append(t.Rows, []Value{
				s.defenseLabel(d), word(s.names.of(m.Attack)), word(string(m.Knowledge)),
				number(m.Score, score), number(m.Floor, score), s.headlineValue(p, d, m, true, &n), number(m.Chosen, score), number(float64(m.Groups), amount),
			})
		}
		if len(t.Rows) == 0 {
			continue
		}
		t.Notes = append(n.lines, s.countNote(p, floor))
		t.Notes = append(t.Notes, s.stamps(p)...)
		t.Notes = append(t.Notes, s.idNotes(s.defenses[p], nil)...)
		out = append(out, t)
	}
	return out
}

// dialects prints the ledger as other publications define overhead.
func (s *Set) dialects() []Table {
	names := []string{"dyer_bandwidth", "front_data", "front_latency", "maybenot_load", "maybenot_delay", "netshaper_overhead", "qcsd_bandwidth", "qcsd_latency", "regulator_bandwidth", "regulator_latency", "wtfpad_bandwidth", "wtfpad_latency"}
	var out []Table
	for _, p := range s.costPanels() {
		t := Table{Title: fmt.Sprintf("Overhead as others define it: %s, %s", p.Dataset, p.Vantage), Columns: []Column{{Head: "defense"}}}
		for _, n := range names {
			t.Columns = append(t.Columns, Column{Head: strings.ReplaceAll(n, "_", " "), Num: true})
		}
		for _, d := range s.defenses[p] {
			row := []Value{s.defenseLabel(d)}
			for _, n := range names {
				row = append(row, s.value(Origin{Op: CostMean, Metric: n, Panel: p, Defense: d}, dialect))
			}
			t.Rows = append(t.Rows, row)
		}
		t.Notes = append([]string{"Mean over folds and draws; 0 is free, except that the wtfpad ratios are 1 when free. Definitions stand beside bench.Ledger.Dialects."}, s.stamps(p)...)
		out = append(out, t)
	}
	return out
}

func dialect(v float64) string { return digits(v, 3) }

// perDevice is the recall of each device under the best attack on each
// defense, over packets of all groups.
func (s *Set) perDevice() []Table {
	return s.perClass("device", func(r *bench.Result) map[string]tally {
		out := map[string]tally{}
		for _, c := range r.Confusion {
			for i, row := range c.Counts {
				for j, n := range row {
					t := out[c.Classes[i]]
					t.n += n
					if i == j {
						t.right += n
					}
					out[c.Classes[i]] = t
				}
			}
		}
		return out
	})
}

// perActivity is the share of events, clips or commands of each class that the
// best attack named right.
func (s *Set) perActivity() []Table {
	return s.perClass("activity", func(r *bench.Result) map[string]tally {
		out := map[string]tally{}
		for _, it := range r.Items {
			if it.Truth == "" || it.Truth == datasets.Other {
				continue // a false alarm
			}
			t := out[it.Truth]
			t.n++
			if it.Truth == it.Answer {
				t.right++
			}
			out[it.Truth] = t
		}
		return out
	})
}

// tally counts test items of a class.
type tally struct{ right, n int64 }

// mostClasses is how many classes a table shows.
const mostClasses = 60

func (s *Set) perClass(what string, count func(*bench.Result) map[string]tally) []Table {
	sums := s.summaries()
	var out []Table
	for _, p := range s.panels {
		byDefense := map[string]map[string]tally{}
		classes := map[string]int64{}
		for _, d := range s.defenses[p] {
			byDefense[d] = map[string]tally{}
			rs, _ := good(s.bestResults(p, d, sums))
			for _, r := range rs {
				for c, t := range count(r) {
					u := byDefense[d][c]
					byDefense[d][c] = tally{u.right + t.right, u.n + t.n}
					classes[c] = max(classes[c], u.n+t.n)
				}
			}
		}
		maps.DeleteFunc(classes, func(_ string, n int64) bool { return n == 0 })
		if len(classes) == 0 {
			continue
		}
		t := Table{Title: fmt.Sprintf("Recall of each %s under the best attack: %s", what, p.about()), Columns: []Column{{Head: what}, {Head: "n", Num: true}}}
		for _, d := range s.defenses[p] {
			t.Columns = append(t.Columns, Column{Head: s.defenseLabel(d).Text, Num: true})
		}
		names := slices.Sorted(maps.Keys(classes))
		if len(names) > mostClasses {
			t.Notes = append(t.Notes, fmt.Sprintf("The first %d of %d classes by name.", mostClasses, len(names)))
			names = names[:mostClasses]
		}
		for _, c := range names {
			row := []Value{word(c), number(float64(classes[c]), amount)}
			for _, d := range s.defenses[p] {
				if u := byDefense[d][c]; u.n > 0 {
					row = append(row, number(float64(u.right)/float64(u.n), score))
				} else {
					row = append(row, missing())
				}
			}
			t.Rows = append(t.Rows, row)
		}
		t.Notes = append(t.Notes, s.stamps(p)...)
		t.Notes = append(t.Notes, s.idNotes(s.defenses[p], nil)...)
		out = append(out, t)
	}
	return out
}

// bestResults are those of the best attack on a defense.
func (s *Set) bestResults(p Panel, d string, sums map[subject]bench.Summary) []*bench.Result {
	m, ok := sums[subject{p, d}]
	if !ok || m.Attack == "" {
		return nil
	}
	return s.byPair[pair{p, d, bestAttacker(m)}]
}

// bestAttacker is the attacker that a summary is about.
func bestAttacker(m bench.Summary) Attacker {
	a := Attacker{Attack: m.Attack, Knowledge: m.Knowledge}
	if a.Knowledge == bench.Transfer {
		a.TrainDefense = m.TrainDefense
	}
	return a
}

// transfer is one matrix for each panel and attack: rows are the defense in
// test, columns the one in training.
func (s *Set) transfer() []Table {
	var out []Table
	for _, p := range s.panels {
		metric, floor := s.headlineOf(p)
		byAttack := map[string][]string{}
		for _, a := range s.withKnowledge(p, bench.Transfer) {
			byAttack[a.Attack] = append(byAttack[a.Attack], a.TrainDefense)
		}
		for _, attack := range s.attacksOf(p) {
			if len(byAttack[attack]) == 0 {
				continue
			}
			t := Table{Title: fmt.Sprintf("%s of %s trained under another defense: %s", firstUpper(metricName(metric)), s.names.of(attack), p.about()), Columns: []Column{{Head: "tested on"}}}
			for _, d := range byAttack[attack] {
				t.Columns = append(t.Columns, Column{Head: s.names.of(d), Num: true})
			}
			t.Columns = append(t.Columns, Column{Head: "adaptive", Num: true})
			for _, d := range s.defenses[p] {
				row := []Value{s.defenseLabel(d)}
				for _, from := range byAttack[attack] {
					row = append(row, s.value(Origin{Op: Mean, Metric: metric, Panel: p, Defense: d, Attacker: Attacker{attack, bench.Transfer, from}}, score))
				}
				row = append(row, s.value(Origin{Op: Mean, Metric: metric, Panel: p, Defense: d, Attacker: Attacker{Attack: attack, Knowledge: bench.Adaptive}}, score))
				t.Rows = append(t.Rows, row)
			}
			t.Notes = append(t.Notes, s.countNote(p, floor))
			t.Notes = append(t.Notes, s.stamps(p)...)
			out = append(out, t)
		}
	}
	return out
}

// groupScores are the advantages of the best attack on a defense by group,
// mean over folds and draws.
func (s *Set) groupScores(p Panel, d string, sums map[subject]bench.Summary) map[string]float64 {
	sum, n := map[string]float64{}, map[string]float64{}
	rs, _ := good(s.bestResults(p, d, sums))
	for _, r := range rs {
		for _, g := range r.Groups {
			sum[g.Group] += (g.Value - g.Floor) / max(1-g.Floor, 1e-9)
			n[g.Group]++
		}
	}
	for g := range sum {
		sum[g] /= n[g]
	}
	return sum
}

// tests compares each defense with none and with the next best, paired by test
// group, p-values adjusted within the table.
func (s *Set) tests() []Table {
	sums := s.summaries()
	var out []Table
	for _, p := range s.panels {
		if t, ok := s.testTable(p, sums); ok && !p.Split.Within() {
			out = append(out, t)
		}
	}
	return out
}

func (s *Set) testTable(p Panel, sums map[subject]bench.Summary) (Table, bool) {
	t := Table{Title: "Is the best attack worse against one defense than against another: " + p.about(), Columns: []Column{
		{Head: "defense"},
		{Head: "against"},
		{Head: "difference", Num: true, Interval: true},
		{Head: "groups", Num: true},
		{Head: "p", Num: true},
		{Head: "p (Holm)", Num: true},
		{Head: "verdict"},
	}}
	var ps []float64
	few := false
	ds := s.defenses[p]
	scores := make([]map[string]float64, len(ds))
	for i, d := range ds {
		scores[i] = s.groupScores(p, d, sums)
	}
	for i, a := range ds {
		for j := i + 1; j < len(ds); j++ {
			diff := paired(scores[j], scores[i])
			if len(diff) == 0 {
				continue
			}
			v := number(stats.Mean(diff), signed)
			if lo, hi, ok := interval(diff); ok {
				v.Lo, v.Hi, v.HasInterval = lo, hi, true
				v.Text += fmt.Sprintf(" [%s %s]", signed(lo), signed(hi))
			} else {
				few = true
			}
			ps = append(ps, stats.SignFlip(diff))
			t.Rows = append(t.Rows, []Value{s.defenseLabel(ds[j]), s.defenseLabel(a), v, number(float64(len(diff)), amount)})
		}
	}
	if len(ps) == 0 {
		return t, false
	}
	for i, q := range stats.Holm(ps) {
		verdict := "no difference shown"
		if d := t.Rows[i][2].Num; q <= 1-bench.Level && d < 0 {
			verdict = "leaks less"
		} else if q <= 1-bench.Level {
			verdict = "leaks more"
		} else if math.Pow(2, 1-t.Rows[i][3].Num)*float64(len(ps)) > 1-bench.Level {
			verdict = "too few groups to tell"
		}
		t.Rows[i] = append(t.Rows[i], number(ps[i], pValue), number(q, pValue), word(verdict))
	}
	t.Notes = append(t.Notes, "Difference of the best attack's advantage, mean over test groups; exact sign-flip test over groups (same folds and draws), Holm over the table. With n groups no p is below 2 to the power of 1 - n.")
	if few {
		t.Notes = append(t.Notes, fmt.Sprintf("No interval below %d groups.", stats.MinGroups))
	}
	t.Notes = append(t.Notes, s.stamps(p)...)
	return t, true
}

// paired are the differences a - b over groups that both have, by group.
func paired(a, b map[string]float64) []float64 {
	var out []float64
	for _, g := range slices.Sorted(maps.Keys(a)) {
		if y, ok := b[g]; ok {
			out = append(out, a[g]-y)
		}
	}
	return out
}

// signed writes a difference of shares.
func signed(v float64) string {
	s := fixed(v, 2)
	if v > 0 && s != "0.00" {
		return "+" + s
	}
	return s
}

// attackCost is what attacks took on this machine, when that is known.
func (s *Set) attackCost() []Table {
	if s.opt.Timing == nil {
		return nil
	}
	var out []Table
	for _, p := range s.panels {
		t := Table{Title: "Computing cost of each attack: " + p.about(), Columns: []Column{
			{Head: "attack"},
			{Head: "cells", Num: true},
			{Head: "training, s a cell", Num: true},
			{Head: "guessing, s a cell", Num: true},
			{Head: "packets guessed a second", Num: true},
		}}
		for _, attack := range s.attacksOf(p) {
			var train, guess, packets, n float64
			for _, d := range s.defenses[p] {
				for _, r := range s.byDefense[subject{p, d}] {
					if tm, ok := s.opt.Timing(*r); ok && r.Cell.Attack == attack {
						train, guess, packets, n = train+tm.TrainSeconds, guess+tm.GuessSeconds, packets+float64(tm.GuessPackets), n+1
					}
				}
			}
			if n == 0 {
				continue
			}
			rate := missing()
			if guess > 0 {
				rate = number(math.Round(packets/guess), amount)
			}
			t.Rows = append(t.Rows, []Value{word(s.names.of(attack)), number(n, amount), number(train/n, dialect), number(guess/n, dialect), rate})
		}
		if len(t.Rows) > 0 {
			t.Notes = []string{"Measured where the cells were computed; models that several cells share are counted where they were trained. Differs from machine to machine."}
			out = append(out, t)
		}
	}
	return out
}
