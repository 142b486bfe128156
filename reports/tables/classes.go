package tables

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/bench/stats"
	"veilbench/datasets"
	"veilbench/datasets/privacy"
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

// classTallies are what the best attack on each defense named right of each class,
// and the most that any defense was tested on: one adds classes of its own, such as
// cover.
func classTallies(s *reports.Set, p reports.Panel) (byDefense map[string]map[string]reports.Tally, most map[string]int64) {
	byDefense, most = map[string]map[string]reports.Tally{}, map[string]int64{}
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
	return byDefense, most
}

// defenseColumns has a column for each defense, which says where low numbers are
// not its doing.
func defenseColumns(s *reports.Set, p reports.Panel) []table.Column {
	var out []table.Column
	for _, d := range s.Defenses[p] {
		head := s.DefenseLabel(d)
		if s.Summaries[reports.Subject{Panel: p, Defense: d}].NoEvidence != "" {
			head += " (" + reports.NoEvidence + ")"
		}
		out = append(out, table.Column{Head: head, Num: true})
	}
	return out
}

// share is the part of t that is right, missing where nothing was tested.
func share(t reports.Tally) table.Value {
	if t.N == 0 {
		return table.Missing()
	}
	return table.Number(float64(t.Right)/float64(t.N), table.Score)
}

func classTable(s *reports.Set, p reports.Panel, what, tested string) []table.Table {
	byDefense, most := classTallies(s, p)
	told, meaning := "tells", privacy.OfClass
	switch p.Task {
	case datasets.TaskDevice:
		told, meaning = "tells by being there", privacy.OfDevice
	case datasets.TaskRoutine, datasets.TaskDetect: // its classes are what is told already
		meaning = func(string) privacy.Meaning { return privacy.Meaning{} }
	}
	t := table.Table{
		Title:   fmt.Sprintf("Recall of each %s under the best attack: %s", what, s.About(p)),
		Columns: append(table.Columns(what, told, "#n"), defenseColumns(s, p)...),
		Notes: []string{
			fmt.Sprintf("Share of the tested %s (n, the most over defenses) of each %s that the best attack names right.", tested, what),
			reports.FirstUpper(told) + ": " + privacy.Star,
		},
	}
	if most[datasets.Cover] > 0 {
		t.Notes = append(t.Notes, datasets.Cover+": the defense's own packets.")
	}
	names := slices.Sorted(maps.Keys(most))
	if len(names) > mostClasses {
		t.Notes = append(t.Notes, fmt.Sprintf("The first %d of %d classes by name.", mostClasses, len(names)))
		names = names[:mostClasses]
	}

	// A defense may have been tested on fewer classes: what it was not asked is no 0.
	for _, c := range names {
		row := []table.Value{table.Word(c), table.Word(meaning(c).Kinds()), table.Count(most[c])}
		for _, d := range s.Defenses[p] {
			row = append(row, share(byDefense[d][c]))
		}
		t.Rows = append(t.Rows, row)
	}
	t.Notes = append(t.Notes, s.PanelNotes(p)...)
	return unlessEmpty(t)
}

// People is what the leaks of activities add up to: how much of what tells each
// kind of thing about people the best attack names right, and what leaks of several
// devices tell together.
var People = reports.TableKind{
	Name: "people", Doc: "what the leaks say about people: presence, sleep, health, habits, belongings",
	Draw: reports.PerPanel(peopleTable),
}

func peopleTable(s *reports.Set, p reports.Panel) []table.Table {
	// Classes of diaries are what is told already, and have tables of their own.
	if p.Task == datasets.TaskDevice || p.Task == datasets.TaskRoutine || p.Task == datasets.TaskDetect {
		return nil
	}
	byDefense, most := classTallies(s, p)
	classes := slices.Sorted(maps.Keys(most))
	t := table.Table{
		Title:   "What the leaks say about people, by the best attack: " + s.About(p),
		Columns: append(table.Columns("tells", "from", "#n"), defenseColumns(s, p)...),
	}
	add := func(what, from string, n int64, of func(d string) table.Value) {
		row := []table.Value{table.Word(what), table.Word(from), table.Count(n)}
		for _, d := range s.Defenses[p] {
			row = append(row, of(d))
		}
		t.Rows = append(t.Rows, row)
	}
	sum := func(d string, classes []string) (all reports.Tally) {
		for _, c := range classes {
			all.Right, all.N = all.Right+byDefense[d][c].Right, all.N+byDefense[d][c].N
		}
		return all
	}

	for _, kind := range privacy.Kinds() {
		of := slices.DeleteFunc(slices.Clone(classes), func(c string) bool { return !slices.Contains(privacy.OfClass(c).Tells, kind) })
		if len(of) > 0 {
			add(kind, few(of), countOf(most, of), func(d string) table.Value { return share(sum(d, of)) })
		}
	}

	// Whether parts are seen together is in no result: no more often than the one
	// that is seen least.
	together := false
	for _, c := range privacy.Combinations() {
		parts, whole := c.Classes(classes)
		if !whole {
			continue
		}
		together = true
		add(c.Says+" *", strings.Join(eachFew(parts), " + "), countOf(most, slices.Concat(parts...)), func(d string) table.Value {
			least := share(sum(d, parts[0]))
			for _, part := range parts[1:] {
				if v := share(sum(d, part)); !v.OK || v.Num < least.Num {
					least = v
				}
			}
			return least
		})
	}

	t.Notes = []string{"Share of the events of all activities that tell it (n, the most over defenses) that the best attack names right; from: those activities. Tells: " + privacy.Star}
	if together {
		t.Notes = append(t.Notes, "Rows of several activities joined by +: the least of their shares, for all are seen together no more often than that one.")
	}
	t.Notes = append(t.Notes, s.PanelNotes(p)...)
	return unlessEmpty(t)
}

// countOf adds up the counts of classes.
func countOf(of map[string]int64, classes []string) (n int64) {
	for _, c := range classes {
		n += of[c]
	}
	return n
}

// few names the first classes, and how many there are besides.
func few(classes []string) string {
	const most = 2
	if n := len(classes) - most; n > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(classes[:most], ", "), n)
	}
	return strings.Join(classes, ", ")
}

// eachFew is few of each part of a combination.
func eachFew(parts [][]string) []string {
	var out []string
	for _, p := range parts {
		out = append(out, few(p))
	}
	return out
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
	t := table.Table{Title: "Events of each device, by the attack of the headline: " + s.About(p), Columns: table.Columns(
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
