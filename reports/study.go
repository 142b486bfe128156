package reports

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/datasets/params"
)

// study is a figure of merit against one number, one line for each defense.
type study struct {
	panel  Panel
	x      string // what the number is
	metric string
	title  string
	values []float64
	names  []string // of the defenses
	lines  [][]Value
	notes  []string
}

// studyPoints is how many values of a parameter make a study.
const studyPoints = 3

// sweep is a parameter and the attackers that differ in it alone.
type sweep struct {
	attack, key, rest string // rest are the other settings
	values            []float64
	by                []Attacker
}

// sweeps finds attacks of one name and knowledge that differ in one number.
func (s *Set) sweeps(p Panel) []sweep {
	var out []sweep
	for _, a := range s.attackers[p] {
		name, set, err := params.Split(a.Attack)
		if err != nil || a.Knowledge == results.Transfer {
			continue
		}
		for i, kv := range set {
			v, err := strconv.ParseFloat(kv[1], 64)
			if err != nil {
				continue
			}
			rest := fmt.Sprint(a.Knowledge, slices.Delete(slices.Clone(set), i, i+1))
			at := slices.IndexFunc(out, func(w sweep) bool { return w.attack == name && w.key == kv[0] && w.rest == rest })
			if at < 0 {
				at = len(out)
				out = append(out, sweep{attack: name, key: kv[0], rest: rest})
			}
			out[at].values = append(out[at].values, v)
			out[at].by = append(out[at].by, a)
		}
	}
	return slices.DeleteFunc(out, func(w sweep) bool { return len(w.values) < studyPoints })
}

// studyMetrics are the figures that a study of a panel shows.
func (s *Set) studyMetrics(p Panel) []string {
	headline, _ := s.headlineOf(p)
	if p.Task == datasets.Gateway {
		return []string{headline, "in_candidates", "in_candidates_bounded"}
	}
	return []string{headline}
}

// studies lists what the results say about a parameter of an attack, then
// about a setting of the data.
func (s *Set) studies() []study {
	var out []study
	for _, p := range s.panels {
		for _, w := range s.sweeps(p) {
			order := make([]int, len(w.values))
			for i := range order {
				order[i] = i
			}
			slices.SortFunc(order, func(a, b int) int { return cmp.Compare(w.values[a], w.values[b]) })
			for _, m := range s.studyMetrics(p) {
				st := study{panel: p, x: w.key, metric: metricName(m)}
				st.title = fmt.Sprintf("%s of %s (%s) against %s: %s", firstUpper(st.metric), w.attack, w.by[0].Knowledge, w.key, p.about())
				for _, i := range order {
					st.values = append(st.values, w.values[i])
				}
				for _, d := range s.defenses[p] {
					row := make([]Value, len(order))
					for k, i := range order {
						row[k] = s.point(Origin{Op: Mean, Metric: m, Panel: p, Defense: d, Attacker: w.by[i]})
					}
					st.add(s.defenseLabel(d).Text, row)
				}
				st.notes = append(st.notes, "Other parameters: "+w.others()+".")
				st.notes = append(st.notes, s.idNotes(s.defenses[p], nil)...)
				if st.shown() {
					out = append(out, st)
				}
			}
		}
	}
	return append(out, s.dataStudies()...)
}

// others lists the settings that all attackers of w share.
func (w sweep) others() string {
	_, set, _ := params.Split(w.by[0].Attack) // was read before
	var out []string
	for _, kv := range set {
		if kv[0] != w.key {
			out = append(out, kv[0]+"="+kv[1])
		}
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ",")
}

// tolerances is the recall of events against how far a detection may lie from
// the truth, of the best attack on each defense.
func (s *Set) tolerances() []study {
	return s.bestAgainst(datasets.Events, study{x: "tolerance_s", metric: "recall", values: []float64{1, 5, 15}},
		"Recall of events against the matching tolerance", []string{"recall_1s", "recall", "recall_15s"},
		"The headline score counts a detection within 5 s.")
}

// shareStudy is a figure against the ends of the ranges of bench.ShareMetrics.
func shareStudy() study {
	return study{x: "share_of_window_percent", metric: "recall", values: []float64{3, 10, 30, 100}}
}

// aboutShares is said below every table and figure of shares.
const aboutShares = "Windows are of 100 packets whatever window an attack itself looks at, so that attacks can be compared. " +
	"Packets of a defense itself and of nobody count in the window but are no device's. " +
	"Each value counts shares above the one before, the first from 0."

// shares is the recall of packets against how much of the packets around them
// are their device's, of the best attack on each defense.
func (s *Set) shares() []study {
	return s.bestAgainst(datasets.Device, shareStudy(), "Recall of packets against their device's share of the window", results.ShareMetrics(), aboutShares)
}

// deviceShares is the same for each device: a table for each panel, or none
// where results do not say.
func (s *Set) deviceShares() []Table {
	sums := s.summaries()
	name, unit := splitUnit(shareStudy().x)
	var out []Table
	for _, p := range s.panels {
		if p.Task != datasets.Device {
			continue
		}
		t := Table{Title: "Recall of each device's packets against its share of the window, best attack on each defense: " + p.about()}
		t.Columns = []Column{{Head: "defense"}, {Head: "device"}}
		for _, x := range shareStudy().values {
			t.Columns = append(t.Columns, Column{Head: name + " " + full(x) + " " + unit, Num: true, Interval: true})
		}
		for _, d := range s.defenses[p] {
			for _, device := range sharingDevices(s.bestResults(p, d, sums)) {
				row := []Value{s.defenseLabel(d), word(device)}
				for _, m := range results.ShareMetrics() {
					row = append(row, s.point(Origin{Op: Mean, Metric: m + ":" + device, Panel: p, Defense: d, Attacker: bestAttacker(sums[subject{p, d}])}))
				}
				t.Rows = append(t.Rows, row)
			}
		}
		if len(t.Rows) == 0 {
			continue
		}
		_, floor := s.headlineOf(p)
		t.Notes = []string{s.countNote(p, floor), aboutTraining, aboutShares, "n/a: no packet of the device in that range, in some fold at least."}
		if n := len(t.Rows); n > mostClasses {
			t.Rows = t.Rows[:mostClasses]
			t.Notes = append(t.Notes, fmt.Sprintf("The first %d of %d rows; results.csv has all.", mostClasses, n))
		}
		t.Notes = append(t.Notes, s.idNotes(s.defenses[p], nil)...)
		t.Notes = append(t.Notes, s.stamps(p)...)
		out = append(out, t)
	}
	return out
}

// sharingDevices lists the devices that the results have shares of, sorted.
func sharingDevices(rs []*results.Result) []string {
	var out []string
	for _, r := range rs {
		for _, m := range r.Metrics {
			of, device, ok := strings.Cut(m.Name, ":")
			if ok && slices.Contains(results.ShareMetrics(), of) {
				out = append(out, device)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// bestAgainst fills st with the given metrics, one for each of its values, of
// the best attack on each defense, for each panel of the task.
func (s *Set) bestAgainst(task datasets.Task, st study, title string, metrics []string, note string) []study {
	sums := s.summaries()
	var out []study
	for _, p := range s.panels {
		if p.Task != task {
			continue
		}
		st := st
		st.panel = p
		st.title = title + ", best attack on each defense: " + p.about()
		var by []string
		for _, d := range s.defenses[p] {
			m, ok := sums[subject{p, d}]
			if !ok || m.Attack == "" {
				continue
			}
			row := make([]Value, len(metrics))
			for i, name := range metrics {
				row[i] = s.point(Origin{Op: Mean, Metric: name, Panel: p, Defense: d, Attacker: bestAttacker(m)})
			}
			st.add(s.defenseLabel(d).Text, row)
			by = append(by, s.names.of(m.Attack))
		}
		if len(distinct(by)) == 1 {
			st.notes = append(st.notes, "The attack is "+by[0]+".")
		} else {
			for i, a := range by {
				st.names[i] += ", " + a
			}
		}
		st.notes = append(st.notes, note)
		st.notes = append(st.notes, s.idNotes(s.defenses[p], nil)...)
		if st.shown() {
			out = append(out, st)
		}
	}
	return out
}

func (st *study) add(name string, row []Value) {
	st.names = append(st.names, name)
	st.lines = append(st.lines, row)
}

// shown says whether there is any number.
func (st *study) shown() bool {
	return slices.ContainsFunc(st.lines, func(row []Value) bool {
		return slices.ContainsFunc(row, func(v Value) bool { return v.OK })
	})
}

// point is one point of a study with its interval over test groups.
func (s *Set) point(o Origin) Value {
	rs := s.byPair[pair{o.Panel, o.Defense, o.Attacker}]
	return withGroups(s.value(o, score), o.Panel, rs, func(r *results.Result) (float64, bool) { return metricOf(r, o.Metric) })
}

func (s *Set) studyTables() []Table     { return s.tablesOf(s.studies()) }
func (s *Set) toleranceTables() []Table { return s.tablesOf(s.tolerances()) }
func (s *Set) shareTables() []Table     { return append(s.tablesOf(s.shares()), s.deviceShares()...) }
func (s *Set) studyFigures() []Figure   { return s.figuresOf(s.studies()) }
func (s *Set) shareFigures() []Figure   { return s.figuresOf(s.shares()) }
func (s *Set) toleranceFigures() []Figure {
	return s.figuresOf(s.tolerances())
}

func (s *Set) tablesOf(sts []study) []Table {
	var out []Table
	for _, st := range sts {
		t := st.table()
		_, floor := s.headlineOf(st.panel)
		t.Notes = append([]string{s.countNote(st.panel, floor), aboutTraining}, st.notes...)
		t.Notes = append(t.Notes, s.stamps(st.panel)...)
		out = append(out, t)
	}
	return out
}

// table has a row for each value, or for each defense where there are more of
// these: tables are to be longer than wide.
func (st *study) table() Table {
	t := Table{Title: st.title}
	if len(st.names) > len(st.values) {
		name, unit := splitUnit(st.x)
		t.Columns = []Column{{Head: "defense"}}
		for _, x := range st.values {
			t.Columns = append(t.Columns, Column{Head: strings.TrimSpace(name + " " + full(x) + " " + unit), Num: true, Interval: true})
		}
		for i, n := range st.names {
			t.Rows = append(t.Rows, append([]Value{word(n)}, st.lines[i]...))
		}
		return t
	}
	t.Columns = []Column{{Head: withUnit(st.x), Num: true}}
	for _, n := range st.names {
		t.Columns = append(t.Columns, Column{Head: n, Num: true, Interval: true})
	}
	for i, x := range st.values {
		row := []Value{number(x, full)}
		for _, l := range st.lines {
			row = append(row, l[i])
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func (s *Set) figuresOf(sts []study) []Figure {
	var out []Figure
	for _, st := range sts {
		key := studyKey(st.names)
		what := fmt.Sprintf("%s, one line for each defense, with %.0f %% intervals over test groups where there are enough.", st.title, 100*results.Level)
		for _, n := range st.notes {
			what += " " + n
		}
		out = append(out, Figure{
			Title: st.title, Caption: s.caption(st.panel, what, nil, nil),
			height: func(w vg.Length) vg.Length { return min(0.62*w, 3*vg.Inch) + keyHeight(key, w) },
			draw: func(c draw.Canvas) {
				kh := keyHeight(key, c.Max.X-c.Min.X)
				pl := newPlot(withUnit(st.x), st.metric)
				pl.Add(studyLines{st})
				st.axis(pl.Plot)
				pl.Y.Min, pl.Y.Max, pl.Y.Tick.Marker = 0, 1, share01()
				pl.draw(draw.Crop(c, 0, 0, kh, 0))
				drawKey(draw.Crop(c, 0, 0, 0, -(c.Max.Y-c.Min.Y-kh)), key)
			},
		})
	}
	return out
}

// withUnit writes a parameter with the unit that ends its name: gap_s is
// "gap (s)".
func withUnit(name string) string {
	what, unit := splitUnit(name)
	if unit == "" {
		return what
	}
	return what + " (" + unit + ")"
}

func splitUnit(name string) (what, unit string) {
	words := strings.Split(name, "_")
	n := len(words) - 1
	if n > 0 && slices.Contains([]string{"s", "bytes", "packets", "percent"}, words[n]) {
		return strings.Join(words[:n], " "), strings.Replace(words[n], "percent", "%", 1)
	}
	return strings.Join(words, " "), ""
}

func studyKey(names []string) []keyEntry {
	out := lineKey(names)
	for i := range out {
		stroke := out[i].thumb
		out[i].thumb = func(c draw.Canvas, at vg.Point) {
			stroke(c, at)
			mark(c, i, at, 2)
		}
	}
	return out
}

// axis puts a tick at each value; values that span much stand at equal ratios.
func (st *study) axis(p *plot.Plot) {
	lo, hi := st.values[0], st.values[len(st.values)-1]
	at := func(x float64) float64 { return x }
	if lo > 0 && hi/lo >= 10 {
		p.X.Scale, at = plot.LogScale{}, math.Log
	}
	span := at(hi) - at(lo)
	var ticks plot.ConstantTicks
	last := math.Inf(-1)
	for _, x := range st.values {
		t := plot.Tick{Value: x}
		if at(x)-last > span/12 {
			t.Label, last = full(x), at(x)
		}
		ticks = append(ticks, t)
	}
	p.X.Tick.Marker = ticks
	room := 0.04 * span
	if _, log := p.X.Scale.(plot.LogScale); log {
		p.X.Min, p.X.Max = lo*math.Exp(-room), hi*math.Exp(room)
		return
	}
	p.X.Min, p.X.Max = lo-room, hi+room
}

// studyLines draws the lines, a mark at each value and its interval.
type studyLines struct{ st study }

// Plot draws onto c; it implements plot.Plotter.
func (l studyLines) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	for _, y := range []float64{0.25, 0.5, 0.75, 1} {
		c.StrokeLine2(line(color.Gray{225}, 0.4), c.Min.X, ty(y), c.Max.X, ty(y))
	}
	for i, row := range l.st.lines {
		var pts []vg.Point
		aside := 1.6 * (vg.Length(i) - vg.Length(len(l.st.lines)-1)/2) // marks and whiskers beside each other
		for k, v := range row {
			if !v.OK {
				if len(pts) > 1 {
					c.StrokeLines(line(okabeIto(i), 1.1, dashes(i)...), pts)
				}
				pts = nil // a gap, not a line across what is not known
				continue
			}
			at := vg.Point{X: tx(l.st.values[k]) + aside, Y: ty(v.Num)}
			pts = append(pts, at)
			mark(c, i, at, 2)
			if v.HasInterval {
				c.StrokeLine2(line(okabeIto(i), 0.6), at.X, ty(v.Lo), at.X, ty(v.Hi))
			}
		}
		if len(pts) > 1 {
			c.StrokeLines(line(okabeIto(i), 1.1, dashes(i)...), pts)
		}
	}
}
