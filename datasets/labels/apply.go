package labels

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/params"
)

// Apply makes the truth about t from label files of any kinds. Devices are all
// names in the files. If some file says who owns which address, Owners is
// filled and every device of an event must own one.
//
// Labels that lie outside of the recording are left out, with a doubt that gives
// their lines; if that is true of all of a file it is an error: its clock was
// stated wrongly. Doubts also name addresses that no packet has, and events at
// one moment that contradict each other. Events known to the minute only are
// intervals of it.
func Apply(t datasets.Trace, files ...*File) (Laid, error) {
	a := applier{
		t: t, index: map[string]int{}, claims: map[string][]claim{}, wired: map[int]bool{}, used: map[string]bool{},
	}

	// Owners of a file come before its events, and devices before both: labels
	// hold indexes into their sorted names.
	a.collectDevices(files)
	for _, f := range files {
		a.doubts, a.warnings = append(a.doubts, f.doubts...), append(a.warnings, f.warnings...)
		for _, step := range []func(*File) error{a.owners, a.events, a.commands, a.stays} {
			if err := step(f); err != nil {
				return Laid{}, err
			}
		}
	}
	if err := a.finish(files); err != nil {
		return Laid{}, err
	}
	out := Laid{Labels: a.l, Doubts: a.doubts, Warnings: a.warnings}
	for _, f := range files {
		out.Vague, out.Zone = out.Vague || f.vague, cmp.Or(out.Zone, f.zone)
		out.Since = out.Since || slices.ContainsFunc(f.events, func(e event) bool { return e.start.wall.IsZero() }) ||
			slices.ContainsFunc(f.commands, func(c command) bool { return c.time.wall.IsZero() }) ||
			slices.ContainsFunc(f.stays, func(s stay) bool { return s.start.wall.IsZero() })
	}
	return out, nil
}

// Laid is what label files say of a trace.
type Laid struct {
	datasets.Labels
	// Vague says that the end of an event is when it happened at the latest, as
	// in datasets.Dataset. Zone is the one that times without a zone were taken
	// for, "" if there are none.
	Vague bool
	Zone  string
	// Since says that times of events, commands or stays count from the recording's
	// start.
	Since bool
	// Doubts and Warnings are in order of the files.
	Doubts   []datasets.Doubt
	Warnings []string
}

// applier is one run of Apply.
type applier struct {
	t        datasets.Trace
	l        datasets.Labels
	index    map[string]int // device name to index
	doubts   []datasets.Doubt
	warnings []string
	lines    []int              // of l.Events, in the order read
	minutes  []int              // of l.Events, those that count as known to the minute
	claims   map[string][]claim // by address
	wired    map[int]bool       // devices that own a hardware address
	bounded  bool               // some claim is for a time
	used     map[string]bool    // address that some flow has
}

// claim says that an address is a device's within a time, both ends included.
type claim struct {
	device   int
	from, to time.Duration
	source   string // "file:line"
}

// collectDevices names all devices before any label is laid over the trace:
// labels hold indexes into the sorted names.
func (a *applier) collectDevices(files []*File) {
	for _, f := range files {
		for _, e := range f.events {
			a.l.Devices = append(a.l.Devices, e.device)
		}
		for _, o := range f.owners {
			a.l.Devices = append(a.l.Devices, o.device)
		}
		for _, c := range f.commands {
			a.l.Devices = append(a.l.Devices, c.device)
		}
	}
	slices.Sort(a.l.Devices)
	a.l.Devices = slices.Compact(a.l.Devices)
	for i, d := range a.l.Devices {
		a.index[d] = i
	}
}

// owners notes who owns which address when; an address of two owners at a time
// is an error.
func (a *applier) owners(f *File) error {
	for _, o := range f.owners {
		c := claim{a.index[o.device], math.MinInt64, math.MaxInt64, fmt.Sprintf("%s:%d", f.name, o.line)}
		for m, at := range map[*moment]*time.Duration{o.from: &c.from, o.to: &c.to} {
			if m == nil {
				continue
			}
			var err error
			if *at, err = m.in(a.t.Start); err != nil {
				return fmt.Errorf("%s: %w", c.source, err)
			}
			a.bounded = true
		}
		if o.to != nil {
			c.to-- // who has it from then on has it at that time
		}
		for _, before := range a.claims[o.address()] {
			if c.from <= before.to && before.from <= c.to {
				return fmt.Errorf("%s: address %s has an owner already (%s); where it changed hands, say when in columns from and to", c.source, o.address(), before.source)
			}
		}
		a.claims[o.address()] = append(a.claims[o.address()], c)
		if !o.addr.IsValid() {
			a.wired[c.device] = true
		}
	}
	return nil
}

// events converts the events of a file to times of the recording.
func (a *applier) events(f *File) error {
	var outside []int
	first := len(a.l.Events)
	for _, e := range f.events {
		start, err := e.start.in(a.t.Start)
		if err != nil {
			return fmt.Errorf("%s:%d: %w", f.name, e.line, err)
		}

		// The end is of the same clock as the start, so it cannot fail here. A
		// state that outlasts the recording is cut; one that began before it is
		// left out, for its beginning is what an attack has to find.
		end, _ := e.end.in(a.t.Start)
		if f.vague && start < 0 && end >= 0 {
			start = 0 // it began within the minute in which the event happened
		}
		if start < 0 || start > a.t.End {
			outside = append(outside, e.line)
			continue
		}
		a.l.Events = append(a.l.Events, datasets.Event{
			Start: start, End: min(end, a.t.End), Device: a.index[e.device], Activity: e.activity,
		})
		if a.lines = append(a.lines, e.line); e.guessed && f.vague {
			a.minutes = append(a.minutes, len(a.l.Events)-1)
		}
	}
	if err := a.outside(f, outside, len(f.events)); err != nil {
		return err
	}
	if !f.vague {
		a.contradictions(f, first)
	}
	return nil
}

// outside reports labels that lie outside of the recording, of all in the
// file.
func (a *applier) outside(f *File, lines []int, all int) error {
	if len(lines) == 0 {
		return nil
	}
	span := "0 to " + a.t.End.Round(time.Millisecond).String()
	switch {
	case a.t.End == math.MaxInt64: // of a folder, whose recordings come later
		span = "from its start on"
	case !a.t.Start.IsZero():
		span = a.t.Start.Format(time.RFC3339) + " to " + a.t.Start.Add(a.t.End).Format(time.RFC3339)
	}
	if len(lines) == all {
		return fmt.Errorf("%s:%d: none of %d labels lies in the recording (%s); state the labels' clock, offset or zone%s", f.name, lines[0], all, span, a.hint(f))
	}
	a.doubt(f, datasets.DoubtOutside, len(lines), all, "state the labels' clock, offset or zone, if they should lie in it",
		"%d of %d labels lie outside of the recording (%s): %s", len(lines), all, span, lineList(lines))
	return nil
}

// hint proposes the least shift by half hours that puts all labels of a file into
// the recording, "" if there is none up to 14 h, the most that two zones differ.
func (a *applier) hint(f *File) string {
	var at []time.Duration
	for _, e := range f.events {
		d, _ := e.start.in(a.t.Start)
		at = append(at, d)
	}
	for _, c := range f.commands {
		d, _ := c.time.in(a.t.Start)
		at = append(at, d)
	}
	for _, s := range f.stays {
		d, _ := s.start.in(a.t.Start)
		at = append(at, d)
	}
	first, last := slices.Min(at), slices.Max(at)

	// Zones differ by half hours at the least, but for a few of three quarters.
	const step = 30 * time.Minute
	for by := step; by <= 14*time.Hour; by += step {
		for _, by := range []time.Duration{-by, by} {
			if first+by >= 0 && last+by <= a.t.End {
				return fmt.Sprintf(" (moved by %v all lie in it: --label-offset %v)", by, by)
			}
		}
	}
	return ""
}

// doubt notes one about a file.
func (a *applier) doubt(f *File, code string, count, of int, remedy, format string, args ...any) {
	a.doubts = append(a.doubts, datasets.Doubt{Code: code, Where: f.name, Count: int64(count), Of: int64(of), Remedy: remedy, Detail: fmt.Sprintf(format, args...)})
}

// lineList writes line numbers for people, the first ten of them.
func lineList(lines []int) string {
	word := "line"
	if len(lines) > 1 {
		word = "lines"
	}
	var s []string
	for _, l := range lines[:min(len(lines), 10)] {
		s = append(s, fmt.Sprint(l))
	}
	if len(lines) > 10 {
		s = append(s, "...")
	}
	return word + " " + strings.Join(s, ", ")
}

// contradictions warns of events of one device at one moment with different
// activities, among those from index first on.
func (a *applier) contradictions(f *File, first int) {
	type when struct {
		at     time.Duration
		device int
	}
	seen := map[when]int{}
	var lines []int
	for i := first; i < len(a.l.Events); i++ {
		e := a.l.Events[i]
		k := when{e.Start, e.Device}
		if j, ok := seen[k]; ok && a.l.Events[j].Activity != e.Activity {
			lines = append(lines, a.lines[j], a.lines[i])
		}
		seen[k] = i
	}
	if len(lines) > 0 {
		a.doubt(f, datasets.DoubtConflict, len(lines), len(f.events), "", "different activities of one device at one moment: %s", lineList(lines))
	}
}

// commands converts the commands of a file to times of the recording.
func (a *applier) commands(f *File) error {
	var outside []int
	for _, c := range f.commands {
		at, err := c.time.in(a.t.Start)
		if err != nil {
			return fmt.Errorf("%s:%d: %w", f.name, c.line, err)
		}
		if at < 0 || at > a.t.End {
			outside = append(outside, c.line)
			continue
		}
		a.l.Commands = append(a.l.Commands, datasets.Command{Time: at, Device: a.index[c.device], Actions: c.actions})
	}
	return a.outside(f, outside, len(f.commands))
}

// finish finds each packet's owner and sorts what came from several files.
func (a *applier) finish(files []*File) error {
	// Without any owner the truth about packets is unknown, which is not the
	// same as nobody's: Owners stays nil.
	var err error
	if len(a.claims) > 0 {
		a.own()
		err = errors.Join(a.strangers(files), a.unused(files))
	}

	// Whose traffic is whose decides whether times were rounded, and that moves
	// events: so they are sorted last.
	a.round()
	slices.SortStableFunc(a.l.Events, func(x, y datasets.Event) int { return cmp.Compare(x.Start, y.Start) })
	slices.SortStableFunc(a.l.Commands, func(x, y datasets.Command) int { return cmp.Compare(x.Time, y.Time) })
	return err
}

// own finds each packet's owner.
func (a *applier) own() {
	byFlow := make([]int32, len(a.t.Flows))
	for i := range a.t.Flows {
		byFlow[i] = a.flowOwner(&a.t.Flows[i], 0)
	}
	a.l.Owners = make([]int32, len(a.t.Packets))
	for i, p := range a.t.Packets {
		a.l.Owners[i] = byFlow[p.Flow]
		if a.bounded {
			a.l.Owners[i] = a.flowOwner(&a.t.Flows[p.Flow], p.Time)
		}
	}
}

// at is the device that has an address at a time, or -1.
func (a *applier) at(address string, at time.Duration) int {
	for _, c := range a.claims[address] {
		if at >= c.from && at <= c.to {
			return c.device
		}
	}
	return -1
}

// flowOwner is the device that owns a flow at a time, or -1. A hardware address
// is better evidence than an IP address, which another may have by now; but one
// that several devices share, as behind a repeater, is not: where the two name
// different devices, the IP address counts if its device has no hardware
// address of its own. The home side is better than the other side of a flow
// inside the home.
func (a *applier) flowOwner(f *datasets.Flow, at time.Duration) int32 {
	mac := f.MAC.String()
	byMAC, byIP := -1, -1
	if f.MAC != (datasets.MAC{}) {
		if byMAC = a.at(mac, at); byMAC < 0 && f.MAC[0]|f.MAC[1] == 0 {
			mac = shortAddress(f.MAC)
			byMAC = a.at(mac, at)
		}
	}
	local := ""
	if f.Local.IsValid() {
		local = f.Local.Addr().String()
		byIP = a.at(local, at)
	}

	if byMAC >= 0 && (byIP < 0 || byIP == byMAC || a.wired[byIP]) {
		a.used[mac] = true
		if byIP == byMAC { // a device listed with both of its addresses uses both
			a.used[local] = true
		}
		return int32(byMAC)
	}
	if byIP >= 0 {
		a.used[local] = true
		return int32(byIP)
	}
	if f.LAN && f.Remote.IsValid() {
		remote := f.Remote.Addr().String()
		if d := a.at(remote, at); d >= 0 {
			a.used[remote] = true
			return int32(d)
		}
	}
	return -1
}

// strangers refuses events of devices that own no address: no packet could
// ever be theirs, and a slip of the pen is the likelier reason.
func (a *applier) strangers(files []*File) error {
	var owners []string
	for _, f := range files {
		for _, o := range f.owners {
			owners = append(owners, o.device)
		}
	}
	slices.Sort(owners)
	owners = slices.Compact(owners)
	for _, f := range files {
		for _, e := range f.events {
			if _, ok := slices.BinarySearch(owners, e.device); !ok {
				return fmt.Errorf("%s:%d: device %q owns no address%s (devices: %s)", f.name, e.line, e.device, params.DidYouMean(e.device, owners), strings.Join(owners, ", "))
			}
		}
	}
	return nil
}

// unused warns of addresses that no packet has. If none of a file's has one,
// the file belongs to another capture.
func (a *applier) unused(files []*File) error {
	for _, f := range files {
		var lines []int
		for _, o := range f.owners {
			if !a.used[o.address()] {
				lines = append(lines, o.line)
			}
		}
		if len(lines) > 0 && len(lines) == len(f.owners) {
			return fmt.Errorf("%s:%d: none of its addresses occurs in the recording", f.name, lines[0])
		}
		if len(lines) > 0 {
			a.doubt(f, datasets.DoubtAbsent, len(lines), len(f.owners), "", "addresses that no packet has: %s", lineList(lines))
		}
	}
	return nil
}
