package tables

import (
	"fmt"

	"veilbench/bench/results"
	"veilbench/bench/stats"
	"veilbench/datasets"
	"veilbench/reports"
	"veilbench/reports/table"
)

// FalseAlarms is a table for each event panel and knowledge: how often each
// attack detects what did not happen, with upper limits, and of the alerts for
// private activities how many are right.
var FalseAlarms = reports.TableKind{
	Name: "false-alarms", Doc: "how often attacks on events cry wolf, and how many alerts are right",
	Draw: reports.PerPanel(func(s *reports.Set, p reports.Panel) []table.Table {
		if p.Task != datasets.TaskEvent {
			return nil
		}
		return append(alarmTable(s, p, results.Adaptive), alarmTable(s, p, results.Unaware)...)
	}),
}

// alarmCounts are the counts behind rates, over the folds of one draw and seed:
// other draws are of the same days.
type alarmCounts struct {
	alarms, days, packets float64
	alerts, right         float64
}

// countAlarms adds up the cells of an attacker; ok is false when one of them
// failed or does not count alarms.
func countAlarms(s *reports.Set, k reports.Pair) (c alarmCounts, ok bool) {
	rs, failed := reports.Good(s.ByPair[k])
	if len(rs) == 0 || failed > 0 {
		return c, false
	}

	first := rs[0].Cell
	for _, r := range rs {
		if r.Cell.Draw != first.Draw || r.Cell.Seed != first.Seed || r.Cell.TrainDraws != first.TrainDraws {
			continue
		}
		if _, counted := r.Metric(results.FalseAlarms); !counted {
			return c, false
		}
		// An attack that raised no alert has no metric for it, and adds 0.
		for metric, sum := range map[string]*float64{
			results.FalseAlarms: &c.alarms, results.ObservedDays: &c.days, results.ObservedPackets: &c.packets,
			results.Alerts: &c.alerts, results.AlertsRight: &c.right,
		} {
			v, _ := r.Metric(metric)
			*sum += v
		}
	}
	return c, true
}

// alarmColumns is how many columns a table has without alerts.
const alarmColumns = 8

func alarmTable(s *reports.Set, p reports.Panel, k results.Knowledge) []table.Table {
	t := table.Table{Title: fmt.Sprintf("False alarms of each attack (%s): %s", k, s.About(p)), Columns: table.Columns(
		"defense", "attack", "#false alarms", "#a home-day", "#at most", "#a million packets", "#at most", "#right at the usual rate",
		"#alerts", "#right", "#at least", "#at most")}
	alerts := false
	for _, d := range s.Defenses[p] {
		for _, a := range s.WithKnowledge(p, k) {
			pair := reports.Pair{Panel: p, Defense: d, Attacker: a}
			if c, ok := countAlarms(s, pair); ok && !s.Control[a.Attack] {
				t.Rows = append(t.Rows, alarmRow(s, pair, c))
				alerts = alerts || c.alerts > 0
			}
		}
	}

	// Most attacks are after no private activity; four empty columns would only
	// take room.
	t.Notes = append(t.Notes, fmt.Sprintf("At most: upper %.0f %% limit of a Poisson rate, one-sided, as if false alarms came independently of each other; one draw and seed. Right at the usual rate: share of detections that are right in a home where events come as often as the data set says people cause them.", 100*results.Level))
	if alerts {
		t.Notes = append(t.Notes, fmt.Sprintf("Alerts are detections of activities named as private; at least and at most: exact %.0f %% limits (Clopper and Pearson) of the share that is right.", 100*results.Level))
	} else {
		t.Columns = t.Columns[:alarmColumns]
		for i, row := range t.Rows {
			t.Rows[i] = row[:alarmColumns]
		}
	}
	t.Notes = append(t.Notes, s.PanelNotes(p, s.Attacks(p)...)...)
	return unlessEmpty(t)
}

func alarmRow(s *reports.Set, k reports.Pair, c alarmCounts) []table.Value {
	upper := stats.PoissonUpper(int(c.alarms), results.Level)
	right, least, most := table.Missing(), table.Missing(), table.Missing()
	if c.alerts > 0 {
		lo, hi := stats.ClopperPearson(int(c.right), int(c.alerts), results.Level)
		right, least, most = table.Number(c.right/c.alerts, table.Score), table.Number(lo, table.Score), table.Number(hi, table.Score)
	}
	return []table.Value{
		defense(s, k.Defense), label(s, k.Attack), table.Number(c.alarms, table.Amount),
		rate(c.alarms, c.days), rate(upper, c.days), rate(1e6*c.alarms, c.packets), rate(1e6*upper, c.packets),
		s.Mean(k, results.PPVAtRate).Value(table.Score),
		table.Number(c.alerts, table.Amount), right, least, most,
	}
}

// rate is n over an exposure, n/a without any.
func rate(n, of float64) table.Value {
	if of == 0 {
		return table.NotApplicable()
	}
	return table.Number(n/of, table.Amount)
}
