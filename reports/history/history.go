// Package history follows the figures of many runs, one after the other: whether
// they drift, and which of them stand apart from the spread that their own series
// has. A change counts by what the series did before and after, not by a limit that
// somebody set: what is noise for one figure is an event for another.
package history

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/bench/stats"
	"veilbench/reports"
	"veilbench/reports/table"
)

// History collects runs in the order in which they are added. The zero value is
// ready for use. Of a run it keeps its figures alone.
type History struct {
	runs   []string
	prints []string // of the results of each
	order  []key
	series map[key]*Series
}

// key is what a series is of.
type key struct {
	at     reports.Subject
	figure string
}

// Series is one figure of one defense over runs.
type Series struct {
	reports.Subject
	// Defense is its label, Figure what is followed, in Unit.
	Label, Figure, Unit string
	// Points are of those runs that have the defense, in order.
	Points []Point
	// Slope is the median change from run to run, P the p-value of a trend, adjusted
	// over all series; HasTrend is false for too few runs.
	Slope, P float64
	HasTrend bool
	// Spread is the distance of the quartiles of the figures.
	Spread float64
	Events []Event

	format func(float64) string
}

// Point is the figure of one run.
type Point struct {
	Run   string  `json:"run"`
	Value float64 `json:"value"`
	// Missing is why there is no figure; then Value is 0.
	Missing string `json:"missing,omitempty"`
	// OtherData is set where the run before it was of other data.
	OtherData bool `json:"other_data,omitempty"`

	data string
}

// Kind is what happened to a series at a run.
type Kind string

// The kinds. Of the last run nobody knows yet which of the first two it is.
const (
	shift   Kind = "shift"   // the figure stays where it went
	outlier Kind = "outlier" // it went there for one run
	apart   Kind = "apart"
)

// Event is a change larger than the series' own spread.
type Event struct {
	Run       string  `json:"run"`
	Kind      Kind    `json:"kind"`
	Before    float64 `json:"before"`
	After     float64 `json:"after"`
	OtherData bool    `json:"other_data,omitempty"`
}

// Add appends a run.
func (h *History) Add(run string, s *reports.Set) {
	h.runs, h.prints = append(h.runs, run), append(h.prints, s.Options.Fingerprint)
	for _, p := range s.Panels {
		for _, d := range s.Defenses[p] {
			at := reports.Subject{Panel: p, Defense: d}
			data := ""
			if rs := s.BySubject[at]; len(rs) > 0 {
				data = rs[0].Data
			}

			m := s.Summaries[at]
			x := Point{Run: run, Value: m.Advantage, data: data}
			switch {
			case m.Failed > 0:
				x.Missing = "failed"
			case m.NoEvidence != "":
				x.Missing = reports.NoEvidence
			case m.Attack == "":
				x.Missing = "not measured"
			}
			if m.Cells > 0 {
				h.add(s, key{at, results.AdvantageMetric}, shareUnit, table.Score, x)
			}
			if d == results.NoDefense {
				continue // costs nothing, by definition
			}
			c := s.Costs(at)
			h.addCost(s, key{at, "bytes added"}, shareUnit, table.Percent, c.Bytes(), run, data)
			h.addCost(s, key{at, "delay p95"}, "s", table.Seconds, c.Delay(), run, data)
		}
	}
}

// shareUnit is the unit of advantages and of bytes added.
const shareUnit = "share"

func (h *History) addCost(s *reports.Set, k key, unit string, format func(float64) string, v table.Value, run, data string) {
	x := Point{Run: run, Value: v.Num, data: data}
	if !v.OK {
		x.Value, x.Missing = 0, v.Text
	}
	h.add(s, k, unit, format, x)
}

func (h *History) add(s *reports.Set, k key, unit string, format func(float64) string, x Point) {
	if h.series == nil {
		h.series = map[key]*Series{}
	}
	of := h.series[k]
	if of == nil {
		of = &Series{Subject: k.at, Label: s.Label(k.at.Defense), Figure: k.figure, Unit: unit, format: format}
		h.series[k] = of
		h.order = append(h.order, k)
	}
	if x.Missing != "" {
		x.Value = 0
	}
	if n := len(of.Points); n > 0 {
		x.OtherData = of.Points[n-1].data != x.data
	}
	of.Points = append(of.Points, x)
}

// Series are all series with what happened to them, by panel and defense in the
// order of the first run that has them.
func (h *History) Series() []Series {
	out := make([]Series, len(h.order))
	var with []int // those with a trend
	var ps []float64
	for i, k := range h.order {
		x := *h.series[k]
		known := x.known()
		v := values(known)
		if len(v) > 0 {
			x.Spread = stats.Quantile(v, 0.75) - stats.Quantile(v, 0.25)
		}
		if x.Slope, x.P, x.HasTrend = stats.Trend(v); x.HasTrend {
			with, ps = append(with, i), append(ps, x.P)
		}
		x.Events = events(known)
		out[i] = x
	}

	// Of many series without a trend some would seem to have one.
	for j, p := range stats.Holm(ps) {
		out[with[j]].P = p
	}
	return out
}

// known are the points that have a figure.
func (x Series) known() []Point {
	return slices.DeleteFunc(slices.Clone(x.Points), func(p Point) bool { return p.Missing != "" })
}

func values(ps []Point) []float64 {
	var out []float64
	for _, p := range ps {
		out = append(out, p.Value)
	}
	return out
}

// fewestSteps is how many other steps say what a usual one is, and fences how many
// distances of quartiles beyond the upper one a step must go to be none: Tukey's far
// out.
const (
	fewestSteps = 4
	fences      = 3
)

// events finds the steps from run to run that are far out among the other steps.
func events(ps []Point) []Event {
	var steps []float64
	for i := 1; i < len(ps); i++ {
		steps = append(steps, ps[i].Value-ps[i-1].Value)
	}
	far := make([]bool, len(steps))
	for i, d := range steps {
		far[i] = farOut(steps, i, math.Abs(d))
	}

	var out []Event
	for i := 0; i < len(steps); i++ {
		if !far[i] {
			continue
		}
		e := Event{Run: ps[i+1].Run, Kind: shift, Before: ps[i].Value, After: ps[i+1].Value, OtherData: ps[i+1].OtherData}
		switch last := len(steps) - 1; {
		case i == last:
			e.Kind = apart

		// Back where it came from, no farther off than usual: the run alone was odd.
		case far[i+1] && !farOut(steps, i, math.Abs(ps[i+2].Value-ps[i].Value)):
			e.Kind = outlier
			i++
		}
		out = append(out, e)
	}
	return out
}

// farOut says whether a step of size d would be far out among the steps other than i.
// Where all others are the same any change is: equal runs give equal figures.
func farOut(steps []float64, i int, d float64) bool {
	var others []float64
	for j, x := range steps {
		if j != i {
			others = append(others, math.Abs(x))
		}
	}
	if len(others) < fewestSteps {
		return false
	}
	q1, q3 := stats.Quantile(others, 0.25), stats.Quantile(others, 0.75)
	return d > q3+fences*(q3-q1)+1e-12
}

// Steady says that nothing happened to the series, as far as its runs can tell.
func (x Series) Steady() bool { return len(x.Events) == 0 && !(x.HasTrend && x.P <= 1-results.Level) }

// verdict is what happened in words.
func (x Series) verdict(name func(string) string) string {
	said := ""
	add := func(s string) {
		if said != "" {
			said += "; "
		}
		said += s
	}
	for _, e := range x.Events {
		kind := string(e.Kind)
		if e.Kind == apart {
			kind = "shift or outlier"
		}
		if e.OtherData {
			kind += ", other data,"
		}
		add(fmt.Sprintf("%s at %s (%s to %s)", kind, name(e.Run), x.format(e.Before), x.format(e.After)))
	}

	// A shift makes a trend too; both are said, for a drift may stand behind a step.
	if x.HasTrend && x.P <= 1-results.Level {
		way := "rises"
		if x.Slope < 0 {
			way = "falls"
		}
		add(way)
	}
	switch n := len(x.known()); {
	case said == "" && n == 0:
		return x.Points[len(x.Points)-1].Missing
	case said == "" && n < fewestSteps+2:
		return "too few runs"
	}
	return cmp.Or(said, "steady")
}

// Table is every series of an advantage, and those of costs to which something
// happened.
func (h *History) Table() table.Table {
	t := table.Table{Name: "history", Title: fmt.Sprintf("What %d runs say, from %s to %s", len(h.runs), h.runs[0], h.runs[len(h.runs)-1]), Columns: table.Columns(
		"data", "task", "defense", "figure", "#runs", "#first", "#last", "#median", "#spread", "#a run", "#p (Holm)", "what happened")}
	var names []string
	for _, k := range h.order {
		names = append(names, k.at.Dataset)
	}
	data, steady := reports.DataNames(names), 0
	for _, x := range h.Series() {
		// Costs of most defenses never move: their rows would hide those that do.
		if x.Figure != results.AdvantageMetric && x.Steady() {
			steady++
			continue
		}
		v := values(x.known())
		row := []table.Value{table.Word(data[x.Dataset]), table.Word(reports.TaskName(x.Task)), table.Word(x.Label), table.Word(x.Figure), table.Count(len(v))}
		if len(v) == 0 {
			row = append(row, table.Missing(), table.Missing(), table.Missing(), table.Missing())
		} else {
			row = append(row, table.Number(v[0], x.format), table.Number(v[len(v)-1], x.format), table.Number(stats.Quantile(v, 0.5), x.format), table.Number(x.Spread, table.Ratio))
		}
		if x.HasTrend {
			row = append(row, table.Number(x.Slope, table.Signed), table.Number(x.P, table.PValue))
		} else {
			row = append(row, table.Missing(), table.Missing())
		}
		t.Rows = append(t.Rows, append(row, table.Word(x.verdict(h.short))))
	}
	t.Notes = append(t.Notes, fmt.Sprintf("A change from one run to the next counts where it is larger than the upper quartile of the series' other changes by more than %d times the distance of their quartiles; that takes %d runs. An outlier is back at the next run, a shift is not. a run: median slope of all pairs of runs; p: Mann's and Kendall's test for a trend, from %d runs on, adjusted by Holm over all series. spread: distance of the quartiles of the figures. Runs without evidence or with failed cells have no figure.", fences, fewestSteps+2, fewestSteps+1))
	if steady > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("%d series of costs in which nothing happened are left out (--json has them).", steady))
	}
	var of []string
	for i, print := range h.prints {
		if print != "" {
			of = append(of, h.short(h.runs[i])+": "+print)
		}
	}
	t.Stamp = strings.Join(of, "; ")
	return t
}

// short is the last part of a run's folder where that tells it from all others.
func (h *History) short(run string) string {
	same := 0
	for _, r := range h.runs {
		if filepath.Base(r) == filepath.Base(run) {
			same++
		}
	}
	if same > 1 {
		return run
	}
	return filepath.Base(run)
}

// jsonFormat names the form of the JSON; a number at its end grows when a field
// changes its meaning or goes.
const jsonFormat = "veilbench history 1"

// WriteJSON writes every series with all its points.
func (h *History) WriteJSON(w io.Writer) error {
	type series struct {
		Dataset string   `json:"dataset"`
		Task    string   `json:"task"`
		Vantage string   `json:"vantage"`
		Split   string   `json:"split"`
		Defense string   `json:"defense"`
		Figure  string   `json:"figure"`
		Unit    string   `json:"unit"`
		Steady  bool     `json:"steady"`
		Verdict string   `json:"verdict"`
		Slope   *float64 `json:"slope_per_run,omitempty"`
		P       *float64 `json:"p,omitempty"`
		Spread  float64  `json:"spread"`
		Events  []Event  `json:"events"`
		Points  []Point  `json:"points"`
	}
	out := struct {
		Format string   `json:"format"`
		Runs   []string `json:"runs"`
		Prints []string `json:"fingerprints"`
		Series []series `json:"series"`
	}{jsonFormat, h.runs, h.prints, []series{}}
	for _, x := range h.Series() {
		y := series{
			Dataset: x.Dataset, Task: string(x.Task), Vantage: string(x.Vantage), Split: string(x.Split), Defense: x.Defense, Figure: x.Figure, Unit: x.Unit,
			Steady: x.Steady(), Verdict: x.verdict(func(r string) string { return r }), Spread: x.Spread, Events: append([]Event{}, x.Events...), Points: x.Points,
		}

		// 0 and 1 would look like a trend that was looked for.
		if x.HasTrend {
			y.Slope, y.P = &x.Slope, &x.P
		}
		out.Series = append(out.Series, y)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(out)
}
