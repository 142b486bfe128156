// Package papers holds the kinds of tables that set figures of papers beside
// ours: the figures, confusion matrices square by square, and orders, which of two
// the paper found better. Read published.go first.
package papers

import (
	"fmt"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/table"
)

// Published has each figure that the run quotes from a paper and, beside it,
// ours as a mean over cells, for every data set and vantage point that computes
// it: the same quantity, with its floor, the kind of data, and whether they were
// calibrated to the figure.
var Published = reports.TableKind{
	Name: "published", Doc: "figures of papers beside ours",
	Draw: func(s *reports.Set) []table.Table {
		// Of a matrix the diagonal and its large errors stand here; the table confusion
		// has them all, and the table orders what has no figure.
		qs := slices.DeleteFunc(slices.Clone(s.Options.Published), func(q results.Published) bool {
			return q.Over != nil || q.As != "" && q.Value < largeError
		})
		if len(qs) == 0 {
			return nil
		}
		return []table.Table{publishedTable(s, qs)}
	},
}

// largeError is the least share off the diagonal of a matrix that stands beside
// other figures.
const largeError = 0.1

func publishedTable(s *reports.Set, qs []results.Published) table.Table {
	t := table.Table{Title: "Published beside ours", Columns: table.Columns(
		"data", "kind", "seen", "defense", "attack", "figure", "#published", "calibrated", "±ours", "#floor", "#difference", "source")}

	var sources, counted, defenses, attacks []string
	var used []reports.Panel
	for _, q := range qs {
		source := sourceOf(q)
		i := slices.Index(sources, source)
		if i < 0 {
			i = len(sources)
			sources = append(sources, source)
		}
		figure := figureName(q)
		who := s.LabelOrName(q.Defense)
		row := func(data string, kind, seen, ours, floor, difference table.Value) {
			// Only a generator can be calibrated: what was recorded is as it was.
			calibrated := "no"
			if q.Calibrated != "" && kind != table.Word(recorded) {
				calibrated = "yes"
			}
			t.Rows = append(t.Rows, []table.Value{
				table.Word(data), kind, seen, table.Word(who), table.Word(s.LabelOrName(q.Attack)),
				table.Word(figure), table.Number(q.Value, table.Three), table.Word(calibrated), ours, floor, difference, table.Word(fmt.Sprintf("(%d)", i+1)),
			})
		}

		// A figure that nothing here computes stays in the table: that it was not
		// checked is worth knowing.
		places := quoted(s, q)
		if none := table.Missing(); len(places) == 0 {
			row(reports.TaskName(q.Task), none, none, none, none, none)
			continue
		}
		who = s.DefenseLabel(q.Defense)
		defenses, attacks = append(defenses, q.Defense), append(attacks, q.Attack)
		for _, k := range places {
			if !slices.Contains(used, k.Panel) {
				used = append(used, k.Panel)
			}
			ours, difference := oursOf(s, q, k), table.Missing()
			if ours.OK {
				difference = table.Number(ours.Num-q.Value, table.SignedThree)
			}
			row(s.DataName(k.Dataset), kindOf(s, k), table.Word(string(k.Vantage)), ours, floorOf(s, q, k), difference)
			if ours.OK {
				counted = append(counted, countedOn(s, q.Metric, k)...)
			}
		}
	}

	t.Notes = append(t.Notes, fmt.Sprintf("Ours is the mean over cells of the attack trained on the same defense, else of the unaware one, with a %.0f %% interval over test groups where there are enough; – is not computed here.", 100*results.Level),
		"The floor is what the same figure is without a look at the traffic: that of the score, or the best of the controls that were run (1 is the recall of a class that one of them always names); n/a for costs.")
	for _, n := range counted {
		if !slices.Contains(t.Notes, n) {
			t.Notes = append(t.Notes, n)
		}
	}
	for i, src := range sources {
		t.Notes = append(t.Notes, fmt.Sprintf("(%d) %s.", i+1, src))
	}
	reports.SortPanels(used)
	t.Notes = append(t.Notes, s.Stamps(used...)...)
	t.Notes = append(t.Notes, s.IDNotes(reports.Distinct(defenses), reports.Distinct(attacks))...)
	return t
}

// figureName says what q is a figure of.
func figureName(q results.Published) string {
	switch name := reports.MetricLabel(q.Metric); {
	case q.As != "":
		return q.Class + " named " + q.As
	case q.Class != "":
		return name + " of " + q.Class
	default:
		return name
	}
}

// sourceOf says where q stands and what was calibrated to it, without a full
// stop.
func sourceOf(q results.Published) string {
	out := strings.TrimSuffix(q.Source, ".")
	switch q.Calibrated {
	case "":
		return out
	case results.Yes:
		return out + ". Ours is calibrated to it"
	}
	return out + ". Calibrated to it: " + strings.TrimSuffix(q.Calibrated, ".")
}

// quoted lists where the results hold what q is about: of each panel the
// attacker that knows most short of transfer.
func quoted(s *reports.Set, q results.Published) []reports.Pair {
	var out []reports.Pair
	for _, p := range s.Panels {
		if p.Task != q.Task || !results.OfData(p.Dataset, q.Data) {
			continue
		}
		if at, ok := s.KnowsMost(p, q.Defense, q.Attack); ok {
			out = append(out, at)
		}
	}
	return out
}

// kindOf says whether the data are recorded or generated; cells that failed do
// not know.
func kindOf(s *reports.Set, k reports.Pair) table.Value {
	switch rs, _ := reports.Good(s.ByPair[k]); {
	case s.Generated[k.Dataset]:
		return table.Word("generated")
	case len(rs) == 0:
		return table.Missing()
	}
	return table.Word(recorded)
}

// recorded is the kind of data that nobody made.
const recorded = "recorded"

// oursOf is our figure for q.
func oursOf(s *reports.Set, q results.Published, k reports.Pair) table.Value {
	if q.Metric == results.NamesSeen {
		return namesLookedUp(s, q, k)
	}
	if v, ok := dataFigure(s, k.Dataset, q.Metric); ok {
		return v
	}
	if metric, own := metricOf(q); own {
		v := s.Mean(k, metric).Value(table.Three)
		return reports.WithGroups(v, k.Panel, s.ByPair[k], reports.IsShare(metric), func(r *results.Result) (float64, bool) { return reports.MetricOf(r, metric) })
	}

	// Not every fold tests every class, so those that do are averaged.
	rs, failed := reports.Good(s.ByPair[k])
	share := func(r *results.Result) (float64, bool) { return classShare(r, q) }
	var sum, n float64
	for _, r := range rs {
		if v, ok := share(r); ok {
			sum += v
			n++
		}
	}
	e := reports.Estimate{Num: sum / n, OK: n > 0, Cells: failed + len(rs), Failed: failed}
	return reports.WithGroups(e.Value(table.Three), k.Panel, rs, true, share)
}

// blind are the controls that see no traffic, whose scores are floors.
// guess-exact is none of them: it sees sizes.
func blind() []string { return []string{"guess-majority", "guess-uniform", "guess-clock"} }

// floorOf is what the figure of q would be without a look at the traffic.
func floorOf(s *reports.Set, q results.Published, k reports.Pair) table.Value {
	headline, _ := s.Headline(k.Panel)
	switch info, known := results.Describe(q.Metric); {
	case known && info.Tasks == nil:
		return table.NotApplicable() // a cost, which no guess has
	case q.Metric == results.BurstAccuracy:
		return s.Mean(k, results.BurstFloor).Value(table.Three)
	case q.Metric == headline && q.Class == "":
		return s.Mean(k, results.Floor).Value(table.Three)
	}

	best := table.Missing()
	for _, a := range blind() {
		at, ok := s.KnowsMost(k.Panel, k.Defense, a)
		if v := oursOf(s, q, at); ok && v.OK && (!best.OK || v.Num > best.Num) {
			best = table.Number(v.Num, table.Three)
		}
	}
	return best
}

// countedOn says what must be known of some figures of k to weigh them: of an
// accuracy over bursts what it counts, in all cells together, and of lists with the
// right command in them how long they are, and those of the controls.
func countedOn(s *reports.Set, metric string, k reports.Pair) []string {
	about := fmt.Sprintf("%s, %s, %s", s.Label(k.Attack), s.DataName(k.Dataset), k.Vantage)
	switch metric {
	case results.BurstAccuracy:
		count := func(metric string) string {
			sum := 0.0
			for _, r := range s.ByPair[k] {
				n, _ := r.Metric(metric)
				sum += n
			}
			return table.Amount(sum)
		}
		return []string{
			"Burst accuracy counts bursts as the attack cut and merged them, named at its threshold, and as wrong each event without a burst within 5 s; its floor calls every burst other.",
			fmt.Sprintf("%s: %s bursts, %s of them at events; %s events without a burst; left out %s bursts, and %s events that have no others.",
				about, count(results.Bursts), count(results.BurstsAtEvents), count(results.EventsWithoutBurst),
				count(results.BurstsLeftOut), count(results.EventsLeftOut)),
		}

	case results.InCandidates, results.InCandidatesBounded:
		// A control that lists every command of the training is often right, too; only
		// the length of its list says that it knows nothing.
		var lists []string
		for _, attack := range append([]string{k.Attack}, blind()...) {
			if at, ok := s.KnowsMost(k.Panel, k.Defense, attack); ok {
				before, after := s.Mean(at, results.CandidatesMean), s.Mean(at, results.CandidatesBounded)
				lists = append(lists, fmt.Sprintf("%s %s, %s after bounding", s.Label(attack), before.Value(table.Amount).Text, after.Value(table.Amount).Text))
			}
		}
		return []string{fmt.Sprintf("%s: mean candidates of a message: %s.", about, strings.Join(lists, "; "))}
	}
	return nil
}

// metricOf is the name under which results hold what q is about; own is false
// where it must be counted from answers: shares of a class.
func metricOf(q results.Published) (metric string, own bool) {
	switch {
	case q.Class == "":
		return q.Metric, true
	case q.Metric == results.Recall || q.Metric == results.Precision:
		return "", false
	}
	return results.OfClass(q.Metric, q.Class), true
}

// classShare is the recall of a class, the share of its items or packets that
// were named right, or named as another class, or its precision, the share right
// of what was named so. A class is one of the data's own, or a device whose
// activities count together. ok is false where the share is of nothing.
func classShare(r *results.Result, q results.Published) (v float64, ok bool) {
	if q.As != "" {
		t := reports.Taken([]*results.Result{r}, q.Class, q.As)
		return float64(t.Right) / float64(t.N), t.N > 0
	}
	tallies := reports.ClassTallies
	if q.Metric == results.Precision {
		tallies = reports.AnswerTallies
	}
	var t reports.Tally
	for c, x := range tallies(r) {
		if c == q.Class || strings.HasPrefix(c, q.Class+"/") {
			t.Right, t.N = t.Right+x.Right, t.N+x.N
		}
	}
	return float64(t.Right) / float64(t.N), t.N > 0
}

// dataFigure is how much there is of a data set, if metric asks for that: what the
// manifest says of it, which is all of it and not the part that was tested.
func dataFigure(s *reports.Set, name, metric string) (v table.Value, asked bool) {
	var size results.DataSize
	if m := s.Options.Manifest; m != nil {
		for _, d := range m.Data {
			if d.Name == name && d.Size != nil {
				size = *d.Size
			}
		}
	}
	n, asked := map[string]float64{
		results.DataHours: size.Seconds / 3600, results.DataPackets: float64(size.Packets),
		results.DataBytes: float64(size.Bytes), results.DataWindows: float64(size.Windows),
	}[metric]
	if n == 0 {
		return table.Missing(), asked
	}
	return table.Number(n, table.Three), asked
}

// namesLookedUp counts those of q's names that its device looks up in the sample of
// k; missing where no sample has the device, or the data do not tell.
func namesLookedUp(s *reports.Set, q results.Published, k reports.Pair) table.Value {
	sample := s.Sample(reports.Subject{Panel: k.Panel, Defense: k.Defense})
	if sample == nil {
		return table.Missing()
	}
	i := slices.IndexFunc(sample.Names, func(n results.DeviceNames) bool { return n.Device == q.Class })
	told := slices.ContainsFunc(sample.Names, func(n results.DeviceNames) bool { return len(n.Asked) > 0 })
	if i < 0 || !told {
		return table.Missing()
	}

	n := 0
	for _, name := range q.Names {
		if slices.Contains(sample.Names[i].Asked, name) {
			n++
		}
	}
	return table.Number(float64(n), table.Three)
}
