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
	"veilbench/datasets/capture"
	"veilbench/datasets/catalog"
	"veilbench/datasets/cite"
)

// zigbeeEvents is Zigbee traffic of two hubs, with event times.
func zigbeeEvents() Source {
	return Source{
		recorded: datasets.Zigbee,
		Entry: catalog.Entry{
			Name:   "zigbee-events",
			Title:  "45 Zigbee captures of 19 sensors, locks, plugs and bulbs, 115 event times",
			Source: "https://github.com/narmeenshafqat1/ZLeaks",
			Papers: cite.Of("shafqat2021zleaks"),
			Terms:  "no license stated: cite the paper, do not relicense",
			Tasks:  []datasets.Task{datasets.TaskEvent, datasets.TaskDevice, datasets.TaskClip},
			Note:   "radio: the only vantage is zigbee; events are complete as far as they were logged, and 23 commands are not in the log",
			From:   github("narmeenshafqat1/ZLeaks", "b40842776dab54edfee3ed253047231d023e9787"),
		},
		cited: "ZLeaks, github.com/narmeenshafqat1/ZLeaks commit b4084277; Shafqat et al., ZLeaks: Passive Inference Attacks on Zigbee Based Smart Homes, arXiv 2107.10830",
		loaders: []loader{
			{"zigbee-events", one(readZigbeeEvents)},
			{"zigbee-events-activities", one(readZigbeeActivities)},
		},
	}
}

// zigbeeClip is how much behind an event is a clip.
const zigbeeClip = 3 * time.Second

// readZigbeeEvents reads captures of two Zigbee hubs: path is the folder with
// captures/*.pcapng.gz, devices.csv (pan, short, device), captures.csv (capture,
// home_pan) and events.csv (capture, time, device, short_address, activity). Each
// capture is one recording and its own group. A frame belongs to the device at
// one of its ends, the hub aside; frames of a neighbor's network to nobody.
//
// Most devices are in one event capture alone, so an attack across captures
// cannot have met its device: an activity is the same whatever the device.
func readZigbeeEvents(ctx context.Context, path string) (datasets.Dataset, error) {
	ds := datasets.Dataset{
		Recorded: datasets.Zigbee,
		Tasks:    []datasets.Task{datasets.TaskEvent, datasets.TaskDevice},
		Split:    "group-kfold:k=5",
	}
	z, err := readZigbee(ctx, path)
	z.found.tell(&ds)
	if err != nil {
		return ds, err
	}

	classes := map[string][]string{} // by activity
	for _, c := range z.captures {
		r := datasets.Recording{ID: c.stem, Group: c.stem, Trace: c.trace, Labels: datasets.Labels{Devices: z.names, Owners: make([]int32, len(c.trace.Packets))}}
		for i, p := range c.trace.Packets {
			f := c.trace.Flows[p.Flow]
			r.Labels.Owners[i] = -1
			for _, end := range []datasets.MAC{f.Peer, f.MAC} { // the home side last, as it is the nearer one
				if d, ok := z.devices[end]; ok {
					r.Labels.Owners[i] = d
				}
			}
		}

		// Published times are whole seconds, and two lie before the first frame.
		for _, e := range c.events {
			d, _ := slices.BinarySearch(z.names, e.device)
			at := max(e.at.Sub(c.trace.Start), 0)
			r.Labels.Events = append(r.Labels.Events, datasets.Event{Start: at, End: at, Device: d, Activity: e.activity})
			if class := datasets.EventClass(e.device, e.activity); !slices.Contains(classes[e.activity], class) {
				classes[e.activity] = append(classes[e.activity], class)
			}
		}
		sortEvents(r.Labels.Events)
		ds.Recordings = append(ds.Recordings, r)
	}

	for _, list := range classes {
		if len(list) > 1 {
			slices.Sort(list)
			ds.Same = append(ds.Same, list)
		}
	}
	slices.SortFunc(ds.Same, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	return ds, nil
}

// readZigbeeActivities reads the same files as clips of three seconds from each
// event on: the frames to and from the event's device, up being from it. The
// class is "zigbee/<activity>", whatever the device. The group is the capture.
func readZigbeeActivities(ctx context.Context, path string) (datasets.Dataset, error) {
	ds := datasets.Dataset{
		Recorded: datasets.Zigbee,
		Tasks:    []datasets.Task{datasets.TaskClip},
		Split:    "leave-one-group-out",
	}
	z, err := readZigbee(ctx, path)
	z.found.tell(&ds)
	if err != nil {
		return ds, err
	}
	for _, c := range z.captures {
		for n, e := range c.events {
			r := datasets.Recording{ID: fmt.Sprintf("%s/%02d", c.stem, n+1), Group: c.stem}

			// A frame between two devices is on a flow of one of them; in the clip of
			// the other it has to be turned round.
			flows := slices.Clone(c.trace.Flows)
			turned := make([]bool, len(flows))
			for i := range flows {
				if f := &flows[i]; f.Peer == e.address && f.MAC != e.address {
					f.MAC, f.Peer, turned[i] = f.Peer, f.MAC, true
				}
			}

			t := c.trace
			t.Flows = flows
			r.Trace = window(t, e.at.Sub(t.Start), zigbeeClip, func(p *datasets.Packet) bool {
				if turned[p.Flow] {
					p.Dir = 1 - p.Dir
				}
				return flows[p.Flow].MAC == e.address
			})
			r.Labels = datasets.Labels{
				Devices: []string{"zigbee"}, Events: []datasets.Event{{Activity: e.activity}},
				Owners: make([]int32, len(r.Trace.Packets)), Cause: make([]int32, len(r.Trace.Packets)),
			}
			ds.Recordings = append(ds.Recordings, r)
		}
	}
	return ds, nil
}

// zigbee is all that the files say.
type zigbee struct {
	names    []string // devices, sorted
	devices  map[datasets.MAC]int32
	captures []zigbeeCapture
	found    odd
}

// zigbeeCapture is one capture; its events are in the order of the log.
type zigbeeCapture struct {
	stem   string
	trace  datasets.Trace
	events []zigbeeEvent
}

type zigbeeEvent struct {
	at               time.Time
	device, activity string
	address          datasets.MAC
}

// readZigbee reads the tables, then the captures.
func readZigbee(ctx context.Context, path string) (zigbee, error) {
	var z zigbee
	table := filepath.Join(path, "devices.csv")
	rows, err := readTable(ctx, table, "pan", "short", "device")
	if err == nil {
		z.names, z.devices, err = zigbeeDevices(table, rows)
	}
	if err != nil {
		return z, err
	}
	events, err := readZigbeeLog(ctx, path, z.names)
	if err != nil {
		return z, err
	}

	// Devices are the home side, so that up is from them whatever address their
	// hub has.
	var o capture.Options
	for m := range z.devices {
		o.MACs = append(o.MACs, m)
	}
	names, err := glob(path, "captures", "*.pcapng*")
	if err != nil {
		return z, err
	}
	for _, name := range names {
		c := zigbeeCapture{stem: captureStem(name)}
		var found odd
		if c.trace, found, err = openCapture(ctx, name, o); err != nil {
			return z, err
		}
		z.found.doubts, z.found.warnings = append(z.found.doubts, found.doubts...), append(z.found.warnings, found.warnings...)
		c.events = events[c.stem]
		delete(events, c.stem)
		z.captures = append(z.captures, c)
	}
	if len(names) == 0 {
		return z, fmt.Errorf("%s: no captures (want captures/*.pcapng.gz)", path)
	}
	for stem := range events {
		return z, fmt.Errorf("%s: events of %s, of which there is no capture", filepath.Join(path, "events.csv"), quote(stem))
	}
	return z, nil
}

// zigbeeDevices reads who has which address. Hubs are the far side and the
// neighbor is nobody's, so they are left out; several addresses are one device
// that rejoined.
func zigbeeDevices(table string, rows []row) ([]string, map[datasets.MAC]int32, error) {
	var names []string
	byAddress := map[datasets.MAC]string{}
	for _, x := range rows {
		name := x.fields[2]
		if strings.HasSuffix(name, "_hub") || strings.HasSuffix(name, "_bridge") || name == "neighbour" {
			continue
		}
		// Names become classes, in which a slash parts device and activity.
		m, err := zigbeeAddress(x.fields[0], x.fields[1])
		if err == nil && (name == "" || strings.Contains(name, "/")) {
			err = fmt.Errorf("device %q", quote(name))
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s:%d: %w", table, x.line, err)
		}
		byAddress[m] = name
		names = append(names, name)
	}
	slices.Sort(names)
	names = slices.Compact(names)

	devices := map[datasets.MAC]int32{}
	for m, name := range byAddress {
		d, _ := slices.BinarySearch(names, name)
		devices[m] = int32(d)
	}
	return names, devices, nil
}

// readZigbeeLog reads the events by the stem of their capture.
func readZigbeeLog(ctx context.Context, path string, devices []string) (map[string][]zigbeeEvent, error) {
	networks, err := readTable(ctx, filepath.Join(path, "captures.csv"), "capture", "home_pan")
	if err != nil {
		return nil, err
	}
	table := filepath.Join(path, "events.csv")
	rows, err := readTable(ctx, table, "capture", "time", "device", "short_address", "activity")
	if err != nil {
		return nil, err
	}
	return zigbeeLog(table, networks, rows, devices)
}

// zigbeeLog makes events of the rows of a log. Short addresses are of the
// capture's own network, whose number is in another table.
func zigbeeLog(table string, captures, rows []row, devices []string) (map[string][]zigbeeEvent, error) {
	networks := map[string]string{}
	for _, x := range captures {
		networks[captureStem(x.fields[0])] = x.fields[1]
	}

	events := map[string][]zigbeeEvent{}
	for _, x := range rows {
		fail := func(err error) error { return fmt.Errorf("%s:%d: %w", table, x.line, err) }
		stem := captureStem(x.fields[0])
		e := zigbeeEvent{device: x.fields[2], activity: x.fields[4]}
		var err error
		if e.at, err = parseEpoch(x.fields[1]); err != nil {
			return nil, fail(err)
		}

		// Of a capture that the other table lacks the network is "", and no address.
		if e.address, err = zigbeeAddress(networks[stem], x.fields[3]); err != nil {
			return nil, fail(err)
		}
		if _, ok := slices.BinarySearch(devices, e.device); !ok || e.activity == "" || strings.Contains(e.activity, "/") {
			return nil, fail(fmt.Errorf("activity %q of device %q, which devices.csv must name", quote(e.activity), quote(e.device)))
		}
		events[stem] = append(events[stem], e)
	}
	return events, nil
}

// zigbeeAddress is a short address in a network as captures show it: both are
// 0x and four hexadecimal digits.
func zigbeeAddress(pan, short string) (datasets.MAC, error) {
	p, err := strconv.ParseUint(pan, 0, 16)
	if err != nil {
		return datasets.MAC{}, fmt.Errorf("network %q, want such as 0x4446", quote(pan))
	}
	s, err := strconv.ParseUint(short, 0, 16)
	if err != nil {
		return datasets.MAC{}, fmt.Errorf("short address %q, want such as 0xcae4", quote(short))
	}
	return datasets.MAC{0, 0, byte(p >> 8), byte(p), byte(s >> 8), byte(s)}, nil
}
