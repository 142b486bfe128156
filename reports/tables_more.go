package reports

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"veilbench/bench/results"
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
			of := func(op Op, metric string) Origin {
				return Origin{Op: op, Metric: metric, Panel: p, Defense: d, Attacker: bestAttacker(m)}
			}
			t.Rows = append(t.Rows, []Value{
				s.defenseLabel(d), word(s.names.of(m.Attack)), word(string(m.Knowledge)),
				number(m.Score, score).of(of(Mean, metric)), number(m.Floor, score).of(of(Mean, "floor")), s.headlineValue(p, d, m, true, &n),
				number(m.Chosen, score).of(of(Chosen, metric)), number(float64(m.Groups), amount).of(of(Groups, "")),
			})
		}
		if len(t.Rows) == 0 {
			continue
		}
		t.Notes = append(n.lines, s.countNote(p, floor), aboutTraining)
		t.Notes = append(t.Notes, s.stamps(p)...)
		t.Notes = append(t.Notes, s.idNotes(s.defenses[p], nil)...)
		out = append(out, t)
	}
	return out
}

// dialectKind is a group of overheads as other publications define them.
type dialectKind struct {
	what, free string
	// of are metric, head and definition of each.
	of [][3]string
}

func dialectKinds() []dialectKind {
	return []dialectKind{
		{"bytes or packets", "0 is free, but for WTF-PAD, where 1 is.", [][3]string{
			{"dyer_bandwidth", "Dyer", "bytes added by bytes, of packets with payload"},
			{"front_data", "FRONT", "packets of the defense's own by original packets"},
			{"maybenot_load", "Maybenot", "packets sent up to the last original one by original packets, minus 1, mean over recordings"},
			{"netshaper_overhead", "NetShaper", "bytes added by bytes, mean over recordings"},
			{"qcsd_bandwidth", "QCSD", "bytes added by bytes, median over recordings"},
			{"regulator_bandwidth", "RegulaTor", "packets sent by original packets, minus 1, mean over recordings"},
			{"wtfpad_bandwidth", "WTF-PAD", "bytes a second by those without the defense, median over recordings (so delay makes it smaller)"},
		}},
		{"time", "0 is free, but for WTF-PAD, where 1 is.", [][3]string{
			{"front_latency", "FRONT", "time to the last original packet by that without the defense, sums over recordings, minus 1"},
			{"maybenot_delay", "Maybenot", "the same, mean over recordings"},
			{"qcsd_latency", "QCSD", "the same, median over recordings"},
			{"regulator_latency", "RegulaTor", "delay of the last download plus the largest of an upload by the duration, mean over recordings"},
			{"wtfpad_latency", "WTF-PAD", "duration by that without the defense, median over recordings"},
		}},
	}
}

// dialects prints the ledger as other publications define overhead, what is
// sent apart from what is delayed.
func (s *Set) dialects() []Table {
	var out []Table
	for _, p := range s.costPanels() {
		for _, k := range dialectKinds() {
			t := Table{Title: fmt.Sprintf("Overhead in %s as others define it: %s, %s", k.what, p.Dataset, p.Vantage), Columns: []Column{{Head: "defense"}}}
			var defined []string
			for _, m := range k.of {
				t.Columns = append(t.Columns, Column{Head: m[1], Num: true})
				defined = append(defined, m[1]+": "+m[2])
			}
			for _, d := range s.defenses[p] {
				row := []Value{s.defenseLabel(d)}
				for _, m := range k.of {
					row = append(row, s.value(Origin{Op: CostMean, Metric: m[0], Panel: p, Defense: d}, dialect))
				}
				t.Rows = append(t.Rows, row)
			}
			t.Notes = append([]string{strings.Join(defined, "; ") + ". Mean over folds and draws. " + k.free}, s.stamps(p)...)
			out = append(out, t)
		}
	}
	return out
}

// dialect writes a ratio or a number of seconds with three significant digits,
// none beyond a thousandth.
func dialect(v float64) string {
	switch a := math.Abs(v); {
	case v == 0:
		return "0"
	case v > 0 && v < 0.0005:
		return "<0.001"
	case a < 1:
		return fixed(v, 3)
	}
	return digits(v, 3)
}

// perDevice is the recall of each device under the best attack on each
// defense, over packets of all groups.
func (s *Set) perDevice() []Table { return s.perClass("device", true) }

// perActivity is the share of events, clips or commands of each class that the
// best attack named right.
func (s *Set) perActivity() []Table { return s.perClass("activity", false) }

// tally counts test items of a class.
type tally struct{ right, n int64 }

// classTallies counts packets of each device, or else items of each activity.
// Without tested items of a class there is no entry.
func classTallies(r *results.Result) map[string]tally {
	out := map[string]tally{}
	add := func(class string, right, n int64) {
		if t := out[class]; n > 0 {
			out[class] = tally{t.right + right, t.n + n}
		}
	}
	for _, c := range r.Confusion {
		for i, row := range c.Counts {
			var n int64
			for _, k := range row {
				n += k
			}
			add(c.Classes[i], row[i], n)
		}
	}
	if len(r.Confusion) > 0 {
		return out
	}
	for _, it := range r.Items {
		switch {
		case it.Truth == "" || it.Truth == datasets.Other: // a false alarm
		case it.Truth == it.Answer:
			add(it.Truth, 1, 1)
		default:
			add(it.Truth, 0, 1)
		}
	}
	return out
}

// mostClasses is how many classes a table shows.
const mostClasses = 60

// perClass is one table for each panel whose classes are devices, or whose
// classes are not.
func (s *Set) perClass(what string, devices bool) []Table {
	sums := s.summaries()
	var out []Table
	for _, p := range s.panels {
		if (p.Task == datasets.Device) != devices {
			continue
		}
		byDefense := map[string]map[string]tally{}
		classes := map[string]int64{}
		for _, d := range s.defenses[p] {
			byDefense[d] = map[string]tally{}
			rs, _ := good(s.bestResults(p, d, sums))
			for _, r := range rs {
				for c, t := range classTallies(r) {
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
		tested := "items"
		if devices {
			tested = "packets"
		}
		t.Notes = append(t.Notes, fmt.Sprintf("Share of the tested %s (n, the most over defenses) of each %s that the best attack names right.", tested, what))
		if _, ok := classes[datasets.Cover]; ok {
			t.Notes = append(t.Notes, datasets.Cover+": the defense's own packets.")
		}
		names := slices.Sorted(maps.Keys(classes))
		if len(names) > mostClasses {
			t.Notes = append(t.Notes, fmt.Sprintf("The first %d of %d classes by name.", mostClasses, len(names)))
			names = names[:mostClasses]
		}
		for _, c := range names {
			row := []Value{word(c), number(float64(classes[c]), amount).of(Origin{Op: ClassCount, Metric: c, Panel: p})}
			for _, d := range s.defenses[p] {
				if u := byDefense[d][c]; u.n > 0 {
					o := Origin{Op: ClassRecall, Metric: c, Panel: p, Defense: d, Attacker: bestAttacker(sums[subject{p, d}])}
					row = append(row, number(float64(u.right)/float64(u.n), score).of(o))
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
func (s *Set) bestResults(p Panel, d string, sums map[subject]results.Summary) []*results.Result {
	m, ok := sums[subject{p, d}]
	if !ok || m.Attack == "" {
		return nil
	}
	return s.byPair[pair{p, d, bestAttacker(m)}]
}

// bestAttacker is the attacker that a summary is about.
func bestAttacker(m results.Summary) Attacker {
	a := Attacker{Attack: m.Attack, Knowledge: m.Knowledge}
	if a.Knowledge == results.Transfer {
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
		for _, a := range s.withKnowledge(p, results.Transfer) {
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
					row = append(row, s.value(Origin{Op: Mean, Metric: metric, Panel: p, Defense: d, Attacker: Attacker{attack, results.Transfer, from}}, score))
				}
				row = append(row, s.value(Origin{Op: Mean, Metric: metric, Panel: p, Defense: d, Attacker: Attacker{Attack: attack, Knowledge: results.Adaptive}}, score))
				t.Rows = append(t.Rows, row)
			}
			t.Notes = append(t.Notes, s.countNote(p, floor))
			t.Notes = append(t.Notes, s.stamps(p)...)
			out = append(out, t)
		}
	}
	return out
}

// signed writes a difference of shares: with two digits, and as many more as
// it takes to tell it from none.
func signed(v float64) string {
	s := fixed(v, 2)
	for n := 3; v != 0 && strings.Trim(s, "-0.") == "" && n <= 9; n++ {
		s = fixed(v, n)
	}
	return plus(v) + s
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
			{Head: "model in memory, kB", Num: true},
		}}
		for _, attack := range s.attacksOf(p) {
			var train, guess, packets, model, n float64
			for _, d := range s.defenses[p] {
				for _, r := range s.byDefense[subject{p, d}] {
					if tm, ok := s.opt.Timing(*r); ok && r.Cell.Attack == attack {
						model = max(model, float64(tm.ModelBytes)/1000)
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
			size := missing()
			if model > 0 {
				size = number(model, dialect)
			}
			t.Rows = append(t.Rows, []Value{word(s.names.of(attack)), number(n, amount), number(train/n, dialect), number(guess/n, dialect), rate, size})
		}
		if len(t.Rows) > 0 {
			t.Notes = []string{"Measured where the cells were computed; models that several cells share are counted where they were trained; the largest model. Differs from machine to machine."}
			out = append(out, t)
		}
	}
	return out
}
