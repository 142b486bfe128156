package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"veilbench/attacks/diary"
	"veilbench/bench/draws"
	"veilbench/bench/oath"
	"veilbench/bench/results"
	"veilbench/bench/score"
	"veilbench/datasets"
	"veilbench/datasets/leakage"
)

// The probes that a run makes on request.
const (
	// LabelShiftProbe scores the best attack's answers against labels that were
	// moved: an honest score falls to its floor, one that peaks elsewhere has
	// labels of a wrong clock.
	LabelShiftProbe = "label-shift"
	// LeakProbe looks for what gives a class or a split away without traffic.
	LeakProbe = "leak"
)

// ProbeNames lists the probes that there are.
func ProbeNames() []string { return []string{LabelShiftProbe, LeakProbe} }

// RunProbes makes the probes named on a grid and the results of its run. Order
// is that of the names and of the results. A probe that cannot be made is a
// verdict that failed; the only error is the end of ctx.
func RunProbes(ctx context.Context, g Grid, rs []results.Result, names []string) (results.Probes, error) {
	var out results.Probes
	g, err := g.withDefaults()
	if err != nil {
		return out, err
	}

	if slices.Contains(names, LabelShiftProbe) {
		for _, c := range probedCells(rs) {
			v := results.Verdict{Name: fmt.Sprintf("labels of %s, %s, %s, shifted", c.Dataset, c.Task, c.Vantage)}

			var curve results.ShiftCurve
			err := oath.Guard(func() (err error) {
				curve, err = labelShift(ctx, g, c)
				return err
			})

			// The end of ctx makes a probe fail too, which says nothing of the data.
			if ctx.Err() != nil {
				return out, ctx.Err()
			}
			if err != nil {
				v.Detail = err.Error()
			} else {
				v.Detail, v.OK = judgeShift(curve)
				out.Shifts = append(out.Shifts, curve)
			}

			out.Verdicts = append(out.Verdicts, v)
		}
	}

	if slices.Contains(names, LeakProbe) {
		out.Verdicts = append(out.Verdicts, g.leaks()...)
	}
	return out, ctx.Err()
}

// probedCells picks, for each data set, task and vantage, the first fold of the
// best attack on undefended traffic, else on the first defense that has any.
func probedCells(rs []results.Result) []results.Cell {
	type panel struct {
		dataset string
		task    datasets.Task
		vantage datasets.Vantage
	}

	best := map[panel]results.Summary{}
	var order []panel

	for _, s := range results.Summaries(rs) {
		p := panel{s.Dataset, s.Task, s.Vantage}
		was, has := best[p]

		// Hours of a detect task have no labels to shift. The first defense of a panel
		// stays unless there are cells without any, in
		// which the labels show best.
		if s.Attack == "" || s.Task == datasets.TaskDetect || has && (was.Defense == results.NoDefense || s.Defense != results.NoDefense) {
			continue
		}
		if !has {
			order = append(order, p)
		}
		best[p] = s
	}

	var out []results.Cell
	for _, p := range order {
		s := best[p]

		// Results are in canonical order, so the first is fold 0 of the first draw.
		for _, r := range rs {
			c := r.Cell
			if r.Err == "" && len(r.Groups) > 0 && c.Dataset == s.Dataset && c.Task == s.Task && c.Vantage == s.Vantage && c.Defense == s.Defense &&
				c.Attack == s.Attack && c.Knowledge == s.Knowledge && c.TrainDefense == s.TrainDefense {
				out = append(out, c)
				break
			}
		}
	}
	return out
}

// labelShift asks the attacker of one cell again and scores its answers
// against labels that are moved.
func labelShift(ctx context.Context, g Grid, c results.Cell) (results.ShiftCurve, error) {
	curve := results.ShiftCurve{Cell: c}
	units, err := g.units()
	if err != nil {
		return curve, err
	}
	for _, u := range units {
		i := slices.IndexFunc(u.jobs, func(j job) bool { return j.cell == c })
		if i < 0 {
			continue
		}
		o, err := newRunner(ctx, g, Options{}).askAttacker(ctx, u, u.jobs[i], &results.Timing{})
		if err != nil {
			return curve, err
		}

		curve.Floor = o.floors.all
		curve.Unit = shiftUnit(c.Task)

		tests := o.tests
		if c.Task == datasets.TaskClip {
			// Clips stand in no order of time: labels pass on along a shuffled row.
			tests = slices.Clone(tests)
			draws.New(c.Seed, "label-shift").Shuffle(len(tests), func(a, b int) { tests[a], tests[b] = tests[b], tests[a] })
		}

		for _, by := range shiftSteps(c.Task, tests) {
			s := score.Of(u.ds, c.Task, o.classes, shiftTests(c.Task, tests, by))
			at := slices.IndexFunc(s.Metrics, func(m results.Metric) bool { return m.Name == results.Headline(c.Task) })
			if at < 0 {
				return curve, errors.New("its tests have nothing to find")
			}
			curve.Points = append(curve.Points, results.ShiftPoint{By: float64(by), Score: s.Metrics[at].Value})
		}
		return curve, nil
	}
	return curve, errors.New("the grid has no such cell")
}

// shiftUnit is what labels of a task are shifted by.
func shiftUnit(t datasets.Task) string {
	switch t {
	case datasets.TaskDevice:
		return "packets"
	case datasets.TaskRoutine:
		return "quarter hours"
	case datasets.TaskClip:
		return "clips"
	}
	return "s"
}

// longestNear is up to how many seconds a shift shows whether a score falls to its
// floor. Beyond it are the half hours and hours that zones differ by, which only
// show whether it rises there: what follows a timetable need not fall.
const longestNear = 320

// shiftSteps lists how far labels are moved, both ways and by 0, ascending:
// seconds that are no multiple of a minute, for tests often trigger an event a
// minute, and the differences of zones; packets; or clips. Nothing is moved
// farther than half of the shortest test.
func shiftSteps(t datasets.Task, tests []score.Test) []int {
	most := len(tests)
	steps := []int{1, 2, 3, 4}
	switch t {
	case datasets.TaskDevice:
		steps = []int{1, 10, 100, 1000, 3000}
		most = len(slices.MinFunc(tests, func(a, b score.Test) int {
			return cmp.Compare(len(a.Labels.Owners), len(b.Labels.Owners))
		}).Labels.Owners)
	case datasets.TaskRoutine:
		steps = []int{1, 2, 4, 8, 16, 24, 32, 40, 48}
		most = int(slices.MinFunc(tests, func(a, b score.Test) int { return cmp.Compare(a.Trace.End, b.Trace.End) }).Trace.End / diary.Slot)
	case datasets.TaskEvent, datasets.TaskCommand:
		steps = []int{10, 20, 40, 80, 160, longestNear, 1800, 5400}
		for h := 1; h <= 14; h++ {
			steps = append(steps, 3600*h)
		}
		most = int(slices.MinFunc(tests, func(a, b score.Test) int { return cmp.Compare(a.Trace.End, b.Trace.End) }).Trace.End.Seconds())
	}

	out := []int{0}
	for _, s := range steps {
		// Labels go round in a ring: beyond half of it, a shift forth is a shorter one
		// back.
		if 2*s < most {
			out = append(out, s, -s)
		}
	}
	slices.Sort(out)
	return out
}

// shiftTests returns tests with labels that are moved later by so much; what
// moves beyond an end comes in again at the other.
func shiftTests(t datasets.Task, tests []score.Test, by int) []score.Test {
	out := slices.Clone(tests)
	for i := range out {
		if t == datasets.TaskClip {
			out[i].Answer = tests[(i+by+len(tests))%len(tests)].Answer
			continue
		}
		out[i].Labels = moveLabels(out[i].Labels, t, out[i].Trace.End, by)
	}
	return out
}

// moveLabels moves the truth later by seconds or, for devices, packets, or, for
// routines, quarter hours. It goes
// round: nothing is lost at an end. l is not modified.
func moveLabels(l datasets.Labels, t datasets.Task, end time.Duration, by int) datasets.Labels {
	later := func(at time.Duration) time.Duration {
		return ((at+time.Duration(by)*time.Second)%end + end) % end
	}

	switch t {
	case datasets.TaskDevice:
		owners := make([]int32, len(l.Owners))
		for i, o := range l.Owners {
			owners[(i+by+len(owners))%len(owners)] = o
		}
		l.Owners = owners
	case datasets.TaskEvent:
		l.Events = slices.Clone(l.Events)
		for i, e := range l.Events {
			// An event keeps its length. One that began near the end may last beyond it, but
			// is found by its start.
			start := later(e.Start)
			l.Events[i].Start, l.Events[i].End = start, start+max(e.End-e.Start, 0)
		}

		// Scoring pairs events in order of start.
		slices.SortStableFunc(l.Events, func(a, b datasets.Event) int { return cmp.Compare(a.Start, b.Start) })
	case datasets.TaskRoutine:
		l = moveLabels(l, datasets.TaskEvent, end, by*int(diary.Slot.Seconds()))
		by := time.Duration(by) * diary.Slot % end
		cut := (end - by) % end // what comes last comes in again at the beginning
		late, early := datasets.CutStays(l.Stays, cut, end), datasets.CutStays(l.Stays, 0, cut)
		for i := range early {
			early[i].Start, early[i].End = early[i].Start+end-cut, early[i].End+end-cut
		}
		l.Stays = append(late, early...)
	case datasets.TaskCommand:
		l.Commands = slices.Clone(l.Commands)
		for i, c := range l.Commands {
			l.Commands[i].Time = later(c.Time)
		}
		slices.SortStableFunc(l.Commands, func(a, b datasets.Command) int { return cmp.Compare(a.Time, b.Time) })
	}
	return l
}

// shiftSlack is how much of the way from the floor to the score may be left
// where labels are moved far, and at least how far from the floor that may be:
// what scores by chance varies.
const (
	shiftSlack    = 0.2
	shiftSlackMin = 0.05
)

// hours says whether a point of a curve is one of those beyond longestNear.
func hours(c results.ShiftCurve, p results.ShiftPoint) bool {
	return c.Unit == "s" && max(p.By, -p.By) > longestNear
}

// judgeShift says whether a curve peaks at 0 and falls to its floor.
func judgeShift(c results.ShiftCurve) (string, bool) {
	var zero, far float64
	peak := results.ShiftPoint{}
	n := 0

	last := 0.0
	for _, p := range c.Points {
		if p.By == 0 {
			zero = p.Score
		}
		if !hours(c, p) {
			last = max(last, p.By)
		}
	}
	for _, p := range c.Points {
		// Among many hours one is higher by chance, or by a timetable, so there it
		// must be by far.
		if p.Score > peak.Score && (!hours(c, p) || p.Score > zero+2*shiftSlackMin) {
			peak = p
		}
		if hours(c, p) {
			continue
		}

		// Far is the outer half of the way, where a moved label meets nothing of its own.
		if p.By != 0 && 2*max(p.By, -p.By) >= last {
			far += p.Score
			n++
		}
	}

	far = results.Ratio(far, float64(n))
	at := func(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }
	found := fmt.Sprintf("%s of %s, %s at 0, %s far off, floor %s", results.Headline(c.Cell.Task), c.Cell.Attack, at(zero), at(far), at(c.Floor))

	switch {
	case n == 0:
		return "skipped: the tests are too short to shift labels in", true
	case peak.Score > zero && peak.Score > c.Floor+2*shiftSlackMin:
		return fmt.Sprintf("%s; higher, %s, with labels shifted by %v %s: is their clock right?", found, at(peak.Score), peak.By, c.Unit), false
	case zero <= c.Floor+shiftSlackMin:
		return found + ": at its floor, so a shift shows nothing", true
	case far > c.Floor+max(shiftSlack*(zero-c.Floor), shiftSlackMin):
		return found + ": it does not fall to the floor, so something else than the labeled traffic is scored", false
	}
	return found, true
}

// leaks makes the leak probe on every data set, task and vantage of g.
func (g Grid) leaks() []results.Verdict {
	var out []results.Verdict
	for i := range g.Datasets {
		for _, v := range g.vantages(&g.Datasets[i]) {
			ds := SeenFrom(g.Datasets[i], v, g.Seed)
			for _, task := range g.tasks(&ds) {
				if task == datasets.TaskDetect {
					continue // its classes are no labels
				}
				verdict := results.Verdict{Name: fmt.Sprintf("leaks of %s, %s, %s", ds.Name, task, v)}

				l, err := leakage.Probe(&ds, task, g.split(&ds))
				if err != nil {
					verdict.Detail = err.Error()
				} else {
					verdict.Detail, verdict.OK = leakDetail(l)
				}
				out = append(out, verdict)
			}
		}
	}
	return out
}

// leakDetail words a report; the data are fine where it has no warning.
func leakDetail(l leakage.Report) (string, bool) {
	ws := l.Warnings()
	if len(ws) == 0 {
		return fmt.Sprintf("nothing found over %d test recordings", l.Tested), true
	}
	detail := ws[0]
	for _, w := range ws[1:] {
		detail += "; " + w
	}
	return detail, false
}

// SeenFrom returns ds as an observer at v sees it without any defense. ds is
// not modified; v must see where it was recorded.
func SeenFrom(ds datasets.Dataset, v datasets.Vantage, seed uint64) datasets.Dataset {
	ds.Recordings = slices.Clone(ds.Recordings)
	for i := range ds.Recordings {
		r := &ds.Recordings[i]
		var kept []int32
		r.Trace, kept = v.View(draws.New(seed, "seen", string(v), r.ID), r.Trace)
		r.Labels = r.Labels.Keep(kept)
	}
	return ds
}
