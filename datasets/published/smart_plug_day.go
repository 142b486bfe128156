package published

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/catalog"
)

// smartPlugDay is captures of one plug, idle and used.
func smartPlugDay() Source {
	return Source{
		Entry: catalog.Entry{
			Name:   "smart-plug-day",
			Title:  "a smart plug, 10.7 hours idle and one hour used",
			Source: "https://github.com/edim98/SSI_Measurements_2022",
			Terms:  "MIT (copyright 2022 Eduard)",
			Tasks:  []datasets.Task{datasets.TaskEvent},
			Note:   "the times of single switch commands were read off packet sizes; one session of use, so splits are within it",
			From:   github("edim98/SSI_Measurements_2022", "cd4b6c7c6486fa89a4b8b0faa712338bf2539992"),
		},
		cited: "SSI_Measurements_2022, github.com/edim98/SSI_Measurements_2022 commit cd4b6c7c",
		loaders: []loader{
			{"smart-plug-day", one(readSmartPlugDay)},
			{"smart-plug-day-named", one(readSmartPlugDayNamed)},
		},
	}
}

// The rows that begin and end the period of manual switching.
const (
	switchingBegins = "manual_switching_begins"
	switchingEnds   = "manual_switching_ends"
)

// readSmartPlugDay reads the captures of one plug: path is the folder with
// passive.pcap (10.7 hours in which nobody touched it, cut into hours) and
// active.pcap (an hour of use, cut into five minutes). The captures are the
// groups, "passive" and "active", and all uses are in one of them, so only a
// split within groups can train on them.
//
// Events are the named rows of active_events.csv (offset_s, event) and the
// single commands of active_switch_commands.csv in place of the two rows that
// begin and end the period of manual switching. Those commands were read off
// the packet sizes: they serve to compare a defended trace with an undefended
// one, not to rate a detector. readSmartPlugDayNamed has the period as one
// state instead. On and off cannot be told apart, so they are one activity.
// Without the label files no task is served.
func readSmartPlugDay(ctx context.Context, path string) (datasets.Dataset, error) {
	return smartPlugFrom(ctx, path, func(named []datasets.Event) ([]datasets.Event, []string, error) {
		commands, warnings, err := plugEvents(ctx, filepath.Join(path, "active_switch_commands.csv"))
		if err != nil {
			return nil, nil, err
		}
		for _, e := range named {
			if e.Activity != switchingBegins && e.Activity != switchingEnds {
				commands = append(commands, e)
			}
		}
		return commands, append(warnings, "the times of switch commands were read off the traffic: a detector of their packet size is right by construction"), nil
	})
}

// readSmartPlugDayNamed is readSmartPlugDay with the named rows only, and the
// period of manual switching as one state.
func readSmartPlugDayNamed(ctx context.Context, path string) (datasets.Dataset, error) {
	return smartPlugFrom(ctx, path, func(named []datasets.Event) ([]datasets.Event, []string, error) {
		var out []datasets.Event
		at := -1 // index of the state in out

		// The row that begins the period stands before the one that ends it.
		for _, e := range named {
			switch e.Activity {
			case switchingBegins:
				at = len(out)
				e.Activity = "manual_switching"
				out = append(out, e)
			case switchingEnds:
				if at < 0 {
					return nil, nil, fmt.Errorf("%s: %s before %s", path, switchingEnds, switchingBegins)
				}
				out[at].End = e.Start
			default:
				out = append(out, e)
			}
		}
		return out, nil, nil
	})
}

// plugMAC is the plug's hardware address.
func plugMAC() datasets.MAC { return datasets.MAC{0x38, 0x1f, 0x8d, 0xb0, 0xc9, 0x01} }

// smartPlugFrom reads both captures. events makes the labels of the used one
// from the named rows of its table.
func smartPlugFrom(ctx context.Context, path string, events func(named []datasets.Event) ([]datasets.Event, []string, error)) (datasets.Dataset, error) {
	ds := datasets.Dataset{
		Recorded: datasets.LAN,
		Tasks:    []datasets.Task{datasets.TaskEvent},
		Split:    "kfold:k=5",
	}
	for _, c := range []struct {
		group string
		piece time.Duration
	}{{"active", 5 * time.Minute}, {"passive", time.Hour}} {
		r := datasets.Recording{ID: c.group, Group: c.group, Labels: datasets.Labels{Devices: []string{"plug"}}}
		t, mac, found, err := openDevice(ctx, filepath.Join(path, c.group+".pcap"), plugMAC())
		if err != nil {
			return ds, err
		}
		r.Trace = t
		r.Labels.Owners = ownersByMAC(t, mac, 0)
		found.tell(&ds)

		// Only one of the captures has events; nothing happened in the other.
		if c.group == "active" {
			named, warnings, err := plugEvents(ctx, filepath.Join(path, "active_events.csv"))
			if err != nil {
				return ds, err
			}
			ds.Warnings = append(ds.Warnings, warnings...)
			if r.Labels.Events, warnings, err = events(named); err != nil {
				return ds, err
			}
			ds.Warnings = append(ds.Warnings, warnings...)
			sortEvents(r.Labels.Events)
		}
		if c.group == "active" && len(r.Labels.Events) == 0 {
			ds.Tasks = nil
		}

		pieces := r.Cut(multiples(c.piece, t.End))
		for i, p := range pieces {
			p.ID = c.group + "/" + padded(i, len(pieces))
			ds.Recordings = append(ds.Recordings, p)
		}
	}
	return ds, nil
}

// plugEvents reads a table of offsets from the capture's first packet. It is
// no error if there is none.
func plugEvents(ctx context.Context, name string) ([]datasets.Event, []string, error) {
	rows, missing, err := readOptionalTable(ctx, name, "offset_s", "event")
	if err != nil {
		return nil, nil, err
	}
	if missing {
		return nil, []string{"no " + filepath.Base(name) + ": its events are not labeled"}, nil
	}
	var out []datasets.Event
	for _, r := range rows {
		at, err := parseSeconds(r.fields[0])
		if err != nil {
			return nil, nil, fmt.Errorf("%s:%d: %w", name, r.line, err)
		}
		out = append(out, datasets.Event{Start: at, End: at, Activity: r.fields[1]})
	}
	return out, nil, nil
}
