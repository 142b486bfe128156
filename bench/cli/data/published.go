package data

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"veilbench/bench/cli/command"
	"veilbench/bench/cli/source"
	"veilbench/datasets"
	"veilbench/datasets/published"
	"veilbench/reports/table"
)

// describePublished says what published data hold: of each group how much and how
// many labels, then the classes and what is doubtful.
func describePublished(ctx context.Context, a *command.App, id string, opt source.Options) error {
	if name, path, _ := strings.Cut(id, "="); name == published.BurstsName {
		return describeBursts(ctx, a, path)
	}

	// The seed is of generated data, of which there is none here.
	opt.Own = a.Datasets
	sets, err := source.Load(ctx, id, 1, opt)
	if err != nil {
		return err
	}
	for i := range sets {
		ds := &sets[i]
		fmt.Fprintln(a.Stdout, source.Describe(ds))
		serves := "no task: nothing is labeled (it can be defended and priced)"
		if len(ds.Tasks) > 0 {
			serves = taskList(ds.Tasks) + ", split " + string(ds.Split)
		}
		fmt.Fprintf(a.Stdout, "serves %s; recorded at %s, seen from %s\n", serves, ds.Recorded, ds.DefaultVantage())
		if err := describeGroups(a, ds); err != nil {
			return err
		}
		for _, w := range ds.Warnings {
			fmt.Fprintln(a.Stdout, "doubt:", table.Plain(w))
		}
	}
	return nil
}

// describeGroups writes a table with a line for each group, or each recording
// where a group has few, and the events of each class.
func describeGroups(a *command.App, ds *datasets.Dataset) error {
	type line struct {
		recordings, packets, events int
		hours                       float64
	}
	lines := map[string]*line{}
	classes := map[string]int{}
	few := len(ds.Recordings) <= 20 // both sides of a pair are worth a line each
	for i := range ds.Recordings {
		r := &ds.Recordings[i]
		name := r.Group
		if few {
			name = r.ID
		}
		l := lines[name]
		if l == nil {
			l = &line{}
			lines[name] = l
		}
		l.recordings++
		l.packets += len(r.Trace.Packets)
		l.events += len(r.Labels.Events) + len(r.Labels.Commands)
		l.hours += r.Trace.End.Hours()
		for _, e := range r.Labels.Events {
			classes[r.Labels.Class(e)]++
		}
	}

	w := tabwriter.NewWriter(a.Stdout, 0, 4, 2, ' ', 0)
	head := "group"
	if few {
		head = "recording"
	}
	fmt.Fprintf(w, "  %s\trecordings\tpackets\thours\tevents\n", head)
	for _, name := range slices.Sorted(maps.Keys(lines)) {
		l := lines[name]
		fmt.Fprintf(w, "  %s\t%d\t%d\t%.2f\t%d\n", name, l.recordings, l.packets, l.hours, l.events)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	var list []string
	for _, c := range slices.Sorted(maps.Keys(classes)) {
		list = append(list, fmt.Sprintf("%s %d", c, classes[c]))
	}
	if len(list) > 0 {
		fmt.Fprintf(a.Stdout, "%d classes: %s\n", len(list), strings.Join(list, ", "))
	}
	return nil
}

// describeBursts says what the feature rows hold: there is no packet in them, so
// no data set comes of it.
func describeBursts(ctx context.Context, a *command.App, path string) error {
	if path == "" {
		e, cache, err := source.Published(published.BurstsName, "")
		if err != nil {
			return err
		}
		path = e.Folder(cache)
	}
	ds, err := published.ReadBursts(ctx, path)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.Stdout, "%s: features of bursts, no packets: no defense can change them and no run takes them\n", filepath.Base(path))
	w := tabwriter.NewWriter(a.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "  device\ttrain rows\tevents\ttest rows\tevents\tstates\tactions\tlabels of the published method")
	for _, d := range ds {
		distinct := func(of map[string]string) int { return len(slices.Compact(slices.Sorted(maps.Values(of)))) }
		fmt.Fprintf(w, "  %s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\n", d.Name, len(d.Train), burstEvents(d.Train), len(d.Test), burstEvents(d.Test), len(d.Action), distinct(d.Action), distinct(d.Merged))
	}
	return w.Flush()
}

// burstEvents counts the experiments that rows are of.
func burstEvents(bs []published.Burst) int {
	seen := map[string]bool{}
	for _, b := range bs {
		seen[b.Event] = true
	}
	return len(seen)
}
