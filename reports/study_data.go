package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"veilbench/datasets/home"
	"veilbench/datasets/params"
)

// dataSweep is a setting of generated data and the panels that differ in it
// alone.
type dataSweep struct {
	preset, key, rest string // rest are the other settings
	like              Panel  // the panels without their data sets
	points            []dataPoint
}

type dataPoint struct {
	value float64
	panel Panel
}

// dataSweeps finds panels whose data are the same preset with another number.
func (s *Set) dataSweeps() []dataSweep {
	var out []dataSweep
	for _, p := range s.panels {
		preset, _, err := params.Split(strings.TrimPrefix(p.Dataset, "home:"))
		if err != nil || !strings.HasPrefix(p.Dataset, "home:") {
			continue
		}
		set, err := home.Settings(p.Dataset)
		if err != nil {
			continue // data of another version
		}
		like := p
		like.Dataset = ""
		for i, kv := range set {
			v, err := strconv.ParseFloat(kv.Value, 64)
			if err != nil {
				continue
			}
			rest := settings(slices.Delete(slices.Clone(set), i, i+1))
			at := slices.IndexFunc(out, func(w dataSweep) bool {
				return w.preset == preset && w.key == kv.Key && w.rest == rest && w.like == like
			})
			if at < 0 {
				at = len(out)
				out = append(out, dataSweep{preset: preset, key: kv.Key, rest: rest, like: like})
			}
			out[at].points = append(out[at].points, dataPoint{v, p})
		}
	}
	out = slices.DeleteFunc(out, func(w dataSweep) bool { return len(w.points) < studyPoints })
	for _, w := range out {
		slices.SortFunc(w.points, func(a, b dataPoint) int { return cmp.Compare(a.value, b.value) })
	}
	return out
}

// settings lists ps as they are written in an ID.
func settings(ps []params.Param) string {
	out := make([]string, len(ps))
	for i, p := range ps {
		out[i] = p.Key + "=" + p.Value
	}
	return strings.Join(out, ",")
}

// dataStudies lists what the results say about a setting of generated data:
// the best attack at each value.
func (s *Set) dataStudies() []study {
	sums := s.summaries()
	var out []study
	for _, w := range s.dataSweeps() {
		p := w.points[0].panel
		for _, m := range s.studyMetrics(p) {
			st := study{panel: p, x: w.key, metric: metricName(m)}
			st.title = fmt.Sprintf("%s of the best attack against %s: home:%s, %s, seen %s", firstUpper(st.metric), w.key, w.preset, taskName(p.Task), whereName(p.Vantage))
			for _, at := range w.points {
				st.values = append(st.values, at.value)
			}
			for _, d := range s.defenses[p] {
				row := make([]Value, len(w.points))
				for k, at := range w.points {
					if sum, ok := sums[subject{at.panel, d}]; ok && sum.Attack != "" {
						row[k] = s.point(Origin{Op: Mean, Metric: m, Panel: at.panel, Defense: d, Attacker: bestAttacker(sum)})
					}
				}
				st.add(s.defenseLabel(d).Text, row)
			}
			st.notes = append(st.notes, fmt.Sprintf("Each value is a data set of its own; what is counted is that of %s. Other settings: %s.", p.Dataset, w.rest))
			st.notes = append(st.notes, s.idNotes(s.defenses[p], nil)...)
			if st.shown() {
				out = append(out, st)
			}
		}
	}
	return out
}
