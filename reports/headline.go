package reports

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"veilbench/bench"
	"veilbench/datasets"
)

// column is one question of the headline table: a task on a data set from a
// vantage point.
type column struct {
	dataset string
	task    datasets.Task
	vantage datasets.Vantage
}

func columnOf(r bench.Result) column {
	return column{r.Cell.Dataset, r.Cell.Task, r.Cell.Vantage}
}

func compareColumns(a, b column) int {
	order := datasets.Tasks()
	return cmp.Or(cmp.Compare(slices.Index(order, a.task), slices.Index(order, b.task)),
		cmp.Compare(a.dataset, b.dataset), cmp.Compare(a.vantage, b.vantage))
}

// taskTitle is a task's name at the head of a column.
func taskTitle(t datasets.Task) string {
	switch t {
	case datasets.Events:
		return "events"
	case datasets.Device:
		return "devices"
	case datasets.Gateway:
		return "commands"
	}
	return "clips"
}

// title names a column as shortly as the others allow.
func (c column) title(all []column) string {
	out := taskTitle(c.task)
	data, vantage := false, false
	for _, o := range all {
		if o.task == c.task {
			data = data || o.dataset != c.dataset
			vantage = vantage || o.vantage != c.vantage
		}
	}
	if data {
		out += " " + c.dataset
	}
	if vantage {
		out += " " + string(c.vantage)
	}
	return out
}

// footnotes numbers notes in the order in which they are first used.
type footnotes []string

func (f *footnotes) mark(note string) string {
	i := slices.Index(*f, note)
	if i < 0 {
		i = len(*f)
		*f = append(*f, note)
	}
	return " " + superscript(i+1)
}

// HeadlineTable answers the reader's question on one page: for each defense
// and task, how far the best attack that knows the defense is above guessing,
// and what the defense costs.
func HeadlineTable(rs []bench.Result, o Options) Table {
	all := unique(rs, columnOf, compareColumns)
	order := o.rank()
	defenses := unique(rs, func(r bench.Result) string { return r.Cell.Defense }, order)
	short := names(rs)
	sums := map[column]map[string]bench.Summary{}
	for _, s := range bench.Summaries(rs) {
		c := column{s.Dataset, s.Task, s.Vantage}
		if sums[c] == nil {
			sums[c] = map[string]bench.Summary{}
		}
		sums[c][s.Defense] = s
	}
	t := Table{
		Name: "headline",
		Title: fmt.Sprintf("What an observer outside the home still learns from the best attack that knows the defense (advantage over guessing, %.0f %% interval), and what it costs",
			100*bench.Level),
		Header: []string{"defense"},
	}
	if !slices.ContainsFunc(all, func(c column) bool { return c.vantage != all[0].vantage }) && all[0].vantage != datasets.WAN {
		t.Title = strings.Replace(t.Title, "an observer outside the home", "an observer at the "+string(all[0].vantage), 1)
	}
	for _, c := range all {
		t.Header = append(t.Header, c.title(all))
	}
	t.Header = append(t.Header, "bytes", "delay p95", "GB/month")
	var notes footnotes
	for _, d := range defenses {
		row := []string{short[d]}
		for _, c := range all {
			s, ok := sums[c][d]
			row = append(row, advantageCell(s, ok, &notes))
		}
		t.Rows = append(t.Rows, append(row, costCells(sums[costColumn(all)][d])...))
	}
	t.Notes = append(notes, headlineNotes(all, sums, defenses, short, rs, o)...)
	return t
}

func advantageCell(s bench.Summary, ok bool, notes *footnotes) string {
	switch {
	case !ok:
		return "n/a"
	case s.Failed == s.Cells:
		return "failed"
	}
	out := fmt.Sprintf("%.2f", s.Advantage)
	if s.HasInterval {
		out += fmt.Sprintf(" [%s %s]", tight(s.Lo), tight(s.Hi))
	}
	switch {
	case s.Advantage == 0:
		out += notes.mark("best attack is at its floor")
	case s.Failed > 0:
		out += notes.mark(fmt.Sprintf("%d of %d cells failed; the figure is from the others", s.Failed, s.Cells))
	}
	if s.Oracle {
		out += notes.mark("oracle: the defense looks into the future, so it cannot be built")
	}
	if len(s.Warnings) > 0 {
		for _, w := range s.Warnings {
			out += notes.mark(w)
		}
	}
	return out
}

// tight writes a share without the leading zero: .97.
func tight(x float64) string {
	return strings.TrimPrefix(fmt.Sprintf("%.2f", x), "0")
}

// costColumn is the column whose costs are printed: the events data set's,
// else the first.
func costColumn(all []column) column {
	for _, c := range all {
		if c.task == datasets.Events {
			return c
		}
	}
	return all[0]
}

func costCells(s bench.Summary) []string {
	if s.Cells == s.Failed {
		return []string{"n/a", "n/a", "n/a"}
	}
	month := "n/a"
	for _, m := range s.Cost.More {
		if m.Name == "gb_per_month" {
			month = fmt.Sprintf("%.1f", m.Value)
		}
	}
	return []string{percent(s.Cost.Overhead()), milliseconds(s.Cost.DelayP95), month}
}

// percent writes a ratio as +38.2 %, without digits that mean nothing.
func percent(x float64) string {
	switch p := 100 * x; {
	case math.Abs(p) < 0.05:
		return "+0 %"
	case math.Abs(p) < 100:
		return fmt.Sprintf("%+.1f %%", p)
	default:
		return thousands(fmt.Sprintf("%+.0f", p)) + " %"
	}
}

// thousands puts commas into the digits of a whole number with a sign.
func thousands(s string) string {
	for i := len(s) - 3; i > 1; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func milliseconds(s float64) string {
	switch ms := 1000 * s; {
	case ms == 0:
		return "0 ms"
	case ms < 10:
		return fmt.Sprintf("%.1f ms", ms)
	default:
		return fmt.Sprintf("%.0f ms", ms)
	}
}

// headlineNotes are the notes that belong to the whole table.
func headlineNotes(all []column, sums map[column]map[string]bench.Summary, defenses []string, short map[string]string, rs []bench.Result, o Options) []string {
	var out []string
	var worst []string
	for _, c := range all {
		best := bench.Summary{Advantage: -1}
		n := map[string]int{}
		for _, d := range defenses {
			if s, ok := sums[c][d]; ok && s.Attack != "" {
				n[s.Attack]++
				if n[s.Attack] > n[best.Attack] {
					best = s
				}
			}
		}
		if best.Attack != "" {
			worst = append(worst, c.title(all)+" "+short[best.Attack])
		}
	}
	if len(worst) > 0 {
		out = append(out, "strongest attack against most defenses: "+strings.Join(worst, ", "))
	}
	out = append(out, fmt.Sprintf("costs are those of %s; GB/month only from recordings of an hour and more", costColumn(all).dataset))
	if slices.ContainsFunc(rs, func(r bench.Result) bool { return r.Generated }) {
		out = append(out, "generated data: attack and data share one model, so these figures are regression tests, not evidence")
	}
	if slices.ContainsFunc(rs, func(r bench.Result) bool { return r.Cell.Split.Within() }) {
		out = append(out, "split within groups: training and test share sessions, so scores are too high for new homes or days")
	}
	failed := 0
	for _, v := range o.SelfCheck {
		if !v.OK {
			failed++
			out = append(out, "SELF-CHECK FAILED: "+v.Name+": "+v.Detail)
		}
	}
	if n := len(o.SelfCheck); n > 0 && failed == 0 {
		out = append(out, fmt.Sprintf("self-check: %d of %d passed", n, n))
	}
	return out
}
