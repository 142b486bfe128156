package folder

import (
	"cmp"
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
	siteRE    = regexp.MustCompile(`^\d+-\d+$`)
	// trialDirRE is a folder for one trial of each class.
	trialDirRE = regexp.MustCompile(`(?i)^(trial|iter|iteration|sample|clip|t|n|r)?[-_ ]?\d+$`)
	// aroundRE is a folder that only holds the captures of a data set.
	aroundRE = regexp.MustCompile(`(?i)^(data|dataset|datasets|raw|pcaps?|pcapng|captures?|traces?|traffic|recordings?|packets|files|dumps?|export|upload|release.*|v?\d+\.\d+.*)$`)
)

// genericWords are what files are called whose name says nothing.
func genericWords() []string {
	return []string{
		"trial", "run", "rep", "test", "capture", "traffic", "sample", "exp", "experiment", "cap", "pcap", "trace",
		"record", "recording", "dump", "packets", "clip", "file", "part", "t", "n", "r", "s", "iter", "iteration", "session",
	}
}

// level is what the folders of one depth are.
type level struct {
	kind   string // home, session, day, device, or "" if their names do not say
	values addressed
	around bool // it only holds the rest
}

// addressed are words that names have in one place, each with the hardware
// addresses that most packets of its captures have.
type addressed map[string]map[datasets.MAC]bool

// add notes a word of a capture.
func (a addressed) add(word string, m datasets.MAC) {
	if a[word] == nil {
		a[word] = map[datasets.MAC]bool{}
	}
	if m != (datasets.MAC{}) {
		a[word][m] = true
	}
}

// tellDevices says whether each of several words has an address of its own, as
// devices have; activities share that of their device, or have those of several.
func (a addressed) tellDevices() bool {
	all := map[datasets.MAC]bool{}
	for _, macs := range a {
		if len(macs) != 1 {
			return false
		}
		maps.Copy(all, macs)
	}
	return len(a) > 1 && len(all) == len(a)
}

// areActivities says whether most of the words are what devices do.
func (a addressed) areActivities() bool {
	n := 0
	for w := range a {
		if slices.Contains(usualActivities(), normal(w)) || slices.Contains(idleWords(), normal(w)) {
			n++
		}
	}
	return 2*n > len(a)
}

// layout is the evidence for a pattern.
type layout struct {
	depth  int
	levels []level
	bases  []base
	names  []string             // last elements
	leaves map[string]addressed // labels of last elements by folder
	labels addressed            // of the last elements
	known  map[string]bool      // devices of lists, normalized
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
	y := layout{leaves: map[string]addressed{}, labels: addressed{}, known: map[string]bool{}}
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
				y.levels[i].values = addressed{}
			}
			y.levels[i].values.add(elements[i], u.mac)
		}
		name := elements[y.depth]
		b := readBase(name)
		y.names, y.bases = append(y.names, name), append(y.bases, b)
		dir := path.Dir(u.stem)
		if y.leaves[dir] == nil {
			y.leaves[dir] = addressed{}
		}
		if b.label != "" {
			y.leaves[dir].add(b.label, u.mac)
			y.labels.add(b.label, u.mac)
		}
	}
	for i := range y.levels {
		v := &y.levels[i]
		v.kind = y.kindOf(i)
		v.around = v.kind == "" && len(v.values) == 1 && aroundRE.MatchString(slices.Collect(maps.Keys(v.values))[0])
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

	// Equal names would stand for equal text. A file that is called the same in
	// every folder is named by it.
	if word := strings.Trim(file, "{}"); file == "{"+word+"}" && used[word] {
		file = "{file}"
		if distinct := slices.Compact(slices.Sorted(slices.Values(y.names))); len(distinct) == 1 && !strings.ContainsAny(distinct[0], "{}") {
			file = distinct[0]
		}
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
	case y.depth > 0 && !(y.inName() && len(y.names) >= 2*len(y.labels)):
		y.levels[y.depth-1].kind = "activity"
		return "{trial}", "traces of cells, class/trace"
	case y.depth > 0 && y.levels[y.depth-1].kind == "":
		y.levels[y.depth-1].kind = "session"
	}
	if head, tail := y.ends(); head+tail != "" {
		return head + "{activity}" + tail, words
	}
	return "{activity}", words
}

// ends is what most often stands around the labels in names, as text of a pattern.
func (y layout) ends() (head, tail string) {
	type pair struct{ head, tail string }
	count, best := map[pair]int{}, pair{}
	for _, b := range y.bases {
		if b.trial != "" && b.label != "" {
			count[pair{b.head, b.tail}]++
		}
	}
	order := func(a, b pair) int { return cmp.Or(strings.Compare(a.head, b.head), strings.Compare(a.tail, b.tail)) }
	for _, p := range slices.SortedFunc(maps.Keys(count), order) {
		if count[p] > count[best] {
			best = p
		}
	}
	return best.head, best.tail
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
	labeled := y.all(func(b base) bool { return b.label != "" })
	unknown, hasDevice, counted := []int{}, false, false
	for i := range y.levels {
		v := &y.levels[i]
		numbers := !slices.ContainsFunc(slices.Collect(maps.Keys(v.values)), func(s string) bool { return !trialDirRE.MatchString(s) })
		switch {
		case v.kind == "" && numbers && labeled:
			v.kind = "trial"
		case v.kind == "" && !v.around:
			unknown = append(unknown, i)
		}
		hasDevice = hasDevice || v.kind == "device"
		counted = counted || v.kind == "trial" || v.kind == "session"
	}

	inName := y.inName()
	numbered, distinct := 0, map[string]bool{}
	for _, b := range y.bases {
		if b.label != "" && (b.trial != "" || counted) {
			numbered++
			distinct[b.label] = true
		}
	}
	trials := numbered >= 2*len(distinct)

	// Labels in the files' names: several in one folder, most of them numbered, or
	// numbered by the folders that they are in.
	if labeled := inName || len(unknown) == 0 && !hasDevice; labeled && trials && 2*numbered > len(y.bases) && y.session() == "{session}" {
		if len(unknown) > 0 && !hasDevice && !y.namesDevices(unknown[len(unknown)-1]) {
			y.levels[unknown[len(unknown)-1]].kind, hasDevice = "device", true
		}
		return y.labelInName(hasDevice)
	}
	return y.labelInFolder(unknown, hasDevice, oneMAC)
}

// inName says whether files of one folder have several labels.
func (y layout) inName() bool {
	return slices.ContainsFunc(slices.Collect(maps.Values(y.leaves)), func(labels addressed) bool { return len(labels) > 1 })
}

// fileIsDevice says whether several folders hold files of the same names, each of
// which is a device of its own there: home1/camera.pcap.
func (y layout) fileIsDevice() bool {
	n := 0
	for _, labels := range y.leaves {
		if !labels.tellDevices() {
			return false
		}
		n += len(labels)
	}
	return len(y.leaves) > 1 && n >= 2*len(y.labels) && n == len(y.names) && !y.labels.areActivities() && y.session() == "{session}"
}

// namesDevices says whether the files' names tell devices apart and the only
// folder of a level around them does not.
func (y layout) namesDevices(level int) bool {
	all := map[datasets.MAC]bool{}
	for _, macs := range y.labels {
		maps.Copy(all, macs)
	}
	return len(y.levels[level].values) == 1 && len(all) > 1
}

// labelInFolder names captures in folders whose names are labels, or sessions.
func (y layout) labelInFolder(unknown []int, hasDevice, oneMAC bool) (file, words string) {
	n := len(unknown)
	if n == 1 && !hasDevice && y.levels[unknown[0]].values.areActivities() {
		oneMAC = true // whatever the addresses say, or where there are none
	}
	switch {
	case n == 0 && hasDevice:
		return y.session(), "a folder for each device"
	case n == 0 && y.fileIsDevice():
		return "{device}", "a file for each device"
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
	case hasDevice:
		y.levels[unknown[n-1]].kind = "activity"
		return "{trial}", "device/activity/trial.pcap (a layout known from Mon(IoT)r)"
	}

	// Of two levels the upper one is nearly always the device.
	device, activity := &y.levels[unknown[n-2]], &y.levels[unknown[n-1]]
	words = "device/activity/trial.pcap (a layout known from Mon(IoT)r)"
	byAddress := activity.values.tellDevices() && !device.values.tellDevices()
	byWords := device.values.areActivities() && !activity.values.areActivities()
	if byAddress || byWords && !device.values.tellDevices() {
		device, activity, words = activity, device, "activity/device/trial.pcap"
	}
	device.kind, activity.kind = "device", "activity"
	return "{trial}", words
}

// labelInName writes the pattern of names such as device_activity_3.
func (y layout) labelInName(hasDevice bool) (file, words string) {
	head, tail := y.ends()
	if hasDevice {
		return head + "{activity}" + tail, "device/activity_trial.pcap"
	}

	// Some names hold the device alone: those of a list, or words of which each has
	// an address of its own, where that is not what devices do.
	known, dated := 0, y.all(func(b base) bool { return b.date })
	for _, b := range y.bases {
		if y.known[normal(b.label)] {
			known++
		}
	}
	parted := func(sep string) bool {
		n := 0
		for _, b := range y.bases {
			if strings.Contains(b.label, sep) {
				n++
			}
		}
		return 2*n > len(y.bases)
	}
	seps := []string{" - ", "__", "--", "_", "-", " ", "."}
	plain := dated || !slices.ContainsFunc(seps, parted)
	if 2*known > len(y.bases) || plain && y.labels.tellDevices() && !y.labels.areActivities() {
		return head + "{device}" + tail, "the device in the file's name"
	}

	// What most labels hold parts device and activity; a name of one word is
	// the activity alone.
	for _, sep := range seps {
		if parted(sep) {
			return head + "{device}" + sep + "{activity}" + tail, "device" + sep + "activity" + sep + "trial.pcap, label in the file's name"
		}
	}
	return head + "{activity}" + tail, "activity-trial.pcap, label in the file's name"
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
