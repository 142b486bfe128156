package folder

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"veilbench/datasets"
)

// base is what the last element of a path says.
type base struct {
	label string // "" if only a number, a time or a generic word
	// head and tail are what stands around the label, as text of a pattern: "{n}_",
	// " ({n})".
	head, tail string
	trial      string // "n", "time" or ""
	date       bool   // a date without a time of day
}

var (
	trialRE = regexp.MustCompile(`^(.*?)([ _.\-#(]*)(\d+)(\)?)$`)
	roundRE = regexp.MustCompile(`^(\d{1,4})([ _.\-#)]+)(\pL.*)$`)
	wordRE  = regexp.MustCompile(`^(.*?)([ _.\-]+)(\pL+)$`)
)

// readBase takes a file's name apart.
func readBase(s string) base {
	generic := func(label string) bool { return slices.Contains(genericWords(), strings.ToLower(label)) }
	plain := func(label string) string {
		if generic(label) {
			return ""
		}
		return label
	}
	if st, ok := findStamp(s); ok {
		label, sep := cutEnd(s[:st.lo])
		b := base{label: plain(label), tail: sep + "{time}", trial: "time", date: !st.hasClock && st.hi == len(s)}

		// Where nothing stands before a time, the label may stand behind it.
		behind := s[st.hi+timeEnd(s[st.hi:]):]
		rest := strings.TrimLeft(behind, " _.-")
		sep = behind[:len(behind)-len(rest)]
		if after := readBase(rest); label == "" && sep != "" && after.label != "" && after.head == "" {
			return base{label: after.label, head: "{time}" + sep, tail: after.tail, trial: "time", date: !st.hasClock}
		}
		return b
	}

	// A number that counts, perhaps behind a word that says so: on_trial3.
	if m := trialRE.FindStringSubmatch(s); m != nil {
		label, tail := m[1], m[2]+"{n}"+m[4]
		if w := wordRE.FindStringSubmatch(label); w != nil && generic(w[3]) {
			label, tail = w[1], w[2]+w[3]+tail
		}
		return base{label: plain(label), tail: tail, trial: "n"}
	}
	if m := roundRE.FindStringSubmatch(s); m != nil && !generic(m[3]) {
		return base{label: m[3], head: "{n}" + m[2], trial: "n"}
	}
	return base{label: plain(s)}
}

// cutEnd takes the signs at the end of a label off.
func cutEnd(s string) (label, sep string) {
	label = strings.TrimRight(s, " _.-")
	return label, s[len(label):]
}

// timeEnd is how much of what follows a date still belongs to a time: digits, and
// the words of zones and units, as in .3s, Z, h and _UTC.
func timeEnd(s string) int {
	digits := timeDigits.FindString(s)
	word := timeWords.FindString(s[len(digits):])

	// The s of seconds is no s of sensor.
	end := len(digits) + len(word)
	if next, _ := utf8.DecodeRuneInString(s[end:]); unicode.IsLetter(next) {
		return len(digits)
	}
	return end
}

var (
	timeDigits = regexp.MustCompile(`^([.,:]?\d+)*`)
	timeWords  = regexp.MustCompile(`^(?i:[ _-]?(?:utc|gmt|cest|cet|est|edt|pst|pdt)|ms|s|z|h|min)`)
)

// nameUnits matches every unit with the pattern, gives it its parts and sorts out
// what does not match.
func (l *loader) nameUnits() error {
	p, err := parsePattern(l.f.spec.Captures)
	if err != nil {
		return err // a proposed pattern only: a stated one was checked
	}
	ways := make([][]map[string]string, len(l.units))
	var kept []*unit
	for _, u := range l.units {
		found := p.matches(strings.TrimPrefix(u.stem, "./"))
		if len(found) == 0 {
			l.leave(u.files[0], "its name does not fit "+p.String())
			l.f.captures -= len(u.files)
			continue
		}
		ways[len(kept)] = found
		kept = append(kept, u)
	}
	if len(kept) == 0 {
		return fmt.Errorf("%s: no capture fits the pattern %s; the first is %s", specFile, p, l.units[0].files[0])
	}
	l.units = kept
	if err := l.choose(kept, ways); err != nil {
		return err
	}
	for _, u := range l.units {
		l.complete(u)
	}
	return nil
}

// complete adds the parts that everything knows: home and activity under their
// usual names, and the day.
func (l *loader) complete(u *unit) {
	alias := func(name string, others ...string) {
		for _, o := range others {
			if v, ok := u.parts[o]; ok && u.parts[name] == "" {
				u.parts[name] = v
			}
		}
	}
	alias("home", "country", "lab", "site", "house", "user", "participant")
	alias("activity", "class", "label", "event", "command")
	if u.parts["day"] != "" {
		return
	}

	// The day as people count it: that of the name, else that of the stated
	// zone, else of UTC.
	elements := strings.Split(u.stem, "/")
	for _, e := range slices.Backward(elements) {
		if s, ok := findStamp(e); ok {
			u.parts["day"] = s.at.Format(time.DateOnly)
			return
		}
	}
	if t := u.trace.Start; !t.IsZero() {
		zone := time.UTC
		if l.o.Times.Zone != nil {
			zone = l.o.Times.Zone
		}
		u.parts["day"] = t.In(zone).Format(time.DateOnly)
	}
}

// choose takes one of several ways in which a name fits. Where they differ in
// the device, a list of devices decides, else what the names and the hardware
// addresses have in common.
func (l *loader) choose(units []*unit, ways [][]map[string]string) error {
	known := l.knownDevices()
	var open []int
	for i, u := range units {
		best := -1
		for k, w := range ways[i] {
			if homeRE.MatchString(w["home"]) && best < 0 && len(ways[i]) > 1 && w["device"] == "" {
				best = k
			}
			if d, ok := known[normal(w["device"])]; ok && (best < 0 || len(w["device"]) > len(ways[i][best]["device"])) {
				best = k
				_ = d
			}
		}
		switch {
		case best >= 0:
			u.parts = ways[i][best]
		case len(ways[i]) == 1 || !differ(ways[i], "device"):
			u.parts = ways[i][0]
		default:
			open = append(open, i)
		}
	}
	if len(open) > 0 {
		if err := l.inferDevices(units, ways, open); err != nil {
			return err
		}
	}

	// A device is called as in the list, however files spell it.
	for _, u := range units {
		if d, ok := known[normal(u.parts["device"])]; ok && u.parts["device"] != "" {
			u.parts["device"] = d
		}
	}
	return nil
}

// differ says whether the ways differ in a part.
func differ(ways []map[string]string, name string) bool {
	return slices.ContainsFunc(ways[1:], func(w map[string]string) bool { return w[name] != ways[0][name] })
}

// inferDevices parts device and activity in names such as
// schlage_lock_unlock_1. Names whose captures share a hardware address are one
// device's: what all of them begin with is the device.
func (l *loader) inferDevices(units []*unit, ways [][]map[string]string, open []int) error {
	clusters := clustersOf(units, ways, open)
	activities := map[string]bool{}
	var single [][]int
	for _, c := range clusters {
		device := commonDevice(units, ways, c)
		if device == "" {
			single = append(single, c)
			continue
		}
		for _, i := range c {
			units[i].parts = wayOf(ways[i], device)
			activities[units[i].parts["activity"]] = true
		}
	}

	// One activity of one device alone: only an activity that others have too,
	// or a usual word, tells where the device ends.
	for _, v := range usualActivities() {
		activities[v] = true
	}
	for _, c := range single {
		for _, i := range c {
			for _, w := range ways[i] {
				if activities[w["activity"]] && units[i].parts == nil {
					units[i].parts = w
				}
			}
			if units[i].parts == nil {
				return fmt.Errorf("%s: the name does not tell where the device ends and the activity begins; name the devices: devices: [%s] in %s",
					units[i].files[0], ways[i][0]["device"], specFile)
			}
		}
	}

	names := map[string]bool{}
	for _, u := range units {
		names[u.parts["device"]] = true
	}
	if l.f.spec.Devices.IsZero() && len(l.truth.lists) == 0 {
		l.f.spec.Devices.Names = slices.Sorted(maps.Keys(names))
	}
	return nil
}

// usualActivities are words that are activities wherever they stand last.
func usualActivities() []string {
	return []string{
		"on", "off", "lock", "unlock", "open", "close", "motion", "start", "stop", "play", "pause", "idle", "power",
		"brightness", "color", "volume", "ring", "snapshot", "stream", "watch", "record", "arm", "disarm", "up", "down",
	}
}

// label is device and activity as they stand in a name, which no cut changes.
func label(w map[string]string) string { return w["device"] + "\x00" + w["activity"] }

// clustersOf puts units together that share a hardware address or a label, as
// long as their names begin alike; without addresses, those that begin with the
// same word.
func clustersOf(units []*unit, ways [][]map[string]string, open []int) [][]int {
	parent := map[string]string{}
	var find func(s string) string
	find = func(s string) string {
		if p, ok := parent[s]; ok && p != s {
			r := find(p)
			parent[s] = r
			return r
		}
		parent[s] = s
		return s
	}
	key := func(i int) string {
		first := ways[i][0]["device"] // the shortest device: the first word
		if m := units[i].mac; m != (datasets.MAC{}) {
			return first + "\x00" + m.String()
		}
		return first
	}
	for _, i := range open {
		parent[find("label "+label(ways[i][0]))] = find("key " + key(i))
	}
	byRoot, order := map[string][]int{}, []string{}
	for _, i := range open {
		r := find("key " + key(i))
		if byRoot[r] == nil {
			order = append(order, r)
		}
		byRoot[r] = append(byRoot[r], i)
	}
	var out [][]int
	for _, r := range order {
		out = append(out, byRoot[r])
	}
	return out
}

// commonDevice is the longest device that all names of a cluster can begin with,
// "" if there is only one label, which tells nothing.
func commonDevice(units []*unit, ways [][]map[string]string, cluster []int) string {
	labels := map[string]bool{}
	count := map[string]int{}
	for _, i := range cluster {
		labels[label(ways[i][0])] = true
		seen := map[string]bool{}
		for _, w := range ways[i] {
			if d := w["device"]; !seen[d] {
				seen[d] = true
				count[d]++
			}
		}
	}
	if len(labels) < 2 {
		return ""
	}

	// Some devices end in a word that rather begins an activity: turn_on.
	best := ""
	for d, n := range count {
		last := d[strings.LastIndexAny(d, "_- .")+1:]
		if n == len(cluster) && len(d) > len(best) && !slices.Contains([]string{"turn", "set", "toggle", "voice"}, last) {
			best = d
		}
	}
	if best == "" {
		return ways[cluster[0]][0]["device"]
	}
	return best
}

// wayOf is the way with the given device, the shortest activity first.
func wayOf(ways []map[string]string, device string) map[string]string {
	for _, w := range ways {
		if w["device"] == device {
			return w
		}
	}
	return ways[0]
}
