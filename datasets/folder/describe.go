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

// Summary is what was understood of a folder.
type Summary struct {
	Folder string `json:"folder"`
	// Layout is the known layout that the folder has, "" for none, Captures how captures
	// are named, GroupBy what was recorded together.
	Layout   string `json:"layout,omitempty"`
	Captures string `json:"captures"`
	GroupBy  string `json:"group"`

	Files      int     `json:"files"`
	Empty      int     `json:"without_packets"`
	Recordings int     `json:"recordings"`
	Groups     int     `json:"groups"`
	Events     int     `json:"events"`
	Commands   int     `json:"commands"`
	Hours      float64 `json:"hours"`
	// Packets are those of the files, Segments those that cutting frames above the MTU
	// added.
	Packets  int `json:"packets"`
	Segments int `json:"segments"`

	Devices []string       `json:"devices"` // sorted
	Classes map[string]int `json:"classes"` // events of each
	Clock   string         `json:"clock,omitempty"`
	Zone    string         `json:"zone,omitempty"`

	Doubts     []datasets.Doubt `json:"doubts,omitempty"`
	Notes      []string         `json:"notes,omitempty"`
	Unreadable []string         `json:"unreadable,omitempty"`
	LeftOut    []string         `json:"left_out,omitempty"`
	Pairs      [][2]string      `json:"pairs,omitempty"`
	Tasks      []datasets.Task  `json:"tasks"`
	Recorded   datasets.Vantage `json:"recorded"`
}

// Summary says what was understood, for programs.
func (f *Folder) Summary() Summary {
	s := Summary{
		Folder: filepath.Base(f.path), Layout: f.layout, Captures: f.spec.Captures, GroupBy: f.spec.Group,
		Files: f.captures, Empty: f.empty, Recordings: len(f.recordings), Groups: len(f.groups()), Segments: f.segments,
		Classes: f.classes(), Clock: f.clock, Zone: f.spec.Labels.Zone,
		Notes: f.warnings, Unreadable: problems(f.broken), LeftOut: problems(f.left), Tasks: f.tasks, Recorded: f.recorded,
	}
	var length time.Duration
	for i := range f.recordings {
		r := &f.recordings[i]
		s.Packets += len(r.Trace.Packets)
		length += r.Trace.End
		s.Commands += len(r.Labels.Commands)
		s.Devices = append(s.Devices, r.Labels.Devices...)
	}
	s.Packets -= f.segments
	s.Hours = length.Hours()
	s.Devices = slices.Compact(slices.Sorted(slices.Values(s.Devices)))
	for _, n := range s.Classes {
		s.Events += n
	}

	// That a file is cut is a doubt of its own where it is read all the same.
	broken := func(file string) bool {
		return slices.ContainsFunc(f.broken, func(p problem) bool { return p.file == file })
	}
	ds := f.Dataset()
	for _, d := range doubt.Of(&ds, ds.DefaultVantage(), 1) {
		if d.Code != datasets.DoubtCut || !broken(d.Where) {
			s.Doubts = append(s.Doubts, d)
		}
	}
	for _, p := range f.pairs {
		s.Pairs = append(s.Pairs, [2]string{p.before, p.after})
	}
	return s
}

// Describe writes what was understood, for people.
func (f *Folder) Describe(w io.Writer) error {
	s := f.Summary()
	var b strings.Builder

	// What was recognized comes first: if that is wrong, all below is.
	how := s.Captures
	if s.Layout != "" {
		how = s.Layout + ", read as " + how
	}
	fmt.Fprintf(&b, "%s: %s; %s%s%s\n", s.Folder, how, plural(s.Files, "file"),
		some(len(s.Unreadable), " unreadable (below)"), some(s.Empty, " without packets"))
	fmt.Fprintf(&b, "recordings %d   groups %d (%s)   devices %d   classes %d   events %d%s   %.1f h   packets %d%s\n",
		s.Recordings, s.Groups, s.GroupBy, len(s.Devices), len(s.Classes), s.Events, some(s.Commands, " commands"), s.Hours, s.Packets, some(s.Segments, " more as frames above the MTU were cut"))

	for line := range slices.Chunk(slices.Sorted(maps.Keys(s.Classes)), 5) {
		var of []string
		for _, c := range line {
			of = append(of, fmt.Sprintf("%s %d", c, s.Classes[c]))
		}
		fmt.Fprintf(&b, "  %s\n", strings.Join(of, "  "))
	}
	if len(s.Classes) == 0 && len(s.Devices) > 0 {
		fmt.Fprintf(&b, "  %s\n", f.deviceTable())
	}
	switch {
	case s.Clock != "":
		fmt.Fprintf(&b, "clock   %s\n", s.Clock)
	case s.Zone != "":
		fmt.Fprintf(&b, "clock   times without a zone are of %s\n", s.Zone)
	}

	var doubts, pairs []string
	for _, d := range s.Doubts {
		doubts = append(doubts, d.String())
	}
	for _, p := range s.Pairs {
		pairs = append(pairs, p[0]+" and "+p[1])
	}
	f.list(&b, "doubts", doubts)
	f.list(&b, "notes", s.Notes)
	f.list(&b, "unreadable", s.Unreadable)
	f.list(&b, "left out", s.LeftOut)
	f.list(&b, "pairs", pairs)
	fmt.Fprintf(&b, "serves  %s; recorded at %s\n", joinOr(s.Tasks, "no task: no labels and no list of devices (it can be defended and priced)"), s.Recorded)
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
