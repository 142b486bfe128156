package datasets

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"veilbench/datasets/params"
)

// ApplyLabels makes the truth about t from label files of any kinds. Devices
// are all names in the files. If some file says who owns which address, Owners
// is filled and every device of an event must own one.
//
// Labels that lie outside of the recording are left out, with a warning that
// gives their lines; if that is true of all of them it is an error. Warnings
// also name addresses that no packet has, and events at one moment that
// contradict each other.
func ApplyLabels(t Trace, files ...*LabelFile) (Labels, []string, error) {
	a := applier{t: t, index: map[string]int{}}
	a.collectDevices(files)
	for _, f := range files {
		for _, step := range []func(*LabelFile) error{a.owners, a.events, a.commands} {
			if err := step(f); err != nil {
				return Labels{}, nil, err
			}
		}
	}
	if err := a.finish(files); err != nil {
		return Labels{}, nil, err
	}
	return a.l, a.warnings, nil
}

type applier struct {
	t        Trace
	l        Labels
	index    map[string]int // device name to index
	warnings []string
	lines    []int // of l.Events, in the order read
	byLink   map[MAC]int
	byAddr   map[netip.Addr]int
	source   map[string]string // address to "file:line"
	used     map[string]bool   // address that some flow has
}

func (a *applier) collectDevices(files []*LabelFile) {
	for _, f := range files {
		for _, e := range f.Events {
			a.l.Devices = append(a.l.Devices, e.Device)
		}
		for _, o := range f.Owners {
			a.l.Devices = append(a.l.Devices, o.Device)
		}
		for _, c := range f.Commands {
			a.l.Devices = append(a.l.Devices, c.Device)
		}
	}
	slices.Sort(a.l.Devices)
	a.l.Devices = slices.Compact(a.l.Devices)
	for i, d := range a.l.Devices {
		a.index[d] = i
	}
	a.byLink, a.byAddr = map[MAC]int{}, map[netip.Addr]int{}
	a.source, a.used = map[string]string{}, map[string]bool{}
}

// address is the text by which an owner's address is known in messages.
func (o LabeledOwner) address() string {
	if o.Addr.IsValid() {
		return o.Addr.String()
	}
	return o.Link.String()
}

func (a *applier) owners(f *LabelFile) error {
	for _, o := range f.Owners {
		here := fmt.Sprintf("%s:%d", f.Name, o.Line)
		if before, twice := a.source[o.address()]; twice {
			return fmt.Errorf("%s: address %s has an owner already (%s)", here, o.address(), before)
		}
		a.source[o.address()] = here
		if o.Addr.IsValid() {
			a.byAddr[o.Addr] = a.index[o.Device]
		} else {
			a.byLink[o.Link] = a.index[o.Device]
		}
	}
	return nil
}

// events converts the events of a file to times of the recording.
func (a *applier) events(f *LabelFile) error {
	var outside []int
	for _, e := range f.Events {
		start, err := e.Start.In(a.t.Start)
		if err != nil {
			return fmt.Errorf("%s:%d: %w", f.Name, e.Line, err)
		}
		end, _ := e.End.In(a.t.Start)
		if start < 0 || start > a.t.End {
			outside = append(outside, e.Line)
			continue
		}
		a.l.Events = append(a.l.Events, Event{start, min(end, a.t.End), a.index[e.Device], e.Activity})
		a.lines = append(a.lines, e.Line)
	}
	if err := a.outside(f, outside, len(f.Events)); err != nil {
		return err
	}
	a.contradictions(f, len(a.l.Events)-len(f.Events)+len(outside))
	return nil
}

// outside reports labels that lie outside of the recording.
func (a *applier) outside(f *LabelFile, lines []int, all int) error {
	if len(lines) == 0 {
		return nil
	}
	span := "0 to " + a.t.End.Round(time.Millisecond).String()
	if !a.t.Start.IsZero() {
		span = a.t.Start.Format(time.RFC3339) + " to " + a.t.Start.Add(a.t.End).Format(time.RFC3339)
	}
	if len(lines) == all {
		return fmt.Errorf("%s:%d: none of %d labels lies in the recording (%s); state the labels' clock, offset or zone", f.Name, lines[0], all, span)
	}
	a.warnings = append(a.warnings, fmt.Sprintf("%s: %d of %d labels lie outside of the recording (%s): %s", f.Name, len(lines), all, span, lineList(lines)))
	return nil
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
func (a *applier) contradictions(f *LabelFile, first int) {
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
		a.warnings = append(a.warnings, fmt.Sprintf("%s: different activities of one device at one moment: %s", f.Name, lineList(lines)))
	}
}

func (a *applier) commands(f *LabelFile) error {
	var outside []int
	for _, c := range f.Commands {
		at, err := c.Time.In(a.t.Start)
		if err != nil {
			return fmt.Errorf("%s:%d: %w", f.Name, c.Line, err)
		}
		if at < 0 || at > a.t.End {
			outside = append(outside, c.Line)
			continue
		}
		a.l.Commands = append(a.l.Commands, Command{at, a.index[c.Device], c.Actions})
	}
	return a.outside(f, outside, len(f.Commands))
}

func (a *applier) finish(files []*LabelFile) error {
	slices.SortStableFunc(a.l.Events, func(x, y Event) int { return cmp.Compare(x.Start, y.Start) })
	slices.SortStableFunc(a.l.Commands, func(x, y Command) int { return cmp.Compare(x.Time, y.Time) })
	if len(a.source) == 0 {
		return nil
	}
	owner := make([]int32, len(a.t.Flows))
	for i := range a.t.Flows {
		owner[i] = a.flowOwner(&a.t.Flows[i])
	}
	a.l.Owners = make([]int32, len(a.t.Packets))
	for i, p := range a.t.Packets {
		a.l.Owners[i] = owner[p.Flow]
	}
	return errors.Join(a.strangers(files), a.unused(files))
}

// flowOwner is the device that owns a flow, or -1. A hardware address is
// better evidence than an IP address, the home side better than the other side
// of a flow inside the home.
func (a *applier) flowOwner(f *Flow) int32 {
	if f.Link != (MAC{}) {
		if d, ok := a.byLink[f.Link]; ok {
			a.used[f.Link.String()] = true
			if e, ok := a.byAddr[f.Local.Addr()]; ok && e == d {
				a.used[f.Local.Addr().String()] = true
			}
			return int32(d)
		}
	}
	if d, ok := a.byAddr[f.Local.Addr()]; ok {
		a.used[f.Local.Addr().String()] = true
		return int32(d)
	}
	if d, ok := a.byAddr[f.Remote.Addr()]; ok && f.LAN {
		a.used[f.Remote.Addr().String()] = true
		return int32(d)
	}
	return -1
}

// strangers refuses events of devices that own no address.
func (a *applier) strangers(files []*LabelFile) error {
	var owners []string
	for _, f := range files {
		for _, o := range f.Owners {
			owners = append(owners, o.Device)
		}
	}
	slices.Sort(owners)
	owners = slices.Compact(owners)
	for _, f := range files {
		for _, e := range f.Events {
			if _, ok := slices.BinarySearch(owners, e.Device); !ok {
				return fmt.Errorf("%s:%d: device %q owns no address%s (%s)", f.Name, e.Line, e.Device, params.DidYouMean(e.Device, owners), "devices: "+strings.Join(owners, ", "))
			}
		}
	}
	return nil
}

// unused warns of addresses that no packet has.
func (a *applier) unused(files []*LabelFile) error {
	for _, f := range files {
		var lines []int
		for _, o := range f.Owners {
			if !a.used[o.address()] {
				lines = append(lines, o.Line)
			}
		}
		if len(lines) > 0 && len(lines) == len(f.Owners) {
			return fmt.Errorf("%s:%d: none of its addresses occurs in the recording", f.Name, lines[0])
		}
		if len(lines) > 0 {
			a.warnings = append(a.warnings, fmt.Sprintf("%s: addresses that no packet has: %s", f.Name, lineList(lines)))
		}
	}
	return nil
}
