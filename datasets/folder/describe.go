package folder

import (
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/doubt"
	"veilbench/datasets/folder/owners"
)

// findDoubts says what would spoil a result before anything is computed, as far
// as names and reports of captures tell it.
func (l *loader) findDoubts() {
	for _, u := range l.units {
		if len(u.trace.Packets) == 0 {
			l.f.empty++
		}
		if u.rep == nil {
			continue
		}
		l.f.segments += u.rep.Segments
		l.f.doubts = append(l.f.doubts, u.rep.DoubtsAt(u.files[0])...)
		for _, w := range u.rep.Warnings {
			l.warn("%s: %s", u.files[0], w)
		}
	}

	// A device is silent only if no recording that knows owners has a packet of
	// it: one home's list may name another home's devices.
	silent := map[string]bool{}
	for i := range l.f.recordings {
		r := &l.f.recordings[i]
		if r.Labels.Owners == nil {
			continue
		}
		for _, d := range r.Labels.Devices {
			if _, ok := silent[d]; !ok {
				silent[d] = true
			}
		}
		for d := range ownersIn(r) {
			silent[r.Labels.Devices[d]] = false
		}
	}
	for _, d := range slices.Sorted(maps.Keys(silent)) {
		if silent[d] {
			l.doubt(datasets.DoubtAbsent, d, 1, len(silent), "look at its address in the list of devices", "device %s has no traffic", d)
		}
	}
	if len(l.f.groups()) == 1 && len(l.f.recordings) > 1 && len(l.f.tasks) > 0 {
		how := "say what was recorded together with group in " + specFile
		if l.units[0].parts["n"] != "" {
			how += `; group: "{n}" where the number is a round in which each class was recorded once`
		}
		l.doubt(datasets.DoubtOneGroup, "", 1, 1, how, "all recordings are one group: the split is within it")
	}

	// Captures of one kind say the same.
	l.f.doubts = datasets.SortDoubts(l.f.doubts)
	slices.Sort(l.f.warnings)
	l.f.warnings = slices.Compact(l.f.warnings)
}

// unusedAddresses says which addresses of lists no packet has, if their device
// has traffic by another or by none.
func (l *loader) unusedAddresses(used map[owners.Owned]bool) {
	for _, d := range l.truth.lists {
		var absent []string
		for _, o := range d.list {
			if !used[o] {
				absent = append(absent, fmt.Sprintf("%s (%s)", o.Addr, o.Device))
			}
		}
		if len(absent) > 0 {
			l.doubt(datasets.DoubtAbsent, filepath.Base(d.name), len(absent), len(d.list), "", "no packet has %s", someOf(absent))
		}
	}
}

// someOf lists the first of many.
func someOf(names []string) string {
	const first = 5
	if len(names) <= first {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:first], ", "), len(names)-first)
}

// classes counts labels by class.
func (f *Folder) classes() map[string]int {
	count := map[string]int{}
	for i := range f.recordings {
		r := &f.recordings[i]
		for _, e := range r.Labels.Events {
			count[r.Labels.Class(e)]++
		}
	}
	return count
}

// groups are the names of all groups.
func (f *Folder) groups() map[string]bool {
	out := map[string]bool{}
	for _, r := range f.recordings {
		out[r.Group] = true
	}
	return out
}

// Describe writes what was understood, for people.
func (f *Folder) Describe(w io.Writer) error {
	var b strings.Builder

	// What was recognized comes first: if that is wrong, all below is.
	how := f.spec.Captures
	if f.layout != "" {
		how = f.layout + ", read as " + how
	}
	fmt.Fprintf(&b, "%s: %s; %s%s%s\n", filepath.Base(f.path), how, plural(f.captures, "file"),
		some(len(f.broken), " unreadable (below)"), some(f.empty, " without packets"))

	var packets int
	var length time.Duration
	devices := map[string]bool{}
	commands := 0
	for i := range f.recordings {
		r := &f.recordings[i]
		packets += len(r.Trace.Packets)
		length += r.Trace.End
		commands += len(r.Labels.Commands)
		for _, d := range r.Labels.Devices {
			devices[d] = true
		}
	}

	count := f.classes()
	events := 0
	for _, n := range count {
		events += n
	}
	fmt.Fprintf(&b, "recordings %d   groups %d (%s)   devices %d   classes %d   events %d%s   %.1f h   packets %d%s\n",
		len(f.recordings), len(f.groups()), f.spec.Group, len(devices), len(count), events, some(commands, " commands"), length.Hours(), packets-f.segments, some(f.segments, " more as frames above the MTU were cut"))

	for line := range slices.Chunk(slices.Sorted(maps.Keys(count)), 5) {
		var s []string
		for _, c := range line {
			s = append(s, fmt.Sprintf("%s %d", c, count[c]))
		}
		fmt.Fprintf(&b, "  %s\n", strings.Join(s, "  "))
	}
	if len(count) == 0 && len(devices) > 0 {
		fmt.Fprintf(&b, "  %s\n", f.deviceTable())
	}

	switch zone := f.spec.Labels.Zone; {
	case f.clock != "":
		fmt.Fprintf(&b, "clock   %s\n", f.clock)
	case zone != "":
		fmt.Fprintf(&b, "clock   times without a zone are of %s\n", zone)
	}
	broken := func(file string) bool {
		return slices.ContainsFunc(f.broken, func(p problem) bool { return p.file == file })
	}
	ds := f.Dataset()
	var doubts []string
	for _, d := range doubt.Of(&ds, ds.DefaultVantage(), 1) {
		if d.Code != datasets.DoubtCut || !broken(d.Where) { // listed below
			doubts = append(doubts, d.String())
		}
	}
	f.list(&b, "doubts", doubts)
	f.list(&b, "notes", f.warnings)
	f.list(&b, "unreadable", problems(f.broken))
	f.list(&b, "left out", problems(f.left))
	var pairs []string
	for _, p := range f.pairs {
		pairs = append(pairs, p.before+" and "+p.after)
	}
	f.list(&b, "pairs", pairs)
	fmt.Fprintf(&b, "serves  %s; recorded at %s\n", joinOr(f.tasks, "no task: no labels and no list of devices (it can be defended and priced)"), f.recorded)
	_, err := io.WriteString(w, b.String())
	return err
}

// deviceTable lists devices with their packets.
func (f *Folder) deviceTable() string {
	count := map[string]int{}
	for i := range f.recordings {
		r := &f.recordings[i]
		for _, d := range r.Labels.Devices {
			count[d] += 0
		}
		for _, o := range r.Labels.Owners {
			if o >= 0 {
				count[r.Labels.Devices[o]]++
			}
		}
	}
	var s []string
	for _, d := range slices.Sorted(maps.Keys(count)) {
		s = append(s, fmt.Sprintf("%s %d", d, count[d]))
	}
	return "packets by device: " + strings.Join(s, "  ")
}

// list writes lines under a head, at most twenty.
func (f *Folder) list(b *strings.Builder, head string, lines []string) {
	const most = 20
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(b, "%s  %d\n", head, len(lines))
	for _, s := range lines[:min(len(lines), most)] {
		fmt.Fprintf(b, "  %s\n", s)
	}
	if len(lines) > most {
		fmt.Fprintf(b, "  and %d more\n", len(lines)-most)
	}
}

func problems(ps []problem) []string {
	var out []string
	for _, p := range ps {
		out = append(out, p.file+": "+p.reason)
	}
	return out
}

// plural writes a count of things.
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if strings.HasSuffix(what, "s") {
		what += "e"
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// some writes a count behind a comma, "" for none.
func some(n int, what string) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %d%s", n, what)
}

// YAML is the dataset.yaml that says what was understood: with it in place the
// folder is read the same, whatever else is put into it later.
func (f *Folder) YAML() ([]byte, error) { return f.spec.yaml() }
