package tables

import (
	"fmt"
	"maps"
	"slices"

	"veilbench/bench/results"
	"veilbench/bench/stats"
	"veilbench/datasets"
	"veilbench/reports"
	"veilbench/reports/table"
)

// PerDevice is the recall of each device under the best attack on each
// defense, over packets of all groups.
var PerDevice = reports.TableKind{
	Name: "per-device", Doc: "recall of each device under the best attack",
	Draw: reports.PerPanel(func(s *reports.Set, p reports.Panel) []table.Table {
		if p.Task != datasets.TaskDevice {
			return nil
		}
		return classTable(s, p, "device", "packets")
	}),
}

// PerActivity is the share of events, clips or commands of each class that the
// best attack named right.
var PerActivity = reports.TableKind{
	Name: "per-activity", Doc: "recall of each activity under the best attack",
	Draw: reports.PerPanel(func(s *reports.Set, p reports.Panel) []table.Table {
		if p.Task == datasets.TaskDevice {
			return nil
		}
		return classTable(s, p, "activity", "items")
	}),
}

// mostClasses is how many classes a table shows.
const mostClasses = 60

func classTable(s *reports.Set, p reports.Panel, what, tested string) []table.Table {
	// A defense adds classes of its own, such as cover, so the number tested is
	// the most over defenses.
	byDefense := map[string]map[string]reports.Tally{}
	most := map[string]int64{}
	for _, d := range s.Defenses[p] {
		byDefense[d] = map[string]reports.Tally{}
		for _, r := range s.BestResults(reports.Subject{Panel: p, Defense: d}) {
			for c, t := range reports.ClassTallies(r) {
				u := byDefense[d][c]
				u.Right, u.N = u.Right+t.Right, u.N+t.N
				byDefense[d][c] = u
				most[c] = max(most[c], u.N)
			}
		}
	}

	t := table.Table{Title: fmt.Sprintf("Recall of each %s under the best attack: %s", what, p.About()), Columns: table.Columns(what, "#n")}
	for _, d := range s.Defenses[p] {
		head := s.DefenseLabel(d)
		if s.Summaries[reports.Subject{Panel: p, Defense: d}].NoEvidence != "" {
			head += " (" + reports.NoEvidence + ")"
		}
		t.Columns = append(t.Columns, table.Column{Head: head, Num: true})
	}
	t.Notes = append(t.Notes, fmt.Sprintf("Share of the tested %s (n, the most over defenses) of each %s that the best attack names right.", tested, what))
	if most[datasets.Cover] > 0 {
		t.Notes = append(t.Notes, datasets.Cover+": the defense's own packets.")
	}
	names := slices.Sorted(maps.Keys(most))
	if len(names) > mostClasses {
		t.Notes = append(t.Notes, fmt.Sprintf("The first %d of %d classes by name.", mostClasses, len(names)))
		names = names[:mostClasses]
	}

	for _, c := range names {
		row := []table.Value{table.Word(c), table.Count(most[c])}
		for _, d := range s.Defenses[p] {
			if u := byDefense[d][c]; u.N > 0 {
				row = append(row, table.Number(float64(u.Right)/float64(u.N), table.Score))
			} else {
				row = append(row, table.Missing())
			}
		}
		t.Rows = append(t.Rows, row)
	}
	t.Notes = append(t.Notes, s.PanelNotes(p)...)
	return unlessEmpty(t)
}

// Devices is a table for each event panel: what the attack of the headline finds
// of each device's events behind each defense.
var Devices = reports.TableKind{
	Name: "devices", Doc: "events of each device: F1, floor and advantage of the headline's attack",
	Draw: reports.PerPanel(deviceTable),
}

// deviceMeans are the means over test groups with an event of the device.
type deviceMeans struct {
	value, floor, advantage []float64
	events                  int
}

func deviceTable(s *reports.Set, p reports.Panel) []table.Table {
	if p.Task != datasets.TaskEvent {
		return nil
	}
	t := table.Table{Title: "Events of each device, by the attack of the headline: " + p.About(), Columns: table.Columns(
		"defense", "device", "attack", "#events", "#F1", "#floor", "#advantage")}

	// Each defense is judged by the attack of its headline, which may find one device
	// better than others and be the worse attack on another.
	n := footnotes{}
	for _, d := range s.Defenses[p] {
		k, ok := s.Best(reports.Subject{Panel: p, Defense: d})
		if !ok {
			continue
		}
		devices := devicesOf(s, k)
		undefended := undefendedDevices(s, k)
		for _, name := range slices.Sorted(maps.Keys(devices)) {
			m := devices[name]
			t.Rows = append(t.Rows, []table.Value{
				defense(s, d), table.Word(name), label(s, k.Attack), table.Count(m.events),
				table.Number(stats.Mean(m.value), table.Score), table.Number(stats.Mean(m.floor), table.Score),
				deviceAdvantage(s, k, stats.Mean(m.advantage), undefended[name], &n),
			})
		}
	}
	t.Notes = slices.Concat(n.lines(), []string{"Means over the test groups with an event of the device; each device has its own floor."}, s.PanelNotes(p, s.Attacks(p)...))
	return unlessEmpty(t)
}

// devicesOf are the devices that an attacker was tested on.
func devicesOf(s *reports.Set, k reports.Pair) map[string]deviceMeans {
	out := map[string]deviceMeans{}
	rs, _ := reports.Good(s.ByPair[k])
	for _, r := range rs {
		for _, g := range r.Groups {
			for _, d := range g.Devices {
				m := out[d.Device]
				m.value, m.floor = append(m.value, d.Value), append(m.floor, d.Floor)
				m.advantage = append(m.advantage, (d.Value-d.Floor)/max(1-d.Floor, 1e-9))
				m.events += d.N
				out[d.Device] = m
			}
		}
	}
	return out
}

// undefendedDevices is what the attack gains of each device without a defense,
// by the knowledge that serves it best.
func undefendedDevices(s *reports.Set, k reports.Pair) map[string]float64 {
	out := map[string]float64{}
	for _, a := range s.Attackers[k.Panel] {
		if a.Attack != k.Attack {
			continue
		}
		for name, m := range devicesOf(s, reports.Pair{Panel: k.Panel, Defense: results.NoDefense, Attacker: a}) {
			out[name] = max(out[name], stats.Mean(m.advantage))
		}
	}
	return out
}

// lowAdvantage is below what a device's advantage is asked for evidence.
const lowAdvantage = 0.05

// deviceAdvantage is the advantage on one device. A low one is the defense's only
// if the attack finds the same device without it, and finds its canary.
func deviceAdvantage(s *reports.Set, k reports.Pair, advantage, undefended float64, n *footnotes) table.Value {
	e, _ := s.Evidence(k)
	switch {
	case advantage >= lowAdvantage:
	case s.Unearned(k) || !e.Canary.Seen():
		return table.Word(reports.NoEvidence + " " + n.mark(reports.NoEvidence+": "+s.Label(k.Attack)+" is not known to work there; see the table evidence"))
	case undefended < lowAdvantage:
		return table.Word(reports.NoEvidence + " " + n.mark(reports.NoEvidence+": the attack finds no events of this device without a defense either"))
	}
	return table.Number(max(advantage, 0), table.Score)
}
