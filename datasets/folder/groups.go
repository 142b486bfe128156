package folder

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"veilbench/datasets"
)

// enoughHomes is from how many homes on a home is a group: with fewer, days of a
// home are the better stand-in for another home.
const enoughHomes = 3

// group finds what was recorded together. A template says it, or what the names
// hold: home, else session or day.
func (l *loader) group() error {
	if l.f.spec.Group == "" {
		l.f.spec.Group = l.proposeGroup()
	}
	p, err := parsePattern(l.f.spec.Group)
	if err != nil {
		return err
	}
	for i, u := range l.units {
		// Two parts that every recording has, whatever its name says.
		parts := u.parts
		parts["recording"] = l.f.recordings[i].ID
		if parts["day"] == "" {
			parts["day"] = "unknown day"
		}
		g, err := p.fill(parts)
		if err != nil {
			return fmt.Errorf("%s: group: %w (named parts of captures are known, and {day} and {recording})", specFile, err)
		}
		l.f.recordings[i].Group = g
	}
	l.joinSessions()
	return nil
}

// proposeGroup is the template where none is stated.
func (l *loader) proposeGroup() string {
	values := func(name string) int {
		seen := map[string]bool{}
		for _, u := range l.units {
			if v := u.parts[name]; v != "" {
				seen[v] = true
			}
		}
		return len(seen)
	}
	clips := slices.Contains(l.f.tasks, datasets.TaskClip) && len(l.truth.files) == 0
	switch homes := values("home"); {
	case l.units[0].rep == nil: // traces of cells: folders alone say which were recorded together
		for _, part := range []string{"home", "session", "day"} {
			if n := values(part); n > 1 && n < len(l.units) {
				return "{" + part + "}"
			}
		}
		return "all"
	case homes >= enoughHomes, homes > 0 && values("day") < 2:
		return "{home}"
	case homes > 0:
		return "{home}/{day}"
	case clips:
		return "{day}"
	case values("session") == len(l.units):
		return "{session}"
	case values("day") > 1 && (values("time") > 0 || values("device") > 0 || values("session") == 0):
		return "{day}"
	}
	return "{recording}"
}

// joinSessions gives captures one group that overlap in time and share a
// device's address: they show the same minutes of the same device, whatever
// their names say.
func (l *loader) joinSessions() {
	type span struct {
		i        int
		from, to time.Time
	}
	by := map[datasets.MAC][]span{}
	for i, u := range l.units {
		if len(u.trace.Packets) == 0 || u.trace.Start.IsZero() {
			continue
		}
		seen := map[datasets.MAC]bool{}
		for _, f := range u.trace.Flows {
			if m := f.MAC; m != (datasets.MAC{}) && !seen[m] {
				seen[m] = true
				by[m] = append(by[m], span{i, u.trace.Start, u.trace.Start.Add(u.trace.End)})
			}
		}
	}

	// Sorted by start, whatever overlaps overlaps the longest of those before.
	parent := map[string]string{}
	var find func(g string) string
	find = func(g string) string {
		if p := parent[g]; p != "" && p != g {
			return find(p)
		}
		return g
	}
	joined := 0
	for _, spans := range by {
		slices.SortFunc(spans, func(a, b span) int { return cmp.Or(a.from.Compare(b.from), cmp.Compare(a.i, b.i)) })
		last := spans[0]
		for _, s := range spans[1:] {
			if s.from.Before(last.to) {
				a, b := find(l.f.recordings[last.i].Group), find(l.f.recordings[s.i].Group)
				if a != b {
					joined++
					parent[max(a, b)] = min(a, b)
				}
			}
			if s.to.After(last.to) {
				last = s
			}
		}
	}
	if joined == 0 {
		return
	}
	for i := range l.f.recordings {
		l.f.recordings[i].Group = find(l.f.recordings[i].Group)
	}
	l.warn("captures of different groups overlap in time and share a device: %d groups were put together with others", joined)
}

// planPairs finds captures on both sides of a gateway, if dataset.yaml says
// where they are. Those after it are no recordings of their own.
func (l *loader) planPairs() (after map[string]bool, err error) {
	s := l.f.spec.Pairs
	if s.Before == "" {
		return nil, nil
	}
	b, err := parsePattern(s.Before)
	if err != nil {
		return nil, err
	}
	a, err := parsePattern(s.After)
	if err != nil {
		return nil, err
	}
	// The named parts tell which belong together.
	before := map[string]string{}
	for _, c := range l.files.captures {
		if w := b.matches(stemOf(c)); len(w) > 0 {
			before[b.id(w[0])] = c
		}
	}
	after = map[string]bool{}
	for _, c := range l.files.captures {
		w := a.matches(stemOf(c))
		if len(w) == 0 || before[a.id(w[0])] == c {
			continue
		}
		after[c] = true
		if from, ok := before[a.id(w[0])]; ok {
			l.f.pairs = append(l.f.pairs, pair{from, c})
			continue
		}
		l.warn("%s: nothing before the gateway belongs to it", filepath.Base(c))
	}
	if l.f.spec.Captures == "" {
		l.f.spec.Captures = s.Before
	}
	return after, nil
}
