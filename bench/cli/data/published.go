package data

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"veilbench/bench/cli/command"
	"veilbench/bench/cli/source"
	"veilbench/datasets"
	"veilbench/datasets/published"
	"veilbench/reports/table"
)

// describePublished says what published data hold: of each group how much and how
// many labels, then the classes and what is doubtful.
func describePublished(ctx context.Context, a *command.App, id string, opt source.Options, show command.Show) error {
	if name, path, _ := strings.Cut(id, "="); name == published.BurstsName {
		if err := opt.Counts(id); err != nil {
			return err
		}
		return describeBursts(ctx, a, path, show)
	}

	// The seed is of generated data, of which there is none here.
	opt.Own = a.Datasets
	if err := opt.Counts(id); err != nil {
		return err
	}
	sets, err := source.Load(ctx, id, 1, opt)
	if err != nil {
		return err
	}
	var ts []table.Table
	for i := range sets {
		ds := &sets[i]
		serves := "no task: nothing is labeled (it can be defended and priced)"
		if len(ds.Tasks) > 0 {
			serves = taskList(ds.Tasks) + ", split " + string(ds.Split)
		}
		t := groupTable(ds)
		t.Name, t.Title = ds.Name, source.Describe(ds)
		t.Notes = append([]string{fmt.Sprintf("serves %s; recorded at %s, seen from %s", serves, ds.Recorded, ds.DefaultVantage())}, t.Notes...)
		for _, w := range ds.Warnings {
			t.Notes = append(t.Notes, "doubt: "+w)
		}
		ts = append(ts, t)
	}
	return a.Tables(table.Text, show, ts...)
}

// groupTable has a line for each group, or each recording where a group has few, and
// below it the events of each class.
func groupTable(ds *datasets.Dataset) table.Table {
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

	head := "group"
	if few {
		head = "recording"
	}
	t := table.Table{Columns: table.Columns(head, "#recordings", "#packets", "#hours", "#events")}
	for _, name := range slices.Sorted(maps.Keys(lines)) {
		l := lines[name]
		hours := table.Number(l.hours, func(v float64) string { return table.Fixed(v, 2) })
		t.Rows = append(t.Rows, []table.Value{table.Word(name), table.Count(l.recordings), table.Count(l.packets), hours, table.Count(l.events)})
	}
	var list []string
	for _, c := range slices.Sorted(maps.Keys(classes)) {
		list = append(list, fmt.Sprintf("%s %d", c, classes[c]))
	}
	if len(list) > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("%d classes: %s", len(list), strings.Join(list, ", ")))
	}
	return t
}

// describeBursts says what the feature rows hold: there is no packet in them, so
// no data set comes of it.
func describeBursts(ctx context.Context, a *command.App, path string, show command.Show) error {
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

	// Who looks for packets must learn at once that there are none.
	t := table.Table{
		Title:   filepath.Base(path) + ": features of bursts, no packets: no defense can change them and no run takes them",
		Columns: table.Columns("device", "#train rows", "#events", "#test rows", "#test events", "#states", "#actions", "#labels of the published method"),
	}
	for _, d := range ds {
		distinct := func(of map[string]string) int { return len(slices.Compact(slices.Sorted(maps.Values(of)))) }
		row := []table.Value{table.Word(d.Name)}
		for _, n := range []int{len(d.Train), burstEvents(d.Train), len(d.Test), burstEvents(d.Test), len(d.Action), distinct(d.Action), distinct(d.Merged)} {
			row = append(row, table.Count(n))
		}
		t.Rows = append(t.Rows, row)
	}
	return a.Tables(table.Text, show, t)
}

// burstEvents counts the experiments that rows are of.
func burstEvents(bs []published.Burst) int {
	seen := map[string]bool{}
	for _, b := range bs {
		seen[b.Event] = true
	}
	return len(seen)
}
