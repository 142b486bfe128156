package tables

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/reports"
	"veilbench/reports/table"
)

// Packets has the scores of every attack that names the device of each packet,
// beside the headline's: accuracy, and the loss per window.
var Packets = reports.TableKind{
	Name: "packets", Doc: "scores of packets: recall, accuracy, Hamming loss per window",
	Draw: ofDevices(packetTable),
}

// Lengths is the recall of packets of one length that several devices send alike,
// by each attack: what an attack sees besides the packet itself.
var Lengths = reports.TableKind{
	Name: "lengths", Doc: "recall of packets of a length that several devices share, by attack",
	Draw: ofDevices(lengthTables),
}

// RunStates says how well packet labels tell when a device is at work.
var RunStates = reports.TableKind{
	Name: "run-states", Doc: "busy or not, told by how densely a device's packets come",
	Draw: ofDevices(stateTable),
}

// ofDevices draws the panels of the device task.
func ofDevices(draw func(*reports.Set, reports.Panel) []table.Table) func(*reports.Set) []table.Table {
	return reports.PerPanel(func(s *reports.Set, p reports.Panel) []table.Table {
		if p.Task != datasets.TaskDevice {
			return nil
		}
		return draw(s, p)
	})
}

func packetTable(s *reports.Set, p reports.Panel) []table.Table {
	metrics := []string{results.MacroRecall, results.Accuracy, results.RealRecall, results.RealAccuracy, results.HammingLoss}
	t := table.Table{Title: "Scores of packets: " + s.About(p), Columns: table.Columns("defense", "attack", "knows")}
	for _, m := range metrics {
		t.Columns = append(t.Columns, table.Column{Head: reports.MetricLabel(m), Num: true, Interval: true})
	}
	// Controls have rows too: a loss says nothing without theirs. Rows that are not
	// shown are not worked out: of a large grid there are thousands.
	n := 0
	for _, d := range s.Defenses[p] {
		for _, a := range s.Attackers[p] {
			k := reports.Pair{Panel: p, Defense: d, Attacker: a}
			if len(s.ByPair[k]) == 0 || a.Knowledge == results.Transfer {
				continue
			}
			if n++; n > mostClasses {
				continue
			}
			row := []table.Value{defense(s, d), label(s, a.Attack), table.Word(string(a.Knowledge))}
			for _, m := range metrics {
				row = append(row, s.Scored(k, m))
			}
			t.Rows = append(t.Rows, row)
		}
	}
	t.Notes = slices.Concat([]string{
		"Recall is the mean over devices, accuracy the share of all packets; real ones are those that no defense added.",
		"Hamming loss: the share of packets in a window of 100 with the wrong name, mean over windows; the controls, which see no traffic, are what it is worth.",
		s.CountNote(p),
	}, s.PanelNotes(p, s.Attacks(p)...))
	if n > mostClasses {
		t.Notes = append([]string{fmt.Sprintf("The first %d of %d rows; results.csv has all.", mostClasses, n)}, t.Notes...)
	}
	return unlessEmpty(t)
}

// lengthTables are one for each defense: attacks stand side by side, since the
// question is which of them tells such packets apart.
func lengthTables(s *reports.Set, p reports.Panel) []table.Table {
	var out []table.Table
	for _, d := range s.Defenses[p] {
		// Which lengths are kept is the data's doing, so all attacks of a defense have
		// the same ones.
		packets := map[string]float64{}
		var attackers []reports.Attacker
		for _, a := range s.Attackers[p] {
			rs, _ := reports.Good(s.ByPair[reports.Pair{Panel: p, Defense: d, Attacker: a}])
			if len(rs) == 0 || a.Knowledge == results.Transfer {
				continue
			}
			// Without a defense all attackers know the same, and one of each attack will do.
			if d != results.NoDefense || !slices.ContainsFunc(attackers, func(b reports.Attacker) bool { return b.Attack == a.Attack }) {
				attackers = append(attackers, a)
			}
			for _, name := range ofMetric(rs, results.PacketsLength) {
				for _, r := range rs {
					n, _ := r.Metric(results.OfClass(results.PacketsLength, name))
					packets[name] = max(packets[name], n)
				}
			}
		}

		t := table.Table{Title: "Recall of packets of lengths that devices share, " + s.DefenseLabel(d) + ": " + s.About(p), Columns: table.Columns("device", "frame", "#n")}
		for i, a := range attackers {
			head := s.Label(a.Attack)
			if slices.ContainsFunc(slices.Delete(slices.Clone(attackers), i, i+1), func(b reports.Attacker) bool { return b.Attack == a.Attack }) {
				head += " (" + string(a.Knowledge) + ")"
			}
			t.Columns = append(t.Columns, table.Column{Head: head, Num: true, Interval: true})
		}
		names := slices.SortedFunc(maps.Keys(packets), func(a, b string) int {
			return cmp.Or(cmp.Compare(frameOf(a), frameOf(b)), cmp.Compare(a, b))
		})
		for _, name := range names {
			row := []table.Value{table.Word(strings.TrimSuffix(name, " "+frameOf(name))), table.Word(frameOf(name)), table.Count(int64(packets[name]))}
			for _, a := range attackers {
				row = append(row, s.Scored(reports.Pair{Panel: p, Defense: d, Attacker: a}, results.OfClass(results.RecallLength, name)))
			}

			// A length that a device sends too rarely in some fold has no figure over all.
			if !slices.ContainsFunc(row[3:], func(v table.Value) bool { return v.OK }) {
				continue
			}
			t.Rows = append(t.Rows, row)
		}
		t.Notes = slices.Concat([]string{
			"Frame lengths in bytes as seen there, with the direction: those that at least two devices send, each 30 or more, the six most shared; n is the most in a fold. Such packets differ in what comes before and after them alone.",
			s.CountNote(p),
		}, s.Stamps(p), s.IDNotes([]string{d}, s.Attacks(p)))
		out = append(out, unlessEmpty(t)...)
	}
	return out
}

// frameOf is the length and the direction at the end of a metric's class.
func frameOf(name string) string {
	words := strings.Fields(name)
	return strings.Join(words[max(len(words)-2, 0):], " ")
}

// ofMetric lists the classes, sorted, that results have a metric of.
func ofMetric(rs []*results.Result, metric string) []string {
	var out []string
	for _, r := range rs {
		for _, m := range r.Metrics {
			if of, class, ok := strings.Cut(m.Name, ":"); ok && of == metric {
				out = append(out, class)
			}
		}
	}
	return reports.Distinct(out)
}

func stateTable(s *reports.Set, p reports.Panel) []table.Table {
	t := table.Table{Title: "Busy or not, from packet labels of the best attack: " + s.About(p), Columns: table.Columns(
		"defense", "device", "attack", "#busy", "±told right", "#floor", "±by true labels")}
	// The best attack at naming packets speaks for a defense; which of them tells one
	// device's state best would be chosen by luck.
	for _, d := range s.Defenses[p] {
		best, ok := s.Best(reports.Subject{Panel: p, Defense: d})
		if !ok {
			continue
		}
		rs, _ := reports.Good(s.ByPair[best])
		for _, device := range ofMetric(rs, results.BusyRight) {
			of := func(metric string) table.Value { return s.Scored(best, results.OfClass(metric, device)) }
			t.Rows = append(t.Rows, []table.Value{
				defense(s, d), table.Word(device), label(s, best.Attack), of(results.BusyShare),
				of(results.BusyRight), table.Number(0.5, table.Score), of(results.BusyKnown),
			})
		}
	}
	t.Notes = slices.Concat([]string{
		"A device is said to be busy in each 5 s in which its packets, as the attack labels them, come densely: above the threshold that parts the counts of a recording best. In truth it is during events that last, such as a stream that somebody watches.",
		"Told right: mean of the shares of busy and of idle time, so knowing nothing is 0.5. By true labels: the same rule, had the attack named every packet right.",
		s.CountNote(p),
	}, s.PanelNotes(p))
	return unlessEmpty(t)
}
