package reports

import (
	"fmt"
	"slices"

	"veilbench/bench/results"
	"veilbench/bench/stats"
	"veilbench/datasets"
)

// alarmCounts are the counts behind rates, over the folds of one draw and seed:
// other draws are of the same days.
type alarmCounts struct {
	alarms, days, packets float64
	alerts, right         float64
}

// countAlarms adds up the cells of an attacker; ok is false when one of them
// failed or does not count alarms.
func (s *Set) countAlarms(k pair) (c alarmCounts, ok bool) {
	rs, failed := good(s.byPair[k])
	if len(rs) == 0 || failed > 0 {
		return c, false
	}
	first := rs[0].Cell
	for _, r := range rs {
		if r.Cell.Draw != first.Draw || r.Cell.Seed != first.Seed || r.Cell.TrainDraws != first.TrainDraws {
			continue
		}
		alarms, counted := r.Metric("false_alarms")
		if !counted {
			return c, false
		}
		days, _ := r.Metric("observed_days")
		packets, _ := r.Metric("observed_packets")
		c.alarms, c.days, c.packets = c.alarms+alarms, c.days+days, c.packets+packets
		alerts, _ := r.Metric("alerts") // absent: none was raised
		right, _ := r.Metric("alerts_right")
		c.alerts, c.right = c.alerts+alerts, c.right+right
	}
	return c, true
}

// falseAlarms is a table for each event panel and knowledge: how often each
// attack detects what did not happen, with upper limits, and of the alerts for
// private activities how many are right.
func (s *Set) falseAlarms() []Table {
	var out []Table
	for _, p := range s.panels {
		if p.Task != datasets.Events {
			continue
		}
		for _, k := range s.knowledges(p) {
			if t := s.alarmTable(p, k); k != results.Transfer && len(t.Rows) > 0 {
				out = append(out, t)
			}
		}
	}
	return out
}

func (s *Set) alarmTable(p Panel, k results.Knowledge) Table {
	t := Table{Title: fmt.Sprintf("False alarms of each attack (%s): %s", k, p.about()), Columns: []Column{
		{Head: "defense"},
		{Head: "attack"},
		{Head: "false alarms", Num: true},
		{Head: "a home-day", Num: true},
		{Head: "at most", Num: true},
		{Head: "a million packets", Num: true},
		{Head: "at most", Num: true},
		{Head: "right at the usual rate", Num: true},
		{Head: "alerts", Num: true},
		{Head: "right", Num: true},
		{Head: "at least", Num: true},
		{Head: "at most", Num: true},
	}}
	alerts := false
	for _, d := range s.defenses[p] {
		for _, a := range s.withKnowledge(p, k) {
			c, ok := s.countAlarms(pair{p, d, a})
			if !ok || s.control[a.Attack] {
				continue
			}
			upper := stats.PoissonUpper(int(c.alarms), results.Level)
			at := Origin{Panel: p, Defense: d, Attacker: a}
			of := func(v Value, op Op, metric string) Value {
				at.Op, at.Metric = op, metric
				return v.of(at)
			}
			row := []Value{
				s.defenseLabel(d), word(s.names.of(a.Attack)), of(number(c.alarms, amount), Total, "false_alarms"),
				of(rate(c.alarms, c.days), PerDay, "false_alarms"), of(rate(upper, c.days), MostDay, "false_alarms"),
				of(rate(1e6*c.alarms, c.packets), PerMillion, "false_alarms"), of(rate(1e6*upper, c.packets), MostMillion, "false_alarms"),
				s.value(Origin{Op: Mean, Metric: "ppv_at_rate", Panel: p, Defense: d, Attacker: a}, score),
				of(number(c.alerts, amount), Total, "alerts"), missing(), missing(), missing(),
			}
			if c.alerts > 0 {
				alerts = true
				lo, hi := stats.ClopperPearson(int(c.right), int(c.alerts), results.Level)
				row[9] = of(number(c.right/c.alerts, score), Right, "")
				row[10], row[11] = of(number(lo, score), RightLow, ""), of(number(hi, score), RightHigh, "")
			}
			t.Rows = append(t.Rows, row)
		}
	}
	t.Notes = append(t.Notes, fmt.Sprintf("At most: upper %.0f %% limit of a Poisson rate, one-sided, as if false alarms came independently of each other; one draw and seed. Right at the usual rate: share of detections that are right in a home where events come as often as the data set says people cause them.", 100*results.Level))
	if alerts {
		t.Notes = append(t.Notes, fmt.Sprintf("Alerts are detections of activities named as private; at least and at most: exact %.0f %% limits (Clopper and Pearson) of the share that is right.", 100*results.Level))
	} else {
		for i, row := range t.Rows {
			t.Rows[i] = row[:8]
		}
		t.Columns = slices.Clone(t.Columns[:8])
	}
	t.Notes = append(t.Notes, s.stamps(p)...)
	t.Notes = append(t.Notes, s.idNotes(s.defenses[p], s.attacksOf(p))...)
	return t
}

// rate is n over an exposure, n/a without any.
func rate(n, of float64) Value {
	if of == 0 {
		return word("n/a")
	}
	return number(n/of, amount)
}
