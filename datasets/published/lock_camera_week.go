package published

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/catalog"
	"veilbench/datasets/cite"
)

// lockCameraWeek is a week of two cameras and three lock bridges.
func lockCameraWeek() Source {
	return Source{
		Entry: catalog.Entry{
			Name:   "lock-camera-week",
			Title:  "a week of two cameras and three lock bridges, 475 event times",
			Source: "https://github.com/tj-oconnor/IoT-Dataset",
			Papers: cite.Of("campos2021labeling"),
			Terms:  "no license stated: cite the paper",
			Tasks:  []datasets.Task{datasets.TaskEvent, datasets.TaskDevice, datasets.TaskRoutine},
			Note:   "most events are known to the minute; one lock runs on a quarter-hour timetable, so compare with a guess from the clock",
			From:   github("tj-oconnor/IoT-Dataset", "af95b305a2a13d082d47824e96bf266e6a8856c4"),
		},
		cited: "IoT-Dataset, github.com/tj-oconnor/IoT-Dataset commit af95b305; Campos and O'Connor, Towards Labeling On-Demand IoT Traffic, CSET 2021",
		loaders: []loader{
			{"lock-camera-week", one(readLockCameraWeek)},
		},
	}
}

// lockOnTimetable is the device whose events follow the clock.
const lockOnTimetable = "ultraloq-hub-01"

// readLockCameraWeek reads the week of two cameras and three lock bridges: path
// is the folder with pcaps/*.pcap, each filtered to one device, and events.csv
// (epoch_utc, resolution_s, pcap, event; one line per event). The captures are
// put together into one home and cut into one recording per local day, which is
// its own group: "2021-03-08" and so on, US Eastern time, whose clocks changed
// on 2021-03-14. Devices are called by their captures. devices.csv (pcap, mac)
// gives hardware addresses; without it a device's is the home side's most
// frequent one in its capture.
//
// Without events.csv only the device task is served. One lock is switched on a
// quarter-hour timetable, so a clock without traffic names most of its events;
// a warning says so.
//
// Events known to the second are points. Events known to the minute only lie
// somewhere in it and are intervals of one minute, with a warning.
//
// Stays are derived from the times of what people did, which the lock on its
// timetable is not: see seen. They say when somebody was seen, not who; nobody
// spends a night in this laboratory, so nobody is asleep.
func readLockCameraWeek(ctx context.Context, path string) (datasets.Dataset, error) {
	ds := datasets.Dataset{
		Recorded: datasets.LAN,
		Tasks:    []datasets.Task{datasets.TaskEvent, datasets.TaskDevice},
		Vague:    true,
		Split:    "leave-one-group-out",
	}
	r, found, err := lockWeek(ctx, path)
	if err != nil {
		return ds, err
	}
	found.tell(&ds)

	events, more, err := lockEvents(ctx, filepath.Join(path, "events.csv"), r.Trace, r.Labels.Devices)
	if err != nil {
		return ds, err
	}
	ds.Warnings = append(ds.Warnings, more...)
	r.Labels.Events, r.Labels.Stays = events, seen(events, r.Labels.Devices)
	switch {
	case len(events) == 0:
		ds.Tasks = []datasets.Task{datasets.TaskDevice}
	case r.Labels.Stays != nil:
		ds.Tasks = append(ds.Tasks, datasets.TaskRoutine)
		ds.Warnings = append(ds.Warnings, "who is home is derived: somebody is there from the first label of people's doing to 15 minutes after the last, where no two are more than an hour apart, and nobody at all other times up to the last label")
	}

	// A day has the offset of its own beginning, which is before 02:00 even on
	// the day when the clocks change.
	for _, d := range r.Cut(easternMidnights(r.Trace)) {
		d.ID = d.Trace.Start.In(eastern(d.Trace.Start)).Format(time.DateOnly)
		d.Group = d.ID
		ds.Recordings = append(ds.Recordings, d)
	}
	return ds, nil
}

// lockWeek reads all captures into one recording of the week.
func lockWeek(ctx context.Context, path string) (datasets.Recording, odd, error) {
	var r datasets.Recording
	names, err := glob(path, "pcaps", "*.pcap")
	if err != nil {
		return r, odd{}, err
	}
	if len(names) == 0 {
		return r, odd{}, fmt.Errorf("%s: no captures (want pcaps/<device>.pcap)", path)
	}
	slices.Sort(names)

	table := filepath.Join(path, "devices.csv")
	rows, _, err := readOptionalTable(ctx, table, "pcap", "mac")
	if err != nil {
		return r, odd{}, err
	}
	macs := map[string]datasets.MAC{}
	for _, x := range rows {
		if macs[captureStem(x.fields[0])], err = parseMAC(x.fields[1]); err != nil {
			return r, odd{}, fmt.Errorf("%s:%d: %w", table, x.line, err)
		}
	}

	// The captures were taken at once in one home: put together they show the
	// devices side by side, as an observer outside sees them.
	var ts []datasets.Trace
	var found odd
	for _, n := range names {
		device := captureStem(n)
		t, _, w, err := openDevice(ctx, n, macs[device])
		if err != nil {
			return r, odd{}, err
		}
		ts = append(ts, t)
		found.doubts, found.warnings = append(found.doubts, w.doubts...), append(found.warnings, w.warnings...)
		r.Labels.Devices = append(r.Labels.Devices, device)
	}
	// A camera that sees nobody for a day is silent, as the other captures show: no
	// clock was set.
	found.doubts = slices.DeleteFunc(found.doubts, func(d datasets.Doubt) bool { return d.Code == datasets.DoubtClock })
	r.Trace, r.Labels.Owners = mergeTraces(ts)
	return r, found, nil
}

// lockEvents reads the label file. It is no error if there is none.
func lockEvents(ctx context.Context, name string, t datasets.Trace, devices []string) ([]datasets.Event, []string, error) {
	rows, missing, err := readOptionalTable(ctx, name, "epoch_utc", "resolution_s", "pcap", "event")
	if err != nil {
		return nil, nil, err
	}
	if missing {
		return nil, []string{"no events.csv: no event is labeled"}, nil
	}

	var events []datasets.Event
	vague, outside := 0, 0
	for _, r := range rows {
		fail := func(err error) error { return fmt.Errorf("%s:%d: %w", name, r.line, err) }
		at, err := parseEpoch(r.fields[0])
		if err != nil {
			return nil, nil, fail(err)
		}
		resolution, err := strconv.Atoi(r.fields[1])
		if err != nil || resolution < 1 || resolution > 86400 {
			return nil, nil, fail(fmt.Errorf("resolution_s %q, want seconds", quote(r.fields[1])))
		}
		d, ok := slices.BinarySearch(devices, captureStem(r.fields[2]))
		if !ok {
			return nil, nil, fail(fmt.Errorf("no capture %q", quote(r.fields[2])))
		}

		e := datasets.Event{Start: at.Sub(t.Start), Device: d, Activity: strings.TrimPrefix(r.fields[3], "event_")}
		if e.Start < 0 || e.Start > t.End {
			outside++
			continue
		}

		// The time stands for the beginning of its minute: the event happened
		// at or after it.
		if e.End = e.Start; resolution > 1 {
			e.End += time.Duration(resolution) * time.Second
			vague++
		}
		events = append(events, e)
	}
	sortEvents(events)

	var warnings []string
	if outside > 0 {
		warnings = append(warnings, fmt.Sprintf("%d of %d events happened outside the captures' time and are left out", outside, len(rows)))
	}
	if _, ok := slices.BinarySearch(devices, lockOnTimetable); ok {
		warnings = append(warnings, lockOnTimetable+" is switched on a quarter-hour timetable: compare every attack on it with guess-clock")
	}
	if vague > 0 {
		warnings = append(warnings, fmt.Sprintf("%d of %d events are known to the minute only; each is an interval of its minute", vague, len(events)))
	}
	return events, warnings, nil
}

// A person is there for at most seenApart between two labels and seenAfter the
// last one.
const (
	seenApart = time.Hour
	seenAfter = 15 * time.Minute
)

// seen derives from events when somebody was there: in runs of events that people
// cause, none more than seenApart after the one before, and for seenAfter beyond.
// At other times between the first and the last label of any device two cameras and
// a lock noticed nobody, which is taken for nobody's being there: who sits still out
// of their sight is missed. Before and after that labels were not kept. Nil where
// people caused none.
func seen(events []datasets.Event, devices []string) []datasets.Stay {
	var out []datasets.Stay
	for _, e := range events {
		if devices[e.Device] == lockOnTimetable {
			continue
		}

		// After a first event the last stay is always one with somebody there, since a
		// gap is added together with the visit behind it.
		n := len(out)
		if n > 0 && e.Start-(out[n-1].End-seenAfter) <= seenApart {
			out[n-1].End = max(out[n-1].End, e.End+seenAfter)
			continue
		}
		if from := max(events[0].Start, last(out)); from < e.Start {
			out = append(out, datasets.Stay{Start: from, End: e.Start})
		}
		out = append(out, datasets.Stay{Start: e.Start, End: e.End + seenAfter, Home: 1})
	}
	if out == nil {
		return nil
	}
	if end := events[len(events)-1].Start; last(out) < end {
		out = append(out, datasets.Stay{Start: last(out), End: end})
	}
	return out
}

// last is the end of the last stay.
func last(stays []datasets.Stay) time.Duration {
	if len(stays) == 0 {
		return 0
	}
	return stays[len(stays)-1].End
}

// eastern is US Eastern time in the recorded week, written out so that it does
// not hang on the machine's table of time zones.
func eastern(t time.Time) *time.Location {
	if t.Before(time.Date(2021, 3, 14, 7, 0, 0, 0, time.UTC)) {
		return time.FixedZone("EST", -5*3600)
	}
	return time.FixedZone("EDT", -4*3600)
}

// easternMidnights lists the local midnights inside t.
func easternMidnights(t datasets.Trace) []time.Duration {
	var at []time.Duration
	y, m, d := t.Start.In(eastern(t.Start)).Date()
	for {
		d++
		midnight := time.Date(y, m, d, 5, 0, 0, 0, time.UTC)
		if eastern(midnight).String() == "EDT" {
			midnight = midnight.Add(-time.Hour)
		}
		if since := midnight.Sub(t.Start); since < t.End {
			at = append(at, since)
		} else {
			return at
		}
	}
}
