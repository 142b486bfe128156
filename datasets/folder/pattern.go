package folder

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// pattern is how the captures of a folder are named: a path with slashes in
// which {name} stands for a part of one folder's or file's name. The ending
// .pcap stands for all endings of captures, compressed or not; {n} takes digits
// only, {time} begins with a date; a name that occurs twice stands for equal text.
type pattern struct {
	text  string
	parts []part
}

// part is literal text or, if name is set, a named part.
type part struct{ lit, name string }

var partName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// maxParts bounds a pattern, and with it the ways in which a path can match.
const maxParts = 12

// parsePattern reads a pattern such as "{home}/{device}/{activity}/{trial}.pcap".
// It refuses braces that do not match, names that are not lower-case words, two
// named parts with nothing between them, and paths that leave the folder.
func parsePattern(s string) (pattern, error) {
	p := pattern{text: s}
	rest := stemOf(s)
	if strings.HasPrefix(rest, "/") || strings.Contains("/"+rest+"/", "/../") {
		return p, errors.New("want a path inside the folder")
	}
	named := 0
	for rest != "" {
		i := strings.IndexAny(rest, "{}")
		if i != 0 {
			if i < 0 {
				i = len(rest)
			}
			p.parts = append(p.parts, part{lit: rest[:i]})
			rest = rest[i:]
			continue
		}
		end := strings.IndexByte(rest, '}')
		if rest[0] == '}' || end < 0 {
			return p, fmt.Errorf("%q: braces do not match", s)
		}
		name := rest[1:end]
		if !partName.MatchString(name) {
			return p, fmt.Errorf("{%s}: want a lower-case word, such as {device}", name)
		}

		// Two parts side by side could be cut anywhere; a number ends by itself.
		if n := len(p.parts); n > 0 && p.parts[n-1].name != "" && name != "n" {
			return p, fmt.Errorf("{%s}{%s}: nothing between them says where one ends", p.parts[n-1].name, name)
		}
		if named++; named > maxParts {
			return p, fmt.Errorf("more than %d named parts", maxParts)
		}
		p.parts = append(p.parts, part{name: name})
		rest = rest[end+1:]
	}
	if len(p.parts) == 0 {
		return p, errors.New("the pattern is empty")
	}
	return p, nil
}

// String is the pattern as it was written.
func (p pattern) String() string { return p.text }

const (
	maxMatches = 64
	maxSteps   = 20_000
)

// matches returns the ways in which a path without endings fits the pattern, at
// most maxMatches: a name such as a_b_c_1 fits "{device}_{activity}_{n}" in two.
func (p pattern) matches(stem string) []map[string]string {
	m := matcher{p: p, set: map[string]string{}}
	m.from(0, stem)
	return m.found
}

// matcher looks for all ways to cut a path, the first parts short before long.
type matcher struct {
	p     pattern
	set   map[string]string
	found []map[string]string
	steps int
}

// from cuts rest by the parts from number i on.
func (m *matcher) from(i int, rest string) {
	// Names are people's text: a bound keeps a long one from costing more than
	// the capture behind it.
	if m.steps++; m.steps > maxSteps || len(m.found) >= maxMatches {
		return
	}
	if i == len(m.p.parts) {
		if rest == "" {
			found := map[string]string{}
			for k, v := range m.set {
				found[k] = v
			}
			m.found = append(m.found, found)
		}
		return
	}

	x := m.p.parts[i]
	if x.name == "" {
		if after, ok := strings.CutPrefix(rest, x.lit); ok {
			m.from(i+1, after)
		}
		return
	}
	if v, ok := m.set[x.name]; ok {
		if after, ok := strings.CutPrefix(rest, v); ok {
			m.from(i+1, after)
		}
		return
	}
	for n := 1; n <= len(rest) && rest[n-1] != '/'; n++ {
		if x.name == "n" && (rest[n-1] < '0' || rest[n-1] > '9') {
			break
		}
		if x.name == "time" && !isTime(rest[:n], i+1 < len(m.p.parts)) {
			continue
		}
		m.set[x.name] = rest[:n]
		m.from(i+1, rest[n:])
		delete(m.set, x.name)
	}
}

// isTime says whether a {time} begins with a date, so that no word before it is
// taken for a part of it. Where more follows, no word behind it is either.
func isTime(s string, more bool) bool {
	st, ok := findStamp(s)
	return ok && st.lo == 0 && (!more || st.hi+timeEnd(s[st.hi:]) == len(s))
}

// id joins the named parts in order: what tells recordings apart, whatever
// stands between the parts.
func (p pattern) id(parts map[string]string) string {
	var s []string
	seen := map[string]bool{}
	for _, x := range p.parts {
		if x.name != "" && !seen[x.name] {
			seen[x.name] = true
			s = append(s, parts[x.name])
		}
	}
	return strings.Join(s, "/")
}

// fill writes a template such as "{home}/{day}".
func (p pattern) fill(parts map[string]string) (string, error) {
	var b strings.Builder
	for _, x := range p.parts {
		b.WriteString(x.lit)
		if x.name == "" {
			continue
		}
		v, ok := parts[x.name]
		if !ok {
			return "", fmt.Errorf("nothing is called {%s} here", x.name)
		}
		b.WriteString(v)
	}
	return b.String(), nil
}

var (
	// stampRE is a date, with or without a time of day, as file names hold it.
	stampRE = regexp.MustCompile(`^(\d{4})[-_.]?(\d\d)[-_.]?(\d\d)(?:[-_.T ]?(\d\d)(?:[-_.:h]?(\d\d)(?:[-_.:m]?(\d\d))?)?)?`)
	// shortRE is a date with a year of two digits, as in 16-09-23.
	shortRE = regexp.MustCompile(`^(\d\d)[-_.](\d\d)[-_.](\d\d)`)
	epochRE = regexp.MustCompile(`\d{10}`)
)

// stamp is a date in a name: the clock's digits as if they were UTC.
type stamp struct {
	at       time.Time
	hasClock bool
	lo, hi   int // where it stands
}

// findStamp looks for the first date in a name that is one and no part of a
// longer number.
func findStamp(s string) (stamp, bool) {
	digit := func(i int) bool { return i >= 0 && i < len(s) && s[i] >= '0' && s[i] <= '9' }
	for _, re := range []*regexp.Regexp{stampRE, shortRE} {
		for i := range s {
			if !digit(i) || digit(i-1) {
				continue
			}
			m := re.FindStringSubmatch(s[i:])
			if m == nil || digit(i+len(m[0])) {
				continue
			}
			var n [6]int
			for k, text := range m[1:] {
				n[k], _ = strconv.Atoi(text) // digits, or "" for a part that is not there
			}
			if re == shortRE {
				n[0] += 2000
			}

			// A month of 13 would have been carried over into the next year.
			t := time.Date(n[0], time.Month(n[1]), n[2], n[3], n[4], n[5], 0, time.UTC)
			if n[0] < 1990 || n[0] > 2069 || int(t.Month()) != n[1] || t.Day() != n[2] || n[3] > 23 || n[4] > 59 || n[5] > 59 {
				continue
			}
			return stamp{t, len(m) > 4 && m[4] != "", i, i + len(m[0])}, true
		}
	}

	// Seconds since 1970, as tcpdump -w cap-%s.pcap writes them.
	for _, m := range epochRE.FindAllStringIndex(s, -1) {
		n, err := strconv.ParseInt(s[m[0]:m[1]], 10, 64)
		if t := time.Unix(n, 0).UTC(); err == nil && !digit(m[0]-1) && !digit(m[1]) && t.Year() >= 1990 && t.Year() <= 2069 {
			return stamp{t, true, m[0], m[1]}, true
		}
	}
	return stamp{}, false
}
