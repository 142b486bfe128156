package published

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/capture"
	"veilbench/datasets/catalog"
	"veilbench/datasets/cite"
)

// iotSentinel is captures of devices that are being set up.
func iotSentinel() Source {
	return Source{
		Entry: catalog.Entry{
			Name:   "iot-sentinel",
			Title:  "set-up captures of 31 devices",
			Source: "https://github.com/andypitcher/IoT_Sentinel",
			Papers: cite.Of("miettinen2017sentinel"),
			Terms:  "cite the paper; the repository that carries it is under MIT",
			Tasks:  []datasets.Task{datasets.TaskDevice, datasets.TaskClip},
			Note:   "a part (237 of 550 captures); joining a network, not everyday use; near-twins among the devices",
			From:   github("andypitcher/IoT_Sentinel", "0743dc6"),
		},
		cited: "IoT devices captures, Aalto University, as in github.com/andypitcher/IoT_Sentinel commit 0743dc6; Miettinen et al., IoT Sentinel, ICDCS 2017",
		loaders: []loader{
			{"iot-sentinel", one(readIoTSentinel)},
			{"iot-sentinel-windows", one(readIoTSentinelWindows)},
		},
	}
}

// sentinelWindow is the number of packets of a window.
const sentinelWindow = 20

// sentinelFile is one set-up capture.
type sentinelFile struct {
	id     string // "<device>/<stem>"
	device int32
	mac    datasets.MAC
	trace  datasets.Trace
	odd    odd
}

// readIoTSentinel reads the set-up captures of smart-home devices: path is the
// folder with one folder per device, whose name is the label. devices.csv
// (device, mac) beside them gives the hardware addresses; without it they are
// guessed from the captures, with a warning. Each file is
// one recording and its own group: a clip (is it this device that is being set
// up?) whose packets to and from the device's address it owns. Frames of the
// gateway and of phones belong to nobody. IDs sort as the published file names.
func readIoTSentinel(ctx context.Context, path string) (datasets.Dataset, error) {
	files, devices, err := readSentinel(ctx, path)
	if err != nil {
		return datasets.Dataset{}, err
	}
	ds := sentinelDataset([]datasets.Task{datasets.TaskDevice, datasets.TaskClip}, files)
	longest := time.Duration(0)
	for _, f := range files {
		longest = max(longest, f.trace.End)
		ds.Recordings = append(ds.Recordings, f.recording(f.id, f.trace, ownersByMAC(f.trace, f.mac, f.device), devices, true))
	}
	for i := range ds.Recordings {
		ds.Recordings[i].Trace.End = roundUp(longest) // one common end
	}
	return ds, nil
}

// readIoTSentinelWindows reads the same files into clips of 20 consecutive
// packets to or from the device's address, without overlap; the rest of a file
// is left out. The file is the group, so no file is on both sides of a split
// across groups or of fixed-even-odd. A file with fewer than 20 such packets
// becomes one recording without a class, so that positions of files stay as
// they are for fixed-even-odd.
func readIoTSentinelWindows(ctx context.Context, path string) (datasets.Dataset, error) {
	files, devices, err := readSentinel(ctx, path)
	if err != nil {
		return datasets.Dataset{}, err
	}
	ds := sentinelDataset([]datasets.Task{datasets.TaskClip}, files)
	longest, short := time.Duration(0), 0
	for _, f := range files {
		// The traffic of others in a file says nothing about the device.
		own := f.ownPackets()
		n := len(own) / sentinelWindow
		for w := range n {
			at := own[w*sentinelWindow : (w+1)*sentinelWindow]
			t := pickPackets(f.trace, at)
			longest = max(longest, t.End)
			id := f.id + "/" + padded(w, 1000)
			ds.Recordings = append(ds.Recordings, f.recording(id, t, slices.Repeat([]int32{f.device}, len(at)), devices, true))
		}

		if n == 0 {
			short++
			t := pickPackets(f.trace, own)
			longest = max(longest, t.End)
			ds.Recordings = append(ds.Recordings, f.recording(f.id, t, slices.Repeat([]int32{f.device}, len(own)), devices, false))
		}
	}
	for i := range ds.Recordings {
		ds.Recordings[i].Trace.End = roundUp(longest) // one common end
	}

	if short > 0 {
		ds.Warnings = append(ds.Warnings, fmt.Sprintf("%d captures have fewer than %d packets of their device and so no window", short, sentinelWindow))
	}
	return ds, nil
}

func sentinelDataset(tasks []datasets.Task, files []sentinelFile) datasets.Dataset {
	ds := datasets.Dataset{Recorded: datasets.LAN, Tasks: tasks, Split: "fixed-even-odd"}
	for _, f := range files {
		f.odd.tell(&ds)
	}
	return ds
}

// readSentinel reads all captures below path, in the order of their names.
func readSentinel(ctx context.Context, path string) ([]sentinelFile, []string, error) {
	names, err := glob(path, "*", "*.pcap")
	if err != nil {
		return nil, nil, err
	}
	slices.Sort(names)
	if len(names) == 0 {
		return nil, nil, fmt.Errorf("%s: no captures (want <device>/<name>.pcap)", path)
	}
	macs, err := sentinelMACs(ctx, filepath.Join(path, "devices.csv"))
	guessed := err == nil && macs == nil
	if guessed {
		macs, err = guessMACs(ctx, names)
	}
	if err != nil {
		return nil, nil, err
	}

	var devices []string
	for _, n := range names {
		devices = append(devices, filepath.Base(filepath.Dir(n)))
	}
	slices.Sort(devices)
	devices = slices.Compact(devices)

	// The file names of different devices are the same, so messages need the
	// folder.
	var out []sentinelFile
	for _, n := range names {
		device := filepath.Base(filepath.Dir(n))
		d, _ := slices.BinarySearch(devices, device)
		f := sentinelFile{id: device + "/" + strings.TrimSuffix(filepath.Base(n), ".pcap"), device: int32(d)}
		if f.mac = macs[device]; f.mac == (datasets.MAC{}) {
			return nil, nil, fmt.Errorf("%s: no hardware address of %s", filepath.Join(path, "devices.csv"), device)
		}
		if f.trace, f.odd, err = openCapture(ctx, n, capture.Options{MACs: []datasets.MAC{f.mac}}, device); err != nil {
			return nil, nil, err
		}
		out = append(out, f)
	}
	if guessed {
		out[0].odd.warnings = append(out[0].odd.warnings, "no devices.csv: hardware addresses were guessed from the captures")
	}
	return out, devices, nil
}

// sentinelMACs reads the table of hardware addresses; it is nil where there is
// no such file.
func sentinelMACs(ctx context.Context, name string) (map[string]datasets.MAC, error) {
	rows, missing, err := readOptionalTable(ctx, name, "device", "mac")
	if err != nil || missing {
		return nil, err
	}
	macs := map[string]datasets.MAC{}
	for _, r := range rows {
		if macs[r.fields[0]], err = parseMAC(r.fields[1]); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, r.line, err)
		}
	}
	return macs, nil
}

// guessMACs finds the hardware address of each device by its captures: of the
// home side's addresses that occur with at most two devices (twins share one;
// gateways and phones are with many), the one in most of its captures, then
// with the fewest devices, then with the most packets. names are all captures.
func guessMACs(ctx context.Context, names []string) (map[string]datasets.MAC, error) {
	type seen struct{ files, packets int }
	count := map[string]map[datasets.MAC]seen{}
	devices := map[datasets.MAC]int{}
	for _, n := range names {
		t, _, err := openCapture(ctx, n, capture.Options{})
		if err != nil {
			return nil, err
		}
		packets := map[datasets.MAC]int{}
		for _, p := range t.Packets {
			packets[t.Flows[p.Flow].MAC]++
		}
		device := filepath.Base(filepath.Dir(n))
		if count[device] == nil {
			count[device] = map[datasets.MAC]seen{}
		}
		for m, n := range packets {
			s := count[device][m]
			if s.files == 0 {
				devices[m]++
			}
			count[device][m] = seen{s.files + 1, s.packets + n}
		}
	}

	// The last two comparisons make the choice one: maps have no order.
	macs := map[string]datasets.MAC{}
	for device, c := range count {
		for m, s := range c {
			best := macs[device]
			o := c[best]
			order := cmp.Or(cmp.Compare(s.files, o.files), cmp.Compare(devices[best], devices[m]), cmp.Compare(s.packets, o.packets), slices.Compare(best[:], m[:]))
			if devices[m] <= 2 && (order > 0 || o.files == 0) {
				macs[device] = m
			}
		}
	}
	return macs, nil
}

// ownPackets lists the packets to and from the device's address.
func (f sentinelFile) ownPackets() []int32 {
	var own []int32
	for i, o := range ownersByMAC(f.trace, f.mac, 0) {
		if o == 0 {
			own = append(own, int32(i))
		}
	}
	return own
}

// pickPackets returns the trace of some packets, which starts with the first
// and ends with the last of them.
func pickPackets(t datasets.Trace, at []int32) datasets.Trace {
	out := datasets.Trace{Start: t.Start, Flows: t.Flows}
	for i, k := range at {
		p := t.Packets[k]
		if i == 0 {
			out.Start = t.Start.Add(p.Time)
		}
		p.Time -= t.Packets[at[0]].Time
		out.Packets = append(out.Packets, p)
		out.End = p.Time
	}
	out, _ = datasets.LAN.View(nil, out)
	return out
}

func (f sentinelFile) recording(id string, t datasets.Trace, owners []int32, devices []string, labeled bool) datasets.Recording {
	r := datasets.Recording{ID: id, Group: f.id, Trace: t, Labels: datasets.Labels{Devices: devices, Owners: owners}}
	if labeled {
		r.Labels.Events = []datasets.Event{{Device: int(f.device), Activity: "setup"}}
	}
	return r
}
