package reports

import (
	"fmt"

	"veilbench/bench/results"
)

// probes are a table of verdicts and one for each curve of the label-shift
// probe.
func (s *Set) probes() []Table {
	if s.opt.Probes == nil {
		return nil
	}
	t := Table{Title: "What the probes found", Columns: []Column{{Head: "probe"}, {Head: "verdict"}, {Head: "found"}}}
	for _, v := range s.opt.Probes.Verdicts {
		verdict := "pass"
		if !v.OK {
			verdict = "FAIL"
		}
		t.Rows = append(t.Rows, []Value{word(v.Name), word(verdict), word(v.Detail)})
	}
	out := []Table{t}
	for _, c := range s.opt.Probes.Shifts {
		out = append(out, s.shiftTable(c))
	}
	return out
}

func (s *Set) shiftTable(c results.ShiftCurve) Table {
	p := Panel{c.Cell.Dataset, c.Cell.Task, c.Cell.Vantage, c.Cell.Split}
	metric := metricName(results.Headline(c.Cell.Task))
	t := Table{
		Title:   fmt.Sprintf("%s of %s with labels shifted: %s", firstUpper(metric), s.names.of(c.Cell.Attack), p.about()),
		Columns: []Column{{Head: "shift, " + c.Unit, Num: true}, {Head: metric, Num: true}, {Head: "floor", Num: true}},
	}
	for _, x := range c.Points {
		t.Rows = append(t.Rows, []Value{number(x.By, full), number(x.Score, score), number(c.Floor, score)})
	}
	t.Notes = append(t.Notes, fmt.Sprintf("Fold %d of the best attack on %s (%s). An honest score is highest at 0 and falls to its floor: at a peak elsewhere the labels' clock is wrong, and what does not fall rests on something that is there at any time.",
		c.Cell.Fold, s.names.of(c.Cell.Defense), c.Cell.Knowledge))
	t.Notes = append(t.Notes, s.stamps(p)...)
	return t
}

// probeAlarms are the probes that failed.
func (s *Set) probeAlarms() []string {
	if s.opt.Probes == nil {
		return nil
	}
	var out []string
	for _, v := range s.opt.Probes.Verdicts {
		if !v.OK {
			out = append(out, "PROBE FAILED: "+v.Name+": "+v.Detail)
		}
	}
	return out
}

// probeNotes say how the probes ended, nothing if none were made.
func (s *Set) probeNotes() []string {
	out := s.probeAlarms()
	if s.opt.Probes != nil {
		n := len(s.opt.Probes.Verdicts)
		out = append(out, fmt.Sprintf("probes: %d of %d passed", n-len(out), n))
	}
	return out
}
