package tables

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"veilbench/bench/results"
	"veilbench/bench/stats"
	"veilbench/datasets"
	"veilbench/reports"
	"veilbench/reports/table"
)

// Routine is two tables for each routine panel: what of the diary of a home is read
// beyond what the hour of day tells anyway, and when, and after how many days.
var Routine = reports.TableKind{
	Name: "routine", Doc: "diaries: who is home and who sleeps beyond the clock, bed times, and after how many days it is known",
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

// beyond is a figure of each test group and the clock's, means over draws and seeds.
type beyond struct{ value, clock []float64 }

// beyondOf is a figure of the groups that have it; the state's is their headline,
// whose floor is that of the best control.
func beyondOf(rs []*results.Result, metric string) beyond {
	type sum struct{ value, clock, n float64 }
	by := map[string]sum{}
	for _, r := range rs {
		for _, g := range r.Groups {
			p, ok := g.Part(metric)
			if metric == r.Headline {
				p, ok = results.Part{Value: g.Value, Floor: g.Floor}, true
			}
			if x := by[g.Group]; ok {
				by[g.Group] = sum{x.value + p.Value, x.clock + p.Floor, x.n + 1}
			}
		}
	}
	var out beyond
	for _, g := range slices.Sorted(maps.Keys(by)) {
		x := by[g]
		out.value, out.clock = append(out.value, x.value/x.n), append(out.clock, x.clock/x.n)
	}
	return out
}

// ok says whether any group has the figure.
func (b beyond) ok() bool { return len(b.value) > 0 }

// mean is that of the figure itself.
func (b beyond) mean(format func(float64) string) table.Value {
	if !b.ok() {
		return table.Missing()
	}
	return table.Number(stats.Mean(b.value), format)
}

// gain is the mean difference to the clock with its limits over groups, of which ok is
// false where there are too few.
func (b beyond) gain() (mean, lo, hi float64, ok bool) {
	diff := make([]float64, len(b.value))
	for i, v := range b.value {
		diff[i] = v - b.clock[i]
	}
	lo, hi, ok = stats.Interval(diff, results.Level)
	ok = ok && lo < hi // equal in all groups says nothing of others

	// What floats leave of equal sums is no difference to be printed with nine digits.
	return math.Round(1e9*stats.Mean(diff)) / 1e9, lo, hi, ok
}

// above is the gain as a cell.
func (b beyond) above() table.Value {
	if !b.ok() {
		return table.Missing()
	}
	mean, lo, hi, ok := b.gain()
	v := table.Number(mean, table.Signed)
	if ok {
		v = v.Within(lo, hi, table.Bounds(lo, hi, 2, table.Short))
	}
	return v
}

// known is by how much presence, sleep or company must be known beyond the clock.
const known = 0.1

// isKnown says whether it is: by known in the mean, and above the clock for sure.
func (b beyond) isKnown() bool {
	mean, lo, _, ok := b.gain()
	return b.ok() && ok && mean >= known && lo > 0
}

func routineTable(s *reports.Set, p reports.Panel) table.Table {
	t := table.Table{Title: "What of a home's diary is read beyond the clock: " + p.About(), Columns: table.Columns("defense")}
	for _, q := range questions() {
		t.Columns = append(t.Columns, table.Columns("±"+q.head)...)
	}
	control := packetsAlone(s, p)
	t.Columns = append(t.Columns, table.Columns("#packets: presence", "#packets: sleep")...)

	n := footnotes{}
	for _, d := range s.Defenses[p] {
		at := reports.Subject{Panel: p, Defense: d}
		row := []table.Value{defense(s, d)}
		for _, q := range questions() {
			row = append(row, marked(s, pairOfBest(s, at), beyondOf(s.BestResults(at), q.metric).above(), &n))
		}
		k := reports.Pair{Panel: p, Defense: d, Attacker: reports.Attacker{Attack: control, Knowledge: s.Summaries[at].Knowledge}}
		alone, _ := reports.Good(s.ByPair[k])
		for _, m := range []string{results.PresenceRight, results.SleepRight} {
			v := table.Missing()
			if b := beyondOf(alone, m); b.ok() {
				mean, _, _, _ := b.gain()
				v = table.Number(mean, table.Signed)
			}
			row = append(row, v)
		}
		t.Rows = append(t.Rows, row)
	}

	// What nobody knows of these recordings has no column: on most of them nobody wrote
	// down who was at home.
	dropEmpty(&t)
	t.Notes = append(n.lines(), "Share of quarter hours named right by the attacker that reads most states, less that of guess-hour, which knows the hour of day and weekends from other homes and sees no traffic (of states: less that of the best control that sees none); mean over test groups with the interval of the difference. Presence: is anybody at home; sleep: is somebody at home and everybody there asleep; state: both at once, or, where nobody knows the people, does anything happen; several: are several people at home.")
	if control != "" {
		t.Notes = append(t.Notes, "Packets: the same of a model that sees no more of a quarter hour than how many packets the home sends and gets ("+s.Label(control)+").")
	}
	t.Notes = append(t.Notes, reports.AboutTraining, s.CountNote(p))
	t.Notes = append(t.Notes, s.PanelNotes(p)...)
	return t
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
	t := table.Table{Title: "Share of a home's diary that is right: " + p.About(), Columns: table.Columns("defense", "attack", "knows")}
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
			clock = append(clock, beyond{value: b.clock}.mean(table.Score))
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

// bedTable says when people go to bed and get up, how much they do, and from which day
// on an attacker knows.
func bedTable(s *reports.Set, p reports.Panel) table.Table {
	t := table.Table{Title: "Bed times, activity, and the days until they are known: " + p.About(), Columns: table.Columns(
		"defense", "attack", "#to bed, min off", "#to bed by the clock", "#up, min off", "#up by the clock", "#activity, correlation", "±activity beyond the clock",
		"presence known after", "sleep known after", "several known after")}
	for _, d := range s.Defenses[p] {
		// The clock has bed times of its own, which are no floor that a score could fall
		// to: they stand beside.
		at := reports.Subject{Panel: p, Defense: d}
		rs := s.BestResults(at)
		row := []table.Value{defense(s, d), label(s, s.Summaries[at].Attack)}
		for _, m := range []string{results.BedError, results.WakeError} {
			b := beyondOf(rs, m)
			row = append(row, b.mean(table.Amount), beyond{value: b.clock}.mean(table.Amount))
		}
		activity := beyondOf(rs, results.ActivityCorrelation)
		row = append(row, activity.mean(table.Score), activity.above())
		for _, q := range questions()[1:] {
			after := knownAfter(rs, q.metric)
			if s.Summaries[at].NoEvidence != "" && strings.HasPrefix(after, notYet) {
				after = reports.NoEvidence
			}
			row = append(row, table.Word(after))
		}
		t.Rows = append(t.Rows, row)
	}
	dropEmpty(&t)
	t.Notes = append(t.Notes,
		fmt.Sprintf("By the attacker that reads most states. Minutes off: median over the nights of a group, mean over groups; a night of which nothing is said counts as 720. Activity: events in an hour as read and as they were. Known after: the first number of days of watching after which the share of quarter hours of these days named right is %s above the clock's in the mean over groups with a lower limit above it; the attacker has seen these days of the home and no more. not yet: not after the days in brackets.", table.Short(known)))
	t.Notes = append(t.Notes, s.PanelNotes(p, s.Attacks(p)...)...)
	return t
}

// notYet begins what stands where a question was open after all days.
const notYet = "not yet"

// knownAfter is how many days it takes until a question can be answered beyond the
// clock.
func knownAfter(rs []*results.Result, metric string) string {
	var days []int
	for _, r := range rs {
		for _, g := range r.Groups {
			for _, p := range g.Parts {
				if n, ok := strings.CutPrefix(p.Name, results.OfClass(metric, "")); ok {
					if d, err := strconv.Atoi(n); err == nil && !slices.Contains(days, d) {
						days = append(days, d)
					}
				}
			}
		}
	}

	// By number: 7 days come before 30, as words they would not.
	slices.Sort(days)
	if len(days) == 0 {
		return table.Missing().Text
	}
	for _, d := range days {
		if beyondOf(rs, results.OfClass(metric, strconv.Itoa(d))).isKnown() {
			return reports.Plural(d, "day")
		}
	}
	return fmt.Sprintf("%s (%d)", notYet, days[len(days)-1])
}
