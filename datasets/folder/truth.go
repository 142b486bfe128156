package folder

import (
	"cmp"
	"maps"
	"math"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/capture"
	"veilbench/datasets/folder/events"
	"veilbench/datasets/folder/owners"
	"veilbench/datasets/labels"
)

// pairedUnit is the recording that a text file lies beside: that of the longest
// name with which the file's begins, as home-01 in home-01.events.csv.
func pairedUnit(rel string, byStem map[string]*unit) *unit {
	for i := len(rel); i > 0; i-- {
		if i == len(rel) || strings.IndexByte("._- ", rel[i]) >= 0 {
			if u := byStem[rel[:i]]; u != nil {
				return u
			}
		}
	}
	return nil
}

// namesFor is the file that names servers for u, "" if there is none: that beside
// it, else the names.csv of its folder or of one above.
func (t *truth) namesFor(u *unit) string {
	if t.names[u.stem+".names.csv"] {
		return u.stem + ".names.csv"
	}
	for dir := dirOf(u.stem); ; dir = dirOf(dir) {
		if n := path.Join(dir, "names.csv"); t.names[n] {
			return n
		}
		if dir == "" {
			return ""
		}
	}
}

// within says whether u lies in a folder or below it.
func within(u *unit, dir string) bool {
	return dir == "" || strings.HasPrefix(u.stem, dir+"/")
}

// scope says which recordings a file is about: the one that it lies beside, else
// those of a folder and below. Files from elsewhere are about all.
type scope struct {
	beside *unit
	dir    string
}

func (l *loader) scope(name string) scope {
	if slices.Contains(l.o.Labels, name) || name == specFile || strings.HasPrefix(name, "..") {
		return scope{}
	}
	if p := pairedUnit(name, l.index.byStem); p != nil {
		return scope{beside: p}
	}

	// A folder without captures, labels/ say, holds files for those elsewhere: of the
	// same name, or of the folder around both.
	dir := dirOf(name)
	for dir != "" && !l.index.dirs[dir] {
		if p := pairedUnit(path.Base(name), l.index.byBase); p != nil {
			return scope{beside: p}
		}
		dir = dirOf(dir)
	}
	return scope{dir: dir}
}

// about collects, for each unit, the numbers of the files that are about it, in
// order.
func (l *loader) about(scopes []scope) [][]int {
	beside := map[*unit][]int{}
	var wide []int
	for k, s := range scopes {
		if s.beside != nil {
			beside[s.beside] = append(beside[s.beside], k)
		} else {
			wide = append(wide, k)
		}
	}

	// Those beside a unit are found at once: a folder of 100,000 has as many.

	// In the order of files, whatever names a unit first: where two files say
	// something of one moment the order decides, and it must not hang on a map.
	out := make([][]int, len(l.units))
	for i, u := range l.units {
		out[i] = slices.Clone(beside[u])
		for _, k := range wide {
			if within(u, scopes[k].dir) {
				out[i] = append(out[i], k)
			}
		}
		slices.Sort(out[i])
	}
	return out
}

// idleWords are activities that are none: such a recording is background.
func idleWords() []string {
	return []string{"idle", "background", "baseline", "none", "noevent", "noactivity", "nothing", "standby"}
}

// layTruth makes recordings of the units: devices and owners first, for the
// clock of the labels is found by them, then what happened.
func (l *loader) layTruth() error {
	l.index = newIndex(l.units)
	p, err := parsePattern(l.f.spec.Captures)
	if err != nil {
		return err
	}
	l.nameTriggers()
	l.dropCopies()
	lists := l.listsOf()
	scopes := make([]scope, len(l.truth.files))
	for i, f := range l.truth.files {
		scopes[i] = l.scope(f.name)
	}
	files := l.about(scopes)

	// IDs are what the names say, in order; where that is not unique the path
	// is.
	ids := map[string]int{}
	for _, u := range l.units {
		ids[p.id(u.parts)]++
	}
	used := map[owners.Owned]bool{}
	l.reports = map[string]*capture.Report{}
	for i, u := range l.units {
		r := datasets.Recording{ID: p.id(u.parts), Trace: u.trace}
		if ids[r.ID] > 1 || r.ID == "" {
			r.ID = u.stem
		}
		l.reports[r.ID] = u.rep
		r.Labels.Devices = l.devicesOf(i, lists[i], files[i])
		if len(lists[i]) > 0 {
			o := owners.New(lists[i], r.Labels.Devices)
			r.Labels.Owners = o.Of(u.trace)
			maps.Copy(used, o.Used)
		} else if u.rep == nil {
			r.Labels.Owners = make([]int32, len(u.trace.Packets)) // all the page's
		} else if d := u.parts["device"]; d != "" && u.parts["activity"] == "" && u.mac != (datasets.MAC{}) {
			// A folder for each device and no list: its captures are filtered to
			// it, so the address that most packets have is its.
			o := owners.New([]owners.Owned{{Addr: owners.Address{MAC: u.mac}, Device: d}}, r.Labels.Devices)
			r.Labels.Owners = o.Of(u.trace)
		}
		l.f.recordings = append(l.f.recordings, r)
	}
	l.unusedAddresses(used)
	if err := l.layStays(); err != nil {
		return err
	}

	// Nobody asks for the traffic near labels where there are none.
	var w watcher
	if len(l.truth.files) > 0 {
		w = newWatcher(l.f.recordings)
	}
	if err := l.findZone(w); err != nil {
		return err
	}
	l.round(w)
	if err := l.place(scopes); err != nil {
		return err
	}
	l.clipLabels()
	l.findTasks()

	// Where some events are states an end means just that.
	vague, states := false, false
	for _, f := range l.truth.files {
		for _, e := range f.events {
			vague, states = vague || e.Vague, states || e.End.After(e.Start) && !e.Vague
		}
	}
	l.f.vague = vague && !states
	return nil
}

// layStays says who was home in the recordings that a file of stays lies beside.
func (l *loader) layStays() error {
	for _, f := range l.truth.stays {
		beside := l.scope(f.name).beside
		i := slices.Index(l.units, beside)
		if i < 0 {
			l.leave(f.name, "who was home when, beside no capture of that name")
			continue
		}
		laid, err := labels.Apply(l.units[i].trace, f.File)
		if err != nil {
			return err
		}
		l.f.recordings[i].Labels.Stays = laid.Stays
		l.f.doubts, l.f.warnings = append(l.f.doubts, laid.Doubts...), append(l.f.warnings, laid.Warnings...)
	}
	return nil
}

// nameTriggers gives lists of times alone a device and an activity: as stated,
// else by their names. The device is what the name begins with, as far as another
// list's, a capture's or a known device's does; the activity is the rest where there
// are several lists of a device, or where it is what devices do.
func (l *loader) nameTriggers() {
	words := func(name string) []string { return strings.FieldsFunc(name, isSeparator) }
	var lists [][]string
	for _, f := range l.truth.files {
		if f.triggers {
			lists = append(lists, words(strings.TrimSuffix(path.Base(f.name), path.Ext(f.name))))
		}
	}
	known := l.allDevices()
	captures := map[string][]string{}
	for _, u := range l.units {
		captures[path.Base(u.stem)] = words(path.Base(u.stem))
	}

	k := 0
	for _, f := range l.truth.files {
		if f.nameless && (l.f.spec.Labels.Device != "" || len(known) == 1) {
			for i := range f.events {
				f.events[i].Device = cmp.Or(l.f.spec.Labels.Device, known[0])
			}
		}
		if !f.triggers {
			continue
		}
		own := lists[k]
		k++

		// The longest beginning that something else has too.
		n, siblings := 0, 0
		for i, other := range lists {
			if m := common(own, other); i != k-1 && m > 0 && m < len(own) && m < len(other) {
				n, siblings = max(n, m), siblings+1
			}
		}
		for _, d := range known {
			if w := words(d); common(own, w) == len(w) {
				n = max(n, len(w))
			}
		}
		if siblings == 0 {
			for _, c := range captures {
				n = max(n, common(own, c))
			}
		}
		if last := len(own) - 1; n > last && last > 0 && slices.Contains(usualActivities(), normal(own[last])) {
			n = last // the capture is called after the activity, too
		}

		device, activity := strings.Join(own[:n], "-"), "trigger"
		if rest := own[n:]; n > 0 && len(rest) > 0 && (siblings > 0 || slices.Contains(usualActivities(), normal(rest[0]))) {
			activity = strings.Join(rest, "_")
		}
		if device == "" && len(known) == 1 {
			device = known[0]
		}
		s := l.f.spec.Labels
		device = cmp.Or(s.Device, device, strings.Join(own, "-"), "device")
		for i := range f.events {
			f.events[i].Device, f.events[i].Activity = device, cmp.Or(s.Activity, activity)
		}
	}
}

// common is how many words two names begin with alike.
func common(a, b []string) (n int) {
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

func isSeparator(r rune) bool { return strings.ContainsRune("-_. ", r) }

// copyWithin is how far apart the same event may be in two files: one of them
// rounds.
const copyWithin = time.Second

// dropCopies drops a file of events that says what another says already about
// the same recordings.
func (l *loader) dropCopies() {
	seen := map[scope][]*truthFile{}
	var kept []*truthFile
	for _, f := range l.truth.files {
		k := l.scope(f.name)
		others := seen[k]
		same := slices.IndexFunc(others, func(g *truthFile) bool { return sameEvents(f.events, g.events) })
		if same < 0 {
			seen[k] = append(others, f)
			kept = append(kept, f)
			continue
		}
		l.leave(f.name, "the same events as "+others[same].name)
	}
	l.truth.files = kept
}

// sameEvents says whether two lists hold the same events.
func sameEvents(a, b []events.Event) bool {
	return len(a) > 0 && slices.EqualFunc(a, b, func(x, y events.Event) bool {
		return x.Device == y.Device && x.Activity == y.Activity && x.Capture == y.Capture && x.Since == y.Since && x.Zoneless == y.Zoneless &&
			len(x.Actions) == len(y.Actions) && x.Start.Sub(y.Start).Abs() < copyWithin && x.End.Sub(y.End).Abs() < copyWithin
	})
}

// listsOf collects the owners that count for each unit, addresses in events
// among them.
func (l *loader) listsOf() [][]owners.Owned {
	var named []owners.Owned
	seen := map[owners.Owned]bool{}
	for _, f := range l.truth.files {
		for _, e := range f.events {
			if a, ok := owners.ParseAddress(e.MAC); ok && e.MAC != "" {
				if o := (owners.Owned{Addr: a, Device: e.Device}); !seen[o] {
					seen[o] = true
					named = append(named, o)
				}
			}
		}
	}
	scopes := make([]scope, len(l.truth.lists))
	for k, d := range l.truth.lists {
		scopes[k] = l.scope(d.name)
		for _, c := range owners.Conflicts(d.list) {
			l.doubt(datasets.DoubtConflict, filepath.Base(d.name), 1, len(d.list), "", "%s; the first counts", c)
		}
	}

	out := make([][]owners.Owned, len(l.units))
	for i, about := range l.about(scopes) {
		for _, k := range about {
			out[i] = append(out[i], l.truth.lists[k].list...)
		}

		// What a list says of an address counts more than an event.
		for _, o := range named {
			if !slices.ContainsFunc(out[i], func(x owners.Owned) bool { return x.Addr == o.Addr }) {
				out[i] = append(out[i], o)
			}
		}
	}
	return out
}

// devicesOf names the devices of one recording, sorted.
func (l *loader) devicesOf(i int, list []owners.Owned, files []int) []string {
	u, names := l.units[i], map[string]bool{}
	for _, o := range list {
		names[o.Device] = true
	}
	for _, k := range files {
		for _, e := range l.truth.files[k].events {
			if e.Capture == "" || slices.Contains(l.index.find(e.Capture, l.units), i) {
				names[e.Device] = true
			}
		}
	}
	if a := u.parts["activity"]; a != "" || u.parts["device"] != "" {
		names[l.deviceOf(u)] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// deviceOf is the device that a unit's name says, or the only one there is.
func (l *loader) deviceOf(u *unit) string {
	if d := u.parts["device"]; d != "" {
		return d
	}
	if u.rep == nil {
		return page
	}
	if all := l.allDevices(); len(all) == 1 {
		return all[0]
	}
	return "device"
}

// allDevices are the names in lists, sorted.
func (l *loader) allDevices() []string {
	names := map[string]bool{}
	for _, n := range l.knownDevices() {
		names[n] = true
	}
	for _, r := range l.f.recordings {
		for _, d := range r.Labels.Devices {
			names[d] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// clipLabels gives recordings whose names hold an activity the event that they
// are, and one common end: how long somebody recorded must not name the class.
func (l *loader) clipLabels() {
	longest := time.Duration(0)
	clip := func(i int) bool {
		a := l.units[i].parts["activity"]
		return a != "" && len(l.truth.files) == 0 && !slices.Contains(idleWords(), normal(a))
	}
	for i := range l.f.recordings {
		if clip(i) {
			longest = max(longest, l.f.recordings[i].Trace.End)
		}
	}
	end := time.Duration(math.Ceil(longest.Seconds())) * time.Second
	for i := range l.f.recordings {
		if !clip(i) {
			continue
		}
		r, u := &l.f.recordings[i], l.units[i]
		r.Trace.End = max(end, r.Trace.End)
		r.Labels.Events = []datasets.Event{{Device: slices.Index(r.Labels.Devices, l.deviceOf(u)), Activity: u.parts["activity"]}}
	}
}

// findTasks lists what the labels serve, and where it was recorded.
func (l *loader) findTasks() {
	clips, events, commands, stays, classes := 0, 0, 0, 0, map[string]bool{}
	owning := map[string]bool{}
	single, ends := len(l.f.recordings) > 1, map[time.Duration]bool{}
	for i := range l.f.recordings {
		r := &l.f.recordings[i]
		switch {
		case len(r.Labels.Events) > 0 && len(l.truth.files) == 0:
			clips++
		default:
			events += len(r.Labels.Events)
		}
		commands += len(r.Labels.Commands)
		stays += len(r.Labels.Stays)
		single = single && len(r.Labels.Events) == 1
		ends[r.Trace.End] = true
		if c := r.ClipClass(); c != "" {
			classes[c] = true
		}
		for d := range ownersIn(r) {
			owning[r.Labels.Devices[d]] = true
		}
	}

	// Recordings that hold one event each and are all equally long are clips as
	// well, wherever the labels came from.
	add := func(t datasets.Task, ok bool) {
		if ok {
			l.f.tasks = append(l.f.tasks, t)
		}
	}
	add(datasets.TaskEvent, events > 0)
	add(datasets.TaskDevice, len(owning) > 1)
	add(datasets.TaskCommand, commands > 0)
	add(datasets.TaskRoutine, stays > 0)
	add(datasets.TaskClip, clips > 0 || single && len(ends) == 1 && len(classes) > 1)
	l.f.recorded = cmp.Or(l.f.spec.Recorded, l.recordedAt())
}

// ownersIn are the devices that own packets of r.
func ownersIn(r *datasets.Recording) map[int32]bool {
	out := map[int32]bool{}
	for _, o := range r.Labels.Owners {
		if o >= 0 {
			out[o] = true
		}
	}
	return out
}

// recordedAt is the vantage all recordings can stand for.
func (l *loader) recordedAt() datasets.Vantage {
	at := datasets.WAN
	for i, u := range l.units {
		switch {
		case u.rep == nil || len(u.trace.Packets) == 0:
		case u.rep.Recorded == datasets.WAN:
			return datasets.WAN // farther than that is nobody
		default:
			at = l.units[i].rep.Recorded
		}
	}
	return at
}
