package reports

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/datasets/params"
	"veilbench/reports/table"
)

// Study is a score against one number, one line for each defense.
type Study struct {
	Panel Panel
	// X is what the number is, with its unit at the end as parameters have it;
	// Metric is the score for people.
	X, Metric, Title string
	// Data names the data, what they share where each value has its own.
	Data string
	// Values are the numbers, ascending.
	Values []float64
	// Names label Lines, which hold a score for each value; the zero Value is
	// one that was not run.
	Names []string
	Lines [][]table.Value
	// Defenses and By are the defense and the attack of each line, where lines are of
	// the best attack on each defense; else there are none.
	Defenses, By []string
	// AtZero holds a score for each line where the value is 0 and that is no number
	// but stands for Zero, such as a choice made in training: no point of the line.
	// There is none where Zero is empty.
	AtZero []table.Value
	Zero   string
	Notes  []string
}

// studyPoints is how many values of a parameter make a study, which two do not.
const studyPoints = 3

// sweep is a number and the things that differ in it alone.
type sweep[T any] struct {
	of, key string
	rest    [][2]string // the other settings, that all of them share
	values  []float64
	things  []T
}

// sweeps finds among all the things of one kind those whose settings differ in
// one number. settings says what kind a thing is of, and its settings.
func sweeps[T any](all []T, settings func(T) (of string, set [][2]string, ok bool)) []sweep[T] {
	var out []sweep[T]
	for _, thing := range all {
		of, set, ok := settings(thing)
		if !ok {
			continue
		}
		for i, kv := range set {
			v, err := strconv.ParseFloat(kv[1], 64)
			if err != nil {
				continue // a word
			}
			rest := slices.Delete(slices.Clone(set), i, i+1)
			at := slices.IndexFunc(out, func(w sweep[T]) bool { return w.of == of && w.key == kv[0] && slices.Equal(w.rest, rest) })
			if at < 0 {
				at = len(out)
				out = append(out, sweep[T]{of: of, key: kv[0], rest: rest})
			}

			// Attackers come by name, where 15 stands before 3.
			w := &out[at]
			k, _ := slices.BinarySearch(w.values, v)
			w.values, w.things = slices.Insert(w.values, k, v), slices.Insert(w.things, k, thing)
		}
	}
	return out
}

// settings writes kvs as they stand in an ID.
func settings(kvs [][2]string) string {
	if len(kvs) == 0 {
		return "none"
	}
	out := make([]string, len(kvs))
	for i, kv := range kvs {
		out[i] = kv[0] + "=" + kv[1]
	}
	return strings.Join(out, ",")
}

// project fills st with the scores of the defenses: at says whose score stands
// at the k-th value, ok is false for none. The study comes back if it shows any
// number.
func project(s *Set, st Study, defenses []string, at func(d string, k int) (who Pair, metric string, ok bool)) []Study {
	shown, blind := false, false
	for _, d := range defenses {
		row := make([]table.Value, len(st.Values))
		for k := range row {
			if who, metric, ok := at(d, k); ok {
				row[k] = s.doubted(who, s.Scored(who, metric))
				shown, blind = shown || row[k].OK, blind || row[k].Doubt
			}
		}
		st.Lines = append(st.Lines, row)
	}
	if !shown {
		return nil
	}
	if blind {
		st.Notes = append(st.Notes, "* "+NoEvidence+": the score is low and the attack may be to blame (see the table evidence); figures leave it out.")
	}
	st.Notes = append(st.Notes, s.IDNotes(s.Defenses[st.Panel], nil)...)
	return []Study{st}
}

// Studies lists what the results say about a parameter of an attack, then
// about a setting of generated data.
func (s *Set) Studies() []Study {
	var out []Study
	for _, p := range s.Panels {
		for _, w := range sweeps(s.Attackers[p], attackSettings) {
			out = append(out, attackStudies(s, p, w)...)
		}
	}
	for _, w := range sweeps(s.Panels, func(p Panel) (string, [][2]string, bool) { return dataSettings(s, p) }) {
		out = append(out, dataStudies(s, w)...)
	}
	return out
}

// attackSettings takes the ID of an attacker apart; a transfer attacker is one
// of many in a matrix, no point on a line.
func attackSettings(a Attacker) (of string, set [][2]string, ok bool) {
	name, set, err := params.Split(a.Attack)
	return name + " " + string(a.Knowledge), set, err == nil && a.Knowledge != results.Transfer
}

// dataSettings are those of the data of a panel; of is the panel without them.
func dataSettings(s *Set, p Panel) (of string, set [][2]string, ok bool) {
	d, ok := s.dataEntry(p.Dataset)
	for _, kv := range d.Settings {
		set = append(set, [2]string{kv.Key, kv.Value})
	}
	p.Dataset = d.Preset
	return fmt.Sprint(p), set, ok && d.Preset != ""
}

// dataEntry is what the run's manifest says of a data set; ok is false where it
// says nothing or there is none.
func (s *Set) dataEntry(name string) (d results.DataEntry, ok bool) {
	if m := s.Options.Manifest; m != nil {
		if i := slices.IndexFunc(m.Data, func(d results.DataEntry) bool { return d.Name == name }); i >= 0 {
			return m.Data[i], true
		}
	}
	return results.DataEntry{}, false
}

// attackStudies are the scores of one attack against one of its parameters.
func attackStudies(s *Set, p Panel, w sweep[Attacker]) []Study {
	var out []Study
	headline, _ := s.Headline(p)
	name, _, _ := strings.Cut(w.things[0].Attack, ":")
	zero, apart := w.things[0], ""
	if w.values[0] == 0 {
		apart = s.zero(name, w.key)
	}
	if apart != "" {
		w.values, w.things = w.values[1:], w.things[1:]
	}
	if len(w.values) < studyPoints {
		return nil
	}

	for _, m := range append([]string{headline}, studyMetrics(p.Task)...) {
		st := Study{Panel: p, X: w.key, Metric: MetricLabel(m), Values: w.values, Data: s.DataName(p.Dataset), Names: s.DefenseLabels(s.Defenses[p])}
		st.Title = fmt.Sprintf("%s of %s (%s) against %s: %s", FirstUpper(st.Metric), name, w.things[0].Knowledge, w.key, s.About(p))
		st.Notes = []string{"Other parameters: " + settings(w.rest) + "."}

		// At 0 it would look like the limit of the line, and be the tuned attack.
		if apart != "" {
			what, _ := SplitUnit(w.key)
			st.Zero = apart
			st.Notes = append(st.Notes, fmt.Sprintf("%s of 0: %s.", FirstUpper(what), apart))
			for _, d := range s.Defenses[p] {
				st.AtZero = append(st.AtZero, s.doubted(Pair{p, d, zero}, s.Scored(Pair{p, d, zero}, m)))
			}
		}
		out = append(out, project(s, st, s.Defenses[p], func(d string, k int) (Pair, string, bool) {
			return Pair{p, d, w.things[k]}, m, true
		})...)
	}
	return out
}

// zero is what 0 stands for where it is no number of an attack's parameter, as
// the run's manifest says; "" where it is one.
func (s *Set) zero(attack, param string) string {
	if s.Options.Manifest == nil {
		return ""
	}
	return s.Options.Manifest.Zeros[results.ZeroKey(attack, param)]
}

// dataStudies are the scores of the best attack against a setting of the data;
// each value is a panel of its own.
func dataStudies(s *Set, w sweep[Panel]) []Study {
	if len(w.values) < studyPoints {
		return nil
	}
	var out []Study
	p := w.things[0]
	headline, _ := s.Headline(p)
	for _, m := range append([]string{headline}, studyMetrics(p.Task)...) {
		st := Study{Panel: p, X: w.key, Metric: MetricLabel(m), Values: w.values, Names: s.DefenseLabels(s.Defenses[p])}

		// The name of one data set would stand for all: what they share is the preset.
		about := p
		st.Data = s.DataName(p.Dataset)
		if d, ok := s.dataEntry(p.Dataset); ok {
			about.Dataset, st.Data = d.Preset, d.Preset
		}
		st.Title = fmt.Sprintf("%s of the best attack against %s: %s", FirstUpper(st.Metric), w.key, s.About(about))
		st.Notes = []string{fmt.Sprintf("Each value is a data set of its own; what is counted is that of %s. Other settings: %s.", p.Dataset, settings(w.rest))}
		out = append(out, project(s, st, s.Defenses[p], func(d string, k int) (Pair, string, bool) {
			best, ok := s.Best(Subject{w.things[k], d})
			return best, m, ok
		})...)
	}
	return out
}

// Tolerances is the recall of events against how far a detection may lie from
// the truth, of the best attack on each defense.
func (s *Set) Tolerances() []Study {
	return bestAgainst(s, datasets.TaskEvent, Study{
		X: "tolerance_s", Values: []float64{1, 5, 15},
		Title: "Recall of events against the matching tolerance",
		Notes: []string{"The headline score counts a detection within 5 s."},
	}, []string{results.RecallIn1S, results.Recall, results.RecallIn15S})
}

// ShareOfWindow is the setting that Shares is against.
const ShareOfWindow = "share_of_window_percent"

// ShareEnds are the upper ends of the ranges of results.ShareMetrics in percent.
func ShareEnds() []float64 { return []float64{3, 10, 30, 100} }

// AboutShares is said below every table and figure of shares.
const AboutShares = "Windows are of 100 packets whatever window an attack itself looks at, so that attacks can be compared. " +
	"Packets of a defense itself and of nobody count in the window but are no device's. " +
	"Each value counts shares above the one before, the first from 0."

// Shares is the recall of packets against how much of the packets around them
// are their device's, of the best attack on each defense.
func (s *Set) Shares() []Study {
	return bestAgainst(s, datasets.TaskDevice, Study{
		X: ShareOfWindow, Values: ShareEnds(),
		Title: "Recall of packets against their device's share of the window",
		Notes: []string{AboutShares},
	}, results.ShareMetrics())
}

// bestAgainst fills st with recalls, one metric for each of its values, of the
// best attack on each defense, for each panel of the task.
func bestAgainst(s *Set, task datasets.Task, st Study, metrics []string) []Study {
	var out []Study
	for _, p := range s.Panels {
		if p.Task != task {
			continue
		}
		st := st
		st.Panel, st.Metric, st.Data = p, MetricLabel(results.Recall), s.DataName(p.Dataset)
		st.Title += ", best attack on each defense: " + s.About(p)

		// One line is of one defense; who attacks is said once if it is the same
		// for all, else at each line.
		var ds, by []string
		for _, d := range s.Defenses[p] {
			if best, ok := s.Best(Subject{p, d}); ok {
				ds, by = append(ds, d), append(by, s.Label(best.Attack))
			}
		}
		st.Names = s.DefenseLabels(ds)
		st.Defenses, st.By = s.DefenseLabels(ds), by
		if len(Distinct(by)) == 1 {
			st.Notes = append([]string{"The attack is " + by[0] + "."}, st.Notes...)
		} else {
			for i, a := range by {
				st.Names[i] += ", " + a
			}
		}
		out = append(out, project(s, st, ds, func(d string, k int) (Pair, string, bool) {
			best, ok := s.Best(Subject{p, d})
			return best, metrics[k], ok
		})...)
	}
	return out
}
