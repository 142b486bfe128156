package folder

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"veilbench/datasets"
)

// Names that say what a folder or file is.
var (
	homeRE    = regexp.MustCompile(`(?i)^(home|house|household|flat|apartment|apt|lab|site|user|participant|family|p|h)[-_ ]?\d+$`)
	sessionRE = regexp.MustCompile(`(?i)^(session|sess|run|round|rep|repetition|exp|experiment|day|week|take)[-_ ]?\d+$`)
	countryRE = regexp.MustCompile(`^[A-Za-z]{2}$`)
	inHomeRE  = regexp.MustCompile(`(?i)^(home|house|flat|apt)-?\d+-.`)
	trialRE   = regexp.MustCompile(`^(.*?)([ _.\-#(]*)(\d+)$`)
	siteRE    = regexp.MustCompile(`^\d+-\d+$`)
)

// genericWords are what files are called whose name says nothing.
func genericWords() []string {
	return []string{
		"trial", "run", "rep", "test", "capture", "traffic", "sample", "exp", "experiment", "cap", "pcap", "trace",
		"record", "recording", "dump", "packets", "clip", "file", "part", "t", "n", "r", "s", "iter", "iteration", "session",
	}
}

// base is what the last element of a path says.
type base struct {
	label string // "" if only a number, a time or a generic word
	sep   string // between the label and what follows
	trial string // "n", "time" or ""
	date  bool   // a date without a time of day
}

// readBase takes a file's name apart.
func readBase(s string) base {
	generic := func(label string) string {
		if slices.Contains(genericWords(), strings.ToLower(label)) {
			return ""
		}
		return label
	}
	if st, ok := findStamp(s); ok {
		label := strings.TrimRight(s[:st.lo], " _.-")
		return base{generic(label), s[len(label):st.lo], "time", !st.hasClock && st.hi == len(s)}
	}
	if m := trialRE.FindStringSubmatch(s); m != nil {
		return base{generic(m[1]), m[2], "n", false}
	}
	return base{label: generic(s)}
}

// level is what the folders of one depth are.
type level struct {
	kind   string // home, session, day, device, or "" if their names do not say
	values map[string]bool
}

// layout is the evidence for a pattern.
type layout struct {
	depth  int
	levels []level
	bases  []base
	names  []string // last elements
	leaves map[string]map[string]bool
	known  map[string]bool // devices of lists, normalized
}

// normal is a name as it is compared: letters and digits alone.
func normal(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r > 127 {
			return r
		}
		return -1
	}, strings.ToLower(s))
}

// knownDevices are the names in lists and in dataset.yaml, by normal name.
func (l *loader) knownDevices() map[string]string {
	known := map[string]string{}
	for _, d := range l.truth.lists {
		for _, o := range d.list {
			known[normal(o.Device)] = o.Device
		}
	}
	for _, n := range l.f.spec.Devices.Names {
		known[normal(n)] = n
	}
	return known
}

// look gathers what the names of the units have in common. The depth is the
// most frequent one.
func (l *loader) look() layout {
	y := layout{leaves: map[string]map[string]bool{}, known: map[string]bool{}}
	for k := range l.knownDevices() {
		y.known[k] = true
	}
	count := map[int]int{}
	for _, u := range l.units {
		count[strings.Count(u.stem, "/")]++
	}
	for _, d := range slices.Sorted(maps.Keys(count)) {
		if count[d] > count[y.depth] {
			y.depth = d
		}
	}

	// Only units of that depth are evidence; others will not fit the pattern and
	// be named.
	y.levels = make([]level, y.depth)
	for _, u := range l.units {
		elements := strings.Split(u.stem, "/")
		if len(elements) != y.depth+1 {
			continue
		}
		for i := range y.depth {
			if y.levels[i].values == nil {
				y.levels[i].values = map[string]bool{}
			}
			y.levels[i].values[elements[i]] = true
		}
		name := elements[y.depth]
		b := readBase(name)
		y.names, y.bases = append(y.names, name), append(y.bases, b)
		dir := path.Dir(u.stem)
		if y.leaves[dir] == nil {
			y.leaves[dir] = map[string]bool{}
		}
		if b.label != "" {
			y.leaves[dir][b.label] = true
		}
	}
	for i := range y.levels {
		y.levels[i].kind = y.kindOf(i)
	}
	return y
}

// kindOf reads the names of one level.
func (y layout) kindOf(i int) string {
	all := func(is func(string) bool) bool {
		for v := range y.levels[i].values {
			if !is(v) {
				return false
			}
		}
		return true
	}

	// A list of devices is the surest sign, and need not have all.
	n := 0
	for v := range y.levels[i].values {
		if y.known[normal(v)] {
			n++
		}
	}
	switch {
	case 2*n > len(y.levels[i].values):
		return "device"
	case all(func(s string) bool { st, ok := findStamp(s); return ok && st.lo == 0 }):
		return "day"
	case all(homeRE.MatchString):
		return "home"
	case all(sessionRE.MatchString):
		return "session"
	case i == 0 && y.depth >= 3 && all(countryRE.MatchString):
		return "home"
	}
	return ""
}

// share is how many of the files' names fulfill a condition.
func (y layout) all(is func(base) bool) bool {
	return !slices.ContainsFunc(y.bases, func(b base) bool { return !is(b) })
}

// propose finds a pattern where dataset.yaml states none.
func (l *loader) propose() error {
	if l.f.spec.Captures != "" {
		return nil
	}
	y := l.look()
	var file, words string
	switch {
	case l.units[0].rep == nil:
		file, words = y.cells()
	case len(l.truth.files) > 0:
		file, words = y.events()
	default:
		file, words = y.clips(l.macTells(y))
	}

	// What is left without a kind is a level that only groups.
	dirs, used := []string{}, map[string]bool{}
	for i := range y.levels {
		k := y.levels[i].kind
		if k == "" && len(y.levels[i].values) > 1 {
			k = "home"
		}
		if k == "" || used[k] {
			k = fmt.Sprintf("level%d", i+1) // one folder around all, say
		}
		used[k] = true
		dirs = append(dirs, "{"+k+"}")
	}
	l.f.spec.Captures = strings.Join(append(dirs, file), "/")
	if l.units[0].rep != nil {
		l.f.spec.Captures += ".pcap"
	}
	l.f.layout = words
	return nil
}

// cells names traces of cells: the class is in the folder or the file's name.
func (y layout) cells() (file, words string) {
	words = "traces of cells, class in the name"
	site := 0
	for _, n := range y.names {
		if siteRE.MatchString(n) {
			site++
		}
	}
	switch {
	case site == len(y.names) || 2*site > len(y.names) && y.depth == 0:
		// The name has class and instance, so a folder around such files is what
		// was crawled together.
		if y.depth > 0 && y.levels[y.depth-1].kind == "" {
			y.levels[y.depth-1].kind = "session"
		}
		return "{activity}-{n}", words
	case y.depth > 0:
		y.levels[y.depth-1].kind = "activity"
		return "{trial}", "traces of cells, class/trace"
	}
	if sep, ok := y.separator(); ok {
		return "{activity}" + sep + "{n}", words
	}
	return "{activity}", words
}

// separator is what most often stands before a number at the end.
func (y layout) separator() (string, bool) {
	count, best := map[string]int{}, ""
	for _, b := range y.bases {
		if b.trial == "n" && b.label != "" {
			count[b.sep]++
		}
	}
	for _, s := range slices.Sorted(maps.Keys(count)) {
		if count[s] > count[best] {
			best = s
		}
	}
	return best, count[best] > 0 && best != ""
}

// session is the name of files that are not labels: home, day, session.
func (y layout) session() string {
	all := func(re *regexp.Regexp) bool {
		return !slices.ContainsFunc(y.names, func(n string) bool { return !re.MatchString(n) })
	}
	switch {
	case all(inHomeRE):
		return "{home}-{session}"
	case all(homeRE):
		return "{home}"
	case y.all(func(b base) bool { return b.date && b.label == "" }):
		return "{day}"
	case y.all(func(b base) bool { return b.trial == "time" && b.label == "" }):
		return "{time}"
	}
	return "{session}"
}

// events names captures whose labels are in files of their own.
func (y layout) events() (file, words string) {
	return y.session(), "captures with label files beside them"
}

// clips names captures that carry their labels in their names, or none. oneMAC
// says that one level of folders is about one and the same device.
func (y layout) clips(oneMAC bool) (file, words string) {
	var unknown []int
	hasDevice := false
	for i, v := range y.levels {
		if v.kind == "" {
			unknown = append(unknown, i)
		}
		hasDevice = hasDevice || v.kind == "device"
	}
	inName := false
	for _, labels := range y.leaves {
		inName = inName || len(labels) > 1
	}
	numbered, distinct := 0, map[string]bool{}
	for _, b := range y.bases {
		if b.label != "" && b.trial != "" {
			numbered++
			distinct[b.label] = true
		}
	}
	trials := numbered >= 2*len(distinct)

	// Labels in the files' names: several in one folder, most of them numbered.
	if labeled := inName || len(unknown) == 0 && !hasDevice; labeled && trials && 2*numbered > len(y.bases) && y.session() == "{session}" {
		if len(unknown) > 0 && !hasDevice {
			y.levels[unknown[len(unknown)-1]].kind, hasDevice = "device", true
		}
		return y.labelInName(hasDevice)
	}

	n := len(unknown)
	switch {
	case n == 0 && hasDevice:
		return y.session(), "a folder for each device"
	case n == 0:
		words = "captures by session"
		if f := y.session(); f == "{day}" || f == "{time}" {
			words = "captures by day"
		}
		return y.session(), words
	case n == 1 && !hasDevice && !oneMAC && y.all(func(b base) bool { return b.label == "" }):
		y.levels[unknown[0]].kind = "device"
		return y.session(), "a folder for each device"
	case n == 1 && !hasDevice && (!oneMAC || len(y.bases) < 2*len(y.leaves)):
		return y.session(), "captures by session" // no class has trials
	case n == 1 && !hasDevice:
		y.levels[unknown[0]].kind = "activity"
		return "{trial}", "activity/trial.pcap"
	}
	y.levels[unknown[n-1]].kind = "activity"
	if !hasDevice {
		y.levels[unknown[n-2]].kind = "device"
	}
	return "{trial}", "device/activity/trial.pcap (a layout known from Mon(IoT)r)"
}

// labelInName writes the pattern of names such as device_activity_3.
func (y layout) labelInName(hasDevice bool) (file, words string) {
	end, times := "", 0
	for _, b := range y.bases {
		if b.trial == "time" && b.label != "" {
			times++
			end = b.sep + "{time}"
		}
	}
	if sep, ok := y.separator(); ok && 2*times <= len(y.bases) {
		end = sep + "{n}"
	} else if times == 0 {
		end = "{n}" // on3, on4
	}
	if hasDevice {
		return "{activity}" + end, "device/activity_trial.pcap"
	}

	// What most labels hold parts device and activity; a name of one word is
	// the activity alone.
	for _, sep := range []string{"_", "-", " ", "."} {
		n := 0
		for _, b := range y.bases {
			if strings.Contains(b.label, sep) {
				n++
			}
		}
		if 2*n > len(y.bases) {
			return "{device}" + sep + "{activity}" + end, "device" + sep + "activity" + sep + "trial.pcap, label in the file's name"
		}
	}
	return "{activity}" + end, "activity-trial.pcap, label in the file's name"
}

// macTells says whether the folders of the only level without a kind are about
// one device, as far as hardware addresses tell: the activities of one device
// share its address, devices do not.
func (l *loader) macTells(y layout) bool {
	if y.depth == 0 {
		return false
	}
	first := map[string]datasets.MAC{}
	for _, u := range l.units {
		if dir := path.Base(path.Dir(u.stem)); u.mac != (datasets.MAC{}) && first[dir] == (datasets.MAC{}) {
			first[dir] = u.mac
		}
	}
	distinct := map[datasets.MAC]bool{}
	for _, m := range first {
		distinct[m] = true
	}
	return len(first) > 1 && len(distinct) == 1
}
