package reports

import (
	"fmt"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/datasets"
)

// tableKind is a named table and what draws it.
type tableKind struct {
	name, doc string
	draw      func(*Set) []Table
}

func tableKinds() []tableKind {
	return []tableKind{
		{"headline", "what the best attack still learns, and what it costs", (*Set).headline},
		{"published", "figures of papers beside ours", (*Set).published},
		{"study", "score against a parameter of an attack or of generated data", (*Set).studyTables},
		{"tolerance", "recall of events against the matching tolerance", (*Set).toleranceTables},
		{"shares", "recall of packets against their device's share of the window", (*Set).shareTables},
		{"defense-by-attack", "score of every attack on every defense", (*Set).defenseByAttack},
		{"bounds", "what any attacker must get wrong, beside the best attack", (*Set).bounds},
		{"accounts", "privacy accounts that defenses state for themselves", (*Set).accounts},
		{"false-alarms", "how often attacks on events cry wolf, and how many alerts are right", (*Set).falseAlarms},
		{"worst-attack", "best attack of each defense and task", (*Set).worstAttack},
		{"costs", "bytes, packets, delay and rate of every defense", (*Set).costs},
		{"dialects", "overheads as other publications define them", (*Set).dialects},
		{"per-device", "recall of each device under the best attack", (*Set).perDevice},
		{"per-activity", "recall of each activity under the best attack", (*Set).perActivity},
		{"transfer", "score of attackers trained under another defense", (*Set).transfer},
		{"tests", "is one defense better than another, or is it noise", (*Set).tests},
		{"names", "host names that each device is seen to talk to", (*Set).nameTables},
		{"spread", "how much scores vary between groups, defense draws and seeds, each apart", (*Set).spread},
		{"probes", "what probes found that a score should not rest on", (*Set).probes},
		{"attack-cost", "what training and guessing took", (*Set).attackCost},
		{"failed", "cells that failed, with their errors", (*Set).failedCells},
		{"warnings", "doubts about results", (*Set).warnings},
	}
}

// TableNames lists what Tables knows, in report order.
func TableNames() []string {
	var out []string
	for _, k := range tableKinds() {
		out = append(out, k.name)
	}
	return out
}

// Tables draws the tables of a name, none when the results have nothing for
// it. The name must be one of TableNames, else the result is nil.
func (s *Set) Tables(name string) []Table {
	for _, k := range tableKinds() {
		if k.name == name {
			ts := k.draw(s)
			for i := range ts {
				ts[i].Name = name
			}
			return ts
		}
	}
	return nil
}

// about names a panel in titles.
func (p Panel) about() string {
	return fmt.Sprintf("%s, %s, seen %s", p.Dataset, taskName(p.Task), whereName(p.Vantage))
}

// stamps are the notes that every table of a panel carries.
func (s *Set) stamps(ps ...Panel) []string {
	var out []string
	add := func(n string) {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	for _, p := range ps {
		if p.Split.Within() {
			add(fmt.Sprintf("WITHIN SPLIT: %s splits %s inside its groups, so training and test share sessions; no headline.", p.Split, p.Dataset))
		}
	}
	for _, p := range ps {
		if s.generated[p.Dataset] {
			add(fmt.Sprintf("Generated data (%s): attack and data share one model.", p.Dataset))
		}
	}
	return out
}

// defenseLabel is the first value of a row.
func (s *Set) defenseLabel(id string) Value {
	l := s.names.of(id)
	if s.oracle[id] {
		l += " (oracle)"
	}
	return word(l)
}

// inFull starts the note that explains short names.
const inFull = "In full: "

// idNotes explain short names and oracles.
func (s *Set) idNotes(defenses []string, attacks []string) []string {
	var out []string
	if slices.ContainsFunc(defenses, func(d string) bool { return s.oracle[d] }) {
		out = append(out, "oracle: the defense looks ahead; no real device can do what it does.")
	}
	if l := s.names.legend(append(slices.Clone(defenses), attacks...)); l != "" {
		out = append(out, inFull+l+".")
	}
	return out
}

// defenseByAttack is one table for each panel and knowledge: the headline
// metric of every attack, controls last, and the overhead.
func (s *Set) defenseByAttack() []Table {
	var out []Table
	for _, p := range s.panels {
		for _, k := range s.knowledges(p) {
			if k != results.Transfer {
				out = append(out, s.pairTable(p, k))
			}
		}
	}
	return out
}

func (s *Set) pairTable(p Panel, k results.Knowledge) Table {
	as := s.withKnowledge(p, k)
	metric, floor := s.headlineOf(p)
	t := Table{
		Title:   fmt.Sprintf("%s of each attack (%s), and overhead: %s", firstUpper(metricName(metric)), k, p.about()),
		Columns: []Column{{Head: "defense"}},
	}
	var attacks []string
	for _, a := range as {
		t.Columns = append(t.Columns, Column{Head: s.names.of(a.Attack), Num: true})
		attacks = append(attacks, a.Attack)
	}
	t.Columns = append(t.Columns, Column{Head: "floor", Num: true}, Column{Head: "bytes", Num: true}, Column{Head: "delay p95", Num: true})
	for _, d := range s.defenses[p] {
		row := []Value{s.defenseLabel(d)}
		for _, a := range as {
			row = append(row, s.value(Origin{Op: Mean, Metric: metric, Panel: p, Defense: d, Attacker: a}, score))
		}
		row = append(row, s.value(Origin{Op: CostMean, Metric: "floor", Panel: p, Defense: d}, score))
		t.Rows = append(t.Rows, append(row, s.overhead(p, d), s.delay(p, d)))
	}
	t.Notes = append(t.Notes, s.countNote(p, floor))
	t.Notes = append(t.Notes, s.stamps(p)...)
	t.Notes = append(t.Notes, s.idNotes(s.defenses[p], attacks)...)
	return t
}

// headlineOf is the headline metric of a panel and the mean of its floors.
func (s *Set) headlineOf(p Panel) (metric string, floor float64) {
	n := 0
	for _, d := range s.defenses[p] {
		for _, r := range s.byDefense[subject{p, d}] {
			if r.Err == "" {
				metric = r.Headline
				floor += r.Floor
				n++
			}
		}
	}
	if n == 0 {
		return results.Headline(p.Task), 0
	}
	return metric, floor / float64(n)
}

func (s *Set) overhead(p Panel, d string) Value {
	return s.value(Origin{Op: Overhead, Metric: "overhead", Panel: p, Defense: d}, percent)
}

func (s *Set) delay(p Panel, d string) Value {
	return s.value(Origin{Op: CostWorst, Metric: "delay_p95_s", Panel: p, Defense: d}, seconds)
}

// traffic is what a defense adds to a home's month.
func (s *Set) traffic(p Panel, d string) Value {
	return s.value(Origin{Op: CostMean, Metric: "gb_per_month", Panel: p, Defense: d}, month)
}

// countNote says what a panel's numbers rest on.
func (s *Set) countNote(p Panel, floor float64) string {
	folds, draws, seeds := map[int]bool{}, map[int]bool{}, map[uint64]bool{}
	groups := map[string]bool{}
	items := 0
	var first *results.Result
	for _, d := range s.defenses[p] {
		for _, r := range s.byDefense[subject{p, d}] {
			c := r.Cell
			folds[c.Fold], draws[c.Draw], seeds[c.Seed] = true, true, true
			for _, g := range r.Groups {
				groups[g.Group] = true
			}
			if r.Err == "" && first == nil {
				first = r
			}
		}
	}
	if first != nil {
		k := pair{p, first.Cell.Defense, Attacker{first.Cell.Attack, first.Cell.Knowledge, ""}}
		if first.Cell.Knowledge == results.Transfer {
			k.TrainDefense = first.Cell.TrainDefense
		}
		for _, r := range s.byPair[k] {
			if r.Cell.Draw == first.Cell.Draw && r.Cell.Seed == first.Cell.Seed {
				for _, g := range r.Groups {
					items += g.N
				}
			}
		}
	}
	return fmt.Sprintf("Split %s, %s, %s, %s, %s, n = %s %s; floor without a look at the traffic %s.",
		p.Split, plural(len(folds), "fold"), plural(len(groups), "test group"), plural(len(draws), "defense draw"), plural(len(seeds), "seed"),
		group(fmt.Sprint(items)), itemName(p.Task), score(floor))
}

func itemName(t datasets.Task) string {
	if t == datasets.Device {
		return "packets"
	}
	return taskName(t)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func firstUpper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// costs is one table for each data set, vantage and split.
func (s *Set) costs() []Table {
	var out []Table
	for _, p := range s.costPanels() {
		out = append(out, s.costTable(p))
	}
	return out
}

// costPanels are panels that differ in more than the task: those that differ in
// the task alone have the same traces.
func (s *Set) costPanels() []Panel {
	seen := map[Panel]bool{}
	var out []Panel
	for _, p := range s.panels {
		k := p
		k.Task = ""
		if !seen[k] {
			seen[k] = true
			out = append(out, p)
		}
	}
	return out
}

func (s *Set) costTable(p Panel) Table {
	t := Table{
		Title: fmt.Sprintf("Cost of each defense: %s, %s", p.Dataset, p.Vantage),
		Columns: []Column{
			{Head: "defense"},
			{Head: "bytes", Num: true},
			{Head: "packets out", Num: true},
			{Head: "cover bytes", Num: true},
			{Head: "delay mean", Num: true},
			{Head: "median", Num: true},
			{Head: "p95", Num: true},
			{Head: "p99", Num: true},
			{Head: "max", Num: true},
			{Head: "peak B/s", Num: true},
			{Head: "GB/month", Num: true},
		},
	}
	for _, d := range s.defenses[p] {
		mean := func(m string, f func(float64) string) Value {
			return s.value(Origin{Op: CostMean, Metric: m, Panel: p, Defense: d}, f)
		}
		worst := func(m string, f func(float64) string) Value {
			return s.value(Origin{Op: CostWorst, Metric: m, Panel: p, Defense: d}, f)
		}
		t.Rows = append(t.Rows, []Value{
			s.defenseLabel(d), s.overhead(p, d), mean("out_packets", amount), mean("cover_bytes", amount),
			mean("delay_mean_s", seconds), mean("delay_median_s", seconds), worst("delay_p95_s", seconds), worst("delay_p99_s", seconds), worst("delay_max_s", seconds),
			worst("peak_out_bytes_per_s", amount), mean("gb_per_month", month),
		})
	}
	t.Notes = append(t.Notes, "Bytes: sum over folds and draws of (out - in) / in at the IP layer, behind the same link queue. Packets, cover, mean and median delay, GB/month: mean over folds and draws; p95, p99, max and peak: the largest of them. GB/month only from continuous recordings of an hour or more.")
	t.Notes = append(t.Notes, s.stamps(p)...)
	t.Notes = append(t.Notes, s.idNotes(s.defenses[p], nil)...)
	return t
}

// month writes GB per month.
func month(v float64) string {
	if v == 0 {
		return "0"
	}
	return hundredths(v)
}

// failedCells lists what failed and why.
func (s *Set) failedCells() []Table {
	if s.failed == 0 {
		return nil
	}
	t := Table{
		Title: fmt.Sprintf("%d of %d cells failed", s.failed, len(s.results)),
		Columns: []Column{
			{Head: "dataset"},
			{Head: "task"},
			{Head: "vantage"},
			{Head: "defense"},
			{Head: "attack"},
			{Head: "knowledge"},
			{Head: "fold", Num: true},
			{Head: "draw", Num: true},
			{Head: "error"},
		},
	}
	for i := range s.results {
		r := &s.results[i]
		c := r.Cell
		if r.Err == "" {
			continue
		}
		t.Rows = append(t.Rows, []Value{
			word(c.Dataset), word(string(c.Task)), word(string(c.Vantage)), word(s.names.of(c.Defense)), word(s.names.of(c.Attack)), word(string(c.Knowledge)),
			number(float64(c.Fold), amount), number(float64(c.Draw), amount), word(r.Err),
		})
	}
	return []Table{t}
}

// warnings lists each warning once, with how many cells carry it: first those
// about a defense as a whole, such as an attack that may be weak, then those of
// cells.
func (s *Set) warnings() []Table {
	t := Table{Title: "Warnings", Columns: []Column{{Head: "dataset"}, {Head: "defense"}, {Head: "warning"}, {Head: "cells", Num: true}}}
	sums := s.summaries()
	for _, p := range s.panels {
		for _, d := range s.defenses[p] {
			m := sums[subject{p, d}]
			for _, w := range m.Warnings {
				t.Rows = append(t.Rows, []Value{word(p.Dataset), word(s.names.of(d)), word(s.doubt(p, w)), number(float64(m.Cells), amount)})
			}
		}
	}
	type key struct{ dataset, defense, warning string }
	count := map[key]int{}
	var order []key
	for i := range s.results {
		r := &s.results[i]
		for _, w := range r.Warnings {
			k := key{r.Cell.Dataset, r.Cell.Defense, w}
			if count[k] == 0 {
				order = append(order, k)
			}
			count[k]++
		}
	}
	for _, k := range order {
		t.Rows = append(t.Rows, []Value{word(k.dataset), word(s.names.of(k.defense)), word(k.warning), number(float64(count[k]), amount)})
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return []Table{t}
}
