package tables

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/bench/stats"
	"veilbench/datasets"
	"veilbench/reports"
	"veilbench/reports/table"
)

// Routine is two tables for each routine panel: what of the diary of a home is read
// beyond what the hour of day tells anyway, and when people go to bed.
var Routine = reports.TableKind{
	Name: "routine", Doc: "diaries: who is home and who sleeps beyond the clock, and bed times",
	Draw: reports.PerPanel(func(s *reports.Set, p reports.Panel) []table.Table {
		if p.Task != datasets.TaskRoutine {
			return nil
		}
		return append(unlessEmpty(routineTable(s, p)), unlessEmpty(bedTable(s, p))...)
	}),
}

// questions are what is asked of each quarter hour, as heads of columns.
func questions() []struct{ metric, head string } {
	return []struct{ metric, head string }{
		{results.HoursRight, "state"}, {results.PresenceRight, "presence"}, {results.SleepRight, "sleep"}, {results.SeveralRight, "several"},
	}
}

// beyond is a figure of each test group and the clock's, means over draws and seeds, of
// so many quarter hours.
type beyond []stats.Group

// beyondOf is a figure of the groups that have it; the state's is their headline,
// whose floor is that of the best control.
func beyondOf(rs []*results.Result, metric string) beyond {
	type sum struct {
		value, clock, n float64
		slots           int
	}
	// A home that several cells tested counts once, by their mean: it is what an
	// interval draws from.
	by := map[string]sum{}
	for _, r := range rs {
		for _, g := range r.Groups {
			p, ok := g.Part(metric)
			if metric == r.Headline {
				p, ok = results.Part{Value: g.Value, Floor: g.Floor}, true
			}
			if x := by[g.Group]; ok {
				by[g.Group] = sum{x.value + p.Value, x.clock + p.Floor, x.n + 1, x.slots + slotsOf(r, g, metric)}
			}
		}
	}
	var out beyond
	for _, g := range slices.Sorted(maps.Keys(by)) {
		x := by[g]
		out = append(out, stats.Group{Score: x.value / x.n, Floor: x.clock / x.n, N: x.slots})
	}
	return out
}

// slotsOf is how many quarter hours a figure of a group is of: those of its first days
// where it is what was known after them. How many a day has is in strips.
func slotsOf(r *results.Result, g results.GroupScore, metric string) int {
	if d := results.DaysOf(metric); d > 0 && len(r.Strips) > 0 {
		return min(g.N, d*r.Strips[0].SlotsPerDay)
	}
	return g.N
}

// of are scores, or floors, of the groups.
func (b beyond) of(value func(stats.Group) float64) []float64 {
	out := make([]float64, len(b))
	for i, g := range b {
		out[i] = value(g)
	}
	return out
}

// mean is that of the figure itself.
func (b beyond) mean(format func(float64) string) table.Value {
	if len(b) == 0 {
		return table.Missing()
	}
	return table.Number(stats.Mean(b.of(func(g stats.Group) float64 { return g.Score })), format)
}

// clock is the mean of the clock's.
func (b beyond) clock(format func(float64) string) table.Value {
	if len(b) == 0 {
		return table.Missing()
	}
	return table.Number(stats.Mean(b.of(func(g stats.Group) float64 { return g.Floor })), format)
}

// gain is by how much shares lie above the clock's, with limits as wide as those by
// which the headline is evidence or not.
func (b beyond) gain() stats.Headline {
	h := stats.Gain(b, results.Level)

	// What floats leave of equal sums is no difference to be printed with nine digits.
	h.Mean = math.Round(1e9*h.Mean) / 1e9
	return h
}

// above is the gain as a cell.
func (b beyond) above() table.Value {
	h := b.gain()
	if h.Best < 0 {
		return table.Missing()
	}
	v := table.Number(h.Mean, table.Signed)
	if h.OK {
		v = v.Within(h.Lo, h.Hi, table.Bounds(h.Lo, h.Hi, 2, table.Short))
	}
	return v
}

// more is by how much a figure that is no share lies above the clock's.
func (b beyond) more() table.Value {
	if len(b) == 0 {
		return table.Missing()
	}
	diff := b.of(func(g stats.Group) float64 { return g.Score - g.Floor })
	v := table.Number(math.Round(1e9*stats.Mean(diff))/1e9, table.Signed)
	if lo, hi, ok := stats.Interval(diff, results.Level); ok && lo < hi { // equal in all groups says nothing of others
		v = v.Within(lo, hi, table.Bounds(lo, hi, 2, table.Short))
	}
	return v
}

// known is by how much presence, sleep or company must be known beyond the clock.
const known = 0.1

// isKnown says whether it is: by known in the mean, and above the clock for sure.
func (b beyond) isKnown() bool {
	h := b.gain()
	return h.OK && h.Mean >= known && h.Lo > 0
}

func routineTable(s *reports.Set, p reports.Panel) table.Table {
	t := table.Table{Title: "What of a home's diary is read beyond the clock: " + s.About(p), Columns: table.Columns("defense")}
	t.Columns = append(t.Columns, table.Columns("±states")...)
	for _, q := range questions()[1:] {
		t.Columns = append(t.Columns, table.Columns("±"+q.head)...)
	}
	control := packetsAlone(s, p)
	t.Columns = append(t.Columns, table.Columns("#packets: presence", "#packets: sleep")...)

	n := footnotes{}
	for _, d := range s.Defenses[p] {
		at := reports.Subject{Panel: p, Defense: d}
		row := []table.Value{defense(s, d), states(s, at, &n)}
		for _, q := range questions()[1:] {
			row = append(row, marked(s, pairOfBest(s, at), beyondOf(s.BestResults(at), q.metric).above(), &n))
		}
		k := reports.Pair{Panel: p, Defense: d, Attacker: reports.Attacker{Attack: control, Knowledge: s.Summaries[at].Knowledge}}
		alone, _ := reports.Good(s.ByPair[k])
		for _, m := range []string{results.PresenceRight, results.SleepRight} {
			v := beyondOf(alone, m).above()
			if v.HasInterval { // beside those of the attack they are for a look
				v = table.Number(v.Num, table.Signed)
			}
			row = append(row, v)
		}
		t.Rows = append(t.Rows, row)
	}

	// What nobody knows of these recordings has no column: on most of them nobody wrote
	// down who was at home.
	dropEmpty(&t)
	t.Notes = append(n.lines(), "States: the advantage of the headline, over the best control that sees no traffic. Others: share of quarter hours named right by the attacker that reads most states, less that of guess-hour, which knows the hour of day and weekends from other homes and sees no traffic; mean over test groups. Presence: is anybody at home; sleep: is somebody at home and everybody there asleep; states: both at once, or, where nobody knows the people, does anything happen; several: are several people at home.")
	if control != "" {
		t.Notes = append(t.Notes, "Packets: the same of a model that sees no more of a quarter hour than how many packets the home sends and gets ("+s.Label(control)+").")
	}
	t.Notes = append(t.Notes, reports.AboutTraining, s.CountNote(p))
	t.Notes = append(t.Notes, s.PanelNotes(p)...)
	return t
}

// states is the headline itself: it cannot be evidence in one table and none in the
// other. Where it has none, what the attacker named there reached by itself stands with
// limits of the same rule.
func states(s *reports.Set, at reports.Subject, n *footnotes) table.Value {
	if _, ok := s.Why(at); !ok {
		return advantage(s, at, n)
	}
	h := stats.Best([][]stats.Group{beyondOf(s.BestResults(at), results.HoursRight)}, results.Level)
	if h.Best < 0 {
		return advantage(s, at, n)
	}
	v := table.Number(h.Mean, table.Signed)
	if h.OK {
		v = v.Within(h.Lo, h.Hi, table.Bounds(h.Lo, h.Hi, 2, table.Short))
	}
	return marked(s, pairOfBest(s, at), v, n)
}

// RoutineShares are the shares behind Routine, with those of the clock.
var RoutineShares = reports.TableKind{
	Name: "routine-shares", Doc: "share of quarter hours of diaries that are named right, beside the clock's",
	Draw: reports.PerPanel(func(s *reports.Set, p reports.Panel) []table.Table {
		if p.Task != datasets.TaskRoutine {
			return nil
		}
		return unlessEmpty(shareTable(s, p))
	}),
}

func shareTable(s *reports.Set, p reports.Panel) table.Table {
	t := table.Table{Title: "Share of a home's diary that is right: " + s.About(p), Columns: table.Columns("defense", "attack", "knows")}
	for _, q := range questions() {
		t.Columns = append(t.Columns, table.Columns("#"+q.head)...)
	}

	// The clock is the same behind every defense, so one row does for all.
	n := footnotes{}
	for i, d := range s.Defenses[p] {
		at := reports.Subject{Panel: p, Defense: d}
		m := s.Summaries[at]
		clock := []table.Value{table.Word("(any)"), table.Word("the clock"), table.Missing()}
		row := []table.Value{defense(s, d), label(s, m.Attack), table.Word(string(m.Knowledge))}
		for _, q := range questions() {
			b := beyondOf(s.BestResults(at), q.metric)
			clock = append(clock, b.clock(table.Score))
			row = append(row, marked(s, pairOfBest(s, at), b.mean(table.Score), &n))
		}
		if i == 0 {
			t.Rows = append(t.Rows, clock)
		}
		t.Rows = append(t.Rows, row)
	}
	dropEmpty(&t)
	t.Notes = append(n.lines(), "Mean over test groups, by the attacker that reads most states.")
	t.Notes = append(t.Notes, s.PanelNotes(p, s.Attacks(p)...)...)
	return t
}

// packetsAlone is the control that sees numbers of packets, "" if it was not run.
func packetsAlone(s *reports.Set, p reports.Panel) string {
	for _, a := range s.Attacks(p) {
		if name, _, _ := strings.Cut(a, ":"); name == "guess-packets" {
			return a
		}
	}
	return ""
}

// dropEmpty takes out the columns in which nothing stands.
func dropEmpty(t *table.Table) {
	full := map[string]bool{}
	for _, row := range t.Rows {
		for k, v := range row {
			full[t.Columns[k].Head] = full[t.Columns[k].Head] || v != table.Missing()
		}
	}
	dropColumns(t, func(c table.Column) bool { return !full[c.Head] })
}

// bedTable says when people go to bed and get up, and how much they do.
func bedTable(s *reports.Set, p reports.Panel) table.Table {
	t := table.Table{Title: "Bed times and activity: " + s.About(p), Columns: table.Columns(
		"defense", "attack", "#to bed, min off", "#to bed by the clock", "#up, min off", "#up by the clock", "#activity, correlation", "±activity beyond the clock")}
	for _, d := range s.Defenses[p] {
		// The clock has bed times of its own, which are no floor that a score could fall
		// to: they stand beside.
		at := reports.Subject{Panel: p, Defense: d}
		rs := s.BestResults(at)
		row := []table.Value{defense(s, d), label(s, s.Summaries[at].Attack)}
		for _, m := range []string{results.BedError, results.WakeError} {
			b := beyondOf(rs, m)
			row = append(row, b.mean(table.Amount), b.clock(table.Amount))
		}
		activity := beyondOf(rs, results.ActivityCorrelation)
		row = append(row, activity.mean(table.Score), activity.more())
		t.Rows = append(t.Rows, row)
	}
	dropEmpty(&t)
	t.Notes = append(t.Notes,
		"By the attacker that reads most states. Minutes off: median over the nights of a group, mean over groups; a night of which nothing is said counts as 720. Activity: events in an hour as read and as they were.")
	t.Notes = append(t.Notes, s.PanelNotes(p, s.Attacks(p)...)...)
	return t
}

// RoutineDays says which defenses hide a home's diary, and after how many days of
// watching it is known behind the others.
var RoutineDays = reports.TableKind{
	Name: "routine-days", Doc: "which defenses hide who is home and who sleeps, and after how many days it is known all the same",
	Draw: reports.PerPanel(func(s *reports.Set, p reports.Panel) []table.Table {
		if p.Task != datasets.TaskRoutine {
			return nil
		}
		return unlessEmpty(daysTable(s, p))
	}),
}

func daysTable(s *reports.Set, p reports.Panel) table.Table {
	t := table.Table{Title: "Which defenses hide a home's diary, and after how many days it is known: " + s.About(p), Columns: table.Columns("defense")}
	days := daysAsked(s, p)
	if len(days) == 0 {
		return table.Table{} // no home was watched for a day
	}
	asked := questions()[1:] // states are both at once
	for _, q := range asked {
		t.Columns = append(t.Columns, table.Columns(q.head)...)
		for _, d := range days {
			t.Columns = append(t.Columns, table.Columns("±"+q.head+", "+reports.Plural(d, "day"))...)
		}
	}
	t.Columns = append(t.Columns, table.Columns("#bytes")...)

	for _, d := range s.Defenses[p] {
		at := reports.Subject{Panel: p, Defense: d}
		row := []table.Value{defense(s, d)}
		for _, q := range asked {
			row = append(row, table.Word(hides(s, at, q.metric, days)))
			for _, d := range days {
				row = append(row, beyondOf(s.BestResults(at), results.OfDays(q.metric, d)).above())
			}
		}
		t.Rows = append(t.Rows, append(row, s.Costs(at).Bytes()))
	}
	dropEmpty(&t)
	t.Notes = append(t.Notes,
		fmt.Sprintf("Known after: the first number of days of watching after which the share of quarter hours of these days named right is %s above the clock's in the mean over groups, with a lower limit above it; read in part: above the clock for sure after all days, but by less; hidden: not above it, by no attack and no control, though it is without a defense; not read: without one neither. The attacker is the one that reads most states, or, where it does not know it, the one named after \"by\"; it has seen these days of the home and no more, and one named is judged after the last of these numbers alone. Numbers: of the attacker that reads most states, share of quarter hours right, less the clock's.", table.Short(known)))
	t.Notes = append(t.Notes, reports.AboutTraining)
	t.Notes = append(t.Notes, s.PanelNotes(p, s.Attacks(p)...)...)
	return t
}

// daysAsked are after how many days diaries of a panel were asked for, by number: 7
// come before 30, as words they would not.
func daysAsked(s *reports.Set, p reports.Panel) []int {
	var out []int
	for _, d := range s.Defenses[p] {
		for _, r := range s.BySubject[reports.Subject{Panel: p, Defense: d}] {
			for _, g := range r.Groups {
				for _, part := range g.Parts {
					if n := results.DaysOf(part.Name); n > 0 {
						out = append(out, n)
					}
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// After so many days something is known, if it ever is: more than any number of days.
const (
	inPart = math.MaxInt - 1 // above the clock for sure, but by too little to be known
	never  = math.MaxInt
)

// readAfter is after how many days results know something, inPart or never.
func readAfter(rs []*results.Result, metric string, days []int) int {
	for _, d := range days {
		if beyondOf(rs, results.OfDays(metric, d)).isKnown() {
			return d
		}
	}
	if h := beyondOf(rs, metric).gain(); h.OK && h.Lo > 0 {
		return inPart
	}
	return never
}

// hides says what a defense does about a question: after how many days it is known, or
// that it is hidden. What is not read without a defense either no defense hides, and
// without evidence nobody knows whether one does.
func hides(s *reports.Set, at reports.Subject, metric string, days []int) string {
	rs := s.BestResults(at)
	h := beyondOf(rs, metric).gain()
	if h.Best < 0 {
		return table.Missing().Text // nobody knows, or the clock knows all
	}

	// Whoever reads most states may read this worse than another, be it a count of
	// packets: what anybody reads is not hidden. The others are asked about all days
	// alone, for of many looks one shows something by chance.
	after, by := readAfter(rs, metric, days), ""
	if after >= inPart {
		for _, a := range s.Attackers[at.Panel] {
			others, _ := reports.Good(s.ByPair[reports.Pair{Panel: at.Panel, Defense: at.Defense, Attacker: a}])
			if n := readAfter(others, metric, days[len(days)-1:]); n < after {
				after, by = n, ", by "+s.Label(a.Attack)
			}
		}
	}

	// What is not read without the defense either is no merit of it.
	none := at
	none.Defense = results.NoDefense
	undefended := beyondOf(s.BestResults(none), metric).gain()
	switch {
	case after < inPart:
		return "known after " + reports.Plural(after, "day") + by
	case after == inPart:
		return "read in part" + by
	case undefended.OK && undefended.Lo <= 0:
		return "not read"
	case s.Summaries[at].NoEvidence != "" || !h.OK || !undefended.OK:
		return reports.NoEvidence
	}
	return "hidden"
}
