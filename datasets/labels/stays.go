package labels

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"veilbench/datasets"
)

// stay is a line of a file with columns start, end, home and perhaps asleep.
type stay struct {
	line       int
	start, end moment
	home       int
	asleep     bool
}

// stay takes a line of a file of stays. home is how many people are there, -1 where
// nobody knows; asleep is true, false or empty.
func (p *parser) stay(row []string, line int) error {
	s := stay{line: line}
	var err error
	if s.start, err = p.moment(p.when(row, "time"), p.units["time"]); err != nil {
		return err
	}
	if s.end, err = p.moment(p.cell(row, "end"), p.units["end"]); err != nil {
		return fmt.Errorf("end: %w", err)
	}
	// One of both is set, by what the column counts from: walls and offsets cannot be
	// subtracted before the recording's start is known.
	if s.end.wall.IsZero() != s.start.wall.IsZero() {
		return errors.New("start and end are of different clocks")
	}
	if !s.end.wall.After(s.start.wall) && s.end.since <= s.start.since {
		return errors.New("end is not after start")
	}

	if s.home, err = strconv.Atoi(p.cell(row, "home")); err != nil || s.home < -1 {
		return fmt.Errorf("home %q; want how many people are there, -1 where nobody knows", p.cell(row, "home"))
	}
	if text := p.cell(row, "asleep"); text != "" {
		if s.asleep, err = strconv.ParseBool(text); err != nil {
			return fmt.Errorf("asleep %q; want true or false", text)
		}
	}
	if s.asleep && s.home == 0 {
		return errors.New("nobody is at home, and asleep")
	}
	p.file.stays = append(p.file.stays, s)
	return nil
}

// stays converts the stays of a file to times of the recording; what reaches beyond
// it is cut. Two at a time are an error, for a home is in one state.
func (a *applier) stays(f *File) error {
	var outside []int
	for _, s := range f.stays {
		start, err := s.start.in(a.t.Start)
		if err != nil {
			return fmt.Errorf("%s:%d: %w", f.name, s.line, err)
		}
		end, _ := s.end.in(a.t.Start) // of the same clock, so it cannot fail here
		if start, end = max(start, 0), min(end, a.t.End); start >= end {
			outside = append(outside, s.line)
			continue
		}
		a.l.Stays = append(a.l.Stays, datasets.Stay{Start: start, End: end, Home: s.home, Asleep: s.asleep})
	}

	slices.SortStableFunc(a.l.Stays, func(x, y datasets.Stay) int { return cmp.Compare(x.Start, y.Start) })
	for i := 1; i < len(a.l.Stays); i++ {
		if a.l.Stays[i].Start < a.l.Stays[i-1].End {
			return fmt.Errorf("%s: the stays that begin at %v and %v are at one time", f.name, a.l.Stays[i-1].Start, a.l.Stays[i].Start)
		}
	}
	return a.outside(f, outside, len(f.stays))
}
