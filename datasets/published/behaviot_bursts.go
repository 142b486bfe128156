package published

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/catalog"
	"veilbench/datasets/cite"
)

// BurstsName is the published data that has feature rows and no packets.
const BurstsName = "behaviot-bursts"

// behavIoTBursts is feature rows of the traffic of 21 devices.
func behavIoTBursts() Source {
	return Source{
		Entry: catalog.Entry{
			Name:   BurstsName,
			Title:  "54,111 labeled feature rows of traffic bursts of 21 devices, in the publishers' train and test split",
			Source: "https://github.com/NEU-SNS/BehavIoT",
			Papers: cite.Of("behaviot"),
			Terms:  "Apache-2.0; 21 of the publishers' devices, unchanged but compressed",
			Tasks:  []datasets.Task{datasets.TaskRoutine},
			Note:   "no packets, so no defense can be applied and no run takes the rows: datasets describe shows them, and a test checks the forest on them; behaviot-routines is when something was detected on five days, for the clock alone to be judged",
			From:   github("NEU-SNS/BehavIoT", "e4426d0d177dfb3e3320c5d88df0e242b0da1d00"),
		},
		cited: "BehavIoT, github.com/NEU-SNS/BehavIoT commit e4426d0d; Hu et al., BehavIoT: Measuring Smart Home IoT Behavior Using Network-Inferred Behavior Models, IMC 2023",
		loaders: []loader{
			{BurstsName, refuseBursts},
			{"behaviot-routines", one(readRoutines)},
		},
	}
}

// refuseBursts is what a run is told. A trace that was made up to have such
// features would show defenses what nobody recorded.
func refuseBursts(ctx context.Context, path string) ([]datasets.Dataset, error) {
	if _, err := ReadBursts(ctx, path); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("%s holds features of bursts and no packets: there is nothing that a defense could change or an observer see (datasets describe %s=FOLDER shows what is there)", BurstsName, BurstsName)
}

// burstFeatures is how many numbers a burst has.
const burstFeatures = 22

// Burst is one row: features of the packets of one flow with gaps of at most a
// second. All bursts of one experiment have its label, those of the background
// too, so it is events that can be told right or wrong.
type Burst struct {
	Features [burstFeatures]float32 // in the order of the columns; -1 where a cell is empty
	// Event is the experiment, State what was done as published.
	Event, State string
}

// BurstDevice is the rows of one device in the publishers' split. Action and
// Merged are by state: the state without the way it was caused, and the label
// that the published method trains on, which merges what it cannot tell apart.
type BurstDevice struct {
	Name           string
	Train, Test    []Burst
	Action, Merged map[string]string
}

// ReadBursts reads the devices' rows, sorted by name: path is the folder with
// train/<device>.csv.gz, test/<device>.csv.gz (one device has none) and
// labels.csv.
func ReadBursts(ctx context.Context, path string) ([]BurstDevice, error) {
	table := filepath.Join(path, "labels.csv")
	rows, err := readTable(ctx, table, "device", "state", "action", "merged")
	if err != nil {
		return nil, err
	}
	names, err := glob(path, "train", "*.csv*")
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: no rows (want train/<device>.csv.gz)", path)
	}

	var out []BurstDevice
	for _, name := range names {
		stem, _, _ := strings.Cut(filepath.Base(name), ".csv")
		d := BurstDevice{Name: stem, Action: map[string]string{}, Merged: map[string]string{}}
		for _, x := range rows {
			if x.fields[0] == stem {
				d.Action[x.fields[1]], d.Merged[x.fields[1]] = x.fields[2], x.fields[3]
			}
		}

		if d.Train, err = readBurstFile(ctx, name, d); err != nil {
			return nil, err
		}
		// One device has no test rows; the publishers test it on its training rows,
		// which would be no test here.
		d.Test, err = readBurstFile(ctx, filepath.Join(path, "test", filepath.Base(name)), d)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

// readBurstFile reads the rows of d from a file, compressed or not.
func readBurstFile(ctx context.Context, name string, d BurstDevice) ([]Burst, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := io.Reader(stoppable{ctx, f})
	if strings.HasSuffix(name, ".gz") {
		if r, err = gzip.NewReader(r); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	out, err := parseBursts(r, d)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", name, err)
	}
	return out, nil
}

// burstColumns are the features, then what they belong to.
func burstColumns() []string {
	return []string{
		"meanBytes", "minBytes", "maxBytes", "medAbsDev", "skewLength", "kurtosisLength",
		"meanTBP", "varTBP", "medianTBP", "kurtosisTBP", "skewTBP",
		"network_total", "network_in", "network_out", "network_external", "network_local", "network_in_local", "network_out_local",
		"meanBytes_out_external", "meanBytes_in_external", "meanBytes_out_local", "meanBytes_in_local",
		"device", "state", "event",
	}
}

// parseBursts reads a table of bursts. Errors begin with the line.
func parseBursts(r io.Reader, d BurstDevice) ([]Burst, error) {
	rows, err := parseTable(r, burstColumns())
	if err != nil {
		return nil, err
	}
	var out []Burst
	for _, x := range rows {
		var b Burst
		for i := range b.Features {
			// An empty cell is -1, as in the publishers' own code.
			b.Features[i] = -1
			if x.fields[i] == "" {
				continue
			}
			v, err := strconv.ParseFloat(x.fields[i], 32)
			if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, fmt.Errorf("%d: %s %q is no number", x.line, burstColumns()[i], quote(x.fields[i]))
			}
			b.Features[i] = float32(v)
		}

		device := x.fields[burstFeatures]
		b.State, b.Event = x.fields[burstFeatures+1], x.fields[burstFeatures+2]
		if _, ok := d.Merged[b.State]; !ok || device != d.Name || b.Event == "" {
			return nil, fmt.Errorf("%d: event %q, state %q of %q: want an event of %s and a state that labels.csv names", x.line, quote(b.Event), quote(b.State), quote(device), d.Name)
		}
		out = append(out, b)
	}
	return out, nil
}

// readRoutines reads when devices were used on five days of acted routines: path is
// the folder with routines/recordings.csv (device, start_epoch, seconds) and
// routines/detected_events.csv (epoch, device, event). Each day is a recording, from
// the first to the last moment at which any device was recorded, in US Eastern time,
// and its own group.
//
// There are no packets, so all that can be judged here is what a clock without
// traffic knows of a home's days. Events are what the publishers' classifier
// detected, not truth. People were there all the time, by the plan of the
// experiment; stays say only when activity was looked for, and nobody's number.
func readRoutines(ctx context.Context, path string) (datasets.Dataset, error) {
	ds := datasets.Dataset{
		Recorded: datasets.LAN,
		Tasks:    []datasets.Task{datasets.TaskRoutine},
		Split:    "leave-one-group-out",
		Warnings: []string{"no packets: whatever is right here, a clock knew", "events are detections of the publishers' classifier, not truth"},
	}
	devices, err := routineDays(ctx, filepath.Join(path, "routines", "recordings.csv"), &ds)
	if err != nil {
		return ds, err
	}

	table := filepath.Join(path, "routines", "detected_events.csv")
	rows, err := readTable(ctx, table, "epoch", "device", "event")
	if err != nil {
		return ds, err
	}
	strays := 0
	for _, x := range rows {
		at, err := parseEpoch(x.fields[0])
		if err != nil {
			return ds, fmt.Errorf("%s:%d: %w", table, x.line, err)
		}
		d, ok := slices.BinarySearch(devices, x.fields[1])
		if !ok {
			return ds, fmt.Errorf("%s:%d: device %q was not recorded", table, x.line, quote(x.fields[1]))
		}

		// The publishers' table has some events outside of any recording.
		i := slices.IndexFunc(ds.Recordings, func(r datasets.Recording) bool {
			return !at.Before(r.Trace.Start) && !at.After(r.Trace.Start.Add(r.Trace.End))
		})
		if i < 0 {
			strays++
			continue
		}
		since := at.Sub(ds.Recordings[i].Trace.Start)
		ds.Recordings[i].Labels.Events = append(ds.Recordings[i].Labels.Events, datasets.Event{Start: since, End: since, Device: d, Activity: x.fields[2]})
	}

	for i := range ds.Recordings {
		sortEvents(ds.Recordings[i].Labels.Events)
	}
	if strays > 0 {
		ds.Warnings = append(ds.Warnings, fmt.Sprintf("%d of %d events lie outside the recorded hours and are left out", strays, len(rows)))
	}
	return ds, nil
}

// routineDays adds a recording without packets for each day of the table, in order,
// and returns the devices, sorted.
func routineDays(ctx context.Context, table string, ds *datasets.Dataset) ([]string, error) {
	rows, err := readTable(ctx, table, "device", "start_epoch", "seconds")
	if err != nil {
		return nil, err
	}
	summer := time.FixedZone("EDT", -4*3600) // in October 2021

	var devices []string
	from, to := map[string]time.Time{}, map[string]time.Time{}
	for _, x := range rows {
		at, err := parseEpoch(x.fields[1])
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", table, x.line, err)
		}
		length, err := parseSeconds(x.fields[2])
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", table, x.line, err)
		}

		// Devices were recorded apart, but at the same hours.
		at = at.In(summer)
		day := at.Format(time.DateOnly)
		if old, ok := from[day]; !ok || at.Before(old) {
			from[day] = at
		}
		if end := at.Add(length); end.After(to[day]) {
			to[day] = end
		}
		devices = append(devices, x.fields[0])
	}
	slices.Sort(devices)
	devices = slices.Compact(devices)

	for _, day := range slices.Sorted(maps.Keys(from)) {
		r := datasets.Recording{ID: day, Group: day, Labels: datasets.Labels{Devices: devices}}
		r.Trace.Start, r.Trace.End = from[day], to[day].Sub(from[day])
		r.Labels.Stays = []datasets.Stay{{End: r.Trace.End, Home: -1}}
		ds.Recordings = append(ds.Recordings, r)
	}
	return devices, nil
}
