package folder

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
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
		if l.inRounds() {
			l.warn("no folder says what was recorded together: each number, with which every class occurs once, is taken for a round (group: \"{n}\")")
			return "{n}"
		}
		return "all"
	case homes >= enoughHomes, homes > 0 && values("day") < 2:
		return "{home}"
	case homes > 0:
		return "{home}/{day}"
	case clips && values("session") > 1:
		return "{session}"
	case clips:
		return "{day}"
	case values("session") == len(l.units):
		return "{session}"
	case values("day") > 1 && (values("time") > 0 || values("device") > 0 || values("session") == 0):
		return "{day}"
	}
	if values("session") > 1 {
		return "{session}" // several captures each
	}
	return "{recording}"
}

// inRounds says whether traces are numbered by rounds, in nearly each of which every
// class was visited once.
func (l *loader) inRounds() bool {
	const enough, nearly = 3, 0.9
	rounds, classes := map[string]map[string]bool{}, map[string]bool{}
	for _, u := range l.units {
		n, class := u.parts["n"], u.parts["activity"]
		if n == "" || rounds[n][class] {
			return false
		}
		if rounds[n] == nil {
			rounds[n] = map[string]bool{}
		}
		rounds[n][class], classes[class] = true, true
	}
	whole := 0
	for _, r := range rounds {
		if len(r) == len(classes) {
			whole++
		}
	}
	return len(classes) > 1 && whole >= enough && float64(whole) >= nearly*float64(len(rounds))
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

// planPairs finds captures on both sides of a gateway, where dataset.yaml says that
// they are or, without one, where names and times do. Those after it are no
// recordings of their own.
func (l *loader) planPairs() (after map[string]bool, err error) {
	if l.f.spec.Pairs.Before == "" && l.f.spec.Captures == "" {
		l.proposePairs()
	}
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

// sides are words for the two sides of a gateway.
func sides() [][2]string {
	return [][2]string{
		{"lan", "wan"}, {"inside", "outside"}, {"internal", "external"}, {"inner", "outer"}, {"private", "public"}, {"before", "after"}, {"pre", "post"},
	}
}

// proposePairs looks for captures that are called the same but for a word of the two
// sides, and were made at the same time.
func (l *loader) proposePairs() {
	for _, words := range sides() {
		pairs := l.calledAlike(words)
		if 4*len(pairs) < len(l.files.captures) || len(pairs) == 0 {
			continue // a few of many: the rest would be left out
		}
		keys := slices.Sorted(maps.Keys(pairs))

		// before and after may be of an update as well. A few pairs are enough to tell.
		const tried = 3
		together := true
		for _, k := range keys[:min(tried, len(keys))] {
			var span [2]rotated
			for i := range span {
				span[i] = rotated{file: pairs[k][i], first: math.MaxInt64}
				span[i].scan(l.ctx, l.root, false)
			}
			together = together && span[0].first <= span[1].last && span[1].first <= span[0].last
		}
		text, ok := pairPattern(keys)
		if !together || !ok {
			continue
		}
		l.f.spec.Pairs = pairSpec{strings.Replace(text, "\x00", pairs[keys[0]][2], 1) + ".pcap", strings.Replace(text, "\x00", pairs[keys[0]][3], 1) + ".pcap"}
		l.f.layout = fmt.Sprintf("both sides of a gateway, %s and %s", words[0], words[1])
		return
	}
}

// calledAlike finds captures whose paths differ by one of two words: before, after and
// how each spells its word, by the path with a zero byte in the word's place.
func (l *loader) calledAlike(words [2]string) map[string][4]string {
	out := map[string][4]string{}
	for i, w := range words {
		re := regexp.MustCompile(`(?i)(^|[^A-Za-z0-9])(` + w + `)($|[^A-Za-z0-9])`)
		for _, c := range l.files.captures {
			stem := stemOf(c)
			m := re.FindStringSubmatchIndex(stem)
			if m == nil {
				continue
			}
			k := stem[:m[4]] + "\x00" + stem[m[5]:]
			p := out[k]
			p[i], p[2+i] = c, stem[m[4]:m[5]]
			out[k] = p
		}
	}
	maps.DeleteFunc(out, func(_ string, p [4]string) bool { return p[0] == "" || p[1] == "" })
	return out
}

// pairPattern is a pattern, without an ending, that fits paths with a zero byte for
// the word of the side: what differs around it is the session. It reports false where
// the paths have no pattern in common.
func pairPattern(keys []string) (string, bool) {
	var elements [][]string
	for _, k := range keys {
		e := strings.Split(k, "/")
		if len(elements) > 0 && len(e) != len(elements[0]) {
			return "", false
		}
		elements = append(elements, e)
	}
	same := func(of func(e []string) string) (string, bool) {
		first := of(elements[0])
		return first, !slices.ContainsFunc(elements, func(e []string) bool { return of(e) != first }) && !strings.ContainsAny(first, "{}")
	}

	// The last part that differs names the session, those before it only group.
	names := 0
	part := func() string {
		if names++; names == 1 {
			return "{session}"
		}
		return fmt.Sprintf("{part%d}", names)
	}
	var out []string
	for i := len(elements[0]) - 1; i >= 0; i-- {
		text, ok := same(func(e []string) string { return e[i] })
		if _, word := same(func(e []string) string { return fmt.Sprint(strings.Contains(e[i], "\x00")) }); !word {
			return "", false // in the folder here, in the name there
		}
		switch {
		case ok:
		case !strings.Contains(elements[0][i], "\x00"):
			text = part()
		default:
			text = "\x00"
			before, equal := same(func(e []string) string { b, _, _ := strings.Cut(e[i], "\x00"); return b })
			after, alike := same(func(e []string) string { _, a, _ := strings.Cut(e[i], "\x00"); return a })
			if !alike {
				after = after[:len(after)-len(strings.TrimLeft(after, " _.-"))] + part()
			}
			if !equal {
				_, sep := cutEnd(before)
				before = part() + sep
			}
			text = before + text + after
		}
		out = append(out, text)
	}
	slices.Reverse(out)
	return strings.Join(out, "/"), true
}
